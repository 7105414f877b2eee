//! A call that its front-end makes step by step keeps what a call in one go keeps.

mod common;

use common::{Log, Repeat, store};
use rememo::{Begun, Callee, Event, Mode, Store, begin, finish, give_up};

fn name(event: &Event) -> &'static str {
    match event {
        Event::Hit { .. } => "hit",
        Event::Miss { .. } => "miss",
        Event::Stored { .. } => "stored",
        Event::NotStored { .. } => "not stored",
        Event::Bypassed { .. } => "bypassed",
        _ => "other",
    }
}

fn names(log: &Log) -> Vec<&'static str> {
    log.take().iter().map(name).collect()
}

fn claimed(store: &Store, callee: &mut Repeat) -> Begun<String> {
    begin(store, callee, Mode::Normal, true)
}

#[test]
fn what_is_finished_is_found() {
    let (_dir, store, log) = store();
    let mut callee = Repeat::new("a");
    let Begun::Missed(missed) = claimed(&store, &mut callee) else {
        panic!("there was nothing to miss");
    };
    let Ok(value) = callee.run();
    assert!(finish(&store, &mut callee, missed, &value, 5));
    assert!(matches!(claimed(&store, &mut callee), Begun::Answered(found) if found == "a"));
    let anew = begin(&store, &mut callee, Mode::Recompute, true);
    assert!(matches!(anew, Begun::Missed(_)));
    assert_eq!(names(&log), ["miss", "stored", "hit", "miss"]);
}

#[test]
fn a_call_that_is_dropped_gives_back_its_claim() {
    let (_dir, store, log) = store();
    let mut callee = Repeat::new("a");
    let first = claimed(&store, &mut callee);
    assert!(matches!(first, Begun::Missed(_)));
    // Whoever asks, the same thread too, as long as the claim is held.
    assert!(matches!(claimed(&store, &mut callee), Begun::Busy(_)));
    let unclaimed = begin(&store, &mut callee, Mode::Normal, false);
    assert!(matches!(unclaimed, Begun::Missed(_)));
    drop(first);
    assert!(matches!(claimed(&store, &mut callee), Begun::Missed(_)));
    assert_eq!(names(&log), ["miss", "miss", "miss"]);
}

#[test]
fn a_call_given_up_says_why() {
    let (_dir, store, log) = store();
    let mut callee = Repeat::new("a");
    let Begun::Missed(missed) = claimed(&store, &mut callee) else {
        panic!("there was nothing to miss");
    };
    give_up(&store, &mut callee, missed, "too long".into());
    assert!(matches!(claimed(&store, &mut callee), Begun::Missed(_)));
    assert_eq!(names(&log), ["miss", "not stored", "miss"]);
}

#[test]
fn a_key_that_changes_meanwhile_keeps_the_result_from_being_stored() {
    let (_dir, store, log) = store();
    let mut callee = Repeat {
        edit_while_running: true,
        ..Repeat::new("a")
    };
    let Begun::Missed(missed) = claimed(&store, &mut callee) else {
        panic!("there was nothing to miss");
    };
    let Ok(value) = callee.run();
    assert!(!finish(&store, &mut callee, missed, &value, 5));
    callee.unkeyable = true;
    assert!(matches!(claimed(&store, &mut callee), Begun::Unkeyed));
    assert_eq!(names(&log), ["miss", "not stored", "bypassed"]);
}
