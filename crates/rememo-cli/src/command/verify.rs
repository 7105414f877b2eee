//! `rememo verify`: whether all that is stored is what was written, and mending it.

use std::io;

use rememo::measure::bytes_to_read;
use rememo::{Integrity, Orphans};
use schemars::JsonSchema;
use serde::Serialize;

use super::rm::entries;
use crate::args::{Shared, Verify};
use crate::failure::{Failure, NOT_SO};
use crate::opened::open;
use crate::page::{BAD, FAINT, GOOD, Page, USUAL};
use crate::progress::Progress;
use crate::report::Report;

/// What was found when everything was read.
#[derive(Serialize, JsonSchema)]
pub struct Verification {
    /// Whether nothing was wrong.
    pub whole: bool,
    /// Whether what was wrong was mended.
    pub repaired: bool,
    /// Entries that were looked at, those that are not whole included.
    pub entries: u64,
    /// Entries that cannot be read.
    pub unreadable: u64,
    /// Entries whose result is not what was written.
    pub damaged: u64,
    /// Entries whose result is not there.
    pub lost: u64,
    /// Counts and references that are not as they should be.
    pub miscounted: u64,
    /// Files that nothing refers to. They do no harm; `rememo gc` removes them.
    pub orphans: Strays,
}

/// Files that nothing refers to.
#[derive(Serialize, JsonSchema)]
pub struct Strays {
    /// How many.
    pub files: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

impl From<Orphans> for Strays {
    fn from(Orphans { files, bytes }: Orphans) -> Self {
        Self { files, bytes }
    }
}

impl Strays {
    /// What they are, in words.
    pub fn told(&self) -> String {
        let size = bytes_to_read(self.bytes);
        match self.files {
            1 => format!("1 file that nothing refers to, {size},"),
            files => format!("{files} files that nothing refers to, {size},"),
        }
    }
}

pub fn run(shared: &Shared, args: &Verify) -> Result<Verification, Failure> {
    let store = open(shared)?;
    let progress = Progress::of_entries("verifying", store.usage()?.entries);
    let found = store.verify_and_tell(args.repair, |done| progress.reached(done))?;
    Ok(found.into())
}

impl From<Integrity> for Verification {
    fn from(found: Integrity) -> Self {
        Self {
            whole: found.is_whole(),
            repaired: found.repaired,
            entries: found.entries,
            unreadable: found.unreadable,
            damaged: found.damaged,
            lost: found.lost,
            miscounted: found.miscounted,
            orphans: found.orphans.into(),
        }
    }
}

impl Report for Verification {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let count = |of: u64| entries(usize::try_from(of).unwrap_or(usize::MAX));
        page.line(USUAL, &format!("looked at {}", count(self.entries)))?;
        let wrong = [
            (self.unreadable, "cannot be read"),
            (self.damaged, "with results that are not what was written"),
            (self.lost, "without their results"),
        ];
        for (number, how) in wrong.iter().filter(|(number, _)| *number > 0) {
            page.marked(BAD, "wrong", &format!("{} {how}", count(*number)))?;
        }
        if self.miscounted > 0 {
            let told = format!("counts and references: {}", self.miscounted);
            page.marked(BAD, "wrong", &told)?;
        }
        if self.orphans.files > 0 {
            let told = format!("{} do no harm", self.orphans.told());
            page.marked(FAINT, "note ", &told)?;
            page.line(FAINT, "       `rememo gc` removes them")?;
        }
        match (self.whole, self.repaired) {
            (true, _) => page.line(GOOD, "all is whole"),
            (false, true) => page.line(
                GOOD,
                "mended: what was not whole is gone, and its calls run again",
            ),
            (false, false) => page.line(
                USUAL,
                "calls whose results are not whole run again; `rememo verify --repair` removes \
                 them now",
            ),
        }
    }

    fn status(&self) -> u8 {
        if self.whole || self.repaired {
            0
        } else {
            NOT_SO
        }
    }
}
