//! States that no time ends (Aurora User Guide, "Viewing DB cluster status" and "Viewing DB instance status in an Aurora cluster").
//!
//! One has a cause that can be seen here: a cluster whose KMS key cannot be used stops when RDS next needs the key, with all its
//! instances, and can be saved for seven days (Amazon RDS User Guide, "Encrypting Amazon RDS resources",
//! `inaccessible-encryption-credentials-recoverable`; the same of Aurora). RDS needs it when something is changed or restarted. A
//! test can bring about the others by [`Emulator::put_database`](crate::Emulator::put_database).

use super::State;
use super::cluster::Cluster;
use super::instance::Instance;
use crate::machine::emulator::Emulator;
use crate::machine::error::EmulatorError;
use crate::services::Cx;

impl Emulator {
    /// Puts a cluster or an instance of RDS into a state, such as `incompatible-network`, in which it stays; whether there is one
    /// of this name. For states that AWS knows and whose causes are not modelled. Nothing that was under way goes on.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read or written. Never in memory.
    pub async fn put_database(&self, region: &str, name: &str, status: &str) -> Result<bool, EmulatorError> {
        self.put("rds", region, name, status).await
    }
}

/// The key cannot be used, for now.
pub(super) const WITHOUT_KEY: &str = "inaccessible-encryption-credentials-recoverable";

/// Whether a cluster or an instance can be deleted, besides those that are available: what does not work can be, so that nobody
/// pays for it for ever (Aurora User Guide, "Deleting Aurora DB clusters and DB instances").
pub(super) fn is_lasting(status: &str) -> bool {
    const OTHERS: [&str; 5] =
        ["cloning-failed", "failed", "insufficient-capacity", "restore-error", "storage-full"];
    let groups = ["inaccessible-", "incompatible-"].iter().any(|group| status.starts_with(group));
    groups || OTHERS.contains(&status) || status.ends_with("-failed")
}

/// Stops a cluster whose key cannot be used, now that it is needed.
pub(super) fn need_key(cx: &mut Cx<'_>, cluster: &str) {
    let key = cx.r.rds.clusters.get(cluster).and_then(|cluster| cluster.kms_key_id.clone());
    if key.is_none_or(|key| cx.r.kms.usable(&key).is_ok()) {
        return;
    }
    let State { clusters, instances, .. } = &mut cx.r.rds;
    if let Some(cluster) = clusters.get_mut(cluster) {
        cluster.put(WITHOUT_KEY);
    }
    let of_cluster = instances.values_mut().filter(|instance| instance.cluster == cluster);
    of_cluster.for_each(|instance| instance.put(WITHOUT_KEY));
}

/// Puts a cluster or an instance into a state; whether there is one of this name.
pub(super) fn put(state: &mut State, name: &str, status: &str) -> bool {
    match (state.clusters.get_mut(name), state.instances.get_mut(name)) {
        (Some(cluster), _) => cluster.put(status),
        (None, Some(instance)) => instance.put(status),
        (None, None) => return false,
    }
    true
}

impl Cluster {
    /// It is in this state, and nothing is under way.
    fn put(&mut self, status: &str) {
        self.status = status.to_owned();
        (self.begins, self.next, self.pending_millis) = (None, None, None);
    }
}

impl Instance {
    /// It is in this state, and nothing is under way.
    fn put(&mut self, status: &str) {
        self.status = status.to_owned();
        (self.begins, self.next, self.pending_millis) = (None, None, None);
    }
}
