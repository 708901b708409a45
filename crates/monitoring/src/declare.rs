//! The tier itself: which resources there are, and what each takes from which.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Alias, Key};
use aws::{AlarmArn, AlarmName, DeletionPolicy, KeyArn, Names, TopicArn};
use engine::{Component, DeclareError, Declared, Input, Piece, Scope, Stage};
use serde::{Deserialize, Serialize};

use crate::alarms::{self, PAYMENT_ERRORS};
use crate::args::CRITICAL;
use crate::resources::{
    CompositeAlarm, Dashboard, EventSubscription, Group, InsightsConfiguration, MetricFilter,
    MetricTransformation, Sampling, SamplingRule, Subscription, Topic, TopicPolicy,
};
use crate::{Args, DashboardName, Inputs, SamplingRuleName, TraceGroupName, dashboard};

/// For how many days a deleted key can be saved.
const KEY_WINDOW: u32 = 30;
/// Who publishes alarms.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";
/// Who publishes what happens to databases.
const RDS: &str = "events.rds.amazonaws.com";
/// What is told of databases: the type of the source and the categories (Security Hub RDS.19 to RDS.22).
const DATABASE_EVENTS: [(&str, &[&str]); 4] = [
    ("db-cluster", &["failure", "maintenance"]),
    ("db-instance", &["configuration change", "failure", "maintenance"]),
    ("db-parameter-group", &["configuration change"]),
    ("db-security-group", &["configuration change", "failure"]),
];

engine::tier! {
    /// The monitoring tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The dashboard in the console of its region and partition. The reference's address, without a region before
    /// `console`, leads to the region that one saw last.
    pub dashboard_url: S::Of<String>,
    /// The dashboard's name, unique in the account and so with the region in it.
    pub dashboard_name: S::Of<DashboardName>,
    /// Where alarms go. A reference to it waits until CloudWatch may publish.
    pub alarm_topic_arn: S::Of<TopicArn>,
    /// The key that encrypts what is published there. Whoever publishes must be allowed to use it.
    pub alarm_topic_key_arn: S::Of<KeyArn>,
    /// The alarms on metrics.
    pub alarm_names: Vec<S::Of<AlarmName>>,
    /// Their ARNs, in the same order.
    pub alarm_arns: Vec<S::Of<AlarmArn>>,
    /// The alarm on all those that are critical, if there are any.
    pub composite_alarm_arn: Option<S::Of<AlarmArn>>,
    /// What decides which requests are traced, if anything of ours does.
    pub sampling_rule_name: Option<S::Of<SamplingRuleName>>,
    /// The application's traces, if there are such.
    pub trace_group_name: Option<S::Of<TraceGroupName>>,
}

impl Component for Tier {
    const NAME: &'static str = "monitoring";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        args.check(inputs)?;
        Declaring { scope, args, inputs, names }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
}

