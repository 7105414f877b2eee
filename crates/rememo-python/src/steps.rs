//! A call made step by step, for functions whose result comes later: coroutines and generators.
//! Python code makes the call; what comes before and after is the engine's.

use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rememo::{Begun, Digest, Given, Missed, Mode};

use crate::call::Call;
use crate::memoized::Memoized;
use crate::raw::Attached;
use crate::record::Steps;
use crate::store::epoch;
use crate::switches::disabled;
use crate::wrappers::unwrapped;

/// One call, under way.
#[pyclass(module = "rememo._core", name = "Run", frozen)]
pub struct Run {
    memoized: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
    /// How far it has come: "answered", "missed", "busy" or "plain".
    #[pyo3(get)]
    state: &'static str,
    /// The stored result, where the call is answered.
    #[pyo3(get)]
    value: Option<Py<PyAny>>,
    /// The call key, where others might be making the same call.
    #[pyo3(get)]
    key: Option<String>,
    /// What it takes to keep the result, until that is done.
    pending: Attached<Option<Pending>>,
    /// What is noted of the steps, while the result may be kept.
    steps: Attached<Option<Rc<Steps>>>,
}

struct Pending {
    store: rememo::Store,
    epoch: u64,
    missed: Missed,
    /// The files that arguments name, before the first step.
    given: Vec<Given>,
}

/// Begins a call: looks for its result, and claims the call if there is none.
#[pyfunction]
#[pyo3(signature = (memoized, args, kwargs, *, recompute, claiming))]
pub fn begin<'py>(
    memoized: &Bound<'py, Memoized>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    recompute: bool,
    claiming: bool,
) -> PyResult<Run> {
    let py = memoized.py();
    let epoch = epoch();
    let plain = Run::new(memoized.as_any(), args, kwargs, "plain");
    let store = if disabled(py) || memoized.get().worth.is_off() {
        None
    } else {
        memoized.get().store(py)?.get().opened()
    };
    let call = Call::new(memoized.get(), args, kwargs)?;
    let (Some(store), Some(mut call)) = (store, call) else {
        return Ok(plain);
    };
    let name = memoized.get().name(py);
    memoized.get().worth.consider_sometimes(py, &name, &store);
    let care = &memoized.get().semantics.care;
    let mode = if recompute {
        Mode::Recompute
    } else {
        Mode::Normal
    };
    Ok(match call.begin(&store, epoch, mode, claiming)? {
        Begun::Unkeyed => plain,
        Begun::Answered(value) => plain.answered(value),
        Begun::Busy(key) => Run {
            state: "busy",
            key: Some(hex(&key)),
            ..plain
        },
        Begun::Missed(missed) => Run {
            state: "missed",
            key: Some(hex(&missed.key())),
            steps: Attached::new(Steps::begin(py, care, &store, missed.lease()).map(Rc::new)),
            pending: Attached::new(Some(Pending {
                store,
                epoch,
                missed,
                given: call.files_given(),
            })),
            ..plain
        },
    })
}

fn hex(key: &Digest) -> String {
    key.to_hex()
}

impl Run {
    pub fn new<'py>(
        memoized: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        state: &'static str,
    ) -> Self {
        Self {
            memoized: memoized.clone().unbind(),
            args: args.clone().unbind(),
            kwargs: kwargs.map(|kwargs| kwargs.clone().unbind()),
            state,
            value: None,
            key: None,
            pending: Attached::new(None),
            steps: Attached::new(None),
        }
    }

    /// The same call, with its stored result.
    pub fn answered(self, value: Py<PyAny>) -> Self {
        Self {
            state: "answered",
            value: Some(value),
            ..self
        }
    }

    /// Takes what is pending, and does the rest with it; false where there is nothing to do.
    fn end<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(Call<'_, 'py>, Pending) -> PyResult<bool>,
    ) -> PyResult<bool> {
        let Some(pending) = self.pending.with(py, Option::take) else {
            return Ok(false);
        };
        let memoized = self.memoized.bind(py).cast::<Memoized>()?.get();
        let kwargs = self.kwargs.as_ref().map(|kwargs| kwargs.bind(py));
        match Call::new(memoized, self.args.bind(py), kwargs)? {
            Some(call) => work(call, pending),
            // Its function has other parameters by now.
            None => Ok(false),
        }
    }
}

#[pymethods]
impl Run {
    /// Makes the call, past the store.
    fn call(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let kwargs = self.kwargs.as_ref().map(|kwargs| kwargs.bind(py));
        let (args, kwargs) = unwrapped(self.args.bind(py), kwargs)?;
        let memoized = self.memoized.bind(py).cast::<Memoized>()?.get();
        let result = memoized.function.bind(py).call(&args, kwargs.as_ref())?;
        Ok(result.unbind())
    }

    /// Does one step of the call, and notes what that looks at.
    fn step(&self, py: Python<'_>, work: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let done = match self.steps.with(py, |steps| steps.clone()) {
            Some(steps) => steps.step(py, || work.call0()),
            None => work.call0(),
        };
        done.map(Bound::unbind)
    }

    /// Keeps the result; whether it is stored.
    fn finish(&self, py: Python<'_>, value: &Bound<'_, PyAny>, seconds: f64) -> PyResult<bool> {
        let value = value.clone().unbind();
        let took = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let compute_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let steps = self.steps.with(py, Option::take);
        let log = steps.map(|steps| steps.end(py)).unwrap_or_default();
        self.end(py, |mut call, pending| {
            call.given = pending.given;
            call.finish(
                &pending.store,
                pending.epoch,
                pending.missed,
                &value,
                (compute_ns, log),
            )
        })
    }

    /// Stores nothing, and tells why.
    fn give_up(&self, py: Python<'_>, why: String) -> PyResult<()> {
        drop(self.steps.with(py, Option::take));
        self.end(py, |mut call, pending| {
            rememo::give_up(&pending.store, &mut call, pending.missed, why);
            Ok(false)
        })?;
        Ok(())
    }

    /// Stores nothing.
    fn abandon(&self, py: Python<'_>) {
        drop(self.steps.with(py, Option::take));
        let pending = self.pending.with(py, Option::take);
        // Giving back a claim takes a lock of the engine's.
        py.detach(|| drop(pending));
    }
}
