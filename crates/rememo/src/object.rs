//! Objects: immutable files named by their content, staged and then renamed into place.

use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

    /// The names of all objects whose names begin with this byte.
    pub(crate) fn beginning_with(&self, byte: u8) -> io::Result<Vec<Digest>> {
        let prefix = format!("{byte:02x}");
        let dir = self.objects.join(&prefix);
        if fs::symlink_metadata(&dir).is_err() {
            return Ok(Vec::new());
        }
        self.keeper.inspect(&dir)?;
        let mut names = Vec::new();
        for file in fs::read_dir(&dir)? {
            let name = file?.file_name();
            let hex = name.to_str().map(|rest| format!("{prefix}{rest}"));
            names.extend(hex.and_then(|hex| Digest::from_hex(&hex)));
        }
        Ok(names)
    }

    /// Bytes of an object's file; none if there is none.
    pub(crate) fn len(&self, id: &Digest) -> Option<u64> {
        let found = fs::symlink_metadata(self.path(id)).ok()?;
        found.is_file().then_some(found.len())
    }

    /// Staged files that nobody has written to for so long, left by processes that were killed.
    pub(crate) fn abandoned(&self, age: Duration) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.staging)? {
            let file = file?;
            let Ok(known) = file.metadata() else { continue };
            let quiet = known.modified()?.elapsed().is_ok_and(|quiet| quiet >= age);
            if known.is_file() && quiet {
                found.push((file.path(), known.len()));
            }
        }
        Ok(found)
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
    fn only_files_that_nobody_writes_to_are_abandoned() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (old, new) = (
            dir.path().join("tmp/.tmpold"),
            dir.path().join("tmp/.tmpnew"),
        );
        fs::write(&new, b"being written").unwrap();
        fs::write(&old, b"left").unwrap();
        let day = Duration::from_secs(24 * 60 * 60);
        let before = std::time::SystemTime::now() - day;
        let file = File::options().write(true).open(&old).unwrap();
        file.set_modified(before).unwrap();
        let found = store.abandoned(day / 2).unwrap();
        assert_eq!(found, [(old.canonicalize().unwrap(), b"left".len() as u64)]);
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
