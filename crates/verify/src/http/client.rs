//! One HTTP request on a connection of its own. Each step has its own error, so that a failure says which one failed; all
//! of them share one time-out.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use apigw::ApiKeyValue;
use futures::future::select_ok;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// AWS's firewall rules for common attacks refuse requests that do not say who sends them (`NoUserAgent_HEADER` of
/// `AWSManagedRulesCommonRuleSet`).
const USER_AGENT: &str = concat!("payment-stack-verify/", env!("CARGO_PKG_VERSION"));

/// What an IPv6 address has around it in a URL, and nowhere else.
const BRACKETS: [char; 2] = ['[', ']'];

/// A step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Asking DNS for the host's addresses.
    Resolving,
    /// Making a TCP connection.
    Connecting,
    /// Agreeing on TLS, and judging the server's certificate.
    Handshake,
    /// Sending the request and waiting for the head of the answer.
    Answering,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Resolving => "DNS",
            Stage::Connecting => "the connection",
            Stage::Handshake => "the TLS handshake",
            Stage::Answering => "the answer",
        })
    }
}

/// Headers that are for one server's eyes only, whether or not their values are marked as sensitive.
const SENSITIVE: [HeaderName; 4] = [
    HeaderName::from_static("x-api-key"),
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];

/// A header of a request.
#[derive(Clone, Debug)]
pub enum Header<'a> {
    /// One that anybody may see.
    Plain(HeaderName, HeaderValue),
    /// The API's key. It leaves its wrapper when the request is written, to a server that TLS has proved to be the one that was
    /// asked for.
    Key(HeaderName, &'a ApiKeyValue),
}

impl Header<'_> {
    fn name(&self) -> &HeaderName {
        match self {
            Header::Plain(name, _) | Header::Key(name, _) => name,
        }
    }

    fn is_sensitive(&self) -> bool {
        let marked = match self {
            Header::Plain(_, value) => value.is_sensitive(),
            Header::Key(..) => true,
        };
        marked || SENSITIVE.contains(self.name())
    }

    fn write(&self, headers: &mut HeaderMap) -> Result<(), HttpError> {
        let value = match self {
            Header::Plain(_, value) => value.clone(),
            Header::Key(name, key) => {
                let unusable = |_| HttpError::Value { header: name.clone() };
                let mut value = HeaderValue::from_str(key.expose()).map_err(unusable)?;
                value.set_sensitive(true);
                value
            }
        };
        headers.insert(self.name(), value);
        Ok(())
    }
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// The header is for one server's eyes only, and the URL asks for a connection that everybody can read. Nothing was sent.
    InTheClear {
        /// The header.
        header: HeaderName,
    },
    /// The header's value has characters that no header can have. It was not sent.
    Value {
        /// The header.
        header: HeaderName,
    },
    /// It is no URL that can be asked.
    Url(String),
    /// A step failed.
    Failed {
        /// The step.
        stage: Stage,
        /// Why.
        reason: String,
    },
    /// The time was over.
    TimedOut {
        /// The step that was not done by then.
        stage: Stage,
        /// How long all steps together may take.
        limit: Duration,
    },
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "{url} is not a URL with a host"),
            Self::InTheClear { header } => write!(f, "{header} is sent over TLS only: nothing was sent"),
            Self::Value { header } => {
                write!(f, "the value for {header} has characters that no header can have: nothing was sent")
            }
            Self::Failed { stage: Stage::Resolving, reason } => {
                write!(f, "DNS does not know the name: {reason}")
            }
            Self::Failed { stage: Stage::Connecting, reason } => write!(f, "no connection: {reason}"),
            Self::Failed { stage: Stage::Handshake, reason } => write!(f, "no TLS: {reason}"),
            Self::Failed { stage: Stage::Answering, reason } => {
                write!(f, "the connection broke before there was an answer: {reason}")
            }
            Self::TimedOut { stage, limit } => {
                write!(f, "time-out after {} s while waiting for {stage}", limit.as_secs_f64())
            }
        }
    }
}

impl std::error::Error for HttpError {}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

