//! The generators of random numbers that a whole process draws from: what a run draws depends on the
//! state that it finds one in, and leaves it in another, which a hit leaves it in, too.

mod numpy;
mod python;
mod torch;

use pyo3::prelude::*;
use rememo::{Impurity, State, Subject, World};

use super::audit::unheard;
use super::{Recording, current, place, sources};
use crate::raw;
use crate::raw::{Arguments, Probe};

/// A generator that a module shares between all who draw from it.
struct Shared {
    /// What it is known by.
    name: &'static str,
    /// The module that holds it, and its name there.
    holder: (&'static str, &'static str),
    /// All that its next numbers depend on.
    state: for<'py> fn(&Bound<'py, PyAny>) -> PyResult<Vec<u8>>,
    /// Puts it into such a state.
    restore: for<'py> fn(&Bound<'py, PyAny>, &[u8]) -> PyResult<()>,
    /// Whether something of it may be drawn that nobody hears of.
    may_go_unheard: for<'py> fn(&Bound<'py, PyAny>) -> bool,
}

const SHARED: [Shared; 3] = [python::SHARED, numpy::SHARED, torch::SHARED];
/// For each whether a recording knows that it is used.
pub type Known = [bool; SHARED.len()];

/// The methods of `random`'s generators that are to be stood in front of.
pub const OF_PYTHON: &[(&str, Probe)] = python::METHODS;
pub use numpy::{is_being_seeded, stand as stand_before_numpy};
pub use torch::stand as stand_before_torch;

impl Shared {
    /// The generator, unless nobody has imported it.
    fn generator<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let (module, name) = self.holder;
        let module = raw::modules(py).get_item(module).ok()??;
        // A module is there while it is still being imported, and what it holds may not be whole.
        let is_whole = !sources::is_being_imported(&module);
        is_whole.then(|| module.getattr(name).ok()).flatten()
    }

    fn subject(&self) -> Subject {
        Subject::Generator(self.name.to_owned())
    }

    fn captured(&self, py: Python<'_>) -> Option<Vec<u8>> {
        (self.state)(&self.generator(py)?).ok()
    }

    fn sensed(&self, py: Python<'_>) -> Option<State> {
        Some(State::of(&self.captured(py)?))
    }

    fn restored(&self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        let (module, name) = self.holder;
        (self.restore)(&py.import(module)?.getattr(name)?, state)
    }
}

fn shared(name: &str) -> Option<&'static Shared> {
    SHARED.iter().find(|shared| shared.name == name)
}

/// Whether a value is a generator whose state counts where something is drawn from it, as a run
/// shows: one that a module shares, or that draws from the operating system.
pub fn counts_when_drawn(value: &Bound<'_, PyAny>) -> bool {
    let is = |shared: &Shared| {
        let generator = shared.generator(value.py());
        generator.is_some_and(|generator| generator.is(value))
    };
    SHARED.iter().any(is) || python::is_of_system(value)
}

/// The state now of a generator; none where it cannot be told.
pub fn sense(py: Python<'_>, name: &str) -> Option<State> {
    let mut sensed = None;
    unheard(|| sensed = shared(name).and_then(|shared| shared.sensed(py)));
    sensed
}

/// What it takes to put a generator into the state that it is in.
pub fn capture(py: Python<'_>, subject: &Subject) -> Option<Vec<u8>> {
    let Subject::Generator(name) = subject else {
        return None;
    };
    let mut captured = None;
    unheard(|| captured = shared(name).and_then(|shared| shared.captured(py)));
    captured
}

/// Puts generators into the states that a run left them in.
pub fn replay(py: Python<'_>, world: &World) {
    for (left, state) in &world.left {
        if let Subject::Generator(name) = left
            && let Some(shared) = shared(name)
        {
            unheard(|| {
                if let Err(error) = shared.restored(py, state) {
                    error.write_unraisable(py, None);
                }
            });
        }
    }
}

/// The states now of the generators that may be drawn from without being heard of.
pub fn unheard_states(py: Python<'_>) -> Vec<(Subject, State)> {
    let state = |shared: &Shared| {
        let generator = shared.generator(py)?;
        let goes_unheard = (shared.may_go_unheard)(&generator);
        let state = goes_unheard.then(|| sense(py, shared.name)).flatten()?;
        Some((shared.subject(), state))
    };
    SHARED.iter().filter_map(state).collect()
}

/// A run begins, or has imported what draws: what is drawn without being heard of shows in the state.
pub fn watch(py: Python<'_>, recording: &Recording) {
    for (generator, before) in unheard_states(py) {
        recording.note(py, |log| log.watch_generator(generator, before));
    }
}

/// A run is about to be handed a result that leaves generators in given states: what it has drawn
/// until then shows no longer after that.
pub fn notice(py: Python<'_>, recording: &Recording) {
    for (generator, now) in unheard_states(py) {
        recording.note(py, |log| log.notice_draws(&generator, now));
    }
}

/// Does work that other things come between. What it draws from a generator without being heard of
/// cannot be told from what these draw, so the result is not kept.
pub fn apart<T>(py: Python<'_>, recording: &Recording, work: impl FnOnce() -> T) -> T {
    let before = unheard_states(py);
    let done = work();
    let after = unheard_states(py);
    for (generator, state) in after {
        let was = before.iter().find(|(known, _)| *known == generator);
        if was.is_some_and(|(_, was)| *was != state) {
            recording.object(py, drawn_apart(&generator.name(), None));
        }
    }
    done
}

fn drawn_apart(generator: &str, at: Option<String>) -> Impurity {
    Impurity {
        kind: "random",
        what: format!(
            "draws from the generator of {generator} in steps, or for functools.lru_cache"
        ),
        at,
    }
}

/// Something is about to be drawn from a generator, or its state asked for.
fn draws(arguments: Arguments<'_, '_>) {
    use_of(arguments, |recording, shared| {
        let py = recording.py();
        if let Some(before) = shared.sensed(py) {
            recording
                .get()
                .note(py, |log| log.draw(shared.subject(), before));
        }
    });
}

/// A generator is about to be put into a given state.
fn is_set(arguments: Arguments<'_, '_>) {
    use_of(arguments, |recording, shared| {
        let py = recording.py();
        let (seeded, now) = (shared.subject(), shared.sensed(py));
        recording.get().note(py, |log| {
            if let Some(now) = now {
                log.notice_draws(&seeded, now);
            }
            log.seed(seeded);
        });
    });
}

fn use_of(arguments: Arguments<'_, '_>, note: impl FnOnce(&Bound<'_, Recording>, &Shared)) {
    let py = arguments.py();
    let (Some(recording), Some(owner)) = (current(py), arguments.owner()) else {
        return;
    };
    let is = |shared: &Shared| {
        let generator = shared.generator(py);
        generator.is_some_and(|generator| generator.is(&owner))
    };
    let Some(at) = SHARED.iter().position(is) else {
        return;
    };
    if recording.get().knows_generators.with(py, |known| known[at]) {
        return;
    }
    unheard(|| {
        if place::is_importing(py) {
            return;
        }
        recording
            .get()
            .knows_generators
            .with(py, |known| known[at] = true);
        if recording.get().is_apart() {
            let objection = drawn_apart(SHARED[at].name, place::line(py));
            recording.get().object(py, objection);
        } else {
            note(&recording, &SHARED[at]);
        }
    });
}
