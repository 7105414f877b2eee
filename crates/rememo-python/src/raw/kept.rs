//! Stands between `functools.lru_cache` and the functions that it keeps the results of.
//!
//! A wrapper that `lru_cache` makes points to the function that it calls for a result which it does
//! not have. That pointer is led to a stand-in, so that the runs of the function are heard of; and
//! the function by which the interpreter calls a wrapper tells of what wrappers hand back. To whom
//! looks at a wrapper from Python, it is what it was.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::hooks::{Unreachable, is_recording};

/// What stands between, and how it is told of calls.
pub struct Between {
    /// The type of the stand-ins. To be called is to run the function, and to note how.
    pub stand_in: Py<PyType>,
    /// Makes a stand-in for the function of a wrapper that is called for the first time.
    pub make: for<'py> fn(&Bound<'py, PyAny>, &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>>,
    /// Is told that a stand-in is called. It gives the function where that is to be called without
    /// further ado, which takes less of the stack.
    pub begins: for<'py> fn(&Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>>,
    /// Is told of a stand-in, and what its function returned when called without further ado.
    pub made: for<'py> fn(&Bound<'py, PyAny>, &Bound<'py, PyAny>),
    /// How many calls of stand-ins have begun on this thread.
    pub count: fn() -> usize,
    /// Is told of a wrapper, its stand-in, what it hands back, and how many calls had begun before,
    /// while a recording is under way.
    pub handed: for<'py> fn(&Bound<'py, PyAny>, &Bound<'py, PyAny>, &Bound<'py, PyAny>, usize),
}

struct Place {
    between: Between,
    /// Where in a wrapper the pointer to its function is, in bytes.
    offset: usize,
    /// How wrappers and stand-ins are called.
    wrapper_call: ffi::ternaryfunc,
    stand_in_call: ffi::ternaryfunc,
}

static PLACE: OnceLock<Place> = OnceLock::new();

/// Stands between from now on. A wrapper and the function that it was made with show where in
/// wrappers functions are.
pub fn stand_between(
    wrapper: &Bound<'_, PyAny>,
    function: &Bound<'_, PyAny>,
    between: Between,
) -> Result<(), Unreachable> {
    let class = wrapper.get_type().as_type_ptr();
    // SAFETY: a live type; it is only read.
    let (size, flags, wrapper_call) = unsafe {
        (
            (*class).tp_basicsize.unsigned_abs(),
            (*class).tp_flags,
            (*class).tp_call,
        )
    };
    let word = size_of::<*mut ffi::PyObject>();
    // SAFETY: a live object of that size, whose words are read as numbers.
    let words: &[usize] =
        unsafe { std::slice::from_raw_parts(wrapper.as_ptr().cast(), size / word) };
    let mut places = words
        .iter()
        .enumerate()
        .filter(|(_, held)| **held == function.as_ptr() as usize);
    let stand_in = between.stand_in.bind(wrapper.py()).as_type_ptr();
    // SAFETY: a live type.
    let stand_in_call = unsafe { (*stand_in).tp_call };
    let (Some((at, _)), None, Some(wrapper_call), Some(stand_in_call)) =
        (places.next(), places.next(), wrapper_call, stand_in_call)
    else {
        return Err(Unreachable);
    };
    // What is called by another convention does not come by.
    if flags & ffi::Py_TPFLAGS_HAVE_VECTORCALL != 0 {
        return Err(Unreachable);
    }
    let place = Place {
        between,
        offset: at * word,
        wrapper_call,
        stand_in_call,
    };
    if PLACE.set(place).is_ok() {
        // SAFETY: the types live as long as the interpreter; whoever is attached is alone with
        // them, and the interpreter reads the field anew at each call.
        unsafe {
            (*stand_in).tp_call = Some(run_function);
            (*class).tp_call = Some(call_wrapper);
        }
    }
    Ok(())
}

