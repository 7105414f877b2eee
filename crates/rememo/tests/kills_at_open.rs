//! Processes killed while they open a store: while they make it, move one of an older format out of
//! the way, or make a lost index again. Whoever comes next finds a whole store, and all results that
//! were there.
//!
//! `REMEMO_KILLS` says how many, of each kind.

#![allow(clippy::print_stderr, reason = "it reports what it counted")]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Log, Repeat, at_once};
use rememo::{Event, Store, lookup};

const DIR: &str = "REMEMO_TEST_DIR";
const KILLS: &str = "REMEMO_KILLS";
const USUAL_KILLS: u64 = 30;
/// Results that are there before.
const RESULTS: usize = 120;

fn large(n: usize) -> Repeat {
    Repeat {
        times: 3000,
        ..Repeat::new(&n.to_string())
    }
}

/// Not a test of its own: what the processes started by the others do, until they are killed.
#[test]
fn child() {
    let Ok(dir) = env::var(DIR) else { return };
    let store = Store::open(at_once(Path::new(&dir))).unwrap();
    for n in 0.. {
        large(RESULTS + n % 50).call(&store);
    }
}

fn kills() -> u64 {
    env::var(KILLS).map_or(USUAL_KILLS, |text| text.parse().unwrap())
}

/// Starts a process on a store, and kills it after a while, a different one each turn.
fn kill_one(dir: &Path, turn: u64) {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command.args(["child", "--exact"]).env(DIR, dir);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It takes some milliseconds until it begins.
    thread::sleep(Duration::from_micros(2000 + turn * 7919 % 23_000));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Opens a store; what was said to be wrong with it.
fn open(dir: &Path) -> (Store, Vec<String>) {
    let log = Arc::new(Log::default());
    let mut config = at_once(dir);
    config.subscriber = Some(log.clone());
    let store = Store::open(config).unwrap();
    let wrong = |event| match event {
        Event::Degraded { what } => Some(what),
        _ => None,
    };
    (store, log.take().into_iter().filter_map(wrong).collect())
}

/// Whether all results are there and right, but those that are not stored at all.
fn is_right(store: &Store, n: usize) -> bool {
    let found = lookup(store, &mut large(n)).unwrap();
    found.is_none_or(|found| found == n.to_string().repeat(3000))
}

fn is_there(store: &Store, n: usize) -> bool {
    lookup(store, &mut large(n)).unwrap().is_some() && is_right(store, n)
}

#[test]
fn a_store_that_was_being_made_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    for turn in 0..kills() {
        let at = dir.path().join(format!("store-{turn}"));
        kill_one(&at, turn);
        let (store, wrong) = open(&at);
        // An index of which only an empty file was made is taken for one that was cut off.
        assert!(
            wrong.iter().all(|what| what.contains("index was damaged")),
            "{wrong:?}"
        );
        assert!((0..50).all(|n| is_right(&store, RESULTS + n)));
        large(0).call(&store);
        assert!(is_there(&store, 0));
        assert!(store.verify(false).unwrap().is_whole());
        store.retire();
        fs::remove_dir_all(&at).unwrap();
    }
}

#[test]
fn a_store_of_an_older_format_stays_as_it_was_beside_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    for turn in 0..kills() {
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("format"), "rememo 1\n").unwrap();
        let old = at.join("objects").join(format!("result-{turn}"));
        fs::create_dir_all(old.parent().unwrap()).unwrap();
        fs::write(&old, turn.to_string()).unwrap();
        kill_one(&at, turn);
    }
    let (store, _) = open(&at);
    large(0).call(&store);
    assert!(is_there(&store, 0));
    let stores: Vec<PathBuf> = fs::read_dir(dir.path())
        .unwrap()
        .map(|item| item.unwrap().path())
        .collect();
    for turn in 0..kills() {
        let name = format!("objects/result-{turn}");
        let copies = stores.iter().map(|store| store.join(&name));
        let found: Vec<_> = copies
            .filter_map(|path| fs::read_to_string(path).ok())
            .collect();
        assert_eq!(found, [turn.to_string()]);
    }
    eprintln!("{} kills, {} stores set aside", kills(), stores.len() - 1);
}

#[test]
fn an_index_that_was_being_made_again_has_everything_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let (store, _) = open(&at);
    for n in 0..RESULTS {
        large(n).call(&store);
    }
    store.close();
    for turn in 0..kills() {
        fs::write(at.join("index/data.mdb"), b"garbage".repeat(4096)).unwrap();
        kill_one(&at, turn);
        if turn % 3 == 0 {
            // And another one, which finds what the first one left.
            kill_one(&at, turn + 1);
        }
    }
    let (store, _) = open(&at);
    for n in 0..RESULTS {
        assert!(is_there(&store, n), "{n} is lost");
    }
    assert!((0..50).all(|n| is_right(&store, RESULTS + n)));
    let found = store.verify(false).unwrap();
    assert!(found.is_whole(), "{found:?}");
    assert!(!at.join("lost").exists());
    eprintln!("{} kills, {RESULTS} results, none lost", kills());
}
