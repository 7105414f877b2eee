//! Traces with the traits that memoized programs have: a few results asked for most, results asked
//! for once, interests that move on, code that changes, and loops.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Zipf};

use crate::trace::Trace;

const OBJECTS: u32 = 20_000;
const REQUESTS: usize = 400_000;
/// How steeply popularity falls with rank.
const EXPONENT: f64 = 0.9;

type Make = fn(u64) -> Trace;

/// All kinds, by name.
pub const ALL: [(&str, Make); 7] = [
    ("zipf", zipf),
    ("scan", scan),
    ("shift", shift),
    ("versions", versions),
    ("loops", loops),
    ("cost follows size", cost_follows_size),
    ("equal cost", equal_cost),
];

/// Draws objects, with sizes and costs whose logarithms are normal: most are small and cheap, a
/// few are neither.
struct Source {
    random: SmallRng,
    zipf: Zipf<f64>,
    /// Objects by popularity.
    ranking: Vec<u32>,
    objects: Vec<(u64, u64)>,
}

impl Source {
    fn new(seed: u64) -> Self {
        let mut source = Self {
            random: SmallRng::seed_from_u64(seed),
            zipf: Zipf::new(f64::from(OBJECTS), EXPONENT).expect("both are positive"),
            ranking: (0..OBJECTS).collect(),
            objects: Vec::new(),
        };
        source.ranking.shuffle(&mut source.random);
        for _ in 0..OBJECTS {
            source.object();
        }
        source
    }

    /// A new object: around 4 KiB and 10 ms.
    fn object(&mut self) -> u32 {
        let size = self.around(4096.0);
        let cost = self.around(1e7);
        self.objects.push((size, cost));
        u32::try_from(self.objects.len() - 1).expect("no trace is that long")
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far from the limits"
    )]
    fn around(&mut self, median: f64) -> u64 {
        let spread = LogNormal::new(median.ln(), 2.0).expect("the spread is finite");
        spread.sample(&mut self.random).clamp(64.0, 1e12) as u64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank from 1 to the number of objects"
    )]
    fn rank(&mut self) -> usize {
        self.zipf.sample(&mut self.random) as usize - 1
    }

    fn popular(&mut self) -> u32 {
        let rank = self.rank();
        self.ranking[rank]
    }

    fn trace(self, requests: Vec<u32>) -> Trace {
        Trace {
            objects: self.objects,
            requests,
        }
    }
}

/// Some are asked for much more often than others, always the same.
fn zipf(seed: u64) -> Trace {
    let mut source = Source::new(seed);
    let requests = (0..REQUESTS).map(|_| source.popular()).collect();
    source.trace(requests)
}

/// Three in ten are asked for once and never again.
fn scan(seed: u64) -> Trace {
    let mut source = Source::new(seed);
    let request = |_| {
        if source.random.random_bool(0.3) {
            source.object()
        } else {
            source.popular()
        }
    };
    let requests = (0..REQUESTS).map(request).collect();
    source.trace(requests)
}

/// What is popular changes eight times.
fn shift(seed: u64) -> Trace {
    let mut source = Source::new(seed);
    let mut requests = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        if number % (REQUESTS / 8) == 0 {
            let (random, ranking) = (&mut source.random, &mut source.ranking);
            ranking.shuffle(random);
        }
        requests.push(source.popular());
    }
    source.trace(requests)
}

/// Each object is a result of one of a hundred functions; every 2000 requests, the code of one
/// changes, and its results are others from then on.
fn versions(seed: u64) -> Trace {
    const FUNCTIONS: u32 = 100;
    let mut source = Source::new(seed);
    let mut requests = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        if number % 2000 == 1999 {
            let function = source.random.random_range(0..FUNCTIONS);
            for rank in 0..source.ranking.len() {
                if u32::try_from(rank).is_ok_and(|rank| rank % FUNCTIONS == function) {
                    source.ranking[rank] = source.object();
                }
            }
        }
        requests.push(source.popular());
    }
    source.trace(requests)
}

/// The same objects one after the other, time and again, more than fit.
fn loops(seed: u64) -> Trace {
    let source = Source::new(seed);
    let requests = (0..REQUESTS)
        .map(|number| source.ranking[number % source.ranking.len()])
        .collect();
    source.trace(requests)
}

/// What is large takes long.
fn cost_follows_size(seed: u64) -> Trace {
    let mut trace = zipf(seed);
    let mut random = SmallRng::seed_from_u64(seed);
    for (size, cost) in &mut trace.objects {
        *cost = *size * random.random_range(1000..4000);
    }
    trace
}

/// Everything takes equally long.
fn equal_cost(seed: u64) -> Trace {
    let mut trace = zipf(seed);
    for (_, cost) in &mut trace.objects {
        *cost = 10_000_000;
    }
    trace
}
