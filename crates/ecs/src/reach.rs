//! What a task must reach, by what the tier is told: the one place that knows it. Who wires a network compares ([`Args::needs`]).
//!
//! A task of Fargate reaches everything through its own network interface, its image, its secrets and its logs included (ECS
//! Developer Guide, "Migrating to Linux platform version 1.4.0 on Amazon ECS"). Without a way to the internet it needs endpoints:
//!
//! | what the tier is told | what a task must reach | source |
//! |---|---|---|
//! | `image`, `tracing_image` in ECR, same region | `ecr.api`, `ecr.dkr`, and S3, which has the layers | ECR User Guide, "Amazon ECR interface VPC endpoints" |
//! | any other image | the internet: no endpoint leads to other registries, public ECR or ECR of another region | the same |
//! | any image: logs are on | `logs` | ECS Developer Guide, "Using the awslogs log driver" |
//! | `database_credentials = "master_secret"` | `secretsmanager`, which decrypts by itself | Secrets Manager User Guide, "Using an AWS Secrets Manager VPC endpoint" |
//! | `tracing` | `xray` | X-Ray Developer Guide, "Using AWS X-Ray with VPC endpoints" |
//! | `execute_command` | `ssmmessages` | ECS Developer Guide, "Amazon ECS interface VPC endpoints" |
//!
//! Not needed: `ecs`, `ecs-agent` and `ecs-telemetry` (Fargate's own, same page); `kms` (only the services above call it, in the
//! task's name); `rds` and `sts` (a token for the database is signed without a call); `monitoring` (Container Insights of
//! Fargate is measured outside of the task). What the application calls itself, nobody here knows.

use std::net::Ipv4Addr;

use aws::Place;
use engine::DeclareError;

use crate::args::{Args, DatabaseCredentials, Tracing};
use crate::image::Image;

/// Something that a task must reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The argument that makes it necessary.
    pub argument: &'static str,
    /// What it is needed for, such as `to pull the image`.
    pub because: String,
    /// The way.
    pub way: Way,
}

/// A way out of a private subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a service of this region, by the internet or by an interface endpoint of this name, such as `ecr.api`.
    Service(&'static str),
    /// To S3 of this region, by the internet or by a gateway endpoint.
    S3,
    /// To the internet.
    Internet,
}

impl Args {
    /// What each task must reach. Nothing without an image: then no task runs.
    ///
    /// # Errors
    /// Where an image's name is wrong.
    pub fn needs(&self, place: &Place) -> Result<Vec<Need>, DeclareError> {
        let Some(image) = self.parsed_image()? else { return Ok(Vec::new()) };
        let mut needs = of_image("image", &image, place);
        let mut need = |argument, because: &str, service| {
            needs.push(Need { argument, because: because.to_owned(), way: Way::Service(service) });
        };
        need("image", "to write the logs of the containers", "logs");
        if self.database_credentials == DatabaseCredentials::MasterSecret {
            need("database_credentials", "to read the database's password", "secretsmanager");
        }
        if self.tracing != Tracing::None {
            need("tracing", "to send traces", "xray");
        }
        if self.execute_command {
            need("execute_command", "to run commands in containers", "ssmmessages");
        }
        if let Some(sidecar) = self.tracing_container()? {
            let argument = if self.tracing_image.is_some() { "tracing_image" } else { "tracing" };
            let further = of_image(argument, &sidecar, place);
            needs.extend(
                further.into_iter().filter(|need| need.way == Way::Internet || !is_in_ecr(&image, place)),
            );
        }
        Ok(needs)
    }
}

fn is_in_ecr(image: &Image, place: &Place) -> bool {
    match image {
        Image::Ours(_) => true,
        Image::Elsewhere(_) => image.registry_region().is_some_and(|region| region == place.region),
    }
}

