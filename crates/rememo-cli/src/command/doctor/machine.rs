//! What the machine gives to a cache: a file system, room on it, locks, and limits.

use std::io;
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use rememo::measure::bytes_to_read;
use rememo::{FileSystem, Store};

use super::{Check, Verdict};
use crate::failure::Failure;

/// With fewer, a program that opens files of its own may find none left.
const FILES: u64 = 128;
/// What the index reserves of the address space; where there is less, it makes do with 1 GiB.
const ADDRESSES: u64 = 64 << 30;

/// What the cache lies on, or will.
pub fn file_system(dir: &Path) -> io::Result<Check> {
    let FileSystem { kind, local } = FileSystem::under(dir)?;
    let name = "file system";
    Ok(match local {
        Some(local) => Check::new(name, Verdict::Fine, format!("{local}, which is local")),
        None => Check::wrong(
            name,
            format!("of type {kind:#x}, which is not known to be local: no cache is kept on it"),
            "name a directory on a local disk with REMEMO_DIR, or see the page on clusters",
        ),
    })
}

/// What processes that are started here may take.
pub fn limits() -> io::Result<Check> {
    let limit = |of| Ok::<_, io::Error>(getrlimit(of)?.0);
    let files = limit(Resource::RLIMIT_NOFILE)?;
    let addresses = limit(Resource::RLIMIT_AS)?;
    let length = limit(Resource::RLIMIT_FSIZE)?;
    let found = format!(
        "open files: {}; addresses: {}; length of a file: {}",
        or_none(files, |files| files.to_string()),
        or_none(addresses, bytes_to_read),
        or_none(length, bytes_to_read),
    );
    let advice = if files < FILES {
        "programs may run out of open files: allow more with `ulimit -n`"
    } else if addresses < ADDRESSES {
        "the index can hold 1 GiB at most, or cannot be opened: allow more with `ulimit -v`"
    } else if length < RLIM_INFINITY {
        "what is larger is not stored, the index included: allow more with `ulimit -f`"
    } else {
        return Ok(Check::new("limits", Verdict::Fine, found));
    };
    Ok(Check::note("limits", found, advice))
}

fn or_none(limit: u64, told: impl Fn(u64) -> String) -> String {
    if limit == RLIM_INFINITY {
        "no limit".to_owned()
    } else {
        told(limit)
    }
}

/// Whether anything can be written at all.
pub fn disk(name: &'static str, store: &Store) -> Result<Check, Failure> {
    let free = store.free_on_disk()?;
    let found = format!("{} free", bytes_to_read(free));
    if free < 64 << 20 {
        let advice = "free some room: results are not stored on a full disk";
        return Ok(Check::wrong(name, found, advice));
    }
    Ok(Check::new(name, Verdict::Fine, found))
}

/// Whether processes can keep out of each other's way.
pub fn locks(name: &'static str, store: &Store) -> Result<Check, Failure> {
    if store.is_read_only() {
        let found = "left out, for nothing can be written here".to_owned();
        return Ok(Check::new(name, Verdict::Note, found));
    }
    Ok(if store.locks_hold()? {
        Check::new(name, Verdict::Fine, "they keep others out".to_owned())
    } else {
        Check::wrong(
            name,
            "what one process locks, another can lock, too".to_owned(),
            "name a directory on a local disk with REMEMO_DIR: processes here would be in each \
             other's way",
        )
    })
}
