//! Changes of code of which a user says that they make no difference: results of the old state of a
//! function then answer for the new one.

use std::collections::{BTreeMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::deps::{Observation, State, Subject};
use crate::digest::{Digest, Encoder};
use crate::state::{Change, PartKind, StateTree, changes};
use crate::store::{Store, StoreError};

/// How many earlier states of a function are compared with the one that it is in.
const COMPARED: usize = 100;

/// What a user said of a change of code: results of the old state answer for the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The identity of the function.
    pub function: String,
    /// The state that the results are of.
    pub old: Digest,
    /// The state that they answer for.
    pub new: Digest,
    /// Why they do.
    pub reason: String,
    /// When that was said, in nanoseconds of Unix time.
    pub at_ns: u64,
    /// What changed, sources left out.
    pub changes: Vec<Change>,
}

impl Acceptance {
    /// What it is known by.
    pub fn id(&self) -> Digest {
        id(&self.function, &self.old, &self.new)
    }

    /// That a result rests on it.
    pub(crate) fn observed(&self) -> Observation {
        let subject = Subject::Accepted(self.function.clone(), self.old, self.new);
        Observation::sensed(subject, State::Is(self.id()))
    }
}

pub(crate) fn id(function: &str, old: &Digest, new: &Digest) -> Digest {
    let mut encoder = Encoder::new();
    encoder.str(function);
    encoder.digest(old);
    encoder.digest(new);
    encoder.finish()
}

/// A state whose results answer for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answering {
    /// The state.
    pub state: Digest,
    /// By what: from the other state on, each from one state to an earlier one.
    pub by: Vec<Acceptance>,
}

/// A change of code that could be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The identity of the function.
    pub function: String,
    /// The state that results are stored of.
    pub old: Digest,
    /// The state that they would answer for.
    pub new: Digest,
    /// What changed, with the sources.
    pub changes: Vec<Change>,
    /// Why it cannot be accepted, if it cannot: something else changed than code.
    pub objection: Option<String>,
}

/// What there is to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proposed {
    /// Nothing is stored of another state.
    Nothing,
    /// The latest of another state answer already.
    Accepted(Acceptance),
    /// This.
    Change(Proposal),
}

impl Proposed {
    /// It as bytes, for a process that is to decide.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data can always be written; of nothing, nothing is accepted.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// What it is, where these bytes are of this version of the engine.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Proposal {
    fn between(function: &str, (old, tree): (Digest, Option<&StateTree>), new: &StateTree) -> Self {
        let objection = match tree {
            Some(tree) => objection(tree, new),
            None => Some("what the stored results were made of is not known any more".to_owned()),
        };
        Self {
            function: function.to_owned(),
            old,
            new: new.digest,
            changes: tree.map_or_else(Vec::new, |tree| changes(&tree.parts, &new.parts)),
            objection,
        }
    }

    /// What a user says of it.
    pub fn accepted(&self, reason: &str) -> Acceptance {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unsourced = |change: &Change| Change {
            old_source: None,
            new_source: None,
            ..change.clone()
        };
        Acceptance {
            function: self.function.clone(),
            old: self.old,
            new: self.new,
            reason: reason.to_owned(),
            at_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            changes: self.changes.iter().map(unsourced).collect(),
        }
    }
}

/// Looks what change of code could be accepted: from the latest state that differs in code only, or
/// from the one that is named, to the state that a function is in.
///
/// # Errors
/// Where the index cannot be used.
pub fn propose(
    store: &Store,
    function: &str,
    new: &StateTree,
    from: Option<&Digest>,
) -> Result<Proposed, StoreError> {
    let answering = store.answering(function, &new.digest);
    let mut met = HashSet::from([new.digest]);
    let mut refused = None;
    for entry in store.entries_of(function, usize::MAX)? {
        let is_meant = from.is_none_or(|from| *from == entry.state);
        if !is_meant || !met.insert(entry.state) {
            continue;
        }
        let known = answering.iter().find(|known| known.state == entry.state);
        if let Some(link) = known.and_then(|known| known.by.last()) {
            return Ok(Proposed::Accepted(link.clone()));
        }
        let tree = store.state_of(&entry)?;
        let proposal = Proposal::between(function, (entry.state, tree.as_ref()), new);
        if proposal.objection.is_none() {
            return Ok(Proposed::Change(proposal));
        }
        refused.get_or_insert(proposal);
        if met.len() > COMPARED {
            break;
        }
    }
    Ok(refused.map_or(Proposed::Nothing, Proposed::Change))
}

