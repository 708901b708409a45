//! The tier's AWS objects, one a file.

#[macro_use]
mod in_vpc;

mod default_network_acl;
mod default_security_group;
mod eip;
mod flow_log;
mod internet_gateway;
mod nat_gateway;
mod network_acl;
mod network_acl_entry;
mod route;
mod route_table;
mod subnet;
mod subnet_network_acl_association;
mod subnet_route_table_association;
mod vpc;
mod vpc_endpoint;
mod vpc_gateway_attachment;

pub use default_security_group::{DefaultSecurityGroup, DefaultSecurityGroupOutputs};
pub use eip::{Eip, EipOutputs};
pub use flow_log::{FlowLog, FlowLogOutputs};
pub use internet_gateway::{InternetGateway, InternetGatewayOutputs};
pub use nat_gateway::{NatGateway, NatGatewayOutputs};
pub use network_acl::{AddedEntry, NetworkAcl, NetworkAclOutputs};
pub use network_acl_entry::{NetworkAclEntry, NetworkAclEntryOutputs, PortRange, RuleAction};
pub use route::{Route, RouteOutputs};
pub use route_table::{RouteTable, RouteTableOutputs};
pub use subnet::{Subnet, SubnetOutputs};
pub use subnet_network_acl_association::{SubnetNetworkAclAssociation, SubnetNetworkAclAssociationOutputs};
pub use subnet_route_table_association::{SubnetRouteTableAssociation, SubnetRouteTableAssociationOutputs};
pub use vpc::{Vpc, VpcOutputs};
pub use vpc_endpoint::{VpcEndpoint, VpcEndpointOutputs, s3_policy};
pub use vpc_gateway_attachment::{VpcGatewayAttachment, VpcGatewayAttachmentOutputs};

use aws::tags::LiveTags;
use aws::{Registry, Tags, class_of};
use aws_sdk_ec2::types::UnsuccessfulItem;
use engine::{CallError, ErrorClass, Resolved};
use ipnet::Ipv4Net;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<Vpc>()
        .register::<InternetGateway>()
        .register::<VpcGatewayAttachment<Resolved>>()
        .register::<DefaultSecurityGroup<Resolved>>()
        .register::<Subnet<Resolved>>()
        .register::<Eip>()
        .register::<NatGateway<Resolved>>()
        .register::<RouteTable<Resolved>>()
        .register::<Route<Resolved>>()
        .register::<SubnetRouteTableAssociation<Resolved>>()
        .register::<NetworkAcl<Resolved>>()
        .register::<NetworkAclEntry<Resolved>>()
        .register::<SubnetNetworkAclAssociation<Resolved>>()
        .register::<VpcEndpoint<Resolved>>()
        .register::<FlowLog<Resolved>>();
}

/// The tags of a described object that are properties.
fn visible(tags: Option<Vec<aws_sdk_ec2::types::Tag>>) -> Tags {
    LiveTags::ec2(tags.as_deref()).visible()
}

/// A CIDR block in an answer.
fn cidr(text: Option<String>, operation: &str) -> Result<Ipv4Net, CallError> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| {
        let message = format!("`{text}` in the answer is not an IPv4 CIDR block");
        CallError::new(ErrorClass::Invalid, operation, message)
    })
}

/// Some calls take a list and answer 200 even where they did nothing; what failed is in the answer.
///
/// # Errors
/// The first failure, classed by its code.
fn none_unsuccessful(operation: &str, items: Option<&[UnsuccessfulItem]>) -> Result<(), CallError> {
    let Some(error) = items.unwrap_or_default().iter().find_map(|item| item.error.as_ref()) else {
        return Ok(());
    };
    let code = error.code.clone().unwrap_or_default();
    Err(CallError {
        class: class_of(&code, None),
        operation: operation.to_owned(),
        code: Some(code),
        message: error.message.clone().unwrap_or_default(),
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::UnsuccessfulItemError;

    use super::*;

    #[test]
    fn a_failure_inside_a_successful_answer_is_an_error() {
        assert_eq!(none_unsuccessful("DeleteFlowLogs", None), Ok(()));
        let error =
            UnsuccessfulItemError::builder().code("InvalidFlowLogId.NotFound").message("gone").build();
        let items = [UnsuccessfulItem::builder().error(error).build()];
        let error = none_unsuccessful("DeleteFlowLogs", Some(&items)).unwrap_err();
        assert_eq!(error.class, ErrorClass::NotFound);
        assert_eq!(error.to_string(), "DeleteFlowLogs: InvalidFlowLogId.NotFound: gone");
    }
}
