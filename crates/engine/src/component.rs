//! One tier of a stack.

use std::sync::Arc;

use async_trait::async_trait;

use crate::apply::Report;
use crate::engine_error::EngineError;
use crate::facade::Engine;
use crate::graph::{Graph, GraphError};
use crate::scope::{DeclareError, Scope};
use crate::selector::Selector;
use crate::stage::{Data, Declared, Resolved, Stage};
use crate::survey::Drift;

/// Why a tier could not be created, read or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// Its arguments or inputs cannot work. No call was made.
    #[error(transparent)]
    Declare(#[from] DeclareError),
    /// Its resources do not make a graph: an input refers to something outside of the tier, say. No call was made.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The engine could not begin or end.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Some of it was not done; run again to go on.
    #[error("{}", summary(.0))]
    Incomplete(Box<Report>),
    /// The tier's outputs do not have the type that it declares.
    #[error("the tier's outputs cannot be read from state")]
    Outputs(#[source] serde_json::Error),
}

fn summary(report: &Report) -> String {
    let causes: Vec<String> = report
        .failed
        .iter()
        .map(|failure| format!("{} of {} failed: {}", failure.operation, failure.address, failure.cause))
        .collect();
    let left = report.skipped.len() + report.in_progress.len() + report.not_begun.len();
    match causes.as_slice() {
        [] => format!("interrupted; {left} left to do"),
        causes => format!("{}; {left} not tried because of it", causes.join("; ")),
    }
}

/// What was found of a tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<O> {
    /// Its outputs, if all of it exists.
    pub outputs: Option<O>,
    /// Where the live objects differ from what was recorded.
    pub drift: Vec<Drift>,
}

/// A tier: arguments in `self`, other tiers' outputs as inputs, typed outputs for the tiers after it.
///
/// A tier author writes `declare` only: pure, no calls, hence testable without a cloud. `create`, `read` and `delete`
/// run the engine on that tier alone, whose inputs are literals then, such as the id of a VPC that exists.
#[async_trait]
pub trait Component: Sized + Send + Sync {
    /// The tier's name: the first segment of its addresses.
    const NAME: &'static str;

    /// What it needs of other tiers: references when it is part of a stack, literals when it stands alone.
    type Inputs: Clone + Send + Sync;

    /// What other tiers can refer to.
    type Outputs<S: Stage>: Data;

    /// Declares the tier's resources.
    ///
    /// # Errors
    /// [`DeclareError`] names the argument that cannot work.
    fn declare(
        &self,
        scope: &mut Scope,
        inputs: &Self::Inputs,
    ) -> Result<Self::Outputs<Declared>, DeclareError>;

    /// Declares the tier under its name, as part of a stack.
    ///
    /// # Errors
    /// As [`declare`](Component::declare).
    fn declare_in(
        &self,
        scope: &mut Scope,
        inputs: &Self::Inputs,
    ) -> Result<Self::Outputs<Declared>, DeclareError> {
        scope.within(Self::NAME, |scope| self.declare(scope, inputs))
    }

    /// Creates what is missing, changes what differs, and deletes what is no longer declared, in this tier only.
    ///
    /// # Errors
    /// [`ComponentError::Incomplete`] has the report of what was done and what was not.
    async fn create(
        &self,
        engine: &Engine,
        inputs: &Self::Inputs,
    ) -> Result<Self::Outputs<Resolved>, ComponentError> {
        let (graph, outputs) = declared(self, inputs)?;
        let session = engine.open().await?;
        let done = async {
            let plan = session.plan(Arc::new(graph), &Selector::tier(Self::NAME)).await?;
            session.apply(&plan).await
        }
        .await;
        let state = session.state();
        let closed = session.close().await;
        let report = done?;
        if !report.is_complete() {
            return Err(ComponentError::Incomplete(Box::new(report)));
        }
        closed?;
        serde_json::from_value(state.resolve(&outputs)).map_err(ComponentError::Outputs)
    }

    /// Reads the tier's live objects. Changes nothing.
    ///
    /// # Errors
    /// Where state or cloud cannot be read.
    async fn read(
        &self,
        engine: &Engine,
        inputs: &Self::Inputs,
    ) -> Result<Reading<Self::Outputs<Resolved>>, ComponentError> {
        let (_, outputs) = declared(self, inputs)?;
        let drift = engine.drift(&Selector::tier(Self::NAME)).await?;
        let outputs = serde_json::from_value(engine.state().await?.resolve(&outputs)).ok();
        Ok(Reading { outputs, drift })
    }

    /// Deletes everything that is recorded of this tier. What this declares protects too: data goes only if what is recorded
    /// and what is declared both let it go.
    ///
    /// # Errors
    /// [`ComponentError::Incomplete`] has the report of what was done and what was not.
    async fn delete(&self, engine: &Engine, inputs: &Self::Inputs) -> Result<(), ComponentError> {
        let (graph, _) = declared(self, inputs)?;
        let session = engine.open().await?;
        let done = async {
            let plan = session.plan(Arc::new(graph.into_guards()), &Selector::tier(Self::NAME)).await?;
            session.apply(&plan).await
        }
        .await;
        let closed = session.close().await;
        let report = done?;
        if !report.is_complete() {
            return Err(ComponentError::Incomplete(Box::new(report)));
        }
        Ok(closed?)
    }
}

/// The tier's graph, and its outputs as references.
fn declared<C: Component>(
    component: &C,
    inputs: &C::Inputs,
) -> Result<(Graph, serde_json::Value), ComponentError> {
    let mut scope = Scope::new();
    let outputs = component.declare_in(&mut scope, inputs)?;
    let outputs = serde_json::to_value(&outputs).map_err(ComponentError::Outputs)?;
    Ok((Graph::new(scope)?, outputs))
}

/// A tier that is told its arguments and nothing else: a struct with `new` and `args`.
///
/// ```
/// #[derive(Clone, Debug, Default, PartialEq)]
/// pub struct Args {
///     pub shards: u32,
/// }
///
/// engine::tier! {
///     /// The queue tier.
///     pub struct Tier(Args);
/// }
///
/// assert_eq!(Tier::new(Args { shards: 3 }).args().shards, 3);
/// ```
#[macro_export]
macro_rules! tier {
    ($(#[$doc:meta])* pub struct $tier:ident($args:ty);) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $tier {
            args: $args,
        }

        impl $tier {
            /// The tier with these arguments, which [`declare`]($crate::Component::declare) checks.
            #[must_use]
            pub fn new(args: $args) -> Self {
                Self { args }
            }

            /// What it was told.
            #[must_use]
            pub fn args(&self) -> &$args {
                &self.args
            }
        }
    };
}
