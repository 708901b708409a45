//! Inputs of the query protocol: `Tags.member.1.Key=a` becomes nested values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::protocol::bounds::check_parameter;

use super::Model;
use super::shape::{Kind, Shape};
use super::text;

/// The parameters of a form as a tree, by the dots in their names.
#[derive(Debug, Default)]
pub(super) struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    /// Makes the tree. A parameter that comes twice is an error, as it is at AWS.
    pub(super) fn tree(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Node, String> {
        let mut root = Node::default();
        for (position, (name, value)) in pairs.into_iter().enumerate() {
            check_parameter(position, &name)?;
            let leaf = name
                .split('.')
                .fold(&mut root, |node, part| node.children.entry(part.to_owned()).or_default());
            if leaf.text.replace(value).is_some() {
                return Err(format!("parameter {name} is given twice"));
            }
        }
        Ok(root)
    }

    /// Takes a parameter out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.children.remove(name)?.text
    }

    fn is_empty_text(&self) -> bool {
        self.children.is_empty() && self.text.as_deref() == Some("")
    }

    /// The children in the order of their numbers, if that is what they are.
    fn numbered(&self) -> Option<Vec<&Node>> {
        let numbers: Option<BTreeMap<u32, &Node>> = self
            .children
            .iter()
            .map(|(name, node)| name.parse().ok().filter(|number| *number > 0).map(|number| (number, node)))
            .collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty() && self.text.is_none())?;
        Some(numbers.into_values().collect())
    }

    /// What somebody sent whose shape nobody knows.
    fn plain(&self) -> Value {
        match &self.text {
            Some(text) if self.children.is_empty() => Value::String(text.clone()),
            text => {
                let children = self.children.iter().map(|(name, node)| (name.clone(), node.plain()));
                let text = text.iter().map(|text| (String::new(), Value::String(text.clone())));
                children.chain(text).collect()
            }
        }
    }
}

/// Reads the value of a shape.
pub(super) fn read(model: &Model, shape: &Shape, node: &Node) -> Value {
    match shape.kind {
        Kind::Structure if node.is_empty_text() => Value::Object(Map::new()),
        Kind::Structure if node.text.is_none() => Value::Object(read_structure(model, shape, node)),
        Kind::List => read_list(model, shape, node, false),
        Kind::Map => read_map(model, shape, node, false),
        _ => match &node.text {
            Some(text) if node.children.is_empty() => text::read(shape, text),
            _ => node.plain(),
        },
    }
}

/// Reads the members of a structure.
pub(super) fn read_structure(model: &Model, shape: &Shape, node: &Node) -> Map<String, Value> {
    let mut out = Map::new();
    for (wire_name, child) in &node.children {
        let Some((name, member)) = shape.in_body(wire_name) else {
            shape.keep_unknown(&mut out, wire_name, child.plain());
            continue;
        };
        let target = model.shape(&member.shape);
        let value = match target.kind {
            Kind::List => read_list(model, target, child, member.flattened),
            Kind::Map => read_map(model, target, child, member.flattened),
            _ => read(model, target, child),
        };
        out.insert(name.to_owned(), value);
    }
    out
}

fn read_list(model: &Model, shape: &Shape, node: &Node, flattened: bool) -> Value {
    // The empty list is written as `Name=`.
    if node.is_empty_text() {
        return Value::Array(Vec::new());
    }
    let own_name = shape.member_name.as_deref().unwrap_or("member");
    let Some(items) = wrapped(node, flattened, &[own_name, "member"]) else {
        return node.plain();
    };
    let inner = model.shape(shape.item());
    items.into_iter().map(|item| read(model, inner, item)).collect()
}

fn read_map(model: &Model, shape: &Shape, node: &Node, flattened: bool) -> Value {
    if node.is_empty_text() {
        return Value::Object(Map::new());
    }
    let entries = wrapped(node, flattened, &["entry"]).and_then(|entries| {
        entries.into_iter().map(|entry| read_entry(model, shape, entry)).collect::<Option<Map<_, _>>>()
    });
    entries.map_or_else(|| node.plain(), Value::Object)
}

