//! `stack deploy`, `stack rollback`, `stack deployments`: which image runs, and what is recorded of it.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ecr::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::command::Workplace;
use crate::server::Server;

/// Each is another image.
const TAGS: [&str; 3] = ["1", "22", "333"];

fn manifest(tag: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{}}}}}"#,
        tag.len()
    )
}

/// The digest of the image that [`push`] pushes with a tag, as `ecs.image` names it.
fn digest_of(tag: &str) -> String {
    let hash = sha2::Sha256::digest(manifest(tag));
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("@sha256:{hex}")
}

/// What a served AWS is reached with.
fn reached(server: &Server) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-southeast-1"))
        .endpoint_url(&server.url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build()
}

/// Pushes an image behind the program's back.
async fn push(sdk: &aws_config::SdkConfig, tag: &str) {
    let put = aws_sdk_ecr::Client::new(sdk).put_image().repository_name("payment-app-dev");
    put.image_manifest(manifest(tag)).image_tag(tag).send().await.unwrap();
}

/// The deployments that are listed.
fn deployments(place: &Workplace) -> Vec<Value> {
    place.run(&["deployments", "--json"]).expect(0).json()["deployments"].as_array().unwrap().clone()
}

/// The image that the recorded task definition has, by its reference.
async fn runs(place: &Workplace) -> String {
    let state = place.state("dev").await;
    let properties = &state.current("ecs/task-definition").unwrap().properties;
    let containers = properties["ContainerDefinitions"].as_array().unwrap();
    let app = containers.iter().find(|container| container["Name"] == "app").unwrap();
    let image = state.resolve(&app["Image"]);
    let image = image.as_str().unwrap();
    image.find('@').or_else(|| image.rfind(':')).map(|at| image[at..].to_owned()).unwrap()
}

/// A deployed `dev` whose repository has the images `:1`, `:2` and `:3`; the digests of all three.
async fn with_images(place: &Workplace) -> Vec<String> {
    place.run(&["up"]).expect(0);
    let sdk = place.sdk();
    for tag in TAGS {
        push(&sdk, tag).await;
    }
    TAGS.map(digest_of).to_vec()
}

#[tokio::test]
async fn a_deployed_image_is_kept_by_up_until_the_configuration_names_another() {
    let place = Workplace::new();
    let digests = with_images(&place).await;
    let nothing = place.run(&["deployments"]).expect(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("nothing was deployed"), "{}", nothing.err);

    place.run(&["deploy", ":1"]).expect(0);
    assert_eq!(runs(&place).await, digests[0]);
    let listed = deployments(&place);
    assert_eq!(
        (listed.len(), &listed[0]["outcome"], &listed[0]["runs"]),
        (1, &json!("succeeded"), &json!(true))
    );
    assert_eq!((&listed[0]["image"], &listed[0]["command"]), (&json!(digests[0]), &json!("deploy")));

    // Nothing is left to do, and `up` without an image in the configuration keeps it.
    let kept = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(!kept.err.contains("WARNING"), "{}", kept.err);
    place.run(&["up"]).expect(0);
    assert_eq!(runs(&place).await, digests[0]);

    place.run(&["deploy", ":22"]).expect(0);
    assert_eq!(runs(&place).await, digests[1]);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);

    // An older configuration.
    let older = place.run(&["preview", "--detailed-exitcode", "--set", "ecs.image=:1"]).expect(2);
    assert!(
        older
            .err
            .contains("the configuration names another image than the one that was deployed: :1 in place of")
            && older.err.contains("leave `ecs.image` out"),
        "{}",
        older.err
    );
    // It is used all the same, and is what runs from then on.
    place.run(&["up", "--set", "ecs.image=:1"]).expect(0);
    assert_eq!(runs(&place).await, ":1");
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    let listed = deployments(&place);
    assert_eq!((&listed[0]["image"], &listed[0]["command"]), (&json!(":1"), &json!("up")));

    // `destroy` takes the record along.
    place.run(&["destroy", "--yes"]).expect(0);
    place.run(&["up"]).expect(0);
    assert_eq!(runs(&place).await, ":bootstrap");
}

#[tokio::test]
async fn an_image_that_is_not_there_is_refused_before_anything_changes() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let (cloud, files) = (place.emulator_bytes(), place.files("dev"));
    let ended = place.run(&["deploy", ":2.0"]).expect(65);
    assert!(
        ended.err.contains("error[E0607]: there is no image `:2.0` in the repository payment-app-dev"),
        "{}",
        ended.err
    );
    let ended = place.run(&["rollback"]).expect(65);
    assert!(ended.err.contains("there is no image to go back to"), "{}", ended.err);
    assert_eq!((place.emulator_bytes(), place.files("dev")), (cloud, files), "nothing was changed");
}

