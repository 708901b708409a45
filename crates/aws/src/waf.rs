//! WAF's client and WAF's errors, which have names of their own.

use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::CallResult;

/// The client for WAF.
#[must_use]
pub fn waf(cx: &Context) -> aws_sdk_wafv2::Client {
    cx.client(aws_sdk_wafv2::Client::new)
}

/// A call to WAF, whose errors have names of their own.
///
/// What is new takes up to minutes until it can be used everywhere, and is "unavailable" until then; and a change that
/// another one overtook is to be made again on what is there now.
pub trait OfWaf: Sized {
    /// The same result, with the class that WAF's code means.
    #[must_use]
    fn of_waf(self) -> Self;
}

impl<T> OfWaf for Result<T, CallError> {
    fn of_waf(self) -> Self {
        const AGAIN: [&str; 5] = [
            "WAFOptimisticLockException",
            "WAFServiceLinkedRoleErrorException",
            "WAFTagOperationException",
            "WAFTagOperationInternalErrorException",
            "WAFUnavailableEntityException",
        ];
        self.classed(&["WAFNonexistentItemException"], ErrorClass::NotFound)
            .classed(&AGAIN, ErrorClass::NotYet)
    }
}
