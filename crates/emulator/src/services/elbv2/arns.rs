//! Names, ARNs, and finding an object by its ARN.

use std::collections::BTreeMap;

use super::invalid;
use super::records::{Listener, LoadBalancer, Rule, TargetGroup};
use crate::services::{ACCOUNT_ID, Refusal, ensure, refuse_if};

/// A kind of object, as its ARN and its errors call it.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Kind {
    /// What stands before the first slash of the resource.
    path: &'static str,
    /// How many parts the resource has, divided by slashes.
    parts: usize,
    what: &'static str,
    not_found: &'static str,
}

pub(super) trait Found {
    const KIND: Kind;
}

impl Found for LoadBalancer {
    const KIND: Kind =
        Kind { path: "loadbalancer", parts: 4, what: "load balancer", not_found: "LoadBalancerNotFound" };
}

impl Found for TargetGroup {
    const KIND: Kind =
        Kind { path: "targetgroup", parts: 3, what: "target group", not_found: "TargetGroupNotFound" };
}

impl Found for Listener {
    const KIND: Kind = Kind { path: "listener", parts: 5, what: "listener", not_found: "ListenerNotFound" };
}

impl Found for Rule {
    const KIND: Kind = Kind { path: "listener-rule", parts: 6, what: "rule", not_found: "RuleNotFound" };
}

impl Kind {
    pub(super) fn missing(self, which: &str) -> Refusal {
        Refusal::new(self.not_found, format!("There is no {} '{which}'.", self.what))
    }

    /// Whether an ARN is that of an object of this kind, by its first word.
    pub(super) fn names(self, arn: &str) -> bool {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        resource.split('/').next() == Some(self.path)
    }

    fn has(self, region: &str, arn: &str) -> bool {
        let prefix = format!("arn:aws:elasticloadbalancing:{region}:{ACCOUNT_ID}:{}/", self.path);
        arn.starts_with(&prefix) && arn.split('/').count() == self.parts
    }
}

/// The ARN must have the shape of its kind, in this region (the API answers ValidationError, "'…' is not a valid
/// listener ARN").
pub(super) fn check<R: Found>(region: &str, arn: &str) -> Result<(), Refusal> {
    ensure(R::KIND.has(region, arn), || invalid(format!("'{arn}' is not a valid {} ARN", R::KIND.what)))
}

pub(super) fn find<'a, R: Found>(
    region: &str,
    table: &'a BTreeMap<String, R>,
    arn: &str,
) -> Result<&'a R, Refusal> {
    check::<R>(region, arn)?;
    table.get(arn).ok_or_else(|| R::KIND.missing(arn))
}

pub(super) fn find_mut<'a, R: Found>(
    region: &str,
    table: &'a mut BTreeMap<String, R>,
    arn: &str,
) -> Result<&'a mut R, Refusal> {
    check::<R>(region, arn)?;
    table.get_mut(arn).ok_or_else(|| R::KIND.missing(arn))
}

/// API Reference, CreateLoadBalancer and CreateTargetGroup, `Name`: 32 characters at most, alphanumeric characters
/// and hyphens, no hyphen first or last.
pub(super) fn check_name<R: Found>(name: &str) -> Result<(), Refusal> {
    let what = R::KIND.what;
    if name.is_empty() || name.len() > 32 {
        return Err(invalid(format!("The {what} name '{name}' must have 1 to 32 characters")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(invalid(format!(
            "The {what} name '{name}' can only contain alphanumeric characters and hyphens"
        )));
    }
    refuse_if(name.starts_with('-') || name.ends_with('-'), || {
        invalid(format!("The {what} name '{name}' cannot begin or end with a hyphen"))
    })
}
