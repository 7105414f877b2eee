//! The Python front-end: fingerprints of Python objects and the memoized callable, translated to
//! the engine's one call. What Python people read and type lives in `python/rememo`.

mod bind;
mod codec;
mod events;
mod freeze;
mod memoized;
mod raw;
mod store;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The private extension module behind the `rememo` package.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<memoized::Memoized>()?;
    module.add_class::<store::Store>()?;
    module.add_function(wrap_pyfunction!(freeze_object, module)?)?;
    module.add_function(wrap_pyfunction!(events::subscribe, module)?)?;
    module.add_function(wrap_pyfunction!(events::unsubscribe, module)?)?;
    module.add_function(wrap_pyfunction!(store::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(store::after_fork_in_parent, module)?)?;
    module.add_function(wrap_pyfunction!(store::after_fork_in_child, module)?)?;
    Ok(())
}

/// The digest of any object, in hexadecimal.
#[pyfunction]
#[pyo3(name = "freeze")]
fn freeze_object(obj: Bound<'_, PyAny>) -> PyResult<String> {
    let root = freeze::Root::Argument {
        name: String::new(),
        value: obj,
    };
    match freeze::Graph::freeze(root) {
        Ok(frozen) => Ok(frozen.digest.to_hex()),
        Err(freeze::Unfreezable {
            fatal: Some(fatal), ..
        }) => Err(fatal),
        Err(unfreezable) => {
            let place = unfreezable.path.trim_start_matches("argument ''");
            let message = format!("object{place}: {}", unfreezable.what);
            Err(PyTypeError::new_err(message))
        }
    }
}
