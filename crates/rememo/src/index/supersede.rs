//! Results of code that has changed since: the first to go when room is needed.

use std::collections::HashMap;

use heed::RwTxn;

use super::order::Class;
use super::schema::unseal;
use super::{Index, STATES};
use crate::digest::Digest;
use crate::state::{PartKind, StateTree};

/// Entries of a function that are looked at, the newest first: it is done while others wait.
const LOOKED_AT: usize = 10_000;

impl Index {
    /// Has the entries of a function go first that were made by other code than that of a state
    /// which is new.
    pub(super) fn demote_superseded(
        &self,
        txn: &mut RwTxn<'_>,
        function: &str,
        new: &StateTree,
    ) -> heed::Result<()> {
        let keys = self.keys_of(txn, function)?.take(LOOKED_AT);
        let keys = keys.collect::<heed::Result<Vec<_>>>()?;
        let mut known = HashMap::from([(new.digest, false)]);
        let answering = self.answering_in(txn, function, &new.digest)?;
        known.extend(answering.into_iter().map(|known| (known.state, false)));
        let mut superseded = Vec::new();
        for key in keys {
            let entry = self.entry(txn, &key)?;
            let Some(entry) = entry.filter(|entry| entry.function == function) else {
                continue;
            };
            let is_superseded = match known.get(&entry.state) {
                Some(known) => *known,
                None => self.supersedes(txn, new, &entry.state)?,
            };
            known.insert(entry.state, is_superseded);
            if is_superseded {
                superseded.push(key);
            }
        }
        self.classify(txn, &superseded, Class::Superseded)
    }

    fn supersedes(&self, txn: &RwTxn<'_>, new: &StateTree, old: &Digest) -> heed::Result<bool> {
        let old: Option<StateTree> = self.tables[STATES].get(txn, &old.0)?.and_then(unseal);
        Ok(old.is_some_and(|old| is_other_code(&old, new)))
    }
}

/// Whether a function's own code differs: not merely the values that it reads, nor what another
/// closure of the same code holds.
fn is_other_code(old: &StateTree, new: &StateTree) -> bool {
    let own = |tree: &StateTree| {
        let mut parts = tree.parts.iter();
        parts
            .find(|part| part.kind == PartKind::Function)
            .map(|part| part.digest)
    };
    own(old) != own(new)
}
