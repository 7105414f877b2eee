//! Statistics of all processes together: written down now and then, and read.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Store, StoreError};
use crate::index::DayStats;
use crate::lock::lock;

const DAY: u64 = 24 * 60 * 60;

impl Store {
    /// Writes down what happened in this process since it was last written down.
    pub(super) fn note_stats(&self) {
        let fresh = lock(&self.events().book).take_fresh();
        if fresh.is_empty() {
            return;
        }
        let noted = self.with_index(|index| index.add_stats(today(), &fresh));
        if noted.is_err() {
            // There is always a next time, and nobody's results depend on it.
            lock(&self.events().book).give_back(fresh);
        }
    }

    /// What happened to the calls of each function, by day: today, and on so many days before.
    pub fn stats(&self, days_before: u32) -> Result<Vec<DayStats>, StoreError> {
        self.note_stats();
        let first = today().saturating_sub(days_before);
        self.with_index(|index| index.stats_since(first))
    }

    /// Begins the statistics of one function, or of all, anew.
    pub fn reset_stats(&self, function: Option<&str>) -> Result<(), StoreError> {
        self.note_stats();
        self.with_index(|index| index.reset_stats(function))
    }
}

/// Days since the beginning of 1970, in universal time.
fn today() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u32::try_from(now.unwrap_or_default().as_secs() / DAY).unwrap_or(u32::MAX)
}
