//! What a store does with entries: recall, keep, list and clear them.

use bytes::Bytes;
use std::time::{SystemTime, UNIX_EPOCH};

use super::room::is_full;
use super::{Store, StoreError};
use crate::codec::Encoded;
use crate::deps::World;
use crate::digest::Digest;
use crate::event::Event;
use crate::index::{Entry, Found, Removed, StoredValue};
use crate::retention::Retention;
use crate::state::{Key, StateTree};

/// How often an object is put again when it is swept before its entry is in.
const ATTEMPTS: usize = 3;

/// What keeping a result took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of its container.
    pub size: u64,
    /// Whether it lies within the index.
    pub inline: bool,
}

/// What a result cost to make.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub compute_ns: u64,
    pub encode_ns: u64,
}

impl Store {
    /// The entries under a call key, newest first.
    pub(crate) fn under(&self, key: &Digest) -> Result<Found, StoreError> {
        self.with_index(|index| index.get(key))
    }

    /// Keeps a result under its call key, in place of any other that depends on the same.
    pub(crate) fn keep(
        &self,
        key: &Key,
        value: &Encoded,
        world: &World,
        cost: Cost,
        retention: &Retention,
    ) -> Result<Kept, StoreError> {
        let put = || {
            self.renew()?;
            self.put(key, value, world, cost, retention)
        };
        let size = value.container_len(0) as u64;
        let kept = match put() {
            Err(error) if is_full(&error) && self.make_room(2 * size) => put(),
            kept => kept,
        };
        self.note_uses_if_due();
        kept.map_err(|error| error.at(self.dir()))
    }

    fn put(
        &self,
        key: &Key,
        value: &Encoded,
        world: &World,
        cost: Cost,
        retention: &Retention,
    ) -> Result<Kept, StoreError> {
        let call = key.digest();
        let size = value.container_len(0);
        let inline = size <= self.0.config.inline_max;
        let most = self.bound()?.bytes;
        if size as u64 > most {
            let size = size as u64;
            return Err(StoreError::TooLarge { size, most });
        }
        for _ in 0..ATTEMPTS {
            let (stored, size) = self.place_value(&call, key, value, inline)?;
            let entry = Entry {
                world: world.clone(),
                ..self.entry(key, value.codec, (stored, size), cost, retention)
            };
            let present = |id: &Digest| self.0.objects.contains(id);
            let put = self.with_index(|index| index.put(&call, &entry, &key.state, &present))?;
            if let Some(removed) = put {
                self.forget(&removed);
                return Ok(Kept { size, inline });
            }
        }
        Err(std::io::Error::other("the object kept vanishing while it was being stored").into())
    }

    /// Removes what is stored under a call key; whether there was anything.
    pub fn remove(&self, key: &Digest) -> Result<bool, StoreError> {
        self.writable()?;
        let removed = self.with_index(|index| index.remove(key))?;
        self.forget(&removed);
        Ok(removed.entries > 0)
    }

    /// Removes all entries of a function; how many there were.
    pub fn clear_function(&self, function: &str) -> Result<u64, StoreError> {
        self.writable()?;
        let removed = self.with_index(|index| index.clear_function(function))?;
        Ok(self.invalidated(function, &removed))
    }

    /// Removes the entries of all functions with a tag; how many there were.
    pub fn clear_tag(&self, tag: &str) -> Result<u64, StoreError> {
        self.writable()?;
        let removed = self.with_index(|index| index.clear_tag(tag))?;
        Ok(self.invalidated(&format!("tag {tag}"), &removed))
    }

    /// Removes all entries; how many there were.
    pub fn clear_all(&self) -> Result<u64, StoreError> {
        self.writable()?;
        let removed = self.with_index(crate::index::Index::clear_all)?;
        Ok(self.invalidated("*", &removed))
    }

    /// The entries of a function, newest first, at most `limit`.
    pub fn entries_of(&self, function: &str, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.with_index(|index| index.entries_of(function, limit))
    }

    /// The newest entry under a call key, whatever it depends on.
    pub fn entry_under(&self, key: &Digest) -> Result<Option<Entry>, StoreError> {
        Ok(self.under(key)?.entries.into_iter().next())
    }

    /// The call key of each entry and when it was stored, in nanoseconds of Unix time, oldest
    /// first.
    pub fn by_age(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let mut stored = self.with_index(crate::index::Index::stored)?;
        stored.sort_by_key(|(_, created_ns)| *created_ns);
        Ok(stored)
    }

    /// The parts of a function state.
    pub fn state(&self, state: &Digest) -> Result<Option<StateTree>, StoreError> {
        self.with_index(|index| index.state(state))
    }

    /// Whether the parts of a function state are stored.
    pub(crate) fn knows(&self, state: &Digest) -> bool {
        self.state(state).is_ok_and(|tree| tree.is_some())
    }

    pub(crate) fn invalidated(&self, function: &str, removed: &Removed) -> u64 {
        self.forget(removed);
        let entries = removed.entries;
        self.events().emit(&Event::Invalidated {
            function: function.to_owned(),
            entries,
        });
        entries
    }

    /// The result of an entry.
    pub fn open_value(&self, entry: &Entry) -> Result<Encoded, String> {
        let container = match &entry.value {
            StoredValue::Inline(bytes) => Bytes::copy_from_slice(bytes),
            StoredValue::Object(id) => self.0.objects.get(id).map_err(|error| error.to_string())?,
        };
        let (value, _) = Encoded::from_container(container).map_err(|damage| damage.to_string())?;
        Ok(value)
    }

    fn place_value(
        &self,
        call: &Digest,
        key: &Key,
        value: &Encoded,
        inline: bool,
    ) -> std::io::Result<(StoredValue, u64)> {
        if inline {
            let bytes = value.to_container(&[]);
            let size = bytes.len() as u64;
            return Ok((StoredValue::Inline(bytes), size));
        }
        let producer = (call, &key.function, &self.0.config.producer);
        let producer = postcard::to_stdvec(&producer).unwrap_or_default();
        let (id, size) = self.0.objects.put(value, &producer)?;
        Ok((StoredValue::Object(id), size))
    }

    fn entry(
        &self,
        key: &Key,
        codec: u16,
        (value, size): (StoredValue, u64),
        cost: Cost,
        retention: &Retention,
    ) -> Entry {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Entry {
            function: key.function.clone(),
            state: key.state.digest,
            arguments: key.arguments.clone(),
            argument_digest: key.argument_digest,
            value,
            compute_ns: cost.compute_ns,
            encode_ns: cost.encode_ns,
            size,
            codec,
            created_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            producer: self.0.config.producer.clone(),
            pinned: retention.pinned,
            tag: retention.tag.clone(),
            world: World::default(),
        }
    }

    /// Sees to it that what was removed from the index is gone everywhere.
    pub(super) fn forget(&self, removed: &Removed) {
        // What went for want of room is good for as long as somebody has it in memory.
        if removed.entries > removed.evicted.len() as u64 {
            self.0.generations.advance();
        }
        self.sweep(removed);
        self.tell_of_evicted(removed);
    }

    fn sweep(&self, removed: &Removed) {
        if removed.objects.is_empty() {
            return;
        }
        let unlink = |id: &Digest| drop(self.0.objects.remove(id));
        if let Err(error) = self.with_index(|index| index.sweep(&removed.objects, &unlink)) {
            self.degraded(Some(format!("objects could not be removed: {error}")));
        }
    }
}
