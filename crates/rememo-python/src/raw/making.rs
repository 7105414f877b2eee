//! Stands around what makes an instance of a built-in class what it is: the slot behind `__init__`,
//! which no description of a method leads to, and the shortcut past it that a class may have for
//! being called.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::Arguments;
use super::hooks::{Probe, Unreachable, is_recording};

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

/// What stands in front of the making of instances of a class.
struct BeforeNew {
    original: ffi::newfunc,
    probe: Probe,
}

const CLASSES: usize = 8;
static BEFORE_NEW: [OnceLock<BeforeNew>; CLASSES] = [const { OnceLock::new() }; CLASSES];
static NEW: [ffi::newfunc; CLASSES] = [
    new::<0>, new::<1>, new::<2>, new::<3>, new::<4>, new::<5>, new::<6>, new::<7>,
];

/// Has the making of each instance of a class told before it is made, while a recording is under way.
/// Classes that were derived from it before go unheard.
pub fn stand_before_new(class: &Bound<'_, PyType>, probe: Probe) -> Result<(), Unreachable> {
    let class = class.as_type_ptr();
    // SAFETY: the class is alive, and its slots are read and written while this thread is attached.
    unsafe {
        let original = (*class).tp_new.ok_or(Unreachable)?;
        let mut places = BEFORE_NEW.iter();
        let taken = |place: &OnceLock<_>| place.set(BeforeNew { original, probe }).is_ok();
        let free = places.position(taken).ok_or(Unreachable)?;
        (*class).tp_new = Some(NEW[free]);
        // A shorter way to the same, past the slot, which the interpreter takes where there is one.
        (*class).tp_vectorcall = None;
        ffi::PyType_Modified(class);
    }
    Ok(())
}

unsafe extern "C" fn new<const PLACE: usize>(
    class: *mut ffi::PyTypeObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(BeforeNew { original, probe }) = BEFORE_NEW[PLACE].get() else {
        return std::ptr::null_mut();
    };
    if is_recording() {
        // SAFETY: the interpreter calls this attached, with a tuple, and a dictionary or null.
        let told = catch_unwind(AssertUnwindSafe(|| unsafe {
            tell_of_new(*probe, arguments, keywords);
        }));
        drop(told);
    }
    // SAFETY: called with what it was to be called with.
    unsafe { original(class, arguments, keywords) }
}

/// Tells of what an instance is made with.
///
/// # Safety
/// Called attached, with a tuple, and a dictionary or null.
unsafe fn tell_of_new(
    probe: Probe,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> Option<()> {
    // SAFETY: the caller's; what is passed is held by the tuple and the dictionary.
    unsafe {
        let py = Python::assume_attached();
        let positional = Bound::from_borrowed_ptr_or_opt(py, arguments)?;
        let positional = positional.cast_into::<PyTuple>().ok()?;
        let keywords = Bound::from_borrowed_ptr_or_opt(py, keywords);
        let keywords = keywords.and_then(|keywords| keywords.cast_into::<PyDict>().ok());
        let mut values: Vec<_> = positional.iter().map(|value| value.as_ptr()).collect();
        let mut names = Vec::new();
        for (name, value) in keywords.iter().flatten() {
            names.push(name);
            values.push(value.as_ptr());
        }
        let names = PyTuple::new(py, names).ok()?;
        let count = positional.len();
        probe(Arguments::passed(
            py,
            values.as_ptr(),
            count,
            names.as_ptr(),
        ));
    }
    Some(())
}
