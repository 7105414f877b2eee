//! Hears of what Python code asks of the world: by the interpreter's audit events, and, where there
//! is none, by standing in front of the C function that answers.
//!
//! A built-in function is an object that points to a description (`PyMethodDef`), which points to
//! the C code. The description is replaced in its place, so that everybody who holds the function
//! is heard, whichever name it was imported by, and the function stays the object that it is.
//! Whatever stands in front only looks on: the C code is called with what it was to be called with.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyTuple};
use seq_macro::seq;

use super::Arguments;

/// How many recordings are under way, in all threads.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Counts a recording that begins.
pub fn recording_begins() {
    UNDER_WAY.fetch_add(1, Ordering::Relaxed);
}

/// Counts a recording that is over.
pub fn recording_ends() {
    UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
}

/// Whether any recording is under way.
#[inline]
pub fn is_recording() -> bool {
    UNDER_WAY.load(Ordering::Relaxed) > 0
}

/// What is told of an audit event, with its arguments.
pub type Audit = for<'py> fn(&str, &Bound<'py, PyTuple>);

static AUDIT: OnceLock<Audit> = OnceLock::new();

unsafe extern "C" {
    fn PySys_AddAuditHook(
        hook: unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> c_int;
}

/// Has audit events told from now on, while a recording is under way. Another hook may prevent
/// that, and not say so: whoever relies on it must see for himself.
pub fn hear_audit_events(_py: Python<'_>, audit: Audit) -> PyResult<()> {
    AUDIT.get_or_init(|| audit);
    // SAFETY: the interpreter runs, and is attached to this thread.
    let added = unsafe { PySys_AddAuditHook(on_audit_event, ptr::null_mut()) };
    if added == 0 {
        return Ok(());
    }
    // SAFETY: as above.
    Err(unsafe { PyErr::fetch(Python::assume_attached()) })
}

unsafe extern "C" fn on_audit_event(
    event: *const c_char,
    args: *mut ffi::PyObject,
    _data: *mut c_void,
) -> c_int {
    if !is_recording() || event.is_null() || args.is_null() {
        return 0;
    }
    // SAFETY: a string of the interpreter's, which ends in a zero.
    let event = unsafe { CStr::from_ptr(event) };
    let (Ok(event), Some(audit)) = (event.to_str(), AUDIT.get()) else {
        return 0;
    };
    // SAFETY: the interpreter calls hooks while it is attached to this thread, or not at all.
    if unsafe { ffi::PyGILState_Check() } == 0 {
        return 0;
    }
    // SAFETY: as above; the arguments are a tuple that the interpreter holds.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as above.
    let args = unsafe { Bound::from_borrowed_ptr(py, args) };
    let pending = PyErr::take(py);
    let told = catch_unwind(AssertUnwindSafe(|| {
        if let Ok(args) = args.cast::<PyTuple>() {
            audit(event, args);
        }
    }));
    drop(told);
    if let Some(pending) = pending {
        pending.restore(py);
    }
    0
}

/// What is told of a call before it is made.
pub type Probe = for<'py> fn(Arguments<'_, 'py>);

/// A C function that something stands in front of.
struct Post {
    original: ffi::PyMethodDefPointer,
    probe: Probe,
}

// SAFETY: a pointer to code, which is there for as long as the process is.
unsafe impl Sync for Post {}
// SAFETY: as above.
unsafe impl Send for Post {}

const POSTS: usize = 192;
static TAKEN: [OnceLock<Post>; POSTS] = [const { OnceLock::new() }; POSTS];

/// Why nothing can stand in front of a function.
pub struct Unreachable;

/// Has each call of a built-in function, of a method of a built-in class, or of what Cython makes of
/// these, told before it is made, while a recording is under way.
pub fn stand_before(function: &Bound<'_, PyAny>, probe: Probe) -> Result<(), Unreachable> {
    let Some(description) = description_of(function) else {
        return Err(Unreachable);
    };
    // SAFETY: the description is there for as long as the function is, which is a built-in's: for
    // good. It is data that can be written, for the interpreter has no constant ones.
    let (original, flags) = unsafe { ((*description).ml_meth, (*description).ml_flags) };
    let kind = flags & !(ffi::METH_CLASS | ffi::METH_STATIC | ffi::METH_COEXIST);
    // SAFETY: reading any member of the union gives the same pointer.
    let address = unsafe { original.PyCFunction as *const c_void };
    if address.is_null() {
        return Err(Unreachable);
    }
    let free = TAKEN
        .iter()
        .position(|post| post.set(Post { original, probe }).is_ok());
    let Some(free) = free else {
        return Err(Unreachable);
    };
    let substitute = if kind == ffi::METH_FASTCALL | ffi::METH_KEYWORDS {
        ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: FAST_WITH_KEYWORDS[free],
        }
    } else if kind == ffi::METH_FASTCALL {
        ffi::PyMethodDefPointer {
            PyCFunctionFast: FAST[free],
        }
    } else if kind == ffi::METH_METHOD | ffi::METH_FASTCALL | ffi::METH_KEYWORDS {
        ffi::PyMethodDefPointer {
            PyCMethod: OF_CLASS[free],
        }
    } else if kind == ffi::METH_O {
        ffi::PyMethodDefPointer {
            PyCFunction: ONE[free],
        }
    } else if kind == ffi::METH_NOARGS {
        ffi::PyMethodDefPointer {
            PyCFunction: WITHOUT[free],
        }
    } else if kind == ffi::METH_VARARGS {
        ffi::PyMethodDefPointer {
            PyCFunction: TUPLE[free],
        }
    } else if kind == ffi::METH_VARARGS | ffi::METH_KEYWORDS {
        ffi::PyMethodDefPointer {
            PyCFunctionWithKeywords: WITH_KEYWORDS[free],
        }
    } else {
        return Err(Unreachable);
    };
    // SAFETY: as above; the substitute is of the type that the flags call for, and nobody else
    // looks at the description while this thread is attached.
    unsafe { (*description).ml_meth = substitute };
    Ok(())
}

