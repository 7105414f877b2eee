//! `rememo accept`: has results of older code answer for the code as it is.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};

use rememo::{Acceptance, Digest, Proposal, Proposed, Store, propose};
use schemars::JsonSchema;
use serde::Serialize;

use super::impact::{ask, beside, wanted};
use crate::altered::Altered;
use crate::args::{Accept, Shared};
use crate::failure::{Failure, NOT_SO};
use crate::moment::{ago, exactly};
use crate::opened::open;
use crate::page::{BAD, FAINT, GOOD, HEADING, Page, USUAL};
use crate::report::Report;
use crate::select::{all, is_key, matches, names};

/// Changes of code that are accepted, and those that are not.
#[derive(Serialize, JsonSchema)]
pub struct Outcome {
    /// What was done with those that are listed.
    pub done: Deed,
    /// What is accepted, or was just now, or was taken back.
    pub acceptances: Vec<Accepted>,
    /// What could not be accepted.
    pub refused: Vec<Refused>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// They were looked at.
    Listed,
    /// They are accepted from now on, or were already.
    Accepted,
    /// They are accepted no more.
    Revoked,
}

/// A change of code that is accepted.
#[derive(Serialize, JsonSchema)]
pub struct Accepted {
    /// What it is known by.
    pub id: String,
    /// The identity of the function.
    pub function: String,
    /// The digest of the state that the results are of.
    pub old: String,
    /// The digest of the state that they answer for.
    pub new: String,
    /// Why they do.
    pub reason: String,
    /// When that was said, in universal time.
    pub at: String,
    /// What changed.
    pub changes: Vec<Altered>,
    #[serde(skip)]
    at_ns: u64,
}

/// A function of which nothing was accepted.
#[derive(Serialize, JsonSchema)]
pub struct Refused {
    /// The identity of the function.
    pub function: String,
    /// Why.
    pub why: String,
    /// What changed.
    pub changes: Vec<Altered>,
}

impl From<&Acceptance> for Accepted {
    fn from(known: &Acceptance) -> Self {
        Self {
            id: known.id().short(),
            function: known.function.clone(),
            old: known.old.to_hex(),
            new: known.new.to_hex(),
            reason: known.reason.clone(),
            at: exactly(known.at_ns),
            changes: known.changes.iter().map(Altered::from).collect(),
            at_ns: known.at_ns,
        }
    }
}

impl Accepted {
    /// It in one line, the function left out.
    pub fn line(&self) -> String {
        format!("{} ({}, {})", self.reason, self.id, ago(self.at_ns))
    }

    fn write(&self, page: &mut Page) -> io::Result<()> {
        page.line(HEADING, &format!("{}  {}", self.id, self.function))?;
        page.line(
            USUAL,
            &format!("accepted {}: {}", ago(self.at_ns), self.reason),
        )?;
        for change in &self.changes {
            change.write(page)?;
        }
        Ok(())
    }
}

pub fn run(shared: &Shared, args: &Accept) -> Result<Outcome, Failure> {
    let store = open(shared)?;
    if !args.revoke.is_empty() {
        return revoke(&store, &args.revoke);
    }
    if args.list {
        return list(&store, &args.functions);
    }
    if args.functions.is_empty() {
        let told = "say of which FUNCTION a change is harmless, or --list, or --revoke";
        return Err(Failure::Mistake(told.to_owned()));
    }
    let mut proposals = Vec::new();
    let mut done = Outcome {
        done: Deed::Accepted,
        acceptances: Vec::new(),
        refused: Vec::new(),
    };
    for (function, proposed) in proposed(&store, args)? {
        match proposed {
            Err(why) => done.refuse(function, &why, &[]),
            Ok(Proposed::Nothing) => {
                done.refuse(
                    function,
                    "no results are stored but of its code as it is",
                    &[],
                );
            }
            Ok(Proposed::Accepted(known)) => done.acceptances.push(Accepted::from(&known)),
            Ok(Proposed::Change(proposal)) => match &proposal.objection {
                Some(why) => done.refuse(function, why, &proposal.changes),
                None => proposals.push(proposal),
            },
        }
    }
    if !proposals.is_empty() {
        confirm(shared, args, &proposals)?;
    }
    let reason = args.reason.as_deref().unwrap_or_default();
    for proposal in proposals {
        let accepted = proposal.accepted(reason);
        store.accept(&accepted)?;
        done.acceptances.push(Accepted::from(&accepted));
    }
    Ok(done)
}

impl Outcome {
    fn refuse(&mut self, function: String, why: &str, changes: &[rememo::Change]) {
        self.refused.push(Refused {
            function,
            why: why.to_owned(),
            changes: changes.iter().map(Altered::from).collect(),
        });
    }
}

/// What there is to accept of each function, or why that is not known.
type ByFunction = BTreeMap<String, Result<Proposed, String>>;

