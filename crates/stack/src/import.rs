//! `import`: objects that exist and that this program did not make are adopted for the resources that declare them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{
    Action, Address, Adoption, Choice, EngineError, ForeignId, Graph, ImportId, Imports, Plan, Report,
    Session, Step, Unfit,
};
use secrets::masked_at;
use serde_json::{Value, json};

use crate::advice::Advisor;
use crate::anchor;
use crate::change::{Ran, ends};
use crate::cli::Import;
use crate::codes::Code;
use crate::config::closest;
use crate::exit::{Exit, Failure};
use crate::failures::{EXPIRED, engine_failure};
use crate::import_file::{self, Wish};
use crate::import_form;
use crate::interruption;
use crate::losses::losses_of;
use crate::output::{Lines, Style, note, print, print_json, tell};
use crate::plan_lines;
use crate::question::{agreed, introduce};
use crate::render::{self, Counts};
use crate::run::{Prepared, Work, nothing_changed};
use crate::signals::Signals;
use crate::stack::Place;
use crate::stores::purpose;
use crate::working::Unfinished;

/// So many slips of the finger are forgiven in an address.
const SLIPS: usize = 4;
/// So many objects are shown with their ids; more are counted.
const SHOWN: usize = 20;

/// Something that cannot be imported: what, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    address: String,
    id: String,
    reason: String,
    hint: Option<String>,
}

impl Refused {
    fn new(wish: &Wish, reason: impl Into<String>, hint: Option<String>) -> Self {
        let Wish { address, id } = wish.clone();
        Self { address, id, reason: reason.into(), hint }
    }

    fn in_one_line(&self) -> String {
        let hint = self.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
        format!("{} = {}: {}{hint}", self.address, self.id, self.reason)
    }
}

/// Whether a live property has what looks like a secret, and what is declared of it has not.
fn has_secret(one: &Adoption, graph: &Graph) -> bool {
    let declared = graph.get(one.address.as_str()).map(|node| &node.properties);
    let has_one = |name: &str, value: &Value| masked_at(name, value) != *value;
    let is_new = |(name, value): (&String, &Value)| {
        let declared = declared.and_then(|properties| properties.get(name));
        has_one(name, value) && !declared.is_some_and(|declared| has_one(name, declared))
    };
    one.recorded().as_object().is_some_and(|properties| properties.iter().any(is_new))
}

/// All of it at once, as one failure.
fn failure(refused: Vec<Refused>, of: usize) -> Failure {
    let coded = |failure: Failure| failure.coded(Code::Import);
    match <[Refused; 1]>::try_from(refused) {
        Ok([Refused { address, id, reason, hint }]) if of == 1 => {
            let failure = Failure::new(Exit::Configuration, format!("{address} cannot adopt {id}: {reason}"));
            coded(Failure { address: Some(address), hint, ..failure })
        }
        refused => {
            let refused = refused.map_or_else(|many| many, Vec::from);
            let message =
                format!("{} of {of} objects cannot be adopted; nothing was recorded", refused.len());
            let causes = refused.iter().map(Refused::in_one_line).collect();
            coded(Failure { causes, ..Failure::new(Exit::Configuration, message) })
        }
    }
}

/// `give the id of the VPC, such as …`.
fn looks_like(form: &ImportId) -> String {
    format!("give {}, such as `{}`", form.words, form.example)
}

impl Work {
    /// The forms of all ids that the declared resources take. Calls nothing.
    fn import_kinds(&self) -> Result<Exit, Failure> {
        let graph = self.declare(&Place::imagined(&self.loaded.config))?;
        let kinds: BTreeMap<&str, &ImportId> =
            graph.nodes().iter().map(|node| (node.kind.as_str(), &node.facts.import)).collect();
        if self.options.json {
            let one = |(kind, form): (&&str, &&ImportId)| {
                let ImportId { parts, words, example } = form;
                json!({ "kind": kind, "parts": parts, "words": words, "example": example })
            };
            return print_json(&kinds.iter().map(one).collect()).map(|()| Exit::Done);
        }
        let mut lines = Lines::new();
        for (kind, form) in kinds {
            lines.styled(Style::Bold, kind).end();
            lines.line(format!("  {}", form.words));
            lines.line(format!("  {}", form.example));
        }
        print(&lines).map(|()| Exit::Done)
    }

