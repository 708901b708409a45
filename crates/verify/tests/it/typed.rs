//! Resources are judged by the structs and the facts of their kinds.

use std::collections::BTreeSet;

use aws::resources::Key;
use backup::resources::BackupVault;
use database::resources::Cluster;
use ecs::resources::TaskDefinition;
use engine::{Named, Reading, Resolved, Resource as _};
use monitoring::resources::{Group, Sampling, SamplingRule};
use serde_json::{Value, json};
use verify::http::{Endpoints, Unasked};
use verify::{Outcome, Property, Resource, Subject, verify};

use crate::world::{World, failures, findings, live_of, outcome};

/// The subject with one property changed, live and recorded or one of the two.
fn with(subject: &Subject, address: &str, property: &str, [live, recorded]: [Option<Value>; 2]) -> Subject {
    let mut subject = subject.clone();
    let resource = subject.resources.iter_mut().find(|one| one.address == address).unwrap();
    if let Some(value) = live {
        live_of(resource)[property] = value;
    }
    if let Some(value) = recorded {
        resource.recorded[property] = value;
    }
    subject
}

#[tokio::test]
async fn properties_that_are_not_those_of_the_kind_fail_each_check_that_judges_it() {
    let good = World::deployed("dev").await.subject().await;
    let about_cluster = [
        "encryption/database",
        "encryption/database-parameters",
        "access/database",
        "monitoring/database-logs",
        "backup/retention",
        "completeness/database",
    ];
    for (property, value) in
        [("StorageEncrypted", json!("yes")), ("BackupRetentionPeriod", Value::Null), ("Surprise", json!(1))]
    {
        for (which, change) in
            [("live", [Some(value.clone()), None]), ("recorded", [None, Some(value.clone())])]
        {
            let subject = with(&good, "database/cluster", property, change);
            assert_eq!(failures(&subject), about_cluster, "{which} {property}");
            let start = format!(
                "database/cluster: expected {}; found the {which} properties are not those of this type: ",
                Cluster::<Resolved>::KIND
            );
            for check in about_cluster {
                let said = findings(&verify(&subject), check);
                assert!(said.len() == 1 && said[0].starts_with(&start), "{said:?}");
            }
        }
    }
}

/// What a configuration turns off is read from what was recorded: what cannot be read may be on.
#[tokio::test]
async fn what_is_recorded_and_cannot_be_read_is_not_taken_for_turned_off() {
    let good = World::deployed("dev").await.subject().await;
    for (address, property, check) in [
        ("apigw/stage", "TracingEnabled", "monitoring/tracing"),
        ("ecs/cluster", "ClusterSettings", "monitoring/container-insights"),
        ("alb/http-listener", "Protocol", "https/load-balancer"),
    ] {
        let subject = with(&good, address, property, [None, Some(json!(7))]);
        let said = findings(&verify(&subject), check);
        let found = "found the recorded properties are not those of this type: ";
        assert!(said.iter().any(|line| line.starts_with(address) && line.contains(found)), "{said:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_asked_over_http_and_not_passed_over() {
    let world = World::deployed("dev").await;
    let (good, live) = (world.subject().await, Ok(world.live_api().await));
    let broken = [None, Some(json!(7))];
    let refused = |address: &str, property: &str| {
        let [recorded, live_too] = broken.clone();
        let subject = with(&good, address, property, [live_too, recorded]);
        Endpoints::of(&subject, &live)
    };
    for (address, property) in [("alb/load-balancer", "Scheme"), ("alb/blue-target-group", "HealthCheckPath")]
    {
        let Err(Unasked::Unknown(finding)) = refused(address, property).load_balancer else {
            panic!("{address} is asked")
        };
        assert_eq!(finding.place, address);
    }
    let Err(Unasked::Unknown(finding)) = refused("apigw/rest-api", "DisableExecuteApiEndpoint").api else {
        panic!("the API is asked")
    };
    assert_eq!(finding.place, "apigw/rest-api");
    // Nothing is known of the application, so that it is asked.
    assert!(Endpoints::of(&good, &live).no_application.is_some());
    assert_eq!(refused("ecs/service", "DesiredCount").no_application, None);
}

#[tokio::test]
async fn every_name_by_which_people_find_an_object_is_judged() {
    let good = World::deployed("dev").await.subject().await;
    let mut kinds = BTreeSet::new();
    for resource in &good.resources {
        let Some(property) = resource.facts.unwrap().name.property() else { continue };
        let (address, name) = (&resource.address, Some(json!("somebody-s")));
        let subject = with(&good, address, property, [name, None]);
        match resource.facts.unwrap().name {
            Named::ByName(_) => {
                kinds.insert(resource.kind.as_str());
                let said = findings(&verify(&subject), "naming/names");
                assert!(said.len() == 1 && said[0].starts_with(&format!("{address}: expected {property}: ")));
            }
            _ => assert_eq!(outcome(&verify(&subject), "naming/names"), &Outcome::Passed, "{address}"),
        }
    }
    for kind in [TaskDefinition::<Resolved>::KIND, Group::KIND, SamplingRule::KIND, Cluster::<Resolved>::KIND]
    {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
}

#[tokio::test]
async fn tags_are_judged_whatever_their_property_is_called() {
    let mut good = World::deployed("dev").await.subject().await;
    let tags = |environment: &str| json!({ "Name": "payment-backup-dev", "Environment": environment });
    let vault = json!({
        "BackupVaultName": "payment-backup-vault-dev",
        "EncryptionKeyArn": "arn:aws:kms:ap-southeast-1:123456789012:key/1",
        "BackupVaultTags": tags("dev"),
    });
    good.resources.push(Resource {
        address: "backup/vault".to_owned(),
        kind: BackupVault::<Resolved>::KIND.to_owned(),
        facts: Some(BackupVault::<Resolved>::FACTS),
        recorded: vault.clone(),
        outputs: json!({}),
        live: Reading::Found(vault),
    });
    assert_eq!(failures(&good), Vec::<&str>::new());
    for (address, property, value) in
        [("backup/vault", "BackupVaultTags", tags("prod")), ("vpc/vpc", "Tags", json!("none"))]
    {
        let subject = with(&good, address, property, [Some(value), None]);
        assert_eq!(failures(&subject), ["naming/tags"], "{address}");
        assert!(findings(&verify(&subject), "naming/tags")[0].starts_with(address));
    }
}

#[test]
fn a_property_is_named_as_in_its_struct() {
    let _ = Property::<Cluster<Resolved>>::new("DBClusterIdentifier");
    let _ = Property::<SamplingRule>::new("SamplingRule").member::<Sampling>("HTTPMethod");
}

#[test]
#[should_panic(expected = "Key has no property EnableKeyRotatoin")]
fn a_property_that_does_not_exist_is_a_mistake() {
    let _ = Property::<Key>::new("EnableKeyRotatoin");
}

#[test]
#[should_panic(expected = "Sampling has no property HttpMethod")]
fn a_member_that_does_not_exist_is_a_mistake() {
    let _ = Property::<SamplingRule>::new("SamplingRule").member::<Sampling>("HttpMethod");
}
