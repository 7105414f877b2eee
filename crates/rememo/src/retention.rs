//! What the user says of how long, and whether, results of a function are kept.

use std::time::Duration;

use crate::deps::TimeToLive;

/// How results of one function are kept. It never decides what counts as the same call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Whether they never go for want of room.
    pub pinned: bool,
    /// What they are called together with those of other functions.
    pub tag: Option<String>,
    /// The most bytes that a result may take, encoded.
    pub max_result_size: Option<u64>,
    /// Results that took less to compute are not kept.
    pub min_compute_time: Duration,
    /// How long they are good; forever, if nobody says.
    pub ttl: Option<TimeToLive>,
}