fn read_entry(model: &Model, shape: &Shape, entry: &Node) -> Option<(String, Value)> {
    let key = entry.children.get(shape.key_name.as_deref().unwrap_or("key"))?;
    let value = entry.children.get(shape.value_name.as_deref().unwrap_or("value"));
    let expected = 1 + usize::from(value.is_some());
    let key = key.text.clone().filter(|_| entry.children.len() == expected)?;
    Some((key, value.map_or(Value::Null, |value| read(model, model.shape(shape.item()), value))))
}

/// The numbered items below the level that only names them.
fn wrapped<'a>(node: &'a Node, flattened: bool, names: &[&str]) -> Option<Vec<&'a Node>> {
    if flattened {
        return node.numbered();
    }
    let mut children = node.children.iter();
    match (children.next(), children.next()) {
        (Some((name, level)), None) if names.contains(&name.as_str()) => level.numbered(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::uri::form_pairs;
    use super::*;
    use crate::APIS;

    fn tree(form: &str) -> Result<Node, String> {
        Node::tree(form_pairs(form).expect("it is well formed"))
    }

    fn input(service: &str, operation: &str, form: &str) -> Value {
        let model = APIS.named(service).expect("there is one");
        let shape = model.input(&model.operations[operation]);
        Value::Object(read_structure(model, shape, &tree(form).expect("it is well formed")))
    }

    #[test]
    fn lists_maps_and_numbers_have_their_shapes() {
        let form = "DBSubnetGroupName=a&SubnetIds.SubnetIdentifier.2=y&SubnetIds.SubnetIdentifier.1=x\
                    &Tags.Tag.1.Key=k&Tags.Tag.1.Value=Zo%C3%AB+B";
        assert_eq!(
            input("rds", "CreateDBSubnetGroup", form),
            json!({"DBSubnetGroupName": "a", "SubnetIds": ["x", "y"], "Tags": [{"Key": "k", "Value": "Zoë B"}]})
        );
        let form = "DBClusterIdentifier=a&Port=5432&DeletionProtection=true&BackupRetentionPeriod=x\
                    &VpcSecurityGroupIds=&ServerlessV2ScalingConfiguration.MinCapacity=0.5";
        assert_eq!(
            input("rds", "CreateDBCluster", form),
            json!({"DBClusterIdentifier": "a", "Port": 5432, "DeletionProtection": true,
                "BackupRetentionPeriod": "x", "VpcSecurityGroupIds": [],
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5}})
        );
        let form =
            "Name=t&Attributes.entry.1.key=KmsMasterKeyId&Attributes.entry.1.value=k&Tags.member.1.Key=a";
        assert_eq!(
            input("sns", "CreateTopic", form),
            json!({"Name": "t", "Attributes": {"KmsMasterKeyId": "k"}, "Tags": [{"Key": "a"}]})
        );
        let form =
            "Message=m&MessageAttributes.entry.1.Name=n&MessageAttributes.entry.1.Value.DataType=String";
        assert_eq!(
            input("sns", "Publish", form),
            json!({"Message": "m", "MessageAttributes": {"n": {"DataType": "String"}}})
        );
    }

    #[test]
    fn what_does_not_fit_stays_as_it_was_sent() {
        assert_eq!(
            input("iam", "CreateRole", "RoleName.X=a&Other.1=b&Tags.1.Key=c"),
            json!({"RoleName": {"X": "a"}, "Other": {"1": "b"}, "Tags": {"1": {"Key": "c"}}})
        );
        assert_eq!(
            input("iam", "CreateRole", "Tags.member.0.Key=c")["Tags"],
            json!({"member": {"0": {"Key": "c"}}})
        );
        assert!(tree("A=1&A=2").is_err());
    }
}
