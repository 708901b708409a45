//! `stack deploy`, `stack rollback`, `stack deployments`: which image runs, and what is recorded of it.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ecr::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::types::ServiceDeploymentStatus;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::command::Workplace;
use crate::server::Server;
use crate::transcripts::Transcript;

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
    let deployed = place.run(&["deploy", ":333", "--set", "ecs.image=:1"]).expect(0);
    assert!(
        deployed.err.contains("the configuration names :1, which the next `up` puts in place of @"),
        "{}",
        deployed.err
    );
    // It is used all the same, and is what runs from then on.
    place.run(&["up", "--set", "ecs.image=:1"]).expect(0);
    assert_eq!(runs(&place).await, ":1");
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    let listed = deployments(&place);
    assert_eq!((&listed[0]["image"], &listed[0]["command"]), (&json!(":1"), &json!("up")));

    // `destroy` takes the record along.
    place.run(&["destroy", "--yes"]).expect(0);
    let gone = place.run(&["deployments", "--json"]).expect(0).json();
    assert_eq!(gone, json!({ "image": null, "deployments": [] }));
    assert!(place.state("dev").await.remembered("ecs.image").is_none());
    let anew = place.run(&["preview", "--json"]).expect(0).out;
    assert!(anew.contains(":bootstrap") && !anew.contains(digests[0].as_str()), "{anew}");
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
    for part in [
        "exit code 3",
        "look at the application",
        "    panic: no database\n",
        "which ran before, goes on serving",
    ] {
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
    // The reflex after a failure: what serves stays.
    let back = server.run(&place, &["rollback"]).expect(0);
    assert!(back.err.contains(&format!("going back to {}", digest_of("1"))), "{}", back.err);
    server.run(&place, &["deploy", ":22"]).expect(1);
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
    // At once: ECS need not list it yet.
    server.run(&place, &["deploy", ":22", "--no-wait"]).expect(0);
    let back = server.run_in_time(&place, &["rollback"]).expect(0);
    assert!(back.err.contains("ECS has gone back to what ran before"), "{}", back.err);
    let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
    assert_eq!(listed["image"], json!(digest_of("1")));
    let outcomes: Vec<_> =
        listed["deployments"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["succeeded", "rolled_back", "succeeded"]);
    server.run_in_time(&place, &["preview", "--detailed-exitcode"]).expect(0);
}

/// Writes an image as an OCI layout: one layer of its own beside a common one. Its digest, as `ecs.image` names it.
fn layout(place: &Workplace, name: &str, architecture: &str) -> String {
    layout_with(place, name, architecture, None)
}

/// The same with one more layer of this size, which has nothing in it.
fn layout_with(place: &Workplace, name: &str, architecture: &str, hole: Option<u64>) -> String {
    let directory = place.path().join(name);
    std::fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
    let blob = |bytes: &[u8]| {
        let digest: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(directory.join("blobs/sha256").join(&digest), bytes).unwrap();
        (format!("sha256:{digest}"), bytes.len())
    };
    let layer = |text: &str| {
        let (digest, size) = blob(text.repeat(200).as_bytes());
        json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size })
    };
    let mut layers = vec![layer("common"), layer(name)];
    if let Some(size) = hole {
        let digest = "0".repeat(64);
        std::fs::File::create(directory.join("blobs/sha256").join(&digest)).unwrap().set_len(size).unwrap();
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
        layers.push(json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size }));
    }
    let config = json!({ "architecture": architecture, "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|one| &one["digest"]).collect::<Vec<_>>() } });
    let (digest, size) = blob(config.to_string().as_bytes());
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size },
        "layers": layers });
    let (digest, size) = blob(manifest.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "manifests": [
        { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size },
    ] });
    std::fs::write(directory.join("index.json"), index.to_string()).unwrap();
    std::fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    format!("@{digest}")
}

