//! Arrays of numbers, by the buffer protocol.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use pyo3::ffi;
use twox_hash::XxHash3_128;

use super::{ARRAY, BULK, BULK_CONTENT, Object, Quick};

impl Quick<'_, '_> {
    /// Takes an exact numpy array of numbers: format, shape and content.
    ///
    /// # Safety
    /// The object must be alive.
    pub(super) unsafe fn array(&mut self, object: Object) -> bool {
        let mut view = MaybeUninit::<ffi::Py_buffer>::zeroed();
        // SAFETY: the view is released below; until then the exporter keeps shape, strides, format
        // and memory in place.
        unsafe {
            let wanted = ffi::PyBUF_FORMAT | ffi::PyBUF_STRIDES;
            if ffi::PyObject_GetBuffer(object, view.as_mut_ptr(), wanted) != 0 {
                ffi::PyErr_Clear();
                return false;
            }
            let view = view.assume_init_mut();
            let taken = self.view(view);
            ffi::PyBuffer_Release(view);
            taken
        }
    }

    /// # Safety
    /// The view must be one with format, shape and strides.
    unsafe fn view(&mut self, view: &ffi::Py_buffer) -> bool {
        // SAFETY: as promised by the caller, and by the buffer protocol.
        unsafe {
            let format = CStr::from_ptr(view.format).to_bytes();
            // References count by what they refer to, and what pads a record is noise.
            if format.iter().any(|code| matches!(code, b'O' | b'T' | b'x')) {
                return false;
            }
            let dimensions = view.ndim.unsigned_abs() as usize;
            self.tagged(ARRAY, dimensions as u64);
            self.content(format, true);
            for at in 0..dimensions {
                self.raw(&(*view.shape.add(at)).to_le_bytes());
            }
            if ffi::PyBuffer_IsContiguous(view, b'C'.cast_signed()) != 0 {
                self.raw(b"C");
                let length = view.len.unsigned_abs();
                let start = view.buf.cast::<u8>();
                let memory = if length == 0 {
                    &[]
                } else {
                    std::slice::from_raw_parts(start, length)
                };
                self.content(memory, true);
            } else {
                // In the order of its elements, as above, so that equal arrays mostly agree.
                self.raw(b"C");
                self.strided(view, dimensions);
            }
        }
        true
    }

    /// Takes the elements of a view one after the other.
    ///
    /// # Safety
    /// As for `view`.
    unsafe fn strided(&mut self, view: &ffi::Py_buffer, dimensions: usize) {
        let size = view.itemsize.unsigned_abs();
        let mut hash = XxHash3_128::new();
        let mut chunk = Vec::with_capacity(BULK + size);
        let mut position = vec![0; dimensions];
        // SAFETY: every position within the shape is an element of the exporter's.
        unsafe {
            let shape = std::slice::from_raw_parts(view.shape, dimensions);
            let strides = std::slice::from_raw_parts(view.strides, dimensions);
            let mut left: usize = shape.iter().map(|extent| extent.unsigned_abs()).product();
            let mut at = view.buf.cast::<u8>().cast_const();
            while left > 0 {
                chunk.extend_from_slice(std::slice::from_raw_parts(at, size));
                if chunk.len() >= BULK {
                    hash.write(&chunk);
                    chunk.clear();
                }
                left -= 1;
                for axis in (0..dimensions).rev() {
                    position[axis] += 1;
                    at = at.offset(strides[axis]);
                    if position[axis] < shape[axis] {
                        break;
                    }
                    at = at.offset(-strides[axis] * shape[axis]);
                    position[axis] = 0;
                }
            }
        }
        hash.write(&chunk);
        self.tagged(BULK_CONTENT, view.len.unsigned_abs() as u64);
        self.raw(&hash.finish_128().to_le_bytes());
    }
}

/// Whether a class is numpy's array itself.
pub(super) fn is_array(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the class is alive; only static types of extensions lie outside the heap, and their
    // names are C strings that stay.
    unsafe {
        (*class).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE == 0
            && CStr::from_ptr((*class).tp_name) == c"numpy.ndarray"
    }
}
