//! Attributes of load balancers, target groups and listeners: which there are, their defaults and their values (API
//! Reference, LoadBalancerAttribute, TargetGroupAttribute, ListenerAttribute).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::records::Attributes;
use super::{invalid, wrong_configuration};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// An attribute as it is given.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

/// The attributes of one kind of object.
pub(super) struct Table {
    what: &'static str,
    own: &'static [Attribute],
    /// Those that AWS has for another type of load balancer or protocol.
    foreign: &'static [&'static str],
}

struct Attribute {
    key: &'static str,
    default: &'static str,
    allowed: Allowed,
}

enum Allowed {
    OneOf(&'static [&'static str]),
    Number(u32, u32),
    /// A number, or this word.
    NumberOr(u32, u32, &'static str),
    HeaderName,
    /// So many characters at most, or nothing.
    Text(usize),
}

use Allowed::{HeaderName, Number, NumberOr, OneOf, Text};

const FLAG: Allowed = OneOf(&["true", "false"]);

const fn attribute(key: &'static str, default: &'static str, allowed: Allowed) -> Attribute {
    Attribute { key, default, allowed }
}

pub(super) static LOAD_BALANCER: Table = Table {
    what: "load balancer",
    own: &[
        attribute("access_logs.s3.bucket", "", Text(63)),
        attribute("access_logs.s3.enabled", "false", FLAG),
        attribute("access_logs.s3.prefix", "", Text(1024)),
        attribute("client_keep_alive.seconds", "3600", Number(60, 604_800)),
        attribute("connection_logs.s3.bucket", "", Text(63)),
        attribute("connection_logs.s3.enabled", "false", FLAG),
        attribute("connection_logs.s3.prefix", "", Text(1024)),
        attribute("deletion_protection.enabled", "false", FLAG),
        attribute("health_check_logs.s3.bucket", "", Text(63)),
        attribute("health_check_logs.s3.enabled", "false", FLAG),
        attribute("health_check_logs.s3.prefix", "", Text(1024)),
        attribute("idle_timeout.timeout_seconds", "60", Number(1, 4000)),
        attribute("ipv6.deny_all_igw_traffic", "false", FLAG),
        // Always on for application load balancers.
        attribute("load_balancing.cross_zone.enabled", "true", OneOf(&["true"])),
        attribute(
            "routing.http.desync_mitigation_mode",
            "defensive",
            OneOf(&["monitor", "defensive", "strictest"]),
        ),
        attribute("routing.http.drop_invalid_header_fields.enabled", "false", FLAG),
        attribute("routing.http.preserve_host_header.enabled", "false", FLAG),
        attribute("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", FLAG),
        attribute("routing.http.xff_client_port.enabled", "false", FLAG),
        attribute(
            "routing.http.xff_header_processing.mode",
            "append",
            OneOf(&["append", "preserve", "remove"]),
        ),
        attribute("routing.http2.enabled", "true", FLAG),
        attribute("waf.fail_open.enabled", "false", FLAG),
        attribute("zonal_shift.config.enabled", "false", FLAG),
    ],
    foreign: &["dns_record.client_routing_policy", "secondary_ips.auto_assigned.per_subnet"],
};

pub(super) static TARGET_GROUP: Table = Table {
    what: "target group",
    own: &[
        attribute("deregistration_delay.timeout_seconds", "300", Number(0, 3600)),
        attribute("load_balancing.algorithm.anomaly_mitigation", "off", OneOf(&["on", "off"])),
        attribute(
            "load_balancing.algorithm.type",
            "round_robin",
            OneOf(&["round_robin", "least_outstanding_requests", "weighted_random"]),
        ),
        attribute(
            "load_balancing.cross_zone.enabled",
            "use_load_balancer_configuration",
            OneOf(&["true", "false", "use_load_balancer_configuration"]),
        ),
        attribute("slow_start.duration_seconds", "0", NumberOr(30, 900, "0")),
        attribute("stickiness.app_cookie.cookie_name", "", Text(4096)),
        attribute("stickiness.app_cookie.duration_seconds", "86400", Number(1, 604_800)),
        attribute("stickiness.enabled", "false", FLAG),
        attribute("stickiness.lb_cookie.duration_seconds", "86400", Number(1, 604_800)),
        attribute("stickiness.type", "lb_cookie", OneOf(&["lb_cookie", "app_cookie"])),
        // User Guide for Application Load Balancers, quotas: 1000 targets for a load balancer.
        attribute(
            "target_group_health.dns_failover.minimum_healthy_targets.count",
            "1",
            NumberOr(1, 1000, "off"),
        ),
        attribute(
            "target_group_health.dns_failover.minimum_healthy_targets.percentage",
            "off",
            NumberOr(1, 100, "off"),
        ),
        attribute(
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
            "1",
            Number(1, 1000),
        ),
        attribute(
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
            "off",
            NumberOr(1, 100, "off"),
        ),
    ],
    foreign: &[
        "deregistration_delay.connection_termination.enabled",
        "lambda.multi_value_headers.enabled",
        "preserve_client_ip.enabled",
        "proxy_protocol_v2.enabled",
        "send_tcp_reset.on_deregistration.enabled",
        "send_tcp_reset.on_unhealthy.enabled",
        "target_failover.on_deregistration",
        "target_failover.on_unhealthy",
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
    ],
};

