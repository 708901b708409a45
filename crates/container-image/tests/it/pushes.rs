//! Pushes to the embedded AWS.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageIdentifier, ImageTagMutability};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use container_image::{Digest, Image, ImageError, PUSH_ACTIONS, Platform, Progress, Pushed, push};
use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use serde_json::Value;
use tokio::sync::Notify;

use crate::made::{At, Made, bytes};

const MIB: usize = 1 << 20;

struct World {
    emulator: Emulator,
    ecr: Client,
}

impl World {
    async fn new() -> Self {
        Self::with(FaultPlan::default()).await
    }

    async fn with(faults: FaultPlan) -> Self {
        let emulator = Emulator::builder().faults(faults).in_memory();
        let ecr = testing::context(&emulator).client(Client::new);
        ecr.create_repository().repository_name("app").send().await.unwrap();
        emulator.clear_calls();
        Self { emulator, ecr }
    }

    async fn push(&self, image: &Image, tag: Option<&str>) -> Result<Pushed, ImageError> {
        push(&self.ecr, "app", image, tag, &()).await
    }

    /// The calls since this was asked last, without repetitions next to each other.
    fn calls(&self) -> Vec<String> {
        let mut calls: Vec<String> = self.emulator.calls().into_iter().map(|call| call.operation).collect();
        self.emulator.clear_calls();
        calls.dedup();
        calls
    }

    /// The manifest that the repository has under a tag or digest.
    async fn manifest(&self, reference: &str) -> Option<String> {
        let id = ImageIdentifier::builder();
        let id = match reference.starts_with("sha256:") {
            true => id.image_digest(reference),
            false => id.image_tag(reference),
        };
        let found =
            self.ecr.batch_get_image().repository_name("app").image_ids(id.build()).send().await.unwrap();
        self.emulator.clear_calls();
        found.images().first().map(|image| image.image_manifest().unwrap().to_owned())
    }

    async fn fix_tags(&self) {
        let fixed = self.ecr.put_image_tag_mutability().repository_name("app");
        fixed.image_tag_mutability(ImageTagMutability::Immutable).send().await.unwrap();
        self.emulator.clear_calls();
    }
}

/// A saved image, whose layers have these sizes, and other bytes with another seed.
async fn image(seed: u64, sizes: &[usize]) -> (At, Image) {
    let layers: Vec<_> = (0..).zip(sizes).map(|(number, size)| bytes(seed * 100 + number, *size)).collect();
    let at = Made::saved("amd64", &layers).tar();
    let image = at.open(&Platform::LINUX_AMD64).await.unwrap();
    (at, image)
}

#[tokio::test(start_paused = true)]
async fn what_the_repository_lacks_is_sent_and_the_second_push_sends_nothing() {
    let world = World::new().await;
    let (_at, image) = image(1, &[3000, 5000, 3000]).await;
    let pushed = world.push(&image, Some("1.0")).await.unwrap();
    assert_eq!((pushed.blobs, pushed.bytes, pushed.was_there), (4, image.size(), false));
    assert_eq!(&pushed.digest, image.digest());
    for reference in ["1.0", image.digest().as_str()] {
        assert_eq!(world.manifest(reference).await.as_deref(), Some(image.manifest()));
    }
    for tag in [Some("1.0"), None] {
        let again = world.push(&image, tag).await.unwrap();
        assert_eq!((again.blobs, again.bytes, again.was_there), (0, 0, true));
        assert_eq!(world.calls(), ["DescribeImages"]);
    }
    // Another tag for the same image is one more call.
    world.push(&image, Some("1.1")).await.unwrap();
    assert_eq!(world.calls(), ["DescribeImages", "PutImage"]);
    assert_eq!(world.manifest("1.1").await.as_deref(), Some(image.manifest()));
}

