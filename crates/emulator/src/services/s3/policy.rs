//! Policies of buckets (S3 User Guide, "Policies and permissions in Amazon S3").

use serde_json::{Value, json};

use super::input::{Target, setting};
use super::problem::{access_denied, malformed_policy as malformed, of_bucket};
use super::{Answer, Cx, NOTHING, find, settled_mut};
use crate::services::iam::policy::{Many, Policy, Statement, matches};
use crate::services::resource_policy::{self, Problem};
use crate::services::{Call, Refusal, ensure};

/// Bytes of a policy.
const LONGEST: usize = 20 * 1024;

/// A policy that lets everybody in is refused where that is blocked (S3 User Guide, "Blocking public access to your Amazon
/// S3 storage", `BlockPublicPolicy`).
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, text): (_, String) = setting(call)?;
    let bucket = find(cx, &target)?;
    let policy = read(cx, bucket.name(), &text)?;
    let blocks = bucket.public_access_block.is_some_and(|block| block.block_public_policy);
    if blocks && resource_policy::is_public(&policy) {
        return Err(access_denied(
            "The bucket policy is public, and public policies are prevented by the BlockPublicPolicy setting in S3 \
             Block Public Access.",
        ));
    }
    settled_mut(cx, &target)?.policy = Some(text);
    NOTHING
}

fn read(cx: &Cx<'_>, bucket: &str, text: &str) -> Result<Policy, Refusal> {
    if text.len() > LONGEST {
        let message =
            format!("Normalized policy document exceeds the maximum allowed size of {LONGEST} bytes.");
        return Err(malformed(message));
    }
    if !text.starts_with('{') || serde_json::from_str::<Value>(text).is_err() {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    }
    let policy =
        resource_policy::read(text, &cx.global.iam, cx.now_millis).map_err(|problem| match problem {
            Problem::Malformed(reason) => malformed(reason),
            Problem::NoSuchPrincipal => malformed("Invalid principal in policy"),
        })?;
    policy.statements.iter().try_for_each(|statement| check(statement, bucket))?;
    Ok(policy)
}

fn check(statement: &Statement, bucket: &str) -> Result<(), Refusal> {
    let resources = statement.resource.as_ref().or(statement.not_resource.as_ref());
    let Some(Many(resources)) = resources.filter(|Many(resources)| !resources.is_empty()) else {
        return Err(malformed("Missing required field Resource"));
    };
    if !resources.iter().all(|resource| is_about_bucket(resource) || is_about_objects(resource))
        || !resources.iter().all(|resource| matches(path_of(resource).0, bucket))
    {
        return Err(malformed("Policy has invalid resource"));
    }
    let actions = statement.actions();
    if !actions.iter().all(|action| action == "*" || vendor_is_s3(action)) {
        return Err(malformed("Policy has invalid action"));
    }
    let applies = |action: &String| match level(action) {
        Level::Bucket => resources.iter().any(|resource| is_about_bucket(resource)),
        Level::Object => resources.iter().any(|resource| is_about_objects(resource)),
        Level::Any => true,
    };
    ensure(actions.iter().all(applies), || malformed("Action does not apply to any resource(s) in statement"))
}

fn vendor_is_s3(action: &str) -> bool {
    action.to_ascii_lowercase().starts_with("s3:")
}

/// The bucket and the key of a resource, both of them patterns.
fn path_of(resource: &str) -> (&str, Option<&str>) {
    let path = resource.strip_prefix("arn:aws:s3:::").unwrap_or_default();
    path.split_once('/').map_or((path, None), |(bucket, key)| (bucket, Some(key)))
}

fn is_about_bucket(resource: &str) -> bool {
    matches!(path_of(resource), (bucket, None) if !bucket.is_empty())
}

/// A pattern such as `arn:aws:s3:::b*` is about both.
fn is_about_objects(resource: &str) -> bool {
    match path_of(resource) {
        (bucket, None) => bucket.ends_with('*'),
        (_, Some(_)) => true,
    }
}

/// What an action is about (Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"). An
/// action that is about objects says so in its name, but for some.
enum Level {
    Bucket,
    Object,
    Any,
}

fn level(action: &str) -> Level {
    const OBJECT: [&str; 6] = [
        "AbortMultipartUpload",
        "BypassGovernanceRetention",
        "InitiateReplication",
        "ListMultipartUploadParts",
        "ReplicateDelete",
        "ReplicateTags",
    ];
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    let says_object =
        name.contains("Object") && (!name.contains("Bucket") || name.ends_with("ToBucketOwner"));
    if name.contains(['*', '?']) {
        Level::Any
    } else if says_object || OBJECT.contains(&name) {
        Level::Object
    } else {
        Level::Bucket
    }
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let policy = find(cx, &target)?.policy.as_ref();
    let missing = || of_bucket("NoSuchBucketPolicy", "The bucket policy does not exist", &target.bucket);
    let policy = policy.ok_or_else(missing)?;
    Ok(json!({"Policy": policy}))
}

/// A policy that is not there is no error.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.policy = None;
    NOTHING
}
