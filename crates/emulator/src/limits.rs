//! How many calls AWS takes: one table for each service.
//!
//! The numbers are token buckets: a bucket holds `size` tokens, gains `per_second` of them and gives one to each
//! call. Buckets are per account and region, and in EC2 per API action (EC2 Developer Guide, "Request throttling
//! for the Amazon EC2 API"). Where AWS publishes nothing (IAM), the number is one that clients are known to live
//! with.
//!
//! To add a service, add its [`ServiceLimits`].

use std::borrow::Cow;

use crate::request::{Call, Protocol};
use crate::response::Refusal;

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// How many tokens it holds when it is full, as it is at first.
    pub(crate) size: f64,
    /// How many tokens it gains in a second.
    pub(crate) per_second: f64,
}

/// The limits of one service.
struct ServiceLimits {
    /// The signing name.
    service: &'static str,
    /// The bucket that every call draws from, where there is one, besides its own.
    total: Option<Rate>,
    /// The first that applies to a call gives the call its own bucket.
    limits: &'static [Limit],
}

/// A bucket of its own for each operation that it applies to.
struct Limit {
    of: Of,
    rate: Rate,
}

/// Which calls a limit applies to.
enum Of {
    /// These operations.
    Operations(&'static [&'static str]),
    /// Reads of EC2 that give neither a filter nor a page size.
    UnfilteredReads,
    /// Operations that change nothing.
    Reads,
    /// All operations.
    Any,
}

const fn rate(size: f64, per_second: f64) -> Rate {
    Rate { size, per_second }
}

const SERVICES: &[ServiceLimits] = &[
    // EC2 Developer Guide, "Request throttling for the Amazon EC2 API", "Request token bucket sizes and refill
    // rates".
    ServiceLimits {
        service: "ec2",
        total: None,
        limits: &[
            Limit { of: Of::Operations(&["CreateNatGateway", "DeleteNatGateway"]), rate: rate(10.0, 1.0) },
            Limit {
                of: Of::Operations(&["CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"]),
                rate: rate(4.0, 0.3),
            },
            Limit { of: Of::Operations(&["CreateTags", "DeleteTags"]), rate: rate(100.0, 10.0) },
            Limit { of: Of::UnfilteredReads, rate: rate(50.0, 10.0) },
            Limit { of: Of::Reads, rate: rate(100.0, 20.0) },
            Limit { of: Of::Any, rate: rate(50.0, 5.0) },
        ],
    },
    // Unpublished. For the service as a whole, which is the stricter reading.
    ServiceLimits { service: "iam", total: Some(rate(40.0, 10.0)), limits: &[] },
    // CloudWatch Logs User Guide, "CloudWatch Logs quotas": 10 a second for the operations on log groups.
    ServiceLimits { service: "logs", total: None, limits: &[Limit { of: Of::Any, rate: rate(10.0, 10.0) }] },
    // IAM User Guide, "IAM and AWS STS quotas", "AWS STS request quotas".
    ServiceLimits { service: "sts", total: Some(rate(600.0, 600.0)), limits: &[] },
];

/// The buckets that a call draws from: what each is called within its service and region, and its rate.
pub(crate) fn buckets(call: &Call) -> Vec<(Cow<'_, str>, Rate)> {
    let Some(service) = SERVICES.iter().find(|limits| limits.service == call.service) else {
        return Vec::new();
    };
    let own = service.limits.iter().find(|limit| limit.of.includes(call)).map(|limit| {
        let name = match limit.of {
            Of::UnfilteredReads => Cow::Owned(format!("{} unfiltered", call.operation)),
            _ => Cow::Borrowed(call.operation.as_str()),
        };
        (name, limit.rate)
    });
    own.into_iter().chain(service.total.map(|rate| (Cow::Borrowed("total"), rate))).collect()
}

impl Of {
    fn includes(&self, call: &Call) -> bool {
        match self {
            Of::Operations(names) => names.contains(&call.operation.as_str()),
            Of::UnfilteredReads => {
                let narrows = |name| call.parameters.get(name).is_some();
                !call.is_mutating() && !["Filter", "MaxResults", "NextToken"].into_iter().any(narrows)
            }
            Of::Reads => !call.is_mutating(),
            Of::Any => true,
        }
    }
}

/// The refusal of a call that came too soon, with the service's own code.
pub(crate) fn exceeded(call: &Call) -> Refusal {
    let (code, status, message) = match call.protocol {
        // EC2 API Reference, "Error codes": `RequestLimitExceeded`, a server error.
        Protocol::Ec2Query => ("RequestLimitExceeded", 503, "Request limit exceeded."),
        // The API references' "Common Errors".
        Protocol::AwsQuery => ("Throttling", 400, "Rate exceeded"),
        Protocol::AwsJson => ("ThrottlingException", 400, "Rate exceeded"),
        // API Gateway Developer Guide, "API Gateway error codes".
        Protocol::Rest => ("TooManyRequestsException", 429, "Too Many Requests"),
    };
    Refusal::new(code, message).with_status(status)
}
