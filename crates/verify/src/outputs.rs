//! The six outputs of the reference document: are they there, do they have AWS's forms, and do they belong together?

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::result::{Check, Finding, Verdict};
use crate::subject::Subject;

/// An output, and how AWS writes it.
struct Form {
    output: &'static str,
    /// Without a required output, nothing works; the others are missing where a part of the stack is.
    required: bool,
    /// Named groups say what the output tells about its place: `region`, `environment`, `account`.
    pattern: Regex,
    /// An example of the form, for people.
    example: &'static str,
}

/// A region, such as `ap-southeast-1` or `us-gov-west-1`.
const REGION: &str = r"(?<region>[a-z]{2,}(?:-[a-z]+)+-\d+)";
/// The name of an environment.
const ENVIRONMENT: &str = r"(?<environment>[a-z](?:[a-z0-9-]*[a-z0-9])?)";
/// An account's id.
const ACCOUNT: &str = r"(?<account>\d{12})";

/// The forms of the six outputs, in the reference document's order.
///
/// Where they are documented: Elastic Load Balancing, DescribeLoadBalancers (`DNSName`); API Gateway Developer Guide, "Invoke a
/// REST API"; Amazon EC2 User Guide, "Resource IDs" (8 or 17 digits); Aurora User Guide, "Cluster endpoints"; Service
/// Authorization Reference, "Amazon Elastic Container Service".
static FORMS: LazyLock<[Form; 6]> = LazyLock::new(|| {
    let form = |output, required, pattern: &str, example| {
        let pattern = pattern
            .replace("REGION", REGION)
            .replace("ENVIRONMENT", ENVIRONMENT)
            .replace("ACCOUNT", ACCOUNT)
            .replace("DOMAIN", r"amazonaws\.com(?:\.cn)?");
        let pattern = Regex::new(&format!("^{pattern}$")).expect("it is a constant, and a test compiles it");
        Form { output, required, pattern, example }
    };
    [
        form(
            "albDnsName",
            true,
            r"(?:internal-)?payment-alb-ENVIRONMENT-\d+\.REGION\.elb\.DOMAIN",
            "payment-alb-dev-123456789.ap-southeast-1.elb.amazonaws.com",
        ),
        form(
            "apiGatewayUrl",
            true,
            r"https://[a-z0-9]{10}\.execute-api\.REGION\.DOMAIN/ENVIRONMENT",
            "https://a1b2c3d4e5.execute-api.ap-southeast-1.amazonaws.com/dev",
        ),
        form(
            "dashboardUrl",
            true,
            concat!(
                r"https://(?:[a-z0-9-]+\.)?console\.(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)",
                r"/cloudwatch/home\?region=REGION#dashboards:name=payment-[A-Za-z0-9_-]+"
            ),
            concat!(
                "https://ap-southeast-1.console.aws.amazon.com",
                "/cloudwatch/home?region=ap-southeast-1#dashboards:name=payment-dashboard-dev"
            ),
        ),
        form("vpcId", false, r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})", "vpc-0123456789abcdef0"),
        form(
            "databaseEndpoint",
            false,
            r"payment-[a-z0-9]+-ENVIRONMENT\.cluster-[a-z0-9]+\.REGION\.rds\.DOMAIN",
            "payment-aurora-dev.cluster-c0ffee123456.ap-southeast-1.rds.amazonaws.com",
        ),
        form(
            "ecsClusterArn",
            false,
            r"arn:aws(?:-cn|-us-gov)?:ecs:REGION:ACCOUNT:cluster/payment-cluster-ENVIRONMENT",
            "arn:aws:ecs:ap-southeast-1:123456789012:cluster/payment-cluster-dev",
        ),
    ]
});

const DEPLOY: &str = "`up` makes what is missing; if the output is there and its form is wrong, something other than \
                      this program wrote the state";
const ELSEWHERE: &str = "the state mixes what belongs to two places: compare --env, --region and the credentials with those \
                         of the last `up`";

/// All checks of outputs.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    let form = |output, id, verifies| of_form(subject, output).of(id, verifies, DEPLOY);
    vec![
        required(subject).of(
            "outputs/required",
            "the outputs without which nothing can be reached are there",
            DEPLOY,
        ),
        optional(subject).of("outputs/optional", "the other outputs of the reference are there", DEPLOY),
        form("albDnsName", "outputs/alb-dns-name", "the load balancer's DNS name has AWS's form"),
        form("apiGatewayUrl", "outputs/api-url", "the API's URL has API Gateway's form, with HTTPS"),
        form("dashboardUrl", "outputs/dashboard-url", "the dashboard's URL leads to CloudWatch's console"),
        form("vpcId", "outputs/vpc-id", "the VPC's id has EC2's form"),
        form(
            "databaseEndpoint",
            "outputs/database-endpoint",
            "the database's endpoint has the form of an Aurora cluster's",
        ),
        form("ecsClusterArn", "outputs/ecs-cluster-arn", "the ECS cluster's ARN has AWS's form"),
        region(subject).of(
            "outputs/region",
            "all outputs are of the region and account that were deployed to",
            ELSEWHERE,
        ),
        environment(subject).of("outputs/environment", "all outputs are of this environment", ELSEWHERE),
    ]
}

