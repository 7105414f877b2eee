//! What is written for people: lines and tables, in colour where it is shown.
//!
//! Names come from other people's code: nothing in them may command the terminal.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Stdout, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

pub const HEADING: Style = Style::new().bold();
pub const NAME: Style = AnsiColor::Cyan.on_default();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const FAINT: Style = Style::new().dimmed();
pub const USUAL: Style = Style::new();

/// Between two columns.
const GAP: &str = "  ";
/// What is wider stands out of its column, rather than have every other row be as wide.
const WIDEST: usize = 60;

/// Standard output.
pub struct Page(BufWriter<AutoStream<Stdout>>);

impl Default for Page {
    fn default() -> Self {
        Self(BufWriter::new(AutoStream::auto(io::stdout())))
    }
}

impl Page {
    /// Writes a line.
    pub fn line(&mut self, style: Style, text: &str) -> io::Result<()> {
        writeln!(self.0, "{style}{}{style:#}", plain(text))
    }

    /// Writes a line that begins with what it is about.
    pub fn field(&mut self, name: &str, text: &str) -> io::Result<()> {
        writeln!(self.0, "{FAINT}{name:<14}{FAINT:#}{}", plain(text))
    }

    /// Writes a line after a mark.
    pub fn marked(&mut self, style: Style, mark: &str, text: &str) -> io::Result<()> {
        writeln!(self.0, "{style}{}{style:#}  {}", plain(mark), plain(text))
    }

    /// Writes a table.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let widths = table.widths();
        let header = table
            .columns
            .iter()
            .map(|column| (HEADING, column.name.to_owned()));
        self.row(table, &widths, &header.collect::<Vec<_>>())?;
        for row in &table.rows {
            self.row(table, &widths, row)?;
        }
        Ok(())
    }

    fn row(&mut self, table: &Table, widths: &[usize], row: &[Cell]) -> io::Result<()> {
        let mut line = String::new();
        for ((column, width), (style, text)) in table.columns.iter().zip(widths).zip(row) {
            let pad = " ".repeat(width.saturating_sub(text.width()));
            let (before, after) = if column.right {
                (&*pad, "")
            } else {
                ("", &*pad)
            };
            let _ = write!(line, "{before}{style}{text}{style:#}{after}{GAP}");
        }
        writeln!(self.0, "{}", line.trim_end())
    }

    /// Sees to it that all of it is written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

type Cell = (Style, String);

struct Column {
    name: &'static str,
    right: bool,
}

/// Rows under headings.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these headings; a column whose heading ends in `>` is set to the right.
    pub fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| Column {
            name: heading.trim_end_matches('>'),
            right: heading.ends_with('>'),
        };
        Self {
            columns: headings.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn add<const N: usize>(&mut self, cells: [(Style, &str); N]) {
        let row = cells.iter().map(|(style, text)| (*style, plain(text)));
        self.rows.push(row.collect());
    }

    fn widths(&self) -> Vec<usize> {
        let of = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| row[at].1.width());
            let cells = cells.filter(|width| *width <= WIDEST);
            cells.chain([column.name.width()]).max().unwrap_or_default()
        };
        self.columns.iter().enumerate().map(of).collect()
    }
}

/// Text on one line, with what a terminal could take for a command, and what nobody would see,
/// written out.
pub fn plain(text: &str) -> String {
    if text.chars().all(is_tame) {
        return text.to_owned();
    }
    let mut tame = String::new();
    for c in text.chars() {
        match c {
            '\t' => tame.push_str("    "),
            c if is_tame(c) => tame.push(c),
            c => tame.extend(c.escape_default()),
        }
    }
    tame
}

/// Whether a character is shown as it is: it moves nothing, hides nothing, and turns no text around.
/// What joins letters and emoji does not.
pub fn is_tame(c: char) -> bool {
    let is_unseen = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}');
    !(c.is_control() || is_unseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(plain("f.<locals>.é\n"), "f.<locals>.é\\n");
        assert_eq!(
            plain("\x1b[2J\u{9b}x\u{202e}"),
            "\\u{1b}[2J\\u{9b}x\\u{202e}"
        );
        assert_eq!(
            plain("a\u{200b}\u{200f}\u{2028}b"),
            "a\\u{200b}\\u{200f}\\u{2028}b"
        );
        assert_eq!(plain("👩\u{200d}🔬 ו"), "👩\u{200d}🔬 ו");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["NAME", "SIZE>"]);
        table.add([(USUAL, "日本"), (USUAL, "1")]);
        table.add([(USUAL, "x"), (USUAL, "12345")]);
        assert_eq!(table.widths(), [4, 5]);
        table.add([(USUAL, &"x".repeat(WIDEST + 1)), (USUAL, "1")]);
        assert_eq!(
            table.widths(),
            [4, 5],
            "one long name has no other row be as long"
        );
    }
}
