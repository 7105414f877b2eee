//! Answers found in a dictionary, kept for as long as the dictionary tells of no change.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Attached;
use super::versions::DictVersion;

/// A question that one dictionary answers.
#[derive(Debug)]
pub struct Memo {
    dict: Py<PyDict>,
    version: DictVersion,
    /// The version of the dictionary, and the answer that it gave.
    known: Attached<(u64, bool)>,
}

impl Memo {
    pub fn new(dict: Bound<'_, PyDict>) -> Self {
        Self {
            version: DictVersion::of(&dict),
            dict: dict.unbind(),
            known: Attached::new((0, false)),
        }
    }

    /// The answer: as it is known, or else as `look` finds it. What `look` is not sure of is not
    /// kept.
    #[inline]
    pub fn ask(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&Bound<'_, PyDict>) -> Option<bool>,
    ) -> bool {
        let (known_at, answer) = self.known.with(py, |known| *known);
        if known_at != 0 && known_at == self.version.now() {
            return answer;
        }
        let version = self.version.renewed();
        match look(self.dict.bind(py)) {
            Some(answer) => {
                self.known.with(py, |known| *known = (version, answer));
                answer
            }
            None => false,
        }
    }
}
