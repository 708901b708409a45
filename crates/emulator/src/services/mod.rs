//! The services, and the account that they share.
//!
//! This is the last of three layers: services name the machine and the protocol, and neither names a service.
//!
//! All state is one [`Account`]: what is global, and a [`Region`] for each region, in which each service has a field of
//! its own. An operation gets the whole of it ([`Cx`]), because AWS's rules span services: a subnet stays while a load
//! balancer has an interface in it, ECS moves the weights of listener rules, Aurora makes a secret.
//!
//! To add a service: list its operations in `scripts/api-models`, name the model in `apis`, write a module with a state that
//! implements [`Api`], and name it in [`services!`] below. A request has been decoded and checked against the model of its API
//! before an operation sees it. What the machine needs to know of a service is in [`Api`] too; [`Aws`] hands it over.
//!
//! What services have in common is written once: how an operation reads its input (`input`), the objects of a kind and the
//! refusals of keys that are not there or taken (`table`), tags (`tagging`), pages (`pages`), client tokens and the rest
//! (`support`), patterns with `*` (`wildcard`). The rules of AWS are code of the services.

mod account;
pub(crate) mod apigateway;
mod apis;
mod autoscaling;
mod backup;
mod cloudwatch;
mod denied;
pub(crate) mod ec2;
mod ecr;
mod ecs;
mod elbv2;
mod iam;
mod input;
mod kms;
mod lambda;
mod logs;
mod pages;
mod rds;
mod rds_data;
mod resource_policy;
mod s3;
mod scheduler;
mod secretsmanager;
mod sns;
mod sqs;
mod sts;
mod support;
mod table;
mod tagging;
mod time_zones;
mod wafv2;
mod wildcard;
mod xray;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::account::Account;
// What services are written with.
pub(crate) use self::apis::APIS;
pub(crate) use self::pages::{page, page_by_key};
pub(crate) use self::support::{
    Answer, Cx, Interface, Next, Tag, Tags, Tokens, named_tag_list, refusals, tag_list, tag_map, tags,
};
pub(crate) use self::table::{Kind, Table, kinds};
pub(crate) use self::tagging::Tagging;
pub(crate) use self::wildcard::fits_stars;
pub(crate) use crate::machine::emulator::ACCOUNT_ID;
pub(crate) use crate::machine::ids::IdSource;
pub(crate) use crate::machine::latency::{Latencies, Spread, spread};
pub(crate) use crate::machine::limits::{Limit, ServiceLimits, rate};
pub(crate) use crate::machine::objects::Object;
use crate::machine::services::{Catalog, Facts, Services, Setting};
use crate::protocol::apis::Apis;
use crate::protocol::bounds::BODY_AT_MOST;
use crate::protocol::model::{Problem, Violation};
pub(crate) use crate::protocol::request::Call;
use crate::protocol::request::Protocol;
pub(crate) use crate::protocol::response::{Refusal, ensure, refuse_if};
pub(crate) use crate::protocol::secrets::Secrets;

/// The region under which global services keep their state.
pub(crate) const GLOBAL: &str = "global";

/// One service's state in one region (or in [`GLOBAL`]), and its operations.
pub(crate) trait Api: Clone + Send + Serialize + DeserializeOwned {
    /// The code for input that the model of the API does not allow.
    const INVALID: &'static str;
    /// The code for input that lacks something.
    const MISSING: &'static str = Self::INVALID;
    /// How many calls AWS takes.
    const LIMITS: ServiceLimits;
    /// Operations that take their time before they answer.
    const CALLS: &'static [(&'static str, Spread)] = &[];

    /// Members that are secret in one operation only, and that no model marks.
    const SECRETS: Secrets = &[];
    /// The code of an internal error, where it is not that of the API references' "Common Errors".
    const INTERNAL: &'static str = "InternalFailure";
    /// What the names of its actions in IAM begin with, where that is not the name that calls are signed for.
    const ACTIONS: Option<&'static str> = None;
    /// The largest body of a request.
    const BODY_AT_MOST: usize = BODY_AT_MOST;

    /// The codes [`MISSING`](Self::MISSING) and [`INVALID`](Self::INVALID) of an operation, for services whose operations
    /// differ in them.
    fn codes(_operation: &str) -> (&'static str, &'static str) {
        (Self::MISSING, Self::INVALID)
    }

    /// The state of a new account.
    fn new(ids: IdSource, region: &str) -> Self;

    /// Answers a call. Everything is checked first and changed last: a refused call changes nothing.
    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer;

    /// The refusal of input that the model of the API does not allow.
    fn refused(_cx: &Cx<'_>, call: &Call, violation: Violation) -> Refusal {
        refused::<Self>(call, violation)
    }

    /// The refusal of a caller whom no policy allows the call.
    fn denied(call: &Call) -> Refusal {
        denied::refusal(call, Self::ACTIONS.unwrap_or(&call.service))
    }

    /// Puts an object into a state whose cause is not modelled; whether there is one of this name.
    fn put(&mut self, _name: &str, _state: &str) -> bool {
        false
    }

    /// Lets everything happen that has become due. Nothing runs in the background, so this comes before every look.
    fn settle(_cx: &mut Cx<'_>) {}

    /// What is there, but for what every account has from the start and nobody changed.
    fn objects(&self, home: &str) -> Vec<Object>;

    /// The network interfaces that the service has in subnets.
    fn interfaces(&self) -> Vec<Interface> {
        Vec::new()
    }
}

