//! A quick fingerprint of plain values, good within one process: nothing is allocated for small
//! ones, no Python code is run for plain data, and equal fingerprints mean equal values.
//!
//! The encoding is type-tagged and length-prefixed, as the canonical one is, but need not be
//! canonical: where two equal values lie differently in memory, theirs may differ.

mod arrays;
mod instances;
mod plain;

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use twox_hash::XxHash3_128;

use arrays::is_array;

pub use instances::{Form, Shape, Shapes};

/// The fingerprint.
pub type QuickHash = u128;

type Object = *mut ffi::PyObject;

const SHORT: usize = 512;
/// Content of this many bytes and more enters as its own hash.
const BULK: usize = 4096;
/// Hashing that much takes long enough to let other threads go on.
const LONG: usize = 1 << 20;
/// Deeper values are left to the walk that has no limit.
const DEPTH: u32 = 100;

const NONE: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INT: u8 = 4;
const FLOAT: u8 = 5;
const COMPLEX: u8 = 6;
const STR: u8 = 7;
const BYTES: u8 = 8;
const TUPLE: u8 = 9;
const LIST: u8 = 10;
const DICT: u8 = 11;
const ARRAY: u8 = 12;
const ELLIPSIS: u8 = 13;
const BYTEARRAY: u8 = 14;
const SHORT_STR: u8 = 15;
const INSTANCE: u8 = 16;
const MISSING: u8 = 17;
const MEMBER: u8 = 18;
const BUILTIN: u8 = 19;
const SET: u8 = 20;
const FROZENSET: u8 = 21;
const SEEN: u8 = 22;
const DEFINITION: u8 = 23;
const SMALL: u8 = 24;
const SHORT_CONTENT: u8 = 0;
const BULK_CONTENT: u8 = 1;

/// A fingerprint being taken.
pub struct Quick<'a, 'py> {
    py: Python<'py>,
    shapes: Option<&'a dyn Shapes<'py>>,
    short: [MaybeUninit<u8>; SHORT],
    used: usize,
    /// What did not fit.
    long: Option<Box<XxHash3_128>>,
    /// Containers that could be met again, each with its number, and held: what holds them may let
    /// go of them while other threads run.
    shared: Option<HashMap<usize, (Bound<'py, PyAny>, u64)>>,
    depth: u32,
    /// Whether Python code may be run here.
    may_run: bool,
}

impl<'a, 'py> Quick<'a, 'py> {
    /// A fingerprint of plain data only.
    pub fn new(py: Python<'py>) -> Self {
        Self::with(py, None)
    }

    /// A fingerprint of plain data, and of instances whose shapes are known.
    #[inline]
    pub fn with(py: Python<'py>, shapes: Option<&'a dyn Shapes<'py>>) -> Self {
        Self {
            py,
            shapes,
            short: [const { MaybeUninit::uninit() }; SHORT],
            used: 0,
            long: None,
            shared: None,
            depth: 0,
            may_run: true,
        }
    }

