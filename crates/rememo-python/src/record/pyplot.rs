//! What matplotlib keeps for the whole process: the figures of pyplot, and its settings. Python code
//! in `rememo.pyplot` tells when they are used.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use rememo::{Impurity, Log, State, Subject};

use super::audit::unheard;
use super::{current, place};
use crate::raw;

/// The library whose settings these are.
const LIBRARY: &str = "matplotlib";

/// How many figures pyplot has made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Whether all uses are told of.
static TOLD_OF: AtomicBool = AtomicBool::new(false);

/// How many figures pyplot has made so far: those that it makes from now on have higher numbers.
pub fn made() -> u64 {
    MADE.load(Ordering::Relaxed)
}

/// Has uses told of, as far as there is something to use.
pub fn watch(py: Python<'_>) {
    if TOLD_OF.load(Ordering::Relaxed) || !is_there(py) {
        return;
    }
    unheard(|| {
        let watched = py
            .import("rememo.pyplot")
            .and_then(|module| module.call_method0("watch"))
            .and_then(|whole| whole.extract());
        match watched {
            Ok(whole) => TOLD_OF.store(whole, Ordering::Relaxed),
            Err(error) => error.write_unraisable(py, None),
        }
    });
}

fn is_there(py: Python<'_>) -> bool {
    let module = raw::modules(py).get_item(intern!(py, "matplotlib"));
    matches!(module, Ok(Some(_)))
}

/// Objects to a run that leaves figures behind that it does not hand back: a hit would not. The
/// number is how many there were before it.
pub fn left(py: Python<'_>, before: u64, value: Option<&Bound<'_, PyAny>>, log: &mut Log) {
    watch(py);
    if made() <= before {
        return;
    }
    let mut left = Ok(false);
    unheard(|| {
        left = py
            .import("rememo.pyplot")
            .and_then(|module| module.call_method1("left_open", (before, value)))
            .and_then(|left| left.extract());
    });
    if left.unwrap_or(true) {
        log.object(Impurity {
            kind: "figures",
            what: "leaves a figure of pyplot open that it does not return".to_owned(),
            at: None,
        });
    }
}

/// A figure is made; gives its number.
#[pyfunction]
pub fn figure_is_made() -> u64 {
    MADE.fetch_add(1, Ordering::Relaxed) + 1
}

/// A figure is used, by its number; or, without a number, it is asked which one is current.
#[pyfunction]
#[pyo3(signature = (number))]
pub fn figure_is_used(py: Python<'_>, number: Option<u64>) {
    let Some(recording) = current(py) else {
        return;
    };
    let before = recording.get().figures_before;
    if number.unwrap_or_else(made) > before {
        return;
    }
    let mut at = None;
    unheard(|| at = place::line(py));
    recording.get().note(py, |log| {
        log.object(Impurity {
            kind: "figures",
            what: "uses a figure of pyplot that it did not make".to_owned(),
            at,
        });
    });
}

fn subject() -> Subject {
    Subject::Settings(LIBRARY.to_owned())
}

/// The settings of a library as they are; none where they cannot be told.
pub fn sense(py: Python<'_>, library: &str) -> Option<State> {
    let mut digest: Option<String> = None;
    if library == LIBRARY {
        unheard(|| {
            digest = py
                .import("rememo.pyplot")
                .and_then(|module| module.call_method0("settings"))
                .and_then(|digest| digest.extract())
                .ok();
        });
    }
    Some(State::of(digest?.as_bytes()))
}

/// Settings are about to be read.
#[pyfunction]
pub fn settings_are_read(py: Python<'_>) {
    note_settings(py);
}

/// Settings are about to be set. They are as they were once the run is over, or its result is not
/// kept.
#[pyfunction]
pub fn settings_are_set(py: Python<'_>) {
    let Some(recording) = current(py) else {
        return;
    };
    note_settings(py);
    // Reading them before does not tell that they will be set.
    let holds = &recording.get().holds_settings;
    if holds.with(py, |holds| std::mem::replace(holds, true)) {
        return;
    }
    let Some(state) = sense(py, LIBRARY) else {
        return;
    };
    let mut at = None;
    unheard(|| at = place::line(py));
    let by = Impurity {
        kind: "process",
        what: format!("leaves {} changed", subject()),
        at,
    };
    recording
        .get()
        .note(py, |log| log.hold(subject(), state, by));
}

/// Notes that a run depends on the settings, where that is not known yet.
fn note_settings(py: Python<'_>) {
    let Some(recording) = current(py) else {
        return;
    };
    let known = &recording.get().knows_settings;
    if known.with(py, |known| std::mem::replace(known, true)) {
        return;
    }
    let state = sense(py, LIBRARY);
    recording.get().note(py, |log| {
        if let Some(state) = state {
            log.note(subject(), state);
        } else {
            log.object(Impurity {
                kind: "unseen",
                what: format!("depends on {}, of which some have no digest", subject()),
                at: None,
            });
        }
    });
}
