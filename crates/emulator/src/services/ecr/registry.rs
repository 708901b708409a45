//! The registry: the same images and layers over the API that every client of registries speaks (OCI Distribution Specification).
//!
//! | request | what it is in ECR's words, for the call log and plans of faults |
//! |---|---|
//! | `GET /v2/` | `GET /v2/`: whether the token is good |
//! | `HEAD`, `GET /v2/NAME/blobs/DIGEST` | BatchCheckLayerAvailability, GetDownloadUrlForLayer |
//! | `POST /v2/NAME/blobs/uploads/` | InitiateLayerUpload |
//! | `PATCH`, `PUT /v2/NAME/blobs/uploads/ID` | UploadLayerPart, CompleteLayerUpload |
//! | `HEAD`, `GET /v2/NAME/manifests/REFERENCE` | BatchGetImage |
//! | `PUT /v2/NAME/manifests/REFERENCE` | PutImage |
//! | `GET /v2/NAME/tags/list` | ListImages |
//!
//! A client finds it at the `proxyEndpoint` of GetAuthorizationToken. That is AWS's own host name, unless a server was asked: then it
//! is that server, at the port at which it was asked. There the repository of the URI `HOST/NAME` is `127.0.0.1:PORT/NAME`, in the
//! region of the token. The `repositoryUri` is always AWS's, since task definitions name images by it.
//!
//! Where ECR is known to differ from the specification, this differs in the same way:
//!
//! - `PATCH` is answered with 201, and only the first one of an upload adds something. A client that uploads in chunks is told so
//!   by the digest in the end (aws/containers-roadmap#2831). `POST` and one `PUT`, or one `PATCH` between them, work.
//! - A layer is never mounted from another repository, as long as an account has not asked for it (Amazon ECR User Guide, "Blob
//!   mounting"): such a request begins an upload.
//! - A tag that is immutable is refused with `TAG_INVALID`, for the digest that has it too (aws/containers-roadmap#2380).
//! - A manifest is put without a `Location` in the answer (some clients say so).
//!
//! What is not known of ECR, and here as the specification and its first implementation have it: the status of `TAG_INVALID` and of
//! a manifest that names what is not there (400), of a manifest that is too long (413); the order of tags; that a layer comes from
//! the registry itself, where ECR leads to S3. From memory: a token that cannot be read is answered with 400, and one that is too old
//! with 403. Deleting over this API, `_catalog`, referrers, and cancelling an upload are refused (`UNSUPPORTED`).

use http::Uri;
use serde_json::{Map, Value, json};

use super::image::{self, ImageId};
use super::is_digest;
use super::layer::{self, LAYER_AT_MOST, digest_of};
use super::token::Token;
use crate::protocol::apis::Claimed;
use crate::protocol::bounds::{is_region, is_the_server};
use crate::protocol::model::form_pairs;
use crate::protocol::request::Http;
use crate::protocol::response::Response;
use crate::services::{ACCOUNT_ID, Call, Cx, Refusal, ensure, page_by_key};

/// ECR API Reference, ImageManifest.
const MANIFEST_AT_MOST: usize = 4_194_304;
/// How many tags a page has where the client does not say.
const PAGE: usize = 1000;
const WITHOUT_REGION: &str = "us-east-1";

