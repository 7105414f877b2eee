//! Sizes and durations as people write and read them.

use std::time::Duration;

use bytesize::ByteSize;
use thiserror::Error;

/// A bound for bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many.
    Bytes(u64),
    /// A share of all bytes of the disk that the cache lies on, above 0 and at most 1.
    ShareOfDisk(f64),
}

/// What is wrong with a size or duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unmeasurable {
    /// It cannot be read as one.
    #[error("{0:?} is no size: write a number of bytes, \"10 GiB\", or \"5%\" of the disk")]
    NoSize(String),
    /// Nothing would fit.
    #[error("{0:?} leaves no room: it must be more than zero")]
    NoRoom(String),
    /// There is no more than the whole disk.
    #[error("{0:?} is more than the whole disk")]
    MoreThanAll(String),
    /// It cannot be read as one.
    #[error("{0:?} is no duration: write \"1d\", \"2h 30m\" or \"90s\"")]
    NoDuration(String),
    /// Nothing would last.
    #[error("{0:?} is no time at all: it must be more than zero")]
    NoTime(String),
}

/// Reads a size.
///
/// ```
/// use rememo::measure::{Size, size};
///
/// assert_eq!(size("10 GiB").unwrap(), Size::Bytes(10 << 30));
/// assert_eq!(size("500 MB").unwrap(), Size::Bytes(500_000_000));
/// assert_eq!(size("5%").unwrap(), Size::ShareOfDisk(0.05));
/// assert!(size("0").is_err());
/// ```
pub fn size(text: &str) -> Result<Size, Unmeasurable> {
    let trimmed = text.trim();
    let no_size = || Unmeasurable::NoSize(text.to_owned());
    if trimmed.starts_with('-') {
        return Err(Unmeasurable::NoRoom(text.to_owned()));
    }
    if let Some(percent) = trimmed.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_| no_size())?;
        return match percent {
            _ if percent > 100.0 => Err(Unmeasurable::MoreThanAll(text.to_owned())),
            _ if percent > 0.0 => Ok(Size::ShareOfDisk(percent / 100.0)),
            _ if percent.is_nan() => Err(no_size()),
            _ => Err(Unmeasurable::NoRoom(text.to_owned())),
        };
    }
    let bytes: ByteSize = trimmed.parse().map_err(|_| no_size())?;
    match bytes.as_u64() {
        0 => Err(Unmeasurable::NoRoom(text.to_owned())),
        bytes => Ok(Size::Bytes(bytes)),
    }
}

/// Reads a duration.
///
/// ```
/// use std::time::Duration;
///
/// use rememo::measure::duration;
///
/// assert_eq!(duration("1d").unwrap(), Duration::from_secs(86_400));
/// assert_eq!(duration("2h 30m").unwrap(), Duration::from_secs(9_000));
/// assert!(duration("soon").is_err());
/// ```
pub fn duration(text: &str) -> Result<Duration, Unmeasurable> {
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(Unmeasurable::NoTime(text.to_owned()));
    }
    let read = humantime::parse_duration(trimmed);
    match read.map_err(|_| Unmeasurable::NoDuration(text.to_owned()))? {
        Duration::ZERO => Err(Unmeasurable::NoTime(text.to_owned())),
        duration => Ok(duration),
    }
}

/// A number of bytes for people to read, such as `1.5 GiB`.
///
/// ```
/// assert_eq!(rememo::measure::bytes_to_read(1_610_612_736), "1.5 GiB");
/// ```
pub fn bytes_to_read(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// A time for people to read: its two largest units, or three digits of less than a minute.
///
/// ```
/// use std::time::Duration;
///
/// use rememo::measure::time_to_read;
///
/// assert_eq!(time_to_read(Duration::from_millis(192_400)), "3 min 12 s");
/// assert_eq!(time_to_read(Duration::from_micros(400_000)), "400 ms");
/// assert_eq!(time_to_read(Duration::from_millis(4_250)), "4.25 s");
/// ```
pub fn time_to_read(time: Duration) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    if time < Duration::from_millis(59_950) {
        return short_time(time.as_secs_f64());
    }
    let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
    let first = UNITS
        .iter()
        .position(|(_, of)| seconds >= *of)
        .unwrap_or_default();
    let (unit, of) = UNITS[first];
    let whole = format!("{} {unit}", seconds / of);
    match UNITS.get(first + 1) {
        Some((unit, smaller)) if seconds % of >= *smaller => {
            format!("{whole} {} {unit}", seconds % of / smaller)
        }
        _ => whole,
    }
}

/// A time of less than a minute, with three digits.
fn short_time(seconds: f64) -> String {
    const UNITS: [(&str, f64); 4] = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)];
    let (unit, of) = UNITS
        .into_iter()
        .find(|(_, of)| seconds >= of * 0.9995)
        .unwrap_or(("s", 1.0));
    let number = seconds / of;
    let decimals = match number {
        _ if number < 9.995 => 2,
        _ if number < 99.95 => 1,
        _ => 0,
    };
    let digits = format!("{number:.decimals$}");
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        &digits
    };
    format!("{digits} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("1", 1),
            (" 4096 ", 4096),
            ("1KiB", 1024),
            ("1.5 kB", 1500),
            ("2 tib", 2 << 40),
            ("10G", 10_000_000_000),
        ] {
            assert_eq!(size(text), Ok(Size::Bytes(bytes)), "{text}");
        }
        assert_eq!(size("100 %"), Ok(Size::ShareOfDisk(1.0)));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "GiB",
            "ten",
            "10 parsecs",
            "%",
            "x%",
            "NaN%",
            "10 GiB x",
        ] {
            assert_eq!(size(text), Err(Unmeasurable::NoSize(text.to_owned())));
        }
        for text in ["0", "0%", "-1", "-5 GiB", "-5%", "0 GiB"] {
            assert_eq!(size(text), Err(Unmeasurable::NoRoom(text.to_owned())));
        }
        for text in ["101%", "inf%"] {
            assert_eq!(size(text), Err(Unmeasurable::MoreThanAll(text.to_owned())));
        }
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("1d", 86_400),
            ("1 week", 604_800),
            ("90s", 90),
            ("1h30m", 5400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "1", "d", "tomorrow", "1d soon"] {
            assert_eq!(
                duration(text),
                Err(Unmeasurable::NoDuration(text.to_owned()))
            );
        }
        for text in ["0s", "0d", "-1d"] {
            assert_eq!(duration(text), Err(Unmeasurable::NoTime(text.to_owned())));
        }
    }

    #[test]
    fn times_are_written() {
        for (nanoseconds, text) in [
            (0, "0 s"),
            (1, "1 ns"),
            (999, "999 ns"),
            (12_340, "12.3 µs"),
            (999_600, "1 ms"),
            (1_000_000_000, "1 s"),
            (59_940_000_000, "59.9 s"),
            (59_960_000_000, "1 min"),
            (3_600_000_000_000, "1 h"),
            (7_325_000_000_000, "2 h 2 min"),
            (90_000_000_000_000, "1 d 1 h"),
        ] {
            assert_eq!(time_to_read(Duration::from_nanos(nanoseconds)), text);
        }
    }
}
