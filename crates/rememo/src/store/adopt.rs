//! Results whose entries were lost: by a process that was killed before it could enter them, or with
//! the whole index. What is written with each says what its entry said, so it is entered again,
//! unless it was cleared since.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Store, StoreError};
use crate::digest::Digest;
use crate::event::Event;
use crate::index::schema::unseal;
use crate::index::{Birth, Index, Loss};
use crate::lock::read;
use crate::object::Placed;
use crate::state::StateTree;

/// Results that are entered again in one transaction at most.
const AT_ONCE: usize = 256;
/// Whoever is about to enter a result does so sooner.
const QUIET: Duration = Duration::from_secs(2);

impl Store {
    /// Enters a result again that was written for a call key and is not in the index; whether there
    /// was one.
    pub(crate) fn adopt(&self, call: &Digest) -> bool {
        if !self.0.objects.is_pending(call) || read(&self.0.gate).copied.is_some() {
            return false;
        }
        match self.adopt_pending(call) {
            Ok(adopted) => {
                self.told_of_adopted(u64::from(adopted));
                adopted
            }
            Err(_) => false, // A miss, then; and tried again the next time.
        }
    }

    /// Enters again what can be of what was lost while the store was not open.
    pub(super) fn recover(&self) {
        if self.0.recovering.swap(true, Ordering::Acquire) {
            return;
        }
        let recovered = self.try_recover();
        self.look_for_states();
        self.0.recovering.store(false, Ordering::Release);
        if let Err(error) = recovered {
            let what = format!("results whose entries were lost could not be looked for: {error}");
            self.degraded(Some(what));
        }
    }

    fn try_recover(&self) -> Result<(), StoreError> {
        let mut adopted = self.adopt_all_pending()?;
        if let Some(loss) = Loss::of(self.dir(), self.0.keeper)? {
            adopted += self.adopt_unreferenced()?;
            loss.made_good()?;
        }
        self.told_of_adopted(adopted);
        Ok(())
    }

    /// Enters again whatever can be; how many results.
    pub(super) fn adopt_orphans(&self) -> Result<u64, StoreError> {
        let adopted = self.adopt_all_pending()? + self.adopt_unreferenced()?;
        self.told_of_adopted(adopted);
        Ok(adopted)
    }

    fn told_of_adopted(&self, entries: u64) {
        if entries > 0 {
            self.tell(Event::Adopted { entries });
        }
    }

    fn adopt_all_pending(&self) -> Result<u64, StoreError> {
        let mut adopted = 0;
        for call in self.0.objects.pending(QUIET)? {
            adopted += u64::from(self.adopt_pending(&call)?);
        }
        Ok(adopted)
    }

    fn adopt_pending(&self, call: &Digest) -> Result<bool, StoreError> {
        let birth = match self.0.objects.place_pending(call) {
            Ok(placed) => birth_of(&placed).filter(|birth| birth.call == *call),
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            // Not a result.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            Err(error) => return Err(error.into()),
        };
        let adopted = match birth {
            Some(birth) => self.enter_again(&[birth])?,
            None => 0,
        };
        self.0.objects.landed(call);
        Ok(adopted > 0)
    }

    fn adopt_unreferenced(&self) -> Result<u64, StoreError> {
        let mut adopted = 0;
        for byte in 0..=u8::MAX {
            for ids in self.orphans_beginning_with(byte)?.chunks(AT_ONCE) {
                let placed = ids.iter().filter_map(|id| self.0.objects.placed(id).ok());
                let births: Vec<_> = placed.filter_map(|placed| birth_of(&placed)).collect();
                if !births.is_empty() {
                    adopted += self.enter_again(&births)?;
                }
            }
        }
        Ok(adopted)
    }

    /// Whether the parts of states were lost that results have which were entered again.
    pub(crate) fn lacks_states(&self) -> bool {
        self.0.lacks_states.load(Ordering::Relaxed)
    }

    /// Takes note of whether the parts of states are missing.
    pub(super) fn look_for_states(&self) {
        let lacks = self.with_index(Index::lacks_states).unwrap_or(false);
        self.0.lacks_states.store(lacks, Ordering::Relaxed);
    }

    /// Stores the parts of a state if they were lost.
    pub(crate) fn learn(&self, tree: &StateTree) {
        // It can be learnt from the next hit, too.
        drop(self.with_index(|index| index.learn(tree)));
        self.look_for_states();
    }

    fn enter_again(&self, births: &[Birth]) -> Result<u64, StoreError> {
        let present = |id: &_| self.0.objects.contains(id);
        let (removed, adopted) = self.with_index(|index| index.adopt(births, &present))?;
        self.forget(&removed);
        self.look_for_states();
        Ok(adopted)
    }
}

fn birth_of(placed: &Placed) -> Option<Birth> {
    let birth: Birth = unseal(&placed.producer)?;
    Some(birth.settled(placed.id, placed.len))
}
