//! Where a module comes from: the standard library and installed distributions are constants by
//! version, everything else is the user's and is walked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyType;
use rememo::{Digest, PartKind};

use super::graph::{Content, Identity, Subject, Target};
use super::tag;

/// A library, with all that tells one build of it from another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub name: String,
    pub version: String,
}

/// Modules of libraries by full name: what is installed stays for as long as the process lives.
static KNOWN: Mutex<Option<HashMap<String, Arc<Library>>>> = Mutex::new(None);
/// The lists of files of installed distributions, by their directory.
static RECORDS: Mutex<Option<HashMap<PathBuf, Arc<String>>>> = Mutex::new(None);

/// The library a module belongs to; `None` for the user's own.
pub(super) fn library_of(py: Python<'_>, module: &str) -> PyResult<Option<Arc<Library>>> {
    let known = |module: &str| {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().and_then(|known| known.get(module).cloned())
    };
    if let Some(library) = known(module) {
        return Ok(Some(library));
    }
    let Some(library) = find(py, module)?.map(Arc::new) else {
        return Ok(None);
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .get_or_insert_default()
        .insert(module.to_owned(), library.clone());
    Ok(Some(library))
}

fn find(py: Python<'_>, module: &str) -> PyResult<Option<Library>> {
    let top = module.split('.').next().unwrap_or(module);
    if top == "__main__" {
        return Ok(None);
    }
    if top == "rememo" {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        return Ok(Some(Library {
            name: top.to_owned(),
            version,
        }));
    }
    let sys = py.import("sys")?;
    let modules = sys.getattr("modules")?;
    let found = modules.get_item(module).or_else(|_| modules.get_item(top));
    let Ok(found) = found else { return Ok(None) };
    let file = location(&found).or_else(|| location(&modules.get_item(top).ok()?));
    if let Some((file, site)) = file.as_deref().and_then(|file| Some((file, site(file)?))) {
        return Ok(distribution(&site, file, top));
    }
    let standard = sys.getattr("stdlib_module_names")?.contains(top)?;
    if standard && file.as_deref().is_none_or(|file| is_standard(py, file)) {
        let version = sys.getattr("version")?.extract()?;
        return Ok(Some(Library {
            name: "python".to_owned(),
            version,
        }));
    }
    Ok(None)
}

fn location(module: &Bound<'_, PyAny>) -> Option<PathBuf> {
    if let Ok(file) = module
        .getattr("__file__")
        .and_then(|file| file.extract::<PathBuf>())
    {
        return Some(file);
    }
    module
        .getattr("__path__")
        .ok()?
        .try_iter()
        .ok()?
        .next()?
        .ok()?
        .extract()
        .ok()
}

fn is_standard(py: Python<'_>, file: &Path) -> bool {
    let os = py
        .import("os")
        .and_then(|os| os.getattr("__file__")?.extract::<PathBuf>());
    os.ok()
        .as_deref()
        .and_then(Path::parent)
        .is_some_and(|standard| file.starts_with(standard))
}

/// The directory of installed packages that holds a file.
fn site(file: &Path) -> Option<PathBuf> {
    let is_site = |part: &&Path| {
        part.file_name()
            .is_some_and(|name| name == "site-packages" || name == "dist-packages")
    };
    file.ancestors().find(is_site).map(Path::to_owned)
}

/// The distribution whose list of files has this one.
fn distribution(site: &Path, file: &Path, top: &str) -> Option<Library> {
    let wanted = file.strip_prefix(site).ok()?.to_str()?;
    let mut infos: Vec<PathBuf> = std::fs::read_dir(site)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "dist-info")
        })
        .collect();
    // The one named like the module is the likeliest.
    infos.sort_by_key(|info| !package(info).is_some_and(|(name, _)| same_name(name, top)));
    let info = infos.into_iter().find(|info| {
        record(info)
            .lines()
            .any(|line| line.strip_prefix(wanted).is_some_and(is_end_of_path))
    })?;
    let (name, version) = package(&info)?;
    let version = format!("{version} {}", Digest::of(record(&info).as_bytes()).short());
    Some(Library {
        name: name.to_owned(),
        version,
    })
}

