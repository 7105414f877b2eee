//! Takes a recording along into threads, which run in contexts of their own.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use rememo::Impurity;

use super::audit::unheard;
use super::{Recording, current, place, variable};
use crate::raw::Arguments;

/// A callable, noted in a recording wherever it is called.
#[pyclass(module = "rememo._core", name = "_Carried", frozen)]
pub struct Carried {
    pub run: Py<PyAny>,
    pub recording: Py<Recording>,
}

#[pymethods]
impl Carried {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let variable = variable(py)?;
        let token = variable.set(py, self.recording.bind(py).as_any())?;
        let done = self.run.bind(py).call(args, kwargs);
        variable.reset(&token);
        done
    }
}

/// A thread is about to start. The method that it will run is replaced by one that first sets the
/// variable there.
pub fn thread_starts(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let Some(recording) = current(py) else {
        return;
    };
    unheard(|| {
        let function = arguments.positional().next();
        if function
            .and_then(|function| carry(&function, &recording))
            .is_none()
        {
            let objection = Impurity {
                kind: "threads",
                what: "starts a thread that is not watched".to_owned(),
                at: place::line(py),
            };
            recording.get().object(py, objection);
        }
    });
}

/// Has what a thread runs noted; none where it is no `threading.Thread` that is about to run.
fn carry(function: &Bound<'_, PyAny>, recording: &Bound<'_, Recording>) -> Option<()> {
    let py = function.py();
    let thread = function.getattr("__self__").ok()?;
    let class = py.import("threading").ok()?.getattr("Thread").ok()?;
    if !thread.is_instance(&class).ok()? {
        return None;
    }
    let carried = Carried {
        run: thread.getattr("run").ok()?.unbind(),
        recording: recording.clone().unbind(),
    };
    thread.setattr("run", carried).ok()
}
