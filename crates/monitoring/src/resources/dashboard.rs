//! A dashboard: graphs on one page.
//!
//! The surprise: dashboards belong to no region. Their names are unique in the account, and the call that makes one
//! writes over one of that name, so that the same stack in two regions needs two names.
//!
//! Wait: nothing; a dashboard refers to names only, and CloudWatch checks none of them. Read: the body comes back as the text that
//! was put. Update: a put replaces the whole body; of a body with mistakes CloudWatch keeps what it understands, and says the rest
//! in `DashboardValidationMessages`. No state is terminal: there is none.

use async_trait::async_trait;
use aws::cloudwatch::{client, live_tags, retag, tag, taken};
use aws::{CallResult, Called, Context, Tags, converge};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DashboardName;

/// The properties of a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dashboard<S: Stage = Declared> {
    /// Its name, unique in the account: letters, digits, hyphens and underscores.
    pub dashboard_name: DashboardName,
    /// What is on it, as JSON (CloudWatch API Reference, "Dashboard Body Structure and Syntax").
    pub dashboard_body: S::Of<String>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DashboardOutputs<S: Stage> {
    /// The name; a reference to it waits until the dashboard exists. CloudFormation has it as `Ref`.
    pub dashboard_name: S::Of<DashboardName>,
}

impl Declares for Dashboard<Declared> {
    type Resolved = Dashboard<Resolved>;
}

/// What is on a dashboard, if there is such a dashboard.
async fn body(cx: &Context, name: &DashboardName) -> Result<Option<String>, CallError> {
    let answer = client(cx).get_dashboard().dashboard_name(name.as_str()).send().await;
    let answer = answer.called("GetDashboard").if_exists()?;
    Ok(answer.map(|answer| answer.dashboard_body.unwrap_or_default()))
}

/// The ARN of a dashboard, which has no region.
fn arn(cx: &Context, name: &DashboardName) -> String {
    format!("arn:{}:cloudwatch::{}:dashboard/{name}", cx.partition(), cx.account_id())
}

/// Whether two bodies say the same, however they are written down.
fn is_same(one: &str, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || parsed(one).is_some_and(|one| Some(one) == parsed(other))
}

impl Dashboard<Resolved> {
    async fn put(&self, cx: &Context, intent: Option<&Intent>) -> Result<(), CallError> {
        let tags = intent.map(|intent| cx.stamp(&self.tags, intent)).transpose()?;
        let request = client(cx)
            .put_dashboard()
            .dashboard_name(self.dashboard_name.as_str())
            .dashboard_body(&self.dashboard_body)
            .set_tags(tags.map(|tags| tags.list(tag)));
        request.send().await.called("PutDashboard").map(drop)
    }

    fn outputs(&self) -> DashboardOutputs<Resolved> {
        DashboardOutputs { dashboard_name: self.dashboard_name.clone() }
    }
}

#[async_trait]
impl Resource for Dashboard<Resolved> {
    const KIND: &'static str = "AWS::CloudWatch::Dashboard";
    const FACTS: Facts = Facts {
        name: Named::ByName("DashboardName"),
        create_only: CreateOnly::These(&["DashboardName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["DashboardName"],
            words: "the name of the dashboard",
            example: "payment-dashboard-dev-ap-southeast-1",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: Some("dashboard"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Dashboard<Declared>;
    type Outputs<S: Stage> = DashboardOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.dashboard_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<DashboardOutputs<Resolved>>, CallError> {
        let name = &self.dashboard_name;
        if body(cx, name).await?.is_none() {
            return Ok(None);
        }
        let Some(tags) = live_tags(cx, &arn(cx, name)).await.if_exists()? else { return Ok(None) };
        cx.adopt(&format!("dashboard {name}"), &tags, search)?;
        Ok(Some(self.outputs()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<DashboardOutputs<Resolved>, CallError> {
        if body(cx, &self.dashboard_name).await?.is_some() {
            return Err(taken("PutDashboard", &format!("dashboard {}", self.dashboard_name)));
        }
        self.put(cx, Some(intent)).await?;
        Ok(self.outputs())
    }

    async fn configure(&self, cx: &Context, outputs: &DashboardOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &DashboardOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let name = &outputs.dashboard_name;
        let Some(live) = body(cx, name).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, &arn(cx, name)).await.if_exists()? else { return Ok(None) };
        Ok(Some(Self {
            dashboard_name: name.clone(),
            dashboard_body: if is_same(&self.dashboard_body, &live) {
                self.dashboard_body.clone()
            } else {
                live
            },
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &DashboardOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<DashboardOutputs<Resolved>, CallError> {
        if changed.has("DashboardBody") {
            self.put(cx, None).await?;
        }
        let arn = arn(cx, &outputs.dashboard_name);
        retag(cx, &arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &DashboardOutputs<Resolved>) -> Result<(), CallError> {
        let request = client(cx).delete_dashboards().dashboard_names(outputs.dashboard_name.as_str());
        request.send().await.called("DeleteDashboards").map(drop).gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_compared_by_what_they_say() {
        assert!(is_same(r#"{"a":1,"b":[2]}"#, "{ \"b\": [2],\n \"a\": 1 }"));
        assert!(!is_same(r#"{"a":1}"#, r#"{"a":2}"#));
        assert!(!is_same("no JSON", "no JSON either"));
    }
}
