//! The tier itself: which resources there are, and what each takes from which.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{InlinePolicy, LogGroup, RetentionDays, Role};
use aws::{DeletionPolicy, LogGroupName, Names, NatGatewayId, Place, SecurityGroupId, SubnetId, Tags, VpcId};
use engine::{Component, DeclareError, Declared, Declares, Input, OutputsOf, Scope, Stage};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::layout::{Layout, Zone};
use crate::resources::{
    DefaultSecurityGroup, Eip, FlowLog, InternetGateway, NatGateway, NetworkAcl, NetworkAclEntry, PortRange,
    Route, RouteTable, RuleAction, Subnet, SubnetNetworkAclAssociation, SubnetRouteTableAssociation, Vpc,
    VpcGatewayAttachment,
};
use crate::{AllocationId, InternetGatewayId, RouteTableId, VpcEndpointId};
use crate::{Args, Inputs, NatMode};

/// All addresses: the destination of a default route.
const ANYWHERE: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0);
const TCP: i32 = 6;
const POSTGRESQL: PortRange = PortRange { from: 5432, to: 5432 };
/// Ports from which clients call, and to which answers go. NAT gateways and load balancers use all of these.
const EPHEMERAL: PortRange = PortRange { from: 1024, to: 65535 };
/// The number of a network ACL's first entry, and the gap to the next.
const ENTRY_STEP: i32 = 10;
const FIRST_ENTRY: i32 = 100;
/// The same for what passes between the database subnets.
const FIRST_INNER_ENTRY: i32 = 200;

engine::tier! {
    /// The network tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The VPC.
    pub vpc_id: S::Of<VpcId>,
    /// The VPC's addresses.
    pub vpc_cidr: S::Of<Ipv4Net>,
    /// The zones, in the order of all lists here: that of their numbers.
    pub availability_zones: Vec<S::Of<String>>,
    /// Public subnets, one a zone: for load balancers.
    pub public_subnet_ids: Vec<S::Of<SubnetId>>,
    /// Private subnets, one a zone: for tasks.
    pub private_subnet_ids: Vec<S::Of<SubnetId>>,
    /// Database subnets, one a zone.
    pub database_subnet_ids: Vec<S::Of<SubnetId>>,
    /// The private subnets' addresses.
    pub private_subnet_cidrs: Vec<S::Of<Ipv4Net>>,
    /// The database subnets' addresses.
    pub database_subnet_cidrs: Vec<S::Of<Ipv4Net>>,
    /// The private subnets' route tables: for further gateway endpoints.
    pub private_route_table_ids: Vec<S::Of<RouteTableId>>,
    /// What leads out of the private subnets: their routes, and that their tables are theirs. A reference waits until it does. It is
    /// for what starts there, and not recorded.
    #[serde(skip)]
    pub private_ways: Vec<S::Of<String>>,
    /// The NAT gateways: for alarms. Empty without NAT.
    pub nat_gateway_ids: Vec<S::Of<NatGatewayId>>,
    /// The addresses from which private subnets call out: for partners' allow lists. Empty without NAT.
    pub nat_public_ips: Vec<S::Of<String>>,
    /// The VPC's default security group, which allows nothing.
    pub default_security_group_id: S::Of<SecurityGroupId>,
    /// The S3 endpoint, if there is one.
    pub s3_endpoint_id: Option<S::Of<VpcEndpointId>>,
    /// The interface endpoints, if there are any. A reference waits until the service can be reached through it.
    pub interface_endpoint_ids: Vec<S::Of<VpcEndpointId>>,
    /// The group of the interface endpoints, which lets HTTPS in from the private subnets, if there are any. A client
    /// elsewhere needs a rule in it.
    pub endpoint_security_group_id: Option<S::Of<SecurityGroupId>>,
    /// Where the flow log goes, if there is one.
    pub flow_log_group_name: Option<S::Of<LogGroupName>>,
}

impl Component for Tier {
    const NAME: &'static str = "vpc";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        let retention = args.retention()?;
        let endpoint_services = args.endpoint_services()?;
        let layout = Layout::new(args, inputs)?;
        Declaring { scope, args, inputs, names, retention, endpoint_services, zones: &layout.zones }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
pub(crate) struct Declaring<'a> {
    pub(crate) scope: &'a mut Scope,
    args: &'a Args,
    pub(crate) inputs: &'a Inputs,
    names: Names,
    retention: RetentionDays,
    /// The services that get an interface endpoint.
    pub(crate) endpoint_services: &'a [String],
    pub(crate) zones: &'a [Zone],
}

/// A VPC's way to the internet. What takes one of these waits until it is open.
struct Internet {
    vpc_id: Input<VpcId>,
    gateway_id: Input<InternetGatewayId>,
}

