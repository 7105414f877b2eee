//! The queue of a store: what was handed over to be written. Until it is in the index, it is a hit
//! for this process all the same. Bounded, in bytes and in number; whoever finds it full waits.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::codec::Encoded;
use crate::digest::Digest;
use crate::flight::Claim;
use crate::index::Entry;
use crate::lock::lock;
use crate::meter::Spent;
use crate::state::StateTree;

/// Bytes, and messages, that may be on their way at once. Each result holds its claim until it is
/// in the index, and the kernel walks the claims of a file one by one: they must not be too many.
const MOST_BYTES: usize = 64 << 20;
const MOST_MESSAGES: usize = 1024;
/// So many do not wait to become more.
const ENOUGH_BYTES: usize = 4 << 20;
const ENOUGH_MESSAGES: usize = 256;

/// How often whoever wants to send something looks whether the rest is over.
const REST: Duration = Duration::from_millis(1);

thread_local! {
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// A result on its way into the store.
#[derive(Debug)]
pub(super) struct Job {
    pub call: Digest,
    /// Its entry, but for where the value will be.
    pub entry: Arc<Entry>,
    pub state: Arc<StateTree>,
    /// Whether that is the code as it is now.
    pub is_latest: bool,
    pub value: Encoded,
    /// What its call has spent so far.
    pub spent: Spent,
}

/// Something for the writer to do.
#[derive(Debug)]
pub(super) enum Message {
    /// Keep a result, and give its claim back once others can see it.
    Keep(Arc<Job>, Claim<'static>),
}

impl Message {
    fn bytes(&self) -> usize {
        let Self::Keep(job, _) = self;
        job.value.container_len(0)
    }
}

/// How a message is to be dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Along with others.
    Eventually(Duration),
    /// As soon as the writer gets to it.
    Promptly,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write.
    work: Condvar,
    /// Something has been written.
    done: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    waiting: Vec<Message>,
    /// What the writer has taken to write, and nobody else can see yet.
    writing: Vec<Arc<Job>>,
    pending: HashMap<Digest, Arc<Job>>,
    /// Of all that is on its way.
    bytes: usize,
    messages: usize,
    /// When what waits is to be written at the latest.
    due: Option<Instant>,
    hurry: bool,
    /// How many messages there ever were, and how many of them are over and done with.
    sent: u64,
    settled: u64,
    /// How many threads wait for the queue to be at rest: nothing more is sent in the meantime.
    resting: usize,
    writer: Writer,
    pid: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Absent,
    Running,
    /// None any more: the process is about to end.
    Over,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            writing: Vec::new(),
            pending: HashMap::new(),
            bytes: 0,
            messages: 0,
            due: None,
            hurry: false,
            sent: 0,
            settled: 0,
            resting: 0,
            writer: Writer::Absent,
            pid: crate::process::id(),
        }
    }
}

impl State {
    fn is_settled(&self) -> bool {
        self.sent == self.settled
    }

    fn is_full(&self, more: usize) -> bool {
        self.messages >= MOST_MESSAGES
            || (self.messages > 0 && self.bytes.saturating_add(more) > MOST_BYTES)
    }

    fn is_enough(&self) -> bool {
        self.hurry
            || self.writer == Writer::Over
            || self.waiting.len() >= ENOUGH_MESSAGES
            || self.bytes >= ENOUGH_BYTES
    }

    fn add(&mut self, message: Message, urgency: Urgency) {
        self.bytes += message.bytes();
        self.messages += 1;
        self.sent += 1;
        let Message::Keep(job, _) = &message;
        self.pending.insert(job.call, job.clone());
        self.waiting.push(message);
        match urgency {
            Urgency::Promptly => self.hurry = true,
            Urgency::Eventually(delay) => {
                let due = Instant::now() + delay;
                self.due = Some(self.due.map_or(due, |other| other.min(due)));
            }
        }
    }

    /// What is on its way, newest first.
    fn newest_first(&self) -> impl Iterator<Item = &Arc<Job>> {
        let waiting = self.waiting.iter().rev().map(|Message::Keep(job, _)| job);
        waiting.chain(self.writing.iter().rev())
    }

