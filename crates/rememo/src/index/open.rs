//! Opening the LMDB environment: the one fenced place for its unsafe entry points.
#![expect(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heed::{Env, EnvFlags, EnvOpenOptions, Error, MdbError, WithoutTls};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::cleared::Cleared;
use super::compact;
use super::pages::{self, Head, is_rot};
use super::presence::{self, Presence};
use super::{Database, Index, TABLES};
use crate::access::Keeper;
use crate::ofd;

const MAP_SIZE: usize = 64 << 30;
const SMALL_MAP_SIZE: usize = 1 << 30;
const MAX_READERS: u32 = 1024;
/// Bytes of LMDB's lock file for that many readers, and some more.
const LOCK_FILE: u64 = 72 << 10;
/// The byte of the lock file that is held while an index is begun, or a damaged index is set aside; beyond any claim.
const REPAIR: u64 = 1 << 41;
/// The one that is held while results are entered again.
const REBUILD: u64 = REPAIR + 1;
/// The file that says that entries were lost, until what can be is entered again.
const LOST: &str = "lost";
/// How long to wait for this process to finish closing the same environment.
const CLOSING: Duration = Duration::from_secs(2);

impl Index {
    /// Opens the index of a store's directory. If it is damaged, it is set aside and a new one
    /// is begun; the second value then says so.
    ///
    /// With `sync`, data pages are synced before the meta page that refers to them.
    pub(crate) fn open(
        dir: &Path,
        keeper: Keeper,
        sync: bool,
    ) -> heed::Result<(Self, Option<String>)> {
        let path = dir.join("index");
        compact::sweep(dir, keeper);
        match open_begun(&path, keeper, sync) {
            Err(error) if is_damage(&error) => {}
            opened => return Ok((opened?, None)),
        }
        let _locks = lock_repairs(dir, keeper)?;
        if !data_file(&path).exists() {
            // One that is just being made has no results either.
            if fs::read_dir(dir.join("objects")).is_ok_and(|mut results| results.next().is_some()) {
                note_loss(&path, keeper);
            }
            return Ok((begin(&path, keeper, sync)?, None));
        }
        match open_begun(&path, keeper, sync) {
            Err(error) if is_damage(&error) => {
                let what = set_aside(&path, keeper, &error)?;
                Ok((begin(&path, keeper, sync)?, Some(what)))
            }
            opened => Ok((opened?, None)),
        }
    }

    /// Sets aside the index at this place, unless it is gone already; what was done.
    pub(crate) fn set_aside(
        dir: &Path,
        keeper: Keeper,
        place: Place,
        why: &Error,
    ) -> heed::Result<Option<String>> {
        let _locks = lock_repairs(dir, keeper)?;
        if self::place(dir) != Some(place) {
            return Ok(None);
        }
        Ok(Some(set_aside(&dir.join("index"), keeper, why)?))
    }

    fn of(
        (env, data): (Env<WithoutTls>, File),
        tables: [Database; TABLES.len()],
        cleared: Cleared,
        presence: Option<Presence>,
    ) -> Self {
        Self {
            page: u64::from(env.unnamed_database_stat().page_size),
            env,
            data,
            tables,
            cleared,
            presence,
            pid: crate::process::id(),
            condemned: AtomicBool::new(false),
        }
    }

    /// Remembers an error after which this index must not be used any more.
    pub(crate) fn condemn(&self, error: &Error) {
        let over = is_damage(error) || is_panic(error);
        self.condemned.fetch_or(over, Ordering::Relaxed);
    }

    /// Has this index not be used any more, and its file be read by whoever opens it next.
    pub(crate) fn suspect(&self) {
        if let Some(presence) = &self.presence {
            presence.suspect();
        }
        self.condemned.store(true, Ordering::Relaxed);
    }
}

/// That entries were lost, and nobody else sees to it.
pub(crate) struct Loss {
    path: PathBuf,
    _lock: File,
}

impl Loss {
    /// The loss of the index of a store's directory, if there was one.
    pub(crate) fn of(dir: &Path, keeper: Keeper) -> io::Result<Option<Self>> {
        let path = dir.join(LOST);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let lock = keeper.open_or_make(&dir.join("locks"))?;
        let ours = ofd::try_lock(&lock, REBUILD)?;
        Ok(ours.then_some(Self { path, _lock: lock }))
    }

