//! Which model, protocol and operation a request is for.

use crate::protocol::request::Http;
use crate::protocol::response::Refusal;

use super::query::Node;
use super::uri::{Fit, Target, form_pairs};
use super::{Model, Operation, Route, Wire};
use crate::protocol::apis::Apis;

/// A request that has been placed, whether or not its operation is served and its input can be read. It has
/// all that is needed to log and to refuse it.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The API that it is for.
    pub(crate) model: &'static Model,
    /// How it is written, and how the answer has to be.
    pub(crate) wire: Wire,
    /// The operation that it names. For a path that no operation has, it is method and path.
    pub(crate) operation: String,
}

/// The operation of a request, with what was read to find it.
pub(super) struct Found {
    pub(super) operation: &'static Operation,
    pub(super) origin: Origin,
}

/// Where the input is.
pub(super) enum Origin {
    /// In a form.
    Form(Node),
    /// In the body.
    Body,
    /// In path, query, headers and body.
    Everywhere { target: Target, labels: Vec<(String, String)> },
}

/// Places a request. `None` means that no model has this signing name.
pub(crate) fn place(apis: &'static Apis, signing_name: &str, http: &Http) -> Option<Placed> {
    let (model, wire) = model_of(apis, signing_name, http)?;
    let operation = match find(model, wire, http) {
        Ok(found) => found.operation.name.clone(),
        Err(unserved) => unserved.operation,
    };
    Some(Placed { model, wire, operation })
}

/// A request whose operation is not served, or cannot be read.
pub(super) struct Unserved {
    operation: String,
    pub(super) refusal: Refusal,
}

impl Unserved {
    fn unknown(model: &Model, wire: Wire, operation: &str) -> Unserved {
        let (code, status) = match wire {
            Wire::Query => ("InvalidAction", 400),
            Wire::RestXml => ("NotImplemented", 501),
            Wire::RestJson => ("UnknownOperationException", 404),
            Wire::Json | Wire::Cbor => ("UnknownOperationException", 400),
        };
        let message = format!("The emulator does not model the operation {operation} of {}.", model.service);
        Unserved { operation: operation.to_owned(), refusal: Refusal::new(code, message).with_status(status) }
    }

    fn broken(http: &Http, code: &str, message: impl Into<String>) -> Unserved {
        let path = http.uri.split('?').next().unwrap_or_default();
        Unserved { operation: format!("{} {path}", http.method), refusal: Refusal::new(code, message) }
    }
}

/// The model that has a signing name, and the protocol of a request to it.
pub(super) fn model_of(
    apis: &'static Apis,
    signing_name: &str,
    http: &Http,
) -> Option<(&'static Model, Wire)> {
    let model = apis.placed(signing_name, || first_segment(http))?;
    debug_assert_eq!(
        model.signing_name, signing_name,
        "models are filed under the names they are signed for"
    );
    let wire = match model.wire {
        Wire::Cbor if http.header("smithy-protocol").is_some() => Wire::Cbor,
        Wire::Cbor if http.header("x-amz-target").is_some() => Wire::Json,
        Wire::Cbor => Wire::Query,
        wire => wire,
    };
    Some((model, wire))
}

fn first_segment(http: &Http) -> Option<String> {
    Target::parse(&http.uri).ok()?.segments.into_iter().next()
}

/// The operation of a request.
pub(super) fn find(model: &'static Model, wire: Wire, http: &Http) -> Result<Found, Unserved> {
    match wire {
        Wire::Query => find_action(model, http),
        Wire::Json => {
            let target = http.header("x-amz-target").unwrap_or_default();
            let (prefix, name) = target.rsplit_once('.').unwrap_or(("", target));
            let name = if model.target_prefix.as_deref() == Some(prefix) { name } else { target };
            named(model, wire, name)
        }
        Wire::Cbor => {
            let path = Target::parse(&http.uri).map(|target| target.segments).unwrap_or_default();
            match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["service", service, "operation", name]
                    if model.target_prefix.as_deref() == Some(service) =>
                {
                    named(model, wire, name)
                }
                _ => Err(Unserved::unknown(model, wire, &format!("{} {}", http.method, http.uri))),
            }
        }
        Wire::RestJson | Wire::RestXml => find_route(model, wire, http),
    }
}

