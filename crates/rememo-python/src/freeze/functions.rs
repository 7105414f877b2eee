//! Functions: their code, defaults, closure, attributes, and every name they use.

use std::collections::BTreeSet;

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyModule, PyTuple};
use rememo::PartKind;

use super::graph::{Content, Identity, Options, Refusal, Scope, Subject, Target};
use super::instances::sorted;
use super::main_module::module_name;
use super::names::{Uses, uses};
use super::origin::library_of;
use super::reads::Reads;
use super::tag;
use super::walk;
use super::{annotations, code, modules, scalars};
use crate::raw::attributes_of;

/// Memo fields in the closure of `functools.singledispatch`.
const DISPATCH_MEMO: [&str; 2] = ["cache_token", "dispatch_cache"];

/// The variable by which code in a class body sees the names of that body, if it runs apart.
const CLASS_BODY: &str = "__classdict__";

/// Attributes of such a function that are functools' own functions on the same registry: one of them
/// reads annotations, which would make all annotations count.
const DISPATCH_TOOLS: [&str; 3] = ["_clear_cache", "dispatch", "register"];

/// What code may read of functions that calling them does not show.
const DESCRIBED: Reads = Reads::DOCS.with(Reads::ANNOTATIONS).with(Reads::NAMES);

/// The part that stands for a function.
pub(super) fn target<'py>(function: &Bound<'py, PyFunction>, path: &str) -> Target<'py> {
    let name = function_name(function);
    Target {
        identity: Identity::Object(function.as_ptr() as usize),
        subject: Subject::Function(function.clone()),
        path: if path.is_empty() {
            name.clone()
        } else {
            format!("{path} -> {name}")
        },
        name,
        kind: PartKind::Function,
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

/// Encodes a function.
pub(super) fn encode<'py>(
    function: &Bound<'py, PyFunction>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let reads = scope.options.reads;
    if counts_by_name(function, scope.options) {
        let watch = &scope.options.watch;
        watch.record(|recorder| recorder.description(function));
        content.encoder.tag(tag::BY_NAME);
        return Ok(());
    }
    scope.options.watch.record(|recorder| {
        recorder.function(function);
        if reads.has(DESCRIBED) {
            recorder.description(function);
        }
    });
    let attributes = attributes_of(function);
    if let Some(version) = attributes.as_ref().map(version_of).transpose()?.flatten() {
        return versioned(&version, scope, content);
    }
    let code = function.getattr("__code__")?.cast_into::<PyCode>()?;
    if scope.options.config.ignores_code(&code)? {
        content.encoder.tag(tag::LEFT_OUT);
        content.encoder.tag(tag::FUNCTION);
        code::encode_name(&code, scope, content)?;
    } else {
        content.encoder.tag(tag::FUNCTION);
        code::encode(&code, scope, content)?;
    }
    defaults(function, &code, scope, content)?;
    let used = uses(&code)?;
    closure(function, &code, &used, scope, content)?;
    write_attributes(function, attributes.as_ref(), scope, content)?;
    if reads.has(Reads::DOCS) {
        walk::encode(&function.getattr("__doc__")?, scope, content)?;
    }
    if reads.has(Reads::ANNOTATIONS) {
        annotations::of_function(function, scope, content)?;
    }
    if reads.has(Reads::NAMES) {
        content.encoder.str(&function_name(function));
        walk::encode(&function.getattr("__name__")?, scope, content)?;
        walk::encode(&function.getattr("__qualname__")?, scope, content)?;
    }
    if reads.has(Reads::SOURCE) {
        content
            .encoder
            .str(&source_of(function.as_any()).unwrap_or_default());
    }
    let globals = function.getattr("__globals__")?.cast_into::<PyDict>()?;
    modules::names(&globals, &used, scope, content)
}

/// Whether the user says that a function counts by its name alone.
fn counts_by_name(function: &Bound<'_, PyFunction>, options: &Options) -> bool {
    let by_name = &options.config.by_name;
    if by_name.is_empty() {
        return false;
    }
    let text = |name| function.getattr(name)?.extract::<String>();
    let (Ok(module), Ok(name)) = (text("__module__"), text("__qualname__")) else {
        return false;
    };
    by_name.has(function.py(), PartKind::Function, &module, &name)
}

/// The version that `code_version` gave a definition, from its attributes.
pub(super) fn version_of<'py>(
    attributes: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    attributes.get_item("__code_version__")
}

/// Encodes a definition by that version, in place of what it is made of.
pub(super) fn versioned<'py>(
    version: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    content.encoder.tag(tag::VERSIONED);
    walk::encode(version, scope, content)
}

/// Positional and keyword-only defaults, each a part named for its parameter.
fn defaults<'py>(
    function: &Bound<'py, PyFunction>,
    code: &Bound<'py, PyCode>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let mut values = Vec::new();
    if let Ok(defaults) = function.getattr("__defaults__")?.cast_into::<PyTuple>() {
        let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
        let count: usize = code.getattr("co_argcount")?.extract()?;
        let first = count.saturating_sub(defaults.len());
        values.extend(names[first..count].iter().cloned().zip(defaults.iter()));
    }
    content.encoder.len(values.len());
    if let Ok(defaults) = function.getattr("__kwdefaults__")?.cast_into::<PyDict>() {
        values.extend(sorted(&defaults)?);
    }
    content.encoder.len(values.len());
    let owner = function_name(function);
    for (parameter, value) in values {
        content.encoder.str(&parameter);
        let name = format!("{owner}.<default {parameter}>");
        let slot = Identity::Slot(function.as_ptr() as usize, parameter);
        modules::slot(slot, name, PartKind::Default, &value, scope, content)?;
    }
    Ok(())
}

