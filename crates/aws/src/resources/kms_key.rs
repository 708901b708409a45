//! A KMS key of the customer's own: encryption whose policy and rotation are ours.
//!
//! The surprises: a key has no name, so that a lost create is found by its tags, key by key; and a key is never deleted
//! at once. It is `PendingDeletion` for 7 to 30 days, can do nothing in that time, and can be saved.
//!
//! A key that somebody disabled or scheduled for deletion still exists, so nothing that it encrypts is replaced for it: both are
//! drift, and an update cancels the deletion (which leaves the key disabled), then enables the key, and only then changes
//! its rotation, which a disabled key refuses.
//!
//! The rotation period is a year where nothing else is declared. Any other period is drift: a longer one keeps old key material in
//! use, and Security Hub KMS.4 does not notice, since it only asks whether rotation is on. A rotation on demand is neither shown
//! nor waited for: it leaves the automatic rotations as they are, and no call is refused because of it (KMS API Reference,
//! RotateKeyOnDemand).
//!
//! `NotFoundException` and `DisabledException` mean wait right after a key was made or enabled, `KMSInvalidStateException`
//! after its deletion was cancelled (KMS Developer Guide, "AWS KMS eventual consistency"), and
//! `MalformedPolicyDocumentException` while a principal in the policy is new. No state is final but the end of the waiting
//! period. KMS gives a policy back as it was put, but for principals that were deleted, which become ids.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_kms::primitives::DateTimeFormat as Format;
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use aws_sdk_rds::types::{DbCluster, DbClusterSnapshot};
use engine::{
    CallError, Changed, Contents, CreateOnly, Declares, ErrorClass, Facts, ForeignId, How, ImportId, Intent,
    Keep, KeepValue, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting,
    Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::error::{CallResult, Called, required};
use crate::naming::NAME_PREFIX;
use crate::policy::PolicyDocument;
use crate::tags::{LiveTags, TagPairs};
use crate::wire::number;
use crate::{Context, DeletionPolicy, KeyArn, KeyId, Tags, converge};

/// The one policy that a key has.
const POLICY: &str = "default";

/// The properties of a symmetric encryption key. References are in its policy only, which keeps them itself, so one
/// struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Key {
    /// What it is for.
    pub description: String,
    /// Whether it can be used. What is encrypted with a disabled key cannot be read.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// When it will be deleted, if somebody scheduled that. Always `None` when it is declared.
    #[serde(default)]
    pub deletion_date: Option<String>,
    /// Whether AWS makes new key material from time to time. Old material stays for what it encrypted.
    pub enable_key_rotation: bool,
    /// After how many days AWS makes new key material, 90 to 2560; a year where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<u32>,
    /// Who may use and manage it. It must let the account manage it, or nobody can.
    pub key_policy: PolicyDocument,
    /// For how many days a deleted key can be saved: 7 to 30.
    pub pending_window_in_days: u32,
    /// What becomes of it in the end. What it encrypted can be read only while it is there.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_delete")]
    pub deletion_policy: DeletionPolicy,
    /// What people see.
    pub tags: Tags,
}

/// After how many days AWS makes new key material where nothing is said (KMS API Reference, EnableKeyRotation).
const YEAR: u32 = 365;

/// What a state that knew no such property means.
fn enabled() -> bool {
    true
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<KeyArn>,
    /// The id.
    pub key_id: S::Of<KeyId>,
}

impl Declares for Key {
    type Resolved = Self;
}

fn kms(cx: &Context) -> aws_sdk_kms::Client {
    cx.client(aws_sdk_kms::Client::new)
}

/// The ids of the keys among which the search is: all, where the answer to a create was lost. Otherwise, before each
/// create, those that an alias named like ours leads to, since tags are read key by key, and accounts have hundreds.
async fn candidates(cx: &Context, search: &Search) -> Result<Vec<String>, CallError> {
    let mut ids = Vec::new();
    if search.token.is_some() {
        let mut keys = kms(cx).list_keys().into_paginator().items().send();
        while let Some(key) = keys.next().await {
            ids.extend(key.called("ListKeys")?.key_id);
        }
        return Ok(ids);
    }
    let ours = format!("alias/{NAME_PREFIX}");
    let mut aliases = kms(cx).list_aliases().into_paginator().items().send();
    while let Some(alias) = aliases.next().await {
        let alias = alias.called("ListAliases")?;
        if alias.alias_name().is_some_and(|name| name.starts_with(&ours)) {
            ids.extend(alias.target_key_id);
        }
    }
    Ok(ids)
}

