//! RDS: Aurora PostgreSQL clusters with their instances, groups, snapshots and event subscriptions.
//!
//! Each object is one record whose JSON is what RDS answers. What an instance has from its cluster is shown with it and
//! kept only there. Everything that time does is in [`life_cycle`].

mod cluster;
mod cluster_change;
mod cluster_create;
mod event_subscription;
mod http_endpoint;
mod instance;
mod instance_change;
mod instance_create;
mod kind;
mod life_cycle;
mod names;
mod outside;
mod pages;
mod parameter_group;
mod parameters;
mod settings;
mod snapshot;
mod status;
mod stopping;
mod subnet_group;
mod tags;
mod versions;
mod windows;

use serde::{Deserialize, Serialize};

use self::cluster::Cluster;
use self::event_subscription::EventSubscription;
pub(crate) use self::http_endpoint::{Served, Writer};
use self::instance::Instance;
use self::kind::{Record, Table};
use self::parameter_group::{Clusters, Group, Instances};
use self::snapshot::Snapshot;
use self::subnet_group::SubnetGroup;
use super::{Answer, Api, Call, Cx, IdSource, Interface, Object, ServiceLimits, Spread, rate, spread};
use crate::machine::latency::{Latency, latency};

/// Logs of Terraform applies; deleting is inferred.
const CLUSTER: Latency = latency(spread(43.0, 38.0, 60.0), spread(100.0, 60.0, 150.0));
/// The same; what was seen of deleting lies between 130 and 300 seconds.
const INSTANCE: Latency = latency(spread(381.0, 320.0, 741.0), spread(200.0, 130.0, 300.0));
/// An instance that is made while its sibling is, from the same logs.
const SIBLING: Spread = spread(741.0, 681.0, 801.0);
/// Estimates.
const MODIFY_CLUSTER: Spread = spread(20.0, 10.0, 60.0);
const MODIFY_INSTANCE: Spread = spread(30.0, 15.0, 90.0);
const UPGRADE: Spread = spread(480.0, 300.0, 900.0);
/// From the answer to a Modify operation until the status says so: up to a minute (hashicorp/terraform-provider-aws waits
/// half a minute before it looks at a cluster or an instance that it has changed).
const LAG: Spread = spread(30.0, 1.0, 59.0);
/// Estimates.
const REBOOT: Spread = spread(45.0, 15.0, 120.0);
const STOP: Spread = spread(300.0, 120.0, 900.0);
const START: Spread = spread(480.0, 240.0, 1200.0);
const PARAMETERS: Spread = spread(10.0, 5.0, 30.0);
const SNAPSHOT: Spread = spread(60.0, 30.0, 180.0);
const SECRET: Spread = spread(20.0, 10.0, 40.0);
const EVENT_SUBSCRIPTION: Latency = latency(spread(20.0, 5.0, 60.0), spread(10.0, 2.0, 60.0));
const FIRST_BACKUP: Spread = spread(120.0, 60.0, 300.0);

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    /// The part of endpoints that tells accounts apart.
    account_part: String,
    /// The zone of all endpoints.
    hosted_zone_id: String,
    clusters: Table<Cluster>,
    instances: Table<Instance>,
    subnet_groups: Table<SubnetGroup>,
    cluster_parameter_groups: Table<Group<Clusters>>,
    parameter_groups: Table<Group<Instances>>,
    snapshots: Table<Snapshot>,
    #[serde(default)]
    event_subscriptions: Table<EventSubscription>,
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameterValue";
    const MISSING: &'static str = "MissingParameter";
    // Unpublished: what clients are known to live with.
    const LIMITS: ServiceLimits = ServiceLimits::together(rate(40.0, 10.0));

    fn new(mut ids: IdSource, region: &str) -> Self {
        State {
            account_part: format!("c{:011x}", ids.number() & 0xfff_ffff_ffff),
            hosted_zone_id: format!("Z{:013X}", ids.number() & 0xf_ffff_ffff_ffff),
            ids,
            clusters: Table::new(),
            instances: Table::new(),
            subnet_groups: Table::new(),
            cluster_parameter_groups: parameter_group::defaults(region),
            parameter_groups: parameter_group::defaults(region),
            snapshots: Table::new(),
            event_subscriptions: Table::new(),
        }
    }

    fn put(&mut self, name: &str, state: &str) -> bool {
        status::put(self, name, state)
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        outside::check_linked_role(cx, &call.operation)?;
        match call.operation.as_str() {
            "CreateDBSubnetGroup" => subnet_group::create(cx, call),
            "DescribeDBSubnetGroups" => subnet_group::describe(cx, call),
            "ModifyDBSubnetGroup" => subnet_group::modify(cx, call),
            "DeleteDBSubnetGroup" => subnet_group::delete(cx, call),

            "CreateDBClusterParameterGroup" => parameter_group::create::<Clusters>(cx, call),
            "DescribeDBClusterParameterGroups" => parameter_group::describe::<Clusters>(cx, call),
            "DescribeDBClusterParameters" => parameter_group::describe_parameters::<Clusters>(cx, call),
            "ModifyDBClusterParameterGroup" => parameter_group::modify::<Clusters>(cx, call),
            "ResetDBClusterParameterGroup" => parameter_group::reset::<Clusters>(cx, call),
            "DeleteDBClusterParameterGroup" => parameter_group::delete::<Clusters>(cx, call),

            "CreateDBParameterGroup" => parameter_group::create::<Instances>(cx, call),
            "DescribeDBParameterGroups" => parameter_group::describe::<Instances>(cx, call),
            "DescribeDBParameters" => parameter_group::describe_parameters::<Instances>(cx, call),
            "ModifyDBParameterGroup" => parameter_group::modify::<Instances>(cx, call),
            "DeleteDBParameterGroup" => parameter_group::delete::<Instances>(cx, call),

            "CreateDBCluster" => cluster_create::create(cx, call),
            "DescribeDBClusters" => cluster::describe(cx, call),
            "ModifyDBCluster" => cluster_change::modify(cx, call),
            "DeleteDBCluster" => cluster_change::delete(cx, call),
            "StopDBCluster" => stopping::stop(cx, call),
            "StartDBCluster" => stopping::start(cx, call),
            "EnableHttpEndpoint" => http_endpoint::switch(cx, call, true),
            "DisableHttpEndpoint" => http_endpoint::switch(cx, call, false),

            "CreateDBInstance" => instance_create::create(cx, call),
            "DescribeDBInstances" => instance::describe(cx, call),
            "ModifyDBInstance" => instance_change::modify(cx, call),
            "DeleteDBInstance" => instance_change::delete(cx, call),
            "RebootDBInstance" => instance_change::reboot(cx, call),
            "StopDBInstance" | "StartDBInstance" => stopping::instance_alone(),

            "CreateDBClusterSnapshot" => snapshot::create(cx, call),
            "DescribeDBClusterSnapshots" => snapshot::describe(cx, call),
            "DeleteDBClusterSnapshot" => snapshot::delete(cx, call),

            "CreateEventSubscription" => event_subscription::create(cx, call),
            "DescribeEventSubscriptions" => event_subscription::describe(cx, call),
            "ModifyEventSubscription" => event_subscription::modify(cx, call),
            "AddSourceIdentifierToSubscription" => event_subscription::add_source(cx, call),
            "RemoveSourceIdentifierFromSubscription" => event_subscription::remove_source(cx, call),
            "DeleteEventSubscription" => event_subscription::delete(cx, call),

            "AddTagsToResource" => tags::TAGS.tag(cx, call),
            "RemoveTagsFromResource" => tags::TAGS.untag(cx, call),
            "ListTagsForResource" => tags::list(cx, call),

            "DescribeGlobalClusters" => cluster::describe_global(call),
            "DescribeDBEngineVersions" => versions::describe(cx, call),

            _ => Err(super::unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        life_cycle::settle(cx);
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let mut objects: Vec<Object> = all(home, &self.clusters).collect();
        objects.extend(all(home, &self.instances));
        objects.extend(all(home, &self.subnet_groups));
        objects.extend(all(home, &self.event_subscriptions));
        // AWS's own parameter groups are always there, like its IAM policies.
        let own = |group: &Object| group.id.starts_with("default.");
        objects.extend(all(home, &self.cluster_parameter_groups).filter(|group| !own(group)));
        objects.extend(all(home, &self.parameter_groups).filter(|group| !own(group)));
        objects.extend(self.snapshots.iter().map(|(name, snapshot)| {
            let object = object(home, name, snapshot).by_default(snapshot.is_automated());
            // An automated snapshot goes with its cluster.
            if snapshot.is_automated() { object.part_of(&snapshot.cluster) } else { object }
        }));
        objects
    }

    fn interfaces(&self) -> Vec<Interface> {
        let of = |instance: &Instance| Some(instance.interface(self.clusters.get(&instance.cluster)?));
        self.instances.values().filter_map(of).collect()
    }
}

impl State {
    /// Whether there is a cluster of this ARN.
    pub(crate) fn has_cluster(&self, arn: &str) -> bool {
        self.clusters.values().any(|cluster| cluster.arn == arn)
    }
}

fn all<'a, R: Record>(home: &'a str, table: &'a Table<R>) -> impl Iterator<Item = Object> + 'a {
    table.iter().map(move |(name, record)| object(home, name, record))
}

fn object<R: Record>(home: &str, name: &str, record: &R) -> Object {
    Object::new("rds", home, R::KIND.cloudformation, name, record.tags().clone()).named(name)
}
