//! Changes of code that were accepted: what answers, for how long, and what does not.

mod common;

use common::{Repeat, store};
use rememo::{
    Acceptance, Callee, Event, MissReason, Mode, Proposal, Proposed, Store, call, clear_entry,
    entry, explain, impact, lookup, propose, would_hit,
};

/// What there is to accept of a callee as it is.
fn proposed(store: &Store, callee: &mut Repeat) -> Proposed {
    let key = callee.key().unwrap();
    propose(store, callee.function(), key.state(), None).unwrap()
}

fn proposal(store: &Store, callee: &mut Repeat) -> Proposal {
    match proposed(store, callee) {
        Proposed::Change(proposal) => proposal,
        other => panic!("{other:?}"),
    }
}

fn accept(store: &Store, callee: &mut Repeat) -> Acceptance {
    let proposal = proposal(store, callee);
    assert_eq!(proposal.objection, None);
    let accepted = proposal.accepted("the same in other words");
    store.accept(&accepted).unwrap();
    accepted
}

/// A callee whose calls with these arguments were stored.
fn called(store: &Store, arguments: &[&str]) -> Repeat {
    let mut callee = Repeat::new("");
    for argument in arguments {
        (*argument).clone_into(&mut callee.argument);
        callee.call(store);
    }
    callee
}

#[test]
fn results_of_the_old_code_answer_for_the_new_until_that_is_revoked() {
    let (_dir, store, log) = store();
    let mut callee = called(&store, &["a", "b"]);
    callee.helper = "v2".into();
    assert!(!would_hit(&store, &mut callee).unwrap());
    let accepted = accept(&store, &mut callee);
    log.take();
    assert_eq!(callee.call(&store), "b");
    callee.argument = "a".into();
    assert_eq!(callee.call(&store), "a");
    assert_eq!(callee.runs(), 2);
    for event in log.take() {
        let Event::Hit {
            key, accepted: by, ..
        } = event
        else {
            panic!("{event:?}");
        };
        assert_eq!(by, [accepted.id()]);
        assert_ne!(
            key,
            entry(&store, &mut Repeat::new("a")).unwrap().unwrap().0
        );
    }
    assert_eq!(lookup(&store, &mut callee).unwrap().unwrap(), "a");
    let explained = explain(&store, &mut callee).unwrap();
    assert_eq!(
        (explained.hit, &explained.accepted[..]),
        (true, &[accepted.clone()][..])
    );
    // It answers nothing that was not computed.
    callee.argument = "c".into();
    let explained = explain(&store, &mut callee).unwrap();
    assert_eq!(explained.reason, Some(MissReason::ArgumentsChanged));
    callee.argument = "a".into();
    assert!(store.revoke(&accepted).unwrap());
    assert!(!store.revoke(&accepted).unwrap());
    callee.call(&store);
    assert_eq!(callee.runs(), 3);
}

#[test]
fn only_the_code_that_was_accepted_is_answered() {
    let (_dir, store, _) = store();
    let mut callee = called(&store, &["a"]);
    callee.helper = "v2".into();
    accept(&store, &mut callee);
    for (helper, times, hits) in [("v2", 1, true), ("v3", 1, false), ("v2", 2, false)] {
        (callee.helper, callee.times) = (helper.into(), times);
        assert_eq!(
            would_hit(&store, &mut callee).unwrap(),
            hits,
            "{helper} {times}"
        );
    }
    // What the new code computes answers for itself only.
    (callee.helper, callee.times) = ("v2".into(), 1);
    callee.argument = "b".into();
    callee.call(&store);
    callee.helper = "v1".into();
    assert!(!would_hit(&store, &mut callee).unwrap());
}

#[test]
fn what_is_no_code_cannot_be_accepted() {
    let (_dir, store, _) = store();
    let mut callee = called(&store, &["a"]);
    assert_eq!(proposed(&store, &mut callee), Proposed::Nothing);
    callee.times = 2;
    let told = proposal(&store, &mut callee).objection.unwrap();
    assert_eq!(told, "global times changed, which is not code");
    callee.helper = "v2".into();
    assert!(proposal(&store, &mut callee).objection.is_some());
}

