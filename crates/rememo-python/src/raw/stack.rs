//! Has the interpreter know of the memory that a call goes on in.
//!
//! From 3.14 on it compares the stack with where that began, and refuses to go deeper near its end;
//! 3.14.1 lets itself be told that a thread goes on elsewhere.

pub use protection::{may_move, moved};

#[cfg(not(Py_3_14))]
mod protection {
    use pyo3::prelude::*;

    /// Whether a call may go on in another piece of memory.
    pub fn may_move(_py: Python<'_>) -> bool {
        true
    }

    /// Does work on a stack, of which so many bytes are left. There is nobody to be told.
    pub fn moved<T>(_py: Python<'_>, _left: usize, work: impl FnOnce() -> T) -> T {
        work()
    }
}

#[cfg(Py_3_14)]
mod protection {
    use std::cell::Cell;
    use std::ffi::{CStr, c_int, c_void};
    use std::sync::OnceLock;

    use pyo3::ffi::{PyThreadState, PyThreadState_Get};
    use pyo3::prelude::*;

    type Set = unsafe extern "C" fn(*mut PyThreadState, *mut c_void, usize) -> c_int;
    type Reset = unsafe extern "C" fn(*mut PyThreadState);

    thread_local! {
        /// The lowest address of the piece that this thread goes on in, and its size; none where it
        /// is on the stack that it began with.
        static PIECE: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }

    /// What tells the interpreter, if it has such functions: they are looked up, as 3.14.0 has none.
    fn functions() -> Option<(Set, Reset)> {
        static FOUND: OnceLock<Option<(Set, Reset)>> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let set = find(c"PyUnstable_ThreadState_SetStackProtection")?;
            let reset = find(c"PyUnstable_ThreadState_ResetStackProtection")?;
            // SAFETY: functions of these names have these types (`cpython/pystate.h`).
            Some(unsafe {
                (
                    std::mem::transmute::<*mut c_void, Set>(set),
                    std::mem::transmute::<*mut c_void, Reset>(reset),
                )
            })
        })
    }

    fn find(name: &CStr) -> Option<*mut c_void> {
        // SAFETY: a name that ends in a zero is looked for in what is loaded.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        (!found.is_null()).then_some(found)
    }

    /// Whether a call may go on in another piece of memory.
    pub fn may_move(_py: Python<'_>) -> bool {
        functions().is_some()
    }

    /// Does work on a stack, of which so many bytes are left.
    pub fn moved<T>(py: Python<'_>, left: usize, work: impl FnOnce() -> T) -> T {
        let here = std::ptr::from_ref(&left).addr();
        let before = PIECE.replace(Some((here.saturating_sub(left), left)));
        let _back = Back { before, py };
        tell(py);
        work()
    }

    /// Goes back to where it was before, even where the work panics.
    struct Back<'py> {
        before: Option<(usize, usize)>,
        py: Python<'py>,
    }

    impl Drop for Back<'_> {
        fn drop(&mut self) {
            PIECE.set(self.before);
            tell(self.py);
        }
    }

    fn tell(py: Python<'_>) {
        let Some((set, reset)) = functions() else {
            return;
        };
        // SAFETY: this thread is attached; a piece is there for as long as it is run on.
        unsafe {
            let thread = PyThreadState_Get();
            match PIECE.get() {
                Some((lowest, size)) => {
                    let lowest = std::ptr::without_provenance_mut(lowest);
                    if set(thread, lowest, size) != 0 {
                        // It is too small for that; there it stays as it was.
                        drop(PyErr::take(py));
                    }
                }
                None => reset(thread),
            }
        }
    }
}
