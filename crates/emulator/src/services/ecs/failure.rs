//! Why tasks cannot start.

use serde::{Deserialize, Serialize};

use super::lookup::{self, Image};
use super::reach;
use super::shapes::NetworkConfiguration;
use super::task_definition::TaskDefinition;
use crate::services::Cx;

/// Who assumes the roles of tasks (ECS Developer Guide, "Amazon ECS task execution IAM role").
const TASKS: &str = "ecs-tasks.amazonaws.com";

/// What keeps every task of a revision from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    /// The container, where it is one container's problem.
    pub(super) container: String,
    /// As in `stoppedReason` (ECS Developer Guide, "Amazon ECS stopped tasks error messages").
    pub(super) reason: String,
}

/// What would keep a task from starting now, in the subnets of a network configuration.
pub(super) fn of(cx: &Cx<'_>, task_definition: &str, network: &NetworkConfiguration) -> Option<Problem> {
    let definition = cx.r.ecs.task_definition(task_definition)?;
    role(cx, definition)
        .or_else(|| reach::problem(cx, definition, network))
        .or_else(|| containers(cx, definition))
}

fn role(cx: &Cx<'_>, definition: &TaskDefinition) -> Option<Problem> {
    let roles = [&definition.execution_role_arn, &definition.task_role_arn];
    let mut roles = roles.into_iter().flatten();
    let refused = roles.find(|arn| cx.global.iam.assumable(arn, TASKS, cx.now_millis).is_err())?;
    let reason = format!(
        "ECS was unable to assume the role '{refused}' that was provided for this task. Please verify that the role being \
         passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
    );
    Some(Problem { container: String::new(), reason })
}

fn containers(cx: &Cx<'_>, definition: &TaskDefinition) -> Option<Problem> {
    definition.container_definitions.iter().find_map(|container| {
        let problem = |reason: String| Some(Problem { container: container.name.clone(), reason });
        if let Image::Missing(message) = lookup::image(cx, &container.image) {
            return problem(format!(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {message}"
            ));
        }
        let needed = container.needed_log_group();
        if let Some((_, name)) = needed.filter(|(region, name)| !lookup::log_group_exists(cx, region, name)) {
            return problem(format!(
                "ResourceInitializationError: failed to validate logger args: The log group {name} does not exist."
            ));
        }
        let mut secrets = container.secrets.iter().flatten().filter_map(|secret| secret.secret_arn());
        let missing = secrets.find(|arn| !lookup::secret_exists(cx, arn))?;
        problem(format!(
            "ResourceInitializationError: unable to pull secrets or registry auth: ResourceNotFoundException: \
             Secrets Manager can't find the specified secret {missing}."
        ))
    })
}