fn proposed(store: &Store, args: &Accept) -> Result<ByFunction, Failure> {
    let functions = wanted(store, &args.functions)?;
    let old = match &args.entry {
        Some(entry) => Some(state_of(store, entry, &functions)?),
        None => None,
    };
    if args.last_run {
        let mut found = ByFunction::new();
        for function in functions {
            let proposed = of_last_run(store, &function, old.as_ref())?;
            found.insert(function, proposed);
        }
        return Ok(found);
    }
    let python = args.python.clone().unwrap_or_else(beside);
    let found = ask(&python, store.dir(), &functions, old.as_ref())?;
    let read = |found: super::impact::Found| {
        let unknown = found.why_not.unwrap_or_default();
        let proposed = found.proposed.and_then(|proposed| {
            let bytes = bytes(&proposed)?;
            Proposed::from_bytes(&bytes)
        });
        (found.function, proposed.ok_or(unknown))
    };
    Ok(found.into_iter().map(read).collect())
}

/// The same, were the code what the latest result was made by.
fn of_last_run(
    store: &Store,
    function: &str,
    old: Option<&Digest>,
) -> Result<Result<Proposed, String>, Failure> {
    let newest = store.entries_of(function, 1)?.into_iter().next();
    let state = newest
        .as_ref()
        .map(|entry| store.state_of(entry))
        .transpose()?;
    match state.flatten() {
        Some(state) => Ok(Ok(propose(store, function, &state, old)?)),
        None => Ok(Err(
            "what its last result was made of is not known any more".to_owned(),
        )),
    }
}

/// The state that an entry was made by, which must be one of these functions'.
fn state_of(store: &Store, entry: &str, functions: &[String]) -> Result<Digest, Failure> {
    let found = all(store, |listed| is_key(entry) && matches(entry, listed))?;
    let mut found = found.into_iter();
    let found = found.find(|listed| functions.contains(&listed.entry.function));
    found
        .map(|listed| listed.entry.state)
        .ok_or_else(|| Failure::NoSuch(format!("no result of these functions has the key {entry}")))
}

/// Reads hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    pairs.map(byte).collect()
}

/// Shows what changed, and has the user say that it is harmless.
fn confirm(shared: &Shared, args: &Accept, proposals: &[Proposal]) -> Result<(), Failure> {
    if !shared.json {
        let mut page = Page::default();
        for proposal in proposals {
            page.line(HEADING, &proposal.function)?;
            let (old, new) = (proposal.old.short(), proposal.new.short());
            page.line(FAINT, &format!("from state {old} to {new}"))?;
            for change in &proposal.changes {
                Altered::from(change).write(&mut page)?;
            }
        }
        page.flush()?;
    }
    if args.yes {
        return Ok(());
    }
    if shared.json || !io::stdin().is_terminal() {
        let told = "nobody can be asked here: say --yes if what changed is harmless";
        return Err(Failure::Mistake(told.to_owned()));
    }
    let what = match proposals.len() {
        1 => "this change".to_owned(),
        many => format!("these changes of {many} functions"),
    };
    let mut asking = io::stderr().lock();
    write!(
        asking,
        "Do all calls return what they did before {what}? [y/N] "
    )?;
    asking.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::NoSuch("nothing was accepted".to_owned())),
    }
}

fn list(store: &Store, words: &[String]) -> Result<Outcome, Failure> {
    let mut found = store.acceptances()?;
    if let Some(word) = words
        .iter()
        .find(|word| !found.iter().any(|known| names(word, &known.function)))
    {
        return Err(Failure::NoSuch(format!("nothing is accepted of '{word}'")));
    }
    let is_meant = |word: &String, known: &Acceptance| names(word, &known.function);
    found.retain(|known| words.is_empty() || words.iter().any(|word| is_meant(word, known)));
    Ok(Outcome {
        done: Deed::Listed,
        acceptances: found.iter().map(Accepted::from).collect(),
        refused: Vec::new(),
    })
}

fn revoke(store: &Store, ids: &[String]) -> Result<Outcome, Failure> {
    let known = store.acceptances()?;
    let mut meant = Vec::new();
    for id in ids {
        let digits = id.to_ascii_lowercase();
        let named = |known: &&Acceptance| known.id().to_hex().starts_with(&digits);
        let found: Vec<_> = known.iter().filter(named).collect();
        match found[..] {
            [one] if is_key(id) => meant.push(one),
            [] => {
                let told = format!("nothing is accepted as '{id}'; --list shows what is");
                return Err(Failure::NoSuch(told));
            }
            _ => {
                let told = format!("'{id}' may mean several: give more of its digits");
                return Err(Failure::Mistake(told));
            }
        }
    }
    for one in &meant {
        store.revoke(one)?;
    }
    Ok(Outcome {
        done: Deed::Revoked,
        acceptances: meant.into_iter().map(Accepted::from).collect(),
        refused: Vec::new(),
    })
}

impl Report for Outcome {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        for known in &self.acceptances {
            let told = match self.done {
                Deed::Listed => {
                    known.write(page)?;
                    continue;
                }
                Deed::Accepted => format!("accepted: {}", known.line()),
                Deed::Revoked => format!("revoked: {}", known.line()),
            };
            page.marked(GOOD, &known.function, &told)?;
        }
        for refused in &self.refused {
            page.marked(
                BAD,
                &refused.function,
                &format!("not accepted: {}", refused.why),
            )?;
            for change in &refused.changes {
                change.write(page)?;
            }
        }
        if self.done == Deed::Listed && self.acceptances.is_empty() {
            page.line(FAINT, "nothing is accepted")?;
        }
        Ok(())
    }

    fn status(&self) -> u8 {
        if self.refused.is_empty() { 0 } else { NOT_SO }
    }
}
