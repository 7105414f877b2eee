//! Which results to let go of first: policies that see numbers only.
//!
//! A policy gives every entry a score. Entries are kept in the exact order of their scores, and
//! when room is needed, the lowest goes first; an entry that was just stored may be that one, which
//! is how a policy declines to admit it. What a policy itself has to remember is a few bytes that
//! are stored beside the entries, so that it survives restarts and is shared by processes.
//!
//! Time does not occur here: policies count uses, so that a clock that is set back or jumps ahead
//! changes nothing.
//!
//! ```
//! use rememo::evict::{Gdsf, Shelf, Worth};
//!
//! let mut shelf = Shelf::new(Gdsf::default(), 1000);
//! shelf.add(1, Worth { size: 500, cost_ns: 9_000_000, uses: 1 });
//! shelf.add(2, Worth { size: 500, cost_ns: 1_000, uses: 1 });
//! // The third takes the place of the one that is cheapest to compute again.
//! let evicted = shelf.add(3, Worth { size: 500, cost_ns: 5_000_000, uses: 1 });
//! assert_eq!(evicted, [2]);
//! ```

pub mod conformance;
mod decayed;
mod gdsf;
mod lfu;
mod lru;
mod shelf;
mod sketch;
mod tiny_lfu;

pub use decayed::Decayed;
pub use gdsf::Gdsf;
pub use lfu::AgedLfu;
pub use lru::Lru;
pub use shelf::Shelf;
pub use tiny_lfu::CostAwareTinyLfu;

use std::fmt;

/// What a policy is told of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// Bytes that go free when it goes.
    pub size: u64,
    /// What it costs to have it again, in nanoseconds: to compute, encode and decode it.
    pub cost_ns: u64,
    /// How often it was of use so far, its being computed included.
    pub uses: u64,
}

impl Worth {
    /// Nanoseconds saved by a use, for each byte. Never zero, and never infinite.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an order of magnitude is what counts"
    )]
    pub fn density(&self) -> f64 {
        self.cost_ns.max(1) as f64 / self.size.max(1) as f64
    }
}

/// Decides in which order entries go.
///
/// [`conformance::check`] holds for each: use it for one of your own.
pub trait Policy: fmt::Debug + Send {
    /// The word for it in settings.
    fn name(&self) -> &'static str;

    /// The score of an entry that was just used: the `fresh` last ones of `worth.uses`. `before`
    /// is its score until then, and nothing if it was not there. Scores are finite.
    fn score(&mut self, key: u64, worth: &Worth, fresh: u64, before: Option<f64>) -> f64;

    /// Told of the score of an entry that had to go for want of room.
    fn evicted(&mut self, score: f64);

    /// What to remember for later, other than the scores.
    fn save(&self) -> Vec<u8>;

    /// Goes on from what [`Policy::save`] gave; begins anew from anything else.
    fn load(&mut self, saved: &[u8]);
}

impl Policy for Box<dyn Policy> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn score(&mut self, key: u64, worth: &Worth, fresh: u64, before: Option<f64>) -> f64 {
        (**self).score(key, worth, fresh, before)
    }

    fn evicted(&mut self, score: f64) {
        (**self).evicted(score);
    }

    fn save(&self) -> Vec<u8> {
        (**self).save()
    }

    fn load(&mut self, saved: &[u8]) {
        (**self).load(saved);
    }
}

/// The names of the policies that come with the engine, the usual one first.
pub const POLICIES: [&str; 5] = ["gdsf", "lru", "lfu", "decayed", "tinylfu"];

/// The policy of this name, as it begins.
pub fn by_name(name: &str) -> Option<Box<dyn Policy>> {
    Some(match name {
        "gdsf" => Box::new(Gdsf::default()),
        "lru" => Box::new(Lru::default()),
        "lfu" => Box::new(AgedLfu::default()),
        "decayed" => Box::new(Decayed::default()),
        "tinylfu" => Box::new(CostAwareTinyLfu::default()),
        _ => return None,
    })
}

/// A score as bytes that sort as scores do.
pub fn sortable(score: f64) -> [u8; 8] {
    let bits = score.to_bits();
    let flipped = if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    };
    flipped.to_be_bytes()
}

/// The score that [`sortable`] made these bytes of.
pub fn score_of(sortable: [u8; 8]) -> f64 {
    let flipped = u64::from_be_bytes(sortable);
    f64::from_bits(if flipped >> 63 == 1 {
        flipped & !(1 << 63)
    } else {
        !flipped
    })
}

/// The one number that several policies remember: how far scores have risen.
#[derive(Clone, Copy, Debug, Default)]
struct Level(f64);

impl Level {
    /// Rises to the score of what had to go, so that what is used from now on outranks it.
    fn rise(&mut self, score: f64) {
        if score.is_finite() {
            self.0 = self.0.max(score);
        }
    }

    fn save(self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }

    fn load(saved: &[u8]) -> Self {
        let level = saved.try_into().map(f64::from_le_bytes);
        Self(level.ok().filter(|level| level.is_finite()).unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sort_as_scores_do() {
        let scores = [f64::MIN, -3.5, -0.0, 0.0, f64::MIN_POSITIVE, 1.0, 1e18];
        for pair in scores.windows(2) {
            assert!(sortable(pair[0]) < sortable(pair[1]), "{pair:?}");
        }
        for score in scores {
            assert_eq!(score_of(sortable(score)).to_bits(), score.to_bits());
        }
    }

    #[test]
    fn every_policy_keeps_the_promises_of_policies() {
        for name in POLICIES {
            conformance::check(|| by_name(name).unwrap());
            assert_eq!(by_name(name).unwrap().name(), name);
        }
        assert!(by_name("fifo").is_none());
    }
}
