//! Requests as each protocol writes them, and damage to them.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::draw::Draw;
use super::values::{Known, anything, value};

/// The API of a service.
pub(super) struct Api {
    pub(super) protocol: String,
    signing_name: String,
    model: Value,
    operations: Vec<String>,
}

/// All of them. EC2 has no model: its operations are read where they are listed.
pub(super) fn apis() -> Vec<Api> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(crate_root.join("models")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut apis: Vec<Api> = files
        .iter()
        .map(|file| {
            let model: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            Api {
                protocol: model["protocol"].as_str().unwrap().to_owned(),
                signing_name: model["signing_name"].as_str().unwrap().to_owned(),
                operations: model["operations"].as_object().unwrap().keys().cloned().collect(),
                model,
            }
        })
        .collect();
    let source = std::fs::read_to_string(crate_root.join("src/services/ec2/mod.rs")).unwrap();
    let names = source.split('"').skip(1).step_by(2).filter(|name| {
        let verbs = [
            "Create",
            "Describe",
            "Delete",
            "Modify",
            "Attach",
            "Detach",
            "Associate",
            "Authorize",
            "Replace",
            "Release",
        ];
        verbs.iter().any(|verb| name.starts_with(verb))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let mut operations: Vec<String> = names.map(str::to_owned).collect();
    operations.sort();
    operations.dedup();
    assert!(operations.len() > 40, "{operations:?}");
    apis.push(Api {
        protocol: "ec2".to_owned(),
        signing_name: "ec2".to_owned(),
        model: json!({}),
        operations,
    });
    apis
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    pub(super) fn into_request(self) -> Result<http::Request<Vec<u8>>, http::Error> {
        let builder = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("http://localhost{}", self.path));
        let builder = self.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value));
        builder.body(self.body)
    }
}

/// Names that parameters of EC2 have.
const EC2: &[&str] = &[
    "VpcId",
    "CidrBlock",
    "SubnetId",
    "GroupId",
    "GroupName",
    "GroupDescription",
    "RouteTableId",
    "NetworkAclId",
    "InternetGatewayId",
    "AllocationId",
    "AvailabilityZone",
    "DestinationCidrBlock",
    "GatewayId",
    "NatGatewayId",
    "ServiceName",
    "VpcEndpointId",
    "VpcEndpointType",
    "DryRun",
    "MaxResults",
    "NextToken",
    "RuleNumber",
    "Protocol",
    "Egress",
    "RuleAction",
    "EnableDnsSupport.Value",
    "Domain",
    "ConnectivityType",
    "ClientToken",
    "AssociationId",
    "ResourceType",
    "TrafficType",
    "LogDestination",
    "LogGroupName",
    "VpcId.1",
    "SubnetId.1",
    "GroupId.1",
    "Filter.1.Name",
    "Filter.1.Value.1",
    "TagSpecification.1.ResourceType",
    "TagSpecification.1.Tag.1.Key",
    "TagSpecification.1.Tag.1.Value",
    "IpPermissions.1.IpProtocol",
    "IpPermissions.1.FromPort",
    "IpPermissions.1.ToPort",
    "IpPermissions.1.IpRanges.1.CidrIp",
    "IpPermissions.1.Groups.1.GroupId",
    "PolicyDocument",
    "ResourceId.1",
];

