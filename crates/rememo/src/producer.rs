//! Who stored a result: what people want to know who read of it in a paper, or doubt it.
//!
//! An entry keeps it as text, a line each, of which a reader leaves out what it does not know: so a
//! version may add to it without another format.

use std::fmt::Write as _;

const INTERPRETER: &str = "interpreter";
const PROGRAM: &str = "program";
const PLATFORM: &str = "platform";
const HOST: &str = "host";
const PROCESS: &str = "process";

/// Who stored a result. Neither the user nor the arguments of the program: caches are shared and
/// archives sent around, and tokens are given as arguments.
///
/// ```
/// use rememo::Producer;
///
/// let mut producer = Producer::here();
/// producer.host = Some("ada".into());
/// let read = Producer::parse(&producer.record(4711));
/// assert_eq!(read.host.as_deref(), Some("ada"));
/// assert_eq!(read.process, Some(4711));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Producer {
    /// The front-end, with its version.
    pub software: String,
    /// What ran the function, with its version, where something did.
    pub interpreter: Option<String>,
    /// The module or script that was started.
    pub program: Option<String>,
    /// The operating system and the kind of machine.
    pub platform: Option<String>,
    /// The name of the machine.
    pub host: Option<String>,
    /// The number of the process there.
    pub process: Option<u32>,
}

impl Producer {
    /// What the engine knows by itself.
    #[must_use]
    pub fn here() -> Self {
        let machine = rustix::system::uname();
        let (system, kind) = (machine.sysname(), machine.machine());
        Self {
            software: format!("rememo {}", env!("CARGO_PKG_VERSION")),
            platform: Some(format!(
                "{} {}",
                system.to_string_lossy(),
                kind.to_string_lossy()
            )),
            host: Some(machine.nodename().to_string_lossy().into_owned()),
            ..Self::default()
        }
    }

    /// The text that an entry of a process keeps.
    #[must_use]
    pub fn record(&self, process: u32) -> String {
        let mut text = String::with_capacity(128);
        push(&mut text, &self.software);
        for (name, value) in [
            (INTERPRETER, &self.interpreter),
            (PROGRAM, &self.program),
            (PLATFORM, &self.platform),
            (HOST, &self.host),
        ] {
            if let Some(value) = value {
                text.push('\n');
                text.push_str(name);
                text.push(' ');
                push(&mut text, value);
            }
        }
        let _ = write!(text, "\n{PROCESS} {process}");
        text
    }

    /// What such a text says, whoever wrote it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut lines = text.split('\n');
        let mut producer = Self {
            software: lines.next().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for (name, value) in lines.filter_map(|line| line.split_once(' ')) {
            match name {
                INTERPRETER => producer.interpreter = Some(value.to_owned()),
                PROGRAM => producer.program = Some(value.to_owned()),
                PLATFORM => producer.platform = Some(value.to_owned()),
                HOST => producer.host = Some(value.to_owned()),
                PROCESS => producer.process = value.parse().ok(),
                _ => {}
            }
        }
        producer
    }
}

/// Adds a value, of which nothing can be taken for a line of its own: programs are called anything.
fn push(text: &mut String, value: &str) {
    text.extend(value.chars().map(|c| if c == '\n' { ' ' } else { c }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let whole = Producer {
            interpreter: Some("CPython 3.13.1".into()),
            program: Some("train".into()),
            ..Producer::here()
        };
        let read = Producer::parse(&whole.record(4711));
        let process = Some(4711);
        assert_eq!(read, Producer { process, ..whole });
        assert!(read.host.is_some_and(|host| !host.is_empty()));
    }

    #[test]
    fn text_without_more_than_a_version_is_read_and_what_is_not_known_left_out() {
        let read = Producer::parse("rememo 0.1.0");
        assert_eq!(read.software, "rememo 0.1.0");
        assert_eq!((read.host, read.process), (None, None));
        let read = Producer::parse("rememo 9\nqueue long\nhost ada\n\nprocess x");
        assert_eq!((read.host.as_deref(), read.process), (Some("ada"), None));
    }

    #[test]
    fn a_name_cannot_pass_for_another_line() {
        let sly = Producer {
            program: Some("a\nhost evil".into()),
            host: Some("ada".into()),
            ..Producer::default()
        };
        let read = Producer::parse(&sly.record(1));
        assert_eq!(read.host.as_deref(), Some("ada"));
        assert_eq!(read.program.as_deref(), Some("a host evil"));
    }
}
