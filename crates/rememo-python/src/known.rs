//! What is known of a function from earlier calls, and good for as long as its guards hold: its
//! state, its parameters, and the way to its results in memory.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyType;
use rememo::{Digest, Encoder, Event, StateTree, Store, Tally, Tier};

use crate::events;
use crate::freeze::{Config, Graph, Impurity, Reads, Root, Watched, slots_of_plain};
use crate::memory::Found;
use crate::raw::{Attached, QuickHash, Shape, Shapes};
use crate::signature::Signature;
use crate::store::epoch;

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
    link: Attached<Option<Rc<Link>>>,
    config: Arc<Config>,
    classes: Attached<HashMap<usize, Rc<Class>>>,
}

/// A class that arguments were instances of.
#[derive(Debug)]
struct Class {
    /// Kept, so that its address stays its own.
    class: Py<PyType>,
    /// The shape of its instances, and by what to see whether it is still the class that it was;
    /// nothing where there is more to them.
    shape: Option<(Rc<Shape>, Watched)>,
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
    pub fn new(state: Rc<State>, signature: Rc<Signature>, config: Arc<Config>) -> Self {
        Self {
            state,
            signature,
            link: Attached::new(None),
            config,
            classes: Attached::default(),
        }
    }

    /// The link, unless other stores have come into use since it was made.
    pub fn link(&self, py: Python<'_>) -> Option<Rc<Link>> {
        let link = self.link.with(py, |link| link.clone())?;
        (link.epoch == epoch()).then_some(link)
    }

    /// The link to a store, as of an epoch.
    pub fn link_to(&self, py: Python<'_>, function: &str, store: &Store, epoch: u64) -> Rc<Link> {
        if let Some(link) = self.link(py)
            && link.store.id() == store.id()
        {
            return link;
        }
        let mut salt = Encoder::new();
        salt.len(store.id());
        salt.str(function);
        salt.digest(&self.state.tree.digest);
        // What a fingerprint of arguments leaves out.
        self.config.write(&mut salt);
        self.signature.write_ignored(&mut salt);
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

/// How many classes are known at once.
const CLASSES: usize = 64;

impl<'py> Shapes<'py> for Known {
    fn shape(&self, class: &Bound<'py, PyType>) -> Option<Rc<Shape>> {
        let py = class.py();
        let address = class.as_ptr() as usize;
        let known = self.classes.with(py, |known| known.get(&address).cloned());
        if let Some(known) = known {
            let (shape, watched) = known.shape.as_ref()?;
            if watched.holds(py) {
                return Some(shape.clone());
            }
        }
        let found = Rc::new(Class {
            class: class.clone().unbind(),
            shape: self.find(class),
        });
        let shape = found.shape.as_ref().map(|(shape, _)| shape.clone());
        let old = self.classes.with(py, |known| {
            let old = (known.len() >= CLASSES).then(|| std::mem::take(known));
            (old, known.insert(address, found))
        });
        drop(old);
        shape
    }
}

impl Known {
    /// Lists what a class is made of. What functions read about code counts in all, which a class
    /// on its own does not tell.
    fn find(&self, class: &Bound<'_, PyType>) -> Option<(Rc<Shape>, Watched)> {
        if self.state.reads != Reads::default() {
            return None;
        }
        let slots = slots_of_plain(class, &self.config)?;
        let root = Root::Argument {
            name: String::new(),
            value: class.clone().into_any(),
        };
        let frozen = Graph::freeze_and_watch(root, Reads::default(), &self.config).ok()?;
        if frozen.reads != Reads::default() || frozen.remembered.is_some() {
            return None;
        }
        let class = number(&frozen.digest);
        Some((Rc::new(Shape { class, slots }), frozen.watched?.ok()?))
    }

    /// Shows the garbage collector all that is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.kept().try_for_each(|kept| visit.call(kept))?;
        self.classes.peek(visit, |classes| {
            classes.values().try_for_each(|known| {
                visit.call(&known.class)?;
                let Some((shape, watched)) = &known.shape else {
                    return Ok(());
                };
                let mut kept = watched.kept().chain(&shape.slots);
                kept.try_for_each(|kept| visit.call(kept))
            })
        })
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

    /// Whether a result in memory still is in the store.
    pub fn is_good(&self, found: &Found<'_>) -> bool {
        self.store.is_current(&found.generation)
    }

    /// Counts a hit, or tells of it if anybody listens.
    #[inline]
    pub fn hit(&self, py: Python<'_>, key: Digest, saved_ns: u64) {
        if !events::hits_are_heard(py) {
            self.tally.hit(saved_ns);
            return;
        }
        let event = Event::Hit {
            function: self.function.clone(),
            key,
            saved_ns,
            tier: Tier::Memory,
        };
        Python::attach(|_| py.detach(|| self.store.events().emit(&event)));
    }
}
