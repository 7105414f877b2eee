//! The generator that the functions of `torch` draw from on the processor.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

use super::super::probes::stand_at;
use super::super::sources;
use super::{Shared, draws, is_set};
use crate::raw::Arguments;

pub const MODULE: &str = "torch";

pub const SHARED: Shared = Shared {
    name: MODULE,
    holder: (MODULE, "default_generator"),
    state,
    restore,
    // What draws from it is compiled code that nobody calls by a method of it.
    may_go_unheard: |_| true,
};

/// Stands in front of what is heard: it is seeded, or its state asked for.
pub fn stand(py: Python<'_>) {
    for (name, probe) in [
        ("Generator.manual_seed", is_set as fn(Arguments<'_, '_>)),
        ("Generator.set_state", is_set),
        ("Generator.seed", seeds),
        ("Generator.get_state", draws),
        ("Generator.initial_seed", draws),
    ] {
        stand_at(py, MODULE, name, probe);
    }
}

/// The operating system seeds it.
fn seeds(arguments: Arguments<'_, '_>) {
    let does = "seeds a generator with random bytes";
    sources::note(arguments.py(), "random", does, "torch.seed");
    is_set(arguments);
}

fn state(generator: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = generator.py();
    let state = generator.call_method0(intern!(py, "get_state"))?;
    // Torch may have been built, or be used, without numpy.
    match state.call_method0(intern!(py, "numpy")) {
        Ok(array) => array.call_method0(intern!(py, "tobytes"))?.extract(),
        Err(_) => state.call_method0(intern!(py, "tolist"))?.extract(),
    }
}

fn restore(generator: &Bound<'_, PyAny>, state: &[u8]) -> PyResult<()> {
    let py = generator.py();
    let torch = py.import(MODULE)?;
    let kind = PyDict::new(py);
    kind.set_item("dtype", torch.getattr("uint8")?)?;
    let state = torch.call_method("frombuffer", (PyByteArray::new(py, state),), Some(&kind))?;
    generator.call_method1("set_state", (state,))?;
    Ok(())
}
