//! The container: an encoded value as one checksummed run of bytes.
//!
//! ```text
//! header    "RMOB", u16 version, u16 codec, u32 frames, u32 producer length, u128 XXH3 checksum
//! table     per frame: u64 length, u8 flags: 1 writable, 2 compressed
//! producer  a record of who made it (may be empty; not part of the object's identity)
//! payload   the frames, each beginning at a multiple of 64 bytes
//! ```
//! All integers are little-endian. The checksum covers everything but itself. From version 2 on, it is the
//! file of an object: the first bytes of its name are mixed into the checksum, so that one in the place
//! of another is as good as damaged. In version 3, the first frame may be compressed, see [`packed`].

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use bytes::Bytes;
use thiserror::Error;
use twox_hash::XxHash3_128;

use crate::digest::{Digest, Encoder};

mod packed;

use packed::{packed, unpacked};

const MAGIC: &[u8; 4] = b"RMOB";
const VERSION: u16 = 1;
const NAMED: u16 = 2;
const PACKED: u16 = 3;
const CHECKED_HEADER: usize = 16;
const HEADER: usize = CHECKED_HEADER + 16;
const ROW: usize = 9;
const IS_WRITABLE: u8 = 1;
const IS_PACKED: u8 = 2;
const ALIGNMENT: usize = 64;
/// No record of a producer that is read by itself is longer than this, with all that is before it.
const HEAD_MAX: usize = 1 << 20;

/// One run of bytes of an encoded value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The content.
    pub bytes: Bytes,
    /// Whether the decoded buffer may be written to.
    pub writable: bool,
}

/// A value, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Which codec made it, in the front-end's numbering.
    pub codec: u16,
    /// Its parts.
    pub frames: Vec<Frame>,
}

/// Why bytes are not a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// The bytes do not begin like a container.
    #[error("not a container")]
    Magic,
    /// The container is of another version.
    #[error("container version {0}, but this engine reads versions {VERSION} to {PACKED}")]
    Version(u16),
    /// Compressed content is not what compressing makes.
    #[error("compressed content that cannot be unpacked")]
    Packed,
    /// The bytes end too early, or go on too long.
    #[error("container of the wrong length")]
    Length,
    /// The content is not what was written.
    #[error("container checksum does not match")]
    Checksum,
    /// It is whole, and the object of another name.
    #[error("it is another result, in the place of this one")]
    Name,
}

impl Encoded {
    /// The container of this value; `producer` records who made it.
    ///
    /// # Panics
    /// With 2³² frames, or a producer record of 4 GiB.
    pub fn to_container(&self, producer: &[u8]) -> Vec<u8> {
        let mut out = Cursor::new(Vec::with_capacity(self.container_len(producer.len())));
        let rows = self.frames.iter().map(Row::plain).collect();
        let container = Container {
            version: VERSION,
            name: None,
            rows,
        };
        container
            .write(self.codec, producer, &mut out)
            .expect("memory takes whatever is written");
        out.into_inner()
    }

    /// Writes the file of the object that has this value and this name, frame by frame, with its first
    /// frame compressed where that is worth it; how long it is.
    pub(crate) fn write_object(
        &self,
        id: &Digest,
        producer: &[u8],
        out: &mut (impl Write + Seek),
    ) -> io::Result<u64> {
        let mut rows: Vec<Row> = self.frames.iter().map(Row::plain).collect();
        let mut version = NAMED;
        // The others are buffers, which are mapped as they are.
        if let Some(first) = rows.first_mut()
            && let Some(bytes) = packed(&first.bytes)
        {
            first.bytes = bytes;
            first.flags |= IS_PACKED;
            version = PACKED;
        }
        let container = Container {
            version,
            name: Some(id),
            rows,
        };
        container.write(self.codec, producer, out)
    }

    /// Reads a container back, with its producer record; refuses anything but what was written.
    pub fn from_container(bytes: impl Into<Bytes>) -> Result<(Self, Bytes), Damage> {
        let bytes = bytes.into();
        let header = Header::unchecked(&bytes)?;
        if header.version != VERSION {
            return Err(Damage::Version(header.version));
        }
        if !header.is_sum_of(&bytes, None) {
            return Err(Damage::Checksum);
        }
        header.parts(&bytes)
    }

