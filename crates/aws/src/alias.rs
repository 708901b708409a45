//! The alias of the account.

use engine::CallError;

use crate::Context;
use crate::error::Called;

/// The alias of the account, a name for people; `None` where it has none. One call, `iam:ListAccountAliases`.
///
/// # Errors
/// As the call fails.
pub async fn account_alias(cx: &Context) -> Result<Option<String>, CallError> {
    let answer = cx.iam().list_account_aliases().send().await.called("ListAccountAliases")?;
    Ok(answer.account_aliases.into_iter().next())
}
