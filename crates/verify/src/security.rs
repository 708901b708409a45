//! Encryption, HTTPS and access, as live AWS shows them.

use alb::resources::{
    Action, Bucket, BucketEncryption, Listener, PublicAccessBlockConfiguration, RedirectConfig,
};
use apigw::resources::{Integration, Method, RestApi};
use aws::resources::{Key, LogGroup, Queue, Role};
use database::resources::{Cluster, ClusterParameterGroup, Instance};
use ecs::resources::{ContainerDefinition, TaskDefinition};
use engine::Resolved;
use monitoring::resources::Topic;

use crate::result::{Check, Finding, Verdict};
use crate::subject::Subject;
use crate::typed::{Property, Seen, Typed};

const BUCKETLESS: &str = "no bucket is deployed: `alb.access_logs.enabled` is false";

const REPAIR: &str = "somebody changed it outside of this program: `refresh` shows what, `up` repairs it";
const REPLACE: &str = "storage cannot be encrypted afterwards: keep a snapshot, and read `preview` before `up` \
                       replaces it";
const RESTART: &str = "restart the instances that are found, one after the other: the writer last";
const API: &str = "`apigw.security_policy` must not allow TLS before 1.2; then `up`";

const CREDENTIALS: &str = "if the application needs the master user's password, say so: `ecs.database_credentials = \"master_secret\"`; \
                           otherwise `stack up` takes it away";

/// All checks of security.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    let mut checks = vec![
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
        database_parameters(subject).of(
            "encryption/database-parameters",
            "every database instance runs with the parameters of its group",
            RESTART,
        ),
        enabled_keys(subject).of(
            "encryption/key-enabled",
            "every key of the stack can be used, and none is about to be deleted",
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
        api_path(subject).of(
            "access/api-path",
            "the load balancer sees the path that clients called",
            REPAIR,
        ),
        database_private(subject).of(
            "access/database",
            "the database has no public address, and no instance that somebody has added",
            REPAIR,
        ),
        database_credentials(subject).of(
            "access/database-credentials",
            "the containers do not get the database's master user",
            CREDENTIALS,
        ),
        buckets_private(subject).of("access/buckets", "no bucket can be made public", REPAIR),
    ];
    // A key of the stack's own for logs is an option.
    if subject.of::<LogGroup<Resolved>>().any(|group| has_key(&group)) {
        checks.push(logs(subject).of(
            "encryption/logs",
            "every log group is encrypted with the key that was declared for it",
            REPAIR,
        ));
    }
    checks
}

fn database(subject: &Subject) -> Verdict {
    let encrypted = Property::new("StorageEncrypted");
    let encrypted_with = Property::new("KmsKeyId");
    subject.every::<Cluster<Resolved>>("no database is deployed", |cluster| {
        let mut findings = cluster.must_be(&encrypted, &cluster.live.storage_encrypted, &true);
        // A key of AWS's own, which is taken where none is named, has another ARN.
        match subject.output("databaseKeyArn") {
            Some(key) => {
                findings.extend(cluster.must_be(&encrypted_with, &cluster.live.kms_key_id, &key.into()));
            }
            None => findings.push(Finding::new("databaseKeyArn", "the key's ARN", "there is no such output")),
        }
        findings
    })
}

fn database_tls(subject: &Subject) -> Verdict {
    const FORCED: &str = "rds.force_ssl";
    const OLDEST: &str = "ssl_min_protocol_version";
    let [forced, oldest] = [FORCED, OLDEST].map(|name| Property::new("Parameters").key(name));
    subject.every::<ClusterParameterGroup>("no database is deployed", |group| {
        let parameter = |name| group.live.parameters.get(name).map_or("", String::as_str);
        let mut findings = Vec::new();
        if !matches!(parameter(FORCED), "1" | "on") {
            findings.push(group.wrong(&forced, "1"));
        }
        if !matches!(parameter(OLDEST), "TLSv1.2" | "TLSv1.3") {
            findings.push(group.wrong(&oldest, "TLSv1.2 or later"));
        }
        findings
    })
}

fn database_parameters(subject: &Subject) -> Verdict {
    let pending = Property::new("MembersPendingReboot");
    let (own, instance_pending) = (Property::new("DBParameterGroupName"), Property::new("PendingReboot"));
    // The parameters of a group of its own come before the cluster's.
    let instances = subject.every::<Instance<Resolved>>("no database is deployed", |instance| {
        let mut findings = Vec::new();
        if instance.live.parameter_group_name.is_some() {
            findings.push(instance.wrong(&own, "AWS's own group, which has no values: `up` gives it back"));
        }
        if let Some(id) = &instance.live.pending_reboot {
            let command = format!("aws rds reboot-db-instance --db-instance-identifier {id}");
            findings.push(
                instance.wrong(&instance_pending, &format!("nothing that waits for a restart: `{command}`")),
            );
        }
        findings
    });
    let cluster = subject.every::<Cluster<Resolved>>("no database is deployed", |cluster| {
        let restart = |instance: &database::InstanceId| {
            let command = format!("aws rds reboot-db-instance --db-instance-identifier {instance}");
            cluster.wrong(&pending, &format!("no instance that waits for a restart: `{command}`"))
        };
        cluster.live.members_pending_reboot.iter().map(restart).collect()
    });
    cluster.and(instances)
}

