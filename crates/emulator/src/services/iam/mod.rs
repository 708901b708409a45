//! IAM roles and their policies, on winterbaume's IAM.
//!
//! winterbaume holds the state, so its other operations (managed policies, instance profiles) see the same
//! roles. The role operations are ours: winterbaume's leave out description, tags and boundary when
//! they return a role, take the time and ids from outside our seams, return policy documents unencoded and
//! garble names that are not ASCII.

mod attached;
mod shapes;

use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use winterbaume_core::{DEFAULT_ACCOUNT_ID, StatefulService};
use winterbaume_iam::views::{InlinePolicyView, RoleView};
use winterbaume_iam::{IamService, IamStateView};

use self::shapes::{
    check_inline_size, check_tag_count, description, document, name, path, session_duration, tags,
    trust_document,
};
use super::roles::Roles;
use super::{GLOBAL, Service, base};
use crate::clock::{Clock, timestamp};
use crate::ids::IdSource;
use crate::objects::Object;
use crate::parameters::percent_encode;
use crate::request::Call;
use crate::response::{Refusal, Response};

/// winterbaume keeps the state of this global service under the region of its host name.
const BASE_REGION: &str = "us-east-1";

/// The service.
pub(super) struct Iam {
    base: IamService,
    clock: Clock,
    seed: u64,
    ids: Mutex<IdSource>,
    roles: Roles,
}

/// What is stored: winterbaume's view, where our ids have got to, and which roles are too new to be used.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    ids: IdSource,
    iam: IamStateView,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unseen_roles: BTreeMap<String, i64>,
}

