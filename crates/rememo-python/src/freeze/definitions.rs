//! Functions, classes and modules met as values: constants of a library, or parts of their own.

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyFunction, PyModule, PyType};

use super::graph::{Content, Refusal, Scope};
use super::origin::{constant, library_object, static_type};
use super::{classes, functions, modules};

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
    if let Some((library, name)) = library_object(value, scope.options)? {
        constant(&library, &name, scope, content);
        if let Ok(class) = class {
            classes::virtual_subclasses(class, scope, content)?;
        }
    } else if let Ok(function) = function {
        content.refer(functions::target(function, scope.path));
    } else if let Ok(class) = class {
        match static_type(class, scope.options)? {
            Some((library, name)) => constant(&library, &name, scope, content),
            None => content.refer(classes::target(class, scope.path)?),
        }
    } else {
        // A method of a C object: what it is bound to tells.
        return Ok(false);
    }
    Ok(true)
}
