//! The generator of random numbers that the functions of `random` draw from: what a run draws depends
//! on its state, and leaves it in another, which a hit leaves it in, too.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rememo::{Impurity, State, Subject, World};

use super::audit::unheard;
use super::{Recording, current, place};
use crate::raw;
use crate::raw::Arguments;

const NAME: &str = "random";
/// A version of `marshal` that does not count who else refers to a value.
const PLAIN: u8 = 2;

/// The generator, unless nobody has imported it.
fn generator(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    let module = raw::modules(py).get_item(intern!(py, "random")).ok()??;
    // A module is there while it is still being imported.
    module.getattr(intern!(py, "_inst")).ok()
}

fn subject() -> Subject {
    Subject::Generator(NAME.to_owned())
}

/// All that its next numbers depend on.
fn state(py: Python<'_>) -> Option<Bound<'_, PyBytes>> {
    let state = generator(py)?.call_method0("getstate").ok()?;
    let written = py.import("marshal").ok()?;
    let written = written.call_method1("dumps", (state, PLAIN)).ok()?;
    written.cast_into().ok()
}

/// The state now of a generator; none where it cannot be told.
pub fn sense(py: Python<'_>, name: &str) -> Option<State> {
    let mut sensed = None;
    if name == NAME {
        unheard(|| sensed = state(py).map(|state| State::of(state.as_bytes())));
    }
    sensed
}

/// What it takes to put a generator into the state that it is in.
pub fn capture(py: Python<'_>, subject: &Subject) -> Option<Vec<u8>> {
    let mut captured = None;
    if *subject == self::subject() {
        unheard(|| captured = state(py).map(|state| state.as_bytes().to_owned()));
    }
    captured
}

/// Puts generators into the states that a run left them in.
pub fn replay(py: Python<'_>, world: &World) {
    for (left, state) in &world.left {
        if *left == subject() {
            unheard(|| {
                if let Err(error) = restore(py, state) {
                    error.write_unraisable(py, None);
                }
            });
        }
    }
}

fn restore(py: Python<'_>, state: &[u8]) -> PyResult<()> {
    let state = py.import("marshal")?.call_method1("loads", (state,))?;
    py.import(NAME)?
        .getattr("_inst")?
        .call_method1("setstate", (state,))?;
    Ok(())
}

/// Half of a pair of numbers may be left from before the run; nobody hears of it when it is used.
pub fn begin(py: Python<'_>, log: &mut rememo::Log) {
    let left =
        generator(py).and_then(|generator| generator.getattr(intern!(py, "gauss_next")).ok());
    if left.is_some_and(|left| !left.is_none())
        && let Some(before) = sense(py, NAME)
    {
        log.watch_generator(subject(), before);
    }
}

/// Something is about to be drawn from a generator, or its state asked for.
pub fn draws(arguments: Arguments<'_, '_>) {
    use_of(arguments, |recording| {
        let py = recording.py();
        if let Some(before) = sense_within(py) {
            recording.get().note(py, |log| log.draw(subject(), before));
        }
    });
}

/// A generator is about to be put into a given state.
pub fn is_set(arguments: Arguments<'_, '_>) {
    use_of(arguments, |recording| {
        recording
            .get()
            .note(recording.py(), |log| log.seed(subject()));
    });
}

/// What `sense` says, where nothing is heard already.
fn sense_within(py: Python<'_>) -> Option<State> {
    state(py).map(|state| State::of(state.as_bytes()))
}

fn use_of(arguments: Arguments<'_, '_>, note: impl FnOnce(&Bound<'_, Recording>)) {
    let py = arguments.py();
    let (Some(recording), Some(owner)) = (current(py), arguments.owner()) else {
        return;
    };
    if recording.get().knows_generator.with(py, |known| *known)
        || !generator(py).is_some_and(|generator| generator.is(&owner))
    {
        return;
    }
    unheard(|| {
        if place::is_importing(py) {
            return;
        }
        recording
            .get()
            .knows_generator
            .with(py, |known| *known = true);
        if recording.get().is_apart() {
            let objection = Impurity {
                kind: "random",
                what: "draws from the generator of random in steps, or for functools.lru_cache"
                    .to_owned(),
                at: place::line(py),
            };
            recording.get().note(py, |log| log.object(objection));
        } else {
            note(&recording);
        }
    });
}
