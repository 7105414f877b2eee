//! The store: one directory, opened once per process, shared by all its threads.

mod acceptances;
mod accounts;
mod adopt;
mod compact;
mod config;
mod file_system;
mod fork;
mod generation;
mod inspect;
mod integrity;
mod keep;
mod layout;
mod ownership;
mod queue;
mod room;
mod settings;
mod transfer;
mod uses;
mod writer;

pub use config::{Durability, StoreConfig, StoreError};
pub use file_system::FileSystem;
pub use generation::Generation;
pub use inspect::Found;
pub use integrity::{Integrity, Orphans};
pub(crate) use keep::Cost;
pub use keep::Kept;
#[cfg(any(test, fuzzing))]
pub(crate) use layout::version as format_version;
pub use room::Room;
pub use transfer::Taken;
pub use uses::Uses;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, RwLock};
use std::time::{Duration, Instant};

use crate::access::Keeper;
use crate::digest::Digest;
use crate::event::{Event, Events};
use crate::flight::{Flights, Patience, Wait};
use crate::index::{
    Index, Place, Removed, Snapshot, is_damage, is_moved, is_panic, is_read_only, is_strange, place,
};
use crate::lock::{lock, read, write};
use crate::object::ObjectStore;
use generation::Generations;
use queue::Queue;
use settings::Settings;
use uses::Used;

/// How long to do without an index that could not be copied. On a full disk, say, each call would
/// fill it anew.
const COPY_AGAIN: Duration = Duration::from_secs(60);

/// One store per directory and process, for as long as the process lives; and another one of those
/// for which the directory is to be left as it is.
static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// Stores by their directory, and by whether it is to be left as it is.
type Registry = HashMap<(PathBuf, bool), &'static Shared>;

