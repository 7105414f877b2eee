//! The walk through a value: an explicit stack in place of recursion, so that depth costs memory
//! only, and a memo of finished containers, so that sharing costs nothing.
//!
//! Containers count by value: whether two places hold one object or two equal ones does not
//! show. Only a value that contains itself can't be told that way; its containers are numbered in
//! the order in which they are first met.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rememo::Folded;

use super::definitions;
use super::expand::{Expander, shallow_order};
use super::graph::{Closed, Content, Options, Refusal, Remembered, Scope, Subject, Target};
use super::{code, scalars, tag, watch};
use crate::raw;

/// How a child is reached from its container, for error messages.
pub(super) enum Step<'py> {
    Index(usize),
    Key(Bound<'py, PyAny>),
    Item(Bound<'py, PyAny>),
    Attribute(String),
    Element,
    /// Reached in a way that has no spelling.
    Inside,
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(key) => write!(f, " key {key:?}"),
            Self::Item(key) => write!(f, "[{key:?}]"),
            Self::Attribute(name) => write!(f, ".{name}"),
            Self::Element => f.write_str(" element"),
            Self::Inside => Ok(()),
        }
    }
}

/// The children of a container.
pub(super) enum Children<'py> {
    List(Bound<'py, PyList>),
    Tuple(Bound<'py, PyTuple>),
    Some(Vec<(Step<'py>, Bound<'py, PyAny>)>),
}

/// What a container consists of, once its header has been written.
pub(super) struct Expansion<'py> {
    pub children: Children<'py>,
    /// False for sets: children are sorted by their encodings.
    pub ordered: bool,
}

struct Frame<'py> {
    object: Bound<'py, PyAny>,
    content: Content<'py>,
    expansion: Expansion<'py>,
    next: usize,
    /// How many children there were when the walk came here.
    count: usize,
    /// How much had been remembered when the walk came here.
    met: usize,
    /// The elements of a set.
    elements: Vec<Element<'py>>,
}

/// An element of a set, with what was remembered within it.
type Element<'py> = (Closed<'py>, Vec<Remembered>);

enum Stop {
    Refused(Refusal),
    /// The value contains itself, and containers were counted by value.
    Cyclic,
}

impl<E: Into<Refusal>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// Encodes any value into the content of a part.
pub(super) fn encode<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    if scalars::encode(value, &mut content.encoder)? {
        watch::scalar(value, scope);
        return Ok(());
    }
    if definitions::encode(value, scope, content)? {
        return Ok(());
    }
    content.absorb(&watch::closed(value, scope)?);
    Ok(())
}

/// Encodes a value that has parts.
pub(super) fn closed<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
) -> Result<Closed<'py>, Refusal> {
    let met = scope.options.remembered.borrow().len();
    let closed = match Walk::new(value.py(), scope, false).run(value) {
        Err(Stop::Cyclic) => {
            scope.options.remembered.borrow_mut().truncate(met);
            numbered(value, scope)
        }
        done => done,
    };
    closed.map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Cyclic => Refusal::new("it contains itself"),
    })
}

/// Encodes a value that contains itself. Elements of a set are not written in the order in which
/// they are numbered: where one is met again, or a container in it, that one tells its number.
fn numbered<'py>(value: &Bound<'py, PyAny>, scope: Scope<'_>) -> Result<Closed<'py>, Stop> {
    let met = scope.options.remembered.borrow().len();
    let mut walk = Walk::new(value.py(), scope, true);
    loop {
        let closed = walk.run(value)?;
        if walk.untold.is_empty() {
            return Ok(closed);
        }
        scope.options.remembered.borrow_mut().truncate(met);
        let told = walk.told.union(&walk.untold).copied().collect();
        walk = Walk::new(value.py(), scope, true);
        walk.told = told;
    }
}

/// Values, each with the way to it.
pub type Named<'py> = Vec<(String, Bound<'py, PyAny>)>;

/// The children of a value, each with the way to it; `None` for a value without parts.
pub(super) fn children<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
) -> Result<Option<Named<'py>>, Refusal> {
    let mut content = Content::default();
    if scalars::encode(value, &mut content.encoder)?
        || definitions::encode(value, scope, &mut content)?
    {
        return Ok(None);
    }
    let expansion = Expander::new(value.py(), scope).expand(value, &mut content)?;
    let number = |(at, child)| (Step::Index(at).to_string(), child);
    Ok(Some(match expansion.children {
        Children::List(list) => list.iter().enumerate().map(number).collect(),
        Children::Tuple(tuple) => tuple.iter().enumerate().map(number).collect(),
        Children::Some(children) => children
            .into_iter()
            .map(|(step, child)| (step.to_string(), child))
            .collect(),
    }))
}

