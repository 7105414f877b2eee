//! Passes the engine's event stream on to Python callables, as dictionaries.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use rememo::measure::bytes_to_read;
use rememo::{Event, NotStored, Subscriber, Tier};

use crate::raw;
use crate::raw::Memo;

/// A subscription.
struct Listener {
    token: u64,
    callback: Py<PyAny>,
    wants: Wants,
}

/// Which events a subscription is for.
#[derive(Clone)]
enum Wants {
    All,
    /// All, but only while the logger for them is switched on.
    Logged,
    These(Vec<String>),
}

impl Wants {
    /// Whether every event of this name is wanted.
    fn every(&self, event: &str) -> bool {
        match self {
            Self::All => true,
            Self::Logged => false,
            Self::These(names) => names.iter().any(|name| name == event),
        }
    }

    fn this(&self, py: Python<'_>, event: &str) -> bool {
        match self {
            // What is told when a store is made is about no call: one must ask for it.
            Self::All => event != BOUNDED,
            Self::Logged => log_is_on(py),
            Self::These(names) => names.iter().any(|name| name == event),
        }
    }
}

/// The words for what happens.
const NAMES: [&str; 16] = [
    HIT,
    "miss",
    "stored",
    "not_stored",
    "bypassed",
    "invalidated",
    "degraded",
    "evicted",
    BOUNDED,
    "verified",
    "switched_off",
    "thrashing",
    "orphans_removed",
    "adopted",
    "compacted",
    "caution",
];
const HIT: &str = "hit";
const BOUNDED: &str = "bounded";
/// How many subscriptions hear of every event of a name.
static HEARD: [AtomicUsize; NAMES.len()] = [const { AtomicUsize::new(0) }; NAMES.len()];
/// Whether the log was on when a call was last made.
static LOGGED: AtomicBool = AtomicBool::new(false);

/// The last token given, and the subscriptions that stand.
static LISTENERS: Mutex<(u64, Vec<Listener>)> = Mutex::new((0, Vec::new()));

/// Calls `callback` with a dictionary for each event of every store: of these names, or of all;
/// with `logged`, while the logger `rememo.ops` is switched on.
#[pyfunction]
#[pyo3(signature = (callback, names = None, *, logged = false))]
pub fn subscribe(callback: Py<PyAny>, names: Option<Vec<String>>, logged: bool) -> u64 {
    let wants = match names {
        Some(names) => Wants::These(names),
        None if logged => Wants::Logged,
        None => Wants::All,
    };
    for (name, heard) in NAMES.iter().zip(&HEARD) {
        heard.fetch_add(usize::from(wants.every(name)), Ordering::Relaxed);
    }
    let mut listeners = LISTENERS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    listeners.0 += 1;
    let token = listeners.0;
    listeners.1.push(Listener {
        token,
        callback,
        wants,
    });
    token
}

/// Ends a subscription.
#[pyfunction]
pub fn unsubscribe(token: u64) {
    let removed: Vec<_> = {
        let mut listeners = LISTENERS
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        listeners
            .1
            .extract_if(.., |listener| listener.token == token)
            .collect()
    };
    for (name, heard) in NAMES.iter().zip(&HEARD) {
        let hearing = removed.iter().filter(|listener| listener.wants.every(name));
        heard.fetch_sub(hearing.count(), Ordering::Relaxed);
    }
    // Dropped only now: a callback's finaliser may subscribe.
    drop(removed);
}

/// The one subscriber that every store gets.
#[derive(Debug)]
pub struct Bridge;

