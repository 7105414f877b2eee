//! Reads an archive, of which nothing need be true.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rememo::{Digest, Encoded, Entry, StateTree, StoredValue};
use serde::de::DeserializeOwned;

use super::{CHECKSUM, Checksum, HEAD, Head, count_in};

/// The most bytes of a state or an entry; sources of whole programs are smaller.
const RECORD_MAX: u64 = 64 << 20;
/// The most bytes of head and checksum.
const JSON_MAX: u64 = 64 << 10;
/// No call takes longer, and sums of such times are no nonsense.
const YEAR_NS: u64 = 366 * 24 * 60 * 60 * 1_000_000_000;

/// An entry of an archive, with all that it refers to.
pub struct Item {
    pub call: Digest,
    pub entry: Entry,
    pub state: Arc<StateTree>,
    /// The result, unless it has more bytes than was asked for.
    pub value: Option<Encoded>,
}

/// What of an archive was read so far.
struct Reader<'a> {
    sum: blake3::Hasher,
    state: Option<Arc<StateTree>>,
    object: Option<(Digest, Option<Encoded>)>,
    entries: u64,
    /// Results of more bytes are passed over.
    most: u64,
    /// Where large results are put while they are looked at.
    staging: &'a Path,
}

/// Reads an archive, and hands out each entry that is as it should be. How many there were; an
/// error if anything is not what was written, in which case some were handed out all the same.
///
/// Results of more than `most` bytes are passed over.
pub fn read<E: From<io::Error>>(
    archive: impl Read,
    most: u64,
    staging: &Path,
    mut take: impl FnMut(Item) -> Result<(), E>,
) -> Result<u64, E> {
    let mut reader = Reader {
        sum: blake3::Hasher::new(),
        state: None,
        object: None,
        entries: 0,
        most,
        staging,
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(archive)?);
    let mut members = archive.entries()?.raw(true);
    let mut is_first = true;
    loop {
        let Some(member) = members.next() else {
            return Err(bad("it ends too early").into());
        };
        let mut member = member?;
        let name = name_of(&member)?;
        if is_first {
            head(&name, &mut member, &mut reader.sum)?;
            is_first = false;
        } else if name == CHECKSUM {
            let told: Checksum = json(&mut member, &mut blake3::Hasher::new(), &name)?;
            reader.check(&told)?;
            break;
        } else if let Some(item) = reader.member(&name, &mut member)? {
            take(item)?;
        }
    }
    if members.next().is_some() {
        return Err(bad("it goes on after its end").into());
    }
    let entries = reader.entries;
    at_the_end(archive.into_inner())?;
    Ok(entries)
}

impl Reader<'_> {
    /// Reads a member, which may complete an entry.
    fn member(&mut self, name: &str, member: &mut impl Member) -> io::Result<Option<Item>> {
        let digest = |hex: &str| Digest::from_hex(hex).ok_or_else(|| strange(name));
        match name.split_once('/') {
            Some(("state", hex)) => {
                let state: StateTree = record(member, &mut self.sum, name)?;
                if state.digest != digest(hex)? {
                    return Err(strange(name));
                }
                (self.state, self.object) = (Some(Arc::new(state)), None);
                Ok(None)
            }
            Some(("object", hex)) => {
                let id = digest(hex)?;
                let value = self.object(name, member)?;
                if value.as_ref().is_some_and(|value| value.object_id() != id) {
                    return Err(strange(name));
                }
                self.object = Some((id, value));
                Ok(None)
            }
            Some(("entry", rest)) => {
                let (hex, number) = rest.split_once('/').ok_or_else(|| strange(name))?;
                if number != self.entries.to_string() {
                    return Err(strange(name));
                }
                let call = digest(hex)?;
                let entry = record(member, &mut self.sum, name)?;
                self.entries += 1;
                self.item(name, call, entry).map(Some)
            }
            _ => Err(strange(name)),
        }
    }

    fn object(&mut self, name: &str, member: &mut impl Member) -> io::Result<Option<Encoded>> {
        let len = member.len();
        count_in(&mut self.sum, name.as_bytes(), len);
        let mut content = Summed {
            from: member,
            sum: &mut self.sum,
        };
        if len > self.most {
            io::copy(&mut content, &mut io::sink())?;
            return Ok(None);
        }
        Encoded::unpack(content, len, self.staging).map(Some)
    }

    fn item(&self, name: &str, call: Digest, entry: Entry) -> io::Result<Item> {
        let state = self.state.clone().ok_or_else(|| strange(name))?;
        let value = match (&entry.value, &self.object) {
            (StoredValue::Inline(bytes), _) => {
                let len = bytes.len() as u64;
                Some(Encoded::unpack(&**bytes, len, self.staging)?)
            }
            (StoredValue::Object(id), Some((there, value))) if id == there => value.clone(),
            _ => return Err(strange(name)),
        };
        let is_sane = entry.state == state.digest
            && value
                .as_ref()
                .is_none_or(|value| value.codec == entry.codec)
            && entry.compute_ns.max(entry.encode_ns) <= YEAR_NS;
        if !is_sane {
            return Err(strange(name));
        }
        Ok(Item {
            call,
            entry,
            state,
            value,
        })
    }

    fn check(&self, told: &Checksum) -> io::Result<()> {
        let found = Checksum {
            entries: self.entries,
            blake3: self.sum.finalize().to_hex().to_string(),
        };
        if *told == found {
            Ok(())
        } else {
            Err(bad("its checksum does not match: it is damaged"))
        }
    }
}

