//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use alb::{AccessLogs, Args, HealthCheck, Ingress, Inputs, TestHeader, Waf};
use engine::{DeclareError, Input, Output};
use serde_json::json;
use testing::declare;

use crate::support::{inputs, tier};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

fn refused(args: Args) -> String {
    refused_with(args, &inputs())
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let base = Args::default;
    let health = |health_check| Args { health_check, ..base() };
    let check = HealthCheck::default;
    let header = |name: &str, value: &str| Args {
        test_header: TestHeader { name: name.to_owned(), value: value.to_owned() },
        ..base()
    };
    let cidrs = |cidrs: &[&str]| Args {
        ingress_cidrs: cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect(),
        ..base()
    };
    let rows = [
        (Args { environment: "Dev".into(), ..base() }, "environment: `Dev`"),
        (
            Args { environment: "dev-".into(), ..base() },
            "environment: the name of a load balancer cannot end with a hyphen, as `dev-`",
        ),
        (Args { deregistration_delay: 3601, ..base() }, "deregistration_delay: 3601 is out of range"),
        (Args { idle_timeout: 0, ..base() }, "idle_timeout: 0 is out of range (use 1 to 4000 seconds"),
        (Args { target_port: 0, ..base() }, "target_port: 0 is out of range"),
        (
            health(HealthCheck { path: "health".into(), ..check() }),
            "health_check.path: `health` is not a path",
        ),
        (
            health(HealthCheck { path: "/he alth".into(), ..check() }),
            "health_check.path: `/he alth` is not a path",
        ),
        (health(HealthCheck { interval: 4, ..check() }), "health_check.interval: 4 is out of range"),
        (health(HealthCheck { timeout: 121, ..check() }), "health_check.timeout: 121 is out of range"),
        (
            health(HealthCheck { timeout: 15, ..check() }),
            "health_check.timeout: 15 seconds are not less than the interval of 15",
        ),
        (health(HealthCheck { healthy: 1, ..check() }), "health_check.healthy: 1 is out of range"),
        (health(HealthCheck { unhealthy: 11, ..check() }), "health_check.unhealthy: 11 is out of range"),
        (header("x test", "1"), "test_header.name: `x test` is not the name of a header"),
        (header("Host", "1"), "test_header.name: load balancers do not look for the header `host`"),
        (header("x-test", ""), "test_header.value: `` cannot be looked for"),
        (cidrs(&["192.0.2.1/24"]), "ingress_cidrs[0]: 192.0.2.1/24 is an address inside a block"),
        (cidrs(&["192.0.2.0/24", "192.0.2.0/24"]), "ingress_cidrs[1]: 192.0.2.0/24 is there twice"),
        (
            Args { waf: Waf { rate_limit: Some(9), ..Waf::default() }, ..base() },
            "waf.rate_limit: 9 is out of range (use 10 to 2000000000 requests in five minutes",
        ),
        (
            Args { waf: Waf { log_retention_in_days: 2556, ..Waf::default() }, ..base() },
            "waf.log_retention_in_days: CloudWatch Logs cannot keep logs for 2556 days (the next longer",
        ),
        (
            Args { access_logs: AccessLogs { retention_in_days: 0, ..AccessLogs::default() }, ..base() },
            "access_logs.retention_in_days: 0 is out of range",
        ),
    ];
    for (args, wanted) in rows {
        let said = refused(args);
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn a_certificate_is_one_of_acm_in_the_same_account_and_region() {
    let certificate = |arn: &str| Args { certificate_arn: Some(arn.to_owned()), ..Args::default() };
    let (here, ours) = (inputs().place.region, inputs().place.account_id);
    let hint = "(request or import one in ACM there, and give its ARN)";
    assert_eq!(
        refused(certificate(&format!("arn:aws:acm:us-east-1:{ours}:certificate/1"))),
        format!(
            "certificate_arn: the certificate is in us-east-1 and the load balancer in {here}: a load balancer takes \
             certificates of its own account and region only {hint}"
        )
    );
    let foreign = certificate(&format!("arn:aws:acm:{here}:999999999999:certificate/1"));
    assert_eq!(
        refused(foreign.clone()),
        format!(
            "certificate_arn: the certificate is of account 999999999999 and the load balancer of {ours}: a load \
             balancer takes certificates of its own account and region only {hint}"
        )
    );
    // Before the account is known, any can be right.
    let place = aws::Place { account_id: aws::Place::UNKNOWN_ACCOUNT.to_owned(), ..inputs().place };
    assert!(declare(&tier(foreign), &Inputs { place, ..inputs() }).is_ok());
    for arn in [
        "payments.example.com",
        "arn:aws:iam::123456789012:server-certificate/1",
        "arn:aws:acm:x:1:y/1",
        "arn:aws-cn:acm:ap-southeast-1:123456789012:certificate/1",
        "arn:aws:acm:ap-southeast-1:123456789012:certificate/",
        "arn:aws:acm:ap-southeast-1:12345:certificate/1",
    ] {
        let said = refused(certificate(arn));
        assert!(
            said.starts_with(&format!("certificate_arn: `{arn}` is not the ARN of a certificate in ACM")),
            "{said}"
        );
    }
}

#[test]
fn policies_that_speak_old_tls_are_refused() {
    let policy = |name: &str| Args { ssl_policy: name.to_owned(), ..Args::default() };
    for old in [
        "ELBSecurityPolicy-2016-08",
        "ELBSecurityPolicy-TLS13-1-0-2021-06",
        "TLS-1-2-2017-01",
        "ELBSecurityPolicy-anything-1-2-",
        "ELBSecurityPolicy-TLS13-1-2-latest",
        "elbsecuritypolicy-tls13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-2021-06 ",
        "ELBSecurityPolicy-TLS13-1-2--2021-06",
    ] {
        assert!(refused(policy(old)).starts_with(&format!("ssl_policy: `{old}` is no policy for TLS 1.2")));
    }
    for modern in [
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-FS-1-2-2019-08",
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        "ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP4-FIPS-2023-07",
    ] {
        assert!(declare(&tier(policy(modern)), &inputs()).is_ok(), "{modern}");
    }
}

#[test]
fn subnets_in_one_zone_are_too_few() {
    let one = Inputs { public_subnet_ids: inputs().public_subnet_ids[..1].to_vec(), ..inputs() };
    let said = refused_with(Args::default(), &one);
    assert!(
        said.starts_with("public_subnet_ids: a load balancer needs subnets in two zones, and there is 1"),
        "{said}"
    );
    let private = Args { ingress: Ingress::Private, ..Args::default() };
    assert!(declare(&tier(private.clone()), &one).is_ok());
    let none = Inputs { private_subnet_ids: Vec::new(), ..inputs() };
    assert!(refused_with(private, &none).starts_with("private_subnet_ids: "));
}

#[test]
fn a_name_that_does_not_fit_is_refused_and_the_longest_environment_fits() {
    let longest = Args { environment: "e".repeat(aws::MAX_ENVIRONMENT_LENGTH), ..Args::default() };
    assert!(declare(&tier(longest.clone()), &inputs()).is_ok());
    let said = refused(Args { target_port: 9090, ..longest });
    assert!(said.starts_with("environment: the name `payment-blue-9090-"), "{said}");
}

#[test]
fn a_private_load_balancer_needs_to_know_the_addresses_that_it_is_open_to() {
    let later: Output<ipnet::Ipv4Net> =
        serde_json::from_value(json!({ "$ref": "vpc/vpc", "attr": "CidrBlock" })).unwrap();
    let inputs = Inputs { vpc_cidr: Input::Ref(later), ..inputs() };
    let private = Args { ingress: Ingress::Private, ..Args::default() };
    assert!(
        refused_with(private.clone(), &inputs)
            .starts_with("vpc_cidr: it is not known before the VPC is there")
    );
    let given = Args { ingress_cidrs: vec!["10.0.0.0/8".parse().unwrap()], ..private };
    assert!(declare(&tier(given), &inputs).is_ok());
}
