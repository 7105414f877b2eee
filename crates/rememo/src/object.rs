//! Objects: immutable files named by their content, staged and then renamed into place.

use bytes::Bytes;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::codec::Encoded;
use crate::digest::Digest;
use crate::map;

/// A directory of objects.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    objects: PathBuf,
    staging: PathBuf,
}

impl ObjectStore {
    /// Opens the objects of a store's directory.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let store = Self {
            objects: dir.join("objects"),
            staging: dir.join("tmp"),
        };
        private_dir(&store.objects)?;
        private_dir(&store.staging)?;
        Ok(store)
    }

    /// Stores a value unless it is there already; its name and the bytes that it takes.
    pub fn put(&self, value: &Encoded, producer: &[u8]) -> io::Result<(Digest, u64)> {
        let id = value.object_id();
        let path = self.path(&id);
        if let Some(size) = whole_len(&path, value) {
            return Ok((id, size));
        }
        let bytes = value.to_container(producer);
        for dir in [
            &self.objects,
            path.parent().unwrap_or(&self.objects),
            &self.staging,
        ] {
            private_leaf(dir)?;
        }
        let mut staged = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.staging)?;
        staged.write_all(&bytes)?;
        staged.persist(&path).map_err(|failed| failed.error)?;
        Ok((id, bytes.len() as u64))
    }

    /// The container of an object, unverified.
    pub fn get(&self, id: &Digest) -> io::Result<Bytes> {
        map::read(&self.path(id))
    }

    /// Whether there is a file for an object.
    pub fn contains(&self, id: &Digest) -> bool {
        self.path(id).is_file()
    }

    /// Removes an object; one that is not there is fine.
    pub fn remove(&self, id: &Digest) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, id: &Digest) -> PathBuf {
        let hex = id.to_hex();
        self.objects.join(&hex[..2]).join(&hex[2..])
    }
}

/// The length of the file at `path`, if it can be a container of `value` (whoever produced it).
fn whole_len(path: &Path, value: &Encoded) -> Option<u64> {
    let bytes = Bytes::from(fs::read(path).ok()?);
    let (stored, _) = Encoded::from_container(bytes.clone()).ok()?;
    (stored == *value).then_some(bytes.len() as u64)
}

/// Creates a directory, and those that it lies in, for their owner only; one that is there is
/// fine.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Creates a directory in one that must be there: a store that was removed stays so.
pub(crate) fn private_leaf(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Frame;

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
        let store = ObjectStore::open(dir.path()).unwrap();
        let (id, size) = store.put(&value(b"one"), b"first").unwrap();
        assert_eq!(
            store.put(&value(b"one"), b"second, longer").unwrap(),
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
        let store = ObjectStore::open(dir.path()).unwrap();
        let (id, _) = store.put(&value(b"one"), b"").unwrap();
        fs::write(store.path(&id), b"RMOB").unwrap();
        store.put(&value(b"one"), b"").unwrap();
        assert!(Encoded::from_container(store.get(&id).unwrap()).is_ok());
    }
}
