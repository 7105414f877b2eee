//! What objects hold, as their structures have it, whatever their classes make of that.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyMapping, PyTuple, PyType};

/// All modules that have been imported, by name: what `sys.modules` was from the start.
pub fn modules(py: Python<'_>) -> Bound<'_, PyDict> {
    // SAFETY: attached; the result is borrowed, and lives as long as the interpreter.
    unsafe {
        let modules = Bound::from_borrowed_ptr(py, ffi::PyImport_GetModuleDict());
        modules.cast_into_unchecked()
    }
}

/// The dictionary of an instance, whatever its class makes of `__dict__`; `None` where it has none.
pub fn namespace<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    // SAFETY: a bound object is alive, and so is its type; the result is a new reference, or null
    // with an exception set.
    let namespace = unsafe {
        if (*object.get_type_ptr()).tp_dictoffset == 0 {
            return Ok(None);
        }
        let found = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), found)?
    };
    Ok(Some(namespace.cast_into()?))
}

/// The namespace of a class as it is now, whatever its metaclass makes of `__dict__`.
pub fn class_namespace<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyDict>> {
    let py = class.py();
    // SAFETY: a bound class is alive, and so is the dictionary that it points to; the reference is
    // borrowed, and made one of our own at once.
    let namespace = unsafe {
        let found = (*class.as_type_ptr()).tp_dict;
        Bound::from_borrowed_ptr_or_opt(py, found)
    };
    if let Some(namespace) = namespace {
        return namespace.cast_into::<PyDict>()?.copy();
    }
    // From CPython 3.12 on, some built-in types keep theirs elsewhere.
    let namespace = PyDict::new(py);
    namespace.update(class.getattr("__dict__")?.cast::<PyMapping>()?)?;
    Ok(namespace)
}

/// The attributes set on a function, if there are any. Unlike asking for `__dict__`, this makes no
/// dictionary where there is none.
pub fn attributes_of<'py>(function: &Bound<'py, PyFunction>) -> Option<Bound<'py, PyDict>> {
    let pointer = function.as_ptr().cast::<ffi::PyFunctionObject>();
    // SAFETY: the function is alive; its attributes are null or a dictionary that it holds.
    let attributes = unsafe { (*pointer).func_dict };
    if attributes.is_null() {
        return None;
    }
    // SAFETY: as above.
    let attributes = unsafe { Bound::from_borrowed_ptr(function.py(), attributes) };
    attributes.cast_into().ok()
}

/// Whether a function has annotations that need not be made first.
pub fn has_annotations(function: &Bound<'_, PyFunction>) -> bool {
    // SAFETY: the function is alive, and a field of it is read.
    unsafe {
        !(*function.as_ptr().cast::<ffi::PyFunctionObject>())
            .func_annotations
            .is_null()
    }
}

/// The defaults of a function: those of its last positional parameters, and those by name.
pub fn defaults_of<'py>(
    function: &Bound<'py, PyFunction>,
) -> (Option<Bound<'py, PyTuple>>, Option<Bound<'py, PyDict>>) {
    let py = function.py();
    let pointer = function.as_ptr().cast::<ffi::PyFunctionObject>();
    // SAFETY: the function is alive; each field is null or an object that it holds.
    let (last, by_name) = unsafe {
        (
            Bound::from_borrowed_ptr_or_opt(py, (*pointer).func_defaults),
            Bound::from_borrowed_ptr_or_opt(py, (*pointer).func_kwdefaults),
        )
    };
    let last = last.and_then(|last| last.cast_into().ok());
    (last, by_name.and_then(|by_name| by_name.cast_into().ok()))
}
