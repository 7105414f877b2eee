//! Paths as Python's `os.path` takes them, so that both look for a cache in the same place.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Uid, User};
use serde::Serializer;

use crate::failure::Failure;

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// Writes a path into JSON, in which there is text only: what is no text in it becomes U+FFFD.
pub fn as_text<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

/// A path from the root on, with the user's home in the place of `~`.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let path = std::env::current_dir()?.join(expanded(path)?);
    // Where there are links, what is before a ".." need not be what it looks like.
    if path.components().any(|part| part == Component::ParentDir) {
        return Ok(path);
    }
    Ok(path.components().collect())
}

/// A path with a home in the place of `~` or `~user`.
pub fn expanded(path: &Path) -> Result<PathBuf, Failure> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.first() != Some(&b'~') {
        return Ok(path.to_owned());
    }
    let end = bytes
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(bytes.len());
    let (user, rest) = (&bytes[1..end], &bytes[end..]);
    let Some(home) = home_of(user) else {
        let told = format!("there is no home directory for '{}'", path.display());
        return Err(Failure::Unusable(told));
    };
    let mut whole = home.into_os_string().into_vec();
    while whole.last() == Some(&b'/') {
        whole.pop();
    }
    whole.extend_from_slice(rest);
    if whole.is_empty() {
        whole.push(b'/');
    }
    Ok(OsString::from_vec(whole).into())
}

fn home_of(user: &[u8]) -> Option<PathBuf> {
    if !user.is_empty() {
        let name = std::str::from_utf8(user).ok()?;
        return Some(User::from_name(name).ok()??.dir);
    }
    match std::env::var_os("HOME") {
        Some(home) => Some(home.into()),
        None => Some(User::from_uid(Uid::current()).ok()??.dir),
    }
}

/// The folder that a path is or lies in, then every folder above it.
pub fn folders_of(start: &Path) -> Result<Vec<PathBuf>, Failure> {
    let start = absolute(start)?;
    let above = start.ancestors().skip(usize::from(!start.is_dir()));
    Ok(above.map(Path::to_owned).collect())
}

/// Whether there is something; where that may not be looked at, an error.
pub fn exists(path: &Path) -> io::Result<bool> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a path, with its links followed, stays within a directory.
pub fn leads_into(directory: &Path, path: &Path) -> bool {
    match (real(directory), real(path)) {
        (Some(directory), Some(path)) => path.starts_with(directory),
        // It leads nowhere; opening it says why.
        _ => true,
    }
}

/// A path without links, as far as there is anything.
fn real(path: &Path) -> Option<PathBuf> {
    let mut at = PathBuf::from("/");
    let mut way: VecDeque<OsString> = steps(path);
    let mut links = 0;
    while let Some(step) = way.pop_front() {
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(step);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links += 1;
        if links > LINKS {
            return None;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut longer = steps(&target);
        longer.append(&mut way);
        way = longer;
    }
    Some(at)
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let named = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    named.collect()
}
