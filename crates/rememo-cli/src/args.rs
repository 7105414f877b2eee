//! What can be said on the command line. The comments here are the help.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

const AFTER: &str = "\
The cache is the one that functions of the project in the current directory use: --dir, else
REMEMO_DIR, else what pyproject.toml says, else .rememo in the project's root.

A FUNCTION is its full name, the end of it after a dot, or a pattern with * and ?. An ENTRY is the
beginning of its key, of four digits or more.

Exit status: 0 if all is well; 1 if what was asked for is not there, or doctor or verify found
something wrong, or an archive is not what was written; 2 for a mistake on the command line; 3 if
the cache cannot be used; 130 if interrupted.";

/// See and steer what is memoized. Alone, it shows a summary.
#[derive(Debug, Parser)]
#[command(name = "rememo", version, after_help = AFTER, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Options of every command")]
pub struct Shared {
    /// The cache's directory
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Write JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Write the schema of the command's JSON, and do nothing else
    #[arg(long, global = true)]
    pub json_schema: bool,
    /// Whether to write in colour; auto does on a terminal
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes it the choice for all that is written.
    pub fn choose(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List functions, or the entries of some
    Ls(Ls),
    /// Show all that is known of an entry, or of a function
    Show(Show),
    /// Say why the last call ran: what changed, with the difference of the sources
    Why(Why),
    /// Compare what two results were made of
    Diff(Diff),
    /// Show what was saved: hits, misses and time, by function or by day
    Stats(Stats),
    /// Remove entries
    Rm(Rm),
    /// Keep entries from going for want of room
    Pin(Selection),
    /// Let pinned entries go again
    Unpin(Selection),
    /// Let go of what is cheapest to lose until the rest fits, and of stray files
    Gc(Gc),
    /// Say what edits will have computed again; imports modules, but runs no function
    Impact(Impact),
    /// Have stored results answer for edited code, for you say that the edit is harmless
    Accept(Accept),
    /// Write entries into an archive, to be taken to another machine
    Export(Export),
    /// Take in the entries of an archive, made by somebody whose code you would run
    Import(Import),
    /// Read all that is stored, and say whether it is what was written
    Verify(Verify),
    /// Show the settings in effect, and who says each
    Config,
    /// Look for what is wrong, and say how to mend it
    Doctor,
    /// Write one page that shows what was saved, by what, and at what price
    Report(Report),
    /// Write the script that has a shell complete what is typed
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page
    Man,
}

#[derive(Debug, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ls {
    /// List the entries of these, by FUNCTION or ENTRY
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// List entries even if none are named
    #[arg(short, long)]
    pub entries: bool,
    /// Only entries with this tag
    #[arg(long)]
    pub tag: Option<String>,
    /// Only entries that are pinned
    #[arg(long)]
    pub pinned: bool,
    /// Only entries whose code has changed since
    #[arg(long)]
    pub superseded: bool,
    /// What comes first: the largest, slowest, newest, most used, or by name
    #[arg(short, long, value_name = "BY", default_value = "name")]
    pub sort: Sort,
    /// Turn the order round
    #[arg(short, long)]
    pub reverse: bool,
    /// List no more than so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Name,
    Size,
    Time,
    Age,
    Uses,
}

#[derive(Debug, ClapArgs)]
pub struct Show {
    /// A FUNCTION or an ENTRY
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// Show the source of what the function is made of, too
    #[arg(short, long)]
    pub source: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Why {
    /// A FUNCTION or an ENTRY; whatever ran last if none is named
    #[arg(value_name = "WHAT")]
    pub what: Option<String>,
    /// All runs that are known of, not only the last
    #[arg(short, long)]
    pub all: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Diff {
    /// A FUNCTION, whose latest result is meant, or an ENTRY
    #[arg(value_name = "OLD")]
    pub old: String,
    /// Another; by default, OLD's latest result is compared with the latest made of something else
    #[arg(value_name = "NEW")]
    pub new: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Stats {
    /// Only of these
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<String>,
    /// Of so many days, today included; of all by default
    #[arg(short, long, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: Option<u32>,
    /// A line for each day, not for each function
    #[arg(long)]
    pub by_day: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Report {
    /// The page; it needs no network, and no other file. One that is there is written over
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub struct Rm {
    #[command(flatten)]
    pub selection: Selection,
    /// Everything
    #[arg(long, conflicts_with_all = ["what", "tag", "superseded"])]
    pub all: bool,
    /// Remove nothing, only say what would be
    #[arg(long)]
    pub dry_run: bool,
}

/// Some of the entries.
#[derive(Debug, ClapArgs)]
pub struct Selection {
    /// By FUNCTION or ENTRY
    #[arg(value_name = "WHAT")]
    pub what: Vec<String>,
    /// Entries with this tag
    #[arg(long)]
    pub tag: Option<String>,
    /// Entries whose code has changed since
    #[arg(long)]
    pub superseded: bool,
}

impl Selection {
    /// Whether it says nothing of which.
    pub fn is_everything(&self) -> bool {
        self.what.is_empty() && self.tag.is_none() && !self.superseded
    }
}

#[derive(Debug, ClapArgs)]
pub struct Gc {
    /// Fit into this much, for once, such as "2 GiB" or "5%" of the disk
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<String>,
    /// Fit into so many files, for once
    #[arg(long, value_name = "COUNT")]
    pub max_files: Option<u64>,
    /// Let nothing go, only say what would
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Remove what is not whole, enter again what was lost from the index, and set counts right
    #[arg(long)]
    pub repair: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Export {
    /// The archive, such as results.tar.zst; all entries go into it if none are named
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub selection: Selection,
    /// Write over a file that is there
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Import {
    /// The archive
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Take in nothing, only see whether the archive is whole
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Accept {
    /// Whose code changed without its results changing
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<String>,
    /// Why the results are the same
    #[arg(short = 'm', long, value_name = "TEXT", required_unless_present_any = ["list", "revoke", "json_schema"])]
    pub reason: Option<String>,
    /// Ask nothing: you have seen what changed
    #[arg(short, long)]
    pub yes: bool,
    /// Have results answer that were made as this one; by default, the latest of other code
    #[arg(long = "from", value_name = "ENTRY")]
    pub entry: Option<String>,
    /// Take the code as it was when the latest result was stored, and import no modules
    #[arg(long)]
    pub last_run: bool,
    /// The Python to import modules with; by default the one that this command came with
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<PathBuf>,
    /// List what is accepted
    #[arg(long, conflicts_with_all = ["reason", "yes", "entry", "last_run", "revoke"])]
    pub list: bool,
    /// Take back what was accepted under this ID
    #[arg(long, value_name = "ID", conflicts_with_all = ["functions", "reason", "yes", "entry", "last_run"])]
    pub revoke: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Impact {
    /// Only these; all that results are stored of by default
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<String>,
    /// The Python to import modules with; by default the one that this command came with
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<PathBuf>,
}
