//! Deploy, look, break, repair, destroy: with the whole command line, in a program with one more tier.

use std::sync::Arc;

use aws_sdk_sqs::types::QueueAttributeName;
use engine::{Engine, EngineError, LocalStore, PlanError, Registry, Selector};
use serde_json::json;
use stack::{Place, Program, Sources};

use crate::command::Workplace;

const CONFIG: &str = "[worker]\nimage = \"public.ecr.aws/example/worker:1.4\"\nattempts = 3\n";

#[tokio::test]
async fn the_payment_stack_with_a_worker_is_deployed_looked_at_and_destroyed() {
    let place = Workplace::with(CONFIG);
    let preview = place.run(&["preview", "--details", "--detailed-exitcode"]).expect(2);
    for address in
        ["worker/queue", "worker/dead-letter-queue", "worker/service", "vpc/vpc", "backup/function"]
    {
        assert!(preview.out.contains(&format!("+ {address} ")), "{address}: {}", preview.out);
    }

    place.run(&["up"]).expect(0);
    let outputs = place.run(&["outputs", "--json"]).expect(0).json();
    let arn = "arn:aws:sqs:ap-southeast-1:123456789012";
    for (name, value) in [
        (
            "workerQueueUrl",
            "https://sqs.ap-southeast-1.amazonaws.com/123456789012/payment-worker-dev".to_owned(),
        ),
        ("workerQueueArn", format!("{arn}:payment-worker-dev")),
        ("workerDeadLetterQueueArn", format!("{arn}:payment-worker-dead-letters-dev")),
        ("workerServiceName", "payment-worker-dev".to_owned()),
    ] {
        assert_eq!(outputs[name], value, "{name}");
        assert_eq!(place.run(&["outputs", name]).expect(0).out.trim_end(), value);
    }
    assert!(outputs["vpcId"].as_str().unwrap().starts_with("vpc-"));
    let objects = place.objects().await;
    let service = objects
        .iter()
        .find(|object| object.tags.get("stack:address").is_some_and(|address| address == "worker/service"));
    assert_eq!(service.unwrap().tags["Environment"], "dev");

    let verified = place.run(&["verify"]).expect(0);
    assert!(verified.out.contains("ok       worker/dead-letters"), "{}", verified.out);
    assert!(verified.out.contains("ok       outputs/required"), "{}", verified.out);
    let nothing = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(nothing.out.contains("nothing to do"), "{}", nothing.out);

    let destroyed = place.run(&["destroy", "--yes"]).expect(0);
    assert!(destroyed.err.contains("deleted worker/queue"), "{}", destroyed.err);
    let mut left = place.objects().await;
    // API Gateway has one for a whole region, which no stack takes away.
    left.retain(|object| !object.id.starts_with("payment-apigw-logs-"));
    assert_eq!(left, []);
}

#[tokio::test]
async fn verify_judges_the_worker_by_what_aws_shows_and_up_repairs_it() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let url = place.run(&["outputs", "workerQueueUrl"]).expect(0).out;
    place
        .sqs()
        .set_queue_attributes()
        .queue_url(url.trim_end())
        .attributes(QueueAttributeName::RedrivePolicy, "")
        .send()
        .await
        .unwrap();
    let verified = place.run(&["verify"]).expect(1);
    assert!(verified.out.contains("FAILED   worker/dead-letters"), "{}", verified.out);
    assert!(verified.out.contains("worker/queue: expected RedrivePolicy with"), "{}", verified.out);
    let drift = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    assert!(drift.out.contains("worker/queue") && drift.out.contains("RedrivePolicy"), "{}", drift.out);
    place.run(&["up"]).expect(0);
    place.run(&["verify"]).expect(0);
}

