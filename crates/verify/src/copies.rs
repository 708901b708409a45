//! Whether AWS Backup makes the copies that were declared: one that silently makes none is found when it is too late.

use backup::resources::Copies;

use crate::result::{Check, Finding, Verdict};

const ADVICE: &str =
    "look at the failed jobs in the console of AWS Backup, and at the service opt-in under Settings there";

/// The check of a vault's first copy, which there must be after [`backup::FIRST_COPY_WITHIN_MINUTES`]. `seen` is what AWS Backup
/// shows of the vault at `now_millis`: `None` where there is no such vault, or why it cannot be asked.
#[must_use]
pub fn first_copy(address: &str, seen: Result<Option<Copies>, Finding>, now_millis: i64) -> Check {
    verdict(address, seen, now_millis).of(
        "backup/first-copy",
        "AWS Backup has made a copy of the database",
        ADVICE,
    )
}

fn verdict(address: &str, seen: Result<Option<Copies>, Finding>, now_millis: i64) -> Verdict {
    let missing =
        |found: &str| Verdict::Judged(vec![Finding::new(address, "a recovery point in the vault", found)]);
    let Copies { any, since_millis } = match seen {
        Ok(Some(copies)) => copies,
        Ok(None) => return missing("no such vault: it has disappeared"),
        Err(finding) => return Verdict::Judged(vec![finding]),
    };
    let hours = (now_millis - since_millis).max(0) / 3_600_000;
    let within = i64::from(backup::FIRST_COPY_WITHIN_MINUTES);
    match (any, now_millis - since_millis < within * 60_000) {
        (true, _) => Verdict::Judged(Vec::new()),
        (false, true) => Verdict::skipped(format!(
            "the vault is {hours} hours old, and its first copy comes within {} hours",
            within / 60
        )),
        (false, false) => missing(&format!("none after {hours} hours")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Outcome;

    #[test]
    fn a_vault_without_a_copy_fails_once_there_could_be_one() {
        const HOUR: i64 = 3_600_000;
        let check = |any, hours: i64| {
            first_copy("backup/vault", Ok(Some(Copies { any, since_millis: HOUR })), HOUR + hours * HOUR)
        };
        assert_eq!(check(true, 0).outcome, Outcome::Passed);
        assert_eq!(check(true, 1000).outcome, Outcome::Passed);
        assert!(
            matches!(check(false, 32).outcome, Outcome::Skipped { reason } if reason.contains("32 hours old"))
        );
        for hours in [33, 1000] {
            let Outcome::Failed { findings, .. } = check(false, hours).outcome else { panic!("{hours}") };
            assert!(
                findings[0].to_string().starts_with("backup/vault: expected a recovery point"),
                "{findings:?}"
            );
            assert!(findings[0].found.contains(&format!("{hours} hours")), "{findings:?}");
        }
        let gone = first_copy("backup/vault", Ok(None), HOUR);
        assert!(matches!(gone.outcome, Outcome::Failed { .. }));
        let denied = Finding::new("backup/vault", "a vault", "refused").denied();
        let denied = first_copy("backup/vault", Err(denied), HOUR);
        assert_eq!(denied.refuted().unwrap(), "not known: AWS Backup has made a copy of the database");
    }
}
