//! An account whose clock is moved, in process and over HTTP.

use std::fs;
use std::time::{Duration, SystemTime};

use aws_sdk_ec2::types::NatGatewayState;
use emulator::{Emulator, EmulatorError};
use serde_json::Value;
use tokio::time::Instant;

use crate::serving::Server;
use crate::support::{Cloud, code};

/// Sends a request to the server itself; status and body.
async fn ask(server: &Server, line: &str, headers: &str, body: &str) -> (u16, Value) {
    let host =
        if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", server.address) };
    let length = body.len();
    let head =
        format!("{line} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    let answer = server.raw(&[&format!("{head}{body}")]).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

async fn state(cloud: &Cloud, nat: &str) -> NatGatewayState {
    let found = cloud.ec2.describe_nat_gateways().nat_gateway_ids(nat).send().await.unwrap();
    found.nat_gateways()[0].state().unwrap().clone()
}

/// Makes a NAT gateway; `pause` waits until what was made is seen.
async fn nat_gateway(cloud: &Cloud, pause: impl AsyncFn()) -> String {
    let vpc = cloud.vpc().await;
    let made = cloud.ec2.create_internet_gateway().send().await.unwrap();
    let gateway = made.internet_gateway.unwrap().internet_gateway_id.unwrap();
    pause().await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let attach = cloud.ec2.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(&vpc);
    attach.send().await.unwrap();
    let address = cloud.address().await;
    pause().await;
    let nat = cloud.nat(&subnet, &address).await;
    pause().await;
    nat
}

#[tokio::test]
async fn a_client_in_any_language_moves_the_clock_and_need_not_wait() {
    // Calls answer at once and objects take their time.
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let server = Server::start(&emulator).await;
    let cloud = Cloud::of(emulator.clone());
    let skip = async |seconds: f64| {
        let body = format!("{{\"seconds\": {seconds}}}");
        ask(&server, "POST /_emulator/advance", "", &body).await
    };
    let nat = nat_gateway(&cloud, async || drop(skip(2.0).await)).await;
    assert_eq!(state(&cloud, &nat).await, NatGatewayState::Pending);
    let (status, before) = ask(&server, "GET /_emulator/clock", "", "").await;
    assert_eq!(status, 200, "{before}");
    assert!(before["now"].as_str().unwrap() < "2026-01-01T00:01:00Z", "{before}");
    let (status, after) = skip(130.5).await;
    assert_eq!(status, 200, "{after}");
    assert!(after["now"].as_str().unwrap() > "2026-01-01T00:02:10Z", "{after}");
    assert_eq!(state(&cloud, &nat).await, NatGatewayState::Available);

    // To a moment, which may be told in any zone. The call log is of AWS's operations only.
    emulator.clear_calls();
    let body = r#"{"to": "2026-01-08T02:00:00+02:00"}"#;
    let (status, week) = ask(&server, "POST /_emulator/advance", "", body).await;
    assert_eq!(status, 200, "{week}");
    assert!(week["now"].as_str().unwrap().starts_with("2026-01-08T00:0"), "{week}");
    assert!(emulator.calls().is_empty());
}

#[tokio::test]
async fn what_does_not_say_how_far_forward_is_refused_and_the_clock_stays() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let begun = emulator.now().await.unwrap();
    for (body, reason) in [
        ("", "the body is"),
        ("60", "the body is"),
        ("{}", "the body is"),
        ("{\"seconds\": 1", "the body is"),
        ("{\"seconds\": \"60\"}", "the body is"),
        ("{\"seconds\": null}", "the body is"),
        ("{\"minutes\": 1}", "minutes"),
        ("{\"seconds\": 1, \"to\": \"2027-01-01T00:00:00Z\"}", "the body is"),
        ("{\"seconds\": -1}", "only moved forward"),
        ("{\"seconds\": -0.001}", "only moved forward"),
        ("{\"seconds\": 1e9}", "3653 days ahead at most"),
        ("{\"seconds\": 1e18}", "3653 days ahead at most"),
        ("{\"seconds\": 1e300}", "seconds"),
        ("{\"to\": \"2025-12-31T23:59:59Z\"}", "only moved forward"),
        ("{\"to\": \"0001-01-01T00:00:00Z\"}", "only moved forward"),
        ("{\"to\": \"9999-12-31T23:59:59Z\"}", "3653 days ahead at most"),
        ("{\"to\": \"tomorrow\"}", "tomorrow"),
    ] {
        let (status, answer) = ask(&server, "POST /_emulator/advance", "", body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{body}: {answer}");
    }
    for (line, expected) in [
        ("GET /_emulator/advance", 405),
        ("POST /_emulator/clock", 405),
        ("GET /_emulator/", 404),
        ("GET /_emulator/other", 404),
    ] {
        let (status, answer) = ask(&server, line, "", "").await;
        assert_eq!(status, expected, "{line}: {answer}");
        assert!(answer["error"].is_string(), "{line}: {answer}");
    }
    // A page in a browser, by this name or by another.
    let good = "{\"seconds\": 86400}";
    let origin = "Origin: http://127.0.0.1\r\n";
    assert_eq!(ask(&server, "POST /_emulator/advance", origin, good).await.0, 403);
    assert_eq!(ask(&server, "POST /_emulator/advance", "Host: evil.example\r\n", good).await.0, 403);
    let passed = emulator.now().await.unwrap().duration_since(begun).unwrap();
    assert!(passed < Duration::from_secs(3600), "{passed:?}");
}

#[tokio::test]
async fn below_the_name_of_a_bucket_the_path_is_the_key_of_an_object() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    for host in ["bucket-a.localhost", "bucket-a.s3.ap-southeast-1.amazonaws.com"] {
        emulator.clear_calls();
        let headers = format!(
            "Host: {host}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=A/20260101/ap-southeast-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        assert_eq!(ask(&server, "GET /_emulator/clock", &headers, "").await.0, 404);
        assert_eq!(emulator.calls()[0].parameters["Key"], "_emulator/clock", "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_minutes_is_over_at_once() {
    let cloud = Cloud::of(Emulator::builder().latency(1.0).in_memory());
    let begun = Instant::now();
    let skip = async |seconds| {
        cloud.emulator.advance(Duration::from_secs(seconds)).await.unwrap();
    };
    let nat = nat_gateway(&cloud, async || skip(5).await).await;
    let before = begun.elapsed();
    assert_eq!(state(&cloud, &nat).await, NatGatewayState::Pending);
    skip(130).await;
    assert_eq!(state(&cloud, &nat).await, NatGatewayState::Available);
    assert_eq!(begun.elapsed(), before, "nobody waited");
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_is_answered_when_its_time_has_come() {
    let cloud = Cloud::of(Emulator::builder().latency(1.0).in_memory());
    let begun = Instant::now();
    let call = tokio::spawn(cloud.logs.create_log_group().log_group_name("g").send());
    while cloud.emulator.objects().await.unwrap().is_empty() {
        // Ready at every turn, so that the paused clock has no reason to run.
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    cloud.emulator.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!(code(call.await.unwrap()), "ok");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn buckets_of_throttling_fill_while_the_clock_is_moved() {
    let cloud = Cloud::of(Emulator::builder().throttling(true).in_memory());
    let mut made = 0;
    while code(cloud.logs.create_log_group().log_group_name(format!("g{made}")).send().await) == "ok" {
        made += 1;
    }
    let next = || cloud.logs.create_log_group().log_group_name("next").send();
    assert_eq!(code(next().await), "ThrottlingException");
    cloud.emulator.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(code(next().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_an_account_goes_on_at_its_time() {
    let first = Emulator::in_memory();
    let then = first.advance(Duration::from_secs(90)).await.unwrap();
    let second = Emulator::builder().going_on(&first.snapshot().unwrap());
    assert_eq!(second.now().await.unwrap(), then);
}

#[tokio::test]
async fn on_disk_every_process_has_the_time_to_which_the_clock_was_moved_until_the_account_is_emptied() {
    const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    let directory = tempfile::tempdir().unwrap();
    let open = || Cloud::of(Emulator::open(directory.path()).unwrap());
    let (one, other) = (open(), open());
    one.logs.create_log_group().log_group_name("before").send().await.unwrap();
    let ahead = one.emulator.advance(MONTH).await.unwrap();
    assert!(ahead >= SystemTime::now() + MONTH - Duration::from_secs(60));
    other.logs.create_log_group().log_group_name("after").send().await.unwrap();
    let later = open();
    for cloud in [&one, &other, &later] {
        let now = cloud.emulator.now().await.unwrap();
        assert!(now >= ahead && now < ahead + Duration::from_secs(3600), "{now:?}");
    }
    let made = |groups: &[aws_sdk_cloudwatchlogs::types::LogGroup], name: &str| {
        let group = groups.iter().find(|group| group.log_group_name() == Some(name)).unwrap();
        Duration::from_millis(group.creation_time().unwrap().unsigned_abs())
    };
    let groups = later.logs.describe_log_groups().send().await.unwrap();
    assert!(made(groups.log_groups(), "after") - made(groups.log_groups(), "before") >= MONTH);

    fs::write(directory.path().join("clock"), "soon").unwrap();
    let error = Emulator::open(directory.path()).unwrap_err();
    assert!(matches!(&error, EmulatorError::BrokenClock { .. }), "{error:?}");
    emulator::reset(directory.path()).unwrap();
    let now = open().emulator.now().await.unwrap();
    assert!(now < SystemTime::now() + Duration::from_secs(60), "{now:?}");
    assert!(one.emulator.now().await.unwrap() < ahead, "the other processes see it too");
}

/// A cluster is backed up each day, and the oldest backups go.
#[tokio::test(start_paused = true)]
async fn ten_years_at_once_are_no_trouble() {
    let rds = crate::rds::Db::in_memory().await;
    rds.cluster("a").send().await.unwrap();
    rds.cloud.emulator.advance(Duration::from_secs(3653 * 24 * 60 * 60)).await.unwrap();
    let shown = rds.shown("a").await;
    assert_eq!(shown.status(), Some("available"));
    let latest = shown.latest_restorable_time().unwrap().secs();
    let now = rds.cloud.emulator.now().await.unwrap();
    assert!(now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - latest.unsigned_abs() < 3600);
}
