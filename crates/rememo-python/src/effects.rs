//! What a hit does again besides handing back the result: kept in one container with it, so that
//! neither is ever there without the other.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use rememo::{Digest, Encoded, Frame, Left, Log, Output, State, Store, Wanted, state_of_contents};

use crate::raw;

/// The kinds of things that can be done again.
const KINDS: [&str; 7] = [
    "stdout",
    "stderr",
    "logs",
    "warnings",
    "files",
    "arguments",
    "globals",
];
/// Those of them that are changes of what a call can reach.
const MUTATIONS: [&str; 2] = ["arguments", "globals"];
/// Added to the number of a codec where effects come along.
const ALONG: u16 = 1 << 8;

/// What of what a function does is done again on a hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked(Arc<[&'static str]>);

impl Asked {
    /// Reads names of kinds.
    pub fn read(names: &Bound<'_, PyAny>) -> PyResult<Self> {
        if names.is_instance_of::<PyString>() || names.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(format!(
                "effects must be a list of kinds, such as [\"stdout\"], not {names:?}"
            )));
        }
        let mut asked = Vec::new();
        for name in names.try_iter()? {
            let name = name?;
            let text: Option<String> = name.extract().ok();
            let known = KINDS.into_iter().find(|kind| text.as_deref() == Some(kind));
            asked.push(known.ok_or_else(|| {
                PyValueError::new_err(format!(
                    "there is no kind {name:?} of effects: it must be one of \"{}\"",
                    KINDS.join("\", \"")
                ))
            })?);
        }
        asked.sort_unstable();
        asked.dedup();
        Ok(Self(asked.into()))
    }

    pub fn names(&self) -> &[&'static str] {
        &self.0
    }

    pub fn files(&self) -> bool {
        self.0.contains(&"files")
    }

    /// Whether anything is changed in its place.
    pub fn mutations(&self) -> bool {
        MUTATIONS.iter().any(|kind| self.0.contains(kind))
    }

    /// What takes down what is written and logged, where that is asked for.
    pub fn tape<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let is_heard = |kind: &&&str| **kind != "files" && !MUTATIONS.contains(kind);
        let channels = self.0.iter().filter(is_heard);
        let channels: Vec<_> = channels.collect();
        if channels.is_empty() {
            return Ok(None);
        }
        let tape = py.import("rememo.effects")?.getattr("Tape")?;
        tape.call1((channels,)).map(Some)
    }
}

/// Effects as they are kept.
#[derive(Clone, Debug)]
pub struct Effects {
    /// What there is to do, in the order in which to do it.
    list: Bytes,
    /// What files hold.
    contents: Vec<Bytes>,
}

/// What there is of effects after a run.
pub enum Told {
    Nothing,
    Some(Effects),
    /// Their files take so many bytes, which is too much.
    TooLarge {
        size: u64,
        most: u64,
    },
}

impl Effects {
    /// What a run that is over did and is to be done again. Of files, none is taken if they take more
    /// than `most` says.
    pub fn of_run(
        py: Python<'_>,
        (asked, most): (&Asked, &dyn Fn() -> u64),
        store: &Store,
        tape: Option<&Bound<'_, PyAny>>,
        named: &[PathBuf],
        log: &mut Log,
    ) -> PyResult<Told> {
        let wanted = match (asked.files(), named) {
            (true, _) => Wanted::All,
            (false, []) => {
                if tape.is_none() {
                    return Ok(Told::Nothing);
                }
                Wanted::Some(&[])
            }
            (false, named) => Wanted::Some(named),
        };
        let mut outputs = log.outputs(wanted);
        if asked.files() && !named.is_empty() {
            let known: Vec<PathBuf> = outputs.iter().map(|output| output.path.clone()).collect();
            let more = log.outputs(Wanted::Some(named));
            outputs.extend(more.into_iter().filter(|more| !known.contains(&more.path)));
        }
        let lengths = outputs.iter().filter_map(|output| {
            let found = fs::metadata(&output.path).ok()?;
            found.is_file().then_some(found.len())
        });
        let size = lengths.fold(0, u64::saturating_add);
        if size > 0 {
            let most = most();
            if size > most {
                return Ok(Told::TooLarge { size, most });
            }
        }
        let mut contents = Vec::new();
        let files = PyList::empty(py);
        for output in outputs {
            files.append(told(py, store, &output, &mut contents)?)?;
        }
        let home = py.import("rememo.effects")?;
        let list: Option<Vec<u8>> = home.call_method1("written", (tape, files))?.extract()?;
        Ok(list.map_or(Told::Nothing, |list| {
            Told::Some(Self {
                list: list.into(),
                contents,
            })
        }))
    }

