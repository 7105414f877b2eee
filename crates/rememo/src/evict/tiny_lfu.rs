//! Admission by remembered frequency, weighed by cost and size.

use super::sketch::Sketch;
use super::{Policy, Worth};

/// Lets go first of what saves least for its size at the frequency it was lately asked for, and
/// remembers that frequency beyond the entry's own life.
///
/// What was just stored is compared with what is there already, and goes at once if it is worth
/// less: a scan of things used once displaces nothing. Frequencies are halved now and then, which
/// scores, being logarithms, take into account without being counted anew. Remembering takes 64 KiB.
#[derive(Clone, Debug, Default)]
pub struct CostAwareTinyLfu {
    sketch: Sketch,
    /// How often frequencies were halved.
    halvings: u64,
}

impl Policy for CostAwareTinyLfu {
    fn name(&self) -> &'static str {
        "tinylfu"
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "so many halvings are never counted"
    )]
    fn score(&mut self, key: u64, worth: &Worth, fresh: u64, before: Option<f64>) -> f64 {
        let frequency = f64::from(self.sketch.see(key, fresh));
        let score =
            (frequency * worth.density()).ln() + self.halvings as f64 * std::f64::consts::LN_2;
        if self.sketch.age() {
            self.halvings += 1;
        }
        score.max(before.unwrap_or(score))
    }

    fn evicted(&mut self, _score: f64) {}

    fn save(&self) -> Vec<u8> {
        let mut saved = self.halvings.to_le_bytes().to_vec();
        saved.extend(self.sketch.save());
        saved
    }

    fn load(&mut self, saved: &[u8]) {
        *self = Self::default();
        let Some((halvings, sketch)) = saved.split_first_chunk() else {
            return;
        };
        if let Some(sketch) = Sketch::load(sketch) {
            self.sketch = sketch;
            // A number that no store lives to see would make scores infinite.
            self.halvings = u64::from_le_bytes(*halvings).min(1 << 50);
        }
    }
}
