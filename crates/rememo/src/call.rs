//! One call, top to bottom; and the questions one can ask about it without making it.

use std::ops::ControlFlow;
use std::time::Instant;

use thiserror::Error;

use crate::codec::Encoded;
use crate::event::{Event, MissReason, NotStored};
use crate::flight::Claim;
use crate::state::{Key, Part, changes};
use crate::store::{Cost, Recalled, Store};

/// One call of one function, as a front-end presents it.
pub trait Callee {
    /// What the call returns.
    type Value;
    /// How the call fails.
    type Error;

    /// The identity of the function.
    fn function(&self) -> &str;

    /// Everything the result depends on, as it is now.
    fn key(&mut self) -> Result<Key, Unkeyable>;

    /// Adds the source text of the parts of the state that the last key was made of. Asked only
    /// where it is to be shown or stored.
    fn add_sources(&mut self, _parts: &mut [Part]) {}

    /// Makes the call.
    fn run(&mut self) -> Result<Self::Value, Self::Error>;

    /// Encodes a result, or says why it cannot.
    fn encode(&mut self, value: &Self::Value) -> Result<Encoded, String>;

    /// Decodes a result, or says why it cannot.
    fn decode(&mut self, encoded: Encoded) -> Result<Self::Value, Undecodable>;

    /// Does work that needs nothing of the front-end, such as input and output.
    fn detached<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        work()
    }

    /// Asked now and then while waiting; an error ends the wait and the call.
    fn interrupted(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Something that the call depends on cannot be fingerprinted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct Unkeyable {
    /// What, with the path that leads to it.
    pub what: String,
}

/// Why a stored result can't be handed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// It refers to something that is not what it was.
    Outdated,
    /// It makes no sense.
    Damaged(String),
}

/// Whether a stored result will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It will.
    #[default]
    Normal,
    /// The call is made, and its result stored in place of the old one.
    Recompute,
}

/// Makes a call, or hands back what it returned before. Fails only as the call itself does.
pub fn call<C: Callee>(store: &Store, callee: &mut C, mode: Mode) -> Result<C::Value, C::Error> {
    let Some(mut key) = keyed(store, callee) else {
        return callee.run();
    };
    if mode == Mode::Normal
        && let Ok(value) = recall(store, callee, &key)
    {
        return Ok(value);
    }
    let claim = claim(store, callee, &key)?;
    if claim.waited {
        let Some(anew) = keyed(store, callee) else {
            return callee.run();
        };
        key = anew;
    }
    let reason = match mode {
        Mode::Recompute => MissReason::Forced,
        Mode::Normal => match recall(store, callee, &key) {
            Ok(value) => return Ok(value),
            Err(reason) => reason,
        },
    };
    missed(store, &key, reason);
    let start = Instant::now();
    let value = callee.run()?;
    let compute_ns = since(start);
    keep(store, callee, &mut key, &value, compute_ns);
    drop(claim);
    Ok(value)
}

/// The stored result of a call, if there is one; the call is not made.
pub fn lookup<C: Callee>(store: &Store, callee: &mut C) -> Result<Option<C::Value>, Unkeyable> {
    let key = callee.key()?;
    Ok(recall(store, callee, &key).ok())
}

/// Whether the call has a stored, readable result.
pub fn would_hit<C: Callee>(store: &Store, callee: &mut C) -> Result<bool, Unkeyable> {
    let key = callee.key()?.digest();
    Ok(matches!(
        callee.detached(|| store.recall(&key)),
        Recalled::Found(..)
    ))
}

/// Removes the stored result of a call; whether there was one.
pub fn clear_entry<C: Callee>(store: &Store, callee: &mut C) -> Result<bool, Unkeyable> {
    let key = callee.key()?.digest();
    let function = callee.function().to_owned();
    match callee.detached(|| store.remove(&key)) {
        Ok(removed) => {
            let entries = u64::from(removed);
            store
                .events()
                .emit(&Event::Invalidated { function, entries });
            Ok(removed)
        }
        Err(error) => {
            let what = format!("an entry of {function} could not be removed: {error}");
            store.events().emit(&Event::Degraded { what });
            Ok(false)
        }
    }
}

