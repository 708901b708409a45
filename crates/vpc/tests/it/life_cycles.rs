//! Each resource from its creation to its deletion, on the embedded AWS, driven as the engine does.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{InlinePolicy, LogGroup, RetentionDays, Role, SecurityGroup};
use aws::{SecurityGroupId, SubnetId, VpcId};
use engine::{ErrorClass, Resolved, Resource, Search};
use vpc::resources::*;

use crate::support::{Cloud, REGION, class, intent, tags};
use vpc::{AllocationId, RouteTableId};

pub(crate) fn vpc() -> Vpc {
    Vpc::new("10.0.0.0/16".parse().unwrap(), tags("payment-vpc-dev"))
}

pub(crate) fn internet_gateway() -> InternetGateway {
    InternetGateway { tags: tags("payment-igw-dev") }
}

pub(crate) fn subnet(vpc: &VpcId, cidr: &str) -> Subnet<Resolved> {
    Subnet {
        vpc_id: vpc.clone(),
        cidr_block: cidr.parse().unwrap(),
        availability_zone: format!("{REGION}a"),
        map_public_ip_on_launch: false,
        tags: tags("payment-subnet-dev"),
    }
}

pub(crate) fn route_table(vpc: &VpcId) -> RouteTable<Resolved> {
    RouteTable { vpc_id: vpc.clone(), routes: Vec::new(), tags: tags("payment-rt-dev") }
}

pub(crate) fn network_acl(vpc: &VpcId) -> NetworkAcl<Resolved> {
    NetworkAcl { vpc_id: vpc.clone(), entries: Vec::new(), tags: tags("payment-db-acl-dev") }
}

pub(crate) fn log_group() -> LogGroup<Resolved> {
    LogGroup {
        log_group_name: "/aws/vpc/payment-flow-logs-dev".into(),
        made_by_service: false,
        deletion_protection_enabled: false,
        retention_in_days: Some(RetentionDays::try_from(2557).unwrap()),
        kms_key_id: None,
        deletion_policy: aws::DeletionPolicy::Delete,
        tags: tags("payment-flow-logs-dev"),
    }
}

fn write_to(resource: &str) -> InlinePolicy {
    let policy = Statement::allow(["logs:PutLogEvents", "logs:CreateLogStream"]);
    InlinePolicy {
        policy_name: "write".to_owned(),
        policy_document: PolicyDocument::new([policy.resources([resource.to_owned().into()])]),
    }
}

pub(crate) fn role() -> Role<Resolved> {
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::Service("vpc-flow-logs.amazonaws.com".to_owned()))
        .when("StringEquals", "aws:SourceAccount", ["123456789012".into()]);
    Role {
        role_name: "payment-vpc-flow-logs-dev".into(),
        assume_role_policy_document: PolicyDocument::new([trust]),
        description: Some("Writes flow logs".to_owned()),
        max_session_duration: None,
        policies: vec![write_to("arn:aws:logs:*:*:log-group:a:*")],
        managed_policy_arns: Vec::new(),
        tags: tags("payment-vpc-flow-logs-dev"),
    }
}

impl Cloud {
    pub(crate) async fn vpc(&self) -> VpcId {
        self.make("vpc", &vpc()).await.vpc_id
    }

    pub(crate) async fn attach(&self, vpc: &VpcId) -> VpcGatewayAttachmentOutputs<Resolved> {
        let gateway = self.make("igw", &internet_gateway()).await.internet_gateway_id;
        let attachment = VpcGatewayAttachment { vpc_id: vpc.clone(), internet_gateway_id: Some(gateway) };
        self.make("igw-attachment", &attachment).await
    }

    pub(crate) async fn subnet(&self, name: &str, vpc: &VpcId, cidr: &str) -> SubnetId {
        self.make(name, &subnet(vpc, cidr)).await.subnet_id
    }

    pub(crate) async fn route_table(&self, name: &str, vpc: &VpcId) -> RouteTableId {
        self.make(name, &route_table(vpc)).await.route_table_id
    }

