//! The one event stream: logging, statistics, explanations and tests all read it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use serde::{Deserialize, Serialize};

use crate::deps::{Impurity, Subject};
use crate::digest::Digest;
use crate::index::Compaction;
use crate::lock::{lock, read, write};
use crate::measure::bytes_to_read;
use crate::meter::Spent;
use crate::state::Change;
use crate::stats::{Book, Stats, Tally};
use crate::store::Orphans;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A stored result was handed back.
    Hit {
        /// The identity of the function.
        function: String,
        /// The call key.
        key: Digest,
        /// How long the call took when it was run.
        saved_ns: u64,
        /// Where it was.
        tier: Tier,
        /// The accepted changes of code that it rests on.
        accepted: Vec<Digest>,
        /// What the call cost so far.
        spent: Spent,
    },
    /// There was nothing to hand back; the call is run.
    Miss {
        /// The identity of the function.
        function: String,
        /// The call key.
        key: Digest,
        /// Why.
        reason: MissReason,
        /// What differs from the result that is most like it. Of things in the world, the first.
        changes: Vec<Change>,
        /// What the call cost so far.
        spent: Spent,
    },
    /// A result was stored: every process can see it, whatever becomes of this one.
    Stored {
        /// The identity of the function.
        function: String,
        /// The call key.
        key: Digest,
        /// Bytes taken.
        size: u64,
        /// How long the call took.
        compute_ns: u64,
        /// Whether it lies within the index.
        inline: bool,
        /// What the call cost since it was run.
        spent: Spent,
    },
    /// A result was returned, but not stored.
    NotStored {
        /// The identity of the function.
        function: String,
        /// Why.
        reason: NotStored,
        /// What the call cost since it was run.
        spent: Spent,
    },
    /// The call was made past the store.
    Bypassed {
        /// The identity of the function.
        function: String,
        /// What could not be fingerprinted, or why the store was left out.
        why: String,
        /// What the call cost so far.
        spent: Spent,
    },
    /// An entry was removed for want of room.
    Evicted {
        /// The identity of the function.
        function: String,
        /// The call key.
        key: Digest,
        /// Bytes that went free, as they are counted.
        size: u64,
        /// Whether the code that made it has changed since.
        superseded: bool,
    },
    /// A store was made, and takes no more than this.
    Bounded {
        /// Its directory.
        dir: PathBuf,
        /// Bytes.
        bytes: u64,
        /// Files.
        files: u64,
    },
    /// A call was made again whose result is stored.
    Verified {
        /// The identity of the function.
        function: String,
        /// The call key.
        key: Digest,
        /// Where the results differ first, if they do.
        difference: Option<String>,
        /// What the call cost besides its run.
        spent: Spent,
    },
    /// A result was stored, and there is something about it that its user may not expect.
    Caution {
        /// The identity of the function.
        function: String,
        /// What.
        caution: Impurity,
    },
    /// A function is not memoized any more in this process, for it is not worth while.
    SwitchedOff {
        /// The identity of the function.
        function: String,
        /// What it cost and saved.
        why: String,
    },
    /// Results of a function are made again that went for want of room.
    Thrashing {
        /// The identity of the function.
        function: String,
        /// How many.
        times: u64,
    },
    /// Entries were removed on request.
    Invalidated {
        /// The identity of the function, or `*` for all of them.
        function: String,
        /// How many entries.
        entries: u64,
    },
    /// Files that nothing refers to were removed on request.
    OrphansRemoved {
        /// How many, and what they took.
        orphans: Orphans,
    },
    /// Results were found whose entries were lost, and entered again.
    Adopted {
        /// How many.
        entries: u64,
    },
    /// The index's file was made smaller.
    Compacted {
        /// Bytes that it takes on the disk, before and after.
        compaction: Compaction,
    },
    /// Something is wrong with the store; calls go on without the part concerned.
    Degraded {
        /// What.
        what: String,
    },
}

impl Event {
    /// What the call that it is about cost since the event of the same call before it, the run left
    /// out.
    pub fn spent(&self) -> Option<&Spent> {
        match self {
            Self::Hit { spent, .. }
            | Self::Miss { spent, .. }
            | Self::Stored { spent, .. }
            | Self::Verified { spent, .. }
            | Self::NotStored { spent, .. }
            | Self::Bypassed { spent, .. } => Some(spent),
            _ => None,
        }
    }
}

/// Where a result was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// In the memory of this process.
    Memory,
    /// On its way into the store's directory.
    Pending,
    /// In the store's directory.
    Directory,
}

