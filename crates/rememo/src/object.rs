//! Objects: immutable files named by their content, staged and then renamed into place.

use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::access::Keeper;
use crate::codec::Encoded;
use crate::digest::Digest;
use crate::map;

/// A directory of objects.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    objects: PathBuf,
    staging: PathBuf,
    keeper: Keeper,
    /// Which of the 256 directories of objects were looked at, one bit each.
    inspected: Arc<[AtomicU64; 4]>,
}

impl ObjectStore {
    /// Opens the objects of a store's directory.
    pub(crate) fn open(dir: &Path, keeper: Keeper) -> io::Result<Self> {
        let store = Self {
            objects: dir.join("objects"),
            staging: dir.join("tmp"),
            keeper,
            inspected: Arc::default(),
        };
        keeper.make_dirs(&store.objects)?;
        keeper.make_dirs(&store.staging)?;
        Ok(store)
    }

    /// Stores a value unless it is there already; its name and the bytes that it takes. With
    /// `sync`, it is on the disk when this returns.
    pub fn put(&self, value: &Encoded, producer: &[u8], sync: bool) -> io::Result<(Digest, u64)> {
        let id = value.object_id();
        let path = self.path(&id);
        if let Some(size) = self.whole_len(&id, value) {
            if sync {
                self.sync(&path)?;
            }
            return Ok((id, size));
        }
        let bytes = value.to_container(producer);
        for dir in [
            &self.objects,
            path.parent().unwrap_or(&self.objects),
            &self.staging,
        ] {
            self.keeper.make_dir(dir)?;
        }
        let mut staged = tempfile::NamedTempFile::new_in(&self.staging)?;
        self.keeper.give(staged.as_file())?;
        staged.write_all(&bytes)?;
        staged.persist(&path).map_err(|failed| failed.error)?;
        if sync {
            self.sync(&path)?;
        }
        Ok((id, bytes.len() as u64))
    }

    /// Has the disk hold an object, and the directories that lead to it.
    fn sync(&self, path: &Path) -> io::Result<()> {
        for part in [path, path.parent().unwrap_or(path), &self.objects] {
            File::open(part)?.sync_all()?;
        }
        Ok(())
    }

    /// The container of an object, unverified.
    pub fn get(&self, id: &Digest) -> io::Result<Bytes> {
        let path = self.path(id);
        let of = u64::from(id.0[0]);
        let (word, bit) = (&self.inspected[id.0[0] as usize / 64], 1 << (of % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            self.keeper
                .inspect(path.parent().unwrap_or(&self.objects))?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        let (file, found) = self.keeper.open(&path)?;
        map::read(file, found.len(), self.keeper.is_exclusive())
    }

    /// Whether there is a file for an object.
    pub fn contains(&self, id: &Digest) -> bool {
        fs::symlink_metadata(self.path(id)).is_ok_and(|found| found.is_file())
    }

    /// Removes an object; one that is not there is fine.
    pub fn remove(&self, id: &Digest) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The length of an object, if it is there and holds `value` (whoever produced it).
    fn whole_len(&self, id: &Digest, value: &Encoded) -> Option<u64> {
        let bytes = self.get(id).ok()?;
        let len = bytes.len() as u64;
        let (stored, _) = Encoded::from_container(bytes).ok()?;
        (stored == *value).then_some(len)
    }

    fn path(&self, id: &Digest) -> PathBuf {
        let hex = id.to_hex();
        self.objects.join(&hex[..2]).join(&hex[2..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Frame;
    use std::os::unix::fs::PermissionsExt;

    fn open(dir: &Path) -> io::Result<ObjectStore> {
        ObjectStore::open(&dir.canonicalize()?, Keeper::default())
    }

    fn value(content: &[u8]) -> Encoded {
        Encoded {
            codec: 1,
            frames: vec![Frame {
                bytes: content.to_vec().into(),
                writable: false,
            }],
        }
    }

    #[test]
    fn equal_values_are_stored_once_and_privately() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (id, size) = store.put(&value(b"one"), b"first", false).unwrap();
        assert_eq!(
            store.put(&value(b"one"), b"second, longer", false).unwrap(),
            (id, size)
        );
        let bytes = store.get(&id).unwrap();
        assert_eq!(
            Encoded::from_container(bytes.clone()).unwrap(),
            (value(b"one"), b"first".to_vec().into())
        );
        let mode = fs::metadata(store.path(&id)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        store.remove(&id).unwrap();
        store.remove(&id).unwrap();
        assert!(!store.contains(&id));
    }

    #[test]
    fn a_damaged_object_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (id, _) = store.put(&value(b"one"), b"", false).unwrap();
        fs::write(store.path(&id), b"RMOB").unwrap();
        store.put(&value(b"one"), b"", false).unwrap();
        assert!(Encoded::from_container(store.get(&id).unwrap()).is_ok());
    }
}
