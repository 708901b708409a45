//! Names: `payment-<what>-<environment>`, and tags that say the same.

use aws::NAME_PREFIX;
use serde_json::Value;

use crate::result::{Check, Finding, Verdict};
use crate::subject::{Resource, Subject, items, text};

/// Which property is the name of an object: kind and property. Kinds that AWS names by ids alone are known by their tag `Name`.
const NAMES: [(&str, &str); 27] = [
    ("AWS::ApiGateway::ApiKey", "Name"),
    ("AWS::ApiGateway::RestApi", "Name"),
    ("AWS::ApiGateway::UsagePlan", "UsagePlanName"),
    ("AWS::ApiGatewayV2::VpcLink", "Name"),
    ("AWS::Backup::BackupVault", "BackupVaultName"),
    ("AWS::CloudWatch::Alarm", "AlarmName"),
    ("AWS::CloudWatch::CompositeAlarm", "AlarmName"),
    ("AWS::CloudWatch::Dashboard", "DashboardName"),
    ("AWS::EC2::SecurityGroup", "GroupName"),
    ("AWS::ECR::Repository", "RepositoryName"),
    ("AWS::ECS::Cluster", "ClusterName"),
    ("AWS::ECS::Service", "ServiceName"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::KMS::Alias", "AliasName"),
    ("AWS::Lambda::Function", "FunctionName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::RDS::DBCluster", "DBClusterIdentifier"),
    ("AWS::RDS::DBClusterParameterGroup", "DBClusterParameterGroupName"),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier"),
    ("AWS::RDS::DBSubnetGroup", "DBSubnetGroupName"),
    ("AWS::S3::Bucket", "BucketName"),
    ("AWS::SNS::Topic", "TopicName"),
    ("AWS::SQS::Queue", "QueueName"),
    ("AWS::Scheduler::Schedule", "Name"),
    ("AWS::WAFv2::WebACL", "Name"),
];

const RENAME: &str = "somebody changed it outside of this program: `stack up` puts tags back and makes objects of other names \
                      anew; `stack preview` shows which";

/// All checks of names.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    vec![
        names(subject).of(
            "naming/names",
            "every object that has a name is called payment-<what>-<environment>",
            RENAME,
        ),
        tags(subject).of(
            "naming/tags",
            "the tags Name and Environment of every tagged object say the same",
            RENAME,
        ),
    ]
}

/// Whether a name has `payment-` and the environment in it, each as a part between `-` and `/`. A path may stand before it, as
/// in a log group's name, and an account or a region after it, as in a bucket's.
fn is_conventional(name: &str, environment: &str) -> bool {
    let Some((_, rest)) = split_at_part(name, NAME_PREFIX) else { return false };
    names_environment(rest, environment)
}

/// Whether the environment is a part of a name, with something before it.
pub(crate) fn names_environment(name: &str, environment: &str) -> bool {
    let Some((before, after)) = split_at_part(name, environment) else { return false };
    !before.is_empty() && (after.is_empty() || after.starts_with(['-', '/']))
        // `payment-dev-tools-dev`: the first place need not be the right one.
        || names_environment(after, environment)
}

/// What is before and after the first place where a part of a name begins with this.
fn split_at_part<'a>(name: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let begins = |at: usize| at == 0 || name[..at].ends_with(['-', '/']);
    let (at, _) = name.match_indices(part).find(|(at, _)| begins(*at))?;
    Some((&name[..at], &name[at + part.len()..]))
}

/// What AWS shows. That it does not show something is `completeness/resources`'s to say.
fn living(subject: &Subject) -> impl Iterator<Item = (&Resource, &Value)> {
    subject.resources.iter().filter_map(|resource| Some((resource, resource.found()?)))
}

fn names(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    let mut looked = false;
    for (resource, live) in living(subject) {
        let Some((_, property)) = NAMES.iter().find(|(kind, _)| *kind == resource.kind) else { continue };
        looked = true;
        let (name, environment) = (text(live, property), &subject.environment);
        // A log group that a service of AWS makes by itself has a name of the service's choice, such as
        // `API-Gateway-Execution-Logs_<API>/<stage>`: only the environment in it is ours.
        let by_service = live["MadeByService"] == true;
        let (good, expected) = if by_service {
            (names_environment(name, environment), format!("<what>/{environment}"))
        } else {
            (is_conventional(name, environment), format!("{NAME_PREFIX}<what>-{environment}"))
        };
        if !good {
            findings.push(resource.wrong(property, &expected, &live[*property]));
        }
    }
    if looked { Verdict::Judged(findings) } else { Verdict::skipped("nothing that has a name is deployed") }
}

fn tags(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    let mut looked = false;
    for (resource, live) in living(subject).filter(|(resource, _)| resource.recorded["Tags"].is_array()) {
        looked = true;
        let place = |tag: &str| format!("{}: tag {tag}", resource.address);
        let shown = |found: &str| if found.is_empty() { "not set" } else { found }.to_owned();
        let (name, environment) = (tag(live, "Name"), tag(live, "Environment"));
        let ending = format!("-{}", subject.environment);
        if !name.starts_with(NAME_PREFIX) || !name.ends_with(&ending) {
            findings.push(Finding::new(place("Name"), format!("{NAME_PREFIX}<what>{ending}"), shown(name)));
        }
        if environment != subject.environment {
            findings.push(Finding::new(place("Environment"), &subject.environment, shown(environment)));
        }
    }
    if looked { Verdict::Judged(findings) } else { Verdict::skipped("nothing that has tags is deployed") }
}

fn tag<'a>(live: &'a Value, key: &str) -> &'a str {
    items(live, "Tags").find(|tag| tag["Key"] == key).map_or("", |tag| text(tag, "Value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_prefix_and_the_environment_as_parts() {
        for (name, environment) in [
            ("payment-alb-dev", "dev"),
            ("/aws/rds/cluster/payment-cluster-dev/postgresql", "dev"),
            ("payment-alb-logs-dev-123456789012-ap-southeast-1", "dev"),
            ("aws-waf-logs-payment-alb-blue-green-1", "blue-green-1"),
            ("alias/payment-database-pr1234", "pr1234"),
            ("payment-dev-tools-dev", "dev"),
            ("payment-devices-dev", "dev"),
        ] {
            assert!(is_conventional(name, environment), "{name}");
        }
        for (name, environment) in [
            ("", "dev"),
            ("payment-alb", "dev"),
            ("payment-alb-prod", "dev"),
            ("payment-alb-develop", "dev"),
            ("payment-alb-predev", "dev"),
            ("alb-dev", "dev"),
            ("prepayment-alb-dev", "dev"),
            ("payment-dev", "dev"),
            ("dev-payment-alb", "dev"),
        ] {
            assert!(!is_conventional(name, environment), "{name}");
        }
    }
}
