//! What a request turns into on its way to the load balancer, and what is written down about it.

use std::collections::BTreeMap;

use engine::{Declared, Input};

use crate::resources::Integration;
use crate::{Args, Backend, VpcLinkId};

/// One line for each request. Neither the path as it was called nor any header or body is in it: there could be a card's
/// number in them, or a key. `$context.resourcePath` is the path as the API declares it.
pub(crate) const ACCESS_LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","extendedRequestId":"$context.extendedRequestId","#,
    r#""requestTime":"$context.requestTime","ip":"$context.identity.sourceIp","#,
    r#""apiKeyId":"$context.identity.apiKeyId","httpMethod":"$context.httpMethod","#,
    r#""resourcePath":"$context.resourcePath","protocol":"$context.protocol","status":"$context.status","#,
    r#""responseLength":"$context.responseLength","responseLatency":"$context.responseLatency","#,
    r#""integrationLatency":"$context.integrationLatency","integrationStatus":"$context.integration.status","#,
    r#""wafStatus":"$context.waf.status","errorType":"$context.error.responseType","#,
    r#""xrayTraceId":"$context.xrayTraceId"}"#,
);

/// How requests reach the load balancer.
pub(crate) struct Route<'a> {
    pub(crate) args: &'a Args,
    pub(crate) backend: &'a Backend,
    /// Where the load balancer is private.
    pub(crate) link: Option<Input<VpcLinkId>>,
}

impl Route<'_> {
    /// The port of the load balancer's listener.
    pub(crate) fn port(backend: &Backend) -> u16 {
        if backend.https { 443 } else { 80 }
    }

    /// Passes everything on: verb, headers, query and body. The load balancer is called by the path that is given here,
    /// which does not have the name of the stage in it.
    ///
    /// Through a VPC link API Gateway would put that name before the path (API Gateway Developer Guide, "Private integrations
    /// for REST APIs in API Gateway"), so [a template](template) says what the path is. It is right whether the name is put
    /// there or not, and the URI has the same path for the case that it is not.
    pub(crate) fn integration(
        &self,
        verb: &str,
        path: &str,
        parameters: BTreeMap<String, String>,
    ) -> Integration<Declared> {
        let scheme = if self.backend.https { "https://" } else { "http://" };
        let host: Input<String> = match &self.args.backend_domain {
            Some(domain) => domain.as_str().into(),
            None => self.backend.alb_dns_name.clone(),
        };
        let private = self.link.is_some();
        let template = || (JSON.to_owned(), template(verb, &format!("{}{path}", self.args.backend_path)));
        Integration {
            kind: "HTTP_PROXY".to_owned(),
            integration_http_method: verb.to_owned(),
            uri: Input::join([
                scheme.into(),
                (&host).into(),
                self.args.backend_path.as_str().into(),
                path.into(),
            ]),
            connection_type: if private { "VPC_LINK" } else { "INTERNET" }.to_owned(),
            connection_id: self.link.clone(),
            integration_target: private.then(|| self.backend.alb_arn.clone()),
            request_parameters: parameters,
            request_templates: private.then(template).into_iter().collect(),
            // A body without a template would go to the wrong path: it gets status 415 instead.
            passthrough_behavior: if private { "NEVER" } else { "WHEN_NO_MATCH" }.to_owned(),
            timeout_in_millis: self.args.timeout_ms,
            tls_config: None,
        }
    }
}

/// The type of bodies that payments have. Requests without a type are taken for it.
const JSON: &str = "application/json";

/// The mapping template that sends a request to a path, and its body as it is.
///
/// An override is final, so there is one only, of a variable (API Gateway Developer Guide, "Override your API's request and
/// response parameters and status codes"). To a template, a body that is not there is an empty object, so `GET` and `HEAD` are
/// sent without one. All of it is one line: a line break would be a part of the body.
///
/// That page also says that proxy integrations have no overrides. The one on private integrations, which are proxies, describes
/// this one, and public stacks work by it. Whether it works is seen by `stack verify`, which asks for `/health` through the
/// stage.
fn template(verb: &str, path: &str) -> String {
    let rest = if path.contains(REST) { "#set($rest = $input.params('proxy'))" } else { "" };
    let path = path.replace(REST, "$rest");
    let path = format!("{rest}#set($path = \"{path}\")#set($context.requestOverride.path = $path)");
    let body = match verb {
        "GET" | "HEAD" => "",
        _ => "#if($context.httpMethod != \"GET\" && $context.httpMethod != \"HEAD\")$input.body#end",
    };
    path + body
}

/// Where the rest of a path stands in a URI.
const REST: &str = "{proxy}";

/// The load balancer need not know the client's key: it gets a word in its place.
pub(crate) fn without_key() -> BTreeMap<String, String> {
    BTreeMap::from([("integration.request.header.x-api-key".to_owned(), "'redacted'".to_owned())])
}

/// The same, with the rest of the path where `{proxy}` stands.
pub(crate) fn without_key_to_proxy() -> BTreeMap<String, String> {
    let mut parameters = without_key();
    parameters.insert("integration.request.path.proxy".to_owned(), PROXY_PARAMETER.to_owned());
    parameters
}

/// The rest of the path, as a method knows it.
pub(crate) const PROXY_PARAMETER: &str = "method.request.path.proxy";
