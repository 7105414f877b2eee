//! The recording of one run: what it looked at, told by what there was at that moment, and what it
//! did that a stored result would leave out.

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exempt::Exempt;
use super::lease::Lease;
use super::look::State;
use super::outputs::Manner;
use super::sighting::{Sighting, counted, device, first_look};
use super::subject::{Place, Subject};
use super::world::World;

/// Something that a run did, for which its result is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impurity {
    /// What sort of thing it is.
    pub kind: &'static str,
    /// What it did.
    pub what: String,
    /// Where in the program.
    pub at: Option<String>,
}

impl Impurity {
    /// What it did, and where, in words.
    pub fn told(&self) -> String {
        match &self.at {
            Some(at) => format!("{} ({at})", self.what),
            None => self.what.clone(),
        }
    }
}

/// What a run looked at and did so far.
#[derive(Debug, Default)]
pub struct Log {
    pub(super) exempt: Arc<Exempt>,
    /// Kinds of things that a run may do, and its result is kept all the same.
    allowed: Arc<[&'static str]>,
    pub(super) sightings: Vec<Sighting>,
    places: HashMap<Subject, usize>,
    pub(super) touches: Vec<Touch>,
    /// Whether what it changes on disk is to be done again on a hit.
    pub(super) keeps_outputs: bool,
    /// Where that is.
    pub(super) kept: HashSet<PathBuf>,
    /// The files that go along with the result, though the run was not seen to change them.
    pub(super) handed_over: HashSet<PathBuf>,
    /// The files that were opened and do not count.
    pub(super) aside: HashSet<PathBuf>,
    pub(super) held: Vec<Held>,
    /// Generators of random numbers, with their states before the run: whoever draws from them may
    /// not be heard.
    pub(super) generators: Vec<(Subject, State)>,
    /// Those that were seeded before they were drawn from.
    pub(super) seeded: Vec<Subject>,
    pub(super) objections: Vec<Impurity>,
    /// What it did or may depend on, for which its result is kept all the same, and of which its user
    /// is to hear.
    pub(super) cautions: Vec<Impurity>,
    /// The directory that the process was in when one was first needed.
    pub(super) directory: Option<PathBuf>,
    /// Whether it has left that directory since.
    pub(super) moved: bool,
    /// When all results that were handed to it are good, and how often that was told.
    pub(super) lease: Option<Lease>,
    leases: usize,
}

/// A path that the run changed, and whether there was something before.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) path: PathBuf,
    /// The same as the run named it.
    pub(super) place: Place,
    pub(super) manner: Manner,
    pub(super) was_there: bool,
    /// Whether the run had made what was there.
    pub(super) own: bool,
    /// What there was before, where the change depends on that.
    pub(super) before: Option<Sighting>,
    pub(super) by: Impurity,
    /// Whether the result is kept all the same.
    pub(super) allowed: bool,
}

/// Something that is not on disk and was set, with its state before that.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) subject: Subject,
    pub(super) before: State,
    pub(super) by: Impurity,
    /// Whether the result is kept all the same.
    pub(super) allowed: bool,
}

impl Log {
    /// An empty log; what is exempt does not get into it.
    pub fn new(exempt: Arc<Exempt>) -> Self {
        Self {
            exempt,
            ..Self::default()
        }
    }

