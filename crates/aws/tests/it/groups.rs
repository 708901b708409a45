//! How a security group is closed.

use std::sync::Arc;

use aws::resources::SecurityGroup;
use aws::{Tags, VpcId};
use emulator::Emulator;
use engine::{Graph, Scope, Selector};
use testing::World;

#[tokio::test(start_paused = true)]
async fn a_new_group_is_closed_also_where_its_first_rule_is_not_shown_yet() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), aws::kinds);
    let vpc = world.cx.ec2().create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = VpcId::from(vpc.vpc.unwrap().vpc_id.unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let mut scope = Scope::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let group = SecurityGroup::closed(name, "Nobody", vpc.clone().into(), Tags::new());
        scope.within("test", |scope| scope.add(name, group)).unwrap();
    }
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(Graph::new(scope).unwrap()), &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    session.close().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let rules = world.cx.ec2().describe_security_group_rules().send().await.unwrap();
    let groups = world.cx.ec2().describe_security_groups().send().await.unwrap();
    let default =
        groups.security_groups().iter().find(|group| group.group_name() == Some("default")).unwrap();
    let open: Vec<_> =
        rules.security_group_rules().iter().filter(|rule| rule.group_id() != default.group_id()).collect();
    assert!(open.is_empty(), "{open:?}");
}
