//! What a fingerprint was made of, so that a later one can be had by seeing that nothing changed.
//!
//! While something is listed, whatever is looked at is recorded as a guard; what no guard can watch
//! is recorded as an obstacle, and there are no guards at all. Values that can change in place are
//! *leaves*: they are looked at anew each time, and must come out as they did.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyFrozenSet, PyList, PyString, PyTuple, PyType};
use rememo::Folded;

use super::config::Config;
use super::graph::{Closed, Identity, Options, Refusal, Scope};
use super::origin::{library_object, type_name};
use super::reads::Reads;
use super::{definitions, expand, scalars, walk, wrappers};
use crate::raw::{self, Guards, Quick, QuickHash, Recorder};
use crate::record::counts_when_drawn;

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
    let mut watcher = Watcher {
        scope,
        left: WATCHED,
        depth: 0,
    };
    if watcher.watch(value)? {
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
    (
        "builtins",
        &[
            "classmethod_descriptor",
            "complex",
            "ellipsis",
            "getset_descriptor",
            "member_descriptor",
            "method_descriptor",
            "range",
            "wrapper_descriptor",
        ],
    ),
    ("datetime", &["date", "timedelta", "timezone"]),
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

fn is_immutable(module: &str, name: &str) -> bool {
    IMMUTABLE
        .iter()
        .any(|(known, names)| *known == module && names.contains(&name))
}

/// Whether instances of a class are small and hold nothing that other values could hold too.
pub(super) fn is_small(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let (module, name) = type_name(class)?;
    Ok(is_immutable(&module, &name) || module == "datetime" && name != "tzinfo")
}

/// What a memoized function has in its namespace to describe the function that it wraps.
const DESCRIBES: [&str; 4] = [
    "__annotate__",
    "__annotations__",
    "__type_params__",
    "__wrapped__",
];

/// How many values are watched one by one; one with more in it is a leaf.
const WATCHED: u32 = 20_000;

/// The same for depth, which takes stack.
const DEPTH: u32 = 100;

/// Finds ways to tell that a value is as it was without looking at it anew: immutable values are
/// told by their identity, containers and plain instances by the identities in them, and what holds
/// plain data by a quick hash of that.
struct Watcher<'a> {
    scope: Scope<'a>,
    /// How many values may still be looked at.
    left: u32,
    /// How deep in the value the walk is.
    depth: u32,
}