/// User Guide for Application Load Balancers, "HTTP header modification": the headers that a listener of either
/// protocol adds to responses.
const RESPONSE_HEADERS: [Attribute; 10] = [
    attribute(
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
        OneOf(&["", "true"]),
    ),
    attribute("routing.http.response.access_control_allow_headers.header_value", "", Text(1024)),
    attribute("routing.http.response.access_control_allow_methods.header_value", "", Text(1024)),
    attribute("routing.http.response.access_control_allow_origin.header_value", "", Text(1024)),
    attribute("routing.http.response.access_control_expose_headers.header_value", "", Text(1024)),
    attribute("routing.http.response.access_control_max_age.header_value", "", NumberOr(0, 86_400, "")),
    attribute("routing.http.response.content_security_policy.header_value", "", Text(1024)),
    attribute("routing.http.response.server.enabled", "true", FLAG),
    attribute("routing.http.response.x_content_type_options.header_value", "", OneOf(&["", "nosniff"])),
    attribute("routing.http.response.x_frame_options.header_value", "", OneOf(&["", "DENY", "SAMEORIGIN"])),
];

const SECURE_HEADERS: [Attribute; 9] = [
    attribute(MTLS_SERIAL, "X-Amzn-Mtls-Clientcert-Serial-Number", HeaderName),
    attribute(MTLS_ISSUER, "X-Amzn-Mtls-Clientcert-Issuer", HeaderName),
    attribute(MTLS_SUBJECT, "X-Amzn-Mtls-Clientcert-Subject", HeaderName),
    attribute(MTLS_VALIDITY, "X-Amzn-Mtls-Clientcert-Validity", HeaderName),
    attribute(MTLS_LEAF, "X-Amzn-Mtls-Clientcert-Leaf", HeaderName),
    attribute(MTLS_CERTIFICATE, "X-Amzn-Mtls-Clientcert", HeaderName),
    attribute(TLS_VERSION, "X-Amzn-Tls-Version", HeaderName),
    attribute(TLS_CIPHER_SUITE, "X-Amzn-Tls-Cipher-Suite", HeaderName),
    attribute(STRICT_TRANSPORT_SECURITY, "", Text(1024)),
];

const MTLS_SERIAL: &str = "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name";
const MTLS_ISSUER: &str = "routing.http.request.x_amzn_mtls_clientcert_issuer.header_name";
const MTLS_SUBJECT: &str = "routing.http.request.x_amzn_mtls_clientcert_subject.header_name";
const MTLS_VALIDITY: &str = "routing.http.request.x_amzn_mtls_clientcert_validity.header_name";
const MTLS_LEAF: &str = "routing.http.request.x_amzn_mtls_clientcert_leaf.header_name";
const MTLS_CERTIFICATE: &str = "routing.http.request.x_amzn_mtls_clientcert.header_name";
const TLS_VERSION: &str = "routing.http.request.x_amzn_tls_version.header_name";
const TLS_CIPHER_SUITE: &str = "routing.http.request.x_amzn_tls_cipher_suite.header_name";
const STRICT_TRANSPORT_SECURITY: &str = "routing.http.response.strict_transport_security.header_value";
const TCP_IDLE_TIMEOUT: &str = "tcp.idle_timeout.seconds";
const TCP_RESET: &str = "send_tcp_reset.on_idle_timeout.enabled";

