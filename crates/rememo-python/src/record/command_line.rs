//! The arguments of the command line, where a library reads them behind a function's back: Python
//! code in `rememo.command_line` tells when it does. What a function's own code reads of `sys.argv`
//! counts as a global variable.

use pyo3::prelude::*;
use rememo::{State, Subject};

use super::audit::unheard;
use super::current;

/// What they are called among the settings of the process.
pub const COMMAND_LINE: &str = "the command line";

pub fn watch_argparse(py: Python<'_>) {
    watch(py, "argparse");
}

pub fn watch_optparse(py: Python<'_>) {
    watch(py, "optparse");
}

/// Has a library that is there tell when it reads them.
fn watch(py: Python<'_>, library: &str) {
    unheard(|| {
        let watched = py
            .import("rememo.command_line")
            .and_then(|module| module.call_method1("watch", (library,)));
        if let Err(error) = watched {
            error.write_unraisable(py, None);
        }
    });
}

/// The arguments as they are; none where they cannot be told.
pub fn sense(py: Python<'_>) -> Option<State> {
    let arguments = py.import("sys").ok()?.getattr("argv").ok()?;
    let text = arguments.repr().ok()?;
    Some(State::of(text.to_str().ok()?.as_bytes()))
}

/// The arguments are about to be read.
#[pyfunction]
pub fn arguments_are_read(py: Python<'_>) {
    if let Some(recording) = current(py)
        && let Some(state) = sense(py)
    {
        let subject = Subject::Settings(COMMAND_LINE.to_owned());
        recording.get().note(py, |log| log.note(subject, state));
    }
}
