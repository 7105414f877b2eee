//! The type of memoized functions, called without a Python frame and without tuples of arguments.
//!
//! The class that PyO3 makes has everything but that: its `__call__` is given a tuple and a
//! dictionary (PyO3 issue 4252). So it is the base, and this is a type with one word more, which
//! holds the function that the interpreter calls by the vectorcall protocol (PEP 590).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

/// Answers a call.
pub type Answer = for<'py> fn(&Bound<'py, PyAny>, Arguments<'_, 'py>) -> PyResult<Py<PyAny>>;

/// The arguments of one call, as the interpreter passes them.
#[derive(Clone, Copy)]
pub struct Arguments<'a, 'py> {
    py: Python<'py>,
    /// Positional arguments, then the values of keywords.
    values: &'a [*mut ffi::PyObject],
    positional: usize,
    /// A tuple of the names of the keywords, or null.
    names: *mut ffi::PyObject,
    /// What the function is a method of, or null.
    owner: *mut ffi::PyObject,
}

impl<'a, 'py> Arguments<'a, 'py> {
    /// The arguments of a call by the conventions of the interpreter.
    ///
    /// # Safety
    /// There are as many values as positional arguments and names; names are a tuple of strings, or
    /// null; all of these are alive for as long as the result is.
    pub(super) unsafe fn passed(
        py: Python<'py>,
        values: *const *mut ffi::PyObject,
        positional: usize,
        names: *mut ffi::PyObject,
    ) -> Self {
        // SAFETY: the caller's.
        let values: &'a [*mut ffi::PyObject] = unsafe {
            let keywords = if names.is_null() {
                0
            } else {
                ffi::PyTuple_GET_SIZE(names).unsigned_abs()
            };
            if positional + keywords == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(values, positional + keywords)
            }
        };
        Self {
            py,
            values,
            positional,
            names,
            owner: ptr::null_mut(),
        }
    }

    /// The same arguments, of a method.
    ///
    /// # Safety
    /// The owner is alive for as long as the result is, or null.
    pub(super) unsafe fn of(self, owner: *mut ffi::PyObject) -> Self {
        Self { owner, ..self }
    }

    /// What the function is a method of; of one of a module, the module.
    pub fn owner(&self) -> Option<Bound<'py, PyAny>> {
        // SAFETY: an object that is alive, or null.
        unsafe { Bound::from_borrowed_ptr_or_opt(self.py, self.owner) }
    }

    pub fn py(&self) -> Python<'py> {
        self.py
    }

    pub fn positional(&self) -> impl ExactSizeIterator<Item = Bound<'py, PyAny>> {
        self.bound(&self.values[..self.positional])
    }

    pub fn keywords(&self) -> impl Iterator<Item = (Bound<'py, PyString>, Bound<'py, PyAny>)> {
        let values = self.bound(&self.values[self.positional..]);
        values.enumerate().map(|(at, value)| {
            // SAFETY: the interpreter passes a tuple of as many strings as there are such values.
            let name = unsafe {
                let name = ffi::PyTuple_GET_ITEM(self.names, at.cast_signed());
                Bound::from_borrowed_ptr(self.py, name).cast_into_unchecked()
            };
            (name, value)
        })
    }

    /// The same, as a tuple and a dictionary.
    pub fn collected(&self) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
        let args = PyTuple::new(self.py, self.positional())?;
        if self.values.len() == self.positional {
            return Ok((args, None));
        }
        let kwargs = PyDict::new(self.py);
        for (name, value) in self.keywords() {
            kwargs.set_item(name, value)?;
        }
        Ok((args, Some(kwargs)))
    }

    fn bound(
        &self,
        values: &[*mut ffi::PyObject],
    ) -> impl ExactSizeIterator<Item = Bound<'py, PyAny>> {
        let py = self.py;
        values.iter().map(move |value| {
            // SAFETY: the caller of the function keeps its arguments alive.
            unsafe { Bound::from_borrowed_ptr(py, *value) }
        })
    }
}

