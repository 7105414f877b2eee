//! Whether what `functools.lru_cache` keeps still is as it was made: whoever is handed a result may
//! change it in its place, and the next one to be handed it does not get what the function returns.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyFunction, PyTuple, PyWeakrefMethods, PyWeakrefReference};
use rememo::{Digest, Impurity, State, Subject};

use super::reached::digest_of;
use super::{Recording, place};
use crate::freeze::{function_name, is_immutable_scalar, module_name};
use crate::raw::Attached;

/// Of more results of one function than this, a recording does not tell apart which it was handed.
const TOLD_APART: usize = 16;
/// Within more tuples than this, nothing is taken to be immutable.
const DEEP: usize = 8;
/// So many results may be known of that are no longer kept.
const ROOM: usize = 1024;

/// What the results of one wrapper were when they were made, as far as they can be changed.
pub struct Intact {
    /// The name of the function.
    name: String,
    wrapper: Py<PyWeakrefReference>,
    /// Whether only those count that the user's code is the first to be handed.
    of_library: bool,
    made: Attached<Made>,
}

/// By addresses: while a result is kept, nothing else has its address.
struct Made {
    by_address: HashMap<usize, Condition>,
    /// When those are to be forgotten that are no longer kept.
    room: usize,
}

/// What a result was when it was made; or why that can't be told.
#[derive(Clone)]
enum Condition {
    Was(Digest),
    Unknown(String),
}

/// What results were that a recording was handed, by the names of functions.
pub type Handed = HashMap<String, Vec<Digest>>;

/// All that there are, by the names of functions.
static ALL: Attached<BTreeMap<String, Vec<Weak<Intact>>>> = Attached::new(BTreeMap::new());

impl Intact {
    /// For the wrapper of a function; none where it is one that compiled code keeps to itself.
    pub fn of(
        wrapper: &Bound<'_, PyAny>,
        function: &Bound<'_, PyAny>,
        of_library: bool,
    ) -> PyResult<Option<Arc<Self>>> {
        let py = wrapper.py();
        if is_of_compiled_code(function)? {
            return Ok(None);
        }
        let new = Arc::new(Self {
            name: name_of(function),
            wrapper: PyWeakrefReference::new(wrapper)?.unbind(),
            of_library,
            made: Attached::new(Made {
                by_address: HashMap::new(),
                room: ROOM,
            }),
        });
        ALL.with(py, |all| {
            let same = all.entry(new.name.clone()).or_default();
            same.retain(|known| known.strong_count() > 0);
            same.push(Arc::downgrade(&new));
        });
        Ok(Some(new))
    }

    /// Notes what a result is that was just made. The error is one that is not about the result.
    pub fn enter(&self, result: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, address) = (result.py(), result.as_ptr() as usize);
        let is_own = self.of_library && place::is_in_library(py);
        let counts = !(is_own || is_immutable(result, DEEP));
        let condition = counts.then(|| condition(result)).transpose()?;
        let is_full = self.made.with(py, |made| {
            match condition {
                Some(condition) => made.by_address.insert(address, condition),
                None => made.by_address.remove(&address),
            };
            made.by_address.len() > made.room
        });
        if is_full {
            let kept: Vec<usize> = self.kept(py).iter().map(address_of).collect();
            self.made.with(py, |made| {
                let known = std::mem::take(&mut made.by_address);
                let of = |at: &usize| Some((*at, known.get(at)?.clone()));
                made.by_address = kept.iter().filter_map(of).collect();
                if let Some(condition) = known.get(&address) {
                    made.by_address.insert(address, condition.clone());
                }
                made.room = ROOM.max(2 * made.by_address.len());
            });
        }
        Ok(())
    }

    /// Notes that a recording is handed a result, now or some time after it was made.
    pub fn hand(&self, recording: &Recording, result: &Bound<'_, PyAny>, just_made: bool) {
        let (py, address) = (result.py(), address_of(result));
        let known = |made: &mut Made| made.by_address.get(&address).cloned();
        let Some(condition) = self.made.with(py, known) else {
            return;
        };
        let why = match condition {
            Condition::Unknown(why) => format!("which may have been changed since: {why}"),
            Condition::Was(was) => {
                let Some(subject) = self.unknown_to(recording, py, was) else {
                    return;
                };
                if just_made || is_as(result, was) {
                    recording.note(py, |log| {
                        if !log.allows("kept") {
                            log.note(subject, as_made());
                        }
                    });
                    return;
                }
                "which was changed in its place since it was made".to_owned()
            }
        };
        let objection = Impurity {
            kind: "kept",
            what: format!(
                "is handed what functools.lru_cache keeps of {}, {why}",
                self.name
            ),
            at: place::line(py),
        };
        recording.object(py, objection);
    }

    /// What a recording depends on that is handed a result; nothing where it knows of that.
    fn unknown_to(&self, recording: &Recording, py: Python<'_>, was: Digest) -> Option<Subject> {
        recording.handed.with(py, |handed| {
            let known = handed.entry(self.name.clone()).or_default();
            if known.len() > TOLD_APART || known.contains(&was) {
                return None;
            }
            known.push(was);
            let which = (known.len() <= TOLD_APART).then_some(was);
            Some(Subject::Kept(self.name.clone(), which))
        })
    }

    /// What the wrapper keeps now.
    fn kept<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
        let wrapper = self.wrapper.bind(py).upgrade();
        wrapper
            .and_then(|wrapper| kept_by(&wrapper).ok())
            .unwrap_or_default()
    }

    /// Whether a result that is kept, or any, is no longer what it was.
    fn is_changed(&self, py: Python<'_>, which: Option<Digest>) -> bool {
        let counts = |condition: &Condition| match condition {
            Condition::Was(was) => which.is_none_or(|which| which == *was).then_some(*was),
            Condition::Unknown(_) => None,
        };
        let known: HashMap<usize, Digest> = self.made.with(py, |made| {
            let all = made.by_address.iter();
            all.filter_map(|(at, condition)| Some((*at, counts(condition)?)))
                .collect()
        });
        let mut kept = if known.is_empty() {
            Vec::new()
        } else {
            self.kept(py)
        };
        kept.sort_by_key(address_of);
        kept.dedup_by_key(|result| address_of(result));
        kept.iter().any(|result| {
            let was = known.get(&address_of(result));
            was.is_some_and(|was| !is_as(result, *was))
        })
    }
}

