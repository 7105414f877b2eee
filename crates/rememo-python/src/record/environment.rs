//! The environment: the dictionary in which `os.environ` keeps it is replaced by one that tells
//! what is read of it.

use std::os::unix::ffi::OsStrExt;

use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};
use rememo::{Digest, Encoder, Impurity, State, Subject};

use super::audit::unheard;
use super::command_line::{self, COMMAND_LINE};
use super::{Recording, current, generators, intact, pyplot, reached};

/// The storage of the environment: names to values, both as bytes.
#[pyclass(module = "rememo._core", name = "_Environment", extends = PyDict)]
pub struct Environment;

#[pymethods]
impl Environment {
    #[new]
    #[pyo3(signature = (*_args))]
    fn new(_args: &Bound<'_, PyTuple>) -> Self {
        Self
    }

    fn __getitem__<'py>(
        slf: &Bound<'py, Self>,
        key: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        note_one(&key);
        match slf.as_super().get_item(&key)? {
            Some(value) => Ok(value),
            None => Err(PyKeyError::new_err(key.unbind())),
        }
    }

    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        key: Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        note_one(&key);
        Ok(slf.as_super().get_item(key)?.or(default))
    }

    fn __contains__<'py>(slf: &Bound<'py, Self>, key: Bound<'py, PyAny>) -> PyResult<bool> {
        note_one(&key);
        slf.as_super().contains(key)
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "__iter__")
    }

    fn __len__(slf: &Bound<'_, Self>) -> usize {
        note_all(slf.py());
        slf.as_super().len()
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "__repr__")
    }

    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "keys")
    }

    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "values")
    }

    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "items")
    }

    fn copy<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "copy")
    }

    fn __reversed__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        whole(slf, "__reversed__")
    }
}

/// Notes that all of the environment is read, and does what a dictionary does.
fn whole<'py>(slf: &Bound<'py, Environment>, method: &str) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    note_all(py);
    py.get_type::<PyDict>().getattr(method)?.call1((slf,))
}

fn note_one(key: &Bound<'_, PyAny>) {
    let py = key.py();
    if let Some(recording) = current(py)
        && let Ok(name) = key.cast::<PyBytes>()
    {
        unheard(|| {
            let subject = Subject::Variable(name.as_bytes().to_owned());
            if let Some(state) = sense(py, &subject) {
                recording.get().note(py, |log| log.note(subject, state));
            }
        });
    }
}

fn note_all(py: Python<'_>) {
    if let Some(recording) = current(py) {
        unheard(|| {
            if let Some(state) = sense(py, &Subject::Environment) {
                recording
                    .get()
                    .note(py, |log| log.note(Subject::Environment, state));
            }
        });
    }
}

/// Notes that a variable is about to be set or deleted. It is as it was once the run is over, or
/// the result is not kept.
pub fn set(py: Python<'_>, recording: &Bound<'_, Recording>, name: &[u8], at: Option<String>) {
    let subject = Subject::Variable(name.to_owned());
    let Some(state) = sense(py, &subject) else {
        return;
    };
    let by = Impurity {
        kind: "environment",
        what: format!("leaves {subject} changed"),
        at,
    };
    recording.get().note(py, |log| log.hold(subject, state, by));
}

/// The dictionary in which `os.environ` keeps the environment.
fn storage(py: Python<'_>) -> Option<&Bound<'_, PyDict>> {
    static STORAGE: PyOnceLock<Option<Py<PyDict>>> = PyOnceLock::new();
    let storage = STORAGE.get_or_init(py, || {
        let environ = py.import("os").ok()?.getattr("environ").ok()?;
        let storage = environ.getattr("_data").ok()?.cast_into::<PyDict>().ok()?;
        Some(storage.unbind())
    });
    storage.as_ref().map(|storage| storage.bind(py))
}

/// The state now of something that is not on disk; none where it cannot be told.
pub fn sense(py: Python<'_>, subject: &Subject) -> Option<State> {
    match subject {
        Subject::Variable(name) => {
            let value = storage(py)?.get_item(PyBytes::new(py, name)).ok()?;
            Some(match value {
                Some(value) => State::of(value.cast::<PyBytes>().ok()?.as_bytes()),
                None => State::Absent,
            })
        }
        Subject::Environment => Some(State::Is(all(storage(py)?)?)),
        Subject::WorkingDirectory => {
            let directory = std::env::current_dir().ok()?;
            Some(State::of(directory.as_os_str().as_bytes()))
        }
        Subject::Generator(name) => generators::sense(py, name),
        Subject::Settings(name) if name == COMMAND_LINE => command_line::sense(py),
        Subject::Settings(library) => pyplot::sense(py, library),
        Subject::Kept(name, which) => Some(intact::sense(py, name, *which)),
        Subject::Module(module) => reached::sense(py, module, None),
        Subject::Global(module, name) => reached::sense(py, module, Some(name)),
        Subject::Library(module) => reached::sense_library(py, module),
        _ => None,
    }
}

fn all(storage: &Bound<'_, PyDict>) -> Option<Digest> {
    // Of the dictionary itself, whatever its class makes of reading it.
    let mut rows = Vec::new();
    let items = storage.py().get_type::<PyDict>().getattr("items").ok()?;
    for item in items.call1((storage,)).ok()?.try_iter().ok()? {
        rows.push(item.ok()?.extract::<(Vec<u8>, Vec<u8>)>().ok()?);
    }
    rows.sort();
    let mut encoder = Encoder::new();
    for (name, value) in rows {
        encoder.bytes(&name);
        encoder.bytes(&value);
    }
    Some(encoder.finish())
}

/// Puts a dictionary that tells what is read of it in the place of the one that `os.environ` keeps
/// the environment in.
pub fn record_environment(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    let environ = os.getattr("environ")?;
    let Ok(old) = environ.getattr("_data") else {
        return Ok(());
    };
    if !old.is_exact_instance_of::<PyDict>() {
        return Ok(());
    }
    let class: Bound<'_, PyType> = py.get_type::<Environment>();
    let new = class.call0()?;
    new.call_method1("update", (&old,))?;
    environ.setattr("_data", &new)?;
    if let Ok(bytes) = os.getattr("environb")
        && bytes.getattr("_data").is_ok_and(|data| data.is(&old))
    {
        bytes.setattr("_data", &new)?;
    }
    Ok(())
}
