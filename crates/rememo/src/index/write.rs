//! Changes of the index: each is one transaction that keeps all tables and counts in step.

use heed::{RoTxn, RwTxn};

use super::cleared::Target;
use super::order::Order;
use super::schema::{
    ENTRY_KEY, Entry, ObjectRecord, entry_key, function_key, function_prefix, read_entry, seal,
    unseal,
};
use super::{
    BY_FUNCTION, DAYS, ENTRIES, Index, META, MISSES, OBJECTS, Removed, STATE_REFS, STATES, Usage,
};
use crate::digest::Digest;
use crate::state::StateTree;

/// Entries under one call key at most.
const PER_CALL: usize = 16;
/// Entries removed in one transaction at most, so that writers elsewhere get their turn.
const BATCH: usize = 1000;

/// An entry to be stored.
pub(crate) struct Put<'a> {
    pub call: &'a Digest,
    pub entry: &'a Entry,
    /// The parts of the function's state, in case they are not stored yet.
    pub state: &'a StateTree,
    /// Whether that state, if it is new here, is the code as it is now: results of other code are
    /// then superseded.
    pub is_latest: bool,
}

impl Index {
    /// Stores entries, each in place of those under its call key that depend on the same, and of the
    /// oldest where there would be too many: what that took away, and for each whether it was
    /// stored. One is not if its object, as told by `present`, was swept
    /// in the meantime: put it again, then try again.
    pub(crate) fn put(
        &self,
        puts: &[Put<'_>],
        present: &dyn Fn(&Digest) -> bool,
    ) -> heed::Result<(Removed, Vec<bool>)> {
        let mut txn = self.write_txn()?;
        let mut removed = Removed::default();
        let mut order = self.order(&txn)?;
        let mut stored = Vec::with_capacity(puts.len());
        let mut replaced = Vec::new();
        for put in puts {
            let whole = put.entry.object().is_none_or(present);
            if whole {
                let entered = (put.call, put.entry);
                let tree = (Some(put.state), put.is_latest);
                let gone = self.enter(&mut txn, &mut order, entered, tree, &mut removed)?;
                replaced.extend(gone);
            }
            stored.push(whole);
        }
        let replaced: Vec<_> = replaced.iter().map(|key| Target::Entry(key)).collect();
        self.cleared.add(&replaced)?;
        order.keep_within(&mut txn, &mut removed)?;
        order.save(&mut txn)?;
        txn.commit()?;
        Ok((removed, stored))
    }

    /// Enters a result under its call key, in place of others; the keys of those which had an
    /// object, or may have had one.
    pub(super) fn enter(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        (call, entry): (&Digest, &Entry),
        (tree, is_latest): (Option<&StateTree>, bool),
        removed: &mut Removed,
    ) -> heed::Result<Vec<[u8; ENTRY_KEY]>> {
        let gone = self.replaced_by(txn, call, entry)?;
        let new_tree = self.refer(txn, order, entry, tree)?;
        let mut had_objects = Vec::new();
        for key in &gone {
            let old = self.entry(txn, key)?;
            if old.is_none_or(|old| old.object().is_some()) {
                had_objects.push(*key);
            }
            self.drop_entry(txn, order, key, removed)?;
            self.tables[BY_FUNCTION].delete(txn, &function_key(&entry.function, key))?;
        }
        let key = entry_key(call, entry.created_ns);
        let sealed = seal(entry)?;
        self.tables[ENTRIES].put(txn, &key, &sealed)?;
        let by_function = function_key(&entry.function, &key);
        self.tables[BY_FUNCTION].put(txn, &by_function, &key)?;
        order.add(txn, &key, entry, sealed.len())?;
        if let Some(tree) = new_tree.filter(|_| is_latest) {
            self.demote_superseded(txn, &entry.function, tree)?;
        }
        had_objects.retain(|old| *old != key);
        Ok(had_objects)
    }

    /// Has the disk hold all that was committed.
    pub(crate) fn sync(&self) -> heed::Result<()> {
        self.env.force_sync()
    }

    /// Removes the entries under a call key, and adds what that took away to `removed`.
    pub(crate) fn remove(&self, call: &Digest, removed: &mut Removed) -> heed::Result<()> {
        while self.remove_batch(removed, Target::Call(call), |txn| {
            self.keys_under(txn, &call.0, BATCH)
        })? {}
        Ok(())
    }

    /// Removes the entries of a function.
    pub(crate) fn clear_function(&self, function: &str, removed: &mut Removed) -> heed::Result<()> {
        while self.remove_batch(removed, Target::Function(function), |txn| {
            self.keys_of(txn, function)?.take(BATCH).collect()
        })? {}
        self.sweep_function(function)
    }

    /// Removes the entries of a tag.
    pub(crate) fn clear_tag(&self, tag: &str, removed: &mut Removed) -> heed::Result<()> {
        while self.remove_batch(removed, Target::Tag(tag), |txn| self.keys_tagged(txn, tag))? {}
        Ok(())
    }

    /// Removes everything.
    pub(crate) fn clear_all(&self) -> heed::Result<Removed> {
        let mut txn = self.write_txn()?;
        let mut removed = Removed {
            entries: self.tables[ENTRIES].len(&txn)?,
            ..Removed::default()
        };
        for row in self.tables[OBJECTS].iter(&txn)? {
            removed.objects.extend(row?.0.try_into().ok().map(Digest));
        }
        for (number, table) in self.tables.into_iter().enumerate() {
            if ![META, DAYS, MISSES].contains(&number) {
                table.clear(&mut txn)?;
            }
        }
        let mut order = self.order(&txn)?;
        order.usage = Usage::default();
        order.save(&mut txn)?;
        self.cleared.add(&[Target::Everything])?;
        txn.commit()?;
        Ok(removed)
    }

    /// Unlinks objects that nothing refers to, while nothing can come to refer to them.
    pub(crate) fn sweep(&self, objects: &[Digest], unlink: &dyn Fn(&Digest)) -> heed::Result<()> {
        let txn = self.write_txn()?;
        for id in objects {
            if self.tables[OBJECTS].get(&txn, &id.0)?.is_none() {
                unlink(id);
            }
        }
        Ok(())
    }

    /// Removes one batch of entries; whether there were any.
    fn remove_batch(
        &self,
        removed: &mut Removed,
        cleared: Target<'_>,
        keys: impl FnOnce(&RwTxn<'_>) -> heed::Result<Vec<[u8; ENTRY_KEY]>>,
    ) -> heed::Result<bool> {
        let mut txn = self.write_txn()?;
        let keys = keys(&txn)?;
        let mut order = self.order(&txn)?;
        for key in &keys {
            self.drop_entry(&mut txn, &mut order, key, removed)?;
            if let Target::Function(function) = cleared {
                self.tables[BY_FUNCTION].delete(&mut txn, &function_key(function, key))?;
            }
        }
        order.save(&mut txn)?;
        // Also where there is nothing: a result of it may be on its way.
        self.cleared.add(&[cleared])?;
        txn.commit()?;
        Ok(!keys.is_empty())
    }

    /// Drops rows by function that are not even of the right length.
    fn sweep_function(&self, function: &str) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        let rows = self.tables[BY_FUNCTION].prefix_iter(&txn, &function_prefix(function))?;
        let keys = rows
            .map(|row| row.map(|row| row.0.to_vec()))
            .collect::<heed::Result<Vec<_>>>()?;
        for key in keys {
            self.tables[BY_FUNCTION].delete(&mut txn, &key)?;
        }
        txn.commit()
    }

    /// The entries under a call key that a new one takes the place of.
    pub(super) fn replaced_by(
        &self,
        txn: &RwTxn<'_>,
        call: &Digest,
        entry: &Entry,
    ) -> heed::Result<Vec<[u8; ENTRY_KEY]>> {
        let mut replaced = Vec::new();
        let mut left = 0;
        for key in self.keys_under(txn, &call.0, usize::MAX)? {
            let old = self.entry(txn, &key)?;
            // One that depends on nothing would hide the new one, or be hidden by it, for good.
            let stays = old.is_some_and(|old| {
                !old.world.is_empty()
                    && !entry.world.is_empty()
                    && !old.world.is_alike(&entry.world)
            });
            if stays && left + 1 < PER_CALL {
                left += 1;
            } else {
                replaced.push(key);
            }
        }
        Ok(replaced)
    }

    pub(super) fn keys_under(
        &self,
        txn: &RoTxn<'_>,
        prefix: &[u8],
        limit: usize,
    ) -> heed::Result<Vec<[u8; ENTRY_KEY]>> {
        let mut keys = Vec::new();
        for row in self.tables[ENTRIES].prefix_iter(txn, prefix)?.take(limit) {
            keys.extend(<[u8; ENTRY_KEY]>::try_from(row?.0).ok());
        }
        Ok(keys)
    }

    fn keys_tagged(&self, txn: &RwTxn<'_>, tag: &str) -> heed::Result<Vec<[u8; ENTRY_KEY]>> {
        let mut keys = Vec::new();
        for row in self.tables[ENTRIES].iter(txn)? {
            let (key, sealed) = row?;
            if read_entry(key, sealed).is_some_and(|entry| entry.tag.as_deref() == Some(tag)) {
                keys.extend(<[u8; ENTRY_KEY]>::try_from(key).ok());
            }
            if keys.len() == BATCH {
                break;
            }
        }
        Ok(keys)
    }

    /// Counts an entry's references to its state and object; the parts of the state, if they were
    /// not known.
    fn refer<'t>(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        entry: &Entry,
        tree: Option<&'t StateTree>,
    ) -> heed::Result<Option<&'t StateTree>> {
        let state = &entry.state.0;
        let refs: u64 = self.tables[STATE_REFS]
            .get(txn, state)?
            .and_then(unseal)
            .unwrap_or(0);
        self.tables[STATE_REFS].put(txn, state, &seal(&(refs + 1))?)?;
        let known = self.tables[STATES].get(txn, state)?.is_some();
        let new_tree = tree.filter(|_| !known);
        if let Some(tree) = new_tree {
            let sealed = seal(&tree.shared(&entry.function))?;
            self.tables[STATES].put(txn, state, &sealed)?;
            order.more_in_index(sealed.len());
        }
        if let Some(id) = entry.object() {
            let old: Option<ObjectRecord> = self.tables[OBJECTS].get(txn, &id.0)?.and_then(unseal);
            if old.is_none() {
                order.more_in_objects(entry.size);
            }
            let refs = old.map_or(0, |old| old.refs) + 1;
            let record = ObjectRecord {
                refs,
                size: entry.size,
            };
            self.tables[OBJECTS].put(txn, &id.0, &seal(&record)?)?;
        }
        Ok(new_tree)
    }

    /// Removes an entry with its references. What a damaged one referred to is not known; it
    /// stays counted.
    pub(super) fn drop_entry(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        key: &[u8; ENTRY_KEY],
        removed: &mut Removed,
    ) -> heed::Result<()> {
        let entry = self.entry(txn, key)?;
        removed.entries += u64::from(self.tables[ENTRIES].delete(txn, key)?);
        order.remove(txn, key)?;
        let Some(entry) = entry else { return Ok(()) };
        self.tables[BY_FUNCTION].delete(txn, &function_key(&entry.function, key))?;
        self.release_state(txn, order, &entry.state)?;
        match entry.object() {
            Some(id) => self.release_object(txn, order, id, removed),
            None => Ok(()),
        }
    }

    fn release_state(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        state: &Digest,
    ) -> heed::Result<()> {
        let refs: u64 = self.tables[STATE_REFS]
            .get(txn, &state.0)?
            .and_then(unseal)
            .unwrap_or(0);
        if refs > 1 {
            return self.tables[STATE_REFS].put(txn, &state.0, &seal(&(refs - 1))?);
        }
        if let Some(sealed) = self.tables[STATES].get(txn, &state.0)? {
            order.less_in_index(sealed.len());
        }
        self.tables[STATE_REFS].delete(txn, &state.0)?;
        self.tables[STATES].delete(txn, &state.0)?;
        Ok(())
    }

    fn release_object(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        id: &Digest,
        removed: &mut Removed,
    ) -> heed::Result<()> {
        let record: Option<ObjectRecord> = self.tables[OBJECTS].get(txn, &id.0)?.and_then(unseal);
        match record {
            Some(ObjectRecord { refs, size }) if refs > 1 => {
                let record = ObjectRecord {
                    refs: refs - 1,
                    size,
                };
                self.tables[OBJECTS].put(txn, &id.0, &seal(&record)?)
            }
            record => {
                if let Some(record) = record {
                    order.less_in_objects(record.size);
                }
                self.tables[OBJECTS].delete(txn, &id.0)?;
                removed.objects.push(*id);
                Ok(())
            }
        }
    }
}
