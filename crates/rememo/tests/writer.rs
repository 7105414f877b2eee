//! What the writer owes: results on their way are hits, waits end, and what was told of is there.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Log, Repeat, store_with};
use rememo::{
    Durability, Event, Mode, NotStored, Store, StoreConfig, Subscriber, Tier, call, would_hit,
};

/// Long enough for nothing to be written on its own while a test runs.
const NEVER: Duration = Duration::from_secs(3600);

fn later() -> (tempfile::TempDir, Store, Arc<Log>) {
    store_with(|dir| StoreConfig {
        flush_every: Some(NEVER),
        ..StoreConfig::new(dir)
    })
}

/// A second process's view of the same directory would see this many results.
fn in_index(store: &Store) -> usize {
    // Counting settles the queue, so this is asked last.
    store.entries_of("tests.repeat", 10_000).unwrap().len()
}

fn stored(events: &[Event]) -> usize {
    let stored = |event: &&Event| matches!(event, Event::Stored { .. });
    events.iter().filter(stored).count()
}

#[test]
fn a_result_on_its_way_is_a_hit() {
    let (_dir, store, log) = later();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    assert!(would_hit(&store, &mut callee).unwrap());
    assert_eq!(callee.call(&store), "a");
    assert_eq!(callee.runs(), 1);
    let events = log.take();
    let pending =
        |event: &Event| matches!(event, Event::Hit { tier, .. } if *tier == Tier::Pending);
    assert!(pending(&events[1]), "{events:?}");
    assert_eq!(stored(&events), 0);
    store.commit().unwrap();
    assert_eq!(stored(&log.take()), 1);
    callee.call(&store);
    assert!(matches!(&log.take()[..], [Event::Hit { tier, .. }] if *tier == Tier::Directory));
}

#[test]
fn results_are_written_when_it_is_time() {
    let (_dir, store, log) = store_with(|dir| StoreConfig {
        flush_every: Some(Duration::from_millis(5)),
        ..StoreConfig::new(dir)
    });
    for i in 0..50 {
        Repeat::new(&i.to_string()).call(&store);
    }
    let end = Instant::now() + Duration::from_secs(30);
    let mut told = 0;
    while told < 50 && Instant::now() < end {
        told += stored(&log.take());
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!((told, in_index(&store)), (50, 50));
}

#[test]
fn a_full_queue_loses_nothing() {
    let (_dir, store, log) = later();
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for i in 0..600 {
                    Repeat::new(&format!("{thread}.{i}")).call(store);
                }
            });
        }
    });
    store.commit().unwrap();
    assert_eq!((stored(&log.take()), in_index(&store)), (2400, 2400));
}

#[test]
fn values_larger_than_the_queue_go_through() {
    let (_dir, store, _) = later();
    Repeat::new("before").call(&store);
    let mut callee = Repeat {
        times: 65 << 20,
        ..Repeat::new("a")
    };
    assert_eq!(callee.call(&store).len(), 65 << 20);
    Repeat::new("after").call(&store);
    assert_eq!(in_index(&store), 3);
}

#[test]
fn clearing_takes_what_is_on_its_way_too() {
    let (_dir, store, _) = later();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    assert_eq!(store.clear_all().unwrap(), 1);
    callee.call(&store);
    assert_eq!(callee.runs(), 2);
    assert_eq!(store.clear_function("tests.repeat").unwrap(), 1);
    assert!(!would_hit(&store, &mut callee).unwrap());
}

#[test]
fn the_newest_of_two_results_for_a_call_counts() {
    let (_dir, store, _) = later();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    call(&store, &mut callee, Mode::Recompute).unwrap();
    callee.call(&store);
    assert_eq!((callee.runs(), in_index(&store)), (2, 1));
    callee.call(&store);
    assert_eq!(callee.runs(), 2);
}

#[test]
fn threads_that_wait_hit_what_is_on_its_way() {
    let (_dir, store, _) = later();
    let callee = Repeat {
        pause: Duration::from_millis(5),
        ..Repeat::new("a")
    };
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..8 {
            let (mut callee, store) = (callee.clone(), &store);
            scope.spawn(move || callee.call(store));
        }
    });
    assert_eq!(callee.runs(), 1);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_took_long_is_not_left_to_wait() {
    let (_dir, store, log) = later();
    let mut callee = Repeat {
        pause: Duration::from_millis(50),
        ..Repeat::new("a")
    };
    callee.call(&store);
    let end = Instant::now() + Duration::from_secs(30);
    let mut told = 0;
    while told == 0 && Instant::now() < end {
        told += stored(&log.take());
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(told, 1);
}

#[test]
fn a_listener_on_the_writers_thread_may_use_the_store() {
    #[derive(Debug)]
    struct Meddler(Store, AtomicBool);
    impl Subscriber for Meddler {
        fn on(&self, event: &Event) {
            if matches!(event, Event::Stored { .. }) && !self.1.swap(true, Ordering::SeqCst) {
                Repeat::new("from the listener").call(&self.0);
                self.0.commit().unwrap();
                Store::before_fork();
                Store::after_fork_in_parent();
            }
        }
    }
    let (_dir, store, _) = later();
    let meddler = Arc::new(Meddler(store.clone(), AtomicBool::new(false)));
    store.events().subscribe(meddler);
    Repeat::new("a").call(&store);
    store.commit().unwrap();
    assert_eq!(in_index(&store), 2);
}

#[test]
fn forks_and_calls_from_many_threads_do_not_wait_for_each_other() {
    let (_dir, store, _) = store_with(|dir| StoreConfig {
        flush_every: Some(Duration::from_micros(200)),
        ..StoreConfig::new(dir)
    });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..3 {
            let (store, over) = (&store, &over);
            scope.spawn(move || {
                for i in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    Repeat::new(&format!("{thread}.{i}")).call(store);
                }
            });
        }
        for _ in 0..300 {
            Store::before_fork();
            Store::after_fork_in_parent();
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_cannot_be_written_is_told_of_by_the_next_miss() {
    let (_dir, store, log) = later();
    std::fs::remove_dir_all(store.dir().join("objects")).unwrap();
    std::fs::write(store.dir().join("objects"), "in the way").unwrap();
    let mut large = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    large.call(&store);
    Repeat::new("b").call(&store);
    store.commit().unwrap();
    let events = log.take();
    let lost = |event: &&Event| {
        matches!(
            event,
            Event::NotStored {
                reason: NotStored::StoreFailed(_),
                ..
            }
        )
    };
    assert_eq!(events.iter().filter(lost).count(), 1, "{events:?}");
    assert_eq!(stored(&events), 1);
    large.call(&store);
    assert_eq!(large.runs(), 2);
}

#[test]
fn the_safest_of_what_is_asked_for_counts() {
    let (dir, store, log) = store_with(|dir| StoreConfig {
        flush_every: Some(NEVER),
        durability: Some(Durability::Fast),
        ..StoreConfig::new(dir)
    });
    Repeat::new("a").call(&store);
    assert_eq!(stored(&log.take()), 0);
    store.ask_for(Some(Durability::Fsync), None);
    Repeat {
        times: 10_000,
        ..Repeat::new("b")
    }
    .call(&store);
    assert_eq!(stored(&log.take()), 1, "the caller waits");
    store.commit().unwrap();
    drop(dir);
}
