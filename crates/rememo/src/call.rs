//! One call, top to bottom; and the questions one can ask about it without making it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::callee::{Callee, Stored, Undecodable, Unkeyable};
use crate::codec::Encoded;
use crate::deps::{Impurity, Lease, Settled, World};
use crate::digest::Digest;
use crate::event::{Event, MissReason, NotStored, Tier};
use crate::explain::compare;
use crate::flight::Claim;
use crate::index::Entry;
use crate::meter::{self, Spent, Step};
use crate::recall::{Broken, Recalled, broken, find, find_or_adopt, make_known};
use crate::state::{Change, Key, changes};
use crate::store::{Cost, Generation, Store, StoreError, Uses};
use crate::verify::verify;

/// How many entries of a function are looked at to say why a call missed.
const COMPARED: usize = 16;

/// Whether a stored result will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It will.
    #[default]
    Normal,
    /// The call is made, and its result stored in place of the old one.
    Recompute,
    /// If it would, the call is made all the same, and the results are compared.
    Verify,
}

/// Makes a call, or hands back what it returned before. Fails only as the call itself does.
pub fn call<C: Callee>(store: &Store, callee: &mut C, mode: Mode) -> Result<C::Value, C::Error> {
    let _metered = meter::begin();
    if mode == Mode::Verify
        && let Some(value) = verify(store, callee)?
    {
        return Ok(value);
    }
    let Some(key) = keyed(store, callee) else {
        return callee.run();
    };
    if mode == Mode::Normal
        && let Ok(value) = recall(store, callee, &key, find)
    {
        return Ok(value);
    }
    let mut claim = meter::time(Step::Wait, || claim(store, callee, &key))?;
    let result = if claim.waited {
        // What the key was made of may have changed meanwhile.
        match keyed(store, callee) {
            Some(anew) => run_claimed(store, callee, anew, mode, &mut claim),
            None => callee.run(),
        }
    } else {
        run_claimed(store, callee, key, mode, &mut claim)
    };
    callee.detached(|| claim.release());
    result
}

/// Looks once more, then makes the call and keeps its result.
fn run_claimed<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: Key,
    mode: Mode,
    claim: &mut Claim<'static>,
) -> Result<C::Value, C::Error> {
    if let Some(value) = look_again(store, callee, &key, mode) {
        return Ok(value);
    }
    let lease = lease(callee);
    let (value, compute_ns) = meter::run(|| callee.run());
    let value = value?;
    keep(store, callee, key, &value, (compute_ns, lease), claim);
    Ok(value)
}

/// A call that its front-end makes itself, step by step: a result that comes later.
#[derive(Debug)]
pub enum Begun<V> {
    /// There is a stored result.
    Answered(V),
    /// There is none: make the call, then [`finish`].
    Missed(Missed),
    /// Somebody makes the call at this moment, who holds the claim to this key.
    Busy(Digest),
    /// The call has no key: make it, and that is all.
    Unkeyed,
}

/// A call without a stored result. Dropped, it gives back its claim and nothing is stored.
#[derive(Debug)]
pub struct Missed {
    key: Box<Key>,
    claim: Claim<'static>,
    lease: Option<Lease>,
}

impl Missed {
    /// When the result is good, if not always.
    pub fn lease(&self) -> Option<Lease> {
        self.lease
    }

    /// The call key.
    pub fn key(&self) -> Digest {
        self.key.digest()
    }
}

