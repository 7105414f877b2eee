//! Files that Arrow opens by itself, past Python: it is stood in front of what asks it to.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rememo::Impurity;
use rememo::Manner;

use super::audit::unheard;
use super::depends::note;
use super::paths::path_of;
use super::probes::{keyword, stand_at};
use super::{current, place, sources};
use crate::raw::Arguments;

const LOCAL: &str = "LocalFileSystem";
/// File systems that are on other machines.
const REMOTE: [&str; 4] = [
    "AzureFileSystem",
    "GcsFileSystem",
    "HadoopFileSystem",
    "S3FileSystem",
];

pub fn stand_before_files(py: Python<'_>) {
    for name in ["get_file_info", "open_input_file", "open_input_stream"] {
        stand_at(py, "pyarrow._fs", &format!("FileSystem.{name}"), reads_at);
    }
    stand_at(py, "pyarrow._fs", "FileSystem.open_output_stream", |call| {
        writes_at(call, Manner::Replaces);
    });
    stand_at(py, "pyarrow._fs", "FileSystem.open_append_stream", |call| {
        writes_at(call, Manner::Alters);
    });
}

pub fn stand_before_parquet(py: Python<'_>) {
    stand_at(py, "pyarrow._parquet", "ParquetReader.open", reads);
}

pub fn stand_before_csv(py: Python<'_>) {
    for name in ["read_csv", "open_csv"] {
        stand_at(py, "pyarrow._csv", name, reads);
    }
}

pub fn stand_before_json(py: Python<'_>) {
    stand_at(py, "pyarrow._json", "read_json", reads);
}

pub fn stand_before_library(py: Python<'_>) {
    stand_at(py, "pyarrow.lib", "memory_map", reads);
}

/// The first argument, whatever it is called.
fn first<'py>(arguments: Arguments<'_, 'py>) -> Option<Bound<'py, PyAny>> {
    let named = ["path", "paths_or_selector", "source", "input_file"];
    let mut named = named.iter();
    let given = arguments.positional().next();
    given.or_else(|| named.find_map(|name| keyword(arguments, name)))
}

/// A function reads what is given by path.
fn reads(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let (Some(recording), Some(given)) = (current(py), first(arguments)) else {
        return;
    };
    unheard(|| {
        let watch = recording.get().watch;
        let note_one = |path: &Bound<'_, PyAny>| {
            if let Some(path) = path_of(path) {
                recording.get().note(py, |log| note(log, &path, watch));
            }
        };
        if let Ok(base) = given.getattr("base_dir") {
            note_one(&base);
        } else if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
            let paths = given.try_iter().into_iter().flatten();
            paths.flatten().for_each(|path| note_one(&path));
        } else {
            note_one(&given);
        }
    });
}

/// A file system is asked for files to be read.
fn reads_at(arguments: Arguments<'_, '_>) {
    if is_local(arguments) {
        reads(arguments);
    }
}

/// A file system is asked for a file to be written.
fn writes_at(arguments: Arguments<'_, '_>, manner: Manner) {
    let py = arguments.py();
    if !is_local(arguments) {
        return;
    }
    let path = first(arguments).and_then(|path| path_of(&path));
    let (Some(recording), Some(path)) = (current(py), path) else {
        return;
    };
    unheard(|| {
        let by = Impurity {
            kind: "files",
            what: format!("writes {}", path.display()),
            at: place::line(py),
        };
        recording.get().note(py, |log| log.touch(&path, manner, by));
    });
}

/// Whether a file system is this machine's; if it is another's, that is noted.
fn is_local(arguments: Arguments<'_, '_>) -> bool {
    let py = arguments.py();
    let kind = arguments.owner().and_then(|owner| {
        let name = owner.get_type().name().ok()?;
        name.extract::<String>().ok()
    });
    let kind = kind.unwrap_or_default();
    if REMOTE.contains(&kind.as_str()) {
        sources::note(
            py,
            "network",
            "uses the network",
            &format!("pyarrow.fs.{kind}"),
        );
    }
    kind == LOCAL
}
