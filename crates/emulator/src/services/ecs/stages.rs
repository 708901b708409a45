//! The stages of a deployment: how long each takes, what happens in it, and which one follows.
//!
//! ECS Developer Guide, "Amazon ECS service deployments" and "Amazon ECS blue/green service deployments workflow". A
//! rolling deployment has one stage that counts, the start of the new tasks. The others, which move traffic, have all
//! stages but `PRE_PRODUCTION_TRAFFIC_SHIFT`, which answers of the API cannot name; hooks succeed at once.

use serde::{Deserialize, Serialize};

use super::deployment::{Rollback, ServiceDeployment};
use super::revision::{Revision, Route};
use super::service::Deployment;
use super::shapes::DeploymentConfiguration;
use super::{fate, rollout, routing, task};
use crate::services::{Cx, Spread, spread};

/// Until a deployment begins, and until one that is asked to stop does so. Estimate.
const PENDING: Spread = spread(3.0, 1.0, 5.0);
/// From there until a service is steady: 65 s after its load balancer is active, 59 to 130 s.
const STEADY: Spread = spread(62.0, 58.0, 125.0);
/// Until tasks that cannot start have failed. Estimate.
const FAILURE: Spread = spread(40.0, 30.0, 60.0);
/// Stages in which nothing is moved. Estimate.
const SHORT: Spread = spread(5.0, 3.0, 10.0);
/// Moving the weights of a rule. Estimate.
const SHIFT: Spread = spread(15.0, 10.0, 30.0);
/// Between looks at a load balancer that is not active yet. Estimate.
const LOOK: Spread = spread(10.0, 10.0, 10.0);
/// Going back to a revision whose tasks still run. Estimate.
const ROLLBACK: Spread = spread(20.0, 10.0, 30.0);

/// ECS API Reference, ServiceDeployment, `lifecycleStage`, and what is before, beside and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Stage {
    Pending,
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
    /// It was asked to stop.
    StopRequested,
    RollingBack,
    Over,
}

impl Stage {
    /// As AWS names it; `None` for what is no stage of AWS.
    fn name(self) -> Option<&'static str> {
        match self {
            Stage::Pending | Stage::StopRequested | Stage::RollingBack | Stage::Over => None,
            Stage::ReconcileService => Some("RECONCILE_SERVICE"),
            Stage::PreScaleUp => Some("PRE_SCALE_UP"),
            Stage::ScaleUp => Some("SCALE_UP"),
            Stage::PostScaleUp => Some("POST_SCALE_UP"),
            Stage::TestTrafficShift => Some("TEST_TRAFFIC_SHIFT"),
            Stage::PostTestTrafficShift => Some("POST_TEST_TRAFFIC_SHIFT"),
            Stage::ProductionTrafficShift => Some("PRODUCTION_TRAFFIC_SHIFT"),
            Stage::PostProductionTrafficShift => Some("POST_PRODUCTION_TRAFFIC_SHIFT"),
            Stage::BakeTime => Some("BAKE_TIME"),
            Stage::CleanUp => Some("CLEAN_UP"),
        }
    }
}

/// A deployment comes to a stage.
pub(super) fn enter(cx: &mut Cx<'_>, arn: &str, stage: Stage, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    deployment.stage = stage;
    deployment.updated_at = task::seconds(at);
    if let Some(name) = stage.name().filter(|_| deployment.deployment_configuration.shifts_traffic()) {
        deployment.lifecycle_stage = Some(name.to_owned());
    }
    let millis = match stage {
        Stage::Pending => millis(cx, arn, PENDING),
        Stage::ScaleUp => scale_up(cx, arn, at),
        Stage::TestTrafficShift => shift_test(cx, arn),
        Stage::ProductionTrafficShift => shift_production(cx, arn),
        Stage::BakeTime => bake(cx, arn),
        Stage::CleanUp => clean_up(cx, arn, at),
        Stage::StopRequested => millis(cx, arn, PENDING),
        Stage::RollingBack => millis(cx, arn, ROLLBACK),
        _ => millis(cx, arn, SHORT),
    };
    if let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) {
        deployment.at = Some(at + millis);
    }
}

