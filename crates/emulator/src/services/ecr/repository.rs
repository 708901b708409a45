//! Repositories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::image::Image;
use super::layer::{Layer, Upload};
use super::{invalid, tags};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, Table, Tag, Tags, fits_stars, page, to_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Repository {
    pub(super) repository_arn: String,
    registry_id: String,
    pub(super) repository_name: String,
    pub(super) repository_uri: String,
    created_at: f64,
    image_tag_mutability: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag_mutability_exclusion_filters: Option<Vec<Exclusion>>,
    pub(super) image_scanning_configuration: Scanning,
    encryption_configuration: Encryption,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_lifecyclePolicy")]
    pub(super) lifecycle_policy: Option<String>,
    #[serde(rename = "_policy")]
    pub(super) policy: Option<String>,
    /// By digest.
    #[serde(rename = "_images")]
    pub(super) images: BTreeMap<String, Image>,
    /// By digest. State of an earlier version has none.
    #[serde(rename = "_layers", default)]
    pub(super) layers: BTreeMap<String, Layer>,
    /// By id.
    #[serde(rename = "_uploads", default)]
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Where the bytes of its layers are, once there were some.
    #[serde(rename = "_place", default)]
    pub(super) place: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Exclusion {
    filter_type: String,
    filter: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Scanning {
    #[serde(default)]
    pub(super) scan_on_push: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Encryption {
    encryption_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
}

impl Repository {
    /// The digest of an image, by its tag or digest.
    pub(super) fn digest(&self, reference: &str) -> Option<&str> {
        let mut images = self.images.iter();
        let is_it = |(digest, image): &(&String, &Image)| *digest == reference || image.has_tag(reference);
        images.find(is_it).map(|(digest, _)| digest.as_str())
    }

    /// Whether images can be encrypted.
    pub(super) fn check_key(&self, cx: &Cx<'_>) -> Result<(), Refusal> {
        let key = self.encryption_configuration.kms_key.as_deref();
        key.map_or(Ok(()), |key| key_arn(cx, key).map(drop))
    }

    /// Whether a tag that is there stays where it is (Amazon ECR User Guide, "Preventing image tags from being overwritten
    /// in Amazon ECR").
    pub(super) fn is_fixed(&self, tag: &str) -> bool {
        let is_excluded = self
            .image_tag_mutability_exclusion_filters
            .iter()
            .flatten()
            .any(|exclusion| fits_stars(&exclusion.filter, tag));
        match self.image_tag_mutability.as_str() {
            "IMMUTABLE" => true,
            "IMMUTABLE_WITH_EXCLUSION" => !is_excluded,
            "MUTABLE_WITH_EXCLUSION" => is_excluded,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    registry_id: Option<String>,
    repository_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
    image_tag_mutability: Option<String>,
    image_tag_mutability_exclusion_filters: Option<Vec<Exclusion>>,
    #[serde(default)]
    image_scanning_configuration: Scanning,
    encryption_configuration: Option<Encryption>,
}

/// ECR API Reference, CreateRepository.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Create = call.input()?;
    if input.registry_id.is_some_and(|registry| registry != ACCOUNT_ID) {
        return Err(invalid("A repository can only be made in the registry of the caller."));
    }
    let name = input.repository_name;
    let mutability = input.image_tag_mutability.unwrap_or_else(|| "MUTABLE".to_owned());
    check_mutability(&mutability, input.image_tag_mutability_exclusion_filters.as_deref())?;
    let tags = tags::read(input.tags)?;
    cx.r.ecr.repositories.check_free(&name)?;
    let repository = Repository {
        repository_arn: cx.arn("ecr", &format!("repository/{name}")),
        registry_id: ACCOUNT_ID.to_owned(),
        repository_uri: format!("{ACCOUNT_ID}.dkr.ecr.{}.amazonaws.com/{name}", cx.region),
        repository_name: name.clone(),
        created_at: cx.now_seconds(),
        image_tag_mutability: mutability,
        image_tag_mutability_exclusion_filters: input.image_tag_mutability_exclusion_filters,
        image_scanning_configuration: input.image_scanning_configuration,
        encryption_configuration: encryption(cx, input.encryption_configuration)?,
        tags,
        lifecycle_policy: None,
        policy: None,
        images: BTreeMap::new(),
        layers: BTreeMap::new(),
        uploads: BTreeMap::new(),
        place: None,
    };
    let answer = json!({"repository": to_json(&repository)});
    cx.r.ecr.repositories.insert(name, repository);
    Ok(answer)
}

/// ECR API Reference, EncryptionConfiguration: with S3's keys, or with a key of KMS, which is AWS's own unless another is
/// named.
fn encryption(cx: &Cx<'_>, given: Option<Encryption>) -> Result<Encryption, Refusal> {
    let given = given.unwrap_or_else(|| Encryption { encryption_type: "AES256".to_owned(), kms_key: None });
    match (given.encryption_type.as_str(), &given.kms_key) {
        ("AES256", Some(_)) => Err(invalid("A KMS key cannot be given with the encryption type AES256.")),
        ("AES256", None) => Ok(given),
        (_, key) => {
            let key = key.as_deref().unwrap_or("alias/aws/ecr");
            Ok(Encryption { kms_key: Some(key_arn(cx, key)?), ..given })
        }
    }
}

/// The ARN of a key that can be used (ECR API Reference, `KmsException`).
fn key_arn(cx: &Cx<'_>, key: &str) -> Result<String, Refusal> {
    let key = cx.r.kms.usable(key).map_err(|problem| Refusal::new("KmsException", problem.to_string()))?;
    Ok(key.arn.clone())
}

/// ECR API Reference, CreateRepository, `imageTagMutabilityExclusionFilters`.
fn check_mutability(mutability: &str, filters: Option<&[Exclusion]>) -> Result<(), Refusal> {
    match (mutability.ends_with("_WITH_EXCLUSION"), filters.is_some_and(|filters| !filters.is_empty())) {
        (true, false) => Err(invalid(format!("{mutability} needs exclusion filters."))),
        (false, true) => Err(invalid(format!("{mutability} takes no exclusion filters."))),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Describe {
    registry_id: Option<String>,
    #[serde(default)]
    repository_names: Vec<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// ECR API Reference, DescribeRepositories: those that are named, which must all be there, or all, in pages of 100.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Describe = call.input()?;
    let state = &cx.r.ecr;
    let registry = input.registry_id.as_deref();
    if !input.repository_names.is_empty() {
        let found: Result<Vec<Value>, Refusal> =
            input.repository_names.iter().map(|name| state.repository(registry, name).map(to_json)).collect();
        return Ok(json!({"repositories": found?}));
    }
    let all = state.repositories.values().map(to_json).collect();
    let bad_token = || invalid("The next token is invalid.");
    let size = input.max_results.unwrap_or(100);
    let (found, next) = page::<Value>(all, size, input.next_token.as_deref()).ok_or_else(bad_token)?;
    Ok(json!({"repositories": found, "nextToken": next}))
}

/// ECR API Reference, DeleteRepository: with images only by force.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name, force): (Option<String>, String, bool) =
        call.members(&["registryId", "repositoryName", "force"])?;
    let repository = cx.r.ecr.repository(registry_id.as_deref(), &name)?;
    if !repository.images.is_empty() && !force {
        let message = format!(
            "The repository with name '{name}' in registry with id '{ACCOUNT_ID}' cannot be deleted because it still \
             contains images"
        );
        return Err(Refusal::new("RepositoryNotEmptyException", message));
    }
    let answer = json!({"repository": to_json(repository)});
    if let Some(place) = &repository.place {
        cx.blobs.give_up(place);
    }
    cx.r.ecr.repositories.remove(&name);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PutMutability {
    registry_id: Option<String>,
    repository_name: String,
    image_tag_mutability: String,
    image_tag_mutability_exclusion_filters: Option<Vec<Exclusion>>,
}

/// ECR API Reference, PutImageTagMutability.
pub(super) fn put_mutability(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: PutMutability = call.input()?;
    let filters = input.image_tag_mutability_exclusion_filters;
    let repository = cx.r.ecr.repository_mut(input.registry_id.as_deref(), &input.repository_name)?;
    check_mutability(&input.image_tag_mutability, filters.as_deref())?;
    repository.image_tag_mutability = input.image_tag_mutability;
    repository.image_tag_mutability_exclusion_filters = filters;
    Ok(json!({
        "registryId": ACCOUNT_ID,
        "repositoryName": input.repository_name,
        "imageTagMutability": repository.image_tag_mutability,
        "imageTagMutabilityExclusionFilters": repository.image_tag_mutability_exclusion_filters,
    }))
}

/// ECR API Reference, PutImageScanningConfiguration.
pub(super) fn put_scanning(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, repository_name, image_scanning_configuration): (Option<String>, String, Scanning) =
        call.members(&["registryId", "repositoryName", "imageScanningConfiguration"])?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &repository_name)?;
    repository.image_scanning_configuration = image_scanning_configuration;
    Ok(json!({
        "registryId": ACCOUNT_ID,
        "repositoryName": repository_name,
        "imageScanningConfiguration": repository.image_scanning_configuration,
    }))
}
