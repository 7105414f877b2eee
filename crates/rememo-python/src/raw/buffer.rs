//! The memory behind a buffer.

use std::ffi::c_int;

use bytes::Bytes;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
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

/// Fills a new, contiguous buffer of this many bytes, of whatever type.
pub fn fill(object: &Bound<'_, PyAny>, bytes: &[u8]) -> PyResult<()> {
    let py = object.py();
    let mut view = std::mem::MaybeUninit::<ffi::Py_buffer>::zeroed();
    // SAFETY: the view is released below; until then the exporter keeps `len` bytes at `buf` in
    // place, which may be written to. Nobody else has seen the object yet.
    unsafe {
        let wanted = ffi::PyBUF_WRITABLE | ffi::PyBUF_C_CONTIGUOUS;
        if ffi::PyObject_GetBuffer(object.as_ptr(), view.as_mut_ptr(), wanted) != 0 {
            return Err(PyErr::fetch(py));
        }
        let view = view.assume_init_mut();
        let fits = view.len.unsigned_abs() == bytes.len();
        if fits && !bytes.is_empty() {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), view.buf.cast::<u8>(), bytes.len());
        }
        ffi::PyBuffer_Release(view);
        if fits {
            return Ok(());
        }
    }
    Err(PyBufferError::new_err("a buffer of another size"))
}

/// Bytes that Python objects may look at and never write to, for as long as any of them does.
#[pyclass(module = "rememo._core", name = "_SharedBuffer", frozen)]
struct SharedBuffer(Bytes);

#[pymethods]
impl SharedBuffer {
    /// # Safety
    /// Called by the interpreter, with a view for it to fill in.
    unsafe fn __getbuffer__(
        slf: &Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().0;
        let start = bytes.as_ptr().cast_mut().cast();
        let length = bytes.len().cast_signed();
        // SAFETY: the view holds a reference to this object, which holds the bytes in place; as
        // they are not to be written to, a view that wants to is refused.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, length, 1, flags) };
        if filled == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// An object with a buffer of these bytes, which nobody can write to.
pub fn shared_buffer(py: Python<'_>, bytes: Bytes) -> PyResult<Bound<'_, PyAny>> {
    Ok(Bound::new(py, SharedBuffer(bytes))?.into_any())
}
