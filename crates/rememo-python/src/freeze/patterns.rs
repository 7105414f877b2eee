//! How users name definitions and variables: by module and qualified name, with `*` for any
//! characters of the latter.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use rememo::PartKind;

use super::main_module::{is_main, module_name};

const MAIN: &str = "__main__";
/// Stands for any characters of a qualified name; alone, for everything.
const ANY: char = '*';

/// The kinds of parts that can be told to count by their names alone.
const KINDS: [PartKind; 4] = [
    PartKind::Class,
    PartKind::Closure,
    PartKind::Function,
    PartKind::Global,
];

/// Parts that count by their names alone, each as "kind module.name".
#[derive(Debug, Default)]
pub struct ByName {
    /// As the user wrote it.
    pub texts: Vec<String>,
    patterns: Vec<(PartKind, String)>,
}

impl ByName {
    /// Reads what the user wrote; fails where a text names no kind.
    pub fn new(texts: Vec<String>) -> PyResult<Self> {
        let read = |text: &String| {
            let (kind, pattern) = text.split_once(' ')?;
            let kind = KINDS.into_iter().find(|each| each.to_string() == kind)?;
            Some((kind, pattern.trim().to_owned()))
        };
        let mut patterns = Vec::with_capacity(texts.len());
        for text in &texts {
            let pattern = read(text).ok_or_else(|| {
                let kinds = KINDS.map(|kind| kind.to_string()).join(", ");
                let message = format!(
                    "by_name has {text:?}, which is not a kind ({kinds}) and a name, as in \
                     'function module.name'"
                );
                PyValueError::new_err(message)
            })?;
            patterns.push(pattern);
        }
        Ok(Self { texts, patterns })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a part counts by its name alone.
    pub(super) fn has(&self, py: Python<'_>, kind: PartKind, module: &str, name: &str) -> bool {
        self.patterns
            .iter()
            .any(|(of, pattern)| *of == kind && stands_for(py, pattern, module, name))
    }
}

/// Whether a class goes by a pattern.
pub(super) fn goes_by(class: &Bound<'_, PyType>, pattern: &str) -> PyResult<bool> {
    if class.fully_qualified_name()?.to_str()? == pattern {
        return Ok(true);
    }
    // Some extension types have no text for a module.
    let Ok(module) = class.module() else {
        return Ok(false);
    };
    let qualified = class.qualname()?;
    let (module, qualified) = (module.to_str()?, qualified.to_str()?);
    Ok(stands_for(class.py(), pattern, module, qualified))
}

/// Whether a pattern stands for what has a name in a module: that of a script goes by what the
/// script is imported as, and by `__main__`.
fn stands_for(py: Python<'_>, pattern: &str, module: &str, name: &str) -> bool {
    let within = |module: &str| {
        let rest = pattern.strip_prefix(module);
        let rest = rest.and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| matches(rest, name))
    };
    pattern.chars().eq([ANY])
        || within(module)
        || is_main(module) && (within(MAIN) || within(&module_name(py, module)))
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once(ANY) else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(first) else {
        return false;
    };
    // The shortest run of characters leaves most to what follows.
    let starts = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    starts.into_iter().any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        let matching = [
            ("f", "f"),
            ("*", "f"),
            ("*.f", "C.f"),
            ("C.*", "C.f"),
            ("*.f", "make.<locals>.f"),
            ("a*b*c", "a.b.b.c"),
            ("f*", "f"),
        ];
        for (pattern, name) in matching {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let others = [
            ("f", "g"),
            ("*.f", "f"),
            ("C.*", "D.f"),
            ("a*b", "abc"),
            ("", "f"),
        ];
        for (pattern, name) in others {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
