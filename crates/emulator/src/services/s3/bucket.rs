//! Buckets themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::encryption::Encryption;
use super::input::Target;
use super::lifecycle::Lifecycle;
use super::problem::{bad_argument, malformed_xml, not_found};
use super::settings::{BUCKET_OWNER_ENFORCED, PublicAccessBlock, Versioning, read_tags};
use super::version::Version;
use super::{Answer, Cx, NOTHING, OWNER, State, find, find_mut, names};
use crate::services::{Call, Object, Refusal, Tag, Tags, ensure, page};

/// The region that has a life of its own in CreateBucket and GetBucketLocation.
const FIRST_REGION: &str = "us-east-1";

/// A bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Bucket {
    name: String,
    creation_date: f64,
    bucket_region: String,
    bucket_arn: String,
    /// What was said of its place, where that is another name of its region.
    #[serde(rename = "_locationConstraint", default, skip_serializing_if = "Option::is_none")]
    location_constraint: Option<String>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_versioning", default, skip_serializing_if = "Option::is_none")]
    pub(super) versioning: Option<Versioning>,
    #[serde(rename = "_encryption")]
    pub(super) encryption: Encryption,
    #[serde(rename = "_publicAccessBlock", default, skip_serializing_if = "Option::is_none")]
    pub(super) public_access_block: Option<PublicAccessBlock>,
    #[serde(rename = "_ownership", default, skip_serializing_if = "Option::is_none")]
    pub(super) ownership: Option<String>,
    #[serde(rename = "_policy", default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    #[serde(rename = "_lifecycle", default, skip_serializing_if = "Option::is_none")]
    pub(super) lifecycle: Option<Lifecycle>,
    /// Versions by key, the newest last. No list is empty.
    #[serde(rename = "_objects")]
    pub(super) objects: BTreeMap<String, Vec<Version>>,
}

impl Bucket {
    pub(crate) fn region(&self) -> &str {
        &self.bucket_region
    }

