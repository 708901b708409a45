//! How many calls AWS takes.
//!
//! The numbers are token buckets: a bucket holds `size` tokens, gains `per_second` of them and gives one to each
//! call. Buckets are per account and region, and in EC2 per API action (EC2 Developer Guide, "Request throttling
//! for the Amazon EC2 API"). Where AWS publishes nothing (IAM), the number is one that clients are known to live
//! with.
//!
//! The numbers stand with each service.

use std::borrow::Cow;

use crate::protocol::request::{Call, Protocol};
use crate::protocol::response::Refusal;

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// How many tokens it holds when it is full, as it is at first.
    pub(crate) size: f64,
    /// How many tokens it gains in a second.
    pub(crate) per_second: f64,
}

/// The limits of one service.
#[derive(Clone, Copy)]
pub(crate) struct ServiceLimits {
    /// The bucket that every call draws from, where there is one, besides its own.
    total: Option<Rate>,
    /// The first that applies to a call gives the call its own bucket.
    limits: &'static [Limit],
    /// Code and status of the refusal, where they are not those of the protocol.
    throttled: Option<(&'static str, u16)>,
}

impl ServiceLimits {
    /// One bucket for all calls.
    pub(crate) const fn together(total: Rate) -> Self {
        ServiceLimits { total: Some(total), limits: &[], throttled: None }
    }

    /// A bucket for each operation, by the first limit that applies to it.
    pub(crate) const fn each(limits: &'static [Limit]) -> Self {
        ServiceLimits { total: None, limits, throttled: None }
    }

    /// Adds a bucket that all calls draw from as well.
    pub(crate) const fn in_all(self, total: Rate) -> Self {
        ServiceLimits { total: Some(total), ..self }
    }

    /// Sets the code and the HTTP status of the refusal.
    pub(crate) const fn throttled(self, code: &'static str, status: u16) -> Self {
        ServiceLimits { throttled: Some((code, status)), ..self }
    }
}

/// A bucket of its own for each operation that it applies to.
pub(crate) struct Limit {
    of: Of,
    rate: Rate,
}

impl Limit {
    /// For these operations.
    pub(crate) const fn of(operations: &'static [&'static str], rate: Rate) -> Self {
        Limit { of: Of::Operations(operations), rate }
    }

    /// For operations that change nothing and are given none of the parameters that narrow them.
    pub(crate) const fn unfiltered_reads(narrowing: &'static [&'static str], rate: Rate) -> Self {
        Limit { of: Of::UnfilteredReads(narrowing), rate }
    }

    /// For operations that change nothing.
    pub(crate) const fn reads(rate: Rate) -> Self {
        Limit { of: Of::Reads, rate }
    }

    /// For all operations.
    pub(crate) const fn any(rate: Rate) -> Self {
        Limit { of: Of::Any, rate }
    }
}

/// Which calls a limit applies to.
enum Of {
    /// These operations.
    Operations(&'static [&'static str]),
    /// Operations that change nothing and are given none of these parameters.
    UnfilteredReads(&'static [&'static str]),
    /// Operations that change nothing.
    Reads,
    /// All operations.
    Any,
}

/// So many calls at once, and so many more a second.
pub(crate) const fn rate(size: f64, per_second: f64) -> Rate {
    Rate { size, per_second }
}

/// The buckets that a call draws from: what each is called within its service and region, and its rate.
pub(crate) fn buckets(service: ServiceLimits, call: &Call) -> Vec<(Cow<'_, str>, Rate)> {
    let own = service.limits.iter().find(|limit| limit.of.includes(call)).map(|limit| {
        let name = match limit.of {
            Of::UnfilteredReads(_) => Cow::Owned(format!("{} unfiltered", call.operation)),
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
            Of::UnfilteredReads(narrowing) => {
                !call.is_mutating() && !narrowing.iter().any(|name| call.parameters.get(*name).is_some())
            }
            Of::Reads => !call.is_mutating(),
            Of::Any => true,
        }
    }
}

/// The refusal of a call that came too soon, with the service's own code.
pub(crate) fn exceeded(service: ServiceLimits, call: &Call) -> Refusal {
    let (code, status) = service.throttled.unwrap_or(match call.protocol {
        // EC2 API Reference, "Error codes": `RequestLimitExceeded`, a server error.
        Protocol::Ec2Query => ("RequestLimitExceeded", 503),
        // The API references' "Common Errors".
        Protocol::AwsQuery => ("Throttling", 400),
        Protocol::AwsJson | Protocol::Cbor => ("ThrottlingException", 400),
        // API Gateway Developer Guide, "API Gateway error codes".
        Protocol::RestJson | Protocol::RestXml => ("TooManyRequestsException", 429),
        // OCI Distribution Specification, "Error Codes".
        Protocol::Registry => ("TOOMANYREQUESTS", 429),
    });
    Refusal::new(code, "Rate exceeded").with_status(status)
}
