//! Results whose entries were lost are entered again, and nothing is that was cleared.

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::{Log, Repeat, at_once, store};
use rememo::{
    Callee, Event, MissReason, Mode, Orphans, Retention, Store, TimeToLive, call, clear_entry,
};

/// A call whose result has a file of its own.
fn large(argument: &str) -> Repeat {
    Repeat {
        times: 20_000,
        ..Repeat::new(argument)
    }
}

/// Damages the index, and opens the store again.
fn lose_index(store: &Store) -> (Store, Arc<Log>) {
    store.close();
    fs::write(store.dir().join("index/data.mdb"), vec![0xAB; 1 << 16]).unwrap();
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    (Store::open(at_once(store.dir())).unwrap(), log)
}

/// How many results were said to be entered again.
fn adopted(log: &Log) -> u64 {
    let entries = |event| match event {
        Event::Adopted { entries } => entries,
        _ => 0,
    };
    log.take().into_iter().map(entries).sum()
}

fn hits(store: &Store, callee: &mut Repeat) -> bool {
    let runs = callee.runs();
    assert_eq!(callee.call(store), callee.argument.repeat(callee.times));
    callee.runs() == runs
}

/// Leaves a result as a process does that is killed before it could enter it.
fn as_if_killed(store: &Store, callee: &mut Repeat) {
    let key = callee.key().unwrap().digest();
    callee.call(store);
    let object = only_object(store);
    let pending = store.dir().join("pending").join(key.to_hex());
    fs::hard_link(&object, pending).unwrap();
    fs::remove_file(&object).unwrap();
    fs::remove_dir(object.parent().unwrap()).unwrap();
    store.close();
    fs::remove_dir_all(store.dir().join("index")).unwrap();
}

fn only_object(store: &Store) -> PathBuf {
    let list = |dir: PathBuf| fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
    let mut objects = list(store.dir().join("objects")).flat_map(list);
    objects.next().unwrap()
}

fn left(store: &Store, name: &str) -> usize {
    fs::read_dir(store.dir().join(name)).unwrap().count()
}

#[test]
fn a_lost_index_is_made_again_from_the_results() {
    let (_dir, store, _) = store();
    let mut callees: Vec<_> = (0..20).map(|n| large(&format!("{n},"))).collect();
    callees[3].retention.tag = Some("tag".into());
    callees[4].retention.pinned = true;
    let before: Vec<_> = callees
        .iter_mut()
        .map(|callee| {
            callee.call(&store);
            store.entry_under(&callee.key().unwrap().digest()).unwrap()
        })
        .collect();
    let mut small = Repeat::new("small");
    small.call(&store);
    let (store, log) = lose_index(&store);
    assert_eq!(adopted(&log), 20);
    assert!(!store.dir().join("lost").exists());
    for (callee, before) in callees.iter_mut().zip(&before) {
        let key = callee.key().unwrap().digest();
        assert_eq!(store.entry_under(&key).unwrap(), *before);
        assert!(hits(&store, callee));
    }
    let state = callees[0].key().unwrap().state().clone();
    assert_eq!(store.state(&state.digest).unwrap(), Some((*state).clone()));
    assert!(!hits(&store, &mut small), "it was in the index itself");
    let found = store.verify(false).unwrap();
    assert!(found.is_whole() && found.orphans.files == 0, "{found:?}");
    assert_eq!(store.clear_tag("tag").unwrap(), 1);
    assert!(!hits(&store, &mut callees[3]));
}

#[test]
fn so_is_one_that_is_gone_altogether() {
    let (_dir, store, log) = store();
    let mut callee = large("a");
    callee.call(&store);
    store.close();
    fs::remove_dir_all(store.dir().join("index")).unwrap();
    log.take();
    assert!(hits(&store, &mut callee));
    assert_eq!(adopted(&log), 1);
}

#[test]
fn whoever_is_killed_while_making_it_again_is_stood_in_for() {
    let (_dir, store, log) = store();
    let mut callee = large("a");
    callee.call(&store);
    store.close();
    // As when the index had been set aside, and another begun, and no more.
    fs::remove_dir_all(store.dir().join("index")).unwrap();
    let object = only_object(&store);
    let away = store.dir().join("away");
    fs::rename(object.parent().unwrap(), &away).unwrap();
    Store::open(at_once(store.dir())).unwrap().close();
    fs::rename(&away, object.parent().unwrap()).unwrap();
    fs::write(store.dir().join("lost"), "").unwrap();
    log.take();
    assert!(hits(&store, &mut callee));
    assert_eq!(adopted(&log), 1);
}

type Clear = dyn Fn(&Store, &mut Repeat);

