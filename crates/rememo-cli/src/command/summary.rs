//! `rememo` alone: what there is, on one screen.

use std::io;
use std::path::PathBuf;

use rememo::Stats as Counts;
use rememo::measure::bytes_to_read;
use schemars::JsonSchema;
use serde::Serialize;

use super::rm::entries;
use super::stats::{Row, by_function, table};
use crate::args::Shared;
use crate::failure::Failure;
use crate::opened::{Opened, look};
use crate::page::{FAINT, HEADING, Page, USUAL};
use crate::paths::as_text;
use crate::report::Report;

/// How many functions are told of.
const FUNCTIONS: usize = 10;

/// What there is.
#[derive(Serialize, JsonSchema)]
pub struct Summary {
    /// The cache's directory.
    #[serde(serialize_with = "as_text")]
    pub dir: PathBuf,
    /// Who says that it is there.
    pub origin: String,
    /// What is in it; none where there is no cache yet.
    pub contents: Option<Contents>,
}

/// What is in a cache.
#[derive(Serialize, JsonSchema)]
pub struct Contents {
    /// How many entries.
    pub entries: u64,
    /// Bytes that they take, those of the index included.
    pub bytes: u64,
    /// The most bytes that they may take.
    pub max_bytes: u64,
    /// Files that they take.
    pub files: u64,
    /// The most files that they may take.
    pub max_files: u64,
    /// The name of the policy by which they go when there is no more room.
    pub policy: String,
    /// Whether this process may not write to it.
    pub read_only: bool,
    /// What happened to all calls.
    pub total: Row,
    /// What happened to the calls of the functions that saved most.
    pub functions: Vec<Row>,
    /// How many other functions there are.
    pub more: usize,
}

pub fn run(shared: &Shared) -> Result<Summary, Failure> {
    let Opened { dir, origin, store } = look(shared)?;
    let Some(store) = store else {
        return Ok(Summary {
            dir,
            origin,
            contents: None,
        });
    };
    let (usage, bound) = (store.usage()?, store.bound()?);
    let days = store.stats(u32::MAX)?;
    let total = days
        .iter()
        .fold(Counts::default(), |sum, day| sum + day.stats);
    let mut functions = by_function(&days);
    let more = functions.len().saturating_sub(FUNCTIONS);
    functions.truncate(FUNCTIONS);
    let contents = Contents {
        entries: usage.entries,
        bytes: usage.bytes(),
        max_bytes: bound.bytes,
        files: usage.files,
        max_files: bound.files,
        policy: store.policy()?,
        read_only: store.is_read_only(),
        total: Row::new(None, None, total),
        functions,
        more,
    };
    Ok(Summary {
        dir,
        origin,
        contents: Some(contents),
    })
}

impl Report for Summary {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        page.line(HEADING, &self.dir.display().to_string())?;
        let Some(contents) = &self.contents else {
            return page.line(
                USUAL,
                "no cache here yet: it is made when a memoized function runs",
            );
        };
        contents.write(page)?;
        page.line(
            FAINT,
            "rememo ls lists what is stored; rememo --help says what else there is",
        )
    }
}

impl Contents {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let count = usize::try_from(self.entries).unwrap_or(usize::MAX);
        let (size, most) = (bytes_to_read(self.bytes), bytes_to_read(self.max_bytes));
        let read_only = if self.read_only {
            ", which can only be read here"
        } else {
            ""
        };
        page.line(
            USUAL,
            &format!("{}, {size} of at most {most}{read_only}", entries(count)),
        )?;
        if self.functions.is_empty() {
            return page.line(USUAL, "nothing was called yet");
        }
        page.line(USUAL, &self.total.in_words())?;
        page.line(USUAL, "")?;
        page.table(&table(&self.functions))?;
        if self.more > 0 {
            page.line(FAINT, &format!("and {} more: rememo stats", self.more))?;
        }
        page.line(USUAL, "")
    }
}
