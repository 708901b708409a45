//! What real AWS answered to calls of EC2 and IAM.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, DestinationFileFormat, DestinationOptionsRequest, FlowLogsResourceType,
    LogDestinationType, TrafficType, VpcEndpointType,
};
use serde_json::{Value, json};

use crate::recorded::{answer, shown};
use crate::rows::check;
use crate::support::{Cloud, REGION, TRUST};

const INVALID: &str = "InvalidParameter 400";

#[tokio::test(start_paused = true)]
async fn flow_logs() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    cloud.bucket("flow-logs").await;
    let role = cloud.role("flow").await;
    let group = format!("arn:aws:logs:{REGION}:123456789012:log-group:flow");
    let create = |kind: LogDestinationType| {
        let call = cloud.ec2.create_flow_logs().resource_ids(&vpc).log_destination_type(kind);
        call.resource_type(FlowLogsResourceType::Vpc).traffic_type(TrafficType::All)
    };
    let to_logs = || create(LogDestinationType::CloudWatchLogs).deliver_logs_permission_arn(&role);
    let to_bucket = || create(LogDestinationType::S3);
    let parquet = DestinationOptionsRequest::builder().file_format(DestinationFileFormat::Parquet);
    let parquet = parquet.per_hour_partition(true).build();
    check([
        ("A7: group and destination, to S3", INVALID, {
            let call = to_bucket().log_destination("arn:aws:s3:::flow-logs").log_group_name("flow");
            answer(call.send().await)
        }),
        ("A7: the same to Logs", INVALID, {
            answer(to_logs().log_destination(&group).log_group_name("flow").send().await)
        }),
        ("A7: no destination, to S3", INVALID, answer(to_bucket().send().await)),
        ("A7: the same to Logs", INVALID, answer(to_logs().send().await)),
        ("A7+: a group for S3", INVALID, answer(to_bucket().log_group_name("flow").send().await)),
        ("B21+: files of Logs", INVALID, {
            answer(to_logs().log_group_name("flow").destination_options(parquet.clone()).send().await)
        }),
    ]);
    let bucket = to_bucket().log_destination("arn:aws:s3:::flow-logs");
    let made = bucket.clone().send().await.unwrap();
    let told = bucket.clone().log_destination("arn:aws:s3:::flow-logs/a").client_token("t").send().await;
    let other = bucket.log_destination("arn:aws:s3:::flow-logs/b").destination_options(parquet);
    let other = other.send().await.unwrap();
    let logs = to_logs().log_group_name("flow").send().await.unwrap();
    let options = async |ids: Option<Vec<String>>| {
        let found = cloud.ec2.describe_flow_logs().set_flow_log_ids(ids).send().await.unwrap();
        let options = found.flow_logs()[0].destination_options().cloned();
        shown(&options.map(|o| (o.file_format, o.hive_compatible_partitions, o.per_hour_partition)))
    };
    check([
        ("B21: a token that nobody sent", "true", shown(&made.client_token().is_some())),
        ("B21+: and one that somebody did", r#"Some("t")"#, shown(&told.unwrap().client_token())),
        ("B21: files in S3", "Some((Some(PlainText), Some(false), Some(false)))", {
            options(made.flow_log_ids).await
        }),
        ("B21+: as they are asked for", "Some((Some(Parquet), Some(false), Some(true)))", {
            options(other.flow_log_ids).await
        }),
        ("B21: none in Logs", "None", options(logs.flow_log_ids).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn interface_endpoints() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let on = AttributeBooleanValue::builder().value(true).build();
    cloud.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on).send().await.unwrap();
    let subnet = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24");
    let subnet = subnet.availability_zone(format!("{REGION}b")).send().await.unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    let endpoint = async |service: &str, private: bool| {
        let call = cloud.ec2.create_vpc_endpoint().vpc_endpoint_type(VpcEndpointType::Interface);
        let call = call.vpc_id(&vpc).subnet_ids(&subnet).private_dns_enabled(private);
        let call = call.service_name(format!("com.amazonaws.{REGION}.{service}"));
        call.send().await.unwrap().vpc_endpoint.unwrap()
    };
    let made = endpoint("execute-api", false).await;
    let id = made.vpc_endpoint_id().unwrap();
    let names = |endpoint: &aws_sdk_ec2::types::VpcEndpoint| -> Vec<String> {
        endpoint.dns_entries().iter().filter_map(|entry| entry.dns_name.clone()).collect()
    };
    let [first, zonal] = &names(&made)[..] else { panic!("{made:?}") };
    let label = first.strip_suffix(&format!(".execute-api.{REGION}.vpce.amazonaws.com"));
    let label = label.unwrap_or_else(|| panic!("{first}"));
    let images = names(&endpoint("ecr.dkr", true).await);
    let policy: Value = serde_json::from_str(made.policy_document().unwrap()).unwrap();
    let has_zones = made.dns_entries().iter().all(|entry| entry.hosted_zone_id().is_some());
    check([
        ("B19: the name begins with the id", "true", shown(&label.starts_with(&format!("{id}-")))),
        ("B19+: a name for each zone", "true", {
            shown(&zonal.starts_with(&format!("{label}-{REGION}b.execute-api.")))
        }),
        ("B19+: names of services with two parts", "true", {
            shown(&images[0].ends_with(&format!(".dkr.ecr.{REGION}.vpce.amazonaws.com")))
        }),
        ("B19: hosted zones", "true", shown(&has_zones)),
        ("B19: options of DNS", "Some(Some(Ipv4))", {
            shown(&made.dns_options().map(|options| options.dns_record_ip_type()))
        }),
        ("B19: kind of addresses", "Some(Ipv4)", shown(&made.ip_address_type())),
        ("B19: region of the service", &format!("Some({REGION:?})"), shown(&made.service_region())),
    ]);
    let all = json!({"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]});
    assert_eq!(policy, all, "B19: the default policy has no version");

    // Private DNS adds the service's own name, and takes it away again.
    let modify = |private: bool| {
        cloud.ec2.modify_vpc_endpoint().vpc_endpoint_id(id).private_dns_enabled(private).send()
    };
    let look = async || {
        let found = cloud.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await.unwrap();
        names(&found.vpc_endpoints()[0])
    };
    modify(true).await.unwrap();
    let own = format!("*.execute-api.{REGION}.amazonaws.com");
    assert_eq!(look().await, [first.clone(), zonal.clone(), own]);
    modify(false).await.unwrap();
    assert_eq!(look().await, [first.clone(), zonal.clone()]);
}

#[tokio::test(start_paused = true)]
async fn zones() {
    for (region, name) in [(REGION, "Asia Pacific (Singapore) 1"), ("us-east-1", "US East (N. Virginia) 1")] {
        let cloud = Cloud::in_memory();
        let ec2 = aws_sdk_ec2::Client::new(&crate::support::config(&cloud.emulator, region));
        let found = ec2.describe_availability_zones().send().await.unwrap();
        let names = found.availability_zones().iter().map(|zone| zone.group_long_name());
        assert!(names.into_iter().all(|found| found == Some(name)), "B29: {name}");
    }
}

/// The trust policy of a role, decoded.
fn trust(role: &aws_sdk_iam::types::Role) -> Value {
    let document = role.assume_role_policy_document().unwrap();
    let mut text = Vec::new();
    let mut bytes = document.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                text.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => text.push(other),
        }
    }
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn roles() {
    let cloud = Cloud::in_memory();
    let get = async |name: &str| cloud.iam.get_role().role_name(name).send().await.unwrap().role.unwrap();
    let link = async |service: &str| {
        let call = cloud.iam.create_service_linked_role().aws_service_name(service);
        call.send().await.unwrap().role.unwrap()
    };
    let made = link("rds.amazonaws.com").await;
    let rds = get("AWSServiceRoleForRDS").await;
    link("ecs.amazonaws.com").await;
    let ecs = get("AWSServiceRoleForECS").await;
    let own = cloud.iam.create_role().role_name("own").assume_role_policy_document(TRUST);
    let own = own.description("d").max_session_duration(7200).send().await.unwrap().role.unwrap();
    let read = get("own").await;
    let said = r#"Some("Allows Amazon RDS to manage AWS resources on your behalf")"#;
    let text = |role| {
        let trust = trust(role);
        let statement = &trust["Statement"][0];
        json!([statement["Action"], statement["Principal"]["Service"]]).to_string()
    };
    check([
        ("B20: texts in a trust policy", r#"["sts:AssumeRole","rds.amazonaws.com"]"#, text(&rds)),
        ("B20+: lists in the answer of the create", r#"[["sts:AssumeRole"],["rds.amazonaws.com"]]"#, {
            text(&made)
        }),
        ("B20: nobody has used it", "Some((None, None))", {
            shown(&rds.role_last_used().map(|used| (used.last_used_date(), used.region())))
        }),
        ("B20+: nor any other role", "true", shown(&read.role_last_used().is_some())),
        ("B20: RDS says what its role is for", said, shown(&rds.description())),
        ("B20: others do not", "None", shown(&ecs.description())),
        ("B20: a create does not say how long sessions are", "None", shown(&made.max_session_duration())),
        ("B20+: whatever was given", "(None, None)", {
            shown(&(own.max_session_duration(), own.description()))
        }),
        ("B20+: and GetRole does", r#"(Some(7200), Some("d"))"#, {
            shown(&(read.max_session_duration(), read.description()))
        }),
        ("B20: the usual session", "Some(3600)", shown(&rds.max_session_duration())),
    ]);
}
