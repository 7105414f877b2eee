//! What a store holds, for whoever looks at it rather than calls through it.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::room::free_bytes;
use super::{Cost, Store, StoreError, layout};
use crate::codec::{Encoded, Frame};
use crate::deps::World;
use crate::digest::Digest;
use crate::index::Listed;
use crate::ofd;
use crate::retention::Retention;
use crate::state::{Key, StateTree};

/// What a directory is, as far as its format file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none, nothing in it, or no more than what a store begins with.
    Nothing,
    /// A store that this version reads.
    Current,
    /// A store of another format.
    Other(u64),
    /// Something else.
    Foreign,
}

impl Store {
    /// The format that this version reads and writes.
    pub const FORMAT: u64 = layout::VERSION;

    /// What a directory is, without changing anything; nothing of it is trusted yet.
    pub fn found_in(dir: &Path) -> io::Result<Found> {
        let format = dir.join("format");
        match fs::symlink_metadata(&format) {
            Ok(found) if !found.is_file() => return Ok(Found::Foreign),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match layout::holds_only_ours(dir) {
                    Ok(true) => Ok(Found::Nothing),
                    Ok(false) => Ok(Found::Foreign),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
                    Err(error) => Err(error),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(Found::Foreign);
            }
            Err(error) => return Err(error),
        }
        Ok(
            match layout::version(&layout::head(fs::File::open(format)?)?) {
                Some(layout::VERSION) => Found::Current,
                Some(other) => Found::Other(other),
                None => Found::Foreign,
            },
        )
    }

    /// Visits every entry until told to stop; how many could not be read.
    pub fn each(
        &self,
        mut visit: impl FnMut(Listed) -> ControlFlow<()>,
    ) -> Result<u64, StoreError> {
        self.settle();
        // A damaged index is replaced by an empty one, so nothing is visited twice.
        let visit = std::cell::RefCell::new(&mut visit);
        self.with_index(|index| index.each(&mut *visit.borrow_mut()))
    }

    /// Keeps what is stored under call keys from going for want of room, or lets it go again; how
    /// many entries were not so before.
    pub fn pin(&self, calls: &[Digest], pinned: bool) -> Result<u64, StoreError> {
        self.writable()?;
        self.settle();
        self.with_index(|index| index.pin(calls, pinned))
    }

    /// Whether there is a file for an object; nothing is said of what is in it.
    pub fn has_object(&self, id: &Digest) -> bool {
        self.0.objects.contains(id)
    }

    /// Bytes of the disk that are free to take.
    pub fn free_on_disk(&self) -> Result<u64, StoreError> {
        Ok(free_bytes(self.dir())?)
    }

    /// Keeps something, reads it back and removes it; whether it was the same.
    pub fn self_test(&self) -> Result<bool, StoreError> {
        let content: Vec<u8> = (0..=u8::MAX).cycle().take(64 << 10).collect();
        let value = Encoded {
            codec: 0,
            frames: vec![Frame {
                bytes: content.into(),
                writable: false,
            }],
        };
        let tree = StateTree {
            digest: Digest::of(b"self-test"),
            parts: Vec::new(),
        };
        let (nothing, function) = (tree.digest, "rememo self-test".to_owned());
        let key = Key::new(function, Arc::new(tree), Vec::new(), nothing);
        let call = key.digest();
        let (world, retention) = (World::default(), Retention::default());
        self.write_one(&self.job(key, &value, &world, Cost::default(), &retention))?;
        let found = self.under(&call)?.entries;
        let read = found.first().and_then(|entry| self.open_value(entry).ok());
        self.remove(&call)?;
        Ok(read.is_some_and(|read| read == value))
    }

    /// Whether it was opened to be left as it is.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.0.keeper.is_read_only()
    }

    /// Whether whoever holds a lock in the store's directory keeps others out, with both kinds of
    /// locks that a store relies on.
    pub fn locks_hold(&self) -> Result<bool, StoreError> {
        let trial = tempfile::NamedTempFile::new_in(self.dir().join("tmp"))?;
        let (ours, theirs) = (trial.as_file(), trial.reopen()?);
        let of_bytes = ofd::try_lock(ours, 0)? && !ofd::try_lock(&theirs, 0)?;
        ofd::unlock(ours, 0)?;
        let taken = || flock(&theirs, FlockOperation::NonBlockingLockExclusive).is_ok();
        flock(ours, FlockOperation::LockExclusive).map_err(io::Error::from)?;
        let of_files = !taken();
        flock(ours, FlockOperation::Unlock).map_err(io::Error::from)?;
        Ok(of_bytes && of_files && ofd::try_lock(&theirs, 0)? && taken())
    }

    /// Whether the store can only be read, by this process.
    pub fn is_read_only(&self) -> bool {
        matches!(self.writable(), Err(StoreError::ReadOnly { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreConfig;

    #[test]
    fn directories_are_told_apart_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(Store::found_in(&at("none")).unwrap(), Found::Nothing);
        fs::create_dir(at("empty")).unwrap();
        assert_eq!(Store::found_in(&at("empty")).unwrap(), Found::Nothing);
        fs::create_dir(at("empty/tmp")).unwrap();
        fs::write(at("empty/.tmp123"), "rem").unwrap();
        assert_eq!(Store::found_in(&at("empty")).unwrap(), Found::Nothing);
        fs::create_dir(at("thesis")).unwrap();
        fs::write(at("thesis/format"), "A4\n").unwrap();
        assert_eq!(Store::found_in(&at("thesis")).unwrap(), Found::Foreign);
        assert_eq!(
            Store::found_in(&at("thesis/format")).unwrap(),
            Found::Foreign
        );
        Store::open(StoreConfig::new(at("store"))).unwrap();
        assert_eq!(Store::found_in(&at("store")).unwrap(), Found::Current);
        fs::write(at("store/format"), "rememo 1\n").unwrap();
        assert_eq!(Store::found_in(&at("store")).unwrap(), Found::Other(1));
        assert!(!at("none").exists());
    }

    #[test]
    fn a_self_test_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig::new(dir.path())).unwrap();
        assert!(store.self_test().unwrap());
        assert!(store.locks_hold().unwrap());
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        assert_eq!(store.usage().unwrap().entries, 0);
        assert_eq!(store.usage().unwrap().files, 0);
    }
}