fn named(model: &'static Model, wire: Wire, name: &str) -> Result<Found, Unserved> {
    let operation = model.operations.get(name).ok_or_else(|| Unserved::unknown(model, wire, name))?;
    Ok(Found { operation, origin: Origin::Body })
}

fn find_action(model: &'static Model, http: &Http) -> Result<Found, Unserved> {
    let malformed = |reason: String| Unserved::broken(http, "MalformedQueryString", reason);
    let body = std::str::from_utf8(&http.body).map_err(|_| malformed("The body is not UTF-8.".to_owned()))?;
    let query = http.uri.split_once('?').map_or("", |(_, query)| query);
    let pairs = form_pairs(query).and_then(|mut pairs| {
        pairs.extend(form_pairs(body)?);
        Ok(pairs)
    });
    let mut form = pairs.and_then(Node::tree).map_err(malformed)?;
    let version = form.take("Version");
    let Some(action) = form.take("Action") else {
        return Err(Unserved::broken(http, "MissingAction", "The request has no Action."));
    };
    // The classic load balancers share their signing name with the ones that are modelled.
    if let Some(version) = version.filter(|version| *version != model.api_version) {
        let message =
            format!("The emulator does not model version {version} of {} ({action}).", model.service);
        return Err(Unserved { operation: action, refusal: Refusal::new("InvalidAction", message) });
    }
    let found = named(model, Wire::Query, &action)?;
    Ok(Found { origin: Origin::Form(form), ..found })
}

fn find_route(model: &'static Model, wire: Wire, http: &Http) -> Result<Found, Unserved> {
    let malformed = |reason: String| Unserved::broken(http, "BadRequestException", reason);
    let mut target = Target::parse(&http.uri).map_err(malformed)?;
    if wire == Wire::RestXml {
        let host = target.authority.as_deref().or_else(|| http.header("host"));
        if let Some(first) = host.and_then(|host| model.extras.in_host(host)) {
            target.segments.insert(0, first);
        }
    }
    let (name, fit) = best(model, &target, http)
        .ok_or_else(|| Unserved::unknown(model, wire, &format!("{} {}", http.method, target.path())))?;
    let found = named(model, wire, name)?;
    Ok(Found { origin: Origin::Everywhere { target, labels: fit.labels }, ..found })
}

/// The operation whose route fits best, served or not; of two that fit alike, the one that is served.
fn best(model: &'static Model, target: &Target, http: &Http) -> Option<(&'static str, Fit)> {
    let served =
        model.operations.iter().filter_map(|(name, operation)| Some((name, operation.route.as_ref()?, true)));
    let others = model.others.iter().map(|(name, route)| (name, route, false));
    served
        .chain(others)
        .filter(|(_, route, _)| route.method == http.method)
        .filter_map(|(name, route, served)| {
            let fit = route.uri.fit(target)?;
            Some(((fit.rank, route.met(target, http), served), name.as_str(), fit))
        })
        .max_by_key(|(rank, _, _)| *rank)
        .map(|(_, name, fit)| (name, fit))
}

impl Route {
    /// How well the request has what the operation cannot be meant without: of two operations with one path,
    /// the one that asks for more and gets it is meant, and the one that asks in vain is not.
    fn met(&self, target: &Target, http: &Http) -> usize {
        let has =
            |name: &String| target.query.iter().any(|(key, _)| key == name) || http.header(name).is_some();
        if self.needs.iter().all(has) { self.needs.len() + 1 } else { 0 }
    }
}

impl Operation {
    /// Whether a key of the query belongs to the protocol and not to the input.
    pub(super) fn owns_query(&self, key: &str) -> bool {
        let asked = self.route.as_ref().is_some_and(|route| route.uri.asks_for(key));
        asked || key == "x-id" || key.to_ascii_lowercase().starts_with("x-amz-")
    }
}

#[cfg(test)]
mod tests {
    use super::super::http;
    use super::*;
    use crate::APIS;

    fn placed(signing_name: &str, http: &Http) -> (String, Wire, String) {
        let placed = place(&APIS, signing_name, http).expect("there is a model");
        (placed.model.service.clone(), placed.wire, placed.operation)
    }

    fn s3(method: &str, uri: &str) -> String {
        placed("s3", &http(method, uri, &[], "")).2
    }

