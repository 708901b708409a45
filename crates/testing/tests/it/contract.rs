//! One kind that holds the contract, and one for each way of breaking it.

use aws::resources::{LogGroup, RetentionDays};
use aws::{DeletionPolicy, Registry, Tags};
use testing::contract::{Around, Entries, Entry, holds, nothing};

use crate::flawed::*;

fn kinds<const FLAW: u8>(registry: &mut Registry) {
    registry.replace::<Flawed<FLAW>>();
}

fn days(days: u32) -> Option<RetentionDays> {
    RetentionDays::try_from(days).ok()
}

fn incomplete<const FLAW: u8>(_around: &mut Around<()>) -> Entry<Flawed<FLAW>> {
    let group = LogGroup {
        log_group_name: "ledger".into(),
        made_by_service: false,
        deletion_protection_enabled: false,
        retention_in_days: days(30),
        kms_key_id: None,
        deletion_policy: DeletionPolicy::Delete,
        tags: Tags::new().with("Name", "ledger"),
    };
    Entry::of(Flawed(group))
        .other("LogGroupName", |group| group.0.log_group_name = "other".into())
        .other("RetentionInDays", |group| group.0.retention_in_days = days(7))
        .other("Tags", |group| group.0.tags = Tags::new().with("Name", "renamed"))
        .recorded("DeletionPolicy", |group| group.0.deletion_policy = DeletionPolicy::Retain)
        .recorded("MadeByService", |group| group.0.made_by_service = true)
        .fixed(["DeletionProtectionEnabled"], "it is never declared")
}

fn complete<const FLAW: u8>(around: &mut Around<()>) -> Entry<Flawed<FLAW>> {
    incomplete(around).fixed(["KmsKeyId"], "an example needs no key")
}

async fn hold<const FLAW: u8>() {
    holds(kinds::<FLAW>, nothing, |around| complete::<FLAW>(around).into()).await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_a_flaw_holds_it() {
    hold::<NONE>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "RetentionInDays changed: it sends nothing")]
async fn an_update_that_does_nothing_is_found() {
    hold::<UPDATE_DOES_NOTHING>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "RetentionInDays changed: read: ")]
async fn an_update_that_changes_more_than_it_should_is_found() {
    hold::<UPDATE_CHANGES_MORE>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "created: read: ")]
async fn a_read_that_does_not_look_is_found() {
    hold::<READ_BELIEVES_THE_RECORD>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "create, CreateLogGroup (call 1), TimeOut(AfterEffect): not done")]
async fn a_create_that_is_not_found_again_is_found() {
    hold::<FIND_FINDS_NOTHING>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "deleted: deleted once more: Err")]
async fn a_delete_that_cannot_be_repeated_is_found() {
    hold::<DELETE_FAILS_WHERE_IT_IS_GONE>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "deleted: left: new [\"AWS::Logs::LogGroup ledger\"]")]
async fn a_delete_that_leaves_the_object_is_found() {
    hold::<DELETE_DOES_NOTHING>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "tags: it has the tags")]
async fn a_create_without_the_declared_tags_is_found() {
    hold::<NO_TAGS>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "facts: a read should make 3 to 4 calls")]
async fn facts_that_count_another_number_of_calls_are_found() {
    hold::<FACTS_COUNT_ANOTHER_READ>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "LogGroupName changed: ")]
async fn a_name_that_is_said_to_be_changeable_and_is_not_is_found() {
    hold::<FACTS_CALL_THE_NAME_CHANGEABLE>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "facts: the import id is None")]
async fn an_import_id_that_is_not_there_is_found() {
    hold::<FACTS_HAVE_NO_IMPORT_ID>().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no other value for [\"KmsKeyId\"]")]
async fn a_property_that_the_entry_does_not_mention_is_found() {
    holds(kinds::<NONE>, nothing, |around| incomplete::<NONE>(around).into()).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no entry in the contract mentions [\"KmsKeyId\"]")]
async fn a_property_that_no_entry_of_a_kind_mentions_is_found() {
    let mut entries = Entries::new(nothing).await;
    entries.add(|around| incomplete::<NONE>(around).rest_elsewhere().into());
    entries.assert_complete(kinds::<NONE>);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "AWS::Logs::LogGroup has no entry in the contract")]
async fn a_kind_without_an_entry_is_found() {
    Entries::new(nothing).await.assert_complete(kinds::<NONE>);
}

#[test]
#[should_panic(expected = "what the entry changes")]
fn an_entry_that_changes_another_property_than_it_says_is_found() {
    let _ = complete::<NONE>(&mut Around::default())
        .other("LogGroupName", |group| group.0.retention_in_days = None);
}
