//! `--only`, `--exclude` and `--replace`: which part of all that there is to do is asked for.

use std::collections::BTreeSet;
use std::str::FromStr;

use clap::Args;
use engine::{Address, Choice, EngineError, Graph, InvalidSelector, PlanError, Selector, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::{Command, Up};
use crate::codes::Code;
use crate::config::closest;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::plans::document::Running;
use crate::plans::file::PlanFile;
use crate::plans::guarding;
use crate::repeat::quoted;
use crate::run::Work;
use crate::stack::Place;

/// A selector as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed(String);

impl FromStr for Typed {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        text.parse::<Selector>().map(|_| Self(text.to_owned()))
    }
}

/// Which part is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Part {
    /// Do only this and what it needs: a tier (vpc), an address (vpc/igw) or a type; * stands for any text (vpc/public-*). Can be
    /// given more than once, and with commas.
    #[arg(long, value_name = "SELECTOR", value_delimiter = ',')]
    pub only: Vec<Typed>,
    /// Leave this out, and what cannot be done without it. Everything that is left out is named.
    #[arg(long, value_name = "SELECTOR", value_delimiter = ',')]
    pub exclude: Vec<Typed>,
}

/// Which part is wanted, and what is to be made anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Chosen {
    /// Which part is wanted.
    #[command(flatten)]
    pub part: Part,
    /// Replace this resource, though it is as declared, with all that follows from that. Can be given more than once.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = Address::new)]
    pub replace: Vec<Address>,
}

/// What was asked for: on the command line, or when a plan was made that is kept in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The selectors of `--only`.
    pub(crate) only: Vec<String>,
    /// The selectors of `--exclude`.
    pub(crate) exclude: Vec<String>,
    /// The addresses of `--replace`.
    pub(crate) replace: Vec<String>,
}

impl Asked {
    /// What a command line asks for.
    pub(crate) fn of(command: &Command) -> Self {
        let texts = |typed: &[Typed]| typed.iter().map(|one| one.0.clone()).collect();
        let part = |part: &Part, replace: &[Address]| Self {
            only: texts(&part.only),
            exclude: texts(&part.exclude),
            replace: replace.iter().map(Address::to_string).collect(),
        };
        match command {
            Command::Up(Up { chosen, .. }) | Command::Preview { chosen, .. } => {
                part(&chosen.part, &chosen.replace)
            }
            Command::Destroy { part: wanted, .. } => part(wanted, &[]),
            _ => Self::default(),
        }
    }

    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// As on the command line, with a space before each.
    pub(crate) fn flags(&self) -> String {
        let lists = [("--only", &self.only), ("--exclude", &self.exclude), ("--replace", &self.replace)];
        let flag = |(name, list): (&str, &Vec<String>)| format!(" {name} {}", quoted(&list.join(",")));
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(flag).collect()
    }

    /// What the engine is asked for. Only text that was not checked, such as that of a file, is an error.
    pub(crate) fn choice(&self, running: Running) -> Result<Choice, Failure> {
        let wrong = |error: &dyn std::error::Error| {
            Failure::from_error(Exit::Configuration, error).hint("nothing was changed").coded(Code::Selection)
        };
        let mut choice = Choice::all().called(format!("{}{}", running.name(), self.flags()));
        for text in &self.only {
            choice = choice.only(text.parse().map_err(|error: InvalidSelector| wrong(&error))?);
        }
        for text in &self.exclude {
            choice = choice.except(text.parse().map_err(|error: InvalidSelector| wrong(&error))?);
        }
        for text in &self.replace {
            choice = choice.replacing(Address::new(text).map_err(|error| wrong(&error))?);
        }
        Ok(choice)
    }

    /// What to ask for once more, to resume a run that ended in the middle: what was replaced already is not replaced again.
    pub(crate) fn again(&self, before: &State, now: &State) -> Self {
        let object = |state: &State, address: &str| state.current(address).map(|object| object.seq);
        let stays = |address: &&String| object(before, address) == object(now, address);
        Self { replace: self.replace.iter().filter(stays).cloned().collect(), ..self.clone() }
    }
}

