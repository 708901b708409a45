//! The tier itself: which resources there are, and what each takes from which.

use std::collections::BTreeSet;

use aws::policy::PolicyDocument;
use aws::resources::{
    InlinePolicy, LogGroup, Peer, RetentionDays, Role, SecurityGroup, SecurityGroupEgress,
    SecurityGroupIngress, ServiceLinkedRole,
};
use aws::{
    DeletionPolicy, EcsClusterName, EcsServiceName, LogGroupArn, LogGroupName, Names, RoleArn,
    SecurityGroupId, TargetGroupArn,
};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Scope, Stage};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::{Args, DatabaseCredentials, Tracing};
use crate::containers::{self, APP, App, SCRATCH};
use crate::image::Image;
use crate::inputs::Inputs;
use crate::permissions;
use crate::resources::{
    AdvancedConfiguration, AwsvpcConfiguration, CircuitBreaker, Cluster, ClusterSetting,
    DeploymentConfiguration, DeploymentController, EncryptionConfiguration, ImageScanning, LifecyclePolicy,
    LoadBalancer, NetworkConfiguration, PredefinedMetric, Repository, RuntimePlatform, ScalableTarget,
    ScalingPolicy, Service, TargetTracking, TaskDefinition, Volume,
};
use crate::{ClusterArn, RepositoryName, RepositoryUri, ScalableTargetId, ServiceArn, TaskDefinitionArn};

const HTTPS: u16 = 443;
/// The tag of an image that nobody has pushed: a task definition needs one, and no task is made from it.
pub(crate) const NO_IMAGE: &str = ":bootstrap";

engine::tier! {
    /// The containers tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to, and its user wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The cluster's name.
    pub ecs_cluster_name: S::Of<EcsClusterName>,
    /// The cluster's ARN.
    pub ecs_cluster_arn: S::Of<ClusterArn>,
    /// The service's name. A reference to it waits until the service is steady.
    pub ecs_service_name: S::Of<EcsServiceName>,
    /// The service's ARN. A reference to it waits until the service is steady.
    pub ecs_service_arn: S::Of<ServiceArn>,
    /// The group of the tasks.
    pub task_security_group_id: S::Of<SecurityGroupId>,
    /// One of the two target groups between which the service's deployments alternate.
    pub blue_target_group_arn: S::Of<TargetGroupArn>,
    /// The other one.
    pub green_target_group_arn: S::Of<TargetGroupArn>,
    /// What an image of the application is called before its tag or digest.
    pub repository_uri: S::Of<RepositoryUri>,
    /// The repository's name.
    pub repository_name: S::Of<RepositoryName>,
    /// What tasks are made from.
    pub task_definition_arn: S::Of<TaskDefinitionArn>,
    /// Where the application's logs go.
    pub app_log_group_name: S::Of<LogGroupName>,
    /// Where the logs go of what takes traces to X-Ray, if there is that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tracing_log_group_name: Option<S::Of<LogGroupName>>,
    /// As whom tasks log in to the database, if they use one: `iam` or `master_secret`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub database_credentials: Option<S::Of<String>>,
    /// What its user has to do before the application runs. Nothing, if there is an image.
    pub next_steps: Vec<S::Of<String>>,
}

impl Component for Tier {
    const NAME: &'static str = "ecs";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        args.check(&inputs.place)?;
        if inputs.private_subnet_ids.is_empty() {
            let hint = "give it the private subnets, one in each zone";
            return Err(DeclareError::argument("private_subnet_ids", "tasks need a subnet", hint));
        }
        let image = args.parsed_image()?;
        let retention = args.retention()?;
        Declaring { scope, args, inputs, names, image, retention }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
    image: Option<Image>,
    retention: RetentionDays,
}

/// A log group, as containers and policies name it.
struct Logs {
    name: Input<LogGroupName>,
    arn: Input<LogGroupArn>,
}

