//! What ECS must know of other services, and how its lists are cut into pages.

use super::invalid;
use crate::services::{ACCOUNT_ID, Cx, Refusal, page};

/// One page of a list (ECS API Reference, `maxResults`: 1 to 100) of `usual` items where the call does not say.
pub(super) fn paged<T>(
    items: Vec<T>,
    token: Option<&str>,
    max_results: Option<i64>,
    usual: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = match max_results {
        None => usual,
        Some(given) => usize::try_from(given)
            .ok()
            .filter(|size| (1..=100).contains(size))
            .ok_or_else(|| invalid("maxResults is 1 to 100."))?,
    };
    page(items, size, token).ok_or_else(|| invalid("The next token is invalid."))
}

/// Whether a key can be used.
pub(super) fn check_key(cx: &Cx<'_>, key: &str) -> Result<(), Refusal> {
    let usable = cx.r.kms.usable(key).map(drop);
    usable.map_err(|problem| invalid(format!("The KMS key {key} cannot be used. {problem}")))
}

/// Whether a log group is there; those of other regions are taken to be.
pub(super) fn log_group_exists(cx: &Cx<'_>, region: &str, name: &str) -> bool {
    region != cx.region || cx.r.logs.group(name).is_some()
}

/// Whether a secret is there; those of other regions and accounts are taken to be.
pub(super) fn secret_exists(cx: &Cx<'_>, arn: &str) -> bool {
    let here = arn.starts_with(&cx.arn("secretsmanager", "secret:"));
    !here || cx.r.secretsmanager.secret_exists(arn)
}

/// Whether a Lambda function is there, for a hook.
pub(super) fn function_exists(cx: &Cx<'_>, arn: &str) -> bool {
    arn.starts_with("arn:aws:lambda:") && cx.r.lambda.function(arn).is_some()
}

/// What is known of an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// In a registry that the emulator does not have, where every image is taken to be there.
    Elsewhere,
    /// In this account's registry, with its digest.
    Here(String),
    /// Not in this account's registry, for this reason.
    Missing(String),
}

/// Looks an image up in this account's registry of this region.
pub(super) fn image(cx: &Cx<'_>, image: &str) -> Image {
    let registry = format!("{ACCOUNT_ID}.dkr.ecr.{}.amazonaws.com/", cx.region);
    let Some(rest) = image.strip_prefix(&registry) else { return Image::Elsewhere };
    let (repository, reference) = match (rest.split_once('@'), rest.split_once(':')) {
        (Some((repository, digest)), _) => (repository.split(':').next().unwrap_or(repository), digest),
        (None, Some((repository, tag))) => (repository, tag),
        (None, None) => (rest, "latest"),
    };
    match cx.r.ecr.digest(repository, reference) {
        Some(digest) => Image::Here(digest.to_owned()),
        None => Image::Missing(format!("{image}: not found")),
    }
}

/// Whether an image is in a private registry of ECR, which a task reads with its execution role.
pub(super) fn is_private_registry(image: &str) -> bool {
    region_of_private_registry(image).is_some()
}

/// The region of the private registry of ECR that an image is in.
pub(super) fn region_of_private_registry(image: &str) -> Option<&str> {
    let (_, rest) = image.split('/').next()?.split_once(".dkr.ecr.")?;
    rest.split_once(".amazonaws.com").map(|(region, _)| region)
}
