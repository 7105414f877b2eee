//! Why a call would hit or miss: its key beside that of the nearest stored entry.

use std::collections::HashMap;
use std::sync::Arc;

use crate::call::{Callee, Unkeyable};
use crate::deps::{Observation, World};
use crate::digest::Digest;
use crate::event::MissReason;
use crate::index::Entry;
use crate::recall::{Recalled, recall};
use crate::state::{Change, Key, changes};
use crate::store::Store;

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
    };
    match recall(store, callee, &digest) {
        Recalled::Found(entry, ..) => {
            explanation.hit = true;
            explanation.nearest_created_ns = Some(entry.created_ns);
        }
        Recalled::Damaged(_) => explanation.reason = Some(MissReason::Damaged),
        Recalled::Broken(entry, _) => {
            explanation.reason = Some(MissReason::WorldChanged);
            explanation.nearest_created_ns = Some(entry.created_ns);
            explanation.changes = changes_of(callee, &entry.world);
        }
        Recalled::Absent => callee.detached(|| compare(store, &key, &mut explanation)),
    }
    Ok(explanation)
}

/// What changed in a world.
fn changes_of<C: Callee>(callee: &mut C, world: &World) -> Vec<Change> {
    let sensed: HashMap<_, _> = world
        .sensed()
        .map(|observation| &observation.subject)
        .map(|subject| (subject.clone(), callee.sense(subject)))
        .collect();
    callee.detached(|| {
        let differences = world.differences(|subject| sensed.get(subject).copied().flatten());
        let change = |(was, is): (&Observation, Observation)| Change {
            name: was.subject.name(),
            kind: was.subject.part(),
            old: was.state.digest(),
            new: is.state.digest(),
            old_source: None,
            new_source: None,
            old_details: was.details(),
            new_details: is.details(),
        };
        differences.into_iter().map(change).collect()
    })
}

fn compare(store: &Store, key: &Key, explanation: &mut Explanation) {
    explanation.reason = Some(store.miss_reason(key));
    let entries = store
        .entries_of(&key.function, COMPARED)
        .unwrap_or_default();
    if let Some(entry) = nearest(&entries, key) {
        explanation.nearest_created_ns = Some(entry.created_ns);
        explanation.changes = differences(store, entry, key);
    }
}

/// The entry to compare with: same arguments first, then same state, then the newest.
fn nearest<'a>(entries: &'a [Entry], key: &Key) -> Option<&'a Entry> {
    let called_so = entries
        .iter()
        .find(|entry| entry.argument_digest == key.argument_digest);
    let same_state = || entries.iter().find(|entry| entry.state == key.state.digest);
    called_so.or_else(same_state).or(entries.first())
}

fn differences(store: &Store, entry: &Entry, key: &Key) -> Vec<Change> {
    let old = if entry.state == key.state.digest {
        None
    } else {
        store.state(&entry.state).ok().flatten()
    };
    let mut found = old.map_or_else(Vec::new, |old| changes(&old.parts, &key.state.parts));
    if entry.argument_digest != key.argument_digest {
        found.extend(changes(&entry.arguments, &key.arguments));
    }
    found
}
