//! Whether there is the security policy that a listener is to have, before anything is made.
//!
//! AWS adds policies, so that no list of them is kept here: Elastic Load Balancing is asked for its own, where a listener is made or its
//! policy changes. What a policy speaks is taken from the answer too, not from its name.

use aws::{Called, Context};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerTypeEnum, SslPolicy};
use engine::{CallError, Foreseen, Wish};

use super::elb::elb;

/// What a load balancer of this stack may speak (Security Hub ELB.17, PCI DSS 4.2.1).
const SPOKEN: [&str; 2] = ["TLSv1.2", "TLSv1.3"];
/// How many slips of the finger a name may be away from the one that is meant.
const SLIPS: usize = 3;

/// Refuses a policy that AWS does not have, and one with an old version of TLS.
pub(super) async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
    let Some(wanted) = wish.declared["SslPolicy"].as_str() else { return Ok(Foreseen::nothing()) };
    if wish.there.is_some_and(|there| there.live["SslPolicy"] == wanted) {
        return Ok(Foreseen::nothing());
    }
    Ok(judged(wanted, &policies(cx).await?, cx.region()))
}

/// What is to be said of a policy, among all that there are.
fn judged(wanted: &str, all: &[SslPolicy], region: &str) -> Foreseen {
    let Some(policy) = all.iter().find(|policy| policy.name() == Some(wanted)) else {
        let names = all.iter().filter(|policy| old_version(policy).is_none()).filter_map(SslPolicy::name);
        let hint = match closest(wanted, names) {
            Some(meant) => format!("did you mean {meant}? Set it in `alb.ssl_policy`"),
            None => "set one in `alb.ssl_policy` that `aws elbv2 describe-ssl-policies` shows".to_owned(),
        };
        let reason = format!("Elastic Load Balancing has no security policy `{wanted}` in {region}");
        return Foreseen::refusal(reason, hint);
    };
    match old_version(policy) {
        None => Foreseen::nothing(),
        Some(old) => Foreseen::refusal(
            format!("the security policy `{wanted}` speaks {old}, and clients must use TLS 1.2 at least"),
            "set another one in `alb.ssl_policy`, such as ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        ),
    }
}

/// All policies for application load balancers.
async fn policies(cx: &Context) -> Result<Vec<SslPolicy>, CallError> {
    let mut all = Vec::new();
    let mut marker = None;
    loop {
        let request = elb(cx).describe_ssl_policies().load_balancer_type(LoadBalancerTypeEnum::Application);
        let page = request.set_marker(marker).send().await.called("DescribeSSLPolicies")?;
        all.extend(page.ssl_policies.unwrap_or_default());
        marker = page.next_marker.filter(|next| !next.is_empty());
        if marker.is_none() {
            return Ok(all);
        }
    }
}

fn old_version(policy: &SslPolicy) -> Option<&str> {
    policy.ssl_protocols().iter().map(String::as_str).find(|version| !SPOKEN.contains(version))
}

fn closest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |name: &str| strsim::damerau_levenshtein(wrong, name);
    let near = names.map(|name| (slips(name), name)).filter(|(slips, _)| *slips <= SLIPS);
    near.min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, protocols: &[&str]) -> SslPolicy {
        let protocols = protocols.iter().map(|&protocol| protocol.to_owned()).collect();
        SslPolicy::builder().name(name).set_ssl_protocols(Some(protocols)).build()
    }

    #[test]
    fn a_policy_is_judged_by_what_aws_says_that_it_speaks() {
        let all = [
            policy("ELBSecurityPolicy-TLS13-1-2-2021-06", &["TLSv1.2", "TLSv1.3"]),
            policy("ELBSecurityPolicy-TLS13-1-2-Ext9-2030-01", &["TLSv1.1", "TLSv1.2", "TLSv1.3"]),
        ];
        let refused =
            |wanted: &str| judged(wanted, &all, "eu-west-1").refused.map(|why| (why.reason, why.hint));
        assert_eq!(refused("ELBSecurityPolicy-TLS13-1-2-2021-06"), None);
        let (reason, _) = refused("ELBSecurityPolicy-TLS13-1-2-Ext9-2030-01").unwrap();
        assert!(reason.contains("speaks TLSv1.1"), "{reason}");
        let (reason, hint) = refused("ELBSecurityPolicy-TLS13-1-2-2021-07").unwrap();
        assert!(
            reason.ends_with("no security policy `ELBSecurityPolicy-TLS13-1-2-2021-07` in eu-west-1"),
            "{reason}"
        );
        assert!(hint.contains("did you mean ELBSecurityPolicy-TLS13-1-2-2021-06?"), "{hint}");
        // One that speaks an old version is not proposed.
        let (_, hint) = refused("ELBSecurityPolicy-TLS13-1-2-Ext9-2030-02").unwrap();
        assert!(hint.contains("describe-ssl-policies"), "{hint}");
    }
}
