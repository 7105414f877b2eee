//! The listing of parts: a queue of subjects, each digested once, with numbered edges between
//! them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction, PyModule, PyTuple, PyType};
use rememo::{Digest, Encoder, Folded, Part, PartKind};

use super::config::Config;
use super::definitions::Classes;
use super::expand::Kinds;
use super::names::{Uses, uses};
use super::reads::Reads;
use super::watch::{Watch, Watched};
use super::{classes, functions, modules, scalars, tag, walk};

/// Why something has no fingerprint.
#[derive(Debug)]
pub struct Unfreezable {
    /// The way from the root to the offending object.
    pub path: String,
    /// The offending object.
    pub what: String,
    /// An exception that is not ours to swallow: an interrupt, or the interpreter's exit.
    pub fatal: Option<PyErr>,
}

/// The same, seen from inside the part where it was met.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    pub steps: String,
    pub what: String,
    pub fatal: Option<PyErr>,
}

impl Refusal {
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// The same, with the way to the part.
    fn at(self, path: &str) -> Unfreezable {
        Unfreezable {
            path: format!("{path}{}", self.steps),
            what: self.what,
            fatal: self.fatal,
        }
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        let ordinary =
            Python::attach(|py| error.is_instance_of::<pyo3::exceptions::PyException>(py));
        let what = format!("inspecting it raised {error}");
        Self {
            what,
            fatal: (!ordinary).then_some(error),
            ..Self::default()
        }
    }
}

impl From<pyo3::CastError<'_, '_>> for Refusal {
    fn from(error: pyo3::CastError<'_, '_>) -> Self {
        PyErr::from(error).into()
    }
}

impl From<pyo3::CastIntoError<'_>> for Refusal {
    fn from(error: pyo3::CastIntoError<'_>) -> Self {
        PyErr::from(error).into()
    }
}

/// A digest of the whole, and the parts it was made of.
pub struct Frozen<'py> {
    pub digest: Digest,
    pub parts: Vec<Part>,
    /// The function or class that each part is, where it is one.
    pub definitions: Vec<Option<Bound<'py, PyAny>>>,
    pub impurities: BTreeSet<Impurity>,
    /// What code reads about code, here.
    pub reads: Reads,
    /// Over what properties remembered from earlier use, if they did.
    pub remembered: Option<Digest>,
    /// By what to see whether it is still so; or why it can't be seen.
    pub watched: Option<Result<Watched, &'static str>>,
    /// The values that are parts, and where they were found.
    pub places: Vec<Place<'py>>,
}

/// Where code found a value.
pub struct Place<'py> {
    pub kind: PartKind,
    pub name: String,
    /// What holds it, by address, and under which name there.
    pub holder: (usize, String),
    pub value: Bound<'py, PyAny>,
}

/// A use of something that arguments and code do not determine: who uses it, its name, its kind.
pub type Impurity = (String, String, &'static str);

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// An object with an identity of its own: a function, class or module.
    Object(usize),
    /// A named place in an object: a global, attribute, closure cell or default.
    Slot(usize, String),
    /// A library, by name.
    Library(String),
}

/// A reference from one part to another.
pub(super) struct Target<'py> {
    pub identity: Identity,
    pub subject: Subject<'py>,
    pub name: String,
    pub kind: PartKind,
    pub path: String,
}

impl<'py> Target<'py> {
    /// What may be said of it in full: a version, or a number. Text and bytes may be secrets, which
    /// are not to be stored.
    fn text(&self) -> Option<String> {
        match &self.subject {
            Subject::Library { version } => Some(version.clone()),
            Subject::Value(value) => scalars::number(value),
            _ => None,
        }
    }

    fn place(&self) -> Option<Place<'py>> {
        match (&self.subject, &self.identity) {
            (Subject::Value(value), Identity::Slot(address, variable)) => Some(Place {
                kind: self.kind,
                name: self.name.clone(),
                holder: (*address, variable.clone()),
                value: value.clone(),
            }),
            _ => None,
        }
    }

    fn definition(&self) -> Option<Bound<'py, PyAny>> {
        match &self.subject {
            Subject::Function(function) => Some(function.clone().into_any()),
            Subject::Class(class) => Some(class.clone().into_any()),
            _ => None,
        }
    }
}

/// The values that properties of one instance keep, by name.
pub(super) type Remembered = Vec<(String, Py<PyAny>)>;

/// What all parts of one listing are encoded under.
#[derive(Default)]
pub(super) struct Options {
    /// What counts of what code says about itself.
    pub reads: Reads,
    /// What is met that code reads of it.
    pub reads_met: Cell<Reads>,
    /// What properties remembered from earlier use, by instance, in the order in which it was met.
    pub remembered: RefCell<Vec<Remembered>>,
    pub kinds: RefCell<Kinds>,
    pub classes: RefCell<Classes>,
    pub config: Arc<Config>,
    pub impurities: RefCell<BTreeSet<Impurity>>,
    pub watch: Watch,
}

