//! What calls cost besides the run: measured on each thread, by the step that it was spent on.
//!
//! Calls happen within calls. Each counts its own time only: what is counted for a call within
//! another, be it within its run or within the fingerprint of an argument, is left out there.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// What time is spent on besides runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Finding out what the result depends on.
    Key,
    /// Looking for entries and reading results.
    Lookup,
    /// Looking whether what a result depends on is as it was.
    Verify,
    /// Making the result from its bytes.
    Decode,
    /// Waiting for somebody else who makes the same call.
    Wait,
    /// Making bytes of the result.
    Encode,
    /// Storing them.
    Store,
    /// Hits from memory, all of them: of every 64th it is measured how long it takes.
    Memory,
    /// All else.
    Other,
}

const STEPS: usize = Step::ALL.len();

impl Step {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Key,
        Self::Lookup,
        Self::Verify,
        Self::Decode,
        Self::Wait,
        Self::Encode,
        Self::Store,
        Self::Memory,
        Self::Other,
    ];

    /// It in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Lookup => "lookup",
            Self::Verify => "verify",
            Self::Decode => "decode",
            Self::Wait => "wait",
            Self::Encode => "encode",
            Self::Store => "store",
            Self::Memory => "memory",
            Self::Other => "other",
        }
    }
}

/// Nanoseconds by the step that they were spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent([u64; STEPS]);

impl Spent {
    /// Nanoseconds spent on a step.
    pub fn on(&self, step: Step) -> u64 {
        self.0[step as usize]
    }

    /// Nanoseconds in all.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// So many nanoseconds on one step.
    pub fn just(step: Step, nanoseconds: u64) -> Self {
        let mut spent = Self::default();
        spent.add(step, nanoseconds);
        spent
    }

    pub(crate) fn add(&mut self, step: Step, nanoseconds: u64) {
        let part = &mut self.0[step as usize];
        *part = part.saturating_add(nanoseconds);
    }

    pub(crate) fn with(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|at| combine(self.0[at], other.0[at])))
    }
}

/// What a call has spent since it last told of it.
struct Meter {
    since: Instant,
    /// What was counted on the thread by then.
    counted: u64,
    spent: Spent,
}

impl Meter {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            counted: COUNTED.get(),
            spent: Spent::default(),
        }
    }
}

thread_local! {
    static METER: RefCell<Option<Meter>> = const { RefCell::new(None) };
    /// All that was counted on this thread.
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

/// Until it is dropped, a call is metered.
pub(crate) struct Metered(Option<Meter>);

/// Begins to meter a call.
pub(crate) fn begin() -> Metered {
    Metered(METER.replace(Some(Meter::new())))
}

impl Drop for Metered {
    fn drop(&mut self) {
        METER.set(self.0.take());
    }
}

/// Does some work, and counts it.
pub(crate) fn time<T>(step: Step, work: impl FnOnce() -> T) -> T {
    let (done, own) = own_time(work);
    COUNTED.set(COUNTED.get().wrapping_add(own));
    METER.with_borrow_mut(|meter| {
        if let Some(meter) = meter {
            meter.spent.add(step, own);
        }
    });
    done
}

/// Makes the run of a call, and tells how many nanoseconds it took: without what calls within it
/// are counted for.
pub(crate) fn run<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (done, own) = own_time(work);
    METER.with_borrow_mut(|meter| {
        if let Some(meter) = meter {
            let spent = meter.spent;
            *meter = Meter {
                spent,
                ..Meter::new()
            };
        }
    });
    (done, own)
}

/// What the call has spent since it was last asked: all of its time, but for runs.
pub(crate) fn take() -> Spent {
    METER.with_borrow_mut(|meter| {
        let Some(meter) = meter else {
            return Spent::default();
        };
        let elsewhere = COUNTED.get().wrapping_sub(meter.counted);
        let other = nanoseconds_since(meter.since).saturating_sub(elsewhere);
        COUNTED.set(COUNTED.get().wrapping_add(other));
        let mut spent = std::mem::replace(meter, Meter::new()).spent;
        spent.add(Step::Other, other);
        spent
    })
}

fn own_time<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (start, counted) = (Instant::now(), COUNTED.get());
    let done = work();
    let within = COUNTED.get().wrapping_sub(counted);
    (done, nanoseconds_since(start).saturating_sub(within))
}

fn nanoseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    fn pause(milliseconds: u64) {
        sleep(Duration::from_millis(milliseconds));
    }

    fn milliseconds(nanoseconds: u64) -> u64 {
        nanoseconds / 1_000_000
    }

    #[test]
    fn what_is_spent_is_counted_once_and_runs_are_not() {
        let start = Instant::now();
        let outer = begin();
        time(Step::Key, || {
            pause(20);
            // A call within a fingerprint.
            let inner = begin();
            time(Step::Lookup, || pause(300));
            let spent = take();
            assert!(milliseconds(spent.on(Step::Lookup)) >= 300);
            assert_eq!(spent.on(Step::Key), 0);
            drop(inner);
        });
        let before = take();
        assert!((20..300).contains(&milliseconds(before.on(Step::Key))));
        let ((), ran) = run(|| {
            pause(20);
            let inner = begin();
            time(Step::Encode, || pause(300));
            pause(10);
            assert!(milliseconds(take().on(Step::Other)) >= 10);
            drop(inner);
        });
        assert!((20..300).contains(&milliseconds(ran)), "{ran}");
        pause(10);
        let after = take();
        assert!(
            (10..300).contains(&milliseconds(after.total())),
            "{after:?}"
        );
        drop(outer);
        let counted = before.total() + ran + after.total();
        assert!(counted < nanoseconds_since(start));
        assert_eq!(take(), Spent::default());
    }
}
