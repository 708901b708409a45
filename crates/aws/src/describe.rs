//! Describe calls, batched: reads that are asked for at about the same time become one call.
//!
//! EC2 refills its bucket for Describe calls at 20 a second, and a refresh of a whole stack looks at hundreds of
//! objects. A call here names the objects by *filter* where it can, not by id: with ids, one object that is gone makes the
//! whole call fail; with a filter it is only missing from the answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ec2::types::{
    Address, FlowLog, InternetGateway, NatGateway, NetworkAcl, NetworkAclAssociation, RouteTable,
    RouteTableAssociation, SecurityGroup, Subnet, Vpc, VpcEndpoint,
};
use engine::{CallError, ErrorClass};
use tokio::sync::oneshot;

use crate::ec2::filter;
use crate::error::Called;
use crate::ids::*;

/// How long the first asker waits for others to join.
const WINDOW: Duration = Duration::from_millis(20);
/// EC2 takes at most 200 values in one filter.
const MOST_KEYS: usize = 200;

/// The values that were found, by key.
type Fetched<K, V> = Result<HashMap<K, V>, CallError>;
type Fetch<K, V> = dyn Fn(Vec<K>) -> Pin<Box<dyn Future<Output = Fetched<K, V>> + Send>> + Send + Sync;
type Asker<V> = oneshot::Sender<Result<Option<V>, CallError>>;

/// Collects the keys that are asked for within a short window and fetches them together.
///
/// # Guarantees
/// - A fetch begins after every caller whom it answers has asked, so nobody gets a value from before.
/// - A key that several callers ask for is fetched once.
/// - An error reaches every caller of its fetch.
/// - A caller that is dropped does not disturb the others.
pub struct Batcher<K, V> {
    inner: Arc<Inner<K, V>>,
}

impl<K, V> Clone for Batcher<K, V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<K, V> {
    waiting: Mutex<HashMap<K, Vec<Asker<V>>>>,
    window: Duration,
    most_keys: usize,
    fetch: Box<Fetch<K, V>>,
}

impl<K, V> Batcher<K, V>
where
    K: Clone + Eq + Hash + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A batcher that hands at most `most_keys` keys to one `fetch`, in ascending order.
    pub fn new<F>(
        window: Duration,
        most_keys: usize,
        fetch: impl Fn(Vec<K>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Fetched<K, V>> + Send + 'static,
    {
        let fetch =
            Box::new(move |keys| -> Pin<Box<dyn Future<Output = _> + Send>> { Box::pin(fetch(keys)) });
        let most_keys = most_keys.max(1);
        Self { inner: Arc::new(Inner { waiting: Mutex::default(), window, most_keys, fetch }) }
    }

    /// The value of one key, or `None` if there is none.
    ///
    /// Must be called inside a tokio runtime: the fetch is a task of its own.
    ///
    /// # Errors
    /// As the fetch fails.
    pub async fn get(&self, key: &K) -> Result<Option<V>, CallError> {
        let (asker, answer) = oneshot::channel();
        let opens_window = {
            let mut waiting = self.inner.lock();
            let opens_window = waiting.is_empty();
            waiting.entry(key.clone()).or_default().push(asker);
            opens_window
        };
        if opens_window {
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move { inner.answer_all().await });
        }
        answer.await.unwrap_or_else(|_| {
            let message = "the program was stopped before the answer came";
            Err(CallError::new(ErrorClass::Ambiguous, "Describe", message))
        })
    }
}

impl<K, V> Inner<K, V>
where
    K: Clone + Eq + Hash + Ord + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Vec<Asker<V>>>> {
        // Nothing can panic while the lock is held, so a poisoned one holds whole data.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer_all(&self) {
        tokio::time::sleep(self.window).await;
        let mut asked: Vec<_> = std::mem::take(&mut *self.lock()).into_iter().collect();
        asked.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut asked = asked.into_iter().peekable();
        while asked.peek().is_some() {
            let batch: Vec<_> = asked.by_ref().take(self.most_keys).collect();
            let fetched = (self.fetch)(batch.iter().map(|(key, _)| key.clone()).collect()).await;
            for (key, askers) in batch {
                let answer = match &fetched {
                    Ok(values) => Ok(values.get(&key).cloned()),
                    Err(error) => Err(error.clone()),
                };
                for asker in askers {
                    // One that no longer listens was dropped, which is its right.
                    let _ = asker.send(answer.clone());
                }
            }
        }
    }
}

