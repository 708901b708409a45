//! An IAM role: who may take it, and what it may then do.
//!
//! The surprise: IAM is one database for the whole world, copied outwards for seconds after each change. A
//! service that is handed a role too early says that it cannot assume it; whoever hands it over treats that as
//! "not yet". And a role cannot be deleted while it has policies, so the delete takes them away first.
//!
//! - **Wait**: `NoSuchEntity` for a role that was made a moment ago. That the role can be used, no call shows.
//! - **Rewritten on read**: documents are URL-encoded, a list of one becomes its element, an account's number the ARN of its
//!   root; a principal that was deleted is shown by its id.
//! - **Silent**: nothing; but a service goes on with the credentials that it has for up to an hour.
//! - **Terminal**: there are no states.

use async_trait::async_trait;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Order,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::error::{CallResult, Called, required};
use crate::policy::PolicyDocument;
use crate::tags::{LiveTags, TagPairs};
use crate::wire::{in_order_of, number};
use crate::{Context, RoleArn, RoleName, Tags, converge};

/// How long a session lasts where the role does not say: one hour, in seconds.
const DEFAULT_SESSION_SECONDS: u32 = 3600;

/// The properties of a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Role<S: Stage = Declared> {
    /// Its name, unique in the account, for all regions together.
    pub role_name: RoleName,
    /// Who may take it.
    pub assume_role_policy_document: PolicyDocument,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The longest session, in seconds, 3600 to 43200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<u32>,
    /// What it may do: policies of its own, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<InlinePolicy>,
    /// What it may do: shared policies, by ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_policy_arns: Vec<S::Of<String>>,
    /// What people see.
    pub tags: Tags,
}

/// A policy that belongs to one role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InlinePolicy {
    /// Its name, unique in the role.
    pub policy_name: String,
    /// What it allows.
    pub policy_document: PolicyDocument,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RoleOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<RoleArn>,
    /// The name; a reference to it waits until the role exists and has its policies.
    pub role_name: S::Of<RoleName>,
}

impl Declares for Role<Declared> {
    type Resolved = Role<Resolved>;
}

async fn inline_policy_names(cx: &Context, role: &str) -> Result<Vec<String>, CallError> {
    let pages = cx.iam().list_role_policies().role_name(role).into_paginator().items().send();
    pages.try_collect().await.called("ListRolePolicies")
}

