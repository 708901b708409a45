//! Images in registries: the embedded AWS's own, and one that does what registries do to their clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_ecr::Client;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use container_image::{Digest, DockerConfig, Image, ImageError, Platform, Registries, Source, push};
use emulator::Emulator;
use http::Request;
use serde_json::json;

use crate::made::{At, INDEX, MANIFEST, Made, bytes};

const AMD64: Platform = Platform::LINUX_AMD64;
const HOST: &str = "123456789012.dkr.ecr.ap-southeast-1.amazonaws.com";

fn layers() -> Vec<Vec<u8>> {
    vec![bytes(1, 30_000), bytes(2, 5000)]
}

async fn content(image: &Image) -> Result<Vec<Vec<u8>>, ImageError> {
    let mut layers = Vec::new();
    for layer in image.layers() {
        layers.push(image.read(layer).await?.next(100_000).await?);
    }
    Ok(layers)
}

/// An account with repositories `app`, which has an image, and `copy`.
async fn account(emulator: &Emulator) -> (Client, Image, At) {
    let ecr = testing::context(emulator).client(Client::new);
    for name in ["app", "copy"] {
        ecr.create_repository().repository_name(name).send().await.unwrap();
    }
    let at = Made::saved("amd64", &layers()).tar();
    let image = at.open(&AMD64).await.unwrap();
    push(&ecr, "app", &image, Some("1.0"), &()).await.unwrap();
    (ecr, image, at)
}

/// Sends requests to an account in this process.
#[derive(Debug)]
struct Within(Emulator);