    /// Whatever could be entered again was.
    pub(crate) fn made_good(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Notes, before anything else, that entries are lost: whoever does so may be killed at any moment.
/// Where it cannot be noted, results stay without their entries.
fn note_loss(index: &Path, keeper: Keeper) {
    drop(keeper.open_or_make(&index.with_file_name(LOST)));
}

/// Device and inode of the data file: nothing else can be it for as long as it is open.
pub(crate) type Place = (u64, u64);

/// Where the index of a store's directory is now, if there is one.
pub(crate) fn place(dir: &Path) -> Option<Place> {
    let found = fs::metadata(data_file(&dir.join("index"))).ok()?;
    Some((found.dev(), found.ino()))
}

/// Where an open data file is.
pub(super) fn place_of(data: &File) -> io::Result<Place> {
    let found = data.metadata()?;
    Ok((found.dev(), found.ino()))
}

pub(super) fn data_file(path: &Path) -> PathBuf {
    path.join("data.mdb")
}

/// Keeps other processes from beginning, setting aside or replacing the index meanwhile.
pub(super) fn lock_repairs(dir: &Path, keeper: Keeper) -> io::Result<File> {
    let locks = keeper.open_or_make(&dir.join("locks"))?;
    ofd::lock(&locks, REPAIR)?;
    Ok(locks)
}

/// The same, unless somebody else does so.
pub(super) fn try_lock_repairs(dir: &Path, keeper: Keeper) -> io::Result<Option<File>> {
    let locks = keeper.open_or_make(&dir.join("locks"))?;
    Ok(ofd::try_lock(&locks, REPAIR)?.then_some(locks))
}

/// Opens an index that is there. LMDB would take an empty file for a new one, but new ones are
/// begun behind the lock only: to anybody else an empty file is a truncated one.
fn open_begun(path: &Path, keeper: Keeper, sync: bool) -> heed::Result<Index> {
    match fs::metadata(data_file(path)) {
        Ok(found) if found.len() > 0 => {
            let head = Head::of(&open_data(path)?)?;
            open_shared(path, keeper, sync, head.follows)
        }
        _ => Err(Error::Mdb(MdbError::Invalid)),
    }
}

/// Begins an index. Its file is made before LMDB would, for the right people to write to.
fn begin(path: &Path, keeper: Keeper, sync: bool) -> heed::Result<Index> {
    keeper.make_dir(path)?;
    keeper.open_or_make(&data_file(path))?;
    open_shared(path, keeper, sync, true)
}

/// Opens an index that others may have open, too; its file is read first where it may be damaged.
fn open_shared(path: &Path, keeper: Keeper, sync: bool, is_likely: bool) -> heed::Result<Index> {
    // From here on nobody puts another index in its place, until all of its files are open.
    let lobby = presence::hold(path, keeper)?;
    let data = open_data(path)?;
    let (presence, doubt) = Presence::join(lobby, &data, is_likely)?;
    let (env, tables) = presence.at_work(&data, || {
        let env = open_env(path, keeper, sync)?;
        if let Some(doubt) = doubt {
            // Nobody else writes meanwhile.
            let _txn = env.write_txn()?;
            pages::check(&data)?;
            presence.settle(&doubt, &data)?;
        }
        presence.writes();
        let tables = open_tables(&env)?;
        heed::Result::Ok((env, tables))
    })?;
    presence.let_others()?;
    let cleared = Cleared::at(path.with_file_name("cleared"), keeper, sync);
    Ok(Index::of((env, data), tables, cleared, Some(presence)))
}

/// Opens an index that nobody else has open, whose file is read first.
pub(super) fn open_private(path: &Path) -> heed::Result<Index> {
    let keeper = Keeper::default();
    let data = open_data(path)?;
    pages::check(&data)?;
    let env = open_env(path, keeper, false)?;
    let tables = open_tables(&env)?;
    let cleared = Cleared::at(path.with_file_name("cleared"), keeper, false);
    Ok(Index::of((env, data), tables, cleared, None))
}

fn open_data(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).open(data_file(path))
}

/// Takes the disk space of LMDB's lock file. LMDB only maps it: on a full disk the process would
/// be killed at its first write there, instead of being told.
pub(super) fn reserve_lock_file(path: &Path, keeper: Keeper) -> io::Result<()> {
    let file = keeper.open_or_make(&path.join("lock.mdb"))?;
    match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, LOCK_FILE) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        reserved => Ok(reserved?),
    }
}

