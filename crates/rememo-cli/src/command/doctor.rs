//! `rememo doctor`: what is wrong, and how to mend it.

mod machine;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rememo::measure::bytes_to_read;
use rememo::{Digest, Found, SCHEME_VERSION, Store, StoreConfig};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Shared;
use crate::failure::{Failure, NOT_SO};
use crate::opened::look;
use crate::page::{BAD, FAINT, GOOD, HEADING, Page, USUAL};
use crate::paths::as_text;
use crate::report::Report;
use crate::select::all;
use crate::settings::{access, directory_in_effect};

/// What was looked at.
#[derive(Serialize, JsonSchema)]
pub struct Examination {
    /// The cache's directory.
    #[serde(serialize_with = "as_text")]
    pub dir: PathBuf,
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// Each thing that was looked at.
    pub checks: Vec<Check>,
}

/// Something that was looked at.
#[derive(Serialize, JsonSchema)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// It works, but somebody may want to know.
    Note,
    /// It does not work.
    Wrong,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, found: String) -> Self {
        let advice = None;
        Self {
            name,
            verdict,
            found,
            advice,
        }
    }

    fn wrong(name: &'static str, found: String, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self {
            name,
            verdict: Verdict::Wrong,
            found,
            advice,
        }
    }

    fn note(name: &'static str, found: String, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self {
            name,
            verdict: Verdict::Note,
            found,
            advice,
        }
    }
}

pub fn run(shared: &Shared) -> Result<Examination, Failure> {
    let (dir, origin) = directory_in_effect(shared.dir.as_deref())?;
    let reads = format!(
        "rememo {}, format {} of the directory, encoding {SCHEME_VERSION} of keys",
        env!("CARGO_PKG_VERSION"),
        Store::FORMAT
    );
    let mut checks = vec![
        Check::new("version", Verdict::Fine, reads),
        Check::new(
            "directory",
            Verdict::Fine,
            format!("{} (by {origin})", dir.display()),
        ),
    ];
    checks.push(machine::file_system(&dir)?);
    checks.push(machine::limits()?);
    checks.extend(set_aside(&dir));
    match look(shared) {
        Ok(opened) => match opened.store {
            Some(store) => examine(&store, &mut checks),
            None => checks.push(absent(&dir)),
        },
        Err(failure) => checks.push(unusable(&dir, &failure)),
    }
    let healthy = checks.iter().all(|check| check.verdict != Verdict::Wrong);
    Ok(Examination {
        dir,
        healthy,
        checks,
    })
}

fn absent(dir: &Path) -> Check {
    let there = dir.ancestors().find(|above| above.is_dir());
    let found = "no cache yet: it is made when a memoized function runs".to_owned();
    let Some(there) = there else {
        return Check::new("cache", Verdict::Note, found);
    };
    match tempfile::Builder::new()
        .prefix(".rememo-doctor")
        .tempdir_in(there)
    {
        Ok(_) => Check::new("cache", Verdict::Note, found),
        Err(error) => Check::wrong(
            "cache",
            format!(
                "no cache, and none can be made in {}: {error}",
                there.display()
            ),
            "make the directory writable, or name another with REMEMO_DIR",
        ),
    }
}

fn unusable(dir: &Path, failure: &Failure) -> Check {
    let found = failure.told().unwrap_or_default();
    let advice = match Store::found_in(dir) {
        Ok(Found::Foreign) => "name an empty or new directory",
        Ok(Found::Other(version)) if version < Store::FORMAT => {
            "use the version that made it, or let it be: it is set aside when next needed"
        }
        Ok(Found::Other(_)) => "upgrade rememo",
        _ => "do as it says, or name another directory with REMEMO_DIR or --dir",
    };
    Check::wrong("cache", found, advice)
}

