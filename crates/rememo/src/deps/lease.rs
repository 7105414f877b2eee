//! For how long a result is good, where its user says so; and how that is told by clocks that are
//! set now and then.
//!
//! The clock on the wall is what all processes and later days have in common, but it may be set. So
//! a result is good only between two of its readings: one from before it was made is as bad as one
//! from after it expired. As long as the machine runs, its age is told by the clock that counts since
//! the machine was started, too, which nobody sets; so setting back the clock on the wall makes
//! nothing last longer, unless the machine is started anew meanwhile.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// How long results of a function are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeToLive {
    /// For this long after the call began.
    For(Duration),
    /// Until the next of the moments that are this long apart.
    Until {
        /// How long.
        every: Duration,
        /// One of the moments, in nanoseconds of Unix time.
        from_ns: u64,
    },
}

/// A reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Nanoseconds of Unix time.
    wall_ns: u64,
    /// Which start of which machine.
    boot: u64,
    /// Nanoseconds since then.
    up_ns: u64,
}

/// When a result is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// From when on, in nanoseconds of Unix time.
    from_ns: u64,
    /// Until when.
    until_ns: u64,
    /// The same by the other clock, for as long as it runs.
    boot: u64,
    from_up_ns: u64,
    until_up_ns: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let up = clock_gettime(ClockId::Boottime);
        let up = Duration::try_from(up).unwrap_or_default();
        Self {
            wall_ns: nanoseconds(wall.unwrap_or_default()),
            boot: *BOOT,
            up_ns: nanoseconds(up),
        }
    }
}

/// What this start of this machine is called; zero where the system does not say.
static BOOT: LazyLock<u64> = LazyLock::new(|| {
    let Ok(name) = std::fs::read("/proc/sys/kernel/random/boot_id") else {
        return 0;
    };
    let digest = Digest::of(&name).0;
    digest[..8]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
});

impl TimeToLive {
    /// The lease of what is made from now on.
    pub(crate) fn begin(self) -> Lease {
        self.lease(&Moment::now())
    }

    /// The lease of what was stored then, when nobody thought of one.
    pub(crate) fn since(self, created_ns: u64) -> Lease {
        self.lease(&Moment {
            wall_ns: created_ns,
            boot: 0,
            up_ns: 0,
        })
    }

    fn lease(self, made: &Moment) -> Lease {
        let long = match self {
            Self::For(long) => nanoseconds(long),
            Self::Until { every, from_ns } => {
                let every = nanoseconds(every).max(1);
                every - remainder(made.wall_ns, from_ns, every)
            }
        };
        Lease {
            from_ns: made.wall_ns,
            until_ns: made.wall_ns.saturating_add(long),
            boot: made.boot,
            from_up_ns: made.up_ns,
            until_up_ns: made.up_ns.saturating_add(long),
        }
    }
}

/// How far one moment is past the last of those that are so far apart.
fn remainder(at_ns: u64, from_ns: u64, every_ns: u64) -> u64 {
    let since = i128::from(at_ns) - i128::from(from_ns);
    u64::try_from(since.rem_euclid(i128::from(every_ns))).unwrap_or(0)
}

impl Lease {
    /// Whether it has ended, or has not begun.
    pub fn is_over(&self) -> bool {
        self.is_over_at(&Moment::now())
    }

    fn is_over_at(&self, now: &Moment) -> bool {
        let by_wall = (self.from_ns..self.until_ns).contains(&now.wall_ns);
        let same_run = self.boot == now.boot && self.boot != 0;
        let by_up = !same_run || (self.from_up_ns..self.until_up_ns).contains(&now.up_ns);
        !(by_wall && by_up)
    }

