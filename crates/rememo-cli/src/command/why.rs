//! `rememo why`: what the last calls that ran were not answered for.

use std::io;

use rememo::{Acceptance, Change, LastMiss, MissReason, PartKind, Why as Cause};
use schemars::JsonSchema;
use serde::Serialize;

use super::accept::Accepted;
use crate::altered::Altered;
use crate::args::{Shared, Why};
use crate::failure::Failure;
use crate::moment::{ago, exactly};
use crate::opened::open;
use crate::page::{FAINT, GOOD, HEADING, Page, USUAL};
use crate::report::Report;
use crate::select::{is_key, names, no_such};

/// The last calls that ran, the latest first.
#[derive(Serialize, JsonSchema)]
pub struct Account {
    /// The runs, the latest first.
    pub misses: Vec<Miss>,
    /// How many earlier ones are known.
    pub more: usize,
}

/// A call that ran.
#[derive(Serialize, JsonSchema)]
pub struct Miss {
    /// The identity of the function.
    pub function: String,
    /// When, in universal time.
    pub at: String,
    /// How many such there were in a row; this is the last.
    pub times: u64,
    /// The call key, where it is known.
    pub key: Option<String>,
    /// "new", "state changed", "arguments changed", "world changed", "outdated", "damaged",
    /// "expired" or "forced"; or why the result was not stored; or "bypassed" for a call made past
    /// the cache.
    pub reason: String,
    /// What else there is to say.
    pub detail: String,
    /// What differed from the result that was most like it.
    pub changes: Vec<Altered>,
    /// How many changes there were besides.
    pub more: usize,
    /// That the change of code was accepted since: such a call is answered now.
    pub accepted: Option<Accepted>,
    #[serde(skip)]
    at_ns: u64,
    #[serde(skip)]
    sentence: String,
}

impl From<&LastMiss> for Miss {
    fn from(miss: &LastMiss) -> Self {
        let (reason, sentence, detail, changes, more) = match &miss.why {
            Cause::Missed {
                reason,
                changes,
                more,
            } => {
                let changes = changes.iter().map(Altered::from).collect();
                let sentence = sentence(*reason).to_owned();
                (
                    reason.word().to_owned(),
                    sentence,
                    String::new(),
                    changes,
                    *more,
                )
            }
            Cause::NotStored { reason, detail } => {
                let sentence = format!("its result was not stored: {reason}");
                (reason.clone(), sentence, detail.clone(), Vec::new(), 0)
            }
            Cause::Bypassed { detail } => {
                let sentence = "it was made past the cache".to_owned();
                (
                    "bypassed".to_owned(),
                    sentence,
                    detail.clone(),
                    Vec::new(),
                    0,
                )
            }
        };
        Self {
            function: miss.function.clone(),
            at: exactly(miss.at_ns),
            times: miss.times,
            key: miss.key.map(|key| key.to_hex()),
            reason,
            detail,
            changes,
            more,
            accepted: None,
            at_ns: miss.at_ns,
            sentence,
        }
    }
}

fn sentence(reason: MissReason) -> &'static str {
    match reason {
        MissReason::New => "nothing was stored for this function",
        MissReason::StateChanged => "the function, or something it uses, was not what it was",
        MissReason::ArgumentsChanged => "nothing was stored for these arguments",
        MissReason::Damaged => "the stored result could not be read",
        MissReason::Outdated => {
            "the stored result referred to a class or function that had changed"
        }
        MissReason::WorldChanged => "something that the function looked at was not what it was",
        MissReason::Forced => "the caller asked for a run",
        MissReason::Expired => "the time of the stored result was over",
    }
}

pub fn run(shared: &Shared, args: &Why) -> Result<Account, Failure> {
    let store = open(shared)?;
    let mut found = store.last_misses(None)?;
    if let Some(word) = &args.what {
        let is_meant = |miss: &LastMiss| {
            let key = miss.key.map(|key| key.to_hex());
            names(word, &miss.function)
                || is_key(word) && key.is_some_and(|key| key.starts_with(&word.to_lowercase()))
        };
        found.retain(is_meant);
        if found.is_empty() {
            return Err(nothing_ran(&store, word));
        }
    }
    let more = if args.all {
        0
    } else {
        found.len().saturating_sub(1)
    };
    let shown = found.len() - more;
    let accepted = store.acceptances()?;
    Ok(Account {
        misses: found[..shown]
            .iter()
            .map(|miss| Miss {
                accepted: accepted_since(&accepted, miss).map(Accepted::from),
                ..Miss::from(miss)
            })
            .collect(),
        more,
    })
}

/// What was accepted after a call that ran, and is all that it ran for but for its arguments.
fn accepted_since<'a>(accepted: &'a [Acceptance], miss: &LastMiss) -> Option<&'a Acceptance> {
    let Cause::Missed { changes, .. } = &miss.why else {
        return None;
    };
    let mut of_code = changes
        .iter()
        .filter(|change| change.kind != PartKind::Argument)
        .peekable();
    of_code.peek()?;
    let of_code: Vec<_> = of_code.collect();
    let mut later = accepted
        .iter()
        .filter(|known| known.function == miss.function && known.at_ns > miss.at_ns);
    later.find(|known| {
        let same = |one: &Change, other: &Change| {
            (one.kind, &one.name, one.old, one.new)
                == (other.kind, &other.name, other.old, other.new)
        };
        let is_accepted = |change: &&Change| known.changes.iter().any(|one| same(one, change));
        of_code.iter().all(is_accepted)
    })
}

/// Says that no run is known, which may be good news.
fn nothing_ran(store: &rememo::Store, word: &str) -> Failure {
    let known = crate::select::all(store, |listed| crate::select::matches(word, listed));
    match known {
        Ok(known) if !known.is_empty() => Failure::NoSuch(format!(
            "no run of '{word}' is known that was lately made; `rememo show {word}` shows what is stored"
        )),
        _ => no_such(store, word),
    }
}

impl Report for Account {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        if self.misses.is_empty() {
            return page.line(FAINT, "no call ran that is known of");
        }
        for miss in &self.misses {
            miss.write(page)?;
        }
        if self.more > 0 {
            page.line(
                FAINT,
                &format!("and {} earlier: rememo why --all", self.more),
            )?;
        }
        Ok(())
    }
}

impl Miss {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        page.line(HEADING, &self.function)?;
        let times = if self.times > 1 {
            format!(" ({} times in a row)", self.times)
        } else {
            String::new()
        };
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", self.detail)
        };
        page.line(
            USUAL,
            &format!("ran {}{times}: {}{detail}", ago(self.at_ns), self.sentence),
        )?;
        for change in &self.changes {
            change.write(page)?;
        }
        if self.more > 0 {
            page.line(FAINT, &format!("  and {} more", self.more))?;
        }
        if let Some(known) = &self.accepted {
            page.line(GOOD, &format!("accepted since: {}", known.line()))?;
        }
        Ok(())
    }
}