/// A stage of a deployment is over.
pub(super) fn finish(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get(arn) else { return };
    let shifts = deployment.deployment_configuration.shifts_traffic();
    let bakes = deployment.has_predecessor();
    let routes = routes_of(cx, arn);
    let has_test = routes.iter().any(|route| route.test.is_some());
    let next = match deployment.stage {
        Stage::Pending => return begin(cx, arn, at),
        Stage::ScaleUp if deployment.problem.is_some() => return failed_to_start(cx, arn, at),
        Stage::ScaleUp if !is_served(cx, arn) => return wait(cx, arn, at),
        Stage::ScaleUp if !shifts => return replaced(cx, arn, at),
        Stage::ReconcileService => Stage::PreScaleUp,
        Stage::PreScaleUp => Stage::ScaleUp,
        Stage::ScaleUp => Stage::PostScaleUp,
        Stage::PostScaleUp if has_test => Stage::TestTrafficShift,
        Stage::TestTrafficShift => Stage::PostTestTrafficShift,
        Stage::PostScaleUp | Stage::PostTestTrafficShift => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift if deployment.production < 100.0 => Stage::ProductionTrafficShift,
        Stage::ProductionTrafficShift => Stage::PostProductionTrafficShift,
        // Both revisions run while it bakes, so a first one does not (ECS API Reference, DeploymentConfiguration,
        // `bakeTimeInMinutes`).
        Stage::PostProductionTrafficShift if bakes => Stage::BakeTime,
        Stage::PostProductionTrafficShift | Stage::BakeTime => Stage::CleanUp,
        Stage::CleanUp => return succeed(cx, arn, at),
        Stage::StopRequested => {
            return fail(cx, arn, at, "The service deployment was stopped by request.", true);
        }
        Stage::RollingBack => return rolled_back(cx, arn, at),
        Stage::Over => return,
    };
    if matches!(next, Stage::TestTrafficShift | Stage::ProductionTrafficShift)
        && let Some(role) = unusable_role(cx, arn)
    {
        // ECS Developer Guide, "Troubleshooting Amazon ECS blue/green deployments": whether the role lets ECS move requests
        // shows only when it does so.
        let reason =
            format!("Service deployment rolled back because ECS was unable to assume the role {role}.");
        return fail(cx, arn, at, &reason, true);
    }
    enter(cx, arn, next, at);
}

/// The role in which ECS would move requests, where it cannot assume it.
fn unusable_role(cx: &Cx<'_>, arn: &str) -> Option<String> {
    let deployment = cx.r.ecs.deployments.get(arn)?;
    let revision = cx.r.ecs.revision(&deployment.target)?;
    let advanced = revision.load_balancers.iter().filter_map(|one| one.advanced_configuration.as_ref());
    let mut roles = advanced.filter_map(|advanced| advanced.role_arn.as_ref());
    let refused = |role: &&String| cx.global.iam.assumable(role, "ecs.amazonaws.com", cx.now_millis).is_err();
    roles.find(refused).cloned()
}

/// How long something takes in a deployment; nothing where no task is to run.
fn millis(cx: &Cx<'_>, arn: &str, spread: Spread) -> i64 {
    let Some(deployment) = cx.r.ecs.deployments.get(arn) else { return 0 };
    let desired = cx.r.ecs.services.get(&deployment.service_arn).map_or(0, |service| service.desired_count);
    match desired {
        0 => 0,
        _ => cx.latencies.millis(spread, &format!("{arn} {:?}", deployment.stage)),
    }
}

fn minutes(cx: &Cx<'_>, arn: &str, minutes: u32) -> i64 {
    let seconds = f64::from(minutes) * 60.0;
    millis(cx, arn, spread(seconds, seconds, seconds))
}

fn routes_of(cx: &Cx<'_>, arn: &str) -> Vec<Route> {
    let deployment = cx.r.ecs.deployments.get(arn);
    let revision = deployment.and_then(|deployment| cx.r.ecs.revision(&deployment.target));
    revision.map(Revision::routes).unwrap_or_default()
}

/// A deployment is no longer only planned.
fn begin(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    deployment.status = "IN_PROGRESS".to_owned();
    deployment.started_at = Some(task::seconds(at));
    let shifts = deployment.deployment_configuration.shifts_traffic();
    let superseded = stop_superseded(cx, arn, at);
    if shifts && !routes_of(cx, arn).iter().all(|route| is_connected(cx, route)) {
        // ECS Developer Guide, "Troubleshooting Amazon ECS blue/green deployments", an error of the asynchronous path.
        let reason = "Service deployment rolled back because of invalid networking configuration. Both targetGroup and \
                      alternateTargetGroup should be associated with the productionListenerRule or testListenerRule.";
        return fail(cx, arn, at, reason, true);
    }
    let first = match (shifts, superseded) {
        (false, _) => Stage::ScaleUp,
        (true, true) => Stage::ReconcileService,
        (true, false) => Stage::PreScaleUp,
    };
    enter(cx, arn, first, at);
}

