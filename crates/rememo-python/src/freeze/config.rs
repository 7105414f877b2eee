//! What a user may say about what counts, for one function or one cache; and how types were
//! registered.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::patterns::ByName;
use crate::raw;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyString, PyType};
use rememo::Encoder;

/// The settings of one freeze.
#[derive(Debug, Default)]
pub struct Config {
    pub by_version: Vec<String>,
    pub by_content: Vec<String>,
    pub deep: Vec<String>,
    pub ignore_attributes: HashSet<String>,
    pub ignore_classes: HashSet<String>,
    /// Files and directories whose code does not count.
    pub ignore_code: Vec<String>,
    pub by_name: ByName,
    pub ignore_dict_order: bool,
}

impl Config {
    /// Whether all counts of what there is.
    pub fn leaves_nothing_out(&self) -> bool {
        self.ignore_attributes.is_empty()
            && self.ignore_classes.is_empty()
            && self.ignore_code.is_empty()
            && self.by_name.is_empty()
            && !self.ignore_dict_order
    }

    /// Whether code of a file does not count.
    pub(super) fn ignores_code(&self, code: &Bound<'_, PyCode>) -> PyResult<bool> {
        if self.ignore_code.is_empty() {
            return Ok(false);
        }
        let file: PathBuf = code.getattr("co_filename")?.extract()?;
        let holds = |path: &String| path == ALL_CODE || file.starts_with(path);
        Ok(self.ignore_code.iter().any(holds))
    }

    /// Writes all of it.
    pub fn write(&self, encoder: &mut Encoder) {
        let lists = [
            &self.by_version,
            &self.by_content,
            &self.deep,
            &self.ignore_code,
            &self.by_name.texts,
        ];
        let ignored = [&self.ignore_attributes, &self.ignore_classes].map(|names| {
            let mut names: Vec<String> = names.iter().cloned().collect();
            names.sort();
            names
        });
        for names in lists.into_iter().chain(&ignored) {
            encoder.len(names.len());
            for name in names {
                encoder.str(name);
            }
        }
        encoder.tag(u8::from(self.ignore_dict_order));
    }
}

/// Stands for all files.
const ALL_CODE: &str = "*";

/// What counts of code and values, where it is not what it seems.
///
/// - `by_version`: modules of one's own that count by their version.
/// - `by_content`: modules of libraries that count by what they contain, as one's own do.
/// - `deep`: libraries whose files are looked at, too, once in a process.
/// - `ignore_attributes`: attributes of instances, and of classes themselves, that do not count, as
///   "module.Class.attribute".
/// - `ignore_classes`: classes whose instances do not count, as "module.Class".
/// - `ignore_code`: files, and directories with all files in them, whose code does not count; what it
///   uses from outside does. "*" is all code.
/// - `by_name`: what counts by its name alone, whatever it holds or does: "function module.name",
///   "class module.Name" (its bases count for themselves), "global module.NAME", "closure
///   module.function.<closure variable>", as explanations have them.
/// - `dict_order`: whether the order of the items of a dict counts; it does unless this is False.
///
/// In names of definitions and variables, `*` stands for any characters after the module: "function
/// module.*" is all functions of one. A script goes by its name, and by `__main__`. What counts less
/// can be wrong: results stay good for the old code and values.
///
/// Raises `ValueError` for an entry of `by_name` that is not a kind and a name.
///
/// >>> from rememo import FreezeConfig, freeze
/// >>> any_order = FreezeConfig(dict_order=False)
/// >>> freeze({"a": 1, "b": 2}, any_order) == freeze({"b": 2, "a": 1}, any_order)
/// True
#[pyclass(module = "rememo._core", frozen)]
#[derive(Clone, Default)]
pub struct FreezeConfig(pub Arc<Config>);

#[pymethods]
impl FreezeConfig {
    #[new]
    #[pyo3(signature = (
        *,
        by_version = Vec::new(),
        by_content = Vec::new(),
        deep = Vec::new(),
        ignore_attributes = Vec::new(),
        ignore_classes = Vec::new(),
        ignore_code = Vec::new(),
        by_name = Vec::new(),
        dict_order = true,
    ))]
    #[expect(clippy::too_many_arguments, reason = "options, each by its name")]
    fn new(
        by_version: Vec<String>,
        by_content: Vec<String>,
        deep: Vec<String>,
        ignore_attributes: Vec<String>,
        ignore_classes: Vec<String>,
        ignore_code: Vec<PathBuf>,
        by_name: Vec<String>,
        dict_order: bool,
    ) -> PyResult<Self> {
        let text = |path: PathBuf| path.into_os_string().into_string();
        let ignore_code = ignore_code.into_iter().map(text);
        let ignore_code = ignore_code.collect::<Result<_, _>>().map_err(|path| {
            let message = format!("ignore_code has {}, which is no text", path.display());
            PyValueError::new_err(message)
        })?;
        Ok(Self(Arc::new(Config {
            by_version,
            by_content,
            deep,
            ignore_attributes: ignore_attributes.into_iter().collect(),
            ignore_classes: ignore_classes.into_iter().collect(),
            ignore_code,
            by_name: ByName::new(by_name)?,
            ignore_dict_order: !dict_order,
        })))
    }

    /// What to make the same one from, for pickling.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((), Bound<'py, PyDict>)> {
        let config = &self.0;
        let sorted = |names: &HashSet<String>| {
            let mut names: Vec<String> = names.iter().cloned().collect();
            names.sort();
            names
        };
        let arguments = PyDict::new(py);
        arguments.set_item("by_version", &config.by_version)?;
        arguments.set_item("by_content", &config.by_content)?;
        arguments.set_item("deep", &config.deep)?;
        arguments.set_item("ignore_attributes", sorted(&config.ignore_attributes))?;
        arguments.set_item("ignore_classes", sorted(&config.ignore_classes))?;
        arguments.set_item("ignore_code", &config.ignore_code)?;
        arguments.set_item("by_name", &config.by_name.texts)?;
        arguments.set_item("dict_order", !config.ignore_dict_order)?;
        Ok(((), arguments))
    }
}

