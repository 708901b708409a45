//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use apigw::{Args, Backend, Inputs, Throttle};
use engine::DeclareError;
use testing::declare;

use crate::support::{inputs, private, tags, tier};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

fn https() -> Inputs {
    let plain = inputs();
    Inputs { backend: Backend { https: true, ..plain.backend }, ..plain }
}

fn domain(name: &str) -> Args {
    Args { backend_domain: Some(name.to_owned()), ..Args::default() }
}

fn policy(name: &str) -> Args {
    Args { security_policy: name.to_owned(), ..Args::default() }
}

fn path(path: &str) -> Args {
    Args { backend_path: path.to_owned(), ..Args::default() }
}

fn throttle(rate_limit: u32, burst_limit: u32) -> Args {
    Args { throttle: Throttle { rate_limit, burst_limit }, ..Args::default() }
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let rows = [
        (Args { environment: "Dev".into(), ..Args::default() }, "environment: `Dev`"),
        (
            Args { tags: tags("Name", "x"), ..Args::default() },
            "tags.Name: the tier gives each object its own",
        ),
        (domain("payments"), "backend_domain: `payments` is not a host name"),
        (domain("https://payments.example.com"), "backend_domain: `https://payments.example.com` is not"),
        (domain("pay_ments.example.com"), "backend_domain: `pay_ments.example.com` is not a host name"),
        (domain("-a.example.com"), "backend_domain: `-a.example.com` is not a host name"),
        (path("v1"), "backend_path: `v1` cannot stand before"),
        (path("/v1/"), "backend_path: `/v1/` cannot stand before"),
        (path("/"), "backend_path: `/` cannot stand before"),
        (path("/a//b"), "backend_path: `/a//b` cannot stand before"),
        (path("/{proxy}"), "backend_path: `/{proxy}` cannot stand before"),
        (path("/a?b=c"), "backend_path: `/a?b=c` cannot stand before"),
        (Args { timeout_ms: 49, ..Args::default() }, "timeout_ms: 49 is out of range (use 50 to 29000 mill"),
        (Args { timeout_ms: 29_001, ..Args::default() }, "timeout_ms: 29001 is out of range"),
        (throttle(0, 1), "throttle.rate_limit: 0 is out of range"),
        (throttle(1, 0), "throttle.burst_limit: 0 is out of range"),
        (throttle(1, u32::MAX), "throttle.burst_limit: 4294967295 is out of range"),
        (Args { monthly_quota: 0, ..Args::default() }, "monthly_quota: 0 is out of range"),
        (
            Args { log_retention_in_days: 2556, ..Args::default() },
            "log_retention_in_days: CloudWatch Logs cannot keep logs for 2556 days (the next longer period is 2557",
        ),
        (policy("TLS_1_0"), "security_policy: `TLS_1_0` is no policy"),
        (
            policy("SecurityPolicy_TLS13_1_2_PQ"),
            "security_policy: `SecurityPolicy_TLS13_1_2_PQ` is no policy",
        ),
        (policy("SecurityPolicy_TLS13_2025_EDGE"), "security_policy: `SecurityPolicy_TLS13_2025_EDGE` is no"),
    ];
    for (args, wanted) in rows {
        let said = refused_with(args, &inputs());
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn with_a_certificate_the_name_on_it_is_needed() {
    let said = refused_with(Args::default(), &https());
    assert!(said.starts_with("backend_domain: the load balancer has a certificate"), "{said}");
    assert!(declare(&tier(domain("payments.example.com")), &https()).is_ok());
    // Through a VPC link, too.
    let said = refused_with(Args::default(), &private(https()));
    assert!(said.starts_with("backend_domain: "), "{said}");
}

#[test]
fn a_vpc_link_needs_a_subnet() {
    let none = Inputs { private_subnet_ids: Vec::new(), ..inputs() };
    assert!(declare(&tier(Args::default()), &none).is_ok());
    let said = refused_with(Args::default(), &private(none));
    assert!(
        said.starts_with("private_subnet_ids: a private load balancer is reached through a VPC link"),
        "{said}"
    );
}

#[test]
fn the_policies_of_regional_apis_are_accepted() {
    for name in ["TLS_1_2", "SecurityPolicy_TLS13_1_3_2025_09", "SecurityPolicy_TLS13_1_2_2021_06"] {
        assert!(declare(&tier(policy(name)), &inputs()).is_ok(), "{name}");
    }
}
