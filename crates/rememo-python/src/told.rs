//! What the engine knows, as objects of Python's.

use std::collections::BTreeSet;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rememo::{Change, Digest, Explanation, MissReason};

use crate::acceptances;
use crate::freeze::Impurity;

/// Why a call hits or misses, as Python has it.
pub fn explained<'py>(
    py: Python<'py>,
    explanation: &Explanation,
    impurities: &BTreeSet<Impurity>,
) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("rememo.explain")?;
    let changes = changes(py, &explanation.changes)?;
    let reason = explanation.reason.map_or("hit", MissReason::word);
    let key = explanation.key.to_hex();
    let impurities: Vec<&Impurity> = impurities.iter().collect();
    let impurities = PyTuple::new(py, impurities)?;
    let accepted = explanation.accepted.iter();
    let accepted = accepted.map(|known| acceptances::told(py, known));
    let accepted = accepted.collect::<PyResult<Vec<_>>>()?;
    let accepted = py
        .import("rememo.acceptances")?
        .call_method1("those", (accepted,))?;
    module.getattr("Explanation")?.call1((
        explanation.hit,
        reason,
        changes,
        key,
        impurities,
        accepted,
    ))
}

/// An entry as Python has it.
pub fn entry<'py>(
    py: Python<'py>,
    key: &Digest,
    entry: &rememo::Entry,
) -> PyResult<Bound<'py, PyAny>> {
    let seconds = |nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64();
    let (created, took) = (seconds(entry.created_ns), seconds(entry.compute_ns));
    py.import("rememo.info")?.getattr("Entry")?.call1((
        key.to_hex(),
        &entry.function,
        created,
        took,
        entry.size,
    ))
}

/// Changes as Python has them.
pub fn changes<'py>(py: Python<'py>, changes: &[Change]) -> PyResult<Bound<'py, PyTuple>> {
    let kind = py.import("rememo.explain")?.getattr("Change")?;
    let told = changes.iter().map(|change| {
        let hex = |digest: Option<Digest>| digest.map(|digest| digest.to_hex());
        kind.call1((
            &change.name,
            change.kind.to_string(),
            hex(change.old),
            hex(change.new),
            &change.old_source,
            &change.new_source,
            &change.old_details,
            &change.new_details,
        ))
    });
    PyTuple::new(py, told.collect::<PyResult<Vec<_>>>()?)
}

/// The same of a call that has no key.
pub fn unexplained<'py>(py: Python<'py>, why: &str) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("rememo.explain")?;
    let reason = format!("not cacheable: {why}");
    module
        .getattr("Explanation")?
        .call1((false, reason, PyTuple::empty(py), py.None()))
}
