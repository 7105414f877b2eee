//! Arguments that name files: a C library may open them unseen, which is where that shows.

use std::path::{Path, PathBuf};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use rememo::{Given, Impurity, Log, Part, PartKind, Unnoticed};

use super::Care;
use super::paths::path_of;
use crate::freeze::is_immutable_scalar;
use crate::signature::Signature;
use crate::wrappers::{Frozen, Ignore};

/// How many items of an argument are looked at.
const ITEMS: usize = 32;
/// No path is longer.
const LONGEST: usize = 4096;
/// What opens all files in ways that are heard, or none.
const HEARD: [&str; 3] = ["numpy", "python", "rememo"];

/// The files that arguments name, as they are before the run.
pub fn files(care: &Care, signature: &Signature, values: &[Bound<'_, PyAny>]) -> Vec<Given> {
    let is_allowed = |kind| care.allowed().contains(&kind);
    if !care.is_watchful() || (is_allowed("unread") && is_allowed("files")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (parameter, value) in signature.parameters().iter().zip(values) {
        if !parameter.ignored && !value.is_instance_of::<Ignore>() {
            match value.cast::<Frozen>() {
                Ok(frozen) => add(frozen.get().value.bind(value.py()), &mut found),
                Err(_) => add(value, &mut found),
            }
        }
    }
    found
}

/// Adds the file that a value names, or those that its items do.
fn add(value: &Bound<'_, PyAny>, found: &mut Vec<Given>) {
    let mut add_one = |item: Bound<'_, PyAny>| {
        found.extend(named(&item).and_then(|path| Given::look(&path)));
    };
    if let Ok(list) = value.cast::<PyList>() {
        list.iter().take(ITEMS).for_each(&mut add_one);
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        tuple.iter().take(ITEMS).for_each(&mut add_one);
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let values = dict.iter().take(ITEMS).map(|(_, value)| value);
        values.for_each(&mut add_one);
    } else {
        add_one(value.clone());
    }
}

/// The path that a value seems to be.
fn named(value: &Bound<'_, PyAny>) -> Option<PathBuf> {
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str().ok()?;
        return is_like_a_path(text).then(|| PathBuf::from(text));
    }
    if is_immutable_scalar(value) {
        return None;
    }
    let (py, kind) = (value.py(), value.get_type());
    let has = |name| kind.hasattr(name).unwrap_or(false);
    // What says itself what counts of it, such as `FileContents`, has its file looked at by that.
    if !has(intern!(py, "__fspath__")) || has(intern!(py, "__getfrozenstate__")) {
        return None;
    }
    path_of(value)
}

/// Whether a text looks like the path of a file, and not just like any word.
fn is_like_a_path(text: &str) -> bool {
    let has_ending = || {
        let ending = Path::new(text).extension();
        ending.is_some_and(|ending| !ending.is_empty())
    };
    (1..=LONGEST).contains(&text.len()) && (text.contains('/') || has_ending())
}

/// Notes what a run did, unseen, with files that it was given: one that was written is objected to,
/// and of one that nobody was seen to read, its user is to hear. `parts` are those of the function
/// and its arguments.
pub fn note<'a>(given: &[Given], parts: impl Iterator<Item = &'a Part>, log: &mut Log) {
    let mut unread = None;
    for file in given {
        match log.unnoticed(file) {
            Some(Unnoticed::Written) => log.object(Impurity {
                kind: "files",
                what: format!(
                    "was given the path {}, and what is there changed meanwhile, by nobody who was \
                     seen",
                    file.path().display()
                ),
                at: None,
            }),
            Some(Unnoticed::Unread) => {
                unread.get_or_insert(file);
            }
            None => {}
        }
    }
    if let Some(file) = unread
        && (log.allows("processes") || goes_unheard(parts))
    {
        log.caution(Impurity {
            kind: "unread",
            what: file.path().display().to_string(),
            at: None,
        });
    }
}

/// Whether any code is reached that could open a file unseen: what Python code opens is heard.
fn goes_unheard<'a>(mut parts: impl Iterator<Item = &'a Part>) -> bool {
    parts.any(|part| match part.kind {
        PartKind::Library => !HEARD.contains(&part.name.as_str()),
        // It may be an extension.
        PartKind::Module => true,
        _ => false,
    })
}
