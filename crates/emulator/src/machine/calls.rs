//! The log of calls.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::machine::layer::{Layer, Next};
use crate::machine::services::Catalog;
use crate::protocol::request::Call;
use crate::protocol::response::{Lost, Reply};

/// How many calls the log keeps; the oldest go first.
const KEPT: usize = 100_000;

/// One call that the emulator received.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallRecord {
    /// Position among all calls of this emulator, from 1.
    pub sequence: u64,
    /// The signing name of the service, such as `ec2`.
    pub service: String,
    /// The operation, such as `CreateVpc`.
    pub operation: String,
    /// The region that the call was signed for.
    pub region: String,
    /// Whether the operation may change something.
    pub mutating: bool,
    /// The parameters, with secrets replaced by [`REDACTED`](crate::REDACTED). Shared, because logs are copied.
    pub parameters: Arc<Value>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet, or given up by the caller.
    Pending,
    /// Success.
    Ok,
    /// An error with AWS's code.
    Error(String),
    /// No answer reached the caller.
    Lost(Lost),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pending => f.write_str("pending"),
            Outcome::Ok => f.write_str("ok"),
            Outcome::Error(code) => f.write_str(code),
            Outcome::Lost(Lost::TimedOut) => f.write_str("timed out"),
            Outcome::Lost(Lost::ConnectionReset) => f.write_str("connection reset"),
        }
    }
}

/// The log. It is the outermost layer, so it records what the client sees.
pub(crate) struct CallLog {
    catalog: &'static dyn Catalog,
    records: Mutex<VecDeque<CallRecord>>,
}

impl CallLog {
    pub(crate) fn new(catalog: &'static dyn Catalog) -> Self {
        CallLog { catalog, records: Mutex::default() }
    }

    pub(crate) fn records(&self) -> Vec<CallRecord> {
        let mut records: Vec<_> = self.lock().iter().cloned().collect();
        // Calls of several threads may arrive here in another order than they were numbered.
        records.sort_by_key(|record| record.sequence);
        records
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<CallRecord>> {
        // A record is pushed or changed in one step, so a panic elsewhere leaves the log whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Layer for CallLog {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        {
            let mut records = self.lock();
            if records.len() == KEPT {
                records.pop_front();
            }
            records.push_back(CallRecord {
                sequence: call.sequence,
                service: call.service.clone(),
                operation: call.operation.clone(),
                region: call.region.clone(),
                mutating: call.is_mutating(),
                parameters: Arc::new(call.redacted(self.catalog.facts(&call.service).secrets)),
                outcome: Outcome::Pending,
            });
        }
        let reply = next.run(call).await;
        let outcome = match &reply {
            Ok(response) => match &response.error {
                None => Outcome::Ok,
                Some(code) => Outcome::Error(code.clone()),
            },
            Err(lost) => Outcome::Lost(*lost),
        };
        let mut records = self.lock();
        // Calls finish soon after they start, so the record is near the end.
        if let Some(record) = records.iter_mut().rev().find(|record| record.sequence == call.sequence) {
            record.outcome = outcome;
        }
        reply
    }
}