/// Deeper than this, a value is taken to be without end.
const DEPTH: usize = 5_000_000;

struct Walk<'a, 'py> {
    expander: Expander<'a, 'py>,
    scope: Scope<'a>,
    numbered: bool,
    stack: Vec<Frame<'py>>,
    /// Containers the walk is inside of, by address.
    open: HashSet<usize>,
    /// Finished containers by address, each kept alive so that its address stays its own.
    memo: HashMap<usize, (Bound<'py, PyAny>, Closed<'py>)>,
    numbers: HashMap<usize, (Bound<'py, PyAny>, usize)>,
    /// How many sets the walk is inside of.
    sets: usize,
    /// Numbers of containers in sets that are told where these begin.
    told: HashSet<usize>,
    /// Numbers of containers in sets that are not.
    silent: HashSet<usize>,
    /// Those of the silent that were met again.
    untold: HashSet<usize>,
}

impl<'a, 'py> Walk<'a, 'py> {
    fn new(py: Python<'py>, scope: Scope<'a>, numbered: bool) -> Self {
        Self {
            expander: Expander::new(py, scope),
            scope,
            numbered,
            stack: Vec::new(),
            open: HashSet::new(),
            memo: HashMap::new(),
            numbers: HashMap::new(),
            sets: 0,
            told: HashSet::new(),
            silent: HashSet::new(),
            untold: HashSet::new(),
        }
    }

    fn run(&mut self, root: &Bound<'py, PyAny>) -> Result<Closed<'py>, Stop> {
        let walked = self.enter(root.clone()).and_then(|()| self.walk());
        walked.map_err(|stop| match stop {
            Stop::Refused(mut refusal) => {
                refusal.steps = format!("{}{}", self.steps(), refusal.steps);
                Stop::Refused(refusal)
            }
            Stop::Cyclic => Stop::Cyclic,
        })
    }

    fn walk(&mut self) -> Result<Closed<'py>, Stop> {
        loop {
            let frame = self
                .stack
                .last_mut()
                .expect("the root is open until it is returned");
            if let Some(child) = frame.child()? {
                self.visit(child)?;
                continue;
            }
            let closed = self.leave();
            match self.stack.last_mut() {
                Some(parent) => parent.absorb(closed, self.scope.options),
                None => return Ok(closed),
            }
        }
    }

    fn visit(&mut self, child: Bound<'py, PyAny>) -> Result<(), Stop> {
        let frame = self.stack.last_mut().expect("a child has a parent");
        let mut apart = (!frame.expansion.ordered).then(Content::default);
        let content = apart.as_mut().unwrap_or(&mut frame.content);
        if scalars::encode(&child, &mut content.encoder)?
            || definitions::encode(&child, self.scope, content)?
        {
            if let Some(apart) = apart {
                frame.elements.push((apart.close(), Vec::new()));
            }
            return Ok(());
        }
        let address = child.as_ptr() as usize;
        if let Some((_, closed)) = self.memo.get(&address) {
            let closed = closed.clone();
            frame.absorb(closed, self.scope.options);
            return Ok(());
        }
        if let Some((_, number)) = self.numbers.get(&address) {
            if self.silent.contains(number) {
                self.untold.insert(*number);
            }
            let mut seen = Content::default();
            seen.encoder.tag(tag::SEEN);
            seen.encoder.len(*number);
            frame.absorb(seen.close(), self.scope.options);
            return Ok(());
        }
        self.enter(child)
    }

    /// Opens a container.
    fn enter(&mut self, object: Bound<'py, PyAny>) -> Result<(), Stop> {
        let address = object.as_ptr() as usize;
        let mut content = Content::default();
        if self.numbered {
            self.give_number(&object, &mut content);
        } else if !self.open.insert(address) {
            return Err(Stop::Cyclic);
        }
        if self.stack.len() >= DEPTH {
            return Err(Refusal::new("it has no end").into());
        }
        let mut expansion = self.expander.expand(&object, &mut content)?;
        if self.numbered && !expansion.ordered {
            shallow_order(&mut expansion);
        }
        self.sets += usize::from(!expansion.ordered);
        let count = expansion.children.len();
        self.stack.push(Frame {
            object,
            content,
            expansion,
            next: 0,
            count,
            met: self.scope.options.remembered.borrow().len(),
            elements: Vec::new(),
        });
        Ok(())
    }

