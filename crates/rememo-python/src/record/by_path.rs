//! Files that a library is asked, by their paths, to open by itself, past Python.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyType};
use rememo::{Impurity, Manner};

use super::audit::unheard;
use super::depends::note;
use super::paths::path_of;
use super::probes::keyword;
use super::{current, place};
use crate::raw::{Arguments, Probe, stand_before_new};

/// What the first argument may be called.
const PATHS: [&str; 7] = [
    "path",
    "paths_or_selector",
    "source",
    "input_file",
    "where",
    "filename",
    "name",
];

/// Stands in front of the making of instances of a class of a module, which opens files.
pub fn stand_before_making(py: Python<'_>, module: &str, class: &str, probe: Probe) {
    let found = py.import(module).and_then(|module| module.getattr(class));
    if let Ok(class) = found.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
        // Out of reach, it goes unheard.
        let stood = stand_before_new(&class, probe);
        debug_assert!(stood.is_ok(), "{module}.{class}");
    }
}

/// The first argument, whatever it is called.
fn first<'py>(arguments: Arguments<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let given = arguments.positional().next();
    given.or_else(|| PATHS.iter().find_map(|name| keyword(arguments, name)))
}

/// An argument, by its place and its name.
pub fn argument<'py>(
    arguments: Arguments<'_, 'py>,
    at: usize,
    name: &str,
) -> Option<Bound<'py, PyAny>> {
    let given = arguments.positional().nth(at);
    given.or_else(|| keyword(arguments, name))
}

/// A function reads what is given by path.
pub fn reads(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let (Some(recording), Some(given)) = (current(py), first(arguments)) else {
        return;
    };
    unheard(|| {
        let watch = recording.get().watch;
        let note_one = |path: &Bound<'_, PyAny>| {
            if let Some(path) = named(path) {
                recording.get().note(py, |log| note(log, &path, watch));
            }
        };
        if let Ok(base) = given.getattr("base_dir") {
            note_one(&base);
        } else if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
            let paths = given.try_iter().into_iter().flatten();
            paths.flatten().for_each(|path| note_one(&path));
        } else {
            note_one(&given);
        }
    });
}

/// A function writes what is given by path.
pub fn writes(arguments: Arguments<'_, '_>, manner: Manner) {
    writes_path(arguments.py(), first(arguments), manner);
}

/// A function writes what one of its arguments names, by its place and its name.
pub fn writes_argument(arguments: Arguments<'_, '_>, at: usize, name: &str, manner: Manner) {
    writes_path(arguments.py(), argument(arguments, at, name), manner);
}

fn writes_path(py: Python<'_>, given: Option<Bound<'_, PyAny>>, manner: Manner) {
    let path = given.and_then(|given| named(&given));
    let (Some(recording), Some(path)) = (current(py), path) else {
        return;
    };
    unheard(|| {
        let by = Impurity {
            kind: "files",
            what: format!("writes {}", path.display()),
            at: place::line(py),
        };
        recording.get().note(py, |log| log.touch(&path, manner, by));
    });
}

/// A function opens what is given by path, in the mode that is its second argument.
pub fn opens(arguments: Arguments<'_, '_>, unless_given: &str) {
    let given = argument(arguments, 1, "mode").and_then(|mode| mode.extract::<String>().ok());
    match given.as_deref().unwrap_or(unless_given) {
        "r" | "rb" | "rs" => reads(arguments),
        "w" | "wb" | "ws" => writes(arguments, Manner::Replaces),
        _ => writes(arguments, Manner::Alters),
    }
}

/// The path that an argument names, unless it is no path, or one on another machine.
fn named(given: &Bound<'_, PyAny>) -> Option<PathBuf> {
    let path = (!given.is_none()).then(|| path_of(given)).flatten()?;
    let is_remote = path.to_str().is_some_and(|path| path.contains("://"));
    (!is_remote).then_some(path)
}
