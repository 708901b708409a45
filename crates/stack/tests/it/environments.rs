//! Several environments in one account.

use crate::command::Workplace;

#[tokio::test]
async fn destroying_one_environment_leaves_the_other_untouched() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.write("stack.toml", "[environments.prod.database]\nallow_data_loss = [\"payment-aurora-prod\"]\n");
    place.run(&["up", "--env", "prod"]).expect(0);
    place.run(&["destroy", "--yes", "--env", "dev"]).expect(0);
    let left = place.objects().await;
    assert!(!left.is_empty());
    for object in left.iter().filter(|object| !object.tags.is_empty()) {
        assert_eq!(object.tags["stack:environment"], "prod");
    }
    place.run(&["preview", "--env", "prod", "--detailed-exitcode"]).expect(0);
    place.run(&["destroy", "--yes", "--env", "prod"]).expect(0);
    assert_eq!(place.objects().await, []);
}

#[test]
fn a_database_whose_data_nobody_gave_up_is_not_deleted() {
    let place = Workplace::new();
    place.run(&["up", "--env", "prod"]).expect(0);
    let refused = place.run(&["destroy", "--yes", "--env", "prod"]).expect(65);
    assert!(refused.err.contains("database/cluster"), "{}", refused.err);
    assert!(refused.err.contains("database.final_snapshot"), "{}", refused.err);
    place.write("stack.toml", "[environments.prod.database]\nfinal_snapshot = true\n");
    place.run(&["up", "--env", "prod"]).expect(0);
    let destroyed = place.run(&["destroy", "--yes", "--env", "prod"]).expect(0);
    assert!(destroyed.err.contains("a final snapshot is kept"), "{}", destroyed.err);
}

#[test]
fn a_section_of_the_file_applies_to_its_environment_only() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.pr1234.vpc]\nzone_count = 2\nnat = \"single\"\n");
    place.run(&["up", "--env", "pr1234"]).expect(0);
    place.run(&["up", "--env", "dev"]).expect(0);
    let count = |environment: &str| {
        let outputs = place.run(&["outputs", "--json", "--env", environment]).expect(0).json();
        outputs["publicSubnetIds"].as_array().unwrap().len()
    };
    assert_eq!((count("pr1234"), count("dev")), (2, 3));
}