/// The key, which may be about to go.
async fn live(cx: &Context, key: &str) -> Result<Option<KeyMetadata>, CallError> {
    const OPERATION: &str = "DescribeKey";
    let request = kms(cx).describe_key().key_id(key);
    let Some(answer) = request.send().await.called(OPERATION).if_exists()? else { return Ok(None) };
    required(answer.key_metadata, OPERATION, "KeyMetadata").map(Some)
}

fn is_going(live: &KeyMetadata) -> bool {
    matches!(live.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

/// When a key that is about to go is deleted.
fn deletion_date(live: &KeyMetadata) -> Option<String> {
    let date = live.deletion_date().and_then(|date| date.fmt(Format::DateTime).ok());
    is_going(live).then(|| date.unwrap_or_else(|| "not told".to_owned()))
}

/// A call on a key that was made, enabled or saved a moment ago, which KMS need not know everywhere yet.
fn settling<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    answer.once_visible().classed(&["DisabledException", "KMSInvalidStateException"], ErrorClass::NotYet)
}

/// A call with a policy in it: a principal of a moment ago is not known yet.
fn with_policy<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    answer.classed(&["MalformedPolicyDocumentException"], ErrorClass::NotYet)
}

async fn live_tags(cx: &Context, key: &str) -> Result<Option<LiveTags>, CallError> {
    let pages = kms(cx).list_resource_tags().key_id(key).into_paginator().items().send();
    let tags = pages.try_collect().await.called("ListResourceTags").if_exists()?;
    Ok(tags.map(|tags: Vec<Tag>| {
        LiveTags::pairs(tags.iter().map(|tag| (Some(tag.tag_key()), Some(tag.tag_value()))))
    }))
}

/// How many snapshots of database clusters cannot be restored without the key. Automated ones of a cluster that is there go
/// with their cluster; of one that is gone, they were kept.
async fn snapshots_that_need(cx: &Context, key: &KeyOutputs<Resolved>) -> Result<usize, CallError> {
    let rds = crate::rds::client(cx);
    let pages = rds.describe_db_cluster_snapshots().into_paginator().items().send();
    let mut snapshots = pages.try_collect().await.called("DescribeDBClusterSnapshots")?;
    let is_ours = |id: &str| id == key.arn.as_str() || id == key.key_id.as_str();
    snapshots.retain(|snapshot| snapshot.kms_key_id().is_some_and(is_ours));
    let is_automated = |snapshot: &DbClusterSnapshot| snapshot.snapshot_type() == Some("automated");
    if snapshots.iter().any(is_automated) {
        let pages = rds.describe_db_clusters().into_paginator().items().send();
        let clusters: Vec<DbCluster> = pages.try_collect().await.called("DescribeDBClusters")?;
        let ids = |cluster: &DbCluster| cluster.db_cluster_resource_id().map(str::to_owned);
        let names = |cluster: &DbCluster| cluster.db_cluster_identifier().map(str::to_owned);
        let there: BTreeSet<String> =
            clusters.iter().flat_map(|cluster| [ids(cluster), names(cluster)]).flatten().collect();
        let goes = |snapshot: &DbClusterSnapshot| {
            // Old snapshots do not say which of the clusters of a name it was.
            let cluster = snapshot.db_cluster_resource_id().or(snapshot.db_cluster_identifier());
            is_automated(snapshot) && cluster.is_some_and(|cluster| there.contains(cluster))
        };
        snapshots.retain(|snapshot| !goes(snapshot));
    }
    Ok(snapshots.len())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().tag_key(key).tag_value(value).build().expect("a key and a value are given")
}

fn outputs(live: &KeyMetadata) -> Result<KeyOutputs<Resolved>, CallError> {
    let arn = required(live.arn(), "DescribeKey", "Arn")?;
    Ok(KeyOutputs { arn: arn.into(), key_id: live.key_id().into() })
}

