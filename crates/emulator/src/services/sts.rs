//! STS: who is calling.
//!
//! `GetCallerIdentity` is ours, because winterbaume names a caller whose ARN is not one that AWS would give
//! (an IAM user's is `arn:aws:iam::ACCOUNT:user/NAME`; IAM User Guide, "IAM ARNs"). Everything else is
//! winterbaume's.

use async_trait::async_trait;
use serde_json::{Value, json};
use winterbaume_sts::StsService;

use super::{Service, base};
use crate::emulator::ACCOUNT_ID;
use crate::objects::Object;
use crate::request::Call;
use crate::response::Response;

/// The service. It keeps nothing.
pub(super) struct Sts {
    base: StsService,
}

impl Sts {
    pub(super) fn new() -> Self {
        Sts { base: StsService::new() }
    }
}

#[async_trait]
impl Service for Sts {
    fn name(&self) -> &'static str {
        "sts"
    }

    async fn answer(&self, call: &Call) -> Response {
        match call.operation.as_str() {
            "GetCallerIdentity" => Response::success(
                call,
                &json!({
                    "Account": ACCOUNT_ID,
                    "Arn": format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator"),
                    "UserId": "AIDAEMULATOR000000000",
                }),
            ),
            _ => base::forward(&self.base, call, &call.region).await,
        }
    }

    fn check(&self, _state: &Value) -> Result<(), serde_json::Error> {
        Ok(())
    }

    fn homes(&self) -> Vec<String> {
        Vec::new()
    }

    async fn save(&self, _home: &str) -> Value {
        Value::Null
    }

    async fn load(&self, _home: &str, _state: Option<Value>) -> Result<(), serde_json::Error> {
        Ok(())
    }

    async fn objects(&self, _home: &str) -> Vec<Object> {
        Vec::new()
    }
}
