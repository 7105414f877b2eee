//! Names resolved as a call would resolve them, through globals, modules and built-ins; and whole
//! modules, for code that lets one escape.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{
    PyCFunction, PyDict, PyFrozenSet, PyFunction, PyList, PyModule, PySet, PyTuple, PyType,
};
use rememo::PartKind;

use super::graph::{Content, Identity, Options, Refusal, Scope, Subject, Target};
use super::main_module::module_name;
use super::names::{Import, Uses};
use super::origin::{constant, is_library_class, library_object, library_of, type_name};
use super::reads::Reads;
use super::{definitions, impurity, scalars, tag};
use crate::raw;

/// Names that any module may have and that say where it lives, or what it warned of, not what it
/// does.
const ABOUT_THE_MODULE: [&str; 9] = [
    "__builtins__",
    "__cached__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__path__",
    "__spec__",
    "__warningregistry__",
];

/// Writes what each used name resolves to.
pub(super) fn names<'py>(
    globals: &Bound<'py, PyDict>,
    used: &Uses,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    // Imports come first: what they run may change what the other names hold.
    content.encoder.len(used.imports.len());
    for import in &used.imports {
        content.encoder.tag(tag::IMPORT);
        content.encoder.u64(u64::from(import.level));
        content.encoder.str(&import.module);
        write_chain(&import.chain, content);
        imported(globals, import, scope, content)?;
    }
    content.encoder.len(used.globals.len());
    for chain in &used.globals {
        if holds_its_import(globals, &chain[0], used, scope.options)? {
            continue;
        }
        content.encoder.tag(tag::NAME);
        write_chain(chain, content);
        global(globals, chain, scope, content)?;
    }
    Ok(())
}

/// Whether a global name is one that an import in the body fills, and holds what it brings in, or
/// nothing yet: then it counts as that import, so that the first call is like the second.
fn holds_its_import(
    globals: &Bound<'_, PyDict>,
    name: &str,
    used: &Uses,
    options: &Options,
) -> Result<bool, Refusal> {
    let Some(imports) = used.imported.get(name) else {
        return Ok(false);
    };
    let found = globals.get_item(name)?;
    let watch = &options.watch;
    watch.record(|recorder| recorder.slot(globals, name, found.as_ref()));
    let Some(found) = found else {
        return Ok(true);
    };
    for import in imports {
        let Some(module) = bring_in(globals, import, options)? else {
            continue;
        };
        let brought = match import.chain.first() {
            Some(name) => module.getattr(name.as_str()).ok(),
            None => Some(module),
        };
        if brought.is_some_and(|brought| brought.is(&found)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn write_chain(chain: &[String], content: &mut Content<'_>) {
    content.encoder.len(chain.len());
    for name in chain {
        content.encoder.str(name);
    }
}

fn global<'py>(
    globals: &Bound<'py, PyDict>,
    chain: &[String],
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let Some((first, rest)) = chain.split_first() else {
        return Ok(());
    };
    let owner = globals.get_item("__name__")?;
    let owner = owner
        .and_then(|name| name.extract::<String>().ok())
        .unwrap_or_default();
    // A module goes by what the code calls it, too.
    let read_from = rest.first().map(|next| (first.as_str(), next.as_str()));
    for name in [Some((owner.as_str(), first.as_str())), read_from] {
        if let Some(name) = name
            && by_name(globals.py(), name, scope, content)
        {
            return Ok(());
        }
    }
    let found = globals.get_item(first)?;
    let watch = &scope.options.watch;
    watch.record(|recorder| recorder.slot(globals, first, found.as_ref()));
    if let Some(value) = found {
        if let Ok(module) = value.cast::<PyModule>() {
            return attribute(module, rest, scope, content);
        }
        let name = format!("{}.{first}", module_name(globals.py(), &owner));
        if let Some((_, name)) = library_object(&value, scope.options)? {
            impurity::note(&name, rest, scope.options, scope.path);
        }
        let place = Identity::Slot(globals.as_ptr() as usize, first.clone());
        return slot(place, name, PartKind::Global, &value, scope, content);
    }
    let builtins = builtins(globals, scope.options)?;
    if let Ok(module) = builtins.cast::<PyModule>() {
        if first == "globals" && held(module, first, scope.options).is_ok() {
            everything(globals, scope, content)?;
        }
        return attribute(module, std::slice::from_ref(first), scope, content);
    }
    let found = builtins.get_item(first);
    watch.record(|recorder| match builtins.cast::<PyDict>() {
        Ok(builtins) => recorder.slot(builtins, first, found.as_ref().ok()),
        Err(_) => recorder.obstacle("built-ins that are no dictionary"),
    });
    let Ok(value) = found else {
        content.encoder.tag(tag::MISSING);
        return Ok(());
    };
    let place = Identity::Slot(builtins.as_ptr() as usize, first.clone());
    slot(
        place,
        format!("builtins.{first}"),
        PartKind::Global,
        &value,
        scope,
        content,
    )
}

/// Writes the name of a global that counts by its name alone, whatever it holds, if the user says so of
/// this one.
fn by_name(
    py: Python<'_>,
    (module, name): (&str, &str),
    scope: Scope<'_>,
    content: &mut Content<'_>,
) -> bool {
    let by_name = &scope.options.config.by_name;
    if by_name.is_empty() || !by_name.has(py, PartKind::Global, module, name) {
        return false;
    }
    content.encoder.tag(tag::BY_NAME);
    let module = module_name(py, module);
    content.encoder.str(&format!("{module}.{name}"));
    true
}

/// All of a module, for code that asks for its globals.
fn everything<'py>(
    globals: &Bound<'py, PyDict>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let Some(name) = globals.get_item("__name__")? else {
        return Ok(());
    };
    let Ok(name) = name.extract::<String>() else {
        return Ok(());
    };
    match loaded(globals.py(), &name, scope.options)?.map(Bound::cast_into::<PyModule>) {
        Some(Ok(module)) if module.dict().is(globals) => refer(&module, scope, content),
        _ => Ok(()),
    }
}

