//! The roles themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy::Policy;
use super::{Answer, Cx, State, attached, exceeded, invalid_input, listed, missing, tags, trust, unique_id};
use crate::protocol::parameters::percent_encode;
use crate::services::{
    ACCOUNT_ID, Call, Object, Refusal, Spread, Table, Tag, Tags, refuse_if, spread, tag_list, to_json,
};

/// Roles that an account may have (IAM User Guide, "IAM and AWS STS quotas": 1000 unless raised).
const PER_ACCOUNT: usize = 1000;

/// The path under which AWS keeps the roles of its services, and nobody else any
/// (IAM User Guide, "Create a service-linked role").
pub(super) const LINKED_PATH: &str = "/aws-service-role/";

/// How long a session is, in seconds, unless it is said (CreateRole, `MaxSessionDuration`).
const SESSION: i64 = 3600;

/// How long a role cannot be handed over, from the second in which it was made. Clients report denials in the same second as
/// CreateRole, whatever their policies say (terraform-aws-modules/terraform-aws-ecs, issues 414 and 415); CreateRole itself may take
/// two seconds to answer here.
const UNPASSABLE_MILLIS: i64 = 4000;

/// From the creation of a role until services can assume it (IAM User Guide, "Changes that I make are not always
/// immediately visible").
pub(super) const ROLE_PROPAGATION: Spread = spread(8.0, 5.0, 12.0);
/// Until KMS knows it as a principal, to which it can grant something: after services can assume it, as the answers of
/// CreateFunction show, which come in that order. Estimate.
const PRINCIPAL_PROPAGATION: Spread = spread(16.0, 13.0, 20.0);
/// From a change of a role's policies until services know what they allow. Estimate.
const POLICY_PROPAGATION: Spread = spread(15.0, 13.0, 20.0);

/// A role. What other services need of it is behind methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    /// In whole seconds, which is what IAM shows.
    create_date: i64,
    assume_role_policy_document: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    max_session_duration: i64,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_permissionsBoundary", default, skip_serializing_if = "Option::is_none")]
    pub(super) permissions_boundary: Option<String>,
    /// Documents by name.
    #[serde(rename = "_inlinePolicies")]
    pub(super) inline_policies: BTreeMap<String, String>,
    /// ARNs.
    #[serde(rename = "_attachedPolicies")]
    pub(super) attached_policies: BTreeSet<String>,
    /// Until when services do not know it.
    #[serde(rename = "_unseenUntil", default, skip_serializing_if = "Option::is_none")]
    pub(super) unseen_until: Option<i64>,
    /// Until when KMS does not know it as a principal.
    #[serde(rename = "_noPrincipalUntil", default, skip_serializing_if = "Option::is_none")]
    no_principal_until: Option<i64>,
    /// Until when services do not know what its newest policy allows.
    #[serde(rename = "_policiesUnseenUntil", default, skip_serializing_if = "Option::is_none")]
    policies_unseen_until: Option<i64>,
}

/// What a role is made from.
pub(super) struct New {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) trust_policy: String,
    pub(super) description: Option<String>,
    pub(super) max_session_duration: Option<i64>,
}

