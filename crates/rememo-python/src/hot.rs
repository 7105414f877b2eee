//! A hit from memory: arguments bound and fingerprinted, guards compared, and nothing else.

use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;
use rememo::Digest;

use crate::memoized::Memoized;
use crate::memory;
use crate::raw::Arguments;
use crate::switches::{disabled, paranoid};

/// The result of a call, if it is in memory and still holds.
#[inline]
pub fn answer<'py>(
    memoized: &Memoized,
    py: Python<'py>,
    arguments: Arguments<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(known) = memoized.known.with(py, |known| known.clone()) else {
        return Ok(None);
    };
    let Some(link) = known.link(py).filter(|_| !disabled(py)) else {
        return Ok(None);
    };
    let function = memoized.function.bind(py);
    let (positional, keywords) = (arguments.positional(), arguments.keywords());
    let Some(values) = known.signature.bind(function, positional, keywords)? else {
        return Ok(None);
    };
    let take = || known.signature.fingerprint(py, &values, Some(&*known));
    let Some(fingerprint) = take() else {
        return Ok(None);
    };
    // The guards come last, right before the result: nothing runs in between.
    if !known.state.holds(py) {
        return Ok(None);
    }
    let found = memory::get(py, link.memory_key(fingerprint));
    let Some(found) = found.filter(|found| link.is_good(found)) else {
        return Ok(None);
    };
    let (key, saved_ns) = (found.key, found.compute_ns);
    if paranoid() {
        let checked = Python::attach(|_| check(memoized, arguments, key));
        // Another thread may have changed something since.
        let unchanged = || take() == Some(fingerprint) && known.state.holds(py);
        match checked {
            Err(error) if unchanged() => return Err(error),
            Err(_) => return Ok(None),
            Ok(()) => {}
        }
    }
    let value = found.open(py);
    if value.is_some() {
        link.hit(py, key, saved_ns);
    }
    Ok(value)
}

/// Finds the key of a call from scratch, and complains if it is another one.
fn check(memoized: &Memoized, arguments: Arguments<'_, '_>, known: Digest) -> PyResult<()> {
    let (args, kwargs) = arguments.collected()?;
    let fresh = memoized.key_from_scratch(&args, kwargs.as_ref())?;
    if fresh == Some(known) {
        return Ok(());
    }
    let fresh = fresh.map_or_else(|| "none".to_owned(), |key| key.short());
    Err(PyAssertionError::new_err(format!(
        "{}: a result was found in memory for key {}, but the key of the call is {fresh}",
        memoized.name(arguments.py()),
        known.short(),
    )))
}
