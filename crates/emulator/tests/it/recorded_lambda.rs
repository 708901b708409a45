//! What real AWS answered to calls of Lambda.

use aws_sdk_lambda::operation::get_function::GetFunctionError;
use aws_sdk_lambda::operation::get_policy::GetPolicyError;
use aws_sdk_lambda::operation::update_function_configuration::UpdateFunctionConfigurationError;
use aws_sdk_lambda::types::{Architecture, DestinationConfig, OnFailure, Runtime};
use emulator::Emulator;

use crate::lambda::Functions;
use crate::recorded::{answer, shown};
use crate::rows::check;
use crate::support::REGION;

const INVALID: &str = "InvalidParameterValueException 400";
const MISSING: &str = "ResourceNotFoundException 404";
const STALE: &str = "PreconditionFailedException 412";

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:123456789012:function:{name}")
}

#[tokio::test(start_paused = true)]
async fn revisions_and_states_of_a_function() {
    let functions = Functions::of(Emulator::in_memory());
    let lambda = &functions.lambda;
    let role = functions.role().await;
    let made = functions.create("f", &role).send().await.unwrap();
    let get = async || lambda.get_function_configuration().function_name("f").send().await.unwrap();
    let active = get().await;
    let revision = async || get().await.revision_id.unwrap();
    let update =
        |revision: &str| lambda.update_function_configuration().function_name("f").revision_id(revision);
    let stale = made.revision_id().unwrap();
    let listed = lambda.list_functions().send().await.unwrap().functions.unwrap().remove(0);
    check([
        ("B18: a new function is pending", r#"(Some(Pending), Some(Creating), None)"#, {
            shown(&(made.state(), made.state_reason_code(), made.last_update_status()))
        }),
        ("B18: then it is active", r#"(Some(Active), None, Some(Successful))"#, {
            shown(&(active.state(), active.state_reason_code(), active.last_update_status()))
        }),
        ("B18+: lists show no state", "(None, None, None)", {
            shown(&(listed.state(), listed.last_update_status(), listed.runtime_version_config()))
        }),
        ("A1: the revision of CreateFunction is stale", STALE, answer(update(stale).send().await)),
        ("A1: the one that is read is not", "ok", answer(update(&revision().await).send().await)),
    ]);

    let changed = update(&revision().await).timeout(9).send().await.unwrap();
    let allow = |revision: &str| {
        let call = lambda.add_permission().function_name("f").statement_id("s").revision_id(revision);
        call.action("lambda:InvokeFunction").principal("events.amazonaws.com")
    };
    let before = revision().await;
    check([
        ("B18+: a change is in progress", r#"Some("InProgress")"#, {
            shown(&changed.last_update_status().map(|status| status.as_str()))
        }),
        ("A1+: the revision of an update is stale", STALE, {
            answer(update(changed.revision_id().unwrap()).send().await)
        }),
        ("A1+: a permission with it", STALE, answer(allow(changed.revision_id().unwrap()).send().await)),
        ("A1+: a permission with the one that is read", "ok", answer(allow(&before).send().await)),
        ("A1+: which changes the function's", STALE, answer(update(&before).send().await)),
    ]);
    let policy = lambda.get_policy().function_name("f").send().await.unwrap();
    assert_eq!(policy.revision_id(), Some(revision().await.as_str()));
    let forbid = lambda.remove_permission().function_name("f").statement_id("s");
    let forbid = forbid.revision_id(revision().await);
    assert_eq!(answer(forbid.send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn qualifiers() {
    let functions = Functions::of(Emulator::in_memory());
    let lambda = &functions.lambda;
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    let reserve =
        |name: &str| lambda.put_function_concurrency().function_name(name).reserved_concurrent_executions(1);
    let get = async |name: &str, qualifier: Option<&str>| {
        let call = lambda.get_function().function_name(name).set_qualifier(qualifier.map(str::to_owned));
        call.send().await.unwrap().configuration.unwrap().function_arn.unwrap()
    };
    let configuration = lambda.get_function_configuration().function_name("f").qualifier("$LATEST");
    let mixed = lambda.get_function().function_name("f:$LATEST").qualifier("7");
    let allow = |name: &str| {
        let call = lambda.add_permission().function_name(name).statement_id("s");
        call.action("lambda:InvokeFunction").principal("events.amazonaws.com")
    };
    let tag = lambda.tag_resource().resource(arn("f:$LATEST")).tags("a", "b");
    let delete = |name: &str| lambda.delete_function().function_name(name);
    check([
        ("A12: concurrency of a version", INVALID, answer(reserve("f:$LATEST").send().await)),
        ("A12: by its ARN", INVALID, answer(reserve(&arn("f:$LATEST")).send().await)),
        ("A12: concurrency of the function", "ok", answer(reserve(&arn("f")).send().await)),
        ("A12+: it is given back for the function", INVALID, {
            answer(lambda.delete_function_concurrency().function_name("f:$LATEST").send().await)
        }),
        ("A12+: tags of a version", INVALID, answer(tag.send().await)),
        ("A12: the ARN has the qualifier", &arn("f:$LATEST"), get("f", Some("$LATEST")).await),
        ("A12: also of a qualified name", &arn("f:$LATEST"), get("f:$LATEST", None).await),
        ("A12: and has none", &arn("f"), get("f", None).await),
        ("A12: in the configuration too", &arn("f:$LATEST"), {
            configuration.send().await.unwrap().function_arn.unwrap()
        }),
        ("A12+: two qualifiers", INVALID, answer(mixed.send().await)),
        ("A12+: a permission for $LATEST", INVALID, { answer(allow("f").qualifier("$LATEST").send().await) }),
        ("A12+: in the name", INVALID, answer(allow("f:$LATEST").send().await)),
        ("A12+: a permission for a version", MISSING, answer(allow("f").qualifier("1").send().await)),
        ("D46: delete an unknown version", "ok", answer(delete("f").qualifier("5").send().await)),
        ("D46: by its name", "ok", answer(delete("f:5").send().await)),
        ("D46: the function is still there", &arn("f"), get("f", None).await),
        ("D46+: of a function that is not there", MISSING, answer(delete("g").qualifier("5").send().await)),
        ("D46+: delete $LATEST", INVALID, answer(delete("f").qualifier("$LATEST").send().await)),
        ("D46+: delete an alias", INVALID, answer(delete("f").qualifier("live").send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn codes_and_types_of_errors() {
    let functions = Functions::of(Emulator::in_memory());
    let lambda = &functions.lambda;
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    let update = || lambda.update_function_configuration().function_name("f");
    let other = Architecture::from("sparc");
    check([
        ("C31: unknown runtime", INVALID, {
            answer(functions.create("g", &role).runtime(Runtime::from("python4.9")).send().await)
        }),
        ("C31: the same in an update", INVALID, {
            answer(update().runtime(Runtime::from("python4.9")).send().await)
        }),
        ("C31+: other enumerations", "ValidationException 400", {
            answer(functions.create("g", &role).architectures(other).send().await)
        }),
    ]);

    let missing = lambda.get_function().function_name("g").send().await.unwrap_err().into_service_error();
    let GetFunctionError::ResourceNotFoundException(missing) = missing else { panic!("{missing:?}") };
    let policy = lambda.get_policy().function_name("f").send().await.unwrap_err().into_service_error();
    let GetPolicyError::ResourceNotFoundException(policy) = policy else { panic!("{policy:?}") };
    let large = update().timeout(901).send().await.unwrap_err().into_service_error();
    let UpdateFunctionConfigurationError::InvalidParameterValueException(large) = large else {
        panic!("{large:?}")
    };
    let stale = update().revision_id("x").send().await.unwrap_err().into_service_error();
    let UpdateFunctionConfigurationError::PreconditionFailedException(stale) = stale else {
        panic!("{stale:?}")
    };
    let user = r#"Some("User")"#;
    check([
        ("B28: the type of a missing function", user, shown(&missing.r#type())),
        ("B28: of a missing policy", user, shown(&policy.r#type())),
        ("B28: of a wrong value", user, shown(&large.r#type())),
        ("B28: of a stale revision", user, shown(&stale.r#type())),
        ("B28: with its message", "true", shown(&missing.message().is_some_and(|text| text.contains("g")))),
    ]);
}

#[tokio::test(start_paused = true)]
async fn where_events_go() {
    let functions = Functions::of(Emulator::in_memory());
    let lambda = &functions.lambda;
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    functions.create("g", &role).send().await.unwrap();
    let put = || lambda.put_function_event_invoke_config().function_name("f").maximum_retry_attempts(1);
    let none = put().send().await.unwrap().destination_config.unwrap();
    let to = |name: &str| {
        let destination = OnFailure::builder().destination(arn(name)).build();
        put().destination_config(DestinationConfig::builder().on_failure(destination).build())
    };
    check([
        ("B18+: both destinations are shown", "(true, true)", {
            shown(&(none.on_success().is_some(), none.on_failure().is_some()))
        }),
        ("A12+: the function itself", INVALID, answer(to("f").send().await)),
        ("A12+: another one", "ok", answer(to("g").send().await)),
    ]);
    let found = lambda.get_function_event_invoke_config().function_name("f").send().await.unwrap();
    let found = found.destination_config.unwrap();
    assert_eq!(found.on_failure().unwrap().destination(), Some(arn("g").as_str()));
    assert_eq!(found.on_success().unwrap().destination(), None);
}
