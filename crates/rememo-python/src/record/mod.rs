//! Recording: while a memoized function runs, all that it looks at outside of its arguments and
//! code is noted, and what it does that a stored result would leave out.
//!
//! A recording begins right before the function is called, and ends right after. Meanwhile a
//! variable of the context holds it, so that of several threads and tasks each notes its own.
//! What there is to note is heard of in three ways: audit events (`audit`), C functions that
//! something stands in front of (`probes`), and the storage of `os.environ` (`environment`).

mod arrow;
mod audit;
mod by_path;
mod care;
mod carry;
mod command_line;
mod depends;
mod descriptors;
mod environment;
mod exempt;
mod fills;
mod generators;
mod given;
mod hdf;
mod intact;
mod output;
mod paths;
mod place;
mod probes;
mod pyplot;
mod reached;
mod sources;
mod zone;

pub use care::Care;
pub use command_line::arguments_are_read;
pub use depends::track;
pub use environment::record_environment;
pub use fills::watch_fills;
pub use generators::{capture, counts_when_drawn, replay};
pub use given::{files as files_given, note as note_given};
pub use output::dropped;
pub use pyplot::{
    figure_is_made, figure_is_used, left as leave_figures, made as figures_made, settings_are_read,
    settings_are_set,
};
pub use reached::{is_of_library, module_is_asked_for, name_is_reached, variable_is_reached};

use std::cell::Cell;
use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rememo::{Exempt, Impurity, Lease, Log, State, Subject, World};

use self::care::Watch;
use self::fills::Making;
use crate::raw::{Attached, ContextVariable, is_recording, recording_begins, recording_ends};

/// A recording under way.
#[pyclass(module = "rememo._core", name = "_Recording", frozen)]
pub struct Recording {
    log: Attached<Option<Log>>,
    watch: Watch,
    /// How much it has taken over of what results depend on that it was handed, by who keeps them.
    told: Attached<HashMap<(usize, usize), usize>>,
    /// What it was handed of what is kept and could be changed.
    handed: Attached<intact::Handed>,
    /// Where the result is made for `functools.lru_cache`.
    making: Option<Making>,
    /// Whether it is one of steps, with other things between them.
    in_steps: bool,
    /// Which shared generators of random numbers it knows to be used.
    knows_generators: Attached<generators::Known>,
    /// The numbers by which it knows files to be used.
    descriptors: Attached<Vec<RawFd>>,
    /// What is written and logged goes to these, that of runs around this one included.
    tapes: Vec<Py<PyAny>>,
    /// Whether what it changes on disk is to be done again on a hit, here or around it.
    keeps_outputs: bool,
    /// Whether it is noted that settings are used.
    knows_settings: Attached<bool>,
    /// Whether it is noted that the time zone is used.
    knows_zone: Attached<bool>,
    /// Whether it is noted how they were before they were set.
    holds_settings: Attached<bool>,
    /// How many figures pyplot had made before.
    figures_before: u64,
    /// What is standard output, and error output, before.
    streams: output::Streams,
    /// What was reached by name since that was last noted.
    reached: Attached<reached::Reached>,
}

impl Recording {
    /// Notes something, if the recording still is under way.
    fn note(&self, py: Python<'_>, work: impl FnOnce(&mut Log)) {
        self.log.with(py, |log| {
            if let Some(log) = log {
                work(log);
            }
        });
    }

    /// Notes something for which the result is not kept.
    fn object(&self, py: Python<'_>, objection: Impurity) {
        self.note(py, |log| log.object(objection));
    }

    /// Whether what it leaves changed is not what there is once it is over.
    fn is_apart(&self) -> bool {
        self.in_steps || self.making.is_some()
    }

    /// Ends the recording, and gives what was recorded.
    fn end(&self, py: Python<'_>) -> Log {
        reached::settle(py, self);
        self.log.with(py, Option::take).unwrap_or_default()
    }

    /// Takes over what a result depends on that is handed back.
    pub fn inherit(&self, py: Python<'_>, world: &World) {
        if !world.is_empty() {
            if !world.left.is_empty() {
                generators::notice(py, self);
            }
            self.note(py, |log| log.inherit(world));
        }
    }
}

/// The variable of the context that holds the recording.
fn variable(py: Python<'_>) -> PyResult<&ContextVariable> {
    static VARIABLE: PyOnceLock<ContextVariable> = PyOnceLock::new();
    VARIABLE.get_or_try_init(py, || ContextVariable::new(py, c"rememo.recording"))
}