impl Work {
    /// What is asked for: what the plan in a file was made with, or what the command line says; not both.
    pub(crate) fn asked(&self, kept: Option<&PlanFile>) -> Result<Asked, Failure> {
        let Some(kept) = kept else { return Ok(self.asked.clone()) };
        if self.asked.is_everything() {
            return Ok(kept.plan().selection.as_ref().map(|told| told.asked.clone()).unwrap_or_default());
        }
        let made = match kept.plan().selection.as_ref().map(|told| told.asked.flags()) {
            None => "for everything".to_owned(),
            Some(flags) => format!("with{flags}"),
        };
        let message = format!(
            "{} cannot be used together with a plan in a file",
            self.asked
                .flags()
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        Err(Failure::new(Exit::Usage, message).hint(format!(
            "nothing was changed; {} was made {made}, and runs as it is or not at all",
            kept.path().display()
        )))
    }

    /// Whether all that is named is there, before anything is called.
    pub(crate) async fn check_chosen(&self, running: Running, choice: &Choice) -> Result<(), Failure> {
        if self.asked.is_everything() {
            return Ok(());
        }
        let state = self.recorded().await?;
        let place = Place::imagined(&self.loaded.config).as_recorded_in(&state);
        let graph = guarding(running, self.declare(&place)?);
        choice
            .check(&graph, &state)
            .or_else(|error| match &error {
                // Which zones there are is known only once AWS was asked, and then it is checked again.
                PlanError::NothingSelected { pattern } if is_in_a_zone(pattern, &graph, &state) => Ok(()),
                _ => Err(error),
            })
            .map_err(|error| {
                let meant = meant(&error, &graph, &state, running);
                let failure = engine_failure(EngineError::Plan(error));
                match meant {
                    Some(meant) => failure.hint(format!("did you mean {meant}? Nothing was changed")),
                    None => failure,
                }
            })
    }
}

/// Whether it is an address like others, but for the letter of its zone.
fn is_in_a_zone(pattern: &str, graph: &Graph, state: &State) -> bool {
    let Some((name, zone)) = pattern.rsplit_once('-') else { return false };
    let others = format!("{name}-*").parse::<Selector>();
    let is_zone = zone.len() == 1 && zone.bytes().all(|byte| byte.is_ascii_lowercase());
    is_zone && others.is_ok_and(|others| others.resolve(graph, state).unmatched().is_empty())
}

/// What to do about a choice that cannot be.
pub(crate) fn hint(error: &PlanError) -> Option<String> {
    Some(match error {
        PlanError::NothingSelected { .. } => {
            "nothing was changed; use a tier, an address or a type, where * stands for any text. `stack preview --details` names \
             everything that is declared"
                .to_owned()
        }
        PlanError::NothingLeft => "nothing was changed; exclude less, or select more".to_owned(),
        PlanError::NotRecorded { is_declared: true, .. } => {
            "nothing was changed; `stack up` creates it".to_owned()
        }
        PlanError::NotRecorded { .. } => "nothing was changed; only what `stack up` has made can be replaced".to_owned(),
        PlanError::NotDeclared { .. } => "nothing was changed; `stack up` deletes it".to_owned(),
        PlanError::ReplacementLeftOut { address, .. } => {
            format!("nothing was changed; select {address} as well, or do not replace it")
        }
        PlanError::Excluded { chain } => {
            let excluded = chain.last()?.to.clone();
            format!("nothing was changed; do not exclude {excluded}, or select less")
        }
        _ => return None,
    })
}

/// What may be meant by something that is not there.
fn meant(error: &PlanError, graph: &Graph, state: &State, running: Running) -> Option<String> {
    let all = Selector::all().resolve(graph, state);
    let recorded = |address: &&str| state.current(address).is_some();
    let addresses = || all.addresses().map(Address::as_str);
    match error {
        PlanError::NothingSelected { pattern } => {
            let kinds = graph.nodes().iter().map(|node| node.kind.as_str());
            let kinds: BTreeSet<&str> =
                kinds.chain(state.objects().map(|(_, object)| object.kind.as_str())).collect();
            let tiers: BTreeSet<&str> = all.addresses().map(Address::tier).collect();
            let flag = |text: &str| format!("`{text}`");
            if let Some((tier, rest)) = pattern.split_once('/')
                && !tiers.contains(tier)
                && let Some(tier) = like(tier, tiers.iter().copied())
            {
                let text = format!("{tier}/{rest}");
                let selects = text.parse::<Selector>().ok()?.resolve(graph, state).unmatched().is_empty();
                return selects.then(|| flag(&text));
            }
            let names = tiers.into_iter().chain(addresses()).chain(kinds);
            like(pattern, names).map(flag).or_else(|| called(pattern, addresses()))
        }
        PlanError::NotRecorded { address, is_declared: false } if running == Running::Up => {
            let address = address.as_str();
            like(address, addresses().filter(recorded))
                .map(|name| format!("`{name}`"))
                .or_else(|| called(address, addresses().filter(recorded)))
        }
        _ => None,
    }
}

/// A name that is a slip away.
fn like<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    closest(wrong, names, (wrong.chars().count() / 3).min(3))
}

/// What is called so in some tier.
fn called<'a>(name: &str, addresses: impl Iterator<Item = &'a str>) -> Option<String> {
    let end = format!("/{name}");
    let found: Vec<String> =
        addresses.filter(|address| address.ends_with(&end)).take(3).map(|one| format!("`{one}`")).collect();
    (!found.is_empty()).then(|| found.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(only: &[&str], exclude: &[&str], replace: &[&str]) -> Asked {
        let texts = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Asked { only: texts(only), exclude: texts(exclude), replace: texts(replace) }
    }

    #[test]
    fn flags_are_as_they_can_be_typed_again() {
        assert_eq!(asked(&[], &[], &[]).flags(), "");
        let all = asked(&["vpc", "alb/*"], &["database"], &["ecs/service", "ecs/cluster"]);
        let flags = " --only 'vpc,alb/*' --exclude database --replace ecs/service,ecs/cluster";
        assert_eq!(all.flags(), flags);
    }

    #[test]
    fn a_text_from_a_file_that_selects_nothing_is_an_error() {
        assert!(asked(&["vpc"], &["a/*"], &["a/b"]).choice(Running::Up).is_ok());
        for wrong in [asked(&["a b"], &[], &[]), asked(&[], &[""], &[]), asked(&[], &[], &["A"])] {
            let failure = wrong.choice(Running::Up).unwrap_err();
            assert_eq!((failure.exit, failure.code()), (Exit::Configuration, Code::Selection));
        }
    }

    #[test]
    fn a_slip_and_a_name_without_its_tier_are_recognised() {
        let names = ["database/cluster", "ecs/cluster", "vpc"];
        assert_eq!(like("databse/cluster", names.into_iter()), Some("database/cluster"));
        assert_eq!(like("vcp", names.into_iter()), Some("vpc"));
        assert_eq!(like("zebra", names.into_iter()), None);
        let meant = called("cluster", names.into_iter()).unwrap();
        assert_eq!(meant, "`database/cluster` or `ecs/cluster`");
        assert_eq!(called("zebra", names.into_iter()), None);
    }
}
