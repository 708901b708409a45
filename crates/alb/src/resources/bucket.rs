//! The bucket that the load balancer's logs go to.
//!
//! The surprises: its name is taken for all accounts of the world; in us-east-1 a second create of a bucket of one's
//! own succeeds and does nothing, so that whose it is must be asked before; its tags are only ever written all at
//! once, identity tags included; and it cannot be deleted while there is anything in it, old versions included.
//!
//! Each setting has a call that replaces all of it. So an update sends back tags that are not declared, those of AWS (`aws:`) too,
//! without which S3 refuses the call (`cloud-custodian/cloud-custodian#2834`), and, beside the way to encrypt, the setting for bucket
//! keys and the kinds of encryption that are blocked. The lifecycle rules are all ours.
//!
//! `NoSuchBucket` right after the creation means wait, and can outlast half a minute. So does `OperationAborted`, where two
//! settings meet. There are no states; what is in a bucket must be deleted before it, version by version.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, Tags, class_of, converge};
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier,
    ServerSideEncryptionConfiguration, Tag, Tagging as S3Tagging,
};
use engine::{
    CallError, Changed, Contents, CreateOnly, Declares, ErrorClass, Facts, How, ImportId, Intent, Keep,
    KeepValue, Limit, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Scope, Search, Settle, Span,
    Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::bucket_lifecycle::LifecycleConfiguration;
use super::bucket_settings::{
    BucketEncryption, OwnershipControls, PublicAccessBlockConfiguration, VersioningConfiguration,
};
use super::s3::{live_tags, s3, setting, tag, tags_of};
use crate::{BucketArn, BucketName};

/// The region that has no name in S3, for it was the first.
const FIRST_REGION: &str = "us-east-1";

/// The properties of a bucket. It refers to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Bucket {
    /// Its name, unique in the world, 3 to 63 characters.
    pub bucket_name: BucketName,
    /// How objects are encrypted.
    pub bucket_encryption: BucketEncryption,
    /// Whether what is overwritten or deleted can be had back.
    pub versioning_configuration: VersioningConfiguration,
    /// What keeps it from becoming public.
    pub public_access_block_configuration: PublicAccessBlockConfiguration,
    /// Whose the objects are that others write.
    pub ownership_controls: OwnershipControls,
    /// What becomes of objects with time.
    pub lifecycle_configuration: LifecycleConfiguration,
    /// Whether the objects are deleted with it. Otherwise AWS refuses to delete a bucket with something in it. A wish
    /// for the deletion: a living bucket does not know of it, and CloudFormation has no such property.
    pub delete_objects: bool,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<BucketArn>,
    /// The name; a reference to it waits until the bucket exists and is set up.
    pub bucket_name: S::Of<BucketName>,
}

impl Declares for Bucket {
    type Resolved = Self;
}

impl Bucket {
    fn outputs(&self, cx: &Context) -> BucketOutputs<Resolved> {
        let arn = format!("arn:{}:s3:::{}", cx.partition(), self.bucket_name);
        BucketOutputs { arn: arn.into(), bucket_name: self.bucket_name.clone() }
    }

    async fn put_tags(&self, cx: &Context, before: &Tags) -> Result<(), CallError> {
        let changes = before.changes_to(&self.tags);
        if changes.is_empty() {
            return Ok(());
        }
        let set = changes.set.list(tag);
        // The call replaces all tags, so it must have those that say whose the bucket is.
        let live = tags_of(cx, &self.bucket_name).await?.unwrap_or_default();
        let stays = |tag: &&Tag| {
            !changes.remove.iter().any(|key| key == tag.key())
                && !set.iter().any(|new| new.key() == tag.key())
        };
        let mut all: Vec<Tag> = live.iter().filter(stays).cloned().collect();
        all.extend(set);
        let tagging = S3Tagging::builder().set_tag_set(Some(all));
        let request = s3(cx)
            .put_bucket_tagging()
            .bucket(self.bucket_name.as_str())
            .expected_bucket_owner(cx.account_id())
            .tagging(tagging.build().expect("tags are given"));
        request.send().await.called("PutBucketTagging").map(drop)
    }

