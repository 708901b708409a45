//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use engine::DeclareError;
use ipnet::Ipv4Net;
use vpc::{Args, FlowLogs, InterfaceEndpoints, NatMode};

use crate::support::{inputs_with, try_declare};

/// `argument: reason (hint)` of what is wrong, in a region with three zones.
fn refused(args: Args) -> String {
    match try_declare(args, &inputs_with(3)).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn vpc(cidr: &str) -> Args {
    Args { cidr: net(cidr), ..Args::default() }
}

fn database(cidrs: &[&str]) -> Args {
    let cidrs = cidrs.iter().map(|cidr| net(cidr)).collect();
    Args { database_subnet_cidrs: Some(cidrs), ..Args::default() }
}

fn zones(names: &[&str]) -> Args {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Args { availability_zones: Some(names), ..Args::default() }
}

fn tag(key: &str, value: &str) -> Args {
    Args { tags: [(key.to_owned(), value.to_owned())].into(), ..Args::default() }
}

#[test]
fn a_vpc_of_the_wrong_size() {
    assert_eq!(
        refused(vpc("10.0.0.0/15")),
        "cidr: 10.0.0.0/15 is too large for a VPC (AWS allows /16 to /28)"
    );
    assert_eq!(
        refused(vpc("10.0.0.0/29")),
        "cidr: 10.0.0.0/29 is too small for a VPC (AWS allows /16 to /28)"
    );
    assert_eq!(
        refused(vpc("10.0.0.0/25")),
        "cidr: 10.0.0.0/25 has no room for 9 subnets of /28 or larger (choose a larger block, such as \
         10.0.0.0/16, or fewer zones)"
    );
}

#[test]
fn a_vpc_that_is_not_a_block_or_is_reserved() {
    assert_eq!(
        refused(vpc("10.0.1.0/16")),
        "cidr: 10.0.1.0/16 is an address inside a block, not a block (did you mean 10.0.0.0/16?)"
    );
    for cidr in ["127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "0.0.0.0/16"] {
        assert_eq!(
            refused(vpc(cidr)),
            format!(
                "cidr: {cidr} is reserved and cannot be routed (choose private addresses, such as 10.0.0.0/16)"
            )
        );
    }
}

#[test]
fn a_subnet_that_does_not_fit() {
    assert_eq!(
        refused(database(&["10.0.20.0/24", "10.0.21.0/29", "10.0.22.0/24"])),
        "database_subnet_cidrs[1]: 10.0.21.0/29 is too small for a subnet (AWS allows /16 to /28)"
    );
    assert_eq!(
        refused(database(&["10.0.20.0/24", "10.0.21.0/24", "10.1.22.0/24"])),
        "database_subnet_cidrs[2]: 10.1.22.0/24 is not inside the VPC's 10.0.0.0/16 (choose a block inside \
         10.0.0.0/16)"
    );
    assert_eq!(
        refused(database(&["10.0.20.0/24", "10.0.21.0/24"])),
        "database_subnet_cidrs: 2 CIDR blocks for 3 zones (give one CIDR block for each zone, or leave the \
         argument out)"
    );
}

#[test]
fn subnets_that_overlap() {
    let hint =
        "choose blocks that share no address; without all three lists, the others are worked out from `cidr`";
    assert_eq!(
        refused(database(&["10.0.20.0/23", "10.0.21.0/24", "10.0.22.0/24"])),
        format!(
            "database_subnet_cidrs[1]: 10.0.21.0/24 overlaps 10.0.20.0/23 (database_subnet_cidrs[0]) ({hint})"
        )
    );
    assert_eq!(
        refused(database(&["10.0.20.0/24", "10.0.10.0/24", "10.0.22.0/24"])),
        format!(
            "database_subnet_cidrs[1]: 10.0.10.0/24 overlaps 10.0.10.0/24 (which is worked out from `cidr`) \
             ({hint})"
        )
    );
    let public = ["10.0.20.0/24", "10.0.30.0/24", "10.0.31.0/24"].map(net).to_vec();
    assert_eq!(
        refused(Args { public_subnet_cidrs: Some(public), ..Args::default() }),
        format!(
            "public_subnet_cidrs[0]: 10.0.20.0/24 overlaps 10.0.20.0/24 (which is worked out from `cidr`) ({hint})"
        )
    );
}

#[test]
fn a_number_of_zones_that_cannot_work() {
    let hint = "choose 2 to 6: one zone is not highly available, and no region has more than six";
    let count = |count| refused(Args { zone_count: Some(count), ..Args::default() });
    assert_eq!(count(1), format!("zone_count: 1 zone cannot work ({hint})"));
    assert_eq!(count(7), format!("zone_count: 7 zones cannot work ({hint})"));
    assert_eq!(
        count(4),
        "zone_count: 4 zones are more than ap-southeast-1 has (ap-southeast-1 has ap-southeast-1a, \
         ap-southeast-1b, ap-southeast-1c)"
    );
}

#[test]
fn zones_that_cannot_work() {
    assert_eq!(
        refused(zones(&["ap-southeast-1a", "ap-southeast-2b"])),
        "availability_zones[1]: `ap-southeast-2b` is not an available zone of ap-southeast-1 (ap-southeast-1 \
         has ap-southeast-1a, ap-southeast-1b, ap-southeast-1c)"
    );
    assert_eq!(
        refused(zones(&["ap-southeast-1a", "ap-southeast-1a"])),
        "availability_zones[1]: `ap-southeast-1a` is named twice (name each zone once)"
    );
    assert!(refused(zones(&["ap-southeast-1a"])).starts_with("availability_zones: 1 zone cannot work"));
    let both = Args { zone_count: Some(3), ..zones(&["ap-southeast-1a", "ap-southeast-1b"]) };
    assert_eq!(refused(both), "zone_count: 3, but availability_zones names 2 (leave one of the two out)");
}

#[test]
fn a_retention_that_cloudwatch_logs_does_not_know() {
    let flow_logs = FlowLogs { retention_in_days: 2556, ..FlowLogs::default() };
    assert_eq!(
        refused(Args { flow_logs, ..Args::default() }),
        "flow_logs.retention_in_days: CloudWatch Logs cannot keep logs for 2556 days (the next longer period is \
         2557 days)"
    );
}

fn endpoints(services: &[&str]) -> Args {
    let services = services.iter().map(|service| (*service).to_owned()).collect();
    let interface_endpoints = InterfaceEndpoints { enabled: true, services };
    Args { interface_endpoints, ..Args::default() }
}

#[test]
fn services_that_cannot_have_an_interface_endpoint() {
    for (services, refusal) in [
        (
            &[][..],
            "interface_endpoints.services: it is empty (name services such as ecr.api, or set enabled to false)",
        ),
        (
            &["kms", "s3"],
            "interface_endpoints.services[1]: `s3` has a gateway endpoint, which costs nothing (leave it out; s3_endpoint \
             makes the one for S3)",
        ),
        (
            &["com.amazonaws.ap-southeast-1.kms"],
            "interface_endpoints.services[0]: `com.amazonaws.ap-southeast-1.kms` is the name of an endpoint, with its \
             region (give what follows the region, such as ecr.api)",
        ),
        (
            &["KMS"],
            "interface_endpoints.services[0]: `KMS` is not the name of a service (lower-case letters, digits, dots and \
             hyphens, such as ecr.api)",
        ),
        (
            &["kms", "logs", "kms"],
            "interface_endpoints.services[2]: `kms` is named twice (name each service once)",
        ),
    ] {
        assert_eq!(refused(endpoints(services)), refusal);
        // A name is wrong whether or not there are endpoints; none at all is not.
        let mut off = endpoints(services);
        off.interface_endpoints.enabled = false;
        match services.is_empty() {
            true => assert!(try_declare(off, &inputs_with(3)).is_ok()),
            false => assert_eq!(refused(off), refusal),
        }
    }
}

#[test]
fn images_without_a_way_to_their_layers() {
    let isolated = Args { nat: NatMode::None, s3_endpoint: false, ..endpoints(&["ecr.api", "ecr.dkr"]) };
    assert_eq!(
        refused(isolated.clone()),
        "s3_endpoint: ECR keeps the layers of images in S3, and nothing leads there (set it to true: it costs nothing)"
    );
    assert!(try_declare(Args { nat: NatMode::Single, ..isolated }, &inputs_with(3)).is_ok());
}

#[test]
fn an_environment_that_cannot_be_part_of_names() {
    for name in ["", "Prod", "dev_1", "a-name-of-17-chars"] {
        assert_eq!(
            refused(Args { environment: name.to_owned(), ..Args::default() }),
            format!(
                "environment: `{name}` cannot be part of names (use 1 to 16 lower-case letters, digits and \
                 hyphens, such as dev or pr1234)"
            )
        );
    }
}

#[test]
fn tags_that_aws_or_the_tier_has_for_itself() {
    assert!(
        refused(tag("aws:owner", "x"))
            .starts_with("tags.aws:owner: the tag key `aws:owner` begins with `aws:`")
    );
    assert!(
        refused(tag("stack:intent", "x"))
            .starts_with("tags.stack:intent: the tag key `stack:intent` begins with `stack:`")
    );
    assert_eq!(refused(tag("Name", "x")), "tags.Name: the tier gives each object its own (leave it out)");
    assert!(
        refused(tag("Author", &"x".repeat(257))).starts_with("tags.Author: the value of the tag `Author`")
    );
}

#[test]
fn arguments_in_a_file_are_checked_by_name() {
    let args: Args = serde_json::from_value(serde_json::json!({
        "cidr": "10.8.0.0/16",
        "nat": "single",
        "flow_logs": { "retention_in_days": 365 },
    }))
    .unwrap();
    assert_eq!(args.nat, vpc::NatMode::Single);
    assert!(args.flow_logs.enabled);
    let error = serde_json::from_value::<Args>(serde_json::json!({ "cidrs": "10.8.0.0/16" })).unwrap_err();
    assert!(error.to_string().starts_with("unknown field `cidrs`, expected one of `cidr`, `zone_count`"));
}
