//! What differs between two states, with the difference of the sources.

use std::io;

use rememo::Change;
use schemars::JsonSchema;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::page::{BAD, FAINT, GOOD, NAME, Page, USUAL};

/// Lines around what changed in a source.
const AROUND: usize = 3;

/// A part that is not what it was.
#[derive(Serialize, JsonSchema)]
pub struct Altered {
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its digest before, unless it is new.
    pub old: Option<String>,
    /// Its digest now, unless it is gone.
    pub new: Option<String>,
    /// What is known of how it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_details: Option<String>,
    /// What is known of how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_details: Option<String>,
    /// How its source changed: lines that begin with "+", "-" or a space. Empty where it is not
    /// stored.
    pub diff: Vec<String>,
}

impl From<&Change> for Altered {
    fn from(change: &Change) -> Self {
        let (old, new) = (&change.old_source, &change.new_source);
        Self {
            kind: change.kind.to_string(),
            name: change.name.clone(),
            old: change.old.map(|digest| digest.to_hex()),
            new: change.new.map(|digest| digest.to_hex()),
            old_details: change.old_details.clone(),
            new_details: change.new_details.clone(),
            diff: match (old, new) {
                (Some(old), Some(new)) => difference(old, new),
                _ => Vec::new(),
            },
        }
    }
}

/// The lines that differ, with some around them.
pub fn difference(old: &str, new: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            lines.push(" ...".to_owned());
        }
        for change in group.iter().flat_map(|part| diff.iter_changes(part)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign}{}", change.value().trim_end_matches('\n')));
        }
    }
    lines
}

impl Altered {
    /// Writes it for people: a line, and the source below.
    pub fn write(&self, page: &mut Page) -> io::Result<()> {
        let short = |digest: &Option<String>, details: &Option<String>| {
            let digest = digest.as_ref()?;
            Some(details.clone().unwrap_or_else(|| digest[..12].to_owned()))
        };
        let old = short(&self.old, &self.old_details);
        let new = short(&self.new, &self.new_details);
        let how = match (old, new) {
            (Some(old), Some(new)) => format!("changed ({old} to {new})"),
            (None, Some(new)) => format!("is new ({new})"),
            (Some(old), None) => format!("is gone (was {old})"),
            (None, None) => "changed".to_owned(),
        };
        let what = format!("{} {}", self.kind, self.name);
        page.marked(NAME, &format!("  {}", what.trim_end()), &how)?;
        for line in &self.diff {
            let style = match line.as_bytes().first() {
                Some(b'+') => GOOD,
                Some(b'-') => BAD,
                _ if line == " ..." => FAINT,
                _ => USUAL,
            };
            page.line(style, &format!("    {line}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_of() {
        let lines: Vec<_> = (0..20).map(|n| format!("line {n}\n")).collect();
        let old = lines.concat();
        let new = old.replace("line 9\n", "line nine\n");
        let told = difference(&old, &new);
        assert_eq!(told.len(), 2 + 2 * AROUND);
        assert_eq!(&told[AROUND..AROUND + 2], ["-line 9", "+line nine"]);
        assert!(difference("same\n", "same\n").is_empty());
    }
}
