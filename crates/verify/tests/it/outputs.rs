//! Outputs that are missing, have a wrong form, or belong elsewhere.

use serde_json::json;
use verify::{Outcome, verify};

use crate::world::{World, failures, findings, outcome, reason};

#[tokio::test]
async fn each_wrong_output_fails_the_check_that_is_about_it() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    assert_eq!(failures(&good), Vec::<&str>::new());
    let form = "outputs/alb-dns-name";
    for (output, value, failing) in [
        ("albDnsName", "payment-alb-dev-1.ap-southeast-1.elb.example.com", vec![form]),
        ("albDnsName", "http://payment-alb-dev-1.ap-southeast-1.elb.amazonaws.com", vec![form]),
        ("albDnsName", "payment-alb-dev-1.eu-west-1.elb.amazonaws.com", vec!["outputs/region"]),
        ("albDnsName", "payment-alb-prod-1.ap-southeast-1.elb.amazonaws.com", vec!["outputs/environment"]),
        (
            "apiGatewayUrl",
            "http://a1b2c3d4e5.execute-api.ap-southeast-1.amazonaws.com/dev",
            vec!["outputs/api-url", "https/api"],
        ),
        ("apiGatewayUrl", "https://api.example.com/dev", vec!["outputs/api-url"]),
        (
            "apiGatewayUrl",
            "https://a1b2c3d4e5.execute-api.ap-southeast-1.amazonaws.com/staging",
            vec!["outputs/environment"],
        ),
        (
            "dashboardUrl",
            "https://x.com/cloudwatch/home?region=ap-southeast-1#dashboards:name=payment-dashboard-dev-ap-southeast-1",
            vec!["outputs/dashboard-url"],
        ),
        (
            "dashboardUrl",
            "https://console.aws.amazon.com/cloudwatch/home?region=ap-southeast-1#dashboards:name=payment-dashboard-prod",
            vec!["monitoring/dashboard"],
        ),
        (
            "dashboardUrl",
            "https://console.amazonaws.cn/cloudwatch/home?region=us-east-1#dashboards:name=payment-dashboard-dev-ap-southeast-1",
            vec!["outputs/region"],
        ),
        ("dashboardName", "payment-dashboard-prod-ap-southeast-1", vec!["outputs/environment"]),
        ("vpcId", "vpc-0123", vec!["outputs/vpc-id", "monitoring/flow-logs"]),
        ("vpcId", "vpc-0123456789abcdef0", vec!["monitoring/flow-logs"]),
        ("databaseEndpoint", "localhost", vec!["outputs/database-endpoint"]),
        (
            "databaseEndpoint",
            "payment-aurora-dev.cluster-abc.eu-central-1.rds.amazonaws.com",
            vec!["outputs/region"],
        ),
        ("ecsClusterArn", "payment-cluster-dev", vec!["outputs/ecs-cluster-arn"]),
        (
            "ecsClusterArn",
            "arn:aws:ecs:ap-southeast-1:210987654321:cluster/payment-cluster-dev",
            vec!["outputs/region"],
        ),
        (
            "blueTargetGroupArn",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/x/1",
            vec!["outputs/region"],
        ),
    ] {
        let mut subject = good.clone();
        subject.outputs.insert(output.to_owned(), json!(value));
        assert_eq!(failures(&subject), failing, "{output} = {value}");
    }
}

#[tokio::test]
async fn a_missing_required_output_fails_and_a_missing_optional_one_is_skipped() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    for (output, form) in [
        ("albDnsName", "outputs/alb-dns-name"),
        ("apiGatewayUrl", "outputs/api-url"),
        ("dashboardUrl", "outputs/dashboard-url"),
    ] {
        let mut subject = good.clone();
        subject.outputs.remove(output);
        let checks = verify(&subject);
        for id in ["outputs/required", form] {
            let found = findings(&checks, id);
            assert!(found[0].starts_with(&format!("{output}: expected such as ")), "{found:?}");
            assert!(found[0].ends_with("; found there is no such output"), "{found:?}");
        }
    }
    for (output, form) in [
        ("vpcId", "outputs/vpc-id"),
        ("databaseEndpoint", "outputs/database-endpoint"),
        ("ecsClusterArn", "outputs/ecs-cluster-arn"),
    ] {
        let mut subject = good.clone();
        subject.outputs.remove(output);
        let checks = verify(&subject);
        assert_eq!(outcome(&checks, "outputs/required"), &Outcome::Passed);
        assert_eq!(reason(&checks, "outputs/optional"), format!("not deployed, and not required: {output}"));
        assert_eq!(reason(&checks, form), format!("there is no output {output}, and it is not required"));
    }
    let mut subject = good;
    subject.outputs.clear();
    let checks = verify(&subject);
    assert_eq!(reason(&checks, "outputs/region"), "no output tells its region");
    assert_eq!(reason(&checks, "outputs/environment"), "no output tells its environment");
}
