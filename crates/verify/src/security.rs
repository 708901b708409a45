//! Encryption, HTTPS and access, as live AWS shows them.

use serde_json::{Value, json};

use crate::result::{Check, Finding, Verdict};
use crate::subject::{Resource, Subject, items, text};

pub(crate) const CLUSTER: &str = "AWS::RDS::DBCluster";
pub(crate) const REST_API: &str = "AWS::ApiGateway::RestApi";
pub(crate) const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
pub(crate) const BUCKET: &str = "AWS::S3::Bucket";
const BUCKETLESS: &str = "no bucket is deployed: `alb.access_logs.enabled` is false";

const REPAIR: &str =
    "somebody changed it outside of this program: `stack refresh` shows what, `stack up` repairs it";
const REPLACE: &str = "storage cannot be encrypted afterwards: keep a snapshot, and read `stack preview` before `stack up` \
                       replaces it";
const API: &str = "`apigw.security_policy` must not allow TLS before 1.2; then `stack up`";

/// All checks of security.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    vec![
        database(subject).of(
            "encryption/database",
            "the database's storage is encrypted with the stack's own key",
            REPLACE,
        ),
        database_tls(subject).of(
            "encryption/database-tls",
            "the database takes TLS connections only, 1.2 or later",
            REPAIR,
        ),
        keys(subject).of("encryption/key-rotation", "KMS rotates every key of the stack", REPAIR),
        buckets(subject).of("encryption/buckets", "every bucket encrypts what is put into it", REPAIR),
        topics(subject).of("encryption/topics", "every topic encrypts its messages", REPAIR),
        queues(subject).of("encryption/queues", "every queue encrypts its messages", REPAIR),
        api_https(subject).of("https/api", "the API is offered by HTTPS only, with TLS 1.2 or later", API),
        balancer_https(subject).of(
            "https/load-balancer",
            "the load balancer sends HTTP to HTTPS, with TLS 1.2 or later",
            REPAIR,
        ),
        api_key(subject).of("access/api-key", "every path of the API but GET /health needs a key", REPAIR),
        database_private(subject).of("access/database", "the database has no public address", REPAIR),
        buckets_private(subject).of("access/buckets", "no bucket can be made public", REPAIR),
    ]
}

fn database(subject: &Subject) -> Verdict {
    subject.every(&[CLUSTER], "no database is deployed", |cluster, live| {
        let mut findings: Vec<Finding> =
            cluster.must_be(live, "StorageEncrypted", &Value::Bool(true)).into_iter().collect();
        // A key of AWS's own, which is taken where none is named, has another ARN.
        match subject.output("databaseKeyArn") {
            Some(key) => findings.extend(cluster.must_be(live, "KmsKeyId", &json!(key))),
            None => findings.push(Finding::new("databaseKeyArn", "the key's ARN", "there is no such output")),
        }
        findings
    })
}

fn database_tls(subject: &Subject) -> Verdict {
    const GROUP: &str = "AWS::RDS::DBClusterParameterGroup";
    subject.every(&[GROUP], "no database is deployed", |group, live| {
        let parameters = &live["Parameters"];
        let forced = text(parameters, "rds.force_ssl");
        let oldest = text(parameters, "ssl_min_protocol_version");
        let mut findings = Vec::new();
        if !matches!(forced, "1" | "on") {
            findings.push(group.wrong("Parameters.rds.force_ssl", "1", &parameters["rds.force_ssl"]));
        }
        if !matches!(oldest, "TLSv1.2" | "TLSv1.3") {
            let found = &parameters["ssl_min_protocol_version"];
            findings.push(group.wrong("Parameters.ssl_min_protocol_version", "TLSv1.2 or later", found));
        }
        findings
    })
}

fn keys(subject: &Subject) -> Verdict {
    subject.every(&["AWS::KMS::Key"], "no key is deployed", |key, live| {
        key.must_be(live, "EnableKeyRotation", &Value::Bool(true)).into_iter().collect()
    })
}

fn buckets(subject: &Subject) -> Verdict {
    subject.every(&[BUCKET], BUCKETLESS, |bucket, live| {
        let encryption = &live["BucketEncryption"];
        let algorithm =
            |rule: &Value| text(&rule["ServerSideEncryptionByDefault"], "SSEAlgorithm").to_owned();
        let good = |algorithm: &str| matches!(algorithm, "AES256" | "aws:kms" | "aws:kms:dsse");
        let encrypted =
            items(encryption, "ServerSideEncryptionConfiguration").any(|rule| good(&algorithm(rule)));
        if encrypted {
            return Vec::new();
        }
        vec![bucket.wrong("BucketEncryption", "AES256 or aws:kms by default", encryption)]
    })
}

fn topics(subject: &Subject) -> Verdict {
    subject.every(&["AWS::SNS::Topic"], "no topic is deployed", |topic, live| {
        let encrypted = !text(live, "KmsMasterKeyId").is_empty();
        let property = "KmsMasterKeyId";
        if encrypted { Vec::new() } else { vec![topic.wrong(property, "a key", &live[property])] }
    })
}

fn queues(subject: &Subject) -> Verdict {
    subject.every(&["AWS::SQS::Queue"], "no queue is deployed", |queue, live| {
        queue.must_be(live, "SqsManagedSseEnabled", &Value::Bool(true)).into_iter().collect()
    })
}