    /// Reads the file of an object back, with its producer record; refuses anything but what was
    /// written under that name.
    pub(crate) fn from_object(
        bytes: impl Into<Bytes>,
        id: &Digest,
    ) -> Result<(Self, Bytes), Damage> {
        let bytes = bytes.into();
        let header = Header::unchecked(&bytes)?;
        if header.is_sum_of(&bytes, Some(id)) {
            return header.parts(&bytes);
        }
        // Which of the two it is only matters to whoever reads the message.
        match Self::from_nameless(bytes) {
            Ok(_) => Err(Damage::Name),
            Err(_) => Err(Damage::Checksum),
        }
    }

    /// Reads the file of an object whose name is not known, which is the first value.
    pub(crate) fn from_nameless(bytes: impl Into<Bytes>) -> Result<(Digest, Self, Bytes), Damage> {
        let bytes = bytes.into();
        let header = Header::unchecked(&bytes)?;
        let (value, producer) = header.parts(&bytes)?;
        let id = value.object_id();
        if header.is_sum_of(&bytes, Some(&id)) {
            Ok((id, value, producer))
        } else {
            Err(Damage::Checksum)
        }
    }

    /// The name of this value's object: codec and frames, not who made it.
    pub fn object_id(&self) -> Digest {
        let mut encoder = Encoder::new();
        encoder.u64(u64::from(self.codec));
        encoder.len(self.frames.len());
        for frame in &self.frames {
            encoder.tag(u8::from(frame.writable));
            encoder.len(frame.bytes.len());
            encoder.raw(&frame.bytes);
        }
        encoder.finish()
    }

    /// How many bytes the container will have.
    pub(crate) fn container_len(&self, producer: usize) -> usize {
        let head = HEADER + self.frames.len() * ROW + producer;
        let frames = self.frames.iter();
        frames.fold(head, |at, frame| {
            at.next_multiple_of(ALIGNMENT) + frame.bytes.len()
        })
    }
}

/// A frame as it is written.
struct Row {
    bytes: Bytes,
    flags: u8,
}

impl Row {
    fn plain(frame: &Frame) -> Self {
        Self {
            bytes: frame.bytes.clone(),
            flags: if frame.writable { IS_WRITABLE } else { 0 },
        }
    }
}

/// A container about to be written.
struct Container<'a> {
    version: u16,
    name: Option<&'a Digest>,
    rows: Vec<Row>,
}

impl Container<'_> {
    fn write(&self, codec: u16, producer: &[u8], out: &mut (impl Write + Seek)) -> io::Result<u64> {
        let head = self.head(codec, producer);
        let mut hasher = begun_checksum(&head);
        out.write_all(&head)?;
        let mut len = head.len();
        for row in &self.rows {
            let padding = &[0; ALIGNMENT][..len.next_multiple_of(ALIGNMENT) - len];
            for piece in [padding, &row.bytes] {
                hasher.write(piece);
                out.write_all(piece)?;
                len += piece.len();
            }
        }
        out.seek(SeekFrom::Start(CHECKED_HEADER as u64))?;
        out.write_all(&ended_checksum(&hasher, self.name).to_le_bytes())?;
        Ok(len as u64)
    }

    /// All that is before the frames, without the checksum.
    fn head(&self, codec: u16, producer: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.rows.len() * ROW + producer.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&codec.to_le_bytes());
        for count in [self.rows.len(), producer.len()] {
            let count = u32::try_from(count).expect("frames and producer are counted in 32 bits");
            out.extend_from_slice(&count.to_le_bytes());
        }
        out.extend_from_slice(&[0; HEADER - CHECKED_HEADER]);
        for row in &self.rows {
            out.extend_from_slice(&(row.bytes.len() as u64).to_le_bytes());
            out.push(row.flags);
        }
        out.extend_from_slice(producer);
        out
    }
}

/// How many bytes of a container to read for the record of its producer, going by its first
/// [`BEGINNING`]; none where it is no container, or that would be too many.
pub(crate) fn head_len(beginning: &[u8]) -> Option<usize> {
    let counts = Header::unchecked(beginning).ok()?;
    let len = counts.frames.checked_mul(ROW)?;
    let len = len.checked_add(HEADER)?.checked_add(counts.producer)?;
    (len <= HEAD_MAX).then_some(len)
}

