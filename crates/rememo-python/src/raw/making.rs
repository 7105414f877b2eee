//! Stands around what makes an instance of a built-in class what it is: the slot behind `__init__`,
//! which no description of a method leads to, and the shortcut past it that a class may have for
//! being called.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use super::hooks::{Unreachable, is_recording};

/// What is told of an instance that is made, while a recording is under way.
pub struct Around {
    /// Before it is made, with the positional arguments; whether the end is to be told of.
    pub begins: for<'py> fn(&Bound<'py, PyTuple>) -> bool,
    /// After that, whatever came of it.
    pub ends: fn(),
}

struct Stood {
    around: Around,
    init: ffi::initproc,
    /// What a call of the class is, where that takes no slot.
    call: Option<ffi::vectorcallfunc>,
}

static STOOD: OnceLock<Stood> = OnceLock::new();

/// Stands around the making of instances of a class; of one class in a process. Classes that were
/// derived from it before go unheard.
pub fn stand_around(class: &Bound<'_, PyType>, around: Around) -> Result<(), Unreachable> {
    let class = class.as_type_ptr();
    // SAFETY: the class is alive, and its slots are read and written while this thread is attached.
    unsafe {
        let init = (*class).tp_init.ok_or(Unreachable)?;
        let call = (*class).tp_vectorcall;
        let stood = Stood { around, init, call };
        STOOD.set(stood).map_err(|_| Unreachable)?;
        (*class).tp_init = Some(initialize);
        if call.is_some() {
            (*class).tp_vectorcall = Some(make);
        }
        ffi::PyType_Modified(class);
    }
    Ok(())
}

unsafe extern "C" fn initialize(
    instance: *mut ffi::PyObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> c_int {
    let Some(stood) = STOOD.get() else {
        return -1;
    };
    // SAFETY: the interpreter calls this attached, with a tuple, or null in its place.
    let given = |py| unsafe {
        let given = Bound::from_borrowed_ptr_or_opt(py, arguments)?;
        given.cast_into::<PyTuple>().ok()
    };
    stood.around.told(given, || {
        // SAFETY: called with what it was to be called with.
        unsafe { (stood.init)(instance, arguments, keywords) }
    })
}

unsafe extern "C" fn make(
    class: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    flagged_count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some((stood, call)) = STOOD.get().and_then(|stood| Some((stood, stood.call?))) else {
        return std::ptr::null_mut();
    };
    let given = |py| {
        // SAFETY: the interpreter calls this attached, with as many live objects.
        let given = (0..unsafe { ffi::PyVectorcall_NARGS(flagged_count) }.unsigned_abs())
            .map(|at| unsafe { Bound::from_borrowed_ptr(py, *arguments.add(at)) });
        PyTuple::new(py, given.collect::<Vec<_>>()).ok()
    };
    stood.around.told(given, || {
        // SAFETY: called with what it was to be called with.
        unsafe { call(class, arguments, flagged_count, names) }
    })
}

impl Around {
    /// Does what makes an instance, given such positional arguments, and tells of it.
    fn told<'py, T>(
        &self,
        given: impl FnOnce(Python<'py>) -> Option<Bound<'py, PyTuple>>,
        work: impl FnOnce() -> T,
    ) -> T {
        let told = is_recording() && {
            // SAFETY: instances are made by threads that are attached.
            let py = unsafe { Python::assume_attached() };
            let begins = || given(py).is_some_and(|given| (self.begins)(&given));
            catch_unwind(AssertUnwindSafe(begins)).unwrap_or(false)
        };
        let done = work();
        if told {
            (self.ends)();
        }
        done
    }
}