/// Where in a listing something is encoded.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub options: &'a Options,
    /// The way to the part being encoded, for error messages.
    pub path: &'a str,
}

/// An encoding under way: of a part, or of a container within one.
#[derive(Default)]
pub(super) struct Content<'py> {
    pub encoder: Encoder,
    targets: Vec<Rc<Target<'py>>>,
    numbers: HashMap<Identity, usize>,
}

/// A finished encoding, with the targets that its local numbers stand for.
#[derive(Clone)]
pub(super) struct Closed<'py> {
    pub folded: Folded,
    /// `None` for none, as most have.
    targets: Option<Rc<[Rc<Target<'py>>]>>,
}

impl<'py> Closed<'py> {
    /// The parts that it refers to.
    pub fn targets(&self) -> impl Iterator<Item = &Rc<Target<'py>>> {
        self.targets.iter().flat_map(|targets| targets.iter())
    }

    /// Whether it refers to other parts.
    pub fn refers(&self) -> bool {
        self.targets.is_some()
    }

    /// The parts that it refers to, by identity and name.
    pub fn named_targets(&self) -> Vec<(Identity, String)> {
        let named = |target: &Rc<Target<'_>>| (target.identity.clone(), target.name.clone());
        self.targets().map(named).collect()
    }
}

impl<'py> Content<'py> {
    /// Writes a reference: the name, and which of the targets of that name it is.
    pub fn refer(&mut self, target: Target<'py>) {
        self.encoder.tag(tag::REFERENCE);
        self.encoder.str(&target.name);
        let number = self.number(Rc::new(target));
        self.encoder.len(number);
    }

    /// Writes a finished encoding, its targets renumbered as this one's.
    pub fn absorb(&mut self, closed: &Closed<'py>) {
        self.encoder.tag(tag::FOLDED);
        self.encoder.folded(&closed.folded);
        let targets = closed.targets.as_deref().unwrap_or_default();
        self.encoder.len(targets.len());
        for target in targets {
            let number = self.number(target.clone());
            self.encoder.len(number);
        }
    }

    pub fn close(self) -> Closed<'py> {
        Closed {
            folded: self.encoder.fold(),
            targets: (!self.targets.is_empty()).then(|| self.targets.into()),
        }
    }

    fn number(&mut self, target: Rc<Target<'py>>) -> usize {
        let next = self.targets.len();
        let number = *self.numbers.entry(target.identity.clone()).or_insert(next);
        if number == next {
            self.targets.push(target);
        }
        number
    }
}

/// The listing under construction.
pub struct Graph<'py> {
    options: Options,
    numbers: HashMap<Identity, usize>,
    pending: Vec<Rc<Target<'py>>>,
}

