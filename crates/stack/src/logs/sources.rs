//! Which logs there are.

use aws::resources::{LogGroup, LogGroupOutputs};
use clap::ValueEnum;
use engine::{Component as _, Resolved, Resource as _, State};
use serde::Deserialize as _;

use super::Group;

/// Which logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogSource {
    /// What the application prints, in all its tasks.
    App,
    /// The container beside the application that collects traces.
    Tracing,
    /// A line for each request to the API.
    Api,
    /// What API Gateway does with each request.
    ApiExecution,
    /// What the firewall of the API sees.
    ApiWaf,
    /// What the firewall of the load balancer sees.
    Waf,
    /// PostgreSQL, with the lines of pgaudit.
    Database,
    /// The function that verifies backups.
    Backup,
    /// Who talks to whom in the VPC.
    Flow,
}

impl LogSource {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// As on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Tracing => "tracing",
            Self::Api => "api",
            Self::ApiExecution => "api-execution",
            Self::ApiWaf => "api-waf",
            Self::Waf => "waf",
            Self::Database => "database",
            Self::Backup => "backup",
            Self::Flow => "flow",
        }
    }

    pub(super) fn tier(self) -> &'static str {
        match self {
            Self::App | Self::Tracing => ecs::Tier::NAME,
            Self::Api | Self::ApiExecution | Self::ApiWaf => apigw::Tier::NAME,
            Self::Waf => alb::Tier::NAME,
            Self::Database => database::Tier::NAME,
            Self::Backup => backup::Tier::NAME,
            Self::Flow => vpc::Tier::NAME,
        }
    }

    pub(super) fn kind(self) -> &'static str {
        LogGroup::<Resolved>::KIND
    }

    fn address(self) -> String {
        let name = match self {
            Self::App => "app-log-group",
            Self::Tracing => "tracing-log-group",
            Self::Api => "access-log-group",
            Self::ApiExecution => "execution-log-group",
            Self::ApiWaf | Self::Waf => "waf-log-group",
            Self::Database | Self::Backup => "log-group",
            Self::Flow => "flow-log-group",
        };
        format!("{}/{name}", self.tier())
    }

    /// Whether its streams are those of tasks: `PREFIX/CONTAINER/TASK` (ECS Developer Guide, "awslogs-stream-prefix").
    pub(super) fn is_of_tasks(self) -> bool {
        matches!(self, Self::App | Self::Tracing)
    }

    /// What an environment without them has to do to get them.
    pub(super) fn how_to_get(self) -> String {
        let setting = match self {
            Self::App | Self::Api | Self::Database | Self::Backup => {
                return "run `stack up` to create their log group".to_owned();
            }
            Self::Tracing => "ecs.tracing = \"adot\"",
            Self::ApiExecution => "apigw.execution_logs = \"error\"",
            Self::ApiWaf => "apigw.waf.enabled = true",
            Self::Waf => "alb.waf.enabled = true",
            Self::Flow => "vpc.flow_logs.enabled = true",
        };
        format!("set `{setting}` in the configuration and run `stack up` to create their log group")
    }

    /// Its log group, if it is recorded.
    pub(super) fn group(self, state: &State) -> Option<Group> {
        let object = state.current(&self.address()).filter(|object| object.kind == self.kind())?;
        let outputs = LogGroupOutputs::<Resolved>::deserialize(&object.outputs).ok()?;
        let key = object.properties.get("KmsKeyId").and_then(|key| key.as_str());
        Some(Group { source: self, name: outputs.log_group_name.to_string(), key: key.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Config, Place, Stack};

    #[test]
    fn the_names_are_those_of_the_command_line() {
        for source in LogSource::all() {
            assert_eq!(source.to_possible_value().unwrap().get_name(), source.name());
        }
    }

    /// A log group that nobody can read with this command would be missed.
    #[test]
    fn every_log_group_of_the_stack_is_a_source() {
        let config = Config::default();
        let graph =
            Stack::new(config.clone(), &"dev".parse().unwrap()).declare(&Place::imagined(&config)).unwrap();
        let groups = graph.nodes().iter().filter(|node| node.kind == LogSource::App.kind());
        let groups: BTreeSet<String> = groups.map(|node| node.address.to_string()).collect();
        assert_eq!(groups, LogSource::all().map(LogSource::address).collect());
    }
}
