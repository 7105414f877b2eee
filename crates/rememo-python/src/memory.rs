//! Results in memory: for the whole process, within a number of bytes, and never an object that its
//! caller could change. What is deeply immutable is handed back as it is, everything else is kept
//! encoded and decoded afresh.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyFrozenSet, PyInt, PyString, PyTuple};
use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use rememo::{Digest, Encoded, Generation, Stored, Uses, World};

use crate::codec::{self, Handing};
use crate::effects::{self, Effects};
use crate::raw::Attached;

/// Bytes of results at most, over all functions.
const CAPACITY: u64 = 256 << 20;
/// A guess at how many results that is.
const ITEMS: usize = 1 << 16;
/// What a result takes besides itself: key, digest, links.
const OVERHEAD: u64 = 200;
/// What each thing takes that a result depends on.
const OF_OBSERVATION: u64 = 200;

/// A result.
pub struct Kept {
    value: Form,
    /// The call key.
    key: Digest,
    /// How long the call took when it was run.
    compute_ns: u64,
    /// What it depends on besides the arguments and code of the call; nothing, mostly.
    world: Option<Arc<World>>,
    /// When, in the life of its store, the result was there.
    generation: Generation,
    /// What a hit does besides; nothing, mostly.
    effects: Option<Arc<Effects>>,
    /// Where it is counted how often it is of use.
    uses: Arc<Uses>,
}

/// How a result is kept.
enum Form {
    Immutable(Py<PyAny>),
    Encoded(Encoded),
}

impl Kept {
    /// A stored result, in the form that it is best kept in.
    pub fn of(py: Python<'_>, stored: Stored<'_, Py<PyAny>>) -> Self {
        let value = stored.value.bind(py);
        let (encoded, effects) =
            effects::apart(&stored.encoded).unwrap_or_else(|| (stored.encoded.clone(), None));
        Self {
            value: match size_of_immutable(value, 0) {
                Some(_) => Form::Immutable(value.clone().unbind()),
                None => Form::Encoded(encoded),
            },
            effects: effects.map(Arc::new),
            key: stored.key,
            compute_ns: stored.compute_ns,
            world: (!stored.world.is_empty()).then(|| Arc::new(stored.world)),
            generation: stored.generation,
            uses: stored.uses,
        }
    }
}

/// A result that was found.
pub struct Found<'py> {
    value: FoundForm<'py>,
    pub key: Digest,
    pub compute_ns: u64,
    pub world: Option<Arc<World>>,
    pub effects: Option<Arc<Effects>>,
    pub generation: Generation,
}

enum FoundForm<'py> {
    Immutable(Bound<'py, PyAny>),
    Encoded(Encoded),
}

impl<'py> Found<'py> {
    /// The result, for the caller to have; none where it can't be decoded.
    pub fn open(self, py: Python<'py>, handing: Handing) -> Option<Bound<'py, PyAny>> {
        match self.value {
            FoundForm::Immutable(value) => Some(value),
            FoundForm::Encoded(encoded) => {
                Python::attach(|_| codec::decode(py, &encoded, handing).ok())
            }
        }
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<u128, (u64, Kept)> for Bytes {
    fn weight(&self, _key: &u128, (weight, _): &(u64, Kept)) -> u64 {
        *weight
    }
}

/// Keys are digests already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of a digest is a hash"
    )]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

type Tier = Cache<u128, (u64, Kept), Bytes, BuildHasherDefault<AsItIs>>;

static TIER: Attached<Option<Tier>> = Attached::new(None);

/// The result under a key.
pub fn get(py: Python<'_>, key: u128) -> Option<Found<'_>> {
    TIER.with(py, |tier| {
        let (_, kept) = tier.as_ref()?.get(&key)?;
        kept.uses.count();
        Some(Found {
            value: match &kept.value {
                Form::Immutable(value) => FoundForm::Immutable(value.bind(py).clone()),
                Form::Encoded(encoded) => FoundForm::Encoded(encoded.clone()),
            },
            key: kept.key,
            compute_ns: kept.compute_ns,
            world: kept.world.clone(),
            effects: kept.effects.clone(),
            generation: kept.generation,
        })
    })
}

/// Keeps a result under a key, if there is room for such a one.
pub fn put(py: Python<'_>, key: u128, kept: Kept) {
    let world = kept.world.as_ref().map_or(0, |world| {
        let left: usize = world.left.iter().map(|(_, state)| state.len()).sum();
        OF_OBSERVATION * world.observations.len() as u64 + left as u64
    });
    let effects = kept
        .effects
        .as_ref()
        .map_or(0, |effects| effects.size() as u64);
    let weight = OVERHEAD + world + effects + weight(py, &kept.value);
    TIER.with(py, |tier| {
        // What this lets go of is bytes and immutable values: dropping them runs no Python code.
        tier.get_or_insert_with(new).insert(key, (weight, kept));
    });
}

fn new() -> Tier {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(ITEMS)
        .weight_capacity(CAPACITY)
        .build()
        .expect("both capacities are given");
    Cache::with_options(
        options,
        Bytes,
        BuildHasherDefault::default(),
        DefaultLifecycle::default(),
    )
}

fn weight(py: Python<'_>, form: &Form) -> u64 {
    match form {
        Form::Immutable(value) => size_of_immutable(value.bind(py), 0).unwrap_or(CAPACITY),
        Form::Encoded(encoded) => {
            let frames = encoded.frames.iter().map(|frame| frame.bytes.len() as u64);
            frames.sum()
        }
    }
}

const DEPTH: u32 = 20;
/// Beyond as many elements, decoding is as good.
const ELEMENTS: usize = 1000;

/// The bytes of a value that can't change, nor anything in it; none for any other.
fn size_of_immutable(value: &Bound<'_, PyAny>, depth: u32) -> Option<u64> {
    let plain = value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>();
    if plain {
        return Some(32);
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Some(50 + 4 * text.len().ok()? as u64);
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return Some(33 + bytes.as_bytes().len() as u64);
    }
    if let Ok(number) = value.cast_exact::<PyInt>() {
        // Most fit a word; what a longer one takes is asked of the interpreter.
        return match number.extract::<i64>() {
            Ok(_) => Some(32),
            Err(_) => number.call_method0("__sizeof__").ok()?.extract().ok(),
        };
    }
    let elements = if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        (tuple.len() <= ELEMENTS).then(|| tuple.iter().collect::<Vec<_>>())?
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        (set.len() <= ELEMENTS).then(|| set.iter().collect())?
    } else {
        return None;
    };
    if depth >= DEPTH {
        return None;
    }
    let sizes = elements
        .iter()
        .map(|element| size_of_immutable(element, depth + 1));
    sizes
        .sum::<Option<u64>>()
        .map(|size| size + 64 + 8 * elements.len() as u64)
}
