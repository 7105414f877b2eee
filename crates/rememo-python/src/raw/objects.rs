//! The elements of an array of objects, as they lie in memory.

use pyo3::ffi;
use pyo3::prelude::*;

/// One of them.
#[derive(Clone, Copy)]
pub enum Element<'a, 'py> {
    None,
    Truth(bool),
    Integer(i64),
    Float(f64),
    Text(Text<'a>),
    /// None of the above, or an integer of more bits.
    Other(Borrowed<'a, 'py, PyAny>),
}

/// A text as the interpreter keeps it: by the width of its widest character.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// This is UTF-8 too.
    Ascii(&'a [u8]),
    Narrow(&'a [u8]),
    Wide(&'a [u16]),
    Widest(&'a [u32]),
}

/// Looks at all elements of an array of one dimension, each next to the other. `look` must run no
/// Python code. False where the array is none of objects.
pub fn each_object<'py>(
    array: &Bound<'py, PyAny>,
    mut look: impl FnMut(Element<'_, 'py>),
) -> PyResult<bool> {
    let py = array.py();
    let mut view = std::mem::MaybeUninit::<ffi::Py_buffer>::zeroed();
    // SAFETY: the view is released below; until then the exporter keeps format and memory in place.
    // The elements of a buffer of format `O` are references that the array holds, or null; nothing
    // runs that could replace one.
    unsafe {
        let wanted = ffi::PyBUF_FORMAT | ffi::PyBUF_C_CONTIGUOUS;
        if ffi::PyObject_GetBuffer(array.as_ptr(), view.as_mut_ptr(), wanted) != 0 {
            return Err(PyErr::fetch(py));
        }
        let view = view.assume_init_mut();
        let objects = std::ffi::CStr::from_ptr(view.format) == c"O";
        if objects && view.len > 0 {
            let count = view.len.unsigned_abs() / size_of::<*mut ffi::PyObject>();
            let start = view.buf.cast::<*mut ffi::PyObject>();
            for object in std::slice::from_raw_parts(start, count) {
                look(element(py, *object));
            }
        }
        ffi::PyBuffer_Release(view);
        Ok(objects)
    }
}

/// # Safety
/// The object must be null or alive for as long as the element is used.
#[inline]
unsafe fn element<'a>(py: Python<'_>, object: *mut ffi::PyObject) -> Element<'a, '_> {
    // SAFETY: the object is alive, and each look at it follows the check of its exact type.
    unsafe {
        if object.is_null() || object == ffi::Py_None() {
            return Element::None;
        }
        let class = ffi::Py_TYPE(object);
        if class == &raw mut ffi::PyUnicode_Type {
            if let Some(text) = text(object) {
                return Element::Text(text);
            }
        } else if class == &raw mut ffi::PyFloat_Type {
            return Element::Float(ffi::PyFloat_AS_DOUBLE(object));
        } else if class == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            let number = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
            if overflow == 0 {
                return Element::Integer(number);
            }
        } else if class == &raw mut ffi::PyBool_Type {
            return Element::Truth(object == ffi::Py_True());
        }
        Element::Other(Borrowed::from_ptr(py, object))
    }
}

/// # Safety
/// The object must be a live, exact string.
#[inline]
unsafe fn text<'a>(object: *mut ffi::PyObject) -> Option<Text<'a>> {
    // SAFETY: a ready string has its kind, length and content where these say.
    unsafe {
        if !is_ready(object) {
            return None;
        }
        let length = ffi::PyUnicode_GET_LENGTH(object).unsigned_abs();
        let start = ffi::PyUnicode_DATA(object);
        Some(match ffi::PyUnicode_KIND(object) {
            ffi::PyUnicode_1BYTE_KIND => {
                let characters = std::slice::from_raw_parts(start.cast(), length);
                if characters.is_ascii() {
                    Text::Ascii(characters)
                } else {
                    Text::Narrow(characters)
                }
            }
            ffi::PyUnicode_2BYTE_KIND => {
                Text::Wide(std::slice::from_raw_parts(start.cast(), length))
            }
            _ => Text::Widest(std::slice::from_raw_parts(start.cast(), length)),
        })
    }
}

/// Whether the content of a string is where its kind says. Up to 3.11 extensions could make strings
/// of which it is not, yet.
///
/// # Safety
/// The object must be a live string.
#[cfg(not(Py_3_12))]
#[inline]
pub(super) unsafe fn is_ready(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's.
    unsafe { ffi::PyUnicode_IS_READY(object) != 0 }
}

/// There are none but ready strings any more.
///
/// # Safety
/// None.
#[cfg(Py_3_12)]
#[inline]
pub(super) unsafe fn is_ready(_object: *mut ffi::PyObject) -> bool {
    true
}