/// What is read from a module that a variable shared between functions holds.
pub(super) fn shared<'py>(
    variable: &str,
    module: &Bound<'py, PyModule>,
    used: &Uses,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    content.encoder.tag(tag::NAME);
    let mut read = false;
    for chain in used.shared.iter().filter(|chain| chain[0] == variable) {
        write_chain(chain, content);
        attribute(module, &chain[1..], scope, content)?;
        read = true;
    }
    if read {
        Ok(())
    } else {
        refer(module, scope, content)
    }
}

/// The module loaded under a full name.
pub(super) fn loaded<'py>(
    py: Python<'py>,
    name: &str,
    options: &Options,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let modules = raw::modules(py);
    let found = modules.get_item(name)?;
    options
        .watch
        .record(|recorder| recorder.slot(&modules, name, found.as_ref()));
    Ok(found)
}

/// A module of the interpreter's own, if the program has imported it: to ask for it must not make
/// the program slower to start.
pub(super) fn if_imported<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    raw::modules(py).get_item(name)
}

/// What a module holds under a name, whatever it may do to find it.
pub(super) fn held<'py>(
    module: &Bound<'py, PyModule>,
    name: &str,
    options: &Options,
) -> PyResult<Bound<'py, PyAny>> {
    let found = module.getattr(name);
    let full = module
        .name()
        .map_or_else(|_| String::new(), |name| name.to_string());
    // Where it can't be told, whoever follows the name says so: it must not seem missing.
    let of_library = matches!(library_of(module.py(), &full, options), Ok(Some(_)));
    options.watch.record(|recorder| {
        let namespace = module.dict();
        let plain = module.is_exact_instance_of::<PyModule>();
        match (namespace.get_item(name), &found) {
            (Ok(Some(held)), Ok(found)) if plain && held.is(found) => {
                recorder.slot(&namespace, name, Some(found));
            }
            (Ok(None), Err(_)) if plain => {
                recorder.slot(&namespace, name, None);
                let asked = namespace.get_item("__getattr__").ok().flatten();
                recorder.slot(&namespace, "__getattr__", asked.as_ref());
                // What a library answers is as constant as the library.
                if asked.is_some() && !of_library {
                    recorder.obstacle("a module that is asked for what it does not hold");
                }
            }
            (Ok(None), Ok(_)) if plain && of_library => {
                recorder.slot(&namespace, name, None);
                let asked = namespace.get_item("__getattr__").ok().flatten();
                recorder.slot(&namespace, "__getattr__", asked.as_ref());
            }
            _ => recorder.obstacle("a module that finds its attributes in a way of its own"),
        }
    });
    found
}

