//! A store as Python holds it: opened, or not, with the reason told once as an event.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rememo::{
    Access, Candidate, DayStats, Digest, Durability, Event, MissReason, Producer, Stats, Step,
    StoreConfig, Subscriber, Trust, Why,
};

use crate::acceptances;
use crate::codec::{self, Handing};
use crate::events::Bridge;
use crate::freeze::main_name;
use crate::keeping::Room;
use crate::raw;
use crate::told;

/// How often it has changed which functions keep their results where.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// The epoch now: what was found out about stores holds until it ends.
#[inline]
pub fn epoch() -> u64 {
    EPOCH.load(Ordering::Acquire)
}

/// To be called when functions come to keep their results elsewhere, or a store is closed.
#[pyfunction]
pub fn end_epoch() {
    EPOCH.fetch_add(1, Ordering::AcqRel);
}

/// A directory of results. One that can't be opened leaves its functions running unmemoized.
#[pyclass(module = "rememo._core", frozen)]
pub struct Store {
    path: PathBuf,
    /// The engine's store, or why there is none.
    inner: Result<rememo::Store, String>,
}

/// Whose stores are trusted, as Python says it: `True` is a number there, so it comes first.
#[derive(Clone, Copy, FromPyObject)]
enum Owner {
    Anybody(bool),
    User(u32),
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(
        signature = (
            dir, trust_owner, shared, read_only = false, room = None, durability = None,
            flush_every = None
        )
    )]
    #[expect(clippy::too_many_arguments, reason = "options, each by its name")]
    fn new(
        py: Python<'_>,
        dir: PathBuf,
        trust_owner: Owner,
        shared: bool,
        read_only: bool,
        room: Option<&Bound<'_, Room>>,
        durability: Option<&str>,
        flush_every: Option<f64>,
    ) -> PyResult<Self> {
        let room = room.map(|room| room.get().0.clone()).unwrap_or_default();
        let trust = match trust_owner {
            Owner::Anybody(true) => Trust::Anybody,
            Owner::Anybody(false) => Trust::Nobody,
            Owner::User(user) => Trust::User(user),
        };
        let asked = asked(durability, flush_every)?;
        let producer = producer(py);
        let access = Access {
            trust,
            shared,
            read_only,
        };
        Ok(
            match py.detach(|| open(&dir, access, room, asked, producer)) {
                Ok(store) => Self {
                    path: dir,
                    inner: Ok(store),
                },
                Err(error) => Self {
                    path: dir,
                    ..Self::unusable(error.to_string())
                },
            },
        )
    }

    /// Asks for more of an open store: what it keeps survives that, and is written so often.
    #[pyo3(signature = (durability = None, flush_every = None))]
    fn ask_for(
        &self,
        py: Python<'_>,
        durability: Option<&str>,
        flush_every: Option<f64>,
    ) -> PyResult<()> {
        let (durability, flush_every) = asked(durability, flush_every)?;
        if let Some(store) = self.opened() {
            py.detach(|| store.ask_for(durability, flush_every));
        }
        Ok(())
    }

    /// Has all results so far written, and the disk hold them.
    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        match self.opened() {
            Some(store) => py.detach(|| store.commit()).map_err(failed),
            None => Ok(()),
        }
    }

    /// Notices that the directory was removed or replaced.
    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        match self.opened() {
            Some(store) => py.detach(|| store.refresh()).map_err(failed),
            None => Ok(()),
        }
    }

    /// A store that keeps nothing, and says why.
    #[staticmethod]
    fn unusable(why: String) -> Self {
        Bridge.on(&Event::Degraded { what: why });
        Self::off("the store could not be opened".to_owned())
    }

    /// A store that keeps nothing because it is not to.
    #[staticmethod]
    fn off(why: String) -> Self {
        Self {
            path: PathBuf::new(),
            inner: Err(why),
        }
    }

    #[getter]
    fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Closes the store's files; they are opened again on the next use.
    fn close(&self, py: Python<'_>) {
        if let Some(store) = self.opened() {
            py.detach(|| store.close());
        }
    }

    /// Closes the store, whose directory is to be removed: calls under way keep nothing in it.
    fn retire(&self, py: Python<'_>) {
        if let Some(store) = self.opened() {
            py.detach(|| store.retire());
        }
    }

    /// Asks for the store to take no more room than this from now on.
    fn ask_for_room(&self, py: Python<'_>, room: &Bound<'_, Room>) -> PyResult<()> {
        if let Some(store) = self.opened() {
            let room = room.get().0.clone();
            py.detach(|| store.ask_for_room(&room)).map_err(failed)?;
        }
        Ok(())
    }

    /// The most bytes and files, the name of the policy, then entries, bytes and files as they are.
    fn room(&self, py: Python<'_>) -> PyResult<(u64, u64, String, u64, u64, u64)> {
        let store = self.opened().ok_or_else(unusable)?;
        let room = || {
            store.note_uses();
            let (bound, usage) = (store.bound()?, store.usage()?);
            let (most, now) = (bound.bytes, usage.bytes());
            let policy = store.policy()?;
            Ok((most, bound.files, policy, usage.entries, now, usage.files))
        };
        py.detach(room).map_err(failed)
    }

    /// The most bytes and files, then bytes and files as they are in the index.
    fn fullness(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, u64)> {
        let store = self.opened().ok_or_else(unusable)?;
        let room = || {
            let (bound, usage) = (store.bound()?, store.usage_so_far()?);
            Ok((bound.bytes, bound.files, usage.bytes(), usage.files))
        };
        py.detach(room).map_err(failed)
    }

    /// The bytes that so much room is, on this disk.
    fn bytes_of(&self, py: Python<'_>, room: &Bound<'_, Room>) -> PyResult<u64> {
        let store = self.opened().ok_or_else(unusable)?;
        let room = room.get().0.clone();
        let asked = py.detach(|| store.bound_asked(&room)).map_err(failed)?;
        Ok(asked.bytes)
    }

    /// What may go, oldest first: of each its call key, its function, the bytes it takes, what it
    /// costs to have it again, in seconds, and how often it was of use.
    fn candidates(&self, py: Python<'_>) -> PyResult<Vec<Choice>> {
        let store = self.opened().ok_or_else(unusable)?;
        let look = || {
            store.note_uses();
            store.candidates()
        };
        let found = py.detach(look).map_err(failed)?;
        let told = found.into_iter().map(
            |Candidate {
                 key,
                 function,
                 worth,
                 ..
             }| {
                let seconds = Duration::from_nanos(worth.cost_ns).as_secs_f64();
                (key.to_hex(), function, worth.size, seconds, worth.uses)
            },
        );
        Ok(told.collect())
    }

    /// Lets go of what is stored under call keys, unless it is pinned; how many results went.
    fn evict(&self, py: Python<'_>, keys: Vec<String>) -> PyResult<u64> {
        let store = self.opened().ok_or_else(unusable)?;
        let calls = keys.into_iter().filter_map(|key| Digest::from_hex(&key));
        let calls: Vec<_> = calls.collect();
        py.detach(|| store.evict(&calls)).map_err(failed)
    }

    /// Lets go of results until they take no more than that; how many went.
    fn reduce_to(&self, py: Python<'_>, room: &Bound<'_, Room>) -> PyResult<u64> {
        let Some(store) = self.opened() else {
            return Ok(0);
        };
        let room = room.get().0.clone();
        py.detach(|| {
            let mut gone = 0;
            store.reduce_to(&room, |some| gone += some.len() as u64)?;
            Ok(gone)
        })
        .map_err(failed)
    }

    /// What happened to the calls of each function: for each and each day, its identity, the number
    /// of the day, and the counts by name.
    fn stats<'py>(&self, py: Python<'py>, days_before: u32) -> PyResult<Vec<Day<'py>>> {
        let Some(store) = self.opened() else {
            return Ok(Vec::new());
        };
        let days = py.detach(|| store.stats(days_before)).map_err(failed)?;
        let told = days.into_iter().map(
            |DayStats {
                 day,
                 function,
                 stats,
             }| { Ok((function, day, counts(py, &stats)?)) },
        );
        told.collect()
    }

    /// The last calls that were not answered, of one function or of all, the latest first: for each
    /// its function, when it was, in seconds of Unix time, how many such there were in a row, the
    /// reason, what else there is to say, what changed, and how many more changes there were.
    fn last_misses<'py>(
        &self,
        py: Python<'py>,
        function: Option<&str>,
    ) -> PyResult<Vec<Miss<'py>>> {
        let Some(store) = self.opened() else {
            return Ok(Vec::new());
        };
        let found = py.detach(|| store.last_misses(function)).map_err(failed)?;
        let told = found.into_iter().map(|miss| {
            let at = Duration::from_nanos(miss.at_ns).as_secs_f64();
            let (reason, detail, changes, more) = match miss.why {
                Why::Missed {
                    reason,
                    changes,
                    more,
                } => (reason.word().to_owned(), String::new(), changes, more),
                Why::NotStored { reason, detail } => (reason, detail, Vec::new(), 0),
                Why::Bypassed { detail } => ("bypassed".to_owned(), detail, Vec::new(), 0),
            };
            let changes = told::changes(py, &changes)?;
            Ok((miss.function, at, miss.times, reason, detail, changes, more))
        });
        told.collect()
    }

    /// Changes of code that were accepted, the latest first.
    fn acceptances<'py>(&self, py: Python<'py>) -> PyResult<Vec<acceptances::Told<'py>>> {
        let Some(store) = self.opened() else {
            return Ok(Vec::new());
        };
        let found = py.detach(|| store.acceptances()).map_err(failed)?;
        found
            .iter()
            .map(|known| acceptances::told(py, known))
            .collect()
    }

    /// Has results answer no more for changed code; whether one acceptance is known so.
    fn revoke(&self, py: Python<'_>, known_as: &str) -> PyResult<bool> {
        let store = self.opened().ok_or_else(unusable)?;
        let work = || {
            let mut known = store.acceptances()?.into_iter();
            let found = known.find(|known| known.id().short() == known_as);
            found.map_or(Ok(false), |known| store.revoke(&known))
        };
        py.detach(work).map_err(failed)
    }

    /// How many calls of a function were answered in this process, and how long they took when they
    /// were computed, in seconds.
    fn answered(&self, py: Python<'_>, function: &str) -> (u64, f64) {
        let Some(store) = self.opened() else {
            return (0, 0.0);
        };
        let stats = py.detach(|| store.events().stats(function));
        let saved = Duration::from_nanos(stats.saved_ns).as_secs_f64();
        (stats.hits, saved)
    }

    /// Begins the statistics of one function, or of all, anew.
    fn reset_stats(&self, py: Python<'_>, function: Option<&str>) -> PyResult<()> {
        match self.opened() {
            Some(store) => py.detach(|| store.reset_stats(function)).map_err(failed),
            None => Ok(()),
        }
    }

    /// Writes down how often results were of use.
    fn note_uses(&self, py: Python<'_>) {
        if let Some(store) = self.opened() {
            py.detach(|| store.note_uses());
        }
    }

    /// The newest entry under a call key; none where there is none.
    fn entry<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (Some(store), Some(digest)) = (self.opened(), Digest::from_hex(key)) else {
            return Ok(None);
        };
        let found = py.detach(|| store.entry_under(&digest)).map_err(failed)?;
        let told = |entry| told::entry(py, &digest, &entry);
        found.map(told).transpose()
    }

    /// The result that the newest entry under a call key holds, alone in a tuple; none where there
    /// is none, or it cannot be decoded any more. As a view, its large buffers are shared.
    fn value<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        as_view: bool,
    ) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let (Some(store), Some(digest)) = (self.opened(), Digest::from_hex(key)) else {
            return Ok(None);
        };
        let open = || {
            let entry = store.entry_under(&digest)?;
            Ok(entry.and_then(|entry| store.open_value(&entry).ok()))
        };
        let Some(encoded) = py.detach(open).map_err(failed)? else {
            return Ok(None);
        };
        let handing = if as_view {
            Handing::View
        } else {
            Handing::Copy
        };
        match codec::decode(py, &encoded, handing) {
            Ok(value) => Ok(Some((value,))),
            Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes what is stored under a call key; whether there was anything.
    fn remove(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        match (self.opened(), Digest::from_hex(key)) {
            (Some(store), Some(digest)) => py.detach(|| store.remove(&digest)).map_err(failed),
            _ => Ok(false),
        }
    }

    /// The call key of each entry and when it was stored, in seconds of Unix time, oldest first.
    fn by_age(&self, py: Python<'_>) -> PyResult<Vec<(String, f64)>> {
        let Some(store) = self.opened() else {
            return Ok(Vec::new());
        };
        let stored = py.detach(|| store.by_age()).map_err(failed)?;
        let seconds = |nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64();
        let told = |(key, created_ns): (Digest, u64)| (key.to_hex(), seconds(created_ns));
        Ok(stored.into_iter().map(told).collect())
    }

    /// How many entries there are, and how many cannot be read, are damaged, or lost theirs; how many
    /// counts are wrong; how many files nothing refers to, and their bytes; whether what was wrong
    /// was mended.
    fn verify(&self, py: Python<'_>, repair: bool) -> PyResult<Condition> {
        let store = self.opened().ok_or_else(unusable)?;
        let found = py.detach(|| store.verify(repair)).map_err(failed)?;
        Ok((
            found.entries,
            found.unreadable,
            found.damaged,
            found.lost,
            found.miscounted,
            found.orphans.files,
            found.orphans.bytes,
            found.repaired,
        ))
    }

    /// Removes files that nothing refers to; how many there were.
    fn remove_orphans(&self, py: Python<'_>) -> PyResult<u64> {
        let store = self.opened().ok_or_else(unusable)?;
        let removed = py.detach(|| store.remove_orphans()).map_err(failed)?;
        Ok(removed.files)
    }

    /// Gives back the room that is free in the index; how many bytes.
    fn compact(&self, py: Python<'_>) -> PyResult<u64> {
        let store = self.opened().ok_or_else(unusable)?;
        let done = py.detach(|| store.compact()).map_err(failed)?;
        Ok(done.returned())
    }

    /// Removes every result of every function, or of those with a tag; how many there were.
    fn clear(&self, py: Python<'_>, tag: Option<&str>) -> PyResult<u64> {
        let Some(store) = self.opened() else {
            return Ok(0);
        };
        py.detach(|| match tag {
            Some(tag) => store.clear_tag(tag),
            None => store.clear_all(),
        })
        .map_err(failed)
    }
}

