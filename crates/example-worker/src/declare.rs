//! The tier itself: which resources there are, and what each takes from which.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{
    InlinePolicy, LogGroup, Queue, RedrivePolicy, Role, SecurityGroup, SecurityGroupEgress,
};
use aws::{
    DeletionPolicy, EcsServiceName, LogGroupName, Names, QueueArn, QueueUrl, RoleArn, SecurityGroupId,
};
use ecs::resources::{
    AwsvpcConfiguration, Capabilities, CircuitBreaker, ContainerDefinition, DeploymentConfiguration,
    DeploymentController, KeyValuePair, LinuxParameters, LogConfiguration, NetworkConfiguration,
    RuntimePlatform, Service, TaskDefinition,
};
use ecs::{Architecture, TaskDefinitionArn};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Scope, Stage};
use serde::{Deserialize, Serialize};
use stack::Shared;

use crate::{Args, Inputs};

/// The longest that SQS keeps a message: 14 days, in seconds.
const FORTNIGHT: u32 = 1_209_600;
/// The smallest task of Fargate: a quarter of a vCPU, and MiB.
const SIZE: (&str, &str) = ("256", "512");

/// The worker tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    args: Args,
    shared: Shared,
}

/// What other tiers can refer to, and its user wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The URL of the queue, for those that send messages.
    pub worker_queue_url: S::Of<QueueUrl>,
    /// The ARN of the queue, for their policies.
    pub worker_queue_arn: S::Of<QueueArn>,
    /// The ARN of the dead letter queue.
    pub worker_dead_letter_queue_arn: S::Of<QueueArn>,
    /// The service whose tasks work on messages, if there is an image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worker_service_name: Option<S::Of<EcsServiceName>>,
}

impl stack::Tier for Tier {
    type Args = Args;
    const ABOUT: &'static str = "The worker: a queue, and tasks that work on its messages.";

    fn in_environment(args: Args, shared: &Shared) -> Self {
        Self { args, shared: shared.clone() }
    }

    /// Queues are among the shared kinds; tasks and services are those of the containers tier.
    fn register(registry: &mut aws::Registry) {
        ecs::kinds(registry);
    }
}