/// The recording of what is running here, if there is one.
pub fn current(py: Python<'_>) -> Option<Bound<'_, Recording>> {
    if !is_recording() {
        return None;
    }
    let held = variable(py).ok()?.get(py)?;
    held.cast_into().ok()
}

/// Whether all that a result depends on still is as it was.
pub fn holds(py: Python<'_>, world: &World) -> bool {
    if world.has_expired() {
        return false;
    }
    world.observations.is_empty() || as_it_was(py, world)
}

fn as_it_was(py: Python<'_>, world: &World) -> bool {
    let around = current(py);
    world
        .sensed()
        .all(|was| sense(py, &was.subject, around.as_ref()) == Some(was.state))
        && (!looks_outside(world)
            || Python::attach(|py| py.detach(|| world.broken_on_disk().is_none())))
}

/// Whether a result depends on anything besides who keeps what is written.
pub fn looks_outside(world: &World) -> bool {
    let mut observations = world.observations.iter();
    observations.any(|was| !output::is_about(&was.subject))
}

/// The state now of something that is not on disk, for a call that is part of what is recorded around
/// it; none where it cannot be told.
pub fn sense(
    py: Python<'_>,
    subject: &Subject,
    around: Option<&Bound<'_, Recording>>,
) -> Option<State> {
    output::sense(subject, around).or_else(|| environment::sense(py, subject))
}

/// Until it is dropped, nothing is noted in the recording around it: what is done meanwhile is none
/// of the program's doing.
pub struct Pause<'py> {
    pub outer: Option<Bound<'py, Recording>>,
    token: Option<Bound<'py, PyAny>>,
}

impl<'py> Pause<'py> {
    pub fn begin(py: Python<'py>) -> Self {
        let outer = current(py);
        let token = outer
            .as_ref()
            .and_then(|_| variable(py).ok()?.set(py, py.None().bind(py)).ok());
        Self { outer, token }
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        if let Some(token) = &self.token
            && let Ok(variable) = variable(token.py())
        {
            variable.reset(token);
        }
    }
}

/// Does some work under a recording of its own, and gives what was recorded. The recording around
/// it takes that over, whatever becomes of the work.
pub fn record<'py, T>(
    py: Python<'py>,
    care: &Care,
    outer: Option<&Bound<'py, Recording>>,
    store: &rememo::Store,
    tape: Option<&Bound<'py, PyAny>>,
    work: impl FnOnce() -> T,
) -> (T, Log) {
    match begin(py, care, exempt::of_store(py, store), outer) {
        Some(mut recording) => {
            let tape = tape.map(|tape| tape.clone().unbind());
            recording.tapes.extend(tape);
            match Bound::new(py, recording) {
                Ok(recording) => run(py, &recording, outer, work),
                Err(_) => (work(), Log::default()),
            }
        }
        None => (work(), Log::default()),
    }
}

/// Does some work under a recording that has begun, and gives what was recorded.
fn run<'py, T>(
    py: Python<'py>,
    recording: &Bound<'py, Recording>,
    outer: Option<&Bound<'py, Recording>>,
    work: impl FnOnce() -> T,
) -> (T, Log) {
    let under_way = UnderWay::new();
    let done = within(py, recording, work);
    drop(under_way);
    if recording.get().watch != Watch::Off {
        output::left(py, recording.get());
    }
    let log = recording.get().end(py);
    if let Some(outer) = outer.map(Bound::get) {
        let apart = outer.is_apart();
        outer.note(py, |outer| {
            if !apart {
                outer.watch_like(&log);
            }
            outer.absorb(&log);
        });
    }
    (done, log)
}

/// A recording of work that is done in steps, with other things between them. What threads and
/// tasks do meanwhile that a step began is noted too.
pub struct Steps {
    recording: Py<Recording>,
    /// The recording around the last step, by address, and how much it had been told of.
    told: Cell<(usize, usize)>,
    _under_way: UnderWay,
}

impl Steps {
    /// Begins a recording; none where nothing is to be watched.
    pub fn begin(
        py: Python<'_>,
        care: &Care,
        store: &rememo::Store,
        lease: Option<Lease>,
    ) -> Option<Self> {
        let recording = Recording {
            in_steps: true,
            ..begin(py, care, exempt::of_store(py, store), None)?
        };
        let recording = Bound::new(py, recording).ok()?;
        if let Some(lease) = lease {
            // Whoever takes a step takes this over, too.
            recording.get().inherit(py, &World::leased(lease));
        }
        Some(Self {
            recording: recording.unbind(),
            told: Cell::default(),
            _under_way: UnderWay::new(),
        })
    }