impl Store {
    /// The engine's store, where it could be opened.
    pub fn opened(&self) -> Option<rememo::Store> {
        self.inner.as_ref().ok().cloned()
    }

    /// Why it was not opened; nothing if it was.
    pub fn why_not(&self) -> &str {
        self.inner.as_ref().err().map_or("", String::as_str)
    }
}

type Asked = (Option<Durability>, Option<Duration>);

fn asked(durability: Option<&str>, flush_every: Option<f64>) -> PyResult<Asked> {
    let durability = match durability {
        None => None,
        Some("fast") => Some(Durability::Fast),
        Some("background") => Some(Durability::Background),
        Some("fsync") => Some(Durability::Fsync),
        Some(other) => {
            let message = format!("there is no durability {other:?}");
            return Err(PyValueError::new_err(message));
        }
    };
    let seconds = |seconds| {
        let wrong = |error| PyValueError::new_err(format!("flush_every: {error}"));
        Duration::try_from_secs_f64(seconds).map_err(wrong)
    };
    Ok((durability, flush_every.map(seconds).transpose()?))
}

/// Who stores results: the program as it is called in the names of its functions, for its path may
/// say who runs it.
fn producer(py: Python<'_>) -> Producer {
    let version = py.version_info();
    let mut producer = Producer::here();
    producer.interpreter = Some(format!(
        "CPython {}.{}.{}{}",
        version.major,
        version.minor,
        version.patch,
        version.suffix.unwrap_or_default()
    ));
    producer.program = main_name(py);
    producer
}

