//! What the tier declares. Where the reference has a unit test for its ECS stack, the name here says the same.

use std::collections::BTreeMap;

use ecs::{Architecture, Args, DatabaseCredentials, HealthCheck, Inputs, Repository, Tracing};
use engine::{Declaration, Graph};
use serde_json::{Value, json};
use testing::{ACCOUNT, REGION, declare};

use crate::support::{BLUE, GREEN, PRODUCTION, TEST, inputs, secret_arn, tier, with_image};

fn graph(args: Args) -> Graph {
    declare(&tier(args), &inputs()).unwrap().0
}

fn node<'a>(graph: &'a Graph, name: &str) -> &'a Declaration {
    graph.get(&format!("ecs/{name}")).unwrap_or_else(|| panic!("{name} is not declared"))
}

fn properties(graph: &Graph, name: &str) -> Value {
    node(graph, name).properties.clone()
}

fn reference(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("ecs/{name}"), "attr": attr })
}

fn joined(parts: &[Value]) -> Value {
    json!({ "$join": parts })
}

fn outputs(args: Args) -> Value {
    serde_json::to_value(declare(&tier(args), &inputs()).unwrap().1).unwrap()
}

fn tags(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

/// The statements of a role's policies.
fn statements(graph: &Graph, role: &str) -> Vec<Value> {
    let role = properties(graph, role);
    let policies = role["Policies"].as_array().unwrap().iter();
    policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone()).collect()
}

/// The statement of this name in the policies of a role.
fn statement(graph: &Graph, role: &str, sid: &str) -> Value {
    statements(graph, role)
        .into_iter()
        .find(|one| one["Sid"] == sid)
        .unwrap_or_else(|| panic!("no statement {sid}"))
}

/// The resources that name what must be ready.
fn waiting(args: Args) -> Vec<String> {
    let graph = graph(args);
    let waits = |node: &&Declaration| node.properties.get("DependsOn") == Some(&json!(["db-1"]));
    graph.nodes().iter().filter(waits).map(|node| node.address.to_string()).collect()
}

#[test]
fn only_the_service_waits_for_what_must_be_ready_and_only_if_there_are_tasks() {
    assert_eq!(waiting(with_image(":v1")), ["ecs/service"]);
    assert_eq!(waiting(Args::default()), [""; 0]);
    assert_eq!(properties(&graph(Args::default()), "service").get("DependsOn"), None);
}

#[test]
fn ecs_stack_creation() {
    let graph = graph(with_image(":v1"));
    assert_eq!(
        properties(&graph, "service"),
        json!({
            "ServiceName": "payment-service-dev",
            "Cluster": reference("cluster", "Arn"),
            "TaskDefinition": reference("task-definition", "TaskDefinitionArn"),
            "DesiredCount": 2,
            "LaunchType": "FARGATE",
            "PlatformVersion": "LATEST",
            "SchedulingStrategy": "REPLICA",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": ["subnet-a", "subnet-b"],
                    "SecurityGroups": [reference("security-group", "GroupId")],
                    "AssignPublicIp": "DISABLED",
                },
            },
            "LoadBalancers": [{
                "ContainerName": "app",
                "ContainerPort": 8080,
                "TargetGroupArn": BLUE,
                "AdvancedConfiguration": {
                    "AlternateTargetGroupArn": GREEN,
                    "ProductionListenerRule": PRODUCTION,
                    "TestListenerRule": TEST,
                    "RoleArn": reference("load-balancer-role", "Arn"),
                },
            }],
            "HealthCheckGracePeriodSeconds": 60,
            "DeploymentController": { "Type": "ECS" },
            "DeploymentConfiguration": {
                "Strategy": "BLUE_GREEN",
                "BakeTimeInMinutes": 10,
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
                "DeploymentCircuitBreaker": { "Enable": true, "Rollback": true },
            },
            "AvailabilityZoneRebalancing": "ENABLED",
            "EnableECSManagedTags": true,
            "EnableExecuteCommand": false,
            "PropagateTags": "SERVICE",
            "DependsOn": ["db-1"],
            "Tags": tags("payment-service-dev"),
        })
    );
    for (name, group) in
        [("app-log-group", "/ecs/payment-app-dev"), ("tracing-log-group", "/ecs/payment-tracing-dev")]
    {
        let logs = properties(&graph, name);
        assert_eq!((&logs["LogGroupName"], &logs["RetentionInDays"]), (&json!(group), &json!(2557)));
    }
}