/// Names the services that have a state of their own in each region, and the global ones.
macro_rules! services {
    (regional: $($name:literal => $field:ident: $state:ty,)+ global: $($global_name:literal => $global:ident: $global_state:ty,)+) => {
        /// Everything in one region.
        #[derive(Clone)]
        pub(crate) struct Region {
            $(pub(crate) $field: $state,)+
        }

        /// What belongs to no region.
        #[derive(Clone)]
        pub(crate) struct Global {
            $(pub(crate) $global: $global_state,)+
        }

        const REGIONAL: &[&str] = &[$($name),+];
        const GLOBALS: &[&str] = &[$($global_name),+];

        impl Region {
            fn new(seed: u64, region: &str) -> Self {
                Region { $($field: <$state as Api>::new(IdSource::new(seed, &source($name, region)), region),)+ }
            }

            fn save(&self, service: &str) -> Option<Value> {
                match service {
                    $($name => Some(to_json(&self.$field)),)+
                    _ => None,
                }
            }

            fn load(&mut self, service: &str, state: Value) -> Result<(), serde_json::Error> {
                match service {
                    $($name => self.$field = serde_json::from_value(state)?,)+
                    _ => {}
                }
                Ok(())
            }

            fn put(&mut self, service: &str, name: &str, state: &str) -> bool {
                match service {
                    $($name => Api::put(&mut self.$field, name, state),)+
                    _ => false,
                }
            }

            fn objects(&self, home: &str) -> Vec<Object> {
                let mut objects = Vec::new();
                $(objects.extend(self.$field.objects(home));)+
                objects
            }

            /// The network interfaces of all services but EC2, which asks.
            fn interfaces(&self) -> Vec<Interface> {
                let mut interfaces = Vec::new();
                $(interfaces.extend(self.$field.interfaces());)+
                interfaces
            }
        }

        impl Global {
            fn new(seed: u64) -> Self {
                Global { $($global: <$global_state as Api>::new(IdSource::new(seed, &source($global_name, GLOBAL)), GLOBAL),)+ }
            }

            fn save(&self, service: &str) -> Option<Value> {
                match service {
                    $($global_name => Some(to_json(&self.$global)),)+
                    _ => None,
                }
            }

            fn load(&mut self, service: &str, state: Value) -> Result<(), serde_json::Error> {
                match service {
                    $($global_name => self.$global = serde_json::from_value(state)?,)+
                    _ => {}
                }
                Ok(())
            }

            fn objects(&self) -> Vec<Object> {
                let mut objects = Vec::new();
                $(objects.extend(self.$global.objects(GLOBAL));)+
                objects
            }
        }

        /// Whether a stored state can be loaded; `None` for a service that is not there.
        fn check_state(service: &str, state: &Value) -> Option<Result<(), serde_json::Error>> {
            match service {
                $($name => Some(<$state>::deserialize(state).map(drop)),)+
                $($global_name => Some(<$global_state>::deserialize(state).map(drop)),)+
                _ => None,
            }
        }

        fn settle(cx: &mut Cx<'_>) {
            $(<$state>::settle(cx);)+
            $(<$global_state>::settle(cx);)+
        }

        fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
            match state_name(&call.service) {
                $($name => answer_of::<$state>(cx, call),)+
                $($global_name => answer_of::<$global_state>(cx, call),)+
                _ => Err(Refusal::new(
                    "UnknownService",
                    format!(
                        "The emulator has no service {}, asked for {} in {}.",
                        call.service, call.operation, call.region
                    ),
                )),
            }
        }

        /// What a service says of itself.
        fn facts(service: &str) -> Facts {
            match state_name(service) {
                $($name => facts_of::<$state>(),)+
                $($global_name => facts_of::<$global_state>(),)+
                _ => Facts {
                    limits: ServiceLimits::each(&[]),
                    calls: &[],
                    secrets: &[],
                    denied: |call| denied::refusal(call, &call.service),
                    internal_error: "InternalFailure",
                },
            }
        }

        /// The largest body of each service.
        const BODIES: &[(&str, usize)] = &[
            $(($name, <$state as Api>::BODY_AT_MOST),)+
            $(($global_name, <$global_state as Api>::BODY_AT_MOST),)+
        ];
    };
}

