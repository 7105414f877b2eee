//! Hits, misses and their reasons; what is not stored; explaining and clearing.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use common::{Log, Repeat, store};
use rememo::{
    Event, MissReason, Mode, NotStored, Store, StoreConfig, StoreError, StoredValue, Why, call,
    clear_entry, explain, lookup, would_hit,
};

#[test]
fn a_second_call_hits_small_or_large() {
    let (_dir, store, log) = store();
    for times in [1, 1_000_000] {
        let mut callee = Repeat {
            times,
            ..Repeat::new("ab")
        };
        let first = callee.call(&store);
        assert_eq!(callee.call(&store), first);
        assert_eq!(callee.runs(), 1);
        let events = log.take();
        let inline = times == 1;
        assert!(matches!(&events[0], Event::Miss { .. }), "{events:?}");
        assert!(
            matches!(&events[1], Event::Stored { inline: i, .. } if *i == inline),
            "{events:?}"
        );
        assert!(matches!(&events[2], Event::Hit { .. }), "{events:?}");
    }
    let stats = store.events().stats("tests.repeat");
    assert_eq!((stats.hits, stats.misses(), stats.stored), (2, 2, 2));
    assert!(stats.saved_ns > 0);
}

#[test]
fn a_miss_says_why_and_undoing_an_edit_hits() {
    use MissReason::{ArgumentsChanged, Forced, New, StateChanged};
    let (_dir, store, log) = store();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    callee.argument = "b".into();
    callee.call(&store);
    callee.helper = "v2".into();
    callee.call(&store);
    call(&store, &mut callee, Mode::Recompute).unwrap();
    assert_eq!(log.misses(), [New, ArgumentsChanged, StateChanged, Forced]);
    callee.helper = "v1".into();
    callee.call(&store);
    assert_eq!((log.misses().len(), callee.runs()), (0, 4));
}

#[test]
fn explain_names_what_changed() {
    let (_dir, store, _) = store();
    let mut callee = Repeat::new("a");
    assert_eq!(
        explain(&store, &mut callee).unwrap().reason,
        Some(MissReason::New)
    );
    callee.call(&store);
    assert!(explain(&store, &mut callee).unwrap().hit);
    callee.helper = "v2".into();
    let why = explain(&store, &mut callee).unwrap();
    assert_eq!(
        (why.hit, why.reason),
        (false, Some(MissReason::StateChanged))
    );
    assert_eq!(why.changes.len(), 1);
    assert_eq!(why.changes[0].name, "helper");
    assert_eq!(why.changes[0].old_source.as_deref(), Some("v1"));
    assert!(why.nearest_created_ns.is_some());
    callee = Repeat::new("b");
    assert_eq!(
        explain(&store, &mut callee).unwrap().changes[0].name,
        "text"
    );
}

#[test]
fn what_cannot_be_keyed_or_encoded_is_still_computed() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        unkeyable: true,
        ..Repeat::new("a")
    };
    assert_eq!(callee.call(&store), "a");
    assert!(matches!(&log.take()[..], [Event::Bypassed { .. }]));
    assert!(lookup(&store, &mut callee).is_err());
    callee = Repeat {
        unencodable: true,
        ..Repeat::new("a")
    };
    assert_eq!(callee.call(&store), "a");
    let unencodable = NotStored::Unencodable("no".into());
    assert!(matches!(&log.take()[1], Event::NotStored { reason, .. } if *reason == unencodable));
}

#[test]
fn an_edit_during_the_run_keeps_the_result_out() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        edit_while_running: true,
        ..Repeat::new("a")
    };
    callee.call(&store);
    let events = log.take();
    let Event::NotStored {
        reason: NotStored::KeyChanged(changes, None),
        ..
    } = &events[1]
    else {
        panic!("{events:?}");
    };
    assert_eq!(changes[0].new_source.as_deref(), Some("v1!"));
    assert!(store.entries_of("tests.repeat", 10).unwrap().is_empty());
}

#[test]
fn looking_and_clearing() {
    let (_dir, store, _) = store();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    assert_eq!(lookup(&store, &mut callee).unwrap(), None);
    let value = callee.call(&store);
    assert_eq!(lookup(&store, &mut callee).unwrap(), Some(value));
    assert!(would_hit(&store, &mut callee).unwrap());
    assert!(clear_entry(&store, &mut callee).unwrap());
    assert!(!clear_entry(&store, &mut callee).unwrap());
    assert!(!would_hit(&store, &mut callee).unwrap());
    for argument in ["a", "b", "c"] {
        callee.argument = argument.into();
        callee.call(&store);
    }
    assert_eq!(objects(&store), 3);
    assert_eq!(store.clear_function("another").unwrap(), 0);
    assert_eq!(store.clear_function("tests.repeat").unwrap(), 3);
    assert_eq!(objects(&store), 0);
    callee.call(&store);
    assert_eq!((store.clear_all().unwrap(), objects(&store)), (1, 0));
}

#[test]
fn equal_results_share_an_object_until_the_last_is_cleared() {
    let (_dir, store, _) = store();
    let mut first = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    let mut second = Repeat {
        helper: "v2".into(),
        ..first.clone()
    };
    first.call(&store);
    second.call(&store);
    call(&store, &mut second, Mode::Recompute).unwrap();
    assert_eq!(objects(&store), 1);
    clear_entry(&store, &mut first).unwrap();
    assert!(would_hit(&store, &mut second).unwrap());
    let entry = &store.entries_of("tests.repeat", 10).unwrap()[..];
    assert!(matches!(entry, [only] if matches!(only.value, StoredValue::Object(_))));
    assert_eq!(
        store.state(&entry[0].state).unwrap().unwrap().parts.len(),
        2
    );
    clear_entry(&store, &mut second).unwrap();
    assert_eq!(
        (objects(&store), store.state(&entry[0].state).unwrap()),
        (0, None)
    );
}