/// EC2 reads, one batcher a kind.
#[derive(Clone)]
pub struct Describe {
    /// VPCs.
    pub vpcs: Batcher<VpcId, Vpc>,
    /// Subnets.
    pub subnets: Batcher<SubnetId, Subnet>,
    /// Internet gateways.
    pub internet_gateways: Batcher<InternetGatewayId, InternetGateway>,
    /// Elastic IP addresses.
    pub addresses: Batcher<AllocationId, Address>,
    /// NAT gateways, also those that are being deleted or were.
    pub nat_gateways: Batcher<NatGatewayId, NatGateway>,
    /// Route tables, with their routes.
    pub route_tables: Batcher<RouteTableId, RouteTable>,
    /// The explicit association of each subnet with a route table.
    pub route_table_associations: Batcher<SubnetId, RouteTableAssociation>,
    /// Network ACLs, with their entries.
    pub network_acls: Batcher<NetworkAclId, NetworkAcl>,
    /// The association of each subnet with a network ACL; AWS gives every subnet one.
    pub network_acl_associations: Batcher<SubnetId, NetworkAclAssociation>,
    /// Security groups, with their rules.
    pub security_groups: Batcher<SecurityGroupId, SecurityGroup>,
    /// VPC endpoints, also those that are being deleted.
    pub vpc_endpoints: Batcher<VpcEndpointId, VpcEndpoint>,
    /// Flow logs.
    pub flow_logs: Batcher<FlowLogId, FlowLog>,
}

/// A batcher over one paginated Describe call. `$each` turns one described object into pairs of key and value.
macro_rules! batched {
    ($ec2:ident.$call:ident().$add:ident($filter:literal), $operation:literal, $each:expr) => {{
        let ec2 = $ec2.clone();
        Batcher::new(WINDOW, MOST_KEYS, move |keys| {
            let request = ec2.$call().$add(filter($filter, keys));
            async move {
                let described = request.into_paginator().items().send().try_collect().await;
                Ok(described.called($operation)?.into_iter().flat_map($each).collect())
            }
        })
    }};
}

/// The object itself, by its id.
fn by_id<K: From<String>, V>(id: Option<String>, object: V) -> Option<(K, V)> {
    Some((id?.into(), object))
}

impl Describe {
    pub(crate) fn new(ec2: &aws_sdk_ec2::Client) -> Self {
        Self {
            vpcs: batched!(ec2.describe_vpcs().filters("vpc-id"), "DescribeVpcs", |vpc: Vpc| {
                by_id(vpc.vpc_id.clone(), vpc)
            }),
            subnets: batched!(
                ec2.describe_subnets().filters("subnet-id"),
                "DescribeSubnets",
                |subnet: Subnet| { by_id(subnet.subnet_id.clone(), subnet) }
            ),
            internet_gateways: batched!(
                ec2.describe_internet_gateways().filters("internet-gateway-id"),
                "DescribeInternetGateways",
                |gateway: InternetGateway| by_id(gateway.internet_gateway_id.clone(), gateway)
            ),
            addresses: addresses(ec2),
            nat_gateways: batched!(
                ec2.describe_nat_gateways().filter("nat-gateway-id"),
                "DescribeNatGateways",
                |gateway: NatGateway| by_id(gateway.nat_gateway_id.clone(), gateway)
            ),
            route_tables: batched!(
                ec2.describe_route_tables().filters("route-table-id"),
                "DescribeRouteTables",
                |table: RouteTable| by_id(table.route_table_id.clone(), table)
            ),
            route_table_associations: batched!(
                ec2.describe_route_tables().filters("association.subnet-id"),
                "DescribeRouteTables",
                |table: RouteTable| {
                    let associations = table.associations.unwrap_or_default().into_iter();
                    associations.filter_map(|one| by_id(one.subnet_id.clone(), one))
                }
            ),
            network_acls: network_acls(ec2),
            network_acl_associations: batched!(
                ec2.describe_network_acls().filters("association.subnet-id"),
                "DescribeNetworkAcls",
                |acl: NetworkAcl| {
                    let associations = acl.associations.unwrap_or_default().into_iter();
                    associations.filter_map(|one| by_id(one.subnet_id.clone(), one))
                }
            ),
            security_groups: batched!(
                ec2.describe_security_groups().filters("group-id"),
                "DescribeSecurityGroups",
                |group: SecurityGroup| by_id(group.group_id.clone(), group)
            ),
            vpc_endpoints: vpc_endpoints(ec2),
            flow_logs: batched!(
                ec2.describe_flow_logs().filter("flow-log-id"),
                "DescribeFlowLogs",
                |flow_log: FlowLog| by_id(flow_log.flow_log_id.clone(), flow_log)
            ),
        }
    }
}

