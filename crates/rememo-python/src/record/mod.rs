//! Recording: while a memoized function runs, all that it looks at outside of its arguments and
//! code is noted, and what it does that a stored result would leave out.
//!
//! A recording begins right before the function is called, and ends right after. Meanwhile a
//! variable of the context holds it, so that of several threads and tasks each notes its own.
//! What there is to note is heard of in three ways: audit events (`audit`), C functions that
//! something stands in front of (`probes`), and the storage of `os.environ` (`environment`).

mod audit;
mod carry;
mod environment;
mod exempt;
mod paths;
mod place;
mod probes;

pub use environment::{record_environment, sense};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rememo::{Impurity, Log, World};

use crate::raw::{Attached, ContextVariable, is_recording, recording_begins, recording_ends};

/// How closely a function's files are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// By what they hold.
    #[default]
    Content,
    /// By size and time of modification.
    Modified,
    /// Not at all, nor is anything else that it looks at.
    Off,
}

impl Watch {
    /// Reads the word for it.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "content" => Some(Self::Content),
            "mtime" => Some(Self::Modified),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Modified => "mtime",
            Self::Off => "off",
        }
    }
}

/// A recording under way.
#[pyclass(module = "rememo._core", name = "_Recording", frozen)]
pub struct Recording {
    log: Attached<Option<Log>>,
    watch: Watch,
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

    /// Takes over what a result depends on that is handed back.
    pub fn inherit(&self, py: Python<'_>, world: &World) {
        if !world.is_empty() {
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
    world
        .sensed()
        .all(|observation| sense(py, &observation.subject) == Some(observation.state))
        && Python::attach(|py| py.detach(|| world.broken_on_disk().is_none()))
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
    watch: Watch,
    outer: Option<&Bound<'py, Recording>>,
    store: &rememo::Store,
    work: impl FnOnce() -> T,
) -> (T, Log) {
    let begun = match watch {
        Watch::Off => None,
        _ => begin(py, watch, store),
    };
    let Some((recording, token)) = begun else {
        return (work(), Log::default());
    };
    let under_way = UnderWay::new();
    let done = work();
    drop(under_way);
    if let Ok(variable) = variable(py) {
        variable.reset(&token);
    }
    let log = recording
        .get()
        .log
        .with(py, Option::take)
        .unwrap_or_default();
    if let Some(outer) = outer {
        outer.get().note(py, |outer| outer.absorb(&log));
    }
    (done, log)
}

fn begin<'py>(
    py: Python<'py>,
    watch: Watch,
    store: &rememo::Store,
) -> Option<(Bound<'py, Recording>, Bound<'py, PyAny>)> {
    let mut log = Log::new(exempt::exempt(py, store));
    if let Err(why) = hear(py) {
        log.object(Impurity {
            kind: "unseen",
            what: format!("cannot be watched, for {why}"),
            at: None,
        });
    }
    let recording = Recording {
        log: Attached::new(Some(log)),
        watch,
    };
    let recording = Bound::new(py, recording).ok()?;
    let token = variable(py).ok()?.set(py, recording.as_any()).ok()?;
    Some((recording, token))
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
