//! Single flight: one runner per call key, across threads (a table) and processes (byte locks).

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::access::Keeper;
use crate::digest::Digest;
use crate::lock::lock;
use crate::ofd;

const FIRST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// How long to wait for another runner before computing without a claim.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Of a thread that holds no other claim.
    pub wait: Duration,
    /// Of a thread that holds one, and so could be part of a circle of waiters.
    pub nested: Duration,
}

/// Files that the claims are spread over: the kernel keeps the locks of a file in a list, which it
/// walks at each of them.
const FILES: usize = 32;

/// The claims of one store.
#[derive(Debug)]
pub struct Flights {
    /// The directory of its lock files.
    path: PathBuf,
    keeper: Keeper,
    pub(crate) table: Mutex<Table>,
    landed: Condvar,
}

/// Who holds what in this process, and the files on which its locks are.
#[derive(Debug)]
pub(crate) struct Table {
    holders: HashMap<u64, Holder>,
    /// How many claims each thread holds.
    runners: HashMap<ThreadId, usize>,
    /// How many threads nap until a claim is released.
    napping: usize,
    files: [Option<File>; FILES],
    pid: u32,
}

/// Who holds a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The thread that runs the call.
    Runner(ThreadId),
    /// Nobody runs it any more: its result is on its way into the store.
    Writer,
}

impl Table {
    /// The table of a process that holds nothing.
    pub(crate) fn empty() -> Self {
        Self {
            holders: HashMap::new(),
            runners: HashMap::new(),
            napping: 0,
            files: [const { None }; FILES],
            pid: crate::process::id(),
        }
    }

    /// Ends what a holder holds.
    fn remove(&mut self, byte: u64) -> Option<Holder> {
        let holder = self.holders.remove(&byte)?;
        if let Holder::Runner(thread) = holder {
            self.stop(thread);
        }
        Some(holder)
    }

    fn stop(&mut self, thread: ThreadId) {
        if let Some(count) = self.runners.get_mut(&thread) {
            *count -= 1;
            if *count == 0 {
                self.runners.remove(&thread);
            }
        }
    }
}

/// The right to run a call, or the leave to run it without.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Whether another runner was waited for: look again before running.
    pub waited: bool,
    /// Whether the claim is held; if not, others may run the same call.
    pub held: bool,
    release: Option<Release<'a>>,
}

/// A claim that is being asked for.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    flights: &'a Flights,
    byte: u64,
    deadline: Instant,
    nap: Duration,
    waited: bool,
}

#[derive(Debug)]
struct Release<'a> {
    flights: &'a Flights,
    byte: u64,
    pid: u32,
}

enum Attempt {
    Held,
    Own,
    Busy,
}

impl Flights {
    /// The claims kept in the lock files of the directory at `path`.
    pub(crate) fn new(path: &Path, keeper: Keeper) -> Self {
        let table = Mutex::new(Table::empty());
        Self {
            path: path.to_owned(),
            keeper,
            table,
            landed: Condvar::new(),
        }
    }

    /// Begins to ask for a call key.
    pub(crate) fn ask(&self, key: &Digest, patience: Patience) -> Wait<'_> {
        Wait {
            flights: self,
            byte: byte_of(key),
            deadline: Instant::now() + self.patience(patience),
            nap: FIRST_NAP,
            waited: false,
        }
    }

    /// Closes the lock files, if nothing is claimed.
    pub(crate) fn rest(&self) {
        let mut table = self.table();
        if table.holders.is_empty() {
            table.files = [const { None }; FILES];
        }
    }

    fn patience(&self, patience: Patience) -> Duration {
        let me = thread::current().id();
        let nested = self.table().runners.contains_key(&me);
        if nested {
            patience.nested
        } else {
            patience.wait
        }
    }

    fn attempt(&self, byte: u64) -> std::io::Result<Attempt> {
        let mut table = self.table();
        let me = thread::current().id();
        match table.holders.get(&byte) {
            Some(Holder::Runner(holder)) if *holder != me => return Ok(Attempt::Busy),
            // A result on its way is found without a claim.
            Some(_) => return Ok(Attempt::Own),
            None => {}
        }
        let slot = file_of(byte);
        let file = match &mut table.files[slot] {
            Some(file) => file,
            none => none.insert(self.open(slot)?),
        };
        if !ofd::try_lock(file, byte)? {
            return Ok(Attempt::Busy);
        }
        table.holders.insert(byte, Holder::Runner(me));
        *table.runners.entry(me).or_default() += 1;
        Ok(Attempt::Held)
    }

    fn open(&self, slot: usize) -> std::io::Result<File> {
        self.keeper.make_dir(&self.path)?;
        self.keeper
            .open_or_make(&self.path.join(format!("{slot:02}")))
    }

    /// Waits until a claim of this process is released, or for `time` at most.
    fn nap(&self, byte: u64, time: Duration) {
        let mut table = self.table();
        if table.holders.contains_key(&byte) {
            table.napping += 1;
            let waited = self.landed.wait_timeout(table, time);
            let mut table = waited.unwrap_or_else(PoisonError::into_inner).0;
            table.napping = table.napping.saturating_sub(1);
        } else {
            drop(table);
            thread::sleep(time);
        }
    }

    /// Wakes those who nap, if any do: to wake nobody is a system call all the same.
    fn wake(&self, table: MutexGuard<'_, Table>) {
        let somebody = table.napping > 0;
        drop(table);
        if somebody {
            self.landed.notify_all();
        }
    }

    /// The table, emptied first if this is a child that was forked behind the engine's back.
    fn table(&self) -> MutexGuard<'_, Table> {
        let mut table = lock(&self.table);
        if table.pid != crate::process::id() {
            *table = Table::empty();
        }
        table
    }
}