impl Subscriber for Bridge {
    fn on(&self, event: &Event) {
        // The interpreter is not waited for, by the writer least of all, for events of no interest.
        if !may_be_heard(number_of(event)) {
            return;
        }
        Python::attach(|py| {
            let name = name_of(event);
            let listeners: Vec<(Py<PyAny>, Wants)> = LISTENERS
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .1
                .iter()
                .map(|listener| (listener.callback.clone_ref(py), listener.wants.clone()))
                .collect();
            for (listener, wants) in listeners {
                if !wants.this(py, name) {
                    continue;
                }
                let told = describe(py, event).and_then(|event| listener.call1(py, (event,)));
                // A listener's trouble is not the caller's.
                if let Err(error) = told {
                    error.write_unraisable(py, Some(listener.bind(py)));
                }
            }
        });
    }
}

/// Whether anybody may want to hear of events of this number.
fn may_be_heard(number: usize) -> bool {
    HEARD[number].load(Ordering::Relaxed) > 0 || LOGGED.load(Ordering::Relaxed)
}

/// Whether anybody hears of every hit.
#[inline]
pub fn hits_are_heard(py: Python<'_>) -> bool {
    HEARD[0].load(Ordering::Relaxed) > 0 || log_is_on(py)
}

/// Notes whether the program wants events in its log.
pub fn note_log(py: Python<'_>) {
    LOGGED.store(log_is_on(py), Ordering::Relaxed);
}

/// The level at which events are logged.
const INFO: u8 = 20;

/// Whether the program uses logging and wants events in it.
fn log_is_on(py: Python<'_>) -> bool {
    static LOG: PyOnceLock<(Py<PyAny>, Option<Memo>)> = PyOnceLock::new();
    if LOG.get(py).is_none() {
        let Ok(Some(found)) = logger(py) else {
            return false;
        };
        LOG.get_or_init(py, || found);
    }
    let Some((logger, levels)) = LOG.get(py) else {
        return false;
    };
    let ask = || {
        let on = logger.call_method1(py, "isEnabledFor", (INFO,));
        on.and_then(|on| on.is_truthy(py)).unwrap_or(false)
    };
    // `Logger.isEnabledFor` keeps what it finds, and every change of a level empties that.
    match levels {
        Some(levels) => {
            let mut asked = None;
            let known = levels.ask(py, |levels| {
                let known = levels.get_item(INFO).ok().flatten();
                let known = known.and_then(|known| known.is_truthy().ok());
                if known.is_none() {
                    asked = Some(ask());
                }
                known
            });
            asked.unwrap_or(known)
        }
        None => ask(),
    }
}

/// The logger for events, with what it keeps of levels; nothing while the program uses no logging.
fn logger(py: Python<'_>) -> PyResult<Option<(Py<PyAny>, Option<Memo>)>> {
    static MODULES: PyOnceLock<Memo> = PyOnceLock::new();
    let modules = MODULES.get_or_init(py, || Memo::new(raw::modules(py)));
    if !modules.ask(py, |modules| modules.contains("logging").ok()) {
        return Ok(None);
    }
    // A module is there while it is still being imported.
    let Ok(get_logger) = py.import("logging")?.getattr("getLogger") else {
        return Ok(None);
    };
    let logger = get_logger.call1(("rememo.ops",))?;
    let levels = logger.getattr("_cache").ok();
    let levels = levels.and_then(|levels| levels.cast_into::<PyDict>().ok());
    Ok(Some((logger.unbind(), levels.map(Memo::new))))
}

/// The word for what happened.
fn name_of(event: &Event) -> &'static str {
    NAMES[number_of(event)]
}

