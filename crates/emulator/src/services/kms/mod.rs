//! KMS: keys, their policies and rotation, and aliases.
//!
//! Nothing is encrypted here. What other services ask is whether a key may be used ([`State::usable`]) and whom its
//! policy lets in ([`Key::allows_service`]).

mod alias;
mod key;
mod life;
mod own;
mod policy;
mod rotation;
mod spec;
mod tags;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use self::alias::Alias;
pub(crate) use self::key::Key;
use self::key::KeyState;
use self::tags::TAGS;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, page, rate,
    refusals, refuse_if, spread, unknown_operation,
};

/// The keys and aliases of one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    region: String,
    ids: IdSource,
    /// Those of the customer, by id.
    keys: BTreeMap<String, Key>,
    /// Those of AWS's services, by the names of their aliases.
    own: BTreeMap<String, Key>,
    /// By name.
    aliases: BTreeMap<String, Alias>,
}

/// Why a service cannot use a key. Each service has a code of its own for it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    /// There is none with this id, ARN or alias.
    #[error("The KMS key does not exist.")]
    NotFound,
    /// Somebody has disabled it.
    #[error("The KMS key is disabled.")]
    Disabled,
    /// Its deletion is scheduled.
    #[error("The KMS key is pending deletion.")]
    PendingDeletion,
}

impl State {
    /// A key that a service may use, by id, ARN, alias or alias's ARN. Those of AWS's own are there for whoever asks
    /// (KMS Developer Guide, "AWS managed keys").
    pub(crate) fn usable(&self, key: &str) -> Result<&Key, KeyProblem> {
        let key = self.look(key).ok_or(KeyProblem::NotFound)?;
        match key.state() {
            KeyState::Enabled => Ok(key),
            KeyState::Disabled => Err(KeyProblem::Disabled),
            KeyState::PendingDeletion => Err(KeyProblem::PendingDeletion),
        }
    }

    /// What follows the account in the ARNs of this region's keys and aliases; other names are left as they are.
    fn local<'a>(&self, name: &'a str) -> &'a str {
        let prefix = format!("arn:aws:kms:{}:{ACCOUNT_ID}:", self.region);
        name.strip_prefix(&prefix).map_or(name, |rest| rest.strip_prefix("key/").unwrap_or(rest))
    }

    /// A key by id, ARN, alias or alias's ARN.
    fn look(&self, name: &str) -> Option<&Key> {
        match self.local(name) {
            alias if alias.starts_with("alias/") => match self.aliases.get(alias) {
                Some(alias) => self.keys.get(alias.target()),
                None => self.own.get(alias),
            },
            id => self.keys.get(id).or_else(|| self.own.values().find(|key| key.key_id == id)),
        }
    }

    /// The same for operations that take ids and ARNs of keys alone.
    fn find(&self, name: &str) -> Result<&Key, Refusal> {
        let found = self.look(name).filter(|_| !self.local(name).starts_with("alias/"));
        found.ok_or_else(|| self.no_key(name))
    }

    /// One of the customer's keys, to be changed. AWS's own let nobody change them
    /// (KMS Developer Guide, "AWS managed keys"). A key of a moment ago is not found yet.
    fn find_mut(&mut self, name: &str) -> Result<&mut Key, Refusal> {
        let key = self.find(name)?;
        refuse_if(key.fresh_until_millis.is_some(), || self.no_key(name))?;
        let id = key.key_id.clone();
        self.keys.get_mut(&id).ok_or_else(not_yours)
    }

    /// One of the customer's keys that is not about to be deleted.
    fn live_mut(&mut self, name: &str) -> Result<&mut Key, Refusal> {
        let key = self.find_mut(name)?;
        key.check_not_pending()?;
        Ok(key)
    }

    /// The refusal of a name that no key has (KMS API Reference, DescribeKey, `InvalidArnException` and
    /// `NotFoundException`).
    fn no_key(&self, name: &str) -> Refusal {
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        match parts[..] {
            ["arn", "aws", "kms", region, _, resource] if resource.starts_with("key/") => {
                if region == self.region {
                    not_found(format!("Key '{name}' does not exist"))
                } else {
                    not_found(format!("Invalid arn {region}"))
                }
            }
            ["arn", "aws", "kms", _, _, resource] if resource.starts_with("alias/") => {
                match self.look(name) {
                    Some(_) => invalid_arn(format!("{name} is the ARN of an alias, and a key's is needed.")),
                    None => not_found(format!("Alias {name} is not found.")),
                }
            }
            ["arn", ..] => invalid_arn(format!("Invalid arn {name}")),
            _ => not_found(format!("Invalid keyId '{name}'")),
        }
    }
}

