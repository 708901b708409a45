//! The plan as a person reads it: a group for each tier, what is only new counted, everything else property by property.

use std::collections::BTreeSet;

use engine::{Action, Drift, Note, Outside, Plan, PropertyChange, Reasons, ReplaceOrder, Step, Term};
use secrets::{masked_at, shown_path};
use serde_json::Value;

use crate::differences::{Difference, differences, embedded};
use crate::encounters;
use crate::output::{Lines, Style};
use crate::render::{Counts, is_kept, some_of, value};
use crate::shortened::{VALUE, around_difference, cut};
use crate::working::Unfinished;

/// Before what is said of a resource, and of one of its properties.
const INDENT: &str = "      ";
const DEEPER: &str = "        ";
/// As wide as a line gets where it is this program's choice.
const WIDTH: usize = 80;
/// Up to so many new resources of a group are named; more are counted.
const NAMED: usize = 3;
/// So much of a path is shown.
const PATH: usize = 90;
/// So many differences of one property are shown.
const DIFFERENCES: usize = 12;

/// The plan, a group for each tier in the order of the plan. With `details` all new resources are shown, with what is known of
/// them, and nothing is cut.
#[must_use]
pub(crate) fn plan(plan: &Plan, details: bool, unfinished: Unfinished) -> Lines {
    let view = View { plan: Some(plan), details, unfinished };
    let mut tiers: Vec<&str> = Vec::new();
    for step in plan.steps().iter().filter(|step| step.is_change()) {
        if !tiers.contains(&tier(step)) {
            tiers.push(tier(step));
        }
    }
    let mut lines = Lines::new();
    for name in tiers {
        let steps: Vec<&Step> = plan.steps().iter().filter(|step| tier(step) == name).collect();
        view.group(&mut lines, name, &steps);
    }
    lines
}

/// Drift: one line an object, with the properties that differ below it.
#[must_use]
pub(crate) fn drift(drift: &[Drift]) -> Lines {
    let view = View { plan: None, details: false, unfinished: Unfinished::default() };
    let mut lines = Lines::new();
    for one in drift {
        let (sign, changes) = match &one.changes {
            Some(changes) => ("~", changes.as_slice()),
            None => ("-", [].as_slice()),
        };
        let gone = if one.changes.is_none() { "  it has disappeared" } else { "" };
        lines.add("  ").styled(Style::Yellow, sign).add(" ").styled(Style::Bold, &one.address).add("  ");
        lines.styled(Style::Dim, &one.kind).line(gone);
        for change in changes {
            view.change(&mut lines, change, None, "");
        }
    }
    lines
}

/// One resource of a plan: a line, and below it why it changes and how.
pub(crate) fn one(plan: &Plan, step: &Step, unfinished: Unfinished) -> Lines {
    let mut lines = Lines::new();
    View { plan: Some(plan), details: false, unfinished }.resource(&mut lines, step, 0);
    lines
}

/// The tier that a resource is of.
pub(crate) fn tier(step: &Step) -> &str {
    step.address.as_str().split('/').next().unwrap_or_default()
}

/// Whether all there is to say is that it is new, or there already and as it should be.
pub(crate) fn is_only_new(step: &Step) -> bool {
    step.action == Action::Create && step.note.is_none() && step.encounter().is_none_or(encounters::is_plain)
}

fn sign(step: &Step) -> (Style, &'static str) {
    match &step.action {
        Action::Create if step.encounter().is_some() => (Style::Green, "<"),
        Action::Create => (Style::Green, "+"),
        Action::Update => (Style::Yellow, "~"),
        Action::Replace { .. } => (Style::Loud, "±"),
        Action::Delete if is_kept(step) => (Style::Yellow, "="),
        Action::Delete => (Style::Loud, "-"),
        Action::Unchanged => (Style::Yellow, ">"),
    }
}

const PARTLY: &str = "        partly changed outside of this program, too";

