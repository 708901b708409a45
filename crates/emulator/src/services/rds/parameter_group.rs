//! Parameter groups, of clusters and of instances.
//!
//! Both kinds work alike; only the names of their members differ. So one record serves both, and the names are given
//! where a group is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::kind::{Kind, Record, Table, combination, find, find_mut, free, invalid, required};
use super::pages::{Describe, Known, Listing};
use super::parameters::{self, IMMEDIATE, PENDING_REBOOT};
use super::{PARAMETERS, State, names, tags, versions};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tags, ensure, refuse_if};

/// No call changes more parameters (RDS API Reference, ModifyDBClusterParameterGroup: "A maximum of 20 parameters can
/// be modified in a single request").
const MOST_PARAMETERS: usize = 20;

/// What the groups are for.
pub(super) trait Use: Clone {
    const KIND: Kind;
    /// Whether it is for instances, not for clusters.
    const INSTANCES: bool;
    /// The members under which a group's name, its ARN, the group itself and a list of groups are shown.
    const NAME: &'static str;
    const ARN: &'static str;
    const GROUP: &'static str;
    const GROUPS: &'static str;
    fn groups(state: &State) -> &Table<Group<Self>>;
    fn groups_mut(state: &mut State) -> &mut Table<Group<Self>>;
    /// Who uses a group.
    fn user(state: &State, group: &str) -> Option<String>;
    /// Notes that a group's users have to be restarted.
    fn needs_restart(state: &mut State, group: &str);
    /// A user of a group that is being changed itself.
    fn changing(_state: &State, _group: &str) -> Option<String> {
        None
    }
}

