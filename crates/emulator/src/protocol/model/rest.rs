//! Inputs of the REST protocols, which are in path, query, headers and body.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::protocol::request::Http;
use crate::protocol::response::Refusal;

use super::shape::{Kind, Location, Member, Shape};
use super::uri::Target;
use super::{Model, Operation, Wire, aws_chunked, json, text, xml, xml_codec};

/// What is read of a REST request: headers and body without the framing of `aws-chunked`.
struct Message<'a> {
    headers: Cow<'a, [(String, String)]>,
    body: Cow<'a, [u8]>,
}

/// Reads the input of an operation.
pub(super) fn read(
    model: &Model,
    wire: Wire,
    operation: &Operation,
    http: &Http,
    target: &Target,
    labels: Vec<(String, String)>,
) -> Result<Map<String, Value>, Refusal> {
    let mut out = Map::new();
    let shape = model.input(operation);
    let message = unchunked(http)?;
    for (label, value) in labels {
        if let Some((name, member)) = shape.located(Location::Uri, &label) {
            out.insert(name.to_owned(), text::read(model.shape(&member.shape), &value));
        }
    }
    read_headers(model, shape, &message.headers, &mut out);
    read_body(model, wire, shape, &message.body, &mut out)?;
    read_query(model, operation, shape, target, &mut out);
    Ok(out)
}

fn unchunked(http: &Http) -> Result<Message<'_>, Refusal> {
    let encodings = http.header("content-encoding").unwrap_or_default();
    let chunked = |encoding: &str| encoding.trim().eq_ignore_ascii_case("aws-chunked");
    let streaming = http.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    if !streaming && !encodings.split(',').any(chunked) {
        return Ok(Message { headers: Cow::Borrowed(&http.headers), body: Cow::Borrowed(&http.body) });
    }
    let decoded = aws_chunked::decode(&http.body).map_err(|reason| {
        Refusal::new("IncompleteBody", format!("The body is not aws-chunked: {reason}."))
    })?;
    let others: Vec<&str> = encodings.split(',').map(str::trim).filter(|one| !chunked(one)).collect();
    let mut headers = Vec::new();
    for (name, value) in &http.headers {
        let value = match name.to_ascii_lowercase().as_str() {
            "content-encoding" if others.concat().is_empty() => continue,
            "content-encoding" => others.join(","),
            "content-length" => decoded.body.len().to_string(),
            _ => value.clone(),
        };
        headers.push((name.clone(), value));
    }
    headers.extend(decoded.trailers);
    Ok(Message { headers: Cow::Owned(headers), body: Cow::Owned(decoded.body) })
}

fn read_headers(model: &Model, shape: &Shape, headers: &[(String, String)], out: &mut Map<String, Value>) {
    for (name, member) in shape.at(Location::Header) {
        let wanted = member.wire_name(name);
        if let Some((_, value)) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)) {
            out.insert(name.to_owned(), header(model, model.shape(&member.shape), value));
        }
    }
    for (name, member) in shape.at(Location::Headers) {
        let prefix = member.wire_name(name).to_ascii_lowercase();
        let entry = |(key, value): &(String, String)| {
            let key = key.to_ascii_lowercase().strip_prefix(&prefix)?.to_owned();
            Some((key, Value::String(value.clone())))
        };
        let entries: Map<_, _> = headers.iter().filter_map(entry).collect();
        if !entries.is_empty() {
            out.insert(name.to_owned(), Value::Object(entries));
        }
    }
}

fn header(model: &Model, shape: &Shape, value: &str) -> Value {
    match shape.kind {
        Kind::List => {
            let inner = model.shape(shape.item());
            value.split(',').map(|item| text::read(inner, item.trim())).collect()
        }
        _ => text::read(shape, value.trim()),
    }
}

fn read_query(
    model: &Model,
    operation: &Operation,
    shape: &Shape,
    target: &Target,
    out: &mut Map<String, Value>,
) {
    let mut unknown: Vec<(&str, Value)> = Vec::new();
    for (key, value) in &target.query {
        match shape.located(Location::QueryString, key) {
            Some((name, member)) => read_parameter(model, member, name, value, out),
            None if operation.owns_query(key) => {}
            None => unknown.push((key, Value::String(value.clone()))),
        }
    }
    unknown.into_iter().for_each(|(key, value)| shape.keep_unknown(out, key, value));
}

