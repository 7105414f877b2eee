//! What a result depends on besides the arguments and code of the call, and whether it still is so.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lease::Lease;
use super::look::{State, look};
use super::stamp::{Stamp, now};
use super::subject::{Aspect, Place, Subject};
use crate::digest::Digest;

/// Something that a run looked at, and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What it looked at.
    pub subject: Subject,
    /// What it found.
    pub state: State,
    /// The stamp of what it found, where it has one.
    pub stamp: Option<Stamp>,
    /// Whether the state is the same for as long as the stamp is.
    pub settled: bool,
}

/// All that a run looked at, in the order in which it did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// What it looked at.
    pub observations: Vec<Observation>,
    /// The directory of the cache, which does not count in listings.
    pub ignored: Vec<Place>,
    /// When the result is good, if not always.
    pub lease: Option<Lease>,
    /// What the run left changed and a hit makes so again, each with what it takes to do that.
    pub left: Vec<(Subject, Vec<u8>)>,
}

impl World {
    /// What a result depends on that is good at times only.
    pub fn leased(lease: Lease) -> Self {
        Self {
            lease: Some(lease),
            ..Self::default()
        }
    }

    /// Whether nothing was looked at or left changed, and the result is good at all times.
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.lease.is_none() && self.left.is_empty()
    }

    /// Whether the result is no longer good, whatever there is to be seen.
    pub fn has_expired(&self) -> bool {
        self.lease.is_some_and(|lease| lease.is_over())
    }

    /// Adds something that only the front-end can look at, unless it is there.
    pub(crate) fn add_sensed(&mut self, subject: Subject, state: State) {
        if self
            .observations
            .iter()
            .all(|known| known.subject != subject)
        {
            self.observations.push(Observation {
                subject,
                state,
                stamp: None,
                settled: false,
            });
        }
    }

    /// What only the front-end can look at.
    pub fn sensed(&self) -> impl Iterator<Item = &Observation> {
        let observations = self.observations.iter();
        observations.filter(|observation| observation.subject.is_sensed())
    }

    /// The accepted changes of code without which the result would not have been handed back.
    pub fn accepted(&self) -> impl Iterator<Item = &Observation> {
        let observations = self.observations.iter();
        observations.filter(|seen| matches!(seen.subject, Subject::Accepted(..)))
    }

    /// The same, by what they are known by.
    pub fn accepted_by(&self) -> Vec<Digest> {
        let accepted = self.accepted();
        accepted.filter_map(|seen| seen.state.digest()).collect()
    }

    /// The first thing on disk that is not as it was, and how it is now.
    pub fn broken_on_disk(&self) -> Option<(&Observation, Observation)> {
        let ignored = self.ignored();
        let mut on_disk = self.observations.iter();
        on_disk.find_map(|was| Some((was, was.changed_on_disk(&ignored)?)))
    }

    /// What else a result says on the same observations.
    pub fn is_alike(&self, other: &Self) -> bool {
        let told = |world: &Self| -> Vec<_> {
            let mut told: Vec<_> = world
                .observations
                .iter()
                .map(|observation| (observation.subject.clone(), observation.state))
                .collect();
            told.sort_by(|one, other| one.0.cmp(&other.0));
            told
        };
        told(self) == told(other)
    }

    /// Everything that is not as it was, and how it is now; what `sense` finds of what is not on
    /// disk included.
    pub fn differences(
        &self,
        mut sense: impl FnMut(&Subject) -> Option<State>,
    ) -> Vec<(&Observation, Observation)> {
        let ignored = self.ignored();
        let mut found = Vec::new();
        for was in &self.observations {
            let now = match was.subject.place() {
                Some(place) => was.now(place.path(), &ignored),
                None => was.sensed_now(sense(&was.subject)),
            };
            if now.state != was.state {
                found.push((was, now));
            }
        }
        found
    }

    pub(super) fn ignored(&self) -> Vec<PathBuf> {
        self.ignored
            .iter()
            .map(|place| place.path().to_owned())
            .collect()
    }

    /// Leaves out what another observation says too, for each that is left is looked at before
    /// every hit.
    pub(super) fn without_repetitions(mut self) -> Self {
        let opened: Vec<(Place, bool)> = self
            .observations
            .iter()
            .filter_map(|observation| match &observation.subject {
                Subject::Content(place) => Some((place.clone(), observation.stamp.is_some())),
                _ => None,
            })
            .collect();
        self.observations
            .retain(|observation| match &observation.subject {
                Subject::Status(place, aspect, super::Links::Followed) => {
                    let opened = opened.iter().find(|(opened, _)| opened == place);
                    !opened.is_some_and(|(_, is_file)| match aspect {
                        Aspect::Existence | Aspect::Kind => true,
                        Aspect::Size => *is_file,
                        _ => false,
                    })
                }
                _ => true,
            });
        self
    }
}

impl Observation {
    pub(crate) fn sensed(subject: Subject, state: State) -> Self {
        Self {
            subject,
            state,
            stamp: None,
            settled: false,
        }
    }

    /// What the front-end says of it now; absent where it cannot say.
    pub(crate) fn sensed_now(&self, state: Option<State>) -> Self {
        Self::sensed(self.subject.clone(), state.unwrap_or(State::Absent))
    }

    /// What is to be seen of it now at its path.
    fn now(&self, path: &Path, ignored: &[PathBuf]) -> Self {
        match look(&self.subject, path, ignored) {
            Some(found) => Self {
                subject: self.subject.clone(),
                state: found.state,
                stamp: found.stamp,
                settled: found.settled,
            },
            None => self.sensed_now(None),
        }
    }

    /// How it is now, if it is something on disk that is not as it was.
    fn changed_on_disk(&self, ignored: &[PathBuf]) -> Option<Self> {
        let path = self.subject.place()?.path();
        if let (true, Some(stamp)) = (self.settled, self.stamp)
            && std::fs::metadata(path).is_ok_and(|found| Stamp::of(&found) == stamp)
        {
            return None;
        }
        let now = self.now(path, ignored);
        (now.state != self.state).then_some(now)
    }

    /// Size and age, for people.
    pub fn details(&self) -> Option<String> {
        let stamp = self.stamp?;
        let size = match self.subject {
            Subject::Content(_) => format!("{} bytes, ", stamp.size),
            _ => String::new(),
        };
        let seconds = (now() - stamp.modified_ns) / 1_000_000_000;
        Some(format!("{size}modified {} ago", age(seconds)))
    }
}

fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
