//! `stack export`: what is declared, for other tools.

use std::path::Path;

use engine::Graph;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::run::print_json;
use crate::stack::Place;

/// The stack as a CloudFormation template.
pub(crate) fn cloudformation(
    graph: &Graph,
    place: &Place,
    description: &str,
    without: &[&str],
) -> Result<Value, Failure> {
    let place = ::export::Place {
        account_id: &place.account_id,
        partition: &place.partition,
        region: &place.region,
        availability_zones: &place.availability_zones,
    };
    ::export::template(graph, &place, description, without).map_err(|error| {
        Failure::from_error(Exit::Failed, &error).hint("this is a defect of the program; nothing was written")
    })
}

/// Writes it to the file, or to standard output.
pub(crate) fn write(template: &Value, out: Option<&Path>) -> Result<(), Failure> {
    let Some(out) = out else { return print_json(template) };
    std::fs::write(out, format!("{template:#}\n")).map_err(|error| {
        Failure::from_error(Exit::Failed, &error).context(format!("cannot write {}", out.display()))
    })
}
