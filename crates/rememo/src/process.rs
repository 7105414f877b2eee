//! Which process this is, without asking the kernel each time: a call that misses wants to know a
//! dozen times, for whatever was opened by the parent of a forked child is not the child's to use.
#![expect(
    unsafe_code,
    reason = "the C library is asked to say when the process forks"
)]

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Not the number of any process.
const UNKNOWN: u32 = 0;

static ID: AtomicU32 = AtomicU32::new(UNKNOWN);

/// The number of this process, as [`std::process::id`] has it.
pub fn id() -> u32 {
    match ID.load(Ordering::Relaxed) {
        UNKNOWN => find(),
        known => known,
    }
}

#[cold]
fn find() -> u32 {
    static IS_TOLD: OnceLock<bool> = OnceLock::new();
    let id = process::id();
    // SAFETY: what is called in the child does nothing but store a number, which is safe to do
    // wherever the parent's threads were at the fork; and this library is never unloaded.
    let is_told = || unsafe { libc::pthread_atfork(None, None, Some(forget)) } == 0;
    if *IS_TOLD.get_or_init(is_told) {
        ID.store(id, Ordering::Relaxed);
    }
    id
}

unsafe extern "C" fn forget() {
    ID.store(UNKNOWN, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_knows_its_own_number() {
        let parent = id();
        assert_eq!(parent, process::id());
        // SAFETY: the child does nothing that could take a lock, and leaves at once.
        match unsafe { libc::fork() } {
            0 => {
                let is_wrong = id() == parent || id() != process::id();
                // SAFETY: ends the child, which has nothing to clean up.
                unsafe { libc::_exit(i32::from(is_wrong)) }
            }
            child => {
                let mut status = -1;
                // SAFETY: the status is written to a number of this function's.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(status, 0, "the child said it was its parent");
            }
        }
    }
}
