//! Pushes an image to a repository of ECR.
//!
//! # Which API
//! ECR's own: BatchCheckLayerAvailability, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, PutImage. Its reference says of
//! these calls that they are used by the ECR proxy, and that images are generally pushed with `docker`. They are documented and part of
//! the SDK's promise, though, and there are four reasons for them: they are signed as all other calls are, without a token that has
//! to be kept secret and renewed; their errors have codes; layers come in parts, which ECR's side of the registry's API does not
//! take (aws/containers-roadmap#2831), so that a layer of gigabytes would begin again after every loss of the connection; and the
//! embedded AWS answers them inside the process, where there is no host to connect to.
//!
//! # What is repeated
//! The clients of this workspace repeat nothing by themselves. Here a call is sent again while it is throttled, finds no connection, or
//! has no answer. None of them can do harm:
//!
//! | call whose answer was lost | what the same call then meets |
//! |---|---|
//! | InitiateLayerUpload | another upload; the first is abandoned, and ECR deletes it |
//! | UploadLayerPart | InvalidLayerPartException, which says that this part was the last one received: success. Otherwise the upload begins again |
//! | CompleteLayerUpload | LayerAlreadyExistsException: success. If the upload is unknown by then, the layer is looked for |
//! | PutImage | ImageAlreadyExistsException, or ImageTagAlreadyExistsException of a tag that this image has: success |
//!
//! So nothing of a push is recorded: what it leaves behind is named by its content, and the next push finds it by that name.

use std::time::Duration;

use aws::{Called, required};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::timeout::TimeoutConfig;
use aws_sdk_ecr::operation::upload_layer_part::UploadLayerPartError;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier, ImageStatus, ImageTagMutability, LayerAvailability};
use engine::CallError;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::again::patiently;
use crate::image::Part;
use crate::{Blob, Digest, Image, ImageError, Progress};

/// The IAM actions that [`push`] needs on the repository.
pub const PUSH_ACTIONS: [&str; 7] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];

/// How many blobs are sent at the same time. Each has a part in memory, twice: as it is, and in base64.
const AT_ONCE: usize = 3;
/// How many digests one call may ask for (ECR API Reference, BatchCheckLayerAvailability).
const DIGESTS_AT_MOST: usize = 100;
/// The largest part (ECR API Reference, UploadLayerPart, `layerPartBlob`).
const PART_AT_MOST: u64 = 20 << 20;
/// How often an upload is begun.
const BEGINS_AT_MOST: u32 = 3;
/// How long a call is sent again after its first failure.
const REPEATED_FOR: Duration = Duration::from_secs(120);
/// How long a part may take: 10 MiB, in base64, at a third of a megabit per second. A connection that stands still is given up by the
/// client long before.
const PART_WITHIN: Duration = Duration::from_secs(360);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// ECR's codes that mean that an upload is not what it was.
const LOST: [&str; 2] = ["UploadNotFoundException", "InvalidLayerPartException"];

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The digest that the image has in the repository.
    pub digest: Digest,
    /// How many configurations and layers were sent.
    pub blobs: usize,
    /// How many bytes these have.
    pub bytes: u64,
    /// Whether nothing had to be done.
    pub was_there: bool,
}

/// Pushes an image, and gives it a tag if one is given. The repository may have the image, or parts of it: only what it lacks is sent.
///
/// An image without a tag can be deployed by its digest. A lifecycle policy that counts images of any `tagStatus` counts it like
/// others.
///
/// # Cancellation
/// The future may be dropped at any time. What was sent completely stays in the repository for the next push; ECR deletes uploads that
/// were not completed.
///
/// # Errors
/// - [`ImageError::NoRepository`];
/// - [`ImageError::TagTaken`], before anything is sent where that can be known;
/// - what can be wrong with a blob: then its upload is not completed;
/// - [`ImageError::Call`] for any other refusal.
pub async fn push(
    ecr: &Client,
    repository: &str,
    image: &Image,
    tag: Option<&str>,
    progress: &dyn Progress,
) -> Result<Pushed, ImageError> {
    let pushed = Push { ecr, repository, image, tag, progress }.run().await;
    pushed.map_err(|error| match error.call().and_then(|call| call.code.as_deref()) {
        Some("RepositoryNotFoundException") => ImageError::NoRepository { repository: repository.to_owned() },
        _ => error,
    })
}

struct Push<'a> {
    ecr: &'a Client,
    repository: &'a str,
    image: &'a Image,
    tag: Option<&'a str>,
    progress: &'a dyn Progress,
}

/// What came of putting the manifest.
enum Put {
    Done,
    LayersMissing(CallError),
}

fn has_code(error: &CallError, codes: &[&str]) -> bool {
    error.code.as_deref().is_some_and(|code| codes.contains(&code))
}

