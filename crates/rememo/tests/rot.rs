//! The index's file is not what was written to it, in any of its pages. Processes that open it go on
//! with what can be had of it; where nobody could know, one of them may die of it, and the next one
//! heals it.
//!
//! `REMEMO_ROTS` says how many times, of each kind.

#![allow(clippy::print_stderr, reason = "it reports what it counted")]

mod common;

use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Repeat, at_once};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use rememo::{Durability, Store, StoreConfig, clear_entry};

const DIR: &str = "REMEMO_TEST_DIR";
const ROTS: &str = "REMEMO_ROTS";
const USUAL_ROTS: u32 = 20;
const RESULTS: usize = 150;
const PAGE: usize = 4096;
/// A process that takes longer goes round in circles.
const PATIENCE: Duration = Duration::from_secs(10);

/// Results in the index, some of them too long for one page of it, and results in files.
fn callee(n: usize) -> Repeat {
    let argument = match n % 10 {
        0 => format!("{n},").repeat(800),
        _ => format!("{n},"),
    };
    Repeat {
        times: if n % 10 == 1 { 1000 } else { 1 },
        ..Repeat::new(&argument)
    }
}

fn config(dir: &Path) -> StoreConfig {
    StoreConfig {
        durability: Some(Durability::Fast),
        ..at_once(dir)
    }
}

fn call_all(store: &Store, numbers: impl Iterator<Item = usize>) {
    for n in numbers {
        let mut callee = callee(n);
        let right = callee.argument.repeat(callee.times);
        assert_eq!(callee.call(store), right);
    }
}

/// Not a test of its own: what the processes started by the others do.
#[test]
fn child() {
    let Ok(dir) = env::var(DIR) else { return };
    let store = Store::open(config(Path::new(&dir))).unwrap();
    call_all(&store, 0..RESULTS + 20);
    for n in 0..20 {
        clear_entry(&store, &mut callee(n * 7)).unwrap();
    }
    call_all(&store, RESULTS..RESULTS + 40);
    store.verify(true).unwrap();
    store.close();
}

/// Where it is kept what processes said.
fn said(dir: &Path) -> PathBuf {
    dir.with_extension("said")
}

fn run_child(dir: &Path) -> ExitStatus {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command
        .args(["child", "--exact", "--nocapture"])
        .env(DIR, dir);
    let command = command.stdout(Stdio::null()).stderr(
        File::options()
            .append(true)
            .create(true)
            .open(said(dir))
            .unwrap(),
    );
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A store with some hundred rows, and pages that were used and are free again.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = Store::open(config(&at)).unwrap();
    call_all(&store, 0..RESULTS + 50);
    for n in 0..50 {
        assert!(clear_entry(&store, &mut callee(RESULTS + n)).unwrap());
    }
    store.close();
    (dir, at)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let to = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &to);
        } else {
            fs::copy(item.path(), to).unwrap();
        }
    }
}

/// Which pages are damaged.
#[derive(Clone, Copy, Debug)]
enum Pages {
    Heads,
    /// Those of these flags.
    Of(u16),
    Any,
}

#[derive(Clone, Debug)]
enum Rot {
    /// Other bytes in a page, there or from its begin.
    Bytes(Pages, Index, Index, Vec<u8>),
    /// One bit, among the first bytes of a page.
    Bit(Pages, Index, usize),
    /// What another page should be.
    Page(Pages, Index, Index),
    /// The end of the file is gone.
    Cut(Index),
}

fn rot() -> impl Strategy<Value = Rot> {
    let pages = || {
        let kinds = vec![Pages::Of(1), Pages::Of(2), Pages::Of(4), Pages::Any];
        prop_oneof![1 => Just(Pages::Heads), 4 => select(kinds)]
    };
    let index = any::<Index>;
    let bytes = prop::collection::vec(any::<u8>(), 1..200);
    prop_oneof![
        3 => (pages(), index(), index(), bytes).prop_map(|(p, n, at, b)| Rot::Bytes(p, n, at, b)),
        3 => (pages(), index(), 0..8 * 60usize).prop_map(|(p, n, at)| Rot::Bit(p, n, at)),
        1 => (pages(), index(), index()).prop_map(|(p, n, from)| Rot::Page(p, n, from)),
        1 => index().prop_map(Rot::Cut),
    ]
}

