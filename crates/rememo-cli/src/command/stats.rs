//! `rememo stats`: what was saved, by function or by day.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;

use rememo::measure::bytes_to_read;
use rememo::{DayStats, MissReason, Stats as Counts};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Shared, Stats};
use crate::failure::Failure;
use crate::moment::{date, lasting, seconds};
use crate::opened::look;
use crate::page::{FAINT, GOOD, NAME, Page, Table, USUAL};
use crate::report::Report;
use crate::select::names;

/// What happened to calls.
#[derive(Serialize, JsonSchema)]
pub struct Accounts {
    /// All together.
    pub total: Row,
    /// By function, what saved most first; or by day, the latest first.
    pub rows: Vec<Row>,
}

/// What happened to the calls of a function, or on a day.
#[derive(Serialize, JsonSchema)]
pub struct Row {
    /// The identity of the function, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The date in universal time, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Results handed back.
    pub hits: u64,
    /// Those of them that were in the memory of their process.
    pub memory_hits: u64,
    /// Calls that were run, by the reason why.
    pub misses: BTreeMap<&'static str, u64>,
    /// Results stored.
    pub stored: u64,
    /// Bytes of results stored.
    pub stored_bytes: u64,
    /// Results returned, but not stored.
    pub not_stored: u64,
    /// Calls made past the cache.
    pub bypassed: u64,
    /// Results that went for want of room.
    pub evicted: u64,
    /// The time that the hits would have taken to compute, in seconds.
    pub saved_seconds: f64,
    /// The time that the calls took whose results were stored, in seconds.
    pub computed_seconds: f64,
    #[serde(skip)]
    counts: Counts,
}

impl Row {
    pub fn new(function: Option<String>, day: Option<String>, counts: Counts) -> Self {
        let by_reason = MissReason::ALL.into_iter().zip(counts.misses_by);
        Self {
            function,
            day,
            hits: counts.hits,
            memory_hits: counts.memory_hits,
            misses: by_reason
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| (reason.word(), count))
                .collect(),
            stored: counts.stored,
            stored_bytes: counts.stored_bytes,
            not_stored: counts.not_stored,
            bypassed: counts.bypassed,
            evicted: counts.evicted,
            saved_seconds: seconds(counts.saved_ns),
            computed_seconds: seconds(counts.computed_ns),
            counts,
        }
    }
}

/// A row for each function, what saved most first.
pub fn by_function(days: &[DayStats]) -> Vec<Row> {
    let mut functions = BTreeMap::<&str, Counts>::new();
    for day in days {
        let counts = functions.entry(&day.function).or_default();
        *counts = *counts + day.stats;
    }
    let mut rows: Vec<_> = functions
        .into_iter()
        .map(|(name, counts)| Row::new(Some(name.to_owned()), None, counts))
        .collect();
    rows.sort_by_key(|row| Reverse(row.counts.saved_ns));
    rows
}

/// A row for each day, the latest first.
pub fn by_day(days: &[DayStats]) -> Vec<Row> {
    let mut found = BTreeMap::<u32, Counts>::new();
    for day in days {
        let counts = found.entry(day.day).or_default();
        *counts = *counts + day.stats;
    }
    let latest_first = found.into_iter().rev();
    latest_first
        .map(|(day, counts)| Row::new(None, Some(date(day)), counts))
        .collect()
}

pub fn run(shared: &Shared, args: &Stats) -> Result<Accounts, Failure> {
    let before = args.days.map_or(u32::MAX, |days| days - 1);
    let mut days = match look(shared)?.store {
        Some(store) => store.stats(before)?,
        None => Vec::new(),
    };
    if !args.functions.is_empty() {
        let is_wanted =
            |day: &DayStats| args.functions.iter().any(|word| names(word, &day.function));
        days.retain(is_wanted);
        if days.is_empty() {
            let told = format!("nothing was counted for '{}'", args.functions.join("', '"));
            return Err(Failure::NoSuch(told));
        }
    }
    let total = days
        .iter()
        .fold(Counts::default(), |sum, day| sum + day.stats);
    Ok(Accounts {
        total: Row::new(None, None, total),
        rows: if args.by_day {
            by_day(&days)
        } else {
            by_function(&days)
        },
    })
}

impl Report for Accounts {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        if self.rows.is_empty() {
            return page.line(FAINT, "nothing was called yet");
        }
        page.table(&table(&self.rows))?;
        page.line(USUAL, &self.total.in_words())
    }
}

impl Row {
    /// All that was counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// In a line.
    pub fn in_words(&self) -> String {
        let Self { counts, hits, .. } = self;
        let misses = counts.misses();
        let calls = if *hits == 1 { "call" } else { "calls" };
        let saved = lasting(counts.saved_ns);
        let mut told = vec![format!("saved {saved} over {hits} {calls}")];
        if misses > 0 {
            let reasons = self.misses.iter();
            let why: Vec<_> = reasons
                .map(|(why, count)| format!("{why}: {count}"))
                .collect();
            told.push(format!("{misses} ran ({})", why.join(", ")));
        }
        if counts.stored > 0 {
            let (size, took) = (
                bytes_to_read(counts.stored_bytes),
                lasting(counts.computed_ns),
            );
            told.push(format!(
                "{} stored, {size} computed in {took}",
                counts.stored
            ));
        }
        told.join("; ")
    }

    fn share_of_hits(&self) -> String {
        let calls = self.hits + self.counts.misses();
        match (self.hits * 100).checked_div(calls) {
            Some(share) => format!("{share}%"),
            None => "-".to_owned(),
        }
    }
}

/// The rows under headings.
pub fn table(rows: &[Row]) -> Table {
    let first = if rows.iter().any(|row| row.day.is_some()) {
        "DAY"
    } else {
        "FUNCTION"
    };
    let mut table = Table::new(&[
        first,
        "SAVED>",
        "HITS>",
        "RAN>",
        "HIT RATE>",
        "STORED>",
        "EVICTED>",
        "PAST>",
    ]);
    for row in rows {
        let name = row.function.as_ref().or(row.day.as_ref());
        table.add([
            (NAME, name.map_or("", String::as_str)),
            (GOOD, &lasting(row.counts.saved_ns)),
            (USUAL, &row.hits.to_string()),
            (USUAL, &row.counts.misses().to_string()),
            (USUAL, &row.share_of_hits()),
            (USUAL, &row.stored.to_string()),
            (USUAL, &row.evicted.to_string()),
            (USUAL, &(row.bypassed + row.not_stored).to_string()),
        ]);
    }
    table
}
