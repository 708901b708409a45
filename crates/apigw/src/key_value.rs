//! The value of an API key: a secret, which is asked for when somebody wants to see it, and kept nowhere.

use std::fmt;

use aws::tags::LiveTags;
use aws::{Called, Context, Identity, required};
use engine::CallError;

use crate::ApiKeyId;
use crate::resources::gateway;

/// The value of an API key. It shows itself only where it is asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyValue(String);

impl ApiKeyValue {
    /// The value, for the eyes of who asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyValue(hidden)")
    }
}

/// Asks API Gateway for the value of a key: one call, `apigateway:GetApiKey`.
///
/// # Errors
/// As the call fails; and [`ErrorClass::Conflict`](engine::ErrorClass::Conflict) for a key that is not this project's and
/// environment's, whatever was recorded.
pub async fn api_key_value(cx: &Context, id: &ApiKeyId) -> Result<ApiKeyValue, CallError> {
    const OPERATION: &str = "GetApiKey";
    let request = gateway(cx).get_api_key().api_key(id.as_str()).include_value(true);
    let answer = request.send().await.called(OPERATION)?;
    if !LiveTags::map(answer.tags).is_ours(cx.identity()) {
        let Identity { project, environment } = cx.identity();
        let reason =
            format!("the tags of {id} do not say that it is of project {project}, environment {environment}");
        return Err(CallError::conflict(OPERATION, reason));
    }
    required(answer.value, OPERATION, "value").map(ApiKeyValue)
}
