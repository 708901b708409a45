//! Keys: what they are made from, and what is shown of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rotation::{OnDemand, Rotation};
use super::spec::{self, SYMMETRIC};
use super::{Answer, Cx, State, invalid, listed, policy, tags, unsupported, uuid};
use crate::services::{
    ACCOUNT_ID, Call, IdSource, Object, Refusal, Spread, Tag, Tags, resource_policy, spread,
};

/// From the creation of a key until other services can use it: mostly a few seconds, rarely minutes (KMS Developer Guide, "AWS
/// KMS eventual consistency"). Estimate.
const USABLE: Spread = spread(5.0, 2.0, 15.0);

/// A key. Its public members are `KeyMetadata` of the KMS API Reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Key {
    #[serde(rename = "AWSAccountId")]
    account_id: String,
    pub(crate) key_id: String,
    pub(crate) arn: String,
    creation_date: f64,
    enabled: bool,
    pub(super) description: String,
    key_usage: String,
    key_state: KeyState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletion_date: Option<f64>,
    origin: String,
    key_manager: Manager,
    key_spec: String,
    customer_master_key_spec: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    encryption_algorithms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signing_algorithms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mac_algorithms: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    key_agreement_algorithms: Vec<String>,
    multi_region: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multi_region_configuration: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current_key_material_id: Option<String>,
    #[serde(rename = "_policy")]
    pub(crate) policy: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_rotation", default, skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<Rotation>,
    /// State of an earlier version does not have it.
    #[serde(rename = "_onDemand", default)]
    pub(super) on_demand: OnDemand,
    /// Until when calls that change it may not find it, in milliseconds since 1970.
    #[serde(rename = "_freshUntilMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) fresh_until_millis: Option<i64>,
    /// Until when other services do not know it, in milliseconds since 1970.
    #[serde(rename = "_unseenUntil", default, skip_serializing_if = "Option::is_none")]
    unseen_until: Option<i64>,
}

/// From the creation of a key until every call finds it (KMS Developer Guide, "AWS KMS eventual consistency": "in most
/// cases […] less than a few seconds, but in some cases several minutes"; the spread is an estimate).
const PROPAGATION: Spread = spread(4.0, 2.0, 6.0);

/// KMS Developer Guide, "Key states of AWS KMS keys".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion,
}

/// Who manages a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Manager {
    Aws,
    Customer,
}

/// What a key is made from.
pub(super) struct New<'a> {
    pub(super) region: &'a str,
    pub(super) created: f64,
    pub(super) manager: Manager,
    pub(super) description: String,
    pub(super) spec: String,
    pub(super) usage: String,
    pub(super) multi_region: bool,
    pub(super) policy: String,
    pub(super) tags: Tags,
}

impl Key {
    pub(super) fn new(ids: &mut IdSource, new: New<'_>) -> Result<Key, Refusal> {
        let New { region, created, manager, description, spec, usage, multi_region, policy, tags } = new;
        let algorithms = spec::algorithms(&spec, &usage)?;
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        // KMS Developer Guide, "Multi-Region keys": their ids begin with `mrk-`.
        let key_id = if multi_region { format!("mrk-{}", uuid(ids).replace('-', "")) } else { uuid(ids) };
        let arn = format!("arn:aws:kms:{region}:{ACCOUNT_ID}:key/{key_id}");
        Ok(Key {
            account_id: ACCOUNT_ID.to_owned(),
            creation_date: created,
            enabled: true,
            description,
            key_usage: usage,
            key_state: KeyState::Enabled,
            deletion_date: None,
            origin: "AWS_KMS".to_owned(),
            key_manager: manager,
            customer_master_key_spec: spec.clone(),
            encryption_algorithms: texts(algorithms.encryption),
            signing_algorithms: texts(algorithms.signing),
            mac_algorithms: texts(algorithms.mac),
            key_agreement_algorithms: texts(algorithms.agreement),
            multi_region,
            multi_region_configuration: multi_region.then(|| {
                let primary = json!({"Arn": arn, "Region": region});
                json!({"MultiRegionKeyType": "PRIMARY", "PrimaryKey": primary, "ReplicaKeys": []})
            }),
            current_key_material_id: (spec == SYMMETRIC).then(|| material_id(ids)),
            key_spec: spec,
            policy,
            tags,
            rotation: None,
            on_demand: OnDemand::default(),
            fresh_until_millis: None,
            unseen_until: None,
            key_id,
            arn,
        })
    }

    pub(super) fn state(&self) -> KeyState {
        self.key_state
    }

    pub(super) fn enter(&mut self, state: KeyState) {
        self.key_state = state;
        self.enabled = state == KeyState::Enabled;
    }

