//! Calls whose answers are lost.

use emulator::{Fault, Moment};
use serde_json::Value;

use super::Broken;
use super::bench::{Bench, Saved};

/// How an answer is lost.
pub(super) const FAULTS: [Fault; 2] =
    [Fault::TimeOut(Moment::AfterEffect), Fault::ConnectionReset(Moment::BeforeEffect)];

/// One run, in which a call goes wrong, ends as if none had.
pub(super) async fn made_good(bench: &Bench, wanted: Option<&Value>, then: &Saved) -> Result<(), Broken> {
    bench.bring(wanted).await?;
    match wanted {
        Some(wanted) => {
            bench.as_many_as(then).await?;
            bench.reads_as(wanted).await?;
            bench.is_done(wanted).await
        }
        None => {
            bench.as_many_go_as(then).await?;
            let plan = bench.plan(None).await?;
            super::hold!(plan.is_empty(), "there is something to do: {}", super::bench::text(&plan));
            Ok(())
        }
    }
}
