//! What a failed call means for the person: which kind of error it is, what to do, and whether running again can help.

use std::collections::BTreeSet;

use engine::{CallError, Cause, ErrorClass, Report};

use crate::codes::Code;
use crate::config::Loaded;
use crate::denied::{Denial, service_of, without_encoded};
use crate::exit::Failure;
use crate::failures::code_of_journal;
use crate::quota::Reached;

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) code: Code,
    pub(crate) hint: Option<String>,
    /// Lines to be copied as they stand.
    pub(crate) to_copy: Vec<String>,
    /// Whether running again, with nothing else done, may be enough.
    pub(crate) may_pass: bool,
}

/// What is known beside the error.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Advisor<'a> {
    loaded: Option<&'a Loaded>,
}

impl<'a> Advisor<'a> {
    pub(crate) fn new(loaded: &'a Loaded) -> Self {
        Self { loaded: Some(loaded) }
    }

    fn region(&self) -> &'a str {
        self.loaded.map_or("REGION", |loaded| loaded.config.region.as_str())
    }

    /// What to do about a resource that failed.
    pub(crate) fn of_failure(&self, failure: &engine::Failure) -> Advice {
        match &failure.cause {
            Cause::Call(error) => self.of_call(error, Some((failure.address.tier(), &failure.kind))),
            cause => Advice {
                code: code_of(cause),
                hint: None,
                to_copy: Vec::new(),
                // What AWS gave up has a cause that somebody has to find.
                may_pass: matches!(
                    cause,
                    Cause::Late { .. } | Cause::Stale { .. } | Cause::Interrupted { .. }
                ),
            },
        }
    }

    /// What is said last after a run in which resources failed.
    pub(crate) fn of_report(&self, report: &Report, program: &str, again: &str) -> String {
        let advice: Vec<Advice> = report.failed.iter().map(|failure| self.of_failure(failure)).collect();
        let codes: BTreeSet<&str> = advice.iter().map(|advice| advice.code.name()).collect();
        let failed = match advice.len() {
            1 => "1 resource failed".to_owned(),
            many => format!("{many} resources failed"),
        };
        let then = match advice.iter().all(|advice| advice.may_pass) {
            true => format!("this may pass: {again}"),
            false => format!("fix the cause above, then {again}"),
        };
        let explained: Vec<String> = codes.iter().map(|code| format!("`{program} explain {code}`")).collect();
        format!("{failed}; {then}. More: {}", explained.join(", "))
    }

    /// What to do about a call that failed, for a resource of a tier and a kind where it was for one.
    pub(crate) fn of_call(&self, error: &CallError, of: Option<(&str, &str)>) -> Advice {
        let code = code_of_call(error);
        let service = of.and_then(|(_, kind)| service_of(kind));
        let mut to_copy = Vec::new();
        let blamed = || {
            let (tier, _) = of?;
            self.loaded?.blamed(tier, &error.message)
        };
        let hint = match code {
            Code::Denied => Denial::of(error, service).map(|denial| {
                let (advice, adds) = denial.advice();
                if adds {
                    to_copy.push(denial.statement());
                }
                advice
            }),
            Code::NoCredentials => Some(
                "AWS does not accept these credentials: check them with `aws sts get-caller-identity`, this machine's clock, and that \
                 the account has enabled the region"
                    .to_owned(),
            ),
            Code::Account => Some(
                "AWS does not let this account use the service, whatever its policies say: finish the account's registration or ask \
                 AWS Support, then run again"
                    .to_owned(),
            ),
            Code::Quota => Reached::by(error).map(|reached| {
                let (advice, commands) = reached.advice(self.region(), service);
                to_copy = commands;
                advice
            }),
            Code::Refused | Code::Changed => {
                blamed().map(|key| format!("AWS refuses what {key} says: correct it there"))
            }
            Code::Conflict => Some(
                "delete or rename the object that is there, whose tags say whose it is, or use another environment, account or region: names do not contain the project"
                    .to_owned(),
            ),
            Code::InUse => Some("remove what uses it, which this stack did not make; then run again".to_owned()),
            Code::NoAnswer => {
                Some("this may pass: run again, which first looks up what became of the call".to_owned())
            }
            Code::Throttled | Code::Late => Some("this may pass: run again in some minutes".to_owned()),
            Code::Unreachable => {
                Some("check the network, its proxy and DNS; then run again".to_owned())
            }
            _ => None,
        };
        let may_pass = matches!(code, Code::Unreachable | Code::NoAnswer | Code::Throttled | Code::Late);
        Advice { code, hint, to_copy, may_pass }
    }
}

impl Advice {
    /// Adds the advice to a failure that has no hint of its own.
    pub(crate) fn on(self, failure: Failure) -> Failure {
        let Self { code, hint, to_copy, .. } = self;
        Failure { hint: failure.hint.clone().or(hint), to_copy, ..failure }.coded(code)
    }
}

