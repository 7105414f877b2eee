//! Looks at things on disk: what state they are in, told by as little as will do.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use super::stamp::{Stamp, now};
use super::subject::{Aspect, Entries, Links, Subject};
use super::tree;
use crate::digest::{Digest, Encoder};
use crate::lock::lock;

/// The state that something was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// There is nothing of the kind.
    Absent,
    /// It could not be looked at, by the number of the system's error.
    Refused(i32),
    /// It is this.
    Is(Digest),
}

impl State {
    /// The state of something that these bytes say all of.
    pub fn of(bytes: &[u8]) -> Self {
        Self::Is(Digest::of(bytes))
    }

    /// The digest of what was found, if anything was.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Is(digest) => Some(*digest),
            Self::Absent | Self::Refused(_) => None,
        }
    }

    pub(super) fn of_error(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOENT) | None => Self::Absent,
            Some(number) => Self::Refused(number),
        }
    }
}

/// A state, and the stamp of what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The state.
    pub state: State,
    /// The stamp, where there is something.
    pub stamp: Option<Stamp>,
    /// Whether the stamp tells of any later change.
    pub settled: bool,
}

impl Look {
    pub(super) fn without_stamp(state: State) -> Self {
        Self {
            state,
            stamp: None,
            settled: false,
        }
    }
}

/// Digests of contents by device and inode, each good for as long as the stamp stays the same.
pub(crate) type Digests = HashMap<(u64, u64), (Stamp, Digest)>;

static KNOWN: LazyLock<Mutex<Digests>> = LazyLock::new(Mutex::default);
/// How many are known at most.
const KNOWN_AT_MOST: usize = 1 << 16;
const BLOCK: usize = 1 << 18;
/// How often a file that changes while it is read is read anew.
const ATTEMPTS: usize = 3;

/// The stamp of a subject on disk, or the state of one that has none; where it is a directory's,
/// of the directory.
pub(super) fn glance(subject: &Subject, path: &Path) -> Result<(Stamp, bool), State> {
    let before = now();
    let found = match subject {
        Subject::Status(_, _, Links::Kept) | Subject::Link(_) => fs::symlink_metadata(path),
        _ => fs::metadata(path),
    };
    let found = found.map_err(|error| State::of_error(&error))?;
    let stamp = Stamp::of(&found);
    Ok((stamp, is_believed(path) && stamp.is_settled(before)))
}

/// Whether stamps say something where a path leads: files that the kernel makes up as they are read
/// have any.
fn is_believed(path: &Path) -> bool {
    !(path.starts_with("/proc") || path.starts_with("/sys"))
}

/// Looks at a subject on disk; `ignored` names what is left out of listings. None for what is not
/// on disk.
pub fn look(subject: &Subject, path: &Path, ignored: &[PathBuf]) -> Option<Look> {
    Some(match subject {
        Subject::Content(_) => content(path),
        Subject::Status(_, aspect, links) => status(path, *aspect, *links),
        Subject::Listing(_, entries) => listing(path, *entries, ignored),
        Subject::Link(_) => link(path),
        Subject::Matches(_) => tree::state_of(tree::matches(path, ignored)),
        Subject::Tree(_) => tree::state_of(tree::below(path, ignored)),
        Subject::WorkingDirectory
        | Subject::Variable(_)
        | Subject::Environment
        | Subject::Generator(_)
        | Subject::Settings(_)
        | Subject::Kept(..)
        | Subject::Accepted(..)
        | Subject::Module(_)
        | Subject::Global(..)
        | Subject::Library(_) => return None,
    })
}

/// The state of what a file holds; of a directory, which files there are below it and what they hold.
pub fn state_of_contents(path: &Path) -> State {
    let Ok(found) = tree::below(path, &[]) else {
        return content(path).state;
    };
    let mut encoder = Encoder::new();
    for (name, kind) in found {
        encoder.bytes(name.as_os_str().as_bytes());
        encoder.bytes(kind_of(kind));
        if kind.is_file()
            && let State::Is(digest) = content(&path.join(&name)).state
        {
            encoder.digest(&digest);
        }
    }
    State::Is(encoder.finish())
}

/// What a file holds. A directory holds nothing that could be read.
fn content(path: &Path) -> Look {
    for _ in 0..ATTEMPTS {
        let (stamp, settled) = match fs::metadata(path) {
            Err(error) => return Look::without_stamp(State::of_error(&error)),
            Ok(found) if !found.is_file() => {
                return Look::without_stamp(State::of(kind(&found)));
            }
            Ok(found) => {
                let stamp = Stamp::of(&found);
                (stamp, is_believed(path) && stamp.is_settled(now()))
            }
        };
        let known = settled.then(|| known(&stamp)).flatten();
        let digest = match known {
            Some(digest) => Ok(Some(digest)),
            None => read(path, &stamp),
        };
        match digest {
            Ok(Some(digest)) => {
                if settled {
                    know(stamp, digest);
                }
                return Look {
                    state: State::Is(digest),
                    stamp: Some(stamp),
                    settled,
                };
            }
            // It was another file, or another state of it, that was read.
            Ok(None) => {}
            Err(error) => {
                return Look {
                    state: State::of_error(&error),
                    stamp: Some(stamp),
                    settled: false,
                };
            }
        }
    }
    // It never stands still: a state that nothing is ever found in again.
    Look::without_stamp(State::Refused(libc::EAGAIN))
}

