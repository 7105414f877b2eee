//! What a run leaves changed on disk and a hit can make so again, because it does not depend on what
//! there was before, or only on what is noted of that.

use std::fs;
use std::path::{Path, PathBuf};

use super::log::{Log, Touch};
use super::look::{State, look};
use super::sighting::Sighting;
use super::subject::{Aspect, Links, Place, Subject};
use super::tree;

/// How a run changes what is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Something new takes the place of whatever there was.
    Replaces,
    /// A directory is made where there was nothing.
    MakesDirectory,
    /// It is removed.
    Removes,
    /// It goes to another name.
    Moves,
    /// Its permissions are set.
    SetsMode,
    /// Its times are set.
    SetsTimes,
    /// Something else, that depends on what was there.
    Alters,
}

/// Something that a run left on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where, as the run named it.
    pub place: Place,
    /// Where it is, seen from anywhere.
    pub path: PathBuf,
    /// What there is now.
    pub left: Left,
    /// Whether the run set its times.
    pub timed: bool,
}

/// What there is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// A directory.
    Directory,
    /// A file.
    File,
}

/// What of it is to be made so again.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of it.
    All,
    /// What is at these paths and below, and the directories that they lie in.
    Some(&'a [PathBuf]),
}

impl Wanted<'_> {
    fn covers(self, path: &Path) -> bool {
        match self {
            Self::All => true,
            Self::Some(paths) => paths
                .iter()
                .any(|wanted| wanted.starts_with(path) || path.starts_with(wanted)),
        }
    }
}

impl Touch {
    /// Whether what it does can be done again, as far as that is noted.
    fn is_repeatable(&self) -> bool {
        match self.manner {
            Manner::Replaces => true,
            Manner::MakesDirectory | Manner::Removes | Manner::Moves => {
                self.own || self.before.is_some()
            }
            Manner::SetsMode | Manner::SetsTimes | Manner::Alters => self.own,
        }
    }
}

impl Log {
    /// What there is before the run changes it, as far as the change depends on that.
    pub(super) fn before(&self, place: &Place, path: &Path, manner: Manner) -> Option<Sighting> {
        let subject = match manner {
            Manner::MakesDirectory => {
                Subject::Status(place.clone(), Aspect::Existence, Links::Kept)
            }
            Manner::Removes => Subject::Status(place.clone(), Aspect::Kind, Links::Kept),
            Manner::Moves
                if self.keeps_outputs
                    && fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) =>
            {
                Subject::Content(place.clone())
            }
            _ => return None,
        };
        let state = look(&subject, path, self.hidden())?.state;
        Some(Sighting {
            subject,
            path: path.to_owned(),
            state: Some(state),
            stamp: None,
        })
    }

    /// What the run left on disk that is wanted. For that, nothing is objected to any more; what it
    /// depends on counts.
    pub fn outputs(&mut self, wanted: Wanted<'_>) -> Vec<Output> {
        let mut outputs: Vec<Output> = Vec::new();
        let named: &[PathBuf] = match wanted {
            Wanted::All => &[],
            Wanted::Some(named) => named,
        };
        let whole: Vec<PathBuf> = named.iter().filter_map(|path| self.whole(path)).collect();
        let wanted = match wanted {
            Wanted::All => Wanted::All,
            Wanted::Some(_) => Wanted::Some(&whole),
        };
        for path in self.repeatable(wanted) {
            let mut was_there = None;
            let mut timed = false;
            let mut place = None;
            for touch in &mut self.touches {
                if touch.path != path {
                    continue;
                }
                touch.allowed = true;
                was_there.get_or_insert(touch.was_there);
                place.get_or_insert_with(|| touch.place.clone());
                timed |= touch.manner == Manner::SetsTimes;
            }
            let left = left_at(&path);
            self.kept.insert(path.clone());
            if let (Some(place), Some(left)) = (place, left)
                && (left != Left::Nothing || was_there == Some(true))
            {
                outputs.push(Output {
                    place,
                    path,
                    left,
                    timed,
                });
            }
        }
        self.note_before();
        for path in named {
            self.add_untouched(path, &mut outputs);
        }
        outputs
    }

    /// The paths that are wanted, in the order in which they were touched first, but for those with
    /// a change that cannot be repeated.
    fn repeatable(&self, wanted: Wanted<'_>) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for touch in &self.touches {
            if !paths.contains(&touch.path) && wanted.covers(&touch.path) {
                paths.push(touch.path.clone());
            }
        }
        paths.retain(|path| {
            let left = left_at(path);
            let mut of_path = self.touches.iter().filter(|touch| touch.path == *path);
            let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            left.is_some()
                && of_path.all(|touch| {
                    let replaces = touch.manner == Manner::Replaces;
                    touch.is_repeatable()
                        && (!is_link || replaces)
                        // A directory that was moved here came with all that is in it.
                        && (left != Some(Left::Directory) || !replaces)
                })
        });
        paths
    }

    /// Has what outputs depend on count like what was looked at.
    fn note_before(&mut self) {
        let kept = &self.kept;
        let touches = self.touches.iter_mut();
        let kept = touches.filter(|touch| kept.contains(&touch.path));
        let before: Vec<_> = kept.filter_map(|touch| touch.before.take()).collect();
        for sighting in before {
            if !self.has_seen(&sighting.subject) {
                self.add(sighting);
            }
        }
    }

    /// Adds what is there and wanted, though the run did not change it itself.
    fn add_untouched(&mut self, named: &Path, outputs: &mut Vec<Output>) {
        let below = tree::below(named, &[]).unwrap_or_default().into_keys();
        let below = below.map(|name| named.join(name));
        for named in std::iter::once(named.to_owned()).chain(below) {
            let Some(path) = self.whole(&named) else {
                continue;
            };
            if outputs.iter().any(|output| output.path == path) {
                continue;
            }
            if let Some(left) = left_at(&path).filter(|left| *left != Left::Nothing) {
                self.handed_over.insert(path.clone());
                outputs.push(Output {
                    place: self.place(&named, &path),
                    path,
                    left,
                    timed: false,
                });
            }
        }
    }

    /// Whether what was seen at a path is what an output took the place of.
    pub(super) fn is_before_output(&self, sighting: &Sighting) -> bool {
        sighting
            .state
            .is_some_and(|state| state != State::Refused(libc::EAGAIN))
            && sighting.subject.place().is_some()
            && self.kept.contains(&sighting.path)
    }
}

