//! What a run reaches by name, though nothing in its code says so: classes that a pickle names,
//! modules that are imported by computed names, variables that a library looks up among those of
//! its callers. Python code in `rememo.reached` tells of what no audit event tells.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyAttributeError, PyImportError};
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyList, PyModule, PyString};
use rememo::{Digest, Impurity, State, Subject};

use super::audit::{quietly, unheard};
use super::probes::keyword;
use super::{Recording, current, place};
use crate::freeze::{
    Graph, Origin, Reads, Root, Unfreezable, module_name, origin_of, uses_of_code,
};
use crate::raw;
use crate::raw::Arguments;

/// Modules, and names in them; all of a module where there is no name.
pub type Reached = BTreeSet<(String, Option<String>)>;

/// Has a library that is there tell when it reaches something by name.
pub fn watch(py: Python<'_>, library: &str) {
    unheard(|| {
        let watched = py
            .import("rememo.reached")
            .and_then(|module| module.call_method1("watch", (library,)));
        if let Err(error) = watched {
            error.write_unraisable(py, None);
        }
    });
}

/// Notes that something is reached; how it is then is looked at once the run is over, for it may
/// not have been imported yet.
pub fn reach(recording: &Bound<'_, Recording>, module: String, name: Option<String>) {
    let reached = &recording.get().reached;
    reached.with(recording.py(), |reached| reached.insert((module, name)));
}

/// What a module holds under a name is reached.
#[pyfunction]
pub fn name_is_reached(py: Python<'_>, module: String, name: String) {
    if let Some(recording) = current(py) {
        reach(&recording, module, Some(name));
    }
}

/// A global variable is reached, of the code with these.
#[pyfunction]
pub fn variable_is_reached(py: Python<'_>, variables: &Bound<'_, PyDict>, name: String) {
    let Some(recording) = current(py) else {
        return;
    };
    match home_of(variables) {
        Some(home) => reach(&recording, home, Some(name)),
        None => unheard(|| object(recording.get(), py, format_args!("variable {name}"))),
    }
}

/// `importlib.import_module` was called, and has found the module or not. What libraries may do
/// without is their affair.
#[pyfunction]
pub fn module_is_asked_for(py: Python<'_>, name: &str, package: &Bound<'_, PyAny>, is_there: bool) {
    let Some(recording) = current(py) else {
        return;
    };
    unheard(|| {
        let by_user = || {
            let through = place::within_library(py);
            through.iter().all(|(home, _)| home == "importlib")
        };
        let whole = py.import("importlib.util").and_then(|module| {
            module
                .call_method1("resolve_name", (name, package))?
                .extract()
        });
        if let Ok(whole) = whole
            && (is_there || by_user())
        {
            reach(&recording, whole, None);
        }
    });
}

/// Whether code belongs to the interpreter or to an installed distribution.
#[pyfunction]
pub fn is_of_library(code: &Bound<'_, PyCode>) -> bool {
    let file = code.getattr("co_filename");
    let file = file.and_then(|file| file.extract::<PathBuf>());
    file.is_ok_and(|file| place::is_of_library(code.py(), &file))
}

/// `__import__` is about to be called, by other code than the interpreter's.
pub fn imports(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let Some(recording) = current(py) else {
        return;
    };
    let given = |at: usize, name: &str| {
        let mut positional = arguments.positional();
        positional.nth(at).or_else(|| keyword(arguments, name))
    };
    unheard(|| {
        // Compiled code, which imports for somebody else: a pickle says so itself.
        let of_compiled = given(3, "fromlist").is_some_and(|names| {
            let names = names.cast_exact::<PyList>();
            names.is_ok_and(PyListMethods::is_empty)
        });
        let level = given(4, "level").and_then(|level| level.extract::<usize>().ok());
        let name = given(0, "name").and_then(|name| name.extract::<String>().ok());
        if let (Some(name), 0) = (name, level.unwrap_or(0))
            && !(of_compiled || place::is_importing(py) || place::is_in_importer(py))
        {
            let top = name.split('.').next().unwrap_or(&name).to_owned();
            reach(&recording, top, None);
            reach(&recording, name, None);
        }
    });
}

