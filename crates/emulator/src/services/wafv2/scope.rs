//! What web ACLs and IP sets are found by: scope, name, id and lock token.

use std::collections::BTreeMap;

use super::{invalid, nonexistent, wrong_token};
use crate::services::{Cx, Refusal, ensure, refuse_if};

/// What identifies an object.
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    pub(super) arn: &'a str,
    pub(super) scope: &'a str,
    pub(super) lock_token: &'a str,
    pub(super) description: Option<&'a str>,
}

pub(super) trait Identified {
    fn key(&self) -> Key<'_>;
}

/// How calls name an object.
pub(super) struct Which<'a> {
    pub(super) name: &'a str,
    pub(super) scope: &'a str,
    pub(super) id: &'a str,
}

/// CloudFront's objects are in us-east-1 only (API Reference, CreateWebACL, `Scope`).
pub(super) fn check(region: &str, scope: &str) -> Result<(), Refusal> {
    refuse_if(scope == "CLOUDFRONT" && region != "us-east-1", || {
        invalid("The scope is not valid.", "SCOPE_VALUE", scope)
    })
}

/// `arn:aws:wafv2:REGION:ACCOUNT:regional/KIND/NAME/ID`, or `global` for CloudFront.
pub(super) fn arn(cx: &Cx<'_>, scope: &str, kind: &str, name: &str, id: &str) -> String {
    let place = if scope == "CLOUDFRONT" { "global" } else { "regional" };
    cx.arn("wafv2", &format!("{place}/{kind}/{name}/{id}"))
}

/// Finds the ARN of an object.
pub(super) fn find<R: Identified>(table: &BTreeMap<String, R>, which: &Which<'_>) -> Result<String, Refusal> {
    let is_it = |found: &&R| {
        let key = found.key();
        (key.name, key.scope, key.id) == (which.name, which.scope, which.id)
    };
    let found = table.values().find(is_it).ok_or_else(|| nonexistent(which.name))?;
    Ok(found.key().arn.to_owned())
}

/// The same for a change, which needs the current lock token.
pub(super) fn find_to_change<R: Identified>(
    table: &BTreeMap<String, R>,
    which: &Which<'_>,
    lock_token: &str,
) -> Result<String, Refusal> {
    let arn = find(table, which)?;
    ensure(table.get(&arn).is_some_and(|found| found.key().lock_token == lock_token), wrong_token)?;
    Ok(arn)
}

/// Whether there is one of this name in a scope.
pub(super) fn is_taken<R: Identified>(table: &BTreeMap<String, R>, scope: &str, name: &str) -> bool {
    table.values().any(|found| (found.key().scope, found.key().name) == (scope, name))
}
