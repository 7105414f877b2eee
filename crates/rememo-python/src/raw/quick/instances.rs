//! Classes, functions and instances, for those who know their shapes.

use std::ffi::CStr;
use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{
    BUILTIN, DEFINITION, FLOAT, INSTANCE, MEMBER, MISSING, Object, Quick, QuickHash, SMALL,
};
use crate::raw::guards::slot_of;
use crate::raw::namespaces::namespace;

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

impl Quick<'_, '_> {
    /// Takes a class or a function.
    ///
    /// # Safety
    /// The object must be alive.
    pub(super) unsafe fn definition(&mut self, object: Object) -> bool {
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
    pub(super) unsafe fn instance(
        &mut self,
        object: Object,
        class: *mut ffi::PyTypeObject,
    ) -> bool {
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
}
