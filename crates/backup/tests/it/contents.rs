//! What is found in the vault and in the queue before they go.

use async_trait::async_trait;
use aws::resources::{Queue, QueueOutputs};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use backup::Args;
use emulator::{Call, Emulator, Layer, Next, Reply};
use engine::{Component, Contents, Resolved, Resource};
use testing::{REGION, World};

use crate::support::{QUEUE, VAULT, sqs, tier, vaults, with_vault, world, world_on};

/// Puts a copy of a bucket into the tier's vault.
async fn back_up(world: &World) {
    let s3 = world.cx.client(aws_sdk_s3::Client::new);
    let here =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION));
    let create = s3.create_bucket().bucket("ledger-files").create_bucket_configuration(here.build());
    create.send().await.unwrap();
    let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let versions = s3.put_bucket_versioning().bucket("ledger-files").versioning_configuration(versions);
    versions.send().await.unwrap();
    let start = vaults(world).start_backup_job().backup_vault_name(VAULT);
    let start = start.resource_arn("arn:aws:s3:::ledger-files");
    let is_role = |(kind, id): &(String, String)| kind == "AWS::IAM::Role" && id.contains("vault");
    let (_, role) = world.left().await.into_iter().find(is_role).unwrap();
    start.iam_role_arn(format!("arn:aws:iam::123456789012:role/{role}")).send().await.unwrap();
}

fn with_a_vault() -> Args {
    Args { vault: with_vault(), ..Args::default() }
}

#[tokio::test(start_paused = true)]
async fn a_vault_with_a_copy_in_it_stays() {
    let (world, inputs) = world().await;
    let tier = tier(with_a_vault());
    world.create(&tier, &inputs).await;
    back_up(&world).await;
    let error = tier.delete(&world.engine, &inputs).await.unwrap_err().to_string();
    let expected = "backup/vault (with 1 recovery point)";
    assert!(error.ends_with(expected), "{error}");
}

/// Counts copies only later.
struct Uncounted;

#[async_trait]
impl Layer for Uncounted {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let mut reply = next.run(call).await?;
        if call.operation == "ListBackupVaults" {
            let body = String::from_utf8(reply.body).unwrap();
            reply.body =
                body.replace("\"NumberOfRecoveryPoints\":1", "\"NumberOfRecoveryPoints\":0").into_bytes();
        }
        Ok(reply)
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_counts_even_if_the_vault_has_not_counted_it() {
    let (world, inputs) = world_on(Emulator::builder().layer(Uncounted).in_memory()).await;
    let tier = tier(with_a_vault());
    world.create(&tier, &inputs).await;
    back_up(&world).await;
    let error = tier.delete(&world.engine, &inputs).await.unwrap_err().to_string();
    let expected = "backup/vault (with recovery points)";
    assert!(error.ends_with(expected), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_counts_no_messages_may_hold_some() {
    let (world, inputs) = world().await;
    world.create(&tier(Args::default()), &inputs).await;
    let url = sqs(&world).get_queue_url().queue_name(QUEUE).send().await.unwrap().queue_url.unwrap();
    let queue = Queue::<Resolved> {
        queue_name: QUEUE.into(),
        message_retention_period: 60,
        visibility_timeout: None,
        redrive_policy: None,
        sqs_managed_sse_enabled: true,
        policy: None,
        tags: aws::Tags::new(),
    };
    let outputs: QueueOutputs<Resolved> =
        QueueOutputs { arn: "arn".into(), queue_name: QUEUE.into(), queue_url: url.as_str().into() };
    assert_eq!(queue.contents(&world.cx, &outputs).await.unwrap(), Contents::Unknown);
    for words in ["about 1 message", "about 2 messages"] {
        sqs(&world).send_message().queue_url(&url).message_body("{}").send().await.unwrap();
        let found = queue.contents(&world.cx, &outputs).await.unwrap();
        assert_eq!(found, Contents::Some { words: words.to_owned(), parts: Vec::new() });
    }
}