    fn forget(&mut self, messages: &[Message]) {
        for message in messages {
            self.bytes = self.bytes.saturating_sub(message.bytes());
            self.messages = self.messages.saturating_sub(1);
            let Message::Keep(job, _) = message;
            // A later result for the same call goes on.
            let same = |pending: &Arc<Job>| Arc::ptr_eq(pending, job);
            if self.pending.get(&job.call).is_some_and(same) {
                self.pending.remove(&job.call);
            }
        }
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        }
    }

    /// Hands a message over, after a wait if the queue is full, and says by which number it will
    /// be known; `start` starts a writer. Without one the message is given back: its sender must
    /// do what it asks for.
    pub(super) fn send(
        &self,
        message: Message,
        urgency: Urgency,
        start: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<u64, Message> {
        let mut state = self.state();
        let bytes = message.bytes();
        while state.writer == Writer::Running && !is_writer() {
            if state.resting > 0 {
                let waited = self.done.wait_timeout(state, REST);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else if state.is_full(bytes) {
                state = self.pause(state);
            } else {
                break;
            }
        }
        if is_writer() || state.writer == Writer::Over {
            return Err(message);
        }
        if state.writer == Writer::Absent {
            if start().is_err() {
                return Err(message);
            }
            state.writer = Writer::Running;
        }
        let was_idle = state.waiting.is_empty();
        state.add(message, urgency);
        let number = state.sent;
        let wake = was_idle || state.is_enough();
        drop(state);
        if wake {
            self.work.notify_one();
        }
        Ok(number)
    }

    /// The result on its way to this call key.
    pub(super) fn pending(&self, call: &Digest) -> Option<Arc<Job>> {
        let state = self.state();
        if state.pending.is_empty() {
            return None;
        }
        state.pending.get(call).cloned()
    }

    /// The entries on their way that `of` says, at most `limit`, newest first.
    pub(super) fn pending_entries(
        &self,
        of: impl Fn(&Job) -> bool,
        limit: usize,
    ) -> Vec<Arc<Entry>> {
        let state = self.state();
        let found = state.newest_first().filter(|job| of(job)).take(limit);
        found.map(|job| job.entry.clone()).collect()
    }

    /// The parts of a function state that an entry on its way has.
    pub(super) fn pending_state(&self, state: &Digest) -> Option<StateTree> {
        let queue = self.state();
        let mut newest_first = queue.newest_first();
        let found = newest_first.find(|job| job.entry.state == *state)?;
        Some(found.state.shared(&found.entry.function))
    }

    /// Waits until all up to a message, or all there is now, is over and done with, and told of.
    pub(super) fn settle(&self, number: Option<u64>) {
        let mut state = self.state();
        let number = number.unwrap_or(state.sent);
        while state.settled < number && !is_writer() {
            state = self.pause(state);
        }
    }

    /// Waits for the queue to be at rest, and keeps it there for as long as the result lives.
    pub(super) fn still(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.resting += 1;
        while !state.is_settled() && !is_writer() {
            state = self.pause(state);
        }
        state.resting -= 1;
        state
    }

    /// Drops what the writer has not begun to write.
    pub(super) fn discard(&self) {
        let mut state = self.state();
        let dropped = mem::take(&mut state.waiting);
        state.settled += dropped.len() as u64;
        state.forget(&dropped);
        drop(state);
        self.done.notify_all();
        drop(dropped);
        self.settle(None);
    }

    /// Has all that waits written, and no writer from now on.
    pub(super) fn end(&self) {
        let mut state = self.state();
        let was_running = state.writer == Writer::Running;
        state.writer = Writer::Over;
        drop(state);
        self.work.notify_one();
        if was_running {
            self.settle(None);
        }
    }

    /// For the writer: what to write next, once it is time; nothing when there is to be no writer.
    pub(super) fn next(&self) -> Option<Vec<Message>> {
        let mut state = self.state();
        loop {
            if state.writer == Writer::Absent {
                return None; // A child, forked on this very thread.
            }
            if state.waiting.is_empty() {
                state.hurry = false;
                if state.writer == Writer::Over {
                    return None;
                }
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let now = Instant::now();
            match state.due {
                Some(due) if due > now && !state.is_enough() => {
                    let waited = self.work.wait_timeout(state, due - now);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                _ => {
                    state.due = None;
                    let messages = mem::take(&mut state.waiting);
                    let jobs = messages.iter().map(|Message::Keep(job, _)| job.clone());
                    state.writing = jobs.collect();
                    return Some(messages);
                }
            }
        }
    }

    /// For the writer: others can see these, or never will.
    pub(super) fn written(&self, messages: &[Message]) {
        let mut state = self.state();
        state.forget(messages);
        state.writing.clear();
        drop(state);
        self.done.notify_all();
    }

    /// For the writer: so many are over and done with, and told of.
    pub(super) fn settled(&self, messages: usize) {
        let mut state = self.state();
        state.settled += messages as u64;
        drop(state);
        self.done.notify_all();
    }

    /// For the writer's thread, when it ends however it ends: nobody waits for it any more.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if state.writer == Writer::Running {
            state.writer = Writer::Absent;
        }
        let dropped = mem::take(&mut state.waiting);
        state.settled = state.sent;
        (state.bytes, state.messages) = (0, 0);
        state.pending.clear();
        state.writing.clear();
        drop(state);
        self.done.notify_all();
        drop(dropped);
    }

    /// Has the writer go ahead, and waits until it has done something.
    fn pause<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.hurry = true;
        self.work.notify_one();
        self.done
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, emptied first if this is a child that was forked behind the engine's back.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        if state.pid != crate::process::id() {
            *state = State::default();
        }
        state
    }
}

/// Marks this thread as a writer's.
pub(super) fn become_writer() {
    IS_WRITER.set(true);
}

/// Whether this is the thread of a writer, which must wait for no writer: a listener that it tells
/// of what it did may do anything.
pub(super) fn is_writer() -> bool {
    IS_WRITER.get()
}
