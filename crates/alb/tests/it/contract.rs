//! The contract of every kind of this tier.

use alb::resources::*;
use alb::{Args, Inputs};
use aws::Tags;
use aws::policy::{PolicyDocument, Principal, Statement};
use engine::Input;
use testing::contract::{Around, Entry};
use testing::{ACCOUNT, REGION, World};

use crate::support::{BUCKET, network, tier, with_certificate};

testing::contract!(alb::kinds, around networks, {
    bucket,
    bucket_policy,
    load_balancer,
    target_group,
    listener,
    https_listener,
    listener_rule,
});

/// Two networks.
type Inside = Around<[Inputs; 2]>;

async fn networks(world: &World) -> [Inputs; 2] {
    [network(world).await, network(world).await]
}

fn declared(around: &mut Inside, args: Args) {
    let inputs = around.inputs[0].clone();
    around.tier(&tier(args), &inputs);
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn bucket(around: &mut Inside) -> Entry<Bucket> {
    declared(around, Args::default());
    around
        .entry::<Bucket>("alb/log-bucket")
        .other("BucketName", |bucket| bucket.bucket_name = "payment-other-logs-dev".into())
        .other("LifecycleConfiguration", |bucket| {
            bucket.lifecycle_configuration.rules[0].expiration_in_days = 365;
        })
        .other("PublicAccessBlockConfiguration", |bucket| {
            bucket.public_access_block_configuration.block_public_acls = false;
        })
        .other("VersioningConfiguration", |bucket| {
            bucket.versioning_configuration.status = "Suspended".to_owned();
        })
        .other("OwnershipControls", |bucket| {
            bucket.ownership_controls.rules[0].object_ownership = "BucketOwnerPreferred".to_owned();
        })
        .other("BucketEncryption", |bucket| {
            let rule = &mut bucket.bucket_encryption.server_side_encryption_configuration[0];
            rule.server_side_encryption_by_default.sse_algorithm = "aws:kms".to_owned();
        })
        .recorded("DeleteObjects", |bucket| bucket.delete_objects = false)
        .other("Tags", |bucket| bucket.tags = renamed())
}

fn bucket_policy(around: &mut Inside) -> Entry<BucketPolicy> {
    declared(around, Args::default());
    let other = around.another::<Bucket>("alb/log-bucket", "other", |bucket| {
        bucket.bucket_name = "payment-other-logs-dev".into();
    });
    let policy = |bucket: &str, action: &str| {
        let arn = format!("arn:aws:s3:::{bucket}/*").into();
        let statement = Statement::deny([action]).sid("OnlyTls").principal(Principal::Anyone);
        PolicyDocument::new([statement.resources([arn]).when(
            "Bool",
            "aws:SecureTransport",
            ["false".into()],
        )])
    };
    around
        .entry::<BucketPolicy>("alb/log-bucket-policy")
        .together("Bucket", ["PolicyDocument"], |it| {
            it.bucket = other.bucket_name;
            it.policy_document = policy("payment-other-logs-dev", "s3:*");
        })
        .other("PolicyDocument", |it| it.policy_document = policy(BUCKET, "s3:PutObject"))
}

fn load_balancer(around: &mut Inside) -> Entry<LoadBalancer> {
    declared(around, Args::default());
    let [network, _] = around.inputs.clone();
    let other_group = around
        .another::<aws::resources::SecurityGroup>("alb/security-group", "other-group", |group| {
            group.group_name = "other".to_owned();
        })
        .group_id;
    around
        .entry::<LoadBalancer>("alb/load-balancer")
        .other("Name", |balancer| balancer.name = "payment-other-dev".to_owned())
        .other("Scheme", |balancer| balancer.scheme = "internal".to_owned())
        .other("Subnets", |balancer| balancer.subnets = network.public_subnet_ids[..2].to_vec())
        .other("SecurityGroups", |balancer| balancer.security_groups = vec![other_group])
        .other("LoadBalancerAttributes", |balancer| {
            balancer.load_balancer_attributes[1] = Attribute::new("idle_timeout.timeout_seconds", "90");
        })
        .other("Tags", |balancer| balancer.tags = renamed())
        .fixed(["Type"], "there is one sort of load balancer here")
        .fixed(["VpcId"], "its subnets are in the same VPC")
}

fn target_group(around: &mut Inside) -> Entry<TargetGroup> {
    declared(around, Args::default());
    let [_, other_network] = around.inputs.clone();
    around
        .entry::<TargetGroup>("alb/blue-target-group")
        .other("Name", |group| group.name = "payment-other-dev".to_owned())
        .other("VpcId", |group| group.vpc_id = other_network.vpc_id)
        .other("TargetType", |group| group.target_type = "instance".to_owned())
        .other("Protocol", |group| group.protocol = "HTTPS".to_owned())
        .other("ProtocolVersion", |group| group.protocol_version = "HTTP2".to_owned())
        .other("Port", |group| group.port = 9090)
        .other("HealthCheckProtocol", |group| group.health_check_protocol = "HTTPS".to_owned())
        .other("HealthCheckPort", |group| group.health_check_port = "8081".to_owned())
        .other("HealthCheckPath", |group| group.health_check_path = "/ready".to_owned())
        .other("HealthCheckIntervalSeconds", |group| group.health_check_interval_seconds = 60)
        .other("HealthCheckTimeoutSeconds", |group| group.health_check_timeout_seconds = 2)
        .other("HealthyThresholdCount", |group| group.healthy_threshold_count = 7)
        .other("UnhealthyThresholdCount", |group| group.unhealthy_threshold_count = 7)
        .other("Matcher", |group| group.matcher.http_code = "200-299".to_owned())
        .other("TargetGroupAttributes", |group| {
            group.target_group_attributes[0] = Attribute::new("deregistration_delay.timeout_seconds", "77");
        })
        .other("Tags", |group| group.tags = renamed())
}

/// Another load balancer in the same network.
fn other_load_balancer(around: &mut Inside) -> Input<aws::LoadBalancerArn> {
    let other = around.another::<LoadBalancer>("alb/load-balancer", "other-balancer", |balancer| {
        balancer.name = "payment-other-dev".to_owned();
    });
    other.load_balancer_arn
}

fn listener(around: &mut Inside) -> Entry<Listener> {
    declared(around, Args::default());
    let other = other_load_balancer(around);
    around
        .entry::<Listener>("alb/http-listener")
        .other("LoadBalancerArn", |listener| listener.load_balancer_arn = other)
        .other("Port", |listener| listener.port = 8080)
        .other("DefaultActions", |listener| listener.default_actions = vec![Action::redirect_to_https()])
        .fixed(["ListenerAttributes", "Rules"], "what somebody has added is never declared")
        .other("Tags", |listener| listener.tags = renamed())
        .rest_elsewhere()
}

fn https_listener(around: &mut Inside) -> Entry<Listener> {
    declared(around, with_certificate());
    let certificate =
        format!("arn:aws:acm:{REGION}:{ACCOUNT}:certificate/87654321-1234-1234-1234-123456789012");
    around
        .entry::<Listener>("alb/https-listener")
        .other("SslPolicy", |listener| {
            listener.ssl_policy = Some("ELBSecurityPolicy-TLS13-1-3-2021-06".to_owned())
        })
        .other("Certificates", |listener| listener.certificates[0].certificate_arn = certificate)
        .fixed(["Protocol"], "HTTPS needs a certificate, which HTTP cannot have")
        .rest_elsewhere()
}

fn listener_rule(around: &mut Inside) -> Entry<ListenerRule> {
    declared(around, Args::default());
    let other = around.another::<Listener>("alb/http-listener", "other-listener", |listener| {
        listener.port = 8080;
    });
    let condition = around.of_tier::<ListenerRule>("alb/test-rule").conditions;
    around
        .entry::<ListenerRule>("alb/production-rule")
        .other("ListenerArn", |rule| rule.listener_arn = other.listener_arn)
        .other("Priority", |rule| rule.priority = 77)
        .other("Conditions", |rule| rule.conditions = condition)
        // Weights are ECS's: it shifts them in each deployment.
        .other("Actions", |rule| rule.actions = vec![Action::not_found()])
        .fixed(["EmptyGroups"], "it is what a look finds, not what anybody wants")
        .other("Tags", |rule| rule.tags = renamed())
}
