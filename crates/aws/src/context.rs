//! What every call needs: clients, made once; whose objects these are; and where.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use engine::Address;
use engine::{CallError, Caller, ErrorClass, Facts, Intent, Known, Owner, Resource, Search};
use serde_json::Value;

use crate::error::{Called, required};
use crate::identity::Identity;
use crate::known::{Ours, Parts};
use crate::poll::retrying;
use crate::tags::{self, IgnoredTags, LiveTags, TagPairs, Tags};

/// How long a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call may take. EC2's slowest answers here take a few seconds; after this the call is settled
/// like one whose answer was lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a service may not know a role or a key that was made a moment ago. AWS gives no number (IAM User Guide, "Changes that I
/// make are not always immediately visible"; KMS Developer Guide, "AWS KMS eventual consistency": "up to several minutes" at worst);
/// Terraform's provider gives IAM two minutes.
const SPREADS_WITHIN: Duration = Duration::from_secs(120);

/// The AWS account that the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// `aws`, `aws-cn` or `aws-us-gov`: the second part of every ARN.
    pub partition: String,
}

/// Clients, identity, account and region: what a resource's calls are made with.
pub struct Context {
    ec2: aws_sdk_ec2::Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    sts: aws_sdk_sts::Client,
    config: SdkConfig,
    clients: Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>,
    identity: Identity,
    account: Account,
    /// Who calls, where AWS was asked.
    caller_arn: Option<String>,
    region: String,
    /// When a role or a key was last made here. The beginning of the process counts: a run before it may have ended right after it
    /// had made one.
    made_access: Mutex<Option<Instant>>,
    ignored: IgnoredTags,
    known: Mutex<Parts>,
}

impl Context {
    /// Makes the clients and asks AWS whose credentials these are: one call, `sts:GetCallerIdentity`.
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] without a region, [`ErrorClass::Expired`] without credentials ([`sign_in`](crate::sign_in)
    /// says why), [`ErrorClass::Denied`] with ones that are not valid, [`ErrorClass::Unreachable`] where there is no
    /// connection, otherwise as the call fails.
    pub async fn connect(config: &SdkConfig, identity: Identity) -> Result<Self, CallError> {
        let (account, arn) = caller_of(config).await?;
        Ok(Self { caller_arn: Some(arn), ..Self::from_config(config, identity, account)? })
    }

    /// Makes the clients without any call, for a caller who knows the account.
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] without a region.
    pub fn from_config(config: &SdkConfig, identity: Identity, account: Account) -> Result<Self, CallError> {
        let config = client_config(config);
        let region = config.region().map(ToString::to_string).ok_or_else(|| {
            CallError::new(ErrorClass::Invalid, "connecting", "no AWS region is configured")
        })?;
        Ok(Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
            clients: Mutex::default(),
            identity,
            account,
            caller_arn: None,
            region,
            made_access: Mutex::new(Some(Instant::now())),
            ignored: IgnoredTags::default(),
            known: Mutex::default(),
        })
    }

    /// The same for who leaves these tags of its objects to others.
    #[must_use]
    pub fn ignoring(self, ignored: IgnoredTags) -> Self {
        Self { ignored, ..self }
    }

    /// The objects of a kind that are ours: recorded, or declared with all references known.
    #[must_use]
    pub fn ours<R: Resource>(&self) -> Vec<Ours<R>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).of::<R>()
    }

    /// The client for EC2, VPCs included.
    #[must_use]
    pub fn ec2(&self) -> &aws_sdk_ec2::Client {
        &self.ec2
    }

    /// The client for IAM.
    #[must_use]
    pub fn iam(&self) -> &aws_sdk_iam::Client {
        &self.iam
    }

    /// The client for CloudWatch Logs.
    #[must_use]
    pub fn logs(&self) -> &aws_sdk_cloudwatchlogs::Client {
        &self.logs
    }

    /// The client for STS.
    #[must_use]
    pub fn sts(&self) -> &aws_sdk_sts::Client {
        &self.sts
    }

    /// A client of any other service, made once: `cx.client(aws_sdk_rds::Client::new)`. A tier names the services that it
    /// needs, and this crate need not know them. What is made of clients, such as a [`Batcher`](crate::Batcher), is kept likewise.
    pub fn client<C: Clone + Send + Sync + 'static>(&self, new: fn(&SdkConfig) -> C) -> C {
        // A client is added in one step, so a panic elsewhere leaves the map whole.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(TypeId::of::<C>()).or_insert_with(|| Box::new(new(&self.config)));
        client.downcast_ref::<C>().expect("a client is kept under its own type").clone()
    }

    /// A role or a key was made now, which other services learn of later.
    pub fn made_access(&self) {
        *self.made_access.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a role or a key may have been made so recently that a service refuses it for that alone.
    #[must_use]
    pub fn is_access_new(&self) -> bool {
        let made = *self.made_access.lock().unwrap_or_else(PoisonError::into_inner);
        made.is_some_and(|made| made.elapsed() < SPREADS_WITHIN)
    }

    /// Whose objects these are.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The account's id: twelve digits.
    #[must_use]
    pub fn account_id(&self) -> &str {
        &self.account.id
    }

    /// The ARN of whose credentials these are: a user, or a session of a role. `None` where AWS was not asked.
    #[must_use]
    pub fn caller_arn(&self) -> Option<&str> {
        self.caller_arn.as_deref()
    }

    /// The partition, the second part of every ARN: `aws`, `aws-cn` or `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.account.partition
    }

    /// The region, such as `ap-southeast-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// A resource's tags together with the identity tags, for its create call.
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] where AWS would refuse the tags.
    pub fn stamp(&self, tags: &Tags, intent: &Intent) -> Result<TagPairs, CallError> {
        tags.stamped(&self.identity, intent)
    }

    /// Whether an object that was found by its natural key may be taken for the one that is searched.
    ///
    /// # Errors
    /// [`ErrorClass::Conflict`], naming the object, where its tags say that it is not ours.
    pub fn adopt(&self, object: &str, live: &LiveTags, search: &Search) -> Result<(), CallError> {
        if search.whosever || live.belongs_to(&self.identity, search) {
            return Ok(());
        }
        let address = &search.address;
        let Identity { project, environment } = &self.identity;
        Err(CallError::conflict(
            format!("looking for {object}"),
            format!(
                "it exists already and its tags do not say that it is {address} of project {project}, \
                 environment {environment}"
            ),
        ))
    }
}

