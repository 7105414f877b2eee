//! One call of a memoized function, as the engine sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyTuple};
use rememo::{
    Callee, Digest, Encoded, Encoder, Key, Mode, Part, StateTree, Store, Undecodable, Unkeyable,
};

use crate::bind::Arguments;
use crate::codec;
use crate::freeze::{
    Config, Frozen, Graph, Impurity, Reads, Root, Unfreezable, function_name, source_of,
};
use crate::narrate;
use crate::wrappers::{self, Frozen as FrozenArgument, Ignore};

/// What a function's user said of it, as far as it counts.
#[derive(Default)]
pub struct Semantics {
    pub ignore: Vec<String>,
    pub version: Option<Py<PyAny>>,
    pub config: Arc<Config>,
}

/// One call, its arguments bound.
pub struct Call<'a, 'py> {
    py: Python<'py>,
    function: Bound<'py, PyFunction>,
    name: String,
    semantics: &'a Semantics,
    bound: Arguments<'py>,
    args: Bound<'py, PyTuple>,
    kwargs: Option<Bound<'py, PyDict>>,
    /// An exception that is not the engine's to judge: raised in place of going on.
    fatal: Option<PyErr>,
    /// The functions and classes among the parts of the state that the last key was made of.
    definitions: Vec<Option<Bound<'py, PyAny>>>,
    pub impurities: BTreeSet<Impurity>,
    /// What code reads about code, as far as was met in state and arguments.
    reads: Reads,
    /// What properties of state and arguments remembered from earlier use.
    remembered: Vec<Digest>,
}

impl<'a, 'py> Call<'a, 'py> {
    /// A call with these arguments, of which `bound` is what the signature makes.
    pub fn new(
        function: Bound<'py, PyFunction>,
        semantics: &'a Semantics,
        bound: Arguments<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let name = function_name(&function);
        let (args, kwargs) = wrappers::unwrapped(args, kwargs)?;
        Ok(Self {
            py: function.py(),
            function,
            name,
            semantics,
            bound,
            args,
            kwargs,
            fatal: None,
            definitions: Vec::new(),
            impurities: BTreeSet::new(),
            reads: Reads::default(),
            remembered: Vec::new(),
        })
    }

    /// Makes the call through the engine.
    pub fn make(mut self, store: &Store, mode: Mode) -> PyResult<Py<PyAny>> {
        let result = rememo::call(store, &mut self, mode);
        match self.fatal.take() {
            Some(fatal) => Err(fatal),
            None => result,
        }
    }

    fn freeze(&mut self, root: Root<'py>) -> Result<Frozen<'py>, Unkeyable> {
        match Graph::freeze(root, self.reads, &self.semantics.config) {
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

    fn state(&mut self) -> Result<StateTree, Unkeyable> {
        let frozen = self.freeze(Root::Function(self.function.clone()))?;
        self.definitions = frozen.definitions;
        narrate::impurities(self.py, &self.name, &frozen.impurities);
        self.impurities = frozen.impurities;
        let mut state = StateTree {
            digest: frozen.digest,
            parts: frozen.parts,
        };
        if let Some(version) = &self.semantics.version {
            let value = version.bind(self.py).clone();
            let declared = self.freeze(Root::Argument {
                name: "version".to_owned(),
                value,
            })?;
            let mut whole = Encoder::new();
            whole.digest(&state.digest);
            whole.digest(&declared.digest);
            state.digest = whole.finish();
            state.parts.extend(declared.parts);
        }
        Ok(state)
    }

    fn arguments(&mut self) -> Result<(Vec<Part>, Digest), Unkeyable> {
        let mut whole = Encoder::new();
        let mut parts = Vec::with_capacity(self.bound.len());
        for (name, value) in self.bound.clone() {
            let plain = name.trim_start_matches('*');
            let ignored = self.semantics.ignore.iter().any(|ignored| ignored == plain);
            if ignored || value.cast::<Ignore>().is_ok() {
                continue;
            }
            whole.str(&name);
            let (digest, more) = self.argument(name, value)?;
            whole.digest(&digest);
            parts.extend(more);
        }
        Ok((parts, whole.finish()))
    }

    fn argument(
        &mut self,
        name: String,
        value: Bound<'py, PyAny>,
    ) -> Result<(Digest, Vec<Part>), Unkeyable> {
        let Ok(promised) = value.cast::<FrozenArgument>() else {
            let frozen = self.freeze(Root::Argument { name, value })?;
            return Ok((frozen.digest, frozen.parts));
        };
        if let Some(known) = promised.get().known(&self.semantics.config) {
            return Ok(known);
        }
        let value = promised.get().value.bind(self.py).clone();
        let frozen = self.freeze(Root::Argument { name, value })?;
        let known = (frozen.digest, frozen.parts);
        promised
            .get()
            .remember(&self.semantics.config, known.clone());
        Ok(known)
    }

    /// Keeps an exception that says nothing about the value at hand.
    fn judge(&mut self, error: &PyErr) -> String {
        if !error.is_instance_of::<pyo3::exceptions::PyException>(self.py) {
            self.fatal = Some(error.clone_ref(self.py));
        }
        error.to_string()
    }
}

impl Callee for Call<'_, '_> {
    type Value = Py<PyAny>;
    type Error = PyErr;

    fn function(&self) -> &str {
        &self.name
    }

    fn key(&mut self) -> Result<Key, Unkeyable> {
        loop {
            let reads = self.reads;
            self.remembered.clear();
            let state = self.state()?;
            let (arguments, argument_digest) = self.arguments()?;
            // What one part reads of code counts in all: in that case, all is looked at anew.
            if self.reads != reads {
                continue;
            }
            let mut remembered = Encoder::new();
            for digest in &self.remembered {
                remembered.digest(digest);
            }
            let remembered = (!self.remembered.is_empty()).then(|| remembered.finish());
            let function = self.name.clone();
            return Ok(Key {
                function,
                state,
                arguments,
                argument_digest,
                remembered,
            });
        }
    }

    fn add_sources(&mut self, parts: &mut [Part]) {
        for (part, definition) in parts.iter_mut().zip(&self.definitions) {
            part.source = definition.as_ref().and_then(source_of);
        }
    }

    fn run(&mut self) -> PyResult<Py<PyAny>> {
        match self.fatal.take() {
            Some(fatal) => Err(fatal),
            None => Ok(self
                .function
                .call(&self.args, self.kwargs.as_ref())?
                .unbind()),
        }
    }

    fn encode(&mut self, value: &Py<PyAny>) -> Result<Encoded, String> {
        let value = value.bind(self.py);
        codec::encode(value).map_err(|error| {
            let plain = self.judge(&error);
            let found = self
                .py
                .import("rememo.unpicklable")
                .and_then(|module| module.call_method1("describe", (value, error.value(self.py))))
                .and_then(|text| text.extract());
            found.unwrap_or(plain)
        })
    }

    fn decode(&mut self, encoded: Encoded) -> Result<Py<PyAny>, Undecodable> {
        match codec::decode(self.py, &encoded) {
            Ok(value) => Ok(value.unbind()),
            Err(error) if codec::is_outdated(self.py, &error) => Err(Undecodable::Outdated),
            Err(error) => Err(Undecodable::Damaged(self.judge(&error))),
        }
    }

    fn detached<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        self.py.detach(work)
    }

    fn interrupted(&mut self) -> PyResult<()> {
        self.py.check_signals()
    }
}
