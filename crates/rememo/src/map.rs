//! Reads immutable files: small ones into memory, large ones by mapping them.

#![expect(unsafe_code, reason = "a mapping is only as immutable as its file")]

use std::fs::{self, File};
use std::io;
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

/// Files of this many bytes and more are mapped: below, a copy costs less than a mapping.
const MAPPED: u64 = 256 * 1024;

/// The content of an object's file.
pub(crate) fn read(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() < MAPPED {
        return fs::read(path).map(Bytes::from);
    }
    // SAFETY: objects are written elsewhere, renamed into place, and from then on only unlinked,
    // which leaves a mapping valid. The directory is its owner's alone, so whoever could change a
    // file under us could change this process as well.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_outlives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        for len in [0, 10, usize::try_from(MAPPED).unwrap() + 1] {
            let path = dir.path().join("object");
            fs::write(&path, vec![7; len]).unwrap();
            let content = read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            assert_eq!(content, vec![7; len]);
        }
    }
}
