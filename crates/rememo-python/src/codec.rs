//! Results to bytes and back: plain numpy arrays raw, everything else by pickle protocol 5 with
//! its large buffers beside the stream.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyList};
use rememo::{ArrayHeader, Encoded, Frame};

use crate::effects;
use crate::freeze::is_immutable_scalar;
use crate::raw;

/// Codec numbers, as stored.
const PICKLE: u16 = 1;
const NDARRAY: u16 = 2;

/// The version of pickle's protocol, as `rememo.pickling` has it.
const PROTOCOL: u8 = 5;

/// How a stored result gets to a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handing {
    /// All of it is the caller's own.
    #[default]
    Copy,
    /// Its large buffers are shared, and cannot be written to.
    View,
}

impl Handing {
    /// Reads the word for it.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "copy" => Some(Self::Copy),
            "view" => Some(Self::View),
            _ => None,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::View => "view",
        }
    }
}

/// Encodes a result.
pub fn encode(value: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    if is_immutable_scalar(value) {
        encode_scalar(value)
    } else if is_plain_array(value)? {
        encode_array(value)
    } else {
        encode_pickle(value)
    }
}

/// Decodes a result.
pub fn decode<'py>(
    py: Python<'py>,
    encoded: &Encoded,
    handing: Handing,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some((result, Some(_))) = effects::apart(encoded) {
        return decode(py, &result, handing);
    }
    match encoded.codec {
        PICKLE => decode_pickle(py, &encoded.frames, handing),
        NDARRAY => decode_array(py, &encoded.frames, handing),
        other => Err(pyo3::exceptions::PyValueError::new_err(format!(
            "unknown codec {other}"
        ))),
    }
}

/// What `encode_pickle` makes of it, too, without a pickler that looks for definitions.
fn encode_scalar(value: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let dumps = DUMPS.import(value.py(), "_pickle", "dumps")?;
    let stream = dumps.call1((value, PROTOCOL))?;
    Ok(Encoded {
        codec: PICKLE,
        frames: vec![plain(stream.extract()?), plain(Vec::new())],
    })
}

/// Frames: the stream, the record of the definitions it names, the large buffers.
fn encode_pickle(value: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    let py = value.py();
    let (stream, buffers, record): (Vec<u8>, Bound<'_, PyList>, Vec<u8>) = py
        .import("rememo.pickling")?
        .call_method1("dumps", (value,))?
        .extract()?;
    let mut frames = vec![plain(stream), plain(record)];
    for buffer in buffers {
        let raw = PyBuffer::<u8>::get(&buffer.call_method0("raw")?)?;
        frames.push(Frame {
            bytes: raw.to_vec(py)?.into(),
            writable: !raw.readonly(),
        });
    }
    Ok(Encoded {
        codec: PICKLE,
        frames,
    })
}

fn plain(bytes: Vec<u8>) -> Frame {
    Frame {
        bytes: bytes.into(),
        writable: false,
    }
}

fn decode_pickle<'py>(
    py: Python<'py>,
    frames: &[Frame],
    handing: Handing,
) -> PyResult<Bound<'py, PyAny>> {
    let (stream, rest) = first(frames)?;
    let (record, rest) = first(rest)?;
    let buffers: PyResult<Vec<_>> = rest
        .iter()
        .map(|frame| buffer(py, frame, handing))
        .collect();
    let arguments = (
        PyBytes::new(py, &stream.bytes),
        buffers?,
        PyBytes::new(py, &record.bytes),
    );
    py.import("rememo.pickling")?
        .call_method1("loads", arguments)
}

/// Whether a result could not be decoded because it refers to something that has changed.
pub fn is_outdated(py: Python<'_>, error: &PyErr) -> bool {
    let kind = py
        .import("rememo.pickling")
        .and_then(|module| module.getattr("Outdated"));
    kind.is_ok_and(|kind| error.matches(py, kind).unwrap_or(false))
}

fn buffer<'py>(py: Python<'py>, frame: &Frame, handing: Handing) -> PyResult<Bound<'py, PyAny>> {
    Ok(match (handing, frame.writable) {
        (Handing::View, _) => raw::shared_buffer(py, frame.bytes.clone())?,
        (Handing::Copy, true) => PyByteArray::new(py, &frame.bytes).into_any(),
        (Handing::Copy, false) => PyBytes::new(py, &frame.bytes).into_any(),
    })
}

fn first(frames: &[Frame]) -> PyResult<(&Frame, &[Frame])> {
    frames
        .split_first()
        .ok_or_else(|| pyo3::exceptions::PyValueError::new_err("a result without frames"))
}

/// An exact numpy array of numbers, contiguous and writable: what its bytes and a short header say
/// in full.
fn is_plain_array(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    // Where numpy is not imported, nothing is an array.
    let Some(numpy) = raw::modules(value.py()).get_item("numpy")? else {
        return Ok(false);
    };
    if !value.get_type().is(&numpy.getattr("ndarray")?) {
        return Ok(false);
    }
    let kind: String = value.getattr("dtype")?.getattr("kind")?.extract()?;
    let flags = value.getattr("flags")?;
    Ok(matches!(kind.as_str(), "b" | "i" | "u" | "f" | "c")
        && flags.getattr("c_contiguous")?.is_truthy()?
        && flags.getattr("writeable")?.is_truthy()?)
}

fn encode_array(array: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    let dtype: String = array.getattr("dtype")?.getattr("str")?.extract()?;
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    let header = ArrayHeader::new(&dtype, shape).ok_or_else(|| {
        pyo3::exceptions::PyValueError::new_err(format!("an array of {dtype} has no raw form"))
    })?;
    let data = array.call_method0("tobytes")?;
    let data = data.cast::<PyBytes>()?.as_bytes().to_vec();
    Ok(Encoded {
        codec: NDARRAY,
        frames: vec![
            plain(header.to_string().into_bytes()),
            Frame {
                bytes: data.into(),
                writable: true,
            },
        ],
    })
}

fn decode_array<'py>(
    py: Python<'py>,
    frames: &[Frame],
    handing: Handing,
) -> PyResult<Bound<'py, PyAny>> {
    let damaged = || pyo3::exceptions::PyValueError::new_err("a damaged array header");
    let (header, rest) = first(frames)?;
    let data = rest.first().ok_or_else(damaged)?;
    let header = ArrayHeader::parse(&header.bytes).ok_or_else(damaged)?;
    if header.byte_len() != Some(data.bytes.len()) {
        return Err(damaged());
    }
    if handing == Handing::View {
        let shared = raw::shared_buffer(py, data.bytes.clone())?;
        let flat = py
            .import("numpy")?
            .call_method1("frombuffer", (shared, header.dtype()))?;
        return flat.call_method1("reshape", (header.shape(),));
    }
    // numpy's own memory: it asks for large pages, which is most of what a large copy costs.
    let array = py
        .import("numpy")?
        .call_method1("empty", (header.shape(), header.dtype()))?;
    raw::fill(&array, &data.bytes)?;
    Ok(array)
}
