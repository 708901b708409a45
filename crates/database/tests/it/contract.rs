//! The contract of every kind of this tier.

use aws::Tags;
use aws::resources::{Key, LogGroup, Role, SecurityGroup};
use database::resources::*;
use database::{Args, Inputs};
use engine::Declares;
use testing::World;
use testing::contract::{Around, Entry};

use crate::support::{expendable, network, tier};

testing::contract!(database::kinds, around networks, {
    subnet_group,
    cluster_parameter_group,
    cluster,
    instance,
    database_user,
});

/// Two networks.
type Inside = Around<[Inputs; 2]>;

async fn networks(world: &World) -> [Inputs; 2] {
    let networks = [network(world).await, network(world).await];
    // What is publicly accessible needs a way to the internet.
    let ec2 = world.cx.ec2();
    let gateway = ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
    let attach = ec2.attach_internet_gateway().internet_gateway_id(gateway.internet_gateway_id.unwrap());
    attach.vpc_id(networks[0].vpc_id.literal().unwrap().as_str()).send().await.unwrap();
    networks
}

fn declare(around: &mut Inside) {
    let inputs = around.inputs[0].clone();
    around.tier(
        &tier(Args { monitoring_interval: 60, engine_version: "17.6".to_owned(), ..expendable() }),
        &inputs,
    );
}

