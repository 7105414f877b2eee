//! Classes and functions met in arguments: what stands for each in a fingerprint within the
//! process, for as long as its guards hold.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyFunction, PyType};
use rememo::Folded;
use smallvec::SmallVec;

use crate::freeze::{
    Config, Glance, Graph, Reads, Referred, Root, Types, Watched, glance, registrations, shape_of,
};
use crate::known::number;
use crate::raw::{Attached, Quick, QuickHash, Shape, Shapes};
use crate::wrappers;

/// How many definitions are known at once.
const CAPACITY: usize = 256;

/// The definitions met in the arguments of one function, listed under what is read about code.
#[derive(Debug)]
pub struct Definitions {
    reads: Reads,
    config: Arc<Config>,
    known: Attached<HashMap<usize, Rc<Definition>>>,
    /// The types that walks met.
    types: Attached<Option<Types>>,
}

#[derive(Debug)]
struct Definition {
    /// Kept, so that its address stays its own.
    object: Py<PyAny>,
    /// How many types had been registered when it was looked at.
    registrations: u64,
    /// Nothing where it can't be watched, or reads more about code than all the rest.
    found: Option<Found>,
}

#[derive(Debug)]
struct Found {
    number: QuickHash,
    watched: Watched,
    /// How instances are told apart, where it is a class whose instances hide nothing.
    shape: Option<Rc<Shape>>,
}

impl Definitions {
    pub fn new(reads: Reads, config: Arc<Config>) -> Self {
        Self {
            reads,
            config,
            known: Attached::default(),
            types: Attached::new(None),
        }
    }

    /// What is known of a definition from before.
    fn get(&self, object: &Bound<'_, PyAny>) -> Option<Rc<Definition>> {
        let address = object.as_ptr() as usize;
        let known = self
            .known
            .with(object.py(), |known| known.get(&address).cloned());
        known.filter(|known| known.registrations == registrations())
    }

    /// Finds what there is to know of a definition, which may run Python code.
    fn learn(&self, object: &Bound<'_, PyAny>) -> Option<Rc<Definition>> {
        if is_made_for_the_occasion(object) {
            return None;
        }
        let py = object.py();
        let address = object.as_ptr() as usize;
        let found = Rc::new(Definition {
            object: object.clone().unbind(),
            registrations: registrations(),
            found: self.find(object),
        });
        let old = self.known.with(py, |known| {
            let all = (known.len() >= CAPACITY).then(|| std::mem::take(known));
            (all, known.insert(address, found.clone()))
        });
        drop(old);
        Some(found)
    }

    fn find(&self, object: &Bound<'_, PyAny>) -> Option<Found> {
        let root = Root::Argument {
            name: String::new(),
            value: object.clone(),
        };
        let frozen = Graph::freeze_and_watch(root, self.reads, &self.config).ok()?;
        // What functions read about code counts in all, which nothing tells on its own.
        if frozen.reads != self.reads || frozen.remembered.is_some() {
            return None;
        }
        let number = number(&frozen.digest);
        let class = object.cast::<PyType>().ok();
        Some(Found {
            number,
            watched: frozen.watched?.ok()?,
            shape: class.and_then(|class| shape_of(class, number, &self.config).map(Rc::new)),
        })
    }

    fn forget(&self, py: Python<'_>, definition: &Definition) {
        let address = definition.object.as_ptr() as usize;
        drop(self.known.with(py, |known| known.remove(&address)));
    }

    /// Shows the garbage collector all that is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.types.peek(visit, |types| {
            types.iter().try_for_each(|types| types.traverse(visit))
        })?;
        self.known.peek(visit, |known| {
            known.values().try_for_each(|definition| {
                visit.call(&definition.object)?;
                let Some(found) = &definition.found else {
                    return Ok(());
                };
                let slots = found.shape.iter().flat_map(|shape| &shape.slots);
                let mut kept = found.watched.kept().chain(slots);
                kept.try_for_each(|kept| visit.call(kept))
            })
        })
    }
}

/// Whether a function was made while another ran: the next such one is another object, and what it
/// holds on to is not for us to keep alive.
fn is_made_for_the_occasion(object: &Bound<'_, PyAny>) -> bool {
    let is_local = || {
        let name = object.getattr("__qualname__")?.extract::<String>()?;
        Ok::<_, PyErr>(name.contains('<') || !object.getattr("__closure__")?.is_none())
    };
    object.cast::<PyFunction>().is_ok() && is_local().unwrap_or(true)
}

/// One look at arguments.
pub struct Reading<'a, 'py> {
    py: Python<'py>,
    definitions: &'a Definitions,
    /// The definitions met, whose guards are still to be compared.
    met: RefCell<SmallVec<[Rc<Definition>; 4]>>,
    /// Whether something was met that is not known under what is read here.
    unfit: Cell<bool>,
    /// Whether something was met for the first time.
    learned: Cell<bool>,
    /// The types that walks meet.
    types: RefCell<Option<Types>>,
    /// An exception that was raised by a walk and says nothing about the value.
    fatal: RefCell<Option<PyErr>>,
}

