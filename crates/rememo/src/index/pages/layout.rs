//! What is in the index's file: the layout is the one of `mdb.c` in LMDB, data version 1, on 64 bits,
//! little endian. All numbers are at these bytes:
//!
//! | what | bytes |
//! | --- | --- |
//! | each page (`MDB_page`) | 0 its number, 10 its kind, 12 end of the pointers, 14 begin of the nodes; 12 the number of pages, if it begins a run (`P_OVERFLOW`); 16 pointers to nodes, two bytes each |
//! | node (`MDB_node`) | 0 length of its data, 4 its flags, 6 length of its key; 8 key, then data. Of a branch: 0 the page below, six bytes |
//! | table (`MDB_db`) | 4 flags, 6 depth, 8 branches, 16 leaves, 24 pages in runs, 32 rows, 40 root |
//! | head (`MDB_meta`), after a page's first 16 bytes | 0 magic, 4 version, 24 table of free pages (at 0 of it the size of a page), 72 table of tables, 120 last page, 128 number of the commit |
//!
//! Nodes lie one after the other at the end of their page, each on an even byte. Each page is in one
//! place of one tree, in one run, or on one list of free pages. Each of the two heads is the root of
//! all; commits replace them in turn.

use std::fs::File;
use std::io;

use super::{Rot, ensure, read_at};

const _: () = assert!(cfg!(all(
    target_endian = "little",
    target_pointer_width = "64"
)));

/// Bytes before what is in a page, and before the key of a node.
pub(super) const HEADER: usize = 16;
const NODE: usize = 8;
pub(super) const TABLE: usize = 48;
pub(super) const HEAD: usize = HEADER + 136;
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 1 << 9..=1 << 15;
const LONGEST_KEY: usize = 511;
pub(in crate::index) const HEADS: u64 = 2;
/// The root of a table without rows.
pub(super) const NOTHING: u64 = u64::MAX;
/// LMDB goes no deeper.
pub(super) const DEEPEST: u16 = 32;

/// Kinds of pages.
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
pub(super) const RUN: u16 = 0x04;
const META: u16 = 0x08;
/// Flags of nodes: its data is in a run of pages, or is a table.
pub(super) const IN_RUN: u16 = 0x01;
pub(super) const IS_TABLE: u16 = 0x02;
/// The flag of a table whose keys are numbers.
const NUMBERS: u16 = 0x08;

/// What the newer head says.
#[derive(Debug)]
pub(in crate::index) struct Head {
    pub(super) page: usize,
    pub(super) last: u64,
    pub(super) free: Table,
    pub(super) tables: Table,
    pub(super) commit: u64,
    /// Whether the other one is of the commit before.
    pub(in crate::index) follows: bool,
}

impl Head {
    /// Reads both heads of a file. LMDB uses what they say before anything else can be looked at.
    pub(in crate::index) fn of(data: &File) -> io::Result<Self> {
        let mut first = [0; HEAD];
        read_at(data, &mut first, 0, 0)?;
        let first = Self::parse(&first, 0)?;
        let mut second = [0; HEAD];
        read_at(data, &mut second, first.page as u64, 1)?;
        let second = Self::parse(&second, 1)?;
        ensure(
            second.page == first.page,
            1,
            "has another size than the first",
        )?;
        let follows =
            first.commit.abs_diff(second.commit) == 1 || (first.commit, second.commit) == (0, 0);
        let pages = data.metadata()?.len() / first.page as u64;
        for (number, head) in (0..).zip([&first, &second]) {
            ensure(head.last < pages, number, "tells of pages beyond the file")?;
        }
        let newer = if first.commit < second.commit {
            second
        } else {
            first
        };
        Ok(Self { follows, ..newer })
    }

