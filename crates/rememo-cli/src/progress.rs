//! How far long work has got, for whoever looks on: on standard error, and on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often what moves by itself does.
const BEAT: Duration = Duration::from_millis(100);
const BYTES: &str = "{msg} [{bar:30}] {binary_bytes} of {binary_total_bytes}, {eta} left";
const ENTRIES: &str = "{msg} [{bar:30}] {human_pos} of {human_len}, {eta} left";

/// A bar that fills as work goes on, and is gone at the end of it.
pub struct Progress(ProgressBar);

impl Progress {
    /// For work on so many entries.
    pub fn of_entries(what: &'static str, entries: u64) -> Self {
        Self::new(what, entries, ENTRIES)
    }

    /// For work on so many bytes.
    pub fn of_bytes(what: &'static str, bytes: u64) -> Self {
        Self::new(what, bytes, BYTES)
    }

    /// For work of which nobody knows how much is left.
    pub fn of_unknown(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.enable_steady_tick(BEAT);
        Self(bar)
    }

    fn new(what: &'static str, length: u64, form: &str) -> Self {
        let style = ProgressStyle::with_template(form);
        let bar = ProgressBar::new(length).with_message(what);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Says that so much more of it is done.
    pub fn moved(&self, by: u64) {
        self.0.inc(by);
    }

    /// Says how much of it is done.
    pub fn reached(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
