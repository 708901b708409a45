//! Requests to one registry: with its tokens, its redirections, and repeated while they may pass.
//!
//! Errors never have a URL with its query in them: that of a layer is often signed, and as good as a password.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws::Called;
use aws_sdk_ecr::operation::batch_get_image::BatchGetImageError;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::byte_stream::ByteStream;
use engine::{CallError, ErrorClass};
use http::Uri;
use serde::Deserialize;
use serde_json::Value;

use super::challenge::Challenge;
use super::credentials::Basic;
use super::reference::{Reference, is_loopback};
use crate::ImageError;
use crate::again::patiently;
use crate::blob::Pieces;

/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a request is repeated.
const REPEATED_FOR: Duration = Duration::from_secs(45);
const REDIRECTIONS_AT_MOST: usize = 5;
/// How often a blob is asked for again without getting a byte more of it.
const RESUMED_AT_MOST: u32 = 5;
const WORDS_AT_MOST: usize = 200;

/// One registry, for one repository.
pub(crate) struct Session {
    pub(crate) connector: SharedHttpConnector,
    pub(crate) reference: Reference,
    pub(crate) basic: Option<Basic>,
    /// The program that may know the credentials.
    pub(crate) helper: Option<String>,
    /// The header that the registry lets in.
    pub(crate) authorization: Mutex<Option<String>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// What is asked for, below the repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) accept: &'a str,
    /// The first byte.
    pub(crate) from: u64,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

fn error(class: ErrorClass, operation: &str, code: Option<u16>, message: impl Into<String>) -> CallError {
    CallError { code: code.map(|code| code.to_string()), ..CallError::new(class, operation, message) }
}

/// A URL as it may be shown.
fn shown(url: &str) -> String {
    format!("GET {}", url.split('?').next().unwrap_or(url))
}

impl Session {
    /// The answer to a request, which is one of success; repeated while it may pass.
    pub(crate) async fn get(&self, asked: Asked<'_>) -> Result<HttpResponse, ImageError> {
        let answer = patiently(asked.path, REPEATED_FOR, || self.get_once(asked)).await;
        answer.map_err(|cause| self.failed(cause))
    }

    /// The same with its whole body, if that is not larger than `at_most`. For the first request: a host that does not exist, or on
    /// which nobody listens, is an error at once.
    pub(crate) async fn document(
        &self,
        asked: Asked<'_>,
        at_most: u64,
    ) -> Result<(HttpResponse, Vec<u8>), ImageError> {
        let get = || async {
            match self.document_once(asked, at_most).await {
                Err(error) if error.class == ErrorClass::Unreachable => Ok(Err(error)),
                other => other.map(Ok),
            }
        };
        let answer = patiently(asked.path, REPEATED_FOR, get).await;
        answer.and_then(|answer| answer).map_err(|cause| self.failed(cause))
    }

    async fn document_once(
        &self,
        asked: Asked<'_>,
        at_most: u64,
    ) -> Result<(HttpResponse, Vec<u8>), CallError> {
        let mut response = self.get_once(asked).await?;
        let bytes = body(&self.operation(asked.path), &mut response, at_most).await?;
        Ok((response, bytes))
    }

    fn operation(&self, path: &str) -> String {
        format!("GET {}/{path}", self.reference.base())
    }

    /// The error for a request that failed for good.
    fn failed(&self, cause: CallError) -> ImageError {
        let host = self.reference.login_host();
        let hint = match (cause.class, &self.helper, &self.basic) {
            (ErrorClass::Denied, Some(helper), None) => format!(
                "the credentials for {host} may be in the credential helper `{helper}`, which is not run here: pull the image with \
                 `docker pull`, write it with `docker save`, and give the archive; or check its name"
            ),
            (ErrorClass::Denied, None, None) => {
                format!("check the name of the image, or log in with `docker login {host}`")
            }
            (ErrorClass::Denied, _, Some(_)) => {
                format!("check the name of the image, and whether the credentials for {host} are still valid")
            }
            (ErrorClass::Throttled, _, None) => {
                format!("log in with `docker login {host}`: registries limit anonymous pulls")
            }
            (ErrorClass::NotFound, ..) => "check the name of the image, and its tag or digest".to_owned(),
            _ => "check the connection to the registry, and run again".to_owned(),
        };
        ImageError::Registry { place: self.reference.to_string(), cause, hint }
    }

