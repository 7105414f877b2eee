//! The same work is not done twice at once: threads, processes, and what a kill leaves behind.

mod common;

use std::env;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Repeat, at_once, store};
use rememo::{Store, StoreConfig, would_hit};

const DIR: &str = "REMEMO_TEST_DIR";
const ROLE: &str = "REMEMO_TEST_ROLE";

#[test]
fn threads_compute_once() {
    let (_dir, store, _) = store();
    let callee = Repeat {
        pause: Duration::from_millis(50),
        ..Repeat::new("a")
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            let (mut callee, store) = (callee.clone(), &store);
            scope.spawn(move || callee.call(store));
        }
    });
    assert_eq!(callee.runs(), 1);
    let stats = store.events().stats("tests.repeat");
    assert_eq!((stats.misses(), stats.hits), (1, 7));
}

/// Not a test of its own: what the processes started by the others do.
#[test]
fn child() {
    let (Ok(dir), Ok(role)) = (env::var(DIR), env::var(ROLE)) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = Store::open(at_once(&dir.join("store"))).unwrap();
    if role == "once" {
        let mut callee = Repeat {
            pause: Duration::from_millis(300),
            ..Repeat::new("a")
        };
        callee.call(&store);
        let name = format!("{}-{}", std::process::id(), callee.runs());
        fs::write(dir.join(name), "").unwrap();
        return;
    }
    for i in 0_u32.. {
        Repeat {
            times: 5000,
            ..Repeat::new(&i.to_string())
        }
        .call(&store);
        fs::write(dir.join("last"), i.to_string()).unwrap();
    }
}

fn start(dir: &Path, role: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["child", "--exact"])
        .env(DIR, dir)
        .env(ROLE, role);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn processes_compute_once() {
    let dir = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4).map(|_| start(dir.path(), "once")).collect();
    for mut child in children {
        let status = child.wait().unwrap();
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(status.success(), "{said}");
    }
    let names = fs::read_dir(dir.path())
        .unwrap()
        .map(|item| item.unwrap().file_name());
    let names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    let ran = names.iter().filter(|name| name.ends_with("-1")).count();
    let hit = names.iter().filter(|name| name.ends_with("-0")).count();
    assert_eq!((ran, hit), (1, 3), "{names:?}");
}

#[test]
fn what_a_killed_writer_stored_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(dir.path(), "forever");
    let last = || {
        fs::read_to_string(dir.path().join("last"))
            .ok()?
            .parse::<u32>()
            .ok()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while last().is_none_or(|last| last < 20) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let last = last().unwrap_or(19);
    let store = Store::open(StoreConfig::new(dir.path().join("store"))).unwrap();
    for i in 0..=last {
        let mut callee = Repeat {
            times: 5000,
            ..Repeat::new(&i.to_string())
        };
        assert!(would_hit(&store, &mut callee).unwrap(), "{i} of {last}");
    }
    assert_eq!(Repeat::new("more").call(&store), "more");
}

#[test]
fn after_a_fork_the_store_is_opened_again() {
    let (_dir, store, _) = store();
    Repeat::new("a").call(&store);
    // Both sides of a fork, one after the other, in one process.
    Store::before_fork();
    Store::after_fork_in_child();
    let mut callee = Repeat::new("a");
    callee.call(&store);
    assert_eq!(callee.runs(), 0);
    Store::before_fork();
    Store::after_fork_in_parent();
    callee.call(&store);
    assert_eq!(callee.runs(), 0);
}