fn examine(store: &Store, checks: &mut Vec<Check>) {
    let looks: [(&'static str, Look); 6] = [
        ("index", index),
        ("room", room),
        ("disk", machine::disk),
        ("locks", machine::locks),
        ("leftovers", leftovers),
        ("self-test", self_test),
    ];
    for (name, look) in looks {
        checks.push(look(name, store).unwrap_or_else(|failure| {
            let found = failure.told().unwrap_or_default();
            Check::wrong(
                name,
                found,
                "remove the cache's directory if this goes on: it is only a cache",
            )
        }));
    }
}

type Look = fn(&'static str, &Store) -> Result<Check, Failure>;

fn index(name: &'static str, store: &Store) -> Result<Check, Failure> {
    let mut bytes = 0;
    let unreadable = store.each(|listed| {
        bytes += listed.entry.size;
        std::ops::ControlFlow::Continue(())
    })?;
    let entries = store.usage()?.entries;
    if unreadable > 0 {
        let found = format!("{unreadable} of {entries} entries cannot be read");
        return Ok(Check::wrong(
            name,
            found,
            "they count as misses; `rememo rm --all` begins anew",
        ));
    }
    let writable = if store.is_read_only() {
        ", read only"
    } else {
        ""
    };
    let found = format!(
        "{entries} entries, {} of results{writable}",
        bytes_to_read(bytes)
    );
    Ok(Check::new(name, Verdict::Fine, found))
}

fn room(name: &'static str, store: &Store) -> Result<Check, Failure> {
    let (usage, bound) = (store.usage()?, store.bound()?);
    let found = format!(
        "{} of at most {}, {} of at most {} files, policy {}",
        bytes_to_read(usage.bytes()),
        bytes_to_read(bound.bytes),
        usage.files,
        bound.files,
        store.policy()?
    );
    let evicted: u64 = store.stats(6)?.iter().map(|day| day.stats.evicted).sum();
    if evicted > 0 {
        let found = format!("{found}; {evicted} entries had to go in the last week");
        return Ok(Check::note(
            name,
            found,
            "if they are missed, allow more with REMEMO_MAX_SIZE",
        ));
    }
    Ok(Check::new(name, Verdict::Fine, found))
}

/// Objects that no entry refers to, and the other way round.
fn leftovers(name: &'static str, store: &Store) -> Result<Check, Failure> {
    let known: std::collections::HashSet<Digest> = all(store, |_| true)?
        .into_iter()
        .filter_map(|listed| match listed.entry.value {
            rememo::StoredValue::Object(id) => Some(id),
            rememo::StoredValue::Inline(_) => None,
        })
        .collect();
    let missing = known.iter().filter(|id| !store.has_object(id)).count();
    if missing > 0 {
        let found = format!("{missing} entries without their results");
        return Ok(Check::note(
            name,
            found,
            "they count as misses, and are stored again when called",
        ));
    }
    Ok(Check::new(
        name,
        Verdict::Fine,
        "every entry has its result".to_owned(),
    ))
}

/// Stores something beside the cache, and reads it back.
fn self_test(name: &'static str, store: &Store) -> Result<Check, Failure> {
    if store.is_read_only() {
        let found = "left out, for nothing can be written here".to_owned();
        return Ok(Check::new(name, Verdict::Note, found));
    }
    let beside = tempfile::Builder::new()
        .prefix("doctor-")
        .tempdir_in(store.dir().join("tmp"))?;
    let trial = Store::open(StoreConfig {
        access: access(),
        ..StoreConfig::new(beside.path().join("store"))
    })?;
    let sound = trial.self_test()?;
    trial.retire();
    Ok(if sound {
        Check::new(
            name,
            Verdict::Fine,
            "what was stored was found again".to_owned(),
        )
    } else {
        Check::wrong(
            name,
            "what was stored was not found again".to_owned(),
            "use another disk",
        )
    })
}

/// What was set aside here before.
fn set_aside(dir: &Path) -> Option<Check> {
    let mut aside = Vec::new();
    let near = [dir.parent(), Some(dir)].into_iter().flatten();
    for item in near
        .filter_map(|near| fs::read_dir(near).ok())
        .flatten()
        .flatten()
    {
        let name = item.file_name().to_string_lossy().into_owned();
        let stem = dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(&format!("{stem}.set-aside-")) || name.starts_with("index.damaged-") {
            aside.push(item.path().display().to_string());
        }
    }
    aside.sort();
    let advice = "remove them if nobody needs them";
    (!aside.is_empty()).then(|| Check::note("set aside", aside.join(", "), advice))
}

impl Report for Examination {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        for check in &self.checks {
            let (style, mark) = match check.verdict {
                Verdict::Fine => (GOOD, "fine "),
                Verdict::Note => (HEADING, "note "),
                Verdict::Wrong => (BAD, "wrong"),
            };
            page.marked(style, mark, &format!("{}: {}", check.name, check.found))?;
            if let Some(advice) = &check.advice {
                page.line(FAINT, &format!("       {advice}"))?;
            }
        }
        page.line(
            USUAL,
            if self.healthy {
                "all is well"
            } else {
                "something is wrong"
            },
        )
    }

    fn status(&self) -> u8 {
        if self.healthy { 0 } else { NOT_SO }
    }
}
