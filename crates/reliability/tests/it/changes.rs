//! A sample of what `cargo run --release -p reliability -- changes` runs in full.

use std::collections::BTreeSet;

use reliability::changes::{Bases, Case, End, cases, document, drawn, find, keys, rows, run};

/// Deployed anew with other target groups, refused by the plan and by the configuration, nothing to do.
const SAMPLE: [(&str, End); 4] = [
    ("dev/alb.target_port=9090 ecs.container_port=9090", End::Done),
    ("dev/ecs.repository.encryption=KMS", End::Refused),
    ("dev/ecs.memory=300", End::Refused),
    ("dev/database.instances=2", End::Same),
];

/// At this call, of those that change something, gateways and routes are on their way.
const IN_THE_MIDDLE: u64 = 3;

#[test]
fn every_key_of_the_schema_has_values_or_a_reason_and_no_other_key_has() {
    let schema = keys(&stack::schema());
    assert!(schema.len() > 150, "{}", schema.len());
    let table: BTreeSet<String> = rows().map(|row| row.key.to_owned()).collect();
    let missing: Vec<&String> = schema.difference(&table).collect();
    assert!(missing.is_empty(), "rows_*.rs has no row for {missing:?}");
    let unknown: Vec<&String> = table.difference(&schema).collect();
    assert!(unknown.is_empty(), "the configuration has no key {unknown:?}");
    for row in rows() {
        assert_ne!(row.values.is_empty(), row.fixed.is_none(), "{}: either values or a reason", row.key);
    }
}

#[test]
fn a_case_is_found_again_by_its_name_and_no_two_have_the_same() {
    let all: Vec<Case> = cases().into_iter().chain(drawn(1, 20)).collect();
    let names: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(find("prod/five-7", 1).as_ref(), all.iter().find(|case| case.to_string() == "prod/five-7"));
    for name in names.iter().step_by(29) {
        assert_eq!(find(name, 1).unwrap().to_string(), *name);
    }
    assert_ne!(find("dev/pair-4", 1), find("dev/pair-4", 2));
    assert!(find("dev/vpc.nat=two", 1).is_none());
}

#[test]
fn a_live_stack_is_changed_in_one_run_and_back_or_nothing_is() {
    let mut sample: Vec<Case> = SAMPLE.iter().map(|(name, _)| find(name, 1).unwrap()).collect();
    // Its process dies, and the next one does the rest.
    let single = find("dev/vpc.nat=single", 1).unwrap();
    sample.push(Case { dies: Some((0, IN_THE_MIDDLE)), name: Some("killed".to_owned()), ..single });
    let mut ends = Vec::new();
    let mut verdicts = Vec::new();
    run(&sample, &Bases::new(), 2, |verdict| {
        ends.push((verdict.case.clone(), verdict.end(), verdict.faults().collect::<Vec<_>>()));
        verdicts.push(verdict.clone());
    });
    for (case, end, faults) in &ends {
        let wanted = SAMPLE.iter().find(|(name, _)| name == case).map_or(End::Done, |(_, end)| *end);
        assert_eq!((*end, faults.as_slice()), (wanted, &[][..]), "{case}");
    }
    let killed = verdicts.iter().filter(|verdict| verdict.there.iter().any(|leg| leg.died));
    assert_eq!(killed.count(), 1);
    let document = document(&verdicts, verdicts.len() + 1, 1, "a commit");
    assert!(document.contains("5 of 6 cases were run"), "{document}");
    assert!(document.contains("| `vpc.nat` | in place | no | lost, and the plan says so: "), "{document}");
    assert!(document.contains("ecs/repository would be deleted or replaced"), "{document}");
}
