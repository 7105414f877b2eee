//! The time zone of the process, which the C library takes from the environment, or from a file, as it
//! tells local time.

use std::path::Path;

use pyo3::intern;
use pyo3::prelude::*;
use rememo::{State, Subject};

use super::audit::unheard;
use super::probes::keyword;
use super::{Recording, current, environment, place, sources};
use crate::raw::{Arguments, Probe};

/// Where the zone is said, unless the environment says it.
const FILE: &str = "/etc/localtime";

/// Methods of `_datetime` that do where there is no zone of one's own.
pub const OF_DATETIME: [(&str, Probe); 4] = [
    ("datetime.fromtimestamp", makes_moment),
    ("date.fromtimestamp", is_asked),
    ("datetime.timestamp", is_asked_of_naive),
    ("datetime.astimezone", makes_moment_of_other),
];

/// The zone is asked for.
pub fn is_asked(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    if let Some(recording) = current(py) {
        note(&recording);
    }
}

fn makes_moment(arguments: Arguments<'_, '_>) {
    let zone = arguments.positional().nth(1);
    let zone = zone.or_else(|| keyword(arguments, "tz"));
    if zone.is_none_or(|zone| zone.is_none()) {
        is_asked(arguments);
    }
}

fn is_asked_of_naive(arguments: Arguments<'_, '_>) {
    if is_naive(arguments) {
        is_asked(arguments);
    }
}

fn makes_moment_of_other(arguments: Arguments<'_, '_>) {
    let zone = arguments.positional().next();
    let zone = zone.or_else(|| keyword(arguments, "tz"));
    if zone.is_none_or(|zone| zone.is_none()) || is_naive(arguments) {
        is_asked(arguments);
    }
}

fn is_naive(arguments: Arguments<'_, '_>) -> bool {
    arguments.owner().is_none_or(|moment| {
        let zone = moment.getattr(intern!(arguments.py(), "tzinfo"));
        zone.map_or(true, |zone| zone.is_none())
    })
}

fn note(recording: &Bound<'_, Recording>) {
    let py = recording.py();
    if recording.get().knows_zone.with(py, |known| *known) {
        return;
    }
    unheard(|| {
        if place::is_importing(py) || sources::is_discreet(py) {
            return;
        }
        recording.get().knows_zone.with(py, |known| *known = true);
        let variable = Subject::Variable(b"TZ".to_vec());
        let Some(state) = environment::sense(py, &variable) else {
            return;
        };
        let watch = recording.get().watch;
        recording.get().note(py, |log| {
            log.note(variable, state);
            if state == State::Absent {
                log.see(Path::new(FILE), |place| watch.content(place));
            }
        });
    });
}