fn read_parameter(model: &Model, member: &Member, name: &str, text: &str, out: &mut Map<String, Value>) {
    let shape = model.shape(&member.shape);
    if shape.kind == Kind::List {
        let item = text::read(model.shape(shape.item()), text);
        if let Value::Array(items) = out.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            items.push(item);
        }
        return;
    }
    let value = text::read(shape, text);
    match out.remove(name) {
        None => out.insert(name.to_owned(), value),
        // A parameter that comes twice is no value of its shape.
        Some(first) => out.insert(name.to_owned(), Value::Array(vec![first, value])),
    };
}

fn read_body(
    model: &Model,
    wire: Wire,
    shape: &Shape,
    body: &[u8],
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    if let Some(name) = &shape.payload {
        let member = &shape.members[name];
        if let Some(value) = payload(model, wire, member, member.wire_name(name), body)? {
            out.insert(name.clone(), value);
        }
        return Ok(());
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let members = match wire {
        Wire::RestXml => xml_codec::read_structure(model, shape, &document(body)?),
        _ => json::read_structure(model, shape, object(body)?),
    };
    for (name, value) in members {
        if out.contains_key(&name) {
            shape.keep_unknown(out, &name, value)
        } else {
            out.insert(name, value);
        }
    }
    Ok(())
}

/// The member that is the whole body.
fn payload(
    model: &Model,
    wire: Wire,
    member: &Member,
    wire_name: &str,
    body: &[u8],
) -> Result<Option<Value>, Refusal> {
    let shape = model.shape(&member.shape);
    if body.is_empty() && !member.streaming {
        return Ok(None);
    }
    let value = match (shape.kind, wire) {
        (Kind::Structure, Wire::RestXml) => {
            let root = document(body)?;
            if root.name != wire_name {
                let message = format!("The root element is {} and should be {wire_name}.", root.name);
                return Err(Refusal::new("MalformedXML", message));
            }
            xml_codec::read(model, shape, &root)
        }
        (Kind::Structure, _) => Value::Object(json::read_structure(model, shape, object(body)?)),
        (Kind::Blob, _) => Value::String(text::base64(body)),
        _ => Value::String(utf8(body)?.to_owned()),
    };
    Ok(Some(value))
}

fn document(body: &[u8]) -> Result<xml::Element, Refusal> {
    xml::parse(utf8(body)?)
        .map_err(|reason| Refusal::new("MalformedXML", format!("The body is no XML: {reason}.")))
}

/// The JSON object that a body is.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::new("SerializationException", "The body is no JSON object.")),
        Err(error) => Err(Refusal::new("SerializationException", format!("The body is no JSON: {error}."))),
    }
}

