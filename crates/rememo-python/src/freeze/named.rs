//! Objects that pickle as the name of a global.

use std::sync::Arc;

use pyo3::prelude::*;

use super::graph::{Content, Options, Refusal, Scope};
use super::main_module::module_name;
use super::origin::{Library, constant, library_object, library_of, type_name};
use super::reads::Reads;
use super::reductions::refusal;
use super::walk::{Children, Expansion};
use super::{tag, walk};
use crate::raw;

/// An object that pickles as the name of a global: a library's where the name leads to it, a type
/// variable or the like otherwise.
pub(super) fn encode<'py>(
    value: &Bound<'py, PyAny>,
    name: &str,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    let nothing = Expansion {
        children: Children::Some(Vec::new()),
        ordered: true,
    };
    let py = value.py();
    if let Some((library, name)) = library_object(value, scope.options)? {
        constant(&library, &name, scope, content);
        return Ok(nothing);
    }
    if let Some((library, name)) = in_library(value, name, scope.options)? {
        constant(&library, &name, scope, content);
        return Ok(nothing);
    }
    let (home, _) = type_name(&value.get_type())?;
    if !matches!(home.as_str(), "typing" | "typing_extensions") {
        let why = format!("it pickles as the name '{name}', which leads to nothing or another");
        return Err(refusal(value, &why));
    }
    let module = value.getattr("__module__")?.extract::<String>();
    let module = module_name(py, &module.unwrap_or_default());
    content.encoder.tag(tag::NAMED);
    content.encoder.str(&format!("{module}.{name}"));
    if scope.options.reads.has(Reads::ANNOTATIONS) {
        for name in ["__supertype__", "__bound__", "__constraints__"] {
            if let Ok(value) = value.getattr(name) {
                walk::encode(&value, scope, content)?;
            }
        }
    }
    Ok(nothing)
}

/// Where an object is found under its name among the modules of libraries: in its own module, the
/// package of its type, or the first that has it, packages before what lies in them.
fn in_library(
    value: &Bound<'_, PyAny>,
    name: &str,
    options: &Options,
) -> PyResult<Option<(Arc<Library>, String)>> {
    let py = value.py();
    let modules = raw::modules(py);
    let (home, _) = type_name(&value.get_type())?;
    let own = value
        .getattr("__module__")
        .and_then(|module| module.extract::<String>());
    let mut candidates: Vec<String> = own.ok().into_iter().collect();
    candidates.push(home.split('.').next().unwrap_or_default().to_owned());
    let known = candidates.len();
    for at in 0.. {
        if at == known {
            let mut all: Vec<String> = modules
                .keys()
                .iter()
                .filter_map(|name| name.extract().ok())
                .collect();
            all.sort_by_cached_key(|name| (name.matches('.').count(), name.clone()));
            candidates.extend(all);
        }
        let Some(module) = candidates.get(at) else {
            break;
        };
        let holds = |module: &Bound<'_, PyAny>| {
            let held = module.getattr("__dict__")?.get_item(name)?;
            Ok::<_, PyErr>(held.is(value))
        };
        let found = modules.get_item(module)?;
        if found.is_some_and(|module| holds(&module).unwrap_or(false))
            && let Some(library) = library_of(py, module, options)?
        {
            return Ok(Some((library, format!("{module}.{name}"))));
        }
    }
    Ok(None)
}