impl<'py> Graph<'py> {
    /// Lists everything reachable from `root` and digests it.
    ///
    /// What code reads about code counts as far as `reads` says, or as something listed reads it.
    pub fn freeze(
        root: Root<'py>,
        reads: Reads,
        config: &Arc<Config>,
    ) -> Result<Frozen<'py>, Unfreezable> {
        Self::freeze_watched(root, reads, config, Watch::default)
    }

    /// The same, recording by what to see whether it is still so.
    pub fn freeze_and_watch(
        root: Root<'py>,
        reads: Reads,
        config: &Arc<Config>,
    ) -> Result<Frozen<'py>, Unfreezable> {
        Self::freeze_watched(root, reads, config, Watch::recording)
    }

    fn freeze_watched(
        root: Root<'py>,
        reads: Reads,
        config: &Arc<Config>,
        watch: impl Fn() -> Watch,
    ) -> Result<Frozen<'py>, Unfreezable> {
        let py = match &root {
            Root::Function(function) => function.py(),
            Root::Argument { value, .. } => value.py(),
        };
        let target = Rc::new(match root {
            Root::Function(function) => functions::target(&function, ""),
            Root::Argument { name, value } => Target {
                identity: Identity::Slot(0, name.clone()),
                subject: Subject::Value(value),
                path: format!("argument '{name}'"),
                name,
                kind: PartKind::Argument,
            },
        });
        let mut reads = reads;
        loop {
            let options = Options {
                reads,
                config: config.clone(),
                watch: watch(),
                ..Options::default()
            };
            let frozen = Self::new(options).list(py, &target)?;
            if frozen.reads == reads {
                return Ok(frozen);
            }
            // Something read what did not count yet: list again with it.
            reads = frozen.reads;
        }
    }

    fn new(options: Options) -> Self {
        Self {
            options,
            numbers: HashMap::new(),
            pending: Vec::new(),
        }
    }

    fn list(
        &mut self,
        py: Python<'py>,
        root: &Rc<Target<'py>>,
    ) -> Result<Frozen<'py>, Unfreezable> {
        let (mut parts, mut definitions) = (Vec::new(), Vec::new());
        self.number(root.clone());
        let digest = self.digest(&mut parts, &mut definitions)?;
        let watched = self.options.watch.finish(&self.options);
        let listed = parts.len();
        let places = self
            .pending
            .iter()
            .filter_map(|target| target.place())
            .collect();
        let remembered = self.remembered(py, root, &mut parts, &mut definitions)?;
        parts.truncate(listed);
        definitions.truncate(listed);
        let options = &self.options;
        Ok(Frozen {
            digest,
            parts,
            definitions,
            impurities: options.impurities.take(),
            reads: options.reads.with(options.reads_met.get()),
            remembered,
            watched,
            places,
        })
    }

    /// Lists what is pending and all that it leads to; the digest over it.
    fn digest(
        &mut self,
        parts: &mut Vec<Part>,
        definitions: &mut Vec<Option<Bound<'py, PyAny>>>,
    ) -> Result<Digest, Unfreezable> {
        let mut whole = Encoder::new();
        while let Some(target) = self.pending.get(parts.len()).cloned() {
            let (part, targets) = self.part(&target)?;
            whole.digest(&part.digest);
            whole.len(targets.len());
            for target in targets {
                whole.len(self.number(target));
            }
            parts.push(part);
            definitions.push(target.definition());
        }
        Ok(whole.finish())
    }

    /// The digest over what properties remembered; `None` if none did. The values may themselves
    /// lead to more such properties, and back to where they were met: each is listed once.
    fn remembered(
        &mut self,
        py: Python<'py>,
        root: &Target<'py>,
        parts: &mut Vec<Part>,
        definitions: &mut Vec<Option<Bound<'py, PyAny>>>,
    ) -> Result<Option<Digest>, Unfreezable> {
        let mut whole = Encoder::new();
        whole.str(&root.name);
        let mut known: HashMap<usize, usize> = HashMap::new();
        for round in 0.. {
            let mut fresh = Vec::new();
            for instance in self.options.remembered.take() {
                whole.len(instance.len());
                for (name, value) in instance {
                    let next = known.len();
                    let number = *known.entry(value.as_ptr() as usize).or_insert(next);
                    whole.str(&name);
                    whole.len(number);
                    if number == next {
                        fresh.push(value);
                    }
                }
            }
            if fresh.is_empty() {
                break;
            }
            let path = format!("{} -> kept by cached properties", root.path);
            let values = PyTuple::new(py, fresh).map_err(|error| Refusal::from(error).at(&path))?;
            self.number(Rc::new(Target {
                identity: Identity::Slot(0, format!("remembered {round}")),
                subject: Subject::Value(values.into_any()),
                name: root.name.clone(),
                kind: PartKind::Value,
                path,
            }));
            whole.digest(&self.digest(parts, definitions)?);
        }
        Ok((!known.is_empty()).then(|| whole.finish()))
    }

    fn number(&mut self, target: Rc<Target<'py>>) -> usize {
        let next = self.pending.len();
        let number = *self.numbers.entry(target.identity.clone()).or_insert(next);
        if number == next {
            self.pending.push(target);
        }
        number
    }

    fn part(&self, target: &Target<'py>) -> Result<(Part, Vec<Rc<Target<'py>>>), Unfreezable> {
        let mut content = Content::default();
        self.encode(target, &mut content)
            .map_err(|refusal| refusal.at(&target.path))?;
        let digest = content.encoder.finish();
        let part = Part {
            name: target.name.clone(),
            kind: target.kind,
            digest,
            source: target.text(),
        };
        Ok((part, content.targets))
    }

    fn encode(&self, target: &Target<'py>, content: &mut Content<'py>) -> Result<(), Refusal> {
        let scope = Scope {
            options: &self.options,
            path: &target.path,
        };
        match &target.subject {
            Subject::Function(function) => functions::encode(function, scope, content),
            Subject::Class(class) => classes::encode(class, scope, content),
            Subject::Module(module) => modules::encode(module, scope, content),
            Subject::Value(value) => walk::encode(value, scope, content),
            Subject::Library { version } => {
                content.encoder.str(version);
                Ok(())
            }
        }
    }
}

/// What an object directly consists of, each with the way to it; `None` where it has no inside.
pub fn children<'py>(
    object: &Bound<'py, PyAny>,
    config: &Arc<Config>,
) -> Result<Option<walk::Named<'py>>, Unfreezable> {
    let options = Options {
        config: config.clone(),
        ..Options::default()
    };
    let scope = Scope {
        options: &options,
        path: "",
    };
    walk::children(object, scope).map_err(|refusal| Unfreezable {
        path: String::new(),
        what: refusal.what,
        fatal: refusal.fatal,
    })
}

/// The outside names of a function's code.
pub fn uses_of(function: &Bound<'_, PyFunction>) -> PyResult<Arc<Uses>> {
    uses_of_code(&function.getattr("__code__")?.cast_into::<PyCode>()?)
}

/// The outside names of code, with all code nested in it.
pub fn uses_of_code(code: &Bound<'_, PyCode>) -> PyResult<Arc<Uses>> {
    uses(code).map_err(|refusal| {
        refusal
            .fatal
            .unwrap_or_else(|| pyo3::exceptions::PyTypeError::new_err(refusal.what))
    })
}
