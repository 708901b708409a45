//! Clients, and the few objects that most tests begin with.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use emulator::Emulator;

pub(crate) const REGION: &str = "ap-southeast-1";

/// The ARN of a key that is not there.
pub(crate) const NO_KEY: &str =
    "arn:aws:kms:ap-southeast-1:123456789012:key/00000000-0000-4000-8000-000000000000";

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

    /// Attaches an internet gateway, and leads there from all subnets that have no route table of their own.
    pub(crate) async fn open(&self, vpc: &str, gateway: &str) {
        let attach = self.ec2.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(vpc);
        attach.send().await.unwrap();
        let tables = self.ec2.describe_route_tables().filters(filter("vpc-id", &[vpc]));
        let tables = tables.filters(filter("association.main", &["true"])).send().await.unwrap();
        let main = tables.route_tables()[0].route_table_id().unwrap().to_owned();
        let route = self.ec2.create_route().route_table_id(main).gateway_id(gateway);
        route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
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

    /// Makes a role that flow logs may assume, and gives its ARN.
    pub(crate) async fn role(&self, name: &str) -> String {
        self.role_for(name, "vpc-flow-logs.amazonaws.com").await
    }

    /// Makes a role that a service may assume, and gives its ARN.
    pub(crate) async fn role_for(&self, name: &str, service: &str) -> String {
        let call = self.iam.create_role().role_name(name);
        call.assume_role_policy_document(trusting(service)).send().await.unwrap().role.unwrap().arn
    }

    /// Makes the role of a service, which knows it after some seconds.
    pub(crate) async fn link(&self, service: &str) {
        self.iam.create_service_linked_role().aws_service_name(service).send().await.unwrap();
    }

    /// Makes a key with the policy that KMS gives it, and gives its ARN.
    pub(crate) async fn key(&self) -> String {
        let made = self.kms().create_key().send().await.unwrap();
        made.key_metadata.unwrap().arn.unwrap()
    }

    /// Makes a key that a service may use, and gives its ARN.
    pub(crate) async fn key_for(&self, service: &str) -> String {
        let root = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}"#;
        let own = allow(service, &["kms:GenerateDataKey*", "kms:Decrypt"], "*");
        let made = self.kms().create_key().policy(policy(&[root, &own])).send().await.unwrap();
        made.key_metadata.unwrap().arn.unwrap()
    }

    /// From now on the key cannot be used.
    pub(crate) async fn doom_key(&self, key: &str) {
        let call = self.kms().schedule_key_deletion().key_id(key).pending_window_in_days(7);
        call.send().await.unwrap();
    }

    pub(crate) fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&config(&self.emulator, REGION))
    }

    /// Makes a queue, and gives its ARN.
    pub(crate) async fn queue(&self, name: &str) -> String {
        let sqs = aws_sdk_sqs::Client::new(&config(&self.emulator, REGION));
        sqs.create_queue().queue_name(name).send().await.unwrap();
        format!("arn:aws:sqs:{REGION}:123456789012:{name}")
    }

    /// Makes a bucket, and gives a client for it.
    pub(crate) async fn bucket(&self, name: &str) -> aws_sdk_s3::Client {
        let s3 = aws_sdk_s3::Client::new(&config(&self.emulator, REGION));
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder();
        let place = place.location_constraint(REGION.into()).build();
        s3.create_bucket().bucket(name).create_bucket_configuration(place).send().await.unwrap();
        s3
    }

    /// Makes a bucket with a policy.
    pub(crate) async fn bucket_with(&self, name: &str, policy: &str) -> aws_sdk_s3::Client {
        let s3 = self.bucket(name).await;
        s3.put_bucket_policy().bucket(name).policy(policy).send().await.unwrap();
        s3
    }

    /// The kinds and ids of what somebody made and did not remove.
    pub(crate) async fn left_behind(&self) -> Vec<(String, String)> {
        let objects = self.emulator.objects().await.unwrap();
        let made = objects.into_iter().filter(|object| !object.made_by_default);
        made.map(|object| (object.kind, object.id)).collect()
    }
}

/// A statement that allows a service something.
pub(crate) fn allow(service: &str, actions: &[&str], resource: &str) -> String {
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": {"Service": service}, "Action": actions, "Resource": resource,
    });
    statement.to_string()
}

pub(crate) fn policy(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// A policy that lets a service assume a role.
pub(crate) fn trusting(service: &str) -> String {
    TRUST.replace("vpc-flow-logs.amazonaws.com", service)
}

/// Lets flow logs assume a role.
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

/// The error code and the HTTP status of a refused call, such as `NotFound 404`, or `ok`.
pub(crate) fn answered<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> String {
    let status = match &result {
        Err(SdkError::ServiceError(error)) => format!(" {}", error.raw().status().as_u16()),
        _ => String::new(),
    };
    code(result) + &status
}

/// Code and message of a refused call, or `ok`.
pub(crate) fn said<T, E, R>(result: Result<T, SdkError<E, R>>) -> String
where
    E: ProvideErrorMetadata,
{
    match result {
        Err(SdkError::ServiceError(error)) => {
            let error = error.err();
            format!("{}: {}", error.code().unwrap_or("none"), error.message().unwrap_or_default())
        }
        other => code(other),
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
