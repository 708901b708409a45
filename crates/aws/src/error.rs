//! What an SDK error means, decided once, from its code and kind and never from its text.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::{CallError, ErrorClass};

use crate::context::Context;

/// Turns the SDK's answer into the engine's, and names the call.
pub trait Called<T> {
    /// The same result, whose error is classed and says that `operation` failed.
    ///
    /// # Errors
    /// The call's own error.
    fn called(self, operation: &str) -> Result<T, CallError>;
}

impl<T, E> Called<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn called(self, operation: &str) -> Result<T, CallError> {
        self.map_err(|error| CallError {
            class: classify(&error),
            operation: operation.to_owned(),
            code: error.code().map(str::to_owned),
            message: message_of(&error),
            request_id: error.request_id().or_else(|| error.meta().request_id()).map(str::to_owned),
        })
    }
}

/// What a caller knows about a classed error that the code alone does not say.
pub trait CallResult<T>: Sized {
    /// `NotFound` becomes `NotYet`: for a call about objects that exist for certain, because they were made a
    /// moment ago. EC2 and IAM are eventually consistent: an id that a create returned may be unknown for
    /// seconds.
    ///
    /// # Errors
    /// The same error, perhaps of another class.
    fn once_visible(self) -> Self;

    /// An error with one of these codes gets this class: for a call that answers so for a reason of its own, such
    /// as an invalid parameter while a fresh IAM role is still spreading.
    ///
    /// # Errors
    /// The same error, perhaps of another class.
    fn classed(self, codes: &[&str], class: ErrorClass) -> Self;

    /// The same where the message also says something: for a code that AWS uses for many things. Messages are no
    /// interface, so what depends on this must only be slower or faster for it, never right or wrong.
    ///
    /// # Errors
    /// The same error, perhaps of another class.
    fn classed_saying(self, code: &str, text: &str, class: ErrorClass) -> Self;

    /// A denial of `iam:PassRole` becomes `NotYet` while a role may be new: the permission to hand it over is
    /// looked up by the role, and until the role is seen there is none.
    ///
    /// # Errors
    /// The same error, perhaps of another class.
    fn once_passed(self, cx: &Context) -> Self;

    /// An error with one of these codes becomes `NotYet` while a role or a key may be new: for a code that means
    /// something else at any other time.
    ///
    /// # Errors
    /// The same error, perhaps of another class.
    fn once_spread(self, cx: &Context, codes: &[&str]) -> Self;

    /// `NotFound` becomes `Ok`: for deletes.
    ///
    /// # Errors
    /// Any other error.
    fn gone_is_ok(self) -> Result<(), CallError>;

    /// `NotFound` becomes `None`: for reads of one object by its name.
    ///
    /// # Errors
    /// Any other error.
    fn if_exists(self) -> Result<Option<T>, CallError>;
}

impl<T> CallResult<T> for Result<T, CallError> {
    fn once_visible(self) -> Self {
        self.map_err(|error| match error.class {
            ErrorClass::NotFound => CallError { class: ErrorClass::NotYet, ..error },
            _ => error,
        })
    }

    fn classed(self, codes: &[&str], class: ErrorClass) -> Self {
        self.map_err(|error| match error.code.as_deref() {
            Some(code) if codes.contains(&code) => CallError { class, ..error },
            _ => error,
        })
    }

    fn classed_saying(self, code: &str, text: &str, class: ErrorClass) -> Self {
        self.map_err(|error| match error.code.as_deref() == Some(code) && error.message.contains(text) {
            true => CallError { class, ..error },
            false => error,
        })
    }

    fn once_passed(self, cx: &Context) -> Self {
        self.map_err(|error| match error.class {
            ErrorClass::Denied if error.message.contains("iam:PassRole") && cx.is_access_new() => {
                CallError { class: ErrorClass::NotYet, ..error }
            }
            _ => error,
        })
    }

