//! What can be wrong with an image, its source, or its push.

use std::io;
use std::path::PathBuf;

use engine::CallError;

use crate::{Digest, Platform};

/// Why an image cannot be read or pushed. `place` is the path or the name that was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The text is neither a path nor the name of an image.
    #[error("`{text}` is not an image: {reason}")]
    NotASource {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The text is a path, and nothing is there.
    #[error("`{}` does not exist", path.display())]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be read, or a temporary one cannot be written.
    #[error("cannot {action} {place}")]
    File {
        /// `read`, or what else was tried.
        action: &'static str,
        /// The path.
        place: String,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// It is a file or a directory, and not an image.
    #[error("{place} is not an image: {reason}")]
    NotAnImage {
        /// Where.
        place: String,
        /// Why not.
        reason: String,
    },
    /// It was an image, and is damaged.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// It ends too early.
    #[error("{place} is cut off: {what}")]
    CutOff {
        /// Where.
        place: String,
        /// What is not complete.
        what: String,
    },
    /// A path in an archive leads out of it.
    #[error("{place} contains the path `{name}`, which leads out of it")]
    Outside {
        /// Where.
        place: String,
        /// The path.
        name: String,
    },
    /// Something is larger than it can be.
    #[error("{what} in {place} has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Where.
        place: String,
        /// What.
        what: String,
        /// How large it is, or says that it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A blob that the image refers to is not there.
    #[error("{place} lacks {what} {digest}")]
    Missing {
        /// Where.
        place: String,
        /// `the layer`, or what else it is.
        what: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// A blob has another size than the image says.
    #[error("{digest} in {place} has {actual} bytes; the image says {declared}")]
    WrongSize {
        /// Where.
        place: String,
        /// The digest that the image gives.
        digest: Digest,
        /// The size that the image gives.
        declared: u64,
        /// The size that it has; at least this, where it is too long.
        actual: u64,
    },
    /// The content of a blob is not what its digest says.
    #[error("the content of {digest} in {place} has the digest {actual}")]
    WrongDigest {
        /// Where.
        place: String,
        /// The digest that the image gives.
        digest: Digest,
        /// The digest of what was read.
        actual: Digest,
    },
    /// There is no image for the platform.
    #[error("{place} has no image for {wanted}; it has {}", list(there))]
    Platform {
        /// Where.
        place: String,
        /// What was asked for.
        wanted: Platform,
        /// What is there, in order.
        there: Vec<Platform>,
    },
    /// There are several images for the platform.
    #[error("{place} has {} images for {wanted}: {}", names.len(), names.join(", "))]
    Several {
        /// Where.
        place: String,
        /// What was asked for.
        wanted: Platform,
        /// Their names, or digests.
        names: Vec<String>,
    },
    /// ECR or Fargate does not take it.
    #[error("{what} in {place} cannot be used: {reason}")]
    Unsupported {
        /// Where.
        place: String,
        /// What.
        what: String,
        /// Why.
        reason: &'static str,
    },
    /// The repository does not exist.
    #[error("the repository {repository} does not exist")]
    NoRepository {
        /// Its name.
        repository: String,
    },
    /// The tag belongs to another image, and may not be moved.
    #[error("the tag {tag} of {repository} is immutable and belongs to {}", other(existing))]
    TagTaken {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// The image that was to get it.
        digest: Digest,
        /// The image that has it, if it is known.
        existing: Option<String>,
    },
    /// The file with the credentials of Docker cannot be used. Its content is never quoted.
    #[error("{place} is not a valid Docker configuration: line {line}")]
    DockerConfig {
        /// The path.
        place: String,
        /// Where it is wrong.
        line: usize,
    },
    /// A registry does not give the image.
    #[error("cannot pull {place}: {cause}")]
    Registry {
        /// The name of the image.
        place: String,
        /// The request that failed, with the status as its code.
        cause: CallError,
        /// What a person can do.
        hint: String,
    },
    /// A call to AWS failed.
    #[error("{0}")]
    Call(CallError),
}

impl From<CallError> for ImageError {
    fn from(error: CallError) -> Self {
        ImageError::Call(error)
    }
}

impl ImageError {
    /// What a person can do, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            ImageError::NotASource { .. } => {
                "give the path of an OCI layout or of an archive that `docker save` wrote, or the whole name of an image, such as \
                 public.ecr.aws/nginx/nginx:1.29"
                    .to_owned()
            }
            ImageError::NoSuchPath { .. } => {
                "check the path; `docker save --output app.tar NAME` writes an archive of an image".to_owned()
            }
            ImageError::NotAnImage { .. } => {
                "write one with `docker save --output app.tar NAME` or `docker buildx build --output type=oci,dest=app.tar .`"
                    .to_owned()
            }
            ImageError::Damaged { .. }
            | ImageError::CutOff { .. }
            | ImageError::Missing { .. }
            | ImageError::WrongSize { .. }
            | ImageError::WrongDigest { .. } => {
                "it is not complete, or was changed after it was written: build, save or copy it again".to_owned()
            }
            ImageError::Outside { .. } => "do not use it: no tool that builds images writes such a path".to_owned(),
            ImageError::Platform { wanted, .. } => format!(
                "build the image for {wanted} (`docker build --platform {wanted}`), or set `ecs.architecture` to what the image has"
            ),
            ImageError::Several { .. } => "save a single image".to_owned(),
            ImageError::NoRepository { .. } => {
                "create it first with `stack up`, and check the region and the account".to_owned()
            }
            ImageError::TagTaken { .. } => {
                "push with another tag, or without one: an image can be deployed by its digest".to_owned()
            }
            ImageError::DockerConfig { .. } => "correct the file, or log in again with `docker login`".to_owned(),
            ImageError::Registry { hint, .. } => hint.clone(),
            ImageError::File { .. }
            | ImageError::TooLarge { .. }
            | ImageError::Unsupported { .. }
            | ImageError::Call(_) => return None,
        })
    }

    /// The failed call to AWS, if it is one.
    #[must_use]
    pub fn call(&self) -> Option<&CallError> {
        match self {
            ImageError::Call(error) => Some(error),
            _ => None,
        }
    }
}

fn list(there: &[Platform]) -> String {
    match there {
        [] => "none at all".to_owned(),
        there => there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn other(existing: &Option<String>) -> &str {
    existing.as_deref().unwrap_or("another image")
}
