//! Instances: by their attributes where those are all there is, else as pickling has them.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};

use super::config::{Config, Registration};
use super::graph::{Content, Options, Refusal, Scope};
use super::origin::{is_library_class, type_name};
use super::patterns::goes_by;
use super::reads::Reads;
use super::reductions::refusal;
use super::walk::{Children, Expansion, Step};
use super::{subclasses, tag};
use crate::raw;

/// A standard descriptor, and where it remembers, from 3.13 on, for which instance it made what
/// method: a call makes that change, and it does not show.
const DISPATCHER: (&str, &str) = ("functools", "singledispatchmethod");
const DISPATCH_MEMO: &str = "_method_cache";

/// Where instances of a class keep their state.
pub(super) struct Layout {
    /// The slots of all bases by name, each with the descriptor that reads it: another attribute
    /// of the same name may hide it.
    slots: Vec<(String, Py<PyAny>)>,
    /// Attributes in which a property remembers what it computed. They count, but apart: a call
    /// may well be what makes them appear.
    remembered: Vec<String>,
    /// Attributes that do not count.
    ignored: Vec<String>,
    /// Those of them that the user ignores.
    left_out: Vec<String>,
    /// Whether attributes are all the state there is: nothing is hidden in C.
    pub is_whole: bool,
}

impl Layout {
    /// What reads the slots, if every attribute counts.
    pub fn slots_if_all_counts(&self, py: Python<'_>) -> Option<Vec<Py<PyAny>>> {
        let all = self.remembered.is_empty() && self.ignored.is_empty();
        let slots = self.slots.iter().map(|(_, slot)| slot.clone_ref(py));
        all.then(|| slots.collect())
    }

    /// Shows the garbage collector what is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.slots.iter().try_for_each(|(_, slot)| visit.call(slot))
    }

    /// Compares the size of instances with what their attributes need, as pickling does
    /// (`object.__reduce_ex__` in `Objects/typeobject.c`).
    pub fn of(class: &Bound<'_, PyType>, config: &Config) -> PyResult<Self> {
        let mut slots = Vec::new();
        let left_out = ignored_attributes(class, config)?;
        let (mut remembered, mut ignored) = (Vec::new(), left_out.clone());
        for base in class.mro() {
            let (module, name) = type_name(base.cast::<PyType>()?)?;
            if (module.as_str(), name.as_str()) == DISPATCHER {
                ignored.push(DISPATCH_MEMO.to_owned());
            }
            for (name, value) in raw::class_namespace(base.cast::<PyType>()?)? {
                // Some extension types keep things under keys that are no names.
                let Ok(name) = name.extract::<String>() else {
                    continue;
                };
                match value.get_type().name()?.to_string().as_str() {
                    "member_descriptor" => slots.push((name, value.unbind())),
                    "cached_property" => remembered.push(name),
                    _ => {}
                }
            }
        }
        let number = |name| {
            class
                .getattr(name)
                .and_then(|value| value.extract::<isize>())
        };
        let object = class.py().import("builtins")?.getattr("object")?;
        let word = isize::try_from(size_of::<usize>()).unwrap_or(8);
        let words = isize::try_from(slots.len()).unwrap_or(isize::MAX)
            + isize::from(number("__dictoffset__")? > 0)
            + isize::from(number("__weakrefoffset__")? > 0);
        let needed = object.getattr("__basicsize__")?.extract::<isize>()? + word * words;
        let is_whole = number("__itemsize__")? == 0 && number("__basicsize__")? <= needed;
        slots.retain(|(name, _)| !ignored.contains(name));
        slots.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self {
            slots,
            remembered,
            ignored,
            left_out,
            is_whole,
        })
    }
}

impl Layout {
    /// Leaves out an attribute.
    pub fn ignore(&mut self, name: &str) {
        self.ignored.push(name.to_owned());
    }

    /// Leaves out the slots of classes of libraries.
    pub fn without_slots_of_libraries(
        mut self,
        py: Python<'_>,
        options: &Options,
    ) -> PyResult<Self> {
        let mut own = Vec::with_capacity(self.slots.len());
        for (name, descriptor) in self.slots {
            let owner = descriptor.bind(py).getattr("__objclass__")?;
            if !is_library_class(owner.cast::<PyType>()?, options)? {
                own.push((name, descriptor));
            }
        }
        self.slots = own;
        Ok(self)
    }
}

