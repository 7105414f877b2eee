//! The memoized callable: one Python call as the engine sees it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyTuple};
use rememo::{Callee, Encoded, Encoder, Explanation, Key, Mode, Part, StateTree, Unkeyable};

use crate::bind::bind;
use crate::codec;
use crate::events::reason_name;
use crate::freeze::{Frozen, Graph, Root, Unfreezable, function_name};
use crate::store::Store;

/// A function whose results are kept.
#[pyclass(module = "rememo._core", dict, weakref, frozen)]
pub struct Memoized {
    function: Py<PyFunction>,
    resolver: Py<PyAny>,
}

#[pymethods]
impl Memoized {
    #[new]
    fn new(func: Py<PyFunction>, cache_resolver: Py<PyAny>) -> Self {
        Self {
            function: func,
            resolver: cache_resolver,
        }
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, args, kwargs, Mode::Normal)
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn call(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        self.run(py, args, kwargs, Mode::Recompute)
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn call_if_cached(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let found = self.ask(py, args, kwargs, |store, one| rememo::lookup(store, one))?;
        if let Some(value) = found.flatten() {
            return Ok(value);
        }
        let absent = py.import("rememo.info")?.getattr("NotCached")?;
        Err(PyErr::from_value(
            absent.call1(("no stored result for this call",))?,
        ))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn would_hit(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let hit = self.ask(py, args, kwargs, |store, one| rememo::would_hit(store, one))?;
        Ok(hit.unwrap_or(false))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn clear_entry(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let cleared = self.ask(py, args, kwargs, |store, one| {
            rememo::clear_entry(store, one)
        })?;
        Ok(cleared.unwrap_or(false))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(store) = self.store(py)?.get().opened() else {
            return unexplained(py, "the store could not be opened");
        };
        let mut one = Call::new(py, self, args, kwargs);
        match rememo::explain(&store, &mut one) {
            Ok(explanation) => explained(py, &explanation),
            Err(unkeyable) => unexplained(py, &unkeyable.what),
        }
    }

    fn cache_clear(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(store) = self.store(py)?.get().opened() {
            let name = function_name(self.function.bind(py));
            py.detach(|| store.clear_function(&name))
                .map_err(crate::store::failed)?;
        }
        Ok(())
    }

    fn cache_info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let name = function_name(self.function.bind(py));
        let store = self.store(py)?.get().opened();
        let stats = store
            .as_ref()
            .map(|store| store.events().stats(&name))
            .unwrap_or_default();
        let entries = store.map_or(0, |store| {
            store
                .entries_of(&name, usize::MAX)
                .map_or(0, |found| found.len())
        });
        let info = py.import("rememo.info")?.getattr("CacheInfo")?;
        Ok(info.call1((stats.hits, stats.misses, entries))?.unbind())
    }

    fn __get__<'py>(
        slf: Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if instance.is_none() {
            return Ok(slf.into_any());
        }
        slf.py()
            .import("types")?
            .getattr("MethodType")?
            .call1((slf, instance))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "<memoized function {}>",
            function_name(self.function.bind(py))
        )
    }
}

impl Memoized {
    fn store<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Store>> {
        let store = self.resolver.bind(py).call0()?;
        store
            .cast_into::<Store>()
            .map_err(|_| PyTypeError::new_err("the resolver gave no store"))
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        mode: Mode,
    ) -> PyResult<Py<PyAny>> {
        let function = self.function.bind(py);
        if disabled() {
            return Ok(function.call(args, kwargs)?.unbind());
        }
        let Some(store) = self.store(py)?.get().opened() else {
            return Ok(function.call(args, kwargs)?.unbind());
        };
        rememo::call(&store, &mut Call::new(py, self, args, kwargs), mode)
    }

    /// Asks the engine about a call; `None` where the call has no key or there is no store.
    fn ask<'py, T>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        question: impl FnOnce(&rememo::Store, &mut Call<'_, 'py>) -> Result<T, Unkeyable>,
    ) -> PyResult<Option<T>> {
        if disabled() {
            return Ok(None);
        }
        let Some(store) = self.store(py)?.get().opened() else {
            return Ok(None);
        };
        Ok(question(&store, &mut Call::new(py, self, args, kwargs)).ok())
    }
}

/// Whether memoization is switched off for the whole program.
fn disabled() -> bool {
    std::env::var_os("REMEMO_DISABLE").is_some_and(|value| !value.is_empty() && value != "0")
}

/// One call of a memoized function.
struct Call<'a, 'py> {
    py: Python<'py>,
    function: Bound<'py, PyFunction>,
    name: String,
    args: &'a Bound<'py, PyTuple>,
    kwargs: Option<&'a Bound<'py, PyDict>>,
    /// An interrupt that came while the key was computed: raised in place of running.
    fatal: Option<PyErr>,
    /// The functions and classes among the parts of the state that the last key was made of.
    definitions: Vec<Option<Bound<'py, PyAny>>>,
}

