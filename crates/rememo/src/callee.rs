//! What a front-end brings to a call: how its keys are found, and its functions run, its results
//! encoded and handed back.

use std::sync::Arc;

use thiserror::Error;

use crate::codec::Encoded;
use crate::deps::{Impurity, Log, State, Subject, World};
use crate::digest::Digest;
use crate::event::NotStored;
use crate::retention::Retention;
use crate::state::{Change, Key, Part};
use crate::store::{Generation, Uses};

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

    /// How its results are kept.
    fn retention(&self) -> Retention {
        Retention::default()
    }

    /// Adds the source text of the parts of the state that the last key was made of. Asked only
    /// where it is to be shown or stored.
    fn add_sources(&mut self, _parts: &mut [Part]) {}

    /// Makes the call.
    fn run(&mut self) -> Result<Self::Value, Self::Error>;

    /// Encodes a result, or says why it cannot.
    fn encode(&mut self, value: &Self::Value) -> Result<Encoded, NotStored>;

    /// Decodes a result, or says why it cannot.
    fn decode(&mut self, encoded: &Encoded) -> Result<Self::Value, Undecodable>;

    /// Where a result differs from the one that is stored, if it does, though their bytes differ.
    fn difference(&mut self, _stored: &Self::Value, _fresh: &Self::Value) -> Option<String> {
        Some("they are not encoded alike".to_owned())
    }

    /// The result of a call that was remembered.
    fn recollect(&mut self, _key: &Digest) -> Option<Recollected<Self::Value>> {
        None
    }

    /// Takes what the last run was seen to look at and to do.
    fn observed(&mut self) -> Log {
        Log::default()
    }

    /// The state now of something that is not on disk; none where it cannot be told.
    fn sense(&mut self, _subject: &Subject) -> Option<State> {
        None
    }

    /// Of what changed in the key while the function ran, what a hit would leave as it was; and why,
    /// where it was to be changed. Asked where nothing did, too.
    fn left_out(&mut self, changes: Vec<Change>) -> (Vec<Change>, Option<String>) {
        (changes, None)
    }

    /// Told of what the run did for which its result is not kept.
    fn objected(&mut self, _objections: &[Impurity]) {}

    /// What a result depends on for that a hit leaves something out of which its user is told.
    fn dropped(&mut self, _cautions: &[Impurity]) -> Vec<(Subject, State)> {
        Vec::new()
    }

    /// What it takes to make something that is not on disk what it is now; none where that cannot be
    /// told.
    fn capture(&mut self, _subject: &Subject) -> Option<Vec<u8>> {
        None
    }

    /// Makes what a run left changed so again, before its result is handed back, or says why it
    /// cannot: then the result is not handed back.
    fn replay(&mut self, _world: &World) -> Result<(), String> {
        Ok(())
    }

    /// Told of what a result depends on that is handed back, or that was made: so does whatever
    /// this call is part of.
    fn inherit(&mut self, _world: &World) {}

    /// Told of a result that is in the store, found there or put there just now. Whoever keeps it
    /// in memory may hand it back for this key for as long as [`Store::generation`](crate::Store::generation) stays the same.
    fn remember(&mut self, _stored: Stored<'_, Self::Value>) {}

    /// Does work that needs nothing of the front-end, such as input and output.
    fn detached<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        work()
    }

    /// Asked now and then while waiting; an error ends the wait and the call.
    fn interrupted(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A result that was remembered.
#[derive(Debug)]
pub struct Recollected<V> {
    /// The result.
    pub value: V,
    /// How long the call took when it was run.
    pub compute_ns: u64,
    /// What it depends on besides the arguments and code of the call.
    pub world: Arc<World>,
}

/// A result that is in the store.
#[derive(Debug)]
pub struct Stored<'a, V> {
    /// The call key.
    pub key: Digest,
    /// The result.
    pub value: &'a V,
    /// The same, encoded.
    pub encoded: Encoded,
    /// How long the call took when it was run.
    pub compute_ns: u64,
    /// What it depends on besides the arguments and code of the call.
    pub world: World,
    /// The generation of the store before the result was found, or put, there.
    pub generation: Generation,
    /// Where uses of it are counted: whoever hands it back from memory counts them there.
    pub uses: Arc<Uses>,
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
