//! ECR: repositories, their policies, images by their manifests, and the layers that these name.
//!
//! Images come and go over two APIs, that of ECR and that of registries ([`registry`]), which are two ways to the same store.
//! Lifecycle policies are checked and kept, and expire nothing.

mod image;
mod layer;
mod lifecycle;
mod policy;
pub(crate) mod registry;
mod repository;
mod tags;
mod token;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::repository::Repository;
use self::tags::TAGS;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, Table,
    ensure, kinds, rate, spread, unknown_operation,
};

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// State of an earlier version, which had no layers, has none.
    #[serde(default = "State::first_ids")]
    ids: IdSource,
    /// By name.
    repositories: BTreeMap<String, Repository>,
}

/// ECR API Reference, "InvalidParameterException".
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

kinds! {
    Repository: no_repository, |name| {
        let message =
            format!("The repository with name '{name}' already exists in the registry with id '{ACCOUNT_ID}'");
        Refusal::new("RepositoryAlreadyExistsException", message)
    };
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameterException";
    // Amazon ECR User Guide, "Amazon ECR service quotas": 10 changes of images a second are the least of its rates; those
    // of repositories are not published. Those of layers are from memory.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["GetAuthorizationToken"], rate(500.0, 500.0)),
        Limit::of(&["BatchGetImage"], rate(2000.0, 2000.0)),
        Limit::of(&["PutImage"], rate(10.0, 10.0)),
        Limit::of(&["InitiateLayerUpload", "CompleteLayerUpload"], rate(100.0, 100.0)),
        Limit::of(&["UploadLayerPart"], rate(500.0, 500.0)),
        Limit::of(&["BatchCheckLayerAvailability", "GetDownloadUrlForLayer"], rate(1000.0, 1000.0)),
        Limit::reads(rate(50.0, 20.0)),
        Limit::any(rate(20.0, 10.0)),
    ]);
    // Estimate.
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateRepository", spread(0.7, 0.3, 2.0)), ("DeleteRepository", spread(0.5, 0.3, 1.0))];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, repositories: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateRepository" => repository::create(cx, call),
            "DescribeRepositories" => repository::describe(cx, call),
            "DeleteRepository" => repository::delete(cx, call),
            "PutImageTagMutability" => repository::put_mutability(cx, call),
            "PutImageScanningConfiguration" => repository::put_scanning(cx, call),

            "PutLifecyclePolicy" => policy::put_lifecycle(cx, call),
            "GetLifecyclePolicy" => policy::get_lifecycle(cx, call),
            "DeleteLifecyclePolicy" => policy::delete_lifecycle(cx, call),
            "SetRepositoryPolicy" => policy::set(cx, call),
            "GetRepositoryPolicy" => policy::get(cx, call),
            "DeleteRepositoryPolicy" => policy::delete(cx, call),

            "PutImage" => image::put(cx, call),
            "BatchGetImage" => image::get(cx, call),
            "BatchDeleteImage" => image::delete(cx, call),
            "DescribeImages" => image::describe(cx, call),
            "ListImages" => image::list(cx, call),
            "UpdateImageStorageClass" => image::update_storage_class(cx, call),

            "BatchCheckLayerAvailability" => layer::check(cx, call),
            "InitiateLayerUpload" => layer::initiate(cx, call),
            "UploadLayerPart" => layer::upload_part(cx, call),
            "CompleteLayerUpload" => layer::complete_upload(cx, call),

            "TagResource" => TAGS.tag(cx, call),
            "UntagResource" => TAGS.untag(cx, call),
            "ListTagsForResource" => TAGS.list(cx, call),

            "DescribePullThroughCacheRules" => pull_through_rules(call),
            "GetAuthorizationToken" => token::get(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object = |repository: &Repository| {
            let name = &repository.repository_name;
            Object::new("ecr", home, "AWS::ECR::Repository", name, repository.tags.clone()).named(name)
        };
        self.repositories.values().map(object).collect()
    }
}

/// No rule can be made here, so there is none (ECR API Reference, DescribePullThroughCacheRules).
fn pull_through_rules(call: &Call) -> Answer {
    match call
        .parameters
        .get("ecrRepositoryPrefixes")
        .and_then(Value::as_array)
        .and_then(|names| names.first())
    {
        None => Ok(json!({"pullThroughCacheRules": []})),
        Some(prefix) => Err(Refusal::new(
            "PullThroughCacheRuleNotFoundException",
            format!(
                "Pull through cache rule with the Amazon ECR repository prefix {prefix} does not exist in the registry with id \
                 '{ACCOUNT_ID}'"
            ),
        )),
    }
}

impl State {
    fn first_ids() -> IdSource {
        IdSource::new(0, "ecr")
    }

    /// The digest of an image that can be pulled, by its tag or digest.
    pub(crate) fn digest(&self, repository: &str, reference: &str) -> Option<&str> {
        let repository = self.repositories.get(repository)?;
        let digest = repository.digest(reference)?;
        repository.images.get(digest)?.can_be_pulled().then_some(digest)
    }

    fn repository(&self, registry: Option<&str>, name: &str) -> Result<&Repository, Refusal> {
        check_registry(registry, name)?;
        self.repositories.find(name)
    }

    fn repository_mut(&mut self, registry: Option<&str>, name: &str) -> Result<&mut Repository, Refusal> {
        check_registry(registry, name)?;
        self.repositories.find_mut(name)
    }
}

/// Whether a text is a digest that images and layers have here.
fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:");
    hex.is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// There is one registry.
fn check_registry(registry: Option<&str>, name: &str) -> Result<(), Refusal> {
    ensure(registry.is_none_or(|registry| registry == ACCOUNT_ID), || no_repository(name))
}

fn no_repository(name: &str) -> Refusal {
    let message =
        format!("The repository with name '{name}' does not exist in the registry with id '{ACCOUNT_ID}'");
    Refusal::new("RepositoryNotFoundException", message)
}
