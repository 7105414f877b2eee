//! What a store does with entries: recall, keep, list and clear them.

use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::queue::{Job, Message, Urgency};
use super::room::though_full;
use super::{Durability, Store, StoreError};
use crate::codec::Encoded;
use crate::deps::World;
use crate::digest::Digest;
use crate::event::{Event, NotStored};
use crate::flight::Claim;
use crate::index::{Entry, Found, Removed, StoredValue};
use crate::map;
use crate::meter::Spent;
use crate::process;
use crate::retention::Retention;
use crate::state::{Key, StateTree};

/// What took longer is not left to wait for more to be written along with it.
const LONG: Duration = Duration::from_millis(10);

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
    /// What was spent on the call until it is stored.
    pub spent: Spent,
}

impl Store {
    /// What a file holds now, to be kept with a result. It takes no more memory than there is to
    /// spare, however much it is.
    pub fn content_of(&self, path: &Path) -> io::Result<Bytes> {
        map::copied(path, self.dir())
    }

    /// The entries under a call key, newest first.
    pub(crate) fn under(&self, key: &Digest) -> Result<Found, StoreError> {
        let found = self.with_index(|index| index.get(key));
        found.map_err(|error| error.at(self.dir()))
    }

    /// The entry and the result that are on their way to a call key.
    pub(crate) fn pending(&self, key: &Digest) -> Option<(Entry, Encoded)> {
        let job = self.0.queue.pending(key)?;
        Some((Entry::clone(&job.entry), job.value.clone()))
    }

    /// Keeps a result under its call key, in place of any other that depends on the same: by the
    /// writer, to which the claim then goes over, or at once. What is to be told of it, unless the
    /// writer will.
    pub(crate) fn keep(
        &self,
        key: Key,
        value: &Encoded,
        world: &World,
        cost: Cost,
        retention: &Retention,
        claim: &mut Claim<'static>,
    ) -> Option<Event> {
        let size = value.container_len(0) as u64;
        let most = self.bound().map_or(u64::MAX, |bound| bound.bytes);
        if size > most {
            let reason = NotStored::TooLarge { size, most };
            let function = key.function;
            return Some(Event::NotStored {
                function,
                reason,
                spent: cost.spent,
            });
        }
        let job = self.job(key, value, world, cost, retention);
        let job = match self.urgency(cost) {
            None => Arc::new(job),
            Some(urgency) => {
                let (moved, landing) = claim.move_on();
                let message = Message::Keep(Arc::new(job), moved);
                match self.0.queue.send(message, urgency, || self.start_writer()) {
                    Ok(number) => {
                        landing.landed();
                        if urgency == Urgency::Promptly && Self::may_be_ended() {
                            self.0.queue.settle(Some(number));
                        }
                        return None;
                    }
                    Err(Message::Keep(job, back)) => {
                        *claim = back;
                        job
                    }
                }
            }
        };
        let event = self.write_and_tell_of(&[&job]).pop();
        self.note_uses_if_due();
        event
    }

    pub(super) fn job(
        &self,
        key: Key,
        value: &Encoded,
        world: &World,
        cost: Cost,
        retention: &Retention,
    ) -> Job {
        Job {
            call: key.digest(),
            state: key.state.clone(),
            is_latest: true,
            entry: Arc::new(Entry {
                world: world.clone(),
                ..self.entry(key, value.codec, cost, retention)
            }),
            value: value.clone(),
            spent: cost.spent,
        }
    }

    /// How soon the writer is to see to a result; none where its caller is to do so itself.
    fn urgency(&self, cost: Cost) -> Option<Urgency> {
        let delay = self.flush_every();
        if delay.is_zero() || self.durability() == Durability::Fsync {
            None
        } else if Duration::from_nanos(cost.compute_ns) >= LONG {
            Some(Urgency::Promptly)
        } else {
            Some(Urgency::Eventually(delay))
        }
    }

    /// Removes what is stored under a call key; whether there was anything.
    pub fn remove(&self, key: &Digest) -> Result<bool, StoreError> {
        self.writable()?;
        self.settle();
        let remove = || self.removing(|index, removed| index.remove(key, removed));
        let own = || self.with_index(|index| index.own_objects(key));
        let removed = though_full(remove, || self.unlink(own()))?;
        self.forget(&removed);
        Ok(removed.entries > 0)
    }

    /// Removes all entries of a function; how many there were.
    pub fn clear_function(&self, function: &str) -> Result<u64, StoreError> {
        self.writable()?;
        self.settle();
        let removed = self.removing(|index, removed| index.clear_function(function, removed))?;
        Ok(self.invalidated(function, &removed))
    }

