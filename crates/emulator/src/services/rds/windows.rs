//! The daily window for backups and the weekly one for maintenance, both in UTC.

use super::kind::invalid;
use crate::protocol::response::{Refusal, ensure};

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// 1970 began on a Thursday.
const FIRST_DAY: i64 = 3 * DAY;
/// No window is shorter (RDS API Reference, CreateDBCluster, `PreferredBackupWindow`).
const SHORTEST: i64 = 30;
const MINUTE_MILLIS: i64 = 60_000;

/// A time that comes again every day or every week, in minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    start: i64,
    length: i64,
    period: i64,
}

impl Window {
    /// Reads `hh24:mi-hh24:mi`.
    pub(super) fn backup(text: &str) -> Result<Self, Refusal> {
        let window =
            text.split_once('-').and_then(|(from, to)| Window::between(clock(from)?, clock(to)?, DAY));
        window.ok_or_else(|| malformed("PreferredBackupWindow", text, "hh24:mi-hh24:mi"))
    }

    /// Reads `ddd:hh24:mi-ddd:hh24:mi`.
    pub(super) fn maintenance(text: &str) -> Result<Self, Refusal> {
        let window =
            text.split_once('-').and_then(|(from, to)| Window::between(weekly(from)?, weekly(to)?, WEEK));
        window.ok_or_else(|| malformed("PreferredMaintenanceWindow", text, "ddd:hh24:mi-ddd:hh24:mi"))
    }

    /// A daily window in the eight hours of which RDS takes one, by any number. The hours are those of no region in
    /// particular (Aurora User Guide, "Backup window").
    pub(super) fn any_backup(number: u64) -> Self {
        let half_hour = i64::try_from(number % 16).expect("it is below 16");
        Window { start: 14 * 60 + 30 * half_hour, length: SHORTEST, period: DAY }
    }

    /// A maintenance window right after this daily window, on any day.
    pub(super) fn maintenance_after(self, number: u64) -> Self {
        let day = i64::try_from(number % 7).expect("it is below 7");
        let start = (day * DAY + self.start + self.length).rem_euclid(WEEK);
        Window { start, length: SHORTEST, period: WEEK }
    }

    /// A backup window right after this weekly window.
    pub(super) fn backup_after(self) -> Self {
        Window { start: (self.start + self.length).rem_euclid(DAY), length: SHORTEST, period: DAY }
    }

    /// Refuses windows that have a minute in common (RDS API Reference, CreateDBCluster, `PreferredBackupWindow`,
    /// "Must not conflict with the preferred maintenance window").
    pub(super) fn check_apart(backup: Window, maintenance: Window) -> Result<(), Refusal> {
        // As seen from the beginning of a backup, the next maintenance comes after it and ends before the next one.
        let gap = (maintenance.start - backup.start).rem_euclid(DAY);
        ensure(gap >= backup.length && gap + maintenance.length <= DAY, || {
            invalid("The backup window and maintenance window must not overlap.")
        })
    }

    /// When the window next begins after a moment, in milliseconds since 1970.
    pub(super) fn next_after(self, millis: i64) -> i64 {
        let offset = if self.period == WEEK { FIRST_DAY } else { 0 };
        let minute = millis.div_euclid(MINUTE_MILLIS) + offset;
        let wait = (self.start - minute).rem_euclid(self.period);
        let wait = if wait == 0 { self.period } else { wait };
        (minute + wait - offset) * MINUTE_MILLIS
    }

    /// As RDS shows it.
    pub(super) fn text(self) -> String {
        let show = |minute: i64| {
            let minute = minute.rem_euclid(self.period);
            let clock = format!("{:02}:{:02}", minute % DAY / 60, minute % 60);
            let day = usize::try_from(minute / DAY).ok().and_then(|day| DAYS.get(day));
            match (self.period == WEEK, day) {
                (true, Some(day)) => format!("{day}:{clock}"),
                _ => clock,
            }
        };
        format!("{}-{}", show(self.start), show(self.start + self.length))
    }

    fn between(start: i64, end: i64, period: i64) -> Option<Self> {
        let length = (end - start).rem_euclid(period);
        (length >= SHORTEST).then_some(Window { start, length, period })
    }
}

/// The minute of the day from `hh24:mi`.
fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, below: i64| {
        let well_formed = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number: &i64| well_formed && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// The minute of the week from `ddd:hh24:mi`.
fn weekly(text: &str) -> Option<i64> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day))?;
    Some(i64::try_from(day).ok()? * DAY + clock(time)?)
}

fn malformed(parameter: &str, text: &str, format: &str) -> Refusal {
    invalid(format!(
        "The parameter {parameter} is not valid: {text}. It must be in the format {format} and at least 30 minutes."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_shown() {
        for text in ["03:00-04:00", "23:45-00:15"] {
            assert_eq!(Window::backup(text).map(Window::text).ok().as_deref(), Some(text));
        }
        for text in ["sun:04:00-sun:05:00", "sun:23:45-mon:00:15"] {
            assert_eq!(Window::maintenance(text).map(Window::text).ok().as_deref(), Some(text));
        }
        assert_eq!(Window::maintenance("Sun:04:00-Sun:05:00").unwrap().text(), "sun:04:00-sun:05:00");
        for text in ["3:00-4:00", "03:00", "24:00-01:00", "03:00-03:29", "03:00-03:00", "+3:00-04:00"] {
            assert!(Window::backup(text).is_err(), "{text}");
        }
        assert!(Window::maintenance("sunday:04:00-sunday:05:00").is_err());
    }

    #[test]
    fn windows_overlap_by_the_minute() {
        let apart = |backup, maintenance| {
            let windows = (Window::backup(backup).unwrap(), Window::maintenance(maintenance).unwrap());
            Window::check_apart(windows.0, windows.1).is_ok()
        };
        assert!(apart("03:00-04:00", "sun:04:00-sun:05:00"));
        assert!(apart("05:00-05:30", "sun:04:00-sun:05:00"));
        assert!(!apart("03:00-04:01", "sun:04:00-sun:05:00"));
        assert!(!apart("04:30-05:30", "sun:04:00-sun:05:00"));
        assert!(!apart("03:00-06:00", "sun:04:00-sun:05:00"));
        assert!(!apart("23:45-00:15", "mon:00:00-mon:00:30"));
        assert!(!apart("00:00-00:30", "sun:23:45-mon:00:15"));
        assert!(!apart("00:00-00:30", "mon:01:00-wed:01:00"));
    }

    #[test]
    fn windows_that_rds_chooses_are_apart() {
        for number in 0..112 {
            let backup = Window::any_backup(number);
            assert!(Window::check_apart(backup, backup.maintenance_after(number)).is_ok(), "{number}");
        }
        let maintenance = Window::maintenance("sun:23:45-mon:00:45").unwrap();
        assert!(Window::check_apart(maintenance.backup_after(), maintenance).is_ok());
    }

    #[test]
    fn windows_come_again() {
        // 2026-01-01 was a Thursday.
        let new_year = 1_767_225_600_000;
        let hours = |window: Window| (window.next_after(new_year) - new_year) / 3_600_000;
        assert_eq!(hours(Window::backup("03:00-04:00").unwrap()), 3);
        assert_eq!(hours(Window::backup("00:00-01:00").unwrap()), 24);
        assert_eq!(hours(Window::maintenance("sun:04:00-sun:05:00").unwrap()), 3 * 24 + 4);
        assert_eq!(hours(Window::maintenance("wed:04:00-wed:05:00").unwrap()), 6 * 24 + 4);
    }
}
