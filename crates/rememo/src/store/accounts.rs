//! Statistics of all processes together: written down now and then, and read.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Store, StoreError};
use crate::digest::Digest;
use crate::index::DayStats;
use crate::lock::lock;
use crate::misses::{LastMiss, Why};
use crate::state::PartKind;

const DAY: u64 = 24 * 60 * 60;
/// In how many of a function's latest entries sources are looked for.
const LOOKED_AT: usize = 1000;

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
        self.settle();
        self.note_stats();
        let first = today().saturating_sub(days_before);
        self.with_index(|index| index.stats_since(first))
    }

    /// The last calls of a function, or of each, that were not answered, the latest first; with the
    /// sources of what changed, where they are still stored. Other processes' show once they are
    /// written down: about a second later, or when those processes end.
    pub fn last_misses(&self, function: Option<&str>) -> Result<Vec<LastMiss>, StoreError> {
        self.note_stats();
        let mut found = self.with_index(|index| index.last_misses(function))?;
        let mut sources = HashMap::new();
        for miss in &mut found {
            let Why::Missed { changes, .. } = &mut miss.why else {
                continue;
            };
            let known = sources
                .entry(miss.function.clone())
                .or_insert_with_key(|function| self.sources(function));
            for change in changes {
                let source = |digest: Option<Digest>| {
                    known
                        .get(&(change.kind, change.name.clone(), digest?))
                        .cloned()
                };
                (change.old_source, change.new_source) = (source(change.old), source(change.new));
            }
        }
        Ok(found)
    }

    /// The sources of the parts that the stored states of a function are made of.
    fn sources(&self, function: &str) -> HashMap<(PartKind, String, Digest), String> {
        let entries = self.entries_of(function, LOOKED_AT).unwrap_or_default();
        let mut states = HashSet::new();
        let mut sources = HashMap::new();
        for entry in entries {
            if !states.insert(entry.state) {
                continue;
            }
            let tree = self.state_of(&entry).ok().flatten();
            for part in tree.into_iter().flat_map(|tree| tree.parts) {
                if let Some(source) = part.source.filter(|_| part.kind.is_definition()) {
                    sources.insert((part.kind, part.name, part.digest), source);
                }
            }
        }
        sources
    }

    /// Begins the statistics of one function, or of all, anew. Results of calls made before that are
    /// still on their way do not count afterwards.
    pub fn reset_stats(&self, function: Option<&str>) -> Result<(), StoreError> {
        self.writable()?;
        self.settle();
        self.note_stats();
        self.with_index(|index| index.reset_stats(function))
    }
}

/// Days since the beginning of 1970, in universal time.
fn today() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u32::try_from(now.unwrap_or_default().as_secs() / DAY).unwrap_or(u32::MAX)
}
