//! Switches of the whole program, in its environment.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict};

use crate::raw::Memo;

const DISABLE: &str = "REMEMO_DISABLE";

fn is_on(value: &[u8]) -> bool {
    !value.is_empty() && value != b"0"
}

/// How many have switched memoization off, and not on again.
static OFF: AtomicUsize = AtomicUsize::new(0);

/// Switches memoization off in the whole process, until it is switched on again as often.
#[pyfunction]
pub fn switch_off() {
    OFF.fetch_add(1, Ordering::AcqRel);
}

/// Undoes one `switch_off`.
#[pyfunction]
pub fn switch_on_again() {
    OFF.fetch_sub(1, Ordering::AcqRel);
}

/// Whether memoized functions are only looked at in this process.
static LOOKING: AtomicBool = AtomicBool::new(false);

/// From now on, no memoized function runs or is answered in this process: calls raise
/// `RuntimeError`.
#[pyfunction]
pub fn refuse_calls() {
    LOOKING.store(true, Ordering::Release);
}

/// The error of a call where functions are only looked at.
pub fn refusal(function: impl FnOnce() -> String) -> Option<PyErr> {
    LOOKING.load(Ordering::Acquire).then(|| {
        let function = function();
        PyRuntimeError::new_err(format!(
            "{function} was called, but functions are only looked at now: have modules call \
             nothing when they are imported, but below `if __name__ == \"__main__\":`"
        ))
    })
}

/// What switches memoization off, where something does.
pub fn switched_off_by(py: Python<'_>) -> Option<&'static str> {
    if OFF.load(Ordering::Acquire) > 0 {
        return Some("rememo.disabled()");
    }
    disabled(py).then_some(DISABLE)
}

/// Whether memoization is switched off: by the program, or by `REMEMO_DISABLE` as the program sees
/// it now.
#[inline]
pub fn disabled(py: Python<'_>) -> bool {
    OFF.load(Ordering::Acquire) > 0 || disabled_by_environment(py)
}

/// It is looked up where `os.environ` keeps what it holds: asking the C library takes longer than
/// the rest of a hit from memory.
#[inline]
fn disabled_by_environment(py: Python<'_>) -> bool {
    static ENVIRONMENT: PyOnceLock<Option<Memo>> = PyOnceLock::new();
    let environment = ENVIRONMENT.get_or_init(py, || {
        let environ = py.import("os").ok()?.getattr("environ").ok()?;
        let data = environ.getattr("_data").ok()?.cast_into::<PyDict>().ok()?;
        Some(Memo::new(data))
    });
    let Some(environment) = environment else {
        return std::env::var_os(DISABLE).is_some_and(|value| is_on(value.as_encoded_bytes()));
    };
    environment.ask(py, |environment| {
        let value = environment.get_item(DISABLE.as_bytes()).ok()?;
        let value = value.and_then(|value| value.cast_into::<PyBytes>().ok());
        Some(value.is_some_and(|value| is_on(value.as_bytes())))
    })
}

/// Whether hits from memory are checked against a key found from scratch: `REMEMO_PARANOID`, as it
/// was when it was first asked for.
pub fn paranoid() -> bool {
    static PARANOID: OnceLock<bool> = OnceLock::new();
    *PARANOID.get_or_init(|| {
        std::env::var_os("REMEMO_PARANOID").is_some_and(|value| is_on(value.as_encoded_bytes()))
    })
}
