//! What a listener or a rule does with a request.

use aws::{count_or_zero, in_order_of, number};
use std::collections::{HashMap, HashSet};

use aws_sdk_elasticloadbalancingv2::types::{
    Action as Live, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    RedirectActionStatusCodeEnum, TargetGroupTuple as LiveTuple,
};
use engine::{Declared, Input, Resolved, Stage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::TargetGroupArn;

/// One action: forward, redirect, or an answer of the load balancer's own. Of others that somebody set by hand, only
/// the type is known here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Action<S: Stage = Declared> {
    /// `forward`, `redirect` or `fixed-response`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Where requests go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_config: Option<ForwardConfig<S>>,
    /// Where clients are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_config: Option<RedirectConfig>,
    /// What clients are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_response_config: Option<FixedResponseConfig>,
}

/// Target groups that share the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ForwardConfig<S: Stage = Declared> {
    /// The groups.
    pub target_groups: Vec<TargetGroupTuple<S>>,
}

/// One of several target groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupTuple<S: Stage = Declared> {
    /// The group.
    pub target_group_arn: S::Of<TargetGroupArn>,
    /// Its share of the requests, relative to the others': 0 to 999.
    pub weight: u32,
}

/// Where clients are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RedirectConfig {
    /// `HTTP`, `HTTPS` or `#{protocol}`, which is the request's own; likewise below.
    pub protocol: String,
    /// The port.
    pub port: String,
    /// The host.
    pub host: String,
    /// The path, with its first slash.
    pub path: String,
    /// The query.
    pub query: String,
    /// `HTTP_301`, for ever, or `HTTP_302`, for now.
    pub status_code: String,
}

/// What clients are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FixedResponseConfig {
    /// The HTTP status.
    pub status_code: String,
    /// The body's type.
    pub content_type: String,
    /// The body.
    pub message_body: String,
}

impl Action<Declared> {
    /// Shares requests between groups, by weight.
    #[must_use]
    pub fn forward<const N: usize>(groups: [(Input<TargetGroupArn>, u32); N]) -> Self {
        let tuple = |(target_group_arn, weight)| TargetGroupTuple { target_group_arn, weight };
        let target_groups = groups.into_iter().map(tuple).collect();
        Self { forward_config: Some(ForwardConfig { target_groups }), ..Self::of("forward") }
    }

    /// Sends clients to the same address over HTTPS, for ever.
    #[must_use]
    pub fn redirect_to_https() -> Self {
        let redirect = RedirectConfig {
            protocol: "HTTPS".to_owned(),
            port: "443".to_owned(),
            host: "#{host}".to_owned(),
            path: "/#{path}".to_owned(),
            query: "#{query}".to_owned(),
            status_code: "HTTP_301".to_owned(),
        };
        Self { redirect_config: Some(redirect), ..Self::of("redirect") }
    }

    /// Tells clients that there is nothing here.
    #[must_use]
    pub fn not_found() -> Self {
        let response = FixedResponseConfig {
            status_code: "404".to_owned(),
            content_type: "text/plain".to_owned(),
            message_body: "not found".to_owned(),
        };
        Self { fixed_response_config: Some(response), ..Self::of("fixed-response") }
    }
}

impl<S: Stage> Action<S> {
    fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            forward_config: None,
            redirect_config: None,
            fixed_response_config: None,
        }
    }

    fn groups(&self) -> &[TargetGroupTuple<S>] {
        self.forward_config.as_ref().map_or(&[], |config| &config.target_groups)
    }
}

impl Action<Resolved> {
    pub(super) fn for_call(&self) -> Live {
        let forward = self.forward_config.as_ref().map(|config| {
            let tuple = |group: &TargetGroupTuple<Resolved>| {
                LiveTuple::builder()
                    .target_group_arn(group.target_group_arn.as_str())
                    .weight(number(group.weight))
                    .build()
            };
            let groups = config.target_groups.iter().map(tuple).collect();
            ForwardActionConfig::builder().set_target_groups(Some(groups)).build()
        });
        let redirect = self.redirect_config.as_ref().map(|config| {
            RedirectActionConfig::builder()
                .protocol(&config.protocol)
                .port(&config.port)
                .host(&config.host)
                .path(&config.path)
                .query(&config.query)
                .status_code(RedirectActionStatusCodeEnum::from(config.status_code.as_str()))
                .build()
        });
        let fixed_response = self.fixed_response_config.as_ref().map(|config| {
            FixedResponseActionConfig::builder()
                .status_code(&config.status_code)
                .content_type(&config.content_type)
                .message_body(&config.message_body)
                .build()
        });
        Live::builder()
            .r#type(ActionTypeEnum::from(self.kind.as_str()))
            .set_forward_config(forward)
            .set_redirect_config(redirect)
            .set_fixed_response_config(fixed_response)
            .build()
    }

