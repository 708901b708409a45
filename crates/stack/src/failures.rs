//! What the engine's errors mean for the person: the exit code, and what to do.

use s3_store::S3Error;

use engine::{
    CallError, EngineError, ErrorClass, JournalError, LockError, PlanError, SettleError, StoreError,
};

use crate::advice::{Advisor, code_of_call};
use crate::chosen;
use crate::codes::Code;
use crate::error_json::address_of;
use crate::exit::{Exit, Failure};
use crate::moved::Moved;
use crate::stores::{code_of_s3, exit_of};

/// What to do about credentials that have expired.
pub(crate) const EXPIRED: &str = "AWS credentials have expired: sign in again";

pub(crate) fn engine_failure(error: EngineError) -> Failure {
    let error = match error {
        EngineError::Settle(SettleError::Journal(error)) => EngineError::Journal(error),
        error => error,
    };
    let (code, address) = (code_of(&error), address_of(&error));
    Failure { address, ..advised(error).or_coded(code) }
}

/// What kind of error it is.
fn code_of(error: &EngineError) -> Code {
    if let Some(called) = of_s3(error) {
        let code = code_of_s3(called);
        // Without its lock a run stops in the middle, which the pages of most other codes say nothing about.
        let is_for_people = matches!(code, Code::Denied | Code::NoCredentials | Code::Expired);
        return match error {
            EngineError::LockUnrenewed { .. } if !is_for_people => Code::LockLost,
            _ => code,
        };
    }
    match error {
        EngineError::Journal(error) => code_of_journal(error),
        EngineError::Lock(LockError::Held { .. }) => Code::Locked,
        EngineError::Lock(LockError::Broken { .. })
        | EngineError::LockUnrenewed { .. }
        | EngineError::LockLost => Code::LockLost,
        EngineError::Lock(LockError::Store(StoreError::Unusable { .. })) => Code::StateDamaged,
        EngineError::Lock(LockError::Store(_)) => Code::StateStore,
        EngineError::Lock(LockError::Interrupted) | EngineError::Interrupted => Code::Interrupted,
        EngineError::Plan(PlanError::Protected { .. }) => Code::Protected,
        EngineError::Plan(PlanError::UnknownKind { .. }) => Code::StateElsewhere,
        EngineError::Plan(PlanError::OnlyBecauseMissing { .. }) => Code::NeedMissing,
        EngineError::Plan(error) if chosen::hint(error).is_some() => Code::Selection,
        EngineError::Plan(_) => Code::NoPlan,
        EngineError::Settle(SettleError::Call { source, .. }) | EngineError::Read { source, .. } => {
            code_of_call(source)
        }
        EngineError::Settle(_) => Code::StateElsewhere,
        _ => Code::Defect,
    }
}

/// What kind of error a journal that cannot be read or written is.
pub(crate) fn code_of_journal(error: &JournalError) -> Code {
    match error {
        JournalError::BoundElsewhere { .. } => Code::StateElsewhere,
        JournalError::Refused { .. } => Code::Defect,
        JournalError::Store(store) if is_unusable(store) => Code::StateDamaged,
        JournalError::Store(store) => s3_error(store).map_or(Code::StateStore, code_of_s3),
        _ => Code::StateDamaged,
    }
}

/// A call that failed before anything was changed.
fn unread(error: &EngineError, source: &CallError) -> Failure {
    let failure = Failure::from_error(Exit::Failed, error);
    let mut advice = Advisor::default().of_call(source, None);
    let hint = match (source.class, advice.hint.take()) {
        (ErrorClass::Expired, _) => format!("{EXPIRED}, then run again"),
        (ErrorClass::Denied, Some(hint)) => format!("nothing was changed; {hint}"),
        (ErrorClass::Denied, None) => {
            "nothing was changed; allow this identity the call, or use one that may make it".to_owned()
        }
        (_, Some(hint)) if advice.may_pass => format!("nothing was changed; {hint}"),
        _ => "nothing was changed".to_owned(),
    };
    advice.on(failure.hint(hint))
}