/// The digest of what a file of this stamp holds; none if it had another, before or after.
fn read(path: &Path, stamp: &Stamp) -> io::Result<Option<Digest>> {
    let mut file = File::open(path)?;
    if Stamp::of(&file.metadata()?) != *stamp {
        return Ok(None);
    }
    let mut hasher = blake3::Hasher::new();
    let length = usize::try_from(stamp.size).unwrap_or(BLOCK);
    let mut block = vec![0; length.clamp(4096, BLOCK)];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => hasher.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
    let same = Stamp::of(&file.metadata()?) == *stamp;
    Ok(same.then(|| Digest(*hasher.finalize().as_bytes())))
}

/// Keeps others from the digests that are known meanwhile.
pub(crate) fn digests() -> MutexGuard<'static, Digests> {
    lock(&KNOWN)
}

fn known(stamp: &Stamp) -> Option<Digest> {
    let known = lock(&KNOWN);
    let (of, digest) = known.get(&(stamp.device, stamp.inode))?;
    (of == stamp).then_some(*digest)
}

fn know(stamp: Stamp, digest: Digest) {
    let mut known = lock(&KNOWN);
    if known.len() >= KNOWN_AT_MOST {
        known.clear();
    }
    known.insert((stamp.device, stamp.inode), (stamp, digest));
}

fn status(path: &Path, aspect: Aspect, links: Links) -> Look {
    if let Aspect::Permission(bits) = aspect {
        let access = rustix::fs::Access::from_bits_truncate(u32::from(bits));
        let state = match rustix::fs::access(path, access) {
            Ok(()) => State::of(b"granted"),
            Err(error) => State::of_error(&error.into()),
        };
        return Look::without_stamp(state);
    }
    let found = match links {
        Links::Followed => fs::metadata(path),
        Links::Kept => fs::symlink_metadata(path),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Look::without_stamp(State::of_error(&error)),
    };
    let mut encoder = Encoder::new();
    match aspect {
        Aspect::Existence => encoder.tag(1),
        Aspect::Kind => encoder.bytes(kind(&found)),
        Aspect::Size => encoder.u64(found.len()),
        Aspect::Modified => encoder.u64(Stamp::of(&found).modified_ns.cast_unsigned()),
        Aspect::Stamp => {
            let stamp = Stamp::of(&found);
            for number in [stamp.device, stamp.inode, stamp.size] {
                encoder.u64(number);
            }
            for time in [stamp.modified_ns, stamp.changed_ns] {
                encoder.u64(time.cast_unsigned());
            }
        }
        Aspect::Everything | Aspect::Permission(_) => {
            encoder.u64(u64::from(found.mode()));
            encoder.u64(u64::from(found.uid()));
            encoder.u64(u64::from(found.gid()));
            // The size of a directory, and when it was modified, tell of its entries.
            encoder.u64(found.len());
            encoder.u64(Stamp::of(&found).modified_ns.cast_unsigned());
        }
    }
    Look {
        state: State::Is(encoder.finish()),
        stamp: Some(Stamp::of(&found)),
        settled: false,
    }
}

fn kind(found: &Metadata) -> &'static [u8] {
    kind_of(found.file_type())
}

pub(super) fn kind_of(found: fs::FileType) -> &'static [u8] {
    match found {
        found if found.is_file() => b"file",
        found if found.is_dir() => b"directory",
        found if found.is_symlink() => b"symbolic link",
        found if found.is_fifo() => b"pipe",
        found if found.is_socket() => b"socket",
        found if found.is_char_device() => b"character device",
        _ => b"block device",
    }
}

fn listing(path: &Path, entries: Entries, ignored: &[PathBuf]) -> Look {
    let before = now();
    let stamp = match fs::metadata(path) {
        Ok(found) => Stamp::of(&found),
        Err(error) => return Look::without_stamp(State::of_error(&error)),
    };
    match listed(path, entries, ignored) {
        Ok(digest) => Look {
            state: State::Is(digest),
            stamp: Some(stamp),
            settled: is_believed(path) && stamp.is_settled(before),
        },
        Err(error) => Look::without_stamp(State::of_error(&error)),
    }
}

fn listed(path: &Path, entries: Entries, ignored: &[PathBuf]) -> io::Result<Digest> {
    let whole = if ignored.is_empty() {
        PathBuf::new()
    } else {
        fs::canonicalize(path)?
    };
    let mut rows = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if ignored.iter().any(|ignored| *ignored == whole.join(&name)) {
            continue;
        }
        let kind = match entries {
            Entries::Names => &b""[..],
            Entries::Kinds => kind_of(entry.file_type()?),
        };
        rows.push((name, kind));
    }
    rows.sort();
    let mut encoder = Encoder::new();
    for (name, kind) in rows {
        encoder.bytes(name.as_bytes());
        encoder.bytes(kind);
    }
    Ok(encoder.finish())
}

fn link(path: &Path) -> Look {
    let state = match fs::read_link(path) {
        Ok(target) => State::of(target.as_os_str().as_bytes()),
        Err(error) => State::of_error(&error),
    };
    Look::without_stamp(state)
}
