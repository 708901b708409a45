//! Web ACLs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::rules::{self, Rule};
use super::scope::{self, Identified, Key, Which};
use super::statements::{Place, only, text};
use super::{PROPAGATION, associated, duplicate, invalid, summary, tags, too_much};
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Refusal, Table, Tag, Tags, ensure, page_by_key, refuse_if,
};

/// AWS WAF Developer Guide, "AWS WAF quotas": web ACLs for an account and region.
const MOST: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WebAcl {
    pub(super) name: String,
    id: String,
    #[serde(rename = "ARN")]
    arn: String,
    #[serde(flatten)]
    settings: Settings,
    capacity: u64,
    managed_by_firewall_manager: bool,
    retrofitted_by_firewall_manager: bool,
    label_namespace: String,
    #[serde(rename = "_scope")]
    scope: String,
    #[serde(rename = "_lockToken")]
    lock_token: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// When it can be associated, in milliseconds since 1970.
    #[serde(rename = "_usableAtMillis", default, skip_serializing_if = "Option::is_none")]
    usable_at_millis: Option<i64>,
}

impl Identified for WebAcl {
    fn key(&self) -> Key<'_> {
        Key {
            name: &self.name,
            id: &self.id,
            arn: &self.arn,
            scope: &self.scope,
            lock_token: &self.lock_token,
            description: self.settings.description.as_deref(),
        }
    }
}

impl WebAcl {
    /// Whether its creation has reached the places where associations are made.
    pub(super) fn is_usable(&self, now_millis: i64) -> bool {
        self.usable_at_millis.is_none_or(|at| at <= now_millis)
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.settings.rules
    }

    pub(super) fn shown(&self) -> Value {
        crate::services::to_json(self)
    }
}

/// What creating a web ACL and updating it say alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    default_action: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default)]
    rules: Vec<Rule>,
    visibility_config: Value,
    #[serde(flatten)]
    kept: Kept,
}

/// Settings that are kept and shown as they were given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_protection_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_response_bodies: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    captcha_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenge_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_domains: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    association_config: Option<Value>,
    #[serde(default, rename = "OnSourceDDoSProtectionConfig", skip_serializing_if = "Option::is_none")]
    on_source_ddos_protection_config: Option<Value>,
}

/// What creating a web ACL and updating it are given. The model of the API has checked which of them may have what.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    name: String,
    scope: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    lock_token: String,
    #[serde(default)]
    tags: Vec<Tag>,
    default_action: Value,
    description: Option<String>,
    #[serde(default)]
    rules: Vec<Rule>,
    visibility_config: Value,
    data_protection_config: Option<Value>,
    custom_response_bodies: Option<Map<String, Value>>,
    captcha_config: Option<Value>,
    challenge_config: Option<Value>,
    token_domains: Option<Vec<String>>,
    association_config: Option<Value>,
    #[serde(rename = "OnSourceDDoSProtectionConfig")]
    on_source_ddos_protection_config: Option<Value>,
}

/// What names a web ACL that is created or updated.
struct Named {
    name: String,
    scope: String,
    id: String,
    lock_token: String,
    tags: Vec<Tag>,
}

impl Given {
    fn split(self) -> (Named, Settings) {
        let Given { name, scope, id, lock_token, tags, .. } = self;
        let settings = Settings {
            default_action: self.default_action,
            description: self.description,
            rules: self.rules,
            visibility_config: self.visibility_config,
            kept: Kept {
                data_protection_config: self.data_protection_config,
                custom_response_bodies: self.custom_response_bodies,
                captcha_config: self.captcha_config,
                challenge_config: self.challenge_config,
                token_domains: self.token_domains,
                association_config: self.association_config,
                on_source_ddos_protection_config: self.on_source_ddos_protection_config,
            },
        };
        (Named { name, scope, id, lock_token, tags }, settings)
    }
}

impl Settings {
    /// Checks the settings and returns the capacity that they need.
    fn check(&self, place: &Place<'_>) -> Result<u64, Refusal> {
        only(&self.default_action, "DEFAULT_ACTION", "DefaultAction")?;
        self.check_response_body(&self.default_action)?;
        for action in self.rules.iter().filter_map(|rule| rule.action.as_ref()) {
            self.check_response_body(action)?;
        }
        rules::check(place, &self.rules)
    }

