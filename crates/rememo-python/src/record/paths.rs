//! Paths as Python passes them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};

/// The path that an object stands for; none where it is an open file, or no path at all.
pub fn path_of(object: &Bound<'_, PyAny>) -> Option<PathBuf> {
    if object.is_none() {
        // What functions that list a directory take to mean this.
        return Some(PathBuf::from("."));
    }
    if object.is_instance_of::<PyInt>() {
        return None;
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Some(PathBuf::from(OsStr::from_bytes(bytes.as_bytes())));
    }
    if let Ok(path) = object.extract::<PathBuf>() {
        return Some(path);
    }
    let plain = object.call_method0("__fspath__").ok()?;
    let bytes = plain.cast::<PyBytes>().ok()?;
    Some(PathBuf::from(OsStr::from_bytes(bytes.as_bytes())))
}

/// The same path, where it is relative to a directory that is open as a descriptor.
pub fn from_descriptor(path: PathBuf, directory: Option<&Bound<'_, PyAny>>) -> PathBuf {
    let open = directory.and_then(|directory| directory.extract::<i32>().ok());
    match open {
        Some(open) if open >= 0 && path.is_relative() => {
            let directory = std::fs::read_link(Path::new("/proc/self/fd").join(open.to_string()));
            directory.map_or(path.clone(), |directory| directory.join(path))
        }
        _ => path,
    }
}
