//! The policy of the bucket: two statements of ours, known by their `Sid`, among those of others.

use serde_json::{Value, json};

/// Requests without TLS (Security Hub S3.5).
const TLS: &str = "StackDenyWithoutTls";

/// Deleting the bucket, and old versions of what is in it. Lifecycle rules still remove those: they are not bound by policies.
const PROTECT: &str = "StackProtect";

/// What the policy is to say of our statements.
pub(super) struct Statements<'a> {
    pub(super) partition: &'a str,
    pub(super) bucket: &'a str,
    /// `None` leaves it as it is.
    pub(super) protect: Option<bool>,
}

/// What a policy says of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) tls: bool,
    pub(super) protect: bool,
}

impl Statements<'_> {
    fn arns(&self) -> (String, String) {
        let bucket = format!("arn:{}:s3:::{}", self.partition, self.bucket);
        let objects = format!("{bucket}/*");
        (bucket, objects)
    }

    fn tls(&self) -> Value {
        let (bucket, objects) = self.arns();
        json!({
            "Sid": TLS,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, objects],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        })
    }

    fn protect(&self) -> Value {
        let (bucket, objects) = self.arns();
        json!({
            "Sid": PROTECT,
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
            "Resource": [bucket, objects],
        })
    }

    /// What the live policy says, and what it is to become; `None` if that is the same.
    pub(super) fn changed(&self, live: Option<&str>) -> Result<(Says, Option<(Says, String)>), String> {
        let mut policy = match live {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
            None => json!({ "Version": "2012-10-17", "Statement": [] }),
        };
        let statements = match policy["Statement"].take() {
            Value::Array(all) => all,
            // A single one may stand without a list (IAM JSON policy grammar).
            one @ Value::Object(_) => vec![one],
            _ => return Err("it has no statements".to_owned()),
        };
        let has = |wanted: &Value| statements.iter().any(|statement| same(statement, wanted));
        let (tls, protect) = (self.tls(), self.protect());
        let says = Says { tls: has(&tls), protect: has(&protect) };
        let wanted = Says { tls: true, protect: self.protect.unwrap_or(says.protect) };
        // One that somebody changed is replaced, so neither stands there under its name as something else.
        let is_ours = |statement: &&Value| statement["Sid"] == TLS || statement["Sid"] == PROTECT;
        let ours = statements.iter().filter(is_ours).count();
        if says == wanted && ours == usize::from(wanted.tls) + usize::from(wanted.protect) {
            return Ok((says, None));
        }
        let mut all: Vec<Value> = statements.iter().filter(|one| !is_ours(one)).cloned().collect();
        all.push(tls);
        all.extend(wanted.protect.then_some(protect));
        policy["Statement"] = all.into();
        Ok((says, Some((wanted, policy.to_string()))))
    }
}

/// Whether two parts of a policy mean the same: a list of one is as good as what is in it, lists have no order, and `"*"` as a
/// principal is everybody, as `{"AWS": "*"}` is.
fn same(one: &Value, other: &Value) -> bool {
    plain(one) == plain(other)
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Array(all) if all.len() == 1 => plain(&all[0]),
        Value::Array(all) => {
            let mut all: Vec<Value> = all.iter().map(plain).collect();
            all.sort_by_key(ToString::to_string);
            all.into()
        }
        Value::Object(members) if members.len() == 1 && members.get("AWS").map(plain) == Some("*".into()) => {
            "*".into()
        }
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        Value::Bool(flag) => flag.to_string().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Statements<'static> = Statements { partition: "aws", bucket: "b", protect: None };

    #[test]
    fn statements_of_others_stay_and_ours_are_replaced() {
        let theirs = json!({ "Sid": "Theirs", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*" });
        let edited = json!({ "Sid": TLS, "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*" });
        let live = json!({ "Version": "2012-10-17", "Statement": [theirs, edited] }).to_string();
        let (says, changed) = OF.changed(Some(&live)).unwrap();
        assert_eq!(says, Says { tls: false, protect: false });
        let policy: Value = serde_json::from_str(&changed.unwrap().1).unwrap();
        assert_eq!(policy["Statement"], json!([theirs, OF.tls()]));
    }

    #[test]
    fn protection_is_put_there_and_taken_away_and_otherwise_left_as_it_is() {
        let protected = Statements { protect: Some(true), ..OF };
        let (_, changed) = protected.changed(None).unwrap();
        let (wanted, policy) = changed.unwrap();
        assert_eq!(wanted, Says { tls: true, protect: true });
        for same in [&protected, &OF] {
            assert_eq!(same.changed(Some(&policy)).unwrap(), (wanted, None));
        }
        let (_, changed) = Statements { protect: Some(false), ..OF }.changed(Some(&policy)).unwrap();
        assert_eq!(
            OF.changed(Some(&changed.unwrap().1)).unwrap(),
            (Says { tls: true, protect: false }, None)
        );
    }

    #[test]
    fn a_policy_that_is_written_otherwise_and_means_the_same_is_left_alone() {
        let live = json!({ "Version": "2012-10-17", "Statement": {
            "Sid": TLS, "Effect": "Deny", "Principal": { "AWS": ["*"] }, "Action": ["s3:*"],
            "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b"], "Condition": { "Bool": { "aws:SecureTransport": [false] } } } });
        assert_eq!(OF.changed(Some(&live.to_string())).unwrap().1, None);
        assert!(OF.changed(Some("{}")).is_err());
    }
}
