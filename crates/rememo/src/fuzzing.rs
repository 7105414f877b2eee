//! What must hold of every parser of stored bytes, whatever the bytes. The targets in `fuzz/` look
//! for bytes of which it does not; those that they collected are tried again by an ordinary test.

use std::fmt::Debug;
use std::io::Cursor;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::array::ArrayHeader;
use crate::codec::{Encoded, head_len, read_head, with_right_checksum};
use crate::digest::Digest;
use crate::index::Birth;
use crate::index::cleared::Verdicts;
use crate::index::schema::{Entry, ObjectRecord, seal, unseal, with_checksum};
use crate::state::{StateTree, changes};
use crate::store::format_version;

/// A container: what is read is no larger than what was given, and reads the same once written.
pub fn container(bytes: &[u8]) {
    assert!(read_container(bytes).is_none_or(|len| len <= bytes.len()));
    if let Some(bytes) = with_right_checksum(bytes.to_vec(), None) {
        assert!(read_container(&bytes).is_none_or(|len| len <= bytes.len()));
    }
}

fn read_container(bytes: &[u8]) -> Option<usize> {
    let head = head_len(bytes).and_then(|len| read_head(bytes.get(..len)?));
    assert!(head.is_none_or(|(producer, _)| producer.len() <= bytes.len()));
    let (value, producer) = Encoded::from_container(bytes.to_vec()).ok()?;
    assert!(head.is_none_or(|head| head == (&producer[..], bytes.len() as u64)));
    let again = value.to_container(&producer);
    let len = value
        .frames
        .iter()
        .map(|frame| frame.bytes.len())
        .sum::<usize>()
        + producer.len();
    assert_eq!(Encoded::from_container(again), Ok((value, producer)));
    Some(len)
}

/// The file of an object, read under a name that comes before it, and under the one that it has.
pub fn object(bytes: &[u8]) {
    let (name, file) = bytes.split_first_chunk().unwrap_or((&[0; 32], bytes));
    let name = Digest(*name);
    read_object(file, &name);
    let Some(named) = with_right_checksum(file.to_vec(), Some(&name)) else {
        return;
    };
    read_object(&named, &name);
    // The same under the name that goes with what is in it.
    if let Ok((value, producer)) = Encoded::from_object(named, &name) {
        let id = value.object_id();
        read_object(&written(&value, &id, &producer), &id);
    }
}

fn read_object(file: &[u8], name: &Digest) {
    if let Ok((value, producer)) = Encoded::from_object(file.to_vec(), name) {
        let held: usize = value.frames.iter().map(|frame| frame.bytes.len()).sum();
        assert!(held + producer.len() <= file.len());
        let again = written(&value, name, &producer);
        assert_eq!(Encoded::from_object(again, name), Ok((value, producer)));
    }
    if let Ok((id, value, producer)) = Encoded::from_nameless(file.to_vec()) {
        assert_eq!(value.object_id(), id);
        assert_eq!(
            Encoded::from_object(file.to_vec(), &id),
            Ok((value, producer))
        );
    }
}

fn written(value: &Encoded, name: &Digest, producer: &[u8]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let done = value.write_object(name, producer, &mut file);
    done.expect("there is room in memory");
    file.into_inner()
}

/// The header of an array.
pub fn array(bytes: &[u8]) {
    if let Some(header) = ArrayHeader::parse(bytes) {
        let text = header.to_string();
        assert_eq!(ArrayHeader::parse(text.as_bytes()), Some(header));
    }
}

/// An entry of the index.
pub fn entry(bytes: &[u8]) {
    record::<Entry>(bytes, |entry| {
        let held = entry.function.len() + entry.producer.len();
        assert!(held <= bytes.len() && entry.arguments.len() <= bytes.len());
        let _ = entry.object();
    });
}

/// What is written with a result, and whether a list of what was cleared, in the rest of the bytes,
/// speaks against it.
pub fn birth(bytes: &[u8]) {
    let (len, rest) = bytes.split_first_chunk().unwrap_or((&[0; 2], &[]));
    let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (list, bytes) = rest.split_at(len);
    let verdicts = Verdicts::of(list);
    record::<Birth>(bytes, |birth| {
        assert!(birth.entry.arguments.len() <= bytes.len());
        assert!(!verdicts.spare(birth) || list.len() >= 48);
    });
}

/// The parts of a function's state.
pub fn state(bytes: &[u8]) {
    record::<StateTree>(bytes, |tree| {
        assert!(tree.parts.len() <= bytes.len());
        assert!(changes(&tree.parts, &tree.parts).len() <= tree.parts.len());
        assert_eq!(changes(&tree.parts, &[]).len(), tree.parts.len());
    });
}

/// The counts of references to objects and states.
pub fn counts(bytes: &[u8]) {
    record::<ObjectRecord>(bytes, |_| ());
    record::<u64>(bytes, |_| ());
}

/// The format file.
pub fn format(bytes: &[u8]) {
    if let Some(version) = format_version(bytes) {
        let text = format!("rememo {version}\n");
        assert_eq!(format_version(text.as_bytes()), Some(version));
    }
}

/// A record reads the same once written, whether its bytes came with their checksum or not.
fn record<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8], check: impl Fn(&T)) {
    for sealed in [bytes.to_vec(), with_checksum(bytes.to_vec())] {
        if let Some(found) = unseal::<T>(&sealed) {
            check(&found);
            let again = seal(&found).expect("what was read can be written");
            assert_eq!(unseal::<T>(&again).as_ref(), Some(&found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// Runs a check on all that the fuzzer collected for it.
    fn replay(name: &str, check: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().collect();
        assert!(!files.is_empty());
        for file in files {
            check(&fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn what_the_fuzzer_collected_is_harmless() {
        replay("container", container);
        replay("object", object);
        replay("array", array);
        replay("entry", entry);
        replay("birth", birth);
        replay("state", state);
        replay("counts", counts);
        replay("format", format);
    }
}
