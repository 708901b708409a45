//! When the tier does its daily work: expressions that are due at least once a day, and nothing else.
//!
//! EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler". A verification that is not daily would
//! find no fresh snapshot, and its alarm would ring on every other day.

/// Why an expression is not one.
type Reason = String;

/// Checks `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`.
pub(crate) fn check(expression: &str) -> Result<(), Reason> {
    match inside(expression, "rate") {
        Some(rate) => check_rate(rate),
        None => check_cron(expression),
    }
}

/// The same where there are no rates.
pub(crate) fn check_cron(expression: &str) -> Result<(), Reason> {
    let fields: Vec<&str> = inside(expression, "cron").unwrap_or_default().split_whitespace().collect();
    let &[minutes, hours, day, month, weekday, year] = fields.as_slice() else {
        return Err(format!("`{expression}` is not a schedule"));
    };
    if !is_list(minutes, 59) {
        return Err(format!("`{minutes}` are not minutes of an hour"));
    }
    if !is_list(hours, 23) {
        return Err(format!("`{hours}` are not hours of a day"));
    }
    // Exactly one of the two days is `?`.
    match (day, month, weekday, year) {
        ("*", "*", "?", "*") | ("?", "*", "*", "*") => Ok(()),
        _ => Err(format!("`{expression}` is not due every day")),
    }
}

fn inside<'a>(expression: &'a str, kind: &str) -> Option<&'a str> {
    expression.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')
}

fn check_rate(rate: &str) -> Result<(), Reason> {
    const MINUTES_A_DAY: u32 = 1440;
    let minutes = rate.split_once(' ').and_then(|(value, unit)| {
        let value: u32 = value.parse().ok().filter(|value| *value > 0)?;
        let unit = match unit {
            "minute" | "minutes" => 1,
            "hour" | "hours" => 60,
            "day" | "days" => MINUTES_A_DAY,
            _ => return None,
        };
        Some(value.saturating_mul(unit))
    });
    match minutes {
        None => Err(format!("`rate({rate})` is not a rate")),
        Some(minutes) if minutes > MINUTES_A_DAY => Err(format!("`rate({rate})` is not due every day")),
        Some(_) => Ok(()),
    }
}

/// `*`, values, ranges and steps, with commas between them.
fn is_list(field: &str, most: u32) -> bool {
    let is_value = |text: &str| text.parse().is_ok_and(|value: u32| value <= most);
    field.split(',').all(|part| {
        let (span, step) = part.split_once('/').map_or((part, None), |(span, step)| (span, Some(step)));
        let (from, to) = span.split_once('-').unwrap_or((span, span));
        step.is_none_or(|step| step.parse().is_ok_and(|step: u32| step > 0))
            && (span == "*" || (is_value(from) && is_value(to)))
    })
}

/// Whether it has the form of a time zone of the IANA database: `UTC`, or an area and a place, such as `Asia/Singapore`.
/// Whether there is such a place, AWS knows.
pub(crate) fn is_time_zone(zone: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c))
    };
    ["UTC", "GMT"].contains(&zone) || (zone.contains('/') && zone.len() <= 50 && zone.split('/').all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_every_day_is_accepted() {
        for expression in [
            "cron(0 6 * * ? *)",
            "cron(30 6 ? * * *)",
            "cron(0 6,18 * * ? *)",
            "cron(0/30 0-6/2 * * ? *)",
            "rate(1 day)",
            "rate(24 hours)",
            "rate(90 minutes)",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
        assert!(check_cron("rate(1 day)").is_err());
    }

    #[test]
    fn what_is_not_is_refused() {
        for expression in [
            "",
            "daily",
            "0 6 * * ? *",
            "at(2026-11-20T06:00:00)",
            "cron(0 6 * * *)",
            "cron(0 6 * * * *)",
            "cron(0 6 ? * ? *)",
            "cron(60 6 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 6/0 * * ? *)",
            "cron(x 6 * * ? *)",
            "cron(0 6 ? * MON *)",
            "cron(0 6 1 * ? *)",
            "cron(0 6 * JAN ? *)",
            "cron(0 6 * * ? 2026)",
            "rate(2 days)",
            "rate(25 hours)",
            "rate(0 hours)",
            "rate(1 week)",
            "rate(hour)",
        ] {
            assert!(check(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn time_zones_have_the_form_of_the_iana_database() {
        for zone in ["UTC", "GMT", "Asia/Singapore", "America/Argentina/Buenos_Aires", "Etc/GMT+8"] {
            assert!(is_time_zone(zone), "{zone}");
        }
        for zone in ["", "Singapore", "Asia/", "/Singapore", "+08:00", "Asia/Kuala Lumpur", "8/8"] {
            assert!(!is_time_zone(zone), "{zone}");
        }
    }
}
