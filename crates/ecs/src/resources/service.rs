//! An ECS service: it keeps a number of tasks running behind the load balancer, and deploys blue/green.
//!
//! The surprises: it is created after the load balancer's rules, or AWS says that a target group has no load
//! balancer; a deployment that fails is rolled back, which this does not take for a success; how many tasks there are
//! is autoscaling's from the moment on that there are any, and which target group has the requests is ECS's; and a
//! service that is deleted drains for minutes, in which its name is taken.
//!
//! An image that runs may be gone from its repository. No update can bring it back, so that is a remark; and `verify` fails, since the
//! next task cannot start. A service that runs is never taken over by a run that would stop all of its tasks, as one without an image
//! and with a lost state would: that is refused.
//!
//! - **Wait**: `InvalidParameterException` says of a role that is new that ECS is "unable to assume" it, of a target group
//!   whose rule is new that it has no load balancer, of the service's predecessor that it is still draining, and of a delete
//!   that deployments are active. Whether the role may move requests shows only in the deployment, so one that fails for the
//!   role's sake is made once more.
//! - **Rewritten on read**: `LATEST` as the version behind it, an unset grace period as 0; after a rollback the service has
//!   its task definition of before. For seconds after UpdateService all of it is as it was, so the deployment that the call
//!   returned is waited for ([`ServiceOutputs::deployed_at`]). Deployments are listed for 90 days.
//! - **Silent**: an update of load balancers that ECS does not take up. The answer is read back, and a production listener
//!   rule that ECS kept is an error.
//! - **Terminal**: a first deployment that ends as `STOPPED` leaves a service that never ran. `DRAINING` leads to `INACTIVE`.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, EcsServiceName, Tags, converge, count, number, required};
use aws_sdk_ecs::types::{
    AvailabilityZoneRebalancing, DeploymentController as ControllerForCall, DeploymentControllerType,
    LaunchType, PropagateTags, SchedulingStrategy, Service as Live, ServiceField,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, Foreseen, ImportId,
    Intent, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging,
    Template, Times, Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{deployment, ecs, live_tags, retag, tag};
use crate::{ClusterArn, ServiceArn, TaskDefinitionArn};

mod parts;
mod running;

pub use parts::{
    AdvancedConfiguration, AwsvpcConfiguration, CircuitBreaker, DeploymentAlarms, DeploymentConfiguration,
    LifecycleHook, LoadBalancer, NetworkConfiguration,
};
pub use running::{MissingImage, Tasks, tasks};

/// The properties of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Service<S: Stage = Declared> {
    /// Its name, unique in the cluster.
    pub service_name: EcsServiceName,
    /// The cluster that it is in.
    pub cluster: S::Of<ClusterArn>,
    /// What its tasks are made from.
    pub task_definition: S::Of<TaskDefinitionArn>,
    /// With how many tasks it begins, and how many there are at least; 0 for none at all. Once there are any,
    /// autoscaling says how many more.
    pub desired_count: u32,
    /// `FARGATE`.
    pub launch_type: String,
    /// `LATEST`, or a version of Fargate.
    pub platform_version: String,
    /// `REPLICA`: so many tasks, wherever.
    pub scheduling_strategy: String,
    /// Where tasks are.
    pub network_configuration: NetworkConfiguration<S>,
    /// What sends requests to tasks.
    pub load_balancers: Vec<LoadBalancer<S>>,
    /// For how long after its start a task may fail the load balancer's checks, in seconds. ECS refuses it, even 0, where there
    /// is no load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<u32>,
    /// Who deploys.
    pub deployment_controller: DeploymentController,
    /// How.
    pub deployment_configuration: DeploymentConfiguration,
    /// `ENABLED`: tasks are moved so that zones have about as many.
    pub availability_zone_rebalancing: String,
    /// Whether ECS tags tasks with cluster and service.
    #[serde(rename = "EnableECSManagedTags")]
    pub enable_ecs_managed_tags: bool,
    /// Whether one can run commands in containers.
    pub enable_execute_command: bool,
    /// `SERVICE`: tasks have the tags of the service.
    pub propagate_tags: String,
    /// What is ready before the service, and goes after it. ECS is not told: naming it here makes the service wait. In
    /// CloudFormation `DependsOn` is no property but stands beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<S::Of<String>>,
    /// `IN_PROGRESS` while a deployment is running. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Images that run and that no other task could pull, because they are gone from their repositories. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_images: Vec<MissingImage>,
    /// What people see.
    pub tags: Tags,
}

