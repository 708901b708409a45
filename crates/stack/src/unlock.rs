//! `stack state lock` and `stack unlock`: who holds the lock, and how it is taken away.

use std::io::IsTerminal as _;
use std::time::Duration;

use engine::{
    EngineError, File, Holder, Host as _, LockError, Store, SystemHost, lock_holder, unlock, unlock_unrenewed,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, note, print, print_json, tell};
use crate::question::{Answer, confirmed};
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::time::rfc3339;

/// What says that a holder lives whose process cannot be seen.
const RENEWED: &str = "it has just renewed it";

/// How long ago something was, roughly.
pub(crate) fn ago(millis: u64) -> String {
    let seconds = SystemHost.now_millis().saturating_sub(millis) / 1000;
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Whoever holds the lock, for programs.
pub(crate) fn holder_json(holder: &Holder) -> Value {
    json!({
        "holder": holder.who,
        "id": holder.id,
        "purpose": holder.purpose,
        "since": rfc3339(holder.since),
        "known_to_have_ended": holder.is_dead,
        "known_to_live": holder.lives,
    })
}

fn lock_failure(error: LockError) -> Failure {
    engine_failure(EngineError::Lock(error))
}

impl Work {
    pub(crate) async fn show_lock(&self) -> Result<Exit, Failure> {
        let store = self.kept().await?.files();
        let holder = lock_holder(&*store).await.map_err(lock_failure)?;
        let name = store.name(File::Lock);
        if self.options.json {
            print_json(
                &json!({ "lock": name, "held": holder.is_some(), "by": holder.as_ref().map(holder_json) }),
            )?;
            return Ok(Exit::Done);
        }
        let mut lines = Lines::new();
        lines.line(format!("lock     {name}"));
        match holder {
            None => {
                lines.line("held by  nobody");
            }
            Some(Holder { who, id, purpose, since, is_dead, lives, .. }) => {
                lines.line(format!("held by  {who}"));
                lines.line(format!(
                    "for      {}",
                    purpose.as_deref().unwrap_or("a purpose that it does not name")
                ));
                lines.line(format!("since    {} ({})", rfc3339(since), ago(since)));
                lines.line(format!("id       {id}"));
                lines.line(match (is_dead, lives) {
                    (true, _) => format!(
                        "lives    no: the process has ended. The next run takes over, and {} does",
                        self.command("unlock")
                    ),
                    (false, true) => "lives    yes: its process is there".to_owned(),
                    (false, false) => format!(
                        "lives    perhaps: {} watches it, and takes the lock away from a run that has died",
                        self.command("unlock")
                    ),
                });
            }
        }
        print(&lines)?;
        Ok(Exit::Done)
    }

    pub(crate) async fn unlock(
        &self,
        id: Option<String>,
        force: bool,
        signals: &Signals,
    ) -> Result<Exit, Failure> {
        let store = self.kept().await?.files();
        let name = store.name(File::Lock);
        let Some(holder) = lock_holder(&*store).await.map_err(lock_failure)? else {
            return self.tell_unlocked(&name, false, None, &format!("{name}: nobody holds it"));
        };
        if id.as_ref().is_some_and(|id| *id != holder.id) {
            let message =
                format!("{name} is held by {} with the id {}, not by that one", holder.who, holder.id);
            return Err(Failure::new(Exit::Locked, message)
                .hint("nothing was changed; `stack state lock` shows who it is now"));
        }
        let taken = match (holder.is_dead, force) {
            (true, _) => unlock_unrenewed(&*store, &holder).await.map_err(lock_failure)?,
            (false, true) => {
                let answer = match id {
                    Some(_) => Answer::Yes,
                    None => self.ask_for_id(&holder, signals).await?,
                };
                if let Some(exit) = answer.cancelled() {
                    return Ok(exit);
                }
                unlock(&*store, &holder.id).await.map_err(lock_failure)?
            }
            // As `state lock` says.
            (false, false) if holder.lives => return Err(self.lives(&name, &holder, "its process is there")),
            (false, false) => {
                let Some(taken) = signals.unless(self.take_when_expired(&*store, &name, &holder)).await
                else {
                    return Ok(nothing_changed());
                };
                taken?
            }
        };
        let summary = match taken {
            true => format!("the lock was taken away from {}", holder.who),
            false => format!("{} has given the lock back meanwhile", holder.who),
        };
        let exit = self.tell_unlocked(&name, taken, Some(&holder), &summary)?;
        if taken && force && !holder.is_dead {
            let within = store.lease().renewed_every.as_secs();
            tell(&format!(
                "if it lives, it notices at its next call or record, within {within} s, and stops"
            ));
        }
        Ok(exit)
    }

    /// What came of it, for the person and for programs.
    fn tell_unlocked(
        &self,
        name: &str,
        taken: bool,
        from: Option<&Holder>,
        summary: &str,
    ) -> Result<Exit, Failure> {
        tell(summary);
        if self.options.json {
            print_json(&json!({ "lock": name, "taken_away": taken, "from": from.map(holder_json) }))?;
        }
        Ok(Exit::Done)
    }

    /// Whether the person on the terminal types the id.
    async fn ask_for_id(&self, holder: &Holder, signals: &Signals) -> Result<Answer, Failure> {
        let Holder { who, id, .. } = holder;
        if !std::io::stdin().is_terminal() {
            let message = "--force takes the lock away from a run that may live, and wants its id";
            return Err(Failure::new(Exit::Usage, message)
                .coded(Code::NoTerminal)
                .hint(format!("{} shows the id; add it to the command", self.command("state lock"))));
        }
        let question =
            format!("{who} may be in the middle of a run. To take its lock away, type its id ({id}): ");
        confirmed(&question, id, signals).await
    }

    /// Watches a holder for as long as a lease lasts; whether the lock was taken away then. `false` if it was given back.
    async fn take_when_expired(
        &self,
        store: &dyn Store,
        name: &str,
        holder: &Holder,
    ) -> Result<bool, Failure> {
        let terms = store.lease();
        note(&format!(
            "whether {} lives cannot be known here; watching for {} s whether it renews its lock",
            holder.who,
            terms.lasts.as_secs()
        ));
        let begun = Instant::now();
        while begun.elapsed() < terms.lasts {
            sleep(Duration::from_secs(1)).await;
            match lock_holder(store).await.map_err(lock_failure)? {
                None => return Ok(false),
                Some(now) if now.is_dead && now.id == holder.id => break,
                Some(now) if now != *holder => return Err(self.lives(name, &now, RENEWED)),
                Some(_) => {}
            }
        }
        if unlock_unrenewed(store, holder).await.map_err(lock_failure)? {
            return Ok(true);
        }
        match lock_holder(store).await.map_err(lock_failure)? {
            None => Ok(false),
            Some(now) => Err(self.lives(name, &now, RENEWED)),
        }
    }

    fn lives(&self, name: &str, holder: &Holder, because: &str) -> Failure {
        let doing = holder.purpose.as_ref().map(|purpose| format!(" ({purpose})")).unwrap_or_default();
        let message = format!("{name} is held by {}{doing}, which lives: {because}", holder.who);
        Failure::new(Exit::Locked, message).hint(format!(
            "nothing was changed. Wait until it has finished, or stop it there. If it hangs: {}",
            self.command(&format!("unlock {} --force", holder.id))
        ))
    }
}
