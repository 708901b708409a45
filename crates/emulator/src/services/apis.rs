//! The APIs that requests can be for. `scripts/api-models` writes their models.

use super::{ecr, rds_data, s3, sts};
use crate::protocol::apis::{Apis, Source};

/// All of them.
pub(crate) static APIS: Apis = Apis {
    modelled: &MODELLED,
    ec2_query: &[("ec2", "http://ec2.amazonaws.com/doc/2016-11-15/")],
    own: &[ecr::registry::claim],
};

static MODELLED: [Source; 22] = [
    Source::new("apigateway", include_str!("../../models/apigateway.json")),
    Source::new("apigatewayv2", include_str!("../../models/apigatewayv2.json")).signed_as("apigateway", "v2"),
    Source::new("application-autoscaling", include_str!("../../models/application-autoscaling.json")),
    Source::new("backup", include_str!("../../models/backup.json")),
    Source::new("ecr", include_str!("../../models/ecr.json")),
    Source::new("ecs", include_str!("../../models/ecs.json")),
    Source::new("elasticloadbalancing", include_str!("../../models/elasticloadbalancing.json")),
    Source::new("iam", include_str!("../../models/iam.json")),
    Source::new("kms", include_str!("../../models/kms.json")),
    Source::new("lambda", include_str!("../../models/lambda.json")),
    Source::new("logs", include_str!("../../models/logs.json")),
    Source::new("monitoring", include_str!("../../models/monitoring.json")),
    Source::new("rds", include_str!("../../models/rds.json")),
    Source::new("rds-data", include_str!("../../models/rds-data.json")).reads(rds_data::only_reads),
    Source::new("s3", include_str!("../../models/s3.json")).in_host(s3::in_host),
    Source::new("scheduler", include_str!("../../models/scheduler.json")),
    Source::new("secretsmanager", include_str!("../../models/secretsmanager.json")),
    Source::new("sns", include_str!("../../models/sns.json")),
    Source::new("sqs", include_str!("../../models/sqs.json")),
    Source::new("sts", include_str!("../../models/sts.json")).reads(sts::only_reads),
    Source::new("wafv2", include_str!("../../models/wafv2.json")),
    Source::new("xray", include_str!("../../models/xray.json")),
];
