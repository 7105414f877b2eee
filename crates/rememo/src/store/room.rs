//! How much room a store takes at most, and what happens when it, or the disk, is full.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use super::{Store, StoreError};
use crate::digest::Digest;
use crate::event::Event;
use crate::index::{Bound, Candidate, Evicted, Index, Removed, Usage};
use crate::measure::Size;

/// What a store takes at most, where nobody says: so many bytes,
const USUAL_BYTES: u64 = 10 << 30;
/// so many files,
const USUAL_FILES: u64 = 1_000_000;
/// and of what is free when it is made, this part.
const PART_OF_FREE: u64 = 10;
/// So many entries go in one transaction at most where that is asked for.
const AT_ONCE: usize = 1000;
/// How much is freed on a full disk, in parts of what is stored.
const PART_FREED: u64 = 20;

/// How much room a store is asked to take at most. What nobody asks for stays as it is.
///
/// It is a trait of the store, not of a process: whoever asks last is heeded by all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Room {
    /// Bytes, those of the index included.
    pub size: Option<Size>,
    /// Files.
    pub files: Option<u64>,
    /// The name of the policy by which entries go; see [`crate::evict::POLICIES`].
    pub policy: Option<String>,
    /// Whether results go as soon as the code that made them has changed, not only once there is no
    /// room.
    pub delete_superseded: Option<bool>,
}

impl Room {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn within(&self, dir: &Path, known: Bound) -> io::Result<Bound> {
        let bytes = match self.size {
            None => known.bytes,
            Some(Size::Bytes(bytes)) => bytes,
            Some(Size::ShareOfDisk(share)) => part_of(Disk::of(dir)?.bytes, share),
        };
        let files = self.files.unwrap_or(known.files);
        Ok(Bound { bytes, files })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a disk need not be exact"
)]
fn part_of(bytes: u64, share: f64) -> u64 {
    ((bytes as f64 * share) as u64).max(1)
}

/// What the disk holds, and what of it is free to take.
struct Disk {
    bytes: u64,
    free_bytes: u64,
    /// None on file systems that make room for files as they come.
    free_files: Option<u64>,
}

impl Disk {
    fn of(dir: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(dir)?;
        Ok(Self {
            bytes: found.f_blocks.saturating_mul(found.f_frsize),
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            free_files: (found.f_files > 0).then_some(found.f_favail),
        })
    }

    fn usual_bound(&self) -> Bound {
        let files = self.free_files.map_or(USUAL_FILES, |free| {
            (free / PART_OF_FREE).clamp(1, USUAL_FILES)
        });
        Bound {
            bytes: (self.free_bytes / PART_OF_FREE).clamp(1, USUAL_BYTES),
            files,
        }
    }
}

/// What of the disk that a directory lies on is free to take.
pub(super) fn free_bytes(dir: &Path) -> io::Result<u64> {
    Ok(Disk::of(dir)?.free_bytes)
}

/// Settles how much room an index takes, if that was not done when it was made; what is to be told
/// of it then.
pub(super) fn settle(index: &Index, dir: &Path, asked: &Room) -> Result<Option<Event>, StoreError> {
    let settled = index.bound().inspect_err(|error| index.condemn(error))?;
    if settled.is_some() {
        return Ok(None);
    }
    let bound = asked.within(dir, Disk::of(dir)?.usual_bound())?;
    let (policy, deletes) = (asked.policy.as_deref(), asked.delete_superseded);
    let settled = index.settle_bound(bound, policy, deletes);
    settled.inspect_err(|error| index.condemn(error))?;
    Ok(Some(Event::Bounded {
        dir: dir.to_owned(),
        bytes: bound.bytes,
        files: bound.files,
    }))
}

impl Store {
    /// Asks for the store to take no more than this from now on, in every process. What is too
    /// much goes at once.
    pub fn ask_for_room(&self, asked: &Room) -> Result<(), StoreError> {
        // It is asked for by habit, by a program that leaves the store as it is this time.
        if asked.is_nothing() || self.0.keeper.is_read_only() {
            return Ok(());
        }
        let settled = |index: &Index| {
            let deletes = index.deletes_superseded()?;
            Ok((index.bound()?, index.policy()?, deletes))
        };
        let (known, policy, deletes) = self.with_index(settled)?;
        let known = match known {
            Some(known) => known,
            None => Disk::of(self.dir())?.usual_bound(),
        };
        let bound = asked.within(self.dir(), known)?;
        let other_policy = asked.policy.as_ref().is_some_and(|name| *name != policy);
        let other_end = asked
            .delete_superseded
            .is_some_and(|asked| asked != deletes);
        if bound != known || other_policy || other_end {
            let (policy, deletes) = (asked.policy.as_deref(), asked.delete_superseded);
            let settle = |index: &Index| index.settle_bound(bound, policy, deletes);
            let removed = self.with_index(settle)?;
            self.forget(&removed);
        }
        Ok(())
    }

    /// How much room the store takes at most.
    pub fn bound(&self) -> Result<Bound, StoreError> {
        match self.with_index(Index::bound)? {
            Some(known) => Ok(known),
            None => Ok(Disk::of(self.dir())?.usual_bound()),
        }
    }

