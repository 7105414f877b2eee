//! Wrappers that a caller may put around an argument; the function never sees them.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rememo::{Digest, Part};

use crate::freeze::{Config, Reads};

/// An argument that does not count, in this call; the function gets the value.
///
/// >>> from rememo import Cache, Ignore
/// >>> cache = Cache(temporary=True)
/// >>> double = cache.memoize(lambda x, log: 2 * x)
/// >>> double(4, Ignore("loud"))
/// 8
/// >>> double.would_hit(4, Ignore("quiet"))
/// True
/// >>> cache.close()
#[pyclass(module = "rememo._core", frozen)]
pub struct Ignore {
    #[pyo3(get)]
    value: Py<PyAny>,
}

#[pymethods]
impl Ignore {
    #[new]
    fn new(value: Py<PyAny>) -> Self {
        Self { value }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Ignore({})", self.value.bind(py).repr()?))
    }
}

/// A fingerprint with its parts.
type Fingerprint = (Digest, Vec<Part>);

/// What was read about code before a fingerprint was taken, and after.
type Range = (Reads, Reads);

type Known = (Arc<Config>, Range, Fingerprint);

/// An argument that its caller promises not to change: it is looked at once, however often it is
/// passed; the function gets the value.
///
/// >>> from rememo import Cache, Frozen
/// >>> cache = Cache(temporary=True)
/// >>> total = cache.memoize(lambda numbers: sum(numbers))
/// >>> numbers = Frozen(list(range(1000)))
/// >>> total(numbers), total(numbers)
/// (499500, 499500)
/// >>> cache.close()
#[pyclass(module = "rememo._core", frozen)]
pub struct Frozen {
    #[pyo3(get)]
    pub value: Py<PyAny>,
    known: Mutex<Option<Known>>,
}

#[pymethods]
impl Frozen {
    #[new]
    fn new(value: Py<PyAny>) -> Self {
        Self {
            value,
            known: Mutex::new(None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Frozen({})", self.value.bind(py).repr()?))
    }
}

impl Frozen {
    /// The fingerprint under a configuration and what is read about code, if it was taken; with all
    /// that is read then.
    pub fn known(&self, config: &Arc<Config>, reads: Reads) -> Option<(Fingerprint, Reads)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken_under, (before, after), fingerprint) = known.as_ref()?;
        let same = Arc::ptr_eq(taken_under, config)
            && reads.with(*before) == reads
            && after.with(reads) == *after;
        same.then(|| (fingerprint.clone(), *after))
    }

    /// Keeps a fingerprint.
    pub fn remember(&self, config: &Arc<Config>, reads: Range, fingerprint: Fingerprint) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((config.clone(), reads, fingerprint));
    }
}

/// What a wrapper holds; any other value as it is.
fn inner<'py>(value: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let py = value.py();
    if let Ok(ignored) = value.cast::<Ignore>() {
        ignored.get().value.bind(py).clone()
    } else if let Ok(frozen) = value.cast::<Frozen>() {
        frozen.get().value.bind(py).clone()
    } else {
        value.clone()
    }
}

/// Arguments as the function is to see them.
pub fn unwrapped<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
    let is_wrapper = |value: &Bound<'py, PyAny>| {
        value.cast::<Ignore>().is_ok() || value.cast::<Frozen>().is_ok()
    };
    let wrapped = args.iter().any(|value| is_wrapper(&value))
        || kwargs.is_some_and(|kwargs| kwargs.values().iter().any(|value| is_wrapper(&value)));
    if !wrapped {
        return Ok((args.clone(), kwargs.cloned()));
    }
    let args = PyTuple::new(args.py(), args.iter().map(|value| inner(&value)))?;
    let Some(kwargs) = kwargs else {
        return Ok((args, None));
    };
    let plain = PyDict::new(args.py());
    for (name, value) in kwargs {
        plain.set_item(name, inner(&value))?;
    }
    Ok((args, Some(plain)))
}