/// Does what [`call`] does before it makes the call, without waiting for anybody. With `claiming`,
/// nobody else makes the same call until the end.
pub fn begin<C: Callee>(
    store: &Store,
    callee: &mut C,
    mode: Mode,
    claiming: bool,
) -> Begun<C::Value> {
    let _metered = meter::begin();
    let Some(key) = keyed(store, callee) else {
        return Begun::Unkeyed;
    };
    if mode == Mode::Normal
        && let Ok(value) = recall(store, callee, &key, find)
    {
        return Begun::Answered(value);
    }
    let digest = key.digest();
    let asked = claiming.then(|| callee.detached(|| store.ask(&digest)));
    let claim = match asked.flatten() {
        None => Claim::without(false),
        Some(mut wait) => match callee.detached(|| wait.at_once()) {
            Some(claim) => claim,
            None => return Begun::Busy(digest),
        },
    };
    match look_again(store, callee, &key, mode) {
        Some(value) => {
            callee.detached(|| claim.release());
            Begun::Answered(value)
        }
        None => Begun::Missed(Missed {
            key: Box::new(key),
            claim,
            lease: lease(callee),
        }),
    }
}

/// Does what [`call`] does after it has made the call; whether the result is stored, or on its way.
pub fn finish<C: Callee>(
    store: &Store,
    callee: &mut C,
    missed: Missed,
    value: &C::Value,
    compute_ns: u64,
) -> bool {
    let _metered = meter::begin();
    let Missed {
        key,
        mut claim,
        lease,
    } = missed;
    let stored = keep(store, callee, *key, value, (compute_ns, lease), &mut claim);
    callee.detached(|| claim.release());
    stored
}

/// Ends a call whose result is not to be stored, and tells why.
pub fn give_up<C: Callee>(store: &Store, callee: &mut C, missed: Missed, why: String) {
    let function = callee.function().to_owned();
    let reason = NotStored::Unencodable(why);
    let spent = Spent::default();
    let event = Event::NotStored {
        function,
        reason,
        spent,
    };
    tell(store, callee, &event);
    callee.detached(|| missed.claim.release());
}

/// The stored result, now that nobody else makes the call; the miss is told of if there is none.
fn look_again<C: Callee>(store: &Store, callee: &mut C, key: &Key, mode: Mode) -> Option<C::Value> {
    let missing = match mode {
        Mode::Recompute => {
            // One whose entry was lost would turn up later, behind the new one's back.
            callee.detached(|| store.adopt(&key.digest()));
            Missing::new(MissReason::Forced)
        }
        Mode::Normal | Mode::Verify => match recall(store, callee, key, find_or_adopt) {
            Ok(value) => return Some(value),
            Err(missing) => missing,
        },
    };
    missed(store, callee, key, missing);
    None
}

/// The stored result of a call, if there is one; the call is not made.
pub fn lookup<C: Callee>(store: &Store, callee: &mut C) -> Result<Option<C::Value>, Unkeyable> {
    let key = callee.key()?;
    match recall(store, callee, &key, find_or_adopt) {
        Ok(value) => Ok(Some(value)),
        Err(missing) => {
            degraded(store, callee, missing.damage);
            Ok(None)
        }
    }
}

/// Whether the call has a stored, readable result.
pub fn would_hit<C: Callee>(store: &Store, callee: &mut C) -> Result<bool, Unkeyable> {
    let key = callee.key()?;
    Ok(matches!(
        find_or_adopt(store, callee, &key),
        Recalled::Found { .. }
    ))
}

/// The entry that would answer the call, with the call key that it is stored under.
pub fn entry<C: Callee>(
    store: &Store,
    callee: &mut C,
) -> Result<Option<(Digest, Entry)>, Unkeyable> {
    let key = callee.key()?;
    Ok(match find_or_adopt(store, callee, &key) {
        Recalled::Found { entry, call, .. } => Some((call, *entry)),
        _ => None,
    })
}