/// Whether a module is one of those named, or within one.
pub(super) fn covers(names: &[String], module: &str) -> bool {
    names.iter().any(|name| {
        module
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// How a registered type is frozen.
#[derive(Clone)]
pub(super) struct Registration {
    pub freeze: Arc<Py<PyAny>>,
    pub version: String,
}

/// Types by qualified name, so that one may be registered before its library is imported.
static REGISTRY: Mutex<Option<HashMap<String, Registration>>> = Mutex::new(None);

/// Says what counts of the instances of a type: what `freeze` returns for one.
///
/// The type may be named, as "module.Type", before its library is imported. `version` is for you to
/// change when `freeze` means something else.
///
/// Raises `TypeError` if it is no type and no name, or if `freeze` cannot be called.
///
/// >>> from rememo import freeze, register
/// >>> class Sensor:
/// ...     def __init__(self, serial, reading):
/// ...         self.serial, self.reading = serial, reading
/// >>> register(Sensor, freeze=lambda sensor: sensor.serial)
/// >>> freeze(Sensor(7, 20.5)) == freeze(Sensor(7, 21.0))
/// True
#[pyfunction]
#[pyo3(signature = (type_or_name, /, freeze, *, version = String::new()))]
pub fn register(
    type_or_name: &Bound<'_, PyAny>,
    freeze: Bound<'_, PyAny>,
    version: String,
) -> PyResult<()> {
    let name = if let Ok(class) = type_or_name.cast::<PyType>() {
        class.fully_qualified_name()?.to_string()
    } else if let Ok(name) = type_or_name.cast::<PyString>() {
        name.to_string()
    } else {
        let given = type_or_name.get_type().fully_qualified_name()?;
        let message = format!("register a type, or its name as 'module.Type'; not a {given}");
        return Err(PyTypeError::new_err(message));
    };
    if !freeze.is_callable() {
        let message = format!("freeze must be callable, to be called with a {name}");
        return Err(PyTypeError::new_err(message));
    }
    let registration = Registration {
        freeze: Arc::new(freeze.unbind()),
        version,
    };
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    registry.get_or_insert_default().insert(name, registration);
    REGISTRATIONS.fetch_add(1, Ordering::Release);
    Ok(())
}

static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

/// How many types have been registered, each time counted.
pub fn registrations() -> u64 {
    REGISTRATIONS.load(Ordering::Acquire)
}

/// Libraries that `rememo.packs` registers types of.
const PACKED: [&str; 8] = [
    "PIL",
    "matplotlib",
    "networkx",
    "polars",
    "pyarrow",
    "scipy",
    "torch",
    "xarray",
];

/// How a type was registered, if it was: it, or a base of it in the same library.
pub(super) fn registration(class: &Bound<'_, PyType>) -> PyResult<Option<Registration>> {
    let top = top_module(class.as_any());
    if PACKED.contains(&top.as_str()) {
        class.py().import("rememo.packs")?;
    }
    for base in class.mro() {
        if top_module(&base) != top {
            continue;
        }
        if let Some(found) = registered(base.cast::<PyType>()?, &top)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The registration of this very type, under its own name or one that leads to it.
fn registered(class: &Bound<'_, PyType>, top: &str) -> PyResult<Option<Registration>> {
    let full = class.fully_qualified_name()?.to_string();
    let candidates: Vec<(String, Registration)> = {
        let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(registry) = registry.as_ref() else {
            return Ok(None);
        };
        if let Some(found) = registry.get(&full) {
            return Ok(Some(found.clone()));
        }
        let own = |name: &&String| name.split('.').next() == Some(top);
        let own = registry.keys().filter(own).cloned().collect::<Vec<_>>();
        own.into_iter()
            .map(|name| (name.clone(), registry[&name].clone()))
            .collect()
    };
    let modules = raw::modules(class.py());
    for (name, registration) in candidates {
        let Some(mut found) = modules.get_item(top)? else {
            continue;
        };
        let leads = name
            .split('.')
            .skip(1)
            .all(|part| match found.getattr(part) {
                Ok(next) => {
                    found = next;
                    true
                }
                Err(_) => false,
            });
        if leads && found.is(class) {
            return Ok(Some(registration));
        }
    }
    Ok(None)
}

fn top_module(class: &Bound<'_, PyAny>) -> String {
    let module = class
        .getattr("__module__")
        .and_then(|module| module.extract::<String>());
    module
        .unwrap_or_default()
        .split('.')
        .next()
        .unwrap_or_default()
        .to_owned()
}
