//! An image repository: where images of the application are pushed to, scanned, and pulled from.
//!
//! The surprises: a repository with images in it cannot be deleted, unless that is asked for; its encryption cannot be
//! changed, so that another one means another repository without the images; and it has no policy about old images until
//! one is put.
//!
//! - No error means *wait*: nothing is made right before it, since its key, if it has one, comes from outside.
//! - On read, ECR writes the lifecycle policy its own way: it is compared as JSON.
//! - Silently, scanning on push does nothing where the registry's own scanning configuration covers the repository (ECR User
//!   Guide, "Scan images for software vulnerabilities"), and a new lifecycle policy works up to 24 hours later.
//! - There is no terminal state. A repository whose KMS key is disabled or about to be deleted refuses pushes and pulls with
//!   KmsException.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, KeyArn, Tags, converge, required};
use aws_sdk_ecr::types::{
    EncryptionConfiguration as EncryptionForCall, EncryptionType, ImageIdentifier,
    ImageScanningConfiguration, ImageStatusFilter, ImageTagMutability, ListImagesFilter, Repository as Live,
    Tag,
};
use engine::{
    CallError, Changed, Contents, CreateOnly, Declares, ErrorClass, Facts, How, ImportId, Intent, Keep,
    KeepValue, Limit, Listed, Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging,
    Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RepositoryArn, RepositoryName, RepositoryUri};

/// The properties of a repository. None of them is another resource's output, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Repository {
    /// Its name, unique in account and region.
    pub repository_name: RepositoryName,
    /// `IMMUTABLE`: a tag stays where it is; or `MUTABLE`.
    pub image_tag_mutability: String,
    /// What is done with an image that is pushed.
    pub image_scanning_configuration: ImageScanning,
    /// How images are encrypted.
    pub encryption_configuration: EncryptionConfiguration,
    /// Which images go by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy: Option<LifecyclePolicy>,
    /// Who may push and pull beside those that IAM lets in, as JSON. Never declared; a live repository may have a policy that
    /// somebody set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_policy_text: Option<String>,
    /// Whether images are deleted with the repository. A wish for the deletion: a living repository does not know of it.
    pub empty_on_delete: bool,
    /// What people see.
    pub tags: Tags,
}

/// What is done with an image that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImageScanning {
    /// Whether it is searched for known vulnerabilities.
    pub scan_on_push: bool,
}

/// How images are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EncryptionConfiguration {
    /// `AES256` or `KMS`.
    pub encryption_type: String,
    /// The key, with `KMS`; a key of AWS's where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<KeyArn>,
}

/// Which images go by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecyclePolicy {
    /// The rules, as JSON (ECR User Guide, "Lifecycle policy properties in Amazon ECR").
    pub lifecycle_policy_text: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RepositoryOutputs<S: Stage> {
    /// The name.
    pub repository_name: S::Of<RepositoryName>,
    /// The ARN.
    pub arn: S::Of<RepositoryArn>,
    /// What an image is called before its tag or digest.
    pub repository_uri: S::Of<RepositoryUri>,
}

impl Declares for Repository {
    type Resolved = Self;
}

fn ecr(cx: &Context) -> aws_sdk_ecr::Client {
    cx.client(aws_sdk_ecr::Client::new)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

async fn describe(cx: &Context, name: &RepositoryName) -> Result<Option<Live>, CallError> {
    let request = ecr(cx).describe_repositories().repository_names(name.as_str());
    let answer = request.send().await.called("DescribeRepositories").if_exists()?;
    Ok(answer.and_then(|answer| answer.repositories.unwrap_or_default().into_iter().next()))
}

async fn tags_of(cx: &Context, arn: &RepositoryArn) -> Result<Option<LiveTags>, CallError> {
    let request = ecr(cx).list_tags_for_resource().resource_arn(arn.as_str());
    let answer = request.send().await.called("ListTagsForResource").if_exists()?;
    let pairs = |tags: &[Tag]| LiveTags::pairs(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value()))));
    Ok(answer.map(|answer| pairs(answer.tags())))
}

fn outputs(live: &Live, operation: &str) -> Result<RepositoryOutputs<Resolved>, CallError> {
    Ok(RepositoryOutputs {
        repository_name: required(live.repository_name(), operation, "repositoryName")?.into(),
        arn: required(live.repository_arn(), operation, "repositoryArn")?.into(),
        repository_uri: required(live.repository_uri(), operation, "repositoryUri")?.into(),
    })
}

