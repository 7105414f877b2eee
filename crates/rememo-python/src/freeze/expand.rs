//! What a container or instance consists of, by its type. Each type is looked at once in a listing.

use std::collections::HashMap;
use std::rc::Rc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyCode, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet,
    PyString, PyTuple, PyType,
};
use rememo::{Encoder, Folded};

use super::config::{Registration, registration};
use super::graph::{Content, Options, Refusal, Scope};
use super::instances::{self, Layout};
use super::modules::if_imported;
use super::origin::is_library_class;
use super::patterns::goes_by;
use super::reductions;
use super::walk::{Children, Expansion, Step};
use super::wrappers::{self, Wrapper};
use super::{code, packs, scalars, subclasses, tag};
use crate::raw::{self, Form};

/// Methods by which a class says what counts of its instances, those asked first foremost.
const OWN_STATE: [&[&str]; 2] = [&["__getfrozenstate__"], &["__cache_key__", "__cache_ver__"]];

/// How instances of a type are encoded.
#[derive(Clone)]
enum Kind {
    Wrapper(&'static Wrapper),
    Pack(packs::Pack),
    Enumeration,
    /// The class says itself what counts, by one of these methods.
    OwnState(&'static [&'static str]),
    /// The user said what counts.
    Registered(Registration),
    /// The user said that it does not count.
    Ignored,
    /// All state is in attributes.
    Plain(Rc<Layout>),
    /// A value of a built-in type, but of the user's own kind.
    BuiltinSubclass(Rc<Layout>),
    /// A standard wrapper of the user's own kind.
    WrapperSubclass(&'static Wrapper, Rc<Layout>),
    /// Of the user's own kind, with a base of a library that hides its state.
    ReducedSubclass(Rc<Layout>, Rc<Py<PyType>>),
    /// A set with more to it.
    SetSubclass(Rc<Layout>),
    /// As pickling has it.
    Reduced,
    /// Looking at it would change it.
    Iterator,
}

/// The types met in a listing, each kept alive so that its address stays its own.
#[derive(Default)]
pub(super) struct Kinds(HashMap<usize, KnownKind>);

struct KnownKind {
    class: Py<PyType>,
    /// The version of the type that was looked at.
    version: u32,
    kind: Kind,
    /// Whether it was asked for since `begin`.
    used: bool,
}

impl Kinds {
    /// Forgets what has changed since it was looked at, and what can't be seen to be unchanged.
    pub fn begin(&mut self, py: Python<'_>) {
        self.0.retain(|_, known| {
            known.used = false;
            known.version != 0 && known.version == raw::version_of_class(known.class.bind(py))
        });
    }

