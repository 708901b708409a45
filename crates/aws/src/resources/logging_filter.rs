//! Which requests a web ACL logs.

use aws_sdk_wafv2::types::{
    ActionCondition as LiveAction, ActionValue, Condition as Live, Filter as LiveFilter, FilterBehavior,
    FilterRequirement, LabelNameCondition as LiveLabel, LoggingFilter as LiveLogging,
};
use serde::{Deserialize, Serialize};

/// Which requests are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingFilter {
    /// What happens to a request that no filter is for: `KEEP` or `DROP`.
    pub default_behavior: String,
    /// Looked at in their order.
    pub filters: Vec<LogFilter>,
}

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogFilter {
    /// `KEEP` or `DROP`.
    pub behavior: String,
    /// `MEETS_ALL` or `MEETS_ANY`.
    pub requirement: String,
    /// Which requests it is for.
    pub conditions: Vec<LogCondition>,
}

/// What a filter asks of a request: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogCondition {
    /// What a rule decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_condition: Option<ActionCondition>,
    /// A label that a rule gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_name_condition: Option<LabelNameCondition>,
}

/// What a rule decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ActionCondition {
    /// Such as `BLOCK`.
    pub action: String,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LabelNameCondition {
    /// Its whole name.
    pub label_name: String,
}

impl LoggingFilter {
    pub(super) fn for_call(&self) -> LiveLogging {
        let condition = |condition: &LogCondition| {
            let action = condition.action_condition.as_ref().map(|condition| {
                let action = ActionValue::from(condition.action.as_str());
                LiveAction::builder().action(action).build().expect("an action is given")
            });
            let label = condition.label_name_condition.as_ref().map(|condition| {
                LiveLabel::builder().label_name(&condition.label_name).build().expect("a name is given")
            });
            Live::builder().set_action_condition(action).set_label_name_condition(label).build()
        };
        let filter = |filter: &LogFilter| {
            LiveFilter::builder()
                .behavior(FilterBehavior::from(filter.behavior.as_str()))
                .requirement(FilterRequirement::from(filter.requirement.as_str()))
                .set_conditions(Some(filter.conditions.iter().map(condition).collect()))
                .build()
                .expect("all fields are given")
        };
        LiveLogging::builder()
            .default_behavior(FilterBehavior::from(self.default_behavior.as_str()))
            .set_filters(Some(self.filters.iter().map(filter).collect()))
            .build()
            .expect("all fields are given")
    }

    pub(super) fn from_live(live: &LiveLogging) -> Self {
        let condition = |live: &Live| LogCondition {
            action_condition: live
                .action_condition()
                .map(|live| ActionCondition { action: live.action().as_str().to_owned() }),
            label_name_condition: live
                .label_name_condition()
                .map(|live| LabelNameCondition { label_name: live.label_name().to_owned() }),
        };
        let filter = |live: &LiveFilter| LogFilter {
            behavior: live.behavior().as_str().to_owned(),
            requirement: live.requirement().as_str().to_owned(),
            conditions: live.conditions().iter().map(condition).collect(),
        };
        Self {
            default_behavior: live.default_behavior().as_str().to_owned(),
            filters: live.filters().iter().map(filter).collect(),
        }
    }
}
