//! Parses the values of settings; errors name the variable, the value and what is allowed.

use std::{collections::HashSet, ffi::OsStr, fs::File, path::PathBuf, time::Duration};

use clap::{Arg, Command, Error, builder::TypedValueParser, error::ErrorKind};
use http::{HeaderValue, Uri};
use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{resolution::Resolution, trade::MAX_TIME};

/// A parser of one type of value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<T> {
    pub(crate) allowed: &'static str,
    pub(crate) read: fn(&str) -> Option<T>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Value<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        value.to_str().and_then(self.read).ok_or_else(|| {
            let flag = arg.and_then(Arg::get_long).unwrap_or_default();
            let name = match arg.and_then(Arg::get_env) {
                Some(variable) => format!("{} (or --{flag})", variable.to_string_lossy()),
                None => format!("--{flag}"),
            };
            let message = format!("{name} is '{}'; allowed: {}\n", value.to_string_lossy(), self.allowed);
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

/// A duration that can be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrOff(pub Option<Duration>);

/// The origins whose pages may read from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Every origin.
    Any,
    /// These origins, which may be none.
    Only(Vec<HeaderValue>),
}

/// A non-empty list without duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

pub(crate) const SWITCH: Value<bool> = Value {
    allowed: "true or false (also 1, 0, yes, no, on, off)",
    read: |text| match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    },
};

pub(crate) const HOST: Value<String> = Value {
    allowed: "an IP address or a host name, such as 127.0.0.1, ::1 or localhost",
    read: |text| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let is_address = bare.parse::<std::net::IpAddr>().is_ok();
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let looks_like_address = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_name = !looks_like_address && text.trim_end_matches('.').split('.').all(is_label);
        (is_address || is_name).then(|| bare.to_owned())
    },
};

pub(crate) const PORT: Value<u16> =
    Value { allowed: "a number from 0 to 65535, where 0 is any free port", read: |text| text.parse().ok() };

pub(crate) const INTERVAL: Value<Duration> =
    Value { allowed: "a number of seconds from 0.001 to 86400, such as 2.0", read: |text| seconds(text, 86_400.0) };

pub(crate) const OR_OFF: Value<OrOff> = Value {
    allowed: "a number of seconds from 0.001 to 31536000 (a year), or 0 for off",
    read: |text| {
        let off = text.parse::<f64>() == Ok(0.0);
        if off { Some(OrOff(None)) } else { seconds(text, 31_536_000.0).map(|time| OrOff(Some(time))) }
    },
};

pub(crate) const MESSAGE_BYTES: Value<usize> =
    Value { allowed: "a number of bytes from 128 to 1073741824", read: |text| within(text, 128, 1 << 30) };

pub(crate) const UNSENT_BYTES: Value<usize> =
    Value { allowed: "a number of bytes from 1024 to 1073741824", read: |text| within(text, 1 << 10, 1 << 30) };

pub(crate) const COUNT: Value<usize> =
    Value { allowed: "a number from 1 to 1000000000", read: |text| within(text, 1, 1_000_000_000) };

pub(crate) const COUNT_OR_ANY: Value<usize> =
    Value { allowed: "a number from 1 to 1000000000, or 0 for no limit", read: |text| within(text, 0, 1_000_000_000) };

pub(crate) const SEED: Value<u64> =
    Value { allowed: "a whole number from 0 to 18446744073709551615", read: |text| text.parse().ok() };

pub(crate) const MOMENT: Value<i64> = Value {
    allowed: "a time from 1970 to 9999, such as 2024-08-09T00:00:00Z (without a zone it is UTC), or milliseconds since 1970",
    read: |text| {
        let moment = text.parse().ok().or_else(|| Some(moment(text)?.as_millisecond()))?;
        (0..=MAX_TIME).contains(&moment).then_some(moment)
    },
};

pub(crate) const HISTORY: Value<u32> = Value {
    allowed: "a whole number of seconds from 0 to 604800 (a week)",
    read: |text| text.parse().ok().filter(|seconds| *seconds <= 604_800),
};

pub(crate) const FILE: Value<PathBuf> = Value {
    allowed: "files that can be read, separated by commas",
    read: |text| {
        let readable = File::open(text).and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file());
        readable.then(|| text.into())
    },
};

pub(crate) const SYMBOLS: Value<List<String>> = Value {
    allowed: "at least one symbol, separated by commas, such as AAPL,GOOGL,MSFT",
    read: |text| list(text, |symbol| Some(symbol.to_owned())),
};

pub(crate) const RESOLUTIONS: Value<List<Resolution>> = Value {
    allowed: "at least one of 1, 5, 15, 30, 60, D, W, M, separated by commas",
    read: |text| list(text, |resolution| resolution.parse().ok()),
};

