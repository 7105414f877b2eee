//! `rememo ls`: functions, or the entries of some.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;

use rememo::Listed;
use rememo::measure::bytes_to_read;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Ls, Selection, Shared, Sort};
use crate::failure::Failure;
use crate::moment::{ago, exactly, lasting, seconds};
use crate::opened::look;
use crate::page::{FAINT, NAME, Page, Table, USUAL};
use crate::report::Report;
use crate::select::{all, selected};

/// Functions, or entries if any were asked for.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Listing {
    Functions {
        /// What is stored for each function.
        functions: Vec<Function>,
    },
    Entries {
        /// The entries.
        entries: Vec<Item>,
    },
}

/// What is stored for a function.
#[expect(clippy::struct_field_names, reason = "they are the names in the JSON")]
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Function {
    /// Its identity.
    pub function: String,
    /// How many entries it has.
    pub entries: u64,
    /// Bytes of their results.
    pub bytes: u64,
    /// How long computing them took, in seconds.
    pub computed_seconds: f64,
    /// How often they were of use, their making included.
    pub uses: u64,
    /// How many are pinned.
    pub pinned: u64,
    /// How many were made by code that has changed since.
    pub superseded: u64,
    /// When the latest was stored, in universal time.
    pub latest: String,
    #[serde(skip)]
    computed_ns: u64,
    #[serde(skip)]
    latest_ns: u64,
}

/// An entry.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Item {
    /// Its call key.
    pub key: String,
    /// The identity of its function.
    pub function: String,
    /// Bytes of its result.
    pub bytes: u64,
    /// How long the call took, in seconds.
    pub compute_seconds: f64,
    /// How often it was of use, its making included.
    pub uses: u64,
    /// When it was stored, in universal time.
    pub created: String,
    /// Whether it is kept from going for want of room.
    pub pinned: bool,
    /// Whether the code that made it has changed since.
    pub superseded: bool,
    /// What it is called together with others.
    pub tag: Option<String>,
    #[serde(skip)]
    compute_ns: u64,
    #[serde(skip)]
    created_ns: u64,
}

impl From<&Listed> for Item {
    fn from(listed: &Listed) -> Self {
        let entry = &listed.entry;
        Self {
            key: listed.key.to_hex(),
            function: entry.function.clone(),
            bytes: entry.size,
            compute_seconds: seconds(entry.compute_ns),
            uses: listed.worth.uses,
            created: exactly(entry.created_ns),
            pinned: entry.pinned,
            superseded: listed.superseded,
            tag: entry.tag.clone(),
            compute_ns: entry.compute_ns,
            created_ns: entry.created_ns,
        }
    }
}

impl Function {
    fn add(&mut self, listed: &Listed) {
        let entry = &listed.entry;
        self.entries += 1;
        self.bytes += entry.size;
        self.computed_ns += entry.compute_ns;
        self.computed_seconds = seconds(self.computed_ns);
        self.uses += listed.worth.uses;
        self.pinned += u64::from(entry.pinned);
        self.superseded += u64::from(listed.superseded);
        self.latest_ns = self.latest_ns.max(entry.created_ns);
        self.latest = exactly(self.latest_ns);
    }
}

/// What is stored for each function, by name.
pub fn by_function(entries: &[Listed]) -> Vec<Function> {
    let mut functions = BTreeMap::<&str, Function>::new();
    for listed in entries {
        functions
            .entry(&listed.entry.function)
            .or_default()
            .add(listed);
    }
    let named = functions.into_iter().map(|(name, function)| Function {
        function: name.to_owned(),
        ..function
    });
    named.collect()
}

