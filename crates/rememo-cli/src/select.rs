//! Which entries are meant: by function, by the beginning of a key, by tag.

use std::ops::ControlFlow;

use rememo::{Listed, Store, StoredValue};

use crate::args::Selection;
use crate::failure::Failure;

/// The fewest digits of a key that name an entry.
const DIGITS: usize = 4;

/// Whether a word names a function: its identity, the end of it after a dot, or a pattern.
pub fn names(word: &str, function: &str) -> bool {
    if word.contains(['*', '?']) {
        let (word, function): (Vec<_>, Vec<_>) =
            (word.chars().collect(), function.chars().collect());
        return fits(&word, &function);
    }
    function
        .strip_suffix(word)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether a text is of the form of a pattern. Remembers the last star only, so that no pattern
/// takes long.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a word could be the beginning of a key.
pub fn is_key(word: &str) -> bool {
    (DIGITS..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word means an entry.
pub fn matches(word: &str, listed: &Listed) -> bool {
    names(word, &listed.entry.function)
        || is_key(word) && listed.key.to_hex().starts_with(&word.to_ascii_lowercase())
}

/// Entries, without their results.
pub fn all(store: &Store, mut wanted: impl FnMut(&Listed) -> bool) -> Result<Vec<Listed>, Failure> {
    let mut found = Vec::new();
    let unreadable = store.each(|mut listed| {
        if wanted(&listed) {
            if let StoredValue::Inline(bytes) = &mut listed.entry.value {
                *bytes = Vec::new();
            }
            found.push(listed);
        }
        ControlFlow::Continue(())
    })?;
    if unreadable > 0 {
        let told = format!("{unreadable} entries cannot be read; they count as misses");
        crate::report::complain("warning", &told);
    }
    Ok(found)
}

/// The entries that a selection means; each of its words must mean some.
pub fn selected(store: &Store, selection: &Selection) -> Result<Vec<Listed>, Failure> {
    let Selection {
        what,
        tag,
        superseded,
    } = selection;
    if selection.is_everything() {
        let told = "say which entries: by FUNCTION or ENTRY, --tag or --superseded";
        return Err(Failure::Mistake(told.to_owned()));
    }
    let mut met = vec![false; what.len()];
    let found = all(store, |listed| {
        let mut named = what.is_empty();
        for (word, met) in what.iter().zip(&mut met) {
            if matches(word, listed) {
                (named, *met) = (true, true);
            }
        }
        named
            && tag
                .as_ref()
                .is_none_or(|tag| listed.entry.tag.as_ref() == Some(tag))
            && (!superseded || listed.superseded)
    })?;
    match met.iter().position(|met| !met) {
        Some(at) => Err(no_such(store, &what[at])),
        None => Ok(found),
    }
}

/// Says that a word means nothing that is stored, and what may have been meant.
pub fn no_such(store: &Store, word: &str) -> Failure {
    let mut functions = std::collections::BTreeSet::new();
    let gather = |listed: Listed| {
        functions.insert(listed.entry.function);
        ControlFlow::Continue(())
    };
    let near = match store.each(gather) {
        Ok(_) => functions
            .into_iter()
            .find(|function| is_near(word, function)),
        Err(_) => None,
    };
    let hint = near.map_or_else(
        || "`rememo ls` lists what there is".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Failure::NoSuch(format!("nothing is stored for '{word}': {hint}"))
}

fn is_near(word: &str, function: &str) -> bool {
    let last = function.rsplit('.').next().unwrap_or(function);
    let (word, function) = (word.to_lowercase(), function.to_lowercase());
    !word.is_empty() && (function.contains(&word) || word.contains(&last.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_whole_by_their_end_or_by_pattern() {
        for word in [
            "m.Class.f",
            "Class.f",
            "f",
            "m.*",
            "*",
            "m.?lass.f",
            "*s.f*",
        ] {
            assert!(names(word, "m.Class.f"), "{word}");
        }
        for word in ["m", "lass.f", "m.Class", "M.*", "?", "", "m.*g"] {
            assert!(!names(word, "m.Class.f"), "{word}");
        }
        let slow = "*a".repeat(40) + "b";
        assert!(!names(&slow, &"a".repeat(5000)));
    }

    #[test]
    fn keys_have_four_digits_or_more() {
        assert!(is_key("12af") && is_key("12AF") && !is_key("12a") && !is_key("load"));
    }
}