    /// Removes the entries of all functions with a tag; how many there were.
    pub fn clear_tag(&self, tag: &str) -> Result<u64, StoreError> {
        self.writable()?;
        self.settle();
        let removed = self.removing(|index, removed| index.clear_tag(tag, removed))?;
        Ok(self.invalidated(&format!("tag {tag}"), &removed))
    }

    /// Removes all entries; how many there were.
    pub fn clear_all(&self) -> Result<u64, StoreError> {
        self.writable()?;
        self.settle();
        let remove = || self.with_index(crate::index::Index::clear_all);
        let all = || self.with_index(|index| index.first_objects(u64::MAX));
        let removed = though_full(remove, || self.unlink(all()))?;
        Ok(self.invalidated("*", &removed))
    }

    /// The entries of a function, newest first, at most `limit`.
    pub fn entries_of(&self, function: &str, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.settle();
        self.with_index(|index| index.entries_of(function, limit))
    }

    /// The newest entry under a call key, whatever it depends on.
    pub fn entry_under(&self, key: &Digest) -> Result<Option<Entry>, StoreError> {
        self.settle();
        Ok(self.under(key)?.entries.into_iter().next())
    }

    /// The call key of each entry and when it was stored, in nanoseconds of Unix time, oldest
    /// first.
    pub fn by_age(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        self.settle();
        let mut stored = self.with_index(crate::index::Index::stored)?;
        stored.sort_by_key(|(_, created_ns)| *created_ns);
        Ok(stored)
    }

    /// The latest entries of a function, those on their way first, at most `limit`.
    pub(crate) fn latest_of(&self, function: &str, limit: usize) -> Vec<Arc<Entry>> {
        let of = |job: &Job| job.entry.function == function;
        let mut latest = self.0.queue.pending_entries(of, limit);
        let more = limit - latest.len();
        if more > 0 {
            let stored = self.with_index(|index| index.entries_of(function, more));
            latest.extend(stored.unwrap_or_default().into_iter().map(Arc::new));
        }
        latest
    }

    /// The parts of a function state.
    pub fn state(&self, state: &Digest) -> Result<Option<StateTree>, StoreError> {
        if let Some(pending) = self.0.queue.pending_state(state) {
            return Ok(Some(pending));
        }
        self.with_index(|index| index.state(state))
    }

    /// The parts of the state that an entry is of, by the names that they have for its function:
    /// functions that are alike have one state together, in which their own part has no name.
    ///
    /// # Errors
    /// Where the index cannot be used.
    pub fn state_of(&self, entry: &Entry) -> Result<Option<StateTree>, StoreError> {
        let tree = self.state(&entry.state)?;
        Ok(tree.map(|tree| tree.named(&entry.function)))
    }

    /// Whether the parts of a function state are stored.
    pub(crate) fn knows(&self, state: &Digest) -> bool {
        self.0.queue.pending_state(state).is_some()
            || self
                .with_index(|index| index.has_state(state))
                .unwrap_or(false)
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
        self.value_of(entry).map_err(|error| error.to_string())
    }

    /// The same; what is wrong with it is an error, too, if it can be read.
    pub(crate) fn value_of(&self, entry: &Entry) -> io::Result<Encoded> {
        let read = match &entry.value {
            StoredValue::Inline(bytes) => Encoded::from_container(Bytes::copy_from_slice(bytes)),
            StoredValue::Object(id) => Encoded::from_object(self.0.objects.get(id)?, id),
        };
        let invalid = |damage| io::Error::new(io::ErrorKind::InvalidData, damage);
        Ok(read.map_err(invalid)?.0)
    }

    /// The entry of a result, but for where its value will be.
    fn entry(&self, key: Key, codec: u16, cost: Cost, retention: &Retention) -> Entry {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Entry {
            function: key.function,
            state: key.state.digest,
            arguments: key.arguments,
            argument_digest: key.argument_digest,
            value: StoredValue::Inline(Vec::new()),
            compute_ns: cost.compute_ns,
            encode_ns: cost.encode_ns,
            size: 0,
            codec,
            created_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            producer: self.0.config.producer.record(process::id()),
            pinned: retention.pinned,
            tag: retention.tag.clone(),
            world: World::default(),
        }
    }

    /// Sees to it that what was removed from the index is gone everywhere, and its room free.
    pub(super) fn forget(&self, removed: &Removed) {
        self.let_go(removed);
        if removed.entries > 0 {
            self.compact_if_due();
        }
    }

    /// Sees to it that what was removed from the index is gone everywhere.
    pub(super) fn let_go(&self, removed: &Removed) {
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
