//! Numbers, text and the containers of plain data.

use std::ffi::CStr;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use super::{BYTES, DICT, INT, LIST, Object, Quick, SHORT_STR, STR, TUPLE};
use crate::raw::objects::is_ready;

impl Quick<'_, '_> {
    /// # Safety
    /// The object must be an exact, live integer.
    #[inline]
    pub(super) unsafe fn integer(&mut self, object: Object) -> bool {
        let mut overflow = 0;
        // SAFETY: for an exact integer this runs no Python code.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
        if overflow != 0 {
            return false;
        }
        self.tagged(INT, value.cast_unsigned());
        true
    }

    /// # Safety
    /// The object must be an exact, live string.
    #[inline]
    pub(super) unsafe fn text(&mut self, object: Object) -> bool {
        // SAFETY: a ready string has its kind, length and content where these say.
        unsafe {
            if !is_ready(object) {
                return false;
            }
            let kind = ffi::PyUnicode_KIND(object);
            let length = ffi::PyUnicode_GET_LENGTH(object).unsigned_abs() * kind as usize;
            let start = ffi::PyUnicode_DATA(object).cast::<u8>();
            let text = std::slice::from_raw_parts(start, length);
            // 1, 2 or 4, as follows from the text.
            let kind = u8::try_from(kind).unwrap_or(0);
            if let Ok(length) = u8::try_from(length) {
                self.raw(&[SHORT_STR, kind, length]);
                self.raw(text);
            } else {
                self.raw(&[STR, kind]);
                self.content(text, self.depth == 0);
            }
        }
        true
    }

    /// # Safety
    /// The object must be live bytes.
    pub(super) unsafe fn bytes(&mut self, object: Object) {
        self.raw(&[BYTES]);
        // SAFETY: bytes do not change, and stay while who called holds them.
        unsafe {
            let length = ffi::PyBytes_Size(object).unsigned_abs();
            let start = ffi::PyBytes_AsString(object).cast::<u8>();
            let held = self.depth == 0;
            self.content(std::slice::from_raw_parts(start, length), held);
        }
    }

    /// Takes the elements of a set, in no order.
    ///
    /// # Safety
    /// The object must be a live, exact set, held by a reference of ours.
    pub(super) unsafe fn set(&mut self, object: Object, tag: u8) -> bool {
        // SAFETY: as promised by the caller; iterating over an exact set runs no Python code.
        let set = unsafe { Bound::from_borrowed_ptr(self.py, object) };
        let Ok(elements) = set.try_iter() else {
            return false;
        };
        let mut hashes = Vec::new();
        for element in elements {
            let Ok(element) = element else { return false };
            let mut inner = Quick::with(self.py, self.shapes);
            inner.depth = self.depth;
            inner.may_run = false;
            inner.shared = self.shared.take();
            let taken = inner.value(&element);
            self.shared = inner.shared.take();
            if !taken {
                return false;
            }
            hashes.push(inner.finish());
        }
        hashes.sort_unstable();
        self.tagged(tag, hashes.len() as u64);
        for hash in hashes {
            self.raw(&hash.to_le_bytes());
        }
        true
    }

    pub(super) unsafe fn tuple(&mut self, object: Object) -> bool {
        // SAFETY: the caller checked for an exact tuple and holds it; it keeps its items.
        unsafe {
            let length = ffi::PyTuple_GET_SIZE(object);
            self.tagged(TUPLE, length.cast_unsigned() as u64);
            (0..length).all(|at| self.object(ffi::PyTuple_GET_ITEM(object, at)))
        }
    }

    pub(super) unsafe fn list(&mut self, object: Object) -> bool {
        // SAFETY: the caller checked for an exact list and holds it. The length is asked for anew at
        // each item, for the lock is let go of while a large array is hashed.
        unsafe {
            let length = ffi::PyList_GET_SIZE(object);
            self.tagged(LIST, length.cast_unsigned() as u64);
            let mut at = 0;
            while at < ffi::PyList_GET_SIZE(object) {
                if !self.object(ffi::PyList_GET_ITEM(object, at)) {
                    return false;
                }
                at += 1;
            }
            at == length
        }
    }

    pub(super) unsafe fn dict(&mut self, object: Object) -> bool {
        // SAFETY: as promised by the caller.
        unsafe { self.items(object, &[]) }
    }

    /// Takes the items of a dictionary, but those under some names.
    ///
    /// # Safety
    /// The object must be a live dictionary, held by a reference of ours.
    pub(super) unsafe fn items(&mut self, object: Object, left_out: &[&CStr]) -> bool {
        // SAFETY: as promised by the caller. No code is run for a key, so that its value is still
        // there when its turn comes; the walk ends where the length changed.
        unsafe {
            let length = ffi::PyDict_Size(object);
            self.tagged(DICT, length.cast_unsigned() as u64);
            let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
            while ffi::PyDict_Next(object, &raw mut position, &raw mut key, &raw mut value) != 0 {
                if left_out.iter().any(|name| is_name(key, name)) {
                    continue;
                }
                let may_run = std::mem::replace(&mut self.may_run, false);
                let taken = self.object(key);
                self.may_run = may_run;
                let taken = taken && self.object(value);
                if !taken || ffi::PyDict_Size(object) != length {
                    return false;
                }
            }
            true
        }
    }
}

/// Whether an object is a string of this content.
///
/// # Safety
/// The object must be alive.
unsafe fn is_name(object: Object, name: &CStr) -> bool {
    // SAFETY: as promised by the caller; the comparison follows the check for a string.
    unsafe {
        ffi::PyUnicode_CheckExact(object) != 0
            && ffi::PyUnicode_CompareWithASCIIString(object, name.as_ptr()) == 0
    }
}