fn keyed<C: Callee>(store: &Store, callee: &mut C) -> Option<Key> {
    match callee.key() {
        Ok(key) => Some(key),
        Err(Unkeyable { what }) => {
            let function = callee.function().to_owned();
            store.events().emit(&Event::Bypassed {
                function,
                why: what,
            });
            None
        }
    }
}

/// The stored result, or why there is none.
fn recall<C: Callee>(store: &Store, callee: &mut C, key: &Key) -> Result<C::Value, MissReason> {
    let digest = key.digest();
    let why = match callee.detached(|| store.recall(&digest)) {
        Recalled::Absent => return Err(MissReason::New),
        Recalled::Damaged(why) => why,
        Recalled::Found(entry, encoded) => match callee.decode(encoded) {
            Ok(value) => {
                let (function, saved_ns) = (key.function.clone(), entry.compute_ns);
                store.events().emit(&Event::Hit {
                    function,
                    key: digest,
                    saved_ns,
                });
                return Ok(value);
            }
            Err(Undecodable::Outdated) => return Err(MissReason::Outdated),
            Err(Undecodable::Damaged(why)) => why,
        },
    };
    let what = format!("a stored result of {} cannot be read: {why}", key.function);
    store.events().emit(&Event::Degraded { what });
    Err(MissReason::Damaged)
}

fn claim<C: Callee>(store: &Store, callee: &mut C, key: &Key) -> Result<Claim<'static>, C::Error> {
    let mut interrupt = None;
    let claim = store.claim(&key.digest(), &mut |nap| {
        callee.detached(nap);
        match callee.interrupted() {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                interrupt = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    interrupt.map_or(Ok(claim), Err)
}

fn missed(store: &Store, key: &Key, reason: MissReason) {
    let reason = if reason == MissReason::New {
        store.miss_reason(key)
    } else {
        reason
    };
    let event = Event::Miss {
        function: key.function.clone(),
        key: key.digest(),
        reason,
    };
    store.events().emit(&event);
}

fn keep<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: &mut Key,
    value: &C::Value,
    compute_ns: u64,
) {
    let function = key.function.clone();
    let event = match try_keep(store, callee, key, value, compute_ns) {
        Ok(event) => event,
        Err(reason) => Event::NotStored { function, reason },
    };
    store.events().emit(&event);
}

fn try_keep<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: &mut Key,
    value: &C::Value,
    compute_ns: u64,
) -> Result<Event, NotStored> {
    let start = Instant::now();
    let encoded = callee.encode(value).map_err(NotStored::Unencodable)?;
    let cost = Cost {
        compute_ns,
        encode_ns: since(start),
    };
    let digest = key.digest();
    still(callee, key)?;
    if !callee.detached(|| store.knows(&key.state.digest)) {
        callee.add_sources(&mut key.state.parts);
    }
    let kept = callee.detached(|| store.keep(key, &encoded, cost));
    let kept = kept.map_err(|error| NotStored::StoreFailed(error.to_string()))?;
    let function = key.function.clone();
    Ok(Event::Stored {
        function,
        key: digest,
        size: kept.size,
        inline: kept.inline,
    })
}

/// Refuses a result whose key changed while it was computed.
fn still<C: Callee>(callee: &mut C, key: &Key) -> Result<(), NotStored> {
    let now = callee.key().map_err(|unkeyable| {
        NotStored::Unencodable(format!("the call has no key any more: {unkeyable}"))
    })?;
    if now.digest() == key.digest() {
        return Ok(());
    }
    let mut changed = changes(&key.state.parts, &now.state.parts);
    changed.extend(changes(&key.arguments, &now.arguments));
    Err(NotStored::KeyChanged(changed))
}

fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
