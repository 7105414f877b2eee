//! Why a call would hit or miss: its key beside that of the nearest stored entry.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::acceptance::{Acceptance, Proposed, propose};
use crate::callee::{Callee, Unkeyable};
use crate::deps::{Observation, Subject, World};
use crate::digest::Digest;
use crate::event::MissReason;
use crate::index::Entry;
use crate::recall::{Broken, Recalled, find_or_adopt};
use crate::state::{Change, Key, StateTree, changes};
use crate::store::{Store, StoreError};

/// How many entries of a function are compared.
const COMPARED: usize = 1000;

/// Why a call would hit or miss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it would hit.
    pub hit: bool,
    /// Its call key.
    pub key: Digest,
    /// Why it would miss.
    pub reason: Option<MissReason>,
    /// When the entry that it was compared with was stored.
    pub nearest_created_ns: Option<u64>,
    /// What differs from that entry.
    pub changes: Vec<Change>,
    /// The accepted changes of code that a hit rests on.
    pub accepted: Vec<Acceptance>,
}

/// What is stored of a function, beside its code as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// What that code made, or answers for it.
    pub current: Share,
    /// What the code made that was the last to store anything; the last that differs in nothing but
    /// code, where there is such.
    pub last: Share,
    /// What changed since then; nothing where there are results of that very code.
    pub changes: Vec<Change>,
}

/// Some of the results of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub entries: u64,
    /// How long computing them took, what they called and did not find stored included.
    pub compute_ns: u64,
}

impl Impact {
    /// Whether results are stored, but none of the code as it is.
    pub fn is_lost(&self) -> bool {
        self.current.entries == 0 && self.last.entries > 0
    }
}

/// Looks what would be computed again if a function were called as before.
///
/// # Errors
/// Where the index cannot be used.
pub fn impact(store: &Store, function: &str, state: &StateTree) -> Result<Impact, StoreError> {
    let entries = store.entries_of(function, usize::MAX)?;
    let Some(newest) = entries.first() else {
        return Ok(Impact::default());
    };
    let answering = store.answering(function, &state.digest);
    let states = answering.iter().map(|known| known.state);
    let current: HashSet<_> = states.chain([state.digest]).collect();
    let share = |of: &HashSet<Digest>| {
        let mut share = Share::default();
        for entry in entries.iter().filter(|entry| of.contains(&entry.state)) {
            share.entries += 1;
            share.compute_ns = share.compute_ns.saturating_add(entry.compute_ns);
        }
        share
    };
    let mut impact = Impact {
        current: share(&current),
        last: share(&HashSet::from([newest.state])),
        changes: Vec::new(),
    };
    if impact.is_lost()
        && let Proposed::Change(nearest) = propose(store, function, state, None)?
    {
        impact.last = share(&HashSet::from([nearest.old]));
        impact.changes = nearest.changes;
    }
    Ok(impact)
}

/// Explains what a call would do, without making it.
pub fn explain<C: Callee>(store: &Store, callee: &mut C) -> Result<Explanation, Unkeyable> {
    let mut key = callee.key()?;
    callee.add_sources(&mut Arc::make_mut(&mut key.state).parts);
    let digest = key.digest();
    let mut explanation = Explanation {
        hit: false,
        key: digest,
        reason: None,
        nearest_created_ns: None,
        changes: vec![],
        accepted: vec![],
    };
    match find_or_adopt(store, callee, &key) {
        Recalled::Found { entry, .. } => {
            explanation.hit = true;
            explanation.nearest_created_ns = Some(entry.created_ns);
            explanation.accepted = callee.detached(|| store.accepted_for(&entry.world));
        }
        Recalled::Damaged(_) | Recalled::Unusable(_) => {
            explanation.reason = Some(MissReason::Damaged);
        }
        Recalled::Broken(entry, broken) => {
            explanation.nearest_created_ns = Some(entry.created_ns);
            explanation.reason = Some(match broken {
                Broken::Expired => MissReason::Expired,
                Broken::Changed(_) => MissReason::WorldChanged,
            });
            explanation.changes = changes_of(store, callee, &entry.world);
        }
        Recalled::Absent => {
            let compared = callee.detached(|| compare(store, &key, COMPARED));
            explanation.reason = Some(compared.reason);
            explanation.nearest_created_ns = compared.nearest.map(|entry| entry.created_ns);
            explanation.changes = compared.changes;
        }
    }
    Ok(explanation)
}

/// What changed in a world.
fn changes_of<C: Callee>(store: &Store, callee: &mut C, world: &World) -> Vec<Change> {
    let sensed: HashMap<_, _> = world
        .sensed()
        .map(|observation| &observation.subject)
        .map(|subject| (subject.clone(), callee.sense(subject)))
        .collect();
    callee.detached(|| {
        let differences = world.differences(|subject| match subject {
            Subject::Accepted(..) => store.accepted_now(subject),
            _ => sensed.get(subject).copied().flatten(),
        });
        let change = |(was, is): (_, Observation)| Change::of_world(was, &is);
        differences.into_iter().map(change).collect()
    })
}

/// A key beside what else is stored for its function.
pub(crate) struct Compared {
    /// Why there is nothing under it.
    pub reason: MissReason,
    /// The entry that it is most like.
    pub nearest: Option<Arc<Entry>>,
    /// What differs from that.
    pub changes: Vec<Change>,
}

/// Compares a key with the latest entries of its function, at most so many.
pub(crate) fn compare(store: &Store, key: &Key, among: usize) -> Compared {
    let entries = store.latest_of(&key.function, among);
    let called_so = |entry: &&Arc<Entry>| entry.argument_digest == key.argument_digest;
    let answering = store.answering(&key.function, &key.state.digest);
    let states = answering.iter().map(|known| known.state);
    let fitting: HashSet<_> = states.chain([key.state.digest]).collect();
    let same_state = |entry: &&Arc<Entry>| fitting.contains(&entry.state);
    let like = entries.iter().find(called_so);
    let unedited = entries.iter().find(same_state);
    let reason = match (like, unedited) {
        _ if entries.is_empty() => MissReason::New,
        (None, Some(_)) => MissReason::ArgumentsChanged,
        _ => MissReason::StateChanged,
    };
    let nearest = like.or(unedited).or(entries.first()).cloned();
    let changes = nearest
        .as_ref()
        .map(|entry| differences(store, entry, key, &fitting))
        .unwrap_or_default();
    Compared {
        reason,
        nearest,
        changes,
    }
}

/// What differs from an entry; of its state, unless that is one of those that fit.
fn differences(store: &Store, entry: &Entry, key: &Key, fitting: &HashSet<Digest>) -> Vec<Change> {
    let old = if fitting.contains(&entry.state) {
        None
    } else {
        store.state_of(entry).ok().flatten()
    };
    let mut found = old.map_or_else(Vec::new, |old| changes(&old.parts, &key.state.parts));
    if entry.argument_digest != key.argument_digest {
        found.extend(changes(&entry.arguments, &key.arguments));
    }
    found
}
