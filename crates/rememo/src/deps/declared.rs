//! What a result is said to depend on: noted like what was seen, wherever it lies.

use std::fs;
use std::path::Path;

use super::log::Log;
use super::subject::{Place, Subject};
use super::tree;

/// Files that a result is said to depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One file.
    File,
    /// All files below a directory.
    Tree,
    /// All files that a pattern describes.
    Matches,
}

impl Log {
    /// Notes that files are depended on, as they are now, whoever is to read them; `content` makes
    /// of a place what counts of a file.
    pub fn declare(&mut self, path: &Path, extent: Extent, content: impl Fn(Place) -> Subject) {
        let Some(whole) = self.whole(path) else {
            return;
        };
        let hidden = self.hidden().to_vec();
        // The names first: whatever is there by the time that they are looked up is read.
        let (root, found) = match extent {
            Extent::File => return self.see_at(path, whole, content),
            Extent::Tree => {
                self.see_at(path, whole.clone(), Subject::Tree);
                (path.to_owned(), tree::below(&whole, &hidden))
            }
            Extent::Matches => {
                self.see_at(path, whole.clone(), Subject::Matches);
                (tree::root_of(path), tree::matches(&whole, &hidden))
            }
        };
        for name in found.unwrap_or_default().into_keys() {
            let path = root.join(name);
            let Some(whole) = self.whole(&path) else {
                continue;
            };
            if fs::metadata(&whole).is_ok_and(|found| found.is_file()) {
                self.see_at(&path, whole, &content);
            }
        }
    }
}
