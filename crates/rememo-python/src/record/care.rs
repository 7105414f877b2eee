//! How closely a function is watched, and what it may do for all that.

use std::sync::Arc;

use pyo3::Borrowed;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use rememo::{Aspect, Links, Place, Subject};

use super::depends::Depends;
use super::output::KINDS as OUTPUTS;
use crate::effects::Asked;

/// The kinds of things that a run may be allowed to do.
const KINDS: [&str; 14] = [
    "clock",
    "device",
    "environment",
    "figures",
    "files",
    "kept",
    "network",
    OUTPUT,
    "process",
    "processes",
    "random",
    "terminal",
    "threads",
    "unread",
];
/// The one that stands for each of the streams.
const OUTPUT: &str = "output";

/// Those for which a result can be good for a while.
const FOR_A_WHILE: &[&str] = &["clock", "network", "random"];

/// How closely a function's files are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// By what they hold.
    #[default]
    Content,
    /// By size and time of modification.
    Modified,
    /// Not at all, nor is anything else that it looks at or does.
    Off,
}

impl Watch {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "content" => Some(Self::Content),
            "mtime" => Some(Self::Modified),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    /// What counts of a file that is read.
    pub fn content(self, place: Place) -> Subject {
        match self {
            Self::Modified => Subject::Status(place, Aspect::Everything, Links::Followed),
            _ => Subject::Content(place),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Modified => "mtime",
            Self::Off => "off",
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Watch {
    type Error = PyErr;

    fn extract(word: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let known = word.extract().ok().and_then(Self::from_word);
        known.ok_or_else(|| {
            PyValueError::new_err(format!(
                "watch must be \"content\", \"mtime\" or \"off\", not {word:?}"
            ))
        })
    }
}

/// How closely a function is watched, and what it may do for all that.
#[pyclass(module = "rememo._core", frozen)]
#[derive(Clone, Debug, Default)]
pub struct Care {
    pub watch: Watch,
    /// What its results are said to depend on.
    pub depends: Arc<Depends>,
    /// The kinds of things for which its results are kept all the same, in order.
    allowed: Arc<[&'static str]>,
    /// What of what it does is done again on a hit.
    pub effects: Asked,
    /// Whether its results are good for a while only.
    for_a_while: bool,
    /// Whether a call whose result is not kept for what it did is an error.
    pub strict: bool,
    /// What looks at each run besides, and may object to keeping its result.
    overseer: Option<Arc<Py<PyAny>>>,
}

#[pymethods]
impl Care {
    #[new]
    #[pyo3(signature = (
        *, watch = Watch::Content, allow = None, assume_pure = false, strict = false,
        depends = Vec::new(), effects = None, overseer = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "options, each by its name")]
    fn new(
        py: Python<'_>,
        watch: Watch,
        allow: Option<&Bound<'_, PyAny>>,
        assume_pure: bool,
        strict: bool,
        depends: Vec<(String, Py<PyAny>)>,
        effects: Option<&Bound<'_, PyAny>>,
        overseer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        if strict && (assume_pure || watch == Watch::Off) {
            let other = if assume_pure {
                "assume_pure=True"
            } else {
                "watch=\"off\""
            };
            return Err(PyValueError::new_err(format!(
                "strict=True and {other} contradict each other: leave out one of them"
            )));
        }
        let effects = effects.map(Asked::read).transpose()?.unwrap_or_default();
        if watch == Watch::Off && !effects.names().is_empty() {
            return Err(PyValueError::new_err(
                "effects can be done again only where they are seen: leave out watch=\"off\"",
            ));
        }
        let allowed = if assume_pure {
            KINDS.to_vec()
        } else {
            allow.map(kinds).transpose()?.unwrap_or_default()
        };
        Ok(Self {
            watch,
            depends: Arc::new(Depends::new(depends, py)?),
            allowed: allowed.into(),
            effects,
            for_a_while: false,
            strict,
            overseer: overseer.map(Arc::new),
        })
    }

    #[getter]
    fn effects(&self) -> Vec<&'static str> {
        self.effects.names().to_vec()
    }

    /// What to make the same one from, for pickling.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((), Bound<'py, PyDict>)> {
        let arguments = PyDict::new(py);
        arguments.set_item("watch", self.watch.word())?;
        arguments.set_item("allow", self.allowed.to_vec())?;
        arguments.set_item("strict", self.strict)?;
        arguments.set_item("depends", self.depends.said(py))?;
        arguments.set_item("effects", self.effects.names())?;
        let overseer = self.overseer.as_ref().map(|overseer| overseer.bind(py));
        arguments.set_item("overseer", overseer)?;
        Ok(((), arguments))
    }
}

impl Care {
    /// The same, of a function whose results are good for a while.
    pub fn for_a_while(self) -> Self {
        Self {
            for_a_while: true,
            ..self
        }
    }

    /// Whether anything that a run looks at or does is noted.
    pub fn is_watchful(&self) -> bool {
        self.watch != Watch::Off
    }

    /// The kinds of things that it may do. What is good for a while may depend on what changes
    /// meanwhile.
    pub fn allowed(&self) -> Arc<[&'static str]> {
        let for_a_while = if self.for_a_while { FOR_A_WHILE } else { &[] };
        let outputs: &[_] = if self.allowed.contains(&OUTPUT) {
            &OUTPUTS
        } else {
            &[]
        };
        if for_a_while.is_empty() && outputs.is_empty() {
            return self.allowed.clone();
        }
        [&self.allowed, for_a_while, outputs].concat().into()
    }

    /// What of it results were stored under, in words. Those that are good for a while say so
    /// themselves.
    pub fn terms(&self) -> String {
        let mut terms = self.watch.word().to_owned();
        for kind in self.allowed.iter() {
            terms.push_str(", allowing ");
            terms.push_str(kind);
        }
        for kind in self.effects.names() {
            terms.push_str(", replaying ");
            terms.push_str(kind);
        }
        if self.overseer.is_some() {
            terms.push_str(", overseen");
        }
        self.depends.add_terms(&mut terms);
        terms
    }

    /// Has a run overseen: what is asked about it once it has ended.
    pub fn oversight<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let begun = |overseer: &Arc<Py<PyAny>>| overseer.bind(py).call_method0("begin");
        self.overseer.as_ref().map(begun).transpose()
    }
}

/// Reads names of kinds.
fn kinds(names: &Bound<'_, PyAny>) -> PyResult<Vec<&'static str>> {
    let known = || format!("\"{}\"", KINDS.join("\", \""));
    if names.is_instance_of::<PyString>() || names.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!(
            "allow must be a list of kinds, such as [\"clock\"], not {names:?}"
        )));
    }
    let mut found = Vec::new();
    for name in names.try_iter()? {
        let name: String = name?.extract()?;
        let Some(kind) = KINDS.into_iter().find(|kind| *kind == name) else {
            return Err(PyValueError::new_err(format!(
                "there is no kind {name:?} to allow: it must be one of {}",
                known()
            )));
        };
        found.push(kind);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
