//! The generation of a store: it ends, in every process at once, whenever something that was
//! stored is stored no more. What a process keeps in memory is good for one generation.

use std::path::{Path, PathBuf};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};

use crate::access::Keeper;
use crate::lock::{read, write};
use crate::map::SharedNumber;

/// One generation of a store.
#[derive(Clone, Copy, Debug)]
pub struct Generation {
    era: u64,
    number: &'static SharedNumber,
    count: u64,
}

/// The number of a directory, where it can be shared.
pub(super) type Number = Option<&'static SharedNumber>;

/// The generations of a store, one after the other.
#[derive(Debug)]
pub(super) struct Generations {
    /// How often another directory, or none, came to stand where the store was.
    era: AtomicU64,
    /// Where the number is kept.
    file: PathBuf,
    /// When it was last looked for there, in milliseconds.
    looked: AtomicU64,
    /// Whether it was not found there, and nobody has seen to that yet.
    missed: AtomicBool,
    keeper: Keeper,
    /// Those of directories that were replaced stay mapped, for generations refer to them; they are
    /// few.
    pub(super) number: RwLock<Number>,
}

impl Generations {
    pub(super) fn of(dir: &Path, keeper: Keeper) -> Self {
        Self {
            era: AtomicU64::new(0),
            file: dir.join(FILE),
            looked: AtomicU64::new(0),
            missed: AtomicBool::new(false),
            keeper,
            number: RwLock::new(number_in(dir, keeper)),
        }
    }

    /// The generation now; none where there is no number to share: nothing may be kept then.
    pub(super) fn current(&self) -> Option<Generation> {
        let number = (*read(&self.number))?;
        Some(Generation {
            era: self.era.load(Ordering::Acquire),
            number,
            count: number.get(),
        })
    }

    /// Whether a generation goes on. Asked at every hit from memory, so it takes no lock.
    pub(super) fn is_current(&self, generation: &Generation) -> bool {
        self.look_now_and_then();
        self.era.load(Ordering::Acquire) == generation.era
            && generation.number.get() == generation.count
    }

    /// Whether the directory was found removed or replaced since this was last asked.
    pub(super) fn was_missed(&self) -> bool {
        self.look_now_and_then();
        self.missed.load(Ordering::Relaxed) && self.missed.swap(false, Ordering::Relaxed)
    }

    /// Whether there is no number, or not in the place where it was.
    pub(super) fn is_lost(&self) -> bool {
        read(&self.number).is_none_or(|number| !number.is_at(&self.file))
    }

    #[inline]
    fn look_now_and_then(&self) {
        let now = milliseconds();
        if now.wrapping_sub(self.looked.load(Ordering::Relaxed)) >= LOOK {
            self.look(now);
        }
    }

    /// Ends the generation if the number is not where it was: somebody removed the directory, or
    /// put another in its place. The lock is not waited for; whoever holds it looks as well.
    #[cold]
    fn look(&self, now: u64) {
        self.looked.store(now, Ordering::Relaxed);
        if let Ok(number) = self.number.try_read()
            && number.is_some_and(|number| !number.is_at(&self.file))
        {
            self.era.fetch_add(1, Ordering::Release);
            self.missed.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the generation.
    pub(super) fn advance(&self) {
        if let Some(number) = *read(&self.number) {
            number.advance();
        }
    }

    /// Begins an era: another directory stands where the old one was.
    pub(super) fn renew(&self, dir: &Path) {
        let mut number = write(&self.number);
        self.era.fetch_add(1, Ordering::Release);
        *number = number_in(dir, self.keeper);
    }
}

const FILE: &str = "generation";

/// So many milliseconds at most, a result is handed out from memory after its directory was removed.
const LOOK: u64 = 50;

/// A clock that is cheap to read, and right to some milliseconds.
fn milliseconds() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_MONOTONIC_COARSE;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    // A clock that can't be read stands still, and nothing is looked for.
    clock_gettime(clock).map_or(0, |now| {
        now.tv_sec().cast_unsigned() * 1000 + now.tv_nsec().cast_unsigned() / 1_000_000
    })
}

fn number_in(dir: &Path, keeper: Keeper) -> Number {
    let number = SharedNumber::open(&dir.join(FILE), keeper).ok()?;
    Some(Box::leak(Box::new(number)))
}
