//! Clients, and the few objects that most tests begin with.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use emulator::Emulator;

pub(crate) const REGION: &str = "ap-southeast-1";

/// An account and clients of it. Retries are off, so an error is seen when it happens.
pub(crate) struct Cloud {
    pub(crate) emulator: Emulator,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Cloud {
    pub(crate) fn in_memory() -> Self {
        Cloud::of(Emulator::in_memory())
    }

    pub(crate) fn of(emulator: Emulator) -> Self {
        let config = config(&emulator, REGION);
        Cloud {
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            emulator,
        }
    }

    pub(crate) async fn vpc(&self) -> String {
        self.vpc_with("10.0.0.0/16").await
    }

    pub(crate) async fn vpc_with(&self, block: &str) -> String {
        let made = self.ec2.create_vpc().cidr_block(block).send().await;
        made.unwrap().vpc.unwrap().vpc_id.unwrap()
    }

    pub(crate) async fn subnet(&self, vpc: &str, block: &str) -> String {
        let call = self.ec2.create_subnet().vpc_id(vpc).cidr_block(block);
        call.send().await.unwrap().subnet.unwrap().subnet_id.unwrap()
    }

    pub(crate) async fn gateway(&self, vpc: &str) -> String {
        let made = self.ec2.create_internet_gateway().send().await.unwrap();
        let id = made.internet_gateway.unwrap().internet_gateway_id.unwrap();
        let attach = self.ec2.attach_internet_gateway();
        let attach = attach.internet_gateway_id(&id).vpc_id(vpc);
        attach.send().await.unwrap();
        id
    }

    pub(crate) async fn address(&self) -> String {
        let made = self.ec2.allocate_address().send().await.unwrap();
        made.allocation_id.unwrap()
    }

    pub(crate) async fn nat(&self, subnet: &str, address: &str) -> String {
        let call = self.ec2.create_nat_gateway().subnet_id(subnet);
        let made = call.allocation_id(address).send().await.unwrap();
        made.nat_gateway.unwrap().nat_gateway_id.unwrap()
    }

    pub(crate) async fn table(&self, vpc: &str) -> String {
        let made = self.ec2.create_route_table().vpc_id(vpc).send().await;
        made.unwrap().route_table.unwrap().route_table_id.unwrap()
    }

    pub(crate) async fn group(&self, vpc: &str, name: &str) -> String {
        let call = self.ec2.create_security_group().vpc_id(vpc).group_name(name);
        let made = call.description("for a test").send().await.unwrap();
        made.group_id.unwrap()
    }

    pub(crate) async fn acl(&self, vpc: &str) -> String {
        let made = self.ec2.create_network_acl().vpc_id(vpc).send().await;
        made.unwrap().network_acl.unwrap().network_acl_id.unwrap()
    }

    pub(crate) async fn endpoint(&self, vpc: &str, table: &str) -> String {
        let call = self.ec2.create_vpc_endpoint().vpc_id(vpc).route_table_ids(table);
        let call = call.service_name(format!("com.amazonaws.{REGION}.s3"));
        let made = call.send().await.unwrap();
        made.vpc_endpoint.unwrap().vpc_endpoint_id.unwrap()
    }

    pub(crate) async fn associate(&self, table: &str, subnet: &str) -> String {
        let call = self.ec2.associate_route_table().route_table_id(table);
        let made = call.subnet_id(subnet).send().await.unwrap();
        made.association_id.unwrap()
    }

    pub(crate) async fn role(&self, name: &str) {
        let call = self.iam.create_role().role_name(name);
        call.assume_role_policy_document(TRUST).send().await.unwrap();
    }

    /// The kinds and ids of what somebody made and did not remove.
    pub(crate) async fn left_behind(&self) -> Vec<(String, String)> {
        let objects = self.emulator.objects().await.unwrap();
        let made = objects.into_iter().filter(|object| !object.made_by_default);
        made.map(|object| (object.kind, object.id)).collect()
    }
}

pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// What a role may do with its logs.
pub(crate) const WRITE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}"#;

pub(crate) fn config(emulator: &Emulator, region: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(emulator.http_client())
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            emulator.credentials(),
        ))
        .retry_config(RetryConfig::disabled())
        .build()
}

/// The error code of a refused call, or `ok`.
pub(crate) fn code<T, E, R>(result: Result<T, SdkError<E, R>>) -> String
where
    E: ProvideErrorMetadata,
{
    match result {
        Ok(_) => "ok".to_owned(),
        Err(SdkError::ServiceError(error)) => error.err().code().unwrap_or("none").to_owned(),
        Err(_) => "no answer".to_owned(),
    }
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

pub(crate) fn tagged(kind: &str, tags: &[(&str, &str)]) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(ResourceType::from(kind))
        .set_tags(Some(tags.iter().map(|(k, v)| tag(k, v)).collect()))
        .build()
}

pub(crate) fn filter(name: &str, values: &[&str]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.iter().map(|v| (*v).to_owned()).collect())).build()
}

/// Tags as pairs, in order.
pub(crate) fn pairs(tags: &[Tag]) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> =
        tags.iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default())).collect();
    pairs.sort_unstable();
    pairs
}
