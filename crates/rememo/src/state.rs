//! What a call depends on: named parts with digests, and how two sets of them differ.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::deps::Observation;
use crate::digest::{Digest, Encoder, SCHEME_VERSION};

/// One named part of a function's state, or one argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The name people know it by.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// The digest of its content.
    pub digest: Digest,
    /// Its source text, where it has one and may be stored; of a number, how it is written, and of a
    /// library, its version.
    pub source: Option<String>,
}

impl Part {
    /// The source of its code, where it is code and that is stored.
    pub fn code(&self) -> Option<&str> {
        self.source.as_deref().filter(|_| self.kind.is_definition())
    }

    /// What else is known of it: of a number, how it is written; of a library, its version.
    pub fn details(&self) -> Option<&str> {
        self.source
            .as_deref()
            .filter(|_| !self.kind.is_definition())
    }
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PartKind {
    /// A function's code.
    Function,
    /// A class.
    Class,
    /// A module.
    Module,
    /// A global variable.
    Global,
    /// A variable of an enclosing function.
    Closure,
    /// The default of a parameter.
    Default,
    /// An installed library, by version.
    Library,
    /// An argument of the call.
    Argument,
    /// Any other value.
    Value,
    /// The interpreter itself.
    Interpreter,
    /// A file that was read.
    File,
    /// A directory that was listed.
    Directory,
    /// What is said of a file without opening it.
    Status,
    /// Where a symbolic link points.
    Link,
    /// The directory that the process is in.
    WorkingDirectory,
    /// A variable of the environment.
    Variable,
    /// All of the environment.
    Environment,
    /// A generator of random numbers that the whole process draws from.
    Generator,
    /// Which files there are that a pattern describes.
    Matches,
    /// Which files there are below a directory.
    Tree,
    /// The settings of a library, which the whole process shares.
    Settings,
    /// What the process keeps of the results of a function.
    Kept,
    /// What its user said of how a function is watched and kept, as far as that counts.
    Options,
    /// A change of code that was accepted.
    Acceptance,
}

impl PartKind {
    /// Whether it is code that somebody wrote as such: its source is what it is made from.
    pub(crate) fn is_definition(self) -> bool {
        matches!(self, Self::Function | Self::Class)
    }

    /// Whether it is there because the user says so, not because code uses it.
    pub(crate) fn is_said(self) -> bool {
        matches!(self, Self::Argument | Self::Options)
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "function",
            Self::Class => "class",
            Self::Module => "module",
            Self::Global => "global",
            Self::Closure => "closure",
            Self::Default => "default",
            Self::Library => "library",
            Self::Argument => "argument",
            Self::Value => "value",
            Self::Interpreter => "interpreter",
            Self::File => "file",
            Self::Directory => "directory",
            Self::Status => "status",
            Self::Link => "symbolic link",
            Self::WorkingDirectory => "current directory",
            Self::Variable => "environment variable",
            Self::Environment => "environment",
            Self::Generator => "random generator",
            Self::Matches => "files named",
            Self::Tree => "files in",
            Self::Settings => "settings of",
            Self::Kept => "kept result of",
            Self::Options => "options",
            Self::Acceptance => "accepted change of",
        })
    }
}

/// A function's state: its digest, and the parts that it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateTree {
    /// The digest over all parts.
    pub digest: Digest,
    /// The parts, in the order in which they were met.
    pub parts: Vec<Part>,
}

impl StateTree {
    /// As it is stored: functions that are alike share one state, so the part that is the function
    /// itself, which comes first, goes without a name there.
    pub(crate) fn shared(&self, function: &str) -> Self {
        let mut tree = self.clone();
        if let Some(own) = tree.own().filter(|own| own.name == function) {
            own.name.clear();
        }
        tree
    }

    /// As it is for one of those functions.
    pub(crate) fn named(mut self, function: &str) -> Self {
        if let Some(own) = self.own().filter(|own| own.name.is_empty()) {
            function.clone_into(&mut own.name);
        }
        self
    }

    fn own(&mut self) -> Option<&mut Part> {
        let first = self.parts.first_mut();
        first.filter(|part| part.kind == PartKind::Function)
    }
}

/// Everything that is known of a call before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(crate) function: String,
    pub(crate) state: Arc<StateTree>,
    pub(crate) arguments: Vec<Part>,
    pub(crate) argument_digest: Digest,
    remembered: Option<Box<Digest>>,
    lasting: Digest,
    digest: Digest,
}

impl Key {
    /// The key of a call of a function, by its identity, in a state that outlives the call, with
    /// arguments, by name, and the digest over all of them.
    pub fn new(
        function: String,
        state: Arc<StateTree>,
        arguments: Vec<Part>,
        argument_digest: Digest,
    ) -> Self {
        let lasting = lasting(&function, &state.digest, &argument_digest);
        Self {
            function,
            state,
            arguments,
            argument_digest,
            remembered: None,
            lasting,
            digest: lasting,
        }
    }

    /// The same, where objects remember something of earlier use: a property that keeps what it
    /// once computed. That counts, but a call may be what makes it appear.
    #[must_use]
    pub fn remembering(mut self, remembered: &Digest) -> Self {
        self.digest = with_remembered(&self.lasting, remembered);
        self.remembered = Some(Box::new(*remembered));
        self
    }

    /// The call key of the same call, were the function in another state.
    pub(crate) fn in_state(&self, state: &Digest) -> Digest {
        let lasting = lasting(&self.function, state, &self.argument_digest);
        match &self.remembered {
            None => lasting,
            Some(remembered) => with_remembered(&lasting, remembered),
        }
    }

