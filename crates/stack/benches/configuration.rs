//! How long it takes to read a configuration of n lines, in each of the ways in which it can grow. Doubling n should little more
//! than double the time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use stack::{Environment, Setting, Sources, load};
use std::hint::black_box;

/// The environment variables of the application, which nothing limits.
const TABLE: &str = "ecs.environment_variables";

fn dev() -> Environment {
    "dev".parse().expect("it is the name of an environment")
}

/// A file with so many keys, sections, or items of a list.
fn file(shape: &str, n: usize) -> String {
    let keys = |n| (0..n).map(|i| format!("NAME_{i} = \"value {i}\"\n")).collect::<String>();
    let sections = |n| (0..n).map(|i| format!("[environments.e{i}.ecs]\ncpu = 512\n")).collect::<String>();
    match shape {
        "keys" => format!("[{TABLE}]\n{}", keys(n)),
        "keys of the section" => format!("[environments.dev.{TABLE}]\n{}", keys(n)),
        "keys and sections" => format!("[{TABLE}]\n{}{}", keys(n / 2), sections(n / 2)),
        "blocks" => {
            let blocks = (0..n).map(|i| format!("\"10.{}.{}.0/24\",\n", i / 256, i % 256));
            format!("[alb]\ningress_cidrs = [\n{}]\n", blocks.collect::<String>())
        }
        other => unreachable!("there is no shape {other}"),
    }
}

fn configuration(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("there is a directory for temporary files");
    let path = directory.path().join("stack.toml");
    let environment = dev();
    for shape in ["keys", "keys of the section", "keys and sections", "blocks"] {
        let mut group = criterion.benchmark_group(shape);
        for n in [500, 1000, 2000, 4000] {
            std::fs::write(&path, file(shape, n)).expect("the directory is there");
            group.throughput(Throughput::Elements(n as u64));
            group.bench_with_input(BenchmarkId::from_parameter(n), path.as_path(), |bencher, path| {
                bencher.iter(|| black_box(load(&Sources::file(Some(path), &environment)).is_ok()));
            });
        }
    }
    std::fs::write(&path, "").expect("the directory is there");
    let mut group = criterion.benchmark_group("variables and flags");
    for n in [500, 1000, 2000, 4000] {
        let name = |i: usize| format!("STACK_ECS__ENVIRONMENT_VARIABLES__NAME_{i:04}");
        let variables: Vec<_> = (0..n).map(|i| (name(i), "value".to_owned())).collect();
        let settings: Vec<Setting> =
            (0..n).map(|i| format!("{TABLE}.OTHER_{i}=value").parse().expect("it is a setting")).collect();
        let file = Sources::file(Some(&path), &environment);
        let sources = Sources { variables: &variables, settings: &settings, ..file };
        group.throughput(Throughput::Elements(2 * n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &sources, |bencher, sources| {
            bencher.iter(|| black_box(load(sources).is_ok()));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_millis(300));
    targets = configuration
}
criterion_main!(benches);