/// Whether an API's policy allows nothing before TLS 1.2. The names are those that API Gateway's model lists for
/// `securityPolicy`; one that is not of these families, such as `TLS_1_0`, is not known to be good.
fn is_modern(policy: &str) -> bool {
    const FAMILIES: [&str; 4] = ["TLS12_", "TLS13_1_2_", "TLS13_1_3_", "TLS13_2025_"];
    let family = policy.strip_prefix("SecurityPolicy_").unwrap_or_default();
    policy == "TLS_1_2" || FAMILIES.iter().any(|known| family.starts_with(known))
}

fn api_https(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    match subject.output("apiGatewayUrl") {
        Some(url) if url.starts_with("https://") => {}
        Some(url) => findings.push(Finding::new("apiGatewayUrl", "https://…", url)),
        None => findings.push(Finding::new("apiGatewayUrl", "https://…", "there is no such output")),
    }
    let judged = subject.every(&[REST_API], "no API is deployed", |api, live| {
        match is_modern(text(live, "SecurityPolicy")) {
            true => Vec::new(),
            false => vec![api.wrong("SecurityPolicy", "TLS 1.2 or later", &live["SecurityPolicy"])],
        }
    });
    match judged {
        Verdict::Judged(more) => {
            findings.extend(more);
            Verdict::Judged(findings)
        }
        skipped @ Verdict::Skipped(_) if findings.is_empty() => skipped,
        Verdict::Skipped(_) => Verdict::Judged(findings),
    }
}

/// The HTTPS listeners that were deployed, whatever somebody made of them.
pub(crate) fn has_certificate(subject: &Subject) -> bool {
    subject.of(&[LISTENER]).any(|listener| text(&listener.recorded, "Protocol") == "HTTPS")
}

fn balancer_https(subject: &Subject) -> Verdict {
    if !has_certificate(subject) {
        return Verdict::skipped("the load balancer has no certificate: `alb.certificate_arn` is not set");
    }
    subject.every(&[LISTENER], "no listener is deployed", |listener, live| match text(live, "Protocol") {
        "HTTPS" => tls_policy(listener, live),
        "HTTP" => redirects(listener, live),
        _ => vec![listener.wrong("Protocol", "HTTP or HTTPS", &live["Protocol"])],
    })
}

/// Elastic Load Balancing, "Security policies for your Application Load Balancer": those with a lowest version have it in their
/// names; the others allow TLS 1.0 or 1.1.
fn tls_policy(listener: &Resource, live: &Value) -> Vec<Finding> {
    let policy = text(live, "SslPolicy");
    let modern = ["TLS-1-2", "FS-1-2", "TLS13-1-2", "TLS13-1-3"].iter().any(|name| policy.contains(name));
    if modern {
        Vec::new()
    } else {
        vec![listener.wrong("SslPolicy", "TLS 1.2 or later", &live["SslPolicy"])]
    }
}

fn redirects(listener: &Resource, live: &Value) -> Vec<Finding> {
    let good = |action: &Value| {
        let redirect = &action["RedirectConfig"];
        text(action, "Type") == "redirect"
            && text(redirect, "Protocol") == "HTTPS"
            && text(redirect, "Port") == "443"
            && text(redirect, "StatusCode") == "HTTP_301"
    };
    let mut actions = items(live, "DefaultActions").peekable();
    if actions.peek().is_some() && actions.all(good) {
        return Vec::new();
    }
    vec![listener.wrong(
        "DefaultActions",
        "a redirect to HTTPS on port 443, HTTP_301",
        &live["DefaultActions"],
    )]
}

fn api_key(subject: &Subject) -> Verdict {
    const METHOD: &str = "AWS::ApiGateway::Method";
    subject.every(&[METHOD], "no API is deployed", |method, live| {
        // The one that a load balancer or a monitor asks.
        let open = text(live, "HttpMethod") == "GET" && method.address == "apigw/health-method";
        if open {
            return Vec::new();
        }
        method.must_be(live, "ApiKeyRequired", &Value::Bool(true)).into_iter().collect()
    })
}

fn database_private(subject: &Subject) -> Verdict {
    subject.every(&["AWS::RDS::DBInstance"], "no database is deployed", |instance, live| {
        instance.must_be(live, "PubliclyAccessible", &Value::Bool(false)).into_iter().collect()
    })
}

fn buckets_private(subject: &Subject) -> Verdict {
    const BLOCKS: [&str; 4] =
        ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
    subject.every(&[BUCKET], BUCKETLESS, |bucket, live| {
        let block = &live["PublicAccessBlockConfiguration"];
        let off = BLOCKS.iter().filter(|name| block[**name] != Value::Bool(true));
        off.map(|name| bucket.wrong(&format!("PublicAccessBlockConfiguration.{name}"), "true", &block[*name]))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policies_without_old_tls_are_good() {
        for good in ["SecurityPolicy_TLS13_1_2_PQ_2025_09", "SecurityPolicy_TLS12_2018_EDGE", "TLS_1_2"] {
            assert!(is_modern(good), "{good}");
        }
        for bad in ["", "TLS_1_0", "SecurityPolicy_TLS13_1_0_2030", "TLS13_1_2_"] {
            assert!(!is_modern(bad), "{bad}");
        }
    }
}