/// The description of a built-in function or method.
fn description_of(function: &Bound<'_, PyAny>) -> Option<*mut ffi::PyMethodDef> {
    let object = function.as_ptr();
    // SAFETY: the object is alive, and each structure is read only where its type is that one.
    let description = unsafe {
        if ffi::PyCFunction_Check(object) != 0 {
            (*object.cast::<ffi::PyCFunctionObject>()).m_ml
        } else if ffi::Py_TYPE(object) == &raw mut ffi::PyMethodDescr_Type
            || ffi::Py_TYPE(object) == &raw mut ffi::PyClassMethodDescr_Type
        {
            (*object.cast::<ffi::PyMethodDescrObject>()).d_method
        } else if is_of_cython(ffi::Py_TYPE(object)) {
            (*object.cast::<ffi::PyCFunctionObject>()).m_ml
        } else {
            ptr::null_mut()
        }
    };
    // All classes share one description of `__new__`, which is told apart by the object alone.
    // SAFETY: the name of a function ends in a zero.
    let is_own =
        |it: &*mut ffi::PyMethodDef| unsafe { CStr::from_ptr((**it).ml_name) } != c"__new__";
    Some(description).filter(|it| !it.is_null()).filter(is_own)
}

/// Whether objects of a type are functions that Cython compiled, laid out as it does unless it is
/// held to the limited C API: they begin like a built-in function, and are called by the
/// description that they point to.
///
/// # Safety
/// The type is alive.
unsafe fn is_of_cython(class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: the caller's; the name of a type ends in a zero.
    unsafe {
        let name = CStr::from_ptr((*class).tp_name).to_bytes();
        let is_one = name
            .rsplit(|byte| *byte == b'.')
            .next()
            .is_some_and(|last| last == b"cython_function_or_method");
        let called_at = mem::offset_of!(ffi::PyCFunctionObject, vectorcall);
        let size = size_of::<ffi::PyCFunctionObject>();
        is_one
            && usize::try_from((*class).tp_vectorcall_offset) == Ok(called_at)
            && usize::try_from((*class).tp_basicsize).is_ok_and(|basic| basic >= size)
    }
}

