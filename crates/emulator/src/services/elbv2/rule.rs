//! Rules of listeners.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::actions::{self, At};
use super::pages::page;
use super::records::{Action, Condition, Listener, Rule};
use super::{State, arns, conditions, invalid, shown, tags};
use crate::services::{Answer, Call, Cx, Refusal, Tag, refuse_if};

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": rules for an application load balancer, not
/// counting default rules.
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    listener_arn: String,
    conditions: Vec<Condition>,
    priority: u32,
    actions: Vec<Action>,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn in_use(priority: u32) -> Refusal {
    Refusal::new("PriorityInUse", format!("Priority '{priority}' is currently in use"))
}

impl State {
    fn rules_at<'a>(&'a self, listener_arn: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.rules.values().filter(move |rule| rule.listener_arn == listener_arn)
    }

    /// The listener of a rule that is stored.
    fn listener_of(&self, rule: &Rule) -> &Listener {
        self.listeners.get(&rule.listener_arn).expect("a rule goes with its listener")
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let state = &cx.r.elbv2;
    let listener = arns::find(cx.region, &state.listeners, &given.listener_arn)?;
    let conditions = conditions::completed(given.conditions)?;
    let at = At { protocol: &listener.protocol, port: listener.port };
    let actions = actions::completed(given.actions, &at)?;
    state.check_forwarding(cx.region, &actions, &listener.load_balancer_arn)?;
    let tags = tags::read(given.tags)?;
    let priority = given.priority.to_string();
    if state.rules_at(&given.listener_arn).any(|rule| rule.priority == priority) {
        return Err(in_use(given.priority));
    }
    let siblings = state.rules_of(&listener.load_balancer_arn).filter(|rule| !rule.is_default);
    if siblings.count() >= MOST {
        let message = format!("A load balancer can have {MOST} rules at most");
        return Err(Refusal::new("TooManyRules", message));
    }
    let path = listener.path().to_owned();
    let arn_id = cx.r.elbv2.arn_id();
    let rule = Rule {
        rule_arn: cx.arn("elasticloadbalancing", &format!("listener-rule/{path}/{arn_id}")),
        priority,
        conditions,
        actions,
        is_default: false,
        listener_arn: given.listener_arn,
        tags,
    };
    let answer = json!({"Rules": [shown(&rule)]});
    let state = &mut cx.r.elbv2;
    state.rules.insert(rule.rule_arn.clone(), rule);
    state.relink();
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    listener_arn: Option<String>,
    #[serde(default)]
    rule_arns: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Describe = call.input()?;
    let state = &cx.r.elbv2;
    match (&given.listener_arn, given.rule_arns.as_slice()) {
        (Some(arn), []) => arns::find(cx.region, &state.listeners, arn).map(drop)?,
        (None, [_, ..]) => {}
        _ => return Err(invalid("You must specify either listener rule ARNs or a listener ARN")),
    }
    for arn in &given.rule_arns {
        arns::find(cx.region, &state.rules, arn)?;
    }
    let wanted = |rule: &&Rule| match &given.listener_arn {
        Some(arn) => rule.listener_arn == *arn,
        None => given.rule_arns.contains(&rule.rule_arn),
    };
    let mut all: Vec<&Rule> = state.rules.values().filter(wanted).collect();
    all.sort_by_key(|rule| rule.place());
    let (page, next) = page(all, |rule| rule.rule_arn.clone(), given.marker.as_deref(), given.page_size)?;
    let page: Vec<_> = page.into_iter().map(shown).collect();
    Ok(json!({"Rules": page, "NextMarker": next}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    rule_arn: String,
    conditions: Option<Vec<Condition>>,
    actions: Option<Vec<Action>>,
}

/// API Reference, ModifyRule: "To modify the actions for the default rule, use ModifyListener".
pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Modify = call.input()?;
    let state = &cx.r.elbv2;
    let mut rule = arns::find(cx.region, &state.rules, &given.rule_arn)?.clone();
    check_not_default(&rule, "modified")?;
    let listener = state.listener_of(&rule);
    if let Some(conditions) = given.conditions {
        rule.conditions = conditions::completed(conditions)?;
    }
    if let Some(actions) = given.actions {
        let at = At { protocol: &listener.protocol, port: listener.port };
        rule.actions = actions::completed(actions, &at)?;
        state.check_forwarding(cx.region, &rule.actions, &listener.load_balancer_arn)?;
    }
    let answer = json!({"Rules": [shown(&rule)]});
    let state = &mut cx.r.elbv2;
    state.rules.insert(rule.rule_arn.clone(), rule);
    state.relink();
    Ok(answer)
}

fn check_not_default(rule: &Rule, done: &str) -> Result<(), Refusal> {
    refuse_if(rule.is_default, || {
        let message = format!("Default rule '{}' cannot be {done}", rule.rule_arn);
        Refusal::new("OperationNotPermitted", message)
    })
}

/// API Reference, DeleteRule: "You can't delete the default rule."
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let arn: String = call.member("RuleArn")?;
    let state = &mut cx.r.elbv2;
    check_not_default(arns::find(cx.region, &state.rules, &arn)?, "deleted")?;
    state.rules.remove(&arn);
    state.relink();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Pair {
    rule_arn: String,
    priority: u32,
}

/// API Reference, SetRulePriorities: rules can be reordered "as long as there are no priority conflicts in the new
/// order".
pub(super) fn set_priorities(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let rule_priorities: Vec<Pair> = call.member("RulePriorities")?;
    let state = &cx.r.elbv2;
    let mut changes: BTreeMap<&str, u32> = BTreeMap::new();
    let mut listener_arn = None;
    for Pair { rule_arn, priority } in &rule_priorities {
        let rule = arns::find(cx.region, &state.rules, rule_arn)?;
        check_not_default(rule, "given a priority")?;
        if *listener_arn.get_or_insert(&rule.listener_arn) != &rule.listener_arn {
            return Err(invalid("All rules must be of the same listener"));
        }
        if changes.insert(rule_arn, *priority).is_some() {
            return Err(invalid(format!("Rule '{rule_arn}' is given more than once")));
        }
    }
    let mut taken = BTreeMap::new();
    for rule in listener_arn.iter().flat_map(|arn| state.rules_at(arn)) {
        let place = changes.get(rule.rule_arn.as_str()).copied().unwrap_or_else(|| rule.place());
        refuse_if(taken.insert(place, &rule.rule_arn).is_some(), || in_use(place))?;
    }
    let state = &mut cx.r.elbv2;
    let mut shown_rules = Vec::new();
    for Pair { rule_arn, priority } in &rule_priorities {
        if let Some(rule) = state.rules.get_mut(rule_arn) {
            rule.priority = priority.to_string();
            shown_rules.push(shown(rule));
        }
    }
    Ok(json!({"Rules": shown_rules}))
}
