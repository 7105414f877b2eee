//! Who may write to a store's files: its owner only, or a group; and how files are made and opened
//! so that it stays so. Whoever can write to a store can run code in the programs that read it, for
//! results are decoded from what it holds.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::{Gid, Group, Uid, User};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use thiserror::Error;

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// The number of the user, and of the group, that may do everything anyway.
const ROOT: u32 = 0;

/// Whose files are trusted, besides one's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Nobody's.
    #[default]
    Nobody,
    /// Those of the user of this number.
    User(u32),
    /// Anybody's: nothing is checked.
    Anybody,
}

/// Who may read and write a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Who is trusted to have written what is in it.
    pub trust: Trust,
    /// Whether the members of its group share it: a store that is made is theirs to write to, and
    /// what they may write to is trusted.
    pub shared: bool,
    /// Whether this process leaves it as it is, though it may write to it: what is in it is used,
    /// and nothing is made, changed or removed.
    pub read_only: bool,
}

/// Why a file is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Objection {
    /// The file or directory.
    pub path: PathBuf,
    /// Whether it is a directory that the store lies in.
    pub around: bool,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to this user.
    Owner(u32),
    /// The members of this group may write to it.
    Group(u32),
    /// Everybody may write to it.
    Everybody,
    /// It is a symbolic link.
    Link,
    /// It is not an ordinary file.
    Special,
}

/// Access to one store, whose group is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keeper {
    access: Access,
    /// The group that shares the store.
    group: Option<u32>,
    /// Who owns the store that a group shares.
    owner: Option<u32>,
}

impl Keeper {
    pub(crate) fn new(access: Access, group: Option<u32>, owner: Option<u32>) -> Self {
        Self {
            access,
            group: group.filter(|_| access.shared),
            owner: owner.filter(|_| access.shared),
        }
    }

    /// Whether nobody else can write to the store, so that a file stays as it was read.
    pub(crate) fn is_exclusive(self) -> bool {
        self.access.trust == Trust::Nobody && !self.access.shared
    }

    /// Whether the store is to be left as it is.
    pub(crate) fn is_read_only(self) -> bool {
        self.access.read_only
    }

