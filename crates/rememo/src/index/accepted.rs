//! Changes of code that were accepted: for a function and its new state, the old states whose results
//! answer for it.

use std::collections::HashSet;

use heed::{RoTxn, RwTxn};

use super::order::Class;
use super::schema::{function_prefix, seal, unseal};
use super::{ACCEPTED, Index};
use crate::acceptance::{Acceptance, Answering};
use crate::digest::Digest;

/// How many are kept. With more, those go that were accepted the longest ago.
const MOST: u64 = 1000;
/// How many states at most answer for one: each is a look at the index before a call runs.
const ANSWERING: usize = 16;
/// Entries of a function that are looked at, the newest first: it is done while others wait.
const LOOKED_AT: usize = 10_000;

fn prefix(function: &str, new: &Digest) -> [u8; 48] {
    let mut prefix = [0; 48];
    prefix[..16].copy_from_slice(&function_prefix(function));
    prefix[16..].copy_from_slice(&new.0);
    prefix
}

fn row(function: &str, old: &Digest, new: &Digest) -> [u8; 80] {
    let mut row = [0; 80];
    row[..48].copy_from_slice(&prefix(function, new));
    row[48..].copy_from_slice(&old.0);
    row
}

/// The acceptance in a row, unless it is damaged, or of another row.
fn read(key: &[u8], sealed: &[u8]) -> Option<Acceptance> {
    let read: Acceptance = unseal(sealed)?;
    (row(&read.function, &read.old, &read.new) == *key).then_some(read)
}