    /// What the command line asks for.
    fn wishes(&self, wanted: &Import) -> Result<Vec<Wish>, Failure> {
        if let Some(file) = &wanted.all {
            return import_file::read(file);
        }
        let Some(address) = wanted.address.clone() else {
            return Err(Failure::new(Exit::Usage, "neither a resource nor a file is named")
                .hint("`stack import ADDRESS ID`, or `stack import --all FILE`; `stack import --kinds` shows the forms of ids"));
        };
        if let Some(id) = wanted.id.clone() {
            return Ok(vec![Wish { address, id }]);
        }
        let graph = self.declare(&Place::imagined(&self.loaded.config))?;
        let wish = Wish { address: address.clone(), id: "(no id)".to_owned() };
        match graph.get(&address) {
            None => Err(failure(vec![not_declared(&wish, &graph)], 1)),
            Some(declared) => {
                let message =
                    format!("the id of the object that {address} ({}) adopts is missing", declared.kind);
                Err(Failure::new(Exit::Usage, message).hint(looks_like(&declared.facts.import)))
            }
        }
    }

    pub(crate) async fn import(&self, wanted: &Import, signals: &Signals) -> Result<Exit, Failure> {
        if wanted.kinds {
            return self.import_kinds();
        }
        let wishes = self.wishes(wanted)?;
        // What no call can make right is refused before the first one.
        let imagined = Place::imagined(&self.loaded.config);
        let first = self.declare(&imagined)?;
        let (ids, refused) = parsed(&wishes, &first, &imagined.aws());
        if ids.is_empty() {
            return Err(failure(refused, wishes.len()));
        }
        if let Some(exit) = self.agreed_to_new(None, signals).await?.cancelled() {
            return Ok(exit);
        }
        let everything = Choice::all();
        let Some(prepared) = signals.unless(Box::pin(self.prepare(true, &everything))).await else {
            return Ok(nothing_changed());
        };
        let Prepared { engine, graph, anchors, title, .. } = prepared?;
        let place = aws::Place {
            account_id: title.account.unwrap_or_default(),
            region: title.region,
            ..imagined.aws()
        };
        let (ids, refused) = parsed(&wishes, &graph, &place);
        if ids.is_empty() {
            return Err(failure(refused, wishes.len()));
        }
        let Some(fit) = signals.unless(self.check_store()).await else { return Ok(nothing_changed()) };
        fit?;
        let engine = engine
            .with_cancel(signals.cancel())
            .with_lock_timeout(self.options.lock_timeout)
            .with_purpose(purpose("import"));
        let session = match engine.open().await {
            Err(EngineError::Interrupted) => return Ok(nothing_changed()),
            session => session.map_err(engine_failure)?,
        };
        let asked = Asked { wishes, ids, refused, take_over: wanted.take_over };
        let result = self.import_in(&session, graph, &asked, signals).await;
        ends(&session, result.as_ref().map(Ran::without_run));
        let (head, closed) = session.close_with_head().await;
        let closed = closed.map_err(|error| Failure { exit: Exit::Failed, ..engine_failure(error) });
        let ran = result?;
        let anchored = anchor::write(anchors, &ran, &head, signals).await;
        if ran.report.is_some() {
            note(&format!("journal: {head}"));
        }
        self.tell_what_failed(&ran);
        closed?;
        anchored.map(|_| ran.exit)
    }

    async fn import_in(
        &self,
        session: &Session,
        graph: Arc<Graph>,
        asked: &Asked,
        signals: &Signals,
    ) -> Result<Ran, Failure> {
        let examined = session.examine(Arc::clone(&graph), &asked.ids, asked.take_over).await;
        let imports = match examined {
            Err(EngineError::Interrupted) => return Ok(Ran::whole(nothing_changed(), None)),
            imports => imports.map_err(engine_failure)?,
        };
        let refused = imports.refused.iter().map(|(address, unfit)| asked.refusal(address, unfit, &graph));
        // What is live becomes what is recorded, and secrets never are.
        let secret = imports.adoptions.iter().filter(|one| has_secret(one, &graph));
        let secret = secret.map(|one| asked.with_secret(&one.address));
        let refused: Vec<Refused> = asked.refused.iter().cloned().chain(refused).chain(secret).collect();
        if !refused.is_empty() {
            return Err(failure(refused, asked.wishes.len()));
        }
        self.tell_unchanged(&imports, asked);
        let Some(plan) = &imports.plan else {
            if self.options.json {
                print_json(&data(&imports, asked, None))?;
            }
            return Ok(Ran::whole(Exit::Done, None));
        };
        introduce(&self.options, shown(&imports, plan));
        let what = match imports.adoptions.as_slice() {
            [one] => one.address.to_string(),
            many => format!("these {} objects", many.len()),
        };
        let question = format!("adopt {what} for {}", self.title());
        if let Some(exit) = agreed(&self.options, &question, signals).await?.cancelled() {
            return Ok(Ran::whole(exit, None));
        }
        let report = session.adopt(&imports).await.map_err(engine_failure)?;
        if !report.is_complete() {
            tell(render::report(&report, Advisor::new(&self.loaded)));
        }
        tell(&self.summary_of(&report, plan, &imports));
        if self.options.json {
            print_json(&data(&imports, asked, Some(&report)))?;
        }
        let exit = match (report.interrupted, report.is_complete()) {
            (_, true) => Exit::Done,
            (true, false) => Exit::Interrupted,
            (false, false) => Exit::Failed,
        };
        Ok(Ran::whole(exit, Some(report)))
    }

