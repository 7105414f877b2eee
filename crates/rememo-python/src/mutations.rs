//! What a run changes in its place, taken down and done again on a hit, as `rememo.mutations` has it.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyFunction, PyList};
use rememo::{Change, PartKind};

use crate::effects::{Asked, named_in};
use crate::freeze::Place;

/// What tells apart calls of equal arguments in which other things are one and the same object.
pub const IN_COMMON: &str = "objects in common";

/// What one call changes, or has changed.
#[derive(Default)]
pub struct Mutations<'py> {
    /// All that the call can reach.
    reach: Option<Bound<'py, PyAny>>,
    /// How that was before the run.
    before: Option<Bound<'py, PyAny>>,
    /// The stored result, with what is to be done again.
    found: Option<Bound<'py, PyAny>>,
    /// Whether what the run changed goes along with its result.
    is_taken: bool,
    /// Why it does not.
    why_not: Option<String>,
    /// Whether something is known to be changed that does not.
    is_refused: bool,
    /// The paths of all `FileContents` in what goes along.
    pub named: Vec<PathBuf>,
}

impl<'py> Mutations<'py> {
    /// Looks at all that the call can reach. Gives what of it is one and the same object.
    pub fn look(
        &mut self,
        function: &Bound<'py, PyFunction>,
        arguments: Vec<(String, Bound<'py, PyAny>)>,
        places: &[Place<'py>],
        all_counts: bool,
    ) -> PyResult<String> {
        let py = function.py();
        let found = PyList::empty(py);
        for place in places {
            let (address, variable) = &place.holder;
            let kind = place.kind.to_string();
            found.append((kind, &place.name, *address, variable, &place.value))?;
        }
        let home = py.import("rememo.mutations.reach")?;
        let reach = home.call_method1("looked", (function, arguments, found, all_counts))?;
        let pattern = reach.getattr("pattern")?.extract();
        self.reach = Some(reach);
        pattern
    }

    /// The run begins.
    pub fn begin(&mut self) -> PyResult<()> {
        if let Some(reach) = &self.reach {
            let home = reach.py().import("rememo.mutations.altered")?;
            self.before = Some(home.call_method1("Before", (reach,))?);
        }
        Ok(())
    }

    /// The run is over: its result, together with what it changed if that can be done again.
    pub fn end(&mut self, result: Bound<'py, PyAny>, asked: &Asked) -> Bound<'py, PyAny> {
        let Some(before) = self.before.take() else {
            return result;
        };
        let py = result.py();
        let told = || before.call_method1("altered", (&result, asked.names()));
        let (told, named) = named_in(py, told);
        self.named = named;
        match told {
            Ok(altered) => {
                self.is_taken = !altered.is_none();
                if self.is_taken { altered } else { result }
            }
            Err(error) => {
                let unknown = before.getattr("why_not").and_then(|why| why.is_truthy());
                self.is_refused = !unknown.unwrap_or(false);
                self.why_not = Some(error.value(py).to_string());
                result
            }
        }
    }

    /// Takes a stored result, which may have to be done again.
    pub fn find(&mut self, stored: &Bound<'py, PyAny>) {
        self.found = is_altered(stored).then(|| stored.clone());
    }

    /// Changes what the run did that returned the stored result. Gives what takes that back; the
    /// error says why it cannot be done.
    pub fn do_again(&mut self) -> PyResult<Option<Bound<'py, PyAny>>> {
        match (self.found.take(), &self.reach) {
            (Some(found), Some(reach)) => found.call_method1("do_again", (reach,)).map(Some),
            _ => Ok(None),
        }
    }

    /// Of what changed in the key, what a hit does not change; and why something is not changed. What
    /// takes the place of what was changed may be equal to it.
    pub fn left_out(&self, asked: &Asked, changes: Vec<Change>) -> (Vec<Change>, Option<String>) {
        let rest = changes.into_iter().filter(|change| {
            if change.name == IN_COMMON && change.kind == PartKind::Value {
                return false;
            }
            !(self.is_taken && self.is_done_again(asked, change))
        });
        let rest: Vec<_> = rest.collect();
        let is_left_out = self.is_refused || !rest.is_empty();
        (rest, self.why_not.clone().filter(|_| is_left_out))
    }

    fn is_done_again(&self, asked: &Asked, change: &Change) -> bool {
        let is_changed = change.old.is_some() && change.new.is_some();
        match change.kind {
            PartKind::Argument => asked.names().contains(&"arguments"),
            PartKind::Global if is_changed => {
                asked.names().contains(&"globals") && self.is_bound(&change.name)
            }
            // Code and libraries that values came to refer to, or do so no longer.
            PartKind::Function | PartKind::Class | PartKind::Library => !is_changed,
            _ => false,
        }
    }

    fn is_bound(&self, name: &str) -> bool {
        let bound = self.reach.as_ref().map(|reach| reach.getattr("bindings"));
        matches!(bound, Some(Ok(bound)) if bound.contains(name).unwrap_or(false))
    }
}

/// A result as callers are to have it.
pub fn result_of(value: Py<PyAny>, py: Python<'_>) -> PyResult<Py<PyAny>> {
    let value = value.into_bound(py);
    if is_altered(&value) {
        return Ok(value.getattr("result")?.unbind());
    }
    Ok(value.unbind())
}

fn is_altered(value: &Bound<'_, PyAny>) -> bool {
    let kind = value.py().import("rememo.mutations.altered");
    kind.and_then(|home| home.getattr("Altered"))
        .is_ok_and(|kind| value.get_type().is(&kind))
}
