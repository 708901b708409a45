//! What is there: the list that audits compare with what they expect.
//!
//! What every account has from the start, such as Scheduler's default group, X-Ray's default rule and RDS's default
//! parameter groups, is not listed: nobody made it, and it is there whether anybody looks or not. Once somebody has
//! changed such a thing, it is listed as made by default.

use std::collections::BTreeMap;

use serde::Serialize;

/// One live object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Object {
    /// The service that holds it, such as `ec2`.
    pub service: String,
    /// The CloudFormation type, such as `AWS::EC2::Subnet`.
    pub kind: String,
    /// The id as CloudFormation would give it: AWS's id where there is one, otherwise the parts that
    /// identify it, joined by `|`.
    pub id: String,
    /// The name, or the `Name` tag.
    pub name: Option<String>,
    /// The region, or `global`.
    pub region: String,
    /// All tags.
    pub tags: BTreeMap<String, String>,
    /// AWS made this by itself: together with another object, with which it goes (a VPC's default security group, main
    /// route table and default network ACL, and what is in them from the start), for one of its services (a managed
    /// secret, a service-linked role), or for every account (Scheduler's default group, listed once it was changed).
    pub made_by_default: bool,
    /// The id of the object that this one is a part of and goes away with: a route's table, a rule's group.
    pub part_of: Option<String>,
}

impl Object {
    /// An object that somebody made, named by its `Name` tag.
    pub(crate) fn new(
        service: &str,
        region: &str,
        kind: &str,
        id: impl Into<String>,
        tags: BTreeMap<String, String>,
    ) -> Self {
        Object {
            service: service.to_owned(),
            kind: kind.to_owned(),
            id: id.into(),
            name: tags.get("Name").cloned(),
            region: region.to_owned(),
            tags,
            made_by_default: false,
            part_of: None,
        }
    }

    pub(crate) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn by_default(mut self, made_by_default: bool) -> Self {
        self.made_by_default = made_by_default;
        self
    }

    pub(crate) fn part_of(mut self, whole: impl Into<String>) -> Self {
        self.part_of = Some(whole.into());
        self
    }
}
