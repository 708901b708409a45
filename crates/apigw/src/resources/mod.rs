//! The tier's AWS objects, one a file.

mod account;
mod api_key;
mod api_resource;
mod calls;
mod deployment;
mod integration;
mod method;
mod request_validator;
mod rest_api;
mod stage;
mod stage_settings;
mod usage_plan;
mod usage_plan_key;
mod vpc_link;

pub use account::{Account, AccountOutputs};
pub use api_key::{ApiKey, ApiKeyOutputs};
pub use api_resource::{ApiResource, ApiResourceOutputs};
pub use deployment::{DefinedMethod, Definition, Deployment, DeploymentOutputs};
pub use integration::{Integration, TlsConfig};
pub use method::{Method, MethodOutputs};
pub use request_validator::{RequestValidator, RequestValidatorOutputs};
pub use rest_api::{EndpointConfiguration, RestApi, RestApiOutputs};
pub use stage::{RestApiStage, RestApiStageOutputs, execution_log_group_name};
pub use stage_settings::{AccessLogSetting, CanarySetting, MethodSetting};
pub use usage_plan::{ApiStage, QuotaSettings, ThrottleSettings, UsagePlan, UsagePlanOutputs};
pub use usage_plan_key::{UsagePlanKey, UsagePlanKeyOutputs};
pub use vpc_link::{VpcLink, VpcLinkOutputs};

pub(crate) use calls::gateway;

use aws::Registry;
use engine::Resolved;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<RestApi>()
        .register::<ApiResource<Resolved>>()
        .register::<RequestValidator<Resolved>>()
        .register::<Method<Resolved>>()
        .register::<Deployment<Resolved>>()
        .register::<RestApiStage<Resolved>>()
        .register::<UsagePlan<Resolved>>()
        .register::<ApiKey>()
        .register::<UsagePlanKey<Resolved>>()
        .register::<Account>()
        .register::<VpcLink<Resolved>>();
}
