//! What every policy must hold to, whoever wrote it.

use super::{Policy, Shelf, Worth};

/// Checks a policy, given what makes one as it begins.
///
/// # Panics
///
/// If the policy breaks one of its promises; the message says which.
///
/// ```
/// rememo::evict::conformance::check(rememo::evict::Lru::default);
/// ```
pub fn check<P: Policy>(make: impl Fn() -> P) {
    scores_are_finite(&make);
    use_never_harms(&make);
    what_is_used_outlives_what_is_not(&make);
    the_bound_holds(&make);
    everything_goes_once_it_is_not_used(&make);
    it_goes_on_where_it_left_off(&make);
    it_survives_damage(&make);
}

fn worth(size: u64, cost_ns: u64) -> Worth {
    Worth {
        size,
        cost_ns,
        uses: 1,
    }
}

fn scores_are_finite<P: Policy>(make: &impl Fn() -> P) {
    let extremes = [0, 1, 1 << 20, u64::MAX];
    let mut policy = make();
    for size in extremes {
        for cost_ns in extremes {
            for uses in extremes {
                let worth = Worth {
                    size,
                    cost_ns,
                    uses,
                };
                let score = policy.score(1, &worth, uses, None);
                assert!(score.is_finite(), "{worth:?} has the score {score}");
                let again = policy.score(1, &worth, 0, Some(score));
                assert!(again.is_finite(), "{worth:?} comes to the score {again}");
                policy.evicted(score);
            }
        }
    }
}

fn use_never_harms<P: Policy>(make: &impl Fn() -> P) {
    let mut policy = make();
    let mut worth = worth(100, 1000);
    let mut score = policy.score(1, &worth, 1, None);
    for fresh in [1, 5, 1, 100] {
        worth.uses += fresh;
        let now = policy.score(1, &worth, fresh, Some(score));
        assert!(now >= score, "{fresh} uses take {score} to {now}");
        score = now;
        policy.score(2, &worth, 1, None);
    }
}

fn what_is_used_outlives_what_is_not<P: Policy>(make: &impl Fn() -> P) {
    let mut shelf = Shelf::new(make(), 10 * 100);
    for key in 0..10 {
        shelf.add(key, worth(100, 1000));
    }
    for key in 0..5 {
        shelf.access(key, 3);
    }
    let evicted: Vec<u64> = (10..14)
        .flat_map(|key| shelf.add(key, worth(100, 1000)))
        .collect();
    let used: Vec<_> = evicted.iter().filter(|key| **key < 5).collect();
    assert!(used.is_empty(), "entries {used:?} were in use");
    assert_eq!(evicted.len(), 4, "as many go as must");
}

fn the_bound_holds<P: Policy>(make: &impl Fn() -> P) {
    let mut shelf = Shelf::new(make(), 10_000);
    for key in requests() {
        if !shelf.access(key, 1) {
            let evicted = shelf.add(key, mixed(key));
            let mut distinct = evicted.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), evicted.len(), "an entry went twice");
        }
        assert!(shelf.used() <= 10_000, "{} bytes are in use", shelf.used());
    }
    assert!(!shelf.is_empty(), "more went than had to");
    shelf.add(1_000_000, worth(10_001, 1));
    assert!(shelf.used() <= 10_000, "one entry alone exceeds the bound");
}

fn everything_goes_once_it_is_not_used<P: Policy>(make: &impl Fn() -> P) {
    let mut shelf = Shelf::new(make(), 50 * 100);
    shelf.add(0, worth(100, 1000));
    for _ in 0..1000 {
        shelf.access(0, 1);
    }
    // The others are asked for twice each, time and again, and never the first.
    for round in 0..4_000_u64 {
        for key in 0..100 {
            let key = 1 + (round % 10) * 100 + key;
            for _ in 0..2 {
                if !shelf.access(key, 1) && shelf.add(key, worth(100, 1000)).contains(&0) {
                    return;
                }
            }
        }
    }
    panic!("an entry that was popular once never goes");
}

fn it_goes_on_where_it_left_off<P: Policy>(make: &impl Fn() -> P) {
    let run = |restart: bool| {
        let mut shelf = Shelf::new(make(), 10_000);
        let mut evicted = Vec::new();
        for (number, key) in requests().enumerate() {
            if restart && number % 1000 == 500 {
                let mut policy = make();
                policy.load(&shelf.policy().save());
                shelf.replace_policy(policy);
            }
            if !shelf.access(key, 1) {
                evicted.extend(shelf.add(key, mixed(key)));
            }
        }
        evicted
    };
    let once = run(false);
    assert!(once.len() > 100, "there was room for almost everything");
    assert_eq!(run(false), once, "the same requests end differently");
    assert_eq!(run(true), once, "restarts make a difference");
}

fn it_survives_damage<P: Policy>(make: &impl Fn() -> P) {
    let saved = make().save();
    let nan = f64::NAN.to_le_bytes();
    let damaged: [&[u8]; 5] = [b"", b"x", &[0xFF; 8], &nan, &saved[..saved.len() / 2]];
    for bytes in damaged {
        let mut policy = make();
        policy.load(bytes);
        let score = policy.score(1, &worth(100, 1000), 1, None);
        assert!(score.is_finite(), "after {bytes:?} the score is {score}");
    }
}

/// Some thousands of requests, a few keys of which are popular.
fn requests() -> impl Iterator<Item = u64> {
    let mut state = 1_u64;
    (0..5000).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let drawn = (state >> 33) % 1000;
        drawn * drawn / 2000
    })
}

/// Numbers for an entry that depend on its key alone.
fn mixed(key: u64) -> Worth {
    worth(50 + key * 37 % 400, 100 + key * 7919 % 100_000)
}
