//! The tier itself: which resources there are, and what each takes from which.

use std::collections::BTreeSet;

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{
    Alias, Key, LogGroup, Peer, RetentionDays, Role, SecurityGroup, SecurityGroupIngress, ServiceLinkedRole,
};
use aws::{KeyArn, LogGroupName, Names, RoleArn, SecurityGroupId};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Resolved, Resource, Scope, Stage};
use serde::{Deserialize, Serialize};

use crate::placement::{Placed, placed};
use crate::resources::{
    Cluster, ClusterParameterGroup, DatabasePrivilege, DatabaseUser, DeletionPolicy, IAM, Instance,
    MasterUserSecret, Parameters, RoleAttribute, SchemaPrivilege, SubnetGroup,
};
use crate::{Args, ClusterId, Inputs, InstanceId, ParameterGroupName, SecretArn, SubnetGroupName};

const ENGINE: &str = "aurora-postgresql";
const PORT: u16 = 5432;
/// The last in which an instance becomes the writer.
const LAST_TIER: u8 = 15;
/// For how many days a deleted key can be saved: the longest that KMS offers, since without the key every backup is lost.
const KEY_WINDOW: u32 = 30;

/// How long Performance Insights are kept, in days: what costs nothing, and what the advanced mode needs (RDS API Reference,
/// CreateDBCluster, `PerformanceInsightsRetentionPeriod` and `DatabaseInsightsMode`).
const STANDARD_DAYS: u32 = 7;
const ADVANCED_DAYS: u32 = 465;

engine::tier! {
    /// The database tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The writer's name in DNS. Known as soon as the cluster is begun.
    pub database_endpoint: S::Of<String>,
    /// The readers' name in DNS. Known as soon as the cluster is begun.
    pub database_reader_endpoint: S::Of<String>,
    /// The port.
    pub database_port: S::Of<u16>,
    /// The name of the database in the cluster.
    pub database_name: S::Of<String>,
    /// The user that the application logs in as.
    pub database_application_user: S::Of<String>,
    /// What must be there before somebody logs in as that user: an instance, and the user itself where the stack makes it.
    pub database_ready: Vec<S::Of<String>>,
    /// The cluster's name. A reference to it waits until the cluster is available.
    pub database_cluster_id: S::Of<ClusterId>,
    /// The cluster's ARN. A reference to it waits until the cluster is available.
    pub database_cluster_arn: S::Of<String>,
    /// The id by which IAM policies name the cluster (`rds-db:connect`).
    pub database_resource_id: S::Of<String>,
    /// The secret with the master user's name and password, which RDS rotates. Known as soon as the cluster is begun.
    pub database_secret_arn: S::Of<SecretArn>,
    /// The cluster's group. A client needs a rule in it.
    pub database_security_group_id: S::Of<SecurityGroupId>,
    /// The key that encrypts data, backups and the secret.
    pub database_key_arn: S::Of<KeyArn>,
    /// The instances, the writer at first in front.
    pub database_instance_ids: Vec<S::Of<InstanceId>>,
    /// Where PostgreSQL's logs go.
    pub database_log_group_name: S::Of<LogGroupName>,
}