#[tokio::test]
async fn an_image_of_a_directory_is_pushed_and_runs_in_an_environment_that_was_empty() {
    let place = Workplace::new();
    let (first, second) = (layout(&place, "one", "amd64"), layout(&place, "two", "amd64"));
    // Also with an image in the configuration, which cannot be there yet.
    let ended = place.run(&["deploy", "./one", "--set", "ecs.image=:later"]).expect(0);
    assert!(ended.err.contains("what is declared is made first"), "{}", ended.err);
    assert!(ended.err.contains("sending 3 layers and configurations"), "{}", ended.err);
    assert_eq!(runs(&place).await, first);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);

    // The layer that both have is not sent again, and nothing but the image is changed.
    let ended = place.run(&["deploy", "./two", "--set", "vpc.nat=single"]).expect(0);
    assert!(ended.err.contains("sending 2 layers and configurations"), "{}", ended.err);
    assert_eq!(runs(&place).await, second);
    let left = place.run(&["preview", "--detailed-exitcode", "--set", "vpc.nat=single"]).expect(2);
    assert!(left.out.contains("vpc/nat-b") && !left.out.contains("ecs/service"), "{}", left.out);
    let again = place.run(&["deploy", "./two"]).expect(0);
    assert!(again.err.contains("is in payment-app-dev already"), "{}", again.err);
}

#[test]
fn what_cannot_run_is_refused_before_anything_is_called() {
    let place = Workplace::new();
    layout(&place, "arm", "arm64");
    place.write("text.tar", "no archive");
    layout_with(&place, "large", "amd64", Some(21 << 30));
    // As large as it should be, with another content.
    layout_with(&place, "damaged", "amd64", Some(100));
    for (image, wanted) in [
        ("./arm", "linux/amd64"),
        ("./nothing.tar", "nothing.tar"),
        ("text.tar", "text.tar"),
        ("./large", "has 22.5 GB of compressed layers, and a task on Fargate has 21.5 GB"),
        (":not a tag", "names no image"),
        ("@sha256:12", "names no image"),
        (":1", "the repository is not there yet"),
        ("./damaged", "damaged"),
        ("user:pass@registry.example/app:1", "has no user and no password"),
    ] {
        let ended = place.run(&["deploy", image]).expect(65);
        assert!(ended.err.contains("error[E0607]") && ended.err.contains(wanted), "{image}: {}", ended.err);
    }
    assert!(!place.state_directory("dev").exists(), "nothing was changed");
    place.run(&["deploy", "./arm", "--set", "ecs.architecture=ARM64"]).expect(0);
}

/// Killed after each call that the push and the deployment make, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_was_killed_anywhere_converges() {
    for operation in [
        "InitiateLayerUpload",
        "UploadLayerPart",
        "CompleteLayerUpload",
        "PutImage",
        "RegisterTaskDefinition",
        "UpdateService",
    ] {
        let place = Workplace::new();
        let (_, second) = (layout(&place, "one", "amd64"), layout(&place, "two", "amd64"));
        let server = Server::start(&place);
        server.run(&place, &["deploy", "./one"]).expect(0);
        drop(server);
        let held = json!({ "of": { "operation": operation }, "when": { "call": 1 }, "fault": { "time_out": "after_effect" } });
        let server = Server::with_faults(&place, &json!({ "rules": [held] }), &[]);
        let mut deploy = server.begin(&place, &["deploy", "./two"]);
        deploy.quiet();
        deploy.end_by("KILL");
        let again = server.run(&place, &["deploy", "./two"]).expect(0);
        let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
        assert_eq!(listed["image"], json!(second), "{operation}: {}", again.err);
        server.run(&place, &["preview", "--detailed-exitcode"]).expect(0);
        let orphans = server.run(&place, &["refresh", "--orphans", "--detailed-exitcode"]);
        assert_eq!(orphans.code, 0, "{operation}: {}{}", orphans.out, orphans.err);
    }
}

