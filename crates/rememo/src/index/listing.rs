//! Every entry in turn, with where it stands; and which would go first.

use std::ops::ControlFlow;

use heed::RwTxn;

use super::order::Class;
use super::schema::{ENTRY_KEY, Entry, call_of, read_entry, seal};
use super::{Bound, ENTRIES, Evicted, Index};
use crate::digest::Digest;
use crate::evict::Worth;

/// A stored result, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The call key.
    pub key: Digest,
    /// The entry.
    pub entry: Entry,
    /// What there is to lose.
    pub worth: Worth,
    /// Whether the code that made it has changed since, so that it goes before others.
    pub superseded: bool,
}

impl Index {
    /// Visits every entry in the order of call keys; those that cannot be read are left out, and
    /// counted.
    pub(crate) fn each(
        &self,
        visit: &mut dyn FnMut(Listed) -> ControlFlow<()>,
    ) -> heed::Result<u64> {
        let txn = self.env.read_txn()?;
        let mut unreadable = 0;
        for row in self.tables[ENTRIES].iter(&txn)? {
            let (key, sealed) = row?;
            let known = <[u8; ENTRY_KEY]>::try_from(key)
                .ok()
                .zip(read_entry(key, sealed));
            let Some((key, entry)) = known else {
                unreadable += 1;
                continue;
            };
            let (worth, class) = self.worth_and_class(&txn, &key)?;
            let listed = Listed {
                key: call_of(&key),
                entry,
                worth,
                superseded: class == Class::Superseded,
            };
            if visit(listed).is_break() {
                break;
            }
        }
        Ok(unreadable)
    }

    /// Tells what would go if all entries were to keep within a bound, so many at a time; nothing
    /// does.
    pub(crate) fn would_go(
        &self,
        bound: Bound,
        at_once: usize,
        tell: &mut dyn FnMut(&[Evicted]),
    ) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        loop {
            let removed = self.reduce_in(&mut txn, bound, at_once)?;
            if removed.evicted.is_empty() {
                break;
            }
            tell(&removed.evicted);
        }
        txn.abort();
        Ok(())
    }

    /// Keeps the entries under call keys from going for want of room, or lets them go again; how
    /// many of them were not so before.
    pub(crate) fn pin(&self, calls: &[Digest], pinned: bool) -> heed::Result<u64> {
        let mut txn = self.write_txn()?;
        let mut changed = 0;
        for call in calls {
            for key in self.keys_under(&txn, &call.0, usize::MAX)? {
                changed += u64::from(self.pin_one(&mut txn, &key, pinned)?);
            }
        }
        txn.commit()?;
        Ok(changed)
    }

    fn pin_one(
        &self,
        txn: &mut RwTxn<'_>,
        key: &[u8; ENTRY_KEY],
        pinned: bool,
    ) -> heed::Result<bool> {
        let entry = self.entry(txn, key)?;
        let Some(mut entry) = entry.filter(|entry| entry.pinned != pinned) else {
            return Ok(false);
        };
        entry.pinned = pinned;
        self.tables[ENTRIES].put(txn, key, &seal(&entry)?)?;
        let class = if pinned { Class::Pinned } else { Class::Usual };
        self.reclassify(txn, key, class)?;
        Ok(true)
    }
}
