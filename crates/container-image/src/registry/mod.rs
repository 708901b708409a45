//! Images in registries, which are pulled while they are pushed: no layer is kept on this machine.
//!
//! Requests are made with the HTTP client of the AWS SDK, which has the TLS and the proxies that calls to AWS have.

mod challenge;
mod credentials;
mod reference;
mod session;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws::{Called, required};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::{Builder, Region};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use engine::CallError;

use crate::again::patiently;
use crate::image::{Blobs, Part};
use crate::manifest::{DOCKER_LIST, DOCKER_MANIFEST, Descriptor, Kind, OCI_INDEX, OCI_MANIFEST, schema_1};
use crate::select::select;
use crate::{BlobReader, Digest, Image, ImageError, MANIFEST_AT_MOST, Platform};

pub use credentials::DockerConfig;
pub(crate) use reference::Reference;

use credentials::Basic;
use reference::Version;
use session::{Asked, Download, Session};

/// The media types that are read. Registries answer with another one if they have no choice.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.docker.distribution.manifest.v2+json";
const ANY: &str = "*/*";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const REPEATED_FOR: Duration = Duration::from_secs(45);

/// The IAM actions that it takes to pull an image from a private registry of ECR. That of another account must also let this one in.
pub const PULL_ACTIONS: [&str; 3] =
    ["ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"];

/// How registries are reached, and with which credentials.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    connector: Option<SharedHttpConnector>,
    docker: DockerConfig,
    ecr: Option<Client>,
}

impl Registries {
    /// Without credentials, and through the proxies that the environment names, as the calls of the AWS SDK.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With another way to send requests.
    #[must_use]
    pub fn with_connector(self, connector: SharedHttpConnector) -> Self {
        Self { connector: Some(connector), ..self }
    }

    /// With the credentials that `docker login` wrote.
    #[must_use]
    pub fn with_docker_config(self, docker: DockerConfig) -> Self {
        Self { docker, ..self }
    }

    /// With a client whose identity gets a token for private registries of ECR, in whichever region these are.
    #[must_use]
    pub fn with_ecr(self, ecr: Client) -> Self {
        Self { ecr: Some(ecr), ..self }
    }

    fn connector(&self) -> SharedHttpConnector {
        let make = || {
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_WITHIN).build();
            let connector = aws_smithy_http_client::ConnectorBuilder::default()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .connector_settings(settings)
                .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
                .proxy_config(ProxyConfig::from_env())
                .build();
            SharedHttpConnector::new(connector)
        };
        self.connector.clone().unwrap_or_else(make)
    }

    /// The credentials for the registry of an image.
    async fn basic(&self, reference: &Reference) -> Result<Option<Basic>, CallError> {
        const OPERATION: &str = "GetAuthorizationToken";
        let (Some(region), Some(ecr)) = (reference.ecr_region(), &self.ecr) else {
            return Ok(self.docker.of(reference.login_host()).cloned());
        };
        let token = || async {
            let elsewhere = Builder::new().region(Region::new(region.to_owned()));
            let request = ecr.get_authorization_token().customize().config_override(elsewhere);
            request.send().await.called(OPERATION)
        };
        let answer = patiently(OPERATION, REPEATED_FOR, token).await?;
        let data = answer.authorization_data.unwrap_or_default().into_iter().next();
        let token =
            required(data.and_then(|data| data.authorization_token), OPERATION, "authorizationToken")?;
        Ok(Basic::read(&token))
    }
}

/// An image in a registry.
#[derive(Debug)]
struct Remote {
    place: String,
    session: Arc<Session>,
    /// The document that the name leads to, which was read already.
    root: (Digest, Vec<u8>),
}

#[async_trait]
impl Blobs for Remote {
    fn place(&self) -> &str {
        &self.place
    }

    async fn open(&self, part: Part, digest: &Digest, size: u64) -> Result<BlobReader, ImageError> {
        let (root, bytes) = &self.root;
        if part == Part::Manifest && digest == root {
            let bytes = Box::new(std::io::Cursor::new(bytes.clone()));
            return Ok(BlobReader::new(&self.place, digest, size, bytes));
        }
        let (path, accept) = match part {
            Part::Manifest => (format!("manifests/{digest}"), ACCEPT),
            Part::Config | Part::Layer => (format!("blobs/{digest}"), ANY),
        };
        let download = Download::new(self.session.clone(), path, accept, size);
        Ok(BlobReader::new(&self.place, digest, size, Box::new(download)))
    }

    /// A registry shows only while it is read what is missing in it: to ask for each blob first would double the requests, of which
    /// some registries let few through.
    async fn check(&self, _: Part, _: &Digest, _: u64) -> Result<(), ImageError> {
        Ok(())
    }
}

/// The image for a platform.
pub(crate) async fn open(
    reference: &Reference,
    registries: &Registries,
    wanted: &Platform,
) -> Result<Image, ImageError> {
    let place = reference.to_string();
    let basic = registries.basic(reference).await?;
    let is_ecr = reference.ecr_region().is_some();
    let session = Arc::new(Session {
        connector: registries.connector(),
        helper: registries.docker.helper(reference.login_host()).map(str::to_owned),
        // ECR takes the token as it is; others say what they want.
        authorization: Mutex::new(basic.as_ref().filter(|_| is_ecr).map(Basic::header)),
        basic,
        reference: reference.clone(),
    });
    let path = format!("manifests/{}", reference.version.as_str());
    let asked = Asked { path: &path, accept: ACCEPT, from: 0 };
    let (response, bytes) = session.document(asked, MANIFEST_AT_MOST).await?;
    let actual = Digest::of(&bytes);
    let told = response.headers().get("docker-content-digest").map(str::to_owned);
    let expected = match &reference.version {
        Version::Digest(digest) => Some(digest.clone()),
        Version::Tag(_) => told.and_then(|told| Digest::try_from(told).ok()),
    };
    if let Some(digest) = expected.filter(|expected| *expected != actual) {
        return Err(ImageError::WrongDigest { place, digest, actual });
    }
    let media_type = response.headers().get("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    let root = match Kind::of(&media_type) {
        Kind::Schema1 => return Err(schema_1(&place)),
        Kind::Other => {
            let reason = format!(
                "the registry answers with `{media_type}`, and not with one of {}",
                [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ")
            );
            return Err(ImageError::NotAnImage { place, reason });
        }
        Kind::Manifest | Kind::Index => Descriptor {
            media_type,
            digest: actual.clone(),
            size: bytes.len() as u64,
            platform: None,
            annotations: None,
        },
    };
    let remote = Remote { place, session, root: (actual, bytes) };
    select(Arc::new(remote), vec![root], wanted).await
}
