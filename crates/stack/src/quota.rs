//! Quotas: which one is reached, and the command that asks AWS for more.
//!
//! Names, codes and defaults are those of AWS General Reference, "Service endpoints and quotas", of each service. Where an error can
//! mean several quotas, all are named; where none is known by its code, the console of Service Quotas is.

use engine::{CallError, ErrorClass};

/// A quota as Service Quotas knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    service: &'static str,
    code: &'static str,
    name: &'static str,
    /// What an account has that never asked for more.
    default: u32,
    /// Quotas of the whole account are asked for in this region; the others in that of the stack.
    region: Option<&'static str>,
}

const fn quota(service: &'static str, code: &'static str, name: &'static str, default: u32) -> Quota {
    Quota { service, code, name, default, region: None }
}

const fn of_account(service: &'static str, code: &'static str, name: &'static str, default: u32) -> Quota {
    Quota { service, code, name, default, region: Some("us-east-1") }
}

const VPCS: Quota = quota("vpc", "L-F678F1CE", "VPCs per Region", 5);
const ENDPOINTS: [Quota; 2] = [
    quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20),
    quota("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50),
];
const CONCURRENCY: Quota = quota("lambda", "L-B99A9384", "Concurrent executions", 1000);

/// By the error's code and the call; any call where it is empty.
const KNOWN: [(&str, &str, &[Quota]); 26] = [
    ("VpcLimitExceeded", "", &[VPCS]),
    // Amazon VPC User Guide, "Amazon VPC quotas": it is raised with that of VPCs.
    ("InternetGatewayLimitExceeded", "", &[VPCS]),
    ("AddressLimitExceeded", "", &[quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5)]),
    ("NatGatewayLimitExceeded", "", &[quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5)]),
    ("SubnetLimitExceeded", "", &[quota("vpc", "L-407747CB", "Subnets per VPC", 200)]),
    ("RouteTableLimitExceeded", "", &[quota("vpc", "L-589F43AA", "Route tables per VPC", 200)]),
    ("NetworkAclLimitExceeded", "", &[quota("vpc", "L-B4A6D682", "Network ACLs per VPC", 200)]),
    ("NetworkAclEntryLimitExceeded", "", &[quota("vpc", "L-2AEEBF1A", "Rules per network ACL", 20)]),
    ("SecurityGroupLimitExceeded", "", &[quota("vpc", "L-E79EC296", "VPC security groups per Region", 2500)]),
    (
        "RulesPerSecurityGroupLimitExceeded",
        "",
        &[quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60)],
    ),
    ("VpcEndpointLimitExceeded", "", &ENDPOINTS),
    ("DBClusterQuotaExceededFault", "", &[quota("rds", "L-952B80B8", "DB clusters", 40)]),
    ("InstanceQuotaExceeded", "", &[quota("rds", "L-7B6409FD", "DB instances", 40)]),
    ("DBSubnetGroupQuotaExceeded", "", &[quota("rds", "L-48C6BF61", "DB subnet groups", 50)]),
    ("DBParameterGroupQuotaExceeded", "", &[quota("rds", "L-E4C808A8", "DB cluster parameter groups", 50)]),
    ("SnapshotQuotaExceeded", "", &[quota("rds", "L-9B510759", "Manual DB cluster snapshots", 100)]),
    (
        "TooManyLoadBalancers",
        "",
        &[quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50)],
    ),
    (
        "TooManyTargetGroups",
        "",
        &[quota("elasticloadbalancing", "L-B22855CB", "Target Groups per Region", 3000)],
    ),
    ("LimitExceeded", "CreateRole", &[of_account("iam", "L-FE177D64", "Roles per account", 1000)]),
    (
        "LimitExceededException",
        "CreateKey",
        &[quota("kms", "L-C2F1777E", "Customer Master Keys (CMKs)", 100_000)],
    ),
    (
        "LimitExceededException",
        "CreateRepository",
        &[quota("ecr", "L-CFEB8E8D", "Registered repositories", 100_000)],
    ),
    ("LimitExceededException", "CreateUsagePlan", &[quota("apigateway", "L-E8693075", "Usage plans", 300)]),
    ("LimitExceededException", "CreateVpcLink", &[quota("apigateway", "L-608BDCD4", "VPC links(V2)", 10)]),
    ("TooManyBuckets", "", &[of_account("s3", "L-DC2B2D3D", "General purpose buckets", 10_000)]),
    ("TopicLimitExceeded", "", &[quota("sns", "L-61103206", "Topics per Account", 100_000)]),
    ("CodeStorageExceededException", "", &[quota("lambda", "L-2ACBD22F", "Function and layer storage", 75)]),
];

