//! `stack bootstrap`: the bucket for states, made as it must be. Nothing is recorded of it: each step can be done again, so a run
//! that was killed is run again.

use std::time::Duration;

use engine::{Backoff, Pace};
use s3_store::{BucketError, BucketWish, Change, Look, StateBucket, Unfit};
use serde_json::json;

use crate::cli::{Bootstrap, Target};
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, note, print, print_json, tell};
use crate::question::{agreed, introduce};
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::stores::{StateIn, code_of_s3, exit_of, unfit};
use crate::target;

/// How often it is looked whether S3 shows what was set, and how long.
const PACE: Pace = Pace { first: Duration::from_secs(1), factor: 2.0, longest: Duration::from_secs(8) };
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// A bucket, before anything is changed.
struct Seen {
    state: StateIn,
    wish: BucketWish,
    bucket: StateBucket,
    look: Look,
}

impl Seen {
    fn title(&self) -> String {
        format!("bucket {} ({})", self.wish.name, self.wish.region)
    }

    /// Whether there is something to do.
    fn is_due(&self) -> bool {
        !self.look.exists || !self.look.changes.is_empty()
    }
}

impl Work {
    pub(crate) async fn bootstrap(&self, wanted: Bootstrap, signals: &Signals) -> Result<Exit, Failure> {
        if self.options.target == Target::Embedded {
            return Err(Failure::new(
                Exit::Usage,
                "there is no bucket to make: the embedded AWS keeps its state in the state directory",
            )
            .hint("for the bucket on real AWS, add --target aws")
            .coded(Code::CommandLine));
        }
        let Some(seen) = signals.unless(self.look_at_bucket(wanted)).await else {
            return Ok(nothing_changed());
        };
        let seen = seen?;
        let is_due = seen.is_due();
        // Not in the middle of work that a signal drops: an answer settles the question.
        if is_due {
            let verb = if seen.look.exists { "change" } else { "make" };
            let answer = agreed(&self.options, &format!("{verb} {}", seen.title()), signals).await?;
            if let Some(exit) = answer.cancelled() {
                return Ok(exit);
            }
        }
        match signals.unless(self.make_bucket(seen, wanted)).await {
            Some(done) => done,
            None if is_due => {
                tell(&format!("Interrupted. Run {} again to go on", self.command("bootstrap")));
                Ok(Exit::Interrupted)
            }
            None => Ok(nothing_changed()),
        }
    }

    /// Looks at the bucket, and says what is to be done.
    async fn look_at_bucket(&self, wanted: Bootstrap) -> Result<Seen, Failure> {
        let (state, mut wish) = self.bucket_wish(wanted).await?;
        let mut bucket = StateBucket::new(&state.sdk, wish.clone());
        let mut look = bucket.look().await.map_err(refused)?;
        if look.exists && wish.kms_key_arn.is_none() {
            wish.unusable_key = bucket.unusable_key().await.map_err(refused)?;
            if wish.unusable_key.is_some() {
                bucket = StateBucket::new(&state.sdk, wish.clone());
                look = bucket.look().await.map_err(refused)?;
            }
        }
        let seen = Seen { state, wish, bucket, look };
        if seen.is_due() {
            introduce(&self.options, listed(&seen.title(), &seen.look));
        }
        if let Some(code) = &seen.wish.unusable_key {
            tell(&keep_key(code, &seen.wish.name));
        }
        if !seen.look.is_ours && !wanted.adopt {
            return Err(not_ours(&seen.title(), &seen.look));
        }
        Ok(seen)
    }

