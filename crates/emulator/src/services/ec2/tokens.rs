//! Client tokens: the same request twice makes one object.
//!
//! EC2 API Reference, "Ensuring idempotency": the same token with the same parameters returns the first
//! answer, with other parameters it is `IdempotentParameterMismatch`; a token is good for 24 hours.

use super::{Answer, Cx, Region};
use crate::protocol::parameters::Parameters;
use crate::services::{Call, Refusal, refuse_if};

const GOOD_FOR_MILLIS: i64 = 24 * 60 * 60 * 1000;

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
        let other = || {
            let message = format!("The client token '{token}' was used before with other parameters.");
            Refusal::new("IdempotentParameterMismatch", message)
        };
        if let Some(answer) = self.tokens.look(cx.now_millis, GOOD_FOR_MILLIS, call, &token, other)? {
            return Ok(answer);
        }
        let mut answer = create(self, cx, p)?;
        answer["clientToken"] = token.as_str().into();
        self.tokens.note(cx.now_millis, call, &token, &answer);
        Ok(answer)
    }
}
