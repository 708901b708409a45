//! The template itself.

use std::collections::{BTreeSet, HashMap};

use engine::{Declaration, FoundIn, Graph, Term};
use serde_json::{Map, Value, json};

use crate::facts::Facts;
use crate::names::logical_ids;
use crate::text::{Needles, Piece, value};

/// Kinds of this program's own begin with it. They stand for what AWS makes by itself or what is
/// inside a database, and a template leaves them out.
const CUSTOM: &str = "Custom::";

/// Whether a template does without it: AWS makes it by itself.
fn is_left_out(node: &Declaration) -> bool {
    node.kind.starts_with(CUSTOM) || node.facts.template.left_out
}

/// Where the graph was declared for. What names it in properties is put in by CloudFormation.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Twelve digits; imagined ones will do.
    pub account_id: &'a str,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'a str,
    /// Such as `ap-southeast-1`.
    pub region: &'a str,
    /// Each that is used becomes a parameter, with its name as the default.
    pub availability_zones: &'a [String],
}

/// Why a graph cannot be a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A type that the table of CloudFormation's facts does not have.
    #[error("{address}: CloudFormation's type {kind} is not known here")]
    Kind {
        /// The resource.
        address: String,
        /// Its kind.
        kind: String,
    },
    /// A property that is neither CloudFormation's nor said to be this program's own.
    #[error("{address}: {kind} has no property {property} in CloudFormation")]
    Property {
        /// The resource.
        address: String,
        /// Its kind.
        kind: String,
        /// The property.
        property: String,
    },
    /// A reference that CloudFormation cannot express.
    #[error("{address}.{attr} is referred to, and CloudFormation has no such attribute of {kind}")]
    Attribute {
        /// What is referred to.
        address: String,
        /// Its kind.
        kind: String,
        /// The output.
        attr: String,
    },
    /// A text with something in it that is not a text.
    #[error("a text refers to {address}.{attr}, which is not a text")]
    NotText {
        /// What is referred to.
        address: String,
        /// The output.
        attr: String,
    },
    /// An output that is neither a text, a number, nor a list of them.
    #[error("the output {0} has a shape that a template's outputs cannot have")]
    Output(String),
}

/// The template of a graph. `description` is for people; outputs named in `without` are left out.
///
/// # Errors
/// What CloudFormation cannot express.
pub fn template(
    graph: &Graph,
    place: &Place<'_>,
    description: &str,
    without: &[&str],
) -> Result<Value, ExportError> {
    let mut writer = Writer::new(graph, place);
    let mut resources = Map::new();
    let mut left_out = Vec::new();
    for node in graph.nodes() {
        let address = node.address.as_str();
        if is_left_out(node) {
            left_out.push(json!({ "Address": address, "Kind": node.kind }));
            continue;
        }
        resources.insert(writer.id(address), writer.resource(node)?);
    }
    let outputs = writer.outputs(graph.exports(), without)?;
    let mut template = Map::new();
    template.insert("AWSTemplateFormatVersion".to_owned(), json!("2010-09-09"));
    template.insert("Description".to_owned(), json!(description));
    let version = env!("CARGO_PKG_VERSION");
    template.insert("Metadata".to_owned(), json!({ "Stack": { "Version": version, "LeftOut": left_out } }));
    for (section, content) in
        [("Parameters", writer.parameters(place)), ("Resources", resources), ("Outputs", outputs)]
    {
        if !content.is_empty() {
            template.insert(section.to_owned(), Value::Object(content));
        }
    }
    Ok(Value::Object(template))
}

struct Writer<'a> {
    graph: &'a Graph,
    ids: HashMap<&'a str, String>,
    needles: Needles,
    /// Names that were put in since this was last emptied.
    put: BTreeSet<String>,
    /// Parameters that were put in anywhere.
    parameters: BTreeSet<String>,
}

