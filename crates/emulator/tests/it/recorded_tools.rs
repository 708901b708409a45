//! What deployment tools ask besides what they deploy, and how they are told that a service is not there.

use aws_sdk_ec2::types::VpcAttributeName;
use aws_sdk_lambda::types::{FunctionConfiguration, FunctionVersion};
use emulator::Emulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::front::Front;
use crate::lambda::Functions;
use crate::recorded::{answer, shown};
use crate::rows::check;
use crate::support::{REGION, config};

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_roles_functions_and_log_groups() {
    let functions = Functions::of(Emulator::in_memory());
    let (lambda, iam, logs) = (&functions.lambda, &functions.cloud.iam, &functions.cloud.logs);
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let profiles = iam.list_instance_profiles_for_role().role_name("backup").send().await.unwrap();
    let runtime = lambda.get_runtime_management_config().function_name("f").send().await.unwrap();
    let recursion = lambda.get_function_recursion_config().function_name("f").send().await.unwrap();
    let masking = logs.get_data_protection_policy().log_group_identifier("g").send().await.unwrap();
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:g");
    let indexes = logs.describe_index_policies().log_group_identifiers(&arn).send().await.unwrap();
    let missing = "ResourceNotFoundException";
    check([
        ("profiles with a role", "([], false)", {
            shown(&(profiles.instance_profiles(), profiles.is_truncated()))
        }),
        ("of a role that is not there", "NoSuchEntity 404", {
            answer(iam.list_instance_profiles_for_role().role_name("x").send().await)
        }),
        ("updates of the runtime", "(Some(Auto), None)", {
            shown(&(runtime.update_runtime_on(), runtime.runtime_version_arn()))
        }),
        ("of a function that is not there", &format!("{missing} 404"), {
            answer(lambda.get_runtime_management_config().function_name("x").send().await)
        }),
        ("loops", "Some(Terminate)", shown(&recursion.recursive_loop())),
        ("of a function that is not there", &format!("{missing} 404"), {
            answer(lambda.get_function_recursion_config().function_name("x").send().await)
        }),
        ("masked data", r#"(Some("g"), None)"#, {
            shown(&(masking.log_group_identifier(), masking.policy_document()))
        }),
        ("of a group that is not there", &format!("{missing} 400"), {
            answer(logs.get_data_protection_policy().log_group_identifier("x").send().await)
        }),
        ("indexed fields", "[]", shown(&indexes.index_policies())),
        ("of a group that is not there", &format!("{missing} 400"), {
            answer(logs.describe_index_policies().log_group_identifiers("x").send().await)
        }),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_networks_versions_and_clusters() {
    let functions = Functions::of(Emulator::in_memory());
    let (lambda, cloud) = (&functions.lambda, &functions.cloud);
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    let qualified = format!("arn:aws:lambda:{REGION}:123456789012:function:f:$LATEST");
    let versions = lambda.list_versions_by_function().function_name("f").send().await.unwrap();
    let all = lambda.list_functions().function_version(FunctionVersion::All).send().await.unwrap();
    let metrics = VpcAttributeName::EnableNetworkAddressUsageMetrics;
    let vpc = cloud.vpc().await;
    let usage = cloud.ec2.describe_vpc_attribute().vpc_id(&vpc).attribute(metrics).send().await.unwrap();
    let address = cloud.address().await;
    let names = |address: &str| cloud.ec2.describe_addresses_attribute().allocation_ids(address);
    let rds = aws_sdk_rds::Client::new(&config(&cloud.emulator, REGION));
    let clusters = rds.describe_global_clusters().send().await.unwrap();
    let arns = |found: &[FunctionConfiguration]| {
        shown(&found.iter().map(|one| one.function_arn().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let wanted = shown(&[&qualified]);
    check([
        ("versions of a function", wanted.as_str(), arns(versions.versions())),
        ("and of all", wanted.as_str(), arns(all.functions())),
        ("of a function that is not there", "ResourceNotFoundException 404", {
            answer(lambda.list_versions_by_function().function_name("x").send().await)
        }),
        ("usage of addresses", "Some(Some(false))", {
            shown(&usage.enable_network_address_usage_metrics().map(|usage| usage.value()))
        }),
        ("names of addresses", "[]", shown(&names(&address).send().await.unwrap().addresses())),
        ("of an address that is not there", "InvalidAllocationID.NotFound 400", {
            answer(names("eipalloc-00000000000000000").send().await)
        }),
        ("global clusters", "[]", shown(&clusters.global_clusters())),
        ("one that is not there", "GlobalClusterNotFoundFault 404", {
            answer(rds.describe_global_clusters().global_cluster_identifier("x").send().await)
        }),
    ]);
}

#[tokio::test(start_paused = true)]
async fn the_first_load_balancer_and_the_first_database_make_their_roles() {
    let front = Front::in_memory().await;
    let has = async |name: &str| answer(front.cloud.iam.get_role().role_name(name).send().await);
    let balancers = "AWSServiceRoleForElasticLoadBalancing";
    assert_eq!(has(balancers).await, "NoSuchEntity 404");
    let arn = front.made_load_balancer("a").await;
    assert_eq!(has(balancers).await, "ok");
    let capacity = front.elb.describe_capacity_reservation().load_balancer_arn(&arn).send().await.unwrap();
    assert!(capacity.minimum_load_balancer_capacity().is_none());
    assert_eq!(capacity.capacity_reservation_state().len(), 0);

    let databases = "AWSServiceRoleForRDS";
    assert_eq!(has(databases).await, "NoSuchEntity 404");
    let rds = aws_sdk_rds::Client::new(&config(&front.cloud.emulator, REGION));
    let group = rds.create_db_subnet_group().db_subnet_group_name("db").db_subnet_group_description("x");
    group.set_subnet_ids(Some(front.subnets.clone())).send().await.unwrap();
    assert_eq!(has(databases).await, "ok");
}

/// Sends a request to a service, signed for it, and gives the whole answer.
async fn raw(service: &str, header: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(emulator::serve(Emulator::in_memory(), listener, std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    server.abort();
    answer
}

#[tokio::test]
async fn services_that_are_not_there_are_refused_by_name_in_their_own_protocol() {
    let json = "X-Amz-Target: AWSEvents.PutRule\r\nContent-Type: application/x-amz-json-1.1";
    let events = raw("events", json, r#"{"Name":"a","ScheduleExpression":"rate(1 day)"}"#).await;
    let form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
    let body = "Action=DescribeType&Version=2010-05-15&Type=RESOURCE&TypeName=AWS%3A%3AEC2%3A%3AVPC";
    let formation = raw("cloudformation", form, body).await;
    for (answer, parts) in [
        (events, [r#""__type":"UnknownService""#, "events", "PutRule"]),
        (formation, ["<Code>UnknownService</Code>", "cloudformation", "DescribeType"]),
    ] {
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(parts.iter().all(|part| answer.contains(part)), "{answer}");
    }
}
