//! Container images: where a person has one, what it is, and how it gets into a repository of ECR.
//!
//! ```no_run
//! # async fn example(ecr: aws_sdk_ecr::Client) -> Result<(), container_image::ImageError> {
//! use container_image::{Platform, Source, push};
//!
//! let image = Source::parse("app.tar")?.open(&Platform::LINUX_ARM64).await?;
//! let pushed = push(&ecr, "payment-app-dev", &image, None, &()).await?;
//! println!("{}", pushed.digest);
//! # Ok(())
//! # }
//! ```
//!
//! # Sources
//! [`Source::parse`] reads what a person gives: the path of an OCI layout (a directory, or a tar archive of one), the path of an
//! archive that `docker save` wrote, or the name of an image in a registry. [`Source::open`] narrows it to one platform and gives an
//! [`Image`]: the bytes of one manifest, and its blobs, which are read in pieces.
//!
//! # What is checked, and when
//! | what | when |
//! |---|---|
//! | manifests and configurations: digest, size, platform, media types | `open` |
//! | whether each blob of a file is there in the size that the manifest says, and not cut off | `open` |
//! | the digest and the size of each layer | while it is read: [`BlobReader`] withholds the last piece of a blob that is another one, so its upload is never completed |
//!
//! A digest is always that of bytes as they are. JSON is never written again, with one exception: the archive of an old `docker save`
//! has no manifest, and [`Image`] has one made from it, which is the same for the same archive.
//!
//! # What is accepted
//! What ECR stores and Fargate runs: OCI manifests and Docker's schema 2, layers that are plain, gzip, or (OCI only) zstd tar archives.
//! Refused, with the reason: manifests of schema 1, which current versions of containerd do not run; layers that are to be
//! fetched from somewhere else (`foreign`, `nondistributable`), which are those of Windows; encrypted layers; artifacts that are no
//! images.
//!
//! # Pushing
//! [`push`] sends only what the repository lacks; see there for what happens in case of errors.

mod again;
mod blob;
mod docker;
mod error;
mod files;
mod image;
mod layout;
mod manifest;
mod platform;
mod progress;
mod push;
mod registry;
mod select;
mod source;
mod tarball;

pub use blob::Blob;
pub use blob::BlobReader;
pub use blob::Digest;
pub use blob::LAYER_AT_MOST;
pub use blob::MANIFEST_AT_MOST;
pub use error::ImageError;
pub use image::Image;
pub use platform::Platform;
pub use progress::Progress;
pub use push::PUSH_ACTIONS;
pub use push::Pushed;
pub use push::push;
pub use registry::DockerConfig;
pub use registry::PULL_ACTIONS;
pub use registry::Registries;
pub use source::Source;
