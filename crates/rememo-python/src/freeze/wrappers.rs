//! Standard wrappers around functions and values, which count by what they wrap.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyType};

use super::graph::{Content, Refusal, Scope};
use super::instances::{Layout, sorted, state};
use super::origin::type_name;
use super::reads::Reads;
use super::tag;
use super::walk::{Children, Expansion, Step};

/// A type known by module and name, and the attributes that are what it wraps.
pub(super) struct Wrapper {
    module: &'static str,
    name: &'static str,
    fields: &'static [&'static str],
}

const fn wrapper(
    module: &'static str,
    name: &'static str,
    fields: &'static [&'static str],
) -> Wrapper {
    Wrapper {
        module,
        name,
        fields,
    }
}

/// What tells a descriptor of a type made in C.
const DESCRIPTOR: &[&str] = &["__objclass__", "__name__"];

const WRAPPERS: &[Wrapper] = &[
    wrapper("builtins", "staticmethod", &["__func__"]),
    wrapper("builtins", "classmethod", &["__func__"]),
    wrapper("builtins", "method", &["__func__", "__self__"]),
    wrapper("builtins", "property", &["fget", "fset", "fdel"]),
    wrapper(
        "builtins",
        "builtin_function_or_method",
        &["__name__", "__self__"],
    ),
    // Such a function made in C that also knows the class that it was defined in.
    wrapper("builtins", "builtin_method", &["__name__", "__self__"]),
    wrapper("builtins", "method-wrapper", &["__name__", "__self__"]),
    wrapper("builtins", "mappingproxy", &[]),
    wrapper("builtins", "memoryview", &[]),
    wrapper("builtins", "super", &["__thisclass__", "__self__"]),
    wrapper("builtins", "member_descriptor", DESCRIPTOR),
    wrapper("builtins", "getset_descriptor", DESCRIPTOR),
    wrapper("builtins", "classmethod_descriptor", DESCRIPTOR),
    wrapper("builtins", "dict_keys", &[]),
    wrapper("builtins", "dict_values", &[]),
    wrapper("builtins", "dict_items", &[]),
    wrapper("builtins", "odict_keys", &[]),
    wrapper("builtins", "odict_values", &[]),
    wrapper("builtins", "odict_items", &[]),
    wrapper("_struct", "Struct", &["format"]),
    wrapper(
        "re",
        "Match",
        &["re", "string", "pos", "endpos", "regs", "lastindex"],
    ),
    // What is more to it follows from the fields of its class.
    wrapper("_ctypes", "CField", &["offset", "size"]),
    // The same, from 3.14 on.
    wrapper("ctypes", "CField", &["offset", "size"]),
    // By its value in the context of the call.
    wrapper("_contextvars", "ContextVar", &["name"]),
    wrapper("abc", "abstractproperty", &["fget", "fset", "fdel"]),
    wrapper("enum", "property", &["fget", "fset", "fdel"]),
    wrapper("functools", "_lru_cache_wrapper", &["__wrapped__"]),
    wrapper(
        "contextlib",
        "_GeneratorContextManager",
        &["func", "args", "kwds"],
    ),
    wrapper(
        "contextlib",
        "_AsyncGeneratorContextManager",
        &["func", "args", "kwds"],
    ),
    // By what this thread put there.
    wrapper("_thread", "_local", &["__dict__"]),
    // By what they lead to now.
    wrapper("weakref", "ReferenceType", &[]),
    wrapper("weakref", "finalize", &[]),
    wrapper("weakref", "WeakValueDictionary", &[]),
    wrapper("weakref", "WeakKeyDictionary", &[]),
    wrapper("_weakrefset", "WeakSet", &[]),
    wrapper("functools", "cached_property", &["func", "attrname"]),
    wrapper(
        "rememo._core",
        "Memoized",
        &["__wrapped__", "semantics", "ttl"],
    ),
    wrapper("rememo._core", "Frozen", &["value"]),
    wrapper("rememo._core", "Ignore", &[]),
    // Where results are kept never changes them.
    wrapper("rememo._core", "Store", &[]),
    wrapper("rememo.cache", "Cache", &[]),
    // Not its reference to the class: that has an address in it.
    wrapper(
        "pydantic._internal._decorators",
        "Decorator",
        &["cls_var_name", "func", "shim", "info"],
    ),
    // Not what it remembers of its default.
    wrapper(
        "pydantic.fields",
        "ModelPrivateAttr",
        &["default", "default_factory"],
    ),
    // Not its type: an annotation counts only where something reads it.
    wrapper(
        "dataclasses",
        "Field",
        &[
            "name",
            "default",
            "default_factory",
            "init",
            "repr",
            "hash",
            "compare",
            "kw_only",
            "metadata",
        ],
    ),
];

impl Wrapper {
    /// Attributes that say nothing of a value.
    pub fn hidden(&self) -> &'static [&'static str] {
        match self.name {
            "Cache" => &[
                "_closed",
                "_enabled",
                "_path",
                "_room",
                "_store",
                "_temporary",
                "_trust",
                "freeze",
            ],
            "cached_property" => &["lock"],
            _ => &[],
        }
    }
}