/// Who deploys a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentController {
    /// `ECS` itself.
    #[serde(rename = "Type")]
    pub kind: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceOutputs<S: Stage> {
    /// The ARN, which names cluster and service.
    pub service_arn: S::Of<ServiceArn>,
    /// The name.
    pub name: S::Of<EcsServiceName>,
    /// When the deployment began that runs, or was asked for last, in seconds since 1970. What ECS shows of the time before
    /// is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_at: Option<S::Of<String>>,
    /// When it was created, in seconds since 1970: another service of the name has another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<S::Of<String>>,
}

impl Declares for Service<Declared> {
    type Resolved = Service<Resolved>;
}

/// What ECS calls nearly everything that it refuses.
const INVALID: &str = "InvalidParameterException";
/// The version of Fargate for Linux that `LATEST` stands for (ECS Developer Guide, "Fargate platform versions").
const LATEST_PLATFORM: &str = "1.4.0";

/// `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE` has the name of the cluster.
fn cluster_of(arn: &ServiceArn) -> &str {
    arn.as_str().rsplit('/').nth(1).unwrap_or_default()
}

/// The service, unless nothing is left of it. One that was deleted is `DRAINING`, then `INACTIVE`, and then forgotten.
async fn describe(cx: &Context, cluster: &str, service: &str) -> Result<Option<Live>, CallError> {
    let request = ecs(cx).describe_services().cluster(cluster).services(service).include(ServiceField::Tags);
    let answer = request.send().await.called("DescribeServices").if_exists()?;
    let live = answer.and_then(|answer| answer.services.unwrap_or_default().into_iter().next());
    Ok(live.filter(|live| live.status() != Some("INACTIVE")))
}

/// Whether it is the one that is recorded. An ARN is made from names: a service that was deleted and made anew by somebody
/// else has the same one, but was created later. Where that time is not recorded, tags decide, unless somebody has taken them
/// off, which says nothing.
fn is_ours(cx: &Context, known: &ServiceOutputs<Resolved>, live: &Live) -> bool {
    match (&known.created_at, created_at(live)) {
        (Some(recorded), Some(live)) => *recorded == live,
        _ => !live_tags(live.tags()).is_of_others(cx.identity()),
    }
}

fn created_at(live: &Live) -> Option<String> {
    live.created_at().map(|time| time.as_secs_f64().to_string())
}

/// The service, if it is neither gone nor going, nor somebody else's.
async fn active(cx: &Context, known: &ServiceOutputs<Resolved>) -> Result<Option<Live>, CallError> {
    let arn = &known.service_arn;
    let live = describe(cx, cluster_of(arn), arn.as_str()).await?;
    Ok(live.filter(|live| live.status() == Some("ACTIVE") && is_ours(cx, known, live)))
}

fn outputs(live: &Live, operation: &str) -> Result<ServiceOutputs<Resolved>, CallError> {
    Ok(ServiceOutputs {
        service_arn: required(live.service_arn(), operation, "serviceArn")?.into(),
        name: required(live.service_name(), operation, "serviceName")?.into(),
        deployed_at: deployment::began(live),
        created_at: created_at(live),
    })
}

/// Roles that were just made are unknown to ECS for seconds, and so are rules of a load balancer.
fn while_it_spreads<T>(cx: &Context, result: Result<T, CallError>) -> Result<T, CallError> {
    result
        .classed_saying(INVALID, "nable to assume", ErrorClass::NotYet)
        .classed_saying(INVALID, "does not have an associated load balancer", ErrorClass::NotYet)
        .once_passed(cx)
}