/// So much of a container tells how much more of it to read.
pub(crate) const BEGINNING: usize = HEADER;

/// The record of a container's producer, and how long the whole should be, going by as much of it as
/// [`head_len`] says. No checksum was compared: the record needs one of its own.
pub(crate) fn read_head(head: &[u8]) -> Option<(&[u8], u64)> {
    let counts = Header::unchecked(head).ok()?;
    let (table, producer) = head
        .get(HEADER..)?
        .split_at_checked(counts.frames.checked_mul(ROW)?)?;
    let producer = producer.get(..counts.producer)?;
    let mut len = (HEADER + table.len() + producer.len()) as u64;
    for row in table.chunks_exact(ROW) {
        let frame = u64::from_le_bytes(array(row, 0));
        len = len
            .checked_next_multiple_of(ALIGNMENT as u64)?
            .checked_add(frame)?;
    }
    Some((producer, len))
}

struct Header {
    version: u16,
    codec: u16,
    frames: usize,
    producer: usize,
}

impl Header {
    /// Whether a container has the checksum that it says, where it may have this name.
    fn is_sum_of(&self, bytes: &[u8], name: Option<&Digest>) -> bool {
        let name = name.filter(|_| self.version >= NAMED);
        checksum(bytes, name) == u128::from_le_bytes(array(bytes, CHECKED_HEADER))
    }

    /// What is in a container that begins with this, and the record of its producer.
    fn parts(&self, bytes: &Bytes) -> Result<(Encoded, Bytes), Damage> {
        let table_end = self
            .frames
            .checked_mul(ROW)
            .and_then(|len| len.checked_add(HEADER));
        let table = bytes
            .get(HEADER..table_end.ok_or(Damage::Length)?)
            .ok_or(Damage::Length)?;
        let mut rest = Reader {
            bytes,
            at: HEADER + table.len(),
        };
        let producer = rest.take(self.producer as u64)?;
        let mut frames = Vec::with_capacity(self.frames);
        for row in table.chunks_exact(ROW) {
            let len = u64::from_le_bytes(array(row, 0));
            rest.align();
            let bytes = rest.take(len)?;
            let is_packed = self.version >= PACKED && row[8] & IS_PACKED != 0;
            frames.push(Frame {
                bytes: if is_packed { unpacked(&bytes)? } else { bytes },
                writable: row[8] & IS_WRITABLE != 0,
            });
        }
        if rest.at != bytes.len() {
            return Err(Damage::Length);
        }
        Ok((
            Encoded {
                codec: self.codec,
                frames,
            },
            producer,
        ))
    }

    /// The header, whatever comes after it.
    fn unchecked(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.len() < HEADER {
            return Err(Damage::Length);
        }
        if &bytes[..4] != MAGIC {
            return Err(Damage::Magic);
        }
        let version = u16::from_le_bytes(array(bytes, 4));
        if !(VERSION..=PACKED).contains(&version) {
            return Err(Damage::Version(version));
        }
        Ok(Self {
            version,
            codec: u16::from_le_bytes(array(bytes, 6)),
            frames: u32::from_le_bytes(array(bytes, 8)) as usize,
            producer: u32::from_le_bytes(array(bytes, 12)) as usize,
        })
    }
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(ALIGNMENT);
    }

    fn take(&mut self, len: u64) -> Result<Bytes, Damage> {
        let len = usize::try_from(len).map_err(|_| Damage::Length)?;
        let end = self.at.checked_add(len).ok_or(Damage::Length)?;
        if end > self.bytes.len() {
            return Err(Damage::Length);
        }
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }
}

fn checksum(container: &[u8], name: Option<&Digest>) -> u128 {
    ended_checksum(&begun_checksum(container), name)
}

/// The checksum over what a container begins with.
fn begun_checksum(container: &[u8]) -> XxHash3_128 {
    let mut hasher = XxHash3_128::new();
    hasher.write(&container[..CHECKED_HEADER]);
    hasher.write(&container[HEADER..]);
    hasher
}

fn ended_checksum(hasher: &XxHash3_128, name: Option<&Digest>) -> u128 {
    let name = name.map_or(0, |id| u128::from_le_bytes(array(&id.0, 0)));
    hasher.finish_128() ^ name
}

