//! Entering results again whose entries were lost: what is written with each result says all that
//! its entry said.

use heed::RwTxn;
use serde::{Deserialize, Serialize};

use super::cleared::Mark;
use super::order::Order;
use super::schema::{Entry, StoredValue, entry_key, seal};
use super::{Index, Removed, STATE_REFS, STATES};
use crate::digest::Digest;
use crate::state::StateTree;

/// What is written with a result besides the result itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Birth {
    /// The call key.
    pub call: Digest,
    /// The entry, but for where its value is and what that takes.
    pub entry: Entry,
    /// What had been cleared by then.
    pub mark: Mark,
}

impl Birth {
    /// The entry, now that its value is in an object.
    pub(crate) fn settled(mut self, object: Digest, size: u64) -> Self {
        self.entry.value = StoredValue::Object(object);
        self.entry.size = size;
        self
    }
}

impl Index {
    /// How much has been cleared by now.
    pub(crate) fn mark(&self) -> heed::Result<Mark> {
        Ok(self.cleared.mark()?)
    }

    /// Enters results again: what that took away, and how many were entered. One that was cleared
    /// since it was written is not, nor one that a newer result took the place of, nor one whose
    /// object, as told by `present`, is gone.
    pub(crate) fn adopt(
        &self,
        births: &[Birth],
        present: &dyn Fn(&Digest) -> bool,
    ) -> heed::Result<(Removed, u64)> {
        let mut txn = self.write_txn()?;
        let verdicts = self.cleared.read();
        let mut removed = Removed::default();
        let mut order = self.order(&txn)?;
        let mut adopted = 0;
        for birth in births {
            let good = verdicts.spare(birth) && birth.entry.object().is_some_and(present);
            if good && self.enter_again(&mut txn, &mut order, birth, &mut removed)? {
                adopted += 1;
            }
        }
        order.keep_within(&mut txn, &mut removed)?;
        order.save(&mut txn)?;
        txn.commit()?;
        Ok((removed, adopted))
    }

    /// Whether there are states of which the parts are not known.
    pub(crate) fn lacks_states(&self) -> heed::Result<bool> {
        let txn = self.env.read_txn()?;
        Ok(self.tables[STATES].len(&txn)? < self.tables[STATE_REFS].len(&txn)?)
    }

    /// Stores the parts of a state that results have, if they are not known.
    pub(crate) fn learn(&self, tree: &StateTree) -> heed::Result<()> {
        let mut txn = self.write_txn()?;
        let state = &tree.digest.0;
        let is_had = self.tables[STATE_REFS].get(&txn, state)?.is_some();
        if is_had && self.tables[STATES].get(&txn, state)?.is_none() {
            let mut order = self.order(&txn)?;
            let sealed = seal(tree)?;
            self.tables[STATES].put(&mut txn, state, &sealed)?;
            order.more_in_index(sealed.len());
            order.save(&mut txn)?;
        }
        txn.commit()
    }

    fn enter_again(
        &self,
        txn: &mut RwTxn<'_>,
        order: &mut Order<'_>,
        birth: &Birth,
        removed: &mut Removed,
    ) -> heed::Result<bool> {
        let Birth { call, entry, .. } = birth;
        let key = entry_key(call, entry.created_ns);
        let mut gone = vec![key];
        gone.extend(self.replaced_by(txn, call, entry)?);
        for key in &gone {
            let there = self.entry(txn, key)?;
            if there.is_some_and(|there| there.created_ns >= entry.created_ns) {
                return Ok(false);
            }
        }
        self.enter(txn, order, (call, entry), (None, false), removed)?;
        Ok(true)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::access::Keeper;
    use crate::deps::World;
    use crate::index::Put;

    pub(crate) fn birth(call: &[u8], mark: Mark) -> Birth {
        Birth {
            call: Digest::of(call),
            entry: Entry {
                function: "m.f".into(),
                state: Digest::of(b"state"),
                arguments: Vec::new(),
                argument_digest: Digest::of(call),
                value: StoredValue::Object(Digest::of(call)),
                compute_ns: 7,
                encode_ns: 0,
                size: 1000,
                codec: 1,
                created_ns: 10,
                producer: "tests".into(),
                pinned: false,
                tag: None,
                world: World::default(),
            },
            mark,
        }
    }

    fn index() -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        Keeper::default().make_dir(&here.join("index")).unwrap();
        let (index, _) = Index::open(&here, Keeper::default(), false).unwrap();
        (dir, index)
    }