    /// The state of the function.
    pub fn state(&self) -> &Arc<StateTree> {
        &self.state
    }

    /// Everything that the key was made of, the arguments last.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.state.parts.iter().chain(&self.arguments)
    }

    /// The call key: one digest over scheme version, function, state and arguments.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The part of the call key that the call must leave as it was.
    pub fn lasting(&self) -> Digest {
        self.lasting
    }
}

fn lasting(function: &str, state: &Digest, argument_digest: &Digest) -> Digest {
    let mut encoder = Encoder::new();
    encoder.u64(u64::from(SCHEME_VERSION));
    encoder.str(function);
    encoder.digest(state);
    encoder.digest(argument_digest);
    encoder.finish()
}

fn with_remembered(lasting: &Digest, remembered: &Digest) -> Digest {
    let mut encoder = Encoder::new();
    encoder.digest(lasting);
    encoder.digest(remembered);
    encoder.finish()
}

/// A part that differs between two states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The name of the part.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// Its digest before, unless it is new.
    pub old: Option<Digest>,
    /// Its digest now, unless it is gone.
    pub new: Option<Digest>,
    /// Its source before.
    pub old_source: Option<String>,
    /// Its source now.
    pub new_source: Option<String>,
    /// What is known of how it was: of a number, how it is written; of a library, its version; of a
    /// file, its digest in short, its length and age.
    pub old_details: Option<String>,
    /// What is known of how it is.
    pub new_details: Option<String>,
}

impl fmt::Display for Change {
    /// What changed, such as `file data.csv`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            return self.kind.fmt(f);
        }
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Change {
    /// What became of something that a run looked at.
    pub(crate) fn of_world(was: &Observation, is: &Observation) -> Self {
        let told = |seen: &Observation| {
            let digest = seen.state.digest()?;
            Some(format!("{}, {}", digest.short(), seen.details()?))
        };
        Self {
            name: was.subject.name(),
            kind: was.subject.part(),
            old: was.state.digest(),
            new: is.state.digest(),
            old_source: None,
            new_source: None,
            old_details: told(was),
            new_details: told(is),
        }
    }

    fn between(old: Option<&Part>, new: Option<&Part>) -> Option<Self> {
        let either = new.or(old)?;
        let source = |part: Option<&Part>| part.and_then(Part::code).map(str::to_owned);
        let details = |part: Option<&Part>| part.and_then(Part::details).map(str::to_owned);
        Some(Self {
            name: either.name.clone(),
            kind: either.kind,
            old: old.map(|part| part.digest),
            new: new.map(|part| part.digest),
            old_source: source(old),
            new_source: source(new),
            old_details: details(old),
            new_details: details(new),
        })
    }
}

/// What changed from `old` to `new`: changed and added parts in their new order, then those gone.
pub fn changes(old: &[Part], new: &[Part]) -> Vec<Change> {
    let (before, now) = (by_name(old), by_name(new));
    let altered = new.iter().filter_map(|part| {
        let was = before.get(&(part.kind, part.name.as_str())).copied();
        let same = was.is_some_and(|was| was.digest == part.digest);
        if same {
            None
        } else {
            Change::between(was, Some(part))
        }
    });
    let gone = old
        .iter()
        .filter(|part| !now.contains_key(&(part.kind, part.name.as_str())));
    altered
        .chain(gone.filter_map(|part| Change::between(Some(part), None)))
        .collect()
}

fn by_name(parts: &[Part]) -> HashMap<(PartKind, &str), &Part> {
    parts
        .iter()
        .map(|part| ((part.kind, part.name.as_str()), part))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: PartKind, name: &str, content: &str) -> Part {
        let source = Some(content.to_owned());
        Part {
            name: name.to_owned(),
            kind,
            digest: Digest::of(content.as_bytes()),
            source,
        }
    }

    #[test]
    fn functions_that_are_alike_share_a_state_by_their_own_names() {
        use PartKind::{Function, Global};
        let tree = |own: &str| StateTree {
            digest: Digest::of(b"state"),
            parts: vec![part(Function, own, "1"), part(Global, "", "2")],
        };
        assert_eq!(tree("f").shared("f"), tree("g").shared("g"));
        assert_eq!(tree("f").shared("f").named("g"), tree("g"));
        // What comes first need not be the function.
        assert_eq!(tree("helper").shared("f").named("g"), tree("helper"));
    }

    #[test]
    fn changes_come_in_new_order_then_the_removed() {
        use PartKind::{Function, Global};
        let old = [
            part(Function, "f", "1"),
            part(Global, "gone", "2"),
            part(Global, "same", "3"),
        ];
        let new = [
            part(Global, "new", "4"),
            part(Global, "same", "3"),
            part(Function, "f", "5"),
        ];
        let found = changes(&old, &new);
        let names: Vec<_> = found.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["new", "f", "gone"]);
        assert_eq!(found[0].old, None);
        assert_eq!(found[1].old_source.as_deref(), Some("1"));
        assert_eq!(found[1].new_source.as_deref(), Some("5"));
        assert_eq!(found[2].new, None);
    }

    #[test]
    fn kinds_keep_equal_names_apart() {
        let old = [part(PartKind::Global, "x", "1")];
        let new = [part(PartKind::Closure, "x", "1")];
        assert_eq!(changes(&old, &new).len(), 2);
        assert_eq!(PartKind::Closure.to_string(), "closure");
    }
}
