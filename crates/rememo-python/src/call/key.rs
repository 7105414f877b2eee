//! The key of a call: the state of the function, and its arguments.

use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use rememo::{Digest, Encoder, Key, Part, PartKind, StateTree, Unkeyable};

use crate::freeze::{Frozen, Graph, Place, Root, Unfreezable, is_immutable_scalar};
use crate::known::{Known, Link, State, number};
use crate::mutations::IN_COMMON;
use crate::narrate;
use crate::raw::QuickHash;
use crate::record::Care;
use crate::switches::paranoid;
use crate::wrappers::{Frozen as FrozenArgument, Ignore};

use super::{Call, Semantics};

impl<'py> Call<'_, 'py> {
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
    pub(super) fn state(&mut self) -> Result<Rc<State>, Unkeyable> {
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

    pub(super) fn found_state(&mut self) -> Result<Rc<State>, Unkeyable> {
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

    pub(super) fn key_with(
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
    pub(super) fn unchanged(&mut self) -> Option<Key> {
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
    pub(super) fn link(&self) -> Option<Rc<Link>> {
        let known = self.known_with(self.state.as_ref()?)?;
        let (store, epoch) = self.memory.as_ref()?;
        let ttl = self.memoized.retention.ttl;
        Some(known.link_to(self.py, &self.name, (store, *epoch), ttl))
    }

    /// Where the result of the call is in memory.
    pub(super) fn memory_key(&self, call: &Digest) -> Option<u128> {
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