impl<'a, 'py> Call<'a, 'py> {
    fn new(
        py: Python<'py>,
        memoized: &Memoized,
        args: &'a Bound<'py, PyTuple>,
        kwargs: Option<&'a Bound<'py, PyDict>>,
    ) -> Self {
        let function = memoized.function.bind(py).clone();
        let name = function_name(&function);
        Self {
            py,
            function,
            name,
            args,
            kwargs,
            fatal: None,
            definitions: Vec::new(),
        }
    }

    fn freeze(&mut self, root: Root<'py>) -> Result<Frozen<'py>, Unkeyable> {
        Graph::freeze(root).map_err(|Unfreezable { path, what, fatal }| {
            self.fatal = fatal;
            Unkeyable {
                what: format!("{path}: {what}"),
            }
        })
    }
}

impl Callee for Call<'_, '_> {
    type Value = Py<PyAny>;
    type Error = PyErr;

    fn function(&self) -> &str {
        &self.name
    }

    fn key(&mut self) -> Result<Key, Unkeyable> {
        let unkeyable = |error: PyErr| Unkeyable {
            what: error.to_string(),
        };
        let bound = bind(&self.function, self.args, self.kwargs)
            .map_err(unkeyable)?
            .ok_or_else(|| Unkeyable {
                what: "the arguments do not fit".to_owned(),
            })?;
        let state = self.freeze(Root::Function(self.function.clone()))?;
        self.definitions = state.definitions;
        let mut whole = Encoder::new();
        let mut arguments = Vec::with_capacity(bound.len());
        whole.len(bound.len());
        for (name, value) in bound {
            let mut frozen = self.freeze(Root::Argument { name, value })?;
            whole.str(&frozen.parts[0].name);
            whole.digest(&frozen.digest);
            arguments.append(&mut frozen.parts);
        }
        Ok(Key {
            function: self.name.clone(),
            state: StateTree {
                digest: state.digest,
                parts: state.parts,
            },
            arguments,
            argument_digest: whole.finish(),
        })
    }

    fn add_sources(&mut self, parts: &mut [Part]) {
        for (part, definition) in parts.iter_mut().zip(&self.definitions) {
            part.source = definition.as_ref().and_then(source_of);
        }
    }

    fn run(&mut self) -> PyResult<Py<PyAny>> {
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        Ok(self.function.call(self.args, self.kwargs)?.unbind())
    }

    fn encode(&mut self, value: &Py<PyAny>) -> Result<Encoded, String> {
        let value = value.bind(self.py);
        codec::encode(value).map_err(|error| {
            let found = self
                .py
                .import("rememo.unpicklable")
                .and_then(|module| module.call_method1("describe", (value, error.value(self.py))))
                .and_then(|text| text.extract());
            found.unwrap_or_else(|_| error.to_string())
        })
    }

    fn decode(&mut self, encoded: Encoded) -> Result<Py<PyAny>, String> {
        let value = codec::decode(self.py, &encoded).map_err(|error| error.to_string())?;
        Ok(value.unbind())
    }

    fn detached<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        self.py.detach(work)
    }

    fn interrupted(&mut self) -> PyResult<()> {
        self.py.check_signals()
    }
}

/// The source text of a function or class, where the interpreter can find it.
fn source_of(definition: &Bound<'_, PyAny>) -> Option<String> {
    let inspect = definition.py().import("inspect").ok()?;
    inspect
        .call_method1("getsource", (definition,))
        .ok()?
        .extract()
        .ok()
}

fn explained<'py>(py: Python<'py>, explanation: &Explanation) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("rememo.explain")?;
    let change = module.getattr("Change")?;
    let changes = explanation
        .changes
        .iter()
        .map(|c| {
            let hex = |digest: Option<rememo::Digest>| digest.map(|digest| digest.to_hex());
            let sources = (c.old_source.clone(), c.new_source.clone());
            let kind = c.kind.to_string();
            change.call1((&c.name, kind, hex(c.old), hex(c.new), sources.0, sources.1))
        })
        .collect::<PyResult<Vec<_>>>()?;
    let reason = explanation.reason.map_or("hit", reason_name);
    let changes = PyTuple::new(py, changes)?;
    let key = explanation.key.to_hex();
    module
        .getattr("Explanation")?
        .call1((explanation.hit, reason, changes, key))
}

fn unexplained<'py>(py: Python<'py>, why: &str) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("rememo.explain")?;
    let reason = format!("not cacheable: {why}");
    module
        .getattr("Explanation")?
        .call1((false, reason, PyTuple::empty(py), py.None()))
}