    /// Refuses to change what is at a path of a store that is to be left as it is.
    pub(crate) fn may_change(self, path: &Path) -> io::Result<()> {
        if !self.access.read_only {
            return Ok(());
        }
        let why = format!("{} is to be left as it is", path.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }

    /// What is wrong with a file or directory of the store.
    pub(crate) fn fault(self, found: &Metadata) -> Option<Fault> {
        let of_group = self.group == Some(found.gid());
        if self.access.trust == Trust::Anybody {
            None
        } else if !of_group && !self.trusts(found.uid()) {
            Some(Fault::Owner(found.uid()))
        } else {
            self.writers(found)
        }
    }

    /// What is wrong with a directory that the store, or a link to it, lies in.
    pub(crate) fn fault_around(self, found: &Metadata) -> Option<Fault> {
        let owner = found.uid();
        if self.access.trust == Trust::Anybody {
            None
        } else if owner != ROOT && self.owner != Some(owner) && !self.trusts(owner) {
            Some(Fault::Owner(owner))
        } else if found.mode() & STICKY != 0 {
            // Whoever may write there can move their own entries only.
            None
        } else {
            self.writers(found)
        }
    }

    /// What is wrong with the owner of a link that leads to the store.
    pub(crate) fn fault_of_link(self, found: &Metadata) -> Option<Fault> {
        let owner = found.uid();
        let fine = self.access.trust == Trust::Anybody
            || owner == ROOT
            || self.owner == Some(owner)
            || self.trusts(owner);
        (!fine).then_some(Fault::Owner(owner))
    }

    fn trusts(self, user: u32) -> bool {
        user == rustix::process::geteuid().as_raw() || self.access.trust == Trust::User(user)
    }

    /// Who else may write to something.
    fn writers(self, found: &Metadata) -> Option<Fault> {
        let (mode, group) = (found.mode(), found.gid());
        if mode & OTHERS_WRITE != 0 {
            Some(Fault::Everybody)
        } else if mode & GROUP_WRITES != 0
            && self.group != Some(group)
            && !is_private(group, found.uid())
        {
            Some(Fault::Group(group))
        } else {
            None
        }
    }

    fn dir_mode(self) -> u32 {
        // What is made in a directory with the third bit belongs to the directory's group.
        if self.access.shared { 0o2770 } else { 0o700 }
    }

    pub(crate) fn file_mode(self) -> u32 {
        if self.access.shared { 0o660 } else { 0o600 }
    }

    /// Makes a directory, and those that it lies in; one that is there is fine.
    pub(crate) fn make_dirs(self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        if let Some(around) = dir.parent().filter(|around| *around != Path::new("")) {
            self.make_dirs(around)?;
        }
        self.make_dir(dir)
    }

    /// Makes a directory in one that must be there: a store that was removed stays so.
    pub(crate) fn make_dir(self, dir: &Path) -> io::Result<()> {
        match fs::symlink_metadata(dir) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(found) if found.is_symlink() => return Err(objection(dir, Fault::Link)),
            _ => self.may_change(dir)?,
        }
        match DirBuilder::new().mode(self.dir_mode()).create(dir) {
            // Made anew, so that neither the user's mask nor a missing bit counts.
            Ok(()) => fs::set_permissions(dir, Permissions::from_mode(self.dir_mode())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens a file to read and write, and makes it if it is not there.
    pub(crate) fn open_or_make(self, path: &Path) -> io::Result<File> {
        self.may_change(path)?;
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOFOLLOW);
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options.create_new(true).mode(self.file_mode()).open(path) {
            Ok(file) => {
                self.give(&file)?;
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.open_or_make(path),
            Err(error) => Err(error),
        }
    }

    /// Gives a new file the mode that files of the store have, whatever the user's mask.
    pub(crate) fn give(self, file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(self.file_mode()))
    }

    /// Opens a file to read what is decoded from it; no link leads to it, and nobody but those who
    /// are trusted can have written it.
    pub(crate) fn open(self, path: &Path) -> io::Result<(File, Metadata)> {
        let file = match open_unlinked(path) {
            Err(Errno::LOOP) => return Err(objection(path, Fault::Link)),
            opened => File::from(opened?),
        };
        let found = file.metadata()?;
        let special = (!found.is_file()).then_some(Fault::Special);
        match special.or_else(|| self.fault(&found)) {
            Some(fault) => Err(objection(path, fault)),
            None => Ok((file, found)),
        }
    }

    /// Looks at a directory of the store before anything in it is trusted.
    pub(crate) fn inspect(self, dir: &Path) -> io::Result<()> {
        let found = fs::symlink_metadata(dir)?;
        let link = found.is_symlink().then_some(Fault::Link);
        match link.or_else(|| self.fault(&found)) {
            Some(fault) => Err(objection(dir, fault)),
            None => Ok(()),
        }
    }
}

fn objection(path: &Path, fault: Fault) -> io::Error {
    io::Error::other(Objection {
        path: path.to_owned(),
        around: false,
        fault,
    })
}

/// Opens a file whose path, which is absolute, has no link in it. Never waits, as opening a pipe
/// would.
fn open_unlinked(path: &Path) -> Result<rustix::fd::OwnedFd, Errno> {
    static MISSING: AtomicBool = AtomicBool::new(false);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    if !MISSING.load(Ordering::Relaxed) {
        match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
            // An old kernel, or a container that does not know the call: directories of the store
            // were looked at when it was opened, so links are ruled out all the same.
            Err(Errno::NOSYS | Errno::PERM) => MISSING.store(true, Ordering::Relaxed),
            opened => return opened,
        }
    }
    rustix::fs::open(path, flags, Mode::empty())
}

/// Whether a group is a user's own, with nobody else in it: many systems give each user one.
/// Asked only about directories that their group may write to, for it may be slow to answer.
fn is_private(group: u32, user: u32) -> bool {
    if group == ROOT && user == ROOT {
        return true;
    }
    let user = User::from_uid(Uid::from_raw(user));
    let group = Group::from_gid(Gid::from_raw(group));
    let (Ok(Some(user)), Ok(Some(group))) = (user, group) else {
        return false;
    };
    user.gid == group.gid
        && user.name == group.name
        && group.mem.iter().all(|member| *member == user.name)
}

/// Whether this process has the rights of a group.
pub(crate) fn is_member(group: u32) -> bool {
    rustix::process::getegid().as_raw() == group
        || rustix::process::getgroups()
            .is_ok_and(|groups| groups.iter().any(|one| one.as_raw() == group))
}

fn user_name(user: u32) -> String {
    match User::from_uid(Uid::from_raw(user)) {
        Ok(Some(found)) => format!("{} (user {user})", found.name),
        _ => format!("user {user}"),
    }
}

fn group_name(group: u32) -> String {
    match Group::from_gid(Gid::from_raw(group)) {
        Ok(Some(found)) => format!("{} (group {group})", found.name),
        _ => format!("group {group}"),
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let danger = if self.around {
            "who could put another store in the place of this one, and with it code"
        } else {
            "who could have put code into it"
        };
        match self.fault {
            Fault::Link => write!(
                f,
                "{path} is a symbolic link, and a store has none: remove it"
            ),
            Fault::Special => write!(f, "{path} is not an ordinary file: remove it"),
            Fault::Owner(user) => write!(
                f,
                "{path} belongs to {}, {danger}. If you trust them, say trust_owner={user} \
                 (or REMEMO_TRUST_OWNER={user}); or else name another directory",
                user_name(user)
            ),
            Fault::Group(group) => write!(
                f,
                "{path} may be written to by the members of {}, {danger}. Take that right away \
                 (chmod g-w), or say shared=\"group\" (or REMEMO_SHARED=group) if it is their \
                 store too, or trust_owner=True if you trust them",
                group_name(group)
            ),
            Fault::Everybody => write!(
                f,
                "{path} may be written to by everybody, {danger}. Take that right away \
                 (chmod o-w), or say trust_owner=True if you trust all users of this machine",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn shared() -> Keeper {
        let access = Access {
            shared: true,
            ..Access::default()
        };
        Keeper::new(access, Some(rustix::process::getegid().as_raw()), None)
    }

    #[test]
    fn what_is_made_is_for_its_owner_or_its_group() {
        let dir = tempfile::tempdir().unwrap();
        for (keeper, dirs, files) in [(Keeper::default(), 0o700, 0o600), (shared(), 0o2770, 0o660)]
        {
            let made = dir.path().join(format!("{dirs:o}/one/two"));
            keeper.make_dirs(&made).unwrap();
            keeper.make_dirs(&made).unwrap();
            assert_eq!(mode(&made), dirs);
            assert_eq!(mode(made.parent().unwrap()), dirs);
            keeper.open_or_make(&made.join("file")).unwrap();
            assert_eq!(mode(&made.join("file")), files);
        }
    }

    #[test]
    fn links_pipes_and_lax_files_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        let fault = |name: &str| {
            let error = Keeper::default().open(&here.join(name)).unwrap_err();
            let objection = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Objection>());
            objection.map(|objection| objection.fault)
        };
        fs::create_dir(here.join("folder")).unwrap();
        fs::write(here.join("folder/file"), "content").unwrap();
        std::os::unix::fs::symlink("folder", here.join("link")).unwrap();
        std::os::unix::fs::symlink("folder/file", here.join("file")).unwrap();
        rustix::fs::mknodat(
            CWD,
            here.join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(Keeper::default().open(&here.join("folder/file")).is_ok());
        assert_eq!(fault("link/file"), Some(Fault::Link));
        assert_eq!(fault("file"), Some(Fault::Link));
        assert_eq!(fault("pipe"), Some(Fault::Special));
        assert_eq!(fault("folder"), Some(Fault::Special));
        assert_eq!(fault("missing"), None);
        let set = |mode| {
            fs::set_permissions(here.join("folder/file"), Permissions::from_mode(mode)).unwrap();
        };
        set(0o602);
        assert_eq!(fault("folder/file"), Some(Fault::Everybody));
    }

    #[test]
    fn a_file_is_not_made_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(Keeper::default().open_or_make(&link).is_err());
        assert!(Keeper::default().make_dir(&link).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }
}
