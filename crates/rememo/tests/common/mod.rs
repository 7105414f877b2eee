//! A small callee, and a subscriber that remembers what happened.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rememo::{
    Callee, Digest, Encoded, Event, Frame, Key, MissReason, Mode, NotStored, Part, PartKind,
    Retention, StateTree, Store, StoreConfig, Subscriber, Undecodable, Unkeyable, call,
};

/// Repeats its argument: a function with one helper, which can be edited.
#[derive(Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one way for a call to go wrong"
)]
pub struct Repeat {
    pub helper: String,
    pub argument: String,
    pub times: usize,
    pub runs: Arc<AtomicU32>,
    pub pause: Duration,
    pub unkeyable: bool,
    pub unencodable: bool,
    pub undecodable: bool,
    pub edit_while_running: bool,
    pub retention: Retention,
}

impl Repeat {
    pub fn new(argument: &str) -> Self {
        Self {
            helper: "v1".into(),
            argument: argument.into(),
            times: 1,
            runs: Arc::default(),
            pause: Duration::ZERO,
            unkeyable: false,
            unencodable: false,
            undecodable: false,
            edit_while_running: false,
            retention: Retention::default(),
        }
    }

    pub fn call(&mut self, store: &Store) -> String {
        call(store, self, Mode::Normal).unwrap_or_else(|never| match never {})
    }

    pub fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }
}

fn part(name: &str, kind: PartKind, content: &str) -> Part {
    let digest = Digest::of(content.as_bytes());
    Part {
        name: name.into(),
        kind,
        digest,
        source: Some(content.into()),
    }
}

impl Callee for Repeat {
    type Value = String;
    type Error = Infallible;

    fn function(&self) -> &'static str {
        "tests.repeat"
    }

    fn key(&mut self) -> Result<Key, Unkeyable> {
        if self.unkeyable {
            return Err(Unkeyable {
                what: "repeat -> helper -> socket".into(),
            });
        }
        let helper = part("helper", PartKind::Function, &self.helper);
        let times = part("times", PartKind::Global, &self.times.to_string());
        let both = [helper.digest.0, times.digest.0].concat();
        let state = StateTree {
            digest: Digest::of(&both),
            parts: vec![helper, times],
        };
        let argument = part("text", PartKind::Argument, &self.argument);
        let digest = argument.digest;
        Ok(Key::new(
            self.function().into(),
            Arc::new(state),
            vec![argument],
            digest,
        ))
    }

    fn retention(&self) -> Retention {
        self.retention.clone()
    }

    fn run(&mut self) -> Result<String, Infallible> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.pause);
        if self.edit_while_running {
            self.helper.push('!');
        }
        Ok(self.argument.repeat(self.times))
    }

    fn encode(&mut self, value: &String) -> Result<Encoded, NotStored> {
        if self.unencodable {
            return Err(NotStored::Unencodable("no".into()));
        }
        // A stream would be compressed: what is to take so many bytes is a buffer beside it.
        let buffer = Frame {
            bytes: value.clone().into_bytes().into(),
            writable: false,
        };
        Ok(Encoded {
            codec: 1,
            frames: vec![Frame::default(), buffer],
        })
    }

    fn decode(&mut self, encoded: &Encoded) -> Result<String, Undecodable> {
        let damaged = |why: &str| Undecodable::Damaged(why.to_owned());
        if self.undecodable {
            return Err(damaged("no such codec"));
        }
        let frame = encoded.frames.last().ok_or_else(|| damaged("no frame"))?;
        String::from_utf8(frame.bytes.to_vec()).map_err(|error| damaged(&error.to_string()))
    }
}

/// Remembers events.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<Event>>);

impl Subscriber for Log {
    fn on(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Log {
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The reasons of the misses so far.
    pub fn misses(&self) -> Vec<MissReason> {
        let reason = |event| match event {
            Event::Miss { reason, .. } => Some(reason),
            _ => None,
        };
        self.take().into_iter().filter_map(reason).collect()
    }
}

/// A store in which results are by the time that a call returns.
pub fn at_once(dir: &Path) -> StoreConfig {
    StoreConfig {
        flush_every: Some(Duration::ZERO),
        ..StoreConfig::new(dir)
    }
}

/// A store in a directory of its own, with a log of its events.
pub fn store() -> (tempfile::TempDir, Store, Arc<Log>) {
    store_with(at_once)
}

/// A store so configured, in a directory of its own, with a log of its events.
pub fn store_with(
    config: impl FnOnce(&Path) -> StoreConfig,
) -> (tempfile::TempDir, Store, Arc<Log>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(config(&dir.path().join("store"))).unwrap();
    let log = Arc::new(Log::default());
    store.events().subscribe(log.clone());
    (dir, store, log)
}