/// Removes the stored result of a call, and those of accepted states that would answer it; whether
/// there was one.
pub fn clear_entry<C: Callee>(store: &Store, callee: &mut C) -> Result<bool, Unkeyable> {
    let key = callee.key()?;
    let function = callee.function().to_owned();
    let remove = || {
        let answering = store.answering(&key.function, &key.state.digest);
        let others = answering.iter().map(|known| key.in_state(&known.state));
        let mut removed = false;
        for call in std::iter::once(key.digest()).chain(others) {
            removed |= store.remove(&call)?;
        }
        Ok::<_, StoreError>(removed)
    };
    match callee.detached(remove) {
        Ok(removed) => {
            let entries = u64::from(removed);
            tell(store, callee, &Event::Invalidated { function, entries });
            Ok(removed)
        }
        Err(error) => {
            let what = format!("an entry of {function} could not be removed: {error}");
            tell(store, callee, &Event::Degraded { what });
            Ok(false)
        }
    }
}

fn keyed<C: Callee>(store: &Store, callee: &mut C) -> Option<Key> {
    match meter::time(Step::Key, || callee.key()) {
        Ok(key) => Some(key),
        Err(Unkeyable { what }) => {
            let function = callee.function().to_owned();
            let (why, spent) = (what, meter::take());
            let event = Event::Bypassed {
                function,
                why,
                spent,
            };
            tell(store, callee, &event);
            None
        }
    }
}

/// Why there is no stored result.
struct Missing {
    reason: MissReason,
    /// What is wrong with the one there was.
    damage: Option<String>,
    /// What the one there was depends on and is not as it was.
    changes: Vec<Change>,
}

impl Missing {
    fn new(reason: MissReason) -> Self {
        Self {
            reason,
            damage: None,
            changes: Vec::new(),
        }
    }

    fn damaged(what: String) -> Self {
        Self {
            damage: Some(what),
            ..Self::new(MissReason::Damaged)
        }
    }
}

/// The stored result, or why there is none: in memory, or where `find` finds it.
fn recall<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: &Key,
    find: impl FnOnce(&Store, &mut C, &Key) -> Recalled,
) -> Result<C::Value, Missing> {
    let digest = key.digest();
    if let Some(found) = meter::time(Step::Lookup, || callee.recollect(&digest))
        && meter::time(Step::Verify, || broken(store, callee, &found.world)).is_none()
    {
        callee.inherit(&found.world);
        // What cannot be replayed from memory is tried from the store, and told of then.
        if callee.replay(&found.world).is_ok() {
            let accepted = found.world.accepted_by();
            hit(
                store,
                callee,
                key,
                found.compute_ns,
                (Tier::Memory, accepted),
            );
            return Ok(found.value);
        }
    }
    let why = match meter::time(Step::Lookup, || find(store, callee, key)) {
        Recalled::Absent => return Err(Missing::new(MissReason::New)),
        Recalled::Broken(_, Broken::Expired) => return Err(Missing::new(MissReason::Expired)),
        Recalled::Broken(_, Broken::Changed(changed)) => {
            let [was, is] = *changed;
            return Err(Missing {
                changes: vec![Change::of_world(&was, &is)],
                ..Missing::new(MissReason::WorldChanged)
            });
        }
        Recalled::Damaged(why) => why,
        Recalled::Unusable(what) => return Err(Missing::damaged(what)),
        Recalled::Found {
            entry,
            call,
            value: encoded,
            generation,
            tier,
        } => match handed_back(callee, &encoded, &entry.world) {
            Ok(value) => {
                let accepted = entry.world.accepted_by();
                hit(store, callee, key, entry.compute_ns, (tier, accepted));
                make_known(store, callee, key);
                let uses = store.uses_of(call);
                uses.count();
                callee.detached(|| store.note_uses_if_many());
                let stored = (encoded, entry.world);
                remember(
                    callee,
                    (digest, uses),
                    &value,
                    stored,
                    entry.compute_ns,
                    generation,
                );
                return Ok(value);
            }
            Err(Undecodable::Outdated) => return Err(Missing::new(MissReason::Outdated)),
            Err(Undecodable::Damaged(why)) => why,
        },
    };
    let what = format!("a stored result of {} cannot be read: {why}", key.function);
    Err(Missing::damaged(what))
}

