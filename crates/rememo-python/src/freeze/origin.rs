//! Where a module comes from: the standard library and installed distributions are constants by
//! version, everything else is the user's and is walked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::PyModule;
use rememo::{Digest, PartKind};

use super::graph::{Content, Identity, Subject, Target};
use super::values::tag;

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A library, with all that tells one build of it from another.
    Library {
        name: String,
        version: String,
    },
    User,
}

static KNOWN: Mutex<Option<HashMap<String, Origin>>> = Mutex::new(None);

/// The origin of a module by its full name.
pub(super) fn origin(py: Python<'_>, module: &str) -> PyResult<Origin> {
    let top = module.split('.').next().unwrap_or(module);
    if let Ok(known) = KNOWN.lock()
        && let Some(origin) = known.as_ref().and_then(|known| known.get(top))
    {
        return Ok(origin.clone());
    }
    let found = find(py, top)?;
    // The user's modules may be replaced by other files under their name: looked at each time.
    if found != Origin::User
        && let Ok(mut known) = KNOWN.lock()
    {
        known
            .get_or_insert_default()
            .insert(top.to_owned(), found.clone());
    }
    Ok(found)
}

fn find(py: Python<'_>, top: &str) -> PyResult<Origin> {
    let sys = py.import("sys")?;
    if top == "__main__" {
        return Ok(Origin::User);
    }
    if top == "rememo" {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        return Ok(Origin::Library {
            name: top.to_owned(),
            version,
        });
    }
    let Ok(module) = sys.getattr("modules")?.get_item(top) else {
        return Ok(Origin::User);
    };
    let file = location(&module);
    let standard = sys.getattr("stdlib_module_names")?.contains(top)?;
    if let Some(site) = file.as_deref().and_then(site_directory) {
        return Ok(distribution(&site, top).unwrap_or(Origin::User));
    }
    if standard && file.as_deref().is_none_or(|file| is_standard(py, file)) {
        let version: String = sys.getattr("version")?.extract()?;
        return Ok(Origin::Library {
            name: "python".to_owned(),
            version,
        });
    }
    Ok(Origin::User)
}

fn location(module: &Bound<'_, PyAny>) -> Option<PathBuf> {
    if let Ok(file) = module.getattr("__file__")
        && let Ok(file) = file.extract::<PathBuf>()
    {
        return Some(file);
    }
    let paths = module.getattr("__path__").ok()?;
    paths.try_iter().ok()?.next()?.ok()?.extract().ok()
}

fn is_standard(py: Python<'_>, file: &Path) -> bool {
    let os = py.import("os").and_then(|os| os.getattr("__file__"));
    let os: Option<PathBuf> = os.ok().and_then(|os| os.extract().ok());
    os.as_deref()
        .and_then(Path::parent)
        .is_some_and(|standard| file.starts_with(standard))
}

/// The directory of installed packages that holds a file.
fn site_directory(file: &Path) -> Option<PathBuf> {
    let site = |part: &Path| {
        part.file_name()
            .is_some_and(|name| name == "site-packages" || name == "dist-packages")
    };
    file.ancestors().find(|part| site(part)).map(Path::to_owned)
}

/// The distribution that installed a top-level module: by the name of its `.dist-info`, else by
/// its list of files.
fn distribution(site: &Path, top: &str) -> Option<Origin> {
    let infos: Vec<PathBuf> = std::fs::read_dir(site)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "dist-info")
        })
        .collect();
    let owner = infos
        .iter()
        .find(|info| package(info).is_some_and(|(name, _)| same_name(name, top)))
        .or_else(|| infos.iter().find(|info| installs(info, top)))?;
    let (name, version) = package(owner)?;
    let record = std::fs::read(owner.join("RECORD")).unwrap_or_default();
    let version = format!("{version} {}", Digest::of(&record).short());
    Some(Origin::Library {
        name: name.to_owned(),
        version,
    })
}

fn package(info: &Path) -> Option<(&str, &str)> {
    info.file_stem()?.to_str()?.split_once('-')
}

fn same_name(distribution: &str, module: &str) -> bool {
    distribution.to_lowercase().replace(['-', '.'], "_") == module.to_lowercase()
}

fn installs(info: &Path, top: &str) -> bool {
    let record = std::fs::read_to_string(info.join("RECORD")).unwrap_or_default();
    let folder = format!("{top}/");
    let file = format!("{top}.");
    record
        .lines()
        .any(|line| line.starts_with(&folder) || line.starts_with(&file))
}

/// Writes a reference to a named thing of a library, with the library as a part of its own.
pub(super) fn constant<'py>(
    library: &str,
    version: &str,
    qualified: &str,
    content: &mut Content<'py>,
) {
    content.encoder.tag(tag::EXTERNAL);
    content.encoder.str(qualified);
    content.refer(
        tag::REFERENCE,
        Target {
            identity: Identity::Library(library.to_owned()),
            subject: Subject::Library {
                version: version.to_owned(),
            },
            name: library.to_owned(),
            kind: PartKind::Library,
            path: library.to_owned(),
        },
    );
}

/// The library and qualified name of a function, class or built-in that can be imported from a
/// library under its own name: the very object, not one that merely says so.
pub(super) fn library_object(object: &Bound<'_, PyAny>) -> PyResult<Option<(Origin, String)>> {
    let py = object.py();
    let Ok(module) = object
        .getattr("__module__")
        .and_then(|m| m.extract::<String>())
    else {
        return Ok(None);
    };
    let name = object
        .getattr("__qualname__")
        .or_else(|_| object.getattr("__name__"));
    let Ok(name) = name.and_then(|name| name.extract::<String>()) else {
        return Ok(None);
    };
    let origin = origin(py, &module)?;
    if origin == Origin::User {
        return Ok(None);
    }
    let Ok(mut found) = py.import("sys")?.getattr("modules")?.get_item(&module) else {
        return Ok(None);
    };
    for part in name.split('.') {
        match found.getattr(part) {
            Ok(next) => found = next,
            Err(_) => return Ok(None),
        }
    }
    let same = found.is(object) || found.getattr("__func__").is_ok_and(|f| f.is(object));
    Ok(same.then(|| (origin, format!("{module}.{name}"))))
}

/// The name a module goes by in digests: `__main__` by its module or file name.
pub(super) fn module_name(py: Python<'_>, module: &str) -> String {
    if module != "__main__" {
        return module.to_owned();
    }
    main_name(py).unwrap_or_else(|| module.to_owned())
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

/// Whether a module belongs to a library; its name, where it does.
pub(super) fn library_module(module: &Bound<'_, PyModule>) -> PyResult<Option<(Origin, String)>> {
    let name = module.name()?.to_string();
    let origin = origin(module.py(), &name)?;
    Ok((origin != Origin::User).then_some((origin, name)))
}
