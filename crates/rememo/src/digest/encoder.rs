//! The canonical encoding: type-tagged, length-prefixed, little-endian, streamed into BLAKE3.

use std::fmt;

use twox_hash::XxHash3_128;

use super::Digest;

/// Content of this many bytes and more enters a digest as its XXH3-128.
pub const BULK: usize = 4096;

const FLUSH: usize = 8192;
/// So many bytes of small pieces are hashed at a time; more than [`BULK`].
const PIECES: usize = 1 << 16;
const SHORT_CONTENT: u8 = 0;
const BULK_CONTENT: u8 = 1;

/// Encodings of more bytes than this enter the encoding around them as their digest.
const FOLD: usize = 256;
const FOLDED_BYTES: u8 = 0;
const FOLDED_DIGEST: u8 = 1;

/// Writes a sequence of fields into one digest; distinct sequences give distinct digests.
#[derive(Debug, Default)]
pub struct Encoder {
    /// What has left the buffer; nothing, for most.
    hasher: Option<Box<blake3::Hasher>>,
    buffer: Vec<u8>,
}

/// A finished encoding, ready to be written into another: as it is where it is short, else as its
/// digest. Which of the two follows from the content alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folded {
    /// The encoding itself.
    Bytes(Vec<u8>),
    /// The digest of a longer one.
    Digest(Digest),
}

/// Content that comes in many small pieces, to be written as one.
#[derive(Default)]
pub struct Pieces {
    buffer: Vec<u8>,
    /// What has left the buffer; nothing, where all of it is short.
    hash: Option<Box<XxHash3_128>>,
    gone: usize,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.gone + self.buffer.len();
        f.debug_struct("Pieces")
            .field("length", &length)
            .finish_non_exhaustive()
    }
}

impl Pieces {
    /// Content without a piece.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    #[inline]
    pub fn push(&mut self, piece: &[u8]) {
        if self.buffer.len() + piece.len() > PIECES {
            self.flush();
        }
        self.buffer.extend_from_slice(piece);
    }

    fn flush(&mut self) {
        self.hash.get_or_insert_default().write(&self.buffer);
        self.gone += self.buffer.len();
        self.buffer.clear();
    }
}

impl Encoder {
    /// Writes what [`bytes`](Self::bytes) would for all pieces in a row.
    pub fn pieces(&mut self, mut pieces: Pieces) {
        if pieces.hash.is_none() {
            return self.bytes(&pieces.buffer);
        }
        pieces.flush();
        self.len(pieces.gone);
        self.tag(BULK_CONTENT);
        let hash = pieces.hash.map_or(0, |hash| hash.finish_128());
        self.raw(&hash.to_le_bytes());
    }

    /// An encoder with nothing written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a one-byte type tag.
    pub fn tag(&mut self, tag: u8) {
        self.raw(&[tag]);
    }

    /// Writes bytes without a length: for content of a fixed size only.
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > FLUSH {
            self.flush();
        }
        if bytes.len() > FLUSH {
            self.hasher.get_or_insert_default().update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Writes a fixed-width integer.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes a length or a count.
    pub fn len(&mut self, len: usize) {
        self.u64(len as u64);
    }

    /// Writes text with its length.
    pub fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes bytes with their length; from [`BULK`] bytes on, their XXH3-128 in their place.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        if bytes.len() < BULK {
            self.tag(SHORT_CONTENT);
            self.raw(bytes);
        } else {
            self.tag(BULK_CONTENT);
            self.raw(&XxHash3_128::oneshot(bytes).to_le_bytes());
        }
    }

