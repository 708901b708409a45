//! The services, and the account that they share.
//!
//! All state is one [`Account`]: what is global, and a [`Region`] for each region, in which each service has a field of
//! its own. An operation gets the whole of it ([`Cx`]), because AWS's rules span services: a subnet stays while a load
//! balancer has an interface in it, ECS moves the weights of listener rules, Aurora makes a secret.
//!
//! To add a service: list its operations in `scripts/api-models`, write a module with a state that implements [`Api`],
//! and name it in [`regional!`] below. A request has been decoded and checked against the model of its API before an
//! operation sees it.
//!
//! What services have in common is written once: how an operation reads its input (`input`), the objects of a kind and the
//! refusals of keys that are not there or taken (`table`), tags (`tagging`), pages (`pages`), client tokens and the rest
//! (`support`). The rules of AWS are code of the services.

pub(crate) mod apigateway;
mod autoscaling;
mod backup;
mod cloudwatch;
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
mod xray;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

// What services are written with.
pub(crate) use self::pages::{page, page_by_key};
pub(crate) use self::support::{
    Answer, Cx, Interface, Next, Tag, Tags, Tokens, named_tag_list, refusals, tag_list, tag_map, tags,
};
pub(crate) use self::table::{Kind, Table, kinds};
pub(crate) use self::tagging::Tagging;
use crate::clock::Clock;
pub(crate) use crate::emulator::ACCOUNT_ID;
use crate::error::EmulatorError;
pub(crate) use crate::ids::IdSource;
pub(crate) use crate::latency::{Latencies, Spread, spread};
pub(crate) use crate::limits::{Limit, ServiceLimits, rate};
use crate::model::{Problem, Violation};
pub(crate) use crate::objects::Object;
use crate::persist::{Files, Stored};
pub(crate) use crate::request::Call;
use crate::request::Protocol;
use crate::response::Response;
pub(crate) use crate::response::{Refusal, ensure, refuse_if};

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

        /// How many calls a service takes, if it is there.
        pub(crate) fn limits(service: &str) -> Option<ServiceLimits> {
            match state_name(service) {
                $($name => Some(<$state>::LIMITS),)+
                $($global_name => Some(<$global_state>::LIMITS),)+
                _ => None,
            }
        }

        /// How long a call takes until it answers, where that is not at once.
        pub(crate) fn duration(service: &str, operation: &str) -> Option<Spread> {
            let calls = match state_name(service) {
                $($name => <$state>::CALLS,)+
                $($global_name => <$global_state>::CALLS,)+
                _ => return None,
            };
            calls.iter().find(|(name, _)| *name == operation).map(|(_, spread)| *spread)
        }
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

/// Everything in the account.
#[derive(Clone)]
pub(crate) struct Account {
    global: Global,
    regions: BTreeMap<String, Region>,
}

/// All services of the account.
pub(crate) struct Services {
    clock: Arc<Clock>,
    seed: u64,
    latencies: Latencies,
    account: Mutex<Account>,
}

impl Services {
    pub(crate) fn new(clock: Clock, seed: u64, latencies: Latencies) -> Self {
        let account = Account { global: Global::new(seed), regions: BTreeMap::new() };
        Services { clock: Arc::new(clock), seed, latencies, account: Mutex::new(account) }
    }

    /// The account's clock.
    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The account as it is, and how much time has passed in it.
    pub(crate) fn copy(&self) -> (Account, Duration) {
        (self.account().clone(), self.clock.passed())
    }

