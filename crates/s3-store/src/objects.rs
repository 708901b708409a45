//! Objects of one bucket: read, and written and deleted under a condition, until S3 has answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws::Called as _;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ServerSideEncryption, Tag, Tagging};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use engine::{Backoff, CallError, ErrorClass, Pace};
use tokio::time::timeout;

use crate::error::S3Error;

/// Somebody waits for each of these calls, and S3 answers in some ten milliseconds.
const PACE: Pace = Pace { first: Duration::from_millis(200), factor: 2.0, longest: Duration::from_secs(4) };

/// How long one attempt may take.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(10);

/// How long a call is sent again. The lock has its own, shorter deadline, which the engine sets.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// What must be true for a write to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition<'a> {
    /// There is no such object.
    Absent,
    /// There never was one. Nobody deletes or overwrites what is written so.
    New,
    /// It has this ETag.
    Is(&'a str),
}

/// How long an object is needed. A lifecycle rule goes by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// For good.
    Current,
    /// Until it is replaced, and then for a while.
    Snapshot,
    /// No longer than it is the current version.
    Lock,
}

/// The tag that says what an object is kept for.
pub(crate) const KEPT: &str = "stack:kept";

impl Kept {
    /// As a query string, which is how S3 takes tags with an object.
    fn tagging(self) -> Option<&'static str> {
        match self {
            Kept::Current => None,
            Kept::Snapshot => Some("stack%3Akept=state"),
            Kept::Lock => Some("stack%3Akept=lock"),
        }
    }
}

/// One object as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: String,
}

/// The objects of one bucket.
pub(crate) struct Objects {
    pub(crate) client: Client,
    pub(crate) bucket: String,
    /// The account that the bucket must belong to: its name is free for everybody once it was deleted.
    pub(crate) owner: Option<String>,
    /// What new objects are encrypted with, where that is not the bucket's default.
    pub(crate) kms_key: Option<String>,
    /// Whether S3 has ever answered. Until then, an endpoint that nobody listens on is an error at once.
    answered: AtomicBool,
}

/// A version of an object, or a delete marker.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) id: String,
    /// `None` of a delete marker.
    pub(crate) body: Option<Vec<u8>>,
}

/// So many versions of an object are looked at, the newest ones: whoever looks wants to know what a few hands did to it.
const VERSIONS: i32 = 100;

/// What became of a call that was sent until it was answered.
struct Sent<T> {
    answer: Result<T, S3Error>,
    /// Whether an attempt before the last one may have had its effect.
    may_be_done: bool,
}

/// What to do about a call that failed.
enum Verdict {
    /// Send it again.
    Again,
    /// The condition does not hold.
    Unmet,
    /// Give up.
    Failed,
}

impl Objects {
    pub(crate) fn new(
        client: Client,
        bucket: String,
        owner: Option<String>,
        kms_key: Option<String>,
    ) -> Self {
        Self { client, bucket, owner, kms_key, answered: AtomicBool::new(false) }
    }