    async fn get_once(&self, asked: Asked<'_>) -> Result<HttpResponse, CallError> {
        let url = format!("{}/{}", self.reference.base(), asked.path);
        let operation = shown(&url);
        let mut is_challenged = false;
        loop {
            let authorization = self.authorization.lock().ok().and_then(|header| header.clone());
            let mut response = self.follow(&url, asked, authorization.as_deref()).await?;
            let status = response.status().as_u16();
            let class = match status {
                200 if asked.from == 0 => return Ok(response),
                206 if asked.from > 0 => return Ok(response),
                401 if !is_challenged => {
                    is_challenged = true;
                    let header = response.headers().get("www-authenticate").unwrap_or_default().to_owned();
                    let header = self.let_in(&operation, &header).await?;
                    if let Ok(mut authorization) = self.authorization.lock() {
                        *authorization = Some(header);
                    }
                    continue;
                }
                401 | 403 => ErrorClass::Denied,
                404 => ErrorClass::NotFound,
                429 => ErrorClass::Throttled,
                500.. => ErrorClass::Ambiguous,
                _ => ErrorClass::Invalid,
            };
            let words = body(&operation, &mut response, 1 << 16).await.unwrap_or_default();
            return Err(error(class, &operation, Some(status), words_of(status, &words)));
        }
    }

    /// The header that answers a challenge.
    async fn let_in(&self, operation: &str, header: &str) -> Result<String, CallError> {
        let denied = |words: &str| error(ErrorClass::Denied, operation, Some(401), words);
        let scope = format!("repository:{}:pull", self.reference.repository);
        let url = match Challenge::read(header, &scope) {
            Some(Challenge::Bearer { url }) => url,
            Some(Challenge::Basic) => {
                return match &self.basic {
                    Some(basic) => Ok(basic.header()),
                    None => Err(denied("the registry asks for credentials")),
                };
            }
            None => {
                return Err(denied("the registry asks for a kind of authentication that is not known here"));
            }
        };
        let asked = Asked { path: "", accept: "application/json", from: 0 };
        let basic = self.basic.as_ref().map(Basic::header);
        let operation = shown(&url);
        let mut response = self.follow(&url, asked, basic.as_deref()).await?;
        let status = response.status().as_u16();
        let answer = body(&operation, &mut response, 1 << 20).await?;
        let class = match status {
            200 => ErrorClass::Invalid,
            429 => ErrorClass::Throttled,
            500.. => ErrorClass::Ambiguous,
            _ => ErrorClass::Denied,
        };
        if status != 200 {
            return Err(error(class, &operation, Some(status), words_of(status, &answer)));
        }
        let token: Option<Token> = serde_json::from_slice(&answer).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let token = token.ok_or_else(|| error(class, &operation, None, "the answer has no token"))?;
        Ok(format!("Bearer {token}"))
    }

    /// Sends a request, and those that its answer leads to. Credentials are for the first host only.
    async fn follow(
        &self,
        url: &str,
        asked: Asked<'_>,
        authorization: Option<&str>,
    ) -> Result<HttpResponse, CallError> {
        let mut url = url.to_owned();
        let mut authorization = authorization;
        for _ in 0..=REDIRECTIONS_AT_MOST {
            let operation = shown(&url);
            let wrong = |words: &str| error(ErrorClass::Invalid, &operation, None, words);
            let uri: Uri = url.parse().map_err(|_| wrong("this is not a valid URL"))?;
            let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
                return Err(wrong("this is not a valid URL"));
            };
            let is_own = is_loopback(&self.reference.host) && is_loopback(authority.as_str());
            if scheme != "https" && !is_own {
                return Err(wrong("the registry leads to a connection that is not encrypted"));
            }
            let mut request = HttpRequest::get(&url).map_err(|_| wrong("this is not a valid URL"))?;
            let range = (asked.from > 0).then(|| format!("bytes={}-", asked.from));
            let headers = [
                ("accept", Some(asked.accept)),
                ("range", range.as_deref()),
                ("authorization", authorization),
            ];
            for (name, value) in headers {
                let Some(value) = value else { continue };
                let set = request.headers_mut().try_insert(name, value.to_owned());
                set.map_err(|_| wrong("a credential has characters that a header cannot have"))?;
            }
            let lost = |words: String| error(ErrorClass::Ambiguous, &operation, None, words);
            let answer = tokio::time::timeout(SILENCE, self.connector.call(request)).await;
            let answer = answer.map_err(|_| lost(format!("no answer within {} s", SILENCE.as_secs())))?;
            let response = answer.map_err(|error| {
                let words = causes(&error);
                // Whether anything was sent is decided where it is for all calls.
                let failed: Result<(), SdkError<BatchGetImageError, HttpResponse>> =
                    Err(SdkError::dispatch_failure(error));
                match failed.called(&operation) {
                    Err(call) => CallError { message: words, ..call },
                    Ok(()) => lost(words),
                }
            })?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let next = response.headers().get("location").unwrap_or_default();
            let next = match next.starts_with('/') && !next.starts_with("//") {
                true => format!("{scheme}://{authority}{next}"),
                false => next.to_owned(),
            };
            let same = |next: Uri| next.authority() == Some(authority) && next.scheme_str() == Some(scheme);
            if !next.parse().is_ok_and(same) {
                authorization = None;
            }
            url = next;
        }
        Err(error(
            ErrorClass::Invalid,
            &shown(&url),
            None,
            "the registry leads from one place to another without end",
        ))
    }
}

