//! What is known of a function from earlier calls, and good for as long as its guards hold: its
//! state, its parameters, and the way to its results in memory.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use rememo::{Digest, Encoder, Event, StateTree, Store, Tally, Tier, TimeToLive, World};
use smallvec::SmallVec;

use crate::definitions::Definitions;
use crate::events;
use crate::freeze::{Config, Impurity, Reads, Watched};
use crate::memory::Found;
use crate::raw::{Attached, QuickHash};
use crate::signature::Signature;
use crate::store::epoch;
use crate::worth::Worth;

/// The state of a function.
#[derive(Debug)]
pub struct State {
    pub tree: Arc<StateTree>,
    pub reads: Reads,
    /// The function or class that each part is, where it is one.
    pub definitions: Vec<Option<Py<PyAny>>>,
    pub impurities: BTreeSet<Impurity>,
    /// By what to see whether it still is the function's state; nothing where it must be found anew.
    pub watched: Option<Watched>,
}

/// What is known of a function.
#[derive(Debug)]
pub struct Known {
    pub state: Rc<State>,
    pub signature: Rc<Signature>,
    /// What is read about code by more than the function: the state was listed under that.
    asked: Reads,
    link: Attached<Option<Rc<Link>>>,
    config: Arc<Config>,
    /// The classes and functions that arguments are made of.
    pub definitions: Definitions,
}

/// The way from calls of a function to their results in memory.
#[derive(Debug)]
pub struct Link {
    epoch: u64,
    pub store: Store,
    function: String,
    tally: Arc<Tally>,
    /// What tells the calls of this function, in this state and store, from all others.
    salt: u128,
}

impl State {
    pub fn holds(&self, py: Python<'_>) -> bool {
        self.watched
            .as_ref()
            .is_some_and(|watched| watched.holds(py))
    }

    /// What the garbage collector must know of.
    pub fn kept(&self) -> impl Iterator<Item = &Py<PyAny>> {
        let watched = self.watched.iter().flat_map(Watched::kept);
        watched.chain(self.definitions.iter().flatten())
    }
}

impl Known {
    pub fn new(
        asked: Reads,
        state: Rc<State>,
        signature: Rc<Signature>,
        config: Arc<Config>,
    ) -> Self {
        Self {
            definitions: Definitions::new(state.reads, config.clone()),
            asked,
            state,
            signature,
            link: Attached::new(None),
            config,
        }
    }

    /// The link, unless other stores have come into use since it was made.
    pub fn link(&self, py: Python<'_>) -> Option<Rc<Link>> {
        let link = self.link.with(py, |link| link.clone())?;
        (link.epoch == epoch()).then_some(link)
    }

    /// The link to a store, as of an epoch.
    pub fn link_to(
        &self,
        py: Python<'_>,
        function: &str,
        (store, epoch): (&Store, u64),
        ttl: Option<TimeToLive>,
    ) -> Rc<Link> {
        if let Some(link) = self.link(py)
            && link.store.id() == store.id()
        {
            return link;
        }
        let mut salt = Encoder::new();
        salt.len(store.id());
        salt.str(function);
        salt.digest(&self.state.tree.digest);
        self.state.reads.write(&mut salt);
        // What a fingerprint of arguments leaves out.
        self.config.write(&mut salt);
        self.signature.write_ignored(&mut salt);
        // What is in memory is good for as long as its own function says.
        salt.str(&format!("{ttl:?}"));
        let link = Rc::new(Link {
            epoch,
            store: store.clone(),
            function: function.to_owned(),
            tally: py.detach(|| store.events().tally(function)),
            salt: number(&salt.finish()),
        });
        let old = self.link.with(py, |place| place.replace(link.clone()));
        drop(old);
        link
    }
}

impl Known {
    /// Whether the state is what listing the function under `reads` would give, if its guards hold:
    /// the state lists all that is read of what it was asked for and of what it met.
    pub fn serves(&self, reads: Reads) -> bool {
        let all = self.state.reads;
        reads.with(self.asked) == reads && all.with(reads) == all
    }

    /// Shows the garbage collector all that is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.kept().try_for_each(|kept| visit.call(kept))?;
        self.definitions.traverse(visit)
    }
}

/// What is known of a function, once for each set of things that its arguments read about code.
#[derive(Debug, Default)]
pub struct Everything(SmallVec<[Rc<Known>; 1]>);

/// How many such sets there are at once.
const SETS: usize = 4;

impl Everything {
    #[inline]
    pub fn get(&self, at: usize) -> Option<Rc<Known>> {
        self.0.get(at).cloned()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rc<Known>> {
        self.0.iter()
    }

    /// Puts something known in the place of what was known for the same set, if anything; gives what
    /// had to go.
    #[must_use]
    pub fn put(&mut self, known: Rc<Known>) -> Option<Rc<Known>> {
        let at = self.0.iter().position(|old| old.asked == known.asked);
        if at.is_none() && self.0.len() < SETS {
            self.0.push(known);
            return None;
        }
        let at = at.unwrap_or(SETS - 1);
        Some(std::mem::replace(&mut self.0[at], known))
    }
}

/// Half of a digest, which is enough within a process.
pub fn number(digest: &Digest) -> u128 {
    let (half, _) = digest.0.split_at(16);
    half.iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

impl Link {
    /// The key in memory of a call, from a fingerprint of its arguments or from its call key: either
    /// is random enough for no two calls to come to the same.
    #[inline]
    pub fn memory_key(&self, fingerprint: QuickHash) -> u128 {
        self.salt ^ fingerprint
    }

    /// When a hit begins, if it is one to measure.
    #[inline]
    pub fn begin_hit(&self) -> Option<Instant> {
        self.tally.begin()
    }

    /// Has it considered whether the function is worth while.
    #[cold]
    pub fn consider(&self, py: Python<'_>, worth: &Worth) {
        if worth.is_asked() {
            Python::attach(|_| worth.consider(py, &self.function, &self.store));
        }
    }

    /// Whether a result in memory still is in the store.
    pub fn is_good(&self, found: &Found<'_>) -> bool {
        self.store.is_current(&found.generation)
    }

    /// Counts a hit, or tells of it if anybody listens.
    #[inline]
    pub fn hit(
        &self,
        py: Python<'_>,
        (key, saved_ns): (Digest, u64),
        world: Option<&World>,
        start: Option<Instant>,
    ) {
        if !events::hits_are_heard(py) {
            self.tally.hit(saved_ns);
            if let Some(start) = start {
                self.tally.measured(start);
            }
            return;
        }
        let event = Event::Hit {
            function: self.function.clone(),
            key,
            saved_ns,
            tier: Tier::Memory,
            accepted: world.map_or_else(Vec::new, World::accepted_by),
            spent: self.tally.spent(start),
        };
        Python::attach(|_| py.detach(|| self.store.events().emit(&event)));
    }
}
