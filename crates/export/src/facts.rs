//! What CloudFormation's types have: properties, attributes, and what `Ref` gives.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

static TABLE: LazyLock<HashMap<String, Facts>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../cloudformation.json"))
        .expect("the table is read by a test of this crate")
});

/// What a type has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// The attribute or property that `Ref` gives.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// What `Fn::GetAtt` gives, such as `Endpoint.Address`.
    attributes: Vec<String>,
    /// What can be set.
    properties: Vec<String>,
}

impl Facts {
    /// What is known of a type.
    pub(crate) fn of(kind: &str) -> Option<&'static Self> {
        TABLE.get(kind)
    }

    pub(crate) fn has_property(&self, name: &str) -> bool {
        self.properties.iter().any(|known| known == name)
    }

    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|known| known == name)
    }

    pub(crate) fn is_ref(&self, name: &str) -> bool {
        self.reference.as_deref() == Some(name)
    }
}

#[cfg(test)]
mod tests {
    use database::resources::Cluster;
    use engine::Resource as _;
    use vpc::resources::DefaultSecurityGroup;

    use super::*;

    #[test]
    fn the_table_is_read() {
        let cluster = Facts::of(Cluster::KIND).unwrap();
        assert!(cluster.is_ref("DBClusterIdentifier"));
        assert!(cluster.has_attribute("Endpoint.Address") && !cluster.has_property("Endpoint"));
        assert!(cluster.has_property("StorageEncrypted") && !cluster.has_property("LogGroupNames"));
        assert!(Facts::of(DefaultSecurityGroup::KIND).is_none());
    }
}
