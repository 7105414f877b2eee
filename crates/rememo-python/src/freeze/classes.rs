//! Classes: their metaclass, bases and namespace.

use std::collections::{BTreeSet, HashSet};

use pyo3::prelude::*;
use pyo3::types::PyType;
use rememo::PartKind;

use super::definitions::refer_to_base;
use super::functions::{version_of, versioned};
use super::graph::{Content, Identity, Options, Refusal, Scope, Subject, Target};
use super::instances::{ignored_attributes, ordered, write_left_out};
use super::main_module::module_name;
use super::modules::if_imported;
use super::origin::is_library_class;
use super::reads::Reads;
use super::{annotations, modules, tag, walk};
use crate::raw;

/// What a class holds for the record: says nothing about what it does.
const BOOKKEEPING: [&str; 16] = [
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__classdictcell__",
    "__dict__",
    "__firstlineno__",
    "__module__",
    // Made from the fields, with addresses in their references.
    "__pydantic_core_schema__",
    "__pydantic_serializer__",
    "__pydantic_validator__",
    "__qualname__",
    // Left by `copyreg` when an instance was pickled.
    "__slotnames__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
    "_value2member_map_",
];
/// Metaclasses that make nothing of annotations.
const PLAIN_METACLASSES: [&str; 4] = ["type", "ABCMeta", "EnumType", "EnumMeta"];

/// The part that stands for a class.
pub(super) fn target<'py>(class: &Bound<'py, PyType>, name: String, path: &str) -> Target<'py> {
    Target {
        identity: Identity::Object(class.as_ptr() as usize),
        subject: Subject::Class(class.clone()),
        path: format!("{path} -> class {name}"),
        name,
        kind: PartKind::Class,
    }
}

/// Normalised module and qualified name.
pub(super) fn class_name(class: &Bound<'_, PyType>) -> PyResult<String> {
    let module = class
        .getattr("__module__")?
        .extract::<String>()
        .unwrap_or_default();
    Ok(format!(
        "{}.{}",
        module_name(class.py(), &module),
        class.qualname()?
    ))
}

/// Encodes a class.
pub(super) fn encode<'py>(
    class: &Bound<'py, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    scope.options.watch.record(|recorder| recorder.class(class));
    let name = class_name(class)?;
    if counts_by_name(class, scope.options)? {
        content.encoder.tag(tag::BY_NAME);
        content.encoder.str(&name);
        return bases(class, scope, content);
    }
    let left_out = ignored_attributes(class, &scope.options.config)?;
    write_left_out(&left_out, content);
    content.encoder.tag(tag::CLASS);
    content.encoder.str(&name);
    let namespace = raw::class_namespace(class)?;
    if let Some(version) = version_of(&namespace)? {
        return versioned(&version, scope, content);
    }
    let metaclass = class.get_type();
    walk::encode(metaclass.as_any(), scope, content)?;
    bases(class, scope, content)?;
    let annotated = !PLAIN_METACLASSES.contains(&metaclass.name()?.to_string_lossy().as_ref())
        || !is_library_class(&metaclass, scope.options)?;
    related(class, scope, content)?;
    let reads = scope.options.reads;
    if reads.has(Reads::NAMES) {
        walk::encode(class.name()?.as_any(), scope, content)?;
        walk::encode(class.qualname()?.as_any(), scope, content)?;
    }
    if annotated || reads.has(Reads::ANNOTATIONS) {
        annotations::of_class(&namespace, scope, content)?;
    }
    let mut namespace = ordered(&namespace, scope.options)?;
    namespace.retain(|(attribute, value)| match attribute.as_str() {
        "__doc__" => reads.has(Reads::DOCS),
        // Made empty where it is asked for and missing.
        "__annotations__" => {
            (annotated || reads.has(Reads::ANNOTATIONS)) && value.is_truthy().unwrap_or(true)
        }
        "__orig_bases__" | "__parameters__" => reads.has(Reads::ANNOTATIONS),
        "__init__" if is_protocol_init(class, value) => false,
        name => !BOOKKEEPING.contains(&name) && !left_out.contains(attribute),
    });
    content.encoder.len(namespace.len());
    for (attribute, value) in namespace {
        content.encoder.str(&attribute);
        if is_generated_hash(&attribute, &value) {
            content.encoder.tag(tag::DESCRIPTOR);
            continue;
        }
        if is_own_slot(class, &attribute, &value)? {
            content.encoder.tag(tag::DESCRIPTOR);
            continue;
        }
        let full = format!("{name}.{attribute}");
        let place = Identity::Slot(class.as_ptr() as usize, attribute);
        modules::slot(place, full, PartKind::Class, &value, scope, content)?;
    }
    Ok(())
}

/// Whether the user says that a class counts by its name alone; its bases count for themselves.
fn counts_by_name(class: &Bound<'_, PyType>, options: &Options) -> PyResult<bool> {
    let by_name = &options.config.by_name;
    if by_name.is_empty() {
        return Ok(false);
    }
    let module = class.getattr("__module__")?.extract::<String>();
    let (module, name) = (module.unwrap_or_default(), class.qualname()?);
    Ok(by_name.has(class.py(), PartKind::Class, &module, name.to_str()?))
}

