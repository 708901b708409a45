//! Aliases of keys.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::Key;
use super::{Answer, Cx, Refusal, State, invalid, listed, not_found, not_yours};
use crate::services::{Call, Kind, Object, Table, Tags, ensure, kinds, refuse_if};

/// An alias: `AliasListEntry` of the KMS API Reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Alias {
    alias_name: String,
    alias_arn: String,
    target_key_id: String,
    creation_date: f64,
    last_updated_date: f64,
}

impl Alias {
    pub(super) fn target(&self) -> &str {
        &self.target_key_id
    }

    pub(super) fn object(&self, home: &str) -> Object {
        let object = Object::new("kms", home, "AWS::KMS::Alias", &self.alias_name, Tags::new());
        object.named(&self.alias_name).part_of(&self.target_key_id)
    }
}

/// KMS API Reference, CreateAlias, `AliasName`.
fn check_name(name: &str) -> Result<(), Refusal> {
    let rest = name.strip_prefix("alias/").filter(|rest| !rest.is_empty()).ok_or_else(|| {
        invalid("Alias must start with the prefix \"alias/\", and something must follow it.")
    })?;
    if rest.contains(':') {
        return Err(invalid(format!("{name} contains characters that an alias cannot have.")));
    }
    refuse_if(rest.starts_with("aws/"), || {
        Refusal::new("NotAuthorizedException", "Aliases that begin with alias/aws/ are AWS's own.")
    })
}

/// A key that may have an alias: one of the customer's that is not pending deletion.
fn target<'a>(kms: &'a State, name: &str) -> Result<&'a Key, Refusal> {
    refuse_if(kms.local(name).starts_with("alias/"), || invalid("Aliases must refer to keys. Not aliases"))?;
    let key = kms.find(name)?;
    refuse_if(key.is_of_aws(), not_yours)?;
    key.check_not_pending()?;
    Ok(key)
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (alias_name, target_key_id): (String, String) = call.members(&["AliasName", "TargetKeyId"])?;
    let name = alias_name;
    check_name(&name)?;
    let target_key_id = target(&cx.r.kms, &target_key_id)?.key_id.clone();
    let alias_arn = cx.arn("kms", &name);
    if cx.r.kms.aliases.contains_key(&name) {
        let message = format!("An alias with the name {alias_arn} already exists");
        return Err(Refusal::new("AlreadyExistsException", message));
    }
    let now = cx.now_seconds();
    let alias = Alias {
        alias_name: name.clone(),
        alias_arn,
        target_key_id,
        creation_date: now,
        last_updated_date: now,
    };
    cx.r.kms.aliases.insert(name, alias);
    Ok(Value::Null)
}

/// Both keys must be of one kind and have one usage (KMS API Reference, UpdateAlias).
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (alias_name, target_key_id): (String, String) = call.members(&["AliasName", "TargetKeyId"])?;
    check_name(&alias_name)?;
    let now = cx.now_seconds();
    let kms = &mut cx.r.kms;
    let old = kms.look(&alias_name).ok_or_else(|| Alias::absent(&alias_name))?;
    let new = target(kms, &target_key_id)?;
    ensure(new.is_like(old), || invalid("The alias must stay with keys of the same type and key usage."))?;
    let target_key_id = new.key_id.clone();
    let alias = kms.aliases.find_mut(&alias_name)?;
    alias.target_key_id = target_key_id;
    alias.last_updated_date = now;
    Ok(Value::Null)
}

kinds! {
    Alias: |name| not_found(format!("Alias {name} is not found."));
}

impl State {
    /// The name is free at once.
    pub(super) fn delete_alias(&mut self, call: &Call) -> Answer {
        let alias_name: String = call.member("AliasName")?;
        check_name(&alias_name)?;
        self.aliases.take(&alias_name).map(|_| Value::Null)
    }

    pub(super) fn list_aliases(&self, call: &Call) -> Answer {
        let (key_id, limit, marker): (Option<String>, Option<usize>, Option<String>) =
            call.members(&["KeyId", "Limit", "Marker"])?;
        let of = key_id.map(|name| self.find(&name).map(|key| key.key_id.clone())).transpose()?;
        let own = self.own.iter().map(|(name, key)| {
            let arn = format!("arn:aws:kms:{}:{}:{name}", self.region, crate::machine::emulator::ACCOUNT_ID);
            (&key.key_id, json!({"AliasName": name, "AliasArn": arn, "TargetKeyId": key.key_id}))
        });
        let customers = self.aliases.values().map(|alias| (&alias.target_key_id, json!(alias)));
        let is_asked = |target: &String| of.as_ref().is_none_or(|of| of == target);
        let aliases =
            customers.chain(own).filter(|(target, _)| is_asked(target)).map(|(_, alias)| alias).collect();
        listed("Aliases", aliases, limit.unwrap_or(50), marker.as_deref())
    }
}
