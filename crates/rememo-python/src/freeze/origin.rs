//! Where a module comes from: the standard library and installed distributions are constants by
//! version, everything else is the user's and is walked.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyModule, PyType};
use rememo::{Digest, Encoder, PartKind};

use super::config::covers;
use super::graph::{Content, Identity, Options, Scope, Subject, Target};
use super::main_module::is_main;
use super::modules::{held, loaded};
use super::{impurity, tag};
use crate::raw;

/// A library, with all that tells one build of it from another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub name: String,
    pub version: String,
    /// Where its list of files is kept.
    info: Option<PathBuf>,
}

/// Digests of all files of a distribution, by its directory: taken once in a process.
static CONTENTS: Mutex<Option<HashMap<PathBuf, String>>> = Mutex::new(None);

impl Library {
    /// The same library, told apart by the content of its files too.
    fn deep(self: &Arc<Self>) -> Arc<Self> {
        let Some((info, site)) = self
            .info
            .as_deref()
            .and_then(|info| Some((info, info.parent()?)))
        else {
            return self.clone();
        };
        let mut contents = CONTENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let content = contents
            .get_or_insert_default()
            .entry(info.to_owned())
            .or_insert_with(|| {
                let mut encoder = Encoder::new();
                for line in record(info).lines() {
                    let file = line.split(',').next().unwrap_or(line);
                    if file.contains("__pycache__/") {
                        continue;
                    }
                    encoder.str(file);
                    encoder.bytes(&std::fs::read(site.join(file)).unwrap_or_default());
                }
                encoder.finish().to_hex()
            });
        let version = format!("{} {content}", self.version);
        Arc::new(Self {
            name: self.name.clone(),
            version,
            info: None,
        })
    }
}

/// What the standard library goes by.
const PYTHON: &str = "python";

/// Modules of libraries by full name: what is installed stays for as long as the process lives.
static KNOWN: Mutex<Option<HashMap<String, Arc<Library>>>> = Mutex::new(None);
/// The lists of files of installed distributions, by their directory.
static RECORDS: Mutex<Option<HashMap<PathBuf, Arc<String>>>> = Mutex::new(None);

/// The library a module belongs to; `None` for the user's own.
pub(super) fn library_of(
    py: Python<'_>,
    module: &str,
    options: &Options,
) -> PyResult<Option<Arc<Library>>> {
    let config = &options.config;
    if covers(&config.by_content, module) {
        return Ok(None);
    }
    if covers(&config.by_version, module) {
        return versioned(py, module).map(Some);
    }
    let library = installed(py, module)?;
    Ok(match library {
        Some(library) if covers(&config.deep, module) => Some(library.deep()),
        library => library,
    })
}

/// A module that counts by its version because the user says so.
fn versioned(py: Python<'_>, module: &str) -> PyResult<Arc<Library>> {
    let name = module.split('.').next().unwrap_or(module).to_owned();
    let version = py.import(name.as_str())?.getattr("__version__");
    let version = version.or_else(|_| {
        py.import("importlib.metadata")?
            .call_method1("version", (name.as_str(),))
    });
    let version = version.and_then(|version| version.extract()).map_err(|_| {
        let message = format!(
            "by_version names {name}, which has neither a __version__ nor an installed distribution"
        );
        PyValueError::new_err(message)
    })?;
    Ok(Arc::new(Library {
        name,
        version,
        info: None,
    }))
}

/// The installed library a module belongs to.
pub(super) fn installed(py: Python<'_>, module: &str) -> PyResult<Option<Arc<Library>>> {
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
    if is_main(top) {
        return Ok(None);
    }
    if top == "rememo" {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        return Ok(Some(Library {
            name: top.to_owned(),
            version,
            info: None,
        }));
    }
    let sys = py.import("sys")?;
    let modules = sys.getattr("modules")?;
    let found = modules.get_item(module).or_else(|_| modules.get_item(top));
    let Ok(found) = found else { return Ok(None) };
    let file = location(&found).or_else(|| location(&modules.get_item(top).ok()?));
    holding(py, file.as_deref(), top)
}

/// The library that has a file, of a module below one.
fn holding(py: Python<'_>, file: Option<&Path>, top: &str) -> PyResult<Option<Library>> {
    if let Some((file, site)) = file.and_then(|file| Some((file, site(file)?))) {
        return Ok(distribution(&site, file, top));
    }
    let sys = py.import("sys")?;
    let standard = sys.getattr("stdlib_module_names")?.contains(top)?;
    if standard && file.is_none_or(|file| is_standard(py, file)) {
        let version = sys.getattr("version")?.extract()?;
        return Ok(Some(Library {
            name: PYTHON.to_owned(),
            version,
            info: None,
        }));
    }
    Ok(None)
}

/// Whose a module is.
pub enum Origin {
    /// The interpreter's own.
    Standard,
    /// A library's, with what tells one build of it from another.
    Library(String),
    /// The user's; or there is none.
    User,
}