impl Role {
    pub(super) fn new(new: New, role_id: String, now_millis: i64) -> Self {
        let New { path, name, trust_policy, description, max_session_duration } = new;
        Role {
            arn: format!("arn:aws:iam::{ACCOUNT_ID}:role{path}{name}"),
            path,
            role_name: name,
            role_id,
            create_date: now_millis.div_euclid(1000),
            assume_role_policy_document: trust_policy,
            description: description.filter(|text| !text.is_empty()),
            max_session_duration: max_session_duration.unwrap_or(SESSION),
            tags: Tags::new(),
            permissions_boundary: None,
            inline_policies: BTreeMap::new(),
            attached_policies: BTreeSet::new(),
            unseen_until: None,
            no_principal_until: None,
            policies_unseen_until: None,
        }
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn trust_policy(&self) -> &str {
        &self.assume_role_policy_document
    }

    /// Whether it belongs to a service.
    pub(super) fn is_linked(&self) -> bool {
        self.path.starts_with(LINKED_PATH)
    }

    /// When it was made, in milliseconds.
    pub(crate) fn made_at_millis(&self) -> i64 {
        self.create_date * 1000
    }

    /// Whether services know it.
    pub(crate) fn is_visible(&self, now_millis: i64) -> bool {
        self.unseen_until.is_none_or(|until| until <= now_millis)
    }

    /// Whether nobody may hand it to a service yet: the permission is looked up by the role, and for some seconds there is none.
    pub(super) fn is_too_new_to_pass(&self, now_millis: i64) -> bool {
        !self.is_visible(now_millis) && now_millis < self.made_at_millis() + UNPASSABLE_MILLIS
    }

    /// Whether KMS can grant it something.
    pub(crate) fn is_principal(&self, now_millis: i64) -> bool {
        self.no_principal_until.is_none_or(|until| until <= now_millis)
    }

    /// Whether it may do something, as far as services know: by an inline policy, or by one of these managed ones, of which
    /// only the names are known here. Resources and conditions are not looked at.
    pub(crate) fn is_allowed(&self, action: &str, managed: &[&str], now_millis: i64) -> bool {
        let allows = |document: &String| {
            let policy = Policy::parse(document);
            policy.is_ok_and(|policy| policy.statements.iter().any(|statement| statement.allows(action)))
        };
        let are_known = self.policies_unseen_until.is_none_or(|until| until <= now_millis);
        let has_managed = managed.iter().any(|arn| self.attached_policies.contains(*arn));
        are_known && (has_managed || self.inline_policies.values().any(allows))
    }

    /// As ListRoles shows it: without tags and boundary (IAM API Reference, ListRoles).
    fn short(&self) -> Value {
        let mut value = to_json(self);
        value["AssumeRolePolicyDocument"] = percent_encode(&self.assume_role_policy_document).into();
        value
    }

    /// As GetRole shows it. Nobody has used it (recorded from real AWS: the member is there, and empty).
    fn whole(&self) -> Value {
        let mut value = self.short();
        value["RoleLastUsed"] = json!({});
        self.with_tags(value)
    }

    /// As an operation answers that makes it: neither what it is for nor how long its sessions are is said (IAM API
    /// Reference, CreateRole and CreateServiceLinkedRole, examples; recorded from real AWS).
    pub(super) fn made(&self) -> Value {
        let mut value = self.short();
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| name != "Description" && name != "MaxSessionDuration");
        }
        self.with_tags(value)
    }

    fn with_tags(&self, mut value: Value) -> Value {
        if !self.tags.is_empty() {
            value["Tags"] = tag_list(&self.tags);
        }
        if let Some(arn) = &self.permissions_boundary {
            value["PermissionsBoundary"] =
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        }
        value
    }

    /// The role and its inline policies. Roles that belong to a service are AWS's: no call of IAM's own removes them.
    pub(super) fn objects(&self, home: &str) -> Vec<Object> {
        let policies = self.inline_policies.keys().map(|policy| {
            let id = format!("{policy}|{}", self.role_name);
            let object = Object::new("iam", home, "AWS::IAM::RolePolicy", id, Tags::new());
            object.named(policy).part_of(&self.role_name)
        });
        let role = Object::new("iam", home, "AWS::IAM::Role", &self.role_name, self.tags.clone());
        policies.chain([role.named(&self.role_name).by_default(self.is_linked())]).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateRole {
    path: Option<String>,
    role_name: String,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<i64>,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// Makes a role. Its ARN and id are known at once, and services know it some seconds later (IAM User Guide, "Changes
/// that I make are not always immediately visible").
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: CreateRole = call.input()?;
    let path = given.path.unwrap_or_else(|| "/".to_owned());
    let iam = &cx.global.iam;
    if path.starts_with(LINKED_PATH) {
        let message = format!("The path {path} is reserved for roles that are linked to a service.");
        return Err(invalid_input(message));
    }
    trust::check(&given.assume_role_policy_document, &iam.roles)?;
    let tags = tags::read(given.tags)?;
    // The message is what IAM says of a boundary (IAM User Guide, "Permissions boundaries for IAM entities": it is a
    // managed policy).
    if let Some(arn) = given.permissions_boundary.as_ref().filter(|arn| !attached::may_bound(arn)) {
        return Err(missing(format!("Scope ARN: {arn} does not exist or is not attachable.")));
    }
    let name = given.role_name;
    // Names differ by more than case (IAM API Reference, CreateRole, `RoleName`).
    refuse_if(iam.roles.keys().any(|other| other.eq_ignore_ascii_case(&name)), || exists(&name))?;
    if iam.roles.values().filter(|role| !role.is_linked()).count() >= PER_ACCOUNT {
        return Err(exceeded(format!("Cannot exceed quota for RolesPerAccount: {PER_ACCOUNT}")));
    }
    let role_id = unique_id("AROA", cx.global.iam.ids.number());
    let new = New {
        path,
        name: name.clone(),
        trust_policy: given.assume_role_policy_document,
        description: given.description,
        max_session_duration: given.max_session_duration,
    };
    let role = Role {
        unseen_until: cx.after(ROLE_PROPAGATION, &role_id),
        no_principal_until: cx.after(PRINCIPAL_PROPAGATION, &role_id),
        tags,
        permissions_boundary: given.permissions_boundary,
        ..Role::new(new, role_id, cx.now_millis)
    };
    let answer = json!({"Role": role.made()});
    cx.global.iam.roles.insert(name, role);
    Ok(answer)
}

/// What a role got a moment ago takes its time to be known, like the role itself.
pub(super) fn policy_changed(cx: &mut Cx<'_>, call: &Call) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Named {
        role_name: String,
    }
    let Named { role_name } = call.input()?;
    let unseen_until = cx.after(POLICY_PROPAGATION, &role_name);
    cx.global.iam.roles.find_mut(&role_name)?.policies_unseen_until = unseen_until;
    Ok(())
}

