//! IAM roles and the caller's identity.

use aws_sdk_iam::types::Tag;

use crate::rows::Rows;
use crate::support::{Cloud, TRUST, WRITE, code};

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
    assert_eq!((found.arn(), found.role_id()), (made.arn(), made.role_id()));
    assert_eq!(found.tags(), made.tags());
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
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:ü*"}]}"#;
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

#[tokio::test(start_paused = true)]
async fn an_account_has_one_alias_which_a_new_one_replaces() {
    let cloud = Cloud::in_memory();
    let listed = async || cloud.iam.list_account_aliases().send().await.unwrap().account_aliases;
    let create = async |alias: &str| code(cloud.iam.create_account_alias().account_alias(alias).send().await);
    let delete = async |alias: &str| code(cloud.iam.delete_account_alias().account_alias(alias).send().await);
    assert!(listed().await.is_empty());
    let longest = "a".repeat(63);
    let mut rows = Rows::default();
    for alias in ["pay-prod", "0pay", "a-1", &longest, "123456789012"] {
        rows.row(alias, "ok", create(alias).await);
        assert_eq!(listed().await, [alias]);
    }
    rows.row("the alias that is there", "EntityAlreadyExists", create("123456789012").await);
    for alias in ["ab", &"a".repeat(64), "-pay", "pay-", "pay--prod", "Pay", "pay_prod", "päy"] {
        rows.row(alias, "ValidationError", create(alias).await);
        rows.row(alias, "ValidationError", delete(alias).await);
    }
    rows.row("an older alias", "NoSuchEntity", delete("pay-prod").await);
    assert_eq!(listed().await, ["123456789012"]);
    rows.row("the alias", "ok", delete("123456789012").await);
    rows.row("the alias, again", "NoSuchEntity", delete("123456789012").await);
    assert!(listed().await.is_empty());
}

const BALANCERS: &str = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers";
const MONITORING: &str = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";

#[tokio::test(start_paused = true)]
async fn policies_of_aws_are_attached_listed_and_detached() {
    let cloud = Cloud::in_memory();
    cloud.role("infrastructure").await;
    let role = "infrastructure";
    let attach = |arn: &str| cloud.iam.attach_role_policy().role_name(role).policy_arn(arn).send();
    let detach = |arn: &str| cloud.iam.detach_role_policy().role_name(role).policy_arn(arn).send();
    let list = async |prefix: &str| {
        let call = cloud.iam.list_attached_role_policies().role_name(role).path_prefix(prefix);
        let found = call.send().await.unwrap().attached_policies.unwrap_or_default();
        found.into_iter().map(|policy| policy.policy_arn.unwrap()).collect::<Vec<_>>()
    };
    // Once or twice is the same.
    for arn in [MONITORING, BALANCERS, BALANCERS] {
        attach(arn).await.unwrap();
    }
    assert_eq!(list("/").await, [BALANCERS, MONITORING]);
    assert_eq!(list("/service-role/").await, [MONITORING]);
    for (arn, wanted) in [
        ("arn:aws:iam::aws:policy/AmazonRDSEnhancedMonitoringRole", "NoSuchEntity"),
        ("arn:aws:iam::123456789012:policy/mine", "NoSuchEntity"),
        ("arn:aws:s3:::not-a-policy-at-all", "InvalidInput"),
    ] {
        assert_eq!(code(attach(arn).await), wanted, "{arn}");
    }
    assert_eq!(code(cloud.iam.delete_role().role_name(role).send().await), "DeleteConflict");
    detach(BALANCERS).await.unwrap();
    assert_eq!(code(detach(BALANCERS).await), "NoSuchEntity");
    detach(MONITORING).await.unwrap();
    assert_eq!(list("/").await, [""; 0]);
    assert_eq!(code(cloud.iam.delete_role().role_name(role).send().await), "ok");
    assert_eq!(code(attach(BALANCERS).await), "NoSuchEntity");
}

/// Ten of AWS's own policies.
const TEN_POLICIES: [&str; 10] = [
    "AWSXRayDaemonWriteAccess",
    "AmazonECS_FullAccess",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchAgentServerPolicy",
    "ReadOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole",
];