/// Tells of a call; whatever comes of that, the call is made.
///
/// # Safety
/// Called by the interpreter, attached, with as many values, and names of the last of these, as it
/// says.
unsafe fn tell(
    post: &Post,
    owner: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
) {
    // SAFETY: the caller's.
    unsafe {
        let py = Python::assume_attached();
        let arguments = Arguments::passed(py, values, positional, names).of(owner);
        let told = catch_unwind(AssertUnwindSafe(|| (post.probe)(arguments)));
        drop(told);
    }
}

unsafe extern "C" fn fast_with_keywords<const POST: usize>(
    owner: *mut ffi::PyObject,
    values: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: called by the interpreter, by the convention that the function has.
    unsafe {
        if is_recording() {
            tell(post, owner, values, count.unsigned_abs(), names);
        }
        (post.original.PyCFunctionFastWithKeywords)(owner, values, count, names)
    }
}

unsafe extern "C" fn fast<const POST: usize>(
    owner: *mut ffi::PyObject,
    values: *mut *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell(post, owner, values, count.unsigned_abs(), ptr::null_mut());
        }
        (post.original.PyCFunctionFast)(owner, values, count)
    }
}

unsafe extern "C" fn without<const POST: usize>(
    owner: *mut ffi::PyObject,
    nothing: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell(post, owner, ptr::null(), 0, ptr::null_mut());
        }
        (post.original.PyCFunction)(owner, nothing)
    }
}

unsafe extern "C" fn one<const POST: usize>(
    owner: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell(post, owner, &raw const value, 1, ptr::null_mut());
        }
        (post.original.PyCFunction)(owner, value)
    }
}

unsafe extern "C" fn of_class<const POST: usize>(
    owner: *mut ffi::PyObject,
    class: *mut ffi::PyTypeObject,
    values: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell(post, owner, values, count.unsigned_abs(), names);
        }
        (post.original.PyCMethod)(owner, class, values, count, names)
    }
}

unsafe extern "C" fn tuple<const POST: usize>(
    owner: *mut ffi::PyObject,
    arguments: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell_of_tuple(post, owner, arguments);
        }
        (post.original.PyCFunction)(owner, arguments)
    }
}

/// Tells of a call with a tuple of arguments; of those by keyword, it does not.
///
/// # Safety
/// Called by the interpreter, attached, with a tuple.
unsafe fn tell_of_tuple(post: &Post, owner: *mut ffi::PyObject, arguments: *mut ffi::PyObject) {
    // SAFETY: the caller's; the items of a tuple lie side by side in it.
    unsafe {
        let count = ffi::PyTuple_GET_SIZE(arguments).unsigned_abs();
        let values = (*arguments.cast::<ffi::PyTupleObject>()).ob_item.as_ptr();
        tell(post, owner, values, count, ptr::null_mut());
    }
}

unsafe extern "C" fn with_keywords<const POST: usize>(
    owner: *mut ffi::PyObject,
    arguments: *mut ffi::PyObject,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(post) = TAKEN[POST].get() else {
        return ptr::null_mut();
    };
    // SAFETY: as above.
    unsafe {
        if is_recording() {
            tell_of_tuple(post, owner, arguments);
        }
        (post.original.PyCFunctionWithKeywords)(owner, arguments, keywords)
    }
}

