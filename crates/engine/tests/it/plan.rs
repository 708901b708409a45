//! What a plan says.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Action, Engine, EngineError, ErrorClass, Graph, Note, PlanError, PropertyChange, Reading, Selector,
};
use serde_json::{Value, json};

use crate::client::Client;
use crate::fake_cloud::{CallEnd, Fault};
use crate::life::{Life, WriteEnd};
use crate::world::{World, address, graph, protected, reference, resource};

fn sized(name: &str, size: u8) -> Value {
    json!({ "Name": name, "Size": size })
}

#[tokio::test(start_paused = true)]
async fn a_replacement_names_what_forces_it_and_what_follows_from_it() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            resource("t/a", "Test::Token", json!({ "Name": "a", "Shape": shape })),
            resource("t/b", "Test::Token", json!({ "Name": "b", "Parents": [reference("t/a", "Id")] })),
            resource("t/c", "Test::Token", json!({ "Name": "c", "Links": [reference("t/b", "Id")] })),
        ])
    };
    world.apply(&wanted(0)).await;
    let plan = world.plan(&wanted(1)).await;
    let forcing = |at: &str| match &plan.step(at).unwrap().action {
        Action::Replace { because, .. } => because.iter().map(str::to_owned).collect::<Vec<_>>(),
        other => panic!("{at}: {other:?}"),
    };
    assert_eq!(forcing("t/a"), ["Shape"]);
    assert_eq!(forcing("t/b"), ["Parents"]);
    let c = plan.step("t/c").unwrap();
    assert_eq!(c.action, Action::Update);
    let unknown = PropertyChange::unknown_text(c.changes[0].after.as_ref().unwrap());
    assert_eq!((c.changes[0].path.as_str(), unknown.as_deref()), ("Links[0]", Some("(known after t/b)")));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_an_update_may_change_is_not_known_and_all_others_are() {
    let world = World::new();
    let wanted = |size: u8| {
        let texts =
            json!({ "Name": "b", "Text": [reference("t/a", "Version"), reference("t/a", "Endpoint")] });
        graph([resource("t/a", "Test::Token", sized("a", size)), resource("t/b", "Test::Token", texts)])
    };
    world.apply(&wanted(1)).await;
    let plan = world.plan(&wanted(2)).await;
    let desired = plan.step("t/b").unwrap().desired().cloned().unwrap();
    assert_eq!(desired["Text"], json!([reference("t/a", "Version"), "id-000001.example"]));
    world.apply(&wanted(2)).await;
    assert_eq!(world.cloud.at("t/b").unwrap().properties["Text"][0], "v2");
    assert!(world.plan(&wanted(2)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn protection_is_recorded_so_that_removing_the_code_does_not_remove_it() {
    let world = World::new();
    let a = |shape: u8| json!({ "Name": "a", "Shape": shape });
    world
        .apply(&graph([protected("t/a", "Test::Token", a(0)), resource("t/b", "Test::Token", sized("b", 1))]))
        .await;
    for wanted in [Arc::new(Graph::default()), graph([resource("t/a", "Test::Token", a(1))])] {
        let error = world.process().engine.preview(wanted, &Selector::all()).await.unwrap_err();
        let EngineError::Plan(PlanError::Protected { resources }) = error else { panic!("{error}") };
        assert_eq!(resources[0].address, address("t/a"));
    }
    // Taking the protection back is a change of its own, which calls nothing.
    let calls = world.cloud.log();
    world
        .apply(&graph([resource("t/a", "Test::Token", a(0)), resource("t/b", "Test::Token", sized("b", 1))]))
        .await;
    assert_eq!(world.cloud.log(), calls);
    world.apply(&Arc::new(Graph::default())).await;
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kind_in_state_that_the_program_does_not_know_is_an_error_that_names_it() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Tag", sized("a", 1))])).await;
    let client = Client::new(&world.cloud, &Life::default()).without("Test::Tag");
    let older = Engine::new(Arc::new(client), Arc::new(world.memory.clone())).with_host(world.host().1);
    for wanted in [Arc::new(Graph::default()), graph([resource("t/a", "Test::Tag", sized("a", 1))])] {
        let error = older.preview(wanted, &Selector::all()).await.unwrap_err();
        assert_eq!(error.to_string(), "t/a: this program does not know the kind Test::Tag");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reference_to_an_output_that_is_not_recorded_is_an_error_that_names_both_ends() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", sized("a", 1))])).await;
    let wanted = graph([
        resource("t/a", "Test::Token", sized("a", 1)),
        resource("t/b", "Test::Token", json!({ "Name": "b", "Links": [reference("t/a", "Arn")] })),
    ]);
    let error = world.process().engine.preview(wanted, &Selector::all()).await.unwrap_err();
    let text = "t/b refers to the output Arn of t/a, which the recorded object does not have";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn drift_is_found_without_a_write_and_repaired_by_the_next_run() {
    let world = World::new();
    let wanted = graph([
        resource("t/a", "Test::Token", sized("a", 1)),
        resource("t/b", "Test::Key", sized("b", 1)),
        resource("t/c", "Test::Key", sized("c", 1)),
    ]);
    world.apply(&wanted).await;
    assert_eq!(world.process().engine.drift(&Selector::all()).await.unwrap(), []);
    world.cloud.tamper("t/a", "Size", json!(9));
    // What the cloud adds by itself is not ours to judge.
    world.cloud.tamper("t/b", "Owner", json!("somebody"));
    world.cloud.lose("t/c");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let files = world.files().await;
    let drift = world.process().engine.drift(&Selector::all()).await.unwrap();
    assert_eq!(drift.len(), 2, "{drift:?}");
    let change = &drift[0].changes.as_ref().unwrap()[0];
    assert_eq!(
        (change.path.as_str(), &change.before, &change.after),
        ("Size", &Some(json!(1)), &Some(json!(9)))
    );
    assert_eq!((drift[1].address.as_str(), &drift[1].changes), ("t/c", &None));
    // A survey has the same, and all that the cloud shows.
    let survey = world.process().engine.survey(&Selector::all()).await.unwrap();
    assert_eq!(survey.drift(), drift);
    let seen: Vec<_> = survey
        .objects()
        .map(|(address, object, live)| match live {
            Reading::Found(live) => (
                address.as_str(),
                object.properties["Size"].clone(),
                live["Size"].clone(),
                live["Owner"].clone(),
            ),
            Reading::Missing => {
                (address.as_str(), object.properties["Size"].clone(), json!("gone"), json!(null))
            }
            Reading::Denied(error) => panic!("{address}: {error}"),
        })
        .collect();
    let wanted_sights = [
        ("t/a", json!(1), json!(9), json!(null)),
        ("t/b", json!(1), json!(1), json!("somebody")),
        ("t/c", json!(1), json!("gone"), json!(null)),
    ];
    assert_eq!(seen, wanted_sights);
    assert_eq!(world.files().await, files);

    let plan = world.plan(&wanted).await;
    let c = plan.step("t/c").unwrap();
    assert_eq!((&c.action, c.note), (&Action::Create, Some(Note::Missing)));
    world.apply(&wanted).await;
    assert_eq!(world.cloud.at("t/a").unwrap().properties["Size"], 1);
    assert_eq!(world.cloud.addresses(), ["t/a", "t/b", "t/c"]);
    assert!(world.plan(&wanted).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_told_by_a_survey_and_stops_everything_else() {
    let world = World::new();
    let wanted =
        graph(["a", "b", "c"].map(|name| resource(&format!("t/{name}"), "Test::Token", sized(name, 1))));
    world.apply(&wanted).await;
    let denied = || world.cloud.set_faults([(2, Fault::Before(ErrorClass::Denied))]);

    denied();
    let survey = world.process().engine.survey(&Selector::all()).await.unwrap();
    let refused: Vec<_> = survey
        .objects()
        .filter_map(|(address, object, live)| match live {
            Reading::Denied(error) => Some((address, object, error)),
            Reading::Found(_) | Reading::Missing => None,
        })
        .collect();
    let [(address, object, error)] = refused[..] else { panic!("{refused:?}") };
    assert_eq!((object.properties["Size"].clone(), error.class), (json!(1), ErrorClass::Denied));
    assert_eq!(survey.objects().filter(|(other, _, _)| *other != address).count(), 2);
    assert_eq!(survey.drift(), []);

    let text = format!("{address} cannot be read");
    denied();
    assert_eq!(world.process().engine.drift(&Selector::all()).await.unwrap_err().to_string(), text);
    denied();
    assert_eq!(
        world.process().engine.preview(wanted.clone(), &Selector::all()).await.unwrap_err().to_string(),
        text
    );
    // What was not denied is not known either, and says nothing of what this identity may do.
    world.cloud.set_faults([(2, Fault::Before(ErrorClass::Invalid))]);
    assert_eq!(world.process().engine.survey(&Selector::all()).await.unwrap_err().to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn what_refers_to_an_object_that_disappeared_follows_to_the_new_one() {
    let world = World::new();
    let wanted = graph([
        resource("t/a", "Test::Tag", sized("a", 1)),
        resource(
            "t/b",
            "Test::Token",
            json!({ "Name": "b", "Parents": [reference("t/a", "Id")], "Holds": 0 }),
        ),
        resource("t/c", "Test::Token", json!({ "Name": "c", "Links": [reference("t/a", "Id")] })),
    ]);
    world.apply(&wanted).await;
    world.cloud.lose("t/a");
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
    assert!(world.plan(&wanted).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_the_cloud_does_not_show_yet_is_not_taken_for_missing() {
    let world = World::new();
    world.cloud.set_lag(Duration::from_secs(28));
    let wanted = graph([resource("t/a", "Test::Tag", sized("a", 1))]);
    let process = world.process();
    // Opened, Intent, Created: the process dies when it has recorded the identity, but has not waited.
    process.store.die_at(3, WriteEnd::After);
    world.run_as(&process, &wanted).await;
    let plan = world.process().engine.preview(Arc::clone(&wanted), &Selector::all()).await.unwrap();
    assert_eq!(plan.steps()[0].note, Some(Note::Unfinished));
    world.apply(&wanted).await;
    assert_eq!(world.cloud.addresses(), ["t/a"]);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_only_a_ready_object_has_is_not_known_before_also_after_a_crash() {
    let world = World::new();
    let wanted = graph([
        resource("t/a", "Test::SlowToken", sized("a", 1)),
        resource("t/b", "Test::Token", json!({ "Name": "b", "Text": [reference("t/a", "Endpoint")] })),
    ]);
    let process = world.process();
    process.store.die_at(3, WriteEnd::After);
    world.run_as(&process, &wanted).await;
    let plan = world.plan(&wanted).await;
    assert_eq!(plan.step("t/b").unwrap().desired().unwrap()["Text"], json!([reference("t/a", "Endpoint")]));
    world.apply(&wanted).await;
    assert_eq!(world.cloud.at("t/b").unwrap().properties["Text"][0], "id-000001.example");
}

#[tokio::test(start_paused = true)]
async fn outputs_that_an_interrupted_update_changed_reach_what_refers_to_them() {
    for end in [CallEnd::Before, CallEnd::After] {
        let world = World::new();
        let wanted = |size: u8| {
            graph([
                resource("t/a", "Test::Token", sized("a", size)),
                resource("t/b", "Test::Token", json!({ "Name": "b", "Text": [reference("t/a", "Version")] })),
            ])
        };
        world.apply(&wanted(1)).await;
        world.cloud.die_at(1, end);
        world.run(&wanted(2)).await;
        world.cloud.no_more_faults();
        world.apply(&wanted(2)).await;
        assert_eq!(world.cloud.at("t/b").unwrap().properties["Text"][0], "v2", "{end:?}");
        world.check_cloud_equals_state().await;
        assert!(world.plan(&wanted(2)).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_property_that_left_the_code_while_its_object_was_being_created_is_taken_from_the_object() {
    let world = World::new();
    let process = world.process();
    process.store.die_at(3, WriteEnd::After);
    let before = graph([resource("t/a", "Test::Token", json!({ "Name": "a", "Text": "here" }))]);
    world.run_as(&process, &before).await;
    let after = graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]);
    world.apply(&after).await;
    assert_eq!(world.cloud.at("t/a").unwrap().properties, json!({ "Name": "a" }));
    assert!(world.plan(&after).await.is_empty());
}
