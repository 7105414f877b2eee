//! The memory behind a buffer.

use pyo3::buffer::PyBuffer;
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
