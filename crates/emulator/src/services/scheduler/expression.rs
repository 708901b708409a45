//! When a schedule is due (EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler").

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::invalid;
use crate::services::{Refusal, ensure, time_zones};

/// Checks `at(yyyy-mm-ddThh:mm:ss)`, `rate(value unit)` or `cron(fields)`.
pub(super) fn check(expression: &str) -> Result<(), Refusal> {
    let inside = |kind: &str| expression.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
    let legal = if let Some(time) = inside("at") {
        is_time(time)
    } else if let Some(rate) = inside("rate") {
        is_rate(rate)
    } else {
        inside("cron").is_some_and(is_cron)
    };
    ensure(legal, || invalid(format!("Invalid Schedule Expression {expression}.")))
}

/// Whether a schedule is due once only; start and end mean nothing to it.
pub(super) fn is_once(expression: &str) -> bool {
    expression.starts_with("at(")
}

/// When a schedule is due that is due once only, in seconds since 1970, if its zone is UTC.
pub(super) fn only_time(expression: &str, zone: &str) -> Option<f64> {
    let time = expression.strip_prefix("at(")?.strip_suffix(')')?;
    time_of(time).filter(|_| zone == "UTC").map(|time| time.as_secs_f64())
}

fn is_time(text: &str) -> bool {
    time_of(text).is_some()
}

fn time_of(text: &str) -> Option<DateTime> {
    let is_whole = text.len() == "2026-01-01T00:00:00".len();
    DateTime::from_str(&format!("{text}Z"), Format::DateTime).ok().filter(|_| is_whole)
}

fn is_rate(text: &str) -> bool {
    let Some((value, unit)) = text.split_once(' ') else {
        return false;
    };
    let units = ["minute", "minutes", "hour", "hours", "day", "days"];
    number(value).is_some_and(|value| value > 0) && units.contains(&unit)
}

/// Digits alone: a sign is none of them.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Minutes, hours, day of the month, month, day of the week, year. One of the days is `?`, and not both.
fn is_cron(text: &str) -> bool {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields.as_slice() else {
        return false;
    };
    let number = |range| Field { range, names: &[] };
    let month_field = Field { range: (1, 12), names: &MONTHS };
    let weekday_field = Field { range: (1, 7), names: &DAYS };
    let is_day = |text: &str| {
        let workday = text.strip_suffix('W').is_some_and(|day| number((1, 31)).value(day).is_some());
        text == "L" || text == "LW" || workday || number((1, 31)).allows(text)
    };
    let is_weekday = |text: &str| {
        let last =
            text.strip_suffix('L').is_some_and(|day| day.is_empty() || weekday_field.value(day).is_some());
        let nth = text.split_once('#').is_some_and(|(day, nth)| {
            weekday_field.value(day).is_some() && number((1, 5)).value(nth).is_some()
        });
        last || nth || weekday_field.allows(text)
    };
    number((0, 59)).allows(minutes)
        && number((0, 23)).allows(hours)
        && month_field.allows(month)
        && number((1970, 2199)).allows(year)
        && match (*day, *weekday) {
            ("?", "?") => false,
            ("?", weekday) => is_weekday(weekday),
            (day, "?") => is_day(day),
            _ => false,
        }
}

/// What a field of a cron expression may hold.
struct Field {
    range: (u32, u32),
    /// Names of the values, from the lowest.
    names: &'static [&'static str],
}

impl Field {
    /// `*`, values, ranges and steps, with commas between them.
    fn allows(&self, text: &str) -> bool {
        text.split(',').all(|part| match part.split_once('/') {
            Some((from, step)) => self.span(from) && number(step).is_some_and(|step| step > 0),
            None => self.span(part),
        })
    }

    fn span(&self, text: &str) -> bool {
        match text.split_once('-') {
            Some((from, to)) => self.value(from).is_some() && self.value(to).is_some(),
            None => text == "*" || self.value(text).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let (low, high) = self.range;
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match named {
            Some(at) => Some(low + u32::try_from(at).ok()?),
            None => number(text).filter(|value| (low..=high).contains(value)),
        }
    }
}

/// Checks a time zone, see [`time_zones`].
pub(super) fn check_zone(zone: &str) -> Result<(), Refusal> {
    ensure(time_zones::exists(zone), || invalid(format!("Invalid Schedule Expression Timezone {zone}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_by_the_grammar_of_the_user_guide() {
        let legal = [
            "at(2026-11-20T13:00:00)",
            "rate(5 minutes)",
            "rate(1 hour)",
            "cron(0 2 * * ? *)",
            "cron(15,45 8-17/2 ? JAN-MAR MON-FRI 2026-2030)",
            "cron(0/15 * L * ? *)",
            "cron(0 0 15W * ? *)",
            "cron(0 10 ? * 6#3 *)",
            "cron(0 10 ? * 6L 2026)",
        ];
        for expression in legal {
            assert!(check(expression).is_ok(), "{expression}");
        }
        let illegal = [
            "",
            "every day",
            "at(2026-11-20)",
            "at(2026-13-20T13:00:00)",
            "rate(0 minutes)",
            "rate(5 weeks)",
            "rate(minutes)",
            "cron(0 2 * * *)",
            "cron(0 2 * * * *)",
            "cron(0 2 ? * ? *)",
            "cron(60 2 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 2 32 * ? *)",
            "cron(0 2 ? FOO MON *)",
            "cron(0 2 ? * MON 1969)",
            "cron(0 2 ? * 6#6 *)",
            "cron(0/0 2 * * ? *)",
            "cron(+5 2 * * ? *)",
            "rate(+5 minutes)",
        ];
        for expression in illegal {
            assert!(check(expression).is_err(), "{expression}");
        }
    }
}
