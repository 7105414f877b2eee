//! Changes of code that a user says make no difference.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rememo::{Acceptance, Digest, Proposed};

use crate::call::Call;
use crate::memoized::Memoized;
use crate::store::{failed, unusable};
use crate::told;

/// An acceptance as Python is told of it: what it is known by, its function, when, in seconds of
/// Unix time, why, and what changed.
pub type Told<'py> = (String, String, f64, String, Bound<'py, PyTuple>);

pub fn told<'py>(py: Python<'py>, known: &Acceptance) -> PyResult<Told<'py>> {
    let at = Duration::from_nanos(known.at_ns).as_secs_f64();
    let changes = told::changes(py, &known.changes)?;
    let id = known.id().short();
    Ok((
        id,
        known.function.clone(),
        at,
        known.reason.clone(),
        changes,
    ))
}

/// What there is to accept of a function as it is, beside what is stored of it, or of one state of
/// that; and the store.
fn look(
    py: Python<'_>,
    memoized: &Memoized,
    from: Option<&Digest>,
) -> PyResult<(Proposed, rememo::Store)> {
    let mut call = Call::without_arguments(memoized, py)?;
    let state = call.state_with_sources()?.map_err(PyTypeError::new_err)?;
    let store = memoized.store(py)?;
    let store = store.get().opened().ok_or_else(unusable)?;
    let name = memoized.name(py);
    let proposed = py.detach(|| rememo::propose(&store, &name, &state, from));
    Ok((proposed.map_err(failed)?, store))
}

/// What there is to accept, for the command to decide; of a state where one is named.
#[pyfunction]
#[pyo3(signature = (memoized, old = None))]
pub fn proposed(memoized: &Bound<'_, Memoized>, old: Option<&str>) -> PyResult<Vec<u8>> {
    let old = old.and_then(Digest::from_hex);
    let (proposed, _) = look(memoized.py(), memoized.get(), old.as_ref())?;
    Ok(proposed.to_bytes())
}

/// Has stored results answer for a function as it is.
#[pyfunction]
#[pyo3(signature = (memoized, reason, entry = None))]
pub fn accept<'py>(
    memoized: &Bound<'py, Memoized>,
    reason: &str,
    entry: Option<&str>,
) -> PyResult<Told<'py>> {
    let (py, memoized) = (memoized.py(), memoized.get());
    let name = memoized.name(py);
    let old = entry.map(|key| state_of(py, memoized, key)).transpose()?;
    let (proposed, store) = look(py, memoized, old.as_ref())?;
    let proposal = match proposed {
        Proposed::Accepted(known) => return told(py, &known),
        Proposed::Nothing => {
            let why = format!("{name}: no results are stored but of its code as it is");
            return Err(PyValueError::new_err(why));
        }
        Proposed::Change(proposal) => proposal,
    };
    if let Some(objection) = &proposal.objection {
        let why = format!("{name}: {objection}; only changes of code can be accepted");
        return Err(PyValueError::new_err(why));
    }
    let accepted = proposal.accepted(reason);
    py.detach(|| store.accept(&accepted)).map_err(failed)?;
    told(py, &accepted)
}

/// The state that the result was made by whose key begins so.
fn state_of(py: Python<'_>, memoized: &Memoized, key: &str) -> PyResult<Digest> {
    let store = memoized.store(py)?;
    let store = store.get().opened().ok_or_else(unusable)?;
    let name = memoized.name(py);
    let beginning = key.to_ascii_lowercase();
    let look = || {
        let mut found = None;
        store.each(|listed| {
            let is_meant =
                listed.entry.function == name && listed.key.to_hex().starts_with(&beginning);
            if is_meant {
                found = Some(listed.entry.state);
            }
            match found {
                Some(_) => std::ops::ControlFlow::Break(()),
                None => std::ops::ControlFlow::Continue(()),
            }
        })?;
        Ok(found)
    };
    let found = py.detach(look).map_err(failed)?;
    found.ok_or_else(|| PyValueError::new_err(format!("{name} has no stored result {key}")))
}