    /// Takes bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.used + bytes.len() > SHORT {
            self.spill();
            if bytes.len() > SHORT / 2 {
                self.long.get_or_insert_default().write(bytes);
                return;
            }
        }
        // SAFETY: the bytes fit behind those in use; the two do not overlap.
        unsafe {
            let end = self.short.as_mut_ptr().add(self.used).cast::<u8>();
            ptr::copy_nonoverlapping(bytes.as_ptr(), end, bytes.len());
        }
        self.used += bytes.len();
    }

    /// Takes bytes with their length.
    pub fn text_of(&mut self, bytes: &[u8]) {
        self.raw(&(bytes.len() as u64).to_le_bytes());
        self.raw(bytes);
    }

    fn spill(&mut self) {
        let used = self.used;
        self.used = 0;
        // SAFETY: that many bytes were written.
        let short = unsafe { std::slice::from_raw_parts(self.short.as_ptr().cast::<u8>(), used) };
        self.long.get_or_insert_default().write(short);
    }

    #[inline]
    fn tagged(&mut self, tag: u8, word: u64) {
        let mut bytes = [0; 9];
        bytes[0] = tag;
        bytes[1..].copy_from_slice(&word.to_le_bytes());
        self.raw(&bytes);
    }

    /// Takes bytes with their length. Other threads may go on where the bytes are held all the same.
    ///
    /// Another thread may write into a buffer while it is hashed: the hash is then of no state that
    /// ever was, and equal to none that was seen.
    fn content(&mut self, bytes: &[u8], held: bool) {
        if bytes.len() < BULK {
            self.tagged(SHORT_CONTENT, bytes.len() as u64);
            self.raw(bytes);
            return;
        }
        self.tagged(BULK_CONTENT, bytes.len() as u64);
        let hash = if held && bytes.len() >= LONG {
            self.py.detach(|| XxHash3_128::oneshot(bytes))
        } else {
            XxHash3_128::oneshot(bytes)
        };
        self.raw(&hash.to_le_bytes());
    }

    /// The fingerprint of all that was taken.
    #[inline]
    pub fn finish(mut self) -> QuickHash {
        if self.long.is_some() {
            self.spill();
        }
        if let Some(long) = self.long {
            return long.finish_128();
        }
        // SAFETY: that many bytes were written.
        let short =
            unsafe { std::slice::from_raw_parts(self.short.as_ptr().cast::<u8>(), self.used) };
        XxHash3_128::oneshot(short)
    }

    /// Takes a value; false where it is not a plain one, and then nothing more may be taken.
    #[inline]
    pub fn value(&mut self, value: &Bound<'py, PyAny>) -> bool {
        // SAFETY: a bound object is alive.
        unsafe { self.object(value.as_ptr()) }
    }

    /// # Safety
    /// The object must be alive.
    #[inline]
    unsafe fn object(&mut self, object: Object) -> bool {
        // SAFETY: the object is alive, and each look at it follows the check of its exact type.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if class == &raw mut ffi::PyLong_Type {
                self.integer(object)
            } else if class == &raw mut ffi::PyUnicode_Type {
                self.text(object)
            } else if class == &raw mut ffi::PyFloat_Type {
                self.tagged(FLOAT, ffi::PyFloat_AS_DOUBLE(object).to_bits());
                true
            } else if class == &raw mut ffi::PyBool_Type {
                self.raw(&[if object == ffi::Py_True() {
                    TRUE
                } else {
                    FALSE
                }]);
                true
            } else if object == ffi::Py_None() {
                self.raw(&[NONE]);
                true
            } else {
                self.other(object, class)
            }
        }
    }

    /// # Safety
    /// The object must be alive, and of that class.
    unsafe fn other(&mut self, object: Object, class: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: the object is alive. What holds it may let go of it while other threads run: when
        // the lock is released to hash an array, or Python code is run to find a shape.
        unsafe {
            ffi::Py_INCREF(object);
            let taken = self.compound(object, class);
            ffi::Py_DECREF(object);
            taken
        }
    }

    /// # Safety
    /// The object must be alive, of that class, and held by a reference of ours.
    unsafe fn compound(&mut self, object: Object, class: *mut ffi::PyTypeObject) -> bool {
        // SAFETY: as in `object`.
        unsafe {
            if class == &raw mut ffi::PyTuple_Type {
                self.inside(object, |quick, object| quick.tuple(object))
            } else if class == &raw mut ffi::PyList_Type {
                self.inside(object, |quick, object| quick.list(object))
            } else if class == &raw mut ffi::PyDict_Type {
                self.inside(object, |quick, object| quick.dict(object))
            } else if class == &raw mut ffi::PyBytes_Type {
                self.bytes(object);
                true
            } else if class == &raw mut ffi::PyComplex_Type {
                let value = ffi::PyComplex_AsCComplex(object);
                self.tagged(COMPLEX, value.real.to_bits());
                self.raw(&value.imag.to_bits().to_le_bytes());
                true
            } else if class == &raw mut ffi::PyByteArray_Type {
                self.raw(&[BYTEARRAY]);
                let length = ffi::PyByteArray_Size(object).unsigned_abs();
                let start = ffi::PyByteArray_AsString(object).cast::<u8>();
                // Nothing keeps another thread from making it longer, which may move it.
                self.content(std::slice::from_raw_parts(start, length), false);
                true
            } else if object == ffi::Py_Ellipsis() {
                self.raw(&[ELLIPSIS]);
                true
            } else if class == &raw mut ffi::PySet_Type {
                self.inside(object, |quick, object| quick.set(object, SET))
            } else if class == &raw mut ffi::PyFrozenSet_Type {
                self.inside(object, |quick, object| quick.set(object, FROZENSET))
            } else if ffi::PyType_Check(object) != 0 || class == &raw mut ffi::PyFunction_Type {
                self.definition(object)
            } else {
                is_array(class) && self.array(object) || self.instance(object, class)
            }
        }
    }

    /// # Safety
    /// The object must be a live container that `walk` is for, held by a reference of ours.
    unsafe fn inside(
        &mut self,
        object: Object,
        walk: impl FnOnce(&mut Self, Object) -> bool,
    ) -> bool {
        // SAFETY: the object is alive.
        let theirs = unsafe { ffi::Py_REFCNT(object) } - 1;
        if self.depth >= DEPTH {
            return false;
        }
        // With one reference, it is its container's alone. With more it may come again, perhaps
        // within itself: its number says all of it then.
        if theirs > 1 {
            // SAFETY: as above.
            let held = unsafe { Bound::from_borrowed_ptr(self.py, object) };
            let shared = self.shared.get_or_insert_default();
            let next = shared.len() as u64;
            let number = shared.entry(object as usize).or_insert((held, next)).1;
            if number != next {
                self.tagged(SEEN, number);
                return true;
            }
        }
        self.depth += 1;
        let taken = walk(self, object);
        self.depth -= 1;
        taken
    }
}
