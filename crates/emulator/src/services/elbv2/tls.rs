//! What HTTPS listeners have: a certificate, a security policy, mutual authentication.

use super::records::{Certificate, MutualAuthentication, Security};
use super::{invalid, not_modelled, security_policies};
use crate::services::{ACCOUNT_ID, Refusal, ensure};

/// The policy of listeners that are not made by the console.
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// What is given about a listener's security; what is not stays as it is.
pub(super) struct Given {
    pub(super) certificates: Option<Vec<Certificate>>,
    pub(super) ssl_policy: Option<String>,
    pub(super) mutual_authentication: Option<MutualAuthentication>,
}

/// The security of a listener after a change. The codes are those that users report.
pub(super) fn secured(
    region: &str,
    protocol: &str,
    given: Given,
    current: &Security,
) -> Result<Security, Refusal> {
    match protocol {
        "HTTPS" => https(region, given, current),
        _ => http(given),
    }
}

fn http(given: Given) -> Result<Security, Refusal> {
    if given.certificates.is_some_and(|certificates| !certificates.is_empty()) {
        return Err(invalid("A certificate cannot be specified for HTTP listeners"));
    }
    if given.ssl_policy.is_some() {
        return Err(invalid("An SSL policy cannot be specified for HTTP listeners"));
    }
    if given.mutual_authentication.is_some() {
        return Err(invalid("Mutual authentication cannot be specified for HTTP listeners"));
    }
    Ok(Security::default())
}

fn https(region: &str, given: Given, current: &Security) -> Result<Security, Refusal> {
    let certificates = given.certificates.unwrap_or_else(|| current.certificates.clone());
    match certificates.as_slice() {
        [] => return Err(invalid("A certificate must be specified for HTTPS listeners")),
        [certificate] => check_certificate(region, certificate)?,
        _ => return Err(invalid("Only one certificate can be specified")),
    }
    let ssl_policy =
        given.ssl_policy.or_else(|| current.ssl_policy.clone()).unwrap_or_else(|| DEFAULT_POLICY.to_owned());
    security_policies::check(&ssl_policy)?;
    let mutual_authentication = given
        .mutual_authentication
        .or_else(|| current.mutual_authentication.clone())
        .unwrap_or_else(|| MutualAuthentication { mode: "off".to_owned() });
    match mutual_authentication.mode.as_str() {
        "off" | "passthrough" => {}
        "verify" => {
            return Err(not_modelled("trust stores, which mutual authentication in Mode verify needs"));
        }
        other => return Err(invalid(format!("Mutual authentication mode '{other}' is not valid"))),
    }
    Ok(Security {
        certificates,
        ssl_policy: Some(ssl_policy),
        mutual_authentication: Some(mutual_authentication),
    })
}

/// A certificate is this account's: one of ACM in the same region, or a server certificate of IAM. Whether there is
/// such a one is not known here.
fn check_certificate(region: &str, certificate: &Certificate) -> Result<(), Refusal> {
    let Certificate { certificate_arn: Some(arn), is_default } = certificate else {
        return Err(invalid("A certificate ARN must be specified"));
    };
    if is_default.is_some() {
        // API Reference, CreateListener, `Certificates`: "Set CertificateArn … but do not set IsDefault".
        return Err(invalid("IsDefault cannot be specified for a listener's default certificate"));
    }
    let acm = format!("arn:aws:acm:{region}:{ACCOUNT_ID}:certificate/");
    let iam = format!("arn:aws:iam::{ACCOUNT_ID}:server-certificate/");
    let of_iam = arn.strip_prefix(&iam).is_some_and(|name| !name.is_empty());
    ensure(of_iam || arn.strip_prefix(&acm).is_some_and(is_uuid), || {
        Refusal::new("CertificateNotFound", format!("Certificate '{arn}' not found"))
    })
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hexadecimal = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hexadecimal)
}
