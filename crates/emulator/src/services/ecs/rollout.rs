//! Deployments begin, go on as time passes, and end.
//!
//! A deployment is in one stage at a time and knows when the stage is over ([`stages`]). Nothing runs in the background:
//! whoever looks lets the stages that are over follow each other, in the order of their times. Without latencies every
//! stage is over at once, so that a deployment has ended when the call that began it is answered.

use super::deployment::{Breaker, ServiceDeployment};
use super::revision::{self, Revision};
use super::service::Deployment;
use super::stages::{self, Stage};
use super::{failure, task};
use crate::services::Cx;

/// For how long deployments are kept: 90 days (ECS Developer Guide, "View service history using Amazon ECS service
/// deployments").
const KEPT_MILLIS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Deploys what a service is told to run now.
pub(super) fn start(cx: &mut Cx<'_>, service_arn: &str) {
    let now = cx.now_millis;
    let Some(service) = cx.r.ecs.services.get(service_arn).cloned() else { return };
    abandon(cx, service_arn, "The service deployment was superseded by a new one.");
    let before = service.steady_revision.as_ref().and_then(|arn| cx.r.ecs.revisions.get(arn)).cloned();
    let revision = revision::make(cx, &service, before.as_ref());
    let deployment = make(cx, &service.service_arn, &revision);

    let inner = Deployment::new(&revision, service.desired_count, now);
    let state = &mut cx.r.ecs;
    let Some(service) = state.services.get_mut(service_arn) else { return };
    service.deployments.retain(|other| deployment.sources.contains(&other.revision));
    for other in &mut service.deployments {
        other.status = "ACTIVE".to_owned();
    }
    service.deployments.insert(0, inner);
    service.current_service_deployment = Some(deployment.service_deployment_arn.clone());
    state.revisions.insert(revision.service_revision_arn.clone(), revision);
    let arn = deployment.service_deployment_arn.clone();
    state.deployments.insert(arn.clone(), deployment);
    stages::enter(cx, &arn, Stage::Pending, now);
    settle(cx);
}

fn make(cx: &mut Cx<'_>, service_arn: &str, revision: &Revision) -> ServiceDeployment {
    let state = &mut cx.r.ecs;
    let service = &state.services[service_arn];
    let is_source = |arn: &str| {
        service.steady_revision.as_deref() == Some(arn)
            || state.tasks.values().any(|task| task.revision == arn && task.is_wanted())
    };
    let sources =
        service.deployments.iter().map(|other| other.revision.clone()).filter(|arn| is_source(arn)).collect();
    let configuration = service.deployment_configuration.clone();
    let breaker = configuration.deployment_circuit_breaker.as_ref();
    let threshold = breaker.map_or(0, |breaker| breaker.threshold(service.desired_count));
    let status = if configuration.breaker().is_some() { "MONITORING" } else { "DISABLED" };
    let cluster_arn = service.cluster_arn.clone();
    let (cluster, name) = service.place();
    let place = format!("{cluster}/{name}");
    let id = state.short_id();
    let number = state.ids.given();
    let now = cx.now_seconds();
    ServiceDeployment {
        service_deployment_arn: cx.arn("ecs", &format!("service-deployment/{place}/{id}")),
        service_arn: service_arn.to_owned(),
        cluster_arn,
        created_at: now,
        started_at: None,
        finished_at: None,
        stopped_at: None,
        updated_at: now,
        status: "PENDING".to_owned(),
        status_reason: None,
        lifecycle_stage: None,
        deployment_configuration: configuration,
        rollback: None,
        deployment_circuit_breaker: Breaker { status: status.to_owned(), failure_count: 0, threshold },
        number,
        target: revision.service_revision_arn.clone(),
        sources,
        stage: Stage::Pending,
        at: None,
        production: 0.0,
        test: 0.0,
        problem: None,
    }
}

/// Ends the deployment of a service that goes on. Its tasks are left to whoever does this.
pub(super) fn abandon(cx: &mut Cx<'_>, service_arn: &str, reason: &str) {
    let now = cx.now_seconds();
    let of_it =
        |deployment: &&mut ServiceDeployment| deployment.service_arn == service_arn && !deployment.is_over();
    for deployment in cx.r.ecs.deployments.values_mut().filter(of_it) {
        deployment.status = "STOPPED".to_owned();
        deployment.status_reason = Some(reason.to_owned());
        deployment.stopped_at = Some(now);
        deployment.finished_at = Some(now);
        deployment.stage = Stage::Over;
        deployment.at = None;
    }
}

