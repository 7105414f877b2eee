//! `rememo show`: all that is known of entries.

use std::io;

use rememo::measure::bytes_to_read;
use rememo::{Acceptance, Listed, Part, PartKind, Producer, Store, StoredValue};
use schemars::JsonSchema;
use serde::Serialize;

use super::accept::Accepted;
use super::ls::Item;
use crate::args::{Selection, Shared, Show};
use crate::failure::Failure;
use crate::moment::{ago, exactly, lasting, seconds};
use crate::opened::open;
use crate::page::{FAINT, HEADING, NAME, Page, USUAL};
use crate::report::Report;
use crate::select::{is_key, selected};

/// Entries of one function or call, the newest first.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    /// The entries.
    pub entries: Vec<Whole>,
    /// How many others the function has.
    pub more: usize,
}

/// All that is known of an entry.
#[derive(Serialize, JsonSchema)]
pub struct Whole {
    #[serde(flatten)]
    pub item: Item,
    /// The digest of the function's state.
    pub state: String,
    /// What the state was made of.
    pub parts: Vec<Piece>,
    /// The arguments.
    pub arguments: Vec<Piece>,
    /// What the call was seen to look at.
    pub dependencies: Vec<Dependency>,
    /// The changes of code for which it answers though they came after it.
    pub accepted: Vec<Accepted>,
    /// Until when the result is good, in universal time, if not for good.
    pub expires: Option<String>,
    /// How long encoding the result took, in seconds.
    pub encode_seconds: f64,
    /// The number of the codec of the result.
    pub codec: u16,
    /// What that is.
    pub codec_name: &'static str,
    /// Kinds of effects that a hit does again, such as "stdout".
    pub effects: Vec<String>,
    /// Whether there were any when it ran.
    pub had_effects: bool,
    /// The object that holds the result, if it does not lie in the index.
    pub object: Option<String>,
    /// Who stored it.
    pub producer: Origin,
    #[serde(skip)]
    listed: Listed,
}

/// Who stored a result. What was not known then is null.
#[derive(Serialize, JsonSchema)]
pub struct Origin {
    /// What stored it, with its version.
    pub software: String,
    /// What ran the function, with its version.
    pub interpreter: Option<String>,
    /// The module or script that was started, as it is called in the names of functions.
    pub program: Option<String>,
    /// The operating system and the kind of machine.
    pub platform: Option<String>,
    /// The name of the machine.
    pub host: Option<String>,
    /// The number of the process there.
    pub process: Option<u32>,
}

/// A part of a function's state, or an argument.
#[derive(Serialize, JsonSchema)]
pub struct Piece {
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What else is known of it: of a number, how it is written; of a library, its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// Its source text, where that is stored and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Something that a call looked at.
#[derive(Serialize, JsonSchema)]
pub struct Dependency {
    /// What of it.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The digest of what was found, if anything was.
    pub digest: Option<String>,
    /// Size and age of what was found.
    pub details: Option<String>,
}

/// Added to the number of a codec where effects come along with the result.
const WITH_EFFECTS: u16 = 1 << 8;

/// Entries of a function that are shown.
const SHOWN: usize = 3;

pub fn run(shared: &Shared, args: &Show) -> Result<Shown, Failure> {
    let store = open(shared)?;
    let selection = Selection {
        what: vec![args.what.clone()],
        tag: None,
        superseded: false,
    };
    let mut found = selected(&store, &selection)?;
    found.sort_by_key(|listed| std::cmp::Reverse(listed.entry.created_ns));
    let most = if is_key(&args.what) {
        usize::MAX
    } else {
        SHOWN
    };
    let more = found.len().saturating_sub(most);
    found.truncate(most);
    let accepted = store.acceptances()?;
    let entries = found
        .into_iter()
        .map(|listed| whole(&store, listed, &accepted, args.source));
    Ok(Shown {
        entries: entries.collect::<Result<_, Failure>>()?,
        more,
    })
}

fn whole(
    store: &Store,
    listed: Listed,
    accepted: &[Acceptance],
    source: bool,
) -> Result<Whole, Failure> {
    let entry = &listed.entry;
    let state = store.state_of(entry)?;
    let parts = state.map(|state| state.parts).unwrap_or_default();
    let piece = |part: &Part| Piece {
        kind: part.kind.to_string(),
        name: part.name.clone(),
        digest: part.digest.to_hex(),
        details: part.details().map(str::to_owned),
        source: part.code().filter(|_| source).map(str::to_owned),
    };
    let observed = entry.world.observations.iter().map(|seen| Dependency {
        kind: seen.subject.kind(),
        name: seen.subject.name(),
        digest: seen.state.digest().map(|digest| digest.to_hex()),
        details: seen.details(),
    });
    Ok(Whole {
        item: Item::from(&listed),
        state: entry.state.to_hex(),
        parts: parts.iter().map(piece).collect(),
        arguments: entry.arguments.iter().map(piece).collect(),
        dependencies: observed.collect(),
        accepted: accepted
            .iter()
            .filter(|known| known.function == entry.function && known.old == entry.state)
            .map(Accepted::from)
            .collect(),
        expires: entry.world.lease.map(|lease| exactly(lease.until_ns())),
        encode_seconds: seconds(entry.encode_ns),
        codec: entry.codec,
        effects: replayed(&parts),
        had_effects: entry.codec & WITH_EFFECTS != 0,
        codec_name: match entry.codec & !WITH_EFFECTS {
            1 => "pickle",
            2 => "numpy array",
            _ => "unknown",
        },
        object: match &entry.value {
            StoredValue::Object(id) => Some(id.to_hex()),
            StoredValue::Inline(_) => None,
        },
        producer: Producer::parse(&entry.producer).into(),
        listed,
    })
}

/// What the options of a function say that a hit does again.
fn replayed(parts: &[Part]) -> Vec<String> {
    let options = parts.iter().filter(|part| part.kind == PartKind::Options);
    let terms = options.filter_map(|part| part.source.as_deref());
    let terms = terms.flat_map(|terms| terms.split(", "));
    let replayed = terms.filter_map(|term| term.strip_prefix("replaying "));
    replayed.map(str::to_owned).collect()
}

impl From<Producer> for Origin {
    fn from(known: Producer) -> Self {
        Self {
            software: known.software,
            interpreter: known.interpreter,
            program: known.program,
            platform: known.platform,
            host: known.host,
            process: known.process,
        }
    }
}

impl Origin {
    /// What ran.
    fn what(&self) -> String {
        let known = [
            &self.program,
            &self.interpreter,
            &Some(self.software.clone()),
        ];
        let known = known.into_iter().flatten().map(String::as_str);
        known.collect::<Vec<_>>().join(", ")
    }