    fn once_spread(self, cx: &Context, codes: &[&str]) -> Self {
        match cx.is_access_new() {
            true => self.classed(codes, ErrorClass::NotYet),
            false => self,
        }
    }

    fn gone_is_ok(self) -> Result<(), CallError> {
        self.if_exists().map(|_| ())
    }

    fn if_exists(self) -> Result<Option<T>, CallError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A part of an answer that AWS always sends.
///
/// # Errors
/// [`ErrorClass::Ambiguous`] where it is missing: the call took effect, but what it made is not known.
pub fn required<T>(part: Option<T>, operation: &str, name: &str) -> Result<T, CallError> {
    part.ok_or_else(|| CallError::new(ErrorClass::Ambiguous, operation, format!("the answer lacks {name}")))
}

fn classify<E>(error: &SdkError<E, HttpResponse>) -> ErrorClass
where
    E: ProvideErrorMetadata,
{
    match error {
        // The request could not be built: nothing was sent.
        SdkError::ConstructionFailure(_) => ErrorClass::Invalid,
        SdkError::DispatchFailure(failure) => {
            failure.as_connector_error().map_or(ErrorClass::Ambiguous, class_of_dispatch)
        }
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            class_of(service.err().code().unwrap_or_default(), Some(status))
        }
        // A time-out, an answer that cannot be read, and whatever the SDK adds: it may have taken effect.
        _ => ErrorClass::Ambiguous,
    }
}

/// A call that did not get an answer may have taken effect, except where the cause proves that nothing was sent.
fn class_of_dispatch(error: &ConnectorError) -> ErrorClass {
    if error.is_user() {
        return ErrorClass::Invalid;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        // Without credentials nothing is signed, and so nothing is sent.
        if let Some(cause) = cause.downcast_ref::<CredentialsError>() {
            return class_of_credentials(cause);
        }
        // No such host, refused, no handshake, or none of it in time: a request is sent only once there is a connection.
        if cause.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|cause| cause.is_connect()) {
            return ErrorClass::Unreachable;
        }
        // The operating system gives these for an attempt to connect, never on a connection that stands.
        if let Some(cause) = cause.downcast_ref::<io::Error>()
            && matches!(
                cause.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::NetworkDown
            )
        {
            return ErrorClass::Unreachable;
        }
        source = cause.source();
    }
    ErrorClass::Ambiguous
}

