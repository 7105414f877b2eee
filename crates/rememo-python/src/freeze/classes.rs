//! Classes by their namespaces and bases, and instances by their class and state.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use rememo::PartKind;

use super::functions::slot_target;
use super::graph::{Content, Graph, Identity, Unfreezable};
use super::modules::class_target;
use super::origin::{Origin, library_object};
use super::values::{Nest, tag};

/// What a class holds for bookkeeping: says nothing about what it does.
const BOOKKEEPING: [&str; 18] = [
    "__abstractmethods__",
    "__annotate__",
    "__annotate_func__",
    "__annotations__",
    "__annotations_cache__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__match_args__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__qualname__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
    "_member_map_",
    "_value2member_map_",
];

impl<'py> Graph<'py> {
    pub(super) fn class(
        &mut self,
        class: &Bound<'py, PyType>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        content.encoder.tag(tag::CLASS);
        self.definition_of(class.get_type().as_any(), path, content)?;
        content.encoder.len(class.bases().len());
        for base in class.bases() {
            self.definition_of(&base, path, content)?;
        }
        let namespace = class.getattr("__dict__").map_err(raised)?;
        let namespace = copy_of(&namespace).map_err(raised)?;
        for name in BOOKKEEPING {
            if namespace.contains(name).map_err(raised)? && !(self.reads_docs && name == "__doc__")
            {
                namespace.del_item(name).map_err(raised)?;
            }
        }
        self.slots(class, &namespace, path, content)
    }

    /// A class or base, as a constant of its library or a part of its own.
    fn definition_of(
        &mut self,
        class: &Bound<'py, PyAny>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        self.value(class, path, content)
    }

    /// The attributes of a class, each a part named for it.
    fn slots(
        &mut self,
        class: &Bound<'py, PyType>,
        namespace: &Bound<'py, PyDict>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let owner = class_target(class, "").map_err(raised)?.name;
        for (name, value) in sorted(namespace).map_err(raised)? {
            content.encoder.str(&name);
            if is_slot_descriptor(&value) {
                content.encoder.tag(tag::DESCRIPTOR);
                continue;
            }
            let full = format!("{owner}.{name}");
            let slot = Identity::Slot(class.as_ptr() as usize, name);
            content.refer(
                tag::SLOT,
                slot_target(slot, full, PartKind::Class, path, value),
            );
        }
        Ok(())
    }

    /// A namespace whose names have no order of their own.
    pub(super) fn namespace(
        &mut self,
        namespace: &Bound<'py, PyDict>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let items = sorted(namespace).map_err(|e| Unfreezable::raised(path, &e))?;
        content.encoder.tag(tag::NAMESPACE);
        content.encoder.len(items.len());
        for (name, value) in items {
            content.encoder.str(&name);
            self.value(&value, path, content)?;
        }
        Ok(())
    }

    /// Everything that is neither a scalar, a container nor a definition.
    pub(super) fn instance(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        if self.descriptor(value, nest, content)? || self.enumerated(value, nest, content)? {
            return Ok(());
        }
        if value.hasattr("__next__").map_err(raised)? {
            return Err(unfreezable(
                path,
                value,
                "an iterator or file is used up by looking at it",
            ));
        }
        let class = value.get_type();
        if let Some(frozen) = own_state(value).map_err(raised)? {
            content.encoder.tag(tag::INSTANCE);
            self.nested(class.as_any(), nest, content)?;
            return self.nested(&frozen, nest, content);
        }
        if is_plain_class(&class).map_err(raised)? {
            content.encoder.tag(tag::INSTANCE);
            self.nested(class.as_any(), nest, content)?;
            return self.attributes_of(value, nest, content);
        }
        self.reduced(value, nest, content)
    }

    /// The attributes of an instance: its dictionary and its slots, sorted by name.
    fn attributes_of(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let state = PyDict::new(self.py);
        if let Ok(attributes) = value.getattr("__dict__") {
            state
                .update(
                    attributes
                        .cast::<PyDict>()
                        .map_err(|e| raised(e.into()))?
                        .as_mapping(),
                )
                .map_err(raised)?;
        }
        for class in value.get_type().mro() {
            let names = class.getattr("__dict__").map_err(raised)?;
            for name in names.try_iter().map_err(raised)? {
                let name = name.map_err(raised)?;
                let descriptor = names.get_item(&name).map_err(raised)?;
                if is_slot_descriptor(&descriptor)
                    && let Ok(set) = descriptor.call_method1("__get__", (value,))
                {
                    state.set_item(name, set).map_err(raised)?;
                }
            }
        }
        let items = sorted(&state).map_err(raised)?;
        content.encoder.len(items.len());
        for (name, item) in items {
            content.encoder.str(&name);
            let inner = format!("{path}.{name}");
            self.within(&item, &inner, nest, content)?;
        }
        Ok(())
    }

    /// What pickling would keep of an object.
    fn reduced(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let reduced = value
            .call_method1("__reduce_ex__", (5,))
            .map_err(|error| unfreezable(path, value, &error.to_string()))?;
        if let Ok(name) = reduced.cast::<PyString>() {
            return self
                .named(value, &name.to_string_lossy(), content)
                .map_err(raised);
        }
        let parts = reduced
            .cast_into::<PyTuple>()
            .map_err(|e| raised(e.into()))?;
        content.encoder.tag(tag::REDUCED);
        content.encoder.len(parts.len());
        for (i, part) in parts.iter().enumerate() {
            // The fourth and fifth are iterators made for the occasion.
            if (3..=4).contains(&i) && !part.is_none() {
                let items = PyList::new(
                    self.py,
                    part.try_iter()
                        .map_err(raised)?
                        .collect::<PyResult<Vec<_>>>()
                        .map_err(raised)?,
                )
                .map_err(raised)?;
                self.sequence(tag::LIST, items.as_any(), nest, content)?;
            } else {
                self.nested(&part, nest, content)?;
            }
        }
        Ok(())
    }

