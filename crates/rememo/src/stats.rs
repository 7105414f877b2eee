//! Statistics per function, made from the event stream.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Event;

/// What happened to the calls of one function in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Results handed back from the store.
    pub hits: u64,
    /// Calls run because nothing fitting was stored.
    pub misses: u64,
    /// Results stored.
    pub stored: u64,
    /// Results that were returned but not stored.
    pub not_stored: u64,
    /// Calls made past the store.
    pub bypassed: u64,
    /// The time that the hits would have taken to compute.
    pub saved_ns: u64,
}

/// Hits of one function that nobody but its statistics hears of: counted where they happen.
#[derive(Debug, Default)]
pub struct Tally {
    hits: AtomicU64,
    saved_ns: AtomicU64,
}

impl Tally {
    /// Counts a hit, and the time that the call took when it was run.
    pub fn hit(&self, saved_ns: u64) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        self.saved_ns.fetch_add(saved_ns, Ordering::Relaxed);
    }

    fn add_to(&self, stats: &mut Stats) {
        stats.hits += self.hits.load(Ordering::Relaxed);
        let saved = self.saved_ns.load(Ordering::Relaxed);
        stats.saved_ns = stats.saved_ns.saturating_add(saved);
    }
}

/// The statistics of all functions.
#[derive(Debug, Default)]
pub(crate) struct Book(HashMap<String, Page>);

#[derive(Debug, Default)]
struct Page {
    stats: Stats,
    tally: Arc<Tally>,
}

impl Book {
    /// Counts an event.
    pub(crate) fn record(&mut self, event: &Event) {
        match event {
            Event::Hit {
                function, saved_ns, ..
            } => {
                let stats = self.page(function);
                stats.hits += 1;
                stats.saved_ns = stats.saved_ns.saturating_add(*saved_ns);
            }
            Event::Miss { function, .. } => self.page(function).misses += 1,
            Event::Stored { function, .. } => self.page(function).stored += 1,
            Event::NotStored { function, .. } => self.page(function).not_stored += 1,
            Event::Bypassed { function, .. } => self.page(function).bypassed += 1,
            Event::Evicted { .. }
            | Event::Bounded { .. }
            | Event::Invalidated { .. }
            | Event::Degraded { .. } => {}
        }
    }

    /// The statistics of one function.
    pub(crate) fn of(&self, function: &str) -> Stats {
        let Some(page) = self.0.get(function) else {
            return Stats::default();
        };
        let mut stats = page.stats;
        page.tally.add_to(&mut stats);
        stats
    }

    /// Where hits of one function may be counted without an event.
    pub(crate) fn tally(&mut self, function: &str) -> Arc<Tally> {
        self.whole_page(function).tally.clone()
    }

    fn page(&mut self, function: &str) -> &mut Stats {
        &mut self.whole_page(function).stats
    }

    fn whole_page(&mut self, function: &str) -> &mut Page {
        if !self.0.contains_key(function) {
            self.0.insert(function.to_owned(), Page::default());
        }
        self.0.get_mut(function).expect("it was just put there")
    }
}
