//! `EncodingType=url`, which the AWS command line and boto3 ask for: names in a listing come percent-encoded, because XML
//! has no place for some of their characters (S3 API Reference, ListObjectsV2, EncodingType).

use serde_json::Value;

/// Members of a listing that are names or parts of names.
const NAMES: [&str; 8] =
    ["Delimiter", "Prefix", "StartAfter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker", "Key"];
/// Members whose items have such members.
const LISTS: [&str; 4] = ["Contents", "CommonPrefixes", "Versions", "DeleteMarkers"];

/// A listing in the encoding that was asked for, if one was.
pub(super) fn encoded(encoding_type: Option<String>, mut listing: Value) -> Value {
    if let Some(encoding_type) = encoding_type {
        encode_names(&mut listing);
        listing["EncodingType"] = encoding_type.into();
    }
    listing
}

fn encode_names(value: &mut Value) {
    for name in NAMES {
        if let Some(Value::String(text)) = value.get_mut(name) {
            *text = percent_encode(text);
        }
    }
    for list in LISTS {
        if let Some(Value::Array(items)) = value.get_mut(list) {
            items.iter_mut().for_each(encode_names);
        }
    }
}

fn percent_encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*/".contains(&byte);
    text.bytes().fold(String::new(), |mut out, byte| {
        if is_plain(byte) {
            out.push(char::from(byte))
        } else {
            out.push_str(&format!("%{byte:02X}"))
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_encoded_wherever_they_stand_if_that_was_asked_for() {
        let listing = json!({"Name": "b", "Prefix": "a b/", "Contents": [{"Key": "a b/é", "ETag": "\"x\""}]});
        assert_eq!(encoded(None, listing.clone()), listing);
        let wanted = json!({
            "Name": "b", "EncodingType": "url", "Prefix": "a%20b/",
            "Contents": [{"Key": "a%20b/%C3%A9", "ETag": "\"x\""}],
        });
        assert_eq!(encoded(Some("url".to_owned()), listing), wanted);
    }
}
