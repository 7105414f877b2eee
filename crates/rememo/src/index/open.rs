//! Opening the LMDB environment: the one fenced place for its unsafe entry points.
#![expect(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heed::{Env, EnvFlags, EnvOpenOptions, Error, MdbError, WithoutTls};

use super::{Database, Index, TABLES};
use crate::flight::open_locks;
use crate::object::private_dir;
use crate::ofd;

const MAP_SIZE: usize = 64 << 30;
const SMALL_MAP_SIZE: usize = 1 << 30;
const MAX_READERS: u32 = 1024;
/// The byte of the lock file that is held while a damaged index is set aside; beyond any claim.
const REPAIR: u64 = 1 << 41;
/// How long to wait for this process to finish closing the same environment.
const CLOSING: Duration = Duration::from_secs(2);

impl Index {
    /// Opens the index of a store's directory. If it is damaged, it is set aside and a new one
    /// is begun; the second value then says so.
    pub(crate) fn open(dir: &Path) -> heed::Result<(Self, Option<String>)> {
        let path = dir.join("index");
        match open_whole(&path) {
            Err(error) if is_damage(&error) => {}
            opened => return Ok((opened?, None)),
        }
        let locks = open_locks(&dir.join("locks"))?;
        ofd::lock(&locks, REPAIR)?;
        match open_whole(&path) {
            Err(error) if is_damage(&error) => {
                let aside = set_aside(&path)?;
                let what = format!(
                    "the index was damaged ({error}); it is now {}",
                    aside.display()
                );
                Ok((open_whole(&path)?, Some(what)))
            }
            opened => Ok((opened?, None)),
        }
    }
}

fn open_whole(path: &Path) -> heed::Result<Index> {
    private_dir(path)?;
    let env = open_env(path)?;
    let info = env.info();
    let data = File::options()
        .read(true)
        .write(true)
        .open(path.join("data.mdb"))?;
    let page = u64::from(env.unnamed_database_stat().page_size);
    // Read after `info`: other processes only ever make the file longer.
    if data.metadata()?.len() < (info.last_page_number as u64 + 1) * page {
        return Err(Error::Mdb(MdbError::Invalid));
    }
    env.clear_stale_readers()?;
    let tables = open_tables(&env)?;
    Ok(Index {
        env,
        data,
        page,
        tables,
        pid: std::process::id(),
    })
}

fn open_env(path: &Path) -> heed::Result<Env<WithoutTls>> {
    if let Some(closing) = heed::env_closing_event(path) {
        closing.wait_timeout(CLOSING);
    }
    match open_sized(path, MAP_SIZE) {
        Err(Error::Io(_)) => open_sized(path, SMALL_MAP_SIZE),
        opened => opened,
    }
}

fn open_sized(path: &Path, size: usize) -> heed::Result<Env<WithoutTls>> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(size).max_readers(MAX_READERS).max_dbs(16);
    // SAFETY: data pages are still synced before the meta page that refers to them; leaving the
    // meta page unsynced costs at most the last commits after a power loss, never consistency.
    unsafe { options.flags(EnvFlags::NO_META_SYNC) };
    // SAFETY: the directory is private to its owner and on a local file system, and nothing but
    // LMDB writes to its files: this crate only ever lengthens the data file, under LMDB's lock.
    unsafe { options.open(path) }
}

fn open_tables(env: &Env<WithoutTls>) -> heed::Result<[Database; TABLES.len()]> {
    let txn = env.write_txn()?;
    let committed = env.create_databases_and_commit(txn, |opener, txn| {
        let mut create = |name| opener.create_database(txn, Some(name));
        let [entries, objects, states, state_refs, by_function] = TABLES;
        let tables = [
            create(entries)?,
            create(objects)?,
            create(states)?,
            create(state_refs)?,
            create(by_function)?,
        ];
        Ok::<_, Error>(heed::CommitOrAbort::<_, ()>::Commit(tables))
    })?;
    committed.commit().ok_or(Error::Mdb(MdbError::Problem))
}

fn is_damage(error: &Error) -> bool {
    use MdbError::{
        BadDbi, Corrupted, Incompatible, Invalid, PageNotFound, Panic, VersionMismatch,
    };
    matches!(
        error,
        Error::Mdb(
            Corrupted | Invalid | PageNotFound | Panic | VersionMismatch | Incompatible | BadDbi
        )
    )
}

fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = aside(path, "damaged");
    fs::rename(path, &aside)?;
    Ok(aside)
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