    /// When both are good.
    pub(crate) fn and(self, other: Self) -> Self {
        // Of two starts of the machine, what is told by an earlier one is over: the later counts.
        let (later, earlier) = if self.from_ns >= other.from_ns {
            (self, other)
        } else {
            (other, self)
        };
        let up = if later.boot == 0 { earlier } else { later };
        let same_run = later.boot == earlier.boot;
        Self {
            from_ns: later.from_ns,
            until_ns: later.until_ns.min(earlier.until_ns),
            boot: up.boot,
            from_up_ns: if same_run {
                later.from_up_ns.max(earlier.from_up_ns)
            } else {
                up.from_up_ns
            },
            until_up_ns: if same_run {
                later.until_up_ns.min(earlier.until_up_ns)
            } else {
                up.until_up_ns
            },
        }
    }

    /// When both are good, of those that there are.
    pub(crate) fn both(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    /// When it ends, in nanoseconds of Unix time.
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;

    fn at(wall_ns: u64, boot: u64, up_ns: u64) -> Moment {
        Moment {
            wall_ns,
            boot,
            up_ns,
        }
    }

    fn hours(number: u64) -> Duration {
        Duration::from_nanos(number * HOUR)
    }

    #[test]
    fn it_ends_when_its_time_is_over() {
        let lease = TimeToLive::For(hours(2)).lease(&at(100 * HOUR, 1, HOUR));
        assert!(!lease.is_over_at(&at(100 * HOUR, 1, HOUR)));
        assert!(!lease.is_over_at(&at(102 * HOUR - 1, 1, 3 * HOUR - 1)));
        assert!(lease.is_over_at(&at(102 * HOUR, 1, 3 * HOUR)));
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_last_longer() {
        let lease = TimeToLive::For(hours(2)).lease(&at(100 * HOUR, 1, HOUR));
        // Forward: it may have been that long, for all that is known.
        assert!(lease.is_over_at(&at(103 * HOUR, 1, HOUR)));
        // Back, to before it was made.
        assert!(lease.is_over_at(&at(99 * HOUR, 1, HOUR)));
        // Back, later on: the other clock tells.
        assert!(lease.is_over_at(&at(101 * HOUR, 1, 4 * HOUR)));
        // After another start of the machine, the clock on the wall is all there is.
        assert!(!lease.is_over_at(&at(101 * HOUR, 2, 4 * HOUR)));
        assert!(!lease.is_over_at(&at(101 * HOUR, 2, 0)));
    }

    #[test]
    fn intervals_end_at_the_same_moments_for_all() {
        let from_ns = 6 * HOUR;
        let daily = TimeToLive::Until {
            every: hours(24),
            from_ns,
        };
        for made in [30, 31, 53] {
            let lease = daily.lease(&at(made * HOUR, 1, 0));
            assert_eq!(lease.until_ns(), 54 * HOUR, "{made}");
        }
        assert_eq!(daily.lease(&at(54 * HOUR, 1, 0)).until_ns(), 78 * HOUR);
        assert_eq!(daily.lease(&at(HOUR, 1, 0)).until_ns(), 6 * HOUR);
    }

    #[test]
    fn of_two_the_one_that_ends_first_counts() {
        let long = TimeToLive::For(hours(9)).lease(&at(100 * HOUR, 1, HOUR));
        let short = TimeToLive::For(hours(2)).lease(&at(101 * HOUR, 1, 2 * HOUR));
        for both in [long.and(short), short.and(long)] {
            assert_eq!(both, short);
        }
        // What was made before the machine was started anew.
        let early = TimeToLive::For(hours(9)).lease(&at(99 * HOUR, 7, 50 * HOUR));
        for both in [early.and(short), short.and(early)] {
            assert_eq!(both, short);
        }
        // One that the other clock says nothing of.
        let plain = TimeToLive::For(hours(1)).since(102 * HOUR);
        for both in [plain.and(short), short.and(plain)] {
            assert_eq!((both.from_ns, both.until_ns), (102 * HOUR, 103 * HOUR));
            assert_eq!((both.boot, both.until_up_ns), (1, 4 * HOUR));
        }
    }
}
