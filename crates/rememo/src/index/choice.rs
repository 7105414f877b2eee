//! What whoever decides for himself what goes chooses among; and letting go of what was chosen.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{Index, Listed, Removed};
use crate::digest::Digest;
use crate::evict::Worth;

/// Entries that go in one transaction at most, so that others get their turn.
const AT_ONCE: usize = 256;

/// What is stored under a call key, and may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The call key.
    pub key: Digest,
    /// The identity of the function.
    pub function: String,
    /// What there is to lose.
    pub worth: Worth,
    /// When the last of it was stored, in nanoseconds of Unix time.
    pub created_ns: u64,
}

impl Candidate {
    fn add(&mut self, other: &Self) {
        let (worth, more) = (&mut self.worth, &other.worth);
        worth.size = worth.size.saturating_add(more.size);
        worth.cost_ns = worth.cost_ns.saturating_add(more.cost_ns);
        worth.uses = worth.uses.saturating_add(more.uses);
        self.created_ns = self.created_ns.max(other.created_ns);
    }
}

impl Index {
    /// All that may go, oldest first. Several results under one call key are one.
    pub(crate) fn candidates(&self) -> heed::Result<Vec<Candidate>> {
        let mut found: HashMap<Digest, Candidate> = HashMap::new();
        self.each(&mut |listed| {
            let Listed {
                key, entry, worth, ..
            } = listed;
            if !entry.pinned {
                let candidate = Candidate {
                    key,
                    function: entry.function,
                    worth,
                    created_ns: entry.created_ns,
                };
                match found.get_mut(&key) {
                    Some(other) => other.add(&candidate),
                    None => drop(found.insert(key, candidate)),
                }
            }
            ControlFlow::Continue(())
        })?;
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_unstable_by_key(|candidate| (candidate.created_ns, candidate.key.0));
        Ok(found)
    }

    /// Lets go of what is stored under call keys, but for what is never to go, and adds what that
    /// took away to `removed`.
    pub(crate) fn evict(&self, calls: &[Digest], removed: &mut Removed) -> heed::Result<()> {
        for calls in calls.chunks(AT_ONCE) {
            let mut txn = self.write_txn()?;
            let mut order = self.order(&txn)?;
            for call in calls {
                for key in self.keys_under(&txn, &call.0, usize::MAX)? {
                    order.evict_chosen(&mut txn, &key, removed)?;
                }
            }
            order.save(&mut txn)?;
            txn.commit()?;
        }
        Ok(())
    }
}
