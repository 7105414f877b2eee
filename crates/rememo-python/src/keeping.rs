//! How long results are kept, and how much room they take, as Python says it.

use std::time::Duration;

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDeltaAccess, PyDict, PyString, PyTuple, PyType};
use rememo::TimeToLive;
use rememo::evict::{POLICIES, by_name};
use rememo::measure::{self, Size, Unmeasurable};

use crate::codec::Handing;

/// How much room a store is asked to take at most.
#[pyclass(module = "rememo._core", frozen)]
#[derive(Default)]
pub struct Room(pub rememo::Room);

#[pymethods]
impl Room {
    #[new]
    #[pyo3(signature = (*, max_size = None, max_files = None, policy = None, superseded = None))]
    fn new(
        max_size: Option<&Bound<'_, PyAny>>,
        max_files: Option<&Bound<'_, PyAny>>,
        policy: Option<String>,
        superseded: Option<&str>,
    ) -> PyResult<Self> {
        let delete_superseded = match superseded {
            None => None,
            Some("demote") => Some(false),
            Some("delete") => Some(true),
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "superseded must be \"demote\" or \"delete\", not {other:?}"
                )));
            }
        };
        if let Some(name) = policy.as_deref()
            && by_name(name).is_none()
        {
            let known = POLICIES.join("\", \"");
            return Err(PyValueError::new_err(format!(
                "there is no policy {name:?}: it must be one of \"{known}\""
            )));
        }
        Ok(Self(rememo::Room {
            size: max_size
                .map(|size| read_size("max_size", size))
                .transpose()?,
            files: max_files
                .map(|files| positive("max_files", files))
                .transpose()?,
            policy,
            delete_superseded,
        }))
    }
}

/// How results of a function are kept, and handed to callers.
#[pyclass(module = "rememo._core", frozen)]
#[derive(Default)]
pub struct Retention {
    pub kept: rememo::Retention,
    pub handing: Handing,
    /// Of so large a share of hits it is seen whether they would come out the same.
    pub verify: f64,
    /// Whether the function is switched off when it is not worth while.
    pub auto_disable: bool,
    /// The exceptions that are kept as results are.
    pub exceptions: Option<Py<PyTuple>>,
}

#[pymethods]
impl Retention {
    #[new]
    #[pyo3(signature = (
        *, pinned = false, tag = None, max_result_size = None, min_compute_time = None,
        results = "copy", ttl = None, verify = 0.0, auto_disable = false,
        cache_exceptions = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "options, each by its name")]
    fn new(
        pinned: bool,
        tag: Option<String>,
        max_result_size: Option<&Bound<'_, PyAny>>,
        min_compute_time: Option<&Bound<'_, PyAny>>,
        results: &str,
        ttl: Option<&Bound<'_, PyAny>>,
        verify: f64,
        auto_disable: bool,
        cache_exceptions: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if !(0.0..=1.0).contains(&verify) {
            return Err(PyValueError::new_err(format!(
                "verify must be a share of hits, from 0 to 1, not {verify}"
            )));
        }
        let Some(handing) = Handing::from_word(results) else {
            return Err(PyValueError::new_err(format!(
                "results must be \"copy\" or \"view\", not {results:?}"
            )));
        };
        if tag.as_deref() == Some("") {
            return Err(PyValueError::new_err("`tag` is empty: leave it out"));
        }
        let name = "max_result_size";
        let most = max_result_size.map(|size| match read_size(name, size)? {
            Size::Bytes(bytes) => Ok(bytes),
            Size::ShareOfDisk(_) => Err(PyValueError::new_err(format!(
                "{name} must be a number of bytes, such as \"100 MB\", not a share of the disk"
            ))),
        });
        let name = "min_compute_time";
        let least = min_compute_time.map(|time| read_duration(name, time));
        let kept = rememo::Retention {
            pinned,
            tag,
            max_result_size: most.transpose()?,
            min_compute_time: least.transpose()?.unwrap_or_default(),
            ttl: ttl.map(read_ttl).transpose()?,
        };
        Ok(Self {
            kept,
            handing,
            verify,
            auto_disable,
            exceptions: cache_exceptions.map(read_exceptions).transpose()?.flatten(),
        })
    }

    /// How results get to callers.
    #[getter]
    fn results(&self) -> &'static str {
        self.handing.word()
    }

    /// Of what share of hits it is seen whether they would come out the same.
    #[getter]
    fn verify(&self) -> f64 {
        self.verify
    }

    /// The exceptions that are kept as results are.
    #[getter]
    fn cache_exceptions(&self, py: Python<'_>) -> Option<Py<PyTuple>> {
        self.exceptions.as_ref().map(|kinds| kinds.clone_ref(py))
    }

    /// What to make the same one from, for pickling.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((), Bound<'py, PyDict>)> {
        let rememo::Retention {
            pinned,
            tag,
            max_result_size,
            min_compute_time,
            ttl,
        } = &self.kept;
        let least = Some(min_compute_time.as_secs_f64()).filter(|seconds| *seconds > 0.0);
        let arguments = PyDict::new(py);
        arguments.set_item("pinned", pinned)?;
        arguments.set_item("tag", tag)?;
        arguments.set_item("max_result_size", max_result_size)?;
        arguments.set_item("min_compute_time", least)?;
        arguments.set_item("results", self.handing.word())?;
        arguments.set_item("verify", self.verify)?;
        arguments.set_item("auto_disable", self.auto_disable)?;
        arguments.set_item("cache_exceptions", &self.exceptions)?;
        arguments.set_item("ttl", ttl.map(|ttl| written_ttl(py, ttl)).transpose()?)?;
        Ok(((), arguments))
    }
}

