//! The order in which entries go when room is needed: superseded ones first, then by score. Kept
//! exactly, and in the same transactions as the entries themselves.

use heed::{RoTxn, RwTxn};
use serde::{Deserialize, Serialize};

use super::schema::{ENTRY_KEY, Entry, ObjectRecord, call_of, seal, unseal};
use super::{Index, META, OBJECTS, ORDER, Removed, STANDINGS, STATES};
use crate::digest::Digest;
use crate::evict::{Policy, Worth, by_name, sortable};

/// Bytes of the index that an entry takes for each byte of its rows: pages are full by half after
/// they were split, and by more on average.
const PER_BYTE: u64 = 2;
/// Bytes of an entry's rows other than the entry itself: keys, standing, place, row by function.
const ROWS: u64 = 300;

const TOTALS: &[u8] = b"totals";
const BOUND: &[u8] = b"bound";
const POLICY: &[u8] = b"policy";
const DELETES: &[u8] = b"deletes superseded";
/// So many superseded entries go in one transaction at most, so that others get their turn.
const AT_ONCE: usize = 1000;

type EntryKey = [u8; ENTRY_KEY];

/// What all entries take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// How many entries there are.
    pub entries: u64,
    /// Bytes in the index, as they are counted.
    pub index_bytes: u64,
    /// How many objects there are, each a file.
    pub files: u64,
    /// Bytes in objects.
    pub object_bytes: u64,
    /// How many places were given so far.
    placed: u64,
}

impl Usage {
    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.index_bytes.saturating_add(self.object_bytes)
    }
}

/// How much all entries may take together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Bytes, those of the index included.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

impl Bound {
    fn is_exceeded(&self, usage: &Usage) -> bool {
        usage.bytes() > self.bytes || usage.files > self.files
    }
}

/// Which entries go before which, whatever their scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Class {
    /// Made by code that has changed since.
    Superseded,
    /// All others, but for:
    Usual,
    /// Never to go for want of room.
    Pinned,
}

/// What places of superseded entries begin with, which makes them the first.
const SUPERSEDED: u8 = 0;

/// Where an entry stands, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Standing {
    class: Class,
    score: f64,
    /// Its place among equals: those used earlier go first.
    number: u64,
    uses: u64,
    cost_ns: u64,
    /// Bytes that go free with it: in the index, and in an object.
    index_bytes: u64,
    object_bytes: u64,
}

impl Standing {
    fn worth(&self) -> Worth {
        Worth {
            size: self.index_bytes.saturating_add(self.object_bytes),
            cost_ns: self.cost_ns,
            uses: self.uses,
        }
    }

    /// The key of its row in the table of the order; pinned entries have none.
    fn place(&self) -> Option<[u8; 17]> {
        let class = match self.class {
            Class::Superseded => SUPERSEDED,
            Class::Usual => 1,
            Class::Pinned => return None,
        };
        let mut place = [class; 17];
        place[1..9].copy_from_slice(&sortable(self.score));
        place[9..].copy_from_slice(&self.number.to_be_bytes());
        Some(place)
    }
}

/// An entry that had to go for want of room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evicted {
    /// The identity of its function.
    pub function: String,
    /// Its call key.
    pub key: Digest,
    /// Bytes that went free, as they are counted.
    pub size: u64,
    /// Whether the code that made it has changed since.
    pub superseded: bool,
    /// How long the call took that it was the result of.
    pub compute_ns: u64,
}

/// The order, for the duration of a transaction.
pub(super) struct Order<'a> {
    index: &'a Index,
    policy: Box<dyn Policy>,
    pub(super) usage: Usage,
    bound: Option<Bound>,
    /// Whether superseded entries go at once.
    deletes: bool,
}