fn open(
    dir: &Path,
    access: Access,
    room: rememo::Room,
    (durability, flush_every): Asked,
    producer: Producer,
) -> Result<rememo::Store, rememo::StoreError> {
    let config = StoreConfig::new(dir);
    rememo::Store::open(StoreConfig {
        access,
        room,
        durability,
        flush_every,
        producer,
        subscriber: Some(Arc::new(Bridge)),
        ..config
    })
}

type Choice = (String, String, u64, f64, u64);
type Miss<'py> = (String, f64, u64, String, String, Bound<'py, PyTuple>, usize);
type Condition = (u64, u64, u64, u64, u64, u64, u64, bool);
type Day<'py> = (String, u32, Bound<'py, PyDict>);

/// Counts by name.
fn counts<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    let seconds = |nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64();
    told.set_item("hits", stats.hits)?;
    told.set_item("memory_hits", stats.memory_hits)?;
    let by_reason = PyDict::new(py);
    for (reason, misses) in MissReason::ALL.into_iter().zip(stats.misses_by) {
        if misses > 0 {
            by_reason.set_item(reason.word(), misses)?;
        }
    }
    told.set_item("misses", by_reason)?;
    told.set_item("stored", stats.stored)?;
    told.set_item("stored_bytes", stats.stored_bytes)?;
    told.set_item("not_stored", stats.not_stored)?;
    told.set_item("bypassed", stats.bypassed)?;
    told.set_item("evicted", stats.evicted)?;
    told.set_item("verified", stats.verified)?;
    told.set_item("differed", stats.differed)?;
    told.set_item("saved_seconds", seconds(stats.saved_ns))?;
    told.set_item("computed_seconds", seconds(stats.computed_ns))?;
    let by_step = PyDict::new(py);
    for step in Step::ALL {
        let spent = stats.spent.on(step);
        if spent > 0 {
            by_step.set_item(step.word(), seconds(spent))?;
        }
    }
    told.set_item("overhead", by_step)?;
    Ok(told)
}