    /// The same log, but that some kinds of things may be done, and the result is kept all the same.
    #[must_use]
    pub fn allowing(mut self, kinds: Arc<[&'static str]>) -> Self {
        self.allowed = kinds;
        self
    }

    /// The same log, of a run whose changes on disk are to be done again on a hit.
    #[must_use]
    pub fn keeping_outputs(mut self, keeps: bool) -> Self {
        self.keeps_outputs = keeps;
        self
    }

    /// Directories that listings leave out.
    pub(super) fn hidden(&self) -> &[PathBuf] {
        &self.exempt.hidden
    }

    /// Whether nothing was looked at and nothing objected to.
    pub fn is_empty(&self) -> bool {
        self.extent() == 0
    }

    /// How much is noted: it only ever grows.
    pub fn extent(&self) -> usize {
        self.sightings.len()
            + self.touches.len()
            + self.held.len()
            + self.generators.len()
            + self.seeded.len()
            + self.objections.len()
            + self.cautions.len()
            + usize::from(self.moved)
            + self.leases
    }

    /// Notes that something on disk is about to be looked at; where, `subject` makes of a place.
    pub fn see(&mut self, path: &Path, subject: impl FnOnce(Place) -> Subject) {
        // There never is anything of no name.
        if path == Path::new("") {
            return;
        }
        let Some(whole) = self.whole(path) else {
            return;
        };
        if !self.exempt.covers(&whole) {
            if self.is_own(&whole) {
                return;
            }
            let subject = subject(self.place(path, &whole));
            // Of one that is declared, what it holds counts.
            if !self.places.contains_key(&subject) {
                let counted = counted(subject, &whole);
                self.see_at(path, whole, |_| counted);
            }
        } else if let Subject::Content(_) = subject(Place::from(path)) {
            self.aside.insert(whole);
        }
    }

    /// Notes the same of a path that counts wherever it lies, and where that is, seen from anywhere.
    pub(super) fn see_at(
        &mut self,
        path: &Path,
        whole: PathBuf,
        subject: impl FnOnce(Place) -> Subject,
    ) {
        if self.is_own(&whole) {
            return;
        }
        let subject = subject(self.place(path, &whole));
        if self.places.contains_key(&subject) {
            return;
        }
        if let Subject::Content(_) = subject
            && let Some(device) = device(&whole)
        {
            self.object(Impurity {
                kind: "device",
                what: format!("reads the {device} {}", whole.display()),
                at: None,
            });
        }
        let (state, stamp) = first_look(&subject, &whole, &self.exempt.hidden);
        self.add(Sighting {
            subject,
            path: whole,
            state,
            stamp,
        });
    }

    /// Whether the run opened a file, known by its device and number there; it may have been closed
    /// since.
    pub fn has_opened(&self, device: u64, inode: u64) -> bool {
        let stamped = |seen: &Sighting| {
            seen.stamp
                .is_some_and(|stamp| (stamp.device, stamp.inode) == (device, inode))
        };
        let is_at = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (device, inode))
        };
        self.sightings.iter().any(stamped)
            || self.touches.iter().any(|touch| is_at(&touch.path))
            || self.sightings.iter().any(|seen| is_at(&seen.path))
            || self.aside.iter().any(|path| is_at(path))
    }

    /// Notes the state of something that is not on disk.
    pub fn note(&mut self, subject: Subject, state: State) {
        if !self.places.contains_key(&subject) {
            // What the run set itself is as good as what there was before: that makes it so again.
            let held = self.held.iter().find(|held| held.subject == subject);
            let state = held.map_or(state, |held| held.before);
            self.add(Sighting {
                subject,
                path: PathBuf::new(),
                state: Some(state),
                stamp: None,
            });
        }
    }

    /// Notes that the run is about to set something that is not on disk. Where it is not as it was
    /// once the run is over, the result is not kept.
    pub fn hold(&mut self, subject: Subject, before: State, by: Impurity) {
        self.add_held(Held {
            subject,
            before,
            allowed: self.allows(by.kind),
            by,
        });
    }

    fn add_held(&mut self, held: Held) {
        if !self.held.iter().any(|known| known.subject == held.subject) {
            self.held.push(held);
        }
    }

    /// Notes the state of a generator of random numbers before the run. It counts if it is in
    /// another once the run is over.
    pub fn watch_generator(&mut self, generator: Subject, before: State) {
        if self.watched_generator(&generator).is_none() {
            self.generators.push((generator, before));
        }
    }

    /// The state before the run of a generator that is watched.
    fn watched_generator(&self, generator: &Subject) -> Option<State> {
        let mut watched = self.generators.iter();
        let known = watched.find(|(watched, _)| watched == generator);
        known.map(|(_, before)| *before)
    }

    /// Notes that a generator that is watched has been drawn from, if its state now says so.
    pub fn notice_draws(&mut self, generator: &Subject, now: State) {
        if let Some(before) = self.watched_generator(generator)
            && before != now
        {
            self.draw(generator.clone(), before);
        }
    }

    /// Watches the generators that a run within this one watched: what this one had drawn by then
    /// shows in what that one found.
    pub fn watch_like(&mut self, inner: &Self) {
        for (generator, before) in &inner.generators {
            self.notice_draws(generator, *before);
            self.watch_generator(generator.clone(), *before);
        }
    }

    /// Notes that a generator of random numbers is about to be used.
    pub fn draw(&mut self, generator: Subject, before: State) {
        let before = self.watched_generator(&generator).unwrap_or(before);
        if !self.allows("random") && !self.seeded.contains(&generator) {
            self.note(generator, before);
        }
    }

    /// Notes that a generator of random numbers is about to be put into a state that does not depend
    /// on the one that it is in.
    pub fn seed(&mut self, generator: Subject) {
        let known = self.places.contains_key(&generator) || self.seeded.contains(&generator);
        if !known && !self.allows("random") {
            self.seeded.push(generator);
        }
    }

    /// Notes that the process is about to go to another directory.
    pub fn leave(&mut self) {
        self.directory();
        self.moved = true;
    }

    /// Notes that the run is about to make, change or remove what is at a path.
    pub fn touch(&mut self, path: &Path, manner: Manner, by: Impurity) {
        let named = path;
        let Some(path) = self.whole(path) else {
            return;
        };
        let own = self.is_own(&path);
        let known = own && !self.keeps_outputs;
        if self.exempt.covers(&path) || known || path == Path::new("/dev/null") {
            return;
        }
        let place = self.place(named, &path);
        let before = if own {
            None
        } else {
            self.before(&place, &path, manner)
        };
        let was_there = !own && fs::symlink_metadata(&path).is_ok();
        self.touches.push(Touch {
            path,
            place,
            manner,
            was_there,
            own,
            before,
            allowed: self.allows(by.kind),
            by,
        });
    }

    /// Notes something for which the result cannot be kept; of a kind, once for each line.
    pub fn object(&mut self, objection: Impurity) {
        let same = |known: &Impurity| {
            known.kind == objection.kind
                && known.at == objection.at
                && (known.at.is_some() || known.what == objection.what)
        };
        if !self.allows(objection.kind) && !self.objections.iter().any(same) {
            self.objections.push(objection);
        }
    }

    /// Notes something of which its user is to hear, though the result is kept; of a kind, once.
    pub fn caution(&mut self, caution: Impurity) {
        let is_known = |known: &Impurity| known.kind == caution.kind;
        if !self.allows(caution.kind) && !self.cautions.iter().any(is_known) {
            self.cautions.push(caution);
        }
    }

    /// Leaves out what its user need not hear of.
    pub fn retain_cautions(&mut self, counts: impl Fn(&'static str) -> bool) {
        self.cautions.retain(|caution| counts(caution.kind));
    }

    /// Whether the run may do things of a kind.
    pub fn allows(&self, kind: &str) -> bool {
        self.allowed.contains(&kind)
    }

    /// Takes over what a run within this one looked at and did.
    pub fn absorb(&mut self, inner: &Self) {
        for sighting in &inner.sightings {
            if let (Subject::Generator(_), Some(state)) = (&sighting.subject, sighting.state) {
                self.draw(sighting.subject.clone(), state);
            } else if !self.is_own(&sighting.path) && !self.places.contains_key(&sighting.subject) {
                let hidden = inner.hidden();
                self.add(sighting.clone().listed(hidden, self.hidden()));
            }
        }
        for generator in &inner.seeded {
            self.seed(generator.clone());
        }
        for touch in &inner.touches {
            let allowed = touch.allowed || self.allows(touch.by.kind);
            let own = self.is_own(&touch.path);
            let mut touch = touch.clone();
            if own {
                (touch.own, touch.before, touch.was_there) = (true, None, false);
            }
            self.touches.push(Touch { allowed, ..touch });
        }
        for held in &inner.held {
            let allowed = held.allowed || self.allows(held.by.kind);
            self.add_held(Held {
                allowed,
                ..held.clone()
            });
        }
        for objection in &inner.objections {
            self.object(objection.clone());
        }
        for caution in &inner.cautions {
            self.caution(caution.clone());
        }
        self.aside.extend(inner.aside.iter().cloned());
        if self.directory.is_none() {
            self.directory.clone_from(&inner.directory);
        }
        self.moved |= inner.moved;
        self.take_lease(inner.lease);
    }

    fn take_lease(&mut self, lease: Option<Lease>) {
        let both = Lease::both(self.lease, lease);
        if both != self.lease {
            self.lease = both;
            self.leases += 1;
        }
    }

    /// Takes over what a result depends on that was handed back to this run.
    pub fn inherit(&mut self, world: &World) {
        self.take_lease(world.lease);
        for (generator, _) in &world.left {
            let mut observed = world.observations.iter();
            if !observed.any(|observation| observation.subject == *generator) {
                self.seed(generator.clone());
            }
        }
        for observation in &world.observations {
            let subject = &observation.subject;
            if let Subject::Generator(_) = subject {
                self.draw(subject.clone(), observation.state);
                continue;
            }
            let path = subject.place().and_then(|place| self.whole(place.path()));
            if path.as_deref().is_some_and(|path| self.is_own(path)) {
                continue;
            }
            if let Some(at) = self.places.get(subject) {
                // Seen before; what the result was verified for must be what was seen.
                self.sightings[*at].state.get_or_insert(observation.state);
                continue;
            }
            let sighting = Sighting {
                subject: subject.clone(),
                path: path.unwrap_or_default(),
                state: Some(observation.state),
                stamp: None,
            };
            self.add(sighting.listed(&world.ignored(), self.hidden()));
        }
    }

    /// What is not on disk.
    pub fn sensed(&self) -> impl Iterator<Item = &Subject> {
        let seen = self.sightings.iter().map(|sighting| &sighting.subject);
        let held = self.held.iter().map(|held| &held.subject);
        let watched = self.generators.iter().map(|(subject, _)| subject);
        let all = seen.chain(held).chain(watched).chain(&self.seeded);
        all.filter(|subject| subject.is_sensed())
    }

    pub(super) fn has_seen(&self, subject: &Subject) -> bool {
        self.places.contains_key(subject)
    }

    pub(super) fn add(&mut self, sighting: Sighting) {
        self.places
            .insert(sighting.subject.clone(), self.sightings.len());
        self.sightings.push(sighting);
    }

    /// A place as an observation names it.
    pub(super) fn place(&self, path: &Path, whole: &Path) -> Place {
        if path.is_absolute() || self.moved {
            whole.into()
        } else {
            path.into()
        }
    }

    /// A path as it is seen from anywhere; none where there is no directory to see it from.
    pub(super) fn whole(&mut self, path: &Path) -> Option<PathBuf> {
        if path.is_absolute() {
            return Some(path.to_owned());
        }
        if self.moved {
            return Some(env::current_dir().ok()?.join(path));
        }
        Some(self.directory()?.join(path))
    }

    fn directory(&mut self) -> Option<&Path> {
        if self.directory.is_none() {
            self.directory = env::current_dir().ok();
        }
        self.directory.as_deref()
    }

    /// Whether the run made or changed what is at a path, or a directory that it lies in.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        self.touches
            .iter()
            .any(|touch| path.starts_with(&touch.path))
    }
}
