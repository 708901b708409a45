//! A program with tiers of its own, as a library: what its sections and outputs are, and what is refused.

use std::path::Path;
use std::sync::Arc;

use clap::Parser as _;
use engine::{Component, DeclareError, Declared, Graph, Input, Scope, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stack::{
    Cli, Config, ConfigError, Environment, Loaded, Place, Program, ProgramError, Setting, Shared, Sources,
    StackError, Tier,
};

use crate::command::{Workplace, recorded_in};

/// How a queue works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Args {
    /// How many messages there may be.
    #[schemars(range(min = 1))]
    depth: u32,
    /// What its name ends with, if it ends with something.
    #[serde(skip_serializing_if = "Option::is_none")]
    suffix: Option<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { depth: 10, suffix: None }
    }
}

/// A tier without resources: its outputs show what it was told.
struct Queue {
    args: Args,
    shared: Shared,
}

#[derive(Clone)]
struct Inputs {
    vpc_id: Input<aws::VpcId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
struct Outputs<S: Stage> {
    queue_depth: S::Of<u32>,
    queue_environment: S::Of<String>,
    queue_vpc_id: S::Of<aws::VpcId>,
}

impl Component for Queue {
    const NAME: &'static str = "queue";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, _: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        if self.args.depth == 0 {
            return Err(DeclareError::argument("depth", "0 is too few", "at least 1"));
        }
        let Shared { environment, tags, .. } = &self.shared;
        assert_eq!(tags["Environment"], *environment);
        Ok(Outputs {
            queue_depth: Input::Literal(self.args.depth),
            queue_environment: Input::Literal(environment.clone()),
            queue_vpc_id: inputs.vpc_id.clone(),
        })
    }
}

impl Tier for Queue {
    type Args = Args;
    const ABOUT: &'static str = "The queue.";

    fn in_environment(args: Args, shared: &Shared) -> Self {
        Self { args, shared: shared.clone() }
    }

    fn register(_: &mut aws::Registry) {}
}

/// A tier of this name, with outputs of this type, and no arguments that matter.
macro_rules! tier {
    ($tier:ident, $name:literal, $args:ty, $outputs:expr) => {
        struct $tier;

        impl Component for $tier {
            const NAME: &'static str = $name;
            type Inputs = ();
            type Outputs<S: Stage> = serde_json::Value;

            fn declare(&self, _: &mut Scope, (): &()) -> Result<serde_json::Value, DeclareError> {
                Ok($outputs)
            }
        }

        impl Tier for $tier {
            type Args = $args;
            const ABOUT: &'static str = "A tier.";

            fn in_environment(_: $args, _: &Shared) -> Self {
                Self
            }

            fn register(_: &mut aws::Registry) {}
        }
    };
}

tier!(Again, "queue", Args, json!({}));
tier!(Region, "region", Args, json!({}));
tier!(Dotted, "my__queue", Args, json!({}));
tier!(Number, "number", u32, json!({}));
tier!(Copycat, "copycat", Args, json!({ "vpcId": "vpc-1" }));
tier!(Key, "key", Args, json!({ "apiKey": "secret" }));
tier!(Nameless, "nameless", Args, json!([1]));
tier!(Silent, "silent", Args, json!(null));

fn with_queue() -> Program {
    let mut program = Program::new("queues", "1.2.3");
    let payment = program.payment();
    program.tier::<Queue>(move |wired| Inputs { vpc_id: wired[&payment.network].vpc_id.clone() });
    program
}

fn environment() -> Environment {
    "dev".parse().unwrap()
}

fn load(
    program: &Program,
    text: &str,
    variables: &[(&str, &str)],
    settings: &[&str],
) -> Result<Loaded, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stack.toml");
    std::fs::write(&file, text).unwrap();
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings: Vec<Setting> = settings.iter().map(|setting| setting.parse().unwrap()).collect();
    let environment = environment();
    let sources =
        Sources { variables: &variables, settings: &settings, ..Sources::file(Some(&file), &environment) };
    program.load(&sources).map_err(|mut error| {
        error.file = error.file.map(|file| Path::new(file.file_name().unwrap()).to_owned());
        error
    })
}