impl Index {
    /// The order as it is in a transaction. What is changed of it must be saved.
    pub(super) fn order(&self, txn: &RoTxn<'_>) -> heed::Result<Order<'_>> {
        let meta = self.tables[META];
        let named: Option<(String, Vec<u8>)> = meta.get(txn, POLICY)?.and_then(unseal);
        let (name, saved) = named.unwrap_or_default();
        let mut policy = by_name(&name).unwrap_or_else(|| Box::new(crate::evict::Gdsf::default()));
        policy.load(&saved);
        Ok(Order {
            index: self,
            policy,
            usage: meta.get(txn, TOTALS)?.and_then(unseal).unwrap_or_default(),
            bound: meta.get(txn, BOUND)?.and_then(unseal),
            deletes: meta.get(txn, DELETES)?.and_then(unseal).unwrap_or_default(),
        })
    }

    /// What all entries take together.
    pub(crate) fn usage(&self) -> heed::Result<Usage> {
        let txn = self.env.read_txn()?;
        Ok(self.order(&txn)?.usage)
    }

    /// How much all entries may take together, where that was settled.
    pub(crate) fn bound(&self) -> heed::Result<Option<Bound>> {
        let txn = self.env.read_txn()?;
        Ok(self.tables[META].get(&txn, BOUND)?.and_then(unseal))
    }

    /// The name of the policy by which entries go.
    pub(crate) fn policy(&self) -> heed::Result<String> {
        let txn = self.env.read_txn()?;
        Ok(self.order(&txn)?.policy.name().to_owned())
    }

    /// Whether entries go as soon as their code has changed.
    pub(crate) fn deletes_superseded(&self) -> heed::Result<bool> {
        let txn = self.env.read_txn()?;
        Ok(self.order(&txn)?.deletes)
    }

    /// Objects of the entries that are first in order and have one to themselves, of so many bytes
    /// together.
    pub(crate) fn first_objects(&self, bytes: u64) -> heed::Result<Vec<Digest>> {
        let txn = self.env.read_txn()?;
        let mut objects = Vec::new();
        let mut sum = 0;
        for row in self.tables[ORDER].iter(&txn)? {
            let key = row?.1;
            if let Some((id, size)) = self.own_object(&txn, key)? {
                objects.push(id);
                sum += size;
            }
            if sum >= bytes {
                break;
            }
        }
        Ok(objects)
    }

    /// Objects that only what is stored under a call key has.
    pub(crate) fn own_objects(&self, call: &Digest) -> heed::Result<Vec<Digest>> {
        let txn = self.env.read_txn()?;
        let mut objects = Vec::new();
        for key in self.keys_under(&txn, &call.0, usize::MAX)? {
            objects.extend(self.own_object(&txn, &key)?.map(|(id, _)| id));
        }
        Ok(objects)
    }

    /// The object of an entry, with its bytes, if no other entry has it.
    fn own_object(&self, txn: &RoTxn<'_>, key: &[u8]) -> heed::Result<Option<(Digest, u64)>> {
        let entry = self.entry(txn, key)?;
        let Some(id) = entry.as_ref().and_then(Entry::object) else {
            return Ok(None);
        };
        let record = self.tables[OBJECTS].get(txn, &id.0)?.and_then(unseal);
        Ok(match record {
            Some(ObjectRecord { refs: 1, size }) => Some((*id, size)),
            _ => None,
        })
    }

    /// Settles how much all entries may take together, by which policy they go, and whether they go
    /// as soon as their code has changed. What is too much goes at once.
    pub(crate) fn settle_bound(
        &self,
        bound: Bound,
        policy: Option<&str>,
        deletes: Option<bool>,
    ) -> heed::Result<Removed> {
        let mut txn = self.write_txn()?;
        let mut order = self.order(&txn)?;
        let mut removed = Removed::default();
        self.tables[META].put(&mut txn, BOUND, &seal(&bound)?)?;
        order.bound = Some(bound);
        if let Some(deletes) = deletes {
            self.tables[META].put(&mut txn, DELETES, &seal(&deletes)?)?;
            order.deletes = deletes;
        }
        if let Some(policy) = policy.and_then(by_name)
            && policy.name() != order.policy.name()
        {
            order.policy = policy;
            order.score_anew(&mut txn)?;
        }
        order.keep_within(&mut txn, &mut removed)?;
        order.save(&mut txn)?;
        txn.commit()?;
        Ok(removed)
    }

    /// Counts uses of what is stored under call keys; and again makes usual what was superseded.
    pub(crate) fn count_uses(&self, uses: &[(Digest, u64)]) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        let mut order = self.order(&txn)?;
        for (call, fresh) in uses {
            for key in self.keys_under(&txn, &call.0, 1)? {
                order.used(&mut txn, &key, *fresh)?;
            }
        }
        order.save(&mut txn)?;
        txn.commit()
    }

