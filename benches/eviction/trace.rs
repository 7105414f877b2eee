//! Requests for objects of known size and cost.

use std::collections::HashMap;
use std::error::Error;
use std::fs;

use rememo::evict::Worth;

/// What was asked for, in order.
#[derive(Debug, Default)]
pub struct Trace {
    /// Size in bytes and cost in nanoseconds of each object.
    pub objects: Vec<(u64, u64)>,
    /// Objects, by number.
    pub requests: Vec<u32>,
}

impl Trace {
    /// Reads a recorded trace: a line for each request, of key, bytes and nanoseconds, with tabs
    /// between.
    pub fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut trace = Self::default();
        let mut numbers = HashMap::new();
        for line in fs::read_to_string(path)?.lines() {
            let mut fields = line.split('\t');
            let mut field = || fields.next().ok_or(format!("not a request: {line}"));
            let (key, size, cost) = (field()?.to_owned(), field()?.parse()?, field()?.parse()?);
            let number = *numbers.entry(key).or_insert_with(|| {
                trace.objects.push((size, cost));
                u32::try_from(trace.objects.len() - 1).expect("no trace is that long")
            });
            trace.requests.push(number);
        }
        Ok(trace)
    }

    pub fn worth(&self, object: u32) -> Worth {
        let (size, cost_ns) = self.objects[object as usize];
        Worth {
            size,
            cost_ns,
            uses: 1,
        }
    }

    /// A share of the bytes of everything that is asked for.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share need not be exact"
    )]
    pub fn bytes_times(&self, share: f64) -> u64 {
        let mut asked = vec![false; self.objects.len()];
        for object in &self.requests {
            asked[*object as usize] = true;
        }
        let sizes = self.objects.iter().zip(asked);
        let bytes: u64 = sizes
            .filter(|(_, asked)| *asked)
            .map(|((size, _), _)| size)
            .sum();
        (bytes as f64 * share) as u64
    }

    /// The number of the first request that counts.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share need not be exact"
    )]
    pub fn warm_up(&self, share: f64) -> usize {
        (self.requests.len() as f64 * share) as usize
    }

    /// For each request, the number of the next one for the same object.
    pub fn next_uses(&self) -> Vec<usize> {
        let mut coming = vec![usize::MAX; self.objects.len()];
        let mut next = vec![usize::MAX; self.requests.len()];
        for (number, object) in self.requests.iter().enumerate().rev() {
            next[number] = std::mem::replace(&mut coming[*object as usize], number);
        }
        next
    }

    pub fn score(&self, from: usize) -> Score<'_> {
        Score {
            trace: self,
            from,
            saved: 0,
            asked: 0,
        }
    }
}

/// How much of the compute time that was asked for was saved.
pub struct Score<'a> {
    trace: &'a Trace,
    from: usize,
    saved: u128,
    asked: u128,
}

impl Score<'_> {
    pub fn count(&mut self, number: usize, object: u32, hit: bool) {
        if number >= self.from {
            let cost = u128::from(self.trace.objects[object as usize].1);
            self.asked += cost;
            self.saved += if hit { cost } else { 0 };
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "four digits are shown, and these have sixteen"
    )]
    pub fn share(&self) -> f64 {
        self.saved as f64 / self.asked.max(1) as f64
    }
}