    /// A custom response names one of the bodies that the web ACL defines.
    fn check_response_body(&self, action: &Value) -> Result<(), Refusal> {
        let key = text(&action["Block"]["CustomResponse"], "CustomResponseBodyKey");
        let bodies = self.kept.custom_response_bodies.as_ref();
        ensure(key.is_empty() || bodies.is_some_and(|bodies| bodies.contains_key(key)), || {
            invalid("The custom response body is not defined.", "CUSTOM_RESPONSE_BODY", key)
        })
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (Named { name, scope, tags, .. }, settings) = call.input::<Given>()?.split();
    let place = Place { state: &cx.r.wafv2, region: cx.region, scope: &scope };
    place.check_scope()?;
    let tags = tags::read(tags)?;
    let capacity = settings.check(&place)?;
    let table = &cx.r.wafv2.web_acls;
    refuse_if(scope::is_taken(table, &scope, &name), || duplicate(&name))?;
    refuse_if(table.len() >= MOST, || too_much(&format!("{MOST} web ACLs")))?;
    let (id, lock_token) = (cx.r.wafv2.uuid(), cx.r.wafv2.uuid());
    let arn = scope::arn(cx, &scope, "webacl", &name, &id);
    let web_acl = WebAcl {
        settings,
        capacity,
        managed_by_firewall_manager: false,
        retrofitted_by_firewall_manager: false,
        label_namespace: format!("awswaf:{ACCOUNT_ID}:webacl:{name}:"),
        lock_token,
        tags,
        usable_at_millis: cx.after(PROPAGATION, &arn),
        name,
        scope,
        id,
        arn,
    };
    let answer = json!({"Summary": summary(&web_acl)});
    cx.r.wafv2.web_acls.insert(web_acl.arn.clone(), web_acl);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    name: Option<String>,
    scope: Option<String>,
    id: Option<String>,
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

/// By ARN, or by name, scope and id (API Reference, GetWebACL).
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Get = call.input()?;
    let table = &cx.r.wafv2.web_acls;
    let arn = match (given.arn, &given.name, &given.scope, &given.id) {
        (Some(arn), None, None, None) => arn,
        (None, Some(name), Some(scope), Some(id)) => {
            scope::check(cx.region, scope)?;
            scope::find(table, &Which { name, scope, id })?
        }
        _ => {
            let reason = "Provide either the ARN, or the name, the scope and the id.";
            return Err(invalid(reason, "WEB_ACL", "WebACL"));
        }
    };
    let web_acl = table.find(&arn)?;
    Ok(json!({"WebACL": web_acl.shown(), "LockToken": web_acl.lock_token}))
}

/// API Reference, UpdateWebACL: "This operation completely replaces the mutable specifications".
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (Named { name, scope, id, lock_token, .. }, settings) = call.input::<Given>()?.split();
    let place = Place { state: &cx.r.wafv2, region: cx.region, scope: &scope };
    place.check_scope()?;
    let which = Which { name: &name, scope: &scope, id: &id };
    let arn = scope::find_to_change(&cx.r.wafv2.web_acls, &which, &lock_token)?;
    let capacity = settings.check(&place)?;
    let lock_token = cx.r.wafv2.uuid();
    if let Some(web_acl) = cx.r.wafv2.web_acls.get_mut(&arn) {
        web_acl.settings = settings;
        web_acl.capacity = capacity;
        web_acl.lock_token.clone_from(&lock_token);
    }
    Ok(json!({"NextLockToken": lock_token}))
}

/// API Reference, DeleteWebACL: "Before deleting any web ACL, first disassociate it from all resources." Its logging
/// goes with it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, scope, id, lock_token): (String, String, String, String) =
        call.members(&["Name", "Scope", "Id", "LockToken"])?;
    scope::check(cx.region, &scope)?;
    let state = &mut cx.r.wafv2;
    let which = Which { name: &name, scope: &scope, id: &id };
    let arn = scope::find_to_change(&state.web_acls, &which, &lock_token)?;
    if let Some((resource, _)) = state.associations.iter().find(|(_, acl)| **acl == arn) {
        return Err(associated(resource));
    }
    state.web_acls.remove(&arn);
    state.logging.remove(&arn);
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (scope, next_marker, limit): (String, Option<String>, Option<usize>) =
        call.members(&["Scope", "NextMarker", "Limit"])?;
    scope::check(cx.region, &scope)?;
    let all = cx.r.wafv2.web_acls.iter().filter(|(_, found)| found.scope == scope);
    let all = all.map(|(arn, found)| (arn, summary(found)));
    // API Reference, ListWebACLs, `Limit`: 100 at most. A marker is the ARN of the last one shown.
    let (page, next) = page_by_key(all, next_marker.as_deref(), limit.unwrap_or(100));
    Ok(json!({"WebACLs": page, "NextMarker": next}))
}
