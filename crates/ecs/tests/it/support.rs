//! What the tier is tested with.

use aws::{KeyArn, ListenerRuleArn, SecretArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use ecs::{Args, DatabaseInputs, Inputs, LoadBalancerInputs, Tier};
use testing::{ACCOUNT, REGION, place};

pub(crate) const BLUE: &str = "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:targetgroup/blue/1";
pub(crate) const GREEN: &str = "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:targetgroup/green/2";
pub(crate) const PRODUCTION: &str =
    "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:listener-rule/app/alb/1/2/3";
pub(crate) const TEST: &str =
    "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:listener-rule/app/alb/1/2/4";

/// Inputs that lead nowhere, for declaring.
pub(crate) fn inputs() -> Inputs {
    Inputs {
        place: place(),
        vpc_id: VpcId::from("vpc-1").into(),
        private_subnet_ids: ["subnet-a", "subnet-b"].map(|id| SubnetId::from(id).into()).to_vec(),
        database: Some(database()),
        load_balancer: LoadBalancerInputs {
            security_group_id: SecurityGroupId::from("sg-alb").into(),
            blue_target_group_arn: TargetGroupArn::from(BLUE).into(),
            green_target_group_arn: TargetGroupArn::from(GREEN).into(),
            production_rule_arn: ListenerRuleArn::from(PRODUCTION).into(),
            test_rule_arn: Some(ListenerRuleArn::from(TEST).into()),
        },
        ready: vec!["db-1".into()],
    }
}

pub(crate) fn secret_arn() -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-1-AbCdEf")
}

pub(crate) fn database() -> DatabaseInputs {
    DatabaseInputs {
        endpoint: "db.example".into(),
        reader_endpoint: "db-ro.example".into(),
        user: "payments_app".into(),
        port: 5432.into(),
        name: "payments".into(),
        secret_arn: SecretArn::from(secret_arn()).into(),
        key_arn: KeyArn::from(format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/1")).into(),
        resource_id: "cluster-ABC".into(),
        security_group_id: SecurityGroupId::from("sg-db").into(),
    }
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

/// With an image in the tier's own repository.
pub(crate) fn with_image(image: &str) -> Args {
    Args { image: Some(image.to_owned()), ..Args::default() }
}
