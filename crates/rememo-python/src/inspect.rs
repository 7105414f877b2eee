//! Fingerprints for people: of any object, with its parts, its children and what it reaches; and of
//! functions, beside those of stored results.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyFunction, PyTuple};
use rememo::Share;

use crate::call::Call;
use crate::freeze::{
    self, Config, FreezeConfig, Frozen, Graph, Impurity, Named, Reads, Root, Unfreezable,
};
use crate::memoized::Memoized;
use crate::store::{failed, unusable};
use crate::told;

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

/// The digest of any object, in hexadecimal: the same for what is equal as far as code can tell, in
/// every process.
///
/// `config` says what counts, where it is not what it seems; see `rememo.FreezeConfig`.
///
/// Raises `TypeError` for what has no fingerprint, with the path to it.
///
/// >>> from rememo import freeze
/// >>> freeze({"a": [1, 2]}) == freeze({"a": [1, 2]})
/// True
/// >>> freeze(1) == freeze(1.0)
/// False
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

/// Has `__main__` go by the name that it has where functions were sent from, if it is but what
/// started a worker here.
#[pyfunction]
pub fn name_main(py: Python<'_>, name: String) -> PyResult<()> {
    freeze::name_main(py, name)
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

/// What is stored of a function beside its code as it is: its name; how many results that code
/// made, and what they took in seconds; the same for the code that was the last to store anything;
/// and what changed since.
type ImpactTold<'py> = (String, (u64, f64), (u64, f64), Bound<'py, PyTuple>);

/// Looks what would be computed again if a memoized function were called as before; raises
/// `TypeError` where it has no fingerprint.
#[pyfunction]
pub fn impact<'py>(memoized: &Bound<'py, Memoized>) -> PyResult<ImpactTold<'py>> {
    let (py, memoized) = (memoized.py(), memoized.get());
    let mut call = Call::without_arguments(memoized, py)?;
    let state = call.state_with_sources()?.map_err(PyTypeError::new_err)?;
    let store = memoized.store(py)?;
    let store = store.get().opened().ok_or_else(unusable)?;
    let name = memoized.name(py);
    let found = py.detach(|| rememo::impact(&store, &name, &state));
    let found = found.map_err(failed)?;
    let told = |share: Share| {
        let seconds = Duration::from_nanos(share.compute_ns).as_secs_f64();
        (share.entries, seconds)
    };
    let changes = told::changes(py, &found.changes)?;
    Ok((name, told(found.current), told(found.last), changes))
}
