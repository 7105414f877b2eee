//! Objects: immutable files named by their content, staged and then renamed into place.

use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::access::Keeper;
use crate::codec::{BEGINNING, Encoded, head_len, read_head};
use crate::digest::Digest;
use crate::map;
use crate::ofd;

/// The byte of a staged file that is locked by whoever writes to it.
const BUSY: u64 = 0;

/// An object in its place.
pub(crate) struct Placed {
    pub id: Digest,
    /// Bytes of its file.
    pub len: u64,
    /// The record of its producer, without any promise that it is what was written.
    pub producer: Bytes,
}

/// Objects of this many bytes and more are written piece by piece, and never are in memory as a whole.
const PIECEMEAL: usize = 1 << 20;

/// A directory of objects.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    objects: PathBuf,
    staging: PathBuf,
    /// Results, by call key, for as long as their entries are not in the index.
    pending: PathBuf,
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
            pending: dir.join("pending"),
            keeper,
            inspected: Arc::default(),
        };
        keeper.make_dirs(&store.objects)?;
        keeper.make_dirs(&store.staging)?;
        keeper.make_dirs(&store.pending)?;
        Ok(store)
    }

    /// Stores a value, unless it is there already and `stays` says of the record of its producer
    /// that it will do; its name and the bytes that it takes. With `sync`, it is on the disk when
    /// this returns. Until it has landed, it is pending under its call key as well.
    pub fn put(
        &self,
        value: &Encoded,
        (call, producer): (&Digest, &[u8]),
        stays: impl Fn(&[u8]) -> bool,
        sync: bool,
    ) -> io::Result<(Digest, u64)> {
        let id = value.object_id();
        let path = self.path(&id);
        if let Some(size) = self.whole_len(&id, value, stays) {
            if sync {
                self.sync(&path)?;
            }
            return Ok((id, size));
        }
        for dir in [
            &self.objects,
            path.parent().unwrap_or(&self.objects),
            &self.staging,
            &self.pending,
        ] {
            self.keeper.make_dir(dir)?;
        }
        let mut staged = tempfile::NamedTempFile::new_in(&self.staging)?;
        // Whatever the clock says of its age, it is not abandoned.
        ofd::lock(staged.as_file(), BUSY)?;
        self.keeper.give(staged.as_file())?;
        let len = write(staged.as_file_mut(), value, (&id, producer))?;
        self.announce(staged.path(), call);
        staged.persist(&path).map_err(|failed| failed.error)?;
        if sync {
            self.sync(&path)?;
        }
        Ok((id, len))
    }

    /// Has a result found under its call key if this process is killed before its entry is in the
    /// index. Where that cannot be, it is a file that nothing refers to then.
    fn announce(&self, staged: &Path, call: &Digest) {
        let pending = self.pending_path(call);
        match fs::hard_link(staged, &pending) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                drop(fs::remove_file(&pending));
                drop(fs::hard_link(staged, &pending));
            }
            _ => {}
        }
    }

    /// Notes that the entry of a result is in the index, or never will be.
    pub(crate) fn landed(&self, call: &Digest) {
        drop(fs::remove_file(self.pending_path(call)));
    }

    /// Whether there is a result under a call key whose entry may not be in the index.
    pub(crate) fn is_pending(&self, call: &Digest) -> bool {
        fs::symlink_metadata(self.pending_path(call)).is_ok_and(|found| found.is_file())
    }

    /// The call keys of results that have been pending for so long.
    pub(crate) fn pending(&self, age: Duration) -> io::Result<Vec<Digest>> {
        if fs::symlink_metadata(&self.pending).is_err() {
            return Ok(Vec::new());
        }
        self.keeper.inspect(&self.pending)?;
        let names = quiet_files(&self.pending, age)?.into_iter();
        let key = |(path, _): (PathBuf, u64)| Digest::from_hex(path.file_name()?.to_str()?);
        Ok(names.filter_map(key).collect())
    }

    /// Puts a pending result in its place, unless it is there.
    pub(crate) fn place_pending(&self, call: &Digest) -> io::Result<Placed> {
        self.keeper.inspect(&self.pending)?;
        let pending = self.pending_path(call);
        let (file, found) = self.keeper.open(&pending)?;
        let bytes = map::read(file, found.len(), self.keeper.is_exclusive())?;
        let len = bytes.len() as u64;
        let read = Encoded::from_nameless(bytes);
        let (id, _, producer) =
            read.map_err(|damage| io::Error::new(io::ErrorKind::InvalidData, damage))?;
        let path = self.path(&id);
        self.keeper
            .make_dir(path.parent().unwrap_or(&self.objects))?;
        match fs::hard_link(&pending, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(Placed { id, len, producer }),
        }
    }

    /// What the head of an object's file says, which must have the right length.
    pub(crate) fn placed(&self, id: &Digest) -> io::Result<Placed> {
        let (mut file, found) = self.keeper.open(&self.path(id))?;
        let mut head = vec![0; BEGINNING];
        file.read_exact(&mut head)?;
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let more = head_len(&head).ok_or_else(invalid)? - BEGINNING;
        if (more as u64) > found.len() {
            return Err(invalid());
        }
        file.take(more as u64).read_to_end(&mut head)?;
        match read_head(&head) {
            Some((producer, len)) if len == found.len() => Ok(Placed {
                id: *id,
                len,
                producer: Bytes::copy_from_slice(producer),
            }),
            _ => Err(invalid()),
        }
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
        self.keeper.may_change(&self.path(id))?;
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
        let mut quiet = quiet_files(&self.staging, age)?;
        quiet.retain(|(path, _)| is_free(path).unwrap_or(false));
        Ok(quiet)
    }

    /// The length of an object, if it is there, holds `value` and stays as it is.
    fn whole_len(
        &self,
        id: &Digest,
        value: &Encoded,
        stays: impl Fn(&[u8]) -> bool,
    ) -> Option<u64> {
        let bytes = self.get(id).ok()?;
        let len = bytes.len() as u64;
        let (stored, producer) = Encoded::from_object(bytes, id).ok()?;
        (stored == *value && stays(&producer)).then_some(len)
    }

    fn pending_path(&self, call: &Digest) -> PathBuf {
        self.pending.join(call.to_hex())
    }

    fn path(&self, id: &Digest) -> PathBuf {
        let hex = id.to_hex();
        self.objects.join(&hex[..2]).join(&hex[2..])
    }
}

