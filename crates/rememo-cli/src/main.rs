//! The command `rememo`: shows what is memoized, and steers it.

mod altered;
mod archive;
mod args;
mod command;
mod failure;
mod moment;
mod opened;
mod page;
mod paths;
mod progress;
mod report;
mod select;
mod settings;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{CommandFactory, FromArgMatches};

use args::{Args, Command};
use command::{
    accept, config, diff, doctor, export, gc, impact, import, ls, pin, rm, shell, show, stats,
    summary, verify, why,
};
use report::{ended, finish};
use signal_hook::consts::SIGXFSZ;

fn main() -> ExitCode {
    let Args { shared, command } = parsed();
    shared.color.choose();
    // A file that grows too long fails, as in Python, and does not kill; if not, no harm is done.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    match command {
        None => finish(&shared, || summary::run(&shared)),
        Some(Command::Ls(args)) => finish(&shared, || ls::run(&shared, &args)),
        Some(Command::Show(args)) => finish(&shared, || show::run(&shared, &args)),
        Some(Command::Why(args)) => finish(&shared, || why::run(&shared, &args)),
        Some(Command::Diff(args)) => finish(&shared, || diff::run(&shared, &args)),
        Some(Command::Stats(args)) => finish(&shared, || stats::run(&shared, &args)),
        Some(Command::Rm(args)) => finish(&shared, || rm::run(&shared, &args)),
        Some(Command::Pin(args)) => finish(&shared, || pin::run(&shared, &args, true)),
        Some(Command::Unpin(args)) => finish(&shared, || pin::run(&shared, &args, false)),
        Some(Command::Gc(args)) => finish(&shared, || gc::run(&shared, &args)),
        Some(Command::Impact(args)) => finish(&shared, || impact::run(&shared, &args)),
        Some(Command::Accept(args)) => finish(&shared, || accept::run(&shared, &args)),
        Some(Command::Export(args)) => finish(&shared, || export::run(&shared, &args)),
        Some(Command::Import(args)) => finish(&shared, || import::run(&shared, &args)),
        Some(Command::Verify(args)) => finish(&shared, || verify::run(&shared, &args)),
        Some(Command::Config) => finish(&shared, || config::run(&shared)),
        Some(Command::Doctor) => finish(&shared, || doctor::run(&shared)),
        Some(Command::Report(args)) => finish(&shared, || command::report::run(&shared, &args)),
        Some(Command::Completions { shell }) => ended(shell::completions(shell).map(|()| 0)),
        Some(Command::Man) => ended(shell::man().map(|()| 0)),
    }
}

/// What was said on the command line; a mistake ends the process. Whoever asks for a schema need not
/// say what the command would be about.
fn parsed() -> Args {
    let mut command = Args::command();
    if env::args_os().any(|argument| argument == "--json-schema") {
        command = command.mut_subcommands(|one| {
            one.mut_args(|argument| {
                if argument.is_required_set() {
                    argument.required(false).default_value("-")
                } else {
                    argument
                }
            })
        });
    }
    let parsed = Args::from_arg_matches(&command.get_matches());
    parsed.unwrap_or_else(|error| error.exit())
}