    /// Writes a finished digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.raw(&digest.0);
    }

    /// Writes a finished encoding.
    pub fn folded(&mut self, folded: &Folded) {
        match folded {
            Folded::Bytes(bytes) => {
                self.tag(FOLDED_BYTES);
                self.len(bytes.len());
                self.raw(bytes);
            }
            Folded::Digest(digest) => {
                self.tag(FOLDED_DIGEST);
                self.digest(digest);
            }
        }
    }

    /// Everything written, to be written into another encoding.
    pub fn fold(self) -> Folded {
        if self.hasher.is_none() && self.buffer.len() <= FOLD {
            Folded::Bytes(self.buffer)
        } else {
            Folded::Digest(self.finish())
        }
    }

    /// What is short enough to have been kept as it is.
    pub fn written(&self) -> &[u8] {
        &self.buffer
    }

    /// The digest of everything written.
    pub fn finish(self) -> Digest {
        match self.hasher {
            None => Digest::of(&self.buffer),
            Some(mut hasher) => Digest(*hasher.update(&self.buffer).finalize().as_bytes()),
        }
    }

    fn flush(&mut self) {
        self.hasher.get_or_insert_default().update(&self.buffer);
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Field {
        Number(u64),
        Text(String),
        Bytes(Vec<u8>),
    }

    fn field() -> impl Strategy<Value = Field> {
        prop_oneof![
            any::<u64>().prop_map(Field::Number),
            "[ab]{0,4}".prop_map(Field::Text),
            proptest::collection::vec(0..2u8, 0..4).prop_map(Field::Bytes),
        ]
    }

    fn digest(fields: &[Field]) -> Digest {
        let mut encoder = Encoder::new();
        for field in fields {
            match field {
                Field::Number(n) => (encoder.tag(1), encoder.u64(*n)),
                Field::Text(t) => (encoder.tag(2), encoder.str(t)),
                Field::Bytes(b) => (encoder.tag(3), encoder.bytes(b)),
            };
        }
        encoder.finish()
    }

    proptest! {
        #[test]
        fn distinct_sequences_give_distinct_digests(
            a in proptest::collection::vec(field(), 0..5),
            b in proptest::collection::vec(field(), 0..5),
        ) {
            prop_assert_eq!(a == b, digest(&a) == digest(&b));
        }

        #[test]
        fn buffering_does_not_show(chunks in proptest::collection::vec(0..20_000usize, 0..6)) {
            let mut encoder = Encoder::new();
            let mut plain = Vec::new();
            for (i, len) in chunks.iter().enumerate() {
                let chunk = vec![u8::try_from(i).unwrap(); *len];
                encoder.raw(&chunk);
                plain.extend_from_slice(&chunk);
            }
            prop_assert_eq!(encoder.finish(), Digest::of(&plain));
        }
    }

    #[test]
    fn pieces_are_their_content() {
        for (count, size) in [
            (0, 1),
            (3, 7),
            (1, BULK),
            (BULK, 1),
            (9, PIECES - 1),
            (20_000, 19),
        ] {
            let (mut pieces, mut whole) = (Pieces::new(), Vec::new());
            for at in 0..count {
                let piece = vec![u8::try_from(at % 251).unwrap(); size];
                pieces.push(&piece);
                whole.extend(piece);
            }
            let (mut apart, mut at_once) = (Encoder::new(), Encoder::new());
            apart.pieces(pieces);
            at_once.bytes(&whole);
            assert_eq!(apart.finish(), at_once.finish());
        }
    }

    #[test]
    fn bulk_begins_where_it_says() {
        for (len, marker) in [(BULK - 1, SHORT_CONTENT), (BULK, BULK_CONTENT)] {
            let content = vec![7; len];
            let mut plain = (len as u64).to_le_bytes().to_vec();
            plain.push(marker);
            match marker {
                SHORT_CONTENT => plain.extend_from_slice(&content),
                _ => plain.extend_from_slice(&XxHash3_128::oneshot(&content).to_le_bytes()),
            }
            let mut encoder = Encoder::new();
            encoder.bytes(&content);
            assert_eq!(encoder.finish(), Digest::of(&plain));
        }
    }

    #[test]
    fn golden() {
        let mut encoder = Encoder::new();
        encoder.tag(3);
        encoder.u64(258);
        encoder.str("héllo");
        encoder.bytes(&[9; BULK]);
        encoder.digest(&Digest::of(b"x"));
        assert_eq!(
            encoder.finish().to_hex(),
            "7a30aeadd4e77f8e832945a3f0f83f616ff5d22974f745025df202faf4ef15b8"
        );
    }
}