#[tokio::test(start_paused = true)]
async fn a_role_has_at_most_ten_managed_policies() {
    let cloud = Cloud::in_memory();
    cloud.role("many").await;
    let attach = |arn: &str| cloud.iam.attach_role_policy().role_name("many").policy_arn(arn).send();
    for name in TEN_POLICIES {
        attach(&format!("arn:aws:iam::aws:policy/{name}")).await.unwrap();
    }
    assert_eq!(code(attach(BALANCERS).await), "LimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_or_has_wrong_characters_is_refused() {
    let cloud = Cloud::in_memory();
    cloud.role("role").await;
    let make = |name: &str| cloud.iam.create_role().role_name(name).assume_role_policy_document(TRUST);
    let put = |name: &str, document: String| {
        let call = cloud.iam.put_role_policy().role_name("role").policy_name(name);
        call.policy_document(document).send()
    };
    let wide = |characters: usize| {
        let sid = "x".repeat(characters);
        format!(r#"{{"Statement":[{{"Sid":"{sid}","Effect":"Allow","Action":"s3:*","Resource":"*"}}]}}"#)
    };
    let mut rows = vec![
        ("name of 65", "ValidationError", code(make(&"n".repeat(65)).send().await)),
        ("name of 64", "ok", code(make(&"n".repeat(64)).send().await)),
        ("name with a slash", "ValidationError", code(make("a/b").send().await)),
        ("path without slashes", "ValidationError", code(make("a").path("x").send().await)),
        (
            "path of 513",
            "ValidationError",
            code(make("a").path(format!("/{}/", "x".repeat(511))).send().await),
        ),
        (
            "description of 1001",
            "ValidationError",
            code(make("a").description("d".repeat(1001)).send().await),
        ),
        (
            "description of another script",
            "ValidationError",
            code(make("a").description("日本").send().await),
        ),
        ("session of 13 hours", "ValidationError", code(make("a").max_session_duration(46_800).send().await)),
        ("tag key of 129", "ValidationError", code(make("a").tags(tag(&"k".repeat(129), "v")).send().await)),
        (
            "tag value of 257",
            "ValidationError",
            code(make("a").tags(tag("k", &"v".repeat(257))).send().await),
        ),
        ("tag of AWS's", "ValidationError", code(make("a").tags(tag("aws:k", "v")).send().await)),
        ("tag with a wrong character", "ValidationError", code(make("a").tags(tag("k", "a*b")).send().await)),
        ("policy name of 129", "ValidationError", code(put(&"p".repeat(129), wide(1)).await)),
        ("policy name with a space", "ValidationError", code(put("a b", wide(1)).await)),
        ("policy that is not JSON", "MalformedPolicyDocument", code(put("p", "x".to_owned()).await)),
    ];
    let trust = cloud.iam.update_assume_role_policy().role_name("role").policy_document(wide(2048));
    rows.push(("trust policy of over 2048", "LimitExceeded", code(trust.send().await)));
    rows.push(("inline policy of 6000", "ok", code(put("one", wide(6000)).await)));
    rows.push(("another of 6000", "LimitExceeded", code(put("two", wide(6000)).await)));
    rows.push(("the first one again", "ok", code(put("one", wide(6001)).await)));
    let wrong: Vec<_> = rows.iter().filter(|(_, wanted, got)| wanted != got).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages() {
    let cloud = Cloud::in_memory();
    for number in 0..5 {
        cloud.role(&format!("role{number}")).await;
    }
    let mut names = Vec::new();
    let mut pages = cloud.iam.list_roles().max_items(2).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        count += 1;
        names.extend(page.roles().iter().map(|role| role.role_name().to_owned()));
    }
    assert_eq!((count, names), (3, (0..5).map(|number| format!("role{number}")).collect()));
    assert_eq!(code(cloud.iam.list_roles().marker("else").send().await), "ValidationError");
}

#[tokio::test(start_paused = true)]
async fn tag_keys_do_not_differ_by_case() {
    let cloud = Cloud::in_memory();
    cloud.role("r").await;
    let put = |tags: Vec<Tag>| cloud.iam.tag_role().role_name("r").set_tags(Some(tags)).send();
    assert_eq!(code(put(vec![tag("A", "1"), tag("a", "2")]).await), "InvalidInput");
    put(vec![tag("A", "1"), tag("B", "2")]).await.unwrap();
    put(vec![tag("a", "3")]).await.unwrap();
    let tags = cloud.iam.list_role_tags().role_name("r").send().await.unwrap();
    assert_eq!(tags.tags(), [tag("B", "2"), tag("a", "3")]);
    cloud.iam.untag_role().role_name("r").tag_keys("b").tag_keys("none").send().await.unwrap();
    let many = (0..50).map(|number| tag(&number.to_string(), "x")).collect();
    assert_eq!(code(put(many).await), "LimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_policy_must_be_one_of_its_kind() {
    let cloud = Cloud::in_memory();
    cloud.role("r").await;
    let put = async |document: &str| {
        let call = cloud.iam.put_role_policy().role_name("r").policy_name("p");
        code(call.policy_document(document).send().await)
    };
    assert_eq!(put(WRITE).await, "ok");
    assert_eq!(put(TRUST).await, "MalformedPolicyDocument");
    assert_eq!(put(r#"{"Statement":{"Effect":"Allow","Action":"s3:*"}}"#).await, "MalformedPolicyDocument");
    let trust = async |document: String| {
        let call = cloud.iam.update_assume_role_policy().role_name("r");
        code(call.policy_document(document).send().await)
    };
    let of = |role: &str| {
        let service = r#"{"Service":"vpc-flow-logs.amazonaws.com"}"#;
        TRUST.replace(service, &format!(r#"{{"AWS":"arn:aws:iam::123456789012:role/{role}"}}"#))
    };
    assert_eq!(trust(WRITE.to_owned()).await, "MalformedPolicyDocument");
    assert_eq!(trust(of("r")).await, "ok");
    assert_eq!(trust(of("s")).await, "MalformedPolicyDocument");
}

#[tokio::test(start_paused = true)]
async fn roles_of_services_are_made_once_and_not_changed() {
    let cloud = Cloud::in_memory();
    let make = |service: &str| cloud.iam.create_service_linked_role().aws_service_name(service).send();
    let role = make("ecs.amazonaws.com").await.unwrap().role.unwrap();
    assert_eq!(
        role.arn(),
        "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    );
    assert_eq!(code(make("ecs.amazonaws.com").await), "InvalidInput");
    assert_eq!(code(make("none.amazonaws.com").await), "InvalidInput");
    let name = role.role_name();
    let list = cloud.iam.list_attached_role_policies().role_name(name).send().await.unwrap();
    let arn = list.attached_policies()[0].policy_arn().unwrap();
    let policy = cloud.iam.get_policy().policy_arn(arn).send().await.unwrap().policy.unwrap();
    assert_eq!(
        (policy.policy_name(), policy.attachment_count()),
        (Some("AmazonECSServiceRolePolicy"), Some(1))
    );
    assert_eq!(code(cloud.iam.delete_role().role_name(name).send().await), "UnmodifiableEntity");
    assert_eq!(
        code(cloud.iam.detach_role_policy().role_name(name).policy_arn(arn).send().await),
        "UnmodifiableEntity"
    );
    cloud.role("r").await;
    assert_eq!(
        code(cloud.iam.attach_role_policy().role_name("r").policy_arn(arn).send().await),
        "PolicyNotAttachable"
    );
    let kinds: Vec<String> = cloud.left_behind().await.into_iter().map(|(_, id)| id).collect();
    assert_eq!(kinds, ["r"]);
}

#[tokio::test(start_paused = true)]
async fn a_boundary_is_a_policy_that_exists() {
    let cloud = Cloud::in_memory();
    let make = |arn: &str| {
        let call = cloud.iam.create_role().role_name("r").assume_role_policy_document(TRUST);
        call.permissions_boundary(arn).send()
    };
    assert_eq!(code(make("arn:aws:iam::123456789012:policy/mine").await), "NoSuchEntity");
    let role = make("arn:aws:iam::aws:policy/ReadOnlyAccess").await.unwrap().role.unwrap();
    let boundary = role.permissions_boundary().unwrap();
    assert_eq!(boundary.permissions_boundary_arn(), Some("arn:aws:iam::aws:policy/ReadOnlyAccess"));
}
