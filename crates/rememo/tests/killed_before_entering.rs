//! A process is killed in the moment between writing a result and entering it: another one holds the
//! lock of the index meanwhile, so that it gets no further.
#![expect(unsafe_code, reason = "opening an index")]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{Log, Repeat, at_once};
use heed::{Env, EnvOpenOptions, WithoutTls};
use rememo::{Callee, Event, Store};

const DIR: &str = "REMEMO_TEST_DIR";
const TASK: &str = "REMEMO_TEST_TASK";
const PATIENCE: Duration = Duration::from_secs(30);

fn large() -> Repeat {
    Repeat {
        times: 20_000,
        ..Repeat::new("a")
    }
}

/// Not a test of its own: what the processes started by the others do.
#[test]
fn child() {
    let (Ok(dir), Ok(task)) = (env::var(DIR), env::var(TASK)) else {
        return;
    };
    let store = Store::open(at_once(Path::new(&dir))).unwrap();
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    let mut callee = large();
    match &*task {
        "make" => drop(Repeat::new("another").call(&store)),
        "store" => {
            fs::write(beside(Path::new(&dir), "open"), "").unwrap();
            wait_for(|| beside(Path::new(&dir), "go").exists());
            drop(callee.call(&store));
        }
        "clear" => drop(store.clear_function("tests.repeat").unwrap()),
        "hit" | "miss" => {
            assert_eq!(callee.call(&store), "a".repeat(20_000));
            assert_eq!(callee.runs(), u32::from(task == "miss"));
            let adopted = log.take().contains(&Event::Adopted { entries: 1 });
            assert_eq!(adopted, task == "hit");
            let found = store.verify(false).unwrap();
            assert!(found.is_whole(), "{found:?}");
        }
        other => panic!("{other}"),
    }
}

fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.with_file_name(name)
}

fn wait_for(so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(1));
    }
}

fn start(dir: &Path, task: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command
        .args(["child", "--exact"])
        .envs([(DIR, dir.to_str().unwrap()), (TASK, task)]);
    command.stdout(Stdio::null()).spawn().unwrap()
}

fn run(dir: &Path, task: &str) {
    assert!(start(dir, task).wait().unwrap().success(), "{task}");
}

fn open_index(dir: &Path) -> Env<WithoutTls> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    // SAFETY: nothing but LMDB writes to the files of this index.
    unsafe { options.map_size(64 << 30).open(dir.join("index")).unwrap() }
}

/// Kills a process that has written its result and waits to enter it.
fn kill_before_entering(dir: &Path) {
    run(dir, "make");
    let index = open_index(dir);
    let mut child = start(dir, "store");
    // Opening a store takes the lock, too.
    wait_for(|| beside(dir, "open").exists());
    let held = index.write_txn().unwrap();
    fs::write(beside(dir, "go"), "").unwrap();
    let pending = dir
        .join("pending")
        .join(large().key().unwrap().digest().to_hex());
    let objects = || fs::read_dir(dir.join("objects")).unwrap().count();
    wait_for(|| pending.exists() && objects() > 0);
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    held.abort();
    assert!(pending.exists());
}

#[test]
fn its_result_hits() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    kill_before_entering(&store);
    run(&store, "hit");
    assert_eq!(fs::read_dir(store.join("pending")).unwrap().count(), 0);
}

#[test]
fn its_result_does_not_once_its_function_was_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    kill_before_entering(&store);
    run(&store, "clear");
    run(&store, "miss");
    assert_eq!(fs::read_dir(store.join("pending")).unwrap().count(), 0);
}
