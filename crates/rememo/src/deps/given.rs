//! Files that a run was given by name: whether what became of them was seen.
//!
//! Code outside of the front-end's reach, such as a C library, opens files unseen. A file that the
//! run was given and that nobody was seen to look at is where that shows.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::log::Log;
use super::stamp::Stamp;
use super::subject::{Aspect, Subject};

/// A file that a run was given by name, as it was before the run.
#[derive(Clone, Debug)]
pub struct Given {
    /// Where it is, seen from anywhere.
    path: PathBuf,
    /// Its stamp; none where there was no file.
    before: Option<Stamp>,
}

/// What happened to a file, unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnoticed {
    /// Nobody was seen to read it.
    Unread,
    /// It is another one than before, and nobody was seen to write it.
    Written,
}

impl Given {
    /// Looks at what is there; nothing where that is neither a file nor free to be one.
    pub fn look(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let before = match fs::metadata(&path) {
            Ok(found) if found.is_file() => Some(Stamp::of(&found)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Ok(_) | Err(_) => return None,
        };
        Some(Self { path, before })
    }

    /// Where it is, seen from anywhere.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Log {
    /// What happened to a file while the run was under way and is not accounted for by what was
    /// seen; nothing where there is no file now.
    pub fn unnoticed(&self, given: &Given) -> Option<Unnoticed> {
        let found = fs::metadata(&given.path).ok()?;
        if !found.is_file() || self.exempt.covers(&given.path) {
            return None;
        }
        let now = Stamp::of(&found);
        if self.has_read(&given.path, now) || self.has_written(&given.path, now) {
            return None;
        }
        // Links that others make to it, and the like, are none of the run's doing.
        let content = |stamp: Stamp| (stamp.device, stamp.inode, stamp.size, stamp.modified_ns);
        if given.before.map(content) == Some(content(now)) {
            Some(Unnoticed::Unread)
        } else {
            Some(Unnoticed::Written)
        }
    }

    /// Whether the run was seen to look at a file so that any change of what it holds counts. That it
    /// asked whether there is one says nothing of who reads it then.
    fn has_read(&self, path: &Path, now: Stamp) -> bool {
        let seen = self.sightings.iter().filter(|seen| {
            matches!(
                seen.subject,
                Subject::Content(_)
                    | Subject::Status(_, Aspect::Everything | Aspect::Modified | Aspect::Stamp, _)
            )
        });
        let aside = self.aside.iter().map(|path| (path, None));
        seen.map(|seen| (&seen.path, seen.stamp))
            .chain(aside)
            .any(|(other, stamp)| match stamp {
                _ if other == path => true,
                Some(stamp) => is_same(stamp, now),
                None => is_at(other, now),
            })
    }

    fn has_written(&self, path: &Path, now: Stamp) -> bool {
        self.is_own(path)
            || self.handed_over.contains(path)
            || self.touches.iter().any(|touch| is_at(&touch.path, now))
    }
}

fn is_same(one: Stamp, other: Stamp) -> bool {
    (one.device, one.inode) == (other.device, other.inode)
}

fn is_at(path: &Path, stamp: Stamp) -> bool {
    fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (stamp.device, stamp.inode))
}

#[cfg(test)]
mod tests {
    use super::super::{Impurity, Links, Manner};
    use super::*;

    /// What is unnoticed of a file after a run that did this.
    fn after(run: impl FnOnce(&mut Log, &Path)) -> Option<Unnoticed> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        fs::write(&path, "x").unwrap();
        let given = Given::look(&path).unwrap();
        let mut log = Log::default();
        run(&mut log, &path);
        log.unnoticed(&given)
    }

    #[test]
    fn what_nobody_looks_at_is_unread() {
        assert_eq!(after(|_, _| ()), Some(Unnoticed::Unread));
        let existence = after(|log, path| {
            log.see(path, |place| {
                Subject::Status(place, Aspect::Existence, Links::Followed)
            });
        });
        assert_eq!(existence, Some(Unnoticed::Unread));
    }

    #[test]
    fn what_is_read_is_noticed_by_whichever_name() {
        assert_eq!(after(|log, path| log.see(path, Subject::Content)), None);
        let by_link = after(|log, path| {
            let link = path.with_file_name("link");
            std::os::unix::fs::symlink(path, &link).unwrap();
            log.see(&link, Subject::Content);
        });
        assert_eq!(by_link, None);
    }

    #[test]
    fn what_is_written_unseen_is_told_from_what_is_seen_to_be() {
        let unseen = after(|_, path| fs::write(path, "longer").unwrap());
        assert_eq!(unseen, Some(Unnoticed::Written));
        let seen = after(|log, path| {
            let by = Impurity {
                kind: "files",
                what: "writes".to_owned(),
                at: None,
            };
            log.touch(path, Manner::Replaces, by);
            fs::write(path, "longer").unwrap();
        });
        assert_eq!(seen, None);
    }

    #[test]
    fn what_is_gone_or_no_file_is_nobodys_concern() {
        assert_eq!(after(|_, path| fs::remove_file(path).unwrap()), None);
        assert!(Given::look(&std::env::temp_dir()).is_none());
    }
}
