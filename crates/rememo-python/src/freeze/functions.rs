//! Functions: their code, defaults, closure, and every name they use, resolved as a call would.

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyTuple};
use rememo::PartKind;

use super::code::{Uses, uses};
use super::graph::{Content, Graph, Identity, Subject, Target, Unfreezable};
use super::modules;
use super::origin::module_name;
use super::values::tag;

/// The part that stands for a function.
pub(super) fn target<'py>(function: &Bound<'py, PyFunction>, path: &str) -> Target<'py> {
    let name = function_name(function);
    let path = if path.is_empty() {
        name.clone()
    } else {
        format!("{path} -> {name}")
    };
    Target {
        identity: Identity::Object(function.as_ptr() as usize),
        subject: Subject::Function(function.clone()),
        name,
        kind: PartKind::Function,
        path,
    }
}

/// Normalised module and qualified name.
pub fn function_name(function: &Bound<'_, PyFunction>) -> String {
    let text = |name| {
        function
            .getattr(name)
            .and_then(|value| value.extract::<String>())
    };
    let module = text("__module__").unwrap_or_default();
    let name = text("__qualname__").unwrap_or_default();
    format!("{}.{name}", module_name(function.py(), &module))
}

impl<'py> Graph<'py> {
    pub(super) fn function(
        &mut self,
        function: &Bound<'py, PyFunction>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let code = function.getattr("__code__").map_err(raised)?;
        let code = code.cast_into::<PyCode>().map_err(|e| raised(e.into()))?;
        content.encoder.tag(tag::FUNCTION);
        self.code(&code, path, content)?;
        self.defaults(function, &code, path, content)
            .map_err(raised)?;
        self.closure(function, &code, path, content)
            .map_err(raised)?;
        self.attributes(function, path, content)?;
        if self.reads_docs {
            let doc = function.getattr("__doc__").map_err(raised)?;
            self.value(&doc, path, content)?;
        }
        let mut used = Uses::default();
        uses(&code, &mut used).map_err(raised)?;
        let globals = function.getattr("__globals__").map_err(raised)?;
        let globals = globals
            .cast_into::<PyDict>()
            .map_err(|e| raised(e.into()))?;
        modules::names(&globals, &used, path, content).map_err(raised)
    }

    /// Positional and keyword-only defaults, each a part named for its parameter.
    fn defaults(
        &mut self,
        function: &Bound<'py, PyFunction>,
        code: &Bound<'py, PyCode>,
        path: &str,
        content: &mut Content<'py>,
    ) -> PyResult<()> {
        let owner = function_name(function);
        let mut refer = |parameter: &str, value: Bound<'py, PyAny>| {
            let name = format!("{owner}.<default {parameter}>");
            let slot = Identity::Slot(function.as_ptr() as usize, name.clone());
            content.refer(
                tag::SLOT,
                slot_target(slot, name, PartKind::Default, path, value),
            );
        };
        if let Ok(values) = function.getattr("__defaults__")?.cast_into::<PyTuple>() {
            let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
            let count: usize = code.getattr("co_argcount")?.extract()?;
            let first = count.saturating_sub(values.len());
            for (parameter, value) in names[first..count].iter().zip(values.iter()) {
                refer(parameter, value);
            }
        }
        if let Ok(values) = function.getattr("__kwdefaults__")?.cast_into::<PyDict>() {
            let mut values: Vec<(String, Bound<'py, PyAny>)> = values
                .iter()
                .map(|(k, v)| Ok((k.extract()?, v)))
                .collect::<PyResult<_>>()?;
            values.sort_by(|a, b| a.0.cmp(&b.0));
            values
                .into_iter()
                .for_each(|(parameter, value)| refer(&parameter, value));
        }
        Ok(())
    }

    fn closure(
        &mut self,
        function: &Bound<'py, PyFunction>,
        code: &Bound<'py, PyCode>,
        path: &str,
        content: &mut Content<'py>,
    ) -> PyResult<()> {
        let Ok(cells) = function.getattr("__closure__")?.cast_into::<PyTuple>() else {
            return Ok(());
        };
        let names: Vec<String> = code.getattr("co_freevars")?.extract()?;
        let owner = function_name(function);
        for (variable, cell) in names.iter().zip(cells.iter()) {
            let Ok(value) = cell.getattr("cell_contents") else {
                content.encoder.tag(tag::MISSING);
                continue;
            };
            let name = format!("{owner}.<closure {variable}>");
            let slot = Identity::Slot(cell.as_ptr() as usize, String::new());
            content.refer(
                tag::SLOT,
                slot_target(slot, name, PartKind::Closure, path, value),
            );
        }
        Ok(())
    }

    /// What was set on the function itself, without the bookkeeping of `functools.wraps`.
    fn attributes(
        &mut self,
        function: &Bound<'py, PyFunction>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let attributes = function.getattr("__dict__").map_err(raised)?;
        let attributes = attributes
            .cast_into::<PyDict>()
            .map_err(|e| raised(e.into()))?;
        if attributes.contains("__wrapped__").map_err(raised)? {
            let rest = attributes.copy().map_err(raised)?;
            rest.del_item("__wrapped__").map_err(raised)?;
            return self.namespace(&rest, path, content);
        }
        self.namespace(&attributes, path, content)
    }
}

/// A part that is a named place holding a value: functions, classes and modules in it are
/// referred to from the part's own content.
pub(super) fn slot_target<'py>(
    identity: Identity,
    name: String,
    kind: PartKind,
    path: &str,
    value: Bound<'py, PyAny>,
) -> Target<'py> {
    let path = format!("{path} -> {kind} {name}");
    Target {
        identity,
        subject: Subject::Value(value),
        name,
        kind,
        path,
    }
}
