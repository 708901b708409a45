//! A rule of a listener: which requests go to which target groups.
//!
//! The surprise: a blue/green deployment of ECS moves requests by rewriting the weights of the groups in the rule,
//! for its own reasons and for good. So weights are those of the very first rule only: a read reports the recorded
//! ones, whatever ECS has made of them; an update keeps the live ones; and a rule that takes the place of another
//! one, on another listener say, sends requests to where the tasks are. Which groups there are, is compared and
//! repaired. That requests go to a group without targets, while another one of the rule has some, is said: in a deployment it is
//! so for a moment, and otherwise somebody has moved the weights by hand (aws/containers-roadmap#2853).

use std::collections::HashSet;

use async_trait::async_trait;
use aws::{CallResult, Called, Context, Tags, converge, number, required};
use aws_sdk_elasticloadbalancingv2::types::{
    Rule as Live, RuleCondition, RulePriorityPair, TargetHealthDescription, TargetHealthStateEnum,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, Foreseen, ImportId,
    Intent, Listed, Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template,
    Times, Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{self, Action, with_live_weights, with_recorded_weights, with_weights_where_tasks_are};
use super::condition::Condition;
use super::elb::{elb, retag, tag, tags_of};
use crate::{ListenerArn, ListenerRuleArn, TargetGroupArn};

/// AWS's answer where another rule has the priority. Its name would say that something depends on the rule.
const PRIORITY_IN_USE: &str = "PriorityInUse";

/// What is said of a plan that takes all groups with tasks out of a rule.
const NOBODY_ANSWERS: &str = "moves to new target groups, which are empty until ECS has started tasks in them: DOWNTIME of some \
                              minutes";

/// The properties of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerRule<S: Stage = Declared> {
    /// The listener.
    pub listener_arn: S::Of<ListenerArn>,
    /// The smallest number whose conditions hold decides: 1 to 50000, unique in the listener.
    pub priority: u32,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What then happens.
    pub actions: Vec<Action<S>>,
    /// Groups that get requests and have no targets, where another one has some. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_groups: Vec<TargetGroupArn>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerRuleOutputs<S: Stage> {
    /// The ARN.
    pub rule_arn: S::Of<ListenerRuleArn>,
}

impl Declares for ListenerRule<Declared> {
    type Resolved = ListenerRule<Resolved>;
}

