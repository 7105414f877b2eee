//! Instances of the user's own classes that inherit what a library keeps out of sight: the base's
//! content as the base itself tells it, then the attributes. What the subclass makes of its own
//! pickling may leave out what shows in a result.

use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType,
};

use super::graph::{Content, Options, Refusal, Scope};
use super::instances::{self, Layout, pickles_its_own_way};
use super::origin::is_library_class;
use super::reductions;
use super::walk::{Children, Expansion, Step};
use super::{named, tag};
use crate::raw;

/// The first class of a library that a class of the user's derives from; `object`, if no other.
pub(super) fn home<'py>(
    class: &Bound<'py, PyType>,
    options: &Options,
) -> PyResult<Bound<'py, PyType>> {
    for base in class.mro().iter().skip(1) {
        let base = base.cast_into::<PyType>()?;
        if is_library_class(&base, options)? {
            return Ok(base);
        }
    }
    let object = class.py().import("builtins")?.getattr("object")?;
    Ok(object.cast_into()?)
}

/// Whether a class of a library tells what counts in its own way, and of slots alone: what is in
/// the dictionary of an instance is then the subclass's.
pub(super) fn has_its_own_say(home: &Bound<'_, PyType>, options: &Options) -> PyResult<bool> {
    Ok(pickles_its_own_way(home, options)?
        && home.getattr("__dictoffset__")?.extract::<isize>()? == 0)
}

/// Class, the base's own reduction, and attributes.
pub(super) fn reduced<'py>(
    value: &Bound<'py, PyAny>,
    layout: &Layout,
    home: &Bound<'py, PyType>,
    scope: Scope<'_>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    let reduced = as_the_base(value, home)?;
    if let Ok(name) = reduced.cast::<PyString>() {
        return named::encode(value, &name.to_string_lossy(), scope, content);
    }
    let reduced = reduced.cast_into::<PyTuple>()?;
    let mut parts = Vec::with_capacity(reduced.len());
    for (step, part) in reductions::parts(&reduced)? {
        let part = if is_namespace_of(value, &part)? {
            value.py().None().into_bound(value.py())
        } else {
            part
        };
        parts.push((step, part));
    }
    // Whether an empty namespace has been made yet does not count.
    while parts.last().is_some_and(|(_, part)| part.is_none()) {
        parts.pop();
    }
    content.encoder.tag(tag::REDUCED_SUBCLASS);
    content.encoder.len(parts.len());
    let mut children = vec![(Step::Inside, value.get_type().into_any())];
    children.extend(parts);
    children.extend(content_of_the_base(value, home)?);
    children.extend(reductions::left_out_of_exceptions(value, scope.options)?);
    children.extend(instances::state(value, layout, scope, content)?);
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// The reduction that the base gives, whatever the subclass has put in its place.
fn as_the_base<'py>(
    value: &Bound<'py, PyAny>,
    home: &Bound<'py, PyType>,
) -> Result<Bound<'py, PyAny>, Refusal> {
    let object = value.py().import("builtins")?.getattr("object")?;
    let own = |name| -> PyResult<Option<Bound<'py, PyAny>>> {
        let method = home.getattr(name)?;
        Ok((!method.is(object.getattr(name)?)).then_some(method))
    };
    let (full, plain) = (own("__reduce_ex__")?, own("__reduce__")?);
    let replaced = |plain: &Bound<'py, PyAny>| -> PyResult<bool> {
        Ok(!value.get_type().getattr("__reduce__")?.is(plain))
    };
    let reduced = match (full, plain) {
        // The one may call the other, and so what has been put in its place.
        (Some(_), Some(plain)) if replaced(&plain)? => plain.call1((value,)),
        (Some(full), _) => full.call1((value, 5)),
        (None, Some(plain)) => plain.call1((value,)),
        (None, None) => return reductions::reduction(value),
    };
    reduced.map_err(|error| reductions::unpicklable(value, error))
}

/// Elements and items as the base gives them, where the subclass has put something in their place:
/// the base's reduction may have asked for those.
fn content_of_the_base<'py>(
    value: &Bound<'py, PyAny>,
    home: &Bound<'py, PyType>,
) -> PyResult<Vec<(Step<'py>, Bound<'py, PyAny>)>> {
    let mut children = Vec::new();
    for name in ["__iter__", "items"] {
        let Ok(own) = home.getattr(name) else {
            continue;
        };
        if !value.get_type().getattr(name)?.is(&own) {
            let content = own.call1((value,))?.try_iter()?;
            let content = PyList::new(value.py(), content.collect::<PyResult<Vec<_>>>()?)?;
            children.push((Step::Inside, content.into_any()));
        }
    }
    Ok(children)
}

/// Whether a part of a reduction is the dictionary of the instance, which counts by itself.
fn is_namespace_of(value: &Bound<'_, PyAny>, part: &Bound<'_, PyAny>) -> PyResult<bool> {
    let (Ok(Some(namespace)), Ok(part)) = (raw::namespace(value), part.cast_exact::<PyDict>())
    else {
        return Ok(false);
    };
    if namespace.len() != part.len() {
        return Ok(false);
    }
    for (name, item) in part {
        if !namespace.get_item(name)?.is_some_and(|own| own.is(&item)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The value that an instance of a subclass of a plain built-in type has as one of that type.
pub(super) fn plain_value<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    Ok(Some(if value.cast::<PyString>().is_ok() {
        py.get_type::<PyString>()
            .call_method1("__str__", (value,))?
    } else if value.cast::<PyInt>().is_ok() {
        py.get_type::<PyInt>().call_method1("__index__", (value,))?
    } else if let Ok(number) = value.cast::<PyFloat>() {
        PyFloat::new(py, number.value()).into_any()
    } else if let Ok(number) = value.cast::<PyComplex>() {
        PyComplex::from_doubles(py, number.real(), number.imag()).into_any()
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        PyBytes::new(py, bytes.as_bytes()).into_any()
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        PyByteArray::new(py, &bytes.to_vec()).into_any()
    } else {
        return Ok(None);
    }))
}
