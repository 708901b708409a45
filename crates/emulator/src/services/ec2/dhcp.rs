//! DHCP options: what a VPC's machines are told of name servers and the like. A region has a set from the start, which every new
//! VPC uses and in which Amazon's DNS server is named (VPC User Guide, "DHCP option sets in Amazon VPC").

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::describe::{Kind, Record, describe, find, find_mut};
use super::latency;
use super::records::record;
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, refuse_if, to_json};

/// What can be in a set (EC2 API Reference, CreateDhcpOptions).
const KEYS: [&str; 6] = [
    "domain-name-servers",
    "domain-name",
    "ntp-servers",
    "netbios-name-servers",
    "netbios-node-type",
    "ipv6-address-preferred-lease-time",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DhcpOptions {
    dhcp_options_id: String,
    owner_id: String,
    dhcp_configuration_set: Vec<Configuration>,
    tag_set: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    key: String,
    value_set: Vec<AttributeValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AttributeValue {
    value: String,
}

impl Configuration {
    fn new(key: &str, values: Vec<String>) -> Self {
        let value_set = values.into_iter().map(|value| AttributeValue { value }).collect();
        Self { key: key.to_owned(), value_set }
    }
}

record!(
    DhcpOptions,
    dhcp_options_id,
    Kind {
        cloudformation: "AWS::EC2::DHCPOptions",
        taggable: "dhcp-options",
        set: "dhcpOptionsSet",
        ids: "DhcpOptionsId",
        not_found: "InvalidDhcpOptionID.NotFound",
        noun: "dhcpOption ID",
        // Not measured; made the same way.
        latency: &latency::ROUTE_TABLE,
        starts_pending: false,
        filters: &[
            ("dhcp-options-id", "dhcpOptionsId"),
            ("key", "dhcpConfigurationSet.key"),
            ("value", "dhcpConfigurationSet.valueSet.value"),
            ("owner-id", "ownerId"),
        ],
    }
);

impl Region {
    pub(super) fn create_dhcp_options(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let tag_set = Tags::given_to::<DhcpOptions>(&mut p)?;
        let mut dhcp_configuration_set = Vec::new();
        for mut given in p.groups("DhcpConfiguration")? {
            let key = given.text("Key")?;
            let values = given.texts("Value")?;
            if !KEYS.contains(&key.as_str()) || values.is_empty() {
                return Err(given.invalid("Key", &key, "a DHCP option with values"));
            }
            given.finish()?;
            dhcp_configuration_set.push(Configuration::new(&key, values));
        }
        refuse_if(dhcp_configuration_set.is_empty(), || p.missing("DhcpConfiguration"))?;
        p.finish()?;
        let options = DhcpOptions {
            dhcp_options_id: self.ids.id("dopt"),
            owner_id: ACCOUNT_ID.to_owned(),
            dhcp_configuration_set,
            tag_set,
        };
        let answer = json!({"dhcpOptions": to_json(&options)});
        self.dhcp_options.create(cx, options);
        Ok(answer)
    }

    pub(super) fn describe_dhcp_options(&self, cx: &Cx<'_>, p: Parameters) -> Answer {
        let mut all = self.dhcp_options.clone();
        all.create_unseen(None, self.default_dhcp_options(cx));
        describe(&all, p)
    }

    /// `default` stands for no set at all (EC2 API Reference, AssociateDhcpOptions).
    pub(super) fn associate_dhcp_options(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("DhcpOptionsId")?;
        let vpc_id = p.text("VpcId")?;
        p.finish()?;
        if id != "default" && id != self.dhcp_options_id {
            find(&self.dhcp_options, &id)?;
        }
        find_mut(&mut self.vpcs, &vpc_id)?.dhcp_options_id = id;
        Ok(done())
    }

    pub(super) fn delete_dhcp_options(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("DhcpOptionsId")?;
        p.finish()?;
        if id == self.dhcp_options_id || self.vpcs.values().any(|vpc| vpc.dhcp_options_id == id) {
            let message = format!("The dhcpOptions '{id}' has dependencies and cannot be deleted.");
            return Err(Refusal::new("DependencyViolation", message));
        }
        find(&self.dhcp_options, &id)?;
        self.dhcp_options.remove(&id);
        Ok(done())
    }

    fn default_dhcp_options(&self, cx: &Cx<'_>) -> DhcpOptions {
        let domain = match cx.region {
            "us-east-1" => "ec2.internal".to_owned(),
            region => format!("{region}.compute.internal"),
        };
        let amazon = vec!["AmazonProvidedDNS".to_owned()];
        DhcpOptions {
            dhcp_options_id: self.dhcp_options_id.clone(),
            owner_id: ACCOUNT_ID.to_owned(),
            dhcp_configuration_set: vec![
                Configuration::new("domain-name", vec![domain]),
                Configuration::new("domain-name-servers", amazon),
            ],
            tag_set: Tags::default(),
        }
    }
}
