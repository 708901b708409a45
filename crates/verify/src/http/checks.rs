//! The checks that send requests.

use apigw::ApiKeyValue;
use http::Uri;
use http::header::HeaderName;

use super::client::{Answer, Client, Header, HttpError};
use super::endpoints::{Api, Endpoints, LoadBalancer, Unasked};
use crate::result::{Check, Finding, Verdict};

/// A path of the API that needs a key.
const PROTECTED: &str = "/payments";
/// The one that needs none.
const HEALTH: &str = "/health";
/// In API Gateway's own errors ("Gateway response types"), and in nothing that comes from behind it.
const ERROR_TYPE: &str = "x-amzn-errortype";
/// In all that goes through API Gateway.
const REQUEST_ID: &str = "x-amzn-requestid";
/// Where a REST API wants its key (`ApiKeySourceType`: `HEADER`).
const KEY: HeaderName = HeaderName::from_static("x-api-key");

const REACH: &str = "see that this machine reaches the internet without a proxy, and that `alb.ingress_cidrs`, its security \
                     group and the firewall let it in; a name that is a few minutes old may not be known everywhere yet";
const HEALTHY: &str = "look at the targets' health and at the application's log (`outputs appLogGroupName`)";
const HEALTHY_BEHIND_API: &str = "look at the targets' health and at the application's log (`outputs appLogGroupName`); \
      status 404 means that another path reached the application, which `request_url` in the load balancer's access log shows";
const GATEWAY: &str =
    "look at the API's access log (`outputs apiAccessLogGroupName`) for the status and the error type";
const CERTIFIED: &str = "`refresh` shows whether somebody changed the listeners; `up` repairs them";

type Asked = Result<Answer, HttpError>;

/// All checks over HTTP. Their requests run at once, and change nothing: all are `GET`.
///
/// The key is sent to the API and shown nowhere. Without one, what needs it fails, and says why there is none.
pub async fn checks(client: &Client, endpoints: &Endpoints, key: &Result<ApiKeyValue, String>) -> Vec<Check> {
    let no_application = endpoints.no_application.as_deref();
    let (mut checks, of_api) = tokio::join!(
        load_balancer(client, &endpoints.load_balancer, no_application),
        api(client, &endpoints.api, no_application, key),
    );
    checks.extend(of_api);
    checks
}

