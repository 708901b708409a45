//! The VPC: the network that everything else of the stack is in.
//!
//! The surprise: `CreateVpc` takes neither a client token nor the DNS settings. A VPC whose create was not
//! answered is found again by its intent tag, and the DNS settings are set afterwards, one call each, in an
//! order: AWS refuses host names while resolution is off.
//!
//! Around it are things that AWS makes or keeps for it, and that somebody can change. They are never declared:
//!
//! - Its [default network ACL](mod@super::default_network_acl) is at the border of public and private subnets, and is repaired.
//! - Name servers in its DHCP options decide where names lead. Organisations have their own, so that taking them away would be a
//!   fight, and could cut the application off; they are said and left.
//! - VPC Block Public Access belongs to the account, or to the organisation, and is said and left.
//! - Its main route table is used by no subnet of ours: each is associated with a table of its own, and an association that somebody
//!   takes away is missed. Routes in it are not read. Nor are further address blocks, network address usage metrics and
//!   encryption controls: nothing of ours changes with them.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, retag, sighted};
use aws::{CallResult, Called, Context, Tags, VpcId, converge, required};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, BlockPublicAccessMode, ResourceType, Vpc as Live, VpcAttributeName, VpcState,
};
use engine::{
    CallError, Changed, CreateOnly, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Readiness, Reads,
    Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::network_acl::AddedEntry;
use super::{cidr, default_network_acl, visible};
use crate::describe::describe;

/// The properties of a VPC. None can refer to another resource, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Vpc {
    /// Its addresses: a block of /16 to /28.
    pub cidr_block: Ipv4Net,
    /// Whether Amazon's DNS server answers in the VPC.
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get host names. Endpoints with private DNS need it too.
    pub enable_dns_hostnames: bool,
    /// The entries of its default network ACL, if they are not those that AWS makes. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_network_acl_entries: Option<Vec<AddedEntry>>,
    /// The name servers in its DHCP options, if they are not Amazon's alone. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain_name_servers: Vec<String>,
    /// What VPC Block Public Access stops, if it does. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_public_access: Option<String>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcOutputs<S: Stage> {
    /// The VPC.
    pub vpc_id: S::Of<VpcId>,
}

impl Vpc {
    /// One with Amazon's DNS server and host names.
    #[must_use]
    pub fn new(cidr_block: Ipv4Net, tags: Tags) -> Self {
        Self {
            cidr_block,
            enable_dns_support: true,
            enable_dns_hostnames: true,
            default_network_acl_entries: None,
            domain_name_servers: Vec::new(),
            block_public_access: None,
            tags,
        }
    }
}

/// The properties that are never declared, as they are called.
const ENTRIES: &str = "DefaultNetworkAclEntries";
const NAME_SERVERS: &str = "DomainNameServers";
const BLOCKED: &str = "BlockPublicAccess";

/// What stands for Amazon's DNS server in DHCP options (EC2 API Reference, CreateDhcpOptions).
const AMAZON: &str = "AmazonProvidedDNS";

/// The name servers in the VPC's DHCP options; none where that is Amazon's alone.
async fn name_servers(cx: &Context, live: &Live) -> Result<Vec<String>, CallError> {
    // `default` stands for no options at all.
    let Some(id) = live.dhcp_options_id().filter(|id| *id != "default") else { return Ok(Vec::new()) };
    let request = cx.ec2().describe_dhcp_options().dhcp_options_ids(id);
    let found = request.send().await.called("DescribeDhcpOptions").if_exists()?;
    let options = found.and_then(|found| found.dhcp_options).unwrap_or_default();
    let configurations = options.iter().flat_map(|options| options.dhcp_configurations());
    let servers = configurations.filter(|one| one.key() == Some("domain-name-servers"));
    let values = servers.flat_map(|one| one.values()).filter_map(|value| value.value());
    let servers: Vec<String> = values.map(str::to_owned).collect();
    Ok(if servers == [AMAZON] { Vec::new() } else { servers })
}

/// What VPC Block Public Access stops in the VPC, with exclusions taken into account.
fn blocked(live: &Live) -> Option<String> {
    let mode = live.block_public_access_states()?.internet_gateway_block_mode()?;
    (*mode != BlockPublicAccessMode::Off).then(|| mode.as_str().to_owned())
}

impl Declares for Vpc {
    type Resolved = Self;
}

async fn attribute(cx: &Context, id: &VpcId, name: VpcAttributeName) -> Result<Option<bool>, CallError> {
    let request = cx.ec2().describe_vpc_attribute().vpc_id(id.as_str()).attribute(name);
    let answer = request.send().await.called("DescribeVpcAttribute").if_exists()?;
    let value = |answer: aws_sdk_ec2::operation::describe_vpc_attribute::DescribeVpcAttributeOutput| {
        answer.enable_dns_support.or(answer.enable_dns_hostnames)
    };
    Ok(answer.and_then(value).map(|value| value.value.unwrap_or_default()))
}

