//! `rememo report`: one page that shows what was saved, by what, and at what price.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rememo::{Digest, Listed, PartKind, Spent, Stats as Counts, Step, Store, Why};
use schemars::JsonSchema;
use serde::Serialize;

use super::ls::{Function, Item, by_function};
use super::stats::{Row, by_day, by_function as accounts};
use crate::args::{Report as Wanted, Shared};
use crate::failure::Failure;
use crate::moment::{exactly, seconds};
use crate::opened::open;
use crate::page::{Page, USUAL};
use crate::paths::as_text;
use crate::report::Report;
use crate::select::all;

const PAGE: &str = include_str!("../../page/report.html");
const CSS: &str = include_str!("../../page/report.css");
const JS: &str = include_str!("../../page/report.js");
/// Chart.js 4.6.1, as released, less the line that names its source map.
const CHART: &str = include_str!("../../page/chart.umd.min.js");
/// Dagre 3.1.3, which says where in a graph what is drawn, as released, less that line of its own.
const DAGRE: &str = include_str!("../../page/dagre.min.js");

/// Entries that are told of as not worth keeping.
const IDLE: usize = 50;

/// What was written where.
#[derive(Serialize, JsonSchema)]
pub struct Written {
    /// The page.
    #[serde(serialize_with = "as_text")]
    pub output: PathBuf,
    /// Its bytes.
    pub bytes: usize,
}

/// What the page shows.
#[derive(Serialize)]
struct Contents {
    dir: String,
    made: String,
    entries: u64,
    bytes: u64,
    max_bytes: u64,
    /// How many calls ran.
    ran: u64,
    total: Row,
    /// The earliest first.
    days: Vec<Row>,
    functions: Vec<Told>,
    stored: Vec<Function>,
    /// Entries not worth keeping.
    idle: Vec<Item>,
}

/// A function: its accounts, its price, and what last changed.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    row: Row,
    overhead_seconds: f64,
    overhead_per_call: f64,
    overhead_mostly: &'static str,
    last_reason: Option<String>,
    last_at: Option<String>,
    last_changes: Vec<String>,
    /// Other memoized functions that it is made of.
    calls: Vec<String>,
}

pub fn run(shared: &Shared, args: &Wanted) -> Result<Written, Failure> {
    let store = open(shared)?;
    let page = page(&contents(&store)?)?;
    write(&args.output, page.as_bytes())
        .map_err(|error| Failure::Unusable(format!("{}: {error}", args.output.display())))?;
    Ok(Written {
        output: args.output.clone(),
        bytes: page.len(),
    })
}

/// Writes all of it, or leaves what was there.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        // A device or a pipe cannot be replaced.
        return fs::write(path, bytes);
    }
    let mut staged = tempfile::NamedTempFile::new_in(folder)?;
    staged.write_all(bytes)?;
    staged.persist(path)?;
    Ok(())
}

fn page(contents: &Contents) -> Result<String, Failure> {
    let data = serde_json::to_string(contents).map_err(io::Error::from)?;
    // Within a script, "<" begins what could end it.
    let data = data.replace('<', "\\u003c");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seed = format!("{}{}{}", now.as_nanos(), std::process::id(), data.len());
    let nonce = Digest::of(seed.as_bytes()).to_hex();
    let pieces = [PAGE, CSS, &data, CHART, DAGRE, JS];
    let mut page = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    // Filled in one go, so that nothing that is filled in is taken for a place to fill.
    for (number, piece) in PAGE.split('@').enumerate() {
        page.push_str(match (number % 2, piece) {
            (1, "NONCE") => &nonce,
            (1, "VERSION") => env!("CARGO_PKG_VERSION"),
            (1, "CSS") => CSS,
            (1, "DATA") => &data,
            (1, "CHART") => CHART,
            (1, "DAGRE") => DAGRE,
            (1, "JS") => JS,
            (_, text) => text,
        });
    }
    Ok(page)
}