#[test]
fn the_worker_is_exported_with_properties_that_cloudformation_takes() {
    let place = Workplace::with(CONFIG);
    let template = place.run(&["export", "cloudformation"]).expect(0).json();
    let properties = |name: &str| template["Resources"][name]["Properties"].clone();
    let policy = json!({
        "deadLetterTargetArn": { "Fn::GetAtt": ["WorkerDeadLetterQueue", "Arn"] },
        "maxReceiveCount": 3,
    });
    assert_eq!(properties("WorkerQueue")["RedrivePolicy"], policy);
    // ECS refuses it, whatever it is, of a service without a load balancer.
    assert_eq!(properties("WorkerService")["HealthCheckGracePeriodSeconds"], json!(null));
    assert_eq!(properties("EcsService")["HealthCheckGracePeriodSeconds"], 60);
}

/// The engine of a program, on what was deployed in a directory.
async fn engine(place: &Workplace, program: &Program) -> Engine {
    let mut registry = Registry::new(testing::context(&place.emulator()));
    program.register(&mut registry);
    let store = LocalStore::new(place.path().join(".stack/embedded/dev"));
    let recorded = Engine::new(
        Arc::new(Registry::new(())),
        Arc::new(LocalStore::new(place.path().join(".stack/embedded/dev"))),
    );
    assert!(!recorded.state().await.unwrap().is_empty());
    Engine::new(Arc::new(registry), Arc::new(store))
}

/// What a setting keeps, it keeps of all tiers.
#[tokio::test]
async fn logs_of_a_tier_that_the_program_has_no_more_stay_where_logs_stay() {
    let place = Workplace::with(CONFIG);
    place.run(&["up"]).expect(0);
    let dev = "dev".parse().unwrap();
    let mut program = Program::new("stack", "1.0.0");
    program.payment();
    for (keep, fate) in [(true, "retained"), (false, "deleted")] {
        let settings = [format!("logs.keep_on_destroy={keep}").parse().unwrap()];
        let config =
            program.load(&Sources { settings: &settings, ..Sources::file(None, &dev) }).unwrap().config;
        let here = Place { account_id: testing::ACCOUNT.to_owned(), ..Place::imagined(&config) };
        let state = engine(&place, &program).await.state().await.unwrap();
        let graph = program.stack(config, &dev).declare(&here.as_recorded_in(&state)).unwrap();
        let plan = engine(&place, &program).await.preview(graph, &Selector::all()).await.unwrap();
        let removal = plan.step("worker/log-group").unwrap().removal().unwrap();
        let stays = matches!(removal.fate, engine::Fate::Retained);
        assert_eq!(if stays { "retained" } else { "deleted" }, fate, "{removal:?}");
    }
}

#[tokio::test]
async fn a_tier_that_the_program_has_no_more_is_deleted_if_its_kinds_are_known() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let dev = "dev".parse().unwrap();

    // The payment stack without the worker, whose kinds it knows.
    let mut program = Program::new("stack", "1.0.0");
    program.payment();
    let config = program.load(&Sources::file(None, &dev)).unwrap().config;
    let here = Place { account_id: testing::ACCOUNT.to_owned(), ..Place::imagined(&config) };
    let state = engine(&place, &program).await.state().await.unwrap();
    let graph = program.stack(config, &dev).declare(&here.as_recorded_in(&state)).unwrap();
    let plan = engine(&place, &program).await.preview(graph, &Selector::all()).await.unwrap();
    let steps = plan.steps().iter().filter(|step| step.action != engine::Action::Unchanged);
    let mut deleted: Vec<String> = steps.map(|step| format!("{:?} {}", step.action, step.address)).collect();
    deleted.sort();
    assert_eq!(deleted, ["Delete worker/dead-letter-queue", "Delete worker/queue"]);

    // A program that knows no tier, and with them no kinds.
    let bare = Program::new("bare", "1.0.0");
    let config = bare.default_config();
    let graph = bare.stack(config.clone(), &dev).declare(&Place::imagined(&config)).unwrap();
    let refused = engine(&place, &bare).await.preview(graph, &Selector::all()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Plan(PlanError::UnknownKind { .. })), "{refused:?}");
}
