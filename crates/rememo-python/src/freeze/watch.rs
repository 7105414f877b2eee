//! What a fingerprint was made of, so that a later one can be had by seeing that nothing changed.
//!
//! While something is listed, whatever is looked at is recorded as a guard; what no guard can watch
//! is recorded as an obstacle, and there are no guards at all. Values that can change in place are
//! *leaves*: they are looked at anew each time, and must come out as they did.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyFrozenSet, PyTuple};
use rememo::Folded;

use super::config::Config;
use super::graph::{Closed, Identity, Options, Refusal, Scope};
use super::origin::type_name;
use super::reads::Reads;
use super::{definitions, scalars, walk};
use crate::raw::{Guards, Quick, QuickHash, Recorder};

/// What is recorded while something is listed; nothing, unless it was asked for.
#[derive(Debug, Default)]
pub(super) struct Watch(RefCell<Option<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    recorder: Recorder,
    quick: Vec<(Py<PyAny>, QuickHash)>,
    leaves: Vec<Leaf>,
}

/// A value that can change in place, and what it came out as.
#[derive(Debug)]
struct Leaf {
    value: Py<PyAny>,
    print: Print,
}

#[derive(Debug, PartialEq, Eq)]
struct Print {
    folded: Folded,
    targets: Vec<(Identity, String)>,
}

/// Everything that must be as it was for a fingerprint to be what it was.
#[derive(Debug)]
pub struct Watched {
    guards: Guards,
    quick: Vec<(Py<PyAny>, QuickHash)>,
    leaves: Vec<Leaf>,
    reads: Reads,
    config: Arc<Config>,
}

/// Reads that make things count which nothing watches.
const UNWATCHED: Reads = Reads::SOURCE.with(Reads::SUBCLASSES);

impl Watch {
    pub fn recording() -> Self {
        Self(RefCell::new(Some(Recording::default())))
    }

    /// Records something, if anything is recorded.
    pub fn record(&self, what: impl FnOnce(&mut Recorder)) {
        if let Some(recording) = self.0.borrow_mut().as_mut() {
            what(&mut recording.recorder);
        }
    }

    /// Does work that looks at what is watched in another way.
    fn apart<T>(&self, work: impl FnOnce() -> T) -> T {
        let recording = self.0.take();
        let done = work();
        self.0.replace(recording);
        done
    }

    /// What was recorded, or why it is not enough.
    pub fn finish(&self, options: &Options) -> Option<Result<Watched, &'static str>> {
        let Recording {
            recorder,
            quick,
            leaves,
        } = self.0.take()?;
        if options.reads.has(UNWATCHED) {
            return Some(Err("the source of code, or the classes derived from one"));
        }
        if !options.remembered.borrow().is_empty() {
            return Some(Err("a property that remembers"));
        }
        Some(recorder.finish().map(|guards| Watched {
            guards,
            quick,
            leaves,
            reads: options.reads,
            config: options.config.clone(),
        }))
    }
}

impl Watched {
    /// Whether everything is as it was. Leaves that run Python code come first: what is left can't
    /// change while it is looked at.
    pub fn holds(&self, py: Python<'_>) -> bool {
        (self.leaves.is_empty() || self.leaves_hold(py))
            && self
                .quick
                .iter()
                .all(|(value, hash)| quick(value.bind(py)) == Some(*hash))
            && self.guards.hold(py)
    }

    /// What the garbage collector must know of.
    pub fn kept(&self) -> impl Iterator<Item = &Py<PyAny>> {
        let quick = self.quick.iter().map(|(value, _)| value);
        let leaves = self.leaves.iter().map(|leaf| &leaf.value);
        self.guards.kept().iter().chain(quick).chain(leaves)
    }

    fn leaves_hold(&self, py: Python<'_>) -> bool {
        let options = Options {
            reads: self.reads,
            config: self.config.clone(),
            ..Options::default()
        };
        let scope = Scope {
            options: &options,
            path: "",
        };
        let holds = |leaf: &Leaf| {
            let closed = walk::closed(leaf.value.bind(py), scope);
            closed.is_ok_and(|closed| Print::of(&closed) == leaf.print)
        };
        self.leaves.iter().all(holds)
            && options.remembered.borrow().is_empty()
            && options.reads.with(options.reads_met.get()) == options.reads
    }
}