    /// How much room the store would take at most if that were asked for.
    pub fn bound_asked(&self, most: &Room) -> Result<Bound, StoreError> {
        Ok(most.within(self.dir(), self.bound()?)?)
    }

    /// How much room the store takes.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        self.settle();
        self.with_index(Index::usage)
    }

    /// The name of the policy by which entries go.
    pub fn policy(&self) -> Result<String, StoreError> {
        self.with_index(Index::policy)
    }

    /// Lets go of what is first in order until the rest takes no more than this, for once; tells of
    /// entries as they go, some at a time. Others may use the store meanwhile, and whoever interrupts
    /// finds it whole, less what went already.
    ///
    /// # Errors
    /// Where the index cannot be used, or the store may only be read.
    pub fn reduce_to(
        &self,
        most: &Room,
        mut tell: impl FnMut(&[Evicted]),
    ) -> Result<(), StoreError> {
        self.writable()?;
        self.settle();
        let bound = self.bound_asked(most)?;
        loop {
            let reduce = || self.with_index(|index| index.reduce_to(bound, AT_ONCE));
            let removed = though_full(reduce, || self.unlink_first(bound))?;
            self.let_go(&removed);
            if removed.evicted.is_empty() {
                break;
            }
            tell(&removed.evicted);
        }
        self.compact_if_due();
        Ok(())
    }

    /// Tells what [`Store::reduce_to`] would let go of; nothing does.
    ///
    /// # Errors
    /// Where the index cannot be used.
    pub fn would_go(&self, most: &Room, tell: impl FnMut(&[Evicted])) -> Result<(), StoreError> {
        let bound = self.bound_asked(most)?;
        let tell = RefCell::new(tell);
        self.with_index(|index| index.would_go(bound, AT_ONCE, &mut *tell.borrow_mut()))
    }

    /// All that may go, for whoever decides for himself what does; see [`Store::evict`]. What is on
    /// its way is not there yet.
    pub fn candidates(&self) -> Result<Vec<Candidate>, StoreError> {
        self.with_index(Index::candidates)
    }

    /// Lets go of what is stored under call keys, as for want of room; how many entries went. What
    /// is pinned does not.
    pub fn evict(&self, calls: &[Digest]) -> Result<u64, StoreError> {
        self.writable()?;
        let removed = self.removing(|index, removed| index.evict(calls, removed))?;
        self.forget(&removed);
        Ok(removed.evicted.len() as u64)
    }

    /// How much room what is in the index takes; what is on its way is not waited for.
    pub fn usage_so_far(&self) -> Result<Usage, StoreError> {
        self.with_index(Index::usage)
    }

    fn free(&self, bytes: u64) -> Result<bool, StoreError> {
        let removed = self.with_index(|index| index.make_room(bytes))?;
        self.forget(&removed);
        Ok(!removed.evicted.is_empty())
    }

    /// Makes room on a full disk, for so many bytes and some more; whether that could be done.
    pub(super) fn make_room(&self, bytes: u64) -> bool {
        let usage = self.usage().unwrap_or_default();
        let bytes = bytes.max(usage.bytes() / PART_FREED);
        if self.free(bytes).is_ok_and(|freed| freed) {
            return true;
        }
        self.unlink(self.with_index(|index| index.first_objects(bytes))) && self.free(bytes).is_ok()
    }

    /// Removes files of what goes first, as far as they are beyond a bound; whether there were any.
    fn unlink_first(&self, bound: Bound) -> bool {
        let usage = self.usage_so_far().unwrap_or_default();
        let too_much = usage.bytes().saturating_sub(bound.bytes);
        too_much > 0 && self.unlink(self.with_index(|index| index.first_objects(too_much)))
    }

    /// Removes the files of some objects; whether there were any.
    pub(super) fn unlink(&self, objects: Result<Vec<Digest>, StoreError>) -> bool {
        let objects = objects.unwrap_or_default();
        for id in &objects {
            drop(self.0.objects.remove(id));
        }
        !objects.is_empty()
    }

    /// Tells of what had to go.
    pub(super) fn tell_of_evicted(&self, removed: &Removed) {
        for gone in &removed.evicted {
            let Evicted {
                function,
                key,
                size,
                superseded,
                ..
            } = gone.clone();
            self.events().emit(&Event::Evicted {
                function,
                key,
                size,
                superseded,
            });
        }
    }
}

/// Removes something, though the disk be full, which may be why that is asked for. Where not even the
/// index can be written, files of what is to go go first, as `unlink` does it: an entry whose object
/// is gone is a miss.
pub(super) fn though_full<T>(
    remove: impl Fn() -> Result<T, StoreError>,
    unlink: impl FnOnce() -> bool,
) -> Result<T, StoreError> {
    match remove() {
        Err(error) if is_full(&error) && unlink() => remove(),
        done => done,
    }
}

/// Whether an error says that the disk is full.
pub(super) fn is_full(error: &StoreError) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    let (StoreError::Io(io) | StoreError::Index(heed::Error::Io(io))) = error else {
        return false;
    };
    matches!(io.kind(), StorageFull | QuotaExceeded)
}
