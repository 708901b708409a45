//! The emulator itself: made once, handed to every client.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::Instant;

use crate::machine::blobs::Blobs;
use crate::machine::calls::{CallLog, CallRecord};
use crate::machine::clock::{Clock, Forward};
use crate::machine::control;
use crate::machine::error::EmulatorError;
use crate::machine::faults::{Abort, ContainerRule, FaultPlan, Faults};
use crate::machine::gate::Gate;
use crate::machine::ids::fresh_seed;
use crate::machine::latency::{Latencies, Slow};
use crate::machine::layer::{Layer, Next};
use crate::machine::objects::Object;
use crate::machine::persist::Directory;
use crate::machine::services::{Catalog, Copied, Services, Setting};
use crate::machine::throttle::Throttle;
use crate::protocol::request::{Call, Http};
use crate::protocol::response::{Lost, Reply, Response};

/// The account that everything belongs to. AWS uses this number in its own documentation.
pub const ACCOUNT_ID: &str = "123456789012";

/// An AWS account inside this process.
///
/// Cheap to clone; clones are the same account. Any `aws-sdk-*` client talks to it that is given
/// [`http_client`](Self::http_client) and [`credentials`](Self::credentials):
///
/// ```
/// # fn demo() -> aws_config::SdkConfig {
/// let emulator = emulator::Emulator::in_memory();
/// aws_config::SdkConfig::builder()
///     .behavior_version(aws_config::BehaviorVersion::latest())
///     .region(aws_config::Region::new("ap-southeast-1"))
///     .http_client(emulator.http_client())
///     .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
///         emulator.credentials(),
///     ))
///     .build()
/// # }
/// # demo();
/// ```
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: &'static dyn Catalog,
    gate: Arc<Gate>,
    /// The call log first, then faults and throttling where asked for, then the layers of [`Builder::layer`].
    layers: Vec<Arc<dyn Layer>>,
    calls: Arc<CallLog>,
    /// What was wrong with files when the directory was opened.
    unreadable: Vec<EmulatorError>,
    seed: u64,
    sequence: AtomicU64,
}

/// An account in memory at one moment, from [`Emulator::snapshot`]. Cheap to clone.
///
/// Any number of accounts can go on from it with [`Builder::going_on`], each by itself, also under another runtime whose
/// clock shows another time.
#[derive(Clone)]
pub struct Snapshot {
    account: Arc<dyn Copied>,
    passed: Duration,
    seed: u64,
    sequence: u64,
}

/// Options of an emulator, from [`Emulator::builder`].
pub struct Builder {
    catalog: &'static dyn Catalog,
    layers: Vec<Arc<dyn Layer>>,
    rules: Vec<Arc<dyn Layer>>,
    seed: Option<u64>,
    faults: Option<FaultPlan>,
    abort: Option<Abort>,
    throttling: bool,
    latency: f64,
    start: Option<Instant>,
}

impl Builder {
    /// Options of an account of these services.
    pub(crate) fn of(catalog: &'static dyn Catalog) -> Self {
        Builder {
            catalog,
            layers: Vec::new(),
            rules: Vec::new(),
            seed: None,
            faults: None,
            abort: None,
            throttling: false,
            latency: 0.0,
            start: None,
        }
    }

