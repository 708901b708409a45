//! The audit sees what it is there to see.

use reliability::{Backend, Scenario, Stage, World, audit};

use engine::{Address, Intent, Provider as _};

/// Makes one more object of what is recorded at `like`, as the resource `at`.
fn make(world: &mut World, stage: &Stage, like: &str, at: &str) {
    let object = stage.is.state.current(like).unwrap().clone();
    world.meddle("payment", async |registry| {
        let intent = Intent { address: Address::new(at).unwrap(), token: "0".repeat(32) };
        registry.kind(&object.kind).unwrap().create(&object.properties, &intent).await.unwrap();
    });
}

#[test]
fn an_object_that_is_there_twice_or_that_nobody_knows_or_that_is_gone_is_found() {
    let stage = Stage::set(Scenario::Up, Backend::Local).unwrap();
    let mut world = stage.before.copy();
    world.run(&stage.wanted, &reliability::Fate::default());
    assert!(audit(&world, &stage).is_clean());

    let mut twice = world.copy();
    make(&mut twice, &stage, "vpc/vpc", "vpc/vpc");
    let findings = audit(&twice, &stage);
    assert_eq!(findings.duplicates.len(), 1, "{findings:#?}");
    assert!(findings.duplicates[0].contains("AWS::EC2::VPC vpc/vpc: 2 where 1 belong"), "{findings:#?}");

    let mut unknown = world.copy();
    make(&mut unknown, &stage, "vpc/nat-eip-a", "vpc/nobodys");
    let findings = audit(&unknown, &stage);
    assert!(findings.orphans.iter().any(|orphan| orphan.contains("vpc/nobodys")), "{findings:#?}");
    assert!(findings.orphans.iter().any(|orphan| orphan.contains("is not recorded")), "{findings:#?}");

    let mut gone = world.copy();
    let object = stage.is.state.current("vpc/flow-log").unwrap().clone();
    gone.meddle("payment", async |registry| {
        let kind = registry.kind(&object.kind).unwrap();
        kind.delete(&object.properties, &object.outputs).await.unwrap();
    });
    gone.wait(std::time::Duration::from_secs(60));
    let findings = audit(&gone, &stage);
    assert!(findings.problems.iter().any(|problem| problem.contains("0 where 1 belong")), "{findings:#?}");
    assert!(
        findings.problems.iter().any(|problem| problem.contains("left to do: vpc/flow-log")),
        "{findings:#?}"
    );
    // A copy is a world of its own.
    assert!(audit(&world, &stage).is_clean());
}