#[test]
fn the_latest_code_is_meant_that_differs_in_nothing_else_or_the_one_that_is_named() {
    let (_dir, store, _) = store();
    let mut callee = called(&store, &["a"]);
    let first = callee.key().unwrap().state().digest;
    for (helper, times) in [("v2", 1), ("v3", 2)] {
        (callee.helper, callee.times) = (helper.into(), times);
        callee.call(&store);
    }
    (callee.helper, callee.times) = ("v4".into(), 1);
    let second = Repeat {
        helper: "v2".into(),
        ..callee.clone()
    };
    let second = second.clone().key().unwrap().state().digest;
    assert_eq!(proposal(&store, &mut callee).old, second);
    let key = callee.key().unwrap();
    let named = propose(&store, callee.function(), key.state(), Some(&first)).unwrap();
    let Proposed::Change(named) = named else {
        panic!("{named:?}");
    };
    assert_eq!((named.old, named.objection.as_deref()), (first, None));
    // Asked again, it goes no further back.
    let accepted = accept(&store, &mut callee);
    assert_eq!(proposed(&store, &mut callee), Proposed::Accepted(accepted));
}

#[test]
fn what_was_accepted_twice_is_followed_and_each_link_can_be_revoked() {
    let (_dir, store, log) = store();
    let mut callee = called(&store, &["a"]);
    callee.helper = "v2".into();
    let first = accept(&store, &mut callee);
    callee.argument = "b".into();
    callee.call(&store);
    callee.helper = "v3".into();
    let second = accept(&store, &mut callee);
    log.take();
    callee.call(&store);
    callee.argument = "a".into();
    callee.call(&store);
    assert_eq!(callee.runs(), 2);
    let by = |event| match event {
        Event::Hit { accepted, .. } => accepted,
        other => panic!("{other:?}"),
    };
    let by: Vec<_> = log.take().into_iter().map(by).collect();
    assert_eq!(by, [vec![second.id()], vec![second.id(), first.id()]]);
    store.revoke(&first).unwrap();
    assert!(!would_hit(&store, &mut callee).unwrap());
    callee.argument = "b".into();
    assert!(would_hit(&store, &mut callee).unwrap());
}

#[test]
fn what_asks_for_a_run_or_clears_does_so_all_the_same() {
    let (_dir, store, _) = store();
    let mut callee = called(&store, &["a", "b"]);
    callee.helper = "v2".into();
    accept(&store, &mut callee);
    call(&store, &mut callee, Mode::Recompute).unwrap();
    assert_eq!(callee.runs(), 3);
    assert!(clear_entry(&store, &mut callee).unwrap());
    assert!(!would_hit(&store, &mut callee).unwrap());
    callee.argument = "a".into();
    assert!(would_hit(&store, &mut callee).unwrap());
    store.clear_all().unwrap();
    assert!(store.acceptances().unwrap().is_empty());
}

#[test]
fn old_results_that_answer_are_not_superseded() {
    let (_dir, store, _) = store();
    let superseded = || {
        let mut found = Vec::new();
        store
            .each(|listed| {
                found.push((listed.entry.state, listed.superseded));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        found
    };
    let mut callee = called(&store, &["a"]);
    let old = callee.key().unwrap().state().digest;
    callee.helper = "v2".into();
    callee.argument = "b".into();
    callee.call(&store);
    assert!(superseded().contains(&(old, true)));
    accept(&store, &mut callee);
    assert!(superseded().contains(&(old, false)));
    callee.helper = "v3".into();
    accept(&store, &mut callee);
    callee.argument = "c".into();
    callee.call(&store);
    assert!(
        superseded().iter().all(|(_, gone)| !gone),
        "{:?}",
        superseded()
    );
    let key = callee.key().unwrap();
    let found = impact(&store, callee.function(), key.state()).unwrap();
    assert_eq!(found.current.entries, 3);
}

#[test]
fn nothing_is_said_twice_or_kept_once_the_index_is_gone() {
    let (dir, store, _) = store();
    let mut callee = Repeat {
        times: 10_000,
        ..Repeat::new("a")
    };
    callee.call(&store);
    callee.helper = "v2".into();
    accept(&store, &mut callee);
    assert_eq!(store.acceptances().unwrap().len(), 1);
    store.close();
    std::fs::remove_dir_all(dir.path().join("store/index")).unwrap();
    callee.call(&store);
    assert_eq!(callee.runs(), 2);
    callee.helper = "v1".into();
    callee.call(&store);
    assert_eq!(callee.runs(), 2, "the result itself came back");
}
