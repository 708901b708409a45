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
    let (found, denied) = match &queue.live {
        Reading::Found(live) if live["RedrivePolicy"]["deadLetterTargetArn"] == *wanted => {
            return Outcome::Passed;
        }
        Reading::Found(live) => (live["RedrivePolicy"].to_string(), false),
        Reading::Missing => ("nothing: the queue was deleted".to_owned(), false),
        Reading::Denied(answer) => (format!("access denied: {answer}"), true),
    };
    let expected = format!("RedrivePolicy with {wanted}");
    Outcome::Failed {
        findings: vec![Finding { place: address, expected, found, denied }],
        advice: "`up` repairs the queue; if access was denied, allow sqs:GetQueueAttributes and verify again",
    }
}
