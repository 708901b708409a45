//! Anchors: the head of the journal's hash chain, noted where whoever deploys cannot change it.
//!
//! After each run a line is added to a log stream, `PROJECT/ENVIRONMENT`, of a log group that somebody else keeps. What an
//! anchor proves is in [`engine::Inspection::compare`].

use std::time::Duration;

use aws::LogLines;
use engine::{Head, Host as _, Inspection, Proof, SystemHost};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Config;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::note;
use crate::run::Ran;
use crate::signals::Signals;
use crate::target::Cloud;

/// How long writing an anchor may take in all.
const WITHIN: Duration = Duration::from_secs(60);

/// How the record of what was deployed is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateArgs {
    /// A CloudWatch Logs log group, in the account and the region of the stack, that gets a line with the hash of the
    /// journal's last record after each `up` and `destroy`. It must exist. `stack state verify` compares.
    #[schemars(regex(pattern = r"^[.\-_/#A-Za-z0-9]{1,512}$"))]
    pub anchor_log_group: Option<String>,
}

impl StateArgs {
    /// What is wrong with the name of the log group, if something is.
    pub(crate) fn wrong_group(&self) -> Option<String> {
        // LogGroupName in the API model of CloudWatch Logs.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/#".contains(&byte);
        let group = self.anchor_log_group.as_deref()?;
        let good = (1..=512).contains(&group.len()) && group.bytes().all(allowed);
        (!good).then(|| format!("`{group}` is not the name of a log group"))
    }
}

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Anchor {
    /// Milliseconds since the Unix epoch.
    time: u64,
    lineage: String,
    records: u64,
    head: String,
    who: String,
}

impl Anchor {
    fn head(&self) -> Head {
        Head { lineage: self.lineage.clone(), records: self.records, head: self.head.clone() }
    }
}

/// Where the anchors of an environment are.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    lines: LogLines,
    group: String,
    stream: String,
}

impl Anchors {
    /// `None` where the configuration names no log group.
    pub(crate) fn of(config: &Config, environment: &Environment, cloud: &Cloud) -> Option<Self> {
        let group = config.state.anchor_log_group.clone()?;
        let stream = format!("{}/{environment}", config.project);
        Some(Self { lines: LogLines::new(&cloud.context, &group, &stream), group, stream })
    }

    /// Adds the head of a run that has ended.
    async fn write(&self, head: &Head, signals: &Signals) -> Result<(), Failure> {
        let Head { lineage, records, head } = head.clone();
        let time = SystemHost.now_millis();
        let anchor = Anchor { time, lineage, records, head, who: SystemHost.holder() };
        let line = serde_json::to_string(&anchor).expect("a struct of texts and numbers is JSON");
        let failed = |message: String| {
            Failure::new(Exit::Failed, format!("cannot write the anchor to log group {}", self.group))
                .caused_by(message)
                .hint(
                    "the state itself is saved. The log group must exist in this account and region, and the credentials \
                     need logs:CreateLogStream and logs:PutLogEvents on it; the next `stack up` or `stack destroy` \
                     writes an anchor that covers this run too",
                )
        };
        let written = tokio::time::timeout(WITHIN, self.lines.add(time, &line));
        match signals.unless(written).await {
            Some(Ok(written)) => written.map_err(|error| failed(error.to_string())),
            Some(Err(_)) => Err(failed(format!("no answer within {} s", WITHIN.as_secs()))),
            None => Err(failed("interrupted".to_owned())),
        }
    }

    /// Compares all anchors with the state.
    pub(crate) async fn check(&self, state: &Inspection) -> Result<Findings, Failure> {
        let lines = self.lines.all().await.map_err(|error| {
            Failure::from_error(Exit::Failed, &error)
                .context(format!("cannot read the anchors in log group {}", self.group))
                .hint("the credentials need logs:GetLogEvents on the log group")
        })?;
        Ok(Findings::of(&lines.unwrap_or_default(), state))
    }