    /// Where it ran, if that is known.
    fn place(&self) -> Option<String> {
        let process = self.process.map(|process| format!("process {process}"));
        let known = [&self.host, &self.platform, &process];
        let known: Vec<_> = known.into_iter().flatten().map(String::as_str).collect();
        (!known.is_empty()).then(|| known.join(", "))
    }
}

impl Report for Shown {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        for (at, whole) in self.entries.iter().enumerate() {
            if at > 0 {
                page.line(USUAL, "")?;
            }
            whole.write(page)?;
        }
        if self.more > 0 {
            page.line(USUAL, "")?;
            page.line(
                FAINT,
                &format!("and {} older: rememo ls lists them", self.more),
            )?;
        }
        Ok(())
    }
}

impl Whole {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let (item, entry) = (&self.item, &self.listed.entry);
        page.line(HEADING, &item.function)?;
        page.field("key", &item.key)?;
        page.field("state", &self.state)?;
        let stored = ago(entry.created_ns);
        page.field("stored", &format!("{} ({stored})", item.created))?;
        page.field("by", &self.producer.what())?;
        if let Some(place) = self.producer.place() {
            page.field("on", &place)?;
        }
        let encode = lasting(entry.encode_ns);
        page.field(
            "took",
            &format!("{}, and {encode} to encode", lasting(entry.compute_ns)),
        )?;
        let place = match &self.object {
            Some(id) => format!("in object {}", &id[..12]),
            None => "in the index".to_owned(),
        };
        page.field(
            "result",
            &format!(
                "{}, {}, {place}",
                bytes_to_read(item.bytes),
                self.codec_name
            ),
        )?;
        if self.had_effects || !self.effects.is_empty() {
            let had = if self.had_effects {
                "done again on a hit"
            } else {
                "there were none"
            };
            let told = format!("{}: {had}", self.effects.join(", "));
            page.field("effects", told.trim_start_matches(": "))?;
        }
        for known in &self.accepted {
            page.field(
                "answers for",
                &format!("state {}: {}", &known.new[..12], known.line()),
            )?;
        }
        if let Some(until) = &self.expires {
            page.field("good until", until)?;
        }
        page.field("uses", &item.uses.to_string())?;
        if item.pinned {
            page.field("pinned", "yes: it never goes for want of room")?;
        }
        if item.superseded {
            page.field(
                "superseded",
                "yes: its code has changed since, so it goes first",
            )?;
        }
        if let Some(tag) = &item.tag {
            page.field("tag", tag)?;
        }
        pieces(page, "arguments", &self.arguments)?;
        pieces(page, "made of", &self.parts)?;
        if !self.dependencies.is_empty() {
            page.line(FAINT, "looked at")?;
        }
        for seen in &self.dependencies {
            let digest = seen
                .digest
                .as_ref()
                .map_or("not there", |digest| &digest[..12]);
            let details = seen
                .details
                .as_ref()
                .map_or(String::new(), |details| format!(", {details}"));
            page.line(
                USUAL,
                &format!("  {digest}  {} {}{details}", seen.kind, seen.name),
            )?;
        }
        Ok(())
    }
}

fn pieces(page: &mut Page, heading: &str, pieces: &[Piece]) -> io::Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    page.line(FAINT, heading)?;
    for piece in pieces {
        let what = format!("  {}  {} {}", &piece.digest[..12], piece.kind, piece.name);
        let details = piece.details.iter();
        let details = details.map(|told| format!(": {}", told.replace('\n', " ")));
        page.line(
            USUAL,
            &format!("{}{}", what.trim_end(), details.collect::<String>()),
        )?;
        for line in piece.source.iter().flat_map(|source| source.lines()) {
            page.line(NAME, &format!("      {line}"))?;
        }
    }
    Ok(())
}
