//! What is there, by CloudFormation's kinds and identifiers.

use super::State;
use super::records::ApiTree;
use crate::services::{Object, Tags};

const SERVICE: &str = "apigateway";

pub(super) fn all(state: &State, home: &str) -> Vec<Object> {
    let mut objects: Vec<Object> = state.apis.values().flat_map(|tree| of_api(tree, home)).collect();
    for plan in state.usage_plans.values() {
        let object = Object::new(SERVICE, home, "AWS::ApiGateway::UsagePlan", &plan.id, plan.tags.clone());
        objects.push(object.named(&plan.name));
        objects.extend(plan.keys.iter().map(|key| {
            let id = format!("{key}:{}", plan.id);
            Object::new(SERVICE, home, "AWS::ApiGateway::UsagePlanKey", id, Tags::new()).part_of(&plan.id)
        }));
    }
    for key in state.api_keys.values() {
        let object = Object::new(SERVICE, home, "AWS::ApiGateway::ApiKey", &key.id, key.tags.clone());
        objects.push(match &key.name {
            Some(name) => object.named(name),
            None => object,
        });
    }
    for link in state.vpc_links.values() {
        let kind = "AWS::ApiGatewayV2::VpcLink";
        objects
            .push(Object::new(SERVICE, home, kind, &link.vpc_link_id, link.tags.clone()).named(&link.name));
    }
    if state.cloudwatch_role_arn.is_some() {
        // The account's settings are always there; they show up once they say something.
        let account = Object::new(SERVICE, home, "AWS::ApiGateway::Account", home, Tags::new());
        objects.push(account.by_default(true));
    }
    objects
}

fn of_api(tree: &ApiTree, home: &str) -> Vec<Object> {
    let api = &tree.api;
    let part = |kind: &str, id: String| {
        Object::new(SERVICE, home, &format!("AWS::ApiGateway::{kind}"), id, Tags::new()).part_of(&api.id)
    };
    let whole = Object::new(SERVICE, home, "AWS::ApiGateway::RestApi", &api.id, api.tags.clone());
    let mut objects = vec![whole.named(&api.name)];
    for resource in tree.resources.values() {
        let object = part("Resource", format!("{}|{}", api.id, resource.id));
        objects.push(object.named(&resource.path).by_default(resource.parent_id.is_none()));
    }
    for (resource, method) in tree.methods() {
        let id = format!("{}|{}|{}", api.id, resource.id, method.http_method);
        objects.push(part("Method", id).named(format!("{} {}", method.http_method, resource.path)));
    }
    for validator in tree.validators.values() {
        let object = part("RequestValidator", format!("{}|{}", api.id, validator.id));
        objects.push(match &validator.name {
            Some(name) => object.named(name),
            None => object,
        });
    }
    for kind in tree.gateway_responses.keys() {
        objects.push(part("GatewayResponse", format!("{}|{kind}", api.id)).named(kind));
    }
    for deployment in tree.deployments.values() {
        objects.push(part("Deployment", format!("{}|{}", deployment.id, api.id)));
    }
    for stage in tree.stages.values() {
        let mut object = part("Stage", format!("{}|{}", api.id, stage.stage_name)).named(&stage.stage_name);
        object.tags.clone_from(&stage.tags);
        objects.push(object);
    }
    objects
}