impl Service<Resolved> {
    fn controller(&self) -> ControllerForCall {
        let kind = DeploymentControllerType::from(self.deployment_controller.kind.as_str());
        ControllerForCall::builder().r#type(kind).build().expect("a type is given")
    }

    fn rebalancing(&self) -> AvailabilityZoneRebalancing {
        AvailabilityZoneRebalancing::from(self.availability_zone_rebalancing.as_str())
    }

    fn propagation(&self) -> PropagateTags {
        PropagateTags::from(self.propagate_tags.as_str())
    }

    /// How many tasks to ask for, if not for those that there are: none, or at least as many as declared.
    fn wanted_count(&self, live: &Live) -> Option<i32> {
        let (declared, live) = (number(self.desired_count), live.desired_count());
        let wanted = if declared == 0 { 0 } else { declared.max(live) };
        (wanted != live).then_some(wanted)
    }

    /// How many tasks there are is a difference only between some and none.
    fn live_count(&self, live: &Live) -> u32 {
        let live = count(live.desired_count());
        if (live == 0) == (self.desired_count == 0) { self.desired_count } else { live }
    }

    /// `LATEST` is reported as such or as what it stands for.
    fn live_platform(&self, live: &Live) -> String {
        let live = live.platform_version().unwrap_or("LATEST");
        if live == LATEST_PLATFORM { self.platform_version.clone() } else { live.to_owned() }
    }

    fn live_properties(
        &self,
        live: &Live,
        task_definition: String,
        missing_images: Vec<MissingImage>,
        tags: LiveTags,
    ) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let controller = live.deployment_controller().map(ControllerForCall::r#type);
        Self {
            service_name: live.service_name().unwrap_or_default().into(),
            cluster: live.cluster_arn().unwrap_or_default().into(),
            task_definition: task_definition.into(),
            desired_count: self.live_count(live),
            launch_type: text(live.launch_type().map(LaunchType::as_str)),
            platform_version: self.live_platform(live),
            scheduling_strategy: text(live.scheduling_strategy().map(SchedulingStrategy::as_str)),
            network_configuration: self.network_configuration.live(live.network_configuration()),
            load_balancers: parts::live_load_balancers(&self.load_balancers, live.load_balancers()),
            health_check_grace_period_seconds: live
                .health_check_grace_period_seconds()
                .map(count)
                // One that nobody set may be reported as 0.
                .filter(|seconds| self.health_check_grace_period_seconds.is_some() || *seconds != 0),
            deployment_controller: DeploymentController {
                kind: controller.map_or("ECS", DeploymentControllerType::as_str).to_owned(),
            },
            deployment_configuration: DeploymentConfiguration::live(live.deployment_configuration()),
            availability_zone_rebalancing: live
                .availability_zone_rebalancing()
                .map_or("DISABLED", AvailabilityZoneRebalancing::as_str)
                .to_owned(),
            enable_ecs_managed_tags: live.enable_ecs_managed_tags(),
            enable_execute_command: live.enable_execute_command(),
            propagate_tags: live.propagate_tags().map_or("NONE", PropagateTags::as_str).to_owned(),
            depends_on: self.depends_on.clone(),
            deployment: deployment::in_progress(live),
            missing_images,
            tags: tags.visible(),
        }
    }
}

/// What the service was told to run; after a deployment that failed, what it runs instead, so that the next run sees a
/// difference and tries again.
async fn live_task_definition(cx: &Context, live: &Live) -> Result<String, CallError> {
    let (cluster, service) = (live.cluster_arn().unwrap_or_default(), live.service_arn().unwrap_or_default());
    let told = live.task_definition().unwrap_or_default().to_owned();
    match deployment::latest(cx, cluster, service).await? {
        Some(latest) if deployment::has_failed(&latest) => {
            Ok(deployment::task_definition_instead(cx, &latest).await?.unwrap_or(told))
        }
        _ => Ok(told),
    }
}

