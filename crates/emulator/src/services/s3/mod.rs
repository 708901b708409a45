//! S3: buckets, their settings and their objects.
//!
//! Names are unique in all regions, so the state is global. A bucket is reached from its own region alone, as it is by
//! clients that do not follow redirections. Nothing expires, and nobody but the caller reads or writes.

mod bucket;
mod checksum;
mod conditions;
mod delete;
mod encoding;
mod encryption;
mod expiry;
mod host;
mod input;
mod lifecycle;
mod list;
mod metadata;
mod names;
mod object;
mod policy;
mod problem;
mod put;
mod range;
mod settings;
mod tagging;
mod version;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::bucket::Bucket;
pub(crate) use self::host::in_host;
use self::input::{Target, check_digest, check_owner_id};
use self::problem::{elsewhere, no_bucket};
use super::{
    Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, Table, kinds, refuse_if,
    refused, spread, unknown_operation,
};
use crate::protocol::model::{Problem, Violation};

/// The canonical id of the account (S3 User Guide, "Finding the canonical user ID for your AWS account").
const OWNER: &str = "123456789012abcdef123456789012abcdef123456789012abcdef1234567890";

/// The buckets of the account, by name.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    buckets: BTreeMap<String, Bucket>,
}

impl State {
    /// A bucket in any region, by its name.
    pub(crate) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.get(name)
    }
}

/// The bucket that a call is for.
fn find<'a>(cx: &'a Cx<'_>, target: &Target) -> Result<&'a Bucket, Refusal> {
    let bucket = cx.global.s3.buckets.find(&target.bucket)?;
    check_reach(bucket, target, cx.region)?;
    Ok(bucket)
}

/// From the creation of a bucket until all calls that change its settings find it. Terraform's provider waits two minutes for it;
/// the spread is an estimate.
const PROPAGATION: Spread = spread(20.0, 0.0, 40.0);

/// A bucket whose settings are to be changed: one of a moment ago is not found everywhere yet.
fn settled_mut<'a>(cx: &'a mut Cx<'_>, target: &Target) -> Result<&'a mut Bucket, Refusal> {
    let bucket = find(cx, target)?;
    let settled_after = cx.after(PROPAGATION, bucket.name()).map_or(0, |then| then - cx.now_millis);
    refuse_if(cx.now_millis - bucket.created_millis() < settled_after, || no_bucket(&target.bucket))?;
    find_mut(cx, target)
}

fn find_mut<'a>(cx: &'a mut Cx<'_>, target: &Target) -> Result<&'a mut Bucket, Refusal> {
    let bucket = cx.global.s3.buckets.find_mut(&target.bucket)?;
    check_reach(bucket, target, cx.region)?;
    Ok(bucket)
}

/// A bucket is asked in its own region, and the owner is who was expected (S3 User Guide, "Verifying bucket ownership with
/// bucket owner condition").
fn check_reach(bucket: &Bucket, target: &Target, region: &str) -> Result<(), Refusal> {
    refuse_if(bucket.region() != region, || elsewhere(bucket))?;
    target.check_owner()
}

kinds! {
    Bucket: no_bucket;
}

impl Api for State {
    const INVALID: &'static str = "MalformedXML";
    // S3 publishes limits for requests on objects alone, which are out of reach here (S3 User Guide, "Best practices
    // design patterns: optimizing Amazon S3 performance").
    const LIMITS: ServiceLimits = ServiceLimits::each(&[]).throttled("SlowDown", 503);
    const BODY_AT_MOST: usize = 256 << 20;
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateBucket", spread(2.0, 2.0, 10.0)), ("DeleteBucket", spread(0.9, 0.5, 2.0))];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, buckets: BTreeMap::new() }
    }

    fn refused(cx: &Cx<'_>, call: &Call, violation: Violation) -> Refusal {
        match violation.problem {
            Problem::Unknown => refused::<Self>(call, violation),
            _ => match check_owner_id(call) {
                Err(refusal) => refusal,
                Ok(()) => problem::of_violation(cx, call, violation),
            },
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        check_owner_id(call)?;
        check_digest(call)?;
        match call.operation.as_str() {
            "CreateBucket" => bucket::create(cx, call),
            "HeadBucket" => bucket::head(cx, call),
            "DeleteBucket" => bucket::delete(cx, call),
            "ListBuckets" => cx.global.s3.list_buckets(call),
            "GetBucketLocation" => bucket::get_location(cx, call),

            "PutBucketTagging" => settings::put_tagging(cx, call),
            "GetBucketTagging" => settings::get_tagging(cx, call),
            "DeleteBucketTagging" => settings::delete_tagging(cx, call),
            "PutBucketVersioning" => settings::put_versioning(cx, call),
            "GetBucketVersioning" => settings::get_versioning(cx, call),
            "PutPublicAccessBlock" => settings::put_public_access_block(cx, call),
            "GetPublicAccessBlock" => settings::get_public_access_block(cx, call),
            "DeletePublicAccessBlock" => settings::delete_public_access_block(cx, call),
            "PutBucketOwnershipControls" => settings::put_ownership_controls(cx, call),
            "GetBucketOwnershipControls" => settings::get_ownership_controls(cx, call),
            "DeleteBucketOwnershipControls" => settings::delete_ownership_controls(cx, call),
            "PutBucketEncryption" => encryption::put(cx, call),
            "GetBucketEncryption" => encryption::get(cx, call),
            "DeleteBucketEncryption" => encryption::delete(cx, call),
            "PutBucketPolicy" => policy::put(cx, call),
            "GetBucketPolicy" => policy::get(cx, call),
            "DeleteBucketPolicy" => policy::delete(cx, call),
            "PutBucketLifecycleConfiguration" => lifecycle::put(cx, call),
            "GetBucketLifecycleConfiguration" => lifecycle::get(cx, call),
            "DeleteBucketLifecycle" => lifecycle::delete(cx, call),

            "PutObject" => put::put(cx, call),
            "GetObject" => object::get(cx, call),
            "HeadObject" => object::head(cx, call),
            "GetObjectTagging" => tagging::get(cx, call),
            "PutObjectTagging" => tagging::put(cx, call),
            "DeleteObjectTagging" => tagging::delete(cx, call),
            "DeleteObject" => delete::delete_object(cx, call),
            "DeleteObjects" => delete::delete_objects(cx, call),
            "ListObjects" => list::objects_by_marker(cx, call),
            "ListObjectsV2" => list::objects(cx, call),
            "ListObjectVersions" => list::versions(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, _home: &str) -> Vec<Object> {
        self.buckets.values().flat_map(Bucket::objects).collect()
    }
}

/// What is answered where there is nothing to say.
const NOTHING: Answer = Ok(Value::Null);