fn declare(program: &Program, config: Config) -> Result<Arc<Graph>, StackError> {
    let place = Place::imagined(&config);
    program.stack(config, &environment()).declare(&place)
}

#[test]
fn a_section_of_ones_own_has_a_schema_defaults_and_origins() {
    let program = with_queue();
    let schema = program.schema();
    let section = &schema["definitions"]["queue"];
    assert_eq!(section["description"], "The queue.");
    assert_eq!(section["properties"]["depth"]["default"], 10);
    assert_eq!(section["properties"]["depth"]["minimum"], 1);
    assert_eq!(
        section["properties"]["suffix"]["description"],
        "What its name ends with, if it ends with something."
    );
    for keys in [&schema["properties"], &schema["definitions"]["environment"]["properties"]] {
        assert_eq!(keys["queue"]["$ref"], "#/definitions/queue");
    }

    let text = "[queue]\ndepth = 20\n[environments.dev.queue]\nsuffix = \"x\"\n";
    let loaded = load(&program, text, &[], &[]).unwrap();
    assert_eq!(*loaded.config.section::<Queue>(), Args { depth: 20, suffix: Some("x".to_owned()) });
    let json = loaded.to_json();
    assert_eq!(json["queue.depth"]["origin"]["line"], 2);
    assert_eq!(json["queue.suffix"]["origin"]["environment"], "dev");
    let shown = loaded.to_toml().to_string();
    assert_eq!(load(&program, &shown, &[], &[]).unwrap().config, loaded.config, "{shown}");

    for (variables, settings, depth) in [
        ([("STACK_QUEUE__DEPTH", "30")].as_slice(), [].as_slice(), 30),
        (&[("STACK_QUEUE__DEPTH", "30")], &["queue.depth=40"], 40),
        (&[], &[], 20),
    ] {
        let loaded = load(&program, text, variables, settings).unwrap();
        assert_eq!(loaded.config.section::<Queue>().depth, depth);
    }
    assert_eq!(load(&program, "", &[], &[]).unwrap().config, program.default_config());
}

#[test]
fn mistakes_in_a_section_of_ones_own_are_errors_with_file_line_and_what_is_meant() {
    let program = with_queue();
    for (text, variables, settings, message, hint) in [
        (
            "[queue]\n\ndepht = 1\n",
            [].as_slice(),
            [].as_slice(),
            "stack.toml, line 3: `queue.depht`: there is no such key",
            "did you mean `depth`?",
        ),
        ("[queu]\n", &[], &[], "stack.toml, line 1: `queu`: there is no such tier", "did you mean `queue`?"),
        (
            "[queue]\ndepth = -1\n",
            &[],
            &[],
            "stack.toml, line 2: `queue.depth`: invalid value",
            "the default is: 10",
        ),
        ("[queue]\nsuffix = [\"a\"]\n", &[], &[], "stack.toml, line 2: `queue.suffix`: invalid type", ""),
        (
            "[environments.prod.queue]\ndepth = \"a\"\n",
            &[],
            &[],
            "line 2: `environments.prod.queue.depth`: invalid type",
            "10",
        ),
        ("queue = 3\n", &[], &[], "stack.toml, line 1: `queue`: it must be a table", "[queue]"),
        (
            "",
            &[("STACK_QUEUE__DEPHT", "1")],
            &[],
            "`STACK_QUEUE__DEPHT`: there is no such key",
            "did you mean `STACK_QUEUE__DEPTH`?",
        ),
        ("", &[], &["queue.depth=many"], "`--set queue.depth`: `many` is not a number", "the default is: 10"),
    ] {
        let error = load(&program, text, variables, settings).unwrap_err();
        assert!(error.to_string().contains(message), "{text:?} gave {error}");
        assert!(error.hint.contains(hint), "{text:?} gave {:?}", error.hint);
    }
    // The payment stack alone has no such section.
    let environment = environment();
    let variables = [("STACK_QUEUE__DEPTH".to_owned(), "1".to_owned())];
    let sources = Sources { variables: &variables, ..Sources::file(None, &environment) };
    assert!(stack::load(&sources).unwrap_err().to_string().contains("there is no such key"));
}

