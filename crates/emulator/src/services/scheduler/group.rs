//! Groups of schedules. One is there by itself, and they alone have tags.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{State, arn, conflict, invalid, not_found};
use crate::services::{
    Answer, Call, Cx, Next, Refusal, Spread, Table, Tag, Tagging, Tags, ensure, kinds, page_by_key,
    refuse_if, spread, tags as read_tags, to_json,
};

/// The group that a schedule is in if it names none.
pub(super) const DEFAULT: &str = "default";

/// "Deletion of a schedule group is asynchronous" (EventBridge Scheduler User Guide, "Deleting a schedule group"); estimate.
const DELETE: Spread = spread(10.0, 5.0, 60.0);

/// 2026-01-01, when AWS made the default group.
const BEGINNING: f64 = 1_767_225_600.0;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    arn: String,
    pub(super) name: String,
    state: String,
    creation_date: f64,
    last_modification_date: f64,
    #[serde(rename = "_tags", default)]
    pub(super) tags: Tags,
    #[serde(rename = "_next", skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

impl Group {
    /// The group that every account has in every region.
    pub(super) fn default_of(region: &str) -> Self {
        Group::new(region, DEFAULT.to_owned(), BEGINNING, Tags::new())
    }

    pub(super) fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// Of the default group, only tags can be changed.
    pub(super) fn is_as_from_the_start(&self) -> bool {
        self.is_default() && self.tags.is_empty()
    }

    fn new(region: &str, name: String, now: f64, tags: Tags) -> Self {
        Group {
            arn: arn(region, &format!("schedule-group/{name}")),
            name,
            state: "ACTIVE".to_owned(),
            creation_date: now,
            last_modification_date: now,
            tags,
            next: None,
        }
    }
}

kinds! {
    Group: |name| not_found(format!("Schedule group {name} does not exist.")),
        |name| conflict(format!("Schedule group {name} already exists."));
}

impl State {
    /// A group that is not being deleted.
    pub(super) fn open_group(&self, name: &str) -> Result<&Group, Refusal> {
        let group = self.groups.find(name)?;
        ensure(group.state == "ACTIVE", || conflict(format!("Schedule group {name} is being deleted.")))?;
        Ok(group)
    }
}

/// Groups alone have tags. AWS publishes no number of them.
pub(super) const TAGS: Tagging = Tagging {
    most: usize::MAX,
    ..Tagging::new(
        |cx, arn| {
            let group = cx.r.scheduler.groups.values_mut().find(|group| group.arn == arn);
            let missing = || not_found(format!("Resource {arn} does not exist."));
            group.map(|group| &mut group.tags).ok_or_else(missing)
        },
        |given| read_tags(given, invalid),
        |_| invalid("There are too many tags."),
    )
};

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, tags, _): (String, Option<Vec<Tag>>, Option<String>) =
        call.members(&["Name", "Tags", "ClientToken"])?;
    let tags = read_tags(tags.unwrap_or_default(), invalid)?;
    cx.r.scheduler.groups.check_free(&name)?;
    let group = Group::new(cx.region, name.clone(), cx.now_seconds(), tags);
    let answer = json!({"ScheduleGroupArn": group.arn});
    cx.r.scheduler.groups.insert(name, group);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, _): (String, Option<String>) = call.members(&["Name", "ClientToken"])?;
    Ok(to_json(cx.r.scheduler.groups.find(&name)?))
}

/// Deletes a group with the schedules in it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, _): (String, Option<String>) = call.members(&["Name", "ClientToken"])?;
    cx.r.scheduler.open_group(&name)?;
    refuse_if(name == DEFAULT, || invalid("The default schedule group cannot be deleted."))?;
    let gone = cx.after(DELETE, &name);
    let now = cx.now_seconds();
    let state = &mut cx.r.scheduler;
    state.schedules.retain(|_, schedule| schedule.group_name != name);
    match (gone, state.groups.get_mut(&name)) {
        (Some(at_millis), Some(group)) => {
            group.state = "DELETING".to_owned();
            group.last_modification_date = now;
            group.next = Some(Next { state: "gone".to_owned(), at_millis });
        }
        _ => {
            state.groups.remove(&name);
        }
    }
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name_prefix, next_token, max_results): (Option<String>, Option<String>, Option<usize>) =
        call.members(&["NamePrefix", "NextToken", "MaxResults"])?;
    let wanted = |name: &str| name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix));
    let groups = cx.r.scheduler.groups.iter().filter(|(name, _)| wanted(name));
    let groups = groups.map(|(name, group)| (name.as_str(), to_json(group)));
    let (groups, next): (Vec<Value>, _) =
        page_by_key(groups, next_token.as_deref(), max_results.unwrap_or(100));
    Ok(json!({"ScheduleGroups": groups, "NextToken": next}))
}
