//! The policy of a bucket: who may do what with it.
//!
//! The surprise: it has no tags, and its one call writes over whatever policy there is. It is ours where the bucket is;
//! the policy of another bucket is left alone.
//!
//! `NoSuchBucket` means wait where the bucket is new. S3 gives the document back as it was put, but for principals that
//! were deleted, which become ids. It takes a while until a new policy is heeded everywhere.

use async_trait::async_trait;
use aws::policy::PolicyDocument;
use aws::{CallResult, Called, Context, converge};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::elb::taken;
use super::s3::{live_tags, s3, setting, tags_of};
use crate::BucketName;

/// The properties of a bucket policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketPolicy<S: Stage = Declared> {
    /// The bucket.
    pub bucket: S::Of<BucketName>,
    /// Who may do what.
    pub policy_document: PolicyDocument,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketPolicyOutputs<S: Stage> {
    /// The bucket; a reference to it waits until the policy is in place.
    pub bucket: S::Of<BucketName>,
}

impl Declares for BucketPolicy<Declared> {
    type Resolved = BucketPolicy<Resolved>;
}

/// The policy of a bucket; `None` where there is none, or no such bucket.
async fn live(cx: &Context, bucket: &BucketName) -> Result<Option<PolicyDocument>, CallError> {
    const OPERATION: &str = "GetBucketPolicy";
    let request = s3(cx).get_bucket_policy().bucket(bucket.as_str());
    let answer = request.expected_bucket_owner(cx.account_id()).send().await.called(OPERATION);
    let policy = setting(answer).if_exists()?.flatten().and_then(|answer| answer.policy);
    policy.map(|policy| PolicyDocument::parse(&policy, OPERATION)).transpose()
}

impl BucketPolicy<Resolved> {
    async fn put(&self, cx: &Context) -> Result<(), CallError> {
        let request = s3(cx)
            .put_bucket_policy()
            .bucket(self.bucket.as_str())
            .expected_bucket_owner(cx.account_id())
            .policy(self.policy_document.to_json());
        request.send().await.called("PutBucketPolicy").once_visible().map(drop)
    }

    fn outputs(&self) -> BucketPolicyOutputs<Resolved> {
        BucketPolicyOutputs { bucket: self.bucket.clone() }
    }
}

#[async_trait]
impl Resource for BucketPolicy<Resolved> {
    const KIND: &'static str = "AWS::S3::BucketPolicy";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["Bucket"]),
        lists: &[Listed { path: "PolicyDocument.Statement", key: "Sid" }],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Bucket"],
            words: "the name of the bucket that has the policy",
            example: "payment-alb-logs-dev-123456789012-ap-southeast-1",
        },
        reads: Reads { least: 1, most: 1, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = BucketPolicy<Declared>;
    type Outputs<S: Stage> = BucketPolicyOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.bucket.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<BucketPolicyOutputs<Resolved>>, CallError> {
        if live(cx, &self.bucket).await?.is_none() {
            return Ok(None);
        }
        let tags = tags_of(cx, &self.bucket).await?.unwrap_or_default();
        if !live_tags(&tags).is_ours(cx.identity()) {
            let message =
                format!("it has one, and its tags do not say that it is ours, as {} needs", search.address);
            return Err(CallError::conflict(
                format!("looking for the policy of bucket {}", self.bucket),
                message,
            ));
        }
        Ok(Some(self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<BucketPolicyOutputs<Resolved>, CallError> {
        if live(cx, &self.bucket).await?.is_some() {
            return Err(taken("PutBucketPolicy", &format!("a policy of bucket {}", self.bucket)));
        }
        self.put(cx).await?;
        Ok(self.outputs())
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &BucketPolicyOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &BucketPolicyOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let policy = live(cx, &outputs.bucket).await?;
        Ok(policy.map(|policy| Self {
            bucket: outputs.bucket.clone(),
            policy_document: self.policy_document.unless_changed(policy),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &BucketPolicyOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<BucketPolicyOutputs<Resolved>, CallError> {
        self.put(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &BucketPolicyOutputs<Resolved>) -> Result<(), CallError> {
        let request = s3(cx).delete_bucket_policy().bucket(outputs.bucket.as_str());
        let request = request.expected_bucket_owner(cx.account_id());
        request.send().await.called("DeleteBucketPolicy").map(drop).gone_is_ok()
    }
}
