//! Requests to servers that answer well, wrongly, or not at all.

use std::time::Duration;

use apigw::{ApiKeyId, ApiKeyValue};
use engine::{CallError, ErrorClass};
use http::Uri;
use http::header::{self, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use verify::http::{Api, Client, Endpoints, Header, HttpError, LoadBalancer, Unasked, checks};
use verify::{Check, Outcome, Subject};

use crate::server::{Head, Sent, Server, client, nobody};
use crate::world::{World, failed, findings, live_of, outcome, reason};

const LIMIT: Duration = Duration::from_secs(10);

/// A key as API Gateway keeps it.
async fn key() -> ApiKeyValue {
    let world = World::deployed("dev").await;
    let subject = world.subject().await;
    let id = ApiKeyId::from(subject.outputs["apiKeyId"].as_str().unwrap());
    apigw::api_key_value(&testing::context(&world.emulator), &id).await.unwrap()
}

fn header(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

/// A refusal of API Gateway's own.
fn refusal() -> Head {
    let headers = vec![
        header("content-type", "application/json"),
        header("x-amzn-RequestId", "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
        header("x-amzn-ErrorType", "ForbiddenException"),
    ];
    (403, headers)
}

/// An API that does what it should.
fn good_api(key: &ApiKeyValue) -> impl Fn(&Sent) -> Head + Send + Sync + 'static {
    let key = key.clone();
    move |sent: &Sent| match sent.path.as_str() {
        "/dev/health" => (200, vec![header("content-type", "application/json")]),
        "/dev/payments" if sent.headers.get("x-api-key").is_some_and(|sent| sent == key.expose()) => {
            (200, Vec::new())
        }
        "/dev/payments" => refusal(),
        _ => (404, Vec::new()),
    }
}

/// A load balancer that does what it should.
fn good_balancer(sent: &Sent) -> Head {
    match sent.path.as_str() {
        "/health" => (200, Vec::new()),
        _ => (404, Vec::new()),
    }
}

fn balancer(server: &Server) -> LoadBalancer {
    LoadBalancer { http: server.url("/").parse().unwrap(), https: None, health_path: "/health".to_owned() }
}

async fn endpoints(balancer_at: &Server, api_at: &Server) -> Endpoints {
    Endpoints {
        load_balancer: Ok(balancer(balancer_at)),
        api: Ok(Api { url: api_at.url("/dev"), plain_url: format!("http://{}/dev", nobody().await) }),
        no_application: None,
    }
}

async fn run(endpoints: &Endpoints, key: &ApiKeyValue) -> Vec<Check> {
    checks(&client(LIMIT), endpoints, &Ok(key.clone())).await
}

#[tokio::test]
async fn a_stack_that_answers_well_passes() {
    let key = key().await;
    let (balancer, api) = (Server::new(good_balancer).await, Server::secure(good_api(&key)).await);
    let checks = run(&endpoints(&balancer, &api).await, &key).await;
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(
        ids,
        [
            "http/load-balancer",
            "http/load-balancer-health",
            "http/load-balancer-https",
            "http/api-health",
            "http/api-refuses",
            "http/api-key",
            "http/api-headers",
            "http/api-plain"
        ]
    );
    for check in &checks {
        match check.id {
            "http/load-balancer-https" => assert!(reason(&checks, check.id).contains("certificate")),
            _ => assert_eq!(check.outcome, Outcome::Passed, "{}", check.id),
        }
    }
    // The key goes to the API alone, once, and into no message. Everybody is told who asks: AWS's firewall refuses others.
    let with_key =
        |server: &Server| server.sent().iter().filter(|sent| sent.headers.contains_key("x-api-key")).count();
    assert_eq!((with_key(&balancer), with_key(&api)), (0, 1));
    let sent = [balancer.sent(), api.sent()].concat();
    let named =
        |sent: &Sent| sent.headers["user-agent"].to_str().unwrap().starts_with("payment-stack-verify/");
    assert!(sent.len() == 5 && sent.iter().all(named), "{sent:?}");
    assert_eq!(api.sent()[0].headers["host"], api.address.to_string());
    assert!(!format!("{checks:?}").contains(key.expose()));
}

#[tokio::test]
async fn each_wrong_answer_of_the_api_fails_the_check_that_is_about_it() {
    let key = key().await;
    let balancer = Server::new(good_balancer).await;
    let is = |sent: &Sent, path: &str, with_key: bool| {
        sent.path == path && sent.headers.contains_key("x-api-key") == with_key
    };
    type Wrong = Box<dyn Fn(&Sent) -> Option<Head> + Send + Sync>;
    let wrong: Vec<(Wrong, &[&str], &str)> = vec![
        (
            Box::new(move |sent| is(sent, "/dev/health", false).then(|| (503, Vec::new()))),
            &["http/api-health"],
            "found status 503 Service Unavailable",
        ),
        (
            Box::new(move |sent| is(sent, "/dev/health", false).then(refusal)),
            &["http/api-health"],
            "found status 403 Forbidden",
        ),
        // Another path than the one that was called reaches the application, such as one with the name of the stage.
        (
            Box::new(move |sent| is(sent, "/dev/health", false).then(|| (404, Vec::new()))),
            &["http/api-health"],
            "found status 404 Not Found",
        ),
        // Somebody is let in without a key.
        (
            Box::new(move |sent| {
                let headers = vec![header("content-type", "text/html"), header("x-amzn-requestid", "1")];
                is(sent, "/dev/payments", false).then_some((200, headers))
            }),
            &["http/api-refuses"],
            "found status 200 OK",
        ),
        // The application refuses, which is behind the API: the request was let in.
        (
            Box::new(move |sent| {
                let headers = vec![header("content-type", "text/html"), header("x-amzn-requestid", "1")];
                is(sent, "/dev/payments", false).then_some((403, headers))
            }),
            &["http/api-refuses"],
            "expected status 403 by API Gateway; found status 403 Forbidden",
        ),
        (
            Box::new(move |sent| is(sent, "/dev/payments", true).then(refusal)),
            &["http/api-key"],
            "found status 403 Forbidden",
        ),
        (
            Box::new(move |sent| {
                let (status, mut headers) = refusal();
                headers.retain(|(name, _)| *name != "x-amzn-RequestId");
                is(sent, "/dev/payments", false).then_some((status, headers))
            }),
            &["http/api-headers"],
            "expected the header x-amzn-requestid; found the answer has none",
        ),
        (
            Box::new(move |sent| {
                let (status, mut headers) = refusal();
                headers.retain(|(name, _)| *name != "content-type");
                is(sent, "/dev/payments", false).then_some((status, headers))
            }),
            &["http/api-headers"],
            "expected the header content-type; found the answer has none",
        ),
    ];
    for (wrong, failing, said) in wrong {
        let good = good_api(&key);
        let api = Server::secure(move |sent| wrong(sent).unwrap_or_else(|| good(sent))).await;
        let checks = run(&endpoints(&balancer, &api).await, &key).await;
        assert_eq!(failed(&checks), failing);
        let found = findings(&checks, failing[0]);
        assert!(found[0].ends_with(said), "{found:?}");
    }
}

/// What the application says to who has a key is its own affair.
#[tokio::test]
async fn an_application_that_refuses_by_itself_has_been_reached() {
    let key = key().await;
    let balancer = Server::new(good_balancer).await;
    for status in [401, 403, 404, 429, 503] {
        let good = good_api(&key);
        let api = Server::secure(move |sent: &Sent| match sent.headers.contains_key("x-api-key") {
            true => (status, Vec::new()),
            false => good(sent),
        })
        .await;
        let checks = run(&endpoints(&balancer, &api).await, &key).await;
        assert_eq!(failed(&checks), Vec::<&str>::new(), "{status}");
    }
}

#[tokio::test]
async fn plain_http_may_be_refused_or_redirected_and_nothing_else() {
    let key = key().await;
    let balancer = Server::new(good_balancer).await;
    let api = Server::secure(good_api(&key)).await;
    let location = |to: &str| vec![header("location", to)];
    for (status, headers, good) in [
        (403, Vec::new(), true),
        (301, location("https://x.example/dev/health"), true),
        (301, location("http://x.example/dev/health"), false),
        (200, Vec::new(), false),
        (503, Vec::new(), false),
    ] {
        let shown = format!("{status} {headers:?}");
        let plain = Server::new(move |_| (status, headers.clone())).await;
        let mut endpoints = endpoints(&balancer, &api).await;
        if let Ok(api) = &mut endpoints.api {
            api.plain_url = plain.url("/dev");
        }
        let checks = run(&endpoints, &key).await;
        let wanted: &[&str] = if good { &[] } else { &["http/api-plain"] };
        assert_eq!(failed(&checks), wanted, "{shown}");
        assert_eq!(plain.sent()[0].path, "/dev/health");
    }
}

#[tokio::test]
async fn a_load_balancer_with_a_certificate_must_redirect_with_301() {
    let key = key().await;
    let api = Server::secure(good_api(&key)).await;
    for (status, to, good) in [
        (301, "https://payments.example.com:443/", true),
        (302, "https://payments.example.com:443/", false),
        (301, "http://payments.example.com/", false),
        (200, "", false),
    ] {
        let server = Server::new(move |_| (status, vec![header("location", to)])).await;
        let mut endpoints = endpoints(&server, &api).await;
        // By TLS nobody answers here; only the redirect is looked at.
        let https: Uri = format!("https://{}/", nobody().await).parse().unwrap();
        let certified = Some((https, "payments.example.com".to_owned()));
        endpoints.load_balancer = Ok(LoadBalancer { https: certified, ..balancer(&server) });
        let checks = run(&endpoints, &key).await;
        let redirects = outcome(&checks, "http/load-balancer-https") == &Outcome::Passed;
        assert_eq!(redirects, good, "{status} {to}");
        assert_eq!(outcome(&checks, "http/load-balancer"), &Outcome::Passed);
        let health = findings(&checks, "http/load-balancer-health");
        assert!(health[0].contains("/health: expected status 200; found no connection: "), "{health:?}");
    }
}

#[tokio::test]
async fn without_an_application_its_answers_are_not_asked_for() {
    let key = key().await;
    let unavailable = |_: &Sent| (503, Vec::new());
    let (balancer, api) = (Server::new(unavailable).await, Server::secure(good_api(&key)).await);
    let mut endpoints = endpoints(&balancer, &api).await;
    endpoints.no_application = Some("no task is to run".to_owned());
    let checks = run(&endpoints, &key).await;
    assert_eq!(failed(&checks), Vec::<&str>::new());
    assert_eq!(outcome(&checks, "http/load-balancer"), &Outcome::Passed);
    for id in ["http/load-balancer-health", "http/api-health"] {
        assert_eq!(reason(&checks, id), "no task is to run");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_fetched_is_a_failure_that_says_why() {
    let key = key().await;
    let (balancer, api) = (Server::new(good_balancer).await, Server::secure(good_api(&key)).await);
    let endpoints = endpoints(&balancer, &api).await;
    let checks = checks(&client(LIMIT), &endpoints, &Err("access denied".to_owned())).await;
    assert_eq!(failed(&checks), ["http/api-key"]);
    assert!(findings(&checks, "http/api-key")[0].ends_with("a key to send; found access denied"));
}

/// The load balancer alone, at this URL.
async fn at(url: String) -> Vec<Check> {
    let load_balancer =
        LoadBalancer { http: url.parse().unwrap(), https: None, health_path: "/health".to_owned() };
    let why = || "not here".to_owned();
    let endpoints = Endpoints {
        load_balancer: Ok(load_balancer),
        api: Err(Unasked::Skipped(why())),
        no_application: Some(why()),
    };
    checks(&Client::new(LIMIT), &endpoints, &Err(why())).await
}

/// What is said about a load balancer at this URL.
async fn said(url: String) -> String {
    let checks = at(url).await;
    assert_eq!(failed(&checks), ["http/load-balancer"]);
    assert_eq!(reason(&checks, "http/api-key"), "not here");
    findings(&checks, "http/load-balancer").remove(0)
}

#[tokio::test]
async fn who_refuses_connections_is_told_apart_from_who_breaks_them_off() {
    let said_of_nobody = said(format!("http://{}/", nobody().await)).await;
    assert!(said_of_nobody.contains("found no connection: "), "{said_of_nobody}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let breaking = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 16];
        stream.read_exact(&mut request).await.unwrap();
    };
    let (said, ()) = tokio::join!(said(url), breaking);
    assert!(said.contains("the connection broke before there was an answer: "), "{said}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    };
    let (said, ()) = tokio::join!(said(url), plain);
    assert!(said.contains("found no TLS: "), "{said}");
}

/// RFC 6761, section 6.4: no name below `invalid` exists.
#[tokio::test]
async fn a_name_that_does_not_exist_is_told_apart() {
    let said = said("http://payment-alb-dev.invalid/".to_owned()).await;
    assert!(said.contains("found DNS does not know the name: "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_runs_into_the_time_out() {
    // The system accepts the connection; nobody reads from it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let start = tokio::time::Instant::now();
    let said = said(format!("http://{}/", listener.local_addr().unwrap())).await;
    assert!(said.ends_with("found time-out after 10 s while waiting for the answer"), "{said}");
    assert_eq!(start.elapsed().as_secs(), LIMIT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn who_never_shakes_hands_runs_into_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let said = said(format!("https://{}/", listener.local_addr().unwrap())).await;
    assert!(said.ends_with("found time-out after 10 s while waiting for the TLS handshake"), "{said}");
}

async fn subject(environment: &str) -> Subject {
    World::deployed(environment).await.subject().await
}

fn set(subject: &mut Subject, address: &str, property: &str, value: serde_json::Value) {
    let resource = subject.resources.iter_mut().find(|one| one.address == address).unwrap();
    live_of(resource)[property] = value;
}

#[tokio::test]
async fn the_load_balancer_is_found_by_outputs_and_live_resources() {
    let mut dev = subject("dev").await;
    let found = |subject: &Subject| Endpoints::of(subject, &Err(Unasked::Skipped("not here".to_owned())));
    let name = dev.outputs["albDnsName"].as_str().unwrap().to_owned();
    let balancer = found(&dev).load_balancer.unwrap();
    assert_eq!(balancer.http.to_string(), format!("http://{name}/"));
    assert_eq!((balancer.https, balancer.health_path.as_str()), (None, "/health"));
    assert!(found(&dev).no_application.unwrap().contains("`ecs.image` is not set"));

    set(&mut dev, "ecs/service", "DesiredCount", 2.into());
    assert_eq!(found(&dev).no_application, None);
    dev.outputs.remove("albDnsName");
    let unasked = Unasked::Skipped("there is no output albDnsName".to_owned());
    assert_eq!(found(&dev).load_balancer, Err(unasked));
}

#[tokio::test]
async fn the_api_is_found_by_what_api_gateway_shows_and_not_by_what_was_recorded() {
    let world = World::deployed("dev").await;
    let (mut subject, live) = (world.subject().await, Ok(world.live_api().await));
    let url = subject.outputs["apiGatewayUrl"].as_str().unwrap().to_owned();
    let right = Api { url: url.clone(), plain_url: url.replace("https://", "http://") };
    assert_eq!(Endpoints::of(&subject, &live).api.unwrap(), right);
    // Somebody edits the state.
    for edited in ["https://evil.example.com/dev", "http://127.0.0.1:1/dev", ""] {
        subject.outputs.insert("apiGatewayUrl".to_owned(), edited.into());
        assert_eq!(Endpoints::of(&subject, &live).api.unwrap(), right);
    }
    subject.outputs.remove("apiGatewayUrl");
    assert_eq!(Endpoints::of(&subject, &live).api.unwrap(), right);
    set(&mut subject, "apigw/rest-api", "DisableExecuteApiEndpoint", true.into());
    match Endpoints::of(&subject, &live).api.unwrap_err() {
        Unasked::Skipped(reason) => assert!(reason.contains("`apigw.disable_execute_api_endpoint`")),
        other => panic!("{other:?}"),
    }
}

/// Whatever the caller says.
#[tokio::test]
async fn the_key_and_other_secrets_are_not_sent_without_tls() {
    let key = key().await;
    let (balancer, api) = (Server::new(good_balancer).await, Server::new(good_api(&key)).await);
    let checks = run(&endpoints(&balancer, &api).await, &key).await;
    assert_eq!(failed(&checks), ["http/api-key"]);
    let said = findings(&checks, "http/api-key");
    assert!(said[0].ends_with("found x-api-key is sent over TLS only: nothing was sent"), "{said:?}");
    assert!(api.sent().iter().all(|sent| !sent.headers.contains_key("x-api-key")));

    let plain = Server::new(|_: &Sent| (200, Vec::new())).await;
    let url: Uri = plain.url("/").parse().unwrap();
    let value = HeaderValue::from_static("secret");
    let mut marked = value.clone();
    marked.set_sensitive(true);
    for header in [
        Header::Key(HeaderName::from_static("x-other"), &key),
        Header::Plain(HeaderName::from_static("x-api-key"), value.clone()),
        Header::Plain(header::AUTHORIZATION, value.clone()),
        Header::Plain(header::PROXY_AUTHORIZATION, value.clone()),
        Header::Plain(header::COOKIE, value.clone()),
        Header::Plain(HeaderName::from_static("x-other"), marked),
    ] {
        let error = client(LIMIT).get(&url, None, &[header]).await.unwrap_err();
        assert!(matches!(error, HttpError::InTheClear { .. }), "{error}");
    }
    assert!(plain.sent().is_empty());
    let shown = Header::Plain(HeaderName::from_static("x-other"), value);
    assert_eq!(client(LIMIT).get(&url, None, &[shown]).await.unwrap().status, 200);
    assert_eq!(plain.sent()[0].headers["x-other"], "secret");
}

/// Somebody between this machine and the API has no certificate that is trusted.
#[tokio::test]
async fn the_key_is_not_sent_to_a_server_that_cannot_prove_its_name() {
    let key = key().await;
    let (balancer, api) = (Server::new(good_balancer).await, Server::secure(good_api(&key)).await);
    let nobody_is_trusted = Client::trusting(LIMIT, []);
    let checks = checks(&nobody_is_trusted, &endpoints(&balancer, &api).await, &Ok(key.clone())).await;
    let said = findings(&checks, "http/api-key");
    assert!(said[0].contains("found no TLS: "), "{said:?}");
    assert!(api.sent().is_empty());
}

#[tokio::test]
async fn an_api_that_aws_does_not_show_is_not_known_to_be_well() {
    let key = key().await;
    let balancer = Server::new(good_balancer).await;
    let error = CallError::new(ErrorClass::Denied, "GetRestApi", "not for you");
    let mut endpoints = endpoints(&balancer, &balancer).await;
    endpoints.api = Err(Unasked::unread("apigw/rest-api", &error));
    let checks = run(&endpoints, &key).await;
    let all = ["http/api-health", "http/api-refuses", "http/api-key", "http/api-headers", "http/api-plain"];
    assert_eq!(failed(&checks), all);
    for check in checks.iter().filter_map(Check::refuted) {
        assert!(check.starts_with("not known: "), "{check}");
    }
    let said = findings(&checks, "http/api-key");
    assert_eq!(said, ["apigw/rest-api: expected an API that this stack made; found GetRestApi: not for you"]);
}

#[tokio::test]
async fn a_private_load_balancer_is_not_asked_and_a_public_one_is_by_the_name_on_its_certificate() {
    let mut prod = subject("prod").await;
    let found = |subject: &Subject| Endpoints::of(subject, &Err(Unasked::Skipped("not here".to_owned())));
    let unasked = found(&prod).load_balancer.unwrap_err();
    assert!(matches!(&unasked, Unasked::Skipped(reason) if reason.contains("private")), "{unasked:?}");
    set(&mut prod, "alb/load-balancer", "Scheme", "internet-facing".into());
    let name = prod.outputs["albDnsName"].as_str().unwrap();
    let (https, certified) = found(&prod).load_balancer.unwrap().https.unwrap();
    assert_eq!(https.to_string(), format!("https://{name}/"));
    assert_eq!(certified, "payments.example.com");
}
