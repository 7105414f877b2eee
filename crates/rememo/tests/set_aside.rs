//! Processes that meet a store of an older format, or one without its format file, at the same moment:
//! it is set aside once, and what they store from then on is in one store.
//!
//! `REMEMO_MEETINGS` says how often.

mod common;

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Repeat, at_once};
use rememo::{Store, lookup};

const DIR: &str = "REMEMO_TEST_DIR";
const NUMBER: &str = "REMEMO_TEST_NUMBER";
const MEETINGS: &str = "REMEMO_MEETINGS";
const USUAL_MEETINGS: u32 = 15;
const PROCESSES: usize = 6;

fn callee(n: usize) -> Repeat {
    Repeat {
        times: 3000,
        ..Repeat::new(&n.to_string())
    }
}

/// Not a test of its own: what the processes started by the others do.
#[test]
fn child() {
    let (Ok(dir), Ok(number)) = (env::var(DIR), env::var(NUMBER)) else {
        return;
    };
    let dir = Path::new(&dir);
    fs::write(dir.with_extension(format!("ready-{number}")), "").unwrap();
    let go = dir.with_extension("go");
    while !go.exists() {
        std::hint::spin_loop();
    }
    let store = Store::open(at_once(dir)).unwrap();
    callee(number.parse().unwrap()).call(&store);
    store.commit().unwrap();
}

fn start(dir: &Path, number: usize) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture"]);
    command.env(DIR, dir).env(NUMBER, number.to_string());
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Has processes open a directory at once, time and again; each must find what all of them stored.
fn meet_at(make: impl Fn(&Path)) {
    let meetings = env::var(MEETINGS).map_or(USUAL_MEETINGS, |text| text.parse().unwrap());
    for _ in 0..meetings {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("store");
        fs::create_dir_all(at.join("objects")).unwrap();
        fs::create_dir_all(at.join("index")).unwrap();
        make(&at);
        let mut children: Vec<_> = (0..PROCESSES).map(|n| start(&at, n)).collect();
        let is_ready = |n: usize| at.with_extension(format!("ready-{n}")).exists();
        while !(0..PROCESSES).all(is_ready) {
            std::thread::yield_now();
        }
        fs::write(at.with_extension("go"), "").unwrap();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        let names = fs::read_dir(dir.path()).unwrap();
        let names = names.map(|item| item.unwrap().file_name().into_string().unwrap());
        let aside = names.filter(|name| name.starts_with("store.set-aside-"));
        assert_eq!(aside.count(), 1);
        let store = Store::open(at_once(&at)).unwrap();
        for n in 0..PROCESSES {
            assert!(lookup(&store, &mut callee(n)).unwrap().is_some(), "{n}");
        }
        store.retire();
    }
}

#[test]
fn an_older_store_that_many_meet_is_set_aside_once() {
    meet_at(|store| fs::write(store.join("format"), "rememo 1\n").unwrap());
}

#[test]
fn a_store_without_its_format_that_many_meet_is_set_aside_once() {
    meet_at(|_| {});
}
