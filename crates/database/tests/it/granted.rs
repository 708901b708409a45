//! What somebody grants the application's user: what it was granted itself is seen and taken back, whoever granted it. What comes from
//! elsewhere is shown.

use database::{Args, Tier};
use engine::Component as _;

use crate::application_user::sql;
use crate::support::{expendable, remarks, tier, world};

const USER: &str = "database/application-user";

/// After each of these statements this is all that is seen, and one run takes it back.
async fn assert_taken_back(before: &[&str], cases: &[(&str, &[&str])]) {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    for statement in before {
        sql(&world, statement).await;
    }
    for (statement, seen) in cases {
        sql(&world, statement).await;
        let seen: Vec<String> = seen.iter().map(|property| format!("{USER}: {property}")).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        world.assert_repaired(&tier, &inputs, &seen).await;
        assert_eq!(remarks(USER, &world, &tier, &inputs).await, [""; 0], "{statement}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_membership_in_a_role_that_has_others_is_taken_back_and_no_other_one() {
    let chain = [
        "CREATE ROLE a",
        "CREATE ROLE b",
        "CREATE ROLE c",
        "GRANT rds_superuser TO c",
        "GRANT c TO b",
        "GRANT rds_iam TO b",
        "GRANT b TO a",
        "GRANT CREATE ON DATABASE payments TO c",
    ];
    assert_taken_back(
        &chain,
        &[
            // The master user, who is a member of rds_superuser.
            ("GRANT payments_owner TO payments_app", &["MemberOf"]),
            ("GRANT a TO payments_app", &["MemberOf"]),
            ("GRANT a, b, c TO payments_app", &["MemberOf"]),
            ("GRANT rds_superuser TO payments_app", &["MemberOf"]),
            // Without it, the one that comes through another role is not enough.
            (
                "DO $x$ BEGIN REVOKE rds_iam FROM payments_app; GRANT a TO payments_app; END $x$",
                &["MemberOf"],
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_another_role_granted_is_taken_back() {
    let ops =
        ["CREATE ROLE ops", "GRANT rds_superuser TO ops WITH ADMIN OPTION", "GRANT ops TO payments_owner"];
    assert_taken_back(
        &ops,
        &[
            ("GRANT rds_superuser TO payments_app GRANTED BY ops", &["MemberOf"]),
            (
                "DO $x$ BEGIN GRANT rds_superuser TO payments_app; GRANT rds_superuser TO payments_app GRANTED BY ops; END $x$",
                &["MemberOf"],
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_user_could_pass_on_it_cannot_any_more() {
    assert_taken_back(
        &["CREATE ROLE a"],
        &[
            ("GRANT rds_iam TO payments_app WITH ADMIN OPTION", &["GrantOptions"]),
            ("GRANT CONNECT ON DATABASE payments TO payments_app WITH GRANT OPTION", &["GrantOptions"]),
            ("GRANT a TO payments_app WITH ADMIN OPTION", &["GrantOptions", "MemberOf"]),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn attributes_that_let_it_do_more_are_taken_back() {
    assert_taken_back(
        &[],
        &[
            ("ALTER ROLE payments_app BYPASSRLS", &["RoleAttributes"]),
            ("ALTER ROLE payments_app CREATEDB", &["RoleAttributes"]),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_everybody_may_is_shown_and_not_taken_from_the_user() {
    let (world, inputs) = world().await;
    let tier = tier(Args { application_creates_tables: false, ..expendable() });
    world.create(&tier, &inputs).await;
    sql(&world, "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let [said] = &remarks(USER, &world, &tier, &inputs).await[..] else { panic!("not one remark") };
    assert!(said.contains(": CREATE ON SCHEMA public.") && said.contains("from PUBLIC"), "{said}");
    world.assert_settled(&tier, &inputs).await;
    // What is declared is granted to the user itself all the same.
    sql(&world, "REVOKE CONNECT ON DATABASE payments FROM payments_app").await;
    world.assert_repaired(&tier, &inputs, &["database/application-user: DatabasePrivileges"]).await;
    sql(&world, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    assert_eq!(remarks(USER, &world, &tier, &inputs).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_privilege_that_only_another_role_can_take_back_fails_the_run_and_says_which() {
    let (world, inputs) = world().await;
    let tier = tier(Args { application_creates_tables: false, ..expendable() });
    world.create(&tier, &inputs).await;
    for statement in [
        "CREATE ROLE ops",
        "GRANT ops TO payments_owner",
        "GRANT CREATE ON SCHEMA public TO ops WITH GRANT OPTION",
        "DO $x$ BEGIN SET ROLE ops; GRANT CREATE ON SCHEMA public TO payments_app; END $x$",
    ] {
        sql(&world, statement).await;
    }
    assert_eq!(world.drift::<Tier>().await, ["database/application-user: SchemaPrivileges"]);
    let said = format!("{:?}", tier.create(&world.engine, &inputs).await.unwrap_err());
    assert!(said.contains("CREATE ON SCHEMA public was granted by ops"), "{said}");
    assert!(said.contains("REVOKE CREATE ON SCHEMA public FROM"), "{said}");
    sql(&world, "DO $x$ BEGIN SET ROLE ops; REVOKE CREATE ON SCHEMA public FROM payments_app; END $x$").await;
    world.assert_repairs(&tier, &inputs).await;
}