/// A stored result, with all that the run left changed made so again.
fn handed_back<C: Callee>(
    callee: &mut C,
    encoded: &Encoded,
    world: &World,
) -> Result<C::Value, Undecodable> {
    let value = meter::time(Step::Decode, || callee.decode(encoded))?;
    callee.inherit(world);
    callee.replay(world).map_err(Undecodable::Damaged)?;
    Ok(value)
}

fn remember<C: Callee>(
    callee: &mut C,
    (key, uses): (Digest, Arc<Uses>),
    value: &C::Value,
    (encoded, world): (Encoded, World),
    compute_ns: u64,
    generation: Option<Generation>,
) {
    if let Some(generation) = generation {
        callee.remember(Stored {
            key,
            value,
            encoded,
            compute_ns,
            world,
            generation,
            uses,
        });
    }
}

fn hit<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: &Key,
    saved_ns: u64,
    (tier, accepted): (Tier, Vec<Digest>),
) {
    let event = Event::Hit {
        function: key.function.clone(),
        key: key.digest(),
        saved_ns,
        tier,
        accepted,
        spent: meter::take(),
    };
    tell(store, callee, &event);
}

/// When the result of a call that is made now is good, if not always. Whatever the call is part of
/// is good no longer than that, whatever comes of the call.
pub(crate) fn lease<C: Callee>(callee: &mut C) -> Option<Lease> {
    let lease = callee.retention().ttl?.begin();
    callee.inherit(&World::leased(lease));
    Some(lease)
}

fn claim<C: Callee>(store: &Store, callee: &mut C, key: &Key) -> Result<Claim<'static>, C::Error> {
    let digest = key.digest();
    let Some(mut wait) = callee.detached(|| store.ask(&digest)) else {
        return Ok(Claim::without(false));
    };
    loop {
        if let Some(claim) = callee.detached(|| wait.step()) {
            return Ok(claim);
        }
        callee.interrupted()?;
    }
}

fn missed<C: Callee>(store: &Store, callee: &mut C, key: &Key, missing: Missing) {
    degraded(store, callee, missing.damage);
    callee.detached(|| store.tell_now());
    let (mut reason, mut changes) = (missing.reason, missing.changes);
    if reason == MissReason::New {
        let compared = callee.detached(|| compare(store, key, COMPARED));
        (reason, changes) = (compared.reason, compared.changes);
    }
    let event = Event::Miss {
        function: key.function.clone(),
        key: key.digest(),
        reason,
        changes,
        spent: meter::take(),
    };
    tell(store, callee, &event);
}

fn degraded<C: Callee>(store: &Store, callee: &mut C, damage: Option<String>) {
    if let Some(what) = damage {
        tell(store, callee, &Event::Degraded { what });
    }
}

/// Emits an event. Detached, as all that takes a lock must be: a thread that is about to fork
/// holds the locks, and may be waiting for what this one is attached to.
fn tell<C: Callee>(store: &Store, callee: &mut C, event: &Event) {
    callee.detached(|| store.events().emit(event));
}

pub(crate) fn keep<C: Callee>(
    store: &Store,
    callee: &mut C,
    key: Key,
    value: &C::Value,
    run: (u64, Option<Lease>),
    claim: &mut Claim<'static>,
) -> bool {
    let function = key.function.clone();
    let mut cautions = Vec::new();
    let event = match try_keep(store, callee, key, value, run, (claim, &mut cautions)) {
        Ok(event) => event,
        Err(reason) => Some(Event::NotStored {
            function: function.clone(),
            reason,
            spent: meter::take(),
        }),
    };
    let stored = !matches!(event, Some(Event::NotStored { .. }));
    if let Some(event) = event {
        tell(store, callee, &event);
    }
    if stored {
        for caution in cautions {
            let function = function.clone();
            tell(store, callee, &Event::Caution { function, caution });
        }
    }
    stored
}