impl Index {
    /// Takes note of an acceptance. Results of the old state do not go before others any more.
    pub(crate) fn accept(&self, acceptance: &Acceptance) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        let Acceptance {
            function, old, new, ..
        } = acceptance;
        let key = row(function, old, new);
        self.tables[ACCEPTED].put(&mut txn, &key, &seal(acceptance)?)?;
        if self.tables[ACCEPTED].len(&txn)? > MOST {
            self.forget_oldest_acceptance(&mut txn)?;
        }
        let answering = self.answering_in(&txn, function, new)?;
        let states: HashSet<_> = answering.iter().map(|known| known.state).collect();
        let keys = self.keys_of(&txn, function)?.take(LOOKED_AT);
        let mut lifted = Vec::new();
        for key in keys.collect::<heed::Result<Vec<_>>>()? {
            let entry = self.entry(&txn, &key)?;
            lifted.extend(entry.filter(|it| states.contains(&it.state)).map(|_| key));
        }
        self.classify(&mut txn, &lifted, Class::Usual)?;
        txn.commit()
    }

    fn forget_oldest_acceptance(&self, txn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut oldest: Option<(u64, Vec<u8>)> = None;
        for row in self.tables[ACCEPTED].iter(txn)? {
            let (key, sealed) = row?;
            let at = read(key, sealed).map_or(0, |known| known.at_ns);
            if oldest.as_ref().is_none_or(|(least, _)| at < *least) {
                oldest = Some((at, key.to_vec()));
            }
        }
        if let Some((_, key)) = oldest {
            self.tables[ACCEPTED].delete(txn, &key)?;
        }
        Ok(())
    }

    /// Forgets an acceptance; whether there was one.
    pub(crate) fn revoke(&self, acceptance: &Acceptance) -> heed::Result<bool> {
        let mut txn = self.write_txn()?;
        let key = row(&acceptance.function, &acceptance.old, &acceptance.new);
        let was_there = self.tables[ACCEPTED].delete(&mut txn, &key)?;
        txn.commit()?;
        Ok(was_there)
    }

    /// All acceptances, the latest first.
    pub(crate) fn acceptances(&self) -> heed::Result<Vec<Acceptance>> {
        let txn = self.env.read_txn()?;
        let mut found = Vec::new();
        for row in self.tables[ACCEPTED].iter(&txn)? {
            let (key, sealed) = row?;
            found.extend(read(key, sealed));
        }
        found.sort_by_key(|known| std::cmp::Reverse(known.at_ns));
        Ok(found)
    }

    /// Whether results of a function's one state are accepted for the other.
    pub(crate) fn is_accepted(
        &self,
        function: &str,
        old: &Digest,
        new: &Digest,
    ) -> heed::Result<bool> {
        let txn = self.env.read_txn()?;
        let key = row(function, old, new);
        let sealed = self.tables[ACCEPTED].get(&txn, &key)?;
        Ok(sealed.is_some_and(|sealed| read(&key, sealed).is_some()))
    }

    /// The states of a function whose results answer for one that it is in: what was accepted last
    /// comes first, and what is accepted for those comes after them.
    pub(crate) fn answering(&self, function: &str, new: &Digest) -> heed::Result<Vec<Answering>> {
        let txn = self.env.read_txn()?;
        self.answering_in(&txn, function, new)
    }

    /// Whether nothing at all is accepted.
    pub(crate) fn accepts_nothing(&self) -> heed::Result<bool> {
        let txn = self.env.read_txn()?;
        self.tables[ACCEPTED].is_empty(&txn)
    }

    pub(super) fn answering_in(
        &self,
        txn: &RoTxn<'_>,
        function: &str,
        new: &Digest,
    ) -> heed::Result<Vec<Answering>> {
        let mut answering: Vec<Answering> = Vec::new();
        let mut links = self.accepted_for(txn, function, new)?;
        let mut by = Vec::new();
        let mut at = 0;
        loop {
            for link in links {
                let is_known = answering.iter().any(|known| known.state == link.old);
                if link.old == *new || is_known || answering.len() == ANSWERING {
                    continue;
                }
                answering.push(Answering {
                    state: link.old,
                    by: [by.clone(), vec![link]].concat(),
                });
            }
            let Some(next) = answering.get(at) else {
                return Ok(answering);
            };
            at += 1;
            by.clone_from(&next.by);
            links = self.accepted_for(txn, function, &next.state)?;
        }
    }

    /// What is accepted for a state itself, the latest first.
    fn accepted_for(
        &self,
        txn: &RoTxn<'_>,
        function: &str,
        new: &Digest,
    ) -> heed::Result<Vec<Acceptance>> {
        let mut found = Vec::new();
        for row in self.tables[ACCEPTED].prefix_iter(txn, &prefix(function, new))? {
            let (key, sealed) = row?;
            found.extend(read(key, sealed));
        }
        found.sort_by_key(|known| std::cmp::Reverse(known.at_ns));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Keeper;

    fn index() -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        Keeper::default().make_dir(&here.join("index")).unwrap();
        let (index, _) = Index::open(&here, Keeper::default(), false).unwrap();
        (dir, index)
    }

    fn accepted(old: &str, new: &str, at_ns: u64) -> Acceptance {
        Acceptance {
            function: "m.f".into(),
            old: Digest::of(old.as_bytes()),
            new: Digest::of(new.as_bytes()),
            reason: format!("{old} to {new}"),
            at_ns,
            changes: Vec::new(),
        }
    }

    fn reasons(index: &Index, function: &str, new: &str) -> Vec<Vec<String>> {
        let answering = index.answering(function, &Digest::of(new.as_bytes()));
        let reasons = |known: Answering| known.by.into_iter().map(|by| by.reason).collect();
        answering.unwrap().into_iter().map(reasons).collect()
    }

    #[test]
    fn what_answers_is_followed_from_state_to_state_and_ends() {
        let (_dir, index) = index();
        for (at, (old, new)) in [("a", "b"), ("b", "c"), ("x", "c"), ("c", "a")]
            .into_iter()
            .enumerate()
        {
            index.accept(&accepted(old, new, at as u64)).unwrap();
        }
        let whole = [vec!["x to c"], vec!["b to c"], vec!["b to c", "a to b"]];
        assert_eq!(reasons(&index, "m.f", "c"), whole);
        assert!(reasons(&index, "m.g", "c").is_empty());
        assert!(index.revoke(&accepted("b", "c", 0)).unwrap());
        assert!(!index.revoke(&accepted("b", "c", 0)).unwrap());
        assert_eq!(reasons(&index, "m.f", "c"), [["x to c"]]);
    }

    #[test]
    fn so_many_are_kept_and_followed() {
        let (_dir, index) = index();
        for at in 0..=MOST {
            let new = Digest::of(&at.to_le_bytes());
            let old = Digest::of(&(at + 1).to_le_bytes());
            let link = Acceptance {
                old,
                new,
                ..accepted("", "", at)
            };
            index.accept(&link).unwrap();
        }
        let kept = index.acceptances().unwrap();
        assert_eq!(kept.len() as u64, MOST);
        assert_eq!((kept[0].at_ns, kept[kept.len() - 1].at_ns), (MOST, 1));
        let answering = index.answering("m.f", &Digest::of(&1_u64.to_le_bytes()));
        assert_eq!(answering.unwrap().len(), ANSWERING);
    }
}
