//! An account with a key, and the clients with which somebody else disturbs the tier.

use aws::{DbClusterId, KeyArn, TopicArn};
use backup::{Args, DatabaseInputs, Inputs, Tier, Vault};
use emulator::Emulator;
use testing::{World, place};

pub(crate) const CLUSTER: &str = "arn:aws:rds:ap-southeast-1:123456789012:cluster:payment-cluster-dev";
pub(crate) const TOPIC: &str = "arn:aws:sns:ap-southeast-1:123456789012:payment-alarms-dev";
pub(crate) const FUNCTION: &str = "payment-backup-verification-dev";
pub(crate) const SCHEDULE: &str = "payment-backup-verification-dev";
pub(crate) const QUEUE: &str = "payment-backup-dead-letters-dev";
pub(crate) const VAULT: &str = "payment-backup-vault-dev";

/// Inputs that lead nowhere, for declaring.
pub(crate) fn inputs() -> Inputs {
    Inputs {
        place: place(),
        database: DatabaseInputs {
            cluster_id: DbClusterId::from("payment-cluster-dev").into(),
            cluster_arn: CLUSTER.into(),
            key_arn: KeyArn::from("arn:aws:kms:ap-southeast-1:123456789012:key/database").into(),
        },
        alarm_topic_arn: Some(TopicArn::from(TOPIC).into()),
        alarm_topic_key_arn: Some(KeyArn::from("arn:aws:kms:ap-southeast-1:123456789012:key/topic").into()),
    }
}

/// An account with a key that can encrypt a vault.
pub(crate) async fn world() -> (World, Inputs) {
    world_on(Emulator::in_memory()).await
}

pub(crate) async fn world_on(emulator: Emulator) -> (World, Inputs) {
    let world = World::on(emulator, backup::kinds);
    let inputs = surroundings(&world).await;
    world.mutations();
    (world, inputs)
}

/// What other tiers make.
pub(crate) async fn surroundings(world: &World) -> Inputs {
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    // What is new is not seen at once where the emulator takes AWS's times.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let database = DatabaseInputs { key_arn: KeyArn::from(key).into(), ..inputs().database };
    Inputs { database, ..inputs() }
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

/// Everything that there can be.
pub(crate) fn with_everything() -> Args {
    Args { reserved_concurrency: Some(1), vault: with_vault(), ..Args::default() }
}

pub(crate) fn with_vault() -> Vault {
    Vault { enabled: true, opt_in: true, lock_days: Some(7), ..Vault::default() }
}

pub(crate) fn lambda(world: &World) -> aws_sdk_lambda::Client {
    world.cx.client(aws_sdk_lambda::Client::new)
}

pub(crate) fn scheduler(world: &World) -> aws_sdk_scheduler::Client {
    world.cx.client(aws_sdk_scheduler::Client::new)
}

pub(crate) fn sqs(world: &World) -> aws_sdk_sqs::Client {
    world.cx.client(aws_sdk_sqs::Client::new)
}

pub(crate) fn vaults(world: &World) -> aws_sdk_backup::Client {
    world.cx.client(aws_sdk_backup::Client::new)
}