/// The NAT gateways, and their addresses.
#[derive(Default)]
struct Nat {
    gateway_ids: Vec<Input<NatGatewayId>>,
    public_ips: Vec<Input<String>>,
}

/// How private subnets reach something.
#[derive(Default)]
struct PrivateRoutes {
    tables: Vec<Input<RouteTableId>>,
    /// Outputs of routes and associations, for whoever waits until there is a way.
    ways: Vec<Input<String>>,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let vpc = self.scope.add("vpc", Vpc::new(self.args.cidr, self.named("vpc")))?;
        let default_security_group = self.scope.add(
            "default-security-group",
            DefaultSecurityGroup {
                vpc_id: vpc.vpc_id.clone(),
                security_group_ingress: Vec::new(),
                security_group_egress: Vec::new(),
                tags: self.named("default-sg"),
            },
        )?;
        let internet = self.internet(&vpc.vpc_id)?;
        let public_subnet_ids = self.subnets("public", "Public", &internet.vpc_id, |zone| zone.public)?;
        let private_subnet_ids = self.subnets("private", "Private", &vpc.vpc_id, |zone| zone.private)?;
        let database_subnet_ids = self.subnets("database", "Database", &vpc.vpc_id, |zone| zone.database)?;
        let nat = self.nat(&public_subnet_ids)?;

        self.public_routes(&vpc.vpc_id, &internet, &public_subnet_ids)?;
        let PrivateRoutes { tables: private_route_table_ids, ways: private_ways } =
            self.private_routes(&vpc.vpc_id, &nat, &private_subnet_ids)?;
        self.database_routes(&vpc.vpc_id, &database_subnet_ids)?;

