//! What a person gives as an image, and how it gets into the environment's repository.
//!
//! A push only adds what nobody has named yet: layers and a manifest without a tag. It is recorded before its first call all the same,
//! so that the record tells who sent what; the next push of the same image sends only what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use container_image::{
    Digest, DockerConfig, Image, ImageError, Platform, Progress, Registries, Source, push,
};
use ecs::operations;
use engine::{Outcome, visible};
use serde_json::json;

use crate::codes::Code;
use crate::deploy::{Names, called};
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::note;
use crate::run::Work;
use crate::signals::Signals;
use crate::state_records::Entered;

/// The name under which the state has a push that is under way.
const PUSHING: &str = "ecs.push";
/// How often it is told how far a push has come.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// A task's disk, on which its image lies both compressed and not: 20 GiB (ECS Developer Guide, "Fargate task ephemeral storage for
/// Amazon ECS").
const FARGATE_STORAGE: u64 = 20 << 30;

/// How much of a layer is read at once.
const PIECE: usize = 1 << 20;

/// What is to be deployed.
pub(crate) enum ImageSource {
    /// What is in the repository already: `:tag` or `@digest`.
    InRepository(String),
    /// An image that is somewhere else.
    Elsewhere(Box<Image>),
}

impl Work {
    /// Finds out what is meant, and whether the tasks could run it, before anything is called.
    pub(crate) async fn image_source(&self, text: &str) -> Result<ImageSource, Failure> {
        if text.starts_with([':', '@']) {
            ecs::check_reference(text).map_err(|reason| {
                Failure::new(Exit::Configuration, format!("`{}` names no image: {reason}", visible(text)))
                    .coded(Code::Image)
                    .hint("`:TAG` or `@sha256:` and 64 hexadecimal digits; nothing was changed")
            })?;
            return Ok(ImageSource::InRepository(text.to_owned()));
        }
        let host = text.split('/').next().unwrap_or(text);
        if host.contains('@') && !host.contains("@sha256:") && !std::path::Path::new(text).exists() {
            return Err(Failure::new(
                Exit::Configuration,
                "the name of an image has no user and no password in it",
            )
            .coded(Code::Image)
            .hint("`docker login` keeps them where they are found; nothing was changed"));
        }
        let containers = self.loaded.config.section::<ecs::Tier>();
        let platform = Platform::of_ecs(containers.architecture.name()).ok_or_else(|| {
            Failure::new(Exit::Failed, "an architecture without a platform").coded(Code::Defect)
        })?;
        let source = Source::parse(text).map_err(refused)?;
        let mut registries = Registries::new();
        if source.is_remote() {
            // The image may be in a registry of ECR, for which the same credentials get a token.
            let cloud = self.connect().await?;
            registries = registries
                .with_docker_config(docker_config().map_err(refused)?)
                .with_ecr(cloud.context.client(aws_sdk_ecr::Client::new));
        }
        let image = source.open_with(&platform, &registries).await.map_err(refused)?;
        note(&format!(
            "{}: {} for {}, {} in {} layers{}",
            visible(image.place()),
            short(image.digest()),
            image.platform(),
            size(image.size()),
            image.layers().len(),
            image.created().map_or_else(String::new, |created| format!(", built {}", visible(created)))
        ));
        if image.size() > FARGATE_STORAGE {
            let message = format!(
                "{} has {} of compressed layers, and a task on Fargate has {} for its image and its files",
                visible(image.place()),
                size(image.size()),
                size(FARGATE_STORAGE)
            );
            return Err(Failure::new(Exit::Configuration, message)
                .coded(Code::Image)
                .hint("make the image smaller: leave out what only the build needs; nothing was changed"));
        }
        if !source.is_remote() {
            // Before anything is made for an image that is damaged.
            for blob in image.layers().iter().chain([image.config()]) {
                let mut reader = image.read(blob).await.map_err(refused)?;
                while !reader.next(PIECE).await.map_err(refused)?.is_empty() {}
            }
        }
        Ok(ImageSource::Elsewhere(Box::new(image)))
    }