/// What somebody did outside of this program, and what the plan does about it: below the change that does it. `removes` and `adds`
/// are what the plan does, from what is there now.
fn undone(removes: bool, adds: bool) -> String {
    let (did, does) = match (removes, adds) {
        (true, false) => ("added", "removes it"),
        (false, true) => ("removed", "adds it again"),
        _ => ("changed", "changes it back"),
    };
    format!("{DEEPER}{did} outside of this program; the plan {does}")
}

fn is_removed(one: &Difference) -> bool {
    match one {
        Difference::Removed { .. } => true,
        Difference::Changed { before, after, .. } => before.is_some() && after.is_none(),
        Difference::Added { .. } | Difference::Reordered { .. } => false,
    }
}

/// The same of differences that are shown one by one.
fn undone_of(found: &[Difference]) -> String {
    let is_added = |one: &Difference| match one {
        Difference::Added { .. } => true,
        Difference::Changed { before, after, .. } => before.is_none() && after.is_some(),
        Difference::Removed { .. } | Difference::Reordered { .. } => false,
    };
    undone(found.iter().all(is_removed), found.iter().all(is_added))
}

struct View<'a> {
    plan: Option<&'a Plan>,
    details: bool,
    unfinished: Unfinished,
}

impl View<'_> {
    fn group(&self, lines: &mut Lines, name: &str, steps: &[&Step]) {
        lines.styled(Style::Bold, name).line(format!(": {}", Counts::of_steps(steps.iter().copied()).text()));
        let fold = !self.details && steps.iter().filter(|step| is_only_new(step)).count() > NAMED;
        let is_shown = |step: &&&Step| step.is_change() && !(fold && is_only_new(step));
        let shown: Vec<&&Step> = steps.iter().filter(is_shown).collect();
        let width = shown.iter().map(|step| step.address.as_str().len()).max().unwrap_or(0);
        for step in shown {
            self.resource(lines, step, width);
        }
    }

    fn resource(&self, lines: &mut Lines, step: &Step, width: usize) {
        let (style, sign) = sign(step);
        lines.add("  ").styled(style, sign).add(" ");
        lines.styled(Style::Bold, format!("{:width$}", step.address.as_str())).add("  ");
        lines.styled(Style::Dim, &step.kind).line(self.note(step));
        self.step(lines, step);
    }

    fn note(&self, step: &Step) -> String {
        let text = match step.note {
            _ if step.action == Action::Delete && is_kept(step) => {
                "  stays in the account, no longer managed"
            }
            Some(Note::Unfinished) if self.unfinished == Unfinished::Interrupted => {
                "  the last run did not finish it"
            }
            Some(Note::Unfinished) => {
                let being = if step.is_being_created() { "created" } else { "changed" };
                return format!("  being {being} by {}", self.unfinished.run());
            }
            Some(Note::Missing) if step.action == Action::Delete => "  it has disappeared already",
            Some(Note::Missing) => "  it has disappeared",
            Some(Note::Deposed) => "  was replaced by an earlier run",
            Some(Note::TakenBack) => "  was replaced by an earlier run, is still there, and is taken back",
            None => return step.encounter().map_or_else(String::new, encounters::note),
        };
        text.to_owned()
    }

    fn step(&self, lines: &mut Lines, step: &Step) {
        if let Action::Replace { because, order } = &step.action {
            let order = match order {
                ReplaceOrder::CreateFirst => "the new one is created first",
                ReplaceOrder::DeleteFirst => "the old one is deleted first",
            };
            let reasons = reasons(because);
            let text = format!("replaced: {reasons}; {order}");
            if INDENT.len() + text.chars().count() <= WIDTH {
                lines.add(INDENT).styled(Style::Red, text).end();
            } else {
                lines.add(INDENT).styled(Style::Red, format!("replaced: {reasons};")).end();
                lines.add(DEEPER).styled(Style::Red, order).end();
            }
        }
        if let Some(because) = self.because(step) {
            lines.line(format!("{INDENT}because {because}"));
        }
        if let Some(met) = step.encounter() {
            if let Some(refused) = &met.refused {
                lines.add(INDENT).styled(Style::Red, refused).end();
            }
            met.changes.iter().for_each(|change| self.change(lines, change, Some(step), ""));
        }
        self.changes(lines, step);
        if let (true, Action::Create, Some(Value::Object(desired))) =
            (self.details, &step.action, step.desired())
        {
            for (name, wanted) in desired {
                lines.line(format!("{INDENT}{name}: {}", self.text(name, wanted)));
            }
        }
    }

    /// What else the plan does that makes this necessary.
    fn because(&self, step: &Step) -> Option<String> {
        let plan = self.plan?;
        let mut sources = BTreeSet::new();
        step.changes
            .iter()
            .filter_map(|change| change.after.as_ref())
            .for_each(|it| refers(it, &mut sources));
        let of = |wanted: fn(&Step) -> bool| -> Vec<&str> {
            let is_it = |source: &&str| plan.step(source).is_some_and(wanted);
            sources.iter().copied().filter(is_it).collect()
        };
        let replaced = of(|step| matches!(step.action, Action::Replace { .. }));
        let missing = of(|step| step.action == Action::Create && step.note == Some(Note::Missing));
        let created =
            of(|step| step.action == Action::Create && step.note.is_none() && step.encounter().is_none());
        let part = |names: &[&str], one: &str, more: &str| {
            let what = if names.len() == 1 { one } else { more };
            (!names.is_empty()).then(|| format!("{} {what}", some_of(names, 2)))
        };
        let parts = [
            part(&replaced, "is replaced", "are replaced"),
            part(&missing, "has disappeared", "have disappeared"),
            part(&created, "is created", "are created"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", and "))
    }

    fn changes(&self, lines: &mut Lines, step: &Step) {
        let mut changes = step.changes.as_slice();
        while let [first, ..] = changes {
            let property = first.property();
            let count = changes.iter().take_while(|change| change.property() == property).count();
            let (of_it, others) = changes.split_at(count);
            changes = others;
            let is_own = self.plan.is_some_and(|plan| plan.is_own_property(step, property));
            let own = if is_own { "  (stack's own property)" } else { "" };
            if !self.as_sets(lines, step, property, of_it, own) {
                of_it.iter().for_each(|change| self.change(lines, change, Some(step), own));
            }
        }
    }

    /// A property in which lists differ that have no identity: their elements as sets, instead of position by position.
    fn as_sets(
        &self,
        lines: &mut Lines,
        step: &Step,
        property: &str,
        of_it: &[PropertyChange],
        own: &str,
    ) -> bool {
        if !of_it.iter().any(|change| has_position(&change.path)) {
            return false;
        }
        let facts = self.plan.and_then(|plan| plan.facts(step.address.as_str()));
        // What marks an object as this stack's is no property, and the engine knows what becomes of it.
        let known = facts.filter(|facts| !facts.lists.iter().any(|list| list.path == property));
        let both = step
            .live()
            .and_then(|live| live.get(property))
            .zip(step.desired().and_then(|it| it.get(property)));
        let Some((facts, (before, after))) = known.zip(both) else { return false };
        let found = differences(property, Some(before), Some(&self.named(after)), facts.lists);
        if found.is_empty() {
            return false;
        }
        self.list(lines, &found, own);
        if of_it.iter().all(|change| step.pending().contains(&change.path)) {
            lines.line(self.pending(found.iter().all(is_removed)));
        }
        let outside: Vec<&Outside> = step
            .outside()
            .iter()
            .filter(|outside| of_it.iter().any(|change| change.path == outside.path))
            .collect();
        if !outside.is_empty() {
            let all = outside.len() == of_it.len() && outside.iter().all(|outside| outside.puts_back);
            lines.line(if all { undone_of(&found) } else { PARTLY.to_owned() });
        }
        true
    }

    /// Below a change that a run has begun and not made yet.
    fn pending(&self, removes: bool) -> String {
        let done = if removes { "removed" } else { "set" };
        format!("{DEEPER}not {done} yet by {}", self.unfinished.run())
    }

    /// One change, and below it where it comes from.
    fn change(&self, lines: &mut Lines, change: &PropertyChange, step: Option<&Step>, own: &str) {
        let after = change.after.as_ref().map(|after| self.named(after));
        let is_json = |value: Option<&Value>| value.is_some_and(|value| embedded(value).is_some());
        let outside = step.and_then(|step| step.outside().iter().find(|outside| outside.path == change.path));
        let pending = step.is_some_and(|step| step.pending().contains(&change.path));
        if change.before == after && self.same(lines, &change.path, change.after.as_ref(), own) {
            return;
        }
        if is_json(change.before.as_ref()) && is_json(after.as_ref()) {
            let found = differences(&change.path, change.before.as_ref(), after.as_ref(), &[]);
            self.list(lines, &found, own);
            if let Some(outside) = outside {
                lines.line(if outside.puts_back { undone_of(&found) } else { PARTLY.to_owned() });
            } else if pending {
                lines.line(self.pending(found.iter().all(is_removed)));
            }
            return;
        }
        match outside {
            Some(Outside { puts_back: true, .. }) => {
                self.pair(lines, &change.path, change.before.as_ref(), after.as_ref(), own);
                lines.line(undone(after.is_none(), change.before.is_none()));
            }
            outside => {
                self.pair(lines, &change.path, change.before.as_ref(), after.as_ref(), own);
                if let Some(Outside { recorded, .. }) = outside {
                    let was = recorded.as_ref();
                    let was =
                        was.map_or(String::new(), |was| format!("; it was {}", self.text(&change.path, was)));
                    lines.line(format!("{DEEPER}changed outside of this program, too{was}"));
                } else if pending {
                    lines.line(self.pending(after.is_none()));
                }
            }
        }
    }

    fn list(&self, lines: &mut Lines, found: &[Difference], own: &str) {
        let shown = if self.details || found.len() <= DIFFERENCES + 1 { found.len() } else { DIFFERENCES };
        let mut list = "";
        for one in &found[..shown] {
            match one {
                Difference::Changed { path, before, after } => {
                    self.pair(lines, path, before.as_ref(), after.as_ref(), own);
                    list = "";
                }
                Difference::Added { path, item } | Difference::Removed { path, item } => {
                    if list != path {
                        lines.line(format!("{INDENT}{}:{own}", self.path(path)));
                        list = path;
                    }
                    let sign = if matches!(one, Difference::Added { .. }) { "+" } else { "-" };
                    lines.line(format!("{DEEPER}{sign} {}", self.text(path, item)));
                }
                Difference::Reordered { path } => {
                    lines.line(format!("{INDENT}{}: the same in another order{own}", self.path(path)));
                }
            }
        }
        if found.len() > shown {
            lines.line(format!(
                "{INDENT}… and {} more differences; `preview --details` shows them",
                found.len() - shown
            ));
        }
    }

    /// What is the same as before, but is only there once something else was made again.
    fn same(&self, lines: &mut Lines, path: &str, after: Option<&Value>, own: &str) -> bool {
        let mut sources = BTreeSet::new();
        after.into_iter().for_each(|after| refers(after, &mut sources));
        let sources: Vec<&str> = sources.into_iter().collect();
        if !sources.is_empty() {
            let value = after.map(|after| self.named(after)).filter(|after| embedded(after).is_none());
            let (shown, of) = match value {
                Some(value) => (self.text(path, &value), "of"),
                None => ("as before".to_owned(), "with"),
            };
            let (path, sources) = (self.path(path), some_of(&sources, 2));
            let (first, then) =
                (format!("{INDENT}{path}: {shown}"), format!("({of} the new {sources}){own}"));
            if first.chars().count() + 1 + then.chars().count() <= WIDTH {
                lines.line(format!("{first} {then}"));
            } else {
                lines.line(first).line(format!("{DEEPER}{then}"));
            }
        }
        !sources.is_empty()
    }

    /// On one line if it fits, otherwise on more.
    fn pair(&self, lines: &mut Lines, path: &str, before: Option<&Value>, after: Option<&Value>, own: &str) {
        let masked = |value: Option<&Value>| value.map(|value| masked_at(path, value));
        let shown = (masked(before), masked(after));
        let (before, after) = (shown.0.as_ref(), shown.1.as_ref());
        let (before, after) = match (before, after) {
            (Some(Value::String(before)), Some(Value::String(after))) if !self.details => {
                let (before, after) =
                    (Value::from(before.as_str()).to_string(), Value::from(after.as_str()).to_string());
                around_difference(&before, &after)
            }
            _ => (self.optional(path, before), self.optional(path, after)),
        };
        let path = self.path(path);
        // Drift leads from what is recorded to what is there, a plan the other way: an arrow would not say which.
        let (before, between, after) = match self.plan {
            Some(_) => (before, " ", format!("→ {after}")),
            None => (format!("recorded {before}"), ", ", format!("now {after}")),
        };
        let whole = format!("{INDENT}{path}: {before}{between}{after}{own}");
        let first = format!("{INDENT}{path}: {before}{own}");
        if whole.chars().count() <= WIDTH {
            lines.line(whole);
        } else if first.chars().count() <= WIDTH {
            lines.line(first).line(format!("{DEEPER}{after}"));
        } else {
            lines.line(format!("{INDENT}{path}:{own}"));
            lines.line(format!("{DEEPER}{before}")).line(format!("{DEEPER}{after}"));
        }
    }

    fn path(&self, path: &str) -> String {
        let path = shown_path(path);
        if self.details { path.into_owned() } else { cut(&path, PATH) }
    }

    fn optional(&self, path: &str, value: Option<&Value>) -> String {
        value.map_or_else(|| "(not set)".to_owned(), |value| self.text(path, value))
    }

    /// What is, or is to be, at a path.
    fn text(&self, path: &str, shown: &Value) -> String {
        let text = value(&masked_at(path, &self.named(shown)));
        if self.details { text } else { cut(&text, VALUE) }
    }

    /// With the names that the configuration chooses, though their objects are not there yet.
    fn named(&self, value: &Value) -> Value {
        self.plan.map_or_else(|| value.clone(), |plan| plan.with_chosen_names(value))
    }
}