fn open_env(path: &Path, keeper: Keeper, sync: bool) -> heed::Result<Env<WithoutTls>> {
    reserve_lock_file(path, keeper)?;
    if let Some(closing) = heed::env_closing_event(path) {
        closing.wait_timeout(CLOSING);
    }
    let env = match open_sized(path, MAP_SIZE, sync) {
        Err(Error::Io(_)) => open_sized(path, SMALL_MAP_SIZE, sync)?,
        opened => opened?,
    };
    env.clear_stale_readers()?;
    Ok(env)
}

fn open_sized(path: &Path, size: usize, sync: bool) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(size).max_readers(MAX_READERS).max_dbs(16);
    let flags = if sync {
        EnvFlags::NO_META_SYNC
    } else {
        EnvFlags::NO_SYNC
    };
    // SAFETY: data pages are still synced before the meta page that refers to them; leaving the
    // meta page unsynced costs at most the last commits after a power loss, never consistency.
    // Without any syncing the file is whole for as long as the system runs, and may be damaged
    // after a power loss: that is asked for by name, and damage is noticed and set aside.
    unsafe { options.flags(flags) };
    // SAFETY: the directory is on a local file system, nobody who is not trusted may write to it,
    // and nothing but LMDB writes to its files: this crate only ever lengthens the data file, under
    // LMDB's lock.
    unsafe { options.open(path) }
}

fn open_tables(env: &Env<WithoutTls>) -> heed::Result<[Database; TABLES.len()]> {
    let txn = env.write_txn()?;
    let committed = env.create_databases_and_commit(txn, |opener, txn| {
        let mut create = |name| opener.create_database(txn, Some(name));
        let [entries, objects, states, state_refs, by_function, ..] = TABLES;
        let [.., order, standings, meta, days, misses, accepted] = TABLES;
        let tables = [
            create(entries)?,
            create(objects)?,
            create(states)?,
            create(state_refs)?,
            create(by_function)?,
            create(order)?,
            create(standings)?,
            create(meta)?,
            create(days)?,
            create(misses)?,
            create(accepted)?,
        ];
        Ok::<_, Error>(heed::CommitOrAbort::<_, ()>::Commit(tables))
    })?;
    committed.commit().ok_or(Error::Mdb(MdbError::Problem))
}

/// Whether an error says that the file is not what was written.
pub(crate) fn is_damage(error: &Error) -> bool {
    use MdbError::{
        BadDbi, Corrupted, CursorFull, Incompatible, Invalid, PageFull, PageNotFound,
        VersionMismatch,
    };
    match error {
        Error::Io(error) => is_rot(error),
        Error::Mdb(
            Corrupted | Invalid | PageNotFound | PageFull | CursorFull | VersionMismatch
            | Incompatible | BadDbi,
        ) => true,
        _ => false,
    }
}

/// Whether an error says that the environment must be closed, though its file may be whole.
pub(crate) fn is_panic(error: &Error) -> bool {
    matches!(error, Error::Mdb(MdbError::Panic))
}

/// Whether an error is one that a whole index on a disk with room does not give. It need not be the
/// index's fault.
pub(crate) fn is_strange(error: &Error) -> bool {
    use MdbError::{DbsFull, MapFull, ReadersFull, TlsFull};
    use io::ErrorKind::{
        Interrupted, OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    match error {
        Error::Io(error) => !matches!(
            error.kind(),
            Interrupted
                | OutOfMemory
                | PermissionDenied
                | QuotaExceeded
                | ReadOnlyFilesystem
                | StorageFull
        ),
        Error::Mdb(error) => !matches!(error, DbsFull | MapFull | ReadersFull | TlsFull),
        _ => false,
    }
}

fn set_aside(path: &Path, keeper: Keeper, why: &Error) -> io::Result<String> {
    note_loss(path, keeper);
    let aside = aside(path, "damaged");
    fs::rename(path, &aside)?;
    Ok(format!(
        "the index was damaged ({why}); it is now {}",
        aside.display()
    ))
}

/// A free name beside `path`, saying what became of it and when.
pub(crate) fn aside(path: &Path, what: &str) -> PathBuf {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let mut stamp = now;
    loop {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{what}-{stamp}"));
        let aside = path.with_file_name(name);
        if !aside.exists() {
            return aside;
        }
        stamp += 1;
    }
}