/// DescribeAddresses is the one call here without pages.
fn addresses(ec2: &aws_sdk_ec2::Client) -> Batcher<AllocationId, Address> {
    let ec2 = ec2.clone();
    Batcher::new(WINDOW, MOST_KEYS, move |keys| {
        let request = ec2.describe_addresses().filters(filter("allocation-id", keys));
        async move {
            let described = request.send().await.called("DescribeAddresses")?.addresses.unwrap_or_default();
            Ok(described.into_iter().filter_map(|one| by_id(one.allocation_id.clone(), one)).collect())
        }
    })
}

/// Network ACLs are asked for by id: moto, by which the stack is judged, does not know the filter `network-acl-id`.
fn network_acls(ec2: &aws_sdk_ec2::Client) -> Batcher<NetworkAclId, NetworkAcl> {
    let ec2 = ec2.clone();
    let ask = move |keys: Vec<NetworkAclId>| {
        let ids = keys.iter().map(ToString::to_string).collect();
        let request = ec2.describe_network_acls().set_network_acl_ids(Some(ids));
        async move {
            let described = request.into_paginator().items().send().try_collect().await;
            let acls = described.called("DescribeNetworkAcls")?.into_iter();
            Ok(acls.filter_map(|acl: NetworkAcl| by_id(acl.network_acl_id.clone(), acl)).collect())
        }
    };
    Batcher::new(WINDOW, MOST_KEYS, move |keys| all_or_each(keys, ask.clone()))
}

/// VPC endpoints are asked for by id: moto does not know the filter `vpc-endpoint-id`.
fn vpc_endpoints(ec2: &aws_sdk_ec2::Client) -> Batcher<VpcEndpointId, VpcEndpoint> {
    let ec2 = ec2.clone();
    let ask = move |keys: Vec<VpcEndpointId>| {
        let ids = keys.iter().map(ToString::to_string).collect();
        let request = ec2.describe_vpc_endpoints().set_vpc_endpoint_ids(Some(ids));
        async move {
            let described = request.into_paginator().items().send().try_collect().await;
            let endpoints = described.called("DescribeVpcEndpoints")?.into_iter();
            Ok(endpoints.filter_map(|one: VpcEndpoint| by_id(one.vpc_endpoint_id.clone(), one)).collect())
        }
    };
    Batcher::new(WINDOW, MOST_KEYS, move |keys| all_or_each(keys, ask.clone()))
}

