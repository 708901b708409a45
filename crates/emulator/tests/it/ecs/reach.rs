//! ECS: what a task must reach from its subnet before it runs.

use aws_sdk_ecs::types::{AwsVpcConfiguration, LogConfiguration, LogDriver, NetworkConfiguration, Secret};

use super::{ACCOUNT, Shop, container, role};
use crate::support::REGION;

/// A cluster whose subnets lead nowhere, and a repository with an image.
struct Island {
    shop: Shop,
    table: String,
}

impl Island {
    async fn new() -> Self {
        let shop = Shop::new().await;
        shop.ecr.create_repository().repository_name("shop").send().await.unwrap();
        shop.push("v1").await;
        let table = shop.cloud.table(&shop.vpc).await;
        for subnet in &shop.subnets {
            shop.cloud.associate(&table, subnet).await;
        }
        shop.cloud.logs.create_log_group().log_group_name("app").send().await.unwrap();
        for attribute in [true, false] {
            let on = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true).build();
            let modify = shop.cloud.ec2.modify_vpc_attribute().vpc_id(&shop.vpc);
            match attribute {
                true => modify.enable_dns_support(on).send().await.unwrap(),
                false => modify.enable_dns_hostnames(on).send().await.unwrap(),
            };
        }
        Self { shop, table }
    }

    async fn endpoint(&self, service: &str) {
        let endpoint = self.shop.cloud.ec2.create_vpc_endpoint().vpc_id(&self.shop.vpc);
        let endpoint = endpoint.service_name(format!("com.amazonaws.{REGION}.{service}"));
        let endpoint = endpoint.vpc_endpoint_type(aws_sdk_ec2::types::VpcEndpointType::Interface);
        // In one subnet it serves all of the VPC.
        endpoint.subnet_ids(&self.shop.subnets[0]).send().await.unwrap();
    }

    /// Registers a task with an image, logs and a secret, and says how a service of it fares: what stops its tasks, or nothing.
    async fn tried(&self, name: &str, image: &str) -> Option<String> {
        let logs = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
        let logs = logs.options("awslogs-group", "app").options("awslogs-region", REGION);
        let logs = logs.options("awslogs-stream-prefix", "app").build().unwrap();
        let secrets =
            aws_sdk_secretsmanager::Client::new(&crate::support::config(&self.shop.cloud.emulator, REGION));
        let secret = secrets.create_secret().name(name).secret_string("x").send().await.unwrap();
        let secret = Secret::builder().name("KEY").value_from(secret.arn.unwrap()).build().unwrap();
        let one = container(image).log_configuration(logs).secrets(secret).build();
        let task = self.shop.task_of(name, one).execution_role_arn(role("execution"));
        task.send().await.unwrap();
        let inside = AwsVpcConfiguration::builder().set_subnets(Some(self.shop.subnets.clone()));
        let inside = NetworkConfiguration::builder().awsvpc_configuration(inside.build().unwrap()).build();
        self.shop.service(name, name).network_configuration(inside).send().await.unwrap();
        let found = self.shop.look(name).await;
        match found.running_count() {
            2 => None,
            _ => {
                let cannot = |text: &&str| text.contains("unable to start tasks");
                let said = found.events().iter().filter_map(|event| event.message()).find(cannot);
                Some(said.unwrap().to_owned())
            }
        }
    }
}

/// Case 15, as AWS has it.
#[tokio::test(start_paused = true)]
async fn a_task_without_a_way_to_ecr_secrets_and_logs_does_not_start() {
    let island = Island::new().await;
    let ours = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:v1");
    let mut number = 0;
    for (missing, add) in [
        ("AWS Secrets Manager", "secretsmanager"),
        ("The task cannot pull registry auth from Amazon ECR", "ecr.api"),
        ("CannotPullContainerError: ", "ecr.dkr"),
        ("prod-ap-southeast-1-starport-layer-bucket", "s3"),
        ("failed to validate logger args", "logs"),
    ] {
        number += 1;
        let said = island.tried(&format!("without-{number}"), &ours).await.unwrap();
        assert!(said.contains(missing) && said.contains("i/o timeout"), "{add}: {said}");
        match add {
            "s3" => drop(island.shop.cloud.endpoint(&island.shop.vpc, &island.table).await),
            service => island.endpoint(service).await,
        }
    }
    assert_eq!(island.tried("with-all", &ours).await, None);
    // No endpoint leads to other registries.
    let public = "public.ecr.aws/nginx/nginx:1";
    let said = island.tried("public", public).await.unwrap();
    assert!(said.contains("CannotPullContainerError: ") && said.contains("public.ecr.aws:443"), "{said}");
    let said = island.tried("hub", "nginx:1").await.unwrap();
    assert!(said.contains("registry-1.docker.io:443"), "{said}");
    let abroad = format!("{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/shop:v1");
    let said = island.tried("abroad", &abroad).await.unwrap();
    assert!(said.contains("api.ecr.eu-west-1.amazonaws.com"), "{said}");
    // A NAT gateway leads everywhere.
    let cloud = &island.shop.cloud;
    let outside = cloud.subnet(&island.shop.vpc, "10.0.9.0/24").await;
    let nat = cloud.nat(&outside, &cloud.address().await).await;
    let route = cloud.ec2.create_route().route_table_id(&island.table).nat_gateway_id(nat);
    route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
    for (name, image) in [("public-2", public), ("hub-2", "nginx:1"), ("abroad-2", abroad.as_str())] {
        assert_eq!(island.tried(name, image).await, None, "{image}");
    }
}