#[tokio::test(start_paused = true)]
async fn the_list_of_actions_is_that_of_the_calls() {
    let world = World::new().await;
    let ((_one, one), (_other, other)) = (image(1, &[3000]).await, image(2, &[3000]).await);
    world.push(&one, Some("1.0")).await.unwrap();
    world.push(&other, Some("1.0")).await.unwrap();
    let mut called: Vec<String> = world.calls().into_iter().map(|call| format!("ecr:{call}")).collect();
    called.sort();
    called.dedup();
    assert_eq!(called, PUSH_ACTIONS);
}

/// Loses the answer to the first part, and says of the next refusal how far the upload had come, as ECR does and the embedded AWS does
/// not.
#[derive(Clone, Debug)]
struct Lossy {
    emulator: Emulator,
    has_lost: Arc<AtomicBool>,
}

impl HttpClient for Lossy {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Lossy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        HttpConnectorFuture::new(async move {
            let (parts, body) = request.try_into_http1x().unwrap().into_parts();
            let body = body.bytes().unwrap_or_default().to_vec();
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let answer = this.emulator.exchange(http::Request::from_parts(parts, body)).await.unwrap();
            let is_part = target.ends_with("UploadLayerPart");
            if is_part && !this.has_lost.swap(true, Ordering::Relaxed) {
                return Err(ConnectorError::io("the connection was reset".into()));
            }
            let (mut parts, mut body) = answer.into_parts();
            if is_part && parts.status == 400 {
                let mut refusal: Value = serde_json::from_slice(&body).unwrap();
                refusal["lastValidByteReceived"] = sent["partLastByte"].clone();
                body = refusal.to_string().into_bytes();
                parts.headers.remove("content-length");
            }
            let answer = http::Response::from_parts(parts, SdkBody::from(body));
            Ok(HttpResponse::try_from(answer).unwrap())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_had_arrived_is_not_a_reason_to_begin_again() {
    let world = World::new().await;
    let (_at, image) = image(1, &[11 * MIB]).await;
    let lossy = Lossy { emulator: world.emulator.clone(), has_lost: Arc::default() };
    let sdk = testing::config(&world.emulator).into_builder().http_client(lossy).build();
    let ecr = Client::new(&aws::client_config(&sdk));
    push(&ecr, "app", &image, None, &()).await.unwrap();
    let calls = world.emulator.calls();
    let begun = calls.iter().filter(|call| call.operation == "InitiateLayerUpload").count();
    let parts = calls.iter().filter(|call| call.operation == "UploadLayerPart").count();
    assert_eq!((begun, parts), (2, 4), "a layer of two parts and a configuration, and one part again");
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn tell(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Progress for Told {
    fn begin(&self, blobs: usize, bytes: u64) {
        self.tell(format!("{blobs} blobs, {bytes} bytes"));
    }

    fn already_there(&self, _: &Digest, size: u64) {
        self.tell(format!("{size} bytes are there"));
    }

    fn sent(&self, _: &Digest, sent: u64, size: u64) {
        self.tell(format!("{sent} of {size}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_layer_goes_in_parts_and_one_that_is_there_does_not_go_again() {
    let world = World::new().await;
    let big = bytes(7, 20 * MIB + 1);
    let small = |seed| Made::saved("amd64", &[bytes(seed, 2000), big.clone()]).tar();
    let (one, other) = (small(1), small(2));
    let image = one.open(&Platform::LINUX_AMD64).await.unwrap();
    let told = Told::default();
    push(&world.ecr, "app", &image, None, &told).await.unwrap();
    let config = image.config().size;
    let mut told = told.0.into_inner().unwrap();
    assert_eq!(told.remove(0), format!("3 blobs, {} bytes", image.size()));
    told.sort();
    let size = 20 * MIB + 1;
    let mut wanted: Vec<String> =
        [10 * MIB, 20 * MIB, size].map(|sent| format!("{sent} of {size}")).into_iter().collect();
    wanted.extend([format!("{config} of {config}"), "2000 of 2000".to_owned()]);
    wanted.sort();
    assert_eq!(told, wanted);
    assert!(world.manifest(image.digest().as_str()).await.is_some());

    let other = other.open(&Platform::LINUX_AMD64).await.unwrap();
    let told = Told::default();
    let pushed = push(&world.ecr, "app", &other, None, &told).await.unwrap();
    assert_eq!(pushed.bytes, other.config().size + 2000);
    assert!(told.0.into_inner().unwrap().contains(&format!("{size} bytes are there")));
}

/// Says when the first part of something large was sent.
#[derive(Default)]
struct FirstPart(Notify);

impl Progress for FirstPart {
    fn sent(&self, _: &Digest, sent: u64, size: u64) {
        if size > sent {
            self.0.notify_one();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_that_is_dropped_between_parts_is_done_by_the_next_one() {
    let world = World::new().await;
    let (_at, image) = image(1, &[20 * MIB]).await;
    let first = FirstPart::default();
    tokio::select! {
        biased;
        () = first.0.notified() => {}
        pushed = push(&world.ecr, "app", &image, None, &first) => panic!("it ended: {pushed:?}"),
    }
    assert_eq!(world.manifest(image.digest().as_str()).await, None);
    assert!(!world.push(&image, None).await.unwrap().was_there);
    assert_eq!(world.manifest(image.digest().as_str()).await.as_deref(), Some(image.manifest()));
}

#[tokio::test(start_paused = true)]
async fn an_immutable_tag_is_refused_before_anything_is_sent_and_is_fine_for_the_image_that_has_it() {
    let world = World::new().await;
    let ((_one, one), (_other, other)) = (image(1, &[3000]).await, image(2, &[3000]).await);
    world.fix_tags().await;
    world.push(&one, Some("1.0")).await.unwrap();
    world.calls();
    assert!(world.push(&one, Some("1.0")).await.unwrap().was_there);
    world.calls();
    let error = world.push(&other, Some("1.0")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the tag 1.0 of app is immutable and belongs to {}", one.digest()));
    assert_eq!(
        error.hint().unwrap(),
        "push with another tag, or without one: an image can be deployed by its digest"
    );
    assert_eq!(world.calls(), ["DescribeImages", "DescribeRepositories"]);
    // A tag that may move does.
    let mutable = world.ecr.put_image_tag_mutability().repository_name("app");
    mutable.image_tag_mutability(ImageTagMutability::Mutable).send().await.unwrap();
    world.push(&other, Some("1.0")).await.unwrap();
    assert_eq!(world.manifest("1.0").await.as_deref(), Some(other.manifest()));
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_taken_while_the_image_is_sent_is_refused_in_the_end() {
    let world = World::new().await;
    let ((_one, one), (_other, other)) = (image(1, &[3000]).await, image(2, &[3000]).await);
    world.fix_tags().await;
    // Nobody has the tag when it is looked for.
    struct Rival(Notify);
    impl Progress for Rival {
        fn begin(&self, _: usize, _: u64) {
            self.0.notify_one();
        }
    }
    let rival = Rival(Notify::new());
    let race = async {
        rival.0.notified().await;
        world.push(&one, Some("1.0")).await.unwrap();
    };
    world.push(&other, None).await.unwrap();
    let (_third, third) = image(3, &[25 * MIB]).await;
    let ((), pushed) = tokio::join!(race, push(&world.ecr, "app", &third, Some("1.0"), &rival));
    let error = pushed.unwrap_err();
    let owner = one.digest().to_string();
    assert!(
        matches!(&error, ImageError::TagTaken { existing: Some(existing), .. } if *existing == owner),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_does_not_exist_is_named() {
    let world = World::new().await;
    let (_at, image) = image(1, &[3000]).await;
    let error = push(&world.ecr, "nowhere", &image, None, &()).await.unwrap_err();
    assert_eq!(error.to_string(), "the repository nowhere does not exist");
    assert_eq!(world.calls(), ["DescribeImages"]);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_is_not_what_the_image_says_is_never_completed() {
    let world = World::new().await;
    let layers = [bytes(1, 3000)];
    let mut made = Made::saved("amd64", &layers);
    made.files.get_mut(&format!("{}/layer.tar", Digest::of(&layers[0]).hex())).unwrap()[7] ^= 1;
    let at = made.tar();
    let image = at.open(&Platform::LINUX_AMD64).await.unwrap();
    let error = world.push(&image, None).await.unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
    let there = world.ecr.batch_check_layer_availability().repository_name("app");
    let there = there.layer_digests(image.layers()[0].digest.as_str()).send().await.unwrap();
    assert_eq!(there.layers()[0].layer_availability().unwrap().as_str(), "UNAVAILABLE");
    assert_eq!(world.manifest(image.digest().as_str()).await, None);
}

/// Whatever happens to one call, the image is there in the end, and whole: ECR holds every layer against its digest.
#[tokio::test(start_paused = true)]
async fn every_call_can_fail_once() {
    let ((_large, large), (_small, small)) =
        (image(1, &[11 * MIB, 3000]).await, image(2, &[3000, 5000]).await);
    let refused = |code: &str| Fault::Error { code: code.to_owned(), status: 400 };
    let mut rows = Vec::new();
    for operation in [
        "DescribeImages",
        "BatchCheckLayerAvailability",
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "PutImage",
    ] {
        for fault in [
            Fault::Throttle,
            Fault::ErrorAfterEffect,
            Fault::TimeOut(Moment::BeforeEffect),
            Fault::TimeOut(Moment::AfterEffect),
            Fault::ConnectionReset(Moment::BeforeEffect),
            Fault::ConnectionReset(Moment::AfterEffect),
        ] {
            rows.push((operation, 1, fault));
        }
    }
    rows.extend([
        ("UploadLayerPart", 2, Fault::ConnectionReset(Moment::AfterEffect)),
        ("UploadLayerPart", 2, refused("UploadNotFoundException")),
        ("CompleteLayerUpload", 1, refused("UploadNotFoundException")),
        // Believed, though it is not true here: PutImage says so.
        ("CompleteLayerUpload", 2, refused("LayerAlreadyExistsException")),
        ("PutImage", 1, refused("LayersNotFoundException")),
    ]);
    for (operation, call, fault) in rows {
        let when = Counted::Operation(operation.to_owned());
        let world = World::with(FaultPlan::default().with(when, When::Call(call), fault.clone())).await;
        let image = if operation == "UploadLayerPart" { &large } else { &small };
        let result = world.push(image, Some("1.0")).await;
        result.unwrap_or_else(|error| panic!("{operation} {call} {fault:?}: {error}"));
        let there = world.manifest("1.0").await;
        assert_eq!(there.as_deref(), Some(image.manifest()), "{operation} {call} {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_immutable_tag_whose_answer_was_lost_is_the_images_own() {
    let (_at, image) = image(1, &[3000]).await;
    for fault in [Fault::ErrorAfterEffect, Fault::TimeOut(Moment::AfterEffect)] {
        let when = Counted::Operation("PutImage".to_owned());
        let world = World::with(FaultPlan::default().with(when, When::Call(1), fault.clone())).await;
        world.fix_tags().await;
        world.push(&image, Some("1.0")).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(world.manifest("1.0").await.as_deref(), Some(image.manifest()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_not_repeated() {
    let (_at, image) = image(1, &[3000]).await;
    for operation in ["DescribeImages", "BatchCheckLayerAvailability", "InitiateLayerUpload", "PutImage"] {
        let when = Counted::Operation(operation.to_owned());
        let world = World::with(FaultPlan::default().with(when, When::Share(1.0), Fault::Deny)).await;
        let error = world.push(&image, None).await.unwrap_err();
        let call = error.call().unwrap();
        assert_eq!((call.operation.as_str(), call.class), (operation, engine::ErrorClass::Denied), "{error}");
    }
    // One that is lost again and again is given up.
    let lost = Fault::Error { code: "UploadNotFoundException".to_owned(), status: 400 };
    let when = Counted::Operation("CompleteLayerUpload".to_owned());
    let world = World::with(FaultPlan::default().with(when, When::Share(1.0), lost)).await;
    let error = world.push(&image, None).await.unwrap_err();
    assert!(error.to_string().starts_with("CompleteLayerUpload: UploadNotFoundException"), "{error}");
}
