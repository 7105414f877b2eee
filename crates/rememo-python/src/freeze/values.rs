//! Canonical encoding of Python values: type-tagged, so that no two distinct values look alike,
//! and blind to identity, layout and hash order, so that equal ones do.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyCFunction, PyCode, PyComplex, PyDict, PyFloat, PyFrozenSet,
    PyFunction, PyInt, PyList, PyModule, PySet, PyString, PyTuple, PyType,
};

use super::functions;
use super::graph::{Content, Graph, Unfreezable};
use super::modules::class_target;
use super::origin::{Origin, constant, library_object, module_name};

/// The type tags of the encoding. A tag, once given, keeps its meaning within a scheme version.
pub(super) mod tag {
    pub const NONE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const TRUE: u8 = 3;
    pub const INT: u8 = 4;
    pub const FLOAT: u8 = 5;
    pub const COMPLEX: u8 = 6;
    pub const STR: u8 = 7;
    pub const BYTES: u8 = 8;
    pub const BYTEARRAY: u8 = 9;
    pub const TUPLE: u8 = 10;
    pub const LIST: u8 = 11;
    pub const DICT: u8 = 12;
    pub const SET: u8 = 13;
    pub const FROZENSET: u8 = 14;
    pub const ELLIPSIS: u8 = 15;
    pub const NOT_IMPLEMENTED: u8 = 16;
    pub const CYCLE: u8 = 17;
    pub const CODE: u8 = 18;
    pub const FUNCTION: u8 = 19;
    pub const CLASS: u8 = 20;
    pub const MODULE: u8 = 21;
    pub const REFERENCE: u8 = 22;
    pub const SLOT: u8 = 23;
    pub const MISSING: u8 = 24;
    pub const NAME: u8 = 25;
    pub const IMPORT: u8 = 26;
    pub const EXTERNAL: u8 = 27;
    pub const INSTANCE: u8 = 28;
    pub const REDUCED: u8 = 29;
    pub const NAMED: u8 = 30;
    pub const ENUM: u8 = 31;
    pub const METHOD: u8 = 32;
    pub const DESCRIPTOR: u8 = 33;
    pub const ARRAY: u8 = 34;
    pub const FRAME: u8 = 35;
    pub const BUFFER: u8 = 36;
    pub const WRAPPED: u8 = 37;
    pub const NAMESPACE: u8 = 38;
}

/// How deep values may nest.
const DEPTH: usize = 400;

/// Immutable values of exact built-in types without parts.
pub(super) fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    value.is_none()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
}

/// One value on the way down: the containers around it, outermost first.
pub(super) struct Nest<'a> {
    pub path: &'a str,
    around: Vec<usize>,
}

impl Nest<'_> {
    /// The same containers, seen from a step further down the path.
    pub(super) fn deeper<'a>(&mut self, path: &'a str) -> Nest<'a> {
        Nest {
            path,
            around: self.around.clone(),
        }
    }
}

impl<'py> Graph<'py> {
    /// Encodes any value.
    pub(super) fn value(
        &mut self,
        value: &Bound<'py, PyAny>,
        path: &str,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        self.nested(
            value,
            &mut Nest {
                path,
                around: Vec::new(),
            },
            content,
        )
    }

    /// Encodes a value inside others.
    pub(super) fn nested(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        if scalar(value, content).map_err(raised)? {
            return Ok(());
        }
        if self.definition(value, path, content).map_err(raised)? {
            return Ok(());
        }
        if let Ok(code) = value.cast::<PyCode>() {
            return self.code(code, path, content);
        }
        let address = value.as_ptr() as usize;
        if let Some(at) = nest.around.iter().rposition(|&outer| outer == address) {
            content.encoder.tag(tag::CYCLE);
            content.encoder.len(nest.around.len() - at);
            return Ok(());
        }
        if nest.around.len() >= DEPTH {
            return Err(Unfreezable::new(
                path,
                format!("values nested more than {DEPTH} deep"),
            ));
        }
        nest.around.push(address);
        let done = self.container(value, nest, content);
        nest.around.pop();
        done
    }

    fn container(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        if value.is_exact_instance_of::<PyTuple>() {
            return self.sequence(tag::TUPLE, value, nest, content);
        }
        if value.is_exact_instance_of::<PyList>() {
            return self.sequence(tag::LIST, value, nest, content);
        }
        if value.is_exact_instance_of::<PyDict>() {
            return self.dict(value, nest, content);
        }
        if value.is_exact_instance_of::<PySet>() {
            return self.set(tag::SET, value, nest, content);
        }
        if value.is_exact_instance_of::<PyFrozenSet>() {
            return self.set(tag::FROZENSET, value, nest, content);
        }
        if self.array(value, nest, content)? || self.frame(value, nest, content)? {
            return Ok(());
        }
        self.instance(value, nest, content)
    }

    /// Elements in order, with their count.
    pub(super) fn sequence(
        &mut self,
        kind: u8,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        content.encoder.tag(kind);
        content.encoder.len(value.len().map_err(raised)?);
        for item in value.try_iter().map_err(raised)? {
            self.nested(&item.map_err(raised)?, nest, content)?;
        }
        Ok(())
    }