pub fn unusable() -> PyErr {
    PyOSError::new_err("the directory cannot be used, as a warning said before")
}

/// Sees to it, before a process stores its first result, that all are written before it ends.
pub fn prepare_for_the_end(py: Python<'_>) -> PyResult<()> {
    static PREPARED: AtomicU32 = AtomicU32::new(0);
    let me = std::process::id();
    if PREPARED.swap(me, Ordering::Relaxed) != me {
        py.import("rememo.flushing")?.call_method0("prepare")?;
    }
    Ok(())
}

/// Sees to it that a worker of `multiprocessing`, which may do nothing but be answered, writes down
/// what it counted before it ends.
pub fn prepare_worker(py: Python<'_>) -> PyResult<()> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let me = std::process::id();
    if ASKED.swap(me, Ordering::Relaxed) != me
        && raw::modules(py).contains("multiprocessing.process")?
    {
        prepare_for_the_end(py)?;
    }
    Ok(())
}

/// Has all results so far of all stores written, and what was counted, for a worker is about to end.
#[pyfunction]
pub fn end_worker(py: Python<'_>) {
    py.detach(rememo::Store::end_worker);
}

/// Has all results so far of all stores written.
#[pyfunction]
pub fn settle_all(py: Python<'_>) {
    py.detach(rememo::Store::settle_all);
}

/// Has all results of all stores written, for the interpreter is about to end.
#[pyfunction]
pub fn end_all(py: Python<'_>) {
    py.detach(rememo::Store::end_all);
}

/// Says that this process may be ended as soon as it has handed over a result.
#[pyfunction]
pub fn expect_to_be_ended() {
    rememo::Store::expect_to_be_ended();
}

/// A failure of the store in an operation that the user asked for by name.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub fn failed(error: rememo::StoreError) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// To be called before `fork`: leaves the stores in a state that a child can drop.
#[pyfunction]
pub fn before_fork(py: Python<'_>) {
    py.detach(rememo::Store::before_fork);
}

/// To be called after `fork` in the parent.
#[pyfunction]
pub fn after_fork_in_parent() {
    rememo::Store::after_fork_in_parent();
}

/// To be called after `fork` in the child: stores are opened anew when next used.
#[pyfunction]
pub fn after_fork_in_child() {
    rememo::Store::after_fork_in_child();
}
