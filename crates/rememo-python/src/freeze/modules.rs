//! Names used by code, resolved through globals, modules and built-ins; and whole modules.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};
use rememo::PartKind;

use super::code::Uses;
use super::functions::slot_target;
use super::graph::{Content, Graph, Identity, Subject, Target, Unfreezable};
use super::origin::{Origin, constant, library_module, module_name};
use super::values::tag;

/// Names that every module has and that say where it lives, not what it does.
const ABOUT_THE_MODULE: [&str; 9] = [
    "__builtins__",
    "__cached__",
    "__doc__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__path__",
    "__spec__",
];

/// Writes what each used name resolves to.
pub(super) fn names<'py>(
    globals: &Bound<'py, PyDict>,
    used: &Uses,
    path: &str,
    content: &mut Content<'py>,
) -> PyResult<()> {
    for chain in &used.chains {
        content.encoder.tag(tag::NAME);
        content.encoder.len(chain.len());
        chain.iter().for_each(|name| content.encoder.str(name));
        global(globals, chain, path, content)?;
    }
    for (level, module, taken) in &used.imports {
        content.encoder.tag(tag::IMPORT);
        content.encoder.u64(u64::from(*level));
        content.encoder.str(module);
        import(globals, *level, module, taken.as_deref(), path, content)?;
    }
    Ok(())
}

fn global<'py>(
    globals: &Bound<'py, PyDict>,
    chain: &[String],
    path: &str,
    content: &mut Content<'py>,
) -> PyResult<()> {
    let (first, rest) = chain
        .split_first()
        .expect("a chain begins with a global name");
    if ABOUT_THE_MODULE.contains(&first.as_str()) {
        return Ok(());
    }
    if let Some(value) = globals.get_item(first)? {
        if let Ok(module) = value.cast::<PyModule>() {
            return attribute(module, rest, path, content);
        }
        let owner = globals.get_item("__name__")?;
        let owner = owner
            .and_then(|name| name.extract::<String>().ok())
            .unwrap_or_default();
        let name = format!("{}.{first}", module_name(globals.py(), &owner));
        let slot = Identity::Slot(globals.as_ptr() as usize, first.clone());
        content.refer(
            tag::SLOT,
            slot_target(slot, name, PartKind::Global, path, value),
        );
        return Ok(());
    }
    let builtins = globals.py().import("builtins")?;
    if builtins.dict().contains(first)? {
        return attribute(&builtins, std::slice::from_ref(first), path, content);
    }
    content.encoder.tag(tag::MISSING);
    Ok(())
}

/// Follows attributes through modules to the first thing that is not one.
fn attribute<'py>(
    module: &Bound<'py, PyModule>,
    chain: &[String],
    path: &str,
    content: &mut Content<'py>,
) -> PyResult<()> {
    let library = library_module(module)?;
    let Some((first, rest)) = chain.split_first() else {
        return match library {
            Some((Origin::Library { name, version }, qualified)) => {
                constant(&name, &version, &qualified, content);
                Ok(())
            }
            _ => {
                content.refer(tag::REFERENCE, module_target(module, path)?);
                Ok(())
            }
        };
    };
    let Ok(value) = module.getattr(first) else {
        content.encoder.tag(tag::MISSING);
        content.encoder.str(first);
        return Ok(());
    };
    if let Ok(inner) = value.cast::<PyModule>() {
        return attribute(inner, rest, path, content);
    }
    let owner = module_name(module.py(), &module.name()?.to_string());
    let name = format!("{owner}.{first}");
    if let Some((
        Origin::Library {
            name: library,
            version,
        },
        _,
    )) = library
        && !is_users(&value)?
    {
        constant(&library, &version, &name, content);
        return Ok(());
    }
    let slot = Identity::Slot(module.dict().as_ptr() as usize, first.clone());
    content.refer(
        tag::SLOT,
        slot_target(slot, name, PartKind::Global, path, value),
    );
    Ok(())
}

/// Whether something found in a library counts by what it is: a plain immutable value, or a
/// function or class of the user's that was put in the library's place.
fn is_users(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if super::values::is_scalar(value) {
        return Ok(true);
    }
    let module = value
        .getattr("__module__")
        .and_then(|name| name.extract::<String>());
    match module {
        Ok(module) => Ok(super::origin::origin(value.py(), &module)? == Origin::User),
        Err(_) => Ok(false),
    }
}

pub(super) fn module_target<'py>(
    module: &Bound<'py, PyModule>,
    path: &str,
) -> PyResult<Target<'py>> {
    let name = module_name(module.py(), &module.name()?.to_string());
    Ok(Target {
        identity: Identity::Object(module.as_ptr() as usize),
        subject: Subject::Module(module.clone()),
        path: format!("{path} -> module {name}"),
        name,
        kind: PartKind::Module,
    })
}

/// What an import in the body brings in. A module not yet imported is imported now, as the call
/// itself would do.
fn import<'py>(
    globals: &Bound<'py, PyDict>,
    level: u32,
    module: &str,
    taken: Option<&str>,
    path: &str,
    content: &mut Content<'py>,
) -> PyResult<()> {
    let py = globals.py();
    let importer = py.import("builtins")?.getattr("__import__")?;
    let wanted: Vec<&str> = taken.into_iter().filter(|name| *name != "*").collect();
    let Ok(found) = importer.call1((module, globals, py.None(), wanted, level)) else {
        content.encoder.tag(tag::MISSING);
        return Ok(());
    };
    let Ok(found) = found.cast_into::<PyModule>() else {
        content.encoder.tag(tag::MISSING);
        return Ok(());
    };
    match taken {
        Some(name) if name != "*" => attribute(&found, &[name.to_owned()], path, content),
        Some(_) => attribute(&found, &[], path, content),
        None => {
            let rest: Vec<String> = module.split('.').skip(1).map(str::to_owned).collect();
            attribute(&found, &rest, path, content)
        }
    }
}

impl<'py> Graph<'py> {
    /// All that a module holds, for code that lets the module itself escape.
    pub(super) fn module(
        &mut self,
        module: &Bound<'py, PyModule>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        content.encoder.tag(tag::MODULE);
        let mut names: Vec<String> = module.dict().keys().extract().map_err(raised)?;
        names.retain(|name| !ABOUT_THE_MODULE.contains(&name.as_str()));
        names.sort();
        content.encoder.len(names.len());
        for name in names {
            content.encoder.str(&name);
            attribute(module, &[name], path, content).map_err(raised)?;
        }
        Ok(())
    }

    /// A module met as a value.
    pub(super) fn module_value(
        &mut self,
        module: &Bound<'py, PyModule>,
        path: &str,
        content: &mut Content<'py>,
    ) -> PyResult<()> {
        attribute(module, &[], path, content)
    }
}

/// A class met as a value, or as the type of one.
pub(super) fn class_target<'py>(
    class: &Bound<'py, pyo3::types::PyType>,
    path: &str,
) -> PyResult<Target<'py>> {
    let module: String = class.getattr("__module__")?.extract()?;
    let name = format!("{}.{}", module_name(class.py(), &module), class.qualname()?);
    Ok(Target {
        identity: Identity::Object(class.as_ptr() as usize),
        subject: Subject::Class(class.clone()),
        path: format!("{path} -> class {name}"),
        name,
        kind: PartKind::Class,
    })
}
