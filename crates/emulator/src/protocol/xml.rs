//! JSON to the XML that EC2 and the AWS query protocol answer with.
//!
//! An object's members become elements, a list becomes one wrapper element with an element per item
//! (`<item>` in EC2, `<member>` in the query protocol), null is left out. Members whose names begin with
//! an underscore are the emulator's own notes and never leave it.

use serde_json::Value;

/// The members of an object, without an element around them.
pub(crate) fn members(value: &Value, item: &str) -> String {
    let mut out = String::new();
    write(&mut out, value, item);
    out
}

fn write(out: &mut String, value: &Value, item: &str) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => escape(out, text),
        Value::Array(items) => items.iter().for_each(|value| element(out, item, value, item)),
        Value::Object(map) => map
            .iter()
            .filter(|(name, value)| !name.starts_with('_') && !value.is_null())
            .for_each(|(name, value)| element(out, name, value, item)),
    }
}

fn element(out: &mut String, name: &str, value: &Value, item: &str) {
    out.push_str(&format!("<{name}>"));
    write(out, value, item);
    out.push_str(&format!("</{name}>"));
}

/// Writes a text so that a parser reads the same one.
pub(super) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser would turn a bare carriage return into a line feed.
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_nulls_and_private_members_follow_the_wire() {
        let value = json!({"set": [{"a": 1, "b": null, "_own": 2}], "text": "<&>", "on": true});
        assert_eq!(
            members(&value, "item"),
            "<on>true</on><set><item><a>1</a></item></set><text>&lt;&amp;&gt;</text>"
        );
    }
}