/// Whether a class of a library has its own idea of what counts. The user's own classes are looked
/// at as they are: what their pickling leaves out may still show in a result.
pub(super) fn pickles_its_own_way(class: &Bound<'_, PyType>, options: &Options) -> PyResult<bool> {
    if !is_library_class(class, options)? {
        return Ok(false);
    }
    let object = class.py().import("builtins")?.getattr("object")?;
    for name in ["__reduce_ex__", "__reduce__", "__getstate__"] {
        if !class.getattr(name)?.is(&object.getattr(name)?) {
            return Ok(true);
        }
    }
    class
        .py()
        .import("copyreg")?
        .getattr("dispatch_table")?
        .contains(class)
}

/// Records what classes of libraries may be pickled by from now on: by functions of the user's.
pub(super) fn watch_dispatch(class: &Bound<'_, PyType>, options: &Options) -> PyResult<()> {
    if is_library_class(class, options)? {
        let table = class.py().import("copyreg")?.getattr("dispatch_table")?;
        let table = table.cast_exact::<PyDict>();
        options.watch.record(|recorder| match table {
            Ok(table) => recorder.whole(table),
            Err(_) => recorder.obstacle("a table of pickling of its own kind"),
        });
    }
    Ok(())
}

/// The attributes of an instance in its dictionary.
pub(super) fn attributes<'py>(
    value: &Bound<'py, PyAny>,
    options: &Options,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    match raw::namespace(value) {
        Ok(Some(namespace)) => ordered(&namespace, options),
        _ => Ok(Vec::new()),
    }
}

/// A namespace sorted by name, or in its own order where something reads that.
pub(super) fn ordered<'py>(
    namespace: &Bound<'py, PyDict>,
    options: &Options,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    if !options.reads.has(Reads::ORDER) {
        return sorted(namespace);
    }
    namespace.iter().map(named).collect()
}

/// An entry of a namespace by its name. Another one in place of a name that can't be told would be
/// taken for that one.
fn named<'py>(
    (name, value): (Bound<'py, PyAny>, Bound<'py, PyAny>),
) -> PyResult<(String, Bound<'py, PyAny>)> {
    match name.extract() {
        Ok(name) => Ok((name, value)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "an attribute is named {name:?}, which is no text"
        ))),
    }
}

/// A namespace sorted by name: its order says nothing.
pub(super) fn sorted<'py>(
    namespace: &Bound<'py, PyDict>,
) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let mut items: Vec<(String, Bound<'py, PyAny>)> =
        namespace.iter().map(named).collect::<PyResult<_>>()?;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(items)
}

/// The same dictionary, in the order of its names.
pub(super) fn by_name<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let ordered = PyDict::new(namespace.py());
    let names = namespace.keys();
    if names
        .iter()
        .any(|key| !key.is_exact_instance_of::<PyString>())
    {
        return namespace.copy();
    }
    names.sort()?;
    for name in names {
        ordered.set_item(&name, namespace.as_any().get_item(&name)?)?;
    }
    Ok(ordered)
}

