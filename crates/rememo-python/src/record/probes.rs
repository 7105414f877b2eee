//! What raises no audit event: asking for the status of a file, for permission to use it, where a
//! link points, and for the current directory.

use std::path::Path;

use pyo3::prelude::*;
use rememo::{Aspect, Links, Subject};

use super::audit::{opens, starts_process, unheard};
use super::carry::thread_starts;
use super::paths::{from_descriptor, path_of};
use super::{current, descriptors, environment, output, place, reached, sources};
use crate::raw::{Arguments, Probe, Unreachable, stand_before};

/// Stands in front of each function. One that can't be reached goes unheard.
pub fn stand(py: Python<'_>) {
    let functions: [(&str, &str, Probe); 11] = [
        ("posix", "open", opens),
        ("posix", "stat", stat),
        ("posix", "lstat", lstat),
        ("posix", "access", access),
        ("posix", "readlink", readlink),
        ("posix", "getcwd", getcwd),
        ("posix", "getcwdb", getcwd),
        // By which multiprocessing starts processes, past all audit events.
        ("_posixsubprocess", "fork_exec", process_starts),
        // Neither is an audit event in every version.
        ("_thread", "start_new_thread", thread_starts),
        ("_thread", "start_joinable_thread", thread_starts),
        ("builtins", "__import__", reached::imports),
    ];
    let all = functions
        .into_iter()
        .chain(descriptors::FUNCTIONS)
        .chain(sources::ALWAYS)
        .chain(output::FUNCTIONS);
    for (module, name, probe) in all {
        stand_at(py, module, name, probe);
    }
    reached::watch(py, "importlib");
}

/// Stands in front of one function, or method of a class, of a module.
pub fn stand_at(py: Python<'_>, module: &str, name: &str, probe: Probe) {
    let whole = py.import(module).map(Bound::into_any);
    let found =
        whole.and_then(|whole| name.split('.').try_fold(whole, |of, part| of.getattr(part)));
    let stood = found.map(|function| stand_before(&function, probe));
    debug_assert!(!matches!(stood, Ok(Err(Unreachable))), "{module}.{name}");
}

/// A named argument, given by keyword.
pub fn keyword<'py>(arguments: Arguments<'_, 'py>, name: &str) -> Option<Bound<'py, PyAny>> {
    let mut keywords = arguments.keywords();
    keywords.find_map(|(given, value)| (given == name).then_some(value))
}

/// Notes something about the path that is the first argument.
fn note(arguments: Arguments<'_, '_>, subject: impl FnOnce(&Path) -> Option<Making>) {
    let py = arguments.py();
    let Some(recording) = current(py) else {
        return;
    };
    unheard(|| {
        let first = arguments.positional().next();
        let Some(path) = first
            .or_else(|| keyword(arguments, "path"))
            .and_then(|path| path_of(&path))
        else {
            return;
        };
        let path = from_descriptor(path, keyword(arguments, "dir_fd").as_ref());
        if !sources::is_of_machine(py, &path)
            && let Some(making) = subject(&path)
        {
            recording
                .get()
                .note(py, |log| log.see(&path, |place| making.of(place)));
        }
    });
}

/// What is made of a place.
enum Making {
    Status(Aspect, Links),
    Link,
}

impl Making {
    fn of(self, place: rememo::Place) -> Subject {
        match self {
            Self::Status(aspect, links) => Subject::Status(place, aspect, links),
            Self::Link => Subject::Link(place),
        }
    }
}

fn stat(arguments: Arguments<'_, '_>) {
    let kept = keyword(arguments, "follow_symlinks")
        .is_some_and(|follow| !follow.is_truthy().unwrap_or(true));
    let links = if kept { Links::Kept } else { Links::Followed };
    note(arguments, |_| {
        aspect(arguments.py()).map(|aspect| Making::Status(aspect, links))
    });
}

fn lstat(arguments: Arguments<'_, '_>) {
    note(arguments, |_| {
        aspect(arguments.py()).map(|aspect| Making::Status(aspect, Links::Kept))
    });
}

fn access(arguments: Arguments<'_, '_>) {
    let mode = arguments
        .positional()
        .nth(1)
        .or_else(|| keyword(arguments, "mode"))
        .and_then(|mode| mode.extract().ok())
        .unwrap_or(0);
    note(arguments, |_| {
        Some(Making::Status(Aspect::Permission(mode), Links::Followed))
    });
}

fn readlink(arguments: Arguments<'_, '_>) {
    note(arguments, |_| Some(Making::Link));
}

fn process_starts(arguments: Arguments<'_, '_>) {
    if let Some(recording) = current(arguments.py()) {
        unheard(|| starts_process(&recording));
    }
}

fn getcwd(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    if let Some(recording) = current(py) {
        unheard(|| {
            if !place::is_housekeeping(py)
                && let Some(state) = environment::sense(py, &Subject::WorkingDirectory)
            {
                recording
                    .get()
                    .note(py, |log| log.note(Subject::WorkingDirectory, state));
            }
        });
    }
}

/// What of a status the code that asks for it makes use of; none where it does not count.
fn aspect(py: Python<'_>) -> Option<Aspect> {
    if place::is_housekeeping(py) || sources::finds_distributions(py) {
        return None;
    }
    let callers = place::innermost(py, 2);
    let of = |(file, function): &(String, String)| match file.as_str() {
        "genericpath" | "posixpath" => match function.as_str() {
            "exists" | "lexists" => Some(Aspect::Existence),
            "isfile" | "isdir" | "samefile" | "islink" | "ismount" | "realpath"
            | "_joinrealpath" => Some(Aspect::Kind),
            "getsize" => Some(Aspect::Size),
            "getmtime" => Some(Aspect::Modified),
            _ => None,
        },
        "pathlib" => match function.as_str() {
            "exists" => Some(Aspect::Existence),
            "is_file" | "is_dir" | "is_symlink" | "is_mount" | "is_fifo" | "is_socket"
            | "is_block_device" | "is_char_device" | "mkdir" => Some(Aspect::Kind),
            _ => None,
        },
        // Whether it is a pipe.
        "shutil" if function == "copyfile" => Some(Aspect::Kind),
        "importlib._bootstrap_external" if function == "_path_is_mode_type" => Some(Aspect::Kind),
        "zipimport" if function == "__init__" => Some(Aspect::Kind),
        _ => None,
    };
    let own_stat = |(file, function): &(String, String)| {
        matches!(
            (file.as_str(), function.as_str()),
            ("pathlib", "stat" | "lstat")
                | ("shutil", "_stat")
                | ("importlib._bootstrap_external", "_path_stat")
        )
    };
    let direct = callers.first().and_then(of);
    let through = || {
        let (inner, outer) = (callers.first()?, callers.get(1)?);
        own_stat(inner).then(|| of(outer)).flatten()
    };
    Some(direct.or_else(through).unwrap_or(Aspect::Everything))
}
