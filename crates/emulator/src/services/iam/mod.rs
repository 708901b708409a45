//! IAM roles and their policies, and the account's alias.
//!
//! Policies are checked as IAM checks them and are not enforced: every caller may do everything. The exception is a
//! role's trust policy, which decides whether a service may assume the role ([`State::assumable`]).
//!
//! Not modelled: users, groups, instance profiles, identity providers and managed policies that a customer made; what
//! the policies of AWS allow; and that IAM writes a trust policy anew (`123456789012` as the ARN of the account's root,
//! a deleted role as its id). Documents come back as they were sent.

mod alias;
mod attached;
mod inline;
mod linked;
pub(crate) mod policy;
mod roles;
mod tags;
mod trust;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use self::policy::{Policy, Principal};
pub(crate) use self::roles::Role;
use super::{
    Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, Table, ensure, kinds, page,
    rate, refusals, refuse_if, spread, unknown_operation,
};

/// How many items a list has where the call does not say (`MaxItems` in the IAM API Reference).
const PAGE: usize = 100;

/// All roles of the account, by their names, and the account's alias.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    roles: BTreeMap<String, Role>,
    alias: Option<String>,
}

/// Why a service cannot assume a role. Each service has a code of its own for it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum NotAssumable {
    /// There is none with this ARN.
    #[error("The role does not exist.")]
    NoSuchRole,
    /// It is there, and services do not know it yet.
    #[error("The role is new, and the service does not know it yet.")]
    TooNew,
    /// Its trust policy does not let the service in.
    #[error("The trust policy of the role does not let the service assume it.")]
    TrustRefuses,
}

/// Whether a text is one of the values in another value, at any depth.
fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| has_text(item, text)),
        Value::Object(members) => members.values().any(|member| has_text(member, text)),
        _ => false,
    }
}

impl State {
    /// A role, by its full ARN.
    pub(crate) fn role(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(name).filter(|role| role.arn() == arn)
    }

    /// Whether a service, such as `ecs.amazonaws.com`, may assume a role now.
    pub(crate) fn assumable(&self, arn: &str, service: &str, now_millis: i64) -> Result<(), NotAssumable> {
        let role = self.role(arn).ok_or(NotAssumable::NoSuchRole)?;
        ensure(role.is_visible(now_millis), || NotAssumable::TooNew)?;
        ensure(trust::admits(role.trust_policy(), service), || NotAssumable::TrustRefuses)
    }

    /// A role that a call hands to a service too early. IAM's own calls hand nothing over.
    pub(crate) fn passed_too_early<'a>(&'a self, call: &Call, now_millis: i64) -> Option<&'a str> {
        let mut new = self.roles.values().filter(|role| role.is_too_new_to_pass(now_millis)).peekable();
        if call.service == "iam" || new.peek().is_none() {
            return None;
        }
        new.map(Role::arn).find(|arn| has_text(&call.parameters, arn))
    }

    /// Whether services know a role, provided that it exists.
    pub(crate) fn role_is_visible(&self, arn: &str, now_millis: i64) -> bool {
        self.role(arn).is_none_or(|role| role.is_visible(now_millis))
    }

    /// Whether all principals of a resource's policy exist, as far as services know. A service refuses a policy that
    /// names a role which was made a moment ago ("AWS JSON policy elements: Principal").
    pub(crate) fn knows_principals(&self, policy: &Policy, now_millis: i64) -> bool {
        let principals =
            policy.statements.iter().filter_map(|s| s.principal.as_ref().or(s.not_principal.as_ref()));
        principals.into_iter().all(|principal| match principal {
            Principal::Everyone => true,
            Principal::Named(names) => {
                let are_visible = names.aws.0.iter().all(|name| self.role_is_visible(name, now_millis));
                are_visible && trust::check_names(names, &self.roles).is_ok()
            }
        })
    }

    /// A role that is to be changed: not one that belongs to a service
    /// (IAM API Reference, PutRolePolicy and others, `UnmodifiableEntity`).
    fn changeable(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        let role = self.roles.find_mut(name)?;
        refuse_if(role.is_linked(), || {
            Refusal::new(
                "UnmodifiableEntity",
                format!(
                    "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
                ),
            )
        })?;
        Ok(role)
    }
}

