//! What happens, for other programs, as it happens: a line of JSON each. `docs/events.md` has an example of each.
//!
//! Lines are written by a thread of their own, so that a reader who is slow never holds up a run: one that does not read for long
//! gets its lines late, and at the end of the run is waited for only for a while.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use engine::{Address, Host, Observer, Operation, Plan, Progress, SystemHost};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::codes::Code;
use crate::error_json;
use crate::exit::{Exit, Failure};
use crate::output::{json_line, standard_output, tell};
use crate::plans::document::{Document, Running};
use crate::time::rfc3339;

/// How often it is said that the run is under way.
const BEAT: Duration = Duration::from_secs(10);

/// How long a reader who does not read is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes lines.
type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// The stream of events of one run.
pub(crate) struct Events {
    host: Arc<dyn Host>,
    begun: Instant,
    known: Mutex<Known>,
    writers: Mutex<Vec<Writer>>,
    sinks: Vec<Sink>,
}

/// What was told.
#[derive(Default)]
struct Known {
    sequence: u64,
    /// The kinds of resources, which not every event has.
    kinds: HashMap<Address, String>,
    /// What was said last of what a resource waits for.
    waiting: HashMap<(Address, Option<Operation>), String>,
    running: BTreeMap<(Address, &'static str), Instant>,
    total: usize,
    done: usize,
    failed: usize,
    skipped: usize,
}

/// A thread that writes.
struct Writer {
    lines: Sender<String>,
    ended: Receiver<()>,
    lost: Lost,
}

/// Whether lines are lost.
#[derive(Clone)]
struct Lost {
    /// Where the lines go, in words.
    to: String,
    why: Arc<OnceLock<io::Error>>,
}

impl Writer {
    fn new(to: &str, mut out: impl Write + Send + 'static) -> Self {
        let (lines, to_write) = channel::<String>();
        let (end, ended) = channel();
        let lost = Lost { to: to.to_owned(), why: Arc::default() };
        let Lost { to, why } = lost.clone();
        std::thread::spawn(move || {
            for line in to_write {
                match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
                    Ok(()) => {}
                    // A reader who has gone away does not want the rest.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    // The run goes on: what is under way must come to its end, whoever follows it.
                    Err(error) => {
                        tell(&format!(
                            "warning: cannot write events to {to}: {error}; the run goes on without them"
                        ));
                        let _ = why.set(error);
                        break;
                    }
                }
            }
            // Where nobody waits any more, nobody needs to know.
            let _ = end.send(());
        });
        Self { lines, ended, lost }
    }
}

impl Lost {
    /// That lines are lost, if some are.
    fn failure(&self) -> Option<Failure> {
        let error = self.why.get()?;
        let message = format!("cannot write events to {}: some are lost", self.to);
        Some(
            Failure::new(Exit::Failed, message)
                .caused_by(error.to_string())
                .hint("what the run did is on standard error and in the journal; mend what the cause says before the next run")
                .coded(Code::Output),
        )
    }
}