/// One function for each post, by the number of which it knows its own.
macro_rules! each_post {
    ($function:ident) => {
        seq!(POST in 0..192 { [#($function::<POST>,)*] })
    };
}

static FAST_WITH_KEYWORDS: [ffi::PyCFunctionFastWithKeywords; POSTS] =
    each_post!(fast_with_keywords);
static FAST: [ffi::PyCFunctionFast; POSTS] = each_post!(fast);
static OF_CLASS: [ffi::PyCMethod; POSTS] = each_post!(of_class);
static ONE: [ffi::PyCFunction; POSTS] = each_post!(one);
static WITHOUT: [ffi::PyCFunction; POSTS] = each_post!(without);
static TUPLE: [ffi::PyCFunction; POSTS] = each_post!(tuple);
static WITH_KEYWORDS: [ffi::PyCFunctionWithKeywords; POSTS] = each_post!(with_keywords);

/// The Python code that is running on this thread, innermost first.
pub struct Frames<'py> {
    py: Python<'py>,
    next: Option<Bound<'py, PyAny>>,
}

/// Code that is running.
pub struct Frame<'py> {
    pub address: usize,
    pub code: Bound<'py, PyCode>,
    pub line: c_int,
}

/// The Python code that is running on this thread.
pub fn frames(py: Python<'_>) -> Frames<'_> {
    // SAFETY: attached; the result is borrowed, or null where no Python code is running.
    let next = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) };
    Frames { py, next }
}

/// The innermost frame of this thread, by its address; zero where no Python code is running.
pub fn innermost_frame(_py: Python<'_>) -> usize {
    // SAFETY: attached; the result is borrowed, or null.
    unsafe { ffi::PyEval_GetFrame() as usize }
}

impl<'py> Iterator for Frames<'py> {
    type Item = Frame<'py>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.next.take()?;
        let pointer: *mut ffi::PyFrameObject = frame.as_ptr().cast();
        // SAFETY: a frame that is alive; each result is a new reference, or null.
        unsafe {
            self.next = Bound::from_owned_ptr_or_opt(self.py, ffi::PyFrame_GetBack(pointer).cast());
            let code = Bound::from_owned_ptr_or_opt(self.py, ffi::PyFrame_GetCode(pointer).cast())?;
            Some(Frame {
                address: pointer as usize,
                code: code.cast_into().ok()?,
                line: ffi::PyFrame_GetLineNumber(pointer),
            })
        }
    }
}

/// A variable of the running context.
pub struct ContextVariable(Py<PyAny>);

impl ContextVariable {
    pub fn new(py: Python<'_>, name: &CStr) -> PyResult<Self> {
        // SAFETY: a name that ends in a zero; the result is a new reference, or null with an
        // exception set. Its default is `None`.
        let variable = unsafe {
            let made = ffi::PyContextVar_New(name.as_ptr(), py.None().as_ptr());
            Bound::from_owned_ptr_or_err(py, made)?
        };
        Ok(Self(variable.unbind()))
    }

    /// What it holds here; nothing where that is `None`.
    pub fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let mut value = ptr::null_mut();
        // SAFETY: a context variable; what is found is a new reference.
        let found = unsafe {
            if ffi::PyContextVar_Get(self.0.as_ptr(), ptr::null_mut(), &raw mut value) < 0 {
                ffi::PyErr_Clear();
                return None;
            }
            Bound::from_owned_ptr_or_opt(py, value)
        };
        found.filter(|found| !found.is_none())
    }

    /// Gives it another value; with what is returned, it gets the old one back.
    pub fn set<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: a context variable; the result is a new reference, or null with an exception set.
        unsafe {
            let token = ffi::PyContextVar_Set(self.0.as_ptr(), value.as_ptr());
            Bound::from_owned_ptr_or_err(py, token)
        }
    }

    /// Gives it back the value that it had; in another context than that, it stays as it is.
    pub fn reset(&self, token: &Bound<'_, PyAny>) {
        // SAFETY: a context variable and a token of it.
        unsafe {
            if ffi::PyContextVar_Reset(self.0.as_ptr(), token.as_ptr()) < 0 {
                ffi::PyErr_Clear();
            }
        }
    }
}
