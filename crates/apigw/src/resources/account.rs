//! The settings of API Gateway for the account in a region: one object, always there, for all APIs of all stacks. What
//! matters of it is the role by which API Gateway writes logs.
//!
//! So nobody owns it, and this is how stacks share it:
//!
//! - where a role is set that is not this project's, it stays as it is and is used, whatever its name;
//! - otherwise the role `payment-apigw-logs-REGION` is set, the same for all environments, and made where it is not there
//!   yet. That belongs to this object: a role that each stack had for itself would take everybody's logs along with it;
//! - deleting does nothing. Other stages may log with the role, and AWS cannot say which. Role and setting stay, as they do
//!   with CloudFormation and Terraform; both cost nothing.
//!
//! A role that no stack owns is a way in that no stack would look at. So every stack that logs with it compares it, and takes away
//! what nobody needs there: other policies, and a trust that lets in anybody but API Gateway. That is no fight between stacks,
//! whatever version of this program deploys them: all versions make the role with the same trust and the one policy of AWS, and one
//! that needs more must call its role otherwise. A trust that is only narrower, by a condition or a denial, stays as it is, and so
//! does a permissions boundary: organisations add both. A role that is set and not this project's is not looked at.
//!
//! Wait: a role that was made a moment ago is refused for its permissions, and API Gateway tries it by writing a log. Read: an
//! account without a role has an empty text. Update: one role is all that it changes. No state is terminal: there is none.

use async_trait::async_trait;
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::tags::PROJECT;
use aws::{CallResult, Called, Context, RoleArn, required};
use aws_sdk_iam::types::Tag;
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ForeignId, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calls::{OfGateway, gateway, replace};

/// The properties of the account's settings. They refer to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Account {
    /// The role by which API Gateway writes logs, unless another one is set already. Unlike in CloudFormation, the role is
    /// made where it is missing. `None` where logs cannot be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_role_arn: Option<RoleArn>,
    /// Who may take the role, where that is not API Gateway alone. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role_policy_document: Option<PolicyDocument>,
    /// Policies of AWS or of the account that the role has beside the one that it needs, by ARN. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed_policy_arns: Vec<String>,
    /// Policies of its own that the role has, by name. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AccountOutputs<S: Stage> {
    /// Account and region. A reference to it waits until API Gateway can write logs.
    pub id: S::Of<String>,
}

impl Declares for Account {
    type Resolved = Self;
}

/// The policy of AWS that lets API Gateway write logs.
const POLICY: &str = "iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs";

/// What API Gateway says about a role that it cannot use, such as one that was made a moment ago.
const UNUSABLE: [&str; 2] = ["required permissions", "could not successfully write to CloudWatch Logs"];

fn outputs(cx: &Context) -> AccountOutputs<Resolved> {
    AccountOutputs { id: format!("{}/{}", cx.account_id(), cx.region()) }
}

async fn live_role(cx: &Context) -> Result<Option<String>, CallError> {
    let answer = gateway(cx).get_account().send().await.called("GetAccount")?;
    Ok(answer.cloudwatch_role_arn.filter(|arn| !arn.is_empty()))
}

fn policy_arn(cx: &Context) -> String {
    format!("arn:{}:{POLICY}", cx.partition())
}

/// What there is of the role that is declared.
#[derive(Clone, Debug, PartialEq)]
enum LogsRole {
    Missing,
    /// Without the project's tag: of another project, or made by hand. Never touched.
    SomebodyElses,
    /// Ours.
    Ours {
        /// Whether it may write logs.
        may_write: bool,
        /// What nobody needs there.
        added: Added,
    },
}

/// What somebody has added to the role.
#[derive(Clone, Debug, Default, PartialEq)]
struct Added {
    trust: Option<PolicyDocument>,
    managed: Vec<String>,
    inline: Vec<String>,
}

/// Who writes the logs.
const GATEWAY: &str = "apigateway.amazonaws.com";

/// Lets API Gateway take the role, and nobody else.
fn trust() -> PolicyDocument {
    let service = Principal::Service(GATEWAY.to_owned());
    PolicyDocument::new([Statement::allow(["sts:AssumeRole"]).principal(service)])
}

/// Whether a trust lets API Gateway take the role, perhaps under conditions, and nobody else.
fn is_for_gateway_alone(live: &PolicyDocument) -> bool {
    let only = |value: &Value, wanted: &str| match value {
        Value::Array(items) => items.len() == 1 && items[0] == wanted,
        value => value == wanted,
    };
    let Ok(document) = serde_json::from_str::<Value>(&live.to_json()) else { return false };
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    let mut allowing = statements.iter().filter(|statement| statement["Effect"] != "Deny").peekable();
    allowing.peek().is_some()
        && allowing.all(|statement| {
            let principal = statement["Principal"].as_object();
            only(&statement["Action"], "sts:AssumeRole")
                && principal.is_some_and(|named| {
                    named.len() == 1 && only(&statement["Principal"]["Service"], GATEWAY)
                })
        })
}

