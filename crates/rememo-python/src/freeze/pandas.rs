//! pandas frames, series and indexes column by column, whatever their block layout.

use pyo3::prelude::*;

use super::graph::{Content, Graph, Unfreezable};
use super::values::{Nest, tag};

impl<'py> Graph<'py> {
    /// Encodes pandas objects; false where the value is not one.
    pub(super) fn frame(
        &mut self,
        value: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<bool, Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(nest.path, &error);
        let class = value.get_type();
        let module = class.module().map(|m| m.to_string()).unwrap_or_default();
        if !module.starts_with("pandas") {
            return Ok(false);
        }
        let name = class.name().map_err(raised)?.to_string();
        let fields: &[&str] = match name.as_str() {
            "DataFrame" => &["columns", "index", "attrs"],
            "Series" => &["name", "index", "array", "attrs"],
            "RangeIndex" => &["name", "start", "stop", "step"],
            "MultiIndex" => &["names", "levels", "codes"],
            "Index" | "DatetimeIndex" | "TimedeltaIndex" | "PeriodIndex" | "CategoricalIndex"
            | "IntervalIndex" => &["name", "array"],
            "NumpyExtensionArray" | "PandasArray" => &["_ndarray"],
            "Categorical" => &["codes", "categories", "ordered"],
            "DatetimeArray" | "TimedeltaArray" | "PeriodArray" => &["dtype", "asi8"],
            "IntegerArray" | "FloatingArray" | "BooleanArray" => &["dtype", "_data", "_mask"],
            "StringArray" | "ArrowStringArray" | "ArrowExtensionArray" => {
                return self.extension(value, nest, content).map(|()| true);
            }
            "FrozenList" => {
                self.sequence(tag::LIST, value, nest, content)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        content.encoder.tag(tag::FRAME);
        content.encoder.str(&name);
        for field in fields {
            let field = value.getattr(*field).map_err(raised)?;
            self.nested(&field, nest, content)?;
        }
        if name == "DataFrame" {
            self.columns(value, nest, content)?;
        }
        Ok(true)
    }

    fn columns(
        &mut self,
        frame: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(nest.path, &error);
        let by_position = frame.getattr("iloc").map_err(raised)?;
        let (_, count): (usize, usize) = frame
            .getattr("shape")
            .and_then(|shape| shape.extract())
            .map_err(raised)?;
        let all = self
            .py
            .import("builtins")
            .and_then(|b| b.call_method1("slice", (self.py.None(),)))
            .map_err(raised)?;
        for column in 0..count {
            let column = by_position.get_item((&all, column)).map_err(raised)?;
            let values = column.getattr("array").map_err(raised)?;
            self.nested(&values, nest, content)?;
        }
        Ok(())
    }

    /// Extension arrays by their dtype and elements.
    fn extension(
        &mut self,
        array: &Bound<'py, PyAny>,
        nest: &mut Nest<'_>,
        content: &mut Content<'py>,
    ) -> Result<(), Unfreezable> {
        let raised = |error: PyErr| Unfreezable::raised(nest.path, &error);
        content.encoder.tag(tag::FRAME);
        let dtype = array.getattr("dtype").map_err(raised)?;
        self.nested(&dtype, nest, content)?;
        let elements = array.call_method0("tolist").map_err(raised)?;
        self.sequence(tag::LIST, &elements, nest, content)
    }
}