/// An error and its causes.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What a registry says in an error (OCI Distribution Specification, "Error codes").
fn words_of(status: u16, answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let words = answer["errors"][0]["message"].as_str().or(answer["details"].as_str());
    let words = words.unwrap_or(match status {
        401 | 403 => "access denied",
        404 => "not found",
        429 => "too many requests",
        _ => "the registry gives no reason",
    });
    let words = words.chars().filter(|each| !each.is_control());
    words.take(WORDS_AT_MOST).collect()
}

async fn next(operation: &str, stream: &mut ByteStream) -> Result<Option<Vec<u8>>, CallError> {
    let lost = |words: String| error(ErrorClass::Ambiguous, operation, None, words);
    match tokio::time::timeout(SILENCE, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(bytes))) => Ok(Some(bytes.to_vec())),
        Ok(Some(Err(error))) => Err(lost(causes(&error))),
        Err(_) => Err(lost(format!("nothing came within {} s", SILENCE.as_secs()))),
    }
}

async fn body(operation: &str, response: &mut HttpResponse, at_most: u64) -> Result<Vec<u8>, CallError> {
    let mut stream = ByteStream::new(response.take_body());
    let mut bytes = Vec::new();
    while let Some(piece) = next(operation, &mut stream).await? {
        bytes.extend(piece);
        if bytes.len() as u64 > at_most {
            let words = format!("the answer has more than {at_most} bytes");
            return Err(error(ErrorClass::Invalid, operation, None, words));
        }
    }
    Ok(bytes)
}

/// Reads a blob, and goes on where the connection was lost.
pub(crate) struct Download {
    pub(crate) session: Arc<Session>,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) size: u64,
    at: u64,
    stream: Option<ByteStream>,
    rest: Vec<u8>,
    failures: u32,
}

impl Download {
    pub(crate) fn new(session: Arc<Session>, path: String, accept: &'static str, size: u64) -> Self {
        Self { session, path, accept, size, at: 0, stream: None, rest: Vec::new(), failures: 0 }
    }

    async fn more(&mut self) -> Result<Option<Vec<u8>>, ImageError> {
        let operation = self.session.operation(&self.path);
        loop {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None if self.at > 0 && self.at >= self.size => return Ok(None),
                None => {
                    let asked = Asked { path: &self.path, accept: self.accept, from: self.at };
                    ByteStream::new(self.session.get(asked).await?.into_body())
                }
            };
            let cause = match next(&operation, &mut stream).await {
                Ok(Some(bytes)) => {
                    if !bytes.is_empty() {
                        self.failures = 0;
                    }
                    self.stream = Some(stream);
                    return Ok(Some(bytes));
                }
                Ok(None) if self.at >= self.size => return Ok(None),
                Ok(None) => {
                    let words = format!("the answer ended after {} of {} bytes", self.at, self.size);
                    error(ErrorClass::Ambiguous, &operation, None, words)
                }
                Err(cause) => cause,
            };
            self.failures += 1;
            if self.failures > RESUMED_AT_MOST {
                return Err(self.session.failed(cause));
            }
        }
    }
}

#[async_trait]
impl Pieces for Download {
    async fn piece(&mut self, at_most: usize) -> std::io::Result<Vec<u8>> {
        while self.rest.is_empty() {
            match self.more().await.map_err(std::io::Error::other)? {
                Some(bytes) => self.rest = bytes,
                None => return Ok(Vec::new()),
            }
        }
        let later = self.rest.split_off(at_most.min(self.rest.len()));
        let now = std::mem::replace(&mut self.rest, later);
        self.at += now.len() as u64;
        Ok(now)
    }
}
