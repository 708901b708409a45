//! Whether there is what a new revision is to pull, before anything is made for it; and whether there still is what runs.
//!
//! A task that cannot pull its image does not start, and its deployment is rolled back after minutes (ECS Developer Guide,
//! "CannotPullContainer task errors in Amazon ECS"). Of private registries of ECR in the stack's own region it can be asked. An image
//! that is not there may still be pulled where the registry has a pull through cache rule for the repository's prefix (ECR User
//! Guide, "Sync an upstream registry with an Amazon ECR private registry").

use std::collections::BTreeSet;

use aws::{CallResult, Called, Context, NAME_PREFIX};
use aws_sdk_ecr::types::ImageIdentifier;
use engine::{CallError, ErrorClass, Foreseen, Resource as _, Term, Wish};
use serde_json::Value;

use super::repository::Repository;
use super::service::MissingImage;
use crate::declare::NO_IMAGE;

/// An image of a private registry of ECR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Image<'a> {
    account: &'a str,
    region: &'a str,
    repository: &'a str,
    /// `:tag` or `@digest`.
    reference: &'a str,
}

impl<'a> Image<'a> {
    /// `None` where it is not in such a registry.
    fn parse(text: &'a str) -> Option<Self> {
        let (host, path) = text.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let (region, _) = rest.split_once(".amazonaws.com")?;
        let at = path.find('@').or_else(|| path.rfind(':'))?;
        let (repository, reference) = path.split_at(at);
        // With a tag and a digest, the digest counts.
        let repository = repository.split(':').next().unwrap_or(repository);
        Some(Self { account, region, repository, reference })
    }

    async fn is_there(self, cx: &Context) -> Result<bool, CallError> {
        let request = ecr(cx)
            .describe_images()
            .registry_id(self.account)
            .repository_name(self.repository)
            .image_ids(identifier(self.reference));
        Ok(request.send().await.called("DescribeImages").if_exists()?.is_some())
    }

    async fn can_be_pulled(self, cx: &Context) -> Result<bool, CallError> {
        Ok(self.is_there(cx).await? || self.may_be_fetched(cx).await?)
    }

    /// Whether pulling it may bring it there.
    async fn may_be_fetched(self, cx: &Context) -> Result<bool, CallError> {
        let request = ecr(cx).describe_pull_through_cache_rules().registry_id(self.account);
        let pages = request.into_paginator().items().send();
        let rules: Vec<_> = pages.try_collect().await.called("DescribePullThroughCacheRules")?;
        // `ROOT` is a rule for everything that has none of its own (ECR API Reference, CreatePullThroughCacheRule).
        let holds = |prefix: &str| {
            prefix == "ROOT" || self.repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
        };
        Ok(rules.iter().filter_map(|rule| rule.ecr_repository_prefix()).any(holds))
    }
}

/// What `:tag` or `@digest` means in a repository.
pub(crate) fn identifier(reference: &str) -> ImageIdentifier {
    match reference.strip_prefix('@') {
        Some(digest) => ImageIdentifier::builder().image_digest(digest).build(),
        None => ImageIdentifier::builder().image_tag(reference.trim_start_matches(':')).build(),
    }
}

/// The image of a container that runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningImage {
    /// The container.
    pub container: String,
    /// The name of the image, as the task definition has it.
    pub image: String,
    /// The digest that was pulled, if that is known.
    pub digest: Option<String>,
}