#[test]
fn roles_that_belong_to_services_come_before_what_needs_them() {
    let with = graph(with_image(":v1"));
    for (role, service, needs_it) in [
        ("linked-role", "ecs.amazonaws.com", "cluster"),
        ("autoscaling-linked-role", "ecs.application-autoscaling.amazonaws.com", "scalable-target"),
    ] {
        assert_eq!(properties(&with, role)["AWSServiceName"], service);
        assert_eq!(properties(&with, role)["DeletionPolicy"], "Retain");
        assert!(with.reaches(&format!("ecs/{needs_it}"), &format!("ecs/{role}")), "{needs_it}");
    }
    assert!(graph(Args::default()).get("ecs/autoscaling-linked-role").is_none());
}

#[test]
fn cluster_arn() {
    let graph = graph(Args::default());
    assert_eq!(
        properties(&graph, "cluster"),
        json!({
            "ClusterName": "payment-cluster-dev",
            "ClusterSettings": [{ "Name": "containerInsights", "Value": "enhanced" }],
            "Tags": tags("payment-cluster-dev"),
        })
    );
    let outputs = outputs(Args::default());
    assert_eq!(outputs["ecsClusterArn"], reference("cluster", "Arn"));
    assert_eq!(outputs["ecsClusterName"], reference("cluster", "ClusterName"));
}

#[test]
fn service_arn() {
    let outputs = outputs(Args::default());
    assert_eq!(outputs["ecsServiceArn"], reference("service", "ServiceArn"));
    assert_eq!(outputs["ecsServiceName"], reference("service", "Name"));
    assert_eq!(outputs["taskDefinitionArn"], reference("task-definition", "TaskDefinitionArn"));
    assert_eq!(outputs["taskSecurityGroupId"], reference("security-group", "GroupId"));
}

#[test]
fn blue_target_group_arn_for_blue_green_deployment() {
    assert_eq!(outputs(Args::default())["blueTargetGroupArn"], BLUE);
}

#[test]
fn green_target_group_arn_for_blue_green_deployment() {
    assert_eq!(outputs(Args::default())["greenTargetGroupArn"], GREEN);
}

#[test]
fn the_repository_scans_images_keeps_some_and_lets_no_tag_move() {
    let repository = properties(&graph(Args::default()), "repository");
    let policy = repository["LifecyclePolicy"]["LifecyclePolicyText"].as_str().unwrap();
    let policy: Value = serde_json::from_str(policy).unwrap();
    assert_eq!(policy["rules"][0]["selection"]["countNumber"], 30);
    assert_eq!(repository["RepositoryName"], "payment-app-dev");
    assert_eq!(repository["ImageTagMutability"], "IMMUTABLE");
    assert_eq!(repository["ImageScanningConfiguration"], json!({ "ScanOnPush": true }));
    assert_eq!(repository["EncryptionConfiguration"], json!({ "EncryptionType": "AES256" }));
    assert_eq!(repository["EmptyOnDelete"], true);
}

