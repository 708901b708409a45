//! When the tier does its daily work: expressions that are due at least once a day, and nothing else.
//!
//! EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler". A verification that is not daily would
//! find no fresh snapshot, and its alarm would ring on every other day.

/// Why an expression is not one.
type Reason = String;

/// EventBridge Scheduler API Reference, CreateSchedule, `ScheduleExpression`.
const LONGEST: usize = 256;

/// Checks `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`.
pub(crate) fn check(expression: &str) -> Result<(), Reason> {
    match inside(expression, "rate") {
        Some(rate) => check_rate(rate),
        None => check_cron(expression),
    }
}

/// The same where there are no rates.
pub(crate) fn check_cron(expression: &str) -> Result<(), Reason> {
    if expression.len() > LONGEST {
        return Err(format!(
            "it has {} characters, more than the {LONGEST} that AWS takes",
            expression.len()
        ));
    }
    let fields: Vec<&str> = inside(expression, "cron").unwrap_or_default().split(' ').collect();
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
        let value = number(value).filter(|value| *value > 0)?;
        // AWS's examples have the singular for one, and EventBridge's rules take nothing else.
        let unit = match (unit, value) {
            ("minute", 1) | ("minutes", 2..) => 1,
            ("hour", 1) | ("hours", 2..) => 60,
            ("day", 1) | ("days", 2..) => MINUTES_A_DAY,
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

/// `*`, values, ranges and steps, with commas between them. A range does not go past the last value, and a step not beyond it.
fn is_list(field: &str, most: u32) -> bool {
    let value = |text: &str| number(text).filter(|value| *value <= most);
    let is_span = |span: &str| match span.split_once('-') {
        Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to),
        None => span == "*" || value(span).is_some(),
    };
    field.split(',').all(|part| match part.split_once('/') {
        Some((span, step)) => is_span(span) && value(step).is_some_and(|step| step > 0),
        None => is_span(part),
    })
}

/// Digits alone: a sign is none of them.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
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
            "rate(1 hour)",
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
            "rate(+5 minutes)",
            "rate(1 days)",
            "rate(5 minute)",
            "cron(+5 6 * * ? *)",
            "cron(0 20-4 * * ? *)",
            "cron(0/60 6 * * ? *)",
            "cron(0  6 * * ? *)",
            "cron( 0 6 * * ? *)",
            "cron(0\t6 * * ? *)",
        ] {
            assert!(check(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn what_is_longer_than_aws_takes_is_refused() {
        let minutes = (0..60).map(|minute| minute.to_string()).collect::<Vec<_>>().join(",");
        let every = |hours: &str| check(&format!("cron({minutes} {hours} * * ? *)"));
        assert_eq!(every("6"), Ok(()));
        let hours = (0..24).map(|hour| hour.to_string()).collect::<Vec<_>>().join(",");
        assert!(every(&format!("{hours},{hours}")).unwrap_err().contains("more than the 256 that AWS takes"));
    }
}
