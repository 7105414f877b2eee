//! What the users of a store in this process ask for, together; and what they may order.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::{Durability, REGISTRY, Store, StoreError};
use crate::lock::{lock, write};

/// How long results wait to be written together, where nobody asks for anything else.
const FLUSH_EVERY: Duration = Duration::from_millis(20);

/// Whether this process may be ended as soon as it has handed over a result.
static MAY_BE_ENDED: AtomicBool = AtomicBool::new(false);

/// What was asked for.
#[derive(Debug)]
pub(super) struct Settings {
    /// None, or one more than the number of a durability.
    durability: AtomicU8,
    /// In nanoseconds; none if it is the most there can be.
    flush_every: AtomicU64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: AtomicU8::new(0),
            flush_every: AtomicU64::new(u64::MAX),
        }
    }
}

impl Settings {
    fn durability(&self) -> Durability {
        match self.durability.load(Ordering::Relaxed) {
            1 => Durability::Fast,
            3 => Durability::Fsync,
            _ => Durability::Background,
        }
    }
}

impl Store {
    /// Asks for durability, and for results to be written so often: the most that anybody in this
    /// process asks for counts.
    pub fn ask_for(&self, durability: Option<Durability>, flush_every: Option<Duration>) {
        let before = self.durability();
        let asked = &self.0.settings;
        if let Some(durability) = durability {
            asked
                .durability
                .fetch_max(durability as u8 + 1, Ordering::Relaxed);
        }
        if let Some(delay) = flush_every {
            let delay = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
            asked.flush_every.fetch_min(delay, Ordering::Relaxed);
        }
        let fast = Durability::Fast;
        if (before == fast) != (self.durability() == fast) {
            // How it is synced is settled when it is opened.
            write(&self.0.gate).index = None;
        }
    }

    /// What a stored result survives.
    pub(super) fn durability(&self) -> Durability {
        self.0.settings.durability()
    }

    /// How long results wait to be written together.
    pub(super) fn flush_every(&self) -> Duration {
        match self.0.settings.flush_every.load(Ordering::Relaxed) {
            u64::MAX => FLUSH_EVERY,
            asked => Duration::from_nanos(asked),
        }
    }

    /// Says that this process may be ended as soon as it has handed over a result, as workers of a
    /// pool are: calls that took long wait until their results are stored.
    pub fn expect_to_be_ended() {
        MAY_BE_ENDED.store(true, Ordering::Relaxed);
    }

    pub(super) fn may_be_ended() -> bool {
        MAY_BE_ENDED.load(Ordering::Relaxed)
    }

    /// Has all results so far written, and the disk hold them.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.settle();
        self.tell_now();
        let done = self.with_index(crate::index::Index::sync);
        done.map_err(|error| error.at(self.dir()))
    }

    /// Waits until all results so far are written, or cannot be.
    pub(crate) fn settle(&self) {
        self.0.queue.settle(None);
    }

    /// Has all results of all stores so far written.
    pub fn settle_all() {
        for store in Self::all() {
            store.settle();
            store.tell_now();
        }
    }

    /// To be called when a worker is about to end: has all results of all stores so far written, and
    /// what was counted.
    pub fn end_worker() {
        for store in Self::all() {
            store.settle();
            store.note_uses();
            store.tell_now();
        }
    }

    /// To be called when the process is about to end: has all results written. From now on every
    /// call that stores waits until it has.
    pub fn end_all() {
        for store in Self::all() {
            store.0.queue.end();
            store.tell_now();
        }
    }

    fn all() -> Vec<Self> {
        let registry = lock(&REGISTRY);
        registry.values().map(|shared| Self(shared)).collect()
    }
}
