//! The time ranges of bars: right-open buckets in UTC, in milliseconds.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::resolution::Resolution;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05 was the first Monday of the epoch.
const FIRST_MONDAY: i64 = 4 * DAY;

/// Returns the start of the bucket that contains `time`, which is the time of its bar.
///
/// Days start at 00:00, weeks on Monday, months on the first. Times outside the calendar's range
/// are moved to the nearest one in it.
pub fn start(resolution: Resolution, time: i64) -> i64 {
    match width(resolution) {
        Some((width, origin)) => {
            let since = time.saturating_sub(origin);
            since.div_euclid(width).saturating_mul(width).saturating_add(origin)
        }
        None => millisecond(month(time)),
    }
}

/// Returns the end of the bucket that contains `time`, which is the start of the next bucket.
pub fn end(resolution: Resolution, time: i64) -> i64 {
    match width(resolution) {
        Some((width, _)) => start(resolution, time).saturating_add(width),
        None => millisecond(month(time).saturating_add(1.month())),
    }
}

/// Returns the width of a bucket and the start of the first one; `None` for months, whose widths differ.
fn width(resolution: Resolution) -> Option<(i64, i64)> {
    match resolution {
        Resolution::M1 => Some((MINUTE, 0)),
        Resolution::M5 => Some((5 * MINUTE, 0)),
        Resolution::M15 => Some((15 * MINUTE, 0)),
        Resolution::M30 => Some((30 * MINUTE, 0)),
        Resolution::M60 => Some((60 * MINUTE, 0)),
        Resolution::Day => Some((DAY, 0)),
        Resolution::Week => Some((WEEK, FIRST_MONDAY)),
        Resolution::Month => None,
    }
}

fn month(time: i64) -> Date {
    let nearest = time.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    let moment = Timestamp::from_millisecond(nearest).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(moment).date().first_of_month()
}

fn millisecond(date: Date) -> i64 {
    // The calendar extends a day beyond the timeline at both ends.
    date.to_zoned(TimeZone::UTC).map_or(
        if date < Date::constant(1970, 1, 1) {
            Timestamp::MIN.as_millisecond()
        } else {
            Timestamp::MAX.as_millisecond()
        },
        |moment| moment.timestamp().as_millisecond(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trade::MAX_TIME;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn starts_and_ends() {
        let check = |resolution, time, from, until| {
            assert_eq!(start(resolution, at(time)), at(from), "{resolution} of {time}");
            assert_eq!(end(resolution, at(time)), at(until), "{resolution} of {time}");
        };
        let time = "2024-08-08T23:54:15.342Z";
        check(Resolution::M1, time, "2024-08-08T23:54:00Z", "2024-08-08T23:55:00Z");
        check(Resolution::M5, time, "2024-08-08T23:50:00Z", "2024-08-08T23:55:00Z");
        check(Resolution::M15, time, "2024-08-08T23:45:00Z", "2024-08-09T00:00:00Z");
        check(Resolution::M30, time, "2024-08-08T23:30:00Z", "2024-08-09T00:00:00Z");
        check(Resolution::M60, time, "2024-08-08T23:00:00Z", "2024-08-09T00:00:00Z");
        check(Resolution::Day, time, "2024-08-08T00:00:00Z", "2024-08-09T00:00:00Z");
        check(Resolution::Week, time, "2024-08-05T00:00:00Z", "2024-08-12T00:00:00Z");
        check(Resolution::Month, time, "2024-08-01T00:00:00Z", "2024-09-01T00:00:00Z");
    }

    #[test]
    fn a_boundary_starts_the_next_bucket() {
        let check = |resolution, time| assert_eq!(start(resolution, at(time)), at(time), "{resolution}");
        check(Resolution::M1, "2024-02-29T23:59:00Z");
        check(Resolution::Day, "2024-02-29T00:00:00Z");
        check(Resolution::Week, "2024-12-30T00:00:00Z");
        check(Resolution::Month, "2024-03-01T00:00:00Z");
        let before = at("2024-03-01T00:00:00Z") - 1;
        assert_eq!(start(Resolution::Month, before), at("2024-02-01T00:00:00Z"));
        assert_eq!(end(Resolution::Month, before), at("2024-03-01T00:00:00Z"));
        assert_eq!(end(Resolution::Month, at("2024-12-31T12:00:00Z")), at("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn times_before_the_epoch_have_buckets_too() {
        assert_eq!(start(Resolution::M1, -1), -MINUTE);
        assert_eq!(start(Resolution::Week, 0), at("1969-12-29T00:00:00Z"));
        assert_eq!(start(Resolution::Month, -1), at("1969-12-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn buckets_tile_time(time in 0..=MAX_TIME, which in 0..Resolution::ALL.len()) {
            let resolution = Resolution::ALL[which];
            let (from, until) = (start(resolution, time), end(resolution, time));
            prop_assert!(from <= time && time < until);
            prop_assert_eq!(start(resolution, from), from);
            prop_assert_eq!(start(resolution, until - 1), from);
            if until <= MAX_TIME {
                prop_assert_eq!(start(resolution, until), until);
            }
            // Checking at the ends of minutes finds the end of every bar.
            prop_assert_eq!(until.rem_euclid(MINUTE), 0);
        }

        #[test]
        fn no_time_panics(time in any::<i64>()) {
            for resolution in Resolution::ALL {
                prop_assert!(start(resolution, time) <= end(resolution, time));
            }
        }
    }
}