fn read_size(name: &str, size: &Bound<'_, PyAny>) -> PyResult<Size> {
    if let Ok(text) = size.extract::<String>() {
        return measure::size(&text).map_err(|error| wrong(name, &error));
    }
    positive(name, size).map(Size::Bytes)
}

fn positive(name: &str, number: &Bound<'_, PyAny>) -> PyResult<u64> {
    let shown = || number.repr().map(|shown| shown.to_string());
    if number.cast::<PyBool>().is_ok() || number.extract::<f64>().is_err() {
        let shown = shown()?;
        return Err(PyTypeError::new_err(format!(
            "{name} must be a whole number, or text such as \"10 GiB\", not {shown}"
        )));
    }
    match number.extract::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(PyValueError::new_err(format!(
            "{name} must be a whole number above zero, not {}",
            shown()?
        ))),
    }
}

/// A duration, from text, a number of seconds, or a `timedelta`.
pub fn read_duration(name: &str, time: &Bound<'_, PyAny>) -> PyResult<Duration> {
    if let Ok(text) = time.extract::<String>() {
        return measure::duration(&text).map_err(|error| wrong(name, &error));
    }
    let seconds = if let Ok(delta) = time.cast::<PyDelta>() {
        let whole = f64::from(delta.get_days()) * 86_400.0 + f64::from(delta.get_seconds());
        whole + f64::from(delta.get_microseconds()) * 1e-6
    } else if time.cast::<PyBool>().is_ok() {
        f64::NAN
    } else {
        time.extract().unwrap_or(f64::NAN)
    };
    if seconds.is_nan() {
        let shown = time.repr()?;
        return Err(PyTypeError::new_err(format!(
            "{name} must be seconds, a timedelta, or text such as \"1d\" or \"2h 30m\", not {shown}"
        )));
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(PyValueError::new_err(format!(
            "{name} must be more than zero and less than for ever, not {}",
            time.repr()?
        ))),
    }
}

/// Classes of exceptions: one, or several; none where there is none among them.
fn read_exceptions(kinds: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyTuple>>> {
    let py = kinds.py();
    let kinds = match kinds.cast::<PyTuple>() {
        Ok(several) => several.clone(),
        Err(_) => PyTuple::new(py, [kinds])?,
    };
    for kind in &kinds {
        let fits = kind
            .cast::<PyType>()
            .is_ok_and(|kind| kind.is_subclass_of::<PyException>().unwrap_or(false));
        if !fits {
            let shown = kind.repr()?;
            return Err(PyTypeError::new_err(format!(
                "cache_exceptions must be classes of exceptions, such as (ValueError,), not {shown}"
            )));
        }
    }
    Ok((!kinds.is_empty()).then(|| kinds.unbind()))
}

/// How long results are good: a duration, or a `TTLInterval`.
fn read_ttl(ttl: &Bound<'_, PyAny>) -> PyResult<TimeToLive> {
    if ttl.is_instance_of::<PyString>() || !ttl.is_instance(&interval_type(ttl.py())?)? {
        return Ok(TimeToLive::For(read_duration("ttl", ttl)?));
    }
    Ok(TimeToLive::Until {
        every: Duration::from_nanos(ttl.getattr("every_ns")?.extract()?),
        from_ns: ttl.getattr("from_ns")?.extract()?,
    })
}

/// What `read_ttl` reads the same from.
fn written_ttl(py: Python<'_>, ttl: TimeToLive) -> PyResult<Bound<'_, PyAny>> {
    match ttl {
        TimeToLive::For(long) => {
            // To the nanosecond, which a number of seconds may not be.
            Ok(PyString::new(py, &format!("{}ns", long.as_nanos())).into_any())
        }
        TimeToLive::Until { every, from_ns } => {
            let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX);
            interval_type(py)?.call_method1("of_nanoseconds", (every, from_ns))
        }
    }
}

fn interval_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("rememo.ttl")?.getattr("TTLInterval")
}

/// A duration in nanoseconds; `name` is what it is called where it makes no sense.
#[pyfunction]
pub fn nanoseconds(name: &str, time: &Bound<'_, PyAny>) -> PyResult<u64> {
    let time = read_duration(name, time)?;
    u64::try_from(time.as_nanos())
        .map_err(|_| PyValueError::new_err(format!("{name} is longer than five hundred years")))
}

fn wrong(name: &str, error: &Unmeasurable) -> PyErr {
    PyValueError::new_err(format!("{name}={error}"))
}

/// A number of bytes for people to read.
#[pyfunction]
pub fn bytes_to_read(bytes: u64) -> String {
    measure::bytes_to_read(bytes)
}

/// A time in seconds for people to read.
#[pyfunction]
pub fn time_to_read(seconds: f64) -> String {
    measure::time_to_read(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
