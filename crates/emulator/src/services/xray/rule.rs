//! Sampling rules: which share of the requests is traced.
//!
//! The rule `Default` is AWS's. It has the last priority, cannot be deleted, and only its rates can be changed (X-Ray
//! Developer Guide, "Configuring sampling rules").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Named, State, check_token, invalid, one_of};
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Object, Refusal, Tag, Tags, ensure, refuse_if, tags, to_json,
};

const DEFAULT: &str = "Default";
/// AWS General Reference, "AWS X-Ray endpoints and quotas": custom sampling rules in a region.
const MOST_RULES: usize = 25;

/// A rule with what X-Ray adds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rule {
    sampling_rule: SamplingRule,
    created_at: f64,
    modified_at: f64,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SamplingRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    pub(super) rule_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    priority: i64,
    fixed_rate: f64,
    reservoir_size: i64,
    service_name: String,
    service_type: String,
    host: String,
    #[serde(rename = "HTTPMethod")]
    http_method: String,
    #[serde(rename = "URLPath")]
    url_path: String,
    version: i64,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling_rate_boost: Option<Boost>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Boost {
    max_rate: f64,
    cooldown_window_minutes: i64,
}

/// What UpdateSamplingRule changes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Update {
    rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    rule_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    priority: Option<i64>,
    fixed_rate: Option<f64>,
    reservoir_size: Option<i64>,
    service_name: Option<String>,
    service_type: Option<String>,
    host: Option<String>,
    #[serde(rename = "HTTPMethod")]
    http_method: Option<String>,
    #[serde(rename = "URLPath")]
    url_path: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    sampling_rate_boost: Option<Boost>,
}

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:xray:{region}:{ACCOUNT_ID}:sampling-rule/{name}")
}

impl Rule {
    /// The rule that every account has: the first request of each second, and five percent of the others.
    pub(super) fn default_of(region: &str) -> Self {
        let any = || "*".to_owned();
        let sampling_rule = SamplingRule {
            rule_name: Some(DEFAULT.to_owned()),
            rule_arn: Some(arn(region, DEFAULT)),
            resource_arn: any(),
            priority: 10_000,
            fixed_rate: 0.05,
            reservoir_size: 1,
            service_name: any(),
            service_type: any(),
            host: any(),
            http_method: any(),
            url_path: any(),
            version: 1,
            attributes: BTreeMap::new(),
            sampling_rate_boost: None,
        };
        Rule { sampling_rule, created_at: 0.0, modified_at: 0.0, tags: Tags::new() }
    }

    pub(super) fn name(&self) -> &str {
        self.sampling_rule.rule_name.as_deref().unwrap_or_default()
    }

    pub(super) fn arn(&self) -> &str {
        self.sampling_rule.rule_arn.as_deref().unwrap_or_default()
    }

    fn wire(&self) -> Value {
        to_json(self)
    }

    /// Whether it is the rule that every account has in every region, and that nobody made.
    fn is_default(&self) -> bool {
        self.name() == DEFAULT
    }

    /// Whether it is that rule, and nobody changed it.
    pub(super) fn is_as_from_the_start(&self, region: &str) -> bool {
        self.tags.is_empty() && self.sampling_rule == Rule::default_of(region).sampling_rule
    }

    /// CloudFormation's Ref of a rule is its ARN.
    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("xray", home, "AWS::XRay::SamplingRule", self.arn(), self.tags.clone())
            .named(self.name())
            .by_default(self.is_default())
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (mut sampling_rule, given): (SamplingRule, Vec<Tag>) = call.members(&["SamplingRule", "Tags"])?;
    let tags = tags(given, invalid)?;
    let name = sampling_rule.rule_name.clone().ok_or_else(|| invalid("The rule must have a name."))?;
    refuse_if(sampling_rule.rule_arn.is_some(), || invalid("The ARN of a new rule cannot be given."))?;
    refuse_if(sampling_rule.version != 1, || invalid("The version of a rule must be 1."))?;
    sampling_rule.check()?;
    let state = &mut cx.r.xray;
    if state.rules.contains_key(&name) {
        return Err(invalid(format!("A sampling rule named {name} already exists.")));
    }
    if state.rules.len() > MOST_RULES {
        let message = format!("There can be {MOST_RULES} sampling rules at most.");
        return Err(Refusal::new("RuleLimitExceededException", message));
    }
    sampling_rule.rule_arn = Some(arn(cx.region, &name));
    let now = whole_seconds(cx.now_millis);
    let rule = Rule { sampling_rule, created_at: now, modified_at: now, tags };
    let answer = json!({"SamplingRuleRecord": rule.wire()});
    state.rules.insert(name, rule);
    Ok(answer)
}

