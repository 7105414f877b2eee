//! `rememo rm`: removes entries.

use std::collections::BTreeSet;
use std::io;

use rememo::measure::bytes_to_read;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Rm, Shared};
use crate::command::ls::Item;
use crate::failure::Failure;
use crate::opened::open;
use crate::page::{Page, USUAL};
use crate::progress::Progress;
use crate::report::Report;
use crate::select::{all, selected};

/// What was removed, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Removal {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// The entries.
    pub entries: Vec<Item>,
    /// Bytes of their results.
    pub bytes: u64,
}

pub fn run(shared: &Shared, args: &Rm) -> Result<Removal, Failure> {
    let store = open(shared)?;
    let found = if args.all {
        all(&store, |_| true)?
    } else {
        selected(&store, &args.selection)?
    };
    if !args.dry_run {
        if args.all {
            store.clear_all()?;
        } else {
            let keys: BTreeSet<_> = found.iter().map(|listed| listed.key).collect();
            let progress = Progress::of_entries("removing", keys.len() as u64);
            // One at a time: whoever interrupts finds the store whole, less what went already.
            for key in keys {
                store.remove(&key)?;
                progress.moved(1);
            }
        }
    }
    Ok(Removal {
        dry_run: args.dry_run,
        bytes: found.iter().map(|listed| listed.entry.size).sum(),
        entries: found.iter().map(Item::from).collect(),
    })
}

impl Report for Removal {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        if self.dry_run && !self.entries.is_empty() {
            page.table(&super::ls::table_of_entries(&self.entries))?;
        }
        let what = entries(self.entries.len());
        let size = bytes_to_read(self.bytes);
        let told = match (self.dry_run, self.entries.is_empty()) {
            (_, true) => "nothing to remove".to_owned(),
            (true, _) => format!("would remove {what}, {size}"),
            (false, _) => format!("removed {what}, {size}"),
        };
        page.line(USUAL, &told)
    }
}

/// A number of entries, in words.
pub fn entries(count: usize) -> String {
    if count == 1 {
        "1 entry".to_owned()
    } else {
        format!("{count} entries")
    }
}