        if self.args.database_acl {
            self.database_acl(&vpc.vpc_id, &database_subnet_ids)?;
        }
        let s3_endpoint_id = match self.args.s3_endpoint {
            true => Some(self.s3_endpoint(&vpc.vpc_id, &private_route_table_ids)?),
            false => None,
        };
        let endpoints = self.interface_endpoints(&vpc.vpc_id, &private_subnet_ids)?;
        let flow_log_group_name = match self.args.flow_logs.enabled {
            true => Some(self.flow_log(&vpc.vpc_id)?),
            false => None,
        };
        Ok(Outputs {
            vpc_id: vpc.vpc_id,
            vpc_cidr: self.args.cidr.into(),
            availability_zones: self.zones.iter().map(|zone| zone.name.clone().into()).collect(),
            public_subnet_ids,
            private_subnet_ids,
            database_subnet_ids,
            private_subnet_cidrs: self.zones.iter().map(|zone| zone.private.into()).collect(),
            database_subnet_cidrs: self.zones.iter().map(|zone| zone.database.into()).collect(),
            private_route_table_ids,
            private_ways,
            nat_gateway_ids: nat.gateway_ids,
            nat_public_ips: nat.public_ips,
            default_security_group_id: default_security_group.group_id,
            s3_endpoint_id,
            interface_endpoint_ids: endpoints.ids,
            endpoint_security_group_id: endpoints.security_group_id,
            flow_log_group_name,
        })
    }

    pub(crate) fn name(&self, what: &str) -> String {
        self.names.name(what)
    }

    pub(crate) fn named(&self, what: &str) -> Tags {
        self.names.tags(what)
    }

    fn internet(&mut self, vpc: &Input<VpcId>) -> Result<Internet, DeclareError> {
        let gateway = self.scope.add("igw", InternetGateway { tags: self.named("igw") })?;
        let attachment = self.scope.add(
            "igw-attachment",
            VpcGatewayAttachment {
                vpc_id: vpc.clone(),
                internet_gateway_id: Some(gateway.internet_gateway_id),
            },
        )?;
        Ok(Internet { vpc_id: attachment.vpc_id, gateway_id: attachment.internet_gateway_id })
    }

    /// One subnet a zone. Public ones get the VPC from the internet gateway's attachment, so that what needs the
    /// internet (NAT gateways, load balancers) comes after it and goes before it.
    fn subnets(
        &mut self,
        group: &str,
        tier: &str,
        vpc: &Input<VpcId>,
        cidr: impl Fn(&Zone) -> Ipv4Net,
    ) -> Result<Vec<Input<SubnetId>>, DeclareError> {
        let mut ids = Vec::new();
        for zone in self.zones {
            let what = format!("{group}-subnet");
            let subnet = Subnet {
                vpc_id: vpc.clone(),
                cidr_block: cidr(zone),
                availability_zone: zone.name.clone(),
                map_public_ip_on_launch: tier == "Public" && self.args.map_public_ip_on_launch,
                tags: self.named_in(zone, &what).with("Tier", tier),
            };
            ids.push(self.add_in(zone, &what, subnet)?.subnet_id);
        }
        Ok(ids)
    }

    /// Adds what a zone has for itself. Earlier versions called it by the zone's number.
    pub(crate) fn add_in<D: Declares>(
        &mut self,
        zone: &Zone,
        what: &str,
        declared: D,
    ) -> Result<OutputsOf<D>, DeclareError> {
        let name = format!("{what}-{}", zone.suffix);
        let outputs = self.scope.add(&name, declared)?;
        self.scope.formerly(&name, &format!("{what}-{}", zone.number))?;
        Ok(outputs)
    }

    /// The tags of what a zone has for itself.
    fn named_in(&self, zone: &Zone, what: &str) -> Tags {
        self.named(&format!("{what}-{}", zone.number))
    }

    fn nat(&mut self, public_subnets: &[Input<SubnetId>]) -> Result<Nat, DeclareError> {
        // The only one stays where it is: its address may be in partners' allow lists.
        let single = self.zones.iter().position(|zone| zone.has_nat).unwrap_or(0);
        let mode = self.args.nat;
        let has_nat = |position: usize| match mode {
            NatMode::OnePerZone => true,
            NatMode::Single => position == single,
            NatMode::None => false,
        };
        let zones = self.zones.iter().zip(public_subnets).enumerate();
        let mut nat = Nat::default();
        for (_, (zone, subnet)) in zones.filter(|(position, _)| has_nat(*position)) {
            let eip = Eip { domain: "vpc".to_owned(), tags: self.named_in(zone, "nat-eip") };
            let eip = self.add_in(zone, "nat-eip", eip)?;
            let allocation_id: Input<AllocationId> = eip.allocation_id;
            let tags = self.named_in(zone, "nat");
            let gateway = NatGateway { subnet_id: subnet.clone(), allocation_id, tags };
            let gateway = self.add_in(zone, "nat", gateway)?;
            nat.gateway_ids.push(gateway.nat_gateway_id);
            nat.public_ips.push(eip.public_ip);
        }
        Ok(nat)
    }

    fn route_table_in(
        &mut self,
        zone: &Zone,
        what: &str,
        vpc: &Input<VpcId>,
    ) -> Result<Input<RouteTableId>, DeclareError> {
        let table = RouteTable::new(vpc.clone(), self.named_in(zone, what));
        Ok(self.add_in(zone, what, table)?.route_table_id)
    }

    fn associate(
        &mut self,
        zone: &Zone,
        what: &str,
        subnet: &Input<SubnetId>,
        table: &Input<RouteTableId>,
    ) -> Result<Input<SubnetId>, DeclareError> {
        let association =
            SubnetRouteTableAssociation { subnet_id: subnet.clone(), route_table_id: table.clone() };
        Ok(self.add_in(zone, what, association)?.subnet_id)
    }

    fn public_routes(
        &mut self,
        vpc: &Input<VpcId>,
        internet: &Internet,
        subnets: &[Input<SubnetId>],
    ) -> Result<(), DeclareError> {
        let table = RouteTable::new(vpc.clone(), self.named("public-rt"));
        let table = self.scope.add("public-rt", table)?.route_table_id;
        let route = Route {
            route_table_id: table.clone(),
            destination_cidr_block: ANYWHERE,
            gateway_id: Some(internet.gateway_id.clone()),
            nat_gateway_id: None,
        };
        self.scope.add("public-route", route)?;
        for (zone, subnet) in self.zones.iter().zip(subnets) {
            self.associate(zone, "public-rta", subnet, &table)?;
        }
        Ok(())
    }

    fn private_routes(
        &mut self,
        vpc: &Input<VpcId>,
        nat: &Nat,
        subnets: &[Input<SubnetId>],
    ) -> Result<PrivateRoutes, DeclareError> {
        let mut routes = PrivateRoutes::default();
        for (index, (zone, subnet)) in self.zones.iter().zip(subnets).enumerate() {
            let table = self.route_table_in(zone, "private-rt", vpc)?;
            // The gateway of the zone, or the only one.
            if let Some(gateway) = nat.gateway_ids.get(index).or(nat.gateway_ids.first()) {
                let route = Route {
                    route_table_id: table.clone(),
                    destination_cidr_block: ANYWHERE,
                    gateway_id: None,
                    nat_gateway_id: Some(gateway.clone()),
                };
                routes.ways.push(self.add_in(zone, "private-route", route)?.route_table_id.text());
            }
            routes.ways.push(self.associate(zone, "private-rta", subnet, &table)?.text());
            routes.tables.push(table);
        }
        Ok(routes)
    }

    /// Tables without a route: databases reach the VPC and nothing else.
    fn database_routes(
        &mut self,
        vpc: &Input<VpcId>,
        subnets: &[Input<SubnetId>],
    ) -> Result<(), DeclareError> {
        for (zone, subnet) in self.zones.iter().zip(subnets) {
            let table = self.route_table_in(zone, "db-rt", vpc)?;
            self.associate(zone, "db-rta", subnet, &table)?;
        }
        Ok(())
    }

    /// PostgreSQL in from the private subnets and answers back to them; and between the database subnets everything that a
    /// client and a server need, since AWS does not say that nothing of a cluster goes that way; nothing else (PCI DSS
    /// 1.3, 1.4). What opens connections itself (`aws_s3`, `aws_lambda`, foreign data) needs more.
    fn database_acl(&mut self, vpc: &Input<VpcId>, subnets: &[Input<SubnetId>]) -> Result<(), DeclareError> {
        let acl = self.scope.add("db-acl", NetworkAcl::new(vpc.clone(), self.named("db-acl")))?;
        let entry = |rule_number, egress, cidr_block, ports| NetworkAclEntry {
            network_acl_id: acl.id.clone(),
            rule_number,
            egress,
            protocol: TCP,
            rule_action: RuleAction::Allow,
            cidr_block,
            port_range: Some(ports),
        };
        let rule = |first: i32, zone: &Zone| {
            // There are ten numbers at the most.
            first + ENTRY_STEP * i32::try_from(zone.number - 1).unwrap_or_default()
        };
        for zone in self.zones {
            let number = rule(FIRST_ENTRY, zone);
            self.add_in(zone, "db-acl-in", entry(number, false, zone.private, POSTGRESQL))?;
            self.add_in(zone, "db-acl-out", entry(number, true, zone.private, EPHEMERAL))?;
        }
        // PostgreSQL's port is one of them.
        for zone in self.zones {
            for (direction, egress) in [("in", false), ("out", true)] {
                let entry = entry(rule(FIRST_INNER_ENTRY, zone), egress, zone.database, EPHEMERAL);
                self.add_in(zone, &format!("db-acl-inner-{direction}"), entry)?;
            }
        }
        for (zone, subnet) in self.zones.iter().zip(subnets) {
            let association =
                SubnetNetworkAclAssociation { subnet_id: subnet.clone(), network_acl_id: acl.id.clone() };
            self.add_in(zone, "db-acl-association", association)?;
        }
        Ok(())
    }

    /// The log group first, then a role that may write to it and to nothing else, then the flow log.
    fn flow_log(&mut self, vpc: &Input<VpcId>) -> Result<Input<LogGroupName>, DeclareError> {
        let Place { region, account_id, partition } = &self.inputs.place;
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/aws/vpc/{}", self.name("flow-logs"))).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.retention),
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.named("flow-logs"),
        };
        let group = self.scope.add("flow-log-group", group)?;

        let source = format!("arn:{partition}:ec2:{region}:{account_id}:vpc-flow-log/*");
        let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
            .principal(Principal::Service("vpc-flow-logs.amazonaws.com".to_owned()))
            // Without these, anybody's flow log could be made to write with this role (VPC User Guide, "IAM role for
            // publishing flow logs to CloudWatch Logs", which has both).
            .when("StringEquals", "aws:SourceAccount", [account_id.clone().into()])
            .when("ArnLike", "aws:SourceArn", [source.into()])]);
        // Not logs:CreateLogGroup, which AWS's example has: the group would come back without retention if the
        // service wrote once more after its deletion.
        let write = PolicyDocument::new([
            Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"])
                .resources([group.arn.text()]),
            // A list is of no single group.
            Statement::allow(["logs:DescribeLogGroups"]).resources(["*".into()]),
        ]);
        let role = Role {
            // Roles are the same in all regions, so the region is part of the name.
            role_name: self.name(&format!("vpc-flow-logs-{region}")).into(),
            assume_role_policy_document: trust,
            description: Some("Lets VPC flow logs write to their log group".to_owned()),
            max_session_duration: None,
            policies: vec![InlinePolicy {
                policy_name: "write-flow-logs".to_owned(),
                policy_document: write,
            }],
            managed_policy_arns: Vec::new(),
            tags: self.named("vpc-flow-logs"),
        };
        let role = self.scope.add("flow-log-role", role)?;

        let flow_log = FlowLog {
            resource_type: "VPC".to_owned(),
            resource_id: vpc.clone(),
            traffic_type: "ALL".to_owned(),
            log_destination_type: "cloud-watch-logs".to_owned(),
            log_group_name: group.log_group_name.clone(),
            deliver_logs_permission_arn: role.arn,
            max_aggregation_interval: 60,
            deliver_logs_error_message: None,
            tags: self.named("vpc-flow-log"),
        };
        self.scope.add("flow-log", flow_log)?;
        Ok(group.log_group_name)
    }
}