pub fn run(shared: &Shared, args: &Ls) -> Result<Listing, Failure> {
    let lists_entries = args.entries || !args.what.is_empty();
    let found = match look(shared)?.store {
        None => Vec::new(),
        Some(store) if args.what.is_empty() => all(&store, |listed| is_wanted(args, listed))?,
        Some(store) => {
            let selection = Selection {
                what: args.what.clone(),
                tag: None,
                superseded: false,
            };
            let mut found = selected(&store, &selection)?;
            found.retain(|listed| is_wanted(args, listed));
            found
        }
    };
    Ok(if lists_entries {
        let mut entries: Vec<Item> = found.iter().map(Item::from).collect();
        sort_entries(&mut entries, args.sort);
        Listing::Entries {
            entries: cut(entries, args),
        }
    } else {
        let mut functions = by_function(&found);
        sort_functions(&mut functions, args.sort);
        Listing::Functions {
            functions: cut(functions, args),
        }
    })
}

fn is_wanted(args: &Ls, listed: &Listed) -> bool {
    (!args.pinned || listed.entry.pinned)
        && (!args.superseded || listed.superseded)
        && args
            .tag
            .as_ref()
            .is_none_or(|tag| listed.entry.tag.as_ref() == Some(tag))
}

fn cut<T>(mut items: Vec<T>, args: &Ls) -> Vec<T> {
    if args.reverse {
        items.reverse();
    }
    items.truncate(args.limit.unwrap_or(usize::MAX));
    items
}

fn sort_entries(entries: &mut [Item], by: Sort) {
    entries.sort_by(|one, other| {
        let name = |item: &Item| {
            (
                item.function.clone(),
                Reverse(item.created_ns),
                item.key.clone(),
            )
        };
        let first = match by {
            Sort::Name => std::cmp::Ordering::Equal,
            Sort::Size => other.bytes.cmp(&one.bytes),
            Sort::Time => other.compute_ns.cmp(&one.compute_ns),
            Sort::Age => other.created_ns.cmp(&one.created_ns),
            Sort::Uses => other.uses.cmp(&one.uses),
        };
        first.then_with(|| name(one).cmp(&name(other)))
    });
}

fn sort_functions(functions: &mut [Function], by: Sort) {
    match by {
        Sort::Name => {}
        Sort::Size => functions.sort_by_key(|function| Reverse(function.bytes)),
        Sort::Time => functions.sort_by_key(|function| Reverse(function.computed_ns)),
        Sort::Age => functions.sort_by_key(|function| Reverse(function.latest_ns)),
        Sort::Uses => functions.sort_by_key(|function| Reverse(function.uses)),
    }
}

impl Report for Listing {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        match self {
            Self::Functions { functions } if functions.is_empty() => page.line(FAINT, "nothing"),
            Self::Entries { entries } if entries.is_empty() => page.line(FAINT, "nothing"),
            Self::Functions { functions } => page.table(&table_of_functions(functions)),
            Self::Entries { entries } => page.table(&table_of_entries(entries)),
        }
    }
}

fn table_of_functions(functions: &[Function]) -> Table {
    let mut table = Table::new(&[
        "FUNCTION",
        "ENTRIES>",
        "SIZE>",
        "COMPUTED IN>",
        "USES>",
        "LATEST",
    ]);
    for function in functions {
        table.add([
            (NAME, &function.function),
            (USUAL, &function.entries.to_string()),
            (USUAL, &bytes_to_read(function.bytes)),
            (USUAL, &lasting(function.computed_ns)),
            (USUAL, &function.uses.to_string()),
            (FAINT, &ago(function.latest_ns)),
        ]);
    }
    table
}

/// The entries under headings.
pub fn table_of_entries(entries: &[Item]) -> Table {
    let mut table = Table::new(&["ENTRY", "FUNCTION", "SIZE>", "TOOK>", "USES>", "STORED", ""]);
    for item in entries {
        let mut notes = Vec::new();
        if item.pinned {
            notes.push("pinned".to_owned());
        }
        if item.superseded {
            notes.push("superseded".to_owned());
        }
        notes.extend(item.tag.as_ref().map(|tag| format!("tag {tag}")));
        table.add([
            (USUAL, &item.key[..12]),
            (NAME, &item.function),
            (USUAL, &bytes_to_read(item.bytes)),
            (USUAL, &lasting(item.compute_ns)),
            (USUAL, &item.uses.to_string()),
            (FAINT, &ago(item.created_ns)),
            (USUAL, &notes.join(", ")),
        ]);
    }
    table
}
