//! Client tokens: the same request twice makes one object.
//!
//! EC2 API Reference, "Ensuring idempotency": the same token with the same parameters returns the first
//! answer, with other parameters it is `IdempotentParameterMismatch`; a token is good for 24 hours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Cx, Region};
use crate::parameters::Parameters;
use crate::request::Call;
use crate::response::{Refusal, ensure, refuse_if};

const GOOD_FOR_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What was answered to which token. A token belongs to one operation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tokens(BTreeMap<String, Used>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Used {
    at_millis: i64,
    parameters: Value,
    answer: Value,
}

impl Region {
    /// Runs a create operation unless its token was used before.
    pub(super) fn once(
        &mut self,
        cx: &Cx<'_>,
        call: &Call,
        mut p: Parameters,
        create: fn(&mut Region, &Cx<'_>, Parameters) -> Answer,
    ) -> Answer {
        let token = p.optional("ClientToken")?.filter(|token| !token.is_empty());
        let Some(token) = token else {
            return create(self, cx, p);
        };
        refuse_if(token.len() > 64, || p.invalid("ClientToken", &token, "at most 64 ASCII characters"))?;
        self.tokens.0.retain(|_, used| cx.now_millis - used.at_millis < GOOD_FOR_MILLIS);
        let key = format!("{} {token}", call.operation);
        if let Some(used) = self.tokens.0.get(&key) {
            ensure(used.parameters == *call.parameters, || {
                Refusal::new(
                    "IdempotentParameterMismatch",
                    format!("The client token '{token}' was used before with other parameters."),
                )
            })?;
            return Ok(used.answer.clone());
        }
        let mut answer = create(self, cx, p)?;
        answer["clientToken"] = token.into();
        let used = Used {
            at_millis: cx.now_millis,
            parameters: Value::clone(&call.parameters),
            answer: answer.clone(),
        };
        self.tokens.0.insert(key, used);
        Ok(answer)
    }
}