    /// Whether it is one that services encrypt with.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.key_spec == SYMMETRIC
    }

    pub(super) fn is_like(&self, other: &Key) -> bool {
        let kind = |key: &Key| key.key_spec.split('_').next().map(str::to_owned);
        self.key_usage == other.key_usage && kind(self) == kind(other)
    }

    pub(super) fn is_of_aws(&self) -> bool {
        self.key_manager == Manager::Aws
    }

    /// Whether its policy lets a service, such as `logs.eu-west-1.amazonaws.com`, do something, such as
    /// `kms:Decrypt`. What is made of conditions says [`resource_policy::allows_service`].
    pub(crate) fn allows_service(&self, service_principal: &str, action: &str) -> bool {
        resource_policy::allows_service(&self.policy, service_principal, action)
    }

    /// The same for a request of which more is known: see [`resource_policy::allows_service_in`].
    pub(crate) fn allows_service_in(
        &self,
        service_principal: &str,
        action: &str,
        context: &[(&str, &str)],
    ) -> bool {
        resource_policy::allows_service_in(&self.policy, service_principal, action, context)
    }

    /// Whether other services know it yet.
    pub(crate) fn is_visible(&self, now_millis: i64) -> bool {
        self.unseen_until.is_none_or(|until| until <= now_millis)
    }

    pub(super) fn check_not_pending(&self) -> Result<(), Refusal> {
        match self.key_state {
            KeyState::PendingDeletion => Err(self.wrong_state("is pending deletion.")),
            _ => Ok(()),
        }
    }

    pub(super) fn wrong_state(&self, what: &str) -> Refusal {
        Refusal::new("KMSInvalidStateException", format!("{} {what}", self.arn))
    }

    fn metadata(&self) -> Value {
        json!({"KeyMetadata": self})
    }

    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("kms", home, "AWS::KMS::Key", &self.key_id, self.tags.clone())
    }
}

/// 64 hexadecimal digits (KMS API Reference, KeyMetadata, `CurrentKeyMaterialId`).
fn material_id(ids: &mut IdSource) -> String {
    (0..4).map(|_| format!("{:016x}", ids.number())).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateKey {
    policy: Option<String>,
    #[serde(default)]
    description: String,
    key_usage: Option<String>,
    key_spec: Option<String>,
    /// What `key_spec` was called before.
    customer_master_key_spec: Option<String>,
    origin: Option<String>,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    multi_region: bool,
}

/// KMS API Reference, CreateKey. There is no client token: every call makes a key.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: CreateKey = call.input()?;
    if let Some(origin) = given.origin.filter(|origin| origin != "AWS_KMS") {
        return Err(unsupported(format!("The emulator does not model the Origin {origin}.")));
    }
    let spec = match (given.key_spec, given.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            return Err(invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request."));
        }
        (spec, old_name) => spec.or(old_name).unwrap_or_else(|| SYMMETRIC.to_owned()),
    };
    let usage = spec::usage(&spec, given.key_usage)?;
    if let Some(text) = &given.policy {
        policy::check(cx, text, given.bypass_policy_lockout_safety_check)?;
    }
    let new = New {
        region: cx.region,
        created: cx.now_seconds(),
        manager: Manager::Customer,
        description: given.description,
        spec,
        usage,
        multi_region: given.multi_region,
        policy: given.policy.unwrap_or_else(policy::by_default),
        tags: tags::read(given.tags)?,
    };
    let mut key = Key::new(&mut cx.r.kms.ids, new)?;
    key.fresh_until_millis = cx.after(PROPAGATION, &key.arn);
    key.unseen_until = cx.after(USABLE, &key.key_id);
    let answer = key.metadata();
    cx.r.kms.keys.insert(key.key_id.clone(), key);
    Ok(answer)
}

impl State {
    /// The one operation of these that takes an alias (KMS API Reference, DescribeKey, `KeyId`).
    pub(super) fn describe_key(&self, call: &Call) -> Answer {
        let key_id: String = call.member("KeyId")?;
        Ok(self.look(&key_id).ok_or_else(|| self.no_key(&key_id))?.metadata())
    }

    pub(super) fn list_keys(&self, call: &Call) -> Answer {
        let (limit, marker): (Option<usize>, Option<String>) = call.members(&["Limit", "Marker"])?;
        let keys = self.keys.values().map(|key| json!({"KeyId": key.key_id, "KeyArn": key.arn})).collect();
        listed("Keys", keys, limit.unwrap_or(100), marker.as_deref())
    }

    pub(super) fn update_key_description(&mut self, call: &Call) -> Answer {
        let (key_id, description): (String, String) = call.members(&["KeyId", "Description"])?;
        self.live_mut(&key_id)?.description = description;
        Ok(Value::Null)
    }
}