fn advised(error: EngineError) -> Failure {
    if let Some(moved) = Moved::among(&error) {
        return moved.failure();
    }
    if let Some(called) = of_s3(&error) {
        return Failure::from_error(exit_of(called), &error).hint(called.hint());
    }
    match &error {
        EngineError::Lock(LockError::Held { .. }) => Failure::from_error(Exit::Locked, &error)
            .hint("wait until it has finished, or let this run wait: --lock-timeout 10m. Nothing was changed by this run. `stack state \
                   lock` shows who holds the lock, and `stack unlock` takes it away from one that has died"),
        EngineError::Lock(LockError::Broken { .. }) => Failure::from_error(Exit::Configuration, &error)
            .hint("make sure that no other process works on this state, then delete the file"),
        EngineError::LockUnrenewed { .. } => Failure::from_error(Exit::Failed, &error)
            .hint("make room on the disk, or fix what the cause says; then run again, which looks up what was begun and continues it"),
        EngineError::LockLost => Failure::from_error(Exit::Failed, &error)
            .hint("run again, which looks up what was begun and continues it"),
        EngineError::Journal(engine::JournalError::Store(store)) if is_unusable(store) => unusable(&error, store),
        EngineError::Lock(LockError::Store(store)) if is_unusable(store) => unusable(&error, store),
        EngineError::Journal(engine::JournalError::Broken { file, .. }) if file.starts_with(S3) => {
            Failure::from_error(Exit::Configuration, &error).hint(in_bucket(file))
        }
        EngineError::Lock(LockError::Store(_)) | EngineError::Journal(engine::JournalError::Store(_)) => {
            Failure::from_error(Exit::Failed, &error)
                .hint("check the disk and the permissions of the state directory, then run again")
        }
        EngineError::Journal(engine::JournalError::BoundElsewhere { .. }) => {
            Failure::from_error(Exit::Configuration, &error)
                .hint("go back to the project, environment, region and account that it belongs to, or use another --state-dir")
        }
        EngineError::Journal(engine::JournalError::UnknownVersion { .. }) => {
            Failure::from_error(Exit::Configuration, &error)
                .hint("another version of this program wrote it: use that one, or a newer one")
        }
        EngineError::Journal(engine::JournalError::Refused { .. }) => {
            Failure::from_error(Exit::Failed, &error).hint(
                "this is a defect of the program: report it, then run again, which looks up what was begun and continues it",
            )
        }
        EngineError::Journal(_) => Failure::from_error(Exit::Configuration, &error)
            .hint("keep a copy of the state directory, and restore the file from a backup"),
        EngineError::Plan(engine::PlanError::PartInUse { .. }) => {
            Failure::from_error(Exit::Configuration, &error)
                .hint("stop using it first: change `ecs.image`, run `stack up`, then try again")
        }
        EngineError::Plan(engine::PlanError::InTheWay { .. }) => Failure::from_error(Exit::Configuration, &error).hint(
            "nothing was changed. If --replace asks for it, name what uses it in --replace as well. If subnets are moved, their new \
             addresses overlap the old ones: choose blocks in `vpc` that overlap none of the present subnets', or go there in two runs \
             over blocks that do not",
        ),
        EngineError::Plan(engine::PlanError::OnlyBecauseMissing { address, missing, .. }) => {
            let hint = format!(
                "nothing was changed. Bring {missing} back, if that is possible. If it is gone for good, save what you can of {address}, \
                 and then delete that, with `stack destroy` or by hand"
            );
            Failure::from_error(Exit::Configuration, &error).hint(hint)
        }
        EngineError::Plan(engine::PlanError::Unrecorded { by, id, .. }) => {
            let hint = format!("nothing was changed. Adopt it first: `stack import {by} '{id}'`");
            Failure::from_error(Exit::Configuration, &error).hint(hint)
        }
        EngineError::Plan(engine::PlanError::Refused { hint, .. }) => {
            Failure::from_error(Exit::Configuration, &error).hint(hint.clone())
        }
        EngineError::Plan(plan) => {
            let failure = Failure::from_error(Exit::Configuration, &error);
            Failure { hint: chosen::hint(plan), ..failure }
        }
        EngineError::Settle(SettleError::Call { source, .. }) | EngineError::Read { source, .. } => {
            unread(&error, source)
        }
        _ => Failure::from_error(Exit::Failed, &error),
    }
}