    #[test]
    fn every_protocol_names_its_operation_in_its_own_place() {
        let form = http("POST", "/", &[], "Action=CreateRole&Version=2010-05-08&RoleName=a");
        assert_eq!(placed("iam", &form), ("iam".into(), Wire::Query, "CreateRole".into()));
        let target = http("POST", "/", &[("X-Amz-Target", "TrentService.CreateKey")], "{}");
        assert_eq!(placed("kms", &target), ("kms".into(), Wire::Json, "CreateKey".into()));
        let path = "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm";
        let cbor = http("POST", path, &[("smithy-protocol", "rpc-v2-cbor")], "");
        assert_eq!(placed("monitoring", &cbor), ("monitoring".into(), Wire::Cbor, "PutMetricAlarm".into()));
        let json = http("POST", "/", &[("x-amz-target", "GraniteServiceVersion20100801.ListMetrics")], "{}");
        assert_eq!(placed("monitoring", &json).1, Wire::Json);
        assert_eq!(placed("monitoring", &http("POST", "/", &[], "Action=ListMetrics")).1, Wire::Query);
        let rest = http("GET", "/restapis/x/stages/y", &[], "");
        assert_eq!(placed("apigateway", &rest), ("apigateway".into(), Wire::RestJson, "GetStage".into()));
        let second = http("GET", "https://apigateway.eu-west-1.amazonaws.com/v2/vpclinks", &[], "");
        assert_eq!(
            placed("apigateway", &second),
            ("apigatewayv2".into(), Wire::RestJson, "GetVpcLinks".into())
        );
        assert!(place(&APIS, "ec2", &form).is_none());
    }

    #[test]
    fn the_best_route_wins() {
        assert_eq!(s3("PUT", "/b"), "CreateBucket");
        assert_eq!(s3("PUT", "/b?tagging"), "PutBucketTagging");
        assert_eq!(s3("PUT", "/b/?tagging="), "PutBucketTagging");
        assert_eq!(s3("PUT", "/b/k?x-id=PutObject"), "PutObject");
        assert_eq!(s3("GET", "/b?list-type=2"), "ListObjectsV2");
        assert_eq!(s3("GET", "/?x-id=ListBuckets"), "ListBuckets");
        assert_eq!(s3("PUT", "https://b.s3.eu-west-1.amazonaws.com/"), "CreateBucket");
        assert_eq!(s3("PUT", "https://b.s3.eu-west-1.amazonaws.com/k"), "PutObject");
        let host = http("PUT", "/k", &[("host", "b.localhost:4566")], "");
        assert_eq!(placed("s3", &host).2, "PutObject");
    }

    #[test]
    fn operations_that_are_not_served_are_known_by_name() {
        assert_eq!(s3("PUT", "/b?acl"), "PutBucketAcl");
        assert_eq!(s3("PUT", "/b/k?partNumber=1&uploadId=u"), "UploadPart");
        let copy = http("PUT", "/b/k", &[("x-amz-copy-source", "/a/k")], "");
        assert_eq!(placed("s3", &copy).2, "CopyObject");
        let (model, wire) = model_of(&APIS, "s3", &copy).expect("there is one");
        let unserved = find(model, wire, &copy).err().expect("it is refused");
        assert_eq!((unserved.refusal.code.as_str(), unserved.refusal.status), ("NotImplemented", 501));
        assert!(unserved.refusal.message.contains("CopyObject"));
        assert_eq!(placed("iam", &http("POST", "/", &[], "Action=CreateUser")).2, "CreateUser");
        assert_eq!(placed("lambda", &http("GET", "/no/such", &[], "")).2, "GET /no/such");
        assert_eq!(placed("iam", &http("POST", "/", &[], "A=1")).2, "POST /");
        let classic = http("POST", "/", &[], "Action=DescribeLoadBalancers&Version=2012-06-01");
        let (model, wire) = model_of(&APIS, "elasticloadbalancing", &classic).expect("there is one");
        assert_eq!(find(model, wire, &classic).err().expect("it is refused").refusal.code, "InvalidAction");
        let other = http("POST", "/", &[("x-amz-target", "Other.CreateKey")], "{}");
        assert_eq!(placed("kms", &other).2, "Other.CreateKey");
    }
}