    fn tell_unchanged(&self, imports: &Imports, asked: &Asked) {
        match imports.unchanged.as_slice() {
            [] => {}
            [one] if imports.adoptions.is_empty() => {
                tell(&format!("nothing to do: {one} has {} already", asked.id_of(one)));
            }
            many if imports.adoptions.is_empty() => {
                tell(&format!("nothing to do: all {} objects are recorded already", many.len()));
            }
            [one] => note(&format!("{one} is recorded already")),
            many => note(&format!("{} of the objects are recorded already", many.len())),
        }
    }

    fn summary_of(&self, report: &Report, plan: &Plan, imports: &Imports) -> String {
        let count = report.done.len();
        let objects = if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        let differs = steps(imports, plan).any(|step| step.is_change());
        let next = match (report.is_complete(), differs) {
            (true, true) => format!("; {} shows what the next run will change", self.command("preview")),
            (true, false) => "; nothing differs from what is declared".to_owned(),
            (false, _) => String::new(),
        };
        format!("Adopted {objects}{next}")
    }

    fn tell_what_failed(&self, ran: &Ran) {
        let Some(report) = &ran.report else { return };
        let again = "run the same import again: what is done stays done";
        match ran.exit {
            Exit::Failed if report.credentials_expired() => tell(&format!("{EXPIRED}, then {again}")),
            Exit::Failed => tell(&format!("Fix the cause above, then {again}")),
            Exit::Interrupted => {
                tell(interruption::summary(report));
                tell(&format!("To resume, {again}"));
            }
            _ => {}
        }
    }
}

/// What somebody asks for, as far as it needs no call.
struct Asked {
    wishes: Vec<Wish>,
    ids: Vec<ForeignId>,
    refused: Vec<Refused>,
    take_over: bool,
}

impl Asked {
    fn id_of(&self, address: &Address) -> &str {
        self.wishes.iter().find(|wish| wish.address == address.as_str()).map_or("", |wish| wish.id.as_str())
    }

    fn with_secret(&self, address: &Address) -> Refused {
        let wish = Wish { address: address.to_string(), id: self.id_of(address).to_owned() };
        let hint = "take it out of the object, and give it to whoever needs it in Secrets Manager; then run this again";
        Refused::new(
            &wish,
            "it has a value that looks like a secret, which is never recorded",
            Some(hint.to_owned()),
        )
    }

    fn refusal(&self, address: &Address, unfit: &Unfit, graph: &Graph) -> Refused {
        let wish = Wish { address: address.to_string(), id: self.id_of(address).to_owned() };
        let form = graph.get(address.as_str()).map(|declared| &declared.facts.import);
        let (mut reason, hint) = (unfit.to_string(), hint(unfit, form));
        if let Unfit::Call(source) = unfit {
            reason = format!("{reason}: {source}");
        }
        Refused::new(&wish, reason, hint)
    }
}

fn hint(unfit: &Unfit, form: Option<&ImportId>) -> Option<String> {
    Some(match unfit {
        Unfit::NotThere => match form {
            Some(form) => format!("look for a slip, the account and the region; {}", looks_like(form)),
            None => "look for a slip, the account and the region".to_owned(),
        },
        Unfit::Owned { .. } => {
            "leave it to its owner, or add --take-over: the next run of its owner may change it or delete it"
                .to_owned()
        }
        Unfit::HasAnother { .. } => {
            "import it for another resource, or let the recorded object go first".to_owned()
        }
        Unfit::Taken { .. } => "an object belongs to one resource".to_owned(),
        Unfit::Pending { .. } => "wait until it is ready, then run again".to_owned(),
        Unfit::Broken { .. } => "repair it first".to_owned(),
        Unfit::Unknown { needs, .. } => format!("import {needs} too, in the same file or first"),
        _ => return None,
    })
}

fn not_declared(wish: &Wish, graph: &Graph) -> Refused {
    let names = graph.nodes().iter().map(|node| node.address.as_str());
    let hint = match closest(&wish.address, names, SLIPS) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "`stack preview --details` names all resources".to_owned(),
    };
    Refused::new(wish, "no resource of this name is declared", Some(hint))
}

