//! Attributes that nobody declares, and that matter all the same: they decide who gets which request and with which headers.
//!
//! One that has another value than AWS gives a new object was set by somebody else. It is read back beside those that are declared,
//! so that it is drift, and an update takes it back to AWS's value. Values are those of the API Reference (LoadBalancerAttribute,
//! TargetGroupAttribute, ListenerAttribute; User Guide for Application Load Balancers, "HTTP header modification").
//!
//! Left out are attributes that do nothing alone, such as the name and the duration of a cookie while stickiness is off; those that an
//! application load balancer cannot change or does not have (`load_balancing.cross_zone.enabled` of a load balancer,
//! `preserve_client_ip.enabled`); and `ipv6.deny_all_igw_traffic`, as the stack has no IPv6.

use engine::Resolved;

use super::elb::Attribute;

/// Keys and AWS's values.
type Usual = [(&'static str, &'static str)];

const LOAD_BALANCER: &Usual = &[
    ("access_logs.s3.prefix", ""),
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.prefix", ""),
    ("health_check_logs.s3.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
];

const TARGET_GROUP: &Usual = &[
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.enabled", "false"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
];

const LISTENER: &Usual = &[
    ("routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Amzn-Mtls-Clientcert"),
    ("routing.http.request.x_amzn_mtls_clientcert_issuer.header_name", "X-Amzn-Mtls-Clientcert-Issuer"),
    ("routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", "X-Amzn-Mtls-Clientcert-Leaf"),
    (
        "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
        "X-Amzn-Mtls-Clientcert-Serial-Number",
    ),
    ("routing.http.request.x_amzn_mtls_clientcert_subject.header_name", "X-Amzn-Mtls-Clientcert-Subject"),
    ("routing.http.request.x_amzn_mtls_clientcert_validity.header_name", "X-Amzn-Mtls-Clientcert-Validity"),
    ("routing.http.request.x_amzn_tls_cipher_suite.header_name", "X-Amzn-Tls-Cipher-Suite"),
    ("routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version"),
    ("routing.http.response.server.enabled", "true"),
];

fn of(table: &Usual, key: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == key).map(|(_, usual)| *usual)
}

/// AWS's value of an attribute of a load balancer, if it matters.
pub(super) fn of_load_balancer(key: &str) -> Option<&'static str> {
    of(LOAD_BALANCER, key)
}

/// AWS's value of an attribute of a target group, if it matters.
pub(super) fn of_target_group(key: &str) -> Option<&'static str> {
    of(TARGET_GROUP, key)
}

/// AWS's value of an attribute of a listener, if it matters. No header is added or replaced, whichever there are.
pub(super) fn of_listener(key: &str) -> Option<&'static str> {
    let is_header = key.starts_with("routing.http.response.") && key.ends_with(".header_value");
    of(LISTENER, key).or_else(|| is_header.then_some(""))
}

/// Which value AWS gives an attribute.
type UsualOf = fn(&str) -> Option<&'static str>;

/// Live attributes that are not recorded, matter, and are not as AWS makes them; by key. One that is shown without a value is as AWS
/// makes it.
pub(super) fn added<'a>(
    recorded: &[Attribute<Resolved>],
    live: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    usual: UsualOf,
) -> Vec<Attribute<Resolved>> {
    let other = |(key, value): (Option<&'a str>, Option<&'a str>)| {
        let (key, value) = (key?, value.filter(|value| !value.is_empty())?);
        let is_recorded = recorded.iter().any(|recorded| recorded.key == key);
        let differs = !is_recorded && usual(key)? != value;
        differs.then(|| Attribute { key: key.to_owned(), value: value.to_owned() })
    };
    let mut added: Vec<_> = live.filter_map(other).collect();
    added.sort_by(|one, other| one.key.cmp(&other.key));
    added
}

/// What takes those back that an object has and that are not wanted.
pub(super) fn taken_back(
    live: &[Attribute<Resolved>],
    wanted: &[Attribute<Resolved>],
    usual: UsualOf,
) -> Vec<Attribute<Resolved>> {
    let unwanted = live.iter().filter(|live| wanted.iter().all(|wanted| wanted.key != live.key));
    let back = unwanted
        .filter_map(|live| Some(Attribute { key: live.key.clone(), value: usual(&live.key)?.to_owned() }));
    back.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: &str) -> Attribute<Resolved> {
        Attribute { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn what_is_added_is_what_matters_and_is_not_as_aws_makes_it() {
        let recorded = [attribute("stickiness.enabled", "true")];
        let live = [
            ("unknown", "1"),
            ("slow_start.duration_seconds", "60"),
            ("stickiness.enabled", "true"),
            ("stickiness.lb_cookie.duration_seconds", "1"),
            ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
            ("load_balancing.algorithm.anomaly_mitigation", ""),
        ];
        let live = live.map(|(key, value)| (Some(key), Some(value)));
        let found = added(&recorded, live.into_iter(), of_target_group);
        assert_eq!(found, [attribute("slow_start.duration_seconds", "60")]);
        let back = taken_back(&[recorded[0].clone(), found[0].clone()], &recorded, of_target_group);
        assert_eq!(back, [attribute("slow_start.duration_seconds", "0")]);
    }

    #[test]
    fn a_listener_adds_no_header_to_responses_whichever_there_are() {
        assert_eq!(of_listener("routing.http.response.x_new.header_value"), Some(""));
        assert_eq!(of_listener("routing.http.response.server.enabled"), Some("true"));
        assert_eq!(of_listener("tcp.idle_timeout.seconds"), None);
    }
}