impl Events {
    /// The events of a command that changes something, if somebody wants them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn wanted(json: bool, file: Option<&Path>) -> Result<Option<Arc<Self>>, Failure> {
        let mut writers = Vec::new();
        if json {
            writers.push(Writer::new("standard output", standard_output()));
        }
        if let Some(path) = file {
            let opened = files::begin_named(path).map_err(|error| {
                Failure::from_error(Exit::Failed, &error)
                    .context(format!("cannot write events to {}", path.display()))
                    .hint("nothing was changed")
            })?;
            writers.push(Writer::new(&path.display().to_string(), opened));
        }
        let events = Self {
            host: Arc::new(SystemHost),
            begun: Instant::now(),
            known: Mutex::default(),
            writers: Mutex::new(writers),
            sinks: Vec::new(),
        };
        let is_wanted = !events.writers().is_empty();
        Ok(is_wanted.then(|| Arc::new(events)))
    }

    /// Events that somebody takes at once.
    #[cfg(test)]
    fn to(host: Arc<dyn Host>, sink: Sink) -> Arc<Self> {
        Arc::new(Self {
            host,
            begun: Instant::now(),
            known: Mutex::default(),
            writers: Mutex::default(),
            sinks: vec![sink],
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each event is counted and written in one step, so a panic elsewhere leaves it whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writers(&self) -> MutexGuard<'_, Vec<Writer>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of something, with these members.
    pub(crate) fn tell(&self, event: &str, members: Value) {
        self.write(&mut self.known(), event, members);
    }

    /// Under the lock, so that lines stand in the order of their numbers.
    fn write(&self, known: &mut Known, event: &str, members: Value) {
        known.sequence += 1;
        let mut line = Map::new();
        line.insert("format_version".to_owned(), Progress::FORMAT_VERSION.into());
        line.insert("sequence".to_owned(), known.sequence.into());
        line.insert("time".to_owned(), rfc3339(self.host.now_millis()).into());
        line.insert("event".to_owned(), event.into());
        if let Value::Object(members) = members {
            line.extend(members.into_iter().filter(|(name, _)| name != "event"));
        }
        let text = json_line(&Value::Object(line));
        self.sinks.iter().for_each(|sink| sink(&text));
        // One whose reader has gone away takes no more.
        self.writers().iter().for_each(|writer| drop(writer.lines.send(text.clone())));
    }

    /// The run begins.
    pub(crate) fn run_started(&self, command: Running, program: &str, version: &str, environment: &str) {
        self.tell(
            "run_started",
            json!({
                "command": command,
                "program": program,
                "version": version,
                "environment": environment,
            }),
        );
    }

    /// There is a plan, which is about to be run.
    pub(crate) fn planned(&self, plan: &Plan, document: &Document, file: Option<&Path>) {
        let mut known = self.known();
        known.kinds = plan.steps().iter().map(|step| (step.address.clone(), step.kind.clone())).collect();
        let members = json!({
            "plan_file": file.map(|path| path.display().to_string()),
            "empty": document.empty,
            "summary": document.summary,
            "typical_seconds": document.typical_seconds,
            "losses": document.losses,
            "warnings": document.warnings,
            "selection": document.selection,
            "left_out_before": document.left_out_before,
        });
        self.write(&mut known, "planned", members);
    }

    /// Something that a person is told too.
    pub(crate) fn note(&self, text: &str) {
        self.tell("note", json!({ "text": text }));
    }

    /// That the run is under way, with what it is at.
    fn beat(&self) {
        let mut known = self.known();
        let now = Instant::now();
        let running: Vec<Value> = known
            .running
            .iter()
            .map(|((address, action), since)| {
                let waits = known.waiting.iter().find(|((at, operation), _)| {
                    at == address && operation.is_some_and(|operation| operation.to_string() == *action)
                });
                json!({
                    "address": address,
                    "action": action,
                    "seconds": now.duration_since(*since).as_secs(),
                    "waiting_for": waits.map(|(_, on)| on),
                })
            })
            .collect();
        let members = json!({
            "elapsed_seconds": now.duration_since(self.begun).as_secs(),
            "total": known.total,
            "done": known.done,
            "failed": known.failed,
            "skipped": known.skipped,
            "running": running,
        });
        self.write(&mut known, "heartbeat", members);
    }

    /// Tells that the run is under way, until what is returned is dropped.
    pub(crate) fn beating(self: &Arc<Self>) -> Beating {
        let events = Arc::clone(self);
        Beating(tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                events.beat();
            }
        }))
    }

    /// The run has ended so. Nothing is told after that. A run that did what it should has failed all the same if its events are
    /// lost: whoever follows it takes it for unfinished.
    pub(crate) fn ended(&self, ended: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let lost = || self.writers().iter().find_map(|writer| writer.lost.failure());
        let ended = ended.and_then(|exit| lost().filter(|_| exit == Exit::Done).map_or(Ok(exit), Err));
        let exit = match &ended {
            Ok(exit) => *exit,
            Err(failure) => {
                self.tell("error", error_json::members(failure));
                failure.exit
            }
        };
        let seconds = self.begun.elapsed().as_secs();
        self.tell("run_ended", json!({ "exit_code": exit as u8, "elapsed_seconds": seconds }));
        let mut failed = None;
        for Writer { lines, ended, lost } in self.writers().drain(..) {
            drop(lines);
            // Whoever has not read it all by then does not read.
            if ended.recv_timeout(PATIENCE).is_err() {
                tell(&format!("warning: nobody reads the events from {}: the last ones are lost", lost.to));
            }
            failed = failed.or_else(|| lost.failure());
        }
        // The last lines may be the ones that are lost.
        ended.and_then(|exit| failed.filter(|_| exit == Exit::Done).map_or(Ok(exit), Err))
    }
}

/// As long as it lives, the run tells that it does.
pub(crate) struct Beating(JoinHandle<()>);

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}

