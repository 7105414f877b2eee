//! What is not whole is found, and mended without touching the rest; what nothing refers to goes.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Log, Repeat, store};
use rememo::{Event, Integrity, Orphans, Store};

/// Calls with results of their own file each.
fn large(n: usize) -> Vec<Repeat> {
    let callee = |n: usize| Repeat {
        times: 20_000,
        ..Repeat::new(&n.to_string())
    };
    (0..n).map(callee).collect()
}

fn objects(store: &Store) -> Vec<PathBuf> {
    let list = |dir: &Path| -> Vec<PathBuf> {
        let items = fs::read_dir(dir).unwrap();
        items.map(|item| item.unwrap().path()).collect()
    };
    let dirs = list(&store.dir().join("objects"));
    dirs.iter().flat_map(|dir| list(dir)).collect()
}

/// How many entries were said to be removed.
fn invalidated(log: &Log) -> u64 {
    let entries = |event| match event {
        Event::Invalidated { entries, .. } => entries,
        _ => 0,
    };
    log.take().into_iter().map(entries).sum()
}

fn runs(callees: &mut [Repeat], store: &Store) -> u32 {
    let before: u32 = callees.iter().map(Repeat::runs).sum();
    for callee in callees.iter_mut() {
        let right = callee.argument.repeat(callee.times);
        assert_eq!(callee.call(store), right);
    }
    callees.iter().map(Repeat::runs).sum::<u32>() - before
}

#[test]
fn a_store_in_use_is_whole() {
    let (_dir, store, _) = store();
    assert_eq!(store.verify(false).unwrap(), Integrity::default());
    let mut callees = large(5);
    callees.extend((0..700).map(|n| Repeat::new(&n.to_string())));
    runs(&mut callees, &store);
    runs(&mut large(5), &store);
    let found = store.verify(true).unwrap();
    assert!(found.is_whole(), "{found:?}");
    assert_eq!((found.entries, found.repaired), (705, false));
    store.clear_all().unwrap();
    assert_eq!(store.verify(false).unwrap(), Integrity::default());
}

#[test]
fn damaged_and_lost_results_are_found_and_mended() {
    let (_dir, store, log) = store();
    let mut callees = large(6);
    assert_eq!(runs(&mut callees, &store), 6);
    let files = objects(&store);
    let mut bytes = fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&files[0], bytes).unwrap();
    fs::remove_file(&files[1]).unwrap();
    // Whole, but of another result.
    fs::copy(&files[3], &files[2]).unwrap();
    let found = store.verify(false).unwrap();
    assert_eq!((found.entries, found.damaged, found.lost), (6, 2, 1));
    assert_eq!((found.unreadable, found.repaired), (0, false));
    log.take();
    let mended = store.verify(true).unwrap();
    assert_eq!((mended.damaged, mended.lost, mended.repaired), (2, 1, true));
    assert_eq!(invalidated(&log), 3);
    let after = store.verify(false).unwrap();
    assert!(after.is_whole(), "{after:?}");
    assert_eq!((after.entries, after.orphans.files), (3, 0));
    assert_eq!(runs(&mut callees, &store), 3);
}

#[test]
fn only_what_nothing_refers_to_goes() {
    let (_dir, store, log) = store();
    let mut callees = large(4);
    runs(&mut callees, &store);
    // As a process leaves it that is killed between writing a result and entering it.
    let stray = store.dir().join("objects/00").join("0".repeat(62));
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, [7; 1000]).unwrap();
    let note = store.dir().join("objects/00/README");
    fs::write(&note, "not an object").unwrap();
    let one = Orphans {
        files: 1,
        bytes: 1000,
    };
    let found = store.verify(false).unwrap();
    assert!(found.is_whole());
    assert_eq!(found.orphans, one);
    log.take();
    assert_eq!(store.remove_orphans().unwrap(), one);
    assert_eq!(log.take(), [Event::OrphansRemoved { orphans: one }]);
    assert!(!stray.exists());
    assert!(note.exists());
    assert_eq!(store.remove_orphans().unwrap(), Orphans::default());
    assert_eq!(runs(&mut callees, &store), 0);
}

#[test]
fn results_are_stored_while_orphans_are_removed() {
    let (_dir, store, _) = store();
    let over = Arc::new(AtomicBool::new(false));
    let sweeper = thread::spawn({
        let (store, over) = (store.clone(), over.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                store.remove_orphans().unwrap();
            }
        }
    });
    let mut callees = large(200);
    runs(&mut callees, &store);
    over.store(true, Ordering::Relaxed);
    sweeper.join().unwrap();
    assert_eq!(runs(&mut callees, &store), 0);
    assert!(store.verify(false).unwrap().is_whole());
}
