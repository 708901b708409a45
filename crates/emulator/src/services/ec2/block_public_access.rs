//! VPC Block Public Access: one setting of a region that stops traffic through all internet gateways (VPC User Guide, "Block public
//! access to VPCs and subnets"). It is shown; what it stops is not modelled.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Cx, Region};
use crate::machine::emulator::ACCOUNT_ID;
use crate::protocol::parameters::Parameters;

/// What is stopped. State of an earlier version does not have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct BlockPublicAccess(String);

impl Default for BlockPublicAccess {
    fn default() -> Self {
        Self("off".to_owned())
    }
}

impl BlockPublicAccess {
    /// As VPCs and subnets show it.
    pub(super) fn states(&self) -> Value {
        json!({"internetGatewayBlockMode": self.0})
    }

    fn show(&self, cx: &Cx<'_>) -> Value {
        json!({
            "awsAccountId": ACCOUNT_ID,
            "awsRegion": cx.region,
            "state": if self.0 == "off" { "default-state" } else { "update-complete" },
            "internetGatewayBlockMode": self.0,
            "managedBy": "account",
            "exclusionsAllowed": "allowed",
        })
    }
}

impl Region {
    pub(super) fn modify_block_public_access(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let mode = p.text("InternetGatewayBlockMode")?;
        if !matches!(mode.as_str(), "off" | "block-bidirectional" | "block-ingress") {
            return Err(p.invalid(
                "InternetGatewayBlockMode",
                &mode,
                "off, block-bidirectional or block-ingress",
            ));
        }
        p.finish()?;
        self.block_public_access = BlockPublicAccess(mode);
        self.show_block_public_access(cx)
    }

    pub(super) fn describe_block_public_access(&self, cx: &Cx<'_>, p: Parameters) -> Answer {
        p.finish()?;
        self.show_block_public_access(cx)
    }

    fn show_block_public_access(&self, cx: &Cx<'_>) -> Answer {
        Ok(json!({"vpcBlockPublicAccessOptions": self.block_public_access.show(cx)}))
    }
}
