//! Types of libraries that are better told by what they mean than by how they are kept. Each is
//! known by name, so that none of these libraries is imported.

mod numpy;
mod objects;
mod pandas;

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::graph::{Content, Refusal};
use super::origin::type_name;
use super::walk::Expansion;

/// How values of one type of a library are encoded.
#[derive(Clone, Copy)]
pub(super) enum Pack {
    Array,
    Masked,
    Buffer,
    Pandas(&'static pandas::Shape),
}

/// The pack for a type.
pub(super) fn find(class: &Bound<'_, PyType>) -> PyResult<Option<Pack>> {
    let (module, name) = type_name(class)?;
    Ok(match (module.as_str(), name.as_str()) {
        // The scalars among them pickle with the noise after them.
        (
            "numpy",
            "ndarray" | "memmap" | "longdouble" | "clongdouble" | "float128" | "complex256",
        ) => Some(Pack::Array),
        ("numpy.ma" | "numpy.ma.core", "MaskedArray") => Some(Pack::Masked),
        ("pickle" | "_pickle", "PickleBuffer") => Some(Pack::Buffer),
        (module, name) if module == "pandas" || module.starts_with("pandas.") => {
            pandas::find(name).map(Pack::Pandas)
        }
        _ => None,
    })
}

impl Pack {
    pub fn expand<'py>(
        self,
        value: &Bound<'py, PyAny>,
        content: &mut Content<'py>,
    ) -> Result<Expansion<'py>, Refusal> {
        match self {
            Self::Array => numpy::array(value, content),
            Self::Masked => numpy::masked(value, content),
            Self::Buffer => numpy::buffer(value, content),
            Self::Pandas(shape) => pandas::expand(value, shape, content),
        }
    }
}
