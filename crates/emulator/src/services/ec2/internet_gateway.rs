//! Internet gateways and their attachment to a VPC.

use serde_json::json;

use super::describe::{describe, find, find_mut};
use super::records::{Attachment, InternetGateway};
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, to_json};

impl Region {
    pub(super) fn create_internet_gateway(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let tag_set = Tags::given_to::<InternetGateway>(&mut p)?;
        p.finish()?;
        let gateway = InternetGateway {
            internet_gateway_id: self.ids.id("igw"),
            owner_id: ACCOUNT_ID.to_owned(),
            attachment_set: Vec::new(),
            tag_set,
        };
        let answer = json!({"internetGateway": to_json(&gateway)});
        self.internet_gateways.create(cx, gateway);
        Ok(answer)
    }

    pub(super) fn describe_internet_gateways(&self, p: Parameters) -> Answer {
        describe(&self.internet_gateways, p)
    }

    /// One gateway for a VPC and one VPC for a gateway (VPC User Guide, "Internet gateways").
    pub(super) fn attach_internet_gateway(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("InternetGatewayId")?;
        let vpc_id = p.text("VpcId")?;
        p.finish()?;
        let gateway = find(&self.internet_gateways, &id)?;
        find(&self.vpcs, &vpc_id)?;
        if let Some(attachment) = gateway.attachment_set.first() {
            let other = &attachment.vpc_id;
            let message = format!("resource {id} is already attached to network {other}");
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        if self.has_internet_gateway(&vpc_id) {
            let message = format!("Network {vpc_id} already has an internet gateway attached");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        find_mut(&mut self.internet_gateways, &id)?.attachment_set.push(Attachment {
            vpc_id,
            // An attached internet gateway is `available`, not `attached`
            // (EC2 API Reference, InternetGatewayAttachment).
            state: "available".to_owned(),
        });
        self.refresh_routes();
        Ok(done())
    }

    /// A gateway stays while public addresses in the VPC are mapped
    /// (EC2 API Reference, DetachInternetGateway).
    pub(super) fn detach_internet_gateway(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("InternetGatewayId")?;
        let vpc_id = p.text("VpcId")?;
        p.finish()?;
        let gateway = find(&self.internet_gateways, &id)?;
        find(&self.vpcs, &vpc_id)?;
        if !gateway.attachment_set.iter().any(|a| a.vpc_id == vpc_id) {
            let message = format!("resource {id} is not attached to network {vpc_id}");
            return Err(Refusal::new("Gateway.NotAttached", message));
        }
        if self.has_mapped_address(cx, &vpc_id) {
            let message = format!(
                "Network {vpc_id} has some mapped public address(es). \
                 Please unmap those public address(es) before detaching the gateway."
            );
            return Err(Refusal::new("DependencyViolation", message));
        }
        find_mut(&mut self.internet_gateways, &id)?.attachment_set.clear();
        self.refresh_routes();
        Ok(done())
    }

    pub(super) fn delete_internet_gateway(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("InternetGatewayId")?;
        p.finish()?;
        if !find(&self.internet_gateways, &id)?.attachment_set.is_empty() {
            let message = format!("The internetGateway '{id}' has dependencies and cannot be deleted.");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.internet_gateways.remove(&id);
        Ok(done())
    }

    /// Whether an internet gateway is attached to a VPC.
    pub(crate) fn has_internet_gateway(&self, vpc_id: &str) -> bool {
        self.internet_gateways
            .values()
            .flat_map(|gateway| &gateway.attachment_set)
            .any(|attachment| attachment.vpc_id == vpc_id)
    }
}
