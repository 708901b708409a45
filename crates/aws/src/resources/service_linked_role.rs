//! A role that belongs to an AWS service: by it the service works in the account.
//!
//! AWS makes such a role when its service first needs it, and then the surprise comes: the very call that needed it may be
//! refused, since the service does not know its own new role yet (RDS: `InvalidParameterValue`, ECS:
//! `InvalidParameterException`, Application Auto Scaling: `ValidationException`, WAF:
//! `WAFServiceLinkedRoleErrorException`). So tiers declare the role, and let wait for it what needs it
//! ([`ServiceLinkedRole::before`]). The kinds that need one retry these refusals all the same.
//!
//! There is one for each service in an account, and it is nobody's:
//!
//! - where it exists, it is used as it is, whoever made it, without tags of ours. Several tiers and environments may declare
//!   the same;
//! - it always stays. IAM deletes one only if its service allows it, and others may need it;
//! - where the caller may not make it, that is no error: the service makes it, or says what is missing;
//! - a CloudFormation template leaves it out. CloudFormation fails to create one that exists, and each service makes its own.
//!
//! A role that was made needs seconds until its service knows it, which no call shows. GetRole shows it before that.
//! Nothing about it can be changed, and no state of it is terminal.

use async_trait::async_trait;
use engine::{
    CallError, Changed, CreateOnly, DeclareError, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Scope, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::error::{CallResult, Called};
use crate::{Context, DeletionPolicy};

/// The services whose roles tiers declare, and how the roles are called (the sections on service-linked roles in the guides
/// of AWS Backup, Amazon ECS, Application Auto Scaling, Elastic Load Balancing, API Gateway, Amazon RDS and AWS WAF).
///
/// Other services that are called have none for what is done here: EventBridge Scheduler, Lambda, SNS, SQS, Secrets Manager,
/// flow logs and RDS Enhanced Monitoring take roles that are handed to them, or none at all.
const SERVICES: [(&str, &str); 7] = [
    ("backup.amazonaws.com", "AWSServiceRoleForBackup"),
    ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
    ("ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
    ("wafv2.amazonaws.com", "AWSServiceRoleForWAFV2Logging"),
];

/// The properties of the role. They refer to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceLinkedRole {
    /// The service's principal, such as `ecs.amazonaws.com`.
    #[serde(rename = "AWSServiceName")]
    pub aws_service_name: String,
    /// Always [`DeletionPolicy::Retain`]: it stays.
    pub deletion_policy: DeletionPolicy,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceLinkedRoleOutputs<S: Stage> {
    /// The role's name.
    pub role_name: S::Of<String>,
    /// Whether the caller was not allowed to make it, so that it comes with the service's first need of it.
    pub left_to_service: S::Of<bool>,
}

impl Declares for ServiceLinkedRole {
    type Resolved = Self;
}

/// Whether a role exists.
async fn exists(cx: &Context, role: &str) -> Result<bool, CallError> {
    let answer = cx.iam().get_role().role_name(role).send().await.called("GetRole");
    Ok(answer.if_exists()?.is_some())
}

impl ServiceLinkedRole {
    /// The role of a service.
    #[must_use]
    pub fn of(service: &str) -> Self {
        Self { aws_service_name: service.to_owned(), deletion_policy: DeletionPolicy::Retain }
    }

    /// Declares the role of a service, and that resources of the scope wait for it.
    ///
    /// # Errors
    /// Where the name is taken, or one of `needed_by` is not declared yet.
    pub fn before(
        scope: &mut Scope,
        name: &str,
        service: &str,
        needed_by: &[&str],
    ) -> Result<(), DeclareError> {
        scope.add(name, Self::of(service))?;
        needed_by.iter().try_for_each(|needs| scope.wait(needs, name))
    }

    fn role_name(&self) -> Result<&'static str, CallError> {
        let known = SERVICES.iter().find(|(service, _)| *service == self.aws_service_name);
        known.map(|(_, role)| *role).ok_or_else(|| {
            let message =
                format!("the name of the role that belongs to {} is not known", self.aws_service_name);
            CallError::new(ErrorClass::Invalid, "CreateServiceLinkedRole", message)
        })
    }

    fn outputs(&self, left_to_service: bool) -> Result<ServiceLinkedRoleOutputs<Resolved>, CallError> {
        Ok(ServiceLinkedRoleOutputs { role_name: self.role_name()?.to_owned(), left_to_service })
    }
}

#[async_trait]
impl Resource for ServiceLinkedRole {
    const KIND: &'static str = "AWS::IAM::ServiceLinkedRole";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["AWSServiceName"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[DeletionPolicy::KEEP],
        limits: &[],
        template: Template {
            own_properties: &[DeletionPolicy::PROPERTY],
            left_out: true,
            ..Template::AS_DECLARED
        },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 60 } },
        import: ImportId {
            parts: &["AWSServiceName"],
            words: "the principal of the service",
            example: "ecs.amazonaws.com",
        },
        reads: Reads { least: 1, most: 1, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = ServiceLinkedRoleOutputs<S>;

    /// None, though there is only one: it is shared.
    fn claim(&self) -> Option<String> {
        None
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<ServiceLinkedRoleOutputs<Resolved>>, CallError> {
        match exists(cx, self.role_name()?).await? {
            true => self.outputs(false).map(Some),
            false => Ok(None),
        }
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<ServiceLinkedRoleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateServiceLinkedRole";
        if exists(cx, self.role_name()?).await? {
            return Err(CallError::new(ErrorClass::AlreadyExists, OPERATION, "the role exists"));
        }
        let request = cx.iam().create_service_linked_role().aws_service_name(&self.aws_service_name);
        let answer = request.send().await.called(OPERATION);
        // It was made in between.
        match answer.classed_saying("InvalidInput", "has been taken", ErrorClass::AlreadyExists) {
            Ok(_) => self.outputs(false),
            Err(error) if error.class == ErrorClass::Denied => self.outputs(true),
            Err(error) => Err(error),
        }
    }

    async fn poll_ready(
        cx: &Context,
        known: &ServiceLinkedRoleOutputs<Resolved>,
    ) -> Result<Readiness<ServiceLinkedRoleOutputs<Resolved>>, CallError> {
        Ok(match known.left_to_service || exists(cx, &known.role_name).await? {
            true => Readiness::Ready(known.clone()),
            false => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    /// One that is not there, and cannot be made, is not missed.
    async fn read(
        &self,
        cx: &Context,
        known: &ServiceLinkedRoleOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let is_there = known.left_to_service || exists(cx, &known.role_name).await?;
        Ok(is_there.then(|| self.clone()))
    }

    async fn update(
        &self,
        _cx: &Context,
        known: &ServiceLinkedRoleOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<ServiceLinkedRoleOutputs<Resolved>, CallError> {
        Ok(known.clone())
    }

    async fn delete(
        &self,
        _cx: &Context,
        _known: &ServiceLinkedRoleOutputs<Resolved>,
    ) -> Result<(), CallError> {
        Ok(())
    }

    async fn poll_gone(
        &self,
        _cx: &Context,
        _known: &ServiceLinkedRoleOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(true)
    }
}