/// The attributes of a field of a dataclass that count.
pub(super) fn fields_of_field() -> &'static [&'static str] {
    let is_field = |wrapper: &&Wrapper| wrapper.module == "dataclasses";
    WRAPPERS
        .iter()
        .find(is_field)
        .map_or(&[], |wrapper| wrapper.fields)
}

/// The entry for a type.
pub(super) fn find(class: &Bound<'_, PyType>) -> PyResult<Option<&'static Wrapper>> {
    let (module, name) = type_name(class)?;
    Ok(WRAPPERS
        .iter()
        .find(|wrapper| wrapper.module == module && wrapper.name == name))
}

/// The type's name and the wrapped values.
pub(super) fn expand<'py>(
    value: &Bound<'py, PyAny>,
    wrapper: &'static Wrapper,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::FIELDS);
    content.encoder.str(wrapper.module);
    content.encoder.str(wrapper.name);
    Ok(Expansion {
        children: Children::Some(wrapped(value, wrapper, scope.options.reads)?),
        ordered: true,
    })
}

/// What an object wraps.
fn wrapped<'py>(
    value: &Bound<'py, PyAny>,
    wrapper: &Wrapper,
    reads: Reads,
) -> PyResult<Vec<(Step<'py>, Bound<'py, PyAny>)>> {
    Ok(match wrapper.name {
        "mappingproxy" => vec![(Step::Inside, copy_of(value)?.into_any())],
        "memoryview" => vec![
            (Step::Inside, value.getattr("format")?),
            (Step::Inside, value.getattr("shape")?),
            (Step::Inside, value.call_method0("tobytes")?),
        ],
        "ContextVar" => {
            let mut children = fields(value, wrapper.fields)?;
            if let Ok(set) = value.call_method0("get") {
                children.push((Step::Inside, set));
            }
            children
        }
        "ReferenceType" => vec![(Step::Inside, value.call0()?)],
        // The referent, what to call and with what; nothing once it has been called.
        "finalize" => vec![(Step::Inside, value.call_method0("peek")?)],
        "WeakValueDictionary" | "WeakKeyDictionary" => {
            vec![(Step::Inside, copy_of(value)?.into_any())]
        }
        "dict_keys" | "dict_values" | "dict_items" | "odict_keys" | "odict_values"
        | "odict_items" => {
            let items = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            vec![(Step::Inside, PyList::new(value.py(), items)?.into_any())]
        }
        "WeakSet" => {
            let elements = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            vec![(Step::Inside, PySet::new(value.py(), elements)?.into_any())]
        }
        // The documentation of a property need not be that of its function.
        "property" | "abstractproperty" if reads.has(Reads::DOCS) => {
            let mut children = fields(value, wrapper.fields)?;
            children.extend(fields(value, &["__doc__"])?);
            children
        }
        "_lru_cache_wrapper" | "cached_property" | "classmethod" | "Memoized" | "staticmethod" => {
            let mut children = fields(value, wrapper.fields)?;
            children
                .extend(set_on(value, wrapper, reads)?.map(|set| (Step::Inside, set.into_any())));
            children
        }
        _ => fields(value, wrapper.fields)?,
    })
}

/// What was set on a wrapper around a function, sorted by name and without what describes the
/// function it wraps; `None` if nothing was.
fn set_on<'py>(
    value: &Bound<'py, PyAny>,
    wrapper: &Wrapper,
    reads: Reads,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let namespace = value.getattr("__dict__")?.cast_into::<PyDict>()?;
    let set = PyDict::new(value.py());
    for (name, attribute) in sorted(&namespace)? {
        let counts = match name.as_str() {
            "__doc__" => reads.has(Reads::DOCS),
            "__annotate__" | "__annotations__" | "__type_params__" => reads.has(Reads::ANNOTATIONS),
            "__module__" | "__name__" | "__qualname__" => reads.has(Reads::NAMES),
            "__code_version__" | "__wrapped__" | "cache_parameters" => false,
            // Those of a property that remembers are members, if not by their place.
            "attrname" | "func" | "lock" => wrapper.name != "cached_property",
            _ => true,
        };
        if counts {
            set.set_item(name, attribute)?;
        }
    }
    Ok((!set.is_empty()).then_some(set))
}

/// The same for a subclass of the user's own: with the class and its attributes.
pub(super) fn expand_subclass<'py>(
    value: &Bound<'py, PyAny>,
    wrapper: &'static Wrapper,
    layout: &Layout,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::WRAPPER_SUBCLASS);
    let mut children = vec![(Step::Inside, value.get_type().into_any())];
    children.extend(wrapped(value, wrapper, scope.options.reads)?);
    children.extend(state(value, layout, scope, content)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// Attributes by name.
pub(super) fn fields<'py>(
    value: &Bound<'py, PyAny>,
    names: &[&str],
) -> PyResult<Vec<(Step<'py>, Bound<'py, PyAny>)>> {
    names
        .iter()
        .map(|name| Ok((Step::Attribute((*name).to_owned()), value.getattr(*name)?)))
        .collect()
}

/// A mapping as a dictionary of its own.
pub(super) fn copy_of<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let items = mapping
        .call_method0("items")?
        .try_iter()?
        .collect::<PyResult<Vec<_>>>()?;
    PyDict::from_sequence(PyList::new(mapping.py(), items)?.as_any())
}
