//! Digests: 32 bytes of BLAKE3 that name states, calls and objects for good.

mod encoder;

pub use encoder::{BULK, Encoder, Folded, Pieces};

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

/// The version of the canonical encoding; part of every call key.
pub const SCHEME_VERSION: u16 = 5;

/// A BLAKE3 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes, as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// All 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.0
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }

    /// The digest with these 64 hexadecimal digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = hex
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        let mut bytes = [0; 32];
        let digits = digits.filter(|digits| digits.len() == 2 * bytes.len())?;
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Some(Self(bytes))
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.to_hex();
        hex.truncate(12);
        hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_plain_blake3() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digest::of(b"").to_hex(), empty);
        assert_eq!(Digest::of(b"").short(), "af1349b9f5f9");
        assert_eq!(Digest::from_hex(empty), Some(Digest::of(b"")));
        for wrong in [
            "",
            "af",
            &empty[1..],
            &empty.replace('f', "g"),
            &empty.replace('f', "é"),
        ] {
            assert_eq!(Digest::from_hex(wrong), None, "{wrong}");
        }
        assert_eq!(
            format!("{} {:?}", Digest::of(b""), Digest::of(b"")),
            format!("{empty} {empty}")
        );
    }
}