async fn managed_policy_arns(cx: &Context, role: &str) -> Result<Vec<String>, CallError> {
    let pages = cx.iam().list_attached_role_policies().role_name(role).into_paginator().items().send();
    let attached = pages.try_collect().await.called("ListAttachedRolePolicies")?;
    Ok(attached.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

impl Role<Resolved> {
    async fn read_inline_policies(&self, cx: &Context, role: &str) -> Result<Vec<InlinePolicy>, CallError> {
        const OPERATION: &str = "GetRolePolicy";
        let mut policies = Vec::new();
        for policy_name in inline_policy_names(cx, role).await? {
            let request = cx.iam().get_role_policy().role_name(role).policy_name(&policy_name);
            // One that went since the list was made is not there any more.
            let Some(answer) = request.send().await.called(OPERATION).if_exists()? else { continue };
            let live = PolicyDocument::parse(&answer.policy_document, OPERATION)?;
            let recorded = self.policies.iter().find(|one| one.policy_name == policy_name);
            let policy_document = match recorded {
                Some(recorded) => recorded.policy_document.unless_changed(live),
                None => live,
            };
            policies.push(InlinePolicy { policy_name, policy_document });
        }
        Ok(in_order_of(&self.policies, policies, |one| one.policy_name.clone()))
    }

    async fn read_managed_policies(&self, cx: &Context, role: &str) -> Result<Vec<String>, CallError> {
        let arns = managed_policy_arns(cx, role).await?;
        Ok(in_order_of(&self.managed_policy_arns, arns, Clone::clone))
    }

    async fn put_inline_policies(&self, cx: &Context, role: &str, before: &Self) -> Result<(), CallError> {
        let wanted = |name: &str| self.policies.iter().any(|policy| policy.policy_name == name);
        for policy in self.policies.iter().filter(|policy| !before.policies.contains(policy)) {
            let request = cx.iam().put_role_policy().role_name(role).policy_name(&policy.policy_name);
            let request = request.policy_document(policy.policy_document.to_json());
            request.send().await.called("PutRolePolicy").once_visible()?;
        }
        for policy in before.policies.iter().filter(|policy| !wanted(&policy.policy_name)) {
            delete_inline_policy(cx, role, &policy.policy_name).await?;
        }
        Ok(())
    }

    async fn attach_managed_policies(
        &self,
        cx: &Context,
        role: &str,
        before: &Self,
    ) -> Result<(), CallError> {
        let (wanted, live) = (&self.managed_policy_arns, &before.managed_policy_arns);
        for arn in wanted.iter().filter(|arn| !live.contains(arn)) {
            let request = cx.iam().attach_role_policy().role_name(role).policy_arn(arn);
            request.send().await.called("AttachRolePolicy").once_visible()?;
        }
        for arn in live.iter().filter(|arn| !wanted.contains(arn)) {
            detach_managed_policy(cx, role, arn).await?;
        }
        Ok(())
    }

    async fn retag(&self, cx: &Context, role: &str, before: &Self) -> Result<(), CallError> {
        let remove = async |keys| {
            let request = cx.iam().untag_role().role_name(role).set_tag_keys(Some(keys));
            request.send().await.called("UntagRole").map(drop)
        };
        let set = async |tags: TagPairs| {
            let request = cx.iam().tag_role().role_name(role).set_tags(Some(tags.iam()));
            request.send().await.called("TagRole").map(drop)
        };
        before.tags.changes_to(&self.tags).send(remove, set).await
    }
}

async fn delete_inline_policy(cx: &Context, role: &str, policy: &str) -> Result<(), CallError> {
    let request = cx.iam().delete_role_policy().role_name(role).policy_name(policy);
    request.send().await.called("DeleteRolePolicy").gone_is_ok()
}

async fn detach_managed_policy(cx: &Context, role: &str, arn: &str) -> Result<(), CallError> {
    let request = cx.iam().detach_role_policy().role_name(role).policy_arn(arn);
    request.send().await.called("DetachRolePolicy").gone_is_ok()
}

#[async_trait]
impl Resource for Role<Resolved> {
    const KIND: &'static str = "AWS::IAM::Role";
    const FACTS: Facts = Facts {
        name: Named::ByName("RoleName"),
        create_only: CreateOnly::These(&["RoleName"]),
        lists: &[
            Listed::TAGS,
            Listed { path: "AssumeRolePolicyDocument.Statement", key: "Sid" },
            Listed { path: "Policies", key: "PolicyName" },
            Listed { path: "Policies.PolicyDocument.Statement", key: "Sid" },
        ],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RoleName"],
            words: "the name of the role",
            example: "payment-ecs-task-ap-southeast-1-dev",
        },
        reads: Reads { least: 3, most: 4, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    /// Who runs in the role with a permission that is to go, such as the tasks of before, keeps it as long as it runs.
    const ORDER: Order = Order { widened_first: &["Policies"], ..Order::NONE };
    const CLOSED: &'static [&'static str] =
        &["Description", "MaxSessionDuration", "Policies", "ManagedPolicyArns"];
    type Context = Context;
    type Declared = Role<Declared>;
    type Outputs<S: Stage> = RoleOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.role_name.to_string())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<RoleOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetRole";
        let request = cx.iam().get_role().role_name(self.role_name.as_str());
        let Some(answer) = request.send().await.called(OPERATION).if_exists()? else { return Ok(None) };
        let live = required(answer.role, OPERATION, "Role")?;
        cx.adopt(&format!("role {}", self.role_name), &LiveTags::iam(live.tags()), search)?;
        Ok(Some(RoleOutputs { arn: live.arn.into(), role_name: live.role_name.into() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<RoleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRole";
        let request = cx
            .iam()
            .create_role()
            .role_name(self.role_name.as_str())
            .assume_role_policy_document(self.assume_role_policy_document.to_json())
            .set_description(self.description.clone())
            .set_max_session_duration(self.max_session_duration.map(number))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.iam()));
        let answer = request.send().await.called(OPERATION)?;
        cx.made_access();
        let live = required(answer.role, OPERATION, "Role")?;
        Ok(RoleOutputs { arn: live.arn.into(), role_name: live.role_name.into() })
    }

    async fn configure(&self, cx: &Context, outputs: &RoleOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &RoleOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        const OPERATION: &str = "GetRole";
        let role = outputs.role_name.as_str();
        let request = cx.iam().get_role().role_name(role);
        let Some(answer) = request.send().await.called(OPERATION).if_exists()? else { return Ok(None) };
        let live = required(answer.role, OPERATION, "Role")?;
        let Some(policies) = self.read_inline_policies(cx, role).await.if_exists()? else { return Ok(None) };
        let Some(arns) = self.read_managed_policies(cx, role).await.if_exists()? else { return Ok(None) };
        let trust = live.assume_role_policy_document.clone().unwrap_or_default();
        let trust = PolicyDocument::parse(&trust, OPERATION)?;
        let session = live.max_session_duration.and_then(|seconds| u32::try_from(seconds).ok());
        Ok(Some(Self {
            role_name: live.role_name.clone().into(),
            assume_role_policy_document: self.assume_role_policy_document.unless_changed(trust),
            description: live.description.clone().filter(|text| !text.is_empty()),
            // IAM always reports a duration; its default is what a role has that does not say.
            max_session_duration: session
                .filter(|live| *live != DEFAULT_SESSION_SECONDS || self.max_session_duration.is_some()),
            policies,
            managed_policy_arns: arns,
            tags: LiveTags::iam(live.tags()).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RoleOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<RoleOutputs<Resolved>, CallError> {
        let role = outputs.role_name.as_str();
        let before = &changed.before;
        if changed.has("AssumeRolePolicyDocument") {
            let request = cx.iam().update_assume_role_policy().role_name(role);
            let request = request.policy_document(self.assume_role_policy_document.to_json());
            request.send().await.called("UpdateAssumeRolePolicy")?;
        }
        if changed.has("Description") || changed.has("MaxSessionDuration") {
            let request = cx
                .iam()
                .update_role()
                .role_name(role)
                .description(self.description.clone().unwrap_or_default())
                .max_session_duration(number(self.max_session_duration.unwrap_or(DEFAULT_SESSION_SECONDS)));
            request.send().await.called("UpdateRole")?;
        }
        if changed.has("Policies") {
            self.put_inline_policies(cx, role, before).await?;
        }
        if changed.has("ManagedPolicyArns") {
            self.attach_managed_policies(cx, role, before).await?;
        }
        self.retag(cx, role, before).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &RoleOutputs<Resolved>) -> Result<(), CallError> {
        let role = outputs.role_name.as_str();
        for policy in inline_policy_names(cx, role).await.if_exists()?.unwrap_or_default() {
            delete_inline_policy(cx, role, &policy).await?;
        }
        for arn in managed_policy_arns(cx, role).await.if_exists()?.unwrap_or_default() {
            detach_managed_policy(cx, role, &arn).await?;
        }
        cx.iam().delete_role().role_name(role).send().await.called("DeleteRole").gone_is_ok()
    }
}
