//! What is known of the kinds, against what they are.

use aws::Registry;
use emulator::Emulator;

fn registry() -> Registry {
    let mut registry = Registry::new(testing::context(&Emulator::in_memory()));
    stack::kinds(&mut registry);
    registry
}

/// A fact about a property that does not exist would be true of nothing.
#[test]
fn every_property_that_a_fact_names_exists() {
    let registry = registry();
    let mut wrong = Vec::new();
    for (name, kind) in registry.kinds() {
        assert!(!kind.properties().is_empty() && !kind.outputs().is_empty(), "{name}");
        wrong.extend(
            kind.facts()
                .properties()
                .filter(|property| !kind.properties().contains(property))
                .map(|property| format!("{name} has no property {property}")),
        );
        let import = kind.facts().import;
        assert_eq!(import.parts.len(), import.example.split('|').count(), "{name}: {import:?}");
        let exists = |part: &&str| kind.properties().contains(part) || kind.outputs().contains(part);
        let unknown = import.parts.iter().filter(|part| !exists(part));
        wrong.extend(unknown.map(|part| format!("{name} has neither property nor output {part}")));
        let outputs = kind.facts().template.outputs.iter().map(|(output, _)| *output);
        wrong.extend(
            outputs
                .chain(kind.volatile().iter().copied())
                .filter(|output| !kind.outputs().contains(output))
                .map(|output| format!("{name} has no output {output}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}