impl HttpConnector for Within {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let emulator = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().unwrap();
            let (parts, body) = request.into_parts();
            let body = body.bytes().unwrap_or_default().to_vec();
            let answer = emulator.exchange(Request::from_parts(parts, body)).await;
            let answer = answer.ok_or_else(|| ConnectorError::io("lost".into()))?;
            Ok(HttpResponse::try_from(answer.map(SdkBody::from)).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_of_another_repository_of_ecr_is_copied_with_a_token() {
    let emulator = Emulator::in_memory();
    let (ecr, image, _at) = account(&emulator).await;
    let registries = Registries::new()
        .with_connector(SharedHttpConnector::new(Within(emulator.clone())))
        .with_ecr(ecr.clone());
    for reference in [":1.0".to_owned(), format!("@{}", image.digest())] {
        let source = Source::parse(&format!("{HOST}/app{reference}")).unwrap();
        assert!(source.is_remote());
        let found = source.open_with(&AMD64, &registries).await.unwrap();
        assert_eq!(found.manifest(), image.manifest());
        assert_eq!(content(&found).await.unwrap(), layers());
        push(&ecr, "copy", &found, None, &()).await.unwrap();
    }
    let missing = Source::parse(&format!("{HOST}/app:2.0")).unwrap();
    let error = missing.open_with(&AMD64, &registries).await.unwrap_err();
    let wanted = format!(
        "cannot pull {HOST}/app:2.0: GET https://{HOST}/v2/app/manifests/2.0: 404: Requested image not found"
    );
    assert_eq!(error.to_string(), wanted);
    let error = missing.open_with(&AMD64, &registries.clone().with_connector(refusing())).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
}

fn refusing() -> SharedHttpConnector {
    SharedHttpConnector::new(Fake::new(|_| (403, Vec::new(), Vec::new())))
}

/// Over a connection, as other clients have it: on this machine, it need not be encrypted.
#[tokio::test]
async fn an_image_of_a_registry_on_this_machine_is_pulled_with_the_credentials_of_docker() {
    let emulator = Emulator::in_memory();
    let (ecr, image, _at) = account(&emulator).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(emulator::serve(emulator, listener, std::future::pending()));
    let token = ecr.get_authorization_token().send().await.unwrap();
    let token = token.authorization_data()[0].authorization_token().unwrap().to_owned();
    let config = json!({"auths": {host.clone(): {"auth": token}}}).to_string();
    let config = At::file("config.json", config.as_bytes());
    let config = DockerConfig::read(config.path()).unwrap();
    let source = Source::parse(&format!("{host}/app:1.0")).unwrap();
    let found = source.open_with(&AMD64, &Registries::new().with_docker_config(config)).await.unwrap();
    assert_eq!(found.manifest(), image.manifest());
    assert_eq!(content(&found).await.unwrap(), layers());
    let error = source.open_with(&AMD64, &Registries::new()).await.unwrap_err();
    assert!(error.to_string().ends_with(": 401: the registry asks for credentials"), "{error}");
    assert_eq!(
        error.hint().unwrap(),
        format!("check the name of the image, or log in with `docker login {host}`")
    );
    server.abort();
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);
/// What goes wrong with an answer.
type Spoil = fn(&Asked, Answer) -> Answer;

/// A registry, by what it answers to a request.
struct Fake {
    answer: Box<dyn Fn(&Asked) -> Answer + Send + Sync>,
    log: Arc<Mutex<Vec<String>>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

/// A request: its URL, its credentials, its first byte, and how many there were for this URL.
struct Asked {
    url: String,
    authorization: String,
    from: usize,
    before: usize,
}

impl Fake {
    fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), log: Arc::default() }
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        let url = request.uri().to_owned();
        let range = header("range");
        let from =
            range.strip_prefix("bytes=").map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
        let mut log = self.log.lock().unwrap();
        let before = log.iter().filter(|line| line.starts_with(&format!("{url} "))).count();
        log.push(format!("{url} {}", header("authorization")));
        let asked = Asked { url, authorization: header("authorization"), from, before };
        let (status, headers, body) = (self.answer)(&asked);
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// The blobs of an index of two platforms, and its digest.
fn blobs() -> (BTreeMap<String, Vec<u8>>, Digest) {
    let mut made = Made::default();
    let mut children = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let mut image = made.image(architecture, &layers());
        image["platform"] = json!({"os": "linux", "architecture": architecture});
        children.push(image);
    }
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string().into_bytes();
    let digest = Digest::of(&index);
    made.blob(INDEX, index);
    let blobs = made.files.into_iter().map(|(name, bytes)| (name.replace("blobs/sha256/", "sha256:"), bytes));
    (blobs.collect(), digest)
}

const SECRET: &str = "hunter2-token";

/// Docker Hub, nearly: a token from another host, and layers from a third one.
fn hub(blobs: BTreeMap<String, Vec<u8>>, root: Digest, spoil: Spoil) -> Fake {
    let plain = move |asked: &Asked| -> Answer {
        let url = asked.url.as_str();
        let json = |media_type: &str| vec![("content-type", media_type.to_owned())];
        if let Some(query) = url.strip_prefix("https://auth.example/token?") {
            assert_eq!(query, "service=reg&scope=repository%3Ateam%2Fapp%3Apull");
            return (200, json("application/json"), json!({"token": SECRET}).to_string().into_bytes());
        }
        if let Some(rest) = url.strip_prefix("https://cdn.example/") {
            assert_eq!(asked.authorization, "", "a token is for its own registry");
            let digest = rest.split('?').next().unwrap();
            let bytes = blobs[digest][asked.from..].to_vec();
            return (if asked.from > 0 { 206 } else { 200 }, Vec::new(), bytes);
        }
        if asked.authorization != format!("Bearer {SECRET}") {
            let challenge =
                r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:team/app:pull""#;
            return (401, vec![("www-authenticate", challenge.to_owned())], Vec::new());
        }
        let path = url.strip_prefix("https://reg.example/v2/team/app/").unwrap();
        match path.split_once('/').unwrap() {
            ("manifests", "1") => (200, json(INDEX), blobs[root.as_str()].clone()),
            ("manifests", digest) => (200, json(MANIFEST), blobs[digest].clone()),
            ("blobs", digest) => (
                307,
                vec![("location", format!("https://cdn.example/{digest}?signature={SECRET}"))],
                Vec::new(),
            ),
            other => panic!("{other:?}"),
        }
    };
    Fake::new(move |asked| spoil(asked, plain(asked)))
}

async fn pull(spoil: Spoil) -> (Result<Vec<Vec<u8>>, ImageError>, Vec<String>) {
    let (blobs, root) = blobs();
    let fake = hub(blobs, root, spoil);
    let log = fake.log.clone();
    let registries = Registries::new().with_connector(SharedHttpConnector::new(fake));
    let source = Source::parse("reg.example/team/app:1").unwrap();
    let pulled = async { content(&source.open_with(&Platform::LINUX_ARM64, &registries).await?).await };
    let pulled = pulled.await;
    let log = log.lock().unwrap().clone();
    (pulled, log)
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_layers_may_be_somewhere_else() {
    let (pulled, log) = pull(|_, answer| answer).await;
    assert_eq!(pulled.unwrap(), layers());
    assert_eq!(log.iter().filter(|line| line.starts_with("https://auth.example/")).count(), 1);
    assert!(log[0].starts_with("https://reg.example/v2/team/app/manifests/1 "), "{log:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_pull_outlives_what_registries_do_to_it() {
    let rows: [(&str, Spoil); 4] = [
        ("a layer that ends early goes on where it ended", |asked, (status, headers, mut body)| {
            if asked.url.contains("cdn.example") && body.len() > 1000 {
                body.truncate(body.len() / 2);
            }
            (status, headers, body)
        }),
        ("too many requests", |asked, answer| match asked.before {
            0 => (429, Vec::new(), Vec::new()),
            _ => answer,
        }),
        ("a server that is broken at first", |asked, answer| match asked.before {
            0 | 1 => (503, Vec::new(), Vec::new()),
            _ => answer,
        }),
        ("a token that has expired in between", |asked, answer| {
            let challenge =
                r#"Bearer realm="https://auth.example/token",service="reg",scope="repository:team/app:pull""#;
            match asked.url.contains("/blobs/") && asked.before == 0 {
                true => (401, vec![("www-authenticate", challenge.to_owned())], Vec::new()),
                false => answer,
            }
        }),
    ];
    for (what, spoil) in rows {
        let (pulled, _) = pull(spoil).await;
        assert_eq!(pulled.unwrap_or_else(|error| panic!("{what}: {error}")), layers(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_registry_cannot_give_is_an_error_without_a_secret() {
    let rows: [(&str, Spoil); 8] = [
        ("401: access denied", |asked, answer| match asked.url.starts_with("https://auth") {
            true => (401, Vec::new(), Vec::new()),
            false => answer,
        }),
        (": 404: not found", |asked, answer| match asked.url.contains("cdn.example") {
            true => (404, Vec::new(), Vec::new()),
            false => answer,
        }),
        ("429: slow down", |_, _| (429, Vec::new(), br#"{"errors":[{"message":"slow\n down"}]}"#.to_vec())),
        ("the content of sha256:", |asked, (status, headers, mut body)| {
            if asked.url.contains("cdn.example") {
                body[0] ^= 1;
            }
            (status, headers, body)
        }),
        ("the answer has more than 4194304 bytes", |asked, answer| {
            match asked.url.contains("/manifests/1") {
                true if answer.0 == 200 => (200, answer.1, vec![b' '; 5 << 20]),
                _ => answer,
            }
        }),
        ("not encrypted", |asked, answer| match asked.url.contains("/blobs/") {
            true => (307, vec![("location", format!("http://cdn.example/x?{SECRET}"))], Vec::new()),
            false => answer,
        }),
        ("without end", |_, _| (302, vec![("location", "/v2/again".to_owned())], Vec::new())),
        ("the registry answers with `text/html`", |_, _| {
            (200, vec![("content-type", "text/html".to_owned())], b"<html>".to_vec())
        }),
    ];
    for (wanted, spoil) in rows {
        let error = pull(spoil).await.0.unwrap_err();
        let all = format!("{error} {error:?} {:?}", error.hint());
        assert!(error.to_string().contains(wanted), "{wanted}: {all}");
        assert!(!all.contains(SECRET) && !all.contains('\n'), "{all}");
    }
}

#[derive(Debug)]
struct Nobody;

impl HttpConnector for Nobody {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        HttpConnectorFuture::ready(Err(ConnectorError::io(refused.into())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_on_which_nobody_listens_is_an_error_at_once() {
    let start = tokio::time::Instant::now();
    let registries = Registries::new().with_connector(SharedHttpConnector::new(Nobody));
    let source = Source::parse("reg.example/team/app:1").unwrap();
    let error = source.open_with(&AMD64, &registries).await.unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert!(start.elapsed().is_zero(), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_ends_early_again_and_again_is_given_up() {
    let (pulled, _) = pull(|asked, (status, headers, body)| {
        let body = if asked.url.contains("cdn.example") { Vec::new() } else { body };
        (status, headers, body)
    })
    .await;
    let error = pulled.unwrap_err().to_string();
    assert!(error.ends_with("the answer ended after 0 of 284 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn credentials_of_docker_are_sent_for_a_token_and_helpers_are_not_run() {
    let (blobs, root) = blobs();
    let fake = hub(blobs, root, |asked, answer| match asked.url.starts_with("https://auth") {
        true if asked.authorization != format!("Basic {}", BASE64_STANDARD.encode("me:it")) => {
            (401, Vec::new(), Vec::new())
        }
        _ => answer,
    });
    let registries = Registries::new().with_connector(SharedHttpConnector::new(fake));
    let source = Source::parse("reg.example/team/app:1").unwrap();
    let with = |config: serde_json::Value| {
        let at = At::file("config.json", config.to_string().as_bytes());
        registries.clone().with_docker_config(DockerConfig::read(at.path()).unwrap())
    };
    let good = with(json!({"auths": {"reg.example": {"auth": BASE64_STANDARD.encode("me:it")}}}));
    assert_eq!(content(&source.open_with(&AMD64, &good).await.unwrap()).await.unwrap(), layers());
    let helped = with(json!({"credHelpers": {"reg.example": "pass"}}));
    let error = source.open_with(&AMD64, &helped).await.unwrap_err();
    assert!(error.hint().unwrap().contains("the credential helper `pass`, which is not run here"));
}

#[test]
fn what_is_neither_a_path_nor_a_name_says_why() {
    for (text, wanted) in [
        (
            "app",
            "`app` is not an image: there is no such file, and the name of an image has a tag or a digest",
        ),
        (
            "https://ghcr.io/app:1",
            "`https://ghcr.io/app:1` is not an image: the name of an image has no protocol in it",
        ),
    ] {
        assert_eq!(Source::parse(text).unwrap_err().to_string(), wanted);
    }
}