impl Watcher<'_> {
    /// Records a value and all that is in it; false where something can't be watched so.
    fn watch(&mut self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        // Definitions are parts of their own, with guards of their own.
        if scalars::is_immutable_scalar(value) || definitions::is_definition(value) {
            return Ok(true);
        }
        if self.left == 0 || self.depth == DEPTH {
            return Ok(false);
        }
        self.left -= 1;
        self.depth += 1;
        let watched = self.watch_inside(value);
        self.depth -= 1;
        watched
    }

    fn watch_inside(&mut self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            return self.watch_all(tuple.iter());
        }
        if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
            return self.watch_all(set.iter());
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            let watched = self.watch_all(list.iter())?;
            return Ok(watched && self.record(|recorder| recorder.list(list)));
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let watched = self.watch_all(dict.keys())? && self.watch_all(dict.values())?;
            return Ok(watched && self.record(|recorder| recorder.whole(dict)));
        }
        self.watch_other(value)
    }

    fn watch_other(&mut self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        let (module, name) = type_name(&value.get_type())?;
        match (module.as_str(), name.as_str()) {
            ("builtins", "staticmethod" | "classmethod") => {
                self.watch_members(value, &["__func__"])
            }
            // Its documentation can be set anew.
            ("builtins", "property") if !self.scope.options.reads.has(Reads::DOCS) => {
                let parts = ["fget", "fset", "fdel"].map(|part| value.getattr(part));
                self.watch_all(parts.into_iter().collect::<PyResult<Vec<_>>>()?)
            }
            ("builtins", "mappingproxy") => self.watch_proxied(value),
            ("dataclasses", "Field") => self.watch_members(value, wrappers::fields_of_field()),
            ("random", "Random" | "SystemRandom") | ("numpy.random.mtrand", "RandomState")
                if counts_when_drawn(value) =>
            {
                Ok(true)
            }
            ("builtins", "method") => self.watch_members(value, &["__func__", "__self__"]),
            ("builtins", "builtin_function_or_method" | "builtin_method" | "method-wrapper") => {
                self.watch_members(value, &["__self__"])
            }
            // Its documentation can be set, and is a part of what it pickles as.
            ("_collections" | "collections", "_tuplegetter") => {
                self.watch_members(value, &["__doc__"])
            }
            ("enum", "property") if !self.scope.options.reads.has(Reads::DOCS) => {
                self.watch_members(value, &["fget", "fset", "fdel"])
            }
            // A time zone may be an object of the user's.
            ("datetime", "datetime" | "time") => self.watch_members(value, &["tzinfo"]),
            ("functools", "partial") => self.watch_members(value, &["func", "args", "keywords"]),
            ("rememo._core", "Memoized") => self.watch_memoized(value),
            (module, name) if is_immutable(module, name) => Ok(true),
            _ => Ok(self.watch_data(value)
                || self.watch_named(value)?
                || self.watch_instance(value)?),
        }
    }

    fn watch_all<'py>(
        &mut self,
        values: impl IntoIterator<Item = Bound<'py, PyAny>>,
    ) -> Result<bool, Refusal> {
        for value in values {
            if !self.watch(&value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An instance with nothing to it but attributes.
    fn watch_instance(&mut self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        let Some(slots) = expand::slots_of_plain(&value.get_type(), self.scope)? else {
            return Ok(false);
        };
        self.record(|recorder| recorder.class_of(value));
        for slot in slots {
            let slot = slot.bind(value.py());
            let held = raw::slot_of(value, slot);
            if let Some(held) = &held
                && !self.watch(held)?
            {
                return Ok(false);
            }
            self.record(|recorder| recorder.slot_of(value, slot, held.as_ref()));
        }
        self.watch_namespace(value)
    }

    /// An object of a library that pickles as its name: it is the library's.
    fn watch_named(&self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        if library_object(value, self.scope.options)?.is_none() {
            return Ok(false);
        }
        let reduced = value.call_method1("__reduce_ex__", (5,));
        Ok(reduced.is_ok_and(|reduced| reduced.is_instance_of::<PyString>()))
    }

    /// What a proxy stands for.
    fn watch_proxied(&mut self, proxy: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        let proxied = proxy
            .py()
            .import("gc")?
            .call_method1("get_referents", (proxy,))?;
        match proxied.get_item(0)?.cast_into_exact::<PyDict>() {
            Ok(dict) => self.watch(dict.as_any()),
            Err(_) => Ok(false),
        }
    }

    fn watch_namespace(&mut self, value: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        let Some(namespace) = raw::namespace(value)? else {
            return Ok(true);
        };
        let watched = self.watch_all(namespace.values())?;
        Ok(watched && self.record(|recorder| recorder.namespace(&namespace)))
    }

    /// An object whose state is in members of its structure, and in its namespace.
    fn watch_members(&mut self, value: &Bound<'_, PyAny>, names: &[&str]) -> Result<bool, Refusal> {
        for name in names {
            let member = value.getattr(*name)?;
            if !self.watch(&member)? {
                return Ok(false);
            }
            self.record(|recorder| recorder.member(value, name, &member));
        }
        self.watch_namespace(value)
    }

    /// A memoized function counts by the function that it wraps, which is an attribute of it, by what
    /// its user said of it, which stays, and by what was set on it.
    fn watch_memoized(&mut self, memoized: &Bound<'_, PyAny>) -> Result<bool, Refusal> {
        let namespace = memoized.getattr("__dict__")?.cast_into::<PyDict>()?;
        let Some(wrapped) = namespace.get_item("__wrapped__")? else {
            return Ok(false);
        };
        let version = memoized.getattr("semantics")?.get_item(1)?;
        let set_by_user = namespace.iter().filter(|(name, _)| {
            let name = name.extract::<String>();
            !name.is_ok_and(|name| DESCRIBES.contains(&name.as_str()))
        });
        let watched = self.watch_all(set_by_user.map(|(_, value)| value))?;
        self.record(|recorder| recorder.namespace(&namespace));
        Ok(watched && definitions::is_definition(&wrapped) && stays(&version))
    }

    /// Plain data, by its content.
    fn watch_data(&mut self, value: &Bound<'_, PyAny>) -> bool {
        let Some(hash) = quick(value) else {
            return false;
        };
        if let Some(recording) = self.scope.options.watch.0.borrow_mut().as_mut() {
            recording.quick.push((value.clone().unbind(), hash));
        }
        true
    }

    fn record(&self, what: impl FnOnce(&mut Recorder)) -> bool {
        self.scope.options.watch.record(what);
        true
    }
}

/// Whether a value is immutable, and so is all that is in it.
fn stays(value: &Bound<'_, PyAny>) -> bool {
    let elements = value.cast_exact::<PyTuple>();
    scalars::is_immutable_scalar(value)
        || elements.is_ok_and(|elements| elements.iter().all(|element| stays(&element)))
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
