//! `stack export`: what is declared, for other tools.

use std::path::Path;

use engine::Graph;
use serde_json::{Map, Value, json};

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::output::{json as as_json, print_json};
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
    let mut template = ::export::template(graph, &place, description, without).map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .hint("this is a defect of the program; nothing was written")
            .coded(Code::Defect)
    })?;
    put_code(&mut template);
    Ok(template)
}

/// The code of the function that verifies backups: the graph has its hash only, a template has the source, which
/// CloudFormation packs in the same way.
fn put_code(template: &mut Value) {
    let resources = template.get_mut("Resources").and_then(Value::as_object_mut);
    for resource in resources.into_iter().flat_map(Map::values_mut) {
        if resource["Metadata"]["Address"] == "backup/function" {
            resource["Properties"]["Code"] = json!({ "ZipFile": backup::SOURCE });
        }
    }
}

/// Writes it to the file, or to standard output.
pub(crate) fn write(template: &Value, out: Option<&Path>) -> Result<(), Failure> {
    let Some(out) = out else { return print_json(template) };
    write_named(out, as_json(template).as_bytes())
}

/// The directory of a file that an option names must be there before anything is called or asked.
pub(crate) fn check_place_of(option: &str, file: &Path) -> Result<(), Failure> {
    let directory = files::parent_of(file);
    let problem = if file.is_dir() {
        "it is a directory".to_owned()
    } else if !directory.is_dir() {
        format!("there is no directory {}", directory.display())
    } else {
        return Ok(());
    };
    Err(Failure::new(Exit::Usage, format!("{option}: cannot write {}: {problem}", file.display()))
        .hint("name a file in a directory that exists"))
}

/// Writes a file that was named on the command line; [`files::write_named`] says how.
pub(crate) fn write_named(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_named(file, bytes).map_err(|error| {
        Failure::from_error(Exit::Failed, &error).context(format!("cannot write {}", file.display()))
    })
}