/// Those of the images that run that no other task could pull. ECS holds the tasks of a deployment to the digest that it began with
/// (ECS Developer Guide, "Container image resolution"), so the digest is looked for, and whether there is still a tag does not
/// matter.
pub(super) async fn missing(
    cx: &Context,
    running: &BTreeSet<RunningImage>,
) -> Result<Vec<MissingImage>, CallError> {
    let mut missing = Vec::new();
    for RunningImage { image: name, digest, .. } in running {
        let Some(named) = Image::parse(name).filter(|image| image.region == cx.region()) else { continue };
        let by_digest = digest.as_ref().map(|digest| format!("@{digest}"));
        let image = Image { reference: by_digest.as_deref().unwrap_or(named.reference), ..named };
        let whole = || {
            let host = name.split('/').next().unwrap_or_default();
            format!("{host}/{}{}", image.repository, image.reference)
        };
        match image.can_be_pulled(cx).await {
            Ok(true) => {}
            Ok(false) => missing.push(MissingImage { image: whole(), denied: false }),
            // Somebody else's registry may let tasks pull from it and nobody look.
            Err(error) if error.class == ErrorClass::Denied && image.account != cx.account_id() => {}
            Err(error) if error.class == ErrorClass::Denied => {
                missing.push(MissingImage { image: whole(), denied: true });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

fn ecr(cx: &Context) -> aws_sdk_ecr::Client {
    cx.client(aws_sdk_ecr::Client::new)
}

/// Refuses a revision with an image that is not there.
pub(super) async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
    let own = format!("{NAME_PREFIX}app-{}", cx.identity().environment);
    let is_replaced = wish.going.iter().any(|going| going.kind == Repository::KIND);
    let containers = wish.declared["ContainerDefinitions"].as_array().map_or(&[][..], Vec::as_slice);
    let mut known = BTreeSet::new();
    for container in containers {
        match Term::of(&container["Image"]) {
            Term::Plain(Value::String(text)) => known.extend(Image::parse(text)),
            // With it no task is started.
            Term::Join([_, Value::String(reference)]) if reference == NO_IMAGE => {}
            // It begins with the name of the tier's own repository, which is not recorded. Where the state was lost, it is there all
            // the same, and is found.
            Term::Join([first, Value::String(reference)])
                if matches!(Term::of(first), Term::Reference { .. }) =>
            {
                let (account, region) = (cx.account_id(), cx.region());
                let image = Image { account, region, repository: &own, reference };
                let is_there = match image.is_there(cx).await {
                    Ok(is_there) => is_there,
                    Err(error) if error.class == ErrorClass::Denied => true,
                    Err(error) => return Err(error),
                };
                // With one that is replaced its images go, and the plan says so.
                if is_replaced {
                    return Ok(Foreseen::warning(format!(
                        "comes from a repository that this run makes anew: as long as it has no image `{reference}`, no task can start, \
                         and the run fails"
                    )));
                }
                if !is_there {
                    return Ok(Foreseen::refusal(
                        format!(
                            "there is no image `{reference}` in the repository {own} of registry {account} in {region}, which this run \
                             would make, so no task could start"
                        ),
                        FIRST,
                    ));
                }
            }
            _ => {}
        }
    }
    let asked = |image: &Image<'_>| image.region == cx.region() && image.reference != NO_IMAGE;
    for image in known.into_iter().filter(asked) {
        if !image.can_be_pulled(cx).await? {
            let Image { repository, reference, account, region } = image;
            return Ok(Foreseen::refusal(
                format!(
                    "there is no image `{reference}` in the repository {repository} of registry {account} in {region}, so no \
                     task could start"
                ),
                HINT,
            ));
        }
    }
    Ok(Foreseen::nothing())
}

const FIRST: &str = "leave `ecs.image` out of the first `up`, which makes the repository; then `stack deploy IMAGE` pushes an image and \
                     runs it";

const HINT: &str = "`stack deploy IMAGE` pushes an image and runs it; or name one that is there by its tag or digest, in `ecs.image` or `ecs.tracing_image`";

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn only_private_registries_of_ecr_are_asked() {
        let digest = format!("@sha256:{}", "0f".repeat(32));
        let name = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app{digest}");
        let image = |repository, reference| Image {
            account: "123456789012",
            region: "eu-west-1",
            repository,
            reference,
        };
        assert_eq!(Image::parse(&name), Some(image("team/app", &digest)));
        assert_eq!(
            Image::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn/app:v1"),
            Some(image("app", ":v1"))
        );
        let both = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1{digest}");
        assert_eq!(Image::parse(&both), Some(image("team/app", &digest)));
        for other in ["nginx:1.29", "public.ecr.aws/nginx/nginx:1.29", "registry.example:5000/app:1"] {
            assert_eq!(Image::parse(other), None);
        }
    }
}
