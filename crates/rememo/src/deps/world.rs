//! What a result depends on besides the arguments and code of the call, and whether it still is so.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::look::{State, look};
use super::stamp::{Stamp, now};
use super::subject::{Aspect, Place, Subject};

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
}

impl World {
    /// Whether nothing was looked at.
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty()
    }

    /// What only the front-end can look at.
    pub fn sensed(&self) -> impl Iterator<Item = &Observation> {
        let observations = self.observations.iter();
        observations.filter(|observation| observation.subject.place().is_none())
    }

    /// The first thing on disk that is not as it was.
    pub fn broken_on_disk(&self) -> Option<&Observation> {
        let ignored = self.ignored();
        let mut on_disk = self.observations.iter();
        on_disk.find(|observation| !observation.holds_on_disk(&ignored))
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
            let subject = was.subject.clone();
            let now = match subject.place() {
                Some(place) => look(&subject, place.path(), &ignored).map(|look| Observation {
                    subject: subject.clone(),
                    state: look.state,
                    stamp: look.stamp,
                    settled: look.settled,
                }),
                None => sense(&subject).map(|state| Observation::sensed(subject.clone(), state)),
            };
            let now = now.unwrap_or(Observation::sensed(subject, State::Absent));
            if now.state != was.state {
                found.push((was, now));
            }
        }
        found
    }

    fn ignored(&self) -> Vec<PathBuf> {
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
    pub(super) fn sensed(subject: Subject, state: State) -> Self {
        Self {
            subject,
            state,
            stamp: None,
            settled: false,
        }
    }

    fn holds_on_disk(&self, ignored: &[PathBuf]) -> bool {
        let Some(path) = self.subject.place().map(Place::path) else {
            return true;
        };
        if let (true, Some(stamp)) = (self.settled, self.stamp)
            && std::fs::metadata(path).is_ok_and(|found| Stamp::of(&found) == stamp)
        {
            return true;
        }
        look(&self.subject, path, ignored).is_some_and(|found| found.state == self.state)
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