fn enabled_keys(subject: &Subject) -> Verdict {
    let enabled = Property::new("Enabled");
    subject.every::<Key>("no key is deployed", |key| key.must_be(&enabled, &key.live.enabled, &true))
}

fn keys(subject: &Subject) -> Verdict {
    let rotation = Property::new("EnableKeyRotation");
    subject.every::<Key>("no key is deployed", |key| {
        key.must_be(&rotation, &key.live.enable_key_rotation, &true)
    })
}

fn buckets(subject: &Subject) -> Verdict {
    let encryption = Property::new("BucketEncryption");
    subject.every::<Bucket>(BUCKETLESS, |bucket| match is_encrypted(&bucket.live.bucket_encryption) {
        true => Vec::new(),
        false => vec![bucket.wrong(&encryption, "AES256 or aws:kms by default")],
    })
}

fn is_encrypted(encryption: &BucketEncryption) -> bool {
    let mut rules = encryption.server_side_encryption_configuration.iter();
    rules.any(|rule| {
        let algorithm = rule.server_side_encryption_by_default.sse_algorithm.as_str();
        matches!(algorithm, "AES256" | "aws:kms" | "aws:kms:dsse")
    })
}

fn topics(subject: &Subject) -> Verdict {
    let encrypted_with = Property::new("KmsMasterKeyId");
    subject.every::<Topic<Resolved>>("no topic is deployed", |topic| {
        match topic.live.kms_master_key_id.as_str().is_empty() {
            true => vec![topic.wrong(&encrypted_with, "a key")],
            false => Vec::new(),
        }
    })
}

fn queues(subject: &Subject) -> Verdict {
    let encrypted = Property::new("SqsManagedSseEnabled");
    subject.every::<Queue<Resolved>>("no queue is deployed", |queue| {
        queue.must_be(&encrypted, &queue.live.sqs_managed_sse_enabled, &true)
    })
}

/// Whether a log group was deployed with a key of the stack's own. One that cannot be read may have one.
fn has_key(group: &Typed<'_, LogGroup<Resolved>>) -> bool {
    group.recorded().map_or(true, |recorded| recorded.kms_key_id.is_some())
}

