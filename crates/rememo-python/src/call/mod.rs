//! One call of a memoized function.

mod callee;
mod key;

use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyString, PyTuple};
use rememo::{Begun, Callee, Digest, Encoded, Given, Key, Log, Missed, Mode, StateTree, Store};

use crate::codec::{self, Handing};
use crate::effects::Effects;
use crate::freeze::{Config, Place, Reads};
use crate::known::State;
use crate::memoized::Memoized;
use crate::mutations::{Mutations, result_of};
use crate::raw::QuickHash;
use crate::record::{self, Care, Pause, Recording};
use crate::signature::{Signature, Values};
use crate::store::prepare_worker;
use crate::wrappers;

/// What a function's user said of it, as far as it counts.
#[derive(Default)]
pub struct Semantics {
    pub ignore: Vec<String>,
    pub version: Option<Py<PyAny>>,
    pub config: Arc<Config>,
    pub care: Care,
}

/// One call, its arguments bound.
pub struct Call<'a, 'py> {
    py: Python<'py>,
    memoized: &'a Memoized,
    function: Bound<'py, PyFunction>,
    name: String,
    signature: Rc<Signature>,
    values: Values<'py>,
    args: Bound<'py, PyTuple>,
    kwargs: Option<Bound<'py, PyDict>>,
    /// An exception that is not the engine's to judge: raised in place of going on.
    fatal: Option<PyErr>,
    /// The state that the last key was made of.
    pub state: Option<Rc<State>>,
    /// The fingerprint of the arguments that the last key was made of, where they are plain.
    fingerprint: Option<QuickHash>,
    /// The last key.
    key: Option<Key>,
    /// Where to look for, and keep, results in memory, and as of which epoch.
    memory: Option<(Store, u64)>,
    /// What code reads about code, as far as was met in state and arguments.
    reads: Reads,
    /// What properties of state and arguments remembered from earlier use.
    remembered: Vec<Digest>,
    /// The recording of what this call is part of.
    outer: Option<Bound<'py, Recording>>,
    /// The files that arguments name, before the run.
    pub given: Vec<Given>,
    /// What the run looked at and did.
    log: Log,
    /// The result of the run, where callers are handed views of it.
    encoded: Option<Encoded>,
    /// What took down what the run wrote and logged.
    tape: Option<Bound<'py, PyAny>>,
    /// What is done again together with the result that was found.
    effects: Option<Arc<Effects>>,
    /// The values that its code uses, where what becomes of them is to be done again.
    places: Vec<Place<'py>>,
    /// What it changes in its place.
    mutations: Mutations<'py>,
}

impl<'a, 'py> Call<'a, 'py> {
    /// A call with these arguments; none where they do not fit the function.
    pub fn new(
        memoized: &'a Memoized,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Self>> {
        let py = args.py();
        let function = memoized.function.bind(py);
        let signature = memoized.signature(py)?;
        let keywords = kwargs.map(|kwargs| {
            let named = |(name, value): (Bound<'py, PyAny>, Bound<'py, PyAny>)| {
                Some((name.cast_into::<PyString>().ok()?, value))
            };
            kwargs.iter().filter_map(named)
        });
        let keywords = keywords.into_iter().flatten();
        let Some(values) = signature.bind(function, args.iter(), keywords)? else {
            return Ok(None);
        };
        let (args, kwargs) = wrappers::unwrapped(args, kwargs)?;
        Ok(Some(Self::bound(memoized, signature, values, args, kwargs)))
    }

    /// What there is to know of a function before there are arguments.
    pub fn without_arguments(memoized: &'a Memoized, py: Python<'py>) -> PyResult<Self> {
        let signature = memoized.signature(py)?;
        let args = PyTuple::empty(py);
        Ok(Self::bound(memoized, signature, Values::new(), args, None))
    }

    fn bound(
        memoized: &'a Memoized,
        signature: Rc<Signature>,
        values: Values<'py>,
        args: Bound<'py, PyTuple>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> Self {
        let py = args.py();
        Self {
            py,
            name: memoized.name(py),
            memoized,
            function: memoized.function.bind(py).clone(),
            signature,
            values,
            args,
            kwargs,
            fatal: None,
            state: None,
            fingerprint: None,
            key: None,
            memory: None,
            reads: Reads::default(),
            remembered: Vec::new(),
            outer: None,
            given: Vec::new(),
            log: Log::default(),
            encoded: None,
            tape: None,
            effects: None,
            places: Vec::new(),
            mutations: Mutations::default(),
        }
    }

