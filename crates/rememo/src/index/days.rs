//! Statistics, by day and function, of all processes together.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::schema::{function_prefix, seal, unseal};
use super::{DAYS, Index};
use crate::stats::{Fresh, Stats};

/// How many days of functions are kept: the latest. By number, for a clock may be wrong.
const KEPT: u64 = 20_000;

/// What happened to the calls of one function on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayStats {
    /// Days since the beginning of 1970, in universal time.
    pub day: u32,
    /// The identity of the function.
    pub function: String,
    /// What happened.
    pub stats: Stats,
}

impl Index {
    /// Adds to the statistics of a day, and to the last misses. The oldest go when there are too many.
    pub(crate) fn add_stats(&self, day: u32, fresh: &[Fresh]) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        for Fresh {
            function,
            stats,
            misses,
        } in fresh
        {
            let key = day_key(day, function);
            let known: Option<DayStats> = self.tables[DAYS].get(&txn, &key)?.and_then(unseal);
            let known = known.map(|known| known.stats).unwrap_or_default();
            let row = DayStats {
                day,
                function: function.clone(),
                stats: known + *stats,
            };
            self.tables[DAYS].put(&mut txn, &key, &seal(&row)?)?;
            self.add_misses(&mut txn, function, misses.clone())?;
        }
        let days = self.tables[DAYS];
        while days.len(&txn)? > KEPT
            && let Some((oldest, _)) = days.first(&txn)?
        {
            let oldest = oldest.to_vec();
            days.delete(&mut txn, &oldest)?;
        }
        txn.commit()
    }

    /// The statistics from a day on, in the order of days.
    pub(crate) fn stats_since(&self, day: u32) -> heed::Result<Vec<DayStats>> {
        let txn = self.env.read_txn()?;
        let mut found = Vec::new();
        let first = day.to_be_bytes();
        let range = (Bound::Included(&first[..]), Bound::Unbounded);
        for row in self.tables[DAYS].range(&txn, &range)? {
            found.extend(unseal::<DayStats>(row?.1));
        }
        Ok(found)
    }

    /// Removes the statistics of one function, or of all.
    pub(crate) fn reset_stats(&self, function: Option<&str>) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        self.reset_misses(&mut txn, function)?;
        let Some(function) = function else {
            self.tables[DAYS].clear(&mut txn)?;
            return txn.commit();
        };
        let mut keys = Vec::new();
        for row in self.tables[DAYS].iter(&txn)? {
            let (key, sealed) = row?;
            if unseal::<DayStats>(sealed).is_some_and(|row| row.function == function) {
                keys.push(key.to_vec());
            }
        }
        for key in keys {
            self.tables[DAYS].delete(&mut txn, &key)?;
        }
        txn.commit()
    }
}

fn day_key(day: u32, function: &str) -> Vec<u8> {
    let mut key = day.to_be_bytes().to_vec();
    key.extend_from_slice(&function_prefix(function));
    key
}
