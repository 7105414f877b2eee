//! A result that another store kept is a hit here, and says nothing about what is here.

mod common;

use std::sync::Arc;

use common::{Repeat, store};
use rememo::{Encoded, Entry, StateTree, Store, Taken};

/// Every result of a store, as it goes to another.
fn packed(store: &Store) -> Vec<(rememo::Digest, Entry, Arc<StateTree>, Encoded)> {
    let mut packed = Vec::new();
    for (call, _) in store.by_age().unwrap() {
        for entry in store.entries_under(&call).unwrap() {
            let state = store.state(&entry.state).unwrap().unwrap();
            let container = store.container_of(&entry).unwrap();
            let staging = store.dir().join("tmp");
            let value = Encoded::unpack(&*container, container.len() as u64, &staging).unwrap();
            packed.push((call, entry, Arc::new(state), value));
        }
    }
    packed
}

fn take(store: &Store, from: &Store) -> Vec<Taken> {
    let packed = packed(from).into_iter();
    packed
        .map(|(call, entry, state, value)| store.take_in(call, entry, state, &value).unwrap())
        .collect()
}

#[test]
fn a_result_of_another_store_is_a_hit_and_is_taken_once() {
    let ((_a, from, _), (_b, to, _)) = (store(), store());
    let mut small = Repeat::new("small");
    let mut large = Repeat {
        times: 300_000,
        ..Repeat::new("large")
    };
    let results = [small.call(&from), large.call(&from)];
    assert_eq!(take(&to, &from), [Taken::New, Taken::New]);
    assert_eq!(take(&to, &from), [Taken::There, Taken::There]);
    assert_eq!([small.call(&to), large.call(&to)], results);
    assert_eq!((small.runs(), large.runs()), (1, 1));
    assert!(to.verify(false).unwrap().is_whole());
    assert_eq!(to.usage().unwrap(), from.usage().unwrap());
}

#[test]
fn code_of_another_store_supersedes_nothing_and_its_pins_do_not_count() {
    let ((_a, from, _), (_b, to, _)) = (store(), store());
    let mut old = Repeat {
        retention: rememo::Retention {
            pinned: true,
            ..rememo::Retention::default()
        },
        ..Repeat::new("x")
    };
    old.call(&from);
    let mut current = Repeat {
        helper: "v2".into(),
        ..Repeat::new("x")
    };
    current.call(&to);
    assert_eq!(take(&to, &from), [Taken::New]);
    let unread = to.each(|listed| {
        assert!(!listed.superseded && !listed.entry.pinned);
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!((unread.unwrap(), to.usage().unwrap().entries), (0, 2));
}

#[test]
fn what_is_cut_off_or_damaged_is_no_container() {
    let (_dir, store, _) = store();
    let mut large = Repeat {
        times: 300_000,
        ..Repeat::new("large")
    };
    large.call(&store);
    let (call, _) = store.by_age().unwrap()[0];
    let entry = &store.entries_under(&call).unwrap()[0];
    let container = store.container_of(entry).unwrap().to_vec();
    let staging = store.dir().join("tmp");
    let unpack = |bytes: &[u8], len: usize| Encoded::unpack(bytes, len as u64, &staging);
    assert!(unpack(&container, container.len()).is_ok());
    let most = usize::try_from(u64::MAX >> 8).unwrap();
    assert!(unpack(&container[..container.len() - 1], container.len()).is_err());
    assert!(unpack(&container, container.len() - 1).is_err());
    assert!(unpack(&container[..1000], most).is_err());
    let mut damaged = container.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(unpack(&damaged, damaged.len()).is_err());
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}
