//! The HTTP endpoint of a cluster, which the RDS Data API needs. It is set when the cluster is created, and later by calls of
//! its own: ModifyDBCluster's `EnableHttpEndpoint` is for Serverless v1 (RDS API Reference, EnableHttpEndpoint and
//! DisableHttpEndpoint).

use serde_json::json;

use super::State;
use super::cluster::Cluster;
use super::instance::Instance;
use crate::services::{Answer, Call, Cx, Refusal};

/// EnableHttpEndpoint and DisableHttpEndpoint.
pub(super) fn switch(cx: &mut Cx<'_>, call: &Call, on: bool) -> Answer {
    let resource_arn: String = call.member("ResourceArn")?;
    let cluster = cx.r.rds.clusters.values_mut().find(|cluster| cluster.arn == resource_arn);
    let cluster = cluster.ok_or_else(|| {
        let message = format!("The specified resource {resource_arn} was not found.");
        Refusal::new("ResourceNotFoundFault", message).with_status(404)
    })?;
    if cluster.check_available().is_err() {
        let message = "The operation can't be performed because another operation is in progress.";
        return Err(Refusal::new("InvalidResourceStateFault", message));
    }
    cluster.http_endpoint_enabled = on;
    Ok(json!({"ResourceArn": resource_arn, "HttpEndpointEnabled": on}))
}

/// Whether a cluster has an instance that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The cluster has no instance.
    None,
    /// It has, and the one that writes is not available.
    Down,
    Available,
}

/// A cluster as the RDS Data API sees it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) resource_id: String,
    pub(crate) http_endpoint_enabled: bool,
    pub(crate) master_username: String,
    pub(crate) database_name: Option<String>,
    pub(crate) writer: Writer,
    /// The ARN of the managed secret, the key that encrypts it, and whether it is active.
    pub(crate) secret: Option<(String, String, bool)>,
    /// After how many seconds without a connection it pauses, where it does.
    pub(crate) pauses_after_seconds: Option<i64>,
    pub(crate) available_millis: Option<i64>,
}

impl State {
    /// The cluster of this ARN, for the RDS Data API.
    pub(crate) fn served(&self, arn: &str) -> Option<Served> {
        let cluster = self.clusters.values().find(|cluster| cluster.arn == arn)?;
        Some(Served {
            resource_id: cluster.db_cluster_resource_id.clone(),
            http_endpoint_enabled: cluster.http_endpoint_enabled,
            master_username: cluster.master_username.clone(),
            database_name: cluster.database_name.clone(),
            writer: self.writer(cluster),
            secret: cluster.master_user_secret.as_ref().map(|secret| {
                (secret.secret_arn.clone(), secret.kms_key_id.clone(), secret.secret_status == "active")
            }),
            pauses_after_seconds: cluster
                .serverless_v2_scaling_configuration
                .as_ref()
                .and_then(super::settings::Scaling::pauses_after),
            available_millis: cluster.available_millis,
        })
    }

    /// Whether a cluster of this resource id is there.
    pub(crate) fn has_resource(&self, resource_id: &str) -> bool {
        self.clusters.values().any(|cluster| cluster.db_cluster_resource_id == resource_id)
    }

    fn writer(&self, cluster: &Cluster) -> Writer {
        let is_available = |instance: &Instance| instance.status == "available";
        match cluster.members.iter().find(|member| member.is_cluster_writer) {
            None => Writer::None,
            Some(member) if self.instances.get(&member.id).is_some_and(is_available) => Writer::Available,
            Some(_) => Writer::Down,
        }
    }
}