impl Iam {
    pub(super) fn new(clock: Clock, seed: u64, roles: Roles) -> Self {
        Iam { base: IamService::new(), clock, seed, ids: Mutex::new(IdSource::new(seed, GLOBAL)), roles }
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, IdSource> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn view(&self) -> IamStateView {
        self.base.snapshot(DEFAULT_ACCOUNT_ID, BASE_REGION).await
    }

    async fn role(&self, name: &str) -> Result<RoleView, Refusal> {
        self.view()
            .await
            .roles
            .remove(name)
            .ok_or_else(|| missing(format!("The role with name {name} cannot be found.")))
    }

    async fn put(&self, role: RoleView) -> Result<(), Refusal> {
        let mut change = IamStateView::default();
        change.roles.insert(role.name.clone(), role);
        self.base
            .merge(DEFAULT_ACCOUNT_ID, BASE_REGION, change)
            .await
            .map_err(|error| Refusal::new("ServiceFailure", error.to_string()).with_status(500))
    }

    /// Our own operations; `None` for those that winterbaume answers.
    async fn own(&self, call: &Call) -> Result<Option<Value>, Refusal> {
        let mut p = call.read();
        let answer = match call.operation.as_str() {
            "CreateRole" => {
                let role = self.new_role(p).await?;
                let answer = json!({"Role": role_value(&role)});
                let (name, id) = (role.name.clone(), role.role_id.clone());
                self.put(role).await?;
                self.roles.created(&name, &id);
                return Ok(Some(answer));
            }
            "GetRole" => {
                let role = self.role(&p.text("RoleName")?).await?;
                p.finish()?;
                json!({"Role": role_value(&role)})
            }
            "ListRoles" => {
                let prefix = p.optional("PathPrefix")?.unwrap_or_default();
                let mut roles: Vec<RoleView> = self.view().await.roles.into_values().collect();
                roles.retain(|role| role.path.starts_with(&prefix));
                roles.sort_by(|a, b| a.name.cmp(&b.name));
                p.number("MaxItems")?;
                p.finish()?;
                // AWS leaves tags and boundary out of this list (IAM API Reference, ListRoles).
                let roles: Vec<Value> = roles.iter().map(short_value).collect();
                json!({"Roles": roles, "IsTruncated": false})
            }
            "AttachRolePolicy" => return self.attach_role_policy(p).await,
            "DetachRolePolicy" => return self.detach_role_policy(p).await,
            "ListAttachedRolePolicies" => self.list_attached_role_policies(p).await?,
            "UpdateRole" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                role.description = description(&mut p)?;
                role.max_session_duration = session_duration(&mut p)?;
                p.finish()?;
                self.put(role).await?;
                json!({})
            }
            "UpdateAssumeRolePolicy" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                role.assume_role_policy_document = trust_document(p.text("PolicyDocument")?)?;
                p.finish()?;
                self.put(role).await?;
                json!({})
            }
            "TagRole" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                role.tags.extend(tags(&mut p)?);
                p.finish()?;
                check_tag_count(&role)?;
                self.put(role).await?;
                json!({})
            }
            "UntagRole" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                for key in p.texts("TagKeys")? {
                    role.tags.remove(&key);
                }
                p.finish()?;
                self.put(role).await?;
                json!({})
            }
            "ListRoleTags" => {
                let role = self.role(&p.text("RoleName")?).await?;
                p.number("MaxItems")?;
                p.finish()?;
                json!({"Tags": tags_value(&role), "IsTruncated": false})
            }
            "PutRolePolicy" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                let policy_name = name(&mut p, "PolicyName", 128)?;
                let policy_document = document(p.text("PolicyDocument")?)?;
                p.finish()?;
                role.inline_policies.retain(|policy| policy.policy_name != policy_name);
                role.inline_policies.push(InlinePolicyView { policy_name, policy_document });
                check_inline_size(&role)?;
                self.put(role).await?;
                json!({})
            }
            "GetRolePolicy" => {
                let role = self.role(&p.text("RoleName")?).await?;
                let policy_name = p.text("PolicyName")?;
                p.finish()?;
                let policy = role
                    .inline_policies
                    .iter()
                    .find(|policy| policy.policy_name == policy_name)
                    .ok_or_else(|| no_policy(&policy_name))?;
                json!({
                    "RoleName": role.name,
                    "PolicyName": policy_name,
                    "PolicyDocument": percent_encode(&policy.policy_document),
                })
            }
            "ListRolePolicies" => {
                let role = self.role(&p.text("RoleName")?).await?;
                p.number("MaxItems")?;
                p.finish()?;
                let mut names: Vec<&str> =
                    role.inline_policies.iter().map(|policy| policy.policy_name.as_str()).collect();
                names.sort_unstable();
                json!({"PolicyNames": names, "IsTruncated": false})
            }
            "DeleteRolePolicy" => {
                let mut role = self.role(&p.text("RoleName")?).await?;
                let policy_name = p.text("PolicyName")?;
                p.finish()?;
                let before = role.inline_policies.len();
                role.inline_policies.retain(|policy| policy.policy_name != policy_name);
                if role.inline_policies.len() == before {
                    return Err(no_policy(&policy_name));
                }
                self.put(role).await?;
                json!({})
            }
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }

    async fn new_role(&self, mut p: crate::parameters::Parameters) -> Result<RoleView, Refusal> {
        let name = name(&mut p, "RoleName", 64)?;
        let path = path(&mut p)?;
        let assume_role_policy_document = trust_document(p.text("AssumeRolePolicyDocument")?)?;
        let description = description(&mut p)?;
        let max_session_duration = session_duration(&mut p)?;
        let permissions_boundary = p.optional("PermissionsBoundary")?;
        let tags = tags(&mut p)?.into_iter().collect();
        p.finish()?;
        // Names differ by more than case (IAM API Reference, CreateRole, `RoleName`).
        let mut roles = self.view().await.roles.into_keys();
        if roles.any(|other| other.eq_ignore_ascii_case(&name)) {
            let message = format!("Role with name {name} already exists.");
            return Err(Refusal::new("EntityAlreadyExists", message).with_status(409));
        }
        let role = RoleView {
            role_id: unique_id("AROA", self.ids().number()),
            account_id: DEFAULT_ACCOUNT_ID.to_owned(),
            arn: format!("arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role{path}{name}"),
            create_date: Some(timestamp(self.clock.now_millis())),
            name,
            path,
            assume_role_policy_document,
            description,
            max_session_duration,
            tags,
            attached_policies: Vec::new(),
            inline_policies: Vec::new(),
            permissions_boundary,
        };
        check_tag_count(&role)?;
        Ok(role)
    }
}