    async fn put_lifecycle(&self, cx: &Context) -> Result<(), CallError> {
        let name = self.bucket_name.as_str();
        if self.lifecycle_configuration.rules.is_empty() {
            let request = s3(cx).delete_bucket_lifecycle().bucket(name);
            let request = request.expected_bucket_owner(cx.account_id());
            return request.send().await.called("DeleteBucketLifecycle").map(drop);
        }
        let request = s3(cx)
            .put_bucket_lifecycle_configuration()
            .bucket(name)
            .expected_bucket_owner(cx.account_id())
            .lifecycle_configuration(self.lifecycle_configuration.for_call());
        request.send().await.called("PutBucketLifecycleConfiguration").map(drop)
    }
}

async fn live_encryption(
    cx: &Context,
    bucket: &str,
) -> Result<Option<ServerSideEncryptionConfiguration>, CallError> {
    let request = s3(cx).get_bucket_encryption().bucket(bucket).expected_bucket_owner(cx.account_id());
    let answer = setting(request.send().await.called("GetBucketEncryption"))?;
    Ok(answer.and_then(|answer| answer.server_side_encryption_configuration))
}

/// How many pages one call of [`empty`] takes, of up to a thousand versions each. Only between calls does the engine see that
/// the run is to end or that the lock is lost, and there it waits, up to 16 seconds at last: with this many, ten seconds or so
/// are the longest that it does not look, and the waits add less than half an hour for a million objects.
const PAGES_AT_ONCE: usize = 10;

/// Deletes versions of objects, page by page: whether all are gone.
async fn empty(cx: &Context, bucket: &BucketName) -> Result<bool, CallError> {
    let (mut key_marker, mut version_marker) = (None, None);
    for _ in 0..PAGES_AT_ONCE {
        let request = s3(cx).list_object_versions().bucket(bucket.as_str());
        let request = request.set_key_marker(key_marker).set_version_id_marker(version_marker);
        let answer = request.expected_bucket_owner(cx.account_id()).send().await;
        let page = answer.called("ListObjectVersions")?;
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let object = |(key, version): (Option<&str>, Option<&str>)| {
            let object = ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned));
            object.build().ok()
        };
        let objects: Vec<ObjectIdentifier> = versions.chain(markers).filter_map(object).collect();
        if !objects.is_empty() {
            delete_objects(cx, bucket, objects).await?;
        }
        if page.is_truncated() != Some(true) {
            return Ok(true);
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
    Ok(false)
}

async fn delete_objects(
    cx: &Context,
    bucket: &BucketName,
    objects: Vec<ObjectIdentifier>,
) -> Result<(), CallError> {
    const OPERATION: &str = "DeleteObjects";
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true);
    let request = s3(cx)
        .delete_objects()
        .bucket(bucket.as_str())
        .expected_bucket_owner(cx.account_id())
        .delete(delete.build().expect("objects are given"));
    let answer = request.send().await.called(OPERATION)?;
    // What failed is in an answer that is a success otherwise.
    let Some(error) = answer.errors().first() else { return Ok(()) };
    let code = error.code().unwrap_or_default();
    let failed = CallError::new(class_of(code, None), OPERATION, error.message().unwrap_or_default());
    Err(CallError { code: Some(code.to_owned()), ..failed })
}

impl Bucket {
    /// Says of all buckets of a tier that they stay while there is something in them, unless that may be deleted: also of those
    /// that are not declared any more.
    pub(crate) fn guard(scope: &mut Scope, delete_objects: bool) {
        scope.guard_kind(Self::KIND, "DeleteObjects", delete_objects);
    }
}