/// As declared. Without a key of the stack's own, CloudWatch Logs encrypts with one that it does not show.
fn logs(subject: &Subject) -> Verdict {
    let encrypted_with = Property::new("KmsKeyId");
    subject.every::<LogGroup<Resolved>>("no log group is deployed", |group| {
        match &group.recorded.kms_key_id {
            Some(key) if group.live.kms_key_id.as_ref() != Some(key) => {
                vec![group.wrong(&encrypted_with, key.as_str())]
            }
            _ => Vec::new(),
        }
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
    let policy = Property::new("SecurityPolicy");
    let mut findings = Vec::new();
    match subject.output("apiGatewayUrl") {
        Some(url) if url.starts_with("https://") => {}
        Some(url) => findings.push(Finding::new("apiGatewayUrl", "https://…", url)),
        None => findings.push(Finding::new("apiGatewayUrl", "https://…", "there is no such output")),
    }
    let judged =
        subject.every::<RestApi>("no API is deployed", |api| match is_modern(&api.live.security_policy) {
            true => Vec::new(),
            false => vec![api.wrong(&policy, "TLS 1.2 or later")],
        });
    match judged {
        skipped @ Verdict::Skipped(_) if findings.is_empty() => skipped,
        judged => Verdict::Judged(findings).and(judged),
    }
}

/// Whether an HTTPS listener was deployed, whatever somebody made of it. One that cannot be read as a listener may be one.
pub(crate) fn has_certificate(subject: &Subject) -> bool {
    let mut recorded = subject.of::<Listener<Resolved>>().map(|listener| listener.recorded());
    recorded.any(|listener| listener.map_or(true, |listener| listener.protocol == "HTTPS"))
}

fn balancer_https(subject: &Subject) -> Verdict {
    let [protocol, tls, actions] = ["Protocol", "SslPolicy", "DefaultActions"].map(Property::new);
    if !has_certificate(subject) {
        return Verdict::skipped("the load balancer has no certificate: `alb.certificate_arn` is not set");
    }
    let judge = |listener: &Seen<'_, Listener<Resolved>>| {
        let (good, property, expected) = match listener.live.protocol.as_str() {
            "HTTPS" => (has_modern_policy(&listener.live), &tls, "TLS 1.2 or later"),
            "HTTP" => (redirects(&listener.live), &actions, "a redirect to HTTPS on port 443, HTTP_301"),
            _ => (false, &protocol, "HTTP or HTTPS"),
        };
        if good { Vec::new() } else { vec![listener.wrong(property, expected)] }
    };
    subject.every("no listener is deployed", judge)
}

/// Elastic Load Balancing, "Security policies for your Application Load Balancer": those with a lowest version have it in their
/// names; the others allow TLS 1.0 or 1.1.
fn has_modern_policy(listener: &Listener<Resolved>) -> bool {
    let policy = listener.ssl_policy.as_deref().unwrap_or_default();
    ["TLS-1-2", "FS-1-2", "TLS13-1-2", "TLS13-1-3"].iter().any(|name| policy.contains(name))
}

fn redirects(listener: &Listener<Resolved>) -> bool {
    let to_https = |redirect: &RedirectConfig| {
        redirect.protocol == "HTTPS" && redirect.port == "443" && redirect.status_code == "HTTP_301"
    };
    let good = |action: &Action<Resolved>| {
        action.kind == "redirect" && action.redirect_config.as_ref().is_some_and(to_https)
    };
    let actions = &listener.default_actions;
    !actions.is_empty() && actions.iter().all(good)
}

fn api_key(subject: &Subject) -> Verdict {
    let required = Property::new("ApiKeyRequired");
    subject.every::<Method<Resolved>>("no API is deployed", |method| {
        // The one that a load balancer or a monitor asks.
        let open = method.live.http_method == "GET" && method.address == "apigw/health-method";
        if open {
            return Vec::new();
        }
        method.must_be(&required, &method.live.api_key_required, &true)
    })
}

/// Through a VPC link API Gateway puts the name of the stage before the path (API Gateway Developer Guide, "Private integrations
/// for REST APIs in API Gateway"), and the application answers 404, unless a template says otherwise for every body.
fn api_path(subject: &Subject) -> Verdict {
    let templates = Property::new("Integration").member::<Integration<Resolved>>("RequestTemplates");
    let behavior = Property::new("Integration").member::<Integration<Resolved>>("PassthroughBehavior");
    subject.every::<Method<Resolved>>("no API is deployed", |method| {
        let linked = method.live.integration.as_ref().filter(|call| call.connection_type == "VPC_LINK");
        let Some(integration) = linked else { return Vec::new() };
        let overrides = |template: &String| template.contains("$context.requestOverride.path");
        let mut findings = Vec::new();
        if integration.request_templates.is_empty() || !integration.request_templates.values().all(overrides)
        {
            findings.push(method.wrong(&templates, "templates that set $context.requestOverride.path"));
        }
        if integration.passthrough_behavior == "WHEN_NO_MATCH" {
            findings.push(method.wrong(&behavior, "NEVER"));
        }
        findings
    })
}

fn database_private(subject: &Subject) -> Verdict {
    let public = Property::new("PubliclyAccessible");
    let added = Property::new("AddedMembers");
    let own = subject.every::<Instance<Resolved>>("no database is deployed", |instance| {
        instance.must_be(&public, &instance.live.publicly_accessible, &false)
    });
    // Nobody knows whether an instance that somebody has added is public, who may reach it, or how it is set up.
    own.and(subject.every::<Cluster<Resolved>>("no database is deployed", |cluster| {
        cluster.must_be(&added, &cluster.live.added_members, &Vec::new())
    }))
}

/// No container is given the master user's secret, and no role of the containers may read it.
fn database_credentials(subject: &Subject) -> Verdict {
    let containers = Property::new("ContainerDefinitions");
    let policies = Property::new("Policies");
    if subject.output("databaseCredentials") == Some("master_secret") {
        return Verdict::skipped("they are to get it: `ecs.database_credentials` is master_secret");
    }
    let Some(secret) = subject.output("databaseSecretArn") else {
        return Verdict::skipped("no database is deployed");
    };
    let given = |container: &ContainerDefinition<Resolved>| {
        let secrets = container.secrets.iter().map(|given| &given.value_from);
        secrets
            .chain(container.environment.iter().map(|given| &given.value))
            .any(|value| value.contains(secret))
    };
    let tasks =
        subject.every::<TaskDefinition<Resolved>>("no container is deployed", |definition| match definition
            .live
            .container_definitions
            .iter()
            .any(given)
        {
            true => vec![definition.wrong(&containers, "no variable with the master user's secret")],
            false => Vec::new(),
        });
    let roles = subject.every::<Role<Resolved>>("no container is deployed", |role| {
        let allows = |policy: &aws::resources::InlinePolicy| {
            serde_json::to_string(&policy.policy_document).unwrap_or_default().contains(secret)
        };
        match role.address.starts_with("ecs/") && role.live.policies.iter().any(allows) {
            true => vec![role.wrong(&policies, "nothing about the master user's secret")],
            false => Vec::new(),
        }
    });
    tasks.and(roles)
}

fn buckets_private(subject: &Subject) -> Verdict {
    let block =
        |name| Property::new("PublicAccessBlockConfiguration").member::<PublicAccessBlockConfiguration>(name);
    let blocks =
        ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"].map(block);
    subject.every::<Bucket>(BUCKETLESS, |bucket| {
        let live = &bucket.live.public_access_block_configuration;
        let is_on = [
            live.block_public_acls,
            live.block_public_policy,
            live.ignore_public_acls,
            live.restrict_public_buckets,
        ];
        let judged = blocks.iter().zip(is_on);
        judged.flat_map(|(block, is_on)| bucket.must_be(block, &is_on, &true)).collect()
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