/// The module of built-ins that code with these globals sees.
fn builtins<'py>(globals: &Bound<'py, PyDict>, options: &Options) -> PyResult<Bound<'py, PyAny>> {
    let standard = globals.py().import("builtins")?;
    let own = globals.get_item("__builtins__")?;
    options
        .watch
        .record(|recorder| recorder.slot(globals, "__builtins__", own.as_ref()));
    match own {
        Some(own) if !own.is(standard.dict()) => Ok(own),
        _ => Ok(standard.into_any()),
    }
}

/// Follows attributes through modules to the first thing that is not one.
fn attribute<'py>(
    module: &Bound<'py, PyModule>,
    chain: &[String],
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let Some((first, rest)) = chain.split_first() else {
        return refer(module, scope, content);
    };
    let module_path = module.name()?.to_string();
    if by_name(module.py(), (&module_path, first), scope, content) {
        return Ok(());
    }
    let Ok(value) = held(module, first, scope.options) else {
        content.encoder.tag(tag::MISSING);
        return Ok(());
    };
    if let Ok(inner) = value.cast::<PyModule>() {
        return attribute(inner, rest, scope, content);
    }
    let name = format!("{}.{first}", module_name(module.py(), &module_path));
    let place = Identity::Slot(module.dict().as_ptr() as usize, first.clone());
    let library = library_of(module.py(), &module_path, scope.options)?;
    if library.is_some() {
        impurity::note(&name, rest, scope.options, scope.path);
        patched(&value, rest, scope, content)?;
    }
    match library {
        Some(library) if !counts_by_value(&value, scope.options)? => {
            if !definitions::encode(&value, scope, content)? {
                constant(&library, &name, scope, content);
            }
            Ok(())
        }
        _ => slot(place, name, PartKind::Global, &value, scope, content),
    }
}

/// An attribute that is read from a class of a library and was put there by the user.
fn patched<'py>(
    value: &Bound<'py, PyAny>,
    rest: &[String],
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    if let (Ok(class), Some(_)) = (value.cast::<PyType>(), rest.first()) {
        scope.options.watch.record(|recorder| recorder.class(class));
    }
    if let (Ok(class), Some(name)) = (value.cast::<PyType>(), rest.first())
        && let Ok(attribute) = class.getattr(name.as_str())
        && counts_by_value(&attribute, scope.options)?
    {
        let full = format!("{}.{name}", class.fully_qualified_name()?);
        let place = Identity::Slot(class.as_ptr() as usize, name.clone());
        slot(place, full, PartKind::Class, &attribute, scope, content)?;
    }
    Ok(())
}

/// Whether something found in a library counts by what it is, and not as the library's: plain
/// data, and whatever the user may have put in the library's place. Other objects there are state
/// of the library, which is not seen.
fn counts_by_value(value: &Bound<'_, PyAny>, options: &Options) -> PyResult<bool> {
    let py = value.py();
    if scalars::is_immutable_scalar(value) {
        return Ok(true);
    }
    if value.cast::<PyFunction>().is_ok() || value.cast::<PyType>().is_ok() {
        return Ok(library_object(value, options)?.is_none() && !is_of_library(value, options)?);
    }
    if value.cast::<PyCFunction>().is_ok() {
        return Ok(false);
    }
    let class = value.get_type();
    let modules = py.import("sys")?.getattr("modules")?;
    let plain = class.is(py.get_type::<PyList>())
        || class.is(py.get_type::<PyTuple>())
        || class.is(py.get_type::<PySet>())
        || class.is(py.get_type::<PyFrozenSet>())
        || class.is(py.get_type::<PyDict>()) && !value.is(&modules);
    Ok(plain
        || type_name(&class)? == ("functools".into(), "partial".into())
        || !is_library_class(&class, options)?)
}

/// Whether a function or class that can't be found under its own name is a library's all the same:
/// made by it, as many decorated ones are.
fn is_of_library(value: &Bound<'_, PyAny>, options: &Options) -> PyResult<bool> {
    let home = match value.cast::<PyFunction>() {
        Ok(function) => function.getattr("__globals__")?.get_item("__name__"),
        Err(_) => value.getattr("__module__"),
    };
    match home.and_then(|home| home.extract::<String>()) {
        Ok(home) => Ok(library_of(value.py(), &home, options)?.is_some()),
        Err(_) => Ok(false),
    }
}

/// Refers to a named place: to the definition it holds, else to a part that is the place.
pub(super) fn slot<'py>(
    identity: Identity,
    name: String,
    kind: PartKind,
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    if definitions::encode(value, scope, content)? {
        return Ok(());
    }
    let path = format!("{} -> {kind} {name}", scope.path);
    content.refer(Target {
        identity,
        subject: Subject::Value(value.clone()),
        name,
        kind,
        path,
    });
    Ok(())
}