#[test]
fn a_tier_of_ones_own_has_the_outputs_of_others_and_adds_its_own() {
    let program = with_queue();
    let mut config = program.default_config();
    config.section_mut::<Queue>().depth = 7;
    let graph = declare(&program, config).unwrap();
    let exports = graph.exports();
    assert_eq!((&exports["queueDepth"], &exports["queueEnvironment"]), (&json!(7), &json!("dev")));
    assert_eq!(exports["queueVpcId"], exports["vpcId"]);

    let mut config = program.default_config();
    config.section_mut::<Queue>().depth = 0;
    let Err(StackError::Declare { tier: "queue", .. }) = declare(&program, config) else {
        panic!("the tier checks its arguments");
    };
}

#[test]
fn the_section_of_a_tier_has_its_defaults_in_a_configuration_of_a_program_without_it() {
    let mut program = Program::new("queues", "1.2.3");
    let payment = program.payment();
    let queue = program.tier::<Queue>(move |wired| Inputs { vpc_id: wired[&payment.network].vpc_id.clone() });
    program.tier::<Silent>(move |wired| assert_eq!(*wired.args(&queue), Args::default()));
    let mut config = Config::default();
    config.section_mut::<vpc::Tier>().flow_logs.enabled = false;
    let graph = declare(&program, config).unwrap();
    assert_eq!(graph.exports()["queueDepth"], 10);
    // What it has is kept.
    assert!(graph.nodes().iter().all(|node| node.address.as_str() != "vpc/flow-log"));
}

#[test]
fn a_program_without_the_payment_stack_has_only_its_own_tiers() {
    let mut program = Program::new("silent", "1.0.0");
    program.tier::<Silent>(|_| ());
    let schema = program.schema();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "allow_unknown_region",
            "aws",
            "environments",
            "ignore",
            "ignored_tags",
            "logs",
            "project",
            "region",
            "silent",
            "state",
            "tags",
        ]
    );
    let graph = declare(&program, program.default_config()).unwrap();
    assert!(graph.nodes().is_empty() && graph.exports() == &json!({}));
}

/// A tier with one resource.
struct Audit(Shared);

impl Component for Audit {
    const NAME: &'static str = "audit";
    type Inputs = ();
    type Outputs<S: Stage> = serde_json::Value;

    fn declare(&self, scope: &mut Scope, (): &()) -> Result<serde_json::Value, DeclareError> {
        let group = aws::resources::LogGroup {
            log_group_name: aws::LogGroupName::from("/audit".to_owned()).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: None,
            kms_key_id: None,
            deletion_policy: aws::DeletionPolicy::Delete,
            tags: aws::Names::new(&self.0.environment, &self.0.tags)?.tags("audit"),
        };
        scope.add("log-group", group)?;
        Ok(json!(null))
    }
}

impl Tier for Audit {
    type Args = Args;
    const ABOUT: &'static str = "An audit log.";

    fn in_environment(_: Args, shared: &Shared) -> Self {
        Self(shared.clone())
    }

    fn register(_: &mut aws::Registry) {}
}

