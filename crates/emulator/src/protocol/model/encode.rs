//! Writes answers.

use serde_json::{Map, Value, json};

use super::shape::{Kind, Location, Shape, TimestampFormat};
use super::{Model, Operation, Wire, cbor, text, xml, xml_codec};
use crate::protocol::response::Refusal;

/// An answer on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// HTTP status.
    pub(crate) status: u16,
    /// HTTP headers, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// HTTP body.
    pub(crate) body: Vec<u8>,
}

impl Encoded {
    fn new(model: &Model, wire: Wire, request_id: &str, status: u16) -> Encoded {
        let id = if wire == Wire::RestXml { "x-amz-request-id" } else { "x-amzn-requestid" };
        let mut out = Encoded { status, ..Encoded::default() };
        out.header(id, request_id);
        if wire == Wire::Cbor {
            out.header("smithy-protocol", "rpc-v2-cbor");
        }
        debug_assert!(model.speaks(wire), "{} does not speak {wire:?}", model.service);
        out
    }

    fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
    }

    fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Encoded {
        if !self.headers.iter().any(|(name, _)| name == "content-type") {
            self.header("content-type", content_type);
        }
        self.body = body.into();
        self
    }

    /// The same answer to a HEAD request, which has no body.
    pub(crate) fn without_body(mut self) -> Encoded {
        self.body.clear();
        self
    }
}

impl Model {
    fn speaks(&self, wire: Wire) -> bool {
        self.wire == wire || (self.wire == Wire::Cbor && matches!(wire, Wire::Json | Wire::Query))
    }

    fn json_type(&self) -> String {
        format!("application/x-amz-json-{}", self.json_version.as_deref().unwrap_or("1.1"))
    }

    fn xmlns(&self) -> String {
        let attribute = |namespace: &String| format!(" xmlns=\"{namespace}\"");
        self.xml_namespace.as_ref().map(attribute).unwrap_or_default()
    }
}

/// Writes a success. Members of the output that are null or begin with an underscore stay inside. A member
/// that the model does not have is a mistake of the service: debug builds panic, others leave it out. What
/// the models do not know of answers is in two members: `_headers`, by name, and `_status`.
pub(crate) fn success(
    model: &Model,
    operation: &Operation,
    wire: Wire,
    request_id: &str,
    output: &Value,
) -> Encoded {
    let shape = model.output(operation);
    let mut out = Encoded::new(model, wire, request_id, operation.status);
    for (name, value) in output["_headers"].as_object().into_iter().flatten() {
        out.header(name, value.as_str().unwrap_or_default());
    }
    let status = output["_status"].as_u64().and_then(|status| u16::try_from(status).ok());
    out.status = status.unwrap_or(out.status);
    let output = match (shape, output) {
        (Some(shape), Value::Object(_)) => tidy(model, shape, output, &operation.name),
        _ => {
            debug_assert!(is_nothing(output), "{} answers with {output}", operation.name);
            Value::Object(Map::new())
        }
    };
    let members = output.as_object().expect("tidying an object gives an object");
    match (wire, shape) {
        (Wire::Query, _) => query(model, operation, request_id, shape, members, out),
        (Wire::Json, None) => out.with_body(&model.json_type(), ""),
        (Wire::Json, Some(shape)) => {
            let body = super::json::write_structure(model, shape, members);
            out.with_body(&model.json_type(), body.to_string())
        }
        (_, None) => out,
        (Wire::Cbor, Some(shape)) => out.with_body("application/cbor", cbor::write(model, shape, &output)),
        (Wire::RestJson | Wire::RestXml, Some(shape)) => rest(model, operation, wire, shape, members, out),
    }
}

fn is_nothing(output: &Value) -> bool {
    match output {
        Value::Null => true,
        Value::Object(members) => {
            members.iter().all(|(name, value)| name.starts_with('_') || value.is_null())
        }
        _ => false,
    }
}

