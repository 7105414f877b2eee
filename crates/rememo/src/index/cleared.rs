//! What was taken out of the index on purpose, in the order in which it was: a file beside the
//! index, which tells when the index is lost what must not be entered again.
//!
//! ```text
//! head  "RMCLEAR1", 16 bytes that no other list has, 16 zeros, u64 XXH3 checksum
//! row   u8 kind, 7 zeros, digest of what is cleared, u64 XXH3 checksum
//! ```
//! Rows are only added, by whoever holds the lock of the index. A result carries a [`Mark`] of how
//! far the list went when it was written; a row after that which is about it speaks against it.
//! Where the list is missing, or another one, everything is spoken against.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::adopt::Birth;
use super::schema::entry_key;
use crate::access::Keeper;
use crate::digest::Digest;

const MAGIC: &[u8; 8] = b"RMCLEAR1";
/// Bytes of the head, and of each row.
const ROW: usize = 48;
const CHECKED: usize = ROW - 8;
/// A list that has become longer is begun anew: nothing that was written before is entered again.
const MOST: u64 = 4 << 20;

/// How far a list of what was cleared went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    list: [u8; 16],
    rows: u64,
}

/// What is cleared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    Everything,
    Function(&'a str),
    Tag(&'a str),
    Call(&'a Digest),
    /// The entry of this key, which others took the place of.
    Entry(&'a [u8]),
}

type Kind = u8;
const EVERYTHING: Kind = 0;
const FUNCTION: Kind = 1;
const TAG: Kind = 2;
const CALL: Kind = 3;
const ENTRY: Kind = 4;

impl Target<'_> {
    fn named(self) -> (Kind, Digest) {
        match self {
            Self::Everything => (EVERYTHING, Digest([0; 32])),
            Self::Function(name) => (FUNCTION, Digest::of(name.as_bytes())),
            Self::Tag(name) => (TAG, Digest::of(name.as_bytes())),
            Self::Call(key) => (CALL, *key),
            Self::Entry(key) => (ENTRY, Digest::of(key)),
        }
    }

    fn row(self) -> [u8; ROW] {
        let (kind, digest) = self.named();
        let mut row = [0; ROW];
        row[0] = kind;
        row[8..CHECKED].copy_from_slice(&digest.0);
        checked(row)
    }
}

fn checked(mut row: [u8; ROW]) -> [u8; ROW] {
    let sum = XxHash3_64::oneshot(&row[..CHECKED]).to_le_bytes();
    row[CHECKED..].copy_from_slice(&sum);
    row
}

fn is_whole(row: &[u8]) -> bool {
    row.len() == ROW && XxHash3_64::oneshot(&row[..CHECKED]).to_le_bytes() == row[CHECKED..]
}

/// The list of a store's directory.
#[derive(Debug)]
pub(crate) struct Cleared {
    path: PathBuf,
    keeper: Keeper,
    /// Whether the disk is to hold a row before what it is about goes.
    sync: bool,
}

impl Cleared {
    pub(super) fn at(path: PathBuf, keeper: Keeper, sync: bool) -> Self {
        Self { path, keeper, sync }
    }

    /// How far the list goes now; it is begun if need be.
    pub(super) fn mark(&self) -> io::Result<Mark> {
        let found = match self.look() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => found?,
        };
        if let Some(mark) = found {
            return Ok(mark);
        }
        self.begin()?;
        self.look()?
            .ok_or_else(|| io::Error::other("the list of what was cleared vanished"))
    }

    fn look(&self) -> io::Result<Option<Mark>> {
        let (file, found) = self.keeper.open(&self.path)?;
        let mut head = Vec::with_capacity(ROW);
        file.take(ROW as u64).read_to_end(&mut head)?;
        let rows = found.len().saturating_sub(ROW as u64);
        Ok(list_of(&head).map(|list| Mark {
            list,
            rows: rows.div_ceil(ROW as u64),
        }))
    }

    /// Begins a list, in place of one that cannot be read.
    fn begin(&self) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(&self.path);
        let mut staged = tempfile::NamedTempFile::new_in(dir)?;
        self.keeper.give(staged.as_file())?;
        // The name that was drawn for the file differs from all others there are; the time, from
        // those there were.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = format!("{} {:?}", staged.path().display(), now.unwrap_or_default());
        let mut head = [0; ROW];
        head[..8].copy_from_slice(MAGIC);
        head[8..24].copy_from_slice(&Digest::of(unique.as_bytes()).0[..16]);
        staged.write_all(&checked(head))?;
        if self.look().is_ok_and(|found| found.is_none()) {
            return staged.persist(&self.path).map(drop).map_err(|f| f.error);
        }
        match staged.persist_noclobber(&self.path) {
            Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(failed.error),
            _ => Ok(()),
        }
    }

    /// Adds rows, before what they are about goes. Where that cannot be, or there are too many
    /// already, the list goes, which takes no room and speaks against everything.
    pub(super) fn add(&self, targets: &[Target<'_>]) -> io::Result<()> {
        if targets.is_empty() {
            return Ok(());
        }
        let fits = match self.append(targets) {
            // No result was ever written with a mark of a list that is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            appended => appended.is_ok_and(|len| len <= MOST),
        };
        if fits {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sync_dir(),
        }
    }

    /// Appends rows; how long the list is then.
    fn append(&self, targets: &[Target<'_>]) -> io::Result<u64> {
        let mut options = File::options();
        options.append(true).custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(&self.path)?;
        let len = file.metadata()?.len();
        // A row that was not written to its end stays, as one that cannot be read.
        let torn = len.next_multiple_of(ROW as u64) - len;
        let mut bytes = vec![0; usize::try_from(torn).unwrap_or(0)];
        for target in targets {
            bytes.extend_from_slice(&target.row());
        }
        file.write_all(&bytes)?;
        if self.sync {
            file.sync_data()?;
        }
        Ok(len + bytes.len() as u64)
    }

    fn sync_dir(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(dir) if self.sync => File::open(dir)?.sync_all(),
            _ => Ok(()),
        }
    }

    /// What the list says.
    pub(super) fn read(&self) -> Verdicts {
        let read = || {
            let (file, _) = self.keeper.open(&self.path)?;
            let mut bytes = Vec::new();
            file.take(2 * MOST).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        // What cannot be read speaks against everything.
        Verdicts::of(&read().unwrap_or_default())
    }
}

/// What a list says.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    list: Option<[u8; 16]>,
    rows: u64,
    /// The last row about something, counted from 1.
    last: HashMap<(Kind, Digest), u64>,
}

impl Verdicts {
    /// What the list in some bytes says.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let Some((head, rows)) = bytes.split_at_checked(ROW) else {
            return Self::default();
        };
        let mut verdicts = Self {
            list: list_of(head),
            ..Self::default()
        };
        for row in rows.chunks(ROW) {
            verdicts.rows += 1;
            let digest = row
                .get(8..CHECKED)
                .and_then(|digest| digest.try_into().ok());
            let about = match digest {
                Some(digest) if is_whole(row) && row[0] <= ENTRY => (row[0], Digest(digest)),
                _ => Target::Everything.named(),
            };
            verdicts.last.insert(about, verdicts.rows);
        }
        verdicts
    }

    /// Whether nothing speaks against a result.
    pub(crate) fn spare(&self, birth: &Birth) -> bool {
        let Mark { list, rows } = birth.mark;
        let entry = &birth.entry;
        let key = entry_key(&birth.call, entry.created_ns);
        let since =
            |target: Target<'_>| self.last.get(&target.named()).is_some_and(|at| *at > rows);
        let replaced = self.last.contains_key(&Target::Entry(&key).named());
        self.list == Some(list)
            // Rows that were there when it was written are there no more.
            && rows <= self.rows
            && !replaced
            && !since(Target::Everything)
            && !since(Target::Function(&entry.function))
            && !since(Target::Call(&birth.call))
            && !entry.tag.as_deref().is_some_and(|tag| since(Target::Tag(tag)))
    }
}

