//! The tier in one graph with the load balancer's, as in a stack: what one makes, the other knows only then.

use std::sync::Arc;

use apigw::{Args, Backend, Inputs};
use aws::{Registry, SubnetId, VpcId};
use emulator::Emulator;
use engine::{Action, Component, Graph, Input, Plan, Scope, Selector};
use ipnet::Ipv4Net;
use serde_json::{Value, json};
use testing::{REGION, World, place};

use crate::support::{gateway, left, tier};

fn kinds(registry: &mut Registry) {
    alb::kinds(registry);
    apigw::kinds(registry);
}

/// A network with public and private subnets.
async fn network(world: &World) -> alb::Inputs {
    let ec2 = world.cx.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
    let gateway = ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    ec2.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(&vpc).send().await.unwrap();
    let mut ids: Vec<Input<SubnetId>> = Vec::new();
    for (third, zone) in [(0, "a"), (1, "b"), (10, "a"), (11, "b")] {
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
        let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        ids.push(SubnetId::from(subnet.subnet.unwrap().subnet_id.unwrap()).into());
    }
    let private = ids.split_off(2);
    alb::Inputs {
        place: place(),
        vpc_id: VpcId::from(vpc).into(),
        vpc_cidr: Ipv4Net::new_assert([10, 0, 0, 0].into(), 16).into(),
        public_subnet_ids: ids,
        private_subnet_ids: private,
        client_security_group_ids: Vec::new(),
        api_requests: Some(Args::default().most_requests(aws::firewall::RATE_WINDOW)),
    }
}

fn graph(network: &alb::Inputs, ingress: alb::Ingress) -> Graph {
    let mut scope = Scope::new();
    let alb = alb::Tier::new(alb::Args { ingress, ..alb::Args::default() });
    let alb = alb.declare_in(&mut scope, network).unwrap();
    let inputs = Inputs {
        place: place(),
        vpc_id: network.vpc_id.clone(),
        private_subnet_ids: network.private_subnet_ids.clone(),
        backend: Backend {
            alb_dns_name: alb.alb_dns_name,
            alb_arn: alb.alb_arn,
            alb_security_group_id: alb.alb_security_group_id,
            https: false,
            private: ingress == alb::Ingress::Private,
        },
        ready: vec![alb.production_rule_arn.text()],
    };
    tier(Args::default()).declare_in(&mut scope, &inputs).unwrap();
    Graph::new(scope).unwrap()
}

