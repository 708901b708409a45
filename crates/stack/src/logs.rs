//! `stack logs`: prints what is in the log groups of the environment, and follows them.
//!
//! Events are what other programs wrote. They are shown to whoever asks, and kept nowhere: neither in the state, nor in the journal,
//! nor in events of runs.

mod asked;
mod shown;
mod sources;
mod tail;

use aws::LogEvents;
use engine::{CallError, ErrorClass, Host as _, SystemHost};

use self::shown::Shown;
use self::tail::{POLL, Tail};
use crate::advice::Advisor;
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{note, offer, tell};
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::time::rfc3339;

pub use asked::{Pattern, ReadLogs, Since};
pub use sources::LogSource;

/// A log group that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    source: LogSource,
    name: String,
    /// The key that encrypts it, as it is recorded.
    key: Option<String>,
}

impl Work {
    /// Prints log events. Changes nothing and takes no lock.
    pub(crate) async fn logs(&self, wanted: &ReadLogs, signals: &Signals) -> Result<Exit, Failure> {
        match signals.unless(Box::pin(self.print_logs(wanted))).await {
            Some(printed) => printed.map(|()| Exit::Done),
            // There is no other way to end it.
            None if wanted.follow => Ok(Exit::Done),
            None => Ok(nothing_changed()),
        }
    }

    async fn print_logs(&self, wanted: &ReadLogs) -> Result<(), Failure> {
        let since = wanted.since.millis(SystemHost.now_millis());
        check_limit(wanted, since)?;
        let group = self.group(wanted.source).await?;
        let cloud = self.connect().await?;
        let pattern = wanted.filter.as_ref().map(|pattern| pattern.as_str().to_owned());
        let events = LogEvents::new(&cloud.context, &group.name, pattern);
        // The names of log groups are the same in every account: the state says in which one they are meant.
        self.engine(cloud).await?.state().await.map_err(engine_failure)?;

        if wanted.filter.as_ref().is_some_and(Pattern::ignores_optional) {
            tell(
                "warning: CloudWatch Logs ignores terms with `?` when others have none: put `?` before all terms, or before none",
            );
        }
        if wanted.follow {
            note(&format!(
                "following log group {}: new events are looked for every {} s; Ctrl-C ends it",
                group.name,
                POLL.as_secs()
            ));
        }
        let failed = |error| failed(error, &group, wanted);
        let mut shown = Shown::new(&group, self.options.json);
        let mut tail = Tail::new(events, &SystemHost, since, wanted.follow);
        if let Some(count) = wanted.limit {
            let last = tail.last(count).await.map_err(failed)?;
            if !offer(&shown.all(&last))? {
                return Ok(());
            }
        }
        while let Some(fresh) = tail.next().await.map_err(failed)? {
            // Where nobody reads any more, nobody wants the rest.
            if !offer(&shown.all(&fresh))? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The log group of a source, as it is recorded.
    async fn group(&self, source: LogSource) -> Result<Group, Failure> {
        let state = self.recorded().await?;
        if state.is_empty() {
            return Err(self.nothing_deployed());
        }
        source.group(&state).ok_or_else(|| {
            let message = format!("{}: no `{}` logs in this environment", self.title(), source.name());
            let others: Vec<&str> =
                LogSource::all().filter(|other| other.group(&state).is_some()).map(LogSource::name).collect();
            let others = match others.as_slice() {
                [] => "no other logs are available".to_owned(),
                some => format!("available: {}", some.join(", ")),
            };
            let hint = format!("{}; {others}", source.how_to_get());
            Failure::new(Exit::Configuration, message).hint(hint).coded(Code::NothingRecorded)
        })
    }
}

/// The newest events can be asked for only since some date.
fn check_limit(wanted: &ReadLogs, since: u64) -> Result<(), Failure> {
    let earliest = LogEvents::NEWEST_FIRST_SINCE;
    if wanted.limit.is_none() || since >= earliest {
        return Ok(());
    }
    let message = format!(
        "--limit cannot be used with --since {}: CloudWatch Logs finds the newest events only since {}",
        wanted.since,
        rfc3339(earliest)
    );
    Err(Failure::new(Exit::Usage, message).hint("leave out --limit, or give a later time"))
}

/// A call failed.
fn failed(error: CallError, group: &Group, wanted: &ReadLogs) -> Failure {
    let Group { name, key, .. } = group;
    let failure = Failure::from_error(Exit::Failed, &error).context(format!("cannot read log group {name}"));
    let advice = Advisor::default().of_call(&error, Some((group.source.tier(), group.source.kind())));
    match (error.class, &wanted.filter) {
        (ErrorClass::NotFound, _) => failure
            .coded(Code::Changed)
            .hint("the log group was deleted outside stack, with its logs: `stack up` creates an empty one"),
        // CloudWatch Logs answers so, too, if it cannot use the key.
        (ErrorClass::Denied, _) => {
            let failure = advice.on(failure);
            let hint = failure.hint.clone().unwrap_or_default();
            match key {
                Some(key) => failure.hint(format!(
                    "{hint}. The logs are encrypted with {key}: if it is disabled, or its policy does not let CloudWatch Logs use it, \
                     nobody can read them; `stack refresh` shows that"
                )),
                None => failure,
            }
        }
        (ErrorClass::Invalid, Some(pattern)) => {
            let hint = format!(
                "the filter pattern was {}: see \"Filter pattern syntax\" in the CloudWatch Logs User Guide",
                pattern.as_str()
            );
            Failure { exit: Exit::Usage, ..failure.hint(hint).coded(Code::CommandLine) }
        }
        _ => advice.on(failure),
    }
}
