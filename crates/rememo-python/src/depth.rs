//! Room on the stack. A memoized call takes some of C's stack, where a plain one takes none: a deep
//! recursion that the interpreter allows must not end the process.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::raw;
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;

/// Bytes that one call needs for itself: its key, its result, the index.
const NEEDED: usize = 1 << 20;
/// Bytes without which not even the smallest call goes well, where no more stack is to be had.
const LEAST: usize = 128 << 10;
/// Bytes of each further piece of stack, and of all of them at most.
const PIECE: usize = 4 << 20;
const ALL: usize = 256 << 20;
/// Bytes that a level of recursion takes in C.
const LEVEL: usize = 1 << 10;

thread_local! {
    static PIECES: Cell<usize> = const { Cell::new(0) };
}

/// Does work that may come back here, deeper and deeper.
///
/// Fails with a `RecursionError` where the stack is used up.
pub fn with_room<T>(py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    if has(NEEDED) {
        return work();
    }
    let pieces = PIECES.get();
    if may_grow(py) && (pieces + 1) * PIECE <= ALL {
        PIECES.set(pieces + 1);
        let done = grow(py, PIECE, work);
        PIECES.set(pieces);
        return done;
    }
    if !has(LEAST) {
        return Err(PyRecursionError::new_err(
            "memoized calls within memoized calls are too deep for the stack",
        ));
    }
    work()
}

/// Does work within which the interpreter recurses in C, as pickling does, for as many levels as the
/// program's own limit allows. In 3.12 and 3.13 that has a limit of its own.
pub fn with_room_for_limit<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    if cfg!(all(Py_3_12, not(Py_3_14))) || !raw::may_move(py) {
        return work();
    }
    let needed = raw::recursion_limit(py).saturating_mul(LEVEL).min(ALL);
    if has(needed) {
        work()
    } else {
        grow(py, needed, work)
    }
}

/// Does work in another piece of memory.
fn grow<T>(py: Python<'_>, size: usize, work: impl FnOnce() -> T) -> T {
    stacker::grow(size, || {
        let left = stacker::remaining_stack().unwrap_or(size);
        raw::moved(py, left, work)
    })
}

/// Whether so many bytes of stack are left, or nobody knows.
fn has(needed: usize) -> bool {
    first_stack_has(needed)
        || stacker::remaining_stack().is_none_or(|remaining| remaining >= needed)
}

/// Whether this is the stack that the process began with, and has so many bytes left for sure.
///
/// To know the bounds of that stack, the C library reads the list of all mappings: a millisecond in
/// a program with a hundred libraries. Where it began is where the kernel put the name of the
/// program, and how far it reaches at least follows from its limit, for the kernel leaves a gap of
/// 128 MiB below it even where the limit was lower.
fn first_stack_has(needed: usize) -> bool {
    static BOUNDS: OnceLock<Option<(usize, usize)>> = OnceLock::new();
    let Some((lowest, highest)) = *BOUNDS.get_or_init(first_stack) else {
        return false;
    };
    let here = std::ptr::from_ref(&needed).addr();
    (lowest + needed..highest).contains(&here)
}

#[cfg(target_os = "linux")]
fn first_stack() -> Option<(usize, usize)> {
    /// Half of the gap, as some of it is taken at random.
    const SURE: u64 = 64 << 20;
    let highest = rustix::param::linux_execfn().as_ptr().addr();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let size = usize::try_from(limit.unwrap_or(SURE).min(SURE)).ok()?;
    Some((highest.checked_sub(size)?, highest))
}

#[cfg(not(target_os = "linux"))]
fn first_stack() -> Option<(usize, usize)> {
    None
}

/// Whether a call may go on in another piece of memory. Greenlets copy the stack from where it began.
fn may_grow(py: Python<'_>) -> bool {
    raw::may_move(py) && matches!(raw::modules(py).contains("greenlet"), Ok(false))
}
