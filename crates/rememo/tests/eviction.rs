//! What is kept within how much room, and what goes first.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Log, Repeat, at_once};
use rememo::measure::Size;
use rememo::{Event, NotStored, Retention, Room, Store, StoreConfig, call, clear_entry};

const MANY: u64 = 300_000;

fn bytes(bytes: u64) -> Room {
    Room {
        size: Some(Size::Bytes(bytes)),
        ..Room::default()
    }
}

fn open(dir: &Path, room: Room) -> (Store, Arc<Log>) {
    let config = StoreConfig {
        room,
        ..at_once(&dir.join("store"))
    };
    let store = Store::open(config).unwrap();
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    (store, log)
}

fn bounded(room: Room) -> (tempfile::TempDir, Store, Arc<Log>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, log) = open(dir.path(), room);
    (dir, store, log)
}

/// A call whose result takes as many bytes as its argument times as many.
fn sized(number: usize, bytes: usize) -> Repeat {
    let argument = format!("{number:010}");
    Repeat {
        times: bytes / argument.len(),
        ..Repeat::new(&argument)
    }
}

fn is_kept(store: &Store, callee: &mut Repeat) -> bool {
    rememo::would_hit(store, callee).unwrap()
}

/// Bytes that a directory takes on the disk, and its files.
fn taken(dir: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        let found = path.symlink_metadata().unwrap();
        let inner = if found.is_dir() {
            taken(&path)
        } else {
            (found.blocks() * 512, 1)
        };
        sum = (sum.0 + inner.0, sum.1 + inner.1);
    }
    sum
}

fn evicted(log: &Log) -> usize {
    let gone = |event: &Event| matches!(event, Event::Evicted { .. });
    log.take().iter().filter(|event| gone(event)).count()
}

#[test]
fn the_bound_holds_for_small_and_large_results() {
    for size in [100, 20_000] {
        let (dir, store, log) = bounded(bytes(1_000_000));
        for number in 0..1200 {
            sized(number, size).call(&store);
            let usage = store.usage().unwrap();
            assert!(usage.bytes() <= 1_000_000, "{usage:?}");
        }
        assert!(evicted(&log) > 100, "there was room for all of them");
        let usage = store.usage().unwrap();
        assert!(usage.bytes() > 800_000, "more went than had to: {usage:?}");
        let (on_disk, files) = taken(&dir.path().join("store"));
        // Beside the results: LMDB's table of readers, and what is left of pages.
        assert!(on_disk < 1_500_000, "{on_disk} bytes of {usage:?}");
        // And the files that claims lie in, 32 of them.
        assert!(files <= usage.files + 42, "{files} files of {usage:?}");
    }
}

#[test]
fn files_are_bounded_too() {
    let (dir, store, _) = bounded(Room {
        files: Some(5),
        ..Room::default()
    });
    for number in 0..20 {
        sized(number, 10_000).call(&store);
    }
    assert_eq!(store.usage().unwrap().files, 5);
    let (_, files) = taken(&dir.path().join("store").join("objects"));
    assert_eq!(files, 5);
}

#[test]
fn what_is_cheap_to_have_again_goes_first() {
    let (_dir, store, _) = bounded(bytes(2 * MANY));
    let mut dear = Repeat {
        pause: Duration::from_millis(300),
        ..sized(0, 100_000)
    };
    dear.call(&store);
    for number in 1..20 {
        sized(number, 100_000).call(&store);
    }
    assert!(is_kept(&store, &mut dear));
}

#[test]
fn uses_count_even_those_before_a_restart() {
    let lru = Room {
        policy: Some("lru".to_owned()),
        ..bytes(350_000)
    };
    let (_dir, store, _) = bounded(lru);
    let mut calls: Vec<_> = (0..3).map(|number| sized(number, 100_000)).collect();
    for callee in &mut calls {
        callee.call(&store);
    }
    calls[0].call(&store);
    store.close();
    sized(3, 100_000).call(&store);
    let kept: Vec<_> = calls.iter_mut().map(|one| is_kept(&store, one)).collect();
    assert_eq!(kept, [true, false, true]);
}

#[test]
fn results_of_code_that_has_changed_go_first_unless_they_are_used_again() {
    let (_dir, store, log) = bounded(bytes(450_000));
    let old = |number| Repeat {
        pause: Duration::from_millis(20),
        ..sized(number, 100_000)
    };
    let new = |number| Repeat {
        helper: "v2".to_owned(),
        ..sized(number, 100_000)
    };
    old(0).call(&store);
    old(1).call(&store);
    new(2).call(&store);
    // One hit, and it is usual again.
    old(0).call(&store);
    store.note_uses();
    log.take();
    new(3).call(&store);
    new(4).call(&store);
    assert!(is_kept(&store, &mut old(0)));
    assert!(!is_kept(&store, &mut old(1)));
    let superseded = |event: &Event| {
        matches!(
            event,
            Event::Evicted {
                superseded: true,
                ..
            }
        )
    };
    assert_eq!(
        log.take().iter().filter(|event| superseded(event)).count(),
        1
    );
}

