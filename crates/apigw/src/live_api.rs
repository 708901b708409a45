//! Where the API answers, as API Gateway says it now: the only address that an API key may be sent to.
//!
//! An address that was recorded can have been edited since; whoever can do that must not get the key. So the address is built
//! from what a read in this run has shown: the id of an API with our tags, its stage, and the region and partition that were
//! read from.

use aws::tags::LiveTags;
use aws::{Called, Context, required};
use engine::{Address, CallError, Search};

use crate::resources::gateway;
use crate::{RestApiId, StageName};

/// A REST API and its stage, which API Gateway has shown in this run. There is no other way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveApi {
    host: String,
    stage: String,
}

impl LiveApi {
    /// The host, such as `a1b2c3d4e5.execute-api.ap-southeast-1.amazonaws.com`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The stage's name, the first segment of the path of a request.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.stage
    }
}

/// Asks API Gateway for the API at `address`, which was recorded under this id, and for its stage: two calls,
/// `apigateway:GetRestApi` and `apigateway:GetStage`.
///
/// # Errors
/// As the calls fail; and [`ErrorClass::Conflict`](engine::ErrorClass::Conflict) if what they show is not the API of this
/// project and environment at this address.
pub async fn live_api(
    cx: &Context,
    address: &Address,
    id: &RestApiId,
    stage: &StageName,
) -> Result<LiveApi, CallError> {
    const API: &str = "GetRestApi";
    const STAGE: &str = "GetStage";
    let live = gateway(cx).get_rest_api().rest_api_id(id.as_str()).send().await.called(API)?;
    let live_id = required(live.id, API, "id")?;
    if live_id != id.as_str() || !is_label(&live_id) {
        return Err(CallError::conflict(API, format!("`{live_id}` is not the API `{id}`")));
    }
    cx.adopt(&format!("the API {live_id}"), &LiveTags::map(live.tags), &Search::made_for(address.clone()))?;
    let live = gateway(cx).get_stage().rest_api_id(&live_id).stage_name(stage.as_str());
    let live_stage = required(live.send().await.called(STAGE)?.stage_name, STAGE, "stageName")?;
    if live_stage != stage.as_str() || !is_stage_name(&live_stage) {
        return Err(CallError::conflict(STAGE, format!("`{live_stage}` is not the stage `{stage}`")));
    }
    let host = format!("{live_id}.execute-api.{}.{}", cx.region(), domain_suffix(cx.partition()));
    Ok(LiveApi { host, stage: live_stage })
}

/// What can stand in a host name between two dots, and so cannot end it.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// "Stage names can only contain alphanumeric characters, hyphens, and underscores" (API Gateway API Reference, `CreateStage`).
fn is_stage_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// How host names end in a partition (the AWS SDKs' `partitions.json`, `dnsSuffix`).
pub(crate) fn domain_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}