/// Which list a head begins.
fn list_of(head: &[u8]) -> Option<[u8; 16]> {
    let ours = is_whole(head) && head.starts_with(MAGIC);
    if ours {
        head[8..24].try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::adopt::tests::birth;

    fn list() -> (tempfile::TempDir, Cleared) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("cleared");
        (dir, Cleared::at(path, Keeper::default(), true))
    }

    fn spared(cleared: &Cleared, birth: &Birth) -> bool {
        cleared.read().spare(birth)
    }

    #[test]
    fn what_is_cleared_after_a_result_was_written_speaks_against_it() {
        let (_dir, cleared) = list();
        let mut it = birth(b"call", cleared.mark().unwrap());
        it.entry.tag = Some("tag".into());
        let key = entry_key(&it.call, it.entry.created_ns);
        let other = Digest::of(b"other");
        let others = [
            Target::Function("other"),
            Target::Tag("other"),
            Target::Call(&other),
            Target::Entry(b"other"),
        ];
        cleared.add(&others).unwrap();
        assert!(spared(&cleared, &it));
        let about = [
            Target::Everything,
            Target::Function("m.f"),
            Target::Tag("tag"),
            Target::Call(&it.call),
            Target::Entry(&key),
        ];
        for target in about {
            it.mark = cleared.mark().unwrap();
            assert!(spared(&cleared, &it), "before {target:?}");
            cleared.add(&[target]).unwrap();
            assert!(!spared(&cleared, &it), "after {target:?}");
        }
        // Written again since, it is spoken against only where it was replaced.
        it.mark = cleared.mark().unwrap();
        assert!(!spared(&cleared, &it));
        it.entry.created_ns += 1;
        assert!(spared(&cleared, &it));
    }

    #[test]
    fn whatever_is_wrong_with_the_list_spares_nothing() {
        let (_dir, cleared) = list();
        let before = birth(b"call", cleared.mark().unwrap());
        cleared.add(&[Target::Function("other")]).unwrap();
        let after = birth(b"call", cleared.mark().unwrap());
        let whole = fs::read(&cleared.path).unwrap();
        assert!(spared(&cleared, &before) && spared(&cleared, &after));
        for bit in 0..whole.len() * 8 {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(!Verdicts::of(&broken).spare(&before), "bit {bit}");
        }
        for len in 0..whole.len() {
            let cut = Verdicts::of(&whole[..len]);
            // Of a row that is cut off altogether, only what was written after it tells.
            let it = if len <= ROW { &after } else { &before };
            assert!(!cut.spare(it), "length {len}");
        }
        fs::remove_file(&cleared.path).unwrap();
        assert!(!spared(&cleared, &before));
        cleared.mark().unwrap();
        assert!(!spared(&cleared, &before), "another list");
    }

    #[test]
    fn a_list_that_cannot_be_written_to_goes() {
        let (_dir, cleared) = list();
        cleared.add(&[Target::Everything]).unwrap();
        assert!(!cleared.path.exists());
        let it = birth(b"call", cleared.mark().unwrap());
        let file = File::options().write(true).open(&cleared.path).unwrap();
        file.set_len(MOST + 1).unwrap();
        cleared.add(&[Target::Function("other")]).unwrap();
        assert!(!cleared.path.exists());
        assert!(!spared(&cleared, &it));
    }

    #[test]
    fn a_torn_row_speaks_against_what_was_before_it_only() {
        let (_dir, cleared) = list();
        let before = birth(b"call", cleared.mark().unwrap());
        let file = File::options().append(true).open(&cleared.path).unwrap();
        (&file).write_all(b"torn").unwrap();
        assert!(!spared(&cleared, &before));
        let after = birth(b"call", cleared.mark().unwrap());
        cleared.add(&[Target::Function("other")]).unwrap();
        assert!(spared(&cleared, &after));
        assert_eq!(fs::metadata(&cleared.path).unwrap().len() % ROW as u64, 0);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_begun_anew() {
        let (_dir, cleared) = list();
        cleared.mark().unwrap();
        fs::write(&cleared.path, b"rot").unwrap();
        let it = birth(b"call", cleared.mark().unwrap());
        assert!(spared(&cleared, &it));
    }
}
