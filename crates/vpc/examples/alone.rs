//! One tier as a library, without a stack around it: a network is planned, created, read and deleted.
//!
//! ```sh
//! cargo run -p vpc --example alone
//! ```
//!
//! It runs on an AWS inside the process, so it needs no account and costs nothing. Two lines are other ones for real AWS; they
//! are marked.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use aws::{Context, Identity, Place, Registry};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use emulator::Emulator;
use engine::{Component, Engine, Graph, MemoryStore, Scope, Selector};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout()).await
}

/// A client configuration for the embedded AWS.
fn embedded(emulator: &Emulator) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-southeast-1"))
        .http_client(emulator.http_client())
        .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
        .build()
}

/// The whole life of a network, told to `out`.
pub(crate) async fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::in_memory();
    // Real AWS: `aws_config::load_defaults(BehaviorVersion::latest()).await`, which finds credentials as every AWS tool.
    let config = embedded(&emulator);

    // Whose objects these are: both names go into a tag on everything that is made.
    let identity = Identity { project: "example".to_owned(), environment: "dev".to_owned() };
    let cx = Context::connect(&config, identity).await?;
    let inputs = vpc::Inputs {
        place: Place {
            region: cx.region().to_owned(),
            account_id: cx.account_id().to_owned(),
            partition: cx.partition().to_owned(),
        },
        availability_zones: aws::zones(&cx).await?,
        // There is no state yet. Where there is one: `vpc::Recorded::of(&engine.state().await?)`.
        recorded: vpc::Recorded::default(),
    };

    // What the engine can make: the kinds that tiers share, and this tier's own.
    let mut registry = Registry::new(cx);
    aws::kinds(&mut registry);
    vpc::kinds(&mut registry);
    // Real AWS: `engine::LocalStore::new("state")`. What is in it is how the next run knows what this one has made.
    let store = MemoryStore::new();
    let engine = Engine::new(Arc::new(registry), Arc::new(store));

    // Everything has a default; this network is small and cheap.
    let args = vpc::Args { zone_count: Some(2), nat: vpc::NatMode::Single, ..vpc::Args::default() };
    let network = vpc::Tier::new(args);

    // Plan: declaring is pure, and a preview calls nothing that changes anything.
    let mut scope = Scope::new();
    network.declare_in(&mut scope, &inputs)?;
    let plan = engine.preview(Arc::new(Graph::new(scope)?), &Selector::tier(vpc::Tier::NAME)).await?;
    writeln!(out, "planned: {} resources", plan.steps().iter().filter(|step| step.is_change()).count())?;

    // Create, and again, which finds nothing to do. The outputs have types: this is no text but a VpcId.
    let outputs = network.create(&engine, &inputs).await?;
    let vpc_id: &aws::VpcId = &outputs.vpc_id;
    writeln!(out, "created: {vpc_id} with {}", outputs.vpc_cidr)?;
    for (zone, subnet) in outputs.availability_zones.iter().zip(&outputs.private_subnet_ids) {
        writeln!(out, "  private subnet in {zone}: {subnet}")?;
    }
    writeln!(out, "  calls out from: {}", outputs.nat_public_ips.join(", "))?;
    if network.create(&engine, &inputs).await? != outputs {
        return Err("the second run made something else".into());
    }

    // Read: the live objects against what was recorded.
    let reading = network.read(&engine, &inputs).await?;
    writeln!(out, "read: {} resources differ from what was made", reading.drift.len())?;

    // Delete, and look whether something is left.
    network.delete(&engine, &inputs).await?;
    let objects = emulator.objects().await?;
    let left = objects.iter().filter(|object| !object.made_by_default).count();
    writeln!(out, "deleted: {left} objects are left in the account")?;
    Ok(())
}
