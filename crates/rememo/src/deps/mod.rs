//! Observed dependencies: what a run read, recorded while it ran and verified before a hit.

mod declared;
mod exempt;
mod given;
mod lease;
mod log;
mod look;
mod outputs;
mod settle;
mod sighting;
mod stamp;
mod subject;
mod tree;
mod world;

pub use declared::Extent;
pub use exempt::Exempt;
pub use given::{Given, Unnoticed};
pub use lease::{Lease, TimeToLive};
pub use log::{Impurity, Log};
pub(crate) use look::{Digests, digests};
pub use look::{State, state_of_contents};
pub use outputs::{Left, Manner, Output, Wanted};
pub use settle::Settled;
pub use stamp::Stamp;
pub use subject::{Aspect, Entries, Links, Place, Subject};
pub use world::{Observation, World};