#[tokio::test]
async fn a_rollback_deploys_the_image_before_or_the_one_that_is_named() {
    let place = Workplace::new();
    let digests = with_images(&place).await;
    for image in [":1", ":22", ":333"] {
        place.run(&["deploy", image]).expect(0);
    }
    let wrong = place.run(&["rollback", "--to", "77"]).expect(65);
    assert!(wrong.err.contains("no deployment is called `77`"), "{}", wrong.err);
    place.run(&["rollback"]).expect(0);
    assert_eq!(runs(&place).await, digests[1]);
    assert_eq!(deployments(&place)[0]["command"], "rollback");
    // By the revision and by the digest.
    let first = deployments(&place).last().unwrap()["revision"].as_str().unwrap().to_owned();
    place.run(&["rollback", "--to", first.rsplit('/').next().unwrap()]).expect(0);
    assert_eq!(runs(&place).await, digests[0]);
    let digest = digests[2].trim_start_matches("@sha256:").get(..12).unwrap();
    place.run(&["rollback", "--to", digest]).expect(0);
    assert_eq!(runs(&place).await, digests[2]);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

#[tokio::test]
async fn what_failed_is_explained_and_not_deployed_again_unless_asked() {
    let place = Workplace::new();
    let fails = digest_of("22");
    let faults = json!({ "containers": [
        { "image": fails.trim_start_matches("@"), "fault": { "exit": { "code": 3, "lines": ["panic: no database"] } } },
    ] });
    let server = Server::with_faults(&place, &faults, &[]);
    server.run(&place, &["up"]).expect(0);
    let sdk = reached(&server);
    for tag in ["1", "22"] {
        push(&sdk, tag).await;
    }
    server.run(&place, &["deploy", ":1"]).expect(0);
    let failed = server.run(&place, &["deploy", ":22"]).expect(1);
    for part in ["exit code 3", "look at the application", "which ran before, goes on serving"] {
        assert!(failed.err.contains(part), "{part}\n{}", failed.err);
    }
    let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
    assert_eq!(listed["deployments"][0]["outcome"], "failed");
    assert_eq!(listed["image"], json!(digest_of("1")));

    let up = server.run(&place, &["up"]).expect(0);
    assert!(up.err.contains("--retry tries it again"), "{}", up.err);
    server.run(&place, &["preview", "--detailed-exitcode"]).expect(0);
    let retried = server.run(&place, &["up", "--retry"]).expect(1);
    assert!(retried.err.contains("exit code 3"), "{}", retried.err);
    drop(server);
    // Without the fault it works.
    let server = Server::start(&place);
    server.run(&place, &["up", "--retry"]).expect(0);
    let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
    assert_eq!(listed["image"], json!(fails));
}

/// A served `dev` that runs `:1`, and has `:22` in its repository, at AWS's own pace from now on.
async fn at_the_pace_of_aws(place: &Workplace) -> Server {
    let server = Server::start(place);
    server.run(place, &["up"]).expect(0);
    let sdk = reached(&server);
    for tag in ["1", "22"] {
        push(&sdk, tag).await;
    }
    server.run(place, &["deploy", ":1"]).expect(0);
    drop(server);
    Server::start_with(place, &["--latency", "1"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_nobody_waits_for_is_followed_by_the_next_run() {
    let place = Workplace::new();
    let server = at_the_pace_of_aws(&place).await;
    let accepted = server.run_in_time(&place, &["deploy", ":22", "--no-wait"]).expect(0);
    assert!(accepted.err.contains("ECS has accepted the deployment"), "{}", accepted.err);
    let listed = server.run(&place, &["deployments"]).expect(0);
    assert!(listed.out.contains("under way, or interrupted"), "{}", listed.out);
    let up = server.run_in_time(&place, &["up"]).expect(0);
    assert!(up.err.contains("Going on with the deployment of @sha256:"), "{}", up.err);
    let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
    assert_eq!(
        (&listed["image"], &listed["deployments"][0]["runs"]),
        (&json!(digest_of("22")), &json!(true))
    );
    assert_eq!(listed["deployments"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_goes_on_is_stopped_by_a_rollback() {
    let place = Workplace::new();
    let server = at_the_pace_of_aws(&place).await;
    server.run_in_time(&place, &["deploy", ":22", "--no-wait"]).expect(0);
    let back = server.run_in_time(&place, &["rollback"]).expect(0);
    assert!(back.err.contains("ECS has gone back to what ran before"), "{}", back.err);
    let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
    assert_eq!(listed["image"], json!(digest_of("1")));
    let outcomes: Vec<_> =
        listed["deployments"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["succeeded", "rolled_back", "succeeded"]);
    server.run_in_time(&place, &["preview", "--detailed-exitcode"]).expect(0);
}
