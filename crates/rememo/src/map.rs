//! Mapped files: immutable ones, which are read; and numbers that processes share.

#![expect(unsafe_code, reason = "a mapping is only as immutable as its file")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memmap2::{Mmap, MmapMut, MmapOptions};

use crate::access::Keeper;

/// Files of this many bytes and more are mapped: below, a copy costs less than a mapping.
pub(crate) const MAPPED: u64 = 256 * 1024;

/// Files of this many bytes and more are copied on disk, and not into memory.
const COPIED: u64 = 8 << 20;

/// The content of an object's file, which is mapped if it is large and nobody else can write to it.
pub(crate) fn read(mut file: File, len: u64, exclusive: bool) -> io::Result<Bytes> {
    if len < MAPPED || !exclusive {
        let mut content = Vec::new();
        content.try_reserve_exact(usize::try_from(len).map_err(io::Error::other)?)?;
        file.read_to_end(&mut content)?;
        return Ok(content.into());
    }
    // SAFETY: objects are written elsewhere, renamed into place, and from then on only unlinked,
    // which leaves a mapping valid. The store is its owner's alone, as was seen to when it was
    // opened, so whoever could change a file under us could change this process as well.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}

/// What a file holds now. If that is much, it is a copy without a name, in a directory, that is mapped:
/// the system can do with it what it does with what it has read of files.
pub(crate) fn copied(path: &Path, directory: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() < COPIED {
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        return Ok(content.into());
    }
    let mut copy = tempfile::tempfile_in(directory)?;
    if io::copy(&mut file, &mut copy)? == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the file has no name, and nobody else has it open; it is not written to any more.
    let map = unsafe { Mmap::map(&copy)? };
    Ok(Bytes::from_owner(map))
}

/// A number in a file, seen at once by every process that has it open.
#[derive(Debug)]
pub(crate) struct SharedNumber {
    word: Word,
    /// Device and number of the file.
    place: (u64, u64),
}

#[derive(Debug)]
enum Word {
    /// Counted up here, too.
    Ours(MmapMut),
    /// Where the file can only be read.
    Theirs(Mmap),
}

const NUMBER: usize = size_of::<u64>();

impl SharedNumber {
    /// Opens the number in the file at `path`, which is made if need be.
    pub(crate) fn open(path: &Path, keeper: Keeper) -> io::Result<Self> {
        let file = match keeper.open_or_make(path) {
            Err(error) if is_refusal(&error) => return Self::open_theirs(path, keeper),
            opened => opened?,
        };
        let found = file.metadata()?;
        fill(&file, NUMBER)?;
        // SAFETY: the file is never made shorter, and the mapping is used as an atomic only.
        let map = unsafe { MmapOptions::new().len(NUMBER).map_mut(&file)? };
        Ok(Self {
            word: Word::Ours(map),
            place: (found.dev(), found.ino()),
        })
    }

    fn open_theirs(path: &Path, keeper: Keeper) -> io::Result<Self> {
        let (file, found) = keeper.open(path)?;
        if found.len() < NUMBER as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: the file is never made shorter, and the mapping is used as an atomic only.
        let map = unsafe { MmapOptions::new().len(NUMBER).map(&file)? };
        Ok(Self {
            word: Word::Theirs(map),
            place: (found.dev(), found.ino()),
        })
    }

    /// Whether this is the number in the file that is at `path` now.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let found = path.symlink_metadata();
        found.is_ok_and(|found| (found.dev(), found.ino()) == self.place)
    }

    /// The number now.
    pub(crate) fn get(&self) -> u64 {
        self.atomic().load(Ordering::Acquire)
    }

    /// Counts up, where this is for us to do.
    pub(crate) fn advance(&self) {
        if let Word::Ours(_) = self.word {
            self.atomic().fetch_add(1, Ordering::Release);
        }
    }

    fn atomic(&self) -> &AtomicU64 {
        let word = match &self.word {
            Word::Ours(map) => map.as_ptr(),
            Word::Theirs(map) => map.as_ptr(),
        };
        // SAFETY: a mapping begins at a page, which is aligned for a word, is as long as one, and
        // lives as long as `self`; whoever else maps it uses it as an atomic too. One that may not
        // be written to is only loaded from.
        unsafe { AtomicU64::from_ptr(word.cast_mut().cast()) }
    }
}

/// Numbers in a file, seen at once by every process that has it open.
pub(crate) struct SharedNumbers {
    map: MmapMut,
    count: usize,
}

impl SharedNumbers {
    /// As many numbers of a file, which is made that long if need be.
    pub(crate) fn of(file: &File, count: usize) -> io::Result<Self> {
        let len = count * NUMBER;
        fill(file, len)?;
        // SAFETY: the file is never made shorter, and the mapping is used as atomics only.
        let map = unsafe { MmapOptions::new().len(len).map_mut(file)? };
        Ok(Self { map, count })
    }

    /// One of them.
    pub(crate) fn at(&self, place: usize) -> &AtomicU64 {
        assert!(place < self.count, "there are {} numbers", self.count);
        let first: *const u64 = self.map.as_ptr().cast();
        // SAFETY: a mapping begins at a page, which is aligned for a word, has as many of them and
        // lives as long as `self`; whoever else maps it uses them as atomics too.
        unsafe { AtomicU64::from_ptr(first.add(place).cast_mut()) }
    }
}

/// Makes a file so long with zeroes. They are written: on a full disk that fails, where touching a
/// page of a hole would kill the process. Two that do so at once only make the file longer.
fn fill(mut file: &File, len: usize) -> io::Result<()> {
    let lacking = (len as u64).saturating_sub(file.metadata()?.len());
    if lacking > 0 {
        file.seek(SeekFrom::End(0))?;
        file.write_all(&vec![
            0;
            usize::try_from(lacking).map_err(io::Error::other)?
        ])?;
    }
    Ok(())
}

/// Whether an error says that a file may not be written to.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_number_is_shared() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        let (here, there) = (
            SharedNumber::open(&path, Keeper::default()).unwrap(),
            SharedNumber::open(&path, Keeper::default()).unwrap(),
        );
        assert_eq!((here.get(), there.get()), (0, 0));
        there.advance();
        assert_eq!((here.get(), there.get()), (1, 1));
        assert_eq!(
            SharedNumber::open(&path, Keeper::default()).unwrap().get(),
            1
        );
    }

    #[test]
    fn a_number_knows_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("number");
        let number = SharedNumber::open(&path, Keeper::default()).unwrap();
        assert!(number.is_at(&path));
        fs::rename(&path, dir.path().join("aside")).unwrap();
        assert!(!number.is_at(&path));
        SharedNumber::open(&path, Keeper::default()).unwrap();
        assert!(!number.is_at(&path));
    }

    #[test]
    fn a_mapping_outlives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        for len in [0, 10, usize::try_from(MAPPED).unwrap() + 1] {
            let path = dir.path().join("object");
            fs::write(&path, vec![7; len]).unwrap();
            let whole = len as u64;
            let content = read(File::open(&path).unwrap(), whole, true).unwrap();
            let copied = read(File::open(&path).unwrap(), whole, false).unwrap();
            assert_eq!(content, copied);
            fs::remove_file(&path).unwrap();
            assert_eq!(content, vec![7; len]);
        }
    }
}
