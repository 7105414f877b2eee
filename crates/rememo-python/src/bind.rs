//! Binds the arguments of a call to the function's signature, so that every spelling of a call is
//! one call.

use pyo3::prelude::*;
use pyo3::types::PyTupleMethods;
use pyo3::types::{PyDict, PyFunction, PyTuple};

/// The arguments of a call by parameter name, in the order of the signature.
pub type Arguments<'py> = Vec<(String, Bound<'py, PyAny>)>;

const VARIADIC: u32 = 0x04;
const KEYWORDS: u32 = 0x08;

/// Binds, or gives `None` where the arguments do not fit: Python then says so itself.
pub fn bind<'py>(
    function: &Bound<'py, PyFunction>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Arguments<'py>>> {
    let py = function.py();
    let code = function.getattr("__code__")?;
    let count = |name| {
        code.getattr(name)
            .and_then(|value| value.extract::<usize>())
    };
    let (positional, only, keyword) = (
        count("co_argcount")?,
        count("co_posonlyargcount")?,
        count("co_kwonlyargcount")?,
    );
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    let names: Vec<String> = code.getattr("co_varnames")?.extract()?;
    let rest = match kwargs {
        Some(kwargs) => kwargs.copy()?,
        None => PyDict::new(py),
    };
    let take = |name: &str| -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = rest.get_item(name)?;
        if value.is_some() {
            rest.del_item(name)?;
        }
        Ok(value)
    };
    let defaults = function
        .getattr("__defaults__")?
        .cast_into::<PyTuple>()
        .ok();
    let first_default = positional - defaults.as_ref().map_or(0, PyTupleMethods::len);
    let mut bound = Vec::with_capacity(names.len());
    for (i, name) in names[..positional].iter().enumerate() {
        let by_keyword = if i < only { None } else { take(name)? };
        let value = match (args.get_item(i).ok(), by_keyword) {
            (Some(_), Some(_)) => return Ok(None),
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => match &defaults {
                Some(defaults) if i >= first_default => defaults.get_item(i - first_default)?,
                _ => return Ok(None),
            },
        };
        bound.push((name.clone(), value));
    }
    let keyword_defaults = function
        .getattr("__kwdefaults__")?
        .cast_into::<PyDict>()
        .ok();
    for name in &names[positional..positional + keyword] {
        let default = keyword_defaults
            .as_ref()
            .map(|d| d.get_item(name))
            .transpose()?
            .flatten();
        let Some(value) = take(name)?.or(default) else {
            return Ok(None);
        };
        bound.push((name.clone(), value));
    }
    let mut next = positional + keyword;
    if flags & VARIADIC != 0 {
        let extra = args.get_slice(positional.min(args.len()), args.len());
        bound.push((format!("*{}", names[next]), extra.into_any()));
        next += 1;
    } else if args.len() > positional {
        return Ok(None);
    }
    if flags & KEYWORDS != 0 {
        bound.push((format!("**{}", names[next]), rest.into_any()));
    } else if !rest.is_empty() {
        return Ok(None);
    }
    Ok(Some(bound))
}
