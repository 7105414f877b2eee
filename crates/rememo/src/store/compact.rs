//! Keeping the index's file from taking much more than what is in it.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::room::free_bytes;
use super::{Store, StoreError};
use crate::event::Event;
use crate::index::{Compaction, Index};

/// The file is made smaller by itself where so much goes back to the disk, which is more than what
/// is left: so much was written and let go of since, that copying the rest does not count.
const WORTH: u64 = 16 << 20;
/// Nobody is kept waiting for more than this to be copied.
const SHORT: u64 = 64 << 20;
/// What else must be free on the disk than what the copy takes.
const SPARE: u64 = 8 << 20;

impl Store {
    /// What [`Store::compact`] would come to.
    ///
    /// # Errors
    /// Where the index cannot be used.
    pub fn compaction(&self) -> Result<Compaction, StoreError> {
        self.settle();
        self.with_index(Index::compaction)
    }

    /// Gives the room that is free in the index's file back to the disk: what was let go of or
    /// cleared leaves pages that only the index can use again. A copy without them takes its place.
    ///
    /// Others may use the store meanwhile; whoever stores something waits. Those who have the old
    /// file open hold its room until they use the store again.
    ///
    /// # Errors
    /// Where the store may only be read; and where there is no room for the copy, or the file system
    /// cannot exchange directories: then all stays as it was.
    pub fn compact(&self) -> Result<Compaction, StoreError> {
        self.writable()?;
        self.settle();
        let done = self.compact_now();
        done.map_err(|error| error.at(self.dir()))
    }

    fn compact_now(&self) -> Result<Compaction, StoreError> {
        let expected = self.with_index(Index::compaction)?;
        let (dir, keeper) = (self.dir(), self.0.keeper);
        if free_bytes(dir)? < expected.after.saturating_add(SPARE) {
            return Err(not_compacted(dir, &io::ErrorKind::StorageFull.into()));
        }
        // Others may take what is free until it is copied.
        let done = self.with_index(|index| index.compact(dir, keeper))?;
        let compaction = done.map_err(|error| not_compacted(dir, &error))?;
        self.with_index(|_| Ok(()))?;
        self.events().emit(&Event::Compacted { compaction });
        Ok(compaction)
    }

    /// Does so where it is worth while and quick. What fails is not tried again in this process:
    /// nobody asked for it.
    pub(super) fn compact_if_due(&self) {
        if self.0.cannot_compact.load(Ordering::Relaxed) {
            return;
        }
        let due = self.with_index(|index| Ok(index.file_bytes()? >= WORTH && is_due(index)?));
        if due.is_ok_and(|due| due) && self.compact_now().is_err() {
            self.0.cannot_compact.store(true, Ordering::Relaxed);
        }
    }
}

fn not_compacted(dir: &Path, error: &io::Error) -> StoreError {
    let why = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "there is no room for a copy of it".to_owned()
        }
        _ => error.to_string(),
    };
    let dir = dir.to_owned();
    StoreError::NotCompacted { dir, why }
}

fn is_due(index: &Index) -> heed::Result<bool> {
    let expected = index.compaction()?;
    let returned = expected.returned();
    Ok(returned >= WORTH && returned > expected.after && expected.after <= SHORT)
}
