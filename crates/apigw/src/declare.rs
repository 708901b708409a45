//! The tier itself: which resources there are, and what each takes from which.

use std::collections::BTreeMap;

use aws::firewall::{Firewall, FirewallOutputs};
use aws::resources::{
    LogGroup, Peer, RetentionDays, SecurityGroup, SecurityGroupEgress, SecurityGroupIngress,
    ServiceLinkedRole,
};
use aws::{DeletionPolicy, LogGroupName, Names, Place, SecurityGroupId, WebAclArn};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Scope, Stage};
use serde::{Deserialize, Serialize};

use crate::args::{Args, ExecutionLogs, METHODS};
use crate::inputs::Inputs;
use crate::live_api::domain_suffix;
use crate::requests::{ACCESS_LOG_FORMAT, PROXY_PARAMETER, Route, without_key, without_key_to_proxy};
use crate::resources::{
    AccessLogSetting, Account, ApiKey, ApiResource, ApiStage, DefinedMethod, Definition, Deployment,
    EndpointConfiguration, Method, MethodSetting, QuotaSettings, RequestValidator, RestApi, RestApiStage,
    ThrottleSettings, UsagePlan, UsagePlanKey, VpcLink, execution_log_group_name,
};
use crate::{ApiKeyId, DeploymentId, RequestValidatorId, RestApiId, StageName, UsagePlanId, VpcLinkId};

engine::tier! {
    /// The API tier.
    pub struct Tier(Args);
}

/// What the tiers after it can refer to, and its user wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The URL of the stage. A reference to it waits until the stage serves the API.
    pub api_gateway_url: S::Of<String>,
    /// The API's id.
    pub api_id: S::Of<RestApiId>,
    /// The API's name, by which CloudWatch knows it.
    pub api_name: S::Of<String>,
    /// The stage's name.
    pub stage_name: S::Of<StageName>,
    /// The stage's ARN.
    pub stage_arn: S::Of<String>,
    /// The API key's id, with which [`api_key_value`](crate::api_key_value) asks for the key.
    pub api_key_id: S::Of<ApiKeyId>,
    /// The usage plan's id.
    pub usage_plan_id: S::Of<UsagePlanId>,
    /// Where there is a line for each request.
    pub api_access_log_group_name: S::Of<LogGroupName>,
    /// The web ACL in front of the stage, if there is one.
    pub api_web_acl_arn: Option<S::Of<WebAclArn>>,
    /// Its name, by which CloudWatch knows it.
    pub api_web_acl_name: Option<S::Of<String>>,
    /// Where the web ACL writes what it saw.
    pub api_waf_log_group_name: Option<S::Of<LogGroupName>>,
    /// The VPC link to the load balancer, where that is private.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vpc_link_id: Option<S::Of<VpcLinkId>>,
}

impl Component for Tier {
    const NAME: &'static str = "apigw";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        args.check(inputs)?;
        let (retention, waf_retention) = (args.retention()?, args.waf.retention()?);
        Declaring { scope, args, inputs, names, retention, waf_retention }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
    retention: RetentionDays,
    waf_retention: RetentionDays,
}

