//! The registry of images, as clients of registries speak to it.

use aws_sdk_ecr::primitives::Blob;
use aws_sdk_ecr::types::{ImageTagMutability, LayerAvailability, LayerFailureCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use http::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::serving::Server;
use crate::support::{REGION, code, config};

const HOST: &str = "https://123456789012.dkr.ecr.ap-southeast-1.amazonaws.com";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A client with a token, and a repository `shop`.
struct Client {
    emulator: Emulator,
    ecr: aws_sdk_ecr::Client,
    token: String,
}

impl Client {
    async fn new() -> Self {
        Client::of(Emulator::in_memory()).await
    }

    async fn of(emulator: Emulator) -> Self {
        let ecr = aws_sdk_ecr::Client::new(&config(&emulator, REGION));
        ecr.create_repository().repository_name("shop").send().await.unwrap();
        let token = ecr.get_authorization_token().send().await.unwrap();
        let token = token.authorization_data()[0].authorization_token().unwrap().to_owned();
        Client { emulator, ecr, token }
    }

    async fn send(&self, method: &str, uri: &str, media_type: &str, body: &[u8]) -> Response<Vec<u8>> {
        let uri = if uri.starts_with('/') { format!("{HOST}{uri}") } else { uri.to_owned() };
        let request = Request::builder().method(method).uri(uri).header("content-type", media_type);
        let request = request.header("authorization", format!("Basic {}", self.token));
        self.emulator.exchange(request.body(body.to_vec()).unwrap()).await.expect("nothing is lost")
    }

    async fn get(&self, path: &str) -> Response<Vec<u8>> {
        self.send("GET", path, "", b"").await
    }

    /// Where an upload that was begun goes on.
    async fn begin(&self) -> String {
        let begun = self.send("POST", "/v2/shop/blobs/uploads/", "", b"").await;
        assert_eq!(begun.status(), 202);
        header(&begun, "location").to_owned()
    }

    async fn blob(&self, bytes: &[u8]) -> String {
        let put = format!("{}?digest={}", self.begin().await, digest(bytes));
        let answer = self.send("PUT", &put, "application/octet-stream", bytes).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "docker-content-digest")),
            (201, &*digest(bytes))
        );
        digest(bytes)
    }

    async fn put(&self, reference: &str, media_type: &str, manifest: &str) -> Response<Vec<u8>> {
        self.send("PUT", &format!("/v2/shop/manifests/{reference}"), media_type, manifest.as_bytes()).await
    }

    /// Pushes an image of one layer, and gives its manifest.
    async fn push(&self, tag: &str) -> String {
        let manifest = self.parts(tag).await;
        assert_eq!(self.put(tag, MANIFEST, &manifest).await.status(), 201);
        manifest
    }

    /// Uploads what an image is made of, and gives its manifest.
    async fn parts(&self, what: &str) -> String {
        let (config, layer) = (format!(r#"{{"of":"{what}"}}"#), format!("layer of {what}"));
        let parts = [config.as_bytes(), layer.as_bytes()];
        for part in parts {
            self.blob(part).await;
        }
        image(parts[0], &[parts[1]])
    }
}

fn image(config: &[u8], layers: &[&[u8]]) -> String {
    let part = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()});
    let layers: Vec<Value> =
        layers.iter().map(|layer| part("application/vnd.oci.image.layer.v1.tar+gzip", layer)).collect();
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("application/vnd.oci.image.config.v1+json", config),
        "layers": layers,
    })
    .to_string()
}