    /// Adds a layer around the turn: it sees calls as they arrive, many at once, and may sleep. Layers run in
    /// the order in which they were added, after faults and throttling.
    #[must_use]
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Adds a layer inside the turn: it sees one call at a time, with the state that the call will meet, and
    /// must not sleep. Rules run in the order in which they were added.
    #[must_use]
    pub fn rule(mut self, rule: impl Layer) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Makes calls and containers go wrong as planned. Without it, none does.
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = Some(plan);
        self
    }

    /// What [`Fault::Abort`](crate::Fault::Abort) does in place of [`std::process::abort`]. If it returns, its
    /// call is never answered, as if the process had ended there; calls that are under way elsewhere go on.
    #[must_use]
    pub fn on_abort(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.abort = Some(Arc::new(hook));
        self
    }

    /// Whether calls that come faster than AWS takes them are refused. They are not unless asked for.
    #[must_use]
    pub fn throttling(mut self, on: bool) -> Self {
        self.throttling = on;
        self
    }

    /// Takes time as AWS does, times `scale`: 1 for AWS's own times, which are virtual under tokio's paused clock; 0,
    /// which is the default, for everything at once. A scale that is negative or not a number counts as 0.
    ///
    /// Objects are `pending` before they are available and `deleting` before they are gone, new ones are not found for
    /// up to two seconds, new roles cannot be used for five to eleven, and some calls answer late. On disk all
    /// this goes by the machine's clock, and on while no process runs.
    #[must_use]
    pub fn latency(mut self, scale: f64) -> Self {
        self.latency = scale;
        self
    }

    /// Goes by tokio's clock on disk too, as in memory, with `start` as the moment when time begins: for a test under a paused
    /// clock of what outlives a process. Everybody on one directory must give the same start.
    #[must_use]
    pub fn virtual_time(mut self, start: Instant) -> Self {
        self.start = Some(start);
        self
    }

    /// Sets what ids are made from. Without it, ids repeat from run to run in memory, and are new for each new
    /// directory.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// An account that starts empty and ends with the process. It does no file work, takes no time of its own
    /// and gives the same ids and timestamps to the same calls, so it can run under tokio's paused clock.
    pub fn in_memory(self) -> Emulator {
        let latencies = Latencies::new(self.latency, self.seed.unwrap_or_default());
        let services = self.catalog.account(Setting {
            clock: Clock::in_memory(),
            seed: self.seed.unwrap_or_default(),
            latencies,
            blobs: Blobs::in_memory(),
            containers: self.containers(),
        });
        self.build(services, latencies, None, Vec::new())
    }

    /// An account in memory that goes on where a snapshot was taken: with its objects, its time and its seed. Faults,
    /// throttling, latency and layers are this builder's; what was waiting in buckets or in calls is not in a snapshot.
    pub fn going_on(self, snapshot: &Snapshot) -> Emulator {
        let Snapshot { account, passed, seed, sequence } = snapshot;
        let latencies = Latencies::new(self.latency, *seed);
        let services = account.going_on(Setting {
            clock: Clock::going_on(*passed),
            seed: *seed,
            latencies,
            blobs: Blobs::in_memory(),
            containers: self.containers(),
        });
        let emulator = self.seed(*seed).build(services, latencies, None, Vec::new());
        emulator.inner.sequence.store(*sequence, Ordering::Relaxed);
        emulator
    }

    /// An account that is kept in a directory, which is created if it does not exist.
    ///
    /// A call that was answered is on disk. Several emulators, in one process or in many, may use the same
    /// directory at once; each sees what the others were answered.
    ///
    /// # Errors
    ///
    /// If the directory cannot be used. A state file that is broken, or that another version wrote, is named by
    /// [`Emulator::unreadable`] and is never overwritten; its service refuses all calls and the others work.
    pub fn open(self, directory: &Path) -> Result<Emulator, EmulatorError> {
        let seed = self.seed.unwrap_or_else(fresh_seed);
        let latencies = Latencies::new(self.latency, seed);
        let services = self.catalog.account(Setting {
            clock: Clock::on_disk(self.start),
            seed,
            latencies,
            blobs: Blobs::on_disk(directory),
            containers: self.containers(),
        });
        let directory = Directory::open(directory)?;
        let current = directory.lock(false, None);
        directory.unlock()?;
        let (_, unreadable) = services.usable(current?.files.unwrap_or_default());
        let unreadable = unreadable.into_values().collect();
        Ok(self.build(services, latencies, Some(directory), unreadable))
    }

    /// What containers do that the plan of faults names.
    fn containers(&self) -> Vec<ContainerRule> {
        self.faults.as_ref().map(|plan| plan.containers.clone()).unwrap_or_default()
    }

    fn build(
        self,
        services: Box<dyn Services>,
        latencies: Latencies,
        directory: Option<Directory>,
        unreadable: Vec<EmulatorError>,
    ) -> Emulator {
        let seed = self.seed.unwrap_or_default();
        let calls = Arc::new(CallLog::new(self.catalog));
        let mut layers: Vec<Arc<dyn Layer>> = vec![calls.clone()];
        if let Some(plan) = self.faults {
            let abort = self.abort.unwrap_or_else(|| Arc::new(|| std::process::abort()));
            layers.push(Arc::new(Faults::new(plan, abort, self.catalog)));
        }
        if self.throttling {
            layers.push(Arc::new(Throttle::new(Arc::clone(services.clock()), self.catalog)));
        }
        layers.extend(self.layers);
        if !latencies.are_off() {
            layers.push(Arc::new(Slow::new(latencies, Arc::clone(services.clock()), self.catalog)));
        }
        Emulator {
            inner: Arc::new(Inner {
                catalog: self.catalog,
                gate: Arc::new(Gate::new(services, self.rules, directory)),
                layers,
                calls,
                unreadable,
                seed,
                sequence: AtomicU64::new(0),
            }),
        }
    }
}

