//! What a value is made of, apart from the definitions that it refers to.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use rememo::Folded;

use super::config::{Config, registrations};
use super::definitions::Classes;
use super::expand::{self, Kinds};
use super::graph::{Content, Options, Scope, Subject};
use super::reads::Reads;
use super::{walk, watch};
use crate::raw::{self, Form, QuickHash, Shape};

/// A value by its encoding, and all that this refers to in the order in which it was met.
pub struct Glance<'py> {
    pub folded: Folded,
    pub referred: Vec<Referred<'py>>,
}

/// What an encoding refers to.
pub enum Referred<'py> {
    /// A class or function of the user's.
    Definition(Bound<'py, PyAny>),
    /// A library, by name and version.
    Library(String, String),
}

/// The types that were met in glances, and what was found of each: good for as long as these types,
/// and all that was looked at of them, are what they were.
pub struct Types {
    kinds: Kinds,
    classes: Classes,
    registrations: u64,
    /// The version of the table by which types of libraries are pickled.
    dispatch: u64,
}

/// How many types are known at once.
const TYPES: usize = 200;

impl Types {
    /// These types, or none where something may have changed that concerns all.
    pub fn current(known: Option<Self>, py: Python<'_>) -> PyResult<Self> {
        let table = py.import("copyreg")?.getattr("dispatch_table")?;
        let dispatch = table.cast_exact::<PyDict>().map_or(0, raw::version_of_dict);
        let registrations = registrations();
        let good = known.filter(|known| {
            dispatch != 0
                && known.dispatch == dispatch
                && known.registrations == registrations
                && known.kinds.len() + known.classes.len() < TYPES
        });
        let mut types = good.unwrap_or_else(|| Self {
            kinds: Kinds::default(),
            classes: Classes::default(),
            registrations,
            dispatch,
        });
        types.kinds.begin(py);
        types.classes.begin();
        Ok(types)
    }

    /// The types that were met since.
    pub fn met(&self) -> impl Iterator<Item = &Py<PyType>> {
        self.kinds.used().chain(self.classes.used())
    }

    /// Shows the garbage collector all that is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.kinds.traverse(visit)?;
        self.classes.traverse(visit)
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Types").finish_non_exhaustive()
    }
}

/// Encodes a value as a key would have it. Nothing where that is not all that counts of it: where
/// it reads something about code that does not count here, or where it remembers.
///
/// Fails where an exception was raised that says nothing about the value, such as an interrupt.
pub fn glance<'py>(
    value: &Bound<'py, PyAny>,
    reads: Reads,
    config: &Arc<Config>,
    types: &mut Types,
) -> PyResult<Option<Glance<'py>>> {
    let options = Options {
        reads,
        config: config.clone(),
        kinds: RefCell::new(std::mem::take(&mut types.kinds)),
        classes: RefCell::new(std::mem::take(&mut types.classes)),
        ..Options::default()
    };
    let scope = Scope {
        options: &options,
        path: "",
    };
    let mut content = Content::default();
    let walked = walk::encode(value, scope, &mut content);
    types.kinds = options.kinds.take();
    types.classes = options.classes.take();
    if let Err(refusal) = walked {
        return refusal.fatal.map_or(Ok(None), Err);
    }
    if !options.remembered.borrow().is_empty() || reads.with(options.reads_met.get()) != reads {
        return Ok(None);
    }
    let closed = content.close();
    let referred = closed.targets().map(|target| match &target.subject {
        Subject::Function(function) => Some(Referred::Definition(function.clone().into_any())),
        Subject::Class(class) => Some(Referred::Definition(class.clone().into_any())),
        Subject::Library { version } => {
            Some(Referred::Library(target.name.clone(), version.clone()))
        }
        Subject::Module(_) | Subject::Value(_) => None,
    });
    let referred = referred.collect::<Option<Vec<_>>>();
    Ok(referred.map(|referred| Glance {
        folded: closed.folded,
        referred,
    }))
}

/// How instances of a class are told apart by their structure, where nothing is hidden in it and all
/// of it counts. The number stands for the class.
pub fn shape_of(
    class: &Bound<'_, PyType>,
    number: QuickHash,
    config: &Arc<Config>,
) -> Option<Shape> {
    let options = Options {
        config: config.clone(),
        ..Options::default()
    };
    let scope = Scope {
        options: &options,
        path: "",
    };
    let (form, slots) = if watch::is_small(class).unwrap_or(false) {
        (Form::Small, Vec::new())
    } else {
        expand::form(class, scope).ok().flatten()?
    };
    Some(Shape {
        class: number,
        address: class.as_ptr() as usize,
        form,
        slots,
    })
}