kinds! {
    Role: no_role;
}

impl Api for State {
    const INVALID: &'static str = "ValidationError";
    // Unpublished. For the service as a whole, which is the stricter reading.
    const LIMITS: ServiceLimits = ServiceLimits::together(rate(40.0, 10.0));
    // The errors of each operation.
    const INTERNAL: &'static str = "ServiceFailure";
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateRole", spread(1.0, 0.5, 5.0)),
        ("DeleteRole", spread(1.0, 0.5, 2.0)),
        ("PutRolePolicy", spread(0.7, 0.3, 2.0)),
        ("AttachRolePolicy", spread(0.7, 0.3, 2.0)),
        ("DeleteRolePolicy", spread(1.0, 0.3, 2.0)),
        ("DetachRolePolicy", spread(1.0, 0.3, 2.0)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, roles: BTreeMap::new(), alias: None }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        let iam = &mut cx.global.iam;
        match call.operation.as_str() {
            "CreateRole" => roles::create(cx, call),
            "GetRole" => iam.get_role(call),
            "ListRoles" => iam.list_roles(call),
            "ListInstanceProfilesForRole" => iam.list_instance_profiles_for_role(call),
            "UpdateRole" => iam.update_role(call),
            "UpdateAssumeRolePolicy" => iam.update_assume_role_policy(call),
            "DeleteRole" => iam.delete_role(call),

            "TagRole" => iam.tag_role(call),
            "UntagRole" => iam.untag_role(call),
            "ListRoleTags" => iam.list_role_tags(call),

            "PutRolePolicy" => {
                let answer = iam.put_role_policy(call)?;
                roles::policy_changed(cx, call)?;
                Ok(answer)
            }
            "GetRolePolicy" => iam.get_role_policy(call),
            "ListRolePolicies" => iam.list_role_policies(call),
            "DeleteRolePolicy" => iam.delete_role_policy(call),

            "AttachRolePolicy" => {
                let answer = iam.attach_role_policy(call)?;
                roles::policy_changed(cx, call)?;
                Ok(answer)
            }
            "DetachRolePolicy" => iam.detach_role_policy(call),
            "ListAttachedRolePolicies" => iam.list_attached_role_policies(call),
            "GetPolicy" => iam.get_policy(call),

            "CreateServiceLinkedRole" => linked::create(cx, call),

            "CreateAccountAlias" => iam.create_account_alias(call),
            "DeleteAccountAlias" => iam.delete_account_alias(call),
            "ListAccountAliases" => iam.list_account_aliases(call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        self.roles.values().flat_map(|role| role.objects(home)).collect()
    }
}

/// One page of a list, under the name that the operation gives it.
fn listed(name: &str, items: Vec<Value>, max_items: Option<usize>, marker: Option<&str>) -> Answer {
    let (items, next) = page(items, max_items.unwrap_or(PAGE), marker)
        .ok_or_else(|| Refusal::new("ValidationError", "Invalid Marker."))?;
    Ok(json!({name: items, "IsTruncated": next.is_some(), "Marker": next}))
}

refusals! {
    missing: "NoSuchEntity", 404;
    exceeded: "LimitExceeded", 409;
    invalid_input: "InvalidInput";
    malformed: "MalformedPolicyDocument";
}

fn no_role(name: &str) -> Refusal {
    missing(format!("The role with name {name} cannot be found."))
}

/// Characters of a document as IAM's quotas count them: white space does not count
/// (IAM User Guide, "IAM and AWS STS quotas").
fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// An IAM unique id: a prefix that says what it is, and 17 capital letters and digits
/// (IAM User Guide, "IAM identifiers").
fn unique_id(prefix: &str, mut number: u64) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut id = prefix.to_owned();
    for _ in 0..17 {
        id.push(char::from(DIGITS[(number % 32) as usize]));
        number /= 32;
    }
    id
}
