//! Clusters and account settings.

use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, ClusterConfiguration, ClusterField, ClusterServiceConnectDefaultsRequest,
    ClusterSetting, ClusterSettingName, ExecuteCommandConfiguration, ExecuteCommandLogging,
    ManagedStorageConfiguration, SettingName,
};

use super::{Shop, tag};
use crate::rows::check;
use crate::support::code;

fn insights(value: &str) -> ClusterSetting {
    ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()
}

fn item(provider: &str, weight: i32) -> CapacityProviderStrategyItem {
    CapacityProviderStrategyItem::builder().capacity_provider(provider).weight(weight).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_cluster_is_told_comes_back() {
    let shop = Shop::new().await;
    let configuration = ClusterConfiguration::builder()
        .execute_command_configuration(
            ExecuteCommandConfiguration::builder().logging(ExecuteCommandLogging::Default).build(),
        )
        .managed_storage_configuration(
            ManagedStorageConfiguration::builder()
                .fargate_ephemeral_storage_kms_key_id("alias/aws/ebs")
                .build(),
        )
        .build();
    let create = || {
        shop.ecs
            .create_cluster()
            .cluster_name("full")
            .tags(tag("Tier", "ecs"))
            .settings(insights("enhanced"))
            .configuration(configuration.clone())
            .capacity_providers("FARGATE")
            .capacity_providers("FARGATE_SPOT")
            .default_capacity_provider_strategy(item("FARGATE", 1))
    };
    let made = create().send().await.unwrap().cluster.unwrap();
    assert_eq!(made.status(), Some("ACTIVE"));
    let again = create().send().await.unwrap().cluster.unwrap();
    assert_eq!(made, again);

    let fields = [ClusterField::Tags, ClusterField::Settings, ClusterField::Configurations];
    let describe = shop.ecs.describe_clusters().clusters("full").clusters("none");
    let found = describe.set_include(Some(fields.to_vec())).send().await.unwrap();
    assert_eq!(found.failures()[0].reason(), Some("MISSING"));
    let found = &found.clusters()[0];
    assert_eq!(found.cluster_arn(), Some("arn:aws:ecs:ap-southeast-1:123456789012:cluster/full"));
    assert_eq!(found.tags(), [tag("Tier", "ecs")]);
    assert_eq!(found.settings(), [insights("enhanced")]);
    assert_eq!(found.configuration(), Some(&configuration));
    assert_eq!(found.capacity_providers(), ["FARGATE", "FARGATE_SPOT"]);
    assert_eq!(found.default_capacity_provider_strategy(), [item("FARGATE", 1)]);
    // What is not asked for is not told.
    let plain = shop.ecs.describe_clusters().clusters("full").send().await.unwrap();
    assert!(plain.clusters()[0].tags().is_empty() && plain.clusters()[0].configuration().is_none());

    let update = shop.ecs.update_cluster_settings().cluster("full").settings(insights("disabled"));
    assert_eq!(update.send().await.unwrap().cluster.unwrap().settings(), [insights("disabled")]);
    let put = shop.ecs.put_cluster_capacity_providers().cluster("full").capacity_providers("FARGATE");
    let put = put.default_capacity_provider_strategy(item("FARGATE", 2)).send().await.unwrap();
    assert_eq!(put.cluster.unwrap().capacity_providers(), ["FARGATE"]);
}

#[tokio::test(start_paused = true)]
async fn defaults_of_service_connect_stay_until_an_empty_namespace_takes_them_away() {
    let shop = Shop::new().await;
    let update = |namespace: &str| {
        let defaults = ClusterServiceConnectDefaultsRequest::builder().namespace(namespace).build().unwrap();
        shop.ecs.update_cluster().cluster("shop").service_connect_defaults(defaults).send()
    };
    let namespace = async || {
        let found = shop.ecs.describe_clusters().clusters("shop").send().await.unwrap();
        let defaults = found.clusters()[0].service_connect_defaults();
        defaults.and_then(|defaults| defaults.namespace().map(str::to_owned))
    };
    assert_eq!(namespace().await, None);
    update("internal").await.unwrap();
    let shown = namespace().await.unwrap();
    assert!(
        shown.starts_with("arn:aws:servicediscovery:ap-southeast-1:123456789012:namespace/ns-"),
        "{shown}"
    );
    shop.ecs.update_cluster().cluster("shop").settings(insights("enabled")).send().await.unwrap();
    assert_eq!(namespace().await.as_ref(), Some(&shown));
    assert_eq!(code(update("a/b").await), "InvalidParameterException");
    update("").await.unwrap();
    assert_eq!(namespace().await, None);
}

#[tokio::test(start_paused = true)]
async fn clusters_refuse_what_ecs_refuses() {
    let shop = Shop::new().await;
    let ecs = &shop.ecs;
    let create = |name: &str| ecs.create_cluster().cluster_name(name);
    let overriding = ExecuteCommandConfiguration::builder().logging(ExecuteCommandLogging::Override).build();
    let overriding = ClusterConfiguration::builder().execute_command_configuration(overriding).build();
    let rows = [
        ("name", "InvalidParameterException", code(create("a b").send().await)),
        (
            "other settings",
            "InvalidParameterException",
            code(create("shop").settings(insights("enabled")).send().await),
        ),
        ("setting", "InvalidParameterException", code(create("x").settings(insights("on")).send().await)),
        ("provider", "InvalidParameterException", code(create("x").capacity_providers("mine").send().await)),
        (
            "strategy without its provider",
            "InvalidParameterException",
            code(create("x").default_capacity_provider_strategy(item("FARGATE", 1)).send().await),
        ),
        (
            "log configuration",
            "InvalidParameterException",
            code(create("x").configuration(overriding).send().await),
        ),
        ("tag", "InvalidParameterException", code(create("x").tags(tag("aws:x", "")).send().await)),
        ("update", "ClusterNotFoundException", code(ecs.update_cluster().cluster("none").send().await)),
        ("delete", "ClusterNotFoundException", code(ecs.delete_cluster().cluster("none").send().await)),
        ("services", "ClusterNotFoundException", code(ecs.list_services().cluster("none").send().await)),
        ("tasks", "ClusterNotFoundException", code(ecs.list_tasks().cluster("none").send().await)),
    ];
    check(rows);
    let none = ecs.describe_clusters().clusters("x").send().await.unwrap();
    assert!(none.clusters().is_empty(), "a refused call made something");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_cluster_is_inactive_and_its_name_is_free() {
    let shop = Shop::new().await;
    let deleted = shop.ecs.delete_cluster().cluster("shop").send().await.unwrap().cluster.unwrap();
    assert_eq!(deleted.status(), Some("INACTIVE"));
    let found = shop.ecs.describe_clusters().clusters("shop").send().await.unwrap();
    assert_eq!(found.clusters()[0].status(), Some("INACTIVE"));
    assert!(shop.ecs.list_clusters().send().await.unwrap().cluster_arns().is_empty());
    assert_eq!(code(shop.ecs.delete_cluster().cluster("shop").send().await), "ClusterNotFoundException");
    let other = shop.ecs.create_cluster().cluster_name("shop").settings(insights("enabled"));
    assert_eq!(other.send().await.unwrap().cluster.unwrap().status(), Some("ACTIVE"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_takes_its_time() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    let made = shop.ecs.create_cluster().cluster_name("new").send().await.unwrap().cluster.unwrap();
    assert_eq!(made.status(), Some("PROVISIONING"));
    let early = shop.service("web", "web").cluster("new").send().await;
    assert_eq!(code(early), "ClusterNotFoundException");
    super::seconds(13).await;
    assert_eq!(code(shop.service("web", "web").cluster("new").send().await), "ok");
    let gone = shop.ecs.delete_cluster().cluster("shop").send().await.unwrap().cluster.unwrap();
    assert_eq!(gone.status(), Some("DEPROVISIONING"));
    super::seconds(5).await;
    let found = shop.ecs.describe_clusters().clusters("shop").send().await.unwrap();
    assert_eq!(found.clusters()[0].status(), Some("INACTIVE"));
    super::seconds(3600).await;
    let found = shop.ecs.describe_clusters().clusters("shop").send().await.unwrap();
    assert_eq!(found.failures()[0].reason(), Some("MISSING"));
}

#[tokio::test(start_paused = true)]
async fn account_settings_are_what_new_clusters_begin_with() {
    let shop = Shop::new().await;
    let put = |value: &str| {
        shop.ecs.put_account_setting_default().name(SettingName::ContainerInsights).value(value)
    };
    assert_eq!(code(put("loud").send().await), "InvalidParameterException");
    put("enhanced").send().await.unwrap();
    let listed = shop.ecs.list_account_settings().name(SettingName::ContainerInsights).send().await.unwrap();
    assert_eq!(listed.settings()[0].value(), Some("enhanced"));
    let made = shop.ecs.create_cluster().cluster_name("late").send().await.unwrap().cluster.unwrap();
    assert_eq!(made.settings(), [insights("enhanced")]);
    let all = shop.ecs.list_account_settings().effective_settings(true).send().await.unwrap();
    assert!(all.settings().len() > 5);
}
