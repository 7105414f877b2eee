//! What there was when something was first looked at, to be compared with what there is once the run
//! is over.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::look::{Look, State, glance, look};
use super::stamp::{Stamp, now};
use super::subject::{Aspect, Links, Place, Subject};

/// A file that was written just now is read at once, to know it from one that is written a moment
/// later, unless it is longer than this: then its stamp is waited for.
const READ_AT_ONCE: u64 = 64 << 20;
const SETTLING: Duration = Duration::from_millis(21);

/// Of a file that is longer than this, the stamp counts: to read it takes about a second, or more.
const STAMPED: u64 = 1 << 30;

/// A subject, and what there was when it was first looked at.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) subject: Subject,
    /// Where it is, seen from anywhere.
    pub(super) path: PathBuf,
    pub(super) state: Option<State>,
    pub(super) stamp: Option<Stamp>,
}

impl Sighting {
    /// The same, where listings leave out other directories than they did when it was looked at: as
    /// it is to be seen from here, as long as it has not changed since.
    pub(super) fn listed(mut self, left_out: &[PathBuf], leave_out: &[PathBuf]) -> Self {
        let lists = matches!(
            self.subject,
            Subject::Listing(..) | Subject::Matches(_) | Subject::Tree(_)
        );
        if lists && left_out != leave_out {
            let state = |left_out| look(&self.subject, &self.path, left_out).map(|look| look.state);
            let here = state(leave_out);
            if state(left_out) == self.state {
                self.state = here;
            }
        }
        self
    }

    /// Whether what is there now is what was there.
    pub(super) fn agrees_with(&self, now: &Look) -> bool {
        self.state.is_none_or(|was| was == now.state)
            && self.stamp.is_none_or(|was| Some(was) == now.stamp)
    }
}

/// What counts of what is about to be looked at: of a large file, the stamp, if that tells of any
/// later change.
pub(super) fn counted(subject: Subject, path: &Path) -> Subject {
    let Subject::Content(place) = subject else {
        return subject;
    };
    let is_large = |found: &fs::Metadata| found.is_file() && found.len() > STAMPED;
    if fs::metadata(path).is_ok_and(|found| is_large(&found)) && settles(path, &place) {
        return Subject::Status(place, Aspect::Stamp, Links::Followed);
    }
    Subject::Content(place)
}

/// Whether the stamp of a file is one that a later change cannot leave as it is; if need be, after a
/// moment.
fn settles(path: &Path, place: &Place) -> bool {
    let subject = Subject::Content(place.clone());
    match glance(&subject, path) {
        Err(_) => false,
        Ok((_, true)) => true,
        Ok((stamp, false)) => {
            if stamp.changed_ns <= now() {
                std::thread::sleep(SETTLING);
            }
            glance(&subject, path).is_ok_and(|(again, settled)| settled && again == stamp)
        }
    }
}

/// What there is before something is looked at: as little as tells it from what comes later.
pub(super) fn first_look(
    subject: &Subject,
    path: &Path,
    hidden: &[PathBuf],
) -> (Option<State>, Option<Stamp>) {
    let Subject::Content(_) = subject else {
        // It takes little, and some of it may change without being counted.
        return (look(subject, path, hidden).map(|look| look.state), None);
    };
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return (look(subject, path, hidden).map(|look| look.state), None);
    }
    match glance(subject, path) {
        Err(state) => (Some(state), None),
        Ok((stamp, true)) => (None, Some(stamp)),
        Ok((stamp, false)) if stamp.size > READ_AT_ONCE => {
            // Not for a stamp from the future, which would not settle.
            if stamp.changed_ns <= now() {
                std::thread::sleep(SETTLING);
            }
            (None, Some(stamp))
        }
        Ok((stamp, false)) => {
            let state = look(subject, path, hidden).map(|look| look.state);
            (state, Some(stamp))
        }
    }
}

/// What sort of device there is at a path, if what is read from it is not stored there.
pub(super) fn device(path: &Path) -> Option<&'static str> {
    let found = fs::metadata(path).ok()?.file_type();
    if path == Path::new("/dev/null") {
        return None;
    }
    if found.is_char_device() || found.is_block_device() {
        Some("device")
    } else if found.is_fifo() {
        Some("pipe")
    } else if found.is_socket() {
        Some("socket")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Entries, Exempt, Log};
    use super::*;

    /// A run that lists a directory with a cache in it, within one to which the cache is its own; what
    /// is done between that and the end of the outer one.
    fn changed(meanwhile: impl FnOnce(&Path)) -> usize {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("cache")).unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let mut inner = Log::default();
        inner.see(dir.path(), |place| Subject::Listing(place, Entries::Names));
        meanwhile(dir.path());
        let mut outer = Log::new(Arc::new(Exempt {
            hidden: vec![dir.path().join("cache")],
            ..Exempt::default()
        }));
        outer.absorb(&inner);
        outer.settle([]).changed.len()
    }

    #[test]
    fn listings_that_leave_out_other_directories_are_compared() {
        assert_eq!(changed(|_| ()), 0);
        assert_eq!(changed(|dir| fs::write(dir.join("b"), "").unwrap()), 1);
    }
}
