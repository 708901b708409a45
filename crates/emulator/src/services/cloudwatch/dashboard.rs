//! Dashboards. They belong to no region: two regions that put the same name share one dashboard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alarm::read_tags;
use super::{invalid_value, page, widget};
use crate::services::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Tag, Tags, ensure, rate,
    unknown_operation,
};

/// The dashboards of the account (PutDashboard: "All dashboards in your account are global, not region-specific").
/// Their operations are CloudWatch's in every region.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Dashboards {
    dashboards: BTreeMap<String, Dashboard>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dashboard {
    dashboard_body: String,
    last_modified: f64,
    #[serde(rename = "_tags")]
    tags: Tags,
}

impl Api for Dashboards {
    const INVALID: &'static str = "ValidationError";
    // No call comes here: calls for dashboards are CloudWatch's.
    const LIMITS: ServiceLimits = ServiceLimits::together(rate(10.0, 10.0));

    fn new(_ids: IdSource, _region: &str) -> Self {
        Dashboards::default()
    }

    fn answer(_cx: &mut Cx<'_>, call: &Call) -> Answer {
        Err(unknown_operation(call))
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object = |(name, dashboard): (&String, &Dashboard)| {
            Object::new("monitoring", home, "AWS::CloudWatch::Dashboard", name, dashboard.tags.clone())
                .named(name)
        };
        self.dashboards.iter().map(object).collect()
    }
}

impl Dashboards {
    pub(super) fn tags_mut(&mut self, name: &str) -> Option<&mut Tags> {
        self.dashboards.get_mut(name).map(|dashboard| &mut dashboard.tags)
    }
}

/// TagResource, ResourceARN: a dashboard's has no region.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch::{ACCOUNT_ID}:dashboard/{name}")
}

fn not_found(name: &str) -> Refusal {
    // The model's name of the error, which CloudWatch sends together with its old code ResourceNotFound.
    Refusal::new("DashboardNotFoundError", format!("Dashboard {name} does not exist")).with_status(404)
}

/// PutDashboard, DashboardName: "The maximum length is 255, and valid characters are A-Z, a-z, 0-9, "-", and "_"."
fn check_name(name: &str) -> Result<(), Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure((1..=255).contains(&name.len()) && name.chars().all(legal), || {
        invalid_value(format!("The value {name} for field DashboardName contains invalid characters."))
    })
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (dashboard_name, dashboard_body, tags): (String, String, Vec<Tag>) =
        call.members(&["DashboardName", "DashboardBody", "Tags"])?;
    check_name(&dashboard_name)?;
    widget::check_body(&dashboard_body)?;
    let tags = read_tags(tags)?;
    let last_modified = cx.now_seconds();
    let dashboards = &mut cx.global.dashboards.dashboards;
    match dashboards.get_mut(&dashboard_name) {
        // PutDashboard, Tags: ignored when an existing dashboard is updated.
        Some(dashboard) => {
            dashboard.dashboard_body = dashboard_body;
            dashboard.last_modified = last_modified;
        }
        None => {
            let dashboard = Dashboard { dashboard_body, last_modified, tags };
            dashboards.insert(dashboard_name, dashboard);
        }
    }
    Ok(json!({"DashboardValidationMessages": []}))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let dashboard_name: String = call.member("DashboardName")?;
    check_name(&dashboard_name)?;
    let dashboards = &cx.global.dashboards.dashboards;
    let dashboard = dashboards.get(&dashboard_name).ok_or_else(|| not_found(&dashboard_name))?;
    Ok(json!({
        "DashboardArn": arn(&dashboard_name),
        "DashboardBody": dashboard.dashboard_body,
        "DashboardName": dashboard_name,
    }))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (dashboard_name_prefix, next_token): (Option<String>, Option<String>) =
        call.members(&["DashboardNamePrefix", "NextToken"])?;
    let dashboard_name_prefix = dashboard_name_prefix.unwrap_or_default();
    let dashboards = cx.global.dashboards.dashboards.iter();
    let entries =
        dashboards.filter(|(name, _)| name.starts_with(&dashboard_name_prefix)).map(|(name, dashboard)| {
            let entry = json!({
                "DashboardArn": arn(name),
                "DashboardName": name,
                "LastModified": dashboard.last_modified,
                "Size": dashboard.dashboard_body.len(),
            });
            (name.clone(), entry)
        });
    // ListDashboards: "up to 1000 results on one page".
    let (entries, token): (Vec<Value>, _) = page(entries, next_token.as_deref(), 1000)?;
    Ok(json!({"DashboardEntries": entries, "NextToken": token}))
}

/// Deletes what is there (DeleteDashboards: "the operation attempts to delete as many dashboards as possible"); if
/// nothing of it is there, that is an error.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let dashboard_names: Vec<String> = call.member("DashboardNames")?;
    dashboard_names.iter().try_for_each(|name| check_name(name))?;
    if dashboard_names.len() > 100 {
        return Err(invalid_value("100 dashboards at most can be deleted in a call."));
    }
    let dashboards = &mut cx.global.dashboards.dashboards;
    if let Some(name) =
        dashboard_names.first().filter(|_| !dashboard_names.iter().any(|name| dashboards.contains_key(name)))
    {
        return Err(not_found(name));
    }
    dashboards.retain(|name, _| !dashboard_names.contains(name));
    Ok(json!({}))
}