fn whole_seconds(millis: i64) -> f64 {
    (millis / 1000) as f64
}

/// The rules in the order in which they are tried (X-Ray API Reference, CreateSamplingRule: "in ascending order of
/// priority").
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let next_token: Option<String> = call.member("NextToken")?;
    check_token(next_token.as_deref())?;
    let mut rules: Vec<&Rule> = cx.r.xray.rules.values().collect();
    rules.sort_by_key(|rule| rule.sampling_rule.priority);
    Ok(json!({"SamplingRuleRecords": rules.into_iter().map(Rule::wire).collect::<Vec<_>>()}))
}

impl State {
    fn rule_name(&self, name: Option<&str>, arn: Option<&str>) -> Result<String, Refusal> {
        let rule = match one_of("sampling rule", name, arn)? {
            Named::Name(name) => self.rules.get(name),
            Named::Arn(arn) => self.rules.values().find(|rule| rule.arn() == arn),
        };
        rule.map(|rule| rule.name().to_owned()).ok_or_else(|| invalid("The sampling rule does not exist."))
    }
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let update: Update = call.member("SamplingRuleUpdate")?;
    let now = whole_seconds(cx.now_millis);
    let state = &mut cx.r.xray;
    let name = state.rule_name(update.rule_name.as_deref(), update.rule_arn.as_deref())?;
    if name == DEFAULT && update.changes_more_than_rates() {
        return Err(invalid("Invalid update request for default sampling rule"));
    }
    let rule = state.rules.get_mut(&name).expect("the name was found among the rules");
    let mut changed = rule.sampling_rule.clone();
    changed.apply(update);
    if name != DEFAULT {
        changed.check()?;
    }
    changed.check_rates()?;
    rule.sampling_rule = changed;
    rule.modified_at = now;
    Ok(json!({"SamplingRuleRecord": rule.wire()}))
}

impl Update {
    fn changes_more_than_rates(&self) -> bool {
        self.priority.is_some()
            || self.attributes.is_some()
            || self.sampling_rate_boost.is_some()
            || [
                &self.resource_arn,
                &self.service_name,
                &self.service_type,
                &self.host,
                &self.http_method,
                &self.url_path,
            ]
            .into_iter()
            .any(Option::is_some)
    }
}

impl SamplingRule {
    fn apply(&mut self, update: Update) {
        fn set<T>(to: &mut T, from: Option<T>) {
            if let Some(value) = from {
                *to = value;
            }
        }
        set(&mut self.resource_arn, update.resource_arn);
        set(&mut self.priority, update.priority);
        set(&mut self.fixed_rate, update.fixed_rate);
        set(&mut self.reservoir_size, update.reservoir_size);
        set(&mut self.service_name, update.service_name);
        set(&mut self.service_type, update.service_type);
        set(&mut self.host, update.host);
        set(&mut self.http_method, update.http_method);
        set(&mut self.url_path, update.url_path);
        set(&mut self.attributes, update.attributes);
        if update.sampling_rate_boost.is_some() {
            self.sampling_rate_boost = update.sampling_rate_boost;
        }
    }

    /// X-Ray API Reference, SamplingRule: limits that the model has for new rules and not for updates.
    fn check(&self) -> Result<(), Refusal> {
        ensure((1..=9999).contains(&self.priority), || invalid("The priority must be from 1 to 9999."))?;
        self.check_rates()
    }

    fn check_rates(&self) -> Result<(), Refusal> {
        ensure((0.0..=1.0).contains(&self.fixed_rate) && self.reservoir_size >= 0, || {
            invalid("The fixed rate must be from 0 to 1, and the reservoir 0 or more.")
        })
    }
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rule_name, rule_arn): (Option<String>, Option<String>) = call.members(&["RuleName", "RuleARN"])?;
    let state = &mut cx.r.xray;
    let name = state.rule_name(rule_name.as_deref(), rule_arn.as_deref())?;
    refuse_if(name == DEFAULT, || invalid("The default sampling rule cannot be deleted."))?;
    let rule = state.rules.remove(&name).expect("the name was found among the rules");
    Ok(json!({"SamplingRuleRecord": rule.wire()}))
}