/// Groups of clusters.
#[derive(Clone, Debug)]
pub(super) struct Clusters;
/// Groups of instances.
#[derive(Clone, Debug)]
pub(super) struct Instances;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", bound = "")]
pub(super) struct Group<U> {
    name: String,
    pub(super) family: String,
    description: String,
    arn: String,
    tags: Tags,
    /// What was set, by the parameter's name.
    values: BTreeMap<String, Setting>,
    /// Until when a change is being taken over, so that nothing can be reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_millis: Option<i64>,
    #[serde(skip)]
    for_use: std::marker::PhantomData<U>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Setting {
    value: String,
    method: String,
}

impl<U: Use> Record for Group<U> {
    const KIND: Kind = U::KIND;
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl<U: Use> Group<U> {
    /// AWS's own group of a family, which is always there.
    pub(super) fn is_default(&self) -> bool {
        self.name.starts_with(DEFAULT)
    }

    pub(super) fn show(&self) -> Value {
        json!({
            U::NAME: self.name,
            "DBParameterGroupFamily": self.family,
            "Description": self.description,
            U::ARN: self.arn,
        })
    }

    fn new(name: &str, family: &str, description: &str, arn: String, tags: Tags) -> Self {
        Group {
            name: name.to_owned(),
            family: family.to_owned(),
            description: description.to_owned(),
            arn,
            tags,
            values: BTreeMap::new(),
            pending_millis: None,
            for_use: std::marker::PhantomData,
        }
    }

    fn show_parameters(&self) -> impl Iterator<Item = Value> {
        parameters::all(U::INSTANCES).map(|parameter| {
            let set = self.values.get(parameter.name);
            parameter.show(&self.family, set.map(|set| (set.value.as_str(), set.method.as_str())))
        })
    }
}

impl Use for Clusters {
    const KIND: Kind = Kind {
        noun: "DBClusterParameterGroup",
        resource: "cluster-pg",
        cloudformation: "AWS::RDS::DBClusterParameterGroup",
        not_found: "DBParameterGroupNotFound",
        exists: "DBParameterGroupAlreadyExists",
    };
    const INSTANCES: bool = false;
    const NAME: &'static str = "DBClusterParameterGroupName";
    const ARN: &'static str = "DBClusterParameterGroupArn";
    const GROUP: &'static str = "DBClusterParameterGroup";
    const GROUPS: &'static str = "DBClusterParameterGroups";
    fn groups(state: &State) -> &Table<Group<Self>> {
        &state.cluster_parameter_groups
    }
    fn groups_mut(state: &mut State) -> &mut Table<Group<Self>> {
        &mut state.cluster_parameter_groups
    }
    fn user(state: &State, group: &str) -> Option<String> {
        let mut clusters = state.clusters.values();
        clusters.find(|cluster| cluster.parameter_group == group).map(|cluster| cluster.id.clone())
    }
    fn needs_restart(state: &mut State, group: &str) {
        let clusters = state.clusters.values_mut().filter(|cluster| cluster.parameter_group == group);
        clusters.for_each(|cluster| cluster.needs_restart());
    }
    fn changing(state: &State, group: &str) -> Option<String> {
        let changes = |cluster: &&Cluster| matches!(cluster.status.as_str(), "modifying" | "upgrading");
        let mut clusters = state.clusters.values().filter(|cluster| cluster.parameter_group == group);
        clusters.find(changes).map(|cluster| cluster.id.clone())
    }
}

impl Use for Instances {
    const KIND: Kind = Kind {
        noun: "DBParameterGroup",
        resource: "pg",
        cloudformation: "AWS::RDS::DBParameterGroup",
        not_found: "DBParameterGroupNotFound",
        exists: "DBParameterGroupAlreadyExists",
    };
    const INSTANCES: bool = true;
    const NAME: &'static str = "DBParameterGroupName";
    const ARN: &'static str = "DBParameterGroupArn";
    const GROUP: &'static str = "DBParameterGroup";
    const GROUPS: &'static str = "DBParameterGroups";
    fn groups(state: &State) -> &Table<Group<Self>> {
        &state.parameter_groups
    }
    fn groups_mut(state: &mut State) -> &mut Table<Group<Self>> {
        &mut state.parameter_groups
    }
    fn user(state: &State, group: &str) -> Option<String> {
        let mut instances = state.instances.values();
        instances.find(|instance| instance.uses_parameter_group(group)).map(|instance| instance.id.clone())
    }
    fn needs_restart(state: &mut State, group: &str) {
        let instances = state.instances.values_mut().filter(|instance| instance.uses_parameter_group(group));
        instances.for_each(|instance| instance.needs_restart());
    }
}

/// How the names of AWS's own groups begin.
pub(super) const DEFAULT: &str = "default.";

/// The name of a family's own group.
pub(super) fn default_name(family: &str) -> String {
    format!("{DEFAULT}{family}")
}

/// The groups of a new account: AWS's own ones.
pub(super) fn defaults<U: Use>(region: &str) -> Table<Group<U>> {
    let group = |family: String| {
        let name = default_name(&family);
        let description = format!(
            "Default {} parameter group for {family}",
            if U::INSTANCES { "instance" } else { "cluster" }
        );
        let arn = format!(
            "arn:aws:rds:{region}:{}:{}:{name}",
            crate::machine::emulator::ACCOUNT_ID,
            U::KIND.resource
        );
        let group = Group::new(&name, &family, &description, arn, Tags::new());
        (name, group)
    };
    versions::families().map(group).collect()
}

/// Refuses a group that is not for a version (RDS answers `InvalidParameterCombination`).
pub(super) fn check_family<U: Use>(group: &Group<U>, version: versions::Version) -> Result<(), Refusal> {
    let family = version.family();
    ensure(group.family == family, || {
        combination(format!(
            "The Parameter Group {} with DBParameterGroupFamily {} cannot be used for this instance. Please use a \
             Parameter Group with DBParameterGroupFamily {family}",
            group.name, group.family
        ))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(rename = "DBParameterGroupName", alias = "DBClusterParameterGroupName")]
    name: String,
    #[serde(rename = "DBParameterGroupFamily")]
    family: String,
    #[serde(rename = "Description")]
    description: String,
    #[serde(rename = "Tags", default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(rename = "DBParameterGroupName", alias = "DBClusterParameterGroupName")]
    name: String,
    #[serde(rename = "ResetAllParameters", default)]
    all: bool,
    #[serde(rename = "Parameters", default)]
    parameters: Vec<Given>,
}

/// A parameter as it is given.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    parameter_name: Option<String>,
    parameter_value: Option<String>,
    apply_method: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    #[serde(rename = "DBParameterGroupName", alias = "DBClusterParameterGroupName")]
    name: String,
}

pub(super) fn create<U: Use>(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Create { name, family, description, tags } = call.input()?;
    let name = names::identifier(U::NAME, &name, names::LONGEST_NAME)?;
    refuse_if(description.is_empty(), || required("Description"))?;
    if !versions::families().any(|known| known == family) {
        return Err(invalid(format!("ParameterGroupFamily {family} is not a valid parameter group family")));
    }
    free(U::groups(&cx.r.rds), &name)?;
    let tags = tags::read(tags)?;
    let arn = cx.arn("rds", &format!("{}:{name}", U::KIND.resource));
    let group = Group::<U>::new(&name, &family, &description, arn, tags);
    let answer = json!({U::GROUP: group.show()});
    U::groups_mut(&mut cx.r.rds).insert(name, group);
    Ok(answer)
}

pub(super) fn describe<U: Use>(cx: &Cx<'_>, call: &Call) -> Answer {
    let listing = Listing { member: U::GROUPS, name: U::NAME, filters: &[] };
    let asked = Describe::read(call)?;
    let groups = U::groups(&cx.r.rds);
    match &asked.parameter_group {
        Some(name) => asked.page(&listing, [find(groups, name)?.show()]),
        None => asked.page(&listing, groups.values().map(Group::show)),
    }
}

pub(super) fn describe_parameters<U: Use>(cx: &Cx<'_>, call: &Call) -> Answer {
    const FILTERS: [Known; 1] = [("parameter-name", &["ParameterName"])];
    const LISTING: Listing = Listing { member: "Parameters", name: "ParameterName", filters: &FILTERS };
    const SOURCES: [&str; 3] = ["user", "system", "engine-default"];
    let asked = Describe::read(call)?;
    let name = asked.parameter_group.as_deref().ok_or_else(|| required(U::NAME))?;
    let group = find(U::groups(&cx.r.rds), name)?;
    if let Some(source) = asked.source.as_deref().filter(|source| !SOURCES.contains(source)) {
        return Err(invalid(format!("Invalid source: {source}. It is one of user, system, engine-default.")));
    }
    let wanted = |value: &Value| asked.source.as_deref().is_none_or(|source| value["Source"] == source);
    asked.page(&LISTING, group.show_parameters().filter(wanted))
}

pub(super) fn modify<U: Use>(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Change { name, parameters, .. } = call.input()?;
    let name = changeable::<U>(&cx.r.rds, &name)?;
    check_count(&parameters)?;
    let mut settings = Vec::new();
    for given in parameters {
        let parameter = given.parameter::<U>()?;
        let value = given.parameter_value.ok_or_else(|| required("ParameterValue"))?;
        let method = given.apply_method.ok_or_else(|| required("ApplyMethod"))?;
        parameter.check(&value, &method)?;
        settings.push((parameter.name.to_owned(), Setting { value, method }));
    }
    let restart = settings.iter().any(|(_, setting)| setting.method == PENDING_REBOOT);
    let pending_millis = cx.after(PARAMETERS, &format!("{name} modified {}", call.sequence));
    changed::<U>(&mut cx.r.rds, &name, restart, |group| {
        group.values.extend(settings);
        group.pending_millis = pending_millis;
    })
}

/// Takes all parameters, or some, back to what holds without a setting (RDS API Reference,
/// ResetDBClusterParameterGroup). While a change is being taken over, that is refused (hashicorp/terraform-provider-aws
/// sends it again for three minutes, where the answer says "has pending changes").
pub(super) fn reset<U: Use>(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Change { name, all, parameters } = call.input()?;
    let name = changeable::<U>(&cx.r.rds, &name)?;
    let pending = find(U::groups(&cx.r.rds), &name)?.pending_millis;
    if pending.is_some_and(|until_millis| until_millis > cx.now_millis) {
        return Err(busy(format!("The parameter group {name} has pending changes. Try again later.")));
    }
    if all && !parameters.is_empty() {
        return Err(combination("Parameters cannot be given together with ResetAllParameters."));
    }
    if all {
        let group = find(U::groups(&cx.r.rds), &name)?;
        let own_method =
            |name: &String| parameters::find(name, U::INSTANCES).map(|parameter| parameter.own_method());
        let restart =
            group.values.keys().any(|name| own_method(name).is_ok_and(|method| method == PENDING_REBOOT));
        return changed::<U>(&mut cx.r.rds, &name, restart, |group| group.values.clear());
    }
    check_count(&parameters)?;
    let mut names = Vec::new();
    let mut restart = false;
    for given in parameters {
        let parameter = given.parameter::<U>()?;
        let method = given.apply_method.as_deref().ok_or_else(|| required("ApplyMethod"))?;
        parameter.check_method(method)?;
        restart |= method != IMMEDIATE;
        names.push(parameter.name);
    }
    changed::<U>(&mut cx.r.rds, &name, restart, |group| {
        group.values.retain(|name, _| !names.contains(&name.as_str()));
    })
}

/// A group stays while something uses it, and AWS's own ones always (RDS API Reference,
/// DeleteDBClusterParameterGroup, "Constraints").
pub(super) fn delete<U: Use>(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Delete { name } = call.input()?;
    let state = &mut cx.r.rds;
    let group = find(U::groups(state), &name)?;
    let name = group.name.clone();
    refuse_if(group.is_default(), || busy(format!("Default {} cannot be deleted: {name}", U::KIND.noun)))?;
    if let Some(user) = U::user(state, &name) {
        return Err(busy(format!(
            "One or more database instances are still members of this parameter group {name}, so the group cannot be \
             deleted: {user}"
        )));
    }
    U::groups_mut(state).remove(&name);
    Ok(json!({}))
}

impl Given {
    fn parameter<U: Use>(&self) -> Result<&'static parameters::Parameter, Refusal> {
        let name = self.parameter_name.as_deref().ok_or_else(|| required("ParameterName"))?;
        parameters::find(name, U::INSTANCES)
    }
}

/// The name of a group that may be changed, which AWS's own ones may not, and no other one while a cluster that has it is
/// being changed (RDS API Reference, ModifyDBClusterParameterGroup, error `InvalidDBParameterGroupState`: "The DB parameter
/// group is in use or is in an invalid state").
fn changeable<U: Use>(state: &State, name: &str) -> Result<String, Refusal> {
    let group = find(U::groups(state), name)?;
    refuse_if(group.is_default(), || invalid("Cannot modify a default parameter group."))?;
    match U::changing(state, &group.name) {
        None => Ok(group.name.clone()),
        Some(user) => {
            Err(busy(format!("The parameter group {name} cannot be changed while {user} is being changed.")))
        }
    }
}

fn check_count(parameters: &[Given]) -> Result<(), Refusal> {
    match parameters.len() {
        0 => Err(required("Parameters")),
        1..=MOST_PARAMETERS => Ok(()),
        count => Err(invalid(format!(
            "{count} parameters were given, and {MOST_PARAMETERS} can be modified in a single request."
        ))),
    }
}

fn changed<U: Use>(
    state: &mut State,
    name: &str,
    restart: bool,
    change: impl FnOnce(&mut Group<U>),
) -> Answer {
    change(find_mut(U::groups_mut(state), name)?);
    if restart {
        U::needs_restart(state, name);
    }
    Ok(json!({U::NAME: name}))
}

fn busy(message: String) -> Refusal {
    Refusal::new("InvalidDBParameterGroupState", message)
}
