//! The generator that the functions of `random` draw from.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::super::sources;
use super::{Shared, draws, is_set};
use crate::raw;
use crate::raw::{Arguments, Probe};

pub const SHARED: Shared = Shared {
    name: "random",
    holder: ("random", "_inst"),
    state,
    restore,
    // Half of a pair of numbers may be left; using it is no call of what is stood in front of.
    may_go_unheard: |generator| {
        let left = generator.getattr(intern!(generator.py(), "gauss_next"));
        left.is_ok_and(|left| !left.is_none())
    },
};

pub const METHODS: &[(&str, Probe)] = &[
    ("Random.seed", seeds),
    ("Random.setstate", is_set),
    ("Random.random", draws),
    ("Random.getrandbits", draws),
    ("Random.getstate", draws),
];

/// A version of `marshal` that does not count who else refers to a value.
const PLAIN: u8 = 2;

fn state(generator: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    marshalled(&generator.call_method0(intern!(generator.py(), "getstate"))?)
}

fn restore(generator: &Bound<'_, PyAny>, state: &[u8]) -> PyResult<()> {
    let state = unmarshalled(generator.py(), state)?;
    generator.call_method1("setstate", (state,))?;
    Ok(())
}

/// The bytes of plain values.
pub fn marshalled(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let written = value
        .py()
        .import("marshal")?
        .call_method1("dumps", (value, PLAIN))?;
    Ok(written.cast_into::<PyBytes>()?.as_bytes().to_owned())
}

pub fn unmarshalled<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import("marshal")?.call_method1("loads", (bytes,))
}

/// It is seeded: by what it is given, or else by the operating system.
fn seeds(arguments: Arguments<'_, '_>) {
    let given = arguments.positional().next();
    if given.is_none_or(|given| given.is_none()) {
        let does = "seeds a generator with random bytes";
        sources::note(arguments.py(), "random", does, "random.seed");
    }
    is_set(arguments);
}

/// Whether it is a `SystemRandom`, which has no state.
pub fn is_of_system(value: &Bound<'_, PyAny>) -> bool {
    let random = raw::modules(value.py()).get_item(SHARED.name);
    let class = random.and_then(|random| random.map(|it| it.getattr("SystemRandom")).transpose());
    class.is_ok_and(|class| class.is_some_and(|class| value.get_type().is(&class)))
}
