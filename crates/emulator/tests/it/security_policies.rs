//! The security policies of load balancers.

use aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum;

use crate::front::Front;
use crate::support::code;

/// API Reference, DescribeSSLPolicies; User Guide, "Security policies for your Application Load Balancer", for what each speaks.
#[tokio::test(start_paused = true)]
async fn policies_are_listed_with_what_they_speak() {
    let front = Front::in_memory().await;
    let describe = || front.elb.describe_ssl_policies();
    let speaks = async |name: &str| {
        let found = describe().names(name).send().await.unwrap();
        let [policy] = found.ssl_policies() else { panic!("{found:?}") };
        assert_eq!(policy.name(), Some(name));
        policy.ssl_protocols().join(" ")
    };
    for (name, wanted) in [
        ("ELBSecurityPolicy-2016-08", "TLSv1 TLSv1.1 TLSv1.2"),
        ("ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1.1 TLSv1.2"),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", "TLSv1.2"),
        ("ELBSecurityPolicy-TLS13-1-0-2021-06", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "TLSv1.2 TLSv1.3"),
        ("ELBSecurityPolicy-TLS13-1-3-RFC9151-FIPS-2023-07", "TLSv1.3"),
    ] {
        assert_eq!(speaks(name).await, wanted, "{name}");
    }
    assert_eq!(code(describe().names("ELBSecurityPolicy-2052-09").send().await), "SSLPolicyNotFound");

    let all = describe().load_balancer_type(LoadBalancerTypeEnum::Application).send().await.unwrap();
    let (mut paged, mut marker) = (Vec::new(), None);
    loop {
        let page = describe().page_size(7).set_marker(marker).send().await.unwrap();
        assert!(page.ssl_policies().len() <= 7);
        paged.extend(page.ssl_policies.unwrap());
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.ssl_policies());
    assert!(paged.len() > 40, "{}", paged.len());
    let gateway = describe().load_balancer_type(LoadBalancerTypeEnum::Gateway).send().await.unwrap();
    assert!(gateway.ssl_policies().is_empty());
}
