//! Who has the index open, who is at work in it, and whether somebody died there.
//!
//! A file beside the index has a number for each process that has it open, which counts its threads
//! that are at work in it; who owns one holds a lock that ends with the process. So a number that
//! nobody holds is left by a process that died in the midst of something: killed, or by what the
//! index made LMDB do. What LMDB makes of a damaged page may also spoil the memory of a process, which
//! dies of it later, when it is not at work; so where reading the file takes next to no time, it is
//! read after any death. The file also says what the index's file looked like when the last one who
//! wrote to it was done. Whoever opens it reads the file itself where either gives reason to doubt
//! it; usually neither does, and that is all it costs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::access::Keeper;
use crate::map::SharedNumbers;
use crate::ofd;

const FILE: &str = "presence";
/// How the index's file was left: device, inode, length, and the time of its last change.
const STAMP: usize = 4;
/// The number that is not zero where somebody got an answer that a whole index does not give.
const SUSPECT: usize = STAMP;
/// Before the numbers of processes.
const COMMON: usize = SUSPECT + 1;
/// One more process than this goes without.
const PLACES: usize = 1018;
/// The number that is not zero once another index takes the place of this one; see `compact`.
const LEFT: usize = COMMON + PLACES;
/// In the number of a process that has the index open; the rest is how many threads are at work.
const OPEN: u64 = 1 << 32;
/// The byte that is locked while the index is opened, or another one put in its place.
const DOUBT: u64 = 1 << 40;

/// A file of no more bytes is read in some milliseconds.
const QUICK: u64 = 8 << 20;

type Stamp = [u64; STAMP];

/// This process among those that have the index open.
pub(super) struct Presence {
    numbers: SharedNumbers,
    /// Holds the locks.
    file: File,
    /// Which number is ours; none if there were too many.
    place: Option<usize>,
    /// Whether something was written since the file was last stamped.
    wrote: AtomicBool,
    pid: u32,
}

#[derive(Debug)]
/// Reason to read the file before it is trusted.
pub(super) struct Doubt {
    /// Of those who died at work, or at all.
    dead: Vec<usize>,
}

impl Presence {
    /// Joins those who have the index open, and says whether there is reason to doubt `data`, its
    /// file; there is if it is not even likely to be whole. Others who come are to be let in once it
    /// is open.
    pub(super) fn join(
        lobby: File,
        data: &File,
        is_likely: bool,
    ) -> io::Result<(Self, Option<Doubt>)> {
        let file = lobby;
        let numbers = SharedNumbers::of(&file, LEFT + 1)?;
        let mut joined = Self {
            numbers,
            file,
            place: None,
            wrote: AtomicBool::new(false),
            pid: crate::process::id(),
        };
        // Whoever was about to put another index in the place of this one has died.
        joined.stay();
        let (dead, is_alone) = joined.look_round(data.metadata()?.len() <= QUICK)?;
        joined.place = joined.free_place()?;
        let is_known = !is_alone || stamp(data)? == joined.stamped();
        let is_suspect = joined.numbers.at(SUSPECT).load(Ordering::Acquire) != 0;
        let is_good = is_likely && is_known && !is_suspect && dead.is_empty();
        Ok((joined, (!is_good).then_some(Doubt { dead })))
    }

    /// Keeps others from opening the index.
    pub(super) fn keep_others(&self) -> io::Result<()> {
        ofd::lock(&self.file, DOUBT)
    }

    /// Lets others open it.
    pub(super) fn let_others(&self) -> io::Result<()> {
        ofd::unlock(&self.file, DOUBT)
    }

    /// Notes that the file is whole after all.
    pub(super) fn settle(&self, doubt: &Doubt, data: &File) -> io::Result<()> {
        self.stamp(data);
        self.numbers.at(SUSPECT).store(0, Ordering::Release);
        for place in &doubt.dead {
            self.number(*place).store(0, Ordering::Release);
            ofd::unlock(&self.file, *place as u64)?;
        }
        Ok(())
    }

    /// Does something with the index, which counts as being at work in it.
    pub(super) fn at_work<T>(&self, data: &File, work: impl FnOnce() -> T) -> T {
        let Some(place) = self.place else {
            return work();
        };
        let number = self.number(place);
        let _left = AtWork {
            presence: self,
            data,
            number,
        };
        number.fetch_add(1, Ordering::Acquire);
        work()
    }