#[test]
fn a_task_is_the_hardened_application_and_a_collector_of_traces() {
    let graph = graph(with_image(":v1"));
    let definition = properties(&graph, "task-definition");
    assert_eq!(definition["Family"], "payment-app-dev");
    assert_eq!((&definition["Cpu"], &definition["Memory"]), (&json!("512"), &json!("1024")));
    assert_eq!(definition["NetworkMode"], "awsvpc");
    assert_eq!(definition["RequiresCompatibilities"], json!(["FARGATE"]));
    assert_eq!(
        definition["RuntimePlatform"],
        json!({ "CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX" })
    );
    assert_eq!(definition["ExecutionRoleArn"], reference("execution-role", "Arn"));
    assert_eq!(definition["TaskRoleArn"], reference("task-role", "Arn"));
    assert_eq!(definition["Volumes"], json!([{ "Name": "tmp" }]));
    let linux = json!({ "Capabilities": { "Drop": ["ALL"] }, "InitProcessEnabled": true });
    let logs = |group: &str, prefix: &str| {
        json!({
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": joined(&[reference(group, "LogGroupName")]),
                "awslogs-region": REGION,
                "awslogs-stream-prefix": prefix,
            },
        })
    };
    assert_eq!(
        definition["ContainerDefinitions"],
        json!([
            {
                "Name": "app",
                "Image": joined(&[reference("repository", "RepositoryUri"), ":v1".into()]),
                "Essential": true,
                "PortMappings": [{ "ContainerPort": 8080, "Protocol": "tcp" }],
                "Environment": [
                    { "Name": "AWS_REGION", "Value": REGION },
                    { "Name": "DB_AUTHENTICATION", "Value": "iam" },
                    { "Name": "DB_CA_BUNDLE", "Value": "/etc/ssl/rds/global-bundle.pem" },
                    { "Name": "DB_HOST", "Value": "db.example" },
                    { "Name": "DB_NAME", "Value": "payments" },
                    { "Name": "DB_PORT", "Value": "5432" },
                    { "Name": "DB_READER_HOST", "Value": "db-ro.example" },
                    { "Name": "DB_USERNAME", "Value": "payments_app" },
                    { "Name": "OTEL_EXPORTER_OTLP_ENDPOINT", "Value": "http://localhost:4318" },
                    { "Name": "OTEL_SERVICE_NAME", "Value": "payment-app-dev" },
                    { "Name": "PORT", "Value": "8080" },
                ],
                "MountPoints": [{ "SourceVolume": "tmp", "ContainerPath": "/tmp", "ReadOnly": false }],
                "LinuxParameters": linux,
                "User": "10001:10001",
                "ReadonlyRootFilesystem": true,
                "StopTimeout": 30,
                "LogConfiguration": logs("app-log-group", "app"),
            },
            {
                "Name": "adot",
                "Image": "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0",
                "Essential": false,
                "Command": ["--config=/etc/ecs/ecs-xray.yaml"],
                "LinuxParameters": linux,
                "User": "aoc",
                "ReadonlyRootFilesystem": true,
                "StopTimeout": 30,
                "LogConfiguration": logs("tracing-log-group", "adot"),
            },
        ])
    );
}

#[test]
fn the_daemon_takes_traces_if_it_is_asked_for_or_nothing_does() {
    let daemon = graph(Args { tracing: Tracing::XrayDaemon, ..Args::default() });
    let containers = properties(&daemon, "task-definition")["ContainerDefinitions"].clone();
    assert_eq!(containers[1]["PortMappings"], json!([{ "ContainerPort": 2000, "Protocol": "udp" }]));
    assert_eq!(containers[1]["Essential"], false);
    let variable = json!({ "Name": "AWS_XRAY_DAEMON_ADDRESS", "Value": "localhost:2000" });
    assert!(containers[0]["Environment"].as_array().unwrap().contains(&variable));

    let nothing = graph(Args { tracing: Tracing::None, ..Args::default() });
    let containers = properties(&nothing, "task-definition")["ContainerDefinitions"].clone();
    assert_eq!(containers.as_array().unwrap().len(), 1);
    assert!(nothing.get("ecs/tracing-log-group").is_none());
    assert!(!properties(&nothing, "task-role").to_string().contains("xray"));
}

/// Security Hub ECS.20.
#[test]
fn no_container_runs_as_root() {
    let users = |args: Args| -> Vec<String> {
        let containers = properties(&graph(args), "task-definition")["ContainerDefinitions"].clone();
        let users = containers.as_array().unwrap().iter().map(|container| container["User"].as_str());
        users.map(|user| user.expect("each has a user").to_owned()).collect()
    };
    assert_eq!(users(Args::default()), ["10001:10001", "aoc"]);
    let daemon = Args { tracing: Tracing::XrayDaemon, ..Args::default() };
    assert_eq!(users(daemon), ["10001:10001", "xray"]);
    let other = Args { tracing_user: Some("4317:4317".to_owned()), ..Args::default() };
    assert_eq!(users(other), ["10001:10001", "4317:4317"]);
}