fn contents(store: &Store) -> Result<Contents, Failure> {
    let days = store.stats(u32::MAX)?;
    let total = days
        .iter()
        .fold(Counts::default(), |sum, day| sum + day.stats);
    let listed = all(store, |_| true)?;
    let mut by_date = by_day(&days);
    by_date.reverse();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Contents {
        dir: store.dir().display().to_string(),
        made: exactly(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
        entries: store.usage()?.entries,
        bytes: store.usage()?.bytes(),
        max_bytes: store.bound()?.bytes,
        ran: total.misses(),
        total: Row::new(None, None, total),
        days: by_date,
        functions: told(store, accounts(&days), &listed)?,
        stored: by_function(&listed),
        idle: idle(&listed),
    })
}

fn told(store: &Store, rows: Vec<Row>, listed: &[Listed]) -> Result<Vec<Told>, Failure> {
    let mut last = HashMap::new();
    for miss in store.last_misses(None)? {
        last.entry(miss.function.clone()).or_insert(miss);
    }
    let calls = calls(store, listed)?;
    let tell = |row: Row| {
        let name = row.function.clone().unwrap_or_default();
        let (counts, spent) = (row.counts(), row.counts().spent);
        let made = counts.hits + counts.misses() + counts.bypassed;
        let overhead_seconds = seconds(spent.total());
        let miss = last.get(&name);
        let (last_reason, last_changes) = match miss.map(|miss| &miss.why) {
            Some(Why::Missed {
                reason, changes, ..
            }) => {
                let names = changes.iter().map(|change| change.name.clone());
                (Some(reason.word().to_owned()), names.collect())
            }
            Some(Why::NotStored { reason, detail }) => (Some(reason.clone()), vec![detail.clone()]),
            Some(Why::Bypassed { detail }) => (Some("bypassed".to_owned()), vec![detail.clone()]),
            None => (None, Vec::new()),
        };
        Told {
            overhead_seconds,
            #[expect(clippy::cast_precision_loss, reason = "an average need not be exact")]
            overhead_per_call: overhead_seconds / made.max(1) as f64,
            overhead_mostly: mostly(&spent),
            last_reason,
            last_at: miss.map(|miss| exactly(miss.at_ns)),
            last_changes,
            calls: calls.get(&name).cloned().unwrap_or_default(),
            row,
        }
    };
    Ok(rows.into_iter().map(tell).collect())
}

fn mostly(spent: &Spent) -> &'static str {
    let most = Step::ALL.into_iter().max_by_key(|step| spent.on(*step));
    most.map_or("", Step::word)
}

/// For each function, other memoized ones among what its latest result was made of.
fn calls(store: &Store, listed: &[Listed]) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut latest = BTreeMap::<&str, &Listed>::new();
    for one in listed {
        let known = latest.entry(&one.entry.function).or_insert(one);
        if one.entry.created_ns > known.entry.created_ns {
            *known = one;
        }
    }
    let names: BTreeSet<&str> = latest.keys().copied().collect();
    let mut calls = BTreeMap::new();
    for (function, listed) in &latest {
        let tree = store.state_of(&listed.entry)?;
        let parts = tree.map(|tree| tree.parts).unwrap_or_default();
        let others = parts.iter().filter(|part| {
            part.kind == PartKind::Function && part.name != *function && names.contains(&*part.name)
        });
        let others: Vec<_> = others.map(|part| part.name.clone()).collect();
        calls.insert((*function).to_owned(), others);
    }
    Ok(calls)
}

/// Entries that were never used again, those first that take most room for the time they save.
fn idle(listed: &[Listed]) -> Vec<Item> {
    let mut unused: Vec<&Listed> = listed
        .iter()
        .filter(|listed| listed.worth.uses <= 1 && !listed.entry.pinned)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a ratio need not be exact")]
    let worth = |listed: &Listed| listed.entry.compute_ns as f64 / (listed.entry.size + 1) as f64;
    unused.sort_by(|one, other| worth(one).total_cmp(&worth(other)));
    unused.into_iter().take(IDLE).map(Item::from).collect()
}

impl Report for Written {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        page.line(USUAL, &format!("wrote {}", self.output.display()))
    }
}
