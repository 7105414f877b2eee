//! The room that is free in the index goes back to the disk, whoever has the store open meanwhile, and
//! whoever is killed in the midst of it.
//!
//! `REMEMO_KILLS` says how many.

#![allow(clippy::print_stderr, reason = "it reports what it counted")]

mod common;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Log, Repeat, at_once, store_with};
use rememo::{Event, Room, Store, StoreConfig, clear_entry, lookup, measure};

const DIR: &str = "REMEMO_TEST_DIR";
const ROLE: &str = "REMEMO_TEST_ROLE";
const KILLS: &str = "REMEMO_KILLS";
const USUAL_KILLS: u64 = 30;
/// Of these, the even ones are in the index.
const RESULTS: usize = 300;

fn callee(n: usize) -> Repeat {
    Repeat {
        times: if n.is_multiple_of(2) { 200 } else { 3000 },
        ..Repeat::new(&format!("{n},"))
    }
}

fn call(store: &Store, n: usize) {
    let mut callee = callee(n);
    let right = callee.argument.repeat(callee.times);
    assert_eq!(callee.call(store), right);
}

fn is_there(store: &Store, n: usize) -> bool {
    let mut callee = callee(n);
    let right = callee.argument.repeat(callee.times);
    let found = lookup(store, &mut callee).unwrap();
    assert!(found.as_ref().is_none_or(|found| *found == right));
    found.is_some()
}

fn compactions(log: &Log) -> Vec<(u64, u64)> {
    let sizes = |event| match event {
        Event::Compacted { compaction } => Some((compaction.before, compaction.after)),
        _ => None,
    };
    log.take().into_iter().filter_map(sizes).collect()
}

fn on_disk(dir: &Path) -> u64 {
    let data = fs::metadata(dir.join("index/data.mdb")).unwrap();
    data.blocks() * 512
}

/// A store whose index holds some results, and the room of many more.
fn with_free_room(dir: &Path) -> Store {
    let store = Store::open(StoreConfig::new(dir)).unwrap();
    for n in 0..RESULTS * 4 {
        call(&store, n);
    }
    store.commit().unwrap();
    for n in RESULTS..RESULTS * 4 {
        assert!(clear_entry(&store, &mut callee(n)).unwrap());
    }
    store
}

/// Not a test of its own: what the processes started by the others do, until they are killed.
#[test]
fn child() {
    let (Ok(dir), Ok(role)) = (env::var(DIR), env::var(ROLE)) else {
        return;
    };
    let store = Store::open(at_once(Path::new(&dir))).unwrap();
    for turn in 0.. {
        match role.as_str() {
            "compacts" => drop(store.compact().unwrap()),
            _ => assert!(is_there(&store, turn % RESULTS)),
        }
    }
}

fn start(dir: &Path, role: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["child", "--exact"]).env(DIR, dir);
    let command = command.env(ROLE, role).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn what_is_said_beforehand_is_what_comes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = with_free_room(&at);
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    let expected = store.compaction().unwrap();
    assert_eq!(expected.before, on_disk(&at));
    let done = store.compact().unwrap();
    assert_eq!(done.before, expected.before);
    assert!(done.after < done.before / 2, "{done:?}");
    assert!(done.after.abs_diff(expected.after) <= 64 << 10, "{done:?}");
    assert_eq!(compactions(&log), [(done.before, done.after)]);
    assert!(on_disk(&at) < done.before / 2);
    assert!(!at.join("compacted").exists());
    assert!((0..RESULTS).all(|n| is_there(&store, n)));
    assert!(!(RESULTS..RESULTS * 4).any(|n| is_there(&store, n)));
    assert!(store.verify(false).unwrap().is_whole());
    call(&store, RESULTS);
    assert!(is_there(&store, RESULTS));
}

