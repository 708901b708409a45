//! A failure as data: with `--json`, on standard output, in place of what the command would have printed there.

use engine::{EngineError, PlanError, SettleError};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::output::{json_line, print_json, print_text};
use crate::plans::document::FORMAT_VERSION;

/// The members of an error.
pub(crate) fn members(failure: &Failure) -> Value {
    json!({
        "code": failure.code().name(),
        "exit_code": failure.exit as u8,
        "message": failure.message,
        "causes": failure.causes,
        "hint": failure.hint,
        "to_copy": failure.to_copy,
        "address": failure.address,
    })
}

/// Prints a failure as one object. Where nobody reads it, there is nobody to tell.
pub(crate) fn print(failure: &Failure) {
    let _ = print_json(&whole(failure));
}

/// The same in one line, for a command that prints a line of JSON for each thing that it tells of.
pub(crate) fn print_line(failure: &Failure) {
    let _ = print_text(&json_line(&whole(failure)));
}

fn whole(failure: &Failure) -> Value {
    json!({ "format_version": FORMAT_VERSION, "error": members(failure) })
}

/// The same for a command line that is wrong.
pub(crate) fn print_usage(error: &clap::Error) {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    print(&Failure::new(Exit::Usage, message));
}

/// The resource that an error is about, where it is about one.
pub(crate) fn address_of(error: &EngineError) -> Option<String> {
    let address = match error {
        EngineError::Read { address, .. }
        | EngineError::Settle(SettleError::Call { address, .. } | SettleError::UnknownKind { address, .. }) => {
            address
        }
        EngineError::Plan(error) => match error {
            PlanError::Protected { resources } => &resources.first()?.address,
            PlanError::UnknownKind { address, .. }
            | PlanError::OnlyBecauseMissing { address, .. }
            | PlanError::InTheWay { address, .. }
            | PlanError::NameRetained { address }
            | PlanError::PartInUse { address, .. }
            | PlanError::Refused { address, .. }
            | PlanError::Unrecorded { address, .. }
            | PlanError::NotRecorded { address, .. }
            | PlanError::NotDeclared { address }
            | PlanError::ReplacementLeftOut { address, .. }
            | PlanError::StillNeeded { address, .. } => address,
            PlanError::Excluded { chain } => &chain.last()?.to,
            _ => return None,
        },
        _ => return None,
    };
    Some(address.to_string())
}