impl Emulator {
    /// An account in memory, with default options. See [`Builder::in_memory`].
    pub fn in_memory() -> Self {
        Builder::default().in_memory()
    }

    /// An account in a directory, with default options. See [`Builder::open`].
    ///
    /// # Errors
    ///
    /// As for [`Builder::open`].
    pub fn open(directory: &Path) -> Result<Self, EmulatorError> {
        Builder::default().open(directory)
    }

    /// What was wrong with state files when the directory was opened. The services of such files refuse all calls until the
    /// files are mended or deleted.
    pub fn unreadable(&self) -> &[EmulatorError] {
        &self.inner.unreadable
    }

    /// For options.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The HTTP client for an SDK configuration: every request goes to this emulator and none to a network.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Connector(self.clone()))
    }

    /// Credentials that sign requests. Signatures are not checked; the signature says which service and region
    /// a request is for.
    pub fn credentials(&self) -> Credentials {
        Credentials::new("AKIAEMULATOR00000000", "not-a-secret", None, None, "emulator")
    }

    /// The account number.
    pub fn account_id(&self) -> &str {
        ACCOUNT_ID
    }

    /// Every object there is, in all services and regions, ordered by service, region, kind and id.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read. Never in memory.
    pub async fn objects(&self) -> Result<Vec<Object>, EmulatorError> {
        self.inner.gate.objects().await
    }

    /// The state of a service in a region, or `global`.
    pub(crate) async fn state(&self, service: &str, region: &str) -> Result<Option<Value>, EmulatorError> {
        self.inner.gate.state(service, region).await
    }

    /// Puts an object into a state whose cause is not modelled; whether there is one of this name.
    pub(crate) async fn put(
        &self,
        service: &str,
        region: &str,
        name: &str,
        state: &str,
    ) -> Result<bool, EmulatorError> {
        self.inner.gate.put(service, region, name, state).await
    }

    /// The largest bodies of requests, for services that take larger ones than others.
    pub(crate) fn large_bodies(&self) -> &'static [(&'static str, usize)] {
        self.inner.catalog.large_bodies()
    }

    /// How long the body of a request may be, where that is for an API that has HTTP of its own.
    pub(crate) fn own_body_at_most(&self, head: &Http) -> Option<usize> {
        self.inner.catalog.apis().claimed(head).map(|claimed| claimed.body_at_most)
    }

    /// What time it is in the account.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read. Never in memory.
    pub async fn now(&self) -> Result<SystemTime, EmulatorError> {
        self.inner.gate.now(None).await.map(time)
    }

    /// Moves the account's clock forward, and returns what time it is then. Everything that is due by then has happened when the
    /// next call is answered: what was `pending` is available, what was held for seven days is gone. Calls under way that take
    /// their time, and buckets of throttling, see it too. On disk it is kept, and holds for every process on the directory.
    ///
    /// For tests without a paused clock, such as those of clients in other processes; where tokio's clock is paused,
    /// `tokio::time::advance` does the same.
    ///
    /// # Errors
    ///
    /// If the clock would be more than ten years ahead of where it would be by itself, or state on disk cannot be read or written.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # use std::time::Duration;
    /// let emulator = emulator::Emulator::in_memory();
    /// let before = emulator.now().await?;
    /// let after = emulator.advance(Duration::from_secs(7 * 24 * 60 * 60)).await?;
    /// assert!(after >= before + Duration::from_secs(7 * 24 * 60 * 60));
    /// # Ok::<(), emulator::EmulatorError>(())
    /// # }).unwrap();
    /// ```
    pub async fn advance(&self, by: Duration) -> Result<SystemTime, EmulatorError> {
        self.forward(Forward::By(by)).await.map(time)
    }

    pub(crate) async fn forward(&self, forward: Forward) -> Result<i64, EmulatorError> {
        self.inner.gate.now(Some(forward)).await
    }

    pub(crate) async fn now_millis(&self) -> Result<i64, EmulatorError> {
        self.inner.gate.now(None).await
    }

    /// The account as it is now: what has taken effect is in it, what is under way is not. `None` on disk, where the
    /// directory is the snapshot.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let (account, passed) = self.inner.gate.copy()?;
        let sequence = self.inner.sequence.load(Ordering::Relaxed);
        Some(Snapshot { account, passed, seed: self.inner.seed, sequence })
    }

    /// The calls that this emulator received since it was made or [`clear_calls`](Self::clear_calls) was
    /// called, oldest first. Calls of other processes on the same directory are not among them.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.inner.calls.records()
    }

    /// Empties the call log. Numbering goes on.
    pub fn clear_calls(&self) {
        self.inner.calls.clear();
    }

    pub(crate) async fn answer(&self, http: Http) -> Reply {
        if let Some(answer) = control::answer(self, &http).await {
            return Ok(answer);
        }
        let sequence = self.inner.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        match Call::decode(self.inner.catalog.apis(), sequence, http) {
            Ok(call) => Next::outer(&self.inner.layers, &self.inner.gate).run(&call).await,
            Err(unplaced) => {
                let (call, refusal) = *unplaced;
                Ok(call.refuse(refusal))
            }
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("passed", &self.passed).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("layers", &self.layers.len())
            .field("rules", &self.rules.len())
            .field("seed", &self.seed)
            .field("faults", &self.faults)
            .field("throttling", &self.throttling)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

fn time(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs())
}

/// The bridge from the SDK's HTTP interface.
#[derive(Clone, Debug)]
struct Connector(Emulator);

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut http = Http {
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        };
        let emulator = self.0.clone();
        HttpConnectorFuture::new(async move {
            // Read to its end, even where it is in memory: until then the client thinks that it is sending, and
            // after some seconds gives up an upload that makes no progress.
            let body = request.into_body().collect().await.map_err(ConnectorError::user)?;
            http.body = body.to_bytes().into();
            match emulator.answer(http).await {
                Ok(response) => to_http(response),
                Err(Lost::TimedOut) => Err(ConnectorError::timeout("no answer in time".into())),
                Err(Lost::ConnectionReset) => Err(ConnectorError::io("connection reset by peer".into())),
            }
        })
    }
}

fn to_http(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status =
        StatusCode::try_from(response.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut http = HttpResponse::new(status, response.body.into());
    for (name, value) in response.headers {
        http.headers_mut().insert(name, value);
    }
    Ok(http)
}