/// What a path leads to.
#[derive(Debug, PartialEq)]
enum Place<'a> {
    Base,
    Tags(&'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
    Elsewhere,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let rest = match path.strip_prefix("/v2") {
            Some("") => return Some(Place::Base),
            Some(rest) => rest.strip_prefix('/')?,
            None => return None,
        };
        if rest.is_empty() {
            return Some(Place::Base);
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Some(Place::Tags(name));
        }
        if let Some(name) =
            rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads"))
        {
            return Some(Place::Uploads(name));
        }
        let found = rest.rsplit_once("/blobs/uploads/").map(|(name, id)| Place::Upload(name, id));
        let found = found.or_else(|| rest.rsplit_once("/blobs/").map(|(name, one)| Place::Blob(name, one)));
        let found =
            found.or_else(|| rest.rsplit_once("/manifests/").map(|(name, one)| Place::Manifest(name, one)));
        Some(found.filter(|place| !place.last().contains('/')).unwrap_or(Place::Elsewhere))
    }

    fn last(&self) -> &'a str {
        match self {
            Place::Manifest(_, last) | Place::Blob(_, last) | Place::Upload(_, last) => last,
            _ => "",
        }
    }

    fn name(&self) -> Option<&'a str> {
        match self {
            Place::Tags(name) | Place::Uploads(name) => Some(name),
            Place::Manifest(name, _) | Place::Blob(name, _) | Place::Upload(name, _) => Some(name),
            Place::Base | Place::Elsewhere => None,
        }
    }

    /// The action of IAM that a request needs (Amazon ECR User Guide, "IAM permissions for pushing an image"); `None` for what is not
    /// served.
    fn operation(&self, method: &str) -> Option<&'static str> {
        Some(match (self, method) {
            (Place::Base, "GET") => "GET /v2/",
            (Place::Base, "HEAD") => "HEAD /v2/",
            (Place::Tags(_), "GET") => "ListImages",
            (Place::Manifest(..), "GET" | "HEAD") => "BatchGetImage",
            (Place::Manifest(..), "PUT") => "PutImage",
            (Place::Blob(..), "HEAD") => "BatchCheckLayerAvailability",
            (Place::Blob(..), "GET") => "GetDownloadUrlForLayer",
            (Place::Uploads(_), "POST") => "InitiateLayerUpload",
            (Place::Upload(..), "PATCH") => "UploadLayerPart",
            (Place::Upload(..), "PUT") => "CompleteLayerUpload",
            _ => return None,
        })
    }

    fn parameters(&self) -> Value {
        let mut parameters = Map::new();
        let mut note = |name: &str, value: &str| drop(parameters.insert(name.to_owned(), json!(value)));
        if let Some(name) = self.name() {
            note("repositoryName", name);
        }
        match self {
            Place::Manifest(_, digest) if is_digest(digest) => note("imageDigest", digest),
            Place::Manifest(_, tag) => note("imageTag", tag),
            Place::Blob(_, digest) => note("layerDigest", digest),
            Place::Upload(_, id) => note("uploadId", id),
            _ => {}
        }
        Value::Object(parameters)
    }
}

/// The host, the path and the query of a request.
fn parts(http: &Http) -> Option<(Uri, String)> {
    let uri: Uri = http.uri.parse().ok()?;
    let path = uri.path().replace("%3A", ":").replace("%3a", ":");
    Some((uri, path))
}

/// The region of a host of the registry; the first is `None` on a server, which serves all regions.
fn region_of(host: &str) -> Option<Option<String>> {
    if is_the_server(host) {
        return Some(None);
    }
    let (account, rest) = host.split_once(".dkr.ecr.")?;
    let region = rest.strip_suffix(".amazonaws.com").filter(|region| is_region(region))?;
    (account == ACCOUNT_ID).then(|| Some(region.to_owned()))
}

/// What a request is, if it is for the registry: it has a path below `/v2`, and no signature of AWS's.
pub(crate) fn claim(http: &Http) -> Option<Claimed> {
    let authorization = http.header("authorization");
    let is_signed =
        authorization.is_some_and(|text| text.starts_with("AWS4-")) || http.uri.contains("X-Amz-Signature=");
    if is_signed {
        return None;
    }
    let (uri, path) = parts(http)?;
    let place = Place::of(&path)?;
    let region = region_of(uri.host()?)?;
    let region = region.or_else(|| authorization.and_then(Token::read).map(|token| token.region));
    Some(Claimed {
        service: "ecr",
        operation: place
            .operation(&http.method)
            .map_or_else(|| format!("{} /v2/", http.method), str::to_owned),
        // Without a token it is refused, wherever.
        region: region.unwrap_or_else(|| WITHOUT_REGION.to_owned()),
        parameters: place.parameters(),
        body_at_most: LAYER_AT_MOST,
    })
}

/// Answers a request that was [claimed](claim).
pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Response {
    let answered = admitted(cx, call).and_then(|()| route(cx, call));
    let mut response = answered.unwrap_or_else(|refusal| call.refuse(in_own_words(refusal)));
    response.headers.push(("docker-distribution-api-version".to_owned(), "registry/2.0".to_owned()));
    response
}

fn refusal(status: u16, code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message).with_status(status)
}