/// A quota that is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Those that it can be; none where nothing but the service is known.
    quotas: &'static [Quota],
    /// Its value, where the message tells it.
    value: Option<u32>,
}

impl Reached {
    /// The quota that a refusal is about, if it is about one.
    pub(crate) fn by(error: &CallError) -> Option<Self> {
        let code = error.code.as_deref()?;
        if error.class != ErrorClass::Invalid {
            return None;
        }
        // Lambda has no code for it. At least 10 or 100 executions have to stay for functions that reserve none.
        if error.message.contains("UnreservedConcurrentExecution below its minimum") {
            return Some(Self { quotas: &[CONCURRENCY], value: None });
        }
        let value = value(&error.message);
        let known = KNOWN
            .iter()
            .find(|(known, call, _)| *known == code && (call.is_empty() || *call == error.operation));
        match known {
            Some((_, _, quotas)) => Some(Self { quotas, value }),
            None => is_quota(code).then_some(Self { quotas: &[], value }),
        }
    }

    /// What to do, and the commands for it.
    pub(crate) fn advice(&self, region: &str, service: Option<&str>) -> (String, Vec<String>) {
        let is = self.value.map_or_else(String::new, |value| format!(", which is {value},"));
        if self.quotas.is_empty() {
            let of = service.map_or_else(String::new, |service| format!(" of {service}"));
            let advice = format!(
                "a quota{of}{is} is reached. Delete what is no longer needed, or ask for more in the console: Service Quotas, AWS \
                 services"
            );
            return (advice, Vec::new());
        }
        let names: Vec<&str> = self.quotas.iter().map(|quota| quota.name).collect();
        let default = match (self.value, self.quotas) {
            (None, [one]) => format!(" (it is {} unless it was changed)", one.default),
            _ => String::new(),
        };
        let advice = format!(
            "the quota `{}`{is} is reached{default}. Delete what is no longer needed, or ask for more; running again before that \
             does not help",
            names.join("` or `")
        );
        let value =
            self.value.map_or_else(|| "VALUE".to_owned(), |value| value.saturating_mul(2).to_string());
        let mut commands = Vec::new();
        for quota in self.quotas {
            let of = format!(
                "--service-code {} --quota-code {} --region {}",
                quota.service,
                quota.code,
                quota.region.unwrap_or(region)
            );
            if self.value.is_none() {
                commands.push(format!("aws service-quotas get-service-quota {of} --query Quota.Value"));
            }
            commands.push(format!(
                "aws service-quotas request-service-quota-increase {of} --desired-value {value}"
            ));
        }
        (advice, commands)
    }
}

/// Whether a code that is not listed is about a quota. How many tags an object has, and how long a policy is, is up to the
/// configuration.
fn is_quota(code: &str) -> bool {
    let said = ["QuotaExceeded", "LimitExceeded", "LimitsExceeded", "OverLimit"]
        .iter()
        .any(|word| code.contains(word));
    let many = code.starts_with("TooMany");
    let own = ["Tag", "Policy", "Actions", "Targets", "Request"].iter().any(|word| code.contains(word));
    (said || many) && !own
}

