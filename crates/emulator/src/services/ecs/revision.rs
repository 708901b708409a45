//! Revisions of a service: what its tasks are made from. A revision never changes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::lookup::{self, Image};
use super::service::Service;
use super::shapes::{LoadBalancer, NetworkConfiguration, StrategyItem};
use super::{State, invalid};
use crate::services::{Answer, Call, Cx, to_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    pub(super) service_revision_arn: String,
    pub(super) service_arn: String,
    cluster_arn: String,
    pub(super) task_definition: String,
    pub(super) capacity_provider_strategy: Option<Vec<StrategyItem>>,
    pub(super) launch_type: Option<String>,
    pub(super) platform_version: String,
    pub(super) platform_family: String,
    pub(super) load_balancers: Vec<LoadBalancer>,
    pub(super) network_configuration: NetworkConfiguration,
    container_images: Vec<ContainerImage>,
    guard_duty_enabled: bool,
    fargate_ephemeral_storage: Option<StorageKey>,
    created_at: f64,
    resolved_configuration: Option<Resolved>,
    /// The number of the deployment that made it, without `ecs-svc/`.
    #[serde(rename = "_number")]
    pub(super) number: String,
    /// What the service said of the platform, such as `LATEST`.
    #[serde(rename = "_platformAsked")]
    pub(super) platform_asked: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerImage {
    container_name: String,
    image: String,
    image_digest: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StorageKey {
    kms_key_id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolved {
    load_balancers: Vec<ResolvedLoadBalancer>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolvedLoadBalancer {
    target_group_arn: String,
    production_listener_rule: Option<String>,
}

impl Revision {
    /// The target groups that its tasks register with, each with the port.
    pub(super) fn targets(&self) -> Vec<(String, u16)> {
        let groups = self.resolved_configuration.iter().flat_map(|resolved| &resolved.load_balancers);
        let ports = self.load_balancers.iter().map(|balancer| balancer.container_port);
        groups.map(|group| group.target_group_arn.clone()).zip(ports).collect()
    }

    /// The digest of a container's image, as it was when the revision was made (ECS Developer Guide, "Container image resolution").
    pub(super) fn digest(&self, container: &str) -> Option<String> {
        self.container_images.iter().find(|image| image.container_name == container)?.image_digest.clone()
    }

    /// For each load balancer: the group that this revision has of the pair.
    fn group(&self, index: usize) -> Option<&str> {
        let resolved = self.resolved_configuration.as_ref()?.load_balancers.get(index)?;
        Some(&resolved.target_group_arn)
    }

    /// The listener rules that carry it, as [`Route`]s.
    pub(super) fn routes(&self) -> Vec<Route> {
        let all = self.load_balancers.iter().enumerate();
        all.filter_map(|(index, balancer)| {
            let advanced = balancer.advanced_configuration.as_ref()?;
            let alternate = advanced.alternate_target_group_arn.clone()?;
            let mine = self.group(index)?.to_owned();
            let others = if mine == alternate { balancer.target_group_arn.clone() } else { alternate };
            Some(Route {
                production: advanced.production_listener_rule.clone()?,
                test: advanced.test_listener_rule.clone(),
                mine,
                others,
            })
        })
        .collect()
    }
}

/// The rules between the two target groups of a load balancer of a service.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) production: String,
    pub(super) test: Option<String>,
    /// The group of the revision in question.
    pub(super) mine: String,
    /// The group of the revision before or after it.
    pub(super) others: String,
}

/// The new revision of a service as it is told now; `before` is the one that is steady.
pub(super) fn make(cx: &mut Cx<'_>, service: &Service, before: Option<&Revision>) -> Revision {
    let number = cx.r.ecs.revision_number();
    let place = service.service_arn.rsplit_once(":service/").map_or("", |(_, place)| place);
    let definition = cx.r.ecs.task_definition(&service.task_definition);
    let containers =
        definition.map(|definition| definition.container_definitions.as_slice()).unwrap_or_default();
    let container_images = containers.iter().map(|container| ContainerImage {
        container_name: container.name.clone(),
        image: container.image.clone(),
        image_digest: match lookup::image(cx, &container.image) {
            Image::Here(digest) => Some(digest),
            Image::Elsewhere | Image::Missing(_) => None,
        },
    });
    let balancers = service.load_balancers.iter().enumerate();
    let load_balancers: Vec<_> = balancers
        .map(|(index, balancer)| ResolvedLoadBalancer {
            target_group_arn: group_for(service, balancer, before.and_then(|before| before.group(index))),
            production_listener_rule: balancer
                .advanced_configuration
                .as_ref()
                .and_then(|advanced| advanced.production_listener_rule.clone()),
        })
        .collect();
    let cluster = cx.r.ecs.clusters.values().find(|cluster| cluster.cluster_arn == service.cluster_arn);
    let key = cluster.and_then(|cluster| cluster.storage_key());
    Revision {
        service_revision_arn: cx.arn("ecs", &format!("service-revision/{place}/{number}")),
        service_arn: service.service_arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        task_definition: service.task_definition.clone(),
        capacity_provider_strategy: service.capacity_provider_strategy.clone(),
        launch_type: service.launch_type.clone(),
        // ECS Developer Guide, "Fargate platform versions for Amazon ECS": the latest for Linux.
        platform_version: match service.platform_version.as_str() {
            "LATEST" => "1.4.0".to_owned(),
            other => other.to_owned(),
        },
        platform_family: service.platform_family.clone(),
        load_balancers: service.load_balancers.clone(),
        network_configuration: service.network_configuration.clone(),
        container_images: container_images.collect(),
        guard_duty_enabled: false,
        fargate_ephemeral_storage: key.map(|key| StorageKey { kms_key_id: key.to_owned() }),
        created_at: cx.now_seconds(),
        resolved_configuration: (!load_balancers.is_empty()).then_some(Resolved { load_balancers }),
        number,
        platform_asked: service.platform_version.clone(),
    }
}

/// The group of a pair that a new revision takes: the one that the steady revision has not. The first revision takes the
/// alternate one, as seen on AWS in August 2026 (go-to-k/cdk-real-drift, issues 1730 and 1732): its tasks were in the
/// alternate group, to which the production rule then gave all its weight.
fn group_for(service: &Service, balancer: &LoadBalancer, before: Option<&str>) -> String {
    let advanced = balancer.advanced_configuration.as_ref();
    let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn.as_deref());
    match alternate.filter(|_| service.deployment_configuration.shifts_traffic()) {
        Some(alternate) if before != Some(alternate) => alternate.to_owned(),
        _ => balancer.target_group_arn.clone(),
    }
}

/// ECS API Reference, DescribeServiceRevisions: up to 20.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let service_revision_arns: Vec<String> = call.member("serviceRevisionArns")?;
    if !(1..=20).contains(&service_revision_arns.len()) {
        return Err(invalid("1 to 20 service revisions can be described at once."));
    }
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in &service_revision_arns {
        match cx.r.ecs.revisions.get(arn) {
            Some(revision) => found.push(to_json(revision)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}

impl State {
    pub(super) fn revision(&self, arn: &str) -> Option<&Revision> {
        self.revisions.get(arn)
    }
}
