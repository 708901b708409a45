//! What is done to everything but the network and the load balancer.

use apigw::resources::{RestApi, UsagePlan};
use aws::resources::{Key, LogGroup, Queue, Role};
use backup::resources::Function;
use database::resources::Cluster;
use ecs::resources::{Repository, Service};
use engine::{Resolved, Resource as _};
use monitoring::resources::Topic;

use super::{Deed, Expected, done, words};

pub(super) const DEEDS: &[Deed] = &[
    Deed {
        id: "role/managed-policy",
        kind: Role::<Resolved>::KIND,
        command: "iam attach-role-policy",
        expected: Expected::Repaired("ecs/task-role", "ManagedPolicyArns"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let role = hand.output("ecs/task-role", "RoleName")?;
                let policy = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
                let request = hand.cx().iam().attach_role_policy().role_name(role).policy_arn(policy);
                done(request.send().await)
            })
        },
    },
    Deed {
        id: "role/inline-policy",
        kind: Role::<Resolved>::KIND,
        command: "iam put-role-policy",
        expected: Expected::Repaired("ecs/task-role", "Policies"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let role = hand.output("ecs/task-role", "RoleName")?;
                let request = hand.cx().iam().put_role_policy().role_name(role).policy_name("more");
                done(request.policy_document(POLICY).send().await)
            })
        },
    },
    Deed {
        id: "service/identity-tag",
        kind: Service::<Resolved>::KIND,
        command: "ecs untag-resource stack:project",
        expected: Expected::Repaired("ecs/service", "Tags"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_ecs::Client::new).untag_resource();
                let request = request.resource_arn(hand.output("ecs/service", "ServiceArn")?);
                done(request.tag_keys(aws::tags::PROJECT).send().await)
            })
        },
    },
    Deed {
        id: "repository/policy",
        kind: Repository::KIND,
        command: "ecr set-repository-policy: another account may push",
        expected: Expected::Repaired("ecs/repository", "RepositoryPolicyText"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_ecr::Client::new).set_repository_policy();
                let request = request.repository_name(hand.property("ecs/repository", "RepositoryName")?);
                let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Push","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["ecr:PutImage"]}]}"#;
                done(request.policy_text(policy).send().await)
            })
        },
    },
    Deed {
        id: "cluster/instance",
        kind: Cluster::<Resolved>::KIND,
        command: "rds create-db-instance in the stack's cluster",
        expected: Expected::Kept("database/cluster"),
        fails: &["access/database"],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_rds::Client::new).create_db_instance();
                let cluster = hand.output("database/cluster", "DBClusterIdentifier")?;
                let request =
                    request.db_instance_identifier("payment-by-hand").db_cluster_identifier(cluster);
                let request = request.engine("aurora-postgresql").db_instance_class("db.serverless");
                done(request.send().await)?;
                // Until it is there.
                tokio::time::sleep(std::time::Duration::from_secs(1800)).await;
                Ok(())
            })
        },
    },
    Deed {
        id: "key/alias",
        kind: Key::KIND,
        command: "kms create-alias for the stack's key",
        expected: Expected::NotSeen("a name gives nobody access: the key's policy decides, and is read"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_kms::Client::new).create_alias();
                let request = request.target_key_id(hand.output("database/key", "KeyId")?);
                done(request.alias_name("alias/somebody").send().await)
            })
        },
    },
    Deed {
        id: "log-group/metric-filter",
        kind: LogGroup::<Resolved>::KIND,
        command: "logs put-metric-filter",
        expected: Expected::NotSeen("it counts lines for somebody and changes nothing"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                use aws_sdk_cloudwatchlogs::types::MetricTransformation;
                let counted = MetricTransformation::builder().metric_name("n").metric_namespace("their");
                let counted = counted.metric_value("1").build().map_err(|error| error.to_string())?;
                let group = hand.property("ecs/app-log-group", "LogGroupName")?;
                let request =
                    hand.cx().logs().put_metric_filter().log_group_name(group).filter_name("theirs");
                done(request.filter_pattern("ERROR").metric_transformations(counted).send().await)
            })
        },
    },
    Deed {
        id: "topic/subscription",
        kind: Topic::<Resolved>::KIND,
        command: "sns subscribe: one more address",
        expected: Expected::NotSeen(
            "to be told of alarms is what the topic is for, people and tools subscribe themselves; who may do so, the topic's \
             policy says, and it is read",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_sns::Client::new).subscribe().protocol("email");
                let request = request.topic_arn(hand.output("monitoring/topic", "TopicArn")?);
                done(request.endpoint("somebody@example.com").send().await)
            })
        },
    },
    Deed {
        id: "queue/policy",
        kind: Queue::<Resolved>::KIND,
        command: "sqs set-queue-attributes Policy: another account may receive",
        expected: Expected::Repaired("backup/dead-letter-queue", "Policy"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let arn = hand.output("backup/dead-letter-queue", "Arn")?;
                let policy = format!(
                    r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"123456789012"}},"Action":"sqs:ReceiveMessage","Resource":"{arn}"}}]}}"#
                );
                let request = hand.cx().client(aws_sdk_sqs::Client::new).set_queue_attributes();
                let request = request.queue_url(hand.output("backup/dead-letter-queue", "QueueUrl")?);
                let name = aws_sdk_sqs::types::QueueAttributeName::Policy;
                done(request.attributes(name, policy).send().await)
            })
        },
    },
    Deed {
        id: "function/concurrency",
        kind: Function::<Resolved>::KIND,
        command: "lambda put-function-concurrency 0: it never runs again",
        expected: Expected::Repaired("backup/function", "ReservedConcurrentExecutions"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_lambda::Client::new).put_function_concurrency();
                let request = request.function_name(hand.output("backup/function", "FunctionName")?);
                done(request.reserved_concurrent_executions(0).send().await)
            })
        },
    },
    Deed {
        id: "function/permission",
        kind: Function::<Resolved>::KIND,
        command: "lambda add-permission: another service may invoke it",
        expected: Expected::NotSeen(
            "who invokes it can make it look at the backups once more and report to our topic, and sees nothing of it",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_lambda::Client::new).add_permission();
                let request = request.function_name(hand.output("backup/function", "FunctionName")?);
                let request = request.statement_id("theirs").action("lambda:InvokeFunction");
                done(request.principal("events.amazonaws.com").send().await)
            })
        },
    },
    Deed {
        id: "usage-plan/key",
        kind: UsagePlan::<Resolved>::KIND,
        command: "apigateway create-api-key, create-usage-plan-key: lets somebody in",
        expected: Expected::Repaired("apigw/usage-plan", "Keys"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let gateway = hand.cx().client(aws_sdk_apigateway::Client::new);
                let key = gateway.create_api_key().name("somebody").enabled(true).send().await;
                let key = key.map_err(|error| words(&error))?.id.ok_or("the key has no id")?;
                let request = gateway.create_usage_plan_key().key_id(key).key_type("API_KEY");
                done(request.usage_plan_id(hand.output("apigw/usage-plan", "Id")?).send().await)
            })
        },
    },
    Deed {
        id: "rest-api/resource",
        kind: RestApi::KIND,
        command: "apigateway create-resource, put-method without a key",
        expected: Expected::NotSeen(
            "it is not served before somebody deploys the API: then the stage has another deployment, which is drift; \
             a plan of ours that would deploy it is refused, and names it",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let gateway = hand.cx().client(aws_sdk_apigateway::Client::new);
                let api = hand.output("apigw/rest-api", "RestApiId")?;
                let root = hand.output("apigw/rest-api", "RootResourceId")?;
                let request = gateway.create_resource().rest_api_id(&api).parent_id(root).path_part("open");
                let made = request.send().await.map_err(|error| words(&error))?;
                let request =
                    gateway.put_method().rest_api_id(api).http_method("GET").authorization_type("NONE");
                done(request.resource_id(made.id.unwrap_or_default()).send().await)
            })
        },
    },
    Deed {
        id: "cluster/stop",
        kind: Cluster::<Resolved>::KIND,
        command: "rds stop-db-cluster",
        expected: Expected::Kept("database/cluster"),
        fails: &["completeness/database"],
        act: |hand| {
            Box::pin(async move {
                let cluster = hand.output("database/cluster", "DBClusterIdentifier")?;
                let request = hand.cx().client(aws_sdk_rds::Client::new).stop_db_cluster();
                done(request.db_cluster_identifier(cluster).send().await)
            })
        },
    },
    Deed {
        id: "key/rotation-on-demand",
        kind: Key::KIND,
        command: "kms rotate-key-on-demand",
        expected: Expected::NotSeen("it leaves the automatic rotations as they are"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_kms::Client::new).rotate_key_on_demand();
                done(request.key_id(hand.output("database/key", "KeyId")?).send().await)
            })
        },
    },
    Deed {
        id: "log-group/protection",
        kind: LogGroup::<Resolved>::KIND,
        command: "logs put-log-group-deletion-protection",
        expected: Expected::Kept("ecs/app-log-group"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let group = hand.property("ecs/app-log-group", "LogGroupName")?;
                let request = hand.cx().logs().put_log_group_deletion_protection();
                done(request.log_group_identifier(group).deletion_protection_enabled(true).send().await)
            })
        },
    },
];

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
