//! pandas frames, series and indexes column by column, whatever their block layout.

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::freeze::graph::{Content, Refusal};
use crate::freeze::tag;
use crate::freeze::walk::{Children, Expansion, Step};
use crate::freeze::wrappers::fields;

/// A type, and the attributes that tell its values apart.
pub(in crate::freeze) struct Shape {
    names: &'static [&'static str],
    fields: &'static [&'static str],
    more: More,
}

/// What there is besides attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Nothing,
    /// The columns of a frame, by position: labels need not be unique.
    Columns,
    /// The elements, as Python objects.
    Elements,
    /// The data of an array with a mask: what lies behind it is noise.
    Unmasked,
    /// The frequency, which only some versions keep.
    Frequency,
}

const fn shape(
    names: &'static [&'static str],
    fields: &'static [&'static str],
    more: More,
) -> Shape {
    Shape {
        names,
        fields,
        more,
    }
}

const SHAPES: &[Shape] = &[
    shape(
        &["DataFrame"],
        &["columns", "index", "attrs", "flags"],
        More::Columns,
    ),
    shape(
        &["Series"],
        &["name", "index", "array", "attrs", "flags"],
        More::Nothing,
    ),
    shape(&["Flags"], &["allows_duplicate_labels"], More::Nothing),
    shape(
        &["RangeIndex"],
        &["name", "start", "stop", "step"],
        More::Nothing,
    ),
    shape(
        &["MultiIndex"],
        &["names", "levels", "codes"],
        More::Nothing,
    ),
    shape(
        &["Index", "CategoricalIndex", "IntervalIndex"],
        &["name", "array"],
        More::Nothing,
    ),
    shape(
        &["DatetimeIndex", "TimedeltaIndex", "PeriodIndex"],
        &["name", "array"],
        More::Frequency,
    ),
    shape(
        &["NumpyExtensionArray", "PandasArray"],
        &["_ndarray"],
        More::Nothing,
    ),
    shape(
        &["Categorical"],
        &["codes", "categories", "ordered"],
        More::Nothing,
    ),
    shape(
        &["DatetimeArray", "TimedeltaArray", "PeriodArray"],
        &["dtype", "asi8"],
        More::Frequency,
    ),
    shape(
        &["IntegerArray", "FloatingArray", "BooleanArray"],
        &["dtype", "_mask"],
        More::Unmasked,
    ),
    shape(
        &["StringArray", "ObjectStringArray"],
        &["dtype", "_ndarray"],
        More::Nothing,
    ),
    // Its chunks are a matter of `rememo.packs`.
    shape(
        &["ArrowStringArray", "ArrowExtensionArray"],
        &["dtype", "_pa_array"],
        More::Nothing,
    ),
    shape(&["FrozenList"], &[], More::Elements),
];

/// The shape of a type by name.
pub(super) fn find(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.names.contains(&name))
}

/// Attributes, and what there is besides.
pub(super) fn expand<'py>(
    value: &Bound<'py, PyAny>,
    shape: &'static Shape,
    content: &mut Content<'py>,
) -> Result<Expansion<'py>, Refusal> {
    content.encoder.tag(tag::FIELDS);
    content.encoder.str("pandas");
    content
        .encoder
        .str(&value.get_type().name()?.to_string_lossy());
    let mut children = fields(value, shape.fields)?;
    match shape.more {
        More::Nothing => {}
        More::Columns => columns(value, &mut children)?,
        More::Elements => {
            let elements = value.call_method0("__iter__")?.try_iter()?;
            let elements = PyList::new(value.py(), elements.collect::<PyResult<Vec<_>>>()?)?;
            children.push((Step::Inside, elements.into_any()));
        }
        More::Unmasked => {
            let mut data = value.getattr("_data")?;
            let mask = value.getattr("_mask")?;
            if mask.call_method0("any")?.is_truthy()? {
                data = data.call_method0("copy")?;
                data.set_item(mask, 0)?;
            }
            children.push((Step::Attribute("_data".to_owned()), data));
        }
        More::Frequency => {
            if let Ok(frequency) = value.getattr("freq") {
                children.push((Step::Attribute("freq".to_owned()), frequency));
            }
        }
    }
    Ok(Expansion {
        children: Children::Some(children),
        ordered: true,
    })
}

fn columns<'py>(
    frame: &Bound<'py, PyAny>,
    children: &mut Vec<(Step<'py>, Bound<'py, PyAny>)>,
) -> PyResult<()> {
    let py = frame.py();
    let by_position = frame.getattr("iloc")?;
    let labels = frame.getattr("columns")?;
    let all = py.import("builtins")?.call_method1("slice", (py.None(),))?;
    for position in 0..labels.len()? {
        let column = by_position.get_item((&all, position))?.getattr("array")?;
        children.push((Step::Item(labels.get_item(position)?), column));
    }
    Ok(())
}
