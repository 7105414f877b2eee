//! `rememo diff`: what differs between what two results were made of.

use std::io;

use rememo::{Listed, Store, changes};
use schemars::JsonSchema;
use serde::Serialize;

use crate::altered::Altered;
use crate::args::{Diff, Shared};
use crate::command::ls::Item;
use crate::failure::Failure;
use crate::moment::ago;
use crate::opened::open;
use crate::page::{FAINT, Page, USUAL};
use crate::report::Report;
use crate::select::{all, matches, no_such};

/// What differs between two entries.
#[derive(Serialize, JsonSchema)]
pub struct Difference {
    /// The one.
    pub old: Item,
    /// The other.
    pub new: Item,
    /// What differs from the one to the other.
    pub changes: Vec<Altered>,
    #[serde(skip)]
    ages: [u64; 2],
}

pub fn run(shared: &Shared, args: &Diff) -> Result<Difference, Failure> {
    let store = open(shared)?;
    let (old, new) = match &args.new {
        Some(new) => (latest(&store, &args.old)?, latest(&store, new)?),
        None => two_latest(&store, &args.old)?,
    };
    let mut found = Vec::new();
    if old.entry.state != new.entry.state {
        let parts = |listed: &Listed| -> Result<_, Failure> {
            let tree = store.state_of(&listed.entry)?;
            Ok(tree.map(|tree| tree.parts).unwrap_or_default())
        };
        found.extend(changes(&parts(&old)?, &parts(&new)?));
    }
    if old.entry.argument_digest != new.entry.argument_digest {
        found.extend(changes(&old.entry.arguments, &new.entry.arguments));
    }
    Ok(Difference {
        old: Item::from(&old),
        new: Item::from(&new),
        changes: found.iter().map(Altered::from).collect(),
        ages: [old.entry.created_ns, new.entry.created_ns],
    })
}

/// The entries that a word means, the newest first.
fn meant(store: &Store, word: &str) -> Result<Vec<Listed>, Failure> {
    let mut found = all(store, |listed| matches(word, listed))?;
    found.sort_by_key(|listed| std::cmp::Reverse(listed.entry.created_ns));
    if found.is_empty() {
        return Err(no_such(store, word));
    }
    Ok(found)
}

fn latest(store: &Store, word: &str) -> Result<Listed, Failure> {
    Ok(meant(store, word)?.swap_remove(0))
}

/// The newest entry, and the newest that was made of something else.
fn two_latest(store: &Store, word: &str) -> Result<(Listed, Listed), Failure> {
    let mut found = meant(store, word)?;
    let new = found.remove(0);
    let made_otherwise = |listed: &Listed| {
        listed.entry.function == new.entry.function && listed.entry.state != new.entry.state
    };
    match found.into_iter().find(made_otherwise) {
        Some(old) => Ok((old, new)),
        None => Err(Failure::NoSuch(format!(
            "all that is stored for '{word}' was made of the same; name two entries to compare"
        ))),
    }
}

impl Report for Difference {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let [old, new] = [(&self.old, self.ages[0]), (&self.new, self.ages[1])]
            .map(|(item, at)| format!("{} {}, stored {}", &item.key[..12], item.function, ago(at)));
        page.line(FAINT, &format!("from {old}"))?;
        page.line(FAINT, &format!("to   {new}"))?;
        for change in &self.changes {
            change.write(page)?;
        }
        if self.changes.is_empty() {
            page.line(
                USUAL,
                "nothing differs: function, what it uses, and arguments are the same",
            )?;
        }
        Ok(())
    }
}
