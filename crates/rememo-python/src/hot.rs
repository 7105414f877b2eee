//! A hit from memory: arguments bound and fingerprinted, guards compared, and nothing else.

use pyo3::exceptions::{PyAssertionError, PyException};
use pyo3::prelude::*;
use rememo::Digest;

use crate::known::Known;
use crate::memoized::Memoized;
use crate::memory;
use crate::raw::Arguments;
use crate::record;
use crate::switches::{disabled, paranoid};

/// The result of a call, if it is in memory and still holds.
#[inline]
pub fn answer<'py>(
    memoized: &Memoized,
    py: Python<'py>,
    arguments: Arguments<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if disabled(py) {
        return Ok(None);
    }
    let mut at = 0;
    while let Some(known) = memoized.known.with(py, |all| all.get(at)) {
        match look(memoized, &known, arguments)? {
            Look::Found(value) => return Ok(Some(value)),
            Look::Absent => return Ok(None),
            Look::Unfit => at += 1,
        }
    }
    Ok(None)
}

/// What came of looking for a result.
enum Look<'py> {
    Found(Bound<'py, PyAny>),
    Absent,
    /// The arguments read more about code than is known of here, or have no fingerprint.
    Unfit,
}

#[inline]
fn look<'py>(
    memoized: &Memoized,
    known: &Known,
    arguments: Arguments<'_, 'py>,
) -> PyResult<Look<'py>> {
    let py = arguments.py();
    let Some(link) = known.link(py) else {
        return Ok(Look::Unfit);
    };
    let start = link.begin_hit();
    let function = memoized.function.bind(py);
    let (positional, keywords) = (arguments.positional(), arguments.keywords());
    let Some(values) = known.signature.bind(function, positional, keywords)? else {
        return Ok(Look::Absent);
    };
    let take = || known.signature.fingerprint(py, &values, &known.definitions);
    let Some(fingerprint) = take()? else {
        return Ok(Look::Unfit);
    };
    // The guards come last, right before the result: nothing runs in between.
    if !known.state.holds(py) {
        return Ok(Look::Absent);
    }
    let found = memory::get(py, link.memory_key(fingerprint));
    let Some(found) = found.filter(|found| link.is_good(found)) else {
        return Ok(Look::Absent);
    };
    let (key, saved_ns) = (found.key, found.compute_ns);
    // Another thread may have changed something since.
    let unchanged = || take().is_ok_and(|now| now == Some(fingerprint)) && known.state.holds(py);
    if let Some(world) = &found.world {
        let looked = record::looks_outside(world);
        if !record::holds(py, world) || looked && !(unchanged() && link.is_good(&found)) {
            return Ok(Look::Absent);
        }
        if let Some(outer) = record::current(py) {
            outer.get().inherit(py, world);
        }
    }
    if paranoid() {
        let checked = Python::attach(|_| check(memoized, arguments, key));
        match checked {
            Err(error) if unchanged() => return Err(error),
            Err(_) => return Ok(Look::Absent),
            Ok(()) => {}
        }
    }
    let (world, effects) = (found.world.clone(), found.effects.clone());
    let Some(value) = found.open(py, memoized.handing) else {
        return Ok(Look::Absent);
    };
    // First what may fail: a miss must find generators in the states that it asks for.
    if let Some(effects) = effects
        && let Err(error) = Python::attach(|_| effects.replay(py))
    {
        return if error.is_instance_of::<PyException>(py) {
            Ok(Look::Absent)
        } else {
            Err(error)
        };
    }
    if let Some(world) = &world {
        record::replay(py, world);
    }
    link.hit(py, (key, saved_ns), world.as_deref(), start);
    if start.is_some() {
        link.consider(py, &memoized.worth);
    }
    Ok(Look::Found(value))
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
