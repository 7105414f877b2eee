//! The index: call keys to entries, in LMDB, for many threads and processes at once.

mod accepted;
pub(crate) mod adopt;
mod audit;
mod choice;
pub(crate) mod cleared;
pub(crate) mod compact;
mod days;
mod listing;
mod misses;
mod open;
mod order;
mod pages;
mod presence;
pub(crate) mod schema;
mod snapshot;
mod supersede;
mod write;

pub(crate) use adopt::Birth;
pub(crate) use audit::Row;
pub use choice::Candidate;
pub(crate) use cleared::Mark;
pub use compact::Compaction;
pub(crate) use compact::is_moved;
pub use days::DayStats;
pub use listing::Listed;
pub(crate) use open::{Loss, Place, aside, is_damage, is_panic, is_strange, place};
pub use order::{Bound, Evicted, Usage};
pub use schema::{Entry, StoredValue};
pub(crate) use snapshot::{Snapshot, is_read_only};
pub(crate) use write::Put;

use std::fs::File;
use std::sync::atomic::AtomicBool;

use heed::types::Bytes;
use heed::{Env, RoTxn, RwTxn, WithoutTls};

use crate::digest::Digest;
use crate::state::StateTree;
use cleared::Cleared;
use presence::Presence;
use schema::{ENTRY_KEY, function_prefix, read_entry, unseal};

type Database = heed::Database<'static, Bytes, Bytes>;

const TABLES: [&str; 11] = [
    "entries",
    "objects",
    "states",
    "state_refs",
    "by_function",
    "order",
    "standings",
    "meta",
    "days",
    "misses",
    "accepted",
];
const ENTRIES: usize = 0;
const OBJECTS: usize = 1;
const STATES: usize = 2;
const STATE_REFS: usize = 3;
const BY_FUNCTION: usize = 4;
/// Places in the order in which entries go, to entries; see [`order`].
const ORDER: usize = 5;
const STANDINGS: usize = 6;
/// What concerns all entries together, by name.
const META: usize = 7;
/// Statistics, by day.
const DAYS: usize = 8;
/// The last calls that were not answered, by function.
const MISSES: usize = 9;
/// Changes of code that were accepted; see [`accepted`].
const ACCEPTED: usize = 10;

/// The file is kept this much longer than its last page, so that a file shorter than its last
/// page has surely been cut off (LMDB never writes out pages that are freed where they began).
const ROOM: u64 = 1 << 20;

/// An open index.
pub(crate) struct Index {
    env: Env<WithoutTls>,
    data: File,
    page: u64,
    tables: [Database; TABLES.len()],
    cleared: Cleared,
    /// None for a copy that nobody else has.
    presence: Option<Presence>,
    pub(crate) pid: u32,
    /// Whether it turned out to be damaged while it was in use.
    pub(crate) condemned: AtomicBool,
}

/// The entries found under a call key.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Those that could be read, newest first.
    pub entries: Vec<Entry>,
    /// How many could not.
    pub damaged: usize,
}

/// What a change of the index took away.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// How many entries.
    pub entries: u64,
    /// Objects that nothing refers to any more.
    pub objects: Vec<Digest>,
    /// Those of the entries that had to go for want of room.
    pub evicted: Vec<Evicted>,
}

impl Index {
    /// Does something with the index. If the process dies of it, whoever opens the index next looks
    /// whether that was because of what is in it.
    pub(crate) fn at_work<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.presence {
            Some(presence) => presence.at_work(&self.data, work),
            None => work(),
        }
    }

    /// The entry in a row, unless there is none that can be read.
    fn entry(&self, txn: &RoTxn<'_>, key: &[u8]) -> heed::Result<Option<Entry>> {
        let sealed = self.tables[ENTRIES].get(txn, key)?;
        Ok(sealed.and_then(|sealed| read_entry(key, sealed)))
    }

    /// The entries under a call key, newest first.
    pub(crate) fn get(&self, call: &Digest) -> heed::Result<Found> {
        let txn = self.env.read_txn()?;
        let mut found = Found::default();
        for row in self.tables[ENTRIES].prefix_iter(&txn, &call.0)? {
            let (key, sealed) = row?;
            match read_entry(key, sealed) {
                Some(entry) => found.entries.push(entry),
                None => found.damaged += 1,
            }
        }
        Ok(found)
    }

    /// The entries of a function, newest first, at most `limit`; unreadable ones are left out.
    pub(crate) fn entries_of(&self, function: &str, limit: usize) -> heed::Result<Vec<Entry>> {
        let txn = self.env.read_txn()?;
        let mut entries = Vec::new();
        for key in self.keys_of(&txn, function)? {
            let key = key?;
            let entry = self.entry(&txn, &key)?;
            entries.extend(entry.filter(|entry| entry.function == function));
            if entries.len() >= limit {
                break;
            }
        }
        Ok(entries)
    }

    /// The call key of each entry and when it was stored, in nanoseconds of Unix time.
    pub(crate) fn stored(&self) -> heed::Result<Vec<(Digest, u64)>> {
        let txn = self.env.read_txn()?;
        let mut stored = Vec::new();
        for row in self.tables[ENTRIES].iter(&txn)? {
            stored.extend(schema::parse_entry_key(row?.0));
        }
        Ok(stored)
    }

    /// The parts of a function state.
    pub(crate) fn state(&self, state: &Digest) -> heed::Result<Option<StateTree>> {
        let txn = self.env.read_txn()?;
        let sealed = self.tables[STATES].get(&txn, &state.0)?;
        let tree = sealed.and_then(unseal);
        Ok(tree.filter(|tree: &StateTree| tree.digest == *state))
    }

    /// Whether the parts of a function state are stored.
    pub(crate) fn has_state(&self, state: &Digest) -> heed::Result<bool> {
        let txn = self.env.read_txn()?;
        Ok(self.tables[STATES].get(&txn, &state.0)?.is_some())
    }

    /// The keys of a function's entries, newest first.
    fn keys_of<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        function: &str,
    ) -> heed::Result<impl Iterator<Item = heed::Result<[u8; ENTRY_KEY]>> + use<'t>> {
        let rows = self.tables[BY_FUNCTION].prefix_iter(txn, &function_prefix(function))?;
        Ok(rows.filter_map(|row| match row {
            Ok((_, key)) => key.try_into().ok().map(Ok),
            Err(error) => Some(Err(error)),
        }))
    }

    /// A write transaction, with room kept behind the last page; none in an index that another one
    /// took the place of.
    fn write_txn(&self) -> heed::Result<RwTxn<'_>> {
        if let Some(presence) = &self.presence {
            presence.writes();
        }
        let txn = self.env.write_txn()?;
        if self.is_moved() {
            return Err(compact::moved());
        }
        let end = (self.env.info().last_page_number as u64 + 1) * self.page;
        if self.data.metadata()?.len() < end + ROOM {
            self.data.set_len(end + 4 * ROOM)?;
        }
        Ok(txn)
    }
}
