//! Statistics per function, made from the event stream.

use std::collections::HashMap;

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

/// The statistics of all functions.
#[derive(Debug, Default)]
pub(crate) struct Book(HashMap<String, Stats>);

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
            Event::Invalidated { .. } | Event::Degraded { .. } => {}
        }
    }

    /// The statistics of one function.
    pub(crate) fn of(&self, function: &str) -> Stats {
        self.0.get(function).copied().unwrap_or_default()
    }

    fn page(&mut self, function: &str) -> &mut Stats {
        if !self.0.contains_key(function) {
            self.0.insert(function.to_owned(), Stats::default());
        }
        self.0.get_mut(function).expect("it was just put there")
    }
}