/// What a client of registries knows for what ECR says.
fn in_own_words(refused: Refusal) -> Refusal {
    let (status, code) = match refused.code.as_str() {
        "RepositoryNotFoundException" => (404, "NAME_UNKNOWN"),
        "UploadNotFoundException" => (404, "BLOB_UPLOAD_UNKNOWN"),
        "EmptyUploadException" => (400, "BLOB_UPLOAD_INVALID"),
        "InvalidLayerException" | "ImageDigestDoesNotMatchException" => (400, "DIGEST_INVALID"),
        "LayersNotFoundException" | "ReferencedImagesNotFoundException" => (400, "MANIFEST_BLOB_UNKNOWN"),
        "ImageTagAlreadyExistsException" => (400, "TAG_INVALID"),
        "InvalidParameterException" => (400, "MANIFEST_INVALID"),
        "LimitExceededException" => (413, "SIZE_INVALID"),
        "KmsException" => (403, "DENIED"),
        _ => return refused,
    };
    Refusal { status, code: code.to_owned(), ..refused }
}

/// Scheme and authority that the client used.
fn base(call: &Call) -> String {
    let uri = call.http.uri.as_str();
    let from = uri.find("://").map_or(0, |at| at + 3);
    uri[from..].find('/').map_or(uri, |slash| &uri[..from + slash]).to_owned()
}

