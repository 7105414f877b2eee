//! Files that `PyTables` and `netCDF4` have opened by themselves, past Python: it is stood in front of what
//! asks them to.

use pyo3::prelude::*;

use super::by_path::{opens, stand_before_making};

pub fn stand_before_pytables(py: Python<'_>) {
    stand_before_making(py, "tables.file", "File", |call| opens(call, "r"));
}

pub fn stand_before_netcdf(py: Python<'_>) {
    stand_before_making(py, "netCDF4._netCDF4", "Dataset", |call| opens(call, "r"));
}