    pub fn used(&self) -> impl Iterator<Item = &Py<PyType>> {
        let used = self.0.values().filter(|known| known.used);
        used.map(|known| &known.class)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Shows the garbage collector all that is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.values().try_for_each(|known| {
            visit.call(&known.class)?;
            match &known.kind {
                Kind::Plain(layout)
                | Kind::BuiltinSubclass(layout)
                | Kind::WrapperSubclass(_, layout)
                | Kind::SetSubclass(layout) => layout.traverse(visit),
                Kind::ReducedSubclass(layout, home) => {
                    layout.traverse(visit)?;
                    visit.call(&**home)
                }
                // What the user registered is held by the registry.
                _ => Ok(()),
            }
        })
    }
}

/// Whether a class or a base of it has an attribute: what a metaclass answers is not of instances.
fn is_defined(class: &Bound<'_, PyType>, name: &str) -> PyResult<bool> {
    for base in class.mro() {
        if raw::class_namespace(base.cast::<PyType>()?)?.contains(name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A form, with what reads the slots.
type Formed = (Form, Vec<Py<PyAny>>);

/// How instances of a class are told apart by their structure, and what reads their slots, if there
/// is nothing to them but their class, their namespace and these. Instances of a class of a library
/// are what they pickle as from when that is registered.
pub(super) fn form(class: &Bound<'_, PyType>, scope: Scope<'_>) -> Result<Option<Formed>, Refusal> {
    let py = class.py();
    let (form, slots) = match Expander::new(py, scope).kind(class)? {
        Kind::Plain(_) if is_library_class(class, scope.options)? => return Ok(None),
        Kind::Plain(layout) => (Form::Attributes, layout.slots_if_all_counts(py)),
        Kind::Enumeration => (Form::Member, Some(Vec::new())),
        Kind::BuiltinSubclass(layout) => (Form::Builtin, layout.slots_if_all_counts(py)),
        _ => return Ok(None),
    };
    Ok(slots.map(|slots| (form, slots)))
}

/// What reads the slots of instances of a class, if there is nothing to them but their class, their
/// namespace and these.
pub(super) fn slots_of_plain(
    class: &Bound<'_, PyType>,
    scope: Scope<'_>,
) -> Result<Option<Vec<Py<PyAny>>>, Refusal> {
    let kind = Expander::new(class.py(), scope).kind(class)?;
    Ok(match kind {
        Kind::Plain(layout) => {
            instances::watch_dispatch(class, scope.options)?;
            layout.slots_if_all_counts(class.py())
        }
        Kind::Enumeration => Some(Vec::new()),
        _ => None,
    })
}

/// Expands the containers of one walk.
pub(super) struct Expander<'a, 'py> {
    py: Python<'py>,
    scope: Scope<'a>,
}

impl<'a, 'py> Expander<'a, 'py> {
    pub fn new(py: Python<'py>, scope: Scope<'a>) -> Self {
        Self { py, scope }
    }

    /// Writes the header of a container and gives its children.
    pub fn expand(
        &mut self,
        value: &Bound<'py, PyAny>,
        content: &mut Content<'py>,
    ) -> Result<Expansion<'py>, Refusal> {
        if self.scope.options.config.ignore_dict_order
            && let Ok(dict) = value.cast_exact::<PyDict>()
        {
            return unordered(dict, &mut content.encoder);
        }
        if let Some(expansion) = builtin(value, &mut content.encoder)? {
            return Ok(expansion);
        }
        if let Ok(code) = value.cast::<PyCode>() {
            return code::expand(code, self.scope.options, content);
        }
        let class = value.get_type();
        match self.kind(&class)? {
            Kind::Wrapper(wrapper) => wrappers::expand(value, wrapper, self.scope, content),
            Kind::Pack(pack) => pack.expand(value, content),
            Kind::Enumeration => instances::enumeration(value, self.scope, content),
            Kind::OwnState(methods) => instances::own_state(value, methods, content),
            Kind::Registered(registration) => instances::registered(value, &registration, content),
            Kind::Ignored => Ok(instances::ignored(value, content)?),
            Kind::Plain(layout) => instances::plain(value, &layout, self.scope, content),
            Kind::SetSubclass(layout) => {
                instances::set_subclass(value, &layout, self.scope, content)
            }
            Kind::BuiltinSubclass(layout) => {
                instances::builtin_subclass(value, &layout, self.scope, content)
            }
            Kind::WrapperSubclass(wrapper, layout) => {
                wrappers::expand_subclass(value, wrapper, &layout, self.scope, content)
            }
            Kind::ReducedSubclass(layout, home) => {
                subclasses::reduced(value, &layout, home.bind(self.py), self.scope, content)
            }
            Kind::Reduced => reductions::reduced(value, self.scope, content),
            Kind::Iterator => Err(reductions::refusal(
                value,
                "an iterator is used up by looking at it",
            )),
        }
    }

    fn kind(&mut self, class: &Bound<'py, PyType>) -> Result<Kind, Refusal> {
        let address = class.as_ptr() as usize;
        let kinds = &self.scope.options.kinds;
        if let Some(known) = kinds.borrow_mut().0.get_mut(&address) {
            known.used = true;
            return Ok(known.kind.clone());
        }
        let version = raw::version_of_class(class);
        let kind = self.classify(class)?;
        let kept = KnownKind {
            class: class.clone().unbind(),
            version,
            kind: kind.clone(),
            used: true,
        };
        kinds.borrow_mut().0.insert(address, kept);
        Ok(kind)
    }

    fn classify(&self, class: &Bound<'py, PyType>) -> Result<Kind, Refusal> {
        let config = &self.scope.options.config;
        for name in &config.ignore_classes {
            if goes_by(class, name)? {
                return Ok(Kind::Ignored);
            }
        }
        if let Some(registration) = registration(class)? {
            return Ok(Kind::Registered(registration));
        }
        for methods in OWN_STATE {
            if is_defined(class, methods[0])? {
                return Ok(Kind::OwnState(methods));
            }
        }
        if let Some(wrapper) = wrappers::find(class)? {
            return Ok(Kind::Wrapper(wrapper));
        }
        if let Some(pack) = packs::find(class)? {
            return Ok(Kind::Pack(pack));
        }
        // Where `enum` is not imported, nothing is an enumeration.
        if let Some(module) = if_imported(self.py, "enum")?
            && class.is_subclass(&module.getattr("Enum")?)?
        {
            return Ok(Kind::Enumeration);
        }
        if class.is_subclass_of::<PySet>()? || class.is_subclass_of::<PyFrozenSet>()? {
            return Ok(Kind::SetSubclass(Rc::new(Layout::of(class, config)?)));
        }
        let mut layout = Layout::of(class, config)?;
        let options = self.scope.options;
        let library = is_library_class(class, options)?;
        let home = subclasses::home(class, options)?;
        let wrapper = if library {
            None
        } else {
            wrapper_below(class, &home)?
        };
        let hidden = wrapper.map_or(&[][..], Wrapper::hidden);
        if layout.is_whole
            && hidden.is_empty()
            && !instances::pickles_its_own_way(class, options)?
            && (library || !subclasses::has_its_own_say(&home, options)?)
        {
            return Ok(Kind::Plain(Rc::new(layout)));
        }
        if class.hasattr("__next__")? {
            return Ok(Kind::Iterator);
        }
        if library {
            return Ok(Kind::Reduced);
        }
        layout = layout.without_slots_of_libraries(self.py, options)?;
        for name in hidden {
            layout.ignore(name);
        }
        let layout = Rc::new(layout);
        Ok(if let Some(wrapper) = wrapper {
            Kind::WrapperSubclass(wrapper, layout)
        } else if is_plain_builtin(&home) {
            Kind::BuiltinSubclass(layout)
        } else {
            Kind::ReducedSubclass(layout, Rc::new(home.unbind()))
        })
    }
}

/// The standard wrapper among the bases of a class of the user's, up to the first of a library.
fn wrapper_below(
    class: &Bound<'_, PyType>,
    home: &Bound<'_, PyType>,
) -> PyResult<Option<&'static Wrapper>> {
    for base in class.mro().iter().skip(1) {
        let base = base.cast_into::<PyType>()?;
        if let Some(wrapper) = wrappers::find(&base)? {
            return Ok(Some(wrapper));
        }
        if base.is(home) {
            break;
        }
    }
    Ok(None)
}

/// Whether a class is a built-in type whose instances are all content.
fn is_plain_builtin(class: &Bound<'_, PyType>) -> bool {
    let py = class.py();
    [
        py.get_type::<PyDict>(),
        py.get_type::<PyList>(),
        py.get_type::<PyTuple>(),
        py.get_type::<PyString>(),
        py.get_type::<PyInt>(),
        py.get_type::<PyFloat>(),
        py.get_type::<PyComplex>(),
        py.get_type::<PyBytes>(),
        py.get_type::<PyByteArray>(),
    ]
    .iter()
    .any(|builtin| class.is(builtin))
}

fn builtin<'py>(
    value: &Bound<'py, PyAny>,
    encoder: &mut Encoder,
) -> Result<Option<Expansion<'py>>, Refusal> {
    let (kind, children, ordered) = if let Ok(list) = value.cast_exact::<PyList>() {
        (tag::LIST, Children::List(list.clone()), true)
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        (tag::TUPLE, Children::Tuple(tuple.clone()), true)
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        // The order of items can be observed, so it counts.
        (tag::DICT, items(dict), true)
    } else if value.is_exact_instance_of::<PySet>() {
        (tag::SET, elements(value)?, false)
    } else if value.is_exact_instance_of::<PyFrozenSet>() {
        (tag::FROZENSET, elements(value)?, false)
    } else {
        return Ok(None);
    };
    encoder.tag(kind);
    encoder.len(match &children {
        Children::List(list) => list.len(),
        Children::Tuple(tuple) => tuple.len(),
        Children::Some(children) => children.len(),
    });
    Ok(Some(Expansion { children, ordered }))
}