impl Caller for Context {
    fn marked(&self, facts: &Facts, address: &Address, properties: &Value) -> Value {
        tags::mark(facts, &self.identity, address, properties)
    }

    fn left_alone(&self, facts: &Facts, live: &mut Value) {
        tags::leave_alone(facts, &self.ignored, live);
    }

    fn owner(&self, facts: &Facts, live: &Value) -> Option<Owner> {
        tags::owner(facts, &self.identity, live)
    }

    fn known(&self, known: &Known<'_>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Parts::new(known);
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The clients hold credentials; they stay out.
        f.debug_struct("Context")
            .field("identity", &self.identity)
            .field("account", &self.account)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The same configuration with our rules for a call: no retries, and time-outs.
///
/// Retries are off: the SDK would send a create again whose answer was lost, and make a second object. The
/// engine retries, because it knows which calls are safe to repeat.
pub fn client_config(config: &SdkConfig) -> SdkConfig {
    let mut builder = config.to_builder();
    if config.behavior_version().is_none() {
        builder.set_behavior_version(Some(BehaviorVersion::latest()));
    }
    if config.sleep_impl().is_none() {
        builder.set_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())));
    }
    builder
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
        .build()
}

/// The account of the credentials: one call, `sts:GetCallerIdentity`, until it is answered.
///
/// # Errors
/// As the call fails.
pub async fn account(config: &SdkConfig) -> Result<Account, CallError> {
    Ok(caller_of(config).await?.0)
}

/// The same, and the ARN of whose credentials they are.
async fn caller_of(config: &SdkConfig) -> Result<(Account, String), CallError> {
    let sts = aws_sdk_sts::Client::new(&client_config(config));
    retrying("GetCallerIdentity", || caller(&sts)).await
}

async fn caller(sts: &aws_sdk_sts::Client) -> Result<(Account, String), CallError> {
    const OPERATION: &str = "GetCallerIdentity";
    let answer = sts.get_caller_identity().send().await.called(OPERATION)?;
    let id = required(answer.account, OPERATION, "Account")?;
    let arn = required(answer.arn, OPERATION, "Arn")?;
    let partition = required(arn.split(':').nth(1).map(str::to_owned), OPERATION, "a partition in Arn")?;
    Ok((Account { id, partition }, arn))
}

#[cfg(test)]
mod tests {
    use aws_config::Region;

    use engine::Address;

    use super::*;

    fn identity() -> Identity {
        Identity { project: "payment".to_owned(), environment: "dev".to_owned() }
    }

    fn account() -> Account {
        Account { id: "123456789012".to_owned(), partition: "aws".to_owned() }
    }

    #[test]
    fn calls_are_never_retried_by_the_sdk_and_have_time_outs() {
        let config = client_config(&SdkConfig::builder().build());
        let retries = config.retry_config().unwrap();
        assert_eq!(retries.max_attempts(), 1);
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT_TIMEOUT));
        assert!(config.sleep_impl().is_some());
    }

    #[tokio::test]
    async fn a_configuration_without_a_region_is_refused() {
        let error = Context::from_config(&SdkConfig::builder().build(), identity(), account()).unwrap_err();
        assert_eq!(error.to_string(), "connecting: no AWS region is configured");
    }

    #[tokio::test]
    async fn only_an_object_with_our_tags_is_adopted() {
        let config = SdkConfig::builder().region(Region::new("ap-southeast-1")).build();
        let cx = Context::from_config(&config, identity(), account()).unwrap();
        let intent = Intent { address: Address::new("vpc/flow-log-group").unwrap(), token: "0".repeat(32) };
        let search = Search::made_for(intent.address.clone());
        let ours = cx.stamp(&Tags::new(), &intent).unwrap().map();
        assert_eq!(cx.adopt("log group x", &LiveTags::map(Some(ours)), &search), Ok(()));
        let error = cx.adopt("log group x", &LiveTags::default(), &search).unwrap_err();
        assert_eq!(error.class, ErrorClass::Conflict);
        assert_eq!(
            error.to_string(),
            "looking for log group x: it exists already and its tags do not say that it is \
             vpc/flow-log-group of project payment, environment dev"
        );
    }
}