fn entry<D: Declares>(around: &mut Inside, address: &str) -> Entry<D> {
    declare(around);
    around.entry(address)
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn subnet_group(around: &mut Inside) -> Entry<SubnetGroup> {
    let [network, other] = around.inputs.clone();
    entry::<SubnetGroup>(around, "database/subnet-group")
        .other("DBSubnetGroupName", |group| group.name = "payment-other-dev".into())
        .other("DBSubnetGroupDescription", |group| group.description = "Other subnets".to_owned())
        .other("SubnetIds", |group| group.subnet_ids = network.subnet_ids[..2].to_vec())
        .together("VpcId", ["SubnetIds"], |group| {
            group.vpc_id = other.vpc_id;
            group.subnet_ids = other.subnet_ids;
        })
        .other("Tags", |group| group.tags = renamed())
}

fn cluster_parameter_group(around: &mut Inside) -> Entry<ClusterParameterGroup> {
    entry::<ClusterParameterGroup>(around, "database/parameter-group")
        .other("DBClusterParameterGroupName", |group| group.name = "payment-other-dev".into())
        .other("Description", |group| group.description = "Other parameters".to_owned())
        .other("Family", |group| group.family = "aurora-postgresql16".to_owned())
        .other("Parameters", |group| {
            let parameters = [("rds.force_ssl", "1"), ("log_min_duration_statement", "500")];
            let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
            group.parameters = parameters.into_iter().collect();
        })
        .other("Tags", |group| group.tags = renamed())
}

fn cluster(around: &mut Inside) -> Entry<Cluster> {
    declare(around);
    let [network, _] = around.inputs.clone();
    let subnet_group = around.another::<SubnetGroup>("database/subnet-group", "other-subnets", |group| {
        group.name = "payment-other-dev".into();
        group.subnet_ids = network.subnet_ids[..2].to_vec();
    });
    let address = "database/parameter-group";
    let parameters = around.another::<ClusterParameterGroup>(address, "other-parameters", |group| {
        group.name = "payment-other-dev".into();
    });
    let security_group = around.another::<SecurityGroup>("database/security-group", "other-group", |group| {
        group.group_name = "payment-other-dev".to_owned();
    });
    let key = around.another::<Key>("database/key", "other-key", |_| ()).arn;
    let logs = around.another::<LogGroup>("database/log-group", "other-logs", |group| {
        group.log_group_name = aws::LogGroupName::from("other").into();
    });
    entry::<Cluster>(around, "database/cluster")
        .other("DBClusterIdentifier", |cluster| cluster.identifier = "payment-other-dev".into())
        .other("EngineVersion", |cluster| cluster.engine_version = "17.7".to_owned())
        .one_way("EngineVersion", "RDS does not go back to an older version")
        .not_seen("EngineVersion", "a newer minor version is as good")
        .recorded("AllowMajorVersionUpgrade", |cluster| cluster.allow_major_version_upgrade = true)
        .other("DatabaseName", |cluster| cluster.database_name = "ledger".to_owned())
        .other("MasterUsername", |cluster| cluster.master_username = "boss".to_owned())
        .other("DBSubnetGroupName", |cluster| cluster.subnet_group_name = subnet_group.name)
        .other("VpcSecurityGroupIds", |cluster| {
            cluster.vpc_security_group_ids = vec![security_group.group_id];
        })
        .other("DBClusterParameterGroupName", |cluster| cluster.parameter_group_name = parameters.name)
        .other("Port", |cluster| cluster.port = 5433)
        .other("KmsKeyId", |cluster| cluster.kms_key_id = key)
        .other("BackupRetentionPeriod", |cluster| cluster.backup_retention_period = 21)
        .other("PreferredBackupWindow", |cluster| cluster.preferred_backup_window = "01:00-02:00".to_owned())
        .other("PreferredMaintenanceWindow", |cluster| {
            cluster.preferred_maintenance_window = "sat:05:00-sat:06:00".to_owned();
        })
        .other("EnableCloudwatchLogsExports", |cluster| cluster.enable_cloudwatch_logs_exports = Vec::new())
        .recorded("LogGroupNames", |cluster| cluster.log_group_names.push(logs.log_group_name))
        .other("EnableIAMDatabaseAuthentication", |cluster| {
            cluster.enable_iam_database_authentication = false
        })
        .other("EnableHttpEndpoint", |cluster| cluster.enable_http_endpoint = false)
        .other("CopyTagsToSnapshot", |cluster| cluster.copy_tags_to_snapshot = false)
        .other("DeletionProtection", |cluster| cluster.deletion_protection = true)
        .other("ServerlessV2ScalingConfiguration", |cluster| {
            cluster.serverless_v2_scaling_configuration.max_capacity = 7.5;
        })
        .recorded("DeletionPolicy", |cluster| cluster.deletion_policy = DeletionPolicy::Snapshot)
        .other("Tags", |cluster| cluster.tags = renamed())
        .fixed(["Engine"], "the tier is made for PostgreSQL")
        .fixed(["ManageMasterUserPassword"], "otherwise the program would know the password")
        .fixed(["MasterUserSecret"], "RDS takes another key only while it begins to manage the password")
        .fixed(["StorageEncrypted"], "a key is of no use without")
        .fixed(["AddedMembers"], "what somebody has added is never declared")
        .fixed(["Outage"], "it is what a look finds, not what anybody wants")
        .fixed(["StorageType"], "what somebody has changed it to is never declared")
        .fixed(["MembersPendingReboot"], "it is what a look finds, not what anybody wants")
        .together("DatabaseInsightsMode", ["PerformanceInsightsRetentionPeriod"], |cluster| {
            cluster.database_insights_mode = "advanced".to_owned();
            cluster.performance_insights_retention_period = Some(465);
        })
        .together(
            "PerformanceInsightsEnabled",
            ["PerformanceInsightsRetentionPeriod", "PerformanceInsightsKmsKeyId"],
            |cluster| {
                cluster.performance_insights_enabled = false;
                cluster.performance_insights_retention_period = None;
                cluster.performance_insights_kms_key_id = None;
            },
        )
        .other("PerformanceInsightsRetentionPeriod", |cluster| {
            cluster.performance_insights_retention_period = Some(31);
        })
        .fixed(["PerformanceInsightsKmsKeyId"], "RDS takes another key only while it turns them on")
}

fn instance(around: &mut Inside) -> Entry<Instance> {
    declare(around);
    let role = around.another::<Role>("database/monitoring-role", "other-role", |role| {
        role.role_name = "payment-other-dev".into();
    });
    let logs = around.another::<LogGroup>("database/log-group", "other-logs", |group| {
        let name = "/aws/rds/cluster/payment-other-dev/postgresql";
        group.log_group_name = aws::LogGroupName::from(name).into();
    });
    let cluster = around.another::<Cluster>("database/cluster", "other-cluster", |cluster| {
        cluster.log_group_names = vec![logs.log_group_name];
        cluster.identifier = "payment-other-dev".into();
    });
    entry::<Instance>(around, "database/instance-1")
        .other("DBInstanceIdentifier", |instance| instance.identifier = "payment-other-dev".into())
        .other("DBClusterIdentifier", |instance| instance.cluster_identifier = cluster.identifier)
        .other("DBInstanceClass", |instance| instance.class = "db.r7g.large".to_owned())
        .other("AvailabilityZone", |instance| {
            instance.availability_zone = format!("{}c", testing::REGION).into();
        })
        .other("PromotionTier", |instance| instance.promotion_tier = 7)
        .other("PubliclyAccessible", |instance| instance.publicly_accessible = true)
        .other("PreferredMaintenanceWindow", |instance| {
            instance.preferred_maintenance_window = "sat:05:00-sat:06:00".to_owned();
        })
        .other("EnablePerformanceInsights", |instance| instance.enable_performance_insights = false)
        .fixed(["DBParameterGroupName"], "what somebody has given it is never declared")
        .fixed(["Outage", "PendingReboot"], "it is what a look finds, not what anybody wants")
        .other("AutoMinorVersionUpgrade", |instance| instance.auto_minor_version_upgrade = false)
        .other("MonitoringInterval", |instance| instance.monitoring_interval = 30)
        .other("MonitoringRoleArn", |instance| instance.monitoring_role_arn = Some(role.arn))
        .other("CACertificateIdentifier", |instance| {
            instance.ca_certificate_identifier = "rds-ca-rsa4096-g1".to_owned();
        })
        .other("Tags", |instance| instance.tags = renamed())
        .fixed(["Engine"], "it is the cluster's")
}

fn database_user(around: &mut Inside) -> Entry<DatabaseUser> {
    declare(around);
    let logs = around.another::<LogGroup>("database/log-group", "other-logs", |group| {
        let name = "/aws/rds/cluster/payment-other-dev/postgresql";
        group.log_group_name = aws::LogGroupName::from(name).into();
    });
    let cluster = around.another::<Cluster>("database/cluster", "other-cluster", |cluster| {
        cluster.log_group_names = vec![logs.log_group_name];
        cluster.identifier = "payment-other-dev".into();
    });
    let mut instance = |name: &str, cluster| {
        let made = around.another::<Instance>("database/instance-1", name, |instance| {
            instance.identifier = format!("payment-{name}-dev").as_str().into();
            if let Some(cluster) = cluster {
                instance.cluster_identifier = cluster;
            }
        });
        made.identifier
    };
    let writer = instance("other-db", Some(cluster.identifier));
    let sibling = instance("sibling-db", None);
    entry::<DatabaseUser>(around, "database/application-user")
        .together("DBClusterResourceId", ["DBInstanceIdentifier"], |user| {
            user.cluster_resource_id = cluster.resource_id;
            user.instance_identifier = writer;
        })
        .recorded("DBInstanceIdentifier", |user| user.instance_identifier = sibling)
        .other("UserName", |user| user.user_name = "ledger_app".to_owned())
        .other("DatabaseName", |user| user.database_name = "postgres".to_owned())
        .other("RoleAttributes", |user| user.role_attributes.clear())
        .other("MemberOf", |user| {
            user.member_of.insert("rds_superuser".into());
        })
        .other("DatabasePrivileges", |user| {
            user.database_privileges.insert(DatabasePrivilege::Create);
        })
        .other("SchemaPrivileges", |user| {
            user.schema_privileges.remove(&SchemaPrivilege::Create);
        })
        .recorded("DeletionPolicy", |user| user.deletion_policy = aws::DeletionPolicy::Retain)
        .fixed(["GrantOptions"], "the application has nothing to grant")
        .fixed(["Inherited"], "it is what a look finds, not what anybody wants")
}
