//! The memoized callable, and what can be asked of it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCode, PyDict, PyFunction, PyTuple, PyType};
use rememo::{Digest, Mode, Unkeyable};

use crate::call::{Call, Semantics};
use crate::codec::Handing;
use crate::depth::with_room;
use crate::events;
use crate::freeze::{FreezeConfig, function_name};
use crate::hot;
use crate::keeping::Retention;
use crate::known::{Everything, Known};
use crate::raised;
use crate::raw::{Arguments, Attached};
use crate::record::{Care, Pause};
use crate::signature::Signature;
use crate::steps::Run;
use crate::store::{Store, epoch};
use crate::switches::{disabled, refusal, switched_off_by};
use crate::told;
use crate::worth::Worth;
use crate::wrappers::unwrapped;

/// All of a function whose results are kept but the way it is called, which is a matter of the type
/// made from this one.
#[pyclass(
    module = "rememo._core",
    name = "_Memoized",
    subclass,
    dict,
    weakref,
    frozen
)]
pub struct Memoized {
    pub function: Py<PyFunction>,
    resolver: Py<PyAny>,
    /// What makes calls whose result comes later; none where a call returns its result.
    front: Option<Py<PyAny>>,
    pub semantics: Semantics,
    pub retention: rememo::Retention,
    pub handing: Handing,
    /// Of so large a share of hits it is seen whether they would come out the same.
    verify: f64,
    pub worth: Worth,
    /// The exceptions that are kept as results are.
    pub exceptions: Option<Py<PyTuple>>,
    pub known: Attached<Everything>,
    /// The parameters, and the code that they were read from.
    signature: Attached<Option<(Py<PyCode>, Rc<Signature>)>>,
    /// What makes of arguments those that are passed on, where numbers in them are rounded.
    rounding: Option<Py<PyAny>>,
    /// What `functools.lru_cache` would be told, which is of no consequence here.
    parameters: Option<Py<PyDict>>,
    /// The hits and misses until the results were last removed: `cache_info` counts from there on.
    cleared: Attached<(u64, u64)>,
}