/// What Python says of the type.
const DOC: &CStr = c"\
A function whose results are kept. `rememo.memoize` and `Cache.memoize` make it, and it is called as
the function is.

>>> from rememo import Cache, Memoized
>>> cache = Cache(temporary=True)
>>> @cache.memoize
... def double(x):
...     return 2 * x
>>> isinstance(double, Memoized), double(4), double.would_hit(4)
(True, 8, True)
>>> cache.close()
";

static ANSWER: OnceLock<Answer> = OnceLock::new();
/// Where in an instance the word is.
static OFFSET: OnceLock<usize> = OnceLock::new();

/// Makes the type from its base, which must not have instances of its own.
pub fn new_callable_type<'py>(
    base: &Bound<'py, PyType>,
    answer: Answer,
) -> PyResult<Bound<'py, PyAny>> {
    let py = base.py();
    // SAFETY: a live type.
    let size = unsafe { (*base.as_type_ptr()).tp_basicsize };
    let word = size_of::<ffi::vectorcallfunc>();
    ANSWER.get_or_init(|| answer);
    OFFSET.get_or_init(|| size.unsigned_abs());
    let mut members = [
        ffi::PyMemberDef {
            name: c"__vectorcalloffset__".as_ptr(),
            type_code: ffi::Py_T_PYSSIZET,
            offset: size,
            flags: ffi::Py_READONLY,
            doc: ptr::null(),
        },
        // SAFETY: all zeros is how a list of members ends.
        unsafe { std::mem::zeroed() },
    ];
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_new, new as *mut c_void),
        slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut c_void),
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_doc, DOC.as_ptr().cast_mut().cast()),
        slot(0, ptr::null_mut()),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT
        | ffi::Py_TPFLAGS_HAVE_VECTORCALL
        | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR;
    let mut spec = ffi::PyType_Spec {
        name: c"rememo._core.Memoized".as_ptr().cast::<c_char>(),
        basicsize: c_int::try_from(size.unsigned_abs() + word)?,
        itemsize: 0,
        flags: u32::try_from(flags)?,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: members and slots are copied by the call; the functions have the types that their
    // slots are for.
    unsafe {
        let made = ffi::PyType_FromSpecWithBases(&raw mut spec, base.as_ptr());
        Bound::from_owned_ptr_or_err(py, made)
    }
}

/// Makes an instance: as the base does, with the word filled in.
unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by the interpreter as this type's `tp_new`. The base's makes an instance of
    // `class`, which is as large as the specification says.
    unsafe {
        let base = (*class).tp_base;
        let Some(base_new) = (*base).tp_new else {
            return ptr::null_mut();
        };
        // The interpreter shows the collector an instance as soon as it has room for it, and then
        // makes its dictionary, which may set off a collection: of an instance that holds nothing yet.
        let collects = ffi::PyGC_Disable() == 1;
        let object = base_new(class, args, kwargs);
        if collects {
            ffi::PyGC_Enable();
        }
        if let (false, Some(offset)) = (object.is_null(), OFFSET.get()) {
            object
                .byte_add(*offset)
                .cast::<ffi::vectorcallfunc>()
                .write(vectorcall);
        }
        object
    }
}

unsafe extern "C" fn vectorcall(
    callable: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    flags: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: called by the interpreter, attached, by the vectorcall protocol.
    unsafe {
        let py = Python::assume_attached();
        let positional = ffi::PyVectorcall_NARGS(flags).unsigned_abs();
        let arguments = Arguments::passed(py, values, positional, names);
        let callable = Bound::ref_from_ptr(py, &callable);
        let answer = ANSWER.get().expect("set before there is an instance");
        let answered = catch_unwind(AssertUnwindSafe(|| answer(callable, arguments)));
        match answered {
            Ok(Ok(value)) => value.into_ptr(),
            Ok(Err(error)) => {
                error.restore(py);
                ptr::null_mut()
            }
            Err(panic) => {
                let what = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                PanicException::new_err(what.unwrap_or_default()).restore(py);
                ptr::null_mut()
            }
        }
    }
}
