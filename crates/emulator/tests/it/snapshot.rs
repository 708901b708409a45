//! Accounts that go on from a snapshot.

use std::time::Duration;

use emulator::Emulator;

use crate::support::Cloud;

async fn vpcs(cloud: &Cloud) -> usize {
    cloud.ec2.describe_vpcs().send().await.unwrap().vpcs().len()
}

#[tokio::test(start_paused = true)]
async fn accounts_go_on_from_a_snapshot_each_by_itself_and_with_its_time() {
    let first = Cloud::of(Emulator::builder().seed(7).latency(1.0).in_memory());
    first.vpc().await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let snapshot = first.emulator.snapshot().unwrap();
    let later = first.vpc_with("10.9.0.0/16").await;

    // Another runtime's clock may show any time: what had become visible stays visible.
    let go_on = || Cloud::of(Emulator::builder().latency(1.0).going_on(&snapshot));
    let (one, other) = (go_on(), go_on());
    let made = one.vpc_with("10.1.0.0/16").await;
    assert_eq!(other.vpc_with("10.1.0.0/16").await, made, "ids follow from the seed and what was made");
    tokio::time::advance(Duration::from_secs(60)).await;
    other.vpc_with("10.2.0.0/16").await;
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!((vpcs(&first).await, vpcs(&one).await, vpcs(&other).await), (2, 2, 3));
    let found = one.ec2.describe_vpcs().send().await.unwrap();
    let blocks: Vec<_> = found.vpcs().iter().filter_map(|vpc| vpc.cidr_block()).collect();
    assert_eq!(blocks, ["10.0.0.0/16", "10.1.0.0/16"], "what came after the snapshot is not in it");
    assert_eq!(later, made, "the account that the snapshot is of goes on as they do");
    // Numbering of calls goes on, so that times that are drawn for a call are not drawn again.
    assert!(one.emulator.calls()[0].sequence > 1);
}

#[tokio::test]
async fn an_account_on_disk_has_no_snapshot_but_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Emulator::open(directory.path()).unwrap().snapshot().is_none());
}
