//! Where in the program something happens.

use std::path::{Path, PathBuf};

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyCode;

use crate::raw::{Frame, frames, innermost_frame};

thread_local! {
    /// The frame, by its address, that called the function that is being noted on this thread.
    static BASE: Cell<usize> = const { Cell::new(0) };
}

/// Does some work whose frames are told from those that led to it.
pub fn based<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let before = BASE.replace(innermost_frame(py));
    let done = work();
    BASE.set(before);
    done
}

/// The calls that are under way within the function that is being noted, innermost first.
fn calls(py: Python<'_>) -> impl Iterator<Item = Frame<'_>> {
    let base = BASE.get();
    frames(py).take_while(move |frame| frame.address != base)
}

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
    calls(py)
        .take(count)
        .filter_map(|frame| running(&frame.code))
        .collect()
}

/// Whether what happens is the interpreter's doing: it imports a module, whose code counts where it
/// is used, or looks for the text of lines that it is about to show.
pub fn is_housekeeping(py: Python<'_>) -> bool {
    let mut frames = calls(py)
        .filter_map(|frame| running(&frame.code))
        .peekable();
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

/// Whether it is the import machinery itself that does what happens.
pub fn is_in_importer(py: Python<'_>) -> bool {
    let innermost = calls(py).find_map(|frame| running(&frame.code));
    innermost.is_some_and(|(file, _)| is_importer(&file))
}

/// The line of the user's program that is running, as `file:line`.
pub fn line(py: Python<'_>) -> Option<String> {
    let own = lines(py).find(|(file, _)| !is_of_library(py, file));
    // A library may be memoized as well.
    let (file, line) = own.or_else(|| lines(py).last())?;
    Some(format!("{}:{line}", file.display()))
}

/// The lines that are running, innermost first.
fn lines(py: Python<'_>) -> impl Iterator<Item = (PathBuf, i32)> {
    calls(py).filter_map(|frame| {
        let file: PathBuf = frame.code.getattr("co_filename").ok()?.extract().ok()?;
        Some((file, frame.line))
    })
}

/// By which of its modules and functions, from the inside out, a library does what happens: all
/// those that lie between that and the user's program.
pub fn within_library(py: Python<'_>) -> Vec<(String, String)> {
    let mut through = Vec::new();
    for Frame { code, .. } in calls(py) {
        let file: Option<PathBuf> = code
            .getattr("co_filename")
            .ok()
            .and_then(|file| file.extract().ok());
        let Some(file) = file.filter(|file| is_of_library(py, file)) else {
            break;
        };
        let name = code.getattr("co_qualname").and_then(|name| name.extract());
        through.push((module(&file), name.unwrap_or_default()));
    }
    through
}

/// The name of the module that a file of a library holds, from the top down.
fn module(file: &Path) -> String {
    let text = file.to_string_lossy();
    if let Some(frozen) = text.strip_prefix("<frozen ") {
        return frozen.trim_end_matches('>').to_owned();
    }
    let stem = file.with_extension("");
    let parts: Vec<_> = stem.iter().map(|part| part.to_string_lossy()).collect();
    let is_root = |part: &str| {
        matches!(part, "site-packages" | "dist-packages") || part.starts_with("python3.")
    };
    let top = parts.iter().rposition(|part| is_root(part));
    let parts = &parts[top.map_or(parts.len().saturating_sub(1), |top| top + 1)..];
    let parts = parts.strip_suffix(&["__init__".into()]).unwrap_or(parts);
    parts.join(".")
}

/// Whether a module is being imported, by the function that is being noted.
pub fn is_importing(py: Python<'_>) -> bool {
    let mut calls = calls(py).filter_map(|frame| running(&frame.code));
    calls.any(|(file, name)| name == "_find_and_load" && is_importer(&file))
}

/// Whether a library does something while it is being imported.
pub fn is_library_imported(py: Python<'_>) -> bool {
    !within_library(py).is_empty() && is_importing(py)
}

/// Whether the innermost code that is running is a library's.
pub fn is_in_library(py: Python<'_>) -> bool {
    let file = frames(py).next().and_then(|frame| {
        let file = frame.code.getattr("co_filename").ok()?;
        file.extract::<PathBuf>().ok()
    });
    file.is_some_and(|file| is_of_library(py, &file))
}

/// Whether the code of a file belongs to the interpreter or to an installed distribution.
pub fn is_of_library(py: Python<'_>, file: &Path) -> bool {
    file.to_string_lossy().starts_with("<frozen ")
        || file
            .iter()
            .any(|part| part == "site-packages" || part == "dist-packages")
        || super::exempt::is_of_interpreter(py, file)
}
