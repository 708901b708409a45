//! Finding objects by name, and the errors that say that one is not there, is there already, or is busy.

use crate::services::{Refusal, Tags, refuse_if};
use std::collections::BTreeMap;

/// What operations need to know of a kind of object.
pub(super) struct Kind {
    /// What messages call it.
    pub(super) noun: &'static str,
    /// The part of its ARN before its name.
    pub(super) resource: &'static str,
    /// CloudFormation's name for it.
    pub(super) cloudformation: &'static str,
    /// The code for a name that does not exist.
    pub(super) not_found: &'static str,
    /// The code for a name that exists already.
    pub(super) exists: &'static str,
}

/// A kind of object. Names are kept in lower case, as RDS keeps them.
pub(super) trait Record {
    const KIND: Kind;
    fn tags(&self) -> &Tags;
    fn tags_mut(&mut self) -> &mut Tags;
}

/// The objects of one kind by name.
pub(super) type Table<R> = BTreeMap<String, R>;

/// The object with a name, or the kind's error.
pub(super) fn find<'a, R: Record>(table: &'a Table<R>, name: &str) -> Result<&'a R, Refusal> {
    table.get(&key(name)).ok_or_else(|| not_found::<R>(name))
}

/// The same, to be changed.
pub(super) fn find_mut<'a, R: Record>(table: &'a mut Table<R>, name: &str) -> Result<&'a mut R, Refusal> {
    table.get_mut(&key(name)).ok_or_else(|| not_found::<R>(name))
}

pub(super) fn not_found<R: Record>(name: &str) -> Refusal {
    missing(R::KIND.not_found, R::KIND.noun, name)
}

/// The same where an operation has a code of its own for what it refers to.
pub(super) fn missing(code: &str, noun: &str, name: &str) -> Refusal {
    Refusal::new(code, format!("{noun} {name} not found.")).with_status(404)
}

/// Refuses a name that is taken.
pub(super) fn free<R: Record>(table: &Table<R>, name: &str) -> Result<(), Refusal> {
    refuse_if(table.contains_key(name), || {
        Refusal::new(R::KIND.exists, format!("{} {name} already exists.", R::KIND.noun))
    })
}

/// The name under which something is kept, from a name in any case or an ARN (RDS API Reference,
/// DescribeDBClusters, "The user-supplied DB cluster identifier or the Amazon Resource Name").
pub(super) fn key(name_or_arn: &str) -> String {
    let name = if name_or_arn.starts_with("arn:") {
        // An automated snapshot's name has a colon itself.
        name_or_arn.splitn(7, ':').nth(6).unwrap_or(name_or_arn)
    } else {
        name_or_arn
    };
    name.to_ascii_lowercase()
}

/// A value that AWS does not take.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

/// Values that AWS does not take together, or not here.
pub(super) fn combination(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterCombination", message)
}

/// A parameter that the operation cannot do without, although its model can.
pub(super) fn required(parameter: &str) -> Refusal {
    invalid(format!("The parameter {parameter} must be provided and must not be blank."))
}