    /// The services of an account that was copied, at the moment at which it was.
    pub(crate) fn going_on(account: Account, passed: Duration, seed: u64, latencies: Latencies) -> Self {
        let clock = Arc::new(Clock::going_on(passed));
        Services { clock, seed, latencies, account: Mutex::new(account) }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        // Operations change the state after their last check, so a panic leaves it whole.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in a region, once everything has happened there that is due.
    fn within<T>(&self, region: &str, work: impl FnOnce(&mut Cx<'_>) -> T) -> T {
        let mut account = self.account();
        let Account { global, regions } = &mut *account;
        let r = regions.entry(region.to_owned()).or_insert_with(|| Region::new(self.seed, region));
        let now_millis = self.clock.now_millis();
        let mut cx = Cx { region, now_millis, latencies: self.latencies, global, r };
        settle(&mut cx);
        work(&mut cx)
    }

    pub(crate) fn answer(&self, call: &Call) -> Response {
        let answered =
            self.within(&call.region, |cx| match cx.global.iam.passed_too_early(call, cx.now_millis) {
                Some(role) => Err(not_passed(call, role)),
                None => answer(cx, call),
            });
        match answered {
            Ok(value) => Response::success(call, &value),
            Err(refusal) => call.refuse(refusal),
        }
    }

    /// Puts a cluster or an instance of RDS into a state; whether there is one of this name.
    pub(crate) fn put_database(&self, region: &str, database: &str, status: &str) -> bool {
        self.within(region, |cx| cx.r.rds.put(database, status))
    }

    /// The homes (service, and region or `global`) in which a call may have an effect.
    pub(crate) fn homes(&self, call: &Call) -> Vec<(String, String)> {
        let regional = REGIONAL.iter().map(|service| ((*service).to_owned(), call.region.clone()));
        let global = GLOBALS.iter().map(|service| ((*service).to_owned(), GLOBAL.to_owned()));
        regional.chain(global).collect()
    }

    /// The home of the service that a call asks.
    pub(crate) fn home(&self, call: &Call) -> (String, String) {
        let name = state_name(&call.service);
        let region = if GLOBALS.contains(&name) { GLOBAL } else { call.region.as_str() };
        (name.to_owned(), region.to_owned())
    }

    /// The state of a service in a region, or `global`.
    pub(crate) fn save(&self, service: &str, home: &str) -> Option<Value> {
        match home {
            GLOBAL => self.account().global.save(service),
            region => self.within(region, |cx| cx.r.save(service)),
        }
    }

    /// The same for a new account, which has no file.
    pub(crate) fn blank(&self, service: &str, home: &str) -> Option<Value> {
        match home {
            GLOBAL => Global::new(self.seed).save(service),
            region => Region::new(self.seed, region).save(service),
        }
    }

    /// Whether a stored state can be loaded.
    fn check(&self, stored: &Stored) -> Result<(), EmulatorError> {
        match check_state(&stored.service, &stored.state) {
            Some(checked) => checked.map_err(|error| broken(stored, &error)),
            None => Err(unknown(stored)),
        }
    }

    /// What of the files can be loaded, and what is wrong with the others.
    pub(crate) fn usable(&self, files: Files) -> (Vec<Stored>, BTreeMap<(String, String), EmulatorError>) {
        let home = |service: &String, region: &String| (service.clone(), region.clone());
        let mut bad: BTreeMap<_, _> =
            files.unreadable.into_iter().map(|one| (home(&one.service, &one.region), one.error)).collect();
        let mut good = Vec::new();
        for stored in files.readable {
            match self.check(&stored) {
                Ok(()) => good.push(stored),
                Err(error) => drop(bad.insert(home(&stored.service, &stored.region), error)),
            }
        }
        (good, bad)
    }

    /// Makes memory equal to what was read: homes without a file are those of a new account. Files are
    /// [checked](Self::check) before.
    pub(crate) fn load(&self, files: Vec<Stored>) -> Result<(), EmulatorError> {
        let mut account = Account { global: Global::new(self.seed), regions: BTreeMap::new() };
        for stored in files {
            let Stored { service, region, state, .. } = &stored;
            let loaded = match region.as_str() {
                GLOBAL => account.global.load(service, state.clone()),
                name => {
                    let new = || Region::new(self.seed, name);
                    account.regions.entry(name.to_owned()).or_insert_with(new).load(service, state.clone())
                }
            };
            loaded.map_err(|error| broken(&stored, &error))?;
        }
        *self.account() = account;
        Ok(())
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        let names: Vec<String> = self.account().regions.keys().cloned().collect();
        let mut objects: Vec<Object> =
            names.iter().flat_map(|region| self.within(region, |cx| cx.r.objects(region))).collect();
        objects.extend(self.account().global.objects());
        objects.sort_by(|a, b| {
            let key = |o: &Object| (o.service.clone(), o.region.clone(), o.kind.clone(), o.id.clone());
            key(a).cmp(&key(b))
        });
        objects
    }
}

fn unknown(stored: &Stored) -> EmulatorError {
    EmulatorError::UnknownService { path: stored.path.clone(), service: stored.service.clone() }
}

fn broken(stored: &Stored, error: &serde_json::Error) -> EmulatorError {
    EmulatorError::Broken { path: stored.path.clone(), reason: error.to_string() }
}

/// The refusal of a call that hands over a role before the caller may. EC2 does not say what is not allowed.
fn not_passed(call: &Call, role: &str) -> Refusal {
    let (code, status) = match call.protocol {
        Protocol::Ec2Query => {
            let message = "You are not authorized to perform this operation.";
            return Refusal::new("UnauthorizedOperation", message).with_status(403);
        }
        Protocol::AwsQuery => ("AccessDenied", 403),
        Protocol::AwsJson | Protocol::Cbor => ("AccessDeniedException", 400),
        Protocol::RestJson | Protocol::RestXml => ("AccessDeniedException", 403),
    };
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT_ID}:user/emulator is not authorized to perform: iam:PassRole on resource: {role} \
         because no identity-based policy allows the iam:PassRole action"
    );
    Refusal::new(code, message).with_status(status)
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
    use crate::request::Http;

    #[test]
    fn a_new_account_has_no_objects() {
        assert_eq!(Region::new(0, "eu-west-1").objects("eu-west-1"), []);
        assert_eq!(Global::new(0).objects(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_not_there_is_refused_by_name() {
        let services = Services::new(Clock::in_memory(), 0, Latencies::new(0.0, 0));
        let call = Call::decode(
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