fn try_keep<C: Callee>(
    store: &Store,
    callee: &mut C,
    mut key: Key,
    value: &C::Value,
    (compute_ns, lease): (u64, Option<Lease>),
    (claim, cautions): (&mut Claim<'static>, &mut Vec<Impurity>),
) -> Result<Option<Event>, NotStored> {
    if store.is_left_alone() {
        return Err(NotStored::ReadOnly);
    }
    let retention = callee.retention();
    if Duration::from_nanos(compute_ns) < retention.min_compute_time {
        return Err(NotStored::TooQuick);
    }
    let start = Instant::now();
    let encoded = meter::time(Step::Encode, || callee.encode(value))?;
    let size = encoded.container_len(0) as u64;
    if let Some(most) = retention.max_result_size.filter(|most| size > *most) {
        return Err(NotStored::TooLarge { size, most });
    }
    let mut cost = Cost {
        compute_ns,
        encode_ns: since(start),
        ..Cost::default()
    };
    let digest = key.digest();
    let mut world = meter::time(Step::Verify, || settled(store, callee, cautions))?;
    world.lease = Lease::both(world.lease, lease);
    meter::time(Step::Key, || still(callee, &key))?;
    if !callee.detached(|| store.knows(&key.state.digest)) {
        callee.add_sources(&mut Arc::make_mut(&mut key.state).parts);
    }
    cost.spent = meter::take();
    let (generation, event) = callee.detached(|| {
        (
            store.generation_of(&world),
            store.keep(key, &encoded, &world, cost, &retention, claim),
        )
    });
    if let Some(Event::NotStored { .. }) = event {
        return Ok(event);
    }
    let uses = store.uses_of(digest);
    let stored = (encoded, world);
    remember(
        callee,
        (digest, uses),
        value,
        stored,
        compute_ns,
        generation,
    );
    Ok(event)
}

/// What the run depended on; refuses a result that depends on what did not stay as it was, or that
/// is not all that the run did.
fn settled<C: Callee>(
    store: &Store,
    callee: &mut C,
    cautions: &mut Vec<Impurity>,
) -> Result<World, NotStored> {
    let log = callee.observed();
    if log.is_empty() {
        return Ok(World::default());
    }
    let sensed: Vec<_> = log
        .sensed()
        .map(|subject| (subject.clone(), callee.sense(subject)))
        .collect();
    let Settled {
        mut world,
        objections,
        cautions: found,
        changed,
        advanced,
    } = callee.detached(|| log.settle(sensed));
    if !objections.is_empty() {
        callee.objected(&objections);
        return Err(NotStored::Impure(objections));
    }
    if !changed.is_empty() {
        return Err(NotStored::WorldChanged(changed));
    }
    if let Some(revoked) = callee.detached(|| store.revoked(&world).cloned()) {
        return Err(NotStored::WorldChanged(vec![revoked.subject]));
    }
    for (subject, state) in callee.dropped(&found) {
        world.add_sensed(subject, state);
    }
    *cautions = found;
    for subject in advanced {
        match callee.capture(&subject) {
            Some(state) => world.left.push((subject, state)),
            None => return Err(NotStored::WorldChanged(vec![subject])),
        }
    }
    Ok(world)
}

/// Refuses a result whose key changed while it was computed.
fn still<C: Callee>(callee: &mut C, key: &Key) -> Result<(), NotStored> {
    let now = callee.key().map_err(|unkeyable| {
        NotStored::Unencodable(format!("the call has no key any more: {unkeyable}"))
    })?;
    let mut changed = Vec::new();
    let is_same = now.lasting() == key.lasting();
    if !is_same {
        changed.extend(changes(&key.state.parts, &now.state.parts));
        changed.extend(changes(&key.arguments, &now.arguments));
    }
    let is_told = is_same || !changed.is_empty();
    let (left_out, why) = callee.left_out(changed);
    if is_told && left_out.is_empty() && why.is_none() {
        return Ok(());
    }
    Err(NotStored::KeyChanged(left_out, why))
}

fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