/// The call to S3 that failed, where the state is kept there.
fn of_s3(error: &EngineError) -> Option<&S3Error> {
    match error {
        EngineError::Lock(LockError::Store(store)) => s3_error(store),
        EngineError::Journal(JournalError::Store(store)) => s3_error(store),
        EngineError::LockUnrenewed { source, .. } => source.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn s3_error(store: &StoreError) -> Option<&S3Error> {
    match store {
        StoreError::Io { source, .. } => source.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn is_unusable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unusable { .. } | StoreError::Lost { .. })
}

/// Something else is in place of a file of the state, or nothing is.
fn unusable(error: &EngineError, store: &StoreError) -> Failure {
    let hint = match store {
        StoreError::Lost { remedy, .. } => remedy.clone(),
        StoreError::Unusable { name, .. } if name.starts_with(S3) => in_bucket(name),
        _ => "find out who put it there, then move it away or restore the file from a backup".to_owned(),
    };
    Failure::from_error(Exit::Configuration, error).hint(hint)
}

/// What URLs of objects begin with.
pub(crate) const S3: &str = "s3://";

/// What to do about an object that is not what it was: the bucket has what it was.
fn in_bucket(url: &str) -> String {
    let (bucket, key) = url.trim_start_matches(S3).split_once('/').unwrap_or((url, ""));
    let s3api = |command: &str, more: &str| format!("`aws s3api {command} --bucket {bucket} {more}`");
    format!(
        "nothing was changed. The bucket keeps old versions: {} lists them. If somebody wrote over an object, put the version before \
         it back: {}, then {}. If somebody put one there that no run wrote, {} moves it away and keeps it as an old version. Then let \
         `stack state verify` say whether the chain is whole",
        s3api("list-object-versions", &format!("--prefix '{key}'")),
        s3api("get-object", "--key KEY --version-id VERSION restored"),
        s3api("put-object", "--key KEY --body restored"),
        s3api("delete-object", "--key KEY"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_config::Region;
    use emulator::Emulator;
    use s3_store::{Location, S3Store, Unfit};

    use super::*;

    #[test]
    fn data_that_would_go_only_because_something_is_missing_is_an_error_of_its_own() {
        let address = |text: &str| engine::Address::new(text).unwrap();
        let (address, missing) = (address("database/cluster"), address("database/key"));
        let error =
            PlanError::OnlyBecauseMissing { address, words: "all its data and automated backups", missing };
        let failure = engine_failure(EngineError::Plan(error));
        assert_eq!((failure.exit, failure.code()), (Exit::Configuration, Code::NeedMissing));
        assert_eq!(failure.address.as_deref(), Some("database/cluster"));
        let (_, shown) = Code::NeedMissing.page().split_once("\nerror[E0604]: ").unwrap();
        let (shown, _) = shown.split_once('…').unwrap();
        assert!(failure.message.starts_with(shown), "{}", failure.message);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_the_bucket_does_not_renew_is_a_lost_lock_and_elsewhere_the_bucket_is_to_blame() {
        let sdk = crate::embedded(&Emulator::builder().in_memory(), Region::new("eu-central-1"));
        let location = Location {
            bucket: "missing".to_owned(),
            prefix: String::new(),
            account_id: None,
            kms_key_arn: None,
        };
        let Err(Unfit::Call(missing)) = S3Store::new(&sdk, location).check().await else {
            panic!("there is no such bucket")
        };
        let mut denied = missing.clone();
        denied.call = CallError::new(ErrorClass::Denied, "PutObject", "No.");
        for (error, of_the_lock, elsewhere) in
            [(missing, Code::LockLost, Code::StateStore), (denied, Code::Denied, Code::Denied)]
        {
            let io = || std::io::Error::other(error.clone());
            let name = "s3://missing/lock.json".to_owned();
            let unrenewed = EngineError::LockUnrenewed { name: name.clone(), source: Arc::new(io()) };
            assert_eq!(engine_failure(unrenewed).code(), of_the_lock);
            let store = StoreError::Io { action: "write", name, source: io() };
            let journal = EngineError::Settle(SettleError::Journal(store.into()));
            assert_eq!(engine_failure(journal).code(), elsewhere);
        }
    }
}
