//! Why a bucket cannot be used for states.

use crate::error::S3Error;

/// Why a bucket cannot be made, or not be used for states.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] S3Error),
    /// Another account has the name.
    #[error("the name {bucket} is taken: a bucket of another account has it")]
    Taken {
        /// The bucket's name.
        bucket: String,
    },
    /// S3 denies access.
    #[error("bucket {bucket} does not belong to account {account}, or access to it is denied")]
    Closed {
        /// The bucket's name.
        bucket: String,
        /// The account that it must belong to.
        account: String,
    },
    /// It is in another region.
    #[error("bucket {bucket} is in {region}")]
    Elsewhere {
        /// The bucket's name.
        bucket: String,
        /// Its region.
        region: String,
    },
    /// Its tags say that it is something else.
    #[error("bucket {bucket} has the tag {tag} = {found}, not {wanted}")]
    Another {
        /// The bucket's name.
        bucket: String,
        /// The tag.
        tag: &'static str,
        /// Its value.
        found: String,
        /// What it would have to be.
        wanted: String,
    },
    /// Somebody's lifecycle rule would delete the state, or make it unreadable.
    #[error("the lifecycle rule `{rule}` of bucket {bucket} would {what} the state")]
    Expires {
        /// The bucket's name.
        bucket: String,
        /// The rule.
        rule: String,
        /// What it does.
        what: &'static str,
    },
    /// Its policy is not a policy.
    #[error("the policy of bucket {bucket} cannot be read: {reason}")]
    Policy {
        /// The bucket's name.
        bucket: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It was created and is not to be seen.
    #[error("bucket {bucket} was created, and S3 does not show it yet")]
    NotSeen {
        /// The bucket's name.
        bucket: String,
    },
}

impl BucketError {
    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            BucketError::Call(error) if error.call.class == engine::ErrorClass::Denied => {
                "nothing was lost; docs/deploying-identity/state.json has what `stack bootstrap` needs".to_owned()
            }
            BucketError::Call(error) => error.hint(),
            BucketError::Taken { .. } => {
                "choose another name for `state.bucket`: names are the same for all accounts of the world, so one with your account \
                 number in it is free"
                    .to_owned()
            }
            BucketError::Closed { .. } => "choose another name for `state.bucket`, or set `state.account_id` to the bucket's account; \
                 if it is yours, this identity needs s3:ListBucket on it"
                .to_owned(),
            BucketError::Elsewhere { region, .. } => {
                format!("set `state.region = \"{region}\"`, or choose another name for `state.bucket`")
            }
            BucketError::Another { tag, .. } if *tag == super::PROJECT => "it is set up already, for another project. To share it, leave \
                 it as it is: each project has its own prefix. Otherwise choose another name for `state.bucket`"
                .to_owned(),
            BucketError::Another { .. } => {
                "a stack made it for something else, and may delete it: choose another name for `state.bucket`".to_owned()
            }
            BucketError::Expires { rule, .. } => format!(
                "remove the rule `{rule}`, or limit it to other objects by a prefix or a tag; or choose another name for \
                 `state.bucket`"
            ),
            BucketError::Policy { .. } => "mend it in the console of S3, or choose another name for `state.bucket`".to_owned(),
            BucketError::NotSeen { .. } => "run `stack bootstrap` again in some minutes".to_owned(),
        }
    }
}
