//! What functions behind `functools.lru_cache` looked at when their results were made: who is
//! handed such a result later depends on it too.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rememo::{Impurity, Log};

use super::intact::Intact;
use super::{Care, Recording, begin, current, exempt, place, run};
use crate::raw::{Attached, Between, stand_between};

/// Of more results than this it is no longer told apart what each depends on.
const TOLD_APART: usize = 1 << 16;
/// Nor of results that are made this deep within the making of others, so that recursions stay
/// shallow on the stack.
const DEEP: usize = 16;
/// Stands for all results, where they are not told apart.
const ANY: usize = 0;

thread_local! {
    /// How many results this thread has had made.
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Stands for the function of one wrapper.
#[pyclass(module = "rememo._core", name = "_Fills", frozen)]
pub struct Fills {
    function: Py<PyAny>,
    /// Whether it is a library's: what that keeps counts by its version.
    of_library: bool,
    /// What could be changed of what its wrapper keeps.
    intact: Option<Arc<Intact>>,
    /// Tells it from all others that there were or will be.
    serial: usize,
    /// Where there were results before anybody saw them made.
    earlier: Option<Earlier>,
    made: Attached<usize>,
    ledger: Attached<Ledger>,
}

/// The results that were there before.
struct Earlier {
    /// The name of the function.
    name: String,
    /// How many results the wrapper had had made until then.
    made: usize,
}

/// What results depend on, by their addresses. While a result is kept, nothing else has its
/// address; once it is let go of, another that gets its address is thought to depend on more than
/// it does.
#[derive(Default)]
struct Ledger(HashMap<usize, Log>);

/// What there is more to the recording of a result that is made to be kept.
pub struct Making {
    /// Within how many others it is made.
    depth: usize,
    /// Whether a library makes it.
    pub of_library: bool,
    /// The results that were made meanwhile without a recording of their own.
    asked: Attached<Vec<(Py<Fills>, usize)>>,
}

impl Ledger {
    fn of(&self, result: usize) -> Option<&Log> {
        self.0.get(&ANY).or_else(|| self.0.get(&result))
    }

    fn add(&mut self, result: usize, log: &Log) {
        let apart = !self.0.contains_key(&ANY);
        let result = if apart { result } else { ANY };
        self.0.entry(result).or_default().absorb(log);
        if self.0.len() > TOLD_APART {
            let mut all = Log::default();
            self.0.drain().for_each(|(_, log)| all.absorb(&log));
            self.0.insert(ANY, all);
        }
    }
}

#[pymethods]
impl Fills {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let work = || slf.get().function.bind(py).call(args, kwargs);
        let outer = current(py);
        let making = Making {
            depth: outer.as_ref().map_or(0, depth) + 1,
            of_library: slf.get().of_library,
            asked: Attached::default(),
        };
        let exempt = exempt::of_all(py);
        let Some(recording) = begin(py, &Care::default(), exempt, outer.as_ref()) else {
            return work();
        };
        let recording = Recording {
            making: Some(making),
            ..recording
        };
        let recording = Bound::new(py, recording)?;
        let (done, log) = run(py, &recording, outer.as_ref(), work);
        if let Ok(done) = &done {
            slf.get().enter(done, &log);
            if let Some(intact) = &slf.get().intact {
                intact.enter(done)?;
            }
        }
        let making = recording.get().making.as_ref();
        let asked = making.map(|making| making.asked.with(py, std::mem::take));
        for (fills, result) in asked.into_iter().flatten() {
            fills.get().enter_at(py, result, &log);
        }
        done
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)
    }
}

impl Fills {
    /// Notes what a result depends on.
    fn enter(&self, result: &Bound<'_, PyAny>, log: &Log) {
        self.enter_at(result.py(), result.as_ptr() as usize, log);
    }

    fn enter_at(&self, py: Python<'_>, result: usize, log: &Log) {
        if !log.is_empty() {
            self.ledger.with(py, |ledger| ledger.add(result, log));
        }
    }

    /// The name of the function, if some of the results that were there before still may be.
    fn keeps_earlier(&self, wrapper: &Bound<'_, PyAny>) -> Option<&str> {
        let earlier = self.earlier.as_ref()?;
        let made = self.made.with(wrapper.py(), |made| *made);
        // Its `cache_clear` has the wrapper count from nothing.
        let counted = count(wrapper, "misses");
        (counted.is_none_or(|counted| counted == earlier.made + made)).then_some(&earlier.name)
    }
}

/// Within how many results that are made to be kept something happens.
fn depth(recording: &Bound<'_, Recording>) -> usize {
    let making = recording.get().making.as_ref();
    making.map_or(0, |making| making.depth)
}