async fn apply(world: &World, graph: Graph) -> Plan {
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(graph), &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    session.close().await.unwrap();
    plan
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_is_replaced_takes_the_api_along() {
    let world = World::on(Emulator::in_memory(), kinds);
    let network = network(&world).await;
    let before = world.left().await;
    apply(&world, graph(&network, alb::Ingress::Public)).await;
    for ingress in [alb::Ingress::Private, alb::Ingress::Public] {
        let plan = apply(&world, graph(&network, ingress)).await;
        for replaced in ["alb/load-balancer", "apigw/deployment"] {
            let step = plan.step(replaced).unwrap();
            assert!(matches!(step.action, Action::Replace { .. }), "{step:#?}");
        }
        for updated in ["apigw/health-method", "apigw/payments-method", "apigw/proxy-method", "apigw/stage"] {
            assert_eq!(plan.step(updated).unwrap().action, Action::Update, "{updated}");
        }
        // The stage serves what goes to the load balancer that is there now.
        let apis = gateway(&world).get_rest_apis().send().await.unwrap();
        let api = apis.items()[0].id().unwrap();
        let stages = gateway(&world).get_stages().rest_api_id(api).send().await.unwrap();
        let deployments = gateway(&world).get_deployments().rest_api_id(api).send().await.unwrap();
        assert_eq!(deployments.items().len(), 1);
        assert_eq!(stages.item()[0].deployment_id(), deployments.items()[0].id());
        let again = world.engine.preview(Arc::new(graph(&network, ingress)), &Selector::all()).await.unwrap();
        assert!(again.is_empty());
    }
    apply(&world, Graph::default()).await;
    assert_eq!(left(&world).await, before);
    world.assert_nothing_recorded().await;
}

/// What a rule of a web ACL needs to stop: so many requests of one address in five minutes.
fn limits(web_acl: &Value) -> Vec<u64> {
    let rules = web_acl["Rules"].as_array().unwrap();
    let rates = rules.iter().filter_map(|rule| rule["Statement"].get("RateBasedStatement"));
    rates
        .map(|rate| {
            assert_eq!(
                (&rate["EvaluationWindowSec"], &rate["AggregateKeyType"]),
                (&json!(300), &json!("IP"))
            );
            rate["Limit"].as_u64().unwrap()
        })
        .collect()
}

/// Both tiers, where nothing exists.
fn imagined(alb: alb::Args, args: &Args) -> Graph {
    let subnets =
        |group: &str| ["a", "b"].map(|zone| SubnetId::from(format!("{group}-{zone}")).into()).to_vec();
    let network = alb::Inputs {
        place: place(),
        vpc_id: VpcId::from("vpc-1").into(),
        vpc_cidr: Ipv4Net::new_assert([10, 0, 0, 0].into(), 16).into(),
        public_subnet_ids: subnets("public"),
        private_subnet_ids: subnets("private"),
        client_security_group_ids: Vec::new(),
        api_requests: Some(args.most_requests(aws::firewall::RATE_WINDOW)),
    };
    let mut scope = Scope::new();
    let private = alb.ingress == alb::Ingress::Private;
    let balancer = alb::Tier::new(alb).declare_in(&mut scope, &network).unwrap();
    let inputs = Inputs {
        place: place(),
        vpc_id: network.vpc_id.clone(),
        private_subnet_ids: network.private_subnet_ids.clone(),
        backend: Backend {
            alb_dns_name: balancer.alb_dns_name,
            alb_arn: balancer.alb_arn,
            alb_security_group_id: balancer.alb_security_group_id,
            https: false,
            private,
        },
        ready: vec![balancer.production_rule_arn.text()],
    };
    tier(args.clone()).declare_in(&mut scope, &inputs).unwrap();
    Graph::new(scope).unwrap()
}

#[test]
fn no_rule_on_the_way_stops_fewer_requests_than_the_api_lets_through() {
    let open = alb::Args::default();
    let private = alb::Args { ingress: alb::Ingress::Private, ..open.clone() };
    let closed = alb::Args { ingress_from_vpc: false, ..private.clone() };
    for (rate_limit, burst_limit) in [(1, 1), (100, 200), (10_000, 5_000)] {
        let args = Args { throttle: apigw::Throttle { rate_limit, burst_limit }, ..Args::default() };
        for alb in [&open, &private, &closed] {
            let graph = imagined(alb.clone(), &args);
            // Each method of the stage has the rate and the burst for itself.
            let settings = &graph.get("apigw/stage").unwrap().properties["MethodSettings"][0];
            let rate = settings["ThrottlingRateLimit"].as_f64().unwrap() as u64;
            let burst = settings["ThrottlingBurstLimit"].as_u64().unwrap();
            let methods = graph.nodes().iter().filter(|node| node.kind == "AWS::ApiGateway::Method").count();
            let through = methods as u64 * (rate * 300 + burst);
            let web_acl = |address: &str| graph.get(address).unwrap().properties.clone();
            let (before_alb, before_api) = (web_acl("alb/web-acl"), web_acl("apigw/web-acl"));
            assert_eq!(limits(&before_api).len(), 1);
            assert_eq!(limits(&before_alb).len(), usize::from(alb != &closed));
            for limit in [limits(&before_api), limits(&before_alb)].concat() {
                assert!(limit >= through, "{limit} of {through}");
            }
        }
    }
}