fn header<'a>(answer: &'a Response<Vec<u8>>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Status and code of a refusal, such as `404 NAME_UNKNOWN`.
fn refusal(answer: &Response<Vec<u8>>) -> String {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    format!("{} {}", answer.status().as_u16(), body["errors"][0]["code"].as_str().unwrap_or("none"))
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_pushed_is_pulled_byte_for_byte_and_known_to_ecr() {
    let client = Client::new().await;
    assert_eq!(client.get("/v2/").await.status(), 200);
    let (config, layer) = (br#"{"os":"linux"}"#.as_slice(), [7_u8; 100_000]);
    for part in [config, &layer] {
        let path = format!("/v2/shop/blobs/{}", digest(part));
        assert_eq!(client.send("HEAD", &path, "", b"").await.status(), 404);
        client.blob(part).await;
        let head = client.send("HEAD", &path, "", b"").await;
        assert_eq!(
            (head.status().as_u16(), header(&head, "content-length")),
            (200, &*part.len().to_string())
        );
        assert!(head.body().is_empty());
        assert_eq!(client.get(&path).await.body(), part);
    }
    let manifest = image(config, &[&layer]);
    let put = client.put("v1", MANIFEST, &manifest).await;
    assert_eq!(
        (put.status().as_u16(), header(&put, "docker-content-digest")),
        (201, &*digest(manifest.as_bytes()))
    );
    for reference in ["v1", &digest(manifest.as_bytes())] {
        let got = client.get(&format!("/v2/shop/manifests/{reference}")).await;
        assert_eq!((got.body().as_slice(), header(&got, "content-type")), (manifest.as_bytes(), MANIFEST));
        let head = client.send("HEAD", &format!("/v2/shop/manifests/{reference}"), "", b"").await;
        assert_eq!(header(&head, "docker-content-digest"), digest(manifest.as_bytes()));
    }
    // The same store over the other API.
    let found = client.ecr.describe_images().repository_name("shop").send().await.unwrap();
    let detail = &found.image_details()[0];
    assert_eq!(detail.image_digest(), Some(&*digest(manifest.as_bytes())));
    assert_eq!(detail.image_size_in_bytes(), Some(100_014));
    // Pushed again it is the same, as long as its tag may move.
    assert_eq!(client.put("v1", MANIFEST, &manifest).await.status(), 201);
    client.blob(&layer).await;
    let operations: Vec<String> = client.emulator.calls().into_iter().map(|call| call.operation).collect();
    for operation in ["InitiateLayerUpload", "CompleteLayerUpload", "PutImage", "BatchGetImage"] {
        assert!(operations.iter().any(|other| other == operation), "{operation} is not in {operations:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_registry_refuses_what_ecr_refuses() {
    let client = Client::new().await;
    let manifest = client.push("v1").await;
    let zeros = format!("sha256:{}", "0".repeat(64));
    let unsigned =
        client.emulator.exchange(Request::get(format!("{HOST}/v2/")).body(Vec::new()).unwrap()).await;
    let unsigned = unsigned.unwrap();
    assert_eq!(refusal(&unsigned), "401 UNAUTHORIZED");
    let challenge = format!("Basic realm=\"{HOST}/\",service=\"ecr.amazonaws.com\"");
    assert_eq!(header(&unsigned, "www-authenticate"), challenge);

    let other = image(b"config", &[b"missing"]);
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": zeros, "size": 1},
    ]})
    .to_string();
    let huge = format!("{}{}", manifest, " ".repeat(4_194_305));
    let upload = client.begin().await;
    let rows = [
        ("no repository", "404 NAME_UNKNOWN", client.get("/v2/none/tags/list").await),
        ("push to none", "404 NAME_UNKNOWN", client.send("POST", "/v2/none/blobs/uploads/", "", b"").await),
        ("name", "400 NAME_INVALID", client.get("/v2/Shop/tags/list").await),
        ("no image", "404 MANIFEST_UNKNOWN", client.get("/v2/shop/manifests/v2").await),
        ("tag with a plus", "400 MANIFEST_INVALID", client.get("/v2/shop/manifests/v1+x").await),
        ("no layer", "404 BLOB_UNKNOWN", client.get(&format!("/v2/shop/blobs/{zeros}")).await),
        (
            "no upload",
            "404 BLOB_UPLOAD_UNKNOWN",
            client.send("PATCH", "/v2/shop/blobs/uploads/1", "", b"x").await,
        ),
        ("no digest", "400 DIGEST_INVALID", client.send("PUT", &upload, "", b"x").await),
        (
            "other digest",
            "400 DIGEST_INVALID",
            client.send("PUT", &format!("{upload}?digest={zeros}"), "", b"x").await,
        ),
        (
            "nothing",
            "400 BLOB_UPLOAD_INVALID",
            client.send("PUT", &format!("{upload}?digest={zeros}"), "", b"").await,
        ),
        ("missing layer", "400 MANIFEST_BLOB_UNKNOWN", client.put("v2", MANIFEST, &other).await),
        ("missing image", "400 MANIFEST_BLOB_UNKNOWN", client.put("v2", INDEX, &index).await),
        ("other digest of a manifest", "400 DIGEST_INVALID", client.put(&zeros, MANIFEST, &manifest).await),
        ("media type", "400 MANIFEST_INVALID", client.put("v2", "text/plain", &manifest).await),
        ("no JSON", "400 MANIFEST_INVALID", client.put("v2", MANIFEST, "x").await),
        (
            "part without digest",
            "400 MANIFEST_INVALID",
            client.put("v2", MANIFEST, r#"{"schemaVersion":2,"config":{}}"#).await,
        ),
        ("too long", "413 MANIFEST_INVALID", client.put("v2", MANIFEST, &huge).await),
        ("delete", "404 UNSUPPORTED", client.send("DELETE", "/v2/shop/manifests/v1", "", b"").await),
        ("page of nothing", "400 PAGINATION_NUMBER_INVALID", client.get("/v2/shop/tags/list?n=0").await),
    ];
    for (what, wanted, answer) in rows {
        assert_eq!(refusal(&answer), wanted, "{what}");
    }
    // A refused end leaves the upload as it was.
    let put = format!("{upload}?digest={}", digest(b"later"));
    assert_eq!(client.send("PUT", &put, "", b"later").await.status(), 201);
    let tags = client.get("/v2/shop/tags/list").await;
    assert_eq!(String::from_utf8_lossy(tags.body()), r#"{"name":"shop","tags":["v1"]}"#);
}

#[tokio::test(start_paused = true)]
async fn an_immutable_tag_is_refused_for_the_same_digest_too() {
    let client = Client::new().await;
    let manifest = client.push("v1").await;
    let other = client.parts("other").await;
    let fix = client.ecr.put_image_tag_mutability().repository_name("shop");
    fix.image_tag_mutability(ImageTagMutability::Immutable).send().await.unwrap();
    for pushed in [&manifest, &other] {
        assert_eq!(refusal(&client.put("v1", MANIFEST, pushed).await), "400 TAG_INVALID");
        let put = client.ecr.put_image().repository_name("shop").image_manifest(pushed).image_tag("v1");
        assert_eq!(code(put.send().await), "ImageTagAlreadyExistsException");
    }
    assert_eq!(client.put(&digest(manifest.as_bytes()), MANIFEST, &manifest).await.status(), 201);
    assert_eq!(client.put("v2", MANIFEST, &other).await.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_part_of_an_upload_in_chunks_is_taken() {
    let client = Client::new().await;
    let upload = client.begin().await;
    let first = client.send("PATCH", &upload, "application/octet-stream", b"one").await;
    assert_eq!((first.status().as_u16(), header(&first, "range")), (201, "0-2"));
    let put = format!("{upload}?digest={}", digest(b"one"));
    assert_eq!(client.send("PUT", &put, "", b"").await.status(), 201);

    let upload = client.begin().await;
    client.send("PATCH", &upload, "application/octet-stream", b"one").await;
    let second = client.send("PATCH", &upload, "application/octet-stream", b"two").await;
    assert_eq!((second.status().as_u16(), header(&second, "range")), (201, "0-2"));
    let put = format!("{upload}?digest={}", digest(b"onetwo"));
    assert_eq!(refusal(&client.send("PUT", &put, "", b"").await), "400 DIGEST_INVALID");
}

#[tokio::test(start_paused = true)]
async fn an_index_names_images_that_are_there_and_tags_are_listed_in_pages() {
    let client = Client::new().await;
    let manifest = client.parts("amd64").await;
    let child = digest(manifest.as_bytes());
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": child, "size": manifest.len(), "platform": {"os": "linux", "architecture": "amd64"}},
    ]})
    .to_string();
    assert_eq!(refusal(&client.put("all", INDEX, &index).await), "400 MANIFEST_BLOB_UNKNOWN");
    assert_eq!(client.put(&child, MANIFEST, &manifest).await.status(), 201);
    for tag in ["c", "a", "b"] {
        assert_eq!(client.put(tag, INDEX, &index).await.status(), 201);
    }
    let first = client.get("/v2/shop/tags/list?n=2").await;
    assert_eq!(String::from_utf8_lossy(first.body()), r#"{"name":"shop","tags":["a","b"]}"#);
    let link = header(&first, "link");
    assert_eq!(link, "</v2/shop/tags/list?n=2&last=b>; rel=\"next\"");
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    let last = client.get(next).await;
    assert_eq!(String::from_utf8_lossy(last.body()), r#"{"name":"shop","tags":["c"]}"#);
    assert_eq!(header(&last, "link"), "");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_twelve_hours() {
    let client = Client::new().await;
    tokio::time::advance(Duration::from_secs(12 * 60 * 60 - 1)).await;
    assert_eq!(client.get("/v2/").await.status(), 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(refusal(&client.get("/v2/").await), "403 DENIED");
    let forged = Client { token: BASE64_STANDARD.encode("AWS:guess"), ..client };
    assert_eq!(refusal(&forged.get("/v2/").await), "400 DENIED");
}

#[tokio::test(start_paused = true)]
async fn layers_go_over_ecrs_own_api_as_well() {
    let client = Client::new().await;
    let ecr = &client.ecr;
    let begun = ecr.initiate_layer_upload().repository_name("shop").send().await.unwrap();
    let id = begun.upload_id().unwrap();
    let part = |first: i64, bytes: &[u8]| {
        let part = ecr.upload_layer_part().repository_name("shop").upload_id(id).part_first_byte(first);
        part.part_last_byte(first + bytes.len() as i64 - 1).layer_part_blob(Blob::new(bytes)).send()
    };
    let complete = |digest: String| {
        ecr.complete_layer_upload().repository_name("shop").upload_id(id).layer_digests(digest).send()
    };
    assert_eq!(code(complete(digest(b"")).await), "EmptyUploadException");
    assert_eq!(part(0, b"abc").await.unwrap().last_byte_received(), Some(2));
    assert_eq!(code(part(4, b"x").await), "InvalidLayerPartException");
    part(3, b"def").await.unwrap();
    assert_eq!(code(complete(digest(b"abc")).await), "InvalidLayerException");
    assert_eq!(complete(digest(b"abcdef")).await.unwrap().layer_digest(), Some(&*digest(b"abcdef")));
    assert_eq!(code(complete(digest(b"abcdef")).await), "UploadNotFoundException");
    assert_eq!(client.get(&format!("/v2/shop/blobs/{}", digest(b"abcdef"))).await.body(), b"abcdef");

    let again = ecr.initiate_layer_upload().repository_name("shop").send().await.unwrap().upload_id.unwrap();
    let put = ecr
        .upload_layer_part()
        .repository_name("shop")
        .upload_id(&again)
        .part_first_byte(0)
        .part_last_byte(5);
    put.layer_part_blob(Blob::new(b"abcdef")).send().await.unwrap();
    let complete = ecr.complete_layer_upload().repository_name("shop").upload_id(&again);
    let complete = complete.layer_digests(digest(b"abcdef")).send().await;
    assert_eq!(code(complete), "LayerAlreadyExistsException");

    let check = ecr.batch_check_layer_availability().repository_name("shop");
    let check = check.layer_digests(digest(b"abcdef")).layer_digests(digest(b"none")).layer_digests("none");
    let checked = check.send().await.unwrap();
    let seen: Vec<_> =
        checked.layers().iter().map(|layer| layer.layer_availability().unwrap().clone()).collect();
    assert_eq!(seen, [LayerAvailability::Available, LayerAvailability::Unavailable]);
    assert_eq!(checked.layers()[0].layer_size(), Some(6));
    assert_eq!(checked.failures()[0].failure_code(), Some(&LayerFailureCode::InvalidLayerDigest));
    let missing = image(b"abcdef", &[b"none"]);
    let put = ecr.put_image().repository_name("shop").image_manifest(missing).image_tag("v1");
    assert_eq!(code(put.send().await), "LayersNotFoundException");
    assert_eq!(
        code(ecr.initiate_layer_upload().repository_name("none").send().await),
        "RepositoryNotFoundException"
    );
}

#[tokio::test(start_paused = true)]
async fn planned_faults_and_throttles_reach_clients_of_the_registry_in_their_words() {
    let on = |operation: &str| Counted::Operation(format!("ecr:{operation}"));
    let plan = FaultPlan::default()
        .with(on("PutImage"), When::Call(1), Fault::Throttle)
        .with(on("PutImage"), When::Call(2), Fault::Deny)
        .with(on("PutImage"), When::Call(3), Fault::ErrorAfterEffect);
    let client = Client::of(Emulator::builder().faults(plan).in_memory()).await;
    let manifest = client.parts("v1").await;
    for wanted in ["429 TOOMANYREQUESTS", "403 DENIED", "500 UNKNOWN"] {
        assert_eq!(refusal(&client.put("v1", MANIFEST, &manifest).await), wanted);
    }
    assert_eq!(client.get("/v2/shop/manifests/v1").await.body(), manifest.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_goes_on_from_a_snapshot_has_its_layers() {
    let client = Client::new().await;
    let manifest = client.push("v1").await;
    let snapshot = client.emulator.snapshot().unwrap();
    client.ecr.delete_repository().repository_name("shop").force(true).send().await.unwrap();
    assert_eq!(refusal(&client.get("/v2/shop/manifests/v1").await), "404 NAME_UNKNOWN");
    let later = Client { emulator: Emulator::builder().going_on(&snapshot), ..client };
    assert_eq!(later.get("/v2/shop/manifests/v1").await.body(), manifest.as_bytes());
    assert_eq!(later.get(&format!("/v2/shop/blobs/{}", digest(b"layer of v1"))).await.body(), b"layer of v1");
}

#[tokio::test]
async fn layers_are_private_files_beside_the_state_and_go_with_their_repository() {
    let place = tempfile::tempdir().unwrap();
    let client = Client::of(Emulator::open(place.path()).unwrap()).await;
    let manifest = client.push("v1").await;
    let files = || {
        let directories =
            std::fs::read_dir(place.path().join("blobs")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = directories
            .flat_map(|directory| std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        files.sort();
        files
    };
    assert_eq!(files().len(), 2, "{:?}", files());
    #[cfg(unix)]
    for file in files() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let state = std::fs::read_to_string(place.path().join("ecr@ap-southeast-1.json")).unwrap();
    assert!(!state.contains("layer of v1"));
    // Another process on the directory.
    let other = Client { emulator: Emulator::open(place.path()).unwrap(), ..client };
    assert_eq!(other.get("/v2/shop/manifests/v1").await.body(), manifest.as_bytes());
    assert_eq!(other.get(&format!("/v2/shop/blobs/{}", digest(b"layer of v1"))).await.body(), b"layer of v1");
    other.ecr.delete_repository().repository_name("shop").force(true).send().await.unwrap();
    assert_eq!(files().len(), 0);
    other.ecr.create_repository().repository_name("shop").send().await.unwrap();
    assert_eq!(
        refusal(&other.get(&format!("/v2/shop/blobs/{}", digest(b"layer of v1"))).await),
        "404 BLOB_UNKNOWN"
    );
    other.push("v2").await;
    emulator::reset(place.path()).unwrap();
    assert!(!place.path().join("blobs").exists());
}

#[tokio::test]
async fn a_server_leads_to_itself_and_knows_the_region_by_the_token() {
    let emulator = Emulator::in_memory();
    let server = Server::start(&emulator).await;
    let ecr = aws_sdk_ecr::Client::new(&server.config(&emulator));
    let made = ecr.create_repository().repository_name("shop").send().await.unwrap().repository.unwrap();
    assert_eq!(made.repository_uri(), Some("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop"));
    let token = ecr.get_authorization_token().send().await.unwrap().authorization_data.unwrap().remove(0);
    assert_eq!(token.proxy_endpoint(), Some(&*format!("http://{}", server.address)));
    let head = format!("Host: {}\r\nConnection: close\r\n", server.address);
    let refused = server.raw(&[&format!("GET /v2/ HTTP/1.1\r\n{head}\r\n")]).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert!(refused.contains("www-authenticate: Basic realm=\"http://127.0.0.1:"), "{refused}");
    let head = format!("{head}Authorization: Basic {}\r\n", token.authorization_token().unwrap());
    let begun = server
        .raw(&[&format!("POST /v2/shop/blobs/uploads/ HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n")])
        .await;
    let location = begun.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let path = location.strip_prefix(&format!("http://{}", server.address)).unwrap();
    // More than a request without a signature may have otherwise.
    let layer = "x".repeat(3 << 20);
    let digest = digest(layer.as_bytes());
    let put = format!("PUT {path}?digest={digest} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n", layer.len());
    let put = server.raw(&[&put, &layer]).await;
    assert!(put.starts_with("HTTP/1.1 201 "), "{put}");
    let found = server.raw(&[&format!("HEAD /v2/shop/blobs/{digest} HTTP/1.1\r\n{head}\r\n")]).await;
    assert!(found.starts_with("HTTP/1.1 200 ") && found.contains("content-length: 3145728"), "{found}");
    let tags = server.raw(&[&format!("GET /v2/shop/tags/list HTTP/1.1\r\n{head}\r\n")]).await;
    assert!(tags.ends_with(r#"{"name":"shop","tags":[]}"#), "{tags}");
}
