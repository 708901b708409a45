//! The emulator as real `aws-sdk-*` clients see it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod apigateway;
mod autoscaling;
mod backup;
mod cloudwatch;
mod cloudwatch_data;
mod cloudwatch_rules;
mod concurrency;
mod conflicts;
mod dependencies;
mod ecr;
mod ecs;
mod faults;
mod filters;
mod front;
mod identity;
mod inspection;
mod interface_endpoints;
mod kms;
mod lambda;
mod life_cycle;
mod listener_refusals;
mod load_balancer_refusals;
mod load_balancers;
mod logs;
mod persistence;
mod rds;
mod rds_life_cycle;
mod rds_rules;
mod rehearsal;
mod round_trip;
mod rows;
mod s3_buckets;
mod s3_objects;
mod scheduler;
mod secrets;
mod serving;
mod snapshot;
mod sns;
mod sqs;
mod support;
mod throttling;
mod tokens;
mod web_acls;
mod xray;