#[test]
fn what_is_known_of_the_store_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_free_room(&dir.path().join("store"));
    let room = Room {
        size: Some(measure::Size::Bytes(50 << 20)),
        policy: Some("lru".into()),
        ..Room::default()
    };
    store.ask_for_room(&room).unwrap();
    store.note_uses();
    let before = (store.usage().unwrap(), store.stats(0).unwrap());
    let generation = store.generation().unwrap();
    store.compact().unwrap();
    assert_eq!((store.usage().unwrap(), store.stats(0).unwrap()), before);
    assert_eq!(store.policy().unwrap(), "lru");
    assert_eq!(store.bound().unwrap().bytes, 50 << 20);
    assert!(store.is_current(&generation), "what is in memory is good");
}

#[test]
fn more_than_half_of_a_large_file_goes_back_by_itself() {
    let (dir, store, log) = store_with(|dir| StoreConfig::new(dir));
    let kept = 50;
    for n in 0..30_000 {
        call(&store, 2 * n);
    }
    store.commit().unwrap();
    let before = on_disk(&dir.path().join("store"));
    assert!(before > 32 << 20, "{before}");
    assert_eq!(compactions(&log), []);
    let none = Room {
        size: Some(measure::Size::Bytes(kept * 4000)),
        ..Room::default()
    };
    let mut gone = 0;
    store.reduce_to(&none, |some| gone += some.len()).unwrap();
    assert!(gone > 0);
    let [(was, is)] = compactions(&log)[..] else {
        panic!("it was not made smaller, once");
    };
    assert!(was >= before && is < 1 << 20, "{was} {is}");
    assert!(on_disk(&dir.path().join("store")) < 2 << 20);
    assert!(store.usage().unwrap().entries > 0);
    assert!(store.verify(false).unwrap().is_whole());
}

#[test]
fn processes_that_have_the_old_one_open_go_on_with_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = with_free_room(&at);
    let mut readers: Vec<_> = (0..3).map(|_| start(&at, "reads")).collect();
    let mut others: Vec<_> = (0..2).map(|_| start(&at, "compacts")).collect();
    for n in RESULTS..RESULTS * 2 {
        call(&store, n);
        store.commit().unwrap();
        assert!(is_there(&store, n), "{n}");
        if n % 10 == 0 {
            store.compact().unwrap();
            assert!(clear_entry(&store, &mut callee(n)).unwrap());
            assert!(!is_there(&store, n), "{n}");
        }
    }
    for child in readers.iter_mut().chain(&mut others) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for n in 0..RESULTS * 2 {
        assert_eq!(is_there(&store, n), n < RESULTS || n % 10 != 0, "{n}");
    }
    assert!(store.verify(false).unwrap().is_whole());
}

#[test]
fn whoever_is_killed_at_it_leaves_a_whole_index() {
    let kills = env::var(KILLS).map_or(USUAL_KILLS, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = with_free_room(&at);
    let mut left = 0;
    for turn in 0..kills {
        let mut child = start(&at, "compacts");
        thread::sleep(Duration::from_micros(4000 + turn * 7919 % 23_000));
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        left += u64::from(at.join("compacted").exists());
        if turn % 3 == 0 {
            // One who opens it, beside one who has it open.
            let mut reader = start(&at, "reads");
            thread::sleep(Duration::from_millis(10));
            assert!(reader.try_wait().unwrap().is_none(), "it ended by itself");
            reader.kill().unwrap();
            reader.wait().unwrap();
        }
        let n = RESULTS + usize::try_from(turn).unwrap();
        call(&store, n);
        store.commit().unwrap();
        assert!((0..=n).all(|n| is_there(&store, n)));
    }
    store.close();
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    assert!(is_there(&store, 0));
    assert!(!at.join("compacted").exists(), "it is swept");
    assert!(store.verify(false).unwrap().is_whole());
    let wrong = |event: &Event| matches!(event, Event::Degraded { .. });
    assert!(!log.take().iter().any(wrong));
    eprintln!("{kills} kills, {left} of them in the midst of it");
    assert!(left > 0, "none was killed in the midst of it");
}