/// Whether a path in a list of files ends here: at its hash, or below a package without a file.
fn is_end_of_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(',') || rest.starts_with('/')
}

fn record(info: &Path) -> Arc<String> {
    let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let records = records.get_or_insert_default();
    if let Some(record) = records.get(info) {
        return record.clone();
    }
    let text = std::fs::read_to_string(info.join("RECORD")).unwrap_or_default();
    let record = Arc::new(text);
    records.insert(info.to_owned(), record.clone());
    record
}

/// Name and version of a distribution, from the name of its directory.
fn package(info: &Path) -> Option<(&str, &str)> {
    info.file_stem()?.to_str()?.split_once('-')
}

fn same_name(distribution: &str, module: &str) -> bool {
    distribution.to_lowercase().replace(['-', '.'], "_") == module.to_lowercase()
}

/// Writes a reference to a named thing of a library, with the library as a part of its own.
pub(super) fn constant(library: &Arc<Library>, qualified: &str, content: &mut Content<'_>) {
    content.encoder.tag(tag::EXTERNAL);
    content.encoder.str(qualified);
    content.refer(Target {
        identity: Identity::Library(library.name.clone()),
        subject: Subject::Library {
            version: library.version.clone(),
        },
        name: library.name.clone(),
        kind: PartKind::Library,
        path: library.name.clone(),
    });
}

/// The library and qualified name of a definition that can be imported from a library under its
/// own name: the very object, not one that merely says so.
pub(super) fn library_object(
    object: &Bound<'_, PyAny>,
) -> PyResult<Option<(Arc<Library>, String)>> {
    let py = object.py();
    let text = |name: &str| {
        object
            .getattr(name)
            .and_then(|value| value.extract::<String>())
    };
    let Ok(module) = text("__module__") else {
        return Ok(None);
    };
    let Ok(name) = text("__qualname__").or_else(|_| text("__name__")) else {
        return Ok(None);
    };
    let Some(library) = library_of(py, &module)? else {
        return Ok(None);
    };
    let Ok(mut found) = py.import("sys")?.getattr("modules")?.get_item(&module) else {
        return Ok(None);
    };
    for part in name.split('.') {
        match found.getattr(part) {
            Ok(next) => found = next,
            Err(_) => return Ok(None),
        }
    }
    Ok(found
        .is(object)
        .then(|| (library, format!("{module}.{name}"))))
}

/// The module and name of a type. Some extension types have no text for a module.
pub(super) fn type_name(class: &Bound<'_, PyType>) -> PyResult<(String, String)> {
    let module = class.getattr("__module__")?.extract().unwrap_or_default();
    Ok((module, class.name()?.to_string()))
}

/// Whether a class is a library's.
pub(super) fn is_library_class(class: &Bound<'_, PyType>) -> PyResult<bool> {
    Ok(library_object(class.as_any())?.is_some())
}

/// The name a module goes by in digests: `__main__` by its module or file name.
pub(super) fn module_name(py: Python<'_>, module: &str) -> String {
    let main = if module == "__main__" {
        main_name(py)
    } else {
        None
    };
    main.unwrap_or_else(|| module.to_owned())
}

fn main_name(py: Python<'_>) -> Option<String> {
    let main = py
        .import("sys")
        .ok()?
        .getattr("modules")
        .ok()?
        .get_item("__main__")
        .ok()?;
    if let Ok(spec) = main.getattr("__spec__")
        && let Ok(name) = spec
            .getattr("name")
            .and_then(|name| name.extract::<String>())
    {
        return Some(name.trim_end_matches(".__main__").to_owned());
    }
    let file: PathBuf = main.getattr("__file__").ok()?.extract().ok()?;
    Some(file.file_stem()?.to_str()?.to_owned())
}
