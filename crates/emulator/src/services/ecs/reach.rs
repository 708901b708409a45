//! What a task must reach before it runs, all of it through its own network interface (ECS Developer Guide, "Migrating to Linux
//! platform version 1.4.0 on Amazon ECS", and "Amazon ECS interface VPC endpoints"; ECR User Guide, "Amazon ECR interface VPC
//! endpoints"): ECR with S3 behind it for an image of ECR's, the internet for any other image, Secrets Manager for secrets, and
//! CloudWatch Logs for the log driver `awslogs`. A task in a subnet without a way there ends with the error of what comes first
//! ("Resolve Amazon ECS ResourceInitializationError errors", "CannotPullContainer task errors").

use super::container::Container;
use super::failure::Problem;
use super::lookup;
use super::shapes::NetworkConfiguration;
use super::task_definition::TaskDefinition;
use crate::services::Cx;

/// What a task cannot reach from one of the subnets that it may get.
pub(super) fn problem(
    cx: &Cx<'_>,
    definition: &TaskDefinition,
    network: &NetworkConfiguration,
) -> Option<Problem> {
    let vpc = network.awsvpc_configuration.as_ref()?;
    let has_public_address = vpc.assign_public_ip == "ENABLED";
    let containers = &definition.container_definitions;
    vpc.subnets.iter().find_map(|id| {
        let from = From { cx, subnet_id: id, has_public_address };
        let first = containers.iter().find_map(|one| from.secrets_and_registry(one));
        let second = || containers.iter().find_map(|one| from.image(one));
        let third = || containers.iter().find_map(|one| from.logs(one));
        first.or_else(second).or_else(third)
    })
}

/// Where a task is.
struct From<'a, 'b> {
    cx: &'a Cx<'b>,
    subnet_id: &'a str,
    has_public_address: bool,
}

impl From<'_, '_> {
    fn reaches_internet(&self) -> bool {
        self.cx.r.ec2.reaches_internet(self.subnet_id, self.has_public_address)
    }

    /// Whether a service of a region is reached; endpoints lead to the VPC's own only.
    fn reaches(&self, region: &str, service: &str) -> bool {
        let by_endpoint =
            || region == self.cx.region && self.cx.r.ec2.has_endpoint(region, self.subnet_id, service);
        by_endpoint() || self.reaches_internet()
    }

    fn secrets_and_registry(&self, container: &Container) -> Option<Problem> {
        let begins = "ResourceInitializationError: unable to pull secrets or registry auth: ";
        let mut secrets = container.secrets.iter().flatten().filter_map(|secret| secret.secret_arn());
        if let Some(arn) = secrets.find(|arn| !self.reaches(region_of_arn(arn), "secretsmanager")) {
            let reason = format!(
                "{begins}unable to retrieve secret from asm: There is a connection issue between the task and AWS Secrets \
                 Manager. Check your task network configuration. failed to fetch secret {arn} from secrets manager: {}",
                timed_out(&format!("secretsmanager.{}.amazonaws.com", region_of_arn(&arn)))
            );
            return problem_of(container, reason);
        }
        let region = lookup::region_of_private_registry(&container.image)?;
        if self.reaches(region, "ecr.api") {
            return None;
        }
        let reason = format!(
            "{begins}The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and \
             Amazon ECR. Check your task network configuration. {}",
            timed_out(&format!("api.ecr.{region}.amazonaws.com"))
        );
        problem_of(container, reason)
    }

    fn image(&self, container: &Container) -> Option<Problem> {
        let image = &container.image;
        let host = match lookup::region_of_private_registry(image) {
            Some(region) if !self.reaches(region, "ecr.dkr") => host_of(image).to_owned(),
            Some(region) if !self.reaches(region, "s3") => {
                format!("prod-{region}-starport-layer-bucket.s3.{region}.amazonaws.com")
            }
            None if !is_inside(host_of(image)) && !self.reaches_internet() => host_of(image).to_owned(),
            _ => return None,
        };
        let reason = format!(
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: {}",
            timed_out(&host)
        );
        problem_of(container, reason)
    }

    fn logs(&self, container: &Container) -> Option<Problem> {
        let region = container.log_region().filter(|region| !self.reaches(region, "logs"))?;
        let reason = format!(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to \
             create Cloudwatch log stream: {}",
            timed_out(&format!("logs.{region}.amazonaws.com"))
        );
        problem_of(container, reason)
    }
}

fn problem_of(container: &Container, reason: String) -> Option<Problem> {
    Some(Problem { container: container.name.clone(), reason, fate: None })
}

fn timed_out(host: &str) -> String {
    format!("RequestError: send request failed caused by: dial tcp: {host}:443: i/o timeout")
}

/// The host that an image is pulled from; Docker Hub's where the name has none.
fn host_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "registry-1.docker.io",
    }
}

/// Whether a registry is taken to be in the VPC: at a private address, or at a name that the internet's DNS does not have.
fn is_inside(host: &str) -> bool {
    let host = host.split(':').next().unwrap_or(host);
    host.ends_with(".internal")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_private())
}

/// The region in an ARN.
fn region_of_arn(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}