impl Api {
    pub(super) fn request(&self, draw: &mut Draw, known: &Known) -> Sent {
        // There must be something before anything can be done with it.
        let makes = self.operations.iter().filter(|name| name.starts_with("Create")).collect::<Vec<_>>();
        let name = match draw.one_in(4) && !makes.is_empty() {
            true => (*draw.pick(&makes)).clone(),
            false => draw.pick(&self.operations).clone(),
        };
        let operation = &self.model["operations"][&name];
        let input = operation["input"].as_str().unwrap_or_default();
        let shapes = &self.model["shapes"];
        let given = match input.is_empty() {
            true => json!({}),
            false => value(draw, shapes, input, "", known, 0),
        };
        let region = match self.signing_name.as_str() {
            // Where a bucket is made without saying where.
            "s3" if !draw.one_in(4) => "us-east-1",
            _ if draw.one_in(40) => "eu-west-1",
            _ => "ap-southeast-1",
        };
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAFUZZ/20261130/{region}/{}/aws4_request, Signature=0",
            self.signing_name
        );
        let mut sent = match self.protocol.as_str() {
            "json" => {
                let target = format!("{}.{name}", self.model["target_prefix"].as_str().unwrap_or_default());
                let kind = format!(
                    "application/x-amz-json-{}",
                    self.model["json_version"].as_str().unwrap_or("1.1")
                );
                posted(
                    "/",
                    &[("x-amz-target", &target), ("content-type", &kind)],
                    given.to_string().into_bytes(),
                )
            }
            "smithy-rpc-v2-cbor" => {
                let service = self.model["target_prefix"].as_str().unwrap_or("GraniteServiceVersion20100801");
                let mut body = Vec::new();
                ciborium::into_writer(&given, &mut body).unwrap();
                let path = format!("/service/{service}/operation/{name}");
                posted(
                    &path,
                    &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")],
                    body,
                )
            }
            "query" => {
                let version = self.model["api_version"].as_str().unwrap_or_default();
                let mut form = format!("Action={name}&Version={version}");
                self.flatten(&mut form, "", &given, input);
                posted("/", &[("content-type", "application/x-www-form-urlencoded")], form.into_bytes())
            }
            "ec2" => {
                let mut form = format!("Action={name}&Version=2016-11-15");
                for _ in 0..draw.below(8) {
                    let parameter = *draw.pick(EC2);
                    let text = value(draw, &json!({}), "", parameter, known, 0);
                    pair(&mut form, parameter, &text);
                }
                posted("/", &[("content-type", "application/x-www-form-urlencoded")], form.into_bytes())
            }
            _ => self.rest(operation, input, &given),
        };
        sent.headers.push(("authorization".to_owned(), signature));
        if draw.one_in(8) {
            damage(draw, &mut sent);
        }
        sent
    }

    /// Lists and structures as names between dots.
    fn flatten(&self, form: &mut String, at: &str, given: &Value, shape: &str) {
        let facts = &self.model["shapes"][shape];
        let within = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        match given {
            Value::Object(members) if facts["type"] == "map" => {
                for (number, (key, inner)) in members.iter().enumerate() {
                    let entry = within(&format!("entry.{}", number + 1));
                    pair(form, &format!("{entry}.key"), &json!(key));
                    self.flatten(
                        form,
                        &format!("{entry}.value"),
                        inner,
                        facts["value"].as_str().unwrap_or_default(),
                    );
                }
            }
            Value::Object(members) => {
                for (name, inner) in members {
                    let member = &facts["members"][name];
                    let name = member["location_name"].as_str().unwrap_or(name);
                    self.flatten(form, &within(name), inner, member["shape"].as_str().unwrap_or_default());
                }
            }
            Value::Array(items) => {
                let name = facts["member_name"].as_str().unwrap_or("member");
                for (number, item) in items.iter().enumerate() {
                    let element = within(&format!("{name}.{}", number + 1));
                    self.flatten(form, &element, item, facts["member"].as_str().unwrap_or_default());
                }
            }
            text => pair(form, at, text),
        }
    }

    /// An element of XML with what is in it.
    fn element(&self, name: &str, given: &Value, shape: &str) -> String {
        let facts = &self.model["shapes"][shape];
        let inner = match given {
            Value::Object(members) => members
                .iter()
                .map(|(name, inner)| {
                    let member = &facts["members"][name];
                    let (shape, wire) =
                        (member["shape"].as_str().unwrap_or_default(), member["location_name"].as_str());
                    match inner {
                        Value::Array(items) if member["flattened"] == true => {
                            let of = self.model["shapes"][shape]["member"].as_str().unwrap_or_default();
                            items.iter().map(|item| self.element(wire.unwrap_or(name), item, of)).collect()
                        }
                        inner => self.element(wire.unwrap_or(name), inner, shape),
                    }
                })
                .collect(),
            Value::Array(items) => {
                let of = facts["member"].as_str().unwrap_or_default();
                let each = facts["member_name"].as_str().unwrap_or("member");
                items.iter().map(|item| self.element(each, item, of)).collect()
            }
            text => plain(text).replace('&', "&amp;").replace('<', "&lt;"),
        };
        format!("<{name}>{inner}</{name}>")
    }

    /// Members where the model says: in the path, the query, headers, or the body.
    fn rest(&self, operation: &Value, input: &str, given: &Value) -> Sent {
        let facts = &self.model["shapes"][input];
        let mut path = operation["uri"].as_str().unwrap_or("/").to_owned();
        let (mut headers, mut query, mut inner) = (Vec::new(), String::new(), json!({}));
        for (name, member) in given.as_object().into_iter().flatten() {
            let facts = &facts["members"][name];
            let wire = facts["location_name"].as_str().unwrap_or(name);
            match facts["location"].as_str() {
                Some("uri") => {
                    for template in [format!("{{{wire}}}"), format!("{{{wire}+}}")] {
                        path = path.replace(&template, &escape(&plain(member)));
                    }
                }
                Some("querystring") => pair(&mut query, wire, member),
                Some("header") => headers.push((wire.to_ascii_lowercase(), plain(member))),
                Some(_) => {}
                None => inner[wire] = member.clone(),
            }
        }
        if !query.is_empty() {
            let joint = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{joint}{}", query.trim_start_matches('&'));
        }
        let payload = facts["payload"].as_str();
        let body = match (self.protocol.as_str(), payload) {
            ("rest-xml", Some(member)) => match &given[member] {
                Value::String(blob) => STANDARD.decode(blob).unwrap_or_else(|_| blob.clone().into_bytes()),
                inner => {
                    let facts = &facts["members"][member];
                    let root = facts["location_name"].as_str().unwrap_or(member);
                    self.element(root, inner, facts["shape"].as_str().unwrap_or_default()).into_bytes()
                }
            },
            ("rest-xml", None) => Vec::new(),
            (_, Some(member)) => given[member].to_string().into_bytes(),
            (_, None) => inner.to_string().into_bytes(),
        };
        let method = operation["method"].as_str().unwrap_or("GET").to_owned();
        Sent { method, path, headers, body }
    }
}