/// How one path is served.
struct Path<'a> {
    name: &'a str,
    part: &'a str,
    verb: &'a str,
    needs_key: bool,
    request_parameters: BTreeMap<String, bool>,
    integration_parameters: BTreeMap<String, String>,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let link = match self.inputs.backend.private {
            true => Some(self.vpc_link()?),
            false => None,
        };
        let name = self.names.name("api");
        let api = self.rest_api(&name)?;
        let deployment = self.deployment(&api, link.clone())?;
        let log_group = self.access_log_group()?;
        let stage = self.stage(&api.rest_api_id, deployment, &log_group)?;
        let stage_arn = stage_arn(&self.inputs.place, &api.rest_api_id, &stage.stage_name);
        let firewall = match self.args.waf.enabled {
            true => Some(self.firewall(stage_arn.clone())?),
            false => None,
        };
        let usage_plan_id = self.usage_plan(&api.rest_api_id, &stage.stage_name)?;
        let api_key_id = self.api_key(&usage_plan_id)?;
        Ok(Outputs {
            api_gateway_url: url(&self.inputs.place, &api.rest_api_id, &stage.stage_name),
            api_id: api.rest_api_id,
            api_name: name.into(),
            stage_name: StageName::from(self.names.environment()).into(),
            stage_arn,
            api_key_id,
            usage_plan_id,
            api_access_log_group_name: log_group,
            api_web_acl_arn: firewall.as_ref().map(|firewall| firewall.web_acl_arn.clone()),
            api_web_acl_name: firewall.as_ref().map(|firewall| firewall.web_acl_name.clone().into()),
            api_waf_log_group_name: firewall.map(|firewall| firewall.log_group_name),
            vpc_link_id: link,
        })
    }

    /// The link and its group, which may talk to the load balancer and to nothing else.
    fn vpc_link(&mut self) -> Result<Input<VpcLinkId>, DeclareError> {
        let group = SecurityGroup::closed(
            self.names.name("api-link-sg"),
            "The VPC link of the payment API: to the load balancer",
            self.inputs.vpc_id.clone(),
            self.names.tags("api-link-sg"),
        );
        let group = self.scope.add("vpc-link-security-group", group)?.group_id;
        self.link_rules(&group)?;
        let link = VpcLink {
            name: self.names.name("api-link"),
            subnet_ids: self.inputs.private_subnet_ids.clone(),
            security_group_ids: vec![group],
            tags: self.names.tags("api-link"),
        };
        let link = self.scope.add("vpc-link", link)?.vpc_link_id;
        let service = "ops.apigateway.amazonaws.com";
        ServiceLinkedRole::before(self.scope, "linked-role", service, &["vpc-link"])?;
        Ok(link)
    }

    fn link_rules(&mut self, link: &Input<SecurityGroupId>) -> Result<(), DeclareError> {
        let backend = &self.inputs.backend;
        let (port, balancer) = (Route::port(backend), backend.alb_security_group_id.clone());
        let text = "Requests to the load balancer";
        let to_balancer = SecurityGroupEgress::tcp(link.clone(), port, Peer::Group(balancer.clone()), text);
        self.scope.add("vpc-link-to-load-balancer", to_balancer)?;
        let from_link =
            SecurityGroupIngress::tcp(balancer, port, Peer::Group(link.clone()), "Requests from the API");
        self.scope.add("load-balancer-from-vpc-link", from_link).map(drop)
    }

    fn rest_api(&mut self, name: &str) -> Result<OutputsOf<RestApi>, DeclareError> {
        let api = RestApi {
            name: name.to_owned(),
            description: "The payment API".to_owned(),
            endpoint_configuration: EndpointConfiguration { types: vec!["REGIONAL".to_owned()] },
            api_key_source_type: KEY_SOURCE.to_owned(),
            disable_execute_api_endpoint: self.args.disable_execute_api_endpoint,
            security_policy: self.args.security_policy.clone(),
            endpoint_access_mode: self.args.access_mode().map(str::to_owned),
            policy: None,
            tags: self.names.tags("api"),
        };
        self.scope.add("rest-api", api)
    }

    /// The methods, and the snapshot of them that the stage serves.
    fn deployment(
        &mut self,
        api: &OutputsOf<RestApi>,
        link: Option<Input<VpcLinkId>>,
    ) -> Result<Input<DeploymentId>, DeclareError> {
        let validator = self.validator(&api.rest_api_id)?;
        let route = Route { args: self.args, backend: &self.inputs.backend, link };
        let proxy = BTreeMap::from([(PROXY_PARAMETER.to_owned(), true)]);
        let path = |name, part, verb| Path {
            name,
            part,
            verb,
            needs_key: true,
            request_parameters: BTreeMap::new(),
            integration_parameters: without_key(),
        };
        let paths: [Path<'_>; METHODS as usize] = [
            Path { needs_key: false, ..path("health", "health", "GET") },
            path("payments", "payments", "ANY"),
            Path {
                request_parameters: proxy,
                integration_parameters: without_key_to_proxy(),
                ..path("proxy", "{proxy+}", "ANY")
            },
        ];
        let mut methods = BTreeMap::new();
        for path in paths {
            let label = format!("{} /{}", path.verb, path.part);
            methods.insert(label, self.method(api, &validator, &route, path)?);
        }
        let definition = Definition {
            api_key_source_type: KEY_SOURCE.to_owned(),
            disable_execute_api_endpoint: self.args.disable_execute_api_endpoint,
            security_policy: self.args.security_policy.clone(),
            endpoint_access_mode: self.args.access_mode().map(str::to_owned),
            request_validator_id: validator,
            validate_request_body: VALIDATES_BODY,
            validate_request_parameters: VALIDATES_PARAMETERS,
            methods,
        };
        let deployment = Deployment { rest_api_id: api.rest_api_id.clone(), definition };
        Ok(self.scope.add("deployment", deployment)?.deployment_id)
    }

    fn validator(&mut self, api: &Input<RestApiId>) -> Result<Input<RequestValidatorId>, DeclareError> {
        let validator = RequestValidator {
            rest_api_id: api.clone(),
            name: self.names.name("api-validator"),
            validate_request_body: VALIDATES_BODY,
            validate_request_parameters: VALIDATES_PARAMETERS,
        };
        Ok(self.scope.add("request-validator", validator)?.request_validator_id)
    }

    fn method(
        &mut self,
        api: &OutputsOf<RestApi>,
        validator: &Input<RequestValidatorId>,
        route: &Route<'_>,
        path: Path<'_>,
    ) -> Result<DefinedMethod, DeclareError> {
        let resource = ApiResource {
            rest_api_id: api.rest_api_id.clone(),
            parent_id: api.root_resource_id.clone(),
            path_part: path.part.to_owned(),
        };
        let resource = self.scope.add(&format!("{}-resource", path.name), resource)?;
        // In a URL, a parameter has no `+`.
        let uri = format!("/{}", path.part.replace('+', ""));
        let method = Method {
            rest_api_id: api.rest_api_id.clone(),
            resource_id: resource.resource_id,
            http_method: path.verb.to_owned(),
            authorization_type: "NONE".to_owned(),
            api_key_required: path.needs_key,
            request_validator_id: Some(validator.clone()),
            request_parameters: path.request_parameters,
            integration: Some(route.integration(path.verb, &uri, path.integration_parameters)),
        };
        let method = self.scope.add(&format!("{}-method", path.name), method)?;
        Ok(DefinedMethod { id: method.id, definition_hash: method.definition_hash })
    }

    fn access_log_group(&mut self) -> Result<Input<LogGroupName>, DeclareError> {
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/aws/apigateway/{}", self.names.name("api"))).into(),
            retention_in_days: Some(self.retention),
            made_by_service: false,
            deletion_protection_enabled: false,
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.names.tags("api-logs"),
        };
        Ok(self.scope.add("access-log-group", group)?.log_group_name)
    }

    /// Where API Gateway writes about its own work: kept for as long as the rest, instead of for ever.
    fn execution_log_group(
        &mut self,
        api: &Input<RestApiId>,
        stage: &StageName,
    ) -> Result<Option<Input<LogGroupName>>, DeclareError> {
        if self.args.execution_logs == ExecutionLogs::Off {
            return Ok(None);
        }
        let group = LogGroup {
            log_group_name: execution_log_group_name(api, stage),
            retention_in_days: Some(self.retention),
            made_by_service: true,
            deletion_protection_enabled: false,
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.names.tags("api-execution-logs"),
        };
        Ok(Some(self.scope.add("execution-log-group", group)?.log_group_name))
    }

    /// API Gateway's settings for the account, which all environments share.
    fn account(&mut self) -> Result<Input<String>, DeclareError> {
        let Place { region, account_id, partition } = &self.inputs.place;
        // Without the environment: the role outlives it.
        let role = format!("arn:{partition}:iam::{account_id}:role/{}", crate::logs_role_name(region));
        let account = Account::with_role(Some(role.into()));
        Ok(self.scope.add("account", account)?.id)
    }

    fn stage(
        &mut self,
        api: &Input<RestApiId>,
        deployment: Input<DeploymentId>,
        log_group: &Input<LogGroupName>,
    ) -> Result<OutputsOf<RestApiStage>, DeclareError> {
        let account_id = self.account()?;
        let args = self.args;
        // The reference to the name makes it wait for the group; the group's own ARN ends in `:*`.
        let destination_arn =
            Input::join([self.inputs.place.arn("logs", "log-group:").into(), log_group.into()]);
        let stage_name = StageName::from(self.names.environment());
        let execution_log_group_name = self.execution_log_group(api, &stage_name)?;
        let stage = RestApiStage {
            rest_api_id: api.clone(),
            stage_name,
            deployment_id: deployment,
            description: "What clients of the payment API see".to_owned(),
            tracing_enabled: args.tracing,
            method_settings: vec![MethodSetting {
                resource_path: "/*".to_owned(),
                http_method: "*".to_owned(),
                metrics_enabled: true,
                logging_level: args.execution_logs.level().to_owned(),
                data_trace_enabled: false,
                throttling_rate_limit: args.throttle.rate_limit.into(),
                throttling_burst_limit: args.throttle.burst_limit,
            }],
            access_log_setting: Some(AccessLogSetting {
                destination_arn,
                format: ACCESS_LOG_FORMAT.to_owned(),
            }),
            canary_setting: None,
            execution_log_group_name,
            account_id,
            tags: self.names.tags("api-stage"),
        };
        let stage = self.scope.add("stage", stage)?;
        self.scope.wait_for("stage", &self.inputs.ready)?;
        Ok(stage)
    }

    fn firewall(&mut self, stage_arn: Input<String>) -> Result<FirewallOutputs, DeclareError> {
        let firewall = Firewall {
            names: &self.names,
            place: &self.inputs.place,
            what: "api-waf",
            log: "api",
            description: "Stands before the payment API",
            by_address: self.args.by_address(),
            retention: self.waf_retention,
            keep_logs: self.args.keep_logs,
            log_key: self.args.log_key.clone(),
        };
        firewall.declare(self.scope, stage_arn)
    }

    fn usage_plan(
        &mut self,
        api: &Input<RestApiId>,
        stage: &Input<StageName>,
    ) -> Result<Input<UsagePlanId>, DeclareError> {
        let plan = UsagePlan {
            usage_plan_name: self.names.name("usage-plan"),
            description: "What a client of the payment API may use".to_owned(),
            api_stages: vec![ApiStage { api_id: api.clone(), stage: stage.clone() }],
            throttle: Some(ThrottleSettings {
                rate_limit: self.args.throttle.rate_limit.into(),
                burst_limit: self.args.throttle.burst_limit,
            }),
            quota: Some(QuotaSettings { limit: self.args.monthly_quota, period: "MONTH".to_owned() }),
            keys: Vec::new(),
            tags: self.names.tags("usage-plan"),
        };
        Ok(self.scope.add("usage-plan", plan)?.id)
    }

    fn api_key(&mut self, plan: &Input<UsagePlanId>) -> Result<Input<ApiKeyId>, DeclareError> {
        let key = ApiKey {
            name: self.names.name("api-key"),
            description: "Lets clients in to the payment API".to_owned(),
            enabled: true,
            tags: self.names.tags("api-key"),
        };
        let key = self.scope.add("api-key", key)?.api_key_id;
        let in_plan =
            UsagePlanKey { key_id: key.clone(), key_type: "API_KEY".to_owned(), usage_plan_id: plan.clone() };
        self.scope.add("usage-plan-key", in_plan)?;
        Ok(key)
    }
}

/// There are no models: what is in a payment is the application's to know.
const VALIDATES_BODY: bool = false;
const VALIDATES_PARAMETERS: bool = true;

/// The API key of a request is in the header `x-api-key`.
const KEY_SOURCE: &str = "HEADER";

/// The ARN of a stage, which has no account (Service Authorization Reference, "Actions, resources, and condition keys for
/// Amazon API Gateway Management").
fn stage_arn(place: &Place, api: &Input<RestApiId>, stage: &Input<StageName>) -> Input<String> {
    let Place { region, partition, .. } = place;
    let head = format!("arn:{partition}:apigateway:{region}::/restapis/");
    Input::join([head.into(), api.into(), "/stages/".into(), stage.into()])
}

/// The stage's invoke URL.
fn url(place: &Place, api: &Input<RestApiId>, stage: &Input<StageName>) -> Input<String> {
    let suffix = domain_suffix(&place.partition);
    let host = format!(".execute-api.{}.{suffix}/", place.region);
    Input::join(["https://".into(), api.into(), host.into(), stage.into()])
}
