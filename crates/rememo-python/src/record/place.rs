//! Where in the program something happens.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyCode;

use crate::raw::frames;

/// The name of a file of code, without its directory and ending, and of what runs in it.
pub fn running(code: &Bound<'_, PyCode>) -> Option<(String, String)> {
    let file: String = code.getattr("co_filename").ok()?.extract().ok()?;
    let name: String = code.getattr("co_name").ok()?.extract().ok()?;
    Some((stem(&file), name))
}

/// `posixpath` for both `/usr/lib/python3.11/posixpath.py` and `<frozen posixpath>`.
fn stem(file: &str) -> String {
    if let Some(frozen) = file.strip_prefix("<frozen ") {
        return frozen.trim_end_matches('>').to_owned();
    }
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.parent().and_then(Path::file_name) {
        Some(package) if package == "pathlib" => "pathlib".to_owned(),
        _ => stem.into_owned(),
    }
}

/// The innermost calls, each by file and function.
pub fn innermost(py: Python<'_>, count: usize) -> Vec<(String, String)> {
    frames(py)
        .take(count)
        .filter_map(|(code, _)| running(&code))
        .collect()
}

/// Whether what happens is the interpreter's doing: it imports a module, whose code counts where it
/// is used, or looks for the text of lines that it is about to show.
pub fn is_housekeeping(py: Python<'_>) -> bool {
    let mut frames = frames(py).filter_map(|(code, _)| running(&code)).peekable();
    let Some((file, _)) = frames.peek() else {
        return false;
    };
    match file.as_str() {
        // By a loader alone, code is had that nothing else counts.
        file if is_importer(file) => frames
            .take_while(|(file, _)| is_importer(file))
            .any(|(_, function)| function == "_find_and_load"),
        "linecache" | "tokenize" => {
            let shows = |(file, _): (String, String)| {
                matches!(file.as_str(), "warnings" | "_py_warnings" | "traceback")
            };
            frames.take(6).any(shows)
        }
        _ => false,
    }
}

fn is_importer(file: &str) -> bool {
    matches!(
        file,
        "importlib._bootstrap_external" | "importlib._bootstrap" | "zipimport"
    )
}

/// The line of the user's program that is running, as `file:line`.
pub fn line(py: Python<'_>) -> Option<String> {
    frames(py).find_map(|(code, line)| {
        let file: String = code.getattr("co_filename").ok()?.extract().ok()?;
        (!is_of_library(py, Path::new(&file))).then(|| format!("{file}:{line}"))
    })
}

/// Whether the code of a file belongs to the interpreter or to an installed distribution.
pub fn is_of_library(py: Python<'_>, file: &Path) -> bool {
    file.to_string_lossy().starts_with("<frozen ")
        || file
            .iter()
            .any(|part| part == "site-packages" || part == "dist-packages")
        || super::exempt::is_of_interpreter(py, file)
}