/// What there is at a path; none where it is of no kind that can be made again.
fn left_at(path: &Path) -> Option<Left> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Some(Left::File),
        Ok(found) if found.is_dir() => Some(Left::Directory),
        Ok(_) => None,
        Err(_) if fs::symlink_metadata(path).is_ok() => None,
        Err(_) => Some(Left::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::Impurity;

    fn by() -> Impurity {
        Impurity {
            kind: "files",
            what: "writes".to_owned(),
            at: None,
        }
    }

    /// A log of a run that is watched, and a directory for it.
    fn run() -> (Log, tempfile::TempDir) {
        let log = Log::default().keeping_outputs(true);
        (log, tempfile::tempdir().unwrap())
    }

    fn left(log: &mut Log) -> Vec<(String, Left)> {
        let name = |output: Output| {
            let name = output.path.file_name().unwrap().to_string_lossy();
            (name.into_owned(), output.left)
        };
        log.outputs(Wanted::All).into_iter().map(name).collect()
    }

    #[test]
    fn what_is_written_anew_is_an_output_and_not_objected_to() {
        let (mut log, root) = run();
        let path = root.path().join("out");
        log.touch(&path, Manner::Replaces, by());
        fs::write(&path, "x").unwrap();
        log.touch(&path, Manner::Alters, by());
        fs::write(&path, "more").unwrap();
        assert_eq!(left(&mut log), [("out".to_owned(), Left::File)]);
        // Asked again, it says the same.
        assert_eq!(left(&mut log), [("out".to_owned(), Left::File)]);
        let settled = log.settle([]);
        assert_eq!(settled.objections, []);
        assert_eq!(settled.changed, []);
    }

    #[test]
    fn what_is_added_to_is_none() {
        let (mut log, root) = run();
        let path = root.path().join("out");
        fs::write(&path, "x").unwrap();
        log.touch(&path, Manner::Alters, by());
        assert_eq!(left(&mut log), []);
        assert_eq!(log.settle([]).objections, [by()]);
    }

    #[test]
    fn what_a_removal_depends_on_is_what_there_was_before() {
        let (mut log, root) = run();
        let path = root.path().join("out");
        fs::write(&path, "x").unwrap();
        log.touch(&path, Manner::Removes, by());
        fs::remove_file(&path).unwrap();
        assert_eq!(left(&mut log), [("out".to_owned(), Left::Nothing)]);
        let settled = log.settle([]);
        assert_eq!((settled.objections, settled.changed), (vec![], vec![]));
        let world = settled.world;
        assert_eq!(world.observations.len(), 1);
        assert!(world.broken_on_disk().is_some());
        fs::write(&path, "y").unwrap();
        assert!(world.broken_on_disk().is_none());
    }

    #[test]
    fn what_is_moved_depends_on_its_content() {
        let (mut log, root) = run();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::write(&from, "x").unwrap();
        log.touch(&from, Manner::Moves, by());
        log.touch(&to, Manner::Replaces, by());
        fs::rename(&from, &to).unwrap();
        let expected = [("from", Left::Nothing), ("to", Left::File)];
        assert_eq!(
            left(&mut log),
            expected.map(|(name, left)| (name.to_owned(), left))
        );
        let world = log.settle([]).world;
        fs::write(&from, "y").unwrap();
        assert!(world.broken_on_disk().is_some());
        fs::write(&from, "x").unwrap();
        assert!(world.broken_on_disk().is_none());
    }

    #[test]
    fn what_is_made_and_gone_is_nothing() {
        let (mut log, root) = run();
        let path = root.path().join("out");
        log.touch(&path, Manner::Alters, by());
        fs::write(&path, "x").unwrap();
        log.touch(&path, Manner::Removes, by());
        fs::remove_file(&path).unwrap();
        assert_eq!(left(&mut log), []);
        assert_eq!(log.settle([]).objections, []);
    }
}
