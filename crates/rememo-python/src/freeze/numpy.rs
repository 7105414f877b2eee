//! numpy arrays by dtype, shape and logical content, whatever their layout in memory.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::graph::{Content, Graph, Unfreezable};
use super::values::{Nest, tag};

impl<'py> Graph<'py> {
    /// Encodes an exact `numpy.ndarray`, or the raw bytes behind a `PickleBuffer`.
    pub(super) fn array(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<bool, Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let class = value.get_type();
        let name = class.name().map_err(raised)?.to_string();
        let module = class.module().map(|m| m.to_string()).unwrap_or_default();
        match (module.as_str(), name.as_str()) {
            ("numpy", "ndarray") => self.ndarray(value, nest, content).map(|()| true),
            ("pickle" | "_pickle", "PickleBuffer") => {
                let raw = value.call_method0("raw").map_err(raised)?;
                bulk(&raw, tag::BUFFER, content).map_err(raised)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn ndarray(
        &mut self,
        array: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let path = nest.path;
        let raised = |error: PyErr| Unfreezable::raised(path, &error);
        let dtype = array.getattr("dtype").map_err(raised)?;
        let shape: Vec<usize> = array
            .getattr("shape")
            .and_then(|shape| shape.extract())
            .map_err(raised)?;
        content.encoder.tag(tag::ARRAY);
        content.encoder.len(shape.len());
        shape.iter().for_each(|&extent| content.encoder.len(extent));
        let code: String = dtype
            .getattr("str")
            .and_then(|s| s.extract())
            .map_err(raised)?;
        content.encoder.str(&code);
        if let Ok(fields) = dtype
            .getattr("names")
            .and_then(|n| n.cast_into::<PyTuple>().map_err(Into::into))
        {
            // Field by field: the padding between them is noise.
            self.sequence(tag::TUPLE, fields.as_any(), nest, content)?;
            let layout = dtype.getattr("isalignedstruct").map_err(raised)?;
            self.nested(&layout, nest, content)?;
            for field in fields {
                let column = array.get_item(field).map_err(raised)?;
                self.nested(&column, nest, content)?;
            }
            return Ok(());
        }
        if dtype
            .getattr("hasobject")
            .and_then(|o| o.is_truthy())
            .map_err(raised)?
        {
            let elements = array
                .call_method0("ravel")
                .and_then(|flat| flat.call_method0("tolist"))
                .map_err(raised)?;
            return self.sequence(tag::LIST, &elements, nest, content);
        }
        raw_bytes(array)
            .and_then(|raw| bulk(&raw, tag::BUFFER, content))
            .map_err(raised)
    }
}

/// The elements in C order as a flat run of bytes; no copy where they lie so already.
fn raw_bytes<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let numpy = array.py().import("numpy")?;
    let flat = numpy
        .call_method1("ascontiguousarray", (array,))?
        .call_method1("reshape", (-1,))?;
    flat.call_method1("view", (numpy.getattr("uint8")?,))
}

/// Writes a run of bytes of any length.
fn bulk(raw: &Bound<'_, PyAny>, kind: u8, content: &mut Content<'_>) -> PyResult<()> {
    let buffer = PyBuffer::<u8>::get(raw)?;
    content.encoder.tag(kind);
    // The buffer is copied: a reference into it would let another thread write under us.
    content.encoder.bytes(&buffer.to_vec(raw.py())?);
    Ok(())
}