fn exists(name: &str) -> Refusal {
    Refusal::new("EntityAlreadyExists", format!("Role with name {name} already exists.")).with_status(409)
}

impl State {
    pub(super) fn get_role(&self, call: &Call) -> Answer {
        let role_name: String = call.member("RoleName")?;
        Ok(json!({"Role": self.roles.find(&role_name)?.whole()}))
    }

    /// Instance profiles are not modelled, so no role is in one. Tools ask before they delete a role.
    pub(super) fn list_instance_profiles_for_role(&self, call: &Call) -> Answer {
        let (role_name, max_items, marker): (String, Option<usize>, Option<String>) =
            call.members(&["RoleName", "MaxItems", "Marker"])?;
        self.roles.find(&role_name)?;
        listed("InstanceProfiles", Vec::new(), max_items, marker.as_deref())
    }

    pub(super) fn list_roles(&self, call: &Call) -> Answer {
        let (path_prefix, max_items, marker): (Option<String>, Option<usize>, Option<String>) =
            call.members(&["PathPrefix", "MaxItems", "Marker"])?;
        let path_prefix = path_prefix.unwrap_or_default();
        let roles = self.roles.values().filter(|role| role.path.starts_with(&path_prefix));
        listed("Roles", roles.map(Role::short).collect(), max_items, marker.as_deref())
    }

    /// What is not given gets its default (IAM API Reference, UpdateRole, `MaxSessionDuration`). Of a role that
    /// belongs to a service only the description changes (IAM User Guide, "Edit a service-linked role description").
    pub(super) fn update_role(&mut self, call: &Call) -> Answer {
        let (role_name, description, max_session_duration): (String, Option<String>, Option<i64>) =
            call.members(&["RoleName", "Description", "MaxSessionDuration"])?;
        let role = match max_session_duration {
            None => self.roles.find_mut(&role_name)?,
            Some(_) => self.changeable(&role_name)?,
        };
        role.description = description.filter(|text| !text.is_empty());
        role.max_session_duration = max_session_duration.unwrap_or(SESSION);
        Ok(json!({}))
    }

    pub(super) fn update_assume_role_policy(&mut self, call: &Call) -> Answer {
        let (role_name, policy_document): (String, String) = call.members(&["RoleName", "PolicyDocument"])?;
        self.changeable(&role_name)?;
        trust::check(&policy_document, &self.roles)?;
        self.roles.find_mut(&role_name)?.assume_role_policy_document = policy_document;
        Ok(json!({}))
    }

    /// IAM API Reference, DeleteRole: the policies go first, and `DeleteConflict`.
    pub(super) fn delete_role(&mut self, call: &Call) -> Answer {
        let role_name: String = call.member("RoleName")?;
        let role = self.changeable(&role_name)?;
        let conflict = |message: &str| Err(Refusal::new("DeleteConflict", message).with_status(409));
        if !role.inline_policies.is_empty() {
            return conflict("Cannot delete entity, must delete policies first.");
        }
        if !role.attached_policies.is_empty() {
            return conflict("Cannot delete entity, must detach all policies first.");
        }
        self.roles.remove(&role_name);
        Ok(json!({}))
    }
}