services! {
    regional:
        "apigateway" => apigateway: apigateway::State,
        "application-autoscaling" => autoscaling: autoscaling::State,
        "backup" => backup: backup::State,
        "ec2" => ec2: ec2::Region,
        "ecr" => ecr: ecr::State,
        "ecs" => ecs: ecs::State,
        "elasticloadbalancing" => elbv2: elbv2::State,
        "kms" => kms: kms::State,
        "lambda" => lambda: lambda::State,
        "logs" => logs: logs::State,
        "monitoring" => cloudwatch: cloudwatch::State,
        "rds" => rds: rds::State,
        "rds-data" => rds_data: rds_data::State,
        "scheduler" => scheduler: scheduler::State,
        "secretsmanager" => secretsmanager: secretsmanager::State,
        "sns" => sns: sns::State,
        "sqs" => sqs: sqs::State,
        "wafv2" => wafv2: wafv2::State,
        "xray" => xray: xray::State,
    global:
        "dashboards" => dashboards: cloudwatch::Dashboards,
        "iam" => iam: iam::State,
        "s3" => s3: s3::State,
        "sts" => sts: sts::State,
}

/// Under which name a service keeps its state: the two generations of API Gateway keep it together.
fn state_name(service: &str) -> &str {
    match service {
        "apigatewayv2" => "apigateway",
        other => other,
    }
}

/// What a service's ids in a region are made from, besides the seed.
fn source(service: &str, region: &str) -> String {
    format!("{service}@{region}")
}

/// A state, or a record as it is answered: the encoder leaves out private members and nulls.
fn to_json(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("records are plain data with text keys")
}

fn answer_of<S: Api>(cx: &mut Cx<'_>, call: &Call) -> Answer {
    call.check().map_err(|violation| S::refused(cx, call, violation))?;
    S::answer(cx, call)
}

/// The refusal of input that the model of the API does not allow.
fn refused<S: Api>(call: &Call, violation: Violation) -> Refusal {
    let (missing, invalid) = S::codes(&call.operation);
    match violation.problem {
        Problem::Unknown => {
            let Violation { path, .. } = violation;
            let operation = &call.operation;
            Refusal::new("UnknownParameter", format!("{operation} has no parameter {path}."))
        }
        Problem::Missing => Refusal::new(missing, violation.message),
        _ => Refusal::new(invalid, violation.message),
    }
}

fn facts_of<S: Api>() -> Facts {
    Facts {
        limits: S::LIMITS,
        calls: S::CALLS,
        secrets: S::SECRETS,
        denied: S::denied,
        internal_error: S::INTERNAL,
    }
}

/// The services that there are.
pub(crate) struct Aws;

impl Catalog for Aws {
    fn apis(&self) -> &'static Apis {
        &APIS
    }

    fn facts(&self, service: &str) -> Facts {
        facts(service)
    }

    fn large_bodies(&self) -> &'static [(&'static str, usize)] {
        BODIES
    }

    fn account(&self, setting: Setting) -> Box<dyn Services> {
        Account::new(setting.seed).live(setting)
    }
}

/// The refusal of an operation that a service does not have, with AWS's code for that.
pub(crate) fn unknown_operation(call: &Call) -> Refusal {
    let code = match call.protocol {
        Protocol::Ec2Query | Protocol::AwsQuery => "InvalidAction",
        _ => "UnknownOperationException",
    };
    Refusal::new(
        code,
        format!("The emulator has no operation {} in service {}.", call.operation, call.service),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::blobs::Blobs;
    use crate::machine::clock::Clock;
    use crate::protocol::request::Http;

    #[test]
    fn a_new_account_has_no_objects() {
        assert_eq!(Region::new(0, "eu-west-1").objects("eu-west-1"), []);
        assert_eq!(Global::new(0).objects(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_not_there_is_refused_by_name() {
        let services = Aws.account(Setting {
            clock: Clock::in_memory(),
            seed: 0,
            latencies: Latencies::new(0.0, 0),
            blobs: Blobs::in_memory(),
            containers: Vec::new(),
        });
        let call = Call::decode(
            &APIS,
            1,
            Http {
                uri: "https://kinesis.eu-west-1.amazonaws.com/".to_owned(),
                headers: vec![("x-amz-target".to_owned(), "Kinesis_20131202.CreateStream".to_owned())],
                ..Http::default()
            },
        );
        let response = services.answer(&call.expect("it is well formed"));
        assert_eq!(response.error.as_deref(), Some("UnknownService"));
        let body = String::from_utf8(response.body).expect("it is well formed");
        assert!(body.contains("kinesis") && body.contains("CreateStream"), "{body}");
    }
}
