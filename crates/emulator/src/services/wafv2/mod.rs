//! AWS WAF: web ACLs, IP sets, associations and logging.
//!
//! Rules are kept as they were given, and checked by walking through them ([`statements`]).

mod association;
mod capacity;
mod ip_set;
mod logging;
mod managed;
mod rules;
mod scope;
mod statements;
mod tags;
mod web_acl;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::ip_set::IpSet;
use self::logging::LoggingConfiguration;
use self::scope::Identified;
use self::web_acl::WebAcl;
use super::{
    Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, kinds, rate, spread,
    unknown_operation,
};

/// From the creation of a web ACL until it can be associated: an estimate (API Reference, UpdateWebACL, "Temporary
/// inconsistencies during updates": "from a few seconds to a number of minutes").
const PROPAGATION: Spread = spread(6.0, 3.0, 60.0);

/// The service in one region. CloudFront's objects are in us-east-1.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    /// By ARN.
    web_acls: BTreeMap<String, WebAcl>,
    /// By ARN.
    ip_sets: BTreeMap<String, IpSet>,
    /// The ARN of the web ACL by that of the resource.
    associations: BTreeMap<String, String>,
    /// By the ARN of the web ACL.
    logging: BTreeMap<String, LoggingConfiguration>,
}

/// `WAFInvalidParameterException`, with its reason, field and parameter as AWS's message has them.
fn invalid(reason: &str, field: &str, parameter: &str) -> Refusal {
    let message = format!("Error reason: {reason}, field: {field}, parameter: {parameter}");
    Refusal::new("WAFInvalidParameterException", message)
}

fn nonexistent(what: &str) -> Refusal {
    let message =
        format!("AWS WAF couldn't perform the operation because your resource doesn't exist: {what}.");
    Refusal::new("WAFNonexistentItemException", message)
}

fn too_much(what: &str) -> Refusal {
    let message =
        format!("AWS WAF couldn't perform the operation because you exceeded your resource limit: {what}.");
    Refusal::new("WAFLimitsExceededException", message)
}

fn wrong_token() -> Refusal {
    let message = "AWS WAF couldn't save your changes because someone changed the resource after you started to edit \
                   it. Reapply your changes.";
    Refusal::new("WAFOptimisticLockException", message)
}

fn associated(what: &str) -> Refusal {
    let message =
        format!("AWS WAF couldn't perform the operation because your resource is being used: {what}.");
    Refusal::new("WAFAssociatedItemException", message)
}

fn duplicate(what: &str) -> Refusal {
    let message =
        format!("AWS WAF couldn't perform the operation because some resource is a duplicate: {what}.");
    Refusal::new("WAFDuplicateItemException", message)
}

kinds! {
    WebAcl: nonexistent;
    IpSet: nonexistent;
    LoggingConfiguration: nonexistent;
}

impl Api for State {
    // What the API model does not allow is refused before WAF's own checks.
    const INVALID: &'static str = "ValidationException";
    // AWS WAF Developer Guide, "AWS WAF quotas": calls for an account and region, which cannot be raised.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["AssociateWebACL", "DisassociateWebACL"], rate(1.0, 0.5)),
        Limit::of(
            &[
                "CreateIPSet",
                "CreateWebACL",
                "GetWebACLForResource",
                "ListResourcesForWebACL",
                "PutLoggingConfiguration",
                "UpdateIPSet",
                "UpdateWebACL",
            ],
            rate(1.0, 1.0),
        ),
        Limit::reads(rate(5.0, 5.0)),
    ]);
    // Creating a web ACL: from logs of real deployments; the rest: estimates.
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateWebACL", spread(2.0, 1.0, 5.0)),
        ("DeleteWebACL", spread(2.0, 1.0, 30.0)),
        ("AssociateWebACL", spread(3.0, 1.0, 60.0)),
        ("DisassociateWebACL", spread(2.0, 1.0, 10.0)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            web_acls: BTreeMap::new(),
            ip_sets: BTreeMap::new(),
            associations: BTreeMap::new(),
            logging: BTreeMap::new(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateWebACL" => web_acl::create(cx, call),
            "GetWebACL" => web_acl::get(cx, call),
            "UpdateWebACL" => web_acl::update(cx, call),
            "DeleteWebACL" => web_acl::delete(cx, call),
            "ListWebACLs" => web_acl::list(cx, call),
            "CheckCapacity" => rules::check_capacity(cx, call),

            "AssociateWebACL" => association::associate(cx, call),
            "DisassociateWebACL" => association::disassociate(cx, call),
            "GetWebACLForResource" => association::get(cx, call),
            "ListResourcesForWebACL" => association::list(cx, call),

            "PutLoggingConfiguration" => logging::put(cx, call),
            "GetLoggingConfiguration" => logging::get(cx, call),
            "DeleteLoggingConfiguration" => logging::delete(cx, call),

            "CreateIPSet" => ip_set::create(cx, call),
            "GetIPSet" => ip_set::get(cx, call),
            "UpdateIPSet" => ip_set::update(cx, call),
            "DeleteIPSet" => ip_set::delete(cx, call),
            "ListIPSets" => ip_set::list(cx, call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => tags::TAGS.untag(cx, call),
            "ListTagsForResource" => tags::list(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object = |kind: &str, id: String, tags| {
            Object::new("wafv2", home, &format!("AWS::WAFv2::{kind}"), id, tags)
        };
        fn whole(found: &impl Identified) -> String {
            let key = found.key();
            format!("{}|{}|{}", key.name, key.id, key.scope)
        }
        let mut objects = Vec::new();
        objects.extend(
            self.web_acls
                .values()
                .map(|found| object("WebACL", whole(found), found.tags.clone()).named(&found.name)),
        );
        objects.extend(
            self.ip_sets
                .values()
                .map(|found| object("IPSet", whole(found), found.tags.clone()).named(&found.name)),
        );
        objects.extend(self.associations.iter().map(|(resource, acl)| {
            object("WebACLAssociation", format!("{resource}|{acl}"), Default::default())
        }));
        objects.extend(
            self.logging.keys().map(|acl| object("LoggingConfiguration", acl.clone(), Default::default())),
        );
        objects
    }
}

impl State {
    /// The web ACL that protects a resource.
    pub(crate) fn web_acl_of(&self, resource_arn: &str) -> Option<String> {
        self.associations.get(resource_arn).cloned()
    }

    /// A resource is gone, and its association with it.
    pub(crate) fn forget_resource(&mut self, resource_arn: &str) {
        self.associations.remove(resource_arn);
    }

    /// An id or a lock token, in the shape of a UUID.
    fn uuid(&mut self) -> String {
        let (high, low) = (self.ids.number(), self.ids.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}

/// What lists and creations show of an object.
fn summary(found: &impl Identified) -> Value {
    let key = found.key();
    let mut summary = json!({"Name": key.name, "Id": key.id, "ARN": key.arn, "LockToken": key.lock_token, "Description": ""});
    if let Some(description) = key.description {
        summary["Description"] = description.into();
    }
    summary
}
