//! Versions of dictionaries and classes: numbers that are others after a change.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

pub(super) use dictionaries::DictVersion;

type Object = *mut ffi::PyObject;

// SAFETY: what its pointer leads to is touched by none but who is attached.
unsafe impl Send for DictVersion {}
// SAFETY: as above.
unsafe impl Sync for DictVersion {}

/// CPython up to 3.13 gives a dictionary a number anew with every change.
#[cfg(not(Py_3_14))]
mod dictionaries {
    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    use super::Object;

    /// Tells whether a dictionary, which its owner keeps alive, is as it was.
    #[derive(Debug)]
    pub struct DictVersion(Object);

    impl DictVersion {
        pub fn of(dict: &Bound<'_, PyDict>) -> Self {
            Self(dict.as_ptr())
        }

        /// The version; 0 where there is none.
        ///
        /// All of it is compared: from 3.12 on its low bits say who watches, but how many of them do
        /// depends on the version of CPython, and with one bit too many taken away a change would
        /// go unseen.
        #[inline]
        #[cfg_attr(
            Py_3_12,
            expect(deprecated, reason = "still kept up to date, up to 3.13")
        )]
        pub fn now(&self) -> u64 {
            // SAFETY: the dictionary is alive.
            unsafe { (*self.0.cast::<ffi::PyDictObject>()).ma_version_tag }
        }

        /// The version as from now on.
        pub fn renewed(&self) -> u64 {
            self.now()
        }
    }
}

/// From 3.14 on there are no such numbers, but watchers, who are told of each change before it is
/// made. Ours stops watching at the first one, so that a dictionary that changes all the time costs
/// its program nothing; it begins again when somebody has looked at the dictionary anew.
#[cfg(Py_3_14)]
mod dictionaries {
    use std::collections::HashMap;
    use std::ffi::c_int;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    use super::Object;

    type Callback = unsafe extern "C" fn(c_int, Object, Object, Object) -> c_int;

    unsafe extern "C" {
        fn PyDict_AddWatcher(callback: Callback) -> c_int;
    }

    /// The versions of dictionaries by their addresses: of what is gone, 0.
    type Versions = HashMap<usize, Arc<AtomicU64>>;

    static VERSIONS: Mutex<Option<Versions>> = Mutex::new(None);
    /// No two dictionaries, and no two times of one, have the same.
    static NEXT: AtomicU64 = AtomicU64::new(1);

    fn version_at(dict: Object) -> Arc<AtomicU64> {
        let mut versions = VERSIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = versions.get_or_insert_default();
        versions.entry(dict as usize).or_default().clone()
    }

    /// Our number among those who watch; none where there are too many.
    fn watcher(py: Python<'_>) -> Option<c_int> {
        static WATCHER: OnceLock<Option<c_int>> = OnceLock::new();
        *WATCHER.get_or_init(|| {
            // SAFETY: attached; the function is there for good.
            let number = unsafe { PyDict_AddWatcher(changes) };
            if number < 0 {
                drop(PyErr::take(py));
            }
            (number >= 0).then_some(number)
        })
    }

    unsafe extern "C" fn changes(_: c_int, dict: Object, _: Object, _: Object) -> c_int {
        version_at(dict).store(0, Ordering::Relaxed);
        // SAFETY: the interpreter calls this, attached, with a dictionary that our watcher watches.
        unsafe {
            if let Some(watcher) = watcher(Python::assume_attached()) {
                ffi::PyDict_Unwatch(watcher, dict);
            }
        }
        0
    }

    /// Tells whether a dictionary, which its owner keeps alive, is as it was.
    #[derive(Debug)]
    pub struct DictVersion {
        dict: Object,
        version: Arc<AtomicU64>,
    }

    impl DictVersion {
        pub fn of(dict: &Bound<'_, PyDict>) -> Self {
            let dict = dict.as_ptr();
            Self {
                dict,
                version: version_at(dict),
            }
        }

        /// The version; 0 where it changed since it was last looked at.
        #[inline]
        pub fn now(&self) -> u64 {
            self.version.load(Ordering::Relaxed)
        }

        /// The version as from now on; 0 where nobody can tell.
        pub fn renewed(&self) -> u64 {
            let now = self.now();
            if now != 0 {
                return now;
            }
            // SAFETY: versions are asked for by who is attached; the dictionary is alive.
            unsafe {
                let py = Python::assume_attached();
                let Some(watcher) = watcher(py) else {
                    return 0;
                };
                if ffi::PyDict_Watch(watcher, self.dict) != 0 {
                    drop(PyErr::take(py));
                    return 0;
                }
            }
            let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
            self.version.store(fresh, Ordering::Relaxed);
            fresh
        }
    }
}

/// The version of a class; 0 where it has none.
pub(super) fn version_tag(class: Object) -> u32 {
    // SAFETY: callers pass a live class.
    unsafe { (*class.cast::<ffi::PyTypeObject>()).tp_version_tag }
}

#[cfg(Py_3_12)]
unsafe extern "C" {
    fn PyUnstable_Type_AssignVersionTag(class: *mut ffi::PyTypeObject) -> std::ffi::c_int;
}

/// The version of a class, given to it now if it had none; 0 where it can't have one.
pub fn version_of_class(class: &Bound<'_, PyType>) -> u32 {
    if version_tag(class.as_ptr()) == 0 {
        assign_version(class);
    }
    version_tag(class.as_ptr())
}

/// The version of a dictionary as from now on; 0 where there is none.
pub fn version_of_dict(dict: &Bound<'_, PyDict>) -> u64 {
    DictVersion::of(dict).renewed()
}

/// Gives a class a version, if it has none and may have one.
pub(super) fn assign_version(class: &Bound<'_, PyType>) {
    #[cfg(Py_3_12)]
    // SAFETY: the class is alive.
    unsafe {
        PyUnstable_Type_AssignVersionTag(class.as_type_ptr());
    }
    #[cfg(not(Py_3_12))]
    // Looking something up gives one: a name that the metaclass has no data for.
    drop(class.getattr("__init__"));
}
