//! Values without parts, of exact built-in types.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyString};
use rememo::Encoder;

use super::tag;

/// Whether a value is an immutable one that [`encode`] takes.
pub fn is_immutable_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
}

/// How a number, a truth value or `None` is written, unless it is long.
pub(super) fn number(value: &Bound<'_, PyAny>) -> Option<String> {
    const SHORT: usize = 40;
    let is_one = value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>();
    let written = is_one.then(|| value.repr().ok()?.extract().ok()).flatten();
    written.filter(|written: &String| written.len() <= SHORT)
}

/// Encodes a value without parts; false, and nothing written, where it is not one.
pub(super) fn encode(value: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        string(text, encoder)?;
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        integer(number, encoder)?;
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        encoder.tag(tag::FLOAT);
        encoder.u64(number.value().to_bits());
    } else if value.is_none() {
        encoder.tag(tag::NONE);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        encoder.tag(if truth.is_true() {
            tag::TRUE
        } else {
            tag::FALSE
        });
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        encoder.tag(tag::BYTES);
        encoder.bytes(bytes.as_bytes());
    } else if let Ok(number) = value.cast_exact::<PyComplex>() {
        encoder.tag(tag::COMPLEX);
        encoder.u64(number.real().to_bits());
        encoder.u64(number.imag().to_bits());
    } else if let Ok(bytes) = value.cast_exact::<PyByteArray>() {
        encoder.tag(tag::BYTEARRAY);
        encoder.bytes(&bytes.to_vec());
    } else if value.is(value.py().Ellipsis()) {
        encoder.tag(tag::ELLIPSIS);
    } else if value.is(value.py().NotImplemented()) {
        encoder.tag(tag::NOT_IMPLEMENTED);
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn string(text: &Bound<'_, PyString>, encoder: &mut Encoder) -> PyResult<()> {
    encoder.tag(tag::STR);
    if let Ok(text) = text.to_str() {
        encoder.str(text);
    } else {
        // A lone surrogate has no UTF-8; this escape of it is no other text's encoding.
        let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
        encoder.bytes(bytes.cast::<PyBytes>()?.as_bytes());
    }
    Ok(())
}

/// Two's complement, little-endian, in eight bytes or, beyond them, as few as hold the sign.
fn integer(number: &Bound<'_, PyInt>, encoder: &mut Encoder) -> PyResult<()> {
    encoder.tag(tag::INT);
    if let Ok(small) = number.extract::<i64>() {
        encoder.bytes(&small.to_le_bytes());
        return Ok(());
    }
    let bits: usize = number.call_method0("bit_length")?.extract()?;
    let signed = PyDict::new(number.py());
    signed.set_item("signed", true)?;
    let bytes = number.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&signed))?;
    encoder.bytes(bytes.cast::<PyBytes>()?.as_bytes());
    Ok(())
}
