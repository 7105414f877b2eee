//! Functions, classes and modules met as values: constants of a library, or parts of their own.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCFunction, PyFunction, PyModule, PyType};

use super::graph::{Content, Refusal, Scope};
use super::origin::{Library, constant, library_object, static_type};
use super::{classes, functions, modules, walk};

/// Whether a value is a function of Python's, a class or a module.
pub(super) fn is_definition(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyFunction>().is_ok()
        || value.cast::<PyType>().is_ok()
        || value.cast::<PyModule>().is_ok()
}

/// Encodes a reference to a definition; false, and nothing written, where the value is none.
pub(super) fn encode<'py>(
    value: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<bool, Refusal> {
    if let Ok(module) = value.cast::<PyModule>() {
        modules::refer(module, scope, content)?;
        return Ok(true);
    }
    let function = value.cast::<PyFunction>();
    let class = value.cast::<PyType>();
    if function.is_err() && class.is_err() && value.cast::<PyCFunction>().is_err() {
        return Ok(false);
    }
    if let Ok(class) = class {
        return refer_to_class(class, scope, content).map(|()| true);
    }
    if let Some((library, name)) = library_object(value, scope.options)? {
        constant(&library, &name, scope, content);
        if let Ok(function) = function {
            functions::constants_of(function, scope, content)?;
        }
    } else if let Ok(function) = function {
        content.refer(functions::target(function, scope.path));
    } else {
        // A method of a C object: what it is bound to tells.
        return Ok(false);
    }
    Ok(true)
}

/// What a class is referred to as.
#[derive(Clone)]
enum Known {
    Library(Arc<Library>, String),
    Own(String),
}

/// The classes met in a listing, each kept alive so that its address stays its own: every instance
/// refers to one.
#[derive(Default)]
pub(super) struct Classes(HashMap<usize, KnownClass>);

struct KnownClass {
    class: Py<PyType>,
    known: Known,
    /// Whether it was asked for since `begin`.
    used: bool,
}

impl Classes {
    pub fn begin(&mut self) {
        for known in self.0.values_mut() {
            known.used = false;
        }
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
        let mut all = self.0.values();
        all.try_for_each(|known| visit.call(&known.class))
    }
}

fn refer_to_class<'py>(
    class: &Bound<'py, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    match known(class, scope)? {
        Known::Library(library, name) => {
            constant(&library, &name, scope, content);
            classes::virtual_subclasses(class, scope, content)
        }
        Known::Own(name) => {
            content.refer(classes::target(class, name, scope.path));
            Ok(())
        }
    }
}

/// Refers to a class that another is derived from. `abc.ABC` has no methods: what is registered with
/// whom of its kin matters only where it is named.
pub(super) fn refer_to_base<'py>(
    base: &Bound<'py, PyAny>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<(), Refusal> {
    static ABC: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let abc = ABC.import(base.py(), "abc", "ABC")?;
    if base.is(abc)
        && let Known::Library(library, name) = known(abc, scope)?
    {
        constant(&library, &name, scope, content);
        return Ok(());
    }
    walk::encode(base, scope, content)
}

fn known(class: &Bound<'_, PyType>, scope: Scope<'_>) -> Result<Known, Refusal> {
    let address = class.as_ptr() as usize;
    let classes = &scope.options.classes;
    if let Some(known) = classes.borrow_mut().0.get_mut(&address) {
        known.used = true;
        return Ok(known.known.clone());
    }
    let library = match library_object(class.as_any(), scope.options)? {
        None => static_type(class, scope.options)?,
        library => library,
    };
    let known = match library {
        Some((library, name)) => Known::Library(library, name),
        None => Known::Own(classes::class_name(class)?),
    };
    let kept = KnownClass {
        class: class.clone().unbind(),
        known: known.clone(),
        used: true,
    };
    classes.borrow_mut().0.insert(address, kept);
    Ok(known)
}