#[pymethods]
impl Memoized {
    #[new]
    #[pyo3(signature = (
        func, cache_resolver, *, ignore = Vec::new(), version = None, freeze = None,
        front = None, retention = None, care = None, rounding = None, parameters = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "options, each by its name")]
    fn new(
        py: Python<'_>,
        func: Py<PyFunction>,
        cache_resolver: Py<PyAny>,
        ignore: Vec<String>,
        version: Option<Py<PyAny>>,
        freeze: Option<&Bound<'_, FreezeConfig>>,
        front: Option<Py<PyAny>>,
        retention: Option<&Bound<'_, Retention>>,
        care: Option<&Bound<'_, Care>>,
        rounding: Option<Py<PyAny>>,
        parameters: Option<Py<PyDict>>,
    ) -> Self {
        let config = freeze
            .map(|freeze| freeze.get().0.clone())
            .unwrap_or_default();
        let semantics = Semantics {
            ignore,
            version,
            config,
            care: care_for(care, retention),
        };
        Self {
            function: func,
            resolver: cache_resolver,
            front,
            semantics,
            retention: retention
                .map(|retention| retention.get().kept.clone())
                .unwrap_or_default(),
            verify: retention.map_or(0.0, |retention| retention.get().verify),
            worth: Worth::new(retention.is_some_and(|retention| retention.get().auto_disable)),
            exceptions: retention
                .and_then(|retention| retention.get().exceptions.as_ref())
                .map(|kinds| kinds.clone_ref(py)),
            handing: retention
                .map(|retention| retention.get().handing)
                .unwrap_or_default(),
            known: Attached::default(),
            signature: Attached::new(None),
            rounding,
            parameters,
            cleared: Attached::default(),
        }
    }

    /// Runs the function whatever is stored, and stores the result.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double.call(4)
    /// 8
    /// >>> cache.close()
    #[pyo3(signature = (*args, **kwargs))]
    fn call(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        slf.get().run(slf.as_any(), args, kwargs, Mode::Recompute)
    }

    /// Returns the stored result, and does not run the function.
    ///
    /// Raises `rememo.NotCached` where there is none.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double(4)
    /// 8
    /// >>> double.call_if_cached(4)
    /// 8
    /// >>> cache.close()
    #[pyo3(signature = (*args, **kwargs))]
    fn call_if_cached(
        slf: &Bound<'_, Self>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let (args, kwargs) = &this.rounded(args, kwargs)?;
        let kwargs = kwargs.as_ref();
        let found = this.ask(py, args, kwargs, |store, one| {
            let found = rememo::lookup(store, one)?;
            Ok(found.map(|value| one.handed(value)))
        })?;
        if let Some(value) = found.flatten().transpose()? {
            let Some(front) = &this.front else {
                return this.handed_back(value.into_bound(py));
            };
            let run = Run::new(slf.as_any(), args, kwargs, "answered").answered(value);
            return front.call_method1(py, "hand_back", (slf, run));
        }
        let absent = py.import("rememo.info")?.getattr("NotCached")?;
        let message = format!("no stored result for this call of {}", this.name(py));
        Err(PyErr::from_value(absent.call1((message,))?))
    }

    /// Makes the call, and returns a handle of its result: a `rememo.Shelved`, which says where it is
    /// stored, or a `rememo.Held`, which holds what is not stored.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> handle = double.call_and_shelve(4)
    /// >>> handle.get()
    /// 8
    /// >>> cache.close()
    #[pyo3(signature = (*args, **kwargs))]
    fn call_and_shelve<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let home = slf.py().import("rememo.shelved")?;
        home.call_method1("call_and_shelve", (slf, args, kwargs))
    }

    /// Whether the call would be answered from the cache. Nothing runs, and nothing is counted.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double.would_hit(4), double(4), double.would_hit(4)
    /// (False, 8, True)
    /// >>> cache.close()
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

    /// What would answer the call, as a `rememo.Entry`; None where nothing would.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double(4), double.entry(4).size > 0, double.entry(5)
    /// (8, True, None)
    /// >>> cache.close()
    #[pyo3(signature = (*args, **kwargs))]
    fn entry<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.ask(py, args, kwargs, |store, one| rememo::entry(store, one))?;
        let told = |(key, entry)| told::entry(py, &key, &entry);
        found.flatten().map(told).transpose()
    }

    /// Forgets the result of the call, in every process; whether there was one.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double(4), double.clear_entry(4), double.clear_entry(4)
    /// (8, True, False)
    /// >>> cache.close()
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

    /// Has results of older code answer for the code as it is, and returns a `rememo.Acceptance`.
    ///
    /// Your word is all there is to it. Give a reason; and, as `entry`, the beginning of the key of a
    /// result that was made by the code that is meant, where that is not the latest.
    ///
    /// Raises `ValueError` where there is no such code, or more than code changed.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> def double(x):
    /// ...     return 2 * x
    /// >>> cache.memoize(double)(4)
    /// 8
    /// >>> def double(x):
    /// ...     return x + x
    /// >>> memoized = cache.memoize(double)
    /// >>> accepted = memoized.accept("the same sum")
    /// >>> memoized.would_hit(4)
    /// True
    /// >>> cache.close()
    #[pyo3(signature = (reason, *, entry = None))]
    fn accept<'py>(
        slf: &Bound<'py, Self>,
        reason: &str,
        entry: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let home = slf.py().import("rememo.acceptances")?;
        home.call_method1("accept", (slf, reason, entry))
    }

    /// Says whether the call is a hit and, if not, what changed since the result that is most like it, as a
    /// `rememo.Explanation`. Nothing runs.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> RATE = 3
    /// >>> @cache.memoize
    /// ... def price(x):
    /// ...     return x * RATE
    /// >>> price(2)
    /// 6
    /// >>> RATE = 4
    /// >>> (change,) = price.explain(2).changes
    /// >>> change.kind, change.old_details, change.new_details
    /// ('global', '3', '4')
    /// >>> cache.close()
    #[pyo3(signature = (*args, **kwargs))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (args, kwargs) = &self.rounded(args, kwargs)?;
        let kwargs = kwargs.as_ref();
        let Some(mut call) = Call::new(self, args, kwargs)? else {
            return Err(self.unfit(args, kwargs));
        };
        if let Some(switch) = switched_off_by(py) {
            return told::unexplained(py, &format!("memoization is switched off by {switch}"));
        }
        if self.worth.is_off() {
            return told::unexplained(
                py,
                "memoization is switched off, for it was not worth while",
            );
        }
        let store = self.store(py)?;
        let Some(store) = store.get().opened() else {
            return told::unexplained(py, store.get().why_not());
        };
        match rememo::explain(&store, &mut call) {
            Ok(explanation) => {
                let state = call.state.as_deref();
                let impurities = state.map_or_else(BTreeSet::new, |state| state.impurities.clone());
                told::explained(py, &explanation, &impurities)
            }
            Err(unkeyable) => told::unexplained(py, &unkeyable.what),
        }
    }

    /// Those of the function, unless others were set. From 3.14 on `functools.update_wrapper` hands on
    /// what makes them, and a function makes them when it is asked.
    #[cfg(Py_3_14)]
    #[getter(__annotations__)]
    fn annotations<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let namespace = slf.getattr("__dict__")?.cast_into::<PyDict>()?;
        match namespace.get_item("__annotations__")? {
            Some(set) => Ok(set),
            None => slf.getattr("__wrapped__")?.getattr("__annotations__"),
        }
    }

    #[cfg(Py_3_14)]
    #[setter(__annotations__)]
    fn set_annotations(slf: &Bound<'_, Self>, annotations: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.getattr("__dict__")?
            .cast_into::<PyDict>()?
            .set_item("__annotations__", annotations)
    }

    /// What the user said of the function, as far as it counts.
    #[getter]
    fn semantics<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Vec<String>, Option<Bound<'py, PyAny>>, String)> {
        let Semantics { version, care, .. } = &self.semantics;
        let values = care.depends.values_with(py, version.as_ref())?;
        let mut terms = care.terms();
        if let Some(rounding) = &self.rounding {
            terms = format!("{terms}, {}", rounding.bind(py).repr()?);
        }
        Ok((self.semantics.ignore.clone(), values, terms))
    }

    /// What counts beside the code, as its user says.
    #[getter]
    fn declared_version(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let version = self.semantics.version.as_ref();
        version.map(|version| version.clone_ref(py))
    }

    /// What rounds numbers in arguments.
    #[getter]
    fn rounding(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.rounding
            .as_ref()
            .map(|rounding| rounding.clone_ref(py))
    }

    /// What `functools.lru_cache` would be told: `maxsize` and `typed`. A cache heeds neither.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double.cache_parameters().get("maxsize") is None
    /// True
    /// >>> cache.close()
    fn cache_parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.parameters {
            Some(parameters) => parameters.bind(py).copy(),
            None => Ok(PyDict::new(py)),
        }
    }

    /// How closely it is watched.
    #[getter]
    fn care(&self) -> Care {
        self.semantics.care.clone()
    }

    /// How long its results are good, as far as it counts: what uses them is good no longer.
    #[getter]
    fn ttl(&self) -> Option<String> {
        self.retention.ttl.map(|ttl| format!("{ttl:?}"))
    }

    /// What finds the store.
    #[getter]
    fn resolver(&self, py: Python<'_>) -> Py<PyAny> {
        self.resolver.clone_ref(py)
    }

    /// What counts, where it is not what it seems.
    #[getter]
    fn freeze_config(&self) -> FreezeConfig {
        FreezeConfig(self.semantics.config.clone())
    }

    /// How its results are kept.
    #[getter]
    fn retention(&self, py: Python<'_>) -> Retention {
        Retention {
            kept: self.retention.clone(),
            handing: self.handing,
            verify: self.verify,
            auto_disable: self.worth.is_asked(),
            exceptions: self.exceptions.as_ref().map(|kinds| kinds.clone_ref(py)),
        }
    }

    /// Forgets all results of the function, whatever code made them, in every process.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double(4)
    /// 8
    /// >>> double.cache_clear()
    /// >>> double.would_hit(4)
    /// False
    /// >>> cache.close()
    fn cache_clear(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(store) = self.store(py)?.get().opened() {
            let name = self.name(py);
            let cleared = py.detach(|| store.clear_function(&name).map(|_| counts(&store, &name)));
            let counts = cleared.map_err(crate::store::failed)?;
            self.cleared.with(py, |cleared| *cleared = counts);
        }
        Ok(())
    }

    /// Counts hits and misses of this process, and stored results, as a `rememo.CacheInfo`.
    ///
    /// >>> from rememo import Cache
    /// >>> cache = Cache(temporary=True)
    /// >>> double = cache.memoize(lambda x: 2 * x)
    /// >>> double(4), double(4)
    /// (8, 8)
    /// >>> double.cache_info()
    /// CacheInfo(hits=1, misses=1, entries=1)
    /// >>> cache.close()
    fn cache_info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let name = self.name(py);
        let store = self.store(py)?.get().opened();
        // The engine's locks are never waited for with the interpreter's held.
        let ((hits, misses), entries) = py.detach(|| match store {
            Some(store) => {
                let entries = store
                    .entries_of(&name, usize::MAX)
                    .map_or(0, |found| found.len());
                (counts(&store, &name), entries)
            }
            None => Default::default(),
        });
        let before = self.cleared.with(py, |cleared| *cleared);
        // Another cache may be in use than when they were removed.
        let hits = hits.saturating_sub(before.0);
        let misses = misses.saturating_sub(before.1);
        let info = py.import("rememo.info")?.getattr("CacheInfo")?;
        Ok(info.call1((hits, misses, entries))?.unbind())
    }

    fn __get__<'py>(
        slf: Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if instance.is_none() {
            return Ok(slf.into_any());
        }
        method_of(slf.as_any(), instance)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<memoized function {}>", self.name(py))
    }

    /// What notebooks show.
    #[pyo3(name = "_repr_html_")]
    fn repr_html<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let html = slf.py().import("rememo.html")?;
        html.call_method1("of_function", (slf,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.resolver)?;
        if let Some(front) = &self.front {
            visit.call(front)?;
        }
        if let Some(version) = &self.semantics.version {
            visit.call(version)?;
        }
        if let Some(exceptions) = &self.exceptions {
            visit.call(exceptions)?;
        }
        if let Some(rounding) = &self.rounding {
            visit.call(rounding)?;
        }
        self.known.peek(&visit, |known| {
            known.iter().try_for_each(|known| known.traverse(&visit))
        })
    }

    fn __clear__(&self, py: Python<'_>) {
        let known = self.known.with(py, std::mem::take);
        drop(known);
    }
}

