//! The models of APIs, as data: how requests are read, checked and answered.
//!
//! `models/*.json` hold the facts, and `scripts/api-models` writes them. This module is what AWS's own front
//! ends are: it places a request ([`place()`]), reads its input ([`decode()`]), finds what the model forbids
//! ([`check()`]) and writes answers ([`success()`], [`failure()`]). The services behind it see one kind of
//! value for every protocol:
//!
//! - members have the names of AWS's API references (`DBClusterIdentifier`, `clusterName`);
//! - lists are arrays, maps are objects, numbers and booleans are JSON's;
//! - timestamps are numbers of seconds since 1970;
//! - blobs are base64, a body that is streamed too.
//!
//! What a request carries and the model does not know stays in the input under its own name, and what cannot
//! be converted stays as it was sent, so that [`check()`] refuses it by name. Nothing is dropped, but the
//! protocol's own parameters and headers.
//!
//! # The format of a model
//!
//! A file is one object. Members that say nothing (null, false, empty list) are left out.
//!
//! - `service`, `signing_name`, `api_version`, `protocol` (AWS's name of it), and what the protocol needs:
//!   `json_version`, `target_prefix`, `xml_namespace`; `query_errors` (names of errors to codes) for a
//!   service that once spoke the query protocol and still sends its codes;
//! - `typed_errors` of Lambda, whose errors say whose fault they are in a member `Type`: their names, and what the
//!   member with their message is called;
//! - `operations` by name: `input` and `output` (names of shapes), `status` of a success, `result_wrapper`
//!   (query), `method`, `uri` and `needs` (REST; `needs` are query keys and headers without which it cannot
//!   be meant), `root` and `unwrapped` (the root element of S3's answers, and whether it is the only member
//!   itself);
//! - `others`: the routes of the operations that are not served, so that they can be refused by name;
//! - `shapes` by name: `type`; `members` of a structure with `shape`, `location` (`uri`, `querystring`,
//!   `header`, `headers`, `statusCode`; otherwise the body), `location_name` (if it is not the member's),
//!   `flattened`, `streaming`; `required`, `payload` (the member that is the whole body); `member`, `key`,
//!   `value` and `member_name`, `key_name`, `value_name` of lists and maps; `min`, `max`, `pattern` (of the
//!   whole value), `enum`; `timestamp_format`, `sensitive`.

mod aws_chunked;
mod cbor;
mod decode;
mod encode;
mod json;
mod place;
mod query;
mod redact;
mod rest;
#[cfg(test)]
mod round_trip;
mod shape;
mod text;
mod uri;
pub(crate) use uri::form_pairs;
mod validate;
mod xml;
mod xml_codec;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use decode::{Decoded, decode};
pub(crate) use encode::{Encoded, failure, success};
pub(crate) use place::{Placed, place};
pub(crate) use redact::sensitive;
pub(crate) use validate::{Problem, Violation, check};

use super::apis::Extras;
use shape::{Location, Shape};
use uri::Template;

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Wire {
    /// Form-encoded request, XML answer.
    #[serde(rename = "query")]
    Query,
    /// JSON body, operation in the `x-amz-target` header.
    #[serde(rename = "json")]
    Json,
    /// Method and path, JSON body.
    #[serde(rename = "rest-json")]
    RestJson,
    /// Method and path, XML body.
    #[serde(rename = "rest-xml")]
    RestXml,
    /// Smithy RPC v2: operation in the path, CBOR body.
    #[serde(rename = "smithy-rpc-v2-cbor")]
    Cbor,
}

