//! The example of a tier that is used alone does what it says.

#[expect(dead_code, reason = "`main` prints what the test looks at")]
#[path = "../../examples/alone.rs"]
mod alone;

#[tokio::test]
async fn the_example_makes_a_network_and_leaves_nothing() {
    let mut out = Vec::new();
    alone::run(&mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "planned: 41 resources");
    assert!(lines[1].starts_with("created: vpc-") && lines[1].ends_with(" with 10.0.0.0/16"), "{out}");
    assert!(lines[2].starts_with("  private subnet in ap-southeast-1a: subnet-"), "{out}");
    assert_eq!(
        lines[lines.len() - 2..],
        ["read: 0 resources differ from what was made", "deleted: 0 objects are left in the account"]
    );
}
