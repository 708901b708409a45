//! The emulator behind HTTP, as clients of other processes see it.

use std::net::SocketAddr;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use emulator::{Counted, Emulator, EmulatorError, Fault, FaultPlan, Moment, When};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{REGION, TRUST, code, tagged};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), EmulatorError>>,
}

impl Server {
    pub(crate) async fn start(emulator: &Emulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(emulator::serve(emulator.clone(), listener, shutdown));
        Server { address, stop, task }
    }

    /// An SDK configuration with the SDK's own HTTP client.
    pub(crate) fn config(&self, emulator: &Emulator) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(format!("http://{}", self.address))
            .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().read_timeout(Duration::from_secs(1)).build())
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .build()
    }

    /// Sends text and returns what comes back until the server closes the connection.
    pub(crate) async fn raw(&self, parts: &[&str]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        for part in parts {
            stream.write_all(part.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 \
     Credential=AKID/20260101/ap-southeast-1/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\
     Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nConnection: close\r\n";

#[tokio::test]
async fn real_clients_of_every_service_find_their_way_by_signature() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let config = server.config(&emulator);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16");
    let vpc = vpc.tag_specifications(tagged("vpc", &[("Author", "Zoë")]));
    let vpc = vpc.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await.unwrap();
    let found = ec2.describe_vpcs().send().await.unwrap();
    assert_eq!(found.vpcs()[0].tags()[0].value(), Some("Zoë"));
    assert_eq!(code(ec2.delete_vpc().vpc_id(&vpc).send().await), "DependencyViolation");
    let subnet = subnet.subnet().unwrap().subnet_id().unwrap();
    ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();
    ec2.delete_vpc().vpc_id(&vpc).send().await.unwrap();

    let iam = aws_sdk_iam::Client::new(&config);
    let role = iam.create_role().role_name("flow").assume_role_policy_document(TRUST);
    role.send().await.unwrap();
    assert_eq!(code(iam.get_role().role_name("none").send().await), "NoSuchEntity");
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let sts = aws_sdk_sts::Client::new(&config);
    let caller = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some(emulator.account_id()));

    // CBOR, and JSON by method and path.
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    crate::cloudwatch::simple(&cloudwatch, "high cpu").send().await.unwrap();
    let alarms = cloudwatch.describe_alarms().send().await.unwrap();
    assert_eq!(alarms.metric_alarms()[0].threshold(), Some(80.0));
    let unknown = cloudwatch.get_dashboard().dashboard_name("none").send().await;
    assert!(unknown.unwrap_err().as_service_error().unwrap().is_dashboard_not_found_error());
    let backup = aws_sdk_backup::Client::new(&config);
    let vault = backup.create_backup_vault().backup_vault_name("vault").backup_vault_tags("Author", "Zoë");
    let vault = vault.send().await.unwrap();
    let tags = backup.list_tags().resource_arn(vault.backup_vault_arn().unwrap()).send().await.unwrap();
    assert_eq!(tags.tags().unwrap()["Author"], "Zoë", "an ARN is one segment of the path");
    let xray = aws_sdk_xray::Client::new(&config);
    let rules = xray.get_sampling_rules().send().await.unwrap();
    assert_eq!(rules.sampling_rule_records().len(), 1);
    assert_eq!(code(xray.get_group().group_name("none").send().await), "InvalidRequestException");

    // Who is in the process sees the same account and the same log.
    let kinds: Vec<String> = emulator.objects().await.unwrap().into_iter().map(|o| o.kind).collect();
    assert_eq!(
        kinds,
        ["AWS::Backup::BackupVault", "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::CloudWatch::Alarm"]
    );
    assert_eq!(emulator.calls()[0].operation, "CreateVpc");
}

#[tokio::test]
async fn bodies_come_in_chunks_or_after_a_hundred_continue() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let head = format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n{SIGNED}");
    let chunked = [
        &format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
        "1b\r\nAction=CreateVpc&Version=20\r\n",
        "22\r\n16-11-15&CidrBlock=10.0.0.0%2F16&a\r\n0\r\n\r\n",
    ];
    let answer = server.raw(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("UnknownParameter"), "{answer}");
    let chunked = [
        &format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
        "1b\r\nAction=CreateVpc&Version=20\r\n",
        "20\r\n16-11-15&CidrBlock=10.0.0.0%2F16\r\n0\r\n\r\n",
    ];
    let answer = server.raw(&chunked).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<vpcId>vpc-"), "{answer}");

    let body = "Action=DescribeVpcs&Version=2016-11-15";
    let expecting = format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = server.raw(&[&expecting, body]).await;
    let (first, rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 100"), "{answer}");
    assert!(rest.starts_with("HTTP/1.1 200") && rest.contains("<vpcId>vpc-"), "{answer}");
}

#[tokio::test]
async fn a_bucket_is_named_by_the_path_or_by_the_host() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let port = server.address.port();
    let rows = [
        ("path", "127.0.0.1", "/bucket-a/a%20b/c?versionId=1"),
        ("path with a name", "localhost", "/bucket-a/a%20b/c?versionId=1"),
        ("virtual host", "bucket-a.localhost", "/a%20b/c?versionId=1"),
        ("virtual host of AWS", "bucket-a.s3.ap-southeast-1.amazonaws.com", "/a%20b/c?versionId=1"),
    ];
    for (style, host, path) in rows {
        emulator.clear_calls();
        let signed = SIGNED.replace("/ec2/", "/s3/");
        server.raw(&[&format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{signed}\r\n")]).await;
        let calls = emulator.calls();
        let [call] = calls.as_slice() else { panic!("{style}: {calls:?}") };
        assert_eq!((call.service.as_str(), call.operation.as_str()), ("s3", "GetObject"), "{style}");
        let parameters = &call.parameters;
        assert_eq!(
            (&parameters["Bucket"], &parameters["Key"]),
            (&"bucket-a".into(), &"a b/c".into()),
            "{style}"
        );
    }
}

#[tokio::test]
async fn an_object_is_the_same_in_both_styles() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let config = aws_sdk_s3::config::Builder::from(&server.config(&emulator)).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let place = BucketLocationConstraint::from(REGION);
    let place = CreateBucketConfiguration::builder().location_constraint(place).build();
    s3.create_bucket().bucket("bucket-a").create_bucket_configuration(place).send().await.unwrap();
    let body = ByteStream::from_static("by path: Zoë".as_bytes());
    s3.put_object().bucket("bucket-a").key("a b/path").body(body).send().await.unwrap();

    let signed = SIGNED.replace("/ec2/", "/s3/");
    let head = format!("Host: bucket-a.localhost:{}\r\n{signed}", server.address.port());
    let answer = server.raw(&[&format!("GET /a%20b/path HTTP/1.1\r\n{head}\r\n")]).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nby path: Zoë"), "{answer}");

    let put = format!("PUT /virtual HTTP/1.1\r\n{head}Content-Length: 7\r\n\r\nby host");
    let answer = server.raw(&[&put]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let found = s3.get_object().bucket("bucket-a").key("virtual").send().await.unwrap();
    assert_eq!(found.body.collect().await.unwrap().into_bytes(), "by host");
    let listed = s3.list_objects_v2().bucket("bucket-a").send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["a b/path", "virtual"]);
}

#[tokio::test]
async fn an_unsigned_request_is_placed_by_a_host_of_aws_and_by_no_other() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let request = |host: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: Logs_20140328.DescribeLogGroups\r\n\
             Content-Type: application/x-amz-json-1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
        )
    };
    let answer = server.raw(&[&request("logs.eu-west-1.amazonaws.com")]).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("logGroups"), "{answer}");
    assert_eq!(emulator.calls()[0].region, "eu-west-1");
    let answer = server.raw(&[&request("127.0.0.1:4566")]).await;
    assert!(answer.contains("MissingAuthenticationToken"), "{answer}");
}