impl Observer for Events {
    fn observe(&self, progress: &Progress) {
        let mut known = self.known();
        let mut end = |address: &Address, operation: Operation| {
            known.running.remove(&(address.clone(), name(operation)));
            known.waiting.remove(&(address.clone(), Some(operation)));
        };
        let mut of = None;
        match progress {
            Progress::Begun { total } => known.total = *total,
            Progress::Started { address, operation, kind, .. } => {
                known.running.insert((address.clone(), name(*operation)), Instant::now());
                known.kinds.insert(address.clone(), kind.clone());
            }
            Progress::Waiting { address, operation, on, .. } => {
                of = Some(address);
                // What is looked at again and again is told when it changes; heartbeats tell that it goes on.
                let last = known.waiting.insert((address.clone(), *operation), on.clone());
                if last.as_ref() == Some(on) {
                    return;
                }
            }
            Progress::Done { address, operation, .. } => {
                end(address, *operation);
                known.done += 1;
                of = Some(address);
            }
            Progress::Failed { address, operation, .. } => {
                end(address, *operation);
                known.failed += 1;
                of = Some(address);
            }
            Progress::Left { address, operation } => {
                end(address, *operation);
                of = Some(address);
            }
            Progress::Skipped { address, .. } => {
                known.skipped += 1;
                of = Some(address);
            }
            Progress::Settled { address, .. } => of = Some(address),
            _ => {}
        }
        let mut members = serde_json::to_value(progress).unwrap_or_default();
        let event = members["event"].as_str().unwrap_or_default().to_owned();
        if let Some(kind) = of.and_then(|address| known.kinds.get(address)) {
            members["kind"] = kind.as_str().into();
        }
        self.write(&mut known, &event, members);
    }
}

/// Tells two.
pub(crate) struct Both(pub(crate) Arc<dyn Observer>, pub(crate) Arc<dyn Observer>);

impl Observer for Both {
    fn observe(&self, progress: &Progress) {
        self.0.observe(progress);
        self.1.observe(progress);
    }
}

#[cfg(test)]
mod tests {
    use engine::{ErrorClass, Resolved, Resource as _, TestHost};

    use super::*;

    const NAT_GATEWAY: &str = vpc::resources::NatGateway::<Resolved>::KIND;

    type Told = Arc<Mutex<Vec<Value>>>;

    fn listening() -> (Arc<Events>, Told) {
        let told = Told::default();
        let heard = Arc::clone(&told);
        let sink: Sink = Box::new(move |line: &str| {
            assert!(line.ends_with('\n') && line.lines().count() == 1, "{line:?}");
            heard.lock().unwrap().push(serde_json::from_str(line).unwrap());
        });
        let host = TestHost::new("here", 1, Instant::now());
        (Events::to(Arc::new(host), sink), told)
    }

    fn at(address: &str) -> Address {
        Address::new(address).unwrap()
    }

    fn started(address: &str) -> Progress {
        Progress::Started {
            address: at(address),
            kind: "K".to_owned(),
            operation: Operation::Create,
            typical: Duration::from_secs(60),
            remaining: Duration::from_secs(90),
        }
    }

    fn waiting(address: &str, on: &str) -> Progress {
        let (operation, refused) = (Some(Operation::Create), Some(ErrorClass::NotYet));
        Progress::Waiting { address: at(address), operation, on: on.to_owned(), refused }
    }

    fn done(address: &str) -> Progress {
        let took = Duration::from_secs(12);
        Progress::Done { address: at(address), operation: Operation::Create, adopted: false, took }
    }

