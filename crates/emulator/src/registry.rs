//! Where the layers are put together: the machine and the protocol are given the services here, and nowhere else.

use crate::machine::emulator::Builder;
use crate::protocol::model;
use crate::protocol::parameters::decode_query;
use crate::protocol::request::{Http, scope};
use crate::services::{Aws, ec2};

pub(crate) use crate::services::APIS;

impl Default for Builder {
    fn default() -> Self {
        Builder::of(&Aws)
    }
}

/// The regions that there are, sorted: those of the partition `aws` that were known when this was written.
pub fn regions() -> impl Iterator<Item = &'static str> {
    ec2::regions()
}

/// The signing name of the service and the operation of a signed request, such as `ec2` and `CreateVpc`. Of a path that no
/// operation of the modelled APIs has, only the method is told: the path may have names in it.
///
/// ```
/// let scope = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sts/aws4_request";
/// let headers = [("authorization", scope), ("content-type", "application/x-www-form-urlencoded")];
/// let form = b"Action=GetCallerIdentity&Version=2011-06-15";
/// let named = emulator::operation_of("POST", "https://sts.amazonaws.com/", headers, form);
/// assert_eq!(named, Some(("sts".to_owned(), "GetCallerIdentity".to_owned())));
/// ```
pub fn operation_of<'a>(
    method: &str,
    uri: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
) -> Option<(String, String)> {
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let http = Http { method: method.to_owned(), uri: uri.to_owned(), headers, body: body.to_vec() };
    let (service, _) = scope(&http)?;
    let operation = match model::place(&APIS, &service, &http) {
        Some(placed) => placed.operation,
        None => {
            let form = std::str::from_utf8(body).ok().and_then(|text| decode_query(text).ok());
            form.and_then(|form| form["Action"].as_str().map(str::to_owned)).unwrap_or_default()
        }
    };
    let is_name = !operation.is_empty() && operation.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some((service, if is_name { operation } else { method.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(
        service: &str,
        method: &str,
        uri: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Option<(String, String)> {
        let scope = format!("AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/{service}/aws4_request, S=x");
        let headers = [("authorization", scope.as_str())];
        operation_of(method, uri, headers.into_iter().chain(more.iter().copied()), body)
    }

    #[test]
    fn every_protocol_tells_its_operation_and_a_path_is_never_told() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let target = [("x-amz-target", "AmazonEC2ContainerServiceV20141113.CreateCluster")];
        for (service, method, path, more, body, wanted) in [
            ("ec2", "POST", "/", form.as_slice(), b"Action=CreateVpc&CidrBlock=x".as_slice(), "CreateVpc"),
            ("rds", "POST", "/", &form, b"Action=CreateDBCluster&Version=2014-10-31", "CreateDBCluster"),
            ("ecs", "POST", "/", &target, b"{}", "CreateCluster"),
            ("apigateway", "POST", "/restapis", &[], b"{}", "CreateRestApi"),
            ("apigateway", "GET", "/secret-name/x", &[], b"", "GET"),
            ("unheard-of", "GET", "/secret-name/x", &[], b"", "GET"),
        ] {
            let uri = format!("https://x.eu-west-1.amazonaws.com{path}");
            let named = named(service, method, &uri, more, body);
            assert_eq!(named, Some((service.to_owned(), wanted.to_owned())));
        }
        assert_eq!(operation_of("GET", "https://example.com/", [], b""), None);
    }
}
