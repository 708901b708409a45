//! CloudWatch log groups.

use crate::support::{Cloud, REGION, code};

#[tokio::test(start_paused = true)]
async fn a_log_group_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let key = "arn:aws:kms:ap-southeast-1:123456789012:key/k";
    let call = cloud.logs.create_log_group().log_group_name("/vpc/flow");
    let call = call.kms_key_id(key).tags("Author", "Zoë").tags("Name", "x");
    call.deletion_protection_enabled(false).send().await.unwrap();
    let call = cloud.logs.put_retention_policy().log_group_name("/vpc/flow");
    call.retention_in_days(2557).send().await.unwrap();

    let call = cloud.logs.describe_log_groups().log_group_name_prefix("/vpc/flow");
    let found = call.send().await.unwrap();
    let [group] = found.log_groups() else { panic!("{found:?}") };
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:/vpc/flow");
    assert_eq!(group.log_group_arn(), Some(arn.as_str()));
    assert_eq!(group.arn(), Some(format!("{arn}:*").as_str()));
    assert_eq!(group.retention_in_days(), Some(2557));
    assert_eq!(group.kms_key_id(), Some(key));
    assert_eq!(group.creation_time(), Some(1_767_225_600_000));
    assert_eq!(group.deletion_protection_enabled(), Some(false));

    let call = cloud.logs.tag_resource().resource_arn(&arn).tags("Name", "y");
    call.send().await.unwrap();
    let call = cloud.logs.untag_resource().resource_arn(&arn).tag_keys("Author");
    call.send().await.unwrap();
    let tags = cloud.logs.list_tags_for_resource().resource_arn(&arn).send().await;
    let tags = tags.unwrap().tags.unwrap();
    assert_eq!(tags, [("Name".to_owned(), "y".to_owned())].into());

    let call = cloud.logs.delete_log_group().log_group_name("/vpc/flow");
    call.send().await.unwrap();
    let all = cloud.logs.describe_log_groups().send().await.unwrap();
    assert_eq!(all.log_groups(), []);
}

#[tokio::test(start_paused = true)]
async fn log_groups_are_found_by_prefix_pattern_and_identifier() {
    let cloud = Cloud::in_memory();
    for name in ["/a/one", "/a/two", "/b/one"] {
        let call = cloud.logs.create_log_group().log_group_name(name);
        call.send().await.unwrap();
    }
    let names = |found: aws_sdk_cloudwatchlogs::operation::describe_log_groups::DescribeLogGroupsOutput| {
        let names = found.log_groups().iter().map(|g| g.log_group_name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let call = || cloud.logs.describe_log_groups();
    let found = call().log_group_name_prefix("/a").send().await.unwrap();
    assert_eq!(names(found), ["/a/one", "/a/two"]);
    let found = call().log_group_name_pattern("one").send().await.unwrap();
    assert_eq!(names(found), ["/a/one", "/b/one"]);
    let found = call().log_group_identifiers("/b/one").send().await.unwrap();
    assert_eq!(names(found), ["/b/one"]);
}

#[tokio::test(start_paused = true)]
async fn a_protected_log_group_stays() {
    let cloud = Cloud::in_memory();
    let call = cloud.logs.create_log_group().log_group_name("/audit");
    call.deletion_protection_enabled(true).send().await.unwrap();
    let refused = cloud.logs.delete_log_group().log_group_name("/audit").send().await;
    assert_eq!(code(refused), "ValidationException");
}
