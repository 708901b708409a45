//! Schedules of plans: `cron(minutes hours day-of-month month day-of-week year)`.
//!
//! Amazon EventBridge User Guide, "Cron expressions": exactly one of the two days is `?`.

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Whether a text is such a schedule.
pub(super) fn is_valid(expression: &str) -> bool {
    let Some(inside) = expression.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    let fields: Vec<&str> = inside.split_whitespace().collect();
    let &[minutes, hours, day, month, weekday, year] = fields.as_slice() else {
        return false;
    };
    (day == "?") != (weekday == "?")
        && is_list(minutes, |value| in_range(value, 0, 59))
        && is_list(hours, |value| in_range(value, 0, 23))
        && (day == "?" || is_list(day, is_day))
        && is_list(month, |value| in_range(value, 1, 12) || is_name(value, &MONTHS))
        && (weekday == "?" || is_list(weekday, is_weekday))
        && is_list(year, |value| in_range(value, 1970, 2199))
}

/// `a,b-c,d/e`, where `*` stands for all.
fn is_list(field: &str, is_value: impl Fn(&str) -> bool) -> bool {
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step_is_good = step.is_none_or(|step| number(step).is_some_and(|step| step > 0));
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        step_is_good && (range == "*" || (is_value(from) && is_value(to)))
    })
}

fn in_range(value: &str, low: u32, high: u32) -> bool {
    number(value).is_some_and(|number| (low..=high).contains(&number))
}

/// Digits alone: a sign is none of them.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_name(value: &str, names: &[&str]) -> bool {
    names.iter().any(|name| value.eq_ignore_ascii_case(name))
}

/// A day of the month, the last one (`L`), or the weekday nearest to one (`3W`).
fn is_day(value: &str) -> bool {
    value == "L" || value == "LW" || in_range(value.strip_suffix('W').unwrap_or(value), 1, 31)
}

/// A day of the week, the last one of the month (`5L`), or the second one (`3#2`).
fn is_weekday(value: &str) -> bool {
    let (day, week) = value.split_once('#').unwrap_or((value, "1"));
    let day = day.strip_suffix('L').filter(|day| !day.is_empty()).unwrap_or(day);
    (day == "L" || in_range(day, 1, 7) || is_name(day, &WEEKDAYS)) && in_range(week, 1, 5)
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn schedules_have_six_fields_and_one_kind_of_day() {
        let good = [
            "cron(0 5 ? * * *)",
            "cron(15 10 * * ? *)",
            "cron(0/30 8-17 ? * MON-FRI 2026-2030)",
            "cron(0 3 1,15 * ? *)",
            "cron(0 0 L * ? *)",
            "cron(0 0 ? JAN,jul 3#2 *)",
            "cron(0 0 31 12 ? *)",
            "cron(0 0 ? * 6L *)",
        ];
        for expression in good {
            assert!(is_valid(expression), "{expression}");
        }
        let wrong = [
            "",
            "0 5 ? * * *",
            "cron(0 5 ? * *)",
            "cron(0 5 * * * *)",
            "cron(0 5 ? * ? *)",
            "cron(60 5 ? * * *)",
            "cron(0 24 ? * * *)",
            "cron(0 5 32 * ? *)",
            "cron(0 5 ? 13 * *)",
            "cron(0 5 ? * 8 *)",
            "cron(0/0 5 ? * * *)",
            "rate(1 day)",
            "cron(a 5 ? * * *)",
            "cron(0 5 ? * * 1969)",
        ];
        for expression in wrong {
            assert!(!is_valid(expression), "{expression}");
        }
    }
}