/// The output as a text that is not empty.
fn known<'a>(subject: &'a Subject, form: &Form) -> Option<&'a str> {
    subject.output(form.output).filter(|text| !text.is_empty())
}

fn required(subject: &Subject) -> Verdict {
    let missing = FORMS.iter().filter(|form| form.required && known(subject, form).is_none());
    Verdict::Judged(missing.map(missing_output).collect())
}

fn missing_output(form: &Form) -> Finding {
    Finding::new(form.output, format!("such as {}", form.example), "there is no such output")
}

fn optional(subject: &Subject) -> Verdict {
    let missing: Vec<&str> = FORMS
        .iter()
        .filter(|form| !form.required && known(subject, form).is_none())
        .map(|form| form.output)
        .collect();
    match missing.as_slice() {
        [] => Verdict::Judged(Vec::new()),
        missing => Verdict::skipped(format!("not deployed, and not required: {}", missing.join(", "))),
    }
}

fn of_form(subject: &Subject, output: &str) -> Verdict {
    let form = FORMS.iter().find(|form| form.output == output).expect("all six are in the table");
    match known(subject, form) {
        Some(text) if form.pattern.is_match(text) => Verdict::Judged(Vec::new()),
        Some(text) => {
            let expected = format!("a form as in {}", form.example);
            Verdict::Judged(vec![Finding::new(output, expected, text)])
        }
        None if form.required => Verdict::Judged(vec![missing_output(form)]),
        None => Verdict::skipped(format!("there is no output {output}, and it is not required")),
    }
}

/// What the outputs that have their forms tell about their place.
fn told<'a>(subject: &'a Subject) -> impl Iterator<Item = (&'static str, Captures<'a>)> {
    FORMS.iter().filter_map(|form| Some((form.output, form.pattern.captures(known(subject, form)?)?)))
}

fn differing(place: &str, what: &str, expected: &str, found: &str) -> Option<Finding> {
    (expected != found).then(|| Finding::new(place, format!("{what} {expected}"), format!("{what} {found}")))
}

fn region(subject: &Subject) -> Verdict {
    let Subject { region, account_id, .. } = subject;
    let mut findings = Vec::new();
    let mut compared = false;
    for (output, told) in told(subject) {
        if let Some(found) = told.name("region") {
            compared = true;
            findings.extend(differing(output, "region", region, found.as_str()));
        }
    }
    for (output, value) in &subject.outputs {
        for arn in arns(value) {
            let mut parts = arn.split(':').skip(3);
            let (of_region, of_account) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            compared = true;
            // Some services leave both out of their ARNs, such as S3; an ARN of IAM has no region. `aws` is the account of
            // what AWS manages.
            if !of_region.is_empty() {
                findings.extend(differing(output, "region", region, of_region));
            }
            if !of_account.is_empty() && of_account != "aws" {
                findings.extend(differing(output, "account", account_id, of_account));
            }
        }
    }
    findings.dedup();
    if compared { Verdict::Judged(findings) } else { Verdict::skipped("no output tells its region") }
}

/// All ARNs in a value.
fn arns(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) if text.starts_with("arn:") => vec![text],
        Value::Array(items) => items.iter().flat_map(arns).collect(),
        Value::Object(fields) => fields.values().flat_map(arns).collect(),
        _ => Vec::new(),
    }
}

fn environment(subject: &Subject) -> Verdict {
    let wanted = &subject.environment;
    let mut findings = Vec::new();
    let mut compared = false;
    for (output, told) in told(subject) {
        if let Some(found) = told.name("environment") {
            compared = true;
            findings.extend(differing(output, "environment", wanted, found.as_str()));
        }
    }
    // A dashboard's name goes on after the environment.
    if let Some(name) = subject.output("dashboardName") {
        compared = true;
        if !crate::naming::names_environment(name, wanted) {
            findings.push(Finding::new("dashboardName", format!("environment {wanted}"), name));
        }
    }
    if compared { Verdict::Judged(findings) } else { Verdict::skipped("no output tells its environment") }
}
