//! Statistics per function, made from the event stream.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::event::{Event, MissReason, Tier};
use crate::meter::{Spent, Step};
use crate::misses::LastMisses;

/// How many reasons for a miss there are.
const REASONS: usize = MissReason::ALL.len();

/// So many calls tell whether a function is worth while.
const TELLING: u64 = 100;
/// So many results of a function made again after they went for want of room are worth a word;
const THRASHING: u64 = 10;
/// of so many that went, it is known which.
const REMEMBERED: usize = 10_000;

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
    /// What the calls cost besides their runs.
    pub spent: Spent,
    /// Calls made again whose results were stored.
    pub verified: u64,
    /// How many of those came out otherwise.
    pub differed: u64,
}

impl Stats {
    /// Whether memoization takes less than it saves, or could save if each result were used once.
    /// Of a few calls it cannot be told yet.
    pub fn is_worth_while(&self) -> bool {
        let calls = self.hits + self.misses() + self.bypassed;
        let worth = self.saved_ns.saturating_add(self.computed_ns);
        calls < TELLING || self.spent.total() <= worth
    }

    /// Calls run because nothing fitting was stored.
    pub fn misses(&self) -> u64 {
        self.misses_by.iter().sum()
    }

    fn with(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
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
            spent: self.spent.with(&other.spent, combine),
            verified: combine(self.verified, other.verified),
            differed: combine(self.differed, other.differed),
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

/// Of so many hits, one is measured.
const ONE_IN: u64 = 64;

/// Hits of one function that nobody but its statistics hears of: counted where they happen.
#[derive(Debug, Default)]
pub struct Tally {
    hits: AtomicU64,
    saved_ns: AtomicU64,
    /// What the hits took of which that is known, and how many those are.
    took_ns: AtomicU64,
    known: AtomicU64,
    /// What the last hit took that was measured.
    last_ns: AtomicU64,
}

impl Tally {
    /// Counts a hit from memory, and the time that the call took when it was run.
    #[inline]
    pub fn hit(&self, saved_ns: u64) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.saved_ns.fetch_add(saved_ns, Ordering::Relaxed);
    }

    /// When a hit begins, if this is one to measure.
    #[inline]
    pub fn begin(&self) -> Option<Instant> {
        let hits = self.hits.load(Ordering::Relaxed);
        hits.is_multiple_of(ONE_IN).then(Instant::now)
    }

    /// Takes note of how long a hit took that is counted already. It stands for those since the last
    /// one that was measured.
    #[cold]
    pub fn measured(&self, start: Instant) {
        let took = since(start);
        let last = self.last_ns.swap(took, Ordering::Relaxed);
        // The lesser of two: a thread that has to let another one go on seems to take long.
        let each = if last == 0 { took } else { took.min(last) };
        let hits = self.hits.load(Ordering::Relaxed);
        let known = self.known.swap(hits, Ordering::Relaxed);
        let more = each.saturating_mul(hits.saturating_sub(known));
        self.took_ns.fetch_add(more, Ordering::Relaxed);
    }

    /// What a hit takes that began then: as long as it took, or else as the last that was measured.
    pub fn spent(&self, start: Option<Instant>) -> Spent {
        let took = start.map_or_else(|| self.last_ns.load(Ordering::Relaxed), since);
        Spent::just(Step::Memory, took)
    }

    fn stats(&self) -> Stats {
        let hits = self.hits.load(Ordering::Relaxed);
        Stats {
            hits,
            memory_hits: hits,
            saved_ns: self.saved_ns.load(Ordering::Relaxed),
            spent: Spent::just(Step::Memory, self.took_ns.load(Ordering::Relaxed)),
            ..Stats::default()
        }
    }
}

fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
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
    /// Call keys of results that went for want of room.
    gone: HashSet<Digest>,
    /// How many of them were made again.
    thrashed: u64,
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

    /// Takes note of a result that went, or is to be made; tells if too many go before they are of
    /// use.
    fn note_room(&mut self, event: &Event) -> Option<Event> {
        match event {
            Event::Evicted {
                key,
                superseded: false,
                ..
            } => {
                if self.gone.len() >= REMEMBERED {
                    self.gone.clear();
                }
                self.gone.insert(*key);
            }
            // Not when it is stored: it may go in the very transaction that enters it, and that is
            // told of first.
            Event::Miss { function, key, .. } if self.gone.remove(key) => {
                self.thrashed += 1;
                let told = self.thrashed == THRASHING.max(self.whole().hits);
                return told.then(|| Event::Thrashing {
                    function: function.clone(),
                    times: self.thrashed,
                });
            }
            _ => {}
        }
        None
    }
}

impl Book {
    /// Counts an event; gives what else is to be told because of it.
    pub(crate) fn record(&mut self, event: &Event) -> Option<Event> {
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
            Event::Verified {
                function,
                difference,
                ..
            } => {
                fresh.verified = 1;
                fresh.differed = u64::from(difference.is_some());
                function
            }
            Event::Bounded { .. }
            | Event::Invalidated { .. }
            | Event::OrphansRemoved { .. }
            | Event::Compacted { .. }
            | Event::Adopted { .. }
            | Event::SwitchedOff { .. }
            | Event::Thrashing { .. }
            | Event::Caution { .. }
            | Event::Degraded { .. } => return None,
        };
        fresh.spent = event.spent().copied().unwrap_or_default();
        let page = self.page(function);
        page.stats = page.stats + fresh;
        page.misses.record(event);
        page.note_room(event)
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
            spent: Spent::default(),
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

    #[test]
    fn one_hit_in_so_many_is_measured_for_all() {
        let tally = Tally::default();
        let mut measured = 0;
        for _ in 0..=2 * ONE_IN {
            let start = tally.begin();
            tally.hit(1);
            if let Some(start) = start {
                measured += 1;
                // A long one, as the first may be.
                let long = std::time::Duration::from_millis(if measured == 1 { 50 } else { 1 });
                std::thread::sleep(long);
                tally.measured(start);
            }
        }
        assert_eq!(measured, 3);
        let took = tally.stats().spent.on(Step::Memory) / 1_000_000;
        // The first for itself, the others for 64 each, at what the quicker neighbour took.
        assert!((50 + 128..64 * 50).contains(&took), "{took}");
    }
}