/// The state now of what is kept of the results of a function.
pub fn sense(py: Python<'_>, name: &str, which: Option<Digest>) -> State {
    let of_name = ALL.with(py, |all| {
        let known = all.get(name).into_iter().flatten();
        known.filter_map(Weak::upgrade).collect::<Vec<_>>()
    });
    if of_name.iter().any(|intact| intact.is_changed(py, which)) {
        State::of(b"changed")
    } else {
        as_made()
    }
}

fn as_made() -> State {
    State::of(b"as made")
}

fn address_of(result: &Bound<'_, PyAny>) -> usize {
    result.as_ptr() as usize
}

/// What a wrapper keeps: the garbage collector is told of it.
fn kept_by<'py>(wrapper: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = wrapper.py();
    let class = wrapper.get_type();
    let info = class.getattr("cache_info")?.call1((wrapper,))?;
    let held = py
        .import("gc")?
        .call_method1("get_referents", (wrapper,))?
        .try_iter()?;
    let held = held.collect::<PyResult<Vec<_>>>()?;
    if !info.getattr("maxsize")?.is_none() {
        return Ok(held);
    }
    // Without a bound, they are the values of a dictionary, which comes before all others.
    let all = held.iter().find_map(|one| one.cast_exact::<PyDict>().ok());
    Ok(all.map_or_else(Vec::new, |all| {
        all.iter().map(|(_, result)| result).collect()
    }))
}

/// Whether nobody can change a value, nor anything in it.
fn is_immutable(value: &Bound<'_, PyAny>, depth: usize) -> bool {
    let each = |mut items: Box<dyn Iterator<Item = Bound<'_, PyAny>> + '_>| {
        depth > 0 && items.all(|item| is_immutable(&item, depth - 1))
    };
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        each(Box::new(tuple.iter()))
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        each(Box::new(set.iter()))
    } else {
        is_immutable_scalar(value)
    }
}

/// What a value is now. The error is one that is not about the value.
fn condition(value: &Bound<'_, PyAny>) -> PyResult<Condition> {
    Ok(match digest_of(value)? {
        Ok(digest) => Condition::Was(digest),
        Err(why) => Condition::Unknown(format!("result{why}")),
    })
}

fn is_as(value: &Bound<'_, PyAny>, was: Digest) -> bool {
    matches!(condition(value), Ok(Condition::Was(now)) if now == was)
}

/// Whether what is called is no function, but an object of compiled code: so `sqlite3` keeps the
/// statements of a connection, and hands them to itself.
fn is_of_compiled_code(function: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = function.get_type();
    let is_known = matches!(
        class.module()?.to_str()?,
        "builtins" | "functools" | "rememo._core"
    );
    let is_plain = || {
        class
            .getattr("__call__")
            .and_then(|call| call.hasattr("__code__"))
    };
    Ok(!is_known && !function.hasattr("__qualname__")? && !is_plain()?)
}

fn name_of(function: &Bound<'_, PyAny>) -> String {
    if let Ok(function) = function.cast::<PyFunction>() {
        return function_name(function);
    }
    let text = |name| function.getattr(name).ok()?.extract::<String>().ok();
    let module = text("__module__").unwrap_or_default();
    let name = text("__qualname__").unwrap_or_else(|| "a function".to_owned());
    format!("{}.{name}", module_name(function.py(), &module))
}
