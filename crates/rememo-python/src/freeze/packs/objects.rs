//! Arrays of objects: what is plain among their elements is written in a row, all else is walked.

use pyo3::prelude::*;
use pyo3::types::PyList;
use rememo::{BULK, Encoder, Pieces};

use crate::freeze::tag;
use crate::raw::{Element, Text, each_object};

/// Writes the elements in C order; gives those that are yet to be walked.
pub(super) fn encode<'py>(
    array: &Bound<'py, PyAny>,
    encoder: &mut Encoder,
) -> PyResult<Bound<'py, PyList>> {
    let flat = array.call_method0("ravel")?;
    let mut elements = Elements::new();
    if !each_object(&flat, |element| elements.push(element))? {
        elements = Elements::new();
        let objects = flat.call_method1("astype", ("O",))?;
        each_object(&objects, |element| elements.push(element))?;
    }
    encoder.tag(tag::OBJECTS);
    encoder.pieces(elements.plain);
    PyList::new(array.py(), elements.others)
}

struct Elements<'py> {
    plain: Pieces,
    others: Vec<Bound<'py, PyAny>>,
    /// A text being written.
    scratch: Vec<u8>,
}

impl<'py> Elements<'py> {
    fn new() -> Self {
        Self {
            plain: Pieces::new(),
            others: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Writes an element as the encoding of scalars has it, or a mark in the place of one that is
    /// none.
    #[inline]
    fn push(&mut self, element: Element<'_, 'py>) {
        match element {
            Element::Text(Text::Ascii(text)) => self.text(text),
            Element::Text(text) => {
                let mut scratch = std::mem::take(&mut self.scratch);
                scratch.clear();
                match text {
                    Text::Ascii(text) => scratch.extend_from_slice(text),
                    Text::Narrow(text) => utf8(text, &mut scratch),
                    Text::Wide(text) => utf8(text, &mut scratch),
                    Text::Widest(text) => utf8(text, &mut scratch),
                }
                self.text(&scratch);
                self.scratch = scratch;
            }
            Element::None => self.plain.push(&[tag::NONE]),
            Element::Truth(truth) => {
                self.plain
                    .push(&[if truth { tag::TRUE } else { tag::FALSE }]);
            }
            Element::Float(number) => self.tagged(tag::FLOAT, &number.to_bits().to_le_bytes()),
            Element::Integer(number) => {
                let mut encoded = [0; 17];
                encoded[..8].copy_from_slice(&8_u64.to_le_bytes());
                encoded[9..].copy_from_slice(&number.to_le_bytes());
                self.tagged(tag::INT, &encoded);
            }
            Element::Other(other) => {
                self.plain.push(&[tag::OTHER]);
                self.others.push(other.to_owned());
            }
        }
    }

    #[inline]
    fn tagged(&mut self, tag: u8, encoded: &[u8]) {
        self.plain.push(&[tag]);
        self.plain.push(encoded);
    }

    #[inline]
    fn text(&mut self, text: &[u8]) {
        if text.len() < BULK {
            // What `Encoder::str` writes.
            let mut head = [tag::STR; 10];
            head[1..9].copy_from_slice(&(text.len() as u64).to_le_bytes());
            head[9] = 0;
            self.plain.push(&head);
            self.plain.push(text);
        } else {
            let mut encoder = Encoder::new();
            encoder.bytes(text);
            self.tagged(tag::STR, encoder.written());
        }
    }
}

/// Writes characters as UTF-8; a lone surrogate as UTF-8 would have its code point.
fn utf8<C: Copy + Into<u32>>(text: &[C], out: &mut Vec<u8>) {
    /// The low six bits from some place on, as a byte that follows another.
    fn rest(point: u32, place: u32) -> u8 {
        low(point >> place & 0x3f | 0x80)
    }
    /// The lowest byte.
    fn low(point: u32) -> u8 {
        point.to_le_bytes()[0]
    }
    for character in text {
        let point = (*character).into();
        match point {
            ..0x80 => out.push(low(point)),
            0x80..0x800 => out.extend([low(point >> 6 | 0xc0), rest(point, 0)]),
            0x800..0x1_0000 => {
                out.extend([low(point >> 12 | 0xe0), rest(point, 6), rest(point, 0)]);
            }
            _ => {
                let first = low(point >> 18 | 0xf0);
                out.extend([first, rest(point, 12), rest(point, 6), rest(point, 0)]);
            }
        }
    }
}
