//! Whether the services whose resources are asked over HTTP are AWS's own.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// API Gateway and Elastic Load Balancing, by the ids that AWS's models give them.
const SERVICES: [&str; 2] = ["API Gateway", "Elastic Load Balancing v2"];

/// The endpoint that one of them has instead of its own, if it has: what it makes there is not in DNS.
///
/// It is looked for as the clients do it when they are built from this configuration: the SDK's own loader makes the name of
/// the variable (`AWS_ENDPOINT_URL_API_GATEWAY`) and of the entry below the profile's `services` out of the id, and knows of
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`.
pub(crate) fn custom(sdk: &SdkConfig) -> Option<String> {
    SERVICES.into_iter().find_map(|service| {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("all fields are set");
        let for_service = sdk.service_config().and_then(|config| config.load_config(key));
        for_service.or_else(|| sdk.endpoint_url().map(str::to_owned))
    })
}
