//! Forking: the engine's locks are taken before it, so that the child finds them in order; the
//! child then drops what it inherited and opens its own on first use.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard, RwLockWriteGuard};

use super::generation::Number;
use super::queue::State;
use super::uses::Used;
use super::{Gate, REGISTRY, Registry, Shared, Store};
use crate::deps::{Digests, digests};
use crate::event::{Event, Subscriber};
use crate::flight::Table;
use crate::lock::{lock, write};
use crate::stats::Book;

/// Everything held from before a fork until after it.
struct Held {
    stores: Vec<HeldStore>,
    _registry: MutexGuard<'static, Registry>,
    _digests: MutexGuard<'static, Digests>,
}

struct HeldStore {
    queue: MutexGuard<'static, State>,
    gate: RwLockWriteGuard<'static, Gate>,
    flights: MutexGuard<'static, Table>,
    _number: RwLockWriteGuard<'static, Number>,
    _subscribers: RwLockWriteGuard<'static, Vec<Arc<dyn Subscriber>>>,
    book: MutexGuard<'static, Book>,
    used: MutexGuard<'static, Used>,
    _untold: MutexGuard<'static, Vec<Event>>,
}

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

impl Store {
    /// To be called right before this thread forks: waits for the engine to be at rest, with all
    /// that is on its way written.
    pub fn before_fork() {
        let registry = lock(&REGISTRY);
        let stores = registry.values().map(|shared| hold(shared)).collect();
        HELD.set(Some(Held {
            stores,
            _registry: registry,
            _digests: digests(),
        }));
    }

    /// To be called right after, by the parent's thread that forked.
    pub fn after_fork_in_parent() {
        HELD.take();
    }

    /// To be called right after, by the child's only thread.
    pub fn after_fork_in_child() {
        if let Some(mut held) = HELD.take() {
            for store in &mut held.stores {
                // What is on its way is the parent's to write.
                *store.queue = State::default();
                store.gate.index = None;
                Used::forget(&mut store.used);
                // What happened before is the parent's to write down.
                drop(store.book.take_fresh());
                // Closes the inherited lock file, which leaves the parent's locks alone.
                *store.flights = Table::empty();
            }
        }
    }
}

fn hold(shared: &'static Shared) -> HeldStore {
    HeldStore {
        queue: shared.queue.still(),
        gate: write(&shared.gate),
        flights: lock(&shared.flights.table),
        _number: write(&shared.generations.number),
        _subscribers: write(&shared.events.subscribers),
        book: lock(&shared.events.book),
        used: lock(&shared.used),
        _untold: lock(&shared.untold),
    }
}