/// Encodes a value that has parts, and records it as a leaf unless it can't change in place.
pub(super) fn closed<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
) -> Result<Closed<'py>, Refusal> {
    let watch = &scope.options.watch;
    if watch.0.borrow().is_none() {
        return walk::closed(value, scope);
    }
    let mut settling = Settling {
        watch,
        left: SETTLED,
    };
    if settling.is_settled(value)? {
        return walk::closed(value, scope);
    }
    let before = quick(value);
    let closed = watch.apart(|| walk::closed(value, scope))?;
    if let Some(recording) = watch.0.borrow_mut().as_mut() {
        let value = value.clone().unbind();
        match before {
            Some(hash) => recording.quick.push((value, hash)),
            None => recording.leaves.push(Leaf {
                value,
                print: Print::of(&closed),
            }),
        }
    }
    Ok(closed)
}

/// Records a value without parts, where it can change in place all the same.
pub(super) fn scalar(value: &Bound<'_, PyAny>, scope: Scope<'_>) {
    if let Some(recording) = scope.options.watch.0.borrow_mut().as_mut()
        && value.is_exact_instance_of::<PyByteArray>()
        && let Some(hash) = quick(value)
    {
        recording.quick.push((value.clone().unbind(), hash));
    }
}

/// Types of libraries whose instances never change.
const IMMUTABLE: [(&str, &[&str]); 8] = [
    ("builtins", &["complex", "ellipsis", "range"]),
    (
        "datetime",
        &["date", "datetime", "time", "timedelta", "timezone"],
    ),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("pathlib", &["PosixPath", "PurePath", "PurePosixPath"]),
    ("re", &["Pattern"]),
    ("uuid", &["UUID"]),
    (
        "numpy",
        &[
            "bool",
            "bool_",
            "complex128",
            "complex64",
            "datetime64",
            "float16",
            "float32",
            "float64",
            "int16",
            "int32",
            "int64",
            "int8",
            "str_",
            "timedelta64",
            "uint16",
            "uint32",
            "uint64",
            "uint8",
        ],
    ),
];

/// A value with more in it than this is a leaf: looking at it anew is no worse than watching it.
const SETTLED: u32 = 20_000;

/// Tells values that are what they are for as long as they are there, so that identity tells; and
/// dictionaries of such, which say themselves when they change.
struct Settling<'a> {
    watch: &'a Watch,
    /// How many values may still be looked at.
    left: u32,
}

impl Settling<'_> {
    fn is_settled(&mut self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        // Definitions are parts of their own, with guards of their own.
        if scalars::is_immutable_scalar(value) || definitions::is_definition(value) {
            return Ok(true);
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(false);
        };
        self.left = left;
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return self.all(tuple.iter());
        }
        if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
            return self.all(set.iter());
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            return self.is_settled_dict(dict);
        }
        let (module, name) = type_name(&value.get_type())?;
        match (module.as_str(), name.as_str()) {
            ("builtins", "staticmethod" | "classmethod") => {
                self.is_settled(&value.getattr("__func__")?)
            }
            ("builtins", "property") => {
                let parts = ["fget", "fset", "fdel"].map(|part| value.getattr(part));
                self.all(parts.into_iter().collect::<PyResult<Vec<_>>>()?)
            }
            ("rememo._core", "Memoized") => self.is_settled_function(value),
            (module, name) => Ok(IMMUTABLE
                .iter()
                .any(|(known, names)| *known == module && names.contains(&name))),
        }
    }

    fn all<'py>(&mut self, values: impl IntoIterator<Item = Bound<'py, PyAny>>) -> PyResult<bool> {
        for value in values {
            if !self.is_settled(&value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_settled_dict(&mut self, dict: &Bound<'_, PyDict>) -> PyResult<bool> {
        for (key, value) in dict {
            if !self.is_settled(&key)? || !self.is_settled(&value)? {
                return Ok(false);
            }
        }
        self.watch.record(|recorder| recorder.whole(dict));
        Ok(true)
    }

    /// A memoized function counts by the function that it wraps, which is an attribute of it, and by
    /// what its user said of it, which stays.
    fn is_settled_function(&mut self, memoized: &Bound<'_, PyAny>) -> PyResult<bool> {
        let namespace = memoized.getattr("__dict__")?.cast_into::<PyDict>()?;
        let Some(wrapped) = namespace.get_item("__wrapped__")? else {
            return Ok(false);
        };
        let version = memoized.getattr("semantics")?.get_item(1)?;
        self.watch
            .record(|recorder| recorder.slot(&namespace, "__wrapped__", Some(&wrapped)));
        Ok(definitions::is_definition(&wrapped) && scalars::is_immutable_scalar(&version))
    }
}

fn quick(value: &Bound<'_, PyAny>) -> Option<QuickHash> {
    let mut quick = Quick::new(value.py());
    quick.value(value).then(|| quick.finish())
}

impl Print {
    fn of(closed: &Closed<'_>) -> Self {
        Self {
            folded: closed.folded.clone(),
            targets: closed.named_targets(),
        }
    }
}
