//! Which files and directories there are: below a directory, or by a pattern.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, glob_with};

use super::look::{Look, State, kind_of};
use crate::digest::Encoder;

/// As shells and Python's `glob` read patterns.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// What is below a directory: paths from there, each with what kind of thing is there.
pub(super) type Found = BTreeMap<PathBuf, fs::FileType>;

/// The part of a pattern that describes one directory only.
pub(super) fn root_of(pattern: &Path) -> PathBuf {
    let plain = |part: &Component<'_>| !part.as_os_str().as_bytes().iter().any(is_wild);
    let root: PathBuf = pattern.components().take_while(plain).collect();
    if root == pattern {
        root.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        root
    }
}

fn is_wild(byte: &u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[')
}

/// What a pattern describes, seen from its root, but for what is ignored. A pattern that is none
/// describes nothing.
pub(super) fn matches(pattern: &Path, ignored: &[PathBuf]) -> io::Result<Found> {
    let pattern = std::path::absolute(pattern)?;
    let root = root_of(&pattern);
    let text = pattern.to_str().unwrap_or_default();
    let Ok(paths) = glob_with(text, OPTIONS) else {
        return Ok(Found::new());
    };
    let mut found = Found::new();
    for path in paths {
        let path = path?;
        // What is gone by now was not there.
        if !is_ignored(&path, ignored)
            && let Ok(status) = fs::symlink_metadata(&path)
        {
            found.insert(below_root(&path, &root), status.file_type());
        }
    }
    Ok(found)
}

/// What is below a directory, at any depth, but for what is ignored. Links are not followed.
pub(super) fn below(root: &Path, ignored: &[PathBuf]) -> io::Result<Found> {
    let mut found = Found::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if is_ignored(&path, ignored) {
                continue;
            }
            found.insert(below_root(&path, root), kind);
            if kind.is_dir() {
                waiting.push(path);
            }
        }
    }
    Ok(found)
}

fn below_root(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

fn is_ignored(path: &Path, ignored: &[PathBuf]) -> bool {
    let covers = |path: &Path| ignored.iter().any(|ignored| path.starts_with(ignored));
    !ignored.is_empty() && (covers(path) || fs::canonicalize(path).is_ok_and(|real| covers(&real)))
}

/// One state for all that was found.
pub(super) fn state_of(found: io::Result<Found>) -> Look {
    let state = match found {
        Ok(found) => {
            let mut encoder = Encoder::new();
            for (path, kind) in found {
                encoder.bytes(path.as_os_str().as_bytes());
                encoder.bytes(kind_of(kind));
            }
            State::Is(encoder.finish())
        }
        Err(error) => State::of_error(&error),
    };
    Look::without_stamp(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: io::Result<Found>) -> Vec<String> {
        let names = found.unwrap().into_keys();
        names.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn patterns_are_read_as_shells_read_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        for name in [
            "a.csv",
            "b.txt",
            ".hidden.csv",
            "sub/c.csv",
            "sub/deep/d.csv",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        let found = |pattern: &str| names(matches(&root.join(pattern), &[]));
        assert_eq!(found("*.csv"), ["a.csv"]);
        assert_eq!(found("*/*.csv"), ["sub/c.csv"]);
        assert_eq!(found("sub/*.csv"), ["c.csv"]);
        assert_eq!(found("sub/c.csv"), ["c.csv"]);
        assert_eq!(found("**/*.csv"), ["a.csv", "sub/c.csv", "sub/deep/d.csv"]);
        assert_eq!(found("[ab].*"), ["a.csv", "b.txt"]);
        assert_eq!(found("absent/*"), [""; 0]);
        assert_eq!(found("[unclosed"), [""; 0]);
    }

    #[test]
    fn a_tree_has_all_but_what_is_ignored() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("sub/cache")).unwrap();
        for name in [".hidden", "sub/c", "sub/cache/d"] {
            fs::write(root.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("sub/round")).unwrap();
        let ignored = [root.join("sub/cache")];
        let found = below(root, &ignored);
        assert_eq!(names(found), [".hidden", "sub", "sub/c", "sub/round"]);
        let absent = state_of(below(&root.join("absent"), &[]));
        assert_eq!(absent.state, State::Absent);
    }
}
