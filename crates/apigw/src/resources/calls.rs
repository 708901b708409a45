//! What calls to API Gateway share: clients, error classes, patches and tags.

use aws::{CallResult, Context, Tags};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use engine::{CallError, ErrorClass};

/// The largest page of a list.
pub(super) const PAGE: i32 = 500;

/// The client for REST APIs.
pub(crate) fn gateway(cx: &Context) -> aws_sdk_apigateway::Client {
    cx.client(aws_sdk_apigateway::Client::new)
}

/// The client for VPC links of the second generation.
pub(super) fn links(cx: &Context) -> aws_sdk_apigatewayv2::Client {
    cx.client(aws_sdk_apigatewayv2::Client::new)
}

/// API Gateway has few codes and many meanings.
pub(super) trait OfGateway: Sized {
    /// A conflict is that something is there already. But two changes of one API that meet are one, too: the later one
    /// was turned away, and is to be sent again.
    fn of_gateway(self) -> Self;

    /// The same for a delete: a conflict is that something still uses the object.
    fn of_delete(self) -> Self;
}

const CONFLICT: &str = "ConflictException";
const BAD_REQUEST: &str = "BadRequestException";
const OVERTAKEN: &str = "concurrent modification";

impl<T> OfGateway for Result<T, CallError> {
    fn of_gateway(self) -> Self {
        self.classed(&[CONFLICT], ErrorClass::AlreadyExists).classed_saying(
            CONFLICT,
            OVERTAKEN,
            ErrorClass::Throttled,
        )
    }

    fn of_delete(self) -> Self {
        self.classed(&[CONFLICT], ErrorClass::DependencyViolation)
            .classed_saying(CONFLICT, OVERTAKEN, ErrorClass::Throttled)
            .classed_saying(BAD_REQUEST, "Active stages", ErrorClass::DependencyViolation)
            .classed_saying(BAD_REQUEST, "Cannot delete", ErrorClass::DependencyViolation)
    }
}

/// One change, by JSON Pointer (API Gateway API Reference, "Patch Operations").
pub(super) fn patch(op: Op, path: impl Into<String>, value: Option<String>) -> PatchOperation {
    PatchOperation::builder().op(op).path(path).set_value(value).build()
}

/// Another value. What is written as an empty text is taken away.
pub(super) fn replace(path: impl Into<String>, value: impl ToString) -> PatchOperation {
    patch(Op::Replace, path, Some(value.to_string()))
}

/// A part of a path that is a path or a media type itself.
pub(super) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// The ARN of an object, which has no account in it.
pub(super) fn arn(cx: &Context, path: &str) -> String {
    format!("arn:{}:apigateway:{}::{path}", cx.partition(), cx.region())
}

/// Changes tags of an object of REST APIs from `before` to `wanted`. Sends nothing where they are the same.
pub(super) async fn retag(cx: &Context, path: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    aws::tag_by_arn!(
        before.changes_to(wanted),
        gateway(cx),
        &arn(cx, path),
        |tags| tags.map(),
        OfGateway::of_gateway
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> Result<(), CallError> {
        let error = CallError::new(ErrorClass::Invalid, "Operation", message);
        Err(CallError { code: Some(code.to_owned()), ..error })
    }

    fn class(refused: Result<(), CallError>) -> ErrorClass {
        refused.unwrap_err().class
    }

    #[test]
    fn a_conflict_is_something_that_is_there_or_that_is_used_or_another_change_of_the_api() {
        let there = || refused(CONFLICT, "Stage already exists");
        assert_eq!(class(there().of_gateway()), ErrorClass::AlreadyExists);
        let used = || refused(CONFLICT, "Cannot delete validator 'a', is referenced by method 'GET'");
        assert_eq!(class(used().of_delete()), ErrorClass::DependencyViolation);
        let overtaken = || {
            refused(
                CONFLICT,
                "Unable to complete operation due to concurrent modification. Please try again later.",
            )
        };
        assert_eq!(class(overtaken().of_gateway()), ErrorClass::Throttled);
        assert_eq!(class(overtaken().of_delete()), ErrorClass::Throttled);
    }

    #[test]
    fn what_is_in_use_is_waited_for_and_what_is_wrong_is_not() {
        for text in [
            "Active stages pointing to this deployment must be moved or deleted",
            "Cannot delete vpc link. Vpc link 'a', is referenced in [b:GET:c:dev] in format of \
             [RESTApiId:Method:Resource:Stage].",
        ] {
            assert_eq!(class(refused(BAD_REQUEST, text).of_delete()), ErrorClass::DependencyViolation);
        }
        assert_eq!(class(refused(BAD_REQUEST, "Invalid stage").of_delete()), ErrorClass::Invalid);
        assert_eq!(class(refused(BAD_REQUEST, "Invalid stage").of_gateway()), ErrorClass::Invalid);
    }

    #[test]
    fn a_slash_in_a_name_is_escaped() {
        assert_eq!(escaped("a/b~c"), "a~1b~0c");
    }
}
