//! The generation of a store: it ends, in every process at once, whenever something that was
//! stored is stored no more. What a process keeps in memory is good for one generation.

use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// How often another directory came to stand where the store is.
    era: AtomicU64,
    keeper: Keeper,
    /// Those of directories that were replaced stay mapped, for generations refer to them; they are
    /// few.
    pub(super) number: RwLock<Number>,
}

impl Generations {
    pub(super) fn of(dir: &Path, keeper: Keeper) -> Self {
        Self {
            era: AtomicU64::new(0),
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
        self.era.load(Ordering::Acquire) == generation.era
            && generation.number.get() == generation.count
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

fn number_in(dir: &Path, keeper: Keeper) -> Number {
    let number = SharedNumber::open(&dir.join("generation"), keeper).ok()?;
    Some(Box::leak(Box::new(number)))
}