impl Account {
    /// The settings with this role. What others have added is never declared.
    #[must_use]
    pub fn with_role(cloud_watch_role_arn: Option<RoleArn>) -> Self {
        Self {
            cloud_watch_role_arn,
            assume_role_policy_document: None,
            managed_policy_arns: Vec::new(),
            policies: Vec::new(),
        }
    }

    fn role_name(&self) -> Option<&str> {
        self.cloud_watch_role_arn.as_ref()?.as_str().rsplit('/').next()
    }

    async fn logs_role(&self, cx: &Context, name: &str) -> Result<LogsRole, CallError> {
        let answer = cx.iam().get_role().role_name(name).send().await.called("GetRole").if_exists()?;
        let Some(answer) = answer else { return Ok(LogsRole::Missing) };
        let live = required(answer.role, "GetRole", "Role")?;
        if !live.tags().iter().any(|tag| tag.key() == PROJECT && tag.value() == cx.identity().project) {
            return Ok(LogsRole::SomebodyElses);
        }
        let attached = cx.iam().list_attached_role_policies().role_name(name).into_paginator().items().send();
        let attached = attached.try_collect().await.called("ListAttachedRolePolicies")?;
        let inline = cx.iam().list_role_policies().role_name(name).into_paginator().items().send();
        let inline = inline.try_collect().await.called("ListRolePolicies")?;
        let policy = policy_arn(cx);
        let attached = attached.into_iter().filter_map(|one| one.policy_arn);
        let (needed, managed): (Vec<_>, Vec<_>) = attached.partition(|arn| *arn == policy);
        let live = PolicyDocument::parse(live.assume_role_policy_document().unwrap_or_default(), "GetRole")?;
        let trust = Some(live).filter(|live| !is_for_gateway_alone(live));
        Ok(LogsRole::Ours { may_write: !needed.is_empty(), added: Added { trust, managed, inline } })
    }

    /// Takes away what somebody has added. The trust first, lest anybody use the rest meanwhile.
    async fn take_away(&self, cx: &Context, name: &str, added: &Added) -> Result<(), CallError> {
        if added.trust.is_some() {
            let request = cx.iam().update_assume_role_policy().role_name(name);
            let request = request.policy_document(trust().to_json());
            request.send().await.called("UpdateAssumeRolePolicy")?;
            cx.made_access();
        }
        for policy in &added.inline {
            let request = cx.iam().delete_role_policy().role_name(name).policy_name(policy);
            request.send().await.called("DeleteRolePolicy").gone_is_ok()?;
        }
        for arn in &added.managed {
            let request = cx.iam().detach_role_policy().role_name(name).policy_arn(arn);
            request.send().await.called("DetachRolePolicy").gone_is_ok()?;
        }
        Ok(())
    }

    /// Tagged with the project, but with no environment: it is nobody's alone.
    async fn make_role(&self, cx: &Context, name: &str) -> Result<(), CallError> {
        let tag = Tag::builder().key(PROJECT).value(&cx.identity().project).build();
        let request = cx
            .iam()
            .create_role()
            .role_name(name)
            .description("Lets API Gateway write logs, for all APIs in one region")
            .assume_role_policy_document(trust().to_json())
            .tags(tag.expect("a key and a value are given"));
        match request.send().await.called("CreateRole") {
            // Another stack was faster.
            Err(error) if error.class == ErrorClass::AlreadyExists => Ok(()),
            answer => {
                cx.made_access();
                answer.map(drop)
            }
        }
    }

    /// Sees to it that API Gateway can write logs. Sends nothing where it can.
    async fn ensure(&self, cx: &Context) -> Result<(), CallError> {
        let (Some(role), Some(name)) = (&self.cloud_watch_role_arn, self.role_name()) else { return Ok(()) };
        let live = live_role(cx).await?;
        if live.as_deref().is_some_and(|live| live != role.as_str()) {
            return Ok(());
        }
        let found = self.logs_role(cx, name).await?;
        if found == LogsRole::SomebodyElses {
            // Where it is set, it is used like any other; setting it is another matter.
            return match live {
                Some(_) => Ok(()),
                None => Err(CallError::conflict(
                    format!("looking for role {name}"),
                    format!(
                        "it exists already and its tags do not say that it is of project {}; set the role that is to write \
                         the region's logs in API Gateway's settings: it is then used as it is",
                        cx.identity().project
                    ),
                )),
            };
        }
        match &found {
            LogsRole::Missing => self.make_role(cx, name).await?,
            LogsRole::Ours { added, .. } => self.take_away(cx, name, added).await?,
            LogsRole::SomebodyElses => {}
        }
        if !matches!(found, LogsRole::Ours { may_write: true, .. }) {
            let request = cx.iam().attach_role_policy().role_name(name).policy_arn(policy_arn(cx));
            request.send().await.called("AttachRolePolicy").once_visible()?;
        }
        if live.is_some() {
            return Ok(());
        }
        let request = gateway(cx).update_account().patch_operations(replace("/cloudwatchRoleArn", role));
        let answer = request.send().await.called("UpdateAccount").of_gateway();
        let unusable = |answer: Result<_, _>, text: &&str| {
            answer.classed_saying("BadRequestException", text, ErrorClass::NotYet)
        };
        UNUSABLE.iter().fold(answer, unusable).once_passed(cx).map(drop)
    }
}