fn bases<'py>(
    class: &Bound<'py, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let bases = class.bases();
    content.encoder.len(bases.len());
    for base in bases {
        refer_to_base(&base, scope, content)?;
    }
    Ok(())
}

/// Classes that a class knows of besides its bases: those registered with an abstract one, and,
/// where something asks for them, those derived from it.
fn related<'py>(
    class: &Bound<'py, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let mut classes = registered(class, scope)?;
    if scope.options.reads.has(Reads::SUBCLASSES) {
        classes.extend(subclasses(class)?.into_iter().map(Bound::into_any));
    }
    classes.retain(|class| !class.is_none());
    classes.sort_by_cached_key(|class| {
        class
            .cast::<PyType>()
            .ok()
            .and_then(|class| class_name(class).ok())
    });
    content.encoder.len(classes.len());
    for class in classes {
        walk::encode(&class, scope, content)?;
    }
    Ok(())
}

/// The classes derived from a class, which may be a metaclass or have a method of that name.
fn subclasses<'py>(class: &Bound<'py, PyType>) -> PyResult<Vec<Bound<'py, PyType>>> {
    let subclasses = class.py().get_type::<PyType>().getattr("__subclasses__")?;
    subclasses.call1((class,))?.extract()
}

/// The classes registered with an abstract one, and with no other.
fn registered<'py>(
    class: &Bound<'py, PyType>,
    scope: Scope<'_>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if !class.getattr("__dict__")?.contains("_abc_impl")? {
        return Ok(Vec::new());
    }
    let watch = &scope.options.watch;
    watch.record(|recorder| recorder.registrations(class.py()));
    let dump = class
        .py()
        .import("_abc")?
        .call_method1("_get_dump", (class,))?;
    let references = dump.get_item(0)?;
    references.try_iter()?.map(|weak| weak?.call0()).collect()
}

/// Writes the names of the user's classes that are virtual subclasses of an abstract class of a
/// library, or of one derived from it; nothing where there are none.
pub(super) fn virtual_subclasses(
    class: &Bound<'_, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'_>,
) -> Result<(), Refusal> {
    let py = class.py();
    if class.get_type().is(py.get_type::<PyType>()) {
        return Ok(());
    }
    let mut below = vec![class.clone()];
    let mut seen = HashSet::new();
    let mut names = BTreeSet::new();
    while let Some(class) = below.pop() {
        if !seen.insert(class.as_ptr() as usize) {
            continue;
        }
        for known in registered(&class, scope)? {
            if let Ok(known) = known.cast::<PyType>()
                && !is_library_class(known, scope.options)?
            {
                names.insert(class_name(known)?);
            }
        }
        below.extend(subclasses(&class)?);
    }
    if !names.is_empty() {
        content.encoder.tag(tag::VIRTUAL_SUBCLASSES);
        content.encoder.len(names.len());
        for name in &names {
            content.encoder.str(name);
        }
    }
    Ok(())
}

/// Whether an attribute of a class is the slot of that name. It may be another one by that name.
fn is_own_slot(
    class: &Bound<'_, PyType>,
    attribute: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    Ok(value.get_type().name()? == "member_descriptor"
        && value.getattr("__objclass__")?.is(class)
        && value.getattr("__name__")?.extract::<String>()? == attribute)
}

/// Whether a method is what `typing.Protocol` puts in place of a missing `__init__`: a placeholder
/// before the first instance is made, what would be inherited without it afterwards.
fn is_protocol_init(class: &Bound<'_, PyType>, init: &Bound<'_, PyAny>) -> bool {
    let placeholder = || {
        let Some(typing) = if_imported(class.py(), "typing")? else {
            return Ok(None);
        };
        if !class
            .get_type()
            .is_subclass(&typing.getattr("_ProtocolMeta")?)?
        {
            return Ok(None);
        }
        typing.getattr("_no_init_or_replace_init").map(Some)
    };
    let Ok(Some(placeholder)) = placeholder() else {
        return false;
    };
    let inherited = class
        .mro()
        .iter()
        .skip(1)
        .filter_map(|base| base.getattr("__dict__").ok()?.get_item("__init__").ok())
        .find(|inherited| !inherited.is(&placeholder));
    init.is(&placeholder) || inherited.is_some_and(|inherited| inherited.is(init))
}

/// Whether a method is the `__hash__` that `attrs` makes: from the attributes, which count by
/// themselves, and a number that depends on the seed of hashes.
fn is_generated_hash(attribute: &str, value: &Bound<'_, PyAny>) -> bool {
    let file = || {
        value
            .getattr("__code__")?
            .getattr("co_filename")?
            .extract::<String>()
    };
    attribute == "__hash__" && file().is_ok_and(|file| file.starts_with("<attrs generated"))
}