/// The API of one service.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    /// The name of the model's file. It is the signing name, but for `apigatewayv2`.
    pub(crate) service: String,
    /// The name that requests are signed for.
    pub(crate) signing_name: String,
    /// The protocol that the service speaks first.
    #[serde(rename = "protocol")]
    pub(crate) wire: Wire,
    /// The version of the API, such as `2014-10-31`.
    pub(crate) api_version: String,
    /// The operations that are served.
    pub(crate) operations: BTreeMap<String, Operation>,
    json_version: Option<String>,
    target_prefix: Option<String>,
    xml_namespace: Option<String>,
    #[serde(default)]
    query_errors: BTreeMap<String, String>,
    #[serde(default)]
    typed_errors: BTreeMap<String, String>,
    #[serde(default)]
    others: BTreeMap<String, Route>,
    shapes: BTreeMap<String, Shape>,
    #[serde(skip)]
    pub(crate) extras: Extras,
}

/// One operation of a service.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    /// Its name, such as `CreateDBCluster`.
    #[serde(skip)]
    pub(crate) name: String,
    /// The HTTP status of a success.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    input: String,
    output: Option<String>,
    result_wrapper: Option<String>,
    root: Option<String>,
    #[serde(default)]
    unwrapped: bool,
    #[serde(flatten)]
    route: Option<Route>,
}

/// Where a REST operation is found.
#[derive(Debug, Deserialize)]
struct Route {
    method: String,
    uri: Template,
    #[serde(default)]
    needs: Vec<String>,
}

fn ok() -> u16 {
    200
}

impl Model {
    /// Reads a model, which is part of this program.
    pub(crate) fn parse(service: &str, text: &str, extras: Extras) -> Model {
        let mut model: Model = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("the model of {service} is broken: {error}"));
        model.operations.iter_mut().for_each(|(name, operation)| operation.name.clone_from(name));
        model.extras = extras;
        model
    }

    /// A shape by its name. Models are closed: every name in them is the name of a shape.
    fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("the model of {} has no shape {name}", self.service))
    }

    fn input(&self, operation: &Operation) -> &Shape {
        self.shape(&operation.input)
    }

    fn output(&self, operation: &Operation) -> Option<&Shape> {
        operation.output.as_deref().map(|name| self.shape(name))
    }
}

/// The name that a header or a key of the query has on the wire, by the member that it is.
pub(crate) fn argument_name(
    model: &'static Model,
    operation: &Operation,
    member: &str,
) -> Option<&'static str> {
    let (name, member) = model.input(operation).members.get_key_value(member)?;
    matches!(member.location, Location::Header | Location::QueryString).then(|| member.wire_name(name))
}

/// A request, for tests.
#[cfg(test)]
fn http(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> crate::protocol::request::Http {
    crate::protocol::request::Http {
        method: method.to_owned(),
        uri: uri.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::shape::Kind;
    use super::*;
    use crate::APIS;

    fn references(shape: &Shape) -> Vec<&String> {
        let members = shape.members.values().map(|member| &member.shape);
        members.chain([&shape.member, &shape.key, &shape.value].into_iter().flatten()).collect()
    }

    #[test]
    fn every_model_is_closed_and_named_as_its_file() {
        for source in APIS.modelled {
            let model = source.model();
            assert_eq!(model.service, source.service);
            assert!(!model.operations.is_empty());
            for operation in model.operations.values() {
                for name in [&operation.input].into_iter().chain(&operation.output) {
                    assert_eq!(model.shape(name).kind, Kind::Structure, "{name}");
                }
                let rest = matches!(model.wire, Wire::RestJson | Wire::RestXml);
                assert_eq!(operation.route.is_some(), rest, "{}", operation.name);
            }
            for shape in model.shapes.values() {
                for name in references(shape) {
                    assert!(model.shapes.contains_key(name), "{}: {name}", model.service);
                }
                for name in shape.required.iter().chain(&shape.payload) {
                    assert!(shape.members.contains_key(name), "{}: {name}", model.service);
                }
            }
        }
    }

    #[test]
    fn every_pattern_is_one_that_the_regex_crate_has() {
        for source in APIS.modelled {
            for (name, shape) in &source.model().shapes {
                if let Some(pattern) = &shape.pattern {
                    assert!(pattern.compiles(), "{}: {name}: {pattern:?}", source.service);
                }
            }
        }
    }
}
