//! What `verify` checks of the tier.

use engine::{Component as _, Reading};
use verify::{Check, Finding, Outcome, Subject};

use crate::Tier;

/// The tier's checks.
#[must_use]
pub fn checks(subject: &Subject) -> Vec<Check> {
    vec![Check {
        id: "worker/dead-letters",
        verifies: "messages that nobody can work on move to the dead letter queue",
        outcome: dead_letters(subject),
    }]
}

/// Judges the queue as AWS shows it now, against the output that names the dead letter queue.
fn dead_letters(subject: &Subject) -> Outcome {
    let address = format!("{}/queue", Tier::NAME);
    let wanted = subject.outputs.get("workerDeadLetterQueueArn");
    let queue = subject.resources.iter().find(|resource| resource.address == address);
    let (Some(wanted), Some(queue)) = (wanted, queue) else {
        return Outcome::Skipped { reason: "the worker's queue is not deployed".to_owned() };
    };
    let expected = format!("RedrivePolicy with {wanted}");
    let finding = match &queue.live {
        Reading::Found(live) if live["RedrivePolicy"]["deadLetterTargetArn"] == *wanted => {
            return Outcome::Passed;
        }
        Reading::Found(live) => Finding::new(address, expected, live["RedrivePolicy"].to_string()),
        Reading::Missing => Finding::new(address, expected, "nothing: the queue was deleted").missing(),
        Reading::Denied(answer) => {
            Finding::new(address, expected, format!("access denied: {answer}")).denied()
        }
    };
    Outcome::Failed {
        findings: vec![finding],
        advice: "`up` repairs the queue; if access was denied, allow sqs:GetQueueAttributes and verify again",
    }
}
