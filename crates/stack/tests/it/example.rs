//! The example of composed tiers does what it says.

#[expect(dead_code, reason = "`main` prints what the test looks at")]
#[path = "../../examples/three_tiers.rs"]
mod three_tiers;

#[tokio::test(start_paused = true)]
async fn three_tiers_interleave_and_leave_nothing() {
    let mut out = Vec::new();
    three_tiers::run(&mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    let place = |line: &str| out.find(line).unwrap_or_else(|| panic!("no `{line}` in\n{out}"));
    assert!(place("database/cluster begins") < place("vpc/nat-a is ready"), "{out}");
    assert!(place("alb/load-balancer begins") < place("vpc/nat-a is ready"), "{out}");
    assert!(place("database/cluster is ready") < place("database/instance-1 begins"), "{out}");
    assert!(out.ends_with("resources deleted, 0 objects are left in the account\n"), "{out}");
}
