//! Writing: values, then entries, many in one transaction. By the writer, one thread a store and
//! process; or by whoever made the result, where that is asked for or there is no writer.

use std::io;
use std::mem;
use std::thread;
use std::time::Instant;

use super::queue::{Job, Message, become_writer, is_writer};
use super::room::is_full;
use super::{Durability, Kept, Store, StoreError};
use crate::event::{Event, NotStored};
use crate::index::schema::{seal, unseal};
use crate::index::{Birth, Entry, Mark, Put, StoredValue};
use crate::lock::lock;
use crate::meter::{Spent, Step};

/// How often an object is put again when it, or its file, is swept before its entry is in.
const ATTEMPTS: usize = 3;

/// The record of an entry in its object is not longer than this. Few are as long: such a result is
/// lost with its entry.
const BIRTH_MAX: usize = 256 << 10;

/// What became of a result.
type Written = Result<Kept, StoreError>;

impl Store {
    /// Starts this store's writer.
    pub(super) fn start_writer(&self) -> io::Result<()> {
        let store = self.clone();
        let named = thread::Builder::new().name("rememo-writer".to_owned());
        named.spawn(move || store.write_on()).map(drop)
    }

    fn write_on(&self) {
        /// However the thread ends, nobody goes on waiting for it.
        struct Leave<'a>(&'a Store);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.0.queue.abandon();
            }
        }
        let _leave = Leave(self);
        become_writer();
        while let Some(messages) = self.0.queue.next() {
            let number = messages.len();
            let events = self.deal_with(messages);
            for event in events {
                self.tell(event);
            }
            self.note_uses_if_due();
            self.0.queue.settled(number);
        }
    }

    /// Writes, gives claims back and says what happened.
    fn deal_with(&self, messages: Vec<Message>) -> Vec<Event> {
        let jobs: Vec<&Job> = messages
            .iter()
            .map(|Message::Keep(job, _)| &**job)
            .collect();
        let events = self.write_and_tell_of(&jobs);
        self.0.queue.written(&messages);
        drop(messages);
        events
    }

    /// Writes results; what is to be told of each.
    pub(super) fn write_and_tell_of(&self, jobs: &[&Job]) -> Vec<Event> {
        let start = Instant::now();
        let written = self.write(jobs);
        let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Each call is counted its share of what was done for all together.
        let share = Spent::just(Step::Store, took / jobs.len().max(1) as u64);
        jobs.iter()
            .zip(written)
            .map(|(job, written)| {
                event_of(job, written, job.spent.with(&share, u64::saturating_add))
            })
            .collect()
    }

    /// Writes results; what became of each.
    fn write(&self, jobs: &[&Job]) -> Vec<Written> {
        if let [job] = jobs {
            return vec![self.write_one(job)];
        }
        match self.write_together(jobs) {
            Ok(written) => {
                let pairs = jobs.iter().zip(written);
                pairs
                    .map(|(job, written)| written.or_else(|_| self.write_one(job)))
                    .collect()
            }
            // What fails for many may yet do for some of them.
            Err(_) => jobs.iter().map(|job| self.write_one(job)).collect(),
        }
    }

    pub(super) fn write_one(&self, job: &Job) -> Written {
        let bytes = 2 * job.value.container_len(0) as u64;
        let written = match self.try_one(job) {
            Err(error) if is_full(&error) && self.make_room(bytes) => self.try_one(job),
            written => written,
        };
        written.map_err(|error| error.at(self.dir()))
    }

    fn try_one(&self, job: &Job) -> Written {
        for _ in 0..ATTEMPTS {
            match self.write_together(&[job])?.pop() {
                Some(Ok(kept)) => return Ok(kept),
                Some(Err(Some(error))) if !is_gone(&error) => return Err(error),
                _ => {}
            }
        }
        let why = "the object kept vanishing while it was being stored";
        Err(io::Error::other(why).into())
    }

    /// Writes results in one transaction: for each, what was kept, or why not, as far as that is
    /// known.
    fn write_together(
        &self,
        jobs: &[&Job],
    ) -> Result<Vec<Result<Kept, Option<StoreError>>>, StoreError> {
        self.renew()?;
        // Whatever is cleared from here on speaks against the results if their entries are lost.
        let mark = self.with_index(crate::index::Index::mark).ok();
        let placed = jobs.iter().map(|job| self.place_value(job, mark));
        let placed: Vec<_> = placed.collect();
        let whole = jobs.iter().zip(&placed);
        let whole = whole.filter_map(|(job, placed)| Some((job, placed.as_ref().ok()?)));
        let puts: Vec<Put<'_>> = whole
            .map(|(job, entry)| Put {
                call: &job.call,
                entry,
                state: &job.state,
                is_latest: job.is_latest,
            })
            .collect();
        let present = |id: &_| self.0.objects.contains(id);
        let sync = self.durability() == Durability::Fsync;
        let done = self.with_index(|index| {
            let done = index.put(&puts, &present)?;
            if sync {
                index.sync()?;
            }
            Ok(done)
        });
        let (removed, stored) = done?;
        for put in puts.iter().filter(|put| put.entry.object().is_some()) {
            self.0.objects.landed(put.call);
        }
        self.forget(&removed);
        let mut stored = stored.into_iter();
        let outcome = |placed: io::Result<Entry>| match placed {
            Ok(entry) if stored.next() == Some(true) => Ok(Kept {
                size: entry.size,
                inline: entry.object().is_none(),
            }),
            Ok(_) => Err(None),
            Err(error) => Err(Some(error.into())),
        };
        Ok(placed.into_iter().map(outcome).collect())
    }

    /// Puts a value where its entry can refer to it.
    fn place_value(&self, job: &Job, mark: Option<Mark>) -> io::Result<Entry> {
        let mut entry = Entry::clone(&job.entry);
        if job.value.container_len(0) <= self.0.config.inline_max {
            let bytes = job.value.to_container(&[]);
            entry.size = bytes.len() as u64;
            entry.value = StoredValue::Inline(bytes);
        } else {
            let birth = mark.map(|mark| Birth {
                call: job.call,
                entry: entry.clone(),
                mark,
            });
            let birth = birth.and_then(|birth| seal(&birth).ok());
            let birth = birth.filter(|birth| birth.len() <= BIRTH_MAX);
            // One that this call left before would be taken for older than what took its place.
            let stays = |old: &[u8]| unseal(old).is_none_or(|old: Birth| old.call != job.call);
            let sync = self.durability() == Durability::Fsync;
            let record = (&job.call, &*birth.unwrap_or_default());
            let (id, size) = self.0.objects.put(&job.value, record, stays, sync)?;
            entry.size = size;
            entry.value = StoredValue::Object(id);
        }
        Ok(entry)
    }

    /// Tells of something. What is wrong, and no call is there to be told of, is kept for the next
    /// one: somebody is to hear of it where it can be seen which program it was.
    pub(super) fn tell(&self, event: Event) {
        let trouble = matches!(event, Event::NotStored { .. } | Event::Degraded { .. });
        if trouble && is_writer() {
            lock(&self.0.untold).push(event);
        } else {
            self.events().emit(&event);
        }
    }

    /// Tells of what went wrong in the meantime.
    pub(crate) fn tell_now(&self) {
        let untold = mem::take(&mut *lock(&self.0.untold));
        for event in untold {
            self.events().emit(&event);
        }
    }
}

/// Whether an error says that a file was removed while it was worked on.
fn is_gone(error: &StoreError) -> bool {
    matches!(error, StoreError::Io(error) if error.kind() == io::ErrorKind::NotFound)
}

/// What is to be told of a result.
fn event_of(job: &Job, written: Written, spent: Spent) -> Event {
    let function = job.entry.function.clone();
    match written {
        Ok(Kept { size, inline }) => Event::Stored {
            function,
            key: job.call,
            size,
            compute_ns: job.entry.compute_ns,
            inline,
            spent,
        },
        Err(error) => Event::NotStored {
            function,
            reason: NotStored::StoreFailed(error.to_string()),
            spent,
        },
    }
}