/// Whether both groups of a pair are behind the rules.
fn is_connected(cx: &Cx<'_>, route: &Route) -> bool {
    let rules = || [Some(&route.production), route.test.as_ref()].into_iter().flatten();
    [&route.mine, &route.others]
        .into_iter()
        .all(|group| rules().any(|rule| routing::rule_forwards_to(cx, rule, group)))
}

/// Stops what a deployment that was superseded had started; whether there was one.
fn stop_superseded(cx: &mut Cx<'_>, arn: &str, at: i64) -> bool {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return false };
    let service = cx.r.ecs.services.get(&deployment.service_arn);
    let steady = service.and_then(|service| service.steady_revision.clone());
    let superseded: Vec<String> =
        deployment.sources.iter().filter(|source| Some(*source) != steady.as_ref()).cloned().collect();
    for revision in &superseded {
        task::stop_all(cx, revision, at);
    }
    !superseded.is_empty()
}

/// Starts the tasks of the new revision, or finds out why they cannot start.
fn scale_up(cx: &mut Cx<'_>, arn: &str, at: i64) -> i64 {
    let Some(deployment) = cx.r.ecs.deployments.get(arn) else { return 0 };
    let (target, service_arn) = (deployment.target.clone(), deployment.service_arn.clone());
    let desired = cx.r.ecs.services.get(&service_arn).map_or(0, |service| service.desired_count);
    let problem = rollout::problem_of(cx, &target).filter(|_| desired > 0);
    let (fails, starts) = (problem.is_some(), problem.as_ref().is_none_or(|problem| problem.fate.is_some()));
    if let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) {
        deployment.problem = problem;
    }
    if !starts {
        return millis(cx, arn, FAILURE);
    }
    if let Some(revision) = cx.r.ecs.revision(&target).cloned() {
        task::scale(cx, &revision, desired, at);
        if desired > 0 {
            cx.r.ecs.note(&service_arn, at, &format!("has started {desired} tasks."));
        }
    }
    match fails {
        true => until_failed(cx, &target, at).unwrap_or_else(|| millis(cx, arn, FAILURE)),
        false => millis(cx, arn, STEADY),
    }
}

/// How long it takes until the last of the tasks that have just been started has failed.
fn until_failed(cx: &Cx<'_>, revision: &str, at: i64) -> Option<i64> {
    let started = cx.r.ecs.tasks.values().filter(|task| task.revision == revision && task.is_wanted());
    let fails_at = started.filter_map(|task| Some(task.runs_at()? + fate::delay(cx, &task.task_arn)));
    fails_at.max().map(|last| (last - at).max(0))
}

/// Whether requests reach the new tasks, without which they do not become healthy.
fn is_served(cx: &Cx<'_>, arn: &str) -> bool {
    let deployment = cx.r.ecs.deployments.get(arn);
    let revision = deployment.and_then(|deployment| cx.r.ecs.revision(&deployment.target));
    let targets = revision.map(Revision::targets).unwrap_or_default();
    // Where no task is to run, or nothing takes time, there is nothing to wait for.
    millis(cx, arn, LOOK) == 0 || targets.iter().all(|(group, _)| routing::is_served(cx, group))
}

/// The stage takes longer.
fn wait(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let millis = cx.latencies.millis(LOOK, arn).max(1);
    if let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) {
        deployment.at = Some(at + millis);
    }
}

/// One round of tasks has failed. The next one follows, unless the circuit breaker has counted enough (ECS Developer
/// Guide, "How the Amazon ECS deployment circuit breaker detects failures").
fn failed_to_start(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    let Some(problem) = deployment.problem.clone() else { return };
    let (target, service_arn) = (deployment.target.clone(), deployment.service_arn.clone());
    let state = &mut cx.r.ecs;
    let desired = state.services.get(&service_arn).map_or(0, |service| service.desired_count);
    let Some(deployment) = state.deployments.get_mut(arn) else { return };
    let breaker = &mut deployment.deployment_circuit_breaker;
    breaker.failure_count = breaker.failure_count.saturating_add(desired);
    let is_on = deployment.deployment_configuration.breaker().cloned();
    let trips = is_on.is_some() && breaker.failure_count >= breaker.threshold;
    if trips {
        breaker.status = "TRIGGERED".to_owned();
    }
    let failures = breaker.failure_count;
    if let Some(inner) =
        state.services.get_mut(&service_arn).and_then(|service| service.deployment_mut(&target))
    {
        inner.failed_tasks = failures;
    }
    if problem.fate.is_none() {
        state.note(&service_arn, at, &format!("was unable to start tasks. Reason: {}", problem.reason));
        if let Some(revision) = cx.r.ecs.revision(&target).cloned() {
            task::fail(cx, &revision, desired, at, &problem);
        }
    }
    if let Some(breaker) = is_on.filter(|_| trips) {
        let reason =
            "Service deployment failed: tasks failed to start. The deployment circuit breaker was triggered.";
        return fail(cx, arn, at, reason, breaker.rollback);
    }
    let counts =
        cx.r.ecs.deployments.get(arn).is_some_and(|one| one.deployment_configuration.breaker().is_some());
    if cx.latencies.are_off() && !counts {
        // Nothing but a change elsewhere could end this.
        if let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) {
            deployment.at = None;
        }
        return;
    }
    // Whoever looks after a long time does not see every round there may have been.
    enter(cx, arn, Stage::ScaleUp, if counts { at } else { cx.now_millis.max(at) });
}

