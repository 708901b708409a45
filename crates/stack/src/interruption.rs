//! What an interrupted run has done and what it leaves.

use engine::{Operation, Report};

use crate::output::Lines;

/// After a run that was interrupted: what AWS keeps refusing, then one line of numbers.
#[must_use]
pub(crate) fn summary(report: &Report) -> Lines {
    let mut lines = Lines::new();
    for left in report.in_progress.iter().filter(|left| left.blocked) {
        let done = match left.operation {
            Operation::Create => "created",
            Operation::Update => "changed",
            Operation::Delete => "deleted",
        };
        lines.line(format!("{} is not {done}: {}", left.address, left.during));
    }
    let count = |operation| report.done.iter().filter(|done| done.operation == Some(operation)).count();
    let mut parts: Vec<String> =
        [(Operation::Create, "created"), (Operation::Update, "changed"), (Operation::Delete, "deleted")]
            .into_iter()
            .map(|(operation, done)| (count(operation), done))
            .filter(|(count, _)| *count > 0)
            .map(|(count, done)| format!("{count} {done}"))
            .collect();
    parts.push(format!("{} in progress", report.in_progress.len()));
    if !report.failed.is_empty() {
        parts.push(format!("{} failed", report.failed.len()));
    }
    parts.push(format!("{} not started", report.not_begun.len() + report.skipped.len()));
    lines.line(format!("Interrupted: {}", parts.join(", ")));
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::{Address, Done, InProgress, Resource as _};
    use vpc::resources::Vpc;

    use super::*;

    fn address(text: &str) -> Address {
        Address::new(text).unwrap()
    }

    fn done(at: &str, operation: Option<Operation>) -> Done {
        Done { address: address(at), operation, adopted: false, took: Duration::ZERO }
    }

    fn left(at: &str, blocked: bool) -> InProgress {
        InProgress {
            address: address(at),
            kind: Vpc::KIND.to_owned(),
            operation: Operation::Delete,
            during: "DeleteVpc: DependencyViolation: it has dependencies".to_owned(),
            blocked,
        }
    }

    #[test]
    fn it_counts_what_is_done_and_names_what_cannot_go_on() {
        let report = Report {
            done: vec![
                done("t/a", Some(Operation::Create)),
                done("t/b", Some(Operation::Delete)),
                done("t/c", Some(Operation::Delete)),
                done("t/d", None),
            ],
            in_progress: vec![left("t/e", true), left("t/f", false)],
            not_begun: vec![address("t/g")],
            interrupted: true,
            ..Report::default()
        };
        assert_eq!(
            summary(&report).to_string(),
            "t/e is not deleted: DeleteVpc: DependencyViolation: it has dependencies\n\
             Interrupted: 1 created, 2 deleted, 2 in progress, 1 not started\n"
        );
    }
}
