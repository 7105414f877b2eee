//! What a value is made of, apart from the definitions that it refers to.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyType;
use rememo::Folded;

use super::config::Config;
use super::expand;
use super::graph::{Content, Options, Scope, Subject};
use super::reads::Reads;
use super::walk;
use crate::raw::{QuickHash, Shape};

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

/// Encodes a value as a key would have it. Nothing where that is not all that counts of it: where
/// it reads something about code that does not count here, or where it remembers.
///
/// Fails where an exception was raised that says nothing about the value, such as an interrupt.
pub fn glance<'py>(
    value: &Bound<'py, PyAny>,
    reads: Reads,
    config: &Arc<Config>,
) -> PyResult<Option<Glance<'py>>> {
    let options = Options {
        reads,
        config: config.clone(),
        ..Options::default()
    };
    let scope = Scope {
        options: &options,
        path: "",
    };
    let mut content = Content::default();
    if let Err(refusal) = walk::encode(value, scope, &mut content) {
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
    let (form, slots) = expand::form(class, scope).ok().flatten()?;
    Some(Shape {
        class: number,
        address: class.as_ptr() as usize,
        form,
        slots,
    })
}
