//! `rememo impact`: what the edits made so far will have computed again.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rememo::{Digest, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::altered::{Altered, difference};
use crate::args::{Impact, Shared};
use crate::failure::Failure;
use crate::moment::lasting_seconds;
use crate::opened::open;
use crate::page::{BAD, FAINT, GOOD, NAME, Page, Table, USUAL};
use crate::report::Report;
use crate::select::{names, no_such};

/// What the code as it is will have computed again.
#[derive(Serialize, JsonSchema)]
pub struct Outlook {
    /// How many functions have results, but none of their code as it is.
    pub lost: usize,
    /// How long computing those took, in seconds.
    pub compute_seconds: f64,
    /// Every function that was looked at.
    pub functions: Vec<Prospect>,
}

/// What becomes of a function's results.
#[derive(Serialize, JsonSchema)]
pub struct Prospect {
    /// The identity of the function.
    pub function: String,
    /// What becomes of them.
    pub fate: Fate,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_unknown: Option<String>,
    /// How many results the code has that made the latest: as it is, or as it was. None where that
    /// could not be looked at.
    pub entries: u64,
    /// How long computing those took, in seconds.
    pub compute_seconds: f64,
    /// What changed since the latest result was made.
    pub changes: Vec<Altered>,
}

/// What becomes of the results of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Its code has changed: calls run again.
    Lost,
    /// It could not be looked at.
    Unknown,
    /// There are results of its code as it is.
    Kept,
}

/// What Python found of a function.
#[derive(Deserialize)]
pub struct Found {
    pub function: String,
    pub why_not: Option<String>,
    /// What of it could be accepted, as bytes in hexadecimal.
    pub proposed: Option<String>,
    #[serde(default)]
    current: (u64, f64),
    #[serde(default)]
    last: (u64, f64),
    #[serde(default)]
    changes: Vec<Changed>,
}

/// A change as Python tells of it.
#[derive(Deserialize)]
struct Changed {
    kind: String,
    name: String,
    old: Option<String>,
    new: Option<String>,
    old_source: Option<String>,
    new_source: Option<String>,
    old_details: Option<String>,
    new_details: Option<String>,
}

pub fn run(shared: &Shared, args: &Impact) -> Result<Outlook, Failure> {
    let store = open(shared)?;
    let functions = wanted(&store, &args.functions)?;
    let python = args.python.clone().unwrap_or_else(beside);
    let found = ask(&python, store.dir(), &functions, None)?;
    let mut functions: Vec<_> = found.into_iter().map(Prospect::from).collect();
    functions.sort_by(|one, other| {
        let cost = other.compute_seconds.total_cmp(&one.compute_seconds);
        one.fate.cmp(&other.fate).then(cost)
    });
    let lost = functions.iter().filter(|row| row.fate == Fate::Lost);
    Ok(Outlook {
        lost: lost.clone().count(),
        compute_seconds: lost.map(|row| row.compute_seconds).sum(),
        functions,
    })
}

/// The functions that results are stored of, or some of them.
pub fn wanted(store: &Store, words: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = BTreeSet::new();
    store.each(|listed| {
        all.insert(listed.entry.function);
        ControlFlow::Continue(())
    })?;
    if let Some(word) = words
        .iter()
        .find(|word| !all.iter().any(|function| names(word, function)))
    {
        return Err(no_such(store, word));
    }
    all.retain(|function| words.is_empty() || words.iter().any(|word| names(word, function)));
    Ok(all.into_iter().collect())
}

/// The Python that this command was installed with, else the one of the path.
pub fn beside() -> PathBuf {
    env::current_exe()
        .ok()
        .and_then(|command| Some(command.parent()?.join("python")))
        .filter(|python| python.exists())
        .unwrap_or_else(|| "python3".into())
}

