//! The emulator as a server on the loopback interface, for clients outside of this process.
//!
//! A request is placed by the service and region that it was signed for (AWS Signature Version 4, "credential
//! scope"), as every AWS client signs what it sends to an endpoint that its user chose. One that is not signed is
//! placed by its `Host` if that is a name of AWS's, or by its path if an API has HTTP of its own there (the registry of images). Signatures are not checked and there is no encryption, which is
//! why only loopback addresses are served.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response as HttpResponse, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::machine::emulator::Emulator;
use crate::machine::error::EmulatorError;
use crate::protocol::bounds::{BODY_AT_MOST, UNSIGNED_AT_MOST, is_own_host};
use crate::protocol::request::Http;
use crate::protocol::response::{Lost, Response};

/// How long to wait before taking connections again when the process has too many of them.
const BREATH: Duration = Duration::from_millis(100);

/// Serves an emulator over HTTP/1.1 until `shutdown` completes, then lets requests under way finish.
///
/// Any AWS client can use it, by its endpoint URL: `aws --endpoint-url http://127.0.0.1:4566 ec2 describe-vpcs`, or
/// `AWS_ENDPOINT_URL` in its environment. Credentials must be there and may be any.
///
/// ```no_run
/// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:4566").await?;
/// let stop = async { drop(tokio::signal::ctrl_c().await) };
/// emulator::serve(emulator::Emulator::in_memory(), listener, stop).await?;
/// # Ok(())
/// # }
/// ```
///
/// Dropping the future stops at once; what was not answered may or may not have taken effect.
///
/// # Errors
///
/// If the listener is bound to an address that other machines can reach, or has none.
pub async fn serve(
    emulator: Emulator,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), EmulatorError> {
    let address =
        listener.local_addr().map_err(|error| EmulatorError::Listener { source: Arc::new(error) })?;
    if !address.ip().is_loopback() {
        return Err(EmulatorError::NotLoopback { address });
    }
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Reaped as they end, so that the set does not grow.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(emulator.clone(), stream, stopped.clone()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                // No file descriptors, no memory: some connection must end first.
                Err(_) => tokio::time::sleep(BREATH).await,
            },
        }
    }
    // New connections are refused from here on.
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection until the client or the server ends it.
async fn connection(emulator: Emulator, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    // Answers are small and must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = {
        let stopped = stopped.clone();
        service_fn(move |request| answer(emulator.clone(), request, stopped.clone()))
    };
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    // What goes wrong with a connection concerns its client alone, who sees it too.
    tokio::select! {
        _ = &mut served => return,
        _ = stopped.wait_for(|stopped| *stopped) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// A request that gets no answer, which ends its connection.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is to break")]
struct Broken;

async fn answer(
    emulator: Emulator,
    request: Request<Incoming>,
    mut stopped: watch::Receiver<bool>,
) -> Result<HttpResponse<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = match parts.uri.authority() {
        Some(authority) => authority.to_string(),
        None => parts.headers.get(HOST).map(text).unwrap_or_default(),
    };
    if let Some(reason) = stranger(&parts, &host) {
        return Ok(plain(StatusCode::FORBIDDEN, reason));
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut http = Http {
        method: parts.method.to_string(),
        uri: format!("http://{host}{path}"),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: Vec::new(),
    };
    let at_most = match emulator.own_body_at_most(&http) {
        Some(at_most) if parts.headers.contains_key(AUTHORIZATION) => at_most,
        _ => longest_body(&parts, emulator.large_bodies()),
    };
    // The library decodes chunks, and answers `Expect: 100-continue` when the body is asked for.
    let body = match Limited::new(body, at_most).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"));
        }
        Err(_) => return Err(Broken),
    };
    http.body = body.into();
    match emulator.answer(http).await {
        Ok(response) => Ok(to_http(response)),
        Err(Lost::ConnectionReset) => Err(Broken),
        Err(Lost::TimedOut) => {
            // It is the client that gives up, unless the server has to.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            Err(Broken)
        }
    }
}

/// Why a request is not answered. A page in a browser must not use the account of the person who looks at it: what a page of
/// another origin sends has an `Origin`, and what it sends to a name that leads here has that name as its `Host`.
fn stranger(parts: &Parts, host: &str) -> Option<&'static str> {
    if parts.headers.contains_key(ORIGIN) {
        return Some("the emulator does not answer pages in a browser: the request has an Origin\n");
    }
    (!is_own_host(host)).then_some(
        "the emulator answers requests to loopback addresses, localhost and names of AWS: the request's Host is another\n",
    )
}

/// How long the body may be, by what is known before it is read.
fn longest_body(parts: &Parts, large_bodies: &[(&str, usize)]) -> usize {
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let is_of = |service: &str| {
        String::from_utf8_lossy(authorization).contains(&format!("/{service}/aws4_request"))
            || query.contains(&format!("%2F{service}%2Faws4_request"))
    };
    if authorization.is_empty() && !query.contains("X-Amz-Signature=") {
        return UNSIGNED_AT_MOST;
    }
    let larger = large_bodies.iter().filter(|(_, at_most)| *at_most > BODY_AT_MOST);
    larger.filter(|(service, _)| is_of(service)).map(|(_, at_most)| *at_most).max().unwrap_or(BODY_AT_MOST)
}

fn plain(status: StatusCode, text: &'static str) -> HttpResponse<Full<Bytes>> {
    let mut response = HttpResponse::new(Full::from(text));
    *response.status_mut() = status;
    response
}

fn to_http(response: Response) -> HttpResponse<Full<Bytes>> {
    let mut http = HttpResponse::new(Full::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            http.headers_mut().append(name, value);
        }
    }
    http
}