    /// Numbers a container, and tells the number in it where its place does not.
    fn give_number(&mut self, object: &Bound<'py, PyAny>, content: &mut Content<'py>) {
        let number = self.numbers.len();
        let address = object.as_ptr() as usize;
        self.numbers.insert(address, (object.clone(), number));
        if self.sets == 0 {
            return;
        }
        if self.told.contains(&number) {
            content.encoder.tag(tag::SEEN);
            content.encoder.len(number);
        } else {
            self.silent.insert(number);
        }
    }

    /// Closes the innermost container.
    fn leave(&mut self) -> Closed<'py> {
        let mut frame = self.stack.pop().expect("a container is open");
        if !frame.expansion.ordered {
            self.sets -= 1;
            let same = |a: &Element<'_>, b: &Element<'_>| a.0.folded == b.0.folded;
            frame
                .elements
                .sort_unstable_by(|a, b| a.0.folded.cmp(&b.0.folded));
            for alike in frame.elements.chunk_by_mut(same) {
                if alike.len() > 1 && alike[0].0.refers() {
                    alike.sort_by_cached_key(|(element, _)| codes(element, self.scope));
                }
            }
            let mut remembered = self.scope.options.remembered.borrow_mut();
            for (element, within) in frame.elements {
                frame.content.absorb(&element);
                remembered.extend(within);
            }
        }
        let closed = frame.content.close();
        let address = frame.object.as_ptr() as usize;
        self.open.remove(&address);
        // One reference is the container's around it: with more, it may come again.
        let parent = self.stack.last();
        let ours = 1
            + isize::from(!frame.expansion.children.is_some())
            + isize::from(parent.is_some_and(|parent| parent.expansion.children.is_some()));
        if !self.numbered && raw::references(&frame.object) > ours + 1 {
            self.memo.insert(address, (frame.object, closed.clone()));
        }
        closed
    }

    /// The way to the child being looked at.
    fn steps(&self) -> String {
        self.stack.iter().map(Frame::step).collect()
    }
}

/// The code of the functions that an element of a set refers to: functions of one name, such as
/// lambdas, are told apart by it.
fn codes(element: &Closed<'_>, scope: Scope<'_>) -> Vec<Option<Folded>> {
    let code = |target: &Rc<Target<'_>>| {
        let Subject::Function(function) = &target.subject else {
            return None;
        };
        let code = function.getattr("__code__").ok()?.cast_into().ok()?;
        let mut content = Content::default();
        code::encode(&code, scope, &mut content).ok()?;
        Some(content.close().folded)
    };
    element.targets().map(code).collect()
}

impl<'py> Frame<'py> {
    fn child(&mut self) -> Result<Option<Bound<'py, PyAny>>, Refusal> {
        if self.expansion.children.len() != self.count {
            return Err(Refusal::new("it changed while it was looked at"));
        }
        let at = self.next;
        if at == self.count {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(match &self.expansion.children {
            Children::List(list) => list.get_item(at)?,
            Children::Tuple(tuple) => tuple.get_item(at)?,
            Children::Some(children) => children[at].1.clone(),
        }))
    }

    fn absorb(&mut self, closed: Closed<'py>, options: &Options) {
        if self.expansion.ordered {
            self.content.absorb(&closed);
        } else {
            let within = options.remembered.borrow_mut().split_off(self.met);
            self.elements.push((closed, within));
        }
    }

    fn step(&self) -> String {
        let Some(at) = self.next.checked_sub(1) else {
            return String::new();
        };
        match &self.expansion.children {
            Children::Some(children) => children[at].0.to_string(),
            _ => Step::Index(at).to_string(),
        }
    }
}

impl Children<'_> {
    /// Whether they are held apart from the container, and not by a reference to it.
    fn is_some(&self) -> bool {
        matches!(self, Self::Some(_))
    }

    fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Tuple(tuple) => tuple.len(),
            Self::Some(children) => children.len(),
        }
    }
}