    #[tokio::test(start_paused = true)]
    async fn each_line_has_version_number_and_time_and_what_is_done_has_its_kind() {
        let (events, told) = listening();
        events.run_started(Running::Up, "stack", "1.2.3", "dev");
        tokio::time::advance(Duration::from_millis(1500)).await;
        events.observe(&started("t/a"));
        events.observe(&done("t/a"));
        events.observe(&Progress::Failed {
            address: at("t/a"),
            operation: Operation::Delete,
            reason: "a\nb\u{1b}".to_owned(),
        });
        let _ = events.ended(Err(Failure::new(Exit::Configuration, "wrong").hint("mend it")));
        let told = told.lock().unwrap();
        let sequence: Vec<u64> = told.iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequence, [1, 2, 3, 4, 5, 6]);
        assert!(told.iter().all(|line| line["format_version"] == "1.0"));
        assert_eq!(told[0]["time"], "2027-01-15T08:00:00Z");
        assert_eq!(told[1]["time"], "2027-01-15T08:00:01.5Z");
        let events: Vec<&str> = told.iter().map(|line| line["event"].as_str().unwrap()).collect();
        let wanted =
            ["run_started", "resource_started", "resource_done", "resource_failed", "error", "run_ended"];
        assert_eq!(events, wanted);
        assert_eq!((&told[2]["kind"], &told[2]["seconds"]), (&json!("K"), &json!(12.0)));
        assert_eq!((&told[3]["kind"], &told[3]["reason"]), (&json!("K"), &json!("a\nb\u{1b}")));
        assert_eq!((&told[4]["message"], &told[4]["hint"]), (&json!("wrong"), &json!("mend it")));
        assert_eq!(told[5]["exit_code"], 65);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_told_when_it_changes_and_heartbeats_say_that_it_goes_on() {
        let (events, told) = listening();
        let beating = events.beating();
        events.observe(&Progress::Begun { total: 3 });
        events.observe(&started("t/a"));
        events.observe(&started("t/b"));
        events.observe(&done("t/b"));
        for second in 0..25 {
            events.observe(&waiting("t/a", if second < 20 { "pending" } else { "almost" }));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        events.observe(&done("t/a"));
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop(beating);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let told = told.lock().unwrap();
        let of = |event: &str| -> Vec<&Value> { told.iter().filter(|line| line["event"] == event).collect() };
        let waits: Vec<&str> =
            of("resource_waiting").iter().map(|line| line["waiting_for"].as_str().unwrap()).collect();
        assert_eq!(waits, ["pending", "almost"]);
        let beats = of("heartbeat");
        let elapsed: Vec<&Value> = beats.iter().map(|beat| &beat["elapsed_seconds"]).collect();
        assert_eq!(elapsed, [10, 20, 30], "every ten seconds, and none after the end");
        let running = json!([
            { "address": "t/a", "action": "create", "seconds": 10, "waiting_for": "pending" }
        ]);
        assert_eq!(
            (&beats[0]["running"], &beats[0]["done"], &beats[0]["total"]),
            (&running, &json!(1), &json!(3))
        );
        assert_eq!((&beats[2]["running"], &beats[2]["done"]), (&json!([]), &json!(2)));
    }

    /// Everything that is told without a plan, and what comes of it is in `docs/events.md`, word by word. What a plan is needed for
    /// is compared in the tests of the program. `STACK_TRANSCRIPTS=write` writes the examples anew.
    #[tokio::test(start_paused = true)]
    async fn the_documentation_has_each_event_as_it_is_told() {
        let (events, told) = listening();
        let (address, operation) = (|| at("vpc/nat-a"), Operation::Create);
        events.known().kinds.insert(address(), NAT_GATEWAY.to_owned());
        events.run_started(Running::Up, "stack", "0.1.0", "prod");
        for progress in [
            Progress::WaitingForLock {
                holder: "ada@earth, process 4711".to_owned(),
                awaited: engine::Awaited::Release,
                left: Duration::from_secs(600),
            },
            Progress::Settled { address: address(), operation, took_effect: true },
            Progress::Begun { total: 42 },
            Progress::Started {
                address: address(),
                kind: NAT_GATEWAY.to_owned(),
                operation,
                typical: Duration::from_secs(100),
                remaining: Duration::from_secs(600),
            },
            Progress::Waiting {
                address: address(),
                operation: Some(operation),
                on: "pending".to_owned(),
                refused: None,
            },
        ] {
            events.observe(&progress);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        events.beat();
        tokio::time::advance(Duration::from_millis(2500)).await;
        for progress in [
            Progress::Done {
                address: address(),
                operation,
                adopted: false,
                took: Duration::from_millis(12_500),
            },
            Progress::Failed {
                address: address(),
                operation,
                reason: "CreateNatGateway: NatGatewayLimitExceeded: the limit is 5 (request 4f2c…)"
                    .to_owned(),
            },
            Progress::Skipped { address: at("vpc/private-route-a"), operation, because: address() },
            Progress::Stopping { calls: 3 },
            Progress::Left { address: address(), operation },
            Progress::Ended,
            Progress::SessionDropped,
        ] {
            events.observe(&progress);
        }
        events.note("vpc/vpc is not as it was");
        let _ = events
            .ended(Err(Failure::new(Exit::Configuration, "what failed").caused_by("why").hint("what to do")));

        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let name = |line: &str| -> Option<String> {
            let example: Value = line.starts_with('{').then(|| serde_json::from_str(line).ok())??;
            Some(example["event"].as_str()?.to_owned())
        };
        let told = told.lock().unwrap();
        let of = |event: &str| told.iter().find(|line| line["event"] == event);
        let lines = text.lines().map(|line| {
            let is = name(line).and_then(|event| of(&event).map(json_line));
            is.map_or_else(|| line.to_owned(), |line| line.trim_end().to_owned())
        });
        let wanted = lines.collect::<Vec<_>>().join("\n") + "\n";
        if std::env::var_os("STACK_TRANSCRIPTS").is_some_and(|wish| wish == "write") {
            std::fs::write(&path, &wanted).unwrap();
        } else {
            assert_eq!(text, wanted);
        }
        let documented: Vec<String> = text.lines().filter_map(name).collect();
        for line in told.iter() {
            let event = line["event"].as_str().unwrap();
            assert_eq!(documented.iter().filter(|name| *name == event).count(), 1, "{event}");
        }
    }

    #[test]
    fn a_reader_who_does_not_read_holds_up_nobody() {
        struct Full(std::sync::mpsc::Receiver<()>);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                // Until the test lets go.
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (release, full) = channel();
        let writer = Writer::new("a pipe", Full(full));
        for number in 0..10_000 {
            writer.lines.send(format!("{number}\n")).unwrap();
        }
        drop(release);
        drop(writer.lines);
        writer.ended.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}