/// Refers to a module as a whole.
pub(super) fn refer<'py>(
    module: &Bound<'py, PyModule>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let full = module.name()?.to_string();
    if let Some(library) = library_of(module.py(), &full, scope.options)? {
        constant(&library, &full, scope, content);
        return Ok(());
    }
    let name = module_name(module.py(), &full);
    content.refer(Target {
        identity: Identity::Object(module.as_ptr() as usize),
        subject: Subject::Module(module.clone()),
        path: format!("{} -> module {name}", scope.path),
        name,
        kind: PartKind::Module,
    });
    Ok(())
}

/// Writes what an import in the body brings in; one that fails is known to be missing.
fn imported<'py>(
    globals: &Bound<'py, PyDict>,
    import: &Import,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    let Some(module) = bring_in(globals, import, scope.options)? else {
        content.encoder.tag(tag::MISSING);
        return Ok(());
    };
    if let Ok(module) = module.cast::<PyModule>() {
        return attribute(module, &import.chain, scope, content);
    }
    // Something may stand in a module's place.
    let place = Identity::Slot(module.as_ptr() as usize, String::new());
    slot(
        place,
        import.module.clone(),
        PartKind::Module,
        &module,
        scope,
        content,
    )
}

/// Imports as the call itself would do, if it was not done yet; `None` where it fails.
fn bring_in<'py>(
    globals: &Bound<'py, PyDict>,
    import: &Import,
    options: &Options,
) -> Result<Option<Bound<'py, PyAny>>, Refusal> {
    let py = globals.py();
    let importer = held(&py.import("builtins")?, "__import__", options)?;
    // With a list of names, the module itself is returned instead of its top package.
    let wanted: Vec<&str> = match import.chain.first() {
        _ if import.from_top => Vec::new(),
        Some(name) => vec![name],
        None => vec![""],
    };
    let arguments = (
        import.module.as_str(),
        globals,
        py.None(),
        wanted,
        import.level,
    );
    match importer.call1(arguments) {
        Ok(module) => {
            watch_import(globals, import, &module, options)?;
            Ok(Some(module))
        }
        Err(error) if error.is_instance_of::<PyException>(py) => {
            let watch = &options.watch;
            watch.record(|recorder| recorder.obstacle("an import that fails"));
            Ok(None)
        }
        Err(fatal) => Err(fatal.into()),
    }
}

/// Records where an import finds what it brings in: under its full name, each package on the way
/// being loaded; a relative one by what the module says of itself.
fn watch_import<'py>(
    globals: &Bound<'py, PyDict>,
    import: &Import,
    found: &Bound<'py, PyAny>,
    options: &Options,
) -> PyResult<()> {
    let py = globals.py();
    if import.level > 0 {
        for name in ["__name__", "__package__", "__spec__"] {
            let own = globals.get_item(name)?;
            options
                .watch
                .record(|recorder| recorder.slot(globals, name, own.as_ref()));
        }
        let name = found
            .getattr("__name__")
            .and_then(|name| name.extract::<String>());
        let under_its_name = match name {
            Ok(name) => loaded(py, &name, options)?.is_some_and(|module| module.is(found)),
            Err(_) => false,
        };
        if !under_its_name {
            options
                .watch
                .record(|recorder| recorder.obstacle("a relative import of something renamed"));
        }
        return Ok(());
    }
    for (end, _) in import.module.match_indices('.') {
        loaded(py, &import.module[..end], options)?;
    }
    loaded(py, &import.module, options)?;
    Ok(())
}

/// All that a module holds.
pub(super) fn encode<'py>(
    module: &Bound<'py, PyModule>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    content.encoder.tag(tag::MODULE);
    scope
        .options
        .watch
        .record(|recorder| recorder.whole(&module.dict()));
    let mut names: Vec<String> = module.dict().keys().extract()?;
    let documented = scope.options.reads.has(Reads::DOCS);
    let annotated = scope.options.reads.has(Reads::ANNOTATIONS);
    names.retain(|name| match name.as_str() {
        "__doc__" => documented,
        "__annotate__" | "__annotations__" | "__conditional_annotations__" => annotated,
        name => !ABOUT_THE_MODULE.contains(&name),
    });
    names.sort();
    content.encoder.len(names.len());
    for name in names {
        content.encoder.str(&name);
        attribute(module, &[name], scope, content)?;
    }
    Ok(())
}
