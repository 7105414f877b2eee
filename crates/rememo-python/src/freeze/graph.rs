//! The listing of parts: a work queue of subjects, each digested once, with edges between them.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyFunction, PyModule, PyType};
use rememo::{Digest, Encoder, Part, PartKind};

/// Why something has no fingerprint: where it was met and what it is.
#[derive(Debug)]
pub struct Unfreezable {
    /// The way from the root to the offending object.
    pub path: String,
    /// The offending object, and what can be done.
    pub what: String,
}

impl Unfreezable {
    pub fn new(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    /// Wraps an exception that inspecting an object raised.
    pub fn raised(path: &str, error: &PyErr) -> Self {
        Self::new(path, format!("inspecting it raised {error}"))
    }
}

/// A digest of the whole, and the parts it was made of.
pub struct Frozen {
    pub digest: Digest,
    pub parts: Vec<Part>,
}

/// Where a walk begins.
pub enum Root<'py> {
    Function(Bound<'py, PyFunction>),
    Argument {
        name: String,
        value: Bound<'py, PyAny>,
    },
}

/// What a part is about.
#[derive(Clone)]
pub(super) enum Subject<'py> {
    Function(Bound<'py, PyFunction>),
    Class(Bound<'py, PyType>),
    Module(Bound<'py, PyModule>),
    Value(Bound<'py, PyAny>),
    Library { version: String },
}

/// What makes two references mean one part.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// An object with an identity of its own: a function, class or module.
    Object(usize),
    /// A named place in an object: a global, attribute, closure cell or default.
    Slot(usize, String),
    /// A library, by name.
    Library(String),
}

/// A reference from one part to another, not yet numbered.
#[derive(Clone)]
pub(super) struct Target<'py> {
    pub identity: Identity,
    pub subject: Subject<'py>,
    pub name: String,
    pub kind: PartKind,
    pub path: String,
}

/// The content of one part while it is being encoded.
#[derive(Default)]
pub(super) struct Content<'py> {
    pub encoder: Encoder,
    pub targets: Vec<Target<'py>>,
}

impl<'py> Content<'py> {
    /// Writes a reference: the name here, the edge in the listing.
    pub fn refer(&mut self, tag: u8, target: Target<'py>) {
        self.encoder.tag(tag);
        self.encoder.str(&target.name);
        self.targets.push(target);
    }
}

/// The listing under construction.
pub struct Graph<'py> {
    pub(super) py: Python<'py>,
    pub(super) reads_docs: bool,
    numbers: HashMap<Identity, usize>,
    pending: Vec<Target<'py>>,
}

impl<'py> Graph<'py> {
    /// Lists everything reachable from `root` and digests it.
    pub fn freeze(py: Python<'py>, root: Root<'py>) -> Result<Frozen, Unfreezable> {
        let target = match root {
            Root::Function(function) => super::functions::target(&function, ""),
            Root::Argument { name, value } => Target {
                identity: Identity::Slot(0, name.clone()),
                subject: Subject::Value(value),
                path: format!("argument '{name}'"),
                name,
                kind: PartKind::Argument,
            },
        };
        let mut graph = Self::new(py, false);
        let frozen = graph.list(target.clone())?;
        if !graph.reads_docs {
            return Ok(frozen);
        }
        // Something reads documentation, so documentation counts: list again with it.
        Self::new(py, true).list(target)
    }

    fn new(py: Python<'py>, reads_docs: bool) -> Self {
        Self {
            py,
            reads_docs,
            numbers: HashMap::new(),
            pending: Vec::new(),
        }
    }

    fn list(&mut self, root: Target<'py>) -> Result<Frozen, Unfreezable> {
        let mut whole = Encoder::new();
        let mut parts = Vec::new();
        self.number(root);
        let mut next = 0;
        while let Some(target) = self.pending.get(next).cloned() {
            next += 1;
            let (part, targets) = self.part(target)?;
            whole.digest(&part.digest);
            whole.len(targets.len());
            for target in targets {
                whole.len(self.number(target));
            }
            parts.push(part);
        }
        Ok(Frozen {
            digest: whole.finish(),
            parts,
        })
    }

    fn number(&mut self, target: Target<'py>) -> usize {
        let next = self.pending.len();
        let number = *self.numbers.entry(target.identity.clone()).or_insert(next);
        if number == next {
            self.pending.push(target);
        }
        number
    }

    fn part(&mut self, target: Target<'py>) -> Result<(Part, Vec<Target<'py>>), Unfreezable> {
        let mut content = Content::default();
        let path = &target.path;
        let mut source = None;
        match &target.subject {
            Subject::Function(function) => {
                self.function(function, path, &mut content)?;
                source = source_of(function.as_any());
            }
            Subject::Class(class) => {
                self.class(class, path, &mut content)?;
                source = source_of(class.as_any());
            }
            Subject::Module(module) => self.module(module, path, &mut content)?,
            Subject::Value(value) => self.value(value, path, &mut content)?,
            Subject::Library { version } => content.encoder.str(version),
        }
        let part = Part {
            name: target.name,
            kind: target.kind,
            digest: content.encoder.finish(),
            source,
        };
        Ok((part, content.targets))
    }
}

/// The source text of a function or class, where the interpreter can find it.
fn source_of(object: &Bound<'_, PyAny>) -> Option<String> {
    let inspect = object.py().import("inspect").ok()?;
    inspect
        .call_method1("getsource", (object,))
        .ok()?
        .extract()
        .ok()
}
