//! Who may call a function: its resource policy. The revision of the policy is that of the function, which changes with it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::records::Function;
use super::update::check_revision;
use super::{check_qualifier, conflict, invalid, not_found, uuid};
use crate::services::{Answer, Call, Cx, Refusal, refuse_if};

/// Lambda Developer Guide, "Lambda quotas": 20 KB.
const LARGEST_POLICY: usize = 20_480;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Add {
    function_name: String,
    statement_id: String,
    action: String,
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
    qualifier: Option<String>,
    revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Remove {
    function_name: String,
    statement_id: String,
    qualifier: Option<String>,
    revision_id: Option<String>,
}

fn principal(given: &str) -> Result<Value, Refusal> {
    if given == "*" {
        return Ok(json!("*"));
    }
    if given.ends_with(".amazonaws.com") {
        return Ok(json!({"Service": given}));
    }
    let account = given.len() == 12 && given.bytes().all(|b| b.is_ascii_digit());
    match given {
        _ if account => Ok(json!({"AWS": format!("arn:aws:iam::{given}:root")})),
        _ if given.starts_with("arn:aws:iam::") || given.starts_with("arn:aws:sts::") => {
            Ok(json!({"AWS": given}))
        }
        _ => Err(invalid("The provided principal was invalid. Please check the principal and try again.")),
    }
}

fn statement(function: &Function, given: &Add) -> Result<Value, Refusal> {
    let mut statement = json!({
        "Sid": given.statement_id,
        "Effect": "Allow",
        "Principal": principal(&given.principal)?,
        "Action": given.action,
        "Resource": function.function_arn,
    });
    let mut conditions = serde_json::Map::new();
    if let Some(account) = &given.source_account {
        conditions.insert("StringEquals".to_owned(), json!({"AWS:SourceAccount": account}));
    }
    if let Some(arn) = &given.source_arn {
        conditions.insert("ArnLike".to_owned(), json!({"AWS:SourceArn": arn}));
    }
    if !conditions.is_empty() {
        statement["Condition"] = Value::Object(conditions);
    }
    Ok(statement)
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Id": "default", "Statement": statements}).to_string()
}

pub(super) fn add(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Add = call.input()?;
    let state = &mut cx.r.lambda;
    let mut ids = state.ids;
    let function = state.named_mut(cx.region, &given.function_name)?;
    if check_qualifier(cx.region, &given.function_name, given.qualifier.as_deref())? {
        return Err(invalid("We currently do not support adding policies for $LATEST."));
    }
    check_revision(&function.revision_id, given.revision_id.as_deref())?;
    let statement = statement(function, &given)?;
    if function.policy.iter().any(|other| other["Sid"] == statement["Sid"]) {
        return Err(conflict(format!(
            "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
             existing statement.",
            given.statement_id
        )));
    }
    let mut statements = function.policy.clone();
    statements.push(statement.clone());
    if policy(&statements).len() > LARGEST_POLICY {
        let message = format!("The final policy size is bigger than the limit ({LARGEST_POLICY}).");
        return Err(Refusal::new("PolicyLengthExceededException", message));
    }
    function.policy = statements;
    function.revision_id = uuid(&mut ids);
    state.ids = ids;
    Ok(json!({"Statement": statement.to_string()}))
}

pub(super) fn remove(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Remove = call.input()?;
    let state = &mut cx.r.lambda;
    let mut ids = state.ids;
    let function = state.named_mut(cx.region, &given.function_name)?;
    check_qualifier(cx.region, &given.function_name, given.qualifier.as_deref())?;
    check_revision(&function.revision_id, given.revision_id.as_deref())?;
    let sid = given.statement_id;
    let Some(at) = function.policy.iter().position(|statement| statement["Sid"] == sid) else {
        return Err(not_found(format!("Statement {sid} is not found in resource policy.")));
    };
    function.policy.remove(at);
    function.revision_id = uuid(&mut ids);
    state.ids = ids;
    Ok(json!({}))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    refuse_if(function.policy.is_empty(), || not_found("The resource you requested does not exist."))?;
    Ok(json!({"Policy": policy(&function.policy), "RevisionId": function.revision_id}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::emulator::ACCOUNT_ID;

    #[test]
    fn principals_are_services_accounts_and_people() {
        assert_eq!(principal("*").ok(), Some(json!("*")));
        assert_eq!(principal("events.amazonaws.com").ok(), Some(json!({"Service": "events.amazonaws.com"})));
        let root = format!("arn:aws:iam::{ACCOUNT_ID}:root");
        assert_eq!(principal(ACCOUNT_ID).ok(), Some(json!({"AWS": root})));
        assert!(principal("somebody").is_err());
    }
}
