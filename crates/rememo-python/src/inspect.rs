//! Fingerprints for people: of any object, with its parts, its children and what it reaches.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyFunction;

use crate::freeze::{
    self, Config, FreezeConfig, Frozen, Graph, Impurity, Named, Reads, Root, Unfreezable,
};

fn frozen<'py>(
    object: Bound<'py, PyAny>,
    config: Option<&Bound<'py, FreezeConfig>>,
) -> PyResult<Frozen<'py>> {
    let config: Arc<Config> = config
        .map(|config| config.get().0.clone())
        .unwrap_or_default();
    let root = Root::Argument {
        name: String::new(),
        value: object,
    };
    Graph::freeze(root, Reads::default(), &config).map_err(|Unfreezable { path, what, fatal }| {
        let place = path.trim_start_matches("argument ''");
        fatal.unwrap_or_else(|| PyTypeError::new_err(format!("object{place}: {what}")))
    })
}

/// The digest of any object, in hexadecimal.
#[pyfunction]
#[pyo3(name = "freeze", signature = (obj, config = None))]
pub fn digest<'py>(
    obj: Bound<'py, PyAny>,
    config: Option<&Bound<'py, FreezeConfig>>,
) -> PyResult<String> {
    Ok(frozen(obj, config)?.digest.to_hex())
}

/// The parts of an object: kind, name and own digest of each.
#[pyfunction]
#[pyo3(signature = (obj, config = None))]
pub fn parts<'py>(
    obj: Bound<'py, PyAny>,
    config: Option<&Bound<'py, FreezeConfig>>,
) -> PyResult<Vec<(String, String, String)>> {
    let frozen = frozen(obj, config)?;
    let part = |part: rememo::Part| (part.kind.to_string(), part.name, part.digest.to_hex());
    Ok(frozen.parts.into_iter().map(part).collect())
}

/// What an object directly consists of, each with the way to it; `None` where it has no inside.
#[pyfunction]
#[pyo3(signature = (obj, config = None))]
pub fn children<'py>(
    obj: &Bound<'py, PyAny>,
    config: Option<&Bound<'py, FreezeConfig>>,
) -> PyResult<Option<Named<'py>>> {
    let config: Arc<Config> = config
        .map(|config| config.get().0.clone())
        .unwrap_or_default();
    freeze::children(obj, &config).map_err(|Unfreezable { what, fatal, .. }| {
        fatal.unwrap_or_else(|| PyTypeError::new_err(what))
    })
}

/// The name a module goes by whether it is imported or run: `__main__` by its module or file.
#[pyfunction]
pub fn module_name(py: Python<'_>, module: &str) -> String {
    freeze::module_name(py, module)
}

type Scan = (Vec<Vec<String>>, Vec<String>, Vec<String>, Vec<Impurity>);

/// What a function uses: global names with the attributes read from them, modules imported in the
/// body, definitions reached through any depth, and sources of what these do not determine.
#[pyfunction]
pub fn scan(function: Bound<'_, PyFunction>) -> PyResult<Scan> {
    let uses = freeze::uses_of(&function)?;
    let globals = uses.globals.iter().cloned().collect();
    let imports = uses
        .imports
        .iter()
        .map(|import| import.module.clone())
        .collect();
    let frozen = frozen(function.into_any(), None)?;
    let reached = frozen
        .parts
        .iter()
        .filter(|part| {
            matches!(
                part.kind,
                rememo::PartKind::Function | rememo::PartKind::Class
            )
        })
        .map(|part| part.name.clone())
        .collect();
    Ok((
        globals,
        imports,
        reached,
        frozen.impurities.into_iter().collect(),
    ))
}