/// The ids that have the right form, and the others.
fn parsed(wishes: &[Wish], graph: &Graph, place: &aws::Place) -> (Vec<ForeignId>, Vec<Refused>) {
    let (mut ids, mut refused) = (Vec::new(), Vec::new());
    for wish in wishes {
        let Some(declared) = graph.get(&wish.address) else {
            refused.push(not_declared(wish, graph));
            continue;
        };
        let form = &declared.facts.import;
        if let Err(reason) = import_form::check(form, &wish.id, place) {
            refused.push(Refused::new(wish, reason, Some(looks_like(form))));
            continue;
        }
        match ForeignId::parse(&declared.address, form, &wish.id) {
            Some(id) => ids.push(id),
            None => refused.push(Refused::new(wish, "the id is not whole", Some(looks_like(form)))),
        }
    }
    (ids, refused)
}

/// The steps of the plan that are about what is imported.
fn steps<'a>(imports: &'a Imports, plan: &'a Plan) -> impl Iterator<Item = &'a Step> {
    imports.adoptions.iter().filter_map(|adoption| plan.step(adoption.address.as_str()))
}

/// What is adopted, and what the next `up` does with it.
fn shown(imports: &Imports, plan: &Plan) -> Lines {
    let mut lines = Lines::new();
    let count = imports.adoptions.len();
    lines.line(if count == 1 { "1 object to adopt".to_owned() } else { format!("{count} objects to adopt") });
    for adoption in imports.adoptions.iter().take(SHOWN) {
        lines.add("  ").styled(Style::Green, "+").add(" ").styled(Style::Bold, &adoption.address).add("  ");
        lines.styled(Style::Dim, &adoption.kind).end();
        lines.line(format!("      {}", adoption.id.text()));
    }
    if count > SHOWN {
        lines.line(format!("  … and {} more", count - SHOWN));
    }
    let steps: Vec<&Step> = steps(imports, plan).collect();
    let counts = Counts::of_steps(steps.iter().copied()).text();
    lines.line(format!("the next `up`, of these: {counts}"));
    for step in steps.iter().filter(|step| step.is_change()) {
        lines.append(&plan_lines::one(plan, step, Unfinished::Interrupted));
    }
    lines.append(&losses_of(plan, &steps));
    warn_of_replacements(&mut lines, plan, &steps);
    for step in &steps {
        for warning in step.warnings() {
            lines.add("  ").styled(Style::Loud, format!("WARNING: {} {warning}", step.address)).end();
        }
        for accepted in step.accepted() {
            render::remark(&mut lines, &step.address, accepted);
        }
    }
    if let Some(problem) = &imports.problem {
        lines
            .add("  ")
            .styled(Style::Loud, format!("WARNING: the next `up` is refused as it stands: {problem}"))
            .end();
    }
    lines
}

/// What the next `up` would replace, and how that is avoided.
fn warn_of_replacements(lines: &mut Lines, plan: &Plan, steps: &[&Step]) {
    let replaced: Vec<&&Step> =
        steps.iter().filter(|step| matches!(step.action, Action::Replace { .. })).collect();
    let names: Vec<&str> = replaced.iter().map(|step| step.address.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let text = format!("WARNING: the next `up` replaces, and so deletes: {}", render::some_of(&names, 1));
    lines.add("  ").styled(Style::Loud, text).end();
    let after = replaced.iter().flat_map(|step| &step.changes).filter_map(|change| change.after.as_ref());
    let mut needed = BTreeSet::new();
    after.for_each(|after| plan_lines::refers(after, &mut needed));
    let is_new = |address: &&str| plan.step(address).is_some_and(|step| step.action == Action::Create);
    let needed: Vec<&str> = needed.into_iter().filter(is_new).collect();
    lines.line(match needed.is_empty() {
        true => "  to keep what is there, change the configuration".to_owned(),
        false => format!("  to keep what is there, import as well: {}", render::some_of(&needed, 2)),
    });
}

fn data(imports: &Imports, asked: &Asked, report: Option<&Report>) -> Value {
    let done = |address: &Address| {
        report.is_some_and(|report| report.done.iter().any(|done| done.address == *address))
    };
    let one = |address: &Address| json!({ "address": address, "id": asked.id_of(address) });
    let adopted = imports.adoptions.iter().filter(|one| done(&one.address));
    let next = |step: &Step| {
        let action = match &step.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace { .. } => "replace",
            Action::Delete => "delete",
            Action::Unchanged => "unchanged",
        };
        json!({ "address": step.address, "action": action })
    };
    let next = imports.plan.as_ref().map(|plan| steps(imports, plan).map(next).collect::<Vec<_>>());
    json!({
        "adopted": adopted.map(|adoption| json!({
            "address": adoption.address,
            "kind": adoption.kind,
            "id": adoption.id.text(),
        })).collect::<Vec<_>>(),
        "recorded_already": imports.unchanged.iter().map(one).collect::<Vec<_>>(),
        "next_up": next.unwrap_or_default(),
        "report": report.map(render::report_json),
    })
}