/// A member: content of a length that is told beforehand.
trait Member: Read {
    fn len(&self) -> u64;
}

impl<R: Read> Member for tar::Entry<'_, R> {
    fn len(&self) -> u64 {
        self.size()
    }
}

/// Content that is counted into the checksum as it is read.
struct Summed<'a, R> {
    from: R,
    sum: &'a mut blake3::Hasher,
}

impl<R: Read> Read for Summed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.sum.update(&buffer[..read]);
        Ok(read)
    }
}

/// The name of a member, which must be a plain file. Names lead nowhere: they are only compared.
fn name_of<R: Read>(member: &tar::Entry<'_, R>) -> io::Result<String> {
    let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
    if member.header().entry_type() == tar::EntryType::Regular {
        Ok(name)
    } else {
        Err(strange(&name))
    }
}

fn head(name: &str, member: &mut impl Member, sum: &mut blake3::Hasher) -> io::Result<()> {
    if name != HEAD {
        return Err(bad("it is not an archive of rememo"));
    }
    let head: Head = json(member, sum, name)?;
    head.objection().map_or(Ok(()), |told| Err(bad(&told)))
}

fn json<T: DeserializeOwned>(
    member: &mut impl Member,
    sum: &mut blake3::Hasher,
    name: &str,
) -> io::Result<T> {
    let content = content(member, sum, name, JSON_MAX)?;
    serde_json::from_slice(&content).map_err(|_| strange(name))
}

fn record<T: DeserializeOwned>(
    member: &mut impl Member,
    sum: &mut blake3::Hasher,
    name: &str,
) -> io::Result<T> {
    let content = content(member, sum, name, RECORD_MAX)?;
    match postcard::take_from_bytes(&content) {
        Ok((record, [])) => Ok(record),
        _ => Err(strange(name)),
    }
}

fn content(
    member: &mut impl Member,
    sum: &mut blake3::Hasher,
    name: &str,
    most: u64,
) -> io::Result<Vec<u8>> {
    let len = member.len();
    if len > most {
        return Err(strange(name));
    }
    let mut content = Vec::new();
    member.take(len).read_to_end(&mut content)?;
    count_in(sum, name.as_bytes(), len);
    sum.update(&content);
    Ok(content)
}

/// Sees to it that nothing but what fills up the last block is left, and that all of it was what
/// was compressed.
fn at_the_end(mut rest: impl Read) -> io::Result<()> {
    const BLOCKS: u64 = 20 * 512;
    let mut left = Vec::new();
    (&mut rest).take(BLOCKS + 1).read_to_end(&mut left)?;
    if left.len() as u64 > BLOCKS || left.iter().any(|byte| *byte != 0) {
        return Err(bad("it goes on after its end"));
    }
    Ok(())
}

fn strange(name: &str) -> io::Error {
    bad(&format!("'{name}' is not what an archive holds there"))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}