#[test]
fn another_value_supersedes_nothing() {
    let (_dir, store, log) = bounded(bytes(450_000));
    // `times` is a global, and another one in each of these.
    for number in 0..10 {
        sized(number, 100_000 - 100 * number).call(&store);
    }
    let superseded = |event: &Event| {
        matches!(
            event,
            Event::Evicted {
                superseded: true,
                ..
            }
        )
    };
    assert_eq!(
        log.take().iter().filter(|event| superseded(event)).count(),
        0
    );
}

#[test]
fn pinned_results_stay() {
    let (_dir, store, _) = bounded(bytes(450_000));
    let pinned = || Repeat {
        retention: Retention {
            pinned: true,
            ..Retention::default()
        },
        ..sized(0, 100_000)
    };
    pinned().call(&store);
    for number in 1..20 {
        Repeat {
            pause: Duration::from_millis(2),
            ..sized(number, 100_000)
        }
        .call(&store);
    }
    assert!(is_kept(&store, &mut pinned()));
    assert!(clear_entry(&store, &mut pinned()).unwrap());
}

#[test]
fn what_exceeds_a_bound_alone_is_not_stored() {
    let (_dir, store, log) = bounded(bytes(50_000));
    sized(0, 100_000).call(&store);
    let limited = Repeat {
        retention: Retention {
            max_result_size: Some(1000),
            ..Retention::default()
        },
        ..sized(1, 10_000)
    };
    limited.clone().call(&store);
    let quick = Repeat {
        retention: Retention {
            min_compute_time: Duration::from_secs(60),
            ..Retention::default()
        },
        ..sized(2, 100)
    };
    quick.clone().call(&store);
    let reasons: Vec<_> = log
        .take()
        .into_iter()
        .filter_map(|event| match event {
            Event::NotStored { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert!(
        matches!(
            reasons[..],
            [
                NotStored::TooLarge { most: 50_000, .. },
                NotStored::TooLarge { most: 1000, .. },
                NotStored::TooQuick
            ]
        ),
        "{reasons:?}"
    );
}

#[test]
fn the_last_bound_that_is_asked_for_counts() {
    let (dir, store, log) = bounded(bytes(10_000_000));
    for number in 0..50 {
        sized(number, 100_000).call(&store);
    }
    assert_eq!(evicted(&log), 0);
    let (store, _) = open(dir.path(), bytes(1_000_000));
    assert!(evicted(&log) >= 40);
    assert!(store.usage().unwrap().bytes() <= 1_000_000);
    let (store, _) = open(dir.path(), Room::default());
    assert_eq!(store.bound().unwrap().bytes, 1_000_000);
}

#[test]
fn a_policy_may_be_changed() {
    let (dir, store, _) = bounded(bytes(450_000));
    assert_eq!(store.policy().unwrap(), "gdsf");
    for number in 0..3 {
        sized(number, 100_000).call(&store);
    }
    let (store, _) = open(
        dir.path(),
        Room {
            policy: Some("lru".to_owned()),
            ..Room::default()
        },
    );
    assert_eq!(store.policy().unwrap(), "lru");
    for number in 3..6 {
        sized(number, 100_000).call(&store);
    }
    // Those from before keep the order they had.
    let kept: Vec<_> = (0..6)
        .map(|number| is_kept(&store, &mut sized(number, 100_000)))
        .collect();
    assert_eq!(kept[3..], [true, true, true]);
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 4);
}

#[test]
fn what_is_evicted_can_be_read_by_whoever_has_it() {
    let (_dir, store, _) = bounded(bytes(2_000_000));
    let mut callee = sized(0, 1_000_000);
    callee.call(&store);
    let function = rememo::Callee::function(&callee).to_owned();
    let entries = store.entries_of(&function, 2).unwrap();
    let encoded = store.open_value(&entries[0]).unwrap();
    store.reduce_to(&bytes(1), |_| ()).unwrap();
    assert!(store.entries_of(&function, 2).unwrap().is_empty());
    assert_eq!(store.usage().unwrap().files, 0);
    let frame = &encoded.frames[1].bytes;
    assert_eq!(frame.len(), 1_000_000);
    assert!(frame.starts_with(b"0000000000"));
}

#[test]
fn counts_stay_right_through_all_changes() {
    let (_dir, store, _) = bounded(bytes(100_000_000));
    let empty = store.usage().unwrap();
    for number in 0..20 {
        let mut callee = sized(number, if number % 2 == 0 { 100 } else { 5000 });
        callee.call(&store);
        // Stored anew in its own place.
        call(&store, &mut callee, rememo::Mode::Recompute).unwrap();
        if number % 3 == 0 {
            clear_entry(&store, &mut callee).unwrap();
        }
    }
    assert_eq!(store.usage().unwrap().entries, 13);
    store.clear_function("tests.repeat").unwrap();
    let cleared = store.usage().unwrap();
    assert_eq!(
        (cleared.entries, cleared.bytes(), cleared.files),
        (empty.entries, empty.bytes(), empty.files)
    );
}