/// What can be set on a library's function and shows in a call: its defaults, as far as they are plain.
pub(super) fn constants_of<'py>(
    function: &Bound<'py, PyFunction>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    scope
        .options
        .watch
        .record(|recorder| recorder.function(function));
    for defaults in ["__defaults__", "__kwdefaults__"] {
        let defaults = function.getattr(defaults)?;
        let values: Vec<_> = match defaults.cast::<PyDict>() {
            Ok(by_name) => sorted(by_name)?
                .into_iter()
                .map(|(_, value)| value)
                .collect(),
            Err(_) if defaults.is_none() => Vec::new(),
            Err(_) => defaults.try_iter()?.collect::<PyResult<_>>()?,
        };
        content.encoder.len(values.len());
        for value in values {
            if !scalars::encode(&value, &mut content.encoder)? {
                content.encoder.tag(0);
            }
        }
    }
    Ok(())
}

/// The variables a function shares with the one around it, each a part.
fn closure<'py>(
    function: &Bound<'py, PyFunction>,
    code: &Bound<'py, PyCode>,
    used: &Uses,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let Ok(cells) = function.getattr("__closure__")?.cast_into::<PyTuple>() else {
        return Ok(());
    };
    let names: Vec<String> = code.getattr("co_freevars")?.extract()?;
    let owner = function_name(function);
    let dispatcher = is_dispatcher(function)?;
    for (variable, cell) in names.iter().zip(cells.iter()) {
        if closure_counts_by_name(function, variable, scope.options)? {
            content.encoder.tag(tag::BY_NAME);
            content.encoder.str(variable);
            continue;
        }
        if dispatcher && DISPATCH_MEMO.contains(&variable.as_str()) {
            content.encoder.tag(tag::MISSING);
            continue;
        }
        scope.options.watch.record(|recorder| recorder.cell(&cell));
        let Ok(value) = cell.getattr("cell_contents") else {
            content.encoder.tag(tag::MISSING);
            continue;
        };
        if let Ok(module) = value.cast::<PyModule>() {
            modules::shared(variable, module, used, scope, content)?;
            continue;
        }
        if variable == CLASS_BODY
            && let Ok(namespace) = value.cast::<PyDict>()
        {
            of_class_body(namespace, used, &owner, scope, content)?;
            continue;
        }
        let name = format!("{owner}.<closure {variable}>");
        let slot = Identity::Slot(cell.as_ptr() as usize, String::new());
        modules::slot(slot, name, PartKind::Closure, &value, scope, content)?;
    }
    Ok(())
}

/// Whether the user says that a variable which a function shares with the one around it counts by its
/// name alone.
fn closure_counts_by_name(
    function: &Bound<'_, PyFunction>,
    variable: &str,
    options: &Options,
) -> PyResult<bool> {
    let by_name = &options.config.by_name;
    if by_name.is_empty() {
        return Ok(false);
    }
    let module = function.getattr("__module__")?.extract::<String>();
    let owner = function.getattr("__qualname__")?.extract::<String>()?;
    let name = format!("{owner}.<closure {variable}>");
    let module = module.unwrap_or_default();
    Ok(by_name.has(function.py(), PartKind::Closure, &module, &name))
}

/// The names of the class around it that a function looks up: what makes annotations sees all of the
/// class, and most of that does not count.
fn of_class_body<'py>(
    namespace: &Bound<'py, PyDict>,
    used: &Uses,
    owner: &str,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let names: BTreeSet<&String> = used.globals.iter().map(|chain| &chain[0]).collect();
    for name in names {
        let value = namespace.get_item(name)?;
        let watch = &scope.options.watch;
        watch.record(|recorder| recorder.slot(namespace, name, value.as_ref()));
        let Some(value) = value else {
            content.encoder.tag(tag::MISSING);
            continue;
        };
        let place = Identity::Slot(namespace.as_ptr() as usize, name.clone());
        let full = format!("{owner}.<class {name}>");
        modules::slot(place, full, PartKind::Closure, &value, scope, content)?;
    }
    Ok(())
}

/// Whether a function is the work of `functools.singledispatch`, which remembers what it looked up.
fn is_dispatcher(function: &Bound<'_, PyFunction>) -> PyResult<bool> {
    let globals = function.getattr("__globals__")?.cast_into::<PyDict>()?;
    let module = globals
        .get_item("__name__")?
        .and_then(|name| name.extract::<String>().ok());
    Ok(module.as_deref() == Some("functools")
        && library_of(function.py(), "functools", &Options::default())?.is_some())
}

/// What was set on the function itself, without the bookkeeping of `functools.wraps`.
fn write_attributes<'py>(
    function: &Bound<'py, PyFunction>,
    attributes: Option<&Bound<'py, PyDict>>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let dispatcher = is_dispatcher(function)?;
    let mut items = attributes.map(sorted).transpose()?.unwrap_or_default();
    let wrapped = scope.options.reads.has(Reads::WRAPPED);
    items.retain(|(name, _)| {
        (wrapped || name != "__wrapped__")
            && !(dispatcher && DISPATCH_TOOLS.contains(&name.as_str()))
    });
    content.encoder.tag(tag::ATTRIBUTES);
    content.encoder.len(items.len());
    for (name, value) in items {
        content.encoder.str(&name);
        walk::encode(&value, scope, content)?;
    }
    Ok(())
}

/// The source text of a function or class, where the interpreter can find it.
fn source_of(definition: &Bound<'_, PyAny>) -> Option<String> {
    let inspect = definition.py().import("inspect").ok()?;
    inspect
        .call_method1("getsource", (definition,))
        .ok()?
        .extract()
        .ok()
}