    /// In milliseconds since 1970.
    pub(super) fn created_millis(&self) -> i64 {
        (self.creation_date * 1000.0) as i64
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn has_versioning(&self) -> bool {
        self.versioning == Some(Versioning::Enabled)
    }

    /// Whether new objects are encrypted with a key of KMS unless they say otherwise.
    pub(crate) fn encrypts_with_kms(&self) -> bool {
        self.encryption.is_kms()
    }

    /// Whether objects have access control lists. They have none unless it is asked for (S3 User Guide, "Controlling
    /// ownership of objects and disabling ACLs for your bucket").
    pub(super) fn has_acls(&self) -> bool {
        self.ownership.as_deref() != Some(BUCKET_OWNER_ENFORCED)
    }

    pub(super) fn objects(&self) -> Vec<Object> {
        let object = |kind: &str, tags| Object::new("s3", &self.bucket_region, kind, &self.name, tags);
        let policy =
            self.policy.iter().map(|_| object("AWS::S3::BucketPolicy", Tags::new()).part_of(&self.name));
        let bucket = object("AWS::S3::Bucket", self.tags.clone()).named(&self.name);
        policy.chain([bucket]).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateBucket {
    bucket: String,
    #[serde(rename = "ACL")]
    acl: Option<String>,
    create_bucket_configuration: Option<Configuration>,
    object_ownership: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    location_constraint: Option<String>,
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListBuckets {
    max_buckets: Option<usize>,
    continuation_token: Option<String>,
    #[serde(default)]
    prefix: String,
    bucket_region: Option<String>,
}

/// The name that one region had before there were others.
const OLD_NAME: (&str, &str) = ("EU", "eu-west-1");

/// Where a bucket is to be (S3 API Reference, CreateBucket, `LocationConstraint`). From the first region a bucket can be
/// made in every other; elsewhere the region must be said (which place gets which code is recorded from real AWS).
pub(super) fn check_location(asked: Option<&str>, region: &str) -> Result<String, Refusal> {
    let illegal = |constraint: &str| {
        let message = format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Err(Refusal::new("IllegalLocationConstraintException", message))
    };
    let Some(asked) = asked else {
        return match region {
            FIRST_REGION => Ok(FIRST_REGION.to_owned()),
            _ => illegal("unspecified"),
        };
    };
    let place = if asked == OLD_NAME.0 { OLD_NAME.1 } else { asked };
    if region == FIRST_REGION {
        ensure(place != FIRST_REGION && crate::services::ec2::regions().any(|known| known == place), || {
            let message = "The specified location-constraint is not valid";
            Refusal::new("InvalidLocationConstraint", message).with_detail("LocationConstraint", asked)
        })?;
        return Ok(place.to_owned());
    }
    if place == region { Ok(place.to_owned()) } else { illegal(asked) }
}

/// S3 API Reference, CreateBucket.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: CreateBucket = call.input()?;
    let name = given.bucket;
    if !names::is_legal(&name) {
        let refusal = Refusal::new("InvalidBucketName", "The specified bucket is not valid.");
        return Err(refusal.with_detail("BucketName", name));
    }
    // A document that says nothing is none. The S3 API Reference leaves the code open.
    let (location_constraint, tags) = match given.create_bucket_configuration {
        Some(Configuration { location_constraint: None, tags: None }) => return Err(malformed_xml()),
        None => (None, None),
        Some(Configuration { location_constraint, tags }) => (location_constraint, tags),
    };
    let region = check_location(location_constraint.as_deref(), cx.region)?;
    let ownership = given.object_ownership.unwrap_or_else(|| BUCKET_OWNER_ENFORCED.to_owned());
    check_acl(given.acl.as_deref(), &ownership)?;
    let tags = read_tags(tags.unwrap_or_default())?;
    let answer = json!({
        "Location": match region.as_str() {
            FIRST_REGION => format!("/{name}"),
            _ => format!("http://{name}.s3.amazonaws.com/"),
        },
        "BucketArn": format!("arn:aws:s3:::{name}"),
    });
    if let Some(bucket) = cx.global.s3.buckets.get(&name) {
        // In the first region the owner may make a bucket again, which changes nothing, and may not say tags then
        // (recorded from real AWS).
        return match (cx.region, bucket.region(), tags.is_empty()) {
            (FIRST_REGION, FIRST_REGION, true) => Ok(answer),
            _ => Err(Refusal::new(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
            .with_status(409)
            .with_detail("BucketName", name)),
        };
    }
    let bucket = Bucket {
        bucket_arn: format!("arn:aws:s3:::{name}"),
        name: name.clone(),
        creation_date: cx.now_seconds(),
        bucket_region: region,
        location_constraint: location_constraint.filter(|constraint| constraint == OLD_NAME.0),
        tags,
        versioning: None,
        encryption: Encryption::default(),
        public_access_block: Some(PublicAccessBlock::by_default()),
        ownership: Some(ownership),
        policy: None,
        lifecycle: None,
        objects: BTreeMap::new(),
    };
    cx.global.s3.buckets.insert(name, bucket);
    Ok(answer)
}

/// Lists for everybody need another ownership, and then access that is not blocked, which it is for a new bucket
/// (S3 API Reference, CreateBucket, "Access control lists (ACLs)").
fn check_acl(acl: Option<&str>, ownership: &str) -> Result<(), Refusal> {
    match acl {
        None | Some("private") => Ok(()),
        Some(_) if ownership == BUCKET_OWNER_ENFORCED => Err(Refusal::new(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )),
        Some(_) => Err(Refusal::new(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        )),
    }
}

pub(super) fn head(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let bucket = find(cx, &target).map_err(|refusal| {
        if refusal.code == "NoSuchBucket" { not_found("NotFound", "Not Found") } else { refusal }
    })?;
    Ok(json!({
        "BucketArn": bucket.bucket_arn,
        "BucketRegion": bucket.bucket_region,
        "AccessPointAlias": false,
    }))
}

/// Old versions and delete markers count (S3 API Reference, DeleteBucket).
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let bucket = find_mut(cx, &target)?;
    if !bucket.objects.is_empty() {
        let message =
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
        let refusal = Refusal::new("BucketNotEmpty", message).with_status(409);
        return Err(refusal.with_detail("BucketName", target.bucket));
    }
    cx.global.s3.buckets.remove(&target.bucket);
    NOTHING
}

pub(super) fn get_location(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let bucket = find(cx, &target)?;
    let place = bucket.location_constraint.as_deref().unwrap_or(bucket.region());
    Ok(json!({"LocationConstraint": Some(place).filter(|place| *place != FIRST_REGION)}))
}

impl State {
    /// All regions, unless one is asked for. The region is shown to whoever asks for something (S3 API Reference, Bucket,
    /// `BucketRegion`).
    pub(super) fn list_buckets(&self, call: &Call) -> Answer {
        let given: ListBuckets = call.input()?;
        if let Some(region) = given.bucket_region.as_deref().filter(|asked| !is_known(asked)) {
            let message = format!("Argument value {region} is not a valid AWS Region");
            return Err(bad_argument(message, "bucket-region", region));
        }
        let is_asked = |bucket: &&Bucket| {
            bucket.name.starts_with(&given.prefix)
                && given.bucket_region.as_ref().is_none_or(|region| *region == bucket.bucket_region)
        };
        let has_arguments = given.max_buckets.is_some()
            || given.continuation_token.is_some()
            || given.bucket_region.is_some()
            || !given.prefix.is_empty();
        let buckets: Vec<Value> =
            self.buckets.values().filter(is_asked).map(|bucket| bucket.listed(has_arguments)).collect();
        let size = given.max_buckets.unwrap_or(10_000);
        let token = given.continuation_token.as_deref();
        let (buckets, next) = page(buckets, size, token).ok_or_else(|| bad_token(token))?;
        let prefix = Some(&given.prefix).filter(|prefix| !prefix.is_empty());
        Ok(json!({"Buckets": buckets, "Owner": {"ID": OWNER}, "ContinuationToken": next, "Prefix": prefix}))
    }
}

fn is_known(region: &str) -> bool {
    crate::services::ec2::regions().any(|known| known == region)
}

/// A token that S3 did not give; an empty one is none that it gave (recorded from real AWS).
pub(super) fn bad_token(token: Option<&str>) -> Refusal {
    let message = "The continuation token provided is incorrect";
    bad_argument(message, "continuation-token", token.unwrap_or_default())
}

impl Bucket {
    fn listed(&self, with_region: bool) -> Value {
        json!({
            "Name": self.name,
            "CreationDate": self.creation_date.floor(),
            "BucketRegion": with_region.then_some(&self.bucket_region),
            "BucketArn": self.bucket_arn,
        })
    }
}
