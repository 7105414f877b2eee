//! An index that may be read but not written to: LMDB wants to write to its lock file even to read,
//! and without a lock a writer could change pages under a reader. So a private copy is opened.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, accessat};
use rustix::io::Errno;

use super::Index;
use super::open::{data_file, open_private};
use crate::access::Keeper;

/// How often a copy is tried while others write.
const ATTEMPTS: u32 = 20;
/// A copy is used for this long at least, and for as many times what it took to make.
const LEAST: Duration = Duration::from_secs(1);
const TIMES: u32 = 20;

/// What a copy was made of, and when.
#[derive(Debug)]
pub(crate) struct Snapshot {
    stamp: Stamp,
    made: Instant,
    took: Duration,
}

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    place: (u64, u64),
    len: u64,
    modified: (i64, i64),
}

impl Snapshot {
    /// Whether others have written to the index since, and it is time to look at what.
    pub(crate) fn is_outdated(&self, dir: &Path) -> bool {
        let good = LEAST.max(self.took * TIMES);
        self.made.elapsed() > good && stamp(dir).is_ok_and(|now| now != self.stamp)
    }
}

/// Whether a store's directory or index may be read only, or is to be.
pub(crate) fn is_read_only(dir: &Path, keeper: Keeper) -> bool {
    if keeper.is_read_only() {
        return true;
    }
    let index = dir.join("index");
    [dir, &index, &data_file(&index)].iter().any(|path| {
        let may = accessat(CWD, *path, rustix::fs::Access::WRITE_OK, AtFlags::EACCESS);
        matches!(may, Err(Errno::ACCESS | Errno::ROFS))
    })
}

impl Index {
    /// Opens a copy of the index of a store's directory.
    pub(crate) fn open_copy(dir: &Path, keeper: Keeper) -> heed::Result<(Self, Snapshot)> {
        let copies = tempfile::tempdir()?;
        let path = copies.path().join("index");
        Keeper::default().make_dir(&path)?;
        let snapshot = copy(dir, &path, keeper)?;
        let index = open_private(&path)?;
        // What is open stays so when its name is gone, and nobody else needs it.
        copies.close()?;
        Ok((index, snapshot))
    }
}

fn copy(dir: &Path, path: &Path, keeper: Keeper) -> io::Result<Snapshot> {
    for attempt in 0..ATTEMPTS {
        let (live, _) = keeper.open(&data_file(&dir.join("index")))?;
        let (made, stamp) = (Instant::now(), stamp(dir)?);
        let before = heads(&live)?;
        fs::copy(data_file(&dir.join("index")), data_file(path))?;
        let copied = heads(&File::open(data_file(path))?)?;
        let after = heads(&live)?;
        if copied == before && is_whole(&before, &after) {
            let took = made.elapsed();
            return Ok(Snapshot { stamp, made, took });
        }
        std::thread::sleep(Duration::from_millis(1 << attempt.min(6)));
    }
    Err(io::Error::other(
        "its index is being written to all the time, and cannot be locked to be read",
    ))
}

/// The two pages of which each commit replaces the older one, once all else that it changes is
/// written.
fn heads(data: &File) -> io::Result<[Vec<u8>; 2]> {
    let page = rustix::param::page_size();
    let mut heads = [vec![0; page], vec![0; page]];
    for (at, head) in heads.iter_mut().enumerate() {
        data.read_exact_at(head, (at * page) as u64)?;
    }
    Ok(heads)
}

/// Whether what the newer of two heads refers to was still there when the copy was complete. Pages
/// that a commit frees are used again by the third one after it at the earliest, so one commit
/// meanwhile, which replaces one head, does no harm.
fn is_whole(before: &[Vec<u8>; 2], after: &[Vec<u8>; 2]) -> bool {
    before[0] == after[0] || before[1] == after[1]
}

fn stamp(dir: &Path) -> io::Result<Stamp> {
    let found = fs::metadata(data_file(&dir.join("index")))?;
    Ok(Stamp {
        place: (found.dev(), found.ino()),
        len: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::World;
    use crate::digest::Digest;
    use crate::index::Put;
    use crate::index::{Entry, StoredValue};
    use crate::state::StateTree;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn write(index: &Index, turn: u64) {
        let tree = StateTree {
            digest: Digest::of(b"state"),
            parts: Vec::new(),
        };
        let entry = Entry {
            function: "m.f".into(),
            state: tree.digest,
            arguments: Vec::new(),
            argument_digest: Digest::of(b"arguments"),
            value: StoredValue::Inline(vec![7; 300]),
            compute_ns: turn,
            encode_ns: 0,
            size: 300,
            codec: 1,
            created_ns: turn,
            producer: "tests".into(),
            pinned: false,
            tag: None,
            world: World::default(),
        };
        let put = Put {
            call: &call(turn),
            entry: &entry,
            state: &tree,
            is_latest: true,
        };
        let (_, stored) = index.put(&[put], &|_| true).unwrap();
        assert_eq!(stored, [true]);
    }

    fn call(turn: u64) -> Digest {
        Digest::of(&turn.to_le_bytes())
    }

    #[test]
    fn a_copy_taken_while_another_writes_is_of_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        let keeper = Keeper::default();
        keeper.make_dir(&here.join("index")).unwrap();
        let (writer, _) = Index::open(&here, keeper, true).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 0.. {
                    write(&writer, turn);
                    std::thread::sleep(Duration::from_millis(3));
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let mut seen = 0;
            for _ in 0..20 {
                let (copy, _) = Index::open_copy(&here, keeper).unwrap();
                let count = copy.entries_of("m.f", usize::MAX).unwrap().len() as u64;
                assert!(count >= seen);
                seen = count;
                for turn in 0..count {
                    assert_eq!(copy.get(&call(turn)).unwrap().entries.len(), 1);
                }
            }
            stop.store(true, Ordering::Relaxed);
            assert!(seen > 0);
        });
    }

    #[test]
    fn two_commits_spoil_a_copy_and_one_does_not() {
        let heads = |one: u8, two: u8| [vec![one], vec![two]];
        assert!(is_whole(&heads(1, 2), &heads(1, 2)));
        assert!(is_whole(&heads(1, 2), &heads(3, 2)));
        assert!(!is_whole(&heads(1, 2), &heads(3, 4)));
    }
}