#[async_trait]
impl Resource for Key {
    const KIND: &'static str = "AWS::KMS::Key";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Nothing,
        lists: &[Listed::TAGS, Listed { path: "KeyPolicy.Statement", key: "Sid" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Keys("access to everything it encrypted, once its waiting period is over"),
        keeps: &[
            DeletionPolicy::KEEP,
            Keep { property: "KeyPolicy", value: KeepValue::Any, how: How::RetainUnlessEmpty },
        ],
        limits: &[],
        template: Template {
            own_properties: &[DeletionPolicy::PROPERTY, "DeletionDate"],
            ..Template::AS_DECLARED
        },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["KeyId"],
            words: "the id of the key",
            example: "1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d",
        },
        reads: Reads { least: 4, most: 4, together: None },
        cost: Some("kms-key"),
    };
    const SETTLE: Settle = Settle::Tag;
    const CLOSED: &'static [&'static str] = &["RotationPeriodInDays"];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = KeyOutputs<S>;

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<KeyOutputs<Resolved>>, CallError> {
        for id in candidates(cx, search).await? {
            // The tags of a key of AWS's, or of one that its policy hides, are not for us to see: not ours.
            let tags = match live_tags(cx, &id).await {
                Err(error) if error.class == ErrorClass::Denied => None,
                tags => tags?,
            };
            if !tags.is_some_and(|tags| tags.fit(cx.identity(), search)) {
                continue;
            }
            if let Some(live) = live(cx, &id).await? {
                return outputs(&live).map(Some);
            }
        }
        Ok(None)
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<KeyOutputs<Resolved>>, CallError> {
        let live = live(cx, id.part("KeyId")).await?;
        live.map(|live| outputs(&live)).transpose()
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<KeyOutputs<Resolved>>>>, CallError> {
        let mut sighted = Vec::new();
        let mut keys = kms(cx).list_keys().into_paginator().items().send();
        while let Some(key) = keys.next().await {
            let Some(id) = key.called("ListKeys")?.key_id else { continue };
            // As in `find`: what is not for us to see is not ours.
            let tags = match live_tags(cx, &id).await {
                Err(error) if error.class == ErrorClass::Denied => None,
                tags => tags?,
            };
            let Some(tags) = tags.filter(|tags| tags.is_ours(cx.identity())) else { continue };
            let Some(live) = live(cx, &id).await?.filter(|live| !is_going(live)) else { continue };
            let created = live.creation_date().and_then(|date| date.fmt(Format::DateTime).ok());
            sighted.extend(tags.sighting(cx.identity(), outputs(&live)?, created));
        }
        Ok(Some(sighted))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<KeyOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateKey";
        let request = kms(cx)
            .create_key()
            .description(&self.description)
            .policy(self.key_policy.to_json())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = with_policy(request.send().await.called(OPERATION))?;
        cx.made_access();
        outputs(&required(answer.key_metadata, OPERATION, "KeyMetadata")?)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &KeyOutputs<Resolved>,
    ) -> Result<Readiness<KeyOutputs<Resolved>>, CallError> {
        Ok(match live(cx, outputs.key_id.as_str()).await? {
            // Disabled or about to go is not on the way to something else: setting it up enables it.
            Some(live) => match live.key_state() {
                Some(KeyState::Creating | KeyState::Updating) | None => {
                    let state = live.key_state().map_or("unknown", KeyState::as_str);
                    Readiness::Pending(format!("its state is {state}, not Enabled"))
                }
                Some(_) => Readiness::Ready(outputs.clone()),
            },
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &KeyOutputs<Resolved>) -> Result<(), CallError> {
        settling(converge(self, cx, outputs).await)
    }

    async fn read(&self, cx: &Context, outputs: &KeyOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let id = outputs.key_id.as_str();
        let Some(live) = live(cx, id).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, id).await? else { return Ok(None) };
        let request = kms(cx).get_key_policy().key_id(id).policy_name(POLICY);
        let policy = request.send().await.called("GetKeyPolicy")?.policy;
        let policy = PolicyDocument::parse(policy.as_deref().unwrap_or("{}"), "GetKeyPolicy")?;
        let rotation = kms(cx).get_key_rotation_status().key_id(id).send().await;
        let rotation = rotation.called("GetKeyRotationStatus")?;
        let period = rotation.rotation_period_in_days.and_then(|days| u32::try_from(days).ok());
        Ok(Some(Self {
            enabled: live.enabled,
            deletion_date: deletion_date(&live),
            description: live.description.unwrap_or_default(),
            enable_key_rotation: rotation.key_rotation_enabled,
            // Without rotation there is no period, nor one that would be wrong.
            rotation_period_in_days: match period.filter(|_| rotation.key_rotation_enabled) {
                Some(days) if self.rotation_period_in_days.is_some() || days != YEAR => Some(days),
                Some(_) => None,
                None => self.rotation_period_in_days,
            },
            key_policy: self.key_policy.unless_changed(policy),
            // A wish for the deletion; a living key has none.
            pending_window_in_days: self.pending_window_in_days,
            deletion_policy: self.deletion_policy,
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &KeyOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<KeyOutputs<Resolved>, CallError> {
        let (kms, id) = (kms(cx), outputs.key_id.as_str());
        // Nothing else can be changed before.
        let going = changed.before.deletion_date.is_some();
        if going {
            let cancelled = kms.cancel_key_deletion().key_id(id).send().await.called("CancelKeyDeletion");
            // Where an earlier attempt cancelled it, it is not pending any more.
            match cancelled {
                Err(_) if live(cx, id).await?.is_some_and(|live| !is_going(&live)) => {}
                cancelled => drop(cancelled?),
            }
        }
        if self.enabled && (going || !changed.before.enabled) {
            settling(kms.enable_key().key_id(id).send().await.called("EnableKey"))?;
        }
        if changed.has("Description") {
            let request = kms.update_key_description().key_id(id).description(&self.description);
            settling(request.send().await.called("UpdateKeyDescription"))?;
        }
        if changed.has("KeyPolicy") {
            let request = kms.put_key_policy().key_id(id).policy_name(POLICY);
            let answer = request.policy(self.key_policy.to_json()).send().await.called("PutKeyPolicy");
            with_policy(settling(answer))?;
        }
        // While a key is about to go, its rotation is shown as off, and need not be.
        if changed.has("EnableKeyRotation") || changed.has("RotationPeriodInDays") {
            let answer = match self.enable_key_rotation {
                true => {
                    let days = number(self.rotation_period_in_days.unwrap_or(YEAR));
                    let request = kms.enable_key_rotation().key_id(id).rotation_period_in_days(days);
                    request.send().await.called("EnableKeyRotation").map(drop)
                }
                false => {
                    kms.disable_key_rotation().key_id(id).send().await.called("DisableKeyRotation").map(drop)
                }
            };
            settling(answer)?;
        }
        let remove = async |keys| {
            let request = kms.untag_resource().key_id(id).set_tag_keys(Some(keys));
            settling(request.send().await.called("UntagResource")).map(drop)
        };
        let set = async |tags: TagPairs| {
            let request = kms.tag_resource().key_id(id).set_tags(Some(tags.list(tag)));
            settling(request.send().await.called("TagResource")).map(drop)
        };
        changed.before.tags.changes_to(&self.tags).send(remove, set).await?;
        if !self.enabled && changed.has("Enabled") {
            settling(kms.disable_key().key_id(id).send().await.called("DisableKey"))?;
        }
        Ok(outputs.clone())
    }

    /// Snapshots that somebody may want to restore. What else it encrypted, nobody can list.
    async fn contents(&self, cx: &Context, outputs: &KeyOutputs<Resolved>) -> Result<Contents, CallError> {
        let words = match snapshots_that_need(cx, outputs).await? {
            0 => return Ok(Contents::Unknown),
            1 => "1 database snapshot encrypted with it".to_owned(),
            count => format!("{count} database snapshots encrypted with it"),
        };
        Ok(Contents::Some { words, parts: Vec::new() })
    }

    async fn delete(&self, cx: &Context, outputs: &KeyOutputs<Resolved>) -> Result<(), CallError> {
        let id = outputs.key_id.as_str();
        if live(cx, id).await?.is_none_or(|live| is_going(&live)) {
            return Ok(());
        }
        let days = number(self.pending_window_in_days);
        let request = kms(cx).schedule_key_deletion().key_id(id).pending_window_in_days(days);
        // It was there a moment ago: what is not found now is too new, and not gone.
        settling(request.send().await.called("ScheduleKeyDeletion")).map(drop)
    }

    /// It is as good as gone once its deletion is scheduled: that is all that anybody can do.
    async fn poll_gone(&self, cx: &Context, outputs: &KeyOutputs<Resolved>) -> Result<bool, CallError> {
        Ok(live(cx, outputs.key_id.as_str()).await?.is_none_or(|live| is_going(&live)))
    }
}
