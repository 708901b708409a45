//! EC2's networking: our own typed state.
//!
//! winterbaume's EC2 lets a VPC go while it has subnets, ignores filters it does not know, drops tags and
//! client tokens, so almost every operation would have to be replaced; two half states that must agree
//! would be worse than one. Here each object is one record whose JSON is what EC2 puts on the wire
//! ([`records`]), so what is stored, what is answered and what filters look at cannot differ.
//!
//! Every operation checks everything first and changes the state last: a refused call changes nothing.

mod acl;
mod address;
mod describe;
mod endpoint;
mod flow_log;
mod inspect;
mod internet_gateway;
mod life_cycle;
mod nat_gateway;
mod network;
mod records;
mod route_table;
mod security_group;
mod subnet;
mod table;
mod tags;
mod tokens;
mod vpc;
mod zones;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::records::{
    Address, FlowLog, InternetGateway, NatGateway, NetworkAcl, RouteTable, SecurityGroup, SecurityGroupRule,
    Subnet, Vpc, VpcEndpoint,
};
use self::table::Table;
use super::Service;
use super::roles::Roles;
use crate::clock::{Clock, timestamp};
use crate::ids::IdSource;
use crate::latency::Latencies;
use crate::objects::Object;
use crate::request::Call;
use crate::response::{Refusal, Response};

type Answer = Result<Value, Refusal>;

/// The service.
pub(super) struct Ec2 {
    clock: Clock,
    seed: u64,
    latencies: Latencies,
    roles: Roles,
    regions: Mutex<BTreeMap<String, Region>>,
}

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
struct Region {
    ids: IdSource,
    /// The region's default DHCP options, which every VPC refers to.
    dhcp_options_id: String,
    vpcs: Table<Vpc>,
    subnets: Table<Subnet>,
    internet_gateways: Table<InternetGateway>,
    addresses: Table<Address>,
    nat_gateways: Table<NatGateway>,
    route_tables: Table<RouteTable>,
    security_groups: Table<SecurityGroup>,
    security_group_rules: Table<SecurityGroupRule>,
    flow_logs: Table<FlowLog>,
    vpc_endpoints: Table<VpcEndpoint>,
    network_acls: Table<NetworkAcl>,
    tokens: tokens::Tokens,
}

impl Region {
    fn new(seed: u64, name: &str) -> Self {
        let mut ids = IdSource::new(seed, name);
        Region {
            dhcp_options_id: ids.id("dopt"),
            ids,
            vpcs: Table::new(),
            subnets: Table::new(),
            internet_gateways: Table::new(),
            addresses: Table::new(),
            nat_gateways: Table::new(),
            route_tables: Table::new(),
            security_groups: Table::new(),
            security_group_rules: Table::new(),
            flow_logs: Table::new(),
            vpc_endpoints: Table::new(),
            network_acls: Table::new(),
            tokens: tokens::Tokens::default(),
        }
    }
}

/// What an operation knows besides the state.
struct Cx<'a> {
    region: &'a str,
    now_millis: i64,
    latencies: Latencies,
    roles: &'a Roles,
}

impl Cx<'_> {
    fn now(&self) -> String {
        timestamp(self.now_millis)
    }
}

/// The answer of operations that only say that they succeeded.
fn done() -> Value {
    json!({"return": true})
}

/// A record as it goes on the wire.
fn wire(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("records are plain data with text keys")
}

impl Ec2 {
    pub(super) fn new(clock: Clock, seed: u64, latencies: Latencies, roles: Roles) -> Self {
        Ec2 { clock, seed, latencies, roles, regions: Mutex::default() }
    }

