//! What a run can look at besides its arguments and code.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::state::PartKind;

/// A path, of any bytes: absolute, or relative to the directory that the process is in when it is
/// looked at.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(Vec<u8>);

impl Place {
    /// The path.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The same place, seen from a directory.
    pub fn within(&self, directory: &Path) -> PathBuf {
        directory.join(self.path())
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self(path.into_os_string().into_vec())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
}

/// Something that a run looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// What a file holds.
    Content(Place),
    /// What is said of a file without opening it.
    Status(Place, Aspect, Links),
    /// The names in a directory.
    Listing(Place, Entries),
    /// Where a symbolic link points.
    Link(Place),
    /// The directory that the process is in.
    WorkingDirectory,
    /// A variable of the environment.
    Variable(Vec<u8>),
    /// All of the environment.
    Environment,
    /// A generator of random numbers that the whole process draws from, by its name.
    Generator(String),
    /// Which files and directories there are that a pattern describes, as a shell reads it.
    Matches(Place),
    /// Which files and directories there are below a directory, at any depth.
    Tree(Place),
    /// The settings of a library, which the whole process shares, by its name.
    Settings(String),
    /// Whether results of a function, by its name, that the process keeps still are as they were
    /// made: those of a digest, or all.
    Kept(String, Option<Digest>),
    /// Whether it is accepted that results of a function, by its name, of the one state answer for
    /// the other.
    Accepted(String, Digest, Digest),
    /// All that a module of the user's holds, by its name.
    Module(String),
    /// What a module of the user's holds under a name.
    Global(String, String),
    /// Which build of a library there is, by a module of it.
    Library(String),
}

/// What of a file's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Aspect {
    /// Whether there is something.
    Existence,
    /// Whether it is a file, a directory or something else.
    Kind,
    /// How many bytes it has.
    Size,
    /// When it was last modified.
    Modified,
    /// Kind, permissions, owner, size and time of modification.
    Everything,
    /// Whether this process may use it, by the bits that `access` takes.
    Permission(u8),
    /// All that changes with what a file holds, of one that would take long to read.
    Stamp,
}

/// Whether a symbolic link stands for what it points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Links {
    /// It does.
    Followed,
    /// It is looked at itself.
    Kept,
}

/// What is seen of the entries of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Entries {
    /// Their names.
    Names,
    /// Their names and kinds.
    Kinds,
}

impl Subject {
    /// Where it lies, if it is something on disk.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Content(place)
            | Self::Status(place, ..)
            | Self::Listing(place, _)
            | Self::Link(place)
            | Self::Matches(place)
            | Self::Tree(place) => Some(place),
            Self::WorkingDirectory
            | Self::Variable(_)
            | Self::Environment
            | Self::Generator(_)
            | Self::Settings(_)
            | Self::Kept(..)
            | Self::Accepted(..)
            | Self::Module(_)
            | Self::Global(..)
            | Self::Library(_) => None,
        }
    }

    /// Whether only the front-end can look at it.
    pub fn is_sensed(&self) -> bool {
        self.place().is_none() && !matches!(self, Self::Accepted(..))
    }

    /// What kind of part of a call it is.
    pub fn part(&self) -> PartKind {
        match self {
            Self::Content(_) => PartKind::File,
            Self::Status(..) => PartKind::Status,
            Self::Listing(..) => PartKind::Directory,
            Self::Link(_) => PartKind::Link,
            Self::WorkingDirectory => PartKind::WorkingDirectory,
            Self::Variable(_) => PartKind::Variable,
            Self::Environment => PartKind::Environment,
            Self::Generator(_) => PartKind::Generator,
            Self::Matches(_) => PartKind::Matches,
            Self::Tree(_) => PartKind::Tree,
            Self::Settings(_) => PartKind::Settings,
            Self::Kept(..) => PartKind::Kept,
            Self::Accepted(..) => PartKind::Acceptance,
            Self::Module(_) => PartKind::Module,
            Self::Global(..) => PartKind::Global,
            Self::Library(_) => PartKind::Library,
        }
    }

    /// The kind of thing that it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Content(_) => "file",
            Self::Status(_, aspect, _) => match aspect {
                Aspect::Existence => "existence of",
                Aspect::Kind => "kind of",
                Aspect::Size => "size of",
                Aspect::Modified => "modification time of",
                Aspect::Everything => "status of",
                Aspect::Permission(_) => "permission to use",
                Aspect::Stamp => "stamp of the large file",
            },
            Self::Listing(..) => "directory",
            Self::Link(_) => "symbolic link",
            Self::WorkingDirectory => "current directory",
            Self::Variable(_) => "environment variable",
            Self::Environment => "environment",
            Self::Generator(_) => "random generator",
            Self::Matches(_) => "files named",
            Self::Tree(_) => "files in",
            Self::Settings(_) => "settings of",
            Self::Kept(..) => "kept result of",
            Self::Accepted(..) => "accepted change of",
            Self::Module(_) => "module",
            Self::Global(..) => "global",
            Self::Library(_) => "library",
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Variable(name) => String::from_utf8_lossy(name).into_owned(),
            Self::Generator(name)
            | Self::Settings(name)
            | Self::Kept(name, _)
            | Self::Accepted(name, ..)
            | Self::Module(name)
            | Self::Library(name) => name.clone(),
            Self::Global(module, name) => format!("{module}.{name}"),
            Self::WorkingDirectory | Self::Environment => String::new(),
            _ => self
                .place()
                .map_or_else(String::new, |place| place.path().display().to_string()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        if name.is_empty() {
            return f.write_str(self.kind());
        }
        write!(f, "{} {name}", self.kind())
    }
}