/// Whether nobody is writing to a staged file.
fn is_free(path: &Path) -> io::Result<bool> {
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    ofd::try_lock(&file, BUSY)
}

/// The files of a directory that nobody has written to for so long, and their bytes.
fn quiet_files(dir: &Path, age: Duration) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir)? {
        let file = file?;
        let Ok(known) = file.metadata() else { continue };
        let quiet = known.modified()?.elapsed().is_ok_and(|quiet| quiet >= age);
        if known.is_file() && quiet {
            found.push((file.path(), known.len()));
        }
    }
    Ok(found)
}

/// Writes an object to a file; how long it is.
fn write(file: &mut File, value: &Encoded, (id, producer): (&Digest, &[u8])) -> io::Result<u64> {
    if value.container_len(producer.len()) < PIECEMEAL {
        let mut whole = Cursor::new(Vec::new());
        let len = value.write_object(id, producer, &mut whole)?;
        file.write_all(whole.get_ref())?;
        Ok(len)
    } else {
        let mut pieces = BufWriter::new(file);
        let len = value.write_object(id, producer, &mut pieces)?;
        pieces.flush()?;
        Ok(len)
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

    fn put(store: &ObjectStore, content: &[u8], producer: &[u8]) -> (Digest, u64) {
        let call = Digest::of(b"call");
        let put = store.put(&value(content), (&call, producer), |_| true, false);
        put.unwrap()
    }

    #[test]
    fn a_result_is_pending_until_it_has_landed() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let call = Digest::of(b"call");
        let (id, len) = put(&store, b"one", b"first");
        assert!(store.is_pending(&call));
        assert_eq!(store.pending(Duration::ZERO).unwrap(), [call]);
        assert!(store.pending(Duration::from_secs(60)).unwrap().is_empty());
        // As when a process is killed before the object is in its place.
        store.remove(&id).unwrap();
        for _ in 0..2 {
            let placed = store.place_pending(&call).unwrap();
            assert_eq!((placed.id, placed.len), (id, len));
            assert_eq!(&placed.producer[..], b"first");
        }
        let found = store.placed(&id).unwrap();
        assert_eq!(
            (found.id, found.len, &found.producer[..]),
            (id, len, &b"first"[..])
        );
        store.landed(&call);
        assert!(!store.is_pending(&call));
        let file = File::options().append(true).open(store.path(&id)).unwrap();
        (&file).write_all(b"!").unwrap();
        assert!(store.placed(&id).is_err(), "it is too long");
    }

    #[test]
    fn a_record_that_will_not_do_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (id, _) = put(&store, b"one", b"first");
        let call = Digest::of(b"call");
        let stays = |producer: &[u8]| producer != b"first";
        store
            .put(&value(b"one"), (&call, b"second"), stays, false)
            .unwrap();
        assert_eq!(&store.placed(&id).unwrap().producer[..], b"second");
    }

    #[test]
    fn equal_values_are_stored_once_and_privately() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (id, size) = put(&store, b"one", b"first");
        assert_eq!(put(&store, b"one", b"second, longer"), (id, size));
        let bytes = store.get(&id).unwrap();
        assert_eq!(
            Encoded::from_object(bytes.clone(), &id).unwrap(),
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
        // The clock was set since it was begun.
        ofd::lock(&file, BUSY).unwrap();
        assert_eq!(store.abandoned(day / 2).unwrap(), []);
    }

    #[test]
    fn a_damaged_object_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        let (id, _) = put(&store, b"one", b"");
        fs::write(store.path(&id), b"RMOB").unwrap();
        put(&store, b"one", b"");
        assert!(Encoded::from_object(store.get(&id).unwrap(), &id).is_ok());
    }
}
