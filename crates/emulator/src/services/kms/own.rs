//! Keys that AWS's services manage (KMS Developer Guide, "AWS managed keys").
//!
//! AWS makes one when its service needs it for the first time. Here they are there from the start: their aliases are
//! listed and found, and ListKeys leaves them out.

use std::collections::BTreeMap;

use serde_json::json;

use super::key::{Key, Manager, New};
use super::spec::{ENCRYPT_DECRYPT, SYMMETRIC};
use crate::services::{ACCOUNT_ID, IdSource, Tags};

/// The services that have one, as in `alias/aws/SERVICE`.
const SERVICES: [&str; 17] = [
    "acm",
    "backup",
    "dynamodb",
    "ebs",
    "ecr",
    "elasticfilesystem",
    "es",
    "glue",
    "kinesis",
    "lambda",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "xray",
];

/// When they were made: 2026-01-01T00:00:00Z.
const CREATED: f64 = 1_767_225_600.0;

/// One for each service, by the names of their aliases.
pub(super) fn keys(ids: &mut IdSource, region: &str) -> BTreeMap<String, Key> {
    SERVICES.iter().map(|service| (format!("alias/aws/{service}"), key(ids, region, service))).collect()
}

fn key(ids: &mut IdSource, region: &str, service: &str) -> Key {
    let new = New {
        region,
        created: CREATED,
        manager: Manager::Aws,
        description: format!("Default key that protects my {service} data when no other key is defined"),
        spec: SYMMETRIC.to_owned(),
        usage: ENCRYPT_DECRYPT.to_owned(),
        multi_region: false,
        policy: policy(region, service),
        tags: Tags::new(),
    };
    Key::new(ids, new).expect("a symmetric key encrypts")
}

/// Whoever may use the service may use the key through it, and no service may by itself: an alarm cannot publish to a
/// topic that `alias/aws/sns` encrypts (SNS Developer Guide, "Enable compatibility between event sources from AWS
/// services and encrypted topics").
fn policy(region: &str, service: &str) -> String {
    let via = format!("{service}.{region}.amazonaws.com");
    json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-1"),
        "Statement": [
            {
                "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
                "Effect": "Allow",
                "Principal": {"AWS": [format!("arn:aws:iam::{ACCOUNT_ID}:root")]},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*",
                    "kms:CreateGrant", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {"kms:CallerAccount": ACCOUNT_ID, "kms:ViaService": via}},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT_ID}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    })
    .to_string()
}
