//! What changes in place, what is deployed anew, and in which order.

use apigw::{Args, ExecutionLogs, Throttle};
use engine::{Action, Component, ReplaceOrder};

use crate::path::served;
use crate::support::{
    another_load_balancer, deployments, integration, is_create, is_delete, is_replace, is_update, left,
    planned, private, stage, tags, tier, world,
};

#[tokio::test(start_paused = true)]
async fn another_path_of_the_integration_deploys_the_api_anew() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let old = deployments(&world, &before).await;
    let moved = tier(Args { backend_path: "/v1".to_owned(), ..Args::default() });
    let plan = world.plan(&moved, &inputs).await;
    let Action::Replace { because, order } = &plan.step("apigw/deployment").unwrap().action else {
        panic!("{:?}", plan.step("apigw/deployment"));
    };
    assert_eq!(because.iter().collect::<Vec<_>>(), ["Definition"]);
    assert_eq!(*order, ReplaceOrder::CreateFirst);
    // What is different of the methods, down to the URL, is with them.
    let changed = plan.step("apigw/deployment").unwrap().changes.iter();
    let changed: Vec<&str> = changed.map(|change| change.path.as_str()).collect();
    assert_eq!(
        changed,
        [
            "Definition.Methods.ANY /payments.DefinitionHash",
            "Definition.Methods.ANY /{proxy+}.DefinitionHash",
            "Definition.Methods.GET /health.DefinitionHash",
        ]
    );
    let method = &plan.step("apigw/health-method").unwrap().changes;
    assert_eq!(method.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["Integration.Uri"]);
    assert_eq!(planned(&world, &moved, &inputs, is_replace).await, ["apigw/deployment"]);
    assert_eq!(
        planned(&world, &moved, &inputs, is_update).await,
        ["apigw/health-method", "apigw/payments-method", "apigw/proxy-method", "apigw/stage"]
    );
    world.mutations();
    assert_eq!(world.create(&moved, &inputs).await, before);
    let calls = world.mutations();
    assert_eq!(
        calls,
        [
            "PutIntegration",
            "PutIntegration",
            "PutIntegration",
            "CreateDeployment",
            "UpdateStage",
            "DeleteDeployment",
        ]
    );
    let new = deployments(&world, &before).await;
    assert_eq!(new.len(), 1);
    assert_ne!(new, old);
    assert_eq!(stage(&world, &before).await.deployment_id(), Some(new[0].as_str()));
    world.assert_settled(&moved, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_tag_does_not() {
    let (world, inputs) = world().await;
    let inputs = private(inputs);
    let before = world.create(&tier(Args::default()), &inputs).await;
    let old = deployments(&world, &before).await;
    for tags in [tags("Team", "payments"), tags("Team", "api"), Default::default()] {
        let tagged = tier(Args { tags, ..Args::default() });
        assert_eq!(planned(&world, &tagged, &inputs, is_replace).await, [""; 0]);
        assert_eq!(
            planned(&world, &tagged, &inputs, is_update).await,
            [
                "apigw/access-log-group",
                "apigw/api-key",
                "apigw/execution-log-group",
                "apigw/rest-api",
                "apigw/stage",
                "apigw/usage-plan",
                "apigw/vpc-link",
                "apigw/vpc-link-security-group",
                "apigw/waf-log-group",
                "apigw/web-acl",
            ]
        );
        assert_eq!(world.create(&tagged, &inputs).await, before);
        assert_eq!(deployments(&world, &before).await, old);
        world.assert_settled(&tagged, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn limits_logs_and_traces_change_in_place_without_a_deployment() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let old = deployments(&world, &before).await;
    let changed = tier(Args {
        throttle: Throttle { rate_limit: 50, burst_limit: 75 },
        monthly_quota: 500,
        log_retention_in_days: 365,
        execution_logs: ExecutionLogs::Error,
        tracing: false,
        ..Args::default()
    });
    assert_eq!(planned(&world, &changed, &inputs, is_replace).await, [""; 0]);
    assert_eq!(
        planned(&world, &changed, &inputs, is_update).await,
        [
            "apigw/access-log-group",
            "apigw/execution-log-group",
            "apigw/stage",
            "apigw/usage-plan",
            "apigw/web-acl"
        ]
    );
    assert_eq!(world.create(&changed, &inputs).await, before);
    assert_eq!(deployments(&world, &before).await, old);
    world.assert_settled(&changed, &inputs).await;
    // And back, and without the log.
    for args in [Args { execution_logs: ExecutionLogs::Off, ..Args::default() }, Args::default()] {
        assert_eq!(world.create(&tier(args.clone()), &inputs).await, before);
        world.assert_settled(&tier(args), &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_out_and_a_closed_name_need_a_deployment() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    for args in [
        Args { timeout_ms: 5000, ..Args::default() },
        Args { disable_execute_api_endpoint: true, ..Args::default() },
    ] {
        let changed = tier(args);
        assert_eq!(planned(&world, &changed, &inputs, is_replace).await, ["apigw/deployment"]);
        world.create(&changed, &inputs).await;
        world.assert_settled(&changed, &inputs).await;
        assert_eq!(deployments(&world, &outputs).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_security_policy_is_deployed_and_so_live() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    for policy in ["TLS_1_2", "SecurityPolicy_TLS13_1_3_2025_09"] {
        let changed = tier(Args { security_policy: policy.to_owned(), ..Args::default() });
        world.create(&changed, &inputs).await;
        world.assert_settled(&changed, &inputs).await;
        assert_eq!(served(&world, &outputs).await.security_policy(), policy);
        let mode = policy.starts_with("SecurityPolicy_").then_some("STRICT");
        assert_eq!(served(&world, &outputs).await.endpoint_access_mode(), mode);
        assert_eq!(deployments(&world, &outputs).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_load_balancer_deploys_the_api_anew_public_or_private() {
    for way in [|inputs| inputs, private] {
        let (world, inputs) = world().await;
        let inputs = way(inputs);
        let tier = tier(Args::default());
        let outputs = world.create(&tier, &inputs).await;
        let other = another_load_balancer(&world, &inputs).await;
        assert_eq!(planned(&world, &tier, &other, is_replace).await, ["apigw/deployment"]);
        assert_eq!(planned(&world, &tier, &other, is_delete).await, [""; 0]);
        assert_eq!(world.create(&tier, &other).await, outputs);
        let live = integration(&world, &outputs, "/health", "GET").await;
        let host = other.backend.alb_dns_name.literal().unwrap();
        assert_eq!(live.uri(), Some(format!("http://{host}/health").as_str()));
        assert_eq!(
            live.integration_target(),
            other.backend.alb_arn.literal().filter(|_| other.backend.private).map(|arn| arn.as_str())
        );
        world.assert_settled(&tier, &other).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_can_become_private_and_public_again() {
    let (world, public) = world().await;
    let before = world.left().await;
    let tier = tier(Args::default());
    world.create(&tier, &public).await;
    let private = private(public.clone());
    assert_eq!(
        planned(&world, &tier, &private, is_create).await,
        [
            "apigw/linked-role",
            "apigw/load-balancer-from-vpc-link",
            "apigw/vpc-link",
            "apigw/vpc-link-security-group",
            "apigw/vpc-link-to-load-balancer",
        ]
    );
    assert_eq!(planned(&world, &tier, &private, is_replace).await, ["apigw/deployment"]);
    world.create(&tier, &private).await;
    world.assert_settled(&tier, &private).await;
    assert_eq!(planned(&world, &tier, &public, is_delete).await.len(), 5);
    world.create(&tier, &public).await;
    world.assert_settled(&tier, &public).await;
    tier.delete(&world.engine, &public).await.unwrap();
    assert_eq!(left(&world).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_link_in_other_subnets_is_made_before_the_old_one_goes() {
    let (world, inputs) = world().await;
    let inputs = private(inputs);
    let tier = tier(Args::default());
    let before = world.create(&tier, &inputs).await;
    let mut fewer = inputs.clone();
    fewer.private_subnet_ids.pop();
    let plan = world.plan(&tier, &fewer).await;
    let Action::Replace { order, .. } = plan.step("apigw/vpc-link").unwrap().action else { panic!() };
    assert_eq!(order, ReplaceOrder::CreateFirst);
    let mut replaced = planned(&world, &tier, &fewer, is_replace).await;
    replaced.sort();
    assert_eq!(replaced, ["apigw/deployment", "apigw/vpc-link"]);
    let after = world.create(&tier, &fewer).await;
    assert_ne!(after.vpc_link_id, before.vpc_link_id);
    assert_eq!(after.api_id, before.api_id);
    world.assert_settled(&tier, &fewer).await;
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_comes_and_goes_without_a_deployment() {
    let (world, inputs) = world().await;
    let with = tier(Args::default());
    let without =
        tier(Args { waf: apigw::Waf { enabled: false, ..apigw::Waf::default() }, ..Args::default() });
    let outputs = world.create(&without, &inputs).await;
    assert_eq!(stage(&world, &outputs).await.web_acl_arn(), None);
    let firewall = [
        "apigw/waf-linked-role",
        "apigw/waf-log-group",
        "apigw/web-acl",
        "apigw/web-acl-association",
        "apigw/web-acl-logging",
    ];
    assert_eq!(planned(&world, &with, &inputs, is_create).await, firewall);
    world.create(&with, &inputs).await;
    assert!(stage(&world, &outputs).await.web_acl_arn().is_some());
    world.create(&without, &inputs).await;
    assert_eq!(stage(&world, &outputs).await.web_acl_arn(), None);
    world.assert_settled(&without, &inputs).await;
}
