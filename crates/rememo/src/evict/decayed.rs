//! The sum of what each use saved, where a use counts for less the longer ago it was.

use super::{Policy, Worth};

/// Lets go first of what saved least for its size lately.
///
/// A use counts half as much after [`Decayed::half_life`] more uses of anything. Scores are
/// logarithms, for which the passing of time changes no order: nothing is ever counted anew.
#[derive(Clone, Debug)]
pub struct Decayed {
    /// Uses of all entries after which one counts half.
    half_life: f64,
    /// Uses so far, of all entries.
    uses: u64,
}

impl Decayed {
    /// With a half-life in uses of all entries; at least one.
    pub fn with_half_life(uses: u32) -> Self {
        Self {
            half_life: f64::from(uses.max(1)),
            uses: 0,
        }
    }

    /// Uses of all entries after which one counts half.
    pub fn half_life(&self) -> f64 {
        self.half_life
    }
}

impl Default for Decayed {
    fn default() -> Self {
        Self::with_half_life(50_000)
    }
}

impl Policy for Decayed {
    fn name(&self) -> &'static str {
        "decayed"
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for the first nine quadrillion uses"
    )]
    fn score(&mut self, _key: u64, worth: &Worth, fresh: u64, before: Option<f64>) -> f64 {
        let fresh = fresh.max(1);
        self.uses = self.uses.saturating_add(fresh);
        let now = self.uses as f64 / self.half_life * std::f64::consts::LN_2;
        let saved = (fresh as f64 * worth.density()).ln() + now;
        before.map_or(saved, |before| ln_of_sum(before, saved))
    }

    fn evicted(&mut self, _score: f64) {}

    fn save(&self) -> Vec<u8> {
        self.uses.to_le_bytes().to_vec()
    }

    fn load(&mut self, saved: &[u8]) {
        self.uses = saved.try_into().map_or(0, u64::from_le_bytes);
    }
}

/// The logarithm of the sum of two numbers, of their logarithms.
fn ln_of_sum(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    large + (small - large).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_counts_half_after_its_half_life() {
        let worth = Worth {
            size: 1,
            cost_ns: 1,
            uses: 1,
        };
        let mut policy = Decayed::with_half_life(1000);
        let first = policy.score(1, &worth, 1, None);
        policy.score(2, &worth, 999, None);
        let second = policy.score(3, &worth, 1, None);
        assert!((second - first - std::f64::consts::LN_2).abs() < 1e-9);
        assert!((ln_of_sum(3.0_f64.ln(), 4.0_f64.ln()) - 7.0_f64.ln()).abs() < 1e-12);
    }
}
