//! AWS's own security policies: which versions of TLS a listener speaks.
//!
//! Ciphers are left out of the answers, since nothing here negotiates any.

use serde::Deserialize;
use serde_json::{Value, json};

use super::pages::page;
use crate::services::{Answer, Call, Refusal, ensure};

/// User Guide for Application Load Balancers, "Security policies for your Application Load Balancer".
const POLICIES: [&str; 44] = [
    "ELBSecurityPolicy-2016-08",
    "ELBSecurityPolicy-FS-1-1-2019-08",
    "ELBSecurityPolicy-FS-1-2-2019-08",
    "ELBSecurityPolicy-FS-1-2-Res-2019-08",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
    "ELBSecurityPolicy-FS-2018-06",
    "ELBSecurityPolicy-TLS-1-1-2017-01",
    "ELBSecurityPolicy-TLS-1-2-2017-01",
    "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
    "ELBSecurityPolicy-TLS13-1-0-2021-06",
    "ELBSecurityPolicy-TLS13-1-0-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-0-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-0-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-1-2021-06",
    "ELBSecurityPolicy-TLS13-1-1-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext0-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Ext0-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Ext0-RFC9151-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext1-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Ext1-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Ext1-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Ext2-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-RFC9151-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP1-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP2-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP3-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-RFC9151-INTEROP4-FIPS-2023-07",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-RFC9151-FIPS-2023-07",
];

/// Whether there is a policy of this name.
pub(super) fn check(name: &str) -> Result<(), Refusal> {
    ensure(POLICIES.contains(&name), || {
        Refusal::new("SSLPolicyNotFound", format!("SSL policy '{name}' not found"))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
    load_balancer_type: Option<String>,
}

/// API Reference, DescribeSSLPolicies. Gateway load balancers have none.
pub(super) fn describe(call: &Call) -> Answer {
    let given: Describe = call.input()?;
    given.names.iter().try_for_each(|name| check(name))?;
    let is_wanted = |name: &&&str| {
        (given.names.is_empty() || given.names.iter().any(|wanted| wanted == **name))
            && given.load_balancer_type.as_deref() != Some("gateway")
    };
    let wanted: Vec<&&str> = POLICIES.iter().filter(is_wanted).collect();
    let name = |name: &&str| (*name).to_owned();
    let (shown, next) = page(wanted, name, given.marker.as_deref(), given.page_size)?;
    let shown: Vec<Value> = shown.into_iter().map(|name| policy(name)).collect();
    Ok(json!({"SslPolicies": shown, "NextMarker": next}))
}

fn policy(name: &str) -> Value {
    json!({
        "Name": name,
        "SslProtocols": protocols(name),
        "SupportedLoadBalancerTypes": ["application", "network"],
    })
}

/// The oldest version is in the name where it is not 1.0, and those before `TLS13` do not speak 1.3 (the guide's tables of protocols).
fn protocols(name: &str) -> &'static [&'static str] {
    const VERSIONS: [&str; 4] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let family = name.trim_start_matches("ELBSecurityPolicy-");
    let newest = if family.starts_with("TLS13-") { 3 } else { 2 };
    let oldest = ["-1-1-", "-1-2-", "-1-3-"].iter().position(|version| family.contains(version));
    &VERSIONS[oldest.map_or(0, |at| at + 1)..=newest]
}
