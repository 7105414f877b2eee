//! Exceptions that are kept as results are: as an object that stands for the raising of one.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};

fn kind(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static KIND: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    KIND.import(py, "rememo.raised", "Raised")
}

/// What stands for an exception, if it is one of those that are kept.
pub fn kept(py: Python<'_>, error: PyErr, kinds: &Py<PyTuple>) -> PyResult<Py<PyAny>> {
    if error.value(py).is_instance(kinds.bind(py))? {
        return Ok(kind(py)?.call1((error.into_value(py),))?.unbind());
    }
    Err(error)
}

/// Whether a result stands for an exception.
pub fn is_raised(value: &Bound<'_, PyAny>) -> bool {
    kind(value.py()).is_ok_and(|kind| value.get_type().is(kind))
}

/// A result as the caller is to have it.
pub fn handed_back(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if is_raised(&value) {
        return Err(PyErr::from_value(value.getattr("exception")?));
    }
    Ok(value)
}