unsafe extern "C" fn call_wrapper(
    wrapper: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(place) = PLACE.get() else {
        return std::ptr::null_mut();
    };
    // SAFETY: the interpreter calls this attached, with a wrapper; at the offset is a pointer to its
    // function.
    unsafe {
        let function = wrapper.byte_add(place.offset).cast::<*mut ffi::PyObject>();
        if ffi::Py_TYPE(*function).cast() != place.between.stand_in.as_ptr() {
            put_stand_in(place, wrapper, function);
        }
        if !is_recording() {
            return (place.wrapper_call)(wrapper, args, kwargs);
        }
        let before = (place.between.count)();
        let result = (place.wrapper_call)(wrapper, args, kwargs);
        if !result.is_null() {
            tell_of_handed(place, wrapper, *function, result, before);
        }
        result
    }
}

/// Tells what a wrapper hands back.
///
/// # Safety
/// Called attached, with a wrapper, its function and what it hands back.
#[inline(never)]
unsafe fn tell_of_handed(
    place: &Place,
    wrapper: *mut ffi::PyObject,
    function: *mut ffi::PyObject,
    result: *mut ffi::PyObject,
    before: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let py = Python::assume_attached();
        let wrapper = Bound::from_borrowed_ptr(py, wrapper);
        let function = Bound::from_borrowed_ptr(py, function);
        let result = Bound::from_borrowed_ptr(py, result);
        let told = catch_unwind(AssertUnwindSafe(|| {
            (place.between.handed)(&wrapper, &function, &result, before);
        }));
        drop(told);
    }
}

unsafe extern "C" fn run_function(
    stand_in: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(place) = PLACE.get() else {
        return std::ptr::null_mut();
    };
    // SAFETY: the interpreter calls this attached, with a stand-in.
    unsafe {
        let function = begin_running(place, stand_in);
        if function.is_null() {
            return (place.stand_in_call)(stand_in, args, kwargs);
        }
        let result = ffi::PyObject_Call(function, args, kwargs);
        ffi::Py_DECREF(function);
        if !result.is_null() {
            tell_of_made(place, stand_in, result);
        }
        result
    }
}

/// Tells that a stand-in is called; the result is a new reference to its function, if that is to be
/// called without further ado, and null otherwise.
///
/// # Safety
/// Called attached, with a stand-in.
#[inline(never)]
unsafe fn begin_running(place: &Place, stand_in: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's.
    unsafe {
        let stand_in = Bound::from_borrowed_ptr(Python::assume_attached(), stand_in);
        let begun = catch_unwind(AssertUnwindSafe(|| (place.between.begins)(&stand_in)));
        begun
            .ok()
            .flatten()
            .map_or_else(std::ptr::null_mut, Bound::into_ptr)
    }
}

/// Tells what a function returned.
///
/// # Safety
/// Called attached, with a stand-in and a result.
#[inline(never)]
unsafe fn tell_of_made(place: &Place, stand_in: *mut ffi::PyObject, result: *mut ffi::PyObject) {
    // SAFETY: the caller's.
    unsafe {
        let py = Python::assume_attached();
        let stand_in = Bound::from_borrowed_ptr(py, stand_in);
        let result = Bound::from_borrowed_ptr(py, result);
        let told = catch_unwind(AssertUnwindSafe(|| {
            (place.between.made)(&stand_in, &result);
        }));
        drop(told);
    }
}

/// Puts a stand-in in the place of a wrapper's function.
///
/// # Safety
/// Called attached, with a wrapper and the place in it.
#[cold]
unsafe fn put_stand_in(
    place: &Place,
    wrapper: *mut ffi::PyObject,
    function: *mut *mut ffi::PyObject,
) {
    // SAFETY: the caller's; the reference to the function passes to the stand-in, and the one to
    // the stand-in to the wrapper, whose traversal by the garbage collector meets it there.
    unsafe {
        let py = Python::assume_attached();
        let of = Bound::from_borrowed_ptr(py, wrapper);
        let original = Bound::from_borrowed_ptr(py, *function);
        let made = catch_unwind(AssertUnwindSafe(|| (place.between.make)(&of, &original)));
        if let Ok(Some(made)) = made
            && *function == original.as_ptr()
        {
            *function = made.into_ptr();
            ffi::Py_DECREF(original.as_ptr());
        }
    }
}
