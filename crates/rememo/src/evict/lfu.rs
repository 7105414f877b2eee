//! The least often used goes first, with dynamic aging.

use super::{Level, Policy, Worth};

/// Lets go first of what was used least often, whatever it costs and takes.
///
/// Uses count on top of a level that rises to the score of whatever had to go, so that what was
/// popular once is overtaken.
#[derive(Clone, Debug, Default)]
pub struct AgedLfu(Level);

impl Policy for AgedLfu {
    fn name(&self) -> &'static str {
        "lfu"
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "so many uses are never counted exactly"
    )]
    fn score(&mut self, _key: u64, worth: &Worth, _fresh: u64, before: Option<f64>) -> f64 {
        let score = self.0.0 + worth.uses.max(1) as f64;
        score.max(before.unwrap_or(score))
    }

    fn evicted(&mut self, score: f64) {
        self.0.rise(score);
    }

    fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    fn load(&mut self, saved: &[u8]) {
        self.0 = Level::load(saved);
    }
}
