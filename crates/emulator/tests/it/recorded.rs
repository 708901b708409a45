//! Answers of real AWS that were recorded from it, as tables. An entry is the recording's row and plain fact, the answer of
//! AWS, and the call with its input, so that the next recorded answer is one entry more. Rows beginning with `A` are what AWS
//! refuses, with `B` what it shows, with `C` its codes, with `D` what it accepts; `+` marks a neighbour of a row that is known
//! from AWS's documentation or its users.

use std::fmt::Debug;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Code and HTTP status of a refused call, such as `NotFoundException 404`, or `ok`.
pub(crate) fn answer<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E, HttpResponse>>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(SdkError::ServiceError(error)) => {
            let code = error.err().code().unwrap_or("none");
            format!("{code} {}", error.raw().status().as_u16())
        }
        Err(_) => "no answer".to_owned(),
    }
}

/// Members of an answer, as a table has them.
pub(crate) fn shown(members: &impl Debug) -> String {
    format!("{members:?}")
}
