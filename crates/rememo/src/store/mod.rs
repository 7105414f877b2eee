//! The store: one directory, opened once per process, shared by all its threads.

mod config;
mod fork;
mod keep;
mod layout;

pub use config::{StoreConfig, StoreError};
pub(crate) use keep::Cost;
pub use keep::{Kept, Recalled};

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, RwLock};

use crate::digest::Digest;
use crate::event::{Event, Events};
use crate::flight::{Claim, Flights, Patience};
use crate::index::Index;
use crate::lock::{lock, read, write};
use crate::object::ObjectStore;

/// One store per directory and process, for as long as the process lives.
static REGISTRY: LazyLock<Mutex<HashMap<PathBuf, &'static Shared>>> = LazyLock::new(Mutex::default);

/// A handle to an open store; copies share it.
#[derive(Clone)]
pub struct Store(&'static Shared);

struct Shared {
    config: StoreConfig,
    gate: RwLock<Gate>,
    objects: ObjectStore,
    flights: Flights,
    events: Events,
}

/// What a fork must not happen in the midst of.
#[derive(Default)]
struct Gate {
    index: Option<Index>,
    /// Device and inode of the index's directory when it was opened.
    place: Option<(u64, u64)>,
}

impl Store {
    /// Opens a store, and creates it if need be. The first configuration in a process counts.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let mut registry = lock(&REGISTRY);
        let moved = layout::prepare(&config.dir)?;
        let dir = fs::canonicalize(&config.dir)?;
        let shared = if let Some(shared) = registry.get(&dir) {
            *shared
        } else {
            let shared: &'static Shared = Box::leak(Box::new(Shared::new(&dir, config)?));
            registry.insert(dir, shared);
            shared
        };
        drop(registry);
        let store = Self(shared);
        store.degraded(moved);
        shared.close_if_replaced();
        store.with_index(|_| Ok(()))?;
        Ok(store)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.0.config.dir
    }

    /// The event stream.
    pub fn events(&self) -> &'static Events {
        &self.0.events
    }

    /// Closes the index; it is opened again on the next use.
    pub fn close(&self) {
        write(&self.0.gate).index = None;
    }

    /// Claims a call key, as [`Flights::claim`] does.
    pub(crate) fn claim(
        &self,
        key: &Digest,
        poll: &mut dyn FnMut(&(dyn Fn() + Sync)) -> ControlFlow<()>,
    ) -> Claim<'static> {
        let Shared {
            config, flights, ..
        } = self.0;
        if !config.single_flight {
            return Claim::without();
        }
        let patience = Patience {
            wait: config.wait,
            nested: config.nested_wait,
        };
        flights.claim(key, patience, poll)
    }

    /// Works with the index, which is opened first if need be; never across a fork.
    fn with_index<T>(&self, work: impl Fn(&Index) -> heed::Result<T>) -> Result<T, StoreError> {
        loop {
            let gate = read(&self.0.gate);
            if let Some(index) = gate.live() {
                return Ok(work(index)?);
            }
            drop(gate);
            self.reopen()?;
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut gate = write(&self.0.gate);
        if gate.live().is_some() {
            return Ok(());
        }
        gate.index = None;
        let dir = self.dir();
        let (index, damage) = Index::open(dir)?;
        *gate = Gate {
            index: Some(index),
            place: place(dir),
        };
        drop(gate);
        self.degraded(damage);
        Ok(())
    }

    fn degraded(&self, what: Option<String>) {
        if let Some(what) = what {
            self.events().emit(&Event::Degraded { what });
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn new(dir: &Path, config: StoreConfig) -> Result<Self, StoreError> {
        Ok(Self {
            config: StoreConfig {
                dir: dir.to_owned(),
                ..config
            },
            gate: RwLock::default(),
            objects: ObjectStore::open(dir)?,
            flights: Flights::new(&dir.join("locks")),
            events: Events::default(),
        })
    }

    /// Closes the index if its directory was deleted, and perhaps created again, since.
    fn close_if_replaced(&self) {
        let mut gate = write(&self.gate);
        if gate.place != place(&self.config.dir) {
            *gate = Gate::default();
            drop(gate);
            *lock(&self.flights.table) = crate::flight::Table::empty();
        }
    }
}

impl Gate {
    /// The index, unless this is a child that was forked behind the engine's back.
    fn live(&self) -> Option<&Index> {
        self.index
            .as_ref()
            .filter(|index| index.pid == std::process::id())
    }
}

fn place(dir: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(dir.join("index")).ok()?;
    Some((found.dev(), found.ino()))
}
