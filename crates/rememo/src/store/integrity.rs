//! Whether all that a store holds is whole; mending it, and removing what nothing refers to.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::time::Duration;

use super::{Store, StoreError};
use crate::codec::Encoded;
use crate::digest::Digest;
use crate::event::Event;
use crate::index::{Entry, Index, Row, StoredValue};

/// Entries looked at at a time.
const AT_ONCE: usize = 256;
/// A file that is being written is not left alone for so long.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// What was found when everything was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integrity {
    /// Entries that were looked at, those that are not whole included.
    pub entries: u64,
    /// Entries that cannot be read.
    pub unreadable: u64,
    /// Entries whose result is not what was written.
    pub damaged: u64,
    /// Entries whose result is not there.
    pub lost: u64,
    /// Counts, and references from one thing to another, that are not as they should be.
    pub miscounted: u64,
    /// Files that nothing refers to. They do no harm, and are results of other processes that are
    /// being stored at this moment, or were when the process was killed.
    pub orphans: Orphans,
    /// Whether what was wrong was mended: entries that are not whole are gone, so that their calls
    /// run again.
    pub repaired: bool,
}

impl Integrity {
    /// Whether nothing was wrong.
    pub fn is_whole(&self) -> bool {
        (self.unreadable, self.damaged, self.lost, self.miscounted) == (0, 0, 0, 0)
    }
}

/// Files that nothing refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How many.
    pub files: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

impl Orphans {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// How a result is.
#[derive(Clone, Copy)]
enum Condition {
    Whole,
    Damaged,
    Lost,
}

impl Store {
    /// Reads everything that is stored, and says what is wrong with it. With `repair`, entries that
    /// are not whole are removed, counts set right, and results entered again whose entries were
    /// lost.
    ///
    /// Others may use the store meanwhile. It takes as long as reading all of it.
    ///
    /// # Errors
    /// Where the index cannot be used, or a directory of objects; and with `repair`, where the
    /// store may only be read.
    pub fn verify(&self, repair: bool) -> Result<Integrity, StoreError> {
        self.verify_and_tell(repair, |_| ())
    }

    /// Like [`Store::verify`], and tells now and then how many entries were looked at so far.
    pub fn verify_and_tell(
        &self,
        repair: bool,
        mut tell: impl FnMut(u64),
    ) -> Result<Integrity, StoreError> {
        if repair {
            self.writable()?;
        }
        self.settle();
        let mut verified = Integrity::default();
        let mut known = HashMap::new();
        let mut at = Vec::new();
        loop {
            let rows = self.with_index(|index| index.rows_after(&at, AT_ONCE))?;
            let Some(last) = rows.last() else { break };
            at.clone_from(&last.key);
            let bad = self.look_at(&rows, &mut known, &mut verified);
            tell(verified.entries);
            if repair && !bad.is_empty() {
                self.drop_bad(&bad)?;
            }
        }
        verified.miscounted = self.with_index(Index::miscounted)?;
        if repair && !verified.is_whole() {
            let removed = self.with_index(Index::recount)?;
            self.forget(&removed);
            verified.repaired = true;
        }
        if repair {
            self.adopt_orphans()?;
        }
        verified.orphans = self.orphans()?;
        Ok(verified)
    }

    /// The files that nothing refers to. [`Store::remove_orphans`] would remove them, but for
    /// results that it enters again.
    ///
    /// # Errors
    /// Where the index cannot be used, or a directory cannot be read.
    pub fn orphans(&self) -> Result<Orphans, StoreError> {
        self.settle();
        let mut orphans = Orphans::default();
        self.each_orphan(|_, bytes| orphans.add(bytes))?;
        for (_, bytes) in self.0.objects.abandoned(ABANDONED)? {
            orphans.add(bytes);
        }
        Ok(orphans)
    }