    fn adopted(index: &Index, birth: &Birth) -> u64 {
        let (_, adopted) = index.adopt(std::slice::from_ref(birth), &|_| true).unwrap();
        assert_eq!(index.miscounted().unwrap(), 0);
        adopted
    }

    #[test]
    fn an_entry_is_what_it_was() {
        let (_dir, index) = index();
        let it = birth(b"call", index.mark().unwrap());
        assert_eq!(adopted(&index, &it), 1);
        assert_eq!(adopted(&index, &it), 0, "twice");
        let absent = birth(b"other", it.mark);
        assert_eq!(index.adopt(&[absent], &|_| false).unwrap().1, 0);
        assert_eq!(index.get(&it.call).unwrap().entries, [it.entry]);
    }

    #[test]
    fn nothing_takes_the_place_of_what_is_newer() {
        let (_dir, index) = index();
        let old = birth(b"call", index.mark().unwrap());
        let mut new = old.clone();
        new.entry.created_ns += 1;
        assert_eq!(adopted(&index, &new), 1);
        assert_eq!(adopted(&index, &old), 0);
        assert_eq!(index.get(&old.call).unwrap().entries, [new.entry]);
    }

    #[test]
    fn what_was_replaced_is_not_entered_again() {
        let (_dir, index) = index();
        let old = birth(b"call", index.mark().unwrap());
        adopted(&index, &old);
        let tree = StateTree {
            digest: old.entry.state,
            parts: Vec::new(),
        };
        let new = Entry {
            created_ns: 11,
            value: StoredValue::Inline(vec![1]),
            ..old.entry.clone()
        };
        let put = Put {
            call: &old.call,
            entry: &new,
            state: &tree,
            is_latest: true,
        };
        index.put(&[put], &|_| true).unwrap();
        // As when the index is lost, and with it the new result, which it held.
        let mut txn = index.env.write_txn().unwrap();
        for table in index.tables {
            table.clear(&mut txn).unwrap();
        }
        txn.commit().unwrap();
        assert_eq!(adopted(&index, &old), 0);
    }

    type Way<'a> = &'a dyn Fn(&mut Removed) -> heed::Result<()>;

    #[test]
    fn what_was_cleared_is_not_entered_again() {
        let (_dir, index) = index();
        let it = birth(b"call", index.mark().unwrap());
        let ways: [Way<'_>; 3] = [
            &|removed| index.remove(&it.call, removed),
            &|removed| index.clear_function("m.f", removed),
            &|_| index.clear_all().map(drop),
        ];
        for clear in ways {
            let it = birth(b"call", index.mark().unwrap());
            assert_eq!(adopted(&index, &it), 1);
            clear(&mut Removed::default()).unwrap();
            assert_eq!(adopted(&index, &it), 0);
        }
        let mut it = birth(b"call", index.mark().unwrap());
        it.entry.tag = Some("tag".into());
        index.clear_tag("tag", &mut Removed::default()).unwrap();
        assert_eq!(adopted(&index, &it), 0, "never entered, and cleared");
    }

    #[test]
    fn the_parts_of_a_state_are_stored_once_they_are_known() {
        let (_dir, index) = index();
        let it = birth(b"call", index.mark().unwrap());
        let tree = StateTree {
            digest: it.entry.state,
            parts: Vec::new(),
        };
        index.learn(&tree).unwrap();
        assert!(!index.has_state(&tree.digest).unwrap(), "no result has it");
        adopted(&index, &it);
        assert!(index.lacks_states().unwrap());
        index.learn(&tree).unwrap();
        assert!(index.has_state(&tree.digest).unwrap());
        assert!(!index.lacks_states().unwrap());
        assert_eq!(index.miscounted().unwrap(), 0);
        index.remove(&it.call, &mut Removed::default()).unwrap();
        assert_eq!(index.usage().unwrap().bytes(), 0);
    }

    #[test]
    fn they_come_with_the_next_result_too() {
        let (_dir, index) = index();
        let it = birth(b"call", index.mark().unwrap());
        adopted(&index, &it);
        let state = it.entry.state;
        let tree = StateTree {
            digest: state,
            parts: Vec::new(),
        };
        let put = Put {
            call: &Digest::of(b"other"),
            entry: &it.entry,
            state: &tree,
            is_latest: true,
        };
        index.put(&[put], &|_| true).unwrap();
        assert!(index.has_state(&state).unwrap());
        assert_eq!(index.miscounted().unwrap(), 0);
    }
}
