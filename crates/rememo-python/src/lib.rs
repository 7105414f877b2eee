//! The Python front-end: fingerprints of Python objects and the memoized callable, translated to
//! the engine's one call. What Python people read and type lives in `python/rememo`.

mod acceptances;
mod call;
mod codec;
mod definitions;
mod depth;
mod effects;
mod events;
mod freeze;
mod hot;
mod inspect;
mod keeping;
mod known;
mod memoized;
mod memory;
mod mutations;
mod narrate;
mod raised;
mod raw;
mod record;
mod signature;
mod steps;
mod store;
mod switches;
mod told;
mod worth;
mod wrappers;

use pyo3::prelude::*;

/// The private extension module behind the `rememo` package.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    narrate::note_loading();
    record::record_environment(module.py())?;
    record::watch_fills(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    let base = module.py().get_type::<memoized::Memoized>();
    module.add("Memoized", raw::new_callable_type(&base, memoized::answer)?)?;
    module.add_class::<store::Store>()?;
    module.add_class::<keeping::Room>()?;
    module.add_class::<keeping::Retention>()?;
    module.add_class::<record::Care>()?;
    module.add_function(wrap_pyfunction!(record::track, module)?)?;
    module.add_function(wrap_pyfunction!(record::tapes, module)?)?;
    module.add_function(wrap_pyfunction!(record::is_noted, module)?)?;
    module.add_function(wrap_pyfunction!(effects::digest_of_contents, module)?)?;
    module.add_function(wrap_pyfunction!(effects::holds, module)?)?;
    module.add_function(wrap_pyfunction!(keeping::bytes_to_read, module)?)?;
    module.add_function(wrap_pyfunction!(keeping::time_to_read, module)?)?;
    module.add_function(wrap_pyfunction!(keeping::nanoseconds, module)?)?;
    module.add_function(wrap_pyfunction!(record::figure_is_made, module)?)?;
    module.add_function(wrap_pyfunction!(record::figure_is_used, module)?)?;
    module.add_function(wrap_pyfunction!(record::arguments_are_read, module)?)?;
    module.add_function(wrap_pyfunction!(record::is_of_library, module)?)?;
    module.add_function(wrap_pyfunction!(record::module_is_asked_for, module)?)?;
    module.add_function(wrap_pyfunction!(record::name_is_reached, module)?)?;
    module.add_function(wrap_pyfunction!(record::variable_is_reached, module)?)?;
    module.add_function(wrap_pyfunction!(record::settings_are_read, module)?)?;
    module.add_function(wrap_pyfunction!(record::settings_are_set, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::digest, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::parts, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::children, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::scan, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::module_name, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::name_main, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::impact, module)?)?;
    module.add_function(wrap_pyfunction!(acceptances::proposed, module)?)?;
    module.add_function(wrap_pyfunction!(acceptances::accept, module)?)?;
    module.add_function(wrap_pyfunction!(freeze::register, module)?)?;
    module.add_class::<freeze::FreezeConfig>()?;
    module.add_class::<wrappers::Frozen>()?;
    module.add_class::<wrappers::Ignore>()?;
    module.add_class::<steps::Run>()?;
    module.add_function(wrap_pyfunction!(steps::begin, module)?)?;
    module.add_function(wrap_pyfunction!(switches::switch_off, module)?)?;
    module.add_function(wrap_pyfunction!(switches::switch_on_again, module)?)?;
    module.add_function(wrap_pyfunction!(switches::refuse_calls, module)?)?;
    module.add_function(wrap_pyfunction!(events::subscribe, module)?)?;
    module.add_function(wrap_pyfunction!(events::unsubscribe, module)?)?;
    module.add_function(wrap_pyfunction!(store::end_epoch, module)?)?;
    module.add_function(wrap_pyfunction!(store::settle_all, module)?)?;
    module.add_function(wrap_pyfunction!(store::end_all, module)?)?;
    module.add_function(wrap_pyfunction!(store::expect_to_be_ended, module)?)?;
    module.add_function(wrap_pyfunction!(store::end_worker, module)?)?;
    module.add_function(wrap_pyfunction!(store::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(store::after_fork_in_parent, module)?)?;
    module.add_function(wrap_pyfunction!(store::after_fork_in_child, module)?)?;
    Ok(())
}
