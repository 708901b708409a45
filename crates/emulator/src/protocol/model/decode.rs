//! Reads the input of a request, whatever its protocol is.

use serde_json::{Map, Value};

use crate::protocol::apis::Apis;
use crate::protocol::request::Http;
use crate::protocol::response::{Refusal, refuse_if};

use super::place::{Found, Origin, find, model_of};
use super::{Model, Operation, Wire, cbor, json, query, rest};

/// What a request that has been placed asks for.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    /// The operation.
    pub(crate) operation: &'static Operation,
    /// Its input, always an object.
    pub(crate) input: Value,
}

/// Reads a request. `None` means that no model has this signing name.
///
/// A refusal here is of a request that is broken, or of an operation that is not served;
/// [`place`](super::place()) says in which protocol to answer it. What the model forbids is found by
/// [`check`](super::check).
pub(crate) fn decode(
    apis: &'static Apis,
    signing_name: &str,
    http: &Http,
) -> Option<Result<Decoded, Refusal>> {
    let (model, wire) = model_of(apis, signing_name, http)?;
    Some(read(model, wire, http))
}

fn read(model: &'static Model, wire: Wire, http: &Http) -> Result<Decoded, Refusal> {
    let Found { operation, origin } = find(model, wire, http).map_err(|unserved| unserved.refusal)?;
    refuse_compression(http)?;
    let members = match origin {
        Origin::Form(form) => query::read_structure(model, model.input(operation), &form),
        Origin::Body => {
            let members = match wire {
                Wire::Cbor => cbor_object(&http.body)?,
                _ if http.body.is_empty() => Map::new(),
                _ => rest::object(&http.body)?,
            };
            json::read_structure(model, model.input(operation), members)
        }
        Origin::Everywhere { target, labels } => rest::read(model, wire, operation, http, &target, labels)?,
    };
    Ok(Decoded { operation, input: Value::Object(members) })
}

fn cbor_object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match cbor::read(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::new("SerializationException", "The body is no CBOR map.")),
        Err(reason) => {
            Err(Refusal::new("SerializationException", format!("The body cannot be read: {reason}.")))
        }
    }
}

/// Clients compress large bodies of PutMetricData unless they are told not to.
fn refuse_compression(http: &Http) -> Result<(), Refusal> {
    let gzip = http.header("content-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip"));
    // An object of S3's may well be compressed; it is stored as it is.
    refuse_if(gzip && http.method == "POST", || {
        Refusal::new(
            "SerializationException",
            "The emulator does not read compressed requests. Switch the compression off in the client \
             (AWS_DISABLE_REQUEST_COMPRESSION=true).",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::APIS;

    fn http(headers: &[(&str, &str)], uri: &str, body: &[u8]) -> Http {
        Http {
            method: "POST".to_owned(),
            uri: uri.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_vec(),
        }
    }

    fn outcome(service: &str, http: &Http) -> Result<(String, Value), Refusal> {
        let decoded = decode(&APIS, service, http).expect("there is a model")?;
        Ok((decoded.operation.name.clone(), decoded.input))
    }

    const PUT_DATA: &str = "/service/GraniteServiceVersion20100801/operation/PutMetricData";

    #[test]
    fn one_input_reads_alike_in_the_three_protocols_of_cloudwatch() {
        let wanted = (
            "PutMetricData".to_owned(),
            json!({"Namespace": "n", "MetricData": [
            {"MetricName": "m", "Value": 1.5, "Timestamp": 1_767_225_600}]}),
        );
        let form = "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m\
                    &MetricData.member.1.Value=1.5&MetricData.member.1.Timestamp=2026-01-01T00%3A00%3A00Z";
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(outcome("monitoring", &http(&headers, "/", form.as_bytes())), Ok(wanted.clone()));
        let body =
            br#"{"Namespace":"n","MetricData":[{"MetricName":"m","Value":1.5,"Timestamp":1767225600}]}"#;
        let headers = [("x-amz-target", "GraniteServiceVersion20100801.PutMetricData")];
        assert_eq!(outcome("monitoring", &http(&headers, "/", body)), Ok(wanted.clone()));
        let mut body = vec![0xbf, 0x69];
        body.extend(
            b"Namespace\x61n\x6aMetricData\x81\xa3\x6aMetricName\x61m\x65Value\xf9\x3e\x00\x69Timestamp",
        );
        body.extend([0xc1, 0x1a, 0x69, 0x55, 0xb9, 0x00, 0xff]);
        let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        assert_eq!(outcome("monitoring", &http(&headers, PUT_DATA, &body)), Ok(wanted));
    }

    #[test]
    fn json_is_read_by_its_target() {
        let headers = [("x-amz-target", "TrentService.CreateKey")];
        let body = br#"{"Description":"d","MultiRegion":false,"Other":[1]}"#;
        assert_eq!(
            outcome("kms", &http(&headers, "/", body)),
            Ok(("CreateKey".to_owned(), json!({"Description": "d", "MultiRegion": false, "Other": [1]})))
        );
        assert_eq!(outcome("kms", &http(&headers, "/", b"")), Ok(("CreateKey".to_owned(), json!({}))));
    }

    #[test]
    fn broken_requests_are_refused() {
        let code = |service, http: &Http| outcome(service, http).expect_err("it is refused").code;
        let target = [("x-amz-target", "TrentService.CreateKey")];
        assert_eq!(code("kms", &http(&target, "/", b"[]")), "SerializationException");
        assert_eq!(code("kms", &http(&target, "/", b"{")), "SerializationException");
        assert_eq!(code("kms", &http(&[], "/", b"{}")), "UnknownOperationException");
        assert_eq!(code("iam", &http(&[], "/", b"Action=%G0")), "MalformedQueryString");
        assert_eq!(code("iam", &http(&[], "/", b"Action=A&Action=B")), "MalformedQueryString");
        assert_eq!(code("iam", &http(&[], "/", b"Action=NoSuch")), "InvalidAction");
        assert_eq!(code("iam", &http(&[], "/", b"RoleName=a")), "MissingAction");
        let cbor = [("smithy-protocol", "rpc-v2-cbor")];
        assert_eq!(code("monitoring", &http(&cbor, PUT_DATA, b"\x01")), "SerializationException");
        let packed = [("smithy-protocol", "rpc-v2-cbor"), ("content-encoding", "gzip")];
        assert_eq!(code("monitoring", &http(&packed, PUT_DATA, b"\xa0")), "SerializationException");
    }
}