    /// Lets go of entries until the rest keeps within a bound, which holds for this once, or so many
    /// are gone.
    pub(crate) fn reduce_to(&self, bound: Bound, most: usize) -> heed::Result<Removed> {
        let mut txn = self.write_txn()?;
        let removed = self.reduce_in(&mut txn, bound, most)?;
        txn.commit()?;
        Ok(removed)
    }

    pub(super) fn reduce_in(
        &self,
        txn: &mut RwTxn<'_>,
        bound: Bound,
        most: usize,
    ) -> heed::Result<Removed> {
        let mut order = self.order(txn)?;
        let mut removed = Removed::default();
        while removed.evicted.len() < most
            && (bound.is_exceeded(&order.usage) || order.is_first_to_be_deleted(txn)?)
            && order.evict_one(txn, &mut removed)?
        {}
        // A disk that is full need not be written to for nothing.
        if !removed.evicted.is_empty() {
            order.save(txn)?;
        }
        Ok(removed)
    }

    /// Lets go of entries until objects of so many bytes are gone, the first in order first.
    pub(crate) fn make_room(&self, bytes: u64) -> heed::Result<Removed> {
        let mut txn = self.write_txn()?;
        let mut order = self.order(&txn)?;
        let mut removed = Removed::default();
        let goal = order.usage.object_bytes.saturating_sub(bytes);
        while order.usage.object_bytes > goal && order.evict_one(&mut txn, &mut removed)? {}
        order.save(&mut txn)?;
        txn.commit()?;
        Ok(removed)
    }

    /// Has entries go before all others, or come to be usual again.
    pub(super) fn classify(
        &self,
        txn: &mut RwTxn<'_>,
        keys: &[EntryKey],
        class: Class,
    ) -> heed::Result<()> {
        for key in keys {
            let Some(standing) = self.standing(txn, key)? else {
                continue;
            };
            if standing.class != Class::Pinned && standing.class != class {
                self.move_to(txn, key, Some(standing), Standing { class, ..standing })?;
            }
        }
        Ok(())
    }

    /// Has an entry be of a class, whatever it was before.
    pub(super) fn reclassify(
        &self,
        txn: &mut RwTxn<'_>,
        key: &EntryKey,
        class: Class,
    ) -> heed::Result<()> {
        match self.standing(txn, key)? {
            Some(before) => self.move_to(txn, key, Some(before), Standing { class, ..before }),
            None => Ok(()),
        }
    }

    /// What there is to lose with an entry, and its class.
    pub(super) fn worth_and_class(
        &self,
        txn: &RoTxn<'_>,
        key: &EntryKey,
    ) -> heed::Result<(Worth, Class)> {
        let nothing = Worth {
            size: 0,
            cost_ns: 0,
            uses: 0,
        };
        let standing = self.standing(txn, key)?;
        Ok(standing.map_or((nothing, Class::Usual), |known| {
            (known.worth(), known.class)
        }))
    }

    fn standing(&self, txn: &RoTxn<'_>, key: &EntryKey) -> heed::Result<Option<Standing>> {
        Ok(self.tables[STANDINGS].get(txn, key)?.and_then(unseal))
    }

    fn move_to(
        &self,
        txn: &mut RwTxn<'_>,
        key: &EntryKey,
        from: Option<Standing>,
        to: Standing,
    ) -> heed::Result<()> {
        if let Some(place) = from.and_then(|from| from.place()) {
            self.tables[ORDER].delete(txn, &place)?;
        }
        if let Some(place) = to.place() {
            self.tables[ORDER].put(txn, &place, key)?;
        }
        self.tables[STANDINGS].put(txn, key, &seal(&to)?)
    }
}

