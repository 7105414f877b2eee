//! numpy arrays by dtype, shape and logical content, whatever their layout in memory.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::objects;
use crate::freeze::graph::{Content, Refusal};
use crate::freeze::tag;
use crate::freeze::walk::{Children, Expansion, Step};
use crate::freeze::wrappers::fields;
use crate::raw;

/// An exact array, or one mapped from a file, which is the same to look at.
pub(super) fn array<'py>(
    array: &Bound<'py, PyAny>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    let dtype = array.getattr("dtype")?;
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let encoder = &mut content.encoder;
    encoder.tag(tag::ARRAY);
    encoder.str(&array.get_type().name()?.to_string_lossy());
    encoder.len(shape.len());
    for extent in shape {
        encoder.len(extent);
    }
    let mut children = Vec::new();
    if let Ok(names) = dtype.getattr("names")?.cast_into::<PyTuple>() {
        // Field by field: what lies in the padding between them is noise.
        children.push((Step::Inside, dtype));
        for name in names {
            let column = array.get_item(&name)?;
            children.push((Step::Item(name), column));
        }
    } else if dtype.getattr("hasobject")?.is_truthy()? {
        children.push((Step::Inside, dtype));
        let others = objects::encode(array, encoder)?;
        children.push((Step::Inside, others.into_any()));
    } else {
        encoder.str(&dtype.getattr("str")?.extract::<String>()?);
        encoder.tag(tag::BUFFER);
        let bytes = without_padding(&dtype, raw_bytes(array)?)?;
        raw::encode_buffer(&bytes, encoder)?;
        let metadata = dtype.getattr("metadata")?;
        if !metadata.is_none() {
            children.push((Step::Attribute("dtype.metadata".to_owned()), metadata));
        }
    }
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

/// The raw bytes behind a `PickleBuffer`.
pub(super) fn buffer<'py>(
    value: &Bound<'py, PyAny>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::BUFFER);
    raw::encode_buffer(&value.call_method0("raw")?, &mut content.encoder)?;
    Ok(Expansion {
        children: Children::Some(Vec::new()),
        ordered: true,
    })
}

/// The elements in C order as a flat run of bytes; no copy where they lie so already.
fn raw_bytes<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let numpy = array.py().import("numpy")?;
    let flat = numpy
        .call_method1("ascontiguousarray", (array,))?
        .call_method1("reshape", (-1,))?;
    flat.call_method1("view", (numpy.getattr("uint8")?,))
}

/// An array with a mask. Its own pickling tells its layout in memory, and whether anybody has asked
/// for its fill value.
pub(super) fn masked<'py>(
    array: &Bound<'py, PyAny>,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::FIELDS);
    content.encoder.str("numpy");
    content.encoder.str("MaskedArray");
    let names = ["_data", "_mask", "fill_value", "hardmask"];
    Ok(Expansion {
        children: Children::Some(fields(array, &names)?),
        ordered: true,
    })
}

/// The mantissa bits of an extended number of the x87, of which ten bytes are all.
const EXTENDED_MANTISSA: usize = 63;
const EXTENDED_BYTES: usize = 10;

/// The bytes of numbers without what lies between them, which is noise.
fn without_padding<'py>(
    dtype: &Bound<'py, PyAny>,
    bytes: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let code: String = dtype.getattr("char")?.extract()?;
    if !matches!(code.as_str(), "g" | "G") {
        return Ok(bytes);
    }
    let numpy = dtype.py().import("numpy")?;
    let precision = numpy.call_method1("finfo", (dtype,))?;
    if precision.getattr("nmant")?.extract::<usize>()? != EXTENDED_MANTISSA {
        return Ok(bytes);
    }
    let width: usize = numpy
        .getattr("longdouble")?
        .call0()?
        .getattr("itemsize")?
        .extract()?;
    let rows = bytes.call_method1("reshape", (-1, width))?;
    let columns = numpy.call_method1("arange", (EXTENDED_BYTES,))?;
    rows.call_method1("take", (columns, 1))
}
