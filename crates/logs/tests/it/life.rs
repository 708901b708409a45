//! Log groups with the key: created, changed, and destroyed.

use std::time::Duration;

use aws::resources::{LogGroup, LogGroupOutputs};
use aws::{DeletionPolicy, KeyArn, LogGroupName, Tags};
use emulator::Emulator;
use engine::{
    Address, Component, DeclareError, Declared, ErrorClass, Intent, Resolved, Resource as _, Scope, Stage,
};
use logs::{Args, Inputs, Outputs, Tier};
use testing::{ACCOUNT, REGION, World, place};

pub(crate) const GROUP: &str = "/ecs/payment-app-dev";

/// The tier, and a log group as other tiers have it.
#[derive(Clone)]
pub(crate) struct WithGroup {
    pub(crate) args: Args,
    /// The key is declared, and the group does not use it.
    pub(crate) off: bool,
    /// Whether there is the group.
    pub(crate) without: bool,
    /// What the group is called.
    pub(crate) name: &'static str,
}

impl Default for WithGroup {
    fn default() -> Self {
        Self { args: Args::default(), off: false, without: false, name: GROUP }
    }
}

impl Component for WithGroup {
    const NAME: &'static str = "logs";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        LogGroup::guard(scope, self.args.keep_logs);
        let outputs = Tier::new(self.args.clone()).declare(scope, inputs)?;
        if !self.without {
            let group = LogGroup {
                log_group_name: LogGroupName::from(self.name).into(),
                made_by_service: false,
                deletion_protection_enabled: false,
                retention_in_days: None,
                kms_key_id: (!self.off).then(|| outputs.log_key_arn.clone()),
                deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
                tags: Tags::new(),
            };
            scope.add("group", group)?;
        }
        Ok(outputs)
    }
}

/// The group as it is created.
fn group() -> LogGroup<Resolved> {
    LogGroup {
        log_group_name: GROUP.into(),
        made_by_service: false,
        deletion_protection_enabled: false,
        retention_in_days: None,
        kms_key_id: None,
        deletion_policy: DeletionPolicy::Delete,
        tags: Tags::new(),
    }
}

pub(crate) fn inputs() -> Inputs {
    Inputs { place: place() }
}

pub(crate) async fn up(world: &World, tier: &WithGroup) -> Outputs<Resolved> {
    world.create(tier, &inputs()).await
}

async fn key_of_group(world: &World) -> Option<String> {
    let found = world.cx.logs().describe_log_groups().log_group_name_prefix(GROUP).send().await.unwrap();
    found.log_groups()[0].kms_key_id().map(str::to_owned)
}

async fn is_going(world: &World, key: &KeyArn) -> bool {
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.describe_key().key_id(key.as_str()).send().await.unwrap().key_metadata.unwrap();
    key.deletion_date().is_some()
}

async fn kinds_left(world: &World) -> Vec<String> {
    world.left().await.into_iter().map(|(kind, _)| kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_log_group_waits_until_logs_knows_its_new_key() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), |_| ());
    let outputs = up(&world, &WithGroup::default()).await;
    assert_eq!(key_of_group(&world).await.as_deref(), Some(outputs.log_key_arn.as_str()));
    world.assert_settled(&WithGroup::default(), &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn the_key_is_turned_on_and_off_on_a_live_group_and_stays() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), |_| ());
    let off = WithGroup { off: true, ..WithGroup::default() };
    let outputs = up(&world, &off).await;
    assert_eq!(key_of_group(&world).await, None);
    world.mutations();
    up(&world, &WithGroup::default()).await;
    // As often as it takes until Logs knows the key.
    assert!(world.mutations().iter().all(|call| call == "AssociateKmsKey"));
    assert_eq!(key_of_group(&world).await.as_deref(), Some(outputs.log_key_arn.as_str()));
    up(&world, &off).await;
    assert_eq!(world.mutations(), ["DisassociateKmsKey"]);
    assert_eq!(key_of_group(&world).await, None);
    assert!(!is_going(&world, &outputs.log_key_arn).await);
    world.assert_settled(&off, &inputs()).await;
}

/// Both refusals that AWS has been seen to give while a key or its policy spreads mean: not yet.
#[tokio::test(start_paused = true)]
async fn refusals_of_a_key_are_worth_waiting_for() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), |_| ());
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    world.cx.logs().create_log_group().log_group_name(GROUP).send().await.unwrap();
    let outputs = LogGroupOutputs {
        arn: format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*").into(),
        log_group_name: GROUP.into(),
    };
    // Its policy lets only the account use it.
    let closed = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let mut refusals = Vec::new();
    for _ in 0..2 {
        let group = LogGroup::<Resolved> { kms_key_id: Some(KeyArn::from(closed.as_str())), ..group() };
        let refused = group.configure(&world.cx, &outputs).await.unwrap_err();
        refusals.push((refused.code.clone().unwrap(), refused.class));
        let other = LogGroup::<Resolved> { log_group_name: "/ecs/payment-other-dev".into(), ..group };
        let intent = Intent { address: Address::new("logs/other").unwrap(), token: format!("{:032x}", 1) };
        let refused = other.create(&world.cx, &intent).await.unwrap_err();
        refusals.push((refused.code.clone().unwrap(), refused.class));
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    let seen = |code: &str| (code.to_owned(), ErrorClass::NotYet);
    let (unknown, refused) = (seen("InvalidParameterException"), seen("AccessDeniedException"));
    assert_eq!(refusals, [unknown.clone(), unknown, refused.clone(), refused]);
}

#[tokio::test(start_paused = true)]
async fn destroyed_it_leaves_nothing_or_the_logs_with_their_key() {
    for keep_logs in [false, true] {
        let world = World::new(|_| ());
        let tier = WithGroup { args: Args { keep_logs, ..Args::default() }, ..WithGroup::default() };
        let key = up(&world, &tier).await.log_key_arn;
        tier.delete(&world.engine, &inputs()).await.unwrap();
        world.assert_nothing_recorded().await;
        assert_eq!(is_going(&world, &key).await, !keep_logs);
        let left: &[&str] = if keep_logs { &["AWS::KMS::Key", "AWS::Logs::LogGroup"] } else { &[] };
        assert_eq!(kinds_left(&world).await, left);
    }
}

/// Recorded and declared differ, as after a run that was interrupted or with another configuration.
#[tokio::test(start_paused = true)]
async fn a_group_that_stays_by_either_side_keeps_its_key() {
    for (recorded, declared) in [(true, false), (false, true)] {
        let keep =
            |keep_logs| WithGroup { args: Args { keep_logs, ..Args::default() }, ..WithGroup::default() };
        let world = World::new(|_| ());
        let key = up(&world, &keep(recorded)).await.log_key_arn;
        let gone = WithGroup { without: true, ..keep(declared) };
        gone.delete(&world.engine, &inputs()).await.unwrap();
        assert!(!is_going(&world, &key).await, "{recorded} {declared}");
        assert_eq!(key_of_group(&world).await.as_deref(), Some(key.as_str()));
    }
}
