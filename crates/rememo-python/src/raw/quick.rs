//! A quick fingerprint of plain values, good within one process: nothing is allocated for small
//! ones, no Python code is run for plain data, and equal fingerprints mean equal values.
//!
//! The encoding is type-tagged and length-prefixed, as the canonical one is, but need not be
//! canonical: where two equal values lie differently in memory, theirs may differ.

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr;
use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;
use twox_hash::XxHash3_128;

use super::guards::slot_of;
use super::namespaces::namespace;

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

/// How instances of a class are told apart.
#[derive(Debug)]
pub struct Shape {
    /// What stands for the class and all that its methods use.
    pub class: QuickHash,
    /// Where the class is: two that are alike are two all the same.
    pub address: usize,
    pub form: Form,
    /// What reads the slots.
    pub slots: Vec<Py<PyAny>>,
}

/// What there is to an instance besides slots and namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Attributes,
    /// It is a member of an enumeration: some of its namespace follows from the class.
    Member,
    /// The content of the built-in type that the class derives from.
    Builtin,
    /// Nothing is told by its structure; but it is small, and walking it is as good.
    Small,
}

/// What the namespace of a member of an enumeration holds for the record.
const RECORD_OF_MEMBER: [&CStr; 3] = [c"__objclass__", c"__module__", c"_sort_order_"];