/// Leaves out what must not be written.
fn tidy(model: &Model, shape: &Shape, value: &Value, path: &str) -> Value {
    debug_assert!(fits(shape.kind, value), "{path} is a {:?} and not {value}", shape.kind);
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => {
            let written = members.iter().filter(|(name, value)| !name.starts_with('_') && !value.is_null());
            written
                .filter_map(|(name, value)| {
                    let member = shape.members.get(name);
                    debug_assert!(member.is_some(), "the model of {} has no {path}.{name}", model.service);
                    let inner = model.shape(&member?.shape);
                    Some((name.clone(), tidy(model, inner, value, &format!("{path}.{name}"))))
                })
                .collect()
        }
        (Kind::List, Value::Array(items)) => {
            let inner = model.shape(shape.item());
            items.iter().map(|item| tidy(model, inner, item, path)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let inner = model.shape(shape.item());
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            entries.map(|(key, value)| (key.clone(), tidy(model, inner, value, path))).collect()
        }
        (_, other) => other.clone(),
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Structure | Kind::Map => value.is_object(),
        Kind::List => value.is_array(),
        Kind::String => value.is_string(),
        Kind::Boolean => value.is_boolean(),
        Kind::Integer | Kind::Long => value.is_i64() || value.is_u64(),
        Kind::Float | Kind::Double => value.is_number() || value.is_string(),
        Kind::Timestamp => value.is_number(),
        Kind::Blob => value.as_str().and_then(text::bytes).is_some(),
        Kind::Document => true,
    }
}

fn query(
    model: &Model,
    operation: &Operation,
    request_id: &str,
    shape: Option<&Shape>,
    members: &Map<String, Value>,
    out: Encoded,
) -> Encoded {
    let name = &operation.name;
    let mut body = format!("<{name}Response{}>", model.xmlns());
    if let Some(shape) = shape {
        let wrapper = operation.result_wrapper.clone().unwrap_or_else(|| format!("{name}Result"));
        body.push_str(&format!("<{wrapper}>"));
        xml_codec::write_members(&mut body, model, shape, members);
        body.push_str(&format!("</{wrapper}>"));
    }
    body.push_str("<ResponseMetadata><RequestId>");
    xml::escape(&mut body, request_id);
    body.push_str(&format!("</RequestId></ResponseMetadata></{name}Response>"));
    out.with_body("text/xml", body)
}

fn rest(
    model: &Model,
    operation: &Operation,
    wire: Wire,
    shape: &Shape,
    members: &Map<String, Value>,
    mut out: Encoded,
) -> Encoded {
    let mut body = Map::new();
    for (name, value) in members {
        let member = &shape.members[name];
        let inner = model.shape(&member.shape);
        match (member.location, value) {
            (Location::StatusCode, _) => {
                out.status = value.as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(out.status);
            }
            (Location::Header, _) => out.header(member.wire_name(name), header(model, inner, value)),
            (Location::Headers, Value::Object(entries)) => {
                let prefix = member.wire_name(name);
                let text = |value: &Value| text::write(inner, TimestampFormat::Rfc822, value);
                entries.iter().for_each(|(key, value)| out.header(&format!("{prefix}{key}"), text(value)));
            }
            _ => drop(body.insert(name.clone(), value.clone())),
        }
    }
    match &shape.payload {
        Some(name) => match body.get(name) {
            Some(value) => payload(model, wire, shape, name, value, out),
            None => out,
        },
        None if out.status == 204 => out,
        None if wire == Wire::RestXml => whole_document(model, operation, shape, &body, out),
        None => {
            let body = super::json::write_structure(model, shape, &body);
            out.with_body("application/json", body.to_string())
        }
    }
}

fn header(model: &Model, shape: &Shape, value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let inner = model.shape(shape.item());
            let texts: Vec<String> =
                items.iter().map(|item| text::write(inner, TimestampFormat::Rfc822, item)).collect();
            texts.join(",")
        }
        other => text::write(shape, TimestampFormat::Rfc822, other),
    }
}

/// The body that is one member.
fn payload(model: &Model, wire: Wire, shape: &Shape, name: &str, value: &Value, out: Encoded) -> Encoded {
    let member = &shape.members[name];
    let inner = model.shape(&member.shape);
    match (inner.kind, value, wire) {
        (Kind::Blob, Value::String(blob), _) => {
            out.with_body("application/octet-stream", text::bytes(blob).unwrap_or_default())
        }
        (Kind::String, Value::String(text), _) => out.with_body("text/plain", text.as_bytes()),
        (_, _, Wire::RestXml) => {
            let mut content = String::new();
            xml_codec::write_content(&mut content, model, inner, value);
            document(model, member.wire_name(name), &content, out)
        }
        _ => out.with_body("application/json", super::json::write(model, inner, value).to_string()),
    }
}

fn whole_document(
    model: &Model,
    operation: &Operation,
    shape: &Shape,
    members: &Map<String, Value>,
    out: Encoded,
) -> Encoded {
    // An answer that has all its members in headers has no document.
    let Some(root) = &operation.root else {
        return out;
    };
    let mut content = String::new();
    match members.iter().next().filter(|_| operation.unwrapped) {
        Some((name, value)) => {
            let inner = model.shape(&shape.members[name].shape);
            xml_codec::write_content(&mut content, model, inner, value);
        }
        None => xml_codec::write_members(&mut content, model, shape, members),
    }
    document(model, root, &content, out)
}

