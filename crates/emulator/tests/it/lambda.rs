//! Lambda functions.

use std::time::Duration;

use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    ApplicationLogLevel, Architecture, DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig,
    FunctionCode, InvocationType, LastUpdateStatus, LogFormat, LoggingConfig, Runtime, State, TracingConfig,
    TracingMode, VpcConfig,
};
use emulator::Emulator;

use crate::rows::Rows;
use crate::support::{Cloud, NO_KEY, REGION, code, config, said};

const INVALID: &str = "InvalidParameterValueException";
const MISSING: &str = "ResourceNotFoundException";
const CONFLICT: &str = "ResourceConflictException";
const SECRET: &str = "hunter2-hunter2";

/// A zip archive with one stored file.
fn archive(content: &[u8]) -> Blob {
    let name = b"handler.py";
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    for part in [&size[..], &size, &length, &[0; 2], name, content] {
        bytes.extend_from_slice(part);
    }
    let directory = u32::try_from(bytes.len()).unwrap();
    bytes.extend_from_slice(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
    for part in [&size[..], &size, &length, &[0; 16], name] {
        bytes.extend_from_slice(part);
    }
    let length = u32::try_from(bytes.len()).unwrap() - directory;
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    for part in [&length.to_le_bytes()[..], &directory.to_le_bytes(), &[0; 2]] {
        bytes.extend_from_slice(part);
    }
    Blob::new(bytes)
}

pub(crate) struct Functions {
    pub(crate) cloud: Cloud,
    pub(crate) lambda: aws_sdk_lambda::Client,
}

impl Functions {
    pub(crate) fn of(emulator: Emulator) -> Self {
        let lambda = aws_sdk_lambda::Client::new(&config(&emulator, REGION));
        Functions { cloud: Cloud::of(emulator), lambda }
    }

    pub(crate) fn create(&self, name: &str, role: &str) -> CreateFunctionFluentBuilder {
        let code = FunctionCode::builder().zip_file(archive(b"code")).build();
        let call = self.lambda.create_function().function_name(name).role(role).code(code);
        call.runtime(Runtime::Python313).handler("handler.main")
    }

    pub(crate) async fn role(&self) -> String {
        self.cloud.role_for("backup", "lambda.amazonaws.com").await
    }

    async fn state(&self, name: &str) -> (Option<State>, Option<LastUpdateStatus>) {
        let found = self.lambda.get_function_configuration().function_name(name).send().await.unwrap();
        (found.state, found.last_update_status)
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:123456789012:function:{name}")
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .fold(Environment::builder(), |environment, (name, value)| environment.variables(*name, *value))
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_function_comes_back_as_it_was_made() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    let vpc = functions.cloud.vpc().await;
    let subnet = functions.cloud.subnet(&vpc, "10.0.1.0/24").await;
    let group = functions.cloud.group(&vpc, "lambda").await;
    let queue = functions.cloud.queue("dead").await;
    let key = functions.cloud.key().await;
    let call = functions.create("backup", &role).description("Checks").timeout(300).memory_size(256);
    let call = call.architectures(Architecture::Arm64).environment(environment(&[("KEY", SECRET)]));
    let call = call.tracing_config(TracingConfig::builder().mode(TracingMode::Active).build());
    let call = call.dead_letter_config(DeadLetterConfig::builder().target_arn(&queue).build());
    let call = call.ephemeral_storage(EphemeralStorage::builder().size(1024).build().unwrap());
    let logging = LoggingConfig::builder().log_format(LogFormat::Json).log_group("/aws/lambda/backup");
    let call = call.logging_config(logging.application_log_level(ApplicationLogLevel::Warn).build());
    let call = call.vpc_config(VpcConfig::builder().subnet_ids(&subnet).security_group_ids(&group).build());
    let call = call.kms_key_arn(&key).tags("Name", "backup");
    call.send().await.unwrap();

    let found = functions.lambda.get_function().function_name(arn("backup")).send().await.unwrap();
    assert_eq!(found.tags().unwrap()["Name"], "backup");
    let function = found.configuration().unwrap();
    assert_eq!(
        (function.function_arn(), function.role()),
        (Some(arn("backup").as_str()), Some(role.as_str()))
    );
    assert_eq!((function.timeout(), function.memory_size()), (Some(300), Some(256)));
    assert_eq!((function.description(), function.handler()), (Some("Checks"), Some("handler.main")));
    assert_eq!((function.runtime(), function.version()), (Some(&Runtime::Python313), Some("$LATEST")));
    assert_eq!(function.architectures(), [Architecture::Arm64]);
    assert_eq!(function.environment().unwrap().variables().unwrap()["KEY"], SECRET);
    assert_eq!(function.tracing_config().unwrap().mode(), Some(&TracingMode::Active));
    assert_eq!(function.dead_letter_config().unwrap().target_arn(), Some(queue.as_str()));
    assert_eq!(function.ephemeral_storage().unwrap().size(), 1024);
    let logging = function.logging_config().unwrap();
    assert_eq!(
        (logging.log_format(), logging.log_group()),
        (Some(&LogFormat::Json), Some("/aws/lambda/backup"))
    );
    assert_eq!(logging.application_log_level(), Some(&ApplicationLogLevel::Warn));
    let network = function.vpc_config().unwrap();
    assert_eq!((network.vpc_id(), network.subnet_ids()), (Some(vpc.as_str()), &[subnet.clone()][..]));
    assert_eq!(function.kms_key_arn(), Some(key.as_str()));
    assert_eq!(function.code_size(), archive(b"code").as_ref().len() as i64);
    assert_eq!(function.state(), Some(&State::Active));
    assert_eq!(function.last_modified(), Some("2026-01-01T00:00:00.000+0000"));
    let sha256 = function.code_sha256().unwrap();
    assert_eq!((sha256.len(), sha256.ends_with('=')), (44, true));

    let held = functions.cloud.ec2.delete_security_group().group_id(&group).send().await;
    assert_eq!(code(held), "DependencyViolation");
    functions.lambda.delete_function().function_name("backup").send().await.unwrap();
    functions.cloud.ec2.delete_security_group().group_id(&group).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_function_is_changed() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    let made = functions.create("f", &role).environment(environment(&[("OLD", "1")])).send().await.unwrap();
    let call = functions.lambda.update_function_code().function_name("f").zip_file(archive(b"new code"));
    let changed = call.architectures(Architecture::Arm64).send().await.unwrap();
    assert_ne!(changed.code_sha256(), made.code_sha256());
    assert_ne!(changed.revision_id(), made.revision_id());
    assert_eq!(changed.architectures(), [Architecture::Arm64]);
    let call = functions.lambda.update_function_configuration().function_name("f").memory_size(512);
    let changed =
        call.runtime(Runtime::Python314).environment(environment(&[("NEW", "2")])).send().await.unwrap();
    assert_eq!((changed.memory_size(), changed.timeout()), (Some(512), Some(3)));
    assert_eq!(changed.runtime(), Some(&Runtime::Python314));
    let variables = changed.environment().unwrap().variables().unwrap();
    assert_eq!((variables.len(), variables["NEW"].as_str()), (1, "2"));
    let stale = functions.lambda.update_function_configuration().function_name("f");
    let stale = stale.revision_id(made.revision_id().unwrap()).send().await;
    assert_eq!(code(stale), "PreconditionFailedException");

    let call = functions.lambda.tag_resource().resource(arn("f")).tags("a", "1").tags("b", "2");
    call.send().await.unwrap();
    functions.lambda.untag_resource().resource(arn("f")).tag_keys("a").send().await.unwrap();
    let tags = functions.lambda.list_tags().resource(arn("f")).send().await.unwrap().tags.unwrap();
    assert_eq!(tags, [("b".to_owned(), "2".to_owned())].into());
    let all = functions.lambda.list_functions().send().await.unwrap();
    assert_eq!(all.functions()[0].function_name(), Some("f"));
}

fn file_system() -> FileSystemConfig {
    let arn = format!("arn:aws:elasticfilesystem:{REGION}:123456789012:access-point/fsap-0123456789abcdef0");
    FileSystemConfig::builder().arn(arn).local_mount_path("/mnt/shared").build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn layers_and_file_systems_stay_until_they_are_taken_off() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    let vpc = functions.cloud.vpc().await;
    let subnet = functions.cloud.subnet(&vpc, "10.0.1.0/24").await;
    let group = functions.cloud.group(&vpc, "lambda").await;
    let layers =
        ["first:1", "second:7"].map(|name| format!("arn:aws:lambda:{REGION}:210987654321:layer:{name}"));
    let network = VpcConfig::builder().subnet_ids(&subnet).security_group_ids(&group).build();
    let call = functions.create("f", &role).set_layers(Some(layers.to_vec()));
    call.vpc_config(network).file_system_configs(file_system()).send().await.unwrap();
    let change = || functions.lambda.update_function_configuration().function_name("f");
    change().timeout(7).send().await.unwrap();
    let found = functions.lambda.get_function_configuration().function_name("f").send().await.unwrap();
    let shown: Vec<&str> = found.layers().iter().filter_map(|layer| layer.arn()).collect();
    assert_eq!(shown, layers);
    assert_eq!(found.file_system_configs(), [file_system()]);

    let outside =
        VpcConfig::builder().set_subnet_ids(Some(Vec::new())).set_security_group_ids(Some(Vec::new()));
    let outside = outside.build();
    assert_eq!(code(change().vpc_config(outside.clone()).send().await), INVALID, "the file system needs it");
    let change = change().vpc_config(outside).set_layers(Some(Vec::new()));
    let changed = change.set_file_system_configs(Some(Vec::new())).send().await.unwrap();
    assert!(changed.layers().is_empty() && changed.file_system_configs().is_empty());
    assert!(changed.vpc_config().is_none_or(|vpc| vpc.subnet_ids().is_empty()));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_package_is_that_of_the_last_upload() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    let key = functions.cloud.key().await;
    let upload = || functions.lambda.update_function_code().function_name("f").zip_file(archive(b"new code"));
    let shown = async || {
        let found = functions.lambda.get_function().function_name("f").send().await.unwrap();
        found.code.unwrap().source_kms_key_arn
    };
    functions.create("f", &role).send().await.unwrap();
    assert_eq!(shown().await, None);
    assert_eq!(code(upload().source_kms_key_arn(NO_KEY).send().await), INVALID);
    upload().source_kms_key_arn(&key).send().await.unwrap();
    assert_eq!(shown().await, Some(key));
    upload().send().await.unwrap();
    assert_eq!(shown().await, None);
}

#[tokio::test(start_paused = true)]
async fn permissions_concurrency_and_retries_come_back() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    let lambda = &functions.lambda;
    let call = lambda.add_permission().function_name("f").statement_id("api").action("lambda:InvokeFunction");
    let call = call.principal("apigateway.amazonaws.com").source_account("123456789012");
    let source = format!("arn:aws:execute-api:{REGION}:123456789012:abc/*");
    call.source_arn(source).send().await.unwrap();
    let policy = lambda.get_policy().function_name("f").send().await.unwrap();
    let policy = policy.policy().unwrap();
    for part in
        ["\"Sid\":\"api\"", "apigateway.amazonaws.com", "AWS:SourceArn", "AWS:SourceAccount", &arn("f")]
    {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
    lambda.remove_permission().function_name("f").statement_id("api").send().await.unwrap();
    assert_eq!(code(lambda.get_policy().function_name("f").send().await), MISSING);

    let call = lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(1);
    call.send().await.unwrap();
    let reserved = || lambda.get_function_concurrency().function_name("f");
    assert_eq!(reserved().send().await.unwrap().reserved_concurrent_executions(), Some(1));
    lambda.delete_function_concurrency().function_name("f").send().await.unwrap();
    assert_eq!(reserved().send().await.unwrap().reserved_concurrent_executions(), None);

    let call = lambda.put_function_event_invoke_config().function_name("f").maximum_retry_attempts(0);
    call.maximum_event_age_in_seconds(60).send().await.unwrap();
    let found = lambda.get_function_event_invoke_config().function_name("f").send().await.unwrap();
    assert_eq!((found.maximum_retry_attempts(), found.maximum_event_age_in_seconds()), (Some(0), Some(60)));
    assert_eq!(found.function_arn(), Some(format!("{}:$LATEST", arn("f")).as_str()));
    lambda.delete_function_event_invoke_config().function_name("f").send().await.unwrap();
    assert_eq!(code(lambda.get_function_event_invoke_config().function_name("f").send().await), MISSING);

    let call = lambda.invoke().function_name("f").invocation_type(InvocationType::DryRun);
    assert_eq!(call.send().await.unwrap().status_code(), 204);
}

#[tokio::test(start_paused = true)]
async fn rules_of_functions() {
    let functions = Functions::of(Emulator::in_memory());
    let lambda = &functions.lambda;
    let role = functions.role().await;
    let other = functions.cloud.role_for("other", "ecs.amazonaws.com").await;
    let create = || functions.create("f", &role);
    let mut rows = Rows::default();
    rows.row(
        "no such role",
        INVALID,
        code(create().role("arn:aws:iam::123456789012:role/none").send().await),
    );
    rows.row("role of another service", INVALID, code(create().role(&other).send().await));
    for runtime in [Runtime::Python38, Runtime::Nodejs18x, Runtime::Go1x] {
        rows.row(runtime.as_str(), INVALID, code(create().runtime(runtime.clone()).send().await));
    }
    rows.row("no runtime", INVALID, code(create().set_runtime(None).send().await));
    rows.row("no handler", INVALID, code(create().set_handler(None).send().await));
    for (what, bytes) in [("empty code", &b""[..]), ("code that is no archive", b"no zip")] {
        let source = FunctionCode::builder().zip_file(Blob::new(bytes)).build();
        rows.row(what, INVALID, code(create().code(source).send().await));
    }
    let bucket = FunctionCode::builder().s3_bucket("bucket").s3_key("key").build();
    rows.row("code in a bucket", "UnknownParameter", code(create().code(bucket).send().await));
    rows.row("memory below 128", "ValidationException", code(create().memory_size(127).send().await));
    rows.row("memory above 10240", INVALID, code(create().memory_size(10_241).send().await));
    rows.row("timeout above 900", INVALID, code(create().timeout(901).send().await));
    let storage = EphemeralStorage::builder().size(10_241).build().unwrap();
    rows.row("storage", INVALID, code(create().ephemeral_storage(storage).send().await));
    let reserved = create().environment(environment(&[("AWS_REGION", "x")]));
    rows.row("reserved variable", INVALID, code(reserved.send().await));
    let large = create().environment(environment(&[("LARGE", &"x".repeat(4096))]));
    rows.row("environment above 4 KB", INVALID, code(large.send().await));
    let dead =
        DeadLetterConfig::builder().target_arn("arn:aws:lambda:ap-southeast-1:123456789012:function:x");
    rows.row(
        "dead letters to a function",
        INVALID,
        code(create().dead_letter_config(dead.build()).send().await),
    );
    let none = DeadLetterConfig::builder().target_arn(format!("arn:aws:sqs:{REGION}:123456789012:none"));
    rows.row("no such queue", INVALID, code(create().dead_letter_config(none.build()).send().await));
    rows.row("no such key", INVALID, code(create().kms_key_arn(NO_KEY).send().await));
    let key = functions.cloud.key().await;
    functions.cloud.doom_key(&key).await;
    rows.row("key pending deletion", INVALID, code(create().kms_key_arn(key).send().await));
    let text = LoggingConfig::builder().application_log_level(ApplicationLogLevel::Info).build();
    rows.row("log level of text", INVALID, code(create().logging_config(text).send().await));
    let half = VpcConfig::builder().subnet_ids("subnet-00000000000000000").build();
    rows.row("VPC without groups", INVALID, code(create().vpc_config(half).send().await));
    let network = VpcConfig::builder().subnet_ids("subnet-00000000000000000").security_group_ids("sg-0");
    rows.row("no such subnet", INVALID, code(create().vpc_config(network.build()).send().await));
    rows.row("publish", "UnknownParameter", code(create().publish(true).send().await));
    let layer = |number: usize| format!("arn:aws:lambda:{REGION}:210987654321:layer:l{number}:1");
    let six = (0..6).map(layer).collect();
    rows.row("six layers", INVALID, code(create().set_layers(Some(six)).send().await));
    let twice = create().layers(layer(1)).layers(layer(1).replace("l1:1", "l1:2"));
    rows.row("two versions of a layer", INVALID, code(twice.send().await));
    let far = create().layers("arn:aws:lambda:eu-west-1:123456789012:layer:l:1");
    rows.row("layer of another region", INVALID, code(far.send().await));
    let outside = create().file_system_configs(file_system());
    rows.row("file system outside a VPC", INVALID, code(outside.send().await));
    rows.row("reserved tag", INVALID, code(create().tags("aws:x", "y").send().await));
    rows.row("function", "ok", code(create().send().await));
    rows.row("same function", CONFLICT, code(create().send().await));
    rows.row("no such function", MISSING, code(lambda.get_function().function_name("x").send().await));
    rows.row(
        "no such version",
        MISSING,
        code(lambda.get_function().function_name("f").qualifier("1").send().await),
    );
    rows.row("run", "UnknownParameter", code(lambda.invoke().function_name("f").send().await));

    let reserve =
        |count| lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(count);
    rows.row("all executions", INVALID, code(reserve(901).send().await));
    rows.row("all but 100", "ok", code(reserve(900).send().await));
    functions.create("g", &role).send().await.unwrap();
    let more = lambda.put_function_concurrency().function_name("g").reserved_concurrent_executions(1);
    rows.row("one more", INVALID, code(more.send().await));

    let allow = |sid: &str, principal: &str| {
        let call = lambda.add_permission().function_name("f").statement_id(sid).principal(principal);
        call.action("lambda:InvokeFunction")
    };
    rows.row("principal", INVALID, code(allow("a", "somebody").send().await));
    rows.row("permission", "ok", code(allow("a", "events.amazonaws.com").send().await));
    rows.row("same permission", CONFLICT, code(allow("a", "events.amazonaws.com").send().await));
    let forbid = |sid: &str| lambda.remove_permission().function_name("f").statement_id(sid);
    rows.row("no such permission", MISSING, code(forbid("b").send().await));
    let nothing = lambda.put_function_event_invoke_config().function_name("f");
    rows.row("retries without settings", INVALID, code(nothing.send().await));
    rows.row("delete", "ok", code(lambda.delete_function().function_name("f").send().await));
    rows.row("delete again", MISSING, code(lambda.delete_function().function_name("f").send().await));
}

#[tokio::test(start_paused = true)]
async fn a_function_takes_one_change_at_a_time() {
    let functions = Functions::of(Emulator::builder().latency(1.0).in_memory());
    let role = functions.role().await;
    let early = said(functions.create("f", &role).send().await);
    assert!(early.starts_with("AccessDeniedException") && early.contains("iam:PassRole"), "{early}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let early = functions.create("f", &role).send().await;
    assert_eq!(code(early), INVALID, "Lambda does not know the role yet");
    tokio::time::sleep(Duration::from_secs(11)).await;
    let made = functions.create("f", &role).send().await.unwrap();
    assert_eq!(made.state(), Some(&State::Pending));
    let update = || functions.lambda.update_function_configuration().function_name("f").timeout(10);
    assert_eq!(code(update().send().await), CONFLICT);
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(functions.state("f").await, (Some(State::Active), Some(LastUpdateStatus::Successful)));
    update().send().await.unwrap();
    assert_eq!(functions.state("f").await, (Some(State::Active), Some(LastUpdateStatus::InProgress)));
    assert_eq!(code(update().send().await), CONFLICT);
    tokio::time::sleep(Duration::from_secs(10)).await;
    update().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kms_knows_a_new_role_later_than_lambda_does() {
    let functions = Functions::of(Emulator::builder().latency(1.0).in_memory());
    let role = functions.role().await;
    let mut seen = Vec::new();
    for _ in 0..60 {
        let create = functions.create("f", &role).environment(environment(&[("KEY", "1")]));
        seen.push(said(create.send().await));
        if seen.last().is_some_and(|last| last == "ok") {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        // What is not encrypted needs no grant.
        if seen.last().is_some_and(|last| last.contains("CreateGrant")) {
            let plain = functions.create("plain", &role).send().await;
            assert!(["ok", CONFLICT].contains(&code(plain).as_str()));
        }
    }
    seen.dedup();
    let [denied, unknown, ungranted, _] = &seen[..] else { panic!("{seen:?}") };
    assert!(denied.contains("iam:PassRole"), "{denied}");
    assert!(unknown.contains("cannot be assumed by Lambda"), "{unknown}");
    assert!(
        ungranted.starts_with(INVALID) && ungranted.contains("KMS key is invalid for CreateGrant"),
        "{ungranted}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_account_says_how_many_executions_are_not_reserved() {
    let functions = Functions::of(Emulator::in_memory());
    let role = functions.role().await;
    functions.create("f", &role).send().await.unwrap();
    let limit = async || functions.lambda.get_account_settings().send().await.unwrap().account_limit.unwrap();
    assert_eq!(limit().await.unreserved_concurrent_executions(), Some(1000));
    let reserve = functions.lambda.put_function_concurrency().function_name("f");
    reserve.reserved_concurrent_executions(150).send().await.unwrap();
    let found = limit().await;
    assert_eq!((found.concurrent_executions(), found.unreserved_concurrent_executions()), (1000, Some(850)));
}

#[tokio::test(start_paused = true)]
async fn interfaces_stay_behind_when_a_function_goes() {
    let functions = Functions::of(Emulator::builder().latency(1.0).in_memory());
    let role = functions.role().await;
    let vpc = functions.cloud.vpc().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let subnet = functions.cloud.subnet(&vpc, "10.0.1.0/24").await;
    let group = functions.cloud.group(&vpc, "lambda").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let network = VpcConfig::builder().subnet_ids(&subnet).security_group_ids(&group).build();
    functions.create("f", &role).vpc_config(network).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(functions.state("f").await.0, Some(State::Pending), "a VPC takes longer");
    functions.lambda.delete_function().function_name("f").send().await.unwrap();
    let delete = || functions.cloud.ec2.delete_subnet().subnet_id(&subnet);
    assert_eq!(code(delete().send().await), "DependencyViolation");
    tokio::time::sleep(Duration::from_secs(1800)).await;
    delete().send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_function_is_there_after_a_restart_and_its_secrets_are_in_no_log() {
    let directory = tempfile::tempdir().unwrap();
    {
        // A role that is made on disk is known at once, because latency is off.
        let functions = Functions::of(Emulator::open(directory.path()).unwrap());
        let role = functions.role().await;
        functions.create("f", &role).environment(environment(&[("KEY", SECRET)])).send().await.unwrap();
        let refused = functions.create("g", &role);
        let refused = refused.environment(environment(&[("AWS_REGION", SECRET)])).send().await.unwrap_err();
        let said = format!("{:?}", refused.into_service_error());
        assert!(!said.contains(SECRET), "{said}");
        let calls = format!("{:?}", functions.cloud.emulator.calls());
        assert!(!calls.contains(SECRET), "{calls}");
    }
    let functions = Functions::of(Emulator::open(directory.path()).unwrap());
    let found = functions.lambda.get_function_configuration().function_name("f").send().await.unwrap();
    assert_eq!(found.environment().unwrap().variables().unwrap()["KEY"], SECRET);
}
