//! States in which waiting does not help (Aurora User Guide, "Viewing DB cluster status" and "Viewing DB instance status in an
//! Aurora cluster").

use engine::{CallError, ErrorClass};

/// What a state means that no waiting mends, of a cluster or of an instance; `None` for all others.
pub(super) fn lasting(status: &str) -> Option<String> {
    let meaning = match status {
        "cloning-failed" => "it could not be copied from another cluster",
        "deleting" => "somebody deletes it",
        "failed" => "RDS cannot recover it; restore it from a backup",
        "inaccessible-encryption-credentials" => {
            "its KMS key cannot be used and it is lost for good; restore it from a backup"
        }
        "inaccessible-encryption-credentials-recoverable" => {
            "its KMS key cannot be used; enable the key and let RDS use it within seven days, then start it with \
             `aws rds start-db-cluster`"
        }
        "incompatible-create" => "the version or the settings that it was created with do not fit together",
        "incompatible-credentials" => "the credentials of a directory that it uses are not valid",
        "incompatible-network" => {
            "its network does not fit: free addresses in its subnets, DNS in its VPC, or the subnet group is missing"
        }
        "incompatible-parameters" => {
            "it cannot start with the values in its parameter group; put them right, then restart it"
        }
        "incompatible-restore" => "what it was restored from does not fit",
        "insufficient-capacity" => "AWS has no free capacity for it in this zone",
        "migration-failed" => "its data could not be migrated",
        "modify-failed" => "a change could not be made; the events of RDS say why",
        "restore-error" => "it could not be restored",
        "upgrade-failed" => "it could not be upgraded; the events and logs of RDS say why",
        _ => return None,
    };
    Some(format!("its status is {status}: {meaning}"))
}

/// What to do about a cluster that somebody has stopped, with all its instances. It would start by itself, but only after days.
const STOPPED: &str = "its status is stopped: start it with `aws rds start-db-cluster`, then run again";

/// What starts a cluster.
pub(super) fn start_command(identifier: &str) -> String {
    format!("`aws rds start-db-cluster --db-cluster-identifier {identifier}`")
}

pub(super) fn is_stopped(status: &str) -> bool {
    status == "stopped"
}

/// The same for states in which RDS refuses a change until somebody does something.
pub(super) fn unchangeable(status: &str) -> Option<String> {
    if is_stopped(status) { Some(STOPPED.to_owned()) } else { lasting(status) }
}

/// The end of a wait for what is stopped. It is nothing that makes it worthless, as a lasting state of something new does.
pub(crate) fn stopped(operation: &str) -> CallError {
    CallError::new(ErrorClass::Invalid, operation, STOPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_lasts_says_what_it_means_and_one_that_passes_is_waited_for() {
        for status in ["incompatible-network", "incompatible-parameters", "upgrade-failed", "modify-failed"] {
            assert!(
                lasting(status).is_some_and(|text| text.starts_with(&format!("its status is {status}: ")))
            );
        }
        let recoverable = "inaccessible-encryption-credentials-recoverable";
        assert!(lasting(recoverable).is_some_and(|text| text.contains("start-db-cluster")));
        for status in
            ["available", "creating", "modifying", "upgrading", "backing-up", "rebooting", "maintenance"]
        {
            assert_eq!(unchangeable(status), None, "{status}");
        }
        assert!(lasting("stopped").is_none() && unchangeable("stopped").is_some());
    }
}