    /// Has whoever opens the index next doubt it.
    pub(super) fn suspect(&self) {
        self.numbers.at(SUSPECT).store(1, Ordering::Release);
    }

    /// Has everybody open the index again before they use it.
    pub(super) fn leave(&self) {
        self.numbers.at(LEFT).store(1, Ordering::Release);
    }

    /// Takes that back: the index stays where it is.
    pub(super) fn stay(&self) {
        self.numbers.at(LEFT).store(0, Ordering::Release);
    }

    /// Whether the index is to be opened again before it is used.
    pub(super) fn is_left(&self) -> bool {
        self.numbers.at(LEFT).load(Ordering::Acquire) != 0
    }

    /// Remembers that whoever is at work writes.
    pub(super) fn writes(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// The places of those who died at work, or at all, and whether nobody else has the index open.
    fn look_round(&self, or_at_all: bool) -> io::Result<(Vec<usize>, bool)> {
        let (mut dead, mut is_alone) = (Vec::new(), true);
        for place in 0..PLACES {
            let number = self.number(place);
            if number.load(Ordering::Acquire) == 0 {
                continue;
            }
            if !ofd::try_lock(&self.file, place as u64)? {
                is_alone = false;
                continue;
            }
            // It may have been left properly since it was read.
            let left = number.load(Ordering::Acquire);
            if left == 0 || (left == OPEN && !or_at_all) {
                number.store(0, Ordering::Release);
                ofd::unlock(&self.file, place as u64)?;
            } else {
                dead.push(place);
            }
        }
        Ok((dead, is_alone))
    }

    fn free_place(&self) -> io::Result<Option<usize>> {
        for place in 0..PLACES {
            let number = self.number(place);
            if number.load(Ordering::Acquire) == 0 && ofd::try_lock(&self.file, place as u64)? {
                number.store(OPEN, Ordering::Release);
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Notes how the file looks. Who wrote at the same time may have noted an earlier look later.
    fn stamp(&self, data: &File) {
        while let Ok(now) = stamp(data) {
            for (at, part) in now.into_iter().enumerate() {
                self.numbers.at(at).store(part, Ordering::Release);
            }
            if stamp(data).is_ok_and(|after| after == now) {
                break;
            }
        }
    }

    fn stamped(&self) -> Stamp {
        std::array::from_fn(|at| self.numbers.at(at).load(Ordering::Acquire))
    }

    fn number(&self, place: usize) -> &AtomicU64 {
        self.numbers.at(COMMON + place)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // A forked child has the place of its parent.
        if let Some(place) = self.place.filter(|_| self.pid == crate::process::id()) {
            self.number(place).store(0, Ordering::Release);
        }
    }
}

struct AtWork<'a> {
    presence: &'a Presence,
    data: &'a File,
    number: &'a AtomicU64,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.presence.suspect();
        }
        let is_last = self.number.load(Ordering::Acquire) == OPEN + 1;
        if is_last && self.presence.wrote.swap(false, Ordering::Relaxed) {
            self.presence.stamp(self.data);
        }
        self.number.fetch_sub(1, Ordering::Release);
    }
}

/// Holds the lock that whoever comes to the index in a directory waits for; not that of an index
/// which was set aside meanwhile, or which another one took the place of.
pub(super) fn hold(dir: &Path, keeper: Keeper) -> io::Result<File> {
    let path = dir.join(FILE);
    loop {
        let file = keeper.open_or_make(&path)?;
        ofd::lock(&file, DOUBT)?;
        let (held, there) = (file.metadata()?, fs::symlink_metadata(&path));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
            return Ok(file);
        }
    }
}

