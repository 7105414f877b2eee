//! Whatever is damaged, the caller gets the right result, and the store heals.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Log, Repeat, store};
use rememo::{Damage, Encoded, Event, MissReason, Store, StoreConfig};

fn only_object(store: &Store) -> PathBuf {
    let first = |dir: &Path| fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    first(&first(&store.dir().join("objects")))
}

/// The value in a container, or why there is none.
fn value_in(container: Vec<u8>) -> Result<Encoded, Damage> {
    Encoded::from_container(container).map(|(value, _)| value)
}

fn degraded(log: &Log) -> bool {
    log.take()
        .iter()
        .any(|event| matches!(event, Event::Degraded { .. }))
}

#[test]
fn a_damaged_or_missing_object_is_computed_again() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    let value = callee.call(&store);
    let object = only_object(&store);
    let whole = fs::read(&object).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (n, broken) in [flipped, whole[..whole.len() - 1].to_vec(), vec![]]
        .iter()
        .enumerate()
    {
        fs::write(&object, broken).unwrap();
        log.take();
        assert_eq!(callee.call(&store), value);
        assert_eq!(log.misses(), [MissReason::Damaged]);
        assert_eq!(callee.runs() as usize, n + 2);
        assert!(value_in(fs::read(&object).unwrap()) == value_in(whole.clone()));
    }
    fs::remove_file(&object).unwrap();
    assert_eq!(callee.call(&store), value);
    assert!(degraded(&log));
    callee.call(&store);
    assert_eq!(callee.runs(), 5);
}

#[test]
fn an_undecodable_result_is_replaced() {
    let (_dir, store, log) = store();
    Repeat::new("a").call(&store);
    let mut callee = Repeat {
        undecodable: true,
        ..Repeat::new("a")
    };
    assert_eq!(callee.call(&store), "a");
    assert!(degraded(&log));
    assert_eq!(store.entries_of("tests.repeat", 10).unwrap().len(), 1);
}

fn damaged_index(damage: impl Fn(&Path)) {
    let (_dir, store, log) = store();
    for i in 0..200 {
        Repeat::new(&i.to_string()).call(&store);
    }
    store.close();
    damage(&store.dir().join("index/data.mdb"));
    log.take();
    let again = Store::open(StoreConfig::new(store.dir())).unwrap();
    assert!(degraded(&log));
    let mut callee = Repeat::new("0");
    assert_eq!(callee.call(&again), "0");
    callee.call(&again);
    assert_eq!(callee.runs(), 1);
    let names = fs::read_dir(store.dir())
        .unwrap()
        .map(|item| item.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with("index.damaged-"))
    );
}

#[test]
fn a_truncated_index_is_set_aside() {
    damaged_index(|data| {
        fs::File::options()
            .write(true)
            .open(data)
            .unwrap()
            .set_len(3 * 4096)
            .unwrap();
    });
    damaged_index(|data| fs::write(data, "short").unwrap());
}

#[test]
fn an_overwritten_index_is_set_aside() {
    damaged_index(|data| fs::write(data, vec![0xAB; 1 << 20]).unwrap());
}

#[test]
fn an_index_that_turns_out_damaged_in_use_is_set_aside() {
    let (_dir, store, log) = store();
    for i in 0..200 {
        Repeat::new(&i.to_string()).call(&store);
    }
    store.close();
    let data = store.dir().join("index/data.mdb");
    let whole = fs::read(&data).unwrap();
    let mut broken = vec![0xAB; whole.len()];
    broken[..16384].copy_from_slice(&whole[..16384]);
    fs::write(&data, broken).unwrap();
    log.take();
    let mut callee = Repeat::new("0");
    assert_eq!(callee.call(&store), "0");
    assert!(degraded(&log));
    callee.call(&store);
    assert_eq!(callee.runs(), 1);
}

#[test]
fn a_store_that_cannot_be_written_never_fails_the_call() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    fs::remove_dir_all(store.dir().join("objects")).unwrap();
    fs::write(store.dir().join("objects"), "in the way").unwrap();
    assert_eq!(callee.call(&store).len(), 10_000);
    let events = log.take();
    assert!(
        matches!(events.last(), Some(Event::NotStored { .. })),
        "{events:?}"
    );
}

#[test]
fn a_newer_store_in_the_place_of_one_in_use_is_not_written_to() {
    let (_other, newer, _) = store();
    Repeat::new("of another").call(&newer);
    let newer = newer.dir().to_owned();
    fs::write(newer.join("format"), "rememo 99\n").unwrap();
    let before = fs::read(newer.join("index/data.mdb")).unwrap();
    let (_dir, store, log) = store();
    let mut callee = Repeat::new("a");
    let value = callee.call(&store);
    fs::remove_dir_all(store.dir()).unwrap();
    fs::rename(&newer, store.dir()).unwrap();
    let refused = store.refresh().unwrap_err().to_string();
    assert!(refused.contains("99"), "{refused}");
    log.take();
    assert_eq!(callee.call(&store), value);
    assert_eq!(callee.call(&store), value);
    let events = log.take();
    let is_hit = |event: &Event| matches!(event, Event::Hit { .. });
    assert!(!events.iter().any(is_hit), "{events:?}");
    let index = fs::read(store.dir().join("index/data.mdb")).unwrap();
    assert!(index == before);
}