/// Why a call missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MissReason {
    /// Nothing is stored for this function.
    New,
    /// Entries are stored, but for another state of the function.
    StateChanged,
    /// Entries are stored for this state, but for other arguments.
    ArgumentsChanged,
    /// There is an entry, but it cannot be read.
    Damaged,
    /// There is an entry, but what its result refers to has changed.
    Outdated,
    /// Something that the run looked at is not what it was: a file, a variable of the environment.
    WorldChanged,
    /// The caller asked for a run.
    Forced,
    /// There is an entry, but its time is over.
    Expired,
}

impl MissReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::StateChanged,
        Self::ArgumentsChanged,
        Self::Damaged,
        Self::Outdated,
        Self::WorldChanged,
        Self::Forced,
        Self::Expired,
    ];

    /// It in a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::StateChanged => "state changed",
            Self::ArgumentsChanged => "arguments changed",
            Self::Damaged => "damaged",
            Self::Outdated => "outdated",
            Self::WorldChanged => "world changed",
            Self::Forced => "forced",
            Self::Expired => "expired",
        }
    }
}

/// Why a result was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// The result cannot be encoded.
    Unencodable(String),
    /// While the call ran, something in its key changed; and why a hit could not change it, where it
    /// was to.
    KeyChanged(Vec<Change>, Option<String>),
    /// It takes more bytes than a result may.
    TooLarge {
        /// Its bytes, encoded.
        size: u64,
        /// The most bytes.
        most: u64,
    },
    /// It took so little to compute that it is not worth keeping.
    TooQuick,
    /// While the call ran, something that it had looked at changed.
    WorldChanged(Vec<Subject>),
    /// The run did what a stored result would leave out, or depends on what cannot be looked at.
    Impure(Vec<Impurity>),
    /// The store is to be left as it is.
    ReadOnly,
    /// The store failed.
    StoreFailed(String),
}

impl NotStored {
    /// It in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unencodable(_) => "unpicklable",
            Self::KeyChanged(..) => "changed during the call",
            Self::TooLarge { .. } => "too large",
            Self::TooQuick => "too quick",
            Self::WorldChanged(_) => "read while it changed",
            Self::Impure(_) => "impure",
            Self::ReadOnly => "read only",
            Self::StoreFailed(_) => "store failed",
        }
    }

    /// What exactly.
    pub fn detail(&self) -> String {
        match self {
            Self::Unencodable(detail) | Self::StoreFailed(detail) => detail.clone(),
            Self::KeyChanged(changes, None) => listed(changes),
            Self::KeyChanged(changes, Some(why)) if changes.is_empty() => why.clone(),
            Self::KeyChanged(changes, Some(why)) => format!("{} ({why})", listed(changes)),
            Self::TooLarge { size, most } => {
                let (size, most) = (bytes_to_read(*size), bytes_to_read(*most));
                format!("it takes {size}, and may take {most}")
            }
            Self::TooQuick => "min_compute_time says so".to_owned(),
            Self::ReadOnly => "read_only says so".to_owned(),
            Self::WorldChanged(subjects) => listed(subjects),
            Self::Impure(objections) => {
                let told = objections.iter().map(Impurity::told);
                told.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

fn listed<T: ToString>(things: &[T]) -> String {
    let told: Vec<_> = things.iter().map(ToString::to_string).collect();
    told.join(", ")
}

/// Whoever listens to events.
pub trait Subscriber: fmt::Debug + Send + Sync {
    /// Called for every event, on the thread on which it happened, with no engine lock held. What
    /// the writer of a store did is told on its thread, which must not be kept waiting for long.
    fn on(&self, event: &Event);
}

type Subscribers = Vec<Arc<dyn Subscriber>>;

/// The event stream of one store, and the statistics made from it.
#[derive(Default)]
pub struct Events {
    pub(crate) subscribers: RwLock<Subscribers>,
    pub(crate) book: Mutex<Book>,
}

impl Events {
    /// Sends all later events to a subscriber.
    pub fn subscribe(&self, subscriber: Arc<dyn Subscriber>) {
        write(&self.subscribers).push(subscriber);
    }

    /// Tells statistics and subscribers of an event.
    pub fn emit(&self, event: &Event) {
        let also = lock(&self.book).record(event);
        let subscribers = read(&self.subscribers).clone();
        for subscriber in subscribers {
            subscriber.on(event);
        }
        if let Some(also) = also {
            self.emit(&also);
        }
    }

    /// Where hits of one function are counted when no subscriber wants to hear of them.
    pub fn tally(&self, function: &str) -> Arc<Tally> {
        lock(&self.book).tally(function)
    }

    /// The statistics of one function in this process.
    pub fn stats(&self, function: &str) -> Stats {
        lock(&self.book).of(function)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("subscribers", &read(&self.subscribers).len())
            .finish_non_exhaustive()
    }
}
