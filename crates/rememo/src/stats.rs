//! Statistics per function, made from the event stream.

use std::collections::HashMap;
use std::mem;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::event::{Event, MissReason, Tier};
use crate::misses::LastMisses;

/// How many reasons for a miss there are.
const REASONS: usize = MissReason::ALL.len();

/// What happened to the calls of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Results handed back from the store, or from memory.
    pub hits: u64,
    /// Those of them that were in the memory of the process.
    pub memory_hits: u64,
    /// Calls run because nothing fitting was stored, by reason: in the order of
    /// [`MissReason::ALL`].
    pub misses_by: [u64; REASONS],
    /// Results stored.
    pub stored: u64,
    /// Bytes of results stored.
    pub stored_bytes: u64,
    /// Results that were returned but not stored.
    pub not_stored: u64,
    /// Calls made past the store.
    pub bypassed: u64,
    /// Results that went for want of room.
    pub evicted: u64,
    /// The time that the hits would have taken to compute.
    pub saved_ns: u64,
    /// The time that the calls took whose results were stored.
    pub computed_ns: u64,
}

impl Stats {
    /// Calls run because nothing fitting was stored.
    pub fn misses(&self) -> u64 {
        self.misses_by.iter().sum()
    }

    fn with(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let reason = |reason: usize| combine(self.misses_by[reason], other.misses_by[reason]);
        Self {
            hits: combine(self.hits, other.hits),
            memory_hits: combine(self.memory_hits, other.memory_hits),
            misses_by: std::array::from_fn(reason),
            stored: combine(self.stored, other.stored),
            stored_bytes: combine(self.stored_bytes, other.stored_bytes),
            not_stored: combine(self.not_stored, other.not_stored),
            bypassed: combine(self.bypassed, other.bypassed),
            evicted: combine(self.evicted, other.evicted),
            saved_ns: combine(self.saved_ns, other.saved_ns),
            computed_ns: combine(self.computed_ns, other.computed_ns),
        }
    }
}

impl Add for Stats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(&other, u64::saturating_add)
    }
}

impl Sub for Stats {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.with(&other, u64::saturating_sub)
    }
}

/// Hits of one function that nobody but its statistics hears of: counted where they happen.
#[derive(Debug, Default)]
pub struct Tally {
    hits: AtomicU64,
    saved_ns: AtomicU64,
}

impl Tally {
    /// Counts a hit from memory, and the time that the call took when it was run.
    pub fn hit(&self, saved_ns: u64) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.saved_ns.fetch_add(saved_ns, Ordering::Relaxed);
    }

    fn stats(&self) -> Stats {
        let hits = self.hits.load(Ordering::Relaxed);
        Stats {
            hits,
            memory_hits: hits,
            saved_ns: self.saved_ns.load(Ordering::Relaxed),
            ..Stats::default()
        }
    }
}

/// The statistics of all functions.
#[derive(Debug, Default)]
pub(crate) struct Book(HashMap<String, Page>);

#[derive(Debug, Default)]
struct Page {
    stats: Stats,
    tally: Arc<Tally>,
    /// What of them is written down already.
    noted: Stats,
    /// The last calls that were not answered and are not written down yet.
    misses: LastMisses,
}

/// What happened to the calls of a function and is not written down yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fresh {
    pub function: String,
    pub stats: Stats,
    pub misses: LastMisses,
}

impl Page {
    fn whole(&self) -> Stats {
        self.stats + self.tally.stats()
    }
}

impl Book {
    /// Counts an event.
    pub(crate) fn record(&mut self, event: &Event) {
        let mut fresh = Stats::default();
        let function = match event {
            Event::Hit {
                function,
                saved_ns,
                tier,
                ..
            } => {
                fresh.hits = 1;
                fresh.memory_hits = u64::from(*tier == Tier::Memory);
                fresh.saved_ns = *saved_ns;
                function
            }
            Event::Miss {
                function, reason, ..
            } => {
                fresh.misses_by[*reason as usize] = 1;
                function
            }
            Event::Stored {
                function,
                size,
                compute_ns,
                ..
            } => {
                fresh.stored = 1;
                fresh.stored_bytes = *size;
                fresh.computed_ns = *compute_ns;
                function
            }
            Event::NotStored { function, .. } => {
                fresh.not_stored = 1;
                function
            }
            Event::Bypassed { function, .. } => {
                fresh.bypassed = 1;
                function
            }
            Event::Evicted { function, .. } => {
                fresh.evicted = 1;
                function
            }
            Event::Bounded { .. } | Event::Invalidated { .. } | Event::Degraded { .. } => return,
        };
        let page = self.page(function);
        page.stats = page.stats + fresh;
        page.misses.record(event);
    }

    /// The statistics of one function.
    pub(crate) fn of(&self, function: &str) -> Stats {
        self.0.get(function).map(Page::whole).unwrap_or_default()
    }

    /// Where hits of one function may be counted without an event.
    pub(crate) fn tally(&mut self, function: &str) -> Arc<Tally> {
        self.page(function).tally.clone()
    }

    /// What is not written down yet, which counts as written down from now on.
    pub(crate) fn take_fresh(&mut self) -> Vec<Fresh> {
        let mut fresh = Vec::new();
        for (function, page) in &mut self.0 {
            let whole = page.whole();
            if whole != page.noted {
                fresh.push(Fresh {
                    function: function.clone(),
                    stats: whole - page.noted,
                    misses: mem::take(&mut page.misses),
                });
                page.noted = whole;
            }
        }
        fresh
    }

    /// Takes back that these were written down.
    pub(crate) fn give_back(&mut self, fresh: Vec<Fresh>) {
        for mut fresh in fresh {
            let page = self.page(&fresh.function);
            page.noted = page.noted - fresh.stats;
            fresh.misses.extend(mem::take(&mut page.misses));
            page.misses = fresh.misses;
        }
    }

    fn page(&mut self, function: &str) -> &mut Page {
        if !self.0.contains_key(function) {
            self.0.insert(function.to_owned(), Page::default());
        }
        self.0.get_mut(function).expect("it was just put there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_is_written_down_once() {
        let mut book = Book::default();
        let tally = book.tally("f");
        tally.hit(5);
        book.record(&Event::NotStored {
            function: "f".to_owned(),
            reason: crate::event::NotStored::TooQuick,
        });
        let fresh = book.take_fresh();
        assert_eq!(fresh.len(), 1);
        assert_eq!(
            (fresh[0].stats.memory_hits, fresh[0].stats.not_stored),
            (1, 1)
        );
        assert!(book.take_fresh().is_empty());
        tally.hit(5);
        let again = book.take_fresh();
        assert_eq!((again[0].stats.hits, again[0].stats.saved_ns), (1, 5));
        book.give_back(again.clone());
        assert_eq!(book.take_fresh(), again);
        assert_eq!(book.of("f").hits, 2);
    }
}
