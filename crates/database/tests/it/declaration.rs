//! What the tier declares. Where the reference has a unit test for its database stack, the name here says the same.

use database::{Args, Capacity};
use engine::{Declaration, Graph};
use serde_json::{Value, json};
use testing::{ACCOUNT, REGION, declare};

use crate::support::{CLUSTER, expendable, inputs, tier};

fn graph(args: Args) -> Graph {
    declare(&tier(args), &inputs()).unwrap().0
}

fn node<'a>(graph: &'a Graph, name: &str) -> &'a Declaration {
    graph.get(&format!("database/{name}")).unwrap_or_else(|| panic!("{name} is not declared"))
}

fn properties(graph: &Graph, name: &str) -> Value {
    node(graph, name).properties.clone()
}

fn reference(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("database/{name}"), "attr": attr })
}

#[test]
fn database_stack_creation() {
    let graph = graph(Args::default());
    let cluster = properties(&graph, "cluster");
    let tags = json!([{ "Key": "Name", "Value": CLUSTER }]);
    assert_eq!(
        cluster,
        json!({
            "DBClusterIdentifier": CLUSTER,
            "Engine": "aurora-postgresql",
            "EngineVersion": "17.7",
            "AllowMajorVersionUpgrade": false,
            "DatabaseName": "payments",
            "MasterUsername": "payments_owner",
            "ManageMasterUserPassword": true,
            "MasterUserSecret": { "KmsKeyId": reference("key", "Arn") },
            "DBSubnetGroupName": reference("subnet-group", "DBSubnetGroupName"),
            "VpcSecurityGroupIds": [reference("security-group", "GroupId")],
            "DBClusterParameterGroupName": reference("parameter-group", "DBClusterParameterGroupName"),
            "Port": 5432,
            "StorageEncrypted": true,
            "KmsKeyId": reference("key", "Arn"),
            "BackupRetentionPeriod": 7,
            "PreferredBackupWindow": "03:00-04:00",
            "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
            "EnableCloudwatchLogsExports": ["postgresql"],
            // So that the group is there first.
            "LogGroupNames": [reference("log-group", "LogGroupName")],
            "EnableIAMDatabaseAuthentication": true,
            "EnableHttpEndpoint": true,
            "CopyTagsToSnapshot": true,
            "DeletionProtection": false,
            "ServerlessV2ScalingConfiguration": { "MinCapacity": 0.5, "MaxCapacity": 2.0 },
            "DatabaseInsightsMode": "standard",
            "PerformanceInsightsEnabled": true,
            "PerformanceInsightsRetentionPeriod": 7,
            "PerformanceInsightsKmsKeyId": reference("key", "Arn"),
            "DeletionPolicy": "Delete",
            "MembersPendingReboot": [],
            "Tags": tags,
        })
    );
    let key = properties(&graph, "key");
    assert_eq!(key["EnableKeyRotation"], true);
    assert_eq!(properties(&graph, "key-alias")["AliasName"], "alias/payment-database-dev");
    let subnets = &properties(&graph, "subnet-group")["SubnetIds"];
    assert_eq!(*subnets, json!(["subnet-a", "subnet-b", "subnet-c"]));
    let parameters = properties(&graph, "parameter-group");
    assert_eq!(parameters["Family"], "aurora-postgresql17");
    assert_eq!(parameters["Parameters"]["rds.force_ssl"], "1");
    assert_eq!(parameters["Parameters"]["ssl_min_protocol_version"], "TLSv1.2");
    assert_eq!(parameters["Parameters"]["pgaudit.log"], "ddl,role");
    let logs = properties(&graph, "log-group");
    assert_eq!(logs["LogGroupName"], format!("/aws/rds/cluster/{CLUSTER}/postgresql"));
    assert_eq!(logs["RetentionInDays"], 2557);
}

#[test]
fn aurora_cluster_endpoint() {
    let (_, outputs) = declare(&tier(Args::default()), &inputs()).unwrap();
    let outputs = serde_json::to_value(outputs).unwrap();
    // Known once the cluster is begun, so who only needs its name does not wait for minutes.
    for (output, attr) in
        [("databaseEndpoint", "Endpoint.Address"), ("databaseReaderEndpoint", "ReadEndpoint.Address")]
    {
        assert_eq!(outputs[output]["$ref"], "database/cluster", "{output}");
        assert_eq!(outputs[output]["attr"], attr, "{output}");
        assert_eq!(outputs[output]["early"], true, "{output}");
    }
    assert_eq!(outputs["databasePort"], 5432);
}

#[test]
fn cluster_arn() {
    let (_, outputs) = declare(&tier(Args::default()), &inputs()).unwrap();
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["databaseClusterArn"], reference("cluster", "DBClusterArn"));
    assert_eq!(outputs["databaseClusterId"], reference("cluster", "DBClusterIdentifier"));
}

#[test]
fn database_secret_arn_in_secrets_manager() {
    let (graph, outputs) = declare(&tier(Args::default()), &inputs()).unwrap();
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["databaseSecretArn"]["attr"], "MasterUserSecret.SecretArn");
    // RDS makes the password: no property of any resource is one.
    let text: String = graph.nodes().iter().map(|node| node.properties.to_string()).collect();
    assert!(!text.contains("\"MasterUserPassword\""));
}

