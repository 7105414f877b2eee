//! Files that Arrow opens by itself, past Python: it is stood in front of what asks it to.

use pyo3::prelude::*;
use rememo::Manner;

use super::by_path::{opens, reads, stand_before_making, writes, writes_argument};
use super::probes::stand_at;
use super::sources;
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

pub fn stand_before_feather(py: Python<'_>) {
    stand_before_making(py, "pyarrow._feather", "FeatherReader", reads);
    stand_at(py, "pyarrow._feather", "write_feather", |call| {
        writes_argument(call, 1, "dest", Manner::Replaces);
    });
}

pub fn stand_before_orc(py: Python<'_>) {
    stand_at(py, "pyarrow._orc", "ORCReader.open", reads);
    stand_at(py, "pyarrow._orc", "ORCWriter.open", |call| {
        writes(call, Manner::Replaces);
    });
}

pub fn stand_before_library(py: Python<'_>) {
    stand_at(py, "pyarrow.lib", "memory_map", |call| opens(call, "r"));
    stand_at(py, "pyarrow.lib", "create_memory_map", |call| {
        writes(call, Manner::Replaces);
    });
    stand_before_making(py, "pyarrow.lib", "OSFile", |call| opens(call, "r"));
}

/// A file system is asked for files to be read.
fn reads_at(arguments: Arguments<'_, '_>) {
    if is_local(arguments) {
        reads(arguments);
    }
}

/// A file system is asked for a file to be written.
fn writes_at(arguments: Arguments<'_, '_>, manner: Manner) {
    if is_local(arguments) {
        writes(arguments, manner);
    }
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
