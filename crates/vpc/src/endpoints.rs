//! Ways from the VPC to services of AWS that do not lead through the internet.

use std::collections::BTreeSet;

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Peer, SecurityGroup, SecurityGroupIngress};
use aws::{Called, Context, Place, SecurityGroupId, SubnetId, VpcId};
use engine::{CallError, DeclareError, Declared, Input};

use crate::declare::Declaring;
use crate::resources::{VpcEndpoint, s3_policy};
use crate::{RouteTableId, VpcEndpointId};

const HTTPS: u16 = 443;

/// Services whose endpoints in China are called `cn.com.amazonaws…`, of those that a payment stack may call; all others are
/// `com.amazonaws…` there too (DescribeVpcEndpointServices in cn-north-1 and cn-northwest-1).
const CALLED_OTHERWISE_IN_CHINA: [&str; 17] = [
    "application-autoscaling",
    "athena",
    "autoscaling",
    "backup",
    "cloudformation",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "execute-api",
    "lambda",
    "monitoring",
    "rds",
    "securityhub",
    "sqs",
    "states",
    "sts",
    "xray",
];

/// The interface endpoints, if there are any.
#[derive(Default)]
pub(crate) struct Endpoints {
    pub(crate) ids: Vec<Input<VpcEndpointId>>,
    pub(crate) security_group_id: Option<Input<SecurityGroupId>>,
}

/// The name of a service's endpoint.
fn service_name(place: &Place, service: &str) -> String {
    let differs = place.partition == "aws-cn" && CALLED_OTHERWISE_IN_CHINA.contains(&service);
    let prefix = if differs { "cn.com.amazonaws" } else { "com.amazonaws" };
    format!("{prefix}.{}.{service}", place.region)
}

/// Looks up which services have VPC endpoints in the region, under the names that
/// [`services`](crate::InterfaceEndpoints::services) takes.
///
/// # Errors
/// As the call fails.
pub async fn services_with_endpoints(cx: &Context) -> Result<BTreeSet<String>, CallError> {
    let mut names = BTreeSet::new();
    let mut token = None;
    loop {
        let request = cx.ec2().describe_vpc_endpoint_services().set_next_token(token);
        let answer = request.send().await.called("DescribeVpcEndpointServices")?;
        let infix = format!(".{}.", cx.region());
        let ours = |name: &String| Some(name.split_once(&infix)?.1.to_owned());
        names.extend(answer.service_names().iter().filter_map(ours));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// Our account's principals may do what their own policies allow. Everything that tasks send goes out in the name of one:
/// Fargate pulls images, writes logs and reads secrets in the execution role. Stolen credentials of another account
/// cannot carry data out this way (Security Hub EC2.55 and EC2.56 want the endpoints, PCI DSS 1.3 the limit).
fn account_policy(account_id: &str) -> PolicyDocument {
    PolicyDocument::new([Statement::allow(["*"])
        .sid("OurAccount")
        .principal(Principal::Anyone)
        .resources(["*".into()])
        .when("StringEquals", "aws:PrincipalAccount", [account_id.into()])])
}

impl Declaring<'_> {
    pub(crate) fn s3_endpoint(
        &mut self,
        vpc: &Input<VpcId>,
        tables: &[Input<RouteTableId>],
    ) -> Result<Input<VpcEndpointId>, DeclareError> {
        let Place { region, account_id, partition } = &self.inputs.place;
        let endpoint = VpcEndpoint {
            vpc_id: vpc.clone(),
            service_name: service_name(&self.inputs.place, "s3"),
            vpc_endpoint_type: "Gateway".to_owned(),
            route_table_ids: tables.to_vec(),
            subnet_ids: Vec::new(),
            security_group_ids: Vec::new(),
            private_dns_enabled: None,
            policy_document: s3_policy(partition, region, account_id),
            tags: self.named("s3-endpoint"),
        };
        Ok(self.scope.add("s3-endpoint", endpoint)?.id)
    }

    /// An endpoint for each service, in every private subnet.
    pub(crate) fn interface_endpoints(
        &mut self,
        vpc: &Input<VpcId>,
        subnets: &[Input<SubnetId>],
    ) -> Result<Endpoints, DeclareError> {
        if self.endpoint_services.is_empty() {
            return Ok(Endpoints::default());
        }
        let group = self.endpoint_security_group(vpc)?;
        let mut ids = Vec::new();
        for service in self.endpoint_services {
            let name = format!("{}-endpoint", service.replace('.', "-"));
            let endpoint = VpcEndpoint::<Declared> {
                vpc_id: vpc.clone(),
                service_name: service_name(&self.inputs.place, service),
                vpc_endpoint_type: "Interface".to_owned(),
                route_table_ids: Vec::new(),
                subnet_ids: subnets.to_vec(),
                security_group_ids: vec![group.clone()],
                private_dns_enabled: Some(true),
                policy_document: account_policy(&self.inputs.place.account_id),
                tags: self.named(&name),
            };
            ids.push(self.scope.add(&name, endpoint)?.id);
        }
        Ok(Endpoints { ids, security_group_id: Some(group) })
    }

    /// Lets HTTPS in from the private subnets, and nothing out: an endpoint only answers.
    fn endpoint_security_group(
        &mut self,
        vpc: &Input<VpcId>,
    ) -> Result<Input<SecurityGroupId>, DeclareError> {
        let group = SecurityGroup::closed(
            self.name("endpoint-sg"),
            "Endpoints of AWS services: HTTPS from the private subnets",
            vpc.clone(),
            self.named("endpoint-sg"),
        );
        let group = self.scope.add("endpoint-security-group", group)?.group_id;
        for zone in self.zones {
            let subnet = Peer::Addresses(zone.private.to_string().into());
            let rule = SecurityGroupIngress::tcp(group.clone(), HTTPS, subnet, "HTTPS from a private subnet");
            self.add_in(zone, "endpoints-from-private-subnet", rule)?;
        }
        Ok(group)
    }
}
