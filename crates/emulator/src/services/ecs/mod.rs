//! ECS on Fargate: clusters, task definitions, services, their deployments and tasks.
//!
//! A service is what it was told ([`service`]); what it runs is a revision of it ([`revision`]). Every change of the
//! revision is a deployment, a machine of stages with times ([`rollout`]) that starts and stops tasks ([`task`]) and moves
//! the weights of listener rules ([`routing`]). Tasks write to their logs ([`lines`]), and fail if a plan of faults says so ([`fate`]). Counts in answers are counts of tasks, never numbers that are kept.

mod cluster;
mod container;
mod deployment;
mod failure;
mod fargate;
mod fate;
mod lines;
mod lookup;
mod network;
mod reach;
mod revision;
mod rollout;
mod routing;
mod service;
mod service_checks;
mod settings;
mod shapes;
mod stages;
mod tags;
mod task;
mod task_definition;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::cluster::Cluster;
use self::deployment::ServiceDeployment;
use self::revision::Revision;
use self::service::Service;
use self::task::Task;
use self::task_definition::TaskDefinition;
use super::{
    Answer, Api, Call, Cx, IdSource, Interface, Limit, Object, Refusal, ServiceLimits, Spread, Tokens, elbv2,
    ensure, iam, rate, refusals, spread, unknown_operation,
};

/// For how long what is gone can still be described. AWS gives no number; an hour is what clients report for stopped
/// tasks (ECS API Reference, DescribeTasks: "for at least one hour").
const REMEMBERED_MILLIS: i64 = 60 * 60 * 1000;

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    ids: IdSource,
    /// By name.
    clusters: BTreeMap<String, Cluster>,
    /// The last revision number of each family, which outlives its task definitions.
    families: BTreeMap<String, u32>,
    /// By family and revision number.
    task_definitions: BTreeMap<String, BTreeMap<u32, TaskDefinition>>,
    /// By ARN.
    services: BTreeMap<String, Service>,
    /// By ARN.
    revisions: BTreeMap<String, Revision>,
    /// By ARN.
    deployments: BTreeMap<String, ServiceDeployment>,
    /// By ARN.
    tasks: BTreeMap<String, Task>,
    /// Account settings that were changed, by name.
    settings: BTreeMap<String, String>,
    tokens: Tokens,
}

refusals! {
    /// ECS API Reference, "InvalidParameterException".
    invalid: "InvalidParameterException";
    /// ECS API Reference, "ClientException".
    client: "ClientException";
}

/// ECS works by its service-linked role, which the first call makes (ECS Developer Guide, "Using service-linked roles for
/// Amazon ECS"; the message is that of aws/containers-roadmap#2614).
fn check_linked_role(cx: &mut Cx<'_>) -> Result<(), Refusal> {
    ensure(iam::State::usable_link(cx, "ecs.amazonaws.com"), || {
        invalid(
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
        )
    })
}

/// What AWS has and the emulator has not.
fn not_modelled(what: &str) -> Refusal {
    Refusal::new("UnknownParameter", format!("The emulator does not model {what}."))
}

