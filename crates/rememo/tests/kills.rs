//! Sixteen processes over one store, which write, read, clear, sweep and compact it, most of them killed at any
//! moment, again and again. What a `stored` event was seen for is there and right, and who is left
//! never waits for the dead. In the end the index is lost, and what had files of its own still hits.
//!
//! `REMEMO_STRESS_SECONDS` goes on for so long; `REMEMO_STRESS_SEED` repeats the same choices.

#![allow(
    clippy::print_stderr,
    reason = "it reports what it counted, and its seed"
)]

mod common;

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::Repeat;
use rememo::{Callee, Digest, Event, Store, StoreConfig, Subscriber, clear_entry, lookup};

const DIR: &str = "REMEMO_TEST_DIR";
const NUMBER: &str = "REMEMO_TEST_NUMBER";
const SECONDS: &str = "REMEMO_STRESS_SECONDS";
const SEED: &str = "REMEMO_STRESS_SEED";

const PROCESSES: usize = 16;
/// These are never killed.
const SURVIVORS: usize = 8;
const KILLS: usize = 240;
/// What the processes of some numbers do, in eights; all others write.
const SWEEPER: u64 = 6;
const READER: u64 = 7;
/// Whoever does nothing for so long waits for something that will not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// But to look at everything takes as long as reading all of it.
const PATIENCE_WITH_SWEEPERS: Duration = Duration::from_secs(240);

/// Choices, the same ones for the same seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn callee(argument: &str) -> Repeat {
    // Every third result is an object, every ninth of them shared by several entries.
    let number: u64 = argument.bytes().map(u64::from).sum();
    Repeat {
        times: if number.is_multiple_of(3) { 3000 } else { 1 },
        ..Repeat::new(argument)
    }
}

/// Writes down, in a file of its own, what it hears was stored.
#[derive(Debug)]
struct Clerk {
    file: File,
    arguments: Mutex<HashMap<Digest, String>>,
}

impl Subscriber for Clerk {
    fn on(&self, event: &Event) {
        if let Event::Stored { key, .. } = event
            && let Some(argument) = self.arguments.lock().unwrap().remove(key)
        {
            // A line at a time, so that none is torn.
            (&self.file)
                .write_all(format!("{argument}\n").as_bytes())
                .unwrap();
        }
        if matches!(event, Event::Degraded { .. } | Event::NotStored { .. }) {
            // On the writer's thread a panic would not end the process.
            eprintln!("{event:?}");
            std::process::abort();
        }
    }
}

/// Not a test of its own: what the processes started by the other do.
#[test]
fn child() {
    let (Ok(dir), Ok(number)) = (env::var(DIR), env::var(NUMBER)) else {
        return;
    };
    let (dir, number) = (PathBuf::from(dir), number.parse::<u64>().unwrap());
    let append = |name: String| {
        File::options()
            .append(true)
            .create(true)
            .open(dir.join(name))
    };
    let mut choices = Choices(number);
    let clerk = Arc::new(Clerk {
        file: append(format!("stored-{number}")).unwrap(),
        arguments: Mutex::default(),
    });
    let store = Store::open(StoreConfig {
        subscriber: Some(clerk.clone()),
        ..StoreConfig::new(dir.join("store"))
    })
    .unwrap();
    let mut beats = append(format!("beats-{number}")).unwrap();
    for i in 0_u64.. {
        match number % 8 {
            SWEEPER => sweep(&store, i),
            READER => read(&store, &mut choices),
            _ => write(&store, &mut choices, &clerk, (number, i)),
        }
        if i % 16 == 0 {
            beats.write_all(b".").unwrap();
            if dir.join("stop").exists() {
                store.commit().unwrap();
                return;
            }
        }
    }
}

/// Looks at everything, mends, removes what nothing refers to and makes the index smaller, in turn,
/// with pauses.
fn sweep(store: &Store, turn: u64) {
    match turn % 64 {
        0 => drop(store.remove_orphans().unwrap()),
        32 => drop(store.verify(true).unwrap()),
        turn if turn % 8 == 4 => drop(store.compact().unwrap()),
        _ => thread::sleep(Duration::from_millis(2)),
    }
}

/// Looks for what others may have stored.
fn read(store: &Store, choices: &mut Choices) {
    let argument = match choices.below(8) {
        0 => format!("fleeting-{}", choices.below(40)),
        _ => format!("common-{}", choices.below(400)),
    };
    let mut callee = callee(&argument);
    let found = lookup(store, &mut callee).unwrap();
    assert!(found.is_none_or(|found| found == argument.repeat(callee.times)));
}

/// Makes one call, or clears one.
fn write(store: &Store, choices: &mut Choices, clerk: &Clerk, (number, i): (u64, u64)) {
    let argument = match choices.below(8) {
        // A key of its own.
        0..=3 => format!("own-{number}-{i}"),
        // A key that others write and read, too.
        4..=6 => format!("common-{}", choices.below(400)),
        // A key whose entry and object come and go.
        _ => format!("fleeting-{}", choices.below(40)),
    };
    let mut callee = callee(&argument);
    if argument.starts_with("fleeting") && choices.below(2) == 0 {
        clear_entry(store, &mut callee).unwrap();
    } else {
        if !argument.starts_with("fleeting") {
            let key = callee.key().unwrap().digest();
            clerk
                .arguments
                .lock()
                .unwrap()
                .insert(key, argument.clone());
        }
        let expected = argument.repeat(callee.times);
        assert_eq!(callee.call(store), expected);
        if callee.runs() == 0 {
            let key = callee.key().unwrap().digest();
            clerk.arguments.lock().unwrap().remove(&key);
        }
    }
}

