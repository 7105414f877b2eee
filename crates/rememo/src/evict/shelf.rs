//! Entries in the order of their scores, in memory: what a store does on disk, with numbers only.

use std::collections::{BTreeMap, HashMap};

use super::{Policy, Worth, sortable};

/// Where an entry stands: by score, then by age.
type Place = ([u8; 8], u64);

/// A bounded set of entries, kept by a policy. Simulations and tests run on it.
#[derive(Debug)]
pub struct Shelf<P> {
    policy: P,
    capacity: u64,
    used: u64,
    entries: HashMap<u64, Standing>,
    order: BTreeMap<Place, u64>,
    /// Places given so far.
    given: u64,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    worth: Worth,
    score: f64,
    place: Place,
}

impl<P: Policy> Shelf<P> {
    /// An empty shelf for so many bytes.
    pub fn new(policy: P, capacity: u64) -> Self {
        Self {
            policy,
            capacity,
            used: 0,
            entries: HashMap::new(),
            order: BTreeMap::new(),
            given: 0,
        }
    }

    /// Puts an entry there, and lets go of as many as need be; which, that one perhaps included.
    pub fn add(&mut self, key: u64, worth: Worth) -> Vec<u64> {
        self.take(key);
        self.place(key, worth, 1, None);
        self.used += worth.size;
        let mut evicted = Vec::new();
        while self.used > self.capacity
            && let Some((_, key)) = self.order.first_key_value()
        {
            let key = *key;
            if let Some(gone) = self.take(key) {
                self.policy.evicted(gone.score);
                evicted.push(key);
            }
        }
        evicted
    }

    /// Uses an entry, so many times; whether it is there.
    pub fn access(&mut self, key: u64, times: u64) -> bool {
        let Some(standing) = self.entries.get(&key).copied() else {
            return false;
        };
        self.order.remove(&standing.place);
        let worth = Worth {
            uses: standing.worth.uses.saturating_add(times),
            ..standing.worth
        };
        self.place(key, worth, times, Some(standing.score));
        true
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// How many entries are there.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The policy as it is now.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// Goes on with another policy for the same scores.
    pub fn replace_policy(&mut self, policy: P) {
        self.policy = policy;
    }

    fn place(&mut self, key: u64, worth: Worth, fresh: u64, before: Option<f64>) {
        let score = self.policy.score(key, &worth, fresh, before);
        self.given += 1;
        let place = (sortable(score), self.given);
        self.order.insert(place, key);
        let standing = Standing {
            worth,
            score,
            place,
        };
        self.entries.insert(key, standing);
    }

    fn take(&mut self, key: u64) -> Option<Standing> {
        let gone = self.entries.remove(&key)?;
        self.order.remove(&gone.place);
        self.used -= gone.worth.size;
        Some(gone)
    }
}
