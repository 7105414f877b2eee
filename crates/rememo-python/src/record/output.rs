//! What a run writes to standard output and error output: a hit leaves that out, unless it is asked
//! for.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use rememo::{Impurity, State, Subject};

use super::audit::unheard;
use super::probes::keyword;
use super::{Recording, current, place, sources};
use crate::raw;
use crate::raw::{Arguments, Attached, Probe};

pub const FUNCTIONS: [(&str, &str, Probe); 4] = [
    ("builtins", "print", prints),
    ("_io", "TextIOWrapper.write", writes),
    ("_io", "BufferedWriter.write", writes),
    // Of streams without a buffer.
    ("_io", "FileIO.write", writes),
];

/// What it is called among the settings of the process whether somebody keeps what is written to the
/// stream of that name.
const LISTENERS: &str = "who keeps what is written to ";

/// Libraries whose output is not what a function is for: progress, and what has a channel of its own.
const ASIDE: [&str; 5] = ["_py_warnings", "joblib", "logging", "tqdm", "warnings"];

/// The kinds under which it is told of, by number.
pub const KINDS: [&str; 2] = ["stdout", "stderr"];

/// A stream as it is before a run: by the addresses of what writes text and bytes. A run that has
/// another one stand there meanwhile catches what is written.
#[derive(Debug, Default)]
struct Stream {
    text: usize,
    bytes: usize,
    is_told: bool,
}

/// Standard output and error output as they are before a run.
#[derive(Debug, Default)]
pub struct Streams(Attached<[Stream; 2]>);

impl Streams {
    pub fn now(py: Python<'_>) -> Self {
        let stream = |at: usize| {
            let Some(text) = standard(py, at) else {
                return Stream::default();
            };
            // Streams of other kinds may run any code for that.
            let bytes = is_plain(&text).then(|| text.getattr(intern!(py, "buffer")).ok());
            let bytes = bytes.flatten();
            Stream {
                text: text.as_ptr() as usize,
                bytes: bytes.map_or(0, |bytes| bytes.as_ptr() as usize),
                is_told: false,
            }
        };
        Self(Attached::new([stream(0), stream(1)]))
    }
}

/// Standard output or error output, by its number among the kinds. Asked for at every run, so the
/// module is not imported for it.
fn standard(py: Python<'_>, at: usize) -> Option<Bound<'_, PyAny>> {
    let name = [intern!(py, "stdout"), intern!(py, "stderr")][at];
    let sys = raw::modules(py).get_item(intern!(py, "sys")).ok()??;
    sys.getattr(name).ok()
}

/// Notes that a run left standard output or error output replaced or closed.
pub fn left(py: Python<'_>, recording: &Recording) {
    let before = recording
        .streams
        .0
        .with(py, |streams| [streams[0].text, streams[1].text]);
    for (at, before) in before.into_iter().enumerate() {
        let Some(stream) = standard(py, at) else {
            continue;
        };
        let is_closed = || {
            let closed = stream.getattr(intern!(py, "closed"));
            is_plain(&stream)
                && closed
                    .and_then(|closed| closed.is_truthy())
                    .unwrap_or(false)
        };
        let left = if stream.as_ptr() as usize != before {
            "replaced"
        } else if is_closed() {
            "closed"
        } else {
            continue;
        };
        recording.object(
            py,
            Impurity {
                kind: "process",
                what: format!("leaves sys.{} {left}", KINDS[at]),
                at: None,
            },
        );
    }
}

/// What a result depends on whose hits do not write: that nobody around keeps what they would.
pub fn dropped(cautions: &[Impurity]) -> Vec<(Subject, State)> {
    let kinds = cautions.iter().map(|caution| caution.kind);
    let kinds = kinds.filter(|kind| KINDS.contains(kind));
    let subject = |kind| Subject::Settings(format!("{LISTENERS}{kind}"));
    kinds.map(|kind| (subject(kind), State::Absent)).collect()
}

/// Whether something is about that.
pub fn is_about(subject: &Subject) -> bool {
    matches!(subject, Subject::Settings(name) if name.starts_with(LISTENERS))
}

/// Whether somebody keeps what is written, if that is what is asked for.
pub fn sense(subject: &Subject, around: Option<&Bound<'_, Recording>>) -> Option<State> {
    let Subject::Settings(name) = subject else {
        return None;
    };
    let kind = name.strip_prefix(LISTENERS)?;
    let listens = |recording: &Bound<'_, Recording>| {
        let listens = |tape: &Py<PyAny>| {
            let channels = tape.bind(recording.py()).getattr("channels");
            channels.and_then(|channels| channels.contains(kind))
        };
        let tapes = &recording.get().tapes;
        tapes.iter().any(|tape| listens(tape).unwrap_or(true))
    };
    Some(match around {
        Some(around) if listens(around) => State::of(kind.as_bytes()),
        _ => State::Absent,
    })
}

fn is_plain(stream: &Bound<'_, PyAny>) -> bool {
    plain_kind(stream.py()).is_some_and(|kind| stream.is_instance(kind).unwrap_or(false))
}

/// The class of usual streams of text.
fn plain_kind(py: Python<'_>) -> Option<&Bound<'_, PyType>> {
    static KIND: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    KIND.import(py, "_io", "TextIOWrapper").ok()
}

/// Something is printed: to a stream that is given, or else to standard output.
fn prints(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let Some(recording) = current(py) else {
        return;
    };
    let given = keyword(arguments, "file").filter(|file| !file.is_none());
    let stream = given.or_else(|| standard(py, 0));
    if let Some(stream) = stream {
        written(&recording, &stream);
    }
}

/// Something is written to a stream.
fn writes(arguments: Arguments<'_, '_>) {
    if let Some(recording) = current(arguments.py())
        && let Some(stream) = arguments.owner()
    {
        written(&recording, &stream);
    }
}

fn written(recording: &Bound<'_, Recording>, stream: &Bound<'_, PyAny>) {
    let address = stream.as_ptr() as usize;
    let is_it = |known: &Stream| known.text == address || known.bytes == address;
    let known = recording.get().streams.0.with(recording.py(), |streams| {
        streams
            .iter()
            .position(|known| !known.is_told && is_it(known))
    });
    if let Some(number) = known {
        tell(recording, number);
    }
}

/// Notes that something is written to standard output or error output.
pub fn tell(recording: &Bound<'_, Recording>, number: usize) {
    let py = recording.py();
    unheard(|| {
        if sources::is_among(&place::within_library(py), &ASIDE) || place::is_importing(py) {
            return;
        }
        recording
            .get()
            .streams
            .0
            .with(py, |streams| streams[number].is_told = true);
        let caution = Impurity {
            kind: KINDS[number],
            what: format!("writes to sys.{}", KINDS[number]),
            at: place::line(py),
        };
        recording.get().note(py, |log| log.caution(caution));
    });
}
