//! The last calls of each function that were not answered, of all processes together.

use heed::RwTxn;

use super::schema::{function_prefix, seal, unseal};
use super::{Index, MISSES};
use crate::misses::{LastMiss, LastMisses};

/// Of how many functions they are kept. With more, those go that missed last the longest ago.
const FUNCTIONS: u64 = 1000;

impl Index {
    /// Adds to what is known of a function.
    pub(super) fn add_misses(
        &self,
        txn: &mut RwTxn<'_>,
        function: &str,
        fresh: LastMisses,
    ) -> heed::Result<()> {
        let key = function_prefix(function);
        let known = self.tables[MISSES].get(txn, &key)?.and_then(unseal);
        let mut misses: LastMisses = known.unwrap_or_default();
        misses.extend(fresh);
        self.tables[MISSES].put(txn, &key, &seal(&misses)?)?;
        if self.tables[MISSES].len(txn)? > FUNCTIONS {
            self.forget_old_misses(txn)?;
        }
        Ok(())
    }

    /// Removes a quarter, so that it need not be done soon again.
    fn forget_old_misses(&self, txn: &mut RwTxn<'_>) -> heed::Result<()> {
        let mut ages = Vec::new();
        for row in self.tables[MISSES].iter(txn)? {
            let (key, sealed) = row?;
            let misses: LastMisses = unseal(sealed).unwrap_or_default();
            ages.push((misses.latest_ns(), key.to_vec()));
        }
        ages.sort_unstable();
        for (_, key) in ages.iter().take(ages.len() / 4) {
            self.tables[MISSES].delete(txn, key)?;
        }
        Ok(())
    }

    /// Of one function, or of all, the latest first.
    pub(crate) fn last_misses(&self, function: Option<&str>) -> heed::Result<Vec<LastMiss>> {
        let txn = self.env.read_txn()?;
        let mut found = Vec::new();
        let mut add = |sealed: Option<&[u8]>| {
            let misses: LastMisses = sealed.and_then(unseal).unwrap_or_default();
            found.extend(misses.into_latest_first());
        };
        if let Some(function) = function {
            add(self.tables[MISSES].get(&txn, &function_prefix(function))?);
        } else {
            for row in self.tables[MISSES].iter(&txn)? {
                add(Some(row?.1));
            }
        }
        // Stable: those of one function stay in the order in which they were written down.
        found.sort_by_key(|miss| std::cmp::Reverse(miss.at_ns));
        Ok(found)
    }

    /// Forgets those of one function, or of all.
    pub(super) fn reset_misses(
        &self,
        txn: &mut RwTxn<'_>,
        function: Option<&str>,
    ) -> heed::Result<()> {
        match function {
            Some(function) => {
                self.tables[MISSES].delete(txn, &function_prefix(function))?;
                Ok(())
            }
            None => self.tables[MISSES].clear(txn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Keeper;
    use crate::event::Event;
    use crate::stats::{Fresh, Stats};

    fn fresh(function: &str) -> Fresh {
        let mut misses = LastMisses::default();
        misses.record(&Event::Bypassed {
            function: function.to_owned(),
            why: "no fingerprint".to_owned(),
            spent: crate::meter::Spent::default(),
        });
        Fresh {
            function: function.to_owned(),
            stats: Stats::default(),
            misses,
        }
    }

    #[test]
    fn those_of_a_bounded_number_of_functions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        Keeper::default().make_dir(&here.join("index")).unwrap();
        let (index, _) = Index::open(&here, Keeper::default(), true).unwrap();
        let all: Vec<_> = (0..=FUNCTIONS).map(|n| fresh(&format!("f{n}"))).collect();
        index.add_stats(1, &all).unwrap();
        index.add_stats(1, &[fresh("f7")]).unwrap();
        let kept = index.last_misses(None).unwrap();
        let most = usize::try_from(FUNCTIONS).unwrap();
        assert!((most / 2..=most).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0].function, "f7");
        assert_eq!(index.last_misses(Some("f7")).unwrap(), kept[..1]);
        index.reset_stats(Some("f7")).unwrap();
        assert!(index.last_misses(Some("f7")).unwrap().is_empty());
        index.reset_stats(None).unwrap();
        assert!(index.last_misses(None).unwrap().is_empty());
    }
}