/// Gives the new revision its share of what a kind of rule forwards.
fn weigh(cx: &mut Cx<'_>, arn: &str, percent: f64, rule_of: impl Fn(&Route) -> Option<&String>) {
    let share = percent.round().clamp(0.0, 100.0) as u32;
    for route in routes_of(cx, arn) {
        if let Some(rule) = rule_of(&route) {
            routing::set_weights(cx, rule, &[(&route.mine, share), (&route.others, 100 - share)]);
        }
    }
}

fn shift_test(cx: &mut Cx<'_>, arn: &str) -> i64 {
    if let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) {
        deployment.test = 100.0;
    }
    weigh(cx, arn, 100.0, |route| route.test.as_ref());
    millis(cx, arn, SHIFT)
}

/// The next step of production traffic to the new revision. All at once if there is nothing before it.
fn shift_production(cx: &mut Cx<'_>, arn: &str) -> i64 {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return 0 };
    let configuration = &deployment.deployment_configuration;
    let (percent, bake) =
        if deployment.has_predecessor() { step(configuration, deployment.production) } else { (100.0, 0) };
    deployment.production = percent;
    weigh(cx, arn, percent, |route| Some(&route.production));
    if percent < 100.0 { minutes(cx, arn, bake) } else { millis(cx, arn, SHIFT) }
}

/// The share after the next step, and for how many minutes it bakes (ECS API Reference, LinearConfiguration,
/// CanaryConfiguration).
fn step(configuration: &DeploymentConfiguration, now: f64) -> (f64, u32) {
    match configuration.strategy.as_deref() {
        Some("LINEAR") => {
            let linear = configuration.linear_configuration.clone().unwrap_or_default();
            ((now + linear.step_percent).min(100.0), linear.step_bake_time_in_minutes)
        }
        Some("CANARY") if now == 0.0 => {
            let canary = configuration.canary_configuration.clone().unwrap_or_default();
            (canary.canary_percent, canary.canary_bake_time_in_minutes)
        }
        _ => (100.0, 0),
    }
}

fn bake(cx: &mut Cx<'_>, arn: &str) -> i64 {
    let deployment = cx.r.ecs.deployments.get(arn);
    let time = deployment.and_then(|deployment| deployment.deployment_configuration.bake_time_in_minutes);
    minutes(cx, arn, time.unwrap_or(0))
}

/// Stops the tasks of the revisions before; it takes until the last of them has drained.
fn clean_up(cx: &mut Cx<'_>, arn: &str, at: i64) -> i64 {
    let sources = stop_sources(cx, arn, at);
    let state = &cx.r.ecs;
    let stopping = state.tasks.values().filter(|task| sources.contains(&task.revision));
    stopping.filter_map(super::Task::drained_at).max().map_or(0, |last| (last - at).max(0))
}

fn stop_sources(cx: &mut Cx<'_>, arn: &str, at: i64) -> Vec<String> {
    let sources =
        cx.r.ecs.deployments.get(arn).map(|deployment| deployment.sources.clone()).unwrap_or_default();
    for revision in &sources {
        task::stop_all(cx, revision, at);
    }
    sources
}

/// A rolling deployment has replaced the tasks.
fn replaced(cx: &mut Cx<'_>, arn: &str, at: i64) {
    stop_sources(cx, arn, at);
    succeed(cx, arn, at);
}

impl ServiceDeployment {
    /// Whether there is a revision that it takes over from.
    fn has_predecessor(&self) -> bool {
        !self.sources.is_empty()
    }

