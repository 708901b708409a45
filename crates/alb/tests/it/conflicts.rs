//! What somebody else has made under the same name is not taken over, and not touched.

use alb::resources::{
    AbortIncompleteMultipartUpload, Bucket, BucketEncryption, LifecycleConfiguration, LifecycleRule,
    NoncurrentVersionExpiration, OwnershipControls, PublicAccessBlockConfiguration, VersioningConfiguration,
};
use alb::{Args, Inputs};
use aws::Tags;
use aws_config::Region;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ProtocolEnum, TargetTypeEnum,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_wafv2::types::{AllowAction, DefaultAction, Scope, VisibilityConfig};
use engine::{Address, Component, ComponentError, ErrorClass, Intent, Resource, Search};
use testing::World;

use crate::support::{BUCKET, elb, s3, tier, waf, world};

/// What failed, with why.
async fn failures(world: &World, inputs: &Inputs) -> Vec<(String, String)> {
    let error = tier(Args::default()).create(&world.engine, inputs).await.unwrap_err();
    let ComponentError::Incomplete(report) = error else { panic!("{error:?}") };
    let failed = report.failed.iter();
    failed.map(|failure| (failure.address.to_string(), failure.cause.to_string())).collect()
}

async fn is_refused(world: &World, inputs: &Inputs, address: &str, object: &str) {
    let failed = failures(world, inputs).await;
    let [(failed, why)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(failed, address);
    let words = format!(
        "looking for {object}: it exists already and its tags do not say that it is {address} of project payment, \
         environment dev"
    );
    assert_eq!(*why, words);
    let before = world.left().await;
    let _ = tier(Args::default()).create(&world.engine, inputs).await;
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_with_the_very_same_settings() {
    let (world, inputs) = world().await;
    let subnets = inputs.public_subnet_ids.iter().map(|id| id.literal().unwrap().to_string()).collect();
    let create = elb(&world).create_load_balancer().name("payment-alb-dev").set_subnets(Some(subnets));
    create.send().await.unwrap();
    is_refused(&world, &inputs, "alb/load-balancer", "load balancer payment-alb-dev").await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_with_the_same_name() {
    let (world, inputs) = world().await;
    let vpc = inputs.vpc_id.literal().unwrap().as_str();
    let create = elb(&world).create_target_group().name("payment-green-dev").vpc_id(vpc);
    let create = create.protocol(ProtocolEnum::Http).port(8080).target_type(TargetTypeEnum::Ip);
    create.send().await.unwrap();
    is_refused(&world, &inputs, "alb/green-target-group", "target group payment-green-dev").await;
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_with_the_same_name() {
    let (world, inputs) = world().await;
    let allow = DefaultAction::builder().allow(AllowAction::builder().build()).build();
    let visibility =
        VisibilityConfig::builder().sampled_requests_enabled(false).cloud_watch_metrics_enabled(false);
    let create =
        waf(&world).create_web_acl().name("payment-waf-dev").scope(Scope::Regional).default_action(allow);
    create.visibility_config(visibility.metric_name("m").build().unwrap()).send().await.unwrap();
    is_refused(&world, &inputs, "alb/web-acl", "web ACL payment-waf-dev").await;
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_the_same_name() {
    let (world, inputs) = world().await;
    let location = BucketLocationConstraint::from(testing::REGION);
    let configuration = CreateBucketConfiguration::builder().location_constraint(location).build();
    let create = s3(&world).create_bucket().bucket(BUCKET).create_bucket_configuration(configuration);
    create.send().await.unwrap();
    is_refused(&world, &inputs, "alb/log-bucket", &format!("bucket {BUCKET}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_on_the_same_port() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let arn = outputs.production_listener_arn.as_str();
    elb(&world).delete_listener().listener_arn(arn).send().await.unwrap();
    let fixed = FixedResponseActionConfig::builder().status_code("404").build();
    let action = Action::builder().r#type(ActionTypeEnum::FixedResponse).fixed_response_config(fixed).build();
    let create = elb(&world).create_listener().load_balancer_arn(outputs.alb_arn.as_str());
    let create = create.protocol(ProtocolEnum::Http).port(80).default_actions(action);
    create.send().await.unwrap();
    let failed = failures(&world, &inputs).await;
    let [(address, why)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(address, "alb/http-listener");
    assert!(why.starts_with(&format!("looking for the listener on port 80 of {}", outputs.alb_arn)), "{why}");
}

#[tokio::test(start_paused = true)]
async fn another_web_acl_before_our_load_balancer() {
    let (world, inputs) = world().await;
    let without = Args { waf: alb::Waf { enabled: false, ..alb::Waf::default() }, ..Args::default() };
    let outputs = world.create(&tier(without), &inputs).await;
    let allow = DefaultAction::builder().allow(AllowAction::builder().build()).build();
    let visibility =
        VisibilityConfig::builder().sampled_requests_enabled(false).cloud_watch_metrics_enabled(false);
    let create = waf(&world).create_web_acl().name("theirs").scope(Scope::Regional).default_action(allow);
    let theirs = create.visibility_config(visibility.metric_name("m").build().unwrap()).send().await.unwrap();
    let theirs = theirs.summary.unwrap().arn.unwrap();
    let associate = waf(&world).associate_web_acl().resource_arn(outputs.alb_arn.as_str());
    associate.web_acl_arn(&theirs).send().await.unwrap();
    let failed = failures(&world, &inputs).await;
    let [(address, why)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(address, "alb/web-acl-association");
    assert!(why.contains(&format!("it is {theirs}, not the one of alb/web-acl-association")), "{why}");
    // Theirs stays when ours goes.
    tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
}

fn bucket(name: &str) -> Bucket {
    let expire = LifecycleRule {
        id: "expire".to_owned(),
        status: "Enabled".to_owned(),
        expiration_in_days: 1,
        noncurrent_version_expiration: NoncurrentVersionExpiration::of_days(1),
        abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload { days_after_initiation: 1 },
        ..LifecycleRule::default()
    };
    Bucket {
        bucket_name: name.into(),
        bucket_encryption: BucketEncryption::with_s3_keys(),
        versioning_configuration: VersioningConfiguration::enabled(),
        public_access_block_configuration: PublicAccessBlockConfiguration::all(),
        ownership_controls: OwnershipControls::bucket_owner(),
        lifecycle_configuration: LifecycleConfiguration { rules: vec![expire] },
        delete_objects: false,
        tags: Tags::new(),
    }
}

fn intent() -> Intent {
    Intent { address: Address::new("alb/log-bucket").unwrap(), token: "0".repeat(32) }
}

#[tokio::test(start_paused = true)]
async fn in_the_first_region_a_second_create_of_a_bucket_is_refused_here_since_s3_does_not() {
    let world = World::new(alb::kinds);
    let config = testing::config(&world.emulator).to_builder().region(Region::new("us-east-1")).build();
    let account = aws::Account { id: testing::ACCOUNT.to_owned(), partition: "aws".to_owned() };
    let cx = aws::Context::from_config(&config, testing::identity(), account).unwrap();
    let s3 = cx.client(aws_sdk_s3::Client::new);
    s3.create_bucket().bucket("payments-theirs").send().await.unwrap();
    s3.create_bucket().bucket("payments-theirs").send().await.unwrap();
    let wanted = bucket("payments-theirs");
    let refused = wanted.create(&cx, &intent()).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::AlreadyExists);
    assert_eq!(wanted.find(&cx, &Search::made_by(&intent())).await.unwrap_err().class, ErrorClass::Conflict);
    let ours = bucket("payments-ours").create(&cx, &intent()).await.unwrap();
    assert_eq!(bucket("payments-ours").find(&cx, &Search::made_by(&intent())).await.unwrap(), Some(ours));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_something_in_it_stays_unless_it_was_asked_for_to_delete_that() {
    let world = World::new(alb::kinds);
    let wanted = bucket("payments-logs");
    let outputs = wanted.create(&world.cx, &intent()).await.unwrap();
    wanted.configure(&world.cx, &outputs).await.unwrap();
    s3(&world).put_object().bucket("payments-logs").key("a").send().await.unwrap();
    let error = wanted.delete(&world.cx, &outputs).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.message.contains("it was not asked for to delete that as well"), "{error}");
    Bucket { delete_objects: true, ..wanted }.delete(&world.cx, &outputs).await.unwrap();
    assert_eq!(world.left().await, []);
}
