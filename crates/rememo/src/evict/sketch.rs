//! How often keys were seen lately, those that are gone included, in a fixed number of bytes.

const ROWS: usize = 4;
/// Counters of a row; two to a byte.
const WIDTH: usize = 1 << 15;
const BYTES: usize = ROWS * WIDTH / 2;
/// Sightings after which all counts are halved.
const PERIOD: u64 = 8 * WIDTH as u64;
const MOST: u8 = 15;
/// Odd numbers with no pattern, one to each row.
const MIX: [u64; ROWS] = [
    0x9E37_79B9_7F4A_7C15,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0xD6E8_FEB8_6659_FD93,
];

/// A count-min sketch with counters of four bits that are halved now and then.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    counters: Vec<u8>,
    seen: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            counters: vec![0; BYTES],
            seen: 0,
        }
    }
}

impl Sketch {
    /// Counts sightings of a key, and returns how often it was seen lately: at least once.
    pub fn see(&mut self, key: u64, times: u64) -> u8 {
        let times = u8::try_from(times.clamp(1, u64::from(MOST))).unwrap_or(MOST);
        let now = self.count(key).saturating_add(times).min(MOST);
        for (row, mix) in MIX.into_iter().enumerate() {
            let (byte, shift) = place(key, row, mix);
            // Only the smallest counters of a key move: the others count other keys too.
            if (self.counters[byte] >> shift) & MOST < now {
                self.counters[byte] &= !(MOST << shift);
                self.counters[byte] |= now << shift;
            }
        }
        self.seen += u64::from(times);
        now
    }

    /// Halves all counts if it is time; whether it was.
    pub fn age(&mut self) -> bool {
        if self.seen < PERIOD {
            return false;
        }
        self.seen /= 2;
        for pair in &mut self.counters {
            *pair = (*pair >> 1) & 0x77;
        }
        true
    }

    fn count(&self, key: u64) -> u8 {
        let counts = MIX.into_iter().enumerate().map(|(row, mix)| {
            let (byte, shift) = place(key, row, mix);
            (self.counters[byte] >> shift) & MOST
        });
        counts.min().unwrap_or(0)
    }

    pub fn save(&self) -> Vec<u8> {
        let mut saved = self.seen.to_le_bytes().to_vec();
        saved.extend_from_slice(&self.counters);
        saved
    }

    pub fn load(saved: &[u8]) -> Option<Self> {
        let (seen, counters) = saved.split_first_chunk()?;
        let counters = (counters.len() == BYTES).then(|| counters.to_vec())?;
        Some(Self {
            counters,
            seen: u64::from_le_bytes(*seen),
        })
    }
}

/// The byte and the bit where a row counts a key.
fn place(key: u64, row: usize, mix: u64) -> (usize, u8) {
    let mixed = (key ^ mix).wrapping_mul(mix | 1);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(MIX[0]) >> 40;
    let column = usize::try_from(mixed).unwrap_or(0) % WIDTH;
    let shift = if column.is_multiple_of(2) { 0 } else { 4 };
    (row * (WIDTH / 2) + column / 2, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_popular_stand_out_until_they_age() {
        let mut sketch = Sketch::default();
        for key in 0..4000 {
            sketch.see(key, 1);
        }
        assert_eq!(sketch.see(7, 11), 12);
        let wrong = (4000..8000).filter(|key| sketch.count(*key) > 0).count();
        assert!(wrong < 40, "{wrong} of 4000 keys that were never seen");
        assert!(!sketch.age());
        sketch.seen = PERIOD;
        assert!(sketch.age());
        assert_eq!(sketch.count(7), 6);
        assert_eq!(sketch.count(8), 0);
        assert_eq!(Sketch::load(&sketch.save()).unwrap().count(7), 6);
        assert!(Sketch::load(b"short").is_none());
    }
}
