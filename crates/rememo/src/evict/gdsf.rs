//! The usual policy: greedy-dual by size and frequency.

use super::{Level, Policy, Worth};

/// Lets go first of what saves least for its size, however often it was used long ago.
///
/// An entry's score is the time that its uses saved for each byte, on top of a level that rises to
/// the score of whatever had to go: what is not used any more is overtaken by what is.
#[derive(Clone, Debug, Default)]
pub struct Gdsf(Level);

impl Policy for Gdsf {
    fn name(&self) -> &'static str {
        "gdsf"
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an order of magnitude is what counts"
    )]
    fn score(&mut self, _key: u64, worth: &Worth, _fresh: u64, before: Option<f64>) -> f64 {
        let score = self.0.0 + worth.uses.max(1) as f64 * worth.density();
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
