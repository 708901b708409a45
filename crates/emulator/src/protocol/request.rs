//! From an HTTP request to a [`Call`]: which service, operation, region and parameters.
//!
//! The service and the region come from the credential scope of the `Authorization` header
//! (`Credential=AKID/20260101/eu-west-1/ec2/aws4_request`), which every signed request carries whatever its
//! endpoint is; a request without one is placed by its host name. Operation and parameters come from where the
//! service's protocol puts them, which the models of the APIs know (`model`), and for APIs without one this module.

use std::sync::Arc;

use serde_json::Value;

use crate::protocol::apis::Apis;
use crate::protocol::bounds::{check_nesting, is_region};
use crate::protocol::model::{self, Decoded, Model, Operation, Violation, Wire};
use crate::protocol::parameters::{Parameters, decode_query};
use crate::protocol::response::{Refusal, Response, refuse_if};
use crate::protocol::secrets::{Secrets, redact, redact_of};

/// How a service writes its requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form-encoded request, XML answer without a result element (EC2 only).
    Ec2Query,
    /// Form-encoded request, XML answer (IAM, RDS).
    AwsQuery,
    /// JSON request with an `X-Amz-Target` header, JSON answer (ECS, KMS).
    AwsJson,
    /// Method and path, JSON body (API Gateway, Lambda).
    RestJson,
    /// Method and path, XML body (S3).
    RestXml,
    /// Smithy's RPC with CBOR (CloudWatch).
    Cbor,
    /// HTTP of the service's own, without a signature: the API of registries of images (OCI Distribution Specification).
    Registry,
}

impl From<Wire> for Protocol {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Query => Protocol::AwsQuery,
            Wire::Json => Protocol::AwsJson,
            Wire::RestJson => Protocol::RestJson,
            Wire::RestXml => Protocol::RestXml,
            Wire::Cbor => Protocol::Cbor,
        }
    }
}

/// Where a request stands in the models of the APIs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) model: &'static Model,
    /// `None` for an operation that the model lacks, and for a request that cannot be read.
    pub(crate) operation: Option<&'static Operation>,
    pub(crate) wire: Wire,
}

/// One request, decoded.
#[derive(Clone, Debug)]
pub struct Call {
    /// Position among all calls of this emulator, from 1.
    pub sequence: u64,
    /// The signing name of the service, such as `ec2`.
    pub service: String,
    /// The operation, such as `CreateVpc`.
    pub operation: String,
    /// The region that the request was signed for. Global services are signed for `us-east-1`.
    pub region: String,
    /// All parameters as one JSON object, query parameters nested by their dots.
    pub parameters: Arc<Value>,
    /// The protocol that the answer has to be written in.
    pub protocol: Protocol,
    /// `None` for an API without a model, and for what cannot be placed.
    pub(crate) placed: Option<Placed>,
    /// The XML namespace of the answers of an API without a model.
    pub(crate) namespace: &'static str,
    pub(crate) http: Arc<Http>,
}