/// Code is about to be executed that was made of text: what it imports and the global variables of
/// who executes it count. Modules that are imported in the usual way count where they are used.
pub fn executes(recording: &Bound<'_, Recording>, code: &Bound<'_, PyAny>) {
    let py = recording.py();
    let Ok(code) = code.cast::<PyCode>() else {
        return;
    };
    if is_of_library(code) || place::is_housekeeping(py) {
        return;
    }
    let Ok(uses) = uses_of_code(code) else {
        return object(recording.get(), py, "code that was made of text");
    };
    let in_body = uses.imported.values().flatten();
    for import in uses.imports.iter().chain(in_body) {
        let module = &import.module;
        if import.level > 0 {
            object(
                recording.get(),
                py,
                format_args!("relative module {module}"),
            );
            continue;
        }
        reach(recording, module.clone(), None);
    }
    if let Some(globals) = raw::globals(py).filter(|_| !place::is_in_library(py)) {
        // As they are before the code runs.
        for name in uses.globals.iter().filter_map(|chain| chain.first()) {
            if globals.contains(name).unwrap_or(false) {
                match home_of(&globals) {
                    Some(home) => note(recording.get(), py, &home, Some(name.clone())),
                    None => object(recording.get(), py, format_args!("variable {name}")),
                }
            }
        }
    }
}

/// The name of the module whose variables these are; none of code that was executed among others.
fn home_of(globals: &Bound<'_, PyDict>) -> Option<String> {
    let home = globals.get_item("__name__").ok()??;
    let module = raw::modules(globals.py()).get_item(&home).ok()??;
    let own = module.cast::<PyModule>().ok()?.dict();
    own.is(globals).then(|| home.extract().ok())?
}

/// Notes how all is that was reached since the last time.
pub fn settle(py: Python<'_>, recording: &Recording) {
    for (module, name) in recording.reached.with(py, std::mem::take) {
        note(recording, py, &module, name);
    }
}

fn note(recording: &Recording, py: Python<'_>, module: &str, name: Option<String>) {
    let Some(subject) = subject(py, module, name) else {
        return;
    };
    match super::environment::sense(py, &subject) {
        Some(state) => recording.note(py, |log| log.note(subject, state)),
        None => object(recording, py, subject),
    }
}

fn object(recording: &Recording, py: Python<'_>, reached: impl Display) {
    let objection = Impurity {
        kind: "unseen",
        what: format!("reaches {reached} by name, which has no fingerprint"),
        at: place::line(py),
    };
    recording.object(py, objection);
}

/// What a run depends on that reached something; nothing where that is part of the interpreter.
fn subject(py: Python<'_>, module: &str, name: Option<String>) -> Option<Subject> {
    let top = module.split('.').next().unwrap_or(module);
    match origin_of(py, module).unwrap_or(Origin::User) {
        Origin::Standard => return None,
        Origin::Library(_) if top == "rememo" => return None,
        Origin::Library(_) => return Some(Subject::Library(top.to_owned())),
        Origin::User => {}
    }
    let module = module_name(py, module);
    Some(match name {
        Some(name) => Subject::Global(module, name),
        None => Subject::Module(module),
    })
}

/// The state of a library, by a module of it; none where it cannot be told.
pub fn sense_library(py: Python<'_>, module: &str) -> Option<State> {
    Some(match quietly(py, || origin_of(py, module)).ok()? {
        Origin::Library(build) => State::of(build.as_bytes()),
        Origin::Standard | Origin::User => State::Absent,
    })
}

/// The state of a module, or of what it holds under a name; none where it has no fingerprint.
pub fn sense(py: Python<'_>, module: &str, name: Option<&String>) -> Option<State> {
    match quietly(py, || find(py, module, name)) {
        Ok(value) => Some(State::Is(digest_of(&value).ok()?.ok()?)),
        Err(error) => {
            let is_gone = error.is_instance_of::<PyImportError>(py)
                || error.is_instance_of::<PyAttributeError>(py);
            is_gone.then_some(State::Absent)
        }
    }
}

fn find<'py>(py: Python<'py>, module: &str, name: Option<&String>) -> PyResult<Bound<'py, PyAny>> {
    let is_main = module_name(py, MAIN) == module;
    let module = PyString::new(py, if is_main { MAIN } else { module });
    let module = py.import(module)?.into_any();
    let mut parts = name.into_iter().flat_map(|name| name.split('.'));
    parts.try_fold(module, |of, part| of.getattr(part))
}

const MAIN: &str = "__main__";

/// The digest of a value, or why it has none. The error is one that is not about the value.
pub fn digest_of(value: &Bound<'_, PyAny>) -> PyResult<Result<Digest, String>> {
    let root = Root::Argument {
        name: String::new(),
        value: value.clone(),
    };
    let freeze = || Graph::freeze(root, Reads::default(), &Arc::default());
    match quietly(value.py(), freeze) {
        Ok(frozen) => Ok(Ok(frozen.digest)),
        Err(Unfreezable {
            fatal: Some(fatal), ..
        }) => Err(fatal),
        Err(Unfreezable { path, what, .. }) => {
            let place = path.trim_start_matches("argument ''");
            Ok(Err(format!("{place}: {what}")))
        }
    }
}
