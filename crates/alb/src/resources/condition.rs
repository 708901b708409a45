//! Which requests a rule is for.

use aws_sdk_elasticloadbalancingv2::types::{
    HttpHeaderConditionConfig, PathPatternConditionConfig, RuleCondition as Live,
};
use serde::{Deserialize, Serialize};

/// One condition: a path, or a header. Of others that somebody set by hand, only the field is known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Condition {
    /// `path-pattern` or `http-header`.
    pub field: String,
    /// Which paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_pattern_config: Option<PathPatternConfig>,
    /// Which header, and what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_header_config: Option<HttpHeaderConfig>,
}

/// Which paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PathPatternConfig {
    /// Patterns with `*` and `?`; one of them must match.
    pub values: Vec<String>,
}

/// Which header, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HttpHeaderConfig {
    /// The header's name, in any case.
    pub http_header_name: String,
    /// Patterns with `*` and `?`, in any case; one of them must match.
    pub values: Vec<String>,
}

impl Condition {
    /// Requests for a path.
    #[must_use]
    pub fn path(pattern: &str) -> Self {
        Self {
            field: "path-pattern".to_owned(),
            path_pattern_config: Some(PathPatternConfig { values: vec![pattern.to_owned()] }),
            http_header_config: None,
        }
    }

    /// Requests with a header.
    #[must_use]
    pub fn header(name: &str, value: &str) -> Self {
        let config = HttpHeaderConfig { http_header_name: name.to_owned(), values: vec![value.to_owned()] };
        Self { field: "http-header".to_owned(), path_pattern_config: None, http_header_config: Some(config) }
    }

    pub(super) fn for_call(&self) -> Live {
        let path = self.path_pattern_config.as_ref().map(|config| {
            PathPatternConditionConfig::builder().set_values(Some(config.values.clone())).build()
        });
        let header = self.http_header_config.as_ref().map(|config| {
            HttpHeaderConditionConfig::builder()
                .http_header_name(&config.http_header_name)
                .set_values(Some(config.values.clone()))
                .build()
        });
        Live::builder()
            .field(&self.field)
            .set_path_pattern_config(path)
            .set_http_header_config(header)
            .build()
    }

    pub(super) fn from_live(live: &Live) -> Self {
        Self {
            field: live.field().unwrap_or_default().to_owned(),
            path_pattern_config: live
                .path_pattern_config()
                .map(|config| PathPatternConfig { values: config.values().to_vec() }),
            http_header_config: live.http_header_config().map(|config| HttpHeaderConfig {
                http_header_name: config.http_header_name().unwrap_or_default().to_owned(),
                values: config.values().to_vec(),
            }),
        }
    }
}
