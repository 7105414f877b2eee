//! What file system a store lies on, and which of them are local.

use std::io;
use std::path::Path;

use rustix::fs::statfs;

/// File systems known to be local, by their magic number.
const LOCAL: [(u64, &str); 9] = [
    (0xEF53, "ext4"), // and ext2, ext3
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0x0102_1994, "tmpfs"),
    (0x794C_7630, "overlayfs"),
    (0x2FC1_2FC1, "zfs"),
    (0xF2F5_2010, "f2fs"),
    (0xCA45_1A4E, "bcachefs"),
    (0x8584_58F6, "ramfs"),
];

/// A file system, as far as it matters to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its magic number.
    pub kind: u64,
    /// Its name, if it is known to be local: a store can lie on no other.
    pub local: Option<&'static str>,
}

impl FileSystem {
    /// The file system that a directory lies on, there or still to be made.
    pub fn under(dir: &Path) -> io::Result<Self> {
        // Whatever is not there may have gone just now.
        let found = dir.ancestors().find_map(|there| statfs(there).ok());
        let found = found.map_or_else(|| statfs("."), Ok)?;
        let kind = u64::try_from(found.f_type).unwrap_or(0);
        let local = LOCAL.iter().find(|(local, _)| *local == kind);
        let local = local.map(|(_, name)| *name);
        Ok(Self { kind, local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_disk_is_not_local() {
        let found = FileSystem::under(Path::new("/proc/none/here")).unwrap();
        assert_eq!((found.kind, found.local), (0x9FA0, None));
        let here = tempfile::tempdir().unwrap();
        assert!(FileSystem::under(here.path()).unwrap().local.is_some());
    }
}
