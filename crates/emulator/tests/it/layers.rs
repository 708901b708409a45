//! The layers of the crate hold: the sources say what each of them names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The layers, each with the modules of the crate's root that it may name. `APIS` is for the tests of the protocol; elsewhere it does
/// not compile.
const LAYERS: [(&str, &[&str]); 3] = [
    ("protocol", &["protocol", "APIS"]),
    ("machine", &["protocol", "machine"]),
    ("services", &["protocol", "machine", "services"]),
];

/// The files beside the layers: the public interface, and the place where the services are given to the others.
const ROOT: [&str; 2] = ["lib.rs", "registry.rs"];

/// Where the unit tests of a file begin, which are a module in its own.
const TESTS: &str = "#[cfg(test)]\nmod tests {";

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be read").path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

/// A source without its comments.
fn code(source: &str) -> String {
    let lines = source.lines().map(|line| line.split_once(" // ").map_or(line, |(code, _)| code));
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The beginnings of the paths in a group, such as `a` and `b` in `a::{c, d}, b}`.
fn heads(group: &str) -> BTreeSet<String> {
    let (mut depth, mut heads, mut at_start) = (0, BTreeSet::new(), true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            _ if at_start && !character.is_whitespace() => {
                at_start = false;
                let name = group[at..].chars().take_while(|one| one.is_alphanumeric() || *one == '_');
                heads.insert(name.collect());
            }
            _ => {}
        }
    }
    heads
}

/// What code in a file names of the crate's root. `depth` is how many modules the file is below the root.
fn named(code: &str, depth: usize) -> BTreeSet<String> {
    let paths = Regex::new(r"\bcrate::(\w+|\{)|\b((?:super::)+)").expect("it is well formed");
    let mut named = BTreeSet::new();
    for path in paths.captures_iter(code) {
        let rest = &code[path.get(0).expect("it is all of it").end()..];
        match (path.get(1), path.get(2)) {
            (Some(group), _) if group.as_str() == "{" => named.extend(heads(rest)),
            (Some(name), _) => drop(named.insert(name.as_str().to_owned())),
            (None, supers) => {
                let up = supers.map_or(0, |supers| supers.as_str().matches("super").count());
                if up >= depth {
                    named.insert(format!("{}…", "super::".repeat(up)));
                }
            }
        }
    }
    named
}

fn depth(path: &Path) -> usize {
    let below = path.strip_prefix(sources()).expect("it is a source");
    below.components().count() - usize::from(below.ends_with("mod.rs"))
}

#[test]
fn a_layer_names_only_itself_and_those_before_it() {
    let mut seen = 0;
    for (layer, allowed) in LAYERS {
        for path in files_below(&sources().join(layer)) {
            let source = code(&fs::read_to_string(&path).expect("it is UTF-8"));
            let (outside, tests) = source.split_once(TESTS).unwrap_or((&source, ""));
            let names = &named(outside, depth(&path)) | &named(tests, depth(&path) + 1);
            let others: Vec<_> = names.iter().filter(|name| !allowed.contains(&name.as_str())).collect();
            assert!(
                others.is_empty(),
                "{} names {others:?}, and {layer} may name {allowed:?}",
                path.display()
            );
            seen += names.len();
        }
    }
    assert!(seen > 300, "only {seen} names were found, so they are not read as they are written");
}

#[test]
fn beside_the_layers_there_is_only_what_puts_them_together() {
    let beside: BTreeSet<String> = fs::read_dir(sources())
        .expect("it is a directory")
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    let layers = LAYERS.map(|(layer, _)| layer);
    assert_eq!(beside, layers.into_iter().chain(ROOT).map(str::to_owned).collect());
}

/// The names that services have in code outside of tests.
fn services_named(source: &str, services: &BTreeSet<String>) -> BTreeSet<String> {
    let source = code(source);
    let source = source.split(TESTS).next().unwrap_or_default();
    let texts = Regex::new(r#""([a-z0-9-]+)""#).expect("it is well formed");
    let texts = texts.captures_iter(source).map(|text| text[1].to_owned());
    texts.filter(|text| services.contains(text)).collect()
}

#[test]
fn neither_protocol_nor_machine_names_a_service() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut services: BTreeSet<String> = files_below(&models)
        .iter()
        .map(|path| path.file_stem().expect("it is a file").to_string_lossy().into_owned())
        .collect();
    services.insert("ec2".to_owned());
    for layer in ["protocol", "machine"] {
        for path in files_below(&sources().join(layer)) {
            let source = fs::read_to_string(&path).expect("it is UTF-8");
            let named = services_named(&source, &services);
            assert!(named.is_empty(), "{} names the services {named:?}", path.display());
        }
    }
    let apis = fs::read_to_string(sources().join("services/apis.rs")).expect("it is UTF-8");
    assert_eq!(services_named(&apis, &services), services, "where they are named they are found");
}

#[test]
fn names_are_found_however_they_are_written() {
    let all = |source, depth| named(&code(source), depth).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(all("use crate::machine::clock::Clock;", 2), "machine");
    assert_eq!(
        all("use crate::{machine::{self, gate::{A, B}}, protocol::C,\n    services};", 2),
        "machine protocol services"
    );
    assert_eq!(all("    let x = crate::services::ec2::regions();", 2), "services");
    assert_eq!(all("/// [`X`](crate::Layer)\n// crate::services\nf(); // crate::machine", 2), "");
    assert_eq!(all("use super::model;", 2), "");
    assert_eq!(all("use super::super::services;", 2), "super::super::…");
    assert_eq!(all("use super::services;", 1), "super::…");
}