/// Whether two texts are the same JSON. ECR writes a policy down its own way.
fn same_json(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

/// How ECR says that nobody has set a policy.
const NO_POLICY: &str = "RepositoryPolicyNotFoundException";

async fn access_policy(cx: &Context, name: &RepositoryName) -> Result<Option<String>, CallError> {
    let answer = ecr(cx).get_repository_policy().repository_name(name.as_str()).send().await;
    let answer = answer.called("GetRepositoryPolicy").classed(&[NO_POLICY], ErrorClass::NotFound);
    Ok(answer.if_exists()?.and_then(|answer| answer.policy_text))
}

impl Repository {
    fn scanning(&self) -> ImageScanningConfiguration {
        ImageScanningConfiguration::builder()
            .scan_on_push(self.image_scanning_configuration.scan_on_push)
            .build()
    }

    fn encryption(&self) -> EncryptionForCall {
        let EncryptionConfiguration { encryption_type, kms_key } = &self.encryption_configuration;
        EncryptionForCall::builder()
            .encryption_type(EncryptionType::from(encryption_type.as_str()))
            .set_kms_key(kms_key.as_ref().map(ToString::to_string))
            .build()
            .expect("a type is given")
    }

    fn mutability(&self) -> ImageTagMutability {
        ImageTagMutability::from(self.image_tag_mutability.as_str())
    }

    /// The live policy, as it was recorded where it says the same.
    async fn live_policy(
        &self,
        cx: &Context,
        name: &RepositoryName,
    ) -> Result<Option<LifecyclePolicy>, CallError> {
        let request = ecr(cx).get_lifecycle_policy().repository_name(name.as_str());
        let answer = request.send().await.called("GetLifecyclePolicy").if_exists()?;
        let live = answer.and_then(|answer| answer.lifecycle_policy_text);
        Ok(live.map(|live| match &self.lifecycle_policy {
            Some(recorded) if same_json(&recorded.lifecycle_policy_text, &live) => recorded.clone(),
            _ => LifecyclePolicy { lifecycle_policy_text: live },
        }))
    }

    /// The live encryption. A key that nobody named is AWS's own.
    fn live_encryption(&self, live: &Live) -> EncryptionConfiguration {
        let encryption = live.encryption_configuration();
        let named = self.encryption_configuration.kms_key.is_some();
        EncryptionConfiguration {
            encryption_type: encryption
                .map_or("AES256", |encryption| encryption.encryption_type().as_str())
                .to_owned(),
            kms_key: encryption.and_then(|encryption| encryption.kms_key()).filter(|_| named).map(Into::into),
        }
    }
}

#[async_trait]
impl Resource for Repository {
    const KIND: &'static str = "AWS::ECR::Repository";
    const FACTS: Facts = Facts {
        name: Named::ByName("RepositoryName"),
        create_only: CreateOnly::These(&["RepositoryName", "EncryptionConfiguration"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Images("all its images"),
        keeps: &[Keep {
            property: "EmptyOnDelete",
            value: KeepValue::Flag(false),
            how: How::ForbidUnlessEmpty,
        }],
        limits: &[Limit { property: "LifecyclePolicy", words: "images beyond it" }],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RepositoryName"],
            words: "the name of the repository",
            example: "payment-app-dev",
        },
        reads: Reads { least: 4, most: 4, together: Some("DescribeRepositories") },
        cost: Some("ecr-storage"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["LifecyclePolicy", "RepositoryPolicyText"];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = RepositoryOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.repository_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<RepositoryOutputs<Resolved>>, CallError> {
        let name = &self.repository_name;
        let Some(live) = describe(cx, name).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeRepositories")?;
        let Some(tags) = tags_of(cx, &outputs.arn).await? else { return Ok(None) };
        cx.adopt(&format!("image repository {name}"), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<RepositoryOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRepository";
        let request = ecr(cx)
            .create_repository()
            .repository_name(self.repository_name.as_str())
            .image_tag_mutability(self.mutability())
            .image_scanning_configuration(self.scanning())
            .encryption_configuration(self.encryption())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION)?;
        outputs(&required(answer.repository, OPERATION, "repository")?, OPERATION)
    }

    async fn configure(&self, cx: &Context, outputs: &RepositoryOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &RepositoryOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let name = &outputs.repository_name;
        let Some(live) = describe(cx, name).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, &outputs.arn).await? else { return Ok(None) };
        let mutability = live.image_tag_mutability().map_or("MUTABLE", ImageTagMutability::as_str);
        Ok(Some(Self {
            repository_name: name.clone(),
            image_tag_mutability: mutability.to_owned(),
            image_scanning_configuration: ImageScanning {
                scan_on_push: live
                    .image_scanning_configuration()
                    .is_some_and(|scanning| scanning.scan_on_push),
            },
            encryption_configuration: self.live_encryption(&live),
            lifecycle_policy: self.live_policy(cx, name).await?,
            repository_policy_text: access_policy(cx, name).await?,
            empty_on_delete: self.empty_on_delete,
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RepositoryOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<RepositoryOutputs<Resolved>, CallError> {
        let (ecr, name) = (ecr(cx), outputs.repository_name.as_str());
        if changed.has("ImageTagMutability") {
            let request = ecr.put_image_tag_mutability().repository_name(name);
            request.image_tag_mutability(self.mutability()).send().await.called("PutImageTagMutability")?;
        }
        if changed.has("ImageScanningConfiguration") {
            let request = ecr.put_image_scanning_configuration().repository_name(name);
            let request = request.image_scanning_configuration(self.scanning());
            request.send().await.called("PutImageScanningConfiguration")?;
        }
        if changed.has("LifecyclePolicy") {
            match &self.lifecycle_policy {
                Some(LifecyclePolicy { lifecycle_policy_text }) => {
                    let request = ecr.put_lifecycle_policy().repository_name(name);
                    let request = request.lifecycle_policy_text(lifecycle_policy_text);
                    request.send().await.called("PutLifecyclePolicy")?;
                }
                None => {
                    let request = ecr.delete_lifecycle_policy().repository_name(name);
                    request.send().await.called("DeleteLifecyclePolicy").gone_is_ok()?;
                }
            }
        }
        if changed.has("RepositoryPolicyText") {
            let answer = ecr.delete_repository_policy().repository_name(name).send().await;
            let answer = answer.called("DeleteRepositoryPolicy");
            answer.classed(&[NO_POLICY], ErrorClass::NotFound).gone_is_ok()?;
        }
        let arn = outputs.arn.as_str();
        aws::tag_by_arn!(changed.before.tags.changes_to(&self.tags), &ecr, arn, |tags| tags.list(tag))?;
        Ok(outputs.clone())
    }

    async fn contents(
        &self,
        cx: &Context,
        outputs: &RepositoryOutputs<Resolved>,
    ) -> Result<Contents, CallError> {
        // Without a filter, images that were archived are not listed.
        let any = ListImagesFilter::builder().image_status(ImageStatusFilter::Any).build();
        let request = ecr(cx).list_images().repository_name(outputs.repository_name.as_str()).filter(any);
        let pages = request.into_paginator().items().send();
        let images: Vec<ImageIdentifier> = pages.try_collect().await.called("ListImages")?;
        let digests: BTreeSet<&str> = images.iter().filter_map(ImageIdentifier::image_digest).collect();
        let uri = &outputs.repository_uri;
        let tags = images.iter().filter_map(ImageIdentifier::image_tag).map(|tag| format!("{uri}:{tag}"));
        let parts = digests.iter().map(|digest| format!("{uri}@{digest}")).chain(tags).collect();
        Ok(match digests.len() {
            0 => Contents::Empty,
            1 => Contents::Some { words: "1 image".to_owned(), parts },
            count => Contents::Some { words: format!("{count} images"), parts },
        })
    }

    async fn delete(&self, cx: &Context, outputs: &RepositoryOutputs<Resolved>) -> Result<(), CallError> {
        let request = ecr(cx)
            .delete_repository()
            .repository_name(outputs.repository_name.as_str())
            .force(self.empty_on_delete);
        request.send().await.called("DeleteRepository").gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::same_json;

    #[test]
    fn writing_does_not_matter() {
        assert!(same_json(r#"{"a":1,"b":[2]}"#, "{ \"b\": [2],\n \"a\": 1 }"));
        assert!(!same_json(r#"{"a":1}"#, r#"{"a":2}"#));
        assert!(!same_json("{", "["));
    }
}
