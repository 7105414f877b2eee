//! A store's directory: what is in it, what it may lie on, and which versions are understood.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;

use super::file_system::FileSystem;
use super::{StoreError, ownership};
use crate::access::{Access, Keeper};
use crate::index::{aside, is_read_only};

pub(super) const VERSION: u64 = 5;
const FORMAT: &str = "rememo 5\ndigest xxh3-128\n";
/// Longer than any format file.
const FORMAT_MAX: u64 = 1 << 12;
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This file marks a cache directory, which backups may leave out.\n\
    # See https://bford.info/cachedir/\n";

/// A directory that is a store now.
pub(super) struct Prepared {
    pub keeper: Keeper,
    /// What was set aside for it.
    pub moved: Option<String>,
}

/// Makes a directory a store, unless it is one. One that others could have
/// written to is refused before anything in it is looked at.
pub(super) fn prepare(dir: &Path, access: Access) -> Result<Prepared, StoreError> {
    refuse_remote(dir)?;
    let keeper = ownership::check(dir, access)?;
    if keeper.is_read_only() {
        let moved = None;
        return found_as_it_is(dir, keeper).map(|()| Prepared { keeper, moved });
    }
    keeper.make_dirs(dir)?;
    if is_read_only(dir, keeper)
        && format_in(dir, keeper).is_ok_and(|text| version(&text) == Some(VERSION))
    {
        let moved = None;
        return Ok(Prepared { keeper, moved });
    }
    let moved = match look(dir, keeper)? {
        Found::Other => set_aside(dir, keeper)?,
        Found::Ours | Found::Nothing => None,
    };
    furnish(dir, keeper)?;
    Ok(Prepared { keeper, moved })
}

/// Refuses what is not a store that this version reads, where none is to be made.
fn found_as_it_is(dir: &Path, keeper: Keeper) -> Result<(), StoreError> {
    let why = match dir.is_dir().then(|| look(dir, keeper)).transpose()? {
        Some(Found::Ours) => return Ok(()),
        Some(Found::Other) => "it is of another format, and to be left as it is",
        Some(Found::Nothing) | None => "there is no store to be read, and none to be made",
    };
    Err(StoreError::Unusable {
        dir: dir.to_owned(),
        why: why.to_owned(),
    })
}

/// What a directory is.
enum Found {
    /// A store that this version reads.
    Ours,
    /// One that it does not, or what is left of a store.
    Other,
    /// Empty, or a store that is just being made.
    Nothing,
}

fn look(dir: &Path, keeper: Keeper) -> Result<Found, StoreError> {
    // Looked at ahead of the format, which is there before they are: another process may be making
    // the store at this moment.
    let has_parts = ["index", "objects"]
        .iter()
        .all(|part| dir.join(part).is_dir());
    match format_in(dir, keeper) {
        Ok(text) => match version(&text) {
            Some(VERSION) => Ok(Found::Ours),
            Some(newer) if newer > VERSION => Err(StoreError::Newer {
                dir: dir.to_owned(),
                version: newer,
            }),
            _ => Ok(Found::Other),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Err(_) if has_parts => Ok(Found::Other),
        Err(_) => match holds_only_ours(dir) {
            Ok(false) => Err(StoreError::Foreign {
                dir: dir.to_owned(),
            }),
            // Another process set it aside just now.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            Ok(true) | Err(_) => Ok(Found::Nothing),
        },
    }
}

/// The head of the format file: as much as there is in one that is ours.
fn format_in(dir: &Path, keeper: Keeper) -> io::Result<Vec<u8>> {
    let (file, _) = keeper.open(&dir.canonicalize()?.join("format"))?;
    head(file)
}

/// The head of a file that may be a format file.
pub(super) fn head(file: File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(FORMAT_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn furnish(dir: &Path, keeper: Keeper) -> io::Result<()> {
    keeper.make_dirs(dir)?;
    for (name, content) in [
        ("format", FORMAT),
        ("CACHEDIR.TAG", CACHEDIR_TAG),
        (".gitignore", "*\n"),
    ] {
        let path = dir.join(name);
        if !path.exists() {
            write(dir, &path, content, keeper)?;
        }
    }
    for name in ["index", "objects", "tmp", "pending", "claims"] {
        keeper.make_dir(&dir.join(name))?;
    }
    keeper.open_or_make(&dir.join("locks"))?;
    Ok(())
}

fn write(dir: &Path, path: &Path, content: &str, keeper: Keeper) -> io::Result<()> {
    let mut staged = tempfile::NamedTempFile::new_in(dir)?;
    keeper.give(staged.as_file())?;
    staged.write_all(content.as_bytes())?;
    staged
        .persist(path)
        .map(drop)
        .map_err(|failed| failed.error)
}

/// The version in a format file, if that is what it is.
pub(crate) fn version(format: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(format).ok()?;
    text.lines().next()?.strip_prefix("rememo ")?.parse().ok()
}

/// Whether there is nothing in a directory but what a store has in it, as in one that is empty or
/// is just being made.
pub(super) fn holds_only_ours(dir: &Path) -> io::Result<bool> {
    let ours = [
        "format",
        "CACHEDIR.TAG",
        ".gitignore",
        "index",
        "compacted",
        "objects",
        "tmp",
        "pending",
        "cleared",
        "lost",
        "locks",
        "claims",
        "generation",
    ];
    for item in fs::read_dir(dir)? {
        let name = item?.file_name();
        let staged = name.to_string_lossy().starts_with(".tmp");
        if !staged && !ours.iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sets a store aside, unless another process did so first: what is in its place then is a store
/// that others have open already. What was done.
fn set_aside(dir: &Path, keeper: Keeper) -> Result<Option<String>, StoreError> {
    let Some(_held) = hold(dir)? else {
        return Ok(None);
    };
    let Found::Other = look(dir, keeper)? else {
        return Ok(None);
    };
    let aside = aside(dir, "set-aside");
    fs::rename(dir, &aside)?;
    Ok(Some(format!(
        "the store {} was of an unknown format; it is now {}",
        dir.display(),
        aside.display()
    )))
}

/// Holds the directory that is at a place, if there is one, against whoever else would set it aside.
fn hold(dir: &Path) -> io::Result<Option<File>> {
    loop {
        let held = match File::open(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        retry_on_intr(|| flock(&held, FlockOperation::LockExclusive))?;
        let (ours, there) = (held.metadata()?, fs::metadata(dir));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(held));
        }
    }
}

/// Refuses a directory, there or still to be made, on anything but a local file system.
fn refuse_remote(dir: &Path) -> Result<(), StoreError> {
    let FileSystem { kind, local } = FileSystem::under(dir)?;
    if local.is_some() {
        return Ok(());
    }
    Err(StoreError::NotLocal {
        dir: dir.to_owned(),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version(FORMAT.as_bytes()), Some(VERSION));
        assert_eq!(version(b"rememo 12\nanything"), Some(12));
        assert_eq!(version(b"joblib"), None);
        assert_eq!(version(b"\xff"), None);
    }

    #[test]
    fn other_peoples_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(
            prepare(dir.path(), Access::default()),
            Err(StoreError::Foreign { .. })
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_network_file_system_is_refused() {
        assert!(matches!(
            refuse_remote(Path::new("/proc/x")),
            Err(StoreError::NotLocal { .. })
        ));
    }
}
