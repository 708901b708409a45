//! Log groups, each with one flaw.

use async_trait::async_trait;
use aws::resources::{LogGroup, LogGroupOutputs};
use aws::{Context, Tags};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ImportId, Intent, Reads, Resolved, Resource,
    Search, Settle, Stage,
};
use serde::{Deserialize, Serialize};

pub(crate) const NONE: u8 = 0;
pub(crate) const UPDATE_DOES_NOTHING: u8 = 1;
pub(crate) const READ_BELIEVES_THE_RECORD: u8 = 2;
pub(crate) const FIND_FINDS_NOTHING: u8 = 3;
pub(crate) const DELETE_FAILS_WHERE_IT_IS_GONE: u8 = 4;
pub(crate) const DELETE_DOES_NOTHING: u8 = 5;
pub(crate) const NO_TAGS: u8 = 6;
pub(crate) const FACTS_COUNT_ANOTHER_READ: u8 = 7;
pub(crate) const FACTS_CALL_THE_NAME_CHANGEABLE: u8 = 8;
pub(crate) const FACTS_HAVE_NO_IMPORT_ID: u8 = 9;
pub(crate) const UPDATE_CHANGES_MORE: u8 = 10;

/// A log group that breaks the contract in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Flawed<const FLAW: u8>(pub(crate) LogGroup<Resolved>);

impl<const FLAW: u8> Declares for Flawed<FLAW> {
    type Resolved = Self;
}

type Outputs = LogGroupOutputs<Resolved>;

#[async_trait]
impl<const FLAW: u8> Resource for Flawed<FLAW> {
    const KIND: &'static str = <LogGroup<Resolved> as Resource>::KIND;
    const FACTS: Facts = {
        let facts = <LogGroup<Resolved> as Resource>::FACTS;
        match FLAW {
            FACTS_COUNT_ANOTHER_READ => Facts { reads: Reads { least: 3, most: 4, together: None }, ..facts },
            FACTS_CALL_THE_NAME_CHANGEABLE => Facts { create_only: CreateOnly::Nothing, ..facts },
            FACTS_HAVE_NO_IMPORT_ID => {
                Facts { import: ImportId { parts: &["Arn", "Id"], ..facts.import }, ..facts }
            }
            _ => facts,
        }
    };
    const SETTLE: Settle = <LogGroup<Resolved> as Resource>::SETTLE;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = LogGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        self.0.claim()
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<Outputs>, CallError> {
        match FLAW {
            FIND_FINDS_NOTHING => Ok(None),
            _ => self.0.find(cx, search).await,
        }
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<Outputs, CallError> {
        match FLAW {
            NO_TAGS => LogGroup { tags: Tags::new(), ..self.0.clone() }.create(cx, intent).await,
            _ => self.0.create(cx, intent).await,
        }
    }

    async fn configure(&self, cx: &Context, outputs: &Outputs) -> Result<(), CallError> {
        self.0.configure(cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &Outputs) -> Result<Option<Self>, CallError> {
        let live = self.0.read(cx, outputs).await?;
        Ok(live.map(|live| match FLAW {
            READ_BELIEVES_THE_RECORD => self.clone(),
            _ => Self(live),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &Outputs,
        changed: &Changed<Self>,
    ) -> Result<Outputs, CallError> {
        let wanted = match FLAW {
            UPDATE_DOES_NOTHING => return Ok(outputs.clone()),
            UPDATE_CHANGES_MORE => LogGroup { tags: Tags::new(), ..self.0.clone() },
            _ => self.0.clone(),
        };
        let changed = Changed { before: changed.before.0.clone(), properties: changed.properties.clone() };
        wanted.update(cx, outputs, &changed).await
    }

    async fn delete(&self, cx: &Context, outputs: &Outputs) -> Result<(), CallError> {
        let is_there = self.0.read(cx, outputs).await?.is_some();
        match FLAW {
            DELETE_DOES_NOTHING => Ok(()),
            DELETE_FAILS_WHERE_IT_IS_GONE if !is_there => {
                Err(CallError::new(ErrorClass::Invalid, "DeleteLogGroup", "it is gone"))
            }
            _ => self.0.delete(cx, outputs).await,
        }
    }

    async fn poll_gone(&self, cx: &Context, outputs: &Outputs) -> Result<bool, CallError> {
        match FLAW {
            DELETE_DOES_NOTHING => Ok(true),
            _ => self.0.poll_gone(cx, outputs).await,
        }
    }
}
