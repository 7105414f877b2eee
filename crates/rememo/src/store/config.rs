//! What a store is told, and what it can say when it cannot be opened or used.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Room;
use super::layout::VERSION;
use crate::access::{Access, Objection};
use crate::event::Subscriber;
use crate::measure::bytes_to_read;
use crate::producer::Producer;

/// What a result that was stored survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The end of any process. A loss of power may cost the whole index.
    Fast,
    /// And a loss of power, but for the last moments before it.
    #[default]
    Background,
    /// And a loss of power right after it was stored; every call that stores waits for the disk.
    Fsync,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Its directory.
    pub dir: PathBuf,
    /// Who may read and write it.
    pub access: Access,
    /// Containers of up to this many bytes lie within the index.
    pub inline_max: usize,
    /// Whether a call that is being run is waited for.
    pub single_flight: bool,
    /// How long, at most.
    pub wait: Duration,
    /// How long, at most, by a thread that is running another call.
    pub nested_wait: Duration,
    /// How much room it takes at most.
    pub room: Room,
    /// What a stored result survives. Where several ask for the same store in one process, the
    /// most that any of them asks for.
    pub durability: Option<Durability>,
    /// How long results wait to be written together; not at all, and the caller waits instead, if
    /// this is nothing. The shortest time that is asked for in a process counts.
    pub flush_every: Option<Duration>,
    /// Who stores.
    pub producer: Producer,
    /// Who hears of events from the first one on, those of opening included.
    pub subscriber: Option<Arc<dyn Subscriber>>,
}

impl StoreConfig {
    /// The usual configuration for a directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            access: Access::default(),
            inline_max: 2048,
            single_flight: true,
            wait: Duration::from_secs(60 * 60),
            nested_wait: Duration::from_secs(5 * 60),
            room: Room::default(),
            durability: None,
            flush_every: None,
            producer: Producer::here(),
            subscriber: None,
        }
    }
}

/// Why a store cannot be opened or used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It was made by a newer version.
    #[error(
        "{} is a store of format {version}, but this version reads format {VERSION}: \
         upgrade rememo, or name another directory", dir.display()
    )]
    Newer {
        /// The directory.
        dir: PathBuf,
        /// Its format.
        version: u64,
    },
    /// It does not lie on a file system known to be local.
    #[error(
        "{} is not on a file system known to be local (type {kind:#x}): \
         name a directory on a local disk", dir.display()
    )]
    NotLocal {
        /// The directory.
        dir: PathBuf,
        /// The file system's magic number.
        kind: u64,
    },
    /// It may be read, but not written to.
    #[error(
        "{} can only be read here: what it holds is used, and nothing is added to it", dir.display()
    )]
    ReadOnly {
        /// The directory.
        dir: PathBuf,
    },
    /// Others could have written to it.
    #[error("the store in {} is not used, and calls run without it: {objection}", dir.display())]
    Untrusted {
        /// The directory.
        dir: PathBuf,
        /// Where, and who.
        objection: Objection,
    },
    /// The directory has other things in it.
    #[error("{} is not empty and not a store: name another directory", dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
    },
    /// It takes more than all results together may.
    #[error("it takes {}, and all results together may take {}",
        bytes_to_read(*size), bytes_to_read(*most))]
    TooLarge {
        /// Bytes of the result.
        size: u64,
        /// The most bytes.
        most: u64,
    },
    /// It was removed, on purpose, while calls were still under way.
    #[error("the store was removed")]
    Removed,
    /// Something about it does not work.
    #[error("{} cannot be used: {why}", dir.display())]
    Unusable {
        /// The directory.
        dir: PathBuf,
        /// What does not.
        why: String,
    },
    /// Its index could not be made smaller, and is as it was.
    #[error("the index of {} stays as large as it is: {why}", dir.display())]
    NotCompacted {
        /// The directory.
        dir: PathBuf,
        /// What stood in the way.
        why: String,
    },
    /// The index failed.
    #[error("the index failed: {0}")]
    Index(#[from] heed::Error),
    /// A file operation failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl StoreError {
    /// Why the directory cannot be used, where that is what it says.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unusable { why, .. } => why.clone(),
            other => other.to_string(),
        }
    }

    /// The same failure, with the directory that it was met in.
    pub(crate) fn at(self, dir: &Path) -> Self {
        match self {
            Self::Io(error) => match error.downcast() {
                Ok(objection) => Self::Untrusted {
                    dir: dir.to_owned(),
                    objection,
                },
                Err(error) => Self::Unusable {
                    dir: dir.to_owned(),
                    why: error.to_string(),
                },
            },
            Self::Index(_) => Self::Unusable {
                dir: dir.to_owned(),
                why: self.to_string(),
            },
            told => told,
        }
    }
}