/// Asks for a URL; a text that is none is told as a failed request.
async fn ask(client: &Client, url: &str, headers: &[Header<'_>]) -> Asked {
    let uri: Uri = url.parse().map_err(|_| HttpError::Url(url.to_owned()))?;
    client.get(&uri, None, headers).await
}

fn joined(root: &Uri, path: &str) -> String {
    format!("{}{path}", root.to_string().trim_end_matches('/'))
}

/// What is wrong with an answer, or with there being none.
fn judged(url: &str, expected: &str, asked: &Asked, good: impl Fn(&Answer) -> bool) -> Verdict {
    let found = match asked {
        Ok(answer) if good(answer) => return Verdict::Judged(Vec::new()),
        Ok(answer) => format!("status {}", answer.status),
        Err(error) => error.to_string(),
    };
    Verdict::Judged(vec![Finding::new(url, expected, found)])
}

async fn load_balancer(
    client: &Client,
    endpoint: &Result<LoadBalancer, Unasked>,
    no_application: Option<&str>,
) -> Vec<Check> {
    let [root, health, https] = match endpoint {
        Err(unasked) => std::array::from_fn(|_| unasked.verdict()),
        Ok(balancer) => {
            let (root, health) = tokio::join!(
                client.get(&balancer.http, None, &[]),
                balancer_health(client, balancer, no_application),
            );
            let url = balancer.http.to_string();
            let reached = judged(&url, "an answer, whatever it is", &root, |_| true);
            [reached, health, redirect(&url, balancer, &root)]
        }
    };
    vec![
        root.of("http/load-balancer", "the load balancer answers", REACH),
        health.of(
            "http/load-balancer-health",
            "the application answers the load balancer's /health",
            HEALTHY,
        ),
        https.of("http/load-balancer-https", "the load balancer sends HTTP to HTTPS", CERTIFIED),
    ]
}

async fn balancer_health(client: &Client, balancer: &LoadBalancer, no_application: Option<&str>) -> Verdict {
    if let Some(reason) = no_application {
        return Verdict::skipped(reason);
    }
    let (root, name) = match &balancer.https {
        Some((root, name)) => (root, Some(name.as_str())),
        None => (&balancer.http, None),
    };
    let url = joined(root, &balancer.health_path);
    let asked = match url.parse::<Uri>() {
        Ok(uri) => client.get(&uri, name, &[]).await,
        Err(_) => Err(HttpError::Url(url.clone())),
    };
    judged(&url, "status 200", &asked, |answer| answer.status == 200)
}

fn redirect(url: &str, balancer: &LoadBalancer, asked: &Asked) -> Verdict {
    if balancer.https.is_none() {
        return Verdict::skipped("the load balancer has no certificate: `alb.certificate_arn` is not set");
    }
    judged(url, "status 301 to https://", asked, |answer| {
        answer.status == 301 && answer.header("location").starts_with("https://")
    })
}

async fn api(
    client: &Client,
    endpoint: &Result<Api, Unasked>,
    no_application: Option<&str>,
    key: &Result<ApiKeyValue, String>,
) -> Vec<Check> {
    let [health, refuses, accepts, headers, plain] = match endpoint {
        Err(unasked) => std::array::from_fn(|_| unasked.verdict()),
        Ok(api) => ask_api(client, api, no_application, key).await,
    };
    vec![
        health.of(
            "http/api-health",
            "the application answers the API's /health, without a key",
            HEALTHY_BEHIND_API,
        ),
        refuses.of("http/api-refuses", "the API refuses who has no key", GATEWAY),
        accepts.of("http/api-key", "the API lets in who has the key", GATEWAY),
        headers.of("http/api-headers", "the API's answers have a content type and a request id", GATEWAY),
        plain.of("http/api-plain", "the API does not answer plain HTTP", GATEWAY),
    ]
}

async fn ask_api(
    client: &Client,
    api: &Api,
    no_application: Option<&str>,
    key: &Result<ApiKeyValue, String>,
) -> [Verdict; 5] {
    let (health_url, protected_url) = (format!("{}{HEALTH}", api.url), format!("{}{PROTECTED}", api.url));
    let plain_url = format!("{}{HEALTH}", api.plain_url);
    let (health, refused, accepted, plain) = tokio::join!(
        ask(client, &health_url, &[]),
        ask(client, &protected_url, &[]),
        with_key(client, &protected_url, key),
        ask(client, &plain_url, &[]),
    );
    [
        match no_application {
            Some(reason) => Verdict::skipped(reason),
            None => judged(&health_url, "status 200", &health, |answer| answer.status == 200),
        },
        judged(&protected_url, "status 403 by API Gateway", &refused, is_refusal),
        accepted,
        headers(&protected_url, &refused),
        unanswered(&plain_url, &plain),
    ]
}

/// A 403 of API Gateway's own, which says why in a header; one without it comes from behind it, so the request went through.
fn is_refusal(answer: &Answer) -> bool {
    answer.status == 403 && !answer.header(ERROR_TYPE).is_empty()
}

async fn with_key(client: &Client, url: &str, key: &Result<ApiKeyValue, String>) -> Verdict {
    let expected = "an answer that is no refusal by API Gateway";
    let key = match key {
        Ok(key) => key,
        Err(reason) => return Verdict::Judged(vec![Finding::new(url, "a key to send", reason)]),
    };
    let asked = ask(client, url, &[Header::Key(KEY, key)]).await;
    judged(url, expected, &asked, |answer| !is_refusal(answer))
}

/// Of the refusal: whatever the application does, API Gateway writes that one.
fn headers(url: &str, asked: &Asked) -> Verdict {
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) => return Verdict::Judged(vec![Finding::new(url, "an answer", error.to_string())]),
    };
    let missing = ["content-type", REQUEST_ID].into_iter().filter(|name| answer.header(name).is_empty());
    let finding = |name: &str| Finding::new(url, format!("the header {name}"), "the answer has none");
    Verdict::Judged(missing.map(finding).collect())
}

/// No answer, a way to HTTPS, or a refusal are all good. Anything else was served in the clear.
fn unanswered(url: &str, asked: &Asked) -> Verdict {
    let good = |answer: &Answer| {
        let https = answer.status.is_redirection() && answer.header("location").starts_with("https://");
        https || answer.status.is_client_error()
    };
    match asked {
        Err(HttpError::Url(_)) | Ok(_) => {
            judged(url, "no answer, a refusal, or a redirect to https://", asked, good)
        }
        Err(_) => Verdict::Judged(Vec::new()),
    }
}
