//! Servers on the loopback interface, with TLS and without.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use verify::http::Client;

/// A certificate of its own for 127.0.0.1, and what servers need to show it.
static CERTIFIED: LazyLock<(CertificateDer<'static>, TlsAcceptor)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
});

/// A client that trusts the servers with TLS here, and no other.
pub(crate) fn client(limit: Duration) -> Client {
    Client::trusting(limit, [CERTIFIED.0.clone()])
}

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

/// An answer: status and headers.
pub(crate) type Head = (u16, Vec<(&'static str, String)>);

/// An HTTP server that answers as it is told, and remembers what it was asked.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    sent: Arc<Mutex<Vec<Sent>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// One without TLS.
    pub(crate) async fn new(answer: impl Fn(&Sent) -> Head + Send + Sync + 'static) -> Self {
        Self::with(None, answer).await
    }

    /// One with TLS.
    pub(crate) async fn secure(answer: impl Fn(&Sent) -> Head + Send + Sync + 'static) -> Self {
        Self::with(Some(CERTIFIED.1.clone()), answer).await
    }

    async fn with(tls: Option<TlsAcceptor>, answer: impl Fn(&Sent) -> Head + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&sent));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                match tls.clone() {
                    None => drop(tokio::spawn(serve(stream, answer, seen))),
                    Some(tls) => drop(tokio::spawn(async move {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, answer, seen).await;
                        }
                    })),
                }
            }
        });
        Self { address, scheme, sent, task }
    }

    /// What it was asked so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: Arc<impl Fn(&Sent) -> Head + Send + Sync + 'static>,
    seen: Arc<Mutex<Vec<Sent>>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (head, _) = request.into_parts();
        let sent = Sent { path: head.uri.to_string(), headers: head.headers };
        let (status, headers) = answer(&sent);
        seen.lock().unwrap().push(sent);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let response = response.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new();
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address at which nobody listens: the port was free a moment ago.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