/// The parts of an HTTP request that a service may need to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Call {
    /// Decodes a request. A request that cannot be placed is answered at once, in the plainest form that AWS
    /// clients read.
    pub(crate) fn decode(
        apis: &'static Apis,
        sequence: u64,
        http: Http,
    ) -> Result<Call, Box<(Call, Refusal)>> {
        let mut call = Call {
            sequence,
            service: String::new(),
            operation: String::new(),
            region: String::new(),
            parameters: Arc::new(Value::Object(serde_json::Map::new())),
            protocol: Protocol::AwsQuery,
            placed: None,
            namespace: "",
            http: Arc::new(http),
        };
        match call.fill(apis) {
            Ok(()) => Ok(call),
            Err(refusal) => Err(Box::new((call, refusal))),
        }
    }

    fn fill(&mut self, apis: &'static Apis) -> Result<(), Refusal> {
        let http = Arc::clone(&self.http);
        if let Some(claimed) = apis.claimed(&http) {
            self.protocol = Protocol::Registry;
            self.service = claimed.service.to_owned();
            self.operation = claimed.operation;
            self.region = claimed.region;
            self.parameters = Arc::new(claimed.parameters);
            return Ok(());
        }
        let (service, region) = scope(&http).ok_or_else(|| {
            Refusal::new(
                "MissingAuthenticationToken",
                format!("Neither signature nor host name of {} names a service.", http.uri),
            )
        })?;
        if !is_region(&region) {
            let message = format!(
                "Credential should be scoped to a valid region, and `{region}` is not the code of one."
            );
            return Err(Refusal::new("SignatureDoesNotMatch", message).with_status(403));
        }
        self.service = service;
        self.region = region;
        let signed_for = self.service.clone();
        let Some(model::Placed { model, wire, operation }) = model::place(apis, &self.service, &http) else {
            return self.fill_unmodelled(apis, &http);
        };
        // So far it is known even of a request that cannot be read, which is refused in its own protocol.
        self.service.clone_from(&model.service);
        self.operation = operation;
        self.protocol = wire.into();
        self.placed = Some(Placed { model, operation: None, wire });
        if let Some(decoded) = model::decode(apis, &signed_for, &http) {
            let Decoded { operation, input, .. } = decoded?;
            check_nesting(&input).map_err(too_deep)?;
            self.operation.clone_from(&operation.name);
            self.parameters = Arc::new(input);
            self.placed = Some(Placed { model, operation: Some(operation), wire });
        }
        Ok(())
    }

    /// APIs without a model, and services that are not there, whose requests are only read far enough to be refused by name.
    fn fill_unmodelled(&mut self, apis: &Apis, http: &Http) -> Result<(), Refusal> {
        if let Some(target) = http.header("x-amz-target") {
            self.protocol = Protocol::AwsJson;
            self.operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            return Ok(());
        }
        if !http.header("content-type").is_some_and(is_form) {
            self.protocol = Protocol::RestJson;
            self.operation = format!("{} {}", http.method, path_of(&http.uri));
            return Ok(());
        }
        if let Some(namespace) = apis.ec2_namespace(&self.service) {
            self.protocol = Protocol::Ec2Query;
            self.namespace = namespace;
        }
        let text = std::str::from_utf8(&http.body)
            .map_err(|_| Refusal::new("SerializationException", "The body is not UTF-8."))?;
        let mut values = decode_query(text).map_err(|reason| Refusal::new("MalformedQueryString", reason))?;
        if let Some(map) = values.as_object_mut() {
            map.remove("Version");
            if let Some(Value::String(action)) = map.remove("Action") {
                self.operation = action;
            }
        }
        self.parameters = Arc::new(values);
        refuse_if(self.operation.is_empty(), || Refusal::new("MissingAction", "The request has no Action."))
    }

    /// The first thing about the parameters that the model of the API does not allow.
    pub(crate) fn check(&self) -> Result<(), Violation> {
        match self.placed {
            Some(Placed { model, operation: Some(operation), .. }) => {
                model::check(model, operation, &self.parameters)
            }
            _ => Ok(()),
        }
    }

    /// The name that a header or a key of the query has on the wire, by the member that it is; `None` for what is in
    /// the path or the body.
    pub(crate) fn argument_name(&self, member: &str) -> Option<&'static str> {
        let Placed { model, operation, .. } = self.placed?;
        model::argument_name(model, operation?, member)
    }

    /// The parameters without secrets, of which the service says some that neither the model nor their names tell.
    pub(crate) fn redacted(&self, secrets: Secrets) -> Value {
        match self.placed {
            Some(Placed { model, operation: Some(operation), .. }) => {
                let parameters = model::sensitive(model, operation, &self.parameters);
                redact_of(secrets, &operation.name, redact(&parameters))
            }
            _ => redact(&self.parameters),
        }
    }

    /// Whether the operation may change something. AWS names its reads by their first word.
    pub fn is_mutating(&self) -> bool {
        const READS: [&str; 14] = [
            "Describe",
            "Get",
            "List",
            "Search",
            "Filter",
            "Lookup",
            "BatchGet",
            "BatchCheck",
            "Simulate",
            "Test",
            "Validate",
            "Head",
            "HEAD ",
            "Check",
        ];
        let reads =
            READS.iter().any(|word| self.operation.starts_with(word)) || self.operation.starts_with("GET ");
        !reads && !self.placed.is_some_and(|placed| placed.model.extras.reads(self))
    }

    /// An error answer in this call's protocol.
    pub fn refuse(&self, refusal: Refusal) -> Response {
        Response::refusal(self, refusal)
    }

    /// The parameters, ready to be read one by one.
    pub(crate) fn read(&self) -> Parameters {
        Parameters::new(self.protocol, &self.operation, &self.parameters)
    }
}

fn too_deep(reason: String) -> Refusal {
    Refusal::new("SerializationException", format!("The request cannot be read: {reason}."))
}

fn is_form(content_type: &str) -> bool {
    content_type.starts_with("application/x-www-form-urlencoded")
}

fn path_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    path.split('?').next().unwrap_or(path)
}

/// Service and region, from the signature or else from the host name.
pub(crate) fn scope(http: &Http) -> Option<(String, String)> {
    if let Some(scope) = http
        .header("authorization")
        .and_then(|header| header.split_once("Credential="))
        .and_then(|(_, rest)| rest.split([',', ' ']).next())
    {
        let mut parts = scope.rsplit('/');
        if let (Some(_), Some(service), Some(region)) = (parts.next(), parts.next(), parts.next()) {
            return Some((service.to_owned(), region.to_owned()));
        }
    }
    let host = http.uri.split_once("://")?.1.split(['/', ':']).next()?;
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".api.aws"))?;
    let (service, region) = name.split_once('.').unwrap_or((name, "us-east-1"));
    Some((service.to_owned(), region.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::APIS;

    fn request(headers: &[(&str, &str)], uri: &str, body: &str) -> Http {
        Http {
            method: "POST".into(),
            uri: uri.into(),
            headers: headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            body: body.into(),
        }
    }

    #[test]
    fn the_signature_places_a_request_whatever_its_endpoint_is() {
        let signature = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ec2/aws4_request, S=x";
        let headers = [("authorization", signature), ("content-type", "application/x-www-form-urlencoded")];
        let http = request(&headers, "http://127.0.0.1:4566/", "Action=DescribeVpcs&Version=1");
        let call = Call::decode(&APIS, 7, http).expect("it is well formed");
        assert_eq!((call.service.as_str(), call.region.as_str()), ("ec2", "eu-west-1"));
        assert_eq!((call.operation.as_str(), call.is_mutating()), ("DescribeVpcs", false));
        assert_eq!(*call.parameters, serde_json::json!({}));
    }

    #[test]
    fn an_unsigned_request_is_placed_by_its_host_name() {
        let headers = [("x-amz-target", "Logs_20140328.CreateLogGroup")];
        let http = request(&headers, "https://logs.us-west-2.amazonaws.com/", r#"{"logGroupName":"a"}"#);
        let call = Call::decode(&APIS, 1, http).expect("it is well formed");
        assert_eq!((call.service.as_str(), call.region.as_str()), ("logs", "us-west-2"));
        assert!(call.is_mutating());
    }
}
