//! A fork, both sides of it one after the other in one process; alone in it, for the child's side
//! drops what every store of the process has on its way.

mod common;

use std::time::Duration;

use common::{Repeat, store_with};
use rememo::{Event, Store, StoreConfig};

#[test]
fn a_fork_finds_everything_written_and_the_child_an_empty_queue() {
    let (_dir, store, log) = store_with(|dir| StoreConfig {
        flush_every: Some(Duration::from_secs(3600)),
        ..StoreConfig::new(dir)
    });
    Repeat::new("a").call(&store);
    Store::before_fork();
    let events = log.take();
    assert!(
        matches!(&events[..], [Event::Miss { .. }, Event::Stored { .. }]),
        "{events:?}"
    );
    // Both sides of a fork, one after the other, in one process.
    Store::after_fork_in_child();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    assert_eq!(callee.runs(), 0);
    Repeat::new("b").call(&store);
    assert_eq!(store.entries_of("tests.repeat", 10).unwrap().len(), 2);
}
