//! What takes a look at the interpreter's memory itself: the one place with unsafe code.

#![expect(unsafe_code, reason = "each block says what it relies on")]

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyType};
use rememo::Encoder;

/// Writes the bytes of a contiguous buffer.
///
/// A thread that has released the interpreter's lock may write into the buffer meanwhile. The
/// digest is then of no state that ever was; the look at the key after the run tells.
pub fn encode_buffer(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<()> {
    let buffer = PyBuffer::<u8>::get(object)?;
    if !buffer.is_c_contiguous() {
        encoder.bytes(&buffer.to_vec(object.py())?);
        return Ok(());
    }
    if buffer.len_bytes() == 0 {
        encoder.bytes(&[]);
        return Ok(());
    }
    // SAFETY: the exporter keeps `len_bytes` bytes at `buf_ptr` in place while `buffer` lives,
    // which is longer than the slice; they are contiguous, initialised and of type `u8`.
    let bytes =
        unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes()) };
    encoder.bytes(bytes);
    Ok(())
}

/// How many references there are to an object.
pub fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: a bound object is alive, and its reference count is a field of every object.
    unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) }
}

/// The dictionary of an instance, whatever its class makes of `__dict__`; `None` where it has none.
pub fn namespace<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    // SAFETY: a bound object is alive, and so is its type; the result is a new reference, or null
    // with an exception set.
    let namespace = unsafe {
        if (*object.get_type_ptr()).tp_dictoffset == 0 {
            return Ok(None);
        }
        let found = pyo3::ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
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