fn number_of(event: &Event) -> usize {
    match event {
        Event::Hit { .. } => 0,
        Event::Miss { .. } => 1,
        Event::Stored { .. } => 2,
        Event::NotStored { .. } => 3,
        Event::Bypassed { .. } => 4,
        Event::Invalidated { .. } => 5,
        Event::Degraded { .. } => 6,
        Event::Evicted { .. } => 7,
        Event::Bounded { .. } => 8,
        Event::Verified { .. } => 9,
        Event::SwitchedOff { .. } => 10,
        Event::Thrashing { .. } => 11,
        Event::OrphansRemoved { .. } => 12,
        Event::Adopted { .. } => 13,
        Event::Compacted { .. } => 14,
        Event::Caution { .. } => 15,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a list: each event, and what it tells"
)]
fn describe<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    match event {
        Event::Hit {
            function,
            key,
            saved_ns,
            tier,
            accepted,
            ..
        } => {
            if !accepted.is_empty() {
                let ids: Vec<_> = accepted.iter().map(rememo::Digest::short).collect();
                told.set_item("accepted", ids.join(", "))?;
            }
            let tier = match tier {
                Tier::Memory => "memory",
                Tier::Pending => "pending",
                Tier::Directory => "directory",
            };
            told.set_item("tier", tier)?;
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("saved_seconds", seconds(*saved_ns))?;
        }
        Event::Miss {
            function,
            key,
            reason,
            changes,
            ..
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("reason", reason.word())?;
            if !changes.is_empty() {
                let changed: Vec<_> = changes.iter().map(ToString::to_string).collect();
                told.set_item("changed", changed.join(", "))?;
            }
        }
        Event::Stored {
            function,
            key,
            size,
            compute_ns,
            inline,
            ..
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("size", size)?;
            told.set_item("compute_seconds", seconds(*compute_ns))?;
            told.set_item("inline", inline)?;
        }
        Event::NotStored {
            function, reason, ..
        } => {
            told.set_item("function", function)?;
            told.set_item("reason", reason.word())?;
            told.set_item("detail", reason.detail())?;
            if let NotStored::Impure(objections) = reason {
                let kinds: BTreeSet<_> = objections.iter().map(|one| one.kind).collect();
                let of = |kind| {
                    let such = objections.iter().filter(|one| one.kind == kind).cloned();
                    (kind, NotStored::Impure(such.collect()).detail())
                };
                told.set_item("impurities", kinds.into_iter().map(of).collect::<Vec<_>>())?;
            }
        }
        Event::Bypassed { function, why, .. } | Event::SwitchedOff { function, why } => {
            told.set_item("function", function)?;
            told.set_item("detail", why)?;
        }
        Event::Evicted {
            function,
            key,
            size,
            superseded,
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("size", size)?;
            told.set_item("superseded", superseded)?;
        }
        Event::Bounded { dir, bytes, files } => {
            told.set_item("function", "*")?;
            let size = bytes_to_read(*bytes);
            let dir = dir.display();
            told.set_item("detail", format!("{dir} takes at most {size}"))?;
            told.set_item("max_size", bytes)?;
            told.set_item("max_files", files)?;
        }
        Event::Verified {
            function,
            key,
            difference,
            ..
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("difference", difference)?;
        }
        Event::Caution { function, caution } => {
            told.set_item("function", function)?;
            told.set_item("kind", caution.kind)?;
            told.set_item("detail", caution.told())?;
        }
        Event::Thrashing { function, times } => {
            told.set_item("function", function)?;
            told.set_item("times", times)?;
        }
        Event::Invalidated { function, entries } => {
            told.set_item("function", function)?;
            told.set_item("entries", entries)?;
        }
        Event::OrphansRemoved { orphans } => {
            told.set_item("function", "*")?;
            told.set_item("files", orphans.files)?;
            told.set_item("size", orphans.bytes)?;
        }
        Event::Adopted { entries } => {
            told.set_item("function", "*")?;
            told.set_item("entries", entries)?;
        }
        Event::Compacted { compaction } => {
            told.set_item("function", "*")?;
            told.set_item("size", compaction.after)?;
            told.set_item("returned", compaction.returned())?;
        }
        Event::Degraded { what } => {
            told.set_item("function", "*")?;
            told.set_item("detail", what)?;
        }
    }
    if let Some(spent) = event.spent() {
        told.set_item("overhead_seconds", seconds(spent.total()))?;
    }
    told.set_item("event", name_of(event))?;
    Ok(told)
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
