//! Whether the pages of the index's file fit together.
//!
//! LMDB trusts its file: it follows what a page says into its map, and where that is not so any more,
//! the process is killed by a signal, and so is each one after it. So wherever there is reason to
//! doubt, the file is read here first, with plain reads that can only fail.

mod layout;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use layout::{
    DEEPEST, HEADER, IN_RUN, IS_TABLE, NOTHING, Node, RUN, TABLE, Table, long, nodes, short, word,
};
pub(super) use layout::{HEADS, Head};

/// What is wrong with the file.
#[derive(Debug)]
pub(super) struct Rot {
    page: u64,
    what: &'static str,
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its page {} {}", self.page, self.what)
    }
}

impl Error for Rot {}

impl From<Rot> for io::Error {
    fn from(rot: Rot) -> Self {
        Self::new(io::ErrorKind::InvalidData, rot)
    }
}

/// Whether an error is about what is in the file.
pub(super) fn is_rot(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn Error + Send + Sync>::is::<Rot>)
}

/// Reads all pages that the newer head leads to. Nobody may write meanwhile.
pub(super) fn check(data: &File) -> io::Result<()> {
    let head = Head::of(data)?;
    let mut walk = Walk {
        data,
        page: head.page,
        last: head.last,
        commit: head.commit,
        seen: vec![0; usize::try_from(head.last / 64 + 1).map_err(io::Error::other)?],
        tables: Vec::new(),
    };
    walk.table(&head.free, Kind::Free)?;
    walk.table(&head.tables, Kind::Tables)?;
    for table in std::mem::take(&mut walk.tables) {
        walk.table(&table, Kind::Rows)?;
    }
    Ok(())
}

/// What the rows of a table are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Lists of free pages, by the commit that freed them.
    Free,
    /// Tables, by name.
    Tables,
    /// Ours.
    Rows,
}

impl Kind {
    fn compare(self, one: &[u8], other: &[u8]) -> Ordering {
        match self {
            Self::Free => long(one, 0).cmp(&long(other, 0)),
            Self::Tables | Self::Rows => one.cmp(other),
        }
    }
}

/// From which key on, and before which one, the keys below a page are.
#[derive(Clone, Copy)]
struct Span<'k> {
    from: Option<&'k [u8]>,
    before: Option<&'k [u8]>,
}

/// A page above which this many more levels are to come, the last of which is the leaves.
#[derive(Clone, Copy)]
struct Spot<'k> {
    number: u64,
    levels: u16,
    span: Span<'k>,
}

struct Walk<'f> {
    data: &'f File,
    page: usize,
    last: u64,
    commit: u64,
    /// A bit for each page that has its place.
    seen: Vec<u64>,
    tables: Vec<Table>,
}