/// Who knows classes and functions. Where `may_run` is false, only those are known that were looked
/// at before, so that no Python code is run.
pub trait Shapes<'py> {
    /// What stands for a class or a function, and all that it uses.
    fn definition(&self, object: &Bound<'py, PyAny>, may_run: bool) -> Option<QuickHash>;

    /// The shape of instances of a class, if nothing of them is hidden.
    fn shape(&self, class: &Bound<'py, PyType>, may_run: bool) -> Option<Rc<Shape>>;

    /// A fingerprint of a value by the walk that makes keys. May run Python code.
    fn walked(&self, value: &Bound<'py, PyAny>) -> Option<QuickHash>;
}

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
    /// The object must be an exact, live integer.
    #[inline]
    unsafe fn integer(&mut self, object: Object) -> bool {
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
    unsafe fn text(&mut self, object: Object) -> bool {
        // SAFETY: a ready string has its kind, length and content where these say.
        unsafe {
            if ffi::PyUnicode_IS_READY(object) == 0 {
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

    /// Takes a class or a function.
    ///
    /// # Safety
    /// The object must be alive.
    unsafe fn definition(&mut self, object: Object) -> bool {
        let Some(shapes) = self.shapes else {
            return false;
        };
        // SAFETY: as promised by the caller.
        let object = unsafe { Bound::from_borrowed_ptr(self.py, object) };
        let Some(number) = shapes.definition(&object, self.may_run) else {
            return false;
        };
        self.tagged(DEFINITION, object.as_ptr() as u64);
        self.raw(&number.to_le_bytes());
        true
    }

    /// Takes an instance of a class whose shape is known: class, slots and namespace.
    ///
    /// # Safety
    /// The object must be alive, of that class, and held by a reference of ours.
    unsafe fn instance(&mut self, object: Object, class: *mut ffi::PyTypeObject) -> bool {
        let Some(shapes) = self.shapes else {
            return false;
        };
        // SAFETY: the class of a live object is alive.
        let class = unsafe {
            Bound::from_borrowed_ptr(self.py, class.cast()).cast_into_unchecked::<PyType>()
        };
        let Some(shape) = shapes.shape(&class, self.may_run) else {
            return false;
        };
        if shape.form == Form::Small {
            if !self.may_run {
                return false;
            }
            // SAFETY: as promised by the caller.
            let object = unsafe { Bound::from_borrowed_ptr(self.py, object) };
            let Some(number) = shapes.walked(&object) else {
                return false;
            };
            self.raw(&[SMALL]);
            self.raw(&number.to_le_bytes());
            return true;
        }
        let walk = |quick: &mut Self, object| {
            // SAFETY: the object is held, and of the class that the slots are of.
            unsafe { quick.attributes(object, &shape) }
        };
        // SAFETY: as promised by the caller.
        unsafe { self.inside(object, walk) }
    }

    /// # Safety
    /// The object must be alive, and of the class that the shape is of.
    unsafe fn attributes(&mut self, object: Object, shape: &Shape) -> bool {
        self.tagged(INSTANCE, shape.slots.len() as u64);
        self.raw(&shape.address.to_le_bytes());
        self.raw(&shape.class.to_le_bytes());
        // SAFETY: as promised by the caller; what a slot or the namespace holds is held while it is
        // looked at.
        unsafe {
            if shape.form == Form::Builtin && !self.builtin(object) {
                return false;
            }
            let object = Bound::from_borrowed_ptr(self.py, object);
            for slot in &shape.slots {
                match slot_of(&object, slot.bind(self.py)) {
                    Some(held) => {
                        if !self.object(held.as_ptr()) {
                            return false;
                        }
                    }
                    None => self.raw(&[MISSING]),
                }
            }
            match namespace(&object) {
                Ok(Some(namespace)) if shape.form == Form::Member => {
                    self.raw(&[MEMBER]);
                    self.items(namespace.as_ptr(), &RECORD_OF_MEMBER)
                }
                Ok(Some(namespace)) => self.dict(namespace.as_ptr()),
                Ok(None) => true,
                Err(_) => false,
            }
        }
    }

    /// Takes the content that an instance of a subclass has as one of its built-in base.
    ///
    /// # Safety
    /// The object must be alive, and held by a reference of ours.
    unsafe fn builtin(&mut self, object: Object) -> bool {
        self.raw(&[BUILTIN]);
        // SAFETY: each look at the structure follows the check that it is one of that kind; none
        // of them asks the subclass.
        unsafe {
            if ffi::PyLong_Check(object) != 0 {
                self.integer(object)
            } else if ffi::PyUnicode_Check(object) != 0 {
                self.text(object)
            } else if ffi::PyTuple_Check(object) != 0 {
                self.tuple(object)
            } else if ffi::PyDict_Check(object) != 0 {
                self.dict(object)
            } else if ffi::PyList_Check(object) != 0 {
                self.list(object)
            } else if ffi::PyFloat_Check(object) != 0 {
                self.tagged(FLOAT, ffi::PyFloat_AS_DOUBLE(object).to_bits());
                true
            } else if ffi::PyBytes_Check(object) != 0 {
                self.bytes(object);
                true
            } else {
                false
            }
        }
    }

    /// # Safety
    /// The object must be live bytes.
    unsafe fn bytes(&mut self, object: Object) {
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
    unsafe fn set(&mut self, object: Object, tag: u8) -> bool {
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

    unsafe fn tuple(&mut self, object: Object) -> bool {
        // SAFETY: the caller checked for an exact tuple and holds it; it keeps its items.
        unsafe {
            let length = ffi::PyTuple_GET_SIZE(object);
            self.tagged(TUPLE, length.cast_unsigned() as u64);
            (0..length).all(|at| self.object(ffi::PyTuple_GET_ITEM(object, at)))
        }
    }

    unsafe fn list(&mut self, object: Object) -> bool {
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

    unsafe fn dict(&mut self, object: Object) -> bool {
        // SAFETY: as promised by the caller.
        unsafe { self.items(object, &[]) }
    }

    /// Takes the items of a dictionary, but those under some names.
    ///
    /// # Safety
    /// The object must be a live dictionary, held by a reference of ours.
    unsafe fn items(&mut self, object: Object, left_out: &[&CStr]) -> bool {
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

    /// Takes an exact numpy array of numbers: format, shape and content.
    ///
    /// # Safety
    /// The object must be alive.
    unsafe fn array(&mut self, object: Object) -> bool {
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

/// Whether a class is numpy's array itself.
fn is_array(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the class is alive; only static types of extensions lie outside the heap, and their
    // names are C strings that stay.
    unsafe {
        (*class).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE == 0
            && CStr::from_ptr((*class).tp_name) == c"numpy.ndarray"
    }
}
