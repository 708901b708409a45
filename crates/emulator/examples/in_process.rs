//! A test suite's AWS: an account inside the process, in which everything takes as long as on AWS and nobody waits.
//!
//! ```sh
//! cargo run -p emulator --example in_process
//! ```
//!
//! The clients are those of `aws-sdk-*`, unchanged, with the waiters and retries that they have on AWS.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::client::Waiters;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use tokio::time::Instant;

// With its clock paused, tokio moves on to the next moment at which something is to happen whenever everybody waits.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout()).await
}

/// A client configuration for an account in the process.
fn config(emulator: &Emulator) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-southeast-1"))
        .http_client(emulator.http_client())
        .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
        .build()
}

/// What a suite might try, told to `out`.
pub(crate) async fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    waits(out).await?;
    refuses(out).await?;
    loses_an_answer(out).await
}

/// A NAT gateway takes minutes, on the clock of tokio.
async fn waits(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let ec2 = Client::new(&config(&emulator));
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await?;
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).ok_or("no VPC")?;
    ec2.wait_until_vpc_exists().vpc_ids(&vpc).wait(Duration::from_secs(60)).await?;
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await?;
    let subnet = subnet.subnet.and_then(|subnet| subnet.subnet_id).ok_or("no subnet")?;
    // EC2 does not find at once what it has made, and the SDK has no waiter for this one.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let begun = Instant::now();
    let gateway =
        ec2.create_nat_gateway().subnet_id(subnet).connectivity_type("private".into()).send().await?;
    let gateway = gateway.nat_gateway.and_then(|gateway| gateway.nat_gateway_id).ok_or("no NAT gateway")?;
    ec2.wait_until_nat_gateway_available().nat_gateway_ids(gateway).wait(Duration::from_secs(600)).await?;
    let looks = emulator.calls().iter().filter(|call| call.operation == "DescribeNatGateways").count();
    let minutes = begun.elapsed().as_secs() / 60;
    writeln!(
        out,
        "waits: a NAT gateway was available after {minutes} minutes and {looks} looks of the SDK's waiter"
    )?;
    Ok(())
}

/// What AWS refuses is refused, with AWS's code.
async fn refuses(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::in_memory();
    let ec2 = Client::new(&config(&emulator));
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await?;
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).ok_or("no VPC")?;
    ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await?;
    let refused = ec2.delete_vpc().vpc_id(&vpc).send().await.err().ok_or("the VPC went with its subnet")?;
    writeln!(out, "refuses: DeleteVpc while there is a subnet: {}", refused.code().unwrap_or("no code"))?;
    Ok(())
}

/// The answer to the first call gets lost, after the call took effect. The SDK tries again, and then there are two.
async fn loses_an_answer(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let lost = Fault::ConnectionReset(Moment::AfterEffect);
    let plan = FaultPlan::default().with(Counted::Mutating, When::Call(1), lost);
    let emulator = Emulator::builder().faults(plan).in_memory();
    let ec2 = Client::new(&config(&emulator));
    ec2.create_internet_gateway().send().await?;
    let kinds: Vec<String> = emulator.objects().await?.into_iter().map(|object| object.kind).collect();
    writeln!(out, "loses an answer: one call of ours made {}", kinds.join(" and "))?;
    Ok(())
}