/// What a page in a browser sends, by its own name or by one that was made to lead to this machine.
#[tokio::test]
async fn only_loopback_and_names_of_aws_are_answered_and_no_page_in_a_browser() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let request = |host: &str, more: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\n{SIGNED}{more}Content-Length: 38\r\n\r\n\
             Action=DescribeVpcs&Version=2016-11-15"
        )
    };
    for host in ["evil.example", "ec2.amazonaws.com.evil.example", "10.0.0.1"] {
        let answer = server.raw(&[&request(host, "")]).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("Host"), "{host}: {answer}");
    }
    let answer = server.raw(&[&request("127.0.0.1", "Origin: http://127.0.0.1\r\n")]).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("Origin"), "{answer}");
    assert_eq!(emulator.calls().len(), 0);
    for host in ["localhost:4566", "[::1]", "ec2.eu-west-1.amazonaws.com"] {
        let answer = server.raw(&[&request(host, "")]).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_is_too_deep_too_long_or_of_nowhere_is_refused_and_the_next_one_answered() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let signed = |service: &str, region: &str| {
        format!(
            "Host: 127.0.0.1\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=AKID/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\
             Connection: close\r\n"
        )
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json =
        |target: &str| format!("Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}\r\n");
    let dots = |action: &str| format!("Action={action}&A{}=1", ".a".repeat(100_000 / 2));
    let many: String = (0..30_000).map(|number| format!("&A.{number}=1")).collect();
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{{\"tags\": {}1{}}}", open.repeat(depth), close.repeat(depth))
    };
    let cbor = [&[0xa1, 0x61, b'a'][..], &[0x81; 100], &[1]].concat();
    let tags = "AmazonEC2ContainerServiceV20141113.CreateCluster";
    let logs = "Logs_20140328.DescribeLogGroups";
    let rest = "Content-Type: application/json\r\n".to_owned();
    for (what, line, service, region, headers, body, wanted) in [
        ("dots to EC2", "POST /", "ec2", "eu-west-1", form.to_owned(), dots("CreateVpc"), "64 dots"),
        ("dots to IAM", "POST /", "iam", "us-east-1", form.to_owned(), dots("CreateRole"), "64 dots"),
        (
            "parameters to EC2",
            "POST /",
            "ec2",
            "eu-west-1",
            form.to_owned(),
            format!("Action=x{many}"),
            "20000",
        ),
        (
            "parameters to RDS",
            "POST /",
            "rds",
            "eu-west-1",
            form.to_owned(),
            format!("Action=x{many}"),
            "20000",
        ),
        ("lists", "POST /", "ecs", "eu-west-1", json(tags), nested("[", "]", 100), "64 levels"),
        ("too many lists", "POST /", "ecs", "eu-west-1", json(tags), nested("[", "]", 100_000), "recursion"),
        ("REST", "POST /restapis", "apigateway", "eu-west-1", rest, nested("{\"a\":", "}", 100), "64 levels"),
        ("no region", "POST /", "logs", "nowhere", json(logs), "{}".to_owned(), "valid region"),
    ] {
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\n{}{headers}Content-Length: {length}\r\n\r\n",
            signed(service, region)
        );
        let answer = server.raw(&[&head, &body]).await;
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains(wanted), "{what}: {answer}");
    }
    let cloudwatch = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    let head = format!(
        "POST {cloudwatch} HTTP/1.1\r\n{}Smithy-Protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n\
         Content-Length: {}\r\n\r\n",
        signed("monitoring", "eu-west-1"),
        cbor.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &cbor].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("64 levels"), "{answer}");

    // Without a signature less is read than with one.
    let unsigned = "PUT /bucket-a/key HTTP/1.1\r\nHost: s3.eu-west-1.amazonaws.com\r\nConnection: close\r\n\
                    Content-Length: 2000000\r\n\r\n";
    let answer = server.raw(&[unsigned, &"x".repeat(1_100_000)]).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    let head = format!("POST / HTTP/1.1\r\n{}{form}Content-Length: 38\r\n\r\n", signed("ec2", "eu-west-1"));
    let answer = server.raw(&[&head, "Action=DescribeVpcs&Version=2016-11-15"]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = emulator::serve(Emulator::in_memory(), listener, std::future::pending()).await;
    let error = served.unwrap_err();
    assert!(matches!(error, EmulatorError::NotLoopback { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn lost_answers_are_lost_on_the_wire_too() {
    let plan = FaultPlan::default()
        .with(Counted::Mutating, When::Call(1), Fault::ConnectionReset(Moment::AfterEffect))
        .with(Counted::Mutating, When::Call(2), Fault::TimeOut(Moment::BeforeEffect));
    let emulator = Emulator::builder().faults(plan).in_memory();
    let server = Server::start(&emulator).await;
    let ec2 = aws_sdk_ec2::Client::new(&server.config(&emulator));
    let make = || ec2.create_vpc().cidr_block("10.0.0.0/16").send();
    let reset = make().await.unwrap_err();
    assert!(reset.as_service_error().is_none(), "{reset:?}");
    let timed_out = make().await.unwrap_err();
    let is_timeout = matches!(&timed_out, aws_sdk_ec2::error::SdkError::DispatchFailure(f) if f.is_timeout());
    assert!(is_timeout, "{timed_out:?}");
    make().await.unwrap();
    assert_eq!(ec2.describe_vpcs().send().await.unwrap().vpcs().len(), 2);
}

#[tokio::test]
async fn shutdown_lets_requests_finish_and_takes_no_more() {
    // Every call takes a while, so that one is under way.
    let emulator = Emulator::builder().latency(0.5).in_memory();
    let server = Server::start(&emulator).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&server.config(&emulator));
    let idle = TcpStream::connect(server.address).await.unwrap();
    let call = tokio::spawn(logs.create_log_group().log_group_name("g").send());
    while emulator.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.stop.send(()).unwrap();
    assert_eq!(code(call.await.unwrap()), "ok");
    server.task.await.unwrap().unwrap();
    drop(idle);
    assert!(TcpStream::connect(server.address).await.is_err());
}
