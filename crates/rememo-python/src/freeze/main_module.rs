//! What the program that was started goes by: the same in all processes that take part in it.

use std::path::PathBuf;
use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::origin::installed;
use crate::raw;

/// Whether a module is the program that was started: in processes that `multiprocessing` spawns,
/// it goes by another name.
pub(super) fn is_main(module: &str) -> bool {
    matches!(module, "__main__" | "__mp_main__")
}

/// The name a module goes by in digests: `__main__` by its module or file name.
pub fn module_name(py: Python<'_>, module: &str) -> String {
    let main = is_main(module).then(|| main_name(py)).flatten();
    main.unwrap_or_else(|| module.to_owned())
}

/// Has the main module go by the name that it has in the process which the functions of this one
/// were sent from, where it is but a library's here: what started a worker.
pub fn name_main(py: Python<'_>, name: String) -> PyResult<()> {
    let is_of_library = match main_name(py) {
        Some(own) => installed(py, &own)?.is_some(),
        None => false,
    };
    if is_of_library {
        // Of several that send functions, the first is heeded: a name is not to change.
        let _ = SENT_FROM.set(name);
    }
    Ok(())
}

static SENT_FROM: OnceLock<String> = OnceLock::new();

/// The module or file name of the program, if it has one.
pub fn main_name(py: Python<'_>) -> Option<String> {
    if let Some(name) = SENT_FROM.get() {
        return Some(name.clone());
    }
    let main = raw::modules(py).get_item("__main__").ok()??;
    if let Ok(spec) = main.getattr("__spec__")
        && let Ok(name) = spec
            .getattr("name")
            .and_then(|name| name.extract::<String>())
    {
        return Some(name.trim_end_matches(".__main__").to_owned());
    }
    let Ok(file) = main.getattr("__file__") else {
        return notebook_name(py);
    };
    let file: PathBuf = file.extract().ok()?;
    Some(file.file_stem()?.to_str()?.to_owned())
}

/// The name of the notebook whose cells run in this process, if one's do.
fn notebook_name(py: Python<'_>) -> Option<String> {
    static NAME: PyOnceLock<Option<String>> = PyOnceLock::new();
    let modules = raw::modules(py);
    if !modules.contains("ipykernel").ok()? {
        return None;
    }
    let name = NAME.get_or_init(py, || {
        let named = py.import("rememo.notebooks").ok()?.call_method0("name");
        named.ok()?.extract().ok()
    });
    name.clone()
}