fn of_image(argument: &'static str, image: &Image, place: &Place) -> Vec<Need> {
    let need = |because: String, way| Need { argument, because, way };
    if is_in_ecr(image, place) {
        let because = str::to_owned;
        return vec![
            need(because("to sign in to ECR"), Way::Service("ecr.api")),
            need(because("to pull the image"), Way::Service("ecr.dkr")),
            need(because("to fetch the layers of the image"), Way::S3),
        ];
    }
    let Image::Elsewhere(name) = image else { return Vec::new() };
    match is_inside(name) {
        true => Vec::new(),
        false => vec![need(format!("to pull {name}"), Way::Internet)],
    }
}

/// Whether an image is in a registry that may be in the VPC: at a private address, or at a name that is not in the internet's
/// DNS (IANA: `.internal`).
fn is_inside(image: &str) -> bool {
    let Some((host, _)) = image.split_once('/') else { return false };
    let host = host.split(':').next().unwrap_or(host);
    host.ends_with(".internal") || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_private())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            region: "ap-southeast-1".to_owned(),
            account_id: "123456789012".to_owned(),
            partition: "aws".to_owned(),
        }
    }

    fn quiet() -> Args {
        Args { image: Some(":v1".to_owned()), tracing: Tracing::None, ..Args::default() }
    }

    /// The ways in order, with the argument that each is for.
    fn ways(args: &Args) -> Vec<String> {
        let name = |way| match way {
            Way::Service(service) => service.to_owned(),
            Way::S3 => "s3".to_owned(),
            Way::Internet => "internet".to_owned(),
        };
        let needs = args.needs(&place()).unwrap();
        needs.into_iter().map(|need| format!("{}: {}", need.argument, name(need.way))).collect()
    }

    #[test]
    fn each_option_needs_what_the_table_says() {
        let ecr = ["image: ecr.api", "image: ecr.dkr", "image: s3"];
        let logs = "image: logs";
        let with = |further: &[&'static str]| [ecr.as_slice(), &[logs], further].concat();
        let nothing = Args { image: None, ..Args::default() };
        assert_eq!(ways(&nothing), [""; 0]);
        assert_eq!(ways(&quiet()), with(&[]));
        let secret = Args { database_credentials: DatabaseCredentials::MasterSecret, ..quiet() };
        assert_eq!(ways(&secret), with(&["database_credentials: secretsmanager"]));
        let shell = Args { execute_command: true, ..quiet() };
        assert_eq!(ways(&shell), with(&["execute_command: ssmmessages"]));
        // The containers beside the application are in public ECR.
        for tracing in [Tracing::Adot, Tracing::XrayDaemon] {
            let traced = Args { tracing, ..quiet() };
            assert_eq!(ways(&traced), with(&["tracing: xray", "tracing: internet"]));
            let own = "123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/otel:v0.48.0";
            let traced = Args { tracing_image: Some(own.to_owned()), ..traced };
            assert_eq!(ways(&traced), with(&["tracing: xray"]));
            let inside = Args { image: Some("registry.internal/app:1".to_owned()), ..traced };
            let wanted = [
                logs,
                "tracing: xray",
                "tracing_image: ecr.api",
                "tracing_image: ecr.dkr",
                "tracing_image: s3",
            ];
            assert_eq!(ways(&inside), wanted);
        }
    }

    #[test]
    fn only_ecr_of_the_region_and_registries_in_the_vpc_are_reached_without_the_internet() {
        for image in [
            "nginx:1.29",
            "docker.io/library/nginx:1.29",
            "public.ecr.aws/nginx/nginx:1.29",
            "ghcr.io/team/app:1",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1",
            "8.8.8.8/app:1",
        ] {
            let args = Args { image: Some(image.to_owned()), ..quiet() };
            assert_eq!(ways(&args), ["image: internet", "image: logs"], "{image}");
        }
        for image in ["10.0.10.7/app:1", "10.0.10.7:443/app:1", "registry.corp.internal/app:1"] {
            let args = Args { image: Some(image.to_owned()), ..quiet() };
            assert_eq!(ways(&args), ["image: logs"], "{image}");
        }
        let shared = "210987654321.dkr.ecr.ap-southeast-1.amazonaws.com/app:1";
        let args = Args { image: Some(shared.to_owned()), ..quiet() };
        assert_eq!(ways(&args)[..3], ["image: ecr.api", "image: ecr.dkr", "image: s3"]);
    }
}