    /// Removes files that nothing refers to: what was left of results that were being written, or
    /// cleared. Results whose entries were lost are entered again first. What is being stored at
    /// this moment stays, or is written again.
    ///
    /// # Errors
    /// Where the index cannot be used, a directory cannot be read, or the store may only be read.
    pub fn remove_orphans(&self) -> Result<Orphans, StoreError> {
        self.writable()?;
        self.settle();
        self.adopt_orphans()?;
        let mut found = Vec::new();
        self.each_orphan(|id, bytes| found.push((id, bytes)))?;
        let mut orphans = Orphans::default();
        for batch in found.chunks(AT_ONCE) {
            let ids: Vec<_> = batch.iter().map(|(id, _)| *id).collect();
            let unlink = |id: &Digest| drop(self.0.objects.remove(id));
            self.with_index(|index| index.sweep(&ids, &unlink))?;
            for (id, bytes) in batch {
                if !self.0.objects.contains(id) {
                    orphans.add(*bytes);
                }
            }
        }
        for (path, bytes) in self.0.objects.abandoned(ABANDONED)? {
            if fs::remove_file(path).is_ok() {
                orphans.add(bytes);
            }
        }
        self.events().emit(&Event::OrphansRemoved { orphans });
        Ok(orphans)
    }

    /// Looks at entries; the rows that are not whole.
    fn look_at<'r>(
        &self,
        rows: &'r [Row],
        known: &mut HashMap<Digest, Condition>,
        verified: &mut Integrity,
    ) -> Vec<&'r Row> {
        let mut bad = Vec::new();
        for row in rows {
            verified.entries += 1;
            let condition = row.entry.as_ref().map(|entry| match entry.object() {
                Some(id) => *known.entry(*id).or_insert_with(|| self.condition(entry)),
                None => self.condition(entry),
            });
            match condition {
                Some(Condition::Whole) => continue,
                Some(Condition::Damaged) => verified.damaged += 1,
                Some(Condition::Lost) => verified.lost += 1,
                None => verified.unreadable += 1,
            }
            bad.push(row);
        }
        bad
    }

    fn condition(&self, entry: &Entry) -> Condition {
        let is_whole = |value: &Encoded| match &entry.value {
            StoredValue::Inline(_) => true,
            StoredValue::Object(id) => value.object_id() == *id,
        };
        match self.open_value(entry) {
            Ok(value) if is_whole(&value) => Condition::Whole,
            _ if entry.object().is_some_and(|id| !self.has_object(id)) => Condition::Lost,
            _ => Condition::Damaged,
        }
    }

    /// Removes entries that are not whole, unless they were made so again in the meantime.
    fn drop_bad(&self, bad: &[&Row]) -> Result<(), StoreError> {
        let mut keys = Vec::new();
        let mut functions = BTreeMap::new();
        for Row { key, entry } in bad {
            let still = entry.as_ref().map(|entry| self.condition(entry));
            if !matches!(still, Some(Condition::Whole)) {
                keys.push(key.clone());
                let function = entry.as_ref().map_or("*", |entry| &*entry.function);
                *functions.entry(function).or_default() += 1;
            }
        }
        let removed = self.with_index(|index| index.drop_rows(&keys))?;
        self.forget(&removed);
        for (function, entries) in functions {
            self.events().emit(&Event::Invalidated {
                function: function.to_owned(),
                entries,
            });
        }
        Ok(())
    }

    fn each_orphan(&self, mut visit: impl FnMut(Digest, u64)) -> Result<(), StoreError> {
        for byte in 0..=u8::MAX {
            for id in self.orphans_beginning_with(byte)? {
                if let Some(bytes) = self.0.objects.len(&id) {
                    visit(id, bytes);
                }
            }
        }
        Ok(())
    }

    /// The objects that nothing refers to, of those whose names begin with this byte.
    pub(super) fn orphans_beginning_with(&self, byte: u8) -> Result<Vec<Digest>, StoreError> {
        match self.0.objects.beginning_with(byte) {
            // Others may remove the directory of the store at any time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            ids => {
                let ids = ids?;
                self.with_index(|index| index.unreferenced(&ids))
            }
        }
    }
}