    /// Does one step. The recording around it takes over at once what is noted, for nobody can say
    /// whether there will be another.
    pub fn step<T>(&self, py: Python<'_>, work: impl FnOnce() -> T) -> T {
        let outer = current(py);
        let recording = self.recording.bind(py);
        let done = within(py, recording, work);
        if let Some(outer) = outer {
            reached::settle(py, recording.get());
            recording.get().note(py, |log| {
                let now = (outer.as_ptr() as usize, log.extent());
                if self.told.replace(now) != now {
                    outer.get().note(py, |outer| outer.absorb(log));
                }
            });
        }
        done
    }

    /// Ends the recording, and gives what was recorded.
    pub fn end(&self, py: Python<'_>) -> Log {
        let recording = self.recording.get();
        let mut log = recording.end(py);
        pyplot::left(py, recording.figures_before, None, &mut log);
        log
    }
}

/// Does some work whose doings are noted in a recording.
fn within<T>(py: Python<'_>, recording: &Bound<'_, Recording>, work: impl FnOnce() -> T) -> T {
    if recording.get().watch == Watch::Off {
        return work();
    }
    let variable = variable(py);
    let token = variable
        .as_ref()
        .ok()
        .and_then(|variable| variable.set(py, recording.as_any()).ok());
    if token.is_none() {
        let objection = Impurity {
            kind: "unseen",
            what: "cannot be watched, for its context has no room".to_owned(),
            at: None,
        };
        recording.get().object(py, objection);
    }
    let done = match &recording.get().making {
        // What a library draws to fill a cache of its own counts by its version.
        Some(making) if making.of_library => place::based(py, work),
        None if !recording.get().in_steps => {
            generators::watch(py, recording.get());
            place::based(py, work)
        }
        _ => generators::apart(py, recording.get(), || place::based(py, work)),
    };
    if let (Ok(variable), Some(token)) = (variable, token) {
        variable.reset(&token);
    }
    done
}

fn begin<'py>(
    py: Python<'py>,
    care: &Care,
    exempt: Arc<Exempt>,
    outer: Option<&Bound<'py, Recording>>,
) -> Option<Recording> {
    let is_watched = care.watch != Watch::Off;
    if !is_watched && care.depends.sees_nothing() {
        return None;
    }
    let around = outer.is_some_and(|outer| outer.get().keeps_outputs);
    let keeps_outputs = care.effects.files() || around;
    let mut log = Log::new(exempt)
        .allowing(care.allowed())
        .keeping_outputs(keeps_outputs);
    care.depends.declare(py, care.watch, &mut log);
    if is_watched {
        if let Err(why) = hear(py) {
            log.object(Impurity {
                kind: "unseen",
                what: format!("cannot be watched, for {why}"),
                at: None,
            });
        }
        sources::stand_later(py);
        pyplot::watch(py);
    }
    let tapes = outer.map(|outer| tapes_of(outer)).unwrap_or_default();
    Some(Recording {
        log: Attached::new(Some(log)),
        watch: care.watch,
        told: Attached::default(),
        handed: Attached::default(),
        making: None,
        in_steps: false,
        tapes,
        keeps_outputs,
        knows_generators: Attached::default(),
        descriptors: Attached::default(),
        knows_settings: Attached::default(),
        knows_zone: Attached::default(),
        holds_settings: Attached::default(),
        figures_before: pyplot::made(),
        streams: output::Streams::now(py),
        reached: Attached::default(),
    })
}

/// Counts a recording for as long as it lives.
struct UnderWay;

impl UnderWay {
    fn new() -> Self {
        recording_begins();
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        recording_ends();
    }
}

/// Has everything heard that is to be noted; once in a process. The error says why it is not.
fn hear(py: Python<'_>) -> Result<(), String> {
    static HEARD: PyOnceLock<Result<(), String>> = PyOnceLock::new();
    HEARD
        .get_or_init(py, || {
            audit::hear(py)?;
            probes::stand(py);
            Ok(())
        })
        .clone()
}

fn tapes_of(recording: &Bound<'_, Recording>) -> Vec<Py<PyAny>> {
    let tapes = recording.get().tapes.iter();
    tapes.map(|tape| tape.clone_ref(recording.py())).collect()
}

/// What takes down what is written and logged here.
#[pyfunction]
pub fn tapes(py: Python<'_>) -> Vec<Py<PyAny>> {
    current(py).map_or_else(Vec::new, |recording| tapes_of(&recording))
}

/// Whether something is noted here.
#[pyfunction]
#[pyo3(name = "is_recording")]
pub fn is_noted(py: Python<'_>) -> bool {
    current(py).is_some()
}

/// Does some work that is noted as the doing of what is running around a call.
pub fn as_part_of<'py, T>(
    py: Python<'py>,
    outer: Option<&Bound<'py, Recording>>,
    work: impl FnOnce() -> T,
) -> T {
    match outer {
        Some(outer) => within(py, outer, work),
        None => work(),
    }
}
