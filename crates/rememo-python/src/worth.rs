//! Whether it is worth while to memoize a function: one that is not can be switched off.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use rememo::measure::time_to_read;
use rememo::{Event, Stats, Store};

/// How often it is considered, in calls that are not answered from memory.
const ONE_IN: u32 = 16;

/// Whether a function is switched off as soon as it is not worth while; and whether it is.
#[derive(Debug, Default)]
pub struct Worth {
    asked: bool,
    calls: AtomicU32,
    off: AtomicBool,
}

impl Worth {
    pub fn new(asked: bool) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    /// Whether the user asked for it to be considered.
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    #[inline]
    pub fn is_off(&self) -> bool {
        self.asked && self.off.load(Ordering::Relaxed)
    }

    /// Considers it now and then.
    pub fn consider_sometimes(&self, py: Python<'_>, name: &str, store: &Store) {
        if self.asked && self.calls.fetch_add(1, Ordering::Relaxed) % ONE_IN == ONE_IN - 1 {
            self.consider(py, name, store);
        }
    }

    /// Switches the function off if it is not worth while, and says so.
    pub fn consider(&self, py: Python<'_>, name: &str, store: &Store) {
        if !self.asked {
            return;
        }
        py.detach(|| {
            let stats = store.events().stats(name);
            if stats.is_worth_while() || self.off.swap(true, Ordering::Relaxed) {
                return;
            }
            store.events().emit(&Event::SwitchedOff {
                function: name.to_owned(),
                why: why(&stats),
            });
        });
    }
}

fn why(stats: &Stats) -> String {
    let told = |nanoseconds| time_to_read(Duration::from_nanos(nanoseconds));
    format!(
        "{} calls cost {} besides their runs; those took {}, and {} were saved",
        stats.hits + stats.misses() + stats.bypassed,
        told(stats.spent.total()),
        told(stats.computed_ns),
        told(stats.saved_ns),
    )
}