    fn parse(head: &[u8; HEAD], number: u64) -> io::Result<Self> {
        let sure = |right, what| ensure(right, number, what);
        sure(
            long(head, 0) == number && short(head, 10) == META,
            "is not a head",
        )?;
        let meta = &head[HEADER..];
        sure(word(meta, 0) == MAGIC, "is not one of LMDB's")?;
        sure(word(meta, 4) == VERSION, "is of another version of LMDB")?;
        let page = word(meta, 24) as usize;
        let is_size = page.is_power_of_two() && PAGE_SIZES.contains(&page);
        sure(is_size, "says that pages are of an impossible size")?;
        let read = Self {
            page,
            last: long(meta, 120),
            free: Table::parse(&meta[24..]),
            tables: Table::parse(&meta[72..]),
            commit: long(meta, 128),
            follows: true,
        };
        sure(read.last >= HEADS - 1, "leaves no room for itself")?;
        sure(read.last < u64::MAX >> 16, "tells of too many pages")?;
        sure(
            read.commit == 0 || read.commit % HEADS == number,
            "is in the other's place",
        )?;
        sure(read.free.flags == NUMBERS, "has no list of free pages")?;
        sure(read.tables.flags == 0, "has no list of tables")?;
        Ok(read)
    }
}

/// What is known of a tree of pages, or was counted in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) flags: u16,
    pub(super) depth: u16,
    pub(super) branches: u64,
    pub(super) leaves: u64,
    pub(super) in_runs: u64,
    pub(super) rows: u64,
    pub(super) root: u64,
}

impl Table {
    pub(super) fn parse(table: &[u8]) -> Self {
        Self {
            flags: short(table, 4),
            depth: short(table, 6),
            branches: long(table, 8),
            leaves: long(table, 16),
            in_runs: long(table, 24),
            rows: long(table, 32),
            root: long(table, 40),
        }
    }
}

/// One node of a page.
#[derive(Clone, Copy)]
pub(super) struct Node<'p> {
    pub(super) page: u64,
    pub(super) key: &'p [u8],
    pub(super) flags: u16,
    /// Where its data is, in the page.
    pub(super) data: &'p [u8],
    /// How long it is wherever it is.
    pub(super) len: usize,
}

/// The nodes of a page, which fill its end without gaps.
pub(super) fn nodes(page: &[u8], number: u64, is_leaf: bool) -> io::Result<Vec<Node<'_>>> {
    let sure = |right, what| ensure(right, number, what);
    let kind = if is_leaf { LEAF } else { BRANCH };
    sure(long(page, 0) == number, "is another one")?;
    sure(
        short(page, 10) == kind,
        "is of another kind than its place is",
    )?;
    let (lower, upper) = (usize::from(short(page, 12)), usize::from(short(page, 14)));
    let fits = HEADER < lower && lower <= upper && upper <= page.len() && lower % 2 == 0;
    sure(fits, "has no room for its nodes")?;
    let pointers = page[HEADER..lower].chunks_exact(2);
    sure(is_leaf || pointers.len() > 1, "branches into one")?;
    let mut left = page.len() - upper;
    let mut nodes = Vec::with_capacity(pointers.len());
    for pointer in pointers {
        let at = usize::from(short(pointer, 0));
        sure(at >= upper && at % 2 == 0, "has a node in the wrong place")?;
        let node = page.get(at..).and_then(|node| parse(node, number, is_leaf));
        let node = node.ok_or(Rot {
            page: number,
            what: "has a node that goes beyond it",
        })?;
        let taken =
            (NODE + node.key.len() + if is_leaf { node.data.len() } else { 0 }).next_multiple_of(2);
        sure(taken <= left, "has nodes in each other's place")?;
        left -= taken;
        nodes.push(node);
    }
    sure(left == 0, "has gaps between its nodes")?;
    Ok(nodes)
}

fn parse(node: &[u8], page: u64, is_leaf: bool) -> Option<Node<'_>> {
    let (header, rest) = node.split_at_checked(NODE)?;
    let key_len = usize::from(short(header, 6));
    let (key, rest) = rest.split_at_checked(key_len)?;
    if key_len > LONGEST_KEY {
        return None;
    }
    if !is_leaf {
        return Some(Node {
            page,
            key,
            flags: 0,
            data: header,
            len: 0,
        });
    }
    let flags = short(header, 4);
    let len = word(header, 0) as usize;
    let here = if flags & IN_RUN == 0 {
        len
    } else {
        size_of::<u64>()
    };
    Some(Node {
        page,
        key,
        flags,
        data: rest.get(..here)?,
        len,
    })
}

pub(super) fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
