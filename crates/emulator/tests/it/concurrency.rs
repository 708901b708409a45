//! Many calls at once.

use std::fs;

use emulator::Emulator;
use tokio::task::JoinSet;

use crate::support::{Cloud, code};

async fn fifty_subnets(clouds: &[Cloud], vpc: &str) -> Vec<String> {
    let mut calls = JoinSet::new();
    for number in 0..50 {
        let call = clouds[number % clouds.len()].ec2.create_subnet().vpc_id(vpc);
        calls.spawn(call.cidr_block(format!("10.0.{number}.0/24")).send());
    }
    let made = calls.join_all().await;
    made.into_iter().map(|made| made.unwrap().subnet.unwrap().subnet_id.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_creates_at_once_share_flushes_and_are_all_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = Cloud::of(Emulator::open(directory.path()).unwrap());
    let vpc = cloud.vpc().await;
    let generation = || {
        let text = fs::read_to_string(directory.path().join("lock")).unwrap();
        text.trim().parse::<u64>().unwrap()
    };
    let before = generation();
    let mut ids = fifty_subnets(&[cloud], &vpc).await;
    let flushes = generation() - before;
    assert!(flushes < 25, "{flushes} flushes for 50 calls");

    let again = Cloud::of(Emulator::open(directory.path()).unwrap());
    let found = again.ec2.describe_subnets().send().await.unwrap().subnets.unwrap();
    let mut found: Vec<String> = found.into_iter().map(|s| s.subnet_id.unwrap()).collect();
    ids.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_emulators_can_write_at_once_and_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Cloud::of(Emulator::open(directory.path()).unwrap());
    let vpc = open().vpc().await;
    let mut ids = fifty_subnets(&[open(), open()], &vpc).await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    let found = open().ec2.describe_subnets().send().await.unwrap();
    assert_eq!(found.subnets().len(), 50);
}

#[tokio::test]
async fn a_caller_that_gives_up_takes_nobody_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = Cloud::of(Emulator::open(directory.path()).unwrap());
    let vpc = cloud.vpc().await;
    let mut calls = JoinSet::new();
    for number in 0..20 {
        let call = cloud.ec2.create_subnet().vpc_id(&vpc);
        calls.spawn(call.cidr_block(format!("10.0.{number}.0/24")).send());
    }
    // Poll them all once, so that they wait for a turn, then drop half of them.
    tokio::task::yield_now().await;
    let patient = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.100.0/24");
    let patient = tokio::spawn(patient.send());
    tokio::task::yield_now().await;
    calls.abort_all();
    assert_eq!(code(patient.await.unwrap()), "ok");
    while calls.join_next().await.is_some() {}
    // What was taken up is on disk, whether or not somebody waited for the answer.
    let here = cloud.emulator.objects().await.unwrap();
    let there = Emulator::open(directory.path()).unwrap().objects().await.unwrap();
    assert_eq!(here, there);
}
