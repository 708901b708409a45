//! What is on the dashboard, as AWS gets it.

use monitoring::{Args, Inputs};
use serde_json::Value;
use testing::place;

use crate::support::{DASHBOARD, cloudwatch, inputs, tier, with_email, world};

async fn body(args: Args, inputs: &Inputs) -> Value {
    let world = world().await;
    world.create(&tier(args), inputs).await;
    let live = cloudwatch(&world).get_dashboard().dashboard_name(DASHBOARD).send().await.unwrap();
    serde_json::from_str(live.dashboard_body().unwrap()).unwrap()
}

fn of_type<'a>(body: &'a Value, kind: &str) -> Vec<&'a Value> {
    let widgets = body["widgets"].as_array().unwrap().iter();
    widgets.filter(|widget| widget["type"] == kind).map(|widget| &widget["properties"]).collect()
}

#[tokio::test(start_paused = true)]
async fn it_has_the_references_rows_and_more_with_five_minutes_a_value() {
    let body = body(with_email(), &inputs()).await;
    let graphs = of_type(&body, "metric");
    let shown: Vec<String> = graphs
        .iter()
        .map(|graph| {
            let names = graph["metrics"].as_array().unwrap().iter();
            let mut names: Vec<&str> = names.map(|metric| metric[1].as_str().unwrap()).collect();
            names.dedup();
            let namespace = graph["metrics"][0][0].as_str().unwrap();
            format!("{namespace}: {}", names.join(", "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "AWS/ApplicationELB: RequestCount",
            "AWS/ApplicationELB: TargetResponseTime",
            "AWS/ApplicationELB: HTTPCode_Target_4XX_Count, HTTPCode_ELB_4XX_Count",
            "AWS/ApplicationELB: HTTPCode_Target_5XX_Count, HTTPCode_ELB_5XX_Count",
            "AWS/ECS: CPUUtilization",
            "AWS/ECS: MemoryUtilization",
            "ECS/ContainerInsights: RunningTaskCount",
            "AWS/RDS: DatabaseConnections",
            "AWS/RDS: CPUUtilization",
            "AWS/RDS: VolumeBytesUsed",
            "AWS/RDS: AuroraReplicaLag",
            "AWS/RDS: ServerlessDatabaseCapacity",
            "AWS/RDS: ACUUtilization",
            "AWS/ApiGateway: Count",
            "AWS/ApiGateway: 4XXError",
            "AWS/ApiGateway: 5XXError",
            "AWS/ApiGateway: Latency",
            "AWS/WAFV2: AllowedRequests, BlockedRequests",
            "AWS/WAFV2: AllowedRequests, BlockedRequests",
            "AWS/NATGateway: BytesOutToDestination, BytesInFromDestination",
        ]
    );
    for graph in graphs {
        assert_eq!((&graph["period"], &graph["region"]), (&300.into(), &"ap-southeast-1".into()));
    }
    // 26 alarms, and the one on those that are critical in front.
    let alarms = of_type(&body, "alarm")[0]["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 27);
    assert_eq!(alarms[0], "arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:payment-critical-dev");
    let logs: Vec<&str> =
        of_type(&body, "log").into_iter().map(|log| log["query"].as_str().unwrap()).collect();
    assert!(logs[0].starts_with("SOURCE '/ecs/payment-app-dev' | fields @timestamp"), "{logs:?}");
    assert!(logs[1].starts_with("SOURCE '/aws/apigateway/payment-api-dev' | "), "{logs:?}");
    assert!(logs[2].starts_with("SOURCE '/aws/vpc/payment-flow-logs-dev' | "), "{logs:?}");
}

#[tokio::test(start_paused = true)]
async fn widgets_do_not_overlap_and_fit() {
    let body = body(with_email(), &inputs()).await;
    let number = |widget: &Value, name: &str| widget[name].as_u64().unwrap();
    let mut taken = std::collections::BTreeSet::new();
    for widget in body["widgets"].as_array().unwrap() {
        let (x, width) = (number(widget, "x"), number(widget, "width"));
        assert!(width > 0 && x + width <= 24, "{widget}");
        for x in x..x + width {
            for y in number(widget, "y")..number(widget, "y") + number(widget, "height") {
                assert!(taken.insert((x, y)), "{widget}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_is_there_only_where_there_is_something_to_show() {
    let only_firewall = Inputs { web_acl_name: inputs().web_acl_name, ..Inputs::new(place()) };
    let body = body(Args { period: 60, ..Args::default() }, &only_firewall).await;
    let graphs = of_type(&body, "metric");
    assert_eq!(graphs.len(), 1);
    assert_eq!(graphs[0]["period"], 60);
    assert_eq!(of_type(&body, "alarm").len(), 1);
    assert_eq!(of_type(&body, "log").len(), 0);
}
