//! How the bucket for logs is looked into and emptied.

use std::sync::Arc;

use alb::Args;
use alb::resources::{Bucket, BucketOutputs};
use async_trait::async_trait;
use emulator::{Call, Emulator, Layer, Next, Reply};
use engine::{CallError, Component, Contents, ErrorClass, Resolved, Resource};
use testing::World;

use crate::support::{BUCKET, s3, tier, world, world_on};

/// Adds logs to the bucket.
async fn log(world: &World, count: usize) {
    for number in 0..count {
        s3(world).put_object().bucket(BUCKET).key(format!("AWSLogs/{number:03}")).send().await.unwrap();
    }
}

async fn logs(world: &World) -> usize {
    let listed = s3(world).list_objects_v2().bucket(BUCKET).send().await.unwrap();
    listed.contents().len()
}

/// What is found in the bucket before it goes.
async fn found(world: &World) -> Contents {
    let (bucket, outputs) = recorded(world).await;
    bucket.contents(&world.cx, &outputs).await.unwrap()
}

fn some(words: &str) -> Contents {
    Contents::Some { words: words.to_owned(), parts: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_it_is_said_in_words() {
    let (world, inputs) = world().await;
    world.create(&tier(Args::default()), &inputs).await;
    let there = logs(&world).await;
    log(&world, 3 - there).await;
    assert_eq!(found(&world).await, some("3 object versions"));
    s3(&world).delete_object().bucket(BUCKET).key("AWSLogs/000").send().await.unwrap();
    assert_eq!(found(&world).await, some("4 object versions"));
    let versions = s3(&world).list_object_versions().bucket(BUCKET).send().await.unwrap();
    let markers = versions.delete_markers().iter().map(|one| (one.key(), one.version_id()));
    let all = versions.versions().iter().map(|one| (one.key(), one.version_id())).chain(markers);
    for (key, version) in all {
        let delete = s3(&world).delete_object().bucket(BUCKET).key(key.unwrap());
        delete.version_id(version.unwrap()).send().await.unwrap();
    }
    assert_eq!(found(&world).await, Contents::Empty);
}

/// What S3 may do: a first page with nothing on it, and more to come.
struct EmptyFirstPage;

#[async_trait]
impl Layer for EmptyFirstPage {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let mut reply = next.run(call).await?;
        if call.operation == "ListObjectVersions" && call.parameters["KeyMarker"].is_null() {
            let page = "<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                <IsTruncated>true</IsTruncated><NextKeyMarker>A</NextKeyMarker>\
                <NextVersionIdMarker>null</NextVersionIdMarker></ListVersionsResult>";
            reply.body = page.as_bytes().to_vec();
            reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        }
        Ok(reply)
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_is_not_an_empty_bucket() {
    let (world, inputs) = world_on(Emulator::builder().layer(EmptyFirstPage).in_memory()).await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    log(&world, 2).await;
    assert_eq!(found(&world).await, some("at least 1 object version"));
    tier.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

/// Pages of one object, as if there were very many.
struct SmallPages;

#[async_trait]
impl Layer for SmallPages {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let mut call = call.clone();
        if call.operation == "ListObjectVersions" {
            Arc::make_mut(&mut call.parameters)["MaxKeys"] = 1.into();
        }
        next.run(&call).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_bucket_is_emptied_in_many_calls_so_that_a_run_can_end_between_them() {
    let (world, inputs) = world_on(Emulator::builder().layer(SmallPages).in_memory()).await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    log(&world, 24).await;
    let there = logs(&world).await;
    let (bucket, outputs) = recorded(&world).await;
    let once: Result<(), CallError> = bucket.delete(&world.cx, &outputs).await;
    let error = once.unwrap_err();
    assert_eq!(error.class, ErrorClass::DependencyViolation, "{error}");
    assert_eq!(there - logs(&world).await, 10);
    // The engine goes on for as long as it takes.
    tier.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

/// The bucket as the state has it.
async fn recorded(world: &World) -> (Bucket, BucketOutputs<Resolved>) {
    let state = world.engine.state().await.unwrap();
    let object = state.current("alb/log-bucket").unwrap();
    let bucket = serde_json::from_value(object.properties.clone()).unwrap();
    (bucket, serde_json::from_value(object.outputs.clone()).unwrap())
}
