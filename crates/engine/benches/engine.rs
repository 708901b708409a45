//! What planning and applying cost without a cloud: layered graphs of width 50, a provider that does nothing, and the
//! real journal on disk.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{apply, layered, on_disk, runtime};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

fn plan_everything(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan from nothing");
    for count in [1_000, 10_000, 100_000] {
        let (_directory, engine) = on_disk();
        let (graph, runtime) = (layered(count), runtime());
        if count > 1_000 {
            group.sample_size(10);
        }
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                let plan = runtime
                    .block_on(engine.preview(Arc::clone(&graph), &engine::Selector::all()))
                    .expect("there is a plan");
                assert_eq!(plan.steps().len(), count);
                plan
            });
        });
    }
}

fn plan_no_change(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan of no change");
    for count in [1_000, 10_000, 100_000] {
        let (_directory, engine) = on_disk();
        let (graph, runtime) = (layered(count), runtime());
        runtime.block_on(async { apply(&engine, &graph).await.close().await }).expect("the session ends");
        if count > 1_000 {
            group.sample_size(10);
        }
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                let plan = runtime
                    .block_on(engine.preview(Arc::clone(&graph), &engine::Selector::all()))
                    .expect("there is a plan");
                assert!(plan.is_empty());
                plan
            });
        });
    }
}

fn apply_everything(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply from nothing");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for count in [1_000, 10_000, 100_000] {
        let (graph, runtime) = (layered(count), runtime());
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                on_disk,
                |(directory, engine)| {
                    runtime
                        .block_on(async { apply(&engine, &graph).await.close().await })
                        .expect("the session ends");
                    directory
                },
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, plan_everything, plan_no_change, apply_everything);
criterion_main!(benches);
