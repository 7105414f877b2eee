//! Giving the room of free pages back: LMDB's file never becomes shorter, so a copy of it without
//! them takes its place.
//!
//! The copy is made in a directory beside the index, while nobody writes or opens it. Then the two
//! directories change places, which is one step: whoever dies before or after it leaves a whole
//! index. Whoever still has the old one open was told before, by a word that is looked at ahead of each use, and
//! that a writer looks at again once it is its turn: nothing is written to the old index any more,
//! and what is read from it is as it was when the reading began.

use std::error::Error as StdError;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use heed::{CompactionOption, DatabaseStat, Error};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::open::{data_file, lock_repairs, place_of, reserve_lock_file, try_lock_repairs};
use super::presence::{self, Presence};
use super::{Index, ROOM, pages, place};
use crate::access::Keeper;

/// The directory of the copy, and then of what it took the place of.
const BESIDE: &str = "compacted";
/// Bytes of a block as they are counted for a file.
const BLOCK: u64 = 512;

/// What the index's file takes on the disk, before it is made smaller and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
}

impl Compaction {
    /// Bytes that go back to the disk.
    pub fn returned(&self) -> u64 {
        self.before.saturating_sub(self.after)
    }
}

/// The index that was open is not the one of its directory any more.
#[derive(Debug)]
struct Moved;

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another index took the place of this one")
    }
}

impl StdError for Moved {}

pub(super) fn moved() -> Error {
    Error::Io(io::Error::new(io::ErrorKind::Interrupted, Moved))
}

/// Whether an error says no more than that the index must be opened again.
pub(crate) fn is_moved(error: &Error) -> bool {
    let Error::Io(error) = error else {
        return false;
    };
    error
        .get_ref()
        .is_some_and(<dyn StdError + Send + Sync>::is::<Moved>)
}

impl Index {
    /// Whether another one took the place of this one, or is about to.
    pub(crate) fn is_moved(&self) -> bool {
        self.presence.as_ref().is_some_and(Presence::is_left)
    }

    /// Bytes that the file takes on the disk.
    pub(crate) fn file_bytes(&self) -> io::Result<u64> {
        on_disk(&self.data)
    }

    /// What making the file smaller would come to.
    pub(crate) fn compaction(&self) -> heed::Result<Compaction> {
        let txn = self.env.read_txn()?;
        let mut used = pages::HEADS + pages_of(&self.env.unnamed_database_stat());
        for table in &self.tables {
            used += pages_of(&table.stat(&txn)?);
        }
        let before = on_disk(&self.data)?;
        let after = before.min(used * self.page);
        Ok(Compaction { before, after })
    }

    /// Makes the file smaller; or says why that cannot be done, which does the index no harm.
    pub(crate) fn compact(
        &self,
        dir: &Path,
        keeper: Keeper,
    ) -> heed::Result<io::Result<Compaction>> {
        let Some(presence) = &self.presence else {
            return Ok(Err(io::ErrorKind::Unsupported.into()));
        };
        let _locks = lock_repairs(dir, keeper)?;
        presence.keep_others()?;
        let done = self.compact_alone(dir, keeper, presence);
        presence.let_others()?;
        done
    }

    /// The same, while nobody else opens or replaces it.
    fn compact_alone(
        &self,
        dir: &Path,
        keeper: Keeper,
        presence: &Presence,
    ) -> heed::Result<io::Result<Compaction>> {
        let txn = self.write_txn()?;
        if place(dir) != Some(place_of(&self.data)?) {
            let gone = io::Error::other("its index is not where it was any more");
            return Ok(Err(gone));
        }
        // It is copied page by page as it is, whatever it is.
        pages::check(&self.data)?;
        let before = on_disk(&self.data)?;
        let beside = dir.join(BESIDE);
        let put = self.copy_to(&beside, keeper).and_then(|after| {
            presence.leave();
            exchange(dir, &beside).inspect_err(|_| presence.stay())?;
            Ok(Compaction { before, after })
        });
        drop(txn);
        // What is left here is done with, whichever it is.
        let swept = remove(&beside);
        Ok(put.and_then(|done| swept.map(|()| done)))
    }

    /// Makes a copy without free pages, which a power loss leaves whole; the bytes it takes.
    fn copy_to(&self, beside: &Path, keeper: Keeper) -> io::Result<u64> {
        remove(beside)?;
        keeper.make_dir(beside)?;
        let mut copy = keeper.open_or_make(&data_file(beside))?;
        let copied = self.env.copy_to_file(&mut copy, CompactionOption::Enabled);
        copied.map_err(|error| match error {
            Error::Io(error) => error,
            other => io::Error::other(format!("it cannot be copied: {other}")),
        })?;
        copy.set_len(copy.metadata()?.len() + ROOM)?;
        copy.sync_all()?;
        pages::check(&copy)?;
        // Whoever comes finds all that LMDB and we need beside it, even on a full disk.
        reserve_lock_file(beside, keeper)?;
        let lobby = presence::hold(beside, keeper)?;
        let (presence, doubt) = Presence::join(lobby, &copy, true)?;
        if let Some(doubt) = doubt {
            presence.settle(&doubt, &copy)?;
        }
        File::open(beside)?.sync_all()?;
        on_disk(&copy)
    }
}

/// Removes what somebody left who was killed while he made an index smaller. Not waited for: whoever
/// is at it removes it himself.
pub(super) fn sweep(dir: &Path, keeper: Keeper) {
    let beside = dir.join(BESIDE);
    if fs::symlink_metadata(&beside).is_ok()
        && let Ok(Some(_locks)) = try_lock_repairs(dir, keeper)
    {
        drop(remove(&beside));
    }
}

/// Has the index and the copy change places.
fn exchange(dir: &Path, beside: &Path) -> io::Result<()> {
    let index: PathBuf = dir.join("index");
    renameat_with(CWD, beside, CWD, &index, RenameFlags::EXCHANGE)?;
    // Done is done: a power loss may undo it, and leaves one of the two.
    drop(File::open(dir).and_then(|dir| dir.sync_all()));
    Ok(())
}

fn remove(beside: &Path) -> io::Result<()> {
    match fs::remove_dir_all(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn on_disk(data: &File) -> io::Result<u64> {
    Ok(data.metadata()?.blocks() * BLOCK)
}

fn pages_of(stat: &DatabaseStat) -> u64 {
    (stat.branch_pages + stat.leaf_pages + stat.overflow_pages) as u64
}
