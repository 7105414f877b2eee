//! Stands around what makes an instance of a built-in class what it is: the slot behind `__init__`,
//! which no description of a method leads to.

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

static STOOD: OnceLock<(ffi::initproc, Around)> = OnceLock::new();

/// Stands around the making of instances of a class; of one class in a process. Classes that were
/// derived from it before go unheard.
pub fn stand_around(class: &Bound<'_, PyType>, around: Around) -> Result<(), Unreachable> {
    let class = class.as_type_ptr();
    // SAFETY: the class is alive, and its slots are read and written while this thread is attached.
    unsafe {
        let original = (*class).tp_init.ok_or(Unreachable)?;
        STOOD.set((original, around)).map_err(|_| Unreachable)?;
        (*class).tp_init = Some(make);
        ffi::PyType_Modified(class);
    }
    Ok(())
}

unsafe extern "C" fn make(
    instance: *mut ffi::PyObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> c_int {
    let Some((original, around)) = STOOD.get() else {
        return -1;
    };
    let told = is_recording() && {
        // SAFETY: the interpreter calls this attached, with a tuple, or null in its place.
        let given = unsafe {
            let py = Python::assume_attached();
            Bound::from_borrowed_ptr_or_opt(py, arguments)
        };
        let begins = || {
            let given = given.as_ref()?.cast::<PyTuple>().ok()?;
            Some((around.begins)(given))
        };
        catch_unwind(AssertUnwindSafe(begins)).is_ok_and(|told| told == Some(true))
    };
    // SAFETY: called with what it was to be called with.
    let made = unsafe { original(instance, arguments, keywords) };
    if told {
        (around.ends)();
    }
    made
}
