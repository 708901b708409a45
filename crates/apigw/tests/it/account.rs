//! The role for logs, which is one for all stacks of a region.

use std::sync::Arc;
use std::time::Duration;

use apigw::{Args, Tier};
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::{Account, Context, Identity, Registry};
use engine::{Component, Engine, MemoryStore, TestHost};
use testing::{ACCOUNT, World};

use crate::support::{LOGS_ROLE, gateway, left, patch, tier, world};

const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/payment-apigw-logs-ap-southeast-1";
const POLICY: &str = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs";

async fn account_role(world: &World) -> Option<String> {
    gateway(world).get_account().send().await.unwrap().cloudwatch_role_arn
}

/// A role that API Gateway can take, made by somebody else.
async fn role(world: &World, name: &str) -> String {
    let service = Principal::Service("apigateway.amazonaws.com".to_owned());
    let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"]).principal(service)]);
    let made = world.cx.iam().create_role().role_name(name).assume_role_policy_document(trust.to_json());
    made.send().await.unwrap().role.unwrap().arn
}

async fn set(world: &World, arn: &str) {
    let update = gateway(world).update_account();
    update.patch_operations(patch("replace", "/cloudwatchRoleArn", Some(arn))).send().await.unwrap();
}

/// An engine for another environment, in the same account.
fn engine_of(world: &World, environment: &str) -> Engine {
    let identity = Identity { project: "payment".to_owned(), environment: environment.to_owned() };
    let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
    let cx = Context::from_config(&testing::config(&world.emulator), identity, account).unwrap();
    let mut registry = Registry::new(cx);
    aws::kinds(&mut registry);
    apigw::kinds(&mut registry);
    let host = TestHost::new(environment, 2, tokio::time::Instant::now());
    Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
        .with_host(Arc::new(host))
        .with_settle_grace(Duration::ZERO)
}

#[tokio::test(start_paused = true)]
async fn where_none_is_set_it_is_made_once_and_stays() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    for _ in 0..2 {
        world.create(&tier, &inputs).await;
        assert_eq!(account_role(&world).await.as_deref(), Some(ROLE_ARN));
        let attached =
            world.cx.iam().list_attached_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
        assert_eq!(attached.attached_policies()[0].policy_arn(), Some(POLICY));
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(account_role(&world).await.as_deref(), Some(ROLE_ARN));
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_is_used_and_left_as_it_is() {
    let (world, inputs) = world().await;
    let other = role(&world, "other").await;
    set(&world, &other).await;
    let before = world.left().await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    assert_eq!(account_role(&world).await, Some(other.clone()));
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(account_role(&world).await, Some(other));
    // Here nothing at all is left behind.
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn one_of_our_name_that_another_project_has_set_is_used_and_left_as_it_is() {
    let (world, inputs) = world().await;
    set(&world, &role(&world, LOGS_ROLE).await).await;
    let before = world.left().await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let attached = world.cx.iam().list_attached_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
    assert_eq!(attached.attached_policies(), []);
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn two_environments_share_it_and_one_that_goes_takes_nothing_from_the_other() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let (dev, prod) =
        (tier(Args::default()), tier(Args { environment: "prod".to_owned(), ..Args::default() }));
    let production = engine_of(&world, "prod");
    let (first, second) = tokio::join!(dev.create(&world.engine, &inputs), prod.create(&production, &inputs));
    assert_ne!(first.unwrap().api_id, second.unwrap().api_id);
    dev.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(account_role(&world).await.as_deref(), Some(ROLE_ARN));
    assert_eq!(prod.read(&production, &inputs).await.unwrap().drift, []);
    let stages = left(&world).await;
    assert_eq!(stages.iter().filter(|(kind, _)| kind == "AWS::ApiGateway::Stage").count(), 1);
    prod.delete(&production, &inputs).await.unwrap();
    assert_eq!(left(&world).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_somebody_took_away_is_put_back() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    let detach = world.cx.iam().detach_role_policy().role_name(LOGS_ROLE).policy_arn(POLICY);
    detach.send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, ["apigw/account: CloudWatchRoleArn"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    world.cx.iam().detach_role_policy().role_name(LOGS_ROLE).policy_arn(POLICY).send().await.unwrap();
    world.cx.iam().delete_role().role_name(LOGS_ROLE).send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, ["apigw/account: CloudWatchRoleArn"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
}

async fn put(world: &World, policy: &str) {
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let put = world.cx.iam().put_role_policy().role_name(LOGS_ROLE).policy_name(policy);
    put.policy_document(everything).send().await.unwrap();
}

/// Replaces who may take the role.
async fn trust(world: &World, statements: &str) {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let update = world.cx.iam().update_assume_role_policy().role_name(LOGS_ROLE);
    update.policy_document(document).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_somebody_adds_to_the_role_is_taken_away() {
    const THEIRS: &str = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
    const OURS: &str =
        r#"{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    let anybody = OURS.replace(r#"{"Service":"apigateway.amazonaws.com"}"#, r#"{"AWS":"*"}"#);
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;

    put(&world, "theirs").await;
    world.assert_repaired(&tier, &inputs, &["apigw/account: Policies"]).await;
    let inline = world.cx.iam().list_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
    assert_eq!(inline.policy_names(), [""; 0]);

    let attach = world.cx.iam().attach_role_policy().role_name(LOGS_ROLE).policy_arn(THEIRS);
    attach.send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["apigw/account: ManagedPolicyArns"]).await;
    let attached = world.cx.iam().list_attached_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
    let attached: Vec<_> = attached.attached_policies().iter().map(|one| one.policy_arn().unwrap()).collect();
    assert_eq!(attached, [POLICY]);

    // Others besides, others alone, and a condition, which only takes away.
    for theirs in [format!("{OURS},{anybody}"), anybody] {
        trust(&world, &theirs).await;
        world.assert_repaired(&tier, &inputs, &["apigw/account: AssumeRolePolicyDocument"]).await;
    }
    let condition = r#","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}"#;
    trust(&world, &format!("{}{condition}", &OURS[..OURS.len() - 1])).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_added_to_the_role_before_a_stack_came_is_taken_away_by_it() {
    let (world, inputs) = world().await;
    let dev = tier(Args::default());
    let prod = tier(Args { environment: "prod".to_owned(), ..Args::default() });
    world.create(&dev, &inputs).await;
    put(&world, "theirs").await;
    let production = engine_of(&world, "prod");
    prod.create(&production, &inputs).await.unwrap();
    let inline = world.cx.iam().list_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
    assert_eq!(inline.policy_names(), [""; 0]);
    // Both see the same, and neither does anything again.
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&dev, &inputs).await;
    assert_eq!(prod.read(&production, &inputs).await.unwrap().drift, []);
}

#[tokio::test(start_paused = true)]
async fn policies_of_a_role_that_is_somebody_elses_are_left_alone() {
    let (world, inputs) = world().await;
    set(&world, &role(&world, LOGS_ROLE).await).await;
    put(&world, "theirs").await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    let inline = world.cx.iam().list_role_policies().role_name(LOGS_ROLE).send().await.unwrap();
    assert_eq!(inline.policy_names(), ["theirs"]);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_this_name_that_is_not_ours_is_not_used() {
    let (world, inputs) = world().await;
    role(&world, LOGS_ROLE).await;
    let error = tier(Args::default()).create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains(&format!("looking for role {LOGS_ROLE}: it exists already")), "{error}");
    assert_eq!(account_role(&world).await, None);
    // What was begun can be given up.
    tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
}
