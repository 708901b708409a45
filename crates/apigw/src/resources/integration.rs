//! What a method calls.

use std::collections::BTreeMap;

use aws::{LoadBalancerArn, count, number};
use aws_sdk_apigateway::operation::put_integration::builders::PutIntegrationFluentBuilder;
use aws_sdk_apigateway::types::{
    ConnectionType, Integration as Live, IntegrationType, TlsConfig as TlsForCall,
};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

use crate::VpcLinkId;

/// What a method calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Integration<S: Stage = Declared> {
    /// `HTTP_PROXY`: requests and answers are passed on as they are.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The verb of the call; `ANY` is the one of the request.
    pub integration_http_method: String,
    /// The URL that is called. Through a VPC link, its host is what the load balancer is told, and its protocol what is
    /// spoken.
    pub uri: S::Of<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: String,
    /// The VPC link, where one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<S::Of<VpcLinkId>>,
    /// The load balancer behind the VPC link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_target: Option<S::Of<LoadBalancerArn>>,
    /// Parameters of the call, by name, and where each comes from.
    pub request_parameters: BTreeMap<String, String>,
    /// What a request is made into, by the type of its body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_templates: BTreeMap<String, String>,
    /// What happens to a body without a template for it: `WHEN_NO_MATCH` passes it on, `NEVER` refuses it.
    pub passthrough_behavior: String,
    /// How long an answer may take: 50 to 29000 milliseconds.
    pub timeout_in_millis: u32,
    /// How certificates are checked, where that is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_config: Option<TlsConfig>,
}

/// How certificates are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TlsConfig {
    /// Whether any certificate will do.
    pub insecure_skip_verification: bool,
}

impl Integration<Resolved> {
    /// The call that sets it, whatever was there before.
    pub(super) fn put(&self, call: PutIntegrationFluentBuilder) -> PutIntegrationFluentBuilder {
        let parameters = self.request_parameters.clone().into_iter().collect();
        let templates = self.request_templates.clone().into_iter().collect();
        let tls = |config: &TlsConfig| {
            TlsForCall::builder().insecure_skip_verification(config.insecure_skip_verification).build()
        };
        call.r#type(IntegrationType::from(self.kind.as_str()))
            .integration_http_method(&self.integration_http_method)
            .uri(&self.uri)
            .connection_type(ConnectionType::from(self.connection_type.as_str()))
            .set_connection_id(self.connection_id.as_ref().map(ToString::to_string))
            .set_integration_target(self.integration_target.as_ref().map(ToString::to_string))
            .set_request_parameters(Some(parameters))
            .set_request_templates(Some(templates))
            .passthrough_behavior(&self.passthrough_behavior)
            .timeout_in_millis(number(self.timeout_in_millis))
            .set_tls_config(self.tls_config.as_ref().map(tls))
    }

    pub(super) fn from_live(live: Live) -> Self {
        let insecure = live.tls_config().is_some_and(|config| config.insecure_skip_verification);
        let connection = live.connection_type.as_ref().map_or("INTERNET", ConnectionType::as_str).to_owned();
        Self {
            kind: live.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            integration_http_method: live.http_method.unwrap_or_default(),
            uri: live.uri.unwrap_or_default(),
            connection_type: connection,
            connection_id: live.connection_id.map(Into::into),
            integration_target: live.integration_target.map(Into::into),
            request_parameters: live.request_parameters.unwrap_or_default().into_iter().collect(),
            request_templates: live.request_templates.unwrap_or_default().into_iter().collect(),
            passthrough_behavior: live.passthrough_behavior.unwrap_or_default(),
            timeout_in_millis: count(live.timeout_in_millis),
            tls_config: insecure.then_some(TlsConfig { insecure_skip_verification: true }),
        }
    }
}