#[test]
fn deployments_read_well() {
    let place = Workplace::new();
    for (name, architecture) in [("one", "amd64"), ("two", "amd64"), ("arm", "arm64")] {
        layout(&place, name, architecture);
    }
    let mut told = Transcript::new();
    place.run(&["up"]).expect(0);
    for arguments in [
        ["rollback"].as_slice(),
        &["deploy", "./none.tar"],
        &["deploy", "./arm"],
        &["deploy", ":2.0"],
        &["deploy", "./one"],
        &["deploy", "./two", "--set", "vpc.nat=single"],
        &["preview", "--set", "ecs.image=:1.0"],
        &["rollback"],
        &["rollback", "--to", "77"],
        &["deployments"],
    ] {
        told.run(&place, arguments);
    }
    let again = place.run(&["deploy", "./one", "--json"]).expect(0).json();
    assert_eq!(again["deployments"][0]["runs"], true);
    told.compare("deployments");
}

#[test]
fn a_failed_deployment_reads_well() {
    let place = Workplace::new();
    layout(&place, "one", "amd64");
    let second = layout(&place, "two", "amd64");
    let image = second.trim_start_matches('@');
    let exit = json!({ "exit": { "code": 3, "lines": ["starting", "panic: no database"] } });
    let mut told = Transcript::new();
    Server::start(&place).run(&place, &["deploy", "./one"]).expect(0);
    for fault in [exit, json!("no_image"), json!("unhealthy")] {
        let faults = json!({ "containers": [{ "image": image, "fault": fault }] });
        let server = Server::with_faults(&place, &faults, &[]);
        let arguments = ["deploy", "./two"];
        told.note(&arguments, &server.run(&place, &arguments));
    }
    let server = Server::start(&place);
    told.note(&["up"], &server.run(&place, &["up"]));
    told.compare("failed-deployment");
}

/// The stage of the deployment that goes on.
async fn stage(sdk: &aws_config::SdkConfig) -> Option<String> {
    let ecs = aws_sdk_ecs::Client::new(sdk);
    let list = ecs.list_service_deployments().cluster("payment-cluster-dev").service("payment-service-dev");
    let listed = list.status(ServiceDeploymentStatus::InProgress).send().await.unwrap();
    let arn = listed.service_deployments().first()?.service_deployment_arn()?.to_owned();
    let described = ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
    Some(described.service_deployments().first()?.lifecycle_stage()?.as_str().to_owned())
}

/// Killed in each stage of ECS's own deployment, and gone on with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_was_killed_in_any_stage_goes_on() {
    let place = Workplace::new();
    let server = Server::start(&place);
    layout(&place, "first", "amd64");
    server.run(&place, &["deploy", "./first"]).expect(0);
    drop(server);
    let server = Server::start_with(&place, &["--latency", "1"]);
    let sdk = reached(&server);
    let stages = [
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    ];
    for wanted in stages {
        let name = format!("during-{wanted}");
        let (image, path) = (layout(&place, &name, "amd64"), format!("./{name}"));
        let deploy = server.begin(&place, &["deploy", &path]);
        let mut seen = Vec::new();
        while seen.last().map(String::as_str) != Some(wanted) {
            assert!(seen.len() < 3000, "{wanted} was not seen");
            server.advance(1);
            seen.push(stage(&sdk).await.unwrap_or_default());
        }
        deploy.end_by("KILL");
        server.run_in_time(&place, &["up"]).expect(0);
        let listed = server.run(&place, &["deployments", "--json"]).expect(0).json();
        assert_eq!(
            (&listed["image"], &listed["deployments"][0]["runs"]),
            (&json!(image), &json!(true)),
            "{wanted}"
        );
    }
    server.run_in_time(&place, &["preview", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_new_environment_is_made_only_where_somebody_says_so() {
    let place = Workplace::new();
    layout(&place, "one", "amd64");
    place.write("stack.toml", "[environments.prod]\n");
    let refused = place.run(&["deploy", "./one", "--env", "pr7"]).expect(65);
    assert!(
        refused.err.contains("error[E0104]") && refused.err.contains("--new-environment"),
        "{}",
        refused.err
    );
    place.run(&["deploy", "./one", "--env", "pr7", "--new-environment"]).expect(0);
}
