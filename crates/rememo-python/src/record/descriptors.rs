//! Files that are used by the number that they are open under: they may have been opened before the
//! call, at which nobody looked on, and stand where others left them.

use std::fs;
use std::ops::RangeInclusive;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;

use pyo3::prelude::*;
use rememo::Impurity;

use super::audit::unheard;
use super::{Recording, current, output, place, sources};
use crate::raw::{Arguments, Probe};

/// Standard input, output and error output.
const STANDARD: RangeInclusive<RawFd> = sources::STDIN..=2;
pub const FUNCTIONS: [(&str, &str, Probe); 11] = [
    ("posix", "read", first),
    ("posix", "pread", first),
    ("posix", "readv", first),
    ("posix", "preadv", first),
    ("posix", "sendfile", |arguments| used(arguments, 1)),
    ("posix", "lseek", first),
    ("posix", "write", written),
    ("posix", "pwrite", written),
    ("posix", "writev", written),
    ("posix", "pwritev", written),
    ("posix", "ftruncate", first),
];

fn first(arguments: Arguments<'_, '_>) {
    used(arguments, 0);
}

/// A file is written to: where what is written to streams is to be done again, it is not heard there.
fn written(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let number = arguments.positional().next();
    let number: Option<RawFd> = number.and_then(|number| number.extract().ok());
    let Some(recording) = current(py) else {
        return;
    };
    let what = arguments.positional().nth(1);
    if what.is_some_and(|what| what.is_truthy().unwrap_or(true)) {
        match number {
            Some(libc::STDOUT_FILENO) => output::tell(&recording, 0),
            Some(libc::STDERR_FILENO) => output::tell(&recording, 1),
            _ => {}
        }
    }
    if number.is_some_and(|number| STANDARD.contains(&number)) && !recording.get().tapes.is_empty()
    {
        unheard(|| {
            let objection = Impurity {
                kind: "unseen",
                what: "writes to standard output by its number, past what can be done again"
                    .to_owned(),
                at: place::line(py),
            };
            recording.get().object(py, objection);
        });
    }
    first(arguments);
}

fn used(arguments: Arguments<'_, '_>, at: usize) {
    let py = arguments.py();
    let Some(recording) = current(py) else {
        return;
    };
    let number = arguments.positional().nth(at);
    if let Some(number) = number.and_then(|number| number.extract().ok()) {
        if number == sources::STDIN {
            sources::input(py);
        }
        unheard(|| uses(&recording, number));
    }
}

/// A file is used by its number.
pub fn uses(recording: &Bound<'_, Recording>, number: RawFd) {
    let py = recording.py();
    let known = |known: &mut Vec<RawFd>| {
        let is_known = known.contains(&number);
        if !is_known {
            known.push(number);
        }
        is_known
    };
    if STANDARD.contains(&number) || recording.get().descriptors.with(py, known) {
        return;
    }
    let Some((device, inode)) = file(number) else {
        return;
    };
    let mut is_opened = true;
    recording
        .get()
        .note(py, |log| is_opened = log.has_opened(device, inode));
    if !is_opened {
        let objection = Impurity {
            kind: "files",
            what: format!("uses file descriptor {number}, which was open before the call"),
            at: place::line(py),
        };
        recording.get().object(py, objection);
    }
}

/// The device and number of a file; none where it is no file, or one without a name.
fn file(number: RawFd) -> Option<(u64, u64)> {
    let found = fs::metadata(format!("/proc/self/fd/{number}")).ok()?;
    (found.is_file() && found.nlink() > 0).then_some((found.dev(), found.ino()))
}