/// Class and attributes.
pub(super) fn plain<'py>(
    value: &Bound<'py, PyAny>,
    layout: &Layout,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::INSTANCE);
    let mut children = vec![(Step::Inside, value.get_type().into_any())];
    children.extend(state(value, layout, scope, content)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// Writes the names of the attributes an instance has, and gives their values.
pub(super) fn state<'py>(
    value: &Bound<'py, PyAny>,
    layout: &Layout,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Vec<(Step<'py>, Bound<'py, PyAny>)>, Refusal> {
    let mut found = attributes(value, scope.options)?;
    let reads = scope.options.reads;
    found.retain(|(name, _)| match name.as_str() {
        // Where a callable object stands for a function, `functools.wraps` puts them there.
        "__doc__" => reads.has(Reads::DOCS),
        "__annotate__" | "__annotations__" => reads.has(Reads::ANNOTATIONS),
        _ => !layout.ignored.contains(name),
    });
    let (remembered, mut found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(name, _)| layout.remembered.contains(name));
    if !layout.remembered.is_empty() {
        let remembered = remembered
            .into_iter()
            .map(|(name, value)| (name, value.unbind()));
        scope
            .options
            .remembered
            .borrow_mut()
            .push(remembered.collect());
    }
    for (name, descriptor) in &layout.slots {
        let descriptor = descriptor.bind(value.py());
        if let Ok(slot) = descriptor.call_method1("__get__", (value, value.get_type())) {
            found.push((name.clone(), slot));
        }
    }
    write_left_out(&layout.left_out, content);
    content.encoder.tag(tag::ATTRIBUTES);
    content.encoder.len(found.len());
    for (name, _) in &found {
        content.encoder.str(name);
    }
    Ok(found
        .into_iter()
        .map(|(name, value)| (Step::Attribute(name), value))
        .collect())
}

/// Class, content as the built-in base has it, and attributes: whatever the subclass makes of its
/// own pickling or iteration.
pub(super) fn builtin_subclass<'py>(
    value: &Bound<'py, PyAny>,
    layout: &Layout,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    let py = value.py();
    content.encoder.tag(tag::BUILTIN_SUBCLASS);
    let inside = if let Ok(dict) = value.cast::<PyDict>() {
        let plain = PyDict::new(py);
        for (key, item) in dict {
            plain.set_item(key, item)?;
        }
        plain.into_any()
    } else if let Ok(list) = value.cast::<PyList>() {
        PyList::new(py, list.iter())?.into_any()
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        PyTuple::new(py, tuple.iter())?.into_any()
    } else if let Some(plain) = subclasses::plain_value(value)? {
        plain
    } else {
        return Err(refusal(value, "of an unknown base"));
    };
    let mut children = vec![
        (Step::Inside, value.get_type().into_any()),
        (Step::Inside, inside),
    ];
    children.extend(state(value, layout, scope, content)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// Class, elements and attributes.
pub(super) fn set_subclass<'py>(
    value: &Bound<'py, PyAny>,
    layout: &Layout,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::SET_SUBCLASS);
    let frozen = value
        .py()
        .import("builtins")?
        .getattr("frozenset")?
        .call1((value,))?;
    let mut children = vec![
        (Step::Inside, value.get_type().into_any()),
        (Step::Inside, frozen),
    ];
    children.extend(state(value, layout, scope, content)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// The names of attributes that the user ignores in a class and its instances, for it or for a base of
/// it, sorted.
pub(super) fn ignored_attributes(
    class: &Bound<'_, PyType>,
    config: &Config,
) -> PyResult<Vec<String>> {
    let mut ignored = Vec::new();
    if config.ignore_attributes.is_empty() {
        return Ok(ignored);
    }
    for base in class.mro() {
        for name in &config.ignore_attributes {
            if let Some((owner, attribute)) = name.rsplit_once('.')
                && goes_by(base.cast::<PyType>()?, owner)?
            {
                ignored.push(attribute.to_owned());
            }
        }
    }
    ignored.sort();
    ignored.dedup();
    Ok(ignored)
}

/// Writes which attributes the user ignores, if any: what is left is another thing than the same where
/// all counts.
pub(super) fn write_left_out(names: &[String], content: &mut Content<'_>) {
    if names.is_empty() {
        return;
    }
    content.encoder.tag(tag::LEFT_OUT);
    content.encoder.len(names.len());
    for name in names {
        content.encoder.str(name);
    }
}

/// Class name, and what the registered function gives.
pub(super) fn registered<'py>(
    value: &Bound<'py, PyAny>,
    registration: &Registration,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::REGISTERED);
    content
        .encoder
        .str(&value.get_type().fully_qualified_name()?.to_string_lossy());
    content.encoder.str(&registration.version);
    let state = registration.freeze.bind(value.py()).call1((value,))?;
    Ok(Expansion {
        children: Children::Some(vec![(Step::Inside, state)]),
        ordered: true,
    })
}

/// Class name only.
pub(super) fn ignored<'py>(
    value: &Bound<'py, PyAny>,
    content: &mut Content<'py>,
) -> PyResult<Expansion<'py>> {
    content.encoder.tag(tag::IGNORED);
    content
        .encoder
        .str(&value.get_type().fully_qualified_name()?.to_string_lossy());
    Ok(Expansion {
        children: Children::Some(Vec::new()),
        ordered: true,
    })
}

/// Class, and what its own methods give: one of them, or those of them that there are.
pub(super) fn own_state<'py>(
    value: &Bound<'py, PyAny>,
    methods: &[&str],
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::OWN_STATE);
    let mut children = vec![(Step::Inside, value.get_type().into_any())];
    for method in methods {
        if value.hasattr(*method)? {
            children.push((Step::Inside, value.call_method0(*method)?));
        }
    }
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// What every member of an enumeration has.
const MEMBER: [&str; 5] = [
    "__objclass__",
    "_name_",
    "_sort_order_",
    "_value_",
    "__module__",
];

/// Class, name, value and further attributes of a member.
pub(super) fn enumeration<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::ENUM);
    let mut more = attributes(value, scope.options)?;
    more.retain(|(name, _)| !MEMBER.contains(&name.as_str()));
    content.encoder.len(more.len());
    for (name, _) in &more {
        content.encoder.str(name);
    }
    let mut children = vec![
        (Step::Inside, value.get_type().into_any()),
        (Step::Inside, value.getattr("_name_")?),
        (
            Step::Attribute("value".to_owned()),
            value.getattr("_value_")?,
        ),
    ];
    children.extend(
        more.into_iter()
            .map(|(name, value)| (Step::Attribute(name), value)),
    );
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}