/// The alarms that were declared.
struct Alarms {
    names: Vec<Input<AlarmName>>,
    arns: Vec<Input<AlarmArn>>,
    critical: Vec<Input<AlarmName>>,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let key = self.key()?;
        let topic = self.topic(&key)?;
        self.database_events(&topic)?;
        self.error_filter()?;
        let alarms = self.alarms(&topic)?;
        let composite = self.composite(&alarms.critical, &topic)?;
        let on_board: Vec<_> = composite.iter().chain(&alarms.arns).cloned().collect();
        let dashboard_name = self.dashboard(&on_board)?;
        let (sampling_rule_name, trace_group_name) = match self.args.tracing.enabled {
            true => (Some(self.sampling_rule()?), Some(self.trace_group()?)),
            false => (None, None),
        };
        Ok(Outputs {
            dashboard_url: self.dashboard_url(&dashboard_name),
            dashboard_name,
            alarm_topic_arn: topic,
            alarm_topic_key_arn: key,
            alarm_names: alarms.names,
            alarm_arns: alarms.arns,
            composite_alarm_arn: composite,
            sampling_rule_name,
            trace_group_name,
        })
    }

    /// CloudWatch cannot use AWS's own key for SNS, whose policy nobody can change.
    fn key(&mut self) -> Result<Input<KeyArn>, DeclareError> {
        let aws::Place { account_id, partition, .. } = &self.inputs.place;
        let root = format!("arn:{partition}:iam::{account_id}:root");
        let policy = PolicyDocument::new([
            Statement::allow(["kms:*"])
                .sid("Account")
                .principal(Principal::Aws(root.into()))
                .resources(["*".into()]),
            Statement::allow(["kms:Decrypt", "kms:GenerateDataKey*"])
                .sid("AlarmsPublish")
                .principal(Principal::Service(CLOUDWATCH.to_owned()))
                .resources(["*".into()])
                // SNS Developer Guide, "Managing Amazon SNS encryption keys and costs", on event sources.
                .when("StringEquals", "aws:SourceAccount", [account_id.clone().into()]),
            // Whose databases, the topic's policy says: Aurora's documentation gives this statement no condition.
            Statement::allow(["kms:Decrypt", "kms:GenerateDataKey*"])
                .sid("DatabaseEventsPublish")
                .principal(Principal::Service(RDS.to_owned()))
                .resources(["*".into()]),
        ]);
        let key = Key {
            description: "Encrypts what alarms of the payment stack say".to_owned(),
            enabled: true,
            deletion_date: None,
            enable_key_rotation: true,
            rotation_period_in_days: None,
            key_policy: policy,
            pending_window_in_days: KEY_WINDOW,
            deletion_policy: DeletionPolicy::Delete,
            tags: self.names.tags("alarms-key"),
        };
        let key = self.scope.add("key", key)?;
        let alias = Alias {
            alias_name: format!("alias/{}", self.names.name("alarms")).into(),
            target_key_id: key.key_id,
        };
        self.scope.add("key-alias", alias)?;
        Ok(key.arn)
    }

    /// The topic, known once CloudWatch may publish to it.
    fn topic(&mut self, key: &Input<KeyArn>) -> Result<Input<TopicArn>, DeclareError> {
        let topic = Topic {
            topic_name: self.names.name("alarms"),
            display_name: format!("Payment alarms, {}", self.names.environment()),
            kms_master_key_id: key.clone(),
            tags: self.names.tags("alarms"),
        };
        let topic = self.scope.add("topic", topic)?.topic_arn;
        for email in &self.args.alarm_emails {
            let subscription = Subscription {
                topic_arn: topic.clone(),
                protocol: "email".to_owned(),
                endpoint: email.clone(),
                filter_policy: None,
            };
            self.scope.add(&format!("email-{}", address_of(email)), subscription)?;
        }
        let account = self.inputs.place.account_id.clone();
        let this = || [topic.text()];
        let policy = PolicyDocument::new([
            Statement::allow(["sns:Publish"])
                .sid("AlarmsPublish")
                .principal(Principal::Service(CLOUDWATCH.to_owned()))
                .resources(this())
                // SNS Developer Guide, "Example cases for Amazon SNS access control", on CloudWatch alarms.
                .when("StringEquals", "aws:SourceAccount", [account.clone().into()]),
            Statement::allow(["sns:Publish"])
                .sid("DatabaseEventsPublish")
                .principal(Principal::Service(RDS.to_owned()))
                .resources(this())
                // Aurora User Guide, "Granting permissions to publish notifications to an Amazon SNS topic".
                .when("StringEquals", "aws:SourceAccount", [account.into()]),
            Statement::deny(["sns:Publish"])
                .sid("OnlyTls")
                .principal(Principal::Anyone)
                .resources(this())
                .when("Bool", "aws:SecureTransport", ["false".into()]),
        ]);
        let policy = TopicPolicy { topics: [topic], policy_document: policy };
        Ok(self.scope.add("topic-policy", policy)?.topic_arn)
    }

    /// What happens to the database is told where alarms are: of the stack's cluster and instances, and of all groups in the
    /// account, of which none is the stack's alone.
    fn database_events(&mut self, topic: &Input<TopicArn>) -> Result<(), DeclareError> {
        let Some(database) = &self.inputs.database else { return Ok(()) };
        for (source_type, categories) in DATABASE_EVENTS {
            let source_ids = match source_type {
                "db-cluster" => vec![database.cluster_id.text()],
                "db-instance" => database.instance_ids.clone(),
                _ => Vec::new(),
            };
            let what = format!("{source_type}-events");
            let subscription = EventSubscription {
                subscription_name: self.names.name(&what),
                sns_topic_arn: topic.clone(),
                source_type: source_type.to_owned(),
                source_ids,
                event_categories: categories.iter().map(ToString::to_string).collect(),
                enabled: true,
                tags: self.names.tags(&what),
            };
            self.scope.add(&what, subscription)?;
        }
        Ok(())
    }

    /// Counts errors in the application's log.
    fn error_filter(&mut self) -> Result<(), DeclareError> {
        let Some(containers) = &self.inputs.containers else { return Ok(()) };
        let filter = MetricFilter {
            filter_name: PAYMENT_ERRORS.to_owned(),
            log_group_name: containers.app_log_group_name.clone(),
            filter_pattern: self.args.error_pattern.clone(),
            metric_transformations: vec![MetricTransformation {
                metric_name: PAYMENT_ERRORS.to_owned(),
                metric_namespace: alarms::own_namespace(&self.names),
                metric_value: "1".to_owned(),
                default_value: Some(0.0),
                unit: "Count".to_owned(),
                dimensions: Vec::new(),
            }],
            apply_on_transformed_logs: false,
            field_selection_criteria: None,
            emit_system_field_dimensions: Vec::new(),
        };
        self.scope.add("payment-errors", filter).map(drop)
    }

    fn alarms(&mut self, topic: &Input<TopicArn>) -> Result<Alarms, DeclareError> {
        let mut alarms = Alarms { names: Vec::new(), arns: Vec::new(), critical: Vec::new() };
        for spec in alarms::all(self.args, &self.names, self.inputs) {
            let alarm = spec.alarm(&self.names, self.args.period, topic);
            let added = self.scope.add(&format!("alarm-{}", spec.full_name()), alarm)?;
            if spec.is_critical() {
                alarms.critical.push(added.alarm_name.clone());
            }
            alarms.names.push(added.alarm_name);
            alarms.arns.push(added.arn);
        }
        Ok(alarms)
    }

    /// One alarm on all those that are critical.
    fn composite(
        &mut self,
        critical: &[Input<AlarmName>],
        topic: &Input<TopicArn>,
    ) -> Result<Option<Input<AlarmArn>>, DeclareError> {
        if critical.is_empty() || self.args.disabled_alarms.iter().any(|name| name == CRITICAL) {
            return Ok(None);
        }
        let mut rule: Vec<Piece> = Vec::new();
        for (index, name) in critical.iter().enumerate() {
            let before = if index == 0 { "ALARM(\"" } else { " OR ALARM(\"" };
            rule.extend([before.into(), name.into(), "\")".into()]);
        }
        let alarm = CompositeAlarm {
            alarm_name: self.names.name(CRITICAL).into(),
            alarm_description: "Payments fail, or are about to: one of the critical alarms is on.".to_owned(),
            alarm_rule: Input::join(rule),
            actions_enabled: true,
            alarm_actions: vec![topic.clone()],
            ok_actions: vec![topic.clone()],
            insufficient_data_actions: Vec::new(),
            actions_suppressor: None,
            actions_suppressor_wait_period: None,
            actions_suppressor_extension_period: None,
            tags: self.names.tags(CRITICAL),
        };
        Ok(Some(self.scope.add("alarm-critical", alarm)?.arn))
    }

    fn dashboard(&mut self, alarms: &[Input<AlarmArn>]) -> Result<Input<DashboardName>, DeclareError> {
        // All regions of an account share the names of dashboards.
        let what = self.names.name("dashboard");
        let dashboard = Dashboard {
            dashboard_name: format!("{what}-{}", self.inputs.place.region).into(),
            dashboard_body: dashboard::body(&self.names, self.inputs, alarms, self.args.period),
            tags: self.names.tags("dashboard"),
        };
        Ok(self.scope.add("dashboard", dashboard)?.dashboard_name)
    }

    fn dashboard_url(&self, name: &Input<DashboardName>) -> Input<String> {
        let aws::Place { region, partition, .. } = &self.inputs.place;
        let domain = match partition.as_str() {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        let before = format!("https://{region}.{domain}/cloudwatch/home?region={region}#dashboards:name=");
        Input::join([before.into(), name.into()])
    }

    /// A rule for this environment's services only, by what their names have in common: the API's stage, which decides
    /// first, and the application.
    fn sampling_rule(&mut self) -> Result<Input<SamplingRuleName>, DeclareError> {
        let tracing = self.args.tracing;
        let any = || "*".to_owned();
        let rule = SamplingRule {
            rule_name: self.names.name("traces").into(),
            sampling_rule: Sampling {
                priority: tracing.priority,
                fixed_rate: tracing.fixed_rate,
                reservoir_size: tracing.reservoir,
                service_name: format!("{}*", self.names.name("*")),
                service_type: any(),
                host: any(),
                http_method: any(),
                url_path: any(),
                resource_arn: any(),
                version: 1,
            },
            tags: self.names.tags("traces"),
        };
        Ok(self.scope.add("sampling-rule", rule)?.rule_name)
    }

    fn trace_group(&mut self) -> Result<Input<TraceGroupName>, DeclareError> {
        let group = Group {
            group_name: self.names.name("traces").into(),
            filter_expression: format!("service(\"{}\")", self.names.name("app")),
            insights_configuration: InsightsConfiguration {
                insights_enabled: true,
                notifications_enabled: false,
            },
            tags: self.names.tags("traces"),
        };
        Ok(self.scope.add("trace-group", group)?.group_name)
    }
}

/// An e-mail address as a part of an address in the graph: its letters and digits, and the others by what they are.
fn address_of(email: &str) -> String {
    let part = |c: char| match c {
        'a'..='z' | '0'..='9' => c.to_string(),
        'A'..='Z' => c.to_ascii_lowercase().to_string(),
        '.' => "-".to_owned(),
        '@' => "-at-".to_owned(),
        other => format!("-{:x}-", u32::from(other)),
    };
    email.chars().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_emails_tell_them_apart() {
        let emails = ["ops@example.com", "o.ps@example.com", "o-ps@example.com", "o_ps@example.com"];
        let addresses = emails.map(address_of);
        assert_eq!(addresses[0], "ops-at-example-com");
        let all: std::collections::BTreeSet<_> = addresses.iter().collect();
        assert_eq!(all.len(), emails.len());
    }
}
