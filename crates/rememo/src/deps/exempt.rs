//! What of the file system does not count.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What of the file system does not count: what belongs to the interpreter, to libraries, or to
/// the cache.
#[derive(Clone, Debug, Default)]
pub struct Exempt {
    /// Directories with all that is in them, that listings leave out too.
    pub hidden: Vec<PathBuf>,
    /// Directories with all that is in them.
    pub directories: Vec<PathBuf>,
    /// Names of directories that do not count wherever they lie.
    pub names: Vec<&'static str>,
    /// Beginnings of such names.
    pub beginnings: Vec<&'static str>,
    /// Ends of names of files, without the dot.
    pub extensions: Vec<&'static str>,
}

impl Exempt {
    /// Whether an absolute path does not count.
    pub fn covers(&self, path: &Path) -> bool {
        let within = |directory: &PathBuf| path.starts_with(directory);
        let named = |name: &OsStr| {
            let begins = |known: &&str| name.as_encoded_bytes().starts_with(known.as_bytes());
            self.names.iter().any(|known| name == *known) || self.beginnings.iter().any(begins)
        };
        self.hidden.iter().any(within)
            || self.directories.iter().any(within)
            || path.iter().any(named)
            || path
                .extension()
                .is_some_and(|end| self.extensions.iter().any(|known| end == *known))
    }
}