#[async_trait]
impl Resource for Service<Resolved> {
    const KIND: &'static str = "AWS::ECS::Service";
    const FACTS: Facts = Facts {
        name: Named::ByName("ServiceName"),
        // From capacity providers, which somebody may have chosen, there is a way back to the launch type.
        create_only: CreateOnly::These(&["ServiceName", "Cluster", "SchedulingStrategy"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template {
            own_properties: &["DependsOn", "Deployment", "MissingImages"],
            ..Template::AS_DECLARED
        },
        // A deployment takes a quarter of an hour, and one that fails as long again to go back; then there is the time that
        // the old tasks stay.
        times: Times {
            ready: Span { typical: 100, longest: 7200 },
            gone: Span { typical: 120, longest: 1800 },
        },
        import: ImportId {
            parts: &["ServiceArn", "Cluster"],
            words: "the ARNs of the service and of its cluster",
            example: "arn:aws:ecs:ap-southeast-1:123456789012:service/payment-cluster-dev/payment-service-dev|arn:aws:ecs:ap-southeast-1:123456789012:cluster/payment-cluster-dev",
        },
        // Tasks and their images besides.
        reads: Reads { least: 2, most: 10, together: Some("DescribeServices") },
        cost: Some("fargate-task"),
    };
    const SETTLE: Settle = Settle::Token;
    const VOLATILE: &'static [&'static str] = &["DeployedAt"];
    const CLOSED: &'static [&'static str] = &["Deployment", "MissingImages"];
    type Context = Context;
    type Declared = Service<Declared>;
    type Outputs<S: Stage> = ServiceOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.cluster, self.service_name))
    }

    fn accepts(property: &str, live: &Value, _declared: &Value) -> Option<String> {
        match property {
            "Deployment" => Some("a deployment is running".to_owned()),
            "MissingImages" => Some(running::said(&Vec::deserialize(live).ok()?)),
            _ => None,
        }
    }

    /// What runs must not stop because the state was lost.
    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        running::foresee(cx, wish).await
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ServiceOutputs<Resolved>>, CallError> {
        let live = describe(cx, self.cluster.as_str(), self.service_name.as_str()).await?;
        let live = live.filter(|live| {
            live.status() == Some("ACTIVE") && live_tags(live.tags()).fit(cx.identity(), search)
        });
        let Some(live) = live else { return Ok(None) };
        // One that was made between the plan and now: what a plan finds is refused there.
        if self.desired_count == 0 && live.desired_count() > 0 && search.token.is_none() {
            let (reason, hint) = running::unknown(cx, &live).await?;
            return Err(CallError::conflict("looking for the service", format!("{reason}; {hint}")));
        }
        outputs(&live, "DescribeServices").map(Some)
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<ServiceOutputs<Resolved>>, CallError> {
        let arn = ServiceArn::from(id.part("ServiceArn"));
        let live = describe(cx, cluster_of(&arn), arn.as_str()).await?;
        let live = live.filter(|live| live.status() == Some("ACTIVE"));
        live.map(|live| outputs(&live, "DescribeServices")).transpose()
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ServiceOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateService";
        let request = ecs(cx)
            .create_service()
            .client_token(&intent.token)
            .service_name(self.service_name.as_str())
            .cluster(self.cluster.as_str())
            .task_definition(self.task_definition.as_str())
            .desired_count(number(self.desired_count))
            .launch_type(LaunchType::from(self.launch_type.as_str()))
            .platform_version(&self.platform_version)
            .scheduling_strategy(SchedulingStrategy::from(self.scheduling_strategy.as_str()))
            .network_configuration(self.network_configuration.for_call())
            .set_load_balancers(Some(self.load_balancers.iter().map(LoadBalancer::for_call).collect()))
            .set_health_check_grace_period_seconds(self.health_check_grace_period_seconds.map(number))
            .deployment_controller(self.controller())
            .deployment_configuration(self.deployment_configuration.for_call())
            .availability_zone_rebalancing(self.rebalancing())
            .enable_ecs_managed_tags(self.enable_ecs_managed_tags)
            .enable_execute_command(self.enable_execute_command)
            .propagate_tags(self.propagation())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = while_it_spreads(cx, request.send().await.called(OPERATION))
            .once_visible()
            // The one of the same name that was deleted before.
            .classed_saying(INVALID, "raining", ErrorClass::NotYet)
            .classed_saying(INVALID, "not idempotent", ErrorClass::AlreadyExists)?;
        outputs(&required(answer.service, OPERATION, "service")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &ServiceOutputs<Resolved>,
    ) -> Result<Readiness<ServiceOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, cluster_of(&known.service_arn), known.service_arn.as_str()).await?
        else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        if live.status() == Some("DRAINING") {
            return Ok(Readiness::Failed("somebody deleted it".to_owned()));
        }
        Ok(match deployment::look(cx, &live, known.deployed_at.as_deref()).await? {
            Readiness::Ready(()) => {
                Readiness::Ready(ServiceOutputs { deployed_at: deployment::began(&live), ..known.clone() })
            }
            Readiness::Pending(state) => Readiness::Pending(state),
            Readiness::Failed(reason) => Readiness::Failed(reason),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &ServiceOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ServiceOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = active(cx, outputs).await? else { return Ok(None) };
        let task_definition = live_task_definition(cx, &live).await?;
        let missing = running::missing_images(cx, &live).await?;
        Ok(Some(self.live_properties(&live, task_definition, missing, live_tags(live.tags()))))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ServiceOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ServiceOutputs<Resolved>, CallError> {
        let arn = &outputs.service_arn;
        let told = self.tell(cx, outputs, changed).await?;
        retag(cx, arn.as_str(), &changed.before.tags, &self.tags).await?;
        let asked = told.as_ref().and_then(deployment::began);
        Ok(ServiceOutputs { deployed_at: asked.or_else(|| outputs.deployed_at.clone()), ..outputs.clone() })
    }

    async fn delete(&self, cx: &Context, outputs: &ServiceOutputs<Resolved>) -> Result<(), CallError> {
        let arn = &outputs.service_arn;
        if active(cx, outputs).await?.is_none() {
            return Ok(());
        }
        // By force: with its tasks.
        let request = ecs(cx).delete_service().cluster(cluster_of(arn)).service(arn.as_str()).force(true);
        let answer = request.send().await.called("DeleteService");
        answer
            .classed(&["ServiceNotActiveException"], ErrorClass::NotFound)
            .classed_saying(INVALID, "deployments are active", ErrorClass::DependencyViolation)
            .gone_is_ok()
    }

    async fn poll_gone(&self, cx: &Context, outputs: &ServiceOutputs<Resolved>) -> Result<bool, CallError> {
        let arn = &outputs.service_arn;
        let live = describe(cx, cluster_of(arn), arn.as_str()).await?;
        // While it drains, its tasks hold interfaces, and it holds its name.
        Ok(!live.is_some_and(|live| is_ours(cx, outputs, &live)))
    }
}

impl Service<Resolved> {
    /// Tells the service what differs, and gives what it answers. What it is told again, as after an answer that was lost,
    /// deploys nothing again.
    async fn tell(
        &self,
        cx: &Context,
        outputs: &ServiceOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<Option<Live>, CallError> {
        const OPERATION: &str = "UpdateService";
        let arn = &outputs.service_arn;
        let given = |name: &str| changed.has(name);
        let Some(live) = active(cx, outputs).await? else {
            return Err(CallError::new(ErrorClass::NotFound, OPERATION, "the service is gone"));
        };
        let count = self.wanted_count(&live).filter(|_| given("DesiredCount"));
        // Tasks of another capacity provider, such as Fargate Spot, go with a deployment only.
        let force = given("LaunchType") || self.must_force(cx, &live).await?;
        let is_told = |name: &String| {
            !matches!(name.as_str(), "DesiredCount" | "DependsOn" | "Deployment" | "MissingImages" | "Tags")
        };
        if count.is_none() && !force && !changed.properties.iter().any(is_told) {
            return Ok(None);
        }
        let balancers = || self.load_balancers.iter().map(LoadBalancer::for_call).collect();
        let request = ecs(cx)
            .update_service()
            .cluster(cluster_of(arn))
            .service(arn.as_str())
            .set_desired_count(count)
            .set_task_definition(given("TaskDefinition").then(|| self.task_definition.to_string()))
            .force_new_deployment(force)
            // An empty list leads back to the launch type (ECS API Reference, UpdateService).
            .set_capacity_provider_strategy(given("LaunchType").then(Vec::new))
            .set_platform_version(given("PlatformVersion").then(|| self.platform_version.clone()))
            .set_network_configuration(
                given("NetworkConfiguration").then(|| self.network_configuration.for_call()),
            )
            // Only if they change: they say which target group is the first, and ECS has moved on from there.
            .set_load_balancers(given("LoadBalancers").then(balancers))
            .set_health_check_grace_period_seconds(
                self.health_check_grace_period_seconds
                    .filter(|_| given("HealthCheckGracePeriodSeconds"))
                    .map(number),
            )
            .set_deployment_controller(given("DeploymentController").then(|| self.controller()))
            .set_deployment_configuration(
                given("DeploymentConfiguration").then(|| {
                    self.deployment_configuration.for_update(&changed.before.deployment_configuration)
                }),
            )
            .set_availability_zone_rebalancing(
                given("AvailabilityZoneRebalancing").then(|| self.rebalancing()),
            )
            .set_enable_ecs_managed_tags(
                given("EnableECSManagedTags").then_some(self.enable_ecs_managed_tags),
            )
            .set_enable_execute_command(given("EnableExecuteCommand").then_some(self.enable_execute_command))
            .set_propagate_tags(given("PropagateTags").then(|| self.propagation()));
        let told = while_it_spreads(cx, request.send().await.called(OPERATION))?.service;
        if let Some(live) = told.as_ref().filter(|_| given("LoadBalancers")) {
            self.has_taken_up_rules(live)?;
        }
        Ok(told)
    }

    /// Whether ECS uses the production listener rules that it was told to use.
    fn has_taken_up_rules(&self, live: &Live) -> Result<(), CallError> {
        let live = parts::live_load_balancers(&self.load_balancers, live.load_balancers());
        for (wanted, live) in self.load_balancers.iter().zip(&live) {
            let wanted = &wanted.advanced_configuration.production_listener_rule;
            let live = &live.advanced_configuration.production_listener_rule;
            if wanted != live {
                let message = format!(
                    "ECS kept the production listener rule {live} and did not take {wanted}. Delete the service; the next run \
                     makes it anew with the rule that is declared"
                );
                return Err(CallError::new(ErrorClass::Invalid, "UpdateService", message));
            }
        }
        Ok(())
    }

    /// Whether what the service is told must be deployed again, though it is nothing new: its last deployment failed,
    /// and only another one can show that it runs what it should.
    async fn must_force(&self, cx: &Context, live: &Live) -> Result<bool, CallError> {
        if live.task_definition() != Some(self.task_definition.as_str()) {
            return Ok(false);
        }
        let (cluster, service) = (self.cluster.as_str(), self.service_name.as_str());
        let latest = deployment::latest(cx, cluster, service).await?;
        Ok(latest.is_some_and(|latest| deployment::has_failed(&latest)))
    }
}

#[cfg(test)]
mod tests {
    use super::cluster_of;

    #[test]
    fn the_arn_names_the_cluster() {
        let arn = "arn:aws:ecs:ap-southeast-1:123456789012:service/payment-cluster-dev/payment-service-dev";
        assert_eq!(cluster_of(&arn.into()), "payment-cluster-dev");
    }
}