struct Worker {
    number: u64,
    child: Child,
    beats: u64,
    since: Instant,
}

impl Worker {
    fn start(dir: &Path, number: u64) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["child", "--exact"])
            .env(DIR, dir)
            .env(NUMBER, number.to_string());
        let said = File::create(dir.join(format!("said-{number}"))).unwrap();
        let child = command
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .stdin(Stdio::null());
        Self {
            number,
            child: child.spawn().unwrap(),
            beats: 0,
            since: Instant::now(),
        }
    }

    /// Fails if the process ended by itself, or has not moved for too long.
    fn check(&mut self, dir: &Path) {
        let said = || fs::read_to_string(dir.join(format!("said-{}", self.number))).unwrap();
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("process {} ended with {status}: {}", self.number, said());
        }
        let beats = dir.join(format!("beats-{}", self.number));
        let beats = fs::metadata(beats).map_or(0, |found| found.len());
        if beats > self.beats {
            (self.beats, self.since) = (beats, Instant::now());
        }
        let number = self.number;
        assert!(
            self.since.elapsed() < self.patience(),
            "process {number} does not move"
        );
    }

    fn patience(&self) -> Duration {
        if self.number % 8 == SWEEPER {
            PATIENCE_WITH_SWEEPERS
        } else {
            PATIENCE
        }
    }

    /// Bytes of memory of its own, and open files.
    fn takes(&self) -> (u64, usize) {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(process.join("status")).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .unwrap();
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
        (
            kilobytes << 10,
            fs::read_dir(process.join("fd")).unwrap().count(),
        )
    }
}

impl Drop for Worker {
    /// Nobody goes on after the test has failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What those take that are never killed.
fn survivors_take(workers: &[Worker]) -> Vec<(u64, usize)> {
    workers[..SURVIVORS].iter().map(Worker::takes).collect()
}

#[test]
fn what_was_stored_survives_and_nobody_waits_for_the_dead() {
    let seconds = env::var(SECONDS)
        .ok()
        .map(|text| text.parse::<u64>().unwrap());
    let seed = env::var(SEED).map_or(u64::from(std::process::id()), |text| text.parse().unwrap());
    eprintln!("{SEED}={seed}");
    let dir = tempfile::tempdir().unwrap();
    let mut choices = Choices(seed);
    let mut started = seed << 20;
    let mut start = || {
        started += 1;
        Worker::start(dir.path(), started)
    };
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| start()).collect();
    let begun = Instant::now();
    let mut kills = 0;
    let mut first_sample = None;
    let over = |kills| match seconds {
        Some(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
        None => kills >= KILLS,
    };
    while !over(kills) {
        thread::sleep(Duration::from_millis(choices.below(25)));
        let victim = SURVIVORS + usize::try_from(choices.below(8)).unwrap();
        workers[victim].check(dir.path());
        workers[victim].child.kill().unwrap();
        workers[victim].child.wait().unwrap();
        workers[victim] = start();
        kills += 1;
        if kills % 20 == 0 {
            for worker in &mut workers {
                worker.check(dir.path());
            }
        }
        if first_sample.is_none()
            && begun.elapsed() > Duration::from_secs(seconds.unwrap_or(60) / 5)
        {
            first_sample = Some(survivors_take(&workers));
        }
    }
    for worker in &mut workers {
        worker.check(dir.path());
    }
    if let Some(before) = first_sample {
        for ((memory, files), (memory_now, files_now)) in
            before.into_iter().zip(survivors_take(&workers))
        {
            eprintln!("memory {memory} -> {memory_now} bytes, files {files} -> {files_now}");
            assert!(memory_now < memory + (32 << 20), "memory grows");
            assert!(files_now < files + 8, "open files grow");
        }
    }
    fs::write(dir.path().join("stop"), "").unwrap();
    for worker in &mut workers {
        let end = Instant::now() + worker.patience();
        while worker.child.try_wait().unwrap().is_none() {
            let number = worker.number;
            assert!(Instant::now() < end, "process {number} does not end");
            thread::sleep(Duration::from_millis(2));
        }
        let status = worker.child.wait().unwrap();
        let said = fs::read_to_string(dir.path().join(format!("said-{}", worker.number)));
        assert!(status.success(), "{}", said.unwrap());
    }
    let acknowledged = verify(dir.path(), false);
    let data = dir.path().join("store/index/data.mdb");
    fs::write(data, b"garbage".repeat(4096)).unwrap();
    let found_again = verify(dir.path(), true);
    eprintln!(
        "{kills} kills, {acknowledged} results acknowledged, none lost; \
         {found_again} found again without the index"
    );
    assert!(acknowledged > kills && found_again > 0);
}

/// Every acknowledged result is there; how many there are. Once the index is lost, so are those
/// that were in it; all others are there still.
fn verify(dir: &Path, index_is_lost: bool) -> usize {
    let store = Store::open(StoreConfig::new(dir.join("store"))).unwrap();
    let mut count = 0;
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if !path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("stored-")
        {
            continue;
        }
        for argument in fs::read_to_string(path).unwrap().lines() {
            let mut callee = callee(argument);
            if index_is_lost && callee.times == 1 {
                continue;
            }
            let found = lookup(&store, &mut callee).unwrap();
            assert_eq!(
                found,
                Some(argument.repeat(callee.times)),
                "{argument} is lost"
            );
            count += 1;
        }
    }
    assert!(store.verify(false).unwrap().is_whole());
    store.close();
    count
}