fn let_rot(data: &Path, rot: &Rot) {
    let file = File::options().read(true).write(true).open(data).unwrap();
    let mut content = fs::read(data).unwrap();
    let before = content.clone();
    let number = |at: usize| u64::from_le_bytes(before[at..at + 8].try_into().unwrap());
    let last = number(136).max(number(PAGE + 136));
    let all = 0..usize::try_from(last).unwrap() + 1;
    let flags = |page: usize| {
        let at = page * PAGE + 10;
        u16::from_le_bytes([before[at], before[at + 1]])
    };
    let pick = |pages: Pages, nth: &Index| {
        let chosen: Vec<usize> = match pages {
            Pages::Heads => vec![0, 1],
            Pages::Any => all.clone().collect(),
            Pages::Of(kind) => all.clone().filter(|page| flags(*page) == kind).collect(),
        };
        *nth.get(&chosen) * PAGE
    };
    match rot {
        Rot::Bytes(pages, nth, at, bytes) => {
            let at = pick(*pages, nth) + at.index(PAGE - bytes.len());
            content[at..at + bytes.len()].copy_from_slice(bytes);
        }
        Rot::Bit(pages, nth, bit) => content[pick(*pages, nth) + bit / 8] ^= 1 << (bit % 8),
        Rot::Page(pages, nth, from) => {
            let from = pick(Pages::Any, from);
            let to = pick(*pages, nth);
            content.copy_within(from..from + PAGE, to);
        }
        Rot::Cut(at) => {
            let len = at.index(all.end * PAGE);
            file.set_len(len as u64).unwrap();
            content.truncate(len);
        }
    }
    file.write_all_at(&content, 0).unwrap();
}

/// Has the file look as it was left: disks do not tell what they forget.
fn hide(index: &Path) {
    let found = fs::metadata(index.join("data.mdb")).unwrap();
    let seconds = found.ctime().cast_unsigned() * 1_000_000_000;
    let changed = seconds + found.ctime_nsec().cast_unsigned();
    let stamp = [found.dev(), found.ino(), found.len(), changed];
    let presence = File::options()
        .write(true)
        .open(index.join("presence"))
        .unwrap();
    presence
        .write_all_at(&stamp.map(u64::to_le_bytes).concat(), 0)
        .unwrap();
}

/// Damages a store in many ways; `try_it` is told of each.
fn for_each_rot(try_it: impl Fn(&Path, Rot) -> Result<(), TestCaseError>) {
    let cases = env::var(ROTS).map_or(USUAL_ROTS, |text| text.parse().unwrap());
    let (dir, whole) = filled();
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let turn = Cell::new(0);
    let tried = runner.run(&rot(), |rot| {
        turn.set(turn.get() + 1);
        let at = dir.path().join(format!("store-{}", turn.get()));
        copy(&whole, &at);
        try_it(&at, rot)?;
        fs::remove_dir_all(&at).unwrap();
        Ok(())
    });
    if let Err(failed) = tried {
        panic!("{failed}");
    }
}

fn is_aside(store: &Path) -> bool {
    let names = fs::read_dir(store)
        .unwrap()
        .map(|item| item.unwrap().file_name());
    names
        .into_iter()
        .any(|name| name.to_string_lossy().starts_with("index.damaged-"))
}

#[test]
fn nobody_dies_of_a_file_that_somebody_changed() {
    let aside = Cell::new(0);
    for_each_rot(|at, rot| {
        let_rot(&at.join("index/data.mdb"), &rot);
        for _ in 0..2 {
            let status = run_child(at);
            prop_assert!(
                status.success(),
                "{status}: {}",
                fs::read_to_string(said(at)).unwrap()
            );
        }
        aside.set(aside.get() + u32::from(is_aside(at)));
        Ok(())
    });
    eprintln!("{} indexes were set aside, and nobody died", aside.get());
    assert!(aside.get() > 0);
}

#[test]
fn one_at_most_dies_of_what_nobody_saw() {
    let died = Cell::new(0);
    for_each_rot(|at, rot| {
        // Somebody knows the copy first.
        Store::open(config(at)).unwrap().close();
        let_rot(&at.join("index/data.mdb"), &rot);
        hide(&at.join("index"));
        let ends: Vec<_> = (0..3).map(|_| run_child(at)).collect();
        let deaths = ends.iter().filter(|end| !end.success()).count();
        prop_assert!(
            deaths <= 1,
            "{ends:?}: {}",
            fs::read_to_string(said(at)).unwrap()
        );
        died.set(died.get() + deaths);
        Ok(())
    });
    eprintln!(
        "{} processes died, and those after them healed it",
        died.get()
    );
}
