//! Faults: each kind, on the calls that the plan says, with or without the effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use emulator::{ContainerFault, Counted, Emulator, Fault, FaultPlan, Lost, Moment, Outcome, When};

use crate::support::{Cloud, code};

fn cloud(plan: FaultPlan) -> Cloud {
    Cloud::of(Emulator::builder().faults(plan).in_memory())
}

fn error(code: &str, status: u16) -> Fault {
    Fault::Error { code: code.to_owned(), status }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_what_the_client_sees_and_takes_effect_or_not() {
    let rows = [
        (error("UnauthorizedOperation", 403), "UnauthorizedOperation", 0),
        (Fault::Deny, "UnauthorizedOperation", 0),
        (
            Fault::Saying { code: "VpcLimitExceeded".to_owned(), status: 400, message: "No.".to_owned() },
            "VpcLimitExceeded",
            0,
        ),
        (Fault::ErrorAfterEffect, "InternalError", 1),
        (Fault::Throttle, "RequestLimitExceeded", 0),
        (Fault::TimeOut(Moment::BeforeEffect), "timed out", 0),
        (Fault::TimeOut(Moment::AfterEffect), "timed out", 1),
        (Fault::ConnectionReset(Moment::BeforeEffect), "connection reset", 0),
        (Fault::ConnectionReset(Moment::AfterEffect), "connection reset", 1),
    ];
    for (fault, wanted, vpcs) in rows {
        let cloud = cloud(FaultPlan::default().with(Counted::All, When::Call(1), fault.clone()));
        let result = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
        let seen = match &result {
            Err(SdkError::TimeoutError(_)) => "timed out".to_owned(),
            Err(SdkError::DispatchFailure(failure)) if failure.is_timeout() => "timed out".to_owned(),
            Err(SdkError::DispatchFailure(failure)) if failure.is_io() => "connection reset".to_owned(),
            _ => code(result),
        };
        assert_eq!(seen, wanted, "{fault:?}");
        let logged = &cloud.emulator.calls()[0].outcome;
        assert_eq!(logged.to_string(), wanted, "{fault:?}");
        let found = cloud.ec2.describe_vpcs().send().await.unwrap();
        assert_eq!(found.vpcs().len(), vpcs, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_code_and_status_that_each_service_gives_them() {
    let plan = |fault| FaultPlan::default().with(Counted::All, When::Share(1.0), fault);
    let refused = cloud(plan(Fault::Throttle));
    let broken = cloud(plan(Fault::ErrorAfterEffect));
    let seen = async |cloud: &Cloud| {
        let ec2 = cloud.ec2.describe_vpcs().send().await.unwrap_err();
        let iam = cloud.iam.get_role().role_name("r").send().await.unwrap_err();
        let logs = cloud.logs.describe_log_groups().send().await.unwrap_err();
        let sts = cloud.sts.get_caller_identity().send().await.unwrap_err();
        [
            (ec2.raw_response().unwrap().status().as_u16(), code::<(), _, _>(Err(ec2))),
            (iam.raw_response().unwrap().status().as_u16(), code::<(), _, _>(Err(iam))),
            (logs.raw_response().unwrap().status().as_u16(), code::<(), _, _>(Err(logs))),
            (sts.raw_response().unwrap().status().as_u16(), code::<(), _, _>(Err(sts))),
        ]
    };
    let rows = |rows: [(u16, &str); 4]| rows.map(|(status, code)| (status, code.to_owned()));
    let throttled = [
        (503, "RequestLimitExceeded"),
        (400, "Throttling"),
        (400, "ThrottlingException"),
        (400, "Throttling"),
    ];
    assert_eq!(seen(&refused).await, rows(throttled));
    let internal = [
        (500, "InternalError"),
        (500, "ServiceFailure"),
        (500, "ServiceUnavailableException"),
        (500, "InternalFailure"),
    ];
    assert_eq!(seen(&broken).await, rows(internal));
}

#[tokio::test(start_paused = true)]
async fn a_rule_counts_all_calls_or_those_that_change_something_or_one_operation() {
    let rows = [
        (Counted::All, 3, [2]),
        (Counted::Mutating, 2, [2]),
        (Counted::Operation("DescribeVpcs".to_owned()), 2, [3]),
        (Counted::Operation("ec2:CreateVpc".to_owned()), 2, [2]),
        (Counted::Operation("iam:CreateVpc".to_owned()), 1, [usize::MAX]),
    ];
    for (of, number, wanted) in rows {
        let plan = FaultPlan::default().with(of.clone(), When::Call(number), error("X", 400));
        let cloud = cloud(plan);
        let make = || cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
        let mut codes = vec![code(make().await), code(cloud.ec2.describe_vpcs().send().await)];
        codes.extend([code(make().await), code(cloud.ec2.describe_vpcs().send().await)]);
        let failed = codes.iter().position(|code| code == "X").unwrap_or(usize::MAX);
        assert_eq!([failed], wanted, "{of:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_rules_meet_the_first_one_happens_and_both_count() {
    let plan = FaultPlan::default()
        .with(Counted::All, When::Call(1), error("First", 400))
        .with(Counted::Mutating, When::Call(1), error("Second", 400))
        .with(Counted::Mutating, When::Call(2), error("Third", 400));
    let cloud = cloud(plan);
    let make = async || code(cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await);
    assert_eq!([make().await, make().await, make().await], ["First", "Third", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_calls_follows_from_the_seed() {
    let hits = async |seed: u64| {
        let plan = FaultPlan::default().seed(seed).with(Counted::All, When::Share(0.25), Fault::Throttle);
        let cloud = cloud(plan);
        let mut hits = Vec::new();
        for number in 0..200 {
            if code(cloud.sts.get_caller_identity().send().await) == "Throttling" {
                hits.push(number);
            }
        }
        hits
    };
    let (one, same, other) = (hits(1).await, hits(1).await, hits(2).await);
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert!((30..70).contains(&one.len()), "{} of 200", one.len());
}

#[tokio::test(start_paused = true)]
async fn an_aborted_call_is_never_answered() {
    for (moment, vpcs) in [(Moment::BeforeEffect, 0), (Moment::AfterEffect, 1)] {
        let ends = Arc::new(AtomicU32::new(0));
        let hook = {
            let ends = Arc::clone(&ends);
            move || {
                ends.fetch_add(1, Ordering::Relaxed);
            }
        };
        let plan = FaultPlan::default().with(Counted::Mutating, When::Call(1), Fault::Abort(moment));
        let cloud = Cloud::of(Emulator::builder().faults(plan).on_abort(hook).in_memory());
        let call = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
        let patience = std::time::Duration::from_secs(600);
        let answer = tokio::time::timeout(patience, call).await;
        assert!(answer.is_err(), "{moment:?}: {answer:?}");
        assert_eq!(ends.load(Ordering::Relaxed), 1, "{moment:?}");
        assert_eq!(cloud.emulator.calls()[0].outcome, Outcome::Pending);
        // What begins anew finds what had happened, and is not aborted again.
        assert_eq!(cloud.ec2.describe_vpcs().send().await.unwrap().vpcs().len(), vpcs);
        cloud.vpc().await;
    }
}

#[tokio::test]
async fn an_effect_whose_answer_is_lost_is_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let fault = Fault::ConnectionReset(Moment::AfterEffect);
    let plan = FaultPlan::default().with(Counted::Mutating, When::Call(1), fault);
    let cloud = Cloud::of(Emulator::builder().faults(plan).open(directory.path()).unwrap());
    assert!(cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.is_err());
    assert_eq!(cloud.emulator.calls()[0].outcome, Outcome::Lost(Lost::ConnectionReset));
    let again = Cloud::of(Emulator::open(directory.path()).unwrap());
    assert_eq!(again.ec2.describe_vpcs().send().await.unwrap().vpcs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_in_the_words_of_aws() {
    let cloud = cloud(FaultPlan::default().with(Counted::All, When::Share(1.0), Fault::Deny));
    let said = |error: &dyn ProvideErrorMetadata| {
        (error.code().unwrap().to_owned(), error.message().unwrap().to_owned())
    };
    let who = "User: arn:aws:iam::123456789012:user/emulator is not authorized to perform:";
    let made = cloud.ec2.create_internet_gateway().send().await.unwrap_err().into_service_error();
    let (code, message) = said(&made);
    assert_eq!(code, "UnauthorizedOperation");
    let wanted = format!(
        "{who} ec2:CreateInternetGateway on resource: arn:aws:ec2:ap-southeast-1:123456789012:internet-gateway/* because no \
         identity-based policy allows the ec2:CreateInternetGateway action"
    );
    assert!(message.contains(&wanted), "{message}");
    let read = cloud.ec2.describe_vpcs().send().await.unwrap_err().into_service_error();
    let wanted = format!("{who} ec2:DescribeVpcs because no identity-based policy");
    assert!(said(&read).1.contains(&wanted), "{}", said(&read).1);
    let role = cloud.iam.get_role().role_name("r").send().await.unwrap_err().into_service_error();
    assert_eq!(said(&role).0, "AccessDenied");
    let groups = cloud.logs.describe_log_groups().send().await.unwrap_err().into_service_error();
    assert_eq!(said(&groups).0, "AccessDeniedException");
    assert!(said(&groups).1.starts_with(who), "{}", said(&groups).1);
}

/// What stands in the README is a plan, and has each kind of fault.
#[test]
fn the_example_in_the_readme_is_a_plan() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let plan: FaultPlan = serde_json::from_str(example).unwrap();
    let kinds: std::collections::BTreeSet<String> = plan
        .rules
        .iter()
        .map(|rule| serde_json::to_value(&rule.fault).unwrap())
        .map(|fault| {
            fault
                .as_str()
                .map_or_else(|| fault.as_object().unwrap().keys().next().unwrap().clone(), str::to_owned)
        })
        .collect();
    let all = ["abort", "connection_reset", "error", "error_after_effect", "throttle", "time_out"];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all);
    let containers: Vec<_> =
        plan.containers.iter().map(|rule| (rule.image.as_deref(), &rule.fault)).collect();
    assert!(matches!(
        containers[..],
        [
            (Some("shop:2"), ContainerFault::Exit { code: 1, .. }),
            (Some("shop:3"), ContainerFault::NoImage),
            (None, ContainerFault::Unhealthy),
        ]
    ));
}
