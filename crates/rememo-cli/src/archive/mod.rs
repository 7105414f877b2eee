//! Archives: entries with their results, to be taken from one cache to another.
//!
//! A tar file, compressed with zstd, of these members:
//!
//! ```text
//! rememo-archive           JSON: the head, which says who can read the rest
//! state/DIGEST             a state, which the entries up to the next one are of
//! object/DIGEST            a result, which the entries up to the next one or the next state have
//! entry/CALL/NUMBER        what is known of a result, which it holds if it is small
//! checksum                 JSON: how many entries, and BLAKE3 over all members before this one
//! ```
//!
//! States and entries are records of the store's format. Nothing of an archive is a path to write
//! to, and reading one decodes no result.

mod read;
mod write;

pub use read::read;
pub use write::Writer;

use serde::{Deserialize, Serialize};

const HEAD: &str = "rememo-archive";
const CHECKSUM: &str = "checksum";
/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Who can read an archive, and who made it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The format of the archive.
    rememo_archive: u32,
    /// The format of the store that its records are of.
    store: u64,
    /// The version of the encoding that its keys are digests of.
    keys: u16,
    /// The kind of machine that its results were computed on.
    machine: String,
    /// The version of the command.
    version: String,
}

impl Head {
    /// The head of archives that are made here.
    fn here() -> Self {
        Self {
            rememo_archive: FORMAT,
            store: rememo::Store::FORMAT,
            keys: rememo::SCHEME_VERSION,
            machine: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Why results of such an archive are of no use here, if so.
    fn objection(&self) -> Option<String> {
        let here = Self::here();
        if self.rememo_archive != here.rememo_archive
            || (self.store, self.keys) != (here.store, here.keys)
        {
            let Self { version, .. } = self;
            return Some(format!(
                "it was made by rememo {version}, whose results this version, {}, cannot use: \
                 have both machines run the same version",
                here.version
            ));
        }
        (self.machine != here.machine).then(|| {
            format!(
                "its results were computed on {}, and may not be what {} computes",
                self.machine, here.machine
            )
        })
    }
}

/// What an archive ends with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checksum {
    entries: u64,
    blake3: String,
}

/// Counts a member into the checksum.
fn count_in(sum: &mut blake3::Hasher, name: &[u8], len: u64) {
    sum.update(&(name.len() as u64).to_le_bytes());
    sum.update(name);
    sum.update(&len.to_le_bytes());
}
