//! Times as they are written: how long ago for people, and exactly for programs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rememo::measure::time_to_read;

/// How long ago something was that happened so many nanoseconds after the beginning of 1970.
pub fn ago(at_ns: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    match now.checked_sub(Duration::from_nanos(at_ns)) {
        Some(age) if age < Duration::from_secs(1) => "just now".to_owned(),
        Some(age) => format!("{} ago", time_to_read(Duration::from_secs(age.as_secs()))),
        None => "in the future".to_owned(),
    }
}

/// Date and time of day, in universal time.
pub fn exactly(at_ns: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_nanos(at_ns)).to_string()
}

/// The date of a day, counted from the beginning of 1970.
pub fn date(day: u32) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(u64::from(day) * 86_400);
    let mut text = humantime::format_rfc3339_seconds(at).to_string();
    text.truncate("1970-01-01".len());
    text
}

/// A time for people.
pub fn lasting(nanoseconds: u64) -> String {
    time_to_read(Duration::from_nanos(nanoseconds))
}

/// A time in seconds, for people.
pub fn lasting_seconds(seconds: f64) -> String {
    time_to_read(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A time in seconds.
pub fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