impl Component for Tier {
    const NAME: &'static str = "database";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        args.check(inputs.subnet_ids.len().min(inputs.availability_zones.len()))?;
        let retention = args.retention()?;
        Declaring { scope, args, inputs, names, retention }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
    retention: RetentionDays,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let key = self.key()?;
        let security_group = self.security_group()?;
        let subnet_group_name = self.subnet_group()?;
        let parameter_group_name = self.parameter_group()?;
        let log_group_name = self.log_group()?;
        let cluster = Cluster {
            identifier: self.cluster_id(),
            engine: ENGINE.to_owned(),
            engine_version: self.args.engine_version.clone(),
            allow_major_version_upgrade: self.args.allow_major_version_upgrade,
            database_name: self.args.database_name.clone(),
            master_username: self.args.master_username.clone(),
            manage_master_user_password: true,
            master_user_secret: MasterUserSecret { kms_key_id: key.clone() },
            subnet_group_name,
            vpc_security_group_ids: vec![security_group.clone()],
            parameter_group_name,
            port: PORT,
            storage_encrypted: true,
            kms_key_id: key.clone(),
            backup_retention_period: self.args.backup_retention_in_days,
            preferred_backup_window: self.args.backup_window.clone(),
            preferred_maintenance_window: self.args.maintenance_window.clone(),
            enable_cloudwatch_logs_exports: vec!["postgresql".to_owned()],
            log_group_names: vec![log_group_name.clone()],
            enable_iam_database_authentication: true,
            enable_http_endpoint: self.args.data_api,
            copy_tags_to_snapshot: true,
            deletion_protection: self.args.deletion_protection,
            serverless_v2_scaling_configuration: self.args.capacity.scaling(),
            database_insights_mode: self.args.insights.clone(),
            performance_insights_enabled: true,
            performance_insights_retention_period: Some(match self.args.insights.as_str() {
                "advanced" => ADVANCED_DAYS,
                _ => STANDARD_DAYS,
            }),
            performance_insights_kms_key_id: Some(key.clone()),
            deletion_policy: match self.args.final_snapshot {
                true => DeletionPolicy::Snapshot,
                false => DeletionPolicy::Delete,
            },
            members_pending_reboot: Vec::new(),
            outage: None,
            storage_type: None,
            added_members: Vec::new(),
            tags: self.names.tags("aurora").with("Name", self.cluster_id().to_string()),
        };
        let cluster = self.add_cluster(cluster)?;
        let instances = self.instances(&cluster.identifier)?;
        let needed_by = ["subnet-group", "cluster"];
        ServiceLinkedRole::before(self.scope, "linked-role", "rds.amazonaws.com", &needed_by)?;
        let user = self.application_user(&cluster.resource_id, &instances[0])?;
        Ok(Outputs {
            database_application_user: self.args.application_user.clone().into(),
            database_ready: instances[..1].iter().map(Input::text).chain(user).collect(),
            database_endpoint: cluster.endpoint.early(),
            database_reader_endpoint: cluster.read_endpoint.early(),
            database_port: PORT.into(),
            database_name: self.args.database_name.clone().into(),
            database_cluster_id: cluster.identifier,
            database_cluster_arn: cluster.arn,
            database_resource_id: cluster.resource_id.early(),
            database_secret_arn: cluster.secret_arn.early(),
            database_security_group_id: security_group,
            database_key_arn: key,
            database_instance_ids: instances,
            database_log_group_name: log_group_name,
        })
    }

    fn cluster_id(&self) -> ClusterId {
        self.args.cluster_name.clone().unwrap_or_else(|| self.names.name("aurora")).into()
    }

    /// The data goes with the cluster, so the engine keeps it unless losing the data was asked for, or a snapshot stays. That holds
    /// for the cluster of this name only: one that is to give way to it is another one.
    fn add_cluster(&mut self, cluster: Cluster) -> Result<OutputsOf<Cluster>, DeclareError> {
        let args = self.args;
        let may_go =
            args.final_snapshot || args.allow_data_loss.iter().any(|id| *id == cluster.identifier.as_str());
        let snapshot_stays = args.final_snapshot.then(|| cluster.identifier.to_string());
        let may_go_by_name = args.allow_data_loss.iter().cloned().chain(snapshot_stays);
        self.scope.protect_all_but(<Cluster<Resolved> as Resource>::KIND, may_go_by_name);
        match may_go && !args.deletion_protection {
            true => self.scope.add("cluster", cluster),
            false => self.scope.add_protected("cluster", cluster),
        }
    }

    /// A key of the customer's own. Its policy leaves it to IAM policies of the account who may use it, and lets
    /// CloudWatch Logs encrypt nothing: logs have keys of their own.
    fn key(&mut self) -> Result<Input<KeyArn>, DeclareError> {
        let aws::Place { account_id, partition, .. } = &self.inputs.place;
        let root = format!("arn:{partition}:iam::{account_id}:root");
        let policy = PolicyDocument::new([Statement::allow(["kms:*"])
            .sid("Account")
            .principal(Principal::Aws(root.into()))
            .resources(["*".into()])]);
        let key = Key {
            description: "Encrypts the payment database, its backups and its password".to_owned(),
            enabled: true,
            deletion_date: None,
            enable_key_rotation: true,
            rotation_period_in_days: None,
            key_policy: policy,
            pending_window_in_days: KEY_WINDOW,
            // A snapshot that stays can be restored only while its key is there.
            deletion_policy: aws::DeletionPolicy::retain_if(self.args.final_snapshot),
            tags: self.names.tags("database-key"),
        };
        let key = self.scope.add("key", key)?;
        let alias = Alias {
            alias_name: format!("alias/{}", self.names.name("database")).into(),
            target_key_id: key.key_id,
        };
        self.scope.add("key-alias", alias)?;
        Ok(key.arn)
    }

    /// Lets PostgreSQL in from its clients, and nothing out.
    fn security_group(&mut self) -> Result<Input<SecurityGroupId>, DeclareError> {
        let group = SecurityGroup::closed(
            self.names.name("database-sg"),
            "The payment database: PostgreSQL from its clients",
            self.inputs.vpc_id.clone(),
            self.names.tags("database-sg"),
        );
        let group = self.scope.add("security-group", group)?.group_id;
        for (number, client) in (1..).zip(&self.inputs.client_security_group_ids) {
            let client = Peer::Group(client.clone());
            let rule = SecurityGroupIngress::tcp(group.clone(), PORT, client, "PostgreSQL from a client");
            self.scope.add(&format!("client-{number}"), rule)?;
        }
        Ok(group)
    }

    fn subnet_group(&mut self) -> Result<Input<SubnetGroupName>, DeclareError> {
        let group = SubnetGroup {
            name: self.names.name("db-subnet-group").into(),
            description: "The database subnets of the payment stack".to_owned(),
            vpc_id: self.inputs.vpc_id.clone(),
            subnet_ids: self.inputs.subnet_ids.clone(),
            tags: self.names.tags("db-subnet-group"),
        };
        Ok(self.scope.add("subnet-group", group)?.name)
    }

    /// TLS or nothing, and enough in the log to tell afterwards who was there and what was slow.
    fn parameter_group(&mut self) -> Result<Input<ParameterGroupName>, DeclareError> {
        let major = self.args.version()?.major;
        // Of version 18, `log_connections` is a list.
        let audited = self.args.pgaudit_log.join(",");
        let parameters = [
            ("rds.force_ssl", "1"),
            ("ssl_min_protocol_version", "TLSv1.2"),
            ("log_connections", if major < 18 { "1" } else { "all" }),
            ("log_disconnections", "1"),
            ("log_min_duration_statement", "1000"),
            ("shared_preload_libraries", "pg_stat_statements,pgaudit"),
            // Loaded alone, pgaudit records nothing (PCI DSS 10.2).
            ("pgaudit.log", audited.as_str()),
        ];
        let parameters: Parameters =
            parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        let group = ClusterParameterGroup {
            // With the major version, so that the group of the next one can be there beside it.
            name: self.names.name(&format!("db-params-{major}")).into(),
            description: "The payment database: TLS only, connections and slow statements logged".to_owned(),
            family: format!("{ENGINE}{major}"),
            parameters,
            tags: self.names.tags(&format!("db-params-{major}")),
        };
        Ok(self.scope.add("parameter-group", group)?.name)
    }

    /// The user that the application logs in as. Without the Data API it is somebody else's to make; one that the stack made before
    /// stays as it is then, since the application goes on logging in as it.
    fn application_user(
        &mut self,
        cluster_resource_id: &Input<String>,
        instance: &Input<InstanceId>,
    ) -> Result<Option<Input<String>>, DeclareError> {
        if !self.args.data_api {
            DatabaseUser::keep(self.scope);
            return Ok(None);
        }
        let creates = self.args.application_creates_tables.then_some(SchemaPrivilege::Create);
        let user = DatabaseUser {
            cluster_resource_id: cluster_resource_id.clone(),
            instance_identifier: instance.clone(),
            user_name: self.args.application_user.clone(),
            database_name: self.args.database_name.clone(),
            role_attributes: [RoleAttribute::Login].into(),
            member_of: [IAM.into()].into(),
            database_privileges: [DatabasePrivilege::Connect].into(),
            schema_privileges: creates.into_iter().chain([SchemaPrivilege::Usage]).collect(),
            grant_options: BTreeSet::new(),
            inherited: BTreeSet::new(),
            deletion_policy: aws::DeletionPolicy::Delete,
        };
        Ok(Some(self.scope.add("application-user", user)?.user_name))
    }

    /// Before the cluster: RDS would make the group itself, with logs that are kept for ever.
    fn log_group(&mut self) -> Result<Input<LogGroupName>, DeclareError> {
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/aws/rds/cluster/{}/postgresql", self.cluster_id()))
                .into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.retention),
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: aws::DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.names.tags("database-logs"),
        };
        Ok(self.scope.add("log-group", group)?.log_group_name)
    }

    fn monitoring_role(&mut self) -> Result<Option<Input<RoleArn>>, DeclareError> {
        if self.args.monitoring_interval == 0 {
            return Ok(None);
        }
        let aws::Place { account_id, partition, region } = &self.inputs.place;
        let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
            .principal(Principal::Service("monitoring.rds.amazonaws.com".to_owned()))
            // RDS User Guide, "Setting up and enabling Enhanced Monitoring".
            .when("StringEquals", "aws:SourceAccount", [account_id.clone().into()])]);
        let managed = format!("arn:{partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole");
        let role = Role {
            role_name: self.names.name(&format!("rds-monitoring-{region}")).into(),
            assume_role_policy_document: trust,
            description: Some("Lets RDS write down how its instances are doing".to_owned()),
            max_session_duration: None,
            policies: Vec::new(),
            managed_policy_arns: vec![managed.into()],
            tags: self.names.tags("rds-monitoring"),
        };
        Ok(Some(self.scope.add("monitoring-role", role)?.arn))
    }

    /// One after the other in each zone: see [`placed`].
    fn instances(&mut self, cluster: &Input<ClusterId>) -> Result<Vec<Input<InstanceId>>, DeclareError> {
        let role = self.monitoring_role()?;
        let mut ids = Vec::new();
        let zones = &self.inputs.availability_zones;
        for Placed { number, zone } in placed(zones, self.args.instances, &self.inputs.recorded) {
            let name = format!("db-{number}");
            let instance = Instance {
                identifier: self.names.name(&name).into(),
                cluster_identifier: cluster.clone(),
                class: "db.serverless".to_owned(),
                engine: ENGINE.to_owned(),
                availability_zone: zones[zone].clone(),
                parameter_group_name: None,
                preferred_maintenance_window: self.args.maintenance_window.clone(),
                enable_performance_insights: true,
                promotion_tier: u8::try_from(number - 1).map_or(LAST_TIER, |tier| tier.min(LAST_TIER)),
                publicly_accessible: false,
                auto_minor_version_upgrade: true,
                monitoring_interval: self.args.monitoring_interval,
                monitoring_role_arn: role.clone(),
                ca_certificate_identifier: "rds-ca-rsa2048-g1".to_owned(),
                pending_reboot: None,
                outage: None,
                tags: self.names.tags(&name),
            };
            ids.push(self.scope.add(&format!("instance-{number}"), instance)?.identifier);
        }
        Ok(ids)
    }
}
