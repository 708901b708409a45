//! Anchors: the head of the journal's hash chain, noted where whoever deploys cannot change it.
//!
//! After each run a line is added to a log stream, `PROJECT/ENVIRONMENT`, of a log group that somebody else keeps. What an
//! anchor proves is in [`engine::Inspection::compare`].

use std::time::Duration;

use aws::LogLines;
use engine::{EngineError, Head, Host as _, Inspection, Proof, Store, SystemHost, inspect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::change::Ran;
use crate::codes::Code;
use crate::config::Config;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::note;
use crate::signals::Signals;
use crate::target::Cloud;

/// How long writing an anchor may take in all.
const WITHIN: Duration = Duration::from_secs(60);

/// How long an anchor is looked for that may have been written a moment ago. CloudWatch Logs shows a line some seconds after it
/// took it, and promises nothing.
pub(crate) const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// How long to wait before the next look for it.
const LOOK_EVERY: Duration = Duration::from_secs(2);

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
    pub(crate) async fn write(&self, head: &Head, signals: &Signals) -> Result<(), Failure> {
        let Head { lineage, records, head } = head.clone();
        let time = SystemHost.now_millis();
        let anchor = Anchor { time, lineage, records, head, who: SystemHost.holder() };
        let line = serde_json::to_string(&anchor).expect("a struct of texts and numbers is JSON");
        let failed = |message: String| {
            Failure::new(Exit::Failed, format!("cannot write the anchor to log group {}", self.group))
                .coded(Code::Anchor)
                .caused_by(message)
                .hint(
                    "the state itself is saved. The log group must exist in this account and region, and the credentials \
                     need logs:CreateLogStream and logs:PutLogEvents on it; the next `up` or `destroy` \
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

    /// Compares all anchors with the state; `None` if there is no state. If no anchor confirms it and none contradicts it, one
    /// may have been written a moment ago and not be shown yet: it is looked for again for `patience`.
    pub(crate) async fn check(
        &self,
        store: &dyn Store,
        patience: Duration,
    ) -> Result<Option<(Inspection, Findings)>, Failure> {
        let begun = Instant::now();
        let mut told = false;
        loop {
            // The anchors come first: a run that ends between the two reads has recorded what its anchor says before.
            let lines = self.read().await?;
            let inspected = inspect(store).await;
            let Some(state) = inspected.map_err(|error| engine_failure(EngineError::Journal(error)))? else {
                return Ok(None);
            };
            let findings = Findings::of(&lines, &state);
            let left = patience.saturating_sub(begun.elapsed());
            if !findings.may_change() || left.is_zero() {
                return Ok(Some((state, findings)));
            }
            if !std::mem::replace(&mut told, true) {
                note(&format!(
                    "no anchor of this state is visible yet: a new one is shown some seconds after it was written; looking \
                     again for up to {} s",
                    left.as_secs()
                ));
            }
            sleep(LOOK_EVERY.min(left)).await;
        }
    }

    async fn read(&self) -> Result<Vec<String>, Failure> {
        let lines = self.lines.all().await.map_err(|error| {
            Failure::from_error(Exit::Failed, &error)
                .coded(Code::Anchor)
                .context(format!("cannot read the anchors in log group {}", self.group))
                .hint("allow the credentials logs:GetLogEvents on the log group")
        })?;
        Ok(lines.unwrap_or_default())
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
    /// The anchor of this state with the most records, and what it proves.
    newest: Option<(Head, Proof)>,
    /// Records after the newest anchor.
    uncovered: u64,
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
            // The lines are in the order of the clocks of the machines that wrote them, which may differ.
            if findings.newest.as_ref().is_none_or(|(newest, _)| newest.records <= head.records) {
                findings.uncovered = state.head.records.saturating_sub(head.records);
                findings.newest = Some((head, proof));
            }
        }
        findings
    }

    /// Whether an anchor that is not shown yet could turn the answer into a better one.
    fn may_change(&self) -> bool {
        let is_confirmed = matches!(self.newest, Some((_, Proof::Contained)));
        self.contradiction.is_none() && !is_confirmed
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
            None => Some("no anchor of this state is visible yet, so nothing can be concluded".to_owned()),
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
        match self.uncovered {
            0 => {}
            1 => text.push_str(", and the one after them is not covered by an anchor yet"),
            more => text.push_str(&format!(", and the {more} after them are not covered by an anchor yet")),
        }
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
            "uncovered": self.uncovered,
            "contained": self.contained,
            "compacted": self.compacted,
            "others": self.others,
            "unreadable": self.unreadable,
            "problem": self.problem(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use aws::{Account, Context, Identity};
    use aws_config::Region;
    use emulator::{Builder, Call, Emulator, Layer, Next, Reply};
    use engine::{Engine, MemoryStore, Registry};

    use super::*;

    /// When the clock of a new account begins.
    const NOW: u64 = 1_767_225_600_000;

    /// A state in memory, and the log stream with its anchors.
    struct Place {
        anchors: Anchors,
        store: MemoryStore,
    }

    async fn place(emulated: Builder) -> Place {
        let sdk = crate::embedded(&emulated.in_memory(), Region::new("eu-central-1"));
        let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
        let account = Account { id: emulator::ACCOUNT_ID.to_owned(), partition: "aws".to_owned() };
        let context = Context::from_config(&sdk, identity, account).unwrap();
        context.logs().create_log_group().log_group_name("g").send().await.unwrap();
        let (group, stream) = ("g".to_owned(), "payment/dev".to_owned());
        let anchors = Anchors { lines: LogLines::new(&context, &group, &stream), group, stream };
        Place { anchors, store: MemoryStore::new() }
    }

    /// What a run without changes records.
    async fn run(store: &MemoryStore) -> Head {
        let engine = Engine::new(Arc::new(Registry::new(())), Arc::new(store.clone()));
        let session = engine.open().await.unwrap();
        let head = session.head();
        session.close().await.unwrap();
        head
    }

    impl Place {
        async fn anchor(&self, head: &Head, time: u64) {
            let Head { lineage, records, head } = head.clone();
            let anchor = Anchor { time, lineage, records, head, who: "ada".to_owned() };
            self.anchors.lines.add(time, &serde_json::to_string(&anchor).unwrap()).await.unwrap();
        }

        async fn check(&self) -> Findings {
            self.anchors.check(&self.store, SHOWN_WITHIN).await.unwrap().unwrap().1
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_anchor_that_is_shown_late_is_waited_for_and_one_that_never_comes_is_not_for_long() {
        let place = place(Emulator::builder().latency(1.0)).await;
        let head = run(&place.store).await;
        let begun = Instant::now();
        let problem = place.check().await.problem().unwrap();
        assert_eq!(problem, "no anchor of this state is visible yet, so nothing can be concluded");
        assert!(begun.elapsed() < SHOWN_WITHIN + Duration::from_secs(5), "{:?}", begun.elapsed());
        place.anchor(&head, NOW).await;
        assert_eq!(place.anchors.read().await.unwrap(), [""; 0]);
        let findings = place.check().await;
        assert_eq!((findings.problem(), findings.contained, findings.uncovered), (None, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn records_after_the_newest_anchor_are_said_to_be_uncovered_at_once() {
        let place = place(Emulator::builder()).await;
        place.anchor(&run(&place.store).await, NOW).await;
        let (first, last) = (run(&place.store).await.records, run(&place.store).await.records);
        assert_eq!(last, first + 1);
        let begun = Instant::now();
        let findings = place.check().await;
        assert_eq!((findings.problem(), findings.uncovered), (None, 2));
        let expected = format!(
            "1 anchor found in the chain; the newest proves records 1 to {} unchanged, and the 2 after them are not covered \
             by an anchor yet",
            last - 2
        );
        assert_eq!(findings.text(), expected);
        assert!(begun.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_anchor_is_the_one_with_the_most_records_whatever_the_clocks_said() {
        let place = place(Emulator::builder()).await;
        let (first, second) = (run(&place.store).await, run(&place.store).await);
        // The machine of the second run is behind.
        place.anchor(&first, NOW).await;
        place.anchor(&second, NOW - 90_000).await;
        let findings = place.check().await;
        assert_eq!(findings.newest, Some((second, Proof::Contained)));
        assert_eq!((findings.contained, findings.uncovered), (2, 0));
    }

    /// A run that ends, once, while the anchors are being read.
    struct EndsMeanwhile {
        store: MemoryStore,
        place: Arc<Mutex<Option<Place>>>,
    }

    #[async_trait]
    impl Layer for EndsMeanwhile {
        async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
            let ending = match call.operation.as_str() {
                "GetLogEvents" => self.place.lock().unwrap().take(),
                _ => None,
            };
            if let Some(place) = ending {
                place.anchor(&run(&self.store).await, NOW).await;
            }
            next.run(call).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_ends_between_the_two_reads_is_not_taken_for_an_older_copy() {
        let (store, meanwhile) = (MemoryStore::new(), Arc::default());
        let layer = EndsMeanwhile { store: store.clone(), place: Arc::clone(&meanwhile) };
        let place = Place { store: store.clone(), ..place(Emulator::builder().layer(layer)).await };
        place.anchor(&run(&store).await, NOW).await;
        *meanwhile.lock().unwrap() = Some(Place { anchors: place.anchors.clone(), store });
        let findings = place.check().await;
        assert_eq!((findings.problem(), findings.contained, findings.uncovered), (None, 2, 0));
    }
}
