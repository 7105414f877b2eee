//! `rememo export`: entries with their results, as one file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rememo::measure::bytes_to_read;
use rememo::{Digest, Entry, Listed, StateTree, Store, StoredValue};
use schemars::JsonSchema;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::rm::entries;
use crate::archive::Writer;
use crate::args::{Export, Shared};
use crate::failure::{Failure, NOT_SO};
use crate::opened::open;
use crate::page::{BAD, Page, USUAL};
use crate::paths::as_text;
use crate::progress::Progress;
use crate::report::Report;
use crate::select::{all, selected};

/// What went into an archive.
#[derive(Serialize, JsonSchema)]
pub struct Exported {
    /// The archive.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// Its bytes.
    pub file_bytes: u64,
    /// How many entries it holds.
    pub entries: usize,
    /// Bytes of their results.
    pub bytes: u64,
    /// Entries that were left out since their results, or what those were made of, are damaged or
    /// gone.
    pub left_out: usize,
}

pub fn run(shared: &Shared, args: &Export) -> Result<Exported, Failure> {
    let store = open(shared)?;
    let file = &args.file;
    if !args.force && fs::symlink_metadata(file).is_ok() {
        return Err(Failure::Mistake(format!(
            "{} is there already: name another file, or write over it with --force",
            file.display()
        )));
    }
    let mut found = if args.selection.is_everything() {
        all(&store, |_| true)?
    } else {
        selected(&store, &args.selection)?
    };
    found.sort_by_key(|listed| (listed.entry.state, object_of(&listed.entry), listed.key));
    let failed = |error: io::Error| {
        Failure::Unusable(format!("{} cannot be written: {error}", file.display()))
    };
    let beside = file.parent().filter(|dir| *dir != Path::new(""));
    let mut staged = tempfile::Builder::new()
        .prefix(".rememo-export-")
        .tempfile_in(beside.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let end = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Who asks twice does not want to wait.
        signal_hook::flag::register_conditional_default(signal, end.clone())?;
        signal_hook::flag::register(signal, end.clone())?;
    }
    let to = Until {
        to: staged.as_file_mut(),
        end: &end,
    };
    let written = write(&store, &found, to);
    if end.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    let mut exported = written?.map_err(failed)?;
    exported.file_bytes = staged.as_file().metadata()?.len();
    exported.file.clone_from(file);
    if args.force {
        staged.persist(file)
    } else {
        staged.persist_noclobber(file)
    }
    .map_err(|refused| failed(refused.error))?;
    Ok(exported)
}

/// Writes entries; apart from what is wrong with the store, what is wrong with the file.
fn write(store: &Store, found: &[Listed], to: Until<'_>) -> Result<io::Result<Exported>, Failure> {
    let mut exported = Exported {
        file: PathBuf::new(),
        file_bytes: 0,
        entries: 0,
        bytes: 0,
        left_out: 0,
    };
    let progress = Progress::of_bytes(
        "exporting",
        found.iter().map(|listed| listed.entry.size).sum(),
    );
    let mut writer = match Writer::new(to) {
        Ok(writer) => writer,
        Err(error) => return Ok(Err(error)),
    };
    let mut state: Option<StateTree> = None;
    for listed in found {
        let wanted = listed.entry.state;
        if state.as_ref().is_none_or(|state| state.digest != wanted) {
            state = store.state(&wanted)?;
        }
        let entry = as_it_is_now(store, listed)?;
        let container = entry.as_ref().map(|entry| store.container_of(entry));
        match (&state, &entry, container) {
            (Some(state), Some(entry), Some(Ok(container))) => {
                if let Err(error) = writer.add(&listed.key, entry, state, &container) {
                    return Ok(Err(error));
                }
                exported.entries += 1;
                exported.bytes += entry.size;
            }
            // Removed in the meantime.
            (_, None, _) => {}
            _ => exported.left_out += 1,
        }
        progress.moved(listed.entry.size);
    }
    Ok(writer.finish().map(|_| exported))
}

/// An entry with the result that was left out of the list.
fn as_it_is_now(store: &Store, listed: &Listed) -> Result<Option<Entry>, Failure> {
    let under = store.entries_under(&listed.key)?.into_iter();
    let is_it = |entry: &Entry| entry.created_ns == listed.entry.created_ns;
    Ok({ under }.find(is_it))
}

fn object_of(entry: &Entry) -> Option<Digest> {
    match entry.value {
        StoredValue::Object(id) => Some(id),
        StoredValue::Inline(_) => None,
    }
}

/// A file that is written to until somebody asks for an end.
struct Until<'a> {
    to: &'a mut File,
    end: &'a AtomicBool,
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.end.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Report for Exported {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        if self.left_out > 0 {
            let told = format!(
                "{} left out: their results, or what those were made of, are damaged or gone; \
                 `rememo verify` says more",
                entries(self.left_out)
            );
            page.line(BAD, &told)?;
        }
        page.line(
            USUAL,
            &format!(
                "exported {}, {} of results, into {}, {}",
                entries(self.entries),
                bytes_to_read(self.bytes),
                self.file.display(),
                bytes_to_read(self.file_bytes)
            ),
        )
    }

    fn status(&self) -> u8 {
        if self.left_out == 0 { 0 } else { NOT_SO }
    }
}