impl Walk<'_> {
    fn table(&mut self, table: &Table, kind: Kind) -> io::Result<()> {
        let mut counted = Table {
            flags: table.flags,
            depth: table.depth,
            root: table.root,
            ..Table::default()
        };
        if table.root == NOTHING {
            return ensure(
                counted == *table && table.depth == 0,
                0,
                "counts rows of nothing",
            );
        }
        let fits = (1..=DEEPEST).contains(&table.depth);
        ensure(fits, table.root, "is the root of an impossible tree")?;
        let root = Spot {
            number: table.root,
            levels: table.depth,
            span: Span {
                from: None,
                before: None,
            },
        };
        self.below(root, kind, &mut counted)?;
        ensure(
            counted == *table,
            table.root,
            "has not as much below it as was counted",
        )
    }

    fn below(&mut self, spot: Spot<'_>, kind: Kind, counted: &mut Table) -> io::Result<()> {
        self.take(spot.number, 1)?;
        let mut page = vec![0; self.page];
        read_at(
            self.data,
            &mut page,
            spot.number * self.page as u64,
            spot.number,
        )?;
        let is_leaf = spot.levels == 1;
        let nodes = nodes(&page, spot.number, is_leaf)?;
        in_order(&nodes, spot, kind, is_leaf)?;
        if is_leaf {
            counted.leaves += 1;
            counted.rows += nodes.len() as u64;
            return nodes
                .iter()
                .try_for_each(|node| self.row(*node, kind, counted));
        }
        counted.branches += 1;
        for (at, node) in nodes.iter().enumerate() {
            let from = if at == 0 {
                spot.span.from
            } else {
                Some(node.key)
            };
            let next = nodes.get(at + 1).map(|next| next.key);
            let before = next.or(spot.span.before);
            let child = Spot {
                number: long(node.data, 0) & (u64::MAX >> 16),
                levels: spot.levels - 1,
                span: Span { from, before },
            };
            self.below(child, kind, counted)?;
        }
        Ok(())
    }

    fn row(&mut self, node: Node<'_>, kind: Kind, counted: &mut Table) -> io::Result<()> {
        let sure = |right, what| ensure(right, node.page, what);
        let run = (node.flags == IN_RUN).then(|| long(node.data, 0));
        if let Some(first) = run {
            counted.in_runs += self.run(first, node.len)?;
        }
        match kind {
            Kind::Rows => sure(node.flags & !IN_RUN == 0, "has a row of an unknown kind"),
            Kind::Tables => {
                let is_table = node.flags == IS_TABLE && node.len == TABLE;
                sure(is_table, "lists something else than a table")?;
                let table = Table::parse(node.data);
                sure(table.flags == 0, "lists a table of an unknown kind")?;
                self.tables.push(table);
                Ok(())
            }
            Kind::Free => {
                sure(node.flags & !IN_RUN == 0, "has a row of an unknown kind")?;
                sure(
                    long(node.key, 0) <= self.commit,
                    "has pages that are still to be freed",
                )?;
                match run {
                    Some(first) => {
                        let mut list = vec![0; node.len];
                        let at = first * self.page as u64 + HEADER as u64;
                        read_at(self.data, &mut list, at, first)?;
                        self.free(&list, first)
                    }
                    None => self.free(node.data, node.page),
                }
            }
        }
    }

    /// Takes a run of pages that holds this many bytes; how many pages it is.
    fn run(&mut self, first: u64, len: usize) -> io::Result<u64> {
        ensure(
            (HEADS..=self.last).contains(&first),
            first,
            "is not in the file",
        )?;
        let mut header = [0; HEADER];
        read_at(self.data, &mut header, first * self.page as u64, first)?;
        let is_run = long(&header, 0) == first && short(&header, 10) == RUN;
        ensure(is_run, first, "does not begin a run of pages")?;
        let pages = u64::from(word(&header, 12));
        let room = pages.saturating_mul(self.page as u64);
        ensure(
            (HEADER + len) as u64 <= room,
            first,
            "begins a run that is too short",
        )?;
        self.take(first, pages)?;
        Ok(pages)
    }

    /// Takes the free pages of a list: how many there are, then these, the last ones first.
    fn free(&mut self, list: &[u8], page: u64) -> io::Result<()> {
        let mut numbers = list.chunks_exact(8).map(|number| long(number, 0));
        let count = numbers.next().unwrap_or(u64::MAX);
        ensure(
            count <= numbers.len() as u64,
            page,
            "has a list of free pages that is cut off",
        )?;
        let mut before = u64::MAX;
        for number in numbers.take(usize::try_from(count).unwrap_or(usize::MAX)) {
            ensure(
                number < before,
                page,
                "has a list of free pages without order",
            )?;
            self.take(number, 1)?;
            before = number;
        }
        Ok(())
    }

    /// Notes that pages have their place, which nothing else may have.
    fn take(&mut self, first: u64, pages: u64) -> io::Result<()> {
        let end = first.saturating_add(pages);
        ensure(
            first >= HEADS && end <= self.last + 1,
            first,
            "is not in the file",
        )?;
        for number in first..end {
            let bit = 1 << (number % 64);
            // Within the file, and so within what is addressed.
            let place = &mut self.seen[usize::try_from(number / 64).unwrap_or(usize::MAX)];
            ensure(*place & bit == 0, number, "is in two places")?;
            *place |= bit;
        }
        Ok(())
    }
}

/// Whether keys rise, and stay between those of the pages beside theirs. The first key of a branch
/// says nothing.
fn in_order(nodes: &[Node<'_>], spot: Spot<'_>, kind: Kind, is_leaf: bool) -> io::Result<()> {
    let sure = |right, what| ensure(right, spot.number, what);
    let keys = nodes
        .iter()
        .map(|node| node.key)
        .skip(usize::from(!is_leaf));
    let mut last: Option<&[u8]> = None;
    for key in keys {
        let is_key = if kind == Kind::Free {
            key.len() == size_of::<u64>()
        } else {
            !key.is_empty()
        };
        sure(is_key, "has a key of an impossible length")?;
        let rises = match last {
            Some(last) => kind.compare(last, key).is_lt(),
            None => spot
                .span
                .from
                .is_none_or(|from| kind.compare(from, key).is_le()),
        };
        sure(rises, "has keys without order")?;
        last = Some(key);
    }
    let ends = last
        .zip(spot.span.before)
        .is_none_or(|(last, before)| kind.compare(last, before).is_lt());
    sure(ends, "has keys of the page after it")
}

/// Reads a piece of the file that must be there.
fn read_at(data: &File, piece: &mut [u8], at: u64, page: u64) -> io::Result<()> {
    let what = match data.read_exact_at(piece, at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => "is cut off",
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => "cannot be read",
        read => return read,
    };
    Err(Rot { page, what }.into())
}

fn ensure(right: bool, page: u64, what: &'static str) -> io::Result<()> {
    if right {
        Ok(())
    } else {
        Err(Rot { page, what }.into())
    }
}
