//! What takes a look at the interpreter's memory itself: the one place with unsafe code.
//!
//! All of it relies on the interpreter's lock: who holds it is alone with every object. Builds of
//! CPython without that lock are refused.

#![expect(unsafe_code, reason = "each block says what it relies on")]

mod buffer;
mod callable;
mod guards;
mod hooks;
mod kept;
mod making;
mod memo;
mod namespaces;
mod objects;
mod quick;
mod stack;
mod versions;

pub use buffer::{encode_buffer, fill, shared_buffer};
pub use callable::{Arguments, new_callable_type};
pub use guards::{Guards, Recorder, slot_of};
pub use hooks::{
    ContextVariable, Frame, Probe, Unreachable, frames, hear_audit_events, innermost_frame,
    is_recording, recording_begins, recording_ends, stand_before,
};
pub use kept::{Between, stand_between};
pub use making::{Around, stand_around, stand_before_new};
pub use memo::Memo;
pub use namespaces::{
    attributes_of, class_namespace, defaults_of, has_annotations, modules, namespace,
};
pub use objects::{Element, Text, each_object};
pub use quick::{Form, Quick, QuickHash, Shape, Shapes};
pub use stack::{may_move, moved};
pub use versions::{version_of_class, version_of_dict};

use std::cell::UnsafeCell;

use pyo3::gc::PyVisit;
use pyo3::prelude::*;

#[cfg(Py_GIL_DISABLED)]
compile_error!("rememo needs a CPython with a global interpreter lock");

/// How many references there are to an object.
pub fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: a bound object is alive, and its reference count is a field of every object.
    unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) }
}

/// The global variables of the Python code that is running on this thread.
pub fn globals(py: Python<'_>) -> Option<Bound<'_, pyo3::types::PyDict>> {
    // SAFETY: attached; the result is borrowed, or null where no Python code is running.
    let found = unsafe { Bound::from_borrowed_ptr_or_opt(py, pyo3::ffi::PyEval_GetGlobals()) };
    found?.cast_into().ok()
}

/// How deep the program may recurse, as it says itself.
pub fn recursion_limit(_py: Python<'_>) -> usize {
    // SAFETY: attached; a number is read.
    let limit = unsafe { pyo3::ffi::Py_GetRecursionLimit() };
    usize::try_from(limit).unwrap_or_default()
}

/// A value that only who is attached to the interpreter gets at.
#[derive(Debug, Default)]
pub struct Attached<T>(UnsafeCell<T>);

// SAFETY: `with` and `peek` need a token of the interpreter's lock, which one thread holds at a
// time; what is inside is only ever moved between threads that way.
unsafe impl<T> Sync for Attached<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Attached<T> {}

impl<T> Attached<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Works with the value. The work must run no Python code and drop nothing that could: either
    /// may come here again, or let another thread do so.
    pub fn with<R>(&self, _py: Python<'_>, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the lock is held, and is not let go of by `work`, so there is no other reference.
        work(unsafe { &mut *self.0.get() })
    }

    /// Looks at the value during a traversal by the garbage collector, which runs no Python code.
    pub fn peek<R>(&self, _visit: &PyVisit<'_>, work: impl FnOnce(&T) -> R) -> R {
        // SAFETY: a traversal holds the lock, and `with` never leaves a reference behind.
        work(unsafe { &*self.0.get() })
    }
}
