//! Groups of traces.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Named, State, check_token, filter, invalid, one_of};
use crate::services::{Answer, Call, Cx, IdSource, Object, Refusal, Tag, Tags, refuse_if, tags, to_json};

/// AWS General Reference, "AWS X-Ray endpoints and quotas": groups in a region.
const MOST_GROUPS: usize = 25;

/// A group as GetGroup has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    group_name: String,
    #[serde(rename = "GroupARN")]
    pub(super) group_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_expression: Option<String>,
    insights_configuration: Insights,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Insights {
    insights_enabled: bool,
    notifications_enabled: bool,
}

impl Insights {
    /// InsightsConfiguration: "Notifications may only be enabled on a group with InsightsEnabled set to true."
    fn check(self) -> Result<(), Refusal> {
        refuse_if(self.notifications_enabled && !self.insights_enabled, || {
            invalid("Notifications need insights to be enabled.")
        })
    }
}

impl Group {
    fn wire(&self) -> Value {
        to_json(self)
    }

    /// CloudFormation's Ref of a group is its ARN.
    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("xray", home, "AWS::XRay::Group", &self.group_arn, self.tags.clone())
            .named(&self.group_name)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateInput {
    group_name: String,
    filter_expression: Option<String>,
    #[serde(default)]
    insights_configuration: Insights,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: CreateInput = call.input()?;
    let tags = tags(input.tags, invalid)?;
    check_filter(input.filter_expression.as_deref())?;
    input.insights_configuration.check()?;
    let name = input.group_name;
    // CreateGroup, GroupName: "Default is a reserved name and names must be unique."
    if name == "Default" || cx.r.xray.groups.contains_key(&name) {
        return Err(invalid(format!("A group with the name {name} already exists.")));
    }
    if cx.r.xray.groups.len() >= MOST_GROUPS {
        return Err(invalid(format!("There can be {MOST_GROUPS} groups at most.")));
    }
    let id = group_id(&mut cx.r.xray.ids);
    let group = Group {
        group_arn: cx.arn("xray", &format!("group/{name}/{id}")),
        group_name: name.clone(),
        filter_expression: input.filter_expression,
        insights_configuration: input.insights_configuration,
        tags,
    };
    let answer = json!({"Group": group.wire()});
    cx.r.xray.groups.insert(name, group);
    Ok(answer)
}

/// The last part of a group's ARN: 52 letters and digits of base32.
fn group_id(ids: &mut IdSource) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut id = String::new();
    for _ in 0..4 {
        let number = ids.number();
        id.extend((0..13).map(|place| char::from(LETTERS[(number >> (place * 5)) as usize % 32])));
    }
    id
}

fn check_filter(expression: Option<&str>) -> Result<(), Refusal> {
    match expression {
        Some(expression) if !filter::is_well_formed(expression) => {
            Err(invalid(format!("The filter expression cannot be read: {expression}")))
        }
        _ => Ok(()),
    }
}

impl State {
    fn group_name(&self, name: Option<&str>, arn: Option<&str>) -> Result<String, Refusal> {
        let group = match one_of("group", name, arn)? {
            Named::Name(name) => self.groups.get(name),
            Named::Arn(arn) => self.groups.values().find(|group| group.group_arn == arn),
        };
        group.map(|group| group.group_name.clone()).ok_or_else(|| invalid("The group does not exist."))
    }
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (group_name, group_arn): (Option<String>, Option<String>) =
        call.members(&["GroupName", "GroupARN"])?;
    let name = cx.r.xray.group_name(group_name.as_deref(), group_arn.as_deref())?;
    Ok(json!({"Group": cx.r.xray.groups[&name].wire()}))
}

pub(super) fn get_all(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let next_token: Option<String> = call.member("NextToken")?;
    check_token(next_token.as_deref())?;
    Ok(json!({"Groups": cx.r.xray.groups.values().map(Group::wire).collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UpdateInput {
    group_name: Option<String>,
    #[serde(rename = "GroupARN")]
    group_arn: Option<String>,
    filter_expression: Option<String>,
    insights_configuration: Option<Insights>,
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: UpdateInput = call.input()?;
    let state = &mut cx.r.xray;
    let name = state.group_name(input.group_name.as_deref(), input.group_arn.as_deref())?;
    check_filter(input.filter_expression.as_deref())?;
    input.insights_configuration.map_or(Ok(()), Insights::check)?;
    let group = state.groups.get_mut(&name).expect("the name was found among the groups");
    if input.filter_expression.is_some() {
        group.filter_expression = input.filter_expression;
    }
    if let Some(insights) = input.insights_configuration {
        group.insights_configuration = insights;
    }
    Ok(json!({"Group": group.wire()}))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (group_name, group_arn): (Option<String>, Option<String>) =
        call.members(&["GroupName", "GroupARN"])?;
    let name = cx.r.xray.group_name(group_name.as_deref(), group_arn.as_deref())?;
    cx.r.xray.groups.remove(&name);
    Ok(json!({}))
}