    fn end(&mut self, status: &str, at: i64) {
        self.status = status.to_owned();
        self.finished_at = Some(task::seconds(at));
        self.updated_at = task::seconds(at);
        self.stage = Stage::Over;
        self.at = None;
        if self.deployment_circuit_breaker.status == "MONITORING" {
            self.deployment_circuit_breaker.status = "MONITORING_COMPLETE".to_owned();
        }
    }
}

fn succeed(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    deployment.end("SUCCESSFUL", at);
    let (target, service_arn) = (deployment.target.clone(), deployment.service_arn.clone());
    let Some(service) = cx.r.ecs.services.get_mut(&service_arn) else { return };
    service.steady_revision = Some(target.clone());
    service.deployments.retain(|inner| inner.revision == target);
    let Some(inner) = service.deployment_mut(&target) else { return };
    let id = inner.id.clone();
    inner.failed_tasks = 0;
    inner.say("COMPLETED", format!("ECS deployment {id} completed."), at);
    cx.r.ecs.note(&service_arn, at, &format!("(deployment {id}) deployment completed."));
    cx.r.ecs.note(&service_arn, at, "has reached a steady state.");
}

/// A deployment has failed. With `rolls_back` the service goes back to the revision that was steady, if there is one;
/// otherwise it stays without new tasks (ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects
/// failures": without a deployment that was completed "the deployment is stalled").
pub(super) fn fail(cx: &mut Cx<'_>, arn: &str, at: i64, reason: &str, rolls_back: bool) {
    let Some(deployment) = cx.r.ecs.deployments.get(arn).cloned() else { return };
    let service_arn = deployment.service_arn.clone();
    task::stop_all(cx, &deployment.target, at);
    let Some(service) = cx.r.ecs.services.get_mut(&service_arn) else { return };
    let desired = service.desired_count;
    let steady = service.steady_revision.clone().filter(|_| rolls_back);
    if let Some(inner) = service.deployment_mut(&deployment.target) {
        let id = inner.id.clone();
        inner.desired_count = 0;
        inner.say("FAILED", format!("ECS deployment {id} failed: {reason}"), at);
    }
    cx.r.ecs.note(&service_arn, at, &format!("deployment failed: {reason}"));
    let steady = steady.and_then(|steady| cx.r.ecs.revision(&steady).cloned());
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    deployment.status_reason = Some(reason.to_owned());
    deployment.problem = None;
    let Some(steady) = steady else {
        deployment.stopped_at = Some(task::seconds(at));
        return deployment.end("STOPPED", at);
    };
    deployment.status = "ROLLBACK_IN_PROGRESS".to_owned();
    deployment.rollback = Some(Rollback {
        reason: reason.to_owned(),
        started_at: task::seconds(at),
        service_revision_arn: steady.service_revision_arn.clone(),
    });
    let (production, test) = (deployment.production > 0.0, deployment.test > 0.0);
    (deployment.production, deployment.test) = (0.0, 0.0);
    if production {
        weigh(cx, arn, 0.0, |route| Some(&route.production));
    }
    if test {
        weigh(cx, arn, 0.0, |route| route.test.as_ref());
    }
    task::scale(cx, &steady, desired, at);
    enter(cx, arn, Stage::RollingBack, at);
}

/// The service is what it was before.
fn rolled_back(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(deployment) = cx.r.ecs.deployments.get_mut(arn) else { return };
    deployment.end("ROLLBACK_SUCCESSFUL", at);
    let service_arn = deployment.service_arn.clone();
    let to = deployment.rollback.as_ref().map(|rollback| rollback.service_revision_arn.clone());
    let Some(revision) = to.and_then(|arn| cx.r.ecs.revision(&arn).cloned()) else { return };
    let Some(service) = cx.r.ecs.services.get_mut(&service_arn) else { return };
    service.task_definition.clone_from(&revision.task_definition);
    service.load_balancers.clone_from(&revision.load_balancers);
    service.network_configuration.clone_from(&revision.network_configuration);
    service.launch_type.clone_from(&revision.launch_type);
    service.capacity_provider_strategy.clone_from(&revision.capacity_provider_strategy);
    service.platform_version.clone_from(&revision.platform_asked);
    let mut inner = Deployment::new(&revision, service.desired_count, at);
    let id = inner.id.clone();
    inner.say("COMPLETED", format!("ECS deployment {id} completed."), at);
    service.deployments = vec![inner];
    cx.r.ecs.note(&service_arn, at, "has reached a steady state.");
}