    fn regions(&self) -> MutexGuard<'_, BTreeMap<String, Region>> {
        // Operations change the state after their last check, so a panic leaves it whole.
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, call: &Call) -> Answer {
        let mut p = call.read();
        if p.flag("DryRun")? == Some(true) {
            // EC2 API Reference, "Common parameters": the error that means yes.
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Refusal::new("DryRunOperation", message).with_status(412));
        }
        let cx = &Cx {
            region: &call.region,
            now_millis: self.clock.now_millis(),
            latencies: self.latencies,
            roles: &self.roles,
        };
        let mut regions = self.regions();
        let r = regions.entry(call.region.clone()).or_insert_with(|| Region::new(self.seed, &call.region));
        r.settle(cx.now_millis);
        match call.operation.as_str() {
            "DescribeAvailabilityZones" => zones::describe(cx, p),

            "CreateVpc" => r.create_vpc(cx, p),
            "DescribeVpcs" => r.describe_vpcs(p),
            "DescribeVpcAttribute" => r.describe_vpc_attribute(p),
            "ModifyVpcAttribute" => r.modify_vpc_attribute(p),
            "DeleteVpc" => r.delete_vpc(p),

            "CreateSubnet" => r.create_subnet(cx, p),
            "DescribeSubnets" => r.describe_subnets(p),
            "ModifySubnetAttribute" => r.modify_subnet_attribute(p),
            "DeleteSubnet" => r.delete_subnet(p),

            "CreateInternetGateway" => r.create_internet_gateway(cx, p),
            "DescribeInternetGateways" => r.describe_internet_gateways(p),
            "AttachInternetGateway" => r.attach_internet_gateway(p),
            "DetachInternetGateway" => r.detach_internet_gateway(p),
            "DeleteInternetGateway" => r.delete_internet_gateway(p),

            "AllocateAddress" => r.allocate_address(cx, p),
            "DescribeAddresses" => r.describe_addresses(p),
            "ReleaseAddress" => r.release_address(p),

            "CreateNatGateway" => r.once(cx, call, p, Region::create_nat_gateway),
            "DescribeNatGateways" => r.describe_nat_gateways(p),
            "DeleteNatGateway" => r.delete_nat_gateway(cx, p),

            "CreateRouteTable" => r.once(cx, call, p, Region::create_route_table),
            "DescribeRouteTables" => r.describe_route_tables(p),
            "DeleteRouteTable" => r.delete_route_table(p),
            "CreateRoute" => r.create_route(p),
            "ReplaceRoute" => r.replace_route(p),
            "DeleteRoute" => r.delete_route(p),
            "AssociateRouteTable" => r.associate_route_table(p),
            "ReplaceRouteTableAssociation" => r.replace_route_table_association(p),
            "DisassociateRouteTable" => r.disassociate_route_table(p),

            "CreateSecurityGroup" => r.create_security_group(cx, p),
            "DescribeSecurityGroups" => r.describe_security_groups(p),
            "DescribeSecurityGroupRules" => r.describe_security_group_rules(p),
            "DeleteSecurityGroup" => r.delete_security_group(p),
            "AuthorizeSecurityGroupIngress" => r.authorize(cx, p, false),
            "AuthorizeSecurityGroupEgress" => r.authorize(cx, p, true),
            "RevokeSecurityGroupIngress" => r.revoke(p, false),
            "RevokeSecurityGroupEgress" => r.revoke(p, true),

            "CreateFlowLogs" => r.once(cx, call, p, Region::create_flow_logs),
            "DescribeFlowLogs" => r.describe_flow_logs(p),
            "DeleteFlowLogs" => r.delete_flow_logs(p),

            "CreateVpcEndpoint" => r.once(cx, call, p, Region::create_vpc_endpoint),
            "DescribeVpcEndpoints" => r.describe_vpc_endpoints(p),
            "ModifyVpcEndpoint" => r.modify_vpc_endpoint(cx, p),
            "DeleteVpcEndpoints" => r.delete_vpc_endpoints(cx, p),

            "CreateNetworkAcl" => r.once(cx, call, p, Region::create_network_acl),
            "DescribeNetworkAcls" => r.describe_network_acls(p),
            "DeleteNetworkAcl" => r.delete_network_acl(p),
            "CreateNetworkAclEntry" => r.create_network_acl_entry(p),
            "ReplaceNetworkAclEntry" => r.replace_network_acl_entry(p),
            "DeleteNetworkAclEntry" => r.delete_network_acl_entry(p),
            "ReplaceNetworkAclAssociation" => r.replace_network_acl_association(p),

            "CreateTags" => r.create_tags(p),
            "DeleteTags" => r.delete_tags(p),

            _ => Err(super::unknown_operation(call)),
        }
    }
}

#[async_trait]
impl Service for Ec2 {
    fn name(&self) -> &'static str {
        "ec2"
    }

    async fn answer(&self, call: &Call) -> Response {
        match self.run(call) {
            Ok(value) => Response::success(call, &value),
            Err(refusal) => call.refuse(refusal),
        }
    }

    fn check(&self, state: &Value) -> Result<(), serde_json::Error> {
        Region::deserialize(state).map(drop)
    }

    fn homes(&self) -> Vec<String> {
        self.regions().keys().cloned().collect()
    }

    async fn save(&self, home: &str) -> Value {
        let mut regions = self.regions();
        let region = regions.entry(home.to_owned()).or_insert_with(|| Region::new(self.seed, home));
        region.settle(self.clock.now_millis());
        wire(region)
    }

    async fn load(&self, home: &str, state: Option<Value>) -> Result<(), serde_json::Error> {
        let region = match state {
            Some(state) => serde_json::from_value(state)?,
            None => Region::new(self.seed, home),
        };
        self.regions().insert(home.to_owned(), region);
        Ok(())
    }

    async fn objects(&self, home: &str) -> Vec<Object> {
        match self.regions().get_mut(home) {
            Some(region) => {
                region.settle(self.clock.now_millis());
                region.objects(home)
            }
            None => Vec::new(),
        }
    }
}
