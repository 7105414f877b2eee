//! Why a command did not do what it was asked for, and the exit status that says so.

use std::io;
use std::path::PathBuf;

use rememo::StoreError;
use rememo::measure::Unmeasurable;

/// What was asked for is not there, or something is wrong.
pub const NOT_SO: u8 = 1;
const MISTAKE: u8 = 2;
const UNUSABLE: u8 = 3;
/// As shells count it.
const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// There is nothing of that name.
    NoSuch(String),
    /// The command line makes no sense.
    Mistake(String),
    /// The cache is of another format.
    OtherFormat { dir: PathBuf, version: u64 },
    /// The cache cannot be used.
    Unusable(String),
    /// An archive is not what this command reads, or not what was written.
    BadArchive { file: PathBuf, why: String },
    /// The user asked for an end.
    Interrupted,
    /// Whoever read the output has had enough.
    Enough,
}

impl Failure {
    /// That what a command has to say could not be written; whoever reads it may have had enough.
    pub fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Enough,
            _ => Self::Unusable(format!("the output cannot be written: {error}")),
        }
    }

    pub fn status(&self) -> u8 {
        match self {
            Self::NoSuch(_) | Self::BadArchive { .. } => NOT_SO,
            Self::Interrupted => INTERRUPTED,
            Self::Mistake(_) => MISTAKE,
            Self::OtherFormat { .. } | Self::Unusable(_) => UNUSABLE,
            Self::Enough => 0,
        }
    }

    /// What to tell, if anything.
    pub fn told(&self) -> Option<String> {
        Some(match self {
            Self::NoSuch(told) | Self::Mistake(told) | Self::Unusable(told) => told.clone(),
            Self::OtherFormat { dir, version } => {
                other_format(&dir.display().to_string(), *version)
            }
            Self::BadArchive { file, why } => {
                format!("{}: {why}; nothing was imported", file.display())
            }
            Self::Interrupted => "interrupted".to_owned(),
            Self::Enough => return None,
        })
    }
}

fn other_format(dir: &str, version: u64) -> String {
    let reads = rememo::Store::FORMAT;
    let what =
        format!("{dir} is a cache of format {version}, and this version reads format {reads}");
    if version > reads {
        format!("{what}: upgrade rememo, or name another directory")
    } else {
        format!(
            "{what}. Nothing was changed. The next program that memoizes here sets it aside, \
             unharmed, and begins anew; to look into it, use the version that made it"
        )
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<Unmeasurable> for Failure {
    fn from(error: Unmeasurable) -> Self {
        Self::Mistake(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Enough,
            _ => Self::Unusable(error.to_string()),
        }
    }
}
