//! What pickling makes of objects whose attributes are not all there is to them.

use std::collections::BTreeMap;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyList, PyString, PyTuple, PyType};

use super::graph::{Content, Options, Refusal, Scope};
use super::instances::{by_name, ignored};
use super::origin::is_made_while_running;
use super::reads::Reads;
use super::walk::{Children, Expansion, Step};
use super::wrappers::fields;
use super::{named, tag};
use crate::raw;
use crate::record::counts_when_drawn;

/// What pickling would keep of an object.
pub(super) fn reduced<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    if counts_when_drawn(value) {
        return Ok(ignored(value, content)?);
    }
    let reduced = reduction(value)?;
    if let Ok(name) = reduced.cast::<PyString>() {
        return named::encode(value, &name.to_string_lossy(), scope, content);
    }
    let mut children = parts(&reduced.cast_into::<PyTuple>()?)?;
    if value.is_instance_of::<PyBaseException>() {
        trim(&mut children);
    }
    content.encoder.tag(tag::REDUCED);
    content.encoder.len(children.len());
    children.extend(left_out_of_exceptions(value, scope.options)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// What pickling leaves out of an exception: what its structure holds for its type, such as the name
/// in a `NameError`; and where something reads them, the exceptions that led to it.
pub(super) fn left_out_of_exceptions<'py>(
    value: &Bound<'py, PyAny>,
    options: &Options,
) -> PyResult<Vec<(Step<'py>, Bound<'py, PyAny>)>> {
    if !value.is_instance_of::<PyBaseException>() {
        return Ok(Vec::new());
    }
    let mut left_out = Vec::new();
    let members = members_of_exception(value)?;
    if !members.is_empty() {
        left_out.push((Step::Inside, members.into_any()));
    }
    if options.reads.has(Reads::CHAIN) {
        left_out.extend(fields(value, &["__cause__", "__context__"])?);
    }
    Ok(left_out)
}

/// The members that types of exceptions made in C have, by name, where they are set.
fn members_of_exception<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = value.py();
    let mut members = BTreeMap::new();
    for base in value.get_type().mro() {
        let base = base.cast_into::<PyType>()?;
        if base.is(py.get_type::<PyBaseException>()) {
            break;
        }
        if is_made_while_running(&base)? {
            continue;
        }
        for (name, descriptor) in raw::class_namespace(&base)? {
            if descriptor.get_type().name()? == "member_descriptor"
                && let Ok(held) = descriptor.call_method1("__get__", (value,))
                && !held.is_none()
            {
                members.insert(name.extract::<String>()?, held);
            }
        }
    }
    members.into_py_dict(py)
}

/// What an object pickles as: the name of a global, or up to six parts.
pub(super) fn reduction<'py>(value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Refusal> {
    let table = value.py().import("copyreg")?.getattr("dispatch_table")?;
    let registered = table.call_method1("get", (value.get_type(),))?;
    let reduced = if registered.is_none() {
        value.call_method1("__reduce_ex__", (5,))
    } else {
        registered.call1((value,))
    };
    reduced.map_err(|error| unpicklable(value, error))
}

/// Why an object has no fingerprint, where its pickling says it.
pub(super) fn unpicklable(value: &Bound<'_, PyAny>, error: PyErr) -> Refusal {
    let refused = Refusal::from(error);
    let why = refused
        .what
        .trim_start_matches("inspecting it raised ")
        .to_owned();
    Refusal {
        what: refusal(value, &why).what,
        ..refused
    }
}

/// Leaves out what says nothing at the end of a reduction: whether an empty namespace has been made
/// yet does not count.
fn trim(parts: &mut Vec<(Step<'_>, Bound<'_, PyAny>)>) {
    while let Some((_, part)) = parts.last() {
        let empty = part
            .cast_exact::<PyDict>()
            .is_ok_and(PyDictMethods::is_empty);
        if !empty && !part.is_none() {
            break;
        }
        parts.pop();
    }
}

/// The parts of a reduction.
pub(super) fn parts<'py>(
    reduced: &Bound<'py, PyTuple>,
) -> PyResult<Vec<(Step<'py>, Bound<'py, PyAny>)>> {
    let mut children = Vec::with_capacity(reduced.len());
    for (i, part) in reduced.iter().enumerate() {
        // The third is mostly a namespace; the fourth and fifth are iterators made for the occasion.
        let part = match i {
            2 => match part.cast_exact::<PyDict>() {
                Ok(state) => by_name(state)?.into_any(),
                Err(_) => part,
            },
            3 | 4 if !part.is_none() => {
                let items = part.try_iter()?.collect::<PyResult<Vec<_>>>()?;
                PyList::new(reduced.py(), items)?.into_any()
            }
            _ => part,
        };
        children.push((Step::Inside, part));
    }
    Ok(children)
}

/// Why a value has no fingerprint, with its type.
pub(super) fn refusal(value: &Bound<'_, PyAny>, why: &str) -> Refusal {
    let name = value.get_type().fully_qualified_name();
    let name = name.map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Refusal::new(format!("{name} has no fingerprint ({why})"))
}