impl Push<'_> {
    async fn run(&self) -> Result<Pushed, ImageError> {
        let digest = self.image.digest().clone();
        let known = self.describe(ImageIdentifier::builder().image_digest(digest.as_str()).build()).await?;
        // An archived image cannot be pulled; pushing it again restores it (Amazon ECR User Guide, "Restoring an image").
        let known = known.filter(|known| known.image_status() != Some(&ImageStatus::Archived));
        let has_tag =
            |tag: &str| known.as_ref().is_some_and(|known| known.image_tags().iter().any(|own| own == tag));
        let mut pushed = Pushed { digest, blobs: 0, bytes: 0, was_there: false };
        if known.is_some() && self.tag.is_none_or(has_tag) {
            return Ok(Pushed { was_there: true, ..pushed });
        }
        self.check_tag().await?;
        if known.is_none() {
            self.send(&mut pushed, true).await?;
        }
        if let Put::LayersMissing(_) = self.put().await? {
            // Somebody deleted the image that had them, after they were looked for.
            self.send(&mut pushed, known.is_some()).await?;
            if let Put::LayersMissing(error) = self.put().await? {
                return Err(error.into());
            }
        }
        Ok(pushed)
    }

    async fn describe(&self, id: ImageIdentifier) -> Result<Option<ImageDetail>, CallError> {
        const OPERATION: &str = "DescribeImages";
        let request = self.ecr.describe_images().repository_name(self.repository).image_ids(id);
        let answer =
            patiently(OPERATION, REPEATED_FOR, || async { request.clone().send().await.called(OPERATION) })
                .await;
        match answer {
            Ok(answer) => Ok(answer.image_details.unwrap_or_default().into_iter().next()),
            Err(error) if has_code(&error, &["ImageNotFoundException"]) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The digest of the image that has the tag.
    async fn holder(&self, tag: &str) -> Result<Option<String>, CallError> {
        let found = self.describe(ImageIdentifier::builder().image_tag(tag).build()).await?;
        Ok(found.and_then(|found| found.image_digest))
    }

    fn taken(&self, tag: &str, existing: Option<String>) -> ImageError {
        let (repository, digest) = (self.repository.to_owned(), self.image.digest().clone());
        ImageError::TagTaken { repository, tag: tag.to_owned(), digest, existing }
    }

    /// Refuses a tag that surely cannot be had, before gigabytes are sent. Where a repository excepts some tags, PutImage decides.
    async fn check_tag(&self) -> Result<(), ImageError> {
        const OPERATION: &str = "DescribeRepositories";
        let Some(tag) = self.tag else { return Ok(()) };
        let holder = self.holder(tag).await?;
        if holder.as_deref().is_none_or(|holder| holder == self.image.digest().as_str()) {
            return Ok(());
        }
        let request = self.ecr.describe_repositories().repository_names(self.repository);
        let answer =
            patiently(OPERATION, REPEATED_FOR, || async { request.clone().send().await.called(OPERATION) })
                .await?;
        match answer.repositories().first().and_then(|repository| repository.image_tag_mutability()) {
            Some(ImageTagMutability::Immutable) => Err(self.taken(tag, holder)),
            _ => Ok(()),
        }
    }

    /// Sends what the repository lacks.
    async fn send(&self, pushed: &mut Pushed, tells: bool) -> Result<(), ImageError> {
        let parts = self.image.parts();
        let mut missing = Vec::new();
        for parts in parts.chunks(DIGESTS_AT_MOST) {
            let digests: Vec<_> = parts.iter().map(|(_, blob)| &blob.digest).collect();
            let there = self.available(&digests).await?;
            for (part, blob) in parts {
                match there.iter().any(|digest| digest == blob.digest.as_str()) {
                    true => self.progress.already_there(&blob.digest, blob.size),
                    false => missing.push((*part, *blob)),
                }
            }
        }
        let bytes = missing.iter().map(|(_, blob)| blob.size).sum();
        if tells {
            self.progress.begin(missing.len(), bytes);
        }
        let uploads = missing.iter().map(|(part, blob)| self.upload(*part, blob));
        futures::stream::iter(uploads).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        pushed.blobs += missing.len();
        pushed.bytes += bytes;
        Ok(())
    }

    /// Those of the digests that the repository has.
    async fn available(&self, digests: &[&Digest]) -> Result<Vec<String>, CallError> {
        const OPERATION: &str = "BatchCheckLayerAvailability";
        let digests = digests.iter().map(ToString::to_string).collect();
        let request = self.ecr.batch_check_layer_availability().repository_name(self.repository);
        let request = request.set_layer_digests(Some(digests));
        let answer =
            patiently(OPERATION, REPEATED_FOR, || async { request.clone().send().await.called(OPERATION) })
                .await?;
        let layers = answer.layers.unwrap_or_default().into_iter();
        let there = layers.filter(|layer| layer.layer_availability == Some(LayerAvailability::Available));
        Ok(there.filter_map(|layer| layer.layer_digest).collect())
    }

    /// Sends a blob. An upload that ECR does not know any more, or of which it has received something else, begins again.
    async fn upload(&self, part: Part, blob: &Blob) -> Result<(), ImageError> {
        let mut begun = 1;
        loop {
            let error = match self.upload_once(part, blob).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let is_lost = error.call().is_some_and(|call| has_code(call, &LOST));
            if !is_lost || begun == BEGINS_AT_MOST {
                return Err(error);
            }
            // The answer to its completion may be what was lost.
            if !self.available(&[&blob.digest]).await?.is_empty() {
                return Ok(());
            }
            begun += 1;
        }
    }

    async fn upload_once(&self, part: Part, blob: &Blob) -> Result<(), ImageError> {
        const INITIATE: &str = "InitiateLayerUpload";
        let seed = blob.digest.as_str();
        // Before the call: a blob that is not there begins no upload.
        let mut reader = self.image.open(part, blob).await?;
        let request = self.ecr.initiate_layer_upload().repository_name(self.repository);
        let begun =
            patiently(seed, REPEATED_FOR, || async { request.clone().send().await.called(INITIATE) }).await?;
        let id = required(begun.upload_id, INITIATE, "uploadId")?;
        let size = required(begun.part_size, INITIATE, "partSize")?;
        let size = u64::try_from(size).unwrap_or(0).clamp(1, PART_AT_MOST);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut sent = 0;
        loop {
            let bytes = reader.next(size).await?;
            if bytes.is_empty() {
                break;
            }
            let next = sent + bytes.len() as u64;
            let sending = || self.upload_part(&id, sent, next - 1, bytes.clone());
            patiently(seed, REPEATED_FOR, sending).await?;
            sent = next;
            self.progress.sent(&blob.digest, sent, blob.size);
        }
        self.complete(&id, &blob.digest).await
    }

    async fn upload_part(&self, id: &str, first: u64, last: u64, bytes: Vec<u8>) -> Result<(), CallError> {
        let number = |byte: u64| i64::try_from(byte).unwrap_or(i64::MAX);
        let within = TimeoutConfig::builder()
            .connect_timeout(CONNECT_WITHIN)
            .operation_attempt_timeout(PART_WITHIN)
            .build();
        let request = self
            .ecr
            .upload_layer_part()
            .repository_name(self.repository)
            .upload_id(id)
            .part_first_byte(number(first))
            .part_last_byte(number(last))
            .layer_part_blob(bytes.into())
            .customize()
            .config_override(aws_sdk_ecr::config::Builder::new().timeout_config(within));
        let answer = request.send().await;
        // This part, of which the answer was lost.
        if let Err(error) = &answer
            && let Some(UploadLayerPartError::InvalidLayerPartException(error)) = error.as_service_error()
            && error.last_valid_byte_received() == Some(number(last))
        {
            return Ok(());
        }
        answer.called("UploadLayerPart").map(|_| ())
    }

    async fn complete(&self, id: &str, digest: &Digest) -> Result<(), ImageError> {
        const OPERATION: &str = "CompleteLayerUpload";
        let request = self.ecr.complete_layer_upload().repository_name(self.repository).upload_id(id);
        let request = request.layer_digests(digest.as_str());
        let sending = || async { request.clone().send().await.called(OPERATION) };
        match patiently(digest.as_str(), REPEATED_FOR, sending).await {
            Ok(_) => Ok(()),
            Err(error) if has_code(&error, &["LayerAlreadyExistsException"]) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self) -> Result<Put, ImageError> {
        const OPERATION: &str = "PutImage";
        let request = self
            .ecr
            .put_image()
            .repository_name(self.repository)
            .image_manifest(self.image.manifest())
            .image_manifest_media_type(self.image.media_type())
            .image_digest(self.image.digest().as_str())
            .set_image_tag(self.tag.map(str::to_owned));
        let sending = || async { request.clone().send().await.called(OPERATION) };
        let error = match patiently(OPERATION, REPEATED_FOR, sending).await {
            Ok(_) => return Ok(Put::Done),
            Err(error) => error,
        };
        match (error.code.as_deref(), self.tag) {
            (Some("ImageAlreadyExistsException"), _) => Ok(Put::Done),
            (Some("LayersNotFoundException"), _) => Ok(Put::LayersMissing(error)),
            // ECR refuses an immutable tag also for the image that has it (aws/containers-roadmap#2380).
            (Some("ImageTagAlreadyExistsException"), Some(tag)) => match self.holder(tag).await? {
                Some(holder) if holder == self.image.digest().as_str() => Ok(Put::Done),
                holder => Err(self.taken(tag, holder)),
            },
            _ => Err(error.into()),
        }
    }
}