fn document(model: &Model, root: &str, content: &str, out: Encoded) -> Encoded {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    out.with_body("application/xml", format!("{declaration}<{root}{}>{content}</{root}>", model.xmlns()))
}

/// Writes an error. The code is the one that AWS's error lists give. Details are written where the wire is XML
/// over REST, which is S3's.
///
/// A service that once spoke the query protocol has two codes for some errors: the old one, which its clients
/// match on and which goes into the header `x-amzn-query-error`, and the name in the model, which is in the
/// body. Whichever of them is given here, both are sent.
pub(crate) fn failure(model: &Model, wire: Wire, request_id: &str, refusal: &Refusal) -> Encoded {
    let Refusal { status, code, message, details, headers } = refusal;
    let (status, code, message) = (*status, code.as_str(), message.as_str());
    let mut out = Encoded::new(model, wire, request_id, status);
    headers.iter().for_each(|(name, value)| out.header(name, value));
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    let (old, new) = model.both_codes(code);
    match wire {
        Wire::Query => out.with_body("text/xml", {
            let error = error_members(&[("Type", fault), ("Code", old), ("Message", message)]);
            let id = error_members(&[("RequestId", request_id)]);
            format!("<ErrorResponse{}><Error>{error}</Error>{id}</ErrorResponse>", model.xmlns())
        }),
        Wire::RestXml => out.with_body("application/xml", {
            let mut members = vec![("Code", code), ("Message", message)];
            members.extend(details.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            members.extend([("RequestId", request_id), ("HostId", request_id)]);
            let error = error_members(&members);
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{error}</Error>")
        }),
        Wire::Json | Wire::RestJson | Wire::Cbor => {
            if !model.query_errors.is_empty() {
                out.header("x-amzn-query-error", format!("{old};{fault}"));
            }
            if wire == Wire::Cbor {
                let body = cbor::write_texts(&[("__type", new), ("message", message)]);
                return out.with_body("application/cbor", body);
            }
            out.header("x-amzn-errortype", new);
            let kind = if wire == Wire::Json { model.json_type() } else { "application/json".to_owned() };
            let body = match model.typed_errors.get(code) {
                Some(member) => {
                    json!({"Type": if status < 500 { "User" } else { "Service" }, member: message})
                }
                None => json!({"__type": new, "message": message}),
            };
            out.with_body(&kind, body.to_string())
        }
    }
}

impl Model {
    /// The code in the old query protocol, and the name in the model.
    fn both_codes<'a>(&'a self, code: &'a str) -> (&'a str, &'a str) {
        if let Some(old) = self.query_errors.get(code) {
            return (old, code);
        }
        let name = self.query_errors.iter().find(|(_, old)| *old == code);
        (code, name.map_or(code, |(name, _)| name))
    }
}