/// Items in no order, where the user says that none counts.
fn unordered<'py>(
    dict: &Bound<'py, PyDict>,
    encoder: &mut Encoder,
) -> Result<Expansion<'py>, Refusal> {
    encoder.tag(tag::UNORDERED_DICT);
    encoder.len(dict.len());
    let mut children = Vec::with_capacity(dict.len());
    for item in dict.items() {
        children.push((Step::Item(item.get_item(0)?), item));
    }
    Ok(Expansion {
        children: Children::Some(children),
        ordered: false,
    })
}

/// Keys and values by turns.
pub(super) fn items<'py>(dict: &Bound<'py, PyDict>) -> Children<'py> {
    let mut children = Vec::with_capacity(2 * dict.len());
    for (key, value) in dict {
        children.push((Step::Key(key.clone()), key.clone()));
        children.push((Step::Item(key), value));
    }
    Children::Some(children)
}

/// The elements of a set, in no order.
pub(super) fn elements<'py>(set: &Bound<'py, PyAny>) -> PyResult<Children<'py>> {
    let elements = set.try_iter()?.map(|element| Ok((Step::Element, element?)));
    Ok(Children::Some(elements.collect::<PyResult<_>>()?))
}

/// Gives the elements of a set in a value that contains itself an order that does not depend on
/// hashes, as far as their types and own plain attributes tell them apart. Where they do not, the
/// order is arbitrary: that can cost a hit, and never makes a wrong one.
pub(super) fn shallow_order(expansion: &mut Expansion<'_>) {
    if let Children::Some(children) = &mut expansion.children {
        children.sort_by_cached_key(|(_, element)| shallow(element));
    }
}

fn shallow(value: &Bound<'_, PyAny>) -> Folded {
    let mut encoder = Encoder::new();
    let scalar = |value: &Bound<'_, PyAny>, encoder: &mut Encoder| {
        scalars::encode(value, encoder).unwrap_or(false)
    };
    if !scalar(value, &mut encoder) {
        let name = value.get_type().fully_qualified_name();
        encoder.str(&name.map(|name| name.to_string()).unwrap_or_default());
        if let Ok(attributes) = instances::attributes(value, &Options::default()) {
            for (name, attribute) in attributes {
                encoder.str(&name);
                scalar(&attribute, &mut encoder);
            }
        }
    }
    encoder.fold()
}