/// Credentials are fetched again in the middle of a run. Whether there are none, or whoever gives them did not answer, is
/// the difference between a person who must sign in and a second that must pass.
fn class_of_credentials(error: &CredentialsError) -> ErrorClass {
    match error {
        CredentialsError::ProviderTimedOut(_) => ErrorClass::Unreachable,
        CredentialsError::ProviderError(_) if causes(error).any(is_passing) => ErrorClass::Unreachable,
        _ => ErrorClass::Expired,
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Whether the next attempt may get credentials without anybody doing anything.
fn is_passing(cause: &(dyn Error + 'static)) -> bool {
    is_of_the_network(cause)
        || is_answer_of_a_bad_moment::<AssumeRoleError>(cause)
        || is_answer_of_a_bad_moment::<AssumeRoleWithWebIdentityError>(cause)
}

/// Whether STS was throttled, broken, or silent.
fn is_answer_of_a_bad_moment<E>(cause: &(dyn Error + 'static)) -> bool
where
    E: ProvideErrorMetadata + Error + 'static,
{
    cause.downcast_ref::<SdkError<E, HttpResponse>>().is_some_and(|error| {
        matches!(classify(error), ErrorClass::Throttled | ErrorClass::Ambiguous | ErrorClass::Unreachable)
    })
}

/// Whether a connection could not be made, or did not last. A file that is missing (a profile, a web identity token, the
/// program of a `credential_process`) is no such thing: waiting does not bring it back.
fn is_of_the_network(cause: &(dyn Error + 'static)) -> bool {
    if let Some(cause) = cause.downcast_ref::<ConnectorError>() {
        return cause.is_io() || cause.is_timeout();
    }
    if let Some(cause) = cause.downcast_ref::<io::Error>() {
        return matches!(
            cause.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::NotConnected
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::TimedOut
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::NetworkDown
        );
    }
    false
}

/// What an AWS error code means; `status` is the answer's HTTP status, where there was one of its own.
///
/// EC2's codes are listed in its API Reference, "Error codes for the Amazon EC2 API"; the other services' in the
/// error section of each operation.
#[must_use]
pub fn class_of(code: &str, status: Option<u16>) -> ErrorClass {
    const THROTTLED: [&str; 18] = [
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        // Two calls met on one object and the later was turned away: nothing happened, and waiting helps.
        "ConcurrentModification",
        "ConcurrentModificationException",
        "ConcurrentMutationLimitExceeded",
        "ConcurrentTagAccess",
        "OperationAborted",
        "OperationAbortedException",
    ];
    // Credentials are checked before a request reaches its operation, so a call that is answered with one of these did
    // nothing, whatever it is. `RequestExpired` is EC2's for a session that is over, and also says that this machine's clock
    // is wrong; `TokenRefreshRequired` is S3's.
    const EXPIRED: [&str; 4] =
        ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
    // `AuthorizationError` is SNS's.
    const DENIED: [&str; 13] = [
        "AuthFailure",
        "AuthorizationError",
        "Blocked",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "PendingVerification",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    ];
    const BROKEN: [&str; 6] = [
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
    ];
    // Codes come first: EC2 throttles with status 503.
    if THROTTLED.contains(&code) {
        ErrorClass::Throttled
    } else if EXPIRED.contains(&code) {
        ErrorClass::Expired
    } else if DENIED.contains(&code) || code.starts_with("AccessDenied") {
        ErrorClass::Denied
    } else if code.starts_with("IdempotentParameterMismatch") {
        ErrorClass::Conflict
    } else if code.contains("NotFound") || code.starts_with("NoSuch") || code == "Gateway.NotAttached" {
        ErrorClass::NotFound
    } else if code.contains("AlreadyExist")
        || code.contains("Duplicate")
        || code == "Resource.AlreadyAssociated"
        || code == "InvalidSubnet.Conflict"
    {
        ErrorClass::AlreadyExists
    } else if code.starts_with("DependencyViolation")
        || code.starts_with("DeleteConflict")
        || code.contains("InUse")
        || code == "WAFAssociatedItemException"
    {
        ErrorClass::DependencyViolation
    } else if BROKEN.contains(&code) {
        ErrorClass::Ambiguous
    } else {
        match status {
            Some(429) => ErrorClass::Throttled,
            Some(403) if code.is_empty() => ErrorClass::Denied,
            Some(status) if status >= 500 => ErrorClass::Ambiguous,
            _ => ErrorClass::Invalid,
        }
    }
}

/// AWS's own words where it answered, otherwise the chain of causes.
fn message_of<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(message) = error.message() {
        return message.to_owned();
    }
    let mut text = match error.raw_response() {
        Some(response) => format!("{error} (HTTP status {})", response.status().as_u16()),
        None => error.to_string(),
    };
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type TestError = SdkError<ErrorMetadata, HttpResponse>;

    fn answered(status: u16, code: &str) -> TestError {
        let mut raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        raw.headers_mut().insert("x-amzn-requestid", "4f2");
        SdkError::service_error(ErrorMetadata::builder().code(code).message("in words").build(), raw)
    }

    fn class(error: TestError) -> ErrorClass {
        Err::<(), _>(error).called("Operation").unwrap_err().class
    }

    #[test]
    fn codes_are_classed() {
        use ErrorClass::*;
        let table = [
            (Throttled, 503, "RequestLimitExceeded"),
            (Throttled, 400, "Throttling"),
            (Throttled, 400, "ThrottlingException"),
            (Throttled, 429, "TooManyRequestsException"),
            (Throttled, 503, "EC2ThrottledException"),
            (Throttled, 400, "PriorRequestNotComplete"),
            (Throttled, 503, "SlowDown"),
            (Throttled, 409, "ConcurrentModification"),
            (Throttled, 400, "OperationAbortedException"),
            (NotFound, 400, "InvalidVpcID.NotFound"),
            (NotFound, 400, "InvalidSubnetID.NotFound"),
            (NotFound, 400, "NatGatewayNotFound"),
            (NotFound, 404, "NoSuchEntity"),
            (NotFound, 400, "ResourceNotFoundException"),
            (NotFound, 400, "Gateway.NotAttached"),
            (NotFound, 400, "InvalidRoute.NotFound"),
            (AlreadyExists, 409, "EntityAlreadyExists"),
            (AlreadyExists, 400, "ResourceAlreadyExistsException"),
            (AlreadyExists, 400, "RouteAlreadyExists"),
            (AlreadyExists, 400, "Resource.AlreadyAssociated"),
            (AlreadyExists, 400, "InvalidSubnet.Conflict"),
            (AlreadyExists, 400, "InvalidGroup.Duplicate"),
            (AlreadyExists, 400, "NetworkAclEntryAlreadyExists"),
            (AlreadyExists, 400, "FlowLogAlreadyExists"),
            (DependencyViolation, 400, "DependencyViolation"),
            (DependencyViolation, 409, "DeleteConflict"),
            (DependencyViolation, 400, "InvalidIPAddress.InUse"),
            (DependencyViolation, 400, "ResourceInUseException"),
            (Denied, 403, "UnauthorizedOperation"),
            (Denied, 403, "AuthorizationError"),
            (Denied, 400, "AccessDeniedException"),
            (Denied, 403, "AccessDenied"),
            (Denied, 403, "InvalidClientTokenId"),
            (Expired, 403, "ExpiredToken"),
            (Expired, 400, "ExpiredTokenException"),
            (Expired, 400, "RequestExpired"),
            (Expired, 400, "TokenRefreshRequired"),
            (Denied, 401, "AuthFailure"),
            (Conflict, 400, "IdempotentParameterMismatch"),
            (Invalid, 400, "InvalidParameterValue"),
            (Invalid, 400, "VpcLimitExceeded"),
            (Invalid, 409, "LimitExceeded"),
            (Invalid, 400, "MalformedPolicyDocument"),
            (Ambiguous, 500, "InternalError"),
            (Ambiguous, 503, "ServiceUnavailable"),
            (Ambiguous, 503, "Unavailable"),
            (Ambiguous, 502, "SomethingNew"),
            (Invalid, 400, "SomethingNew"),
        ];
        for (expected, status, code) in table {
            assert_eq!(class(answered(status, code)), expected, "{status} {code}");
        }
    }

    #[test]
    fn an_error_keeps_awss_words_and_the_request_id() {
        let error = Err::<(), _>(answered(400, "VpcLimitExceeded")).called("CreateVpc").unwrap_err();
        assert_eq!(error.to_string(), "CreateVpc: VpcLimitExceeded: in words (request 4f2)");
    }

    #[test]
    fn a_call_without_an_answer_may_have_taken_effect() {
        assert_eq!(class(SdkError::timeout_error("no answer")), ErrorClass::Ambiguous);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(
            class(SdkError::dispatch_failure(ConnectorError::io(reset.into()))),
            ErrorClass::Ambiguous
        );
        let timeout = ConnectorError::timeout("no connection".into());
        assert_eq!(class(SdkError::dispatch_failure(timeout)), ErrorClass::Ambiguous);
        let raw = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::empty());
        assert_eq!(class(SdkError::response_error("not XML", raw)), ErrorClass::Ambiguous);
    }

    #[test]
    fn a_call_that_was_surely_never_sent_is_not_ambiguous() {
        assert_eq!(class(SdkError::construction_failure("no region")), ErrorClass::Invalid);
        let user = ConnectorError::user("bad header".into());
        assert_eq!(class(SdkError::dispatch_failure(user)), ErrorClass::Invalid);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(
            class(SdkError::dispatch_failure(ConnectorError::io(refused.into()))),
            ErrorClass::Unreachable
        );
        let credentials = CredentialsError::not_loaded("no profile");
        assert_eq!(
            class(SdkError::dispatch_failure(ConnectorError::other(credentials.into(), None))),
            ErrorClass::Expired
        );
    }

    #[test]
    fn credentials_that_could_not_be_fetched_just_now_are_not_expired() {
        let class = |error: CredentialsError| {
            class(SdkError::dispatch_failure(ConnectorError::other(error.into(), None)))
        };
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let answer_of_sts = |status: u16, code: &str| {
            let raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
            let error = ErrorMetadata::builder().code(code).build();
            let error = AssumeRoleWithWebIdentityError::generic(error);
            CredentialsError::provider_error(SdkError::service_error(error, raw))
        };
        let of_sts =
            |error: ConnectorError| CredentialsError::provider_error(TestError::dispatch_failure(error));
        for (error, expected) in [
            (
                CredentialsError::provider_timed_out(std::time::Duration::from_secs(5)),
                ErrorClass::Unreachable,
            ),
            (CredentialsError::provider_error(io(io::ErrorKind::ConnectionReset)), ErrorClass::Unreachable),
            // What the clients of STS and IMDS give: the name of the host could not be looked up, and nobody answered.
            (of_sts(ConnectorError::io("dns error".into())), ErrorClass::Unreachable),
            (of_sts(ConnectorError::timeout("no answer".into())), ErrorClass::Unreachable),
            (answer_of_sts(503, "ServiceUnavailable"), ErrorClass::Unreachable),
            (answer_of_sts(400, "Throttling"), ErrorClass::Unreachable),
            (answer_of_sts(400, "ExpiredTokenException"), ErrorClass::Expired),
            (answer_of_sts(403, "AccessDenied"), ErrorClass::Expired),
            (of_sts(ConnectorError::user("bad header".into())), ErrorClass::Expired),
            // The file with the token of a web identity.
            (CredentialsError::provider_error(io(io::ErrorKind::NotFound)), ErrorClass::Expired),
            (CredentialsError::provider_error("the session of this profile is over"), ErrorClass::Expired),
            (CredentialsError::provider_error(answered(403, "ExpiredTokenException")), ErrorClass::Expired),
            (CredentialsError::not_loaded(io(io::ErrorKind::ConnectionRefused)), ErrorClass::Expired),
            (CredentialsError::invalid_configuration("no role"), ErrorClass::Expired),
        ] {
            let text = format!("{error:?}");
            assert_eq!(class(error), expected, "{text}");
        }
    }

    #[test]
    fn a_caller_can_say_what_the_code_does_not() {
        let call = |code| Err::<(), _>(answered(400, code)).called("Operation");
        let class = |result: Result<(), CallError>| result.unwrap_err().class;
        assert_eq!(class(call("InvalidVpcID.NotFound").once_visible()), ErrorClass::NotYet);
        assert_eq!(class(call("VpcLimitExceeded").once_visible()), ErrorClass::Invalid);
        assert_eq!(
            class(call("InvalidParameter").classed(&["InvalidParameter"], ErrorClass::NotYet)),
            ErrorClass::NotYet
        );
        assert_eq!(
            class(call("InvalidOther").classed(&["InvalidParameter"], ErrorClass::NotYet)),
            ErrorClass::Invalid
        );
        assert_eq!(call("InvalidVpcID.NotFound").gone_is_ok(), Ok(()));
        assert_eq!(class(call("DependencyViolation").gone_is_ok()), ErrorClass::DependencyViolation);
        assert_eq!(call("NoSuchEntity").if_exists(), Ok(None));
    }
}