/// Asks for all keys at once; where one of them is gone, which fails the whole call, for each by itself.
async fn all_or_each<K, V, F>(keys: Vec<K>, ask: impl Fn(Vec<K>) -> F) -> Fetched<K, V>
where
    K: Clone + Eq + Hash,
    F: Future<Output = Fetched<K, V>>,
{
    let gone = |error: &CallError| error.class == ErrorClass::NotFound;
    match ask(keys.clone()).await {
        Err(error) if gone(&error) && keys.len() > 1 => {}
        Err(error) if gone(&error) => return Ok(HashMap::new()),
        answer => return answer,
    }
    let mut found = HashMap::new();
    for key in keys {
        match ask(vec![key]).await {
            Ok(one) => found.extend(one),
            Err(error) if gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Log = Arc<Mutex<Vec<Vec<u32>>>>;

    /// A batcher over the numbers below 100, each ten times itself, and the list of its fetches.
    fn tens(most_keys: usize) -> (Batcher<u32, u32>, Log) {
        let log = Log::default();
        let fetches = Arc::clone(&log);
        let batcher = Batcher::new(WINDOW, most_keys, move |keys: Vec<u32>| {
            fetches.lock().unwrap().push(keys.clone());
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if keys.contains(&666) {
                    return Err(CallError::new(ErrorClass::Denied, "Fetch", "no"));
                }
                Ok(keys.into_iter().filter(|key| *key < 100).map(|key| (key, key * 10)).collect())
            }
        });
        (batcher, log)
    }

    async fn get_all(
        batcher: &Batcher<u32, u32>,
        keys: impl IntoIterator<Item = u32>,
    ) -> Vec<Result<Option<u32>, CallError>> {
        let asked: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let batcher = batcher.clone();
                tokio::spawn(async move { batcher.get(&key).await })
            })
            .collect();
        let mut answers = Vec::new();
        for one in asked {
            answers.push(one.await.unwrap());
        }
        answers
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_keys_at_once_are_one_fetch() {
        let (batcher, log) = tens(200);
        let answers = get_all(&batcher, (0..50).rev()).await;
        let expected: Vec<_> = (0..50).rev().map(|key| Ok(Some(key * 10))).collect();
        assert_eq!(answers, expected);
        assert_eq!(*log.lock().unwrap(), [(0..50).collect::<Vec<_>>()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_has_no_more_keys_than_the_call_takes() {
        let (batcher, log) = tens(2);
        assert_eq!(get_all(&batcher, 0..5).await.len(), 5);
        assert_eq!(*log.lock().unwrap(), [vec![0, 1], vec![2, 3], vec![4]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_key_is_none_and_does_not_disturb_the_others() {
        let (batcher, _) = tens(200);
        assert_eq!(get_all(&batcher, [1, 500]).await, [Ok(Some(10)), Ok(None)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_asked_for_twice_is_fetched_once() {
        let (batcher, log) = tens(200);
        assert_eq!(get_all(&batcher, [7, 7]).await, [Ok(Some(70)), Ok(Some(70))]);
        assert_eq!(*log.lock().unwrap(), [vec![7]]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_reaches_everybody_in_its_window_and_nobody_later() {
        let (batcher, _) = tens(200);
        for answer in get_all(&batcher, [1, 666, 2]).await {
            assert_eq!(answer.unwrap_err().class, ErrorClass::Denied);
        }
        assert_eq!(batcher.get(&1).await, Ok(Some(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn where_one_object_is_gone_the_others_are_asked_for_one_by_one() {
        let log = Log::default();
        let ask = |keys: Vec<u32>| {
            log.lock().unwrap().push(keys.clone());
            let answer = match keys.iter().any(|key| *key >= 100) {
                true => Err(CallError::new(ErrorClass::NotFound, "Fetch", "gone")),
                false => Ok(keys.into_iter().map(|key| (key, key * 10)).collect::<HashMap<_, _>>()),
            };
            std::future::ready(answer)
        };
        assert_eq!(all_or_each(vec![1, 2], &ask).await.unwrap(), HashMap::from([(1, 10), (2, 20)]));
        assert_eq!(all_or_each(vec![1, 100, 2], &ask).await.unwrap(), HashMap::from([(1, 10), (2, 20)]));
        assert_eq!(all_or_each(vec![100], &ask).await.unwrap(), HashMap::new());
        let expected = [vec![1, 2], vec![1, 100, 2], vec![1], vec![100], vec![2], vec![100]];
        assert_eq!(*log.lock().unwrap(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn where_asking_for_all_fails_otherwise_nobody_is_asked_again() {
        let ask = |_: Vec<u32>| {
            std::future::ready(Fetched::<u32, u32>::Err(CallError::new(ErrorClass::Denied, "Fetch", "no")))
        };
        assert_eq!(all_or_each(vec![1, 2], ask).await.unwrap_err().class, ErrorClass::Denied);
    }

    #[tokio::test(start_paused = true)]
    async fn two_windows_are_two_fetches_even_while_the_first_still_runs() {
        let (batcher, log) = tens(200);
        let first = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.get(&1).await }
        });
        tokio::time::sleep(2 * WINDOW).await;
        assert_eq!(batcher.get(&2).await, Ok(Some(20)));
        assert_eq!(first.await.unwrap(), Ok(Some(10)));
        assert_eq!(*log.lock().unwrap(), [vec![1], vec![2]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_does_not_disturb_the_others() {
        let (batcher, _) = tens(200);
        let first = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.get(&1).await }
        });
        tokio::task::yield_now().await;
        let second = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.get(&2).await }
        });
        tokio::task::yield_now().await;
        first.abort();
        assert_eq!(second.await.unwrap(), Ok(Some(20)));
    }
}