/// Whether a list on the way is compared by position.
fn has_position(path: &str) -> bool {
    path.split('[').skip(1).any(|rest| {
        rest.split(']')
            .next()
            .is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The addresses of the resources that a value takes something from.
pub(crate) fn refers_to(value: &Value) -> BTreeSet<&str> {
    let mut sources = BTreeSet::new();
    refers(value, &mut sources);
    sources
}

/// The resources that a value takes something from.
pub(crate) fn refers<'v>(value: &'v Value, sources: &mut BTreeSet<&'v str>) {
    match Term::of(value) {
        Term::Reference { address, .. } => {
            sources.insert(address);
        }
        Term::Join(parts) => parts.iter().for_each(|part| refers(part, sources)),
        Term::Plain(Value::Array(items)) => items.iter().for_each(|item| refers(item, sources)),
        Term::Plain(Value::Object(fields)) => fields.values().for_each(|field| refers(field, sources)),
        Term::Plain(_) => {}
    }
}

/// Why an object is replaced: mostly properties that cannot be changed; what the engine calls otherwise, in words.
fn reasons(because: &Reasons) -> String {
    let words = |reason: &str| match reason {
        "Readiness" => Some("AWS reports that it failed"),
        "Type" => Some("its type changes"),
        Reasons::REQUESTED => Some("--replace asks for it"),
        _ => None,
    };
    let fixed: Vec<&str> = because.iter().filter(|reason| words(reason).is_none()).collect();
    let fixed = (!fixed.is_empty()).then(|| format!("{} cannot be changed", some_of(&fixed, 6)));
    let reasons: Vec<String> = because.iter().filter_map(words).map(str::to_owned).chain(fixed).collect();
    reasons.join(", and ")
}

#[cfg(test)]
mod tests {
    use engine::{Address, is_hidden};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The lines, without colours.
    fn shown(lines: &Lines) -> Vec<String> {
        let text = anstream::adapter::strip_str(&lines.to_string()).to_string();
        text.lines().map(str::to_owned).collect()
    }

    fn drifted(kind: &str, changes: Vec<PropertyChange>) -> Vec<String> {
        let address = Address::new("vpc/vpc").unwrap();
        shown(&drift(&[Drift { address, kind: kind.to_owned(), changes: Some(changes) }]))
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_value_it_takes_its_own_lines_and_no_more(
            key in "\\PC{0,20}", before in any::<String>(), after in any::<String>()
        ) {
            let change = PropertyChange {
                path: format!("Tags[{key}].Value"),
                before: Some(json!(before)),
                after: Some(json!({ &key: [&after] })),
            };
            let lines = drifted("Test::Network", vec![change.clone(), change]);
            prop_assert!(lines[0].starts_with("  ~ vpc/vpc"));
            let starts = lines.iter().filter(|line| line.starts_with("      Tags[")).count();
            prop_assert_eq!(starts, 2);
            prop_assert!(lines[1..].iter().all(|line| line.starts_with("      Tags[") || line.starts_with("        ")));
            prop_assert!(lines.iter().all(|line| !line.contains(is_hidden)), "{:?}", lines);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= 300), "{:?}", lines);
        }
    }

    #[test]
    fn a_change_fits_on_a_line_or_takes_two() {
        let change = |after: &str| PropertyChange {
            path: "TaskDefinition".to_owned(),
            before: Some(json!("old")),
            after: Some(json!(after)),
        };
        assert_eq!(
            drifted("K", vec![change("new")])[1..],
            [r#"      TaskDefinition: recorded "old", now "new""#]
        );
        let long = "n".repeat(70);
        assert_eq!(
            drifted("K", vec![change(&long)])[1..],
            [r#"      TaskDefinition: recorded "old""#.to_owned(), format!(r#"        now "{long}""#)]
        );
    }

    #[test]
    fn a_text_that_is_json_is_shown_path_by_path() {
        let body = |title: &str| Some(json!(format!(r#"{{"widgets":[{{"title":"{title}","x":0}}]}}"#)));
        let change = PropertyChange { path: "DashboardBody".to_owned(), before: body("a"), after: body("b") };
        assert_eq!(
            drifted("K", vec![change])[1..],
            [r#"      DashboardBody.widgets[0].title: recorded "a", now "b""#]
        );
    }

    #[test]
    fn a_property_with_very_many_differences_is_not_shown_whole() {
        let body = |offset: u32| {
            Some(json!(
                json!(
                    (0..50)
                        .map(|at| (format!("k{at:02}"), at + offset))
                        .collect::<std::collections::BTreeMap<_, _>>()
                )
                .to_string()
            ))
        };
        let change = PropertyChange { path: "P".to_owned(), before: body(0), after: body(1) };
        let lines = drifted("K", vec![change]);
        assert_eq!(lines.len(), 1 + DIFFERENCES + 1);
        assert!(lines.last().unwrap().contains("… and 38 more differences"), "{lines:?}");
    }

    #[test]
    fn what_somebody_did_is_undone_by_the_opposite() {
        let (path, item) = ("P".to_owned(), json!("x"));
        let added = Difference::Added { path: path.clone(), item: item.clone() };
        let removed = Difference::Removed { path: path.clone(), item: item.clone() };
        let new = Difference::Changed { path: path.clone(), before: None, after: Some(item.clone()) };
        let changed = Difference::Changed { path, before: Some(json!("y")), after: Some(item) };
        for (found, words) in [
            (vec![removed.clone(), removed.clone()], "added outside of this program; the plan removes it"),
            (vec![added.clone(), new], "removed outside of this program; the plan adds it again"),
            (vec![added, removed], "changed outside of this program; the plan changes it back"),
            (vec![changed], "changed outside of this program; the plan changes it back"),
        ] {
            assert_eq!(undone_of(&found).trim(), words);
        }
    }

    #[test]
    fn a_position_is_a_number_between_brackets() {
        assert!(has_position("A[0].B") && has_position("A[x].B[12]"));
        assert!(!has_position("A[x]") && !has_position("A.0") && !has_position("A[]"));
    }
}
