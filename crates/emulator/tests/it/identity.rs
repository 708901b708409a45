//! IAM roles and the caller's identity.

use aws_sdk_iam::types::Tag;

use crate::support::{Cloud, TRUST, code};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn decoded(document: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = document.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_role_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let call = cloud.iam.create_role().role_name("flow").path("/pay/");
    let call = call.assume_role_policy_document(TRUST).description("Für flow logs");
    let call = call.max_session_duration(7200).tags(tag("Author", "Zoë")).tags(tag("Name", "x"));
    let made = call.send().await.unwrap().role.unwrap();
    assert_eq!(made.arn(), "arn:aws:iam::123456789012:role/pay/flow");
    assert!(made.role_id().starts_with("AROA") && made.role_id().len() == 21);

    let found = cloud.iam.get_role().role_name("flow").send().await.unwrap().role.unwrap();
    assert_eq!(found, made);
    assert_eq!(found.path(), "/pay/");
    assert_eq!(found.description(), Some("Für flow logs"));
    assert_eq!(found.max_session_duration(), Some(7200));
    assert_eq!(found.create_date().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(decoded(found.assume_role_policy_document().unwrap()), TRUST);
    assert_eq!(found.tags(), [tag("Author", "Zoë"), tag("Name", "x")]);
}

#[tokio::test(start_paused = true)]
async fn a_role_changes_its_trust_and_its_tags() {
    let cloud = Cloud::in_memory();
    cloud.role("flow").await;
    let other = TRUST.replace("vpc-flow-logs", "ecs-tasks");
    let call = cloud.iam.update_assume_role_policy().role_name("flow");
    call.policy_document(&other).send().await.unwrap();
    let found = cloud.iam.get_role().role_name("flow").send().await.unwrap().role.unwrap();
    assert_eq!(decoded(found.assume_role_policy_document().unwrap()), other);

    let call = cloud.iam.tag_role().role_name("flow").tags(tag("A", "1"));
    call.tags(tag("B", "2")).send().await.unwrap();
    let call = cloud.iam.tag_role().role_name("flow").tags(tag("B", "3"));
    call.send().await.unwrap();
    let call = cloud.iam.untag_role().role_name("flow").tag_keys("A");
    call.send().await.unwrap();
    let tags = cloud.iam.list_role_tags().role_name("flow").send().await.unwrap();
    assert_eq!(tags.tags(), [tag("B", "3")]);
}

#[tokio::test(start_paused = true)]
async fn inline_policies_come_back_and_go() {
    let cloud = Cloud::in_memory();
    cloud.role("flow").await;
    let document = r#"{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"ü*"}]}"#;
    let put = cloud.iam.put_role_policy().role_name("flow").policy_name("logs");
    put.policy_document(document).send().await.unwrap();
    let get = cloud.iam.get_role_policy().role_name("flow").policy_name("logs");
    let found = get.send().await.unwrap();
    assert_eq!(decoded(found.policy_document()), document);
    let list = cloud.iam.list_role_policies().role_name("flow").send().await.unwrap();
    assert_eq!(list.policy_names(), ["logs"]);

    let refused = cloud.iam.delete_role().role_name("flow").send().await;
    assert_eq!(code(refused), "DeleteConflict");
    let delete = cloud.iam.delete_role_policy().role_name("flow").policy_name("logs");
    delete.send().await.unwrap();
    cloud.iam.delete_role().role_name("flow").send().await.unwrap();
    assert_eq!(code(cloud.iam.get_role().role_name("flow").send().await), "NoSuchEntity");
}

#[tokio::test(start_paused = true)]
async fn winterbaumes_other_operations_see_the_same_roles() {
    let cloud = Cloud::in_memory();
    cloud.role("flow").await;
    let policy = cloud.iam.create_policy().policy_name("p").policy_document(TRUST);
    let arn = policy.send().await.unwrap().policy.unwrap().arn.unwrap();
    let attach = cloud.iam.attach_role_policy().role_name("flow").policy_arn(&arn);
    attach.send().await.unwrap();
    let refused = cloud.iam.delete_role().role_name("flow").send().await;
    assert_eq!(code(refused), "DeleteConflict");
    let kinds: Vec<String> = cloud.left_behind().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["AWS::IAM::ManagedPolicy", "AWS::IAM::Role"]);
}

#[tokio::test(start_paused = true)]
async fn roles_are_the_same_from_every_region() {
    let cloud = Cloud::in_memory();
    cloud.role("flow").await;
    let config = crate::support::config(&cloud.emulator, "us-west-2");
    let iam = aws_sdk_iam::Client::new(&config);
    assert_eq!(code(iam.get_role().role_name("flow").send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_a_user_of_the_account() {
    let cloud = Cloud::in_memory();
    let caller = cloud.sts.get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some(cloud.emulator.account_id()));
    assert_eq!(caller.arn(), Some("arn:aws:iam::123456789012:user/emulator"));
}