impl Order<'_> {
    /// Gives a new entry its place.
    pub(super) fn add(
        &mut self,
        txn: &mut RwTxn<'_>,
        key: &EntryKey,
        entry: &Entry,
        sealed: usize,
    ) -> heed::Result<()> {
        let mut standing = Standing {
            class: if entry.pinned {
                Class::Pinned
            } else {
                Class::Usual
            },
            score: 0.0,
            number: 0,
            uses: 1,
            cost_ns: entry.compute_ns.saturating_add(entry.encode_ns),
            index_bytes: (sealed as u64 + ROWS) * PER_BYTE,
            object_bytes: entry.object().map_or(0, |_| entry.size),
        };
        self.rank(key, &mut standing, 1, None);
        self.usage.entries += 1;
        self.usage.index_bytes += standing.index_bytes;
        self.index.move_to(txn, key, None, standing)
    }

    /// Counts uses of an entry.
    fn used(&mut self, txn: &mut RwTxn<'_>, key: &EntryKey, fresh: u64) -> heed::Result<()> {
        let Some(before) = self.index.standing(txn, key)? else {
            return Ok(());
        };
        let mut now = before;
        now.uses = now.uses.saturating_add(fresh);
        now.class = before.class.max(Class::Usual);
        self.rank(key, &mut now, fresh, Some(before.score));
        self.index.move_to(txn, key, Some(before), now)
    }

    /// Takes an entry that was dropped out of the order.
    pub(super) fn remove(&mut self, txn: &mut RwTxn<'_>, key: &EntryKey) -> heed::Result<()> {
        let Some(standing) = self.index.standing(txn, key)? else {
            return Ok(());
        };
        if let Some(place) = standing.place() {
            self.index.tables[ORDER].delete(txn, &place)?;
        }
        self.index.tables[STANDINGS].delete(txn, key)?;
        self.usage.entries = self.usage.entries.saturating_sub(1);
        self.usage.index_bytes = self.usage.index_bytes.saturating_sub(standing.index_bytes);
        Ok(())
    }

    pub(super) fn more_in_index(&mut self, bytes: usize) {
        self.usage.index_bytes += bytes as u64 * PER_BYTE;
    }

    pub(super) fn less_in_index(&mut self, bytes: usize) {
        let bytes = bytes as u64 * PER_BYTE;
        self.usage.index_bytes = self.usage.index_bytes.saturating_sub(bytes);
    }

    pub(super) fn more_in_objects(&mut self, bytes: u64) {
        self.usage.files += 1;
        self.usage.object_bytes += bytes;
    }

    pub(super) fn less_in_objects(&mut self, bytes: u64) {
        self.usage.files = self.usage.files.saturating_sub(1);
        self.usage.object_bytes = self.usage.object_bytes.saturating_sub(bytes);
    }

    /// What all entries take together, counted anew.
    pub(super) fn counted(&self, txn: &RoTxn<'_>) -> heed::Result<Usage> {
        let tables = &self.index.tables;
        let mut usage = Usage {
            placed: self.usage.placed,
            ..Usage::default()
        };
        for row in tables[STANDINGS].iter(txn)? {
            let standing: Option<Standing> = unseal(row?.1);
            usage.entries += 1;
            usage.index_bytes += standing.map_or(0, |standing| standing.index_bytes);
        }
        for row in tables[STATES].iter(txn)? {
            usage.index_bytes += row?.1.len() as u64 * PER_BYTE;
        }
        for row in tables[OBJECTS].iter(txn)? {
            let record: Option<ObjectRecord> = unseal(row?.1);
            usage.files += 1;
            usage.object_bytes += record.map_or(0, |record| record.size);
        }
        Ok(usage)
    }

    /// Lets go of entries until the bound is kept.
    pub(super) fn keep_within(
        &mut self,
        txn: &mut RwTxn<'_>,
        removed: &mut Removed,
    ) -> heed::Result<()> {
        for _ in 0..AT_ONCE {
            if !self.is_first_to_be_deleted(txn)? {
                break;
            }
            self.evict_one(txn, removed)?;
        }
        let Some(bound) = self.bound else {
            return Ok(());
        };
        while bound.is_exceeded(&self.usage) && self.evict_one(txn, removed)? {}
        Ok(())
    }

    /// Whether the first in order goes although there is room.
    fn is_first_to_be_deleted(&self, txn: &RoTxn<'_>) -> heed::Result<bool> {
        let first = self.index.tables[ORDER].first(txn)?;
        Ok(self.deletes && first.is_some_and(|(place, _)| place.first() == Some(&SUPERSEDED)))
    }

    /// Lets go of the first in order; whether there was one.
    fn evict_one(&mut self, txn: &mut RwTxn<'_>, removed: &mut Removed) -> heed::Result<bool> {
        let Some((place, key)) = self.index.tables[ORDER].first(txn)? else {
            return Ok(false);
        };
        let (place, key) = (place.to_vec(), EntryKey::try_from(key));
        // It has no place any more, even should it be damaged.
        self.index.tables[ORDER].delete(txn, &place)?;
        let Ok(key) = key else { return Ok(true) };
        let standing = self.index.standing(txn, &key)?;
        self.evict(txn, &key, standing, removed)?;
        if let Some(standing) = standing.filter(|known| known.class != Class::Superseded) {
            self.policy.evicted(standing.score);
        }
        Ok(true)
    }

    /// Lets go of an entry that somebody chose, unless it is never to go; whether it went.
    pub(super) fn evict_chosen(
        &mut self,
        txn: &mut RwTxn<'_>,
        key: &EntryKey,
        removed: &mut Removed,
    ) -> heed::Result<bool> {
        let standing = self.index.standing(txn, key)?;
        if standing.is_none_or(|known| known.class == Class::Pinned) {
            return Ok(false);
        }
        self.evict(txn, key, standing, removed)?;
        Ok(true)
    }

    fn evict(
        &mut self,
        txn: &mut RwTxn<'_>,
        key: &EntryKey,
        standing: Option<Standing>,
        removed: &mut Removed,
    ) -> heed::Result<()> {
        let entry = self.index.entry(txn, key)?;
        self.index.drop_entry(txn, self, key, removed)?;
        let (function, compute_ns) = entry
            .map(|entry| (entry.function, entry.compute_ns))
            .unwrap_or_default();
        removed.evicted.push(Evicted {
            function,
            compute_ns,
            key: call_of(key),
            size: standing.map_or(0, |standing| standing.worth().size),
            superseded: standing.is_some_and(|known| known.class == Class::Superseded),
        });
        Ok(())
    }

    /// Gives every entry the score that the policy, which is new, has for it.
    fn score_anew(&mut self, txn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut keys = Vec::new();
        for row in self.index.tables[ORDER].iter(txn)? {
            keys.extend(EntryKey::try_from(row?.1).ok());
        }
        for key in keys {
            let Some(before) = self.index.standing(txn, &key)? else {
                continue;
            };
            let mut now = before;
            self.rank(&key, &mut now, before.uses, None);
            self.index.move_to(txn, &key, Some(before), now)?;
        }
        Ok(())
    }

    fn rank(&mut self, key: &EntryKey, standing: &mut Standing, fresh: u64, before: Option<f64>) {
        let mut number = [0; 8];
        number.copy_from_slice(&key[..8]);
        let key = u64::from_le_bytes(number);
        standing.score = self.policy.score(key, &standing.worth(), fresh, before);
        self.usage.placed += 1;
        standing.number = self.usage.placed;
    }

    /// Writes down what changed.
    pub(super) fn save(self, txn: &mut RwTxn<'_>) -> heed::Result<()> {
        let meta = self.index.tables[META];
        meta.put(txn, TOTALS, &seal(&self.usage)?)?;
        let policy = (self.policy.name(), self.policy.save());
        meta.put(txn, POLICY, &seal(&policy)?)
    }
}
