//! Writes an archive.

use std::io::{self, Write};

use rememo::{Digest, Entry, StateTree, StoredValue};
use serde::Serialize;

use super::{CHECKSUM, Checksum, HEAD, Head, count_in};

/// An archive that is being written.
pub struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    sum: blake3::Hasher,
    state: Option<Digest>,
    object: Option<Digest>,
    entries: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(to: W) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(to, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        let mut writer = Self {
            tar: tar::Builder::new(encoder),
            sum: blake3::Hasher::new(),
            state: None,
            object: None,
            entries: 0,
        };
        writer.member(HEAD, &serde_json::to_vec(&Head::here())?)?;
        Ok(writer)
    }

    /// Adds an entry with what it refers to. Those of one state, and of them those of one object,
    /// are to come one after the other.
    pub fn add(
        &mut self,
        call: &Digest,
        entry: &Entry,
        state: &StateTree,
        container: &[u8],
    ) -> io::Result<()> {
        if self.state != Some(state.digest) {
            self.member(&format!("state/{}", state.digest), &record(state)?)?;
            (self.state, self.object) = (Some(state.digest), None);
        }
        if let StoredValue::Object(id) = &entry.value
            && self.object != Some(*id)
        {
            self.member(&format!("object/{id}"), container)?;
            self.object = Some(*id);
        }
        let name = format!("entry/{call}/{}", self.entries);
        self.entries += 1;
        self.member(&name, &record(entry)?)
    }

    /// Writes the end.
    pub fn finish(mut self) -> io::Result<W> {
        let checksum = Checksum {
            entries: self.entries,
            blake3: self.sum.finalize().to_hex().to_string(),
        };
        self.member(CHECKSUM, &serde_json::to_vec(&checksum)?)?;
        self.tar.into_inner()?.finish()
    }

    fn member(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        header.set_path(name)?;
        header.set_cksum();
        count_in(&mut self.sum, name.as_bytes(), content.len() as u64);
        self.sum.update(content);
        self.tar.append(&header, content)
    }
}

fn record(of: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(of).map_err(io::Error::other)
}