#[test]
fn the_cluster_is_protected_unless_its_data_may_be_lost_or_is_kept() {
    let protected = |args: Args| node(&graph(args), "cluster").protect;
    assert!(protected(Args::default()));
    assert!(protected(Args { allow_data_loss: vec!["payment-aurora-prod".to_owned()], ..Args::default() }));
    assert!(!protected(expendable()));
    assert!(!protected(Args { final_snapshot: true, ..Args::default() }));
    assert!(protected(Args { final_snapshot: true, deletion_protection: true, ..Args::default() }));
}

#[test]
fn the_application_logs_in_as_a_user_of_its_own_with_iam() {
    let user = |args: Args| properties(&graph(args), "application-user");
    assert_eq!(
        user(Args::default()),
        json!({
            "DBClusterResourceId": reference("cluster", "DBClusterResourceId"),
            "DBInstanceIdentifier": reference("instance-1", "DBInstanceIdentifier"),
            "UserName": "payments_app",
            "DatabaseName": "payments",
            "RoleAttributes": ["LOGIN"],
            "MemberOf": ["rds_iam"],
            "DatabasePrivileges": ["CONNECT"],
            "SchemaPrivileges": ["CREATE", "USAGE"],
        })
    );
    let reads = user(Args { application_creates_tables: false, ..Args::default() });
    assert_eq!(reads["SchemaPrivileges"], json!(["USAGE"]));

    let (_, outputs) = declare(&tier(Args::default()), &inputs()).unwrap();
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["databaseApplicationUser"], "payments_app");
    assert_eq!(outputs["databaseReady"][1], reference("application-user", "UserName"));
    // By hand, without the Data API.
    let by_hand = Args { data_api: false, ..Args::default() };
    let (graph, outputs) = declare(&tier(by_hand), &inputs()).unwrap();
    assert!(graph.get("database/application-user").is_none());
    assert_eq!(properties(&graph, "cluster")["EnableHttpEndpoint"], false);
    assert_eq!(serde_json::to_value(outputs).unwrap()["databaseReady"].as_array().unwrap().len(), 1);
}

#[test]
fn writer_and_reader_are_in_different_zones_and_stand_in_for_each_other() {
    let graph = graph(Args { instances: 4, ..Args::default() });
    let instances: Vec<Value> =
        (1..=4).map(|number| properties(&graph, &format!("instance-{number}"))).collect();
    let zones: Vec<&str> = instances.iter().filter_map(|one| one["AvailabilityZone"].as_str()).collect();
    assert_eq!(zones, ["a", "b", "c", "a"].map(|zone| format!("{REGION}{zone}")));
    for (tier, instance) in (0..).zip(&instances) {
        assert_eq!(instance["PromotionTier"], tier);
        assert_eq!(instance["DBInstanceClass"], "db.serverless");
        assert_eq!(instance["PubliclyAccessible"], false);
        assert_eq!(instance["DBClusterIdentifier"], reference("cluster", "DBClusterIdentifier"));
        assert_eq!(instance["MonitoringRoleArn"], reference("monitoring-role", "Arn"));
    }
    let trust = &properties(&graph, "monitoring-role")["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"]["Service"], "monitoring.rds.amazonaws.com");
    assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], json!([ACCOUNT]));
}

#[test]
fn clients_are_let_in_by_their_group_and_nothing_is_let_out() {
    let clients = ["sg-1", "sg-2"].map(|id| aws::SecurityGroupId::from(id).into()).to_vec();
    let inputs = database::Inputs { client_security_group_ids: clients, ..inputs() };
    let (graph, _) = declare(&tier(Args::default()), &inputs).unwrap();
    let rule = properties(&graph, "client-2");
    assert_eq!(rule["SourceSecurityGroupId"], "sg-2");
    assert_eq!((&rule["FromPort"], &rule["ToPort"]), (&json!(5432), &json!(5432)));
    let kinds: Vec<&str> = graph.nodes().iter().map(|node| node.kind.as_str()).collect();
    assert!(!kinds.contains(&"AWS::EC2::SecurityGroupEgress"));
    assert_eq!(properties(&graph, "security-group")["SecurityGroupEgress"], json!([]));
}

#[test]
fn a_cluster_that_pauses_says_after_how_long() {
    let pausing = Capacity { min: 0.0, ..Capacity::default() };
    let graph = graph(Args { capacity: pausing, monitoring_interval: 0, ..Args::default() });
    let scaling = &properties(&graph, "cluster")["ServerlessV2ScalingConfiguration"];
    assert_eq!(scaling["SecondsUntilAutoPause"], 300);
    assert!(graph.get("database/monitoring-role").is_none());
}

#[test]
fn a_major_version_has_a_parameter_group_of_its_own() {
    for (version, family, connections) in [
        ("16.9", "aurora-postgresql16", "1"),
        ("17", "aurora-postgresql17", "1"),
        // Of version 18 it is a list.
        ("18.3", "aurora-postgresql18", "all"),
    ] {
        let graph = graph(Args { engine_version: version.to_owned(), ..Args::default() });
        let group = properties(&graph, "parameter-group");
        assert_eq!(group["Family"], family);
        assert_eq!(group["Parameters"]["log_connections"], connections, "{version}");
    }
}
