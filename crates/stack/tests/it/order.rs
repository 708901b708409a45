//! What comes after what in a change of a live stack, so that nobody is locked out and no request is lost on the way.

use emulator::CallRecord;
use stack::Config;

use crate::live::Live;

const CERTIFICATE: &str =
    "arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555";

/// Where the first, or the last, call of an operation is that says this.
#[track_caller]
fn place(live: &Live, operation: &str, says: &str, last: bool) -> usize {
    let calls = live.emulator.calls();
    let meant = |call: &CallRecord| call.operation == operation && call.parameters.to_string().contains(says);
    let found = if last { calls.iter().rposition(meant) } else { calls.iter().position(meant) };
    found.unwrap_or_else(|| panic!("no {operation} with {says}"))
}

/// The tasks of before log in as the former user for as long as they run.
#[tokio::test(start_paused = true)]
async fn another_user_of_the_database_is_let_in_before_the_tasks_change_and_the_former_one_locked_out_after_it()
 {
    let live = Live::new("ab").await;
    let ran = live
        .change(|config| config.section_mut::<database::Tier>().application_user = "payer".to_owned())
        .await;
    let changed = place(&live, "UpdateService", "", false);
    assert!(place(&live, "PutRolePolicy", "database-user-payer", true) < changed);
    let locked_out = place(&live, "DeleteRolePolicy", "database-user-payments_app", false);
    assert!(place(&live, "DeregisterTaskDefinition", "", false) < locked_out);
    assert!(ran.place("ecs/service") < ran.place("ecs/task-role"));
    assert!(place(&live, "ExecuteStatement", "CREATE ROLE", false) < changed);
    assert!(ran.place("ecs/service") < ran.place("database/application-user"));
    live.destroy().await;
}

/// The same where the sort of credentials changes.
#[tokio::test(start_paused = true)]
async fn tasks_that_read_the_secret_read_it_until_they_are_gone() {
    let mut live = Live::empty("ab");
    let credentials = |config: &mut Config, credentials| {
        config.section_mut::<ecs::Tier>().database_credentials = credentials;
    };
    credentials(&mut live.config, ecs::DatabaseCredentials::MasterSecret);
    live.change(|_| {}).await;
    live.change(|config| credentials(config, ecs::DatabaseCredentials::Iam)).await;
    let changed = place(&live, "UpdateService", "", false);
    assert!(place(&live, "PutRolePolicy", "database-user-payments_app", true) < changed);
    let gone = place(&live, "DeregisterTaskDefinition", "", false);
    for role in ["ecs-task", "ecs-execution"] {
        let calls = live.emulator.calls();
        let deleted = calls.iter().position(|call| {
            let said = call.parameters.to_string();
            call.operation == "DeleteRolePolicy" && said.contains("database-secret") && said.contains(role)
        });
        assert!(gone < deleted.unwrap(), "{role}");
    }
}

/// Requests go to a listener once it has a rule that answers them, and that of before stays until they do.
#[tokio::test(start_paused = true)]
async fn the_api_is_switched_to_https_once_a_rule_answers_and_the_old_rule_goes_after_it() {
    let live = Live::new("ab").await;
    let https = |config: &mut Config| {
        config.section_mut::<alb::Tier>().certificate_arn = Some(CERTIFICATE.to_owned());
        config.section_mut::<apigw::Tier>().backend_domain = Some("pay.example.com".to_owned());
    };
    live.change(https).await;
    let switched = place(&live, "UpdateStage", "deploymentId", false);
    assert!(place(&live, "CreateRule", "", true) < switched, "the rule is there");
    live.change(|_| {}).await;
    let switched = place(&live, "UpdateStage", "deploymentId", false);
    assert!(place(&live, "CreateRule", "", true) < switched, "the rule is there");
    assert!(switched < place(&live, "DeleteRule", "", false), "the old one was there until then");
    live.destroy().await;
}
