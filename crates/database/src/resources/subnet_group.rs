//! A DB subnet group: the subnets in which RDS may put instances.
//!
//! - **Wait.** Subnets that are not visible yet; on deletion `InvalidDBSubnetGroupStateFault` while an instance is in it.
//! - **Rewritten.** The name, to lower case. **Silent.** Nothing. **Terminal.** None: the only status is `Complete`.

use async_trait::async_trait;
use aws::rds::{OfRds, client, retag, tag, tags_of};
use aws::{CallResult, Called, Context, SubnetId, Tags, VpcId, converge, in_order_of, required};
use aws_sdk_rds::types::DbSubnetGroup as Live;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, Foreseen, ImportId, Intent, Listed, Loss,
    Named, Order, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times, Wish,
};
use serde::{Deserialize, Serialize};

use super::subnet_group_change;
use crate::SubnetGroupName;

/// The properties of a DB subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetGroup<S: Stage = Declared> {
    /// Its name, unique in account and region, lower case.
    #[serde(rename = "DBSubnetGroupName")]
    pub name: SubnetGroupName,
    /// What it is for.
    #[serde(rename = "DBSubnetGroupDescription")]
    pub description: String,
    /// The VPC that the subnets are in. It is not sent: it says that another VPC needs another group, since instances
    /// cannot move from one VPC to another. CloudFormation has no such property.
    pub vpc_id: S::Of<VpcId>,
    /// The subnets, in at least two availability zones. Their order has no meaning.
    pub subnet_ids: Vec<S::Of<SubnetId>>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetGroupOutputs<S: Stage> {
    /// The name; a reference to it waits until the group exists.
    #[serde(rename = "DBSubnetGroupName")]
    pub name: S::Of<SubnetGroupName>,
    /// The ARN, by which RDS tags it.
    #[serde(rename = "DBSubnetGroupArn")]
    pub arn: S::Of<String>,
}

impl Declares for SubnetGroup<Declared> {
    type Resolved = SubnetGroup<Resolved>;
}

pub(super) async fn describe(cx: &Context, name: &SubnetGroupName) -> Result<Option<Live>, CallError> {
    let request = client(cx).describe_db_subnet_groups().db_subnet_group_name(name.as_str());
    let answer = request.send().await.called("DescribeDBSubnetGroups").if_exists()?;
    Ok(answer.and_then(|answer| answer.db_subnet_groups.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<SubnetGroupOutputs<Resolved>, CallError> {
    Ok(SubnetGroupOutputs {
        name: required(live.db_subnet_group_name(), operation, "DBSubnetGroupName")?.into(),
        arn: required(live.db_subnet_group_arn(), operation, "DBSubnetGroupArn")?.to_owned(),
    })
}

impl SubnetGroup<Resolved> {
    fn subnets(&self) -> Vec<String> {
        self.subnet_ids.iter().map(ToString::to_string).collect()
    }
}

#[async_trait]
impl Resource for SubnetGroup<Resolved> {
    const KIND: &'static str = "AWS::RDS::DBSubnetGroup";
    const FACTS: Facts = Facts {
        name: Named::ByName("DBSubnetGroupName"),
        create_only: CreateOnly::These(&["DBSubnetGroupName", "VpcId"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["VpcId"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["DBSubnetGroupName"],
            words: "the name of the subnet group",
            example: "payment-db-subnet-group-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeDBSubnetGroups") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const ORDER: Order = Order { widened_first: &["SubnetIds"], ..Order::NONE };
    type Context = Context;
    type Declared = SubnetGroup<Declared>;
    type Outputs<S: Stage> = SubnetGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<SubnetGroupOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, &self.name).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeDBSubnetGroups")?;
        let tags = tags_of(cx, &outputs.arn).await?;
        cx.adopt(&format!("DB subnet group {}", self.name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<SubnetGroupOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateDBSubnetGroup";
        let request = client(cx)
            .create_db_subnet_group()
            .db_subnet_group_name(self.name.as_str())
            .db_subnet_group_description(&self.description)
            .set_subnet_ids(Some(self.subnets()))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible().once_linked()?;
        outputs(&required(answer.db_subnet_group, OPERATION, "DBSubnetGroup")?, OPERATION)
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        subnet_group_change::foresee(cx, wish).await
    }

    async fn configure(&self, cx: &Context, outputs: &SubnetGroupOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SubnetGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = describe(cx, &outputs.name).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, &outputs.arn).await.if_exists()? else { return Ok(None) };
        let subnets = live.subnets().iter().filter_map(|subnet| subnet.subnet_identifier());
        Ok(Some(Self {
            name: outputs.name.clone(),
            vpc_id: live.vpc_id().unwrap_or_default().into(),
            subnet_ids: in_order_of(&self.subnet_ids, subnets.map(Into::into).collect(), Clone::clone),
            description: live.db_subnet_group_description.unwrap_or_default(),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &SubnetGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<SubnetGroupOutputs<Resolved>, CallError> {
        if changed.has("SubnetIds") || changed.has("DBSubnetGroupDescription") {
            let request = client(cx)
                .modify_db_subnet_group()
                .db_subnet_group_name(outputs.name.as_str())
                .db_subnet_group_description(&self.description)
                .set_subnet_ids(Some(self.subnets()));
            request.send().await.called("ModifyDBSubnetGroup")?;
        }
        retag(cx, &outputs.arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &SubnetGroupOutputs<Resolved>) -> Result<(), CallError> {
        let request = client(cx).delete_db_subnet_group().db_subnet_group_name(outputs.name.as_str());
        request
            .send()
            .await
            .called("DeleteDBSubnetGroup")
            // In use: by an instance that is still being deleted.
            .classed(&["InvalidDBSubnetGroupStateFault"], engine::ErrorClass::DependencyViolation)
            .map(drop)
            .gone_is_ok()
    }
}
