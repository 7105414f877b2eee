//! The generator that the functions of `numpy.random` draw from: the one that was there before
//! `numpy.random.Generator`, of class `RandomState`.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyTuple};

use super::super::probes::stand_at;
use super::super::sources;
use super::python::{marshalled, unmarshalled};
use super::{Shared, draws, is_set};
use crate::raw::{Arguments, Around, stand_around, stand_before};

pub const MODULE: &str = "numpy.random.mtrand";

pub const SHARED: Shared = Shared {
    name: "numpy.random",
    holder: (MODULE, "_rand"),
    state,
    restore,
    may_go_unheard: |_| UNHEARD.load(Ordering::Relaxed),
};

/// What puts a generator into a state that does not depend on the one that it is in.
const SETTERS: [&str; 2] = ["seed", "set_state"];
/// What does not look at the state.
const OTHERS: [&str; 1] = ["_initialize_bit_generator"];

/// Whether there are methods that nothing can stand in front of, as a compiler other than the Cython
/// that we know would make them.
static UNHEARD: AtomicBool = AtomicBool::new(false);

/// Stands in front of all methods: each but a few draws.
pub fn stand(py: Python<'_>) {
    for name in ["get_bit_generator", "set_bit_generator"] {
        stand_at(py, MODULE, name, handles_bits);
    }
    let class = py
        .import(MODULE)
        .and_then(|module| module.getattr("RandomState"));
    if let Ok(class) = &class
        && let Ok(class) = class.cast()
    {
        let around = Around {
            begins: is_given_a_seed,
            ends: || SEEDED.set(false),
        };
        // Out of reach, what has a seed is not kept.
        let _ = stand_around(class, around);
    }
    let methods = class.and_then(|class| class.getattr("__dict__")?.call_method0("items"));
    let Some(methods) = methods.ok().and_then(|methods| methods.try_iter().ok()) else {
        return;
    };
    for entry in methods.flatten() {
        let Ok((name, method)) = entry.extract::<(String, Bound<'_, PyAny>)>() else {
            continue;
        };
        if OTHERS.contains(&name.as_str()) {
            continue;
        }
        let probe = if SETTERS.contains(&name.as_str()) {
            is_set
        } else {
            draws
        };
        // Slots of the type, and what is not a method, draw nothing.
        let is_method = method.is_callable() && !name.starts_with("__");
        if stand_before(&method, probe).is_err() && is_method {
            UNHEARD.store(true, Ordering::Relaxed);
        }
    }
}

thread_local! {
    /// Whether this thread makes a generator that is given a seed.
    static SEEDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a generator is being made that is given a seed: `RandomState(1)` begins as one that the
/// operating system seeds, and its random bytes are of no use to anybody then.
pub fn is_being_seeded() -> bool {
    SEEDED.get()
}

/// Whether a generator that is being made is given a seed that runs no code of its own.
fn is_given_a_seed(arguments: &Bound<'_, PyTuple>) -> bool {
    let is_seed = arguments.get_item(0).is_ok_and(|seed| {
        seed.is_exact_instance_of::<PyInt>() || is_integer_of_numpy(&seed).unwrap_or(false)
    });
    SEEDED.set(is_seed);
    is_seed
}

fn is_integer_of_numpy(seed: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = seed.get_type();
    let name: String = class.name()?.extract()?;
    Ok(class.module()? == "numpy" && (name.starts_with("int") || name.starts_with("uint")))
}

/// What the generator is made of is asked for or replaced: nobody hears what becomes of it.
fn handles_bits(arguments: Arguments<'_, '_>) {
    let does = "takes the generator of numpy.random apart";
    sources::note(
        arguments.py(),
        "random",
        does,
        "numpy.random.get_bit_generator or set_bit_generator",
    );
}

/// Its state as plain values, arrays by type and bytes.
fn state(generator: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = generator.py();
    let keywords = PyDict::new(py);
    keywords.set_item("legacy", false)?;
    let state = generator.call_method(intern!(py, "get_state"), (), Some(&keywords))?;
    marshalled(plain(&state.cast_into()?)?.as_any())
}

fn plain<'py>(state: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let py = state.py();
    let plain = PyDict::new(py);
    for (name, value) in state {
        if let Ok(nested) = value.cast::<PyDict>() {
            plain.set_item(name, self::plain(nested)?)?;
        } else if value.hasattr(intern!(py, "dtype"))? {
            let kind = value.getattr("dtype")?.getattr("str")?;
            plain.set_item(name, (kind, value.call_method0("tobytes")?))?;
        } else {
            plain.set_item(name, value)?;
        }
    }
    Ok(plain)
}

fn restore(generator: &Bound<'_, PyAny>, state: &[u8]) -> PyResult<()> {
    let py = generator.py();
    let state = unmarshalled(py, state)?.cast_into()?;
    generator.call_method1("set_state", (with_arrays(&state)?,))?;
    Ok(())
}

fn with_arrays<'py>(plain: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let py = plain.py();
    let state = PyDict::new(py);
    for (name, value) in plain {
        if let Ok(nested) = value.cast::<PyDict>() {
            state.set_item(name, with_arrays(nested)?)?;
        } else if let Ok((kind, bytes)) = value.extract::<(String, Bound<'_, PyBytes>)>() {
            let array = py
                .import("numpy")?
                .call_method1("frombuffer", (bytes, kind))?;
            state.set_item(name, array)?;
        } else {
            state.set_item(name, value)?;
        }
    }
    Ok(state)
}