/// Whose a module is, which need not be imported.
pub fn origin_of(py: Python<'_>, module: &str) -> PyResult<Origin> {
    let top = module.split('.').next().unwrap_or(module);
    let library = match installed(py, module)? {
        Some(library) => Some(library),
        None if raw::modules(py).contains(top)? => None,
        None => {
            let spec = py
                .import("importlib.util")?
                .call_method1("find_spec", (top,))?;
            // Of a package without an `__init__.py`, nobody knows by its name alone.
            let file: Option<PathBuf> = match spec.getattr("origin") {
                Ok(origin) => origin.extract().ok(),
                Err(_) => None,
            };
            match file {
                Some(file) => holding(py, Some(&file), top)?.map(Arc::new),
                None => None,
            }
        }
    };
    Ok(match library {
        Some(library) if library.name == PYTHON => Origin::Standard,
        Some(library) => Origin::Library(format!("{} {}", library.name, library.version)),
        None => Origin::User,
    })
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
    infos.sort_by_cached_key(|info| !package(info).is_some_and(|(name, _)| same_name(name, top)));
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
        info: Some(info.clone()),
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
pub(super) fn constant(
    library: &Arc<Library>,
    qualified: &str,
    scope: Scope<'_>,
    content: &mut Content<'_>,
) {
    impurity::note(qualified, &[], scope.options, scope.path);
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
    options: &Options,
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
    let Some(library) = library_of(py, &module, options)? else {
        return Ok(None);
    };
    if let Ok(function) = object.cast::<PyFunction>() {
        // A function of the user's may claim a library's name, as `functools.wraps` makes it do.
        let globals = function.getattr("__globals__")?.cast_into::<PyDict>()?;
        let home = globals
            .get_item("__name__")?
            .and_then(|name| name.extract::<String>().ok());
        let Some(home) = home else { return Ok(None) };
        if library_of(py, &home, options)?.is_none() || has_code_of_the_user(function, &globals)? {
            return Ok(None);
        }
    }
    let Some(mut found) = loaded(py, &module, options)? else {
        return Ok(None);
    };
    for part in name.split('.') {
        match part_of(&found, part, options) {
            Ok(next) => found = next,
            Err(_) => return Ok(None),
        }
    }
    Ok(found
        .is(object)
        .then(|| (library, format!("{module}.{name}"))))
}

/// Whether the user's code was put in the place of a library's function's own: code from a file that
/// is there, and belongs neither to the module nor to any library.
fn has_code_of_the_user(
    function: &Bound<'_, PyFunction>,
    globals: &Bound<'_, PyDict>,
) -> PyResult<bool> {
    let py = function.py();
    let file = function.getattr("__code__")?.getattr("co_filename")?;
    let own = globals.get_item("__file__")?;
    if own.is_some_and(|own| own.is(&file) || own.eq(&file).unwrap_or(false)) {
        return Ok(false);
    }
    let file: PathBuf = file.extract()?;
    let is_there = file.exists() || is_of_session(&file);
    Ok(file.is_absolute() && site(&file).is_none() && !is_standard(py, &file) && is_there)
}

/// Whether a file name stands for what was typed in a notebook.
fn is_of_session(file: &Path) -> bool {
    let is_kernel = |part: Option<&OsStr>| {
        part.and_then(OsStr::to_str)
            .is_some_and(|name| name.starts_with("ipykernel_"))
    };
    is_kernel(file.parent().and_then(Path::file_name))
}

fn part_of<'py>(
    whole: &Bound<'py, PyAny>,
    name: &str,
    options: &Options,
) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(module) = whole.cast::<PyModule>() {
        return held(module, name, options);
    }
    let watch = &options.watch;
    if let Ok(class) = whole.cast::<PyType>() {
        watch.record(|recorder| recorder.class(class));
        return class.getattr(name);
    }
    // What is not found counts by itself, which needs no guard.
    whole.getattr(name).inspect(|_| {
        watch.record(|recorder| recorder.obstacle("a definition in something that is no class"));
    })
}

/// `Py_TPFLAGS_HEAPTYPE`: of a class made while running.
const MADE_WHILE_RUNNING: u64 = 1 << 9;

/// Whether a class was made by code that ran, and is not part of the interpreter or an extension.
pub(super) fn is_made_while_running(class: &Bound<'_, PyType>) -> PyResult<bool> {
    Ok(class.getattr("__flags__")?.extract::<u64>()? & MADE_WHILE_RUNNING != 0)
}

/// The library and name of a type built into the interpreter or an extension. Not all of them can
/// be found under their names, and no class of the user's is one.
pub(super) fn static_type(
    class: &Bound<'_, PyType>,
    options: &Options,
) -> PyResult<Option<(Arc<Library>, String)>> {
    if is_made_while_running(class)? {
        return Ok(None);
    }
    let (module, name) = type_name(class)?;
    let library = library_of(class.py(), &module, options)?;
    Ok(library.map(|library| (library, format!("{module}.{name}"))))
}

/// The module and name of a type. Some extension types have no text for a module.
pub(super) fn type_name(class: &Bound<'_, PyType>) -> PyResult<(String, String)> {
    let module = class.getattr("__module__")?.extract().unwrap_or_default();
    Ok((module, class.name()?.to_string()))
}

/// Whether a class is a library's.
pub(super) fn is_library_class(class: &Bound<'_, PyType>, options: &Options) -> PyResult<bool> {
    Ok(library_object(class.as_any(), options)?.is_some())
}