    fn enumerated(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<bool, Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let base = self
            .py
            .import("enum")
            .and_then(|m| m.getattr("Enum"))
            .map_err(raised)?;
        if !value.is_instance(&base).map_err(raised)? {
            return Ok(false);
        }
        content.encoder.tag(tag::ENUM);
        self.nested(value.get_type().as_any(), nest, content)?;
        for field in ["_name_", "_value_"] {
            let field = value.getattr(field).map_err(raised)?;
            self.nested(&field, nest, content)?;
        }
        Ok(true)
    }

    /// Wrappers around functions: methods, properties, caches, dispatchers, our own callables.
    fn descriptor(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<bool, Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(nest.path, &error);
        let class = value.get_type();
        let kind = class.name().map_err(raised)?.to_string();
        let fields: &[&str] = match kind.as_str() {
            "staticmethod" | "classmethod" | "method" => &["__func__"],
            "property" | "abstractproperty" => &["fget", "fset", "fdel"],
            "_lru_cache_wrapper" | "Memoized" => &["__wrapped__"],
            "cached_property" => &["func", "attrname"],
            "builtin_function_or_method" | "method-wrapper" => &["__name__", "__self__"],
            "Field" if class.module().is_ok_and(|m| m == "dataclasses") => &[
                "name",
                "default",
                "default_factory",
                "init",
                "repr",
                "hash",
                "compare",
                "kw_only",
            ],
            "mappingproxy" => {
                content.encoder.tag(tag::WRAPPED);
                content.encoder.str(&kind);
                let copy = copy_of(value).map_err(raised)?;
                self.nested(copy.as_any(), nest, content)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let library = library_object(class.as_any()).map_err(raised)?;
        if !matches!(library, Some((Origin::Library { .. }, _))) {
            return Ok(false);
        }
        content.encoder.tag(tag::WRAPPED);
        content.encoder.str(&kind);
        for field in fields {
            let field = value.getattr(*field).map_err(raised)?;
            self.nested(&field, nest, content)?;
        }
        if kind == "method" {
            content.encoder.tag(tag::METHOD);
            let owner = value.getattr("__self__").map_err(raised)?;
            self.nested(&owner, nest, content)?;
        }
        Ok(true)
    }

    /// A value one step further down the path that errors show.
    pub(super) fn within(
        &mut self,
        value: &Bound<'py, PyAny>,
        path: &str,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        self.nested(value, &mut nest.deeper(path), content)
    }
}

fn unfreezable(path: &str, value: &Bound<'_, PyAny>, why: &str) -> Unfreezable {
    let class = value.get_type();
    let name = class
        .fully_qualified_name()
        .map_or_else(|_| "?".into(), |name| name.to_string());
    Unfreezable::new(path, format!("{name} has no fingerprint ({why})"))
}

/// What `__getfrozenstate__` gives, where the class has one.
fn own_state<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !value.get_type().hasattr("__getfrozenstate__")? {
        return Ok(None);
    }
    value.call_method0("__getfrozenstate__").map(Some)
}

/// Whether all state of instances is in attributes: no base is a C type but `object`.
fn is_plain_class(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let library = matches!(
        library_object(class.as_any())?,
        Some((Origin::Library { .. }, _))
    );
    let object = class.py().import("builtins")?.getattr("object")?;
    let reduces = class
        .getattr("__reduce__")?
        .is(&object.getattr("__reduce__")?)
        && class
            .getattr("__reduce_ex__")?
            .is(&object.getattr("__reduce_ex__")?);
    if library && !reduces {
        return Ok(false);
    }
    for base in class.mro() {
        let heap = base.getattr("__flags__")?.extract::<u64>()? & (1 << 9) != 0;
        if !heap && !base.is(&object) {
            return Ok(false);
        }
    }
    // A C type made at run time is a heap type too: it has no Python function to its name.
    let python = class.getattr("__dict__")?.contains("__module__")?;
    Ok(python && class.hasattr("__dict__")? && !is_c_heap_type(class)?)
}

/// A heap type made in C has slots for state that Python code can't see: pickling must tell.
fn is_c_heap_type(class: &Bound<'_, PyType>) -> PyResult<bool> {
    let module: String = class.getattr("__module__")?.extract()?;
    let Ok(module) = class
        .py()
        .import("sys")?
        .getattr("modules")?
        .get_item(module)
    else {
        return Ok(false);
    };
    let file = module
        .getattr("__file__")
        .and_then(|file| file.extract::<String>());
    Ok(file.is_ok_and(|file| !file.ends_with(".py") && !file.ends_with(".pyc")))
}

/// A mapping as a dictionary of its own.
fn copy_of<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let items = mapping
        .call_method0("items")?
        .try_iter()?
        .collect::<PyResult<Vec<_>>>()?;
    PyDict::from_sequence(PyList::new(mapping.py(), items)?.as_any())
}

fn is_slot_descriptor(value: &Bound<'_, PyAny>) -> bool {
    value
        .get_type()
        .name()
        .is_ok_and(|name| name == "member_descriptor")
}

fn sorted<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let mut items: Vec<(String, Bound<'py, PyAny>)> = dict
        .iter()
        .map(|(name, value)| Ok((name.str()?.to_string_lossy().into_owned(), value)))
        .collect::<PyResult<_>>()?;
    items.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(items)
}
