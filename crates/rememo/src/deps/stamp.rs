//! Stamps: what the file system says of a file's last change, and when that can be believed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

const SECOND: i64 = 1_000_000_000;
/// Time stamps come from a clock that is moved on by the timer interrupt, every 10 ms at most.
const TICK: i64 = 20_000_000;
/// Some file systems keep whole seconds only, some every other one.
const COARSE_TICK: i64 = 2 * SECOND + TICK;

/// What must change whenever a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The device that it lies on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When it was modified, in nanoseconds of Unix time, as anybody may set it.
    pub modified_ns: i64,
    /// When it last changed in any way, as only the file system sets it.
    pub changed_ns: i64,
}

impl Stamp {
    /// The stamp in a file's metadata.
    pub fn of(found: &Metadata) -> Self {
        let time = |seconds: i64, ns: i64| seconds.saturating_mul(SECOND).saturating_add(ns);
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified_ns: time(found.mtime(), found.mtime_nsec()),
            changed_ns: time(found.ctime(), found.ctime_nsec()),
        }
    }

    /// Whether a later change cannot leave the stamp as it is, given that it was read at or after
    /// `now`. While the clock of the file system stands still, a file can change twice with one
    /// time to show for it; and a time in the future says nothing.
    pub fn is_settled(&self, now: i64) -> bool {
        let whole_seconds = self.changed_ns % SECOND == 0 && self.modified_ns % SECOND == 0;
        let tick = if whole_seconds { COARSE_TICK } else { TICK };
        self.changed_ns.saturating_add(tick) < now
    }
}

/// The time, in nanoseconds of Unix time.
pub(super) fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(changed_ns: i64) -> Stamp {
        Stamp {
            device: 1,
            inode: 1,
            size: 1,
            modified_ns: 0,
            changed_ns,
        }
    }

    #[test]
    fn a_fresh_stamp_is_not_believed() {
        let at = 1_700_000_000 * SECOND + 5;
        assert!(!changed_at(at).is_settled(at));
        assert!(!changed_at(at).is_settled(at + TICK));
        assert!(changed_at(at).is_settled(at + TICK + 1));
    }

    #[test]
    fn a_stamp_from_the_future_is_not_believed() {
        let now = 1_700_000_000 * SECOND + 5;
        assert!(!changed_at(now + SECOND).is_settled(now));
    }

    #[test]
    fn whole_seconds_may_be_all_that_a_file_system_keeps() {
        let at = 1_700_000_000 * SECOND;
        assert!(!changed_at(at).is_settled(at + 2 * SECOND));
        assert!(changed_at(at).is_settled(at + 3 * SECOND));
    }
}
