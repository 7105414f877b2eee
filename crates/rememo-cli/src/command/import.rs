//! `rememo import`: takes in what another cache exported.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use rememo::measure::bytes_to_read;
use rememo::{Store, Taken};
use schemars::JsonSchema;
use serde::Serialize;

use super::rm::entries;
use crate::archive::read;
use crate::args::{Import, Shared};
use crate::failure::Failure;
use crate::opened::{Opened, look, make};
use crate::page::{Page, USUAL};
use crate::paths::as_text;
use crate::progress::Progress;
use crate::report::{Report, complain};

/// What came out of an archive.
#[derive(Default, Serialize, JsonSchema)]
pub struct Imported {
    /// The archive.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// Whether nothing was taken in.
    pub dry_run: bool,
    /// How many entries the archive holds.
    pub entries: u64,
    /// Bytes of their results.
    pub bytes: u64,
    /// How many entries are new here.
    pub new: u64,
    /// How many were here before.
    pub present: u64,
    /// How many have results that are larger than all results here may be together.
    pub too_large: u64,
}

pub fn run(shared: &Shared, args: &Import) -> Result<Imported, Failure> {
    let Import { file, dry_run } = args;
    let mut archive = opened(file)?;
    let Opened { dir, store, .. } = look(shared)?;
    let most = store
        .as_ref()
        .map_or(Ok(u64::MAX), |store| store.bound().map(|bound| bound.bytes))?;
    let passes = if *dry_run { 1 } else { 2 };
    let progress = Progress::of_bytes("importing", passes * archive.metadata()?.len());
    let mut found = Imported {
        file: file.clone(),
        dry_run: *dry_run,
        ..Imported::default()
    };
    // All of it is looked at before any of it is taken in.
    let staging = staging(store.as_ref());
    let looked_at = read(followed(&archive, &progress), most, &staging, |item| {
        found.bytes = found.bytes.saturating_add(item.entry.size);
        Ok::<_, io::Error>(())
    });
    found.entries = looked_at.map_err(|error| Failure::BadArchive {
        file: file.clone(),
        why: error.to_string(),
    })?;
    if *dry_run {
        return Ok(found);
    }
    let store = match store {
        Some(store) => store,
        None => make(&dir)?,
    };
    warn_of_too_much(&store, found.bytes)?;
    archive.rewind()?;
    let most = store.bound()?.bytes;
    let staging = store.dir().join("tmp");
    read(followed(&archive, &progress), most, &staging, |item| {
        let taken = match &item.value {
            None => Taken::TooLarge,
            Some(value) => store.take_in(item.call, item.entry, item.state, value)?,
        };
        match taken {
            Taken::New => found.new += 1,
            Taken::There => found.present += 1,
            Taken::TooLarge => found.too_large += 1,
        }
        Ok::<_, Failure>(())
    })?;
    // What had to go for it is counted.
    store.note_uses();
    Ok(found)
}

/// A file, which is read twice.
fn opened(file: &Path) -> Result<File, Failure> {
    let refused = |why: &str| Failure::NoSuch(format!("{}: {why}", file.display()));
    let opened = File::open(file).map_err(|error| refused(&error.to_string()))?;
    if opened.metadata()?.is_file() {
        Ok(opened)
    } else {
        Err(refused("it is not a file"))
    }
}

/// Where large results are put while they are looked at.
fn staging(store: Option<&Store>) -> PathBuf {
    match store {
        Some(store) if !store.is_read_only() => store.dir().join("tmp"),
        _ => std::env::temp_dir(),
    }
}

fn warn_of_too_much(store: &Store, bytes: u64) -> Result<(), Failure> {
    let most = store.bound()?.bytes;
    if bytes > most {
        let told = format!(
            "the archive holds {} of results, and this cache {} at most: what is cheapest to lose \
             goes. REMEMO_MAX_SIZE allows more",
            bytes_to_read(bytes),
            bytes_to_read(most)
        );
        complain("warning", &told);
    }
    Ok(())
}

/// A file that is read while somebody looks on.
fn followed<'a>(file: &'a File, progress: &'a Progress) -> impl Read + use<'a> {
    struct Followed<'a>(&'a File, &'a Progress);
    impl Read for Followed<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1.moved(read as u64);
            Ok(read)
        }
    }
    Followed(file, progress)
}

impl Report for Imported {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let count = |of: u64| entries(usize::try_from(of).unwrap_or(usize::MAX));
        let size = bytes_to_read(self.bytes);
        if self.dry_run {
            let told = format!("it is whole: {}, {size} of results", count(self.entries));
            return page.line(USUAL, &told);
        }
        let mut told = format!("imported {} of {}", self.new, count(self.entries));
        if self.present > 0 {
            let _ = write!(told, "; {} were here already", self.present);
        }
        if self.too_large > 0 {
            let _ = write!(
                told,
                "; {} are larger than this cache may be",
                self.too_large
            );
        }
        page.line(USUAL, &told)
    }
}
