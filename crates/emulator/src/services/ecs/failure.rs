//! Why tasks cannot start, or do not go on.

use serde::{Deserialize, Serialize};

use super::fate::{self, Fate};
use super::lookup::{self, Image};
use super::reach;
use super::revision::Revision;
use super::task_definition::TaskDefinition;
use crate::machine::faults::ContainerFault;
use crate::services::Cx;

/// Who assumes the roles of tasks (ECS Developer Guide, "Amazon ECS task execution IAM role").
const TASKS: &str = "ecs-tasks.amazonaws.com";

/// What keeps every task of a revision from starting, or from going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    /// The container, where it is one container's problem.
    pub(super) container: String,
    /// As in `stoppedReason` (ECS Developer Guide, "Amazon ECS stopped tasks error messages").
    pub(super) reason: String,
    /// How they fail once they have started, if they start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fate: Option<Fate>,
}

/// What would keep a task from starting or going on now.
pub(super) fn of(cx: &Cx<'_>, revision: &Revision) -> Option<Problem> {
    let definition = cx.r.ecs.task_definition(&revision.task_definition)?;
    role(cx, definition)
        .or_else(|| reach::problem(cx, definition, &revision.network_configuration))
        .or_else(|| containers(cx, definition))
        .or_else(|| {
            let (container, fate) = fate::of(cx, definition, revision)?;
            Some(Problem { container, reason: fate.reason(), fate: Some(fate) })
        })
}

fn role(cx: &Cx<'_>, definition: &TaskDefinition) -> Option<Problem> {
    let roles = [&definition.execution_role_arn, &definition.task_role_arn];
    let mut roles = roles.into_iter().flatten();
    let refused = roles.find(|arn| cx.global.iam.assumable(arn, TASKS, cx.now_millis).is_err())?;
    let reason = format!(
        "ECS was unable to assume the role '{refused}' that was provided for this task. Please verify that the role being \
         passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
    );
    Some(Problem { container: String::new(), reason, fate: None })
}

fn containers(cx: &Cx<'_>, definition: &TaskDefinition) -> Option<Problem> {
    definition.container_definitions.iter().find_map(|container| {
        let problem =
            |reason: String| Some(Problem { container: container.name.clone(), reason, fate: None });
        let missing = match (lookup::image(cx, &container.image), fate::fault(cx, container)) {
            (Image::Missing(message), _) => Some(message),
            (_, Some(ContainerFault::NoImage)) => Some(format!("{}: not found", container.image)),
            _ => None,
        };
        if let Some(message) = missing {
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