/// Whether a name is 1 to 255 letters, digits, hyphens and underscores (ECS API Reference, CreateCluster,
/// `clusterName`; RegisterTaskDefinition, `family`; CreateService, `serviceName`).
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameterException";
    // ECS API Reference, "Request throttling for the Amazon ECS API". AWS fills one bucket for each group of operations;
    // here each operation of a group has a bucket of that size.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(
            &["CreateCluster", "UpdateCluster", "UpdateClusterSettings", "DeleteCluster"],
            rate(20.0, 1.0),
        ),
        Limit::of(&["PutClusterCapacityProviders"], rate(10.0, 1.0)),
        Limit::of(&["DescribeClusters", "ListClusters"], rate(50.0, 20.0)),
        Limit::of(&["RegisterTaskDefinition", "DeregisterTaskDefinition"], rate(20.0, 1.0)),
        Limit::of(&["DeleteTaskDefinitions"], rate(5.0, 1.0)),
        Limit::of(&["DescribeTaskDefinition", "ListTaskDefinitions"], rate(50.0, 20.0)),
        Limit::of(
            &["ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions"],
            rate(50.0, 20.0),
        ),
        Limit::of(&["TagResource", "UntagResource"], rate(20.0, 10.0)),
        Limit::reads(rate(100.0, 20.0)),
        Limit::any(rate(50.0, 5.0)),
    ]);
    // Measured with Terraform applies: a cluster is made within 1 to 12 s, most of which is `PROVISIONING`; the rest under 1 s.
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("RegisterTaskDefinition", spread(0.6, 0.3, 0.9)),
        ("DeregisterTaskDefinition", spread(0.5, 0.3, 0.9)),
        ("CreateService", spread(1.0, 0.5, 2.0)),
        ("UpdateService", spread(0.7, 0.4, 1.5)),
        ("DeleteService", spread(0.7, 0.4, 1.5)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            clusters: BTreeMap::new(),
            families: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            services: BTreeMap::new(),
            revisions: BTreeMap::new(),
            deployments: BTreeMap::new(),
            tasks: BTreeMap::new(),
            settings: BTreeMap::new(),
            tokens: Tokens::default(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateCluster" => cluster::create(cx, call),
            "DescribeClusters" => cluster::describe(cx, call),
            "UpdateCluster" => cluster::update(cx, call),
            "UpdateClusterSettings" => cluster::update_settings(cx, call),
            "PutClusterCapacityProviders" => cluster::put_capacity_providers(cx, call),
            "DeleteCluster" => cluster::delete(cx, call),
            "ListClusters" => cluster::list(cx, call),

            "RegisterTaskDefinition" => task_definition::register(cx, call),
            "DescribeTaskDefinition" => task_definition::describe(cx, call),
            "DeregisterTaskDefinition" => task_definition::deregister(cx, call),
            "DeleteTaskDefinitions" => task_definition::delete(cx, call),
            "ListTaskDefinitions" => task_definition::list(cx, call),

            "CreateService" => service::create(cx, call),
            "DescribeServices" => service::describe(cx, call),
            "UpdateService" => update::update(cx, call),
            "DeleteService" => service::delete(cx, call),
            "ListServices" => service::list(cx, call),

            "ListServiceDeployments" => deployment::list(cx, call),
            "DescribeServiceDeployments" => deployment::describe(cx, call),
            "StopServiceDeployment" => deployment::stop(cx, call),
            "DescribeServiceRevisions" => revision::describe(cx, call),

            "ListTasks" => task::list(cx, call),
            "DescribeTasks" => task::describe(cx, call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => tags::TAGS.untag(cx, call),
            "ListTagsForResource" => tags::TAGS.list(cx, call),

            "PutAccountSettingDefault" => settings::put_default(cx, call),
            "ListAccountSettings" => settings::list(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        // Deployments wait for load balancers.
        elbv2::State::settle(cx);
        rollout::settle(cx);
        service::settle(cx);
        cluster::settle(cx);
        task_definition::settle(cx);
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object = |kind: &str, id: &str, tags| Object::new("ecs", home, kind, id, tags);
        let clusters = self.clusters.values().filter(|cluster| !cluster.is_inactive()).map(|cluster| {
            let name = &cluster.cluster_name;
            object("AWS::ECS::Cluster", name, cluster.tags.clone()).named(name)
        });
        let definitions = self.task_definitions.values().flat_map(BTreeMap::values);
        let definitions = definitions.filter(|definition| definition.is_active()).map(|definition| {
            let arn = &definition.task_definition_arn;
            object("AWS::ECS::TaskDefinition", arn, definition.tags.clone()).named(&definition.family)
        });
        let services = self.services.values().filter(|service| !service.is_inactive()).map(|service| {
            object("AWS::ECS::Service", &service.service_arn, service.tags.clone())
                .named(&service.service_name)
        });
        clusters.chain(definitions).chain(services).collect()
    }

    fn interfaces(&self) -> Vec<Interface> {
        self.tasks.values().filter_map(|task| task.interface.clone()).collect()
    }
}

impl State {
    /// Whether a service is there and not on its way out.
    pub(crate) fn service_exists(&self, arn: &str) -> bool {
        self.services.get(arn).is_some_and(Service::is_active)
    }

    /// The number of tasks that a service was told to run.
    pub(crate) fn desired_count(&self, service_arn: &str) -> Option<u32> {
        self.services.get(service_arn).map(|service| service.desired_count)
    }

    /// Whether a service registers its tasks with a target group.
    pub(crate) fn has_target_group(&self, service_arn: &str) -> bool {
        self.services.get(service_arn).is_some_and(|service| !service.load_balancers.is_empty())
    }

    /// 32 hexadecimal digits, as in the ARNs of tasks.
    fn hex_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.ids.number(), self.ids.number())
    }

    /// A UUID, as of events and attachments.
    fn uuid(&mut self) -> String {
        let hex = self.hex_id();
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// 21 letters and digits, as in the ARNs of service deployments.
    fn short_id(&mut self) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rest = u128::from(self.ids.number()) << 64 | u128::from(self.ids.number());
        let mut id = String::new();
        for _ in 0..21 {
            id.push(char::from(DIGITS[(rest % 62) as usize]));
            rest /= 62;
        }
        id
    }

    /// 19 digits, as in the ARNs of service revisions and the ids of deployments.
    fn revision_number(&mut self) -> String {
        format!("{:019}", self.ids.number() >> 1)
    }
}

/// Sets the number of tasks that a service runs, as Application Auto Scaling does.
pub(crate) fn set_desired_count(cx: &mut Cx<'_>, service_arn: &str, count: u32) {
    if let Some(service) = cx.r.ecs.services.get_mut(service_arn) {
        service.desired_count = count;
        rollout::rescale(cx, service_arn);
    }
}