fn to(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

async fn set_dns_support(cx: &Context, id: &VpcId, value: bool) -> Result<(), CallError> {
    let request = cx.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_support(to(value));
    request.send().await.called("ModifyVpcAttribute").map(|_| ())
}

async fn set_dns_hostnames(cx: &Context, id: &VpcId, value: bool) -> Result<(), CallError> {
    let request = cx.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_hostnames(to(value));
    request.send().await.called("ModifyVpcAttribute").map(|_| ())
}

#[async_trait]
impl Resource for Vpc {
    const KIND: &'static str = "AWS::EC2::VPC";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["CidrBlock"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &[ENTRIES, NAME_SERVERS, BLOCKED], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId { parts: &["VpcId"], words: "the id of the VPC", example: "vpc-0a1b2c3d4e5f60718" },
        reads: Reads { least: 5, most: 5, together: Some("DescribeVpcs") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    const CLOSED: &'static [&'static str] = &[ENTRIES, NAME_SERVERS, BLOCKED];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = VpcOutputs<S>;

    fn accepts(property: &str, live: &Value, _: &Value) -> Option<String> {
        match property {
            NAME_SERVERS => {
                let servers = live.as_array().into_iter().flatten().filter_map(Value::as_str);
                let servers = servers.collect::<Vec<_>>().join(", ");
                Some(format!(
                    "asks the name servers {servers} of its DHCP options, not Amazon's alone: they decide where the names of the \
                     database and of AWS's services lead. They are left as they are, since an organisation may need its own; \
                     `aws ec2 associate-dhcp-options` gives the VPC others"
                ))
            }
            BLOCKED => {
                let stopped = match live.as_str() {
                    Some("block-ingress") => "what comes in from the internet, to the load balancer too",
                    _ => "all traffic to and from the internet, through NAT gateways too",
                };
                Some(format!(
                    "is under VPC Block Public Access, which stops {stopped}. It is left as it is: the account or the organisation \
                     set it for the whole region (`aws ec2 describe-vpc-block-public-access-options`)"
                ))
            }
            _ => None,
        }
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<VpcOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_vpcs().set_filters(Some(found_by(cx, search)));
        let found = request.send().await.called("DescribeVpcs")?.vpcs.unwrap_or_default();
        Ok(found.into_iter().find_map(|vpc| vpc.vpc_id).map(|id| VpcOutputs { vpc_id: id.into() }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<VpcOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_vpcs().set_filters(Some(ours(cx)));
        let answer = request.send().await.called("DescribeVpcs")?;
        let found = answer.vpcs.unwrap_or_default().into_iter();
        let sighted = found.filter_map(|live| {
            let outputs = live.vpc_id.map(|id| VpcOutputs { vpc_id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), None)
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<VpcOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateVpc";
        let request = cx
            .ec2()
            .create_vpc()
            .cidr_block(self.cidr_block.to_string())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::Vpc));
        let answer = request.send().await.called(OPERATION)?;
        let id = required(answer.vpc.and_then(|vpc| vpc.vpc_id), OPERATION, "VpcId")?;
        Ok(VpcOutputs { vpc_id: id.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &VpcOutputs<Resolved>,
    ) -> Result<Readiness<VpcOutputs<Resolved>>, CallError> {
        let live = describe(cx).vpcs.get(&outputs.vpc_id).await?;
        Ok(match live.and_then(|vpc| vpc.state) {
            Some(VpcState::Available) => Readiness::Ready(outputs.clone()),
            Some(state) => Readiness::Pending(state.as_str().to_owned()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let id = &outputs.vpc_id;
        let Some(live) = describe(cx).vpcs.get(id).await? else { return Ok(None) };
        let support = attribute(cx, id, VpcAttributeName::EnableDnsSupport).await?;
        let hostnames = attribute(cx, id, VpcAttributeName::EnableDnsHostnames).await?;
        let (Some(enable_dns_support), Some(enable_dns_hostnames)) = (support, hostnames) else {
            return Ok(None);
        };
        Ok(Some(Self {
            default_network_acl_entries: default_network_acl::changed(cx, id).await?,
            domain_name_servers: name_servers(cx, &live).await?,
            block_public_access: blocked(&live),
            cidr_block: cidr(live.cidr_block, "DescribeVpcs")?,
            enable_dns_support,
            enable_dns_hostnames,
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &VpcOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<VpcOutputs<Resolved>, CallError> {
        let id = &outputs.vpc_id;
        let (support, hostnames) = (self.enable_dns_support, self.enable_dns_hostnames);
        if changed.has("EnableDnsSupport") && support {
            set_dns_support(cx, id, support).await?;
        }
        if changed.has("EnableDnsHostnames") {
            set_dns_hostnames(cx, id, hostnames).await?;
        }
        if changed.has("EnableDnsSupport") && !support {
            set_dns_support(cx, id, support).await?;
        }
        if changed.has(ENTRIES) {
            default_network_acl::restore(cx, id).await?;
        }
        retag(cx, id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_vpc().vpc_id(outputs.vpc_id.as_str());
        request.send().await.called("DeleteVpc").gone_is_ok()
    }
}