/// How a file looks. Nobody can set the time of its last change.
fn stamp(data: &File) -> io::Result<Stamp> {
    let found = data.metadata()?;
    let seconds = found.ctime().cast_unsigned();
    let changed = seconds.wrapping_mul(1_000_000_000);
    let changed = changed.wrapping_add(found.ctime_nsec().cast_unsigned());
    Ok([found.dev(), found.ino(), found.len(), changed])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let data = Keeper::default().open_or_make(&dir.path().join("data.mdb"));
        (dir, data.unwrap())
    }

    /// Comes, and lets others come unless there is doubt.
    fn join(dir: &Path, data: &File) -> (Presence, Option<Doubt>) {
        let lobby = hold(dir, Keeper::default()).unwrap();
        let (presence, doubt) = Presence::join(lobby, data, true).unwrap();
        if doubt.is_none() {
            presence.let_others().unwrap();
        }
        (presence, doubt)
    }

    fn settle(presence: &Presence, doubt: &Doubt, data: &File) {
        presence.settle(doubt, data).unwrap();
        presence.let_others().unwrap();
    }

    /// One who has the index open, of whom nothing is doubted any more.
    fn known(dir: &Path, data: &File) -> Presence {
        let (presence, doubt) = join(dir, data);
        settle(&presence, &doubt.unwrap(), data);
        presence
    }

    /// As the system does with one who is killed: the locks go, and nothing else.
    fn kill(presence: Presence) {
        let mut presence = presence;
        presence.place = None;
    }

    #[test]
    fn what_was_left_in_order_is_not_doubted() {
        let (dir, data) = place();
        let first = known(dir.path(), &data);
        first.at_work(&data, || {
            first.writes();
            data.set_len(100).unwrap();
        });
        assert!(join(dir.path(), &data).1.is_none(), "beside another");
        drop(first);
        assert!(join(dir.path(), &data).1.is_none());
    }

    #[test]
    fn what_somebody_else_changed_is() {
        let (dir, data) = place();
        drop(known(dir.path(), &data));
        data.set_len(100).unwrap();
        let (presence, doubt) = join(dir.path(), &data);
        settle(&presence, &doubt.unwrap(), &data);
        drop(presence);
        assert!(join(dir.path(), &data).1.is_none());
    }

    #[test]
    fn so_is_what_somebody_died_at_until_it_is_settled() {
        let (dir, data) = place();
        let dead = known(dir.path(), &data);
        let other = join(dir.path(), &data).0;
        dead.number(dead.place.unwrap())
            .fetch_add(1, Ordering::Relaxed);
        assert!(join(dir.path(), &data).1.is_none(), "it works");
        kill(dead);
        for _ in 0..2 {
            assert!(join(dir.path(), &data).1.is_some());
        }
        drop(known(dir.path(), &data));
        assert!(join(dir.path(), &data).1.is_none());
        drop(other);
    }

    #[test]
    fn so_is_what_gave_a_strange_answer() {
        let (dir, data) = place();
        let first = known(dir.path(), &data);
        first.suspect();
        assert!(join(dir.path(), &data).1.is_some());
        drop(known(dir.path(), &data));
        assert!(join(dir.path(), &data).1.is_none());
    }

    #[test]
    fn so_is_what_somebody_panicked_at() {
        let (dir, data) = place();
        let first = known(dir.path(), &data);
        let panics = || first.at_work(&data, || panic!("on purpose"));
        let work = std::panic::AssertUnwindSafe(panics);
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(join(dir.path(), &data).1.is_some());
    }

    #[test]
    fn one_who_was_killed_at_rest_leaves_doubt_only_of_what_is_read_quickly() {
        let (dir, data) = place();
        for (len, is_doubted) in [(QUICK, true), (QUICK + 1, false)] {
            data.set_len(len).unwrap();
            kill(known(dir.path(), &data));
            let (presence, doubt) = join(dir.path(), &data);
            assert_eq!(doubt.is_some(), is_doubted);
            if let Some(doubt) = doubt {
                settle(&presence, &doubt, &data);
            }
            drop(presence);
            let (presence, doubt) = join(dir.path(), &data);
            assert!(doubt.is_none());
            assert_eq!(presence.place, Some(0), "no place is lost");
        }
    }

    #[test]
    fn whoever_comes_waits_until_it_is_settled() {
        let (dir, data) = place();
        let (first, doubt) = join(dir.path(), &data);
        std::thread::scope(|scope| {
            let next = scope.spawn(|| join(dir.path(), &data).1.is_none());
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!next.is_finished());
            settle(&first, &doubt.unwrap(), &data);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn an_index_is_left_until_somebody_finds_it_where_it_was() {
        let (dir, data) = place();
        let first = known(dir.path(), &data);
        let other = join(dir.path(), &data).0;
        first.leave();
        assert!(other.is_left());
        kill(first);
        let next = join(dir.path(), &data).0;
        assert!(!next.is_left() && !other.is_left());
    }
}
