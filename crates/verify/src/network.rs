//! Ways that traffic takes, as live AWS shows them: those that somebody opened or closed by hand too.

use alb::resources::ListenerRule;
use apigw::resources::{Account, RestApi};
use aws::SubnetId;
use database::resources::SubnetGroup;
use ecs::resources::Service;
use engine::Resolved;
use vpc::RouteTableId;
use vpc::resources::{
    NetworkAcl, Route, RouteTable, SubnetNetworkAclAssociation, SubnetRouteTableAssociation,
};

use crate::result::{Check, Finding, Verdict};
use crate::subject::Subject;
use crate::typed::Property;

const CLOSE: &str = "somebody opened it outside of this program: `refresh` shows what, `up` closes it";
const WEIGHTS: &str = "give the group without targets the weight 0 (`aws elbv2 modify-rule`); the next deployment moves on from there";

/// All checks of ways.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    vec![
        no_way_out(subject).of(
            "access/database-routes",
            "the database subnets have no way to the internet",
            CLOSE,
        ),
        filtered(subject).of(
            "access/database-acl",
            "the network ACL of the database subnets lets through what is declared and nothing else",
            CLOSE,
        ),
        targets(subject).of("access/targets", "requests go only to target groups that have targets", WEIGHTS),
        log_role(subject).of(
            "access/log-role",
            "only API Gateway can take the role that writes the API's logs, and it can do nothing else",
            CLOSE,
        ),
        api_policy(subject).of("access/api-policy", "no resource policy decides who may call the API", CLOSE),
    ]
}

/// The subnets that databases are in.
fn database_subnets(subject: &Subject) -> Result<Vec<SubnetId>, Finding> {
    let mut subnets = Vec::new();
    for group in subject.of::<SubnetGroup<Resolved>>() {
        subnets.extend(group.recorded()?.subnet_ids);
    }
    Ok(subnets)
}

/// A table in which there is nothing but the route to the VPC itself, and perhaps those of gateway endpoints.
fn no_way_out(subject: &Subject) -> Verdict {
    let subnets = match database_subnets(subject) {
        Ok(subnets) => subnets,
        Err(finding) => return Verdict::Judged(vec![finding]),
    };
    let mut tables: Vec<RouteTableId> = Vec::new();
    let mut findings = Vec::new();
    for association in subject.of::<SubnetRouteTableAssociation<Resolved>>() {
        match association.seen() {
            Ok(seen) if subnets.contains(&seen.recorded.subnet_id) => tables.push(seen.live.route_table_id),
            Ok(_) => {}
            Err(finding) => findings.push(finding),
        }
    }
    if tables.is_empty() && findings.is_empty() {
        return Verdict::skipped("no database is deployed in subnets of this stack");
    }
    let added = Property::new("Routes");
    let mut known = Vec::new();
    for table in subject.of::<RouteTable<Resolved>>() {
        let judged = table.outputs().map(|outputs| outputs.route_table_id);
        match judged {
            Ok(id) if tables.contains(&id) => {
                known.push(id);
                match table.seen() {
                    Ok(seen) if seen.live.routes.is_empty() => {}
                    Ok(seen) => findings.push(seen.wrong(&added, "no route but the one to the VPC")),
                    Err(finding) => findings.push(finding),
                }
            }
            Ok(_) => {}
            Err(finding) => findings.push(finding),
        }
    }
    for route in subject.of::<Route<Resolved>>() {
        match route.recorded() {
            Ok(recorded) if tables.contains(&recorded.route_table_id) => {
                let found = format!("a route to {}", recorded.destination_cidr_block);
                findings.push(Finding::new(
                    route.address(),
                    "no route in a table of database subnets",
                    found,
                ));
            }
            Ok(_) => {}
            Err(finding) => findings.push(finding),
        }
    }
    // Whatever is in the table of somebody else, the subnet was moved to it.
    let strange = tables.iter().filter(|table| !known.contains(table));
    findings.extend(strange.map(|table| {
        Finding::new(table.as_str(), "a route table of this stack", "another one, which database subnets use")
    }));
    Verdict::Judged(findings)
}

fn filtered(subject: &Subject) -> Verdict {
    let added = Property::new("Entries");
    let judged = subject.every::<NetworkAcl<Resolved>>(
        "the database subnets have no network ACL: `vpc.database_acl` is false",
        |acl| match acl.live.entries.iter().any(|entry| entry.rule_action == "allow") {
            true => vec![acl.wrong(&added, "no entry that allows more than is declared")],
            false => Vec::new(),
        },
    );
    if matches!(judged, Verdict::Skipped(_)) {
        return judged;
    }
    let own = Property::new("NetworkAclId");
    judged.and(subject.every::<SubnetNetworkAclAssociation<Resolved>>("no subnet has it", |association| {
        let recorded = association.recorded.network_acl_id.clone();
        association.must_be(&own, &association.live.network_acl_id, &recorded)
    }))
}

fn targets(subject: &Subject) -> Verdict {
    let is_deploying = |service: &Service<Resolved>| service.deployment.is_some();
    let mut services = subject.of::<Service<Resolved>>().filter_map(|service| service.found().ok());
    if services.any(|service| is_deploying(&service)) {
        return Verdict::skipped("a deployment is running");
    }
    let empty = Property::new("EmptyGroups");
    subject.every::<ListenerRule<Resolved>>("no listener rule is deployed", |rule| {
        match rule.live.empty_groups.is_empty() {
            true => Vec::new(),
            false => vec![rule.wrong(&empty, "no group that gets requests and has no targets")],
        }
    })
}

fn log_role(subject: &Subject) -> Verdict {
    let trust = Property::new("AssumeRolePolicyDocument");
    let managed = Property::new("ManagedPolicyArns");
    let inline = Property::new("Policies");
    subject.every::<Account>("no API is deployed", |account| {
        let Account { assume_role_policy_document, managed_policy_arns, policies, .. } = &account.live;
        let added = [
            (assume_role_policy_document.is_some(), &trust, "API Gateway alone"),
            (!managed_policy_arns.is_empty(), &managed, "none beside the one that lets it write logs"),
            (!policies.is_empty(), &inline, "none"),
        ];
        let added = added.into_iter().filter(|(is_there, ..)| *is_there);
        added.map(|(_, property, expected)| account.wrong(property, expected)).collect()
    })
}

fn api_policy(subject: &Subject) -> Verdict {
    let policy = Property::new("Policy");
    subject.every::<RestApi>("no API is deployed", |api| match api.live.policy {
        None => Vec::new(),
        Some(_) => vec![api.wrong(&policy, "none")],
    })
}
