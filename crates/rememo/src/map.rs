//! Mapped files: immutable ones, which are read; and one word that processes share.

#![expect(unsafe_code, reason = "a mapping is only as immutable as its file")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memmap2::{Mmap, MmapMut, MmapOptions};

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

/// A number in a file, seen at once by every process that has it open.
#[derive(Debug)]
pub(crate) struct SharedNumber(MmapMut);

const NUMBER: usize = size_of::<u64>();

impl SharedNumber {
    /// Opens the number in the file at `path`, which is created for its owner only.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let options = options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(path)?;
        if file.metadata()?.len() < NUMBER as u64 {
            // Written and not merely made longer: on a full disk this fails, where touching a page
            // of a hole would kill the process. Two that do so at once only make the file longer.
            file.write_all(&[0; NUMBER])?;
        }
        // SAFETY: the file is never made shorter, and the mapping is used as an atomic only.
        let map = unsafe {
            MmapOptions::new()
                .len(NUMBER)
                .map_mut(&File::options().read(true).write(true).open(path)?)?
        };
        Ok(Self(map))
    }

    /// The number now.
    pub(crate) fn get(&self) -> u64 {
        self.atomic().load(Ordering::Acquire)
    }

    /// Counts up.
    pub(crate) fn advance(&self) {
        self.atomic().fetch_add(1, Ordering::Release);
    }

    fn atomic(&self) -> &AtomicU64 {
        // SAFETY: a mapping begins at a page, which is aligned for a word, is as long as one, and
        // lives as long as `self`; whoever else maps it uses it as an atomic too.
        unsafe { AtomicU64::from_ptr(self.0.as_ptr().cast_mut().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shared() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        let (here, there) = (
            SharedNumber::open(&path).unwrap(),
            SharedNumber::open(&path).unwrap(),
        );
        assert_eq!((here.get(), there.get()), (0, 0));
        there.advance();
        assert_eq!((here.get(), there.get()), (1, 1));
        assert_eq!(SharedNumber::open(&path).unwrap().get(), 1);
    }

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
