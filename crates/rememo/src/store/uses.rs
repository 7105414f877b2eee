//! How often what is stored was of use: counted in memory, and written down now and then.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::Store;
use crate::digest::Digest;
use crate::lock::lock;

/// As many are written down at once, at the latest.
const ENOUGH: usize = 1000;
/// How long they wait to become more.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same in a process that may be ended at any moment: what it counted and did not write is lost.
const PATIENCE_OF_WORKERS: Duration = Duration::from_millis(100);

/// Counts the uses of one stored result.
#[derive(Debug)]
pub struct Uses {
    store: Store,
    key: Digest,
    fresh: AtomicU32,
}

/// Those that were used since they were last written down.
#[derive(Debug)]
pub(super) struct Used {
    fresh: Vec<Arc<Uses>>,
    written: Instant,
}

impl Default for Used {
    fn default() -> Self {
        Self {
            fresh: Vec::new(),
            written: Instant::now(),
        }
    }
}

impl Uses {
    /// The call key.
    pub fn key(&self) -> Digest {
        self.key
    }

    /// Counts a use. Called at every hit from memory, so it does little.
    #[inline]
    pub fn count(self: &Arc<Self>) {
        let before = self.fresh.load(Ordering::Relaxed);
        // Two at the same instant may count as one: a use more or less does not matter.
        self.fresh
            .store(before.saturating_add(1), Ordering::Relaxed);
        if before == 0 {
            self.begin();
        }
    }

    /// Has it written down some time. Nobody waits for the lock here: whoever holds it may be about
    /// to fork, and wait in turn for what the front-end of this thread holds.
    #[cold]
    fn begin(self: &Arc<Self>) {
        match self.store.0.used.try_lock() {
            Ok(mut used) => used.fresh.push(self.clone()),
            Err(_) => self.fresh.store(0, Ordering::Relaxed),
        }
    }
}

impl Used {
    /// Forgets all, in a child that was forked: they are the parent's to write down.
    pub(super) fn forget(used: &mut MutexGuard<'_, Self>) {
        for uses in mem::take(&mut used.fresh) {
            uses.fresh.store(0, Ordering::Relaxed);
        }
    }
}

impl Store {
    /// Where the uses of what is stored under a call key are counted.
    pub fn uses_of(&self, key: Digest) -> Arc<Uses> {
        Arc::new(Uses {
            store: self.clone(),
            key,
            fresh: AtomicU32::new(0),
        })
    }

    /// Writes down uses if there are many: a process may do nothing but use what is stored.
    pub(crate) fn note_uses_if_many(&self) {
        let many = lock(&self.0.used).fresh.len() >= ENOUGH;
        if many {
            self.note_uses();
        }
    }

    /// Writes down uses if there are many, or none were written down for a while.
    pub(super) fn note_uses_if_due(&self) {
        let used = lock(&self.0.used);
        let patience = if Self::may_be_ended() {
            PATIENCE_OF_WORKERS
        } else {
            PATIENCE
        };
        let due = used.fresh.len() >= ENOUGH || used.written.elapsed() >= patience;
        drop(used);
        if due {
            self.note_uses();
        }
    }

    /// Writes down all uses so far, and what else happened.
    pub fn note_uses(&self) {
        self.note_stats();
        let mut used = lock(&self.0.used);
        used.written = Instant::now();
        let fresh = mem::take(&mut used.fresh);
        drop(used);
        if fresh.is_empty() {
            return;
        }
        let counts: Vec<_> = fresh
            .iter()
            .map(|uses| (uses.key, u64::from(uses.fresh.swap(0, Ordering::Relaxed))))
            .collect();
        if let Err(error) = self.with_index(|index| index.count_uses(&counts)) {
            self.degraded(Some(format!("uses could not be written down: {error}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoreConfig;
    use super::*;

    #[test]
    fn a_process_that_only_uses_what_is_stored_does_not_keep_count_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig::new(dir.path().join("store"))).unwrap();
        for number in 0..3 * ENOUGH {
            store.uses_of(Digest::of(&number.to_le_bytes())).count();
            store.note_uses_if_many();
        }
        assert!(lock(&store.0.used).fresh.len() < ENOUGH);
    }
}