fn posted(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Sent {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sent { method: "POST".to_owned(), path: path.to_owned(), headers, body }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => drop(write!(escaped, "%{byte:02X}")),
        }
        escaped
    })
}

fn pair(form: &mut String, name: &str, value: &Value) {
    let _ = write!(form, "&{}={}", escape(name), escape(&plain(value)));
}

/// What a request may look like after it was cut, doubled, mixed up, or written by somebody who means harm.
fn damage(draw: &mut Draw, sent: &mut Sent) {
    let at = draw.below(sent.body.len() + 1);
    match draw.below(14) {
        0 => sent.body.truncate(at),
        1 => sent.body.insert(at, u8::try_from(draw.below(256)).unwrap()),
        2 => {
            let tail = sent.body.split_off(at);
            sent.body.splice(0..0, tail);
        }
        3 => sent.body.extend_from_within(at..),
        4 => sent.body = format!("{}=1", ".a".repeat(draw.below(5000))).into_bytes(),
        5 => sent.body = "[".repeat(draw.below(5000)).into_bytes(),
        6 => sent.body = "<a>".repeat(draw.below(5000)).into_bytes(),
        7 => sent.body = anything(draw, 6).to_string().into_bytes(),
        8 => {
            sent.path = format!(
                "{}{}",
                sent.path,
                draw.pick(&["?", "/", "%", "%zz", "?a=%", "//", "?versionId=null&acl"])
            )
        }
        9 => {
            sent.method = (*draw.pick(&["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "X"])).to_owned()
        }
        10 => sent.headers.clear(),
        11 => sent.headers.push((
            (*draw.pick(HEADERS)).to_owned(),
            draw.pick(&["", "a", "-1", "chunked", "aws-chunked"]).to_string(),
        )),
        12 => sent.body = vec![0xff; draw.below(300)],
        _ => {
            // CBOR of which the lengths are lies.
            sent.body.splice(0..0, [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        }
    }
}

const HEADERS: &[&str] = &[
    "content-encoding",
    "content-type",
    "x-amz-decoded-content-length",
    "x-amz-content-sha256",
    "x-amz-target",
    "smithy-protocol",
    "content-md5",
    "x-amz-checksum-crc32",
    "if-match",
    "range",
    "host",
    "x-amz-date",
];
