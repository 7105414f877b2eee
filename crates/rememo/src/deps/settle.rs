//! The end of a recording: what the run depended on, now that it is over, and what it did that is
//! still to be seen.

use std::collections::HashMap;
use std::env;
use std::fs;

use super::log::{Impurity, Log};
use super::look::{Look, State, look};
use super::sighting::Sighting;
use super::subject::Subject;
use super::world::{Observation, World};

/// What a run that is over depended on.
#[derive(Debug, Default)]
pub struct Settled {
    /// What it looked at.
    pub world: World,
    /// What it did for which its result is not kept.
    pub objections: Vec<Impurity>,
    /// What its user is to hear of, though the result is kept.
    pub cautions: Vec<Impurity>,
    /// What did not stay as it was while it ran.
    pub changed: Vec<Subject>,
    /// The generators of random numbers that it left in another state.
    pub advanced: Vec<Subject>,
}

impl Log {
    /// Looks at everything once more, now that the run is over; at what is not on disk, the
    /// front-end did just now.
    pub fn settle(mut self, sensed: impl IntoIterator<Item = (Subject, Option<State>)>) -> Settled {
        let sensed: HashMap<_, _> = sensed.into_iter().collect();
        let now = |subject: &Subject| sensed.get(subject).copied().flatten();
        let objections = self.lasting(now);
        self.draw_unheard(now);
        let mut settled = Settled {
            world: World {
                lease: self.lease,
                ..World::default()
            },
            objections,
            cautions: std::mem::take(&mut self.cautions),
            changed: Vec::new(),
            advanced: std::mem::take(&mut self.seeded),
        };
        for sighting in std::mem::take(&mut self.sightings) {
            if matches!(sighting.subject, Subject::Generator(_))
                && sighting.state.is_some()
                && now(&sighting.subject) != sighting.state
            {
                settled.advanced.push(sighting.subject.clone());
            }
            match self.seen_again(&sighting, now) {
                Some(seen) => settled.world.observations.push(seen),
                None => settled.changed.push(sighting.subject),
            }
        }
        if settled.world.observations.iter().any(lists) {
            let hidden = self.exempt.hidden.iter();
            settled.world.ignored = hidden.map(|path| path.as_path().into()).collect();
        }
        settled.world = settled.world.without_repetitions();
        settled
    }

    /// What the run saw, if that is still so or need not be.
    fn seen_again(
        &self,
        sighting: &Sighting,
        now: impl Fn(&Subject) -> Option<State>,
    ) -> Option<Observation> {
        let subject = sighting.subject.clone();
        // What the run itself was to change, and what no run can.
        let is_before = matches!(subject, Subject::Generator(_) | Subject::Accepted(..))
            || self.is_before_output(sighting);
        if let Some(state) = sighting.state.filter(|_| is_before) {
            return Some(Observation::sensed(subject, state));
        }
        let found = match subject.place() {
            Some(_) => look(&subject, &sighting.path, &self.exempt.hidden),
            None => now(&subject).map(Look::without_stamp),
        };
        let found = found.filter(|found| sighting.agrees_with(found))?;
        Some(Observation {
            subject,
            state: found.state,
            stamp: found.stamp,
            settled: found.settled,
        })
    }

    /// Generators that are in another state now were used.
    fn draw_unheard(&mut self, now: impl Fn(&Subject) -> Option<State>) {
        for (generator, before) in std::mem::take(&mut self.generators) {
            if now(&generator) != Some(before) {
                self.draw(generator, before);
            }
        }
    }

    /// What the run did that is still to be seen, and for which its result is not kept.
    fn lasting(&self, now: impl Fn(&Subject) -> Option<State>) -> Vec<Impurity> {
        let mut lasting = self.objections.clone();
        let left = self
            .touches
            .iter()
            .filter(|touch| !touch.allowed)
            .filter(|touch| touch.was_there || fs::symlink_metadata(&touch.path).is_ok());
        lasting.extend(left.map(|touch| touch.by.clone()));
        let set = self
            .held
            .iter()
            .filter(|held| !held.allowed && now(&held.subject) != Some(held.before));
        lasting.extend(set.map(|held| held.by.clone()));
        if self.moved && env::current_dir().ok() != self.directory {
            let left = Impurity {
                kind: "process",
                what: "leaves the process in another directory".to_owned(),
                at: None,
            };
            lasting.extend(Some(left).filter(|left| !self.allows(left.kind)));
        }
        lasting
    }
}

/// Whether something says what files there are, of which some are left out.
fn lists(observation: &Observation) -> bool {
    matches!(
        observation.subject,
        Subject::Listing(..) | Subject::Matches(_) | Subject::Tree(_)
    )
}
