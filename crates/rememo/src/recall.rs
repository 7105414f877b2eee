//! Finds the stored result of a call: the newest entry under its key that depends on nothing but
//! what still is as it was.

use crate::acceptance::Acceptance;
use crate::callee::Callee;
use crate::codec::Encoded;
use crate::deps::{Lease, Observation, World};
use crate::digest::Digest;
use crate::event::Tier;
use crate::index::Entry;
use crate::map::is_refusal;
use crate::meter::{self, Step};
use crate::state::{Key, StateTree};
use crate::store::{Generation, Store, StoreError};

/// What there is for a call.
#[derive(Debug)]
pub(crate) enum Recalled {
    /// A whole result.
    Found {
        /// The entry that it belongs to; what is accepted for it to answer is in its world.
        entry: Box<Entry>,
        /// The call key that it is stored under: another one where it is of an accepted state.
        call: Digest,
        value: Encoded,
        /// The generation in which it was there.
        generation: Option<Generation>,
        /// Where it was.
        tier: Tier,
    },
    /// Nothing.
    Absent,
    /// An entry that cannot be read, and why.
    Damaged(String),
    /// The store cannot be read, and why.
    Unusable(String),
    /// Entries, of which the newest depends on something that is not as it was.
    Broken(Box<Entry>, Broken),
}

/// Why what a result depends on is not as it was.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Its time is over.
    Expired,
    /// Something is not as it was: how that was, and how it is.
    Changed(Box<[Observation; 2]>),
}

/// Looks for the result of a call; also for one whose entry was lost.
pub(crate) fn find_or_adopt<C: Callee>(store: &Store, callee: &mut C, key: &Key) -> Recalled {
    find_accepted(store, callee, key, |callee, call| {
        match find_under(store, callee, call) {
            found @ Recalled::Found { .. } => found,
            _ if callee.detached(|| store.adopt(call)) => find_under(store, callee, call),
            missing => missing,
        }
    })
}

/// Looks for the result of a call among those with entries.
pub(crate) fn find<C: Callee>(store: &Store, callee: &mut C, key: &Key) -> Recalled {
    find_accepted(store, callee, key, |callee, call| {
        find_under(store, callee, call)
    })
}

/// Looks under the key of a call; then under those that it would have in states of the function whose
/// results are accepted for the one that it is in.
fn find_accepted<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: &Key,
    find: impl Fn(&mut C, &Digest) -> Recalled,
) -> Recalled {
    let mut missing = match find(callee, &key.digest()) {
        found @ Recalled::Found { .. } => return found,
        missing => missing,
    };
    // The generation comes first: whatever is revoked after that ends it.
    let (before, answering) = callee.detached(|| {
        let before = store.generation();
        (before, store.answering(&key.function, &key.state.digest))
    });
    for known in answering {
        match find(callee, &key.in_state(&known.state)) {
            Recalled::Found {
                mut entry,
                call,
                value,
                tier,
                ..
            } => {
                let links = known.by.iter().map(Acceptance::observed);
                entry.world.observations.extend(links);
                return Recalled::Found {
                    entry,
                    call,
                    value,
                    generation: before,
                    tier,
                };
            }
            other if matches!(missing, Recalled::Absent) => missing = other,
            _ => {}
        }
    }
    missing
}

/// Looks under a call key.
fn find_under<C: Callee>(store: &Store, callee: &mut C, key: &Digest) -> Recalled {
    let mut newest_broken = None;
    let (generation, pending) = callee.detached(|| (store.generation(), store.pending(key)));
    if let Some((mut entry, value)) = pending {
        match meter::time(Step::Verify, || unfit(store, callee, &mut entry)) {
            None => {
                return Recalled::Found {
                    entry: Box::new(entry),
                    call: *key,
                    value,
                    generation,
                    tier: Tier::Pending,
                };
            }
            Some(broken) => {
                newest_broken = Some((entry, broken));
                // Of several on their way to one key, only the last can be asked for.
                callee.detached(|| store.settle());
            }
        }
    }
    let found = match callee.detached(|| store.under(key)) {
        Ok(found) => found,
        Err(error) => return Recalled::Unusable(error.to_string()),
    };
    let mut damage = (found.damaged > 0).then(|| "unreadable entry".to_owned());
    for mut entry in found.entries {
        let unfit = meter::time(Step::Verify, || unfit(store, callee, &mut entry));
        if let Some(broken) = unfit {
            newest_broken.get_or_insert((entry, broken));
            continue;
        }
        match callee.detached(|| store.value_of(&entry)) {
            Ok(value) => {
                return Recalled::Found {
                    entry: Box::new(entry),
                    call: *key,
                    value,
                    generation,
                    tier: Tier::Directory,
                };
            }
            Err(error) if is_refusal(&error) => {
                return Recalled::Unusable(StoreError::from(error).at(store.dir()).to_string());
            }
            Err(error) => damage = Some(error.to_string()),
        }
    }
    match (damage, newest_broken) {
        (Some(why), _) => Recalled::Damaged(why),
        (None, Some((entry, broken))) => Recalled::Broken(Box::new(entry), broken),
        (None, None) => Recalled::Absent,
    }
}

/// Stores the parts of the function's state if they were lost with the index: nothing could be said
/// of the next call that misses without them.
pub(crate) fn make_known<C: Callee>(store: &Store, callee: &mut C, key: &Key) {
    if !store.lacks_states() || callee.detached(|| store.knows(&key.state.digest)) {
        return;
    }
    let mut tree = StateTree::clone(&key.state);
    callee.add_sources(&mut tree.parts);
    let tree = tree.shared(&key.function);
    callee.detached(|| store.learn(&tree));
}

/// Why an entry does not answer the call, if it does not.
fn unfit<C: Callee>(store: &Store, callee: &mut C, entry: &mut Entry) -> Option<Broken> {
    if let Some(ttl) = callee.retention().ttl {
        // What was stored when its user said something else keeps to what is said now, too.
        let lease = Some(ttl.since(entry.created_ns));
        entry.world.lease = Lease::both(entry.world.lease, lease);
    }
    broken(store, callee, &entry.world)
}

/// The first thing in a world that is not as it was.
pub(crate) fn broken<C: Callee>(store: &Store, callee: &mut C, world: &World) -> Option<Broken> {
    if world.is_empty() {
        return None;
    }
    if world.has_expired() {
        return Some(Broken::Expired);
    }
    let sensed = world.sensed().find_map(|was| {
        let state = callee.sense(&was.subject);
        (state != Some(was.state)).then(|| [was.clone(), was.sensed_now(state)])
    });
    let on_disk = || {
        if let Some(was) = store.revoked(world) {
            return Some([was.clone(), was.sensed_now(None)]);
        }
        let (was, is) = world.broken_on_disk()?;
        Some([was.clone(), is])
    };
    let changed = sensed.or_else(|| callee.detached(on_disk))?;
    Some(Broken::Changed(Box::new(changed)))
}
