//! Whether the tables of the index can be read and agree with each other; and mending them.

use std::collections::HashMap;

use heed::{RoTxn, RwTxn};
use serde::Serialize;

use super::schema::{ENTRY_KEY, Entry, ObjectRecord, function_key, read_entry, seal};
use super::{BY_FUNCTION, Database, ENTRIES, Index, OBJECTS, Removed, STATE_REFS, STATES};
use crate::digest::Digest;

type EntryKey = [u8; ENTRY_KEY];

/// A row of the table of entries.
pub(crate) struct Row {
    pub key: Vec<u8>,
    /// Nothing where it cannot be read.
    pub entry: Option<Entry>,
}

/// What the other tables should say, going by the entries.
#[derive(Default)]
struct Due {
    objects: HashMap<Vec<u8>, ObjectRecord>,
    states: HashMap<Vec<u8>, u64>,
    by_function: HashMap<Vec<u8>, EntryKey>,
}

/// Rows of one table to be written, or removed where there is nothing to write.
type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl Index {
    /// The rows of entries that come after a key, or from the first on; at most so many.
    pub(crate) fn rows_after(&self, key: &[u8], most: usize) -> heed::Result<Vec<Row>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let txn = self.env.read_txn()?;
        let from = if key.is_empty() {
            Unbounded
        } else {
            Excluded(key)
        };
        let rows = self.tables[ENTRIES].range(&txn, &(from, Unbounded))?;
        let read = rows.take(most).map(|row| {
            let (key, sealed) = row?;
            let entry = read_entry(key, sealed);
            let key = key.to_vec();
            Ok(Row { key, entry })
        });
        read.collect()
    }

    /// Removes entries; those gone already are fine.
    pub(crate) fn drop_rows(&self, keys: &[Vec<u8>]) -> heed::Result<Removed> {
        let mut removed = Removed::default();
        let mut txn = self.write_txn()?;
        let mut order = self.order(&txn)?;
        for key in keys {
            match EntryKey::try_from(key.as_slice()) {
                Ok(key) => self.drop_entry(&mut txn, &mut order, &key, &mut removed)?,
                Err(_) => removed.entries += u64::from(self.tables[ENTRIES].delete(&mut txn, key)?),
            }
        }
        order.save(&mut txn)?;
        txn.commit()?;
        Ok(removed)
    }

    /// Those of some objects that nothing refers to.
    pub(crate) fn unreferenced(&self, objects: &[Digest]) -> heed::Result<Vec<Digest>> {
        let txn = self.env.read_txn()?;
        let mut unknown = Vec::new();
        for id in objects {
            if self.tables[OBJECTS].get(&txn, &id.0)?.is_none() {
                unknown.push(*id);
            }
        }
        Ok(unknown)
    }

    /// How many rows beside those of the entries do not say what they should, going by the entries.
    pub(crate) fn miscounted(&self) -> heed::Result<u64> {
        let txn = self.env.read_txn()?;
        let due = self.due(&txn)?;
        let changes = self.changes_to(&txn, &due)?;
        let wrong = changes.iter().map(|(_, changes)| changes.len() as u64);
        let order = self.order(&txn)?;
        Ok(wrong.sum::<u64>() + u64::from(order.usage != order.counted(&txn)?))
    }

    /// Has the other tables say what they should, going by the entries; which objects nothing
    /// refers to any more.
    pub(crate) fn recount(&self) -> heed::Result<Removed> {
        let mut txn = self.write_txn()?;
        let due = self.due(&txn)?;
        let mut removed = Removed::default();
        for (table, changes) in self.changes_to(&txn, &due)? {
            for (key, sealed) in changes {
                match sealed {
                    Some(sealed) => self.tables[table].put(&mut txn, &key, &sealed)?,
                    None => self.remove_row(&mut txn, table, &key, &mut removed)?,
                }
            }
        }
        let mut order = self.order(&txn)?;
        order.usage = order.counted(&txn)?;
        order.save(&mut txn)?;
        txn.commit()?;
        Ok(removed)
    }

    fn remove_row(
        &self,
        txn: &mut RwTxn<'_>,
        table: usize,
        key: &[u8],
        removed: &mut Removed,
    ) -> heed::Result<()> {
        self.tables[table].delete(txn, key)?;
        match table {
            STATE_REFS => drop(self.tables[STATES].delete(txn, key)?),
            OBJECTS => removed.objects.extend(key.try_into().ok().map(Digest)),
            _ => {}
        }
        Ok(())
    }

    fn due(&self, txn: &RoTxn<'_>) -> heed::Result<Due> {
        let mut due = Due::default();
        for row in self.tables[ENTRIES].iter(txn)? {
            let (key, sealed) = row?;
            let read = EntryKey::try_from(key).ok().zip(read_entry(key, sealed));
            let Some((key, entry)) = read else { continue };
            *due.states.entry(entry.state.0.to_vec()).or_default() += 1;
            if let Some(id) = entry.object() {
                let none = ObjectRecord { refs: 0, size: 0 };
                let record = due.objects.entry(id.0.to_vec()).or_insert(none);
                record.refs += 1;
                record.size = entry.size;
            }
            let by_function = function_key(&entry.function, &key);
            due.by_function.insert(by_function, key);
        }
        Ok(due)
    }

    fn changes_to(&self, txn: &RoTxn<'_>, due: &Due) -> heed::Result<[(usize, Changes); 3]> {
        let sealed = |keys: &HashMap<Vec<u8>, EntryKey>| {
            let rows = keys.iter().map(|(row, key)| (row.clone(), key.to_vec()));
            rows.collect::<HashMap<_, _>>()
        };
        Ok([
            (OBJECTS, differing(self.tables[OBJECTS], txn, &due.objects)?),
            (
                STATE_REFS,
                differing(self.tables[STATE_REFS], txn, &due.states)?,
            ),
            (
                BY_FUNCTION,
                unlike(self.tables[BY_FUNCTION], txn, sealed(&due.by_function))?,
            ),
        ])
    }
}