/// Has the results of all functions behind `lru_cache` seen being made from now on.
pub fn watch_fills(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Fills>();
    let wrapper = py
        .import("functools")?
        .getattr("lru_cache")?
        .call0()?
        .call1((&class,))?;
    let between = Between {
        stand_in: class.clone().unbind(),
        make: stand_in,
        begins,
        made,
        count: || MADE.get(),
        handed,
    };
    let stood = stand_between(&wrapper, class.as_any(), between);
    debug_assert!(stood.is_ok(), "the functions of lru_cache are out of reach");
    Ok(())
}

/// A function is about to make a result. If it is to do so without a recording of its own, this
/// gives the function.
fn begins<'py>(stand_in: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = stand_in.py();
    MADE.set(MADE.get() + 1);
    let fills = stand_in.cast::<Fills>().ok()?.get();
    fills.made.with(py, |made| *made += 1);
    let deep = current(py).is_some_and(|recording| depth(&recording) >= DEEP);
    deep.then(|| fills.function.bind(py).clone())
}

/// A result was made without a recording of its own.
fn made(stand_in: &Bound<'_, PyAny>, result: &Bound<'_, PyAny>) {
    let py = stand_in.py();
    let Ok(fills) = stand_in.cast::<Fills>() else {
        return;
    };
    if let Some(intact) = &fills.get().intact
        && let Err(error) = intact.enter(result)
    {
        error.write_unraisable(py, None);
    }
    if let Some(recording) = current(py)
        && let Some(making) = &recording.get().making
    {
        let entry = (fills.clone().unbind(), result.as_ptr() as usize);
        making.asked.with(py, |asked| asked.push(entry));
    }
}

/// A stand-in for the function of a wrapper.
fn stand_in<'py>(
    wrapper: &Bound<'py, PyAny>,
    function: &Bound<'py, PyAny>,
) -> Option<Bound<'py, PyAny>> {
    static SERIAL: AtomicUsize = AtomicUsize::new(0);
    let py = wrapper.py();
    let made = count(wrapper, "misses");
    let keeps = count(wrapper, "currsize") != Some(0);
    let of_library = is_of_library(function);
    let fills = Fills {
        function: function.clone().unbind(),
        serial: SERIAL.fetch_add(1, Ordering::Relaxed),
        of_library,
        intact: Intact::of(wrapper, function, of_library).ok()?,
        earlier: (keeps && !of_library).then(|| Earlier {
            name: name(function),
            made: made.unwrap_or(usize::MAX),
        }),
        made: Attached::new(0),
        ledger: Attached::default(),
    };
    Some(Bound::new(py, fills).ok()?.into_any())
}

/// One of the figures of `cache_info()`.
fn count(wrapper: &Bound<'_, PyAny>, figure: &str) -> Option<usize> {
    let method = wrapper.get_type().getattr("cache_info").ok()?;
    let info = method.call1((wrapper,)).ok()?;
    info.getattr(figure).ok()?.extract().ok()
}

fn is_of_library(function: &Bound<'_, PyAny>) -> bool {
    let file = function
        .getattr("__code__")
        .and_then(|code| code.getattr("co_filename")?.extract::<String>());
    file.is_ok_and(|file| place::is_of_library(function.py(), Path::new(&file)))
}

fn name(function: &Bound<'_, PyAny>) -> String {
    let name = function.getattr("__qualname__");
    name.and_then(|name| name.extract())
        .unwrap_or_else(|_| "a function".to_owned())
}

/// A wrapper hands back a result: what is recorded here depends on what that depends on.
fn handed(
    wrapper: &Bound<'_, PyAny>,
    stand_in: &Bound<'_, PyAny>,
    result: &Bound<'_, PyAny>,
    made_before: usize,
) {
    let py = wrapper.py();
    let (Some(recording), Ok(fills)) = (current(py), stand_in.cast::<Fills>()) else {
        return;
    };
    let fills = fills.get();
    let just_made = MADE.get() != made_before;
    if let Some(intact) = &fills.intact {
        intact.hand(recording.get(), result, just_made);
    }
    let result = result.as_ptr() as usize;
    fills.ledger.with(py, |ledger| {
        if let Some(log) = ledger.of(result) {
            recording.get().take_over(py, (fills.serial, result), log);
        }
    });
    if !just_made && let Some(name) = fills.keeps_earlier(wrapper) {
        let objection = Impurity {
            kind: "kept",
            what: format!(
                "is handed what functools.lru_cache keeps of an earlier call of {name}, which \
                 nobody watched"
            ),
            at: place::line(py),
        };
        recording.get().object(py, objection);
    }
}

impl Recording {
    /// Takes over what was noted elsewhere, unless it was taken over before and is no more since.
    fn take_over(&self, py: Python<'_>, of: (usize, usize), log: &Log) {
        let extent = log.extent();
        let told = self.told.with(py, |told| told.insert(of, extent));
        if told != Some(extent) {
            self.note(py, |into| into.absorb(log));
        }
    }
}
