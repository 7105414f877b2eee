//! One call of a memoized function, as the engine sees it.

use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyString, PyTuple};
use rememo::{
    Begun, Callee, Change, Digest, Encoded, Encoder, Given, Impurity, Key, Log, Missed, Mode,
    NotStored, Part, PartKind, Recollected, Retention, StateTree, Store, Stored, Subject,
    Undecodable, Unkeyable, World,
};

use crate::codec::{self, Handing};
use crate::depth::with_room_for_limit;
use crate::effects::{self, Effects, Told};
use crate::freeze::{Config, Frozen, Graph, Place, Reads, Root, Unfreezable, is_immutable_scalar};
use crate::known::{Known, Link, State, number};
use crate::memoized::Memoized;
use crate::memory::{self, Kept};
use crate::mutations::{IN_COMMON, Mutations, result_of};
use crate::narrate;
use crate::raised;
use crate::raw::QuickHash;
use crate::record::{self, Care, Pause, Recording};
use crate::signature::{Signature, Values};
use crate::store::prepare_for_the_end;
use crate::switches::paranoid;
use crate::wrappers::{self, Frozen as FrozenArgument, Ignore};

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

    /// The call key, with nothing taken from what is known already.
    pub fn key_from_scratch(&mut self) -> Result<Key, Unkeyable> {
        self.key_with(Self::found_state)
    }

    fn freeze(&mut self, root: Root<'py>) -> Result<Frozen<'py>, Unkeyable> {
        let config = &self.memoized.semantics.config;
        let frozen = match &root {
            Root::Function(_) => Graph::freeze_and_watch(root, self.reads, config),
            Root::Argument { .. } => Graph::freeze(root, self.reads, config),
        };
        match frozen {
            Ok(frozen) => {
                narrate::walk(self.py, &self.name, &frozen.parts);
                self.reads = self.reads.with(frozen.reads);
                self.remembered.extend(frozen.remembered);
                Ok(frozen)
            }
            Err(Unfreezable { path, what, fatal }) => {
                self.fatal = fatal;
                Err(Unkeyable {
                    what: format!("{path}: {what}"),
                })
            }
        }
    }

    /// The state of the function: as it is known, or else found anew.
    fn state(&mut self) -> Result<Rc<State>, Unkeyable> {
        let asked = self.reads;
        let mut at = 0;
        while let Some(known) = self.memoized.known.with(self.py, |all| all.get(at)) {
            if known.serves(asked) && known.state.holds(self.py) {
                self.reads = known.state.reads;
                return Ok(known.state.clone());
            }
            at += 1;
        }
        let state = self.found_state()?;
        if state.watched.is_some() {
            let (signature, config) = (&self.signature, &self.memoized.semantics.config);
            let known = Known::new(asked, state.clone(), signature.clone(), config.clone());
            self.memoized.know(self.py, Rc::new(known));
        }
        Ok(state)
    }

    fn found_state(&mut self) -> Result<Rc<State>, Unkeyable> {
        let frozen = self.freeze(Root::Function(self.function.clone()))?;
        if self.memoized.semantics.care.effects.mutations() {
            self.places = frozen.places;
        }
        narrate::impurities(self.py, &self.name, &frozen.impurities);
        let mut tree = StateTree {
            digest: frozen.digest,
            parts: frozen.parts,
        };
        let mut watched = match frozen.watched {
            Some(Ok(watched)) => Some(watched),
            Some(Err(why)) => {
                narrate::unwatched(self.py, &self.name, why);
                None
            }
            None => None,
        };
        for (name, value) in self.declared()? {
            if !is_immutable_scalar(&value) {
                watched = None;
            }
            let declared = self.freeze(Root::Argument { name, value })?;
            let mut whole = Encoder::new();
            whole.digest(&tree.digest);
            whole.digest(&declared.digest);
            tree.digest = whole.finish();
            tree.parts.extend(declared.parts);
        }
        if let Some(kinds) = &self.memoized.exceptions {
            // Whoever does not keep exceptions must not find any.
            let mut whole = Encoder::new();
            whole.digest(&tree.digest);
            let kinds: Vec<_> = kinds
                .bind(self.py)
                .iter()
                .map(|kind| kind.to_string())
                .collect();
            for kind in &kinds {
                whole.str(kind);
            }
            tree.digest = whole.finish();
            tree.parts
                .push(option("cache_exceptions", &kinds.join(", ")));
        }
        let terms = self.memoized.semantics.care.terms();
        if terms != Care::default().terms() {
            // What was stored under less care must not be found by whoever takes more.
            let mut whole = Encoder::new();
            whole.digest(&tree.digest);
            whole.str(&terms);
            tree.digest = whole.finish();
            tree.parts.push(option("", &terms));
        }
        let unbound = |definition: Option<Bound<'py, PyAny>>| definition.map(Bound::unbind);
        Ok(Rc::new(State {
            tree: Arc::new(tree),
            reads: frozen.reads,
            definitions: frozen.definitions.into_iter().map(unbound).collect(),
            impurities: frozen.impurities,
            watched,
        }))
    }

    /// What counts beside the code, as the user says, by name.
    fn declared(&mut self) -> Result<Vec<(String, Bound<'py, PyAny>)>, Unkeyable> {
        let Semantics { version, care, .. } = &self.memoized.semantics;
        let version = version.iter().map(|version| version.bind(self.py).clone());
        let mut declared: Vec<_> = version.map(|value| ("version".to_owned(), value)).collect();
        match care.depends.values(self.py) {
            Ok(values) => declared.extend(values),
            Err(error) => {
                let what = format!("what it is said to depend on: {}", self.judge(&error));
                return Err(Unkeyable { what });
            }
        }
        Ok(declared)
    }

    fn key_with(
        &mut self,
        state: impl Fn(&mut Self) -> Result<Rc<State>, Unkeyable>,
    ) -> Result<Key, Unkeyable> {
        loop {
            self.remembered.clear();
            let state = state(self)?;
            let reads = self.reads;
            // Taken on both sides of the digest: where they agree, it is of the same values.
            let before = self.values_fingerprint(&state);
            let (mut arguments, mut argument_digest) = self.arguments()?;
            if self.memoized.semantics.care.effects.mutations() {
                let part = self.in_common()?;
                let mut whole = Encoder::new();
                whole.digest(&argument_digest);
                whole.digest(&part.digest);
                argument_digest = whole.finish();
                arguments.push(part);
            }
            let after = self.values_fingerprint(&state);
            self.fingerprint = before.filter(|_| before == after);
            // What one part reads of code counts in all: in that case, all is looked at anew.
            if self.reads != reads {
                continue;
            }
            let key = Key::new(
                self.name.clone(),
                state.tree.clone(),
                arguments,
                argument_digest,
            );
            self.state = Some(state);
            if self.remembered.is_empty() {
                return Ok(key);
            }
            let mut remembered = Encoder::new();
            for digest in &self.remembered {
                remembered.digest(digest);
            }
            return Ok(key.remembering(&remembered.finish()));
        }
    }

    /// The fingerprint of the arguments in memory, where one goes with this state.
    fn values_fingerprint(&mut self, state: &Rc<State>) -> Option<QuickHash> {
        if self.memoized.semantics.care.effects.mutations() {
            // It does not say which values are one and the same object.
            return None;
        }
        let known = self.known_with(state)?;
        let taken = self
            .signature
            .fingerprint(self.py, &self.values, &known.definitions);
        taken.unwrap_or_else(|fatal| {
            self.fatal = Some(fatal);
            None
        })
    }

    /// The last key, where everything that it was made of is seen to be as it was.
    fn unchanged(&mut self) -> Option<Key> {
        let (state, before) = (self.state.clone()?, self.fingerprint?);
        if self.key.is_none() || paranoid() {
            return None;
        }
        let same = self.values_fingerprint(&state) == Some(before) && state.holds(self.py);
        self.key.clone().filter(|_| same)
    }

    /// All that is known together with a state.
    fn known_with(&self, state: &Rc<State>) -> Option<Rc<Known>> {
        let of_state = |known: &&Rc<Known>| Rc::ptr_eq(&known.state, state);
        self.memoized
            .known
            .with(self.py, |all| all.iter().find(of_state).cloned())
    }

    /// The way to the results in memory, if the state that the last key was made of is known.
    fn link(&self) -> Option<Rc<Link>> {
        let known = self.known_with(self.state.as_ref()?)?;
        let (store, epoch) = self.memory.as_ref()?;
        let ttl = self.memoized.retention.ttl;
        Some(known.link_to(self.py, &self.name, (store, *epoch), ttl))
    }

    /// Where the result of the call is in memory.
    fn memory_key(&self, call: &Digest) -> Option<u128> {
        let fingerprint = self.fingerprint.unwrap_or_else(|| number(call));
        Some(self.link()?.memory_key(fingerprint))
    }

    fn arguments(&mut self) -> Result<(Vec<Part>, Digest), Unkeyable> {
        let mut whole = Encoder::new();
        let mut parts = Vec::with_capacity(self.values.len());
        let signature = self.signature.clone();
        for (parameter, value) in signature.parameters().iter().zip(self.values.clone()) {
            if parameter.ignored || value.cast::<Ignore>().is_ok() {
                continue;
            }
            whole.str(&parameter.text);
            let (digest, more) = self.argument(parameter.text.clone(), value)?;
            whole.digest(&digest);
            parts.extend(more);
        }
        Ok((parts, whole.finish()))
    }

    /// Which of the things that the call can reach are one and the same object.
    fn in_common(&mut self) -> Result<Part, Unkeyable> {
        let mut arguments = Vec::with_capacity(self.values.len());
        for (parameter, value) in self.signature.parameters().iter().zip(&self.values) {
            if parameter.ignored || value.cast::<Ignore>().is_ok() {
                continue;
            }
            let value = match value.cast::<FrozenArgument>() {
                Ok(promised) => promised.get().value.bind(self.py).clone(),
                Err(_) => value.clone(),
            };
            arguments.push((parameter.text.clone(), value));
        }
        let places = std::mem::take(&mut self.places);
        let all_counts = self.memoized.semantics.config.leaves_nothing_out();
        let looked = self
            .mutations
            .look(&self.function, arguments, &places, all_counts);
        let pattern = looked.map_err(|error| Unkeyable {
            what: format!("what it can reach: {}", self.judge(&error)),
        })?;
        Ok(Part {
            name: IN_COMMON.to_owned(),
            kind: PartKind::Value,
            digest: Digest::of(pattern.as_bytes()),
            source: None,
        })
    }

    fn argument(
        &mut self,
        name: String,
        value: Bound<'py, PyAny>,
    ) -> Result<(Digest, Vec<Part>), Unkeyable> {
        let Ok(promised) = value.cast::<FrozenArgument>() else {
            let frozen = self.freeze(Root::Argument { name, value })?;
            if self.memoized.semantics.care.effects.mutations() {
                let beside = |place: &Place<'py>| place.kind != PartKind::Argument;
                self.places.extend(frozen.places.into_iter().filter(beside));
            }
            return Ok((frozen.digest, frozen.parts));
        };
        let (promised, config) = (promised.get(), &self.memoized.semantics.config);
        if let Some((known, reads)) = promised.known(config, self.reads) {
            self.reads = reads;
            return Ok(known);
        }
        let asked = self.reads;
        let value = promised.value.bind(self.py).clone();
        let frozen = self.freeze(Root::Argument { name, value })?;
        let known = (frozen.digest, frozen.parts);
        promised.remember(config, (asked, frozen.reads), known.clone());
        Ok(known)
    }

    /// What whoever oversaw the run objects to in it.
    fn objection(
        &self,
        oversight: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> Option<Impurity> {
        let told = oversight
            .call_method1(
                "objection",
                (&self.function, &self.args, &self.kwargs, value),
            )
            .and_then(|told| told.extract::<Option<String>>());
        let what = told.unwrap_or_else(|error| Some(error.to_string()))?;
        Some(Impurity {
            kind: "unseen",
            what,
            at: None,
        })
    }

    /// Keeps an exception that says nothing about the value at hand.
    fn judge(&mut self, error: &PyErr) -> String {
        if !error.is_instance_of::<pyo3::exceptions::PyException>(self.py) {
            self.fatal = Some(error.clone_ref(self.py));
        }
        error.to_string()
    }
}

/// Has a tape begin or end; why it could not.
fn heard(tape: Option<&Bound<'_, PyAny>>, step: &str) -> Option<String> {
    let said = tape?.call_method0(step).and_then(|said| said.extract());
    said.unwrap_or_else(|error| Some(error.to_string()))
}

/// What its user said of a function that counts, as a part of its state.
fn option(name: &str, said: &str) -> Part {
    Part {
        name: name.to_owned(),
        kind: PartKind::Options,
        digest: Digest::of(said.as_bytes()),
        source: Some(said.to_owned()),
    }
}

impl Callee for Call<'_, '_> {
    type Value = Py<PyAny>;
    type Error = PyErr;

    fn function(&self) -> &str {
        &self.name
    }

    fn key(&mut self) -> Result<Key, Unkeyable> {
        let key = match self.unchanged() {
            Some(key) => key,
            None if self.memoized.semantics.care.effects.mutations() => self.key_from_scratch()?,
            None => self.key_with(Self::state)?,
        };
        self.key = Some(key.clone());
        Ok(key)
    }

    fn retention(&self) -> Retention {
        self.memoized.retention.clone()
    }

    fn add_sources(&mut self, parts: &mut [Part]) {
        let Some(state) = &self.state else { return };
        for (part, definition) in parts.iter_mut().zip(&state.definitions) {
            if let Some(definition) = definition {
                part.source = narrate::source_of(definition.bind(self.py));
            }
        }
    }

    fn recollect(&mut self, key: &Digest) -> Option<Recollected<Py<PyAny>>> {
        let key = self.memory_key(key)?;
        let link = self.link()?;
        let found = memory::get(self.py, key).filter(|found| link.is_good(found))?;
        let (compute_ns, world) = (found.compute_ns, found.world.clone());
        self.effects.clone_from(&found.effects);
        let value = found.open(self.py, self.memoized.handing)?;
        if self.memoized.semantics.care.effects.mutations() {
            self.mutations.find(&value);
        }
        Some(Recollected {
            value: value.unbind(),
            compute_ns,
            world: world.unwrap_or_default(),
        })
    }

    fn observed(&mut self) -> Log {
        let mut log = std::mem::take(&mut self.log);
        if let (false, Some(key)) = (self.given.is_empty(), &self.key) {
            record::note_given(&self.given, key.parts(), &mut log);
        }
        let effects = &self.memoized.semantics.care.effects;
        log.retain_cautions(|kind| !effects.names().contains(&kind));
        log
    }

    fn sense(&mut self, subject: &Subject) -> Option<rememo::State> {
        record::sense(self.py, subject, self.outer.as_ref())
    }

    fn dropped(&mut self, cautions: &[Impurity]) -> Vec<(Subject, rememo::State)> {
        record::dropped(cautions)
    }

    fn objected(&mut self, objections: &[Impurity]) {
        if self.memoized.semantics.care.strict {
            self.fatal = Some(narrate::refusal(self.py, &self.name, objections));
        }
    }

    fn capture(&mut self, subject: &Subject) -> Option<Vec<u8>> {
        record::capture(self.py, subject)
    }

    fn replay(&mut self, world: &World) -> Result<(), String> {
        // First what may fail: a miss must find everything in the state that it asks for.
        let failed = |this: &mut Self, error: &PyErr| {
            format!("what it did cannot be done again: {}", this.judge(error))
        };
        let undo = self.mutations.do_again();
        let undo = undo.map_err(|error| failed(self, &error))?;
        if let Some(effects) = self.effects.take() {
            let outer = self.outer.clone();
            let replayed = record::as_part_of(self.py, outer.as_ref(), || effects.replay(self.py));
            if let Err(error) = replayed {
                let undone = undo.map_or(Ok(()), |undo| undo.call0().map(|_| ()));
                return Err(failed(self, &undone.err().unwrap_or(error)));
            }
        }
        record::replay(self.py, world);
        Ok(())
    }

    fn inherit(&mut self, world: &World) {
        if let Some(outer) = &self.outer {
            outer.get().inherit(self.py, world);
        }
    }

    fn remember(&mut self, stored: Stored<'_, Py<PyAny>>) {
        if let Some(key) = self.memory_key(&stored.key) {
            memory::put(self.py, key, Kept::of(self.py, stored));
        }
    }

    fn run(&mut self) -> PyResult<Py<PyAny>> {
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        let work = || {
            let done = self.function.call(&self.args, self.kwargs.as_ref());
            match (done, &self.memoized.exceptions) {
                (Err(error), Some(kinds)) => {
                    raised::kept(self.py, error, kinds).map(|kept| kept.into_bound(self.py))
                }
                (done, _) => done,
            }
        };
        let Some((store, _)) = &self.memory else {
            return Ok(work()?.unbind());
        };
        let care = &self.memoized.semantics.care;
        let tape = care.effects.tape(self.py)?;
        let oversight = care.oversight(self.py)?;
        self.given = self.files_given();
        self.mutations.begin()?;
        let mut trouble = heard(tape.as_ref(), "begin");
        let figures = record::figures_made();
        let (done, mut log) = record::record(
            self.py,
            care,
            self.outer.as_ref(),
            store,
            tape.as_ref(),
            work,
        );
        trouble = trouble.or(heard(tape.as_ref(), "end"));
        if let Some(what) = trouble {
            log.object(Impurity {
                kind: "unseen",
                what,
                at: None,
            });
        }
        if let Ok(value) = &done
            && care.is_watchful()
        {
            record::leave_figures(self.py, figures, Some(value), &mut log);
        }
        if let (Ok(value), Some(oversight)) = (&done, oversight)
            && let Some(objection) = self.objection(&oversight, value)
        {
            log.object(objection);
        }
        (self.log, self.tape) = (log, tape);
        let effects = &self.memoized.semantics.care.effects;
        Ok(self.mutations.end(done?, effects).unbind())
    }

    fn left_out(&mut self, changes: Vec<Change>) -> (Vec<Change>, Option<String>) {
        let effects = &self.memoized.semantics.care.effects;
        if effects.mutations() {
            self.mutations.left_out(effects, changes)
        } else {
            (changes, None)
        }
    }

    fn encode(&mut self, value: &Py<PyAny>) -> Result<Encoded, NotStored> {
        let value = value.bind(self.py);
        if let Err(error) = prepare_for_the_end(self.py) {
            return Err(NotStored::Unencodable(self.judge(&error)));
        }
        let (encoded, mut named) = effects::named_in(self.py, || {
            with_room_for_limit(self.py, || codec::encode(value))
        });
        let encoded = encoded.map_err(|error| {
            let plain = self.judge(&error);
            let found = self
                .py
                .import("rememo.unpicklable")
                .and_then(|module| module.call_method1("describe", (value, error.value(self.py))))
                .and_then(|text| text.extract());
            NotStored::Unencodable(found.unwrap_or(plain))
        })?;
        named.append(&mut self.mutations.named);
        if self.memoized.exceptions.is_some() && raised::is_raised(value) {
            // Exceptions are known to pickle and not to load: those with arguments of their own.
            codec::decode(self.py, &encoded, Handing::Copy)
                .map_err(|error| format!("it does not load when it is pickled: {error}"))
                .map_err(NotStored::Unencodable)?;
        }
        if self.memoized.handing == Handing::View {
            self.encoded = Some(encoded.clone());
        }
        let asked = &self.memoized.semantics.care.effects;
        let tape = self.tape.as_ref();
        let mut log = std::mem::take(&mut self.log);
        let most = || self.most_bytes();
        let Some((store, _)) = &self.memory else {
            return Ok(encoded);
        };
        let told = Effects::of_run(self.py, (asked, &most), store, tape, &named, &mut log);
        self.log = log;
        match told {
            Ok(Told::Some(effects)) => Ok(effects.along(encoded)),
            Ok(Told::Nothing) => Ok(encoded),
            Ok(Told::TooLarge { size, most }) => Err(NotStored::TooLarge { size, most }),
            Err(error) => Err(NotStored::Unencodable(self.judge(&error))),
        }
    }

    fn decode(&mut self, encoded: &Encoded) -> Result<Py<PyAny>, Undecodable> {
        let Some((encoded, effects)) = effects::apart(encoded) else {
            return Err(Undecodable::Damaged("what comes along with it".to_owned()));
        };
        self.effects = effects.map(Arc::new);
        match codec::decode(self.py, &encoded, self.memoized.handing) {
            Ok(value) => {
                if self.memoized.semantics.care.effects.mutations() {
                    self.mutations.find(&value);
                }
                Ok(value.unbind())
            }
            Err(error) if codec::is_outdated(self.py, &error) => Err(Undecodable::Outdated),
            Err(error) => Err(Undecodable::Damaged(self.judge(&error))),
        }
    }

    fn difference(&mut self, stored: &Py<PyAny>, fresh: &Py<PyAny>) -> Option<String> {
        let described = self
            .py
            .import("rememo.nondeterminism")
            .and_then(|module| module.call_method1("first_difference", (stored, fresh)))
            .and_then(|described| described.extract());
        described.unwrap_or_else(|error| Some(self.judge(&error)))
    }

    fn detached<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        self.py.detach(work)
    }

    fn interrupted(&mut self) -> PyResult<()> {
        self.py.check_signals()
    }
}
