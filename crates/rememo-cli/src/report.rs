//! What a command has to say, for people or as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use crate::args::Shared;
use crate::failure::Failure;
use crate::page::{Page, is_tame, plain};

/// What a command found. Its fields are its JSON.
pub trait Report: Serialize + JsonSchema {
    /// Writes it for people.
    fn write(&self, page: &mut Page) -> io::Result<()>;

    /// The exit status that goes with it.
    fn status(&self) -> u8 {
        0
    }
}

/// Runs a command, writes what it has to say, and tells how it went.
pub fn finish<R: Report>(shared: &Shared, run: impl FnOnce() -> Result<R, Failure>) -> ExitCode {
    ended(say(shared, run))
}

/// Tells how a command went.
pub fn ended(done: Result<u8, Failure>) -> ExitCode {
    match done {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            if let Some(told) = failure.told() {
                complain("error", &told);
            }
            ExitCode::from(failure.status())
        }
    }
}

fn say<R: Report>(
    shared: &Shared,
    run: impl FnOnce() -> Result<R, Failure>,
) -> Result<u8, Failure> {
    if shared.json_schema {
        write_json(&schema_for!(R)).map_err(|error| Failure::of_output(&error))?;
        return Ok(0);
    }
    let report = run()?;
    let written = if shared.json {
        write_json(&report)
    } else {
        write_page(&report)
    };
    written.map_err(|error| Failure::of_output(&error))?;
    Ok(report.status())
}

fn write_page(report: &impl Report) -> io::Result<()> {
    let mut page = Page::default();
    report.write(&mut page)?;
    page.flush()
}

fn write_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", tame(text))?;
    out.flush()
}

/// JSON that says the same, and is safe to look at.
fn tame(json: String) -> String {
    let is_tame = |c| c == '\n' || is_tame(c);
    if json.chars().all(is_tame) {
        return json;
    }
    let mut tame = String::with_capacity(json.len());
    for c in json.chars() {
        if is_tame(c) {
            tame.push(c);
            continue;
        }
        // It is part of a string: elsewhere there is nothing but ASCII.
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(tame, "\\u{unit:04x}");
        }
    }
    tame
}

/// Says on standard error that something is not as it should be.
pub fn complain(what: &str, told: &str) {
    let color = match what {
        "error" => anstyle::AnsiColor::Red,
        _ => anstyle::AnsiColor::Yellow,
    };
    let style = color.on_default().bold();
    // Where nobody can be told there is nothing to be done.
    let _ = writeln!(
        anstream::stderr(),
        "{style}{what}{style:#}: {}",
        told.lines().map(plain).collect::<Vec<_>>().join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_and_cannot_command_the_terminal() {
        let names = "\u{9b}2J\u{7f}\u{202e}\u{e0041}é\n\"";
        let text = tame(serde_json::to_string_pretty(&[names]).unwrap());
        assert!(text.chars().all(|c| c == '\n' || is_tame(c)), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [names]);
    }
}
