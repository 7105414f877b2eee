//! Records and keys of the index.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::deps::World;
use crate::digest::Digest;
use crate::state::Part;

/// Bytes of a key in the table of entries: call key, then the inverted time.
pub(crate) const ENTRY_KEY: usize = 40;

/// The call key in a key in the table of entries.
pub(crate) fn call_of(key: &[u8; ENTRY_KEY]) -> Digest {
    let mut call = [0; 32];
    call.copy_from_slice(&key[..32]);
    Digest(call)
}

/// One stored result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The identity of the function.
    pub function: String,
    /// The digest of its state.
    pub state: Digest,
    /// The arguments, by name.
    pub arguments: Vec<Part>,
    /// The digest over all arguments.
    pub argument_digest: Digest,
    /// The result.
    pub value: StoredValue,
    /// How long the call took.
    pub compute_ns: u64,
    /// How long encoding the result took.
    pub encode_ns: u64,
    /// Bytes of the result's container.
    pub size: u64,
    /// The codec of the result.
    pub codec: u16,
    /// When it was stored, in nanoseconds of Unix time.
    pub created_ns: u64,
    /// Who stored it; see [`crate::Producer::parse`].
    pub producer: String,
    /// Whether it is never to go for want of room.
    pub pinned: bool,
    /// What the user calls it together with others.
    pub tag: Option<String>,
    /// What the run looked at besides arguments and code.
    pub world: World,
}

/// Where a result's container is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredValue {
    /// Here.
    Inline(Vec<u8>),
    /// In the object of this name.
    Object(Digest),
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    /// How many entries refer to it.
    pub refs: u64,
    /// Its bytes.
    pub size: u64,
}

impl Entry {
    /// The object that holds the result, if one does.
    pub(crate) fn object(&self) -> Option<&Digest> {
        match &self.value {
            StoredValue::Object(id) => Some(id),
            StoredValue::Inline(_) => None,
        }
    }
}

/// The key of an entry: newest first under its call key.
pub(crate) fn entry_key(call: &Digest, created_ns: u64) -> [u8; ENTRY_KEY] {
    let mut key = [0; ENTRY_KEY];
    key[..32].copy_from_slice(&call.0);
    key[32..].copy_from_slice(&(!created_ns).to_be_bytes());
    key
}

/// What an entry's key was made of.
pub(crate) fn parse_entry_key(key: &[u8]) -> Option<(Digest, u64)> {
    let (call, inverted) = key.split_last_chunk::<8>()?;
    let call = Digest(call.try_into().ok()?);
    Some((call, !u64::from_be_bytes(*inverted)))
}

/// The entry in a row, unless it is damaged, or of another row: disks write to wrong places, too.
pub(crate) fn read_entry(key: &[u8], sealed: &[u8]) -> Option<Entry> {
    let (_, created_ns) = parse_entry_key(key)?;
    unseal(sealed).filter(|entry: &Entry| entry.created_ns == created_ns)
}

/// What all keys of one function begin with in the table by function.
pub(crate) fn function_prefix(function: &str) -> [u8; 16] {
    let mut prefix = [0; 16];
    prefix.copy_from_slice(&Digest::of(function.as_bytes()).0[..16]);
    prefix
}

/// The key of an entry in the table by function: newest first.
pub(crate) fn function_key(function: &str, entry_key: &[u8]) -> Vec<u8> {
    let mut key = function_prefix(function).to_vec();
    key.extend_from_slice(&entry_key[32..]);
    key.extend_from_slice(&entry_key[..8]);
    key
}

/// A record's bytes, with their checksum.
pub(crate) fn seal<T: Serialize>(record: &T) -> heed::Result<Vec<u8>> {
    let bytes = postcard::to_stdvec(record).map_err(|error| heed::Error::Encoding(error.into()))?;
    Ok(with_checksum(bytes))
}

pub(crate) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = XxHash3_64::oneshot(&bytes).to_le_bytes();
    bytes.extend_from_slice(&sum);
    bytes
}

/// The record in some bytes, unless they are damaged.
pub(crate) fn unseal<T: DeserializeOwned>(sealed: &[u8]) -> Option<T> {
    let (bytes, sum) = sealed.split_last_chunk::<8>()?;
    let whole = XxHash3_64::oneshot(bytes) == u64::from_le_bytes(*sum);
    if whole {
        postcard::from_bytes(bytes).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_sorts_first() {
        let call = Digest::of(b"call");
        assert!(entry_key(&call, 2) < entry_key(&call, 1));
        let (new, old) = (entry_key(&call, 2), entry_key(&Digest::of(b"other"), 1));
        assert!(function_key("f", &new) < function_key("f", &old));
    }

    #[test]
    fn keys_say_what_they_were_made_of() {
        let call = Digest::of(b"call");
        assert_eq!(parse_entry_key(&entry_key(&call, 7)), Some((call, 7)));
        assert_eq!(parse_entry_key(&call.0), None);
    }

    #[test]
    fn damage_is_seen() {
        let sealed = seal(&ObjectRecord { refs: 1, size: 300 }).unwrap();
        assert_eq!(unseal(&sealed), Some(ObjectRecord { refs: 1, size: 300 }));
        for bit in 0..sealed.len() * 8 {
            let mut broken = sealed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal::<ObjectRecord>(&broken), None, "bit {bit}");
        }
        assert_eq!(unseal::<ObjectRecord>(b"short"), None);
    }
}
