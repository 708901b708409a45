//! The resources of a REST API: a tree of path parts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::patch::{Given, Op, Patch};
use super::records::{ApiTree, Resource};
use super::rest_api::listed;
use super::{bad, conflict, fresh_id, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, ensure, refuse_if, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    rest_api_id: String,
    position: Option<String>,
    limit: Option<i64>,
    embed: Option<Vec<String>>,
}

impl ApiTree {
    fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.values().filter(move |resource| resource.parent_id.as_deref() == Some(id))
    }

    /// A resource and everything below it.
    fn below(&self, id: &str) -> Vec<String> {
        let mut found = vec![id.to_owned()];
        let mut at = 0;
        while at < found.len() {
            let children: Vec<String> = self.children(&found[at]).map(|child| child.id.clone()).collect();
            found.extend(children);
            at += 1;
        }
        found
    }
}

/// A part with a variable in it, such as `{id}` or `{proxy+}`.
fn is_variable(part: &str) -> bool {
    part.starts_with('{')
}

fn is_greedy(part: &str) -> bool {
    part.ends_with("+}")
}

/// API Gateway Developer Guide, "Set up a method using the API Gateway console", "Set up API resources".
fn check_part(part: &str) -> Result<(), Refusal> {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c))
    };
    let variable = part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .map(|name| name.strip_suffix('+').unwrap_or(name));
    ensure(plain(variable.unwrap_or(part)), || {
        bad(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at \
             the beginning and the end.",
        )
    })
}

/// Whether a part may stand below a parent, beside what is there already.
fn check_place(tree: &ApiTree, parent: &Resource, part: &str, but: Option<&str>) -> Result<(), Refusal> {
    if let Some(greedy) = parent.path_part.as_deref().filter(|part| is_greedy(part)) {
        return Err(bad(format!(
            "Cannot create a child of a resource with a greedy path variable: {greedy}"
        )));
    }
    for sibling in tree.children(&parent.id).filter(|sibling| Some(sibling.id.as_str()) != but) {
        let other = sibling.path_part.as_deref().unwrap_or_default();
        if other == part {
            return Err(conflict(format!(
                "Another resource with the same parent already has this name: {part}"
            )));
        }
        if is_variable(other) && is_variable(part) {
            return Err(bad(format!(
                "A sibling ({other}) of this resource already has a variable path part -- only one unique \
                 variable path part is allowed"
            )));
        }
    }
    Ok(())
}

fn path_of(parent: &Resource, part: &str) -> String {
    format!("{}/{part}", parent.path.trim_end_matches('/'))
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, parent_id, path_part): (String, String, String) =
        call.members(&["restApiId", "parentId", "pathPart"])?;
    let state = &mut cx.r.apigateway;
    let mut ids = state.ids;
    let tree = state.apis.find_mut(&rest_api_id)?;
    let parent = tree.resources.find(&parent_id)?;
    check_part(&path_part)?;
    check_place(tree, parent, &path_part, None)?;
    let id = fresh_id(&mut ids, 6, |id| tree.resources.contains_key(id));
    let resource = Resource {
        id: id.clone(),
        parent_id: Some(parent_id),
        path: path_of(parent, &path_part),
        path_part: Some(path_part),
        resource_methods: BTreeMap::new(),
    };
    let answer = to_json(&resource);
    tree.resources.insert(id, resource);
    state.ids = ids;
    Ok(answer)
}

/// A resource with its verbs, and with the methods themselves if they are asked for.
fn shown(resource: &Resource, embed: Option<&[String]>) -> Result<Value, Refusal> {
    let embed = embed.unwrap_or_default();
    if let Some(other) = embed.iter().find(|name| *name != "methods") {
        return Err(bad(format!("Invalid embed parameter {other}: only methods can be embedded.")));
    }
    let mut value = to_json(resource);
    if embed.is_empty() && !resource.resource_methods.is_empty() {
        value["resourceMethods"] =
            resource.resource_methods.keys().map(|verb| (verb.clone(), json!({}))).collect();
    }
    Ok(value)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, embed): (String, String, Option<Vec<String>>) =
        call.members(&["restApiId", "resourceId", "embed"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    shown(tree.resources.find(&resource_id)?, embed.as_deref())
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let List { rest_api_id, position, limit, embed } = call.input()?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let mut all = Vec::new();
    for (id, resource) in &tree.resources {
        all.push((id.as_str(), shown(resource, embed.as_deref())?));
    }
    listed(all.into_iter(), position.as_deref(), limit)
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, patch_operations): (String, String, Option<Vec<Given>>) =
        call.members(&["restApiId", "resourceId", "patchOperations"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let mut changed = tree.resources.find(&resource_id)?.clone();
    for patch in Patch::read(patch_operations)? {
        // API Gateway API Reference, "Patch Operations", UpdateResource.
        match (patch.op, patch.raw().as_slice()) {
            (Op::Replace, ["pathPart"]) => changed.path_part = Some(patch.required()?),
            (Op::Replace, ["parentId"]) => changed.parent_id = Some(patch.required()?),
            _ => return Err(patch.unknown("/pathPart, /parentId")),
        }
    }
    let (Some(parent_id), Some(part)) = (&changed.parent_id, &changed.path_part) else {
        return Err(bad("The root resource cannot be changed."));
    };
    let below = tree.below(&resource_id);
    refuse_if(below.contains(parent_id), || bad("A resource cannot be moved below itself."))?;
    let parent = tree.resources.find(parent_id)?;
    check_part(part)?;
    check_place(tree, parent, part, Some(&resource_id))?;
    if is_greedy(part) && below.len() > 1 {
        return Err(bad("A resource with children cannot have a greedy path variable."));
    }
    let path = path_of(parent, part);
    let old = std::mem::replace(&mut changed.path, path);
    let new = changed.path.clone();
    tree.resources.insert(resource_id.clone(), changed);
    for id in below.iter().skip(1) {
        let child = tree.resources.find_mut(id)?;
        child.path = format!("{new}{}", child.path.strip_prefix(&old).unwrap_or_default());
    }
    shown(tree.resources.find(&resource_id)?, None)
}

/// Deletes a resource and everything below it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, _): (String, String, Option<Vec<String>>) =
        call.members(&["restApiId", "resourceId", "embed"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    if tree.resources.find(&resource_id)?.parent_id.is_none() {
        return Err(bad("The root resource cannot be deleted."));
    }
    for id in tree.below(&resource_id) {
        tree.resources.remove(&id);
    }
    Ok(nothing())
}