    /// The object, or `None` if there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>, S3Error> {
        Ok(self.find(key).await?.ok())
    }

    /// The object; if there is none, whether there was one that somebody deleted.
    pub(crate) async fn find(&self, key: &str) -> Result<Result<Object, bool>, S3Error> {
        match self.got(key).await {
            Ok(object) => Ok(Ok(object)),
            Err(error) if error.code() == "NoSuchKey" => Ok(Err(error.deleted)),
            Err(error) => Err(error),
        }
    }

    async fn got(&self, key: &str) -> Result<Object, S3Error> {
        const OPERATION: &str = "GetObject";
        self.insisting(OPERATION, key, || async {
            let call = self.client.get_object().bucket(&self.bucket).key(key);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            let answer = call.send().await.map_err(|error| self.failed(OPERATION, error))?;
            let etag = self.etag(answer.e_tag, OPERATION)?;
            // A connection that breaks in the middle of the body is as good as no answer.
            let body = answer.body.collect().await.map_err(|error| self.cut_off(OPERATION, &error))?;
            Ok(Object { body: body.to_vec(), etag })
        })
        .await
    }

    /// Writes an object; its ETag, or `None` if the condition does not hold.
    pub(crate) async fn put(
        &self,
        key: &str,
        body: &[u8],
        condition: Condition<'_>,
        kept: Kept,
    ) -> Result<Option<String>, S3Error> {
        const OPERATION: &str = "PutObject";
        let put = self.sending(OPERATION, key, || async {
            let call = self.client.put_object().bucket(&self.bucket).key(key);
            let call = call.set_expected_bucket_owner(self.owner.clone()).content_type("application/json");
            let call = match &self.kms_key {
                Some(key) => call.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key),
                None => call,
            };
            let call = match condition {
                Condition::Absent | Condition::New => call.if_none_match("*"),
                Condition::Is(etag) => call.if_match(etag),
            };
            let call = call.set_tagging(kept.tagging().map(str::to_owned)).body(body.to_vec().into());
            let answer = call.send().await.map_err(|error| self.failed(OPERATION, error))?;
            self.etag(answer.e_tag, OPERATION)
        });
        let Sent { answer, may_be_done } = put.await;
        match answer {
            Ok(etag) => Ok(Some(etag)),
            // Either somebody else was faster, or an attempt before had its effect and nobody learned of it.
            Err(error) if is_unmet(&error) => match (self.get(key).await?, condition) {
                (Some(there), _) if there.body == body => Ok(Some(there.etag)),
                // What is there stays there, so ours never was.
                (Some(_), Condition::New) => Ok(None),
                // Of a lease nobody needs to know more than whose it is now.
                _ if may_be_done && kept != Kept::Lock => {
                    let message = "an earlier attempt was not answered, and now another process has changed the object: whether \
                                   this write took effect before that is not known";
                    Err(self.error(CallError::new(ErrorClass::Ambiguous, OPERATION, message)))
                }
                _ => Ok(None),
            },
            Err(error) => Err(error),
        }
    }

    /// Deletes an object that has this ETag; whether that was done. If there is nothing any more and an attempt was not answered,
    /// that attempt is taken for the one that deleted it: whoever asks has seen the object.
    pub(crate) async fn delete(&self, key: &str, etag: &str) -> Result<bool, S3Error> {
        const OPERATION: &str = "DeleteObject";
        let deleted = self.sending(OPERATION, key, || async {
            let call = self.client.delete_object().bucket(&self.bucket).key(key).if_match(etag);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            call.send().await.map(drop).map_err(|error| self.failed(OPERATION, error))
        });
        let Sent { answer, may_be_done } = deleted.await;
        match answer {
            Ok(()) => Ok(true),
            Err(error) if is_unmet(&error) => Ok(may_be_done && self.get(key).await?.is_none()),
            Err(error) => Err(error),
        }
    }

    /// All versions of an object and its delete markers, the newest first, with what they hold.
    pub(crate) async fn versions(&self, key: &str) -> Result<Vec<Old>, S3Error> {
        const OPERATION: &str = "ListObjectVersions";
        let listed = self.insisting(OPERATION, key, || async {
            let call = self.client.list_object_versions().bucket(&self.bucket).prefix(key).max_keys(VERSIONS);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            call.send().await.map_err(|error| self.failed(OPERATION, error))
        });
        let listed = listed.await?;
        // Both lists are in the order of time; together, the newest is the one that is the latest.
        let markers = listed.delete_markers.unwrap_or_default().into_iter();
        let markers = markers.filter(|marker| marker.key.as_deref() == Some(key));
        let mut all: Vec<(bool, String, bool)> = markers
            .filter_map(|marker| Some((marker.is_latest == Some(true), marker.version_id?, false)))
            .collect();
        let versions = listed.versions.unwrap_or_default().into_iter();
        let versions = versions.filter(|version| version.key.as_deref() == Some(key));
        all.extend(
            versions.filter_map(|version| Some((version.is_latest == Some(true), version.version_id?, true))),
        );
        all.sort_by_key(|(is_latest, ..)| !is_latest);
        let mut found = Vec::new();
        for (_, id, has_body) in all {
            let body = if has_body { self.version(key, &id).await? } else { None };
            if has_body && body.is_none() {
                continue;
            }
            found.push(Old { id, body });
        }
        Ok(found)
    }

    /// What one version holds; `None` if it is gone by now.
    async fn version(&self, key: &str, id: &str) -> Result<Option<Vec<u8>>, S3Error> {
        const OPERATION: &str = "GetObject";
        let got = self.insisting(OPERATION, key, || async {
            let call = self.client.get_object().bucket(&self.bucket).key(key).version_id(id);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            let answer = call.send().await.map_err(|error| self.failed(OPERATION, error))?;
            let body = answer.body.collect().await.map_err(|error| self.cut_off(OPERATION, &error))?;
            Ok(body.to_vec())
        });
        match got.await {
            Ok(body) => Ok(Some(body)),
            Err(error) if matches!(error.code(), "NoSuchVersion" | "NoSuchKey") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there was an object and its newest version is a delete marker, which S3 says with the 404.
    pub(crate) async fn was_deleted(&self, key: &str) -> Result<bool, S3Error> {
        Ok(self.find(key).await?.is_err_and(|deleted| deleted))
    }

    /// Marks an object as history, which a lifecycle rule may expire.
    pub(crate) async fn mark_as_history(&self, key: &str) -> Result<(), S3Error> {
        const OPERATION: &str = "PutObjectTagging";
        self.insisting(OPERATION, key, || async {
            let tags = Tagging::builder().tag_set(tag(KEPT, "history")).build();
            let tags = tags.expect("there is a set of tags");
            let call = self.client.put_object_tagging().bucket(&self.bucket).key(key).tagging(tags);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            call.send().await.map(drop).map_err(|error| self.failed(OPERATION, error))
        })
        .await
    }

    /// The keys that begin like this, the first ones in S3's order.
    pub(crate) async fn first_keys(&self, prefix: &str, at_most: i32) -> Result<Vec<String>, S3Error> {
        const OPERATION: &str = "ListObjectsV2";
        let listed = self.insisting(OPERATION, prefix, || async {
            let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).max_keys(at_most);
            let call = call.set_expected_bucket_owner(self.owner.clone());
            call.send().await.map_err(|error| self.failed(OPERATION, error))
        });
        let contents = listed.await?.contents.unwrap_or_default();
        Ok(contents.into_iter().filter_map(|object| object.key).collect())
    }

    /// What lies below a prefix, as the next part of each key, up to a slash.
    pub(crate) async fn folders(&self, prefix: &str) -> Result<Vec<String>, S3Error> {
        const OPERATION: &str = "ListObjectsV2";
        let (mut folders, mut token) = (Vec::new(), None::<String>);
        loop {
            let page = self.insisting(OPERATION, prefix, || async {
                let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).delimiter("/");
                let call = call.set_expected_bucket_owner(self.owner.clone());
                let call = call.set_continuation_token(token.clone());
                call.send().await.map_err(|error| self.failed(OPERATION, error))
            });
            let page = page.await?;
            let found = page.common_prefixes.unwrap_or_default().into_iter().filter_map(|found| found.prefix);
            let names =
                found.filter_map(|found| Some(found.strip_prefix(prefix)?.trim_end_matches('/').to_owned()));
            folders.extend(names);
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(folders);
            }
        }
    }

    /// Sends a call until it is answered for good, within a minute.
    pub(crate) async fn insisting<T, F>(
        &self,
        operation: &str,
        key: &str,
        call: impl FnMut() -> F,
    ) -> Result<T, S3Error>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        self.sending(operation, key, call).await.answer
    }

    /// The same, and what is known of the attempts before.
    async fn sending<T, F>(&self, operation: &str, key: &str, mut call: impl FnMut() -> F) -> Sent<T>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let mut backoff = Backoff::new(key, PACE, ANSWER_WITHIN);
        let mut may_be_done = false;
        loop {
            let answer = timeout(ATTEMPT_WITHIN, call()).await.unwrap_or_else(|_| {
                let message = format!("no answer within {} s", ATTEMPT_WITHIN.as_secs());
                Err(self.error(CallError::new(ErrorClass::Ambiguous, operation, message)))
            });
            let error = match answer {
                Ok(value) => {
                    self.answered.store(true, Ordering::Relaxed);
                    return Sent { answer: Ok(value), may_be_done };
                }
                Err(error) => error,
            };
            let unreachable = error.call.class == ErrorClass::Unreachable;
            if unreachable && !self.answered.load(Ordering::Relaxed) {
                return Sent { answer: Err(error), may_be_done };
            }
            if !unreachable && error.call.class.is_certain() {
                self.answered.store(true, Ordering::Relaxed);
            }
            match verdict(&error) {
                Verdict::Again if backoff.wait().await => may_be_done |= !error.call.class.is_certain(),
                Verdict::Again => {
                    let message = format!("not within {} s; last seen: {error}", ANSWER_WITHIN.as_secs());
                    // What it was to the end is what is to be done about, unless an earlier attempt may have been done.
                    let class = if may_be_done { ErrorClass::Ambiguous } else { error.call.class };
                    let error = self.error(CallError { class, message, ..error.call });
                    return Sent { answer: Err(error), may_be_done };
                }
                Verdict::Unmet | Verdict::Failed => {
                    let answer = Err(self.with_owner(error).await);
                    return Sent { answer, may_be_done };
                }
            }
        }
    }

    /// Of a refusal, whether it is about the account that the bucket must belong to: without that condition, S3 answers.
    async fn with_owner(&self, error: S3Error) -> S3Error {
        let Some(owner) = self.owner.as_ref().filter(|_| error.call.class == ErrorClass::Denied) else {
            return error;
        };
        let answers = async |owner: Option<String>| {
            let call = self.client.head_bucket().bucket(&self.bucket).set_expected_bucket_owner(owner);
            matches!(timeout(ATTEMPT_WITHIN, call.send()).await, Ok(Ok(_)))
        };
        let is_not_of = !answers(Some(owner.clone())).await && answers(None).await;
        let not_of = is_not_of.then(|| owner.clone());
        S3Error { not_of, ..error }
    }

    /// Classes an error of the SDK. An answer without a body, or of a store that is not S3, has no code: then the status says it.
    pub(crate) fn failed<E>(&self, operation: &str, error: SdkError<E, HttpResponse>) -> S3Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let raw = error.raw_response();
        let status = raw.map(|raw| raw.status().as_u16());
        let header = |name: &'static str| raw.and_then(|raw| raw.headers().get(name));
        let region = header("x-amz-bucket-region").map(str::to_owned);
        let deleted = header("x-amz-delete-marker") == Some("true");
        let mut call = match Err::<(), _>(error).called(operation) {
            Err(call) => call,
            Ok(()) => unreachable!("it is an error"),
        };
        if call.code.is_none() {
            let code = match status {
                Some(412) => "PreconditionFailed",
                Some(409) => "ConditionalRequestConflict",
                Some(301) => "PermanentRedirect",
                _ => "",
            };
            call.code = Some(code.to_owned()).filter(|code| !code.is_empty());
        }
        S3Error { call, region, bucket: self.bucket.clone(), not_of: None, deleted }
    }

    fn error(&self, call: CallError) -> S3Error {
        S3Error { call, region: None, bucket: self.bucket.clone(), not_of: None, deleted: false }
    }

    fn cut_off(&self, operation: &str, error: &dyn std::error::Error) -> S3Error {
        self.error(CallError::new(ErrorClass::Ambiguous, operation, error.to_string()))
    }

    fn etag(&self, etag: Option<String>, operation: &str) -> Result<String, S3Error> {
        etag.ok_or_else(|| {
            self.error(CallError::new(ErrorClass::Invalid, operation, "the answer lacks an ETag"))
        })
    }
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

fn is_unmet(error: &S3Error) -> bool {
    matches!(verdict(error), Verdict::Unmet)
}

fn verdict(error: &S3Error) -> Verdict {
    match (error.code(), error.call.class) {
        // For a write with `If-Match` and for a delete it says that there is nothing that could match.
        ("PreconditionFailed" | "NoSuchKey", _) => Verdict::Unmet,
        // Another request for this object was under way, or S3 did not get all of the body in time. This attempt did nothing.
        ("ConditionalRequestConflict" | "RequestTimeout", _) => Verdict::Again,
        // 501: whatever was sent, it will not do.
        ("NotImplemented", _) => Verdict::Failed,
        (_, class) if class.is_transient() || !class.is_certain() => Verdict::Again,
        _ => Verdict::Failed,
    }
}