    /// Has the image in the environment's repository: its digest there. `None` if it was interrupted.
    pub(crate) async fn in_repository(
        &self,
        source: ImageSource,
        signals: &Signals,
    ) -> Result<Option<String>, Failure> {
        let Names { repository, .. } = self.names(&self.recorded().await?)?;
        let Some(cloud) = signals.unless(self.connect()).await else { return Ok(None) };
        let cx = &cloud?.context;
        let image = match source {
            ImageSource::Elsewhere(image) => image,
            ImageSource::InRepository(reference) => {
                let looked = signals.unless(operations::digest_of(cx, &repository, &reference)).await;
                let Some(found) = looked else { return Ok(None) };
                return found.map_err(called)?.map(Some).ok_or_else(|| {
                    let message = format!("there is no image `{}` in the repository {repository}", visible(&reference));
                    Failure::new(Exit::Configuration, message)
                        .coded(Code::Image)
                        .hint("name an image that is there, or a file or directory that has it; nothing was changed")
                });
            }
        };
        let ecr = cx.client(aws_sdk_ecr::Client::new);
        let pushed = self
            .in_ledger(self.purpose, signals, async |ledger| {
                let digest = image.digest().as_str();
                let begun = json!({ "repository": repository, "image": digest, "who": self.by().who });
                ledger.remember(PUSHING, Some(begun)).await.map_err(engine_failure)?;
                let told = Told::default();
                let Some(pushed) = signals.unless(push(&ecr, &repository, &image, None, &told)).await else {
                    return Ok(Entered { outcome: Outcome::Interrupted, told: None });
                };
                let pushed = pushed.map_err(refused)?;
                ledger.remember(PUSHING, None).await.map_err(engine_failure)?;
                Ok(Entered { outcome: Outcome::Done, told: Some(pushed) })
            })
            .await?;
        let Some((Some(pushed), _)) = pushed else { return Ok(None) };
        match pushed.was_there {
            true => note(&format!("{} is in {repository} already", short(&pushed.digest))),
            false => note(&format!(
                "pushed {} into {repository}: {} sent",
                short(&pushed.digest),
                size(pushed.bytes)
            )),
        }
        Ok(Some(pushed.digest.as_str().to_owned()))
    }
}

/// What `docker login` wrote, where Docker looks for it: `config.json` in `DOCKER_CONFIG`, or in `.docker` of the home directory.
fn docker_config() -> Result<DockerConfig, ImageError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = variable("DOCKER_CONFIG").or_else(|| Some(variable("HOME")?.join(".docker")));
    directory.map_or_else(
        || Ok(DockerConfig::default()),
        |directory| DockerConfig::read(&directory.join("config.json")),
    )
}

/// What cannot be read, or was refused by ECR.
fn refused(error: ImageError) -> Failure {
    if let Some(call) = error.call() {
        return called(call.clone());
    }
    let failure = Failure::from_error(Exit::Configuration, &error).coded(Code::Image);
    match error.hint() {
        Some(hint) => failure.hint(format!("{hint}. Nothing was deployed")),
        None => failure.hint("nothing was deployed"),
    }
}

/// A digest as people compare it.
fn short(digest: &Digest) -> &str {
    digest.hex().get(..12).unwrap_or(digest.hex())
}

/// `12.3 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Says how far a push has come: each layer that is there, and from time to time the whole.
#[derive(Default)]
struct Told(Mutex<Sent>);

#[derive(Default)]
struct Sent {
    layers: usize,
    bytes: u64,
    /// What was sent of each, so that one that begins again is not counted twice.
    of: BTreeMap<String, u64>,
    done: BTreeSet<String>,
    told: Option<Instant>,
}

impl Told {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Told {
    fn begin(&self, blobs: usize, bytes: u64) {
        let mut sent = self.sent();
        (sent.layers, sent.bytes) = (blobs, bytes);
        note(&format!("sending {blobs} layers and configurations, {}", size(bytes)));
    }

    fn already_there(&self, digest: &Digest, bytes: u64) {
        note(&format!("  {}: is there ({})", short(digest), size(bytes)));
    }

    fn sent(&self, digest: &Digest, part: u64, whole: u64) {
        let mut sent = Told::sent(self);
        sent.of.insert(digest.hex().to_owned(), part);
        let total: u64 = sent.of.values().sum();
        let is_done = part >= whole && sent.done.insert(digest.hex().to_owned());
        let is_due = sent.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_done || is_due {
            sent.told = Some(Instant::now());
            note(&format!(
                "  {}: {} of {}; in all {} of {}, {} of {} done",
                short(digest),
                size(part),
                size(whole),
                size(total),
                size(sent.bytes),
                sent.done.len(),
                sent.layers
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_in_the_unit_that_fits() {
        let told: Vec<String> = [999, 1_000, 12_345_678, 3_200_000_000].into_iter().map(size).collect();
        assert_eq!(told, ["999 bytes", "1.0 kB", "12.3 MB", "3.2 GB"]);
    }
}
