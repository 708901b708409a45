//! Who may do what: the policies of the tier's roles.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::InlinePolicy;
use aws::{LogGroupArn, Place};
use engine::Input;

use crate::args::DatabaseCredentials;
use crate::inputs::DatabaseInputs;

/// What lets ECS's tasks of this account and region take a role, and no others (ECS Developer Guide, "Amazon ECS task IAM
/// role", which has both conditions).
pub(crate) fn task_trust(place: &Place) -> PolicyDocument {
    trust(TASKS, |statement| {
        statement.when("StringEquals", "aws:SourceAccount", [place.account_id.clone().into()]).when(
            "ArnLike",
            "aws:SourceArn",
            [place.arn("ecs", "*").into()],
        )
    })
}

/// What lets Fargate take a role before and beside a task. AWS documents no condition for it (ECS Developer Guide, "Amazon ECS
/// task execution IAM role"), so it has none; who may hand it to a task is limited by `iam:PassRole`.
pub(crate) fn execution_trust() -> PolicyDocument {
    trust(TASKS, |statement| statement)
}

/// What lets ECS itself take a role. AWS documents no condition for it, and a deployment whose role ECS cannot take is rolled
/// back (ECS Developer Guide, "Amazon ECS infrastructure IAM role for load balancers").
pub(crate) fn service_trust() -> PolicyDocument {
    trust("ecs.amazonaws.com", |statement| statement)
}

const TASKS: &str = "ecs-tasks.amazonaws.com";

fn trust(service: &str, further: impl FnOnce(Statement) -> Statement) -> PolicyDocument {
    let statement = Statement::allow(["sts:AssumeRole"]).principal(Principal::Service(service.to_owned()));
    PolicyDocument::new([further(statement)])
}

/// What Fargate does for a task before and beside it: pull its images, write its logs, give it a secret, if it gets one.
pub(crate) fn execution(
    place: &Place,
    repositories: Vec<Input<String>>,
    log_groups: &[Input<LogGroupArn>],
    secret_of: Option<&DatabaseInputs>,
) -> Vec<InlinePolicy> {
    let pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"];
    let statements = [
        // The call has no resource.
        Statement::allow(["ecr:GetAuthorizationToken"]).sid("SignIn").resources(["*".into()]),
        Statement::allow(pull).sid("Pull").resources(repositories),
        Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"])
            .sid("Log")
            .resources(log_groups.iter().map(Input::text)),
    ];
    let own = named("ecs-execution", statements);
    secret_of.map(|database| secret(place, database)).into_iter().chain([own]).collect()
}

fn named(name: impl Into<String>, statements: impl IntoIterator<Item = Statement>) -> InlinePolicy {
    InlinePolicy { policy_name: name.into(), policy_document: PolicyDocument::new(statements) }
}

/// What the application itself does, if it does anything: IAM refuses a policy that says nothing.
///
/// What opens the database is a policy of its own, of which the name says how. So another user, or another sort of credentials, is
/// another policy: the role has it before the first task is started that needs it, and the former one goes after the last task
/// that does (see [`Role`](aws::resources::Role)).
pub(crate) fn task(
    place: &Place,
    database: Option<(&DatabaseInputs, DatabaseCredentials)>,
    traces: bool,
    execute_command: bool,
) -> Vec<InlinePolicy> {
    let mut statements = Vec::new();
    if traces {
        // None of these calls has a resource.
        let actions = [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
        ];
        statements.push(Statement::allow(actions).sid("Trace").resources(["*".into()]));
    }
    if execute_command {
        let actions = [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ];
        statements.push(Statement::allow(actions).sid("ExecuteCommand").resources(["*".into()]));
    }
    let own = (!statements.is_empty()).then(|| named("ecs-task", statements));
    database
        .map(|(database, credentials)| connect(place, database, credentials))
        .into_iter()
        .chain(own)
        .collect()
}

/// Logging in to the database.
fn connect(place: &Place, database: &DatabaseInputs, credentials: DatabaseCredentials) -> InlinePolicy {
    match credentials {
        DatabaseCredentials::Iam => {
            // Exactly this user of exactly this cluster (Aurora User Guide, "Creating and using an IAM policy for IAM database
            // access").
            let users = format!("{}:", place.arn("rds-db", "dbuser"));
            let arn = [users.into(), (&database.resource_id).into(), "/".into(), (&database.user).into()];
            let statement = Statement::allow(["rds-db:connect"]).sid("Connect").resources([Input::join(arn)]);
            let user = database.user.literal().map(|user| format!("-{user}")).unwrap_or_default();
            named(format!("database-user{user}"), [statement])
        }
        // RDS rotates the password, so a task that is refused reads the secret again.
        DatabaseCredentials::MasterSecret => secret(place, database),
    }
}

/// Reading the database's secret, and using its key for that and nothing else.
fn secret(place: &Place, database: &DatabaseInputs) -> InlinePolicy {
    let statements = [
        Statement::allow(["secretsmanager:GetSecretValue"])
            .sid("ReadSecret")
            .resources([database.secret_arn.text()]),
        Statement::allow(["kms:Decrypt"]).sid("DecryptSecret").resources([database.key_arn.text()]).when(
            "StringEquals",
            "kms:ViaService",
            place.via("secretsmanager"),
        ),
    ];
    named("database-secret", statements)
}