fn error_members(members: &[(&str, &str)]) -> String {
    members.iter().fold(String::new(), |mut out, (name, text)| {
        out.push_str(&format!("<{name}>"));
        xml::escape(&mut out, text);
        out.push_str(&format!("</{name}>"));
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::APIS;

    fn answer(service: &str, operation: &str, wire: Wire, output: Value) -> Encoded {
        let model = APIS.named(service).expect("there is one");
        success(model, &model.operations[operation], wire, "id-1", &output)
    }

    fn refusal(service: &str, wire: Wire, status: u16, code: &str) -> Encoded {
        let refusal = Refusal::new(code, "no <way>").with_status(status);
        failure(APIS.named(service).expect("there is one"), wire, "id-1", &refusal)
    }

    fn text(answer: &Encoded) -> &str {
        std::str::from_utf8(&answer.body).expect("it is UTF-8")
    }

    fn header<'a>(answer: &'a Encoded, name: &str) -> Option<&'a str> {
        answer.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_query_answer_has_a_result_and_a_request_id() {
        let output = json!({"DBSubnetGroup": {"DBSubnetGroupName": "a&b", "Subnets": [{"SubnetIdentifier": "s"}],
            "_own": 1, "VpcId": null}});
        let answer = answer("rds", "CreateDBSubnetGroup", Wire::Query, output);
        assert_eq!((answer.status, header(&answer, "content-type")), (200, Some("text/xml")));
        assert_eq!(
            text(&answer),
            "<CreateDBSubnetGroupResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
             <CreateDBSubnetGroupResult><DBSubnetGroup><DBSubnetGroupName>a&amp;b</DBSubnetGroupName><Subnets>\
             <Subnet><SubnetIdentifier>s</SubnetIdentifier></Subnet></Subnets></DBSubnetGroup>\
             </CreateDBSubnetGroupResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\
             </CreateDBSubnetGroupResponse>"
        );
    }

    #[test]
    fn maps_times_and_empty_answers_of_the_query_protocol() {
        let attributes =
            answer("sns", "GetTopicAttributes", Wire::Query, json!({"Attributes": {"Owner": "1"}}));
        let entry = "<Attributes><entry><key>Owner</key><value>1</value></entry></Attributes>";
        assert!(text(&attributes).contains(entry), "{}", text(&attributes));
        let deleted = answer("iam", "DeleteRole", Wire::Query, Value::Null);
        assert_eq!(
            text(&deleted),
            "<DeleteRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata>\
             <RequestId>id-1</RequestId></ResponseMetadata></DeleteRoleResponse>"
        );
        let tagged = answer("sns", "TagResource", Wire::Query, json!({}));
        assert!(text(&tagged).contains("<TagResourceResult></TagResourceResult>"));
        let role = json!({"Role": {"CreateDate": 1_767_225_600, "Tags": []}});
        let role = answer("iam", "GetRole", Wire::Query, role);
        let wanted = "<Role><CreateDate>2026-01-01T00:00:00Z</CreateDate><Tags></Tags></Role>";
        assert!(text(&role).contains(wanted), "{}", text(&role));
    }

    #[test]
    fn json_and_cbor_answers() {
        let key = answer(
            "kms",
            "DescribeKey",
            Wire::Json,
            json!({"KeyMetadata": {"KeyId": "k", "CreationDate": 1.5}}),
        );
        assert_eq!(text(&key), r#"{"KeyMetadata":{"CreationDate":1.5,"KeyId":"k"}}"#);
        assert_eq!(header(&key, "content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(header(&key, "x-amzn-requestid"), Some("id-1"));
        assert_eq!(text(&answer("kms", "EnableKey", Wire::Json, Value::Null)), "");
        let dashboard = answer("monitoring", "GetDashboard", Wire::Cbor, json!({"DashboardName": "d"}));
        assert_eq!(dashboard.body, b"\xa1\x6dDashboardName\x61d");
        assert_eq!(header(&dashboard, "smithy-protocol"), Some("rpc-v2-cbor"));
        assert_eq!(header(&dashboard, "content-type"), Some("application/cbor"));
        let nothing = answer("monitoring", "DeleteAlarms", Wire::Cbor, json!({}));
        assert_eq!((nothing.body.len(), header(&nothing, "content-type")), (0, None));
    }

    #[test]
    fn rest_answers_use_status_headers_and_body() {
        let invoked = json!({"StatusCode": 202, "ExecutedVersion": "1", "Payload": "e30="});
        let invoked = answer("lambda", "Invoke", Wire::RestJson, invoked);
        assert_eq!((invoked.status, text(&invoked)), (202, "{}"));
        assert_eq!(header(&invoked, "x-amz-executed-version"), Some("1"));
        let link = answer(
            "apigatewayv2",
            "CreateVpcLink",
            Wire::RestJson,
            json!({"VpcLinkId": "v", "CreatedDate": 0}),
        );
        assert_eq!(
            (link.status, text(&link)),
            (201, r#"{"createdDate":"1970-01-01T00:00:00Z","vpcLinkId":"v"}"#)
        );
        let deleted = answer("apigateway", "DeleteRestApi", Wire::RestJson, json!({}));
        assert_eq!((deleted.status, deleted.body.len()), (202, 0));
    }

    #[test]
    fn s3_answers_have_their_own_roots() {
        let object = json!({"Body": "aGVsbG8=", "ContentType": "text/plain", "ETag": "\"e\"", "ContentLength": 5,
            "LastModified": 1_767_225_600, "Metadata": {"owner": "me"}});
        let object = answer("s3", "GetObject", Wire::RestXml, object);
        assert_eq!(text(&object), "hello");
        assert_eq!(header(&object, "content-type"), Some("text/plain"));
        assert_eq!(header(&object, "last-modified"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
        assert_eq!(header(&object, "x-amz-meta-owner"), Some("me"));
        assert_eq!(header(&object, "x-amz-request-id"), Some("id-1"));
        let place =
            answer("s3", "GetBucketLocation", Wire::RestXml, json!({"LocationConstraint": "eu-west-1"}));
        let xmlns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        let begin = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        assert_eq!(
            text(&place),
            format!("{begin}<LocationConstraint {xmlns}>eu-west-1</LocationConstraint>")
        );
        let place = answer("s3", "GetBucketLocation", Wire::RestXml, json!({}));
        assert_eq!(text(&place), format!("{begin}<LocationConstraint {xmlns}></LocationConstraint>"));
        let list = json!({"Buckets": [{"Name": "b", "CreationDate": 0.5}]});
        let list = answer("s3", "ListBuckets", Wire::RestXml, list);
        let bucket = "<Bucket><CreationDate>1970-01-01T00:00:00.5Z</CreationDate><Name>b</Name></Bucket>";
        let root = "ListAllMyBucketsResult";
        assert_eq!(text(&list), format!("{begin}<{root} {xmlns}><Buckets>{bucket}</Buckets></{root}>"));
        let objects = json!({"Contents": [{"Key": "a"}, {"Key": "b"}], "KeyCount": 2});
        let objects = answer("s3", "ListObjectsV2", Wire::RestXml, objects);
        let contents =
            "<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents><KeyCount>2</KeyCount>";
        assert!(text(&objects).contains(contents), "{}", text(&objects));
        let blocked = json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true}});
        let blocked = answer("s3", "GetPublicAccessBlock", Wire::RestXml, blocked);
        let wanted = "<BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
        assert!(text(&blocked).ends_with(wanted), "{}", text(&blocked));
        let created = answer("s3", "CreateBucket", Wire::RestXml, json!({"Location": "/b"}));
        assert_eq!((header(&created, "location"), created.body.len()), (Some("/b"), 0));
        assert_eq!(answer("s3", "DeleteBucket", Wire::RestXml, Value::Null).status, 204);
    }

    #[test]
    fn errors_in_every_protocol() {
        let query = refusal("iam", Wire::Query, 404, "NoSuchEntity");
        assert_eq!(
            text(&query),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>NoSuchEntity</Code><Message>no &lt;way&gt;</Message></Error><RequestId>id-1</RequestId>\
             </ErrorResponse>"
        );
        assert!(text(&refusal("iam", Wire::Query, 500, "X")).contains("<Type>Receiver</Type>"));
        let json = refusal("kms", Wire::Json, 400, "NotFoundException");
        assert_eq!(text(&json), r#"{"__type":"NotFoundException","message":"no <way>"}"#);
        assert_eq!(header(&json, "x-amzn-errortype"), Some("NotFoundException"));
        let rest = refusal("lambda", Wire::RestJson, 404, "ResourceNotFoundException");
        assert_eq!((rest.status, header(&rest, "content-type")), (404, Some("application/json")));
        assert_eq!(text(&rest), r#"{"Message":"no <way>","Type":"User"}"#);
        let rest = refusal("lambda", Wire::RestJson, 400, "ValidationException");
        assert_eq!(text(&rest), r#"{"__type":"ValidationException","message":"no <way>"}"#);
        let s3 = refusal("s3", Wire::RestXml, 404, "NoSuchBucket");
        assert_eq!(
            text(&s3),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>\
             <Message>no &lt;way&gt;</Message><RequestId>id-1</RequestId><HostId>id-1</HostId></Error>"
        );
        assert!(s3.without_body().body.is_empty());
    }

    #[test]
    fn services_that_spoke_the_query_protocol_send_both_codes() {
        for code in ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"] {
            let sqs = refusal("sqs", Wire::Json, 400, code);
            assert!(text(&sqs).contains(r#""__type":"QueueDoesNotExist""#));
            let wanted = Some("AWS.SimpleQueueService.NonExistentQueue;Sender");
            assert_eq!(header(&sqs, "x-amzn-query-error"), wanted);
        }
        let cbor = refusal("monitoring", Wire::Cbor, 400, "InvalidParameterValue");
        assert_eq!(header(&cbor, "x-amzn-query-error"), Some("InvalidParameterValue;Sender"));
        let body = cbor::read(&cbor.body).expect("it is well formed");
        assert_eq!(body, json!({"__type": "InvalidParameterValueException", "message": "no <way>"}));
        let same = refusal("monitoring", Wire::Cbor, 404, "ResourceNotFound");
        assert_eq!(cbor::read(&same.body).expect("it is well formed")["__type"], "ResourceNotFound");
        let query = refusal("monitoring", Wire::Query, 400, "InvalidParameterValueException");
        assert!(text(&query).contains("<Code>InvalidParameterValue</Code>"));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "has no GetRole.Role.Nmae")]
    fn a_member_that_the_model_lacks_is_a_mistake() {
        answer("iam", "GetRole", Wire::Query, json!({"Role": {"Nmae": "a"}}));
    }
}
