//! Passes the engine's event stream on to Python callables, as dictionaries.

use std::sync::Mutex;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rememo::{Event, MissReason, NotStored, Subscriber};

/// A subscription and its token.
type Listener = (u64, Py<PyAny>);

/// The last token given, and the subscriptions that stand.
static LISTENERS: Mutex<(u64, Vec<Listener>)> = Mutex::new((0, Vec::new()));

/// Calls `callback` with a dictionary for each event of every store.
#[pyfunction]
pub fn subscribe(callback: Py<PyAny>) -> u64 {
    let mut listeners = LISTENERS
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    listeners.0 += 1;
    let token = listeners.0;
    listeners.1.push((token, callback));
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
            .extract_if(.., |listener| listener.0 == token)
            .collect()
    };
    // Dropped only now: a callback's finaliser may subscribe.
    drop(removed);
}

/// The one subscriber that every store gets.
#[derive(Debug)]
pub struct Bridge;

impl Subscriber for Bridge {
    fn on(&self, event: &Event) {
        Python::attach(|py| {
            let listeners: Vec<Py<PyAny>> = LISTENERS
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .1
                .iter()
                .map(|(_, callback)| callback.clone_ref(py))
                .collect();
            for listener in listeners {
                let told = describe(py, event).and_then(|event| listener.call1(py, (event,)));
                // A listener's trouble is not the caller's.
                if let Err(error) = told {
                    error.write_unraisable(py, Some(listener.bind(py)));
                }
            }
        });
    }
}

fn describe<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    let name = match event {
        Event::Hit {
            function,
            key,
            saved_ns,
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item(
                "saved_seconds",
                Duration::from_nanos(*saved_ns).as_secs_f64(),
            )?;
            "hit"
        }
        Event::Miss {
            function,
            key,
            reason,
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("reason", reason_name(*reason))?;
            "miss"
        }
        Event::Stored {
            function,
            key,
            size,
            inline,
        } => {
            told.set_item("function", function)?;
            told.set_item("key", key.to_hex())?;
            told.set_item("size", size)?;
            told.set_item("inline", inline)?;
            "stored"
        }
        Event::NotStored { function, reason } => {
            told.set_item("function", function)?;
            let (kind, detail) = refusal(reason);
            told.set_item("reason", kind)?;
            told.set_item("detail", detail)?;
            "not_stored"
        }
        Event::Bypassed { function, why } => {
            told.set_item("function", function)?;
            told.set_item("detail", why)?;
            "bypassed"
        }
        Event::Invalidated { function, entries } => {
            told.set_item("function", function)?;
            told.set_item("entries", entries)?;
            "invalidated"
        }
        Event::Degraded { what } => {
            told.set_item("function", "*")?;
            told.set_item("detail", what)?;
            "degraded"
        }
    };
    told.set_item("event", name)?;
    Ok(told)
}

/// The word that events and explanations use for a reason.
pub fn reason_name(reason: MissReason) -> &'static str {
    match reason {
        MissReason::New => "new",
        MissReason::StateChanged => "state changed",
        MissReason::ArgumentsChanged => "arguments changed",
        MissReason::Damaged => "damaged",
        MissReason::Outdated => "outdated",
        MissReason::Forced => "forced",
    }
}

fn refusal(reason: &NotStored) -> (&'static str, String) {
    match reason {
        NotStored::Unencodable(detail) => ("unpicklable", detail.clone()),
        NotStored::KeyChanged(changes) => {
            let names: Vec<String> = changes
                .iter()
                .map(|change| format!("{} {}", change.kind, change.name))
                .collect();
            ("changed during the call", names.join(", "))
        }
        NotStored::StoreFailed(detail) => ("store failed", detail.clone()),
    }
}