    /// A result with effects along.
    pub fn along(self, result: Encoded) -> Encoded {
        let plain = |bytes| Frame {
            bytes,
            writable: false,
        };
        let mut frames = result.frames;
        let count = u32::try_from(self.contents.len()).unwrap_or(u32::MAX);
        frames.extend(self.contents.into_iter().map(plain));
        frames.push(plain(self.list));
        frames.push(plain(Bytes::copy_from_slice(&count.to_le_bytes())));
        Encoded {
            codec: result.codec | ALONG,
            frames,
        }
    }

    /// Does it all again. The error says why that cannot be done.
    pub fn replay(&self, py: Python<'_>) -> PyResult<()> {
        let contents = self
            .contents
            .iter()
            .map(|bytes| raw::shared_buffer(py, (*bytes).clone()));
        let contents = contents.collect::<PyResult<Vec<_>>>()?;
        let list = PyBytes::new(py, &self.list);
        py.import("rememo.effects")?
            .call_method1("replay", (list, contents))?;
        Ok(())
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        let contents: usize = self.contents.iter().map(Bytes::len).sum();
        self.list.len() + contents
    }
}

/// A result, and the effects that come along with it.
pub fn apart(encoded: &Encoded) -> Option<(Encoded, Option<Effects>)> {
    if encoded.codec & ALONG == 0 {
        return Some((encoded.clone(), None));
    }
    let mut frames = encoded.frames.clone();
    let count = frames.pop()?.bytes;
    let count = u32::from_le_bytes(count.as_ref().try_into().ok()?) as usize;
    let list = frames.pop()?.bytes;
    let contents = frames.split_off(frames.len().checked_sub(count)?);
    let result = Encoded {
        codec: encoded.codec & !ALONG,
        frames,
    };
    let contents = contents.into_iter().map(|frame| frame.bytes).collect();
    Some((result, Some(Effects { list, contents })))
}

/// Does some work that encodes a result, and gives the paths of all `FileContents` in it.
pub fn named_in<T>(py: Python<'_>, work: impl FnOnce() -> T) -> (T, Vec<PathBuf>) {
    // Where nobody has imported it, there is none.
    let home = raw::modules(py).get_item("rememo.file_contents");
    let home = home.ok().flatten();
    let begun = home.filter(|home| home.call_method0("begin_naming").is_ok());
    let done = work();
    let named = begun.and_then(|home| home.call_method0("end_naming").ok()?.extract().ok());
    (done, named.unwrap_or_default())
}

/// An output as `rememo.effects` has it; what a file holds goes to `contents`.
fn told<'py>(
    py: Python<'py>,
    store: &Store,
    output: &Output,
    contents: &mut Vec<Bytes>,
) -> PyResult<Bound<'py, PyAny>> {
    let path = PyBytes::new(py, output.place.path().as_os_str().as_bytes());
    let failed = |error| {
        let path = output.path.display();
        PyOSError::new_err(format!("{path}, which it wrote, cannot be kept: {error}"))
    };
    let kind = match output.left {
        Left::Nothing => return Ok(("nothing", path).into_pyobject(py)?.into_any()),
        Left::Directory => "directory",
        Left::File => "file",
    };
    let found = fs::metadata(&output.path).map_err(failed)?;
    let mode = found.mode() & 0o7777;
    if kind == "directory" {
        return Ok((kind, path, mode).into_pyobject(py)?.into_any());
    }
    let (bytes, digest) = py
        .detach(|| {
            let bytes = store.content_of(&output.path);
            bytes.map(|bytes| (bytes.clone(), Digest::of(&bytes).to_hex()))
        })
        .map_err(failed)?;
    let modified = output.timed.then(|| {
        found
            .mtime()
            .saturating_mul(1_000_000_000)
            .saturating_add(found.mtime_nsec())
    });
    let at = contents.len();
    contents.push(bytes);
    Ok((kind, path, mode, modified, at, digest)
        .into_pyobject(py)?
        .into_any())
}

/// The digest, in hexadecimal, of what a file holds; or of a directory, of which files there are
/// below it and what they hold. None where there is nothing. Not noted by whoever watches.
#[pyfunction]
pub fn digest_of_contents(py: Python<'_>, path: PathBuf) -> PyResult<Option<String>> {
    match py.detach(|| state_of_contents(&path)) {
        State::Is(digest) => Ok(Some(digest.to_hex())),
        State::Absent => Ok(None),
        State::Refused(number) => Err(refused(path, number)),
    }
}

/// Whether a file holds what has this digest, with these permissions.
#[pyfunction]
pub fn holds(py: Python<'_>, path: PathBuf, digest: &str, mode: u32) -> bool {
    py.detach(move || {
        let is_file = |found: fs::Metadata| found.is_file() && found.mode() & 0o7777 == mode;
        fs::metadata(&path).is_ok_and(is_file)
            && Digest::from_hex(digest)
                .is_some_and(|digest| state_of_contents(&path) == State::Is(digest))
    })
}

fn refused(path: PathBuf, number: i32) -> PyErr {
    let error = std::io::Error::from_raw_os_error(number);
    PyOSError::new_err((number, error.to_string(), path))
}
