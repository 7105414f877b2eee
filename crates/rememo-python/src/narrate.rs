//! What is told while a key is made: the walk, to those who ask for it, and what makes a function
//! depend on more than its arguments and code.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use pyo3::prelude::*;
use rememo::{NotStored, Part};

use crate::freeze::Impurity;
use crate::raw;

const DEBUG: u8 = 10;

/// Writes the parts that a walk met to the logger `rememo.freeze`, if the program uses logging and
/// someone listens at level DEBUG.
pub fn walk(py: Python<'_>, function: &str, parts: &[Part]) {
    debug(py, |log| {
        for part in parts {
            let kind = part.kind.to_string();
            log.call1((
                "%s: %s %s %s",
                function,
                kind,
                &part.name,
                part.digest.short(),
            ))?;
        }
        Ok(())
    });
}

/// Says there why the state of a function must be found anew for each call.
pub fn unwatched(py: Python<'_>, function: &str, why: &str) {
    debug(py, |log| {
        log.call1((
            "%s: found anew for each call, for it uses %s",
            function,
            why,
        ))?;
        Ok(())
    });
}

/// When this module was loaded: files that are older are what was read from them.
static LOADED: OnceLock<f64> = OnceLock::new();

/// Notes that this module is being loaded.
pub fn note_loading() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    LOADED.get_or_init(|| now.map_or(0.0, |now| now.as_secs_f64()));
}

/// The source text that a function or class was made from, where that can be known.
pub fn source_of(definition: &Bound<'_, PyAny>) -> Option<String> {
    let loaded = LOADED.get().copied().unwrap_or_default();
    let sources = definition.py().import("rememo.sources").ok()?;
    let found = sources.call_method1("source_of", (definition, loaded));
    found.ok()?.extract().ok()
}

fn debug<'py>(py: Python<'py>, tell: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<()>) {
    let told = logger(py).and_then(|log| log.map_or(Ok(()), |log| tell(&log)));
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}

/// What writes a line, if someone listens.
fn logger(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let Some(logging) = raw::modules(py).get_item("logging")? else {
        return Ok(None);
    };
    // A module is there while it is still being imported.
    let Ok(get_logger) = logging.getattr("getLogger") else {
        return Ok(None);
    };
    let logger = get_logger.call1(("rememo.freeze",))?;
    let listens = logger.call_method1("isEnabledFor", (DEBUG,))?.is_truthy()?;
    listens.then(|| logger.getattr("debug")).transpose()
}

/// What has been announced, by function and name.
static ANNOUNCED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Raises the audit event `rememo.impurity` for each source of what arguments and code do not
/// determine, once per function and process.
pub fn impurities(py: Python<'_>, function: &str, found: &BTreeSet<Impurity>) {
    for (user, name, kind) in found {
        let fresh = ANNOUNCED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((function.to_owned(), name.clone()));
        if fresh {
            if kind.starts_with("computed") {
                let notices = py.import("rememo.notices");
                let told = notices.and_then(|n| n.call_method1("unseen", (function, user, name)));
                if let Err(error) = told {
                    error.write_unraisable(py, None);
                }
            }
            let audit = py.import("sys").and_then(|sys| sys.getattr("audit"));
            let event = ("rememo.impurity", function, user, name, *kind);
            if let Err(error) = audit.and_then(|audit| audit.call1(event)) {
                error.write_unraisable(py, None);
            }
        }
    }
}

/// The error for what a call did that its result is not kept for.
pub fn refusal(py: Python<'_>, function: &str, objections: &[rememo::Impurity]) -> PyErr {
    let why = NotStored::Impure(objections.to_vec()).detail();
    let made = py
        .import("rememo.errors")
        .and_then(|errors| errors.getattr("ImpureCallError"))
        .and_then(|class| {
            class.call1((format!(
                "the result of {function} was not stored, for the call {why}"
            ),))
        });
    made.map_or_else(|error| error, PyErr::from_value)
}