    pub(super) fn from_live(live: &Live) -> Self {
        let tuple = |group: &LiveTuple| TargetGroupTuple {
            target_group_arn: group.target_group_arn().unwrap_or_default().into(),
            weight: count_or_zero(group.weight),
        };
        let groups = live.forward_config().map(|config| config.target_groups().iter().map(tuple).collect());
        // A single group can also be given without a configuration.
        let single = || {
            live.target_group_arn()
                .map(|arn| vec![TargetGroupTuple { target_group_arn: arn.into(), weight: 1 }])
        };
        let forwards = live.r#type() == Some(&ActionTypeEnum::Forward);
        let target_groups = if forwards { groups.or_else(single) } else { None };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            kind: live.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            forward_config: target_groups.map(|target_groups| ForwardConfig { target_groups }),
            redirect_config: live.redirect_config().map(|config| RedirectConfig {
                protocol: text(config.protocol()),
                port: text(config.port()),
                host: text(config.host()),
                path: text(config.path()),
                query: text(config.query()),
                status_code: text(config.status_code().map(RedirectActionStatusCodeEnum::as_str)),
            }),
            fixed_response_config: live.fixed_response_config().map(|config| FixedResponseConfig {
                status_code: text(config.status_code()),
                content_type: text(config.content_type()),
                message_body: text(config.message_body()),
            }),
        }
    }
}

pub(super) fn for_call(actions: &[Action<Resolved>]) -> Vec<Live> {
    actions.iter().map(Action::for_call).collect()
}

pub(super) fn from_live(actions: &[Live]) -> Vec<Action<Resolved>> {
    actions.iter().map(Action::from_live).collect()
}

fn weights(actions: &[Action<Resolved>]) -> HashMap<&TargetGroupArn, u32> {
    let groups = actions.iter().flat_map(Action::groups);
    groups.map(|group| (&group.target_group_arn, group.weight)).collect()
}

/// Live actions with the recorded weights of the groups that were recorded, and in their order: who gets how much is
/// decided by deployments, and only which groups there are is compared.
pub(super) fn with_recorded_weights(
    recorded: &[Action<Resolved>],
    mut live: Vec<Action<Resolved>>,
) -> Vec<Action<Resolved>> {
    let known = weights(recorded);
    let order: Vec<_> = recorded.iter().flat_map(Action::groups).cloned().collect();
    for config in live.iter_mut().filter_map(|action| action.forward_config.as_mut()) {
        for group in &mut config.target_groups {
            group.weight = known.get(&group.target_group_arn).copied().unwrap_or(group.weight);
        }
        let groups = std::mem::take(&mut config.target_groups);
        config.target_groups = in_order_of(&order, groups, |group| group.target_group_arn.clone());
    }
    live
}

/// Wanted actions with the live weights of the groups that are in place. Where some are, a group that is new gets
/// nothing: it has no tasks yet, and requests for it would fail.
pub(super) fn with_live_weights(
    wanted: &[Action<Resolved>],
    live: &[Action<Resolved>],
) -> Vec<Action<Resolved>> {
    let known = weights(live);
    let mut wanted = wanted.to_vec();
    let is_live = |group: &TargetGroupTuple<Resolved>| known.contains_key(&group.target_group_arn);
    for config in wanted.iter_mut().filter_map(|action| action.forward_config.as_mut()) {
        if !config.target_groups.iter().any(is_live) {
            continue;
        }
        for group in &mut config.target_groups {
            group.weight = known.get(&group.target_group_arn).copied().unwrap_or_default();
        }
    }
    wanted
}

/// The groups of some actions, as JSON: those of which the ARN is known.
pub(super) fn known_groups(actions: &Value) -> HashSet<TargetGroupArn> {
    let forwards = actions.as_array().into_iter().flatten();
    let groups =
        forwards.flat_map(|action| action["ForwardConfig"]["TargetGroups"].as_array().into_iter().flatten());
    groups.filter_map(|group| Some(group["TargetGroupArn"].as_str()?.into())).collect()
}

