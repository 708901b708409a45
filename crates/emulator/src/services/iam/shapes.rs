//! What names, paths, texts and documents must look like, and how many and how large they may be.
//!
//! Lengths and patterns are those of the IAM API Reference; numbers and sizes are quotas (IAM User Guide, "IAM and AWS
//! STS quotas").

use serde_json::Value;
use winterbaume_iam::views::RoleView;

use crate::parameters::Parameters;
use crate::response::Refusal;

/// Characters of a trust policy, white space not counted.
const TRUST_POLICY: usize = 2048;

/// Characters of all inline policies of a role, white space not counted.
const INLINE_POLICIES: usize = 10_240;

/// Reads a name of up to `longest` characters.
pub(super) fn name(p: &mut Parameters, field: &str, longest: usize) -> Result<String, Refusal> {
    let name = p.text(field)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    match name.len() <= longest && name.chars().all(legal) {
        true => Ok(name),
        false => {
            let expected = format!("1 to {longest} of the characters A-Z a-z 0-9 _+=,.@-");
            Err(p.invalid(field, &name, &expected))
        }
    }
}

/// Reads a path, which is `/` if it is not given.
pub(super) fn path(p: &mut Parameters) -> Result<String, Refusal> {
    let path = p.optional("Path")?.unwrap_or_else(|| "/".to_owned());
    let legal = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && path.chars().all(|c| c.is_ascii_graphic());
    match legal {
        true => Ok(path),
        false => Err(p.invalid("Path", &path, "up to 512 characters that begin and end with /")),
    }
}

/// Reads a description, which is empty if it is not given.
pub(super) fn description(p: &mut Parameters) -> Result<String, Refusal> {
    let text = p.optional("Description")?.unwrap_or_default();
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    match text.chars().count() <= 1000 && text.chars().all(legal) {
        true => Ok(text),
        false => Err(p.invalid("Description", &text, "up to 1000 characters of Latin-1")),
    }
}

/// Reads `Tags`.
pub(super) fn tags(p: &mut Parameters) -> Result<Vec<(String, String)>, Refusal> {
    let legal = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    p.groups("Tags")?
        .into_iter()
        .map(|mut tag| {
            let (key, value) = (tag.text("Key")?, tag.optional("Value")?.unwrap_or_default());
            for (field, text, longest) in [("Key", &key, 128), ("Value", &value, 256)] {
                if text.chars().count() > longest || !text.chars().all(legal) {
                    let expected = format!("up to {longest} letters, digits, spaces and _.:/=+-@");
                    return Err(tag.invalid(field, text, &expected));
                }
            }
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(tag.invalid("Key", &key, "a key that does not begin with aws:"));
            }
            tag.finish()?;
            Ok((key, value))
        })
        .collect()
}

/// 50 tags a role.
pub(super) fn check_tag_count(role: &RoleView) -> Result<(), Refusal> {
    match role.tags.len() {
        0..=50 => Ok(()),
        _ => Err(exceeded("Cannot exceed quota for TagsPerRole: 50")),
    }
}

/// One to twelve hours, one if not given (CreateRole, `MaxSessionDuration`).
pub(super) fn session_duration(p: &mut Parameters) -> Result<i32, Refusal> {
    match p.number("MaxSessionDuration")?.unwrap_or(3600) {
        seconds @ 3600..=43200 => Ok(seconds as i32),
        other => Err(p.invalid("MaxSessionDuration", &other.to_string(), "3600 to 43200")),
    }
}

/// A policy document: JSON with a `Statement`.
pub(super) fn document(text: String) -> Result<String, Refusal> {
    let is_policy =
        serde_json::from_str::<Value>(&text).is_ok_and(|policy| policy.get("Statement").is_some());
    match is_policy {
        true => Ok(text),
        false => {
            Err(Refusal::new("MalformedPolicyDocument", "The policy is not a JSON object with a Statement."))
        }
    }
}

/// The document that says who may assume a role.
pub(super) fn trust_document(text: String) -> Result<String, Refusal> {
    let text = document(text)?;
    match size(&text) {
        ..=TRUST_POLICY => Ok(text),
        _ => Err(exceeded("Cannot exceed quota for ACLSizePerRole: 2048")),
    }
}

/// The inline policies of a role share one quota.
pub(super) fn check_inline_size(role: &RoleView) -> Result<(), Refusal> {
    let total: usize = role.inline_policies.iter().map(|policy| size(&policy.policy_document)).sum();
    match total {
        ..=INLINE_POLICIES => Ok(()),
        _ => Err(exceeded(&format!(
            "Maximum policy size of {INLINE_POLICIES} bytes exceeded for role {}",
            role.name
        ))),
    }
}

fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn exceeded(message: &str) -> Refusal {
    Refusal::new("LimitExceeded", message).with_status(409)
}
