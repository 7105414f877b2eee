//! Persistent memoization: the language-neutral engine.
//!
//! A front-end implements [`Callee`] for one call of one function; [`call`] then looks the call
//! up in a [`Store`], runs it at most once across threads and processes, and keeps its result.

mod acceptance;
mod access;
mod array;
mod call;
mod callee;
mod codec;
mod deps;
mod digest;
mod event;
pub mod evict;
mod explain;
mod flight;
// For the targets in `fuzz/`, which cargo-fuzz builds with this set, and for the tests.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod lock;
mod map;
pub mod measure;
mod meter;
mod misses;
mod object;
mod ofd;
mod process;
mod producer;
mod recall;
mod retention;
mod state;
mod stats;
mod store;
mod verify;

pub use acceptance::{Acceptance, Proposal, Proposed, propose};
pub use access::{Access, Fault, Objection, Trust};
pub use array::ArrayHeader;
pub use call::{
    Begun, Missed, Mode, begin, call, clear_entry, entry, finish, give_up, lookup, would_hit,
};
pub use callee::{Callee, Recollected, Stored, Undecodable, Unkeyable};
pub use codec::{Damage, Encoded, Frame};
pub use deps::{
    Aspect, Entries, Exempt, Extent, Given, Impurity, Lease, Left, Links, Log, Manner, Observation,
    Output, Place, Settled, Stamp, State, Subject, TimeToLive, Unnoticed, Wanted, World,
    state_of_contents,
};
pub use digest::{BULK, Digest, Encoder, Folded, Pieces, SCHEME_VERSION};
pub use event::{Event, Events, MissReason, NotStored, Subscriber, Tier};
pub use explain::{Explanation, Impact, Share, explain, impact};
pub use flight::{Claim, Flights, Patience};
pub use index::{
    Bound, Candidate, Compaction, DayStats, Entry, Evicted, Listed, StoredValue, Usage,
};
pub use meter::{Spent, Step};
pub use misses::{LastMiss, Why};
pub use object::ObjectStore;
pub use producer::Producer;
pub use retention::Retention;
pub use state::{Change, Key, Part, PartKind, StateTree, changes};
pub use stats::{Stats, Tally};
pub use store::{
    Durability, FileSystem, Found, Generation, Integrity, Kept, Orphans, Room, Store, StoreConfig,
    StoreError, Taken, Uses,
};
