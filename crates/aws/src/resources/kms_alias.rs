//! The alias of a KMS key: the name under which people find it.
//!
//! The surprise: an alias has no tags. It is ours if it leads to our key, and to no other.
//!
//! `NotFoundException` means wait where the key is new. An alias leads to a key that is disabled or about to be deleted as well,
//! and goes with the key in the end. It can take minutes until a changed alias leads to the new key everywhere.

use async_trait::async_trait;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::error::{CallResult, Called};
use crate::{Context, KeyAlias, KeyId, converge};

/// The properties of an alias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Alias<S: Stage = Declared> {
    /// Its name, which begins with `alias/`, unique in account and region.
    pub alias_name: KeyAlias,
    /// The key that it leads to.
    pub target_key_id: S::Of<KeyId>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AliasOutputs<S: Stage> {
    /// The name; a reference to it waits until the alias exists.
    pub alias_name: S::Of<KeyAlias>,
}

impl Declares for Alias<Declared> {
    type Resolved = Alias<Resolved>;
}

fn kms(cx: &Context) -> aws_sdk_kms::Client {
    cx.client(aws_sdk_kms::Client::new)
}

/// The key that an alias leads to, if there is such an alias.
async fn target(cx: &Context, name: &KeyAlias) -> Result<Option<KeyId>, CallError> {
    let mut aliases = kms(cx).list_aliases().into_paginator().items().send();
    while let Some(alias) = aliases.next().await {
        let alias = alias.called("ListAliases")?;
        if alias.alias_name() == Some(name.as_str()) {
            return Ok(alias.target_key_id.map(Into::into));
        }
    }
    Ok(None)
}

#[async_trait]
impl Resource for Alias<Resolved> {
    const KIND: &'static str = "AWS::KMS::Alias";
    const FACTS: Facts = Facts {
        name: Named::ByName("AliasName"),
        create_only: CreateOnly::These(&["AliasName"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["AliasName"],
            words: "the name of the alias, with its prefix alias/",
            example: "alias/payment-database-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("ListAliases") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Alias<Declared>;
    type Outputs<S: Stage> = AliasOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.alias_name.to_string())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<AliasOutputs<Resolved>>, CallError> {
        match target(cx, &self.alias_name).await? {
            None => Ok(None),
            Some(key) if key == self.target_key_id => {
                Ok(Some(AliasOutputs { alias_name: self.alias_name.clone() }))
            }
            Some(key) => Err(CallError::conflict(
                format!("looking for {}", self.alias_name),
                format!("it exists already and leads to key {key}, not to the one of {}", search.address),
            )),
        }
    }

    async fn create(&self, cx: &Context, _intent: &Intent) -> Result<AliasOutputs<Resolved>, CallError> {
        let request = kms(cx).create_alias().alias_name(self.alias_name.as_str());
        let request = request.target_key_id(self.target_key_id.as_str());
        request.send().await.called("CreateAlias").once_visible()?;
        Ok(AliasOutputs { alias_name: self.alias_name.clone() })
    }

    async fn configure(&self, cx: &Context, outputs: &AliasOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &AliasOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let key = target(cx, &outputs.alias_name).await?;
        Ok(key.map(|target_key_id| Self { alias_name: outputs.alias_name.clone(), target_key_id }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &AliasOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<AliasOutputs<Resolved>, CallError> {
        let request = kms(cx).update_alias().alias_name(self.alias_name.as_str());
        request
            .target_key_id(self.target_key_id.as_str())
            .send()
            .await
            .called("UpdateAlias")
            .once_visible()?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &AliasOutputs<Resolved>) -> Result<(), CallError> {
        let request = kms(cx).delete_alias().alias_name(outputs.alias_name.as_str());
        request.send().await.called("DeleteAlias").map(drop).gone_is_ok()
    }
}