/// The roles that a task needs.
struct Roles {
    execution: Input<RoleArn>,
    task: Input<RoleArn>,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let repository = self.repository()?;
        let app_logs = self.log_group("app")?;
        let tracing_logs = match self.args.tracing {
            Tracing::None => None,
            Tracing::Adot | Tracing::XrayDaemon => Some(self.log_group("tracing")?),
        };
        let roles = self.roles(&repository, &app_logs, tracing_logs.as_ref())?;
        let security_group = self.security_group()?;
        let cluster = self.cluster()?;
        let task_definition = self.task_definition(&repository, &app_logs, tracing_logs.as_ref(), roles)?;
        let service = self.service(&cluster, &task_definition, &security_group)?;
        self.scaling(&cluster, &service)?;
        let balancer = &self.inputs.load_balancer;
        Ok(Outputs {
            next_steps: self.next_steps(),
            ecs_cluster_name: cluster.cluster_name,
            ecs_cluster_arn: cluster.arn,
            ecs_service_name: service.name,
            ecs_service_arn: service.service_arn,
            task_security_group_id: security_group,
            blue_target_group_arn: balancer.blue_target_group_arn.clone(),
            green_target_group_arn: balancer.green_target_group_arn.clone(),
            repository_uri: repository.repository_uri,
            repository_name: repository.repository_name,
            task_definition_arn: task_definition,
            app_log_group_name: app_logs.name,
            tracing_log_group_name: tracing_logs.map(|logs| logs.name),
            database_credentials: (self.inputs.database.as_ref())
                .map(|_| self.args.database_credentials.name().into()),
        })
    }

    fn repository(&mut self) -> Result<OutputsOf<Repository>, DeclareError> {
        let args = &self.args.repository;
        let policy = json!({
            "rules": [{
                "rulePriority": 1,
                "description": "Old images go",
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": args.keep_images,
                },
                "action": { "type": "expire" },
            }],
        });
        let repository = Repository {
            repository_name: self.names.name("app").into(),
            image_tag_mutability: "IMMUTABLE".to_owned(),
            image_scanning_configuration: ImageScanning { scan_on_push: true },
            encryption_configuration: EncryptionConfiguration {
                encryption_type: args.encryption.name().to_owned(),
                kms_key: args.kms_key_arn.clone(),
            },
            lifecycle_policy: Some(LifecyclePolicy { lifecycle_policy_text: policy.to_string() }),
            repository_policy_text: None,
            empty_on_delete: args.delete_images,
            tags: self.names.tags("app"),
        };
        self.scope.add("repository", repository)
    }

    fn log_group(&mut self, what: &str) -> Result<Logs, DeclareError> {
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/ecs/{}", self.names.name(what))).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.retention),
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.names.tags(&format!("{what}-logs")),
        };
        let group = self.scope.add(&format!("{what}-log-group"), group)?;
        Ok(Logs { name: group.log_group_name, arn: group.arn })
    }

    /// The roles of a task. What the application may do is one thing, and what is done for it another.
    fn roles(
        &mut self,
        repository: &OutputsOf<Repository>,
        app_logs: &Logs,
        tracing_logs: Option<&Logs>,
    ) -> Result<Roles, DeclareError> {
        let (args, place) = (self.args, &self.inputs.place);
        let database = self.inputs.database.as_ref();
        let sidecar = args.tracing_container()?;
        let images = [self.image.as_ref(), sidecar.as_ref()].into_iter().flatten();
        let others: BTreeSet<String> = images.filter_map(|image| image.other_repository_arn(place)).collect();
        let mut repositories = vec![repository.arn.text()];
        repositories.extend(others.into_iter().map(Input::from));
        let groups: Vec<_> =
            [Some(app_logs), tracing_logs].into_iter().flatten().map(|logs| logs.arn.clone()).collect();
        let credentials = args.database_credentials;
        let secret_of = database.filter(|_| credentials == DatabaseCredentials::MasterSecret);
        let execution = permissions::execution(place, repositories, &groups, secret_of);
        let traces = args.tracing != Tracing::None;
        let database = database.map(|database| (database, credentials));
        let task = permissions::task(place, database, traces, args.execute_command);
        Ok(Roles {
            execution: self.role(
                "execution",
                "Lets Fargate pull images, write logs and read secrets for the payment application",
                permissions::execution_trust(),
                execution,
            )?,
            task: self.role(
                "task",
                "What the payment application may do",
                permissions::task_trust(place),
                task,
            )?,
        })
    }

    fn role(
        &mut self,
        what: &str,
        description: &str,
        trust: PolicyDocument,
        policies: Vec<InlinePolicy>,
    ) -> Result<Input<RoleArn>, DeclareError> {
        let name = self.role_name(what);
        let role = Role {
            role_name: name.into(),
            assume_role_policy_document: trust,
            description: Some(description.to_owned()),
            max_session_duration: None,
            policies,
            managed_policy_arns: Vec::new(),
            tags: self.names.tags(&format!("ecs-{what}")),
        };
        Ok(self.scope.add(&format!("{what}-role"), role)?.arn)
    }

    /// With the region: names of roles are the account's, for all regions together.
    fn role_name(&self, what: &str) -> String {
        self.names.name(&format!("ecs-{what}-{}", self.inputs.place.region))
    }

    /// The role in which ECS moves requests from one target group to the other.
    fn load_balancer_role(&mut self) -> Result<Input<RoleArn>, DeclareError> {
        let place = &self.inputs.place;
        // Unlike its siblings, this policy is not under `service-role/`.
        let managed = format!(
            "arn:{}:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
            place.partition
        );
        let role = Role {
            role_name: self.role_name("load-balancer").into(),
            assume_role_policy_document: permissions::service_trust(),
            description: Some("Lets ECS move requests between the target groups of a deployment".to_owned()),
            max_session_duration: None,
            policies: Vec::new(),
            managed_policy_arns: vec![managed.into()],
            tags: self.names.tags("ecs-load-balancer"),
        };
        Ok(self.scope.add("load-balancer-role", role)?.arn)
    }

    /// Tasks are reached from the load balancer, and reach AWS and the database.
    fn security_group(&mut self) -> Result<Input<SecurityGroupId>, DeclareError> {
        let group = SecurityGroup::closed(
            self.names.name("ecs-sg"),
            "The payment application: requests from the load balancer",
            self.inputs.vpc_id.clone(),
            self.names.tags("ecs-sg"),
        );
        let tasks = self.scope.add("security-group", group)?.group_id;
        let balancer = self.inputs.load_balancer.security_group_id.clone();
        let port = self.args.container_port;
        let text = "Requests and health checks";
        self.scope.add(
            "from-load-balancer",
            SecurityGroupIngress::tcp(tasks.clone(), port, Peer::Group(balancer.clone()), text),
        )?;
        self.scope.add(
            "load-balancer-to-tasks",
            SecurityGroupEgress::tcp(balancer, port, Peer::Group(tasks.clone()), text),
        )?;
        let text = "AWS, through a NAT gateway or endpoints";
        self.scope.add(
            "to-aws",
            SecurityGroupEgress::tcp(tasks.clone(), HTTPS, Peer::Addresses("0.0.0.0/0".into()), text),
        )?;
        if let Some(database) = &self.inputs.database {
            let port = containers::port(database)?;
            let group = database.security_group_id.clone();
            self.scope.add(
                "to-database",
                SecurityGroupEgress::tcp(tasks.clone(), port, Peer::Group(group.clone()), "PostgreSQL"),
            )?;
            let text = "PostgreSQL from the application";
            self.scope.add(
                "database-from-tasks",
                SecurityGroupIngress::tcp(group, port, Peer::Group(tasks.clone()), text),
            )?;
        }
        Ok(tasks)
    }

    fn cluster(&mut self) -> Result<OutputsOf<Cluster>, DeclareError> {
        let insights =
            ClusterSetting { name: "containerInsights".to_owned(), value: self.args.insights.clone() };
        let cluster =
            Cluster::new(self.names.name("cluster").into(), vec![insights], self.names.tags("cluster"));
        let cluster = self.scope.add("cluster", cluster)?;
        ServiceLinkedRole::before(self.scope, "linked-role", "ecs.amazonaws.com", &["cluster"])?;
        Ok(cluster)
    }

    fn task_definition(
        &mut self,
        repository: &OutputsOf<Repository>,
        app_logs: &Logs,
        tracing_logs: Option<&Logs>,
        roles: Roles,
    ) -> Result<Input<TaskDefinitionArn>, DeclareError> {
        let (args, inputs) = (self.args, self.inputs);
        let uri = &repository.repository_uri;
        let image = match &self.image {
            Some(image) => image.name(uri),
            None => Input::join([uri.into(), NO_IMAGE.into()]),
        };
        let service = self.names.name("app");
        let app = App { args, inputs, service: service.clone(), image, log_group: &app_logs.name };
        let sidecar = tracing_logs.zip(args.tracing_container()?).and_then(|(logs, image)| {
            containers::sidecar(args, image.name(uri), &logs.name, &inputs.place.region)
        });
        let definition = TaskDefinition {
            family: service,
            cpu: args.cpu.to_string(),
            memory: args.memory.to_string(),
            network_mode: "awsvpc".to_owned(),
            requires_compatibilities: vec!["FARGATE".to_owned()],
            runtime_platform: RuntimePlatform {
                cpu_architecture: args.architecture.name().to_owned(),
                operating_system_family: "LINUX".to_owned(),
            },
            execution_role_arn: roles.execution,
            task_role_arn: roles.task,
            container_definitions: std::iter::once(app.container()?).chain(sidecar).collect(),
            volumes: vec![Volume { name: SCRATCH.to_owned() }],
            tags: self.names.tags("app"),
        };
        Ok(self.scope.add("task-definition", definition)?.task_definition_arn)
    }

    fn service(
        &mut self,
        cluster: &OutputsOf<Cluster>,
        task_definition: &Input<TaskDefinitionArn>,
        security_group: &Input<SecurityGroupId>,
    ) -> Result<OutputsOf<Service>, DeclareError> {
        let role_arn = self.load_balancer_role()?;
        let (args, balancer) = (self.args, &self.inputs.load_balancer);
        let service = Service {
            service_name: self.names.name("service").into(),
            cluster: cluster.arn.clone(),
            task_definition: task_definition.clone(),
            desired_count: if self.image.is_some() { args.desired_min } else { 0 },
            launch_type: "FARGATE".to_owned(),
            platform_version: "LATEST".to_owned(),
            scheduling_strategy: "REPLICA".to_owned(),
            network_configuration: NetworkConfiguration {
                awsvpc_configuration: AwsvpcConfiguration {
                    subnets: self.inputs.private_subnet_ids.clone(),
                    security_groups: vec![security_group.clone()],
                    assign_public_ip: "DISABLED".to_owned(),
                },
            },
            load_balancers: vec![LoadBalancer {
                container_name: APP.to_owned(),
                container_port: args.container_port,
                target_group_arn: balancer.blue_target_group_arn.clone(),
                advanced_configuration: AdvancedConfiguration {
                    alternate_target_group_arn: balancer.green_target_group_arn.clone(),
                    production_listener_rule: balancer.production_rule_arn.clone(),
                    test_listener_rule: balancer.test_rule_arn.clone(),
                    role_arn,
                },
            }],
            health_check_grace_period_seconds: Some(args.health_check_grace_period_seconds),
            deployment_controller: DeploymentController { kind: "ECS".to_owned() },
            deployment_configuration: DeploymentConfiguration {
                strategy: "BLUE_GREEN".to_owned(),
                bake_time_in_minutes: Some(args.bake_time_minutes),
                minimum_healthy_percent: 100,
                maximum_percent: 200,
                deployment_circuit_breaker: CircuitBreaker { enable: true, rollback: true },
                lifecycle_hooks: Vec::new(),
                alarms: None,
            },
            availability_zone_rebalancing: "ENABLED".to_owned(),
            enable_ecs_managed_tags: true,
            enable_execute_command: args.execute_command,
            propagate_tags: "SERVICE".to_owned(),
            depends_on: if self.image.is_some() { self.inputs.ready.clone() } else { Vec::new() },
            deployment: None,
            missing_images: Vec::new(),
            tags: self.names.tags("service"),
        };
        self.scope.add("service", service)
    }

    /// Only with an image: without, a scaling target would start the tasks that cannot run.
    fn scaling(
        &mut self,
        cluster: &OutputsOf<Cluster>,
        service: &OutputsOf<Service>,
    ) -> Result<(), DeclareError> {
        if self.image.is_none() {
            return Ok(());
        }
        let resource =
            ["service/".into(), (&cluster.cluster_name).into(), "/".into(), (&service.name).into()];
        let target = ScalableTarget {
            service_namespace: "ecs".to_owned(),
            resource_id: Input::join(resource),
            scalable_dimension: "ecs:service:DesiredCount".to_owned(),
            min_capacity: self.args.desired_min,
            max_capacity: self.args.desired_max,
            suspended_state: None,
            tags: self.names.tags("service"),
        };
        let target = self.scope.add("scalable-target", target)?.id;
        let service = "ecs.application-autoscaling.amazonaws.com";
        ServiceLinkedRole::before(self.scope, "autoscaling-linked-role", service, &["scalable-target"])?;
        self.policy("cpu", "ECSServiceAverageCPUUtilization", self.args.cpu_target, &target)?;
        self.policy("memory", "ECSServiceAverageMemoryUtilization", self.args.memory_target, &target)
    }

    fn policy(
        &mut self,
        what: &str,
        metric: &str,
        percent: u32,
        target: &Input<ScalableTargetId>,
    ) -> Result<(), DeclareError> {
        let policy = ScalingPolicy {
            policy_name: self.names.name(&format!("{what}-scaling")),
            policy_type: "TargetTrackingScaling".to_owned(),
            scaling_target_id: target.clone(),
            target_tracking_scaling_policy_configuration: TargetTracking {
                target_value: f64::from(percent),
                predefined_metric_specification: PredefinedMetric {
                    predefined_metric_type: metric.to_owned(),
                },
                scale_out_cooldown: self.args.scale_out_cooldown,
                scale_in_cooldown: self.args.scale_in_cooldown,
                disable_scale_in: false,
            },
        };
        self.scope.add(&format!("{what}-policy"), policy).map(drop)
    }

    /// How the application gets an image.
    fn next_steps(&self) -> Vec<Input<String>> {
        if self.image.is_some() {
            return Vec::new();
        }
        let platform = self.args.architecture.platform();
        vec![
            format!(
                "No application image yet, so no tasks run. Build one: docker build --platform {platform} --tag app . && docker save \
                 --output app.tar app"
            )
            .into(),
            "Deploy it: `stack deploy app.tar`".into(),
        ]
    }
}