/// Has Python import the modules and look; beside one state of a function that results are of, where
/// one is named. What they print goes to standard error.
pub fn ask(
    python: &Path,
    dir: &Path,
    functions: &[String],
    old: Option<&Digest>,
) -> Result<Vec<Found>, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::Unusable(format!(
            "{} could not look at the functions: {why}; --python names another",
            python.display()
        ))
    };
    let output = tempfile::NamedTempFile::new()?;
    let mut looking = Command::new(python)
        .args(["-m", "rememo.impact"])
        .arg(output.path())
        .args(old.map(Digest::to_hex))
        .env("REMEMO_DIR", dir)
        .stdin(Stdio::piped())
        .stdout(io::stderr())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut input) = looking.stdin.take() {
        // Whoever does not read it says why on standard error.
        let _ = input.write_all(&serde_json::to_vec(functions).map_err(io::Error::from)?);
    }
    let status = looking.wait()?;
    if !status.success() {
        return Err(failed(&status));
    }
    let found = std::fs::read(output.path())?;
    serde_json::from_slice(&found).map_err(|error| failed(&error))
}

impl From<Found> for Prospect {
    fn from(found: Found) -> Self {
        let fate = match &found.why_not {
            Some(_) => Fate::Unknown,
            None if found.current.0 == 0 && found.last.0 > 0 => Fate::Lost,
            None => Fate::Kept,
        };
        let (entries, compute_seconds) = match fate {
            Fate::Kept => found.current,
            Fate::Lost | Fate::Unknown => found.last,
        };
        Self {
            function: found.function,
            fate,
            why_unknown: found.why_not,
            entries,
            compute_seconds,
            changes: found.changes.into_iter().map(Altered::from).collect(),
        }
    }
}

impl From<Changed> for Altered {
    fn from(changed: Changed) -> Self {
        let diff = match (&changed.old_source, &changed.new_source) {
            (Some(old), Some(new)) => difference(old, new),
            _ => Vec::new(),
        };
        Self {
            kind: changed.kind,
            name: changed.name,
            old: changed.old,
            new: changed.new,
            old_details: changed.old_details,
            new_details: changed.new_details,
            diff,
        }
    }
}

impl Report for Outlook {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let mut table = Table::new(&["FUNCTION", "RESULTS", "ENTRIES>", "TO COMPUTE AGAIN>"]);
        for row in &self.functions {
            let (style, fate) = match row.fate {
                Fate::Lost => (BAD, "run again"),
                Fate::Unknown => (FAINT, "unknown"),
                Fate::Kept => (GOOD, "kept"),
            };
            let lost = row.fate == Fate::Lost;
            // What could not be looked at was not counted either.
            let is_counted = row.fate != Fate::Unknown || row.entries > 0;
            table.add([
                (NAME, &row.function),
                (style, fate),
                (
                    USUAL,
                    &if is_counted {
                        row.entries.to_string()
                    } else {
                        String::new()
                    },
                ),
                (
                    USUAL,
                    &if lost {
                        lasting_seconds(row.compute_seconds)
                    } else {
                        String::new()
                    },
                ),
            ]);
        }
        if !self.functions.is_empty() {
            page.table(&table)?;
        }
        for row in &self.functions {
            match &row.why_unknown {
                Some(why) => page.marked(FAINT, &row.function, why)?,
                None if row.fate == Fate::Lost => {
                    page.line(NAME, &row.function)?;
                    for change in &row.changes {
                        change.write(page)?;
                    }
                }
                None => {}
            }
        }
        let told = match self.lost {
            0 => "nothing is known to run again".to_owned(),
            lost => format!(
                "{lost} of {} functions run again: what their results took, {} at most",
                self.functions.len(),
                lasting_seconds(self.compute_seconds)
            ),
        };
        page.line(USUAL, &told)?;
        if self.lost > 0 {
            let told = "where an edit is harmless, `rememo accept FUNCTION` keeps the results";
            page.line(FAINT, told)?;
        }
        Ok(())
    }
}