/// The number that a message gives for the quota: `Cannot exceed quota for RolesPerAccount: 1000`, `limit of 5`, `maximum (100)`.
fn value(message: &str) -> Option<u32> {
    let lower = message.to_ascii_lowercase();
    let at = ["quota", "limit", "maximum"].iter().filter_map(|word| lower.find(word)).min()?;
    let numbers = lower[at..]
        .split(|one: char| !one.is_ascii_alphanumeric() && !matches!(one, '-' | '.' | '/' | ':' | '_'));
    let number = numbers.filter_map(|word| word.trim_end_matches(['.', ':']).parse::<u32>().ok()).next()?;
    (1..=1_000_000).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(operation: &str, code: &str, message: &str) -> CallError {
        let mut error = CallError::new(ErrorClass::Invalid, operation, message);
        error.code = Some(code.to_owned());
        error
    }

    #[test]
    fn a_quota_is_named_with_its_value_and_the_command_that_asks_for_more() {
        let message = "Cannot exceed quota for RolesPerAccount: 1000";
        let (advice, commands) =
            Reached::by(&refused("CreateRole", "LimitExceeded", message)).unwrap().advice("eu-west-1", None);
        assert!(advice.starts_with("the quota `Roles per account`, which is 1000, is reached. "), "{advice}");
        assert_eq!(
            commands,
            [
                "aws service-quotas request-service-quota-increase --service-code iam --quota-code L-FE177D64 --region us-east-1 \
              --desired-value 2000"
            ]
        );
        let message = "The maximum number of VPCs has been reached.";
        let (advice, commands) = Reached::by(&refused("CreateVpc", "VpcLimitExceeded", message))
            .unwrap()
            .advice("eu-west-1", None);
        assert!(advice.contains("`VPCs per Region` is reached (it is 5 unless it was changed)"), "{advice}");
        assert_eq!(
            commands,
            [
                "aws service-quotas get-service-quota --service-code vpc --quota-code L-F678F1CE --region eu-west-1 --query \
                 Quota.Value",
                "aws service-quotas request-service-quota-increase --service-code vpc --quota-code L-F678F1CE --region eu-west-1 \
                 --desired-value VALUE"
            ]
        );
    }

    #[test]
    fn one_without_a_known_code_is_found_in_the_console() {
        let error = refused("CreateWebACL", "WAFLimitsExceededException", "You exceeded the limit");
        let (advice, commands) = Reached::by(&error).unwrap().advice("eu-west-1", Some("wafv2"));
        assert!(
            advice.starts_with("a quota of wafv2 is reached. ") && advice.contains("Service Quotas"),
            "{advice}"
        );
        assert!(commands.is_empty());
    }

    #[test]
    fn the_least_concurrency_of_lambda_is_a_quota_though_its_code_does_not_say_so() {
        let message = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
                       its minimum value of [10].";
        let error = refused("PutFunctionConcurrency", "InvalidParameterValueException", message);
        let (advice, _) = Reached::by(&error).unwrap().advice("eu-west-1", None);
        assert!(advice.contains("`Concurrent executions`"), "{advice}");
    }

    #[test]
    fn what_the_configuration_says_too_much_of_is_no_quota() {
        for (code, class) in [
            ("TagLimitExceeded", ErrorClass::Invalid),
            ("TooManyTags", ErrorClass::Invalid),
            ("InvalidParameterValue", ErrorClass::Invalid),
            ("RequestLimitExceeded", ErrorClass::Throttled),
            ("VpcLimitExceeded", ErrorClass::Throttled),
        ] {
            let error = CallError { class, ..refused("X", code, "the limit is 5") };
            assert_eq!(Reached::by(&error), None, "{code}");
        }
    }

    #[test]
    fn a_number_is_the_quotas_only_if_it_stands_behind_its_word() {
        for (message, wanted) in [
            ("Cannot exceed quota for RolesPerAccount: 1500", Some(1500)),
            ("You have reached the limit of 5 addresses", Some(5)),
            ("the maximum (100) is reached", Some(100)),
            ("The maximum number of VPCs has been reached.", None),
            ("10 clusters: the quota is exceeded", None),
            ("limit reached for vpc-0123456789abcdef0 in 123456789012", None),
            ("limit in eu-west-1", None),
        ] {
            assert_eq!(value(message), wanted, "{message}");
        }
    }
}