#[async_trait]
impl Resource for Bucket {
    const KIND: &'static str = "AWS::S3::Bucket";
    const FACTS: Facts = Facts {
        name: Named::ByName("BucketName"),
        create_only: CreateOnly::These(&["BucketName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Logs("all objects in it"),
        keeps: &[Keep {
            property: "DeleteObjects",
            value: KeepValue::Flag(false),
            how: How::ForbidUnlessEmpty,
        }],
        limits: &[Limit { property: "LifecycleConfiguration", words: "objects that are older" }],
        template: Template { own_properties: &["DeleteObjects"], ..Template::AS_DECLARED },
        // With as many logs as seven years bring.
        times: Times {
            ready: Span { typical: 5, longest: 300 },
            gone: Span { typical: 2, longest: 6 * 3600 },
        },
        import: ImportId {
            parts: &["BucketName"],
            words: "the name of the bucket",
            example: "payment-alb-logs-dev-123456789012-ap-southeast-1",
        },
        reads: Reads { least: 6, most: 6, together: None },
        cost: Some("s3-storage"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = BucketOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.bucket_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<BucketOutputs<Resolved>>, CallError> {
        let Some(tags) = tags_of(cx, &self.bucket_name).await? else { return Ok(None) };
        cx.adopt(&format!("bucket {}", self.bucket_name), &live_tags(&tags), search)?;
        Ok(Some(self.outputs(cx)))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<BucketOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateBucket";
        let first = cx.region() == FIRST_REGION;
        if first && tags_of(cx, &self.bucket_name).await?.is_some() {
            let message = format!("bucket {} exists already", self.bucket_name);
            return Err(CallError::new(ErrorClass::AlreadyExists, OPERATION, message));
        }
        let location = (!first).then(|| BucketLocationConstraint::from(cx.region()));
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(location)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)))
            .build();
        let request = s3(cx).create_bucket().bucket(self.bucket_name.as_str());
        let answer = request.create_bucket_configuration(configuration).send().await.called(OPERATION);
        // The first: somebody else in the world has the name, and nothing of theirs can be looked at.
        answer
            .classed(&["BucketAlreadyExists"], ErrorClass::Conflict)
            .classed(&["BucketAlreadyOwnedByYou"], ErrorClass::AlreadyExists)?;
        Ok(self.outputs(cx))
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &BucketOutputs<Resolved>,
    ) -> Result<Readiness<BucketOutputs<Resolved>>, CallError> {
        Ok(match tags_of(cx, &outputs.bucket_name).await? {
            Some(_) => Readiness::Ready(outputs.clone()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &BucketOutputs<Resolved>) -> Result<(), CallError> {
        // S3 finds it in one call and not in the next for up to minutes.
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(&self, cx: &Context, outputs: &BucketOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let (s3, name, owner) = (s3(cx), outputs.bucket_name.as_str(), cx.account_id());
        let Some(tags) = tags_of(cx, &outputs.bucket_name).await? else { return Ok(None) };
        let encryption = live_encryption(cx, name).await?;
        let versioning = s3.get_bucket_versioning().bucket(name).expected_bucket_owner(owner).send().await;
        let versioning = versioning.called("GetBucketVersioning")?;
        let block = s3.get_public_access_block().bucket(name).expected_bucket_owner(owner).send().await;
        let block = setting(block.called("GetPublicAccessBlock"))?;
        let ownership = s3.get_bucket_ownership_controls().bucket(name).expected_bucket_owner(owner);
        let ownership = setting(ownership.send().await.called("GetBucketOwnershipControls"))?;
        let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(name).expected_bucket_owner(owner);
        let lifecycle = setting(lifecycle.send().await.called("GetBucketLifecycleConfiguration"))?;

        let block = block.and_then(|answer| answer.public_access_block_configuration);
        let ownership = ownership.and_then(|answer| answer.ownership_controls);
        let rules = lifecycle.and_then(|answer| answer.rules).unwrap_or_default();
        Ok(Some(Self {
            bucket_name: outputs.bucket_name.clone(),
            bucket_encryption: BucketEncryption::from_live(encryption),
            versioning_configuration: VersioningConfiguration::from_live(versioning.status()),
            public_access_block_configuration: PublicAccessBlockConfiguration::from_live(block.as_ref()),
            ownership_controls: OwnershipControls::from_live(ownership.as_ref()),
            lifecycle_configuration: LifecycleConfiguration::from_live(&rules),
            delete_objects: self.delete_objects,
            tags: live_tags(&tags).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &BucketOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<BucketOutputs<Resolved>, CallError> {
        let (s3, name, owner) = (s3(cx), outputs.bucket_name.as_str(), cx.account_id());
        // First what keeps others out.
        if changed.has("PublicAccessBlockConfiguration") {
            let request = s3.put_public_access_block().bucket(name).expected_bucket_owner(owner);
            let block = self.public_access_block_configuration.for_call();
            let request = request.public_access_block_configuration(block);
            request.send().await.called("PutPublicAccessBlock")?;
        }
        if changed.has("OwnershipControls") {
            let request = s3.put_bucket_ownership_controls().bucket(name).expected_bucket_owner(owner);
            let request = request.ownership_controls(self.ownership_controls.for_call());
            request.send().await.called("PutBucketOwnershipControls")?;
        }
        if changed.has("BucketEncryption") {
            let live = live_encryption(cx, name).await?;
            let request = s3.put_bucket_encryption().bucket(name).expected_bucket_owner(owner);
            let encryption = self.bucket_encryption.for_call(live.as_ref());
            let request = request.server_side_encryption_configuration(encryption);
            request.send().await.called("PutBucketEncryption")?;
        }
        if changed.has("VersioningConfiguration") {
            let request = s3.put_bucket_versioning().bucket(name).expected_bucket_owner(owner);
            let request = request.versioning_configuration(self.versioning_configuration.for_call());
            request.send().await.called("PutBucketVersioning")?;
        }
        if changed.has("LifecycleConfiguration") {
            self.put_lifecycle(cx).await?;
        }
        self.put_tags(cx, &changed.before.tags).await?;
        Ok(outputs.clone())
    }

    async fn contents(&self, cx: &Context, outputs: &BucketOutputs<Resolved>) -> Result<Contents, CallError> {
        let request = s3(cx).list_object_versions().bucket(outputs.bucket_name.as_str());
        let request = request.expected_bucket_owner(cx.account_id());
        let page = request.send().await.called("ListObjectVersions")?;
        // A page may have less on it than there is, even nothing: then there is more all the same.
        let more = page.is_truncated() == Some(true);
        let words = match page.versions().len() + page.delete_markers().len() {
            0 if !more => return Ok(Contents::Empty),
            0 | 1 if more => "at least 1 object version".to_owned(),
            count if more => format!("at least {count} object versions"),
            1 => "1 object version".to_owned(),
            count => format!("{count} object versions"),
        };
        Ok(Contents::Some { words, parts: Vec::new() })
    }

    async fn delete(&self, cx: &Context, outputs: &BucketOutputs<Resolved>) -> Result<(), CallError> {
        const NOT_EMPTY: &str = "BucketNotEmpty";
        let bucket = &outputs.bucket_name;
        if self.delete_objects && empty(cx, bucket).await.if_exists()? == Some(false) {
            let message = "many objects are deleted, and more are still there";
            return Err(CallError::new(ErrorClass::DependencyViolation, "DeleteObjects", message));
        }
        let request = s3(cx).delete_bucket().bucket(bucket.as_str()).expected_bucket_owner(cx.account_id());
        let deleted = request.send().await.called("DeleteBucket");
        let deleted = match self.delete_objects {
            // A last log came after the last page: the engine comes back.
            true => deleted.classed(&[NOT_EMPTY], ErrorClass::DependencyViolation),
            false => deleted.map_err(|error| match error.code.as_deref() {
                Some(NOT_EMPTY) => {
                    let message = "there is something in it, and it was not asked for to delete that as well";
                    CallError { message: message.to_owned(), ..error }
                }
                _ => error,
            }),
        };
        deleted.map(drop).gone_is_ok()
    }

    async fn poll_gone(&self, cx: &Context, outputs: &BucketOutputs<Resolved>) -> Result<bool, CallError> {
        Ok(tags_of(cx, &outputs.bucket_name).await?.is_none())
    }
}