    /// Items in their order, which a function can observe.
    pub(super) fn dict(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let dict = value
            .cast::<PyDict>()
            .map_err(|e| Unfreezable::raised(path, &e.into()))?;
        content.encoder.tag(tag::DICT);
        content.encoder.len(dict.len());
        // A snapshot: freezing an element may run code that changes the dictionary.
        for (key, item) in dict.iter().collect::<Vec<_>>() {
            self.nested(&key, nest, content)?;
            self.nested(&item, nest, content)?;
        }
        Ok(())
    }

    /// Elements sorted by their digests: hash order says nothing.
    fn set(
        &mut self,
        kind: u8,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let mut elements = Vec::new();
        for item in value.try_iter().map_err(raised)? {
            let mut element = Content::default();
            self.nested(&item.map_err(raised)?, nest, &mut element)?;
            elements.push((element.encoder.finish(), element.targets));
        }
        elements.sort_by_key(|element| element.0);
        content.encoder.tag(kind);
        content.encoder.len(elements.len());
        for (digest, targets) in elements {
            content.encoder.digest(&digest);
            content.targets.extend(targets);
        }
        Ok(())
    }

    /// Functions, classes, modules and built-ins: constants of a library, or parts of their own.
    fn definition(
        &mut self,
        value: &Bound<'py, PyAny>,
        path: &str,
        content: &mut Content<'py>,
    ) -> PyResult<bool> {
        if let Ok(module) = value.cast::<PyModule>() {
            self.module_value(module, path, content)?;
            return Ok(true);
        }
        let function = value.cast::<PyFunction>().ok();
        let class = value.cast::<PyType>().ok();
        let builtin = value.cast::<PyCFunction>().is_ok();
        if function.is_none() && class.is_none() && !builtin {
            return Ok(false);
        }
        if let Some((Origin::Library { name, version }, qualified)) = library_object(value)? {
            constant(&name, &version, &qualified, content);
            return Ok(true);
        }
        if let Some(function) = function {
            content.refer(tag::REFERENCE, functions::target(function, path));
        } else if let Some(class) = class {
            content.refer(tag::REFERENCE, class_target(class, path)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The name of a global, as pickling by reference gives it.
    pub(super) fn named(
        &mut self,
        value: &Bound<'py, PyAny>,
        name: &str,
        content: &mut Content<'py>,
    ) -> PyResult<()> {
        let module = value
            .getattr("__module__")
            .and_then(|name| name.extract::<String>());
        let module = module_name(self.py, &module.unwrap_or_default());
        content.encoder.tag(tag::NAMED);
        content.encoder.str(&module);
        content.encoder.str(name);
        Ok(())
    }
}

/// Encodes values without parts; false where the value is not one.
fn scalar(value: &Bound<'_, PyAny>, content: &mut Content<'_>) -> PyResult<bool> {
    let encoder = &mut content.encoder;
    if value.is_none() {
        encoder.tag(tag::NONE);
    } else if let Ok(value) = value.cast_exact::<PyBool>() {
        encoder.tag(if value.is_true() {
            tag::TRUE
        } else {
            tag::FALSE
        });
    } else if let Ok(value) = value.cast_exact::<PyInt>() {
        encoder.tag(tag::INT);
        if let Ok(small) = value.extract::<i64>() {
            encoder.bytes(&small.to_le_bytes());
        } else {
            let bits: usize = value.call_method0("bit_length")?.extract()?;
            let kwargs = PyDict::new(value.py());
            kwargs.set_item("signed", true)?;
            let bytes = value.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&kwargs))?;
            encoder.bytes(bytes.cast::<PyBytes>()?.as_bytes());
        }
    } else if let Ok(value) = value.cast_exact::<PyFloat>() {
        encoder.tag(tag::FLOAT);
        encoder.raw(&value.value().to_bits().to_le_bytes());
    } else if let Ok(value) = value.cast_exact::<PyComplex>() {
        encoder.tag(tag::COMPLEX);
        encoder.raw(&value.real().to_bits().to_le_bytes());
        encoder.raw(&value.imag().to_bits().to_le_bytes());
    } else if let Ok(value) = value.cast_exact::<PyString>() {
        encoder.tag(tag::STR);
        if let Ok(text) = value.to_str() {
            encoder.str(text);
        } else {
            // Lone surrogates have no UTF-8; their own escape keeps them apart.
            let bytes = value.call_method1("encode", ("utf-8", "surrogatepass"))?;
            encoder.bytes(bytes.cast::<PyBytes>()?.as_bytes());
        }
    } else if let Ok(value) = value.cast_exact::<PyBytes>() {
        encoder.tag(tag::BYTES);
        encoder.bytes(value.as_bytes());
    } else if let Ok(value) = value.cast_exact::<PyByteArray>() {
        encoder.tag(tag::BYTEARRAY);
        encoder.bytes(&value.to_vec());
    } else if value.is(value.py().Ellipsis()) {
        encoder.tag(tag::ELLIPSIS);
    } else if value.is(value.py().NotImplemented()) {
        encoder.tag(tag::NOT_IMPLEMENTED);
    } else {
        return Ok(false);
    }
    Ok(true)
}