impl Api for State {
    const INVALID: &'static str = "ValidationException";
    // KMS Developer Guide, "Request quotas".
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["DescribeKey", "ListResourceTags"], rate(2000.0, 2000.0)),
        Limit::of(&["GetKeyPolicy", "GetKeyRotationStatus"], rate(1000.0, 1000.0)),
        Limit::of(&["ListAliases", "ListKeys"], rate(500.0, 500.0)),
        Limit::of(
            &["DeleteAlias", "EnableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion"],
            rate(15.0, 15.0),
        ),
        Limit::of(&["TagResource"], rate(10.0, 10.0)),
        Limit::any(rate(5.0, 5.0)),
    ]);
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateKey", spread(1.0, 1.0, 16.0)), ("ScheduleKeyDeletion", spread(0.5, 0.2, 1.0))];

    fn new(mut ids: IdSource, region: &str) -> Self {
        let own = own::keys(&mut ids, region);
        State { region: region.to_owned(), ids, keys: BTreeMap::new(), own, aliases: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateKey" => key::create(cx, call),
            "DescribeKey" => cx.r.kms.describe_key(call),
            "ListKeys" => cx.r.kms.list_keys(call),
            "UpdateKeyDescription" => cx.r.kms.update_key_description(call),

            "EnableKey" => cx.r.kms.enable_key(call),
            "DisableKey" => cx.r.kms.disable_key(call),
            "ScheduleKeyDeletion" => life::schedule_deletion(cx, call),
            "CancelKeyDeletion" => cx.r.kms.cancel_key_deletion(call),

            "EnableKeyRotation" => rotation::enable(cx, call),
            "RotateKeyOnDemand" => rotation::on_demand(cx, call),
            "DisableKeyRotation" => cx.r.kms.disable_key_rotation(call),
            "GetKeyRotationStatus" => cx.r.kms.get_key_rotation_status(call),

            "PutKeyPolicy" => policy::put(cx, call),
            "GetKeyPolicy" => cx.r.kms.get_key_policy(call),

            "CreateAlias" => alias::create(cx, call),
            "UpdateAlias" => alias::update(cx, call),
            "DeleteAlias" => cx.r.kms.delete_alias(call),
            "ListAliases" => cx.r.kms.list_aliases(call),

            "TagResource" => TAGS.tag(cx, call),
            "UntagResource" => TAGS.untag(cx, call),
            "ListResourceTags" => cx.r.kms.list_resource_tags(call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let (now_seconds, now_millis) = (cx.now_seconds(), cx.now_millis);
        cx.r.kms.delete_keys_that_are_due(now_seconds);
        for key in cx.r.kms.keys.values_mut() {
            key.fresh_until_millis.take_if(|until| *until <= now_millis);
            key.on_demand.settle(now_millis);
        }
    }

    /// Keys that are about to be deleted are not listed: nothing can use them, they cost nothing, and AWS lets nobody
    /// make them go any sooner.
    fn objects(&self, home: &str) -> Vec<Object> {
        let keys = self.keys.values().filter(|key| key.state() != KeyState::PendingDeletion);
        keys.map(|key| key.object(home))
            .chain(self.aliases.values().map(|alias| alias.object(home)))
            .collect()
    }
}

/// One page of a list, in the form of all of KMS's lists (KMS API Reference, ListKeys, `Truncated` and `NextMarker`).
fn listed(name: &str, items: Vec<Value>, limit: usize, marker: Option<&str>) -> Answer {
    let (items, next) = page(items, limit, marker)
        .ok_or_else(|| Refusal::new("InvalidMarkerException", "The marker is not one that KMS gave."))?;
    Ok(serde_json::json!({name: items, "Truncated": next.is_some(), "NextMarker": next}))
}

/// An id such as `1234abcd-12ab-34cd-56ef-1234567890ab`.
pub(crate) fn uuid(ids: &mut IdSource) -> String {
    let (high, low) = (ids.number(), ids.number());
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

refusals! {
    invalid: "ValidationException";
    invalid_arn: "InvalidArnException";
    not_found: "NotFoundException";
    unsupported: "UnsupportedOperationException";
}

fn not_yours() -> Refusal {
    Refusal::new(
        "AccessDeniedException",
        "The key is managed by AWS, and its policy does not allow the operation.",
    )
}
