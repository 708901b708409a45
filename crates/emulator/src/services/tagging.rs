//! The operations on tags that nearly every service has. A service says what is its own about them, see [`Tagging`].

use serde_json::{Value, json};

use super::support::{Tag, Tags, tag_list};
use super::{Answer, Cx};
use crate::protocol::request::Call;
use crate::protocol::response::{Refusal, refuse_if};

/// Tags that an object may have (AWS General Reference, "Tagging your AWS resources", "Tag naming limits and requirements").
const MOST: usize = 50;

/// What a service's operations on tags are made from.
pub(crate) struct Tagging {
    /// The members for tags, for what has them, and for keys.
    pub(crate) members: &'static [&'static str; 3],
    /// The tags of what a call names.
    pub(crate) of: for<'a> fn(&'a mut Cx<'_>, &str) -> Result<&'a mut Tags, Refusal>,
    /// Reads the tags of a call, with the service's own rules and codes.
    pub(crate) read: fn(Vec<Tag>) -> Result<Tags, Refusal>,
    /// Tags that an object may have.
    pub(crate) most: usize,
    /// The refusal of more, by the name in the call.
    pub(crate) too_many: fn(&str) -> Refusal,
    /// Whether the object is looked for before the tags are read.
    pub(crate) finds_first: bool,
    /// Whether calls give tags as a map, and not as a list of keys and values.
    pub(crate) takes_map: bool,
    /// Tags as they are listed, under the member that has them.
    pub(crate) list: fn(&Tags) -> Value,
}

impl Tagging {
    /// What most services have.
    pub(crate) const fn new(
        of: for<'a> fn(&'a mut Cx<'_>, &str) -> Result<&'a mut Tags, Refusal>,
        read: fn(Vec<Tag>) -> Result<Tags, Refusal>,
        too_many: fn(&str) -> Refusal,
    ) -> Self {
        let members = &["Tags", "ResourceArn", "TagKeys"];
        Tagging {
            members,
            of,
            read,
            most: MOST,
            too_many,
            finds_first: false,
            takes_map: false,
            list: tag_list,
        }
    }

    /// TagResource, by whatever name.
    pub(crate) fn tag(&self, cx: &mut Cx<'_>, call: &Call) -> Answer {
        let (given, name): (Vec<Tag>, String) = if self.takes_map {
            let (given, name): (Tags, String) = call.members(&self.members[..2])?;
            (given.into_iter().map(|(key, value)| Tag { key, value }).collect(), name)
        } else {
            call.members(&self.members[..2])?
        };
        if self.finds_first {
            (self.of)(cx, &name)?;
        }
        let given = (self.read)(given)?;
        let own = (self.of)(cx, &name)?;
        let mut all = own.clone();
        all.extend(given);
        refuse_if(all.len() > self.most, || (self.too_many)(&name))?;
        *own = all;
        Ok(Value::Null)
    }

    /// UntagResource.
    pub(crate) fn untag(&self, cx: &mut Cx<'_>, call: &Call) -> Answer {
        let (name, keys): (String, Vec<String>) = call.members(&self.members[1..])?;
        (self.of)(cx, &name)?.retain(|key, _| !keys.contains(key));
        Ok(Value::Null)
    }

    /// ListTagsForResource, where it has no pages.
    pub(crate) fn list(&self, cx: &mut Cx<'_>, call: &Call) -> Answer {
        let [tags, resource, _] = *self.members;
        let name: String = call.member(resource)?;
        Ok(json!({tags: (self.list)((self.of)(cx, &name)?)}))
    }
}
