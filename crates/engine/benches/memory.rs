//! Peak memory of 100,000 resources: planned and held, then applied. A process of its own, since the peak never falls.

mod common;

use std::sync::Arc;

use common::{apply, layered, on_disk, runtime};

const COUNT: usize = 100_000;

/// The most memory that this process ever had, in MB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024)
}

fn tell(what: &str) {
    match peak() {
        Some(megabytes) => println!("{what}: peak {megabytes} MB"),
        None => println!("{what}: this system does not tell its peak memory"),
    }
}

fn main() {
    let runtime = runtime();
    let (_directory, engine) = on_disk();
    let graph = layered(COUNT);
    tell("100,000 resources declared");
    let plan = runtime
        .block_on(engine.preview(Arc::clone(&graph), &engine::Selector::all()))
        .expect("there is a plan");
    tell("100,000 resources planned and held");
    assert_eq!(plan.steps().len(), COUNT);
    drop(plan);
    runtime.block_on(async { apply(&engine, &graph).await.close().await }).expect("the session ends");
    tell("100,000 resources applied");
    let plan = runtime
        .block_on(engine.preview(Arc::clone(&graph), &engine::Selector::all()))
        .expect("there is a plan");
    assert!(plan.is_empty());
    tell("100,000 resources planned again without a change");
}