impl<'a> Wait<'a> {
    /// Asks once, after a short nap if another runner was met before. `None` while it is running.
    pub(crate) fn step(&mut self) -> Option<Claim<'a>> {
        if self.waited {
            self.flights.nap(self.byte, self.nap);
            self.nap = (self.nap * 2).min(LONGEST_NAP);
        }
        match self.flights.attempt(self.byte) {
            Ok(Attempt::Held) => Some(self.claimed()),
            Ok(Attempt::Busy) if Instant::now() < self.deadline => {
                self.waited = true;
                None
            }
            _ => Some(Claim::without(self.waited)),
        }
    }

    /// Asks once, without a nap. `None` while anybody runs the call, this thread included: it may
    /// run several, a step of each in turn.
    pub(crate) fn at_once(&mut self) -> Option<Claim<'a>> {
        match self.flights.attempt(self.byte) {
            Ok(Attempt::Held) => Some(self.claimed()),
            Ok(Attempt::Busy | Attempt::Own) => None,
            Err(_) => Some(Claim::without(self.waited)),
        }
    }

    fn claimed(&self) -> Claim<'a> {
        let release = Release {
            flights: self.flights,
            byte: self.byte,
            pid: crate::process::id(),
        };
        Claim {
            waited: self.waited,
            held: true,
            release: Some(release),
        }
    }
}

impl Drop for Release<'_> {
    /// Releases the claim; in a forked child it is the parent's, and stays.
    fn drop(&mut self) {
        if self.pid != crate::process::id() {
            return;
        }
        let mut table = self.flights.table();
        table.remove(self.byte);
        let file = &mut table.files[file_of(self.byte)];
        if let Some(open) = file
            && ofd::unlock(open, self.byte).is_err()
        {
            // Closing the file unlocks as well; other claims go on in this process only.
            *file = None;
        }
        self.flights.wake(table);
    }
}

impl<'a> Claim<'a> {
    /// Leave to run without a claim.
    pub(crate) fn without(waited: bool) -> Self {
        Claim {
            waited,
            held: false,
            release: None,
        }
    }

    /// Moves the claim, to be held until the result is where others can see it. `Landing` is to be
    /// told once those of this process can.
    pub(crate) fn move_on(&mut self) -> (Self, Landing<'a>) {
        let moved = std::mem::replace(self, Self::without(self.waited));
        let landing = Landing(moved.release.as_ref().map(|held| (held.flights, held.byte)));
        (moved, landing)
    }

    /// Gives the claim back before its time.
    pub fn release(self) {
        drop(self.release);
    }
}

/// What is to be told that a call is over, though its claim is held on to.
pub(crate) struct Landing<'a>(Option<(&'a Flights, u64)>);

impl Landing<'_> {
    /// The result is a hit in this process: its thread does not hold the claim any more, and nobody
    /// here need wait for it. Nothing changes if the claim was given back in the meantime.
    pub(crate) fn landed(self) {
        let Some((flights, byte)) = self.0 else {
            return;
        };
        let mut table = flights.table();
        let me = thread::current().id();
        if let Some(holder) = table.holders.get_mut(&byte)
            && *holder == Holder::Runner(me)
        {
            *holder = Holder::Writer;
            table.stop(me);
        }
        flights.wake(table);
    }
}

/// The byte that stands for a call key: its first 40 bits.
fn byte_of(key: &Digest) -> u64 {
    key.0[..5]
        .iter()
        .fold(0, |byte, next| byte << 8 | u64::from(*next))
}

/// Which of the files has the lock of a byte.
fn file_of(byte: u64) -> usize {
    usize::try_from(byte % FILES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience {
        wait: Duration::from_millis(200),
        nested: Duration::from_millis(50),
    };

    fn claim<'a>(flights: &'a Flights, name: &[u8], naps: &mut u32) -> Claim<'a> {
        let mut wait = flights.ask(&Digest::of(name), SHORT);
        loop {
            match wait.step() {
                Some(claim) => return claim,
                None => *naps += 1,
            }
        }
    }

    fn flights() -> (tempfile::TempDir, Flights, Flights) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("claims");
        (
            dir,
            Flights::new(&path, Keeper::default()),
            Flights::new(&path, Keeper::default()),
        )
    }

    #[test]
    fn a_second_runner_waits_and_then_goes_ahead_unheld() {
        let (_dir, here, elsewhere) = flights();
        let first = claim(&here, b"a", &mut 0);
        assert!(first.held && !first.waited);
        let mut naps = 0;
        let late = claim(&elsewhere, b"a", &mut naps);
        assert!(!late.held && late.waited && naps > 5);
        first.release();
        assert!(claim(&elsewhere, b"a", &mut 0).held);
    }

    #[test]
    fn a_thread_never_waits_for_itself_and_other_keys_are_free() {
        let (_dir, here, _) = flights();
        let _first = claim(&here, b"a", &mut 0);
        let again = claim(&here, b"a", &mut 0);
        assert!(!again.held && !again.waited);
        assert!(claim(&here, b"b", &mut 0).held);
    }

    #[test]
    fn a_holder_that_waits_gives_up_early() {
        let (_dir, here, elsewhere) = flights();
        let _theirs = claim(&elsewhere, b"a", &mut 0);
        let _mine = claim(&here, b"b", &mut 0);
        let start = Instant::now();
        assert!(!claim(&here, b"a", &mut 0).held);
        assert!(start.elapsed() < SHORT.wait);
    }

    #[test]
    fn threads_take_turns() {
        let (_dir, here, _) = flights();
        let first = claim(&here, b"a", &mut 0);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| claim(&here, b"a", &mut 0).held);
            thread::sleep(Duration::from_millis(20));
            first.release();
            assert!(waiter.join().unwrap());
        });
    }
}
