//! Annotations of functions and classes.
//!
//! From 3.14 on they are made when they are first asked for, by a function that the compiler leaves
//! in their place (PEP 649). That function tells what they are without being called, and with it
//! how they are spelt, which can be asked for too. What was made of it already is looked at where
//! it is something else by now.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction};

use super::graph::{Content, Refusal, Scope};
use super::walk;
use crate::raw;

/// Asks a function that makes annotations for their values, as `annotationlib.Format.VALUE` does.
const VALUE: u8 = 1;
/// Where a class keeps what makes its annotations: the first is the compiler's.
const MAKERS: [&str; 2] = ["__annotate_func__", "__annotate__"];
/// Where a class keeps what was made.
const MADE: &str = "__annotations_cache__";

/// Writes the annotations of a function.
pub(super) fn of_function<'py>(
    function: &Bound<'py, PyFunction>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let maker = function.getattr_opt("__annotate__")?;
    let Some(maker) = maker.filter(|maker| !maker.is_none()) else {
        return walk::encode(&function.getattr("__annotations__")?, scope, content);
    };
    let made = raw::has_annotations(function)
        .then(|| function.getattr("__annotations__"))
        .transpose()?;
    lazy(&maker, made, scope, content)
}

/// Writes those annotations of a class that are made when they are asked for, if it has such.
pub(super) fn of_class<'py>(
    namespace: &Bound<'py, PyDict>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    for maker in MAKERS {
        if let Some(maker) = namespace.get_item(maker)?
            && !maker.is_none()
        {
            return lazy(&maker, namespace.get_item(MADE)?, scope, content);
        }
    }
    // They were set in place of those: what makes none is gone, and an empty one says nothing.
    match namespace.get_item(MADE)? {
        Some(set) if set.is_truthy().unwrap_or(true) => walk::encode(&set, scope, content),
        _ => Ok(()),
    }
}

fn lazy<'py>(
    maker: &Bound<'py, PyAny>,
    made: Option<Bound<'py, PyAny>>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    walk::encode(maker, scope, content)?;
    let Some(made) = made else {
        return Ok(());
    };
    if let Ok(dict) = made.cast_exact::<PyDict>() {
        scope.options.watch.record(|recorder| recorder.whole(dict));
    }
    let unchanged = maker.call1((VALUE,)).and_then(|fresh| made.eq(fresh));
    match unchanged {
        Ok(true) => Ok(()),
        Err(error) if !error.is_instance_of::<PyException>(made.py()) => Err(error.into()),
        // Changed since, or what they name is.
        _ => walk::encode(&made, scope, content),
    }
}