pub(crate) const ORIGINS: Value<Origins> = Value {
    allowed: "origins such as https://example.com:8080 separated by commas, or * for every origin, or nothing for none",
    read: |text| match text.trim() {
        "" => Some(Origins::Only(Vec::new())),
        "*" => Some(Origins::Any),
        text => list(text, origin).map(|List(origins)| Origins::Only(origins)),
    },
};

fn seconds(text: &str, most: f64) -> Option<Duration> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=most).contains(seconds))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn within(text: &str, least: usize, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

fn moment(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| Some(text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp()))
}

fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    // A browser sends an origin without a path or trailing slash; other texts would never match.
    let whole = format!("{scheme}://{authority}");
    (whole == text).then(|| HeaderValue::from_str(text).ok())?
}

fn list<T: Clone + Eq + std::hash::Hash>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<List<T>> {
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for entry in text.split(',').map(str::trim) {
        if entry.is_empty() {
            return None;
        }
        let entry = read(entry)?;
        if seen.insert(entry.clone()) {
            entries.push(entry);
        }
    }
    Some(List(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches() {
        for text in ["true", "True", "1", "yes", "on", " TRUE "] {
            assert_eq!((SWITCH.read)(text), Some(true), "{text}");
        }
        for text in ["false", "FALSE", "0", "no", "off"] {
            assert_eq!((SWITCH.read)(text), Some(false), "{text}");
        }
        for text in ["", "2", "maybe"] {
            assert_eq!((SWITCH.read)(text), None, "{text}");
        }
    }

    #[test]
    fn hosts() {
        for (text, host) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("localhost", "localhost"),
            ("a.b-c.", "a.b-c."),
        ] {
            assert_eq!((HOST.read)(text).as_deref(), Some(host));
        }
        for text in ["", "999.1.1.1", "1.2.3", "a b", "http://x", "x:80", "."] {
            assert_eq!((HOST.read)(text), None, "{text}");
        }
    }

    #[test]
    fn intervals() {
        assert_eq!((INTERVAL.read)("2.0"), Some(Duration::from_secs(2)));
        assert_eq!((INTERVAL.read)("0.5"), Some(Duration::from_millis(500)));
        for text in ["abc", "0", "-1", "nan", "inf", "1e-9", "1e9", "", "2s"] {
            assert_eq!((INTERVAL.read)(text), None, "{text}");
        }
    }

    #[test]
    fn times_that_can_be_off() {
        assert_eq!((OR_OFF.read)("0"), Some(OrOff(None)));
        assert_eq!((OR_OFF.read)("0.0"), Some(OrOff(None)));
        assert_eq!((OR_OFF.read)("30.0"), Some(OrOff(Some(Duration::from_secs(30)))));
        for text in ["-1", "nan", "inf", "off", ""] {
            assert_eq!((OR_OFF.read)(text), None, "{text}");
        }
    }

    #[test]
    fn moments() {
        let check = |text, time| assert_eq!((MOMENT.read)(text), time, "{text}");
        check("0", Some(0));
        check("1723161600000", Some(1_723_161_600_000));
        check("2024-08-09T00:00:00Z", Some(1_723_161_600_000));
        check("2024-08-09T02:00:00+02:00", Some(1_723_161_600_000));
        check("2024-08-09T00:00:00", Some(1_723_161_600_000));
        check("2024-08-09", Some(1_723_161_600_000));
        for text in ["", "-1", "yesterday", "2024-13-01", "1969-12-31", "99999999999999999"] {
            check(text, None);
        }
    }

    #[test]
    fn lists() {
        let symbols = |text| (SYMBOLS.read)(text).map(|List(symbols)| symbols.join("|"));
        assert_eq!(symbols(" AAPL, GOOGL,AAPL").as_deref(), Some("AAPL|GOOGL"));
        for text in ["", ",", "AAPL,,MSFT", "AAPL,"] {
            assert_eq!(symbols(text), None, "{text}");
        }
        let resolutions = |text| (RESOLUTIONS.read)(text).map(|List(resolutions)| resolutions);
        assert_eq!(resolutions("1,5,D"), Some(vec![Resolution::M1, Resolution::M5, Resolution::Day]));
        for text in ["", "7", "1,7", "d"] {
            assert_eq!(resolutions(text), None, "{text}");
        }
    }

    #[test]
    fn origins() {
        assert_eq!((ORIGINS.read)("*"), Some(Origins::Any));
        assert_eq!((ORIGINS.read)(""), Some(Origins::Only(Vec::new())));
        assert_eq!(
            (ORIGINS.read)("http://localhost:5173, https://example.com"),
            Some(Origins::Only(vec![
                HeaderValue::from_static("http://localhost:5173"),
                HeaderValue::from_static("https://example.com"),
            ]))
        );
        for text in ["localhost", "http://a/", "http://a/b", "http://a,*", "a b", "http://"] {
            assert_eq!((ORIGINS.read)(text), None, "{text}");
        }
    }
}