/// Whether the token is good.
fn admitted(cx: &Cx<'_>, call: &Call) -> Result<(), Refusal> {
    let Some(authorization) = call.http.header("authorization") else {
        let challenge = format!("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"", base(call));
        return Err(refusal(401, "UNAUTHORIZED", "Not Authorized").with_header("www-authenticate", challenge));
    };
    let token = Token::read(authorization)
        .ok_or_else(|| refusal(400, "DENIED", "Your Authorization Token is invalid."))?;
    ensure(token.ends_at_millis > cx.now_millis, || {
        refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
    })
}

fn route(cx: &mut Cx<'_>, call: &Call) -> Result<Response, Refusal> {
    let unsupported = || refusal(404, "UNSUPPORTED", "The registry of the emulator does not have this.");
    let (uri, path) = parts(&call.http).ok_or_else(unsupported)?;
    let place = Place::of(&path).ok_or_else(unsupported)?;
    let method = call.http.method.as_str();
    let query =
        form_pairs(uri.query().unwrap_or_default()).map_err(|reason| refusal(400, "UNSUPPORTED", reason))?;
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if let Some(name) = place.name() {
        ensure(is_name(name), || {
            refusal(400, "NAME_INVALID", format!("'{name}' is not the name of a repository."))
        })?;
        cx.r.ecr.repository(None, name)?;
    }
    match (method, place) {
        ("GET" | "HEAD", Place::Base) => {
            Ok(reply(200, &[("content-type", "application/json")], b"{}".to_vec()))
        }
        ("GET", Place::Tags(name)) => tags(cx, name, asked("n"), asked("last")),
        ("GET" | "HEAD", Place::Manifest(name, reference)) => manifest(cx, name, reference, method),
        ("PUT", Place::Manifest(name, reference)) => put_manifest(cx, call, name, reference),
        ("HEAD", Place::Blob(name, digest)) => {
            let layer = cx.r.ecr.repository(None, name)?.layers.get(digest).ok_or_else(|| no_blob(digest))?;
            Ok(content(method, "application/octet-stream", digest, layer.size, Vec::new))
        }
        ("GET", Place::Blob(name, digest)) => {
            let bytes = layer::read(cx, name, digest)?.ok_or_else(|| no_blob(digest))?;
            Ok(content(method, "application/octet-stream", digest, bytes.len() as u64, || bytes.to_vec()))
        }
        ("POST", Place::Uploads(name)) => {
            let id = layer::begin(cx, name)?;
            Ok(uploading(call, 202, name, &id, 0))
        }
        ("PATCH", Place::Upload(name, id)) => patch(cx, call, name, id),
        ("PUT", Place::Upload(name, id)) => put_upload(cx, call, name, id, asked("digest")),
        _ => Err(unsupported()),
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body, error: None }
}

/// A layer or a manifest, or only what it is.
fn content(
    method: &str,
    media_type: &str,
    digest: &str,
    size: u64,
    body: impl FnOnce() -> Vec<u8>,
) -> Response {
    let size = size.to_string();
    let headers =
        [("content-type", media_type), ("content-length", &size), ("docker-content-digest", digest)];
    reply(200, &headers, if method == "HEAD" { Vec::new() } else { body() })
}

/// An upload that goes on: where, and what has been received of it.
fn uploading(call: &Call, status: u16, name: &str, id: &str, received: u64) -> Response {
    let location = format!("{}/v2/{name}/blobs/uploads/{id}", base(call));
    let range = format!("0-{}", received.saturating_sub(1));
    let headers = [
        ("location", location.as_str()),
        ("range", &range),
        ("docker-upload-uuid", id),
        ("content-length", "0"),
    ];
    reply(status, &headers, Vec::new())
}

fn made(place: Option<&str>, digest: &str) -> Response {
    let own = [("docker-content-digest", digest), ("content-length", "0")];
    let headers: Vec<_> = own.into_iter().chain(place.map(|place| ("location", place))).collect();
    reply(201, &headers, Vec::new())
}

fn no_blob(digest: &str) -> Refusal {
    refusal(404, "BLOB_UNKNOWN", format!("The layer '{digest}' does not exist in the repository."))
}

/// Only the first part of an upload adds something.
fn patch(cx: &mut Cx<'_>, call: &Call, name: &str, id: &str) -> Result<Response, Refusal> {
    let upload = layer::state_of(cx, name, id)?;
    let received =
        if upload.patched { upload.received } else { layer::append(cx, name, id, &call.http.body)? };
    layer::patched(cx, name, id)?;
    Ok(uploading(call, 201, name, id, received))
}

fn put_upload(
    cx: &mut Cx<'_>,
    call: &Call,
    name: &str,
    id: &str,
    digest: Option<&str>,
) -> Result<Response, Refusal> {
    let digest = digest.filter(|digest| is_digest(digest)).ok_or_else(|| {
        refusal(400, "DIGEST_INVALID", "The digest of the layer is not given, or is not one of sha256.")
    })?;
    match layer::complete(cx, name, id, &call.http.body, digest) {
        Err(refused) if refused.code == "LayerAlreadyExistsException" => {}
        other => other?,
    }
    Ok(made(Some(&format!("{}/v2/{name}/blobs/{digest}", base(call))), digest))
}

fn manifest(cx: &Cx<'_>, name: &str, reference: &str, method: &str) -> Result<Response, Refusal> {
    check_reference(reference)?;
    let repository = cx.r.ecr.repository(None, name)?;
    let (manifest, media_type, digest) = image::pull(repository, reference)
        .ok_or_else(|| refusal(404, "MANIFEST_UNKNOWN", "Requested image not found"))?;
    Ok(content(method, media_type, digest, manifest.len() as u64, || manifest.as_bytes().to_vec()))
}

fn put_manifest(cx: &mut Cx<'_>, call: &Call, name: &str, reference: &str) -> Result<Response, Refusal> {
    check_reference(reference)?;
    let bad = |reason: &str| refusal(400, "MANIFEST_INVALID", format!("The manifest is invalid: {reason}."));
    let body = &call.http.body;
    ensure(body.len() <= MANIFEST_AT_MOST, || {
        bad(&format!("it has more than {MANIFEST_AT_MOST} bytes")).with_status(413)
    })?;
    let text = std::str::from_utf8(body).map_err(|_| bad("it is not UTF-8"))?;
    let read: Value = serde_json::from_str(text).map_err(|_| bad("it is not JSON"))?;
    ensure(layer::names_digests(&read), || bad("a part of it has no digest"))?;
    let media_type =
        call.http.header("content-type").map(|given| given.split(';').next().unwrap_or(given).trim());
    let media_type = media_type.filter(|given| !given.is_empty()).map(str::to_owned);
    let is_by_digest = is_digest(reference);
    let id = ImageId {
        image_digest: is_by_digest.then(|| reference.to_owned()),
        image_tag: (!is_by_digest).then(|| reference.to_owned()),
    };
    let digest = match image::push(cx, name, text.to_owned(), media_type, &id) {
        Err(refused) if refused.code == "ImageAlreadyExistsException" => digest_of(body),
        other => other?,
    };
    Ok(made(None, &digest))
}

/// The tags in the order of the alphabet, in pages.
fn tags(cx: &Cx<'_>, name: &str, size: Option<&str>, after: Option<&str>) -> Result<Response, Refusal> {
    let size =
        match size {
            None => PAGE,
            Some(text) => text.parse().ok().filter(|size| (1..=PAGE).contains(size)).ok_or_else(|| {
                refusal(400, "PAGINATION_NUMBER_INVALID", format!("n is from 1 to {PAGE}."))
            })?,
        };
    let all = image::tags(cx.r.ecr.repository(None, name)?);
    let (page, next) = page_by_key(all.into_iter().map(|tag| (tag, tag)), after, size);
    let link = next.map(|last| format!("</v2/{name}/tags/list?n={size}&last={last}>; rel=\"next\""));
    let own = [("content-type", "application/json")];
    let headers: Vec<_> = own.into_iter().chain(link.as_deref().map(|link| ("link", link))).collect();
    Ok(reply(200, &headers, json!({"name": name, "tags": page}).to_string().into_bytes()))
}

/// ECR API Reference, CreateRepository, `repositoryName`: lower-case words with signs between them.
fn is_name(name: &str) -> bool {
    let is_word = |word: &str| {
        let (first, last) = (word.bytes().next(), word.bytes().last());
        let is_end =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let mut inner = word.bytes();
        is_end(first)
            && is_end(last)
            && inner.all(|byte| is_end(Some(byte)) || matches!(byte, b'.' | b'_' | b'-'))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(is_word)
}

/// A reference is a digest or a tag. Others are refused before they are looked for, as a tag with `+` is
/// (bazel-contrib/rules_oci#720).
fn check_reference(reference: &str) -> Result<(), Refusal> {
    let mut bytes = reference.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let is_tag = begins && bytes.all(goes_on) && reference.len() <= 128;
    ensure(is_tag || is_digest(reference), || {
        refusal(400, "MANIFEST_INVALID", format!("'{reference}' is neither a tag nor a digest of sha256."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_place() {
        for (path, place) in [
            ("/v2", Some(Place::Base)),
            ("/v2/", Some(Place::Base)),
            ("/v2/a/b/tags/list", Some(Place::Tags("a/b"))),
            ("/v2/a/b/manifests/latest", Some(Place::Manifest("a/b", "latest"))),
            ("/v2/a/blobs/sha256:0", Some(Place::Blob("a", "sha256:0"))),
            ("/v2/a/blobs/uploads/", Some(Place::Uploads("a"))),
            ("/v2/a/blobs/uploads", Some(Place::Uploads("a"))),
            ("/v2/a/blobs/uploads/1", Some(Place::Upload("a", "1"))),
            ("/v2/a/manifests/x/y", Some(Place::Elsewhere)),
            ("/v2/_catalog", Some(Place::Elsewhere)),
            ("/v2x", None),
            ("/v1/", None),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }

    #[test]
    fn a_signed_request_and_one_to_another_host_are_not_claimed() {
        let claimed = |uri: &str, authorization: Option<&str>| {
            let headers = authorization.map(|text| ("authorization".to_owned(), text.to_owned()));
            let http = Http {
                method: "GET".to_owned(),
                uri: uri.to_owned(),
                headers: headers.into_iter().collect(),
                body: Vec::new(),
            };
            claim(&http).map(|claimed| claimed.region)
        };
        let host = format!("https://{ACCOUNT_ID}.dkr.ecr.eu-west-1.amazonaws.com/v2/");
        assert_eq!(claimed(&host, None).as_deref(), Some("eu-west-1"));
        assert_eq!(claimed("http://127.0.0.1:4566/v2/", None).as_deref(), Some(WITHOUT_REGION));
        let signature = "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/apigateway/aws4_request";
        assert_eq!(claimed("http://127.0.0.1:4566/v2/vpclinks", Some(signature)), None);
        assert_eq!(claimed("https://apigateway.eu-west-1.amazonaws.com/v2/vpclinks", None), None);
        assert_eq!(claimed("http://127.0.0.1:4566/", None), None);
        assert_eq!(claimed(&host.replace(ACCOUNT_ID, "111122223333"), None), None);
    }

    #[test]
    fn names_of_repositories() {
        for name in ["shop", "shop/web", "a-b/c_d.e"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a", "Shop", "shop/", "/shop", "shop//web", "-shop", "shop/../x", "shop web"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
