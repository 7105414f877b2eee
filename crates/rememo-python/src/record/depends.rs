//! What a function's user says that its results depend on, besides what is seen.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rememo::{Extent, Log, Subject};

use super::audit::unheard;
use super::care::Watch;
use super::paths::path_of;
use super::{current, environment};

/// What a function's results are said to depend on. Functions that were decorated by one call share
/// it: the garbage collector is not told of it, for it would count what is held once for each.
#[derive(Debug, Default)]
pub struct Depends {
    /// Looked at when a run begins.
    seen: Vec<Seen>,
    /// Part of the key.
    valued: Vec<Valued>,
    /// What it was made of, for pickling.
    said: Vec<(String, Py<PyAny>)>,
}

#[derive(Debug)]
enum Seen {
    Files(PathBuf, Extent),
    Variable(PathBuf),
}

#[derive(Debug)]
struct Valued {
    name: String,
    what: Value,
}

#[derive(Debug)]
enum Value {
    Given(Py<PyAny>),
    Called(Py<PyAny>),
    Package(Py<PyAny>),
}

impl Depends {
    /// Reads pairs of what sort of thing it is and the thing.
    pub fn new(said: Vec<(String, Py<PyAny>)>, py: Python<'_>) -> PyResult<Self> {
        let mut new = Self::default();
        for (at, (sort, value)) in said.iter().enumerate() {
            let name = || format!("depends_on[{at}]");
            let path = || {
                let path = path_of(value.bind(py));
                path.ok_or_else(|| PyTypeError::new_err(format!("{} is no path", name())))
            };
            let value = value.clone_ref(py);
            let valued = match sort.as_str() {
                "file" => {
                    new.seen.push(Seen::Files(path()?, Extent::File));
                    continue;
                }
                "tree" => {
                    new.seen.push(Seen::Files(path()?, Extent::Tree));
                    continue;
                }
                "matches" => {
                    new.seen.push(Seen::Files(path()?, Extent::Matches));
                    continue;
                }
                "variable" => {
                    new.seen.push(Seen::Variable(path()?));
                    continue;
                }
                "package" => Valued {
                    name: format!("version of {}", value.bind(py)),
                    what: Value::Package(value),
                },
                "call" => Valued {
                    name: name(),
                    what: Value::Called(value),
                },
                _ => Valued {
                    name: name(),
                    what: Value::Given(value),
                },
            };
            new.valued.push(valued);
        }
        new.said = said;
        Ok(new)
    }

    /// Whether nothing of it is looked at when a run begins.
    pub fn sees_nothing(&self) -> bool {
        self.seen.is_empty()
    }

    /// What it was made of.
    pub fn said(&self, py: Python<'_>) -> Vec<(String, Py<PyAny>)> {
        let said = self.said.iter();
        said.map(|(sort, value)| (sort.clone(), value.clone_ref(py)))
            .collect()
    }

    /// What of it results were stored under, in words, but for values.
    pub fn add_terms(&self, terms: &mut String) {
        for seen in &self.seen {
            terms.push_str(match seen {
                Seen::Files(_, Extent::File) => ", with file ",
                Seen::Files(_, Extent::Tree) => ", with files in ",
                Seen::Files(_, Extent::Matches) => ", with files named ",
                Seen::Variable(_) => ", with variable ",
            });
            let (Seen::Files(path, _) | Seen::Variable(path)) = seen;
            terms.push_str(&path.to_string_lossy());
        }
    }

    /// The values that count, by name, as they are now. Those that are made anew each time are in a
    /// list, so that nobody takes them for what stays.
    pub fn values<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        let value = |valued: &Valued| {
            let value = match &valued.what {
                Value::Given(value) => value.bind(py).clone(),
                Value::Called(function) => [function.bind(py).call0()?].into_pyobject(py)?,
                Value::Package(name) => {
                    let home = py.import("rememo.dependencies")?;
                    home.call_method1("version_of", (name,))?
                }
            };
            Ok((valued.name.clone(), value))
        };
        self.valued.iter().map(value).collect()
    }

    /// The values that count, and one more, as one that is immutable only if all are.
    pub fn values_with<'py>(
        &self,
        py: Python<'py>,
        version: Option<&Py<PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let version = version.map(|version| version.bind(py).clone());
        if self.valued.is_empty() {
            return Ok(version);
        }
        let values = PyTuple::new(py, self.values(py)?)?;
        Ok(Some((version, values).into_pyobject(py)?.into_any()))
    }

    /// Notes what is looked at when a run begins.
    pub fn declare(&self, py: Python<'_>, watch: Watch, log: &mut Log) {
        for seen in &self.seen {
            match seen {
                Seen::Files(path, extent) => {
                    py.detach(|| log.declare(path, *extent, |place| watch.content(place)));
                }
                Seen::Variable(name) => {
                    let subject = Subject::Variable(name.as_os_str().as_bytes().to_owned());
                    unheard(|| {
                        if let Some(state) = environment::sense(py, &subject) {
                            log.note(subject, state);
                        }
                    });
                }
            }
        }
    }
}

/// Says that what is memoized and running depends on a file, or on all files of a directory, whoever
/// reads them: for files that a library opens by itself, unseen.
///
/// The path is returned as it is. Outside of a memoized function nothing else happens.
///
/// Raises `TypeError` if it is no path.
///
/// >>> import os, rememo
/// >>> @rememo.memoize(cache=rememo.Cache(temporary=True))
/// ... def size_of_something(path):
/// ...     return os.stat(rememo.track(path)).st_size
/// >>> size_of_something(os.devnull)
/// 0
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn track<'py>(path: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = path.py();
    let named = (!path.is_none()).then(|| path_of(path)).flatten();
    let Some(named) = named else {
        let kind = path.get_type();
        return Err(PyTypeError::new_err(format!(
            "track() takes a path, as text or an os.PathLike, not {}",
            kind.name()?
        )));
    };
    if let Some(recording) = current(py) {
        let watch = recording.get().watch;
        recording.get().note(py, |log| note(log, &named, watch));
    }
    Ok(path.clone())
}

/// Notes that a file counts, or all files of a directory.
pub fn note(log: &mut Log, path: &Path, watch: Watch) {
    let extent = if path.is_dir() {
        Extent::Tree
    } else {
        Extent::File
    };
    log.declare(path, extent, |place| watch.content(place));
}
