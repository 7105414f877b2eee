//! What of the file system does not count: the interpreter's own files and those of installed
//! distributions, which count by their versions; compiled modules; and the cache.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rememo::Exempt;

/// What is exempt, by stores.
struct Known {
    of_stores: Vec<(usize, Arc<Exempt>)>,
    of_all: Option<Arc<Exempt>>,
}

static KNOWN: Mutex<Known> = Mutex::new(Known {
    of_stores: Vec::new(),
    of_all: None,
});

/// What is exempt in runs whose results go to a store.
pub fn of_store(py: Python<'_>, store: &rememo::Store) -> Arc<Exempt> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut of_stores = known.of_stores.iter();
    if let Some((_, known)) = of_stores.find(|(id, _)| *id == store.id()) {
        return known.clone();
    }
    let exempt = Arc::new(hiding(py, vec![store.dir().to_owned()]));
    known.of_stores.push((store.id(), exempt.clone()));
    known.of_all = None;
    exempt
}

/// What is exempt in runs whose results go to no store.
pub fn of_all(py: Python<'_>) -> Arc<Exempt> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(of_all) = &known.of_all {
        return of_all.clone();
    }
    let of_stores = known.of_stores.iter();
    let hidden = of_stores.flat_map(|(_, exempt)| exempt.hidden.iter().cloned());
    let exempt = Arc::new(hiding(py, hidden.collect()));
    known.of_all = Some(exempt.clone());
    exempt
}

fn hiding(py: Python<'_>, hidden: Vec<PathBuf>) -> Exempt {
    Exempt {
        hidden,
        directories: of_interpreter(py).clone(),
        names: vec!["site-packages", "dist-packages"],
        // Through which joblib hands large arrays to its processes, and by which the processes of
        // `multiprocessing` find each other; both are removed later.
        beginnings: vec!["joblib_memmapping_folder_", "pymp-"],
        extensions: vec!["pyc"],
    }
}

/// The directories of the standard library and of this package.
fn of_interpreter(py: Python<'_>) -> &Vec<PathBuf> {
    static DIRECTORIES: PyOnceLock<Vec<PathBuf>> = PyOnceLock::new();
    DIRECTORIES.get_or_init(py, || {
        let mut directories = Vec::new();
        for name in ["os", "rememo"] {
            let file = py
                .import(name)
                .and_then(|module| module.getattr("__file__")?.extract::<PathBuf>());
            let directory = file.ok().and_then(|file| Some(file.parent()?.to_owned()));
            if let Some(directory) = directory {
                // Both as it is named and as it is.
                directories.extend(
                    directory
                        .canonicalize()
                        .ok()
                        .filter(|real| *real != directory),
                );
                directories.push(directory);
            }
        }
        directories
    })
}

/// Whether a file belongs to the standard library or this package.
pub fn is_of_interpreter(py: Python<'_>, file: &std::path::Path) -> bool {
    let mut directories = of_interpreter(py).iter();
    directories.any(|directory| file.starts_with(directory))
}