#[test]
fn the_directory_is_private_and_marked() {
    let (_dir, store, _) = store();
    let mode = |name: &str| {
        fs::metadata(store.dir().join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("") & 0o777, 0o700);
    for file in [
        "format",
        "CACHEDIR.TAG",
        ".gitignore",
        "locks",
        "index/data.mdb",
    ] {
        assert_eq!(mode(file) & 0o777, 0o600, "{file}");
    }
}

#[test]
fn other_formats_are_refused_or_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("format"), "rememo 99\n").unwrap();
    let refused = Store::open(StoreConfig::new(&path));
    assert!(matches!(
        refused,
        Err(StoreError::Newer { version: 99, .. })
    ));
    fs::write(path.join("format"), "joblib").unwrap();
    let log = Arc::new(Log::default());
    let config = StoreConfig {
        subscriber: Some(log.clone()),
        ..StoreConfig::new(&path)
    };
    let store = Store::open(config).unwrap();
    assert!(matches!(&log.take()[0], Event::Degraded { .. }));
    Repeat::new("a").call(&store);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn one_store_per_directory_and_a_deleted_one_begins_anew() {
    let (_dir, store, log) = store();
    let config = StoreConfig::new(store.dir());
    let again = Store::open(config.clone()).unwrap();
    Repeat::new("a").call(&store);
    let mut callee = Repeat::new("a");
    callee.call(&again);
    assert_eq!((callee.runs(), log.take().len()), (0, 3));
    for n in 1..3 {
        fs::remove_dir_all(store.dir()).unwrap();
        let anew = Store::open(config.clone()).unwrap();
        callee.call(&anew);
        callee.call(&anew);
        assert_eq!(callee.runs(), n);
    }
}

#[test]
fn what_is_stored_after_a_deletion_is_kept() {
    let (_dir, store, _) = store();
    Repeat::new("a").call(&store);
    fs::remove_dir_all(store.dir()).unwrap();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("b")
    };
    callee.call(&store);
    store.close();
    assert!(would_hit(&store, &mut callee).unwrap());
    assert!(!would_hit(&store, &mut Repeat::new("a")).unwrap());
}

#[test]
fn a_retired_store_keeps_nothing_until_it_is_opened_again() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    store.retire();
    fs::remove_dir_all(store.dir()).unwrap();
    callee.call(&store);
    assert!(matches!(log.take().last(), Some(Event::NotStored { .. })));
    assert!(!store.dir().exists());
    let again = Store::open(StoreConfig::new(store.dir())).unwrap();
    callee.call(&again);
    assert!(would_hit(&store, &mut callee).unwrap());
}

fn objects(store: &Store) -> usize {
    let dirs = fs::read_dir(store.dir().join("objects")).unwrap();
    dirs.map(|dir| fs::read_dir(dir.unwrap().path()).unwrap().count())
        .sum()
}

#[test]
fn statistics_are_kept_by_day_and_merged() {
    let (_dir, store, _) = store();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    callee.call(&store);
    let first = store.stats(0).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].function, "tests.repeat");
    assert_eq!((first[0].stats.hits, first[0].stats.misses()), (1, 1));
    callee.call(&store);
    store.close();
    let merged = store.stats(1).unwrap();
    assert_eq!((merged[0].stats.hits, merged[0].stats.stored), (2, 1));
    // Clearing results does not unmake what they saved.
    store.clear_all().unwrap();
    assert_eq!(store.stats(0).unwrap(), merged);
    store.reset_stats(Some("another")).unwrap();
    assert_eq!(store.stats(0).unwrap(), merged);
    store.reset_stats(Some("tests.repeat")).unwrap();
    assert!(store.stats(0).unwrap().is_empty());
}

#[test]
fn the_last_misses_are_told_to_who_was_not_there() {
    let (dir, store, _) = store();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    callee.argument = "b".into();
    callee.call(&store);
    callee.helper = "v2".into();
    callee.call(&store);
    callee.unkeyable = true;
    callee.call(&store);
    callee.call(&store);
    store.close();
    let moved = dir.path().join("moved");
    fs::rename(dir.path().join("store"), &moved).unwrap();
    let there = Store::open(StoreConfig::new(&moved)).unwrap();
    let told = there.last_misses(Some("tests.repeat")).unwrap();
    let whys: Vec<_> = told.iter().map(|miss| &miss.why).collect();
    let [
        Why::Bypassed { detail },
        Why::Missed {
            reason: MissReason::StateChanged,
            changes: edited,
            ..
        },
        Why::Missed {
            reason: MissReason::ArgumentsChanged,
            changes: asked,
            ..
        },
        Why::Missed {
            reason: MissReason::New,
            ..
        },
    ] = whys[..]
    else {
        panic!("{whys:?}");
    };
    assert_eq!(detail, "repeat -> helper -> socket");
    assert_eq!((told[0].times, told[0].key), (2, None));
    assert!(told[1].at_ns > told[3].at_ns && told[1].key.is_some());
    let [edit] = &edited[..] else {
        panic!("{edited:?}")
    };
    assert_eq!((edit.name.as_str(), edit.old.is_some()), ("helper", true));
    assert_eq!(edit.old_source.as_deref(), Some("v1"));
    assert_eq!(edit.new_source.as_deref(), Some("v2"));
    assert_eq!(asked[0].to_string(), "argument text");
    assert!(there.last_misses(Some("tests.other")).unwrap().is_empty());
    assert_eq!(there.last_misses(None).unwrap(), told);
}
