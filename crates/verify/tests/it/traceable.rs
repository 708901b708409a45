//! The table of the reference document's tests against the checks that there are.

use std::collections::BTreeSet;
use std::time::Duration;

use verify::http::{Client, Endpoints, checks};
use verify::verify;

use crate::world::World;

/// Each line of the table: the reference's test, and what is in backticks behind it.
fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = include_str!("../../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let cells = rows.filter_map(|row| row.split_once(" | "));
    cells
        .map(|(test, checks)| (test, checks.split('`').skip(1).step_by(2).collect::<Vec<_>>()))
        .filter(|(_, checks)| !checks.is_empty())
        .collect()
}

#[tokio::test]
async fn every_test_of_the_reference_has_checks_and_every_check_is_of_one() {
    let subject = World::deployed("dev").await.subject().await;
    let nobody = Endpoints::unreachable("nobody is asked");
    let mut all = verify(&subject);
    all.extend(checks(&Client::new(Duration::from_secs(1)), &nobody, &Err("no key".to_owned())).await);
    let ids: BTreeSet<&str> = all.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), all.len(), "two checks have the same id");

    let table = table();
    assert_eq!(table.len(), 20, "{table:#?}");
    let mut told = BTreeSet::new();
    for (test, named) in table {
        for name in named {
            let group = name.strip_suffix('…');
            let found: Vec<&str> = ids
                .iter()
                .copied()
                .filter(|id| group.map_or(*id == name, |group| id.starts_with(group)))
                .collect();
            assert!(!found.is_empty(), "{test}: there is no check {name}");
            told.extend(found);
        }
    }
    assert_eq!(told, ids);
}