/// Lets everything happen that has become due.
pub(super) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    retry(cx);
    loop {
        let due = |deployment: &ServiceDeployment| {
            let at = deployment.at.filter(|at| *at <= now && !deployment.is_over())?;
            Some((at, deployment.number, deployment.service_deployment_arn.clone()))
        };
        let Some((at, _, arn)) = cx.r.ecs.deployments.values().filter_map(due).min() else { break };
        task::settle(cx, at);
        stages::finish(cx, &arn, at);
    }
    task::settle(cx, now);
    top_up(cx);
    cx.r.ecs.tasks.retain(|_, task| !task.is_forgotten(now));
    let kept = task::seconds(now - KEPT_MILLIS);
    cx.r.ecs.deployments.retain(|_, deployment| !deployment.is_over() || deployment.created_at > kept);
}

/// Deployments that wait for something elsewhere go on once it is there.
fn retry(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    let waits = |deployment: &&ServiceDeployment| deployment.at.is_none() && !deployment.is_over();
    let waiting: Vec<(String, String)> =
        cx.r.ecs
            .deployments
            .values()
            .filter(waits)
            .map(|deployment| (deployment.service_deployment_arn.clone(), deployment.target.clone()))
            .collect();
    for (arn, target) in waiting {
        if problem_of(cx, &target).is_none() {
            stages::enter(cx, &arn, Stage::ScaleUp, now);
        }
    }
}

/// Why tasks of a revision would not start, or not go on.
pub(super) fn problem_of(cx: &Cx<'_>, revision: &str) -> Option<failure::Problem> {
    let revision = cx.r.ecs.revisions.get(revision)?;
    failure::of(cx, revision)
}

/// Services whose tasks could not start get them once they can.
fn top_up(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    for (revision, count) in short_of_tasks(cx) {
        if problem_of(cx, &revision.service_revision_arn).is_none() {
            task::scale(cx, &revision, count, now);
        }
    }
    task::settle(cx, now);
}

/// Revisions that are steady, and run fewer tasks than they should.
fn short_of_tasks(cx: &Cx<'_>) -> Vec<(Revision, u32)> {
    let state = &cx.r.ecs;
    let goes_on = |arn: &str| state.deployments.values().any(|one| one.service_arn == arn && !one.is_over());
    let services =
        state.services.values().filter(|service| service.is_active() && !goes_on(&service.service_arn));
    services
        .filter_map(|service| {
            let revision = state.revisions.get(service.steady_revision.as_ref()?)?;
            let mine =
                |task: &&super::Task| task.revision == revision.service_revision_arn && task.is_wanted();
            let has = state.tasks.values().filter(mine).count();
            (has < service.desired_count as usize).then(|| (revision.clone(), service.desired_count))
        })
        .collect()
}

/// Brings the tasks of a service to the count that it is told to run now.
pub(super) fn rescale(cx: &mut Cx<'_>, service_arn: &str) {
    let now = cx.now_millis;
    let Some(service) = cx.r.ecs.services.get_mut(service_arn) else { return };
    let count = service.desired_count;
    for deployment in service.deployments.iter_mut().filter(|one| one.rollout_state != "FAILED") {
        deployment.desired_count = count;
    }
    let steady = service.steady_revision.clone();
    let revisions: Vec<String> = service.deployments.iter().map(|one| one.revision.clone()).collect();
    for arn in revisions {
        let has_tasks = cx.r.ecs.tasks.values().any(|task| task.revision == arn && task.is_wanted());
        let Some(revision) = cx.r.ecs.revisions.get(&arn).cloned() else { continue };
        if !has_tasks && steady.as_ref() != Some(&arn) {
            continue;
        }
        match problem_of(cx, &arn) {
            Some(problem) if problem.fate.is_none() && !has_tasks && count > 0 => {
                task::fail(cx, &revision, count, now, &problem);
                cx.r.ecs.note(
                    service_arn,
                    now,
                    &format!("was unable to start tasks. Reason: {}", problem.reason),
                );
            }
            _ => task::scale(cx, &revision, count, now),
        }
    }
    settle(cx);
}
