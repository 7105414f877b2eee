//! How much compute time each eviction policy saves, on generated traces or a recorded one.
//!
//! Writes one line for each run, with tabs between: trace, cache size as a share of all bytes,
//! policy, seed, share of the compute time that was saved.
//!
//! ```console
//! cargo bench --bench eviction                            # generated traces
//! cargo bench --bench eviction -- --trace recorded.tsv    # one made by benches/eviction/record.py
//! ```

mod generate;
mod offline;
mod trace;

use std::error::Error;
use std::io::{self, Write};

use rememo::evict::{POLICIES, Policy, Shelf, by_name};

use trace::Trace;

/// Cache sizes, as shares of the bytes of everything that is ever asked for.
const SIZES: [f64; 3] = [0.01, 0.03, 0.1];
/// The part of a trace that warms the cache and does not count.
const WARM_UP: f64 = 0.2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut seeds = 3;
    let mut recorded = None;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => {}
            "--seeds" => seeds = value()?.parse()?,
            "--trace" => recorded = Some(value()?),
            _ => return Err(format!("{argument} means nothing here").into()),
        }
    }
    if let Some(path) = recorded {
        return Ok(compare("recorded", &Trace::read(&path)?, 0)?);
    }
    for seed in 0..seeds {
        for (name, make) in generate::ALL {
            compare(name, &make(seed), seed)?;
        }
    }
    Ok(())
}

fn compare(name: &str, trace: &Trace, seed: u64) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for size in SIZES {
        let capacity = trace.bytes_times(size);
        for policy in POLICIES {
            let policy_made = by_name(policy).expect("it is listed");
            let saved = online(policy_made, trace, capacity);
            writeln!(out, "{name}\t{size}\t{policy}\t{seed}\t{saved:.4}")?;
        }
        let saved = offline::greedy(trace, capacity, trace.warm_up(WARM_UP));
        writeln!(out, "{name}\t{size}\toffline greedy\t{seed}\t{saved:.4}")?;
        let saved = offline::packed(trace, capacity, trace.warm_up(WARM_UP));
        writeln!(out, "{name}\t{size}\toffline packed\t{seed}\t{saved:.4}")?;
    }
    let saved = online(by_name("lru").expect("it is listed"), trace, u64::MAX);
    writeln!(out, "{name}\t1\tunlimited\t{seed}\t{saved:.4}")
}

fn online(policy: Box<dyn Policy>, trace: &Trace, capacity: u64) -> f64 {
    let mut shelf = Shelf::new(policy, capacity);
    let mut score = trace.score(trace.warm_up(WARM_UP));
    for (number, key) in trace.requests.iter().enumerate() {
        let hit = shelf.access(u64::from(*key), 1);
        score.count(number, *key, hit);
        if !hit {
            shelf.add(u64::from(*key), trace.worth(*key));
        }
    }
    score.share()
}
