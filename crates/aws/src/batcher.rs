//! Describe calls, batched: reads that are asked for at about the same time become one call.
//!
//! EC2 refills its bucket for Describe calls at 20 a second, and a refresh of a whole stack looks at hundreds of
//! objects. A call names the objects by *filter*, not by id: with ids, one object that is gone makes the whole call fail; with
//! a filter it is only missing from the answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{CallError, ErrorClass};
use tokio::sync::oneshot;

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

    /// A batcher over a Describe call of EC2.
    pub fn of_ec2<F>(fetch: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Fetched<K, V>> + Send + 'static,
    {
        Self::new(WINDOW, MOST_KEYS, fetch)
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
