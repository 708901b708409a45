//! `--verbose`: a line for each call to AWS on standard error.
//!
//! A call is seen as a request of HTTP, whose service and operation the models of the embedded AWS know. Nothing else of it is told:
//! neither parameters nor paths nor headers, which have names and secrets in them.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::Instant;

use crate::output::{is_verbose, note};

/// The headers in which services send the id of a request.
const REQUEST_ID: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];

/// The same configuration, with calls told if they are to be.
pub(crate) fn traced(sdk: SdkConfig) -> SdkConfig {
    if !is_verbose() {
        return sdk;
    }
    let inner = sdk.http_client().unwrap_or_else(own_client);
    sdk.into_builder().http_client(Traced(inner)).build()
}

/// The client that the SDK would make. Like that one, it uses the proxy that the environment names.
fn own_client() -> SharedHttpClient {
    use aws_smithy_http_client::proxy::ProxyConfig;
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    use aws_smithy_http_client::{Builder, ConnectorBuilder};
    Builder::new().build_with_connector_fn(|settings, components| {
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = ConnectorBuilder::default().tls_provider(provider);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

#[derive(Debug)]
struct Traced<T>(T);

impl HttpClient for Traced<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Traced(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }
}

impl HttpConnector for Traced<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::of(&request);
        let inner = self.0.clone();
        HttpConnectorFuture::new(async move {
            let begun = Instant::now();
            let answer = inner.call(request).await;
            let came = match &answer {
                Ok(response) => {
                    let id = REQUEST_ID.iter().find_map(|name| response.headers().get(*name));
                    call.answered(response.status().as_u16(), begun.elapsed(), id)
                }
                Err(_) => format!("{call}: no answer after {:.2} s", begun.elapsed().as_secs_f64()),
            };
            note(&came);
            answer
        })
    }
}

/// Service and operation.
struct Call {
    service: String,
    operation: String,
}

impl Call {
    fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default();
        let named = emulator::operation_of(request.method(), request.uri(), request.headers().iter(), body);
        let (service, operation) = named.unwrap_or_else(|| ("aws".to_owned(), request.method().to_owned()));
        Self { service, operation }
    }

    fn answered(&self, status: u16, took: Duration, id: Option<&str>) -> String {
        let id = id.map_or_else(String::new, |id| format!(", request {id}"));
        format!("{self}: {status} in {:.2} s{id}", took.as_secs_f64())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} {}", self.service, self.operation)
    }
}
