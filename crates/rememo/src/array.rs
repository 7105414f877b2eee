//! The header of an array that is kept raw: the type of its elements and its extents, from which
//! follows how long its bytes are.
//!
//! As text: `<f8;3,4`. The type is written as numpy does: byte order, kind, bytes of an element.

use std::fmt;

/// What the bytes of an array mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayHeader {
    dtype: String,
    shape: Vec<usize>,
}

/// More axes than any array has.
const MAX_AXES: usize = 64;

impl ArrayHeader {
    /// The header of an array; none where its type is not a plain number.
    pub fn new(dtype: &str, shape: Vec<usize>) -> Option<Self> {
        item_size(dtype)?;
        if shape.len() > MAX_AXES {
            return None;
        }
        Some(Self {
            dtype: dtype.to_owned(),
            shape,
        })
    }

    /// Reads a header back; none where the bytes are not one.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (dtype, extents) = std::str::from_utf8(header).ok()?.split_once(';')?;
        let shape = extents
            .split(',')
            .filter(|_| !extents.is_empty())
            .map(|extent| extent.parse().ok());
        Self::new(
            dtype,
            shape.take(MAX_AXES + 1).collect::<Option<Vec<usize>>>()?,
        )
    }

    /// The type of an element, in numpy's notation.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// How many elements there are along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many bytes such an array has; none if that is more than there can be.
    pub fn byte_len(&self) -> Option<usize> {
        let mut bytes = item_size(&self.dtype)?;
        for extent in &self.shape {
            bytes = bytes.checked_mul(*extent)?;
        }
        Some(bytes)
    }
}

impl fmt::Display for ArrayHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extents: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(f, "{};{}", self.dtype, extents.join(","))
    }
}

/// The bytes of one number of a type such as `<f8`; none for a type that is not a plain number.
fn item_size(dtype: &str) -> Option<usize> {
    let mut rest = dtype.chars();
    let order = rest.next()?;
    let kind = rest.next()?;
    let known = "<>|=".contains(order) && "biufc".contains(kind);
    let digits = rest.as_str();
    let plain = !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit());
    let size: usize = if known && plain {
        digits.parse().ok()?
    } else {
        return None;
    };
    // Of two bytes fewer than none, and of more than a quadruple complex nothing, is known.
    (1..=64).contains(&size).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back() {
        for (text, len) in [("<f8;3,4", 96), ("|b1;", 1), (">c16;0", 0), ("<i4;1", 4)] {
            let header = ArrayHeader::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (header.to_string(), header.byte_len()),
                (text.to_owned(), Some(len))
            );
        }
    }

    #[test]
    fn nothing_but_numbers_is_understood() {
        let axes = format!("<f8;{}1", "1,".repeat(MAX_AXES));
        for text in [
            "",
            "<f8",
            "|O8;1",
            "O;1",
            "<f08;1",
            "<f+8;1",
            "<f;1",
            "<f99;1",
            "<f8;-1",
            "<f8;1,",
            "<f8;,",
            "<f8;99999999999999999999",
            "i4,O;3",
            &axes,
        ] {
            assert_eq!(ArrayHeader::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(ArrayHeader::parse(b"\xff;1"), None);
    }

    #[test]
    fn a_length_beyond_memory_is_none() {
        let text = format!("<f8;{0},{0}", usize::MAX);
        assert_eq!(
            ArrayHeader::parse(text.as_bytes()).unwrap().byte_len(),
            None
        );
    }
}