    /// The state of the function, with the sources of its parts; why it has none, where it has none.
    pub fn state_with_sources(&mut self) -> PyResult<Result<StateTree, String>> {
        let found = self.found_state();
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        Ok(found.map_err(|unkeyable| unkeyable.what).map(|state| {
            let mut tree = (*state.tree).clone();
            self.state = Some(state);
            self.add_sources(&mut tree.parts);
            tree
        }))
    }

    /// Makes the call through the engine. The store is the one that was in use in that epoch.
    pub fn make(mut self, store: &Store, epoch: u64, mode: Mode) -> PyResult<Py<PyAny>> {
        self.memory = Some((store.clone(), epoch));
        let pause = Pause::begin(self.py);
        self.outer.clone_from(&pause.outer);
        self.prepare();
        let result = rememo::call(store, &mut self, mode);
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        match (&result, self.encoded.take()) {
            // What a later call will be handed, too.
            (Ok(_), Some(encoded)) => {
                let view = codec::decode(self.py, &encoded, Handing::View);
                view.map(Bound::unbind).or(result)
            }
            _ => result.and_then(|value| self.handed(value)),
        }
    }

    /// Has a worker be ready for its end. Where that fails, some of what is counted is lost.
    fn prepare(&mut self) {
        if let Err(error) = prepare_worker(self.py) {
            self.judge(&error);
        }
    }

    /// A result, stored or not, as the caller is to have it.
    pub fn handed(&self, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        if self.memoized.semantics.care.effects.mutations() {
            result_of(value, self.py)
        } else {
            Ok(value)
        }
    }

    /// Does what `make` does before the function is called.
    pub fn begin(
        &mut self,
        store: &Store,
        epoch: u64,
        mode: Mode,
        claiming: bool,
    ) -> PyResult<Begun<Py<PyAny>>> {
        self.memory = Some((store.clone(), epoch));
        let pause = Pause::begin(self.py);
        self.outer.clone_from(&pause.outer);
        self.prepare();
        let begun = rememo::begin(store, self, mode, claiming);
        match self.fatal.take() {
            Some(fatal) => Err(fatal),
            None => Ok(begun),
        }
    }

    /// Does what `make` does after the function was called; whether the result is stored.
    pub fn finish(
        mut self,
        store: &Store,
        epoch: u64,
        missed: Missed,
        value: &Py<PyAny>,
        (compute_ns, log): (u64, Log),
    ) -> PyResult<bool> {
        self.memory = Some((store.clone(), epoch));
        self.log = log;
        let _pause = Pause::begin(self.py);
        if !self.given.is_empty() && self.key.is_none() {
            // By which it is known what could have opened them.
            let _ = self.key();
        }
        let stored = rememo::finish(store, &mut self, missed, value, compute_ns);
        match self.fatal.take() {
            Some(fatal) => Err(fatal),
            None => Ok(stored),
        }
    }

    /// The files that arguments name, as they are now.
    pub fn files_given(&self) -> Vec<Given> {
        let care = &self.memoized.semantics.care;
        record::files_given(care, &self.signature, &self.values)
    }

    /// What a result may take, with all that goes along.
    fn most_bytes(&self) -> u64 {
        let store = self.memory.as_ref().map(|(store, _)| store);
        let bound = store.and_then(|store| self.py.detach(|| store.bound()).ok());
        let all = bound.map_or(u64::MAX, |bound| bound.bytes);
        let most = self.memoized.retention.max_result_size;
        most.map_or(all, |most| most.min(all))
    }

    /// Keeps an exception that says nothing about the value at hand.
    fn judge(&mut self, error: &PyErr) -> String {
        if !error.is_instance_of::<pyo3::exceptions::PyException>(self.py) {
            self.fatal = Some(error.clone_ref(self.py));
        }
        error.to_string()
    }
}