#[tokio::test]
async fn the_state_of_another_program_is_refused_and_nothing_of_it_is_deleted() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let mut other = Program::new("other", "1.0.0");
    other.payment();
    other.tier::<Audit>(|_| ());
    let config = other.default_config();
    let here = Place { account_id: testing::ACCOUNT.to_owned(), ..Place::imagined(&config) };
    let here = here.as_recorded_in(&recorded_in(&place.state_directory("dev")).await);
    let graph = other.stack(config, &environment()).declare(&here).unwrap();
    let mut registry = aws::Registry::new(testing::context(&place.emulator()));
    other.register(&mut registry);
    let store = engine::LocalStore::new(place.state_directory("dev"));
    let session = engine::Engine::new(Arc::new(registry), Arc::new(store)).open().await.unwrap();
    let plan = session.plan(graph, &engine::Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();

    let state = recorded_in(&place.state_directory("dev")).await;
    assert!(state.current("audit/log-group").is_some());
    let (cloud, files) = (place.emulator_bytes(), place.files("dev"));
    for command in [["up", "--yes"], ["destroy", "--yes"], ["preview", "--yes"]] {
        let refused = place.run(&command).expect(65);
        assert!(refused.err.contains("a tier `audit`, which `stack` does not have"), "{}", refused.err);
        assert!(refused.err.contains("`Program::removed`"), "{}", refused.err);
    }
    assert_eq!((place.emulator_bytes(), place.files("dev")), (cloud, files));

    assert_eq!(other.recognises(&state), Ok(()));
    let mut had = Program::new("stack", "1.0.0");
    had.payment();
    assert_eq!(had.recognises(&state).unwrap_err().tier, "audit");
    had.removed("audit", aws::kinds);
    assert_eq!(had.recognises(&state), Ok(()));
}

#[test]
fn the_kinds_of_a_tier_that_is_gone_can_be_kept() {
    let emulator = emulator::Emulator::in_memory();
    let registry = |program: &Program| {
        let sdk = stack::embedded(&emulator, aws_sdk_ec2::config::Region::new("ap-southeast-1"));
        let identity = aws::Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
        let account = aws::Account { id: emulator.account_id().to_owned(), partition: "aws".to_owned() };
        let context = aws::Context::from_config(&sdk, identity, account).unwrap();
        let mut registry = aws::Registry::new(context);
        program.register(&mut registry);
        registry.kinds().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let mut program = Program::new("nothing", "1.0.0");
    assert!(registry(&program).contains(&"AWS::IAM::Role"));
    assert!(!registry(&program).contains(&"AWS::EC2::VPC"));
    program.removed("vpc", vpc::kinds);
    assert!(registry(&program).contains(&"AWS::EC2::VPC"));
}

/// The program with one more tier.
fn with<T: Tier<Inputs = ()>>() -> Program {
    let mut program = with_queue();
    program.tier::<T>(|_| ());
    program
}

#[test]
fn tiers_that_do_not_go_together_are_refused() {
    for (program, expected) in [
        (with::<Again>(), ProgramError::SectionTwice { name: "queue" }),
        (with::<Region>(), ProgramError::SectionTaken { name: "region" }),
        (with::<Dotted>(), ProgramError::SectionName { name: "my__queue" }),
        (with::<Number>(), ProgramError::NotATable { tier: "number" }),
    ] {
        assert_eq!(program.check(), Err(expected.clone()));
        match declare(&program, Config::default()) {
            Err(StackError::Program(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_program_whose_tiers_do_not_go_together_does_not_start() {
    for (program, arguments, expected) in [
        (
            with::<Again>(),
            ["queues", "config", "--schema"].as_slice(),
            "error[E0903]: two tiers are called `queue`, which is also the name of their section",
        ),
        (
            with::<Copycat>(),
            &["queues", "preview"],
            "error[E0903]: the tiers `vpc` and `copycat` both have an output `vpcId`",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut cli = Cli::try_parse_from(arguments).unwrap();
        cli.options.state_dir = directory.path().join("state");
        let failure = program.run(cli).await.unwrap_err();
        let text = anstream::adapter::strip_str(&failure.render().to_string()).to_string();
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("hint: this is a defect of the program"), "{text}");
        assert!(!directory.path().join("state").exists(), "something was called");
    }
}

#[test]
fn outputs_that_would_hide_each_other_are_refused() {
    for (program, expected) in [
        (with::<Copycat>(), "the tiers `vpc` and `copycat` both have an output `vpcId`"),
        (
            with::<Key>(),
            "the tier `key` cannot have an output `apiKey`: `outputs apiKey` fetches the API's key",
        ),
        (with::<Nameless>(), "the outputs of the tier `nameless` have no names"),
    ] {
        assert_eq!(program.check(), Ok(()));
        match declare(&program, program.default_config()) {
            Err(StackError::Program(error)) => assert_eq!(error.to_string(), expected),
            other => panic!("{other:?}"),
        }
    }
}
