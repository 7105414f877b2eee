//! Observed dependencies: what a run read, recorded while it ran and verified before a hit.

mod declared;
mod lease;
mod log;
mod look;
mod stamp;
mod subject;
mod tree;
mod world;

pub use declared::Extent;
pub use lease::{Lease, TimeToLive};
pub use log::{Exempt, Impurity, Log, Settled};
pub use look::State;
pub(crate) use look::{Digests, digests};
pub use stamp::Stamp;
pub use subject::{Aspect, Entries, Links, Place, Subject};
pub use world::{Observation, World};
