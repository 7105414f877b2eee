//! Results that go from one store to another, on this machine or another one.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::queue::Job;
use super::{Store, StoreError};
use crate::codec::Encoded;
use crate::deps::Place;
use crate::digest::Digest;
use crate::index::{Entry, StoredValue};
use crate::map;
use crate::meter::Spent;
use crate::state::StateTree;

/// What became of a result of another store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is stored here now.
    New,
    /// One that depends on the same was here before, and stays.
    There,
    /// It has more bytes than all results here may have together.
    TooLarge,
}

impl Store {
    /// The entries under a call key, newest first.
    ///
    /// # Errors
    /// Where the index cannot be used.
    pub fn entries_under(&self, call: &Digest) -> Result<Vec<Entry>, StoreError> {
        Ok(self.under(call)?.entries)
    }

    /// A container of an entry's result, which was seen to be what was written. It says nothing of the
    /// call that it was first the result of, which may be another one.
    ///
    /// # Errors
    /// What is wrong with it, where it is not, or cannot be read.
    pub fn container_of(&self, entry: &Entry) -> Result<Bytes, String> {
        let value = self.open_value(entry)?;
        match entry.object() {
            Some(id) if value.object_id() != *id => Err("a result of something else".to_owned()),
            _ => Ok(value.to_container(&[]).into()),
        }
    }

    /// Enters a result of another store, unless one that depends on the same is here.
    ///
    /// Nothing is taken for granted that was true in the other place only: files are looked at
    /// anew, the directory of this cache takes the place of the other's in what does not count, and
    /// whether it is pinned is for people here to say. Code that is new here does not make results
    /// of other code superseded.
    ///
    /// # Errors
    /// Where the store may only be read, or could not be written to.
    pub fn take_in(
        &self,
        call: Digest,
        mut entry: Entry,
        state: Arc<StateTree>,
        value: &Encoded,
    ) -> Result<Taken, StoreError> {
        self.writable()?;
        if value.container_len(0) as u64 > self.bound()?.bytes {
            return Ok(Taken::TooLarge);
        }
        let here = self.under(&call)?.entries;
        // One that depends on nothing answers whatever the others would.
        let is_there = |there: &Entry| {
            there.world.is_empty() || entry.world.is_empty() || there.world.is_alike(&entry.world)
        };
        if here.iter().any(is_there) {
            return Ok(Taken::There);
        }
        for observation in &mut entry.world.observations {
            observation.settled = false;
        }
        if !entry.world.ignored.is_empty() {
            entry.world.ignored = vec![Place::from(self.dir())];
        }
        entry.pinned = false;
        // Where the result is, and what that takes, is for this store to say.
        (entry.value, entry.size) = (StoredValue::Inline(Vec::new()), 0);
        entry.codec = value.codec;
        entry.created_ns = entry.created_ns.min(now());
        while here
            .iter()
            .any(|there| there.created_ns == entry.created_ns)
        {
            entry.created_ns += 1;
        }
        self.write_one(&Job {
            call,
            entry: Arc::new(entry),
            state,
            is_latest: false,
            value: value.clone(),
            spent: Spent::default(),
        })?;
        Ok(Taken::New)
    }
}

impl Encoded {
    /// Reads a container of so many bytes, of which none need be what is said of it. A large one is
    /// not held in memory, but in a file without a name in the directory `staging`.
    ///
    /// # Errors
    /// Where it ends too early, is no container, is damaged, or there is no room for it.
    pub fn unpack(from: impl Read, len: u64, staging: &Path) -> io::Result<Self> {
        let mut from = from.take(len);
        let mut start = Vec::new();
        (&mut from).take(map::MAPPED).read_to_end(&mut start)?;
        let container = if len < map::MAPPED {
            start.into()
        } else {
            let mut file = tempfile::tempfile_in(staging)?;
            file.write_all(&start)?;
            io::copy(&mut from, &mut file)?;
            file.rewind()?;
            let written = file.metadata()?.len();
            // Nobody else can come by a file that never had a name.
            map::read(file, written, true)?
        };
        let (value, _) = Self::from_container(container).map_err(io::Error::other)?;
        Ok(value)
    }
}

fn now() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
