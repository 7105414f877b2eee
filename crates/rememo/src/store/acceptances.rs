//! Changes of code that were accepted, as the store keeps them.

use super::{Generation, Store, StoreError};
use crate::acceptance::{self, Acceptance, Answering};
use crate::deps::{Observation, State, Subject, World};
use crate::digest::Digest;
use crate::index::Index;
use crate::lock::lock;

impl Store {
    /// Has results of the old state of a function answer for the new one, in every process.
    ///
    /// # Errors
    /// Where the store may only be read, or could not be written to.
    pub fn accept(&self, acceptance: &Acceptance) -> Result<(), StoreError> {
        self.writable()?;
        self.settle();
        self.with_index(|index| index.accept(acceptance))?;
        self.0.generations.advance();
        Ok(())
    }

    /// Has them answer no more, in every process at once, nor what was computed from them; whether
    /// they did.
    ///
    /// # Errors
    /// Where the store may only be read, or could not be written to.
    pub fn revoke(&self, acceptance: &Acceptance) -> Result<bool, StoreError> {
        self.writable()?;
        self.settle();
        let was_there = self.with_index(|index| index.revoke(acceptance))?;
        self.0.generations.advance();
        Ok(was_there)
    }

    /// All acceptances, the latest first.
    ///
    /// # Errors
    /// Where the index cannot be used.
    pub fn acceptances(&self) -> Result<Vec<Acceptance>, StoreError> {
        self.with_index(Index::acceptances)
    }

    /// The states of a function whose results answer for one that it is in. Where nothing is
    /// accepted at all, that is known without a look for as long as the generation goes on.
    pub(crate) fn answering(&self, function: &str, new: &Digest) -> Vec<Answering> {
        let known = *lock(&self.0.accepts_nothing);
        if known.is_some_and(|known| self.is_current(&known)) {
            return Vec::new();
        }
        let generation = self.generation();
        if self.with_index(Index::accepts_nothing).unwrap_or(false) {
            *lock(&self.0.accepts_nothing) = generation;
            return Vec::new();
        }
        self.with_index(|index| index.answering(function, new))
            .unwrap_or_default()
    }

    /// The state now of what a result rests on; none where it is accepted no more.
    pub(crate) fn accepted_now(&self, subject: &Subject) -> Option<State> {
        let Subject::Accepted(function, old, new) = subject else {
            return None;
        };
        let found = self.with_index(|index| index.is_accepted(function, old, new));
        let is_accepted = found.unwrap_or(false);
        is_accepted.then(|| State::Is(acceptance::id(function, old, new)))
    }

    /// The first accepted change that a result rests on and that is accepted no more.
    pub(crate) fn revoked<'w>(&self, world: &'w World) -> Option<&'w Observation> {
        let mut accepted = world.accepted();
        accepted.find(|seen| self.accepted_now(&seen.subject) != Some(seen.state))
    }

    /// The accepted changes that a result rests on.
    pub(crate) fn accepted_for(&self, world: &World) -> Vec<Acceptance> {
        let ids = world.accepted_by();
        if ids.is_empty() {
            return Vec::new();
        }
        let mut all = self.acceptances().unwrap_or_default();
        all.retain(|known| ids.contains(&known.id()));
        all
    }

    /// The generation now, if all is accepted in it that a result rests on: only then may the result
    /// be kept in memory.
    pub(crate) fn generation_of(&self, world: &World) -> Option<Generation> {
        let generation = self.generation()?;
        self.revoked(world).is_none().then_some(generation)
    }
}
