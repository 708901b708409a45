//! Tags: how they are stored, given at creation, added and removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::describe::{Record, find_mut};
use super::table::Table;
use super::{Answer, Region, done};
use crate::protocol::parameters::Parameters;
use crate::protocol::response::Refusal;

/// Tags of one object. On the to_json, a list of keys and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tags(pub(super) BTreeMap<String, String>);

#[derive(Serialize, Deserialize)]
struct Tag {
    key: String,
    value: String,
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.0.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }))
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tags = Vec::<Tag>::deserialize(deserializer)?;
        Ok(Tags(tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }
}

impl Tags {
    /// Reads the tags that a create call gives to objects of kind `R`.
    pub(super) fn given_to<R: Record>(p: &mut Parameters) -> Result<Tags, Refusal> {
        let mut tags = Tags::default();
        for mut specification in p.groups("TagSpecification")? {
            let kind = specification.text("ResourceType")?;
            if kind != R::KIND.taggable {
                let message = format!("'{kind}' is not a valid taggable resource type for this operation.");
                return Err(Refusal::new("InvalidParameterValue", message));
            }
            for (key, value) in pairs(&mut specification)? {
                let value = value.unwrap_or_default();
                if tags.0.insert(key.clone(), value).is_some() {
                    let message = format!("Duplicate tag key '{key}' specified.");
                    return Err(Refusal::new("InvalidParameterValue", message));
                }
            }
            specification.finish()?;
        }
        tags.check()?;
        Ok(tags)
    }

    /// Limits of the EC2 User Guide, "Tag restrictions".
    fn check(&self) -> Result<(), Refusal> {
        if self.0.len() > 50 {
            let message = "The maximum number of tags for a resource (50) has been reached.";
            return Err(Refusal::new("TagLimitExceeded", message));
        }
        for (key, value) in &self.0 {
            let problem = match (key.chars().count(), value.chars().count()) {
                (0, _) => "Tag key is missing",
                (129.., _) => "Tag key exceeds the maximum length of 128 characters",
                (_, 257..) => "Tag value exceeds the maximum length of 256 characters",
                _ if key.to_ascii_lowercase().starts_with("aws:") => {
                    "Tag keys starting with 'aws:' are reserved for internal use"
                }
                _ => continue,
            };
            return Err(Refusal::new("InvalidParameterValue", format!("{problem}: '{key}'")));
        }
        Ok(())
    }
}

/// Reads `Tag.N`; a value that is left out differs from an empty one when tags are deleted.
fn pairs(p: &mut Parameters) -> Result<Vec<(String, Option<String>)>, Refusal> {
    p.groups("Tag")?
        .into_iter()
        .map(|mut tag| {
            let pair = (tag.text("Key")?, tag.optional("Value")?);
            tag.finish()?;
            Ok(pair)
        })
        .collect()
}

impl Region {
    pub(super) fn create_tags(&mut self, mut p: Parameters) -> Answer {
        let ids = p.texts("ResourceId")?;
        let pairs = pairs(&mut p)?;
        p.finish()?;
        let mut changed = Vec::new();
        for id in &ids {
            let mut tags = self.tags_of(id)?.clone();
            for (key, value) in &pairs {
                tags.0.insert(key.clone(), value.clone().unwrap_or_default());
            }
            tags.check()?;
            changed.push((id, tags));
        }
        for (id, tags) in changed {
            *self.tags_of(id)? = tags;
        }
        Ok(done())
    }

    pub(super) fn delete_tags(&mut self, mut p: Parameters) -> Answer {
        let ids = p.texts("ResourceId")?;
        let pairs = pairs(&mut p)?;
        p.finish()?;
        for id in &ids {
            self.tags_of(id)?;
        }
        for id in &ids {
            let tags = self.tags_of(id)?;
            if pairs.is_empty() {
                // Without a list of tags, all are deleted (EC2 API Reference, DeleteTags).
                tags.0.clear()
            } else {
                tags.0.retain(|key, value| {
                    !pairs.iter().any(|(deleted, only_if)| {
                        deleted == key && only_if.as_ref().is_none_or(|only| only == value)
                    })
                })
            }
        }
        Ok(done())
    }

    fn tags_of(&mut self, id: &str) -> Result<&mut Tags, Refusal> {
        fn of<'a, R: Record>(table: &'a mut Table<R>, id: &str) -> Result<&'a mut Tags, Refusal> {
            find_mut(table, id).map(Record::tags_mut)
        }
        match id.split_once('-').map_or("", |(prefix, _)| prefix) {
            "vpc" => of(&mut self.vpcs, id),
            "subnet" => of(&mut self.subnets, id),
            "igw" => of(&mut self.internet_gateways, id),
            "eipalloc" => of(&mut self.addresses, id),
            "nat" => of(&mut self.nat_gateways, id),
            "rtb" => of(&mut self.route_tables, id),
            "sg" => of(&mut self.security_groups, id),
            "sgr" => of(&mut self.security_group_rules, id),
            "fl" => of(&mut self.flow_logs, id),
            "vpce" => of(&mut self.vpc_endpoints, id),
            "acl" => of(&mut self.network_acls, id),
            "dopt" => of(&mut self.dhcp_options, id),
            _ => Err(Refusal::new("InvalidID", format!("The ID '{id}' is not valid"))),
        }
    }
}