/// Answers a call of a memoized function: from memory, or else through the engine.
pub fn answer<'py>(
    whole: &Bound<'py, PyAny>,
    arguments: Arguments<'_, 'py>,
) -> PyResult<Py<PyAny>> {
    let memoized = whole.cast::<Memoized>()?.get();
    let py = arguments.py();
    if memoized.worth.is_off() {
        let (args, kwargs) = arguments.collected()?;
        return memoized.plainly(py, &args, kwargs.as_ref());
    }
    let mode = memoized.mode();
    if memoized.front.is_none()
        && memoized.rounding.is_none()
        && mode == Mode::Normal
        && let Some(value) = hot::answer(memoized, py, arguments)?
    {
        return memoized.handed_back(value);
    }
    let (args, kwargs) = arguments.collected()?;
    with_room(py, || {
        Python::attach(|_| memoized.run(whole, &args, kwargs.as_ref(), mode))
    })
}

/// A number from 0 to 1, another one each time.
#[expect(
    clippy::cast_precision_loss,
    reason = "so many bits are as many as there are"
)]
fn random_share() -> f64 {
    thread_local! {
        static SEED: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    // Marsaglia's xorshift.
    let mut seed = SEED.get();
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    SEED.set(seed);
    (seed >> 11) as f64 / (1_u64 << 53) as f64
}

impl Memoized {
    /// Normalised module and qualified name of the function.
    pub fn name(&self, py: Python<'_>) -> String {
        function_name(self.function.bind(py))
    }

    /// The parameters of the function as it is now.
    pub fn signature(&self, py: Python<'_>) -> PyResult<Rc<Signature>> {
        let code = self.function.bind(py).getattr("__code__")?;
        let known = self.signature.with(py, |known| {
            let (of, signature) = known.as_ref()?;
            of.is(&code).then(|| signature.clone())
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let code = code.cast_into::<PyCode>()?;
        let signature = Rc::new(Signature::of(&code, &self.semantics.ignore)?);
        let fresh = (code.unbind(), signature.clone());
        let old = self.signature.with(py, |known| known.replace(fresh));
        drop(old);
        Ok(signature)
    }

    /// Keeps what is known of the function from now on.
    pub fn know(&self, py: Python<'_>, known: Rc<Known>) {
        let old = self.known.with(py, |all| all.put(known));
        drop(old);
    }

    /// The key of a call, with nothing taken from what is known already; none where it has none.
    pub fn key_from_scratch(
        &self,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Option<Digest>> {
        let call = Call::new(self, args, kwargs)?;
        Ok(call.and_then(|mut call| call.key_from_scratch().ok().map(|key| key.digest())))
    }

    pub fn store<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Store>> {
        events::note_log(py);
        let store = self.resolver.bind(py).call0()?;
        store
            .cast_into::<Store>()
            .map_err(|_| PyTypeError::new_err("the resolver gave no store"))
    }

    fn run<'py>(
        &self,
        whole: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        mode: Mode,
    ) -> PyResult<Py<PyAny>> {
        let py = whole.py();
        if let Some(refusal) = refusal(|| self.name(py)) {
            return Err(refusal);
        }
        let (args, kwargs) = &self.rounded(args, kwargs)?;
        let kwargs = kwargs.as_ref();
        let call = Call::new(self, args, kwargs)?;
        if let (Some(front), Some(_)) = (&self.front, &call) {
            let recompute = mode == Mode::Recompute;
            return front.call_method1(py, "start", (whole, args, kwargs, recompute));
        }
        let epoch = epoch();
        let store = if disabled(py) {
            None
        } else {
            let _pause = Pause::begin(py);
            self.store(py)?.get().opened()
        };
        if let (Some(store), Some(call)) = (store, call) {
            let result = call.make(&store, epoch, mode);
            if self.worth.is_asked() {
                self.worth.consider_sometimes(py, &self.name(py), &store);
            }
            return self.handed_back(result?.into_bound(py));
        }
        self.plainly(py, args, kwargs)
    }

    /// Makes a call as if the function were not memoized.
    fn plainly(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let (args, kwargs) = self.rounded(args, kwargs)?;
        let (args, kwargs) = unwrapped(&args, kwargs.as_ref())?;
        let function = self.function.bind(py);
        Ok(function.call(&args, kwargs.as_ref())?.unbind())
    }

    /// The arguments that are passed on. Rounding them twice does no more than once.
    fn rounded<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
        match &self.rounding {
            None => Ok((args.clone(), kwargs.cloned())),
            Some(rounding) => Ok(rounding.bind(args.py()).call1((args, kwargs))?.extract()?),
        }
    }

    /// Whether the next hit is to be verified.
    fn mode(&self) -> Mode {
        if self.verify > 0.0 && random_share() < self.verify {
            Mode::Verify
        } else {
            Mode::Normal
        }
    }

    /// A result as the caller is to have it: where exceptions are kept, it may stand for one.
    fn handed_back(&self, value: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if self.exceptions.is_none() {
            return Ok(value.unbind());
        }
        raised::handed_back(value).map(Bound::unbind)
    }

    /// What is wrong with arguments that do not fit the function, named, in Python's own words for
    /// it.
    fn unfit(&self, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyErr {
        let py = args.py();
        let bound = py
            .import("inspect")
            .and_then(|inspect| inspect.call_method1("signature", (&self.function,)))
            .and_then(|signature| signature.call_method("bind", args, kwargs));
        let why = match bound {
            Err(error) => error.value(py).to_string(),
            Ok(_) => "the arguments do not fit the function".to_owned(),
        };
        PyTypeError::new_err(format!("{}(): {why}", self.name(py)))
    }

    /// Asks the engine about a call; `None` where the call has no key or there is no store.
    fn ask<'py, T>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        question: impl FnOnce(&rememo::Store, &mut Call<'_, 'py>) -> Result<T, Unkeyable>,
    ) -> PyResult<Option<T>> {
        let (args, kwargs) = &self.rounded(args, kwargs)?;
        let kwargs = kwargs.as_ref();
        let Some(mut call) = Call::new(self, args, kwargs)? else {
            return Err(self.unfit(args, kwargs));
        };
        let store = if disabled(py) {
            None
        } else {
            self.store(py)?.get().opened()
        };
        Ok(store.and_then(|store| question(&store, &mut call).ok()))
    }
}

/// How closely it is watched.
fn care_for(care: Option<&Bound<'_, Care>>, retention: Option<&Bound<'_, Retention>>) -> Care {
    let care = care.map(|care| care.get().clone()).unwrap_or_default();
    match retention.and_then(|retention| retention.get().kept.ttl) {
        Some(_) => care.for_a_while(),
        None => care,
    }
}

/// What a memoized function becomes when it is read from an instance. Methods are called without
/// that, so it is made for those who ask something of it or pass it on.
fn method_of<'py>(
    memoized: &Bound<'py, PyAny>,
    instance: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static KIND: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    KIND.import(memoized.py(), "rememo.methods", "BoundMemoized")?
        .call1((memoized, instance))
}

/// The hits and misses of a function in this process.
fn counts(store: &rememo::Store, function: &str) -> (u64, u64) {
    let stats = store.events().stats(function);
    (stats.hits, stats.misses())
}