    async fn eip(&self, name: &str) -> AllocationId {
        self.make(name, &Eip { domain: "vpc".to_owned(), tags: tags(name) }).await.allocation_id
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpc_that_has_the_default_settings_is_created_by_one_mutating_call() {
    let cloud = Cloud::new();
    cloud.make("vpc", &Vpc { enable_dns_hostnames: false, ..vpc() }).await;
    assert_eq!(cloud.mutations(), ["CreateVpc"]);
}

#[tokio::test(start_paused = true)]
async fn subnets_can_exist_together_if_their_addresses_do_not_overlap() {
    let wanted = subnet(&"vpc-1".into(), "10.0.0.0/24");
    let apart = subnet(&"vpc-1".into(), "10.0.1.0/24");
    let within = subnet(&"vpc-1".into(), "10.0.0.128/25");
    assert_eq!(wanted.claim(), within.claim());
    assert!(wanted.coexists(&apart));
    assert!(!wanted.coexists(&within) && !within.coexists(&wanted));
}

#[tokio::test(start_paused = true)]
async fn what_a_nat_gateway_holds_can_only_go_after_it() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let attachment = cloud.attach(&vpc_id).await;
    let subnet_id = cloud.subnet("public-subnet-1", &vpc_id, "10.0.0.0/24").await;
    let eip = Eip { domain: "vpc".to_owned(), tags: tags("nat-eip-1") };
    let address = cloud.make("nat-eip-1", &eip).await;
    let allocation_id = address.allocation_id.clone();
    let nat = NatGateway { subnet_id: subnet_id.clone(), allocation_id, tags: tags("nat-1") };
    let gateway = cloud.make("nat-1", &nat).await;

    let public = subnet(&vpc_id, "10.0.0.0/24");
    let public_outputs = SubnetOutputs { subnet_id };
    let attached = VpcGatewayAttachment::<Resolved> {
        vpc_id,
        internet_gateway_id: Some(attachment.internet_gateway_id.clone()),
    };
    let held = ErrorClass::DependencyViolation;
    assert_eq!(class(eip.delete(&cloud.cx, &address).await), held);
    assert_eq!(class(public.delete(&cloud.cx, &public_outputs).await), held);
    assert_eq!(class(attached.delete(&cloud.cx, &attachment).await), held);

    cloud.unmake(&nat, &gateway).await;
    cloud.unmake(&eip, &address).await;
    cloud.unmake(&public, &public_outputs).await;
    cloud.unmake(&attached, &attachment).await;
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_without_a_way_out_fails_with_awss_reason() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let subnet_id = cloud.subnet("public-subnet-1", &vpc_id, "10.0.0.0/24").await;
    let allocation_id = cloud.eip("nat-eip-1").await;
    let wanted = NatGateway { subnet_id, allocation_id, tags: tags("payment-nat-1-dev") };
    let outputs = wanted.create(&cloud.cx, &intent("nat-1")).await.unwrap();
    let reason = cloud.ready::<NatGateway<Resolved>>(outputs.clone()).await.unwrap_err();
    assert!(reason.starts_with("Gateway.NotAttached: "), "{reason}");
    assert_eq!(wanted.read(&cloud.cx, &outputs).await, Ok(None));
    assert_eq!(wanted.find(&cloud.cx, &Search::made_by(&intent("nat-1"))).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn the_default_security_group_is_stripped_and_left_alone() {
    let cloud = Cloud::new();
    let wanted = DefaultSecurityGroup::<Resolved> {
        vpc_id: cloud.vpc().await,
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags("payment-default-sg-dev"),
    };
    assert_eq!(wanted.find(&cloud.cx, &Search::made_by(&intent("default-security-group"))).await, Ok(None));
    cloud.mutations();
    let outputs = cloud.make("default-security-group", &wanted).await;
    assert_eq!(cloud.mutations(), ["CreateTags", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"]);
    let found = wanted.find(&cloud.cx, &Search::made_by(&intent("default-security-group"))).await;
    assert_eq!(found, Ok(Some(outputs.clone())));
    cloud.mutations();
    cloud.unmake(&wanted, &outputs).await;
    assert_eq!(cloud.mutations(), [""; 0]);
}

async fn security_group(cloud: &Cloud, name: &str, vpc_id: &VpcId) -> SecurityGroupId {
    let group = SecurityGroup::<Resolved> {
        group_name: name.to_owned(),
        group_description: "Endpoints".to_owned(),
        vpc_id: vpc_id.clone(),
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags(name),
    };
    cloud.make(name, &group).await.group_id
}

/// An interface endpoint in two zones, and what it shall be then: with other subnets in the same zones, another group,
/// and without private DNS.
pub(crate) async fn endpoint(cloud: &Cloud) -> (VpcEndpoint<Resolved>, VpcEndpoint<Resolved>) {
    let vpc_id = cloud.vpc().await;
    let mut subnets = Vec::new();
    for (third, zone) in [(0, "a"), (1, "b"), (2, "a"), (3, "b")] {
        let wanted = Subnet {
            availability_zone: format!("{REGION}{zone}"),
            ..subnet(&vpc_id, &format!("10.0.{third}.0/24"))
        };
        subnets.push(cloud.make(&format!("private-subnet-{third}"), &wanted).await.subnet_id);
    }
    let policy = |action: &str| {
        let statement = Statement::allow([action]).principal(Principal::Anyone).resources(["*".into()]);
        PolicyDocument::new([statement])
    };
    let wanted = VpcEndpoint::<Resolved> {
        service_name: format!("com.amazonaws.{REGION}.kms"),
        vpc_endpoint_type: "Interface".to_owned(),
        route_table_ids: Vec::new(),
        // Not in the order of AWS's answers.
        subnet_ids: vec![subnets[1].clone(), subnets[0].clone()],
        security_group_ids: vec![security_group(cloud, "endpoint-sg", &vpc_id).await],
        private_dns_enabled: Some(true),
        policy_document: policy("kms:Decrypt"),
        tags: tags("payment-kms-endpoint-dev"),
        vpc_id: vpc_id.clone(),
    };
    let then = VpcEndpoint {
        subnet_ids: vec![subnets[2].clone(), subnets[3].clone()],
        security_group_ids: vec![security_group(cloud, "endpoint-sg-2", &vpc_id).await],
        private_dns_enabled: Some(false),
        policy_document: policy("kms:Encrypt"),
        tags: tags("renamed"),
        ..wanted.clone()
    };
    (wanted, then)
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_endpoint_that_runs_again_sends_what_is_left() {
    let cloud = Cloud::new();
    let (wanted, then) = endpoint(&cloud).await;
    let outputs = cloud.make("kms-endpoint", &wanted).await;
    let before = wanted.read(&cloud.cx, &outputs).await.unwrap().unwrap();
    let changed = engine::Changed { before, properties: vec!["SubnetIds".to_owned()] };
    cloud.mutations();
    then.update(&cloud.cx, &outputs, &changed).await.unwrap();
    // A subnet comes after the one in the same zone has left.
    assert_eq!(cloud.mutations()[..2], ["ModifyVpcEndpoint", "ModifyVpcEndpoint"]);
    then.update(&cloud.cx, &outputs, &changed).await.unwrap();
    assert!(!cloud.mutations().contains(&"ModifyVpcEndpoint".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_an_endpoint_holds_can_only_go_after_it() {
    let cloud = Cloud::new();
    let (wanted, _) = endpoint(&cloud).await;
    let outputs = cloud.make("kms-endpoint", &wanted).await;
    let private = subnet(&wanted.vpc_id, "10.0.0.0/24");
    let private_outputs = SubnetOutputs { subnet_id: wanted.subnet_ids[1].clone() };
    let deleted = private.delete(&cloud.cx, &private_outputs).await;
    assert_eq!(class(deleted), ErrorClass::DependencyViolation);
    cloud.unmake(&wanted, &outputs).await;
    cloud.unmake(&private, &private_outputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_with_a_longer_name_is_another_one() {
    let cloud = Cloud::new();
    let longer = LogGroup { log_group_name: "/aws/vpc/payment-flow-logs-dev-2".into(), ..log_group() };
    cloud.make("other-group", &longer).await;
    assert_eq!(log_group().find(&cloud.cx, &Search::made_by(&intent("flow-log-group"))).await, Ok(None));
}
