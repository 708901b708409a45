//! Deployments of services, as they are shown and stopped.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cluster;
use super::failure::Problem;
use super::shapes::DeploymentConfiguration;
use super::stages::{self, Stage};
use super::{State, invalid, lookup, rollout};
use crate::services::{Answer, Call, Cx, Refusal, to_json};

/// ECS API Reference, ServiceDeployment. Its counts are those of its tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceDeployment {
    pub(super) service_deployment_arn: String,
    pub(super) service_arn: String,
    pub(super) cluster_arn: String,
    pub(super) created_at: f64,
    pub(super) started_at: Option<f64>,
    pub(super) finished_at: Option<f64>,
    pub(super) stopped_at: Option<f64>,
    pub(super) updated_at: f64,
    pub(super) status: String,
    pub(super) status_reason: Option<String>,
    pub(super) lifecycle_stage: Option<String>,
    pub(super) deployment_configuration: DeploymentConfiguration,
    pub(super) rollback: Option<Rollback>,
    pub(super) deployment_circuit_breaker: Breaker,
    /// Counts deployments of the region.
    #[serde(rename = "_number")]
    pub(super) number: u64,
    /// The revision that is being deployed.
    #[serde(rename = "_target")]
    pub(super) target: String,
    /// The revisions that were there before.
    #[serde(rename = "_sources")]
    pub(super) sources: Vec<String>,
    #[serde(rename = "_stage")]
    pub(super) stage: Stage,
    /// When the stage is over; `None` while nothing can end it but a change elsewhere.
    #[serde(rename = "_at")]
    pub(super) at: Option<i64>,
    /// The share of production and of test traffic that the target has, in percent.
    #[serde(rename = "_production")]
    pub(super) production: f64,
    #[serde(rename = "_test")]
    pub(super) test: f64,
    /// Why its tasks do not start.
    #[serde(rename = "_problem")]
    pub(super) problem: Option<Problem>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rollback {
    pub(super) reason: String,
    pub(super) started_at: f64,
    pub(super) service_revision_arn: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Breaker {
    pub(super) status: String,
    pub(super) failure_count: u32,
    pub(super) threshold: u32,
}

impl ServiceDeployment {
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    fn shown(&self, state: &State) -> Value {
        let mut shown = to_json(self);
        let shifts = self.deployment_configuration.shifts_traffic();
        let summary = |arn: &str, production: f64, test: f64| {
            let (running, pending) = state.counts(&self.service_arn, Some(arn));
            let service = state.services.get(&self.service_arn);
            let mut deployments = service.iter().flat_map(|service| &service.deployments);
            let requested = deployments.find(|one| one.revision == arn).map_or(0, |one| one.desired_count);
            json!({
                "arn": arn,
                "requestedTaskCount": requested,
                "runningTaskCount": running,
                "pendingTaskCount": pending,
                "requestedProductionTrafficWeight": shifts.then_some(production),
                "requestedTestTrafficWeight": shifts.then_some(test),
            })
        };
        let sources = self.sources.iter().map(|arn| summary(arn, 100.0 - self.production, 100.0 - self.test));
        shown["sourceServiceRevisions"] = sources.collect();
        shown["targetServiceRevision"] = summary(&self.target, self.production, self.test);
        if let Some(alarms) = &self.deployment_configuration.alarms {
            let status = match (alarms.enable, self.is_over()) {
                (false, _) => "DISABLED",
                (true, true) => "MONITORING_COMPLETE",
                (true, false) => "MONITORING",
            };
            shown["alarms"] =
                json!({"status": status, "alarmNames": alarms.alarm_names, "triggeredAlarmNames": []});
        }
        shown
    }

    /// The short form of ListServiceDeployments.
    fn brief(&self) -> Value {
        json!({
            "serviceDeploymentArn": self.service_deployment_arn,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "createdAt": self.created_at,
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
            "targetServiceRevisionArn": self.target,
            "status": self.status,
            "statusReason": self.status_reason,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreatedAt {
    before: Option<f64>,
    after: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    service: String,
    cluster: Option<String>,
    #[serde(default)]
    status: Vec<String>,
    created_at: Option<CreatedAt>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// ECS API Reference, ListServiceDeployments: the latest first, pages of 20 or up to 100. One that UpdateService has just
/// begun is not in the list as long as the service is shown as it was.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: List = call.input()?;
    let state = &cx.r.ecs;
    // With an ARN the cluster need not be named.
    let cluster = match (&input.cluster, input.service.split_once(":service/")) {
        (None, Some((_, place))) => place.split('/').next().unwrap_or_default().to_owned(),
        (cluster, _) => cluster.clone().unwrap_or_else(|| "default".to_owned()),
    };
    let cluster = &state.present_cluster(cluster::short_name(&cluster))?.cluster_arn;
    let service = state.service(cluster, &input.service)?;
    let unseen = service.seen(cx.now_millis).and(service.current_service_deployment.as_ref());
    let service = &service.service_arn;
    let created = input.created_at.unwrap_or(CreatedAt { before: None, after: None });
    let mut deployments: Vec<&ServiceDeployment> = state
        .deployments
        .values()
        .filter(|deployment| deployment.service_arn == *service)
        .filter(|deployment| unseen != Some(&deployment.service_deployment_arn))
        .filter(|deployment| input.status.is_empty() || input.status.contains(&deployment.status))
        .filter(|deployment| created.before.is_none_or(|before| deployment.created_at <= before))
        .filter(|deployment| created.after.is_none_or(|after| deployment.created_at >= after))
        .collect();
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.number));
    let (page, next) = lookup::paged(deployments, input.next_token.as_deref(), input.max_results, 20)?;
    let briefs: Vec<Value> = page.into_iter().map(ServiceDeployment::brief).collect();
    Ok(json!({"serviceDeployments": briefs, "nextToken": next}))
}

/// ECS API Reference, DescribeServiceDeployments: up to 20.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let service_deployment_arns: Vec<String> = call.member("serviceDeploymentArns")?;
    if !(1..=20).contains(&service_deployment_arns.len()) {
        return Err(invalid("1 to 20 service deployments can be described at once."));
    }
    let state = &cx.r.ecs;
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in &service_deployment_arns {
        match state.deployments.get(arn) {
            Some(deployment) => found.push(deployment.shown(state)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

/// ECS API Reference, StopServiceDeployment: rolls one back that goes on, whether or not it would do so by itself.
pub(super) fn stop(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (arn, stop_type): (String, Option<String>) = call.members(&["serviceDeploymentArn", "stopType"])?;
    if stop_type.as_deref() == Some("ABORT") {
        let message = "The stop type ABORT is not supported.";
        return Err(Refusal::new("UnsupportedFeatureException", message));
    }
    let Some(deployment) = cx.r.ecs.deployments.get(&arn) else {
        let message = "The service deployment was not found.";
        return Err(Refusal::new("ServiceDeploymentNotFoundException", message));
    };
    // What has been asked for, or goes on already, changes nothing (ECS Developer Guide, "Stop an Amazon ECS service deployment").
    if matches!(deployment.status.as_str(), "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS")
    {
        return Ok(json!({"serviceDeploymentArn": arn}));
    }
    if !matches!(deployment.status.as_str(), "PENDING" | "IN_PROGRESS") {
        let message = format!("The service deployment is {} and cannot be stopped.", deployment.status);
        return Err(Refusal::new("ConflictException", message));
    }
    let steady = cx.r.ecs.services.get(&deployment.service_arn).and_then(|one| one.steady_revision.as_ref());
    let status = if steady.is_some() { "ROLLBACK_REQUESTED" } else { "STOP_REQUESTED" };
    if let Some(deployment) = cx.r.ecs.deployments.get_mut(&arn) {
        status.clone_into(&mut deployment.status);
    }
    stages::enter(cx, &arn, stages::Stage::StopRequested, cx.now_millis);
    rollout::settle(cx);
    Ok(json!({"serviceDeploymentArn": arn}))
}