fn utf8(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|_| Refusal::new("SerializationException", "The body is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Problem, check, decode, http};
    use super::*;
    use crate::APIS;

    fn input(service: &str, http: &Http) -> (String, Value) {
        let decoded = decode(&APIS, service, http).expect("there is a model").expect("it is well formed");
        (decoded.operation.name.clone(), decoded.input)
    }

    #[test]
    fn path_query_and_body_become_one_input() {
        let request = http(
            "PUT",
            "/restapis/x/resources/y/methods/GET",
            &[],
            r#"{"authorizationType":"NONE","apiKeyRequired":true,"requestParameters":{"a":false}}"#,
        );
        assert_eq!(
            input("apigateway", &request),
            (
                "PutMethod".to_owned(),
                json!({"restApiId": "x", "resourceId": "y", "httpMethod": "GET", "authorizationType": "NONE",
                    "apiKeyRequired": true, "requestParameters": {"a": false}})
            )
        );
        let request = http("GET", "/restapis?limit=25&position=a%2Bb", &[], "");
        assert_eq!(input("apigateway", &request).1, json!({"limit": 25, "position": "a+b"}));
        let untag = http("DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda?tagKeys=a&tagKeys=b", &[], "");
        assert_eq!(input("lambda", &untag).1, json!({"Resource": "arn:aws:lambda", "TagKeys": ["a", "b"]}));
        let link = http("POST", "/v2/vpclinks", &[], r#"{"name":"n","subnetIds":["s"]}"#);
        assert_eq!(input("apigateway", &link).1, json!({"Name": "n", "SubnetIds": ["s"]}));
    }

    #[test]
    fn what_is_unknown_is_found_wherever_it_is() {
        let request = http("GET", "/restapis?limit=25&Limit=3", &[], "");
        let decoded =
            decode(&APIS, "apigateway", &request).expect("there is a model").expect("it is well formed");
        let violation =
            check(APIS.named("apigateway").expect("there is one"), decoded.operation, &decoded.input)
                .expect_err("it is refused");
        assert_eq!((violation.path.as_str(), violation.problem), ("Limit", Problem::Unknown));
        let request = http("PUT", "/b?other=&versioning", &[], "<VersioningConfiguration/>");
        assert_eq!(
            input("s3", &request).1,
            json!({"Bucket": "b", "VersioningConfiguration": {}, "other": ""})
        );
        let request = http("POST", "/v2/vpclinks", &[], r#"{"Name":"n"}"#);
        assert_eq!(input("apigateway", &request).1, json!({"Name (in this place)": "n"}));
        let request = http("GET", "/restapis?limit=1&limit=2", &[], "");
        assert_eq!(input("apigateway", &request).1, json!({"limit": [1, 2]}));
    }

    #[test]
    fn an_object_comes_with_its_headers_and_out_of_its_chunks() {
        let headers = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("content-length", "99"),
            ("content-type", "text/plain"),
            ("x-amz-decoded-content-length", "5"),
            ("X-Amz-Meta-Owner", "me"),
            ("x-amz-server-side-encryption", "AES256"),
        ];
        let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let uri = "https://b.s3.eu-west-1.amazonaws.com/a%20b/c?x-id=PutObject";
        assert_eq!(
            input("s3", &http("PUT", uri, &headers, body)),
            (
                "PutObject".to_owned(),
                json!({"Bucket": "b", "Key": "a b/c", "Body": "aGVsbG8=", "ContentLength": 5,
                    "ContentType": "text/plain", "Metadata": {"owner": "me"}, "ServerSideEncryption": "AES256",
                    "ChecksumCRC32": "NhCmhg=="})
            )
        );
        let gzip = http("PUT", "/b/k", &[("content-encoding", "gzip,aws-chunked")], "0\r\n\r\n");
        assert_eq!(input("s3", &gzip).1["ContentEncoding"], json!("gzip"));
        let broken = http("PUT", "/b/k", &[("content-encoding", "aws-chunked")], "hello");
        let refusal = decode(&APIS, "s3", &broken).expect("there is a model").expect_err("it is refused");
        assert_eq!(refusal.code, "IncompleteBody");
    }

    #[test]
    fn a_body_may_be_one_member() {
        let tagging = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>a</Key>\
                       <Value>b</Value></Tag></TagSet></Tagging>";
        assert_eq!(
            input("s3", &http("PUT", "/b?tagging", &[], tagging)),
            (
                "PutBucketTagging".to_owned(),
                json!({"Bucket": "b", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}})
            )
        );
        let policy = http("PUT", "/b?policy", &[], "{\"a\":1}");
        assert_eq!(input("s3", &policy).1, json!({"Bucket": "b", "Policy": "{\"a\":1}"}));
        let create = http("PUT", "/b", &[("x-amz-bucket-object-lock-enabled", "true")], "");
        assert_eq!(input("s3", &create).1, json!({"Bucket": "b", "ObjectLockEnabledForBucket": true}));
        let invoke = http("POST", "/2015-03-31/functions/f/invocations", &[("x-amz-log-type", "Tail")], "{}");
        assert_eq!(
            input("lambda", &invoke).1,
            json!({"FunctionName": "f", "LogType": "Tail", "Payload": "e30="})
        );
        let wrong = http("PUT", "/b?tagging", &[], "<TagSet/>");
        let refusal = decode(&APIS, "s3", &wrong).expect("there is a model").expect_err("it is refused");
        assert_eq!(refusal.code, "MalformedXML");
    }
}
