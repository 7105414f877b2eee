//! The last calls of each function that the store did not answer, and why: kept so that somebody
//! who was not there can be told.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::event::{Event, MissReason};
use crate::state::Change;

/// How many are kept for each function.
const KEPT: usize = 8;
/// How many changes are told of in each.
const CHANGES: usize = 8;
/// How many bytes of a name or other text are kept.
const TEXT: usize = 300;

/// A call that the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMiss {
    /// The identity of the function.
    pub function: String,
    /// When, in nanoseconds of Unix time.
    pub at_ns: u64,
    /// The call key, where it is known.
    pub key: Option<Digest>,
    /// How many such there were in a row; this is the last.
    pub times: u64,
    /// Why.
    pub why: Why,
}

/// Why the store did not answer a call, or a later one like it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// There was nothing to hand back.
    Missed {
        /// Why.
        reason: MissReason,
        /// What differed from the result that was most like it, sources left out.
        changes: Vec<Change>,
        /// How many changes there were besides.
        more: usize,
    },
    /// It was run, and its result not stored.
    NotStored {
        /// Why, in a word or two.
        reason: String,
        /// What exactly.
        detail: String,
    },
    /// It was made past the store.
    Bypassed {
        /// What could not be fingerprinted, or why the store was left out.
        detail: String,
    },
}

impl LastMiss {
    /// What an event says of a call that was not answered.
    fn of(event: &Event) -> Option<Self> {
        let (function, key, why) = match event {
            Event::Miss {
                function,
                key,
                reason,
                changes,
                ..
            } => (function, Some(*key), Why::missed(*reason, changes)),
            Event::NotStored {
                function, reason, ..
            } => {
                let (reason, detail) = (reason.word().to_owned(), short(&reason.detail()));
                (function, None, Why::NotStored { reason, detail })
            }
            Event::Bypassed { function, why, .. } => {
                let detail = short(why);
                (function, None, Why::Bypassed { detail })
            }
            _ => return None,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Some(Self {
            function: function.clone(),
            at_ns: u64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX),
            key,
            times: 1,
            why,
        })
    }
}

impl Why {
    fn missed(reason: MissReason, changes: &[Change]) -> Self {
        let told = changes.iter().take(CHANGES).map(|change| Change {
            name: short(&change.name),
            kind: change.kind,
            old: change.old,
            new: change.new,
            old_source: None,
            new_source: None,
            old_details: change.old_details.clone(),
            new_details: change.new_details.clone(),
        });
        Self::Missed {
            reason,
            changes: told.collect(),
            more: changes.len().saturating_sub(CHANGES),
        }
    }
}

fn short(text: &str) -> String {
    if text.len() <= TEXT {
        return text.to_owned();
    }
    let end = (0..=TEXT).rev().find(|end| text.is_char_boundary(*end));
    format!("{}...", &text[..end.unwrap_or_default()])
}

/// The last calls of one function that were not answered, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastMisses(VecDeque<LastMiss>);

impl LastMisses {
    /// Takes note of an event, if it is of that kind.
    pub(crate) fn record(&mut self, event: &Event) {
        if let Some(miss) = LastMiss::of(event) {
            self.push(miss);
        }
    }

    /// Adds later ones.
    pub(crate) fn extend(&mut self, later: Self) {
        for miss in later.0 {
            self.push(miss);
        }
    }

    /// When the latest was.
    pub(crate) fn latest_ns(&self) -> u64 {
        self.0.back().map_or(0, |miss| miss.at_ns)
    }

    /// The latest first.
    pub(crate) fn into_latest_first(self) -> impl Iterator<Item = LastMiss> {
        self.0.into_iter().rev()
    }

    fn push(&mut self, miss: LastMiss) {
        if let Some(last) = self.0.back_mut()
            && (last.key, &last.why) == (miss.key, &miss.why)
        {
            last.times = last.times.saturating_add(miss.times);
            last.at_ns = miss.at_ns;
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(miss);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bypassed(why: &str) -> Event {
        Event::Bypassed {
            function: "f".to_owned(),
            why: why.to_owned(),
            spent: crate::meter::Spent::default(),
        }
    }

    #[test]
    fn alike_ones_in_a_row_are_one_and_the_latest_are_kept() {
        let mut misses = LastMisses::default();
        for why in 0..10 {
            misses.record(&bypassed(&why.to_string()));
            misses.record(&bypassed(&why.to_string()));
        }
        let mut earlier = LastMisses::default();
        earlier.record(&bypassed("2"));
        earlier.extend(misses);
        let told: Vec<_> = earlier.into_latest_first().collect();
        assert_eq!(told.len(), KEPT);
        let detail = |why: &str| Why::Bypassed {
            detail: why.to_owned(),
        };
        assert_eq!((&told[0].why, told[0].times), (&detail("9"), 2));
        assert_eq!((&told[7].why, told[7].times), (&detail("2"), 3));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let mut misses = LastMisses::default();
        misses.record(&bypassed(&"é".repeat(TEXT)));
        let told = misses.into_latest_first().next().unwrap();
        assert_eq!(
            told.why,
            Why::Bypassed {
                detail: format!("{}...", "é".repeat(TEXT / 2))
            }
        );
    }
}
