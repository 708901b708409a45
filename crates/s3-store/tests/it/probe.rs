//! The probe refuses a store that lacks one of the rules that the lock rests on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use emulator::{Call, Emulator, Layer, Next, Refusal, Reply};
use s3_store::Unfit;
use serde_json::Value;

use crate::place::{BUCKET, Place};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// It does not look at this condition of this operation.
    Ignores(&'static str, &'static str),
    /// It takes no request with this condition of this operation.
    Refuses(&'static str, &'static str, &'static str, u16),
    /// It looks whether there is an object, and then writes.
    LooksFirst(&'static str),
}

/// A store that lacks something, once that is switched on.
#[derive(Clone)]
struct Lacking(Lack, Arc<AtomicBool>);

fn has(call: &Call, operation: &str, condition: &str) -> bool {
    call.operation == operation && !call.parameters[condition].is_null()
}

fn without(call: &Call, condition: &str) -> Call {
    let mut parameters = Value::clone(&call.parameters);
    parameters.as_object_mut().unwrap().remove(condition);
    let mut call = call.clone();
    call.parameters = Arc::new(parameters);
    call
}

#[async_trait]
impl Layer for Lacking {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        if !self.1.load(Ordering::Relaxed) {
            return next.run(call).await;
        }
        match self.0 {
            Lack::Ignores(operation, condition) if has(call, operation, condition) => {
                next.run(&without(call, condition)).await
            }
            Lack::Refuses(operation, condition, code, status) if has(call, operation, condition) => {
                Ok(call.refuse(Refusal::new(code, "It cannot do that.").with_status(status)))
            }
            Lack::LooksFirst(condition) if has(call, "PutObject", condition) => {
                // A request that arrives meanwhile sees the same.
                let world = next.world().state("s3", "global").await.unwrap().unwrap().to_string();
                let is_there = world.contains(call.parameters["Key"].as_str().unwrap());
                let holds = condition == "IfNoneMatch" && !is_there;
                tokio::time::sleep(Duration::from_millis(10)).await;
                match holds {
                    true => next.run(&without(call, condition)).await,
                    false => next.run(call).await,
                }
            }
            _ => next.run(call).await,
        }
    }
}

async fn place(lack: Lack) -> (Place, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let emulator = Emulator::builder().layer(Lacking(lack, Arc::clone(&on))).in_memory();
    (Place::new(emulator).await, on)
}

#[tokio::test(start_paused = true)]
async fn a_store_that_lacks_a_rule_is_refused_with_the_rule() {
    for (lack, told) in [
        (Lack::Ignores("PutObject", "IfNoneMatch"), "`If-None-Match: *` overwrites an object that exists"),
        (
            Lack::Ignores("PutObject", "IfMatch"),
            "PutObject with `If-Match` overwrites an object with another ETag",
        ),
        (
            Lack::Ignores("DeleteObject", "IfMatch"),
            "DeleteObject with `If-Match` deletes an object with another ETag",
        ),
        (
            Lack::Refuses("PutObject", "IfMatch", "PreconditionFailed", 412),
            "PutObject with `If-Match` does not replace an object with this ETag",
        ),
        (
            Lack::Refuses("PutObject", "IfNoneMatch", "PreconditionFailed", 412),
            "an object that does not exist cannot be written with `If-None-Match: *`",
        ),
        (
            Lack::Refuses("DeleteObject", "IfMatch", "PreconditionFailed", 412),
            "DeleteObject with `If-Match` does not delete an object with this ETag",
        ),
        (
            Lack::LooksFirst("IfNoneMatch"),
            "several requests at once with `If-None-Match: *` write one object",
        ),
    ] {
        let (place, on) = place(lack).await;
        place.open().probe().await.unwrap_or_else(|error| panic!("{lack:?} is off: {error}"));
        on.store(true, Ordering::Relaxed);
        let refused = place.open().probe().await;
        let Err(Unfit::Lacks { bucket, rule }) = &refused else { panic!("{lack:?}: {refused:?}") };
        assert_eq!((bucket.as_str(), *rule), (BUCKET, told), "{lack:?}");
        assert!(refused.unwrap_err().hint().contains("Use Amazon S3"));
        on.store(false, Ordering::Relaxed);
        let deletes = lack != Lack::Refuses("DeleteObject", "IfMatch", "PreconditionFailed", 412);
        assert_eq!(place.by_hand().names().await.is_empty(), deletes, "{lack:?}: nothing is left");
    }
}

/// As LocalStack answers a deletion with a condition.
#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_implement_a_rule_is_refused_with_its_answer() {
    for (operation, condition) in
        [("PutObject", "IfNoneMatch"), ("PutObject", "IfMatch"), ("DeleteObject", "IfMatch")]
    {
        let (place, on) = place(Lack::Refuses(operation, condition, "NotImplemented", 501)).await;
        on.store(true, Ordering::Relaxed);
        let refused = place.open().probe().await.unwrap_err();
        assert!(matches!(refused, Unfit::Call(_)), "{refused:?}");
        assert!(refused.to_string().starts_with(&format!("{operation}: NotImplemented")), "{refused}");
        assert!(refused.hint().contains("use Amazon S3"), "{}", refused.hint());
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_keeps_no_versions_is_not_fit() {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let place = Place::new(Emulator::in_memory()).await;
    place.open().check().await.unwrap();
    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    let client = place.by_hand().client;
    client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(off).send().await.unwrap();
    let refused = place.open().check().await;
    assert!(matches!(refused, Err(Unfit::NotVersioned { .. })), "{refused:?}");
}
