//! What the engine asks of a call: its key, its run, its result in stored form and back.

use std::sync::Arc;

use pyo3::prelude::*;
use rememo::{
    Callee, Change, Digest, Encoded, Impurity, Key, Log, NotStored, Part, Recollected, Retention,
    Stored, Subject, Undecodable, Unkeyable, World,
};

use crate::codec::{self, Handing};
use crate::depth::with_room_for_limit;
use crate::effects::{self, Effects, Told};
use crate::memory::{self, Kept};
use crate::narrate;
use crate::raised;
use crate::record;
use crate::store::prepare_for_the_end;

use super::Call;

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

impl Call<'_, '_> {
    /// What whoever oversaw the run objects to in it.
    fn objection(
        &self,
        oversight: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
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
}

/// Has a tape begin or end; why it could not.
fn heard(tape: Option<&Bound<'_, PyAny>>, step: &str) -> Option<String> {
    let said = tape?.call_method0(step).and_then(|said| said.extract());
    said.unwrap_or_else(|error| Some(error.to_string()))
}