/// The groups of some actions.
pub(super) fn groups(actions: &[Action<Resolved>]) -> impl Iterator<Item = &TargetGroupArn> {
    actions.iter().flat_map(Action::groups).map(|group| &group.target_group_arn)
}

/// The groups of some actions that get requests.
pub(super) fn gets_requests(actions: &[Action<Resolved>]) -> Vec<TargetGroupArn> {
    let groups = actions.iter().flat_map(Action::groups).filter(|group| group.weight > 0);
    groups.map(|group| group.target_group_arn.clone()).collect()
}

/// The name in `arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID`.
pub(super) fn group_name(arn: &TargetGroupArn) -> &str {
    arn.as_str().rsplit('/').nth(1).unwrap_or_else(|| arn.as_str())
}

/// Wanted actions for a new rule. Where all tasks are in groups that would get nothing, those get it: the rule takes
/// the place of one in which a deployment had moved the requests.
pub(super) fn with_weights_where_tasks_are(
    wanted: &[Action<Resolved>],
    busy: &HashSet<TargetGroupArn>,
) -> Vec<Action<Resolved>> {
    let mut wanted = wanted.to_vec();
    for config in wanted.iter_mut().filter_map(|action| action.forward_config.as_mut()) {
        let groups = &mut config.target_groups;
        let is_busy = |group: &TargetGroupTuple<Resolved>| busy.contains(&group.target_group_arn);
        let gets_some = |group: &&TargetGroupTuple<Resolved>| group.weight > 0;
        if groups.iter().filter(gets_some).any(is_busy) || !groups.iter().any(is_busy) {
            continue;
        }
        let all = groups.iter().map(|group| group.weight).max().unwrap_or_default();
        for group in groups {
            group.weight = if is_busy(group) { all } else { 0 };
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(groups: &[(&str, u32)]) -> Vec<Action<Resolved>> {
        let tuple = |(arn, weight): &(&str, u32)| TargetGroupTuple {
            target_group_arn: (*arn).into(),
            weight: *weight,
        };
        let target_groups = groups.iter().map(tuple).collect();
        vec![Action { forward_config: Some(ForwardConfig { target_groups }), ..Action::of("forward") }]
    }

    #[test]
    fn what_a_deployment_moved_is_no_difference_and_another_group_is() {
        let recorded = forward(&[("blue", 100), ("green", 0)]);
        let live = forward(&[("green", 100), ("blue", 0)]);
        assert_eq!(with_recorded_weights(&recorded, live), recorded);
        let live = forward(&[("green", 100), ("other", 7)]);
        assert_eq!(with_recorded_weights(&recorded, live), forward(&[("green", 0), ("other", 7)]));
    }

    #[test]
    fn a_repair_leaves_requests_where_they_are() {
        let wanted = forward(&[("blue", 100), ("green", 0)]);
        let live = forward(&[("green", 100)]);
        assert_eq!(with_live_weights(&wanted, &live), forward(&[("blue", 0), ("green", 100)]));
        assert_eq!(with_live_weights(&wanted, &forward(&[("other", 1)])), wanted);
        assert_eq!(with_live_weights(&wanted, &[]), wanted);
    }

    #[test]
    fn a_new_rule_sends_requests_to_where_tasks_are() {
        let wanted = forward(&[("blue", 100), ("green", 0)]);
        let busy = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
        for unmoved in [&[][..], &["blue"], &["blue", "green"], &["other"]] {
            assert_eq!(with_weights_where_tasks_are(&wanted, &busy(unmoved)), wanted);
        }
        let moved = forward(&[("blue", 0), ("green", 100)]);
        assert_eq!(with_weights_where_tasks_are(&wanted, &busy(&["green"])), moved);
    }

    #[test]
    fn an_action_survives_the_way_to_aws_and_back() {
        let redirect = Action::<Resolved> {
            redirect_config: Action::redirect_to_https().redirect_config,
            ..Action::of("redirect")
        };
        let response = Action::<Resolved> {
            fixed_response_config: Action::not_found().fixed_response_config,
            ..Action::of("fixed-response")
        };
        let actions = [forward(&[("blue", 100), ("green", 0)]), vec![redirect, response]].concat();
        assert_eq!(from_live(&for_call(&actions)), actions);
    }

    #[test]
    fn a_single_group_may_be_given_without_a_configuration() {
        let live = Live::builder().r#type(ActionTypeEnum::Forward).target_group_arn("blue").build();
        assert_eq!(from_live(&[live]), forward(&[("blue", 1)]));
    }
}