#[async_trait]
impl Resource for Account {
    const KIND: &'static str = "AWS::ApiGateway::Account";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Nothing,
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        // Its role is made beside it, and CloudFormation would put it over the one that the account has already.
        template: Template { left_out: true, ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 12, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Id"],
            words: "the id of the account and the region, joined by a slash",
            example: "123456789012/ap-southeast-1",
        },
        reads: Reads { least: 1, most: 4, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = AccountOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some("account".to_owned())
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<AccountOutputs<Resolved>>, CallError> {
        Ok(Some(outputs(cx)))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<AccountOutputs<Resolved>>, CallError> {
        // There is one for each account and region.
        Ok(Some(outputs(cx)).filter(|outputs| outputs.id == id.part("Id")))
    }

    /// It is always there, so there is nothing to call.
    async fn create(&self, cx: &Context, _intent: &Intent) -> Result<AccountOutputs<Resolved>, CallError> {
        Ok(outputs(cx))
    }

    async fn configure(&self, cx: &Context, _outputs: &AccountOutputs<Resolved>) -> Result<(), CallError> {
        self.ensure(cx).await
    }

    async fn read(
        &self,
        cx: &Context,
        _outputs: &AccountOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let (works, added) = match (live_role(cx).await?, self.role_name()) {
            (None, _) => (false, Added::default()),
            (Some(live), Some(name)) if self.cloud_watch_role_arn == Some(live.as_str().into()) => {
                match self.logs_role(cx, name).await? {
                    LogsRole::Missing => (false, Added::default()),
                    LogsRole::SomebodyElses => (true, Added::default()),
                    LogsRole::Ours { may_write, added } => (may_write, added),
                }
            }
            // Somebody else's, and for somebody else to look after.
            (Some(_), _) => (true, Added::default()),
        };
        Ok(Some(Self {
            cloud_watch_role_arn: self.cloud_watch_role_arn.clone().filter(|_| works),
            assume_role_policy_document: added.trust,
            managed_policy_arns: added.managed,
            policies: added.inline,
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &AccountOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<AccountOutputs<Resolved>, CallError> {
        self.ensure(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, _cx: &Context, _outputs: &AccountOutputs<Resolved>) -> Result<(), CallError> {
        Ok(())
    }

    async fn poll_gone(&self, _cx: &Context, _outputs: &AccountOutputs<Resolved>) -> Result<bool, CallError> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_for_gateway_alone(statements: &str) -> bool {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
        super::is_for_gateway_alone(&PolicyDocument::parse(&text, "GetRole").unwrap())
    }

    const OURS: &str =
        r#"{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}"#;

    #[test]
    fn a_trust_may_be_narrower_and_nothing_else() {
        let condition = r#""Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}"#;
        let narrower = format!("{},{condition}}}", &OURS[..OURS.len() - 1]);
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}"#;
        assert!(super::is_for_gateway_alone(&trust()) && is_for_gateway_alone(OURS));
        assert!(is_for_gateway_alone(&narrower) && is_for_gateway_alone(&format!("[{OURS},{deny}]")));
        let also = |what: &str| format!("[{OURS},{what}]");
        for (from, to) in [
            (r#"{"Service":"apigateway.amazonaws.com"}"#, r#""*""#),
            (r#"{"Service":"apigateway.amazonaws.com"}"#, r#"{"AWS":"arn:aws:iam::210987654321:root"}"#),
            (r#""apigateway.amazonaws.com""#, r#"["apigateway.amazonaws.com","lambda.amazonaws.com"]"#),
            (r#"}"#, r#","AWS":"*"}"#),
            ("sts:AssumeRole", "sts:*"),
            (r#""Principal""#, r#""NotPrincipal""#),
        ] {
            let other = OURS.replacen(from, to, 1);
            assert!(!is_for_gateway_alone(&other) && !is_for_gateway_alone(&also(&other)), "{other}");
        }
        // Nobody can take it at all.
        assert!(!is_for_gateway_alone(deny) && !is_for_gateway_alone("[]"));
    }
}