/// The parts of a kind and name, by digest: there may be several of one name.
type Named<'a> = BTreeMap<(PartKind, &'a str), Vec<Digest>>;

/// What else than code differs between two states, if anything does. What only one of them has comes
/// with the code that uses it: a helper, an import, a constant.
fn objection(old: &StateTree, new: &StateTree) -> Option<String> {
    let (before, now) = (named(old), named(new));
    let differing = before
        .keys()
        .chain(now.keys())
        .filter(|part| before.get(*part) != now.get(*part));
    let mut has_code = false;
    for part in differing {
        let (kind, name) = part;
        if kind.is_definition() {
            has_code = true;
        } else if before.contains_key(part) && now.contains_key(part) || kind.is_said() {
            let what = format!("{kind} {name}");
            return Some(format!("{} changed, which is not code", what.trim_end()));
        }
    }
    (!has_code).then(|| "no code differs that is known of".to_owned())
}

fn named(tree: &StateTree) -> Named<'_> {
    let mut named = Named::new();
    for part in &tree.parts {
        let digests = named.entry((part.kind, part.name.as_str())).or_default();
        digests.push(part.digest);
    }
    for digests in named.values_mut() {
        digests.sort_unstable();
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Part;

    fn tree(parts: &[(PartKind, &str, &str)]) -> StateTree {
        let part = |(kind, name, content): &(PartKind, &str, &str)| Part {
            name: (*name).to_owned(),
            kind: *kind,
            digest: Digest::of(content.as_bytes()),
            source: None,
        };
        StateTree {
            digest: Digest::of(format!("{parts:?}").as_bytes()),
            parts: parts.iter().map(part).collect(),
        }
    }

    #[test]
    fn code_may_change_and_bring_along_what_it_uses() {
        use PartKind::{Class, Function, Global, Library};
        let old = tree(&[(Function, "f", "1"), (Global, "RATE", "3")]);
        for new in [
            &[(Function, "f", "2"), (Global, "RATE", "3")][..],
            &[(Function, "f", "2")],
            &[
                (Function, "f", "2"),
                (Function, "g", "1"),
                (Class, "C", "1"),
                (Global, "RATE", "3"),
                (Library, "numpy", "2.1"),
            ],
        ] {
            assert_eq!(objection(&old, &tree(new)), None, "{new:?}");
        }
    }

    #[test]
    fn nothing_else_may() {
        use PartKind::{Argument, Function, Global, Interpreter, Library, Options};
        for (kind, name) in [
            (Global, "RATE"),
            (Library, "numpy"),
            (Interpreter, ""),
            (Argument, "version"),
            (Options, ""),
        ] {
            let old = tree(&[(Function, "f", "1"), (kind, name, "1")]);
            let new = tree(&[(Function, "f", "2"), (kind, name, "2")]);
            let told = objection(&old, &new).unwrap();
            assert!(told.starts_with(&kind.to_string()), "{told}");
            assert!(told.ends_with("changed, which is not code"), "{told}");
        }
        let bare = tree(&[(Function, "f", "1")]);
        for said in [(Argument, "version", "1"), (Options, "", "replaying files")] {
            let new = tree(&[(Function, "f", "2"), said]);
            assert!(objection(&bare, &new).is_some());
            assert!(objection(&new, &bare).is_some());
        }
        assert!(objection(&bare, &bare).is_some());
        let imported = tree(&[(Function, "f", "1"), (Global, "RATE", "3")]);
        assert!(objection(&bare, &imported).is_some(), "and no code");
    }

    #[test]
    fn of_parts_of_one_name_all_count() {
        use PartKind::{Closure, Function};
        let old = [
            (Function, "f", "1"),
            (Closure, "x", "1"),
            (Closure, "x", "2"),
        ];
        let mut new = old;
        new[0].2 = "2";
        assert_eq!(objection(&tree(&old), &tree(&new)), None);
        new[1].2 = "3";
        assert!(objection(&tree(&old), &tree(&new)).is_some());
    }
}