/// The failure's cause as a person reads it.
pub(crate) fn told(cause: &Cause) -> String {
    match cause {
        Cause::Call(error) if error.class == ErrorClass::Denied && Denial::of(error, None).is_some() => {
            CallError { message: without_encoded(&error.message).to_owned(), ..error.clone() }.to_string()
        }
        cause => cause.to_string(),
    }
}

/// What kind of error it is.
pub(crate) fn code_of(cause: &Cause) -> Code {
    match cause {
        Cause::Call(error) => code_of_call(error),
        Cause::Broken { .. } => Code::Broken,
        Cause::Late { .. } => Code::Late,
        Cause::Stale { .. } => Code::Changed,
        Cause::Journal(error) => code_of_journal(error),
        Cause::Interrupted { .. } => Code::Interrupted,
        _ => Code::Defect,
    }
}

/// What kind of error a failed call is.
pub(crate) fn code_of_call(error: &CallError) -> Code {
    // Credentials that AWS does not know. In a region that the account has not enabled, it knows none.
    const INVALID_CREDENTIALS: [&str; 8] = [
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ];
    // Accounts that may not use a service yet, or not any more, whatever their policies say.
    const SHUT_OUT: [&str; 3] = ["Blocked", "OptInRequired", "PendingVerification"];
    match error.class {
        ErrorClass::Denied if error.code.as_deref().is_some_and(|code| SHUT_OUT.contains(&code)) => {
            Code::Account
        }
        ErrorClass::Denied
            if error.code.as_deref().is_some_and(|code| INVALID_CREDENTIALS.contains(&code)) =>
        {
            Code::NoCredentials
        }
        ErrorClass::Denied => Code::Denied,
        // No call: AWS took the change, and then reported that it failed.
        ErrorClass::Invalid if error.code.is_none() && error.operation.starts_with("changing ") => {
            Code::Broken
        }
        ErrorClass::Expired => Code::Expired,
        ErrorClass::Throttled => Code::Throttled,
        ErrorClass::NotYet => Code::Late,
        ErrorClass::Unreachable => Code::Unreachable,
        ErrorClass::Ambiguous => Code::NoAnswer,
        ErrorClass::NotFound => Code::Changed,
        ErrorClass::AlreadyExists | ErrorClass::Conflict => Code::Conflict,
        ErrorClass::DependencyViolation => Code::InUse,
        ErrorClass::Invalid if Reached::by(error).is_some() => Code::Quota,
        _ => Code::Refused,
    }
}

#[cfg(test)]
mod tests {
    use engine::{Address, Operation, Resource as _};

    use super::*;

    fn failed(class: ErrorClass, code: &str, message: &str) -> engine::Failure {
        let mut error = CallError::new(class, "CreateVpc", message);
        error.code = Some(code.to_owned());
        let address = Address::new("vpc/vpc").unwrap();
        engine::Failure {
            address,
            kind: vpc::resources::Vpc::KIND.to_owned(),
            operation: Operation::Create,
            cause: Cause::Call(error),
        }
    }

    #[test]
    fn running_again_is_advised_only_where_it_can_help() {
        use ErrorClass::*;
        for (class, code, wanted, again) in [
            (Denied, "UnauthorizedOperation", Code::Denied, false),
            (Denied, "InvalidClientTokenId", Code::NoCredentials, false),
            (Denied, "OptInRequired", Code::Account, false),
            (Denied, "PendingVerification", Code::Account, false),
            (Expired, "ExpiredToken", Code::Expired, false),
            (Invalid, "VpcLimitExceeded", Code::Quota, false),
            (Invalid, "InvalidParameterValue", Code::Refused, false),
            (AlreadyExists, "EntityAlreadyExists", Code::Conflict, false),
            (Conflict, "X", Code::Conflict, false),
            (DependencyViolation, "DependencyViolation", Code::InUse, false),
            (Throttled, "Throttling", Code::Throttled, true),
            (Ambiguous, "InternalError", Code::NoAnswer, true),
            (Unreachable, "X", Code::Unreachable, true),
            (NotYet, "X", Code::Late, true),
        ] {
            let failure = failed(class, code, "No.");
            let advice = Advisor::default().of_failure(&failure);
            assert_eq!((advice.code, advice.may_pass), (wanted, again), "{class:?}");
            let hint = advice.hint.unwrap_or_default();
            let is_to_be_mended = class == DependencyViolation || wanted == Code::Account;
            assert!(hint.contains("run again") == again || is_to_be_mended, "{class:?}: {hint}");
            assert!(
                advice.to_copy.is_empty() || wanted == Code::Denied || wanted == Code::Quota,
                "{class:?}"
            );
            assert_eq!(code_of(&failure.cause), wanted);
        }
    }

    #[test]
    fn a_denial_without_words_has_the_action_of_the_call() {
        let advice =
            Advisor::default().of_failure(&failed(ErrorClass::Denied, "AccessDenied", "Access Denied"));
        assert_eq!(advice.to_copy, [r#"{"Action":"ec2:CreateVpc","Effect":"Allow","Resource":"*"}"#]);
    }
}