/// A handle to an open store; copies share it.
#[derive(Clone)]
pub struct Store(&'static Shared);

struct Shared {
    config: StoreConfig,
    keeper: Keeper,
    gate: RwLock<Gate>,
    objects: ObjectStore,
    flights: Flights,
    generations: Generations,
    queue: Queue,
    settings: Settings,
    events: Events,
    used: Mutex<Used>,
    /// Whether what was lost is being looked for.
    recovering: AtomicBool,
    /// Whether there are states of which the parts are not known.
    lacks_states: AtomicBool,
    /// A generation in which nothing was accepted.
    accepts_nothing: Mutex<Option<Generation>>,
    /// Whether the index answered strangely, and its file was found to be whole.
    suspected: AtomicBool,
    /// Whether the index's file was found not to become smaller by itself.
    cannot_compact: AtomicBool,
    /// What went wrong while no call was there to be told.
    untold: Mutex<Vec<Event>>,
}

/// What a fork must not happen in the midst of.
#[derive(Default)]
struct Gate {
    index: Option<Index>,
    /// Where the index was when it was opened.
    place: Option<Place>,
    /// Whether the directory is to be removed.
    retired: bool,
    /// What the index is a copy of, where the directory may be read only; and the generation then.
    copied: Option<(Snapshot, Option<Generation>)>,
    /// Until when no copy is tried after one that failed, and why that one did.
    no_copy: Option<(Instant, String)>,
}

impl Store {
    /// Opens a store, and creates it if need be. The first configuration in a process counts.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let dir = config.dir.clone();
        Self::open_here(config).map_err(|error| error.at(&dir))
    }

    fn open_here(config: StoreConfig) -> Result<Self, StoreError> {
        let mut registry = lock(&REGISTRY);
        let layout::Prepared { keeper, moved } = layout::prepare(&config.dir, config.access)?;
        let dir = fs::canonicalize(&config.dir)?;
        let room = config.room.clone();
        let asked = (config.durability, config.flush_every);
        let place = (dir, keeper.is_read_only());
        let shared = if let Some(shared) = registry.get(&place) {
            *shared
        } else {
            let shared: &'static Shared =
                Box::leak(Box::new(Shared::new(&place.0, config, keeper)?));
            registry.insert(place, shared);
            shared
        };
        drop(registry);
        let store = Self(shared);
        store.ask_for(asked.0, asked.1);
        store.degraded(moved);
        write(&shared.gate).retired = false;
        store.follow()?;
        shared.close_if_replaced();
        store.with_index(|_| Ok(()))?;
        store.ask_for_room(&room)?;
        Ok(store)
    }

    /// A number that no other store of this process has.
    pub fn id(&self) -> usize {
        std::ptr::from_ref(self.0).addr()
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.0.config.dir
    }

    /// The event stream.
    pub fn events(&self) -> &'static Events {
        &self.0.events
    }

    /// The generation now; none where the directory has no room for its number. Takes a lock.
    pub fn generation(&self) -> Option<Generation> {
        self.0.generations.current()
    }

    /// Whether a generation goes on: what was stored in it still is.
    pub fn is_current(&self, generation: &Generation) -> bool {
        self.0.generations.is_current(generation)
    }

    /// Closes the index; it is opened again on the next use.
    pub fn close(&self) {
        self.settle();
        self.note_uses();
        write(&self.0.gate).index = None;
        self.0.flights.rest();
    }

    /// Closes the store, whose directory is to be removed: nothing is kept in it any more, until
    /// it is opened again.
    pub fn retire(&self) {
        self.0.queue.discard();
        let mut gate = write(&self.0.gate);
        gate.index = None;
        gate.retired = true;
        drop(gate);
        self.0.flights.rest();
    }

    /// Begins to ask for the claim to a call key, if this store has claims.
    pub(crate) fn ask(&self, key: &Digest) -> Option<Wait<'static>> {
        let Shared {
            config, flights, ..
        } = self.0;
        let patience = Patience {
            wait: config.wait,
            nested: config.nested_wait,
        };
        config.single_flight.then(|| flights.ask(key, patience))
    }

    /// Works with the index, which is opened first if need be; never across a fork. One that
    /// turns out to be damaged is replaced, once. So is one that answers strangely, if its file is
    /// found to be damaged; not time and again, for that need not be why.
    fn with_index<T>(&self, work: impl Fn(&Index) -> heed::Result<T>) -> Result<T, StoreError> {
        match self.try_index(&work) {
            Err(StoreError::Index(error)) if is_damage(&error) || is_panic(&error) => {
                self.mend(&error)?;
                self.try_index(&work)
            }
            Err(StoreError::Index(error)) if is_strange(&error) && self.suspect() => {
                self.mend(&error)?;
                self.try_index(&work)
            }
            done => done,
        }
    }

    /// Removes something, in several transactions: another index may take the place of this one
    /// between two of them, and what is gone by then is gone from that one, too.
    fn removing(
        &self,
        work: impl Fn(&Index, &mut Removed) -> heed::Result<()>,
    ) -> Result<Removed, StoreError> {
        let removed = RefCell::default();
        self.with_index(|index| work(index, &mut removed.borrow_mut()))?;
        Ok(removed.into_inner())
    }

    /// Goes on with the index that took the place of the one that was open, which is no other store.
    fn follow(&self) -> Result<(), StoreError> {
        let is_moved = read(&self.0.gate)
            .index
            .as_ref()
            .is_some_and(Index::is_moved);
        if is_moved { self.reopen() } else { Ok(()) }
    }

    /// Has the index be opened again, and its file be read then; whether that was not done already.
    fn suspect(&self) -> bool {
        let is_first = !self.0.suspected.swap(true, Ordering::Relaxed);
        if let Some(index) = read(&self.0.gate).live().filter(|_| is_first) {
            index.suspect();
        }
        is_first
    }

    fn try_index<T>(&self, work: impl Fn(&Index) -> heed::Result<T>) -> Result<T, StoreError> {
        if self.0.generations.was_missed() {
            self.0.close_if_replaced();
        }
        loop {
            let gate = read(&self.0.gate);
            if let Some(index) = gate.live()
                && !self.0.is_outdated(&gate)
            {
                match index.at_work(|| work(index)) {
                    Err(error) if is_moved(&error) => {}
                    done => return Ok(done.inspect_err(|error| index.condemn(error))?),
                }
            }
            drop(gate);
            self.reopen()?;
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut gate = write(&self.0.gate);
        if gate.retired {
            return Err(StoreError::Removed);
        }
        if gate.live().is_some() && !self.0.is_outdated(&gate) {
            return Ok(());
        }
        gate.index = None;
        gate.copied = None;
        let dir = self.dir();
        // Whatever is there now may have taken the place of what was there before.
        let moved = layout::prepare(dir, self.0.config.access)?.moved;
        let mut bounded = Ok(None);
        let damage = if is_read_only(dir, self.0.keeper) {
            if let Some((until, why)) = &gate.no_copy
                && Instant::now() < *until
            {
                return Err(StoreError::Unusable {
                    dir: dir.to_owned(),
                    why: why.clone(),
                });
            }
            let generation = self.0.generations.current();
            let copied = Index::open_copy(dir, self.0.keeper);
            let (index, snapshot) = copied.map_err(|error| {
                let error = StoreError::from(error).at(dir);
                gate.no_copy = Some((Instant::now() + COPY_AGAIN, error.reason()));
                error
            })?;
            gate.index = Some(index);
            gate.copied = Some((snapshot, generation));
            None
        } else {
            let sync = self.durability() > Durability::Fast;
            let (index, damage) = Index::open(dir, self.0.keeper, sync)?;
            bounded = index.at_work(|| room::settle(&index, dir, &self.0.config.room));
            gate.index = Some(index);
            if damage.is_some() {
                self.0.suspected.store(false, Ordering::Relaxed);
            }
            damage
        };
        gate.place = place(dir);
        let is_own = gate.copied.is_none();
        drop(gate);
        if self.0.generations.is_lost() {
            self.0.generations.renew(dir);
        }
        self.degraded(moved);
        self.degraded(damage);
        match bounded {
            Err(StoreError::Index(error)) if is_damage(&error) => return Err(error.into()),
            Ok(Some(bounded)) => self.events().emit(&bounded),
            // On a full disk, say, it is settled the next time.
            Ok(None) | Err(_) => {}
        }
        if is_own {
            self.recover();
        }
        Ok(())
    }

    /// Closes an index that failed, and sets it aside if it is damaged.
    fn mend(&self, error: &heed::Error) -> Result<(), StoreError> {
        let mut gate = write(&self.0.gate);
        let condemned = |index: &mut Index| *index.condemned.get_mut();
        let Some(index) = gate.index.take_if(condemned) else {
            return Ok(());
        };
        drop(index);
        let what = match gate.place {
            Some(place) if is_damage(error) => {
                Index::set_aside(self.dir(), self.0.keeper, place, error)?
            }
            _ => None,
        };
        drop(gate);
        self.degraded(what);
        Ok(())
    }

    /// Notices that the directory was removed or replaced: what was found in it counts no more.
    ///
    /// # Errors
    /// Where the store cannot be opened again.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let looked = self.look_again().and_then(|()| self.with_index(|_| Ok(())));
        looked.map_err(|error| error.at(self.dir()))
    }

    /// Begins anew if the directory was removed or replaced since it was opened: what is stored
    /// from now on would be lost in the old one.
    fn renew(&self) -> Result<(), StoreError> {
        self.look_again()?;
        self.writable()
    }

    fn look_again(&self) -> Result<(), StoreError> {
        self.follow()?;
        let at = read(&self.0.gate).place;
        if at != place(self.dir()) {
            self.0.close_if_replaced();
        }
        Ok(())
    }

    /// Refuses to change a store that may be read only.
    fn writable(&self) -> Result<(), StoreError> {
        self.with_index(|_| Ok(()))?;
        if read(&self.0.gate).copied.is_none() {
            return Ok(());
        }
        let dir = self.dir().to_owned();
        Err(StoreError::ReadOnly { dir })
    }

    fn degraded(&self, what: Option<String>) {
        if let Some(what) = what {
            self.tell(Event::Degraded { what });
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
    fn new(dir: &Path, mut config: StoreConfig, keeper: Keeper) -> Result<Self, StoreError> {
        let events = Events::default();
        if let Some(subscriber) = config.subscriber.take() {
            events.subscribe(subscriber);
        }
        Ok(Self {
            config: StoreConfig {
                dir: dir.to_owned(),
                ..config
            },
            gate: RwLock::default(),
            keeper,
            objects: ObjectStore::open(dir, keeper)?,
            flights: Flights::new(&dir.join("claims"), keeper),
            generations: Generations::of(dir, keeper),
            queue: Queue::new(),
            settings: Settings::default(),
            events,
            used: Mutex::default(),
            recovering: AtomicBool::new(false),
            lacks_states: AtomicBool::new(false),
            accepts_nothing: Mutex::default(),
            suspected: AtomicBool::new(false),
            cannot_compact: AtomicBool::new(false),
            untold: Mutex::default(),
        })
    }

    /// Whether the index is a copy of one that others have changed since.
    fn is_outdated(&self, gate: &Gate) -> bool {
        gate.copied.as_ref().is_some_and(|(snapshot, generation)| {
            let ended =
                generation.is_some_and(|generation| !self.generations.is_current(&generation));
            ended || snapshot.is_outdated(&self.config.dir)
        })
    }

    /// Closes the index if its directory was deleted, and perhaps created again, since.
    fn close_if_replaced(&self) {
        let mut gate = write(&self.gate);
        if !gate.retired && gate.place != place(&self.config.dir) {
            *gate = Gate::default();
            drop(gate);
            *lock(&self.flights.table) = crate::flight::Table::empty();
            self.generations.renew(&self.config.dir);
        }
    }
}

impl Gate {
    /// The index, unless another one took its place, or this is a child that was forked behind the
    /// engine's back.
    fn live(&self) -> Option<&Index> {
        self.index
            .as_ref()
            .filter(|index| index.pid == crate::process::id() && !index.is_moved())
    }
}