pub(super) async fn by_arn(cx: &Context, arn: &ListenerRuleArn) -> Result<Option<Live>, CallError> {
    let answer = elb(cx).describe_rules().rule_arns(arn.as_str()).send().await;
    let answer = answer.called("DescribeRules").if_exists()?;
    Ok(answer.and_then(|answer| answer.rules.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<ListenerRuleOutputs<Resolved>, CallError> {
    let arn = required(live.rule_arn(), operation, "RuleArn")?;
    Ok(ListenerRuleOutputs { rule_arn: arn.into() })
}

/// Whether a target is there to stay.
fn stays(target: &TargetHealthDescription) -> bool {
    let state = target.target_health().and_then(|health| health.state());
    state.is_some_and(|state| *state != TargetHealthStateEnum::Draining)
}

/// Those of some groups that have targets.
async fn busy<'a>(
    cx: &Context,
    groups: impl Iterator<Item = &'a TargetGroupArn>,
) -> Result<HashSet<TargetGroupArn>, CallError> {
    let mut busy = HashSet::new();
    for group in groups {
        let request = elb(cx).describe_target_health().target_group_arn(group.as_str());
        let answer = request.send().await.called("DescribeTargetHealth").once_visible()?;
        if answer.target_health_descriptions().iter().any(stays) {
            busy.insert(group.clone());
        }
    }
    Ok(busy)
}

impl ListenerRule<Resolved> {
    fn conditions(&self) -> Vec<RuleCondition> {
        self.conditions.iter().map(Condition::for_call).collect()
    }
}

#[async_trait]
impl Resource for ListenerRule<Resolved> {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::ListenerRule";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["ListenerArn"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["EmptyGroups"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RuleArn"],
            words: "the ARN of the listener rule",
            example: "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:listener-rule/app/payment-alb-dev/0123456789abcdef/fedcba9876543210/0a1b2c3d4e5f6071",
        },
        // One more for each target group that a rule forwards to.
        reads: Reads { least: 2, most: 4, together: Some("DescribeRules") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["EmptyGroups"];
    type Context = Context;
    type Declared = ListenerRule<Declared>;
    type Outputs<S: Stage> = ListenerRuleOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.listener_arn, self.priority))
    }

    fn accepts(property: &str, live: &Value, _declared: &Value) -> Option<String> {
        let groups = Vec::<TargetGroupArn>::deserialize(live).ok().filter(|_| property == "EmptyGroups")?;
        let names: Vec<&str> = groups.iter().map(action::group_name).collect();
        let groups = names.join(", ");
        Some(format!(
            "sends requests to {groups}, which has no targets, while another of its groups has: unless a deployment is running, \
             these requests fail. Somebody has changed the weights: give {groups} the weight 0 (`aws elbv2 modify-rule`)"
        ))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ListenerRuleOutputs<Resolved>>, CallError> {
        let request = elb(cx).describe_rules().listener_arn(self.listener_arn.as_str());
        let rules = request.into_paginator().items().send();
        let rules: Vec<Live> =
            rules.try_collect().await.called("DescribeRules").if_exists()?.unwrap_or_default();
        let priority = self.priority.to_string();
        let Some(live) = rules.into_iter().find(|rule| rule.priority() == Some(priority.as_str())) else {
            return Ok(None);
        };
        let outputs = outputs(&live, "DescribeRules")?;
        let Some(tags) = tags_of(cx, outputs.rule_arn.as_str()).await.if_exists()? else { return Ok(None) };
        let what = format!("the rule with priority {priority} of {}", self.listener_arn);
        cx.adopt(&what, &tags, search)?;
        Ok(Some(outputs))
    }

    /// A group that has no tasks yet gets no requests while another one is in the rule. Where all that have tasks leave it, nobody
    /// is there.
    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        let Some(there) = wish.there else { return Ok(Foreseen::nothing()) };
        let known = |actions: &Value| action::known_groups(actions);
        let (live, stay) = (known(&there.live["Actions"]), known(&wish.declared["Actions"]));
        if live.iter().all(|group| stay.contains(group)) {
            return Ok(Foreseen::nothing());
        }
        let busy = busy(cx, live.iter()).await?;
        match busy.is_empty() || busy.iter().any(|group| stay.contains(group)) {
            true => Ok(Foreseen::nothing()),
            false => Ok(Foreseen::warning(NOBODY_ANSWERS)),
        }
    }

    async fn identify(
        &mut self,
        _: &Context,
        id: &ForeignId,
    ) -> Result<Option<ListenerRuleOutputs<Resolved>>, CallError> {
        // The ARN of a rule has that of its listener: `…:listener-rule/app/NAME/NUMBER/LISTENER/RULE`.
        let arn = id.part("RuleArn");
        let listener = arn.rsplit_once('/').map_or(arn, |(listener, _)| listener);
        self.listener_arn = listener.replacen(":listener-rule/", ":listener/", 1).into();
        Ok(id.outputs())
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<ListenerRuleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRule";
        let actions =
            with_weights_where_tasks_are(&self.actions, &busy(cx, action::groups(&self.actions)).await?);
        let request = elb(cx)
            .create_rule()
            .listener_arn(self.listener_arn.as_str())
            .priority(number(self.priority))
            .set_conditions(Some(self.conditions()))
            .set_actions(Some(action::for_call(&actions)))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible();
        let answer = answer.classed(&[PRIORITY_IN_USE], ErrorClass::AlreadyExists)?;
        let made = answer.rules.unwrap_or_default().into_iter().next();
        outputs(&required(made, OPERATION, "Rules")?, OPERATION)
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &ListenerRuleOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ListenerRuleOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = by_arn(cx, &outputs.rule_arn).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.rule_arn.as_str()).await.if_exists()? else { return Ok(None) };
        let actions = action::from_live(live.actions());
        let empty_groups = match action::gets_requests(&actions) {
            // With one group, or none, there is nothing to choose.
            groups if groups.is_empty() || action::groups(&actions).count() < 2 => Vec::new(),
            groups => match busy(cx, action::groups(&actions)).await {
                // Who may not look at targets sees the rule all the same.
                Err(error) if error.class == ErrorClass::Denied => Vec::new(),
                Err(error) => return Err(error),
                Ok(busy) if busy.is_empty() => Vec::new(),
                Ok(busy) => groups.into_iter().filter(|group| !busy.contains(group)).collect(),
            },
        };
        Ok(Some(Self {
            empty_groups,
            // No answer has it; a rule cannot move.
            listener_arn: self.listener_arn.clone(),
            priority: live.priority().and_then(|priority| priority.parse().ok()).unwrap_or_default(),
            conditions: live.conditions().iter().map(Condition::from_live).collect(),
            actions: with_recorded_weights(&self.actions, actions),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ListenerRuleOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ListenerRuleOutputs<Resolved>, CallError> {
        let arn = outputs.rule_arn.as_str();
        if changed.has("Priority") {
            let pair = RulePriorityPair::builder().rule_arn(arn).priority(number(self.priority)).build();
            let request = elb(cx).set_rule_priorities().rule_priorities(pair);
            let answer = request.send().await.called("SetRulePriorities");
            answer.classed(&[PRIORITY_IN_USE], ErrorClass::Conflict)?;
        }
        let mut request = elb(cx).modify_rule().rule_arn(arn);
        if changed.has("Conditions") {
            request = request.set_conditions(Some(self.conditions()));
        }
        if changed.has("Actions") {
            // The weights before the change are the recorded ones; these are live.
            let live = by_arn(cx, &outputs.rule_arn).await?;
            let live = live.map(|live| action::from_live(live.actions())).unwrap_or_default();
            let actions = with_live_weights(&self.actions, &live);
            request = request.set_actions(Some(action::for_call(&actions)));
        }
        if changed.has("Conditions") || changed.has("Actions") {
            request.send().await.called("ModifyRule")?;
        }
        retag(cx, arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ListenerRuleOutputs<Resolved>) -> Result<(), CallError> {
        let request = elb(cx).delete_rule().rule_arn(outputs.rule_arn.as_str());
        request.send().await.called("DeleteRule").map(drop).gone_is_ok()
    }
}
