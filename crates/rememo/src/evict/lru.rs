//! The least recently used goes first.

use super::{Policy, Worth};

/// Lets go first of what was not used for longest, whatever it costs and takes.
#[derive(Clone, Debug, Default)]
pub struct Lru {
    /// Uses so far, of all entries.
    uses: u64,
}

impl Policy for Lru {
    fn name(&self) -> &'static str {
        "lru"
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for the first nine quadrillion uses"
    )]
    fn score(&mut self, _key: u64, _worth: &Worth, fresh: u64, _before: Option<f64>) -> f64 {
        self.uses = self.uses.saturating_add(fresh.max(1));
        self.uses as f64
    }

    fn evicted(&mut self, _score: f64) {}

    fn save(&self) -> Vec<u8> {
        self.uses.to_le_bytes().to_vec()
    }

    fn load(&mut self, saved: &[u8]) {
        self.uses = saved.try_into().map_or(0, u64::from_le_bytes);
    }
}