impl Answer {
    /// A header as text, or an empty one.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends requests, each on a connection of its own, straight to the host: a proxy that is configured is not used. Certificates
/// are judged by the certificate authorities of the machine, or of `SSL_CERT_FILE`.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
    limit: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Client {
    /// A client whose requests take so long at the most, from DNS to the head of the answer.
    ///
    /// # Panics
    /// Never: the cipher suites are those of the library itself.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        // One that cannot be read is not trusted; if there is none at all, each handshake says so.
        Self::trusting(limit, rustls_native_certs::load_native_certs().certs)
    }

    /// The same, trusting these certificate authorities and no other.
    ///
    /// # Panics
    /// Never: the cipher suites are those of the library itself.
    #[must_use]
    pub fn trusting(limit: Duration, authorities: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the library's own provider can do its own versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: TlsConnector::from(Arc::new(config)), limit }
    }

    /// How long a request may take.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Asks for a URL, `http` or `https`. Redirects are not followed.
    ///
    /// With `name`, this is the host that is asked for and whose certificate is wanted, at the address of the URL's host.
    /// Sensitive headers go nowhere without TLS, and into no message.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(
        &self,
        url: &Uri,
        name: Option<&str>,
        headers: &[Header<'_>],
    ) -> Result<Answer, HttpError> {
        let deadline = Instant::now() + self.limit;
        let unusable = || HttpError::Url(url.to_string());
        let address = url.host().ok_or_else(unusable)?;
        let secure = url.scheme() == Some(&Scheme::HTTPS);
        if !secure && url.scheme() != Some(&Scheme::HTTP) {
            return Err(unusable());
        }
        if let Some(header) = headers.iter().find(|header| !secure && header.is_sensitive()) {
            return Err(HttpError::InTheClear { header: header.name().clone() });
        }
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let host = name.unwrap_or(address);

        let resolving = lookup_host((address.trim_matches(BRACKETS), port));
        let addresses: Vec<_> = self.within(deadline, Stage::Resolving, resolving).await?.collect();
        if addresses.is_empty() {
            let reason = "it has no address".to_owned();
            return Err(HttpError::Failed { stage: Stage::Resolving, reason });
        }
        // All at once, so that an address that swallows everything does not use up the time of the others.
        let connecting = select_ok(addresses.iter().map(|address| Box::pin(TcpStream::connect(*address))));
        let (stream, _) = self.within(deadline, Stage::Connecting, connecting).await?;

        let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::get(path)
            .header(header::HOST, format!("{host}{port}"))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "*/*")
            .body(Empty::<Bytes>::new())
            .map_err(|_| unusable())?;

        if secure {
            let server =
                ServerName::try_from(host.trim_matches(BRACKETS).to_owned()).map_err(|_| unusable())?;
            let handshake = self.tls.connect(server, stream);
            let stream = self.within(deadline, Stage::Handshake, handshake).await?;
            headers.iter().try_for_each(|header| header.write(request.headers_mut()))?;
            self.within(deadline, Stage::Answering, exchange(stream, request)).await
        } else {
            headers.iter().try_for_each(|header| header.write(request.headers_mut()))?;
            self.within(deadline, Stage::Answering, exchange(stream, request)).await
        }
    }

    async fn within<T, E: fmt::Display>(
        &self,
        deadline: Instant,
        stage: Stage,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, HttpError> {
        match timeout_at(deadline, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(HttpError::Failed { stage, reason: error.to_string() }),
            Err(_) => Err(HttpError::TimedOut { stage, limit: self.limit }),
        }
    }
}

/// Sends the request and waits for the head of the answer. The body, if there is one, is of no interest.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
) -> Result<Answer, io::Error> {
    let broken = io::Error::other::<hyper::Error>;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut connection = std::pin::pin!(connection);
    let mut answering = std::pin::pin!(sender.send_request(request));
    // What happens to the connection shows in the answer.
    let answer = tokio::select! {
        answer = &mut answering => answer,
        _ = &mut connection => answering.await,
    };
    let (head, _) = answer.map_err(broken)?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers })
}
