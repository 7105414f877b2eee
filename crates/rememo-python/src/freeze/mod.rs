//! Fingerprints of Python objects.
//!
//! Freezing lists everything an object depends on as a rooted graph of named parts (functions,
//! classes, modules, globals, closure cells, defaults, libraries). Each part has a digest of its
//! own content and ordered edges to the parts it refers to; the digest of the whole is taken over
//! the breadth-first listing from the root. Circles need no special rule, and a part's own digest
//! changes only when that part changes, which is what an explanation is made of.

mod annotations;
mod classes;
mod code;
mod config;
mod definitions;
mod expand;
mod functions;
mod glance;
mod graph;
mod impurity;
mod instances;
mod main_module;
mod modules;
mod named;
mod names;
mod opcodes;
mod origin;
mod packs;
mod patterns;
mod reads;
mod reductions;
mod scalars;
mod subclasses;
mod tag;
mod walk;
mod watch;
mod wrappers;

pub use config::{Config, FreezeConfig, register, registrations};
pub use functions::function_name;
pub use glance::{Glance, Referred, Types, glance, shape_of};
pub use graph::{
    Frozen, Graph, Impurity, Place, Root, Unfreezable, children, uses_of, uses_of_code,
};
pub use main_module::{main_name, module_name, name_main};
pub use origin::{Origin, origin_of};
pub use reads::Reads;
pub use scalars::is_immutable_scalar;
pub use walk::Named;
pub use watch::Watched;