impl Component for Tier {
    const NAME: &'static str = "worker";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let names = Names::new(&self.shared.environment, &self.shared.tags)?;
        LogGroup::guard(scope, self.shared.keep_logs);
        self.args.check()?;
        let declaring = Declaring { scope, args: &self.args, shared: &self.shared, inputs, names };
        declaring.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    shared: &'a Shared,
    inputs: &'a Inputs,
    names: Names,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let dead_letters = self.queue("dead-letter-queue", "worker-dead-letters", None)?;
        let policy = RedrivePolicy {
            dead_letter_target_arn: dead_letters.arn.clone(),
            max_receive_count: self.args.attempts,
        };
        let queue = self.queue("queue", "worker", Some(policy))?;
        let service = match &self.args.image {
            Some(image) => Some(self.service(image, &queue)?),
            None => None,
        };
        Ok(Outputs {
            worker_queue_url: queue.queue_url,
            worker_queue_arn: queue.arn,
            worker_dead_letter_queue_arn: dead_letters.arn,
            worker_service_name: service,
        })
    }

    fn queue(
        &mut self,
        address: &str,
        what: &str,
        redrive_policy: Option<RedrivePolicy>,
    ) -> Result<OutputsOf<Queue>, DeclareError> {
        // Of a dead letter queue, nobody receives anything but people.
        let visibility_timeout = redrive_policy.as_ref().map(|_| self.args.seconds_per_message);
        let queue = Queue {
            queue_name: self.names.name(what).into(),
            message_retention_period: FORTNIGHT,
            visibility_timeout,
            redrive_policy,
            sqs_managed_sse_enabled: true,
            policy: None,
            tags: self.names.tags(what),
        };
        self.scope.add(address, queue)
    }

    fn service(
        &mut self,
        image: &str,
        queue: &OutputsOf<Queue>,
    ) -> Result<Input<EcsServiceName>, DeclareError> {
        let task_definition = self.task_definition(image, queue)?;
        let security_group = self.security_group()?;
        let service = Service {
            service_name: self.names.name("worker").into(),
            cluster: self.inputs.cluster_arn.clone(),
            task_definition,
            desired_count: self.args.tasks,
            launch_type: "FARGATE".to_owned(),
            platform_version: "LATEST".to_owned(),
            scheduling_strategy: "REPLICA".to_owned(),
            network_configuration: NetworkConfiguration {
                awsvpc_configuration: AwsvpcConfiguration {
                    subnets: self.inputs.private_subnet_ids.clone(),
                    security_groups: vec![security_group],
                    assign_public_ip: "DISABLED".to_owned(),
                },
            },
            // It asks for its work; nobody sends it requests.
            load_balancers: Vec::new(),
            health_check_grace_period_seconds: None,
            deployment_controller: DeploymentController { kind: "ECS".to_owned() },
            deployment_configuration: DeploymentConfiguration {
                strategy: "ROLLING".to_owned(),
                bake_time_in_minutes: None,
                minimum_healthy_percent: 100,
                maximum_percent: 200,
                deployment_circuit_breaker: CircuitBreaker { enable: true, rollback: true },
                lifecycle_hooks: Vec::new(),
                alarms: None,
            },
            availability_zone_rebalancing: "ENABLED".to_owned(),
            enable_ecs_managed_tags: true,
            enable_execute_command: false,
            propagate_tags: "SERVICE".to_owned(),
            depends_on: self.inputs.ready.clone(),
            deployment: None,
            missing_images: Vec::new(),
            tags: self.names.tags("worker"),
        };
        Ok(self.scope.add("service", service)?.name)
    }

    fn task_definition(
        &mut self,
        image: &str,
        queue: &OutputsOf<Queue>,
    ) -> Result<Input<TaskDefinitionArn>, DeclareError> {
        let logs = self.log_group()?;
        let repository =
            [self.inputs.place.arn("ecr", "repository/").into(), (&self.inputs.repository_name).into()];
        let execution = PolicyDocument::new([
            // The call has no resource.
            Statement::allow(["ecr:GetAuthorizationToken"]).sid("SignIn").resources(["*".into()]),
            Statement::allow([
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchGetImage",
            ])
            .sid("Pull")
            .resources([Input::join(repository)]),
            Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"])
                .sid("Log")
                .resources([logs.arn.text()]),
        ]);
        let actions = [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        ];
        let work = PolicyDocument::new([Statement::allow(actions).sid("Work").resources([queue.arn.text()])]);
        let (cpu, memory) = SIZE;
        let definition = TaskDefinition {
            family: self.names.name("worker"),
            cpu: cpu.to_owned(),
            memory: memory.to_owned(),
            network_mode: "awsvpc".to_owned(),
            requires_compatibilities: vec!["FARGATE".to_owned()],
            runtime_platform: RuntimePlatform {
                cpu_architecture: match self.inputs.architecture {
                    Architecture::X8664 => "X86_64".to_owned(),
                    Architecture::Arm64 => "ARM64".to_owned(),
                },
                operating_system_family: "LINUX".to_owned(),
            },
            execution_role_arn: self.role(
                "execution",
                "Lets Fargate pull the worker's image and write its logs",
                execution,
            )?,
            task_role_arn: self.role("task", "What the worker may do", work)?,
            container_definitions: vec![self.container(image, queue, &logs.log_group_name)],
            volumes: Vec::new(),
            tags: self.names.tags("worker"),
        };
        Ok(self.scope.add("task-definition", definition)?.task_definition_arn)
    }

    fn container(
        &self,
        image: &str,
        queue: &OutputsOf<Queue>,
        logs: &Input<LogGroupName>,
    ) -> ContainerDefinition {
        let region = &self.inputs.place.region;
        let variable = |name: &str, value| KeyValuePair { name: name.to_owned(), value };
        let options = [
            ("awslogs-group", logs.text()),
            ("awslogs-region", region.clone().into()),
            ("awslogs-stream-prefix", "worker".into()),
        ];
        ContainerDefinition {
            name: "worker".to_owned(),
            image: image.into(),
            essential: true,
            command: self.args.command.clone(),
            port_mappings: Vec::new(),
            // By name, as AWS has no order of them.
            environment: vec![
                variable("AWS_REGION", region.clone().into()),
                variable("QUEUE_URL", queue.queue_url.text()),
            ],
            secrets: Vec::new(),
            mount_points: Vec::new(),
            linux_parameters: LinuxParameters {
                capabilities: Capabilities { drop: vec!["ALL".to_owned()] },
                init_process_enabled: true,
            },
            user: Some(self.args.user.clone()),
            readonly_root_filesystem: true,
            // As long as Fargate allows: a message that a task gives up is worked on from its beginning.
            stop_timeout: Some(120),
            health_check: None,
            log_configuration: LogConfiguration {
                log_driver: "awslogs".to_owned(),
                options: options.map(|(name, value)| (name.to_owned(), value)).into(),
            },
        }
    }

    fn log_group(&mut self) -> Result<OutputsOf<LogGroup>, DeclareError> {
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/ecs/{}", self.names.name("worker"))).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.args.retention()?),
            kms_key_id: self.shared.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.shared.keep_logs),
            tags: self.names.tags("worker-logs"),
        };
        self.scope.add("log-group", group)
    }

    fn role(
        &mut self,
        what: &str,
        description: &str,
        policy_document: PolicyDocument,
    ) -> Result<Input<RoleArn>, DeclareError> {
        let Inputs { place, .. } = self.inputs;
        let trust = Statement::allow(["sts:AssumeRole"])
            .principal(Principal::Service("ecs-tasks.amazonaws.com".to_owned()));
        // ECS Developer Guide, "Amazon ECS task IAM role": for task roles alone, AWS documents conditions.
        let trust = match what {
            "task" => trust
                .when("StringEquals", "aws:SourceAccount", [place.account_id.clone().into()])
                .when("ArnLike", "aws:SourceArn", [place.arn("ecs", "*").into()]),
            _ => trust,
        };
        let role = Role {
            // With the region: names of roles are the account's, for all regions together.
            role_name: self.names.name(&format!("worker-{what}-{}", place.region)).into(),
            assume_role_policy_document: PolicyDocument::new([trust]),
            description: Some(description.to_owned()),
            max_session_duration: None,
            policies: vec![InlinePolicy { policy_name: format!("worker-{what}"), policy_document }],
            managed_policy_arns: Vec::new(),
            tags: self.names.tags(&format!("worker-{what}")),
        };
        Ok(self.scope.add(&format!("{what}-role"), role)?.arn)
    }

    /// Tasks reach AWS, and nobody reaches them.
    fn security_group(&mut self) -> Result<Input<SecurityGroupId>, DeclareError> {
        let group = SecurityGroup {
            group_name: self.names.name("worker-sg"),
            group_description: "The worker: no requests, and calls to AWS".to_owned(),
            vpc_id: self.inputs.vpc_id.clone(),
            security_group_ingress: Vec::new(),
            security_group_egress: Vec::new(),
            tags: self.names.tags("worker-sg"),
        };
        let group_id = self.scope.add("security-group", group)?.group_id;
        let to_aws = SecurityGroupEgress {
            group_id: group_id.clone(),
            ip_protocol: "tcp".to_owned(),
            from_port: Some(443),
            to_port: Some(443),
            cidr_ip: Some("0.0.0.0/0".into()),
            destination_security_group_id: None,
            destination_prefix_list_id: None,
            description: "AWS, through a NAT gateway or endpoints".to_owned(),
            tags: aws::Tags::new(),
        };
        self.scope.add("to-aws", to_aws)?;
        Ok(group_id)
    }
}
