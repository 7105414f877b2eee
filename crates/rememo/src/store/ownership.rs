//! Whether a store may be decoded from: who could have written to its directory, to its parts, and
//! to the directories and links that lead to it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::access::{Access, Fault, Keeper, Objection, Trust, is_member};

/// As many links as the kernel follows.
const LINKS: usize = 40;
const INHERITS_GROUP: u32 = 0o2000;
/// What is in a store, besides objects and what is being staged.
const PARTS: [&str; 12] = [
    "format",
    "locks",
    "generation",
    "CACHEDIR.TAG",
    ".gitignore",
    "index",
    "index/data.mdb",
    "index/lock.mdb",
    "index/presence",
    "objects",
    "tmp",
    "claims",
];

/// The keeper of a store that is there, or still to be made.
pub(super) fn check(dir: &Path, access: Access) -> io::Result<Keeper> {
    let keeper = keeper(dir, access)?;
    check_way(dir, keeper)?;
    let found = match fs::metadata(dir) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(keeper),
        Err(error) => return Err(error),
    };
    if let Some(fault) = keeper.fault(&found) {
        return Err(objection(dir, false, fault));
    }
    for part in PARTS {
        let path = dir.join(part);
        match fs::symlink_metadata(&path) {
            Err(_) => {}
            Ok(found) if found.is_symlink() => return Err(objection(&path, false, Fault::Link)),
            Ok(found) => {
                if let Some(fault) = keeper.fault(&found) {
                    return Err(objection(&path, false, fault));
                }
            }
        }
    }
    Ok(keeper)
}

/// Access with the group that shares the store: that of its directory, or what it will be.
fn keeper(dir: &Path, access: Access) -> io::Result<Keeper> {
    if !access.shared {
        return Ok(Keeper::new(access, None, None));
    }
    let (group, owner) = match fs::metadata(dir) {
        Ok(found) => (found.gid(), Some(found.uid())),
        Err(_) => (group_to_be(dir), None),
    };
    if access.trust != Trust::Anybody && !is_member(group) {
        return Err(objection(dir, false, Fault::Group(group)));
    }
    Ok(Keeper::new(access, Some(group), owner))
}

/// The group that a directory will belong to when it is made.
fn group_to_be(dir: &Path) -> u32 {
    let around = dir.ancestors().find_map(|around| fs::metadata(around).ok());
    match around {
        Some(around) if around.mode() & INHERITS_GROUP != 0 => around.gid(),
        _ => rustix::process::getegid().as_raw(),
    }
}

/// Looks at every directory and link that leads to the store, as far as they are there: whoever may
/// write to one of them could put another directory in the store's place.
fn check_way(dir: &Path, keeper: Keeper) -> io::Result<()> {
    let mut at = PathBuf::from("/");
    let mut way = steps(&std::path::absolute(dir)?);
    let mut links = 0;
    while let Some(step) = way.pop_front() {
        check_around(&at, keeper)?;
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&step);
        let found = match fs::symlink_metadata(&next) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        if let Some(fault) = keeper.fault_of_link(&found) {
            return Err(objection(&next, true, fault));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut longer = steps(&target);
        longer.append(&mut way);
        way = longer;
    }
    Ok(())
}

fn check_around(dir: &Path, keeper: Keeper) -> io::Result<()> {
    let found: Metadata = fs::symlink_metadata(dir)?;
    match keeper.fault_around(&found) {
        Some(fault) => Err(objection(dir, true, fault)),
        None => Ok(()),
    }
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let named = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    named.collect()
}

fn objection(path: &Path, around: bool, fault: Fault) -> io::Error {
    io::Error::other(Objection {
        path: path.to_owned(),
        around,
        fault,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn fault(dir: &Path, access: Access) -> Option<(PathBuf, bool, Fault)> {
        let error = check(dir, access).err()?;
        let objection = error.get_ref()?.downcast_ref::<Objection>()?.clone();
        Some((objection.path, objection.around, objection.fault))
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// A directory that only its owner can reach, with a store in it.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().canonicalize().unwrap().join("around/store");
        fs::create_dir_all(store.join("index")).unwrap();
        fs::write(store.join("format"), "").unwrap();
        set(&store, 0o700);
        (dir, store)
    }

    #[test]
    fn ones_own_is_fine_there_or_not() {
        let (_dir, store) = place();
        assert_eq!(fault(&store, Access::default()), None);
        assert_eq!(fault(&store.join("not/yet"), Access::default()), None);
    }

    #[test]
    fn what_everybody_may_write_to_is_refused_unless_all_are_trusted() {
        let anybody = Access {
            trust: Trust::Anybody,
            ..Access::default()
        };
        for (part, lax, strict) in [
            ("", 0o777, 0o700),
            ("format", 0o606, 0o600),
            ("index", 0o757, 0o700),
        ] {
            let (_dir, store) = place();
            let path = if part.is_empty() {
                store.clone()
            } else {
                store.join(part)
            };
            set(&path, lax);
            assert_eq!(
                fault(&store, Access::default()),
                Some((path.clone(), false, Fault::Everybody))
            );
            assert_eq!(fault(&store, anybody), None);
            set(&path, strict);
            assert_eq!(fault(&store, Access::default()), None);
        }
    }

    #[test]
    fn what_others_could_swap_is_refused_unless_it_is_sticky() {
        let (_dir, store) = place();
        let around = store.parent().unwrap();
        set(around, 0o777);
        assert_eq!(
            fault(&store, Access::default()),
            Some((around.to_owned(), true, Fault::Everybody))
        );
        assert!(fault(&store.join("not/yet"), Access::default()).is_some());
        set(around, 0o1777);
        assert_eq!(fault(&store, Access::default()), None);
    }

    #[test]
    fn a_link_to_the_store_is_followed_and_its_way_looked_at() {
        let (dir, store) = place();
        let lax = dir.path().canonicalize().unwrap().join("lax");
        fs::create_dir(&lax).unwrap();
        set(&lax, 0o755);
        let link = dir.path().join("link");
        symlink("lax/../lax/inner", &link).unwrap();
        symlink(&store, lax.join("inner")).unwrap();
        assert_eq!(fault(&link, Access::default()), None);
        set(&lax, 0o777);
        assert_eq!(
            fault(&link, Access::default()),
            Some((lax, true, Fault::Everybody))
        );
    }

    #[test]
    fn links_in_a_store_and_circles_are_refused() {
        let (dir, store) = place();
        symlink("/etc", store.join("objects")).unwrap();
        assert_eq!(
            fault(&store, Access::default()),
            Some((store.join("objects"), false, Fault::Link))
        );
        symlink("circle", dir.path().join("circle")).unwrap();
        assert!(check(&dir.path().join("circle"), Access::default()).is_err());
    }
}