#[test]
fn nothing_comes_back_that_was_cleared() {
    let (_dir, store, log) = store();
    let mut callees: Vec<_> = ["entry", "tag", "function", "all"].map(large).into();
    callees[1].retention.tag = Some("tag".into());
    let clears: [&Clear; 4] = [
        &|store, callee| assert!(clear_entry(store, callee).unwrap()),
        &|store, _| assert_eq!(store.clear_tag("tag").unwrap(), 1),
        &|store, _| assert_eq!(store.clear_function("tests.repeat").unwrap(), 1),
        &|store, _| assert_eq!(store.clear_all().unwrap(), 1),
    ];
    for (callee, clear) in callees.iter_mut().zip(clears) {
        callee.call(&store);
        let object = only_object(&store);
        let kept = fs::read(&object).unwrap();
        clear(&store, callee);
        // As when the process was killed before it had removed the file.
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(&object, kept).unwrap();
        let (store, _) = lose_index(&store);
        assert_eq!(store.usage().unwrap().entries, 0, "{}", callee.argument);
        log.take();
        let orphan = Orphans {
            files: 1,
            bytes: fs::metadata(&object).unwrap().len(),
        };
        assert_eq!(store.remove_orphans().unwrap(), orphan);
        assert!(!hits(&store, callee));
        store.clear_all().unwrap();
    }
}

#[test]
fn one_of_two_calls_with_one_result_is_cleared_for_good() {
    let (_dir, store, _) = store();
    let (mut first, mut second) = (large("ab"), large("abab"));
    second.times /= 2;
    first.call(&store);
    second.call(&store);
    assert_eq!(store.usage().unwrap().files, 1);
    clear_entry(&store, &mut first).unwrap();
    let (store, _) = lose_index(&store);
    assert!(!hits(&store, &mut first));
}

#[test]
fn a_result_that_was_made_anew_is_found_again_as_that() {
    let (_dir, store, _) = store();
    let mut callee = large("a");
    callee.call(&store);
    let Ok(_) = call(&store, &mut callee, Mode::Recompute);
    let key = callee.key().unwrap().digest();
    let before = store.entry_under(&key).unwrap();
    let (store, log) = lose_index(&store);
    assert_eq!(adopted(&log), 1);
    assert_eq!(store.entry_under(&key).unwrap(), before);
    assert!(hits(&store, &mut callee));
}

#[test]
fn a_result_that_is_over_stays_so() {
    let (_dir, store, log) = store();
    let good = Duration::from_millis(1);
    let mut callee = Repeat {
        retention: Retention {
            ttl: Some(TimeToLive::For(good)),
            ..Retention::default()
        },
        ..large("a")
    };
    callee.call(&store);
    thread::sleep(5 * good);
    let (store, _) = lose_index(&store);
    log.take();
    assert!(!hits(&store, &mut callee));
    assert_eq!(log.misses(), [MissReason::Expired]);
}

#[test]
fn a_result_whose_process_was_killed_before_entering_it_hits() {
    let (_dir, store, log) = store();
    let mut callee = large("a");
    as_if_killed(&store, &mut callee);
    log.take();
    let mut other = large("b");
    assert!(!hits(&store, &mut other));
    assert!(hits(&store, &mut callee));
    assert_eq!(adopted(&log), 1);
    assert_eq!(left(&store, "pending"), 0);
    assert_eq!(left(&store, "tmp"), 0);
    assert!(store.verify(false).unwrap().is_whole());
}

#[test]
fn and_does_not_once_it_was_cleared() {
    for forced in [false, true] {
        let (_dir, store, _) = store();
        let mut callee = large("a");
        as_if_killed(&store, &mut callee);
        if forced {
            // Nor does it come back behind the result that was made in its place.
            let Ok(_) = call(&store, &mut callee, Mode::Recompute);
            assert_eq!(callee.runs(), 2);
        }
        clear_entry(&store, &mut callee).unwrap();
        assert!(!hits(&store, &mut callee));
        assert_eq!(left(&store, "pending"), 0);
        assert_eq!(store.usage().unwrap().files, 1);
    }
}

#[test]
fn what_is_left_pending_and_is_no_result_goes() {
    let (_dir, store, log) = store();
    let mut callee = large("a");
    let key = callee.key().unwrap().digest();
    let pending = store.dir().join("pending").join(key.to_hex());
    for rot in [&b""[..], b"RMOB", &[0xAB; 1000]] {
        fs::write(&pending, rot).unwrap();
        assert!(!callee.clone().call(&store).is_empty());
        assert!(!pending.exists());
        clear_entry(&store, &mut callee).unwrap();
    }
    // Whole, but of another call.
    callee.call(&store);
    fs::hard_link(only_object(&store), &pending).unwrap();
    let other = large("b").key().unwrap().digest();
    let elsewhere = store.dir().join("pending").join(other.to_hex());
    fs::rename(&pending, elsewhere).unwrap();
    log.take();
    assert!(!hits(&store, &mut large("b")));
    assert_eq!(adopted(&log), 0);
}

#[test]
fn damaged_results_are_not_taken_for_whole_ones() {
    let (_dir, store, _) = store();
    let mut callee = large("a");
    callee.call(&store);
    let object = only_object(&store);
    let whole = fs::read(&object).unwrap();
    // The record that is read by itself, up to where the result begins, and a bit of that.
    let mut store = store;
    for at in (0..whole.len().min(600))
        .step_by(13)
        .chain([whole.len() - 1])
    {
        let mut broken = whole.clone();
        broken[at] ^= 0x40;
        fs::write(&object, &broken).unwrap();
        (store, _) = lose_index(&store);
        assert!(!hits(&store, &mut callee), "byte {at}");
        fs::remove_file(&object).unwrap();
        fs::write(&object, &whole).unwrap();
    }
}
