//! `rememo pin` and `rememo unpin`: what is never to go for want of room.

use std::collections::BTreeSet;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::rm::entries;
use crate::args::{Selection, Shared};
use crate::failure::Failure;
use crate::opened::open;
use crate::page::{Page, USUAL};
use crate::report::Report;
use crate::select::selected;

/// What was pinned, or let go again.
#[derive(Serialize, JsonSchema)]
pub struct Pinning {
    /// Whether the entries are pinned now.
    pub pinned: bool,
    /// How many were not so before.
    pub changed: u64,
    /// How many were meant.
    pub entries: usize,
}

pub fn run(shared: &Shared, selection: &Selection, pinned: bool) -> Result<Pinning, Failure> {
    let store = open(shared)?;
    let found = selected(&store, selection)?;
    let keys: BTreeSet<_> = found.iter().map(|listed| listed.key).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    Ok(Pinning {
        pinned,
        changed: store.pin(&keys, pinned)?,
        entries: found.len(),
    })
}

impl Report for Pinning {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let done = if self.pinned { "pinned" } else { "unpinned" };
        let changed = usize::try_from(self.changed).unwrap_or(usize::MAX);
        let already = self.entries.saturating_sub(changed);
        let rest = match already {
            0 => String::new(),
            _ => format!(" ({already} were so already)"),
        };
        page.line(USUAL, &format!("{done} {}{rest}", entries(changed)))
    }
}