/// Another deletion than that of the images' owner must not take them along.
#[test]
fn images_go_with_the_repository_only_where_they_may() {
    for delete_images in [true, false] {
        let repository = Repository { delete_images, ..Repository::default() };
        let graph = graph(Args { repository, ..Args::default() });
        assert_eq!(properties(&graph, "repository")["EmptyOnDelete"], delete_images);
    }
}

#[test]
fn roles_may_do_what_they_are_for_and_nothing_else() {
    let graph = graph(with_image(":v1"));
    let sids = |role: &str| -> Vec<String> {
        statements(&graph, role).iter().map(|one| one["Sid"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sids("execution-role"), ["SignIn", "Pull", "Log"]);
    assert_eq!(sids("task-role"), ["Connect", "Trace"]);
    let pull = statement(&graph, "execution-role", "Pull");
    assert_eq!(pull["Resource"], json!([joined(&[reference("repository", "Arn")])]));
    let log = statement(&graph, "execution-role", "Log");
    let groups = ["app-log-group", "tracing-log-group"].map(|name| joined(&[reference(name, "Arn")]));
    assert_eq!(log["Resource"], json!(groups));
    for role in ["execution-role", "task-role"] {
        let trust = properties(&graph, role)["AssumeRolePolicyDocument"]["Statement"][0].clone();
        assert_eq!(trust["Principal"]["Service"], "ecs-tasks.amazonaws.com");
        // AWS documents conditions for task roles alone.
        let source = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:*");
        let documented = json!({
            "StringEquals": { "aws:SourceAccount": [ACCOUNT] },
            "ArnLike": { "aws:SourceArn": [source] },
        });
        assert_eq!(trust.get("Condition"), Some(&documented).filter(|_| role == "task-role"));
    }
    let user = format!("arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:cluster-ABC/payments_app");
    assert_eq!(statement(&graph, "task-role", "Connect")["Resource"], json!([user]));

    let balancer = properties(&graph, "load-balancer-role");
    let managed = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers";
    assert_eq!(balancer["ManagedPolicyArns"], json!([managed]));
    let trust = &balancer["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"]["Service"], "ecs.amazonaws.com");
    assert_eq!(trust.get("Condition"), None);
    for role in ["execution-role", "task-role", "load-balancer-role"] {
        let name = properties(&graph, role)["RoleName"].as_str().unwrap().to_owned();
        assert!(name.len() <= 64 - (16 - "dev".len()), "{name} leaves no room for a longer environment");
    }
}

#[test]
fn the_master_users_secret_is_given_only_if_that_is_asked_for() {
    let graph = graph(Args {
        database_credentials: DatabaseCredentials::MasterSecret,
        database_ca_bundle: String::new(),
        ..with_image(":v1")
    });
    let secret = secret_arn();
    let app = properties(&graph, "task-definition")["ContainerDefinitions"][0].clone();
    assert_eq!(
        app["Secrets"],
        json!([
            { "Name": "DB_PASSWORD", "ValueFrom": format!("{secret}:password::") },
            { "Name": "DB_USERNAME", "ValueFrom": format!("{secret}:username::") },
        ])
    );
    let environment = app["Environment"].as_array().unwrap();
    let database: Vec<&str> = environment.iter().filter_map(|one| one["Name"].as_str()).collect();
    let database: Vec<&str> = database.into_iter().filter(|name| name.starts_with("DB_")).collect();
    let wanted = ["DB_AUTHENTICATION", "DB_HOST", "DB_NAME", "DB_PORT", "DB_READER_HOST", "DB_SECRET_ARN"];
    assert_eq!(database, wanted);
    assert!(environment.contains(&json!({ "Name": "DB_AUTHENTICATION", "Value": "password" })));
    for role in ["execution-role", "task-role"] {
        assert_eq!(statement(&graph, role, "ReadSecret")["Resource"], json!([secret]));
        let decrypt = statement(&graph, role, "DecryptSecret");
        let via = format!("secretsmanager.{REGION}.amazonaws.com");
        assert_eq!(decrypt["Condition"], json!({ "StringEquals": { "kms:ViaService": [via] } }));
        assert!(!properties(&graph, role).to_string().contains("rds-db:connect"));
    }
}

#[test]
fn an_image_of_another_private_repository_may_be_pulled_too() {
    let image = "210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app:7";
    let graph = graph(with_image(image));
    let pull = statement(&graph, "execution-role", "Pull");
    assert_eq!(pull["Resource"][1], "arn:aws:ecr:us-east-1:210987654321:repository/team/app");
    assert_eq!(properties(&graph, "task-definition")["ContainerDefinitions"][0]["Image"], image);
}

#[test]
fn tasks_are_reached_from_the_load_balancer_and_reach_aws_and_the_database() {
    let graph = graph(Args { container_port: 9000, ..Args::default() });
    let tasks = || reference("security-group", "GroupId");
    let rule = |name: &str| {
        let rule = properties(&graph, name);
        let peers = ["SourceSecurityGroupId", "DestinationSecurityGroupId", "CidrIp"];
        let peer = peers.iter().find_map(|peer| rule.get(*peer)).unwrap().clone();
        assert_eq!(rule["FromPort"], rule["ToPort"]);
        (node(&graph, name).kind.clone(), rule["GroupId"].clone(), rule["FromPort"].clone(), peer)
    };
    let (into, out) =
        ("AWS::EC2::SecurityGroupIngress".to_owned(), "AWS::EC2::SecurityGroupEgress".to_owned());
    assert_eq!(rule("from-load-balancer"), (into.clone(), tasks(), 9000.into(), "sg-alb".into()));
    assert_eq!(rule("load-balancer-to-tasks"), (out.clone(), "sg-alb".into(), 9000.into(), tasks()));
    assert_eq!(rule("to-aws"), (out.clone(), tasks(), 443.into(), "0.0.0.0/0".into()));
    assert_eq!(rule("to-database"), (out, tasks(), 5432.into(), "sg-db".into()));
    assert_eq!(rule("database-from-tasks"), (into, "sg-db".into(), 5432.into(), tasks()));
}

#[test]
fn load_decides_how_many_tasks_there_are() {
    let graph = graph(with_image(":v1"));
    let target = properties(&graph, "scalable-target");
    assert_eq!((&target["MinCapacity"], &target["MaxCapacity"]), (&json!(2), &json!(10)));
    assert_eq!(target["ScalableDimension"], "ecs:service:DesiredCount");
    let resource =
        ["service/".into(), reference("cluster", "ClusterName"), "/".into(), reference("service", "Name")];
    assert_eq!(target["ResourceId"], joined(&resource));
    for (name, metric, percent) in [
        ("cpu-policy", "ECSServiceAverageCPUUtilization", 70.0),
        ("memory-policy", "ECSServiceAverageMemoryUtilization", 80.0),
    ] {
        let policy = properties(&graph, name);
        assert_eq!(policy["PolicyType"], "TargetTrackingScaling");
        assert_eq!(policy["ScalingTargetId"], reference("scalable-target", "Id"));
        assert_eq!(
            policy["TargetTrackingScalingPolicyConfiguration"],
            json!({
                "TargetValue": percent,
                "PredefinedMetricSpecification": { "PredefinedMetricType": metric },
                "ScaleOutCooldown": 60,
                "ScaleInCooldown": 300,
            })
        );
    }
}

#[test]
fn without_an_image_no_task_runs_and_the_next_steps_are_told() {
    let graph = graph(Args::default());
    assert_eq!(properties(&graph, "service")["DesiredCount"], 0);
    let image = properties(&graph, "task-definition")["ContainerDefinitions"][0]["Image"].clone();
    assert_eq!(image, joined(&[reference("repository", "RepositoryUri"), ":bootstrap".into()]));
    for scaling in ["scalable-target", "cpu-policy", "memory-policy"] {
        assert!(graph.get(&format!("ecs/{scaling}")).is_none(), "{scaling}");
    }
    let steps = outputs(Args { architecture: Architecture::Arm64, ..Args::default() })["nextSteps"].clone();
    assert!(
        steps[0].as_str().unwrap().contains("docker build --platform linux/arm64 --tag app ."),
        "{steps}"
    );
    assert_eq!(steps[1], "Deploy it: `stack deploy app.tar`");
    assert_eq!(outputs(with_image(":v1"))["nextSteps"], json!([]));
}

#[test]
fn without_a_database_there_is_nothing_of_one() {
    let (graph, _) = declare(&tier(with_image(":v1")), &Inputs { database: None, ..inputs() }).unwrap();
    let all: String = graph.nodes().iter().map(|node| node.properties.to_string()).collect();
    for word in ["DB_", "secretsmanager", "kms:", "rds-db", "5432"] {
        assert!(!all.contains(word), "{word}");
    }
    // A role that may do nothing has no policy.
    let quiet = Args { tracing: Tracing::None, ..Args::default() };
    let (graph, _) = declare(&tier(quiet), &Inputs { database: None, ..inputs() }).unwrap();
    assert!(properties(&graph, "task-role").get("Policies").is_none());
}

#[test]
fn what_it_is_told_is_what_it_declares() {
    let variables = BTreeMap::from([("LOG_LEVEL".to_owned(), "info".to_owned())]);
    let check = HealthCheck {
        command: vec!["CMD".to_owned(), "/app/healthy".to_owned()],
        interval: 10,
        timeout: 3,
        retries: 5,
        start_period: 20,
    };
    let graph = graph(Args {
        environment: "prod".to_owned(),
        cpu: 1024,
        memory: 4096,
        architecture: Architecture::Arm64,
        environment_variables: variables,
        health_check: Some(check),
        execute_command: true,
        bake_time_minutes: 0,
        ..with_image(":v1")
    });
    let definition = properties(&graph, "task-definition");
    assert_eq!(definition["RuntimePlatform"]["CpuArchitecture"], "ARM64");
    assert_eq!((&definition["Cpu"], &definition["Memory"]), (&json!("1024"), &json!("4096")));
    let app = &definition["ContainerDefinitions"][0];
    let variable = json!({ "Name": "LOG_LEVEL", "Value": "info" });
    assert!(app["Environment"].as_array().unwrap().contains(&variable));
    let check = json!({
        "Command": ["CMD", "/app/healthy"], "Interval": 10, "Timeout": 3, "Retries": 5, "StartPeriod": 20,
    });
    assert_eq!(app["HealthCheck"], check);
    // The agent by which commands are run writes to the file system.
    assert_eq!(app["ReadonlyRootFilesystem"], false);
    assert_eq!(properties(&graph, "service")["EnableExecuteCommand"], true);
    assert_eq!(properties(&graph, "service")["DeploymentConfiguration"]["BakeTimeInMinutes"], 0);
    statement(&graph, "task-role", "ExecuteCommand");
    assert_eq!(properties(&graph, "repository")["RepositoryName"], "payment-app-prod");
}

#[test]
fn the_service_waits_for_what_its_tasks_need() {
    let graph = graph(with_image(":v1"));
    let text = |name: &str| properties(&graph, name).to_string();
    for needed in ["cluster", "task-definition", "security-group", "load-balancer-role"] {
        assert!(text("service").contains(&format!("\"ecs/{needed}\"")), "{needed}");
    }
    for needed in ["execution-role", "task-role", "app-log-group", "tracing-log-group", "repository"] {
        assert!(text("task-definition").contains(&format!("\"ecs/{needed}\"")), "{needed}");
    }
    // An ARN that exists early is no sign that a role may do what it is for.
    let all: String = graph.nodes().iter().map(|node| node.properties.to_string()).collect();
    assert!(!all.contains("\"early\""));
}

#[test]
fn the_defaults_are_written_as_they_are_read() {
    let args: Args = toml::from_str("").unwrap();
    assert_eq!(args, Args::default());
    let written = toml::to_string(&Args { image: Some(":v1".to_owned()), ..Args::default() }).unwrap();
    assert_eq!(toml::from_str::<Args>(&written).unwrap(), with_image(":v1"));
    let some: Args = toml::from_str("tracing = \"xray_daemon\"\narchitecture = \"arm64\"").unwrap();
    assert_eq!((some.tracing, some.architecture), (Tracing::XrayDaemon, Architecture::Arm64));
    assert!(toml::from_str::<Args>("imgae = \":v1\"").unwrap_err().to_string().contains("unknown field"));
}
