//! What a command has to say, for people or as JSON.

use std::io::{self, Write};
use std::process::ExitCode;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use crate::args::Shared;
use crate::failure::Failure;
use crate::page::Page;

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
        write_json(&schema_for!(R))?;
        return Ok(0);
    }
    let report = run()?;
    if shared.json {
        write_json(&report)?;
    } else {
        let mut page = Page::default();
        report.write(&mut page)?;
        page.flush()?;
    }
    Ok(report.status())
}

fn write_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
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
        crate::page::plain(told)
    );
}