/// The same bytes with the checksum that they should have; none if they are too short for one.
#[cfg(any(test, fuzzing))]
pub(crate) fn with_right_checksum(
    mut container: Vec<u8>,
    name: Option<&Digest>,
) -> Option<Vec<u8>> {
    if container.len() < HEADER {
        return None;
    }
    let sum = checksum(&container, name).to_le_bytes();
    container[CHECKED_HEADER..HEADER].copy_from_slice(&sum);
    Some(container)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small() -> Encoded {
        let frame = |text: &str, writable| Frame {
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            writable,
        };
        Encoded {
            codec: 7,
            frames: vec![frame("hello", true), frame("", false), frame("x", false)],
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let whole = small().to_container(b"me");
        for bit in 0..whole.len() * 8 {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(
                Encoded::from_container(broken.clone()).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn an_object_is_read_under_its_name_only() {
        let value = small();
        let id = value.object_id();
        let mut file = Cursor::new(Vec::new());
        value.write_object(&id, b"producer", &mut file).unwrap();
        let file = file.into_inner();
        let read = (value, Bytes::from_static(b"producer"));
        assert_eq!(Encoded::from_object(file.clone(), &id), Ok(read.clone()));
        let other = Digest::of(b"other");
        assert_eq!(
            Encoded::from_object(file.clone(), &other),
            Err(Damage::Name)
        );
        let (value, producer) = read.clone();
        assert_eq!(
            Encoded::from_nameless(file.clone()),
            Ok((id, value, producer))
        );
        assert_eq!(
            Encoded::from_container(file.clone()),
            Err(Damage::Version(NAMED))
        );
        for at in 0..file.len() {
            let mut rotten = file.clone();
            rotten[at] ^= 1;
            assert!(Encoded::from_object(rotten.clone(), &id).is_err(), "{at}");
            assert!(Encoded::from_nameless(rotten).is_err(), "{at}");
        }
        // As they were written before names counted.
        let plain = read.0.to_container(&read.1);
        assert_eq!(Encoded::from_object(plain, &id), Ok(read));
    }

    #[test]
    fn every_other_length_is_refused() {
        let mut whole = small().to_container(b"me");
        for len in 0..whole.len() {
            assert!(
                Encoded::from_container(whole[..len].to_vec()).is_err(),
                "length {len}"
            );
        }
        whole.push(0);
        assert!(Encoded::from_container(whole).is_err());
    }

    #[test]
    fn absurd_lengths_are_refused_without_allocating() {
        let mut bytes = small().to_container(b"");
        bytes[HEADER..HEADER + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let bytes = with_right_checksum(bytes, None).unwrap();
        assert_eq!(Encoded::from_container(bytes), Err(Damage::Length));
    }

    #[test]
    fn the_producer_is_not_in_the_name() {
        let other = Encoded {
            codec: 8,
            ..small()
        };
        assert_ne!(small().object_id(), other.object_id());
        let (read, producer) = Encoded::from_container(small().to_container(b"me")).unwrap();
        assert_eq!(
            (read.object_id(), &producer[..]),
            (small().object_id(), &b"me"[..])
        );
    }

    #[test]
    fn the_head_tells_of_the_producer_and_no_more_is_read_than_that() {
        let whole = small().to_container(b"me");
        let len = head_len(&whole[..BEGINNING]).unwrap();
        assert_eq!(len, HEADER + 3 * ROW + 2);
        assert_eq!(
            read_head(&whole[..len]),
            Some((&b"me"[..], whole.len() as u64))
        );
        for len in 0..len {
            assert_eq!(read_head(&whole[..len]), None, "length {len}");
        }
        let large = small().to_container(&vec![0; HEAD_MAX]);
        assert_eq!(head_len(&large[..BEGINNING]), None);
        let mut absurd = whole;
        absurd[HEADER..HEADER + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(read_head(&absurd), None);
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            codec: u16,
            frames in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..200), any::<bool>()), 0..5),
            producer in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let frames = frames.into_iter().map(|(bytes, writable)| Frame {
                bytes: bytes.into(),
                writable,
            });
            let value = Encoded { codec, frames: frames.collect() };
            let container = value.to_container(&producer);
            prop_assert_eq!(container.len(), value.container_len(producer.len()));
            prop_assert_eq!(Encoded::from_container(container), Ok((value, producer.into())));
        }
    }
}
