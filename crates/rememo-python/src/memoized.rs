//! The memoized callable, and what can be asked of it.

use std::collections::BTreeSet;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyTuple};
use rememo::{Explanation, Mode, Unkeyable};

use crate::bind::bind;
use crate::call::{Call, Semantics};
use crate::events::reason_name;
use crate::freeze::{FreezeConfig, Impurity, function_name};
use crate::store::Store;
use crate::wrappers::unwrapped;

/// A function whose results are kept.
#[pyclass(module = "rememo._core", dict, weakref, frozen)]
pub struct Memoized {
    function: Py<PyFunction>,
    resolver: Py<PyAny>,
    semantics: Semantics,
}

#[pymethods]
impl Memoized {
    #[new]
    #[pyo3(signature = (func, cache_resolver, *, ignore = Vec::new(), version = None, freeze = None))]
    fn new(
        func: Py<PyFunction>,
        cache_resolver: Py<PyAny>,
        ignore: Vec<String>,
        version: Option<Py<PyAny>>,
        freeze: Option<&Bound<'_, FreezeConfig>>,
    ) -> Self {
        let config = freeze
            .map(|freeze| freeze.get().0.clone())
            .unwrap_or_default();
        let semantics = Semantics {
            ignore,
            version,
            config,
        };
        Self {
            function: func,
            resolver: cache_resolver,
            semantics,
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
        let Some(mut call) = self.bound(py, args, kwargs)? else {
            return Err(PyTypeError::new_err(
                "the arguments do not fit the function",
            ));
        };
        match rememo::explain(&store, &mut call) {
            Ok(explanation) => explained(py, &explanation, &call.impurities),
            Err(unkeyable) => unexplained(py, &unkeyable.what),
        }
    }

    /// What the user said of the function, as far as it counts.
    #[getter]
    fn semantics(&self, py: Python<'_>) -> (Vec<String>, Option<Py<PyAny>>) {
        let version = self
            .semantics
            .version
            .as_ref()
            .map(|version| version.clone_ref(py));
        (self.semantics.ignore.clone(), version)
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
        // The engine's locks are never waited for with the interpreter's held.
        let (stats, entries) = py.detach(|| match store {
            Some(store) => {
                let entries = store
                    .entries_of(&name, usize::MAX)
                    .map_or(0, |found| found.len());
                (store.events().stats(&name), entries)
            }
            None => Default::default(),
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

    /// The call, where it is one: arguments that do not fit are for Python to complain of.
    fn bound<'a, 'py>(
        &'a self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Call<'a, 'py>>> {
        let function = self.function.bind(py).clone();
        let Some(bound) = bind(&function, args, kwargs)? else {
            return Ok(None);
        };
        Call::new(function, &self.semantics, bound, args, kwargs).map(Some)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        mode: Mode,
    ) -> PyResult<Py<PyAny>> {
        let call = self.bound(py, args, kwargs)?;
        let store = if disabled() {
            None
        } else {
            self.store(py)?.get().opened()
        };
        if let (Some(store), Some(call)) = (store, call) {
            return call.make(&store, mode);
        }
        let (args, kwargs) = unwrapped(args, kwargs)?;
        Ok(self
            .function
            .bind(py)
            .call(&args, kwargs.as_ref())?
            .unbind())
    }

    /// Asks the engine about a call; `None` where the call has no key or there is no store.
    fn ask<'py, T>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        question: impl FnOnce(&rememo::Store, &mut Call<'_, 'py>) -> Result<T, Unkeyable>,
    ) -> PyResult<Option<T>> {
        let Some(mut call) = self.bound(py, args, kwargs)? else {
            return Err(PyTypeError::new_err(
                "the arguments do not fit the function",
            ));
        };
        let store = if disabled() {
            None
        } else {
            self.store(py)?.get().opened()
        };
        Ok(store.and_then(|store| question(&store, &mut call).ok()))
    }
}

/// Whether memoization is switched off for the whole program.
fn disabled() -> bool {
    std::env::var_os("REMEMO_DISABLE").is_some_and(|value| !value.is_empty() && value != "0")
}

fn explained<'py>(
    py: Python<'py>,
    explanation: &Explanation,
    impurities: &BTreeSet<Impurity>,
) -> PyResult<Bound<'py, PyAny>> {
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
    let impurities: Vec<&Impurity> = impurities.iter().collect();
    let impurities = PyTuple::new(py, impurities)?;
    module
        .getattr("Explanation")?
        .call1((explanation.hit, reason, changes, key, impurities))
}

fn unexplained<'py>(py: Python<'py>, why: &str) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("rememo.explain")?;
    let reason = format!("not cacheable: {why}");
    module
        .getattr("Explanation")?
        .call1((false, reason, PyTuple::empty(py), py.None()))
}
