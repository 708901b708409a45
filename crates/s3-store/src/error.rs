//! What goes wrong between this program and the bucket, and what to do about it.

use engine::{CallError, ErrorClass};

/// A call to S3 that failed for good.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}")]
pub struct S3Error {
    /// The call.
    pub call: CallError,
    /// The region that the bucket is in, if S3 said so.
    pub region: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// The account that the bucket had to belong to and does not, where that is why S3 refused.
    pub not_of: Option<String>,
    /// Whether it is about an object whose newest version is a delete marker.
    pub(crate) deleted: bool,
}

impl S3Error {
    /// S3's code for it; empty where it gave none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.call.code.as_deref().unwrap_or_default()
    }

    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> String {
        let bucket = &self.bucket;
        if let Some(account) = &self.not_of {
            return format!(
                "{bucket} does not belong to account {account}, which is what `state.account_id` says, or that of the credentials where \
                 it is not set. If you know that another account of yours has the bucket, set `state.account_id` to that one; if not, \
                 somebody else has a bucket of this name: choose another one for `state.bucket`"
            );
        }
        match (self.code(), self.call.class) {
            ("NoSuchBucket", _) => {
                format!("create it with `stack bootstrap`, or correct `state.bucket`, which is {bucket}")
            }
            ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
                match &self.region {
                    Some(region) => format!("the bucket is in {region}: set `state.region` to that"),
                    None => "the bucket is in another region: set `state.region` to that".to_owned(),
                }
            }
            (code, _) if code.starts_with("KMS.") => format!(
                "the bucket's objects are encrypted with a KMS key that cannot be used now. Enable it, or cancel its deletion (`aws \
                 kms enable-key`, `aws kms cancel-key-deletion`), and run again. Which one it is: `aws s3api \
                 get-bucket-encryption --bucket {bucket}`. If it is the bucket's default and gone for good, `stack bootstrap` gives that \
                 up for S3's own keys"
            ),
            (_, ErrorClass::Expired) => "sign in again, then run again: what was begun is looked up".to_owned(),
            (_, ErrorClass::Denied) => format!(
                "this identity needs s3:ListBucket and s3:GetBucketVersioning on {bucket}, and s3:GetObject, s3:PutObject, \
                 s3:PutObjectTagging and s3:DeleteObject on what is in it (with a KMS key also kms:GenerateDataKey and \
                 kms:Decrypt), and the bucket's policy must let it. The bucket has to belong to the account in `state.account_id`, or to \
                 that of the credentials where it is not set"
            ),
            (_, ErrorClass::Unreachable) => "check the network, its proxy and DNS".to_owned(),
            ("NotImplemented", _) => {
                "this store cannot do what the state needs; use Amazon S3, or a store that has its conditional requests".to_owned()
            }
            _ => "nothing that was recorded is lost; run again once S3 answers".to_owned(),
        }
    }
}