impl<'a, 'py> Reading<'a, 'py> {
    #[inline]
    pub fn new(py: Python<'py>, definitions: &'a Definitions) -> Self {
        Self {
            py,
            definitions,
            met: RefCell::default(),
            unfit: Cell::new(false),
            learned: Cell::new(false),
            types: RefCell::new(None),
            fatal: RefCell::new(None),
        }
    }

    /// Whether all definitions that were met are what they were. What is not is found anew when it
    /// is met again.
    #[inline]
    pub fn holds(&self) -> bool {
        let met = self.met.borrow();
        met.is_empty() || self.all_hold(&met)
    }

    fn all_hold(&self, met: &[Rc<Definition>]) -> bool {
        let mut holds = true;
        for definition in met {
            let found = definition.found.as_ref();
            if !found.is_some_and(|found| found.watched.holds(self.py)) {
                self.definitions.forget(self.py, definition);
                holds = false;
            }
        }
        let types = self.types.take();
        // What was found of types is good only if their guards are older, and hold now.
        if let Some(types) = types
            && holds
            && !self.learned.get()
        {
            let old = self
                .definitions
                .types
                .with(self.py, |place| place.replace(types));
            drop(old);
        }
        holds
    }

    /// A fingerprint of one argument that is not told by its structure alone.
    pub fn argument(&self, value: &Bound<'py, PyAny>) -> PyResult<Option<QuickHash>> {
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        if value.cast::<wrappers::Ignore>().is_ok() {
            return Ok(Some(0));
        }
        if self.unfit.get() || value.cast::<wrappers::Frozen>().is_ok() {
            return Ok(None);
        }
        self.walk(value)
    }

    /// A fingerprint by the walk that makes keys, with what is known in place of the definitions.
    fn walk(&self, value: &Bound<'py, PyAny>) -> PyResult<Option<QuickHash>> {
        let Definitions { reads, config, .. } = self.definitions;
        let known = self
            .types
            .take()
            .or_else(|| self.definitions.types.with(self.py, Option::take));
        let mut types = Types::current(known, self.py)?;
        let glance = glance(value, *reads, config, &mut types)?;
        let met = types
            .met()
            .all(|class| self.meet(class.bind(self.py).as_any(), true).is_some());
        self.types.replace(Some(types));
        Ok(glance
            .filter(|_| met)
            .and_then(|glance| self.number(&glance)))
    }

    fn number(&self, glance: &Glance<'py>) -> Option<QuickHash> {
        let mut quick = Quick::new(self.py);
        match &glance.folded {
            Folded::Bytes(bytes) => quick.text_of(bytes),
            Folded::Digest(digest) => quick.raw(&digest.0),
        }
        for referred in &glance.referred {
            match referred {
                Referred::Definition(object) => {
                    let definition = self.meet(object, true)?;
                    let number = definition.found.as_ref()?.number;
                    quick.raw(&(object.as_ptr() as usize).to_le_bytes());
                    quick.raw(&number.to_le_bytes());
                }
                Referred::Library(name, version) => {
                    quick.text_of(name.as_bytes());
                    quick.text_of(version.as_bytes());
                }
            }
        }
        Some(quick.finish())
    }

    fn meet(&self, object: &Bound<'py, PyAny>, may_run: bool) -> Option<Rc<Definition>> {
        let is_it = |met: &&Rc<Definition>| met.object.as_ptr() == object.as_ptr();
        if let Some(met) = self.met.borrow().iter().rfind(is_it) {
            return Some(met.clone());
        }
        let known = self.definitions.get(object);
        let definition = known.or_else(|| {
            self.learned.set(true);
            may_run.then(|| self.definitions.learn(object)).flatten()
        });
        let fits = definition.filter(|definition| definition.found.is_some());
        match &fits {
            Some(definition) => self.met.borrow_mut().push(definition.clone()),
            None if may_run => self.unfit.set(true),
            None => {}
        }
        fits
    }
}

impl<'py> Shapes<'py> for Reading<'_, 'py> {
    fn definition(&self, object: &Bound<'py, PyAny>, may_run: bool) -> Option<QuickHash> {
        let definition = self.meet(object, may_run)?;
        definition.found.as_ref().map(|found| found.number)
    }

    fn shape(&self, class: &Bound<'py, PyType>, may_run: bool) -> Option<Rc<Shape>> {
        let definition = self.meet(class.as_any(), may_run)?;
        definition.found.as_ref()?.shape.clone()
    }

    fn walked(&self, value: &Bound<'py, PyAny>) -> Option<QuickHash> {
        self.walk(value).unwrap_or_else(|fatal| {
            self.fatal.replace(Some(fatal));
            None
        })
    }
}