#[async_trait]
impl Service for Iam {
    fn name(&self) -> &'static str {
        "iam"
    }

    fn is_global(&self) -> bool {
        true
    }

    async fn answer(&self, call: &Call) -> Response {
        match self.own(call).await {
            Ok(Some(value)) => Response::success(call, &value),
            Ok(None) => base::forward(&self.base, call, BASE_REGION).await,
            Err(refusal) => call.refuse(refusal),
        }
    }

    fn check(&self, state: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<Saved>(state.clone()).map(drop)
    }

    fn homes(&self) -> Vec<String> {
        vec![GLOBAL.to_owned()]
    }

    async fn save(&self, _home: &str) -> Value {
        let saved = Saved { iam: self.view().await, ids: *self.ids(), unseen_roles: self.roles.save() };
        serde_json::to_value(saved).expect("winterbaume's view is made to be serialised")
    }

    async fn load(&self, _home: &str, state: Option<Value>) -> Result<(), serde_json::Error> {
        let Saved { ids, iam, unseen_roles } = match state {
            Some(state) => serde_json::from_value(state)?,
            None => Saved {
                ids: IdSource::new(self.seed, GLOBAL),
                iam: IamStateView::default(),
                unseen_roles: BTreeMap::new(),
            },
        };
        *self.ids() = ids;
        self.roles.load(unseen_roles);
        self.base.restore(DEFAULT_ACCOUNT_ID, BASE_REGION, iam).await.map_err(serde::de::Error::custom)
    }

    async fn objects(&self, home: &str) -> Vec<Object> {
        let view = self.view().await;
        let kinds = [
            ("policies", "AWS::IAM::ManagedPolicy"),
            ("instance_profiles", "AWS::IAM::InstanceProfile"),
            ("users", "AWS::IAM::User"),
            ("groups", "AWS::IAM::Group"),
        ];
        let value = serde_json::to_value(&view).unwrap_or_default();
        let mut objects = base::listed("iam", home, &value, &kinds);
        for role in view.roles.into_values() {
            objects.extend(role.inline_policies.iter().map(|policy| {
                let id = format!("{}|{}", policy.policy_name, role.name);
                Object::new("iam", home, "AWS::IAM::RolePolicy", id, Default::default())
                    .named(&policy.policy_name)
                    .part_of(&role.name)
            }));
            let tags = role.tags.into_iter().collect();
            objects.push(Object::new("iam", home, "AWS::IAM::Role", &role.name, tags).named(&role.name));
        }
        objects
    }
}

fn short_value(role: &RoleView) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.create_date.as_deref().map(whole_seconds),
        "AssumeRolePolicyDocument": percent_encode(&role.assume_role_policy_document),
        "Description": Some(&role.description).filter(|text| !text.is_empty()),
        "MaxSessionDuration": role.max_session_duration,
    })
}

fn role_value(role: &RoleView) -> Value {
    let mut value = short_value(role);
    if !role.tags.is_empty() {
        value["Tags"] = tags_value(role);
    }
    if let Some(arn) = &role.permissions_boundary {
        value["PermissionsBoundary"] =
            json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
    }
    value
}

/// winterbaume writes dates as `2026-01-01T00:00:00+00:00`; AWS as `2026-01-01T00:00:00Z`.
fn whole_seconds(date: &str) -> String {
    format!("{}Z", date.get(..19).unwrap_or(date))
}

fn tags_value(role: &RoleView) -> Value {
    let mut pairs: Vec<_> = role.tags.iter().collect();
    pairs.sort();
    pairs.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn missing(message: String) -> Refusal {
    Refusal::new("NoSuchEntity", message).with_status(404)
}

fn no_policy(name: &str) -> Refusal {
    missing(format!("The role policy with name {name} cannot be found."))
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
