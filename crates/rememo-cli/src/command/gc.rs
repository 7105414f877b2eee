//! `rememo gc`: lets go of what is cheapest to lose and gives the room back, or says what would go.

use std::collections::BTreeMap;
use std::io;

use rememo::measure::{bytes_to_read, size};
use rememo::{Bound, Evicted, Orphans, Room, Store};
use schemars::JsonSchema;
use serde::Serialize;

use super::rm::entries;
use super::verify::Strays;
use crate::args::{Gc, Shared};
use crate::failure::Failure;
use crate::moment::{lasting, seconds};
use crate::opened::open;
use crate::page::{NAME, Page, Table, USUAL};
use crate::progress::Progress;
use crate::report::{Report, complain};

/// It is not copied for less.
const WORTH: u64 = 1 << 20;

/// What went, or would go.
#[derive(Serialize, JsonSchema)]
pub struct Collection {
    /// Whether nothing went.
    pub dry_run: bool,
    /// How many entries, by function.
    pub functions: Vec<Gone>,
    /// How many entries in all.
    pub entries: usize,
    /// Bytes that go free, as they are counted.
    pub bytes: u64,
    /// How long computing them again would take, in seconds.
    pub compute_seconds: f64,
    /// Bytes that the rest takes.
    pub bytes_left: u64,
    /// The most bytes that all may take, this time.
    pub max_bytes: u64,
    /// Files that nothing referred to, which go too.
    pub orphans: Strays,
    /// Bytes of the index's file that were free and go back to the disk; in a dry run, those that
    /// are free before anything went.
    pub index_bytes_returned: u64,
    #[serde(skip)]
    compute_ns: u64,
}

/// What goes of a function.
#[derive(Default, Serialize, JsonSchema)]
pub struct Gone {
    /// The identity of the function.
    pub function: String,
    /// How many entries.
    pub entries: usize,
    /// How many of them were made by code that has changed since.
    pub superseded: usize,
    /// Bytes that go free.
    pub bytes: u64,
    /// How long computing them again would take, in seconds.
    pub compute_seconds: f64,
    #[serde(skip)]
    compute_ns: u64,
}

pub fn run(shared: &Shared, args: &Gc) -> Result<Collection, Failure> {
    let room = Room {
        size: args.max_size.as_deref().map(size).transpose()?,
        files: args.max_files,
        ..Room::default()
    };
    let store = open(shared)?;
    let bound = store.bound_asked(&room)?;
    let going = let_go(&store, &room, bound, args.dry_run)?;
    let bytes = going.iter().map(|gone| gone.size).sum();
    let still_there = if args.dry_run { bytes } else { 0 };
    let bytes_left = store.usage()?.bytes().saturating_sub(still_there);
    let orphans = orphans(&store, args.dry_run)?;
    let index_bytes_returned = returned_by_index(&store, args.dry_run)?;
    let mut functions = BTreeMap::<&str, Gone>::new();
    for gone in &going {
        let row = functions.entry(&gone.function).or_default();
        row.entries += 1;
        row.superseded += usize::from(gone.superseded);
        row.bytes += gone.size;
        row.compute_ns += gone.compute_ns;
    }
    let compute_ns = functions.values().map(|row| row.compute_ns).sum();
    let rows = functions.into_iter().map(|(name, row)| Gone {
        function: name.to_owned(),
        compute_seconds: seconds(row.compute_ns),
        ..row
    });
    Ok(Collection {
        dry_run: args.dry_run,
        functions: rows.collect(),
        entries: going.len(),
        bytes,
        compute_seconds: seconds(compute_ns),
        bytes_left,
        max_bytes: bound.bytes,
        orphans: orphans.into(),
        index_bytes_returned,
        compute_ns,
    })
}

/// Lets go of entries until the rest keeps within a bound; those that went.
fn let_go(store: &Store, room: &Room, bound: Bound, is_dry: bool) -> Result<Vec<Evicted>, Failure> {
    let usage = store.usage()?;
    let too_much = usage.bytes().saturating_sub(bound.bytes);
    let progress = if too_much > 0 {
        Progress::of_bytes("letting go", too_much)
    } else {
        Progress::of_entries("letting go", usage.files.saturating_sub(bound.files))
    };
    let mut gone = Vec::new();
    let tell = |some: &[Evicted]| {
        progress.moved(if too_much > 0 {
            some.iter().map(|one| one.size).sum()
        } else {
            some.len() as u64
        });
        gone.extend_from_slice(some);
    };
    if is_dry {
        store.would_go(room, tell)?;
    } else {
        store.reduce_to(room, tell)?;
        // What went is counted, as if a program had let go of it.
        store.note_uses();
    }
    Ok(gone)
}

fn orphans(store: &Store, is_dry: bool) -> Result<Orphans, Failure> {
    let _progress = Progress::of_unknown("looking for files that nothing refers to");
    Ok(if is_dry {
        store.orphans()?
    } else {
        store.remove_orphans()?
    })
}

/// Gives what is free in the index back to the disk, unless it is too little; how much. Where that
/// cannot be done, all else was.
fn returned_by_index(store: &Store, is_dry: bool) -> Result<u64, Failure> {
    let expected = store.compaction()?.returned();
    if expected < WORTH || is_dry {
        return Ok(if expected < WORTH { 0 } else { expected });
    }
    let _progress = Progress::of_unknown("making the index smaller");
    match store.compact() {
        Ok(compaction) => Ok(compaction.returned()),
        Err(error) => {
            complain("warning", &error.to_string());
            Ok(0)
        }
    }
}

impl Report for Collection {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        if !self.functions.is_empty() {
            let mut table = Table::new(&[
                "FUNCTION",
                "ENTRIES>",
                "SUPERSEDED>",
                "SIZE>",
                "TO COMPUTE AGAIN>",
            ]);
            for gone in &self.functions {
                table.add([
                    (NAME, &gone.function),
                    (USUAL, &gone.entries.to_string()),
                    (USUAL, &gone.superseded.to_string()),
                    (USUAL, &bytes_to_read(gone.bytes)),
                    (USUAL, &lasting(gone.compute_ns)),
                ]);
            }
            page.table(&table)?;
        }
        if self.orphans.files > 0 {
            let went = if self.dry_run { "would go" } else { "went" };
            page.line(USUAL, &format!("{} {went}", self.orphans.told()))?;
        }
        if self.index_bytes_returned > 0 {
            let gives = if self.dry_run { "would give" } else { "gave" };
            let bytes = bytes_to_read(self.index_bytes_returned);
            page.line(
                USUAL,
                &format!("the index {gives} {bytes} back to the disk"),
            )?;
        }
        let fits = format!(
            "{} of at most {}",
            bytes_to_read(self.bytes_left),
            bytes_to_read(self.max_bytes)
        );
        if self.entries == 0 {
            return page.line(USUAL, &format!("nothing needs to go: {fits}"));
        }
        let (goes, leaves) = if self.dry_run {
            ("would go", "would leave")
        } else {
            ("went", "leaves")
        };
        page.line(
            USUAL,
            &format!(
                "{} {goes}: {}, {} to compute again; {leaves} {fits}",
                entries(self.entries),
                bytes_to_read(self.bytes),
                lasting(self.compute_ns),
            ),
        )
    }
}
