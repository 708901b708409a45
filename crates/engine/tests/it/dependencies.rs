//! The engine knows nothing of any cloud.

use cargo_metadata::MetadataCommand;

#[test]
fn the_engine_depends_on_no_crate_of_any_cloud_not_even_in_its_tests() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "engine").unwrap();
    let of_a_cloud: Vec<&str> = package
        .dependencies
        .iter()
        .map(|dependency| dependency.name.as_str())
        .filter(|name| ["aws", "winterbaume", "emulator"].iter().any(|cloud| name.starts_with(cloud)))
        .collect();
    assert!(of_a_cloud.is_empty(), "{of_a_cloud:?}");
    assert!(!package.dependencies.is_empty());
}