    /// Where they are, in words.
    pub(crate) fn place(&self) -> String {
        format!("log stream {} of log group {}", self.stream, self.group)
    }
}

/// Anchors the head of a run that has ended; whether that was done, if it was to be.
pub(crate) async fn write(
    anchors: Option<Anchors>,
    ran: &Ran,
    head: &Head,
    signals: &Signals,
) -> Result<Option<bool>, Failure> {
    // Where the plan was not run, nothing was done that is worth a line.
    let Some(anchors) = anchors.filter(|_| ran.report.is_some()) else { return Ok(None) };
    // There may be seconds left until the process is killed.
    if ran.exit == Exit::Interrupted {
        note("interrupted: no anchor was written; the next run writes one that covers this run");
        return Ok(Some(false));
    }
    anchors.write(head, signals).await.map(|()| Some(true))
}

/// What the anchors of a stream say of a state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings {
    /// The newest anchor of this state, and what it proves.
    newest: Option<(Head, Proof)>,
    /// Anchors that the chain contains.
    contained: usize,
    /// Anchors that are older than the journal.
    compacted: usize,
    /// The first anchor that contradicts the state.
    contradiction: Option<(Head, Proof)>,
    /// Anchors of other states.
    others: usize,
    /// Lines that are not anchors.
    unreadable: usize,
}

impl Findings {
    fn of(lines: &[String], state: &Inspection) -> Self {
        let mut findings = Self::default();
        for line in lines {
            let Ok(anchor) = serde_json::from_str::<Anchor>(line) else {
                findings.unreadable += 1;
                continue;
            };
            let head = anchor.head();
            let proof = state.compare(&head);
            match proof {
                Proof::OtherLineage => {
                    findings.others += 1;
                    continue;
                }
                Proof::Contained => findings.contained += 1,
                Proof::Compacted { .. } => findings.compacted += 1,
                Proof::Differs | Proof::Missing => {
                    findings.contradiction.get_or_insert_with(|| (head.clone(), proof));
                }
            }
            findings.newest = Some((head, proof));
        }
        findings
    }

    /// Why the anchors do not confirm the state, if they do not.
    pub(crate) fn problem(&self) -> Option<String> {
        if let Some((head, proof)) = &self.contradiction {
            let records = head.records;
            return Some(match proof {
                Proof::Missing => format!(
                    "record {records} was anchored and is not there: the state is an older copy, or the end of the journal \
                     was cut off"
                ),
                _ => format!(
                    "record {records} is not the one that was anchored ({}): the journal was rewritten",
                    head.head
                ),
            });
        }
        match &self.newest {
            Some((_, Proof::Contained)) => None,
            Some((head, _)) => Some(format!(
                "the newest anchor is of record {}, which the journal no longer has: it was compacted since, so nothing can \
                 be concluded",
                head.records
            )),
            None if self.others > 0 => Some(format!(
                "there is no anchor of this state, but there are {} of other states: it was begun anew, or replaced",
                self.others
            )),
            None => Some("there is no anchor of this state yet, so nothing can be concluded".to_owned()),
        }
    }

    /// What is proved, for a person; nothing where there is a [`problem`](Self::problem).
    pub(crate) fn text(&self) -> String {
        let Some((head, _)) = &self.newest else { return String::new() };
        let count = self.contained;
        let anchors = if count == 1 { "1 anchor".to_owned() } else { format!("{count} anchors") };
        let mut text = format!(
            "{anchors} found in the chain; the newest proves records 1 to {} unchanged",
            head.records
        );
        for (number, what) in [
            (self.compacted, "older than the journal, not compared"),
            (self.others, "of other states"),
            (self.unreadable, "lines that are not anchors"),
        ] {
            if number > 0 {
                text.push_str(&format!("; {number} {what}"));
            }
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "confirmed": self.problem().is_none(),
            "newest": self.newest.as_ref().map(|(head, _)| head),
            "contained": self.contained,
            "compacted": self.compacted,
            "others": self.others,
            "unreadable": self.unreadable,
            "problem": self.problem(),
        })
    }
}