static HTTP_LISTENER: Table = Table {
    what: "listener",
    own: &RESPONSE_HEADERS,
    foreign: &[
        MTLS_SERIAL,
        MTLS_ISSUER,
        MTLS_SUBJECT,
        MTLS_VALIDITY,
        MTLS_LEAF,
        MTLS_CERTIFICATE,
        TLS_VERSION,
        TLS_CIPHER_SUITE,
        STRICT_TRANSPORT_SECURITY,
        TCP_IDLE_TIMEOUT,
        TCP_RESET,
    ],
};

static HTTPS_LISTENER: Table =
    Table { what: "listener", own: &HTTPS_HEADERS, foreign: &[TCP_IDLE_TIMEOUT, TCP_RESET] };

const HTTPS_HEADERS: [Attribute; 19] = {
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = RESPONSE_HEADERS;
    let [s0, s1, s2, s3, s4, s5, s6, s7, s8] = SECURE_HEADERS;
    [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, s0, s1, s2, s3, s4, s5, s6, s7, s8]
};

/// The attributes of a listener, which depend on its protocol.
pub(super) fn of_listener(https: bool) -> &'static Table {
    if https { &HTTPS_LISTENER } else { &HTTP_LISTENER }
}

impl Table {
    /// How a new object has them.
    pub(super) fn defaults(&self) -> Attributes {
        self.own.iter().map(|own| (own.key.to_owned(), own.default.to_owned())).collect()
    }

    /// Attributes as they are after a change, and the keys that were given.
    ///
    /// An unknown key is a ValidationError, "Load balancer attribute key '…' is not recognized"; one of another type
    /// InvalidConfigurationRequest, "… is not supported on load balancers with type '…'" (as clients report them).
    pub(super) fn changed(
        &self,
        current: &Attributes,
        given: Vec<Pair>,
    ) -> Result<(Attributes, BTreeSet<String>), Refusal> {
        let what = self.what;
        // The service answers so, though its API model has no such limit.
        refuse_if(given.len() > 20, || invalid("Attributes must have length less than or equal to 20"))?;
        let mut attributes = current.clone();
        let mut keys = BTreeSet::new();
        for Pair { key, value } in given {
            self.check(&key, &value)?;
            if !keys.insert(key.clone()) {
                return Err(invalid(format!("The {what} attribute key '{key}' is given more than once")));
            }
            attributes.insert(key, value);
        }
        Ok((attributes, keys))
    }

    fn check(&self, key: &str, value: &str) -> Result<(), Refusal> {
        let what = self.what;
        let Some(own) = self.own.iter().find(|own| own.key == key) else {
            return Err(if self.foreign.contains(&key) {
                wrong_configuration(format!(
                    "The {what} attribute key '{key}' is not supported on a {what} of this type"
                ))
            } else {
                invalid(format!("The {what} attribute key '{key}' is not recognized"))
            });
        };
        ensure(own.allowed.allows(value), || {
            wrong_configuration(format!(
                "The value '{value}' of the {what} attribute '{key}' is not valid: expected {}",
                own.allowed.expected()
            ))
        })
    }
}

impl Allowed {
    fn allows(&self, value: &str) -> bool {
        let is_number = |low: u32, high: u32| {
            let plain = value.bytes().all(|byte| byte.is_ascii_digit());
            plain && value.parse().is_ok_and(|number: u32| (low..=high).contains(&number))
        };
        match self {
            OneOf(values) => values.contains(&value),
            Number(low, high) => is_number(*low, *high),
            NumberOr(low, high, word) => value == *word || is_number(*low, *high),
            HeaderName => {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                (1..=40).contains(&value.len()) && value.bytes().all(legal)
            }
            Text(longest) => value.len() <= *longest,
        }
    }

    fn expected(&self) -> String {
        match self {
            OneOf(values) => format!("one of {}", values.join(", ")),
            Number(low, high) => format!("a number from {low} to {high}"),
            NumberOr(low, high, word) => format!("'{word}' or a number from {low} to {high}"),
            HeaderName => "1 to 40 letters, digits, hyphens and underscores".to_owned(),
            Text(longest) => format!("{longest} characters at most"),
        }
    }
}

/// Whether an attribute has this value.
pub(super) fn is(attributes: &Attributes, key: &str, value: &str) -> bool {
    attributes.get(key).is_some_and(|found| found == value)
}

/// The answer of every operation on attributes.
pub(super) fn answer(attributes: &Attributes) -> Value {
    let pairs: Vec<Value> =
        attributes.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({"Attributes": pairs})
}