    async fn make_bucket(&self, seen: Seen, wanted: Bootstrap) -> Result<Exit, Failure> {
        let (title, is_due) = (seen.title(), seen.is_due());
        let Seen { state, wish, bucket, look } = seen;
        let changes = match look.exists {
            true => look.changes,
            false => {
                bucket.create().await.map_err(refused)?;
                note(&format!("created {title}"));
                let look = bucket.look().await.map_err(refused)?;
                // Somebody of this account was faster.
                if !look.is_ours && !wanted.adopt {
                    return Err(not_ours(&title, &look));
                }
                look.changes
            }
        };
        let store = state.store(Some(&self.environment));
        let (encryption, others): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| change.what == "encryption");
        for change in others {
            bucket.make(change).await.map_err(refused)?;
            note(&format!("set {}", change.what));
        }
        for change in encryption {
            // A key that cannot be used must not become the default of a bucket that others use: the store writes with it.
            if wish.kms_key_arn.is_some() {
                store.probe().await.map_err(|error: Unfit| unfit(&error))?;
            }
            bucket.make(change).await.map_err(refused)?;
            note(&format!("set {}", change.what));
        }
        self.wait_until_shown(&bucket).await?;
        let fit = async {
            store.check().await?;
            store.probe().await
        };
        fit.await.map_err(|error: Unfit| unfit(&error))?;
        self.tell_bucket(&wish, look.exists, &changes, is_due)
    }

    /// What is configured of the bucket.
    async fn bucket_wish(&self, wanted: Bootstrap) -> Result<(StateIn, BucketWish), Failure> {
        let config = &self.loaded.config;
        let state = self.state_in().await?;
        let account = target::account(&state.sdk).await?;
        if let Some(owner) = config.state.account_id.as_ref().filter(|owner| **owner != account.id) {
            let message =
                format!("state.account_id is {owner}, and the credentials are those of {}", account.id);
            return Err(Failure::new(Exit::Configuration, message).hint(
                "correct `state.account_id`, if it is not the bucket's account; if it is, run this with credentials of that account, or \
                 set `state.role_arn` to a role there",
            ));
        }
        let wish = BucketWish {
            name: state.bucket.clone(),
            region: config.state_region().to_owned(),
            account_id: account.id,
            partition: account.partition,
            project: config.project.clone(),
            prefix: state.prefix.clone(),
            kms_key_arn: config.state.kms_key_arn.clone(),
            unusable_key: None,
            history_days: config.state.history_days,
            protect: match (wanted.protect, wanted.no_protect) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            tags: config.tags.clone(),
        };
        Ok((state, wish))
    }

    /// S3 shows a new setting after some seconds.
    async fn wait_until_shown(&self, bucket: &StateBucket) -> Result<(), Failure> {
        let mut backoff = Backoff::new("bootstrap", PACE, SHOWN_WITHIN);
        loop {
            let left = bucket.look().await.map_err(refused)?.changes;
            if left.is_empty() {
                return Ok(());
            }
            if !backoff.wait().await {
                let names: Vec<&str> = left.iter().map(|change| change.what).collect();
                let message = format!("S3 does not show what was set: {}", names.join(", "));
                let hint = format!("run {} again in some minutes", self.command("bootstrap"));
                return Err(Failure::new(Exit::Failed, message).hint(hint).coded(Code::Late));
            }
        }
    }

    fn tell_bucket(
        &self,
        wish: &BucketWish,
        existed: bool,
        changes: &[Change],
        is_due: bool,
    ) -> Result<Exit, Failure> {
        if changes.iter().any(|change| change.what == "versioning") {
            tell(
                "versioning was turned on: S3 takes up to 15 minutes until it keeps every old version. The lock does not depend on it",
            );
        }
        let missing = self.missing_lines();
        if self.options.json {
            let change =
                |change: &Change| json!({ "setting": change.what, "from": change.from, "to": change.to });
            print_json(&json!({
                "bucket": wish.name,
                "region": wish.region,
                "created": !existed,
                "changes": changes.iter().map(change).collect::<Vec<_>>(),
                "to_configure": missing,
            }))?;
            return Ok(Exit::Done);
        }
        let mut lines = Lines::new();
        let nothing = if is_due { "" } else { "nothing to do; " };
        lines.line(format!(
            "bucket {}: {nothing}as it must be, and its conditional writes were tried",
            wish.name
        ));
        if !missing.is_empty() {
            lines
                .line(format!(
                    "move each state that is kept on a machine: {}, once for each --env",
                    self.command("state push")
                ))
                .line("then write into the configuration:")
                .line("")
                .line("[state]");
            missing.iter().for_each(|missing| {
                lines.line(missing);
            });
        }
        print(&lines)?;
        Ok(Exit::Done)
    }

    /// What the file does not say yet, of what has the state kept in the bucket.
    pub(crate) fn missing_lines(&self) -> Vec<String> {
        let state = &self.loaded.config.state;
        let origins = self.loaded.to_json();
        let is_in_file = |key: &str| {
            let layer = &origins[key]["origin"]["layer"];
            layer == "file" || layer == "environment"
        };
        let text = |key: &str, value: &Option<String>| {
            let value = value.as_ref().filter(|_| !is_in_file(&format!("state.{key}")))?;
            Some(format!("{key} = \"{value}\""))
        };
        let is_s3 = state.backend == crate::state_args::Backend::S3 && is_in_file("state.backend");
        let lines = [
            (!is_s3).then(|| "backend = \"s3\"".to_owned()),
            text("bucket", &state.bucket),
            text("prefix", &state.prefix),
            text("region", &state.region),
            text("account_id", &state.account_id),
            text("kms_key_arn", &state.kms_key_arn),
            text("role_arn", &state.role_arn),
        ];
        lines.into_iter().flatten().collect()
    }
}

fn listed(title: &str, look: &Look) -> Lines {
    let mut lines = Lines::new();
    if look.exists {
        lines.line(format!("  ~ {title}"));
    } else {
        lines.line(format!("  + {title}"));
    }
    for Change { what, from, to, .. } in &look.changes {
        match look.exists {
            true => lines.line(format!("      {what}: {from} → {to}")),
            false => lines.line(format!("      {what}: {to}")),
        };
    }
    lines
}

/// How the key stays that the bucket encrypts with, if it can be saved.
fn keep_key(code: &str, bucket: &str) -> String {
    let which = format!("`aws s3api get-bucket-encryption --bucket {bucket}` names it");
    match code {
        "KMS.NotFoundException" => "  the key is gone: what was encrypted with it is lost".to_owned(),
        "KMS.DisabledException" => format!(
            "  to keep the key, do not go on, but enable it (`aws kms enable-key`; {which}) and run this again"
        ),
        _ => format!(
            "  to keep the key, do not go on, but save it (`aws kms cancel-key-deletion`, then `aws kms enable-key`; {which}) and run \
             this again"
        ),
    }
}

fn not_ours(title: &str, look: &Look) -> Failure {
    let holds = if look.is_empty { "it is empty" } else { "there are objects in it" };
    Failure::new(Exit::Configuration, format!("{title} exists already, and `bootstrap` did not make it: {holds}"))
        .hint(
            "with `stack bootstrap --adopt` it is used: its settings change as shown above, and what is in it stays. Otherwise choose another name for \
             `state.bucket`",
        )
        .coded(Code::StateStore)
}

fn refused(error: BucketError) -> Failure {
    let exit = match &error {
        BucketError::Call(error) => exit_of(error),
        BucketError::NotSeen { .. } => Exit::Failed,
        _ => Exit::Configuration,
    };
    let code = match &error {
        BucketError::Call(error) => code_of_s3(error),
        _ => Code::StateStore,
    };
    Failure::from_error(exit, &error).hint(error.hint()).coded(code)
}