/// How a table of sealed records differs from what is due.
fn differing<T: Serialize>(
    table: Database,
    txn: &RoTxn<'_>,
    due: &HashMap<Vec<u8>, T>,
) -> heed::Result<Changes> {
    let sealed = due
        .iter()
        .map(|(key, record)| Ok((key.clone(), seal(record)?)));
    unlike(table, txn, sealed.collect::<heed::Result<_>>()?)
}

/// How a table differs from what is due.
fn unlike(
    table: Database,
    txn: &RoTxn<'_>,
    mut due: HashMap<Vec<u8>, Vec<u8>>,
) -> heed::Result<Changes> {
    let mut changes = Changes::new();
    for row in table.iter(txn)? {
        let (key, found) = row?;
        match due.remove(key) {
            Some(right) if right == found => {}
            right => changes.push((key.to_vec(), right)),
        }
    }
    changes.extend(due.into_iter().map(|(key, right)| (key, Some(right))));
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Keeper;
    use crate::deps::World;
    use crate::index::{Put, StoredValue};
    use crate::state::StateTree;

    const MANY: u64 = 10;

    fn filled() -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        Keeper::default().make_dir(&here.join("index")).unwrap();
        let (index, _) = Index::open(&here, Keeper::default(), false).unwrap();
        for turn in 0..MANY {
            let tree = StateTree {
                digest: Digest::of(&(turn % 2).to_le_bytes()),
                parts: Vec::new(),
            };
            let call = Digest::of(&turn.to_le_bytes());
            let entry = Entry {
                function: "m.f".into(),
                state: tree.digest,
                arguments: Vec::new(),
                argument_digest: call,
                value: StoredValue::Object(Digest::of(&(turn % 3).to_le_bytes())),
                compute_ns: turn,
                encode_ns: 0,
                size: 1000,
                codec: 1,
                created_ns: turn,
                producer: "tests".into(),
                pinned: false,
                tag: None,
                world: World::default(),
            };
            let put = Put {
                call: &call,
                entry: &entry,
                state: &tree,
                is_latest: true,
            };
            index.put(&[put], &|_| true).unwrap();
        }
        (dir, index)
    }

    /// Puts something else in the place of the first row of a table.
    fn spoil(index: &Index, table: usize, by: &[u8]) {
        let mut txn = index.env.write_txn().unwrap();
        let first = index.tables[table].first(&txn).unwrap().unwrap().0.to_vec();
        index.tables[table].put(&mut txn, &first, by).unwrap();
        txn.commit().unwrap();
    }

    #[test]
    fn rows_come_in_turn_and_none_twice() {
        let (_dir, index) = filled();
        let (mut keys, mut at) = (Vec::new(), Vec::new());
        loop {
            let rows = index.rows_after(&at, 3).unwrap();
            let Some(last) = rows.last() else { break };
            at.clone_from(&last.key);
            keys.extend(rows.into_iter().map(|row| row.key));
        }
        assert_eq!(keys.len() as u64, MANY);
        assert!(keys.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn wrong_counts_and_references_are_found_and_set_right() {
        for table in [OBJECTS, STATE_REFS, BY_FUNCTION] {
            let (_dir, index) = filled();
            let right = index.usage().unwrap();
            assert_eq!(index.miscounted().unwrap(), 0);
            spoil(&index, table, b"rot");
            assert!(index.miscounted().unwrap() > 0, "table {table}");
            index.recount().unwrap();
            assert_eq!(index.miscounted().unwrap(), 0, "table {table}");
            assert_eq!(index.usage().unwrap(), right);
            let mut removed = Removed::default();
            index.clear_function("m.f", &mut removed).unwrap();
            assert_eq!(removed.entries, MANY);
            assert_eq!(index.usage().unwrap().bytes(), 0);
        }
    }

    #[test]
    fn an_entry_in_the_place_of_another_is_unreadable() {
        let (_dir, index) = filled();
        let txn = index.env.read_txn().unwrap();
        let last = index.tables[ENTRIES]
            .last(&txn)
            .unwrap()
            .unwrap()
            .1
            .to_vec();
        drop(txn);
        spoil(&index, ENTRIES, &last);
        let rows = index.rows_after(&[], 100).unwrap();
        assert!(rows[0].entry.is_none());
        let call = Digest(rows[0].key[..32].try_into().unwrap());
        let found = index.get(&call).unwrap();
        assert_eq!((found.entries.len(), found.damaged), (0, 1));
        assert_eq!(index.entries_of("m.f", 100).unwrap().len() as u64, MANY - 1);
    }

    #[test]
    fn an_unreadable_entry_goes_with_all_that_only_it_referred_to() {
        let (_dir, index) = filled();
        spoil(&index, ENTRIES, b"rot");
        let rows = index.rows_after(&[], 100).unwrap();
        let bad: Vec<_> = rows.iter().filter(|row| row.entry.is_none()).collect();
        assert_eq!(bad.len(), 1);
        index.drop_rows(&[bad[0].key.clone()]).unwrap();
        assert!(index.miscounted().unwrap() > 0);
        index.recount().unwrap();
        assert_eq!(index.miscounted().unwrap(), 0);
        assert_eq!(index.usage().unwrap().entries, MANY - 1);
        index
            .clear_function("m.f", &mut Removed::default())
            .unwrap();
        assert_eq!(index.usage().unwrap().bytes(), 0);
    }
}