fn zone_parameter(position: usize) -> String {
    format!("AvailabilityZone{}", position + 1)
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, place: &Place<'_>) -> Self {
        let put = |name: &str| vec![Piece::Put(name.to_owned())];
        let text = |text: &str| Piece::Text(text.to_owned());
        let arn = vec![text("arn:"), Piece::Put("AWS::Partition".to_owned()), text(":")];
        let mut needles = vec![
            (place.account_id.to_owned(), put("AWS::AccountId")),
            (place.region.to_owned(), put("AWS::Region")),
            (format!("arn:{}:", place.partition), arn),
        ];
        for (position, zone) in place.availability_zones.iter().enumerate() {
            needles.push((zone.clone(), put(&zone_parameter(position))));
        }
        Self {
            graph,
            ids: logical_ids(graph.nodes().iter().map(|node| node.address.as_str())),
            needles: Needles::new(needles),
            put: BTreeSet::new(),
            parameters: BTreeSet::new(),
        }
    }

    fn id(&self, address: &str) -> String {
        self.ids.get(address).cloned().unwrap_or_default()
    }

    fn parameters(&self, place: &Place<'_>) -> Map<String, Value> {
        let zones = place.availability_zones.iter().enumerate();
        zones
            .map(|(position, zone)| (zone_parameter(position), zone))
            .filter(|(name, _)| self.parameters.contains(name))
            .map(|(name, zone)| {
                let kind = "AWS::EC2::AvailabilityZone::Name";
                (name, json!({ "Type": kind, "Default": zone, "Description": "An availability zone of the region" }))
            })
            .collect()
    }

    fn resource(&mut self, node: &Declaration) -> Result<Value, ExportError> {
        let (address, kind) = (node.address.as_str(), node.kind.as_str());
        let unknown = || ExportError::Kind { address: address.to_owned(), kind: kind.to_owned() };
        let facts = Facts::of(kind).ok_or_else(unknown)?;
        self.put.clear();
        let mut properties = Map::new();
        for (name, property) in node.properties.as_object().into_iter().flatten() {
            let own = node.facts.template.own_properties.contains(&name.as_str());
            if !own && !facts.has_property(name) {
                let property = name.clone();
                return Err(ExportError::Property {
                    address: address.to_owned(),
                    kind: kind.to_owned(),
                    property,
                });
            }
            if !own && !property.is_null() {
                properties.insert(name.clone(), self.translate(property)?);
            }
        }
        (node.facts.template.adapt)(&mut properties);
        let mut resource = Map::from_iter([("Type".to_owned(), json!(kind))]);
        if !properties.is_empty() {
            resource.insert("Properties".to_owned(), Value::Object(properties));
        }
        let order = self.order_that_no_reference_says(address);
        if !order.is_empty() {
            resource.insert("DependsOn".to_owned(), json!(order));
        }
        if let Some(policy) = deletion_policy(node) {
            resource.insert("DeletionPolicy".to_owned(), json!(policy));
            resource.insert("UpdateReplacePolicy".to_owned(), json!(policy));
        }
        resource.insert("Metadata".to_owned(), json!({ "Address": address }));
        Ok(Value::Object(resource))
    }

    fn order_that_no_reference_says(&self, address: &str) -> Vec<String> {
        let dependencies = self.graph.dependencies(address);
        let mut ids: Vec<String> = dependencies
            .iter()
            .filter(|to| self.graph.get(to.as_str()).is_some_and(|node| !is_left_out(node)))
            .map(|to| self.id(to.as_str()))
            .filter(|id| !self.put.contains(id))
            .collect();
        ids.sort_unstable();
        ids
    }

    fn outputs(&mut self, exports: &Value, without: &[&str]) -> Result<Map<String, Value>, ExportError> {
        let mut outputs = Map::new();
        for (name, export) in exports.as_object().into_iter().flatten() {
            if export.is_null() || without.contains(&name.as_str()) {
                continue;
            }
            let text = match self.translate(export)? {
                Value::Array(items) if items.is_empty() => continue,
                Value::Array(items) => json!({ "Fn::Join": [",", items] }),
                text @ (Value::String(_) | Value::Object(_)) if is_text(&text) => text,
                plain @ (Value::Bool(_) | Value::Number(_)) => json!(plain.to_string()),
                _ => return Err(ExportError::Output(name.clone())),
            };
            outputs.insert(name.clone(), json!({ "Value": text }));
        }
        Ok(outputs)
    }

    fn translate(&mut self, property: &Value) -> Result<Value, ExportError> {
        match Term::of(property) {
            Term::Reference { address, attr } => self.reference(address, attr),
            Term::Join(parts) => Ok(self.text(parts)?),
            Term::Plain(Value::String(text)) => {
                let pieces = self.needles.split(text);
                Ok(self.written(pieces))
            }
            Term::Plain(Value::Array(items)) => {
                let items: Result<_, _> = items.iter().map(|item| self.translate(item)).collect();
                Ok(Value::Array(items?))
            }
            Term::Plain(Value::Object(object)) => {
                let known = object.iter().filter(|(_, inner)| !inner.is_null());
                let object: Result<_, _> =
                    known.map(|(name, inner)| Ok((name.clone(), self.translate(inner)?))).collect();
                Ok(Value::Object(object?))
            }
            Term::Plain(plain) => Ok(plain.clone()),
        }
    }

    fn text(&mut self, parts: &[Value]) -> Result<Value, ExportError> {
        let pieces = self.pieces(parts)?;
        Ok(self.written(pieces))
    }

    fn written(&mut self, pieces: Vec<Piece>) -> Value {
        for piece in &pieces {
            if let Piece::Put(name) = piece {
                let id = name.split('.').next().unwrap_or(name);
                self.put.insert(id.to_owned());
                self.parameters.insert(id.to_owned());
            }
        }
        value(pieces)
    }

    fn pieces(&mut self, parts: &[Value]) -> Result<Vec<Piece>, ExportError> {
        let mut pieces = Vec::new();
        for part in parts {
            match Term::of(part) {
                Term::Reference { address, attr } => match self.referred(address, attr)? {
                    Referred::Put(name) => pieces.push(Piece::Put(name)),
                    Referred::Declared(declared) => match Term::of(declared) {
                        Term::Plain(Value::Object(_) | Value::Array(_) | Value::Null) => {
                            let (address, attr) = (address.to_owned(), attr.to_owned());
                            return Err(ExportError::NotText { address, attr });
                        }
                        _ => pieces.extend(self.pieces(std::slice::from_ref(declared))?),
                    },
                },
                Term::Join(inner) => pieces.extend(self.pieces(inner)?),
                Term::Plain(Value::String(text)) => pieces.extend(self.needles.split(text)),
                Term::Plain(plain) => pieces.push(Piece::Text(plain.to_string())),
            }
        }
        Ok(pieces)
    }

    fn reference(&mut self, address: &str, attr: &str) -> Result<Value, ExportError> {
        match self.referred(address, attr)? {
            Referred::Put(name) => Ok(self.written(vec![Piece::Put(name)])),
            Referred::Declared(declared) => self.translate(declared),
        }
    }

    /// What stands for an output: `Ref`, an attribute, or what was declared for the property of that name.
    fn referred(&self, address: &str, attr: &str) -> Result<Referred<'a>, ExportError> {
        let error = |kind: &str| ExportError::Attribute {
            address: address.to_owned(),
            kind: kind.to_owned(),
            attr: attr.to_owned(),
        };
        let node = self.graph.get(address).ok_or_else(|| error("a resource that is not declared"))?;
        let facts = Facts::of(&node.kind);
        if facts.is_some_and(|facts| facts.is_ref(attr)) {
            return Ok(Referred::Put(self.id(address)));
        }
        if facts.is_some_and(|facts| facts.has_attribute(attr)) {
            return Ok(Referred::Put(format!("{}.{attr}", self.id(address))));
        }
        let elsewhere = node.facts.template.outputs.iter().find(|(output, _)| *output == attr);
        let declared = match elsewhere {
            Some((_, FoundIn::FirstOf(list))) => node.properties.get(list).and_then(|list| list.get(0)),
            Some((_, FoundIn::AttributeOf { property, attribute })) => {
                let Some(Term::Reference { address, .. }) = node.properties.get(*property).map(Term::of)
                else {
                    return Err(error(&node.kind));
                };
                return Ok(Referred::Put(format!("{}.{attribute}", self.id(address))));
            }
            None => node.properties.get(attr),
        };
        declared.map(Referred::Declared).ok_or_else(|| error(&node.kind))
    }
}

enum Referred<'a> {
    Put(String),
    Declared(&'a Value),
}

/// Whether this is a text, or what CloudFormation makes one of.
fn is_text(value: &Value) -> bool {
    let function = |object: &Map<String, Value>| {
        object.len() == 1 && object.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
    };
    value.is_string() || value.as_object().is_some_and(function)
}

/// What becomes of the object when the stack goes. What is protected here stays.
fn deletion_policy(node: &Declaration) -> Option<String> {
    let wish = node.properties.get("DeletionPolicy").and_then(Value::as_str);
    match (wish, node.protect) {
        (None | Some("Delete"), true) => Some("Retain".to_owned()),
        (wish, _) => wish.map(str::to_owned),
    }
}
